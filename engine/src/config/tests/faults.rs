//! Every kind of fault, at its line, all in one report.

use super::super::{FaultKind, Sources};
use super::{GOOD, faults, load, with};

const CROSS: FaultKind = FaultKind::Cross;
const MISSING: FaultKind = FaultKind::Missing;
const RANGE: FaultKind = FaultKind::OutOfRange;
const TYPE: FaultKind = FaultKind::WrongType;

/// Goal: one wrong piece gives exactly one fault: its kind, key, line, and words that help. Method: a
/// table of single changes to a good file; the line is where the changed piece stands.
#[test]
fn one_wrong_piece_gives_one_fault_at_its_line() {
    let table: &[(&str, &str, FaultKind, &str, &str)] = &[
        (
            "arm = true",
            "armed = true",
            FaultKind::UnknownKey,
            "engine.armed",
            "did you mean `arm`?",
        ),
        ("arm = true", "arm = \"yes\"", TYPE, "engine.arm", "allowed: true or false"),
        ("mode = \"async\"", "mode = \"asink\"", RANGE, "journal.mode", "did you mean `async`?"),
        (
            "segment_mib = 16",
            "segment_mib = 24",
            RANGE,
            "journal.segment_mib",
            "next one above is 32",
        ),
        ("segments = 4", "segments = 2", RANGE, "journal.segments", "from 3 to 64"),
        ("segments = 4", "segments = 4.0", TYPE, "journal.segments", "a floating-point number"),
        (
            "segments = 4",
            "segments = 99999999999999999999",
            TYPE,
            "journal.segments",
            "beyond 64 bits",
        ),
        ("group_us = 1000", "group_us = \"1000\"", TYPE, "journal.group_us", "without quotes"),
        ("slots = 8192", "slots = 8000", RANGE, "link.0.slots", "8192"),
        ("zone = \"America/New_York\"", "zone = \"Amerika\"", RANGE, "market.zone", "IANA"),
        ("date = \"auto\"", "date = \"2026-02-30\"", RANGE, "market.date", "2026-01-31"),
        ("date = \"auto\"", "date = 2026-02-03", TYPE, "market.date", "in quotes"),
        (
            "fee_per_share = \"0.0030\"",
            "fee_per_share = 0.0030",
            TYPE,
            "account.main.fee_per_share",
            "quotes",
        ),
        (
            "fee_per_share = \"0.0030\"",
            "fee_per_share = \"3 mils\"",
            TYPE,
            "account.main.fee_per_share",
            "not a decimal",
        ),
        (
            "\"0.0030\"",
            "\"0.00000000001\"",
            RANGE,
            "account.main.fee_per_share",
            "at most 9 decimals",
        ),
        ("\"0.0030\"", "\"-1\"", RANGE, "account.main.fee_per_share", "0 or more"),
        ("currency = \"USD\"", "currency = \"$\"", RANGE, "account.main.currency", "as USD"),
        ("a = \"127.0.0.1:26400\"", "a = \"localhost\"", RANGE, "feed.itch.a", "127.0.0.1:26400"),
        ("b = \"127.0.0.1:26401\"", "b = \"127.0.0.1:26400\"", CROSS, "feed.itch.b", "feed.itch.a"),
        ("a = \"127.0.0.1:26400\"", "", MISSING, "feed.itch.a", "needs a line"),
        (
            "b = \"127.0.0.1:26401\"\nrequest = \"127.0.0.1:26402\"",
            "file = { path = \"x\" }",
            CROSS,
            "feed.itch.a",
            "a feed from a file",
        ),
        ("user = \"DEMO01\"", "user = \"DEMO001\"", RANGE, "gateway.ouch.session.user", "1 to 6"),
        (", user = \"DEMO01\"", "", MISSING, "gateway.ouch.session.user", "logs in"),
        (
            ", user = \"DEMO01\"",
            ", user = \"DEMO01\", feed = \"itch\"",
            CROSS,
            "gateway.ouch.session.feed",
            "ouch50",
        ),
        (
            "password_env = ",
            "password = \"hunter2\", password_env = ",
            FaultKind::Secret,
            "gateway.ouch.session.password",
            "password_env",
        ),
        (
            "\"WIRELANE_OUCH_PASSWORD\"",
            "\"hunter2!\"",
            RANGE,
            "gateway.ouch.session.password_env",
            "name of an environment variable",
        ),
        ("reserve = 200", "reserve = 2000", CROSS, "gateway.ouch.send.reserve", "less than rate"),
        ("name = \"take\"", "name = \"mm\"", CROSS, "strategy.mm.name", "twice"),
        ("name = \"take\"", "name = \"7\"", RANGE, "strategy.7.name", "starting with a letter"),
        ("kind = \"maker\"", "kind = \"maquer\"", RANGE, "strategy.mm.wiring.kind", "maker"),
        (
            "account = \"main\", feeds",
            "account = \"mian\", feeds",
            CROSS,
            "strategy.mm.wiring.account",
            "did you mean `main`?",
        ),
        (
            "gateway = \"ouch\", inst",
            "gateway = \"fix\", inst",
            CROSS,
            "strategy.mm.wiring.gateway",
            "there is: ouch",
        ),
        (
            "feeds = [\"itch\"]",
            "feeds = [\"itsch\"]",
            CROSS,
            "strategy.mm.wiring.feeds",
            "did you mean `itch`?",
        ),
        ("feeds = [\"itch\"]", "feeds = []", RANGE, "strategy.mm.wiring.feeds", "at least one"),
        ("feeds = [\"itch\"]", "feeds = \"itch\"", TYPE, "strategy.mm.wiring.feeds", "a list"),
        (
            "[\"TSLA\", \"INTC\"]",
            "[\"TSLA\", \"TSLA\"]",
            RANGE,
            "strategy.take.wiring.instruments",
            "twice",
        ),
        (
            "[\"TSLA\", \"INTC\"]",
            "[\"TSLA\", \"*\"]",
            CROSS,
            "strategy.take.wiring.instruments",
            "one or the other",
        ),
        (
            "spread_ticks = 2",
            "spread_tics = 2",
            FaultKind::UnknownKey,
            "strategy.mm.params.spread_tics",
            "did you mean `spread_ticks`?",
        ),
        (
            "imbalance_bps = 8500",
            "imbalance_bps = 5000",
            RANGE,
            "strategy.take.params.imbalance_bps",
            "5001",
        ),
        ("qty = \"100\", skew", "skew", MISSING, "strategy.mm.params.qty", "above 0"),
        ("qty = \"100\", skew", "qty = \"0\", skew", RANGE, "strategy.mm.params.qty", "above 0"),
        (
            "scope = \"account:main\"",
            "scope = \"acount:main\"",
            RANGE,
            "limits.acount:main.scope",
            "account:NAME",
        ),
        (
            "scope = \"account:main\"",
            "scope = \"account:mian\"",
            CROSS,
            "limits.account:mian.scope",
            "did you mean `account:main`?",
        ),
        (
            "scope = \"strategy:probe\"",
            "scope = \"account:main\"",
            CROSS,
            "limits.account:main.scope",
            "one table per scope",
        ),
        ("collar_bps = 500, ", "", MISSING, "limits.order.collar_bps", "\"unlimited\""),
        (
            "collar_bps = 500",
            "collar_bps = \"none\"",
            TYPE,
            "limits.account:main.order.collar_bps",
            "without quotes",
        ),
        (
            "value_min = \"0\"",
            "value_min = \"unlimited\"",
            TYPE,
            "limits.account:main.order.value_min",
            "0 or more",
        ),
        (
            ", per_ms = 1000 }\n\n[[limits]]",
            " }\n\n[[limits]]",
            MISSING,
            "limits.account:main.repeat.per_ms",
            "window",
        ),
        ("ring = \"disruptor\"", "ring = \"slot\"", RANGE, "link.0.ring", "rtrb, disruptor"),
        ("ring = \"disruptor\"", "ring = \"rtrb\"", CROSS, "link.0.group", "leave it out"),
        ("full = \"conflate\"", "full = \"hold\"", CROSS, "link.0.full", "allowed: conflate"),
        (
            "to = \"strategy\"",
            "to = \"strategy:mmm\"",
            CROSS,
            "link.0.to",
            "did you mean `strategy:mm`?",
        ),
        ("to = \"strategy\"", "to = \"gateway\"", CROSS, "link.0.to", "no message goes"),
    ];
    for (old, new, kind, key, words) in table {
        let text = with(old, new);
        let report = faults(&text);
        let shown = report.to_string();
        let [fault] = report.faults.as_slice() else { panic!("{old} -> {new}\n{shown}") };
        assert_eq!((fault.kind, fault.key.as_str()), (*kind, *key), "{shown}");
        assert!(shown.contains(words), "{words}\n{shown}");
        assert!(!shown.contains("hunter2"), "a secret is repeated: {shown}");
        if *kind != MISSING && *key != "limits.account:main.scope" {
            let line = 1 + text.get(..GOOD.find(old).unwrap()).unwrap().matches('\n').count();
            let expected = if *key == "feed.itch.a" && *kind == CROSS { None } else { Some(line) };
            let near = |line: usize| shown.contains(&format!("test.toml:{line}:"));
            assert!(expected.is_none_or(|line| (line..line + 4).any(near)), "{line}\n{shown}");
        }
    }
}

