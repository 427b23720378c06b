//! Instructions per event of the hot functions, counted by callgrind.
//!
//! The program `instructions CASE EVENTS` of the benches crate prepares its input, then passes it
//! through one function called `wirelane_measured`, inside which alone callgrind counts, and prints
//! `events N`, the number that went through.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{process, workspace};

use super::program;

/// What is measured, and how many events are asked of it: fewer would let the edges of the run
/// weigh.
pub const CASES: [(&str, u64); 6] = [
    ("decode", 200_000),
    ("book", 200_000),
    ("risk", 200_000),
    ("rules", 200_000),
    ("encode", 200_000),
    TRIP,
];

/// A whole trip, counted from its first to its last instruction, so that no edge weighs.
pub const TRIP: (&str, u64) = ("trip", 5_000);

/// What one case came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// One of [`CASES`].
    pub case: &'static str,
    /// Events that went through.
    pub events: u64,
    /// Instructions executed for them.
    pub instructions: u64,
}

impl Count {
    /// Instructions per event.
    pub fn per_event(&self) -> f64 {
        self.instructions as f64 / self.events as f64
    }
}

/// What one case came to, or why it could not be measured.
pub type Measured = Result<Count, Box<dyn Error>>;

/// Builds the program and measures every case.
///
/// # Errors
/// The build fails. A single case fails when the program does not know it, or nothing was counted.
pub fn measure() -> Result<Vec<Measured>, Box<dyn Error>> {
    let program = program::build("instructions")?;
    let folder = workspace::target().join("callgrind");
    fs::create_dir_all(&folder)?;
    Ok(CASES.into_iter().map(|case| one(&program, &folder, case)).collect())
}

/// Builds the program and measures [`TRIP`].
///
/// # Errors
/// As [`measure`].
pub fn measure_trip() -> Measured {
    let program = program::build("instructions")?;
    let folder = workspace::target().join("callgrind");
    fs::create_dir_all(&folder)?;
    one(&program, &folder, TRIP)
}

fn one(program: &Path, folder: &Path, (case, asked): (&'static str, u64)) -> Measured {
    let (events, instructions) = count(program, folder, case, asked)?;
    Ok(Count { case, events, instructions })
}

/// Counts a case of a built program: events that went through, and the instructions of all of them.
///
/// # Errors
/// The program does not know the case, or nothing was counted.
pub fn count(
    program: &Path,
    folder: &Path,
    case: &str,
    asked: u64,
) -> Result<(u64, u64), Box<dyn Error>> {
    let file = folder.join(format!("{case}.out"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--collect-atstart=no"]);
    command.arg("--toggle-collect=*wirelane_measured*");
    command.arg(format!("--callgrind-out-file={}", file.display()));
    command.arg(program).args([case, &asked.to_string()]);
    let text = process::output(&mut command)?;
    let events = number_after(&text, "events ").ok_or("the program printed no `events N`")?;
    let instructions = number_after(&fs::read_to_string(&file)?, "totals: ")
        .ok_or("callgrind's file holds no `totals`")?;
    if events < asked {
        return Err(format!("case {case}: {events} events where {asked} were asked for").into());
    }
    if instructions < events {
        return Err(
            format!("case {case}: {instructions} instructions: nothing was measured").into()
        );
    }
    Ok((events, instructions))
}

fn number_after(text: &str, prefix: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(prefix)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the total is read, not another number of the file. Method: the head and end of such a
    // file.
    #[test]
    fn totals_are_read_from_the_file() {
        let text = "version: 1\nevents: Ir\nsummary: 7\n\nfn=(1) x\n4 9\n\ntotals: 4200\n";
        assert_eq!(number_after(text, "totals: "), Some(4200));
        assert_eq!(number_after("events 100\n", "events "), Some(100));
        assert_eq!(number_after("", "events "), None);
    }
}
