use super::*;
use shm::ids::InstrumentId;
use shm::message::{Command, CommandOp};

/// Goal: a sweep asks once for an order that its gateway holds as ended, and again after a venue's
/// refusal; the two differ in whose word it is. Method: a sweep of all over one resting order,
/// each answer in the turn after the question.
#[test]
fn a_sweep_does_not_ask_a_gateway_again_for_what_it_does_not_hold() {
    let px = Price(1_001 * DOLLAR / 100);
    let mut rig = Rig::new(setup(|_| {}));
    let id = rig.order(2, 0, Side::Sell, px);
    rig.report(Kind::Accepted, id, px);
    assert_eq!(rig.sent(), [(Kind::ApprovedNew, id)]);
    let sweep = Command {
        kind: Kind::Command as u8,
        op: CommandOp::CancelAll as u8,
        instrument: InstrumentId::NONE,
        ..Command::default()
    };
    rig.give(2, sweep.into());
    rig.poll();
    assert_eq!(rig.sent(), [(Kind::ApprovedCancel, id)]);
    rig.report(Kind::CancelRejected, id, px);
    assert_eq!(rig.sent(), [(Kind::ApprovedCancel, id)], "the venue refused: asked again");
    let unheld = ExecReport {
        kind: Kind::CancelRejected as u8,
        reason: Reason::UnknownOrder as u16,
        cl_ord_id: id,
        t0: rig.now,
        ..ExecReport::default()
    };
    rig.give(1, unheld.into());
    for _ in 0..5 {
        rig.poll();
    }
    assert_eq!(rig.sent(), [], "the gateway has nothing to cancel");
    rig.assert_replays_alike();
}
