//! What the messages of a datagram touch, apart from the receiver that delivers them: books, links
//! to strategies and risk, meters, cells.

use super::super::book_check::BookCheck;
use super::super::market_link::{MarketLink, Sent};
use super::source::Arrival;
use crate::clock::Clock;
use crate::telemetry::FeedMeters;
use ::feed::book::{Applied, ItchBooks, Print, StaleCause};
use ::feed::moldudp64::{Delivery, Event, Receiver, Sink};
use shm::ids::{Cause, FeedId, InstrumentId};
use shm::message::{BookTop, FeedState, FeedStatus, Kind, Trade, flags};
use shm::record::status::Link;
use shm::seqlock::CellWriter;
use shm::units::Nanos;

/// Status is repeated after this much time of packets.
const STATUS_EVERY: Nanos = Nanos(100_000_000);
/// One message in so many is timed inside the stage: a prime, so that no rhythm of the feed hides
/// one kind of message.
const TIMED_EVERY: u64 = 61;
/// A cell is written at most this often.
const CELL_EVERY: Nanos = Nanos(100_000);

pub(super) struct Out {
    feed: FeedId,
    books: ItchBooks,
    links: Vec<MarketLink>,
    meters: FeedMeters,
    cells: Vec<(CellWriter<BookTop>, Nanos)>,
    check: Option<BookCheck>,
    clock: Clock,
    /// Arrival and read of the input being applied.
    t0: Nanos,
    read: Nanos,
    packet_at: Nanos,
    status_at: Nanos,
    state: FeedState,
    unfit: u8,
    expected: u64,
}

impl Out {
    pub(super) fn new(
        feed: FeedId,
        books: ItchBooks,
        links: Vec<MarketLink>,
        meters: FeedMeters,
        cells: Vec<CellWriter<BookTop>>,
        check: Option<BookCheck>,
        clock: Clock,
    ) -> Self {
        Self {
            feed,
            books,
            links,
            meters,
            cells: cells.into_iter().map(|cell| (cell, Nanos(0))).collect(),
            check,
            clock,
            t0: Nanos(0),
            read: Nanos(0),
            packet_at: Nanos(0),
            status_at: Nanos(0),
            state: FeedState::Stale,
            unfit: StaleCause::Waiting as u8,
            expected: 0,
        }
    }

    pub(super) const fn books(&self) -> &ItchBooks {
        &self.books
    }

    pub(super) const fn meters(&self) -> &FeedMeters {
        &self.meters
    }

    pub(super) const fn links(&self) -> usize {
        self.links.len()
    }

    /// Begins an input that arrived at `t0` and was read at `read`.
    pub(super) const fn at(&mut self, t0: Nanos, read: Nanos) -> &mut Self {
        (self.t0, self.read) = (t0, read);
        self
    }

    /// Arrival: what the source says where it can be true, else the read.
    pub(super) fn arrival(&self, arrival: Arrival, read: Nanos) -> Nanos {
        let wall = match arrival {
            Arrival::Read => return read,
            Arrival::Due(at) => return at.min(read),
            Arrival::Wall(wall) => wall,
        };
        self.clock.wall_to_engine(wall, read).unwrap_or_else(|| {
            self.meters.stamps_refused.add(1);
            read
        })
    }

    pub(super) fn count(&self, len: usize, changed: bool) {
        self.meters.packets.add(1);
        self.meters.bytes.add(len as u64);
        self.meters.duplicates.add(u64::from(!changed));
    }

    /// Compares books with the exchange's, where it tells them.
    pub(super) fn compare(&mut self) {
        if let Some(check) = &mut self.check {
            check.poll(&self.books, &self.meters);
        }
    }

    /// The next record of a link that became full.
    pub(super) fn take_full(&mut self) -> Option<Link> {
        self.links.iter_mut().find_map(MarketLink::take_full)
    }

    /// Tells the state on change, and every 100 ms of packets.
    pub(super) fn status(&mut self, receiver: &Receiver, t0: Nanos, now: Nanos) {
        self.packet_at = receiver.heard_at().unwrap_or(now);
        self.expected = receiver.expected();
        // A book that did not change since carries no flag of what befell the whole feed (R24).
        let unfit = self.books.stale_causes();
        let state = match receiver.state() {
            FeedState::Live if unfit != 0 => FeedState::Stale,
            state => state,
        };
        let same = (state, unfit) == (self.state, self.unfit);
        if same && t0.saturating_since(self.status_at) < STATUS_EVERY {
            return;
        }
        (self.state, self.unfit, self.status_at) = (state, unfit, t0);
        self.meters.state.set(state as u64);
        let counts = receiver.counts();
        self.meters.gaps.set(counts.gaps);
        self.meters.other_session.set(counts.other_session);
        self.meters.too_far.set(counts.too_far);
        self.meters.lost.set(counts.lost);
        self.meters.missing.set(receiver.missing());
        self.meters.unfit.set(u64::from(unfit));
        self.meters.cuts.set(counts.cuts);
        self.meters.malformed.set(counts.malformed + self.books.counts().malformed);
        self.meters.unknown.set(self.books.counts().unknown);
        self.meters.book_faults.set(self.books.faults().total());
        let message = self.status_message(0).into();
        let key = self.books.books().instruments();
        for link in &mut self.links {
            self.meters.conflated.add(u64::from(link.send(key, message, now) == Sent::Held));
        }
    }

    fn status_message(&self, more_flags: u8) -> FeedStatus {
        FeedStatus {
            kind: Kind::FeedStatus as u8,
            flags: more_flags,
            state: self.state as u8,
            feed: self.feed.0,
            instrument: InstrumentId::NONE,
            packet_at: self.packet_at,
            feed_seq: self.expected,
            t0: self.t0,
            cause: Cause::new(self.feed, self.expected),
            ..FeedStatus::default()
        }
    }

