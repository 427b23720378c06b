//! Tests that cargo runs: the workspace in profile `checked`, and the loom models of `shm`.

use std::error::Error;
use std::process::Command;
use std::time::Duration;

use crate::libtest::Report;
use crate::process::{self, Ended};
use crate::tally::Tally;
use crate::workspace;

use super::Options;
use super::left::Before;

/// A run that says nothing for so long in all is hung. The gate as a whole has 25 minutes.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Unit, integration and documentation tests of all members; and that they leave nothing in memory.
///
/// # Errors
/// Cargo cannot be started.
pub fn workspace(_: Options) -> Result<Tally, Box<dyn Error>> {
    let args = ["test", "--profile", "checked", "--workspace", "--locked", "--no-fail-fast"];
    let mut command = workspace::cargo(&args);
    command.args(["--", "--show-output"]);
    let before = Before::look();
    let mut tally = run(command, LIMIT)?;
    tally += before.judge();
    Ok(tally)
}

/// The models of `shm`: tests with `loom` in their path, built with `--cfg loom` in a folder of
/// their own.
///
/// # Errors
/// Cargo cannot be started.
pub fn loom(_: Options) -> Result<Tally, Box<dyn Error>> {
    let mut command = loom_command();
    // Three preemptions find nearly every race and keep the search small; `deep` has no bound.
    command.env("LOOM_MAX_PREEMPTIONS", "3");
    run(command, LIMIT)
}

/// The command that runs the models, without a bound on the search.
pub fn loom_command() -> Command {
    let args = ["test", "--release", "--package", "shm", "--lib", "--locked", "--no-fail-fast"];
    let mut command = workspace::cargo(&args);
    command.args(["--", "--show-output", "loom"]);
    command
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", workspace::target().join("loom"));
    command
}

/// Runs a `cargo test` and counts, showing everything but the output of tests that passed.
///
/// # Errors
/// The command cannot be started.
pub fn run(command: Command, limit: Duration) -> Result<Tally, Box<dyn Error>> {
    let mut report = Report::default();
    let ended = process::stream(command, limit, &mut |line| {
        if report.line(line) {
            println!("{line}");
        }
    })?;
    report.finish(ended.success());
    let mut tally = report.tally();
    if ended == Ended::TimedOut {
        tally += Tally::fail(format!("killed after {} minutes", limit.as_secs() / 60));
    }
    Ok(tally)
}
