//! What the numbers of a refusal count.

use super::*;
use crate::config::limits::Limit;
use shm::reason::Unit;
use shm::record::order as record;

fn denied(rig: &mut Rig, intent: &Intent) -> record::Denied {
    match rig.decide(intent) {
        Decision::Deny { record, .. } => record,
        other => panic!("{other:?}"),
    }
}

/// Goal: a refusal says what its numbers count, and a rule that measures several things says which.
/// Method: the three sums of R31, a value, a quantity, and a closed gate.
#[test]
fn a_refusal_says_what_it_counts() {
    type Change = fn(&mut LimitRow);
    let cases: [(Change, Reason, Unit); 5] = [
        (|row| row.total.open_qty_max = Limit::Max(shares(99)), Reason::OpenOrders, Unit::Qty),
        (
            |row| row.total.open_value_max = Limit::Max(MIDDLE.notional(shares(99), 1).unwrap()),
            Reason::OpenOrders,
            Unit::Money,
        ),
        (|row| row.total.open_orders_max = Limit::Max(0), Reason::OpenOrders, Unit::Count),
        (
            |row| row.order.value_max = Limit::Max(MIDDLE.notional(shares(99), 1).unwrap()),
            Reason::OrderValue,
            Unit::Money,
        ),
        (|row| row.order.qty_max = Limit::Max(shares(99)), Reason::OrderQty, Unit::Qty),
    ];
    for (change, reason, unit) in cases {
        let mut rig = Rig::with(change);
        let intent = rig.buy();
        let said = denied(&mut rig, &intent);
        assert_eq!((said.reason, said.unit), (reason as u8, unit as u8), "{reason} {unit}");
    }
    let mut rig = Rig::sample();
    let intent = rig.buy();
    let context = Context { gates_open: false, ..rig.context() };
    let Decision::Deny { record, .. } = rig.decide_in(&intent, &context) else { panic!("open") };
    assert_eq!((record.unit, record.measured, record.limit), (Unit::None as u8, [0; 2], [0; 2]));
}

/// Goal: a collar's refusal tells distance and band as prices. Method: 11 cents off under bands of
/// 10 cents, one in bps and one in ticks.
#[test]
fn a_collar_is_told_in_prices() {
    let bands: [fn(&mut LimitRow); 2] = [
        |row| {
            row.order.collar_bps = Limit::Max(100);
            row.order.collar_ticks = Limit::Unlimited;
        },
        |row| {
            row.order.collar_bps = Limit::Unlimited;
            row.order.collar_ticks = Limit::Max(10);
        },
    ];
    for band in bands {
        let mut rig = Rig::with(band);
        let intent = rig.order(Side::Buy, cents(1011), shares(100));
        let said = denied(&mut rig, &intent);
        assert_eq!((said.reason, said.unit), (Reason::Collar as u8, Unit::Price as u8));
        let distance = i128::from(cents(11).0);
        assert_eq!((value_of(said.measured), value_of(said.limit)), (distance, distance / 11 * 10));
    }
}
