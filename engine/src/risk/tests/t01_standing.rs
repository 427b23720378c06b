use super::*;
use crate::config::limits::Limit;
use crate::risk::Mode;
use crate::risk::capability::{Capability, Hours};
use shm::message::{OrdType, OrderTerms, Tif, flags, terms_flags};

/// An order whose outcome is not known, since now.
fn lose(rig: &mut Rig) -> Intent {
    let order = rig.order(Side::Buy, cents(900), shares(1));
    rig.passes(&order);
    rig.report(said(Kind::SendFailed, order.cl_ord_id, order.px, order.qty, 0));
    order
}

fn later(rig: &mut Rig, by: u64) {
    rig.now.0 += by;
    let now = rig.now;
    rig.risk.on_market(&sample::live(now));
}

/// Goal: a scope with more unknown orders than allowed takes no new one; resolved ones no longer
/// count. Method: n = 2 in each scope; one, two, three unknown, then one accepted.
#[test]
fn t01_r07_unknown_orders_are_at_most_n_in_every_scope() {
    for scope in SCOPES {
        let mut rig = Rig::only(scope, |row| row.unresolved.count_max = Limit::Max(2));
        let lost: Vec<Intent> = (0..3).map(|_| lose(&mut rig)).collect();
        let intent = rig.buy();
        let expected = Denied { reason: Reason::Unresolved, measured: 3, limit: 2 };
        assert_eq!(rig.judge(&intent), Err(expected), "{scope:?}");
        rig.accept(&lost[1]);
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), None, "{scope:?}");
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.unresolved.count_max = Limit::Max(0));
    lose(&mut rig);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Unresolved), "zero means zero");
}

/// Goal: the oldest unknown order may be as old as T, not older; when it is resolved the next one
/// counts; of another scope none. Method: two lost 10 ns apart, T = 100 ns.
#[test]
fn t01_r07_the_oldest_unknown_order_is_at_most_t_old() {
    let mut rig = Rig::only(Scope::Instrument(InstrumentId(0)), |row| {
        row.unresolved.age_max = Limit::Max(Nanos(100));
    });
    let first = lose(&mut rig);
    later(&mut rig, 10);
    lose(&mut rig);
    later(&mut rig, 90);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), None, "exactly T old");
    later(&mut rig, 1);
    let intent = rig.buy();
    let expected = Denied { reason: Reason::Unresolved, measured: 101, limit: 100 };
    assert_eq!(rig.judge(&intent), Err(expected));
    let mut other = rig.buy();
    other.instrument = InstrumentId(1);
    let now = rig.now;
    rig.risk.on_market(&sample::top(1, cents(999), cents(1_001), 0, now));
    assert_eq!(rig.reason(&other), None, "of another instrument");
    rig.accept(&first);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), None, "the second is 91 old");
    later(&mut rig, 10);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Unresolved));
}

/// Goal: no decision before the last one. Method: the clock one below, at and above it.
#[test]
fn t01_r08_a_decision_is_not_before_the_last() {
    for (step, reason) in [(-1, Some(Reason::Clock)), (0, None), (1, None)] {
        let mut rig = Rig::sample();
        let first = rig.buy();
        rig.passes(&first);
        let now = Nanos(rig.now.0.checked_add_signed(step).unwrap());
        let context = Context { now, ..rig.context() };
        let second = rig.order(Side::Buy, cents(999), shares(1));
        assert_eq!(rig.judge_in(&second, &context).err().map(|denied| denied.reason), reason);
    }
}

/// Goal: the wall clock is at most the limit away; before it was measured a limit refuses. Method:
/// unmeasured, one below, at and above, zero; and without a limit.
#[test]
fn t01_r08_the_wall_clock_is_near() {
    let with = |limit| Rig::only(Scope::Firm, |row| row.order.drift_max = limit);
    let mut rig = with(Limit::Max(Nanos(100)));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Clock), "not measured");
    for (drift, passes) in [(99, true), (100, true), (101, false), (u64::MAX, false)] {
        rig.risk.set_drift(Nanos(drift));
        let intent = rig.order(Side::Buy, cents(999), shares(1));
        let expected = Denied { reason: Reason::Clock, measured: drift.into(), limit: 100 };
        assert_eq!(rig.judge(&intent), if passes { Ok(()) } else { Err(expected) });
    }
    let mut rig = with(Limit::Max(Nanos(0)));
    rig.risk.set_drift(Nanos(0));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), None);
    let mut rig = with(Limit::Unlimited);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), None);
}

