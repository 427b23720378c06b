//! Live orders by venue reference: open addressing, linear probing, at most half full, no
//! tombstones.
//!
//! References rise, so that four that follow each other share a cache line: an order that came a
//! moment ago, which most changes are about, lies in a line that was just written.
#![forbid(unsafe_code)]

use shm::arena::Arena;
use shm::ids::InstrumentId;
use shm::map::prefetch_write;
use shm::message::Side;
use shm::units::{Price, Qty};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// An entry holds the low bits of a reference, and which of the upper parts seen so far it has.
const LOW_BITS: u32 = 40;
/// Upper parts that can be told apart. A venue counts its orders of a day: one or two is usual.
const UPPERS_MAX: usize = 8;
/// Instruments at most: 20 bits.
pub(super) const INSTRUMENTS_MAX: usize = 1 << 20;
/// Consecutive references that share a line.
const GROUP: u64 = 4;

/// A live order as the venue displays it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whose book it rests in.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its display price.
    pub px: Price,
    /// What is left of it, more than 0.
    pub qty: Qty,
}

/// The same in the venue's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resting {
    /// Below [`INSTRUMENTS_MAX`].
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    /// In ten-thousandths.
    pub(super) px: u32,
    /// More than 0.
    pub(super) shares: u32,
}

impl Resting {
    #[inline]
    pub(super) const fn order(&self) -> Order {
        Order {
            instrument: self.instrument,
            side: self.side,
            px: Price::from_price4(self.px),
            qty: Qty::from_shares(self.shares),
        }
    }
}

/// Why an order was not taken; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The reference is live already.
    Duplicate,
    /// The table holds as many orders as it was made for.
    Full,
    /// One upper part of references too many.
    Spread,
}

/// 16 bytes: four to a cache line.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Entry {
    /// From the top: which upper part 3 bits, low part of the reference 40, instrument 20, side 1
    /// (0 buy, 1 sell).
    key: u64,
    px: u32,
    /// 0 marks a free entry: no live order has none left.
    shares: u32,
}

const _: () = assert!(size_of::<Entry>() == 16);

impl Entry {
    const FREE: Self = Self { key: 0, px: 0, shares: 0 };

    /// The reference in 43 bits.
    #[inline]
    const fn short_ref(&self) -> u64 {
        self.key >> 21
    }

