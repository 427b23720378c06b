//! When a session is up, and with what.

use super::*;
use gateway::codec::ouch50::{CancelReasonCode, Canceled};

fn at(seq: u64) -> Start {
    Start { session: SessionName(*SESSION), seq }
}

/// Goal: a session is up when its own question is answered, not that of an earlier logon. Method: a
/// start that carries two unanswered questions; their answers and reports between them come first.
#[test]
fn an_answer_to_an_earlier_logon_does_not_bring_the_session_up() {
    let mut rig = Rig::new(With { start: at(5), queries: 2, ..With::default() });
    rig.connect();
    rig.log_on(5);
    for _ in 0..2 {
        rig.answer(9);
        rig.tell(&Canceled {
            timestamp: 2.into(),
            user_ref_num: 3.into(),
            qty: 1.into(),
            reason: CancelReasonCode::IOC,
        });
        assert_eq!(rig.reported(), [Kind::Canceled]);
        assert_eq!(rig.counter("session_up"), 0);
    }
    rig.answer(9);
    let reports = rig.reports_now();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].kind, Kind::SessionUp as u8);
    // Risk's lane then says how far the stream was heard, and which question was answered.
    assert_eq!((reports[0].venue_seq, reports[0].exec_id.0), (9, 3));
    rig.assert_replays_alike(With { start: at(5), queries: 2, ..With::default() }, &[]);
}

/// Goal: a question that was lost does not hold the session down for good. Method: two questions
/// are thought to be on their way, and one answer comes; after a second it is asked again.
#[test]
fn a_lost_question_is_asked_again_after_a_silence() {
    let with = With { start: at(5), queries: 1, ..With::default() };
    let mut rig = Rig::new(with);
    rig.connect();
    rig.log_on(5);
    rig.answer(9);
    assert_eq!(rig.reported(), []);
    assert_eq!(rig.sends(), ["L", "Q"].map(str::to_owned));
    rig.wait(900_000_000);
    assert_eq!(rig.sends().len(), 2);
    rig.wait(200_000_000);
    assert_eq!(rig.sends().iter().filter(|send| *send == "Q").count(), 2);
    rig.answer(9);
    assert_eq!(rig.reported(), [Kind::SessionUp]);
    rig.assert_replays_alike(with, &[]);
}

/// Goal: a venue that has lost what it told, or lets messages out, is not traded with. Method: the
/// logon under the same session's name goes on below, or above, where the stream had been heard to.
#[test]
fn a_stream_that_does_not_go_on_where_it_was_is_not_traded_on() {
    for next_seq in [1, 4, 6] {
        let mut rig = Rig::new(With { start: at(5), ..With::default() });
        rig.connect();
        rig.log_on(next_seq);
        rig.answer(1);
        rig.wait(3_000_000_000);
        assert_eq!(rig.counter("session_broken"), 1, "{next_seq}");
        assert_eq!((rig.counter("session_up"), rig.reported()), (0, vec![]), "{next_seq}");
        rig.approve(Kind::ApprovedNew, id(1, 0));
        rig.poll();
        assert!(rig.sends().iter().all(|send| send != "O"), "{next_seq}: {:?}", rig.sends());
    }
}

/// Goal: a cancel that was lost with its link is sent again. Method: an order and its cancel are
/// sent, the link is cut, the venue has had the order and answers nothing of the cancel.
#[test]
fn a_cancel_lost_with_its_link_is_sent_again() {
    let mut rig = Rig::up(With::default());
    let given = [Kind::ApprovedNew, Kind::ApprovedCancel].map(|kind| {
        let message = approved(kind, id(1, 0), rig.now);
        rig.push(message);
        rig.poll();
        message
    });
    assert_eq!(rig.sends(), ["O", "X"].map(str::to_owned));
    rig.wire.0.lock().unwrap().is_over = true;
    rig.poll();
    assert_eq!(rig.reported(), [Kind::SessionDown]);
    rig.connect();
    rig.log_on(2);
    rig.answer(2);
    rig.poll();
    assert_eq!(rig.reported(), [Kind::SessionUp]);
    assert_eq!(rig.sends(), ["L", "Q", "X"].map(str::to_owned));
    rig.assert_replays_alike(With::default(), &given);
}

/// Goal: a thread that was kept from its core for longer than the venue may be silent has not lost
/// its session, as long as the venue has spoken: its next turn reads that first, and so does a
/// replay. Method: an order, 20 s without a turn, its acceptance.
#[test]
fn a_thread_that_stood_still_replays_alike() {
    let mut rig = Rig::up(With::default());
    let message = approved(Kind::ApprovedNew, id(1, 0), rig.now);
    rig.push(message);
    rig.poll();
    rig.now += 20_000_000_000;
    rig.accept(1, id(1, 0));
    assert_eq!(rig.reported(), [Kind::Accepted]);
    rig.assert_replays_alike(With::default(), &[message]);
}
