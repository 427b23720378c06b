//! Runs of shared words that keep alive what they lie in.
#![expect(unsafe_code, reason = "words of memory, mapped or not")]

#[cfg(not(loom))]
use super::MappedFile;
use crate::atomic::{AtomicU64, Ordering};
use core::ops::Deref;
use core::ptr::NonNull;
use std::sync::Arc;

/// What a run of words lies in; held so that the memory outlives the run.
#[derive(Clone)]
enum Keep {
    /// Ordinary memory: simulations and tests.
    Heap { _words: Arc<[AtomicU64]> },
    /// A mapped file.
    #[cfg(not(loom))]
    Mapped { _file: Arc<MappedFile> },
}

/// A run of shared 64-bit words that this process may write. Derefs to `[AtomicU64]`.
///
/// Cloning and slicing count a reference: cold code only. Reading and writing through it does not.
#[derive(Clone)]
pub struct Words {
    /// First word; valid for `count` words as long as `keep` lives.
    first: NonNull<AtomicU64>,
    count: usize,
    keep: Keep,
}

// SAFETY: the memory is reached only through `&AtomicU64`, which is Sync, and `keep` is Send +
// Sync.
unsafe impl Send for Words {}
// SAFETY: as above; `&Words` gives nothing but `&[AtomicU64]`.
unsafe impl Sync for Words {}

impl Words {
    /// `count` zeroed words of ordinary memory.
    #[must_use]
    pub fn heap(count: usize) -> Self {
        let words: Arc<[AtomicU64]> = (0..count).map(|_| AtomicU64::new(0)).collect();
        Self { first: NonNull::from(&*words).cast(), count, keep: Keep::Heap { _words: words } }
    }

    /// `count` words from byte `offset` of a mapped file; `None` unless the mapping is writable,
    /// `offset` is a multiple of 8 and the run lies inside.
    #[cfg(not(loom))]
    #[must_use]
    pub fn mapped(file: &Arc<MappedFile>, offset: usize, count: usize) -> Option<Self> {
        let first = NonNull::from(file.words(offset, count)?).cast();
        Some(Self { first, count, keep: Keep::Mapped { _file: Arc::clone(file) } })
    }

    /// Words `from..from + count` of this run; `None` when they are not all in it.
    #[must_use]
    pub fn slice(&self, from: usize, count: usize) -> Option<Self> {
        let part = self.get(from..from.checked_add(count)?)?;
        Some(Self { first: NonNull::from(part).cast(), count, keep: self.keep.clone() })
    }

    /// One word of this run, by index.
    #[must_use]
    pub fn word(&self, index: usize) -> Option<Word> {
        let word = self.get(index)?;
        Some(Word { word: NonNull::from(word), _keep: self.keep.clone() })
    }

    /// The same words for reading only.
    #[must_use]
    pub fn reader(&self) -> ReadWords {
        ReadWords { words: self.clone() }
    }
}

impl Deref for Words {
    type Target = [AtomicU64];

    #[inline(always)]
    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `first` and `count` came from a slice inside what `keep` owns (`heap`, `mapped`,
        // `slice`), which is neither moved nor freed while `self` lives.
        unsafe { core::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl core::fmt::Debug for Words {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Words").field("count", &self.count).finish_non_exhaustive()
    }
}

/// One shared word that this process may write. Derefs to `AtomicU64`.
pub struct Word {
    /// Valid as long as `_keep` lives.
    word: NonNull<AtomicU64>,
    _keep: Keep,
}

// SAFETY: the memory is reached only through `&AtomicU64`, which is Sync, and `_keep` is Send +
// Sync.
unsafe impl Send for Word {}
// SAFETY: as above; `&Word` gives nothing but `&AtomicU64`.
unsafe impl Sync for Word {}

impl Deref for Word {
    type Target = AtomicU64;

    #[inline(always)]
    fn deref(&self) -> &AtomicU64 {
        // SAFETY: `word` was taken from a live run of words (`Words::word`) whose memory `_keep`
        // holds.
        unsafe { self.word.as_ref() }
    }
}

impl core::fmt::Debug for Word {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("Word")
    }
}

/// A shared word that someone else writes and this process only loads.
///
/// # Layout
/// 8 bytes, native endian; the same bytes as the writer's `AtomicU64`.
#[repr(transparent)]
#[derive(Debug)]
pub struct ReadWord(AtomicU64);

impl ReadWord {
    /// Loads the word. `order` is Relaxed or Acquire.
    #[inline(always)]
    #[must_use]
    pub fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    /// Writable words seen by a reader in the same process.
    #[inline(always)]
    #[must_use]
    pub fn slice(words: &[AtomicU64]) -> &[Self] {
        let (first, count) = (words.as_ptr().cast::<Self>(), words.len());
        // SAFETY: `ReadWord` is a transparent wrapper of `AtomicU64`, so the slice has the same
        // layout; the lifetime is that of `words`.
        unsafe { core::slice::from_raw_parts(first, count) }
    }
}

/// A run of shared words that someone else writes. Derefs to `[ReadWord]`.
#[derive(Clone, Debug)]
pub struct ReadWords {
    /// May lie in a read-only mapping: never handed out as `AtomicU64`.
    words: Words,
}

impl ReadWords {
    /// `count` words from byte `offset` of a mapped file, read-only or not; `None` unless `offset`
    /// is a multiple of 8 and the run lies inside.
    #[cfg(not(loom))]
    #[must_use]
    pub fn mapped(file: &Arc<MappedFile>, offset: usize, count: usize) -> Option<Self> {
        let first = NonNull::from(file.read_words(offset, count)?).cast();
        let keep = Keep::Mapped { _file: Arc::clone(file) };
        Some(Self { words: Words { first, count, keep } })
    }

    /// Words `from..from + count` of this run; `None` when they are not all in it.
    #[must_use]
    pub fn slice(&self, from: usize, count: usize) -> Option<Self> {
        Some(Self { words: self.words.slice(from, count)? })
    }
}

impl Deref for ReadWords {
    type Target = [ReadWord];

    #[inline(always)]
    fn deref(&self) -> &[ReadWord] {
        ReadWord::slice(&self.words)
    }
}
