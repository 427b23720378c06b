//! The region: one file in which an engine shows itself. Counters, histograms and cells, each with
//! a label, so that a tool that knows only this page can list and read all of them.
//!
//! ```text
//!   header ─ directory ─┬─ thread "md"    ─ counters │ histograms │ cells    each thread's data
//!                       └─ thread "trade" ─ counters │ histograms │ cells    on its own lines
//! ```
//!
//! The file is made once at start, complete before it gets its name, mapped once, and never
//! resized. The engine writes through handles, each of which exists once; readers map read-only and
//! can neither slow nor change anything. A start replaces the file of the run before; who has the
//! old one mapped keeps the old one and sees in its header that the writer is gone.
//!
//! # Layout
//! All words are little endian u64 unless said, at multiples of 8. Offsets are bytes from the start
//! of the file.
//!
//! Header, 128 bytes:
//!
//! | offset | what |
//! |---|---|
//! | 0 | magic, the bytes `WLREGION` |
//! | 8 | layout version, [`LAYOUT_VERSION`] |
//! | 16 | layout hash, [`LAYOUT_HASH`]: FNV-1a of the text [`LAYOUT`] |
//! | 24 | state: 0 being made, 1 open, 2 closed in good order; stored with release |
//! | 32 | length of the file |
//! | 40 | epoch of the engine's run |
//! | 48 | process id of the writer; 0 for a region in ordinary memory |
//! | 56 | start time of that process, clock ticks since boot (`/proc/PID/stat`, field 22) |
//! | 64 | FNV-1a of the machine's boot id; with the two words above it names a process for good |
//! | 72 | engine start, ns since the Unix epoch |
//! | 80 | offset of the directory, 128 |
//! | 88 | entries in the directory |
//! | 96 | reserved, 32 bytes of 0 |
//!
//! Directory entry, 128 bytes:
//!
//! | offset | what |
//! |---|---|
//! | 0 | kind, u32: 1 thread, 2 counter, 3 histogram, 4 cells |
//! | 4 | index of the entry of the thread that writes it, u32 |
//! | 8 | offset of the first item; on 8 (counter), 64 (cells) or 128 (thread, histogram) |
//! | 16 | bytes from one item to the next; of a thread: bytes of all its data |
//! | 24 | items: 1, or the number of cells |
//! | 32 | cells: record kind, u32; else 0 |
//! | 36 | cells: record bytes, u32; else 0 |
//! | 40 | cells: FNV-1a of the record's field list; else 0 |
//! | 48 | label, 48 bytes of printable ASCII, padded with zeros; of a thread: its name |
//! | 96 | unit, 16 bytes of the same |
//! | 112 | reserved, 16 bytes of 0 |
//!
//! What an item is: [`counters`](crate::counters), [`histogram`](crate::histogram),
//! [`seqlock`](crate::seqlock). Entries of a thread follow the thread's own. A thread's data starts
//! on a line of 128 bytes, and so does whatever comes after it.
#![cfg(not(loom))]
#![expect(clippy::disallowed_types, reason = "cold: before start, and in tools")]

use crate::map::MapError;
use core::fmt;

mod builder;
mod process;
mod reader;

pub use builder::{CellKey, CounterKey, HistogramKey, Region, RegionBuilder};
pub use process::ProcessName;
pub use reader::{Entry, Kind, RegionReader, WriterState};

/// First word of the file.
pub const MAGIC: u64 = u64::from_ne_bytes(*b"WLREGION");

/// Version of the layout on this page and of the pages it names.
pub const LAYOUT_VERSION: u64 = 1;

/// The layout in one line: what [`LAYOUT_HASH`] is taken of. Any change of a size or offset changes
/// this text and [`LAYOUT_VERSION`].
pub const LAYOUT: &str = "header:magic@0,version@8,hash@16,state@24,bytes@32,epoch@40,pid@48,\
    pid_start@56,boot@64,start_ns@72,directory@80,entries@88;128|\
    entry:kind@0:u32,thread@4:u32,offset@8,stride@16,count@24,record_kind@32:u32,\
    record_bytes@36:u32,record_hash@40,label@48:48,unit@96:16;128|\
    counter:value@0;8|\
    histogram:count@0,sum@8,min@16,max@24,overflow@32,highest@40,figures@48,len@56,counts@128;128|\
    cell:version@0,record@8;64";

/// FNV-1a of [`LAYOUT`]. Readers refuse a file with another one.
pub const LAYOUT_HASH: u64 = fnv1a(LAYOUT.as_bytes());

/// Bytes of the header, and offset of the directory.
pub const HEADER_BYTES: usize = 128;

/// Bytes of a directory entry.
pub const ENTRY_BYTES: usize = 128;

/// Bytes of a label, and of a thread's name.
pub const LABEL_BYTES: usize = 48;

/// Bytes of a unit.
pub const UNIT_BYTES: usize = 16;

/// Threads, counters, histograms and runs of cells of one region.
pub const ENTRIES_MAX: usize = 1 << 16;

/// States of a region, as in its header.
mod state {
    pub(super) const OPEN: u64 = 1;
    pub(super) const CLOSED: u64 = 2;
}

