//! Which executions and cancels have been counted. A fixed ring of the latest ones over all orders,
//! found by (chain, kind, number) through an open-addressed index.
//!
//! Bound: a repeat is recognized, and a bust finds its fill, while fewer than `capacity` others
//! have come since. Older ones are forgotten: a repeat of them would count again, a bust of them is
//! [`super::Signs::UNKNOWN_EXEC`]. A venue session that delivers each message once needs none of
//! this; it guards resumed sessions and busts of the day.

use shm::ids::ClOrdId;
use shm::units::{Price, Qty};

/// What a fact is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum FactKind {
    /// An execution that stands; its number is the execution id.
    #[default]
    Fill = 1,
    /// An execution that was undone.
    Busted = 2,
    /// An undoing whose execution has not come yet.
    BustFirst = 3,
    /// A cancel; its number is the sequence of its report.
    Cancel = 4,
}

impl FactKind {
    /// Fills and their undoing share numbers, cancels have their own.
    const fn space(self) -> u64 {
        match self {
            Self::Fill | Self::Busted | Self::BustFirst => 0,
            Self::Cancel => 1,
        }
    }
}

/// One execution or cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// First id of the order's chain.
    pub root: ClOrdId,
    /// Execution id, or sequence of the report.
    pub number: u64,
    /// Price of a fill.
    pub px: Price,
    /// Quantity.
    pub qty: Qty,
    /// What the fill did to the cost of the position; its undoing takes this back.
    pub cost: i128,
    /// What it is of.
    pub kind: FactKind,
    /// The venue's liquidity code.
    pub liquidity: u8,
}

/// Where a fact lies. Valid until the next insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactAt(usize);

/// The ring and its index.
#[derive(Clone, Debug)]
pub struct Facts {
    ring: Box<[Fact]>,
    /// Facts ever inserted; the next goes to `inserted % capacity`.
    inserted: u64,
    /// Ring positions + 1 by hash, linear probing; 0 is free. At most half full.
    index: Box<[u32]>,
}

impl Facts {
    /// Remembers the latest `capacity` facts, in `1..=2^24`.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!((1..=1 << 24).contains(&capacity), "facts to remember out of range");
        let buckets = (capacity * 2).next_power_of_two();
        Self {
            ring: vec![Fact::default(); capacity].into(),
            inserted: 0,
            index: vec![0; buckets].into(),
        }
    }

    fn bucket(&self, root: ClOrdId, kind: FactKind, number: u64) -> usize {
        let mixed =
            (root.0 ^ number.rotate_left(29) ^ kind.space()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & (self.index.len() - 1)
    }

    fn home(&self, fact: &Fact) -> usize {
        self.bucket(fact.root, fact.kind, fact.number)
    }

    /// Finds a fact of the same space.
    #[must_use]
    pub fn find(&self, root: ClOrdId, kind: FactKind, number: u64) -> Option<FactAt> {
        let mut at = self.bucket(root, kind, number);
        for _ in 0..self.index.len() {
            let place = (*self.index.get(at)?).checked_sub(1)? as usize;
            let fact = self.ring.get(place)?;
            if fact.root == root && fact.number == number && fact.kind.space() == kind.space() {
                return Some(FactAt(place));
            }
            at = (at + 1) & (self.index.len() - 1);
        }
        None
    }

    /// The fact at a place.
    #[must_use]
    pub fn get(&self, at: FactAt) -> Option<&Fact> {
        self.ring.get(at.0)
    }

    /// The fact at a place, to change what is not part of its name.
    pub fn get_mut(&mut self, at: FactAt) -> Option<&mut Fact> {
        self.ring.get_mut(at.0)
    }

    /// Adds a fact that is not there, forgetting the oldest if the ring is full.
    pub fn insert(&mut self, fact: Fact) -> FactAt {
        let place = (self.inserted % self.ring.len() as u64) as usize;
        if self.inserted >= self.ring.len() as u64 {
            self.forget(place);
        }
        self.inserted += 1;
        let mut at = self.home(&fact);
        if let Some(row) = self.ring.get_mut(place) {
            *row = fact;
        }
        for _ in 0..self.index.len() {
            if let Some(bucket) = self.index.get_mut(at).filter(|bucket| **bucket == 0) {
                *bucket = place as u32 + 1;
                break;
            }
            at = (at + 1) & (self.index.len() - 1);
        }
        FactAt(place)
    }

    /// Takes a place out of the index and closes the gap behind it.
    fn forget(&mut self, place: usize) {
        let mask = self.index.len() - 1;
        let Some(fact) = self.ring.get(place) else { return };
        let mut gap = self.home(fact);
        for _ in 0..=mask {
            match self.index.get(gap) {
                Some(&held) if held == place as u32 + 1 => break,
                Some(0) | None => return,
                Some(_) => gap = (gap + 1) & mask,
            }
        }
        let mut at = gap;
        for _ in 0..=mask {
            at = (at + 1) & mask;
            let Some(held) = self.index.get(at).copied().filter(|&held| held != 0) else { break };
            let Some(fact) = self.ring.get(held as usize - 1) else { break };
            let home = self.home(fact);
            // It may move to the gap unless its home lies cyclically within (gap, at].
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                if let Some(bucket) = self.index.get_mut(gap) {
                    *bucket = held;
                }
                gap = at;
            }
        }
        if let Some(bucket) = self.index.get_mut(gap) {
            *bucket = 0;
        }
    }

    /// What is remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        let capacity = self.ring.len() as u64;
        let first = self.inserted.saturating_sub(capacity);
        (first..self.inserted).filter_map(move |seq| self.ring.get((seq % capacity) as usize))
    }
}
