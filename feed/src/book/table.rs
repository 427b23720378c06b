//! Live orders by venue reference: open addressing, linear probing, at most half full, no
//! tombstones.
#![forbid(unsafe_code)]

use shm::ids::InstrumentId;
use shm::message::Side;
use shm::units::{Price, Qty};

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

/// Why an order was not taken; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The reference is live already.
    Duplicate,
    /// The table holds as many orders as it was made for.
    Full,
}

/// 32 bytes: two to a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Entry {
    order_ref: u64,
    px: i64,
    /// 0 marks a free entry: no live order has none left.
    qty: i64,
    instrument: u32,
    /// 1 buy, 2 sell.
    side: u32,
}

const _: () = assert!(size_of::<Entry>() == 32);

impl Entry {
    const FREE: Self = Self { order_ref: 0, px: 0, qty: 0, instrument: 0, side: 0 };

    const fn order(&self) -> Order {
        Order {
            instrument: InstrumentId(self.instrument),
            side: if self.side == Side::Buy as u32 { Side::Buy } else { Side::Sell },
            px: Price(self.px),
            qty: Qty(self.qty),
        }
    }
}

/// The table. Its length is a power of two.
#[derive(Debug)]
pub(super) struct OrderTable {
    entries: Box<[Entry]>,
    shift: u32,
    live: usize,
    live_max: usize,
}

impl OrderTable {
    /// Room for `live_max` orders.
    pub(super) fn new(live_max: usize) -> Self {
        let length = (live_max * 2).next_power_of_two().max(2);
        let shift = 64 - length.trailing_zeros();
        let mut table =
            Self { entries: vec![Entry::FREE; length].into(), shift, live: 0, live_max };
        table.clear();
        table
    }

    /// Forgets all. Writes to every entry, so that each page is there before the first message.
    pub(super) fn clear(&mut self) {
        for entry in &mut self.entries {
            *entry = core::hint::black_box(Entry::FREE);
        }
        self.live = 0;
    }

    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// Where the reference belongs. References rise by small steps: the multiplier spreads them
    /// evenly.
    #[inline]
    const fn home(&self, order_ref: u64) -> usize {
        (order_ref.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// The index of a live order.
    #[inline]
    pub(super) fn find(&self, order_ref: u64) -> Option<usize> {
        let mask = self.entries.len() - 1;
        let mut at = self.home(order_ref);
        // Ends: at most half of the entries are used.
        loop {
            let entry = self.entries.get(at)?;
            if entry.qty == 0 {
                return None;
            }
            if entry.order_ref == order_ref {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// The order at an index that [`find`](Self::find) gave.
    #[inline]
    pub(super) fn order(&self, at: usize) -> Option<Order> {
        self.entries.get(at).filter(|entry| entry.qty != 0).map(Entry::order)
    }

    /// Takes a new order; its quantity is more than 0.
    #[inline]
    pub(super) fn insert(&mut self, order_ref: u64, order: Order) -> Result<(), Refused> {
        debug_assert!(order.qty.0 > 0);
        let mask = self.entries.len() - 1;
        let mut at = self.home(order_ref);
        while let Some(entry) = self.entries.get_mut(at) {
            if entry.qty == 0 {
                if self.live == self.live_max {
                    return Err(Refused::Full);
                }
                *entry = Entry {
                    order_ref,
                    px: order.px.0,
                    qty: order.qty.0,
                    instrument: order.instrument.0,
                    side: order.side as u32,
                };
                self.live += 1;
                return Ok(());
            }
            if entry.order_ref == order_ref {
                return Err(Refused::Duplicate);
            }
            at = (at + 1) & mask;
        }
        Err(Refused::Full)
    }

    /// Sets what is left of the order at an index; 0 removes it, and the index is no longer its
    /// own.
    #[inline]
    pub(super) fn set_qty(&mut self, at: usize, qty: Qty) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.qty = qty.0;
            if qty.0 == 0 {
                self.close_hole(at);
            }
        }
    }

    /// Moves later entries of the run back, so that no search ends at the hole too early.
    fn close_hole(&mut self, mut hole: usize) {
        self.live -= 1;
        let mask = self.entries.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(entry) = self.entries.get(at).copied() else { return };
            if entry.qty == 0 {
                return;
            }
            // It may fill the hole unless its home lies cyclically in (hole, at].
            let from_home = at.wrapping_sub(self.home(entry.order_ref)) & mask;
            let from_hole = at.wrapping_sub(hole) & mask;
            if from_home >= from_hole {
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
