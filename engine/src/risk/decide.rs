//! The fixed order of checks, first failure wins, one reservation at the end.

use shm::ids::{InstrumentId, StrategyId};
use shm::message::{Intent, Kind, OrdType, OrderTerms, Side, Tif};
use shm::reason::Reason;
use shm::record::order as record;
use shm::units::{Nanos, Notional, Price};

use super::checks::{self, Form, Refusal, at_least, at_most, holds};
use super::duplicate::Likeness;
use super::exposure::{Change, Excess, Rows};
use super::limits::PairLimits;
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
    pub(super) strategy: StrategyId,
}

/// What passed, and what it will reserve.
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
        match self.check(intent, terms, is_replace, context) {
            Ok(passed) => self.approve(intent, terms, &passed),
            Err(refusal) => self.deny(intent, refusal),
        }
    }

    /// Refuses an intent for a reason that risk itself cannot know: BUSY where the ring of the
    /// gateway is full. `now` as in [`Risk::decide`].
    pub fn refuse(&mut self, intent: &Intent, reason: Reason, now: Nanos) -> Decision {
        self.now = self.now.max(now);
        self.deny(intent, Refusal::of(reason))
    }

    fn check(
        &self,
        intent: &Intent,
        terms: &OrderTerms,
        is_replace: bool,
        context: &Context,
    ) -> Result<Passed, Refusal> {
        // R01 kill gates.
        holds(Reason::Killed, context.gates_open)?;
        let strategy = intent.cl_ord_id.strategy();
        let permit = self.permits.get(strategy.index());
        let permit = permit.ok_or(Refusal::of(Reason::NotPermitted))?;
        let side = Side::from_u8(intent.side).ok_or(Refusal::of(Reason::Unsupported))?;
        let px = intent.px;
        let mut candidate = Candidate { intent, terms, side, is_replace, px, permit, strategy };
        // R02 trading mode.
        let reduce = context.mode == Mode::Active && self.is_reduce_only(intent.instrument);
        self.mode(&candidate, if reduce { Mode::ReduceOnly } else { context.mode })?;
        // R03 venue session.
        holds(Reason::Session, self.is_session_up(permit.gateway))?;
        // R04 journal.
        holds(Reason::Journal, context.journal_ok)?;
        // R05 limit set. An unknown instrument has none, and fails R06.
        holds(Reason::NoLimit, self.limits.version() != 0)?;
        let limits = self.limits.pair(strategy, intent.instrument);
        let missing = limits.map_or(0, |limits| limits.missing);
        at_most(Reason::NoLimit, i128::from(missing), 0)?;
        // R06 permission.
        let (Some(limits), true) = (limits, permit.allows(intent.instrument)) else {
            return Err(Refusal::of(Reason::NotPermitted));
        };
        // R07 unresolved orders and R08 clock: with recovery.
        // R10 instrument.
        holds(Reason::Instrument, !self.is_held(intent.instrument))?;
        holds(Reason::Instrument, !self.references.is_halted(intent.instrument))?;
        let form = self.forms.get(intent.instrument.index());
        let form = form.ok_or(Refusal::of(Reason::Instrument))?;
        // R11 restricted list: with short sales. R12: that the bytes are types at all; the venue's
        // capabilities come with the second venue.
        holds(Reason::Unsupported, Tif::from_u8(intent.tif).is_some())?;
        let ord_type = OrdType::from_u8(intent.ord_type);
        let ord_type = ord_type.ok_or(Refusal::of(Reason::Unsupported))?;
        let is_market = ord_type == OrdType::Market;
        // R13 price form.
        if !is_market {
            checks::price_form(form, intent.px)?;
        }
        // R14 quantity form.
        checks::qty_form(form, intent.qty)?;
        // R15 expiry: with GTD orders. R16 order id.
        let chain = self.check_id(&candidate)?;
        // R20 order quantity.
        at_most(Reason::OrderQty, i128::from(intent.qty.0), limits.qty_max)?;
        if is_market {
            candidate.px = self.market_px(&candidate, form, limits)?;
        }
        // R21, R22 order value.
        let value = checks::notional(candidate.px, intent.qty, form.multiplier)?;
        at_most(Reason::OrderValue, value.0, limits.value_max)?;
        at_least(Reason::OrderValueMin, value.0, limits.value_min)?;
        // R23 collar, on R24 reference: without one there is nothing to compare with.
        let reference = self.references.get(intent.instrument, self.now, limits.reference_age_max);
        let reference =
            reference.map_err(|why| checks::no_reference(why, limits.reference_age_max.0))?;
        checks::collar(form, candidate.px, reference, limits.collar_bps, limits.collar_ticks)?;
        // R25, R26: with volumes and fills over time.
        let passed = self.reserve(&candidate, form, value, chain)?;
        // R30 position, R31 open orders, in every scope.
        self.check_sums(&passed, limits)?;
        // R32..R36, R39: with marks and money.
        // R40 message rate.
        self.check_rate(permit)?;
        // R41, R42: with the rates of strategies.
        // R43 duplicate orders.
        self.check_repeats(&candidate, limits)?;
        // R44..R46: with executions and breakers. R47: a child stays within its parent; the
        // approval itself is spent by the gateway.
        self.check_child(&candidate, &passed)?;
        Ok(passed)
    }

    /// R02. While only reductions are allowed, what R39 would refuse is refused here.
    fn mode(&self, candidate: &Candidate<'_>, mode: Mode) -> Result<(), Refusal> {
        let refusal = Refusal::new(Reason::Mode, mode as i128, Mode::Active as i128);
        match mode {
            Mode::Active => Ok(()),
            Mode::CancelOnly | Mode::Halted => Err(refusal),
            Mode::ReduceOnly => {
                let intent = candidate.intent;
                let sums = self.sums(candidate.strategy, intent.instrument).ok_or(refusal)?;
                let [_, _, sums] = sums;
                let open = match candidate.side {
                    Side::Buy => sums.open_buy,
                    Side::Sell => sums.open_sell,
                };
                // Of a replace, what its own order holds is not another's.
                let own = self.table.row(intent.cl_ord_id.slot()).filter(|_| candidate.is_replace);
                let own = own.map_or(0, |order| i128::from(order.reserved_qty.0));
                let others = i128::from(open.0) - own;
                if checks::reduces(candidate.side, intent.qty.0, sums.position, others) {
                    Ok(())
                } else {
                    Err(refusal)
                }
            }
        }
    }

    /// R16: the id is of this start and of the strategy's range, and higher than any its slot has
    /// seen. A replace goes on in the slot of its order, which works and is not being replaced, and
    /// keeps its side, instrument and type.
    fn check_id(&self, candidate: &Candidate<'_>) -> Result<Option<Place>, Refusal> {
        let Candidate { intent, permit, .. } = *candidate;
        let id = intent.cl_ord_id;
        let slot = id.slot();
        let in_range = slot.checked_sub(permit.slot_first).is_some_and(|at| at < permit.slot_count);
        holds(Reason::DupId, in_range)?;
        let row = self.table.row(slot).ok_or(Refusal::of(Reason::DupId))?;
        let is_next = id.epoch() == row.last.epoch() && id.uses() > row.last.uses();
        if !candidate.is_replace {
            holds(Reason::DupId, id.epoch() == self.epoch)?;
            let is_free = !row.is_working() && id > row.last && !self.parents.has_had(id);
            holds(Reason::DupId, is_free)?;
            return Ok(None);
        }
        let works = row.is_working() && row.base() != record::Base::Unknown && !row.is_replacing();
        let is_same = row.root.strategy() == id.strategy()
            && row.side == Some(candidate.side)
            && row.instrument == intent.instrument
            && row.ord_type == intent.ord_type;
        holds(Reason::UnknownOrder, works && is_same)?;
        holds(Reason::DupId, is_next)?;
        Ok(Some(Place::Slot(slot)))
    }

    fn market_px(
        &self,
        candidate: &Candidate<'_>,
        form: &Form,
        limits: &PairLimits,
    ) -> Result<Price, Refusal> {
        let age_max = limits.reference_age_max;
        let reference = self.references.get(candidate.intent.instrument, self.now, age_max);
        let reference = reference.map_err(|why| checks::no_reference(why, age_max.0))?;
        let (bps, ticks) = (limits.collar_bps, limits.collar_ticks);
        let edge = checks::collar_edge(form, candidate.side, reference, bps, ticks);
        let edge = edge.ok_or(Refusal::of(Reason::Overflow))?;
        checks::price_form(form, edge)?;
        Ok(edge)
    }

    /// What the order would reserve, and by how much the sums would grow.
    pub(super) fn reserve(
        &self,
        candidate: &Candidate<'_>,
        form: &Form,
        value: Notional,
        chain: Option<Place>,
    ) -> Result<Passed, Refusal> {
        let Candidate { intent, side, px, .. } = *candidate;
        let account = candidate.permit.account;
        let rows = self.exposure.rows(account, candidate.strategy, intent.instrument);
        let overflow = Refusal::of(Reason::Overflow);
        let Some(place) = chain else {
            let change = Change { side, qty: intent.qty.0, value: value.0, orders: 1 };
            return Ok(Passed { rows, change, px, side, reserved: (intent.qty.0, value), chain });
        };
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
        Ok(Passed { rows, change, px, side, reserved: (qty.0, value), chain })
    }

    fn check_sums(&self, passed: &Passed, limits: &PairLimits) -> Result<(), Refusal> {
        let Passed { rows, change, .. } = passed;
        if let Some(excess) = self.exposure.position_excess(*rows, change, limits) {
            return Err(Refusal::new(Reason::Position, excess.measured, excess.limit));
        }
        if let Some(excess) = self.exposure.open_excess(*rows, change, limits) {
            let Excess { unit, measured, limit } = excess;
            return Err(Refusal { reason: Reason::OpenOrders, unit, measured, limit });
        }
        holds(Reason::Overflow, self.exposure.fits(*rows, change))
    }

    fn check_rate(&self, permit: &Permit) -> Result<(), Refusal> {
        let window = self.windows.get(permit.gateway.index());
        let window = window.ok_or(Refusal::of(Reason::Session))?;
        if window.has_room(self.now) {
            return Ok(());
        }
        let measured = i128::from(window.used(self.now)) + 1;
        Err(Refusal::new(Reason::Rate, measured, i128::from(window.order_max())))
    }

    fn check_repeats(&self, candidate: &Candidate<'_>, limits: &PairLimits) -> Result<(), Refusal> {
        let likeness = candidate.likeness();
        for same in limits.same.iter().flatten() {
            let found = self.repeats.count(&likeness, same.per, self.now, same.max);
            let (measured, limit) = (i128::from(found) + 1, i128::from(same.max));
            at_most(Reason::Duplicate, measured, limit)?;
        }
        Ok(())
    }
}

impl Candidate<'_> {
    const fn likeness(&self) -> Likeness {
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
