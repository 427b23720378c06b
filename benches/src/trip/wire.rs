//! Wire to wire: a datagram leaves one socket, an order comes in on another, and between them is
//! either the whole engine or a loop that receives and sends and does nothing else, by turns.
//!
//! ```text
//! peer ── UDP, ITCH ──► engine, or bare loop ── TCP, OUCH ──► peer       (a core each, spinning)
//!   └── one clock: before the datagram goes out, once the order's bytes are in ──┘
//! ```

use std::thread;
use std::time::{Duration, Instant};

use engine::clock::Clock;
use engine::pin;
use engine::stage::feed::{Received, Source as _};
use engine::stage::gateway::AnyLink;
use gateway::link::{Link as _, SendResult};
use shm::atomic::{AtomicU64, Ordering};
use shm::units::Nanos;

use super::market::Market;
use super::sockets::{self, Far, Near};
use super::stages::Engine;
use super::venue::Venue;

/// What stands between the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Between {
    /// The engine, everything on.
    Engine = 1,
    /// Receive, send.
    Bare = 2,
}

/// The thread in between is to leave.
const STOP: u64 = 3;
/// Time between two trips, for what follows an order.
const PAUSE: Nanos = Nanos(30_000);
/// A trip that takes longer is none.
const TRIP_MAX: Nanos = Nanos(10_000_000_000);
/// Longest wait for the engine to be ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// Without an order for so long nothing more comes of what was sent.
const QUIET: Duration = Duration::from_millis(50);
/// Bytes of an order as the gateway sends it: 2 of length, 1 of type, 47 of OUCH.
const ORDER_BYTES: usize = 50;
/// Turns between two visits of the archive.
const ARCHIVE_EVERY: u32 = 64;

/// Which is in between, and which was told to be.
struct Told {
    wanted: AtomicU64,
    is: AtomicU64,
}

impl Told {
    fn get(&self) -> u64 {
        // ORDERING: Acquire; pairs with the Release in `tell`, a lone word.
        self.wanted.load(Ordering::Acquire)
    }

    /// Tells, and waits until it is so.
    fn tell(&self, between: Between) {
        // ORDERING: Release; pairs with the Acquire in `get`.
        self.wanted.store(between as u64, Ordering::Release);
        let begin = Instant::now();
        // ORDERING: Acquire; pairs with the Release in `run`.
        while self.is.load(Ordering::Acquire) != between as u64 {
            assert!(begin.elapsed() < Duration::from_secs(10), "the other thread does not answer");
            thread::yield_now();
        }
    }
}

/// Lets the thread in between go, however the other one ends.
struct Leave<'a>(&'a Told);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        // ORDERING: Release; as in `tell`.
        self.0.wanted.store(STOP, Ordering::Release);
    }
}

/// The peer's side of it.
pub struct Peer<'a> {
    venue: Venue<Far>,
    market: Market,
    clock: Clock,
    told: &'a Told,
    /// What is sent while the bare loop stands between: of the length of a real datagram.
    filler: Vec<u8>,
}

/// Runs `measure` with a peer on the second core this process may use, the engine and the bare loop
/// on the first.
///
/// # Errors
/// One sentence: there is one core only, or a socket cannot be opened.
pub fn with_peer<R: Send>(measure: impl FnOnce(&mut Peer<'_>) -> R + Send) -> Result<R, String> {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return Err("wire to wire wants two cores, one for each side".to_owned());
    }
    let clock = Clock::start();
    let (near, far) = sockets::open().map_err(|error| format!("no sockets: {error}"))?;
    let told = Told { wanted: AtomicU64::new(Between::Engine as u64), is: AtomicU64::new(0) };
    let (told, near_clock) = (&told, clock.clone());
    thread::scope(|scope| {
        scope.spawn(move || between(near, near_clock, told));
        let peer = scope.spawn(move || {
            let _leave = Leave(told);
            pinned(1);
            let venue = Venue::new(far, clock.now());
            let mut peer = Peer { venue, market: Market::new(), clock, told, filler: Vec::new() };
            peer.open();
            measure(&mut peer)
        });
        peer.join().map_err(|_| "the peer has failed: see above".to_owned())
    })
}

/// Pins the calling thread; where that is refused the figures show it.
fn pinned(core: usize) {
    if let Err(refusal) = pin::to_core(core) {
        println!("core {core} was refused: {refusal:?}");
    }
}

