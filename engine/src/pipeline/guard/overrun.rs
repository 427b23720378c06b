//! Strategies that hold their thread for too long (S15, K5): each call of a strategy shows in a
//! word ([`Held`]), and the guard sees how long it stays the same.
//!
//! What counts is the time for which the call ran or slept, as the kernel has it of its thread: the
//! time in which the machine kept a ready thread from its core is not the strategy's.
//!
//! | after | what |
//! |---|---|
//! | `kill.overrun_max_ms` | the strategy's gate is closed; should the call return, it is stopped |
//! | 10 ms more | whatever shares the thread is as dead: the global gate is closed where risk or a gateway runs there, else the gates of its other strategies |
//! | 20 ms behind a closed gate | the guard cancels in the place of a gateway that stands still |

use super::{Words, still};
use crate::config::topology::Plan;
use crate::config::{Config, StageId};
use crate::control::utc;
use crate::pin::run_time;
use crate::stage::strategy::Held;
use shm::counters::CounterReader;
use shm::gates::{Gates, Scope, Trigger};
use shm::ids::StrategyId;
use shm::region::{RegionError, RegionReader};
use shm::units::Nanos;

/// A call that goes on for so long after its strategy's gate was closed does not return.
const HUNG: Nanos = Nanos(10_000_000);
/// The guard itself stood still for longer: the machine, not a strategy, took the time.
const BLIND: Nanos = Nanos(100_000_000);

/// Most that one look adds for a thread that sleeps: the guard may have been away.
const ASLEEP_MAX: Nanos = Nanos(5_000_000);

/// What the kernel says of a strategy's thread.
trait Kernel: Send {
    /// For how long it has run; `None` if that is not known.
    fn run_time(&self) -> Option<Nanos>;
    /// Whether it waits for something other than a core.
    fn is_asleep(&self) -> bool;
}

/// By the kernel's number of the thread.
struct ByTid(CounterReader);

impl Kernel for ByTid {
    fn run_time(&self) -> Option<Nanos> {
        run_time(self.0.get())
    }

    fn is_asleep(&self) -> bool {
        still::state(self.0.get()).is_some_and(|state| state != 'R')
    }
}

/// One strategy under watch.
struct Watch {
    strategy: StrategyId,
    name: String,
    held: Held,
    /// What stops with it when it does not return.
    others: Vec<Scope>,
    kernel: Box<dyn Kernel>,
    call: u64,
    /// For how long it was seen to run or sleep in this call.
    spent: Nanos,
    /// The last look at it, and what its thread had run by then.
    looked: (Nanos, Option<Nanos>),
    /// What was spent when its gate was closed; `None` while it was not.
    late: Option<Nanos>,
    is_hung: bool,
}

/// The strategies of an engine.
pub struct Overruns {
    most: Option<Nanos>,
    watches: Vec<Watch>,
    looked: Nanos,
}

impl Overruns {
    /// Watches each strategy on its thread, as `kill.overrun_max_ms` says; where that is unlimited
    /// nothing is too long.
    ///
    /// # Errors
    /// [`RegionError`]: the region was made for other threads.
    pub fn over(
        config: &Config,
        plan: &Plan,
        region: &RegionReader,
        held: Vec<(StrategyId, Held)>,
    ) -> Result<Self, RegionError> {
        let mut watches = Vec::new();
        for (strategy, held) in held {
            let stage = StageId::Strategy(strategy);
            let Some(thread) = plan.threads.iter().find(|row| row.stages.contains(&stage)) else {
                continue;
            };
            let tid = region.counter(&format!("thread:{}.tid", thread.name))?;
            watches.push(Watch {
                strategy,
                name: config.stage_name(stage),
                held,
                others: beside(plan, strategy),
                kernel: Box::new(ByTid(tid)),
                call: 0,
                spent: Nanos(0),
                looked: (Nanos(0), None),
                late: None,
                is_hung: false,
            });
        }
        Ok(Self { most: config.kill.overrun_max, watches, looked: Nanos(0) })
    }

    /// One look at all of them.
    pub fn look(&mut self, now: Nanos, gates: &Gates, words: &Words) {
        let Some(most) = self.most else { return };
        let is_blind = now.saturating_since(self.looked) > BLIND;
        self.looked = now;
        for watch in &mut self.watches {
            watch.look(now, most, is_blind, gates, words);
        }
    }
}

