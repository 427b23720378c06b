use super::*;
use crate::risk::Mode;
use shm::record::status::LimitSet;

fn tables() -> &'static str {
    CONFIG.split_at(CONFIG.find("[[limits]]").unwrap()).1
}

fn load(text: &str) -> Request {
    let (file, reason) = ("tighter.toml".to_owned(), "a test".to_owned());
    Request::LimitsLoad { file, text: text.to_owned(), reason }
}

fn mode(scope: &str, mode: &str, reason: &str) -> Request {
    let (mode, reason) = (mode.to_owned(), reason.to_owned());
    Request::Mode { scope: ScopeName(scope.to_owned()), mode, reason }
}

/// Goal: a set that is wrong in anything is refused whole, in words with file and key: nothing is
/// journalled, nothing given, the old one stays. Method: faults of every kind.
#[test]
fn a_wrong_limit_set_changes_nothing() {
    let good = tables();
    for (text, part) in [
        (good.replacen("qty_max = \"1000\"", "qty_max = \"many\"", 1), "tighter.toml:3"),
        (good.replacen("locate_max = \"unlimited\"", "", 1), "total.locate_max: missing"),
        (good.replacen("strategy:probe", "strategy:prob", 1), "strategy:probe"),
        (format!("arm = true\n{good}"), "limit tables and nothing else"),
        (String::new(), "tighter.toml: limits: missing"),
        ("[[limits]".to_owned(), "not TOML"),
        ("#".repeat(64 * 1024 + 1), "65537 bytes"),
    ] {
        let mut rig = Rig::new("");
        let reply = rig.ask(&load(&text)).unwrap();
        assert!(!reply.ok && reply.text.contains(part), "{part}: {}", reply.text);
        assert!(reply.text.ends_with("(version 1 stays in force)"), "{}", reply.text);
        assert_eq!((rig.journalled(), rig.given()), (vec![], vec![]), "{part}");
    }
    let mut rig = Rig::new("");
    let (file, text, reason) = (String::new(), good.to_owned(), String::new());
    let reply = rig.ask(&Request::LimitsLoad { file, text, reason }).unwrap();
    assert!(reply.text.contains("needs a reason"), "{}", reply.text);
}

/// Goal: a set is journalled whole before its command is given, and the caller hears of it once
/// risk has taken it and both records are durable; it is in force then, and not before. Method:
/// each of the three, one after the other.
#[test]
fn a_limit_set_is_in_force_once_risk_has_taken_it() {
    let mut rig = Rig::new("");
    let text = tables().replacen("qty_max = \"1000\"", "qty_max = \"900\"", 1);
    assert_eq!(rig.ask(&load(&text)), None);
    rig.turn();
    assert_eq!(rig.heard(), None, "not taken");
    let again = rig.ask(&load(&text)).unwrap();
    assert!(again.text.contains("limits version 2, loaded"), "{}", again.text);
    assert!(again.text.contains(": a test: are on their way to risk"), "{}", again.text);
    let given = rig.take();
    let switch = given.last().unwrap();
    assert_eq!((switch.op, switch.value), (CommandOp::LimitsSwitch as u8, 2));
    rig.set("risk.limits_over", 3);
    let over = [7, 8].map(|slot| ClOrdId::new(1, StrategyId(1), slot, 0));
    rig.board.show_over_for_tests(&over);
    rig.turn();
    assert_eq!(rig.heard(), None, "its own record is not durable");
    let journalled = rig.journalled();
    let at = journalled.iter().position(|(kind, ..)| *kind == RecordKind::LimitSet).unwrap();
    let (_, given, words) = &journalled[at + 1];
    assert_eq!((given.op, given.value), (CommandOp::LimitsSwitch as u8, 2));
    assert_eq!(words, "a test");
    // Another one, loaded before the first answer, counts for itself.
    rig.set("risk.limits_over", 7);
    rig.board.show_over_for_tests(&[ClOrdId::new(1, StrategyId(1), 9, 0)]);
    rig.turn();
    let reply = rig.heard().unwrap();
    assert!(reply.ok && reply.text.contains("version 2, loaded"), "{}", reply.text);
    assert!(reply.text.contains("in place of version 1, of the configuration"), "{}", reply.text);
    let named = format!(
        "3 working orders are over them; such orders stay: risk.on_over is alarm: {} {} and 1 more",
        over[0], over[1]
    );
    assert!(reply.text.ends_with(&named), "{}", reply.text);
    let shown = rig.ask(&Request::LimitsShow).unwrap().text;
    assert!(shown.starts_with("# limits: version 2, loaded") && shown.ends_with(text.trim_end()));
}

