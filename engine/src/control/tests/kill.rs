use super::*;
use crate::risk::Mode;
use shm::atomic::Ordering;

const AAPL: InstrumentId = InstrumentId(0);

impl Rig {
    /// An order of a strategy that may live at the venue.
    fn opens(&self, strategy: u8, slot: u32) -> ClOrdId {
        let id = ClOrdId::new(1, StrategyId(strategy), slot, 0);
        self.open.name(slot, AccountId(0), AAPL);
        self.open.set(slot, id, [slot + 1, 0]);
        id
    }

    fn ends(&self, slot: u32) {
        self.open.set(slot, ClOrdId::NONE, [0, 0]);
    }
}

/// Goal: a kill closes its gate and no other, asks risk to cancel what it covers, and journals
/// both, the gate named. Method: every kind of scope.
#[test]
fn a_kill_closes_its_gate_then_cancels_then_journals() {
    let table = [
        ("global", Scope::Global, CancelScope::NAMED, 0, 0),
        ("strategy:take", Scope::Strategy(StrategyId(2)), CancelScope::NAMED, 2, 0),
        ("instrument:AAPL", Scope::Instrument(AAPL), CancelScope::NAMED, 0, 0),
        ("gateway:ouch", Scope::Venue(GatewayId(0)), CancelScope::GATEWAY, 0, 0),
        ("account:main", Scope::Account(AccountId(0)), CancelScope::ACCOUNT, 0, 0),
    ];
    for (name, scope, whose, strategy, value) in table {
        let mut rig = Rig::new("");
        assert_eq!(rig.ask(&kill(name)), None, "{name}: it is answered later");
        assert_eq!(rig.gates.closed().collect::<Vec<_>>(), [scope]);
        let [cancel] = rig.given()[..] else { panic!("{name}: one command") };
        assert_eq!(cancel.op, CommandOp::CancelAll as u8);
        assert_eq!(
            (cancel.param, cancel.strategy, cancel.value),
            (whose, strategy, value),
            "{name}"
        );
        let is_named = scope == Scope::Instrument(AAPL);
        assert_eq!(cancel.instrument, if is_named { AAPL } else { InstrumentId::NONE });
        let journalled = rig.journalled();
        let ops: Vec<u8> = journalled.iter().map(|(_, given, _)| given.op).collect();
        assert_eq!(ops, [CommandOp::CancelAll as u8, Operator::KILL], "{name}");
        assert_eq!(journalled[1].2, format!("{name} by operator: a test"));
        assert_eq!(journalled[1].1.uid, rustix::process::getuid().as_raw());
    }
    let mut rig = Rig::new("");
    let reply = rig.ask(&kill("desk:main")).unwrap();
    assert!(!reply.ok && reply.text.contains("no scope desk:main; write global"), "{}", reply.text);
    assert_eq!(rig.gates.closed().count() + rig.given().len(), 0);
}

/// Goal: whoever kills hears of the orders of the scope alone, once they have ended, or after one
/// second, by their ids. Method: an order of the scope and one behind another closed gate, at the
/// edge of the time.
#[test]
fn the_answer_to_a_kill_tells_what_is_not_confirmed() {
    let mut rig = Rig::new("");
    rig.opens(1, 0);
    let other = rig.opens(2, 1);
    rig.gates.close(Scope::Strategy(StrategyId(2)), Trigger::Operator);
    rig.ask(&kill("strategy:mm"));
    rig.turn();
    assert_eq!(rig.heard(), None);
    rig.ends(0);
    rig.turn();
    let reply = rig.heard().unwrap().text;
    assert_eq!(
        reply, "killed strategy:mm: no order is open behind the gate, and none had to be cancelled",
        "it ended by itself: the gateway has sent no cancel"
    );

    let id = rig.opens(1, 2);
    rig.ask(&kill("strategy:mm"));
    rig.wait(Nanos::SECOND);
    rig.turn();
    assert_eq!(rig.heard(), None, "one second has not passed");
    rig.wait(Nanos(1));
    rig.turn();
    let Reply { ok, why, text, .. } = rig.heard().unwrap();
    assert_eq!((ok, why), (false, Why::NotConfirmed));
    let named = format!(
        "killed strategy:mm: 1 order to cancel, 0 confirmed by the venue; NOT CONFIRMED since \
         00:01:40.000 UTC (1.0 s ago): 1 order may be open: {id}"
    );
    assert_eq!(text, named);
    let status = rig.ask(&Request::Status).unwrap().text;
    let both = format!("(1.0 s ago): 2 orders may be open: {other} {id}");
    assert!(status.contains(&both), "{status}");
    rig.opens(1, 3);
    rig.turn();
    assert_eq!(rig.heard(), None, "each kill is answered once");
}

