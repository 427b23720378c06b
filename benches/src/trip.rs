//! A whole engine on one thread and without a socket: feed, strategy, risk and gateway as a start
//! puts them together, datagrams handed in, orders heard by a venue in memory.
//!
//! ```text
//! one ITCH message ─► feed ─► probe ─► risk ─► gateway ─► one OUCH order ─► venue
//!                                                  ▲                          │
//!                                                  └── accepted, and ended ───┘   untimed
//! ```

use std::time::{Duration, Instant};

use engine::clock::Clock;
use engine::config::machine::Machine;
use engine::config::topology::plan;
use engine::config::{Sources, StageId};
use engine::link::Output;
use engine::pipeline::assemble::{Assembly, LiveEnds, Sheet, World};
use engine::pipeline::opening::Opening;
use engine::stage::feed::{Arrival, Received, Source};
use engine::stage::gateway::{AnyLink, Dial};
use engine::stage::{Stage, Turn};
use feed::codec::itch50::{
    AddOrder, Body, Head, MESSAGE_BYTES_MAX, OrderDelete, Price4, StockDirectory, TradingAction,
    encode,
};
use feed::instruments::Instruments;
use feed::moldudp64::{PacketBuilder, Request, Session};
use gateway::link::{MemoryLink, pair};
use gateway::session::soupbintcp::Credentials;
use shm::counters::CounterReader;
use shm::gates::{Gates, Shape};
use shm::ids::{InstrumentId, Symbol};
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::message::{Command, CommandOp, Kind};
use shm::region::RegionBuilder;
use shm::units::Nanos;
use zerocopy::{FromZeros as _, Immutable, IntoBytes};

use self::venue::Venue;

mod venue;

const CONFIG: &str = include_str!("trip/config.toml");
const INSTRUMENTS: &str = include_str!("trip/instruments.csv");

/// Longest datagram handed in.
const DATAGRAM_BYTES: usize = 128;
/// Turns within which a message must have become an order.
const TURNS_MAX: u32 = 8;

/// One datagram on its way to the feed stage.
type Datagram = (usize, [u8; DATAGRAM_BYTES]);

/// The feed's only line.
struct Line(rtrb::Consumer<Datagram>);

impl Source for Line {
    fn recv(&mut self, line: usize, _now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        if line != 0 {
            return None;
        }
        let (length, bytes) = self.0.pop().ok()?;
        buffer.get_mut(..length)?.copy_from_slice(&bytes[..length]);
        Some(Received::Packet { len: length, arrival: Arrival::Read })
    }

    fn lines(&self) -> usize {
        1
    }

    fn request(&mut self, _request: &Request, _attempt: u32) {}
}

