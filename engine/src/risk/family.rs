//! Parents and their children on the way through risk: a parent is judged and taken, a child is
//! bounded by it, and every report of a child moves what the parent has left (R47).

use shm::ids::ClOrdId;
use shm::message::{
    Intent, Kind, OrderTerms, ParentIntent, ParentKind, ParentPrices, ParentStatus, ParentUpdate,
    parent_flags,
};
use shm::reason::{Reason, Unit};
use shm::record::parent::Parent;
use shm::units::{Price, Qty};

use super::checks::{self, Form, Refusal, holds};
use super::decide::{Candidate, Passed};
use super::parents::{self, leg_side};
use super::sense::{self, Against};
use super::{Context, Decision, Risk};
use crate::order::Place;
use crate::planted::{self, Bug};

/// What became of a parent intent: the record to append, then the message to push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentDecision {
    /// It may have children.
    Approve {
        /// For the journal.
        record: Parent,
        /// For the strategy.
        message: ParentUpdate,
    },
    /// Refused.
    Deny(Decision),
}

impl Risk {
    /// Decides on a parent. It reserves nothing: its children pass every rule, and are bounded by
    /// it.
    pub fn decide_parent(
        &mut self,
        intent: &ParentIntent,
        prices: &ParentPrices,
        context: &Context,
    ) -> ParentDecision {
        self.now = self.now.max(context.now);
        let parent = self.parent_of(intent, prices);
        match self.check_new_parent(&parent, context) {
            Ok(()) => {
                self.parents.insert(parent);
                let message = update_of(&parent, ParentStatus::Approved);
                ParentDecision::Approve { record: parent, message }
            }
            Err(refusal) => ParentDecision::Deny(self.deny(&as_intent(intent, prices), refusal)),
        }
    }

    /// Refuses a parent for a reason that risk itself cannot know.
    pub fn refuse_parent(
        &mut self,
        intent: &ParentIntent,
        prices: &ParentPrices,
        reason: Reason,
    ) -> Decision {
        self.deny(&as_intent(intent, prices), Refusal::of(reason))
    }

    /// Ends a parent; `None` when it is not open. `flags` go into the record beside its own.
    pub fn end_parent(
        &mut self,
        id: ClOrdId,
        reason: u8,
        flags: u8,
    ) -> Option<(Parent, ParentUpdate)> {
        let mut parent = self.parents.remove(id)?;
        parent.reason = reason;
        parent.flags |= flags;
        Some((parent, update_of(&parent, ParentStatus::Ended)))
    }

    /// An open parent.
    #[must_use]
    pub fn parent(&self, id: ClOrdId) -> Option<&Parent> {
        self.parents.get(id)
    }

    /// Open parents.
    pub fn open_parents(&self) -> impl Iterator<Item = &Parent> {
        self.parents.iter()
    }

    /// The open parents, to find those of a scope.
    #[must_use]
    pub const fn parents(&self) -> &parents::Parents {
        &self.parents
    }

    fn parent_of(&self, intent: &ParentIntent, prices: &ParentPrices) -> Parent {
        let permit = self.permits.get(intent.cl_ord_id.strategy().index());
        let (account, gateway) =
            permit.map_or_else(Default::default, |permit| (permit.account, permit.gateway));
        Parent {
            cl_ord_id: intent.cl_ord_id,
            qty: intent.qty,
            start: intent.start,
            end: intent.end,
            slices: intent.slices,
            offset: intent.offset,
            t0: intent.t0,
            px: prices.px,
            stop_px: prices.stop_px,
            clip_qty: prices.clip_qty,
            used: [Qty::ZERO; 3],
            filled: [Qty::ZERO; 3],
            instrument: intent.instrument,
            account: account.0,
            gateway: gateway.0,
            parent: intent.parent,
            side: intent.side,
            side_other: prices.side_other,
            flags: prices.flags & !parent_flags::SWEPT,
            reason: 0,
            limit_version: self.limits.version(),
        }
    }

    /// What a parent itself has to be; the rest is asked of its children.
    fn check_new_parent(&self, parent: &Parent, context: &Context) -> Result<(), Refusal> {
        holds(Reason::Killed, context.gates_open)?;
        let id = parent.cl_ord_id;
        let permit = self.permits.get(id.strategy().index());
        let permit = permit.ok_or(Refusal::of(Reason::NotPermitted))?;
        holds(Reason::Journal, context.journal_ok)?;
        holds(Reason::NoLimit, self.limits.version() != 0)?;
        holds(Reason::NotPermitted, permit.allows(parent.instrument))?;
        let form = self.forms.get(parent.instrument.index());
        let form = form.ok_or(Refusal::of(Reason::Instrument))?;
        check_parent_form(parent, form)?;
        self.check_sense(parent, form)?;
        // A child that R20 would refuse every time is refused here, once.
        let limits = self.limits.pair(id.strategy(), parent.instrument);
        let limits = limits.ok_or(Refusal::of(Reason::NotPermitted))?;
        checks::qty_limit(Qty(child_qty(parent, form.lot)), limits.qty_max)?;
        let slot = id.slot();
        let at = slot.checked_sub(permit.slot_first);
        holds(Reason::DupId, at.is_some_and(|at| at < permit.slot_count))?;
        let row = self.table.row(slot).ok_or(Refusal::of(Reason::DupId))?;
        let is_new = id.epoch() == self.epoch && !row.is_working() && id > row.last;
        holds(Reason::DupId, is_new && !self.parents.has_had(id))?;
        holds(Reason::TableFull, self.parents.has_room(id.strategy()))
    }

