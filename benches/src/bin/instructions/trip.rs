//! A datagram through every stage of a fused engine, to an order's bytes in a buffer.

use wirelane_benches::trip::{Rig, Shape};

/// Trips before the counting: what grows on first use has grown.
const WARM: usize = 500;

pub(crate) fn run(events: usize) -> u64 {
    run_in(&Shape::ONE, events)
}

/// In a world of another size.
pub(crate) fn run_in(shape: &Shape, events: usize) -> u64 {
    let mut rig = Rig::shaped(shape);
    for _ in 0..WARM {
        rig.trip_in(|rig| {
            rig.turns_to_bytes();
        });
    }
    for _ in 0..events {
        rig.trip_in(wirelane_measured_trip);
    }
    events as u64
}

#[inline(never)]
fn wirelane_measured_trip(rig: &mut Rig) {
    rig.turns_to_bytes();
}
