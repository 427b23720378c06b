use super::*;
use crate::config::limits::Limit;
use shm::message::{FeedState, FeedStatus, OrdType, Trade, flags};
use shm::units::Notional;

/// Goal: quantity at most the limit. Method: one unit below, at, above; zero; unlimited; two
/// scopes.
#[test]
fn t01_r20_order_quantity_is_at_most_the_limit() {
    for (limit, qty, passes) in [
        (Limit::Max(shares(100)), 99, true),
        (Limit::Max(shares(100)), 100, true),
        (Limit::Max(shares(100)), 101, false),
        (Limit::Max(Qty::ZERO), 1, false),
        (Limit::Unlimited, 999_999, true),
    ] {
        let mut rig = Rig::with(|row| {
            row.order.qty_max = limit;
            row.order.value_max = Limit::Unlimited;
        });
        let intent = rig.order(Side::Sell, MIDDLE, shares(qty));
        let denied = rig.judge(&intent).err();
        assert_eq!(denied.map(|denied| denied.reason), (!passes).then_some(Reason::OrderQty));
        if let Some(denied) = denied {
            assert_eq!(denied.measured, i128::from(shares(qty).0));
            assert_eq!(Limit::Max(Qty(denied.limit as i64)), limit);
        }
    }
    for scope in [Scope::Account(shm::ids::AccountId(0)), Scope::Strategy(StrategyId(1))] {
        let mut setup = sample::setup(16);
        let mut narrow = sample::wide(scope);
        narrow.order.qty_max = Limit::Max(shares(10));
        setup.limits.rows.push(narrow);
        let mut rig = Rig::new(&setup);
        let intent = rig.order(Side::Sell, MIDDLE, shares(11));
        assert_eq!(rig.reason(&intent), Some(Reason::OrderQty));
    }
}

/// Goal: value within its limits to the last unit of 1e-17, and overflow named. Method: limits one
/// unit below, at and above the value; a multiplier that overflows.
#[test]
fn t01_r21_r22_order_value_is_within_its_limits() {
    let value = MIDDLE.notional(shares(100), 1).unwrap().0;
    for (limit, passes) in [(value - 1, false), (value, true), (value + 1, true), (0, false)] {
        let mut rig = Rig::with(|row| row.order.value_max = Limit::Max(Notional(limit)));
        let intent = rig.buy();
        let denied = rig.judge(&intent).err();
        let expected = Denied { reason: Reason::OrderValue, measured: value, limit };
        assert_eq!(denied, (!passes).then_some(expected));
    }
    for (limit, passes) in [(value - 1, true), (value, true), (value + 1, false), (0, true)] {
        let mut rig = Rig::with(|row| row.order.value_min = Limit::Max(Notional(limit)));
        let intent = rig.buy();
        let denied = rig.judge(&intent).err();
        let expected = Denied { reason: Reason::OrderValueMin, measured: value, limit };
        assert_eq!(denied, (!passes).then_some(expected));
    }
    let mut setup = sample::setup(16);
    setup.instruments[0].multiplier = i64::MAX;
    let mut rig = Rig::new(&setup);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Overflow));
}

/// Goal: within the band on both sides, the border included, whichever of bps and ticks is tighter.
/// Method: prices a cent below, at and above each border; a middle that is no whole unit of a tick.
#[test]
fn t01_r23_the_tighter_of_two_bands_holds_and_includes_its_border() {
    // 300 bps of 10 dollars are 30 cents.
    for (bps, ticks, border) in [
        (Limit::Max(300), Limit::Max(31), 30),
        (Limit::Max(300), Limit::Max(29), 29),
        (Limit::Max(300), Limit::Unlimited, 30),
        (Limit::Unlimited, Limit::Max(5), 5),
        (Limit::Max(0), Limit::Max(5), 0),
        (Limit::Max(5), Limit::Max(0), 0),
    ] {
        for side in [Side::Buy, Side::Sell] {
            for away in [-border - 1, -border, -border + 1, 0, border - 1, border, border + 1] {
                let mut rig = Rig::with(|row| {
                    row.order.collar_bps = bps;
                    row.order.collar_ticks = ticks;
                });
                let intent = rig.order(side, cents(1_000 + away), shares(100));
                let expected = (away.abs() > border).then_some(Reason::Collar);
                assert_eq!(rig.reason(&intent), expected, "{bps:?} {ticks:?} {away}");
            }
        }
    }
    // Middle 10.005: 2 ticks below is 9.985, so that 9.99 passes and 9.98 does not.
    for (px, passes) in [(998, false), (999, true), (1002, true), (1003, false)] {
        let mut rig = Rig::with(|row| row.order.collar_ticks = Limit::Max(2));
        rig.book(cents(1000).0, cents(1001).0);
        let intent = rig.order(Side::Buy, cents(px), shares(100));
        assert_eq!(rig.reason(&intent), (!passes).then_some(Reason::Collar), "{px}");
    }
}

