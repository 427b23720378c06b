//! ITCH 5.0 applied to by-order books, in one pass: decode, apply, say what changed.
//!
//! Source: ITCH 5.0, sections 4.2 to 4.5; book building rules.
#![forbid(unsafe_code)]

use super::applied::{Applied, BooksConfig, Print, StaleCause, TradingState};
use super::orders::{Fault, FaultCounts, OrderBooks};
use super::{Level, Top};
use crate::codec::itch50::{
    AddOrder, AddOrderMpid, BrokenTrade, Counts, CrossTrade, Decoder, Head, Listener,
    OperationalHalt, OrderCancel, OrderDelete, OrderExecuted, OrderExecutedPrice, OrderReplace,
    StockDirectory, SystemEvent, Trade, TradingAction,
};
use crate::moldudp64::Event;
use shm::ids::{ExecId, InstrumentId, Symbol};
use shm::message::{Side, flags};
use shm::units::{Nanos, Price, Qty};
use zerocopy::big_endian::U16;

#[derive(Clone, Copy, Debug)]
struct Trading {
    state: TradingState,
    /// Halted at this venue alone (`h`).
    venue_halt: bool,
}

impl Trading {
    const START: Self = Self { state: TradingState::Halted, venue_halt: false };

    const fn is_halted(self) -> bool {
        self.venue_halt || !matches!(self.state, TradingState::Trading)
    }
}

/// The by-order books of one ITCH feed, with locates bound at run time by `R` and trading states.
#[derive(Debug)]
pub struct ItchBooks {
    decoder: Decoder,
    feed: Feed,
}

/// All but the counts of messages.
#[derive(Debug)]
struct Feed {
    books: OrderBooks,
    /// By locate.
    instruments: Box<[InstrumentId]>,
    /// Sorted by symbol.
    symbols: Box<[(Symbol, InstrumentId)]>,
    /// By instrument.
    trading: Box<[Trading]>,
    market: u8,
    stale: u8,
    latest_ts: u64,
    time_backwards: u64,
    not_ours: u64,
}

/// One message, and what it has done so far.
struct Act<'a> {
    feed: &'a mut Feed,
    applied: Applied,
}

impl ItchBooks {
    /// Books for the instruments of `symbols` (ids in `0..instruments`). All memory is made and
    /// written here.
    #[must_use]
    pub fn new(
        config: BooksConfig,
        instruments: usize,
        symbols: impl IntoIterator<Item = (Symbol, InstrumentId)>,
    ) -> Self {
        let mut symbols: Vec<_> = symbols.into_iter().collect();
        symbols.sort_unstable();
        Self {
            decoder: Decoder::new(),
            feed: Feed {
                books: OrderBooks::new(instruments, config.orders_max, config.levels_max),
                instruments: vec![InstrumentId::NONE; 1 << 16].into(),
                symbols: symbols.into(),
                trading: vec![Trading::START; instruments].into(),
                market: config.market,
                stale: StaleCause::Waiting as u8,
                latest_ts: 0,
                time_backwards: 0,
                not_ours: 0,
            },
        }
    }

    /// Applies the next message of the sequence.
    #[inline]
    pub fn apply(&mut self, message: &[u8]) -> Applied {
        let mut act = Act { feed: &mut self.feed, applied: Applied::NOTHING };
        if self.decoder.decode(message, &mut act).is_err() {
            act.feed.books.fault_all(Fault::Malformed);
            act.feed.stale |= StaleCause::Malformed as u8;
            act.applied.fault = Some(Fault::Malformed);
            act.applied.state = true;
        }
        act.applied
    }

    /// Takes an event of the sequence into account. True when the flags of all books may have
    /// changed.
    pub fn on_event(&mut self, event: &Event) -> bool {
        match event {
            Event::SessionStarted(_) => {
                self.reset();
                self.set_stale(StaleCause::Waiting, false);
                true
            }
            Event::GapOpened { .. } => self.set_stale(StaleCause::Gap, true),
            Event::GapClosed { .. } => self.set_stale(StaleCause::Gap, false),
            Event::Lost { .. } => self.set_stale(StaleCause::Lost, true),
            Event::Conflict { .. } => self.set_stale(StaleCause::Conflict, true),
            Event::Silent => self.set_stale(StaleCause::Silent, true),
            Event::Heard => self.set_stale(StaleCause::Silent, false),
            Event::Doubted { .. }
            | Event::SessionEnded { .. }
            | Event::LineDead { .. }
            | Event::LineAlive { .. } => false,
        }
    }

    /// Sets or clears a cause of staleness of the whole feed. True when it changed.
    pub const fn set_stale(&mut self, cause: StaleCause, stale: bool) -> bool {
        let before = self.feed.stale;
        if stale {
            self.feed.stale |= cause as u8;
        } else {
            self.feed.stale &= !(cause as u8);
        }
        self.feed.stale != before
    }

    /// Why no book of the feed may be traded on, bits of [`StaleCause`]; 0 when each speaks for
    /// itself.
    #[must_use]
    pub const fn stale_causes(&self) -> u8 {
        self.feed.stale
    }

