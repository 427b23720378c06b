//! One engine between a market and a venue in memory, its threads started for each rate anew.

use super::{EMPTY, Outcome, Rate, Variant};
use crate::figure::Figure;
use crate::trip::ends::{self, Datagram, FarWire, Wire};
use crate::trip::market::Market;
use crate::trip::stages::{Built, CONFIG, INSTRUMENTS, build, lane_of};
use crate::trip::venue::{Venue, Wire as _};
use engine::clock::Clock;
use engine::config::machine::Machine;
use engine::pin;
use engine::stage::feed::{Arrival, Received, Source};
use engine::stage::gateway::AnyLink;
use engine::stage::{Stage, Turn};
use engine::wait::Wait;
use feed::moldudp64::Request;
use gateway::link::{Link as _, SendResult};
use shm::atomic::{AtomicU64, Ordering};
use shm::histogram::{Histogram, HistogramReader, Snapshot};
use shm::journal::{LaneTail, LaneWriter};
use shm::region::{Region, RegionBuilder};
use shm::units::Nanos;
use std::thread;

/// Datagrams that may wait on the line, before the market stands still.
const LINE: usize = 1 << 10;
/// Sends and bytes that may wait at the venue and at the engine.
const PIECES: usize = 1 << 12;
const ANSWER_BYTES: usize = 1 << 20;
/// One message in so many asks for an order.
const ASKS_EVERY: u64 = 4;
/// Length of one rate, and the most messages it has: what the lanes hold without an archive.
const LENGTH: Nanos = Nanos(200_000_000);
const MESSAGES_MAX: u64 = 16_000;
/// Without a new order for so long nothing more comes.
const QUIET: Nanos = Nanos(2_000_000);
/// Longest wait for a logon.
const PATIENCE: Nanos = Nanos(10_000_000_000);
/// Bytes of an order as the gateway sends it.
const ORDER: [u8; 50] = [b'x'; 50];
/// Where the engine counts what is compared here.
const LATENCY: &str = "gateway:ouch.arrival_to_send";

/// Edges that a ring is chosen for.
pub(super) const EDGES: [(&str, &str); 4] =
    [("strategy", "risk"), ("risk", "gateway"), ("gateway", "risk"), ("risk", "strategy")];

/// One datagram on its way.
struct Event {
    due: Nanos,
    asks: bool,
    datagram: Datagram,
}

/// The near end of the line.
struct Timed(rtrb::Consumer<Event>);

impl Source for Timed {
    fn recv(&mut self, line: usize, _now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        if line != 0 {
            return None;
        }
        let event = self.0.peek().ok()?;
        let (len, bytes) = &event.datagram;
        let (len, arrival) = (*len, Arrival::Due(event.due));
        buffer.get_mut(..len)?.copy_from_slice(bytes.get(..len)?);
        self.0.pop().ok()?;
        Some(Received::Packet { len, arrival })
    }

    fn lines(&self) -> usize {
        1
    }

    fn request(&mut self, _request: &Request, _attempt: u32) {}
}

/// What a hot thread runs.
enum Work {
    Stages(Vec<Stage>),
    Empty { line: Timed, link: Wire, latency: Histogram },
}

struct Hot {
    work: Work,
    lane: LaneWriter,
    tail: LaneTail,
    clock: Clock,
    wait: Wait,
    core: Option<usize>,
}

impl Hot {
    /// Turns until told to stop.
    fn run(&mut self, stop: &AtomicU64, cores: &[usize]) {
        let placed = match self.core {
            Some(core) => pin::to_core(core),
            None => pin::to_cores(cores),
        };
        if let Err(refusal) = placed {
            eprintln!("a thread is not where it should be: {refusal:?}");
        }
        // ORDERING: Acquire; pairs with the Release of the market's thread, a lone word.
        while stop.load(Ordering::Acquire) == 0 {
            if self.turn() == 0 {
                self.wait.idle();
            }
        }
    }

    fn turn(&mut self) -> usize {
        let Self { work, lane, clock, .. } = self;
        match work {
            Work::Stages(stages) => {
                let mut turn = Turn::new(clock.now(), lane, clock);
                stages.iter_mut().map(|stage| stage.poll(&mut turn)).sum()
            }
            Work::Empty { line, link, latency } => {
                let Ok(event) = line.0.pop() else { return 0 };
                if event.asks {
                    assert_eq!(link.send(&ORDER), SendResult::All, "the venue reads");
                    latency.record(clock.now().saturating_since(event.due).0);
                }
                1
            }
        }
    }
}

/// The venue, where there is a session, or whoever only reads.
enum Far {
    Venue(Box<Venue<FarWire>>),
    Reader { wire: FarWire, bytes: Vec<u8>, sends: u64 },
}

impl Far {
    fn turn(&mut self, now: Nanos) {
        match self {
            Self::Venue(venue) => venue.turn(now),
            Self::Reader { wire, bytes, sends } => {
                wire.recv(bytes);
                *sends += (bytes.len() / ORDER.len()) as u64;
                bytes.clear();
            }
        }
    }

