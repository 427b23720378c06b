//! `bench --json FILE`: every figure of a fixed name, with its spread, unit and command.
//!
//! What could not be measured is listed with the reason; nothing is put in its place.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::process::{self, Ended};
use crate::test::need::VALGRIND;
use crate::workspace;

use super::instructions;
use super::machine;
use super::program;

/// The names that a reader may rely on, in the order of the report.
pub const NAMES: [&str; 15] = [
    "hop_slot_vs_raw",
    "hop_slot_vs_rtrb",
    "hop_slot_vs_disruptor",
    "throughput_slot_vs_rtrb",
    "itch_decode_vs_itch5",
    "itch_books_mps",
    "itch_books_vs_plain",
    "trip_fused_p50_ns",
    "trip_fused_p99_ns",
    "trip_fused_p999_ns",
    "trip_instructions",
    "wire_vs_bare_p50",
    "journal_append_p50_ns",
    "journal_append_p999_ns",
    "risk_all_rules_p50_ns",
];

/// Cases of the program `measure`.
const CASES: [&str; 4] = ["trip", "wire", "journal", "risk"];
/// The longest a part may take: with the builds all of them stay within ten minutes.
const PART_MAX: Duration = Duration::from_secs(110);
/// Parts of `benches/rivals` that write figures of a fixed name, and how much of it.
const RIVALS: [(&str, &[&str]); 2] = [("hop", &["--seconds", "40"]), ("itch", &["--rounds", "3"])];

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Of [`NAMES`], or one that is shown beside them.
    pub name: String,
    /// Of the values.
    pub unit: String,
    /// Middle value over the rounds.
    pub median: f64,
    /// Smallest.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// How many there were.
    pub rounds: u64,
    /// The mode of the machine it was taken in, for what depends on it: cores near or far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What to run for it.
    pub command: String,
}

/// All of it.
#[derive(Debug, Default, Serialize)]
struct Report {
    machine: BTreeMap<String, String>,
    profile: &'static str,
    figures: Vec<Figure>,
    /// By name: why there is no figure.
    not_measured: BTreeMap<String, String>,
}

/// Measures, prints, writes.
///
/// # Errors
/// The file cannot be written, or a program cannot be built.
pub fn run(file: &Path) -> Result<(), Box<dyn Error>> {
    let folder = workspace::target().join("figures");
    fs::create_dir_all(&folder)?;
    let mut figures = Vec::new();
    let mut reasons = Vec::new();
    let measure = program::build("measure")?;
    for case in CASES {
        match part(Command::new(&measure).arg(case)) {
            Ok(text) => figures.extend(text.lines().filter_map(|line| of_line(line, case))),
            Err(reason) => reasons.push(format!("measure {case}: {reason}")),
        }
    }
    match counted() {
        Ok(figure) => figures.push(figure),
        Err(reason) => reasons.push(reason),
    }
    for (case, args) in RIVALS {
        match rivals(case, args, &folder.join(format!("{case}.json"))) {
            Ok(found) => figures.extend(found),
            Err(reason) => reasons.push(format!("rivals {case}: {reason}")),
        }
    }
    let report = report(figures, &reasons);
    print(&report);
    let text = serde_json::to_string_pretty(&report)? + "\n";
    Ok(fs::write(file, text)
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?)
}

fn report(figures: Vec<Figure>, reasons: &[String]) -> Report {
    let is_there = |name: &str| figures.iter().any(|figure| figure.name == name);
    let why = if reasons.is_empty() {
        "no part of the run printed it".to_owned()
    } else {
        reasons.join("; ")
    };
    let absent = NAMES.into_iter().filter(|name| !is_there(name));
    let not_measured = absent.map(|name| (name.to_owned(), why.clone())).collect();
    Report { machine: machine::map(), profile: "bench (fat LTO)", figures, not_measured }
}

fn print(report: &Report) {
    for figure in &report.figures {
        let Figure { name, unit, median, min, max, rounds, mode, .. } = figure;
        let mode = mode.as_ref().map_or(String::new(), |mode| format!(", {mode}"));
        println!("   {name:32} {median:10.2} {unit}  ({min:.2}..{max:.2}, {rounds} rounds{mode})");
    }
    for (name, reason) in &report.not_measured {
        println!("   {name:32} not measured: {reason}");
    }
}

/// Runs one part to its end; what it printed.
fn part(command: &mut Command) -> Result<String, String> {
    println!("== {command:?}");
    let mut text = String::new();
    let mut owned = Command::new(command.get_program());
    owned.args(command.get_args()).current_dir(workspace::root());
    let mut line = |line: &str| {
        println!("   {line}");
        text.push_str(line);
        text.push('\n');
    };
    match process::stream(owned, PART_MAX, &mut line) {
        Ok(ended) if ended.success() => Ok(text),
        Ok(Ended::TimedOut) => Err(format!("not done after {} s", PART_MAX.as_secs())),
        Ok(Ended::Exit(status)) => Err(format!("ended with {status}")),
        Err(error) => Err(error.to_string()),
    }
}

