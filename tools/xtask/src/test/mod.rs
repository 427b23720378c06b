//! `cargo xtask test`: does it do what it says?

pub mod external;
pub mod need;
pub mod suite;

use std::error::Error;
use std::time::Instant;

use crate::tally::Tally;

/// What the command was told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether what is missing may be installed.
    pub install: bool,
}

type Step = (&'static str, fn(Options) -> Result<Tally, Box<dyn Error>>);

const STEPS: [Step; 3] = [
    ("workspace tests, profile checked", suite::workspace),
    ("loom models", suite::loom),
    ("external", external::run),
];

/// Runs everything and prints the summary, whose last line is the count; says whether all held.
pub fn run(options: Options) -> bool {
    let mut all = Tally::default();
    for (name, step) in STEPS {
        println!("== {name}");
        let begin = Instant::now();
        let tally = step(options)
            .unwrap_or_else(|error| Tally::fail(format!("{name}: cannot run: {error}")));
        println!("   {}: {} ({} s)", name, tally.last_line(), begin.elapsed().as_secs());
        all += tally;
    }
    summary(&all);
    all.failed == 0
}

/// Prints failures, skips, and the line a gate reads, alone and last.
pub fn summary(tally: &Tally) {
    println!();
    for skip in &tally.skips {
        println!("skipped: {skip}");
    }
    for failure in &tally.failures {
        println!("FAILED: {failure}");
    }
    println!("{}", tally.last_line());
}
