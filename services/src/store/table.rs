//! The tables that records are written to: columns, keys, and the statement that writes rows.
//! Before the columns named here each table has one more, `engine`, which is part of the key.

use super::database::{Dialect, Insert};
use std::fmt::Write as _;

/// What happens to a row whose key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// The first one stays: a row that stands for one record.
    Keep,
    /// What the new one knows replaces what was known: a row that several records tell of.
    Merge,
    /// The new one stands: a row that is a state as of the latest record.
    Replace,
}

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The key comes first.
    pub(crate) columns: &'static [&'static str],
    /// How many of the columns are the key.
    pub(crate) key: usize,
    pub(crate) again: Again,
}

/// All that a batch writes; [`Slot`] is the index.
pub(crate) const TABLES: [Table; 17] = [
    keep("config_versions", 1, &["sha256", "first_epoch", "body"]),
    keep("accounts", 2, &["config_sha256", "id", "name", "currency"]),
    keep("gateways", 2, &["config_sha256", "id", "name"]),
    keep("strategies", 2, &["config_sha256", "id", "name", "kind", "account", "gateway"]),
    keep("instruments", 2, INSTRUMENTS),
    merge("sessions", 1, SESSIONS),
    keep("limit_sets", 1, LIMIT_SETS),
    keep("commands", 3, COMMANDS),
    keep("order_terms", 1, ORDER_TERMS),
    merge("order_states", 1, ORDER_STATES),
    keep("executions", 3, EXECUTIONS),
    replace("position_states", 3, POSITION_STATES),
    keep("refusals", 3, REFUSALS),
    merge("parents", 1, PARENTS),
    keep("alarms", 3, ALARMS),
    keep("strategy_downs", 3, &["epoch", "lane", "seq", "ts_ns", "strategy", "cause", "body"]),
    keep("audit_chain", 1, &["number", "epoch", "seq", "ts_ns", "kind", "body", "hash"]),
];

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub(crate) enum Slot {
    ConfigVersions,
    Accounts,
    Gateways,
    Strategies,
    Instruments,
    Sessions,
    LimitSets,
    Commands,
    OrderTerms,
    OrderStates,
    Executions,
    PositionStates,
    Refusals,
    Parents,
    Alarms,
    StrategyDowns,
    AuditChain,
}

const INSTRUMENTS: &[&str] = &[
    "instruments_sha256",
    "id",
    "venue",
    "symbol",
    "currency",
    "multiplier",
    "lot",
    "qty_min",
    "qty_max",
    "px_min",
    "px_max",
    "prior_close",
    "ticks",
];

const SESSIONS: &[&str] = &[
    "epoch",
    "date_days",
    "opened_wall_ns",
    "pid",
    "config_sha256",
    "instruments_sha256",
    "topology",
    "complete_ns",
    "closed_ns",
];

const LIMIT_SETS: &[&str] =
    &["version", "sha256", "source", "wall_ns", "uid", "pid", "reason", "body", "first_epoch"];

const COMMANDS: &[&str] = &[
    "epoch",
    "lane",
    "seq",
    "ts_ns",
    "op",
    "refused",
    "strategy",
    "instrument",
    "value",
    "uid",
    "pid",
    "body",
];

const ORDER_TERMS: &[&str] = &[
    "cl_ord_id",
    "epoch",
    "lane",
    "seq",
    "ts_ns",
    "is_carried",
    "strategy",
    "account",
    "instrument",
    "gateway",
    "side",
    "tif",
    "ord_type",
    "px_e9",
    "qty_e8",
    "orig_cl_ord_id",
    "parent_cl_ord_id",
    "leg",
    "t0_ns",
    "limit_version",
];

const ORDER_STATES: &[&str] = &[
    "cl_ord_id",
    "epoch",
    "updated_ns",
    "instrument",
    "side",
    "base",
    "event",
    "cum_qty_e8",
    "leaves_qty_e8",
    "px_e9",
    "qty_e8",
    "venue_ord_id",
    "reason",
    "flags",
    "accepted_ns",
    "cancel_asked_ns",
];

const EXECUTIONS: &[&str] = &[
    "epoch",
    "lane",
    "seq",
    "ts_ns",
    "cl_ord_id",
    "exec_id",
    "event",
    "strategy",
    "account",
    "instrument",
    "qty_e8",
    "px_e9",
    "position_e8",
    "liquidity",
    "venue_seq",
];

const POSITION_STATES: &[&str] = &[
    "epoch",
    "strategy",
    "instrument",
    "account",
    "updated_ns",
    "position_e8",
    "cost_e6",
    "cost_rest",
    "realised_e6",
    "realised_rest",
    "fees_e6",
    "fees_rest",
];