    /// R12 of a parent: whether its terms make sense together, and where the market is now. What is
    /// wrong stands in the refusal as its number.
    fn check_sense(&self, parent: &Parent, form: &Form) -> Result<(), Refusal> {
        let px = self.mark(parent.instrument);
        let tick = form.tick(px.unwrap_or(Price(0)));
        let against = Against { lot: form.lot, tick, px, now: self.now };
        sense::check(parent, &against).map_err(|fault| Refusal {
            measured: fault as i128,
            ..Refusal::of(Reason::Unsupported)
        })
    }

    /// R47 of a child, new or replaced: what its leg uses stays within its parent.
    pub(super) fn check_child(
        &self,
        candidate: &Candidate<'_>,
        passed: &Passed,
    ) -> Result<(), Refusal> {
        let unapproved = Refusal::of(Reason::Unapproved);
        let order = passed.chain.and_then(|place| self.table.get(place));
        let (parent, leg) = match order {
            // A replace stays in the family of its order, whatever it says.
            Some(order) => (order.parent, order.leg),
            None => (candidate.terms.parent, candidate.terms.leg),
        };
        if parent == ClOrdId::NONE {
            return Ok(());
        }
        let held = self.parents.get(parent).ok_or(unapproved)?;
        let is_alike = held.instrument == candidate.intent.instrument
            && parent.strategy() == candidate.intent.cl_ord_id.strategy()
            && leg_side(held, leg) == Some(candidate.side);
        holds(Reason::Unapproved, is_alike)?;
        let qty = candidate.intent.qty;
        let before = order.map_or(Qty::ZERO, |order| order.used_now().0);
        let after = order.map_or(qty, |order| order.used_under(qty));
        let more = i128::from(after.0) - i128::from(before.0);
        let room = i128::from(parents::room(held, leg));
        if more <= room || planted::is(Bug::ChildExceedsParent) {
            return Ok(());
        }
        Err(Refusal { reason: Reason::Unapproved, unit: Unit::Qty, measured: more, limit: room })
    }

    /// Makes a parent's sums agree with what a child of it uses now.
    #[inline]
    pub(super) fn settle_child(&mut self, place: Place) {
        let Some(order) = self.table.get(place).filter(|order| order.parent != ClOrdId::NONE)
        else {
            return;
        };
        let order = *order;
        let (used, filled) = order.used_now();
        let (more, fills) = (used.0 - order.used_qty.0, filled.0 - order.used_cum_qty.0);
        self.parents.moved(order.parent, order.leg, more, fills);
        self.table.update(place, |order| (order.used_qty, order.used_cum_qty) = (used, filled));
    }

    /// A parent of the journal.
    pub(super) fn take_parent(&mut self, parent: Parent) -> bool {
        self.parents.insert(parent)
    }
}

/// R13 and R14 of a parent: prices on tick, quantities on lot.
fn check_parent_form(parent: &Parent, form: &Form) -> Result<(), Refusal> {
    let [px, px_1, px_2] = parent.px;
    let [stop, stop_1] = parent.stop_px;
    for px in [px, px_1, px_2, stop, stop_1].into_iter().filter(|px| px.is_some()) {
        checks::price_form(form, px)?;
    }
    holds(Reason::BadQty, parent.qty > Qty::ZERO && parent.qty.is_on_lot(form.lot))?;
    holds(Reason::BadQty, parent.clip_qty >= Qty::ZERO && parent.clip_qty.is_on_lot(form.lot))
}

/// Quantity of the children that it begins with.
fn child_qty(parent: &Parent, lot: Qty) -> i64 {
    let clip = if parent.clip_qty > Qty::ZERO { parent.clip_qty.0 } else { i64::MAX };
    let at_venue = parent.flags & parent_flags::VENUE_RESERVE != 0;
    match ParentKind::from_u8(parent.parent) {
        Some(ParentKind::Iceberg) if !at_venue => parent.qty.0.min(clip),
        Some(ParentKind::Twap) => {
            let slice = parent.qty.0 / i64::from(parent.slices.max(1));
            slice.max(lot.0).min(clip)
        }
        _ => parent.qty.0,
    }
}

/// The parent as an intent, for a refusal.
fn as_intent(intent: &ParentIntent, prices: &ParentPrices) -> Intent {
    let [px, ..] = prices.px;
    Intent {
        kind: Kind::IntentParent as u8,
        side: intent.side,
        instrument: intent.instrument,
        px,
        qty: intent.qty,
        cl_ord_id: intent.cl_ord_id,
        t0: intent.t0,
        tail: intent.tail,
        ..Intent::default()
    }
}

/// What the strategy hears of a parent.
#[must_use]
pub fn update_of(parent: &Parent, status: ParentStatus) -> ParentUpdate {
    ParentUpdate {
        kind: Kind::ParentUpdate as u8,
        status: status as u8,
        reason: parent.reason,
        instrument: parent.instrument,
        cl_ord_id: parent.cl_ord_id,
        filled: parent.filled,
        t0: parent.t0,
        ..ParentUpdate::default()
    }
}

/// The rare terms of an order that has none but its parent.
#[must_use]
pub fn child_terms(parent: ClOrdId, leg: u8) -> OrderTerms {
    OrderTerms { parent, leg, ..OrderTerms::NONE }
}
