//! Per type: what each leg should have at the venue now. A function of the row, the market and the
//! time; what it finds out once (touched, won, begun) it latches in the row.

use super::quote::{Market, touches};
use super::row::{Row, latch};
use crate::risk::parents::LEGS_MAX;
use crate::strategy::Terms;
use shm::message::{OrdType, ParentKind, Side, Tif, parent_flags};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

/// What one leg should have at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Buys or sells.
    pub side: Side,
    /// Limit price, [`Price::NONE`] at any price.
    pub px: Price,
    /// How much should work, more than 0.
    pub qty: i64,
    /// Immediate: sent once, then looked at anew.
    pub is_immediate: bool,
    /// How much of it is shown by the venue, 0 for all.
    pub display_qty: Qty,
}

impl Want {
    /// A resting order at a limit, or an immediate one at any price.
    fn of(side: Side, px: Price, qty: i64) -> Option<Self> {
        let is_immediate = px.is_none();
        (qty > 0).then_some(Self { side, px, qty, is_immediate, display_qty: Qty::ZERO })
    }

    /// Time in force and type of its order.
    #[must_use]
    pub const fn form(&self) -> (Tif, OrdType) {
        let tif = if self.is_immediate { Tif::Ioc } else { Tif::Day };
        (tif, if self.px.is_none() { OrdType::Market } else { OrdType::Limit })
    }
}

/// What all legs should have. `None` for a leg that should have nothing.
pub type Wants = [Option<Want>; LEGS_MAX];

const NOTHING: Wants = [None; LEGS_MAX];

/// What a row wants; whether it is done is told by [`Row::end`].
pub fn wants(row: &mut Row, market: &Market, terms: &Terms, now: Nanos) -> Wants {
    match row.kind {
        ParentKind::Stop | ParentKind::StopLimit => {
            let [stop, _] = row.parent.stop_px;
            single(row, market, stop)
        }
        ParentKind::Trailing => {
            let stop = trail(row, market, terms);
            single(row, market, stop)
        }
        ParentKind::Oco => oco(row, market),
        ParentKind::Bracket => bracket(row, market),
        ParentKind::Iceberg => iceberg(row),
        ParentKind::Twap => twap(row, terms, now),
    }
}

/// Whether a trigger of a side is touched now.
fn is_touched(row: &Row, market: &Market, side: Side, stop_px: Price) -> bool {
    let on_last = row.parent.flags & parent_flags::LAST_TRADE != 0;
    let px = market.reference(side, on_last);
    stop_px.is_some() && px.is_some_and(|px| touches(side, stop_px, px))
}

/// Ends a row that has nothing left to do and nothing out.
fn finish(row: &mut Row, rest: i64, reason: Reason) {
    if rest <= 0 && row.is_idle() {
        row.end(reason);
    }
}

/// Stop, stop limit, trailing: one order, once touched.
fn single(row: &mut Row, market: &Market, stop_px: Price) -> Wants {
    let side = row.side();
    if !row.has(latch::TRIGGERED) {
        if !is_touched(row, market, side, stop_px) {
            return NOTHING;
        }
        row.latch(latch::TRIGGERED);
    }
    let rest = row.parent.qty.0.saturating_sub(row.leg(0).spent());
    finish(row, rest, Reason::None);
    let [px, ..] = row.parent.px;
    [Want::of(side, px, rest), None, None]
}

/// Moves the anchor of a trailing stop; the stop that follows from it, rounded away from the
/// market, [`Price::NONE`] before a price was seen.
fn trail(row: &mut Row, market: &Market, terms: &Terms) -> Price {
    let side = row.side();
    let on_last = row.parent.flags & parent_flags::LAST_TRADE != 0;
    if !row.has(latch::TRIGGERED)
        && let Some(px) = market.reference(side, on_last)
    {
        let anchor = row.latched.anchor;
        let is_better = match side {
            Side::Buy => px < anchor,
            Side::Sell => px > anchor,
        };
        if anchor.is_none() || is_better {
            row.latched.anchor = px;
        }
    }
    stop_of(row.latched.anchor, side, row.parent.offset, row.parent.flags, terms)
        .unwrap_or(Price::NONE)
}

