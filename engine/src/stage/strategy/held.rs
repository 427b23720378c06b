//! Whether a strategy's own code runs now, and which call of it: one word, written by its thread
//! around each call, and marked by the guard when the call takes too long.

use shm::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// The guard has found the call to take too long.
const LATE: u64 = 1 << 63;

/// On lines of its own: the strategy's thread writes it twice a call.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Word(AtomicU64);

/// The word; a clone is the same word.
#[derive(Clone, Debug, Default)]
pub struct Held(Arc<Word>);

impl Held {
    /// A call begins, counted from 1.
    #[inline]
    pub(crate) fn enter(&self, call: u64) {
        // ORDERING: Relaxed; a lone word, nothing is read by it.
        self.0.0.store(call, Ordering::Relaxed);
    }

    /// It has ended; whether it took too long. A mark that is set between the two accesses is lost,
    /// and the guard has closed the gate by then.
    #[inline]
    pub(crate) fn leave(&self) -> bool {
        // ORDERING: Relaxed, both; as in `enter`.
        let is_late = self.0.0.load(Ordering::Relaxed) & LATE != 0;
        self.0.0.store(0, Ordering::Relaxed);
        is_late
    }

    /// The call that runs now; 0 for none.
    #[must_use]
    pub fn call(&self) -> u64 {
        // ORDERING: Relaxed; as in `enter`.
        self.0.0.load(Ordering::Relaxed) & !LATE
    }

    /// Marks a call as too long; false if it has ended, or was marked before.
    #[must_use]
    pub fn mark_late(&self, call: u64) -> bool {
        let late = call | LATE;
        // ORDERING: Relaxed, both; as in `enter`.
        self.0.0.compare_exchange(call, late, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
