//! Puts stages together from configuration, plan and opening state; the same for a live run and for
//! a replay, which differ in where inputs come from and where bytes go.

use super::ends::Ends;
use super::opening::Opening;
pub use super::sheet::Sheet;
use super::sources::receiver_config;
use crate::clock::Clock;
use crate::config::model::{Full, OnOver, Session};
use crate::config::topology::Plan;
use crate::config::{Bound, Config, SlotRange, StageId};
use crate::link::{Input, Output};
use crate::order::slots::SlotPool;
use crate::parent::Parents;
use crate::risk::{Mode, Risk};
use crate::stage::book_check::{BookCheck, Channel};
use crate::stage::market_link::MarketLink;
use crate::stage::risk::Compiler;
use crate::stage::{Recorded, Stage, feed, gateway, paper, risk, strategy};
use crate::strategy::{self as strategies, Terms, desk::Outlet};
use ::feed::book::{BooksConfig, ItchBooks};
use ::feed::instruments::Instruments;
use ::feed::moldudp64::Receiver;
use ::gateway::codec::ouch50::{CapacityCode, DisplayCode};
use ::gateway::ouch::{Ouch, OuchConfig};
use ::gateway::paper::{Paper, PaperConfig};
use ::gateway::session::soupbintcp::{Client, ClientConfig, Credentials};
use ::gateway::wire_table::WireTableConfig;
use shm::gates::Gates;
use shm::ids::{FeedId, GatewayId, InstrumentId, StrategyId};
use shm::record::status::{Busy, Link, StrategyDown};
use shm::record::{self, RecordKind};
use shm::region::Region;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What is needed to put stages together.
pub struct Assembly<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The instruments of the session.
    pub instruments: &'a Instruments,
    /// What the configuration says of them.
    pub bound: &'a Bound,
    /// Placement and links.
    pub plan: &'a Plan,
    /// Epoch of new order ids.
    pub epoch: u16,
    /// Session date, days since the Unix epoch.
    pub days: u32,
    /// State at the opening.
    pub opening: &'a Opening,
}

/// What only a live run has, by feed or gateway.
pub struct LiveEnds {
    /// Datagrams, by feed.
    pub sources: Vec<Option<Box<dyn feed::Source>>>,
    /// The exchange's book hashes, by feed.
    pub channels: Vec<Option<Box<dyn Channel>>>,
    /// Links, by gateway.
    pub dials: Vec<Option<gateway::Dial>>,
    /// Credentials, by gateway.
    pub credentials: Vec<Option<Credentials>>,
    /// The kill gates.
    pub gates: Gates,
    /// Mode `sync`: how far risk's lane is durable.
    pub durable: Option<shm::journal::DurableMark>,
    /// Raised by the archive thread after a final error.
    pub archive_failed: shm::counters::CounterReader,
    /// Where limit sets come from.
    pub limits: risk::LimitDoor,
}

/// What only a replay has.
pub struct ReplayEnds {
    /// Records by the stage that wrote them.
    pub records: BTreeMap<u8, VecDeque<Recorded>>,
    /// Where each gateway's messages go.
    pub sinks: Vec<Option<gateway::Sink>>,
    /// Limit sets, in the order of their commands.
    pub limits: Vec<risk::Switch>,
}

/// The world a pipeline is put into.
pub enum World {
    /// Sockets, gates, clocks.
    Live(LiveEnds),
    /// A recording.
    Replay(ReplayEnds),
}

/// A pipeline put together: stages by thread of the plan, and where commands are given.
pub struct Pipeline {
    /// By thread of the plan.
    pub threads: Vec<Vec<Stage>>,
    /// By stage.
    pub commands: Vec<(StageId, Output)>,
    /// By gateway: orders that may live at its venue.
    pub open: Vec<Arc<gateway::OpenOrders>>,
    /// What risk shows.
    pub board: Arc<risk::Board>,
    /// Where the guard sees how long each strategy holds its thread.
    pub held: Vec<(StrategyId, strategy::Held)>,
}