/// Goal: a gate closes whatever risk does, and the journal says that nobody was asked to cancel.
/// Method: risk's ring full.
#[test]
fn a_kill_with_risk_standing_still_closes_the_gate() {
    let mut rig = Rig::new("");
    for _ in 0..RING {
        let command = command(CommandOp::ClockDrift, StrategyId::OPERATOR, 0, 0);
        assert!(rig.control.give(StageId::Risk, command, "clock", Caller::own()));
    }
    rig.journalled();
    rig.ask(&kill("global"));
    assert!(rig.gates.is_closed(Scope::Global));
    let journalled = rig.journalled();
    assert_eq!(journalled[0].1.refused, 1);
    assert!(journalled[1].2.ends_with("risk has too many commands waiting (BUSY)"));
}

/// Goal: the operator's silence kills everything once it is longer than allowed, and a heartbeat
/// begins it anew. Method: at the edge.
#[test]
fn silence_of_the_operator_closes_the_global_gate() {
    let mut rig = Rig::new("kill = { heartbeat_max_ms = 1000 }");
    rig.turn();
    rig.wait(Nanos::SECOND);
    rig.turn();
    assert!(!rig.gates.is_closed(Scope::Global), "exactly as long as allowed");
    assert!(rig.ask(&Request::Heartbeat).unwrap().text.contains("within 1000 ms"));
    rig.wait(Nanos::SECOND);
    rig.turn();
    assert!(!rig.gates.is_closed(Scope::Global));
    rig.wait(Nanos(1));
    rig.turn();
    rig.turn();
    assert!(rig.gates.is_closed(Scope::Global));
    let kills = rig.journalled().into_iter().filter(|(_, given, _)| given.op == Operator::KILL);
    let words: Vec<String> = kills.map(|(.., words)| words).collect();
    assert_eq!(words, ["global by missed heartbeat: no operator heartbeat for 1000 ms"]);
    let mut rig = Rig::new("");
    rig.wait(Nanos(u64::MAX / 4));
    rig.turn();
    assert!(!rig.gates.is_closed(Scope::Global), "unlimited");
}

/// Goal: a journal that fails closes everything, once, with what failed. Method: the archive
/// thread's word.
#[test]
fn a_failed_journal_closes_the_global_gate() {
    let mut rig = Rig::new("");
    rig.turn();
    assert!(!rig.gates.is_closed(Scope::Global));
    rig.trouble.set("disk full".to_owned()).unwrap();
    rig.turn();
    rig.turn();
    assert!(rig.gates.is_closed(Scope::Global));
    let journalled = rig.journalled();
    let kills = journalled.iter().filter(|(_, given, _)| given.op == Operator::KILL);
    assert_eq!(kills.count(), 1);
    assert_eq!(journalled[1].2, "global by breaker: the journal failed: disk full");
}

/// Goal: a gate that another process closed has its orders cancelled, and only that. Method: as
/// the loop does when the summary has moved.
#[test]
fn a_gate_closed_from_outside_is_swept() {
    let mut rig = Rig::new("");
    rig.gates.close(Scope::Strategy(StrategyId(3)), Trigger::Operator);
    rig.control.sweep_closed();
    let [cancel] = rig.given()[..] else { panic!("one sweep") };
    assert_eq!((cancel.op, cancel.strategy), (CommandOp::CancelAll as u8, 3));
}

/// Goal (K6): a gate opens for a reason, once every session is reconciled, and not otherwise; risk
/// hears of it, and the generation that was judged stands in the journal before. Method: each
/// missing in turn.
#[test]
fn arming_needs_a_reason_and_reconciled_sessions() {
    let mut rig = Rig::new("");
    rig.ask(&kill("global"));
    rig.given();
    let reply = rig.ask(&arm(" ")).unwrap();
    assert!(!reply.ok && reply.text.contains("needs a reason"), "{}", reply.text);
    let reply = rig.ask(&arm("looked")).unwrap();
    assert!(!reply.ok && reply.text.contains("not reconciled with ouch"), "{}", reply.text);
    assert!(rig.gates.is_closed(Scope::Global) && rig.given().is_empty());
    rig.set("gateway:ouch.session_up", 1);
    rig.journalled();
    let generation = rig.gates.summary().generation();
    rig.board.show(LimitScope::Firm, Mode::CancelOnly);
    assert_eq!(rig.ask(&arm("looked")), None, "risk has not taken it");
    assert!(!rig.gates.is_closed(Scope::Global));
    // The mode that the answer tells is the one after it.
    rig.board.show(LimitScope::Firm, Mode::Active);
    rig.board.show(LimitScope::Strategy(StrategyId(2)), Mode::ReduceOnly);
    let [rearm] = rig.take()[..] else { panic!("one command") };
    assert_eq!((rearm.op, rearm.param), (CommandOp::Rearm as u8, ScopeKind::Firm as u8));
    let journalled = rig.journalled();
    rig.turn();
    // The kill is answered first.
    let reply = core::iter::from_fn(|| rig.heard()).last().unwrap();
    let head = "armed, but orders are refused, strategy:take is reduce only by a person; 0 orders";
    assert!(reply.ok && reply.text.starts_with(head), "{}", reply.text);
    let armed = journalled.iter().find(|(_, given, _)| given.op == Operator::ARM).unwrap();
    assert_eq!((armed.1.value as u64, armed.2.as_str()), (generation, "global: looked"));
}

