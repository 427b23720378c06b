//! What stands behind the checks and changes with every approval and report: unknown orders (R07),
//! the clock (R08), short sales (R11), expiry (R15), the price paid of late (R26), and the one way
//! by which open orders and fills reach sums, scopes and books.

use shm::ids::AccountId;
use shm::message::{Side, Tif};
use shm::reason::{Reason, Unit};
use shm::record::order::Base;
use shm::units::{Nanos, Price};

use super::Risk;
use super::checks::{Refusal, Verdict, at_most};
use super::decide::{Candidate, Passed};
use super::exposure::{Change, Rows, Short, Taken};
use super::limits::{COUNT_UNBOUNDED, PairLimits};
use super::money::{Books, Traded, sum};
use super::room::Need;
use super::scope::Places;
use crate::order::Order;
use crate::position::{Fill, Holding};

/// No time.
const NEVER: Nanos = Nanos(u64::MAX);

impl Risk {
    /// The wall clock as far from the engine's as the control thread has measured (R08).
    pub const fn set_drift(&mut self, drift: Nanos) {
        self.drift = Some(drift);
    }

    pub(super) const fn books(&self) -> Books<'_> {
        Books {
            money: &self.money,
            exposure: &self.exposure,
            scopes: &self.scopes,
            limits: &self.limits,
            references: &self.references,
        }
    }

    /// R07: how many orders are unknown, and since when the oldest is.
    #[inline]
    pub(super) fn check_unresolved(&self, places: &Places) -> Verdict {
        for place in places.0 {
            let (Some(limits), Some(scope)) = (self.limits.scope(place), self.scopes.get(place))
            else {
                continue;
            };
            if scope.unknown == 0 {
                continue;
            }
            let reason = Reason::Unresolved;
            if limits.unknown_max != COUNT_UNBOUNDED {
                at_most(reason, i128::from(scope.unknown), i128::from(limits.unknown_max))?;
            }
            let age = self.now.saturating_since(scope.unknown_since);
            let oldest = at_most(reason, i128::from(age.0), limits.unknown_age_max.0.into());
            oldest.map_err(|refusal| Refusal { unit: Unit::Nanos, ..refusal })?;
        }
        Ok(())
    }

    /// R08: now is not before the last decision, and the wall clock is near. Before the control
    /// thread has measured, a limit that is a number fails.
    #[inline]
    pub(super) fn check_clock(&self, now: Nanos, limits: &PairLimits) -> Verdict {
        let reason = Reason::Clock;
        if now < self.decided {
            let (measured, limit) = (i128::from(now.0), i128::from(self.decided.0));
            return Err(Refusal::new(reason, measured, limit));
        }
        if limits.drift_max == NEVER {
            return Ok(());
        }
        let drift = self.drift.unwrap_or(NEVER);
        at_most(reason, i128::from(drift.0), i128::from(limits.drift_max.0))
    }

    /// R11: a sale that would be short of more than is located.
    #[inline]
    pub(super) fn check_locate(&self, candidate: &Candidate<'_>) -> Verdict {
        if candidate.side == Side::Buy {
            return Ok(());
        }
        let own = self.table.row(candidate.intent.cl_ord_id.slot());
        let own = own.filter(|_| candidate.is_replace);
        let (cum, reserved) = own.map_or((0, 0), |own| (own.cum_qty.0, own.reserved_qty.0));
        let qty = candidate.intent.qty.0.saturating_sub(cum).saturating_sub(reserved);
        let qty = if candidate.is_replace { qty.max(0) } else { qty };
        let change = Change { side: Side::Sell, qty, value: 0, orders: 0 };
        match self.exposure.locate_excess(&candidate.rows, &change, &self.limits) {
            Some(excess) => Err(excess.refusal(Reason::Restricted)),
            None => Ok(()),
        }
    }

    /// R15: an order that ends at a time has one, and it is to come; one without has none.
    #[inline]
    pub(super) fn check_expiry(&self, candidate: &Candidate<'_>, tif: Tif) -> Verdict {
        let expiry = candidate.terms.expiry;
        if tif == Tif::Gtd || expiry != Nanos(0) {
            return super::checks::expiry(expiry, self.now);
        }
        Ok(())
    }

    /// R26.
    #[inline]
    pub(super) fn check_moves(&self, candidate: &Candidate<'_>, tick: Price) -> Verdict {
        let Candidate { intent, side, px, permit, rows, .. } = *candidate;
        for place in rows.places.0 {
            let Some(limits) = self.limits.scope(place) else { continue };
            let ticks = limits.sums.move_ticks_max;
            if ticks == COUNT_UNBOUNDED {
                continue;
            }
            let (account, per) = (permit.account, limits.move_per);
            let paid = self.moves.paid(account, intent.instrument, side, px, per, self.now);
            if let Some(paid) = paid {
                let limit = i128::from(ticks) * i128::from(tick.0);
                at_most(Reason::CollarWindow, paid, limit)?;
            }
        }
        Ok(())
    }

    /// A change of working orders, in sums and scopes.
    #[inline]
    pub(super) fn apply_open(&mut self, rows: &Rows, change: &Change) {
        let Self { money, exposure, scopes, .. } = self;
        money.apply_open(rows, change, exposure, scopes);
    }

    /// A fill, or the undoing of one, in positions, scopes and windows. `before` and `after` are
    /// the holding's. The caller compares with R32 and R36 once a report is through: what a
    /// correction undoes on its way is no loss.
    pub(super) fn apply_fill(
        &mut self,
        rows: &Rows,
        account: AccountId,
        fill: &Fill,
        before: &Holding,
        after: &Holding,
        undone: bool,
    ) {
        let signed = if undone { fill.signed_qty().saturating_neg() } else { fill.signed_qty() };
        let value = fill.px.notional(fill.qty, fill.multiplier);
        let value = value.map_or(i128::MAX, |value| value.0.saturating_abs());
        let paid = if fill.side == Side::Buy { value } else { 0 };
        let paid = if undone { paid.saturating_neg() } else { paid };
        let fees = after.fees.saturating_sub(before.fees);
        let earned = Traded {
            signed,
            earned: earned_of(after).saturating_sub(earned_of(before)),
            debits: paid.saturating_add(fees),
        };
        let Self { money, exposure, scopes, .. } = self;
        money.apply_fill(rows, &earned, exposure, scopes);
        for place in rows.places.0 {
            let Some(scope) = self.scopes.get_mut(place) else { continue };
            if undone {
                scope.trades = scope.trades.saturating_sub(1);
            } else {
                scope.trades = scope.trades.saturating_add(1);
                scope.traded_value = scope.traded_value.saturating_add(value);
                scope.traded_qty = scope.traded_qty.saturating_add(i128::from(fill.qty.0));
            }
        }
        if !undone {
            self.moves.push(account, rows.instrument, fill.side, fill.px, self.now);
            self.count_execution(&rows.places);
        }
    }

    /// A position that was carried over.
    pub(super) fn apply_carried(&mut self, rows: &Rows, before: &Holding, after: &Holding) {
        let traded = Traded {
            signed: after.qty.0.saturating_sub(before.qty.0),
            earned: earned_of(after).saturating_sub(earned_of(before)),
            debits: 0,
        };
        let Self { money, exposure, scopes, .. } = self;
        money.apply_fill(rows, &traded, exposure, scopes);
    }

    /// An order that passed at once, in sums, scopes and windows, where it has been found what it
    /// makes of them: as `apply_open` and `count_order` do.
    #[inline]
    pub(super) fn apply_taken(&mut self, passed: &Passed, taken: &Taken, now: Nanos) {
        let Passed { rows, change, .. } = passed;
        let [firm, account, strategy] = rows.sums;
        self.exposure.grow(firm, change);
        self.exposure.grow(account, change);
        self.exposure.grow(strategy, change);
        if change.side == Side::Sell {
            self.money.sells(rows.instrument);
        }
        // Written out: a loop would keep what the rows share in memory.
        let Taken { value, firm, account, strategy } = taken;
        let [a, b, c, d] = rows.places.0;
        self.grow_scope(a, change, *value, firm, now);
        self.grow_scope(b, change, *value, account, now);
        self.grow_scope(c, change, *value, strategy, now);
        self.grow_scope(d, change, *value, firm, now);
    }

    /// The same of one scope.
    #[inline(always)]
    fn grow_scope(&mut self, place: u32, change: &Change, value: i64, short: &Short, now: Nanos) {
        let (Some((scope, room)), Some(windows)) =
            (self.scopes.both_mut(place), self.limits.windows_mut(place))
        else {
            return;
        };
        windows.count_order(now);
        if !room.spend(&Need::of(change, value, short), windows.open_at()) {
            return self.grow_anew(place, *change, short.more);
        }
        // What takes room is near: no sum leaves its integer.
        scope.grow(change, short.more, i128::wrapping_add);
    }

    /// The same of a scope whose room is not known.
    #[cold]
    #[inline(never)]
    fn grow_anew(&mut self, place: u32, change: Change, short: i128) {
        if let Some(scope) = self.scopes.get_mut(place) {
            scope.grow(&change, short, sum);
        }
        self.renew(place);
    }

    /// Finds the room of a scope anew, where it is not known.
    pub(super) fn renew(&mut self, place: u32) {
        self.scopes.renew(place, &self.limits);
    }

    /// The same of the scopes of an order, once a report has changed them: the next order finds
    /// them known.
    pub(super) fn renew_of(&mut self, order: &Order) {
        if let Some(rows) = self.rows(order.root.strategy(), order.instrument) {
            rows.places.0.into_iter().for_each(|place| self.renew(place));
        }
    }

    /// Counts an approval for the day and in the windows of its scopes (R35, R41, R42).
    #[inline]
    pub(super) fn count_order(&mut self, places: &Places, change: &Change, now: Nanos) {
        let (value, qty) = (change.value.max(0), i128::from(change.qty.max(0)));
        for place in places.0 {
            if let Some(scope) = self.scopes.get_mut(place) {
                scope.orders = scope.orders.saturating_add(1);
                scope.entered_value = sum(scope.entered_value, value);
                scope.entered_qty = sum(scope.entered_qty, qty);
            }
            if let Some(windows) = self.limits.windows_mut(place) {
                windows.count_order(now);
            }
        }
    }

    /// Counts the order of a slot among the unknown ones of its scopes, or no longer (R07).
    #[inline]
    pub(super) fn count_unknown(&mut self, slot: u32) {
        let Some(order) = self.table.row(slot) else { return };
        let is_unknown = order.is_some() && order.base() == Base::Unknown;
        let Some(since) = self.unknown_since.get_mut(slot as usize) else { return };
        if is_unknown == (*since != NEVER) {
            return;
        }
        let was = core::mem::replace(since, if is_unknown { self.now } else { NEVER });
        let rows = self.rows(order.root.strategy(), order.instrument);
        let Some(rows) = rows else { return };
        for place in rows.places.0 {
            let oldest = if is_unknown { NEVER } else { self.oldest_unknown(place, was) };
            let now = self.now;
            let Some(scope) = self.scopes.get_mut(place) else { continue };
            if is_unknown {
                scope.unknown = scope.unknown.saturating_add(1);
                scope.unknown_since = scope.unknown_since.min(now);
            } else {
                scope.unknown = scope.unknown.saturating_sub(1);
                scope.unknown_since = oldest;
            }
        }
    }

    /// Since when the oldest unknown order of a scope is one, after one of `was` has gone: a walk
    /// over the slots that ends at the first as old.
    fn oldest_unknown(&self, place: u32, was: Nanos) -> Nanos {
        let Some(scope) = self.scopes.get(place) else { return NEVER };
        if scope.unknown <= 1 {
            return NEVER;
        }
        if scope.unknown_since < was {
            return scope.unknown_since;
        }
        let mut oldest = NEVER;
        for (slot, &since) in self.unknown_since.iter().enumerate() {
            if since >= oldest || !self.is_of(slot as u32, place) {
                continue;
            }
            oldest = since;
            if oldest <= was {
                break;
            }
        }
        oldest
    }

    fn is_of(&self, slot: u32, place: u32) -> bool {
        let order: Option<&Order> = self.table.row(slot);
        let rows = order.and_then(|order| self.rows(order.root.strategy(), order.instrument));
        rows.is_some_and(|rows| rows.places.0.contains(&place))
    }
}

/// Realised profit less fees less the cost of what is held.
const fn earned_of(holding: &Holding) -> i128 {
    holding.realised.saturating_sub(holding.fees).saturating_sub(holding.cost)
}
