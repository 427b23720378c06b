//! `cargo xtask test`: does it do what it says?

pub mod external;
pub mod left;
pub mod need;
pub mod server;
pub mod suite;

use std::error::Error;
use std::time::Instant;

use crate::bench::gate;
use crate::gates;
use crate::tally::Tally;

/// What the command was told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether what is missing may be installed.
    pub install: bool,
}

type Step = (&'static str, fn(Options) -> Result<Tally, Box<dyn Error>>);

const STEPS: [Step; 5] = [
    ("workspace", suite::workspace),
    ("loom", suite::loom),
    ("gates", gates::run),
    ("instructions", gate::run),
    ("external", external::run),
];

/// Runs the steps named, or all, and prints the summary, whose last line is the count; says whether
/// nothing failed.
///
/// # Errors
/// A name is not that of a step.
pub fn run(options: Options, only: &[String]) -> Result<bool, Box<dyn Error>> {
    if let Some(name) = only.iter().find(|name| STEPS.iter().all(|(step, _)| step != name)) {
        let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        return Err(format!("no step `{name}`; there are: {}", names.join(", ")).into());
    }
    let mut all = Tally::default();
    for (name, step) in STEPS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("== {name}");
        let begin = Instant::now();
        let tally = step(options)
            .unwrap_or_else(|error| Tally::fail(format!("{name}: cannot run: {error}")));
        println!("   {name}: {} ({} s)", tally.last_line(), begin.elapsed().as_secs());
        all += tally;
    }
    summary(&all);
    Ok(all.failed == 0)
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
