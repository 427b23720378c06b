//! What a follower has read, by kind of record.

use crate::follow::Taken;
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order::Denied;
use std::collections::BTreeMap;
use std::fmt;

/// Counts of records by kind, and of refusals by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All records.
    pub records: u64,
    /// Kinds that this build does not know.
    pub unknown: u64,
    kinds: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a record.
    pub fn count(&mut self, taken: &Taken<'_>) {
        self.records += 1;
        let Some(kind) = taken.kind else {
            self.unknown += 1;
            return;
        };
        *self.kinds.entry(kind.name()).or_default() += 1;
        if kind == RecordKind::Denied {
            let reason = Denied::read(taken.body).and_then(|denied| Reason::from_u8(denied.reason));
            *self.refusals.entry(reason.map_or("?", Reason::name)).or_default() += 1;
        }
    }

    /// Counts what `other` counted, too.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.unknown += other.unknown;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        for (reason, count) in &other.refusals {
            *self.refusals.entry(reason).or_default() += count;
        }
    }

    /// Records of one kind.
    #[must_use]
    pub fn of(&self, kind: RecordKind) -> u64 {
        self.kinds.get(kind.name()).copied().unwrap_or(0)
    }

    /// Refusals for one reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refusals.get(reason.name()).copied().unwrap_or(0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "records={}", self.records)?;
        for (kind, count) in &self.kinds {
            write!(out, " {kind}={count}")?;
        }
        for (reason, count) in &self.refusals {
            write!(out, " refused.{reason}={count}")?;
        }
        if self.unknown > 0 {
            write!(out, " unknown={}", self.unknown)?;
        }
        Ok(())
    }
}
