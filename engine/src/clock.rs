//! The engine's clock: wall time at start plus scaled time stamp counter, so it never steps.
//!
//! A hot thread reads it once per poll and passes the time down; a stage takes further stamps only
//! for the latency account of a trip. A replay has no clock: it is told each time by the journal.

use shm::atomic::{AtomicU64, Ordering};
use shm::units::Nanos;
use std::sync::Arc;

/// Reads engine time. One per thread; clones share the anchor.
#[derive(Clone, Debug)]
pub struct Clock {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Live(Live),
    /// Given from outside: replay and simulation.
    Given(Nanos),
    /// Given from outside to all clones at once, ns.
    Shared(Arc<AtomicU64>),
}

/// Counts in which the counter is measured: so many that a day of them is right to some ns.
const SCALE: u64 = 1 << 46;

#[derive(Clone, Debug)]
struct Live {
    counter: quanta::Clock,
    /// Counter at start.
    origin: u64,
    /// What [`SCALE`] counts take, ns.
    scale: u64,
    /// Engine time at start: the wall clock's.
    start: Nanos,
    /// Wall clock less engine clock, as wrapping `u64`, moved by [`Clock::anchor`].
    drift: Arc<AtomicU64>,
}

/// One reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub struct AnchorPoint {
    /// Engine clock.
    pub engine: Nanos,
    /// Wall clock.
    pub wall: Nanos,
    /// Raw counter.
    pub tsc: u64,
    /// Half the width of the bracket around the reading of the wall clock, ns.
    pub uncertainty: u64,
}

impl Clock {
    /// Starts the clock at the wall clock's time. Calibrates the counter: up to 200 ms, so call it
    /// before anything hot exists.
    #[must_use]
    pub fn start() -> Self {
        let counter = quanta::Clock::new();
        // As the counter was calibrated, without asking each time what kind of counter it is.
        let scale = counter.delta_as_nanos(0, SCALE);
        let origin = counter.raw();
        let start = wall_now();
        let drift = Arc::new(AtomicU64::new(0));
        Self { kind: Kind::Live(Live { counter, origin, scale, start, drift }) }
    }

    /// A clock that says what it was last told.
    #[must_use]
    pub const fn given(now: Nanos) -> Self {
        Self { kind: Kind::Given(now) }
    }

    /// A clock whose clones all say what one of them was last told: for an engine that takes the
    /// time of a turn for every stamp in it, to see what stamps cost.
    #[must_use]
    pub fn shared(now: Nanos) -> Self {
        Self { kind: Kind::Shared(Arc::new(AtomicU64::new(now.0))) }
    }

    /// Tells a given clock the time; a live one does not listen.
    pub fn tell(&mut self, now: Nanos) {
        match &mut self.kind {
            Kind::Live(_) => {}
            Kind::Given(at) => *at = now,
            // ORDERING: Relaxed; pairs with the load in `now`, a lone word.
            Kind::Shared(at) => at.store(now.0, Ordering::Relaxed),
        }
    }

    /// Engine time now.
    #[must_use]
    #[inline]
    pub fn now(&self) -> Nanos {
        match &self.kind {
            Kind::Live(live) => live.at(live.counter.raw()),
            Kind::Given(now) => *now,
            // ORDERING: Relaxed; pairs with the store in `tell`, a lone word.
            Kind::Shared(now) => Nanos(now.load(Ordering::Relaxed)),
        }
    }

    /// Converts a wall-clock stamp of the kernel to engine time by the last anchor; `None` when it
    /// is later than `read` or more than a second before it (the caller counts it and takes the
    /// read).
    #[must_use]
    #[inline]
    pub fn wall_to_engine(&self, wall: Nanos, read: Nanos) -> Option<Nanos> {
        let Kind::Live(live) = &self.kind else { return None };
        // ORDERING: Relaxed; a lone word, nothing else is read because of it.
        let drift = live.drift.load(Ordering::Relaxed);
        let engine = Nanos(wall.0.wrapping_sub(drift));
        let age = read.0.checked_sub(engine.0)?;
        (age <= Nanos::SECOND.0).then_some(engine)
    }

