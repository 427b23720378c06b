//! T2: risk against a slow model with plain sums, over random orders, replaces, fills, marks,
//! limits and restarts.

mod compare;
mod hears;
mod model;
mod reports;
mod rules;
mod setups;
mod sums;
mod walk;
mod worst;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use walk::{Met, Walk};

/// Steps of one walk: long enough for sums to grow, short enough for the model's lists.
const STEPS: u64 = 500;

/// A failure: after which step, and what.
type Failure = (u64, String);

/// A walk over some of its steps.
fn play(seed: u64, steps: &[u64]) -> Result<Met, Failure> {
    let mut walk = Walk::new(seed);
    for &step in steps {
        let done = catch_unwind(AssertUnwindSafe(|| walk.step(step)));
        let said = done.unwrap_or_else(|_| Err("panicked".to_owned()));
        said.map_err(|text| (step, text))?;
    }
    Ok(walk.met)
}

/// Leaves out what a failure does without, at most for a few hundred tries.
fn shrink(seed: u64, failed_at: u64) -> (Vec<u64>, String) {
    let mut steps: Vec<u64> = (0..=failed_at).collect();
    let mut text = String::new();
    let mut part = steps.len().div_ceil(2);
    let mut tries = 0;
    while part > 0 && tries < 600 {
        let mut from = 0;
        while from < steps.len() && tries < 600 {
            let kept = steps.iter().enumerate().filter(|(at, _)| *at < from || *at >= from + part);
            let fewer: Vec<u64> = kept.map(|(_, step)| *step).collect();
            tries += 1;
            match play(seed, &fewer) {
                Err((at, said)) => {
                    steps = fewer.into_iter().take_while(|step| *step <= at).collect();
                    text = said;
                }
                Ok(_) => from += part,
            }
        }
        part /= 2;
    }
    (steps, text)
}

/// A walk whole; a failure ends the test with the seed and the steps that lead to it.
fn walk(seed: u64) -> Met {
    let steps: Vec<u64> = (0..STEPS).collect();
    match play(seed, &steps) {
        Ok(met) => met,
        Err((at, said)) => {
            let (fewer, last) = shrink(seed, at);
            panic!(
                "seed {seed} step {at}: {said}\nshortest, steps {fewer:?}: {last}\n\
                 again: WIRELANE_SEED={seed} cargo test -p engine --lib t02_"
            );
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Goal: the same decisions, measured values, limits, reservations, sums, modes and alarms as plain
/// sums over lists, for every rule that has state; and no position over a limit in any order of
/// fills. Method: 1e5 random steps (deep: 1e8, as far as the time goes) of new orders, replaces,
/// cancels, every kind of report, marks, modes, limit switches, parents and restarts.
#[test]
fn t02_decisions_and_reservations_equal_plain_sums() {
    if let Some(seed) = number("WIRELANE_SEED") {
        walk(seed);
        return;
    }
    let deep = std::env::var_os("WIRELANE_DEEP").is_some();
    let target = if deep { 100_000_000 } else { 100_000 };
    // A tenth of the time of all long tests.
    let seconds = number("WIRELANE_DEEP_SECONDS").unwrap_or(600) / 10;
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut met = Met::default();
    let mut seed = 0;
    while met.steps < target && (!deep || Instant::now() < until) {
        met.add(walk(seed));
        seed += 1;
    }
    println!("seeds 0..{seed}: {:?}\n{:?}", met.refusals, met.events);
    println!("DEEP: T2 steps {}/{target}", met.steps);
    met.all_rules();
}
