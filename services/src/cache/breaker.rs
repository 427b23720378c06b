//! When a level that fails is tried again.

use shm::units::Nanos;

/// Failures in a row that open it.
pub(super) const TRIP: u32 = 3;
/// First wait of an open one; it doubles with each trial that fails.
pub(super) const WAIT_MIN: Nanos = Nanos(100_000_000);
/// Longest wait.
pub(super) const WAIT_MAX: Nanos = Nanos(5_000_000_000);
/// A trial that nobody told the end of is given up after this.
const TRIAL_MAX: Nanos = Nanos(10_000_000_000);

/// Whether a level is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// It is.
    Closed,
    /// It is not, until then.
    Open {
        /// When it is tried again.
        until: Nanos,
    },
    /// One trial is under way, since then; nobody else asks.
    HalfOpen {
        /// Since when.
        since: Nanos,
    },
}

/// Closed, open, half-open: a state machine that is told the time.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    state: BreakerState,
    /// In a row.
    failures: u32,
    /// The next wait.
    wait: Nanos,
    opened: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: BreakerState::Closed, failures: 0, wait: WAIT_MIN, opened: 0 }
    }
}

impl Breaker {
    /// Whether to ask now. In a trial the asker must tell how it went.
    pub fn permit(&mut self, now: Nanos) -> bool {
        match self.state {
            BreakerState::Closed => return true,
            // A wall clock that was set back must not keep it open for ever.
            BreakerState::Open { until } if now < until && until.0 - now.0 <= WAIT_MAX.0 => {
                return false;
            }
            BreakerState::HalfOpen { since }
                if now.0.checked_sub(since.0).is_some_and(|age| age < TRIAL_MAX.0) =>
            {
                return false;
            }
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => {}
        }
        self.state = BreakerState::HalfOpen { since: now };
        true
    }

    /// It answered.
    pub fn success(&mut self) {
        *self = Self { opened: self.opened, ..Self::default() };
    }

    /// It did not.
    pub fn failure(&mut self, now: Nanos) {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state {
            BreakerState::Closed => self.failures >= TRIP,
            BreakerState::HalfOpen { .. } => true,
            // What was asked before it opened.
            BreakerState::Open { .. } => false,
        };
        if opens {
            self.state = BreakerState::Open { until: Nanos(now.0.saturating_add(self.wait.0)) };
            self.wait = Nanos((self.wait.0 * 2).min(WAIT_MAX.0));
            self.opened += 1;
        }
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// How often it opened.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened
    }
}

impl BreakerState {
    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half-open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: it opens after `TRIP` failures in a row and no sooner, lets one trial through after
    /// its wait, waits twice as long after a trial that failed, up to a bound, and closes on one
    /// that went well. Method: each edge, at one before and at.
    #[test]
    fn it_opens_tries_and_closes() {
        let mut breaker = Breaker::default();
        let mut now = Nanos(1_000);
        for _ in 0..5 {
            (0..TRIP - 1).for_each(|_| breaker.failure(now));
            assert!(breaker.permit(now), "one failure fewer keeps it closed");
            breaker.success();
        }
        (0..TRIP).for_each(|_| breaker.failure(now));
        let mut wait = WAIT_MIN.0;
        for _ in 0..8 {
            let BreakerState::Open { until } = breaker.state() else { panic!("{breaker:?}") };
            assert_eq!(until.0, now.0 + wait);
            breaker.failure(now);
            assert_eq!(breaker.state(), BreakerState::Open { until }, "late failures add nothing");
            assert!(!breaker.permit(Nanos(until.0 - 1)));
            now = until;
            assert!(breaker.permit(now) && !breaker.permit(now), "one trial");
            breaker.failure(now);
            wait = (wait * 2).min(WAIT_MAX.0);
        }
        assert_eq!((wait, breaker.opened()), (WAIT_MAX.0, 9));
        now = Nanos(now.0 + WAIT_MAX.0);
        assert!(breaker.permit(now));
        breaker.success();
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(breaker.permit(now) && breaker.permit(now));
    }

    /// Goal: neither a trial whose asker is gone nor a clock that was set back shuts it for good.
    #[test]
    fn it_comes_back_from_a_lost_trial_and_a_set_clock() {
        let mut breaker = Breaker::default();
        let now = Nanos(100_000_000_000);
        (0..TRIP).for_each(|_| breaker.failure(now));
        let late = Nanos(now.0 + WAIT_MIN.0);
        assert!(breaker.permit(late) && !breaker.permit(Nanos(late.0 + TRIAL_MAX.0 - 1)));
        assert!(breaker.permit(Nanos(late.0 + TRIAL_MAX.0)));
        breaker.success();
        (0..TRIP).for_each(|_| breaker.failure(now));
        assert!(breaker.permit(Nanos(5)), "the clock was set back by more than the longest wait");
    }
}
