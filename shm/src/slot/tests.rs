use super::*;
use crate::atomic::spin_hint;
use crate::message::{Command, Kind};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::thread;

/// A message whose every payload word depends on its number.
fn numbered(number: u64) -> Message {
    let command = Command {
        kind: Kind::Command as u8,
        value: number as i64,
        lane_seq: !number,
        t0: Nanos(number.rotate_left(17)),
        ..Command::default()
    };
    command.into()
}

/// The number of a message, which must be whole and carry `seq`.
fn number(message: &Message, seq: u64) -> u64 {
    let number = message.view::<Command>().map_or(u64::MAX, |command| command.value as u64);
    let now = Nanos(number & 0xFFFF_FFFF);
    assert_eq!(*message, numbered(number).with_tail(Tail::new(seq as u32, now)), "torn");
    number
}

/// One act on a ring.
#[derive(Clone, Copy, Debug)]
enum Act {
    Push,
    Write,
    Publish,
    Pop,
    Peek,
    Drain(usize),
    Room(usize),
    Waiting,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Push),
        3 => Just(Act::Write),
        2 => Just(Act::Publish),
        4 => Just(Act::Pop),
        1 => Just(Act::Peek),
        2 => (0usize..20).prop_map(Act::Drain),
        1 => (0usize..70).prop_map(Act::Room),
        1 => Just(Act::Waiting),
    ]
}

/// A ring beside the obvious model of it.
struct Twin {
    producer: Producer,
    consumer: Consumer,
    visible: VecDeque<u64>,
    pending: Vec<u64>,
    written: u64,
    taken: u64,
}

impl Twin {
    fn new(slots: usize, first: u64) -> Self {
        let (producer, consumer) = starting_at(slots, first);
        let (visible, pending) = (VecDeque::new(), Vec::new());
        Self { producer, consumer, visible, pending, written: first, taken: first }
    }

    /// Whether the ring's word on `count` free slots is right, or short by less than an eighth.
    fn judge_room(&self, count: usize, said: bool) {
        let slots = self.producer.slots();
        let free = slots - self.visible.len() - self.pending.len();
        let unsure = (slots / 8).clamp(1, 32) - 1;
        assert!(!said || free >= count, "room for {count} of {free}");
        assert!(said || count > free - unsure.min(free), "no room for {count} of {free}");
    }

    fn write(&mut self, publish: bool) {
        let message = numbered(self.written);
        let now = Nanos(self.written & 0xFFFF_FFFF);
        let done = match publish {
            true => self.producer.try_push(&message, now),
            false => self.producer.try_write(&message, now),
        };
        self.judge_room(1, done.is_ok());
        if done.is_ok() {
            self.pending.push(self.written);
            self.written += 1;
            if publish {
                self.visible.extend(self.pending.drain(..));
            }
        }
    }

    fn pop(&mut self) {
        let expected = self.visible.pop_front();
        let popped = self.consumer.pop().map(|message| number(&message, self.taken));
        assert_eq!(popped, expected);
        self.taken += u64::from(popped.is_some());
    }

    fn step(&mut self, act: Act) {
        match act {
            Act::Push => self.write(true),
            Act::Write => self.write(false),
            Act::Publish => {
                self.producer.publish();
                self.visible.extend(self.pending.drain(..));
            }
            Act::Pop => self.pop(),
            Act::Peek => {
                let peeked = self.consumer.peek().map(|message| number(&message, self.taken));
                assert_eq!(peeked, self.visible.front().copied());
            }
            Act::Drain(limit) => {
                let mut seq = self.taken;
                let mut drained = Vec::new();
                let count = self.consumer.drain(limit, |message| {
                    drained.push(number(message, seq));
                    seq += 1;
                });
                let expected: Vec<u64> =
                    self.visible.drain(..limit.min(self.visible.len())).collect();
                assert_eq!((count, drained), (expected.len(), expected));
                self.taken = seq;
            }
            Act::Room(count) => {
                let said = self.producer.has_room(count);
                self.judge_room(count, said);
            }
            Act::Waiting => assert_eq!(self.consumer.waiting(), self.visible.len()),
        }
        assert_eq!(self.producer.written(), self.written);
        assert_eq!(self.consumer.taken(), self.taken);
    }
}

proptest! {
    /// Goal: a ring is a bounded queue, batches and laps and the wrap of a tail's 32 bits included.
    /// Method: random acts beside a `VecDeque`.
    #[test]
    #[cfg_attr(miri, ignore = "one thread only")]
    fn a_ring_is_a_bounded_queue(
        power in 0u32..7,
        back in 0u64..300,
        wraps in any::<bool>(),
        acts in prop::collection::vec(act(), 1..600),
    ) {
        let first = if wraps { (1 << 32) - back } else { back };
        let mut twin = Twin::new(1 << power, first);
        for act in acts {
            twin.step(act);
        }
        twin.step(Act::Publish);
        while !twin.visible.is_empty() {
            twin.pop();
        }
        twin.pop();
        prop_assert!(twin.producer.has_room(1 << power), "an emptied ring has all its room");
    }
}

/// Goal: two threads lose, double, tear and reorder nothing. Method: laps of a small ring, pushed
/// one by one and in batches; every word of every message is checked.
#[test]
fn nothing_is_lost_between_threads() {
    let count: u64 = if cfg!(miri) { 40 } else { 200_000 };
    for batch in [1, 3] {
        let (mut producer, mut consumer) = ring(4);
        let pushing = thread::spawn(move || {
            let mut number = 0;
            while number < count {
                match producer.try_write(&numbered(number), Nanos(number & 0xFFFF_FFFF)) {
                    Ok(()) => number += 1,
                    Err(Full) => {
                        producer.publish();
                        thread::yield_now();
                    }
                }
                if number % batch == 0 {
                    producer.publish();
                }
            }
            producer.publish();
        });
        for expected in 0..count {
            let mut spins = 0u32;
            let message = loop {
                if let Some(message) = consumer.pop() {
                    break message;
                }
                spins += 1;
                assert!(spins < 1 << 28, "message {expected} never came");
                if cfg!(miri) || spins.is_multiple_of(64) {
                    thread::yield_now()
                } else {
                    spin_hint()
                }
            };
            assert_eq!(number(&message, expected), expected);
        }
        assert!(consumer.pop().is_none());
        pushing.join().unwrap();
    }
}

/// Goal: nothing of a batch is seen before it is published, and then all of it.
#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    let (mut producer, mut consumer) = ring(8);
    for number in 0..5 {
        assert_eq!(producer.try_write(&numbered(number), Nanos(number)), Ok(()));
        assert!(consumer.pop().is_none());
        assert_eq!(consumer.waiting(), 0);
    }
    producer.publish();
    assert_eq!(consumer.waiting(), 5);
    assert_eq!(consumer.drain(9, |_| {}), 5);
}

/// Goal: a ring of a size that masks wrongly is refused. Method: construction panics.
#[test]
fn only_powers_of_two_are_rings() {
    for slots in [0, 3, 1000, (1 << 31) + 1] {
        assert!(std::panic::catch_unwind(|| ring(slots)).is_err(), "{slots} slots");
    }
}