/// The stop of a trailing stop whose anchor is given; `None` without one, or off the scale.
#[must_use]
pub fn stop_of(anchor: Price, side: Side, offset: u32, flags: u8, terms: &Terms) -> Option<Price> {
    if anchor.is_none() {
        return None;
    }
    let tick = terms.tick(anchor)?;
    let distance = if flags & parent_flags::OFFSET_BPS != 0 {
        let wide = i128::from(anchor.0) * i128::from(offset);
        Price(i64::try_from(wide / 10_000).ok()?)
    } else {
        tick.checked_mul(i64::from(offset))?
    };
    match side {
        Side::Sell => anchor.checked_sub(distance)?.floor_to_tick(tick),
        Side::Buy => anchor.checked_add(distance)?.ceil_to_tick(tick),
    }
}

/// Two orders of which one is wanted.
fn oco(row: &mut Row, market: &Market) -> Wants {
    let (first, second) = (row.leg(0), row.leg(1));
    let side = row.side();
    let side_1 = Side::from_u8(row.parent.side_other).unwrap_or(side);
    let ([px, px_1, _], [stop, stop_1]) = (row.parent.px, row.parent.stop_px);
    let is_shared = row.parent.flags & parent_flags::SHARED != 0;
    if !row.has(latch::WON) && !row.has(latch::WON_1) && !row.has(latch::SWITCHED) {
        if stop.is_some() && is_touched(row, market, side, stop) {
            row.latch(latch::TRIGGERED);
        }
        // Legs that share a quantity: a second leg without a trigger has its turn when the market
        // comes to its price.
        let turn = if stop_1.is_some() {
            is_touched(row, market, side_1, stop_1)
        } else {
            is_shared && is_reached(market, side_1, px_1)
        };
        if turn {
            row.latch(latch::TRIGGERED_1);
        }
        if first.spent() > 0 {
            row.latch(latch::WON);
        } else if second.spent() > 0 {
            row.latch(latch::WON_1);
        } else if is_shared && turn {
            row.latch(latch::SWITCHED);
        }
    }
    let rest = row.parent.qty.0.saturating_sub(first.spent()).saturating_sub(second.spent());
    finish(row, rest, Reason::None);
    let awake = stop.is_none() || row.has(latch::TRIGGERED);
    let awake_1 = row.has(latch::TRIGGERED_1) || stop_1.is_none() && !is_shared;
    let on = awake && !row.has(latch::WON_1) && !row.has(latch::SWITCHED);
    let turn_1 = !is_shared || row.has(latch::SWITCHED) && first.is_empty();
    let on_1 = awake_1 && turn_1 && !row.has(latch::WON);
    [Want::of(side, px, rest).filter(|_| on), Want::of(side_1, px_1, rest).filter(|_| on_1), None]
}

/// Whether a limit order of a side would be met by the quote.
fn is_reached(market: &Market, side: Side, px: Price) -> bool {
    market.reference(side, false).is_some_and(|other| touches(side.opposite(), px, other))
}

/// An entry, and two exits for what it has filled.
fn bracket(row: &mut Row, market: &Market) -> Wants {
    let (entry, profit, loss) = (row.leg(0), row.leg(1), row.leg(2));
    let side = row.side();
    let exit = side.opposite();
    let ([entry_px, profit_px, loss_px], [stop, _]) = (row.parent.px, row.parent.stop_px);
    let open = entry.filled().saturating_sub(profit.spent()).saturating_sub(loss.spent());
    if !row.has(latch::TRIGGERED) && open > 0 && is_touched(row, market, exit, stop) {
        row.latch(latch::TRIGGERED | latch::ENTRY_OVER);
    }
    if profit.spent() > 0 {
        row.latch(latch::ENTRY_OVER);
    }
    let rest = row.parent.qty.0.saturating_sub(entry.spent());
    if entry_px.is_none() && row.sent_step > 0 && entry.is_empty() {
        // At the market: what was not there at once is not waited for.
        row.latch(latch::ENTRY_OVER);
    }
    let entry_over = rest <= 0 || row.has(latch::ENTRY_OVER);
    if entry_over {
        finish(row, open, row.reason);
    }
    let stopped = row.has(latch::TRIGGERED);
    [
        Want::of(side, entry_px, rest).filter(|_| !entry_over),
        Want::of(exit, profit_px, open).filter(|_| !stopped),
        Want::of(exit, loss_px, open).filter(|_| stopped && profit.is_empty()),
    ]
}

