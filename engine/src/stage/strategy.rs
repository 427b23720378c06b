//! The strategy stage: one strategy, its market data, its updates, its commands.
//!
//! Primary port: the strategy's first feed. Whatever else it takes writes `Took`, in batches.

mod call;
mod held;

use super::{Progress, Recorded, Turn};
use crate::config::params::{ParamChange, Params};
use crate::link::Input;
use crate::order::slots::SlotPool;
use crate::parent::book::Journal;
use crate::parent::{ParentEvent, Parents};
use crate::strategy::desk::{BUSY_MAX, BusyLog, Desk, Outlet, Port as OrderPort, Terms};
use crate::strategy::{Answer, Built};
use crate::telemetry::StrategyMeters;
use shm::gates::Gates;
use shm::ids::{Cause, InstrumentId};
use shm::message::{
    BookTop, Command, CommandOp, FeedStatus, Kind, Message, OrderUpdate, ParentUpdate, RiskReject,
    Trade,
};
use shm::record::parent::ParentState;
use shm::record::status::{Busy, HandOrder, HandOutcome, Port, Took};
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::collections::VecDeque;

pub use held::Held;

/// Market messages taken in one poll.
const MARKET_BATCH: usize = 64;
/// Updates or commands taken in one poll.
const OTHER_BATCH: usize = 64;

/// The ends of the links that a strategy stage reads.
pub struct Ports {
    /// Market data of the first feed.
    pub market: Input,
    /// Market data of further feeds.
    pub feeds: Vec<Input>,
    /// Order updates and refusals from risk.
    pub updates: Input,
    /// Commands from the control thread.
    pub commands: Input,
}

/// One strategy and all it touches.
pub struct StrategyStage {
    id: StageId,
    strategy: Built,
    params: Params,
    enabled: bool,
    ports: Ports,
    outlet: Outlet,
    slots: SlotPool,
    parents: Parents,
    terms: Box<[Terms]>,
    /// By instrument: whether the strategy trades it.
    mine: Box<[bool]>,
    /// The strategy's time: arrival of the latest event, never falling.
    now: Nanos,
    counters: StrategyMeters,
    /// Calls of the strategy so far.
    calls: u64,
    /// The strategy is not called any more.
    is_down: bool,
    /// Replay: the call after which it was stopped.
    down_at: Option<u64>,
    held: Held,
    gates: Option<Gates>,
    replay: VecDeque<Recorded>,
}

/// What a strategy stage is made of.
pub struct Setup {
    /// Which stage it is.
    pub id: StageId,
    /// The strategy.
    pub strategy: Built,
    /// Its parameters.
    pub params: Params,
    /// Whether it acts from the start.
    pub enabled: bool,
    /// Inputs.
    pub ports: Ports,
    /// Output.
    pub outlet: Outlet,
    /// Its order ids.
    pub slots: SlotPool,
    /// Its parents, with those of an earlier start.
    pub parents: Parents,
    /// Terms of every instrument of the session.
    pub terms: Box<[Terms]>,
    /// By instrument: whether the strategy trades it.
    pub mine: Box<[bool]>,
    /// Counters.
    pub counters: StrategyMeters,
    /// Where the guard sees how long a call takes.
    pub held: Held,
    /// The kill gates, to close its own when it panics; `None` in a replay.
    pub gates: Option<Gates>,
    /// Replay: the call after which it was stopped, counted from 1.
    pub down_at: Option<u64>,
    /// Records to follow; empty for a live run.
    pub replay: VecDeque<Recorded>,
}

