//! The risk stage: decides on intents, applies reports, tells strategies. The one owner of orders,
//! reservations, positions and money, and the only producer of the gateways' rings.
//!
//! Primary port: market data of the first feed. One `Approved`, `Denied` or `CancelAsked` per
//! intent and one `OrderEvent` per report, in the order taken; `Took` for commands and further
//! feeds. What the world decided (a gate, the journal, a full ring) is in the record itself: a
//! `Denied` with that reason.

mod board;
mod commands;
mod family;
mod limits;
mod overdue;
mod replay;
mod self_trade;
mod sweep;
#[cfg(test)]
mod tests;
mod updates;

use super::{Recorded, Turn};
use crate::config::limits::Scope as LimitScope;
use crate::link::{Input, Output};
use crate::risk::{Applied, Context, Decision, Mode, Risk};
use crate::telemetry::{Refusals, RiskMeters};
pub use board::{Board, ScopeModes};
pub use limits::{Compiler, LimitDesk, LimitDoor, Switch, exchange};
use shm::gates::{Gates, Scope, Trigger};
use shm::ids::{AccountId, Cause, ClOrdId, GatewayId, StrategyId};
use shm::message::{ExecReport, Intent, Kind, Message, OrderTerms, terms_flags};
use shm::reason::Reason;
use shm::record::order as record;
use shm::record::status::{Port, Took};
use shm::record::{RecordKind, StageId};
use shm::seqlock::CellWriter;
use shm::units::{Nanos, Price};
use std::collections::VecDeque;
use std::sync::Arc;
use sweep::{SWEEPS_MAX, Sweep};
pub use updates::UpdateLink;

/// Market messages taken in one poll.
const MARKET_BATCH: usize = 64;
/// Reports of one gateway taken in one poll.
const REPORT_BATCH: usize = 64;
/// Intents of one strategy decided in one poll.
const INTENT_BATCH: usize = 16;
/// One approval in so many has its way into the lane timed.
const JOURNAL_EVERY: u64 = 61;
/// What this stage is.
const ID: StageId = StageId::RISK;

/// The ends of the links that risk reads and writes.
pub struct Ports {
    /// Market data of the first feed.
    pub market: Input,
    /// Market data of further feeds.
    pub feeds: Vec<Input>,
    /// Intents, by strategy; index 0 is the operator's.
    pub intents: Vec<Input>,
    /// Reports, by gateway.
    pub reports: Vec<Input>,
    /// Commands from the control thread.
    pub commands: Input,
    /// Approvals, by gateway.
    pub approved: Vec<Output>,
    /// Updates and refusals, by strategy; index 0 is the operator's.
    pub updates: Vec<UpdateLink>,
}

/// Where a strategy's orders go.
#[derive(Clone, Copy, Debug)]
pub struct Wiring {
    /// Its account.
    pub account: AccountId,
    /// Its gateway.
    pub gateway: GatewayId,
}

/// What a risk stage is made of.
pub struct Setup {
    /// The rules and their state.
    pub risk: Risk,
    /// Its links.
    pub ports: Ports,
    /// By strategy.
    pub wiring: Vec<Wiring>,
    /// Trading mode at start.
    pub mode: Mode,
    /// The kill gates; `None` in a replay.
    pub gates: Option<Gates>,
    /// Raised by the archive thread after a final error.
    pub archive_failed: Option<shm::counters::CounterReader>,
    /// Orders of the session before: cancelled once a session is up, since no strategy knows them.
    pub carried: VecDeque<ClOrdId>,
    /// Where limit sets come from.
    pub limits: LimitDoor,
    /// Working orders that a new limit set would not let in are cancelled.
    pub cancel_over: bool,
    /// What is shown to the control thread.
    pub board: Arc<Board>,
    /// Meters.
    pub meters: RiskMeters,
    /// Refusals by reason.
    pub refusals: Refusals,
    /// By strategy, then instrument: the latest position, for whoever looks.
    pub cells: Vec<CellWriter<record::PositionEvent>>,
    /// Instruments of the session.
    pub instruments: usize,
    /// Records to follow; empty for a live run.
    pub replay: VecDeque<Recorded>,
}

/// The stage.
pub struct RiskStage {
    risk: Risk,
    ports: Ports,
    wiring: Vec<Wiring>,
    mode: Mode,
    gates: Option<Gates>,
    archive_failed: Option<shm::counters::CounterReader>,
    carried: VecDeque<ClOrdId>,
    limits: LimitDoor,
    cancel_over: bool,
    board: Arc<Board>,
    /// Orders over the limits of the last switch, to be cancelled; room for every slot.
    over: VecDeque<ClOrdId>,
    meters: RiskMeters,
    refusals: Refusals,
    cells: Vec<CellWriter<record::PositionEvent>>,
    instruments: usize,
    /// By strategy: the slot that came before the intent it belongs to.
    aside: Box<[Message]>,
    /// Sweeps under way, the first one being carried out: whose orders are being cancelled.
    sweeps: VecDeque<Sweep>,
    /// The order that was refused last for R45, and the price it came to.
    met: Option<(Intent, Price)>,
    replay: VecDeque<Recorded>,
}

