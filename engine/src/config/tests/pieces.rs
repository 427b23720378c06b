//! One wrong piece at a time.

use super::super::FaultKind;
use super::{GOOD, faults, with};

const CROSS: FaultKind = FaultKind::Cross;
const MISSING: FaultKind = FaultKind::Missing;
const RANGE: FaultKind = FaultKind::OutOfRange;
const TYPE: FaultKind = FaultKind::WrongType;

/// What stands in the good text, what is put there, and the kind, key and words of the fault.
const PIECES: &[(&str, &str, FaultKind, &str, &str)] = &[
    ("arm = true", "armed = true", FaultKind::UnknownKey, "engine.armed", "did you mean `arm`?"),
    ("arm = true", "arm = \"yes\"", TYPE, "engine.arm", "allowed: true or false"),
    ("mode = \"async\"", "mode = \"asink\"", RANGE, "journal.mode", "did you mean `async`?"),
    ("segment_mib = 16", "segment_mib = 24", RANGE, "journal.segment_mib", "next one above is 32"),
    ("segments = 4", "segments = 2", RANGE, "journal.segments", "from 3 to 64"),
    ("segments = 4", "segments = 4.0", TYPE, "journal.segments", "a floating-point number"),
    ("segments = 4", "segments = 99999999999999999999", TYPE, "journal.segments", "beyond 64 bits"),
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
    ("\"0.0030\"", "\"0.00000000001\"", RANGE, "account.main.fee_per_share", "at most 9 decimals"),
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
        "value_min = \"0\"",
        "value_min = \"500000.01\"",
        CROSS,
        "limits.account:main.order.value_min",
        "at most value_max",
    ),
    (
        "repeat = { same_max = 5, per_ms = 1000 }",
        "repeat = { same_max = 5 }",
        MISSING,
        "limits.account:main.repeat.per_ms",
        "window",
    ),
    ("ring = \"disruptor\"", "ring = \"queue\"", RANGE, "link.0.ring", "slot, rtrb, disruptor"),
    ("ring = \"disruptor\"", "ring = \"slot\"", CROSS, "link.0.group", "leave it out"),
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

/// Goal: one wrong piece gives exactly one fault: its kind, key, line, and words that help. Method:
/// a table of single changes to a good file; the line is where the changed piece stands.
#[test]
fn one_wrong_piece_gives_one_fault_at_its_line() {
    for (old, new, kind, key, words) in PIECES {
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
