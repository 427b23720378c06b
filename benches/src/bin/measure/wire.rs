//! Wire to wire over the loopback: the engine against a loop that only receives and sends, on the
//! same sockets, by turns in every round.

use wirelane_benches::figure::{Figure, Samples};
use wirelane_benches::trip::wire::{Between, with_peer};

/// Trips of each before the two change places.
const BLOCK: usize = 250;
/// Changes of place in one round.
const BLOCKS: usize = 8;
/// Trips of each before the first round.
const WARM: usize = 2_000;

const NAMES: [[&str; 3]; 2] = [
    ["wire_engine_p50_ns", "wire_engine_p99_ns", "wire_engine_p999_ns"],
    ["wire_bare_p50_ns", "wire_bare_p99_ns", "wire_bare_p999_ns"],
];
const BOTH: [Between; 2] = [Between::Engine, Between::Bare];

pub(crate) fn run(rounds: usize) -> Result<Vec<Figure>, String> {
    let taken = with_peer(|peer| {
        for between in BOTH {
            peer.put(between);
            (0..WARM).for_each(|_| {
                peer.trip(between);
            });
        }
        let mut round = || {
            let mut samples = [Vec::new(), Vec::new()];
            for _ in 0..BLOCKS {
                for (between, samples) in BOTH.into_iter().zip(&mut samples) {
                    peer.put(between);
                    samples.extend((0..BLOCK).map(|_| peer.trip(between)));
                }
            }
            samples.map(Samples::new)
        };
        (0..rounds).map(|_| round()).collect::<Vec<_>>()
    })?;
    let mut ratio = Figure::new("wire_vs_bare_p50", "ratio");
    let mut ratio_p99 = Figure::new("wire_vs_bare_p99", "ratio");
    let mut figures = NAMES.map(|names| names.map(|name| Figure::new(name, "ns")));
    for round in &taken {
        let of = |samples: &Samples| [0.5, 0.99, 0.999].map(|q| samples.quantile(q) as f64);
        let [engine, bare] = [of(&round[0]), of(&round[1])];
        println!("engine p50 p99 p99.9 {engine:?}   bare {bare:?}");
        ratio.values.push(engine[0] / bare[0]);
        ratio_p99.values.push(engine[1] / bare[1]);
        for (figures, values) in figures.iter_mut().zip([engine, bare]) {
            for (figure, value) in figures.iter_mut().zip(values) {
                figure.values.push(value);
            }
        }
    }
    let [engine, bare] = figures;
    Ok([ratio, ratio_p99].into_iter().chain(engine).chain(bare).collect())
}
