//! R45 where own resting orders give way: an order that would meet one is refused, and the resting
//! one is cancelled. Sent again once the venue has confirmed the cancel, the order passes.
//!
//! The order is not held in the meantime: its strategy's other intents, its cancels above all, must
//! not wait behind it, and its price may be old by then.

use super::RiskStage;
use crate::stage::Turn;
use shm::ids::Cause;
use shm::message::{Intent, RiskReject};
use shm::reason::Reason;
use shm::units::{Nanos, Price};

impl RiskStage {
    /// Remembers an order that was refused because it would meet own ones.
    pub(super) fn note_met(&mut self, reason: Reason, intent: &Intent, refusal: &RiskReject) {
        if reason == Reason::SelfTrade {
            // Of a market order the edge of its collar.
            self.met = Some((*intent, Price(refusal.measured)));
        }
    }

    /// Cancels what the order just refused would have met, where its account says so. One for which
    /// its gateway has no room now is cancelled when the order comes again. A replay takes these
    /// cancels from their records.
    #[inline]
    pub(super) fn cancel_met(&mut self, now: Nanos, turn: &mut Turn<'_>) {
        let Some((intent, px)) = self.met.take() else { return };
        let (ids, count) = self.risk.to_cancel_first(&intent, px);
        for id in ids.into_iter().take(count) {
            let gateway = self.wiring.get(id.strategy().index()).map(|wiring| wiring.gateway);
            let Some(gateway) = gateway else { continue };
            let ring = self.ports.approved.get(gateway.index());
            if ring.is_some_and(|ring| ring.has_room(1)) {
                self.sweep_one(id, gateway, Cause::SELF_TRADE, now, turn);
            }
        }
    }
}
