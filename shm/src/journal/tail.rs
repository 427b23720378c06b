//! The reading end of a lane in the writer's own process: the archiver's, or a simulation's.
#![forbid(unsafe_code)]

use super::header::{
    HEADER_BYTES, KIND_ROLL, LaneSeq, RECORD_ALIGN, RECORDS_AT, RecordHeader, stride,
};
use super::memory::{self, order};
use super::shared::{LaneShared, LaneSpec};
use crate::atomic::{AtomicU64, Ordering};
use crate::map::Words;
use core::fmt;
use std::sync::Arc;
#[cfg(not(loom))]
use zerocopy::IntoBytes as _;

/// What stands in a lane's memory is not what its writer wrote: a stray write. The lane ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailFault {
    /// The lane.
    pub lane: u16,
    /// Segment number.
    pub number: u64,
    /// Byte offset in the segment.
    pub offset: u64,
}

impl fmt::Display for TailFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lane, number, offset } = self;
        write!(
            out,
            "the memory of journal lane {lane} is damaged at segment {number}, byte {offset}"
        )
    }
}

impl core::error::Error for TailFault {}

/// A position in a live lane: everything before it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// Segment number.
    pub(super) number: u64,
    /// Offset of the next record.
    pub(super) offset: usize,
    /// The last record before.
    pub(super) seq: LaneSeq,
}

impl Walk {
    pub(super) const START: Self = Self { number: 0, offset: RECORDS_AT, seq: LaneSeq::NONE };
}

/// What a walk passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Segment number.
    pub(super) number: u64,
    /// Offset of the record.
    pub(super) offset: usize,
    /// Its header; a roll marker if the segment ends here.
    pub(super) header: RecordHeader,
}

impl Item {
    pub(super) fn is_roll(&self) -> bool {
        self.header.kind == KIND_ROLL
    }
}

/// The reading end of a lane. There is one; dropping it leaves the writer with what is free.
pub struct LaneTail {
    segments: Box<[Words]>,
    shared: Arc<LaneShared>,
    spec: LaneSpec,
    /// Used by [`LaneTail::take`]; the archiver keeps its own.
    at: Walk,
}

impl LaneTail {
    pub(super) fn new(segments: Box<[Words]>, shared: Arc<LaneShared>, spec: LaneSpec) -> Self {
        Self { segments, shared, spec, at: Walk::START }
    }

    /// What the lane was made with.
    #[must_use]
    pub fn spec(&self) -> &LaneSpec {
        &self.spec
    }

    /// Takes the next committed record, counts it as durable, and gives passed segments back to the
    /// writer; `None` when there is none yet. `body` receives body and payload. For lanes in memory
    /// that nobody archives: a simulation reads its journal this way, or throws it away.
    ///
    /// # Errors
    /// [`TailFault`]; the lane is of no more use.
    pub fn take(&mut self, body: &mut Vec<u8>) -> Result<Option<RecordHeader>, TailFault> {
        loop {
            let mut at = self.at;
            let Some(item) = self.next(&mut at)? else { return Ok(None) };
            if item.is_roll() {
                self.at = at;
                self.free(at.number);
                continue;
            }
            body.clear();
            body.resize((item.header.len as usize).saturating_sub(HEADER_BYTES), 0);
            #[cfg(all(test, loom))]
            self.shared.uses.read((item.number % self.segments.len() as u64) as usize);
            if !self.load(item.number, item.offset + HEADER_BYTES, body) {
                return Err(self.fault(&item));
            }
            self.at = at;
            self.set_durable(at.seq);
            return Ok(Some(item.header));
        }
    }

    /// Records that the writer has done the deed of and found no room for.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost()
    }

    /// Passes one record or roll marker; `None`, with `at` as before, when the lane ends there.
    pub(super) fn next(&self, at: &mut Walk) -> Result<Option<Item>, TailFault> {
        let Some([commit, rest @ ..]) = self.head(at) else {
            return Err(self.damage(at));
        };
        let word = commit.load(order::committed());
        if word == 0 {
            return Ok(None);
        }
        let mut words = [word, 0, 0, 0];
        for (value, word) in words.iter_mut().skip(1).zip(rest) {
            // ORDERING: Relaxed: ordered by the load of the commit word.
            *value = word.load(Ordering::Relaxed);
        }
        let header: RecordHeader = zerocopy::transmute!(words);
        let item = Item { number: at.number, offset: at.offset, header };
        let len = header.len as usize;
        let end = at.offset.saturating_add(stride(len));
        let whole = header.crc == 0 && len >= HEADER_BYTES && header.seq == at.seq.next().low();
        if !whole {
            return Err(self.damage(at));
        }
        if item.is_roll() {
            *at = Walk { number: at.number + 1, offset: RECORDS_AT, seq: at.seq };
        } else if end <= self.spec.segment_bytes - RECORD_ALIGN {
            *at = Walk { number: at.number, offset: end, seq: at.seq.next() };
        } else {
            return Err(self.damage(at));
        }
        Ok(Some(item))
    }

    /// Copies committed bytes; `false`, with nothing copied, unless they lie in the segment.
    pub(super) fn load(&self, number: u64, offset: usize, into: &mut [u8]) -> bool {
        self.segment(number).is_some_and(|words| memory::load_bytes(words, offset, into))
    }

    /// Bytes 0..64 of a segment; `None` unless it holds this number now.
    #[cfg(not(loom))]
    pub(super) fn segment_head(&self, number: u64) -> Option<[u64; RECORDS_AT / 8]> {
        let mut words = [0_u64; RECORDS_AT / 8];
        let segment = self.segment(number)?;
        memory::load_bytes(segment, 0, words.as_mut_bytes()).then_some(())?;
        (words.get(super::header::NUMBER_AT / 8) == Some(&number)).then_some(words)
    }

    /// Gives all segments below `number` back to the writer.
    pub(super) fn free(&self, number: u64) {
        self.shared.set_archived(number);
    }

    /// How far the lane is durable.
    #[cfg(not(loom))]
    pub(super) fn durable(&self) -> LaneSeq {
        self.shared.durable()
    }

    /// Moves the durable mark.
    pub(super) fn set_durable(&self, seq: LaneSeq) {
        self.shared.set_durable(seq);
    }

    pub(super) fn damage(&self, at: &Walk) -> TailFault {
        TailFault { lane: self.spec.lane, number: at.number, offset: at.offset as u64 }
    }

    pub(super) fn fault(&self, item: &Item) -> TailFault {
        TailFault { lane: self.spec.lane, number: item.number, offset: item.offset as u64 }
    }

    fn segment(&self, number: u64) -> Option<&Words> {
        self.segments.get((number % self.segments.len() as u64) as usize)
    }

    fn head(&self, at: &Walk) -> Option<&[AtomicU64; 4]> {
        self.segment(at.number)?.get(at.offset / 8..)?.first_chunk::<4>()
    }
}

impl fmt::Debug for LaneTail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LaneTail")
            .field("spec", &self.spec)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