/// Goal: K5: a fence keeps a gateway away behind a closed gate, and not behind open ones. Method:
/// the fence of a guard that came too late, with a gate closed and with none.
#[test]
fn a_fence_stands_only_behind_a_closed_gate() {
    let mut rig = Rig::new("");
    rig.ask(&kill("global"));
    rig.watched.fence.store(1, Ordering::Relaxed);
    rig.turn();
    assert_eq!(rig.watched.fence.load(Ordering::Relaxed), 1, "the gate is closed");
    rig.set("gateway:ouch.session_up", 1);
    assert!(rig.ask_risk(&arm("looked")).0.ok);
    rig.watched.fence.store(1, Ordering::Relaxed);
    rig.turn();
    assert_eq!(rig.watched.fence.load(Ordering::Relaxed), 0, "nothing is closed any more");
}

/// Goal: a kill says how many orders it cancelled, how many the venue has confirmed and which are
/// left, in its answer, the journal, the status and the engine's own output, and again when the
/// rest is confirmed; what it did not cover is not counted. Method: cancels that a gateway sent
/// behind the gate, one of them twice, some before the control thread heard of the store; one order
/// of another strategy, one cancelled before.
#[test]
fn a_kill_counts_what_it_cancelled_and_what_is_confirmed() {
    let mut rig = Rig::new("");
    let cancel = |rig: &Rig, slot| rig.open.keep_cancel(&rig.open.of_slot(slot).unwrap());
    rig.opens(1, 5);
    cancel(&rig, 5);
    rig.ends(5);
    rig.turn();
    let ids: Vec<ClOrdId> = (0..3).map(|slot| rig.opens(1, slot)).collect();
    rig.opens(2, 3);
    // As `wirelane kill` does: the store first, and the gateway is quick.
    rig.gates.close(Scope::Strategy(StrategyId(1)), Trigger::Operator);
    [0, 1, 1].into_iter().for_each(|slot| cancel(&rig, slot));
    rig.ends(0);
    assert_eq!(rig.ask(&kill("strategy:mm")), None);
    cancel(&rig, 2);
    cancel(&rig, 3);
    rig.ends(1);
    rig.turn();
    assert_eq!(rig.heard(), None, "one is open");
    rig.wait(Nanos(Nanos::SECOND.0 + 1));
    rig.turn();
    let text = rig.heard().unwrap().text;
    let id = ids[2];
    let left = format!(
        "3 orders to cancel, 2 confirmed by the venue; NOT CONFIRMED since 00:01:40.000 UTC \
         (1.0 s ago): 1 order may be open: {id}"
    );
    assert_eq!(text, format!("killed strategy:mm: {left}"));
    let status = rig.ask(&Request::Status).unwrap().text;
    let line = format!("killed strategy:mm at 00:01:40.000 UTC by operator: {left}");
    assert!(status.contains(&line), "{status}");
    rig.ends(2);
    (0..3).for_each(|_| rig.turn());
    let all = "3 orders cancelled, 3 confirmed by the venue; no order is open behind the gate";
    let journalled = rig.journalled().into_iter();
    let told = journalled.filter(|(_, given, _)| given.op == Operator::KILLED);
    let told: Vec<_> = told.map(|(_, given, words)| (given.value, given.param, words)).collect();
    let named = |words: &str| format!("strategy:mm: {words}");
    assert_eq!(told, [(3, 1, named(&left)), (3, 0, named(all))]);
    let mut heard = 0;
    let said: Vec<String> = rig.words.news(&mut heard).into_iter().map(|(_, said)| said).collect();
    assert_eq!(said, told.iter().map(|(.., words)| format!("killed {words}")).collect::<Vec<_>>());
    assert!(rig.ask(&Request::Status).unwrap().text.contains(all));
    assert_eq!(rig.ask(&kill("strategy:mm")), None);
    rig.turn();
    let again = rig.heard().unwrap();
    let already = "the gate was closed already, at 00:01:40.000 UTC; since then: ";
    assert_eq!(again.text, format!("killed strategy:mm: {already}{all}"));
    assert!(again.ok, "nothing is open");
}

