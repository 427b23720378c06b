//! The feed stage: packets of one feed in, changes of tops, prints and states out.
//!
//! It has no primary port: `RxFeed`, `Tick` and `LinkRoom` in the order written are its whole
//! input. A packet that can change anything is in the lane before it is applied.

mod file;
mod out;
mod soup;
mod source;

use super::book_check::BookCheck;
use super::market_link::MarketLink;
use super::{Progress, Recorded, Turn};
use crate::clock::Clock;
use crate::telemetry::FeedMeters;
use ::feed::book::ItchBooks;
use ::feed::moldudp64::{Action, Delivery, Event, Packet, RECOVERY_LINE, Receiver, Sink};
use out::Out;
use shm::ids::FeedId;
use shm::message::BookTop;
use shm::record::market::{CaptureGap, RxFeed};
use shm::record::status::{Link, Tick};
use shm::record::{RecordKind, StageId};
use shm::seqlock::CellWriter;
use shm::units::Nanos;
use std::collections::VecDeque;

pub use file::{FilePackets, FileSource, file_packets};
pub use soup::{SoupNotice, SoupSource};
pub use source::{Arrival, DATAGRAM_BYTES_MAX, MESSAGE_BYTES_MAX, PACKET_BYTES, Received, Source};

/// Packets of one line taken in one poll, so that no other stage of the thread waits long.
const BATCH: usize = 4;
/// Polls between two looks for answers to requests while nothing is missing: late ones are drained.
const ANSWERS_EVERY: u32 = 64;
/// Free segments below which a source that keeps what is not read is not read.
const SEGMENTS_MIN: u32 = 2;

/// What a feed stage is made of.
pub struct Setup {
    /// Which stage it is.
    pub id: StageId,
    /// Which feed.
    pub feed: FeedId,
    /// Its packets; `None` in a replay.
    pub source: Option<Box<dyn Source>>,
    /// Its sequence.
    pub receiver: Receiver,
    /// Its books.
    pub books: ItchBooks,
    /// Its outputs: strategies, risk.
    pub links: Vec<MarketLink>,
    /// Whether what is received is journalled.
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

/// What the lane holds of what was received last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Captured {
    /// All of it.
    Whole,
    /// Not what came from this sequence number on, and nothing says so yet.
    Untold(u64),
    /// Not all of it, and a [`CaptureGap`] says so.
    Told,
}

