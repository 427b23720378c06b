//! Trips, round after round, the machine's part of each apart from our own.
//!
//! Before each trip the thread spins for 2 us on the clock, as the venue's rate asks; where two
//! readings are more than 200 ns apart the machine took the core away. How often that happens there
//! says how often it must happen in the time of the trips: so many of the longest trips of a round
//! are the machine's, and own work is what is left. Both are printed. In each round the same engine
//! with its stamps off has as many trips.

use wirelane_benches::figure::{Figure, Samples};
use wirelane_benches::trip::{Rig, Trip};

/// Trips of one round.
const TRIPS: usize = 40_000;
/// Trips before the first round.
const WARM: usize = 20_000;

const QUANTILES: [(f64, &str, &str); 3] = [
    (0.5, "trip_fused_p50_ns", "trip_fused_all_p50_ns"),
    (0.99, "trip_fused_p99_ns", "trip_fused_all_p99_ns"),
    (0.999, "trip_fused_p999_ns", "trip_fused_all_p999_ns"),
];

/// One round: trips, and how many of them the machine is answerable for.
struct Round {
    to_bytes: Samples,
    turn: Samples,
    machine: usize,
    gaps_a_second: f64,
    lost_share: f64,
}

fn take(rig: &mut Rig) -> Round {
    let trips: Vec<Trip> = (0..TRIPS).map(|_| rig.trip()).collect();
    let sum = |of: fn(&Trip) -> u64| trips.iter().map(of).sum::<u64>() as f64;
    let (waited, gaps) = (sum(|trip| trip.waited), sum(|trip| u64::from(trip.gaps)));
    let to_bytes = Samples::new(trips.iter().map(|trip| trip.to_bytes).collect());
    // Gaps per time that the thread had, times the time that trips take when nothing disturbs them.
    let had = waited - sum(|trip| trip.gaps_ns);
    let exposed = to_bytes.quantile(0.5) as f64 * TRIPS as f64;
    Round {
        to_bytes,
        turn: Samples::new(trips.iter().map(|trip| trip.turn).collect()),
        machine: (gaps / had * exposed) as usize,
        gaps_a_second: gaps / had * 1e9,
        lost_share: sum(|trip| trip.gaps_ns) / waited,
    }
}

pub(crate) fn run(rounds: usize) -> Vec<Figure> {
    let mut rig = Rig::new();
    let mut unstamped = Rig::unstamped();
    for _ in 0..WARM {
        rig.trip();
        unstamped.trip();
    }
    let mut own = QUANTILES.map(|(_, name, _)| Figure::new(name, "ns"));
    let mut all = QUANTILES.map(|(_, _, name)| Figure::new(name, "ns"));
    let mut turn = Figure::new("trip_fused_turn_p50_ns", "ns");
    let mut bare = Figure::new("trip_unstamped_p50_ns", "ns");
    println!("round  p50  p99  p99.9  max | own p99  p99.9  max | gaps/s  lost %  machine's trips");
    for at in 0..rounds {
        let round = take(&mut rig);
        let ours = round.to_bytes.without_greatest(round.machine);
        let of = |samples: &Samples| QUANTILES.map(|(q, _, _)| samples.quantile(q));
        let [p50, p99, p999] = of(&round.to_bytes);
        let [_, own_p99, own_p999] = of(&ours);
        println!(
            "{at:5} {p50:4} {p99:4} {p999:6} {:4} | {own_p99:7} {own_p999:6} {:4} | {:6.0} {:6.2} {}",
            round.to_bytes.quantile(1.0),
            ours.quantile(1.0),
            round.gaps_a_second,
            round.lost_share * 100.0,
            round.machine,
        );
        for (figures, samples) in [(&mut own, &ours), (&mut all, &round.to_bytes)] {
            for (figure, value) in figures.iter_mut().zip(of(samples)) {
                figure.values.push(value as f64);
            }
        }
        turn.values.push(round.turn.quantile(0.5) as f64);
        bare.values.push(take(&mut unstamped).to_bytes.quantile(0.5) as f64);
    }
    own.into_iter().chain(all).chain([turn, bare]).collect()
}
