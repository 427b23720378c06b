//! What a trip costs as its world grows: one thing at a time, the others as they are beside it. Of
//! orders of ours that work it is a decision alone, the mean of a thousand.
//!
//! A line each time: `growth WORLD P50 P99`, in ns, own work, the median of the rounds.

use std::hint::black_box;
use std::time::Instant;

use engine::risk::cost::Round;
use wirelane_benches::figure::{Figure, Samples};
use wirelane_benches::trip::{Rig, Shape, Trip};

/// What grows, in the order of the table.
pub(crate) const WORLDS: [&str; 23] = [
    "symbols=1",
    "symbols=10",
    "symbols=100",
    "symbols=1000",
    "symbols=10000",
    "strategies=1",
    "strategies=2",
    "strategies=4",
    "strategies=8",
    "strategies=16",
    "strategies=31",
    "live=10",
    "live=1000",
    "live=100000",
    "live=1000000",
    "scopes=1",
    "scopes=10",
    "scopes=100",
    "scopes=1000",
    "working=10",
    "working=1000",
    "working=10000",
    "working=100000",
];
/// Trips of one round.
const TRIPS: usize = 10_000;
/// Trips before it: each instrument a few times.
const WARM: usize = 20_000;
/// Rounds of decisions of which one is taken.
const DECISIONS: usize = 21;

/// p50 and p99 of trips in a world.
fn trips(shape: &Shape) -> [f64; 2] {
    let mut rig = Rig::shaped(shape);
    for _ in 0..WARM {
        rig.trip();
    }
    let trips: Vec<Trip> = (0..TRIPS).map(|_| rig.trip()).collect();
    let samples = Samples::new(trips.iter().map(|trip| trip.to_bytes).collect());
    let sum = |of: fn(&Trip) -> u64| trips.iter().map(of).sum::<u64>() as f64;
    let had = sum(|trip| trip.waited) - sum(|trip| trip.gaps_ns);
    let exposed = samples.quantile(0.5) as f64 * TRIPS as f64;
    let machine = sum(|trip| u64::from(trip.gaps)) / had * exposed;
    let own = samples.without_greatest(machine as usize);
    [own.quantile(0.5) as f64, own.quantile(0.99) as f64]
}

/// Median and greatest of the mean times of a decision, beside so many working orders.
fn decisions(working: u32) -> [f64; 2] {
    let mut round = Round::beside(working);
    let mut means = Vec::with_capacity(DECISIONS);
    for _ in 0..DECISIONS {
        let begin = Instant::now();
        let approved = black_box(&mut round).decide();
        means.push(begin.elapsed().as_nanos() as u64 / u64::from(approved.max(1)));
        assert_eq!(approved as usize, round.orders.len(), "every order passes");
        round.end();
    }
    let samples = Samples::new(means);
    [samples.quantile(0.5) as f64, samples.quantile(1.0) as f64]
}

fn take(world: &str) -> [f64; 2] {
    if let Some(working) = world.strip_prefix("working=") {
        return decisions(working.parse().expect("a number"));
    }
    trips(&Shape::parse(world).expect("a world of the list"))
}

pub(crate) fn run(rounds: usize) -> Vec<Figure> {
    let mut figures: Vec<[Figure; 2]> =
        WORLDS.iter().map(|world| [Figure::new(world, "ns"), Figure::new(world, "ns")]).collect();
    for _ in 0..rounds {
        for (world, figures) in WORLDS.iter().zip(&mut figures) {
            let taken = take(world);
            for (figure, value) in figures.iter_mut().zip(taken) {
                figure.values.push(value);
            }
        }
    }
    for (world, [p50, p99]) in WORLDS.iter().zip(&figures) {
        println!("growth {world} {:.0} {:.0}", p50.median(), p99.median());
    }
    Vec::new()
}
