//! The built-in strategies on a desk of their own: market events in, intents out.

use super::Strategy;
use super::desk::{Busy, Desk, Outlet, Port, Terms};
use super::maker::Maker;
use super::probe::Probe;
use super::taker::Taker;
use crate::clock::Clock;
use crate::config::params::{MakerParams, Params, ProbeParams, TakerParams};
use crate::link::{self, Input};
use crate::order::slots::SlotPool;
use crate::parent::Parents;
use shm::ids::{Cause, ClOrdId, FeedId, InstrumentId, StrategyId};
use shm::message::{BookTop, Intent, Kind, OrdType, OrderUpdate, RiskReject, Side, Tif, flags};
use shm::reason::Reason;
use shm::record::order::Base;
use shm::units::{Nanos, Price, Qty};

const TICK: i64 = 10_000_000;
const LOT: i64 = Qty::SCALE;

struct Bench {
    outlet: Outlet,
    intents: Input,
    slots: SlotPool,
    parents: Parents,
    terms: Vec<Terms>,
    clock: Clock,
    now: Nanos,
}

impl Bench {
    fn new(ring: usize) -> Self {
        let (output, intents) = link::ring(ring);
        let none = (Price(0), Price(0));
        let terms = Terms { bands: [(Price(0), Price(TICK)), none, none, none], lot: Qty(LOT) };
        Self {
            outlet: Outlet::live(output),
            intents,
            slots: SlotPool::new(StrategyId(1), 7, 0, 64),
            parents: Parents::new(0, 64, 2, false),
            terms: vec![terms; 2],
            clock: Clock::given(Nanos(0)),
            now: Nanos(0),
        }
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut Desk<'_>) -> R) -> R {
        let port = Port {
            now: self.now,
            cause: Cause::new(FeedId(0), 1),
            t0: self.now,
            d_publish: 0,
            d_begin: 0,
            clock: &self.clock,
            terms: &self.terms,
            slots: &mut self.slots,
            outlet: &mut self.outlet,
        };
        act(&mut Desk { port, parents: &mut self.parents })
    }

    fn top(
        &mut self,
        strategy: &mut dyn Strategy,
        bid: i64,
        ask: i64,
        bid_lots: i64,
        ask_lots: i64,
    ) {
        let top = BookTop {
            kind: Kind::BookTop as u8,
            instrument: InstrumentId(1),
            bid_px: Price(bid * TICK),
            bid_qty: Qty(bid_lots * LOT),
            ask_px: Price(ask * TICK),
            ask_qty: Qty(ask_lots * LOT),
            ..BookTop::default()
        };
        self.with(|desk| strategy.on_top(&top, desk));
    }

    fn taken(&mut self) -> Vec<Intent> {
        let mut taken = Vec::new();
        self.intents.drain(100, |message| taken.extend(message.view::<Intent>().copied()));
        taken
    }

    fn update(&mut self, strategy: &mut dyn Strategy, id: ClOrdId, base: Base, cum: i64) {
        let update = OrderUpdate {
            kind: Kind::OrderUpdate as u8,
            base: base as u8,
            instrument: InstrumentId(1),
            cl_ord_id: id,
            cum_qty: Qty(cum * LOT),
            ..OrderUpdate::default()
        };
        self.with(|desk| strategy.on_update(&update, desk));
    }
}

fn maker() -> Maker {
    let params = MakerParams { spread_ticks: 4, qty: Qty(10 * LOT), skew_ticks_per_lot: 1 };
    Maker::new(params, 2)
}

fn shown(intents: &[Intent]) -> Vec<(u8, u8, i64, i64)> {
    intents.iter().map(|i| (i.kind, i.side, i.px.0 / TICK, i.qty.0 / LOT)).collect()
}

const NEW: u8 = Kind::IntentNew as u8;
const REPLACE: u8 = Kind::IntentReplace as u8;
const CANCEL: u8 = Kind::IntentCancel as u8;
const BUY: u8 = Side::Buy as u8;
const SELL: u8 = Side::Sell as u8;

/// Goal: the maker quotes its spread around the mid, moves with it, and never asks twice for what
/// is on its way. Method: a book, an ack, a moved book.
#[test]
fn maker_quotes_around_the_mid_and_follows_it() {
    let mut bench = Bench::new(64);
    let mut maker = maker();
    bench.top(&mut maker, 1_000, 1_002, 5, 5);
    let quotes = bench.taken();
    assert_eq!(shown(&quotes), [(NEW, BUY, 999, 10), (NEW, SELL, 1_003, 10)]);
    bench.top(&mut maker, 1_010, 1_012, 5, 5);
    assert_eq!(bench.taken(), [], "nothing is asked of an order that is not live yet");
    for quote in &quotes {
        bench.update(&mut maker, quote.cl_ord_id, Base::New, 0);
    }
    bench.top(&mut maker, 1_010, 1_012, 5, 5);
    assert_eq!(shown(&bench.taken()), [(REPLACE, BUY, 1_009, 10), (REPLACE, SELL, 1_013, 10)]);
    bench.top(&mut maker, 1_020, 1_022, 5, 5);
    assert_eq!(bench.taken(), [], "nothing is asked of an order that is being replaced");
}

