use super::*;
use crate::risk::Mode;

fn set(scope: &str, mode: &str) -> Request {
    let (mode, reason) = (mode.to_owned(), "a test".to_owned());
    Request::Mode { scope: ScopeName(scope.to_owned()), mode, reason }
}

/// Everything that lets through what was held back.
fn loosening() -> Vec<Request> {
    let (instrument, reason) = ("NASDAQ/AAPL".to_owned(), "a test".to_owned());
    let text = CONFIG.split_at(CONFIG.find("[[limits]]").unwrap()).1.to_owned();
    vec![
        arm("a test"),
        Request::Enable { strategy: "mm".to_owned() },
        Request::Release { instrument, reason: reason.clone() },
        Request::LimitsLoad { file: "new.toml".to_owned(), text, reason },
        set("firm", "active"),
    ]
}

/// What acts without loosening anything.
fn acting() -> Vec<Request> {
    let (param, value) = ("qty".to_owned(), "1".to_owned());
    vec![Request::Heartbeat, Request::Set { strategy: "mm".to_owned(), param, value }]
}

/// What stops something.
fn tightening() -> Vec<Request> {
    let strategy = "mm".to_owned();
    vec![kill("global"), Request::Disable { strategy }, set("firm", "halted")]
}

/// A rig whose firm is restricted, so that `active` loosens.
fn rig() -> Rig {
    let rig = Rig::new("");
    rig.set("gateway:ouch.session_up", 1);
    rig.board.show(LimitScope::Firm, Mode::CancelOnly);
    rig
}

/// Asks, with what the caller had seen changed: what came of it, what risk was given, and whether a
/// gate was opened.
fn outcome(request: &Request, asked: impl Fn(Asked) -> Option<Asked>) -> (Option<Reply>, usize) {
    let mut rig = rig();
    rig.gates.close(Scope::Strategy(StrategyId(2)), Trigger::Operator);
    let now = Asked::now(&rig.gates, Duration::from_secs(60));
    let reply = rig.ask_with(request, asked(now));
    let journalled = rig.journalled();
    let commands = journalled.iter().filter(|(kind, ..)| *kind == RecordKind::Operator);
    let refused = commands.filter(|(_, given, _)| given.refused != 0).count();
    assert!(refused == 0 || rig.given().is_empty(), "{request:?}: refused, and given to risk");
    (reply, refused)
}

/// Goal: what loosens is refused, in words and in the journal, when a gate was closed after its
/// caller had looked, when the caller has given up, and when it says neither; what acts, when the
/// caller has given up; what stops something is always carried out. Method: every request of each
/// kind, with each.
#[test]
fn a_late_request_loosens_nothing_and_stops_everything() {
    let older = |asked: Asked| Some(Asked { closings: asked.closings - 1, ..asked });
    let late = |asked: Asked| Some(Asked { until: 1, ..asked });
    for request in loosening() {
        let (reply, refused) = outcome(&request, Some);
        assert!(reply.is_none_or(|reply| reply.ok) && refused == 0, "{request:?}");
        let (reply, refused) = outcome(&request, older);
        let text = reply.unwrap().text;
        assert!(text.contains("closed once while this was on its way"), "{request:?}: {text}");
        assert_eq!(refused, 1);
        let (reply, refused) = outcome(&request, late);
        let text = reply.unwrap().text;
        assert!(text.contains("its caller waited until"), "{request:?}: {text}");
        assert_eq!(refused, 1);
        let (reply, _) = outcome(&request, |_| None);
        assert!(reply.unwrap().text.contains("`asked`"), "{request:?}");
    }
    for request in acting() {
        let (reply, refused) = outcome(&request, older);
        assert!(reply.unwrap().ok && refused == 0, "{request:?}");
        let (reply, refused) = outcome(&request, late);
        assert!(!reply.unwrap().ok && refused == 1, "{request:?}");
    }
    for request in tightening() {
        for asked in [older, late, |_| None] {
            let (reply, refused) = outcome(&request, asked);
            assert!(reply.is_none_or(|reply| reply.ok) && refused == 0, "{request:?}");
        }
    }
}

/// Goal: whoever has gone is not acted for, and its kill is. Method: a request whose connection is
/// closed before it is read; one that only writes no more.
#[test]
fn a_caller_who_has_gone_loosens_nothing() {
    for (request, acts) in [(arm("a test"), false), (kill("strategy:take"), true)] {
        let mut rig = rig();
        let asked = Asked::now(&rig.gates, Duration::from_secs(60));
        let mut gone = UnixStream::connect(rig._temp.path().join("control.sock")).unwrap();
        gone.write_all(&asked::line_with(&request, Some(asked))).unwrap();
        drop(gone);
        let Heard { token, caller, line } = rig.next_line();
        let reply = rig.control.answer(&line, caller, token);
        let text = reply.map_or(String::new(), |reply| reply.text);
        assert_eq!(text.contains("its caller has gone"), !acts, "{text}");
        assert_eq!(rig.gates.is_closed(Scope::Strategy(StrategyId(2))), acts);
    }
    let mut rig = rig();
    let request = Request::Heartbeat;
    let mut half = UnixStream::connect(rig._temp.path().join("control.sock")).unwrap();
    let asked = Asked::now(&rig.gates, Duration::from_secs(60));
    half.write_all(&asked::line_with(&request, Some(asked))).unwrap();
    half.shutdown(std::net::Shutdown::Write).unwrap();
    let Heard { token, caller, line } = rig.next_line();
    assert!(rig.control.answer(&line, caller, token).unwrap().ok, "it still reads");
}

/// Goal: with the journal failed nothing is armed, so that the gate its failure closed stays so.
/// Method: the archive thread's word, then an arming.
#[test]
fn a_failed_journal_is_not_armed_over() {
    let mut rig = rig();
    rig.trouble.set("disk full".to_owned()).unwrap();
    rig.turn();
    assert!(rig.gates.is_closed(Scope::Global));
    let reply = rig.ask(&arm("mended")).unwrap();
    assert!(!reply.ok && reply.text.contains("nothing was done"), "{}", reply.text);
    assert!(reply.text.contains("disk full"), "{}", reply.text);
    assert!(rig.gates.is_closed(Scope::Global));
}
