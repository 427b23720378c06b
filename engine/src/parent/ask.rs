//! What is asked for, in a strategy writer's terms.

use shm::ids::{ClOrdId, InstrumentId};
use shm::message::{Kind, ParentIntent, ParentKind, ParentPrices, Side, parent_flags};
use shm::record::parent::Parent;
use shm::units::{Nanos, Price, Qty};

/// How far a trailing stop stays behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Ticks, at least 1.
    Ticks(u32),
    /// Hundredths of a percent of the price it follows, at least 1.
    Bps(u32),
}

/// One of two orders of which one is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcoLeg {
    /// Buys or sells.
    pub side: Side,
    /// Limit price; [`Price::NONE`] for a market order, which has to wait for its `stop_px`.
    pub px: Price,
    /// Price that wakes it; [`Price::NONE`] for a leg that works at once.
    pub stop_px: Price,
}

/// A parent that a strategy asks for. Prices are on tick, quantities on lot: risk refuses others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask(Parent);

impl Ask {
    fn new(kind: ParentKind, instrument: InstrumentId, side: Side, qty: Qty) -> Self {
        Self(Parent {
            parent: kind as u8,
            instrument,
            side: side as u8,
            qty,
            px: [Price::NONE; 3],
            stop_px: [Price::NONE; 2],
            ..Parent::default()
        })
    }

    /// A market order once the market touches `stop_px`: a buy when it is asked at or above it, a
    /// sell when it is bid at or below it.
    #[must_use]
    pub fn stop(instrument: InstrumentId, side: Side, qty: Qty, stop_px: Price) -> Self {
        let mut ask = Self::new(ParentKind::Stop, instrument, side, qty);
        ask.0.stop_px[0] = stop_px;
        ask
    }

    /// A limit order at `px` once the market touches `stop_px`. A market that jumps over both
    /// leaves it resting at `px`.
    #[must_use]
    pub fn stop_limit(
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        stop_px: Price,
        px: Price,
    ) -> Self {
        let mut ask = Self::stop(instrument, side, qty, stop_px);
        ask.0.parent = ParentKind::StopLimit as u8;
        ask.0.px[0] = px;
        ask
    }

    /// A stop that follows the market at a distance, one way only: that of a sell rises with the
    /// market and never falls, that of a buy falls and never rises.
    #[must_use]
    pub fn trailing(instrument: InstrumentId, side: Side, qty: Qty, offset: Offset) -> Self {
        let mut ask = Self::new(ParentKind::Trailing, instrument, side, qty);
        match offset {
            Offset::Ticks(ticks) => ask.0.offset = ticks,
            Offset::Bps(bps) => {
                ask.0.offset = bps;
                ask.0.flags |= parent_flags::OFFSET_BPS;
            }
        }
        ask
    }

    /// Two orders of `qty` each; the first fill of one cancels the other. Until that cancel has
    /// arrived both may fill, at most `2 * qty` in all; [`Ask::shared`] rules that out.
    #[must_use]
    pub fn oco(instrument: InstrumentId, qty: Qty, first: OcoLeg, second: OcoLeg) -> Self {
        let mut ask = Self::new(ParentKind::Oco, instrument, first.side, qty);
        ask.0.side_other = second.side as u8;
        ask.0.px = [first.px, second.px, Price::NONE];
        ask.0.stop_px = [first.stop_px, second.stop_px];
        ask
    }

    /// An entry of `qty` at `entry_px` ([`Price::NONE`]: at the market), and for what it has filled
    /// an exit at `profit_px` and a stop at `stop_px`. The exits together never exceed what the
    /// entry has filled. The first fill of the one, or the other's trigger, ends the entry.
    #[must_use]
    pub fn bracket(
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        entry_px: Price,
        profit_px: Price,
        stop_px: Price,
    ) -> Self {
        let mut ask = Self::new(ParentKind::Bracket, instrument, side, qty);
        ask.0.px = [entry_px, profit_px, Price::NONE];
        ask.0.stop_px[0] = stop_px;
        ask
    }

