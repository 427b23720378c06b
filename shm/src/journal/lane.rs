//! The writing end of a lane: one owner, no allocation, no system call, no checksum.
#![cfg_attr(not(loom), expect(unsafe_code, reason = "bytes of records in place"))]

#[cfg(not(loom))]
use super::claim::Claim;
use super::header::{
    HEADER_BYTES, KIND_ROLL, LAYOUT_VERSION, LaneSeq, NUMBER_AT, NUMBER_NONE, RECORD_ALIGN,
    RECORDS_AT, RecordHeader, SEGMENT_MAGIC, SegmentHeader, stride,
};
use super::memory::{self, order};
use super::shared::{DurableMark, LaneShared, LaneSpec};
use super::tail::LaneTail;
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::map::Words;
use crate::units::Nanos;
use core::fmt;
use std::sync::Arc;

/// Why a record was not written. Nothing of it is visible; the lane is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[repr(u8)]
pub enum LaneFull {
    /// No free segment: the archiver is behind or has failed. Refuse orders, keep what is left for
    /// reports and cancels; try again when [`LaneWriter::free_segments`] grows.
    Full = 1,
    /// The record would not fit an empty segment: a programming error, or `segment_mib` too small.
    TooLong = 2,
}

impl fmt::Display for LaneFull {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Full => "the journal lane has no free segment: the archiver is behind or failed",
            Self::TooLong => "the record is longer than a journal segment: raise segment_mib",
        })
    }
}

impl core::error::Error for LaneFull {}

/// Where the bytes of a committed record lie, for [`LaneWriter::body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The record.
    pub seq: LaneSeq,
    /// Segment number.
    pub(super) number: u64,
    /// Offset of the body in the segment.
    pub(super) offset: usize,
    /// Bytes of body and payload.
    pub(super) len: usize,
}

/// The one writer of a lane. `Send`, not `Clone`: it moves into the thread that owns the lane.
pub struct LaneWriter {
    /// The segments; `number % segments.len()` is where segment `number` lies.
    segments: Box<[Words]>,
    shared: Arc<LaneShared>,
    spec: LaneSpec,
    /// Index of the current segment: `number % segments.len()`.
    slot: usize,
    /// Number of the current segment.
    number: u64,
    /// Offset of the next record: a multiple of 64, at most `limit`; its commit word is 0.
    offset: usize,
    /// End of what records may fill; a roll marker fits behind it.
    limit: usize,
    /// The last committed record, and its time.
    seq: LaneSeq,
    ts: u64,
}

impl LaneWriter {
    /// Both ends of a lane over ordinary memory: simulations, backtests, benches, tests.
    ///
    /// # Panics
    /// When the sizes of `spec` are not those [`LaneSpec::is_valid`] allows. Construction only.
    #[must_use]
    pub fn in_memory(spec: LaneSpec) -> (Self, LaneTail) {
        assert!(spec.is_valid(), "a lane of {spec:?}");
        let words = spec.segment_bytes / 8;
        Self::over((0..spec.segments).map(|_| Words::heap(words)).collect(), spec)
    }

    /// Both ends of a lane over `spec.segments` runs of `spec.segment_bytes`, whatever they held.
    pub(super) fn over(segments: Box<[Words]>, spec: LaneSpec) -> (Self, LaneTail) {
        let shared = Arc::new(LaneShared::default());
        let mut writer = Self {
            segments: segments.clone(),
            shared: Arc::clone(&shared),
            spec,
            slot: 0,
            number: 0,
            offset: RECORDS_AT,
            limit: spec.segment_bytes - RECORD_ALIGN,
            seq: LaneSeq::NONE,
            ts: 0,
        };
        for slot in 0..writer.segments.len() {
            writer.head(slot, NUMBER_NONE);
        }
        writer.head(0, 0);
        (writer, LaneTail::new(segments, shared, spec))
    }

    /// Appends one record: `body` behind a header of this `kind`, `stage`, `at` and `ts`.
    ///
    /// # Errors
    /// [`LaneFull`]; nothing is written.
    #[inline]
    pub fn append(
        &mut self,
        kind: u16,
        stage: u8,
        at: u64,
        ts: Nanos,
        body: &[u8],
    ) -> Result<LaneSeq, LaneFull> {
        Ok(self.append_placed(kind, stage, at, ts, body)?.seq)
    }

