//! Open orders of a fixed number: found by slot of the id, and listed by instrument and side, best
//! price first, then by time.

use super::reaches;
use shm::ids::{ClOrdId, InstrumentId, VenueOrdId};
use shm::message::Side;
use shm::units::{Nanos, Price, Qty};

/// No order.
pub(super) const NIL: u32 = u32::MAX;

/// The expiry of an order without one.
pub(super) const NEVER: Nanos = Nanos(u64::MAX);

/// One open order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) side: Side,
    pub(super) instrument: InstrumentId,
    pub(super) px: Price,
    /// More than 0.
    pub(super) leaves: Qty,
    /// Executed so far in the chain.
    pub(super) cum: Qty,
    /// Quantity before us at our price; `None` while our price was never the best.
    pub(super) ahead: Option<Qty>,
    pub(super) cl_ord_id: ClOrdId,
    /// The id that opened the chain.
    pub(super) first_id: ClOrdId,
    pub(super) venue_ord_id: VenueOrdId,
    /// When it ends by itself; [`NEVER`] for never.
    pub(super) expiry: Nanos,
    /// Not shown: everyone who shows stands before it at its price, now and later.
    pub(super) is_hidden: bool,
    /// The next in its list, or in the list of free rows; [`NIL`] at the end.
    pub(super) next: u32,
}

impl Order {
    pub(super) const FREE: Self = Self {
        side: Side::Buy,
        instrument: InstrumentId::NONE,
        px: Price::NONE,
        leaves: Qty::ZERO,
        cum: Qty::ZERO,
        ahead: None,
        cl_ord_id: ClOrdId::NONE,
        first_id: ClOrdId::NONE,
        venue_ord_id: VenueOrdId(0),
        expiry: NEVER,
        is_hidden: false,
        next: NIL,
    };
}

/// The open orders.
#[derive(Debug)]
pub(super) struct Orders {
    rows: Box<[Order]>,
    /// First free row.
    free: u32,
    count: u32,
    /// First row of each instrument's buys and sells.
    heads: Box<[[u32; 2]]>,
    /// Row of each slot, [`NIL`] when it has no open order.
    by_slot: Box<[u32]>,
}

impl Orders {
    pub(super) fn new(instruments: usize, orders_max: u32, slots: u32) -> Self {
        let rows = (0..orders_max).map(|row| {
            let next = if row + 1 == orders_max { NIL } else { row + 1 };
            Order { next, ..Order::FREE }
        });
        Self {
            rows: rows.collect(),
            free: 0,
            count: 0,
            heads: vec![[NIL; 2]; instruments].into_boxed_slice(),
            by_slot: vec![NIL; slots as usize].into_boxed_slice(),
        }
    }

    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) const fn is_full(&self) -> bool {
        self.free == NIL
    }

    /// Whether ids of this slot can be held.
    pub(super) fn has_slot(&self, id: ClOrdId) -> bool {
        (id.slot() as usize) < self.by_slot.len()
    }

    pub(super) fn get(&self, row: u32) -> Option<&Order> {
        self.rows.get(row as usize)
    }

    /// An open order whose time has come by `now`.
    pub(super) fn expired(&self, now: Nanos) -> Option<u32> {
        let found = self.rows.iter().position(|order| order.expiry <= now)?;
        u32::try_from(found).ok()
    }

    /// The earliest expiry of an open order.
    pub(super) fn next_expiry(&self) -> Nanos {
        self.rows.iter().map(|order| order.expiry).min().unwrap_or(NEVER)
    }

    pub(super) fn get_mut(&mut self, row: u32) -> Option<&mut Order> {
        self.rows.get_mut(row as usize)
    }

    /// The row after this one in its list.
    pub(super) fn after(&self, row: u32) -> u32 {
        self.get(row).map_or(NIL, |order| order.next)
    }

    /// The best row of a side.
    pub(super) fn first(&self, instrument: InstrumentId, side: Side) -> u32 {
        let Some([buys, sells]) = self.heads.get(instrument.index()) else { return NIL };
        match side {
            Side::Buy => *buys,
            Side::Sell => *sells,
        }
    }

    /// The open order whose chain `id` belongs to.
    pub(super) fn find(&self, id: ClOrdId) -> Option<u32> {
        let row = *self.by_slot.get(id.slot() as usize)?;
        let order = self.get(row)?;
        let is_same_table = id.0 >> 20 == order.first_id.0 >> 20;
        (is_same_table && id >= order.first_id).then_some(row)
    }

    /// Whether the slot of an id holds an open order.
    pub(super) fn is_open(&self, id: ClOrdId) -> bool {
        self.by_slot.get(id.slot() as usize).is_some_and(|row| *row != NIL)
    }

    /// Adds an order behind those of its price. False when no row is free; nothing is added then.
    pub(super) fn insert(&mut self, order: Order) -> bool {
        let row = self.free;
        let Some(place) = self.rows.get_mut(row as usize) else { return false };
        self.free = place.next;
        *place = order;
        self.count += 1;
        if let Some(slot) = self.by_slot.get_mut(order.cl_ord_id.slot() as usize) {
            *slot = row;
        }
        let mut before = NIL;
        let mut here = self.first(order.instrument, order.side);
        // Bounded by the rows of the list.
        while let Some(other) = self.get(here) {
            if !reaches(order.side, other.px, order.px) {
                break;
            }
            before = here;
            here = other.next;
        }
        self.link(order.instrument, order.side, before, row);
        if let Some(place) = self.rows.get_mut(row as usize) {
            place.next = here;
        }
        true
    }

    /// Takes an order out; its row is free.
    pub(super) fn remove(&mut self, row: u32) {
        let Some(&order) = self.get(row) else { return };
        let mut before = NIL;
        let mut here = self.first(order.instrument, order.side);
        // Bounded by the rows of the list.
        while here != row && here != NIL {
            before = here;
            here = self.after(here);
        }
        if here == NIL {
            return;
        }
        self.link(order.instrument, order.side, before, order.next);
        if let Some(slot) = self.by_slot.get_mut(order.cl_ord_id.slot() as usize) {
            *slot = NIL;
        }
        if let Some(place) = self.rows.get_mut(row as usize) {
            *place = Order { next: self.free, ..Order::FREE };
            self.free = row;
            self.count -= 1;
        }
    }

    /// Makes `row` follow `before`, or lead its list when `before` is [`NIL`].
    fn link(&mut self, instrument: InstrumentId, side: Side, before: u32, row: u32) {
        if let Some(order) = self.rows.get_mut(before as usize) {
            order.next = row;
        } else if let Some([buys, sells]) = self.heads.get_mut(instrument.index()) {
            match side {
                Side::Buy => *buys = row,
                Side::Sell => *sells = row,
            }
        }
    }
}
