//! What a level counts.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Counts of one level, since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Given out.
    pub(super) hits: Count,
    /// Not there, or not usable.
    pub(super) misses: Count,
    /// There, but past its time, dropped, or not compared for too long; counted besides as misses.
    pub(super) stale: Count,
    /// It did not answer.
    pub(super) errors: Count,
    /// Bytes that are not what was written, or of another version; counted besides as misses.
    pub(super) damaged: Count,
    /// Not asked: its breaker was open.
    pub(super) skipped: Count,
    /// Kept on it.
    pub(super) kept: Count,
    /// Not kept on it: its queue was full, or the entry too large.
    pub(super) lost: Count,
}

/// One count.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Adds one.
    pub(super) fn one(&self) {
        // ORDERING: Relaxed: a lone count.
        self.0.fetch_add(1, Relaxed);
    }

    /// What it is at.
    pub(super) fn get(&self) -> u64 {
        // ORDERING: Relaxed: a lone count.
        self.0.load(Relaxed)
    }

    /// Sets it.
    pub(super) fn set(&self, value: u64) {
        // ORDERING: Relaxed: a lone number.
        self.0.store(value, Relaxed);
    }
}