/// Goal: everything wrong is in one report, in the order of the file. Method: many changes at once.
#[test]
fn every_fault_is_in_one_report_in_file_order() {
    let mut text = GOOD.to_owned();
    for (old, new) in [
        ("arm = true", "arm = 1"),
        ("segments = 4", "segment = 4"),
        ("zone = \"America/New_York\"", "zone = \"X\""),
        ("currency = \"USD\"", ""),
        ("retries = 5", "retries = 500"),
        ("reserve = 200", "reserve = 5000"),
        ("account = \"main\", feeds", "account = \"mine\", feeds"),
        ("scope = \"strategy:probe\"", "scope = \"strategy:prob\""),
    ] {
        assert!(text.contains(old));
        text = text.replacen(old, new, 1);
    }
    let report = faults(&text);
    let keys: Vec<&str> = report.faults.iter().map(|fault| fault.key.as_str()).collect();
    let expected = [
        "engine.arm",
        "journal.segment",
        "market.zone",
        "account.main.currency",
        "feed.itch.retries",
        "gateway.ouch.send.reserve",
        "strategy.mm.wiring.account",
        "limits.strategy:prob.scope",
    ];
    assert_eq!(keys, expected, "{report}");
    assert!(report.to_string().starts_with("8 faults in the configuration\n"), "{report}");
}

