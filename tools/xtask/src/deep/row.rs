//! The rows of `deep`: what each runs, and how far it came.

use std::error::Error;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::libtest::Report;
use crate::process::{self, Ended};
use crate::tally::Tally;
use crate::test::suite;
use crate::workspace;

use super::{Budget, Depth};

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What was done.
    pub name: String,
    /// How often, of how often; nothing for a row that did not run.
    pub reached: Option<(u64, u64)>,
    /// What it came to.
    pub tally: Tally,
}

impl Row {
    /// A row that could not be run although all it needs is there.
    pub fn failed(name: &str, why: &str) -> Self {
        let tally = Tally::fail(format!("{name}: {why}"));
        Self { name: name.to_owned(), reached: None, tally }
    }

    fn absent(name: &str, needs: &str) -> Self {
        let tally = Tally::skip(format!("NOT RUN: {name} (needs {needs})"));
        Self { name: name.to_owned(), reached: None, tally }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.tally.failed > 0 { "FAILED" } else { "" };
        match self.reached {
            Some((reached, target)) => {
                write!(out, "{:48} {reached:>12} {target:>12} {mark}", self.name)
            }
            None => write!(out, "{:48} {:>12} {:>12} {mark}", self.name, "not run", ""),
        }
    }
}

/// How one run of tests ended.
struct Run {
    tally: Tally,
    deep: Vec<(String, u64, u64)>,
    timed_out: bool,
}

fn run(command: Command, budget: Budget) -> Result<Run, Box<dyn Error>> {
    let mut report = Report::default();
    let ended = process::stream(command, budget.left(), &mut |line| {
        if report.line(line) {
            println!("{line}");
        }
    })?;
    let timed_out = ended == Ended::TimedOut;
    // What was killed for time did not fail.
    report.finish(ended.success() || timed_out);
    Ok(Run { tally: report.tally(), deep: report.deep().to_vec(), timed_out })
}

fn nightly() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").current_dir(workspace::root()).env("CARGO_TERM_COLOR", "never");
    // The toolchain this program was started by must not be passed on.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC");
    command
}

/// Modules whose tests share memory between threads: Miri is a thousand times slower than the
/// machine, and has nothing to say of the others.
const MIRI_MODULES: [&str; 5] = ["counters", "histogram", "seqlock", "slot", "journal::lane"];

/// The unit tests of `shm` that share memory, under Miri, one seed after another.
///
/// # Errors
/// Cargo cannot be started.
pub fn miri(budget: Budget) -> Result<Vec<Row>, Box<dyn Error>> {
    let name = "miri: shm, seeds";
    if !nightly().args(["miri", "--version"]).output()?.status.success() {
        return Ok(vec![Row::absent(name, "rustup +nightly component add miri rust-src")]);
    }
    let target = budget.target(64, 4096);
    let mut tally = Tally::default();
    let mut seeds = 0;
    while seeds < target && !budget.left().is_zero() && tally.failed == 0 {
        println!("   seed {seeds}");
        let mut command = nightly();
        command.args(["miri", "test", "--locked", "--package", "shm", "--lib"]);
        command.args(["--", "--show-output"]).args(MIRI_MODULES);
        // Isolation off: tests name files by the clock and process id.
        let flags = format!("-Zmiri-disable-isolation -Zmiri-seed={seeds}");
        command.env("MIRIFLAGS", flags);
        command.env("CARGO_TARGET_DIR", workspace::target().join("miri"));
        let done = run(command, budget)?;
        if !done.timed_out {
            seeds += 1;
            tally = done.tally;
            if tally.passed == 0 {
                tally += Tally::fail(format!("{name}: no test ran"));
            }
        }
    }
    Ok(vec![Row { name: name.to_owned(), reached: Some((seeds, target)), tally }])
}

/// The loom models with no bound on preemptions.
///
/// # Errors
/// Cargo cannot be started.
pub fn loom(budget: Budget) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut command = suite::loom_command();
    command.env_remove("LOOM_MAX_PREEMPTIONS");
    let done = run(command, budget)?;
    let count = done.tally.passed as u64;
    let target = if done.timed_out { count + 1 } else { count + done.tally.failed as u64 };
    let name = "loom: models searched to the end".to_owned();
    Ok(vec![Row { name, reached: Some((count, target)), tally: done.tally }])
}

