//! Latency counts in HdrHistogram's bucket layout: one writing thread, readers take snapshots.
//!
//! A value is counted in a bucket whose width is at most the value divided by `10^figures`. Values
//! are nanoseconds; the lowest that can be told from its neighbours is 1. A value above `highest`
//! is counted in the bucket of `highest` and in an overflow count; count, sum, minimum and maximum
//! are of the true values.
//!
//! With 3 figures up to 60 s a histogram takes 27,648 buckets (216 KiB, of which a latency touches
//! a few lines); with 2 figures 3,840 buckets (30 KiB).
//!
//! # Layout
//! A histogram starts on a line of 128 bytes. All words are native endian u64.
//!
//! | offset | what |
//! |---|---|
//! | 0 | values counted; stored last, with release |
//! | 8 | sum of the values, saturating |
//! | 16 | smallest value; all ones when there is none |
//! | 24 | largest value |
//! | 32 | values above `highest` |
//! | 40 | `highest`: largest value that has a bucket of its own |
//! | 48 | `figures`: significant decimal figures, 1 to 5 |
//! | 56 | buckets that follow |
//! | 64 | reserved, 64 bytes of 0 |
//! | 128 | buckets, 8 bytes each: values counted there |
//!
//! Bucket `i` is HdrHistogram's `counts[i]` for a lowest discernible value of 1: with
//! `half = 2^(ceil(log2(2 * 10^figures)) - 1)`, the first `2 * half` buckets hold one value each,
//! and each further run of `half` buckets is twice as wide as the run before.
//!
//! Source: the HdrHistogram layout as described in the "Synopsis" and "Footprint estimation" of
//! <https://github.com/HdrHistogram/HdrHistogram> (README.md).

use crate::atomic::{AtomicU64, Ordering};
use crate::map::{ReadWord, ReadWords, Words};
use core::cell::Cell as NotSync;
use core::marker::PhantomData;

mod snapshot;

pub use snapshot::{Bucket, Snapshot};

/// Words before the buckets.
pub const HEAD_WORDS: usize = 16;

/// `highest` of the latency histograms: 60 s.
pub const HIGHEST_NS: u64 = 60_000_000_000;

/// Largest `highest` that can be asked for: 2^62.
pub const HIGHEST_MAX: u64 = 1 << 62;

/// Which value is counted in which bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Log2 of `half`, the buckets of a run. In 4..=17.
    half_bits: u32,
    /// Significant decimal figures. In 1..=5.
    figures: u32,
    /// Largest value with a bucket of its own. In 2..=HIGHEST_MAX.
    highest: u64,
    /// Number of buckets.
    len: usize,
}

impl Buckets {
    /// The buckets for values up to `highest` (2 to [`HIGHEST_MAX`]) with `figures` (1 to 5)
    /// significant decimal figures; `None` outside those ranges.
    #[must_use]
    pub const fn new(highest: u64, figures: u32) -> Option<Self> {
        if highest < 2 || highest > HIGHEST_MAX {
            return None;
        }
        let single: u64 = match figures {
            1 => 20,
            2 => 200,
            3 => 2_000,
            4 => 20_000,
            5 => 200_000,
            _ => return None,
        };
        // Values below 2 * half have a bucket each: that is what gives the smallest value of a
        // wider run its figures.
        let half_bits = single.next_power_of_two().ilog2() - 1;
        // Runs after the first 2 * half buckets: one per doubling until `highest` is covered.
        let value_bits = highest.ilog2() + 1;
        let runs = value_bits.saturating_sub(half_bits + 1);
        Some(Self { half_bits, figures, highest, len: (runs as usize + 2) << half_bits })
    }

    /// Number of buckets.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there are always some")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Largest value that has a bucket of its own.
    #[must_use]
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// Significant decimal figures.
    #[must_use]
    pub const fn figures(&self) -> u32 {
        self.figures
    }

    /// Words of a histogram with these buckets.
    #[must_use]
    pub const fn words(&self) -> usize {
        HEAD_WORDS + self.len
    }

    /// The bucket of a value; below [`Buckets::len`] for values up to [`Buckets::highest`].
    #[inline(always)]
    #[must_use]
    pub const fn index_of(&self, value: u64) -> usize {
        // Run 0 is the first 2 * half values; run r holds values of half_bits + 1 + r bits.
        let run = (value >> self.half_bits | 1).ilog2();
        ((run as usize) << self.half_bits) + (value >> run) as usize
    }

    /// The smallest value counted in a bucket; an index past the last is taken as the last.
    #[must_use]
    pub const fn lowest_of(&self, index: usize) -> u64 {
        let index = if index < self.len { index } else { self.len - 1 };
        let run = (index >> self.half_bits).saturating_sub(1) as u32;
        ((index as u64) - ((run as u64) << self.half_bits)) << run
    }

    /// The largest value counted in a bucket; an index past the last is taken as the last.
    #[must_use]
    pub const fn highest_of(&self, index: usize) -> u64 {
        let index = if index < self.len { index } else { self.len - 1 };
        let run = (index >> self.half_bits).saturating_sub(1) as u32;
        self.lowest_of(index) + ((1 << run) - 1)
    }
}

