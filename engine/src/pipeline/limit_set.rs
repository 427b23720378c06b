//! Which limit set is in force: that of the configuration, or one that a person had loaded since.
//! It stands in the journal whole, so that a restart and a replay need nothing else.
//!
//! A set that was loaded stays over restarts as long as the configuration's own `[[limits]]` stay
//! as they were when it was loaded; once those are changed, they are the next version.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: before the start, and in the control thread"
)]

use super::opening::{LastSession, OpeningError};
use super::start_error::StartError;
use crate::clock::wall_now;
use crate::config::limits::LimitSet;
use crate::config::{Bound, Loaded, Report, Sources};
use feed::instruments::Instruments;
use sha2::{Digest, Sha256};
use shm::printable::printable;
use shm::record::status::{LimitSet as Record, LimitSource};
use shm::units::Nanos;

/// A limit set and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsInForce {
    /// Rises with every set of a directory, from 1.
    pub version: u32,
    /// Where it came from.
    pub source: LimitSource,
    /// Its `[[limits]]` tables, as they were written; empty for those of a configuration that the
    /// journal holds elsewhere.
    pub text: String,
    /// SHA-256 of the configuration's own tables at that time.
    base: [u8; 32],
    /// When it was loaded: wall clock.
    pub wall: Nanos,
    /// Who had it loaded.
    pub uid: u32,
    /// The process of the same.
    pub pid: u32,
    /// Why.
    pub reason: String,
}

/// A set in the journal that is not the one that was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "limit set {version} of the journal is not the text that was loaded: its digest differs; change \
     [[limits]] of the configuration, which then count, or restore the journal"
)]
pub struct LimitSetDamaged {
    /// Its version.
    pub version: u32,
}

impl LimitsInForce {
    /// The set of a configuration that is being started, at `wall`.
    fn of(loaded: &Loaded, version: u32, wall: Nanos) -> Self {
        let text = loaded.limits_toml();
        Self {
            version,
            source: LimitSource::Configuration,
            base: digest(&text),
            text,
            wall,
            uid: rustix::process::getuid().as_raw(),
            pid: std::process::id(),
            reason: String::new(),
        }
    }

    /// The set that a start begins with, after that of the last session. `used` is the highest
    /// version that a set was journalled with and never in force: it is not given again.
    #[must_use]
    pub fn at_start(loaded: &Loaded, last: Option<&Self>, used: Option<u32>, wall: Nanos) -> Self {
        let own = Self::of(loaded, 1, wall);
        let after = |version: u32| used.map_or(version, |used| version.max(used.saturating_add(1)));
        match last {
            None => own,
            Some(last) if last.base != own.base => {
                Self { version: after(last.version.saturating_add(1)), ..own }
            }
            Some(last) if last.source == LimitSource::Loaded => {
                Self { version: after(last.version), ..last.clone() }
            }
            Some(last) => Self { version: after(last.version), ..own },
        }
    }

    /// One of no text: for tests.
    #[cfg(test)]
    pub(super) fn for_tests(source: LimitSource) -> Self {
        let (text, reason, wall) = (String::new(), String::new(), Nanos(1));
        Self { version: 1, source, base: digest(&text), text, wall, uid: 1, pid: 2, reason }
    }

    /// The one after it, loaded from a file.
    #[must_use]
    pub fn next(&self, text: &str, reason: &str, wall: Nanos, uid: u32, pid: u32) -> Self {
        Self {
            version: self.version.saturating_add(1),
            source: LimitSource::Loaded,
            text: text.to_owned(),
            base: self.base,
            wall,
            uid,
            pid,
            reason: reason.to_owned(),
        }
    }

