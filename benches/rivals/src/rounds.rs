//! Rounds: every candidate once a round, between two probes of the bare machine.
//!
//! A virtual machine's cores move: near (one core complex), far (two), now and then together (one
//! core's two threads). A measurement counts if the probes before and after it agree within 12 %,
//! and counts for the mode they show.

use crate::hop::{Hop, hop};
use crate::links::{Array, Channel, Disruptor, Ringbuf, Rtrb, RtrbUnaligned, Slot, Std, TwoLine};
use crate::pair::Pair;
use crate::probe;
use crate::throughput::{fused, throughput};
use std::time::{Duration, Instant};

/// How far the probes around a measurement may differ.
const PROBES_APART_MAX: f64 = 0.12;

/// Where the two cores are, told by the bare ping-pong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Together,
    Near,
    Far,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Together, Self::Near, Self::Far];

    /// By half a bare round trip over two lines, ns: 30, 60 and 235 are typical of a server part
    /// of several core complexes.
    fn of(raw_ns: f64) -> Self {
        match raw_ns {
            ns if ns < 42.0 => Self::Together,
            ns if ns < 125.0 => Self::Near,
            _ => Self::Far,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::Near => "near",
            Self::Far => "far",
        }
    }
}

/// A measurement that counts.
#[derive(Clone, Copy, Debug)]
pub struct Taken<T> {
    pub round: usize,
    pub mode: Mode,
    /// The probes before and after, their mean.
    pub raw: Hop,
    pub value: T,
}

/// A candidate and what it measured.
pub struct Series<T> {
    pub name: &'static str,
    measure: fn(&Pair) -> T,
    pub taken: Vec<Taken<T>>,
    /// Measurements dropped because the machine changed meanwhile.
    pub dropped: usize,
}

/// All that was measured.
pub struct Run {
    pub rounds: usize,
    pub hops: Vec<Series<Hop>>,
    /// Million messages a second.
    pub rates: Vec<Series<f64>>,
}

fn series<T>(name: &'static str, measure: fn(&Pair) -> T) -> Series<T> {
    Series { name, measure, taken: Vec::new(), dropped: 0 }
}

fn candidates() -> Run {
    let hops = vec![
        series("two bare lines", probe::raw::<true>),
        series("slot", hop::<Slot, true>),
        series("slot, no hint", hop::<Slot, false>),
        series("two lines", hop::<TwoLine, true>),
        series("rtrb", hop::<Rtrb, true>),
        series("rtrb, no hint", hop::<Rtrb, false>),
        series("rtrb, unaligned", hop::<RtrbUnaligned, true>),
        series("disruptor", hop::<Disruptor, true>),
        series("disruptor, no hint", hop::<Disruptor, false>),
        series("ringbuf", hop::<Ringbuf, true>),
        series("crossbeam ArrayQueue", hop::<Array, true>),
        series("crossbeam channel", hop::<Channel, true>),
        series("std sync_channel", hop::<Std, true>),
    ];
    let rates = vec![
        series("slot", throughput::<Slot, false>),
        series("slot, batches", throughput::<Slot, true>),
        series("two lines", throughput::<TwoLine, false>),
        series("rtrb", throughput::<Rtrb, false>),
        series("rtrb, batches", throughput::<Rtrb, true>),
        series("rtrb, unaligned", throughput::<RtrbUnaligned, false>),
        series("disruptor", throughput::<Disruptor, false>),
        series("disruptor, batches", throughput::<Disruptor, true>),
        series("slot, one thread", fused::<Slot>),
        series("rtrb, one thread", fused::<Rtrb>),
        series("disruptor, one thread", fused::<Disruptor>),
        series("ringbuf", throughput::<Ringbuf, false>),
        series("crossbeam ArrayQueue", throughput::<Array, false>),
        series("crossbeam channel", throughput::<Channel, false>),
        series("std sync_channel", throughput::<Std, false>),
    ];
    Run { rounds: 0, hops, rates }
}

/// Measures until `rounds` rounds or `seconds` seconds are over, a round at least.
pub fn run(pair: &Pair, rounds: usize, seconds: u64) -> Run {
    let mut run = candidates();
    let begin = Instant::now();
    let mut before = probe::raw::<false>(pair);
    while run.rounds < rounds.max(1)
        && (run.rounds == 0 || begin.elapsed() < Duration::from_secs(seconds))
    {
        let count = run.hops.len() + run.rates.len();
        for turn in 0..count {
            // Another order each round, so that no candidate always follows the same one.
            let index = (turn * 5 + run.rounds * 11) % count;
            let hops = run.hops.len();
            before = match index.checked_sub(hops) {
                None => one(pair, &mut run.hops[index], before, run.rounds),
                Some(index) => one(pair, &mut run.rates[index], before, run.rounds),
            };
        }
        run.rounds += 1;
    }
    run
}

/// Measures one candidate and probes after it; gives back that probe.
fn one<T>(pair: &Pair, series: &mut Series<T>, before: Hop, round: usize) -> Hop {
    let value = (series.measure)(pair);
    let after = probe::raw::<false>(pair);
    let mean = |one: f64, other: f64| (one + other) / 2.0;
    let raw = Hop {
        p50_ns: mean(before.p50_ns, after.p50_ns),
        p99_ns: mean(before.p99_ns, after.p99_ns),
    };
    if (before.p50_ns - after.p50_ns).abs() <= PROBES_APART_MAX * raw.p50_ns {
        series.taken.push(Taken { round, mode: Mode::of(raw.p50_ns), raw, value });
    } else {
        series.dropped += 1;
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every candidate carries every message, both ways of measuring. Method: one round; a
    /// lost, torn or reordered message fails an assertion inside.
    #[test]
    fn every_candidate_carries_every_message() {
        let Ok(pair) = Pair::start(None) else { return };
        let run = run(&pair, 1, 0);
        let told = |taken: usize, dropped: usize| taken + dropped;
        assert!(run.hops.iter().all(|series| told(series.taken.len(), series.dropped) == 1));
        assert!(run.rates.iter().all(|series| told(series.taken.len(), series.dropped) == 1));
    }

    /// Goal: the turns of a round visit each candidate once. Method: 5 and the count have no
    /// common factor.
    #[test]
    fn a_round_visits_each_candidate_once() {
        let run = candidates();
        let count = run.hops.len() + run.rates.len();
        let mut seen: Vec<usize> = (0..count).map(|turn| (turn * 5 + 3 * 11) % count).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..count).collect::<Vec<_>>());
    }
}
