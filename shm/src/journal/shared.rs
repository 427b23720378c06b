//! What the two ends of a lane share, and what a lane is made with.
#![forbid(unsafe_code)]

use super::header::{LaneSeq, RECORD_ALIGN};
use super::memory::order;
use crate::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// What a lane is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSpec {
    /// The lane: 0 is the control thread's, then one per hot thread.
    pub lane: u16,
    /// This engine start; from `coming_epoch`.
    pub epoch: u16,
    /// Bytes of one segment: a multiple of 64, in `SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX`.
    pub segment_bytes: usize,
    /// Segments of the lane, in `2..=SEGMENTS_MAX`.
    pub segments: u32,
    /// Hash of the record layouts, written into each segment for readers to compare.
    pub layout_hash: u64,
}

impl LaneSpec {
    /// Least bytes of a segment: header, two records of 64, roll marker.
    pub const SEGMENT_BYTES_MIN: usize = 4 * RECORD_ALIGN;
    /// Most bytes of a segment: 1 GiB.
    pub const SEGMENT_BYTES_MAX: usize = 1 << 30;
    /// Most segments of a lane.
    pub const SEGMENTS_MAX: u32 = 4096;

    /// Whether the sizes are in their ranges.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.segment_bytes >= Self::SEGMENT_BYTES_MIN
            && self.segment_bytes <= Self::SEGMENT_BYTES_MAX
            && self.segment_bytes.is_multiple_of(RECORD_ALIGN)
            && self.segments >= 2
            && self.segments <= Self::SEGMENTS_MAX
    }
}

/// A word on two cache lines of its own (the prefetcher fetches lines in pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Padded(pub(super) AtomicU64);

impl core::ops::Deref for Padded {
    type Target = AtomicU64;

    #[inline(always)]
    fn deref(&self) -> &AtomicU64 {
        &self.0
    }
}

/// Words that the reading end writes and the writing end reads.
#[derive(Debug, Default)]
pub(super) struct LaneShared {
    /// Segments below this number are archived: their memory may be reused.
    pub(super) archived: Padded,
    /// The last record known to be on the disk.
    durable: Padded,
    /// Records that found no room: written by the writing end, never in the ordinary course.
    lost: Padded,
    /// For loom alone.
    #[cfg(all(test, loom))]
    pub(super) uses: super::memory::Uses,
}

impl LaneShared {
    #[inline(always)]
    pub(super) fn durable(&self) -> LaneSeq {
        // ORDERING: Acquire: whoever acts on a durable record does so after the sync; pairs with
        // `set_durable`.
        LaneSeq(self.durable.load(Ordering::Acquire))
    }

    pub(super) fn set_durable(&self, seq: LaneSeq) {
        // ORDERING: Release: the sync comes first; pairs with `durable`.
        self.durable.store(seq.0, Ordering::Release);
    }

    /// Records that found no room.
    pub(super) fn lost(&self) -> u64 {
        // ORDERING: Relaxed: a lone count; the records are not there to be ordered with.
        self.lost.load(Ordering::Relaxed)
    }

    #[cold]
    pub(super) fn lose(&self) {
        // ORDERING: Relaxed: as above.
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_archived(&self, number: u64) {
        self.archived.store(number, order::free());
    }
}

/// How far one lane is durable, for a thread that waits for it. Reading it is one load.
#[derive(Clone, Debug)]
pub struct DurableMark {
    shared: Arc<LaneShared>,
}

impl DurableMark {
    pub(super) fn new(shared: Arc<LaneShared>) -> Self {
        Self { shared }
    }

    /// The last durable record; [`LaneSeq::NONE`] before the first sync.
    #[inline]
    #[must_use]
    pub fn get(&self) -> LaneSeq {
        self.shared.durable()
    }

    /// Whether a record is durable.
    #[inline]
    #[must_use]
    pub fn covers(&self, seq: LaneSeq) -> bool {
        self.get() >= seq
    }
}
