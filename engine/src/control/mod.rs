//! The only way in: commands from a local socket to the hot threads. A cold thread with lane 0.
//!
//! A line of JSON in, a line of JSON out, one request a line, as many as the caller likes. Callers
//! are known by the credentials of the socket: the engine's own user and root may speak, nobody
//! else. What changes anything is journalled with who asked, before it acts; a kill acts first.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: a thread of its own, never on a hot core"
)]

mod asked;
mod by_hand;
mod hitch;
mod kill;
mod limits;
mod mode;
mod orders;
mod pace;
mod protocol;
mod release;
mod risk_desk;
mod scope;
mod self_test;
mod server;
mod status;
mod stop;
mod strategies;
#[cfg(test)]
mod tests;
mod when;

pub use asked::{Asked, line};
pub use hitch::Hitch;
pub use kill::Outlook;
pub use limits::LIMITS_TEXT_MAX;
pub use protocol::{Given, REASON_MAX, Reply, Request, ScopeName, Why};
pub use risk_desk::RiskDesk;
pub use scope::scope_of;
pub use self_test::SelfTest;
pub use server::{Caller, Heard, Server};
pub use status::Vitals;
use stop::Stop;
pub use stop::StopFlag;
pub use when::utc;

use crate::clock::Clock;
use crate::config::{Config, StageId};
use crate::link::Output;
use crate::pipeline::hot::{Phase, PhaseOf};
use asked::Asking;
use feed::instruments::Instruments;
use kill::KillState;
use shm::gates::{GateOpener, Scope, Trigger};
use shm::ids::{InstrumentId, StrategyId};
use shm::journal::LaneWriter;
use shm::message::{CancelScope, Command, CommandOp, Kind, Tail};
use shm::record::order::ScopeKind;
use shm::record::status::{Anchor, Operator, Text};
use shm::record::{RecordKind, StageId as RecordStage};
use shm::units::Nanos;
use std::sync::Arc;

/// Time between two clock anchors in the journal.
const ANCHOR_EVERY: Nanos = Nanos(10_000_000_000);

/// What a control thread is made of.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The instruments of the session.
    pub instruments: Instruments,
    /// Lane 0.
    pub lane: LaneWriter,
    /// The right to open gates.
    pub gates: GateOpener,
    /// Where commands are given, by stage.
    pub commands: Vec<(StageId, Output)>,
    /// The socket.
    pub server: Server,
    /// Engine time.
    pub clock: Clock,
    /// The phase of the run.
    pub phase: Phase,
    /// How the hot threads are.
    pub vitals: Arc<Vitals>,
    /// What is seen of gateways from outside.
    pub outlook: Outlook,
    /// What stands between this thread and risk.
    pub desk: RiskDesk,
    /// Raised by whoever wants the engine to stop.
    pub stop: StopFlag,
    /// What every rule was shown before the start.
    pub self_test: SelfTest,
}

/// The control thread.
pub struct Control {
    config: Config,
    instruments: Instruments,
    lane: LaneWriter,
    gates: GateOpener,
    commands: Vec<(StageId, Output)>,
    server: Server,
    clock: Clock,
    phase: Phase,
    vitals: Arc<Vitals>,
    outlook: Outlook,
    desk: RiskDesk,
    killing: KillState,
    stop: StopFlag,
    self_test: SelfTest,
    /// Orders that were given by hand.
    ordered: i64,
    /// Time of the latest command.
    given_at: Nanos,
    /// Whether the last command that was to be given is in the journal.
    is_journalled: bool,
}

