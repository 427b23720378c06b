//! What who looks from outside sees.

use super::*;

/// Goal: positions that a session begins with are shown before anything is reported. Method: 100
/// bought in one session; the cells of the next one's stage.
#[test]
fn what_is_carried_over_is_shown_at_the_start() {
    let mut rig = Rig::new(setup(|_| ()));
    let px = Price(10 * DOLLAR);
    let id = rig.order(0, 0, Side::Buy, px);
    rig.report(Kind::Accepted, id, px);
    rig.report(Kind::Executed, id, px);
    let mut risk = Risk::new(&rig.setup);
    rig.stage.risk.carry(false, &mut |kind, body| risk.restore(kind, body, Nanos(0)).unwrap());
    let (_desk, door) = exchange();
    let (_stage, ends) = make_of(risk, &rig.setup, door, VecDeque::new());
    let region = ends._region.reader().unwrap();
    let cells = region.cells::<record::PositionEvent>("risk.position").unwrap();
    let shown = cells.iter().filter_map(|cell| cell.read()).map(|row| row.position);
    let held: Vec<Qty> = shown.filter(|qty| qty.0 != 0).collect();
    assert_eq!(held, [Qty::from_shares(100)]);
}

/// Goal: what a thread decides that stood still for seconds within a turn is not dated before its
/// cause. Method: an intent of an event 11 s after the poll began, whose 32 bits of time have come
/// round in between.
#[test]
fn a_decision_is_not_dated_before_its_cause() {
    let mut rig = Rig::new(setup(|_| ()));
    let first = rig.setup.strategies[0].slot_first;
    let id = ClOrdId::new(7, StrategyId(0), first, 0);
    let t0 = Nanos(rig.now.0 + 11 * Nanos::SECOND.0);
    let intent = Intent { t0, ..sample::intent(id, Side::Buy, Price(10 * DOLLAR)) };
    let published = Nanos(t0.0 + 5_000);
    push(&mut rig.ends, 3, intent.into(), published);
    rig.poll();
    let decided = rig.records.last().unwrap();
    assert!(decided.ts >= published && decided.ts.0 < published.0 + Nanos::SECOND.0);
}
