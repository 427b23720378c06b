//! The fixed order of checks, first failure wins, one reservation at the end.

use shm::ids::{ClOrdId, InstrumentId, StrategyId};
use shm::message::{self, Intent, Kind, OrdType, RiskReject, Side, Tail, Tif};
use shm::reason::Reason;
use shm::record::order::{self as record, words_of};
use shm::units::{Nanos, Notional, Price};

use super::checks::{self, Form, Refusal, at_least, at_most, holds};
use super::duplicate::Likeness;
use super::exposure::{Change, Rows};
use super::limits::PairLimits;
use super::{Context, Decision, Mode, Permit, Risk};
use crate::order::state::Terms;
use crate::order::{Event, Order, Place};

/// An intent on its way through the checks.
struct Candidate<'a> {
    intent: &'a Intent,
    side: Side,
    is_replace: bool,
    /// Of a market order the far edge of its collar, once the reference is known.
    px: Price,
    permit: &'a Permit,
    strategy: StrategyId,
}

/// What passed, and what it will reserve.
struct Passed {
    rows: Rows,
    change: Change,
    px: Price,
    side: Side,
    reserved: (i64, Notional),
    /// Of a replace.
    chain: Option<Place>,
}

impl Risk {
    /// Decides on an intent. An approval is already reserved, counted and in the table: the caller has
    /// made sure of room for its record and message before. Refusals change counters only. Cancels of
    /// working orders are never refused.
    pub fn decide(&mut self, intent: &Intent, context: &Context) -> Decision {
        self.now = self.now.max(context.now);
        let is_replace = match Kind::from_u8(intent.kind) {
            Some(Kind::IntentNew) => false,
            Some(Kind::IntentReplace) => true,
            Some(Kind::IntentCancel) => return self.cancel(intent),
            Some(_) | None => return self.deny(intent, Refusal::of(Reason::Unsupported)),
        };
        match self.check(intent, is_replace, context) {
            Ok(passed) => self.approve(intent, &passed),
            Err(refusal) => self.deny(intent, refusal),
        }
    }

    /// Refuses an intent for a reason that risk itself cannot know: BUSY where the ring of the gateway
    /// is full. `now` as in [`Risk::decide`].
    pub fn refuse(&mut self, intent: &Intent, reason: Reason, now: Nanos) -> Decision {
        self.now = self.now.max(now);
        self.deny(intent, Refusal::of(reason))
    }

    fn check(
        &self,
        intent: &Intent,
        is_replace: bool,
        context: &Context,
    ) -> Result<Passed, Refusal> {
        // R01 kill gates.
        holds(Reason::Killed, context.gates_open)?;
        let strategy = intent.cl_ord_id.strategy();
        let permit = self.permits.get(strategy.index());
        let permit = permit.ok_or(Refusal::of(Reason::NotPermitted))?;
        let side = Side::from_u8(intent.side).ok_or(Refusal::of(Reason::Unsupported))?;
        let mut candidate = Candidate { intent, side, is_replace, px: intent.px, permit, strategy };
        // R02 trading mode.
        self.mode(&candidate, context.mode)?;
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
        let is_market = match ord_type {
            OrdType::Market => true,
            OrdType::Limit | OrdType::PostOnly => false,
        };
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
        // R44..R46: with executions and breakers. R47: the approval itself; the gateway spends it.
        Ok(passed)
    }

    /// R02. While only reductions are allowed, what R39 would refuse is refused here.
    fn mode(&self, candidate: &Candidate<'_>, mode: Mode) -> Result<(), Refusal> {
        let refusal =
            Refusal { reason: Reason::Mode, measured: mode as i128, limit: Mode::Active as i128 };
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
            let is_free = !row.is_working() && id > row.last;
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
    fn reserve(
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
            let (measured, limit) = (excess.measured, excess.limit);
            return Err(Refusal { reason: Reason::Position, measured, limit });
        }
        if let Some(excess) = self.exposure.open_excess(*rows, change, limits) {
            let (measured, limit) = (excess.measured, excess.limit);
            return Err(Refusal { reason: Reason::OpenOrders, measured, limit });
        }
        holds(Reason::Overflow, self.exposure.fits(*rows, change))
    }

