//! The fixed order of checks, first failure wins, one reservation at the end.

use shm::ids::InstrumentId;
use shm::message::{Intent, Kind, OrdType, OrderTerms, Side, Tif};
use shm::reason::Reason;
use shm::record::order as record;
use shm::units::{Nanos, Notional, Price};

use super::checks::{self, Form, Refusal, at_least, at_most, holds};
use super::duplicate::Likeness;
use super::exposure::{Change, Rows};
use super::limits::PairLimits;
use super::money::Ask;
use super::reference::Reference;
use super::{Context, Decision, Mode, Permit, Risk};
use crate::order::{Event, Place};

/// An intent on its way through the checks.
pub(super) struct Candidate<'a> {
    pub(super) intent: &'a Intent,
    /// Its rare terms, or [`OrderTerms::NONE`].
    pub(super) terms: &'a OrderTerms,
    pub(super) side: Side,
    pub(super) is_replace: bool,
    /// Of a market order the far edge of its collar, once the reference is known.
    pub(super) px: Price,
    pub(super) permit: &'a Permit,
    pub(super) rows: Rows,
}

/// What passed, and what it will reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) rows: Rows,
    pub(super) change: Change,
    pub(super) px: Price,
    pub(super) side: Side,
    pub(super) reserved: (i64, Notional),
    /// Of a replace.
    pub(super) chain: Option<Place>,
}

impl Risk {
    /// Decides on an intent. An approval is already reserved, counted and in the table: the caller
    /// has made sure of room for its record and message before. Refusals change counters only.
    /// Cancels of working orders are never refused.
    pub fn decide(&mut self, intent: &Intent, context: &Context) -> Decision {
        self.decide_with(intent, &OrderTerms::NONE, context)
    }

    /// [`Risk::decide`] on an intent with rare terms.
    pub fn decide_with(
        &mut self,
        intent: &Intent,
        terms: &OrderTerms,
        context: &Context,
    ) -> Decision {
        self.now = self.now.max(context.now);
        let is_replace = match Kind::from_u8(intent.kind) {
            Some(Kind::IntentNew) => false,
            Some(Kind::IntentReplace) => true,
            Some(Kind::IntentCancel) => return self.cancel(intent),
            Some(_) | None => return self.deny(intent, Refusal::of(Reason::Unsupported)),
        };
        let passed = self.pass(intent, terms, is_replace, context, &());
        if let Some((passed, taken)) = &passed {
            debug_assert_eq!(
                self.check(intent, terms, is_replace, context),
                Ok(*passed),
                "what passes at once passes rule by rule"
            );
            self.decided = self.decided.max(context.now);
            return self.approve(intent, terms, passed, Some(taken));
        }
        self.judge(intent, terms, is_replace, context)
    }

    /// Rule by rule.
    #[cold]
    #[inline(never)]
    pub(super) fn judge(
        &mut self,
        intent: &Intent,
        terms: &OrderTerms,
        is_replace: bool,
        context: &Context,
    ) -> Decision {
        let verdict = self.check(intent, terms, is_replace, context);
        self.decided = self.decided.max(context.now);
        match verdict {
            Ok(passed) => self.approve(intent, terms, &passed, None),
            Err(refusal) => self.deny(intent, refusal),
        }
    }

    /// Refuses an intent for a reason that risk itself cannot know: BUSY where the ring of the
    /// gateway is full. `now` as in [`Risk::decide`].
    pub fn refuse(&mut self, intent: &Intent, reason: Reason, now: Nanos) -> Decision {
        self.now = self.now.max(now);
        self.deny(intent, Refusal::of(reason))
    }

    /// R01 to R47 in this order: the first failure gives the code. For what [`Risk::pass`] does not
    /// let pass.
    #[cold]
    #[inline(never)]
    pub(super) fn check(
        &self,
        intent: &Intent,
        terms: &OrderTerms,
        is_replace: bool,
        context: &Context,
    ) -> Result<Passed, Refusal> {
        let (mut candidate, limits) = self.check_gates(intent, terms, is_replace, context)?;
        let (form, chain) = self.check_form(&candidate, limits)?;
        let value = self.check_price(&mut candidate, form, limits)?;
        let passed = self.reserve(&candidate, form, value, chain)?;
        self.check_sums(&candidate, &passed, limits)?;
        self.check_flow(&candidate, &passed)?;
        // R47: a child stays within its parent; the approval itself is spent by the gateway.
        self.check_child(&candidate, &passed)?;
        Ok(passed)
    }

