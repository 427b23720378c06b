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

/// The latest entry of a bucket.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Low half of its number + 1, 0 for none.
    number: u32,
    /// When, in steps of [`STEP`] that wrap: in most buckets it is long ago, and its entry need not
    /// be looked at.
    at: u32,
}

/// Bits of a time that a bucket leaves out: steps of 16 us, which wrap after 19 hours.
const STEP: u32 = 14;

impl Bucket {
    /// Whether its entry is at least `per` old for certain. Of what is less the steps, rounded
    /// down, differ by at most one more.
    #[inline(always)]
    const fn is_old(self, per: Nanos, now: Nanos) -> bool {
        let steps = ((now.0 >> STEP) as u32).wrapping_sub(self.at);
        steps as u64 > (per.0 >> STEP) + 1
    }
}

/// The ring.
#[derive(Clone, Debug)]
pub struct Repeats {
    ring: Box<[Entry]>,
    buckets: Box<[Bucket]>,
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
            buckets: vec![Bucket { number: 0, at: 0 }; (capacity * 2).next_power_of_two()].into(),
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

    /// Number + 1 of which a bucket has the low half; 0 for none. After 2^32 approvals an empty
    /// bucket, or one as old, may name one of another bucket: it is like none of this one.
    #[inline]
    const fn whole(&self, low: u32) -> u64 {
        let back = (self.count as u32).wrapping_sub(low) as u64;
        self.count.saturating_sub(back)
    }

    /// Tells of each approval within `per` before `now` that is remembered, the oldest first. Cold.
    pub fn within(&self, per: Nanos, now: Nanos, mut told: impl FnMut(&Likeness, Nanos)) {
        for number in self.count.saturating_sub(self.ring.len() as u64)..self.count {
            let Some(entry) = self.entry(number) else { continue };
            if let Some(likeness) = &entry.likeness
                && now.saturating_since(entry.at) < per
            {
                told(likeness, entry.at);
            }
        }
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
        let Some(bucket) = self.buckets.get(self.bucket(likeness)) else { return enough };
        if bucket.is_old(per, now) {
            return 0;
        }
        let mut number = self.whole(bucket.number);
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
        let Some(latest) = self.buckets.get_mut(bucket) else { return };
        let steps = (now.0 >> STEP) as u32;
        let last = core::mem::replace(
            latest,
            Bucket { number: (self.count as u32).wrapping_add(1), at: steps },
        );
        let before = self.whole(last.number);
        if let Some(entry) = self.ring.get_mut(at) {
            *entry = Entry { likeness: Some(likeness), at: now, before };
        }
        self.count += 1;
        self.next = if at + 1 < self.ring.len() { at + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(qty: i64) -> Likeness {
        let (account, instrument) = (AccountId(1), InstrumentId(2));
        Likeness { account, instrument, side: Side::Buy, px: Price(3), qty: Qty(qty) }
    }

    /// Goal: what is found in a window is what was pushed in it, also where numbers and times of
    /// buckets wrap. Method: 400 approvals of 5 kinds at uneven times over a list of all of them,
    /// from a number and a time just before each wraps, and from the beginning.
    #[test]
    fn a_window_holds_what_was_approved_in_it() {
        let wrap = 1 << (32 + STEP);
        let early = 1_000_000;
        for (count, begin) in
            [(0, 0), ((1 << 32) - 100, early), (0, wrap - 100_000), (1 << 40, wrap)]
        {
            let mut repeats = Repeats::new(64);
            repeats.count = count;
            repeats.next = (count % 64) as usize;
            let (mut now, mut all) = (Nanos(begin), Vec::new());
            for at in 0..400_u64 {
                now.0 += at * 7_919 % 30_011;
                let (mine, per) = (likeness((at * at % 5) as i64), Nanos(200_000));
                let inside = all.iter().filter(|(of, when): &&(Likeness, Nanos)| {
                    *of == mine && now.saturating_since(*when) < per
                });
                let expected = inside.count() as u32;
                assert_eq!(repeats.count(&mine, per, now, 9), expected.min(9), "{begin} {at}");
                repeats.push(mine, now);
                all.push((mine, now));
            }
        }
    }
}