impl Watch {
    fn look(&mut self, now: Nanos, most: Nanos, is_blind: bool, gates: &Gates, words: &Words) {
        let call = self.held.call();
        if call == 0 || call != self.call || is_blind {
            match call == self.call {
                true => self.late = self.late.map(|_| Nanos(0)),
                false => (self.late, self.is_hung) = (None, false),
            }
            (self.call, self.spent) = (call, Nanos(0));
            self.looked = (now, if call == 0 { None } else { self.kernel.run_time() });
            return;
        }
        self.count(now);
        match self.late {
            None => {
                if self.spent > most && self.held.mark_late(call) {
                    gates.close(Scope::Strategy(self.strategy), Trigger::Guard);
                    self.late = Some(self.spent);
                    words.note(format!(
                        "at {} strategy {} had held its thread for {} ms in one call \
                         (kill.overrun_max_ms = {}): its gate was closed",
                        utc(now),
                        self.name,
                        self.spent.0 / 1_000_000,
                        most.0 / 1_000_000
                    ));
                }
            }
            Some(late) if !self.is_hung && self.spent.saturating_since(late) > HUNG => {
                self.is_hung = true;
                for scope in &self.others {
                    gates.close(*scope, Trigger::Guard);
                }
                words.note(format!(
                    "at {} strategy {} still held its thread: {}",
                    utc(now),
                    self.name,
                    match self.others.as_slice() {
                        [Scope::Global] => "the global gate was closed",
                        [] => "nothing shares it, so no other gate was closed",
                        _ => "the gates of the strategies beside it were closed",
                    }
                ));
            }
            Some(_) => {}
        }
    }
}

impl Watch {
    /// Adds what its thread has run, or slept, since the last look.
    fn count(&mut self, now: Nanos) {
        let (looked, before) = self.looked;
        let (passed, ran) = (now.saturating_since(looked), self.kernel.run_time());
        self.looked = (now, ran);
        let own = match before.zip(ran) {
            None => passed,
            Some((before, ran)) => {
                let own = ran.saturating_since(before);
                let is_idle = own.0 < passed.0 / 2;
                if is_idle && self.kernel.is_asleep() {
                    Nanos(passed.0.min(ASLEEP_MAX.0))
                } else {
                    own
                }
            }
        };
        self.spent = Nanos(self.spent.0.saturating_add(own.0));
    }
}

