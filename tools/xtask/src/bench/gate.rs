//! Instruction counts against the committed baseline: a test per case.

use std::error::Error;

use crate::tally::Tally;
use crate::test::Options;
use crate::test::need::VALGRIND;

use super::baseline::{Baseline, PATH};
use super::instructions::{self, CASES, Count};

/// More than so many instructions over the baseline is a failure, where that is more than the part.
const INSTRUCTIONS_OVER_MAX: f64 = 8.0;

/// More than this part of the baseline over it is a failure, where that is more than the number.
const PART_OVER_MAX: f64 = 0.03;

/// Measures and compares.
///
/// # Errors
/// A case cannot be measured, or the baseline cannot be read.
pub fn run(options: Options) -> Result<Tally, Box<dyn Error>> {
    if !VALGRIND.met(options.install) {
        let line = VALGRIND.absent("instruction gate");
        println!("   {line}");
        return Ok(Tally { skipped: CASES.len(), skips: vec![line], ..Tally::default() });
    }
    let Some(baseline) = Baseline::read()? else { return Err(format!("{PATH} is missing").into()) };
    for drift in baseline.drift()? {
        println!("   NOTE: {drift}");
    }
    let mut tally = Tally::default();
    for measured in instructions::measure()? {
        tally += match measured {
            Ok(count) => compare(&baseline, &count),
            Err(error) => Tally::fail(format!("instruction gate: {error}")),
        };
    }
    Ok(tally)
}

fn compare(baseline: &Baseline, count: &Count) -> Tally {
    let (case, now) = (count.case, count.per_event());
    let Some(before) = baseline.per_event(case) else {
        return Tally::fail(format!("instruction gate: no baseline of {case}"));
    };
    let margin = INSTRUCTIONS_OVER_MAX.max(before * PART_OVER_MAX);
    println!("   {case:8} {now:10.2}   baseline {before:.2}, limit {:.2}", before + margin);
    if now > before + margin {
        let text = format!("{now:.2} instructions per event, baseline {before:.2} + {margin:.2}");
        return Tally::fail(format!("instruction gate: {case}: {text}"));
    }
    if now < before - margin {
        println!(
            "   {case} is better than its baseline: record it, or a later loss will hide in it"
        );
    }
    Tally::pass()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a slower function fails and noise does not. Method: one below, at and above both
    // limits.
    #[test]
    fn planted_slowdown_is_found() {
        let count = |instructions| Count { case: "decode", events: 100_000, instructions };
        let small = Baseline::new(&[count(4_000_000)], "x").unwrap();
        assert_eq!(compare(&small, &count(4_800_000)).passed, 1);
        assert_eq!(compare(&small, &count(4_801_000)).failed, 1);
        let large = Baseline::new(&[count(100_000_000)], "x").unwrap();
        assert_eq!(compare(&large, &count(103_000_000)).passed, 1);
        assert_eq!(compare(&large, &count(103_001_000)).failed, 1);
        let other = Count { case: "book", events: 100_000, instructions: 1 };
        assert_eq!(compare(&large, &other).failed, 1);
    }
}
