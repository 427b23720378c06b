//! Parents on their way through the risk stage, and the slots that come before an intent or an
//! approval and belong to it.

use super::{ID, RiskStage, Stamps, Sweep, Wiring, World};
use crate::risk::Context;
use crate::risk::family::ParentDecision;
use crate::stage::Turn;
use shm::ids::{ClOrdId, GatewayId, InstrumentId};
use shm::message::{
    Intent, Kind, Message, OrderTerms, ParentIntent, ParentPrices, ParentUpdate, parent_flags,
};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order as record;
use shm::record::parent::Parent;
use shm::units::Nanos;

/// Parents that one poll of a sweep ends.
const PARENT_BATCH: usize = 16;

impl RiskStage {
    /// Takes a message of a strategy's ring: `Some` with its instrument if it is an intent, whole
    /// with what came before it; a slot that belongs to the next one is put aside.
    pub(super) fn whole(&mut self, strategy: usize, message: &Message) -> Option<InstrumentId> {
        if let Some(intent) = message.view::<Intent>() {
            return Some(intent.instrument);
        }
        if let Some(parent) = message.view::<ParentIntent>() {
            return Some(parent.instrument);
        }
        if let Some(aside) = self.aside.get_mut(strategy) {
            *aside = *message;
        }
        None
    }

    /// The rare terms of an intent: those that came just before it, if they name it.
    pub(super) fn terms_of(&mut self, intent: &Intent) -> OrderTerms {
        let aside = self.aside.get_mut(intent.cl_ord_id.strategy().index());
        let aside = aside.map(core::mem::take).unwrap_or_default();
        let terms = aside.view::<OrderTerms>().copied();
        terms.filter(|terms| terms.cl_ord_id == intent.cl_ord_id).unwrap_or(OrderTerms::NONE)
    }

    /// Decides on an intent of any kind.
    pub(super) fn judge(
        &mut self,
        message: &Message,
        wiring: Wiring,
        world: World,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        if let Some(parent) = message.view::<ParentIntent>() {
            self.judge_parent(parent, wiring, world, now, turn);
        } else if let Some(intent) = message.view::<Intent>() {
            if intent.kind == Kind::IntentParentEnd as u8 {
                self.end_asked(intent, wiring, now, turn);
            } else {
                self.decide(intent, message, wiring, world, now, turn);
            }
        }
    }

    fn judge_parent(
        &mut self,
        intent: &ParentIntent,
        wiring: Wiring,
        world: World,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        let aside = self.aside.get_mut(intent.cl_ord_id.strategy().index());
        let aside = aside.map(core::mem::take).unwrap_or_default();
        // Without its prices it has none, and is refused for that.
        let prices = aside.view::<ParentPrices>().copied().unwrap_or_default();
        let context = Context {
            now,
            gates_open: world.gates_open,
            mode: self.mode,
            journal_ok: world.journal_ok,
        };
        self.meters.intents.add(1);
        match self.risk.decide_parent(intent, &prices, &context) {
            ParentDecision::Approve { record, message } => {
                self.write_parent(RecordKind::ParentApproved, &record, now, turn);
                self.tell_parent(message, now, turn);
            }
            ParentDecision::Deny(decision) => {
                let named =
                    Intent { cl_ord_id: intent.cl_ord_id, t0: intent.t0, ..Intent::default() };
                let stamps = Stamps { published: now, begun: now, decided: now };
                let terms = &OrderTerms::NONE;
                self.carry_out(decision, &named, terms, wiring.gateway, stamps, turn);
            }
        }
    }

    /// A strategy is done with a parent.
    fn end_asked(&mut self, intent: &Intent, wiring: Wiring, now: Nanos, turn: &mut Turn<'_>) {
        self.meters.intents.add(1);
        if let Some((record, message)) = self.risk.end_parent(intent.cl_ord_id, intent.tif, 0) {
            self.write_parent(RecordKind::ParentDone, &record, now, turn);
            self.tell_parent(message, now, turn);
            return;
        }
        let decision = self.risk.refuse(intent, Reason::UnknownOrder, now);
        let stamps = Stamps { published: now, begun: now, decided: now };
        self.carry_out(decision, intent, &OrderTerms::NONE, wiring.gateway, stamps, turn);
    }

    /// Ends parents of a sweep's scope, before it cancels their children. True once none is left.
    pub(super) fn sweep_parents(&mut self, sweep: Sweep, turn: &mut Turn<'_>) -> bool {
        for _ in 0..PARENT_BATCH {
            let next = self.risk.parents().first_of(sweep.strategy, sweep.instrument);
            let Some(id) = next else { return true };
            self.sweep_parent(id, turn.clock.now(), turn);
        }
        false
    }

    /// Ends one parent of a sweep: its record says so.
    pub(super) fn sweep_parent(&mut self, id: ClOrdId, now: Nanos, turn: &mut Turn<'_>) {
        let ended = self.risk.end_parent(id, Reason::Killed as u8, parent_flags::SWEPT);
        if let Some((record, message)) = ended {
            self.write_parent(RecordKind::ParentDone, &record, now, turn);
            self.tell_parent(message, now, turn);
        }
    }

    fn write_parent(&self, kind: RecordKind, record: &Parent, now: Nanos, turn: &mut Turn<'_>) {
        turn.write(kind, ID, self.at(), now, record.bytes());
    }

    fn tell_parent(&mut self, mut message: ParentUpdate, now: Nanos, turn: &mut Turn<'_>) {
        message.t0 = now;
        let id = message.cl_ord_id;
        self.push_update(id.strategy(), id, message.into(), now, turn);
    }

    /// Writes and sends the rare terms of the approval that follows.
    pub(super) fn announce(
        &mut self,
        terms: &OrderTerms,
        gateway: GatewayId,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        let record = record::OrderTerms {
            cl_ord_id: terms.cl_ord_id,
            expiry: terms.expiry,
            display_qty: terms.display_qty,
            flags: terms.flags,
            ..record::OrderTerms::default()
        };
        turn.write(RecordKind::OrderTerms, ID, self.at(), now, record.bytes());
        let message = OrderTerms { kind: Kind::ApprovedTerms as u8, ..*terms };
        self.push_approved(gateway, message.into(), turn);
    }
}