    /// `qty` at `px` of which `clip` is shown at a time: by the venue itself where it keeps reserve
    /// orders, else clip by clip.
    #[must_use]
    pub fn iceberg(instrument: InstrumentId, side: Side, qty: Qty, px: Price, clip: Qty) -> Self {
        let mut ask = Self::new(ParentKind::Iceberg, instrument, side, qty);
        ask.0.px[0] = px;
        ask.0.clip_qty = clip;
        ask
    }

    /// `qty` in `slices` immediate orders spread over `start..end` (engine ns), each for what is
    /// due by then and not filled, at `px` or better ([`Price::NONE`]: at the market). One that
    /// risk refuses is tried again, smaller where its size was refused, and caught up by later
    /// slices; what is not filled by the last slice stays unfilled.
    #[must_use]
    pub fn twap(
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        px: Price,
        (start, end): (Nanos, Nanos),
        slices: u32,
    ) -> Self {
        let mut ask = Self::new(ParentKind::Twap, instrument, side, qty);
        ask.0.px[0] = px;
        (ask.0.start, ask.0.end, ask.0.slices) = (start, end, slices);
        ask
    }

    /// Triggers look at the last trade instead of the quote.
    #[must_use]
    pub const fn on_last_trade(mut self) -> Self {
        self.0.flags |= parent_flags::LAST_TRADE;
        self
    }

    /// The legs of an OCO share one quantity: only the first works until the market reaches the
    /// second; then the first is cancelled, and what it has left goes to the second once that is
    /// confirmed.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.0.flags |= parent_flags::SHARED;
        self
    }

    /// The stop of a bracket becomes a limit order at `px` instead of a market order.
    #[must_use]
    pub const fn stop_limit_at(mut self, px: Price) -> Self {
        self.0.px[2] = px;
        self
    }

    /// Most of one slice of a TWAP: what is due beyond it waits for the next.
    #[must_use]
    pub const fn slice_max(mut self, qty: Qty) -> Self {
        self.0.clip_qty = qty;
        self
    }

    /// The venue keeps reserve orders itself.
    pub(crate) const fn at_venue(mut self, has_reserve: bool) -> Self {
        if has_reserve && self.0.parent == ParentKind::Iceberg as u8 {
            self.0.flags |= parent_flags::VENUE_RESERVE;
        }
        self
    }

    /// Which instrument.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        self.0.instrument
    }

    /// Terms as they are; risk judges them.
    pub(crate) const fn of(mut parent: Parent) -> Self {
        parent.flags &= !(parent_flags::VENUE_RESERVE | parent_flags::SWEPT);
        Self(parent)
    }

    /// As a row under its id, not yet taken by risk.
    pub(crate) const fn under(mut self, id: ClOrdId, t0: Nanos) -> Parent {
        self.0.cl_ord_id = id;
        self.0.t0 = t0;
        self.0
    }
}

/// The two slots that ask risk for a parent.
pub(crate) fn intents(parent: &Parent) -> (ParentPrices, ParentIntent) {
    let prices = ParentPrices {
        kind: Kind::IntentParentPrices as u8,
        side_other: parent.side_other,
        flags: parent.flags,
        instrument: parent.instrument,
        px: parent.px,
        stop_px: parent.stop_px,
        clip_qty: parent.clip_qty,
        ..ParentPrices::default()
    };
    let intent = ParentIntent {
        kind: Kind::IntentParent as u8,
        parent: parent.parent,
        side: parent.side,
        instrument: parent.instrument,
        cl_ord_id: parent.cl_ord_id,
        qty: parent.qty,
        start: parent.start,
        end: parent.end,
        slices: parent.slices,
        offset: parent.offset,
        t0: parent.t0,
        ..ParentIntent::default()
    };
    (prices, intent)
}
