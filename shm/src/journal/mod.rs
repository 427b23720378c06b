//! The journal: one append-only lane per hot thread, in memory first, on the disk after.
//!
//! ```text
//!                 hot_dir (tmpfs)                          dir (disk): journal/epoch-00007/lane-2
//!  hot thread ─► LaneWriter ─► lane-2/seg-0..3 ─► Archiver ─► 00000000.seg 00000001.seg ...
//!                 commit word     reused once         │ CRC32C, fdatasync         │
//!                 + seq chain     archived            └► marks: durable, per lane │
//!                                     │                                           │
//!                                     └──────────► LaneReader ◄───────────────────┘
//!                                                  (any process, any time)
//! ```
//!
//! What holds:
//! - A record is committed by one 64-bit release store of its first word; the word after the last
//!   committed record is 0. A process may die between any two instructions and the lane is whole.
//! - A lane has one writer. It makes no system call, allocates nothing, computes no checksum, and
//!   never waits for a reader: without a free segment an append is refused, typed ([`LaneFull`]).
//! - A segment is reused only after the archiver has synced it. A reader that was overtaken notices
//!   by the segment number and goes on from the disk.
//! - The marks never run ahead of the disk: a bad record at or below a mark is corruption, above it
//!   a torn tail.
//! - A write or sync error is final ([`ArchiveError`]); nothing is retried into success.
//!
//! # Layout
//! A segment, hot or archived, is a [`SegmentHeader`] of 64 bytes and then records, each starting
//! on a multiple of 64: a [`RecordHeader`] of 32 bytes, then the body and payload up to `len`, then
//! padding. A record of kind [`KIND_ROLL`] says that the lane goes on in the next segment number.
//! Archived segments carry checksums and zeroed padding; hot ones carry neither. Little endian.

mod header;
mod lane;
#[cfg(all(test, loom))]
mod loom_tests;
mod memory;
mod shared;
mod tail;

pub use header::{
    HEADER_BYTES, KIND_ROLL, LAYOUT_VERSION, LaneSeq, RECORD_ALIGN, RECORD_VERSION, RecordHeader,
    SEGMENT_MAGIC, SegmentHeader, record_crc, stride,
};
pub use lane::{LaneFull, LaneWriter, Place};
pub use shared::{DurableMark, LaneSpec};
pub use tail::{LaneTail, TailFault};

/// What needs files, or plain access to memory: not part of the loom models.
#[cfg(not(loom))]
mod files {
    pub use super::archive::{ArchiveError, Archiver, Progress};
    pub use super::catalog::{Journal, ReadError};
    pub use super::claim::{Claim, ClaimMismatch};
    pub use super::cursor::{LaneReader, Record};
    pub use super::epoch::{EpochError, coming_epoch, keep_epoch};
    pub use super::folder::{FileError, FileStep, link_hot};
    pub use super::hot::{CreateError, Lane};
    pub use super::marks::{Mark, Marks, MarksError};
    pub use super::position::{CursorError, DurableCursor, Position};
    pub use super::recover::{RecoverError, Recovered, recover_hot};
    pub use super::segment::Damage;
    pub use super::verify::{Fault, FaultKind, LaneReport, Report, Stray, cut, strays, verify};
}
#[cfg(not(loom))]
mod archive;
#[cfg(not(loom))]
mod catalog;
#[cfg(not(loom))]
mod claim;
#[cfg(not(loom))]
mod cursor;
#[cfg(not(loom))]
mod disk;
#[cfg(not(loom))]
mod epoch;
#[cfg(not(loom))]
mod folder;
#[cfg(not(loom))]
mod hot;
#[cfg(not(loom))]
mod marks;
#[cfg(not(loom))]
mod position;
#[cfg(not(loom))]
mod recover;
#[cfg(not(loom))]
mod segment;
#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(not(loom))]
mod verify;
#[cfg(not(loom))]
pub use files::*;

const _: () = assert!(
    cfg!(target_endian = "little") && size_of::<usize>() == 8,
    "the journal's layout is that of 64-bit little-endian machines"
);
