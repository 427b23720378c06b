//! Why the store cannot go on.

use super::database::DatabaseError;
use crate::follow::FollowError;
use std::path::PathBuf;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The journal.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Its schema is of a later program.
    #[error(
        "{database} has schema version {found}, this program knows versions up to {known}: run the \
         newer program, or restore a backup of before its migration"
    )]
    Newer {
        /// Which.
        database: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Its schema is of an earlier program.
    #[error(
        "{database} has schema version {found}, this program writes version {known}: run `wirelane \
         store migrate`, which backs a SQLite file up first"
    )]
    Older {
        /// Which.
        database: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Another process writes.
    #[error("{database}: another process has written since: end one of the two")]
    OtherWriter {
        /// Which.
        database: String,
    },
    /// Another process holds the file.
    #[error("{path}: another process holds this lock: `wirelane services` runs on this database")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file could not be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that should not be there is.
    #[error("{path} is there already: {remedy}")]
    Exists {
        /// Which.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// What was asked for is not done for this kind of database.
    #[error("{database}: {remedy}")]
    NotHere {
        /// Which.
        database: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The file is damaged.
    #[error("{database} is damaged: {found}")]
    Damaged {
        /// Which.
        database: String,
        /// What its own check says.
        found: String,
    },
}

impl StoreError {
    /// Whether it may be over by itself: a lock, a full disk, a server that is away. Else a person
    /// has to act.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Follow(FollowError::Ahead { .. }) => false,
            Self::Database(_) | Self::Follow(_) | Self::OtherWriter { .. } => true,
            _ => false,
        }
    }
}
