//! Single-producer, single-consumer ring of messages with the sequence in the slot: one cache line
//! crosses cores per message, where a ring of shared indices moves two.
//!
//! ```text
//!            slot (one line of 64 bytes)
//!  Producer ─► [ 7 words of payload | tail = seq:32, published:32 ] ─► Consumer
//!     ▲                                                                   │
//!     └────────────── taken (a line of its own, written rarely) ◄─────────┘
//! ```
//!
//! The tail is the last word of every [`Message`], so the sequence costs no payload: message `n` is
//! in slot `n % capacity` once the tail there says `n`. A consumer polls the very word that tells
//! it that the message has come, and finds the message on the same line. It says how far it has
//! read once in every eighth of the ring (at most 32 messages) and when it finds the ring empty; a
//! producer reads that only when it has used up the room it knows of.
//!
//! A batch is made visible at once: [`Producer::try_write`] keeps the first message back and fills
//! the slots behind it, [`Producer::publish`] writes the first. So the consumer, which polls the
//! slot of the first, meets the batch as a whole and never fights for a line that is being written.
//!
//! Every word is an atomic, so no copy can be torn by construction and there is no `unsafe` here:
//! the producer leaves a slot alone until the consumer has passed it.
//!
//! When it is full: [`Full`], and nothing was written; the caller applies its policy.
//!
//! ```
//! use shm::message::Message;
//! use shm::units::Nanos;
//!
//! let (mut producer, mut consumer) = shm::slot::ring(1024);
//! assert_eq!(producer.try_push(&Message::default(), Nanos(7)), Ok(()));
//! let message = consumer.pop().map(|message| message.tail());
//! assert_eq!(message.map(|tail| (tail.seq(), tail.published(Nanos(9)))), Some((0, Nanos(7))));
//! ```

use crate::atomic::{AtomicU64, Ordering};
use crate::message::{Message, Tail};
use crate::units::Nanos;
use core::cell::Cell;
use std::sync::Arc;

/// Most slots of a ring: a tail holds the low 32 bits of a sequence, and what a slot held one lap
/// ago must not look like what it will hold.
pub const SLOTS_MAX: usize = 1 << 31;

/// Most messages a consumer takes before it says so.
const GIVE_BACK_MAX: u64 = 32;

/// The ring has no free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Full;

/// One message, its tail the word that says which.
#[repr(C, align(64))]
struct Slot {
    payload: [AtomicU64; 7],
    tail: AtomicU64,
    #[cfg(all(test, loom))]
    probe: loom_model::Probe,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Slot>() == 64 && size_of::<Slot>() == size_of::<Message>());

/// Messages the consumer has taken, on two lines of its own: the prefetcher fetches them in pairs.
#[repr(C, align(128))]
struct Taken(AtomicU64);

/// Which ordering of the protocol the loom models leave out; production code uses
/// [`weaken::SOUND`].
///
/// A const parameter, so that the models break the real code and not a copy of it.
mod weaken {
    /// Nothing is left out.
    pub(super) const SOUND: u8 = 0;
    /// Producer: the tail of a single message is stored relaxed.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_TAIL: u8 = 1;
    /// Consumer: the tail is loaded relaxed.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_POLL: u8 = 2;
    /// Consumer: what was taken is stored relaxed.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_GIVE_BACK: u8 = 3;
    /// Producer: what was taken is loaded relaxed.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_ROOM: u8 = 4;
    /// Producer: the first message of a batch is written like the rest, before it.
    #[cfg(all(test, loom))]
    pub(super) const EAGER_BATCH: u8 = 5;
    /// Producer: the tail that publishes a batch is stored relaxed.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_BATCH: u8 = 6;
}
use weaken::SOUND;

/// A ring of `slots` messages. All memory is taken and touched here.
///
/// # Panics
/// If `slots` is no power of two in `1..=SLOTS_MAX`: a programmer's error, since configuration is
/// checked before.
#[must_use]
pub fn ring(slots: usize) -> (Producer, Consumer) {
    starting_at(slots, 0)
}

/// A ring whose first message has the sequence `first`.
fn starting_at<const WEAK: u8>(slots: usize, first: u64) -> (Producer<WEAK>, Consumer<WEAK>) {
    assert!(
        slots.is_power_of_two() && slots <= SLOTS_MAX,
        "a slot ring has a power of two of slots, at most {SLOTS_MAX}, not {slots}"
    );
    let capacity = slots as u64;
    // Slot `n % capacity` begins as if message `n - capacity` had been taken from it.
    let at = |index: u64| first + (index.wrapping_sub(first) & (capacity - 1));
    let slots: Arc<[Slot]> =
        (0..capacity).map(|index| Slot::stale(at(index).wrapping_sub(capacity))).collect();
    let taken = Arc::new(Taken(AtomicU64::new(first)));
    let producer = Producer {
        slots: Arc::clone(&slots),
        taken: Arc::clone(&taken),
        next: first,
        limit: Cell::new(first + capacity),
        first: Message::default(),
        first_seq: first,
        open: false,
    };
    let give_back_every = (capacity / 8).clamp(1, GIVE_BACK_MAX);
    (producer, Consumer { slots, taken, next: first, given_back: first, give_back_every })
}

