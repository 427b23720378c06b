//! Every interleaving and every allowed staleness of one producer and one consumer of a ring of two
//! slots: `RUSTFLAGS="--cfg loom" cargo test -p shm --lib loom`.
//!
//! A slot's words are atomics, so a lost ordering is no data race to loom but an old word; and a
//! word read too late (after the producer was let into the slot) is beyond it, since loom runs
//! loads in program order. So each slot carries a [`Probe`] here: a cell that is no atomic, touched
//! where the payload is, for which loom demands a happens-before edge both ways.

use super::weaken::{
    EAGER_BATCH, RELAXED_BATCH, RELAXED_GIVE_BACK, RELAXED_POLL, RELAXED_ROOM, RELAXED_TAIL, SOUND,
};
use super::{Consumer, Producer, starting_at};
use crate::atomic::spin_hint;
use crate::message::{Command, Kind, Message};
use crate::units::Nanos;
use loom::cell::UnsafeCell;
use loom::thread;

/// Fails the model when the payload of a slot is written and read without an order between them.
#[derive(Default)]
pub(super) struct Probe(UnsafeCell<()>);

#[expect(unsafe_code, reason = "a cell that loom watches must be shared to be watched")]
// SAFETY: the cell holds nothing, and loom fails the model on unordered accesses.
unsafe impl Sync for Probe {}

impl Probe {
    pub(super) fn write(&self) {
        self.0.with_mut(|_| ());
    }

    pub(super) fn read(&self) {
        self.0.with(|_| ());
    }
}

fn numbered(number: i64) -> Message {
    Command {
        kind: Kind::Command as u8,
        value: number,
        lane_seq: number as u64,
        ..Command::default()
    }
    .into()
}

fn check(message: &Message, number: i64) {
    let command = message.view::<Command>().expect("a message that nobody wrote");
    assert_eq!(message.tail().seq(), number as u32, "out of order");
    assert_eq!((command.value, command.lane_seq), (number, number as u64), "torn");
}

/// Three messages through two slots, the first two as a batch if `batch`; the consumer polls, and
/// so does the producer while there is no room.
fn model<const WEAK: u8>(batch: bool) {
    loom::model(move || {
        let (mut producer, mut consumer): (Producer<WEAK>, Consumer<WEAK>) = starting_at(2, 0);
        let writer = thread::spawn(move || {
            for number in 0..3 {
                let message = numbered(number);
                if batch && number == 0 {
                    assert_eq!(producer.try_write(&message, Nanos(0)), Ok(()));
                    continue;
                }
                while producer.try_push(&message, Nanos(0)).is_err() {
                    spin_hint();
                }
            }
        });
        for number in 0..3 {
            let message = loop {
                match consumer.pop() {
                    Some(message) => break message,
                    None => spin_hint(),
                }
            };
            check(&message, number);
        }
        assert!(consumer.pop().is_none());
        writer.join().unwrap();
    });
}

/// Goal: every message arrives whole, once, in order. Method: all interleavings, one by one and as
/// a batch.
#[test]
fn every_message_arrives_whole_and_in_order() {
    model::<SOUND>(false);
    model::<SOUND>(true);
}

/// Goal: the model can fail. Method: publish with a relaxed store.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn with_a_relaxed_tail_a_message_tears() {
    model::<RELAXED_TAIL>(false);
}

/// Goal: the model can fail. Method: poll with a relaxed load.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn with_a_relaxed_poll_a_message_tears() {
    model::<RELAXED_POLL>(false);
}

/// Goal: the model can fail. Method: give slots back with a relaxed store.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn with_a_relaxed_give_back_a_slot_is_overwritten_while_it_is_read() {
    model::<RELAXED_GIVE_BACK>(false);
}

/// Goal: the model can fail. Method: look for room with a relaxed load.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn with_a_relaxed_look_for_room_a_slot_is_overwritten_while_it_is_read() {
    model::<RELAXED_ROOM>(false);
}

/// Goal: the model can fail for a batch. Method: publish it with a relaxed store.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn with_a_relaxed_publish_a_batch_tears() {
    model::<RELAXED_BATCH>(true);
}

/// Goal: the model can fail for a batch. Method: write its first message before the rest.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn with_an_eager_first_tail_a_batch_tears() {
    model::<EAGER_BATCH>(true);
}
