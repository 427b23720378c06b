//! What a histogram held at one moment, and the questions asked of it.

use super::{Buckets, Head, head};
use crate::atomic::Ordering;
use crate::map::ReadWord;

/// One bucket with something in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Smallest value counted here, ns.
    pub lowest: u64,
    /// Largest value counted here, ns.
    pub highest: u64,
    /// Values counted here. At least 1.
    pub count: u64,
}

/// A copy of a histogram's counts: all that had been counted when the copy began, and perhaps some
/// of what was counted meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    layout: Buckets,
    counts: Box<[u64]>,
    /// Sum of `counts`.
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
    overflow: u64,
}

impl Snapshot {
    /// Per million: the quantiles a report shows, p50 to p99.99.
    pub const REPORT_PPM: [u32; 5] = [500_000, 900_000, 990_000, 999_000, 999_900];

    /// No values, in the given buckets.
    #[must_use]
    pub fn empty(layout: Buckets) -> Self {
        let counts = vec![0; layout.len()].into_boxed_slice();
        Self { layout, counts, count: 0, sum: 0, min: u64::MAX, max: 0, overflow: 0 }
    }

    pub(super) fn take(words: &[ReadWord], layout: Buckets) -> Self {
        let mut taken = Self::empty(layout);
        let Some(Head { count, sum, min, max, overflow, buckets }) = head(words) else {
            return taken;
        };
        // ORDERING: Acquire, before all others: what this count counts is in the words below. Pairs
        // with the Release store that ends `record`.
        let published = count.load(Ordering::Acquire);
        // ORDERING: Relaxed, the rest: ordered by the load above.
        let load = |word: &ReadWord| word.load(Ordering::Relaxed);
        for (copy, bucket) in taken.counts.iter_mut().zip(buckets) {
            *copy = load(bucket);
            taken.count = taken.count.wrapping_add(*copy);
        }
        debug_assert!(taken.count >= published, "a counted value is missing from the buckets");
        (taken.sum, taken.min, taken.max) = (load(sum), load(min), load(max));
        taken.overflow = load(overflow);
        // A value caught in the middle of being counted may be in its bucket only.
        if let Some(first) = taken.counts.iter().position(|&count| count > 0) {
            taken.min = taken.min.min(layout.highest_of(first));
        }
        if let Some(last) = taken.counts.iter().rposition(|&count| count > 0) {
            taken.max = taken.max.max(layout.lowest_of(last));
        }
        taken
    }

    /// The buckets.
    #[must_use]
    pub fn layout(&self) -> &Buckets {
        &self.layout
    }

    /// Values counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum of the values, ns, saturating.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Sum divided by count, rounded down; `None` when there are no values.
    #[must_use]
    pub fn mean(&self) -> Option<u64> {
        self.sum.checked_div(self.count)
    }

    /// Smallest value; `None` when there are none. Exact, but the lowest value of its bucket in a
    /// difference.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// Largest value; `None` when there are none. Exact, but the highest value of its bucket in a
    /// difference.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// Values above the highest that has a bucket of its own.
    #[must_use]
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// The counts by bucket index: HdrHistogram's `counts`.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The buckets that hold something, by rising value. Recording `count` times `lowest` of each
    /// into an HdrHistogram of the same figures with lowest value 1 rebuilds the same counts.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        let filled = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        filled.map(|(index, &count)| Bucket {
            lowest: self.layout.lowest_of(index),
            highest: self.layout.highest_of(index),
            count,
        })
    }

    /// The value that `quantile_ppm` per million of the values do not exceed, as HdrHistogram gives
    /// it (the highest value of its bucket), but never above the largest value seen; `None` when
    /// there are no values. 500,000 is the median; 1,000,000 and above the maximum.
    ///
    /// The rank is `ceil(count * quantile)`, at least 1, in integers.
    #[must_use]
    pub fn value_at(&self, quantile_ppm: u32) -> Option<u64> {
        const WHOLE: u128 = 1_000_000;
        let wanted = u128::from(self.count) * u128::from(quantile_ppm).min(WHOLE);
        let rank = wanted.div_ceil(WHOLE).max(1);
        let mut seen: u128 = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= rank {
                // The bucket of `highest` also holds what is above it: only `max` bounds that.
                let last = index == self.layout.index_of(self.layout.highest());
                let above = last && self.overflow > 0;
                let value = if above { self.max } else { self.layout.highest_of(index) };
                return Some(value.min(self.max));
            }
        }
        None
    }

    /// What was counted after `earlier`, a snapshot of the same histogram; `None` when the buckets
    /// differ or `earlier` holds more (another histogram, or a later one). Minimum and maximum are
    /// those of the buckets.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        if self.layout != earlier.layout {
            return None;
        }
        let mut interval = Self::empty(self.layout);
        let pairs = self.counts.iter().zip(&earlier.counts);
        for (index, (left, (now, before))) in interval.counts.iter_mut().zip(pairs).enumerate() {
            *left = now.checked_sub(*before)?;
            interval.count = interval.count.wrapping_add(*left);
            if *left > 0 {
                interval.min = interval.min.min(self.layout.lowest_of(index).max(self.min));
                interval.max = self.layout.highest_of(index).min(self.max);
            }
        }
        interval.sum = self.sum.checked_sub(earlier.sum)?;
        interval.overflow = self.overflow.checked_sub(earlier.overflow)?;
        if interval.overflow > 0 {
            interval.max = self.max;
        }
        Some(interval)
    }

    /// Adds the values of another histogram; `false`, with nothing added, when the buckets differ.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.layout != other.layout {
            return false;
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.wrapping_add(*more);
        }
        self.count = self.count.wrapping_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.overflow = self.overflow.wrapping_add(other.overflow);
        true
    }
}
