//! Which rows of the table run, for how long, and where the table is kept.
//!
//! `WIRELANE_T13_ROW` names rows, parts of `layout: condition` with commas between them; `rest` are
//! those that the table does not have. The long form keeps the table in a file, a row each, ready
//! for `docs/kill.md`; a row that is run again replaces the old one.

use crate::machine;
use std::path::{Path, PathBuf};
use wirelane_tests::effort::Effort;

const HEAD: &str = "\
| layout | condition | trips + with a gap | orders/s before | orders after (at most) | held back | \
last order | first cancel | all cancels | within K4 | with a gap: last order / first cancel / all \
cancels | control |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// What a row takes of the seconds of `cargo xtask deep`, in shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// A trip is a few tens of ms.
    Plain = 1,
    /// The guard acts, and the gateway logs on anew: a quarter of a second.
    Guard = 5,
    /// A new engine for each trip: a second.
    Engine = 3,
}

/// The shares of all rows: 25 plain, 4 of the guard, 3 of an engine a trip.
const SHARES: u32 = 25 + 4 * Share::Guard as u32 + 3 * Share::Engine as u32;

/// The row's trips; `None` if it is not to be run.
pub(crate) fn effort(layout: &str, condition: &str, share: Share) -> Option<Effort> {
    let wanted = std::env::var("WIRELANE_T13_ROW").unwrap_or_default();
    if !is_wanted(&wanted, layout, condition, &table()) {
        return None;
    }
    let trips = std::env::var("WIRELANE_TRIPS").ok().and_then(|text| text.parse().ok());
    let deep = if share == Share::Engine { [10, 100, 1_000] } else { [10, 1_000, 10_000] };
    let turns = trips.map_or(deep, |trips| [trips; 3]);
    Some(Effort::new(&format!("t13 {layout}: {condition}"), turns, SHARES / share as u32))
}

fn is_wanted(wanted: &str, layout: &str, condition: &str, table: &str) -> bool {
    let name = format!("{layout}: {condition}");
    let is_named = |part: &str| match part.trim() {
        "rest" => !table.lines().any(|line| line.starts_with(&head_of(layout, condition))),
        part => name.contains(part),
    };
    wanted.is_empty() || wanted.split(',').any(is_named)
}

fn head_of(layout: &str, condition: &str) -> String {
    format!("| {layout} | {condition} |")
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("t13_kill.md")
}

fn table() -> String {
    std::fs::read_to_string(file()).unwrap_or_default()
}

/// Keeps a row of the long form, and says where.
pub(crate) fn keep(layout: &str, condition: &str, row: &str) {
    if !machine::is_long_form() {
        return;
    }
    std::fs::write(file(), with_row(&table(), &head_of(layout, condition), row)).unwrap();
    println!("KILL: the table is in {}", file().display());
}

fn with_row(table: &str, head: &str, row: &str) -> String {
    let rows = table.strip_prefix(HEAD).unwrap_or_default();
    let mut rows: Vec<&str> = rows.lines().filter(|line| !line.starts_with(head)).collect();
    rows.push(row);
    format!("{HEAD}{}\n", rows.join("\n"))
}

// Goal: rows are chosen by parts of their names, or by what the table lacks; a row that is run
// again replaces the old one. Method: tables by hand.
#[test]
fn t13_rows_are_chosen_and_kept() {
    let table = with_row("", "| fused | feed dead |", "| fused | feed dead | 1 |");
    let both = with_row(&table, "| split2 | feed dead |", "| split2 | feed dead | 2 |");
    let again = with_row(&both, "| fused | feed dead |", "| fused | feed dead | 3 |");
    let rows = "| split2 | feed dead | 2 |\n| fused | feed dead | 3 |\n";
    assert_eq!(again, format!("{HEAD}{rows}"));
    for (wanted, layout, is) in [
        ("", "fused", true),
        ("split2", "fused", false),
        ("split4, fused: feed", "fused", true),
        ("rest", "fused", false),
        ("rest", "split4", true),
        ("rest, dead", "fused", true),
    ] {
        assert_eq!(is_wanted(wanted, layout, "feed dead", &again), is, "{wanted} {layout}");
    }
    assert_eq!(HEAD.lines().next().unwrap().matches('|').count(), 13);
}
