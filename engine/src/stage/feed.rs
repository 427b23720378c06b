//! The feed stage: datagrams of one feed in, changes of tops, prints and states out.
//!
//! It has no primary port: `RxFeed`, `Tick` and `LinkRoom` in the order written are its whole
//! input. A datagram that can change anything is in the lane before it is applied.

mod out;

use super::book_check::BookCheck;
use super::market_link::MarketLink;
use super::{Progress, Recorded, Turn};
use crate::clock::Clock;
use crate::telemetry::FeedMeters;
use ::feed::book::ItchBooks;
use ::feed::moldudp64::{
    Action, Delivery, Event, Packet, PacketKind, RECOVERY_LINE, Receiver, Request, Sink,
};
use out::Out;
use shm::ids::FeedId;
use shm::message::BookTop;
use shm::record::market::RxFeed;
use shm::record::status::{Link, Tick};
use shm::record::{RecordKind, StageId};
use shm::seqlock::CellWriter;
use shm::units::Nanos;
use std::collections::VecDeque;

/// Longest datagram that is read. Feeds keep to an Ethernet frame; longer ones are malformed.
pub const DATAGRAM_BYTES_MAX: usize = 2_048;
/// Datagrams of one line taken in one poll, so that no other stage of the thread waits long.
const BATCH: usize = 4;

/// Where a feed's datagrams come from.
pub trait Source: Send {
    /// Reads the next datagram of `line` (0 A, 1 B, 2 recovery) into `buffer`: its length, and the
    /// kernel's receive stamp on the wall clock where there is one.
    fn recv(&mut self, line: usize, buffer: &mut [u8]) -> Option<(usize, Option<Nanos>)>;
    /// How many lines there are.
    fn lines(&self) -> usize;
    /// Asks the venue for lost messages, server `attempt` modulo the number of servers.
    fn request(&mut self, request: &Request, attempt: u32);
}

/// What a feed stage is made of.
pub struct Setup {
    /// Which stage it is.
    pub id: StageId,
    /// Which feed.
    pub feed: FeedId,
    /// Its datagrams; `None` in a replay.
    pub source: Option<Box<dyn Source>>,
    /// Its sequence.
    pub receiver: Receiver,
    /// Its books.
    pub books: ItchBooks,
    /// Its outputs: strategies, risk.
    pub links: Vec<MarketLink>,
    /// Whether raw datagrams are journalled.
    pub capture: bool,
    /// Meters.
    pub meters: FeedMeters,
    /// By instrument: the latest top, for whoever looks.
    pub cells: Vec<CellWriter<BookTop>>,
    /// Comparison with the exchange's books.
    pub check: Option<BookCheck>,
    /// Records to follow; empty for a live run.
    pub replay: VecDeque<Recorded>,
}

/// One feed.
pub struct FeedStage {
    id: StageId,
    source: Option<Box<dyn Source>>,
    receiver: Receiver,
    out: Out,
    capture: bool,
    replay: VecDeque<Recorded>,
}

impl FeedStage {
    /// Puts the stage together.
    #[must_use]
    pub fn new(setup: Setup, clock: Clock) -> Self {
        let Setup {
            id,
            feed,
            source,
            receiver,
            books,
            links,
            capture,
            meters,
            cells,
            check,
            replay,
        } = setup;
        let out = Out::new(feed, books, links, meters, cells, check, clock);
        Self { id, source, receiver, out, capture, replay }
    }

    /// The books, for tests and reports.
    #[must_use]
    pub fn books(&self) -> &ItchBooks {
        self.out.books()
    }

    /// One live turn.
    pub fn poll(&mut self, turn: &mut Turn<'_>) -> usize {
        self.flush(turn);
        let lines = self.source.as_ref().map_or(0, |source| source.lines());
        let mut work = 0;
        for line in 0..lines {
            for _ in 0..BATCH {
                if !self.receive(line, turn) {
                    break;
                }
                work += 1;
            }
        }
        self.tick(turn);
        self.out.compare();
        work
    }

    /// Reads and applies one datagram of a line.
    fn receive(&mut self, line: usize, turn: &mut Turn<'_>) -> bool {
        // Below two free segments the lane is for orders: the datagram is applied, not captured.
        let captured = self.capture && turn.lane.free_segments() >= 1 && turn.has_room();
        if captured { self.receive_captured(line, turn) } else { self.receive_plain(line, turn) }
    }

    fn receive_captured(&mut self, line: usize, turn: &mut Turn<'_>) -> bool {
        let Some(source) = &mut self.source else { return false };
        let Ok(mut claim) = turn.lane.claim(RxFeed::BYTES, DATAGRAM_BYTES_MAX) else {
            return false;
        };
        let Some((len, stamp)) = source.recv(line, claim.payload_mut()) else { return false };
        let read = turn.clock.now();
        let t0 = self.out.arrival(stamp, read);
        let bytes = claim.payload_mut().get(..len).unwrap_or_default();
        let old = is_old(bytes, &self.receiver);
        if old {
            let outcome =
                self.receiver.on_packet(mold_line(line), bytes, t0, read, self.out.at(t0, read));
            self.out.count(len, outcome.changed());
            if !outcome.changed() {
                return true;
            }
        }
        let rx = RxFeed {
            t0,
            feed_seq: self.receiver.expected(),
            d_read: read.after(t0),
            len: len as u32,
            feed: self.id.index(),
            line: line as u8,
            ..RxFeed::default()
        };
        let kind = RecordKind::RxFeed as u16;
        let Ok(place) = claim.commit(kind, self.id.0, 0, read, rx.bytes(), len) else {
            return true;
        };
        if !old {
            let body = turn.lane.body(place).and_then(|body| body.get(RxFeed::BYTES..));
            let bytes = body.unwrap_or_default();
            let outcome =
                self.receiver.on_packet(mold_line(line), bytes, t0, read, self.out.at(t0, read));
            self.out.count(len, outcome.changed());
        }
        self.after_input(read, t0, turn);
        true
    }

