//! Everything that a start would refuse, in one report: configuration, limits, instruments, cores,
//! secrets.

use super::super::{FaultKind, Sources};
use super::GOOD;
use super::topology::machine;

const CSV: &str = include_str!("../../../../config/demo-instruments.csv");

/// A good text with changes, beside its instruments.
fn sources(changes: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("demo-instruments.csv"), CSV).unwrap();
    let mut text = GOOD.to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old:?} is not in the good text");
        text = text.replacen(old, new, 1);
    }
    let file = temp.path().join("x.toml");
    (temp, Sources::text(&file.display().to_string(), &text))
}

fn known(_: &str) -> Option<String> {
    Some("secret".to_owned())
}

/// Goal: the good text has no fault on a machine that has what it asks for.
#[test]
fn what_is_sound_is_planned() {
    let (_temp, sources) = sources(&[]);
    let planned = sources.load_for(&machine(4), known);
    assert!(planned.is_ok(), "{}", planned.unwrap_err());
}

/// Goal: a report of every fault at its line, whoever finds it. Method: twelve faults of twelve
/// keys, found by the reader, by the checks between keys, by the limits, the instruments, the
/// machine and the environment.
#[test]
fn twelve_faults_are_twelve_lines() {
    let threads = "[[thread]]\nname = \"md\"\ncore = 99\nstages = [\"feed\"]\n[[thread]]\nname = \"trade\"\n\
                   core = 98\nstages = [\"strategy\", \"risk\", \"gateway\"]\n[[link]]";
    let (_temp, sources) = sources(&[
        ("arm = true", "arm = 1"),
        ("segments = 4", "segment = 4"),
        ("zone = \"America/New_York\"", "zone = \"X\""),
        ("helpers = \"auto\"", "helpers = [97]"),
        ("[[link]]", threads),
        ("retries = 5", "retries = 500"),
        ("reserve = 200", "reserve = 5000"),
        ("[\"TSLA\", \"INTC\"]", "[\"TSLA\", \"INTX\"]"),
        ("value_max = \"500000\", ", ""),
        ("long_max = \"5000\"", "long_max = \"a lot\""),
    ]);
    let report = sources.load_for(&machine(2), |_| None).unwrap_err();
    let keys: Vec<&str> = report.faults.iter().map(|fault| fault.key.as_str()).collect();
    let expected = [
        "engine.arm",
        "journal.segment",
        "market.zone",
        "topology.helpers",
        "thread.md.core",
        "thread.trade.core",
        "feed.itch.retries",
        "gateway.ouch.session.password_env",
        "gateway.ouch.send.reserve",
        "strategy.take.wiring.instruments",
        "limits.order.value_max",
        "limits.account:main.total.long_max",
    ];
    assert_eq!(keys, expected, "{report}");
    // A head, and a line each that names file and line.
    let text = report.to_string();
    assert_eq!(text.lines().count(), 13, "{text}");
    assert!(text.lines().skip(1).all(|line| line.contains("x.toml:")), "{text}");
    let text_of = |key: &str| {
        let fault = report.faults.iter().find(|fault| fault.key == key).unwrap();
        (fault.kind, fault.to_string())
    };
    let (kind, core) = text_of("thread.md.core");
    assert_eq!(kind, FaultKind::Machine);
    assert!(
        core.contains("core 99 is not there") && core.contains("allowed: of this machine 0, 1")
    );
    let (kind, secret) = text_of("gateway.ouch.session.password_env");
    assert_eq!(kind, FaultKind::Environment);
    assert!(secret.contains("WIRELANE_OUCH_PASSWORD"), "{secret}");
    assert!(text_of("strategy.take.wiring.instruments").1.contains("did you mean `INTC`"));
}

/// Goal: a fault is told once, not again by what follows from it. Method: names that many others
/// lean on, each wrong alone.
#[test]
fn what_follows_from_a_fault_is_not_told() {
    for (old, new, key) in [
        ("codec = \"ouch50\"", "codec = \"ouch5\"", "gateway.ouch.session.codec"),
        ("currency = \"USD\"", "currency = \"dollars\"", "account.main.currency"),
        (
            "gateway = \"ouch\", instruments = [\"TSLA\"",
            "gateway = \"o\", instruments = [\"TSLA\"",
            "strategy.take.wiring.gateway",
        ),
        ("scope = \"strategy:probe\"", "scope = \"strategy:prob\"", "limits.strategy:prob.scope"),
        ("qty_max = \"1000\"", "qty_max = 1000", "limits.account:main.order.qty_max"),
        ("codec = \"itch50\"", "codec = \"itch50\"\nvenue = \"a venue\"", "feed.itch.venue"),
    ] {
        let (_temp, sources) = sources(&[(old, new)]);
        let report = sources.load_for(&machine(4), known).unwrap_err();
        let keys: Vec<&str> = report.faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, [key], "{report}");
    }
}