/// A limit order of which a part is shown.
fn iceberg(row: &mut Row) -> Wants {
    let leg = row.leg(0);
    let rest = row.parent.qty.0.saturating_sub(leg.spent());
    finish(row, rest, Reason::None);
    let ([px, ..], clip) = (row.parent.px, row.parent.clip_qty);
    let at_venue = row.parent.flags & parent_flags::VENUE_RESERVE != 0;
    let qty = if at_venue {
        rest
    } else if leg.is_empty() {
        rest.min(clip.0)
    } else {
        leg.leaves().0
    };
    let want = Want::of(row.side(), px, qty);
    let display_qty = if at_venue && clip.0 < rest { clip } else { Qty::ZERO };
    [want.map(|want| Want { display_qty, ..want }), None, None]
}

/// Slices over a time. What is due counts what was missed; none is sent beyond it.
fn twap(row: &mut Row, terms: &Terms, now: Nanos) -> Wants {
    let parent = row.parent;
    let leg = row.leg(0);
    let begun = slices_begun(parent.start, parent.end, parent.slices, now);
    row.latched.step = row.latched.step.max(begun);
    let step = row.latched.step;
    let due = due(parent.qty, terms.lot, parent.slices, step);
    let rest = due.saturating_sub(leg.spent());
    let most = if parent.clip_qty.0 > 0 { parent.clip_qty.0 } else { i64::MAX };
    let most = most.min(row.slice.bound());
    let is_last = step >= parent.slices;
    // Another order in the slice of one that was refused has to come before the end.
    let is_over = row.slice.refused().is_some() && now >= parent.end;
    let had_its_child = row.sent_step >= step || is_over;
    if leg.is_empty() && (leg.spent() >= parent.qty.0 || is_last && had_its_child) {
        let unfilled = leg.spent() < parent.qty.0;
        // Of a last order that risk refused, why it did.
        row.end(match (unfilled, row.slice.refused()) {
            (false, _) => Reason::None,
            (true, refused) => refused.unwrap_or(Reason::Expired),
        });
        return NOTHING;
    }
    if had_its_child && leg.is_empty() {
        return NOTHING;
    }
    let [px, ..] = parent.px;
    let qty = if leg.is_empty() { rest.min(most) } else { leg.leaves().0 };
    let want = Want::of(row.side(), px, qty);
    if want.is_none() && leg.is_empty() {
        // Nothing is due: the slice is over.
        row.sent_step = step;
    }
    [want.map(|want| Want { is_immediate: true, ..want }), None, None]
}

/// Slices that have begun by a time: the first at `start`, the last one slice before `end`.
#[must_use]
pub fn slices_begun(start: Nanos, end: Nanos, slices: u32, now: Nanos) -> u32 {
    if now < start {
        return 0;
    }
    let length = u128::from(end.0.saturating_sub(start.0).max(1));
    let passed = u128::from(now.0 - start.0) * u128::from(slices) / length;
    u32::try_from(passed.saturating_add(1)).unwrap_or(u32::MAX).min(slices)
}

/// When the next slice begins; `None` after the last.
#[must_use]
pub fn next_slice(start: Nanos, end: Nanos, slices: u32, step: u32) -> Option<Nanos> {
    if step >= slices {
        return None;
    }
    let length = u128::from(end.0.saturating_sub(start.0));
    let offset = (u128::from(step) * length).div_ceil(u128::from(slices.max(1)));
    Some(Nanos(start.0.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))))
}

/// What should be filled once `step` slices have begun, in whole lots; all of it with the last.
#[must_use]
pub fn due(qty: Qty, lot: Qty, slices: u32, step: u32) -> i64 {
    if step >= slices {
        return qty.0;
    }
    let share = i128::from(qty.0) * i128::from(step) / i128::from(slices.max(1));
    let lot = i128::from(lot.0.max(1));
    i64::try_from(share / lot * lot).unwrap_or(qty.0)
}