    /// What a person who starts the engine must know of it.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let is_loaded = self.source == LimitSource::Loaded;
        is_loaded.then(|| format!("limits are not those of the configuration but {self}"))
    }

    /// What a person must know of a set that was journalled before a crash, and never taken.
    #[must_use]
    pub fn not_taken(&self) -> String {
        format!(
            "limit set {self}: was journalled, and the engine ended before risk took it: it is NOT \
             in force; if it is wanted, load it again"
        )
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.text)
    }

    /// As a record's body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        // That of the configuration stands in the record that opens the session.
        let text = match self.source {
            LimitSource::Configuration => "",
            LimitSource::Loaded => &self.text,
        };
        let record = Record {
            digest: self.digest(),
            base: self.base,
            wall: self.wall,
            version: self.version,
            len: text.len() as u32,
            reason_len: self.reason.len() as u32,
            uid: self.uid,
            pid: self.pid,
            source: self.source as u8,
            ..Record::default()
        };
        [record.bytes(), text.as_bytes(), self.reason.as_bytes()].concat()
    }

    /// Of a record's body.
    ///
    /// # Errors
    /// [`LimitSetDamaged`]; nothing may trade on it.
    pub fn read(body: &[u8]) -> Result<Self, LimitSetDamaged> {
        let (record, rest) = Record::split(body).ok_or(LimitSetDamaged { version: 0 })?;
        let damaged = LimitSetDamaged { version: record.version };
        let source = LimitSource::from_u8(record.source).ok_or(damaged)?;
        let (text, rest) = rest.split_at_checked(record.len as usize).ok_or(damaged)?;
        let reason = rest.get(..record.reason_len as usize).ok_or(damaged)?;
        let text = String::from_utf8_lossy(text).into_owned();
        let read = Self {
            version: record.version,
            source,
            text,
            base: record.base,
            wall: record.wall,
            uid: record.uid,
            pid: record.pid,
            reason: String::from_utf8_lossy(reason).into_owned(),
        };
        let is_whole = source == LimitSource::Configuration || read.digest() == record.digest;
        if is_whole { Ok(read) } else { Err(damaged) }
    }

    /// Its rows, in a configuration and its instruments. `file` names it in faults.
    ///
    /// # Errors
    /// The report of what is wrong with its tables, in this configuration.
    pub fn bind(
        &self,
        config: &str,
        file: &str,
        instruments: &Instruments,
    ) -> Result<LimitSet, Report> {
        let loaded = Sources::text("configuration", config).load_with_limits(file, &self.text)?;
        Ok(LimitSet { version: self.version, ..loaded.bind(instruments)?.limits })
    }

    /// What a configuration is bound to, with these limits.
    ///
    /// # Errors
    /// As [`LimitsInForce::bind`].
    pub fn put_into(
        &self,
        bound: &Bound,
        config: &str,
        instruments: &Instruments,
    ) -> Result<Bound, Report> {
        let limits = match self.source {
            LimitSource::Configuration => {
                LimitSet { version: self.version, ..bound.limits.clone() }
            }
            LimitSource::Loaded => self.bind(config, "limit set", instruments)?,
        };
        Ok(Bound { limits, ..bound.clone() })
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The limit set that a start begins with, and what the configuration is bound to with it.
///
/// # Errors
/// [`OpeningError::Limits`], [`StartError::Limits`].
pub(super) fn limits_at_start(
    loaded: &Loaded,
    last: Option<&LastSession>,
    bound: &Bound,
    instruments: &Instruments,
) -> Result<(LimitsInForce, Bound), StartError> {
    let untaken = last.and_then(|last| last.limits.untaken()).map(|set| set.version);
    let last = last.map(|last| last.limits.in_force()).transpose();
    let last = last.map_err(OpeningError::Limits)?.flatten();
    let limits = LimitsInForce::at_start(loaded, last, untaken, wall_now());
    match limits.put_into(bound, &loaded.to_toml(), instruments) {
        Ok(bound) => Ok((limits, bound)),
        Err(report) => Err(StartError::Limits { set: Box::new(limits), report }),
    }
}

impl std::fmt::Display for LimitsInForce {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, source, uid, pid, reason, .. } = self;
        let at = i128::from(self.wall.0) / 1_000_000_000 * 1_000_000_000;
        let at = jiff::Timestamp::from_nanosecond(at).unwrap_or_default();
        match source {
            LimitSource::Configuration => {
                write!(out, "version {version}, of the configuration at the start {at}")
            }
            LimitSource::Loaded => {
                let reason = printable(reason);
                write!(out, "version {version}, loaded {at} by user {uid}, process {pid}: {reason}")
            }
        }
    }
}