    /// R01 to R08: whether anything may be sent at all.
    #[inline]
    fn check_gates<'a>(
        &'a self,
        intent: &'a Intent,
        terms: &'a OrderTerms,
        is_replace: bool,
        context: &Context,
    ) -> Result<(Candidate<'a>, &'a PairLimits), Refusal> {
        holds(Reason::Killed, context.gates_open)?;
        let strategy = intent.cl_ord_id.strategy();
        let permit = self.permits.get(strategy.index());
        let permit = permit.ok_or(Refusal::of(Reason::NotPermitted))?;
        let side = Side::from_u8(intent.side).ok_or(Refusal::of(Reason::Unsupported))?;
        let rows = self.exposure.rows(permit.account, strategy, intent.instrument);
        let px = intent.px;
        let candidate = Candidate { intent, terms, side, is_replace, px, permit, rows };
        let reduce = context.mode == Mode::Active && self.is_reduce_only(intent.instrument);
        self.mode(&candidate, if reduce { Mode::ReduceOnly } else { context.mode })?;
        holds(Reason::Session, self.is_session_up(permit.gateway))?;
        holds(Reason::Journal, context.journal_ok)?;
        // R05. An unknown instrument has no limits, and fails R06.
        holds(Reason::NoLimit, self.limits.version() != 0)?;
        let limits = self.limits.pair(strategy, intent.instrument);
        let missing = limits.map_or(0, |limits| limits.missing);
        at_most(Reason::NoLimit, i128::from(missing), 0)?;
        let (Some(limits), true) = (limits, permit.allows(intent.instrument)) else {
            return Err(Refusal::of(Reason::NotPermitted));
        };
        self.check_unresolved(&rows.places)?;
        self.check_clock(context.now, limits)?;
        Ok((candidate, limits))
    }

    /// R10 to R16: whether it is an order that this venue takes.
    #[inline]
    fn check_form(
        &self,
        candidate: &Candidate<'_>,
        limits: &PairLimits,
    ) -> Result<(&Form, Option<Place>), Refusal> {
        let Candidate { intent, terms, permit, .. } = *candidate;
        holds(Reason::Instrument, !self.is_held(intent.instrument))?;
        holds(Reason::Instrument, !self.references.is_halted(intent.instrument))?;
        holds(Reason::Instrument, self.hours.is_open(self.now))?;
        let form = self.forms.get(intent.instrument.index());
        let form = form.ok_or(Refusal::of(Reason::Instrument))?;
        holds(Reason::Restricted, !limits.restricted)?;
        self.check_locate(candidate)?;
        let tif = Tif::from_u8(intent.tif).ok_or(Refusal::of(Reason::Unsupported))?;
        let ord_type = candidate.ord_type().ok_or(Refusal::of(Reason::Unsupported))?;
        let can = self.capabilities.get(permit.gateway.index());
        let can = can.is_some_and(|can| can.takes(ord_type, tif) && can.takes_terms(terms, tif));
        holds(Reason::Unsupported, can)?;
        let is_market = ord_type == OrdType::Market;
        holds(Reason::Unsupported, !is_market || self.hours.is_regular(self.now))?;
        if !is_market {
            checks::price_form(form, intent.px)?;
        }
        checks::qty_form(form, intent.qty)?;
        self.check_expiry(candidate, tif)?;
        Ok((form, self.check_id(candidate)?))
    }

    /// R20 to R26: whether its size and price are sane. A market order gets its price here.
    #[inline]
    fn check_price(
        &self,
        candidate: &mut Candidate<'_>,
        form: &Form,
        limits: &PairLimits,
    ) -> Result<Notional, Refusal> {
        let Candidate { intent, side, .. } = *candidate;
        checks::qty_limit(intent.qty, limits.qty_max)?;
        let reference = self.references.get(intent.instrument, self.now, limits.reference_age_max);
        let reference =
            reference.map_err(|why| checks::no_reference(why, limits.reference_age_max.0));
        if candidate.ord_type() == Some(OrdType::Market) {
            candidate.px = market_px(form, side, reference?, limits)?;
        }
        let value = checks::notional(candidate.px, intent.qty, form.multiplier)?;
        at_most(Reason::OrderValue, value.0, limits.value_max)?;
        at_least(Reason::OrderValueMin, value.0, limits.value_min)?;
        // R23 on R24: without a reference there is nothing to compare with.
        let reference = reference?;
        let (bps, ticks) = limits.collar(side, candidate.px, reference);
        checks::collar(form, candidate.px, reference, bps, ticks)?;
        let shown = self.references.shown(intent.instrument, side);
        checks::volume_share(intent.qty, shown, limits)?;
        self.check_moves(candidate, form.tick(reference.floor()))?;
        Ok(value)
    }

    /// R30 to R39: what the scopes would hold, owe and have traded.
    #[inline]
    fn check_sums(
        &self,
        candidate: &Candidate<'_>,
        passed: &Passed,
        limits: &PairLimits,
    ) -> Result<(), Refusal> {
        let Passed { rows, change, .. } = passed;
        if let Some(excess) = self.exposure.position_excess(rows, change, &self.limits) {
            return Err(excess.refusal(Reason::Position));
        }
        if let Some(excess) = self.exposure.open_excess(rows, change, &self.limits) {
            return Err(excess.refusal(Reason::OpenOrders));
        }
        holds(Reason::Overflow, self.exposure.fits(rows, change))?;
        let reduces = || rows.sums.iter().all(|row| self.reduces(candidate, *row));
        let (now, age_max) = (self.now, limits.reference_age_max);
        let ask = Ask { rows, change, reduces: &reduces, now, age_max };
        let books = self.books();
        books.marks(&ask)?;
        books.gross(&ask)?;
        books.net(&ask)?;
        books.funds(&ask)?;
        books.day(&ask)?;
        books.loss(&ask)?;
        let [_, _, own] = rows.sums;
        let is_reduce_only = candidate.is_reduce_only();
        holds(Reason::ReduceOnly, !is_reduce_only || self.reduces(candidate, own))
    }

    /// R40 to R46: how often, how alike, and against whom.
    #[inline]
    fn check_flow(&self, candidate: &Candidate<'_>, passed: &Passed) -> Result<(), Refusal> {
        let places = &passed.rows.places;
        self.check_rate(candidate.permit)?;
        self.check_scope_rates(places)?;
        self.check_ratio(places)?;
        self.check_repeats(candidate, places)?;
        self.check_executions(places)?;
        self.check_self_trade(candidate)?;
        self.check_breakers(places)
    }

    /// R02. While only reductions are allowed, what R39 would refuse is refused here.
    #[inline]
    fn mode(&self, candidate: &Candidate<'_>, mode: Mode) -> Result<(), Refusal> {
        let mode = mode.max(self.scopes.mode(&candidate.rows.places));
        let refusal = Refusal::new(Reason::Mode, mode as i128, Mode::Active as i128);
        match mode {
            Mode::Active => Ok(()),
            Mode::CancelOnly | Mode::Halted => Err(refusal),
            Mode::ReduceOnly => {
                let [_, _, own] = candidate.rows.sums;
                if self.reduces(candidate, own) { Ok(()) } else { Err(refusal) }
            }
        }
    }

    /// R39 in one row of sums: the position of a scope in the instrument.
    fn reduces(&self, candidate: &Candidate<'_>, row: usize) -> bool {
        let Some(sums) = self.exposure.row(row) else { return false };
        let open = match candidate.side {
            Side::Buy => sums.open_buy,
            Side::Sell => sums.open_sell,
        };
        let intent = candidate.intent;
        // Of a replace, what its own order holds is not another's.
        let own = self.table.row(intent.cl_ord_id.slot()).filter(|_| candidate.is_replace);
        let own = own.map_or(0, |order| i128::from(order.reserved_qty.0));
        let others = i128::from(open.0) - own;
        checks::reduces(candidate.side, intent.qty.0, sums.position, others)
    }

    /// R16: the id is of this start and of the strategy's range, and higher than any its slot has
    /// seen. A replace goes on in the slot of its order, which works and is not being replaced, and
    /// keeps its side, instrument and type.
    #[inline]
    pub(super) fn check_id(&self, candidate: &Candidate<'_>) -> Result<Option<Place>, Refusal> {
        let Candidate { intent, permit, .. } = *candidate;
        let id = intent.cl_ord_id;
        let slot = id.slot();
        let in_range = slot.checked_sub(permit.slot_first).is_some_and(|at| at < permit.slot_count);
        holds(Reason::DupId, in_range)?;
        let row = self.table.row(slot).ok_or(Refusal::of(Reason::DupId))?;
        if !candidate.is_replace {
            holds(Reason::DupId, id.epoch() == self.epoch)?;
            let is_free = !self.table.works(slot) && id > row.last && !self.parents.has_had(id);
            holds(Reason::DupId, is_free)?;
            return Ok(None);
        }
        let is_next = id.epoch() == row.last.epoch() && id.uses() > row.last.uses();
        let works = row.is_working() && row.base() != record::Base::Unknown && !row.is_replacing();
        let is_same = row.root.strategy() == id.strategy()
            && row.side == Some(candidate.side)
            && row.instrument == intent.instrument
            && row.ord_type == intent.ord_type;
        holds(Reason::UnknownOrder, works && is_same)?;
        holds(Reason::DupId, is_next)?;
        Ok(Some(Place::Slot(slot)))
    }

    /// What the order would reserve, and by how much the sums would grow.
    #[inline]
    pub(super) fn reserve(
        &self,
        candidate: &Candidate<'_>,
        form: &Form,
        value: Notional,
        chain: Option<Place>,
    ) -> Result<Passed, Refusal> {
        let Candidate { intent, side, px, rows, .. } = *candidate;
        if let Some(place) = chain {
            return self.reserve_more(candidate, form, place);
        }
        let change = Change { side, qty: intent.qty.0, value: value.0, orders: 1 };
        Ok(Passed { rows, change, px, side, reserved: (intent.qty.0, value), chain })
    }

    /// The same of a replace.
    #[inline(never)]
    fn reserve_more(
        &self,
        candidate: &Candidate<'_>,
        form: &Form,
        place: Place,
    ) -> Result<Passed, Refusal> {
        let Candidate { intent, side, px, rows, .. } = *candidate;
        let overflow = Refusal::of(Reason::Overflow);
        let order = self.table.get(place).ok_or(Refusal::of(Reason::UnknownOrder))?;
        let mut next = *order;
        next.apply(Event::AskReplace { id: intent.cl_ord_id, px, qty: intent.qty });
        let (qty, value) = next.reservation(form.multiplier).ok_or(overflow)?;
        let change = Change {
            side,
            qty: qty.0.checked_sub(order.reserved_qty.0).ok_or(overflow)?,
            value: value.0.checked_sub(order.reserved_value.0).ok_or(overflow)?,
            orders: 0,
        };
        Ok(Passed { rows, change, px, side, reserved: (qty.0, value), chain: Some(place) })
    }
}

impl Candidate<'_> {
    /// The type.
    #[inline]
    pub(super) const fn ord_type(&self) -> Option<OrdType> {
        OrdType::from_u8(self.intent.ord_type)
    }

    /// R39 is asked for.
    #[inline]
    pub(super) const fn is_reduce_only(&self) -> bool {
        self.terms.is_reduce_only()
    }

    pub(super) const fn likeness(&self) -> Likeness {
        let instrument: InstrumentId = self.intent.instrument;
        Likeness {
            account: self.permit.account,
            instrument,
            side: self.side,
            px: self.px,
            qty: self.intent.qty,
        }
    }
}

/// What a market order is priced at: the far edge of its collar.
fn market_px(
    form: &Form,
    side: Side,
    reference: Reference,
    limits: &PairLimits,
) -> Result<Price, Refusal> {
    let edge = checks::collar_edge(form, side, reference, limits.collar_bps, limits.collar_ticks);
    let edge = edge.ok_or(Refusal::of(Reason::Overflow))?;
    checks::price_form(form, edge)?;
    Ok(edge)
}
