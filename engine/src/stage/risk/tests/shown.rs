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