    fn check_rate(&self, permit: &Permit) -> Result<(), Refusal> {
        let window = self.windows.get(permit.gateway.index());
        let window = window.ok_or(Refusal::of(Reason::Session))?;
        if window.has_room(self.now) {
            return Ok(());
        }
        Err(Refusal {
            reason: Reason::Rate,
            measured: i128::from(window.used(self.now)) + 1,
            limit: i128::from(window.order_max()),
        })
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

    /// The reservation, and the words that announce it.
    fn approve(&mut self, intent: &Intent, passed: &Passed) -> Decision {
        let id = intent.cl_ord_id;
        let replaces = passed.chain.and_then(|place| self.table.get(place));
        let orig_cl_ord_id = replaces.map_or(ClOrdId::NONE, |order| order.terms.id);
        let permit = self.permits.get(id.strategy().index());
        let (account, gateway) =
            permit.map_or_else(Default::default, |permit| (permit.account, permit.gateway));
        let record = record::Approved {
            px: passed.px,
            qty: intent.qty,
            cl_ord_id: id,
            orig_cl_ord_id,
            t0: intent.t0,
            cause: intent.cause,
            d_publish: intent.d_publish,
            d_begin: intent.d_begin,
            d_intent: sent_after(intent, self.now),
            d_risk: self.now.after(intent.t0),
            d_decided: self.now.after(intent.t0),
            limit_version: self.limits.version(),
            instrument: intent.instrument,
            account: account.0,
            gateway: gateway.0,
            side: intent.side,
            tif: intent.tif,
            ord_type: intent.ord_type,
            action: intent.kind,
            _reserved: [0; 13],
        };
        let is_new = passed.chain.is_none();
        self.enter(&record, passed, self.now);
        let kind = if is_new { Kind::ApprovedNew } else { Kind::ApprovedReplace };
        let counter = if is_new {
            &mut self.counters.approved_new
        } else {
            &mut self.counters.approved_replace
        };
        *counter += 1;
        let message = message::Approved {
            kind: kind as u8,
            side: intent.side,
            tif: intent.tif,
            ord_type: intent.ord_type,
            instrument: intent.instrument,
            px: passed.px,
            qty: intent.qty,
            cl_ord_id: id,
            t0: intent.t0,
            lane_seq: 0,
            d_decided: record.d_decided,
            account: account.0,
            _reserved: 0,
            tail: Tail::default(),
        };
        Decision::Approve { record, message }
    }

    /// Takes an approval into table, sums and windows.
    fn enter(&mut self, record: &record::Approved, passed: &Passed, now: Nanos) {
        let (qty, value) = passed.reserved;
        match passed.chain {
            None => {
                self.table.open(Order {
                    root: record.cl_ord_id,
                    last: record.cl_ord_id,
                    terms: Terms {
                        id: record.cl_ord_id,
                        px: record.px,
                        qty: record.qty,
                        ..Terms::default()
                    },
                    reserved_qty: shm::units::Qty(qty),
                    reserved_value: value,
                    instrument: record.instrument,
                    account: shm::ids::AccountId(record.account),
                    gateway: shm::ids::GatewayId(record.gateway),
                    side: Some(passed.side),
                    tif: record.tif,
                    ord_type: record.ord_type,
                    facts: Order::COUNTED,
                    ..Order::default()
                });
            }
            Some(place) => {
                let (id, px) = (record.cl_ord_id, record.px);
                self.table.apply(place, Event::AskReplace { id, px, qty: record.qty });
                self.table.update(place, |order| {
                    order.reserved_qty = shm::units::Qty(qty);
                    order.reserved_value = value;
                });
            }
        }
        self.exposure.apply(passed.rows, &passed.change);
        if let Some(window) = self.windows.get_mut(usize::from(record.gateway)) {
            window.push(now);
        }
        let likeness = Likeness {
            account: shm::ids::AccountId(record.account),
            instrument: record.instrument,
            side: passed.side,
            px: record.px,
            qty: record.qty,
        };
        self.repeats.push(likeness, now);
    }

    /// Takes an approval of the journal; `false` when it contradicts the state.
    pub(super) fn enter_again(&mut self, record: &record::Approved, ts: Nanos) -> bool {
        self.now = self.now.max(ts);
        let id = record.cl_ord_id;
        let is_replace = record.action == Kind::IntentReplace as u8;
        let intent = Intent {
            kind: record.action,
            side: record.side,
            tif: record.tif,
            ord_type: record.ord_type,
            instrument: record.instrument,
            px: record.px,
            qty: record.qty,
            cl_ord_id: id,
            ..Intent::default()
        };
        let (Some(permit), Some(side), Some(form)) = (
            self.permits.get(id.strategy().index()),
            Side::from_u8(record.side),
            self.forms.get(record.instrument.index()),
        ) else {
            return false;
        };
        let Some(row) = self.table.row(id.slot()) else { return false };
        let works = row.is_working();
        if works != is_replace || (is_replace && row.root.strategy() != id.strategy()) {
            return false;
        }
        let candidate = Candidate {
            intent: &intent,
            side,
            is_replace,
            px: record.px,
            permit,
            strategy: id.strategy(),
        };
        let chain = is_replace.then_some(Place::Slot(id.slot()));
        let Ok(value) = checks::notional(record.px, record.qty, form.multiplier) else {
            return false;
        };
        let Ok(passed) = self.reserve(&candidate, form, value, chain) else { return false };
        self.enter(record, &passed, self.now);
        true
    }

    /// E11. A cancel needs an order that works, and nothing else: whether a session is up is the
    /// gateway's to see, which keeps it until then.
    fn cancel(&mut self, intent: &Intent) -> Decision {
        let place = self.table.find(intent.cl_ord_id);
        let place = place.filter(|place| matches!(place, Place::Slot(_)));
        let order = place.and_then(|place| self.table.get(place));
        let (Some(place), Some(&order)) =
            (place, order.filter(|order| !order.base().is_terminal()))
        else {
            return self.deny(intent, Refusal::of(Reason::UnknownOrder));
        };
        let id = order.newest();
        let record = record::CancelAsked {
            cl_ord_id: id,
            t0: intent.t0,
            cause: intent.cause,
            d_intent: sent_after(intent, self.now),
            d_decided: self.now.after(intent.t0),
        };
        self.ask_cancel(place, order.gateway.index(), self.now);
        let message = message::Approved {
            kind: Kind::ApprovedCancel as u8,
            side: order.side.map_or(0, |side| side as u8),
            tif: order.tif,
            ord_type: order.ord_type,
            instrument: order.instrument,
            px: order.terms.px,
            qty: shm::units::Qty::ZERO,
            cl_ord_id: id,
            t0: intent.t0,
            lane_seq: 0,
            d_decided: record.d_decided,
            account: order.account.0,
            _reserved: 0,
            tail: Tail::default(),
        };
        Decision::Cancel { record, message }
    }

    pub(super) fn ask_cancel(&mut self, place: Place, gateway: usize, now: Nanos) {
        self.table.apply(place, Event::AskCancel);
        self.counters.cancels += 1;
        if let Some(window) = self.windows.get_mut(gateway) {
            window.push(now);
        }
    }

    fn deny(&mut self, intent: &Intent, refusal: Refusal) -> Decision {
        self.count_refusal(refusal.reason as u8);
        let permit = self.permits.get(intent.cl_ord_id.strategy().index());
        let (account, gateway) =
            permit.map_or_else(Default::default, |permit| (permit.account, permit.gateway));
        let record = record::Denied {
            measured: words_of(refusal.measured),
            limit: words_of(refusal.limit),
            px: intent.px,
            qty: intent.qty,
            cl_ord_id: intent.cl_ord_id,
            t0: intent.t0,
            cause: intent.cause,
            d_decided: self.now.after(intent.t0),
            limit_version: self.limits.version(),
            instrument: intent.instrument,
            account: account.0,
            gateway: gateway.0,
            side: intent.side,
            tif: intent.tif,
            ord_type: intent.ord_type,
            action: intent.kind,
            reason: refusal.reason as u8,
            _reserved: [0; 4],
        };
        let message = RiskReject {
            kind: Kind::RiskReject as u8,
            intent: intent.kind,
            reason: refusal.reason as u8,
            instrument: intent.instrument,
            cl_ord_id: intent.cl_ord_id,
            measured: narrow(refusal.measured),
            limit: narrow(refusal.limit),
            t0: intent.t0,
            ..RiskReject::default()
        };
        Decision::Deny { record, message }
    }

    pub(super) fn count_refusal(&mut self, reason: u8) {
        if let Some(count) = self.counters.refused.get_mut(usize::from(reason)) {
            *count += 1;
        }
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

/// When the strategy emitted, ns after `t0`.
const fn sent_after(intent: &Intent, now: Nanos) -> u32 {
    intent.tail.published(now).after(intent.t0)
}

/// Saturated to 64 bits.
const fn narrow(value: i128) -> i64 {
    if value > i64::MAX as i128 {
        i64::MAX
    } else if value < i64::MIN as i128 {
        i64::MIN
    } else {
        value as i64
    }
}
