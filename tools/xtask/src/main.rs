//! The command line of the project's own commands.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use xtask::test::Options;
use xtask::{check, test};

/// Checks, tests and measures this workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Is the text as it should be? fmt, clippy, docs, layers, dependencies, tidy.
    ///
    /// Changes nothing. Every step runs, then the broken ones are named; exit code 1 if there are
    /// any.
    Check {
        /// Steps to run: tidy, layers, fmt, clippy, docs, dependencies, "cargo deny". None means
        /// all.
        steps: Vec<String>,
    },
    /// Runs every test; the last line is `N passed, N failed, N skipped`.
    ///
    /// A test that lacks something (data, a program) prints a line that begins with NOT RUN and
    /// counts as skipped. Exit code 1 if any failed. Recorded data is looked for in
    /// WIRELANE_DATA, else in ../shared/data.
    Test {
        /// Bring what tests need and the machine lacks (apt-get as root or by sudo).
        #[arg(long)]
        install: bool,
    },
}

fn main() -> ExitCode {
    let held = match Cli::parse().command {
        Task::Check { steps } => check::run(&steps),
        Task::Test { install } => Ok(test::run(Options { install })),
    };
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
