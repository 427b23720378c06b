//! Latest-value cell: one writer that never waits, readers that retry a bounded number of times.
//!
//! A cell is for state that is replaced, not for events: a reader sees some recent record whole, or
//! nothing. Every payload word is an atomic, so that a racing copy is a retry and never undefined.
//!
//! # Layout
//! A cell starts on a line of 64 bytes and is followed by padding up to the next one.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | version: 0 never written, odd while being written, even and rising by 2 per write |
//! | 8 | n | the record, native endian, n a multiple of 8 |
//!
//! To read: load the version (acquire); odd or 0: nothing yet; copy the record in words of 8 bytes;
//! acquire fence; load the version again; if it differs, the copy is torn: start over.

use crate::atomic::{AtomicU64, Ordering, fence, spin_hint};
use crate::map::{ReadWord, ReadWords, Words};
use core::cell::Cell;
use core::marker::PhantomData;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Times a reader tries before it gives up. A write takes some tens of nanoseconds, so this is
/// reached only when the writer lost its core in the middle, or writes without a pause.
pub const TRIES_MAX: u32 = 64;

/// A record that may live in a cell: plain bytes without padding, size a multiple of 8.
pub trait CellRecord: FromBytes + IntoBytes + Immutable {
    /// Names the record in a region's directory; unique among the records of the system.
    const KIND: u32;
    /// Every field in order as `name:type`, comma separated. Its hash stands in the directory: a
    /// reader that was built with another layout refuses the cell.
    const LAYOUT: &'static str;
}

/// Words of a cell with a record of `record_bytes` (version, record), padded to whole lines.
#[must_use]
pub const fn cell_words(record_bytes: usize) -> usize {
    (1 + record_bytes.div_ceil(8)).next_multiple_of(8)
}

/// Which ordering of the protocol the loom models leave out; production code uses [`SOUND`].
///
/// A const parameter, so that the models break the real code and not a copy of it.
mod weaken {
    /// Nothing is left out.
    pub(super) const SOUND: u8 = 0;
    /// Writer: no release fence after the odd mark.
    #[cfg(all(test, loom))]
    pub(super) const NO_WRITE_FENCE: u8 = 1;
    /// Writer: the closing store is relaxed.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_CLOSE: u8 = 2;
    /// Reader: the opening load is relaxed.
    #[cfg(all(test, loom))]
    pub(super) const RELAXED_OPEN: u8 = 3;
    /// Reader: no acquire fence before the closing load.
    #[cfg(all(test, loom))]
    pub(super) const NO_READ_FENCE: u8 = 4;
}
use weaken::SOUND;

