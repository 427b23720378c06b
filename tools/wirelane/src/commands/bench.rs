//! `wirelane bench`: what placements come to on this machine.

use crate::failure::{Failure, Outcome};
use crate::stdout::Out;
use engine::config::machine::Machine;
use std::io::Write as _;
use std::time::{Duration, Instant};
use wirelane_benches::compare::{Turn, Wanted, recommended, run, text};

/// What is measured, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compare layouts, rings and wait strategies, by turns in one run
    #[arg(long, required = true)]
    compare: bool,
    /// Rounds; in each every placement has its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Messages of market data a second; as fast as possible comes besides
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000],
          value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    rates: Vec<u64>,
}

impl Args {
    /// Measures, prints the tables, and says what to write into the configuration.
    pub(crate) fn run(self) -> Outcome {
        debug_assert!(self.compare, "the parser asks for it");
        let Self { rounds, rates, .. } = self;
        let cores = Machine::probe().cores.len();
        let rounds = usize::from(rounds);
        let mut out = Out::stdout();
        out.line(&format!(
            "in memory, {cores} cores, {rounds} rounds by turns; one message in four asks for an \
             order. `empty` takes and sends and does nothing else: the cost of measuring"
        ))?;
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        if let Some(load) = load.split(' ').next().filter(|load| is_busy(load)) {
            out.line(&format!(
                "other programs are running (load {load}): what they take of the cores is in every \
                 row, most of all where a thread is bound to one"
            ))?;
        }
        out.line("")?;
        out.flush()?;
        let begun = Instant::now();
        let told = |turn: Turn| {
            // The figures are on the standard output.
            let _ = writeln!(std::io::stderr(), "{}", progress(&turn, begun.elapsed()));
        };
        let outcomes = run(&Wanted { rounds, rates }, told).map_err(Failure::not_done)?;
        out.text(&text(&outcomes))?;
        match recommended(&outcomes) {
            Some(lines) => out.text(&lines)?,
            None => out.line("no placement sent an order: nothing is recommended")?,
        }
        out.flush()
    }
}

/// A line for each turn of a placement: which it is, and how long the rest takes.
fn progress(turn: &Turn, taken: Duration) -> String {
    let Turn { variant, done, of } = turn;
    let each = taken.as_secs_f64() / (*done).max(1) as f64;
    let left = match done {
        0 => String::new(),
        _ => format!(", about {:.0} s more", (each * (of - done) as f64).ceil()),
    };
    let (layout, ring, wait) = (variant.layout, variant.ring, variant.wait);
    format!("{} of {of}: {layout}, {ring}, {wait}{left}", done + 1)
}

/// Whether that many runnable threads are more than a quiet machine has; one is this program.
fn is_busy(load: &str) -> bool {
    load.parse().is_ok_and(|load: f64| load >= 1.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelane_benches::compare::Variant;

    // Goal: a line names the placement, and after the first how long the rest takes. Method: the
    // first and the third of four turns.
    #[test]
    fn a_turn_says_how_long_the_rest_takes() {
        let variant = Variant { layout: "split2", ring: "slot", wait: "spin" };
        let line = |done| progress(&Turn { variant, done, of: 4 }, Duration::from_secs(10));
        assert_eq!(line(0), "1 of 4: split2, slot, spin");
        assert_eq!(line(2), "3 of 4: split2, slot, spin, about 10 s more");
    }

    // Goal: a busy machine is said to be one, and what is no number says nothing. Method: four
    // texts of the kernel.
    #[test]
    fn a_busy_machine_is_known() {
        let found = ["0.31", "1.50", "8.45", ""].map(is_busy);
        assert_eq!(found, [false, true, true, false]);
    }
}