/// A figure as the program `measure` prints it: name, unit, median, smallest, greatest, rounds.
fn of_line(line: &str, case: &str) -> Option<Figure> {
    let mut words = line.strip_prefix("figure ")?.split(' ');
    let mut word = || words.next();
    let (name, unit) = (word()?.to_owned(), word()?.to_owned());
    let mut number = || words.next()?.parse::<f64>().ok().filter(|value| value.is_finite());
    let (median, min, max) = (number()?, number()?, number()?);
    let rounds = words.next()?.parse().ok()?;
    let command = format!("cargo run --profile bench -p wirelane-benches --bin measure -- {case}");
    Some(Figure { name, unit, median, min, max, rounds, mode: None, command })
}

/// The instructions of one trip.
fn counted() -> Result<Figure, String> {
    if !VALGRIND.met(false) {
        return Err(VALGRIND.absent("trip_instructions"));
    }
    let count = instructions::measure_trip().map_err(|error| error.to_string())?;
    let per_event = count.per_event();
    Ok(Figure {
        name: "trip_instructions".to_owned(),
        unit: "instructions".to_owned(),
        median: per_event,
        min: per_event,
        max: per_event,
        rounds: 1,
        mode: None,
        command: "cargo xtask bench --json FILE".to_owned(),
    })
}

/// The figures of a part of `benches/rivals`, from the JSON it writes.
fn rivals(case: &str, args: &[&str], out: &PathBuf) -> Result<Vec<Figure>, String> {
    if out.exists() {
        fs::remove_file(out).map_err(|error| error.to_string())?;
    }
    let manifest = "benches/rivals/Cargo.toml";
    let mut build = workspace::cargo(&["build", "--release", "--locked", "--manifest-path"]);
    build.arg(manifest);
    process::output(&mut build).map_err(|error| error.to_string())?;
    let mut command = workspace::cargo(&["run", "--release", "--locked", "--quiet"]);
    command.args(["--manifest-path", manifest, "--", case]).args(args);
    part(command.arg("--json").arg(out))?;
    let text = fs::read_to_string(out).map_err(|error| error.to_string())?;
    let json: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(of_rivals(&json))
}

fn of_rivals(json: &Value) -> Vec<Figure> {
    let rows = json["figures"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut figures: Vec<Figure> = rows.iter().filter_map(of_row).collect();
    figures.retain(|figure| NAMES.contains(&figure.name.as_str()));
    figures
}

/// One row: `name`, `mode`, `unit`, `command`, and `value`, null where the mode was not observed.
fn of_row(row: &Value) -> Option<Figure> {
    let text = |key: &str| row[key].as_str().map(str::to_owned);
    let value = &row["value"];
    Some(Figure {
        name: text("name")?,
        unit: text("unit")?,
        median: value["median"].as_f64()?,
        min: value["min"].as_f64()?,
        max: value["max"].as_f64()?,
        rounds: value["rounds"].as_u64()?,
        mode: text("mode"),
        command: text("command")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a figure is read as it was printed, and what is no number is no figure. Method: a line
    // of each kind.
    #[test]
    fn a_figure_is_read_as_printed() {
        let line = "figure trip_fused_p50_ns ns 250.500 240.000 300.000 11";
        let figure = of_line(line, "trip").unwrap();
        assert_eq!((figure.median, figure.min, figure.max), (250.5, 240.0, 300.0));
        assert_eq!((figure.name.as_str(), figure.rounds), ("trip_fused_p50_ns", 11));
        assert_eq!(of_line("figure x ns NaN NaN NaN 0", "trip"), None);
        assert_eq!(of_line("round 1 2 3", "trip"), None);
    }

    // Goal: a mode that was not observed makes no figure, and names not agreed on are left out.
    // Method: three rows of such a file.
    #[test]
    fn an_unobserved_mode_is_no_figure() {
        let row = |name: &str, value: &str| {
            format!(
                r#"{{"name":"{name}","mode":"near","unit":"ratio","command":"x","value":{value}}}"#
            )
        };
        let seen = r#"{"median":0.7,"min":0.6,"max":0.9,"rounds":12}"#;
        let rows = [row("hop_slot_vs_raw", seen), row("hop_slot_vs_rtrb", "null"), row("y", seen)];
        let json = serde_json::from_str(&format!(r#"{{"figures":[{}]}}"#, rows.join(","))).unwrap();
        let figures = of_rivals(&json);
        assert_eq!(figures.len(), 1);
        assert_eq!((figures[0].median, figures[0].rounds), (0.7, 12));
    }

    // Goal: what is missing is named with the reason. Method: a report of one figure.
    #[test]
    fn what_was_not_measured_is_listed() {
        let line = "figure trip_fused_p50_ns ns 250.500 240.000 300.000 11";
        let figures = vec![of_line(line, "trip").unwrap()];
        let report = report(figures, &["rivals itch: ended with 2".to_owned()]);
        assert_eq!(report.not_measured.len(), NAMES.len() - 1);
        assert!(report.not_measured["itch_books_mps"].contains("rivals itch"));
    }
}
