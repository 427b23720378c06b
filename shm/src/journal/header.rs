//! What is written in front of every record and every segment.
#![forbid(unsafe_code)]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Records start on multiples of this many bytes: one cache line.
pub const RECORD_ALIGN: usize = 64;
/// Bytes of a [`RecordHeader`].
pub const HEADER_BYTES: usize = 32;
/// Version of the record header and of the bodies behind it, as written in each record.
pub const RECORD_VERSION: u8 = 1;
/// Version of the segment layout.
pub const LAYOUT_VERSION: u32 = 1;
/// First bytes of a segment.
pub const SEGMENT_MAGIC: [u8; 8] = *b"WLJRNSEG";
/// Kind of the record that ends a segment: the lane goes on in the next segment number. It has no
/// body and takes no sequence number; its `seq` is that of the record that follows it.
pub const KIND_ROLL: u16 = u16::MAX;
/// Segment number of a hot segment that is being taken into use.
pub(super) const NUMBER_NONE: u64 = u64::MAX;
/// Offset of the first record of a segment.
pub(super) const RECORDS_AT: usize = size_of::<SegmentHeader>();
/// Byte offset of the segment number in a segment.
pub(super) const NUMBER_AT: usize = 24;

/// Sequence number of a record in its lane and epoch: 1 is the first, none is left out. Records
/// carry its low 32 bits.
///
/// # Layout
/// 8 bytes, native endian.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct LaneSeq(pub u64);

impl LaneSeq {
    /// Before the first record: nothing written, nothing durable.
    pub const NONE: Self = Self(0);

    /// The number as a record carries it.
    #[must_use]
    pub const fn low(self) -> u32 {
        self.0 as u32
    }

    /// The number of the record after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// The head of a record.
///
/// # Layout
/// 32 bytes: `len` 0, `crc` 4, `kind` 8, `stage` 10, `version` 11, `seq` 12, `at` 16, `ts` 24.
/// `len` and `crc` are one 64-bit word, stored last: the commit word.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct RecordHeader {
    /// Bytes of header, body and payload, without padding; at least 32. 0 is "not committed".
    pub len: u32,
    /// CRC32C of `len` bytes with this field 0; 0 in a hot segment.
    pub crc: u32,
    /// What the record is; [`KIND_ROLL`] belongs to the journal, the rest to `shm::record`.
    pub kind: u16,
    /// The stage of the writing thread that the record speaks for.
    pub stage: u8,
    /// [`RECORD_VERSION`].
    pub version: u8,
    /// Low 32 bits of the [`LaneSeq`].
    pub seq: u32,
    /// Primary messages the stage had taken so far.
    pub at: u64,
    /// Engine time in ns.
    pub ts: u64,
}

const _: () = assert!(size_of::<RecordHeader>() == HEADER_BYTES);
const _: () = assert!(core::mem::offset_of!(RecordHeader, kind) == 8);
const _: () = assert!(core::mem::offset_of!(RecordHeader, seq) == 12);
const _: () = assert!(core::mem::offset_of!(RecordHeader, ts) == 24);

impl RecordHeader {
    /// The 64-bit words of the header behind the commit word, as stored.
    #[inline(always)]
    pub(super) const fn words(kind: u16, stage: u8, seq: u32, at: u64, ts: u64) -> [u64; 3] {
        let first =
            kind as u64 | (stage as u64) << 16 | (RECORD_VERSION as u64) << 24 | (seq as u64) << 32;
        [first, at, ts]
    }
}

/// Bytes from the start of a record of `len` bytes to the next: `len` rounded up to 64.
#[inline(always)]
#[must_use]
pub const fn stride(len: usize) -> usize {
    len.saturating_add(RECORD_ALIGN - 1) & !(RECORD_ALIGN - 1)
}

/// CRC32C of a record (header, body and payload, no padding) with its `crc` field read as 0.
#[must_use]
pub fn record_crc(record: &[u8]) -> u32 {
    let Some((word, rest)) = record.split_first_chunk::<8>() else {
        return crc32c::crc32c(record);
    };
    let [len0, len1, len2, len3, ..] = *word;
    let head = crc32c::crc32c(&[len0, len1, len2, len3, 0, 0, 0, 0]);
    crc32c::crc32c_append(head, rest)
}

/// The head of a segment.
///
/// # Layout
/// 64 bytes: `magic` 0, `layout` 8, `crc` 12, `lane` 16, `epoch` 18, `segments` 20, `number` 24,
/// `first_seq` 32, `bytes` 40, `layout_hash` 48, `_reserved` 56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SegmentHeader {
    /// [`SEGMENT_MAGIC`].
    pub magic: [u8; 8],
    /// [`LAYOUT_VERSION`].
    pub layout: u32,
    /// CRC32C of the 64 bytes with this field 0; 0 in a hot segment.
    pub crc: u32,
    /// The lane.
    pub lane: u16,
    /// The engine start that wrote it.
    pub epoch: u16,
    /// Hot segments of the lane; segment `number` lies in `seg-<number % segments>`.
    pub segments: u32,
    /// Position of the segment in its lane and epoch, from 0; all ones while it changes hands.
    pub number: u64,
    /// Sequence number of its first record.
    pub first_seq: u64,
    /// Bytes of the segment, this header included.
    pub bytes: u64,
    /// Hash of the layout of the records, from the writer.
    pub layout_hash: u64,
    /// 0.
    pub _reserved: u64,
}

const _: () = assert!(size_of::<SegmentHeader>() == RECORD_ALIGN);
const _: () = assert!(core::mem::offset_of!(SegmentHeader, number) == NUMBER_AT);
const _: () = assert!(core::mem::offset_of!(SegmentHeader, first_seq) == 32);

impl SegmentHeader {
    /// CRC32C of the header with its `crc` field read as 0.
    #[must_use]
    pub fn computed_crc(&self) -> u32 {
        crc32c::crc32c(Self { crc: 0, ..*self }.as_bytes())
    }

    /// The words of the header, as stored.
    pub(super) fn words(&self) -> [u64; 8] {
        zerocopy::transmute!(*self)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Goal: words and struct are the same bytes. Method: distinct values in each field.
    #[test]
    fn the_words_of_a_header_are_its_fields() {
        let [first, at, ts] = RecordHeader::words(0x1122, 0x33, 0x4455_6677, 8, 9);
        let bytes: [u8; 32] = zerocopy::transmute!([40_u64, first, at, ts]);
        let header = RecordHeader::read_from_bytes(&bytes).unwrap();
        let expected = RecordHeader {
            len: 40,
            crc: 0,
            kind: 0x1122,
            stage: 0x33,
            version: RECORD_VERSION,
            seq: 0x4455_6677,
            at: 8,
            ts: 9,
        };
        assert_eq!(header, expected);
    }

    /// Goal: the checksum ignores its own field and nothing else. Method: flip each bit of a
    /// record.
    #[test]
    fn record_crc_covers_every_bit_but_its_own() {
        let record: Vec<u8> = (0..72).map(|byte| byte * 3).collect();
        let crc = record_crc(&record);
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(record_crc(&flipped) == crc, (4..8).contains(&(bit / 8)), "bit {bit}");
        }
    }

    /// Goal: strides are multiples of 64 and never overflow.
    #[test]
    fn strides_round_up_to_a_line() {
        let strides = [(32, 64), (64, 64), (65, 128), (128, 128), (129, 192)];
        assert!(strides.iter().all(|&(len, bytes)| stride(len) == bytes));
        assert_eq!(stride(usize::MAX) % RECORD_ALIGN, 0);
    }
}