const REFUSALS: &[&str] = &[
    "epoch",
    "lane",
    "seq",
    "ts_ns",
    "cl_ord_id",
    "reason",
    "measured",
    "limit_value",
    "unit",
    "strategy",
    "account",
    "instrument",
    "gateway",
    "side",
    "tif",
    "ord_type",
    "px_e9",
    "qty_e8",
    "limit_version",
];

const PARENTS: &[&str] = &[
    "cl_ord_id",
    "epoch",
    "kind",
    "strategy",
    "account",
    "instrument",
    "gateway",
    "side",
    "qty_e8",
    "taken_ns",
    "done_ns",
    "done_reason",
    "filled_e8",
];

const ALARMS: &[&str] = &[
    "epoch",
    "lane",
    "seq",
    "ts_ns",
    "scope",
    "scope_id",
    "reason",
    "measured",
    "limit_value",
    "unit",
    "mode_set",
    "mode_tripped",
    "closes_gate",
];

const fn keep(name: &'static str, key: usize, columns: &'static [&'static str]) -> Table {
    Table { name, columns, key, again: Again::Keep }
}

const fn merge(name: &'static str, key: usize, columns: &'static [&'static str]) -> Table {
    Table { name, columns, key, again: Again::Merge }
}

const fn replace(name: &'static str, key: usize, columns: &'static [&'static str]) -> Table {
    Table { name, columns, key, again: Again::Replace }
}

impl Table {
    /// The statements that write its rows.
    pub(crate) fn inserts(&self, dialect: Dialect) -> Insert {
        let whole = self.insert(dialect, Insert::CHUNK);
        let head = format!("INSERT INTO {} (engine, {})", self.name, self.columns.join(", "));
        Insert { whole, one: self.insert(dialect, 1), head, tail: self.on_conflict() }
    }

    /// The statement that writes `rows` rows, each the engine and then the columns.
    ///
    /// SQLite takes `$1` for a name, and the driver asks for the name of every value, which SQLite
    /// looks for from the first one on: half of all time with 1,000 values, none with `?`.
    fn insert(&self, dialect: Dialect, rows: usize) -> String {
        let columns = self.columns.join(", ");
        let mut sql = format!("INSERT INTO {} (engine, {columns}) VALUES ", self.name);
        let mut number = 0;
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..=self.columns.len() {
                number += 1;
                let comma = if column == 0 { "" } else { ", " };
                // Writing into a string cannot fail.
                let _ = match dialect {
                    Dialect::Sqlite => write!(sql, "{comma}?"),
                    Dialect::Postgres => write!(sql, "{comma}${number}"),
                };
            }
            sql.push(')');
        }
        sql.push_str(&self.on_conflict());
        sql
    }

    /// What becomes of a row whose key is there.
    fn on_conflict(&self) -> String {
        let key = self.columns.get(..self.key).unwrap_or_default().join(", ");
        let mut sql = format!(" ON CONFLICT (engine, {key}) DO ");
        if self.again == Again::Keep {
            sql.push_str("NOTHING");
            return sql;
        }
        sql.push_str("UPDATE SET ");
        for (at, column) in self.columns.iter().skip(self.key).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let (name, merges) = (self.name, self.again == Again::Merge);
            let _ = match merges {
                true => {
                    write!(sql, "{comma}{column} = COALESCE(excluded.{column}, {name}.{column})")
                }
                false => write!(sql, "{comma}{column} = excluded.{column}"),
            };
        }
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the list and its index agree, keys come first, and no statement has more values than a
    /// database takes.
    #[test]
    fn tables_are_where_their_index_says() {
        assert_eq!(TABLES[Slot::ConfigVersions as usize].name, "config_versions");
        assert_eq!(TABLES[Slot::OrderStates as usize].name, "order_states");
        assert_eq!(TABLES[Slot::StrategyDowns as usize].name, "strategy_downs");
        assert_eq!(TABLES[Slot::AuditChain as usize].name, "audit_chain");
        for table in &TABLES {
            assert!(table.key > 0 && table.key < table.columns.len(), "{}", table.name);
            assert!(Insert::CHUNK * (table.columns.len() + 1) < 32_767, "{}", table.name);
        }
        let post = merge("t", 1, &["k", "a", "b"]).insert(Dialect::Postgres, 2);
        assert_eq!(
            post,
            "INSERT INTO t (engine, k, a, b) VALUES ($1, $2, $3, $4), ($5, $6, $7, $8) \
             ON CONFLICT (engine, k) DO UPDATE \
             SET a = COALESCE(excluded.a, t.a), b = COALESCE(excluded.b, t.b)"
        );
        let lite = merge("t", 1, &["k", "a"]).insert(Dialect::Sqlite, 2);
        assert!(
            lite.starts_with("INSERT INTO t (engine, k, a) VALUES (?, ?, ?), (?, ?, ?) ON"),
            "{lite}"
        );
    }
}
