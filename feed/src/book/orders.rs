//! Books built from single orders, strictly: what cannot be is a fault, counted, and the book is
//! STALE.
#![forbid(unsafe_code)]

use super::Top;
use super::instrument::{Book, Depth, index};
use super::ladder::{Level, LevelPool};
use super::table::{INSTRUMENTS_MAX, Order, OrderTable, Refused, Resting};
use super::window::{ORDERS_MAX, Window};
use shm::arena::Arena;
use shm::ids::InstrumentId;
use shm::map::prefetch_write;
use shm::message::Side;

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
    /// A new order under a reference whose upper 24 bits are a ninth value since the last reset.
    RefSpread = 10,
}

/// How often each [`Fault`] happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts([u64; 11]);

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

/// The by-order books of all instruments of one feed, in the venue's units: prices in
/// ten-thousandths, quantities in shares.
#[derive(Debug)]
pub struct OrderBooks {
    books: Box<[Book]>,
    /// By instrument: bids, asks.
    windows: Arena<[Window; 2]>,
    orders: OrderTable,
    pool: LevelPool,
    faults: FaultCounts,
}

impl OrderBooks {
    /// Books for `instruments` instruments (2^20 at most, about 8.4 KB each), `orders_max` live
    /// orders (2^24 - 1 at most, 32 bytes each), and `levels_max` levels (about 90 bytes each) in
    /// all outside of the windows of 512 ticks near the best prices. All memory is made and written
    /// here.
    ///
    /// # Panics
    /// Beyond these numbers.
    #[must_use]
    pub fn new(instruments: usize, orders_max: usize, levels_max: usize) -> Self {
        assert!(instruments <= INSTRUMENTS_MAX, "too many instruments");
        assert!(orders_max <= ORDERS_MAX, "too many orders");
        Self {
            books: vec![Book::EMPTY; instruments].into(),
            windows: Arena::zeroed(instruments),
            orders: OrderTable::new(orders_max),
            pool: LevelPool::new(levels_max, instruments * 2),
            faults: FaultCounts::default(),
        }
    }

    /// Empties every book and forgives every fault; counts stay. For a new session, or before a
    /// rebuild.
    pub fn reset(&mut self) {
        self.books.fill(Book::EMPTY);
        self.windows.clear();
        self.orders.clear();
        self.pool.clear();
    }