impl StrategyStage {
    /// Puts the stage together.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup {
            id,
            strategy,
            params,
            enabled,
            ports,
            outlet,
            slots,
            parents,
            terms,
            mine,
            counters,
            held,
            gates,
            down_at,
            replay,
        } = setup;
        counters.enabled.set(enabled.into());
        Self {
            id,
            strategy,
            params,
            enabled,
            ports,
            outlet,
            slots,
            parents,
            terms,
            mine,
            now: Nanos(0),
            counters,
            calls: 0,
            is_down: false,
            down_at,
            held,
            gates,
            replay,
        }
    }

    /// One live turn.
    pub fn poll(&mut self, turn: &mut Turn<'_>) -> usize {
        if !turn.has_room() {
            return 0;
        }
        // Most looks find nothing, and cost no more than the look.
        let mut work = 0;
        if self.ports.commands.is_waiting() {
            work += self.take_counted(Port::Commands, 0, turn);
        }
        if self.ports.updates.is_waiting() {
            work += self.take_counted(Port::Updates, 0, turn);
        }
        for index in 0..self.ports.feeds.len() {
            work += self.take_counted(Port::Feed, index as u8, turn);
        }
        for _ in 0..MARKET_BATCH {
            let Some(message) = self.ports.market.pop() else { break };
            self.act(&message, turn);
            self.log_busy(turn);
            work += 1;
        }
        work
    }

    /// Records still to be followed.
    #[must_use]
    pub const fn replay_records(&self) -> &VecDeque<Recorded> {
        &self.replay
    }

    /// Follows the recording as far as its inputs have come.
    pub fn replay_step(&mut self, turn: &mut Turn<'_>) -> Progress {
        let until = self.replay.front().map_or(u64::MAX, |record| record.at);
        let mut moved = false;
        while self.ports.market.taken() < until {
            let Some(message) = self.ports.market.pop() else {
                let idle = if self.replay.is_empty() { Progress::Done } else { Progress::Waiting };
                return if moved { Progress::Moved } else { idle };
            };
            self.act(&message, turn);
            self.log_busy(turn);
            moved = true;
        }
        let Some(took) = self.replay.front().and_then(|record| Took::read(&record.body)) else {
            self.replay.pop_front();
            return Progress::Moved;
        };
        let Some(port) = Port::from_u8(took.port) else { return Progress::Done };
        if let Some(message) = self.input(port, took.index).and_then(Input::pop) {
            self.act(&message, turn);
            self.log_busy(turn);
            self.count_down();
            return Progress::Moved;
        }
        if moved { Progress::Moved } else { Progress::Waiting }
    }

    /// One message of the batch that the next record names has been taken.
    fn count_down(&mut self) {
        let Some(record) = self.replay.front_mut() else { return };
        let Some(mut took) = Took::read(&record.body) else { return };
        took.count = took.count.saturating_sub(1);
        if took.count == 0 {
            self.replay.pop_front();
        } else {
            record.body.clear();
            record.body.extend_from_slice(took.bytes());
        }
    }

    fn input(&mut self, port: Port, index: u8) -> Option<&mut Input> {
        match port {
            Port::Updates => Some(&mut self.ports.updates),
            Port::Commands => Some(&mut self.ports.commands),
            Port::Feed => self.ports.feeds.get_mut(usize::from(index)),
            Port::Intents | Port::Reports => None,
        }
    }

    /// Takes what waits at a port that is not the primary one, having written how much.
    fn take_counted(&mut self, port: Port, index: u8, turn: &mut Turn<'_>) -> usize {
        let Some(waiting) = self.input(port, index).map(|input| input.waiting()) else { return 0 };
        let count = waiting.min(OTHER_BATCH);
        if count == 0 {
            return 0;
        }
        let took = Took { port: port as u8, index, count: count as u32, ..Took::default() };
        let at = self.ports.market.taken();
        if !turn.try_write(RecordKind::Took, self.id, at, turn.now, took.bytes()) {
            return 0;
        }
        for _ in 0..count {
            let Some(message) = self.input(port, index).and_then(Input::pop) else { break };
            self.act(&message, turn);
            self.log_busy(turn);
        }
        count
    }

    /// Hands one message to the strategy.
    fn act(&mut self, message: &Message, turn: &mut Turn<'_>) {
        match message.kind() {
            Some(Kind::BookTop) => {
                if let Some(top) = message.view::<BookTop>() {
                    self.counters.market.add(1);
                    let is_mine = self.acts_on(top.instrument);
                    self.step_market(message, top.t0, top.cause, is_mine, turn);
                    if is_mine {
                        self.call(message, top.t0, top.cause, turn, |strategy, desk| {
                            strategy.on_top(top, desk)
                        });
                    }
                }
            }
            Some(Kind::Trade) => {
                if let Some(trade) = message.view::<Trade>() {
                    self.counters.market.add(1);
                    let is_mine = self.acts_on(trade.instrument);
                    self.step_market(message, trade.t0, trade.cause, is_mine, turn);
                    if is_mine {
                        self.call(message, trade.t0, trade.cause, turn, |strategy, desk| {
                            strategy.on_trade(trade, desk)
                        });
                    }
                }
            }
            Some(Kind::FeedStatus) => {
                if let Some(status) = message.view::<FeedStatus>() {
                    self.step_market(message, status.t0, status.cause, true, turn);
                    self.call(message, status.t0, status.cause, turn, |strategy, desk| {
                        strategy.on_feed_status(status, desk);
                    });
                }
            }
            Some(Kind::OrderUpdate) => {
                if let Some(update) = message.view::<OrderUpdate>() {
                    self.on_update(message, update, turn);
                }
            }
            Some(Kind::RiskReject) => {
                if let Some(reject) = message.view::<RiskReject>() {
                    self.on_reject(message, reject, turn);
                }
            }
            Some(Kind::ParentUpdate) => {
                if let Some(update) = message.view::<ParentUpdate>() {
                    self.on_parent(message, update, turn);
                }
            }
            Some(Kind::Command) => {
                if let Some(command) = message.view::<Command>() {
                    self.on_command(message, command, turn);
                }
            }
            Some(_) | None => {}
        }
    }

    /// Steps the parents for a market message, as long as the strategy may act.
    #[inline]
    fn step_market(
        &mut self,
        message: &Message,
        t0: Nanos,
        cause: Cause,
        is_mine: bool,
        turn: &mut Turn<'_>,
    ) {
        if self.enabled && self.parents.count() > 0 {
            self.step(message, t0, cause, turn, |parents, port, journal| {
                parents.on_market(message, is_mine, port, journal);
            });
        }
    }

    fn acts_on(&self, instrument: InstrumentId) -> bool {
        self.enabled && self.mine.get(instrument.index()).copied().unwrap_or(false)
    }

    fn on_update(&mut self, message: &Message, update: &OrderUpdate, turn: &mut Turn<'_>) {
        self.counters.updates.add(1);
        let mut event = None;
        self.step(message, update.t0, Cause::NONE, turn, |parents, port, journal| {
            event = parents.on_update(update, port, journal);
        });
        match event {
            Some(event) => self.tell(message, update.t0, &event, turn),
            None => self.call(message, update.t0, Cause::NONE, turn, |strategy, desk| {
                strategy.on_update(update, desk)
            }),
        }
        self.slots.on_update(update);
    }

    fn on_parent(&mut self, message: &Message, update: &ParentUpdate, turn: &mut Turn<'_>) {
        self.counters.updates.add(1);
        let mut event = None;
        self.step(message, update.t0, Cause::NONE, turn, |parents, port, journal| {
            event = parents.on_parent(update, port, journal);
        });
        if let Some(event) = event {
            self.tell(message, update.t0, &event, turn);
        }
    }

    /// Tells the strategy of a parent.
    fn tell(&mut self, message: &Message, t0: Nanos, event: &ParentEvent, turn: &mut Turn<'_>) {
        self.call(message, t0, Cause::NONE, turn, |strategy, desk| strategy.on_parent(event, desk));
    }

    fn on_reject(&mut self, message: &Message, reject: &RiskReject, turn: &mut Turn<'_>) {
        self.counters.updates.add(1);
        let mut of_parent = None;
        self.step(message, reject.t0, Cause::NONE, turn, |parents, port, journal| {
            of_parent = parents.on_reject(reject, port, journal);
        });
        match of_parent {
            Some(Some(event)) => self.tell(message, reject.t0, &event, turn),
            Some(None) => {}
            None => self.call(message, reject.t0, Cause::NONE, turn, |strategy, desk| {
                strategy.on_reject(reject, desk)
            }),
        }
        if reject.intent == Kind::IntentNew as u8 {
            self.slots.free(reject.cl_ord_id);
        }
    }

    fn enable(&mut self, enabled: bool) {
        self.enabled = enabled;
        self.counters.enabled.set(enabled.into());
    }

    fn on_command(&mut self, message: &Message, command: &Command, turn: &mut Turn<'_>) {
        match CommandOp::from_u8(command.op) {
            Some(CommandOp::StrategyEnable) => self.enable(!self.is_down),
            Some(CommandOp::StrategyDisable) => self.enable(false),
            Some(CommandOp::StrategySet) => {
                let change = ParamChange { index: u16::from(command.param), value: command.value };
                if self.params.apply(change) {
                    self.configure(turn);
                }
            }
            Some(
                CommandOp::OrderTerm
                | CommandOp::OrderPlace
                | CommandOp::OrderReplace
                | CommandOp::OrderCancel,
            ) => {
                self.by_hand(message, command, turn);
                // What was asked for by hand is begun by hand: the market may be quiet.
                self.step(message, command.t0, Cause::NONE, turn, |parents, port, journal| {
                    parents.on_market(message, false, port, journal);
                });
            }
            Some(
                CommandOp::LimitsSwitch
                | CommandOp::Mode
                | CommandOp::CancelAll
                | CommandOp::InstrumentRelease
                | CommandOp::ClockDrift
                | CommandOp::Rearm,
            )
            | None => {}
        }
    }

    /// Gives the strategy a command by hand, and writes what became of it.
    fn by_hand(&mut self, message: &Message, command: &Command, turn: &mut Turn<'_>) {
        let is_term = command.op == CommandOp::OrderTerm as u8;
        let is_cancel = command.op == CommandOp::OrderCancel as u8;
        let mut answer = (!is_term).then_some(Answer::no(HandOutcome::Disabled));
        if self.enabled || is_term || is_cancel {
            self.call(message, command.t0, Cause::NONE, turn, |strategy, desk| {
                answer = strategy.on_command(command, desk);
            });
        }
        let Some(Answer { id, outcome, fault }) = answer else { return };
        let record = HandOrder {
            number: command.value,
            cl_ord_id: id,
            t0: command.t0,
            op: command.op,
            outcome: outcome as u8,
            fault,
            ..HandOrder::default()
        };
        let at = self.ports.market.taken();
        // The poll may have begun before the command was given.
        let ts = turn.now.max(command.t0);
        turn.write(RecordKind::HandOrder, self.id, at, ts, record.bytes());
    }

    /// Steps the parents for the event that arrived at `t0`, before the strategy hears of it. What
    /// they latch is in the lane before anything follows from it.
    #[inline]
    fn step(
        &mut self,
        message: &Message,
        t0: Nanos,
        cause: Cause,
        turn: &mut Turn<'_>,
        act: impl FnOnce(&mut Parents, &mut OrderPort<'_>, Journal<'_>),
    ) {
        if self.parents.count() == 0 {
            return;
        }
        self.now = self.now.max(t0);
        let published = turn.published(message.tail(), t0);
        let begin = turn.took(published);
        let mut port = OrderPort {
            now: self.now,
            cause,
            t0,
            d_publish: published.after(t0),
            d_begin: begin.after(t0),
            clock: turn.clock,
            terms: &self.terms,
            slots: &mut self.slots,
            outlet: &mut self.outlet,
        };
        let (id, at, now) = (self.id, self.ports.market.taken(), turn.now);
        let lane = &mut *turn.lane;
        let mut journal = |state: &ParentState| {
            lane.append(RecordKind::ParentState as u16, id.0, at, now, state.bytes()).is_ok()
        };
        act(&mut self.parents, &mut port, &mut journal);
    }

    /// Journals the sends of the last callback that met a full ring.
    fn log_busy(&mut self, turn: &mut Turn<'_>) {
        self.outlet.met = 0;
        self.counters.intents.set(self.outlet.intents.pushed());
        let BusyLog::Write { ordinals, count } = &mut self.outlet.busy else { return };
        let met = core::mem::take(count).min(BUSY_MAX);
        for ordinal in ordinals.iter().take(met) {
            let busy = Busy { ordinal: *ordinal, strategy: self.id.index(), ..Busy::default() };
            let at = self.ports.market.taken();
            turn.lane.append(RecordKind::Busy as u16, self.id.0, at, turn.now, busy.bytes()).ok();
            self.counters.busy.add(1);
        }
    }
}
