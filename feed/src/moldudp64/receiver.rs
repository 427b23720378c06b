//! The receiver: expected sequence, gaps, bounded requests, sessions, silence (F1, F3, F6).
#![forbid(unsafe_code)]

use super::event::{Action, Counts, Delivery, Event, Outcome, RECOVERY_LINE, ReceiverConfig, Sink};
use super::gap::{AnswerLength, Gap, Known};
use super::packet::{Blocks, COUNT_MAX, Packet, PacketKind, Request, Session};
use super::reorder::{Keep, Reorder};
use crate::arbiter::Arbiter;
use shm::message::FeedState;
use shm::units::Nanos;

/// Turns datagrams of several lines into one sequence.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    session: Option<Session>,
    /// Next sequence to deliver; `None` until the first packet of a live join.
    expected: Option<u64>,
    /// One past the highest sequence known to exist.
    known_next: u64,
    /// One past the highest sequence that was seen: what is known beyond is only claimed.
    seen_next: u64,
    /// One past the last sequence of the session, once told.
    end: Option<u64>,
    ended: bool,
    gap: Option<Gap>,
    answers: AnswerLength,
    requested_at: Option<Nanos>,
    heard_at: Option<Nanos>,
    silent: bool,
    /// The stream was cut, or has not been whole yet.
    behind: bool,
    reorder: Reorder,
    arbiter: Arbiter,
    counts: Counts,
}

impl Receiver {
    /// Makes all capacity.
    ///
    /// # Panics
    /// When a number of the configuration is out of range: construction only.
    #[must_use]
    pub fn new(config: ReceiverConfig) -> Self {
        assert!((1..=COUNT_MAX).contains(&config.request_messages), "request_messages: 1 to 65534");
        assert!(config.requests_in_flight > 0, "requests_in_flight: at least 1");
        assert!(config.reorder_packet_bytes <= 65_535, "reorder_packet_bytes: at most 65535");
        Self {
            session: config.session,
            expected: config.first_seq,
            known_next: config.first_seq.unwrap_or(0),
            seen_next: 0,
            end: None,
            ended: false,
            gap: None,
            answers: AnswerLength::START,
            requested_at: None,
            heard_at: None,
            silent: false,
            behind: config.catches_up,
            reorder: Reorder::new(config.reorder_packets, config.reorder_packet_bytes),
            arbiter: Arbiter::new(config.lines, config.remembered),
            counts: Counts::default(),
            config,
        }
    }