/// What the engine is given of the world, and the other ends of it: datagrams, the venue's link.
fn ends(
    instruments: usize,
    archive_failed: CounterReader,
) -> (rtrb::Producer<Datagram>, MemoryLink, LiveEnds) {
    let (line, datagrams) = rtrb::RingBuffer::new(4);
    let (theirs, ours) = pair(1 << 16, 1 << 12);
    let (mut links, dialed) = rtrb::RingBuffer::new(1);
    assert!(links.push(AnyLink::Memory(theirs)).is_ok(), "an empty ring has room");
    let shape = Shape { gateways: 1, accounts: 1, strategies: 2, instruments, names_hash: 0 };
    let (gates, _) = Gates::in_memory(shape).expect("a small shape");
    let ends = LiveEnds {
        sources: vec![Some(Box::new(Line(datagrams)))],
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
    };
    (line, ours, ends)
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

/// The engine, and both ends of its world.
pub struct Rig {
    stages: Vec<Stage>,
    lane: LaneWriter,
    tail: LaneTail,
    clock: Clock,
    line: rtrb::Producer<Datagram>,
    venue: Venue,
    next_seq: u64,
    /// The order whose coming and going moves the top; 0 when it is not there.
    mover: u64,
    scratch: Vec<u8>,
    trips: u64,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// Puts it together, logs it on, and gives it a book.
    pub fn new() -> Self {
        let loaded = Sources::text("trip.toml", CONFIG).load().expect("the configuration is sound");
        let instruments =
            Instruments::parse("instruments.csv", INSTRUMENTS).expect("the instruments are sound");
        let bound = loaded.bind(&instruments).expect("they fit");
        let plan = plan(&loaded, &Machine::probe()).expect("it names no core");
        let clock = Clock::start();
        let mut builder = RegionBuilder::new(1, clock.now());
        let mut sheet = Sheet::new(&loaded.config);
        builder.thread("hot");
        for stage in &plan.threads[0].stages {
            sheet.list(*stage, &loaded.config, instruments.len(), &mut builder);
        }
        builder.counter("archive.failed", "flag");
        let region = builder.create_in_memory().expect("the list is sound");
        let archive_failed =
            region.reader().and_then(|reader| reader.counter("archive.failed")).expect("listed");
        let (line, ours, ends) = ends(instruments.len(), archive_failed);
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
            assembly.build(&clock, &region, sheet, World::Live(ends)).expect("it fits together");
        let mut threads = pipeline.threads;
        measure_clock(pipeline.commands, clock.now());
        let stages = threads.pop().expect("one thread");
        let spec =
            LaneSpec { lane: 1, epoch: 1, segment_bytes: 1 << 22, segments: 4, layout_hash: 0 };
        let (lane, tail) = LaneWriter::in_memory(spec);
        let venue = Venue::new(ours);
        let mut rig = Self {
            stages,
            lane,
            tail,
            clock,
            line,
            venue,
            next_seq: 1,
            mover: 0,
            scratch: Vec::new(),
            trips: 0,
        };
        rig.open();
        rig
    }

    /// Logs on, and gives the book two sides.
    fn open(&mut self) {
        for _ in 0..100 {
            self.turn();
            self.venue.turn(self.clock.now());
        }
        assert!(self.venue.is_live(), "the gateway does not log on");
        let mut directory = StockDirectory::new_zeroed();
        directory.head = Head::of::<StockDirectory>(1, 0, 1);
        directory.stock = SYMBOL;
        self.message(&directory);
        let mut trading = TradingAction::new_zeroed();
        trading.head = Head::of::<TradingAction>(1, 0, 2);
        (trading.stock, trading.state) = (SYMBOL, b'T');
        self.message(&trading);
        for (side, px) in [(b'B', 10_000), (b'S', 10_100)] {
            self.add(side, px);
            self.settle();
        }
    }

    /// Does what follows a message until nothing moves, the venue included; how many orders came of
    /// it.
    fn settle(&mut self) -> u64 {
        let before = self.venue.orders();
        for _ in 0..TURNS_MAX {
            self.turn();
            self.venue.turn(self.clock.now());
        }
        while let Ok(Some(_)) = self.tail.take(&mut self.scratch) {}
        self.venue.orders() - before
    }

    /// One message that moves the top, timed until the order it causes is at the venue's door.
    ///
    /// # Panics
    /// When no order comes of it, or more than one.
    pub fn trip(&mut self) -> Duration {
        self.wait_for_rate();
        if self.mover == 0 {
            self.mover = self.add(b'B', 10_001);
        } else {
            let order_ref = std::mem::take(&mut self.mover);
            let head = Head::of::<OrderDelete>(1, 0, self.next_seq);
            self.message(&OrderDelete { head, order_ref: order_ref.into() });
        }
        let before = self.venue.bytes_waiting();
        let mut took = Duration::ZERO;
        let mut turns = 0;
        while self.venue.bytes_waiting() == before {
            let begin = Instant::now();
            self.turn();
            took += begin.elapsed();
            turns += 1;
            assert!(turns < TURNS_MAX, "trip {}: no order", self.trips);
        }
        self.trips += 1;
        assert_eq!(self.settle(), 1, "trip {}", self.trips);
        took
    }

    /// The venue's message rate is a million a second at most, which is one a microsecond.
    fn wait_for_rate(&self) {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_micros(2) {}
    }

    fn turn(&mut self) {
        let now = self.clock.now();
        let mut turn = Turn { now, lane: &mut self.lane, clock: &self.clock };
        for stage in &mut self.stages {
            stage.poll(&mut turn);
        }
    }

    /// Hands an order of the market in; its number.
    fn add(&mut self, side: u8, px_cents: u32) -> u64 {
        let order_ref = self.next_seq;
        self.message(&AddOrder {
            head: Head::of::<AddOrder>(1, 0, self.next_seq),
            order_ref: order_ref.into(),
            side,
            shares: 100.into(),
            stock: SYMBOL,
            px: Price4::new(px_cents * 100),
        });
        order_ref
    }

    fn message<M: Body + IntoBytes + Immutable>(&mut self, message: &M) {
        let mut body = [0; MESSAGE_BYTES_MAX];
        let length = encode(message, &mut body).expect("room for the longest message");
        let mut datagram = [0; DATAGRAM_BYTES];
        let session = Session::new("TRIP000001").expect("ten characters");
        let mut packet =
            PacketBuilder::new(&mut datagram, session, self.next_seq).expect("room for a header");
        assert!(packet.try_push(&body[..length]), "room for one message");
        let length = packet.finish();
        self.next_seq += 1;
        assert!(self.line.push((length, datagram)).is_ok(), "the feed keeps up");
        self.scratch.clear();
    }
}

const SYMBOL: Symbol = Symbol(*b"AAPL    ");

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the bench does what it says: each message becomes one order, for as long as asked.
    // Method: trips, the first that does not fails.
    #[test]
    fn every_message_becomes_one_order() {
        let mut rig = Rig::new();
        let before = rig.venue.orders();
        let total: Duration = (0..1_000).map(|_| rig.trip()).sum();
        assert!(total > Duration::ZERO);
        assert_eq!(rig.venue.orders(), 1_000 + before);
    }
}
