//! The desk: all that a strategy may do. Enter, replace, cancel; ask the time and a tick.

use crate::clock::Clock;
use crate::link::Output;
use crate::order::slots::SlotPool;
use crate::parent::{Ask, OcoLeg, Offset, Parents};
use shm::ids::{Cause, ClOrdId, InstrumentId};
use shm::message::{Intent, Kind, Message, OrdType, OrderTerms, Side, Tif};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

/// What the strategy asked was not taken: the ring to risk is full or its slots are used up.
/// Nothing has happened; ask again on a later event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Busy;

/// What a strategy is told of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Up to 4 (from price, tick), ascending; a tick of 0 ends them.
    pub bands: [(Price, Price); 4],
    /// Lot size.
    pub lot: Qty,
}

impl Terms {
    /// The tick in force at `px`; `None` where no band covers it.
    #[must_use]
    pub fn tick(&self, px: Price) -> Option<Price> {
        self.bands
            .iter()
            .take_while(|(from, tick)| tick.0 > 0 && *from <= px)
            .last()
            .map(|(_, tick)| *tick)
    }
}

/// Where a strategy's intents leave: the ring to risk, and the count that makes each send of a
/// replay the same send as in the recording.
pub struct Outlet {
    pub(crate) intents: Output,
    /// Sends tried so far.
    pub(crate) ordinal: u64,
    /// Of them BUSY in the callback that is running.
    pub(crate) met: usize,
    /// Ordinals that were BUSY: written live, followed in a replay. A fixed-size batch between two
    /// journal writes.
    pub(crate) busy: BusyLog,
}

/// Sends that found the ring full.
#[expect(clippy::large_enum_variant, reason = "one per strategy, made before the start")]
pub(crate) enum BusyLog {
    /// Live: ordinals since the stage last journalled them.
    Write { ordinals: [u64; BUSY_MAX], count: usize },
    /// Replay: ordinals still to come, ascending.
    Follow(std::collections::VecDeque<u64>),
}

/// Busy sends that one callback may meet before the desk refuses on its own.
pub(crate) const BUSY_MAX: usize = 64;

impl Outlet {
    /// For a live run.
    #[must_use]
    pub fn live(intents: Output) -> Self {
        let busy = BusyLog::Write { ordinals: [0; BUSY_MAX], count: 0 };
        Self { intents, ordinal: 0, met: 0, busy }
    }

    /// For a replay that must be BUSY at the given sends.
    #[must_use]
    pub fn replay(intents: Output, busy: std::collections::VecDeque<u64>) -> Self {
        Self { intents, ordinal: 0, met: 0, busy: BusyLog::Follow(busy) }
    }

    /// Sends a message, with the slot that comes before it if it has one: both or none.
    fn send(&mut self, before: Option<Message>, last: Message, now: Nanos) -> Result<(), Busy> {
        self.ordinal += 1;
        if let BusyLog::Follow(follow) = &mut self.busy
            && follow.front() == Some(&self.ordinal)
        {
            follow.pop_front();
            self.met += 1;
            return Err(Busy);
        }
        if before.is_none() || self.intents.has_room(2) {
            let first = before.map_or(Ok(()), |before| self.intents.try_push(before, now));
            if first.and_then(|()| self.intents.try_push(last, now)).is_ok() {
                return Ok(());
            }
        }
        if let BusyLog::Write { ordinals, count } = &mut self.busy
            && let Some(place) = ordinals.get_mut(*count)
        {
            *place = self.ordinal;
            *count += 1;
            self.met += 1;
        }
        Err(Busy)
    }

    /// Whether the log can hold another BUSY; if not the desk refuses without counting a send, in a
    /// replay as it did live.
    const fn can_log(&self) -> bool {
        self.met < BUSY_MAX
    }
}

/// An order as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buys or sells.
    pub side: Side,
    /// Limit price; not looked at for a market order.
    pub px: Price,
    /// Quantity; of a replace that of the whole chain, executions counted.
    pub qty: Qty,
    /// Time in force and type.
    pub form: (Tif, OrdType),
}

/// What a strategy's side of an order comes and goes through, for the length of one callback: the
/// strategy's own orders through [`Desk`], the children of its parents through this.
pub struct Port<'a> {
    pub(crate) now: Nanos,
    pub(crate) cause: Cause,
    pub(crate) t0: Nanos,
    pub(crate) d_publish: u32,
    pub(crate) d_begin: u32,
    pub(crate) clock: &'a Clock,
    pub(crate) terms: &'a [Terms],
    pub(crate) slots: &'a mut SlotPool,
    pub(crate) outlet: &'a mut Outlet,
}