/// Goal: orders within the session's hours, market orders within the regular ones; the last instant
/// is not in. Method: hours and regular hours on the rig's clock, each edge.
#[test]
fn t01_r10_orders_keep_the_hours_of_the_session() {
    let mut setup = only(Scope::Firm, |row| row.order.collar_ticks = Limit::Max(10));
    setup.hours = Hours {
        open: Some((Nanos(20_000_000_000), Nanos(20_000_000_010))),
        regular: Some((Nanos(20_000_000_003), Nanos(20_000_000_006))),
    };
    for (at, limit, market) in [
        (19_999_999_999_u64, Some(Reason::Instrument), Some(Reason::Instrument)),
        (20_000_000_000, None, Some(Reason::Unsupported)),
        (20_000_000_002, None, Some(Reason::Unsupported)),
        (20_000_000_003, None, None),
        (20_000_000_005, None, None),
        (20_000_000_006, None, Some(Reason::Unsupported)),
        (20_000_000_009, None, Some(Reason::Unsupported)),
        (20_000_000_010, Some(Reason::Instrument), Some(Reason::Instrument)),
    ] {
        let mut rig = Rig::new(&setup);
        let by = at - rig.now.0;
        later(&mut rig, by);
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), limit, "{at}");
        let mut intent = rig.buy();
        intent.ord_type = OrdType::Market as u8;
        assert_eq!(rig.reason(&intent), market, "{at}");
    }
}

/// Goal: what is on the restricted list is not entered, on either side. Method: the list of each
/// scope.
#[test]
fn t01_r11_what_is_restricted_is_not_entered() {
    for scope in SCOPES {
        for side in [Side::Buy, Side::Sell] {
            let mut rig = Rig::only(scope, |row| row.order.restricted = true);
            let intent = rig.order(side, MIDDLE, shares(1));
            assert_eq!(rig.reason(&intent), Some(Reason::Restricted), "{scope:?} {side}");
        }
    }
    let other = Scope::Instrument(InstrumentId(1));
    let mut rig = Rig::only(other, |row| row.order.restricted = true);
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), None);
}

/// Goal: what would be short with every working sell filled is at most what is located; a long
/// position covers its part; zero is a ban of short sales. Method: 100 held, 50 selling, 30
/// located; the new sell one share below, at and above what is left.
#[test]
fn t01_r11_short_sales_stay_within_the_locate() {
    for scope in SCOPES {
        for (qty, passes) in [(79, true), (80, true), (81, false)] {
            let mut rig = Rig::only(scope, |row| {
                row.total.locate_max = Limit::Max(shares(30));
            });
            let held = rig.buy();
            rig.passes(&held);
            rig.fill(&held, shares(100), 1);
            let selling = rig.order(Side::Sell, MIDDLE, shares(50));
            rig.passes(&selling);
            let intent = rig.order(Side::Sell, MIDDLE, shares(qty));
            let (measured, limit) = (shares(qty - 50).0.into(), shares(30).0.into());
            let expected = Denied { reason: Reason::Restricted, measured, limit };
            assert_eq!(
                rig.judge(&intent),
                if passes { Ok(()) } else { Err(expected) },
                "{scope:?}"
            );
        }
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.total.locate_max = Limit::Max(Qty::ZERO));
    let buy = rig.buy();
    rig.passes(&buy);
    let sell = rig.order(Side::Sell, MIDDLE, shares(1));
    assert_eq!(rig.reason(&sell), Some(Reason::Restricted), "a working buy covers nothing");
    rig.fill(&buy, shares(100), 1);
    let sell = rig.order(Side::Sell, MIDDLE, shares(100));
    rig.passes(&sell);
    let raise = rig.replacing(&sell, MIDDLE, shares(101));
    assert_eq!(rig.reason(&raise), Some(Reason::Restricted));
}

/// Goal: types, times in force and rare terms that the venue does not have are refused, all others
/// pass. Method: the whole table of both venues, and a shown quantity.
#[test]
fn t01_r12_the_venue_has_the_type_and_time_in_force() {
    for (capability, refused) in [
        (Capability::OUCH50, vec![(2, 3), (2, 4), (3, 2), (3, 3)]),
        (Capability::PAPER, vec![(2, 4), (3, 2), (3, 3)]),
    ] {
        for ord_type in 1..=3_u8 {
            for tif in 1..=4_u8 {
                let mut setup = only(Scope::Firm, |row| row.order.collar_ticks = Limit::Max(10));
                setup.gateways[0].capability = capability;
                let mut rig = Rig::new(&setup);
                let mut intent = rig.buy();
                (intent.ord_type, intent.tif) = (ord_type, tif);
                let expiry = if tif == Tif::Gtd as u8 { Nanos(rig.now.0 + 1) } else { Nanos(0) };
                let terms = OrderTerms { expiry, ..OrderTerms::NONE };
                let context = rig.context();
                let found = match rig.risk.decide_with(&intent, &terms, &context) {
                    Decision::Deny { record, .. } => Reason::from_u8(record.reason),
                    Decision::Approve { .. } | Decision::Cancel { .. } => None,
                };
                let is_refused = refused.contains(&(ord_type, tif));
                let expected = is_refused.then_some(Reason::Unsupported);
                assert_eq!(found, expected, "{capability:?} {ord_type} {tif}");
            }
        }
        let mut setup = only(Scope::Firm, |_| {});
        setup.gateways[0].capability = capability;
        let mut rig = Rig::new(&setup);
        let intent = rig.buy();
        let terms = OrderTerms { display_qty: shares(10), ..OrderTerms::NONE };
        let context = rig.context();
        let decision = rig.risk.decide_with(&intent, &terms, &context);
        let passes = matches!(decision, Decision::Approve { .. });
        assert_eq!(passes, capability == Capability::OUCH50);
    }
}