/// The thread in between.
fn between(near: Near, clock: Clock, told: &Told) {
    pinned(0);
    let Near { mut source, links: [link, mut bare] } = near;
    let mut engine = Engine::new(clock, Box::new(source.clone()), AnyLink::Tcp(link));
    let mut buffer = [0; 2_048];
    let order = [b'x'; ORDER_BYTES];
    let mut turns = 0_u32;
    loop {
        let wanted = told.get();
        // ORDERING: Release; pairs with the Acquire in `tell`: the turn before is over.
        told.is.store(wanted, Ordering::Release);
        if wanted == Between::Engine as u64 {
            engine.turn();
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(ARCHIVE_EVERY) {
                engine.archive();
            }
        } else if wanted == Between::Bare as u64 {
            if let Some(Received::Packet { .. }) = source.recv(0, Nanos(0), &mut buffer) {
                let sent = bare.send(&order);
                assert_eq!(sent, SendResult::All, "the peer reads");
            }
        } else {
            return;
        }
    }
}

impl Peer<'_> {
    fn open(&mut self) {
        let begin = Instant::now();
        while !self.venue.is_live() {
            self.venue.turn(self.clock.now());
            assert!(begin.elapsed() < PATIENCE, "the gateway does not log on");
        }
        self.settle();
        for (len, datagram) in self.market.opening() {
            self.filler = datagram[..len].to_vec();
            self.venue.wire().publish(&datagram[..len]);
            self.settle();
        }
        // Orders come once the venue's stream is whole and risk has heard of it; what the first
        // quotes make the strategy do is over before anything is timed.
        while self.venue.orders() == 0 {
            let (len, datagram) = self.market.next_move();
            self.venue.wire().publish(&datagram[..len]);
            self.quiet();
            assert!(begin.elapsed() < PATIENCE, "no order comes");
        }
    }

    /// Until no order has come for a while.
    fn quiet(&mut self) {
        let (mut orders, mut since) = (self.venue.orders(), Instant::now());
        while since.elapsed() < QUIET {
            self.settle();
            if self.venue.orders() != orders {
                (orders, since) = (self.venue.orders(), Instant::now());
            }
        }
    }

    /// What follows an order: the venue's answer, on its way and taken.
    fn settle(&mut self) {
        let begin = self.clock.now();
        while self.clock.now().saturating_since(begin) < PAUSE {
            self.venue.turn(self.clock.now());
        }
    }

    /// Puts the one or the other between the sockets.
    pub fn put(&mut self, between: Between) {
        self.settle();
        self.told.tell(between);
    }

    /// One datagram to one order, ns.
    ///
    /// # Panics
    /// When no order comes within ten seconds.
    pub fn trip(&mut self, between: Between) -> u64 {
        let (len, bytes) = match between {
            Between::Engine => self.market.next_move(),
            Between::Bare => {
                let mut bytes = [0; super::ends::DATAGRAM_BYTES];
                bytes[..self.filler.len()].copy_from_slice(&self.filler);
                (self.filler.len(), bytes)
            }
        };
        let far = self.venue.wire();
        let begin = self.clock.now();
        far.publish(&bytes[..len]);
        while far.look() < ORDER_BYTES {
            let took = self.clock.now().saturating_since(begin);
            assert!(took < TRIP_MAX, "no order after {} ns, {between:?}", took.0);
        }
        let took = self.clock.now().saturating_since(begin).0;
        match between {
            Between::Engine => self.settle(),
            Between::Bare => {
                far.forget();
                while self.clock.now().saturating_since(begin).0 < took + PAUSE.0 {}
            }
        }
        took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: over sockets as well each message becomes one order, and the bare loop answers, by
    // turns. Method: a few trips of each; the first that does not fails. On one core there is
    // nothing to see.
    #[test]
    fn both_loops_answer_by_turns() {
        if thread::available_parallelism().map_or(1, usize::from) < 2 {
            return;
        }
        let orders = with_peer(|peer| {
            for between in [Between::Engine, Between::Bare, Between::Engine] {
                peer.put(between);
                for _ in 0..20 {
                    assert!(peer.trip(between) > 0);
                }
            }
            peer.settle();
            peer.venue.orders()
        });
        let orders = orders.expect("two cores, and sockets of the loopback");
        assert!(orders >= 40, "{orders} orders");
    }
}
