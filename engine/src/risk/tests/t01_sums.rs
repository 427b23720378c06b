use super::*;
use crate::config::limits::{Limit, TotalLimits};
use shm::ids::AccountId;
use shm::units::Notional;

/// A sum that is the only bound.
fn only(change: impl FnOnce(&mut TotalLimits)) -> impl FnOnce(&mut LimitRow) {
    |row| {
        row.total = TotalLimits::UNLIMITED;
        row.repeat.same_max = Limit::Unlimited;
        change(&mut row.total);
    }
}

/// Goal: position with every order of the side filled at most the limit, the other side not
/// counted. Method: limit 500, 200 held, 150 working; quantities one below, at and above what is
/// left.
#[test]
fn t01_r30_the_worst_position_is_at_most_the_limit() {
    for side in [Side::Buy, Side::Sell] {
        for (qty, passes) in [(149, true), (150, true), (151, false)] {
            let mut rig = Rig::with(only(|total| {
                total.long_max = Limit::Max(shares(500));
                total.short_max = Limit::Max(shares(500));
            }));
            let held = rig.order(side, MIDDLE, shares(200));
            rig.passes(&held);
            rig.fill(&held, shares(200), 1);
            let working = rig.order(side, MIDDLE, shares(150));
            rig.passes(&working);
            let other = rig.order(side.opposite(), MIDDLE, shares(600));
            rig.passes(&other);
            let intent = rig.order(side, MIDDLE, shares(qty));
            let denied = rig.judge(&intent).err();
            let measured = i128::from(shares(350 + qty).0);
            let limit = i128::from(shares(500).0);
            let expected = Denied { reason: Reason::Position, measured, limit };
            assert_eq!(denied, (!passes).then_some(expected), "{side} {qty}");
        }
    }
    let mut rig = Rig::with(only(|total| total.long_max = Limit::Max(Qty::ZERO)));
    let intent = rig.order(Side::Buy, MIDDLE, shares(1));
    assert_eq!(rig.reason(&intent), Some(Reason::Position));
    let intent = rig.order(Side::Sell, MIDDLE, shares(1));
    assert_eq!(rig.reason(&intent), None);
}

/// Goal: all scopes that match apply, each with the sums of its own scope. Method: a limit of 100
/// on one scope; 60 of another strategy of the same and of another account.
#[test]
fn t01_r30_every_matching_scope_applies_to_its_own_sums() {
    for (scope, after_same_account, after_other_account) in [
        (Scope::Firm, false, false),
        (Scope::Instrument(InstrumentId(0)), false, false),
        (Scope::Instrument(InstrumentId(1)), true, true),
        (Scope::Account(AccountId(0)), false, true),
        (Scope::Account(AccountId(1)), true, true),
        (Scope::Strategy(StrategyId(1)), true, true),
    ] {
        for (other, passes) in [(0_u8, after_same_account), (2, after_other_account)] {
            let mut setup = sample::setup(16);
            setup.limits.rows[0].order.qty_max = Limit::Max(shares(60));
            let mut narrow = sample::wide(scope);
            narrow.total.long_max = Limit::Max(shares(100));
            setup.limits.rows.push(narrow);
            let mut rig = Rig::new(&setup);
            let mut first = rig.buy();
            first.cl_ord_id = rig.pools[usize::from(other)].take().unwrap();
            first.qty = shares(60);
            rig.passes(&first);
            let second = rig.order(Side::Buy, MIDDLE, shares(60));
            assert_eq!(rig.reason(&second).is_none(), passes, "{scope:?} after strategy {other}");
        }
    }
}