/// Writes `record` (whole words of 8 bytes) into a cell whose version is `stable`, an even number;
/// returns the new version. One writer at a time.
#[inline(always)]
fn write_cell<const WEAK: u8>(cell: &[AtomicU64], stable: u64, record: &[[u8; 8]]) -> u64 {
    let [version, words @ ..] = cell else { return stable };
    debug_assert!(record.len() <= words.len(), "the record was sized when the cell was made");
    let next = stable.wrapping_add(2);
    // ORDERING: Relaxed, then a Release fence: no payload word may become visible before the odd
    // mark. Pairs with the Acquire fence before the closing load of `read_cell`.
    version.store(stable.wrapping_add(1), Ordering::Relaxed);
    if WEAK != 1 {
        fence(Ordering::Release);
    }
    for (word, bytes) in words.iter().zip(record) {
        // ORDERING: Relaxed: ordered by the fence before and the Release store after.
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
    // ORDERING: Release: the payload is visible to whoever sees the even mark. Pairs with the
    // Acquire load that opens `read_cell`.
    let close = if WEAK == 2 { Ordering::Relaxed } else { Ordering::Release };
    version.store(next, close);
    next
}

/// Copies a cell's record out, trying `tries` times. `false`: never written, or torn every time;
/// `record` then holds bytes of no meaning.
#[inline(always)]
fn read_cell<const WEAK: u8>(cell: &[ReadWord], record: &mut [[u8; 8]], tries: u32) -> bool {
    let [version, words @ ..] = cell else { return false };
    for _ in 0..tries {
        // ORDERING: Acquire: payload words of this version are visible after it. Pairs with the
        // Release store that closes `write_cell`.
        let open = if WEAK == 3 { Ordering::Relaxed } else { Ordering::Acquire };
        let before = version.load(open);
        if before == 0 {
            return false;
        }
        if before & 1 == 0 {
            for (bytes, word) in record.iter_mut().zip(words) {
                // ORDERING: Relaxed: ordered by the Acquire load before and the fence after.
                *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
            }
            // ORDERING: an Acquire fence, then Relaxed: if any word above came from a later write,
            // its odd mark is seen below. Pairs with the Release fence of `write_cell`.
            if WEAK != 4 {
                fence(Ordering::Acquire);
            }
            if version.load(Ordering::Relaxed) == before {
                return true;
            }
        }
        spin_hint();
    }
    false
}

/// The writing end of a cell. Send, not Sync, not Clone: there is one writer.
#[derive(Debug)]
pub struct CellWriter<T> {
    /// Version and record, `cell_words` long.
    words: Words,
    /// The version as this writer left it, even. `Cell` also makes the writer not Sync.
    stable: Cell<u64>,
    _record: PhantomData<fn(T)>,
}

impl<T: CellRecord> CellWriter<T> {
    /// Takes the words of a cell (`cell_words(size_of::<T>())` of them); `None` when they are too
    /// few. The caller hands a cell to one writer at a time; a cell whose last writer died in the
    /// middle of a write is mended by the next write.
    #[must_use]
    pub fn new(words: &Words) -> Option<Self> {
        const { assert!(size_of::<T>().is_multiple_of(8), "a cell holds whole words") };
        let words = words.slice(0, cell_words(size_of::<T>()))?;
        // ORDERING: Relaxed: whoever wrote before has handed the cell over.
        let version = words.first()?.load(Ordering::Relaxed);
        Some(Self {
            words,
            stable: Cell::new(version.wrapping_add(version & 1)),
            _record: PhantomData,
        })
    }

    /// Replaces the record. Never waits.
    #[inline]
    pub fn write(&self, record: &T) {
        let (words, _) = record.as_bytes().as_chunks::<8>();
        self.stable.set(write_cell::<SOUND>(&self.words, self.stable.get(), words));
    }

    /// A reader of the same cell, in this process.
    #[must_use]
    pub fn reader(&self) -> CellReader<T> {
        CellReader { words: self.words.reader(), _record: PhantomData }
    }
}

/// A reading end of a cell.
#[derive(Clone, Debug)]
pub struct CellReader<T> {
    words: ReadWords,
    _record: PhantomData<fn() -> T>,
}

impl<T: CellRecord> CellReader<T> {
    /// Takes the words of a cell; `None` when they are too few for the record.
    #[must_use]
    pub fn new(words: &ReadWords) -> Option<Self> {
        const { assert!(size_of::<T>().is_multiple_of(8), "a cell holds whole words") };
        let words = words.slice(0, cell_words(size_of::<T>()))?;
        Some(Self { words, _record: PhantomData })
    }

    /// The latest record; `None` when none was ever written, or when [`TRIES_MAX`] tries all met
    /// the writer at work: keep the last one and try again later.
    #[inline]
    #[must_use]
    pub fn read(&self) -> Option<T> {
        let mut record = T::new_zeroed();
        let (words, _) = record.as_mut_bytes().as_chunks_mut::<8>();
        read_cell::<SOUND>(&self.words, words, TRIES_MAX).then_some(record)
    }

    /// Writes so far; a reader that polls can tell whether there is anything new.
    #[inline]
    #[must_use]
    pub fn writes(&self) -> u64 {
        // ORDERING: Relaxed: a hint; `read` orders itself.
        self.words.first().map_or(0, |version| version.load(Ordering::Relaxed) / 2)
    }
}

/// A reading end of a cell whose record the reader does not know: bytes, for generic tools.
#[derive(Clone, Debug)]
pub struct RawCellReader {
    words: ReadWords,
}

impl RawCellReader {
    /// Takes the words of a cell: version and record.
    #[must_use]
    pub fn new(words: ReadWords) -> Self {
        Self { words }
    }

    /// Copies the record's first words into `record`; `false`, and `record` without meaning, as for
    /// [`CellReader::read`].
    #[must_use]
    pub fn read_into(&self, record: &mut [[u8; 8]]) -> bool {
        read_cell::<SOUND>(&self.words, record, TRIES_MAX)
    }
}

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, not(loom)))]
mod tests;