/// One feed.
pub struct FeedStage {
    id: StageId,
    source: Option<Box<dyn Source>>,
    receiver: Receiver,
    out: Out,
    capture: bool,
    captured: Captured,
    /// Whether the source keeps what is not read.
    keeps: bool,
    /// The line that is read first in the next turn.
    first_line: usize,
    polls: u32,
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
        let keeps = source.as_ref().is_some_and(|source| source.keeps());
        let captured = Captured::Whole;
        Self {
            id,
            source,
            receiver,
            out,
            capture,
            captured,
            keeps,
            first_line: 0,
            polls: 0,
            replay,
        }
    }

    /// The books, for tests and reports.
    #[must_use]
    pub fn books(&self) -> &ItchBooks {
        self.out.books()
    }

    /// One live turn.
    pub fn poll(&mut self, turn: &mut Turn<'_>) -> usize {
        self.flush(turn);
        self.polls = self.polls.wrapping_add(1);
        let work = self.read(turn);
        self.tick(turn);
        self.out.compare();
        work
    }

    /// Reads the lines, each a few packets at most. A packet of a line that can be waited for is
    /// carried to the end of its trip before the next look at a socket, which costs more than the
    /// trip: the line after it is then the first of the next turn.
    fn read(&mut self, turn: &mut Turn<'_>) -> usize {
        let lines = self.source.as_ref().map_or(0, |source| source.lines());
        let first = core::mem::take(&mut self.first_line);
        let mut work = 0;
        for line in (first..lines).chain(0..first.min(lines)) {
            if line == usize::from(RxFeed::ANSWERS) && !self.looks_for_answers() {
                continue;
            }
            for _ in 0..BATCH {
                let published = self.out.published();
                if !self.receive(line, turn) {
                    break;
                }
                work += 1;
                if !self.keeps && self.out.published() != published {
                    self.first_line = line + 1;
                    return work;
                }
            }
        }
        work
    }

    /// Answers come while something is missing; a look is a system call.
    const fn looks_for_answers(&self) -> bool {
        self.receiver.has_gap() || self.polls.is_multiple_of(ANSWERS_EVERY)
    }

    /// Reads and applies one packet of a line.
    fn receive(&mut self, line: usize, turn: &mut Turn<'_>) -> bool {
        let short = self.keeps && turn.lane.free_segments() < SEGMENTS_MIN;
        if short || self.out.is_behind() {
            self.out.meters().waits.add(1);
            return false;
        }
        // Below two free segments the lane is for orders: the packet is applied, not captured.
        let has_room = self.capture && turn.lane.free_segments() >= 1 && turn.has_room();
        if has_room && self.resume_capture(turn) {
            self.receive_captured(line, turn)
        } else {
            self.receive_plain(line, turn)
        }
    }

    fn receive_captured(&mut self, line: usize, turn: &mut Turn<'_>) -> bool {
        let Some(source) = &mut self.source else { return false };
        let Ok(mut claim) = turn.lane.claim(RxFeed::BYTES, DATAGRAM_BYTES_MAX) else {
            return false;
        };
        let Some(received) = source.recv(line, turn.now, claim.payload_mut()) else { return false };
        let (len, arrival) = match received {
            Received::Packet { len, arrival } => (len, arrival),
            Received::Cut => return self.mark(RxFeed::CUT, turn),
            Received::Whole => return self.mark(RxFeed::WHOLE, turn),
        };
        let read = turn.clock.now();
        let t0 = self.out.arrival(arrival, read);
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

    /// A stream was cut, or is whole again: an input like a packet.
    fn mark(&mut self, line: u8, turn: &mut Turn<'_>) -> bool {
        let now = turn.now;
        if self.capture {
            let rx = RxFeed {
                t0: now,
                feed_seq: self.receiver.expected(),
                feed: self.id.index(),
                line,
                ..RxFeed::default()
            };
            self.keep(RecordKind::RxFeed, now, rx.bytes(), turn);
        }
        self.on_mark(line, now, turn);
        true
    }

    fn on_mark(&mut self, line: u8, now: Nanos, turn: &mut Turn<'_>) {
        let out = self.out.at(now, now);
        if line == RxFeed::CUT {
            self.receiver.cut(out)
        } else {
            self.receiver.whole(out)
        }
        self.after_input(now, now, turn);
    }

    /// Without a place in the lane: the packet is read into a buffer of its own.
    fn receive_plain(&mut self, line: usize, turn: &mut Turn<'_>) -> bool {
        let Some(source) = &mut self.source else { return false };
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        let Some(received) = source.recv(line, turn.now, &mut buffer) else { return false };
        let (len, arrival) = match received {
            Received::Packet { len, arrival } => (len, arrival),
            Received::Cut => return self.mark(RxFeed::CUT, turn),
            Received::Whole => return self.mark(RxFeed::WHOLE, turn),
        };
        let read = turn.clock.now();
        let t0 = self.out.arrival(arrival, read);
        let bytes = buffer.get(..len).unwrap_or_default();
        if self.capture {
            self.miss(turn);
        }
        let outcome =
            self.receiver.on_packet(mold_line(line), bytes, t0, read, self.out.at(t0, read));
        self.out.count(len, outcome.changed());
        self.after_input(read, t0, turn);
        true
    }

    /// Writes an input of the stage that is no packet. Where the lane is full it is a gap.
    fn keep(&mut self, kind: RecordKind, now: Nanos, body: &[u8], turn: &mut Turn<'_>) {
        if !turn.try_write(kind, self.id, 0, now, body) {
            self.miss(turn);
        }
    }

    /// An input is not captured: a record says from where on, once the lane takes one.
    #[cold]
    fn miss(&mut self, turn: &mut Turn<'_>) {
        self.out.meters().capture_gaps.add(1);
        if self.captured == Captured::Whole {
            self.captured = Captured::Untold(self.receiver.expected());
        }
        self.tell_gap(turn);
    }

    /// Writes that there is a gap, unless that stands there already. False: the lane is full.
    fn tell_gap(&mut self, turn: &mut Turn<'_>) -> bool {
        let Captured::Untold(feed_seq) = self.captured else { return true };
        let gap = CaptureGap { feed: self.id.index(), feed_seq, ..CaptureGap::default() };
        let told = turn.try_write(RecordKind::CaptureGap, self.id, 0, turn.now, gap.bytes());
        if told {
            self.captured = Captured::Told;
        }
        told
    }

    /// What comes now is captured: a gap before it is over, and told.
    #[inline]
    fn resume_capture(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.captured == Captured::Whole {
            return true;
        }
        let told = self.tell_gap(turn);
        if told {
            self.captured = Captured::Whole;
        }
        told
    }

    /// What follows every input: status, and the records of links that became full.
    fn after_input(&mut self, now: Nanos, t0: Nanos, turn: &mut Turn<'_>) {
        self.out.status(&self.receiver, t0, now);
        while let Some(full) = self.out.take_full() {
            self.keep(RecordKind::LinkFull, now, full.bytes(), turn);
        }
    }

    /// Lets time act: requests, gaps given up (what was kept behind them is delivered), silence.
    /// Written before the first thing it does.
    fn tick(&mut self, turn: &mut Turn<'_>) {
        let (now, id) = (turn.now, self.id);
        let mut sink = Ticking { out: &mut self.out, turn, id, acted: false, missed: false };
        let action = self.receiver.poll(now, &mut sink);
        if !matches!(action, Action::None) {
            sink.begin();
        }
        let (acted, missed) = (sink.acted, sink.missed);
        if missed {
            self.miss(turn);
        }
        if !acted {
            return;
        }
        if let (Action::Request { request, attempt }, Some(source)) = (action, &mut self.source) {
            source.request(&request, attempt);
            self.out.meters().requests.add(1);
        }
        self.after_input(now, now, turn);
    }

    /// Sends what links held back.
    fn flush(&mut self, turn: &mut Turn<'_>) {
        for at in 0..self.out.links() {
            self.out.push_on(at, turn.now);
            if let Some(record) = self.out.flush(at, usize::MAX, turn.now) {
                self.keep(RecordKind::LinkRoom, turn.now, record.bytes(), turn);
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
                if matches!(rx.line, RxFeed::CUT | RxFeed::WHOLE) {
                    self.on_mark(rx.line, record.ts, turn);
                    return Progress::Moved;
                }
                let bytes = rest.get(..rx.len as usize).unwrap_or_default();
                let line = mold_line(usize::from(rx.line));
                let sink = self.out.at(rx.t0, record.ts);
                let outcome = self.receiver.on_packet(line, bytes, rx.t0, record.ts, sink);
                self.out.count(bytes.len(), outcome.changed());
                self.after_input(record.ts, rx.t0, turn);
            }
            RecordKind::Tick => {
                // The request went out when it was recorded; here only its effect on the gap
                // counts.
                let _ = self.receiver.poll(record.ts, self.out.at(record.ts, record.ts));
                self.after_input(record.ts, record.ts, turn);
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
    if line == RxFeed::ANSWERS as usize { RECOVERY_LINE } else { line }
}

/// Whether a datagram holds nothing past what was delivered: most copies of the slower line.
#[inline]
fn is_old(bytes: &[u8], receiver: &Receiver) -> bool {
    Packet::peek(bytes).is_some_and(|(session, next)| {
        next <= receiver.expected()
            && Some(session) == receiver.session()
            && Packet::parse(bytes).is_ok()
    })
}

/// What time does, behind a record that it did.
struct Ticking<'a, 'b> {
    out: &'a mut Out,
    turn: &'a mut Turn<'b>,
    id: StageId,
    acted: bool,
    /// The record that it acted found no room.
    missed: bool,
}

impl Ticking<'_, '_> {
    fn begin(&mut self) {
        if core::mem::replace(&mut self.acted, true) {
            return;
        }
        let now = self.turn.now;
        let tick = Tick::default();
        self.missed = !self.turn.try_write(RecordKind::Tick, self.id, 0, now, tick.bytes());
        self.out.at(now, now);
    }
}

impl Sink for Ticking<'_, '_> {
    fn on_message(&mut self, delivery: Delivery, message: &[u8]) {
        self.begin();
        self.out.on_message(delivery, message);
    }

    fn on_event(&mut self, event: Event) {
        self.begin();
        self.out.on_event(event);
    }
}

#[cfg(test)]
mod tests;
