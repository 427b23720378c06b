//! Iceberg and TWAP.

use super::kit::{Rig, STOCK, Sent, cents, limit, shares};
use crate::parent::wants::{due, next_slice, slices_begun};
use crate::parent::{Ask, Offset};
use crate::risk::sample;
use shm::message::{Side, Tif, flags};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

/// Goal: where the venue has no reserve orders, one clip at a time is out, and all clips together
/// are the whole. Method: partial fills, a clip that is not whole at the end.
#[test]
fn an_iceberg_shows_one_clip_at_a_time() {
    let mut rig = Rig::of(&sample::setup(64), false);
    rig.top(1_000, 1_001);
    rig.ask(Ask::iceberg(STOCK, Side::Buy, shares(250), cents(1_000), shares(100)));
    for clip in [100, 100, 50] {
        let id = rig.accepted(limit(Side::Buy, 1_000, clip));
        rig.fill(id, clip - 1);
        assert_eq!(rig.taken(), [], "the clip is not done");
        rig.fill(id, 1);
    }
    assert_eq!((rig.taken(), rig.over()), (vec![], Some(Reason::None)));
}

/// Goal: where the venue has reserve orders the whole goes out as one, with the part to show.
#[test]
fn a_venue_with_reserve_orders_keeps_the_iceberg_itself() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(Ask::iceberg(STOCK, Side::Buy, shares(250), cents(1_000), shares(100)));
    assert_eq!(rig.wire[0].1.display_qty, shares(100));
    let id = rig.accepted(limit(Side::Buy, 1_000, 250));
    rig.fill(id, 250);
    assert_eq!(rig.over(), Some(Reason::None));
}

/// Goal: an iceberg whose clip is refused, or taken away from outside, ends and says why.
#[test]
fn a_refused_clip_ends_the_iceberg() {
    let mut rig = Rig::of(&sample::setup(64), false);
    rig.top(1_000, 1_001);
    rig.ask(Ask::iceberg(STOCK, Side::Buy, shares(250), cents(1_000), shares(100)));
    let id = rig.accepted(limit(Side::Buy, 1_000, 100));
    rig.canceled(id);
    assert_eq!((rig.taken(), rig.over()), (vec![], Some(Reason::Venue)));
}

/// An immediate order at a limit.
fn slice(px: i64, qty: u32) -> Sent {
    Sent { tif: Tif::Ioc, ..limit(Side::Buy, px, qty) }
}

fn twap(rig: &Rig, seconds: u64, slices: u32) -> Ask {
    let span = (rig.now, Nanos(rig.now.0 + seconds * Nanos::SECOND.0));
    Ask::twap(STOCK, Side::Buy, shares(100), cents(1_001), span, slices)
}

/// Goal: each slice sends what is due by then and not filled, so that a slice that met nothing, and
/// slices that passed unseen, are caught up, and never more than the whole.
#[test]
fn slices_catch_up_and_never_send_more_than_the_whole() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    let ask = twap(&rig, 4, 4);
    rig.ask(ask);
    let id = rig.accepted(slice(1_001, 25));
    rig.canceled(id);
    rig.pass(900);
    assert_eq!(rig.taken(), [], "one order a slice");
    rig.pass(100);
    rig.top(1_000, 1_001);
    let id = rig.accepted(slice(1_001, 50));
    rig.fill(id, 20);
    rig.canceled(id);
    rig.pass(2_000);
    rig.top(1_000, 1_001);
    let id = rig.accepted(slice(1_001, 80));
    rig.fill(id, 80);
    assert_eq!(rig.over(), Some(Reason::None));
}

/// Goal: what is not filled by the last slice stays unfilled, and that is said; a bound on slices
/// holds.
#[test]
fn a_twap_ends_with_its_last_slice() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    let ask = twap(&rig, 2, 2).slice_max(shares(30));
    rig.ask(ask);
    let id = rig.accepted(slice(1_001, 30));
    rig.fill(id, 10);
    rig.canceled(id);
    rig.pass(1_000);
    let id = rig.accepted(slice(1_001, 30));
    rig.fill(id, 29);
    rig.canceled(id);
    rig.pass(5_000);
    assert_eq!((rig.taken(), rig.over()), (vec![], Some(Reason::Expired)));
}

/// Goal: a slice that risk refuses is tried again a few times and not more, and what it did not get
/// is caught up by the next. Method: a halt through the first slice.
#[test]
fn a_refused_slice_is_tried_again_and_caught_up() {
    let mut rig = Rig::new();
    rig.top_with(1_000, 1_001, flags::HALT);
    let ask = twap(&rig, 8, 4);
    rig.ask(ask);
    for _ in 0..15 {
        rig.pass(100);
    }
    assert_eq!((rig.taken(), rig.refused.as_slice()), (vec![], [Reason::Instrument; 4].as_slice()));
    rig.top(1_000, 1_001);
    assert_eq!(rig.taken(), [], "no more orders in this slice");
    rig.pass(500);
    let id = rig.accepted(slice(1_001, 50));
    rig.fill(id, 50);
    rig.pass(2_000);
    rig.top_with(1_000, 1_001, flags::HALT);
    assert_eq!(rig.taken(), [slice(1_001, 25)]);
}

