//! One connection of either kind: the same words around two drivers.

/// Declares a database around a driver's connection, with what it does in a way of its own.
macro_rules! connection {
    (
        $(#[$doc:meta])*
        $name:ident, $driver:ty, $connection:ty, $dialect:expr
        $(; $own:item)*
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            runtime: tokio::runtime::Runtime,
            connection: $connection,
            name: String,
        }

        impl $name {
            /// What drives the connection while its caller waits.
            fn runtime(name: &str) -> Result<tokio::runtime::Runtime, DatabaseError> {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|source| DatabaseError::File { path: name.to_owned(), source })
            }

            fn said(name: &str, sql: &str, source: sqlx::Error) -> DatabaseError {
                let at = crate::store::database::head_of(sql);
                DatabaseError::Said { database: name.to_owned(), at, source }
            }
        }

        impl Database for $name {
            fn dialect(&self) -> Dialect {
                $dialect
            }

            fn name(&self) -> &str {
                &self.name
            }

            $($own)*

            fn script(&mut self, sql: &str) -> Result<(), DatabaseError> {
                let query = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
                let done = self.runtime.block_on(query.execute(&mut self.connection));
                done.map(drop).map_err(|source| Self::said(&self.name, sql, source))
            }

            fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, DatabaseError> {
                let mut query = sqlx::query::<$driver>(sqlx::AssertSqlSafe(sql));
                for value in values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                    };
                }
                let done = self.runtime.block_on(query.execute(&mut self.connection));
                done.map(|done| done.rows_affected())
                    .map_err(|source| Self::said(&self.name, sql, source))
            }

            fn each(
                &mut self,
                sql: &str,
                values: Vec<Value>,
                take: &mut dyn FnMut(Vec<Value>),
            ) -> Result<(), DatabaseError> {
                use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};
                let mut query = sqlx::query::<$driver>(sqlx::AssertSqlSafe(sql));
                for value in values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                    };
                }
                let name = &self.name;
                let failed = |source| Self::said(name, sql, source);
                let connection = &mut self.connection;
                self.runtime.block_on(async move {
                    let mut rows = query.fetch(connection);
                    while let Some(row) =
                        std::future::poll_fn(|context| rows.as_mut().poll_next(context)).await
                    {
                        let row = row.map_err(failed)?;
                        let mut values = Vec::with_capacity(row.len());
                        for column in row.columns().iter().map(|column| column.ordinal()) {
                            let raw = row.try_get_raw(column).map_err(failed)?;
                            let kind = raw.type_info().name().to_owned();
                            values.push(match kind.as_str() {
                                "INTEGER" | "INT8" | "BIGINT" => {
                                    Value::Int(row.try_get(column).map_err(failed)?)
                                }
                                "TEXT" => Value::Text(row.try_get(column).map_err(failed)?),
                                _ if raw.is_null() => Value::Int(None),
                                _ => {
                                    return Err(DatabaseError::Value {
                                        database: name.clone(),
                                        at: crate::store::database::head_of(sql),
                                        column,
                                    });
                                }
                            });
                        }
                        take(values);
                    }
                    Ok(())
                })
            }
        }
    };
}
pub(crate) use connection;