    /// Takes a new anchor: reads the wall clock between two readings of the counter, the tightest
    /// of a few tries. Called by a cold thread, about once a second.
    #[must_use]
    pub fn anchor(&self) -> AnchorPoint {
        let Kind::Live(live) = &self.kind else {
            let now = self.now();
            return AnchorPoint { engine: now, wall: now, tsc: 0, uncertainty: 0 };
        };
        let mut best: Option<AnchorPoint> = None;
        for _ in 0..5 {
            let before = live.counter.raw();
            let wall = wall_now();
            let after = live.counter.raw();
            let (early, late) = (live.at(before), live.at(after));
            let uncertainty = late.0.saturating_sub(early.0) / 2;
            let engine = Nanos(early.0 + uncertainty);
            if best.is_none_or(|best| uncertainty < best.uncertainty) {
                best = Some(AnchorPoint { engine, wall, tsc: before, uncertainty });
            }
        }
        let anchor = best.unwrap_or(AnchorPoint {
            engine: self.now(),
            wall: wall_now(),
            tsc: 0,
            uncertainty: u64::MAX,
        });
        // ORDERING: Relaxed; pairs with the load in `wall_to_engine`, a lone word.
        live.drift.store(anchor.wall.0.wrapping_sub(anchor.engine.0), Ordering::Relaxed);
        anchor
    }
}

impl Live {
    #[inline]
    fn at(&self, raw: u64) -> Nanos {
        // Cores may differ by a little: not before the start.
        let counts = u128::from(raw.saturating_sub(self.origin));
        let ns = (counts * u128::from(self.scale)) >> SCALE.ilog2();
        Nanos(self.start.0.wrapping_add(ns as u64))
    }
}

/// The wall clock, ns since the Unix epoch. Cold: a stage is given the time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "cold: anchors, and the start")]
pub fn wall_now() -> Nanos {
    // By the C library and not by the kernel's own page, which callgrind does not map.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Nanos(since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: engine time never steps back and keeps to the wall clock. Method: many reads, one
    /// anchor.
    #[test]
    fn the_clock_rises_and_stays_near_the_wall() {
        let clock = Clock::start();
        let mut last = clock.now();
        for _ in 0..100_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
        let anchor = clock.anchor();
        let apart = anchor.engine.0.abs_diff(anchor.wall.0);
        assert!(apart < Nanos::SECOND.0, "{apart} ns apart");
    }

    /// Goal: the scale taken once is that of the counter. Method: what a second, a day and a year
    /// of counts take by both.
    #[test]
    fn the_scale_is_that_of_the_counter() {
        let Kind::Live(live) = Clock::start().kind else { panic!("a live clock") };
        for counts in [1, 3_000_000_000, 260_000_000_000_000, 95_000_000_000_000_000] {
            let exact = live.counter.delta_as_nanos(live.origin, live.origin + counts);
            let ours = live.at(live.origin + counts).0 - live.start.0;
            assert!(ours.abs_diff(exact) <= 1 + counts / SCALE, "{counts}: {ours}, {exact}");
        }
        assert_eq!(live.at(live.origin - 1), live.start, "never before the start");
    }

    /// Goal: a given clock says what it was told, a shared one through every clone. Method: both,
    /// and a clone of each made before they are told.
    #[test]
    fn told_clocks_say_what_they_were_told() {
        for (mut clock, heard) in [(Clock::given(Nanos(1)), 1), (Clock::shared(Nanos(1)), 2)] {
            let clone = clock.clone();
            assert_eq!(clock.now(), Nanos(1));
            clock.tell(Nanos(2));
            assert_eq!((clock.now(), clone.now()), (Nanos(2), Nanos(heard)));
        }
    }

    /// Goal: a kernel stamp is used only when it can be true.
    #[test]
    fn impossible_kernel_stamps_are_refused() {
        let clock = Clock::start();
        let anchor = clock.anchor();
        let read = clock.now();
        let wall = Nanos(anchor.wall.0 + (read.0 - anchor.engine.0));
        assert!(clock.wall_to_engine(Nanos(wall.0 - 1_000), read).is_some());
        assert_eq!(clock.wall_to_engine(Nanos(wall.0 + 1_000_000), read), None);
        assert_eq!(clock.wall_to_engine(Nanos(wall.0 - 2_000_000_000), read), None);
    }
}
