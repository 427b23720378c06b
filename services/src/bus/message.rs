//! The message: a run of records of one lane and family, with the place in the journal that it
//! reaches to.
//!
//! # Layout
//! Little endian, without padding. `WLBUSMSG`, version u16, layout of the journal u32, family u8,
//! epoch u16, chain u64, born u64, lane u16, prev u64, piece u16, pieces u16, then the counts of
//! lanes u16, gaps u16 and records u32. A lane: lane u16, after u64, segment u64, offset u64, seq
//! u64. A gap: epoch u16, lane u16, after u64, first u64. A record: kind u16, stage u8, seq u64, ts
//! u64, len u32, and `len` bytes. A record that is longer than a message is sent in pieces, each a
//! message with a part of these bytes.

use super::family::Family;
use crate::follow::{Gap, Taken};
use sha2::{Digest as _, Sha256};
use shm::journal::{LAYOUT_VERSION, LaneSeq, Position};
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;

const MAGIC: &[u8; 8] = b"WLBUSMSG";

/// The version of messages that this program writes and reads.
pub const VERSION: u16 = 1;

/// Bytes of a record before its body.
const RECORD: usize = 23;

/// A lane of the session, as of the end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneAt {
    /// Where to read on from; what is read again is known by its number.
    pub at: Position,
    /// Its last record that was published.
    pub after: LaneSeq,
}

/// What a message says before its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What its records are.
    pub family: Family,
    /// The session.
    pub epoch: u16,
    /// Digest of the message before it; 0 of the first one.
    pub chain: u64,
    /// When the session was opened, ns since the Unix epoch; 0 where that is not known.
    pub born: u64,
    /// The lane of its records.
    pub lane: u16,
    /// The record of that lane that was published before these.
    pub prev: LaneSeq,
    /// Which piece it is of how many, from 1.
    pub piece: (u16, u16),
    /// Records, all pieces together.
    pub records: u32,
    /// All lanes, as of its end.
    pub lanes: Vec<LaneAt>,
    /// Records that were removed before they were read.
    pub gaps: Vec<Gap>,
}

/// Why bytes are no message that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They do not begin like one.
    #[error("it is not a message of this bus")]
    Magic,
    /// It is of another version of the program.
    #[error("it is of version {0}, this program reads version {VERSION}: use the same release")]
    Version(u16),
    /// The journal that it was made of has another layout.
    #[error(
        "its journal has layout {0}, this program reads layout {LAYOUT_VERSION}: use the same \
         release"
    )]
    Layout(u32),
    /// It ends too early, or something in it is out of its range.
    #[error("it is damaged")]
    Damaged,
}

impl Head {
    /// Head and records as bytes.
    #[must_use]
    pub fn encode(&self, records: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 34 * self.lanes.len() + records.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
        out.push(self.family as u8);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.chain.to_le_bytes());
        out.extend_from_slice(&self.born.to_le_bytes());
        out.extend_from_slice(&self.lane.to_le_bytes());
        out.extend_from_slice(&self.prev.0.to_le_bytes());
        out.extend_from_slice(&self.piece.0.to_le_bytes());
        out.extend_from_slice(&self.piece.1.to_le_bytes());
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let (lanes, gaps) = (count(self.lanes.len()), count(self.gaps.len()));
        out.extend_from_slice(&lanes.to_le_bytes());
        out.extend_from_slice(&gaps.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        for LaneAt { at, after } in self.lanes.iter().take(lanes.into()) {
            out.extend_from_slice(&at.lane.to_le_bytes());
            for word in [after.0, at.segment, at.offset, at.seq.0] {
                out.extend_from_slice(&word.to_le_bytes());
            }
        }
        for gap in self.gaps.iter().take(gaps.into()) {
            out.extend_from_slice(&gap.epoch.to_le_bytes());
            out.extend_from_slice(&gap.lane.to_le_bytes());
            out.extend_from_slice(&gap.after.0.to_le_bytes());
            out.extend_from_slice(&gap.first.0.to_le_bytes());
        }
        out.extend_from_slice(records);
        out
    }

