//! The database that is read: one connection, opened when it is needed and again after a failure.

use crate::store::{Database, DatabaseError, Dialect, Target};
use std::sync::{Mutex, PoisonError};

pub(super) struct Source {
    target: Target,
    open: Mutex<Option<Box<dyn Database>>>,
}

impl Source {
    pub(super) fn new(target: Target) -> Self {
        Self { target, open: Mutex::new(None) }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Asks it. One at a time: what is asked for twice comes from the cache.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&mut dyn Database) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out: a connection that failed, or whose asker was unwound, is not used again.
        let mut database = match open.take() {
            Some(database) => database,
            None => self.connect()?,
        };
        let answer = question(database.as_mut())?;
        *open = Some(database);
        Ok(answer)
    }

    fn connect(&self) -> Result<Box<dyn Database>, DatabaseError> {
        let mut database = self.target.open(false)?;
        let only_read = match database.dialect() {
            Dialect::Sqlite => "PRAGMA query_only = ON",
            Dialect::Postgres => "SET default_transaction_read_only = on",
        };
        database.script(only_read)?;
        Ok(database)
    }
}
