//! `cargo xtask bench`: the machine, the criterion benches, and instructions per event; or, with
//! `--json`, the figures of fixed names, with `--growth`, what a trip costs as its world grows.

pub mod baseline;
pub mod figures;
pub mod gate;
pub mod growth;
pub mod instructions;
pub mod machine;
pub mod program;

use std::error::Error;
use std::path::PathBuf;
use std::process::Stdio;

use crate::test::need::VALGRIND;
use crate::workspace;

/// What the command was told.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Rewrite the committed baseline; the reason is kept in it.
    pub update_baseline: Option<String>,
    /// Leave the criterion benches out.
    pub counts_only: bool,
    /// Only the figures of a fixed name, written there as JSON.
    pub json: Option<PathBuf>,
    /// Only the cost of growth, its picture written there.
    pub growth: Option<PathBuf>,
    /// Only criterion benches whose name holds this.
    pub filter: Option<String>,
}

/// Prints all of it; says whether everything ran.
///
/// # Errors
/// Cargo or valgrind cannot be started, or a case cannot be measured.
pub fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    println!("== machine\n{}", machine::facts());
    if let Some(file) = &options.json {
        figures::run(file)?;
        return Ok(true);
    }
    if let Some(file) = &options.growth {
        growth::run(file)?;
        return Ok(true);
    }
    let mut held = true;
    if !options.counts_only {
        println!("== criterion");
        let mut command = workspace::cargo(&["bench", "--package", "wirelane-benches", "--locked"]);
        command.args(["--benches", "--"]).args(&options.filter).stdin(Stdio::null());
        held = command.status()?.success();
    }
    println!("== instructions per event (callgrind)");
    if !VALGRIND.met(false) {
        println!("   {}", VALGRIND.absent("instructions per event"));
        return Ok(held && options.update_baseline.is_none());
    }
    let mut counts = Vec::new();
    for measured in instructions::measure()? {
        match measured {
            Ok(count) => counts.push(count),
            Err(error) => {
                println!("   {error}");
                held = false;
            }
        }
    }
    let known = baseline::Baseline::read()?;
    for count in &counts {
        let before = known.as_ref().and_then(|known| known.per_event(count.case));
        let before =
            before.map_or("no baseline".to_owned(), |value| format!("baseline {value:.2}"));
        println!("   {:8} {:10.2}   {before}", count.case, count.per_event());
    }
    if let Some(reason) = options.update_baseline.as_ref().filter(|_| held) {
        baseline::Baseline::new(&counts, reason)?.write()?;
        println!("   {} is rewritten; commit it alone, with the reason", baseline::PATH);
    }
    Ok(held)
}