/// Goal: a position moves both quotes against itself. Method: the bid fills whole, then a new book.
#[test]
fn maker_leans_against_its_position() {
    let mut bench = Bench::new(64);
    let mut maker = maker();
    bench.top(&mut maker, 1_000, 1_002, 5, 5);
    let quotes = bench.taken();
    bench.update(&mut maker, quotes[1].cl_ord_id, Base::New, 0);
    bench.update(&mut maker, quotes[0].cl_ord_id, Base::Filled, 10);
    bench.top(&mut maker, 1_000, 1_002, 5, 5);
    assert_eq!(shown(&bench.taken()), [(NEW, BUY, 998, 10), (REPLACE, SELL, 1_002, 10)]);
}

/// Goal: a price that risk refused is asked for again only after another was wanted.
#[test]
fn maker_does_not_repeat_a_refused_price() {
    let mut bench = Bench::new(64);
    let mut maker = maker();
    bench.top(&mut maker, 1_000, 1_002, 5, 5);
    let bid = bench.taken()[0];
    let reject = RiskReject {
        kind: Kind::RiskReject as u8,
        instrument: InstrumentId(1),
        cl_ord_id: bid.cl_ord_id,
        ..RiskReject::default()
    };
    bench.with(|desk| maker.on_reject(&reject, desk));
    bench.top(&mut maker, 1_000, 1_002, 6, 6);
    assert_eq!(bench.taken(), []);
    bench.top(&mut maker, 1_001, 1_003, 6, 6);
    assert_eq!(shown(&bench.taken()), [(NEW, BUY, 1_000, 10)]);
}

/// Goal: after a refusal for too many equal orders a quote rests at every price and is then asked
/// for again; one for its price is, at that price. Method: a nanosecond before the end, and at it.
#[test]
fn maker_rests_after_too_many_equal_orders() {
    for (reason, others) in [(Reason::Duplicate, 0), (Reason::Collar, 1)] {
        let mut bench = Bench::new(64);
        let mut maker = maker();
        bench.now = Nanos(5);
        bench.top(&mut maker, 1_000, 1_002, 5, 5);
        let bid = bench.taken()[0];
        let reject = RiskReject {
            kind: Kind::RiskReject as u8,
            reason: reason as u8,
            instrument: InstrumentId(1),
            cl_ord_id: bid.cl_ord_id,
            ..RiskReject::default()
        };
        bench.with(|desk| maker.on_reject(&reject, desk));
        bench.now = Nanos(100_000_004);
        bench.top(&mut maker, 1_000, 1_002, 6, 6);
        assert_eq!(bench.taken(), [], "{reason}: the price it was refused at");
        bench.top(&mut maker, 1_001, 1_003, 6, 6);
        assert_eq!(bench.taken().len(), others, "{reason}: another price");
        bench.now = Nanos(100_000_005);
        bench.top(&mut maker, 1_000, 1_002, 6, 6);
        assert_eq!(bench.taken().len(), 1 - others, "{reason}: the pause is over");
    }
}

/// Goal: nobody acts on a book that is stale, halted, crossed or one-sided.
#[test]
fn an_unusable_book_is_left_alone() {
    let mut bench = Bench::new(64);
    let mut taker =
        Taker::new(TakerParams { imbalance_bps: 6_000, qty: Qty(LOT), cooldown_ms: 0 }, 2);
    let mut maker = maker();
    for flag in [flags::STALE, flags::HALT, flags::CROSSED] {
        let top = BookTop {
            kind: Kind::BookTop as u8,
            flags: flag,
            instrument: InstrumentId(1),
            bid_px: Price(1_000 * TICK),
            bid_qty: Qty(90 * LOT),
            ask_px: Price(1_002 * TICK),
            ask_qty: Qty(10 * LOT),
            ..BookTop::default()
        };
        bench.with(|desk| {
            maker.on_top(&top, desk);
            taker.on_top(&top, desk);
        });
    }
    let one_sided =
        BookTop { instrument: InstrumentId(1), ask_px: Price::NONE, ..BookTop::default() };
    bench.with(|desk| {
        maker.on_top(&one_sided, desk);
        taker.on_top(&one_sided, desk);
    });
    assert_eq!(bench.taken(), []);
}

