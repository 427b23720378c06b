//! Retention: what ended long ago goes, engine by engine and session by session.
//!
//! Removed are orders, executions, refusals, parents and alarms. An order stays as long as it was
//! touched in a session that stays, with all that it replaced, its executions and its parent:
//! whatever works was touched by the newest session, which carried it over. Sessions, positions and
//! profit by day, configurations, limits, commands and the audit chain stay.

use super::database::{Database, DatabaseError, Dialect, int};
use super::engine::EngineId;
use super::error::StoreError;
use super::table::Slot;
use super::writer::Store;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tables of which rows are removed; each has a column `epoch`.
pub(super) const PRUNED: [Slot; 6] = [
    Slot::OrderTerms,
    Slot::OrderStates,
    Slot::Executions,
    Slot::Refusals,
    Slot::Parents,
    Slot::Alarms,
];

/// Orders of engine N from before session E that must stay: touched since, as one is that was
/// carried over and then replaced, or replaced by one that stays.
const KEPT: &str = "CREATE TEMPORARY TABLE prune_kept (id @text NOT NULL PRIMARY KEY);
INSERT INTO prune_kept (id)
WITH RECURSIVE kept (id) AS (
    SELECT t.cl_ord_id FROM order_terms t
    JOIN order_states s ON s.engine = t.engine AND s.cl_ord_id = t.cl_ord_id
    WHERE t.engine = {N} AND t.epoch < {E} AND s.epoch >= {E}
    UNION
    SELECT t.orig_cl_ord_id FROM kept k JOIN order_terms t ON t.cl_ord_id = k.id
    WHERE t.engine = {N} AND t.orig_cl_ord_id IS NOT NULL
)
SELECT id FROM kept";

/// Parents first: what they are asked for is removed after them.
const REMOVE: [&str; 6] = [
    "DELETE FROM parents WHERE engine = {N} AND epoch < {E} AND cl_ord_id NOT IN (
         SELECT parent_cl_ord_id FROM order_terms
         WHERE engine = {N} AND parent_cl_ord_id IS NOT NULL
           AND (epoch >= {E} OR cl_ord_id IN (SELECT id FROM prune_kept)))",
    "DELETE FROM executions WHERE engine = {N} AND epoch < {E}
       AND (cl_ord_id IS NULL OR cl_ord_id NOT IN (SELECT id FROM prune_kept))",
    "DELETE FROM order_states WHERE engine = {N} AND epoch < {E}
       AND cl_ord_id NOT IN (SELECT id FROM prune_kept)",
    "DELETE FROM order_terms WHERE engine = {N} AND epoch < {E}
       AND cl_ord_id NOT IN (SELECT id FROM prune_kept)",
    "DELETE FROM refusals WHERE engine = {N} AND epoch < {E}",
    "DELETE FROM alarms WHERE engine = {N} AND epoch < {E}",
];

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Rows.
    pub rows: u64,
    /// The first session of which everything is there.
    pub first_epoch: i64,
}

/// Today, in days since the Unix epoch, UTC.
#[must_use]
pub fn today() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / 86_400).unwrap_or(u32::MAX)
}

impl Store {
    /// The first session of an engine of which everything is there.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn first_whole_epoch(&mut self, engine: EngineId) -> Result<i64, DatabaseError> {
        first_of(self.database(), engine)
    }

    /// Removes what ended in an engine's sessions of before `day` (days since the Unix epoch). The
    /// newest session that trading began in always stays whole. Others may write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Database`]; nothing was removed.
    pub fn prune(&mut self, engine: EngineId, day: u32) -> Result<Pruned, StoreError> {
        let database = self.database();
        let (begin, patience) = match database.dialect() {
            Dialect::Sqlite => ("BEGIN IMMEDIATE", ""),
            Dialect::Postgres => ("BEGIN", "SET LOCAL statement_timeout = 0"),
        };
        database.script(begin)?;
        if !patience.is_empty() {
            database.script(patience)?;
        }
        match prune_all(database, engine, day) {
            Ok(pruned) => {
                database.script("COMMIT")?;
                Ok(pruned)
            }
            Err(error) => {
                // The first error is the one to tell.
                let _ = database.script("ROLLBACK");
                Err(error.into())
            }
        }
    }
}

fn first_of(database: &mut dyn Database, engine: EngineId) -> Result<i64, DatabaseError> {
    let sql = "SELECT first_epoch FROM retention WHERE engine = $1";
    Ok(database.number(sql, vec![engine.value()])?.unwrap_or(0))
}

fn prune_all(
    database: &mut dyn Database,
    engine: EngineId,
    day: u32,
) -> Result<Pruned, DatabaseError> {
    let held = first_of(database, engine)?;
    let newest = "SELECT MAX(epoch) FROM sessions WHERE engine = $1 AND complete_ns IS NOT NULL";
    let nothing = Pruned { rows: 0, first_epoch: held };
    let Some(newest) = database.number(newest, vec![engine.value()])? else { return Ok(nothing) };
    let recent = "SELECT MIN(epoch) FROM sessions WHERE engine = $1 AND date_days >= $2";
    let recent = database.number(recent, vec![engine.value(), int(day)])?;
    let first = recent.map_or(newest, |recent| recent.min(newest));
    if first <= held {
        return Ok(nothing);
    }
    let (session, own) = (first.to_string(), engine.0.to_string());
    let with = |sql: &str| sql.replace("{E}", &session).replace("{N}", &own);
    let kept = database.dialect().expand(&with(KEPT));
    database.script(&kept)?;
    let mut rows = 0;
    for sql in REMOVE {
        rows += database.execute(&with(sql), Vec::new())?;
    }
    database.script("DROP TABLE prune_kept")?;
    let note = "INSERT INTO retention (engine, first_epoch) VALUES ($1, $2) \
                ON CONFLICT (engine) DO UPDATE SET first_epoch = excluded.first_epoch";
    database.execute(note, vec![engine.value(), int(first)])?;
    Ok(Pruned { rows, first_epoch: first })
}
