//! PostgreSQL, for those who have a server.

use super::connection::connection;
use super::database::{Database, DatabaseError, Dialect, Insert, Value};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

connection! {
    /// A PostgreSQL database.
    Postgres, sqlx::Postgres, PgConnection, Dialect::Postgres;
    /// All rows in one statement, an array a column: 75,000 records a second, where a parameter for
    /// each value came to 36,000.
    fn insert(&mut self, into: &Insert, rows: &[Vec<Value>]) -> Result<(), DatabaseError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let kinds: Vec<String> = (1..)
            .zip(first)
            .map(|(number, value)| match value {
                Value::Int(_) => format!("${number}::BIGINT[]"),
                Value::Text(_) => format!("${number}::TEXT[]"),
            })
            .collect();
        let (head, tail) = (&into.head, &into.tail);
        let sql = format!("{head} SELECT * FROM unnest({}){tail}", kinds.join(", "));
        let mut query = sqlx::query::<sqlx::Postgres>(sqlx::AssertSqlSafe(sql.as_str()));
        for (column, kind) in first.iter().enumerate() {
            let is_int = |cell: &Value| matches!(cell, Value::Int(_));
            let of_kind = |cell: &Value| is_int(cell) == is_int(kind);
            if !rows.iter().all(|row| row.get(column).is_some_and(of_kind)) {
                let (database, at) = (self.name.clone(), head.clone());
                return Err(DatabaseError::Value { database, at, column });
            }
            let cells = rows.iter().map(|row| row.get(column));
            query = match kind {
                Value::Int(_) => {
                    query.bind(cells.map(|cell| cell.and_then(Value::int)).collect::<Vec<_>>())
                }
                Value::Text(_) => {
                    query.bind(cells.map(|cell| cell.and_then(Value::text)).collect::<Vec<_>>())
                }
            };
        }
        let done = self.runtime.block_on(query.execute(&mut self.connection));
        done.map(drop).map_err(|source| Self::said(&self.name, head, source))
    }
}

impl Postgres {
    /// Connects. The URL may lack the password; `password` is put in where there is one.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(url: &str, password: Option<&str>) -> Result<Self, DatabaseError> {
        let mut options: PgConnectOptions =
            url.parse().map_err(|source| Self::said("the PostgreSQL URL", "parse", source))?;
        if let Some(password) = password {
            options = options.password(password);
        }
        // A server that is gone, or a lock that nobody gives up, is an error and not a wait.
        let options = options
            .application_name("wirelane")
            .options([("statement_timeout", "60s"), ("lock_timeout", "10s")])
            .disable_statement_logging();
        let name = format!(
            "postgres://{}:{}/{}",
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or_default()
        );
        let runtime = Self::runtime(&name)?;
        let connected = runtime.block_on(options.connect());
        let connection = connected.map_err(|source| Self::said(&name, "connect", source))?;
        Ok(Self { runtime, connection, name })
    }
}
