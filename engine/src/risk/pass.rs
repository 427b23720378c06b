//! All rules at once: the way of an order that passes.
//!
//! [`Risk::pass`] asks every rule of an order, the rules of a scope together, since its row is then
//! at hand, and gives up at the first that is not plainly kept. It has no codes and measures
//! nothing: [`Risk::check`] then judges the rules one by one in their order, and its word holds,
//! approval or refusal. So `pass` may only be too strict. That it is never too lenient is asserted
//! at every decision wherever debug assertions are on.
//!
//! Rare orders are left to `check`: market orders, children of parents, those that ask to reduce
//! only, and what a breached R32 or R36 lets pass.

use shm::ids::{ClOrdId, FeedId};
use shm::map::{prefetch_read, prefetch_write};
use shm::message::{Intent, OrdType, OrderTerms, Side, Tif};
use shm::reason::Reason;
use shm::units::{Nanos, Notional, Price};

use super::checks::Form;
use super::decide::{Candidate, Passed};
use super::exposure::{Change, Grown, Rows};
use super::limits::{COUNT_UNBOUNDED, PairLimits, ScopeLimits, ScopeWindows};
use super::reference::View;
use super::scope::{Places, ScopeState};
use super::{Context, Mode, Permit, Risk};
use crate::config::model::SelfTrade;

/// No time.
const NEVER: Nanos = Nanos(u64::MAX);

/// Which rules are asked: all of them in a decision; the means of counting and of measuring in
/// [`super::cost`].
pub(super) trait Asked {
    /// Whether to ask a rule.
    fn asks(&self, rule: Reason) -> bool;

    /// Whether a rule is kept, or not asked.
    #[inline(always)]
    fn keeps(&self, rule: Reason, kept: impl FnOnce() -> bool) -> Option<()> {
        (!self.asks(rule) || kept()).then_some(())
    }
}

impl Asked for () {
    #[inline(always)]
    fn asks(&self, _: Reason) -> bool {
        true
    }
}

/// One scope of an order: its limits, what it counts, its state, its sums with the order.
struct ScopeOf<'a> {
    limits: &'a ScopeLimits,
    windows: &'a ScopeWindows,
    state: &'a ScopeState,
    grown: &'a Grown,
}

impl Risk {
    /// Whether an order plainly keeps every rule, what it will reserve, and what it makes of its
    /// rows of sums.
    #[inline]
    pub(super) fn pass(
        &self,
        intent: &Intent,
        terms: &OrderTerms,
        is_replace: bool,
        context: &Context,
        asked: &impl Asked,
    ) -> Option<(Passed, [Grown; 3])> {
        let strategy = intent.cl_ord_id.strategy();
        let permit = self.permits.get(strategy.index())?;
        let limits = self.limits.pair(strategy, intent.instrument)?;
        let form = self.forms.get(intent.instrument.index())?;
        let view = self.references.view(intent.instrument)?;
        let side = Side::from_u8(intent.side)?;
        let rows = self.exposure.rows(permit.account, strategy, intent.instrument);
        self.fetch(&rows, limits, form, permit, side);
        let px = intent.px;
        let candidate = Candidate { intent, terms, side, is_replace, px, permit, rows };
        self.pass_gates(&candidate, limits, context, asked)?;
        self.pass_form(&candidate, limits, form, view, asked)?;
        let chain = self.pass_id(&candidate, asked)?;
        let value = self.pass_price(&candidate, limits, form, view, asked)?;
        let passed = self.reserve(&candidate, form, Notional(value), chain).ok()?;
        self.pass_flow(&candidate, limits, &passed, asked)?;
        let grown = self.pass_scopes(&candidate, limits, &passed, view.feed, asked)?;
        Some((passed, grown))
    }

