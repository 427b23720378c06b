//! Retention: what ended long ago goes, session by session.
//!
//! Removed are orders, executions, refusals, parents and alarms. An order stays as long as it was
//! touched in a session that stays, with all that it replaced, its executions and its parent:
//! whatever works was touched by the newest session, which carried it over. Sessions, positions and
//! profit by day, configurations, limits, commands and the audit chain stay.

use super::database::{Database, DatabaseError, Dialect, int};
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

/// Orders from before session E that must stay: touched since, as one is that was carried over and
/// then replaced, or replaced by one that stays.
const KEPT: &str = "CREATE TEMPORARY TABLE prune_kept (id @text NOT NULL PRIMARY KEY);
INSERT INTO prune_kept (id)
WITH RECURSIVE kept (id) AS (
    SELECT t.cl_ord_id FROM order_terms t JOIN order_states s ON s.cl_ord_id = t.cl_ord_id
    WHERE t.epoch < {E} AND s.epoch >= {E}
    UNION
    SELECT t.orig_cl_ord_id FROM kept k JOIN order_terms t ON t.cl_ord_id = k.id
    WHERE t.orig_cl_ord_id IS NOT NULL
)
SELECT id FROM kept";

/// Parents first: what they are asked for is removed after them.
const REMOVE: [&str; 6] = [
    "DELETE FROM parents WHERE epoch < {E} AND cl_ord_id NOT IN (
         SELECT parent_cl_ord_id FROM order_terms
         WHERE parent_cl_ord_id IS NOT NULL
           AND (epoch >= {E} OR cl_ord_id IN (SELECT id FROM prune_kept)))",
    "DELETE FROM executions WHERE epoch < {E}
       AND (cl_ord_id IS NULL OR cl_ord_id NOT IN (SELECT id FROM prune_kept))",
    "DELETE FROM order_states WHERE epoch < {E}
       AND cl_ord_id NOT IN (SELECT id FROM prune_kept)",
    "DELETE FROM order_terms WHERE epoch < {E}
       AND cl_ord_id NOT IN (SELECT id FROM prune_kept)",
    "DELETE FROM refusals WHERE epoch < {E}",
    "DELETE FROM alarms WHERE epoch < {E}",
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
    /// The first session of which everything is there.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn first_whole_epoch(&mut self) -> Result<i64, DatabaseError> {
        let sql = "SELECT first_epoch FROM retention WHERE id = 1";
        Ok(self.database().number(sql, Vec::new())?.unwrap_or(0))
    }

    /// Removes what ended in sessions of before `day` (days since the Unix epoch). The newest
    /// session that trading began in always stays whole. Others may write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Database`]; nothing was removed.
    pub fn prune(&mut self, day: u32) -> Result<Pruned, StoreError> {
        let database = self.database();
        let (begin, patience) = match database.dialect() {
            Dialect::Sqlite => ("BEGIN IMMEDIATE", ""),
            Dialect::Postgres => ("BEGIN", "SET LOCAL statement_timeout = 0"),
        };
        database.script(begin)?;
        if !patience.is_empty() {
            database.script(patience)?;
        }
        match prune_all(database, day) {
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

fn prune_all(database: &mut dyn Database, day: u32) -> Result<Pruned, DatabaseError> {
    let held = "SELECT first_epoch FROM retention WHERE id = 1";
    let held = database.number(held, Vec::new())?.unwrap_or(0);
    let newest = "SELECT MAX(epoch) FROM sessions WHERE complete_ns IS NOT NULL";
    let nothing = Pruned { rows: 0, first_epoch: held };
    let Some(newest) = database.number(newest, Vec::new())? else { return Ok(nothing) };
    let recent = "SELECT MIN(epoch) FROM sessions WHERE date_days >= $1";
    let recent = database.number(recent, vec![int(day)])?;
    let first = recent.map_or(newest, |recent| recent.min(newest));
    if first <= held {
        return Ok(nothing);
    }
    let with = |sql: &str| sql.replace("{E}", &first.to_string());
    let kept = database.dialect().expand(&with(KEPT));
    database.script(&kept)?;
    let mut rows = 0;
    for sql in REMOVE {
        rows += database.execute(&with(sql), Vec::new())?;
    }
    database.script("DROP TABLE prune_kept")?;
    let note = "UPDATE retention SET first_epoch = $1 WHERE id = 1";
    database.execute(note, vec![int(first)])?;
    Ok(Pruned { rows, first_epoch: first })
}
