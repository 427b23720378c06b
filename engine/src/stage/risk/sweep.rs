//! Sweeps: cancels of all the orders of a scope, a few at each poll.

use super::{RiskStage, Stamps};
use crate::order::Order;
use crate::risk::{Context, Decision};
use crate::stage::Turn;
use shm::ids::{AccountId, Cause, ClOrdId, GatewayId, InstrumentId, StrategyId};
use shm::message::{CancelScope, Command, Intent, Kind, OrderTerms};
use shm::units::Nanos;

/// Orders that one poll of a sweep cancels.
const SWEEP_BATCH: usize = 16;
/// Sweeps that wait for each other; one more becomes a sweep of everything.
pub(super) const SWEEPS_MAX: usize = 64;

/// Whose orders a sweep cancels: those for which all that it names holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sweep {
    pub(super) strategy: Option<StrategyId>,
    pub(super) instrument: Option<InstrumentId>,
    pub(super) gateway: Option<GatewayId>,
    pub(super) account: Option<AccountId>,
}

impl Sweep {
    /// As [`shm::message::CommandOp::CancelAll`] says.
    pub(super) fn of(command: &Command) -> Self {
        let strategy = StrategyId(command.strategy);
        let whose = |scope| (command.param == scope).then_some(command.value);
        let gateway = whose(CancelScope::GATEWAY).and_then(|id| u8::try_from(id).ok());
        let account = whose(CancelScope::ACCOUNT).and_then(|id| u16::try_from(id).ok());
        Self {
            strategy: (strategy != StrategyId::OPERATOR).then_some(strategy),
            instrument: (command.instrument != InstrumentId::NONE).then_some(command.instrument),
            gateway: gateway.map(GatewayId),
            account: account.map(AccountId),
        }
    }
}

/// Whether an order works and nobody has asked for its cancel.
pub(super) const fn is_to_cancel(order: &Order) -> bool {
    order.is_working() && !order.is_canceling()
}

impl RiskStage {
    pub(super) fn begin_sweep(&mut self, sweep: Sweep) {
        if self.sweeps.len() < SWEEPS_MAX {
            self.sweeps.push_back(sweep);
        } else if let Some(last) = self.sweeps.back_mut() {
            *last = Sweep::default();
        }
    }

    /// Cancels some of the orders that a sweep is after.
    pub(super) fn sweep_on(&mut self, turn: &mut Turn<'_>) -> usize {
        if !self.over.is_empty() {
            return self.cancel_over(turn);
        }
        if !self.carried.is_empty() {
            return self.cancel_carried(turn);
        }
        let Some(&sweep) = self.sweeps.front() else { return 0 };
        let childless = self.sweep_parents(sweep, turn);
        let mut ids = [ClOrdId::NONE; SWEEP_BATCH];
        let mut count = 0;
        let working = self.risk.working_orders().filter(|order| {
            sweep.strategy.is_none_or(|strategy| order.root.strategy() == strategy)
                && sweep.instrument.is_none_or(|instrument| order.instrument == instrument)
                && sweep.gateway.is_none_or(|gateway| order.gateway == gateway)
                && sweep.account.is_none_or(|account| order.account == account)
                && order.pending() & shm::message::pending::CANCEL == 0
                && !order.is(Order::NOT_HELD)
        });
        for (place, order) in ids.iter_mut().zip(working) {
            *place = order.newest();
            count += 1;
        }
        if count == 0 {
            if childless {
                self.sweeps.pop_front();
            }
            return 0;
        }
        for id in ids.into_iter().take(count) {
            let gateway = self.wiring.get(id.strategy().index()).map(|wiring| wiring.gateway);
            let Some(gateway) = gateway else { continue };
            if self.ports.approved.get(gateway.index()).is_none_or(|ring| !ring.has_room(1)) {
                break;
            }
            self.sweep_one(id, gateway, Cause::SWEEP, turn.clock.now(), turn);
        }
        count
    }

    /// Cancels what the session before left working, once it can.
    fn cancel_carried(&mut self, turn: &mut Turn<'_>) -> usize {
        let mut work = 0;
        for _ in 0..SWEEP_BATCH {
            let Some(&id) = self.carried.front() else { break };
            let gateway = self.wiring.get(id.strategy().index()).map(|wiring| wiring.gateway);
            let Some(gateway) = gateway else { break };
            let room =
                self.ports.approved.get(gateway.index()).is_some_and(|ring| ring.has_room(1));
            if !room || !self.risk.is_session_up(gateway) {
                break;
            }
            self.carried.pop_front();
            self.sweep_one(id, gateway, Cause::SWEEP, turn.clock.now(), turn);
            work += 1;
        }
        work
    }

    /// Cancels one order that no strategy asked to cancel: its `CancelAsked` names the cause.
    pub(super) fn sweep_one(
        &mut self,
        id: ClOrdId,
        gateway: GatewayId,
        cause: Cause,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        let intent = Intent {
            kind: Kind::IntentCancel as u8,
            cl_ord_id: id,
            t0: now,
            cause,
            ..Intent::default()
        };
        let context = Context { now, gates_open: true, mode: self.mode, journal_ok: true };
        let decision = self.risk.decide(&intent, &context);
        let stamps = Stamps { published: now, begun: now, decided: now };
        if matches!(decision, Decision::Cancel { .. }) {
            self.carry_out(decision, &intent, &OrderTerms::NONE, gateway, stamps, turn);
        }
    }
}