    /// Asks for the lines that only this instrument has, so that they come while others are read.
    #[inline(always)]
    fn fetch(&self, rows: &Rows, limits: &PairLimits, form: &Form, permit: &Permit, side: Side) {
        let Rows { places: Places([.., place]), sums: [firm, account, strategy], instrument } =
            *rows;
        if let Some(limits) = self.limits.scope(place) {
            prefetch_read(&limits.sums);
            prefetch_read(&limits.gross_max);
            prefetch_read(&limits.drawdown_max);
            prefetch_read(&limits.traded_qty_max);
        }
        if let Some(state) = self.scopes.get(place) {
            prefetch_write(&state.gross);
            prefetch_write(&state.open_qty);
            prefetch_write(&state.peak);
            prefetch_write(&state.traded_qty);
        }
        if let Some(windows) = self.limits.windows(place) {
            prefetch_write(windows);
        }
        for row in [firm, account, strategy] {
            if let Some(sums) = self.exposure.row(row) {
                prefetch_write(sums);
            }
        }
        prefetch_read(&limits.adv);
        prefetch_read(&form.lot);
        if let Some(account) = self.accounts.get(permit.account.index()) {
            self.own.fetch(account.group, instrument, side);
        }
        self.moves.fetch(permit.account, instrument, side);
    }

    /// R01 to R06, R08: whether anything may be sent at all.
    #[inline(always)]
    fn pass_gates(
        &self,
        candidate: &Candidate<'_>,
        limits: &PairLimits,
        context: &Context,
        asked: &impl Asked,
    ) -> Option<()> {
        let Candidate { intent, permit, .. } = *candidate;
        asked.keeps(Reason::Killed, || context.gates_open)?;
        asked.keeps(Reason::Mode, || {
            context.mode == Mode::Active && !self.is_reduce_only(intent.instrument)
        })?;
        asked.keeps(Reason::Session, || self.is_session_up(permit.gateway))?;
        asked.keeps(Reason::Journal, || context.journal_ok)?;
        asked.keeps(Reason::NoLimit, || self.limits.version() != 0 && limits.missing == 0)?;
        asked.keeps(Reason::NotPermitted, || permit.allows(intent.instrument))?;
        asked.keeps(Reason::Clock, || {
            let drift = self.drift.unwrap_or(NEVER);
            context.now >= self.decided && drift <= limits.drift_max
        })
    }

    /// R10 to R15: whether it is an order that this venue takes.
    #[inline(always)]
    fn pass_form(
        &self,
        candidate: &Candidate<'_>,
        limits: &PairLimits,
        form: &Form,
        view: &View,
        asked: &impl Asked,
    ) -> Option<()> {
        let Candidate { intent, terms, permit, .. } = *candidate;
        let tif = Tif::from_u8(intent.tif)?;
        let ord_type = candidate.ord_type().filter(|kind| *kind != OrdType::Market)?;
        asked.keeps(Reason::Instrument, || {
            !self.is_held(intent.instrument) && !view.is_halted() && self.hours.is_open(self.now)
        })?;
        asked.keeps(Reason::Restricted, || !limits.restricted)?;
        asked.keeps(Reason::Unsupported, || {
            let can = self.capabilities.get(permit.gateway.index());
            can.is_some_and(|can| can.takes(ord_type, tif) && can.takes_terms(terms, tif))
        })?;
        asked.keeps(Reason::BadPrice, || {
            let px = intent.px;
            let least = if form.px_min.0 < 0 { form.px_min } else { form.px_min.max(Price(1)) };
            px.is_some() && px <= form.px_max && px >= least && px.is_on_tick(form.tick(px))
        })?;
        asked.keeps(Reason::BadQty, || {
            let qty = intent.qty;
            qty.0 >= form.qty_min.0.max(1) && qty <= form.qty_max && qty.is_on_lot(form.lot)
        })?;
        asked.keeps(Reason::Expired, || {
            let is_timed = tif == Tif::Gtd || terms.expiry != Nanos(0);
            !is_timed || terms.expiry > self.now
        })
    }

