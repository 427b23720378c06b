//! What goes into a receiver and comes out of it: configuration, deliveries, events, outcomes,
//! counts.
#![forbid(unsafe_code)]

use super::packet::{PacketError, Request, Session};
use shm::units::Nanos;

/// The line number of answers to requests: they take part in the sequence, not in the lines'
/// health.
pub const RECOVERY_LINE: usize = usize::MAX;

/// Every bound and time of a receiver. All capacity is made from it before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// The one session to hear; `None` takes the first that is heard, and a new one once the old
    /// has ended or been silent for `silence`.
    pub session: Option<Session>,
    /// First sequence to deliver: 1 asks for what was missed before joining, the resume number of a
    /// snapshot goes on from there, `None` begins with the first packet heard.
    pub first_seq: Option<u64>,
    /// Lines, at most [`crate::arbiter::LINES_MAX`].
    pub lines: usize,
    /// Packets kept ahead of a gap.
    pub reorder_packets: u16,
    /// Longest packet that is kept, in bytes after the header; longer ones are asked for again.
    pub reorder_packet_bytes: usize,
    /// Recent messages remembered to compare the lines.
    pub remembered: usize,
    /// Wait from the sight of a gap to the first request, for the other line to fill it. 0, and no
    /// `tries`: nothing can fill it, it is lost at once.
    pub arbitration: Nanos,
    /// Wait for an answer before asking again; twice as long with each try without an answer, up to
    /// 32 times.
    pub retry: Nanos,
    /// Least time between two requests.
    pub request_interval: Nanos,
    /// Most messages in one request, at most [`super::COUNT_MAX`].
    pub request_messages: u16,
    /// Most requests in flight at once: one until the server has answered, one more with each
    /// answer. Their answers want room in a socket's buffer.
    pub requests_in_flight: u16,
    /// Tries in a row without one new message, after which the gap is lost. 0: never ask.
    pub tries: u32,
    /// Requests for one gap, after which it is lost.
    pub requests: u32,
    /// Furthest that a packet may be ahead, in messages; beyond, it is taken for garbled and
    /// dropped.
    pub ahead: u64,
    /// Time without packet or heartbeat after which the feed is silent.
    pub silence: Nanos,
    /// Whether the feed is STALE until [`super::Receiver::whole`] is told: a stream that replays
    /// what was missed, and does not say how much that is.
    pub catches_up: bool,
}

impl ReceiverConfig {
    /// A file or stream: what is missing will not come.
    pub(super) const fn takes_gaps_as_lost(&self) -> bool {
        self.tries == 0 && self.arbitration.0 == 0
    }
}

impl Default for ReceiverConfig {
    fn default() -> Self {
        Self {
            session: None,
            first_seq: Some(1),
            lines: 2,
            reorder_packets: 1_024,
            reorder_packet_bytes: 1_500,
            remembered: 4_096,
            arbitration: Nanos(2_000_000),
            retry: Nanos(100_000_000),
            request_interval: Nanos(2_000),
            request_messages: 1_000,
            requests_in_flight: 256,
            tries: 5,
            requests: 100_000_000,
            ahead: 1 << 32,
            silence: Nanos(3_000_000_000),
            catches_up: false,
        }
    }
}

/// Where and when a delivered message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number in the session.
    pub seq: u64,
    /// When its packet arrived, also if it then waited for a gap to be filled.
    pub t0: Nanos,
    /// Whether it is the last of its packet.
    pub last: bool,
}

/// Something about the sequence that a book must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first packet of a session: every book starts empty.
    SessionStarted(Session),
    /// All messages of the session were delivered; `next` is one past the last.
    SessionEnded {
        /// One past the last sequence.
        next: u64,
    },
    /// Messages `[first, next)` are missing: books are STALE from here.
    GapOpened {
        /// First missing sequence.
        first: u64,
        /// One past the last missing sequence, as far as known.
        next: u64,
    },
    /// The sequence is whole again up to `next`.
    GapClosed {
        /// Next expected sequence.
        next: u64,
    },
    /// Messages `[first, next)` will not be had: books stay STALE until rebuilt.
    Lost {
        /// First lost sequence.
        first: u64,
        /// One past the last lost sequence.
        next: u64,
    },
    /// Nobody gave messages `[first, next)`, and nothing was seen behind them: they were only
    /// claimed to exist. The sequence stays at `first`, books STALE until a message is seen there
    /// or further.
    Doubted {
        /// First message claimed.
        first: u64,
        /// One past the last message claimed.
        next: u64,
    },
    /// Two copies of `seq` had other bytes: no book can be trusted.
    Conflict {
        /// The sequence.
        seq: u64,
    },
    /// No packet for longer than the limit, or a stream that was cut: books are STALE.
    Silent,
    /// A packet after [`Event::Silent`], and a stream is whole again.
    Heard,
    /// A line is silent while another speaks. Health only.
    LineDead {
        /// The line.
        line: usize,
    },
    /// That line speaks again. Health only.
    LineAlive {
        /// The line.
        line: usize,
    },
}

/// Takes what a receiver delivers.
pub trait Sink {
    /// The next message, in sequence order, each exactly once. May be empty.
    fn on_message(&mut self, delivery: Delivery, message: &[u8]);
    /// Something about the sequence.
    fn on_event(&mut self, event: Event);
}

/// What became of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// At least one message was delivered.
    Delivered,
    /// Ahead of a gap: kept, or only its number noted because there was no room.
    Ahead,
    /// A heartbeat or end of session.
    Alive,
    /// Nothing new.
    Duplicate,
    /// Nothing new, and other bytes than before.
    Conflict,
    /// Another session than the one being heard: dropped.
    OtherSession,
    /// Too far ahead to be true: dropped.
    TooFar,
    /// No packet: dropped whole.
    Malformed(PacketError),
}

impl Outcome {
    /// Whether the datagram changed what will be delivered or reported: those must be journalled,
    /// in order.
    #[must_use]
    pub const fn changed(self) -> bool {
        match self {
            Self::Delivered | Self::Ahead | Self::Alive | Self::Conflict => true,
            Self::Duplicate | Self::OtherSession | Self::TooFar | Self::Malformed(_) => false,
        }
    }
}

/// What the caller is to do for the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Nothing.
    None,
    /// Send a request, to server `attempt` modulo the number of servers.
    Request {
        /// What to ask for.
        request: Request,
        /// Tries in a row without an answer before this one.
        attempt: u32,
    },
}

/// What a receiver has seen. All count from creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages delivered.
    pub delivered: u64,
    /// Packets with nothing new.
    pub duplicates: u64,
    /// Packets kept ahead of a gap.
    pub kept: u64,
    /// Packets ahead of a gap for which there was no room.
    pub not_kept: u64,
    /// Gaps seen on all lines together.
    pub gaps: u64,
    /// Messages given up.
    pub lost: u64,
    /// Claims of messages that nobody gave and nothing followed.
    pub doubted: u64,
    /// Requests made.
    pub requests: u64,
    /// Datagrams that were no packet.
    pub malformed: u64,
    /// Packets of another session.
    pub other_session: u64,
    /// Packets too far ahead.
    pub too_far: u64,
    /// Heartbeats and ends of session.
    pub heartbeats: u64,
    /// Times the feed fell silent.
    pub silences: u64,
    /// Times the stream was cut.
    pub cuts: u64,
}
