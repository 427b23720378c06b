use super::t03_states::rig;
use super::*;
use crate::order::Signs;
use crate::risk::setup::{ANSWER_MAX, Memory};
use shm::message::OrderUpdate;
use shm::record::order::{Base, OrderEvent};

const FIRST: InstrumentId = InstrumentId(0);
const OPERATOR: StrategyId = StrategyId::OPERATOR;

fn held(rig: &Rig, strategy: StrategyId) -> Qty {
    rig.risk.holding(strategy, FIRST).unwrap().qty
}

/// What restoring the rig's journal leads to.
fn restored(rig: &Rig) -> Risk {
    restored_by(&sample::setup(2), rig)
}

fn restored_by(setup: &Setup, rig: &Rig) -> Risk {
    let mut risk = Risk::new(setup);
    for (at, (kind, body, ts)) in rig.journal.iter().enumerate() {
        assert_eq!(risk.restore(*kind, body, *ts), Ok(()), "record {at} {kind}");
    }
    risk
}

/// Goal: E23: a fill of an order that is not ours moves the operator's position once, its undoing
/// takes it back, both are told and recorded, and the instrument may only be reduced. Method: a
/// buy, its repeat, a sell, the buy's undoing; then the journal's way back.
#[test]
fn t03_external_fills_move_the_position_and_are_told() {
    let mut rig = Rig::new(&sample::setup(2));
    let bought = ClOrdId::external(FIRST, Side::Buy as u8);
    let sold = ClOrdId::external(FIRST, Side::Sell as u8);
    let accepted = rig.report(said(Kind::Accepted, bought, MIDDLE, shares(50), 0));
    assert!(accepted.external && accepted.position.is_none());
    let fill = said(Kind::Executed, bought, MIDDLE, shares(30), 7);
    let applied = rig.report(fill);
    assert!(applied.external && applied.signs.has(Signs::EXTERNAL));
    assert_eq!(applied.event.flags & OrderEvent::EXPOSES, OrderEvent::EXPOSES);
    let moved = applied.position.unwrap();
    assert_eq!((moved.strategy, moved.position, moved.last_qty), (0, shares(30), shares(30)));
    let repeat = rig.report(fill);
    assert!(repeat.signs.has(Signs::REPEAT) && repeat.position.is_none());
    rig.report(said(Kind::Executed, sold, MIDDLE, shares(10), 8));
    assert_eq!((held(&rig, OPERATOR), held(&rig, StrategyId(1))), (shares(20), Qty::ZERO));
    assert_eq!(rig.risk.sums(StrategyId(1), FIRST).unwrap()[1].position, shares(20), "its account");
    rig.report(said(Kind::Broken, bought, Price::NONE, Qty::ZERO, 7));
    assert_eq!(held(&rig, OPERATOR), Qty(-shares(10).0));
    assert!(rig.risk.is_reduce_only(FIRST) && !rig.risk.is_reduce_only(InstrumentId(1)));
    let next = rig.buy();
    assert_eq!(rig.reason(&next), Some(Reason::Mode));
    assert_eq!(restored(&rig).state_hash(), rig.risk.state_hash());
}

/// Goal: E23: a report that tells neither instrument nor side, or names an order of ours that is
/// not known any more, is recorded and counted, and changes no position. Method: no id, an id of a
/// slot never used, of a slot beyond the table, of an earlier epoch.
#[test]
fn t03_external_orders_are_recorded_and_told() {
    let (mut rig, order, _) = rig(false);
    let before = rig.risk.state_hash();
    for id in [
        ClOrdId::NONE,
        ClOrdId::new(7, StrategyId(2), 5, 0),
        ClOrdId::new(6, StrategyId(1), order.cl_ord_id.slot(), 0),
        ClOrdId(u64::MAX),
    ] {
        let applied = rig.report(said(Kind::Executed, id, MIDDLE, shares(10), 77));
        assert!(applied.external && applied.position.is_none() && applied.update.is_none());
        assert_eq!((applied.event.cl_ord_id, applied.event.last_qty), (id, shares(10)));
        assert_eq!(applied.event.flags, OrderEvent::EXPOSES);
    }
    assert_eq!(rig.risk.state_hash(), before);
    assert_eq!(rig.risk.counters().external, 4);
}

