//! The desk: all that a strategy may do. Enter, replace, cancel; ask the time and a tick.

use crate::clock::Clock;
use crate::link::Output;
use crate::order::slots::SlotPool;
use shm::ids::{Cause, ClOrdId, InstrumentId};
use shm::message::{Intent, Kind, OrdType, Side, Tif};
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
        Self { intents, ordinal: 0, busy: BusyLog::Write { ordinals: [0; BUSY_MAX], count: 0 } }
    }

    /// For a replay that must be BUSY at the given sends.
    #[must_use]
    pub fn replay(intents: Output, busy: std::collections::VecDeque<u64>) -> Self {
        Self { intents, ordinal: 0, busy: BusyLog::Follow(busy) }
    }

    fn send(&mut self, intent: Intent, now: Nanos) -> Result<(), Busy> {
        self.ordinal += 1;
        if let BusyLog::Follow(follow) = &mut self.busy
            && follow.front() == Some(&self.ordinal)
        {
            follow.pop_front();
            return Err(Busy);
        }
        if self.intents.try_push(intent.into(), now).is_ok() {
            return Ok(());
        }
        if let BusyLog::Write { ordinals, count } = &mut self.busy
            && let Some(place) = ordinals.get_mut(*count)
        {
            *place = self.ordinal;
            *count += 1;
        }
        Err(Busy)
    }

    /// Whether the live log can hold another BUSY; if not the desk refuses without counting a send.
    fn can_log(&self) -> bool {
        match &self.busy {
            BusyLog::Write { count, .. } => *count < BUSY_MAX,
            BusyLog::Follow(_) => true,
        }
    }
}

/// What a strategy acts through, for the length of one callback.
pub struct Desk<'a> {
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

impl Desk<'_> {
    /// The strategy's time: arrival of the latest event it has seen.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.now
    }

    /// The tick of an instrument at a price; `None` where the instrument has none.
    #[must_use]
    pub fn tick(&self, instrument: InstrumentId, px: Price) -> Option<Price> {
        self.terms.get(instrument.index())?.tick(px)
    }

    /// Lot size of an instrument.
    #[must_use]
    pub fn lot(&self, instrument: InstrumentId) -> Option<Qty> {
        Some(self.terms.get(instrument.index())?.lot)
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
        if !self.outlet.can_log() {
            return Err(Busy);
        }
        let id = self.slots.take().ok_or(Busy)?;
        let intent = Intent {
            tif: tif as u8,
            ord_type: ord_type as u8,
            px,
            qty,
            ..self.intent(Kind::IntentNew, id, instrument, side)
        };
        match self.outlet.send(intent, self.clock.now()) {
            Ok(()) => Ok(id),
            Err(busy) => {
                self.slots.free(id);
                Err(busy)
            }
        }
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
        if !self.outlet.can_log() {
            return Err(Busy);
        }
        let next = self.slots.replace(id).ok_or(Busy)?;
        let intent = Intent {
            tif: Tif::Day as u8,
            ord_type: OrdType::Limit as u8,
            px,
            qty,
            ..self.intent(Kind::IntentReplace, next, instrument, side)
        };
        self.outlet.send(intent, self.clock.now())?;
        Ok(next)
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
        if !self.outlet.can_log() {
            return Err(Busy);
        }
        let intent = self.intent(Kind::IntentCancel, id, instrument, side);
        self.outlet.send(intent, self.clock.now())
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
