//! A whole engine on one thread and without a socket: feed, strategy, risk and gateway as a start
//! puts them together, datagrams handed in, orders heard by a venue in memory.
//!
//! ```text
//! one ITCH message ─► feed ─► probe ─► risk ─► gateway ─► one OUCH order ─► venue
//!                                                  ▲                          │
//!                                                  └── accepted, and ended ───┘   untimed
//! ```

use engine::clock::Clock;
use engine::stage::feed::Source;
use engine::stage::gateway::AnyLink;
use shm::units::Nanos;

use self::ends::{Datagram, FarWire, Line};
use self::market::Market;
pub use self::shape::Shape;
use self::stages::Engine;
use self::venue::Venue;

pub(crate) mod ends;
pub(crate) mod market;
mod quiet;
mod shape;
mod sockets;
pub(crate) mod stages;
pub(crate) mod venue;
pub mod wire;

/// Turns within which a message must have become an order.
const TURNS_MAX: u32 = 8;
/// Orders of others that come between two looks at the venue.
const FILLED: u32 = 1_000;
/// The venue's message rate is a million a second at most, which is one a microsecond.
const PAUSE: Nanos = Nanos(2_000);

/// One trip.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trip {
    /// From the begin of the turn that found the datagram to the order's bytes in their buffer, ns.
    pub to_bytes: u64,
    /// To the end of that turn: the record of the send, meters, what is looked at besides, ns.
    pub turn: u64,
    /// Time spent waiting for the trip, ns, and the part of it that the machine took: readings of
    /// the clock further apart than [`GAP_NS`].
    pub waited: u64,
    /// Gaps in that time.
    pub gaps: u32,
    /// Their length, ns.
    pub gaps_ns: u64,
}

/// Two readings of the clock, one after the other, that are further apart were interrupted.
pub const GAP_NS: u64 = 200;

