//! Market events: what fills the orders that rest.

use super::orders::{NIL, Orders};
use super::request::execute;
use super::{Paper, Reports, Top, reaches};
use crate::codec::ouch50::LiquidityCode;
use shm::ids::InstrumentId;
use shm::message::{BookTop, Side, Trade, flags};
use shm::units::{Nanos, Price, Qty};

impl Paper {
    /// Takes a book update: the quantity shown counts anew, orders that the opposite best reaches
    /// fill, queues shrink to what is shown. False, with nothing taken, while reports wait.
    #[must_use]
    pub fn on_book_top(&mut self, update: &BookTop) -> bool {
        if !self.is_drained() {
            return false;
        }
        self.expire(update.t0);
        let Some(top) = self.tops.get_mut(update.instrument.index()) else { return true };
        *top = Top::of(update);
        if !top.is_usable {
            return true;
        }
        for side in [Side::Buy, Side::Sell] {
            fill_reached(&mut self.orders, &mut self.reports, top, update, side);
            shrink_queues(&mut self.orders, top, update.instrument, side);
        }
        true
    }

    /// Takes a print: orders that it went through, or whose turn it was at its price, fill. False,
    /// with nothing taken, while reports wait.
    #[must_use]
    pub fn on_trade(&mut self, trade: &Trade) -> bool {
        if !self.is_drained() {
            return false;
        }
        self.expire(trade.t0);
        if trade.flags & (flags::STALE | flags::HALT) != 0 || trade.qty <= Qty::ZERO {
            return true;
        }
        let mut left = trade.qty;
        let resting = Side::from_u8(trade.side);
        for side in [Side::Buy, Side::Sell] {
            if resting.is_none_or(|resting| resting == side) {
                left = fill_printed(&mut self.orders, &mut self.reports, trade, side, left);
            }
        }
        true
    }
}

/// Fills the orders of `side` that the opposite best reaches, best price first, then by time.
fn fill_reached(
    orders: &mut Orders,
    reports: &mut Reports,
    top: &mut Top,
    update: &BookTop,
    side: Side,
) {
    let mut row = orders.first(update.instrument, side);
    // Bounded by the rows of the list: each turn goes to the next.
    while row != NIL {
        let next = orders.after(row);
        let Some((px, left)) = top.opposite(side) else { return };
        let Some(order) = orders.get(row) else { return };
        if !reaches(side, order.px, px) {
            return;
        }
        let qty = left.min(order.leaves);
        top.take(side, qty);
        fill(orders, reports, row, qty, update.t0);
        row = next;
    }
}

/// Fills the orders of `side` by a print; returns what is left of it.
fn fill_printed(
    orders: &mut Orders,
    reports: &mut Reports,
    trade: &Trade,
    side: Side,
    mut left: Qty,
) -> Qty {
    let mut row = orders.first(trade.instrument, side);
    // What stands before us at the price trades once, however many orders of ours wait there.
    let mut ahead_traded = Qty::ZERO;
    // Bounded by the rows of the list: each turn goes to the next. With nothing left of the print,
    // the later orders' queues still shrink by what has traded before them.
    while row != NIL {
        let next = orders.after(row);
        let Some(order) = orders.get_mut(row) else { break };
        if !reaches(side, order.px, trade.px) {
            break;
        }
        if order.px == trade.px {
            // Not known to be at the best yet: the print was for those before us.
            let Some(ahead) = order.ahead else {
                row = next;
                continue;
            };
            let ahead = less(ahead, ahead_traded);
            let traded = ahead.min(left);
            ahead_traded = Qty(ahead_traded.0.saturating_add(traded.0));
            left = less(left, traded);
            order.ahead = Some(less(ahead, traded));
        }
        let qty = left.min(order.leaves);
        if qty > Qty::ZERO {
            left = less(left, qty);
            fill(orders, reports, row, qty, trade.t0);
        }
        row = next;
    }
    left
}

/// Executes a part of a resting order at its own price, and takes it out when nothing is left.
fn fill(orders: &mut Orders, reports: &mut Reports, row: u32, qty: Qty, t0: Nanos) {
    let Some(order) = orders.get_mut(row) else { return };
    let px = order.px;
    execute(reports, order, px, qty, LiquidityCode::ADDED, t0);
    if order.leaves <= Qty::ZERO {
        orders.remove(row);
    }
}

/// Corrects the queues of one side by what is shown now.
fn shrink_queues(orders: &mut Orders, top: &Top, instrument: InstrumentId, side: Side) {
    let (best, shown) = top.own(side);
    let mut row = orders.first(instrument, side);
    // Bounded by the rows of the list: each turn goes to the next.
    while let Some(order) = orders.get_mut(row) {
        order.ahead = match order.ahead {
            _ if order.is_hidden => None,
            _ if is_better(side, order.px, best) => Some(Qty::ZERO),
            Some(ahead) if order.px == best => Some(ahead.min(shown)),
            None if order.px == best => Some(shown),
            ahead => ahead,
        };
        row = orders.after(row);
    }
}

/// Whether an order stands alone before the best of its side.
fn is_better(side: Side, px: Price, best: Price) -> bool {
    best.is_none() || px != best && reaches(side, px, best)
}

/// `a - b`, not below zero.
fn less(a: Qty, b: Qty) -> Qty {
    a.checked_sub(b).unwrap_or(Qty::ZERO).max(Qty::ZERO)
}