    /// R16, R39 and R47: that it is a new order or goes on with one, not bound to reduce, of no
    /// parent.
    #[inline(always)]
    fn pass_id(
        &self,
        candidate: &Candidate<'_>,
        asked: &impl Asked,
    ) -> Option<Option<crate::order::Place>> {
        asked.keeps(Reason::ReduceOnly, || !candidate.is_reduce_only())?;
        let chain = self.check_id(candidate).ok();
        asked.keeps(Reason::DupId, || chain.is_some())?;
        let chain = chain.flatten();
        asked.keeps(Reason::Unapproved, || {
            let order = chain.and_then(|place| self.table.get(place));
            order.map_or(candidate.terms.parent, |order| order.parent) == ClOrdId::NONE
        })?;
        Some(chain)
    }

    /// R20 to R26: whether its size and price are sane; its value.
    #[inline(always)]
    fn pass_price(
        &self,
        candidate: &Candidate<'_>,
        limits: &PairLimits,
        form: &Form,
        view: &View,
        asked: &impl Asked,
    ) -> Option<i128> {
        let Candidate { intent, side, px, permit, .. } = *candidate;
        asked.keeps(Reason::OrderQty, || intent.qty.0 <= limits.qty_max)?;
        let value = value_of(px, intent.qty.0, form.multiplier)?;
        asked.keeps(Reason::OrderValue, || value <= limits.value_max)?;
        asked.keeps(Reason::OrderValueMin, || value >= limits.value_min)?;
        let twice = view.twice()?;
        asked.keeps(Reason::NoReference, || {
            let age_max = limits.reference_age_max;
            view.is_whole() && self.references.feed(view.feed, self.now, age_max).is_ok()
        })?;
        let tick = form.tick(Price(twice >> 1)).0.unsigned_abs();
        asked.keeps(Reason::Collar, || is_within_collar(limits, side, px, twice, tick))?;
        asked.keeps(Reason::VolumeShare, || {
            let qty = u128::from(intent.qty.0.unsigned_abs()) * 10_000;
            let is_within = |bps: u32, volume: i64| {
                let share = u128::from(bps) * u128::from(volume.unsigned_abs());
                bps == COUNT_UNBOUNDED || volume > 0 && qty <= share
            };
            is_within(limits.adv_bps, limits.adv)
                && is_within(limits.visible_bps, view.shown(side).0)
        })?;
        asked.keeps(Reason::CollarWindow, || {
            let ticks = limits.move_ticks_least;
            if ticks == COUNT_UNBOUNDED {
                return true;
            }
            // Earlier fills are better ones, so that the longest window asks most.
            let (account, per) = (permit.account, limits.move_per);
            let paid = self.moves.paid(account, intent.instrument, side, px, per, self.now);
            paid.is_none_or(|paid| paid <= i128::from(ticks) * i128::from(tick))
        })?;
        Some(value)
    }

    /// R40, R43 and R45: how often, how alike, and against whom.
    #[inline(always)]
    fn pass_flow(
        &self,
        candidate: &Candidate<'_>,
        limits: &PairLimits,
        passed: &Passed,
        asked: &impl Asked,
    ) -> Option<()> {
        let Candidate { intent, side, px, permit, .. } = *candidate;
        asked.keeps(Reason::Rate, || {
            let window = self.windows.get(permit.gateway.index());
            window.is_some_and(|window| window.has_room(self.now))
        })?;
        asked.keeps(Reason::Duplicate, || {
            let (most, per) = (limits.same_least, limits.same_per);
            most == COUNT_UNBOUNDED
                || self.repeats.count(&candidate.likeness(), per, self.now, most) < most
        })?;
        asked.keeps(Reason::SelfTrade, || {
            self.accounts.get(permit.account.index()).is_some_and(|account| {
                account.self_trade == SelfTrade::Allow
                    || self.own.meets(account.group, intent.instrument, side, px).is_none()
            })
        })?;
        // R11 of a replace looks at its order.
        let is_covered = !candidate.is_replace || self.check_locate(candidate).is_ok();
        (is_covered && passed.px == px).then_some(())
    }

