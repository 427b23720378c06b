//! The money of scopes, kept as running sums: what each instrument adds is recomputed when its
//! position, its working sells or its mark change, and the difference goes to the scope (R32, R33,
//! R34, R36). No order walks over instruments.
//!
//! - `gross`, `net`: position x mark, positive and signed.
//! - `short_value`: what would be short with every working sell filled, x mark. Own money is
//!   blocked for it; what a sale brings in is an unsettled credit and not counted.
//! - `debits`: price x quantity of purchases, and fees. A sale gives nothing back.
//! - `earned`: realised - fees - cost of what is held. `earned + net` is the session's profit.
//!
//! A mark is the reference price of the instrument: middle, last trade, prior close. While the book
//! is stale or crossed the last mark stands for alarms, and orders of scopes that hold the
//! instrument and have a limit on money are refused (R24: a stale mark).

use shm::ids::{FeedId, InstrumentId};
use shm::message::Side;
use shm::reason::{Reason, Unit};
use shm::units::{Nanos, Price};

use super::checks::{Refusal, Verdict, at_most, no_reference};
use super::exposure::{Change, Exposure, Rows, Sums};
use super::limits::{LimitTable, ScopeLimits, UNBOUNDED};
use super::reference::References;
use super::scope::{ScopeState, Scopes};

/// What one row of sums adds to its scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts {
    gross: i128,
    net: i128,
    short: i128,
}

/// The mark of one instrument.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// [`Price::NONE`] before the first.
    px: Price,
    multiplier: i64,
    feed: FeedId,
    /// It is a reference now, but for its age.
    usable: bool,
    /// Some scope holds or sells it: what changes the mark changes sums.
    busy: bool,
}

/// A fill, as it changes money.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traded {
    /// Of the position.
    pub(super) signed: i64,
    /// Change of realised profit less fees less cost.
    pub(super) earned: i128,
    /// Change of what was paid.
    pub(super) debits: i128,
}

/// Marks, and how many positions of each scope come from each feed.
#[derive(Clone, Debug)]
pub(super) struct Money {
    marks: Box<[Mark]>,
    feeds: usize,
    /// By scope, then feed.
    held: Box<[u32]>,
}

impl Money {
    pub(super) fn new(
        instruments: impl Iterator<Item = (i64, FeedId, Price)>,
        feeds: usize,
        scopes: usize,
    ) -> Self {
        let marks = instruments.map(|(multiplier, feed, px)| Mark {
            px,
            multiplier,
            feed,
            usable: px.is_some(),
            busy: false,
        });
        Self { marks: marks.collect(), feeds, held: vec![0; scopes * feeds].into() }
    }

    /// Mark of an instrument, [`Price::NONE`] before the first, and its multiplier.
    #[inline]
    pub(super) fn mark_of(&self, instrument: InstrumentId) -> Option<(Price, i64)> {
        self.marks.get(instrument.index()).map(|mark| (mark.px, mark.multiplier))
    }

    /// Notes that some scope sells an instrument: its mark changes sums.
    #[inline]
    pub(super) fn sells(&mut self, instrument: InstrumentId) {
        if let Some(mark) = self.marks.get_mut(instrument.index()) {
            mark.busy = true;
        }
    }

    fn parts(&self, sums: &Sums, instrument: InstrumentId) -> Parts {
        let Some(mark) = self.marks.get(instrument.index()) else { return Parts::default() };
        parts_at(sums, mark.px, mark.multiplier)
    }

    /// Takes a mark that may have moved. What moved is to be watched: true.
    #[inline]
    pub(super) fn remark(
        &mut self,
        instrument: InstrumentId,
        references: &References,
        exposure: &Exposure,
        scopes: &mut Scopes,
    ) -> bool {
        let Some(mark) = self.marks.get_mut(instrument.index()) else { return false };
        let (before, was_usable) = (mark.px, mark.usable);
        let (px, usable) = references.valued(instrument);
        mark.usable = usable;
        mark.px = px.unwrap_or(before);
        if !mark.busy || (mark.px == before && mark.usable == was_usable) {
            return false;
        }
        let mark = *mark;
        let mut moved = false;
        for (place, sums) in exposure.of_instrument(instrument) {
            if sums.position.0 == 0 && sums.open_sell.0 == 0 {
                continue;
            }
            moved = true;
            let old = parts_at(sums, before, mark.multiplier);
            let new = parts_at(sums, mark.px, mark.multiplier);
            let lost = i32::from(was_usable) - i32::from(mark.usable);
            let lost = if sums.position.0 == 0 { 0 } else { lost };
            for place in both(place, instrument, scopes) {
                move_scope(scopes, place, &old, &new);
                if let Some(scope) = scopes.get_mut(place) {
                    scope.unmarked = scope.unmarked.saturating_add_signed(lost);
                }
            }
        }
        // Held by nobody and sold by nobody: what changes that says so again.
        if let Some(mark) = self.marks.get_mut(instrument.index()).filter(|_| !moved) {
            mark.busy = false;
        }
        moved
    }

