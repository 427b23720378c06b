//! SQLite: the default, a file beside the journal.

use super::connection::connection;
use super::database::{Database, DatabaseError, Dialect, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// Longest wait for a reader or another writer that holds the file.
const BUSY: Duration = Duration::from_secs(5);

connection! {
    /// A SQLite file.
    Sqlite, sqlx::Sqlite, SqliteConnection, Dialect::Sqlite
}

impl Sqlite {
    /// Opens the file, readable by its owner alone; makes it when `create` and there is none.
    ///
    /// A commit is in the file's log before it returns and on the disk at the next checkpoint: what
    /// a power cut takes of the end, the cursor in the same transaction says, and it is read again.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(path: &Path, create: bool) -> Result<Self, DatabaseError> {
        let name = path.display().to_string();
        let file = |source| DatabaseError::File { path: name.clone(), source };
        // The library would make it readable by others.
        let mut open = std::fs::OpenOptions::new();
        open.read(true).write(true).create(create).mode(0o600).open(path).map_err(file)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .foreign_keys(false)
            .disable_statement_logging();
        let runtime = Self::runtime(&name)?;
        let connected = runtime.block_on(options.connect());
        let connection = connected.map_err(|source| Self::said(&name, "connect", source))?;
        Ok(Self { runtime, connection, name })
    }

    /// Writes a copy of the whole database as of one moment into a file that is not there yet,
    /// while others go on.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn copy_to(&mut self, path: &Path) -> Result<(), DatabaseError> {
        let to = super::database::text(path.display().to_string());
        self.execute("VACUUM INTO $1", vec![to]).map(drop)
    }
}
