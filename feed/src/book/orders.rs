//! Books built from single orders, strictly: what cannot be is a fault, counted, and the book is
//! STALE.
#![forbid(unsafe_code)]

use super::ladder::{Level, LevelPool};
use super::table::{Order, OrderTable, Refused};
use super::{Sides, Top};
use shm::ids::InstrumentId;
use shm::message::Side;
use shm::units::{Price, Qty};

/// What cannot be on a whole feed. The book it happened to is STALE from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[must_use]
pub enum Fault {
    /// A new order under a reference that is live.
    DuplicateRef = 0,
    /// A change of an order that is not live.
    UnknownRef = 1,
    /// More executed or cancelled than was left. Nothing was subtracted.
    TooMuch = 2,
    /// The order is live in another instrument.
    OtherInstrument = 3,
    /// An order or a change of no quantity.
    NoQty = 4,
    /// A side that is neither buy nor sell.
    BadSide = 5,
    /// The order table is full: more live orders than it was made for.
    OrdersFull = 6,
    /// The level pool is full, or a level holds more than a quantity can say.
    LevelsFull = 7,
    /// An instrument beyond the table.
    NoInstrument = 8,
    /// A message of the sequence that could not be decoded: every book is suspect.
    Malformed = 9,
}

/// How often each [`Fault`] happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts([u64; 10]);

