//! The report as a person reads it.

use super::checks::Check;
use super::report::Report;
use crate::number::grouped;
use crate::program;
use crate::stage_latency::{STAGES, refused_stamps, table};
use std::fmt::Write as _;

/// The whole report.
pub(crate) fn of(report: &Report) -> String {
    let mut text = String::new();
    let out = &mut text;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}", report.machine);
    let _ = writeln!(
        out,
        "layout {}, {:.1} s of trading, {:.1} s measured, epoch {}, seed {}\n",
        report.layout, report.seconds, report.window_seconds, report.epoch, report.seed
    );
    counts(out, report);
    positions(out, report);
    let _ = writeln!(out, "\nlatency in the window");
    out.push_str(&table(
        STAGES.iter().filter_map(|stage| Some((*stage, *report.latency_ns.get(*stage)?))),
    ));
    out.push_str(&refused_stamps(report.stamps_refused));
    hot(out, report);
    let _ = writeln!(out, "\norder_stream_hash {}", report.order_stream_hash);
    let _ = writeln!(out, "\nchecks");
    for check in &report.checks {
        let _ = writeln!(out, "  {} {}", verdict(check), check.text);
    }
    let open = report.checks.iter().filter(|check| check.holds.is_none()).count();
    if open > 0 {
        let _ = writeln!(out, "  {open} could not be checked (--): neither good nor bad");
    }
    if !report.notes.is_empty() {
        let _ = writeln!(out, "\nwhat else is to be known");
        for note in &report.notes {
            let _ = writeln!(out, "  {note}");
        }
    }
    text
}

fn verdict(check: &Check) -> &'static str {
    match (check.holds, check.decides) {
        (None, _) => "-- ",
        (Some(true), _) => "ok ",
        (Some(false), true) => "NOT",
        (Some(false), false) => "not",
    }
}

fn counts(out: &mut String, report: &Report) {
    let row = |out: &mut String, name: &str, value: u64, more: &str| {
        let _ = writeln!(out, "{name:<16}{:>14}{more}", grouped(value));
    };
    let rate = |count: u64| {
        let seconds = report.seconds.max(0.001);
        format!("   {} a second", grouped((count as f64 / seconds) as u64))
    };
    row(out, "messages", report.messages, &rate(report.messages));
    row(out, "orders sent", report.orders_sent, &rate(report.orders_sent));
    row(out, "acks", report.acks, "");
    row(out, "fills", report.fills, "");
    let asked = grouped(report.cancels_sent);
    // The rest of an immediate order is cancelled by the venue, and nobody asks for it.
    let of = match report.cancels > report.cancels_sent {
        true => format!("   {asked} asked for, the others the venue's: rests of immediate orders"),
        false => format!("   of {asked} asked"),
    };
    row(out, "cancels", report.cancels, &of);
    row(
        out,
        "replaces",
        report.replaces,
        &format!("   of {} asked", grouped(report.replaces_sent)),
    );
    row(out, "refused", report.refused.values().sum(), "");
    for (code, count) in &report.refused {
        let _ = writeln!(out, "  {code:<26}{:>10}", grouped(*count));
    }
    row(
        out,
        "voided",
        report.voided,
        "   approved and not sent: gate closed, too old, session lost",
    );
}

fn positions(out: &mut String, report: &Report) {
    let _ = writeln!(
        out,
        "\n{:<12}{:<10}{:>10}{:>14}{:>14}{:>12}",
        "strategy", "symbol", "position", "realised", "unrealised", "fees"
    );
    for row in &report.positions {
        let _ = writeln!(
            out,
            "{:<12}{:<10}{:>10}{:>14}{:>14}{:>12}",
            row.strategy, row.symbol, row.position, row.realised, row.unrealised, row.fees
        );
    }
}

fn hot(out: &mut String, report: &Report) {
    let _ = writeln!(
        out,
        "\n{:<12}{:>6}{:>16}{:>14}{:>16}{:>8}{:>8}{:>10}",
        "hot thread", "core", "polls", "busy", "yields", "allocs", "faults", "switches"
    );
    for thread in &report.hot.threads {
        let core = thread.core.map_or("-".to_owned(), |core| core.to_string());
        let _ = writeln!(
            out,
            "{:<12}{core:>6}{:>16}{:>14}{:>16}{:>8}{:>8}{:>10}",
            thread.name,
            grouped(thread.polls),
            grouped(thread.busy_polls),
            grouped(thread.yields),
            thread.allocations,
            thread.page_faults,
            thread.voluntary_switches
        );
    }
}

/// How to look further: commands that work as they stand.
pub(crate) fn further(report: &Report) -> String {
    let (program, dir) = (program::name(), program::quoted(&report.dir));
    let other = if report.layout == "fused" { "split4" } else { "fused" };
    let mut text = format!(
        "\nlook further\n  \
         {program} latency --dir {dir} --explain\n  \
         {program} journal verify --dir {dir}\n  \
         {program} journal cat --dir {dir} --kind Denied\n"
    );
    if let Some(order) = &report.slowest_order {
        let _ = writeln!(text, "  {program} trace {order} --dir {dir}        the slowest order");
    }
    let _ = write!(
        text,
        "  {program} replay {dir} --layout {other}        the same orders from other threads\n  \
         {program} top --dir {dir}        while a demonstration runs\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the report has a row for what was voided, `--` for what was not checked, and commands
    /// that name a real order and another layout than the run's.
    #[test]
    fn the_report_says_what_was_and_what_to_do_next() {
        let open = Check { text: "books: not compared".into(), holds: None, decides: true };
        let report = Report {
            dir: "/tmp/a run".into(),
            layout: "split4".into(),
            voided: 7,
            stamps_refused: 3,
            slowest_order: Some("0ABC".into()),
            checks: vec![open],
            ..Report::default()
        };
        let text = of(&report) + &further(&report);
        for part in [
            "voided                       7",
            "  --  books: not compared",
            "3 kernel stamps",
            "1 could not be checked",
            "trace 0ABC --dir '/tmp/a run'",
            "--layout fused",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
