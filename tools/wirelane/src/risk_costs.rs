//! What each rule of risk costs, as a table: `wirelane latency --risk`.

use crate::demo::machine;
use crate::failure::{Failure, Outcome};
use crate::number::grouped;
use engine::config::Sources;
use engine::config::limits::LimitSet;
use engine::risk::cost::{self, Costs, RuleCost};
use std::fmt::Write as _;
use std::path::Path;

/// Rounds of a thousand orders with and without each rule: a second or two.
const ROUNDS: usize = 60;

/// Measures here and now, and tells; with a configuration also how many of its limit tables state a
/// number for each rule.
pub(crate) fn table(config: Option<&Path>) -> Outcome<String> {
    let limits = config.map(limits_of).transpose()?;
    let costs = cost::measure(ROUNDS);
    Ok(format!("{}{}", head(), rows(&costs, limits.as_ref())))
}

fn limits_of(file: &Path) -> Outcome<LimitSet> {
    let sources = Sources::read(file).map_err(Failure::configuration)?;
    let (_, _, bound) = sources.load_and_bind().map_err(Failure::configuration)?;
    Ok(bound.limits)
}

fn head() -> String {
    let build =
        if cfg!(debug_assertions) { ", a build that checks every decision twice" } else { "" };
    format!(
        "cost of each rule of risk on {}{build}\n\
         {} instruments in random order, a number in every limit of firm, account, strategy and\n\
         instrument; medians of {ROUNDS} rounds of {} orders\n\n",
        machine::describe(),
        grouped(cost::INSTRUMENTS as u64),
        grouped(cost::ORDERS as u64),
    )
}

fn rows(costs: &Costs, limits: Option<&LimitSet>) -> String {
    let mut text = String::from("rule  code             asked      ns");
    text.push_str(if limits.is_some() { "  tables with a number\n" } else { "\n" });
    let mut line = |name: &str, code: &str, asked: &str, ps: u64, more: &str| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{name:<5} {code:<16} {asked:>5} {:>7}{more}", tenths(ps));
    };
    for RuleCost { id, reason, asked, together, ps_p50 } in &costs.rules {
        let stated = limits.map(|set| {
            let with = set.rows.iter().filter(|row| cost::states(row, *reason)).count();
            if cost::is_limited(*reason) {
                format!("  {with:>20}")
            } else {
                "   not of these tables".into()
            }
        });
        let asked = format!("{asked} x");
        let mark = if *together > 1 { "*" } else { "" };
        let name = format!("R{id:02}{mark}");
        line(&name, reason.name(), &asked, *ps_p50, &stated.unwrap_or_default());
    }
    let sum = costs.rules.iter().map(|rule| rule.ps_p50).sum();
    line("sum", "of the rules", "", sum, "");
    line("", "no rule asked", "", costs.bare_ps, "  finding rows and sums, which rules share");
    line(
        "",
        "all rules",
        "",
        costs.checks_ps,
        "  side by side they overlap: less than the sum of both",
    );
    line(
        "",
        "whole decision",
        "",
        costs.decision_ps,
        "  and reservation, table, books, windows, record",
    );
    text.push_str(
        "\nA rule's row is what an order takes less without it. R39 and R47 stand for asking whether the\n\
         order is bound to reduce or is a parent's child; what such orders take more is not here. Rules with\n\
         a * are one comparison in each scope: each row has an equal part of what it takes.\n",
    );
    text
}

/// Picoseconds as nanoseconds, cut to a tenth.
fn tenths(ps: u64) -> String {
    format!("{}.{}", ps / 1_000, ps % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::config::limits::Scope;
    use shm::reason::Reason;

    /// Goal: the table names every rule once, tells which limits have a number, and adds up.
    /// Method: costs made up, beside one row with a number everywhere and one without any.
    #[test]
    fn the_table_tells_rules_limits_and_sums() {
        let costs = Costs {
            rules: engine::risk::RULES
                .iter()
                .map(|rule| RuleCost {
                    id: rule.id,
                    reason: rule.reason,
                    asked: 4,
                    together: 1,
                    ps_p50: 1_250,
                })
                .collect(),
            bare_ps: 40_000,
            checks_ps: 80_900,
            decision_ps: 200_000,
        };
        let silent = engine::config::limits::LimitRow::silent(Scope::Firm);
        let set = LimitSet { version: 1, rows: vec![cost::finite(Scope::Firm), silent] };
        let text = rows(&costs, Some(&set));
        for rule in engine::risk::RULES {
            let begin = format!("R{:02}   {}", rule.id, rule.reason.name());
            let found: Vec<&str> = text.lines().filter(|line| line.starts_with(&begin)).collect();
            assert_eq!(found.len(), 1, "{text}");
            let end = if cost::is_limited(rule.reason) { " 1" } else { "tables" };
            assert!(found[0].ends_with(end) && found[0].contains("4 x     1.2"), "{}", found[0]);
        }
        assert!(cost::is_limited(Reason::Collar) && !cost::is_limited(Reason::Killed));
        let sum = format!("{:>7}", tenths(1_250 * engine::risk::RULES.len() as u64));
        assert!(text.contains(&format!("sum   of the rules           {sum}")), "{text}");
        assert!(!rows(&costs, None).contains("tables with a number"));
    }
}