    #[inline]
    const fn resting(&self) -> Resting {
        Resting {
            instrument: InstrumentId((self.key >> 1) as u32 & (INSTRUMENTS_MAX as u32 - 1)),
            side: if self.key & 1 == 0 { Side::Buy } else { Side::Sell },
            px: self.px,
            shares: self.shares,
        }
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct OrderTable {
    entries: Arena<Entry>,
    groups: u64,
    live: usize,
    live_max: usize,
    /// Upper parts of references, in the order seen.
    uppers: [u64; UPPERS_MAX],
    uppers_used: usize,
}

impl OrderTable {
    /// Room for `live_max` orders, in 32 bytes each.
    pub(super) fn new(live_max: usize) -> Self {
        let groups = (live_max * 2).div_ceil(GROUP as usize).max(1);
        Self {
            entries: Arena::zeroed(groups * GROUP as usize),
            groups: groups as u64,
            live: 0,
            live_max,
            uppers: [0; UPPERS_MAX],
            uppers_used: 1,
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.live = 0;
        self.uppers_used = 1;
    }

    /// The reference in 43 bits; `None` if its upper part was not seen.
    #[inline]
    fn shorten(&self, order_ref: u64) -> Option<u64> {
        let upper = order_ref >> LOW_BITS;
        if upper == 0 { Some(order_ref) } else { self.shorten_large(order_ref, upper) }
    }

    #[cold]
    fn shorten_large(&self, order_ref: u64, upper: u64) -> Option<u64> {
        let seen = self.uppers.get(..self.uppers_used)?;
        let which = seen.iter().position(|seen| *seen == upper)? as u64;
        Some(which << LOW_BITS | order_ref & ((1 << LOW_BITS) - 1))
    }

    /// The whole reference of an entry.
    #[inline]
    fn whole_ref(&self, entry: &Entry) -> u64 {
        let short = entry.short_ref();
        let upper = self.uppers.get((short >> LOW_BITS) as usize).copied().unwrap_or_default();
        upper << LOW_BITS | short & ((1 << LOW_BITS) - 1)
    }

    /// Notes the upper part of a reference. False when it is one too many.
    #[cold]
    fn note_upper(&mut self, order_ref: u64) -> bool {
        let place = self.uppers.get_mut(self.uppers_used);
        place.is_some_and(|place| {
            *place = order_ref >> LOW_BITS;
            self.uppers_used += 1;
            true
        })
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.entries)
    }

    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// The index a reference belongs to: its group by a multiplier that spreads neighbours evenly,
    /// its place in the group by its low bits.
    #[inline]
    const fn home(&self, order_ref: u64) -> usize {
        let spread = (order_ref / GROUP).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let group = (spread as u128 * self.groups as u128) >> 64;
        (group as u64 * GROUP + order_ref % GROUP) as usize
    }

    /// Asks for the line a reference belongs to.
    #[inline]
    pub(super) fn prefetch(&self, order_ref: u64) {
        if let Some(entry) = self.entries.get(self.home(order_ref)) {
            prefetch_write(entry);
        }
    }

    /// The order, if it is where its reference belongs; to be used as a hint.
    #[inline]
    pub(super) fn at_home(&self, order_ref: u64) -> Option<Resting> {
        let entry = self.entries.get(self.home(order_ref))?;
        (Some(entry.short_ref()) == self.shorten(order_ref)).then(|| entry.resting())
    }

    /// The index of a live order.
    #[inline]
    pub(super) fn find(&self, order_ref: u64) -> Option<usize> {
        let short = self.shorten(order_ref)?;
        let mut at = self.home(order_ref);
        // Ends: at most half of the entries are used.
        loop {
            let entry = self.entries.get(at)?;
            if entry.shares == 0 {
                return None;
            }
            if entry.short_ref() == short {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.entries.len() { 0 } else { at + 1 }
    }

    /// The order at an index that [`find`](Self::find) gave.
    #[inline]
    pub(super) fn order(&self, at: usize) -> Option<Resting> {
        self.entries.get(at).filter(|entry| entry.shares != 0).map(Entry::resting)
    }

    /// Takes a new order; its shares are more than 0.
    #[inline]
    pub(super) fn insert(&mut self, order_ref: u64, order: Resting) -> Result<(), Refused> {
        debug_assert!(order.shares > 0);
        let short = match self.shorten(order_ref) {
            Some(short) => short,
            None if self.note_upper(order_ref) => self.shorten(order_ref).ok_or(Refused::Spread)?,
            None => return Err(Refused::Spread),
        };
        let mut at = self.home(order_ref);
        while let Some(entry) = self.entries.get_mut(at) {
            if entry.shares == 0 {
                if self.live == self.live_max {
                    return Err(Refused::Full);
                }
                let side = (order.side == Side::Sell) as u64;
                let key = short << 21 | u64::from(order.instrument.0) << 1 | side;
                *entry = Entry { key, px: order.px, shares: order.shares };
                self.live += 1;
                return Ok(());
            }
            if entry.short_ref() == short {
                return Err(Refused::Duplicate);
            }
            at = self.after(at);
        }
        Err(Refused::Full)
    }

    /// Sets what is left of the order at an index; 0 removes it, and the index is no longer its
    /// own.
    #[inline]
    pub(super) fn set_shares(&mut self, at: usize, shares: u32) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.shares = shares;
            if shares == 0 {
                *entry = Entry::FREE;
                self.close_hole(at);
            }
        }
    }

    /// Moves later entries of the run back, so that no search ends at the hole too early.
    #[inline]
    fn close_hole(&mut self, mut hole: usize) {
        self.live -= 1;
        let len = self.entries.len();
        let mut at = hole;
        loop {
            at = self.after(at);
            let Some(entry) = self.entries.get(at).copied() else { return };
            if entry.shares == 0 {
                return;
            }
            // It may fill the hole unless its home lies cyclically in (hole, at].
            let distance = |from: usize| if at >= from { at - from } else { at + len - from };
            if distance(self.home(self.whole_ref(&entry))) >= distance(hole) {
                if let Some(target) = self.entries.get_mut(hole) {
                    *target = entry;
                }
                if let Some(source) = self.entries.get_mut(at) {
                    *source = Entry::FREE;
                }
                hole = at;
            }
        }
    }
}
