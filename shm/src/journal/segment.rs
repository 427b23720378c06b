//! Segments as bytes: which records stand in them, and where they end.
#![forbid(unsafe_code)]

use super::header::{
    HEADER_BYTES, KIND_ROLL, LAYOUT_VERSION, LaneSeq, NUMBER_NONE, RECORD_VERSION, RECORDS_AT,
    RecordHeader, SEGMENT_MAGIC, SegmentHeader, record_crc, stride,
};
use super::shared::LaneSpec;
use core::fmt;
use zerocopy::FromBytes as _;

/// Where bytes came from, and so what proves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A hot segment: commit words and the chain of sequence numbers.
    Hot,
    /// An archived segment: checksums and zeroed padding besides.
    Archive,
}

/// What is wrong with the bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file ends inside the record or header.
    Short,
    /// The segment header is not one, or its checksum is wrong.
    Header,
    /// The segment header is sound but names another lane, epoch, number or first sequence number.
    Misplaced,
    /// The segment is of another layout version: found here.
    Layout(u32),
    /// The length of the record is impossible: found here.
    Length(u32),
    /// The sequence number breaks the chain: found here.
    Sequence(u32),
    /// The record is of another version: found here.
    Version(u8),
    /// The checksum of the record is wrong.
    Checksum,
    /// The padding behind the record is not zero.
    Padding,
    /// The lane ends before this record, which is known to have been durable.
    Missing,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => out.write_str("the file ends inside the record"),
            Self::Header => out.write_str("the segment header is damaged"),
            Self::Misplaced => out.write_str("the segment belongs elsewhere"),
            Self::Layout(found) => {
                write!(out, "layout version {found}, this program reads {LAYOUT_VERSION}")
            }
            Self::Length(found) => write!(out, "impossible record length {found}"),
            Self::Sequence(found) => write!(out, "sequence number {found} breaks the chain"),
            Self::Version(found) => {
                write!(out, "record version {found}, this program reads {RECORD_VERSION}")
            }
            Self::Checksum => out.write_str("wrong checksum"),
            Self::Padding => out.write_str("padding that is not zero"),
            Self::Missing => out.write_str("the lane ends before this record"),
        }
    }
}

/// What stands at an offset of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole record of `header.len` bytes; the next starts `stride` bytes on.
    Record(RecordHeader),
    /// The lane goes on in the next segment.
    Roll,
    /// Nothing is committed here.
    End,
    /// Something is, but no record that could stand here.
    Bad(Damage),
}

/// What stands at the start of `bytes`, where the record after `last` is expected.
pub(super) fn find(bytes: &[u8], last: LaneSeq, origin: Origin) -> Found {
    let Ok((word, _)) = u64::read_from_prefix(bytes) else {
        // A file cut between two records, or inside a commit word that never was.
        let blank = bytes.iter().all(|&byte| byte == 0);
        return if blank { Found::End } else { Found::Bad(Damage::Short) };
    };
    if word == 0 {
        return Found::End;
    }
    let len = word as u32 as usize;
    if !(HEADER_BYTES..=LaneSpec::SEGMENT_BYTES_MAX).contains(&len) {
        return Found::Bad(Damage::Length(len as u32));
    }
    let Some((record, behind)) = bytes.split_at_checked(len) else {
        return Found::Bad(Damage::Short);
    };
    let Ok((header, _)) = RecordHeader::read_from_prefix(record) else {
        return Found::Bad(Damage::Short);
    };
    match origin {
        Origin::Hot if header.crc != 0 => return Found::Bad(Damage::Checksum),
        Origin::Archive if header.crc != record_crc(record) => return Found::Bad(Damage::Checksum),
        Origin::Hot | Origin::Archive => {}
    }
    if header.version != RECORD_VERSION {
        return Found::Bad(Damage::Version(header.version));
    }
    if header.seq != last.next().low() {
        return Found::Bad(Damage::Sequence(header.seq));
    }
    let Some(padding) = behind.get(..stride(len) - len) else { return Found::Bad(Damage::Short) };
    if origin == Origin::Archive && padding.iter().any(|&byte| byte != 0) {
        return Found::Bad(Damage::Padding);
    }
    if header.kind == KIND_ROLL {
        return if len == HEADER_BYTES {
            Found::Roll
        } else {
            Found::Bad(Damage::Length(len as u32))
        };
    }
    Found::Record(header)
}