impl RiskStage {
    /// Puts the stage together.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup {
            risk,
            ports,
            wiring,
            mode,
            gates,
            archive_failed,
            carried,
            limits,
            cancel_over,
            board,
            meters,
            refusals,
            cells,
            instruments,
            replay,
        } = setup;
        // Whoever stops the engine before anything has happened must see what was carried over.
        meters.working.set(risk.working_count().into());
        let aside = vec![Message::default(); wiring.len()].into_boxed_slice();
        meters.mode.set(mode.max(risk.mode_of(LimitScope::Firm)) as u64);
        meters.limits_version.set(risk.limit_version().into());
        board.show_modes(&risk);
        let over = VecDeque::with_capacity(risk.slots());
        let stage = Self {
            risk,
            ports,
            wiring,
            mode,
            gates,
            archive_failed,
            aside,
            carried,
            limits,
            cancel_over,
            board,
            over,
            meters,
            refusals,
            cells,
            instruments,
            sweeps: VecDeque::with_capacity(SWEEPS_MAX),
            met: None,
            replay,
        };
        stage.risk.show_holdings(&mut |position| stage.show_position(position));
        stage
    }

    /// The rules and their state, for reports after a run.
    #[must_use]
    pub const fn risk(&self) -> &Risk {
        &self.risk
    }

    /// One live turn.
    pub fn poll(&mut self, turn: &mut Turn<'_>) -> usize {
        if !turn.has_room() {
            return 0;
        }
        self.flush_updates(turn);
        let mut work = self.take_market(MARKET_BATCH, turn);
        work += self.take_feeds(turn);
        work += self.take_reports(turn);
        work += self.take_commands(turn);
        work += self.take_overdue(turn);
        for strategy in 0..self.ports.intents.len() {
            for _ in 0..INTENT_BATCH {
                if !self.has_intent(strategy) {
                    break;
                }
                // A report that came with the intent is applied before it is judged.
                work += self.take_reports(turn);
                if !turn.has_room() || !self.decide_live(strategy, turn) {
                    break;
                }
                work += 1;
            }
        }
        work + self.sweep_on(turn)
    }

    fn at(&self) -> u64 {
        self.ports.market.taken()
    }

    fn take_market(&mut self, limit: usize, turn: &mut Turn<'_>) -> usize {
        let Self { risk, ports, meters, .. } = self;
        let taken = ports.market.drain(limit, |message| risk.on_market(message));
        meters.market.add(taken as u64);
        self.act_on_alarms(turn.now, turn);
        taken
    }

    /// Further feeds: not the primary port, so that how much was taken is written.
    fn take_feeds(&mut self, turn: &mut Turn<'_>) -> usize {
        let mut work = 0;
        for index in 0..self.ports.feeds.len() {
            let waiting = self.ports.feeds.get(index).map_or(0, Input::waiting);
            let count = waiting.min(MARKET_BATCH);
            let took = Took {
                port: Port::Feed as u8,
                index: index as u8,
                count: count as u32,
                ..Took::default()
            };
            if count == 0
                || !turn.try_write(RecordKind::Took, ID, self.at(), turn.now, took.bytes())
            {
                continue;
            }
            let Self { risk, ports, .. } = self;
            if let Some(input) = ports.feeds.get_mut(index) {
                work += input.drain(count, |message| risk.on_market(message));
            }
            self.act_on_alarms(turn.now, turn);
        }
        work
    }

    #[inline(always)]
    fn take_reports(&mut self, turn: &mut Turn<'_>) -> usize {
        let mut work = 0;
        for gateway in 0..self.ports.reports.len() {
            // Most looks find nothing, and cost no more than the look.
            if self.ports.reports.get_mut(gateway).is_some_and(Input::is_waiting) {
                work += self.take_reports_of(gateway, turn);
            }
        }
        work
    }

    #[inline(never)]
    fn take_reports_of(&mut self, gateway: usize, turn: &mut Turn<'_>) -> usize {
        let mut work = 0;
        while work < REPORT_BATCH && turn.has_room() {
            let Some(message) = self.ports.reports.get_mut(gateway).and_then(Input::pop) else {
                break;
            };
            self.apply(&message, gateway, turn.now, turn);
            work += 1;
        }
        work
    }

    /// Applies one report: records first, then the update.
    fn apply(&mut self, message: &Message, gateway: usize, now: Nanos, turn: &mut Turn<'_>) {
        let Some(report) = message.view::<ExecReport>() else { return };
        self.risk.advance(now);
        let applied = self.risk.on_report(report, GatewayId(gateway as u8));
        self.meters.reports.add(1);
        self.meters.fills.add(u64::from(report.kind == Kind::Executed as u8));
        let at = self.at();
        turn.write(RecordKind::OrderEvent, ID, at, now, applied.event.bytes());
        if let Some(position) = &applied.position {
            turn.write(RecordKind::PositionEvent, ID, at, now, position.bytes());
            self.show_position(position);
        }
        self.tell(&applied, now, turn);
        self.meters.contradictions.set(self.risk.counters().contradictions);
        self.act_on_alarms(now, turn);
        self.meters.working.set(self.risk.working_count().into());
    }

    /// Journals peaks and alarms, and closes the gates that they ask for; a replay has no gates.
    #[inline]
    fn act_on_alarms(&mut self, now: Nanos, turn: &mut Turn<'_>) {
        while let Some(peak) = self.risk.take_peak() {
            let at = self.at();
            turn.write(RecordKind::ScopePeak, ID, at, now, peak.bytes());
        }
        while let Some(alarm) = self.risk.take_alarm() {
            let at = self.at();
            turn.write(RecordKind::Alarm, ID, at, now, alarm.record().bytes());
            self.meters.alarms.add(1);
            let mode = self.mode.max(self.risk.mode_of(LimitScope::Firm));
            self.meters.mode.set(mode as u64);
            self.board.show_modes(&self.risk);
            if let Some(gates) = self.gates.as_ref().filter(|_| alarm.closes_gate) {
                gates.close(gate_of(alarm.scope), Trigger::Breaker);
            }
        }
    }

    fn tell(&mut self, applied: &Applied, now: Nanos, turn: &mut Turn<'_>) {
        let Some(update) = applied.update else { return };
        let strategy = update.cl_ord_id.strategy();
        self.push_update(strategy, update.cl_ord_id, update.into(), now, turn);
    }

    fn push_update(
        &mut self,
        strategy: StrategyId,
        id: ClOrdId,
        message: Message,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        let stamp = turn.clock.now();
        let Some(link) = self.ports.updates.get_mut(strategy.index()) else { return };
        if let Some(full) = link.send(id, message, stamp) {
            self.meters.conflated.add(1);
            if let Some(record) = full {
                let at = self.ports.market.taken();
                turn.write(RecordKind::LinkFull, ID, at, now, record.bytes());
            }
        }
    }

    fn flush_updates(&mut self, turn: &mut Turn<'_>) {
        for strategy in 0..self.ports.updates.len() {
            let Self { risk, ports, .. } = self;
            let Some(link) = ports.updates.get_mut(strategy).filter(|link| link.is_holding())
            else {
                continue;
            };
            if let Some(record) = link.flush(usize::MAX, risk, turn.now) {
                let at = self.at();
                turn.write(RecordKind::LinkRoom, ID, at, turn.now, record.bytes());
            }
        }
    }

    fn show_position(&self, position: &record::PositionEvent) {
        let index = usize::from(position.strategy) * self.instruments + position.instrument.index();
        if let Some(cell) = self.cells.get(index) {
            cell.write(position);
        }
    }

    fn has_intent(&mut self, strategy: usize) -> bool {
        self.ports.intents.get_mut(strategy).is_some_and(Input::is_waiting)
    }

    /// Decides on the next intent of a strategy. False when it must wait: a cancel for room.
    fn decide_live(&mut self, strategy: usize, turn: &mut Turn<'_>) -> bool {
        let Some(wiring) = self.wiring.get(strategy).copied() else { return false };
        let room =
            self.ports.approved.get(wiring.gateway.index()).is_some_and(|ring| ring.has_room(2));
        let Some(input) = self.ports.intents.get_mut(strategy) else { return false };
        let Some(message) = input.peek() else { return false };
        if !room && message.kind() == Some(Kind::IntentCancel) {
            return false;
        }
        input.skip();
        let Some(instrument) = self.whole(strategy, &message) else { return true };
        // The time the rules see, and a stamp of the trip.
        let t0 = message.view::<Intent>().map_or(Nanos(0), |intent| intent.t0);
        let now = turn.took(turn.published(message.tail(), t0));
        let world = World {
            gates_open: self.gates.as_ref().is_none_or(|gates| {
                gates.is_open(
                    StrategyId(strategy as u8),
                    wiring.account,
                    instrument,
                    wiring.gateway,
                )
            }),
            journal_ok: turn.lane.free_segments() >= 1
                && self.archive_failed.as_ref().is_none_or(|failed| failed.get() == 0),
            room,
        };
        self.judge(&message, wiring, world, now, turn);
        self.cancel_met(now, turn);
        true
    }

    /// Decides, journals, pushes.
    fn decide(
        &mut self,
        intent: &Intent,
        message: &Message,
        wiring: Wiring,
        world: World,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        let terms = self.terms_of(intent);
        let decision = if world.room {
            let context = Context {
                now,
                gates_open: world.gates_open,
                mode: self.mode,
                journal_ok: world.journal_ok,
            };
            self.risk.decide_with(intent, &terms, &context)
        } else {
            self.risk.refuse(intent, Reason::Busy, now)
        };
        self.meters.intents.add(1);
        let published = message.tail().published(now);
        let decided = turn.stamp();
        self.time(intent, published, now, decided);
        self.carry_out(
            decision,
            intent,
            &terms,
            wiring.gateway,
            Stamps { published, begun: now, decided },
            turn,
        );
        self.meters.working.set(self.risk.working_count().into());
    }

    fn time(&self, intent: &Intent, published: Nanos, begun: Nanos, decided: Nanos) {
        let d_publish = u64::from(intent.d_publish);
        let d_begin = u64::from(intent.d_begin);
        let d_intent = u64::from(published.after(intent.t0));
        if intent.cause != Cause::NONE {
            self.meters.hop_feed_strategy.record(d_begin.saturating_sub(d_publish));
            self.meters.strategy.record(d_intent.saturating_sub(d_begin));
        }
        self.meters.hop_strategy_risk.record(begun.saturating_since(published).0);
        self.meters.risk.record(decided.saturating_since(begun).0);
    }

    fn carry_out(
        &mut self,
        decision: Decision,
        intent: &Intent,
        terms: &OrderTerms,
        gateway: GatewayId,
        stamps: Stamps,
        turn: &mut Turn<'_>,
    ) {
        let (at, t0) = (self.at(), intent.t0);
        let Stamps { published, begun, decided } = stamps;
        match decision {
            Decision::Approve { mut record, mut message } => {
                record.d_intent = published.after(t0);
                record.d_risk = begun.after(t0);
                record.d_decided = decided.after(t0);
                message.d_decided = record.d_decided;
                if message.flags & terms_flags::GIVEN != 0 {
                    self.announce(terms, gateway, begun, turn);
                }
                turn.write(RecordKind::Approved, ID, at, begun, record.bytes());
                message.lane_seq = turn.lane.last_seq().0;
                self.meters.approved.add(1);
                self.push_approved(gateway, message.into(), turn);
            }
            Decision::Cancel { mut record, mut message } => {
                record.d_intent = published.after(t0);
                record.d_decided = decided.after(t0);
                message.d_decided = record.d_decided;
                turn.write(RecordKind::CancelAsked, ID, at, begun, record.bytes());
                message.lane_seq = turn.lane.last_seq().0;
                self.meters.cancels.add(1);
                self.push_approved(gateway, message.into(), turn);
            }
            Decision::Deny { mut record, message } => {
                record.d_decided = decided.after(t0);
                turn.write(RecordKind::Denied, ID, at, begun, record.bytes());
                self.meters.denied.add(1);
                if let Some(reason) = Reason::from_u8(record.reason) {
                    self.refusals.count(reason);
                    self.note_met(reason, intent, &message);
                }
                let id = intent.cl_ord_id;
                self.push_update(id.strategy(), id, message.into(), begun, turn);
            }
        }
    }

    fn push_approved(&mut self, gateway: GatewayId, message: Message, turn: &mut Turn<'_>) {
        // The way into the lane is timed now and then; else it counts with the way over the link.
        let timed = self.meters.approved.get() % JOURNAL_EVERY == 1;
        let now = if timed { turn.stamp() } else { turn.last() };
        let Some(ring) = self.ports.approved.get_mut(gateway.index()) else { return };
        let pushed = ring.try_push(message, now);
        debug_assert!(pushed.is_ok(), "room was checked before the decision");
    }
}

/// The kill gate of a scope.
const fn gate_of(scope: LimitScope) -> Scope {
    match scope {
        LimitScope::Firm => Scope::Global,
        LimitScope::Account(id) => Scope::Account(id),
        LimitScope::Strategy(id) => Scope::Strategy(id),
        LimitScope::Instrument(id) => Scope::Instrument(id),
    }
}

/// What the world outside the rules says of an intent.
#[derive(Clone, Copy, Debug)]
struct World {
    gates_open: bool,
    journal_ok: bool,
    room: bool,
}

/// Stamps of a decision.
#[derive(Clone, Copy, Debug)]
struct Stamps {
    published: Nanos,
    begun: Nanos,
    decided: Nanos,
}
