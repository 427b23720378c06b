//! The bare machine: two cache lines, one written each way, no ring. Probes have no hint.

use crate::hop::{Hop, TRIPS, WARM};
use crate::pair::Pair;
use crate::stats::Samples;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[repr(align(128))]
struct Line(AtomicU64);

const STOP: u64 = u64::MAX;

#[inline(always)]
fn wait<const HINT: bool>() {
    if HINT {
        std::hint::spin_loop();
    }
}

/// Half a round trip over two lines; `HINT`: both sides spin with `spin_loop`.
pub fn raw<const HINT: bool>(pair: &Pair) -> Hop {
    let lines = Arc::new([Line(AtomicU64::new(0)), Line(AtomicU64::new(0))]);
    let theirs = Arc::clone(&lines);
    pair.spawn(move || {
        let [ping, pong] = &*theirs;
        for expected in 1.. {
            let seen = loop {
                let seen = ping.0.load(Ordering::Acquire);
                if seen == expected || seen == STOP {
                    break seen;
                }
                wait::<HINT>();
            };
            pong.0.store(seen, Ordering::Release);
            if seen == STOP {
                return;
            }
        }
    });
    let [ping, pong] = &*lines;
    let trip = |number: u64| {
        ping.0.store(number, Ordering::Release);
        while pong.0.load(Ordering::Acquire) != number {
            wait::<HINT>();
        }
    };
    for number in 1..=WARM {
        trip(number);
    }
    let mut samples = Vec::with_capacity(TRIPS as usize);
    let mut last = pair.clock.raw();
    for number in WARM + 1..=WARM + TRIPS {
        trip(number);
        let now = pair.clock.raw();
        samples.push(now.wrapping_sub(last) as u32);
        last = now;
    }
    trip(STOP);
    Hop::of(Samples::new(samples), pair)
}