    /// Empties every book, unbinds locates, halts every instrument, forgives faults; counts stay.
    /// Costs a write of all memory unless nothing was applied yet.
    pub fn reset(&mut self) {
        let feed = &mut self.feed;
        if self.decoder.counts().total() + self.decoder.counts().malformed > 0 {
            feed.books.reset();
            feed.instruments.fill(InstrumentId::NONE);
            feed.trading.fill(Trading::START);
            feed.latest_ts = 0;
        }
        feed.stale = StaleCause::Waiting as u8;
    }

    /// [`flags::STALE`], `CROSSED`, `LOCKED` and `HALT` of one book.
    #[must_use]
    #[inline]
    pub fn flags(&self, instrument: InstrumentId) -> u8 {
        let feed = &self.feed;
        let mut bits = feed.books.top(instrument).flags();
        if feed.stale != 0 || feed.books.is_faulted(instrument) {
            bits |= flags::STALE;
        }
        if feed.trading.get(instrument.index()).is_none_or(|trading| trading.is_halted()) {
            bits |= flags::HALT;
        }
        bits
    }

    /// Best bid and ask; empty for an instrument beyond the table.
    #[must_use]
    #[inline]
    pub fn top(&self, instrument: InstrumentId) -> Top {
        self.feed.books.top(instrument)
    }

    /// Levels of one side, best first.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> {
        self.feed.books.levels(instrument, side)
    }

    /// Hash of the ten best levels of both sides; see [`super::hash_levels`].
    #[must_use]
    pub fn hash(&self, instrument: InstrumentId) -> u64 {
        self.feed.books.hash(instrument)
    }

    /// Whether the instrument trades; `None` beyond the table.
    #[must_use]
    pub fn trading_state(&self, instrument: InstrumentId) -> Option<TradingState> {
        self.feed.trading.get(instrument.index()).map(|trading| trading.state)
    }

    /// The instrument that `R` bound to a locate.
    #[must_use]
    pub fn instrument_of(&self, stock_locate: u16) -> Option<InstrumentId> {
        self.feed.bound(U16::new(stock_locate))
    }

    /// The books themselves.
    #[must_use]
    pub const fn books(&self) -> &OrderBooks {
        &self.feed.books
    }

    /// Messages by type, odd lengths, unknown types.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        self.decoder.counts()
    }

    /// Faults by kind.
    #[must_use]
    pub const fn faults(&self) -> &FaultCounts {
        self.feed.books.faults()
    }

    /// Messages about stocks that are not in the instrument table.
    #[must_use]
    pub const fn not_ours(&self) -> u64 {
        self.feed.not_ours
    }

    /// Messages whose venue time was before that of the message before (F9).
    #[must_use]
    pub const fn time_backwards(&self) -> u64 {
        self.feed.time_backwards
    }
}

impl Feed {
    #[inline]
    fn bound(&self, stock_locate: U16) -> Option<InstrumentId> {
        let instrument = *self.instruments.get(usize::from(stock_locate.get()))?;
        (instrument != InstrumentId::NONE).then_some(instrument)
    }
}

impl Act<'_> {
    /// Notes the time; the instrument, if it is one of ours.
    #[inline]
    fn begin(&mut self, head: &Head) -> Option<InstrumentId> {
        self.note_time(head);
        let instrument = self.feed.bound(head.stock_locate);
        match instrument {
            Some(instrument) => self.applied.instrument = instrument,
            None => self.feed.not_ours += 1,
        }
        instrument
    }

    #[inline]
    fn note_time(&mut self, head: &Head) {
        let ts = head.timestamp.get();
        self.applied.venue_ts = Nanos(ts);
        self.feed.time_backwards += u64::from(ts < self.feed.latest_ts);
        self.feed.latest_ts = self.feed.latest_ts.max(ts);
    }

    #[inline]
    fn end(&mut self, result: Result<bool, Fault>) {
        match result {
            Ok(top) => {
                self.applied.top = top;
                self.applied.depth = true;
            }
            Err(fault) => {
                self.applied.fault = Some(fault);
                self.applied.state = true;
            }
        }
    }

    #[inline]
    fn add(&mut self, head: &Head, order_ref: u64, side: Option<Side>, px: u32, shares: u32) {
        let Some(instrument) = self.begin(head) else { return };
        let result = match side {
            Some(side) => self.feed.books.add(instrument, order_ref, side, px, shares),
            None => self.feed.books.fault(instrument, Fault::BadSide),
        };
        self.end(result);
    }

    #[inline]
    fn execute(
        &mut self,
        head: &Head,
        order_ref: u64,
        shares: u32,
        match_no: u64,
        print: impl FnOnce(Price) -> Option<Price>,
    ) {
        let Some(instrument) = self.begin(head) else { return };
        let result = self.feed.books.reduce(instrument, order_ref, shares);
        if let Ok((order, _)) = result {
            self.applied.print = print(order.px).map(|px| Print {
                px,
                qty: Qty::from_shares(shares),
                match_no: ExecId(match_no),
                side: Some(order.side),
            });
        }
        self.end(result.map(|(_, top)| top));
    }

    fn set_trading(&mut self, instrument: InstrumentId, change: impl FnOnce(&mut Trading)) {
        if let Some(trading) = self.feed.trading.get_mut(instrument.index()) {
            let before = trading.is_halted();
            change(trading);
            self.applied.state = trading.is_halted() != before;
        }
    }
}

