//! Stop, stop limit, trailing stop.

use super::kit::{Rig, STOCK, cents, limit, market, shares};
use crate::parent::wants::stop_of;
use crate::parent::{Ask, Offset};
use crate::risk::sample::DOLLAR;
use crate::strategy::Terms;
use shm::message::{FeedState, Kind, Side, flags, parent_flags};
use shm::reason::Reason;
use shm::units::Price;

fn sell_stop() -> Ask {
    Ask::stop(STOCK, Side::Sell, shares(100), cents(995))
}

/// Goal: a stop waits, triggers at its price and not a cent before, once, and works until all is
/// filled whatever the market does after. Method: one tick above, at, and far above after the
/// touch.
#[test]
fn a_stop_triggers_once_at_its_price_and_works_until_filled() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(sell_stop());
    rig.top(996, 997);
    assert_eq!(rig.taken(), []);
    assert!(rig.states.is_empty());
    rig.top(995, 996);
    let id = rig.accepted(market(Side::Sell, 100));
    assert_eq!(rig.states.len(), 1, "the trigger is in the journal");
    rig.top(1_010, 1_011);
    rig.fill(id, 40);
    rig.canceled(id);
    assert_eq!(rig.taken(), [], "the rest of an immediate order waits a moment");
    rig.pass(10);
    let id = rig.accepted(market(Side::Sell, 60));
    rig.fill(id, 60);
    assert_eq!(rig.over(), Some(Reason::None));
    rig.top(995, 996);
    rig.pass(1_000);
    assert_eq!(rig.taken(), []);
    assert_eq!(rig.states.len(), 1);
}

/// Goal: the mirrored stop looks at the other side of the book.
#[test]
fn a_buy_stop_looks_at_the_ask() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(Ask::stop(STOCK, Side::Buy, shares(10), cents(1_005)));
    rig.top(1_003, 1_004);
    assert_eq!(rig.taken(), []);
    rig.top(1_003, 1_005);
    rig.accepted(market(Side::Buy, 10));
}

/// Goal: a stop that is touched already when it is asked for acts at once; one asked for before any
/// book was seen waits for one.
#[test]
fn a_stop_that_is_touched_already_acts_at_once() {
    let mut rig = Rig::new();
    rig.ask(Ask::stop(STOCK, Side::Sell, shares(5), cents(100)));
    rig.top(990, 991);
    rig.ask(sell_stop());
    rig.accepted(market(Side::Sell, 100));
}

/// Goal: what is no reference triggers nothing: a stale, crossed or halted book, a book of a feed
/// that is not live, a stale or halted print. Method: each at a price that would trigger.
#[test]
fn books_that_are_no_reference_trigger_nothing() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(sell_stop());
    rig.ask(Ask::stop(STOCK, Side::Sell, shares(50), cents(995)).on_last_trade());
    for bad in [flags::STALE, flags::CROSSED, flags::HALT] {
        rig.top_with(990, 991, bad);
        assert_eq!(rig.taken(), []);
    }
    for bad in [flags::STALE, flags::HALT] {
        rig.print(990, bad);
    }
    rig.top(996, 997);
    rig.feed(FeedState::Stale);
    rig.feed(FeedState::Live);
    rig.pass(1);
    assert_eq!(rig.taken(), [], "the book before the gap is none after it");
    rig.print(995, 0);
    rig.accepted(market(Side::Sell, 50));
    rig.top(995, 996);
    rig.accepted(market(Side::Sell, 100));
}

/// Goal: by last trade, prints from before the stop count for nothing, and quotes never.
#[test]
fn a_stop_on_the_last_trade_looks_at_new_prints_alone() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.print(990, 0);
    rig.ask(sell_stop().on_last_trade());
    rig.top(990, 991);
    assert_eq!(rig.taken(), []);
    rig.print(996, 0);
    assert_eq!(rig.taken(), []);
    rig.print(995, 0);
    rig.accepted(market(Side::Sell, 100));
}

/// Goal: a market that jumps over a stop limit leaves it resting at its limit; a stop without one
/// goes at the market, at the edge of the collar.
#[test]
fn a_gap_leaves_a_stop_limit_at_its_limit() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(Ask::stop_limit(STOCK, Side::Sell, shares(100), cents(995), cents(990)));
    rig.ask(sell_stop());
    rig.top(960, 961);
    let ids = rig.ids(&[limit(Side::Sell, 990, 100), market(Side::Sell, 100)]);
    let stop = rig.risk.order(ids[1]).unwrap().terms.px;
    assert!(stop < cents(960) && stop >= cents(910), "at the edge of the collar: {stop}");
}

