//! R40 to R46: rates, ratios, repetition, self-trades, breakers.

use shm::reason::Reason;

use super::checks::{Refusal, Verdict, at_most};
use super::decide::Candidate;
use super::limits::COUNT_UNBOUNDED;
use super::own_book::dangerous_px;
use super::rate::RateWindow;
use super::scope::Places;
use super::{Permit, Risk};
use crate::config::model::SelfTrade;
use shm::ids::ClOrdId;
use shm::message::{Intent, Kind, Side};
use shm::units::{Nanos, Price};

/// Own resting orders that one order cancels (R45); of more the rest when it comes again.
pub const MET_MAX: usize = 8;

/// One more than is used, against what is allowed.
#[cold]
fn over(reason: Reason, window: &RateWindow, now: Nanos) -> Refusal {
    let (used, max) = (window.used(now), window.order_max());
    Refusal::new(reason, i128::from(used) + 1, i128::from(max))
}

impl Risk {
    /// R40.
    #[inline]
    pub(super) fn check_rate(&self, permit: &Permit) -> Verdict {
        let window = self.windows.get(permit.gateway.index());
        let window = window.ok_or(Refusal::of(Reason::Session))?;
        if window.has_room(self.now) {
            return Ok(());
        }
        Err(over(Reason::Rate, window, self.now))
    }

    /// R41.
    #[inline]
    pub(super) fn check_scope_rates(&self, places: &Places) -> Verdict {
        for place in places.0 {
            let Some(windows) = self.limits.windows(place) else { continue };
            if !windows.orders().has_room(self.now) {
                return Err(over(Reason::RateStrategy, windows.orders(), self.now));
            }
        }
        Ok(())
    }

    /// R42: orders of the day, this one counted, against the ratio times trades.
    #[inline]
    pub(super) fn check_ratio(&self, places: &Places) -> Verdict {
        for place in places.0 {
            let (Some(limits), Some(scope)) = (self.limits.scope(place), self.scopes.get(place))
            else {
                continue;
            };
            let orders = scope.orders.saturating_add(1);
            let ratio = limits.orders_per_trade_max;
            if ratio == COUNT_UNBOUNDED || orders <= u64::from(limits.orders_floor) {
                continue;
            }
            let most = i128::from(ratio) * i128::from(scope.trades.max(1));
            at_most(Reason::OrderToTrade, i128::from(orders), most)?;
        }
        Ok(())
    }

    /// R43.
    #[inline]
    pub(super) fn check_repeats(&self, candidate: &Candidate<'_>, places: &Places) -> Verdict {
        let likeness = candidate.likeness();
        for place in places.0 {
            let Some(same) = self.limits.scope(place).and_then(|limits| limits.same) else {
                continue;
            };
            let found = self.repeats.count(&likeness, same.per, self.now, same.max);
            let (measured, limit) = (i128::from(found) + 1, i128::from(same.max));
            at_most(Reason::Duplicate, measured, limit)?;
        }
        Ok(())
    }

    /// R44.
    #[inline]
    pub(super) fn check_executions(&self, places: &Places) -> Verdict {
        for place in places.0 {
            let (Some(limits), Some(scope)) = (self.limits.scope(place), self.scopes.get(place))
            else {
                continue;
            };
            let max = limits.executions_max;
            if max != COUNT_UNBOUNDED && scope.executions >= max {
                let (measured, limit) = (i128::from(scope.executions), i128::from(max) - 1);
                return Err(Refusal::new(Reason::Repeated, measured, limit));
            }
        }
        Ok(())
    }

    /// R45. The measured value is the order's price, the limit the price of the own order it would
    /// meet. Where resting orders are cancelled for it ([`Risk::to_cancel_first`]), each counts
    /// until the venue has confirmed the cancel.
    #[inline]
    pub(super) fn check_self_trade(&self, candidate: &Candidate<'_>) -> Verdict {
        let Candidate { intent, side, px, permit, .. } = *candidate;
        let Some(account) = self.accounts.get(permit.account.index()) else { return Ok(()) };
        if account.self_trade == SelfTrade::Allow {
            return Ok(());
        }
        let group = account.group;
        let Some(met) = self.own.meets(group, intent.instrument, side, px) else { return Ok(()) };
        let (measured, limit) = (i128::from(px.0), i128::from(met.0));
        Err(Refusal::new(Reason::SelfTrade, measured, limit))
    }

    /// R46: what has happened to the scopes within their windows.
    #[inline]
    pub(super) fn check_breakers(&self, places: &Places) -> Verdict {
        for place in places.0 {
            let Some(windows) = self.limits.windows(place) else { continue };
            for window in windows.breakers() {
                if window.is_over(self.now) {
                    let (used, max) = (window.used(self.now), window.order_max());
                    let (measured, limit) = (i128::from(used), i128::from(max));
                    return Err(Refusal::new(Reason::Breaker, measured, limit));
                }
            }
        }
        Ok(())
    }

    /// Own resting orders that this order would meet at `px`, that its account wants cancelled for
    /// it, and that are not being cancelled yet (R45): for the stage, once it has refused the
    /// order. At most [`MET_MAX`] of them.
    #[must_use]
    pub fn to_cancel_first(&self, intent: &Intent, px: Price) -> ([ClOrdId; MET_MAX], usize) {
        let nothing = ([ClOrdId::NONE; MET_MAX], 0);
        let permit = self.permits.get(intent.cl_ord_id.strategy().index());
        let account = permit.and_then(|permit| self.accounts.get(permit.account.index()));
        let (Some(account), Some(side)) = (account, Side::from_u8(intent.side)) else {
            return nothing;
        };
        let is_order =
            intent.kind == Kind::IntentNew as u8 || intent.kind == Kind::IntentReplace as u8;
        let (group, instrument) = (account.group, intent.instrument);
        let (mut ids, mut count) = nothing;
        let cancels = matches!(account.self_trade, SelfTrade::CancelResting | SelfTrade::Both);
        if !cancels || !is_order {
            return nothing;
        }
        let met = self.own.met(group, instrument, side, px);
        let resting = met.filter_map(|slot| self.table.row(slot));
        for (place, order) in ids.iter_mut().zip(resting.filter(|order| !order.is_canceling())) {
            *place = order.newest();
            count += 1;
        }
        (ids, count)
    }

    /// Makes the own book agree with the order of a slot (R45).
    #[inline]
    pub(super) fn list_own(&mut self, slot: u32) {
        let Some(order) = self.table.row(slot) else { return };
        let Some(side) = order.side else { return };
        let Some(account) = self.accounts.get(order.account.index()) else { return };
        let replace = order.is_replacing().then_some(order.replace.px);
        let px = order.is_working().then(|| dangerous_px(side, order.terms.px, replace));
        self.own.set(slot, account.group, order.instrument, side, px);
    }
}