/// Goal: the taker takes the side the book leans from, one order at a time, rested. Method: just
/// below and at the threshold, then a second signal while the first works, then in the cool-down.
#[test]
fn taker_acts_at_its_threshold_once_and_rests() {
    let mut bench = Bench::new(64);
    let params = TakerParams { imbalance_bps: 9_000, qty: Qty(3 * LOT), cooldown_ms: 10 };
    let mut taker = Taker::new(params, 2);
    bench.now = Nanos(1_000_000_000);
    bench.top(&mut taker, 1_000, 1_002, 899, 101);
    assert_eq!(bench.taken(), []);
    bench.top(&mut taker, 1_000, 1_002, 900, 100);
    let order = bench.taken()[0];
    assert_eq!((order.side, order.px, order.tif), (BUY, Price(1_002 * TICK), Tif::Ioc as u8));
    bench.top(&mut taker, 1_000, 1_002, 100, 900);
    assert_eq!(bench.taken(), [], "one order at a time");
    bench.update(&mut taker, order.cl_ord_id, Base::Canceled, 0);
    bench.now = Nanos(1_009_999_999);
    bench.top(&mut taker, 1_000, 1_002, 100, 900);
    assert_eq!(bench.taken(), [], "resting");
    bench.now = Nanos(1_010_000_000);
    bench.top(&mut taker, 1_000, 1_002, 100, 900);
    assert_eq!(shown(&bench.taken()), [(NEW, SELL, 1_000, 3)]);
}

/// Goal: the probe enters one order per so many changes, behind the touch, and cancels what is
/// live.
#[test]
fn probe_enters_and_cancels() {
    let mut bench = Bench::new(64);
    let params = ProbeParams { every: 2, qty: Qty(LOT), offset_ticks: 5, bad_every: 0 };
    let mut probe = Probe::new(params, 2);
    for _ in 0..4 {
        bench.top(&mut probe, 1_000, 1_002, 5, 5);
    }
    let orders = bench.taken();
    assert_eq!(shown(&orders), [(NEW, SELL, 1_007, 1), (NEW, BUY, 995, 1)]);
    bench.update(&mut probe, orders[0].cl_ord_id, Base::New, 0);
    for _ in 0..2 {
        bench.top(&mut probe, 1_000, 1_002, 5, 5);
    }
    let next = bench.taken();
    assert_eq!(next.iter().map(|intent| intent.kind).collect::<Vec<_>>(), [CANCEL, NEW]);
    assert_eq!(next[0].cl_ord_id, orders[0].cl_ord_id);
}

/// Goal: wrong orders are wrong in five ways, in rotation.
#[test]
fn probe_is_wrong_in_five_ways() {
    let mut bench = Bench::new(256);
    let params = ProbeParams { every: 1, qty: Qty(LOT), offset_ticks: 0, bad_every: 1 };
    let mut probe = Probe::new(params, 2);
    let mut kinds = Vec::new();
    for _ in 0..5 {
        bench.top(&mut probe, 1_000, 1_002, 5, 5);
        let orders = bench.taken();
        kinds.push((orders.len(), orders[0].px.0 % TICK, orders[0].qty.0));
        orders.iter().for_each(|order| assert!(bench.slots.free(order.cl_ord_id)));
    }
    assert_eq!(kinds[0].2, LOT * 1_000_000);
    assert_eq!(kinds[1].1, 1);
    assert_eq!(kinds[3].2, 0);
    assert!(kinds[4].0 > 5, "a burst of equal orders");
}

/// Goal: a full ring is BUSY, loses no id, and is logged by ordinal. Method: a ring of two, three
/// sends; then a replay that must be BUSY at the same send.
#[test]
fn a_full_ring_is_busy_and_replays_alike() {
    let mut bench = Bench::new(2);
    let enter = |desk: &mut Desk<'_>| {
        desk.enter(InstrumentId(1), Side::Buy, Price(TICK), Qty(LOT), Tif::Day, OrdType::Limit)
    };
    let free = bench.slots.free_count();
    assert!(bench.with(enter).is_ok() && bench.with(enter).is_ok());
    assert_eq!(bench.with(enter), Err(Busy));
    assert_eq!(bench.slots.free_count(), free - 2);
    let (output, mut inputs) = link::replay(1);
    bench.outlet = Outlet::replay(output, [3].into());
    assert!(bench.with(enter).is_ok() && bench.with(enter).is_ok());
    assert_eq!(bench.with(enter), Err(Busy));
    assert!(bench.with(enter).is_ok());
    assert_eq!(inputs.remove(0).drain(10, |_| {}), 3);
}

/// Goal: parameters given anew act on the next event.
#[test]
fn parameters_given_anew_act_at_once() {
    let mut bench = Bench::new(64);
    let mut maker = maker();
    let params = MakerParams { spread_ticks: 10, qty: Qty(LOT), skew_ticks_per_lot: 0 };
    maker.configure(&Params::Maker(params));
    bench.top(&mut maker, 1_000, 1_002, 5, 5);
    assert_eq!(shown(&bench.taken()), [(NEW, BUY, 996, 1), (NEW, SELL, 1_006, 1)]);
}