/// Which segment a reader expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) epoch: u16,
    pub(super) lane: u16,
    pub(super) number: u64,
    /// Its first record; `None` when nothing is known yet.
    pub(super) first_seq: Option<LaneSeq>,
}

/// The header of a segment, if its bytes hold one.
pub(super) fn parse_head(bytes: &[u8], origin: Origin) -> Result<SegmentHeader, Damage> {
    let Ok((head, _)) = SegmentHeader::read_from_prefix(bytes) else { return Err(Damage::Short) };
    if head.magic != SEGMENT_MAGIC {
        return Err(Damage::Header);
    }
    if origin == Origin::Archive && head.crc != head.computed_crc() {
        return Err(Damage::Header);
    }
    if head.layout != LAYOUT_VERSION {
        return Err(Damage::Layout(head.layout));
    }
    let sound = head.segments >= 2
        && head.bytes >= LaneSpec::SEGMENT_BYTES_MIN as u64
        && head.bytes <= LaneSpec::SEGMENT_BYTES_MAX as u64
        && head.number != NUMBER_NONE
        && head.first_seq != 0;
    if sound { Ok(head) } else { Err(Damage::Header) }
}

/// Whether a header is that of the expected segment.
pub(super) fn check_head(head: &SegmentHeader, expected: &Expected) -> Result<(), Damage> {
    let here = (head.epoch, head.lane, head.number);
    let first_fits = expected.first_seq.is_none_or(|seq| seq.0 == head.first_seq);
    if here == (expected.epoch, expected.lane, expected.number) && first_fits {
        Ok(())
    } else {
        Err(Damage::Misplaced)
    }
}

/// How far a run of records goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes of whole records, padding included, a roll marker not.
    pub(super) bytes: usize,
    /// Records among them.
    pub(super) records: u64,
    /// The last of them.
    pub(super) seq: LaneSeq,
    /// Time of the last of them; 0 when there is none.
    pub(super) ts: u64,
    /// What stands behind them.
    pub(super) end: Found,
}

/// Walks the records of `bytes` from `offset` on, where the record after `last` is expected.
pub(super) fn walk(bytes: &[u8], offset: usize, last: LaneSeq, origin: Origin) -> Extent {
    let mut extent = Extent { bytes: 0, records: 0, seq: last, ts: 0, end: Found::End };
    loop {
        let rest = bytes.get(offset.saturating_add(extent.bytes)..).unwrap_or_default();
        match find(rest, extent.seq, origin) {
            Found::Record(header) => {
                extent.bytes += stride(header.len as usize);
                extent.records += 1;
                extent.seq = extent.seq.next();
                extent.ts = header.ts;
            }
            end => return Extent { end, ..extent },
        }
    }
}

/// Turns the records of a hot segment into those of an archived one: checksums in, padding zeroed.
/// `bytes` are whole records, as [`walk`] found them, with or without a roll marker.
pub(super) fn seal(bytes: &mut [u8]) {
    let mut rest = bytes;
    while let Ok((header, _)) = RecordHeader::read_from_prefix(rest) {
        let len = header.len as usize;
        let Some((record, behind)) = rest.split_at_mut_checked(stride(len)) else { return };
        let Some((used, padding)) = record.split_at_mut_checked(len) else { return };
        if len < HEADER_BYTES {
            return;
        }
        padding.fill(0);
        let crc = record_crc(used);
        if let Some(field) = used.get_mut(4..8) {
            field.copy_from_slice(&crc.to_le_bytes());
        }
        rest = behind;
    }
}

/// The same for a segment header.
pub(super) fn seal_head(head: &SegmentHeader) -> SegmentHeader {
    SegmentHeader { crc: head.computed_crc(), ..*head }
}

/// Offset of the first record of a segment.
pub(super) const FIRST: usize = RECORDS_AT;