impl FaultCounts {
    /// Of one kind.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.0.get(fault as usize).copied().unwrap_or(0)
    }

    /// Of all kinds.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) fn count(&mut self, fault: Fault) {
        if let Some(count) = self.0.get_mut(fault as usize) {
            *count += 1;
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Book {
    sides: Sides,
    faulted: bool,
}

/// The by-order books of all instruments of one feed.
#[derive(Debug)]
pub struct OrderBooks {
    books: Box<[Book]>,
    orders: OrderTable,
    pool: LevelPool,
    faults: FaultCounts,
}

impl OrderBooks {
    /// Books for `instruments` instruments, `orders_max` live orders and `levels_max` levels in
    /// all. All memory is made and written here.
    #[must_use]
    pub fn new(instruments: usize, orders_max: usize, levels_max: usize) -> Self {
        let empty = Book { sides: Sides::EMPTY, faulted: false };
        Self {
            books: vec![empty; instruments].into(),
            orders: OrderTable::new(orders_max),
            pool: LevelPool::new(levels_max, instruments * 2),
            faults: FaultCounts::default(),
        }
    }

    /// Empties every book and forgives every fault; counts stay. For a new session, or before a
    /// rebuild.
    pub fn reset(&mut self) {
        for book in &mut self.books {
            *book = Book { sides: Sides::EMPTY, faulted: false };
        }
        self.orders.clear();
        self.pool.clear();
    }

    /// A new order. Whether the top changed.
    ///
    /// # Errors
    /// [`Fault`]: counted, the book is STALE, nothing else changed.
    #[inline]
    pub fn add(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
        side: Side,
        px: Price,
        qty: Qty,
    ) -> Result<bool, Fault> {
        if qty.0 <= 0 {
            return self.fault(instrument, Fault::NoQty);
        }
        let Some(book) = self.books.get_mut(instrument.index()) else {
            return self.fault(instrument, Fault::NoInstrument);
        };
        match self.orders.insert(order_ref, Order { instrument, side, px, qty }) {
            Ok(()) => {}
            Err(Refused::Full) => return self.fault(instrument, Fault::OrdersFull),
            Err(Refused::Duplicate) => return self.fault(instrument, Fault::DuplicateRef),
        }
        match book.sides.add(&mut self.pool, side, px, qty) {
            Ok(changed) => Ok(changed),
            Err(super::Full) => {
                // Without its level the order may not stay: a later cancel would find nothing.
                if let Some(at) = self.orders.find(order_ref) {
                    self.orders.set_qty(at, Qty::ZERO);
                }
                self.fault(instrument, Fault::LevelsFull)
            }
        }
    }

    /// `qty` less of an order, by execution or partial cancel. The order as it was, and whether the
    /// top changed.
    ///
    /// # Errors
    /// [`Fault`]: counted, the book is STALE, nothing else changed.
    #[inline]
    pub fn reduce(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
        qty: Qty,
    ) -> Result<(Order, bool), Fault> {
        if qty.0 <= 0 {
            return self.fault(instrument, Fault::NoQty);
        }
        self.subtract(instrument, order_ref, Some(qty))
    }

    /// All that is left of an order goes. The order as it was, and whether the top changed.
    ///
    /// # Errors
    /// [`Fault`]: counted, the book is STALE, nothing else changed.
    #[inline]
    pub fn remove(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
    ) -> Result<(Order, bool), Fault> {
        self.subtract(instrument, order_ref, None)
    }

    /// An order ends and another takes its place on the same side. Whether the top changed.
    ///
    /// # Errors
    /// [`Fault`]: counted, the book is STALE. If the old order was found it is gone even so.
    #[inline]
    pub fn replace(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
        new_order_ref: u64,
        px: Price,
        qty: Qty,
    ) -> Result<bool, Fault> {
        let before = self.top(instrument);
        let (old, _) = self.subtract(instrument, order_ref, None)?;
        self.add(instrument, new_order_ref, old.side, px, qty)?;
        Ok(self.top(instrument) != before)
    }

    fn subtract(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
        qty: Option<Qty>,
    ) -> Result<(Order, bool), Fault> {
        let Some((at, order)) =
            self.orders.find(order_ref).and_then(|at| Some((at, self.orders.order(at)?)))
        else {
            return self.fault(instrument, Fault::UnknownRef);
        };
        if order.instrument != instrument {
            let _ = self.fault::<()>(order.instrument, Fault::OtherInstrument);
            return self.fault(instrument, Fault::OtherInstrument);
        }
        let qty = qty.unwrap_or(order.qty);
        let Some(left) = order.qty.checked_sub(qty).filter(|left| left.0 >= 0) else {
            return self.fault(instrument, Fault::TooMuch);
        };
        let Some(book) = self.books.get_mut(instrument.index()) else {
            return self.fault(instrument, Fault::NoInstrument);
        };
        self.orders.set_qty(at, left);
        match book.sides.reduce(&mut self.pool, order.side, order.px, qty, left.0 == 0) {
            Some(changed) => Ok((order, changed)),
            None => self.fault(instrument, Fault::TooMuch),
        }
    }

    #[cold]
    pub(super) fn fault<T>(&mut self, instrument: InstrumentId, fault: Fault) -> Result<T, Fault> {
        self.faults.count(fault);
        if let Some(book) = self.books.get_mut(instrument.index()) {
            book.faulted = true;
        }
        Err(fault)
    }

    /// Marks every book as faulted: something of the sequence was lost, and nobody knows whose.
    pub(super) fn fault_all(&mut self, fault: Fault) {
        self.faults.count(fault);
        for book in &mut self.books {
            book.faulted = true;
        }
    }

    /// Best bid and ask; empty for an instrument beyond the table.
    #[must_use]
    #[inline]
    pub fn top(&self, instrument: InstrumentId) -> Top {
        self.books.get(instrument.index()).map_or(Top::EMPTY, |book| book.sides.top)
    }

    /// Levels of one side, best first.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> {
        let sides = self.books.get(instrument.index()).map_or(Sides::EMPTY, |book| book.sides);
        sides.levels(&self.pool, side)
    }

    /// How many levels one side has.
    #[must_use]
    pub fn level_count(&self, instrument: InstrumentId, side: Side) -> u32 {
        self.books.get(instrument.index()).map_or(0, |book| match side {
            Side::Buy => book.sides.bids.levels(),
            Side::Sell => book.sides.asks.levels(),
        })
    }

    /// Hash of the ten best levels of both sides; see [`super::hash_levels`].
    #[must_use]
    pub fn hash(&self, instrument: InstrumentId) -> u64 {
        let pair = |level: Level| (level.px, level.qty);
        super::hash_levels(
            self.levels(instrument, Side::Buy).map(pair),
            self.levels(instrument, Side::Sell).map(pair),
        )
    }

    /// A live order.
    #[must_use]
    pub fn order(&self, order_ref: u64) -> Option<Order> {
        self.orders.find(order_ref).and_then(|at| self.orders.order(at))
    }

    /// Live orders of all books.
    #[must_use]
    pub const fn live_orders(&self) -> usize {
        self.orders.live()
    }

    /// Level chunks (of up to 32 levels) not in use.
    #[must_use]
    pub const fn free_chunks(&self) -> u32 {
        self.pool.free_chunks()
    }

    /// Whether the book met a fault since the last reset.
    #[must_use]
    pub fn is_faulted(&self, instrument: InstrumentId) -> bool {
        self.books.get(instrument.index()).is_some_and(|book| book.faulted)
    }

    /// Faults by kind.
    #[must_use]
    pub const fn faults(&self) -> &FaultCounts {
        &self.faults
    }

    /// How many instruments there are books for.
    #[must_use]
    pub const fn instruments(&self) -> usize {
        self.books.len()
    }
}