/// The byte of a stage in a record's header.
#[must_use]
pub const fn stage_byte(stage: StageId) -> record::StageId {
    match stage {
        StageId::Feed(id) => record::StageId::new(record::Stage::Feed, id.0),
        StageId::Strategy(id) => record::StageId::new(record::Stage::Strategy, id.0),
        StageId::Risk => record::StageId::RISK,
        StageId::Gateway(id) => record::StageId::new(record::Stage::Gateway, id.0),
    }
}

/// What is wrong with a pipeline that cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The region was not made from the sheet: a programming error.
    #[error("the region holds other meters than were listed")]
    Meters,
    /// A link of the plan is missing: a programming error.
    #[error("no link from {0:?} to {1:?}")]
    NoLink(StageId, StageId),
    /// The opening state does not fit the configuration.
    #[error("the last session's state does not fit this configuration: {0}")]
    Restore(#[from] crate::risk::RestoreError),
}

impl Assembly<'_> {
    /// Puts every stage together.
    ///
    /// # Errors
    /// [`AssembleError`].
    pub fn build(
        &self,
        clock: &Clock,
        region: &Region,
        sheet: Sheet,
        world: World,
    ) -> Result<Pipeline, AssembleError> {
        let replay = matches!(world, World::Replay(_));
        let mut cx = Builder {
            with: self,
            ends: Ends::make(self.config, &self.plan.links, replay),
            clock,
            region,
            sheet,
            world,
            open: self.open_orders(),
            board: Arc::new(risk::Board::new(Compiler::of(&self.risk_setup()).map())),
            held: Vec::new(),
        };
        let mut threads = Vec::with_capacity(self.plan.threads.len());
        for thread in &self.plan.threads {
            let stages: Result<Vec<Stage>, AssembleError> =
                thread.stages.iter().map(|stage| cx.stage(*stage)).collect();
            threads.push(stages?);
        }
        let Builder { mut ends, open, board, held, .. } = cx;
        Ok(Pipeline { threads, commands: ends.command_outputs(), open, board, held })
    }

    fn open_orders(&self) -> Vec<Arc<gateway::OpenOrders>> {
        let rows = self.config.gateways.iter().map(|row| match row.session {
            Session::Ouch50 { .. } => self.slots() as usize,
            // Its orders live in this process and end with it.
            Session::Paper { .. } => 0,
        });
        rows.map(|slots| Arc::new(gateway::OpenOrders::new(slots))).collect()
    }

    pub(super) fn is_instrument_of(&self, strategy: StrategyId) -> Box<[bool]> {
        let mine = self.bound.instruments_of(strategy);
        let each = 0..self.instruments.len();
        each.map(|id| mine.contains(&InstrumentId(id as u32))).collect()
    }

    /// Slots of order ids, over all strategies.
    fn slots(&self) -> u32 {
        let ends = self.bound.slots.iter().map(|range| range.first + range.count);
        ends.max().unwrap_or(1).max(1)
    }

    fn ouch(&self, slots: u32) -> Ouch {
        Ouch::new(OuchConfig {
            symbols: self.instruments.iter().map(|row| row.symbol).collect(),
            firm: None,
            capacity: CapacityCode::PRINCIPAL,
            display: DisplayCode::VISIBLE,
            table: WireTableConfig { slots, urns: (slots * 4).next_power_of_two() },
        })
    }

    fn terms(&self) -> Box<[Terms]> {
        let each = self.instruments.iter();
        each.map(|instrument| Terms {
            bands: instrument.ticks.map(|band| (band.from, band.tick)),
            lot: instrument.lot,
        })
        .collect()
    }
}

struct Builder<'a> {
    with: &'a Assembly<'a>,
    ends: Ends,
    clock: &'a Clock,
    region: &'a Region,
    sheet: Sheet,
    world: World,
    open: Vec<Arc<gateway::OpenOrders>>,
    board: Arc<risk::Board>,
    held: Vec<(StrategyId, strategy::Held)>,
}

