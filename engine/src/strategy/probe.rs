//! `probe`: one order per `every` changes of the top, for measuring latency. Its orders rest
//! `offset_ticks` behind the touch and are cancelled at the next change after they are live. With
//! `bad_every` above 0, each such order is deliberately wrong, in rotation: too large, off tick,
//! far from the market, of no quantity, and the same thing over and over; a demonstration of
//! refusals.

use super::Strategy;
use super::desk::Desk;
use super::working::Working;
use crate::config::params::{Params, ProbeParams};
use shm::ids::InstrumentId;
use shm::message::{BookTop, OrdType, OrderUpdate, RiskReject, Side, Tif, flags};
use shm::units::{Price, Qty};

/// Orders that a probe may have working at once in one instrument.
const WORKING_MAX: usize = 4;
/// Equal orders of one burst, enough to meet a duplicate limit.
const BURST: usize = 12;

/// The strategy.
#[derive(Debug)]
pub struct Probe {
    params: ProbeParams,
    tops: i64,
    orders: i64,
    bad: u64,
    working: Box<[[(Working, Side); WORKING_MAX]]>,
}

impl Probe {
    /// For `instruments` instruments of the session.
    #[must_use]
    pub fn new(params: ProbeParams, instruments: usize) -> Self {
        let empty = [(Working::default(), Side::Buy); WORKING_MAX];
        Self {
            params,
            tops: 0,
            orders: 0,
            bad: 0,
            working: vec![empty; instruments].into_boxed_slice(),
        }
    }

    /// Cancels what is live; a free place, if there is one.
    fn tidy(&mut self, instrument: InstrumentId, desk: &mut Desk<'_>) -> Option<usize> {
        let orders = self.working.get_mut(instrument.index())?;
        let mut free = None;
        for (at, (order, side)) in orders.iter_mut().enumerate() {
            if order.is_empty() {
                free = free.or(Some(at));
            } else if order.is_ready() && desk.cancel(order.id, instrument, *side).is_ok() {
                order.busy = true;
            }
        }
        free
    }

    /// A passive price behind the touch.
    fn passive(&self, top: &BookTop, side: Side, desk: &Desk<'_>) -> Option<Price> {
        let touch = match side {
            Side::Buy => top.bid_px,
            Side::Sell => top.ask_px,
        };
        let tick = desk.tick(top.instrument, touch)?;
        let offset = tick.checked_mul(i64::from(self.params.offset_ticks))?;
        match side {
            Side::Buy => touch.checked_sub(offset),
            Side::Sell => touch.checked_add(offset),
        }
    }

    /// An order that risk must refuse; which kind rotates.
    fn misbehave(&mut self, top: &BookTop, px: Price, desk: &mut Desk<'_>) {
        let qty = self.params.qty;
        let enter = |px, qty, desk: &mut Desk<'_>| {
            // Refused by risk; only a full ring would be news, and the desk counts that.
            let _ = desk.enter(top.instrument, Side::Buy, px, qty, Tif::Ioc, OrdType::Limit);
        };
        match self.bad % 5 {
            0 => enter(px, Qty(qty.0.saturating_mul(1_000_000)), desk),
            1 => enter(Price(px.0.saturating_add(1)), qty, desk),
            2 => enter(Price(px.0.saturating_mul(2)), qty, desk),
            3 => enter(px, Qty::ZERO, desk),
            _ => {
                for _ in 0..BURST {
                    enter(px, qty, desk);
                }
            }
        }
        self.bad = self.bad.wrapping_add(1);
    }
}

impl Strategy for Probe {
    fn configure(&mut self, params: &Params) {
        if let Params::Probe(params) = params {
            self.params = *params;
        }
    }

    fn on_top(&mut self, top: &BookTop, desk: &mut Desk<'_>) {
        let usable = top.flags & (flags::STALE | flags::CROSSED | flags::LOCKED | flags::HALT) == 0;
        if !usable || top.bid_px.is_none() || top.ask_px.is_none() {
            return;
        }
        self.tops = self.tops.wrapping_add(1);
        if self.tops % i64::from(self.params.every.max(1)) != 0 {
            return;
        }
        self.orders = self.orders.wrapping_add(1);
        let side = if self.orders % 2 == 0 { Side::Buy } else { Side::Sell };
        let Some(px) = self.passive(top, side, desk) else { return };
        if i64::from(self.params.bad_every) > 0
            && self.orders % i64::from(self.params.bad_every) == 0
        {
            self.misbehave(top, px, desk);
            return;
        }
        let Some(free) = self.tidy(top.instrument, desk) else { return };
        let qty = self.params.qty;
        let entered = desk.enter(top.instrument, side, px, qty, Tif::Day, OrdType::Limit);
        let place =
            self.working.get_mut(top.instrument.index()).and_then(|orders| orders.get_mut(free));
        if let (Ok(id), Some(place)) = (entered, place) {
            *place = (Working { id, px, qty, ..Working::default() }, side);
        }
    }

    fn on_update(&mut self, update: &OrderUpdate, _desk: &mut Desk<'_>) {
        let Some(orders) = self.working.get_mut(update.instrument.index()) else { return };
        for (order, side) in orders.iter_mut() {
            if order.is_of(update.cl_ord_id) {
                order.apply(update, *side);
                return;
            }
        }
    }

    fn on_reject(&mut self, reject: &RiskReject, _desk: &mut Desk<'_>) {
        let Some(orders) = self.working.get_mut(reject.instrument.index()) else { return };
        for (order, _) in orders.iter_mut() {
            if order.is_of(reject.cl_ord_id) && !order.live {
                *order = Working::default();
            }
        }
    }
}