/// The fixed words of a histogram, by name.
struct Head<'a, W> {
    count: &'a W,
    sum: &'a W,
    min: &'a W,
    max: &'a W,
    overflow: &'a W,
    buckets: &'a [W],
}

/// Takes the words apart; `None` when there are too few.
#[inline(always)]
fn head<W>(words: &[W]) -> Option<Head<'_, W>> {
    let (fixed, buckets) = words.split_first_chunk::<HEAD_WORDS>()?;
    let [count, sum, min, max, overflow, ..] = fixed;
    Some(Head { count, sum, min, max, overflow, buckets })
}

/// Empties a histogram that is not shared yet and writes what its buckets are.
pub(crate) fn format(words: &[AtomicU64], layout: &Buckets) {
    let fixed = [0, 0, u64::MAX, 0, 0, layout.highest, layout.figures.into(), layout.len as u64];
    let values = fixed.into_iter().chain(core::iter::repeat(0));
    for (word, value) in words.iter().zip(values).take(layout.words()) {
        // ORDERING: Relaxed: before the histogram is shared; sharing it orders.
        word.store(value, Ordering::Relaxed);
    }
}

/// Counts a value. `WEAK` is true in a loom model only: it leaves out the release of the count.
#[inline(always)]
fn record<const WEAK: bool>(words: &[AtomicU64], layout: &Buckets, value: u64) {
    let Some(head) = head(words) else { return };
    let is_over = value > layout.highest;
    let counted = if is_over { layout.highest } else { value };
    let Some(bucket) = head.buckets.get(layout.index_of(counted)) else {
        debug_assert!(false, "a value up to `highest` has a bucket");
        return;
    };
    // ORDERING: Relaxed, all loads: only this thread stores these words.
    let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
    // ORDERING: Relaxed, all stores but the last: published by the Release store of the count.
    let store = |word: &AtomicU64, value: u64| word.store(value, Ordering::Relaxed);
    store(bucket, load(bucket).wrapping_add(1));
    store(head.sum, load(head.sum).saturating_add(value));
    if value < load(head.min) {
        store(head.min, value);
    }
    if value > load(head.max) {
        store(head.max, value);
    }
    if is_over {
        store(head.overflow, load(head.overflow).wrapping_add(1));
    }
    // ORDERING: Release: whoever sees this count finds all of it in the buckets. Pairs with the
    // Acquire load in `Snapshot::take`.
    let release = if WEAK { Ordering::Relaxed } else { Ordering::Release };
    head.count.store(load(head.count).wrapping_add(1), release);
}

/// The writing end of a histogram. Send, not Sync, not Clone: there is one writer.
#[derive(Debug)]
pub struct Histogram {
    /// Fixed words and buckets, `layout.words()` long.
    words: Words,
    layout: Buckets,
    _one_writer: PhantomData<NotSync<()>>,
}

impl Histogram {
    /// Empties `layout.words()` words and takes them; `None` when there are fewer. The caller hands
    /// a histogram to one writer only.
    #[must_use]
    pub fn new(words: &Words, layout: Buckets) -> Option<Self> {
        let words = words.slice(0, layout.words())?;
        format(&words, &layout);
        Some(Self { words, layout, _one_writer: PhantomData })
    }

    /// Counts a value, in ns. Some twenty plain instructions, three stores, and two more for a new
    /// least or greatest value.
    #[inline]
    pub fn record(&self, value: u64) {
        record::<false>(&self.words, &self.layout, value);
    }

    /// The buckets.
    #[must_use]
    pub fn layout(&self) -> &Buckets {
        &self.layout
    }

    /// A reader of the same histogram, in this process.
    #[must_use]
    pub fn reader(&self) -> HistogramReader {
        HistogramReader { words: self.words.reader(), layout: self.layout }
    }
}

/// A reading end of a histogram.
#[derive(Clone, Debug)]
pub struct HistogramReader {
    words: ReadWords,
    layout: Buckets,
}

impl HistogramReader {
    /// Takes the words of a histogram; `None` when what they say of their buckets is out of range
    /// or does not fit them.
    #[must_use]
    pub fn new(words: &ReadWords) -> Option<Self> {
        // ORDERING: Relaxed: written before the histogram was shared.
        let load =
            |index: usize| words.get(index).map(|word: &ReadWord| word.load(Ordering::Relaxed));
        let layout = Buckets::new(load(5)?, u32::try_from(load(6)?).ok()?)?;
        if load(7)? != layout.len as u64 {
            return None;
        }
        Some(Self { words: words.slice(0, layout.words())?, layout })
    }

    /// The buckets.
    #[must_use]
    pub fn layout(&self) -> &Buckets {
        &self.layout
    }

    /// Values counted so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        // ORDERING: Relaxed: a number to show; `snapshot` orders itself.
        self.words.first().map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Copies the counts. Allocates: cold code.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.words, self.layout)
    }
}

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, not(loom)))]
mod tests;
