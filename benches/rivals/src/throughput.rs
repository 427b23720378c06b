//! As many messages as go through a link: one thread pushes, one takes; or one does both.

use crate::hop::SLOTS;
use crate::links::{BATCH, Kind, Rx, Tx, message, number};
use crate::pair::Pair;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Messages of one measurement.
const COUNT: u64 = if cfg!(test) { 3_200 } else { 320_000 };

/// Million messages a second. `BATCHED`: pushed in batches of 16 and taken as they come.
pub fn throughput<K: Kind, const BATCHED: bool>(pair: &Pair) -> f64 {
    let (mut tx, mut rx) = K::make(SLOTS);
    let ready = Arc::new(AtomicU64::new(0));
    let ended = Arc::new(AtomicU64::new(0));
    let (say_ready, say_ended, clock) =
        (Arc::clone(&ready), Arc::clone(&ended), pair.clock.clone());
    pair.spawn(move || {
        say_ready.store(1, Ordering::Release);
        let mut expected = 0;
        while expected < COUNT {
            let mut check = |seen: u64| {
                assert_eq!(seen, expected, "lost or out of order");
                expected += 1;
            };
            let taken = if BATCHED || K::DRAINS {
                rx.drain(&mut |message| check(number(message)))
            } else {
                rx.try_receive().map(|message| check(number(&message))).into_iter().count()
            };
            if taken == 0 {
                spin_loop();
            }
        }
        say_ended.store(clock.raw(), Ordering::Release);
    });
    while ready.load(Ordering::Acquire) == 0 {}
    let start = pair.clock.raw();
    let mut value = 0;
    while value < COUNT {
        let sent = if BATCHED {
            tx.try_send_batch(value).then_some(BATCH as u64)
        } else {
            tx.try_send(message(value), value).then_some(1)
        };
        match sent {
            Some(count) => value += count,
            None => spin_loop(),
        }
    }
    let end = loop {
        match ended.load(Ordering::Acquire) {
            0 => spin_loop(),
            end => break end,
        }
    };
    COUNT as f64 * 1000.0 / pair.ns(end - start)
}

/// Million messages a second, each pushed and taken by one thread: what a link costs two stages
/// that share one.
pub fn fused<K: Kind>(pair: &Pair) -> f64 {
    let (mut tx, mut rx) = K::make(SLOTS);
    let start = pair.clock.raw();
    for value in 0..COUNT {
        assert!(tx.try_send(message(value), value), "an empty link has room");
        let taken = rx.try_receive().map(|message| number(&message));
        assert_eq!(taken, Some(value), "lost or out of order");
    }
    COUNT as f64 * 1000.0 / pair.ns(pair.clock.raw() - start)
}