impl Control {
    /// Puts the thread's parts together.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup {
            config,
            instruments,
            lane,
            gates,
            commands,
            server,
            clock,
            phase,
            vitals,
            outlook,
            desk,
            stop,
            self_test,
        } = setup;
        Self {
            config,
            instruments,
            lane,
            gates,
            commands,
            server,
            clock,
            phase,
            vitals,
            outlook,
            desk,
            killing: KillState::default(),
            stop,
            self_test,
            ordered: 0,
            given_at: Nanos(0),
            is_journalled: true,
        }
    }

    /// Serves until a stop was asked for and carried out. The lane, with the session closed in it.
    pub fn run(mut self) -> LaneWriter {
        let mut stop = Stop::No;
        let mut anchored = Nanos(0);
        let mut seen = self.gates.refresh();
        self.write_self_test(Caller::own());
        loop {
            let now = self.clock.now();
            let gates = self.gates.refresh();
            if gates != seen {
                seen = gates;
                self.sweep_closed();
            }
            for Heard { token, caller, line } in self.server.poll() {
                if let Some(reply) = self.answer(&line, caller, token) {
                    self.server.reply(token, &reply);
                }
            }
            self.kill_on(now);
            self.answer_taken(now);
            if self.stop.take_kill() {
                self.kill(Scope::Global, Trigger::Signal, "signal", Caller::own());
            }
            if now.saturating_since(anchored) >= ANCHOR_EVERY {
                anchored = now;
                self.write_anchor();
            }
            stop = self.stop_on(stop, now);
            if stop == Stop::Done {
                self.phase.set(PhaseOf::Stop);
                let now = self.clock.now();
                self.write(RecordKind::SessionClose, Text::default().bytes(), now);
                return self.lane;
            }
        }
    }

    fn write(&mut self, kind: RecordKind, body: &[u8], now: Nanos) -> bool {
        self.lane.append(kind as u16, RecordStage::CONTROL.0, 0, now, body).is_ok()
    }

    fn write_anchor(&mut self) {
        let point = self.clock.anchor();
        let anchor = Anchor {
            engine: point.engine,
            wall: point.wall,
            tsc: point.tsc,
            uncertainty: point.uncertainty,
        };
        self.write(RecordKind::Anchor, anchor.bytes(), point.engine);
        let drift = point.wall.0.abs_diff(point.engine.0);
        let drift = i64::try_from(drift).unwrap_or(i64::MAX);
        let measured = command(CommandOp::ClockDrift, StrategyId::OPERATOR, 0, drift);
        self.give(StageId::Risk, measured, "clock", Caller::own());
    }

    /// Carries a request out; nothing when its answer comes later.
    fn answer(&mut self, line: &str, caller: Caller, token: usize) -> Option<Reply> {
        let (request, asked) = match asked::read(line) {
            Ok(read) => read,
            Err(error) => return Some(Reply::error(&format!("not a request: {error}"))),
        };
        let asking = Asking { caller, token, asked };
        if let Err(reply) = self.in_time(&request, &asking) {
            return Some(reply);
        }
        let is_kill = matches!(request, Request::Kill { .. });
        if !is_kill && request.reason().is_some_and(|reason| reason.len() > REASON_MAX) {
            let text = format!("nothing was done: a reason has at most {REASON_MAX} bytes");
            return Some(Reply::error(&text));
        }
        match &request {
            Request::Kill { scope, reason } => match self.scope(scope) {
                Ok(scope) => {
                    // Of a kill nothing is refused: what is too long of its reason is left out.
                    let reason = reason.get(..reason.floor_char_boundary(REASON_MAX));
                    self.kill_for(scope, reason.unwrap_or_default(), caller, token);
                    None
                }
                Err(error) => Some(Reply::not(Why::NotThere, &error)),
            },
            Request::Arm { scope, reason } => match self.scope(scope) {
                Ok(scope) => self.arm(scope, reason, &asking),
                Err(error) => Some(Reply::not(Why::NotThere, &error)),
            },
            Request::Release { instrument, reason } => {
                self.release(instrument, reason, caller, token)
            }
            Request::LimitsLoad { file, text, reason } => {
                self.load_limits((file, text, reason), caller, token)
            }
            Request::Mode { scope, mode, reason } => {
                self.set_mode((scope, mode, reason), caller, token)
            }
            _ => {
                let reply = self.carry_out(request.clone(), caller);
                Some(self.told_with_journal(&request, reply))
            }
        }
    }

    fn carry_out(&mut self, request: Request, caller: Caller) -> Reply {
        match request {
            Request::Kill { .. }
            | Request::Arm { .. }
            | Request::Release { .. }
            | Request::LimitsLoad { .. }
            | Request::Mode { .. } => Reply::error("it is answered later"),
            Request::LimitsShow => self.show_limits(),
            Request::Heartbeat => self.heartbeat(),
            Request::Enable { strategy } => {
                self.switch(&strategy, CommandOp::StrategyEnable, caller)
            }
            Request::Disable { strategy } => {
                self.switch(&strategy, CommandOp::StrategyDisable, caller)
            }
            Request::Set { strategy, param, value } => self.set(&strategy, &param, &value, caller),
            request @ (Request::OrderNew { .. }
            | Request::OrderReplace { .. }
            | Request::OrderCancel { .. }) => self.order(request, caller),
            Request::Status => Reply::ok(&self.status()),
            Request::Stop => {
                self.stop.stop();
                Reply::ok("stopping")
            }
        }
    }

    fn scope(&self, name: &ScopeName) -> Result<Scope, String> {
        scope_of(&name.0, &self.config, self.instruments.iter().map(|row| row.symbol.as_str()))
    }

    /// A scope as a person writes it.
    fn name_of(&self, scope: Scope) -> String {
        let named = |kind: &str, name: Option<&str>| format!("{kind}:{}", name.unwrap_or("?"));
        match scope {
            Scope::Global => "global".to_owned(),
            Scope::Venue(id) | Scope::Session(id) => {
                let row = self.config.gateways.get(id.index());
                let kind = if scope == Scope::Session(id) { "session" } else { "gateway" };
                named(kind, row.map(|row| row.name.as_str()))
            }
            Scope::Account(id) => {
                let row = self.config.accounts.get(id.index());
                named("account", row.map(|row| row.name.as_str()))
            }
            Scope::Strategy(id) => {
                let at = id.index().checked_sub(1);
                let row = at.and_then(|at| self.config.strategies.get(at));
                named("strategy", row.map(|row| row.name.as_str()))
            }
            Scope::Instrument(id) => {
                let row = self.instruments.get(id);
                named("instrument", row.map(|row| row.symbol.as_str()))
            }
        }
    }

    /// Whether a stage can take one more command.
    fn has_room_for(&self, stage: StageId) -> bool {
        let found = self.commands.iter().find(|(known, _)| *known == stage);
        found.is_some_and(|(_, output)| output.has_room(1))
    }

    /// Journals a command, then pushes it. False when the stage has too many waiting; then the
    /// record says that it was refused.
    fn give(&mut self, stage: StageId, mut command: Command, text: &str, caller: Caller) -> bool {
        let now = self.clock.now();
        self.is_journalled = true;
        let Some((_, output)) = self.commands.iter_mut().find(|(known, _)| *known == stage) else {
            return false;
        };
        let room = output.has_room(1);
        let record = Operator {
            op: command.op,
            strategy: command.strategy,
            param: command.param,
            refused: u8::from(!room),
            len: text.len() as u32,
            value: command.value,
            uid: caller.uid,
            pid: caller.pid,
            instrument: command.instrument.0,
            stage: crate::pipeline::assemble::stage_byte(stage).0,
            ..Operator::default()
        };
        let body = [record.bytes(), text.as_bytes()].concat();
        self.is_journalled = self.write(RecordKind::Operator, &body, now);
        if !self.is_journalled || !room {
            return false;
        }
        command.lane_seq = self.lane.last_seq().0;
        command.t0 = now;
        self.given_at = now;
        let Some((_, output)) = self.commands.iter_mut().find(|(known, _)| *known == stage) else {
            return false;
        };
        output.try_push(command.into(), now).is_ok()
    }

    /// Why a command was not given to a stage.
    fn not_given(&self, stage: &str) -> String {
        if self.is_journalled {
            return format!("BUSY: {stage} has too many commands waiting");
        }
        let failed = self.vitals.journal_failed();
        let failed = failed.unwrap_or_else(|| "no room for its record".to_owned());
        format!("the journal has {failed}")
    }

    fn journal(
        &mut self,
        op: u8,
        strategy: StrategyId,
        param: u8,
        value: i64,
        text: &str,
        caller: Caller,
    ) -> bool {
        let now = self.clock.now();
        let record = Operator {
            op,
            strategy: strategy.0,
            param,
            len: text.len() as u32,
            value,
            uid: caller.uid,
            pid: caller.pid,
            stage: RecordStage::CONTROL.0,
            instrument: InstrumentId::NONE.0,
            ..Operator::default()
        };
        let body = [record.bytes(), text.as_bytes()].concat();
        self.write(RecordKind::Operator, &body, now)
    }
}

