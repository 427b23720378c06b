//! The embedded venue: fills approved orders against the live book, without a wire.
//!
//! ```text
//! Approved ──────────┐
//! BookTop, Trade ────┴─► Paper ─► next_report(): Accepted, Executed, Canceled, Replaced, ...
//! ```
//!
//! A pure function of its inputs in their order: no clock, no randomness, no allocation after the
//! start, so a replay of the journal gives the same reports. What it assumes is on the careful
//! side:
//!
//! - Only the best level is known. An order that meets it takes at most the quantity shown, at the
//!   price shown; the quantity shown counts once per book update, whoever of ours takes it.
//! - What does not fill at once rests (or is cancelled: IOC, FOK, market). A resting order fills at
//!   its own price: when the opposite best reaches it, up to the quantity shown; or when a trade
//!   prints through its price, or at its price after the queue ahead of it has traded, up to the
//!   quantity printed.
//! - The queue ahead is all that is shown at the price when the order joins, or when its price
//!   first becomes the best; it shrinks by prints, and to what is shown when that is less: those
//!   who cancel are taken to stand behind us.
//! - A stale, halted or crossed book fills nothing.
//! - A hidden order fills when it is reached or traded through, never by its turn at its price.
//! - An order with an expiry ends with the first input at or after it. There are no reserve orders.
//!
//! Reports are kept until taken with [`Paper::next_report`]; no input is taken before that.

mod fill;
mod orders;
mod request;

use orders::Orders;
use shm::ids::{ExecId, VenueOrdId};
use shm::message::{BookTop, ExecReport, Kind, Side, flags};
use shm::units::{Nanos, Price, Qty};

/// What a paper venue is made from.
#[derive(Clone, Copy, Debug)]
pub struct PaperConfig {
    /// Instruments, by dense id.
    pub instruments: usize,
    /// Open orders at once; the next is rejected.
    pub orders_max: u32,
    /// Slots of order ids: ids with a slot at or above it are rejected.
    pub slots: u32,
    /// The engine's start: venue and execution numbers of different starts differ (E7).
    pub epoch: u16,
}

/// Best level of an instrument, and how much of what is shown is left to take.
#[derive(Clone, Copy, Debug)]
struct Top {
    bid_px: Price,
    bid_qty: Qty,
    bid_left: Qty,
    ask_px: Price,
    ask_qty: Qty,
    ask_left: Qty,
    /// Neither stale, halted nor crossed.
    is_usable: bool,
}

impl Top {
    const UNKNOWN: Self = Self {
        bid_px: Price::NONE,
        bid_qty: Qty::ZERO,
        bid_left: Qty::ZERO,
        ask_px: Price::NONE,
        ask_qty: Qty::ZERO,
        ask_left: Qty::ZERO,
        is_usable: false,
    };

    const fn of(top: &BookTop) -> Self {
        Self {
            bid_px: top.bid_px,
            bid_qty: top.bid_qty,
            bid_left: top.bid_qty,
            ask_px: top.ask_px,
            ask_qty: top.ask_qty,
            ask_left: top.ask_qty,
            is_usable: top.flags & (flags::STALE | flags::HALT | flags::CROSSED) == 0,
        }
    }

    /// Price and what is left of the side that an order of `side` would take from; `None` when
    /// there is nothing to take.
    fn opposite(&self, side: Side) -> Option<(Price, Qty)> {
        let (px, left) = match side {
            Side::Buy => (self.ask_px, self.ask_left),
            Side::Sell => (self.bid_px, self.bid_left),
        };
        (self.is_usable && px.is_some() && left > Qty::ZERO).then_some((px, left))
    }

    /// Takes `qty`, at most what is left, from the side opposite to `side`.
    fn take(&mut self, side: Side, qty: Qty) {
        let left = match side {
            Side::Buy => &mut self.ask_left,
            Side::Sell => &mut self.bid_left,
        };
        *left = left.checked_sub(qty).unwrap_or(Qty::ZERO).max(Qty::ZERO);
    }