impl Port<'_> {
    /// A free id; its taker gives it back should it not be used.
    pub(crate) fn take_id(&mut self) -> Result<ClOrdId, Busy> {
        if !self.outlet.can_log() {
            return Err(Busy);
        }
        self.slots.take().ok_or(Busy)
    }

    /// Sends two slots that belong together: both or none.
    pub(crate) fn send_pair(&mut self, before: Message, last: Message) -> Result<(), Busy> {
        self.outlet.send(Some(before), last, self.clock.now())
    }

    pub(crate) fn enter(&mut self, order: Order, rare: OrderTerms) -> Result<ClOrdId, Busy> {
        let id = self.take_id()?;
        let sent = self.send(Kind::IntentNew, id, order, rare);
        if sent.is_err() {
            self.slots.free(id);
        }
        sent.map(|()| id)
    }

    pub(crate) fn replace(
        &mut self,
        id: ClOrdId,
        order: Order,
        rare: OrderTerms,
    ) -> Result<ClOrdId, Busy> {
        if !self.outlet.can_log() {
            return Err(Busy);
        }
        let next = self.slots.replace(id).ok_or(Busy)?;
        self.send(Kind::IntentReplace, next, order, rare)?;
        Ok(next)
    }

    fn send(
        &mut self,
        kind: Kind,
        id: ClOrdId,
        order: Order,
        rare: OrderTerms,
    ) -> Result<(), Busy> {
        let Order { instrument, side, px, qty, form: (tif, ord_type) } = order;
        let intent = Intent {
            tif: tif as u8,
            ord_type: ord_type as u8,
            px,
            qty,
            ..self.intent(kind, id, instrument, side)
        };
        let rare = (rare != OrderTerms::NONE).then(|| {
            let kind = Kind::IntentTerms as u8;
            OrderTerms { kind, instrument, cl_ord_id: id, ..rare }.into()
        });
        self.outlet.send(rare, intent.into(), self.clock.now())
    }

    pub(crate) fn cancel(
        &mut self,
        id: ClOrdId,
        instrument: InstrumentId,
        side: Side,
    ) -> Result<(), Busy> {
        if !self.outlet.can_log() {
            return Err(Busy);
        }
        let intent = self.intent(Kind::IntentCancel, id, instrument, side);
        self.outlet.send(None, intent.into(), self.clock.now())
    }

    /// Tells risk that a parent is over.
    pub(crate) fn end_parent(
        &mut self,
        id: ClOrdId,
        instrument: InstrumentId,
        reason: Reason,
    ) -> Result<(), Busy> {
        if !self.outlet.can_log() {
            return Err(Busy);
        }
        let intent = self.intent(Kind::IntentParentEnd, id, instrument, Side::Buy);
        let intent = Intent { tif: reason as u8, ..intent };
        self.outlet.send(None, intent.into(), self.clock.now())
    }

    fn intent(
        &self,
        kind: Kind,
        cl_ord_id: ClOrdId,
        instrument: InstrumentId,
        side: Side,
    ) -> Intent {
        Intent {
            kind: kind as u8,
            side: side as u8,
            instrument,
            cl_ord_id,
            t0: self.t0,
            cause: self.cause,
            d_publish: self.d_publish,
            d_begin: self.d_begin,
            ..Intent::default()
        }
    }
}

/// What a strategy acts through, for the length of one callback.
pub struct Desk<'a> {
    pub(crate) port: Port<'a>,
    pub(crate) parents: &'a mut Parents,
}