    /// Applies a change of working orders to sums and scopes.
    #[inline]
    pub(super) fn apply_open(
        &mut self,
        rows: &Rows,
        change: &Change,
        exposure: &mut Exposure,
        scopes: &mut Scopes,
    ) {
        let is_sell = change.side == Side::Sell;
        let mut at = (Price::NONE, 1);
        if let Some(mark) = self.marks.get_mut(rows.instrument.index()).filter(|_| is_sell) {
            mark.busy = true;
            at = (mark.px, mark.multiplier);
        }
        let mut apply = |row| {
            // Working buys change neither what is held nor what may be short.
            let short = |sums: &Sums| if is_sell { short_of(sums, at.0, at.1) } else { 0 };
            let old = exposure.row(row).map_or(0, short);
            exposure.apply(row, change);
            (old, exposure.row(row).map_or(0, short))
        };
        let [firm, account, strategy] = rows.sums;
        let firm = apply(firm);
        let shorts = [firm, apply(account), apply(strategy), firm];
        for (place, (old, new)) in rows.places.0.into_iter().zip(shorts) {
            let Some(scope) = scopes.get_mut(place) else { continue };
            if is_sell {
                scope.short_value = sum_less(scope.short_value, new, old);
                scope.open_sell = sum(scope.open_sell, change.value);
            } else {
                scope.open_buy = sum(scope.open_buy, change.value);
            }
            scope.open_qty = sum(scope.open_qty, i128::from(change.qty));
        }
    }

    /// Applies a fill, or the undoing of one, to positions and scopes.
    pub(super) fn apply_fill(
        &mut self,
        rows: &Rows,
        traded: &Traded,
        exposure: &mut Exposure,
        scopes: &mut Scopes,
    ) {
        let Some(mark) = self.marks.get_mut(rows.instrument.index()) else { return };
        mark.busy = true;
        let mark = *mark;
        for (at, row) in rows.sums.into_iter().enumerate() {
            let Some(before) = exposure.row(row).copied() else { continue };
            exposure.fill(row, traded.signed);
            let Some(after) = exposure.row(row).copied() else { continue };
            let old = parts_at(&before, mark.px, mark.multiplier);
            let new = parts_at(&after, mark.px, mark.multiplier);
            let held = i32::from(after.position.0 != 0) - i32::from(before.position.0 != 0);
            for place in places_of(rows, at) {
                move_scope(scopes, place, &old, &new);
                if let Some(scope) = scopes.get_mut(place) {
                    scope.earned = scope.earned.saturating_add(traded.earned);
                    scope.debits = scope.debits.saturating_add(traded.debits);
                    if !mark.usable {
                        scope.unmarked = scope.unmarked.saturating_add_signed(held);
                    }
                }
                self.hold(place, mark.feed, held, scopes);
            }
        }
    }

    /// Counts the positions of a scope that a feed marks.
    fn hold(&mut self, place: u32, feed: FeedId, change: i32, scopes: &mut Scopes) {
        let at = place as usize * self.feeds + feed.index();
        let (Some(count), Some(scope)) = (self.held.get_mut(at), scopes.get_mut(place)) else {
            return;
        };
        *count = count.saturating_add_signed(change);
        let bit = 1_u32.checked_shl(u32::from(feed.0)).unwrap_or(0);
        scope.feeds = if *count == 0 { scope.feeds & !bit } else { scope.feeds | bit };
    }
}

/// A sum, held at the end of the integer.
#[inline(always)]
pub(super) const fn sum(sum: i128, more: i128) -> i128 {
    match sum.checked_add(more) {
        Some(sum) => sum,
        None => sum.saturating_add(more),
    }
}

/// A sum with one part in place of another, held at the end of the integer.
#[inline(always)]
const fn sum_less(sum: i128, new: i128, old: i128) -> i128 {
    match sum.checked_add(new) {
        Some(sum) => match sum.checked_sub(old) {
            Some(sum) => sum,
            None => sum.saturating_sub(old),
        },
        None => sum.saturating_add(new).saturating_sub(old),
    }
}

/// Price x quantity x multiplier, held at the end of the integer. The quantity is at most 2^64.
#[inline]
const fn value_at(qty: i128, px: Price, multiplier: i64) -> i128 {
    if multiplier == 1 {
        // At most 2^64 * 2^63 in size: it fits but for one value that no position can have.
        return qty.wrapping_mul(px.0 as i128);
    }
    qty.saturating_mul((px.0 as i128).saturating_mul(multiplier as i128))
}

