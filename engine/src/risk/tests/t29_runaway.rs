//! T29: a strategy that has run away is stopped by its own limits, and nobody else is.

use super::*;
use crate::config::limits::Limit;
use crate::config::model::SelfTrade;
use crate::risk::Mode;

/// Limits of strategy 1 alone: 10 orders a second of at most 100 shares, 5 alike, 3 refusals, 4
/// executions.
fn bounded() -> Rig {
    let mut setup = only(Scope::Strategy(StrategyId(1)), |row| {
        row.order.qty_max = Limit::Max(shares(100));
        row.rate.orders_max = Limit::Max(10);
        row.rate.per = Nanos::SECOND;
        row.repeat.same_max = Limit::Max(5);
        row.repeat.per = Nanos::SECOND;
        row.breaker.rejects_max = Limit::Max(3);
        row.breaker.per = Nanos::SECOND;
        row.day.executions_max = Limit::Max(4);
    });
    for strategy in &mut setup.strategies {
        strategy.slot_first *= 64;
        strategy.slot_count = 1024;
    }
    for account in &mut setup.accounts {
        account.self_trade = SelfTrade::Reject;
    }
    Rig::new(&setup)
}

/// Sends orders until none passes any more; how many did, and what refused the last.
fn flood(rig: &mut Rig, next: impl Fn(u32) -> (Side, Price, Qty)) -> (u32, Reason) {
    let mut passed = 0;
    let mut last = Reason::None;
    for at in 0..1_000 {
        let (side, px, qty) = next(at);
        let id = rig.pools[1].take().unwrap();
        let mut intent = sample::intent(id, side, px);
        intent.qty = qty;
        match rig.decide(&intent) {
            Decision::Approve { .. } => passed += 1,
            Decision::Deny { record, .. } => {
                last = Reason::from_u8(record.reason).unwrap();
                assert!(rig.pools[1].free(id));
            }
            Decision::Cancel { .. } => panic!("a cancel"),
        }
        rig.now.0 += 1_000;
    }
    (passed, last)
}

/// Another strategy trades as ever, in another account.
fn others_are_unaffected(rig: &mut Rig) {
    let mut intent = rig.order(Side::Buy, cents(990), shares(100));
    intent.cl_ord_id = rig.pools[2].take().unwrap();
    assert_eq!(rig.reason(&intent), None);
}

/// Goal: of endless orders exactly the stated count reaches the wire in a window, equal ones fewer,
/// alternating sides never meet, huge ones never leave. Method: 1000 orders of each kind within 1
/// ms.
#[test]
fn t29_runaway_strategy_reaches_the_wire_with_the_stated_count_only() {
    type Next = fn(u32) -> (Side, Price, Qty);
    let kinds: [(Next, u32, Reason); 4] = [
        (|at| (Side::Buy, cents(900 + i64::from(at % 90)), shares(1)), 10, Reason::RateStrategy),
        (|_| (Side::Buy, cents(950), shares(1)), 5, Reason::Duplicate),
        (|_| (Side::Buy, cents(950), shares(999_999)), 0, Reason::OrderQty),
        (
            |at| {
                let side = if at % 2 == 0 { Side::Buy } else { Side::Sell };
                (side, MIDDLE, shares(1 + at % 50))
            },
            10,
            Reason::RateStrategy,
        ),
    ];
    for (at, (next, most, reason)) in kinds.into_iter().enumerate() {
        let mut rig = bounded();
        let (passed, last) = flood(&mut rig, next);
        assert!(passed <= most, "{at}: {passed}");
        assert!(passed == most || at == 3, "{at}: {passed}");
        assert!(last == reason || at == 3 && last == Reason::SelfTrade, "{at}: {last}");
        others_are_unaffected(&mut rig);
    }
}

/// Goal: a strategy whose orders the venue refuses, or which trades without end, is stopped for
/// good: the stated count, one alarm, its gate to be closed, and time does not bring it back.
/// Method: refuse every order; fill every order; then wait an hour.
#[test]
fn t29_runaway_strategy_is_stopped_until_a_person_rearms() {
    for (kind, most, reason) in
        [(Kind::Rejected, 4, Reason::Breaker), (Kind::Executed, 4, Reason::Repeated)]
    {
        let mut rig = bounded();
        let mut passed = 0;
        for at in 0..1_000 {
            let order = rig.order(Side::Buy, cents(900 + at % 90), shares(1));
            if let Decision::Approve { .. } = rig.decide(&order) {
                passed += 1;
                let (px, qty) = (order.px, order.qty);
                rig.report(said(kind, order.cl_ord_id, px, qty, passed));
            } else {
                assert!(rig.pools[1].free(order.cl_ord_id));
            }
            rig.now.0 += 1_000;
        }
        assert_eq!(passed, most, "{reason}");
        let alarm = rig.risk.take_alarm().unwrap();
        assert_eq!((alarm.reason, alarm.scope), (reason, Scope::Strategy(StrategyId(1))));
        assert!(alarm.closes_gate && alarm.tripped == Mode::CancelOnly);
        assert_eq!(rig.risk.take_alarm(), None);
        others_are_unaffected(&mut rig);
        rig.now.0 += 3_600 * Nanos::SECOND.0;
        let now = rig.now;
        rig.risk.on_market(&sample::live(now));
        let order = rig.order(Side::Buy, cents(950), shares(1));
        assert_eq!(rig.reason(&order), Some(Reason::Mode));
        rig.risk.rearm(Scope::Strategy(StrategyId(1)));
        assert_eq!(rig.reason(&order), None);
    }
}