impl Builder<'_> {
    fn stage(&mut self, stage: StageId) -> Result<Stage, AssembleError> {
        match stage {
            StageId::Feed(id) => self.feed(id).map(Box::new).map(Stage::Feed),
            StageId::Strategy(id) => self.strategy(id).map(Box::new).map(Stage::Strategy),
            StageId::Risk => self.risk().map(Box::new).map(Stage::Risk),
            StageId::Gateway(id) => match self.with.config.gateways.get(id.index()) {
                Some(row) => match row.session {
                    Session::Paper { feed } => self.paper(id, feed).map(Box::new).map(Stage::Paper),
                    Session::Ouch50 { .. } => self.gateway(id).map(Box::new).map(Stage::Gateway),
                },
                None => Err(AssembleError::Meters),
            },
        }
    }

    /// Records of a stage; none for a live run.
    fn records(&mut self, stage: StageId) -> VecDeque<Recorded> {
        match &mut self.world {
            World::Live(_) => VecDeque::new(),
            World::Replay(ends) => ends.records.remove(&stage_byte(stage).0).unwrap_or_default(),
        }
    }

    /// A conflating output: in a replay it becomes full where the recording did.
    fn conflating(
        &self,
        output: Output,
        index: usize,
        keys: usize,
        records: &VecDeque<Recorded>,
        full: Full,
    ) -> MarketLink {
        if matches!(self.world, World::Live(_)) {
            return match full {
                Full::Hold => MarketLink::lossless(output, index as u16, keys),
                Full::Conflate | Full::Busy => MarketLink::new(output, index as u16, keys),
            };
        }
        let full = records.iter().filter(|record| record.kind == RecordKind::LinkFull);
        let full = full.filter_map(|record| Link::read(&record.body));
        let at =
            full.filter(|link| usize::from(link.link) == index).map(|link| link.ordinal).collect();
        MarketLink::replaying(output, index as u16, keys, at)
    }

    fn feed(&mut self, id: FeedId) -> Result<feed::FeedStage, AssembleError> {
        let stage = StageId::Feed(id);
        let with = self.with;
        let records = self.records(stage);
        let count = with.instruments.len();
        let outputs = self.ends.market_outputs(stage);
        let links = outputs.into_iter().enumerate();
        let links = links
            .map(|(at, (output, full))| self.conflating(output, at, count + 1, &records, full))
            .collect();
        let row = with.config.feeds.get(id.index());
        let venue = row.map(|row| row.venue);
        let symbols = venue.into_iter().flat_map(|venue| with.instruments.of_venue(venue));
        let (keys, cells) = self
            .sheet
            .feeds
            .get_mut(id.index())
            .and_then(Option::take)
            .ok_or(AssembleError::Meters)?;
        let (source, channel) = match &mut self.world {
            World::Live(ends) => (
                ends.sources.get_mut(id.index()).and_then(Option::take),
                ends.channels.get_mut(id.index()).and_then(Option::take),
            ),
            World::Replay(_) => (None, None),
        };
        let setup = feed::Setup {
            id: stage_byte(stage),
            feed: id,
            source,
            receiver: Receiver::new(receiver_config(row.map(|row| &row.source))),
            books: ItchBooks::new(BooksConfig::default(), count, symbols),
            links,
            capture: with.config.journal.capture == crate::config::model::Capture::Raw,
            meters: keys.take(self.region).ok_or(AssembleError::Meters)?,
            cells: self.region.cells(cells).ok_or(AssembleError::Meters)?,
            check: channel.map(|channel| BookCheck::new(channel, count)),
            replay: of_kinds(
                records,
                &[RecordKind::RxFeed, RecordKind::Tick, RecordKind::LinkRoom],
            ),
        };
        Ok(feed::FeedStage::new(setup, self.clock.clone()))
    }

    fn strategy(&mut self, id: StrategyId) -> Result<strategy::StrategyStage, AssembleError> {
        let stage = StageId::Strategy(id);
        let with = self.with;
        let records = self.records(stage);
        let row = id.index().checked_sub(1).and_then(|at| with.config.strategies.get(at));
        let row = row.ok_or(AssembleError::Meters)?;
        let range = with.bound.slots.get(id.index()).ok_or(AssembleError::Meters)?;
        let mut slots = SlotPool::new(id, with.epoch, range.first, range.count);
        for (root, last) in with.opening.working_of(id) {
            slots.hold(root, last);
        }
        let parents = self.parents(id, range, &mut slots);
        let mut feeds = row.feeds.iter().map(|feed| StageId::Feed(*feed));
        let first = feeds.next().ok_or(AssembleError::Meters)?;
        let intents = self.ends.output(stage, StageId::Risk);
        let intents = intents.ok_or(AssembleError::NoLink(stage, StageId::Risk))?;
        let outlet = if matches!(self.world, World::Live(_)) {
            Outlet::live(intents)
        } else {
            let busy = records.iter().filter(|record| record.kind == RecordKind::Busy);
            let busy = busy.filter_map(|record| Busy::read(&record.body)).map(|busy| busy.ordinal);
            Outlet::replay(intents, busy.collect())
        };
        let gates = match &self.world {
            World::Live(ends) => Some(ends.gates.clone()),
            World::Replay(_) => None,
        };
        let held = strategy::Held::default();
        self.held.push((id, held.clone()));
        let keys = self
            .sheet
            .strategies
            .get_mut(id.index())
            .and_then(Option::take)
            .ok_or(AssembleError::Meters)?;
        Ok(strategy::StrategyStage::new(strategy::Setup {
            id: stage_byte(stage),
            strategy: strategies::build(&row.params, with.instruments.len()),
            params: row.params,
            enabled: with.opening.why_down(id).is_none(),
            ports: strategy::Ports {
                market: self.ends.input(first, stage),
                feeds: feeds.map(|feed| self.ends.input(feed, stage)).collect(),
                updates: self.ends.input(StageId::Risk, stage),
                commands: self.ends.command_input(stage),
            },
            outlet,
            slots,
            parents,
            terms: with.terms(),
            mine: with.is_instrument_of(id),
            counters: keys.take(self.region).ok_or(AssembleError::Meters)?,
            held,
            gates,
            down_at: records.iter().find_map(down_at),
            replay: of_kinds(records, &[RecordKind::Took]),
        }))
    }

    /// The parents of a strategy, with those that were open when the last session ended.
    fn parents(&self, id: StrategyId, range: &SlotRange, slots: &mut SlotPool) -> Parents {
        let with = self.with;
        let row = id.index().checked_sub(1).and_then(|at| with.config.strategies.get(at));
        let gateway = row.and_then(|row| with.config.gateways.get(row.gateway.index()));
        let has_reserve = gateway.is_some_and(|row| match row.session {
            Session::Ouch50 { .. } => true,
            Session::Paper { .. } => false,
        });
        let instruments = with.instruments.len();
        let mut parents = Parents::new(range.first, range.count, instruments, has_reserve);
        for carried in with.opening.parents_of(id) {
            slots.hold(carried.parent.cl_ord_id, carried.parent.cl_ord_id);
            let taken = parents.restore(carried);
            debug_assert!(taken, "risk holds no more parents of a strategy than it may have");
        }
        parents
    }

    fn risk(&mut self) -> Result<risk::RiskStage, AssembleError> {
        let with = self.with;
        let records = self.records(StageId::Risk);
        let mut state = Risk::new(&with.risk_setup());
        with.opening.restore_into(&mut state)?;
        let ports = self.risk_ports(&records)?;
        let wiring = with.bound.slots.iter().map(|range| {
            let row =
                range.strategy.index().checked_sub(1).and_then(|at| with.config.strategies.get(at));
            risk::Wiring {
                account: row.map(|row| row.account).unwrap_or_default(),
                gateway: row.map(|row| row.gateway).unwrap_or_default(),
            }
        });
        let (keys, refusals, cells) = self.sheet.risk.take().ok_or(AssembleError::Meters)?;
        let (gates, archive_failed, limits) = match &mut self.world {
            World::Live(ends) => {
                let limits = core::mem::take(&mut ends.limits);
                (Some(ends.gates.clone()), Some(ends.archive_failed.clone()), limits)
            }
            World::Replay(ends) => {
                let sets = core::mem::take(&mut ends.limits);
                (None, None, risk::LimitDoor::recorded(sets))
            }
        };
        Ok(risk::RiskStage::new(risk::Setup {
            risk: state,
            ports,
            wiring: wiring.collect(),
            mode: Mode::Active,
            gates,
            archive_failed,
            carried: with.opening.working().collect(),
            limits,
            cancel_over: with.config.risk.on_over == OnOver::Cancel,
            board: Arc::clone(&self.board),
            meters: keys.take(self.region).ok_or(AssembleError::Meters)?,
            refusals: refusals.take(self.region).ok_or(AssembleError::Meters)?,
            cells: self.region.cells(cells).ok_or(AssembleError::Meters)?,
            instruments: with.instruments.len().max(1),
            replay: of_kinds(
                records,
                &[
                    RecordKind::Approved,
                    RecordKind::Denied,
                    RecordKind::CancelAsked,
                    RecordKind::OrderEvent,
                    RecordKind::ParentApproved,
                    RecordKind::ParentDone,
                    RecordKind::Took,
                    RecordKind::Tick,
                    RecordKind::LinkRoom,
                ],
            ),
        }))
    }

    fn risk_ports(&mut self, records: &VecDeque<Recorded>) -> Result<risk::Ports, AssembleError> {
        let with = self.with;
        let risk = StageId::Risk;
        let mut market = with.config.feeds.iter().map(|feed| StageId::Feed(feed.id));
        let first = market.next().ok_or(AssembleError::Meters)?;
        let mut intents = vec![Input::closed()];
        let (operator, _) = crate::link::replay(0);
        let mut updates = vec![self.updates(operator, StrategyId::OPERATOR, records)];
        for row in &with.config.strategies {
            let stage = StageId::Strategy(row.id);
            intents.push(self.ends.input(stage, risk));
            let output = self.ends.output(risk, stage).ok_or(AssembleError::NoLink(risk, stage))?;
            updates.push(self.updates(output, row.id, records));
        }
        let mut approved = Vec::new();
        let mut reports = Vec::new();
        for row in &with.config.gateways {
            let stage = StageId::Gateway(row.id);
            approved.push(self.ends.output(risk, stage).ok_or(AssembleError::NoLink(risk, stage))?);
            reports.push(self.ends.input(stage, risk));
        }
        Ok(risk::Ports {
            market: self.ends.input(first, risk),
            feeds: market.map(|feed| self.ends.input(feed, risk)).collect(),
            intents,
            reports,
            commands: self.ends.command_input(risk),
            approved,
            updates,
        })
    }

    fn updates(
        &self,
        output: Output,
        strategy: StrategyId,
        records: &VecDeque<Recorded>,
    ) -> risk::UpdateLink {
        let range = self.with.bound.slots.get(strategy.index());
        let (first, count) = range.map_or((0, 0), |range| (range.first, range.count));
        let link =
            self.conflating(output, strategy.index(), count as usize, records, Full::Conflate);
        risk::UpdateLink::new(link, first, count)
    }

    fn paper(&mut self, id: GatewayId, feed: FeedId) -> Result<paper::PaperStage, AssembleError> {
        let stage = StageId::Gateway(id);
        let with = self.with;
        let records = self.records(stage);
        let slots = with.slots();
        let keys = self.sheet.gateways.get_mut(id.index()).and_then(Option::take);
        let keys = keys.ok_or(AssembleError::Meters)?;
        let reports = self.ends.output(stage, StageId::Risk);
        let gates = match &self.world {
            World::Live(ends) => Some(ends.gates.clone()),
            World::Replay(_) => None,
        };
        Ok(paper::PaperStage::new(paper::Setup {
            id: stage_byte(stage),
            gateway: id,
            market: self.ends.input(StageId::Feed(feed), stage),
            approved: self.ends.input(StageId::Risk, stage),
            reports: reports.ok_or(AssembleError::NoLink(stage, StageId::Risk))?,
            paper: Paper::new(PaperConfig {
                instruments: with.instruments.len(),
                orders_max: slots,
                slots,
                epoch: with.epoch,
            }),
            slots: slots as usize,
            gates,
            open: self.open.get(id.index()).cloned().ok_or(AssembleError::Meters)?,
            meters: keys.take(self.region).ok_or(AssembleError::Meters)?,
            replay: of_kinds(records, &[RecordKind::RxVenue, RecordKind::Tx, RecordKind::TxVoid]),
        }))
    }

    fn gateway(&mut self, id: GatewayId) -> Result<gateway::GatewayStage, AssembleError> {
        let stage = StageId::Gateway(id);
        let with = self.with;
        let records = self.records(stage);
        let row = with.config.gateways.get(id.index()).ok_or(AssembleError::Meters)?;
        let slots = with.slots();
        let mut ouch = with.ouch(slots);
        let mut unanswered = gateway::UnansweredTable::new(slots as usize);
        with.opening.restore_wire(id, &mut ouch, &mut unanswered);
        let session = self.session(id)?;
        let keys = self
            .sheet
            .gateways
            .get_mut(id.index())
            .and_then(Option::take)
            .ok_or(AssembleError::Meters)?;
        let (dial, gates, durable, sink) = match &mut self.world {
            World::Live(ends) => (
                ends.dials.get_mut(id.index()).and_then(Option::take),
                Some(ends.gates.clone()),
                ends.durable.clone(),
                None,
            ),
            World::Replay(ends) => {
                (None, None, None, ends.sinks.get_mut(id.index()).and_then(Option::take))
            }
        };
        let reports = self.ends.output(stage, StageId::Risk);
        let open = self.open.get(id.index()).map(Arc::clone).ok_or(AssembleError::Meters)?;
        Ok(gateway::GatewayStage::new(gateway::Setup {
            id: stage_byte(stage),
            gateway: id,
            approved: self.ends.input(StageId::Risk, stage),
            reports: reports.ok_or(AssembleError::NoLink(stage, StageId::Risk))?,
            session,
            ouch,
            unanswered,
            queries: with.opening.queries_of(id),
            dial,
            gates,
            open,
            durable,
            rules: gateway::SendRules {
                order_age_max: row.send.order_age_max,
                batch_max: row.send.send_batch_max,
            },
            meters: keys.take(self.region).ok_or(AssembleError::Meters)?,
            replay: of_kinds(records, &gateway::REPLAYED),
            sink,
        }))
    }

    /// A replay logs on nowhere: what a session is made of stands in the recorded bytes.
    fn session(&mut self, id: GatewayId) -> Result<Client, AssembleError> {
        let credentials = match &mut self.world {
            World::Live(ends) => ends.credentials.get_mut(id.index()).and_then(Option::take),
            World::Replay(_) => None,
        };
        let credentials = credentials.or_else(|| Credentials::new("", ""));
        let credentials = credentials.ok_or(AssembleError::Meters)?;
        Ok(Client::new(ClientConfig::new(credentials, self.with.opening.start_of(id))))
    }
}

/// The call after which a strategy was stopped.
fn down_at(record: &Recorded) -> Option<u64> {
    let down = record.kind == RecordKind::StrategyDown;
    StrategyDown::read(&record.body).filter(|_| down).map(|down| down.ordinal)
}

/// The records that drive a stage; the others are there for readers.
fn of_kinds(records: VecDeque<Recorded>, kinds: &[RecordKind]) -> VecDeque<Recorded> {
    records.into_iter().filter(|record| kinds.contains(&record.kind)).collect()
}
