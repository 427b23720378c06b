//! The stage over links and a lane in memory: what it writes and passes on, and that its records
//! make another stage do the same.

mod limits;
mod r45;
mod room;
mod shown;
mod sweep;

use super::*;
use crate::clock::Clock;
use crate::config::limits::{LimitRow, LimitSet};
use crate::link;
use crate::risk::sample::{self, DOLLAR};
use crate::risk::setup as risk_setup;
use crate::stage::Progress;
use crate::stage::market_link::MarketLink;
use crate::telemetry::{RefusalKeys, RiskKeys};
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::message::{Approved, Side};
use shm::region::{Region, RegionBuilder};
use shm::units::Qty;

/// Slots of each strategy.
const SLOTS: u32 = 16;
/// When every rig begins.
const BEGIN: Nanos = Nanos(10 * Nanos::SECOND.0);

/// What stands around a stage.
struct Ends {
    market: Output,
    intents: Vec<Output>,
    reports: Output,
    commands: Output,
    approved: Input,
    _updates: Vec<Input>,
    _region: Region,
    board: Arc<Board>,
}

fn spec() -> LaneSpec {
    LaneSpec { lane: 1, epoch: 7, segment_bytes: 1 << 20, segments: 4, layout_hash: 0 }
}

/// A stage of the sample's setup, with what is to be replayed.
fn make(
    with: &risk_setup::Setup,
    door: LimitDoor,
    replay: VecDeque<Recorded>,
) -> (RiskStage, Ends) {
    make_of(Risk::new(with), with, door, replay)
}

/// The same of a risk that knows something already.
fn make_of(
    risk: Risk,
    with: &risk_setup::Setup,
    door: LimitDoor,
    replay: VecDeque<Recorded>,
) -> (RiskStage, Ends) {
    let strategies = with.strategies.len();
    let ring = || if replay.is_empty() { link::ring(1_024) } else { replay_ring() };
    let (market, market_in) = ring();
    let (reports, reports_in) = ring();
    let (commands, commands_in) = ring();
    let (approved_out, approved) = link::ring(1_024);
    let (intents, intents_in): (Vec<_>, Vec<_>) = (0..strategies).map(|_| ring()).unzip();
    let (updates_out, updates): (Vec<_>, Vec<_>) =
        (0..strategies).map(|_| link::ring(1_024)).unzip();
    let (region, meters, refusals, cells) = meters(strategies);
    let board = Arc::new(Board::new(Compiler::of(with).map()));
    let links = updates_out.into_iter().zip(&with.strategies).enumerate().map(update_link);
    let stage = RiskStage::new(Setup {
        risk,
        ports: Ports {
            market: market_in,
            feeds: Vec::new(),
            intents: intents_in,
            reports: vec![reports_in],
            commands: commands_in,
            approved: vec![approved_out],
            updates: links.collect(),
        },
        wiring: with
            .strategies
            .iter()
            .map(|row| Wiring { account: row.account, gateway: row.gateway })
            .collect(),
        mode: Mode::Active,
        gates: None,
        archive_failed: None,
        carried: VecDeque::new(),
        limits: door,
        cancel_over: true,
        board: Arc::clone(&board),
        meters,
        refusals,
        cells,
        instruments: 2,
        replay,
    });
    let ends = Ends {
        market,
        intents,
        reports,
        commands,
        approved,
        _updates: updates,
        _region: region,
        board,
    };
    (stage, ends)
}

fn update_link((at, (output, row)): (usize, (Output, &risk_setup::Strategy))) -> UpdateLink {
    let link = MarketLink::new(output, at as u16, row.slot_count as usize);
    UpdateLink::new(link, row.slot_first, row.slot_count)
}

type Cells = Vec<CellWriter<record::PositionEvent>>;

/// A region with all that the stage counts and shows.
fn meters(strategies: usize) -> (Region, RiskMeters, Refusals, Cells) {
    let mut builder = RegionBuilder::new(7, Nanos(0));
    builder.thread("test");
    let keys = RiskKeys::list(&mut builder, "risk");
    let refusals = RefusalKeys::list(&mut builder);
    let cells = builder.cells::<record::PositionEvent>("risk.position", strategies * 2);
    let region = builder.create_in_memory().unwrap();
    let cells = region.cells(cells).unwrap();
    let (meters, refusals) = (keys.take(&region).unwrap(), refusals.take(&region).unwrap());
    (region, meters, refusals, cells)
}

fn replay_ring() -> (Output, Input) {
    let (output, mut inputs) = link::replay(1);
    (output, inputs.pop().unwrap())
}

/// A stage that runs, everything it was given, and everything it wrote.
struct Rig {
    setup: risk_setup::Setup,
    stage: RiskStage,
    ends: Ends,
    lane: LaneWriter,
    tail: LaneTail,
    clock: Clock,
    now: Nanos,
    seq: u32,
    records: Vec<Recorded>,
    /// By kind of link: 0 market, 1 reports, 2 commands, 3 and on the strategies' intents.
    given: Vec<(usize, Message)>,
    desk: LimitDesk,
    /// Limit sets that were given.
    sets: Vec<LimitSet>,
}

impl Rig {
    /// A live feed, a book around 10 dollars, a session that is up.
    fn new(setup: risk_setup::Setup) -> Self {
        let (desk, door) = exchange();
        let (stage, ends) = make(&setup, door, VecDeque::new());
        let (lane, tail) = LaneWriter::in_memory(spec());
        let clock = Clock::given(BEGIN);
        let mut rig = Self {
            setup,
            stage,
            ends,
            lane,
            tail,
            clock,
            now: BEGIN,
            seq: 0,
            records: Vec::new(),
            given: Vec::new(),
            desk,
            sets: Vec::new(),
        };
        rig.give(0, sample::live(BEGIN));
        let (bid, ask) = (Price(999 * DOLLAR / 100), Price(1_001 * DOLLAR / 100));
        rig.give(0, sample::top(0, bid, ask, 0, BEGIN));
        rig.give(1, sample::session(true).into());
        rig.poll();
        rig
    }

