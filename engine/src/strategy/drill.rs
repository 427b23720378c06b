//! `drill`: a strategy that misbehaves on purpose, to rehearse what stops it, as a fire drill does:
//! a panic, a call that does not return for a while, orders without end. One order rests at the
//! venue before, so that it can be seen to be cancelled. Never beside real money.

use super::Strategy;
use super::desk::Desk;
use crate::config::params::{DrillAct, DrillParams, Params};
use shm::message::{BookTop, OrdType, OrderUpdate, RiskReject, Side, Tif, flags};
use shm::record::order::Base;
use shm::units::{Price, Qty};

/// Orders that a flood asks for at each change of the top.
const BURST: u64 = 8;
/// Ticks behind the touch at which the one order of the beginning rests.
const BEHIND: i64 = 5;

/// The strategy.
#[derive(Debug)]
pub struct Drill {
    params: DrillParams,
    /// The one order of the beginning: asked for, and at the venue.
    asks: bool,
    rests: bool,
    /// Changes of the top since it rests.
    tops: u64,
    asked: u64,
}

impl Drill {
    /// What it is to rehearse.
    #[must_use]
    pub const fn new(params: DrillParams) -> Self {
        Self { params, asks: false, rests: false, tops: 0, asked: 0 }
    }

    /// A price some ticks below the bid.
    fn below(top: &BookTop, ticks: i64, desk: &Desk<'_>) -> Option<Price> {
        let tick = desk.tick(top.instrument, top.bid_px)?;
        top.bid_px.checked_sub(tick.checked_mul(ticks)?)
    }

    fn misbehave(&mut self, top: &BookTop, desk: &mut Desk<'_>) {
        match self.params.act {
            DrillAct::Panic => panic_on_purpose(self.tops),
            DrillAct::Spin => {
                let steps = u64::from(self.params.spin_millions).saturating_mul(1_000_000);
                let mut step = 0;
                while step < steps {
                    step = core::hint::black_box(step + 1);
                }
            }
            DrillAct::Flood => {
                for _ in 0..BURST {
                    self.asked = self.asked.wrapping_add(1);
                    let ticks = BEHIND + (self.asked % 32) as i64;
                    let Some(px) = Self::below(top, ticks, desk) else { return };
                    self.ask(top, Side::Buy, px, self.params.qty, desk);
                }
            }
            DrillAct::Huge => {
                let qty = Qty(self.params.qty.0.saturating_mul(1_000_000));
                self.ask(top, Side::Buy, top.bid_px, qty, desk);
            }
            DrillAct::Sides => {
                for side in [Side::Buy, Side::Sell] {
                    self.ask(top, side, top.bid_px, self.params.qty, desk);
                }
            }
        }
    }

    /// Asks for an order; what becomes of it is what the rehearsal shows.
    fn ask(&self, top: &BookTop, side: Side, px: Price, qty: Qty, desk: &mut Desk<'_>) {
        let _ = desk.enter(top.instrument, side, px, qty, Tif::Day, OrdType::Limit);
    }
}

/// The point of the rehearsal: what a mistake in a strategy would do.
#[cold]
#[expect(clippy::panic, reason = "the panic that the rehearsal is for")]
fn panic_on_purpose(tops: u64) {
    panic!("a drill, at change {tops} of the top of the book");
}

impl Strategy for Drill {
    fn configure(&mut self, params: &Params) {
        if let Params::Drill(params) = params {
            self.params = *params;
        }
    }

    fn on_top(&mut self, top: &BookTop, desk: &mut Desk<'_>) {
        let usable = top.flags & (flags::STALE | flags::CROSSED | flags::LOCKED | flags::HALT) == 0;
        if !usable || top.bid_px.is_none() || top.ask_px.is_none() {
            return;
        }
        if !self.asks
            && let Some(px) = Self::below(top, BEHIND, desk)
        {
            self.asks = true;
            self.ask(top, Side::Buy, px, self.params.qty, desk);
        }
        self.tops = self.tops.wrapping_add(u64::from(self.rests));
        if self.tops > u64::from(self.params.after) {
            self.misbehave(top, desk);
        }
    }

    fn on_update(&mut self, update: &OrderUpdate, _desk: &mut Desk<'_>) {
        self.rests |= update.base == Base::New as u8;
    }

    fn on_reject(&mut self, _reject: &RiskReject, _desk: &mut Desk<'_>) {
        // The session was not up yet, say: it is asked for again.
        self.asks = self.rests;
    }
}