/// What shares a strategy's thread.
fn beside(plan: &Plan, strategy: StrategyId) -> Vec<Scope> {
    let stage = StageId::Strategy(strategy);
    let Some(thread) = plan.threads.iter().find(|row| row.stages.contains(&stage)) else {
        return Vec::new();
    };
    let shares = |stage: &StageId| matches!(stage, StageId::Risk | StageId::Gateway(_));
    if thread.stages.iter().any(shares) {
        return vec![Scope::Global];
    }
    let others = thread.stages.iter().filter_map(|stage| match stage {
        StageId::Strategy(id) if *id != strategy => Some(Scope::Strategy(*id)),
        _ => None,
    });
    others.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::atomic::{AtomicU64, Ordering};
    use shm::gates::Shape;
    use shm::map::Options;
    use std::sync::Arc;

    const MOST: Nanos = Nanos(50_000_000);

    fn gates(folder: &tempfile::TempDir) -> Gates {
        let shape = Shape { strategies: 4, ..Shape::default() };
        let path = folder.path().join("gates");
        let (gates, mut opener) = Gates::create_or_open(&path, shape, Options::HOT).unwrap();
        let judged = opener.judge(Scope::Global).unwrap();
        opener.try_open(&judged).unwrap();
        gates
    }

    /// A thread that has run for so many ms, or sleeps.
    #[derive(Clone, Default)]
    struct Fake(Arc<AtomicU64>, Arc<AtomicU64>);

    impl Kernel for Fake {
        fn run_time(&self) -> Option<Nanos> {
            Some(Nanos(self.0.load(Ordering::Relaxed) * 1_000_000))
        }

        fn is_asleep(&self) -> bool {
            self.1.load(Ordering::Relaxed) != 0
        }
    }

    /// What a thread does between two looks.
    #[derive(Clone, Copy)]
    enum Does {
        Run,
        Sleep,
        /// It is ready, and another has its core.
        Wait,
    }

    fn watching(held: &Held, others: Vec<Scope>) -> (Overruns, Fake) {
        let fake = Fake::default();
        let watch = Watch {
            strategy: StrategyId(2),
            name: "mm".to_owned(),
            held: held.clone(),
            others,
            kernel: Box::new(fake.clone()),
            call: 0,
            spent: Nanos(0),
            looked: (Nanos(0), None),
            late: None,
            is_hung: false,
        };
        (Overruns { most: Some(MOST), watches: vec![watch], looked: Nanos(0) }, fake)
    }

    /// Looks each millisecond, from after one time to another, at a thread that does one thing.
    fn look_at(does: Does, watched: &mut (Overruns, Fake), gates: &Gates, (from, to): (u64, u64)) {
        let (overruns, Fake(ran, asleep)) = watched;
        asleep.store(u64::from(matches!(does, Does::Sleep)), Ordering::Relaxed);
        (from + 1..=to).for_each(|ms| {
            ran.fetch_add(u64::from(matches!(does, Does::Run)), Ordering::Relaxed);
            overruns.look(Nanos(ms * 1_000_000), gates, &Words::default());
        });
    }

    fn look(watched: &mut (Overruns, Fake), gates: &Gates, from: u64, to: u64) {
        look_at(Does::Run, watched, gates, (from, to));
    }

    /// Goal: the time in which a ready thread has no core is not the strategy's, nor makes it late;
    /// the time in which it sleeps in a call is. Method: a call that waits for 10 s and runs for
    /// the limit, and a ms more; one that sleeps for the limit, and a ms more.
    #[test]
    fn s15_a_call_that_the_machine_keeps_from_its_core_is_not_late() {
        let folder = tempfile::tempdir().unwrap();
        let gates = gates(&folder);
        let held = Held::default();
        let mut watched = watching(&held, vec![Scope::Global]);
        let strategy = Scope::Strategy(StrategyId(2));
        held.enter(1);
        look(&mut watched, &gates, 0, 26);
        look_at(Does::Wait, &mut watched, &gates, (26, 10_000));
        look(&mut watched, &gates, 10_000, 10_025);
        assert!(!gates.summary().some_closed(), "it has run for 50 ms");
        look(&mut watched, &gates, 10_025, 10_026);
        assert!(gates.is_closed(strategy));
        look_at(Does::Wait, &mut watched, &gates, (10_026, 12_000));
        assert!(!gates.is_closed(Scope::Global), "it could not return");

        let folder = tempfile::tempdir().unwrap();
        let gates = self::gates(&folder);
        let held = Held::default();
        let mut watched = watching(&held, Vec::new());
        held.enter(1);
        look_at(Does::Sleep, &mut watched, &gates, (0, 51));
        assert!(!gates.summary().some_closed());
        look_at(Does::Sleep, &mut watched, &gates, (51, 52));
        assert!(gates.is_closed(strategy), "it sleeps on its thread");
    }

    /// Goal: a call of exactly the limit passes, a longer one closes its strategy's gate and tells
    /// the strategy; one that does not return closes what shares its thread. Method: one call,
    /// looks each millisecond; the limit is 50.
    #[test]
    fn s15_a_call_that_holds_its_thread_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let gates = gates(&folder);
        let held = Held::default();
        let mut overruns = watching(&held, vec![Scope::Global]);
        look(&mut overruns, &gates, 0, 10);
        held.enter(7);
        look(&mut overruns, &gates, 10, 61);
        assert!(!gates.summary().some_closed(), "first seen at 11, 50 ms old at 61");
        look(&mut overruns, &gates, 61, 62);
        assert!(gates.is_closed(Scope::Strategy(StrategyId(2))));
        assert!(!gates.is_closed(Scope::Global));
        look(&mut overruns, &gates, 62, 72);
        assert!(!gates.is_closed(Scope::Global));
        look(&mut overruns, &gates, 72, 73);
        assert!(gates.is_closed(Scope::Global));
        assert!(held.leave(), "the strategy is told");
        held.enter(8);
        assert!(!held.leave(), "once");
    }

    /// Goal: calls that end in time are never found, however many; nor one during which the guard
    /// itself, and so the machine, stood still. Method: calls of 40 ms without a pause between
    /// them; one call of 10 s with two looks.
    #[test]
    fn s15_a_call_that_ends_in_time_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let gates = gates(&folder);
        let held = Held::default();
        let mut overruns = watching(&held, vec![Scope::Global]);
        for call in 1..20 {
            held.enter(call);
            look(&mut overruns, &gates, call * 40, (call + 1) * 40);
            assert!(!held.leave());
        }
        held.enter(20);
        look(&mut overruns, &gates, 800, 801);
        overruns.0.look(Nanos(10_801 * 1_000_000), &gates, &Words::default());
        look(&mut overruns, &gates, 10_801, 10_840);
        assert!(!held.leave() && !gates.summary().some_closed());
    }
}