/// A command to risk about a scope; that of a venue has no limits.
fn scope_command(op: CommandOp, scope: Scope) -> Command {
    let (kind, strategy, instrument, value) = match scope {
        Scope::Global => (ScopeKind::Firm, StrategyId::OPERATOR, InstrumentId::NONE, 0),
        Scope::Account(id) => {
            let value = i64::from(id.0) << 8;
            (ScopeKind::Account, StrategyId::OPERATOR, InstrumentId::NONE, value)
        }
        Scope::Strategy(id) => (ScopeKind::Strategy, id, InstrumentId::NONE, 0),
        Scope::Instrument(id) => (ScopeKind::Instrument, StrategyId::OPERATOR, id, 0),
        Scope::Venue(_) | Scope::Session(_) => {
            return command(op, StrategyId::OPERATOR, u8::MAX, 0);
        }
    };
    Command { instrument, ..command(op, strategy, kind as u8, value) }
}

const fn command(op: CommandOp, strategy: StrategyId, param: u8, value: i64) -> Command {
    Command {
        kind: Kind::Command as u8,
        op: op as u8,
        strategy: strategy.0,
        param,
        instrument: InstrumentId::NONE,
        value,
        lane_seq: 0,
        t0: Nanos(0),
        _reserved: [0; 3],
        tail: Tail(0),
    }
}

/// The command that cancels the orders of a scope.
const fn cancel_of(scope: Scope) -> Command {
    let (strategy, instrument, whose, value) = match scope {
        Scope::Strategy(id) => (id, InstrumentId::NONE, 0, 0),
        Scope::Instrument(id) => (StrategyId::OPERATOR, id, 0, 0),
        Scope::Global => (StrategyId::OPERATOR, InstrumentId::NONE, 0, 0),
        Scope::Venue(id) | Scope::Session(id) => {
            (StrategyId::OPERATOR, InstrumentId::NONE, CancelScope::GATEWAY, id.0 as i64)
        }
        Scope::Account(id) => {
            (StrategyId::OPERATOR, InstrumentId::NONE, CancelScope::ACCOUNT, id.0 as i64)
        }
    };
    Command { instrument, ..command(CommandOp::CancelAll, strategy, whose, value) }
}