/// Goal: an order that ends at a time ends later than now. Method: one below, at and above now;
/// without a time.
#[test]
fn t01_r15_an_expiry_is_to_come() {
    for (more, passes) in [(-1_i64, false), (0, false), (1, true), (i64::MIN, false)] {
        let mut rig = Rig::only(Scope::Firm, |_| {});
        let mut intent = rig.buy();
        intent.tif = Tif::Gtd as u8;
        let expiry = Nanos(rig.now.0.saturating_add_signed(more));
        let terms = OrderTerms { expiry, ..OrderTerms::NONE };
        let context = rig.context();
        let decision = rig.risk.decide_with(&intent, &terms, &context);
        let reason = match decision {
            Decision::Deny { record, .. } => Reason::from_u8(record.reason),
            Decision::Approve { .. } | Decision::Cancel { .. } => None,
        };
        assert_eq!(reason, (!passes).then_some(Reason::Expired), "{more}");
    }
}

/// Goal: a quantity is at most its share of the average daily and of the shown volume; a volume
/// that is not known allows nothing. Method: 10 % of 1000, 50 % of 100 shown, each at its edges.
#[test]
fn t01_r25_a_quantity_is_a_share_of_the_volume() {
    for (qty, passes) in [(99, true), (100, true), (101, false)] {
        let mut rig = Rig::only(Scope::Firm, |row| {
            row.order.adv_bps = Limit::Max(1_000);
            row.order.adv = Limit::Max(shares(1_000));
        });
        let intent = rig.order(Side::Buy, MIDDLE, shares(qty));
        let expected = Denied { reason: Reason::VolumeShare, measured: 1_010, limit: 1_000 };
        assert_eq!(rig.judge(&intent), if passes { Ok(()) } else { Err(expected) });
    }
    for (qty, passes) in [(49, true), (50, true), (51, false)] {
        let mut rig = Rig::only(Scope::Firm, |row| row.order.visible_bps = Limit::Max(5_000));
        for side in [Side::Buy, Side::Sell] {
            let intent = rig.order(side, MIDDLE, shares(qty));
            assert_eq!(rig.reason(&intent).is_none(), passes, "{side} {qty}");
        }
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.order.adv_bps = Limit::Max(1_000_000));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::VolumeShare), "no volume is known");
    let mut rig = Rig::only(Scope::Firm, |row| row.order.visible_bps = Limit::Max(10_000));
    let now = rig.now;
    rig.risk.on_market(&sample::top(0, cents(999), Price::NONE, 0, now));
    let trade = shm::message::Trade {
        kind: Kind::Trade as u8,
        px: MIDDLE,
        qty: shares(1),
        ..shm::message::Trade::default()
    };
    rig.risk.on_market(&trade.into());
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::VolumeShare), "nothing is shown");
    let sell = rig.order(Side::Sell, MIDDLE, shares(100));
    assert_eq!(rig.reason(&sell), None);
}

/// Goal: a band of its own for orders that do not cross the reference. Method: passive bands of 5
/// ticks and aggressive ones of 2, each side at its edges; at the reference the aggressive holds.
#[test]
fn t01_r23_passive_orders_have_their_own_band() {
    for (side, px, passes) in [
        (Side::Buy, 1_000, true),
        (Side::Buy, 1_002, true),
        (Side::Buy, 1_003, false),
        (Side::Buy, 995, true),
        (Side::Buy, 994, false),
        (Side::Sell, 1_000, true),
        (Side::Sell, 998, true),
        (Side::Sell, 997, false),
        (Side::Sell, 1_005, true),
        (Side::Sell, 1_006, false),
    ] {
        let mut rig = Rig::only(Scope::Firm, |row| {
            row.order.collar_ticks = Limit::Max(2);
            row.order.passive_ticks = Limit::Max(5);
        });
        let intent = rig.order(side, cents(px), shares(1));
        let expected = (!passes).then_some(Reason::Collar);
        assert_eq!(rig.reason(&intent), expected, "{side} {px}");
    }
}

