//! What has been said of orders, once each: executions with their corrections and undoings,
//! cancels, and what a status told. A fixed ring of the latest ones over all orders, found by
//! (chain, kind, number) through an open-addressed index.
//!
//! An execution and its corrections make a line: each correction names the one before it. What
//! counts of a line is what its last one says, once the first has come, unless one of them was
//! undone. So neither the order in which they come nor their repetition matters.
//!
//! Bound: a repeat is recognized, and an undoing finds its fill, while fewer than `capacity` others
//! have come since. Older ones are forgotten: a repeat of them would count again, an undoing of
//! them is [`super::Signs::UNKNOWN_EXEC`].

use shm::ids::ClOrdId;
use shm::units::{Price, Qty};

/// What a fact is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum FactKind {
    /// An execution or a correction of one; its number is the execution id.
    #[default]
    Fill = 1,
    /// A cancel; its number is the sequence of its report.
    Cancel = 2,
    /// The highest filled quantity that a status told; its number is 0.
    Told = 3,
}

/// One execution, cancel or status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// First id of the order's chain.
    pub root: ClOrdId,
    /// Execution id, or sequence of the report.
    pub number: u64,
    /// The execution that this one corrects, 0 for none.
    pub previous: u64,
    /// The execution that corrects this one, 0 for none.
    pub next: u64,
    /// Price said.
    pub px: Price,
    /// Quantity said.
    pub qty: Qty,
    /// Of the first of a line, and of a status: the price that the position has.
    pub applied_px: Price,
    /// The quantity that order and position have of it.
    pub applied_qty: Qty,
    /// What that did to the cost of the position; its undoing takes this back.
    pub cost: i128,
    /// Sequence of the report that said it.
    pub seq: u32,
    /// Sequence of the report that undid it.
    pub broken_seq: u32,
    /// Sequence of the report that corrected it.
    pub next_seq: u32,
    /// The fact of the same order inserted before this one: its number + 1, low 32 bits; 0 for
    /// none.
    pub before: u32,
    /// What it is of.
    pub kind: FactKind,
    /// Of [`SAID`](Self::SAID) and the like.
    pub marks: u8,
    /// The venue's liquidity code.
    pub liquidity: u8,
    /// That of what was applied.
    pub applied_liquidity: u8,
}

impl Fact {
    /// Its own report has come; without it others have spoken of it.
    pub const SAID: u8 = 1;
    /// It was undone.
    pub const BROKEN: u8 = 1 << 1;
    /// The undoing said that its quantity works again.
    pub const RETURNS: u8 = 1 << 2;
    /// Of the first of a line: the order's filled quantity and the position have it.
    pub const LIVE: u8 = 1 << 4;
    /// Of the first of a line: the order's undone quantity has it.
    pub const UNDONE: u8 = 1 << 5;

    /// Whether a mark is set.
    #[must_use]
    pub const fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }
}

/// What a line of executions amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: its first execution has not come.
    Held,
    /// It stands as its last correction says.
    Live {
        /// Price.
        px: Price,
        /// Quantity.
        qty: Qty,
        /// Liquidity code.
        liquidity: u8,
    },
    /// It was undone; the quantity that was, unless it works again.
    Undone {
        /// Quantity that does not come back.
        qty: Qty,
    },
}

/// Where a fact lies. Valid until the next insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactAt(usize);

/// Corrections of one execution that are followed.
const LINE_MAX: usize = 64;

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
            (root.0 ^ number.rotate_left(29) ^ kind as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & (self.index.len() - 1)
    }

    fn home(&self, fact: &Fact) -> usize {
        self.bucket(fact.root, fact.kind, fact.number)
    }

    /// Finds a fact.
    #[must_use]
    pub fn find(&self, root: ClOrdId, kind: FactKind, number: u64) -> Option<FactAt> {
        let mut at = self.bucket(root, kind, number);
        for _ in 0..self.index.len() {
            let place = (*self.index.get(at)?).checked_sub(1)? as usize;
            let fact = self.ring.get(place)?;
            if fact.root == root && fact.number == number && fact.kind == kind {
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

    /// Adds a fact that is not there, forgetting the oldest if the ring is full. `latest` is the
    /// order's mark of its latest fact, which becomes this one.
    pub fn insert(&mut self, mut fact: Fact, latest: &mut u32) -> FactAt {
        let place = (self.inserted % self.ring.len() as u64) as usize;
        if self.inserted >= self.ring.len() as u64 {
            self.forget(place);
        }
        fact.before = *latest;
        self.inserted += 1;
        *latest = self.inserted as u32;
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

    /// The first of the line that a fact is in; `None` when its corrections name each other in a
    /// circle, or are more than can be followed, or the first is forgotten.
    #[must_use]
    pub fn first_of(&self, at: FactAt) -> Option<FactAt> {
        let mut at = at;
        for _ in 0..LINE_MAX {
            let fact = self.get(at)?;
            if fact.previous == 0 {
                return Some(at);
            }
            at = self.find(fact.root, FactKind::Fill, fact.previous)?;
        }
        None
    }

    /// What a line amounts to as of the report with sequence `until`; `first` is its first.
    #[must_use]
    pub fn standing(&self, first: FactAt, until: u32) -> Standing {
        let Some(mut last) = self.get(first).filter(|fact| fact.is(Fact::SAID)) else {
            return Standing::Held;
        };
        if last.seq > until {
            return Standing::Held;
        }
        let (mut broken, mut returns) = (false, false);
        for _ in 0..LINE_MAX {
            if last.is(Fact::BROKEN) && last.broken_seq <= until {
                broken = true;
                returns |= last.is(Fact::RETURNS);
            }
            let next = (last.next != 0).then(|| self.find(last.root, FactKind::Fill, last.next));
            let next = next.flatten().and_then(|at| self.get(at));
            match next.filter(|next| next.is(Fact::SAID) && next.seq <= until) {
                Some(next) => last = next,
                None => break,
            }
        }
        match (broken, returns) {
            (false, _) => Standing::Live { px: last.px, qty: last.qty, liquidity: last.liquidity },
            (true, false) => Standing::Undone { qty: last.qty },
            (true, true) => Standing::Undone { qty: Qty::ZERO },
        }
    }

    /// What of an order's fills stood as of the report with sequence `until`, going back from its
    /// latest fact; `None` when some of them are forgotten.
    #[must_use]
    pub fn filled_until(&self, root: ClOrdId, latest: u32, until: u32) -> Option<Qty> {
        let (mut sum, mut mark) = (0_i64, latest);
        while let Some(back) = mark.checked_sub(1) {
            let age = (self.inserted as u32).wrapping_sub(back).wrapping_sub(1);
            if u64::from(age) >= self.ring.len() as u64 || u64::from(age) >= self.inserted {
                return None;
            }
            let seq = self.inserted - 1 - u64::from(age);
            let place = FactAt((seq % self.ring.len() as u64) as usize);
            let fact = self.get(place).filter(|fact| fact.root == root)?;
            if fact.kind == FactKind::Fill
                && fact.previous == 0
                && let Standing::Live { qty, .. } = self.standing(place, until)
            {
                sum = sum.saturating_add(qty.0);
            }
            mark = fact.before;
        }
        Some(Qty(sum))
    }
}
