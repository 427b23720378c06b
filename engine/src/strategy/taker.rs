//! `taker`: takes the side that the book leans away from. When the bid's share of the quantity at
//! the touch reaches `imbalance_bps`, it buys `qty` at the ask as immediate-or-cancel, and
//! mirrored; at most one order at a time and one per `cooldown_ms` in an instrument.

use super::Strategy;
use super::desk::Desk;
use crate::config::params::{Params, TakerParams};
use shm::ids::ClOrdId;
use shm::message::{BookTop, OrdType, OrderUpdate, RiskReject, Side, Tif, flags};
use shm::record::order::Base;
use shm::units::Nanos;

#[derive(Clone, Copy, Debug, Default)]
struct Book {
    /// The order on its way or live; [`ClOrdId::NONE`] for none.
    working: ClOrdId,
    /// When the last order was asked for.
    asked: Nanos,
}

/// The strategy.
#[derive(Debug)]
pub struct Taker {
    params: TakerParams,
    books: Box<[Book]>,
}

impl Taker {
    /// For `instruments` instruments of the session.
    #[must_use]
    pub fn new(params: TakerParams, instruments: usize) -> Self {
        Self { params, books: vec![Book::default(); instruments].into_boxed_slice() }
    }

    /// The side to take, if the book leans enough.
    fn signal(&self, top: &BookTop) -> Option<Side> {
        let (bid, ask) = (i128::from(top.bid_qty.0), i128::from(top.ask_qty.0));
        let share = (bid + ask) * i128::from(self.params.imbalance_bps);
        if bid * 10_000 >= share {
            Some(Side::Buy)
        } else if ask * 10_000 >= share {
            Some(Side::Sell)
        } else {
            None
        }
    }
}

impl Strategy for Taker {
    fn configure(&mut self, params: &Params) {
        if let Params::Taker(params) = params {
            self.params = *params;
        }
    }

    fn on_top(&mut self, top: &BookTop, desk: &mut Desk<'_>) {
        let usable = top.flags & (flags::STALE | flags::CROSSED | flags::HALT) == 0;
        if !usable || top.bid_px.is_none() || top.ask_px.is_none() {
            return;
        }
        let cooldown = Nanos(u64::from(self.params.cooldown_ms) * Nanos::MILLI.0);
        let Some(side) = self.signal(top) else { return };
        let Some(book) = self.books.get_mut(top.instrument.index()) else { return };
        let rested = desk.now().saturating_since(book.asked) >= cooldown;
        if book.working != ClOrdId::NONE || !rested {
            return;
        }
        let px = match side {
            Side::Buy => top.ask_px,
            Side::Sell => top.bid_px,
        };
        let qty = self.params.qty;
        if let Ok(id) = desk.enter(top.instrument, side, px, qty, Tif::Ioc, OrdType::Limit) {
            *book = Book { working: id, asked: desk.now() };
        }
    }

    fn on_update(&mut self, update: &OrderUpdate, _desk: &mut Desk<'_>) {
        let Some(book) = self.books.get_mut(update.instrument.index()) else { return };
        let ended = Base::from_u8(update.base).is_some_and(Base::is_terminal);
        if book.working == update.cl_ord_id && ended {
            book.working = ClOrdId::NONE;
        }
    }

    fn on_reject(&mut self, reject: &RiskReject, _desk: &mut Desk<'_>) {
        let Some(book) = self.books.get_mut(reject.instrument.index()) else { return };
        if book.working == reject.cl_ord_id {
            book.working = ClOrdId::NONE;
        }
    }
}
