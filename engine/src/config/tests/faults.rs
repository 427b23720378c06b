//! Every kind of fault, at its line, all in one report.

use super::super::{FaultKind, Sources, model};
use super::{GOOD, faults, load, with};

const CROSS: FaultKind = FaultKind::Cross;
const MISSING: FaultKind = FaultKind::Missing;
const RANGE: FaultKind = FaultKind::OutOfRange;
const TYPE: FaultKind = FaultKind::WrongType;

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

/// Goal: a missing or newer version refuses in a clear sentence, alone where the rest cannot be
/// judged.
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

/// Goal: text that is no TOML is refused with line and reason, all places at once, and never
/// panics. Method: two broken lines; then the good file cut at every byte, and with each byte
/// replaced.
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

/// Goal: a missing table is one fault, not one for each key in it; an empty file names all there
/// must be.
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
}

/// Goal: threads contradict neither helpers nor a layout.
#[test]
fn threads_contradict_neither_helpers_nor_layout() {
    let all = "\"feed\", \"strategy\", \"risk\", \"gateway\"";
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

/// Goal: a feed comes from lines, a file or a session; what mixes them, or leaves out what one
/// needs, is told with the key.
#[test]
fn a_feed_has_one_source() {
    const LINES: &str = "a = \"127.0.0.1:26400\"\nb = \"127.0.0.1:26401\"\n\
                         request = \"127.0.0.1:26402\"\n";
    let with_source = |source: &str| with(LINES, source).replacen("\"conflate\"", "\"hold\"", 1);
    let file = "file = { path = \"day.itch\", speed = \"2.5\" }\n";
    let soup = "soup = \"127.0.0.1:1\"\nuser = \"DEMO01\"\npassword_env = \"WORD\"\n";
    let model::FeedSource::File { speed, .. } =
        load(&with_source(file)).unwrap().config.feeds[0].source.clone()
    else {
        panic!()
    };
    assert_eq!(speed, model::Speed::Milli(2_500));
    let source = &load(&with_source(soup)).unwrap().config.feeds[0].source;
    assert!(matches!(source, model::FeedSource::Soup { user, .. } if user == "DEMO01"));
    for (source, kind, key) in [
        (format!("{LINES}{file}"), CROSS, "feed.itch.b"),
        (format!("{file}{soup}"), CROSS, "feed.itch.soup"),
        (format!("{LINES}{soup}"), CROSS, "feed.itch.request"),
        (format!("{LINES}user = \"DEMO01\"\n"), CROSS, "feed.itch.user"),
        ("soup = \"127.0.0.1:1\"\n".to_owned(), MISSING, "feed.itch.password_env"),
        (String::new(), MISSING, "feed.itch.a"),
        ("file = { path = \"x\", speed = \"0\" }\n".to_owned(), RANGE, "feed.itch.file.speed"),
        (LINES.to_owned(), CROSS, "link.0.full"),
    ] {
        let report = faults(&with_source(&source));
        assert!(report.has(kind, key), "{source}\n{report}");
    }
}
