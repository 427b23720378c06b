//! What the control thread asks of risk.

use super::sweep::Sweep;
use super::{ID, RiskStage};
use crate::config::limits::Scope;
use crate::risk::{Mode, scope_of};
use crate::stage::Turn;
use shm::message::{Command, CommandOp, Message};
use shm::record::RecordKind;
use shm::record::order::ScopeKind;
use shm::record::status::{Port, Took};
use shm::units::Nanos;

impl RiskStage {
    #[inline]
    pub(super) fn take_commands(&mut self, turn: &mut Turn<'_>) -> usize {
        if self.ports.commands.is_waiting() { self.take_waiting_commands(turn) } else { 0 }
    }

    fn take_waiting_commands(&mut self, turn: &mut Turn<'_>) -> usize {
        let count = self.ports.commands.waiting();
        if count == 0 {
            return 0;
        }
        let took = Took { port: Port::Commands as u8, count: count as u32, ..Took::default() };
        if !turn.try_write(RecordKind::Took, ID, self.at(), turn.now, took.bytes()) {
            return 0;
        }
        let mut last = 0;
        for _ in 0..count {
            let Some(message) = self.ports.commands.pop() else { break };
            last = message.view::<Command>().map_or(last, |command| command.lane_seq);
            self.on_command(&message);
        }
        self.act_on_alarms(turn.now, turn);
        self.board.took(last, turn.lane.last_seq().0);
        count
    }

    pub(super) fn on_command(&mut self, message: &Message) {
        let Some(command) = message.view::<Command>() else { return };
        match CommandOp::from_u8(command.op) {
            Some(CommandOp::Mode) => {
                let mode = Mode::from_value(command.value & 0xFF);
                if let Some((scope, mode)) = scope_of_command(command).zip(mode) {
                    self.risk.set_mode(scope, mode);
                }
            }
            Some(CommandOp::InstrumentRelease) => {
                let was_held = self.risk.release(command.instrument);
                self.board.released(command.lane_seq, was_held);
            }
            Some(CommandOp::Rearm) => {
                if let Some(scope) = scope_of_command(command) {
                    self.risk.rearm(scope);
                }
            }
            Some(CommandOp::ClockDrift) => self.risk.set_drift(Nanos(command.value.unsigned_abs())),
            Some(CommandOp::CancelAll) => self.begin_sweep(Sweep::of(command)),
            Some(CommandOp::LimitsSwitch) => self.switch_limits(command.value),
            Some(
                CommandOp::StrategyEnable
                | CommandOp::StrategyDisable
                | CommandOp::StrategySet
                | CommandOp::OrderTerm
                | CommandOp::OrderPlace
                | CommandOp::OrderReplace
                | CommandOp::OrderCancel,
            )
            | None => {}
        }
    }
}

/// The scope that a command is about.
fn scope_of_command(command: &Command) -> Option<Scope> {
    let id = match ScopeKind::from_u8(command.param)? {
        ScopeKind::Firm => 0,
        ScopeKind::Account => u32::try_from(command.value >> 8).ok()?,
        ScopeKind::Strategy => command.strategy.into(),
        ScopeKind::Instrument => command.instrument.0,
    };
    scope_of(command.param, id)
}
