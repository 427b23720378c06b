//! What the store asks of a database, and the values that go in and out.

use std::fmt::Write as _;

/// A value in a column. Every column is a 64-bit integer or a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// An integer; `None` is NULL.
    Int(Option<i64>),
    /// A text; `None` is NULL.
    Text(Option<String>),
}

impl Value {
    /// The integer, if it is one.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => *value,
            Self::Text(_) => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => value.as_deref(),
            Self::Int(_) => None,
        }
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Int(None) | Self::Text(None))
    }
}

/// An integer that is there.
pub(crate) fn int(value: impl Into<i64>) -> Value {
    Value::Int(Some(value.into()))
}

/// A text that is there.
pub(crate) fn text(value: impl Into<String>) -> Value {
    Value::Text(Some(value.into()))
}

/// No integer.
pub(crate) const NO_INT: Value = Value::Int(None);
/// No text.
pub(crate) const NO_TEXT: Value = Value::Text(None);

/// Which database it is: the few places where their SQL differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// Writes out what a script of ours leaves open: `@text` a column of text that sorts by bytes;
    /// `@9(x)` the integer `x` as a decimal of 9 digits (also 8 and 6); `@date(x)` days as a date.
    #[must_use]
    pub fn expand(self, script: &str) -> String {
        let mut out = String::with_capacity(script.len() * 2);
        let mut rest = script;
        while let Some((before, mark)) = rest.split_once('@') {
            out.push_str(before);
            rest = mark;
            if let Some(after) = mark.strip_prefix("text") {
                out.push_str(match self {
                    Self::Sqlite => "TEXT",
                    Self::Postgres => "TEXT COLLATE \"C\"",
                });
                rest = after;
            } else if let Some((name, (inner, after))) =
                mark.split_once('(').and_then(|(name, rest)| Some((name, closed(rest)?)))
            {
                match name.parse() {
                    Ok(digits) => self.decimal(inner, digits, &mut out),
                    Err(_) => self.date(inner, &mut out),
                }
                rest = after;
            }
        }
        out.push_str(rest);
        out
    }

    fn decimal(self, of: &str, digits: usize, out: &mut String) {
        let unit = format!("1{}", "0".repeat(digits));
        let of = format!("({of})");
        // Writing into a string cannot fail.
        let _ = match self {
            Self::Sqlite => write!(
                out,
                "CASE WHEN {of} IS NULL THEN NULL ELSE printf('%s%d.%0{digits}d', CASE WHEN {of} < \
                 0 THEN '-' ELSE '' END, abs({of} / {unit}), abs({of} % {unit})) END"
            ),
            Self::Postgres => {
                write!(out, "CAST({of} AS NUMERIC(38, 0)) * 0.{:0>digits$}", 1)
            }
        };
    }

    fn date(self, days: &str, out: &mut String) {
        let _ = match self {
            Self::Sqlite => write!(out, "date({days} * 86400, 'unixepoch')"),
            Self::Postgres => write!(out, "CAST(DATE '1970-01-01' + CAST({days} AS INT) AS TEXT)"),
        };
    }
}

/// Why a database did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It said so.
    #[error("{database}: {source} (while at: {at})")]
    Said {
        /// Which database, without a password.
        database: String,
        /// The first words of what was asked.
        at: String,
        /// What it said.
        source: sqlx::Error,
    },
    /// A file of it could not be made or read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It gave a value that is neither an integer nor a text.
    #[error("{database}: column {column} of {at} is neither a 64-bit integer nor a text")]
    Value {
        /// Which database.
        database: String,
        /// What was asked.
        at: String,
        /// Which column, from 0.
        column: usize,
    },
    /// The URL names no database that this program knows.
    #[error("{url}: {remedy}")]
    Url {
        /// The URL, without a password.
        url: String,
        /// What to write.
        remedy: &'static str,
    },
}

/// The statements that write rows of one table.
#[derive(Clone, Debug)]
pub struct Insert {
    /// For [`Insert::CHUNK`] rows, as parameters one after the other.
    pub whole: String,
    /// For one row.
    pub one: String,
    /// What stands before the rows.
    pub head: String,
    /// What stands behind them.
    pub tail: String,
}

impl Insert {
    /// Rows of one statement with a parameter for each value: fewer are written one by one.
    pub const CHUNK: usize = 64;
}

/// A database with one connection. It is asked by one thread, which it blocks.
pub trait Database: Send {
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Its name for a person, without a password.
    fn name(&self) -> &str;

    /// Carries out statements that take no values, separated by semicolons.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn script(&mut self, sql: &str) -> Result<(), DatabaseError>;

    /// Carries out one statement with values for `$1`, `$2`, ...; how many rows it changed.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, DatabaseError>;

    /// Writes rows of one table; each has the table's columns.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn insert(&mut self, into: &Insert, rows: &[Vec<Value>]) -> Result<(), DatabaseError> {
        let mut chunks = rows.chunks_exact(Insert::CHUNK);
        for chunk in &mut chunks {
            self.execute(&into.whole, chunk.concat())?;
        }
        for row in chunks.remainder() {
            self.execute(&into.one, row.clone())?;
        }
        Ok(())
    }

    /// Asks, and hands out one row after the other.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn each(
        &mut self,
        sql: &str,
        values: Vec<Value>,
        take: &mut dyn FnMut(Vec<Value>),
    ) -> Result<(), DatabaseError>;

    /// Asks, and keeps all rows.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn rows(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Vec<Value>>, DatabaseError> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |row| rows.push(row))?;
        Ok(rows)
    }

    /// Asks for one number.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn number(&mut self, sql: &str, values: Vec<Value>) -> Result<Option<i64>, DatabaseError> {
        Ok(self.rows(sql, values)?.first().and_then(|row| row.first()).and_then(Value::int))
    }
}

/// Splits at the parenthesis that closes the one before the text.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let at = text.find(|letter| {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth < 0
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The first words of a statement, for an error.
pub(crate) fn head_of(sql: &str) -> String {
    sql.split_whitespace().take(6).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a script reads the same for a person on both, and all else of it stays as written.
    #[test]
    fn a_script_is_written_out_for_each_database() {
        let script = "a @text, @9(t.px_e9) AS px, @date(days), @8(f(x, 0)), b";
        let lite = Dialect::Sqlite.expand(script);
        assert!(lite.starts_with("a TEXT, CASE WHEN (t.px_e9) IS NULL"), "{lite}");
        assert!(lite.contains("date(days * 86400, 'unixepoch'), CASE WHEN (f(x, 0)) IS"), "{lite}");
        assert!(lite.ends_with("END, b"), "{lite}");
        let post = Dialect::Postgres.expand(script);
        assert!(post.contains("CAST((t.px_e9) AS NUMERIC(38, 0)) * 0.000000001 AS px"), "{post}");
    }
}