    /// Whether a link that conflates nothing has messages that its ring had no room for: nothing is
    /// read then.
    pub(super) fn is_behind(&self) -> bool {
        self.links.iter().any(MarketLink::is_behind)
    }

    /// Pushes what such a link is behind with.
    pub(super) fn push_on(&mut self, at: usize, now: Nanos) {
        if let Some(link) = self.links.get_mut(at) {
            link.push_on(now);
        }
    }

    /// Sends what a link holds back; the record of it, if anything went out.
    pub(super) fn flush(&mut self, at: usize, most: usize, now: Nanos) -> Option<Link> {
        if !self.links.get(at).is_some_and(MarketLink::is_holding) {
            return None;
        }
        let status = self.status_message(flags::CONFLATED);
        let Self { feed, books, links, t0, expected, .. } = self;
        let link = links.get_mut(at)?;
        let cause = Cause::new(*feed, *expected);
        let instruments = books.books().instruments();
        let flushed = link.flush(most, now, |key| {
            if key == instruments {
                return status.into();
            }
            let instrument = InstrumentId(key as u32);
            top_message(books, instrument, flags::CONFLATED, *t0, cause).into()
        });
        (flushed > 0).then(|| link.flushed_record(flushed))
    }

    /// Tops and prints published so far.
    pub(super) fn published(&self) -> u64 {
        self.meters.tops.get() + self.meters.trades.get()
    }

    /// Publishes what a message changed. `timed`: when it was begun and decoded, if that is timed.
    fn publish(&mut self, applied: &Applied, delivery: Delivery, timed: Option<[Nanos; 2]>) {
        let last = if delivery.last { flags::LAST } else { 0 };
        let cause = Cause::new(self.feed, delivery.seq);
        let instrument = applied.instrument;
        let mut published = Nanos(0);
        if let Some(print) = applied.print {
            let trade =
                trade_message(&self.books, instrument, &print, applied.venue_ts, self.t0, cause);
            published = self.clock.now();
            self.meters.trades.add(1);
            for link in &mut self.links {
                // A print that does not pass is not made up for: only its book's top will be.
                let passed = !link.is_holding()
                    && link.send(instrument.index(), trade.into(), published) == Sent::Passed;
                self.meters.trades_dropped.add(u64::from(!passed));
            }
        }
        if applied.top || applied.state {
            let top = top_message(&self.books, instrument, last, self.t0, cause);
            if published == Nanos(0) {
                published = self.clock.now();
            }
            self.meters.tops.add(1);
            for link in &mut self.links {
                let held = link.send(instrument.index(), top.into(), published) == Sent::Held;
                self.meters.conflated.add(u64::from(held));
            }
            if let Some((cell, written)) = self.cells.get_mut(instrument.index())
                && self.read.saturating_since(*written) >= CELL_EVERY
            {
                cell.write(&top);
                *written = self.read;
            }
        }
        if published != Nanos(0) {
            // An arrival that is only the read, for want of a stamp that can be true, times
            // nothing.
            if self.t0 < self.read {
                self.meters.arrival_to_read.record(self.read.saturating_since(self.t0).0);
            }
            if let Some([begun, decoded]) = timed {
                self.meters.wait_in_datagram.record(begun.saturating_since(self.read).0);
                self.meters.decode.record(decoded.saturating_since(begun).0);
                self.meters.book.record(published.saturating_since(decoded).0);
            }
        }
    }
}

impl Sink for Out {
    fn on_message(&mut self, delivery: Delivery, message: &[u8]) {
        // Two readings of the clock cost more than the message: one in so many is timed.
        let timed = self.meters.messages.get().is_multiple_of(TIMED_EVERY);
        let begun = if timed { self.clock.now() } else { Nanos(0) };
        // A message that waited for a gap to be filled arrived earlier than what filled it.
        self.t0 = delivery.t0;
        let applied = self.books.apply(message);
        self.meters.messages.add(1);
        let known = applied.instrument != InstrumentId::NONE;
        if known && (applied.top || applied.state || applied.print.is_some()) {
            let timed = timed.then(|| [begun, self.clock.now()]);
            self.publish(&applied, delivery, timed);
        }
        if let Some(check) = &mut self.check {
            check.on_applied(delivery.seq, &self.books);
        }
    }

    fn on_event(&mut self, event: Event) {
        self.books.on_event(&event);
        if let (Event::SessionStarted(session), Some(check)) = (event, &mut self.check) {
            check.on_session(session);
        }
    }
}

fn top_message(
    books: &ItchBooks,
    instrument: InstrumentId,
    more_flags: u8,
    t0: Nanos,
    cause: Cause,
) -> BookTop {
    let top = books.top(instrument);
    BookTop {
        kind: Kind::BookTop as u8,
        flags: books.flags(instrument) | more_flags,
        instrument,
        bid_px: top.bid_px,
        bid_qty: top.bid_qty,
        ask_px: top.ask_px,
        ask_qty: top.ask_qty,
        t0,
        cause,
        ..BookTop::default()
    }
}

fn trade_message(
    books: &ItchBooks,
    instrument: InstrumentId,
    print: &Print,
    venue_ts: Nanos,
    t0: Nanos,
    cause: Cause,
) -> Trade {
    Trade {
        kind: Kind::Trade as u8,
        flags: books.flags(instrument),
        side: print.side.map_or(0, |side| side as u8),
        instrument,
        px: print.px,
        qty: print.qty,
        match_no: print.match_no,
        venue_ts,
        t0,
        cause,
        ..Trade::default()
    }
}

#[cfg(test)]
mod tests;