/// Goal: where the guard acted, the answer to the kill says so with cause and time, counts what the
/// guard cancelled, and the journal has it, once. Method: the guard's words of two orders, one of
/// them confirmed, which the gateway goes on showing.
#[test]
fn a_kill_says_that_the_guard_acted() {
    let mut rig = Rig::new("");
    let ids: Vec<ClOrdId> = (0..2).map(|slot| rig.opens(1, slot)).collect();
    let orders: Vec<_> = rig.open.iter().collect();
    rig.turn();
    rig.ask(&kill("global"));
    rig.words.acted(GatewayId(0), "it stood still", (&orders, &orders[..1]));
    rig.turn();
    assert_eq!(rig.heard(), None);
    rig.wait(Nanos(Nanos::SECOND.0 + 1));
    (0..3).for_each(|_| rig.turn());
    let text = rig.heard().unwrap().text;
    let left = format!(
        "killed global: 2 orders to cancel, 1 confirmed by the venue (1 to the guard alone: counted \
         and listed as working until the gateway has logged on again, after `wirelane arm` or at a \
         stop); NOT CONFIRMED since 00:01:40.000 UTC (1.0 s ago): 1 order may be open: {}\nGUARD: it stood still",
        ids[1]
    );
    assert_eq!(text, left);
    let journalled = rig.journalled().into_iter();
    let by_guard = journalled.filter(|(_, given, _)| given.op == Operator::GUARD);
    assert_eq!(by_guard.map(|(.., words)| words).collect::<Vec<_>>(), ["it stood still"]);
}

/// Goal: gates that were left closed by the session before are no news at a start. Method: a
/// closed gate at the first look, with no order; the journal and the output.
#[test]
fn a_gate_that_was_closed_before_the_start_is_no_news() {
    let mut rig = Rig::new("");
    rig.gates.close(Scope::Global, Trigger::Operator);
    (0..3).for_each(|_| rig.turn());
    assert_eq!(rig.journalled().len() + rig.words.news(&mut 0).len(), 0);
    rig.opens(1, 0);
    rig.open.keep_cancel(&rig.open.of_slot(0).unwrap());
    rig.ends(0);
    rig.turn();
    let [(_, text)] = &rig.words.news(&mut 0)[..] else { panic!("the carried order is told of") };
    assert!(text.contains("1 order cancelled, 1 confirmed"), "{text}");
}

/// Goal: N1 and N3 of a kill that the guard carried out: the answer says which confirmations the
/// engine's own session has yet to hear; a link that was shut is no session, whatever its gateway
/// shows, and no arming passes before the next logon; a stop lets it log on again. Method: the
/// guard's words of one order that the gateway goes on showing, its session still shown as up.
#[test]
fn what_the_guard_did_is_told_until_the_gateway_is_back() {
    let mut rig = Rig::new("");
    rig.set("gateway:ouch.sessions", 4);
    rig.set("gateway:ouch.session_up", 1);
    rig.opens(1, 0);
    let orders: Vec<_> = rig.open.iter().collect();
    rig.turn();
    rig.ask(&kill("global"));
    rig.watched.fence.store(1, Ordering::Relaxed);
    rig.watched.shut(4);
    rig.words.acted(GatewayId(0), "it stood still", (&orders, &orders));
    (0..3).for_each(|_| rig.turn());
    let text = rig.heard().unwrap().text;
    assert!(text.contains("1 confirmed by the venue (1 to the guard alone: "), "{text}");
    let status = rig.ask(&Request::Status).unwrap().text;
    assert!(status.contains("session ouch: down: the guard has shut its link"), "{status}");
    for _ in 0..2 {
        let reply = rig.ask(&arm("looked")).unwrap();
        let why = "not reconciled with ouch; the guard had shut its link";
        assert!(!reply.ok && reply.text.contains(why), "{}", reply.text);
        assert_eq!(rig.watched.fence.load(Ordering::Relaxed), 0, "it may log on");
    }
    rig.set("gateway:ouch.sessions", 5);
    rig.ends(0);
    let status = rig.ask(&Request::Status).unwrap().text;
    assert!(status.contains("session ouch: up") && !status.contains("alone"), "{status}");
    rig.given();
    assert!(rig.ask_risk(&arm("looked")).0.ok);

    rig.ask(&kill("global"));
    rig.watched.fence.store(1, Ordering::Relaxed);
    rig.control.stop.stop();
    let now = rig.control.clock.now();
    rig.control.stop_on(stop::Stop::No, now);
    assert_eq!(rig.watched.fence.load(Ordering::Relaxed), 0, "a stop hears what became of it");
}