    fn give(&mut self, to: usize, message: Message) {
        self.given.push((to, message));
        push(&mut self.ends, to, message, self.now);
    }

    /// One turn, a microsecond later, and what it wrote.
    fn poll(&mut self) {
        self.turn();
        self.archive();
    }

    fn turn(&mut self) {
        self.now = Nanos(self.now.0 + 1_000);
        self.clock.tell(self.now);
        let clock = self.clock.clone();
        self.stage.poll(&mut Turn::new(self.now, &mut self.lane, &clock));
    }

    fn archive(&mut self) {
        let mut body = Vec::new();
        while let Some(header) = self.tail.take(&mut body).unwrap() {
            let kind = RecordKind::from_u16(header.kind).unwrap();
            let (at, ts) = (header.at, Nanos(header.ts));
            self.records.push(Recorded { kind, at, ts, body: body.clone() });
        }
    }

    /// An order of the first slots of a strategy, decided in a turn of its own.
    fn order(&mut self, strategy: u8, slot: u32, side: Side, px: Price) -> ClOrdId {
        let first = self.setup.strategies[usize::from(strategy)].slot_first;
        let id = ClOrdId::new(7, StrategyId(strategy), first + slot, 0);
        self.give(3 + usize::from(strategy), sample::intent(id, side, px).into());
        self.poll();
        id
    }

    /// What the venue says of an order.
    fn report(&mut self, kind: Kind, id: ClOrdId, px: Price) {
        self.seq += 1;
        let report = ExecReport {
            kind: kind as u8,
            venue_seq: self.seq,
            cl_ord_id: id,
            venue_ord_id: shm::ids::VenueOrdId(u64::from(id.slot()) + 1),
            last_px: px,
            last_qty: Qty::from_shares(100),
            ..ExecReport::default()
        };
        self.give(1, report.into());
        self.poll();
    }

    /// What went to the gateway since the last call: kind and order.
    fn sent(&mut self) -> Vec<(Kind, ClOrdId)> {
        let mut sent = Vec::new();
        while let Some(message) = self.ends.approved.pop() {
            let read = message.view::<Approved>().unwrap();
            sent.push((Kind::from_u8(read.kind).unwrap(), read.cl_ord_id));
        }
        sent
    }

    /// Why the last order was refused; `None` if it was not.
    fn refused(&self) -> Option<Reason> {
        let is_decision =
            |record: &&Recorded| matches!(record.kind, RecordKind::Approved | RecordKind::Denied);
        let last = self.records.iter().rev().find(is_decision).unwrap();
        let denied = record::Denied::read(&last.body).filter(|_| last.kind == RecordKind::Denied);
        denied.map(|denied| Reason::from_u8(denied.reason).unwrap())
    }

    /// Another stage, given the same messages and these records, ends in the same state, with the
    /// same limits and modes, and passes the same on.
    fn assert_replays_alike(&mut self) {
        let records = self.records.clone();
        let compiler = Compiler::of(&self.setup);
        let sets = self.sets.iter().map(|set| compiler.compile(set)).collect();
        let door = LimitDoor::recorded(sets);
        let (mut stage, mut ends) = make(&self.setup, door, records.into());
        for (to, message) in &self.given {
            push(&mut ends, *to, *message, Nanos(0));
        }
        let (mut lane, mut tail) = LaneWriter::in_memory(spec());
        let clock = Clock::given(self.now);
        loop {
            let mut turn = Turn::new(self.now, &mut lane, &clock);
            match stage.replay_step(&mut turn) {
                Progress::Moved => {}
                Progress::Waiting => panic!("a cause is missing: {:?}", stage.replay.front()),
                Progress::Done => break,
            }
        }
        assert_eq!(stage.risk.state_hash(), self.stage.risk.state_hash());
        assert_eq!(stage.risk.limit_version(), self.stage.risk.limit_version());
        for scope in [LimitScope::Firm, LimitScope::Account(AccountId(0))] {
            assert_eq!(stage.risk.mode_of(scope), self.stage.risk.mode_of(scope));
        }
        let mut again = Vec::new();
        let mut body = Vec::new();
        while let Some(header) = tail.take(&mut body).unwrap() {
            again.push((header.kind, header.ts, body.len()));
        }
        let decisions = [
            RecordKind::Approved,
            RecordKind::Denied,
            RecordKind::CancelAsked,
            RecordKind::OrderEvent,
            RecordKind::Alarm,
        ];
        let own = self.records.iter().filter(|record| decisions.contains(&record.kind));
        let own: Vec<_> =
            own.map(|record| (record.kind as u16, record.ts.0, record.body.len())).collect();
        again.retain(|(kind, ..)| decisions.iter().any(|known| *known as u16 == *kind));
        assert_eq!(again, own);
    }
}

fn push(ends: &mut Ends, to: usize, message: Message, now: Nanos) {
    let output = match to {
        0 => &mut ends.market,
        1 => &mut ends.reports,
        2 => &mut ends.commands,
        strategy => &mut ends.intents[strategy - 3],
    };
    assert!(output.try_push(message, now).is_ok());
}

/// The sample without a limit but those that `change` writes, one group of accounts.
fn setup(change: impl FnOnce(&mut risk_setup::Setup)) -> risk_setup::Setup {
    let mut setup = sample::setup(SLOTS);
    setup.limits.rows = vec![LimitRow::unlimited(LimitScope::Firm)];
    change(&mut setup);
    setup
}
