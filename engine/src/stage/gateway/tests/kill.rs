//! What the stage does alone when a gate closes.

use super::*;

/// An order of a strategy, sent and accepted; what risk approved.
fn live(rig: &mut Rig, strategy: u8, slot: u32) -> Approved {
    let id = ClOrdId::new(1, StrategyId(strategy), slot, 0);
    let message = approved(Kind::ApprovedNew, id, rig.now);
    rig.push(message);
    rig.poll();
    rig.accept(slot, id);
    message
}

/// Goal: K3, K5: with risk, strategies and control thread silent, the orders that a closed gate
/// covers are cancelled, and no others. Method: orders of two strategies, one of each not answered;
/// each scope is closed from outside; what the link is given, and a replay.
#[test]
fn k5_a_gateway_cancels_alone_what_a_closed_gate_covers() {
    let scopes = [
        (Scope::Global, 4),
        (Scope::Session(GatewayId(0)), 4),
        (Scope::Venue(GatewayId(0)), 4),
        (Scope::Account(AccountId(0)), 4),
        (Scope::Strategy(StrategyId(2)), 2),
        (Scope::Instrument(InstrumentId(0)), 4),
        (Scope::Instrument(InstrumentId(1)), 0),
    ];
    for (scope, cancels) in scopes {
        let mut rig = Rig::up(With::default());
        let mut given = vec![live(&mut rig, 1, 1), live(&mut rig, 2, 2)];
        for (strategy, slot) in [(1, 3), (2, 4)] {
            let id = ClOrdId::new(1, StrategyId(strategy), slot, 0);
            given.push(approved(Kind::ApprovedNew, id, rig.now));
            rig.push(given[given.len() - 1]);
            rig.poll();
        }
        rig.wire.0.lock().unwrap().sends.clear();
        rig.gates.close(scope, Trigger::Guard);
        for _ in 0..3 {
            rig.poll();
        }
        let sent: String = rig.sends().concat();
        let is_whole = matches!(scope, Scope::Global | Scope::Session(_) | Scope::Venue(_));
        let mass = if is_whole { "C" } else { "" };
        assert_eq!(sent, format!("{mass}{}", "X".repeat(cancels)), "{scope:?}");
        // Risk asks as well, later: one cancel an order is enough.
        for message in &given {
            let id = message.cl_ord_id;
            given_cancel(&mut rig, id);
        }
        let shown = rig.stage.open.cancelled_since(0).map(|order| order.id);
        let covered = given.iter().map(|message| message.cl_ord_id);
        let covered = covered.filter(|id| cancels == 4 || cancels == 2 && id.strategy().0 == 2);
        assert_eq!(shown.collect::<Vec<_>>(), covered.collect::<Vec<_>>(), "{scope:?}");
        let covered = rig.voids().len();
        assert_eq!(covered, cancels, "{scope:?}: {:?}", rig.voids());
        assert!(rig.voids().iter().all(|(_, reason)| *reason == Reason::Duplicate));
        let cancel =
            |message: &Approved| approved(Kind::ApprovedCancel, message.cl_ord_id, message.t0.0);
        given.extend(given.clone().iter().map(cancel));
        rig.assert_replays_alike(With::default(), &given);
    }
}

fn given_cancel(rig: &mut Rig, id: ClOrdId) {
    rig.approve(Kind::ApprovedCancel, id);
    rig.poll();
}

