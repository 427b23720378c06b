//! Intents through every check of risk, each approved, reserved and put in the table.

use std::hint::black_box;

use engine::risk::sample::{self, DOLLAR};
use engine::risk::{Decision, Risk};
use shm::ids::{ClOrdId, GatewayId, StrategyId};
use shm::message::{Intent, Side};
use shm::units::{Nanos, Price};

/// Between two intents. A window of R43 is a second, so that 50 intents share it on 20 prices.
const STEP_NS: u64 = 20_000_000;

/// Intents between two messages of the feed, which keep the reference young.
const TOP_EVERY: usize = 50;

pub(crate) fn run(events: usize) -> u64 {
    let mut risk = Risk::new(&sample::setup(events as u32));
    risk.on_report(&sample::session(true), GatewayId(0));
    let intents: Vec<Intent> = (0..events as u32).map(|at| intent(events as u32, at)).collect();
    let mut done = 0;
    for (batch, intents) in intents.chunks(TOP_EVERY).enumerate() {
        let start = Nanos(1_000_000_000 + (batch * TOP_EVERY) as u64 * STEP_NS);
        let (bid, ask) = (Price(995 * DOLLAR / 100), Price(1_005 * DOLLAR / 100));
        risk.on_market(&sample::live(start));
        risk.on_market(&sample::top(0, bid, ask, 0, start));
        done += wirelane_measured_risk(&mut risk, intents, start);
    }
    assert_eq!(done, events as u64, "every intent passes");
    done
}

/// The first strategy's order `at`, in a slot of its own.
fn intent(slots: u32, at: u32) -> Intent {
    let id = ClOrdId::new(7, StrategyId(1), slots + at, 0);
    let side = if at.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    sample::intent(id, side, Price((990 + i64::from(at % 20)) * DOLLAR / 100))
}

#[inline(never)]
fn wirelane_measured_risk(risk: &mut Risk, intents: &[Intent], start: Nanos) -> u64 {
    let (mut done, mut now) = (0, start);
    for intent in intents {
        let decision = black_box(risk.decide(intent, &sample::open(now)));
        done += u64::from(matches!(decision, Decision::Approve { .. }));
        now = Nanos(now.0 + STEP_NS);
    }
    done
}