/// Goal: a market order is priced at the far edge of its collar, on tick, and that price is what
/// R21 and the reservation use. Method: both sides, with a middle off the tick.
#[test]
fn t01_r21_a_market_order_is_priced_at_the_edge_of_its_collar() {
    for (side, edge) in [(Side::Buy, 1002), (Side::Sell, 999)] {
        let mut rig = Rig::with(|row| row.order.collar_ticks = Limit::Max(2));
        rig.book(cents(1000).0, cents(1001).0);
        let mut intent = rig.order(side, Price::NONE, shares(100));
        intent.ord_type = OrdType::Market as u8;
        let Decision::Approve { message, .. } = rig.decide(&intent) else { panic!("refused") };
        assert_eq!(message.px, cents(edge));
        let value = cents(edge).notional(shares(100), 1).unwrap();
        assert_eq!(rig.risk.order(intent.cl_ord_id).unwrap().reserved_value, value);
        let mut rig = Rig::with(|row| {
            row.order.collar_ticks = Limit::Max(2);
            row.order.value_max = Limit::Max(Notional(value.0 - 1));
        });
        rig.book(cents(1000).0, cents(1001).0);
        assert_eq!(rig.reason(&intent), Some(Reason::OrderValue));
    }
    let mut rig = Rig::with(|row| {
        row.order.collar_bps = Limit::Unlimited;
        row.order.collar_ticks = Limit::Unlimited;
    });
    let mut intent = rig.buy();
    intent.ord_type = OrdType::Market as u8;
    assert_eq!(rig.reason(&intent), Some(Reason::Overflow), "no edge to price it at");
}

fn trade(px: Price, flags: u8, at: Nanos) -> shm::message::Message {
    let kind = Kind::Trade as u8;
    Trade { kind, flags, px, qty: shares(1), t0: at, ..Trade::default() }.into()
}

/// Goal: usable up to the age limit and not a nanosecond more, where age is that of the feed.
/// Method: the clock at the limit less one, the limit, one more; then a packet without a change.
#[test]
fn t01_r24_a_reference_is_as_old_as_its_feed() {
    let mut rig = Rig::sample();
    let began = rig.now;
    for (age, passes) in [(1_999_999_999, true), (2_000_000_000, true), (2_000_000_001, false)] {
        rig.now = Nanos(began.0 + age);
        let intent = rig.buy();
        let denied = rig.judge(&intent).err();
        let (measured, limit) = (i128::from(age), 2_000_000_000);
        let expected = Denied { reason: Reason::NoReference, measured, limit };
        assert_eq!(denied, (!passes).then_some(expected));
    }
    let now = rig.now;
    rig.risk.on_market(&sample::live(now));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), None, "a quiet book is not an old one");
}

/// Goal: stale, crossed or not live is no reference, whatever else is known; locked and one-sided
/// are not faults. Method: each, with a trade and a prior close beside it.
#[test]
fn t01_r24_a_faulty_book_is_no_reference() {
    for (flag, reason) in [
        (flags::STALE, Some(Reason::NoReference)),
        (flags::CROSSED, Some(Reason::NoReference)),
        (flags::LOCKED, None),
        (flags::CONFLATED | flags::LAST, None),
    ] {
        let mut rig = Rig::sample();
        let now = rig.now;
        rig.risk.on_market(&trade(MIDDLE, 0, now));
        rig.risk.on_market(&sample::top(0, MIDDLE, MIDDLE, flag, now));
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), reason, "{flag}");
    }
    let mut rig = Rig::sample();
    rig.book(cents(1001).0, cents(1000).0);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::NoReference), "crossed though not flagged");
    for state in [FeedState::Stale as u8, FeedState::Ended as u8, 0] {
        let mut rig = Rig::sample();
        let packet_at = rig.now;
        let kind = Kind::FeedStatus as u8;
        rig.risk.on_market(&FeedStatus { kind, state, packet_at, ..FeedStatus::default() }.into());
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), Some(Reason::NoReference), "{state}");
    }
}

/// Goal: middle before last trade before prior close. Method: a collar of 0 ticks, so that exactly
/// the reference passes; sides taken away one by one; an instrument that knows nothing.
#[test]
fn t01_r24_falls_back_to_last_trade_and_prior_close() {
    let exact = |row: &mut LimitRow| row.order.collar_ticks = Limit::Max(0);
    for (bid, ask, last, reference) in [
        (cents(994), cents(998), Some(cents(993)), cents(996)),
        (Price::NONE, cents(998), Some(cents(993)), cents(993)),
        (cents(994), Price::NONE, Some(cents(993)), cents(993)),
        (Price::NONE, Price::NONE, None, MIDDLE),
    ] {
        for away in [-1, 0, 1] {
            let mut rig = Rig::with(exact);
            let now = rig.now;
            if let Some(last) = last {
                rig.risk.on_market(&trade(last, 0, now));
                rig.risk.on_market(&trade(cents(500), flags::STALE, now));
            }
            rig.risk.on_market(&sample::top(0, bid, ask, 0, now));
            let intent = rig.order(Side::Buy, Price(reference.0 + cents(away).0), shares(1));
            let expected = (away != 0).then_some(Reason::Collar);
            assert_eq!(rig.reason(&intent), expected, "{bid} {ask} {last:?} {away}");
        }
    }
    let mut rig = Rig::sample();
    let mut intent = rig.buy();
    intent.instrument = InstrumentId(1);
    assert_eq!(rig.reason(&intent), Some(Reason::NoReference));
}