impl Desk<'_> {
    /// The strategy's time: arrival of the latest event it has seen.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.port.now
    }

    /// Whether an id is of an order of the strategy that has not ended, as far as it has heard.
    #[must_use]
    pub fn holds(&self, id: ClOrdId) -> bool {
        self.port.slots.newest(id).is_some()
    }

    /// The tick of an instrument at a price; `None` where the instrument has none.
    #[must_use]
    pub fn tick(&self, instrument: InstrumentId, px: Price) -> Option<Price> {
        self.port.terms.get(instrument.index())?.tick(px)
    }

    /// Lot size of an instrument.
    #[must_use]
    pub fn lot(&self, instrument: InstrumentId) -> Option<Qty> {
        Some(self.port.terms.get(instrument.index())?.lot)
    }

    /// Asks for a new order. Its id at once; what became of it comes as an update or a reject.
    ///
    /// # Errors
    /// [`Busy`]: nothing was asked.
    pub fn enter(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        px: Price,
        qty: Qty,
        tif: Tif,
        ord_type: OrdType,
    ) -> Result<ClOrdId, Busy> {
        let order = Order { instrument, side, px, qty, form: (tif, ord_type) };
        self.port.enter(order, OrderTerms::NONE)
    }

    /// [`Desk::enter`] of an order with rare terms: hidden, an expiry, a quantity shown.
    ///
    /// # Errors
    /// [`Busy`]: nothing was asked.
    pub fn enter_with(&mut self, order: Order, rare: OrderTerms) -> Result<ClOrdId, Busy> {
        self.port.enter(order, orphan(rare))
    }

    /// Asks to replace an order: new price, and new quantity for the whole chain, executions
    /// counted. The new id; it rules once the venue confirms.
    ///
    /// # Errors
    /// [`Busy`]: nothing was asked.
    pub fn replace(
        &mut self,
        id: ClOrdId,
        instrument: InstrumentId,
        side: Side,
        px: Price,
        qty: Qty,
    ) -> Result<ClOrdId, Busy> {
        let order = Order { instrument, side, px, qty, form: (Tif::Day, OrdType::Limit) };
        self.port.replace(id, order, OrderTerms::NONE)
    }

    /// [`Desk::replace`] of an order with rare terms, which have to be named again.
    ///
    /// # Errors
    /// [`Busy`]: nothing was asked.
    pub fn replace_with(
        &mut self,
        id: ClOrdId,
        order: Order,
        rare: OrderTerms,
    ) -> Result<ClOrdId, Busy> {
        self.port.replace(id, order, orphan(rare))
    }

    /// Asks to cancel an order, by its newest id.
    ///
    /// # Errors
    /// [`Busy`]: nothing was asked.
    pub fn cancel(
        &mut self,
        id: ClOrdId,
        instrument: InstrumentId,
        side: Side,
    ) -> Result<(), Busy> {
        self.port.cancel(id, instrument, side)
    }

    /// Asks for a parent. Its id at once; what becomes of it and its children comes to
    /// [`Strategy::on_parent`](super::Strategy::on_parent).
    ///
    /// # Errors
    /// [`Busy`]: nothing was asked; the ring to risk is full, or the strategy has as many parents
    /// as it may.
    pub fn ask(&mut self, ask: Ask) -> Result<ClOrdId, Busy> {
        self.parents.ask(ask, &mut self.port)
    }

    /// Ends a parent: its children are cancelled, then it is over. False for one that is not open.
    pub fn cancel_parent(&mut self, id: ClOrdId) -> bool {
        self.parents.cancel(id, self.port.now)
    }

    /// [`Ask::stop`].
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn stop(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        stop_px: Price,
    ) -> Result<ClOrdId, Busy> {
        self.ask(Ask::stop(instrument, side, qty, stop_px))
    }

    /// [`Ask::stop_limit`].
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn stop_limit(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        stop_px: Price,
        px: Price,
    ) -> Result<ClOrdId, Busy> {
        self.ask(Ask::stop_limit(instrument, side, qty, stop_px, px))
    }

    /// [`Ask::trailing`].
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn trailing_stop(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        offset: Offset,
    ) -> Result<ClOrdId, Busy> {
        self.ask(Ask::trailing(instrument, side, qty, offset))
    }

    /// [`Ask::oco`].
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn oco(
        &mut self,
        instrument: InstrumentId,
        qty: Qty,
        first: OcoLeg,
        second: OcoLeg,
    ) -> Result<ClOrdId, Busy> {
        self.ask(Ask::oco(instrument, qty, first, second))
    }

    /// [`Ask::bracket`].
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn bracket(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        entry_px: Price,
        (profit_px, stop_px): (Price, Price),
    ) -> Result<ClOrdId, Busy> {
        self.ask(Ask::bracket(instrument, side, qty, entry_px, profit_px, stop_px))
    }

    /// [`Ask::iceberg`].
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn iceberg(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        px: Price,
        clip: Qty,
    ) -> Result<ClOrdId, Busy> {
        self.ask(Ask::iceberg(instrument, side, qty, px, clip))
    }

    /// [`Ask::twap`].
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn twap(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        px: Price,
        span: (Nanos, Nanos),
        slices: u32,
    ) -> Result<ClOrdId, Busy> {
        self.ask(Ask::twap(instrument, side, qty, px, span, slices))
    }
}

/// Rare terms of an order of the strategy's own: it is no parent's child.
const fn orphan(rare: OrderTerms) -> OrderTerms {
    OrderTerms { parent: ClOrdId::NONE, leg: 0, ..rare }
}
