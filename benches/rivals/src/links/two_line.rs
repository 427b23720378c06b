//! The shape that was refused for our ring: all 64 bytes payload, the sequence on the line beside.

use super::{Kind, Rx, Tx};
use shm::message::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[repr(C, align(128))]
struct Slot {
    words: Line,
    seq: Line,
}

#[repr(C, align(64))]
#[derive(Default)]
struct Line([AtomicU64; 8]);

#[repr(align(128))]
struct Taken(AtomicU64);

struct Shared {
    taken: Taken,
    slots: Box<[Slot]>,
}

/// Sequence and payload on two lines.
pub struct TwoLine;

pub struct Writer {
    shared: Arc<Shared>,
    next: u64,
    limit: u64,
}

pub struct Reader {
    shared: Arc<Shared>,
    next: u64,
    given_back: u64,
}

impl Kind for TwoLine {
    type Tx = Writer;
    type Rx = Reader;
    fn make(slots: usize) -> (Writer, Reader) {
        let slot = |_| Slot { words: Line::default(), seq: Line::default() };
        let shared =
            Shared { taken: Taken(AtomicU64::new(0)), slots: (0..slots).map(slot).collect() };
        let shared = Arc::new(shared);
        let writer = Writer { shared: Arc::clone(&shared), next: 0, limit: slots as u64 };
        (writer, Reader { shared, next: 0, given_back: 0 })
    }
}

impl Tx for Writer {
    #[inline(always)]
    fn try_send(&mut self, message: Message, _: u64) -> bool {
        let slots = &self.shared.slots;
        if self.next == self.limit {
            self.limit = self.shared.taken.0.load(Ordering::Acquire) + slots.len() as u64;
            if self.next == self.limit {
                return false;
            }
        }
        let slot = &slots[self.next as usize & (slots.len() - 1)];
        for (word, value) in slot.words.0.iter().zip(message.words()) {
            word.store(*value, Ordering::Relaxed);
        }
        self.next += 1;
        slot.seq.0[0].store(self.next, Ordering::Release);
        true
    }
}

impl Rx for Reader {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        let slots = &self.shared.slots;
        let slot = &slots[self.next as usize & (slots.len() - 1)];
        if slot.seq.0[0].load(Ordering::Acquire) != self.next + 1 {
            if self.given_back != self.next {
                self.given_back = self.next;
                self.shared.taken.0.store(self.next, Ordering::Release);
            }
            return None;
        }
        let words: [u64; 8] = std::array::from_fn(|at| slot.words.0[at].load(Ordering::Relaxed));
        self.next += 1;
        if self.next - self.given_back >= 32 {
            self.given_back = self.next;
            self.shared.taken.0.store(self.next, Ordering::Release);
        }
        Some(zerocopy::transmute!(words))
    }
}