/// Indexes of the header's words.
mod at {
    pub(super) const MAGIC: usize = 0;
    pub(super) const VERSION: usize = 1;
    pub(super) const HASH: usize = 2;
    pub(super) const STATE: usize = 3;
    pub(super) const BYTES: usize = 4;
    pub(super) const EPOCH: usize = 5;
    pub(super) const PID: usize = 6;
    pub(super) const PID_START: usize = 7;
    pub(super) const BOOT: usize = 8;
    pub(super) const START_NS: usize = 9;
    pub(super) const DIRECTORY: usize = 10;
    pub(super) const ENTRIES: usize = 11;
}

const _: () = assert!(cfg!(target_endian = "little"), "a directory entry is packed so");
const _: () = assert!(HEADER_BYTES == 16 * 8 && at::ENTRIES * 8 == 88);
const _: () = assert!(ENTRY_BYTES == 48 + LABEL_BYTES + UNIT_BYTES + 16);

/// The 64-bit FNV-1a hash of some bytes.
///
/// Source: RFC 9923, "The FNV Non-Cryptographic Hash Algorithm", section 2 (FNV-1a), 64-bit
/// parameters of section 5.
#[must_use]
pub const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01B3);
        rest = tail;
    }
    hash
}

/// A text of up to `N` bytes of printable ASCII, padded with zeros.
///
/// # Layout
/// `N` bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label<const N: usize>([u8; N]);

impl<const N: usize> Label<N> {
    /// Pads a text; `None` when it is longer than `N` or not printable ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; N];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Self::from_bytes(bytes)
    }

    /// Takes padded bytes; `None` when they are not printable ASCII and then zeros.
    #[must_use]
    pub fn from_bytes(bytes: [u8; N]) -> Option<Self> {
        let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(N);
        let (text, padding) = bytes.split_at_checked(len)?;
        let printable = text.iter().all(|byte| matches!(byte, b' '..=b'~'));
        (printable && padding.iter().all(|&byte| byte == 0)).then_some(Self(bytes))
    }

    /// The text without its padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.0.split(|&byte| byte == 0).next().unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Display for Label<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Label<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.as_str())
    }
}

/// Why a region cannot be made or read.
#[derive(Debug)]
pub enum RegionError {
    /// The file cannot be made, opened or mapped.
    Map(MapError),
    /// A process that lives has it: a second instance of the engine.
    InUse {
        /// Its process id.
        pid: u32,
    },
    /// The file is not a region: too short, or another magic.
    NotARegion,
    /// A region of another layout version: read it with the release that wrote it.
    OtherVersion {
        /// The version in the file; ours is [`LAYOUT_VERSION`].
        found: u64,
    },
    /// A region of the same version and another layout: a build from other sources.
    OtherLayout {
        /// The hash in the file; ours is [`LAYOUT_HASH`].
        found: u64,
    },
    /// It was never finished.
    Unfinished,
    /// The header gives another length than the file has.
    OtherLength {
        /// The length in the header.
        stated: u64,
        /// The length of the file.
        actual: u64,
    },
    /// A directory entry points outside the file or contradicts itself.
    BadEntry {
        /// Its index.
        index: usize,
    },
    /// A label, name or unit is empty, too long or not printable ASCII.
    BadLabel(String),
    /// Two items of one thread and kind have the same label, or two threads the same name.
    DuplicateLabel(String),
    /// An item was added before the first thread.
    NoThread(String),
    /// Figures or highest value of a histogram, or the number or size of cells, are out of range.
    OutOfRange(String),
    /// There is nothing of this kind under the label.
    NoSuchLabel(String),
    /// The cells hold another record than the one asked for, or the same in another layout.
    OtherRecord(String),
}

impl fmt::Display for RegionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(error) => error.fmt(out),
            Self::InUse { pid } => write!(out, "the region is in use by process {pid}"),
            Self::NotARegion => out.write_str("the file is not a region"),
            Self::OtherVersion { found } => write!(
                out,
                "the region has layout version {found}, this program reads {LAYOUT_VERSION}"
            ),
            Self::OtherLayout { found } => write!(
                out,
                "the region has layout {found:016x}, this program reads {LAYOUT_HASH:016x}: \
                 they were built from different sources"
            ),
            Self::Unfinished => out.write_str("the region was never finished"),
            Self::OtherLength { stated, actual } => {
                write!(out, "the region says {stated} bytes and the file has {actual}")
            }
            Self::BadEntry { index } => write!(out, "entry {index} of the region is not valid"),
            Self::BadLabel(label) => write!(
                out,
                "`{label}` is no label: 1 to {LABEL_BYTES} characters (a unit: up to \
                 {UNIT_BYTES}) of printable ASCII"
            ),
            Self::DuplicateLabel(label) => write!(out, "the label `{label}` is there twice"),
            Self::NoThread(label) => write!(out, "`{label}` has no thread that writes it"),
            Self::OutOfRange(label) => write!(out, "`{label}` has a size out of range"),
            Self::NoSuchLabel(label) => write!(out, "the region has no `{label}`"),
            Self::OtherRecord(label) => write!(out, "`{label}` holds another record"),
        }
    }
}

impl core::error::Error for RegionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Map(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MapError> for RegionError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

#[cfg(test)]
mod tests;
