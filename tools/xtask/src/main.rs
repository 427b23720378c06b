//! The command line of the project's own commands.
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use xtask::deep::Depth;
use xtask::{bench, check, deep, gates, generate, test};

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
    /// any. Exceptions to tidy's rules are in tools/xtask/tidy.toml, a reason each.
    Check {
        /// Steps to run: tidy, layers, fmt, clippy, docs, dependencies, "cargo deny". None means
        /// all.
        steps: Vec<String>,
    },
    /// Runs every test; the last line is `N passed, N failed, N skipped`.
    ///
    /// Workspace tests in profile checked, loom models, planted violations, the instruction gate,
    /// and tests against programs from outside. A test that lacks something (data, a program)
    /// prints a line that begins with NOT RUN and counts as skipped. Exit code 1 if any failed.
    /// Recorded data is looked for in WIRELANE_DATA, else in ../shared/data.
    Test {
        /// Bring what tests need and the machine lacks (apt-get, as root or by sudo).
        #[arg(long)]
        install: bool,
        /// Steps to run: workspace, loom, gates, instructions, external. None means all.
        #[arg(long = "only", value_name = "STEP")]
        only: Vec<String>,
    },
    /// Plants a violation of every rule and shows that the rule's check then fails.
    ///
    /// Part of `test` as well. Exit code 1 if a violation escapes.
    Gates {
        /// Only what running tests must find and is called by a name that holds this.
        name: Option<String>,
    },
    /// Prints the machine, runs the criterion benches, counts instructions per event.
    Bench {
        /// Rewrite benches/baseline.toml with the counts of this run.
        #[arg(long, requires = "reason")]
        update_baseline: bool,
        /// Why the baseline moves; kept in the file.
        #[arg(long)]
        reason: Option<String>,
        /// Leave the criterion benches out.
        #[arg(long)]
        counts_only: bool,
        /// Only the figures of a fixed name, printed and written there as JSON: median, smallest
        /// and greatest of the rounds, unit, command, machine; within ten minutes.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["update_baseline", "counts_only"])]
        json: Option<std::path::PathBuf>,
        /// Only what a trip costs as instruments, strategies, orders and limits grow: a table, and
        /// a picture (SVG) written there; some twenty minutes.
        #[arg(
            long,
            value_name = "FILE",
            conflicts_with_all = ["update_baseline", "counts_only", "json"]
        )]
        growth: Option<std::path::PathBuf>,
        /// Only criterion benches whose name holds this.
        filter: Option<String>,
    },
    /// Generates input for benches.
    Gen {
        #[command(subcommand)]
        what: Generated,
    },
    /// Miri, loom without a bound, sanitizer, fuzzing and long tests, within a time.
    ///
    /// Prints how far each came of its target. Running out of time is no failure.
    Deep {
        /// Minutes in all.
        #[arg(long)]
        minutes: u64,
    },
    /// The same as deep with the targets of a day or more.
    Soak {
        /// Minutes in all.
        #[arg(long, default_value_t = 24 * 60)]
        minutes: u64,
    },
}

#[derive(Debug, Subcommand)]
enum Generated {
    /// A day of ITCH 5.0 as BinaryFILE, written as it is made: 31 bytes a message.
    ///
    /// The same numbers give the same bytes. What the day holds is said at the end: messages by
    /// type, the most live orders (1.3 million of 32 million messages), the last reference.
    Itch {
        /// Messages in all.
        #[arg(long, default_value_t = 32_000_000)]
        messages: u64,
        /// Symbols, in 1..=65535.
        #[arg(long, default_value_t = 8_000, value_parser = clap::value_parser!(u16).range(1..))]
        symbols: u16,
        /// Names the day among those of the same numbers.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where it goes; standard output unless given.
        #[arg(long)]
        out: Option<std::path::PathBuf>,
    },
}

fn run(task: Task) -> Result<bool, Box<dyn Error>> {
    match task {
        Task::Check { steps } => check::run(&steps),
        Task::Test { install, only } => test::run(test::Options { install }, &only),
        Task::Gates { name } => {
            let tally = match name {
                Some(name) => gates::some(&name)?,
                None => gates::run(test::Options::default())?,
            };
            test::summary(&tally);
            Ok(tally.failed == 0)
        }
        Task::Bench { update_baseline, reason, counts_only, json, growth, filter } => {
            let update_baseline = reason.filter(|_| update_baseline);
            bench::run(&bench::Options { update_baseline, counts_only, json, growth, filter })
        }
        Task::Gen { what: Generated::Itch { messages, symbols, seed, out } } => {
            Ok(generate::itch(messages, symbols, seed, out.as_deref())?)
        }
        Task::Deep { minutes } => Ok(deep::run(Depth::Deep, minutes)),
        Task::Soak { minutes } => Ok(deep::run(Depth::Soak, minutes)),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
