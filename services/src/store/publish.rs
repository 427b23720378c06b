//! Publishing the audit chain's head, which never holds the store up.

use super::chain::ChainEnd;
use super::database::{Value, int};
use super::error::StoreError;
use super::writer::Store;
use crate::audit::{self, Head, hash_of};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two tries where the file cannot be written.
const AGAIN: Duration = Duration::from_secs(1);

/// Writes heads into a file as the chain grows.
#[derive(Debug)]
pub(super) struct Publisher {
    path: PathBuf,
    /// How far heads have been published.
    published: u64,
    tried: Option<Instant>,
    /// What keeps heads from being published.
    kept_from: Option<String>,
    /// What was published before is not the chain of this database.
    differs: Option<String>,
}

impl Publisher {
    /// Looks at what was published before.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub(super) fn open(path: PathBuf, store: &mut Store) -> Result<Self, StoreError> {
        let mut own = Self { path, published: 0, tried: None, kept_from: None, differs: None };
        let heads = match audit::read(&own.path) {
            Ok(heads) => heads,
            Err(error) => {
                own.kept_from = Some(own.words(&error));
                return Ok(own);
            }
        };
        own.published = heads.last();
        let end = store.chain_end()?.head.number;
        // A copy that was put back is behind what was published, and comes to it again.
        let last = heads.heads.iter().filter(|head| head.number <= end);
        let Some(&Head { number, hash }) = last.max_by_key(|head| head.number) else {
            return Ok(own);
        };
        let sql = "SELECT hash FROM audit_chain WHERE engine = 0 AND number = $1";
        let rows = store.database().rows(sql, vec![int(number.cast_signed())])?;
        let held = rows.first().and_then(|row| row.first()).and_then(Value::text);
        if held.and_then(hash_of) != Some(hash) {
            own.differs = Some(format!(
                "record {number} of the audit chain is not as published in {}: run `wirelane \
                 audit verify`",
                own.path.display()
            ));
        }
        Ok(own)
    }

    /// Publishes the end of the chain, if it has moved.
    pub(super) fn turn(&mut self, end: &ChainEnd, now: Instant) {
        let is_early = self.tried.is_some_and(|tried| now - tried < AGAIN);
        if end.head.number <= self.published || is_early {
            return;
        }
        match audit::publish(&self.path, &end.head, end.place, end.ts) {
            Ok(()) => {
                self.published = end.head.number;
                (self.tried, self.kept_from) = (None, None);
            }
            Err(error) => (self.tried, self.kept_from) = (Some(now), Some(self.words(&error))),
        }
    }

    /// What a person should know.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.differs.as_deref().or(self.kept_from.as_deref())
    }

    fn words(&self, error: &std::io::Error) -> String {
        format!("the audit head is not published: {}: {error}", self.path.display())
    }
}
