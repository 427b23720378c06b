//! A place in a lane that is written before it is committed.
#![forbid(unsafe_code)]

use super::header::{HEADER_BYTES, LaneSeq};
use super::lane::{LaneWriter, Place};
use crate::units::Nanos;
use core::fmt;

/// The bytes handed to [`Claim::commit`] are not those that were claimed. Nothing is committed; a
/// programming error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct ClaimMismatch;

impl fmt::Display for ClaimMismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the record is not of the sizes that were claimed")
    }
}

impl core::error::Error for ClaimMismatch {}

/// A place in a lane: `fixed` bytes of body, then up to `payload_max` bytes of payload.
#[derive(Debug)]
pub struct Claim<'lane> {
    writer: &'lane mut LaneWriter,
    /// Offset of the record in the current segment.
    offset: usize,
    fixed: usize,
    payload_max: usize,
}

impl<'lane> Claim<'lane> {
    #[inline(always)]
    pub(super) fn new(
        writer: &'lane mut LaneWriter,
        offset: usize,
        fixed: usize,
        payload_max: usize,
    ) -> Self {
        Self { writer, offset, fixed, payload_max }
    }

    /// Where the payload goes: `payload_max` bytes that hold whatever the memory held before.
    #[inline]
    #[must_use]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let offset = self.offset + HEADER_BYTES + self.fixed;
        self.writer.uncommitted(offset, self.payload_max).unwrap_or_default()
    }

    /// The sequence number that the record will have.
    #[inline]
    #[must_use]
    pub fn seq(&self) -> LaneSeq {
        self.writer.last_seq().next()
    }

    /// Commits the record with the first `payload_len` bytes of the payload; where it lies.
    ///
    /// # Errors
    /// [`ClaimMismatch`] when `fixed_bytes` are not as many as claimed, or `payload_len` exceeds
    /// what was claimed. Nothing is committed.
    #[inline]
    pub fn commit(
        self,
        kind: u16,
        stage: u8,
        at: u64,
        ts: Nanos,
        fixed_bytes: &[u8],
        payload_len: usize,
    ) -> Result<Place, ClaimMismatch> {
        if fixed_bytes.len() != self.fixed || payload_len > self.payload_max {
            return Err(ClaimMismatch);
        }
        let body = self.offset + HEADER_BYTES;
        let Some(fixed) = self.writer.uncommitted(body, self.fixed) else {
            return Err(ClaimMismatch);
        };
        fixed.copy_from_slice(fixed_bytes);
        let len = self.fixed + payload_len;
        self.writer.commit(HEADER_BYTES + len, kind, stage, at, ts);
        let (seq, number) = (self.writer.last_seq(), self.writer.number());
        Ok(Place { seq, number, offset: body, len })
    }
}
