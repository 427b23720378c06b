//! PostgreSQL, for those who have a server.

use super::connection::connection;
use super::database::{Database, DatabaseError, Dialect, Value};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

connection! {
    /// A PostgreSQL database.
    Postgres, sqlx::Postgres, PgConnection, Dialect::Postgres
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
