//! `wirelane desk`: what all engines of a store hold together.

use super::store::{StoreArgs, open};
use crate::failure::{Failure, Outcome};
use crate::stdout::Out;
use ::services::store::Value;

/// Which store.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

/// A column: its name and its width; text stands left (a width below 0), numbers right.
type Column = (&'static str, i8);

/// What is printed: heading, question, columns.
const TABLES: [(&str, &str, &[Column]); 3] = [
    (
        "engines",
        "SELECT n.name, CAST(COALESCE(MAX(s.epoch), 0) AS TEXT) FROM engines n \
         LEFT JOIN sessions s ON s.engine = n.id GROUP BY n.id, n.name \
         HAVING n.id > 0 OR COUNT(s.epoch) > 0 ORDER BY n.id",
        &[("engine", -24), ("epoch", 8)],
    ),
    (
        "positions",
        "SELECT account, venue, symbol, CAST(position AS TEXT), CAST(gross AS TEXT), currency, \
         CAST(engines AS TEXT) FROM desk_positions ORDER BY account, venue, symbol",
        &[
            ("account", -16),
            ("venue", -10),
            ("symbol", -12),
            ("position", 24),
            ("gross", 24),
            ("currency", -8),
            ("engines", 7),
        ],
    ),
    (
        "open orders",
        "SELECT account, venue, symbol, side, CAST(orders AS TEXT), CAST(leaves_qty AS TEXT), \
         CAST(engines AS TEXT) FROM desk_open_orders ORDER BY account, venue, symbol, side",
        &[
            ("account", -16),
            ("venue", -10),
            ("symbol", -12),
            ("side", -6),
            ("orders", 8),
            ("leaves", 24),
            ("engines", 7),
        ],
    ),
];

impl Args {
    /// Prints the tables.
    pub(crate) fn run(&self) -> Outcome {
        let mut store = open(&self.store.target()?, false)?;
        let mut out = Out::stdout();
        for (name, sql, columns) in TABLES {
            let rows = store.database().rows(sql, Vec::new()).map_err(Failure::not_done)?;
            out.line(&format!("{name}: {}", rows.len()))?;
            if rows.is_empty() {
                continue;
            }
            let heads = columns.iter().map(|(head, _)| *head);
            out.line(&row(heads, columns))?;
            for values in &rows {
                out.line(&row(values.iter().map(shown), columns))?;
            }
        }
        out.flush()
    }
}

fn shown(value: &Value) -> &str {
    value.text().unwrap_or("-")
}

fn row<'a>(cells: impl Iterator<Item = &'a str>, columns: &[Column]) -> String {
    let mut line = String::new();
    for (cell, (_, width)) in cells.zip(columns) {
        let size = usize::from(width.unsigned_abs());
        line.push_str("  ");
        line.push_str(&match *width < 0 {
            true => format!("{cell:size$}"),
            false => format!("{cell:>size$}"),
        });
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: text stands left, numbers right, and nothing trails.
    #[test]
    fn cells_stand_in_their_columns() {
        let columns = [("a", -4), ("b", 5), ("c", -6)];
        assert_eq!(row(["x", "1", "y"].into_iter(), &columns), "  x         1  y");
        for (_, sql, columns) in TABLES {
            let asked = sql.split(" FROM ").next().unwrap().matches(", ").count() + 1;
            // COALESCE has a comma of its own.
            let inside = sql.split(" FROM ").next().unwrap().matches(", 0)").count();
            assert_eq!(asked - inside, columns.len(), "{sql}");
        }
    }
}
