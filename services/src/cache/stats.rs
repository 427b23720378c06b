//! What the cache tells of itself.

use super::counts::Counts;
use super::level::Level;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelStats {
    /// `memory`, `redis` or `disk`.
    pub name: String,
    /// Of its breaker: `closed` while it answers, `open`, `half-open`; memory has none.
    pub breaker: Option<String>,
    /// How often its breaker opened.
    pub opened: u64,
    /// Why it last did not answer.
    pub why: Option<String>,
    /// Given out.
    pub hits: u64,
    /// Not there, or not usable.
    pub misses: u64,
    /// Of these: past their time, dropped, or not compared for too long.
    pub stale: u64,
    /// Of these: not the bytes that were written, or of another version.
    pub damaged: u64,
    /// Not answered.
    pub errors: u64,
    /// Not asked, its breaker being open.
    pub skipped: u64,
    /// Kept on it.
    pub kept: u64,
    /// Not kept: a full queue, or an entry too large.
    pub lost: u64,
    /// Bytes on it now, where that is known.
    pub bytes: Option<u64>,
    /// Bytes that it may hold, where we bound them.
    pub bytes_max: Option<u64>,
}

/// All of it. Counts are since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// From near to far.
    pub levels: Vec<LevelStats>,
    /// Fills that were asked of a source.
    pub fills: u64,
    /// Of these, failed.
    pub fill_errors: u64,
    /// Entries past their time that stood in for a fill that failed.
    pub stood_in: u64,
    /// Askers who waited for another's fill of the same key.
    pub joined: u64,
    /// Keys and tags dropped here.
    pub drops: u64,
    /// Drops that Redis does not have yet.
    pub undelivered: u64,
    /// Milliseconds since the comparison with Redis that counts; none without one.
    pub compared_ms: Option<u64>,
    /// What was not compared for longer is filled again, in milliseconds; none without Redis.
    pub stale_max_ms: Option<u64>,
}

impl LevelStats {
    pub(super) fn of(name: &str, counts: &Counts) -> Self {
        Self {
            name: name.to_owned(),
            hits: counts.hits.get(),
            misses: counts.misses.get(),
            stale: counts.stale.get(),
            damaged: counts.damaged.get(),
            errors: counts.errors.get(),
            skipped: counts.skipped.get(),
            kept: counts.kept.get(),
            lost: counts.lost.get(),
            ..Self::default()
        }
    }

    pub(super) fn of_level(name: &str, level: &Level) -> Self {
        let (state, opened, why) = level.state();
        let breaker = Some(state.name().to_owned());
        Self { breaker, opened, why, ..Self::of(name, &level.counts) }
    }
}

impl fmt::Display for LevelStats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<7}", self.name)?;
        let mut counts = vec![("hits", self.hits), ("misses", self.misses)];
        let rare = [
            ("stale", self.stale),
            ("damaged", self.damaged),
            ("errors", self.errors),
            ("skipped", self.skipped),
            ("lost", self.lost),
        ];
        counts.extend(rare.into_iter().filter(|(_, count)| *count > 0));
        counts.push(("kept", self.kept));
        for (name, count) in counts {
            write!(out, " {name}={count}")?;
        }
        match (self.bytes, self.bytes_max) {
            (Some(bytes), Some(most)) => write!(out, " bytes={bytes}/{most}")?,
            (Some(bytes), None) => write!(out, " bytes={bytes}")?,
            (None, _) => {}
        }
        if let Some(breaker) = &self.breaker {
            write!(out, " breaker={breaker}")?;
            if self.opened > 0 {
                write!(out, " opened={}", self.opened)?;
            }
        }
        match &self.why {
            Some(why) => write!(out, "; does not answer: {why}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for level in &self.levels {
            writeln!(out, "{level}")?;
        }
        write!(out, "source  fills={} failed={}", self.fills, self.fill_errors)?;
        write!(out, " joined={} stood_in={}", self.joined, self.stood_in)?;
        write!(out, "\ndropped {} undelivered={}", self.drops, self.undelivered)?;
        let Some(bound) = self.stale_max_ms else { return Ok(()) };
        match self.compared_ms {
            Some(age) => write!(out, " compared={age} ms ago")?,
            None => write!(out, " compared=not yet")?,
        }
        write!(out, " stale_max={bound} ms")
    }
}