    /// The rules of scopes, scope by scope.
    #[inline(always)]
    fn pass_scopes(
        &self,
        candidate: &Candidate<'_>,
        limits: &PairLimits,
        passed: &Passed,
        own_feed: FeedId,
        asked: &impl Asked,
    ) -> Option<[Grown; 3]> {
        let Rows { sums: [firm, account, strategy], places: Places(places), instrument } =
            passed.rows;
        let (px, multiplier) = self.money.mark_of(instrument)?;
        let (change, is_replace) = (&passed.change, candidate.is_replace);
        let firm = Grown::of(self.exposure.row(firm)?, change, px, multiplier)?;
        let account = Grown::of(self.exposure.row(account)?, change, px, multiplier)?;
        let strategy = Grown::of(self.exposure.row(strategy)?, change, px, multiplier)?;
        // Written out: a loop would keep what the rows share in memory.
        let [a, b, c, d] = places;
        let mut feeds = self.pass_scope(a, &firm, change, is_replace, asked)?;
        feeds |= self.pass_scope(b, &account, change, is_replace, asked)?;
        feeds |= self.pass_scope(c, &strategy, change, is_replace, asked)?;
        feeds |= self.pass_scope(d, &firm, change, is_replace, asked)?;
        // The feeds that mark what the scopes hold; the order's own is known to be live.
        let mut others = feeds & !1_u32.checked_shl(own_feed.0.into()).unwrap_or(0);
        while others != 0 {
            let feed = FeedId(others.trailing_zeros() as u8);
            self.references.feed(feed, self.now, limits.reference_age_max).ok()?;
            others &= others - 1;
        }
        Some([firm, account, strategy])
    }

    /// The rules of one scope; the feeds that mark what it holds.
    #[inline(always)]
    fn pass_scope(
        &self,
        place: u32,
        grown: &Grown,
        change: &Change,
        is_replace: bool,
        asked: &impl Asked,
    ) -> Option<u32> {
        let limits = self.limits.scope(place)?;
        let windows = self.limits.windows(place)?;
        let state = self.scopes.get(place)?;
        let scope = ScopeOf { limits, windows, state, grown };
        scope.pass_sums(is_replace, change, self.now, asked)?;
        scope.pass_money(change, asked)?;
        scope.pass_counts(self.now, asked)?;
        Some(if limits.has_money { state.feeds } else { 0 })
    }
}