/// Goal: the tightest mode over the engine and the order's scopes rules; of another scope none
/// does. Method: each mode on each scope.
#[test]
fn t01_r02_each_scope_has_a_mode_of_its_own() {
    for scope in SCOPES {
        for (mode, buys, cancels) in [
            (Mode::Active, true, true),
            (Mode::ReduceOnly, false, true),
            (Mode::CancelOnly, false, true),
            (Mode::Halted, false, true),
        ] {
            let mut rig = Rig::only(Scope::Firm, |_| {});
            let working = rig.buy();
            rig.passes(&working);
            assert!(rig.risk.set_mode(scope, mode));
            let intent = rig.buy();
            let denied = rig.judge(&intent).err();
            let measured = mode as i128;
            let expected = Denied { reason: Reason::Mode, measured, limit: 1 };
            assert_eq!(denied, (!buys).then_some(expected), "{scope:?} {mode:?}");
            let cancel = rig.cancelling(&working);
            assert_eq!(rig.judge(&cancel).is_ok(), cancels);
        }
    }
    let mut rig = Rig::only(Scope::Firm, |_| {});
    for scope in [
        Scope::Account(AccountId(1)),
        Scope::Strategy(StrategyId(2)),
        Scope::Instrument(InstrumentId(1)),
    ] {
        assert!(rig.risk.set_mode(scope, Mode::Halted));
        let intent = rig.order(Side::Buy, cents(999), shares(1));
        assert_eq!(rig.reason(&intent), None, "{scope:?}");
    }
    assert!(!rig.risk.set_mode(Scope::Strategy(StrategyId(9)), Mode::Active));
}

/// Goal: an order that asks to reduce only does. Method: 100 held, another sell of 30 working; one
/// share below, at and above what is left; the other side; the same without asking.
#[test]
fn t01_r39_an_order_that_asks_for_it_only_reduces() {
    for (side, qty, passes) in [
        (Side::Sell, 69, true),
        (Side::Sell, 70, true),
        (Side::Sell, 71, false),
        (Side::Buy, 1, false),
    ] {
        let mut rig = Rig::only(Scope::Firm, |_| {});
        let held = rig.buy();
        rig.passes(&held);
        rig.fill(&held, shares(100), 1);
        let working = rig.order(Side::Sell, MIDDLE, shares(30));
        rig.passes(&working);
        let intent = rig.order(side, MIDDLE, shares(qty));
        let terms = OrderTerms { flags: terms_flags::REDUCE_ONLY, ..OrderTerms::NONE };
        let context = rig.context();
        let reason = match rig.risk.decide_with(&intent, &terms, &context) {
            Decision::Deny { record, .. } => Reason::from_u8(record.reason),
            Decision::Approve { .. } | Decision::Cancel { .. } => None,
        };
        assert_eq!(reason, (!passes).then_some(Reason::ReduceOnly), "{side} {qty}");
        let plain = rig.order(side, cents(1_000), shares(qty));
        assert_eq!(rig.reason(&plain), None);
    }
}

/// Goal: a feed that is not live, or a book that is stale or crossed, stops new orders at once and
/// no cancel (F1, F5, F6); a halt does the same by R10 (F8). Method: each state, then back.
#[test]
fn t01_r24_a_stale_feed_stops_orders_and_no_cancel() {
    let mut rig = Rig::only(Scope::Firm, |_| {});
    let working = rig.buy();
    rig.passes(&working);
    let now = rig.now;
    let quote = |rig: &mut Rig, flags| {
        rig.risk.on_market(&sample::top(0, cents(999), cents(1_001), flags, now));
    };
    for (flag, reason) in [
        (flags::STALE, Reason::NoReference),
        (flags::CROSSED, Reason::NoReference),
        (flags::HALT, Reason::Instrument),
    ] {
        quote(&mut rig, flag);
        let intent = rig.order(Side::Buy, cents(999), shares(1));
        assert_eq!(rig.reason(&intent), Some(reason));
        let cancel = rig.cancelling(&working);
        assert!(matches!(rig.decide(&cancel), Decision::Cancel { .. }));
        quote(&mut rig, 0);
        let intent = rig.order(Side::Buy, cents(999), shares(1));
        assert_eq!(rig.reason(&intent), None);
    }
    let stale = shm::message::FeedStatus {
        kind: Kind::FeedStatus as u8,
        state: shm::message::FeedState::Stale as u8,
        packet_at: now,
        ..shm::message::FeedStatus::default()
    };
    rig.risk.on_market(&stale.into());
    let intent = rig.order(Side::Buy, cents(999), shares(1));
    assert_eq!(rig.reason(&intent), Some(Reason::NoReference));
    let cancel = rig.cancelling(&working);
    assert!(matches!(rig.decide(&cancel), Decision::Cancel { .. }));
}
