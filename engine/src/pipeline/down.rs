//! Which strategies a session leaves stopped: by a person, by their panic, by an overrun. They stay
//! so over restarts until a person enables them.

use shm::message::CommandOp;
use shm::record::RecordKind;
use shm::record::status::{DownCause, Operator, StrategyDown};
use std::collections::BTreeMap;

/// [`Operator::value`] of a disabling that is only for the time of a stop.
pub const FOR_A_STOP: i64 = 1;

/// What the records of a session say of its strategies, in whatever order their lanes are read.
#[derive(Clone, Debug, Default)]
pub struct Down {
    /// Carried into the session.
    carried: BTreeMap<u8, u8>,
    /// What a person did last: whether it acts.
    by_hand: BTreeMap<u8, bool>,
    /// Stopped for good.
    stopped: BTreeMap<u8, u8>,
}

impl Down {
    /// Takes a record.
    pub fn take(&mut self, kind: RecordKind, body: &[u8]) {
        if kind == RecordKind::Operator {
            let given = Operator::read(body);
            let Some(given) = given.filter(|given| given.refused == 0) else { return };
            let acts = match CommandOp::from_u8(given.op) {
                Some(CommandOp::StrategyEnable) => true,
                Some(CommandOp::StrategyDisable) if given.value != FOR_A_STOP => false,
                Some(_) | None => return,
            };
            self.by_hand.insert(given.strategy, acts);
        } else if let Some(down) = StrategyDown::read(body) {
            let stopped = kind == RecordKind::StrategyDown;
            let known = if stopped { &mut self.stopped } else { &mut self.carried };
            known.insert(down.strategy, down.cause);
        }
    }

    /// Every strategy that does not act, as the next session carries it.
    #[must_use]
    pub fn all(&self) -> Vec<StrategyDown> {
        let mut causes = self.carried.clone();
        for (strategy, acts) in &self.by_hand {
            if *acts {
                causes.remove(strategy);
            } else {
                causes.entry(*strategy).or_insert(DownCause::Operator as u8);
            }
        }
        // What has been stopped for good is not enabled in the same session.
        causes.extend(&self.stopped);
        let each = causes.into_iter();
        each.map(|(strategy, cause)| StrategyDown { strategy, cause, ..StrategyDown::default() })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(op: CommandOp, strategy: u8, value: i64) -> Operator {
        Operator { op: op as u8, strategy, value, ..Operator::default() }
    }

    fn stopped(strategy: u8, cause: DownCause) -> StrategyDown {
        StrategyDown { strategy, cause: cause as u8, ..StrategyDown::default() }
    }

    /// Goal: what a person or a panic stopped stays so, what a person enabled does not, and a stop
    /// of the engine disables nobody. Method: each kind of record, control lane first and last.
    #[test]
    fn a_strategy_stays_as_a_person_or_its_panic_left_it() {
        let by_hand = [
            told(CommandOp::StrategyDisable, 1, 0),
            told(CommandOp::StrategyDisable, 2, FOR_A_STOP),
            told(CommandOp::StrategyEnable, 3, 0),
            told(CommandOp::StrategyDisable, 4, 0),
            told(CommandOp::StrategyEnable, 4, 0),
        ];
        let carried = [stopped(3, DownCause::Panic), stopped(5, DownCause::Operator)];
        let panicked = stopped(6, DownCause::Panic);
        for control_first in [true, false] {
            let mut down = Down::default();
            let hot = |down: &mut Down| {
                for record in &carried {
                    down.take(RecordKind::CarryStrategy, record.bytes());
                }
                down.take(RecordKind::StrategyDown, panicked.bytes());
            };
            if !control_first {
                hot(&mut down);
            }
            for record in &by_hand {
                down.take(RecordKind::Operator, record.bytes());
            }
            if control_first {
                hot(&mut down);
            }
            let all: Vec<(u8, u8)> =
                down.all().iter().map(|down| (down.strategy, down.cause)).collect();
            let (hand, panic) = (DownCause::Operator as u8, DownCause::Panic as u8);
            assert_eq!(all, [(1, hand), (5, hand), (6, panic)], "{control_first}");
        }
        let mut refused = Down::default();
        let disable = Operator { refused: 1, ..told(CommandOp::StrategyDisable, 1, 0) };
        refused.take(RecordKind::Operator, disable.bytes());
        assert!(refused.all().is_empty(), "what was refused never happened");
    }
}