/// Goal: a missing or newer version refuses in a clear sentence, alone where the rest cannot be judged.
#[test]
fn a_missing_or_newer_version_is_refused() {
    let report = faults(&with("version = 1", ""));
    assert!(report.has(FaultKind::Version, "version"), "{report}");
    assert!(report.to_string().contains("write version = 1 at the top"), "{report}");
    let report = faults(&with("version = 1", "version = 2\nbrand_new = true"));
    assert_eq!(report.faults.len(), 1, "{report}");
    assert!(report.to_string().contains("newer than this program"), "{report}");
    let report = faults(&with("version = 1", "version = \"1\""));
    assert!(report.has(TYPE, "version"), "{report}");
    let report = faults(&with("version = 1", "version = 0"));
    assert!(report.has(RANGE, "version"), "{report}");
}

/// Goal: text that is no TOML is refused with line and reason, all places at once, and never panics.
/// Method: two broken lines; then the good file cut at every byte, and with each byte replaced.
#[test]
fn what_is_no_toml_is_refused() {
    let text = with("arm = true", "arm = = true").replacen("retries = 5", "retries 5", 1);
    let report = faults(&text);
    assert!(report.faults.len() >= 2, "{report}");
    assert!(report.faults.iter().all(|fault| fault.kind == FaultKind::Syntax), "{report}");
    let line = 1 + GOOD.lines().position(|line| line.starts_with("retries")).unwrap();
    assert!(report.to_string().contains(&format!("test.toml:{line}:")), "{report}");
    for (at, _) in GOOD.char_indices().step_by(3) {
        let _ = load(&GOOD[..at]);
        let mut text = GOOD.to_owned();
        text.replace_range(at..=at, ["\"", "[", "0", "\n", "é"][at % 5]);
        let _ = load(&text);
    }
}

/// Goal: a missing table is one fault, not one for each key in it; an empty file names all there must be.
#[test]
fn a_missing_table_is_one_fault() {
    let report = faults("version = 1");
    let keys: Vec<&str> = report.faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["account", "feed", "gateway", "market"], "{report}");
    let report = faults(&with("[[account]]", "[[acount]]"));
    assert!(report.has(FaultKind::UnknownKey, "acount"), "{report}");
    assert!(report.has(MISSING, "account"), "{report}");
    assert_eq!(report.faults.len(), 2, "{report}");
    assert!(report.to_string().contains("did you mean `account`?"), "{report}");
    let text = GOOD.replacen("session = {", "sessions = {", 1);
    let report = faults(&text);
    assert!(report.has(MISSING, "gateway.ouch.session"), "{report}");
    assert_eq!(report.faults.len(), 2, "{report}");
}