impl ScopeOf<'_> {
    /// R02, R07, R11, R30 and R31.
    #[inline(always)]
    fn pass_sums(
        &self,
        is_replace: bool,
        change: &Change,
        now: Nanos,
        asked: &impl Asked,
    ) -> Option<()> {
        let Self { limits, state, grown, .. } = self;
        let sums = &limits.sums;
        asked.keeps(Reason::Mode, || state.mode() == Mode::Active)?;
        asked.keeps(Reason::Unresolved, || {
            let age = now.saturating_since(state.unknown_since);
            state.unknown == 0
                || state.unknown <= limits.unknown_max && age <= limits.unknown_age_max
        })?;
        asked.keeps(Reason::Restricted, || {
            change.side == Side::Buy || is_replace || grown.worst <= sums.locate_max
        })?;
        asked.keeps(Reason::Position, || {
            grown.worst
                <= match change.side {
                    Side::Buy => sums.long_max,
                    Side::Sell => sums.short_max,
                }
        })?;
        asked.keeps(Reason::OpenOrders, || {
            grown.open_qty <= sums.open_qty_max
                && grown.open_value <= sums.open_value_max
                && grown.open_orders <= sums.open_orders_max
        })
    }

    /// R32 to R36, and R24 of the marks that they use.
    #[inline(always)]
    fn pass_money(&self, change: &Change, asked: &impl Asked) -> Option<()> {
        let Self { limits, state, .. } = self;
        let value = change.value;
        let open = state.open_buy.checked_add(state.open_sell)?.checked_add(value)?;
        if limits.has_money {
            asked.keeps(Reason::NoReference, || state.unmarked == 0)?;
            let gross = open.checked_add(state.gross)?;
            asked.keeps(Reason::Gross, || gross <= limits.gross_max)?;
            let (open_side, held, more) = match change.side {
                Side::Buy => (state.open_buy, state.net, value),
                Side::Sell => (state.open_sell, state.net.checked_neg()?, self.grown.short_more),
            };
            let net = open_side.checked_add(held)?.checked_add(value)?;
            asked.keeps(Reason::Net, || net <= limits.net_max)?;
            let funds = state.debits.checked_add(state.open_buy)?;
            let funds = funds.checked_add(state.short_value)?.checked_add(more)?;
            asked.keeps(Reason::Funds, || funds <= limits.funds_max)?;
            let profit = state.earned.checked_add(state.net)?;
            let (loss, fall) = (profit.checked_neg()?, state.peak.checked_sub(profit)?);
            asked.keeps(Reason::Loss, || loss <= limits.loss_max && fall <= limits.drawdown_max)?;
        }
        if limits.binds {
            asked.keeps(Reason::Daily, || self.keeps_day(change, open))?;
        }
        Some(())
    }

    /// R35. `open` is the value of all working orders with this one.
    #[inline(always)]
    fn keeps_day(&self, change: &Change, open: i128) -> bool {
        let Self { limits, state, .. } = self;
        let (value, qty) = (change.value, i128::from(change.qty));
        let traded_qty = state.traded_qty.checked_add(state.open_qty);
        let traded_qty = traded_qty.and_then(|traded| traded.checked_add(qty));
        is_most(state.entered_value.checked_add(value.max(0)), limits.entered_value_max)
            && is_most(state.entered_qty.checked_add(qty.max(0)), limits.entered_qty_max)
            && is_most(open.checked_add(state.traded_value), limits.traded_value_max)
            && is_most(traded_qty, limits.traded_qty_max)
    }

    /// R41, R42, R44 and R46.
    #[inline(always)]
    fn pass_counts(&self, now: Nanos, asked: &impl Asked) -> Option<()> {
        let Self { limits, windows, state, .. } = self;
        asked.keeps(Reason::RateStrategy, || windows.is_free(now))?;
        asked.keeps(Reason::OrderToTrade, || {
            let (orders, ratio) = (state.orders.saturating_add(1), limits.orders_per_trade_max);
            let most = u64::from(ratio).saturating_mul(state.trades.max(1));
            ratio == COUNT_UNBOUNDED || orders <= limits.orders_floor.into() || orders <= most
        })?;
        asked.keeps(Reason::Repeated, || {
            let max = limits.executions_max;
            max == COUNT_UNBOUNDED || state.executions < max
        })?;
        asked.keeps(Reason::Breaker, || windows.is_calm(now))
    }
}

/// A sum that did not leave the integer is at most its limit.
#[inline(always)]
fn is_most(sum: Option<i128>, limit: i128) -> bool {
    sum.is_some_and(|sum| sum <= limit)
}

/// Value of an order as [`super::checks::notional`] has it.
#[inline(always)]
pub(super) const fn value_of(px: Price, qty: i64, multiplier: i64) -> Option<i128> {
    // At most 2^126 in size.
    let value = px.0 as i128 * qty as i128;
    if multiplier == 1 {
        return Some(value.saturating_abs());
    }
    match value.checked_mul(multiplier as i128) {
        Some(value) => Some(value.saturating_abs()),
        None => None,
    }
}

/// R23: the same comparisons as [`super::checks::collar`], in numbers without a sign.
#[inline(always)]
const fn is_within_collar(
    limits: &PairLimits,
    side: Side,
    px: Price,
    twice: i64,
    tick: u64,
) -> bool {
    let Some(twice_px) = px.0.checked_mul(2) else { return false };
    let crosses = match side {
        Side::Buy => twice_px >= twice,
        Side::Sell => twice_px <= twice,
    };
    let (bps, ticks) = if crosses {
        (limits.collar_bps, limits.collar_ticks)
    } else {
        (limits.passive_bps, limits.passive_ticks)
    };
    let distance = twice_px.abs_diff(twice) as u128;
    (bps == COUNT_UNBOUNDED || distance * 10_000 <= bps as u128 * twice as u128)
        && (ticks == COUNT_UNBOUNDED || distance <= ticks as u128 * tick as u128 * 2)
}
