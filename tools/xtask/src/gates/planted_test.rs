//! Plants for the rules that a running test keeps: the test is built with the feature `planted` and
//! run with `WIRELANE_PLANT` naming a violation it then commits, and must fail saying what it saw.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::Command;
use std::time::Duration;

use crate::{process, workspace};

use super::Proof;

/// A violation a test can be told to commit.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// The rule, by the name people know it by.
    pub rule: &'static str,
    /// Package, test binary and name of the test that keeps it.
    pub test: (&'static str, &'static str, &'static str),
    /// Value of `WIRELANE_PLANT`.
    pub plant: &'static str,
    /// What the test must say when it fails: another failure is no proof.
    pub says: &'static str,
}

/// For building the tests with plants in them.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// For one test.
const LIMIT: Duration = Duration::from_secs(120);

/// A violation on every turn of a hot thread.
const fn hot(rule: &'static str, plant: &'static str, says: &'static str) -> Planted {
    let test = ("wirelane-tests", "hot_path", "fused_thread_keeps_every_rule");
    Planted { rule, test, plant, says }
}

/// All of them.
pub const PLANTED: [Planted; 8] = [
    Planted {
        rule: "panic-free decode",
        test: ("wirelane-tests", "fuzz", "decoder_that_trusts_a_length_is_caught"),
        plant: "decode_panic",
        says: "planted: seed 0x",
    },
    hot("allocation", "alloc", ": allocations: "),
    hot("page fault", "fault", ": page faults: "),
    hot("lock", "lock", ": system call futex: "),
    hot("clock_gettime", "clock", ": system call clock_gettime: "),
    hot("epoll_wait", "epoll", ": system call epoll_"),
    hot("sleep", "sleep", ": system call clock_nanosleep: "),
    hot("formatting", "write", ": system call write: "),
];

/// Builds the tests, and runs each.
///
/// # Errors
/// Cargo cannot be started, or what it builds does not compile.
pub fn prove() -> Result<Vec<Proof>, Box<dyn Error>> {
    let binaries: BTreeSet<_> = PLANTED.iter().map(|planted| planted.test).collect();
    for (package, binary, _) in binaries {
        let mut command = cargo_test(package, binary);
        command.arg("--no-run");
        if !process::stream(command, BUILD_LIMIT, &mut |_| {})?.success() {
            return Err(format!("{package}/{binary} with plants does not build").into());
        }
    }
    PLANTED.iter().map(one).collect()
}

fn cargo_test(package: &str, binary: &str) -> Command {
    let args = ["test", "--profile", "checked", "--locked", "--package", package];
    let mut command = workspace::cargo(&args);
    command.args(["--features", "planted", "--test", binary]);
    command
}

fn one(planted: &Planted) -> Result<Proof, Box<dyn Error>> {
    let (package, binary, test) = planted.test;
    let mut command = cargo_test(package, binary);
    command.args(["--", "--exact", test]).env("WIRELANE_PLANT", planted.plant);
    let mut text = String::new();
    let ended = process::stream(command, LIMIT, &mut |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    let ran = text.contains("running 1 test\n");
    let escaped = if ended.success() {
        Some(if ran { "the test passed" } else { "there is no such test" }.to_owned())
    } else if !text.contains(planted.says) {
        Some(format!("it failed for another reason:\n{text}"))
    } else {
        None
    };
    let name = format!("{}: {} in {package}/{binary}", planted.rule, planted.plant);
    Ok(Proof { name, escaped })
}