/// Goal: what is to be caught up and is refused for its size is cut until it passes, and all of it
/// is sent in the same slice, order by order, never beyond the whole. Method: 4,000 shares in 4
/// slices under a limit of 1,000 an order, the first two slices halted.
#[test]
fn a_catch_up_beyond_a_limit_goes_out_in_parts() {
    let mut rig = Rig::new();
    rig.top_with(1_000, 1_001, flags::HALT);
    let span = (rig.now, Nanos(rig.now.0 + 4 * Nanos::SECOND.0));
    rig.ask(Ask::twap(STOCK, Side::Buy, shares(4_000), cents(1_001), span, 4));
    for _ in 0..19 {
        rig.pass(100);
    }
    rig.top(1_000, 1_001);
    assert_eq!(rig.taken(), []);
    let mut filled = 0;
    for _ in 0..40 {
        rig.pass(100);
        while let Some((approved, _)) = rig.wire.first().copied() {
            let (id, qty) = (approved.cl_ord_id, approved.qty.to_shares().unwrap());
            assert!(qty <= 1_000);
            rig.wire.clear();
            rig.accept(id);
            rig.fill(id, qty);
            filled += qty;
        }
        assert!(filled <= 4_000);
    }
    assert_eq!((filled, rig.over()), (4_000, Some(Reason::None)));
    let of_size = rig.refused.iter().filter(|reason| **reason == Reason::OrderQty).count();
    assert!((1..8).contains(&of_size), "{:?}", rig.refused);
}

/// Goal: a last slice that is refused is tried again before the end and not after it; where it
/// stays refused the parent says why. Method: a halt over the last slice, ended in time, and not.
#[test]
fn a_refused_last_slice_has_until_the_end() {
    for ends in [true, false] {
        let mut rig = Rig::new();
        rig.top(1_000, 1_001);
        let span = (rig.now, Nanos(rig.now.0 + 400 * Nanos::MILLI.0));
        rig.ask(Ask::twap(STOCK, Side::Buy, shares(100), cents(1_001), span, 2));
        let id = rig.accepted(slice(1_001, 50));
        rig.fill(id, 50);
        rig.top_with(1_000, 1_001, flags::HALT);
        rig.pass(200);
        assert_eq!((rig.refused.len(), rig.over()), (1, None));
        if ends {
            rig.top(1_000, 1_001);
            rig.pass(100);
            let id = rig.accepted(slice(1_001, 50));
            rig.fill(id, 50);
            assert_eq!(rig.over(), Some(Reason::None));
        } else {
            for _ in 0..9 {
                rig.pass(100);
            }
            assert_eq!((rig.refused.len(), rig.over()), (2, Some(Reason::Instrument)));
        }
    }
}

/// Goal: the plan of slices is exact at its edges. Method: a nanosecond before, at, and after each
/// begin, over spans and counts that do not divide each other; what is due never falls, is whole
/// lots, and ends at the whole.
#[test]
fn the_plan_of_slices_is_exact() {
    for (start, end, slices) in [(0, 10, 3), (1_000, 1_007, 7), (5, 1_000_000_007, 13), (7, 8, 5)] {
        let (start, end) = (Nanos(start), Nanos(end));
        let begun = |now| slices_begun(start, end, slices, Nanos(now));
        if start.0 > 0 {
            assert_eq!(begun(start.0 - 1), 0);
        }
        assert_eq!(begun(u64::MAX), slices);
        let mut last = 0;
        for step in 0..slices {
            let at = next_slice(start, end, slices, step).unwrap().0;
            assert!(begun(at) > step, "slice {step} of {slices} begins at {at}");
            assert!(at == start.0 || begun(at - 1) <= step, "and not before {at}");
            let share = due(shares(100), shares(10), slices, step + 1);
            assert!(share >= last && share % shares(10).0 == 0);
            last = share;
        }
        assert_eq!((last, next_slice(start, end, slices, slices)), (shares(100).0, None));
    }
}

/// Goal: a parent that risk does not take is over at once, and says why. Method: one wrong thing
/// each.
#[test]
fn a_parent_that_is_no_parent_is_refused() {
    let none = (Nanos(0), Nanos(0));
    let buy = Side::Buy;
    let all = shares(10);
    let minute = (Nanos(1), Nanos(60_000_000_000));
    let early = cents(1_000);
    let table = [
        // The market is at 10.005.
        (Ask::bracket(STOCK, buy, all, Price::NONE, early, cents(990)), Reason::Unsupported),
        (Ask::trailing(STOCK, buy, all, Offset::Ticks(1_001)), Reason::Unsupported),
        (Ask::twap(STOCK, buy, all, cents(999), minute, 11), Reason::Unsupported),
        (Ask::stop(STOCK, buy, all, Price::NONE), Reason::Unsupported),
        (Ask::stop(STOCK, buy, all, Price(1)), Reason::BadPrice),
        (Ask::stop(STOCK, buy, Qty::ZERO, cents(1_010)), Reason::BadQty),
        (Ask::stop(STOCK, buy, Qty(1), cents(1_010)), Reason::BadQty),
        (Ask::stop(STOCK, buy, shares(1_001), cents(1_010)), Reason::OrderQty),
        (Ask::iceberg(STOCK, buy, shares(5_000), cents(999), shares(1_001)), Reason::OrderQty),
        (Ask::iceberg(STOCK, buy, all, cents(999), Qty::ZERO), Reason::Unsupported),
        (Ask::twap(STOCK, buy, all, cents(999), none, 3), Reason::Unsupported),
        (Ask::twap(STOCK, buy, all, cents(999), (Nanos(1), Nanos(9)), 0), Reason::Unsupported),
    ];
    for (ask, reason) in table {
        let mut rig = Rig::of(&sample::setup(64), false);
        rig.top(1_000, 1_001);
        rig.ask(ask);
        assert_eq!((rig.over(), rig.refused.as_slice()), (Some(reason), [reason].as_slice()));
        assert_eq!(rig.taken(), []);
    }
}
