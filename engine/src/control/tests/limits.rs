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
    assert!(again.text.contains("another limit set is on its way"), "{}", again.text);
    let given = rig.take();
    let switch = given.last().unwrap();
    assert_eq!((switch.op, switch.value), (CommandOp::LimitsSwitch as u8, 2));
    rig.set("risk.limits_over", 3);
    rig.turn();
    assert_eq!(rig.heard(), None, "its own record is not durable");
    let journalled = rig.journalled();
    let at = journalled.iter().position(|(kind, ..)| *kind == RecordKind::LimitSet).unwrap();
    let (_, given, words) = &journalled[at + 1];
    assert_eq!((given.op, given.value), (CommandOp::LimitsSwitch as u8, 2));
    assert_eq!(words, "a test");
    rig.turn();
    let reply = rig.heard().unwrap();
    assert!(reply.ok && reply.text.contains("version 2, loaded"), "{}", reply.text);
    assert!(reply.text.contains("3 working orders are over them; such orders stay"));
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
    assert!(rig.ask(&Request::Status).unwrap().text.contains("another set is on its way"));
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
        (mode("gateway:ouch", "halted", "late"), "has no mode of its own"),
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
