//! `wirelane bench`: what placements come to on this machine.

use crate::failure::{Failure, Outcome};
use crate::stdout::Out;
use engine::config::machine::Machine;
use wirelane_benches::compare::{Wanted, recommended, run, text};

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
        let told = |round| eprintln!("round {} of {rounds}", round + 1);
        let outcomes = run(&Wanted { rounds, rates }, told).map_err(Failure::not_done)?;
        out.text(&text(&outcomes))?;
        match recommended(&outcomes) {
            Some(lines) => out.text(&lines)?,
            None => out.line("no placement sent an order: nothing is recommended")?,
        }
        out.flush()
    }
}

/// Whether that many runnable threads are more than a quiet machine has; one is this program.
fn is_busy(load: &str) -> bool {
    load.parse().is_ok_and(|load: f64| load >= 1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a busy machine is said to be one, and what is no number says nothing. Method: four
    // texts of the kernel.
    #[test]
    fn a_busy_machine_is_known() {
        let found = ["0.31", "1.50", "8.45", ""].map(is_busy);
        assert_eq!(found, [false, true, true, false]);
    }
}