impl Slot {
    fn stale(seq: u64) -> Self {
        Self {
            payload: [const { 0 }; 7].map(AtomicU64::new),
            tail: AtomicU64::new(Tail::new(seq as u32, Nanos(0)).0),
            #[cfg(all(test, loom))]
            probe: loom_model::Probe::default(),
        }
    }

    #[inline(always)]
    fn write(&self, message: &Message) {
        #[cfg(all(test, loom))]
        self.probe.write();
        for (word, value) in self.payload.iter().zip(message.words()) {
            // ORDERING: Relaxed: the Release store of a tail, of this slot or of the first of its
            // batch, comes after it in program order and publishes it.
            word.store(*value, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    fn read(&self, tail: u64) -> Message {
        #[cfg(all(test, loom))]
        self.probe.read();
        // ORDERING: Relaxed: the Acquire load of the tail came before it in program order.
        let word = |index: usize| {
            self.payload.get(index).map_or(tail, |word| word.load(Ordering::Relaxed))
        };
        zerocopy::transmute!([word(0), word(1), word(2), word(3), word(4), word(5), word(6), tail])
    }
}

/// The slot of a message, in the ring of `slots`.
#[inline(always)]
fn slot_of(slots: &[Slot], seq: u64) -> Option<&Slot> {
    slots.get(seq as usize & slots.len().wrapping_sub(1))
}

/// The writing end. Send, not Sync, not Clone: there is one producer.
pub struct Producer<const WEAK: u8 = SOUND> {
    slots: Arc<[Slot]>,
    taken: Arc<Taken>,
    /// Sequence of the next message to write.
    next: u64,
    /// `next` stays at or below it: the messages taken, as last seen, plus the capacity.
    limit: Cell<u64>,
    /// The first message of an open batch, its tail included, and its sequence.
    first: Message,
    first_seq: u64,
    /// Whether a batch is open.
    open: bool,
}

impl<const WEAK: u8> Producer<WEAK> {
    /// Writes a message, its tail replaced by its sequence and `now`, and makes it visible; with it
    /// whatever batch was open.
    ///
    /// # Errors
    /// [`Full`]: nothing was written, and an open batch is still open.
    #[inline]
    pub fn try_push(&mut self, message: &Message, now: Nanos) -> Result<(), Full> {
        let slot = self.free_slot()?;
        slot.write(message);
        // ORDERING: Release: the payload is visible to whoever sees this tail. Pairs with the
        // Acquire load in `Consumer::look`. Within a batch `publish` does it again.
        let order = if WEAK == 1 { Ordering::Relaxed } else { Ordering::Release };
        slot.tail.store(Tail::new(self.next as u32, now).0, order);
        self.next += 1;
        if self.open {
            self.publish();
        }
        Ok(())
    }

    /// Writes a message that the consumer sees at the next [`Producer::publish`]: a batch. The
    /// batch must be published before the caller waits for room, or the room never comes.
    ///
    /// # Errors
    /// [`Full`]: nothing was written.
    #[inline]
    pub fn try_write(&mut self, message: &Message, now: Nanos) -> Result<(), Full> {
        let slot = self.free_slot()?;
        let tail = Tail::new(self.next as u32, now);
        if self.open || WEAK == 5 {
            slot.write(message);
            // ORDERING: Relaxed: the consumer looks here only after the first slot of the batch,
            // whose Release store in `publish` follows in program order.
            slot.tail.store(tail.0, Ordering::Relaxed);
        } else {
            self.first = message.with_tail(tail);
            self.first_seq = self.next;
            self.open = true;
        }
        self.next += 1;
        Ok(())
    }

    /// Makes everything written visible.
    #[inline]
    pub fn publish(&mut self) {
        if self.open
            && let Some(slot) = slot_of(&self.slots, self.first_seq)
        {
            slot.write(&self.first);
            // ORDERING: Release: the payload of this slot, and every slot of the batch, is visible
            // to whoever sees this tail. Pairs with the Acquire load in `Consumer::look`.
            let order = if WEAK == 6 { Ordering::Relaxed } else { Ordering::Release };
            slot.tail.store(self.first.tail().0, order);
            self.open = false;
        }
    }

    #[inline(always)]
    fn free_slot(&self) -> Result<&Slot, Full> {
        if !self.has_room(1) {
            return Err(Full);
        }
        slot_of(&self.slots, self.next).ok_or(Full)
    }

    /// Whether `count` more messages fit now. May say no for as many slots as the consumer has
    /// taken and not yet given back: less than an eighth of the ring, and none once it is empty.
    #[must_use]
    #[inline]
    pub fn has_room(&self, count: usize) -> bool {
        let end = self.next.saturating_add(count as u64);
        end <= self.limit.get() || self.look_for_room(end)
    }

    #[inline(never)]
    fn look_for_room(&self, end: u64) -> bool {
        // ORDERING: Acquire: the consumer's loads from the slots that it gives back happened before
        // the stores that will overwrite them. Pairs with the Release store in `give_back`.
        let order = if WEAK == 4 { Ordering::Relaxed } else { Ordering::Acquire };
        self.limit.set(self.taken.0.load(order) + self.slots.len() as u64);
        end <= self.limit.get()
    }

    /// Messages written so far; the sequence of the next one.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.next
    }

    /// Slots of the ring.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }
}

/// The reading end. Send, not Sync, not Clone: there is one consumer.
pub struct Consumer<const WEAK: u8 = SOUND> {
    slots: Arc<[Slot]>,
    taken: Arc<Taken>,
    /// Sequence of the next message to take.
    next: u64,
    /// Messages taken, as the producer may see it; at most `give_back_every` behind `next`.
    given_back: u64,
    give_back_every: u64,
}

impl<const WEAK: u8> Consumer<WEAK> {
    /// The slot of message `seq` and its tail, if that message has come.
    #[inline(always)]
    fn look(&self, seq: u64) -> Option<(&Slot, u64)> {
        let slot = slot_of(&self.slots, seq)?;
        // ORDERING: Acquire: the payload of the message is visible after its tail. Pairs with the
        // Release store in `Producer::publish`, of this tail or of the first of its batch.
        let order = if WEAK == 2 { Ordering::Relaxed } else { Ordering::Acquire };
        let tail = slot.tail.load(order);
        (Tail(tail).seq() == seq as u32).then_some((slot, tail))
    }

    /// Takes the next message.
    #[inline]
    pub fn pop(&mut self) -> Option<Message> {
        let message = self.peek()?;
        self.next += 1;
        if self.next - self.given_back >= self.give_back_every {
            self.give_back();
        }
        Some(message)
    }

    /// Copies the next message and leaves it where it is.
    #[inline]
    pub fn peek(&mut self) -> Option<Message> {
        if let Some((slot, tail)) = self.look(self.next) {
            return Some(slot.read(tail));
        }
        if self.next != self.given_back {
            self.give_back();
        }
        None
    }

    /// Whether a message waits. Copies none, and gives slots back as [`Consumer::peek`] does.
    #[inline]
    pub fn is_waiting(&mut self) -> bool {
        let waits = self.look(self.next).is_some();
        if !waits && self.next != self.given_back {
            self.give_back();
        }
        waits
    }

    /// Takes the next message, which [`Consumer::peek`] has shown, without copying it again. False
    /// when none waits.
    #[inline]
    pub fn skip(&mut self) -> bool {
        if self.look(self.next).is_none() {
            return false;
        }
        self.next += 1;
        if self.next - self.given_back >= self.give_back_every {
            self.give_back();
        }
        true
    }

    /// Takes up to `limit` messages, in order. Returns how many. Gives slots back as it goes.
    #[inline]
    pub fn drain(&mut self, limit: usize, mut each: impl FnMut(&Message)) -> usize {
        let from = self.next;
        let end = from.saturating_add(limit as u64);
        while self.next < end {
            let pause = end.min(self.given_back + self.give_back_every);
            while self.next < pause {
                let Some((slot, tail)) = self.look(self.next) else {
                    if self.next != self.given_back {
                        self.give_back();
                    }
                    return (self.next - from) as usize;
                };
                let message = slot.read(tail);
                self.next += 1;
                each(&message);
            }
            if self.next - self.given_back >= self.give_back_every {
                self.give_back();
            }
        }
        (self.next - from) as usize
    }

    #[inline]
    fn give_back(&mut self) {
        self.given_back = self.next;
        // ORDERING: Release: the loads from the slots before `next` happened before it. Pairs with
        // the Acquire load in `look_for_room`.
        let order = if WEAK == 3 { Ordering::Relaxed } else { Ordering::Release };
        self.taken.0.store(self.next, order);
    }

    /// Messages waiting. Looks at each of them: for callers that then take them all.
    #[must_use]
    pub fn waiting(&self) -> usize {
        (0..self.slots.len())
            .take_while(|ahead| self.look(self.next + *ahead as u64).is_some())
            .count()
    }

    /// Messages taken so far; the sequence of the next one.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.next
    }
}

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, not(loom)))]
mod tests;
