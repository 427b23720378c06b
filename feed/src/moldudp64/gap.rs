//! One gap, and what is asked to fill it.
//!
//! A server answers with as many messages as fit into one packet, so one request at a time fills a
//! gap no faster than the way there and back allows, and a join late into a fast session would not
//! end. Several requests are in flight instead: one until the server has answered, one more with
//! each answer. They stand as far apart as answers have been long lately, a little less, so that
//! the answers meet; a hole between two that came is asked for at once. A gap is so filled with as
//! many answers a way there and back as requests may be in flight: 256 of 30 messages over a way of
//! 5 ms, which is what two programs that share busy cores are apart, are 1.5 million a second.
#![forbid(unsafe_code)]

use super::reorder::Reorder;
use shm::units::Nanos;

/// Messages of an answer, before one was seen: what an Ethernet frame holds of ITCH 5.0.
const PER_ANSWER: u64 = 32;
/// The wait for an answer doubles with each try, up to this power of two.
const BACKOFF_MAX: u32 = 5;

/// How long answers have been lately, in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnswerLength(u64);

impl AnswerLength {
    pub(super) const START: Self = Self(PER_ANSWER);

    /// An answer of `count` messages that its server cut for want of room.
    fn learn(&mut self, count: u64) {
        let risen = self.0 + count.saturating_sub(self.0).div_ceil(4);
        self.0 = risen.min(count).max(1);
    }

    /// How far two requests stand apart.
    const fn stride(self) -> u64 {
        let margin = self.0 / 8;
        self.0 - margin
    }
}

/// A request to send: its first message, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) first: u64,
    pub(super) count: u16,
}

/// What is known beyond the messages delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// The first missing message.
    pub(super) first: u64,
    /// One past the last that exists.
    pub(super) next: u64,
    /// What is kept between the two.
    pub(super) kept: &'a Reorder,
}

/// Messages that are missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    /// When it was seen, or the hole before it given up.
    since: Nanos,
    /// Since when nothing has come of what was asked for.
    waiting: Option<Nanos>,
    /// Rounds of requests in a row without progress.
    tries: u32,
    /// Requests in all.
    requests: u32,
    /// Requests that may be in flight.
    window: u16,
    /// One past the last message that the requests in flight will bring.
    asked: u64,
    /// One past the last message that their counts name.
    named: u64,
    /// First message of the request furthest ahead.
    furthest: u64,
    /// First message of the answer furthest ahead.
    answered: u64,
    /// Holes before this were asked for again.
    mended: u64,
    /// An answer that begins here or later was asked for after the last of those.
    mend_mark: u64,
    /// Nobody gave what was only claimed to exist: no more requests until it is claimed anew, and
    /// open until a message follows or the claim is taken back.
    pub(super) doubted: bool,
}

impl Gap {
    pub(super) const fn new(since: Nanos) -> Self {
        Self {
            since,
            waiting: None,
            tries: 0,
            requests: 0,
            window: 1,
            asked: 0,
            named: 0,
            furthest: 0,
            answered: 0,
            mended: 0,
            mend_mark: 0,
            doubted: false,
        }
    }

    /// A gap that only a claim opened, and nobody filled.
    pub(super) const fn doubted(since: Nanos) -> Self {
        Self { doubted: true, ..Self::new(since) }
    }

    pub(super) fn is_older_than(&self, age: Nanos, now: Nanos) -> bool {
        now.saturating_since(self.since) >= age
    }

    /// Whether all that was asked for is overdue.
    pub(super) fn is_overdue(&self, now: Nanos, retry: Nanos) -> bool {
        let doublings = self.tries.saturating_sub(1).min(BACKOFF_MAX);
        let wait = Nanos(retry.0.saturating_mul(1 << doublings));
        self.waiting.is_some_and(|since| now.saturating_since(since) >= wait)
    }

    /// Whether its bounds are reached: `tries` rounds, `requests` requests.
    pub(super) const fn is_spent(&self, tries: u32, requests: u32) -> bool {
        self.tries >= tries || self.requests >= requests
    }

    /// Whether nothing asked for is awaited.
    pub(super) const fn is_idle(&self) -> bool {
        self.waiting.is_none()
    }

    /// The next request, if one is due, and the attempt that it is part of. Changes only when there
    /// is one.
    pub(super) fn ask(
        &mut self,
        now: Nanos,
        retry: Nanos,
        known: Known<'_>,
        length: AnswerLength,
        messages_max: u16,
    ) -> Option<(Ask, u32)> {
        let mut next = *self;
        if next.is_overdue(now, retry) {
            // Begun anew, carefully: the server may be gone.
            (next.waiting, next.window) = (None, 1);
            (next.asked, next.answered, next.mended) = (0, 0, 0);
        }
        let attempt = if next.is_idle() { next.tries } else { next.tries.saturating_sub(1) };
        let ask = next.next_ask(known, length, messages_max)?;
        if next.waiting.is_none() {
            (next.waiting, next.tries) = (Some(now), next.tries + 1);
        }
        next.requests += 1;
        *self = next;
        Some((ask, attempt))
    }

    fn next_ask(&mut self, known: Known<'_>, length: AnswerLength, most: u16) -> Option<Ask> {
        let first = known.first;
        let ask = |first: u64, end: u64| {
            let count = end.saturating_sub(first).min(u64::from(most)) as u16;
            (count > 0).then_some(Ask { first, count })
        };
        let stride = length.stride();
        let (hole, end) = known.kept.hole_from(self.mended.max(first));
        if let Some(end) = end
            && hole < self.answered
        {
            // What was asked for later came earlier: the answer between was short, or is lost.
            self.mended = end.min(hole + stride);
            self.mend_mark = self.asked;
            return ask(hole, end);
        }
        let from = self.asked.max(first);
        if from > first && from - first >= u64::from(self.window).saturating_mul(stride) {
            return None;
        }
        let (from, end) = known.kept.hole_from(from);
        let ask = ask(from, end.unwrap_or(known.next))?;
        self.asked = from + u64::from(ask.count).min(stride);
        self.named = from + u64::from(ask.count);
        self.furthest = from;
        Some(ask)
    }

    /// An answer `[seq, next)` brought something new.
    pub(super) fn on_answer(
        &mut self,
        seq: u64,
        next: u64,
        length: &mut AnswerLength,
        window_max: u16,
    ) {
        if seq > self.answered && next < self.named {
            length.learn(next - seq);
        }
        self.answered = self.answered.max(seq);
        if self.answered >= self.mend_mark {
            // Holes that are still there: their second answers are lost too.
            self.mended = 0;
        }
        self.window = self.window.saturating_add(1).min(window_max);
        if seq >= self.furthest {
            // Nothing more will come of what was asked for: where it ends is known now.
            self.asked = next;
        }
    }

    /// Messages were delivered; `expected` is the next.
    pub(super) fn on_progress(&mut self, expected: u64, now: Nanos) {
        self.doubted = false;
        self.tries = 0;
        self.waiting = (self.asked > expected).then_some(now);
    }
}