/// Goal: a replace reserves the worse of old and new and gives nothing back before the venue
/// confirms. Method: limit 300; raise to the limit and beyond; lower, and ask for the difference
/// before and after the confirmation.
#[test]
fn t01_r30_a_replace_counts_the_worse_of_old_and_new() {
    for (qty, passes) in [(299, true), (300, true), (301, false)] {
        let mut rig = Rig::with(only(|total| total.long_max = Limit::Max(shares(300))));
        let order = rig.order(Side::Buy, MIDDLE, shares(200));
        rig.passes(&order);
        let replace = rig.replacing(&order, MIDDLE, shares(qty));
        assert_eq!(rig.reason(&replace).is_none(), passes, "{qty}");
    }
    let mut rig = Rig::with(only(|total| total.long_max = Limit::Max(shares(300))));
    let order = rig.order(Side::Buy, MIDDLE, shares(200));
    rig.passes(&order);
    let replace = rig.replacing(&order, cents(999), shares(50));
    rig.passes(&replace);
    let value = MIDDLE.notional(shares(200), 1).unwrap();
    assert_eq!(rig.risk.order(order.cl_ord_id).unwrap().reserved_value, value);
    let more = rig.order(Side::Buy, MIDDLE, shares(101));
    assert_eq!(rig.reason(&more), Some(Reason::Position));
    rig.report(said(Kind::Replaced, replace.cl_ord_id, cents(999), shares(50), 0));
    let value = cents(999).notional(shares(50), 1).unwrap();
    assert_eq!(rig.risk.order(order.cl_ord_id).unwrap().reserved_value, value);
    assert_eq!(rig.reason(&more), None);
}

/// Goal: open quantity, value and number at most their limits, both sides together. Method: each
/// alone, with 100 shares working, at one unit below, at and above what is left.
#[test]
fn t01_r31_open_sums_are_at_most_their_limits() {
    let value = |qty: u32| MIDDLE.notional(shares(qty), 1).unwrap().0;
    for (qty, passes) in [(199, true), (200, true), (201, false)] {
        let mut rig = Rig::with(only(|total| total.open_qty_max = Limit::Max(shares(300))));
        let first = rig.buy();
        rig.passes(&first);
        let second = rig.order(Side::Sell, MIDDLE, shares(qty));
        let denied = rig.judge(&second).err().map(|denied| (denied.reason, denied.measured));
        let expected = (Reason::OpenOrders, i128::from(shares(100 + qty).0));
        assert_eq!(denied, (!passes).then_some(expected), "{qty}");
    }
    for (limit, passes) in [(value(200) - 1, false), (value(200), true), (value(200) + 1, true)] {
        let mut rig = Rig::with(only(|total| total.open_value_max = Limit::Max(Notional(limit))));
        let first = rig.buy();
        rig.passes(&first);
        let second = rig.order(Side::Sell, MIDDLE, shares(100));
        let denied = rig.judge(&second).err();
        let expected = Denied { reason: Reason::OpenOrders, measured: value(200), limit };
        assert_eq!(denied, (!passes).then_some(expected), "{limit}");
    }
    let mut rig = Rig::with(only(|total| total.open_orders_max = Limit::Max(2)));
    let orders = [rig.buy(), rig.buy(), rig.buy()];
    rig.passes(&orders[0]);
    rig.passes(&orders[1]);
    let expected = Denied { reason: Reason::OpenOrders, measured: 3, limit: 2 };
    assert_eq!(rig.judge(&orders[2]), Err(expected));
    let replace = rig.replacing(&orders[0], cents(999), shares(100));
    rig.passes(&replace);
    rig.report(said(Kind::Canceled, orders[1].cl_ord_id, Price::NONE, shares(100), 0));
    assert_eq!(rig.reason(&orders[2]), None, "a confirmed end gives its place back");
}

/// Goal: sums that leave their integer are refused by name, though no limit stands in the way.
/// Method: an instrument without a largest quantity; two orders that together pass 2^63.
#[test]
fn t01_r31_sums_beyond_the_integer_are_refused() {
    let mut setup = sample::setup(16);
    setup.instruments[0].qty_max = Qty(i64::MAX);
    setup.instruments[0].lot = Qty(1);
    setup.instruments[0].qty_min = Qty(1);
    only(|_| {})(&mut setup.limits.rows[0]);
    setup.limits.rows[0].order.qty_max = Limit::Unlimited;
    setup.limits.rows[0].order.value_max = Limit::Unlimited;
    let mut rig = Rig::new(&setup);
    let first = rig.order(Side::Buy, MIDDLE, Qty(i64::MAX - 5));
    rig.passes(&first);
    for (qty, reason) in [(6, Some(Reason::Overflow)), (5, None), (1, Some(Reason::Overflow))] {
        let second = rig.order(Side::Buy, MIDDLE, Qty(qty));
        assert_eq!(rig.reason(&second), reason, "{qty}");
    }
}
