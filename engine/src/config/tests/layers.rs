//! Layers and origins.

use shm::units::Qty;

use super::super::limits::Limit;
use super::super::model::Layout;
use super::super::{FaultKind, Origin, Sources};
use super::{GOOD, load, with};
use crate::wait::Wait;

fn sources() -> Sources {
    Sources::text("test.toml", GOOD)
}

fn variable(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

/// Goal: default < file < environment < command line, and the origin says who won. Method: one key
/// written in more and more layers.
#[test]
fn later_layers_win_and_the_origin_says_so() {
    let rate = |sources: &Sources| {
        let loaded = sources.load().unwrap_or_else(|report| panic!("{report}"));
        let setting = loaded
            .origins()
            .into_iter()
            .find(|setting| setting.key == "gateway.ouch.send.rate")
            .unwrap();
        (loaded.config.gateways[0].send.rate, setting.origin.to_string())
    };
    let mut sources =
        Sources::text("test.toml", &with("send = { rate = 2000, reserve", "send = { reserve"));
    assert_eq!(rate(&sources), (1000, "default".to_owned()));
    sources.text = GOOD.to_owned();
    let line = 1 + GOOD.lines().position(|line| line.starts_with("send =")).unwrap();
    assert_eq!(rate(&sources), (2000, format!("test.toml:{line}:17")));
    sources.environment.push(variable("WIRELANE__GATEWAY__OUCH__SEND__RATE", "300"));
    sources.environment.push(variable("WIRELANE_DATA", "not ours: one underscore"));
    let origin = "environment WIRELANE__GATEWAY__OUCH__SEND__RATE".to_owned();
    assert_eq!(rate(&sources), (300, origin));
    sources.sets.push("gateway.0.send.rate=400".to_owned());
    sources.sets.push("gateway.ouch.send.rate = 500".to_owned());
    assert_eq!(rate(&sources), (500, "command line --set gateway.ouch.send.rate".to_owned()));
}

/// Goal: an override takes the type of its key: text, decimal, flag, list, table, limit.
#[test]
fn an_override_takes_the_type_of_its_key() {
    let mut sources = sources();
    sources.sets = [
        "engine.arm=false",
        "account.main.fee_per_share=0.0010",
        "strategy.mm.wiring.instruments=AAPL,MSFT",
        "strategy.take.wiring.instruments=[\"TSLA\"]",
        "topology.helpers=[0, 1]",
        "topology.wait=spin",
        "strategy.mm.params.qty=7",
        "limits.account:main.order.qty_max=unlimited",
        "limits.account:main.repeat={ same_max = 2, per_ms = 10 }",
        "feed.itch.hash_channel=127.0.0.1:9",
    ]
    .map(str::to_owned)
    .to_vec();
    let config = sources.load().unwrap_or_else(|report| panic!("{report}")).config;
    assert!(!config.engine.arm);
    assert_eq!(config.accounts[0].fee_per_share.to_string(), "0.001");
    assert_eq!(format!("{:?}", config.strategies[0].instruments), "Symbols([\"AAPL\", \"MSFT\"])");
    assert_eq!(format!("{:?}", config.strategies[1].instruments), "Symbols([\"TSLA\"])");
    assert_eq!(config.topology.helpers, Some(vec![0, 1]));
    assert_eq!(config.topology.wait, Wait::Spin);
    assert!(
        format!("{:?}", config.strategies[0].params)
            .contains(&format!("{:?}", Qty::from_shares(7)))
    );
    assert_eq!(config.limits[0].row.order.qty_max, Limit::Unlimited);
    assert_eq!(config.limits[0].row.repeat.same_max, Limit::Max(2));
    assert_eq!(config.feeds[0].hash_channel.unwrap().port(), 9);
}

/// Goal: numbers are read in every form that TOML has for them, and printed with their origin.
#[test]
fn numbers_are_read_in_every_form() {
    for (form, rate) in [("2_500", 2500), ("0x9C4", 2500), ("0o4704", 2500), ("+2500", 2500)] {
        let text = with("rate = 2000", &format!("rate = {form}"));
        let loaded = load(&text).unwrap_or_else(|report| panic!("{form}: {report}"));
        assert_eq!(loaded.config.gateways[0].send.rate, rate, "{form}");
        let lines: Vec<String> = loaded.origins().iter().map(ToString::to_string).collect();
        let line = 1 + text.lines().position(|line| line.starts_with("send =")).unwrap();
        let shown = format!("gateway.ouch.send.rate = 2500    # test.toml:{line}:17");
        assert!(lines.contains(&shown), "{lines:?}");
    }
}

/// Goal: no text in any layer makes the loader panic, and each fault says what and where. Method:
/// random lines of the good file removed, doubled or joined with random words, random overrides.
#[test]
fn no_text_makes_the_loader_panic() {
    use proptest::prelude::*;
    let words =
        ["x", "-1", "\"\"", "[", "{ }", "[[]]", "= 1", "é", "unlimited", "true", "1.5", "nan"];
    let keys: Vec<String> = super::super::key_list().into_iter().map(|key| key.key).collect();
    let lines = GOOD.lines().count();
    let change = (0..lines, 0..3_u8, prop::sample::select(words.to_vec()));
    let set = (prop::sample::select(keys), prop::sample::select(words.to_vec()));
    let input = (prop::collection::vec(change, 0..4), prop::collection::vec(set, 0..4));
    proptest!(|((changes, sets) in input)| {
        let mut text: Vec<String> = GOOD.lines().map(str::to_owned).collect();
        for (at, how, word) in changes {
            match how {
                0 => text[at].clear(),
                1 => text[at] = format!("{0}\n{0}", text[at]),
                _ => text[at] = format!("{} {word}", text[at]),
            }
        }
        let mut sources = Sources::text("test.toml", &text.join("\n"));
        for (key, word) in sets {
            let key = key.replace('*', "0").replace("(maker)", "");
            sources.environment.push(variable(&format!("WIRELANE__{}", key.replace('.', "__")), word));
            sources.sets.push(format!("{key}={word}"));
        }
        if let Err(report) = sources.load() {
            prop_assert!(!report.faults.is_empty());
            for fault in &report.faults {
                prop_assert!(!fault.wrong.is_empty());
                prop_assert!(fault.origin != Origin::Default, "{}", fault);
            }
        }
    });
}

/// Goal: a wrong override is a fault of the same report, at its own origin.
#[test]
fn a_wrong_override_is_reported_with_its_origin() {
    let mut sources = sources();
    sources.environment = vec![
        variable("WIRELANE__ENGINE__ARMED", "true"),
        variable("WIRELANE__TOPOLOGY__WAIT", "park"),
    ];
    sources.sets = [
        "gateway.oush.send.rate=1",
        "engine.name",
        "gateway.ouch.session.password=hunter2",
        "journal.segments=many",
        "engine.arm.now=1",
        "strategy.mm=1",
        "link.0.slots=100",
    ]
    .map(str::to_owned)
    .to_vec();
    let report = sources.load().unwrap_err();
    let text = report.to_string();
    // "--set engine.name" is no assignment: only it keeps the rest from being read.
    assert!(report.has(FaultKind::Syntax, ""), "{text}");
    sources.sets.remove(1);
    let report = sources.load().unwrap_err();
    let text = report.to_string();
    for (kind, key) in [
        (FaultKind::UnknownKey, "engine.armed"),
        (FaultKind::OutOfRange, "topology.wait"),
        (FaultKind::UnknownKey, "gateway.oush.send.rate"),
        (FaultKind::Secret, "gateway.ouch.session.password"),
        (FaultKind::WrongType, "journal.segments"),
        (FaultKind::UnknownKey, "engine.arm.now"),
        (FaultKind::UnknownKey, "strategy.mm"),
        (FaultKind::OutOfRange, "link.0.slots"),
    ] {
        assert!(report.has(kind, key), "{kind:?} {key}\n{text}");
    }
    assert_eq!(report.faults.len(), 8, "{text}");
    assert!(text.contains("environment WIRELANE__ENGINE__ARMED"), "{text}");
    assert!(text.contains("did you mean `arm`?"), "{text}");
    assert!(!text.contains("hunter2"), "a secret is repeated: {text}");
}

/// Goal: `--layout` replaces thread tables wherever they were written; `--set` alone contradicts
/// them.
#[test]
fn layout_of_the_command_line_replaces_threads() {
    let threads =
        "\n[[thread]]\nname = \"all\"\nstages = [\"feed\", \"strategy\", \"risk\", \"gateway\"]\n";
    let text = format!("{GOOD}{threads}");
    assert_eq!(load(&text).unwrap().config.threads.len(), 1);
    let mut sources = Sources::text("test.toml", &text);
    sources.sets.push("topology.layout=split2".to_owned());
    let report = sources.load().unwrap_err();
    assert!(report.has(FaultKind::Cross, "topology.layout"), "{report}");
    assert!(report.to_string().contains("use --layout"), "{report}");
    sources.sets.clear();
    sources.layout = Some("split4".to_owned());
    let loaded = sources.load().unwrap();
    assert!(loaded.config.threads.is_empty());
    assert_eq!(loaded.config.topology.layout, Layout::Split4);
    let origins = loaded.origins();
    let layout = origins.iter().find(|setting| setting.key == "topology.layout").unwrap();
    assert_eq!(layout.origin, Origin::CommandLine("--layout".into()));
    sources.layout = Some("split3".to_owned());
    let report = sources.load().unwrap_err().to_string();
    assert!(report.contains("auto, fused, split2, split4"), "{report}");
}