    /// Without a place in the lane: the datagram is read into a buffer of its own.
    fn receive_plain(&mut self, line: usize, turn: &mut Turn<'_>) -> bool {
        let Some(source) = &mut self.source else { return false };
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        let Some((len, stamp)) = source.recv(line, &mut buffer) else { return false };
        let read = turn.clock.now();
        let t0 = self.out.arrival(stamp, read);
        let bytes = buffer.get(..len).unwrap_or_default();
        if self.capture {
            self.out.meters().capture_gaps.add(1);
        }
        let outcome =
            self.receiver.on_packet(mold_line(line), bytes, t0, read, self.out.at(t0, read));
        self.out.count(len, outcome.changed());
        self.after_input(read, t0, turn);
        true
    }

    /// What follows every input: status, and the records of links that became full.
    fn after_input(&mut self, now: Nanos, t0: Nanos, turn: &mut Turn<'_>) {
        self.out.status(&self.receiver, t0, now);
        while let Some(full) = self.out.take_full() {
            turn.write(RecordKind::LinkFull, self.id, 0, now, full.bytes());
        }
    }

    /// Lets time act: requests, gaps given up, silence. Written when it did.
    fn tick(&mut self, turn: &mut Turn<'_>) {
        let mut events = Events::default();
        let action = self.receiver.poll(turn.now, &mut events);
        if matches!(action, Action::None) && events.count == 0 {
            return;
        }
        turn.write(RecordKind::Tick, self.id, 0, turn.now, Tick::default().bytes());
        if let (Action::Request { request, attempt }, Some(source)) = (action, &mut self.source) {
            source.request(&request, attempt);
            self.out.meters().requests.add(1);
        }
        self.after_tick(&events, turn);
    }

    fn after_tick(&mut self, events: &Events, turn: &mut Turn<'_>) {
        let now = turn.now;
        self.out.at(now, now);
        for event in events.iter() {
            self.out.on_event(event);
        }
        self.after_input(now, now, turn);
    }

    /// Sends what links held back.
    fn flush(&mut self, turn: &mut Turn<'_>) {
        for at in 0..self.out.links() {
            if let Some(record) = self.out.flush(at, usize::MAX, turn.now) {
                turn.write(RecordKind::LinkRoom, self.id, 0, turn.now, record.bytes());
            }
        }
    }

    /// Records still to be followed.
    #[must_use]
    pub const fn replay_records(&self) -> &VecDeque<Recorded> {
        &self.replay
    }

    /// Follows one record.
    pub fn replay_step(&mut self, turn: &mut Turn<'_>) -> Progress {
        let Some(record) = self.replay.pop_front() else { return Progress::Done };
        match record.kind {
            RecordKind::RxFeed => {
                let Some((rx, rest)) = RxFeed::split(&record.body) else { return Progress::Moved };
                let bytes = rest.get(..rx.len as usize).unwrap_or_default();
                let line = mold_line(usize::from(rx.line));
                let sink = self.out.at(rx.t0, record.ts);
                let outcome = self.receiver.on_packet(line, bytes, rx.t0, record.ts, sink);
                self.out.count(bytes.len(), outcome.changed());
                self.after_input(record.ts, rx.t0, turn);
            }
            RecordKind::Tick => {
                let mut events = Events::default();
                // The request went out when it was recorded; here only its effect on the gap
                // counts.
                let _ = self.receiver.poll(record.ts, &mut events);
                let mut turn = Turn { now: record.ts, lane: turn.lane, clock: turn.clock };
                self.after_tick(&events, &mut turn);
            }
            RecordKind::LinkRoom => {
                if let Some(room) = Link::read(&record.body) {
                    self.out.flush(usize::from(room.link), room.flushed as usize, record.ts);
                }
            }
            _ => {}
        }
        Progress::Moved
    }
}

/// The receiver's number of a line: answers to requests take no part in the health of lines.
const fn mold_line(line: usize) -> usize {
    if line == 2 { RECOVERY_LINE } else { line }
}

/// Whether a datagram holds nothing past what was delivered: most copies of the slower line.
fn is_old(bytes: &[u8], receiver: &Receiver) -> bool {
    Packet::parse(bytes).is_ok_and(|packet| {
        Some(packet.session()) == receiver.session()
            && matches!(packet.kind(), PacketKind::Data(_))
            && packet.next_seq() <= receiver.expected()
    })
}

/// Events of one tick: at most one per line, silence, and a gap given up.
#[derive(Default)]
struct Events {
    events: [Option<Event>; 16],
    count: usize,
}

impl Events {
    fn iter(&self) -> impl Iterator<Item = Event> {
        self.events.iter().flatten().copied()
    }
}

impl Sink for Events {
    fn on_message(&mut self, _delivery: Delivery, _message: &[u8]) {
        debug_assert!(false, "time alone delivers no message");
    }

    fn on_event(&mut self, event: Event) {
        if let Some(place) = self.events.get_mut(self.count) {
            *place = Some(event);
        }
        self.count += 1;
    }
}