/// Goal: a record of a set holds its text, and one that was changed is not read. Method: a set
/// written and read, and each byte of its text changed.
#[test]
fn a_recorded_limit_set_is_whole_or_refused() {
    let (loaded, ..) = parts("");
    let first = LimitsInForce::at_start(&loaded, None, None, BEGIN);
    let next = first.next("[[limits]]", "why", BEGIN, 1, 2);
    let body = next.body();
    assert_eq!(LimitsInForce::read(&body), Ok(next.clone()));
    for at in 0.."[[limits]]".len() {
        let mut changed = body.clone();
        changed[LimitSet::BYTES + at] ^= 1;
        assert_eq!(LimitsInForce::read(&changed).unwrap_err().version, 2, "byte {at}");
    }
    assert!(LimitsInForce::read(&body[..body.len() - 1]).is_err());
    // Over a restart it stays; where the configuration's own tables were changed, they count.
    assert_eq!(LimitsInForce::at_start(&loaded, Some(&next), None, Nanos(0)), next);
    let other = CONFIG.replacen("qty_max = \"1000\"", "qty_max = \"999\"", 1);
    let other = Sources::text("good.toml", &other).load().unwrap();
    let after = LimitsInForce::at_start(&other, Some(&next), None, Nanos(0));
    assert_eq!((after.version, after.text), (3, other.limits_toml()));
    // A version that was journalled is not given twice, whatever became of its set.
    for (limits, set) in [(&loaded, &next), (&loaded, &first), (&other, &next)] {
        assert_eq!(LimitsInForce::at_start(limits, Some(set), Some(7), BEGIN).version, 8);
    }
}

/// Goal: whoever waits for risk in vain is told so, and what risk takes later is in force. Method:
/// two seconds, then the take.
#[test]
fn a_command_that_risk_does_not_take_is_not_confirmed() {
    let mut rig = Rig::new("");
    assert_eq!(rig.ask(&load(tables())), None);
    rig.wait(Nanos(2 * Nanos::SECOND.0));
    rig.turn();
    assert_eq!(rig.heard(), None);
    rig.wait(Nanos(1));
    rig.turn();
    let reply = rig.heard().unwrap();
    assert!(!reply.ok && reply.text.starts_with("NOT CONFIRMED"), "{}", reply.text);
    assert!(rig.ask(&Request::Status).unwrap().text.contains("PENDING: limits "));
    assert_eq!(rig.ask(&mode("firm", "halted", "late")), None);
    let status = rig.ask(&Request::Status).unwrap().text;
    assert!(status.contains("PENDING: mode firm halted: on its way"), "{status}");
    rig.take();
    rig.turn();
    assert_eq!(rig.heard(), None, "answered once");
    assert!(rig.ask(&Request::Status).unwrap().text.contains("limits: version 2, loaded"));
}

/// Goal: a mode goes to risk with its scope, journalled with scope and reason; `active` only where
/// arming would be allowed. Method: every scope and mode, with the session down and up.
#[test]
fn a_mode_is_given_with_its_scope() {
    let table = [
        ("firm", ScopeKind::Firm, 0, 0, u32::MAX, LimitScope::Firm),
        ("global", ScopeKind::Firm, 0, 0, u32::MAX, LimitScope::Firm),
        ("account:main", ScopeKind::Account, 0, 0, u32::MAX, LimitScope::Account(AccountId(0))),
        ("strategy:take", ScopeKind::Strategy, 2, 0, u32::MAX, LimitScope::Strategy(StrategyId(2))),
        (
            "instrument:AMZN",
            ScopeKind::Instrument,
            0,
            0,
            1,
            LimitScope::Instrument(InstrumentId(1)),
        ),
    ];
    for (name, kind, strategy, value, instrument, scope) in table {
        let mut rig = Rig::new("");
        assert_eq!(rig.ask(&mode(name, "reduce-only", "late")), None, "{name}");
        let given = rig.take();
        let [command] = given[..] else { panic!("{name}") };
        assert_eq!((command.op, command.param), (CommandOp::Mode as u8, kind as u8), "{name}");
        let expected = value | Mode::ReduceOnly as i64;
        assert_eq!((command.strategy, command.value), (strategy, expected), "{name}");
        assert_eq!(command.instrument.0, instrument, "{name}");
        let words = rig.journalled().pop().unwrap().2;
        let shown = rig.control.name_of_limits(scope);
        assert_eq!(words, format!("{shown}: reduce only: late"));
        rig.turn();
        assert_eq!(rig.heard(), Some(Reply::ok(&format!("{shown} is reduce only"))));
    }
    let mut rig = Rig::new("");
    for (request, part) in [
        (mode("gateway:ouch", "halted", "late"), "has no mode of its own, only a gate"),
        (mode("strategy:none", "halted", "late"), "there are: mm, take, probe"),
        (mode("firm", "quiet", "late"), "active, reduce-only, cancel-only, halted"),
        (mode("firm", "halted", ""), "needs a reason"),
        (mode("firm", "active", "early"), "not reconciled with ouch"),
    ] {
        let reply = rig.ask(&request).unwrap();
        assert!(!reply.ok && reply.text.contains(part), "{part}: {}", reply.text);
    }
    assert!(rig.given().is_empty());
    rig.set("gateway:ouch.session_up", 1);
    assert_eq!(rig.ask(&mode("firm", "active", "open")), None);
}

