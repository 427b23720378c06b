//! The first trip after a silence, against trips one after the other: with nothing in the silence
//! but the lines' heartbeats, and with an instrument that moves every so often and in which every
//! order is refused.

use shm::units::Nanos;
use wirelane_benches::figure::{Figure, Samples};
use wirelane_benches::trip::{Rig, Shape};

/// Trips one after the other, before each silence.
const STEADY: usize = 5_000;
/// Silences of a round, of each kind.
const SILENCES: usize = 2;
/// How long one is.
const SILENCE: Nanos = Nanos(10 * Nanos::SECOND.0);
/// How often the instrument moves in which orders are refused.
const KINDS: [(&str, Option<Nanos>); 3] = [
    ("warm_first_ns", None),
    ("warm_first_refused_10ms_ns", Some(Nanos(10_000_000))),
    ("warm_first_refused_100us_ns", Some(Nanos(100_000))),
];

pub(crate) fn run(rounds: usize) -> Vec<Figure> {
    let mut rig = Rig::shaped(&Shape::REFUSED);
    let mut steady = Figure::new("warm_steady_p50_ns", "ns");
    let mut first = KINDS.map(|(name, _)| Figure::new(name, "ns"));
    let mut second = Figure::new("warm_second_ns", "ns");
    for _ in 0..rounds * SILENCES {
        for ((_, every), figure) in KINDS.iter().zip(&mut first) {
            let trips = (0..STEADY).map(|_| rig.trip().to_bytes).collect();
            steady.values.push(Samples::new(trips).quantile(0.5) as f64);
            let before = rig.refused();
            rig.silence(SILENCE, *every);
            let refused = rig.refused() - before;
            let taken = rig.trip().to_bytes;
            println!("{} {refused} refused in the silence: first trip {taken} ns", figure.name);
            figure.values.push(taken as f64);
            if every.is_none() {
                second.values.push(rig.trip().to_bytes as f64);
            }
        }
    }
    [steady, second].into_iter().chain(first).collect()
}
