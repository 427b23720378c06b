//! R47, the gates, and how many messages share a send.

use super::*;

/// Goal: R47: what leaves was approved under its id and on its terms, once. Method: an approval,
/// the same again, one of the same id on other terms; the records and what the link was given.
#[test]
fn r47_what_nobody_approved_is_not_sent() {
    let mut rig = Rig::up(With::default());
    rig.approve(Kind::ApprovedNew, id(1, 0));
    rig.poll();
    assert_eq!(rig.sends(), ["O"]);
    rig.approve(Kind::ApprovedNew, id(1, 0));
    rig.poll();
    // Both of one id wait together: the first granted is the one that was approved.
    rig.wire.0.lock().unwrap().is_full = true;
    rig.approve(Kind::ApprovedNew, id(2, 0));
    let other = approved(Kind::ApprovedNew, id(2, 0), rig.now);
    let other = Approved { qty: Qty::from_shares(999), ..other };
    rig.push(other);
    rig.poll();
    rig.wire.0.lock().unwrap().is_full = false;
    rig.poll();
    assert_eq!(rig.sends(), ["O", "O"]);
    assert_eq!(rig.voids(), [(id(1, 0), Reason::Unapproved), (id(2, 0), Reason::Unapproved)]);
    assert_eq!(rig.counter("unapproved"), 2);
    assert_eq!(rig.reported(), [], "no reservation may be released for what nobody approved");
}

/// Goal: R47 with what is voided: its approval is gone with it. Method: an order that grew too old,
/// then the same approval again.
#[test]
fn r47_a_voided_approval_cannot_be_spent_later() {
    let mut rig = Rig::up(With::default());
    rig.approve(Kind::ApprovedNew, id(1, 0));
    rig.wait(6_000_000);
    assert_eq!(rig.reported(), [Kind::GateReject]);
    rig.approve(Kind::ApprovedNew, id(1, 0));
    rig.poll();
    assert_eq!(rig.sends(), [""; 0]);
    assert_eq!(rig.voids(), [(id(1, 0), Reason::TooOld), (id(1, 0), Reason::Unapproved)]);
}

/// Goal: at most `send_batch_max` new orders share a send, cancels ride freely, and every message
/// is in the lane before the send that takes it. Method: ten orders and three cancels at once, for
/// each of several maxima; the letters of each send, the order of the records, and a replay.
#[test]
fn orders_share_a_send_up_to_the_maximum_and_cancels_freely() {
    for batch_max in [1, 2, 4, 64] {
        let with = With { batch_max, ..With::default() };
        let mut rig = Rig::up(with);
        let mut given = Vec::new();
        for slot in 0..3 {
            given.push(approved(Kind::ApprovedNew, id(slot, 0), rig.now));
            rig.approve(Kind::ApprovedNew, id(slot, 0));
            rig.poll();
        }
        rig.wire.0.lock().unwrap().sends.clear();
        let before = rig.records.len();
        for slot in 0..3 {
            given.push(approved(Kind::ApprovedCancel, id(slot, 0), rig.now));
            rig.approve(Kind::ApprovedCancel, id(slot, 0));
        }
        for slot in 10..20 {
            given.push(approved(Kind::ApprovedNew, id(slot, 0), rig.now));
            rig.approve(Kind::ApprovedNew, id(slot, 0));
        }
        rig.poll();
        let sends = rig.sends();
        let orders = |send: &String| send.matches('O').count() as u32;
        assert!(sends.iter().all(|send| orders(send) <= batch_max), "{batch_max}: {sends:?}");
        assert_eq!(sends.len() as u32, 10_u32.div_ceil(batch_max), "{batch_max}: {sends:?}");
        assert!(sends[0].starts_with("XXX"), "cancels first: {sends:?}");
        // Per send: its `Tx` records, then as many `Sent`.
        let mut kinds = rig.kinds().split_off(before).into_iter();
        for send in &sends {
            for kind in [RecordKind::Tx, RecordKind::Sent] {
                let run: Vec<RecordKind> = kinds.by_ref().take(send.len()).collect();
                assert_eq!(run, vec![kind; send.len()], "{batch_max}: {sends:?}");
            }
        }
        assert_eq!(rig.counter("sent_new"), 13);
        rig.assert_replays_alike(with, &given);
    }
}

/// Goal: K4: what leaves after a gate has closed is what its send had taken when it was read, at
/// most `send_batch_max` new orders; nothing that was approved and not yet taken. Method: the gate
/// closes inside the first send, with many more waiting.
#[test]
fn k4_after_the_store_at_most_one_send_of_orders_leaves() {
    for batch_max in [1, 5] {
        let mut rig = Rig::up(With { batch_max, ..With::default() });
        let gates = rig.gates.clone();
        rig.wire.0.lock().unwrap().on_send = Some(Box::new(move || {
            gates.close(Scope::Global, Trigger::Operator);
        }));
        for slot in 0..40 {
            rig.approve(Kind::ApprovedNew, id(slot, 0));
        }
        for _ in 0..10 {
            rig.poll();
        }
        let sent: usize = rig.sends().iter().map(|send| send.matches('O').count()).sum();
        assert_eq!(sent as u32, batch_max, "{:?}", rig.sends());
        let voided = rig.voids();
        assert_eq!(voided.len(), 40 - sent);
        assert!(voided.iter().all(|(_, reason)| *reason == Reason::Killed));
    }
}

/// Goal: a message that waits for the socket is judged again before it goes. Method: three orders
/// held by a full socket; the gate of one strategy closes; then the socket takes bytes again; and a
/// replay.
#[test]
fn what_waits_for_the_socket_is_judged_again() {
    let with = With { batch_max: 8, ..With::default() };
    let mut rig = Rig::up(with);
    rig.wire.0.lock().unwrap().is_full = true;
    let of = |strategy, slot| ClOrdId::new(1, StrategyId(strategy), slot, 0);
    let ids = [of(1, 1), of(2, 2), of(1, 3)];
    let given = ids.map(|id| approved(Kind::ApprovedNew, id, rig.now));
    for id in ids {
        rig.approve(Kind::ApprovedNew, id);
    }
    rig.poll();
    assert_eq!(rig.counter("would_block"), 1);
    rig.gates.close(Scope::Strategy(StrategyId(2)), Trigger::Operator);
    rig.wire.0.lock().unwrap().is_full = false;
    rig.poll();
    assert_eq!(rig.sends(), ["OO"]);
    assert_eq!(rig.voids(), [(of(2, 2), Reason::Killed)]);
    assert_eq!(rig.reported(), [Kind::GateReject]);
    rig.assert_replays_alike(with, &given);
    let judged = rig.opener.judge(Scope::Strategy(StrategyId(2))).unwrap();
    assert!(rig.opener.try_open(&judged).is_ok());
}

/// Goal: a cancel that could not be sent is taken as not asked for, so that the next one is not
/// held back. Method: a cancel of an order that the venue has never had.
#[test]
fn a_voided_cancel_is_told_to_risk() {
    let mut rig = Rig::up(With::default());
    rig.approve(Kind::ApprovedCancel, id(7, 0));
    rig.poll();
    assert_eq!(rig.voids(), [(id(7, 0), Reason::UnknownOrder)]);
    let reports = rig.reports_now();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].kind, Kind::CancelRejected as u8);
    assert_eq!((reports[0].cl_ord_id, reports[0].venue_seq), (id(7, 0), 0));
    assert_eq!(reports[0].reason, Reason::UnknownOrder as u16);
}