/// Goal: K3: behind a closed gate no order leaves, the mass cancel goes first, a cancel of each
/// order follows, and each is in the lane before it is on the wire. Method: two live orders, a
/// third approved and not taken when the gate closes; what is sent and written, in order.
#[test]
fn k3_the_gate_the_mass_cancel_each_order() {
    let mut rig = Rig::up(With::default());
    for slot in 1..=2 {
        live(&mut rig, 1, slot);
    }
    let waiting = ClOrdId::new(1, StrategyId(1), 3, 0);
    rig.approve(Kind::ApprovedNew, waiting);
    rig.wire.0.lock().unwrap().sends.clear();
    let written = rig.records.len();
    rig.gates.close(Scope::Global, Trigger::Operator);
    rig.poll();
    rig.poll();
    assert_eq!(rig.sends().concat(), "CXX");
    assert_eq!(rig.voids(), [(waiting, Reason::Killed)]);
    let kinds = |wanted: RecordKind| {
        let after = rig.records.iter().skip(written).zip(0..);
        after.filter(move |((_, row), _)| row.kind == wanted).map(|(_, at)| at).collect::<Vec<_>>()
    };
    let [asked, given, sent] =
        [RecordKind::CancelAsked, RecordKind::Tx, RecordKind::Sent].map(kinds);
    assert_eq!([asked.len(), given.len(), sent.len()], [3; 3]);
    for (asked, (given, sent)) in asked.iter().zip(given.iter().zip(&sent)) {
        assert!(asked < given && given < sent, "{asked} {given} {sent}");
    }
}

/// Goal: K5: a journal that is full does not hold a kill up. Method: a lane of which nothing is
/// archived is filled by other records; orders live; the gate closes.
#[test]
fn k5_cancels_go_out_with_the_journal_full() {
    let mut rig = Rig::up(With::default());
    for slot in 1..=40 {
        live(&mut rig, 1, slot);
    }
    rig.is_disk_full = true;
    let filler = [0; 4_096];
    while rig.lane.room() >= crate::stage::ROOM_MIN {
        rig.lane.append(RecordKind::CaptureGap as u16, 0, 0, Nanos(rig.now), &filler).unwrap();
    }
    rig.wire.0.lock().unwrap().sends.clear();
    rig.poll();
    assert_eq!(rig.sends(), [""; 0], "nothing but a kill goes out unwritten");
    rig.gates.close(Scope::Global, Trigger::Operator);
    for _ in 0..5 {
        rig.poll();
    }
    assert_eq!(rig.sends().concat(), "X".repeat(40));
    assert_eq!(rig.counter("sent_unwritten"), 40);
}

/// Goal: behind closed gates a session that comes up is swept as well. Method: the link is cut, the
/// gate closes, the session comes back with the order live.
#[test]
fn k3_orders_are_cancelled_when_their_session_comes_back() {
    let mut rig = Rig::up(With::default());
    live(&mut rig, 1, 1);
    rig.wire.0.lock().unwrap().is_over = true;
    rig.poll();
    rig.gates.close(Scope::Global, Trigger::Operator);
    rig.poll();
    rig.connect();
    rig.log_on(3);
    rig.answer(2);
    rig.poll();
    assert_eq!(rig.sends(), ["L", "Q", "CX"].map(str::to_owned));
    let open: Vec<OpenOrder> = rig.stage.open.iter().collect();
    assert_eq!(open.len(), 1, "it is open until the venue says that it is not");
    assert_eq!(open[0].urns, [1, 0]);
    rig.tell(&gateway::codec::ouch50::Canceled {
        timestamp: 2.into(),
        user_ref_num: 1.into(),
        qty: 100.into(),
        reason: gateway::codec::ouch50::CancelReasonCode::USER,
    });
    assert_eq!(rig.stage.open.iter().count(), 0);
}

/// Goal: a fenced gateway wants no link until it is armed again. Method: the fence is raised and
/// the link cut; then it is lowered.
#[test]
fn k5_a_fenced_gateway_stays_away() {
    let mut rig = Rig::up(With::default());
    let fence = Arc::clone(&rig.stage.dial.as_ref().unwrap().fence);
    let wanted = Arc::clone(&rig.stage.dial.as_ref().unwrap().wanted);
    fence.store(1, Ordering::Relaxed);
    rig.wire.0.lock().unwrap().is_over = true;
    rig.poll();
    rig.poll();
    assert_eq!((rig.counter("link_open"), wanted.load(Ordering::Relaxed)), (0, 0));
    fence.store(0, Ordering::Relaxed);
    rig.poll();
    assert_eq!(wanted.load(Ordering::Relaxed), 1);
}