    /// As [`LaneWriter::append`], telling where the record lies, for [`LaneWriter::body`].
    ///
    /// # Errors
    /// [`LaneFull`]; nothing is written.
    #[inline]
    pub fn append_placed(
        &mut self,
        kind: u16,
        stage: u8,
        at: u64,
        ts: Nanos,
        body: &[u8],
    ) -> Result<Place, LaneFull> {
        let len = HEADER_BYTES.saturating_add(body.len());
        let offset = self.reserve(len)? + HEADER_BYTES;
        let Some(segment) = self.segments.get(self.slot) else { return Err(LaneFull::Full) };
        if !memory::store_bytes(segment, offset, body) {
            return Err(LaneFull::TooLong);
        }
        self.commit(len, kind, stage, at, ts);
        Ok(Place { seq: self.seq, number: self.number, offset, len: body.len() })
    }

    /// A place in the lane for a record whose payload, of at most `payload_max` bytes, is written
    /// there directly (by `recv`, by an encoder) behind `fixed` bytes of body. Dropping the claim
    /// writes nothing.
    ///
    /// # Errors
    /// [`LaneFull`]; nothing is written.
    #[cfg(not(loom))]
    #[inline]
    pub fn claim(&mut self, fixed: usize, payload_max: usize) -> Result<Claim<'_>, LaneFull> {
        let len = HEADER_BYTES.saturating_add(fixed).saturating_add(payload_max);
        let offset = self.reserve(len)?;
        Ok(Claim::new(self, offset, fixed, payload_max))
    }

    /// Body and payload of a committed record, in the lane: what a gateway sends. `None` once its
    /// segment has been reused, `segments` rolls later.
    #[cfg(not(loom))]
    #[inline]
    #[must_use]
    pub fn body(&self, place: Place) -> Option<&[u8]> {
        let segments = self.segments.len() as u64;
        if self.number.checked_sub(place.number)? >= segments {
            return None;
        }
        let words = self.segments.get((place.number % segments) as usize)?;
        // SAFETY: the record is committed, its segment is not reused (checked above), and the only
        // writer of the lane is `self`, borrowed as long as the slice.
        unsafe { memory::bytes(words, place.offset, place.len) }
    }

    /// The last committed record; [`LaneSeq::NONE`] before the first.
    #[inline]
    #[must_use]
    pub fn last_seq(&self) -> LaneSeq {
        self.seq
    }

    /// Segments that the writer may still move on to, `0..segments`. Below 2 raw capture stops,
    /// below 1 orders are refused; the rest of the current segment is for reports and cancels.
    #[inline]
    #[must_use]
    pub fn free_segments(&self) -> u32 {
        let archived = self.shared.archived.load(order::freed());
        (archived + self.segments.len() as u64).saturating_sub(self.number + 1) as u32
    }

    /// Bytes of records that are sure to fit now, headers and padding counted, as long as none is
    /// longer than what is left of a segment.
    #[must_use]
    pub fn room(&self) -> usize {
        (self.limit - self.offset) + self.free_segments() as usize * (self.limit - RECORDS_AT)
    }

    /// Whether `bytes` of records are sure to fit now, as [`LaneWriter::room`] counts them.
    #[inline]
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.limit - self.offset >= bytes || self.room() >= bytes
    }

    /// Says that a record of what has been done found no room: what the lane holds is not all that
    /// was, and its archiver tells.
    #[cold]
    pub fn lose(&self) {
        self.shared.lose();
    }

    /// How far the lane is durable: moved by the archiver after each sync.
    #[inline]
    #[must_use]
    pub fn durable(&self) -> LaneSeq {
        self.shared.durable()
    }

    /// A handle on [`LaneWriter::durable`] for the gateway that waits for this lane.
    #[must_use]
    pub fn durable_mark(&self) -> DurableMark {
        DurableMark::new(Arc::clone(&self.shared))
    }

    /// What the lane was made with.
    #[must_use]
    pub fn spec(&self) -> &LaneSpec {
        &self.spec
    }

    /// Makes `len` bytes fit the current segment, rolling if they must; the offset they start at.
    #[inline(always)]
    fn reserve(&mut self, len: usize) -> Result<usize, LaneFull> {
        let stride = stride(len);
        if stride > self.limit - self.offset {
            self.roll(stride)?;
        }
        Ok(self.offset)
    }

    /// Moves on to the next segment.
    #[cold]
    #[inline(never)]
    fn roll(&mut self, stride: usize) -> Result<(), LaneFull> {
        if stride > self.limit - RECORDS_AT {
            return Err(LaneFull::TooLong);
        }
        if self.free_segments() == 0 {
            return Err(LaneFull::Full);
        }
        let (slot, number) = ((self.slot + 1) % self.segments.len(), self.number + 1);
        self.head(slot, number);
        if let Some(marker) = self.record(self.slot, self.offset) {
            let words = RecordHeader::words(KIND_ROLL, 0, self.seq.next().low(), 0, self.ts);
            for (word, value) in marker.iter().skip(1).zip(words) {
                // ORDERING: Relaxed: published by the commit below.
                word.store(value, Ordering::Relaxed);
            }
            if let Some(word) = marker.first() {
                word.store(HEADER_BYTES as u64, order::commit());
            }
        }
        (self.slot, self.number, self.offset) = (slot, number, RECORDS_AT);
        Ok(())
    }

    /// Writes the header of a segment that is being taken into use, and a 0 where its first record
    /// will be committed.
    fn head(&mut self, slot: usize, number: u64) {
        let Some(segment) = self.segments.get(slot) else { return };
        let header = SegmentHeader {
            magic: SEGMENT_MAGIC,
            layout: LAYOUT_VERSION,
            crc: 0,
            lane: self.spec.lane,
            epoch: self.spec.epoch,
            segments: self.spec.segments,
            number,
            first_seq: self.seq.next().0,
            bytes: self.spec.segment_bytes as u64,
            layout_hash: self.spec.layout_hash,
            _reserved: 0,
        };
        #[cfg(all(test, loom))]
        self.shared.uses.reused(slot);
        let Some(number_word) = segment.get(NUMBER_AT / 8) else { return };
        // ORDERING: Relaxed, then a Release fence: no byte of the new use may become visible before
        // the old number is gone; pairs with the fence that stands between a reader's copy and its
        // second look at the number.
        number_word.store(NUMBER_NONE, Ordering::Relaxed);
        fence(Ordering::Release);
        for (index, (word, value)) in segment.iter().zip(header.words()).enumerate() {
            if index != NUMBER_AT / 8 {
                // ORDERING: Relaxed: published by the number below.
                word.store(value, Ordering::Relaxed);
            }
        }
        if let Some(commit) = segment.get(RECORDS_AT / 8) {
            // ORDERING: Relaxed: published by the number below.
            commit.store(0, Ordering::Relaxed);
        }
        // ORDERING: Release: header and zero come first; pairs with the fence after a reader's
        // first look at the number. A reader of this process comes by the roll marker instead.
        number_word.store(number, Ordering::Release);
    }

    /// Commits the record at the current offset, whose body is written.
    #[inline(always)]
    pub(super) fn commit(&mut self, len: usize, kind: u16, stage: u8, at: u64, ts: Nanos) {
        let Some(segment) = self.segments.get(self.slot) else { return };
        let next = self.offset + stride(len);
        let seq = self.seq.next();
        if let Some(behind) = segment.get(next / 8) {
            // ORDERING: Relaxed: published by the commit below; whoever sees this record sees that
            // the next is not there yet, whatever the segment held before.
            behind.store(0, Ordering::Relaxed);
        }
        let head = segment.get(self.offset / 8..).and_then(<[AtomicU64]>::first_chunk::<4>);
        if let Some([commit, rest @ ..]) = head {
            for (word, value) in
                rest.iter().zip(RecordHeader::words(kind, stage, seq.low(), at, ts.0))
            {
                // ORDERING: Relaxed: published by the commit below.
                word.store(value, Ordering::Relaxed);
            }
            commit.store(len as u64, order::commit());
        }
        memory::prefetch(segment, next + RECORD_ALIGN);
        memory::prefetch(segment, next + 2 * RECORD_ALIGN);
        (self.offset, self.seq, self.ts) = (next, seq, ts.0);
    }

    /// Uncommitted bytes of the current segment.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(super) fn uncommitted(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        if offset < self.offset + HEADER_BYTES {
            return None;
        }
        let segment = self.segments.get(self.slot)?;
        // SAFETY: the run starts behind the commit word of the next record, so no reader of this
        // process looks at it, and the only writer is `self`, borrowed mutably as long as the
        // slice.
        unsafe { memory::bytes_mut(segment, offset, len) }
    }

    /// The four header words of the record at `offset` of a segment.
    #[inline(always)]
    fn record(&self, slot: usize, offset: usize) -> Option<&[AtomicU64; 4]> {
        self.segments.get(slot)?.get(offset / 8..)?.first_chunk::<4>()
    }

    /// Number of the current segment.
    #[cfg(not(loom))]
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Debug for LaneWriter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LaneWriter")
            .field("spec", &self.spec)
            .field("number", &self.number)
            .field("offset", &self.offset)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