    /// Whether orders can come.
    fn is_live(&self) -> bool {
        match self {
            Self::Venue(venue) => venue.is_live(),
            Self::Reader { .. } => true,
        }
    }

    /// Orders that have come.
    fn orders(&self) -> u64 {
        match self {
            Self::Venue(venue) => venue.orders(),
            Self::Reader { sends, .. } => *sends,
        }
    }
}

/// What all variants share.
pub(super) struct World {
    clock: Clock,
    machine: Machine,
}

impl World {
    pub(super) fn new() -> Self {
        Self { clock: Clock::start(), machine: Machine::probe() }
    }

    /// The variant as this machine hosts it: threads without a core of their own yield.
    pub(super) fn placed(&self, variant: Variant) -> Variant {
        let wait = if self.is_crowded(variant) { Wait::Yield.name() } else { variant.wait };
        Variant { wait, ..variant }
    }

    /// Whether its threads and the market's are more than the cores.
    fn is_crowded(&self, variant: Variant) -> bool {
        let threads = match variant.layout {
            "split4" => 4,
            "split2" => 2,
            _ => 1,
        };
        threads + 1 > self.machine.cores.len()
    }

    /// Every rate of a variant once.
    pub(super) fn round(&self, variant: Variant, rates: &[Rate]) -> Result<Vec<Outcome>, String> {
        // On a thread of its own: what it is pinned to ends with it.
        thread::scope(|scope| {
            let ran = scope.spawn(|| {
                let mut rig = Rig::new(self, variant);
                rig.open();
                // Twice, as a lane holds twice what one rate may write.
                for _ in 0..2 {
                    rig.drive(None, MESSAGES_MAX);
                }
                rates.iter().map(|rate| rig.measure(*rate)).collect()
            });
            ran.join().map_err(|_| format!("{variant:?} has failed: see above"))
        })
    }
}

/// Lets the hot threads go, however the market ends.
struct Stop<'a>(&'a AtomicU64);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        // ORDERING: Release; pairs with the Acquire of the hot threads, a lone word.
        self.0.store(1, Ordering::Release);
    }
}

struct Rig<'w> {
    world: &'w World,
    variant: Variant,
    hot: Vec<Hot>,
    line: rtrb::Producer<Event>,
    far: Far,
    market: Market,
    latency: HistogramReader,
    /// Where the market runs; `None` for wherever there is room.
    core: Option<usize>,
    scratch: Vec<u8>,
}

/// What stands between market and venue.
struct Between {
    /// A thread's work, and where it runs.
    threads: Vec<(Work, Option<usize>, Wait)>,
    far: Far,
    latency: HistogramReader,
}

/// A whole engine.
fn engine(variant: Variant, clock: &Clock, line: Timed) -> Between {
    let (near, far) = ends::wire(clock.clone(), PIECES, ANSWER_BYTES);
    let Built { plan, stages, region } = build(
        (&config(variant), INSTRUMENTS),
        clock,
        Box::new(line),
        AnyLink::Other(Box::new(near)),
    );
    let places = plan.threads.iter().map(|thread| (thread.core, thread.wait));
    let work = stages.into_iter().map(Work::Stages);
    Between {
        threads: work.zip(places).map(|(work, (core, wait))| (work, core, wait)).collect(),
        far: Far::Venue(Box::new(Venue::new(far, clock.now()))),
        latency: reader(&region),
    }
}

/// A loop that takes and sends.
fn empty(clock: &Clock, line: Timed, core: Option<usize>) -> Between {
    let (link, far) = ends::wire(clock.clone(), PIECES, ANSWER_BYTES);
    let mut builder = RegionBuilder::new(1, clock.now());
    builder.thread(EMPTY);
    let key = builder.histogram(LATENCY, "ns", 60_000_000_000, 3);
    let region = builder.create_in_memory().expect("the list is sound");
    let latency = region.histogram(key).expect("listed");
    Between {
        threads: vec![(Work::Empty { line, link, latency }, core, Wait::SpinHint)],
        far: Far::Reader { wire: far, bytes: Vec::new(), sends: 0 },
        latency: reader(&region),
    }
}

fn reader(region: &Region) -> HistogramReader {
    region.reader().and_then(|reader| reader.histogram(LATENCY)).expect("listed")
}

impl<'w> Rig<'w> {
    fn new(world: &'w World, variant: Variant) -> Self {
        let (clock, cores) = (&world.clock, &world.machine.cores);
        let (line, events) = rtrb::RingBuffer::new(LINE);
        let is_crowded = world.is_crowded(variant);
        let Between { threads, far, latency } = if variant.layout == EMPTY {
            empty(clock, Timed(events), cores.last().copied())
        } else {
            engine(variant, clock, Timed(events))
        };
        let threads = threads.into_iter().enumerate().map(|(at, (work, core, wait))| {
            let (lane, tail) = LaneWriter::in_memory(lane_of(at));
            let core = core.filter(|_| !is_crowded);
            let wait = if is_crowded { Wait::Yield } else { wait };
            Hot { work, lane, tail, clock: clock.clone(), wait, core }
        });
        let hot: Vec<Hot> = threads.collect();
        let is_free = |core: &usize| hot.iter().all(|hot| hot.core != Some(*core));
        let core = cores.iter().copied().find(is_free).filter(|_| !is_crowded);
        let (market, scratch) = (Market::new(), Vec::new());
        Self { world, variant, hot, line, far, market, latency, core, scratch }
    }