/// Goal: a reason cannot write limits into the set that is shown, nor lines into a status. Method:
/// a reason of lines and of what moves a terminal; one that is too long.
#[test]
fn a_reason_is_one_line_wherever_it_is_shown() {
    let mut rig = Rig::new("");
    let reason = "why\n[[limits]]\nscope = \"firm\"\u{1b}[2J\u{202e}".to_owned();
    let (file, text) = ("a\nb".to_owned(), tables().to_owned());
    let request = Request::LimitsLoad { file, text, reason };
    assert_eq!(rig.ask(&request), None);
    rig.take();
    rig.turn();
    rig.journalled();
    rig.turn();
    let said = rig.heard().unwrap();
    let shown = rig.ask(&Request::LimitsShow).unwrap();
    let status = rig.ask(&Request::Status).unwrap();
    for reply in [&said, &shown, &status] {
        assert!(reply.ok && reply.text.contains(r"why\n[[limits]]\nscope"), "{}", reply.text);
        assert!(!reply.text.contains(['\u{1b}', '\u{202e}']), "{}", reply.text);
    }
    let tables_of = |text: &str| text.lines().filter(|line| *line == "[[limits]]").count();
    assert_eq!(tables_of(&shown.text), tables_of(tables()));
    let Request::LimitsLoad { file, text, .. } = request else { return };
    let reason = "x".repeat(REASON_MAX + 1);
    let reply = rig.ask(&Request::LimitsLoad { file, text, reason: reason.clone() }).unwrap();
    assert!(!reply.ok && reply.text.contains("at most 1000 bytes"), "{}", reply.text);
    rig.journalled();
    let long = Request::Kill { scope: ScopeName::default(), reason: "é".repeat(REASON_MAX) };
    assert_eq!(rig.ask(&long), None);
    let words = rig.journalled().pop().unwrap().2;
    assert!(words.len() < REASON_MAX + 100 && words.ends_with('é'), "{words}");
    assert!(rig.gates.is_closed(Scope::Global));
}

/// Goal: with the journal failed, what is in force is told so at once, as in force and not on the
/// disk; nothing new is loaded or loosened. Method: a mode that risk took, the archive thread's
/// word, then each request.
#[test]
fn a_failed_journal_is_told_in_every_answer() {
    let mut rig = Rig::new("");
    rig.set("gateway:ouch.session_up", 1);
    assert_eq!(rig.ask(&mode("firm", "halted", "late")), None);
    rig.take();
    rig.trouble.set("disk full".to_owned()).unwrap();
    rig.turn();
    let reply = rig.heard().unwrap();
    assert_eq!((reply.ok, reply.why), (false, Why::NotConfirmed));
    assert!(reply.text.starts_with("firm is halted: in force now, and NOT on the disk"));
    assert!(reply.text.contains("disk full"), "{}", reply.text);
    rig.given();
    for request in [load(tables()), mode("firm", "active", "mended"), arm("mended")] {
        let reply = rig.ask(&request).unwrap();
        assert_eq!((reply.ok, reply.why), (false, Why::Refused), "{}", reply.text);
        assert!(reply.text.contains("nothing was") && reply.text.contains("disk full"));
    }
    let words = |text: &str| text.to_owned();
    let [strategy, instrument, kind] = ["", "AAPL", "limit"].map(words);
    let (side, qty, terms) = (words("buy"), words("10"), vec![words("px=189")]);
    let order = Request::OrderNew { strategy, instrument, kind, side, qty, terms };
    let reply = rig.ask(&order).unwrap();
    assert_eq!((reply.ok, reply.why), (false, Why::Refused), "{}", reply.text);
    assert!(reply.text.starts_with("nothing was ordered (JOURNAL, R04)"), "{}", reply.text);
    let enable = Request::Enable { strategy: "mm".to_owned() };
    let reply = rig.ask(&enable).unwrap();
    assert!(!reply.ok && reply.text.contains("disk full"), "{}", reply.text);
    assert_eq!(rig.given().len(), 0, "nothing is given");
    assert!(
        rig.ask(&Request::Disable { strategy: "mm".to_owned() })
            .unwrap()
            .text
            .contains("disk full")
    );
}

/// Goal: a release tells whether there was anything to release. Method: an instrument that was
/// held, one that was not, one that does not exist.
#[test]
fn a_release_of_what_is_not_held_is_not_done() {
    for was_held in [true, false] {
        let mut rig = Rig::new("");
        let (instrument, reason) = ("NASDAQ/AAPL".to_owned(), "looked".to_owned());
        assert_eq!(rig.ask(&Request::Release { instrument, reason }), None);
        let given = rig.given();
        rig.board.show_released_for_tests(given[0].lane_seq, was_held);
        rig.take_given(&given);
        rig.turn();
        rig.journalled();
        rig.turn();
        let reply = rig.heard().unwrap();
        assert_eq!((reply.ok, reply.text.contains("was not held")), (was_held, !was_held));
    }
    let mut rig = Rig::new("");
    let (instrument, reason) = ("NASDAQ/NONE".to_owned(), "looked".to_owned());
    let reply = rig.ask(&Request::Release { instrument, reason }).unwrap();
    assert_eq!((reply.ok, reply.why), (false, Why::NotThere), "{}", reply.text);
}
