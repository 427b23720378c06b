//! One message there and back through two links: half of it is a hop.

use crate::links::{Kind, Rx, Tx, message, number};
use crate::pair::Pair;
use crate::stats::Samples;

/// Trips measured.
pub const TRIPS: u64 = if cfg!(test) { 200 } else { 20_000 };
/// Trips before that.
pub const WARM: u64 = TRIPS / 10;
/// Slots of every link.
pub const SLOTS: usize = 1024;

/// Half round trips of one measurement.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    pub p50_ns: f64,
    pub p99_ns: f64,
}

impl Hop {
    pub fn of(samples: Samples, pair: &Pair) -> Self {
        // Scaled before the clock rounds to whole nanoseconds.
        let half = |q: f64| pair.ns((samples.quantile(q) * 1000.0) as u64) / 2000.0;
        Self { p50_ns: half(0.5), p99_ns: half(0.99) }
    }
}

#[inline(always)]
fn wait<const HINT: bool>() {
    if HINT {
        std::hint::spin_loop();
    }
}

#[inline(always)]
fn send<const HINT: bool>(tx: &mut impl Tx, value: u64) {
    while !tx.try_send(message(value), value) {
        wait::<HINT>();
    }
}

#[inline(always)]
fn receive<const HINT: bool>(rx: &mut impl Rx) -> u64 {
    loop {
        if let Some(message) = rx.try_receive() {
            return number(&message);
        }
        wait::<HINT>();
    }
}

const STOP: u64 = u64::MAX;

/// Half a round trip through two links of a kind; `HINT`: both sides spin with `spin_loop`.
pub fn hop<K: Kind, const HINT: bool>(pair: &Pair) -> Hop {
    let (mut ping, mut from_ping) = K::make(SLOTS);
    let (mut to_pong, mut pong) = K::make(SLOTS);
    pair.spawn(move || {
        loop {
            let value = receive::<HINT>(&mut from_ping);
            send::<HINT>(&mut to_pong, value);
            if value == STOP {
                return;
            }
        }
    });
    let mut trip = |value: u64| {
        send::<HINT>(&mut ping, value);
        assert_eq!(receive::<HINT>(&mut pong), value);
    };
    for value in 0..WARM {
        trip(value);
    }
    let mut samples = Vec::with_capacity(TRIPS as usize);
    let mut last = pair.clock.raw();
    for value in WARM..WARM + TRIPS {
        trip(value);
        let now = pair.clock.raw();
        samples.push(now.wrapping_sub(last) as u32);
        last = now;
    }
    trip(STOP);
    Hop::of(Samples::new(samples), pair)
}