/// Goal: what is refused is tried again, not given up and not hammered. Method: a venue that
/// refuses, a hundred tops within the pause.
#[test]
fn a_refused_stop_is_tried_again_after_a_pause() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(sell_stop());
    rig.top(995, 996);
    let ids = rig.ids(&[market(Side::Sell, 100)]);
    rig.rejected(ids[0]);
    for _ in 0..99 {
        rig.top(995, 996);
    }
    assert_eq!(rig.taken(), []);
    rig.pass(100);
    rig.accepted(market(Side::Sell, 100));
}

/// Goal: a stop that is cancelled before it is touched ends without an order; one whose order is
/// out, once that is cancelled.
#[test]
fn a_cancelled_stop_cancels_its_order_first() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    let id = rig.ask(sell_stop());
    rig.cancel_parent(id);
    assert_eq!((rig.taken(), rig.over()), (vec![], Some(Reason::None)));
    rig.events.clear();
    let id = rig.ask(Ask::stop_limit(STOCK, Side::Sell, shares(100), cents(995), cents(994)));
    rig.top(995, 996);
    let child = rig.accepted(limit(Side::Sell, 994, 100));
    rig.cancel_parent(id);
    assert_eq!(rig.taken()[0].kind, Kind::ApprovedCancel);
    assert_eq!(rig.over(), None);
    rig.fill(child, 30);
    rig.canceled(child);
    assert_eq!(rig.over(), Some(Reason::None));
    assert_eq!(rig.events.last().unwrap().filled[0], shares(30));
}

/// Goal: nothing follows from a latch that the journal has no room for.
#[test]
fn a_latch_without_room_in_the_journal_waits() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(sell_stop());
    rig.lane_has_room = false;
    rig.top(995, 996);
    rig.top(1_000, 1_001);
    assert_eq!(rig.taken(), []);
    rig.lane_has_room = true;
    rig.pass(1);
    rig.accepted(market(Side::Sell, 100));
}

/// Goal: a trailing stop follows one way only and triggers at its distance, in ticks. Method: a
/// walk up, down, up, and down to the stop.
#[test]
fn a_trailing_stop_follows_one_way_only() {
    let mut rig = Rig::new();
    rig.top(1_000, 1_001);
    rig.ask(Ask::trailing(STOCK, Side::Sell, shares(100), Offset::Ticks(5)));
    for bid in [1_000, 1_003, 1_000, 1_006, 1_002] {
        rig.top(bid, bid + 1);
        assert_eq!(rig.taken(), [], "at {bid}");
    }
    let anchors: Vec<Price> = rig.states.iter().map(|state| state.anchor).collect();
    assert_eq!(anchors, [cents(1_000), cents(1_003), cents(1_006)], "and nothing else");
    rig.top(1_001, 1_002);
    rig.accepted(market(Side::Sell, 100));
}

/// Goal: the stop of a trailing stop never moves away from the market, whatever the market does,
/// for both sides and both kinds of offset. Method: a random walk; the stop recomputed from each
/// state.
#[test]
fn the_stop_of_a_trailing_stop_is_monotone() {
    let none = (Price(0), Price(0));
    let bands =
        [(Price(0), Price(DOLLAR / 10_000)), (Price(DOLLAR), Price(DOLLAR / 100)), none, none];
    let terms = Terms { bands, lot: shares(1) };
    for (seed, side) in (1_u64..21).flat_map(|seed| [(seed, Side::Buy), (seed, Side::Sell)]) {
        let (offset, flags) = if seed % 2 == 0 {
            (Offset::Bps(37), parent_flags::OFFSET_BPS)
        } else {
            (Offset::Ticks(9), 0)
        };
        let mut rig = Rig::new();
        rig.top(1_000, 1_001);
        rig.ask(Ask::trailing(STOCK, side, shares(1), offset));
        let (mut px, mut random) = (1_000_i64, seed);
        for _ in 0..400 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            px += (random >> 33) as i64 % 5 - 2;
            rig.top(px, px + 1);
        }
        let number = if flags == 0 { 9 } else { 37 };
        let stops: Vec<Price> = rig
            .states
            .iter()
            .map(|state| stop_of(state.anchor, side, number, flags, &terms).unwrap())
            .collect();
        let one_way = stops.windows(2).all(|pair| match side {
            Side::Sell => pair[0] <= pair[1],
            Side::Buy => pair[0] >= pair[1],
        });
        assert!(one_way && !stops.is_empty(), "seed {seed} {side}: {stops:?}");
        assert!(rig.taken().len() <= 1, "seed {seed}: it triggered twice");
    }
}
