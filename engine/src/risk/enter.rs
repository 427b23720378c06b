//! What follows a decision: the reservation and the words that announce it, a cancel passed on, a
//! refusal told.

use shm::ids::{AccountId, ClOrdId, GatewayId};
use shm::message::{self, Intent, Kind, OrderTerms, RiskReject, Side, Tail, terms_flags};
use shm::reason::Reason;
use shm::record::order::{self as record, words_of};
use shm::units::{Nanos, Qty};

use super::checks::{self, Refusal};
use super::decide::{Candidate, Passed};
use super::duplicate::Likeness;
use super::exposure::Taken;
use super::{Decision, Risk};
use crate::order::state::Terms;
use crate::order::{Event, Order, Place};
use crate::planted::{self, Bug};

impl Risk {
    /// The reservation, and the words that announce it. `taken` as in `enter`.
    #[inline(always)]
    pub(super) fn approve(
        &mut self,
        intent: &Intent,
        terms: &OrderTerms,
        passed: &Passed,
        taken: Option<&Taken>,
    ) -> Decision {
        let id = intent.cl_ord_id;
        let replaces = passed.chain.and_then(|place| self.table.get(place));
        let orig_cl_ord_id = replaces.map_or(ClOrdId::NONE, |order| order.terms.id);
        let (parent, leg) =
            replaces.map_or((terms.parent, terms.leg), |order| (order.parent, order.leg));
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
            leg,
            _reserved: [0; 4],
            parent,
        };
        let is_new = passed.chain.is_none();
        self.enter(&record, passed, taken, self.now);
        let kind = if is_new { Kind::ApprovedNew } else { Kind::ApprovedReplace };
        let counter = if is_new {
            &mut self.counters.approved_new
        } else {
            &mut self.counters.approved_replace
        };
        *counter += 1;
        let flags = if terms.concerns_venue() { terms_flags::GIVEN } else { 0 };
        let message = message_of(&record, kind, flags);
        Decision::Approve { record, message }
    }

    /// Takes an approval into table, sums and windows. `taken` is what it takes of its rows, where
    /// that is known.
    #[inline(always)]
    fn enter(
        &mut self,
        record: &record::Approved,
        passed: &Passed,
        taken: Option<&Taken>,
        now: Nanos,
    ) {
        let (qty, value) = passed.reserved;
        match passed.chain {
            None => {
                self.table.open(opened(record, passed, now));
            }
            Some(place) => {
                let (id, px) = (record.cl_ord_id, record.px);
                self.table.apply(place, Event::AskReplace { id, px, qty: record.qty });
                self.table.update(place, |order| {
                    order.reserved_qty = Qty(qty);
                    order.reserved_value = value;
                });
            }
        }
        let slot = record.cl_ord_id.slot();
        match taken {
            // What passes at once is nobody's child.
            Some(taken) => self.apply_taken(passed, taken, now),
            None => {
                self.settle_child(passed.chain.unwrap_or(Place::Slot(slot)));
                self.apply_open(&passed.rows, &passed.change);
                self.count_order(&passed.rows.places, &passed.change, now);
            }
        }
        match self.accounts.get(usize::from(record.account)) {
            Some(account) if taken.is_some() && passed.chain.is_none() => {
                let (group, px) = (account.group, Some(record.px));
                self.own.set(slot, group, record.instrument, passed.side, px);
            }
            _ => self.list_own(slot),
        }
        if let Some(window) = self.windows.get_mut(usize::from(record.gateway)) {
            window.push(now);
        }
        let likeness = Likeness {
            account: AccountId(record.account),
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
        let rows = self.exposure.rows(permit.account, id.strategy(), record.instrument);
        let candidate = Candidate {
            intent: &intent,
            terms: &OrderTerms::NONE,
            side,
            is_replace,
            px: record.px,
            permit,
            rows,
        };
        let chain = is_replace.then_some(Place::Slot(id.slot()));
        let Ok(value) = checks::notional(record.px, record.qty, form.multiplier) else {
            return false;
        };
        let Ok(passed) = self.reserve(&candidate, form, value, chain) else { return false };
        self.enter(record, &passed, None, self.now);
        true
    }

    /// E11. A cancel needs an order that works, and nothing else: whether a session is up is the
    /// gateway's to see, which keeps it until then.
    pub(super) fn cancel(&mut self, intent: &Intent) -> Decision {
        let place = self.table.find(intent.cl_ord_id);
        let place = place.filter(|place| matches!(place, Place::Slot(_)));
        let order = place.and_then(|place| self.table.get(place));
        let (Some(place), Some(&order)) =
            (place, order.filter(|order| !order.base().is_terminal()))
        else {
            return self.deny(intent, Refusal::of(Reason::UnknownOrder));
        };
        if planted::is(Bug::CancelRefusedByRate)
            && !self.windows.get(order.gateway.index()).is_some_and(|rate| rate.has_room(self.now))
        {
            return self.deny(intent, Refusal::of(Reason::Rate));
        }
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
            qty: Qty::ZERO,
            cl_ord_id: id,
            t0: intent.t0,
            lane_seq: 0,
            d_decided: record.d_decided,
            account: order.account.0,
            flags: 0,
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

    pub(super) fn deny(&mut self, intent: &Intent, refusal: Refusal) -> Decision {
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
            unit: refusal.unit as u8,
            _reserved: [0; 3],
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

/// The order that an approval begins.
#[inline(always)]
fn opened(record: &record::Approved, passed: &Passed, now: Nanos) -> Order {
    let (qty, reserved_value) = passed.reserved;
    Order {
        root: record.cl_ord_id,
        last: record.cl_ord_id,
        terms: Terms { id: record.cl_ord_id, px: record.px, qty: record.qty, ..Terms::default() },
        reserved_qty: Qty(qty),
        reserved_value,
        instrument: record.instrument,
        account: AccountId(record.account),
        gateway: GatewayId(record.gateway),
        side: Some(passed.side),
        tif: record.tif,
        ord_type: record.ord_type,
        parent: record.parent,
        leg: record.leg,
        facts: Order::COUNTED,
        since: now,
        ..Order::default()
    }
}

/// An approval for the gateway; where its record lies is the stage's to say.
const fn message_of(record: &record::Approved, kind: Kind, flags: u16) -> message::Approved {
    message::Approved {
        kind: kind as u8,
        side: record.side,
        tif: record.tif,
        ord_type: record.ord_type,
        instrument: record.instrument,
        px: record.px,
        qty: record.qty,
        cl_ord_id: record.cl_ord_id,
        t0: record.t0,
        lane_seq: 0,
        d_decided: record.d_decided,
        account: record.account,
        flags,
        tail: Tail(0),
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
