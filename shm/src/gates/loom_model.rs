//! A closing races an opening of the same gate, in all interleavings:
//! `RUSTFLAGS="--cfg loom" cargo test -p shm --lib loom`.

use super::weaken::{NO_ANNOUNCEMENT, NO_MOVE, RELAXED_LOOK, RELAXED_MOVE, SOUND};
use super::{Gates, Scope, Shape, Trigger};
use crate::ids::{AccountId, GatewayId, InstrumentId, StrategyId};
use loom::thread;

/// One gate more than the global one, so that an order of strategy 0 can pass.
const SHAPE: Shape =
    Shape { gateways: 1, accounts: 1, strategies: 1, instruments: 1, names_hash: 0 };

fn passes(gates: &Gates) -> bool {
    gates.is_open(StrategyId(0), AccountId(0), InstrumentId(0), GatewayId(0))
}

/// The operator has closed a gate; the control thread opens it while the breaker closes it.
fn model<const CLOSER: u8, const OPENER: u8>(scope: Scope) {
    loom::model(move || {
        let (gates, mut opener) = Gates::in_memory(SHAPE).unwrap();
        let before = gates.close(scope, Trigger::Operator);
        let closer = thread::spawn({
            let gates = gates.clone();
            move || gates.close_with::<CLOSER>(scope, Trigger::Breaker)
        });
        let judged = opener.judge(scope).unwrap();
        let opened = opener.open_with::<OPENER>(&judged).is_ok();
        closer.join().unwrap();
        if judged.latched() == 1 {
            assert!(gates.is_closed(scope), "lost: the rows say open");
            assert!(!passes(&gates), "lost: the summary says open");
        } else if opened {
            assert_ne!(judged.summary, before, "opened by a judgement older than the closing");
        }
        // What is closed can be opened again, by one who judged it.
        let again = opener.judge(scope).unwrap();
        assert!(!opener.try_open(&again).unwrap().some_closed());
        assert!(passes(&gates));
    });
}

/// Goal: a closing is never lost to an opening. Method: all interleavings, the global gate and
/// another.
#[test]
fn a_closing_is_never_lost_to_an_opening() {
    model::<SOUND, SOUND>(Scope::Global);
    model::<SOUND, SOUND>(Scope::Strategy(StrategyId(0)));
}

/// Goal: the model can fail. Method: do not move the generation before the latch.
#[test]
#[should_panic(expected = "older than the closing")]
fn without_an_announcement_an_old_judgement_opens() {
    model::<NO_ANNOUNCEMENT, SOUND>(Scope::Global);
}

/// Goal: the model can fail. Method: do not move the generation after the latch.
#[test]
#[should_panic(expected = "lost")]
fn without_a_second_move_a_closing_is_lost() {
    model::<NO_MOVE, SOUND>(Scope::Global);
}

/// Goal: the model can fail. Method: move the generation without release.
#[test]
#[should_panic(expected = "lost")]
fn with_a_relaxed_move_a_closing_is_lost() {
    model::<RELAXED_MOVE, SOUND>(Scope::Global);
}

/// Goal: the model can fail. Method: look at the latches without acquire.
#[test]
#[should_panic(expected = "lost")]
fn with_a_relaxed_look_a_closing_is_lost() {
    model::<SOUND, RELAXED_LOOK>(Scope::Global);
}
