//! Counts of tests, and the names behind them.

use std::ops::AddAssign;

/// What a run of tests came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that ran and held.
    pub passed: usize,
    /// Tests that ran and did not hold, or could not be run although everything they need is
    /// there.
    pub failed: usize,
    /// Tests that did not run because something they need is absent.
    pub skipped: usize,
    /// One line for each failure.
    pub failures: Vec<String>,
    /// One line for each skip: name and what it needs.
    pub skips: Vec<String>,
}

impl Tally {
    /// One test that held.
    pub fn pass() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    /// One test that failed, named.
    pub fn fail(name: impl Into<String>) -> Self {
        Self { failed: 1, failures: vec![name.into()], ..Self::default() }
    }

    /// One test that did not run, with what it needs.
    pub fn skip(name: impl Into<String>) -> Self {
        Self { skipped: 1, skips: vec![name.into()], ..Self::default() }
    }

    /// The line a gate reads, which is the last one printed.
    pub fn last_line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
    }
}