/// The engine, and both ends of its world.
pub struct Rig {
    engine: Engine,
    line: rtrb::Producer<Datagram>,
    venue: Venue<FarWire>,
    market: Market,
    trips: u64,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// Puts it together, logs it on, and gives it a book.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn new() -> Self {
        Self::shaped(&Shape::ONE)
    }

    /// The same in a world of another size, its books filled.
    ///
    /// # Panics
    /// As [`Rig::new`].
    #[must_use]
    pub fn shaped(shape: &Shape) -> Self {
        let engine = |clock, source, link| Engine::shaped(shape, clock, source, link);
        let mut rig = Self::of(shape, engine);
        for at in 0..shape.book_orders {
            let datagram = rig.market.next_resting();
            rig.hand_in(datagram);
            rig.engine.turn();
            if at % FILLED == 0 {
                rig.settle();
            }
        }
        rig.settle();
        rig
    }

    /// The same without stamps: the clock is read once a turn, and what stamps cost is the
    /// difference.
    ///
    /// # Panics
    /// As [`Rig::new`].
    #[must_use]
    pub fn unstamped() -> Self {
        Self::of(&Shape::ONE, Engine::unstamped)
    }

    fn of(shape: &Shape, engine: impl FnOnce(Clock, Box<dyn Source>, AnyLink) -> Engine) -> Self {
        let clock = Clock::start();
        let (line, datagrams) = rtrb::RingBuffer::new(4);
        let (near, far) = ends::wire(clock.clone(), ends::PIECES, ends::ANSWER_BYTES);
        let source = Box::new(Line(datagrams));
        let engine = engine(clock, source, AnyLink::Other(Box::new(near)));
        let venue = Venue::new(far, engine.now());
        let symbols = shape.symbols as usize;
        let market = Market::of(symbols, symbols - usize::from(shape.refused));
        let mut rig = Self { engine, line, venue, market, trips: 0 };
        rig.open();
        rig
    }

    /// Logs on, and gives the book two sides.
    fn open(&mut self) {
        for _ in 0..100 {
            self.engine.turn();
            self.venue.turn(self.engine.now());
        }
        assert!(self.venue.is_live(), "the gateway does not log on");
        for datagram in self.market.opening() {
            self.hand_in(datagram);
            self.settle();
        }
    }

    fn hand_in(&mut self, datagram: Datagram) {
        assert!(self.line.push(datagram).is_ok(), "the feed keeps up");
    }

    /// Does what follows a message until nothing moves, the venue included; how many orders came of
    /// it.
    fn settle(&mut self) -> u64 {
        let before = self.venue.orders();
        for _ in 0..TURNS_MAX {
            self.engine.turn();
            self.venue.turn(self.engine.now());
        }
        self.engine.archive();
        self.venue.orders() - before
    }

    /// One message that moves the top, timed until the order it causes is in the venue's buffer.
    ///
    /// # Panics
    /// When no order comes of it, or more than one.
    pub fn trip(&mut self) -> Trip {
        let datagram = self.market.next_move();
        let mut trip = Trip::default();
        self.wait(&mut trip);
        self.hand_in(datagram);
        let began = self.turns_to_bytes();
        trip.turn = self.engine.now().saturating_since(began).0;
        let sent = self.venue.wire().waiting_since().unwrap_or(began);
        trip.to_bytes = sent.saturating_since(began).0;
        self.trips += 1;
        assert_eq!(self.settle(), 1, "trip {}", self.trips);
        trip
    }

    /// As [`Rig::trip`], for a counter of instructions: what is counted is in `measured` alone.
    ///
    /// # Panics
    /// As [`Rig::trip`].
    pub fn trip_in(&mut self, measured: impl FnOnce(&mut Self)) {
        let datagram = self.market.next_move();
        self.wait(&mut Trip::default());
        self.hand_in(datagram);
        measured(self);
        self.trips += 1;
        assert_eq!(self.settle(), 1, "trip {}", self.trips);
    }

    /// Turns until an order lies in the venue's buffer; when the first of them began.
    ///
    /// # Panics
    /// When none comes.
    #[inline(always)]
    pub fn turns_to_bytes(&mut self) -> Nanos {
        let began = self.engine.turn();
        for _ in 0..TURNS_MAX {
            if self.venue.wire().waiting_since().is_some() {
                return began;
            }
            self.engine.turn();
        }
        panic!("trip {}: no order", self.trips)
    }

    /// Waits as long as the venue's message rate asks for, and notes what the machine takes of it.
    fn wait(&self, trip: &mut Trip) {
        let begin = self.engine.now();
        let mut last = begin;
        while last.saturating_since(begin) < PAUSE {
            let now = self.engine.now();
            let apart = now.saturating_since(last).0;
            if apart > GAP_NS {
                trip.gaps += 1;
                trip.gaps_ns += apart;
            }
            last = now;
        }
        trip.waited = last.saturating_since(begin).0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: whatever grows, each message becomes one order, of the strategy whose instrument it is.
    // Method: trips in worlds a little larger, the first that does not fails.
    #[test]
    fn every_message_becomes_one_order_in_larger_worlds() {
        for world in ["symbols=3", "strategies=3", "live=50", "scopes=2"] {
            let mut rig = Rig::shaped(&Shape::parse(world).unwrap());
            let before = rig.venue.orders();
            (0..100).for_each(|_| {
                rig.trip();
            });
            assert_eq!(rig.venue.orders(), 100 + before, "{world}");
        }
    }

    // Goal: the bench does what it says: each message becomes one order, for as long as asked, with
    // stamps and without. Method: trips, the first that does not fails.
    #[test]
    fn every_message_becomes_one_order() {
        for mut rig in [Rig::new(), Rig::unstamped()] {
            let before = rig.venue.orders();
            for _ in 0..1_000 {
                let trip = rig.trip();
                assert!(trip.to_bytes > 0 && trip.to_bytes <= trip.turn, "{trip:?}");
                assert!(trip.waited >= PAUSE.0, "{trip:?}");
            }
            assert_eq!(rig.venue.orders(), 1_000 + before);
        }
    }
}
