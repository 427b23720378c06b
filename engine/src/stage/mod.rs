//! Stages: the four steps between two sockets, each a `poll` function of its inputs and the time.
//!
//! A live stage chooses what to take next, writes that choice into its lane where it is not
//! implied, and acts. A replayed stage reads the choice from the record and acts. The acting code
//! is the same; each stage's module holds both drivers, side by side.

pub mod book_check;
pub mod feed;
pub mod gateway;
pub mod market_link;
pub mod paper;
pub mod risk;
pub mod strategy;
pub mod terms;

use crate::clock::Clock;
use shm::journal::LaneWriter;
use shm::message::Tail;
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;

/// What a stage is given for one poll.
pub struct Turn<'a> {
    /// Time of the poll: one clock read, passed down.
    pub now: Nanos,
    /// The lane of the thread.
    pub lane: &'a mut LaneWriter,
    /// For the stamps of a trip, and for nothing else.
    pub clock: &'a Clock,
    /// The latest stamp of this turn, at first the time of the poll.
    last: Nanos,
}

/// Bytes of lane that must be free before a stage takes anything: more than the records of one
/// input of risk, or of one poll of any other stage.
pub const ROOM_MIN: usize = 64 * 1024;

impl<'a> Turn<'a> {
    /// A turn at `now`.
    #[inline]
    #[must_use]
    pub const fn new(now: Nanos, lane: &'a mut LaneWriter, clock: &'a Clock) -> Self {
        Self { now, lane, clock, last: now }
    }
}

impl Turn<'_> {
    /// Reads the clock: a stamp of the trip.
    #[inline]
    pub fn stamp(&mut self) -> Nanos {
        self.last = self.clock.now().max(self.last);
        self.last
    }

    /// The latest stamp of this turn. A reading of the clock costs more than many a stage.
    #[inline]
    #[must_use]
    pub const fn last(&self) -> Nanos {
        self.last
    }

    /// When a message was published that follows an event of `t0`. It carries 32 bits of that time,
    /// and a thread that stood still for seconds has an old turn: `t0` is near then.
    #[inline]
    #[must_use]
    pub fn published(&self, tail: Tail, t0: Nanos) -> Nanos {
        tail.published(self.last.max(t0))
    }

    /// When a stage took a message published at `published`, as far as is known without reading the
    /// clock: not before the message, nor before what this thread has stamped. Between stages of
    /// one thread that leaves the way over the link to the stage that takes; between threads it is
    /// the poll that found the message.
    #[inline]
    pub fn took(&mut self, published: Nanos) -> Nanos {
        self.last = self.last.max(published);
        self.last
    }

    /// Appends a record of what `stage`, which has taken `at` primary messages, has done. Stages
    /// look at the room before they take an input, so there is room; where there is none the lane
    /// says that it lost a record, and the journal has failed.
    #[inline]
    pub fn write(&mut self, kind: RecordKind, stage: StageId, at: u64, ts: Nanos, body: &[u8]) {
        if !self.try_write(kind, stage, at, ts, body) {
            self.lane.lose();
        }
    }

    /// As [`Turn::write`], of what is done only if it could be written. False: the lane is full.
    #[inline]
    #[must_use]
    pub fn try_write(
        &mut self,
        kind: RecordKind,
        stage: StageId,
        at: u64,
        ts: Nanos,
        body: &[u8],
    ) -> bool {
        self.lane.append(kind as u16, stage.0, at, ts, body).is_ok()
    }

    /// Whether the lane has [`ROOM_MIN`].
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.lane.has_room(ROOM_MIN)
    }
}

/// One record of a stage, as a replay reads it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What it is.
    pub kind: RecordKind,
    /// Primary messages the stage had taken.
    pub at: u64,
    /// Engine time.
    pub ts: Nanos,
    /// Body and payload.
    pub body: Vec<u8>,
}

/// How far a replayed stage got in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something was done.
    Moved,
    /// The next input is not there yet.
    Waiting,
    /// Every record was followed.
    Done,
}

/// Anything a thread can run, each in memory of its own.
pub enum Stage {
    /// Feed decode and books.
    Feed(Box<feed::FeedStage>),
    /// One strategy.
    Strategy(Box<strategy::StrategyStage>),
    /// Risk.
    Risk(Box<risk::RiskStage>),
    /// One venue session.
    Gateway(Box<gateway::GatewayStage>),
    /// The embedded venue.
    Paper(Box<paper::PaperStage>),
}

impl Stage {
    /// The engine stops: whatever holds a venue session ends it.
    pub fn begin_leave(&mut self) {
        match self {
            Self::Gateway(stage) => stage.begin_leave(),
            Self::Feed(_) | Self::Strategy(_) | Self::Risk(_) | Self::Paper(_) => {}
        }
    }

    /// One turn of the stage; how many inputs it took.
    #[inline]
    pub fn poll(&mut self, turn: &mut Turn<'_>) -> usize {
        match self {
            Self::Feed(stage) => stage.poll(turn),
            Self::Strategy(stage) => stage.poll(turn),
            Self::Risk(stage) => stage.poll(turn),
            Self::Gateway(stage) => stage.poll(turn),
            Self::Paper(stage) => stage.poll(turn),
        }
    }
}
