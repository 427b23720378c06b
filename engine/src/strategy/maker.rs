//! `maker`: quotes around the book. In each instrument it keeps one bid and one ask, half of
//! `spread_ticks` either side of the mid, moved by `skew_ticks_per_lot` per lot of position towards
//! getting rid of it, and replaces them when they have to move. In a fast book it comes back to a
//! price often: where risk counts equal orders (R43) or rates, a quote that is refused for it
//! rests.

use super::Strategy;
use super::desk::Desk;
use super::working::Working;
use crate::config::params::{MakerParams, Params};
use shm::ids::InstrumentId;
use shm::message::{BookTop, OrdType, OrderUpdate, RiskReject, Side, Tif, flags};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

/// How long a refusal holds a quote back: the window in which equal orders are counted, as `config
/// init` has it.
const REST: Nanos = Nanos(100_000_000);

/// What risk refused last on one side: not asked for again at once.
#[derive(Clone, Copy, Debug, Default)]
struct Refused {
    px: Price,
    until: Nanos,
    /// Any price is held back: risk counts how many orders there are.
    is_any: bool,
}

impl Refused {
    /// Whether a price is to wait.
    fn holds(&self, px: Price, now: Nanos) -> bool {
        now < self.until && (self.is_any || self.px == px)
    }

    /// A refusal at a price, for a reason.
    fn new(px: Price, reason: u8, now: Nanos) -> Self {
        let of_number =
            [Reason::Duplicate, Reason::Rate, Reason::RateStrategy, Reason::OrderToTrade];
        let is_any = of_number.iter().any(|known| *known as u8 == reason);
        Self { px, until: Nanos(now.0.saturating_add(REST.0)), is_any }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Book {
    bid: Working,
    ask: Working,
    /// What risk refused last, by side.
    refused: (Refused, Refused),
    /// Signed position from this session's own fills.
    position: Qty,
}

/// The strategy.
#[derive(Debug)]
pub struct Maker {
    params: MakerParams,
    books: Box<[Book]>,
}

impl Maker {
    /// For `instruments` instruments of the session.
    #[must_use]
    pub fn new(params: MakerParams, instruments: usize) -> Self {
        Self { params, books: vec![Book::default(); instruments].into_boxed_slice() }
    }

    /// Where the quotes belong: (bid, ask), on tick, never crossing the other side of the book.
    fn targets(&self, top: &BookTop, position: Qty, desk: &Desk<'_>) -> Option<(Price, Price)> {
        let mid = Price(top.bid_px.0.checked_add(top.ask_px.0)?.div_euclid(2));
        let tick = desk.tick(top.instrument, mid)?;
        let held = position.0.checked_div(self.params.qty.0)?;
        let skew =
            tick.checked_mul(i64::from(self.params.skew_ticks_per_lot).checked_mul(held)?)?;
        let spread = tick.checked_mul(i64::from(self.params.spread_ticks))?;
        let half = Price(spread.0.div_euclid(2));
        let center = mid.checked_sub(skew)?;
        let bid = center.checked_sub(half)?.floor_to_tick(tick)?;
        let ask = bid.checked_add(spread)?;
        let bid = bid.min(top.ask_px.checked_sub(tick)?);
        let ask = ask.max(top.bid_px.checked_add(tick)?);
        (bid.0 > 0 && bid < ask).then_some((bid, ask))
    }

    fn quote(&mut self, instrument: InstrumentId, side: Side, px: Price, desk: &mut Desk<'_>) {
        let qty = self.params.qty;
        let Some(book) = self.books.get_mut(instrument.index()) else { return };
        let order = match side {
            Side::Buy => &mut book.bid,
            Side::Sell => &mut book.ask,
        };
        let refused = match side {
            Side::Buy => &mut book.refused.0,
            Side::Sell => &mut book.refused.1,
        };
        if refused.holds(px, desk.now()) {
            return;
        }
        *refused = Refused::default();
        if order.is_empty() {
            if let Ok(id) = desk.enter(instrument, side, px, qty, Tif::Day, OrdType::Limit) {
                *order = Working { id, px, qty, ..Working::default() };
            }
            return;
        }
        if !order.is_ready() || order.px == px {
            return;
        }
        let whole = Qty(order.cum_qty.0.saturating_add(qty.0));
        if let Ok(id) = desk.replace(order.id, instrument, side, px, whole) {
            order.id = id;
            order.px = px;
            order.qty = whole;
            order.busy = true;
        }
    }
}

impl Strategy for Maker {
    fn configure(&mut self, params: &Params) {
        if let Params::Maker(params) = params {
            self.params = *params;
        }
    }

    fn on_top(&mut self, top: &BookTop, desk: &mut Desk<'_>) {
        let usable = top.flags & (flags::STALE | flags::CROSSED | flags::LOCKED | flags::HALT) == 0;
        if !usable || top.bid_px.is_none() || top.ask_px.is_none() {
            return;
        }
        let Some(position) = self.books.get(top.instrument.index()).map(|book| book.position)
        else {
            return;
        };
        if let Some((bid, ask)) = self.targets(top, position, desk) {
            self.quote(top.instrument, Side::Buy, bid, desk);
            self.quote(top.instrument, Side::Sell, ask, desk);
        }
    }

    fn on_update(&mut self, update: &OrderUpdate, _desk: &mut Desk<'_>) {
        let Some(book) = self.books.get_mut(update.instrument.index()) else { return };
        let signed = if book.bid.is_of(update.cl_ord_id) {
            book.bid.apply(update, Side::Buy)
        } else if book.ask.is_of(update.cl_ord_id) {
            book.ask.apply(update, Side::Sell)
        } else {
            return;
        };
        book.position = Qty(book.position.0.saturating_add(signed.0));
    }

    fn on_reject(&mut self, reject: &RiskReject, desk: &mut Desk<'_>) {
        let Some(book) = self.books.get_mut(reject.instrument.index()) else { return };
        let Book { bid, ask, refused: (refused_bid, refused_ask), .. } = book;
        for (order, refused) in [(bid, refused_bid), (ask, refused_ask)] {
            if !order.is_of(reject.cl_ord_id) {
                continue;
            }
            *refused = Refused::new(order.px, reject.reason, desk.now());
            if order.live {
                // A refused replace: the order stands as it was, one use behind the refused id.
                order.id = shm::ids::ClOrdId(order.id.0.saturating_sub(1));
                order.busy = false;
                order.px = Price::NONE;
            } else {
                *order = Working::default();
            }
        }
    }
}