    /// Logs on, and gives the book two sides.
    fn open(&mut self) {
        let opening = self.market.opening();
        self.with_threads(|rig| {
            let begin = rig.now();
            while !rig.far.is_live() {
                rig.idle();
                assert!(rig.now().saturating_since(begin) < PATIENCE, "no logon");
            }
            rig.settle();
            for datagram in opening {
                rig.push(Event { due: rig.now(), asks: false, datagram });
                rig.settle();
            }
        });
    }

    fn now(&self) -> Nanos {
        self.world.clock.now()
    }

    /// Runs the threads beside `act`, then empties the lanes.
    fn with_threads<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> R {
        let world = self.world;
        let cores = &world.machine.cores;
        let placed = self.core.map_or_else(|| pin::to_cores(cores), pin::to_core);
        if let Err(refusal) = placed {
            eprintln!("the market is not where it should be: {refusal:?}");
        }
        let stop = AtomicU64::new(0);
        let mut hot = std::mem::take(&mut self.hot);
        let acted = thread::scope(|scope| {
            let stop = &stop;
            for hot in &mut hot {
                scope.spawn(move || hot.run(stop, cores));
            }
            let _stop = Stop(stop);
            act(self)
        });
        for hot in &mut hot {
            while let Ok(Some(_)) = hot.tail.take(&mut self.scratch) {}
        }
        self.hot = hot;
        acted
    }

    /// Puts a message on the line, waiting for room.
    fn push(&mut self, event: Event) {
        let mut waiting = Some(event);
        while let Some(event) = waiting.take() {
            if let Err(rtrb::PushError::Full(event)) = self.line.push(event) {
                waiting = Some(event);
                self.idle();
            }
        }
    }

    /// What the market's thread does while nothing is due.
    fn idle(&mut self) {
        self.far.turn(self.now());
        if self.core.is_none() {
            thread::yield_now();
        }
    }

    /// Until no order has come for a while.
    fn settle(&mut self) {
        let mut since = self.now();
        let mut orders = self.far.orders();
        while self.now().saturating_since(since) < QUIET || self.line.slots() < LINE {
            self.idle();
            let sent = self.far.orders();
            if sent != orders {
                (orders, since) = (sent, self.now());
            }
        }
    }

    /// So many messages at a rate; how many were taken a second, and how many asked for an order.
    fn drive(&mut self, rate: Rate, messages: u64) -> (f64, u64) {
        self.with_threads(|rig| {
            rig.settle();
            let begin = rig.now();
            let mut asked = 0;
            for number in 0..messages {
                let after = rate.map(|rate| number.saturating_mul(1_000_000_000) / rate.max(1));
                let due = after.map(|after| Nanos(begin.0 + after));
                while due.is_some_and(|due| rig.now() < due) {
                    rig.idle();
                }
                let asks = number.is_multiple_of(ASKS_EVERY);
                asked += u64::from(asks);
                let datagram = if asks { rig.market.next_move() } else { rig.market.next_deep() };
                rig.push(Event { due: due.unwrap_or(rig.now()), asks, datagram });
                if number.is_multiple_of(32) {
                    rig.far.turn(rig.now());
                }
            }
            while rig.line.slots() < LINE {
                rig.idle();
            }
            let took = rig.now().saturating_since(begin).0.max(1);
            rig.settle();
            (messages as f64 * 1e9 / took as f64, asked)
        })
    }

    /// One rate, counted.
    fn measure(&mut self, rate: Rate) -> Outcome {
        let fits = rate.map_or(MESSAGES_MAX, |rate| rate.saturating_mul(LENGTH.0) / 1_000_000_000);
        let before = self.latency.snapshot();
        let (taken, asked) = self.drive(rate, fits.clamp(ASKS_EVERY, MESSAGES_MAX));
        let after = self.latency.snapshot();
        let latency = after.since(&before).unwrap_or_else(|| Snapshot::empty(*after.layout()));
        let mut p50 = Figure::new("compare_p50_ns", "ns");
        p50.values.extend(latency.value_at(500_000).map(|value| value as f64));
        let mut per_second = Figure::new("compare_taken", "1/s");
        per_second.values.push(taken);
        Outcome {
            variant: self.variant,
            rate,
            is_crowded: self.world.is_crowded(self.variant),
            latency,
            p50,
            taken: per_second,
            asked,
        }
    }
}

/// The configuration of a variant.
fn config(variant: Variant) -> String {
    let layout = if variant.layout == EMPTY { "fused" } else { variant.layout };
    let links = EDGES.map(|(from, to)| {
        format!("\n[[link]]\nfrom = \"{from}\"\nto = \"{to}\"\nring = \"{}\"\n", variant.ring)
    });
    CONFIG
        .replace("layout = \"fused\"", &format!("layout = \"{layout}\""))
        .replace("wait = \"spin\"", &format!("wait = \"{}\"", variant.wait))
        + &links.concat()
}