    /// Price and quantity shown on an order's own side.
    const fn own(&self, side: Side) -> (Price, Qty) {
        match side {
            Side::Buy => (self.bid_px, self.bid_qty),
            Side::Sell => (self.ask_px, self.ask_qty),
        }
    }
}

/// Whether a buy (sell) at `px` pays at least (asks at most) `other`.
fn reaches(side: Side, px: Price, other: Price) -> bool {
    match side {
        Side::Buy => px >= other,
        Side::Sell => px <= other,
    }
}

/// The embedded venue.
#[derive(Debug)]
pub struct Paper {
    tops: Box<[Top]>,
    orders: Orders,
    reports: Reports,
    /// Earliest expiry of an open order.
    next_expiry: Nanos,
}

impl Paper {
    /// Makes a venue. Cold: allocates.
    ///
    /// # Panics
    /// When `orders_max` or `slots` is 0.
    #[must_use]
    pub fn new(config: PaperConfig) -> Self {
        assert!(config.orders_max > 0 && config.slots > 0, "a venue holds orders");
        Self {
            tops: vec![Top::UNKNOWN; config.instruments].into_boxed_slice(),
            orders: Orders::new(config.instruments, config.orders_max, config.slots),
            reports: Reports::new(config.orders_max as usize + REPORTS_OF_A_REQUEST, config.epoch),
            next_expiry: orders::NEVER,
        }
    }

    /// Takes the next report; inputs are taken again once this is `None`.
    #[inline]
    pub fn next_report(&mut self) -> Option<ExecReport> {
        self.reports.pop()
    }

    /// Whether every report was taken, so that the next input will be.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.reports.count == 0
    }

    /// Orders open now.
    #[must_use]
    pub const fn open_count(&self) -> u32 {
        self.orders.count()
    }
}

/// Most reports that one approval causes: accepted or replaced, executed, the rest cancelled.
const REPORTS_OF_A_REQUEST: usize = 3;

/// Reports made and not yet taken. An input causes at most one for each open order and
/// [`REPORTS_OF_A_REQUEST`], and is taken only when the ring is empty: it never fills.
#[derive(Debug)]
struct Reports {
    ring: Box<[ExecReport]>,
    head: usize,
    count: usize,
    /// Upper 16 bits of venue and execution numbers.
    epoch: u64,
    orders_made: u64,
    executions_made: u64,
    /// Reports made so far: the venue's sequence.
    made: u64,
}

impl Reports {
    fn new(capacity: usize, epoch: u16) -> Self {
        Self {
            ring: vec![ExecReport::default(); capacity].into_boxed_slice(),
            head: 0,
            count: 0,
            epoch: u64::from(epoch) << 48,
            orders_made: 0,
            executions_made: 0,
            made: 0,
        }
    }

    fn next_venue_ord_id(&mut self) -> VenueOrdId {
        self.orders_made += 1;
        VenueOrdId(self.epoch | self.orders_made)
    }

    fn next_exec_id(&mut self) -> ExecId {
        self.executions_made += 1;
        ExecId(self.epoch | self.executions_made)
    }

    fn push(&mut self, kind: Kind, t0: Nanos, report: ExecReport) {
        self.made += 1;
        let place = (self.head + self.count).checked_rem(self.ring.len()).unwrap_or(0);
        if let Some(place) = self.ring.get_mut(place) {
            *place = ExecReport { kind: kind as u8, venue_seq: self.made as u32, t0, ..report };
            self.count += 1;
        }
        debug_assert!(self.count <= self.ring.len(), "a report was lost");
    }

    fn pop(&mut self) -> Option<ExecReport> {
        if self.count == 0 {
            return None;
        }
        let report = self.ring.get(self.head).copied();
        self.head = (self.head + 1).checked_rem(self.ring.len()).unwrap_or(0);
        self.count -= 1;
        report
    }
}

#[cfg(test)]
mod tests;
