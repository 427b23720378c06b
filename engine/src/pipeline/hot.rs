//! A hot thread: a loop over its stages' `poll`, and nothing else.

use crate::clock::Clock;
use crate::pin::watch::Watch;
use crate::pin::{self, Refusal, Usage};
use crate::stage::{Stage, Turn};
use crate::telemetry::ThreadMeters;
use crate::wait::Wait;
use shm::atomic::{AtomicU64, Ordering};
use shm::journal::LaneWriter;
use shm::units::Nanos;
use std::sync::Arc;

/// An idle turn that took longer than this is a gap: the machine took the core away.
const GAP: Nanos = Nanos(1_000);

/// What the control thread tells the hot threads: one word, read once per turn.
#[derive(Clone, Debug)]
pub struct Phase {
    word: Arc<AtomicU64>,
}

/// The phases of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum PhaseOf {
    /// Started; caches and pages are being warmed.
    Warm = 0,
    /// The measured window: faults, switches and allocations count from its start.
    Window = 1,
    /// The window is over; its counts are published.
    After = 2,
    /// Venue sessions are ended: logout, and what the venue still says.
    Leave = 3,
    /// Leave the loop.
    Stop = 4,
}

impl Phase {
    /// Warm.
    #[must_use]
    pub fn new() -> Self {
        Self { word: Arc::new(AtomicU64::new(PhaseOf::Warm as u64)) }
    }

    /// Tells every hot thread.
    pub fn set(&self, phase: PhaseOf) {
        // ORDERING: Release; pairs with the Acquire in `get`: what was written before a phase is
        // there for a thread that sees it.
        self.word.store(phase as u64, Ordering::Release);
    }

    /// Whether the run is in this phase.
    #[must_use]
    pub fn is(&self, phase: PhaseOf) -> bool {
        self.get() == phase as u64
    }

    #[inline]
    fn get(&self) -> u64 {
        // ORDERING: Acquire; pairs with the Release in `set`.
        self.word.load(Ordering::Acquire)
    }
}

impl Default for Phase {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts the heap allocations of the calling thread. The program that owns the allocator gives it;
/// without one, allocations are not counted.
pub type AllocationCount = fn() -> u64;

/// Everything a hot thread owns.
pub struct HotThread {
    /// Its name, at most 15 bytes.
    pub name: Box<str>,
    /// The core it is pinned to.
    pub core: Option<usize>,
    /// What it does when idle.
    pub wait: Wait,
    /// Its stages, in flow order.
    pub stages: Vec<Stage>,
    /// Its lane.
    pub lane: LaneWriter,
    /// Its clock.
    pub clock: Clock,
    /// Its meters.
    pub meters: ThreadMeters,
    /// What it is told.
    pub phase: Phase,
    /// Counts its allocations.
    pub allocations: Option<AllocationCount>,
    /// Counts its system calls.
    pub watch: Option<&'static Watch>,
    /// A violation to commit on every turn: for the proof that a test would see it.
    #[cfg(feature = "planted")]
    pub plant: Option<fn()>,
}

impl HotThread {
    /// Pins the calling thread, puts it under watch, and says what was refused; the loop runs
    /// either way.
    pub fn place(&self) -> Option<Refusal> {
        let tid = rustix::thread::gettid().as_raw_nonzero().get();
        self.meters.tid.set(u64::try_from(tid).unwrap_or(0));
        let pinned = self.core.map_or(Ok(()), |core| {
            pin::to_core(core)?;
            self.meters.core.set(core as u64 + 1);
            Ok(())
        });
        let watched = self.watch.map_or(Ok(()), |watch| watch.enter(&self.name));
        pinned.and(watched).err()
    }

    /// The loop. Returns the thread's parts when told to stop.
    #[must_use]
    pub fn run(mut self) -> Self {
        let mut phase = PhaseOf::Warm as u64;
        let mut window = ((Usage::default(), 0), Nanos(0));
        let mut last = self.clock.now();
        let mut idle = false;
        loop {
            let now = self.clock.now();
            if idle && now.saturating_since(last) > GAP {
                self.meters.gap.record(now.saturating_since(last).0);
            }
            last = now;
            let told = self.phase.get();
            if told != phase {
                if told == PhaseOf::Window as u64 {
                    window = (self.usage(), now);
                    self.edge();
                } else if phase == PhaseOf::Window as u64 {
                    self.publish(window.0, now.saturating_since(window.1));
                }
                if told == PhaseOf::Leave as u64 {
                    self.stages.iter_mut().for_each(Stage::begin_leave);
                }
                if told == PhaseOf::Stop as u64 {
                    return self;
                }
                phase = told;
            }
            let mut work = 0;
            let mut turn = Turn::new(now, &mut self.lane, &self.clock);
            for stage in &mut self.stages {
                work += stage.poll(&mut turn);
            }
            #[cfg(feature = "planted")]
            if let Some(plant) = self.plant {
                plant();
            }
            self.meters.polls.add(1);
            idle = work == 0;
            if idle {
                self.meters.yields.add(u64::from(self.wait == Wait::Yield));
                self.wait.idle();
            } else {
                self.meters.busy_polls.add(1);
                self.meters.free_segments.set(u64::from(self.lane.free_segments()));
            }
        }
    }

    /// Cold: at the edges of the window only.
    #[cold]
    fn usage(&self) -> (Usage, u64) {
        (pin::usage(), self.allocations.map_or(0, |count| count()))
    }

    /// Tells whoever counts system calls that the window begins or ends here.
    #[cold]
    fn edge(&self) {
        if let Some(watch) = self.watch {
            watch.edge(&self.name);
        }
    }

    #[cold]
    fn publish(&self, (usage, allocations): (Usage, u64), window: Nanos) {
        self.edge();
        let (end, allocations_end) = self.usage();
        let meters = &self.meters;
        meters.page_faults.set(end.page_faults - usage.page_faults);
        meters.voluntary_switches.set(end.voluntary_switches - usage.voluntary_switches);
        meters.involuntary_switches.set(end.involuntary_switches - usage.involuntary_switches);
        meters.allocations.set(allocations_end - allocations);
        meters.window.set(window.0);
    }
}
