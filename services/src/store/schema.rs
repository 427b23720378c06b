//! Versions of the schema, and the way from each to the next.

use super::database::{Database, DatabaseError, int, text};
use super::error::StoreError;
use std::time::{SystemTime, UNIX_EPOCH};

/// One step forward.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The version that it leads to.
    pub version: i64,
    /// What it brings.
    pub name: &'static str,
    /// Its statements; see [`super::Dialect::expand`].
    pub script: &'static str,
}

/// All of them, rising from 1. A step that was released never changes.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "journal", script: include_str!("schema/0001_journal.sql") },
    Migration { version: 2, name: "audit", script: include_str!("schema/0002_audit.sql") },
    Migration { version: 3, name: "engines", script: include_str!("schema/0003_engines.sql") },
];

const VIEWS: &str = include_str!("schema/views.sql");

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_versions (
    version BIGINT NOT NULL PRIMARY KEY,
    name @text NOT NULL,
    program @text NOT NULL,
    applied_wall_ns BIGINT NOT NULL)";

/// What a database holds, against what this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// No schema yet.
    Empty,
    /// An earlier one.
    Older(i64),
    /// This program's.
    Current(i64),
    /// One of a later program.
    Newer(i64),
}

/// Which version is there.
///
/// # Errors
/// [`DatabaseError`].
pub fn version(
    database: &mut dyn Database,
    migrations: &[Migration],
) -> Result<Version, DatabaseError> {
    database.script(&database.dialect().expand(VERSIONS))?;
    let found = database.number("SELECT MAX(version) FROM schema_versions", Vec::new())?;
    let known = migrations.last().map_or(0, |last| last.version);
    Ok(match found {
        None => Version::Empty,
        Some(found) if found < known => Version::Older(found),
        Some(found) if found == known => Version::Current(found),
        Some(found) => Version::Newer(found),
    })
}

/// Brings a database to the last of `migrations`, in one transaction; the versions that it went
/// through.
///
/// # Errors
/// [`StoreError`]; nothing was changed.
pub fn migrate(
    database: &mut dyn Database,
    migrations: &[Migration],
) -> Result<Vec<i64>, StoreError> {
    let known = migrations.last().map_or(0, |last| last.version);
    let from = match version(database, migrations)? {
        Version::Empty => 0,
        Version::Older(found) | Version::Current(found) => found,
        Version::Newer(found) => return Err(newer(database, found, known)),
    };
    let steps: Vec<&Migration> = migrations.iter().filter(|step| step.version > from).collect();
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    database.script("BEGIN")?;
    let done = carry_out(database, &steps);
    match done {
        Ok(()) => {
            database.script("COMMIT")?;
            Ok(steps.iter().map(|step| step.version).collect())
        }
        Err(error) => {
            // The first error is the one to tell.
            let _ = database.script("ROLLBACK");
            Err(error.into())
        }
    }
}

fn carry_out(database: &mut dyn Database, steps: &[&Migration]) -> Result<(), DatabaseError> {
    let dialect = database.dialect();
    let names = view_names();
    for view in names.iter().rev() {
        database.script(&format!("DROP VIEW IF EXISTS {view}"))?;
    }
    for step in steps {
        database.script(&dialect.expand(step.script))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        database.execute(
            "INSERT INTO schema_versions (version, name, program, applied_wall_ns) \
             VALUES ($1, $2, $3, $4)",
            vec![
                int(step.version),
                text(step.name),
                text(env!("CARGO_PKG_VERSION")),
                int(i64::try_from(now).unwrap_or(i64::MAX)),
            ],
        )?;
    }
    database.script(&dialect.expand(VIEWS))
}

/// The views, in the order in which they are made.
#[must_use]
pub fn view_names() -> Vec<&'static str> {
    VIEWS
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE VIEW "))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect()
}

/// What to say of a database that is ahead of this program.
pub(super) fn newer(database: &dyn Database, found: i64, known: i64) -> StoreError {
    StoreError::Newer { database: database.name().to_owned(), found, known }
}
