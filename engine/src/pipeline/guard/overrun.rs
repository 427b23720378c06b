//! Strategies that hold their thread for too long (S15, K5): each call of a strategy shows in a
//! word ([`Held`]), and the guard sees how long it stays the same.
//!
//! | after | what |
//! |---|---|
//! | `kill.overrun_max_ms` | the strategy's gate is closed; should the call return, it is stopped |
//! | 10 ms more | whatever shares the thread is as dead: the global gate is closed where risk or a gateway runs there, else the gates of its other strategies |
//! | 20 ms behind a closed gate | the guard cancels in the place of a gateway that stands still |

use super::Words;
use crate::config::StageId;
use crate::config::topology::Plan;
use crate::control::utc;
use crate::stage::strategy::Held;
use shm::gates::{Gates, Scope, Trigger};
use shm::ids::StrategyId;
use shm::units::Nanos;

/// A call that goes on for so long after its strategy's gate was closed does not return.
const HUNG: Nanos = Nanos(10_000_000);
/// The guard itself stood still for longer: the machine, not a strategy, took the time.
const BLIND: Nanos = Nanos(100_000_000);

/// One strategy under watch.
struct Watch {
    strategy: StrategyId,
    name: String,
    held: Held,
    /// What stops with it when it does not return.
    others: Vec<Scope>,
    call: u64,
    since: Nanos,
    /// When its gate was closed; `None` while it was not.
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
    /// Watches each strategy; with `None` nothing is too long.
    #[must_use]
    pub fn new(most: Option<Nanos>, plan: &Plan, held: Vec<(StrategyId, String, Held)>) -> Self {
        let watch = |(strategy, name, held)| Watch {
            strategy,
            name,
            held,
            others: beside(plan, strategy),
            call: 0,
            since: Nanos(0),
            late: None,
            is_hung: false,
        };
        let watches = held.into_iter().map(watch).collect();
        Self { most, watches, looked: Nanos(0) }
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
        if call == 0 || call != self.call {
            (self.call, self.since, self.late, self.is_hung) = (call, now, None, false);
            return;
        }
        if is_blind {
            self.since = now;
            return;
        }
        match self.late {
            None => {
                if now.saturating_since(self.since) > most && self.held.mark_late(call) {
                    gates.close(Scope::Strategy(self.strategy), Trigger::Guard);
                    self.late = Some(now);
                    words.note(format!(
                        "at {} strategy {} had held its thread for {} ms in one call \
                         (kill.overrun_max_ms = {}): its gate was closed",
                        utc(now),
                        self.name,
                        now.saturating_since(self.since).0 / 1_000_000,
                        most.0 / 1_000_000
                    ));
                }
            }
            Some(late) if !self.is_hung && now.saturating_since(late) > HUNG => {
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
    use shm::gates::Shape;
    use shm::map::Options;

    const MOST: Nanos = Nanos(50_000_000);

    fn gates(folder: &tempfile::TempDir) -> Gates {
        let shape = Shape { strategies: 4, ..Shape::default() };
        let path = folder.path().join("gates");
        let (gates, mut opener) = Gates::create_or_open(&path, shape, Options::HOT).unwrap();
        let judged = opener.judge(Scope::Global).unwrap();
        opener.try_open(&judged).unwrap();
        gates
    }

    fn watching(held: &Held, others: Vec<Scope>) -> Overruns {
        let watch = Watch {
            strategy: StrategyId(2),
            name: "mm".to_owned(),
            held: held.clone(),
            others,
            call: 0,
            since: Nanos(0),
            late: None,
            is_hung: false,
        };
        Overruns { most: Some(MOST), watches: vec![watch], looked: Nanos(0) }
    }

    /// Looks each millisecond, from after one time to another.
    fn look(overruns: &mut Overruns, gates: &Gates, from: u64, to: u64) {
        (from + 1..=to).for_each(|ms| {
            overruns.look(Nanos(ms * 1_000_000), gates, &Words::default());
        });
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
        overruns.look(Nanos(10_801 * 1_000_000), &gates, &Words::default());
        look(&mut overruns, &gates, 10_801, 10_840);
        assert!(!held.leave() && !gates.summary().some_closed());
    }
}