/// Goal: C8: a fill of an own order that is long past is exposure all the same: it moves the
/// position of the strategy that sent it, once, is told, and the instrument may only be reduced;
/// the journal leads to the same. Method: an order that ends unfilled, then more than the table
/// remembers in the same slots; an order further back than even that changes nothing.
#[test]
fn t03_a_fill_of_a_forgotten_order_is_booked() {
    let mut setup = sample::setup(2);
    setup.memory = Memory { closed: 2, past: 4, facts: 64, repeats: 4 };
    let mut rig = Rig::new(&setup);
    let mut orders = Vec::new();
    for _ in 0..10 {
        rig.now.0 += Nanos::SECOND.0;
        rig.risk.on_market(&sample::live(rig.now));
        let order = rig.buy();
        rig.passes(&order);
        rig.accept(&order);
        rig.report(said(Kind::CanceledAll, order.cl_ord_id, Price::NONE, Qty::ZERO, 0));
        orders.push(order.cl_ord_id);
    }
    let known = orders.iter().filter(|id| rig.risk.order(**id).is_some()).count();
    let past = orders.len() - known - 1;
    assert!(rig.risk.order(orders[past]).is_none(), "forgotten");
    let fill = said(Kind::Executed, orders[past], MIDDLE, shares(30), 9);
    let applied = rig.report(fill);
    assert!(applied.external && applied.signs.has(Signs::EXTERNAL));
    assert_eq!(applied.event.flags & OrderEvent::EXPOSES, OrderEvent::EXPOSES);
    let moved = applied.position.unwrap();
    assert_eq!((moved.strategy, moved.position, moved.last_qty), (1, shares(30), shares(30)));
    assert_eq!((held(&rig, StrategyId(1)), held(&rig, OPERATOR)), (shares(30), Qty::ZERO));
    assert!(rig.report(fill).position.is_none(), "once");
    assert!(rig.risk.is_reduce_only(FIRST));
    let before = rig.risk.state_hash();
    let applied = rig.report(said(Kind::Executed, orders[0], MIDDLE, shares(30), 10));
    assert!(applied.external && applied.position.is_none(), "not even that is left of it");
    assert_eq!(rig.risk.state_hash(), before);
    assert_eq!(restored_by(&setup, &rig).state_hash(), rig.risk.state_hash());
}

/// Goal: C8: the venue's word of a position makes ours equal by an adjustment of the operator's
/// that is recorded, and lets the instrument only be reduced; an equal one changes nothing; C9: one
/// from before our last event is ignored. Method: a fill of 40, then four words.
#[test]
fn t03_the_venues_position_adjusts_ours() {
    let (mut rig, order, _) = rig(false);
    rig.fill(&order, shares(40), 1);
    let word = |seq: u32, count: i64| ExecReport {
        venue_seq: seq,
        last_px: cents(1003),
        last_qty: Qty(count * Qty::SCALE),
        ..said(Kind::VenuePosition, ClOrdId::external(FIRST, 0), Price::NONE, Qty::ZERO, 0)
    };
    let now = rig.seq;
    let equal = rig.report_as_is(word(now, 40));
    assert_eq!((equal.position, equal.signs), (None, Signs::default()));
    let stale = rig.report_as_is(word(now - 1, 0));
    assert_eq!((stale.position, stale.signs), (None, Signs::default()));
    assert!(!rig.risk.is_reduce_only(FIRST));
    let other = rig.report_as_is(word(now, 25));
    assert_eq!(other.signs, Signs::ADJUSTED);
    assert_eq!(other.position.unwrap().last_qty, Qty(-shares(15).0));
    assert_eq!((other.event.position, other.event.venue_seq), (shares(25), now));
    assert_eq!(held(&rig, OPERATOR), Qty(-shares(15).0));
    assert!(rig.risk.is_reduce_only(FIRST));
    let again = rig.report_as_is(word(now, 25));
    assert_eq!(again.position, None, "once");
    assert_eq!(rig.risk.venue_seq(GatewayId(0)), Some(now), "an answer is not of the stream");
    assert_eq!(restored(&rig).state_hash(), rig.risk.state_hash());
}

/// Goal: E24: an order that is not answered in time becomes unknown, oldest first, stays reserved,
/// and is told; an answer brings it back; one that was answered never does. Method: three orders a
/// second apart, the first answered, time moved to the last allowed instant and one past it.
#[test]
fn t03_an_unanswered_order_becomes_unknown() {
    let mut rig = Rig::new(&sample::setup(4));
    let orders: Vec<Intent> = (0..3)
        .map(|_| {
            rig.now.0 += Nanos::SECOND.0;
            let now = rig.now;
            rig.risk.on_market(&sample::live(now));
            let order = rig.buy();
            rig.passes(&order);
            order
        })
        .collect();
    rig.accept(&orders[0]);
    let base = |rig: &Rig, at: usize| rig.risk.order(orders[at].cl_ord_id).unwrap().base();
    let second = rig.now.0 - Nanos::SECOND.0;
    let due = |after: u64| Nanos(second + ANSWER_MAX.0 + after);
    assert!(!rig.risk.is_overdue(due(0)) && rig.risk.take_overdue(due(0)).is_none());
    assert!(rig.risk.is_overdue(due(1)));
    let told: OrderUpdate = rig.risk.take_overdue(due(1)).unwrap();
    assert_eq!((told.cl_ord_id, told.base), (orders[1].cl_ord_id, Base::Unknown as u8));
    assert!(rig.risk.take_overdue(due(1)).is_none());
    assert_eq!([0, 1, 2].map(|at| base(&rig, at)), [Base::New, Base::Unknown, Base::Approved]);
    let unknown: Vec<_> =
        rig.risk.unknown_orders().map(|order| (order.root, order.since)).collect();
    assert_eq!(unknown, [(orders[1].cl_ord_id, due(1))]);
    assert_eq!(rig.risk.sums(StrategyId(1), FIRST).unwrap()[0].open_buy, shares(300));
    let replace = rig.replacing(&orders[1], MIDDLE, shares(50));
    assert_eq!(rig.reason(&replace), Some(Reason::UnknownOrder), "no new id for it");
    rig.accept(&orders[1]);
    assert_eq!((base(&rig, 1), rig.risk.unknown_orders().count()), (Base::New, 0));
    assert_eq!(rig.risk.counters().overdue, 1);
}