/// The unit tests of `shm` with the standard library and all under ThreadSanitizer.
///
/// # Errors
/// Cargo cannot be started.
pub fn thread_sanitizer(budget: Budget) -> Result<Vec<Row>, Box<dyn Error>> {
    let name = "thread sanitizer: shm, runs";
    let sysroot = Command::new("rustc").args(["+nightly", "--print", "sysroot"]).output()?;
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    if !Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.lock").exists() {
        return Ok(vec![Row::absent(name, "rustup +nightly component add rust-src")]);
    }
    let host = process::output(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or("").to_owned();
    let target = budget.target(8, 1024);
    let mut runs = 0;
    let mut tally = Tally::default();
    while runs < target && !budget.left().is_zero() && tally.failed == 0 {
        let mut command = nightly();
        command.args(["test", "-Zbuild-std", "--target", &host, "--package", "shm", "--lib"]);
        command.args(["--", "--show-output"]);
        command.env("RUSTFLAGS", "-Zsanitizer=thread");
        command.env("CARGO_TARGET_DIR", workspace::target().join("tsan"));
        let done = run(command, budget)?;
        if !done.timed_out {
            runs += 1;
            tally = done.tally;
        }
    }
    Ok(vec![Row { name: name.to_owned(), reached: Some((runs, target)), tally }])
}

/// Coverage-guided fuzzing where cargo-fuzz is; the mutation test of `long tests` covers the rest.
///
/// # Errors
/// Cargo cannot be started.
pub fn fuzz(budget: Budget) -> Result<Vec<Row>, Box<dyn Error>> {
    let targets = fuzz_targets()?;
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    if !nightly().args(["fuzz", "--version"]).output()?.status.success() {
        let name = "fuzz: coverage-guided, seconds";
        return Ok(vec![Row::absent(name, "cargo install cargo-fuzz; mutation runs instead")]);
    }
    let seconds = (budget.left().as_secs() / targets.len() as u64).max(1);
    let mut rows = Vec::new();
    for target in targets {
        let mut command = nightly();
        command.args(["fuzz", "run", &target, "--", &format!("-max_total_time={seconds}")]);
        let status = command.status()?;
        let name = format!("fuzz: {target}, seconds");
        let tally = if status.success() { Tally::pass() } else { Tally::fail(name.clone()) };
        rows.push(Row { name, reached: Some((seconds, seconds)), tally });
    }
    Ok(rows)
}

fn fuzz_targets() -> Result<Vec<String>, Box<dyn Error>> {
    let folder = workspace::root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix(".rs").map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Every test of the workspace in its long form: `WIRELANE_DEEP=1` (or `soak`) and seconds in
/// `WIRELANE_DEEP_SECONDS`, which a test shares with the others.
///
/// # Errors
/// Cargo cannot be started.
pub fn long_tests(budget: Budget) -> Result<Vec<Row>, Box<dyn Error>> {
    let args = ["test", "--profile", "checked", "--workspace", "--locked", "--no-fail-fast"];
    let mut command = workspace::cargo(&args);
    command.args(["--", "--show-output"]);
    let depth = if budget.depth == Depth::Soak { "soak" } else { "1" };
    command.env("WIRELANE_DEEP", depth);
    command.env("WIRELANE_DEEP_SECONDS", budget.left().as_secs().to_string());
    let done = run(command, budget)?;
    let mut rows: Vec<Row> = Vec::new();
    for (name, reached, target) in done.deep {
        rows.push(Row { name, reached: Some((reached, target)), tally: Tally::default() });
    }
    let count = done.tally.passed as u64;
    let target = count + done.tally.failed as u64 + u64::from(done.timed_out);
    let name = "tests in their long form".to_owned();
    rows.push(Row { name, reached: Some((count, target)), tally: done.tally });
    Ok(rows)
}
