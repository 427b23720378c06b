//! What the stage does while its lane is nearly full: no input is taken whose records would find no
//! room.

use super::*;
use crate::stage::ROOM_MIN;

/// Goal: of a burst that would fill the lane as much is taken as the lane has room for, nothing
/// that is done is unwritten, the rest follows once there is room, and the records tell it all.
/// Method: a lane filled to just above the least room, 900 reports and 16 orders at once.
#[test]
fn a_burst_is_taken_as_far_as_the_lane_has_room() {
    let mut rig = Rig::new(setup(|_| ()));
    let px = Price(10 * DOLLAR);
    let ids: Vec<ClOrdId> = (0..8).map(|slot| rig.order(0, slot, Side::Buy, px)).collect();
    for id in &ids {
        rig.report(Kind::Accepted, *id, px);
    }
    let filler = vec![0; 1_000];
    while rig.lane.has_room(ROOM_MIN + 2_000) {
        rig.lane.append(RecordKind::CaptureGap as u16, 0, 0, rig.now, &filler).unwrap();
    }
    for at in 0..900 {
        let id = ids[at % ids.len()];
        let report =
            ExecReport { kind: Kind::CancelRejected as u8, cl_ord_id: id, ..ExecReport::default() };
        rig.give(1, report.into());
    }
    let first = rig.setup.strategies[0].slot_first;
    for slot in 8..16 {
        let id = ClOrdId::new(7, StrategyId(0), first + slot, 0);
        rig.give(3, sample::intent(id, Side::Buy, px).into());
    }
    for _ in 0..50 {
        rig.turn();
    }
    assert!(!rig.lane.has_room(ROOM_MIN), "the lane was filled");
    assert_eq!(rig.tail.lost(), 0, "all that was done is written");
    let left = rig.stage.ports.reports[0].waiting();
    assert!(left > 0 && left < 900, "{left} reports wait");
    rig.archive();
    rig.records.retain(|record| record.kind != RecordKind::CaptureGap);
    for _ in 0..50 {
        rig.poll();
    }
    let events = rig.records.iter().filter(|record| record.kind == RecordKind::OrderEvent);
    assert_eq!(events.count(), 1 + 8 + 900, "the session, the acceptances, the burst");
    assert_eq!(rig.tail.lost(), 0);
    rig.assert_replays_alike();
}
