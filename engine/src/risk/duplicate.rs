//! Equal orders in a window (R43): a ring of the latest approvals, chained by hash.

use shm::ids::{AccountId, InstrumentId};
use shm::message::Side;
use shm::units::{Nanos, Price, Qty};

/// What makes two orders equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Likeness {
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub px: Price,
    pub qty: Qty,
}

impl Likeness {
    #[inline]
    fn mixed(&self) -> u64 {
        let ids = u64::from(self.account.0) << 40
            | u64::from(self.instrument.0) << 8
            | u64::from(self.side as u8);
        let mut hash = ids.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ self.px.0 as u64).rotate_left(23).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        hash = (hash ^ self.qty.0 as u64).rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^ hash >> 32
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    likeness: Option<Likeness>,
    at: Nanos,
    /// Number + 1 of the one before it in the same bucket, 0 for none.
    before: u64,
}

/// The ring.
#[derive(Clone, Debug)]
pub struct Repeats {
    ring: Box<[Entry]>,
    /// Number + 1 of the latest entry per bucket, 0 for none.
    buckets: Box<[u64]>,
    count: u64,
    /// Where the next goes: `count % ring.len()`.
    next: usize,
}

impl Repeats {
    /// Remembers the latest `capacity` approvals.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!((1..=1 << 24).contains(&capacity), "repeats to remember out of range");
        let empty = Entry { likeness: None, at: Nanos(0), before: 0 };
        Self {
            ring: vec![empty; capacity].into(),
            buckets: vec![0; (capacity * 2).next_power_of_two()].into(),
            count: 0,
            next: 0,
        }
    }

    #[inline]
    fn bucket(&self, likeness: &Likeness) -> usize {
        likeness.mixed() as usize & (self.buckets.len() - 1)
    }

    #[inline]
    fn entry(&self, number: u64) -> Option<&Entry> {
        let room = self.ring.len();
        if number >= self.count {
            return None;
        }
        let back = usize::try_from(self.count - number).ok().filter(|back| *back <= room)?;
        let at = if back <= self.next { self.next - back } else { self.next + room - back };
        self.ring.get(at)
    }

    /// Approvals equal to this one within `per` before `now`, counted up to `enough`. An approval
    /// exactly `per` old has left the window. Where the ring has dropped approvals that may still
    /// be in the window, the answer is `enough`.
    #[must_use]
    #[inline]
    pub fn count(&self, likeness: &Likeness, per: Nanos, now: Nanos, enough: u32) -> u32 {
        let room = self.ring.len() as u64;
        let dropped_inside = self.count > room
            && self
                .entry(self.count - room)
                .is_some_and(|oldest| now.saturating_since(oldest.at) < per);
        if dropped_inside {
            return enough;
        }
        let mut found = 0;
        let mut number = self.buckets.get(self.bucket(likeness)).copied().unwrap_or(0);
        for _ in 0..self.ring.len() {
            if found >= enough {
                break;
            }
            let Some(entry) = number.checked_sub(1).and_then(|number| self.entry(number)) else {
                break;
            };
            if now.saturating_since(entry.at) >= per {
                break;
            }
            found += u32::from(entry.likeness.as_ref() == Some(likeness));
            number = entry.before;
        }
        found
    }

    /// Remembers an approval; `now` is at least that of the last one.
    #[inline]
    pub fn push(&mut self, likeness: Likeness, now: Nanos) {
        let at = self.next;
        let bucket = self.bucket(&likeness);
        self.count += 1;
        self.next = if at + 1 < self.ring.len() { at + 1 } else { 0 };
        let Some(latest) = self.buckets.get_mut(bucket) else { return };
        if let Some(entry) = self.ring.get_mut(at) {
            *entry = Entry { likeness: Some(likeness), at: now, before: *latest };
            *latest = self.count;
        }
    }
}