/// What a short quantity comes to at a price; nothing without one.
#[inline(always)]
pub(super) const fn short_at(short: i64, px: Price, multiplier: i64) -> i128 {
    if short <= 0 || px.is_none() {
        return 0;
    }
    if multiplier == 1 {
        // At most 2^126 in size.
        return (short as i128 * px.0 as i128).abs();
    }
    value_at(short as i128, px, multiplier).saturating_abs()
}

/// What would be short with every working sell filled, at a price.
#[inline]
const fn short_of(sums: &Sums, px: Price, multiplier: i64) -> i128 {
    if let Some(short) = sums.open_sell.0.checked_sub(sums.position.0) {
        return short_at(short, px, multiplier);
    }
    let short = sums.open_sell.0 as i128 - sums.position.0 as i128;
    if short <= 0 || px.is_none() {
        return 0;
    }
    value_at(short, px, multiplier).saturating_abs()
}

/// What a row adds at a price; nothing without one.
#[inline]
fn parts_at(sums: &Sums, px: Price, multiplier: i64) -> Parts {
    if px.is_none() {
        return Parts::default();
    }
    let net = value_at(i128::from(sums.position.0), px, multiplier);
    Parts { gross: net.saturating_abs(), net, short: short_of(sums, px, multiplier) }
}

/// The scopes that a row belongs to: the firm's row is the instrument's as well.
#[inline]
fn places_of(rows: &Rows, at: usize) -> impl Iterator<Item = u32> + use<> {
    let [firm, account, strategy, instrument] = rows.places.0;
    let (place, second) = match at {
        0 => (firm, Some(instrument)),
        1 => (account, None),
        _ => (strategy, None),
    };
    core::iter::once(place).chain(second)
}

fn both(
    place: u32,
    instrument: InstrumentId,
    scopes: &Scopes,
) -> impl Iterator<Item = u32> + use<> {
    let second = (place == 0).then(|| scopes.map.wide() as u32 + instrument.0);
    core::iter::once(place).chain(second)
}

#[inline]
fn move_scope(scopes: &mut Scopes, place: u32, old: &Parts, new: &Parts) {
    if old == new {
        return;
    }
    let Some(scope) = scopes.get_mut(place) else { return };
    scope.gross = scope.gross.saturating_add(new.gross).saturating_sub(old.gross);
    scope.net = scope.net.saturating_add(new.net).saturating_sub(old.net);
    scope.short_value = scope.short_value.saturating_add(new.short).saturating_sub(old.short);
}

/// An order as the checks of money see it.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) rows: &'a Rows,
    pub(super) change: &'a Change,
    /// It only reduces, in every scope: it is how one comes back under R32 and R36.
    pub(super) reduces: &'a dyn Fn() -> bool,
    pub(super) now: Nanos,
    pub(super) age_max: Nanos,
}

/// The state that the checks of money read.
#[derive(Clone, Copy)]
pub(super) struct Books<'a> {
    pub(super) money: &'a Money,
    pub(super) exposure: &'a Exposure,
    pub(super) scopes: &'a Scopes,
    pub(super) limits: &'a LimitTable,
    pub(super) references: &'a References,
}

const OVERFLOW: Refusal = Refusal::of(Reason::Overflow);

/// Measured against a limit; a sum that left the integer is refused by name.
#[inline]
fn bounded(reason: Reason, measured: Option<i128>, limit: i128) -> Verdict {
    if limit == UNBOUNDED {
        return Ok(());
    }
    match measured {
        Some(measured) => at_most(reason, measured, limit),
        None => Err(OVERFLOW),
    }
}

/// The same of a quantity.
#[inline]
fn bounded_qty(reason: Reason, measured: Option<i128>, limit: i128) -> Verdict {
    let as_qty = |refusal| Refusal { unit: Unit::Qty, ..refusal };
    bounded(reason, measured, limit).map_err(as_qty)
}