    /// Head, and the bytes behind it.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut rest = Rest(bytes);
        if rest.take::<8>() != Some(*MAGIC) {
            return Err(Malformed::Magic);
        }
        let version = rest.u16().ok_or(Malformed::Damaged)?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let layout = rest.take().map(u32::from_le_bytes).ok_or(Malformed::Damaged)?;
        if layout != LAYOUT_VERSION {
            return Err(Malformed::Layout(layout));
        }
        let head = Self::fields(&mut rest).ok_or(Malformed::Damaged)?;
        Ok((head, rest.0))
    }

    fn fields(rest: &mut Rest<'_>) -> Option<Self> {
        let [family] = rest.take()?;
        let family = Family::from_u8(family)?;
        let (epoch, chain) = (rest.u16()?, rest.u64()?);
        let (born, lane) = (rest.u64()?, rest.u16()?);
        let prev = LaneSeq(rest.u64()?);
        let piece = (rest.u16()?, rest.u16()?);
        let (lanes, gaps) = (rest.u16()?, rest.u16()?);
        let records = rest.take().map(u32::from_le_bytes)?;
        if piece.0 == 0 || piece.0 > piece.1 {
            return None;
        }
        let lane_at = |rest: &mut Rest<'_>| {
            let (lane, after) = (rest.u16()?, LaneSeq(rest.u64()?));
            let (segment, offset, seq) = (rest.u64()?, rest.u64()?, LaneSeq(rest.u64()?));
            let at = Position { segment, offset, seq, ..Position::start(epoch, lane) };
            Some(LaneAt { at, after })
        };
        let lanes = (0..lanes).map(|_| lane_at(rest)).collect::<Option<_>>()?;
        let gap = |rest: &mut Rest<'_>| {
            let (epoch, lane) = (rest.u16()?, rest.u16()?);
            Some(Gap { epoch, lane, after: LaneSeq(rest.u64()?), first: LaneSeq(rest.u64()?) })
        };
        let gaps = (0..gaps).map(|_| gap(rest)).collect::<Option<_>>()?;
        Some(Self { family, epoch, chain, born, lane, prev, piece, records, lanes, gaps })
    }

    /// The records behind this head, all pieces put together.
    ///
    /// # Errors
    /// [`Malformed::Damaged`].
    pub fn records<'a>(&self, bytes: &'a [u8]) -> Result<Vec<Taken<'a>>, Malformed> {
        let mut rest = Rest(bytes);
        let mut records = Vec::new();
        let mut last = LaneSeq(0);
        for _ in 0..self.records {
            let taken = self.record(&mut rest).ok_or(Malformed::Damaged)?;
            if taken.seq <= last {
                return Err(Malformed::Damaged);
            }
            last = taken.seq;
            records.push(taken);
        }
        if rest.0.is_empty() { Ok(records) } else { Err(Malformed::Damaged) }
    }

    fn record<'a>(&self, rest: &mut Rest<'a>) -> Option<Taken<'a>> {
        let kind = RecordKind::from_u16(rest.u16()?);
        let [stage] = rest.take()?;
        let (seq, ts) = (LaneSeq(rest.u64()?), Nanos(rest.u64()?));
        let len = rest.take().map(u32::from_le_bytes)?;
        let (body, left) = rest.0.split_at_checked(usize::try_from(len).ok()?)?;
        rest.0 = left;
        let (epoch, lane, stage) = (self.epoch, self.lane, StageId(stage));
        Some(Taken { epoch, lane, seq, kind, stage, ts, body })
    }
}

/// The digest of a message, which the next one names.
#[must_use]
pub fn chain_of(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, byte)| *to = byte);
    u64::from_le_bytes(first)
}

/// Appends a record.
pub(super) fn put(out: &mut Vec<u8>, kind: RecordKind, taken: &Taken<'_>) {
    out.reserve(RECORD + taken.body.len());
    out.extend_from_slice(&(kind as u16).to_le_bytes());
    out.push(taken.stage.0);
    out.extend_from_slice(&taken.seq.0.to_le_bytes());
    out.extend_from_slice(&taken.ts.0.to_le_bytes());
    // A record's own length is 32 bits wide.
    out.extend_from_slice(&(taken.body.len() as u32).to_le_bytes());
    out.extend_from_slice(taken.body);
}

/// Bytes that are still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
