//! Rules that stand against each other.

use super::super::{Sources, advice, init};
use super::GOOD;
use feed::instruments::Instruments;

const INSTRUMENTS: &str = include_str!("../../../../config/demo-instruments.csv");

fn found(config: &str, instruments: &str) -> Vec<String> {
    let loaded = Sources::text("good.toml", config).load().unwrap_or_else(|all| panic!("{all}"));
    let instruments = Instruments::parse("instruments.csv", instruments).unwrap();
    let bound = loaded.bind(&instruments).unwrap();
    advice(&loaded.config, &bound, &instruments)
}

/// Goal: each pair of rules that refuse what the other lets through is told, with its remedy, and a
/// configuration without one is told nothing. Method: one wrong pair at a time, at its border.
#[test]
fn rules_that_stand_against_each_other_are_told() {
    let good = GOOD.replace("move_ticks_max = 100", "move_ticks_max = 400");
    assert_eq!(found(&good, INSTRUMENTS), [""; 0]);
    let lots = INSTRUMENTS.replace("AAPL,USD,1,1,1,", "AAPL,USD,1,100,300,");
    for (from, to, rules, remedy) in [
        ("move_ticks_max = 400", "move_ticks_max = 399", "R23 against R26", "to 199 or raise"),
        ("collar_ticks = 200", "collar_ticks = 0", "R23 against the tick", "raise order.collar"),
        ("qty_max = \"1000\"", "qty_max = \"1001\"", "R20 against the lot", "passes is 1000"),
        (
            "qty_max = \"1000\"",
            "qty_max = \"299\"",
            "R20 against the smallest order",
            "raise it to 300",
        ),
        (
            "value_max = \"500000\"",
            "value_max = \"55499.99\"",
            "R21 and R32 against the smallest order",
            "55500.00 at its prior close of 185.00",
        ),
        (
            "gross_max = \"5000000\"",
            "gross_max = \"100\"",
            "R21 and R32 against the smallest order",
            "money.gross_max = 100",
        ),
        ("value_min = \"0\"", "value_min = \"499999\"", "R22 against R20 and R21", "lower it"),
        (
            "long_max = \"5000\", short_max = \"5000\"",
            "long_max = \"299\", short_max = \"299\"",
            "R30 against the smallest order",
            "no position can be entered",
        ),
        (
            "open_qty_max = \"10000\"",
            "open_qty_max = \"299\"",
            "R31 against the smallest order",
            "total.open_qty_max = 299",
        ),
        (
            "open_orders_max = 200",
            "open_orders_max = 0",
            "R31 against the smallest order",
            "total.open_orders_max = 0",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        // The probe's own limit of 100 would be below the smallest order.
        let wrong = good.replacen(from, to, 1).replace("qty_max = \"100\"", "qty_max = \"900\"");
        let told = found(&wrong, &lots);
        let is_it = |line: &&String| line.starts_with(rules) && line.contains("NASDAQ/AAPL");
        let line = told.iter().find(is_it).unwrap_or_else(|| panic!("{to}: {told:#?}"));
        assert!(line.contains(remedy), "{to}: {line}");
    }
}

/// Goal: what we hand out has no rule against another. Method: every example, and what `config
/// init` writes with two instruments.
#[test]
fn our_own_configurations_have_no_rule_against_another() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    for name in ["demo.toml", "exec.toml", "minimal.toml", "tuned-4-cores.toml"] {
        let mut sources = Sources::read(&root.join(name)).unwrap();
        sources.environment.clear();
        let (loaded, instruments, bound) = sources.load_and_bind().unwrap();
        assert_eq!(advice(&loaded.config, &bound, &instruments), [""; 0], "{name}");
    }
    assert_eq!(found(init(), INSTRUMENTS), [""; 0]);
}
