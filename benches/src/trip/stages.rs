//! The engine of a trip: its stages as a start puts them together, on one thread.

use engine::clock::Clock;
use engine::config::machine::Machine;
use engine::config::topology::{Plan, plan};
use engine::config::{Sources, StageId};
use engine::link::Output;
use engine::pipeline::assemble::{Assembly, LiveEnds, Sheet, World};
use engine::pipeline::opening::Opening;
use engine::stage::feed::Source;
use engine::stage::gateway::{AnyLink, Dial};
use engine::stage::{Stage, Turn};
use feed::instruments::Instruments;
use gateway::session::soupbintcp::Credentials;
use shm::counters::CounterReader;
use shm::gates::{Gates, Shape};
use shm::ids::InstrumentId;
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::message::{Command, CommandOp, Kind};
use shm::region::{Region, RegionBuilder};
use shm::units::Nanos;

/// The engine that is always measured.
pub(crate) const CONFIG: &str = include_str!("config.toml");
/// The instruments of [`CONFIG`].
pub(crate) const INSTRUMENTS: &str = include_str!("instruments.csv");

/// What the engine is given of the world.
fn ends(
    (strategies, instruments): (usize, usize),
    source: Box<dyn Source>,
    link: AnyLink,
    archive_failed: CounterReader,
) -> LiveEnds {
    let (mut links, dialed) = rtrb::RingBuffer::new(1);
    assert!(links.push(link).is_ok(), "an empty ring has room");
    let shape = Shape { gateways: 1, accounts: 1, strategies, instruments, names_hash: 0 };
    let (gates, _) = Gates::in_memory(shape).expect("a small shape");
    LiveEnds {
        sources: vec![Some(source)],
        channels: vec![None],
        dials: vec![Some(Dial {
            wanted: Default::default(),
            links: dialed,
            fence: Default::default(),
        })],
        credentials: vec![Credentials::new("BENCH", "bench")],
        gates,
        durable: None,
        archive_failed,
        limits: Default::default(),
    }
}

/// What the control thread does every so often: without it risk trusts no clock (R08).
fn measure_clock(commands: Vec<(StageId, Output)>, now: Nanos) {
    let risk = commands.into_iter().find(|(stage, _)| *stage == StageId::Risk);
    let (_, mut risk) = risk.expect("risk takes commands");
    let (kind, op) = (Kind::Command as u8, CommandOp::ClockDrift as u8);
    let instrument = InstrumentId::NONE;
    let measured = Command { kind, op, instrument, value: 0, ..Command::default() };
    assert!(risk.try_push(measured.into(), now).is_ok(), "an empty ring has room");
}

/// An engine put together, its threads not started.
pub(crate) struct Built {
    pub(crate) plan: Plan,
    /// By thread of the plan.
    pub(crate) stages: Vec<Vec<Stage>>,
    /// What its meters write.
    pub(crate) region: Region,
}

/// Puts an engine together over a feed and a link, as a start does; `config` is [`CONFIG`], with
/// another placement, other links or another [`super::Shape`], and so are the instruments.
pub(crate) fn build(
    (config, instruments): (&str, &str),
    clock: &Clock,
    source: Box<dyn Source>,
    link: AnyLink,
) -> Built {
    let loaded = Sources::text("trip.toml", config).load();
    let loaded = loaded.unwrap_or_else(|report| panic!("the configuration is sound: {report:?}"));
    let instruments =
        Instruments::parse("instruments.csv", instruments).expect("the instruments are sound");
    let bound = loaded.bind(&instruments).expect("they fit");
    let plan = plan(&loaded, &Machine::probe()).expect("it names no core");
    let mut builder = RegionBuilder::new(1, clock.now());
    let mut sheet = Sheet::new(&loaded.config);
    for thread in &plan.threads {
        builder.thread(&thread.name);
        for stage in &thread.stages {
            sheet.list(*stage, &loaded.config, instruments.len(), &mut builder);
        }
    }
    builder.counter("archive.failed", "flag");
    let region = builder.create_in_memory().expect("the list is sound");
    let archive_failed =
        region.reader().and_then(|reader| reader.counter("archive.failed")).expect("listed");
    // Beside those of the configuration there is the operator.
    let strategies = loaded.config.strategies.len() + 1;
    let ends = ends((strategies, instruments.len()), source, link, archive_failed);
    let opening = Opening::default();
    let assembly = Assembly {
        config: &loaded.config,
        instruments: &instruments,
        bound: &bound,
        plan: &plan,
        epoch: 1,
        days: 20_458,
        opening: &opening,
    };
    let pipeline =
        assembly.build(clock, &region, sheet, World::Live(ends)).expect("it fits together");
    measure_clock(pipeline.commands, clock.now());
    Built { plan, stages: pipeline.threads, region }
}

/// The lane of a thread.
pub(crate) const fn lane_of(thread: usize) -> LaneSpec {
    let lane = thread as u16 + 1;
    LaneSpec { lane, epoch: 1, segment_bytes: 1 << 22, segments: 4, layout_hash: 0 }
}

/// The stages of one thread, and what they write.
pub(super) struct Engine {
    stages: Vec<Stage>,
    lane: LaneWriter,
    tail: LaneTail,
    clock: Clock,
    /// What the stages take for the time: the clock, or what it said when the turn began.
    told: Clock,
    scratch: Vec<u8>,
    region: Region,
}

impl Engine {
    /// Puts it together over a feed and a link.
    pub(super) fn new(clock: Clock, source: Box<dyn Source>, link: AnyLink) -> Self {
        Self::shaped(&super::Shape::ONE, clock, source, link)
    }

    /// The same in a world of another size.
    pub(super) fn shaped(
        shape: &super::Shape,
        clock: Clock,
        source: Box<dyn Source>,
        link: AnyLink,
    ) -> Self {
        let told = clock.clone();
        Self::over(shape, clock, told, source, link)
    }

    /// As [`Engine::new`], its stamps off: the clock is read once a turn.
    pub(super) fn unstamped(clock: Clock, source: Box<dyn Source>, link: AnyLink) -> Self {
        let told = Clock::shared(clock.now());
        Self::over(&super::Shape::ONE, clock, told, source, link)
    }

    fn over(
        shape: &super::Shape,
        clock: Clock,
        told: Clock,
        source: Box<dyn Source>,
        link: AnyLink,
    ) -> Self {
        let texts = (shape.config(), shape.instruments());
        let mut built = build((&texts.0, &texts.1), &told, source, link);
        let stages = built.stages.pop().expect("one thread");
        let (lane, tail) = LaneWriter::in_memory(lane_of(0));
        let region = built.region;
        Self { stages, lane, tail, clock, told, scratch: Vec::new(), region }
    }

    /// Orders that risk has refused.
    pub(super) fn denied(&self) -> u64 {
        let counter = self.region.reader().and_then(|reader| reader.counter("risk.denied"));
        counter.expect("listed").get()
    }

    /// One turn of every stage, as the loop of a hot thread makes it; when it began.
    #[inline(always)]
    pub(super) fn turn(&mut self) -> Nanos {
        let now = self.clock.now();
        self.told.tell(now);
        let mut turn = Turn::new(now, &mut self.lane, &self.told);
        for stage in &mut self.stages {
            stage.poll(&mut turn);
        }
        now
    }

    pub(super) fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Gives the lane's segments back, as the archive thread does.
    pub(super) fn archive(&mut self) {
        while let Ok(Some(_)) = self.tail.take(&mut self.scratch) {}
    }
}