    /// Bytes of all tables: what was made at creation, of which no more is ever used.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.books)
            + size_of_val(&*self.windows)
            + self.orders.bytes()
            + self.pool.bytes()
    }

    /// The book of an instrument and where its side keeps its levels.
    #[inline]
    fn book(&mut self, instrument: InstrumentId, side: Side) -> Option<(&mut Book, Depth<'_>)> {
        let book = self.books.get_mut(instrument.index())?;
        let window = self.windows.get_mut(instrument.index())?.get_mut(index(side))?;
        Some((book, Depth { window, pool: &mut self.pool }))
    }

    /// A new order at `px` ten-thousandths. Whether the top changed.
    ///
    /// # Errors
    /// [`Fault`]: counted, the book is STALE, nothing else changed.
    #[inline]
    pub fn add(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
        side: Side,
        px: u32,
        shares: u32,
    ) -> Result<bool, Fault> {
        if shares == 0 {
            return self.fault(instrument, Fault::NoQty);
        }
        if instrument.index() >= self.books.len() {
            return self.fault(instrument, Fault::NoInstrument);
        }
        match self.orders.insert(order_ref, Resting { instrument, side, px, shares }) {
            Ok(()) => {}
            Err(Refused::Full) => return self.fault(instrument, Fault::OrdersFull),
            Err(Refused::Duplicate) => return self.fault(instrument, Fault::DuplicateRef),
            Err(Refused::Spread) => return self.fault(instrument, Fault::RefSpread),
        }
        match self.book(instrument, side).map(|(book, depth)| book.add(depth, side, px, shares)) {
            Some(Ok(changed)) => Ok(changed),
            _ => self.take_back(instrument, order_ref),
        }
    }

    /// Without its level an order may not stay: a later cancel would find nothing.
    #[cold]
    fn take_back(&mut self, instrument: InstrumentId, order_ref: u64) -> Result<bool, Fault> {
        if let Some(at) = self.orders.find(order_ref) {
            self.orders.set_shares(at, 0);
        }
        self.fault(instrument, Fault::LevelsFull)
    }

    /// `shares` less of an order, by execution or partial cancel. The order as it was, and whether
    /// the top changed.
    ///
    /// # Errors
    /// [`Fault`]: counted, the book is STALE, nothing else changed.
    #[inline]
    pub fn reduce(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
        shares: u32,
    ) -> Result<(Order, bool), Fault> {
        if shares == 0 {
            return self.fault(instrument, Fault::NoQty);
        }
        let (was, changed) = self.subtract(instrument, order_ref, Some(shares))?;
        Ok((was.order(), changed))
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
        let (was, changed) = self.subtract(instrument, order_ref, None)?;
        Ok((was.order(), changed))
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
        px: u32,
        shares: u32,
    ) -> Result<bool, Fault> {
        let before = self.books.get(instrument.index()).map(Book::best_of_both);
        let (old, _) = self.subtract(instrument, order_ref, None)?;
        self.add(instrument, new_order_ref, old.side, px, shares)?;
        Ok(self.books.get(instrument.index()).map(Book::best_of_both) != before)
    }

    #[inline]
    fn subtract(
        &mut self,
        instrument: InstrumentId,
        order_ref: u64,
        shares: Option<u32>,
    ) -> Result<(Resting, bool), Fault> {
        let Some((at, order)) =
            self.orders.find(order_ref).and_then(|at| Some((at, self.orders.order(at)?)))
        else {
            return self.fault(instrument, Fault::UnknownRef);
        };
        if order.instrument != instrument {
            let _ = self.fault::<()>(order.instrument, Fault::OtherInstrument);
            return self.fault(instrument, Fault::OtherInstrument);
        }
        let shares = shares.unwrap_or(order.shares);
        let Some(left) = order.shares.checked_sub(shares) else {
            return self.fault(instrument, Fault::TooMuch);
        };
        self.orders.set_shares(at, left);
        let Some((book, depth)) = self.book(instrument, order.side) else {
            return self.fault(instrument, Fault::NoInstrument);
        };
        match book.reduce(depth, order.side, order.px, shares, left == 0) {
            Some(changed) => Ok((order, changed)),
            None => self.fault(instrument, Fault::TooMuch),
        }
    }

    /// Asks for the line of an order and of the book of an instrument.
    #[inline]
    pub(super) fn prefetch_order(&self, instrument: InstrumentId, order_ref: u64) {
        self.orders.prefetch(order_ref);
        if let Some(book) = self.books.get(instrument.index()) {
            prefetch_write(book);
        }
    }

    /// The order of a reference, if it is where it belongs: a hint.
    #[inline]
    pub(super) fn order_at_home(&self, order_ref: u64) -> Option<Resting> {
        self.orders.at_home(order_ref)
    }

    /// Asks for the line of a level.
    #[inline]
    pub(super) fn prefetch_level(&self, instrument: InstrumentId, side: Side, px: u32) {
        let book = self.books.get(instrument.index());
        let windows = self.windows.get(instrument.index());
        if let Some(tick) = book.and_then(|book| book.tick_inside(side, px))
            && let Some(window) = windows.and_then(|windows| windows.get(index(side)))
            && let Some(cell) = window.cell_at(tick)
        {
            prefetch_write(cell);
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
        self.books.get(instrument.index()).map_or(Top::EMPTY, Book::top)
    }

    /// Levels of one side, best first.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> {
        let book = self.books.get(instrument.index());
        let window = self.windows.get(instrument.index()).and_then(|both| both.get(index(side)));
        let levels = book.zip(window).map(|(book, window)| book.levels(window, &self.pool, side));
        levels.into_iter().flatten()
    }

    /// How many levels one side has.
    #[must_use]
    pub fn level_count(&self, instrument: InstrumentId, side: Side) -> u32 {
        let book = self.books.get(instrument.index());
        let window = self.windows.get(instrument.index()).and_then(|both| both.get(index(side)));
        let count = |(book, window): (&Book, &Window)| book.level_count(window, &self.pool, side);
        book.zip(window).map_or(0, count)
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
        self.orders.find(order_ref).and_then(|at| self.orders.order(at)).map(|order| order.order())
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
