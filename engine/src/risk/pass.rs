//! All rules at once: the way of an order that passes.
//!
//! [`Risk::pass`] asks every rule of an order, those of a scope's sums as the room that they leave
//! ([`super::room`]), and gives up at the first that is not plainly kept. It has no codes and
//! measures nothing: [`Risk::check`] then judges the rules one by one in their order, and its word
//! holds, approval or refusal. So `pass` may only be too strict. That it is never too lenient is
//! asserted at every decision wherever debug assertions are on.
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
use super::exposure::{Added, Grown, Rows, Taken};
use super::limits::{COUNT_UNBOUNDED, PairLimits, SumLimits};
use super::reference::View;
use super::room::{self, Need, Room};
use super::scope::Places;
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

    /// Whether rules that are asked together are kept, or none of them is asked.
    #[inline(always)]
    fn keeps_all(&self, rules: &[Reason], kept: impl FnOnce() -> bool) -> Option<()> {
        let is_asked = rules.iter().fold(false, |asked, rule| asked | self.asks(*rule));
        (!is_asked || kept()).then_some(())
    }
}

impl Asked for () {
    #[inline(always)]
    fn asks(&self, _: Reason) -> bool {
        true
    }

    #[inline(always)]
    fn keeps_all(&self, _: &[Reason], kept: impl FnOnce() -> bool) -> Option<()> {
        kept().then_some(())
    }
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
    ) -> Option<(Passed, Taken)> {
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
        let taken = self.pass_scopes(&candidate, limits, &passed, view.feed, asked)?;
        Some((passed, taken))
    }

    /// Asks for the lines that only this instrument has, so that they come while others are read.
    #[inline(always)]
    fn fetch(&self, rows: &Rows, limits: &PairLimits, form: &Form, permit: &Permit, side: Side) {
        let Rows { places: Places([.., place]), sums: [firm, account, strategy], instrument } =
            *rows;
        if let Some(limits) = self.limits.tight(instrument) {
            prefetch_read(limits);
        }
        if let Some(room) = self.scopes.room(place) {
            prefetch_write(room);
        }
        if let Some(state) = self.scopes.get(place) {
            prefetch_write(&state.open_buy);
            prefetch_write(&state.entered_value);
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

    /// The rules of scopes.
    #[inline(always)]
    fn pass_scopes(
        &self,
        candidate: &Candidate<'_>,
        limits: &PairLimits,
        passed: &Passed,
        own_feed: FeedId,
        asked: &impl Asked,
    ) -> Option<Taken> {
        let Rows { sums: [firm, account, strategy], places: Places(places), instrument } =
            passed.rows;
        let (px, multiplier) = self.money.mark_of(instrument)?;
        let (change, is_replace) = (&passed.change, candidate.is_replace);
        let added = Added::new(change, px, multiplier)?;
        let firm = Grown::of(self.exposure.row(firm)?, &added)?;
        let account = Grown::of(self.exposure.row(account)?, &added)?;
        let strategy = Grown::of(self.exposure.row(strategy)?, &added)?;
        // Written out: a loop would keep what the rows share in memory.
        let [a, b, c, d] = places;
        let tight = self.limits.tight(instrument)?;
        pass_sums(&firm, tight, change.side, is_replace, asked)?;
        pass_sums(&account, &self.limits.scope(b)?.sums, change.side, is_replace, asked)?;
        pass_sums(&strategy, &self.limits.scope(c)?.sums, change.side, is_replace, asked)?;
        let (firm, account, strategy) = (firm.short, account.short, strategy.short);
        let value = added.value;
        let mut feeds = self.pass_scope(a, &Need::of(change, value, &firm), asked)?;
        feeds |= self.pass_scope(b, &Need::of(change, value, &account), asked)?;
        feeds |= self.pass_scope(c, &Need::of(change, value, &strategy), asked)?;
        feeds |= self.pass_scope(d, &Need::of(change, value, &firm), asked)?;
        // The feeds that mark what the scopes hold; the order's own is known to be live.
        let mut others = feeds & !1_u32.checked_shl(own_feed.0.into()).unwrap_or(0);
        while others != 0 {
            let feed = FeedId(others.trailing_zeros() as u8);
            self.references.feed(feed, self.now, limits.reference_age_max).ok()?;
            others &= others - 1;
        }
        Some(Taken { value, firm, account, strategy })
    }

    /// The rules of one scope's sums; the feeds that mark what it holds.
    #[inline(always)]
    fn pass_scope(&self, place: u32, need: &Need, asked: &impl Asked) -> Option<u32> {
        let room = self.scopes.room(place)?;
        debug_assert!(self.is_room_left(place), "a room is never more than the sums leave");
        let mut feeds = room.feeds;
        asked.keeps_all(&room::RULES, || {
            room.takes(need, self.now)
                || self.takes_exactly(place, *need).is_some_and(|of| {
                    feeds = of;
                    true
                })
        })?;
        Some(feeds)
    }

    /// The same compared with the room that the sums leave now; the feeds.
    #[cold]
    #[inline(never)]
    fn takes_exactly(&self, place: u32, need: Need) -> Option<u32> {
        let room = self.room_left(place)?;
        room.takes(&need, self.now).then_some(room.feeds)
    }

    fn room_left(&self, place: u32) -> Option<Room> {
        let (state, limits) = (self.scopes.get(place)?, self.limits.scope(place)?);
        Some(Room::of(state, limits, self.limits.windows(place)?))
    }

    /// Whether the room of a scope is at most what its sums leave.
    fn is_room_left(&self, place: u32) -> bool {
        let (room, exact) = (self.scopes.room(place), self.room_left(place));
        room.zip(exact.as_ref()).is_some_and(|(room, exact)| room.is_within(exact))
    }
}

/// R11, R30 and R31 of one row of sums.
#[inline(always)]
fn pass_sums(
    grown: &Grown,
    limits: &SumLimits,
    side: Side,
    is_replace: bool,
    asked: &impl Asked,
) -> Option<()> {
    asked.keeps(Reason::Restricted, || {
        side == Side::Buy || is_replace || grown.keeps_locate(limits)
    })?;
    asked.keeps(Reason::Position, || grown.keeps_position(side, limits))?;
    asked.keeps(Reason::OpenOrders, || grown.keeps_open(limits))
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