impl Listener for Act<'_> {
    fn on_system_event(&mut self, message: &SystemEvent) {
        self.note_time(&message.head);
        self.applied.system = Some(message.event);
    }

    fn on_stock_directory(&mut self, message: &StockDirectory) {
        self.note_time(&message.head);
        let found = self.feed.symbols.binary_search_by_key(&message.stock, |(symbol, _)| *symbol);
        let Some((_, instrument)) = found.ok().and_then(|at| self.feed.symbols.get(at)) else {
            self.feed.not_ours += 1;
            return;
        };
        let locate = usize::from(message.head.stock_locate.get());
        if let Some(bound) = self.feed.instruments.get_mut(locate) {
            *bound = *instrument;
            self.applied.instrument = *instrument;
        }
    }

    fn on_trading_action(&mut self, message: &TradingAction) {
        let Some(instrument) = self.begin(&message.head) else { return };
        let state = match message.state {
            b'T' => TradingState::Trading,
            b'Q' => TradingState::QuotationOnly,
            b'P' => TradingState::Paused,
            // What is not known not to be a halt is one.
            _ => TradingState::Halted,
        };
        self.set_trading(instrument, |trading| trading.state = state);
    }

    fn on_operational_halt(&mut self, message: &OperationalHalt) {
        let Some(instrument) = self.begin(&message.head) else { return };
        if message.market == self.feed.market {
            self.set_trading(instrument, |trading| trading.venue_halt = message.action != b'T');
        }
    }

    #[inline]
    fn on_add(&mut self, message: &AddOrder) {
        let px = message.px.get();
        self.add(&message.head, message.order_ref.get(), message.side(), px, message.shares.get());
    }

    #[inline]
    fn on_add_mpid(&mut self, message: &AddOrderMpid) {
        let px = message.px.get();
        self.add(&message.head, message.order_ref.get(), message.side(), px, message.shares.get());
    }

    #[inline]
    fn on_executed(&mut self, message: &OrderExecuted) {
        let match_no = message.match_number.get();
        self.execute(&message.head, message.order_ref.get(), message.shares.get(), match_no, Some);
    }

    #[inline]
    fn on_executed_price(&mut self, message: &OrderExecutedPrice) {
        let match_no = message.match_number.get();
        let print_px = (message.printable != b'N').then(|| message.px.price());
        self.execute(
            &message.head,
            message.order_ref.get(),
            message.shares.get(),
            match_no,
            |_| print_px,
        );
    }

    #[inline]
    fn on_cancel(&mut self, message: &OrderCancel) {
        let Some(instrument) = self.begin(&message.head) else { return };
        let shares = message.shares.get();
        let result = self.feed.books.reduce(instrument, message.order_ref.get(), shares);
        self.end(result.map(|(_, top)| top));
    }

    #[inline]
    fn on_delete(&mut self, message: &OrderDelete) {
        let Some(instrument) = self.begin(&message.head) else { return };
        let result = self.feed.books.remove(instrument, message.order_ref.get());
        self.end(result.map(|(_, top)| top));
    }

    #[inline]
    fn on_replace(&mut self, message: &OrderReplace) {
        let Some(instrument) = self.begin(&message.head) else { return };
        let result = self.feed.books.replace(
            instrument,
            message.order_ref.get(),
            message.new_order_ref.get(),
            message.px.get(),
            message.shares.get(),
        );
        self.end(result);
    }

    fn on_trade(&mut self, message: &Trade) {
        if self.begin(&message.head).is_none() {
            return;
        }
        let qty = Qty::from_shares(message.shares.get());
        if qty.0 > 0 {
            self.applied.print = Some(Print {
                px: message.px.price(),
                qty,
                match_no: ExecId(message.match_number.get()),
                side: None,
            });
        }
    }

    fn on_cross(&mut self, message: &CrossTrade) {
        if self.begin(&message.head).is_none() {
            return;
        }
        // A cross may be of 0 shares; one that does not fit our quantity is a lie and no print.
        let qty = i64::try_from(message.shares.get())
            .ok()
            .and_then(|shares| shares.checked_mul(Qty::SCALE))
            .filter(|qty| *qty > 0);
        self.applied.print = qty.map(|qty| Print {
            px: message.px.price(),
            qty: Qty(qty),
            match_no: ExecId(message.match_number.get()),
            side: None,
        });
    }

    fn on_broken(&mut self, message: &BrokenTrade) {
        if self.begin(&message.head).is_some() {
            self.applied.broken = Some(ExecId(message.match_number.get()));
        }
    }
}