impl Books<'_> {
    /// R24 of what R32, R33 and R36 are about to use: the marks of what the scopes hold.
    #[inline]
    pub(super) fn marks(&self, ask: &Ask<'_>) -> Verdict {
        for place in ask.rows.places.0 {
            let (Some(limits), Some(scope)) = (self.limits.scope(place), self.scopes.get(place))
            else {
                continue;
            };
            if !limits.has_money {
                continue;
            }
            if scope.unmarked > 0 {
                let (reason, measured) = (Reason::NoReference, i128::from(scope.unmarked));
                return Err(Refusal { reason, unit: Unit::Count, measured, limit: 0 });
            }
            let mut feeds = scope.feeds;
            while feeds != 0 {
                let feed = feeds.trailing_zeros() as u8;
                feeds &= feeds - 1;
                if let Err(why) = self.references.feed(FeedId(feed), ask.now, ask.age_max) {
                    return Err(no_reference(why, ask.age_max.0));
                }
            }
        }
        Ok(())
    }

    /// R32.
    #[inline]
    pub(super) fn gross(&self, ask: &Ask<'_>) -> Verdict {
        self.each(ask, |limits, scope| {
            let open = scope.open_buy.checked_add(scope.open_sell);
            let all = open.and_then(|open| open.checked_add(scope.gross));
            let all = all.and_then(|all| all.checked_add(ask.change.value));
            bounded(Reason::Gross, all, limits.gross_max)
        })
        .or_else(|refusal| if (ask.reduces)() { Ok(()) } else { Err(refusal) })
    }

    /// R33, on the side of the order.
    #[inline]
    pub(super) fn net(&self, ask: &Ask<'_>) -> Verdict {
        self.each(ask, |limits, scope| {
            let worst = match ask.change.side {
                Side::Buy => scope.net.checked_add(scope.open_buy),
                Side::Sell => scope.open_sell.checked_sub(scope.net),
            };
            let worst = worst.and_then(|worst| worst.checked_add(ask.change.value));
            bounded(Reason::Net, worst, limits.net_max)
        })
    }

    /// R34.
    #[inline]
    pub(super) fn funds(&self, ask: &Ask<'_>) -> Verdict {
        for (place, row) in Exposure::by_scope(ask.rows) {
            let (Some(limits), Some(scope)) = (self.limits.scope(place), self.scopes.get(place))
            else {
                continue;
            };
            if limits.funds_max == UNBOUNDED {
                continue;
            }
            let more = match ask.change.side {
                Side::Buy => Some(ask.change.value),
                Side::Sell => self.exposure.row(row).and_then(|sums| {
                    let after = sums.after(ask.change)?;
                    let now = self.money.parts(sums, ask.rows.instrument).short;
                    self.money.parts(&after, ask.rows.instrument).short.checked_sub(now)
                }),
            };
            let required = scope.debits.checked_add(scope.open_buy);
            let required = required.and_then(|sum| sum.checked_add(scope.short_value));
            let required = required.zip(more).and_then(|(sum, more)| sum.checked_add(more));
            bounded(Reason::Funds, required, limits.funds_max)?;
        }
        Ok(())
    }

    /// R35: entered and traded, value and quantity, with every working order filled.
    #[inline]
    pub(super) fn day(&self, ask: &Ask<'_>) -> Verdict {
        for place in ask.rows.places.0 {
            let (Some(limits), Some(scope)) = (self.limits.scope(place), self.scopes.get(place))
            else {
                continue;
            };
            if !limits.binds {
                continue;
            }
            let (value, qty) = (ask.change.value, i128::from(ask.change.qty));
            let entered = scope.entered_value.checked_add(value.max(0));
            bounded(Reason::Daily, entered, limits.entered_value_max)?;
            let entered = scope.entered_qty.checked_add(qty.max(0));
            bounded_qty(Reason::Daily, entered, limits.entered_qty_max)?;
            let open = scope.open_buy.checked_add(scope.open_sell);
            let traded = open.and_then(|open| open.checked_add(scope.traded_value));
            let traded = traded.and_then(|traded| traded.checked_add(value));
            bounded(Reason::Daily, traded, limits.traded_value_max)?;
            let traded = scope.traded_qty.checked_add(scope.open_qty);
            let traded = traded.and_then(|traded| traded.checked_add(qty));
            bounded_qty(Reason::Daily, traded, limits.traded_qty_max)?;
        }
        Ok(())
    }

    /// R36: loss, and fall from the best.
    #[inline]
    pub(super) fn loss(&self, ask: &Ask<'_>) -> Verdict {
        self.each(ask, |limits, scope| {
            let profit = scope.profit();
            bounded(Reason::Loss, profit.checked_neg(), limits.loss_max)?;
            bounded(Reason::Loss, scope.peak.checked_sub(profit), limits.drawdown_max)
        })
        .or_else(|refusal| if (ask.reduces)() { Ok(()) } else { Err(refusal) })
    }

    #[inline]
    fn each(&self, ask: &Ask<'_>, check: impl Fn(&ScopeLimits, &ScopeState) -> Verdict) -> Verdict {
        for place in ask.rows.places.0 {
            let (Some(limits), Some(scope)) = (self.limits.scope(place), self.scopes.get(place))
            else {
                continue;
            };
            if limits.has_money {
                check(limits, scope)?;
            }
        }
        Ok(())
    }
}