/// Goal: faults of placement are found, each by name. Method: thread tables with one fault each.
#[test]
fn faults_of_placement_are_found() {
    let all = "\"feed\", \"strategy\", \"risk\", \"gateway\"";
    let table: &[(&str, &[&str], &str)] = &[
        (&format!("[[thread]]\nname = \"a\"\nstages = [{all}]"), &[], ""),
        (
            "[[thread]]\nname = \"a\"\nstages = [\"feed\", \"strategy:mm\", \"strategy:take\", \"gateway\"]",
            &["thread", "thread"],
            "stage risk stands in no thread",
        ),
        (
            &format!(
                "[[thread]]\nname = \"a\"\nstages = [{all}]\n[[thread]]\nname = \"b\"\nstages = [\"risk\"]"
            ),
            &["thread.b.stages"],
            "stands in thread a and again in thread b",
        ),
        (
            "[[thread]]\nname = \"a\"\nstages = [\"strategy\", \"feed\", \"risk\", \"gateway\"]",
            &["thread.a.stages"],
            "feed:itch stands after strategy:probe",
        ),
        (
            "[[thread]]\nname = \"a\"\ncore = 1\nstages = [\"feed\"]\n[[thread]]\nname = \"b\"\ncore = 1\nstages = [\"strategy\", \"risk\", \"gateway\"]",
            &["thread.b.core"],
            "core 1 is also the core of thread a",
        ),
        (
            "[[thread]]\nname = \"a\"\ncore = 1\nwait = \"yield\"\nstages = [\"feed\"]\n[[thread]]\nname = \"b\"\ncore = 1\nwait = \"yield\"\nstages = [\"strategy\", \"risk\", \"gateway\"]",
            &[],
            "",
        ),
        (
            &format!(
                "[[thread]]\nname = \"a\"\nstages = [{}]",
                all.replace("gateway", "gateway:x")
            ),
            &["thread", "thread.a.stages"],
            "there is no stage \"gateway:x\"",
        ),
        (
            &format!("[[thread]]\nname = \"a\"\nstages = [{}]", all.replace("risk", "risc")),
            &["thread", "thread", "thread", "thread", "thread", "thread", "thread.a.stages"],
            "\"risc\" does not fit",
        ),
    ];
    for (threads, keys, words) in table {
        let report = match load(&format!("{GOOD}\n{threads}\n")) {
            Ok(_) => super::Report::default(),
            Err(report) => report,
        };
        let mut found: Vec<&str> = report.faults.iter().map(|fault| fault.key.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, *keys, "{threads}\n{report}");
        assert!(report.to_string().contains(words), "{words}\n{report}");
    }
    let text = with("helpers = \"auto\"", "helpers = [0, 1]");
    let threads = format!("[[thread]]\nname = \"a\"\ncore = 1\nstages = [{all}]");
    let report = faults(&format!("{text}\n{threads}\n"));
    assert!(report.has(CROSS, "thread.a.core"), "{report}");
    let text = with("layout = \"auto\"", "layout = \"fused\"");
    let threads = format!("[[thread]]\nname = \"a\"\nstages = [{all}]");
    let report = faults(&format!("{text}\n{threads}\n"));
    assert!(report.has(CROSS, "topology.layout"), "{report}");
}

/// Goal: a limit that only some instruments have is missing for the others, by number (R05).
#[test]
fn a_limit_is_missing_where_no_scope_states_it() {
    let text = with("qty_max = \"1000\", ", "");
    let report = faults(&text);
    // The probe's own table states it; the two others lack it.
    let shown = report.to_string();
    assert_eq!(report.faults.len(), 1, "{shown}");
    assert!(shown.contains("for strategy mm, strategy take; allowed"), "{shown}");
    let aapl = "\n[[limits]]\nscope = \"instrument:TSLA\"\norder = { qty_max = \"1\" }\n";
    let shown = faults(&format!("{text}{aapl}")).to_string();
    assert!(shown.contains("1 of 2 instruments of strategy take"), "{shown}");
}

/// Goal: a file that cannot be read is one clear sentence.
#[test]
fn an_unreadable_file_is_one_sentence() {
    let report = Sources::read(std::path::Path::new("/nonexistent/x.toml")).unwrap_err();
    assert!(report.has(FaultKind::Unreadable, ""), "{report}");
    assert!(report.to_string().contains("cannot be read: No such file"), "{report}");
}
