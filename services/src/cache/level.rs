//! What every level that may fail has: a clock, counts, a breaker, and why it last failed.

use super::breaker::{Breaker, BreakerState};
use super::counts::Counts;
use super::held;
use shm::units::Nanos;
use std::sync::{Arc, Mutex};

/// Wall time, in nanoseconds since the Unix epoch. It may be set; what is kept carries it.
pub type Clock = Arc<dyn Fn() -> Nanos + Send + Sync>;

/// A level's own.
pub(super) struct Level {
    pub(super) clock: Clock,
    pub(super) counts: Counts,
    breaker: Mutex<Breaker>,
    why: Mutex<Option<String>>,
}

impl Level {
    pub(super) fn new(clock: Clock) -> Self {
        let (breaker, why) = (Mutex::default(), Mutex::default());
        Self { clock, counts: Counts::default(), breaker, why }
    }

    pub(super) fn now(&self) -> Nanos {
        (self.clock)()
    }

    /// Whether to ask it now; who is let through tells how it went.
    pub(super) fn permit(&self) -> bool {
        let now = self.now();
        let permitted = held(&self.breaker).permit(now);
        if !permitted {
            self.counts.skipped.one();
        }
        permitted
    }

    /// It answered.
    pub(super) fn went(&self) {
        held(&self.breaker).success();
        *held(&self.why) = None;
    }

    /// It did not.
    pub(super) fn failed(&self, why: String) {
        self.counts.errors.one();
        let now = self.now();
        held(&self.breaker).failure(now);
        *held(&self.why) = Some(why);
    }

    /// State of its breaker, how often that opened, and why it does not answer.
    pub(super) fn state(&self) -> (BreakerState, u64, Option<String>) {
        let breaker = *held(&self.breaker);
        (breaker.state(), breaker.opened(), held(&self.why).clone())
    }
}
