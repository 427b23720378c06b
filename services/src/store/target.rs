//! Which database is meant.

use super::database::{Database, DatabaseError};
use super::sqlite::Sqlite;
use std::path::{Path, PathBuf};

/// A database by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database: its URL, and its password where there is one.
    Postgres {
        /// Without a password.
        url: String,
        /// The password.
        password: Option<Password>,
    },
}

/// A password, which nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Keeps it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Its text, for whoever it opens something to.
    #[cfg(any(feature = "postgres", feature = "redis", feature = "nats"))]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("***")
    }
}

impl Target {
    /// Reads `sqlite` (the file `store.db` in `dir`), `sqlite:PATH` (from `dir`), or
    /// `postgres://user@host:port/database`.
    ///
    /// # Errors
    /// [`DatabaseError::Url`]: none of these, or a password stands in it.
    pub fn parse(
        text: &str,
        password: Option<Password>,
        dir: &Path,
    ) -> Result<Self, DatabaseError> {
        let url = |remedy| DatabaseError::Url { url: without_password(text), remedy };
        match text.split_once(':') {
            None if text == "sqlite" => Ok(Self::Sqlite(dir.join("store.db"))),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(dir.join(path))),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                if without_password(text) != text || text.contains("password=") {
                    return Err(url("take the password out and name its variable: password_env"));
                }
                Ok(Self::Postgres { url: text.to_owned(), password })
            }
            _ => Err(url("write sqlite, sqlite:FILE or postgres://user@host:port/database")),
        }
    }

    /// Opens it; a SQLite file is made when `create` and there is none.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(&self, create: bool) -> Result<Box<dyn Database>, DatabaseError> {
        match self {
            Self::Sqlite(path) => Ok(Box::new(Sqlite::open(path, create)?)),
            #[cfg(feature = "postgres")]
            Self::Postgres { url, password } => {
                let password = password.as_ref().map(Password::reveal);
                Ok(Box::new(super::postgres::Postgres::open(url, password)?))
            }
            #[cfg(not(feature = "postgres"))]
            Self::Postgres { url, .. } => Err(DatabaseError::Url {
                url: url.clone(),
                remedy: "this program was built without PostgreSQL: build it with --features \
                         postgres",
            }),
        }
    }

    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres { .. } => None,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(out),
            Self::Postgres { url, .. } => out.write_str(url),
        }
    }
}

/// A URL without what stands between user and host behind a colon.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}@{host}{path}"),
            None => url.to_owned(),
        },
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a name says which database, a password in it is refused and shown nowhere.
    #[test]
    fn names_are_read_and_passwords_refused() {
        let dir = Path::new("/data");
        let parse = |text| Target::parse(text, None, dir);
        assert_eq!(parse("sqlite").unwrap(), Target::Sqlite("/data/store.db".into()));
        assert_eq!(parse("sqlite:a/b.db").unwrap(), Target::Sqlite("/data/a/b.db".into()));
        assert!(matches!(parse("postgres://u@h:5/d").unwrap(), Target::Postgres { .. }));
        let error = parse("postgres://u:hunter2@h/d").unwrap_err().to_string();
        assert!(error.contains("password_env") && !error.contains("hunter2"), "{error}");
        for text in ["", "mysql://h/d", "sqlite:", "postgres"] {
            assert!(parse(text).unwrap_err().to_string().contains("write sqlite"), "{text}");
        }
        let password = Some(Password::new("hunter2".into()));
        let target = Target::parse("postgres://u@h/d", password, dir).unwrap();
        assert!(!format!("{target:?} {target}").contains("hunter2"));
    }
}