    /// Takes one datagram of a line (or [`super::RECOVERY_LINE`]) that arrived at `t0` and is
    /// handled at `now`.
    pub fn on_packet<S: Sink>(
        &mut self,
        line: usize,
        bytes: &[u8],
        t0: Nanos,
        now: Nanos,
        sink: &mut S,
    ) -> Outcome {
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(error) => {
                self.counts.malformed += 1;
                self.arbiter.on_malformed(line);
                return Outcome::Malformed(error);
            }
        };
        if !self.accepts_session(packet.session(), now, sink) {
            self.counts.other_session += 1;
            return Outcome::OtherSession;
        }
        let expected = *self.expected.get_or_insert(packet.seq());
        if packet.next_seq().saturating_sub(expected) > self.config.ahead {
            self.counts.too_far += 1;
            return Outcome::TooFar;
        }
        self.arbiter.on_packet(line, packet.seq(), packet.next_seq(), now);
        let agreed = self.compare(&packet, expected, sink);
        let outcome = match packet.kind() {
            PacketKind::Data(_) => {
                let outcome = self.on_data(&packet, expected, t0, now, sink);
                if line == RECOVERY_LINE && outcome.changed() {
                    self.on_answer(&packet);
                }
                self.arbiter.on_judged(line, outcome != Outcome::Duplicate);
                if outcome == Outcome::Duplicate && !agreed { Outcome::Conflict } else { outcome }
            }
            PacketKind::EndOfSession => {
                if packet.seq() >= expected {
                    self.end = Some(packet.seq());
                }
                self.on_alive(packet.seq(), now, sink)
            }
            PacketKind::Heartbeat => self.on_alive(packet.seq(), now, sink),
        };
        if outcome.changed() {
            self.heard_at = Some(now);
            if core::mem::take(&mut self.silent) && !self.behind {
                sink.on_event(Event::Heard);
            }
        }
        self.close_gap(sink);
        if self.gap.is_some() && self.config.takes_gaps_as_lost() {
            self.give_up(now, sink);
        }
        self.end_session(sink);
        outcome
    }

    /// Lets time act: what is due is asked for, given up, or found silent. Call it often; it is
    /// cheap.
    pub fn poll<S: Sink>(&mut self, now: Nanos, sink: &mut S) -> Action {
        while let Some((line, dead)) = self.arbiter.poll(now, self.config.silence) {
            sink.on_event(if dead { Event::LineDead { line } } else { Event::LineAlive { line } });
        }
        if let Some(heard_at) = self.heard_at
            && !self.silent
            && !self.ended
            && now.saturating_since(heard_at) > self.config.silence
        {
            self.silent = true;
            self.counts.silences += 1;
            sink.on_event(Event::Silent);
        }
        self.ask(now, sink)
    }

    /// Asks for what is missing, or gives it up.
    fn ask<S: Sink>(&mut self, now: Nanos, sink: &mut S) -> Action {
        let (Some(gap), Some(first), Some(session)) = (self.gap, self.expected, self.session)
        else {
            return Action::None;
        };
        let ReceiverConfig { arbitration, retry, tries, requests, .. } = self.config;
        if gap.doubted || !gap.is_older_than(arbitration, now) {
            return Action::None;
        }
        if gap.is_spent(tries, requests) && (gap.is_idle() || gap.is_overdue(now, retry)) {
            self.give_up(now, sink);
            return Action::None;
        }
        let is_due = |at: Nanos| now.saturating_since(at) >= self.config.request_interval;
        if !self.requested_at.is_none_or(is_due) || gap.is_spent(u32::MAX, requests) {
            return Action::None;
        }
        let known = Known { first, next: self.known_next, kept: &self.reorder };
        let (length, most) = (self.answers, self.config.request_messages);
        let asked = self.gap.as_mut().and_then(|gap| gap.ask(now, retry, known, length, most));
        let Some((ask, attempt)) = asked else { return Action::None };
        self.requested_at = Some(now);
        self.counts.requests += 1;
        let request = Request { session, first: ask.first, count: ask.count };
        Action::Request { request, attempt }
    }

    /// The stream was cut: STALE until it is [`Receiver::whole`] again, whatever is heard.
    pub fn cut<S: Sink>(&mut self, sink: &mut S) {
        self.counts.cuts += 1;
        let known = core::mem::replace(&mut self.behind, true);
        if !known && !self.ended && !self.silent && self.heard_at.is_some() {
            sink.on_event(Event::Silent);
        }
    }

    /// The stream has given all that it had: what comes from here on is new.
    pub fn whole<S: Sink>(&mut self, sink: &mut S) {
        if core::mem::take(&mut self.behind) && self.heard_at.is_some() && !self.silent {
            sink.on_event(Event::Heard);
        }
    }

    /// Whether something is missing: the time to look for answers.
    #[must_use]
    pub const fn has_gap(&self) -> bool {
        self.gap.is_some()
    }

    /// Whether the books may be a reference: `Stale` before the first packet, in a gap, in silence,
    /// behind.
    #[must_use]
    pub const fn state(&self) -> FeedState {
        if self.ended {
            FeedState::Ended
        } else if self.gap.is_some() || self.silent || self.behind || self.heard_at.is_none() {
            FeedState::Stale
        } else {
            FeedState::Live
        }
    }

    /// Next sequence to deliver; 0 before the first packet of a live join.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.expected.unwrap_or(0)
    }

    /// Messages that are known to exist and not delivered yet: how far a feed is behind.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.known_next.saturating_sub(self.expected())
    }

    /// The session being heard.
    #[must_use]
    pub const fn session(&self) -> Option<Session> {
        self.session
    }

    /// When the last packet that changed anything was handled.
    #[must_use]
    pub const fn heard_at(&self) -> Option<Nanos> {
        self.heard_at
    }

    /// What was seen so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The lines' health.
    #[must_use]
    pub const fn arbiter(&self) -> &Arbiter {
        &self.arbiter
    }

    /// Packets now kept ahead of a gap.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.reorder.len()
    }

    /// Takes the first session, a pinned one, or a new one after the old has ended or fallen
    /// silent.
    fn accepts_session<S: Sink>(&mut self, session: Session, now: Nanos, sink: &mut S) -> bool {
        if self.session == Some(session) {
            if self.heard_at.is_none() {
                self.begin_session(session, now, sink);
            }
            return true;
        }
        if self.session.is_some() {
            let quiet =
                self.heard_at.is_some_and(|at| now.saturating_since(at) > self.config.silence);
            if self.config.session.is_some() || !(self.ended || quiet) {
                return false;
            }
            self.expected = Some(1);
            (self.known_next, self.seen_next) = (1, 0);
            self.end = None;
            self.ended = false;
            self.gap = None;
            self.requested_at = None;
            self.reorder.clear();
            self.arbiter.reset();
        }
        self.session = Some(session);
        self.begin_session(session, now, sink);
        true
    }

    fn begin_session<S: Sink>(&mut self, session: Session, now: Nanos, sink: &mut S) {
        self.heard_at = Some(now);
        sink.on_event(Event::SessionStarted(session));
        // Its books are empty and waited for; those of a stream that is behind stay STALE.
        if self.behind {
            sink.on_event(Event::Silent);
        }
    }

    /// Compares every message with what was taken under its number; new ones are remembered.
    fn compare<S: Sink>(&mut self, packet: &Packet<'_>, expected: u64, sink: &mut S) -> bool {
        if !self.arbiter.compares() {
            return true;
        }
        let mut agreed = true;
        // Messages first: the range is not asked for a number beyond the last, which may not exist.
        for (message, seq) in packet.messages().zip(packet.seq()..) {
            if !self.arbiter.agrees(seq, message, seq >= expected) {
                agreed = false;
                sink.on_event(Event::Conflict { seq });
            }
        }
        agreed
    }

    fn on_data<S: Sink>(
        &mut self,
        packet: &Packet<'_>,
        expected: u64,
        t0: Nanos,
        now: Nanos,
        sink: &mut S,
    ) -> Outcome {
        if packet.next_seq() <= expected {
            self.counts.duplicates += 1;
            return Outcome::Duplicate;
        }
        self.known_next = self.known_next.max(packet.next_seq());
        self.seen_next = self.seen_next.max(packet.next_seq());
        if packet.seq() > expected {
            self.open_gap(expected, packet.seq(), now, sink);
            return match self.reorder.keep(packet, t0) {
                Keep::Kept { evicted } => {
                    self.counts.kept += 1;
                    self.counts.not_kept += u64::from(evicted);
                    Outcome::Ahead
                }
                Keep::Known => {
                    self.counts.duplicates += 1;
                    Outcome::Duplicate
                }
                Keep::Full | Keep::TooLong => {
                    self.counts.not_kept += 1;
                    Outcome::Ahead
                }
            };
        }
        let next = deliver(packet.seq(), packet.count(), packet.messages(), expected, t0, sink);
        self.advance(expected, next, now, sink);
        Outcome::Delivered
    }

    /// A packet that was asked for brought something new.
    fn on_answer(&mut self, packet: &Packet<'_>) {
        if let Some(gap) = &mut self.gap {
            let window_max = self.config.requests_in_flight;
            gap.on_answer(packet.seq(), packet.next_seq(), &mut self.answers, window_max);
        }
    }

    /// `next` messages exist, says a packet without messages.
    fn on_alive<S: Sink>(&mut self, next: u64, now: Nanos, sink: &mut S) -> Outcome {
        self.counts.heartbeats += 1;
        let expected = self.expected();
        if next < expected {
            // Late, or about another sequence than ours: no sign that ours is alive.
            return Outcome::Duplicate;
        }
        self.known_next = self.known_next.max(next);
        if next > expected {
            self.open_gap(expected, next, now, sink);
        } else if let Some(gap) = &mut self.gap {
            // The claim that was doubted is taken back.
            gap.doubted = false;
        }
        Outcome::Alive
    }

    /// Moves on to `next`, then delivers what was kept and is now due.
    fn advance<S: Sink>(&mut self, from: u64, mut next: u64, now: Nanos, sink: &mut S) {
        while let Some(kept) = self.reorder.first() {
            if kept.seq > next {
                break;
            }
            let blocks = Blocks::new(kept.blocks);
            next = deliver(kept.seq, kept.count, blocks, next, kept.t0, sink);
            self.reorder.drop_first();
        }
        self.expected = Some(next);
        self.counts.delivered += next - from;
        if let Some(gap) = self.gap.as_mut() {
            gap.on_progress(next, now);
        }
    }

    fn open_gap<S: Sink>(&mut self, first: u64, next: u64, now: Nanos, sink: &mut S) {
        if self.gap.is_none() {
            self.counts.gaps += 1;
            sink.on_event(Event::GapOpened { first, next });
        }
        if self.gap.is_none_or(|gap| gap.doubted) {
            self.gap = Some(Gap::new(now));
        }
    }

    fn close_gap<S: Sink>(&mut self, sink: &mut S) {
        let expected = self.expected();
        if self.gap.is_some_and(|gap| !gap.doubted) && expected >= self.known_next {
            self.gap = None;
            sink.on_event(Event::GapClosed { next: expected });
        }
    }

    fn end_session<S: Sink>(&mut self, sink: &mut S) {
        if let Some(end) = self.end
            && !self.ended
            && self.expected() >= end
        {
            self.ended = true;
            sink.on_event(Event::SessionEnded { next: self.expected() });
        }
    }

    /// The first hole is lost: goes on behind it. Where nothing was seen behind it, only claimed (a
    /// heartbeat, an end of session), the claim is doubted instead: the sequence stays, else one
    /// datagram would end a session, or leave its next million messages out as old.
    fn give_up<S: Sink>(&mut self, now: Nanos, sink: &mut S) {
        let first = self.expected();
        let next = match self.reorder.first() {
            Some(kept) => kept.seq,
            None if self.config.takes_gaps_as_lost() => self.known_next,
            None => self.seen_next,
        };
        if next <= first {
            sink.on_event(Event::Doubted { first, next: self.known_next });
            self.counts.doubted += 1;
            (self.known_next, self.end) = (first, None);
            self.gap = Some(Gap::doubted(now));
            return;
        }
        self.counts.lost += next - first;
        sink.on_event(Event::Lost { first, next });
        self.advance(next, next, now, sink);
        self.gap = Some(Gap::new(now));
        self.close_gap(sink);
        self.end_session(sink);
    }
}

/// Delivers the messages of a packet from `expected` on and returns the next sequence.
fn deliver<S: Sink>(
    seq: u64,
    count: u16,
    messages: Blocks<'_>,
    expected: u64,
    t0: Nanos,
    sink: &mut S,
) -> u64 {
    let end = seq.saturating_add(u64::from(count));
    for (seq, message) in (seq..end).zip(messages) {
        if seq >= expected {
            let last = seq.wrapping_add(1) == end;
            sink.on_message(Delivery { seq, t0, last }, message);
        }
    }
    expected.max(end)
}
