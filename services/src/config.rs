//! The configuration of the services: a file of its own, which no engine reads.
//!
//! ```toml
//! version = 1
//!
//! [store]
//! database = "sqlite"        # store.db in the engine's directory; sqlite:FILE; postgres://...
//! batch_max = 20000          # records of one transaction
//! commit_ms = 50             # longest wait of a row for its transaction
//! keep_days = 400            # what ended before is removed; without this key nothing is
//!
//! [audit]
//! heads = "audit.heads"      # the chain's heads are appended there; from the engine's directory
//! ```

use crate::store::{DatabaseError, Password, Settings, Target};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of this file that the program reads.
pub const VERSION: i64 = 1;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML, or a key of it is wrong.
    #[error("{path}: {source}")]
    Text {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range, or of another version.
    #[error("{path}: {key} = {value}: {remedy}")]
    Value {
        /// Which.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What to write.
        remedy: &'static str,
    },
    /// The database is named wrongly.
    #[error("{path}: store.database: {source}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        source: DatabaseError,
    },
    /// A variable of the environment lacks.
    #[error("{path}: store.password_env: the environment has no variable {name}")]
    Environment {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        name: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: i64,
    #[serde(default)]
    store: StoreText,
    #[serde(default)]
    audit: AuditText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StoreText {
    database: String,
    password_env: Option<String>,
    batch_max: u64,
    commit_ms: u64,
    keep_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AuditText {
    heads: PathBuf,
}

impl Default for AuditText {
    fn default() -> Self {
        Self { heads: "audit.heads".into() }
    }
}

impl Default for StoreText {
    fn default() -> Self {
        Self {
            database: "sqlite".into(),
            password_env: None,
            batch_max: 20_000,
            commit_ms: 50,
            keep_days: None,
        }
    }
}

/// What the services do.
#[derive(Clone, Debug)]
pub struct Config {
    /// The store.
    pub store: Settings,
}

impl Config {
    /// Reads `path`; without one, `services.toml` in `dir`; if there is none, what stands above.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: Option<&Path>, dir: &Path) -> Result<Self, ConfigError> {
        let own = dir.join("services.toml");
        let file = path.unwrap_or(&own);
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                format!("version = {VERSION}")
            }
            Err(source) => return Err(ConfigError::File { path: file.to_path_buf(), source }),
        };
        Self::parse(&text, file, dir, &|name| std::env::var(name).ok())
    }

    /// Reads a text; `path` names it in errors, `dir` is the engine's directory.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(
        text: &str,
        path: &Path,
        dir: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let path = path.to_path_buf();
        let text: Text = toml::from_str(text)
            .map_err(|source| ConfigError::Text { path: path.clone(), source: Box::new(source) })?;
        let wrong = |key, value: String, remedy| {
            Err(ConfigError::Value { path: path.clone(), key, value, remedy })
        };
        if text.version != VERSION {
            return wrong("version", text.version.to_string(), "this program reads version 1");
        }
        let StoreText { database, password_env, batch_max, commit_ms, keep_days } = text.store;
        if !(1..=1_000_000).contains(&batch_max) {
            return wrong("store.batch_max", batch_max.to_string(), "write 1 to 1000000");
        }
        if !(1..=60_000).contains(&commit_ms) {
            return wrong("store.commit_ms", commit_ms.to_string(), "write 1 to 60000");
        }
        if let Some(days) = keep_days.filter(|days| !(1..=36_500).contains(days)) {
            return wrong("store.keep_days", days.to_string(), "write 1 to 36500");
        }
        if text.audit.heads.as_os_str().is_empty() {
            return wrong("audit.heads", "\"\"".to_owned(), "write the path of a file");
        }
        let heads = Some(dir.join(text.audit.heads));
        let password = match password_env {
            None => None,
            Some(name) => match environment(&name) {
                Some(value) => Some(Password::new(value)),
                None => return Err(ConfigError::Environment { path, name }),
            },
        };
        let target = Target::parse(&database, password, dir)
            .map_err(|source| ConfigError::Database { path, source })?;
        let commit = Duration::from_millis(commit_ms);
        let batch_max = usize::try_from(batch_max).unwrap_or(usize::MAX);
        Ok(Self { store: Settings { target, batch_max, commit, heads, keep_days } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let environment = |name: &str| (name == "PW").then(|| "hunter2".to_owned());
        Config::parse(text, Path::new("s.toml"), Path::new("/data"), &environment)
    }

    /// Goal: a short file is enough, every key is read, and no secret is shown.
    #[test]
    fn every_key_is_read() {
        let config = parse("version = 1").unwrap();
        assert_eq!(config.store.target, Target::Sqlite("/data/store.db".into()));
        assert_eq!(config.store.heads, Some("/data/audit.heads".into()));
        let config = parse(
            "version = 1\n[store]\ndatabase = \"postgres://u@h/d\"\npassword_env = \"PW\"\n\
             batch_max = 7\ncommit_ms = 9\nkeep_days = 30\n[audit]\nheads = \"/elsewhere/heads\"",
        )
        .unwrap();
        assert_eq!((config.store.batch_max, config.store.commit.as_millis()), (7, 9));
        assert_eq!(config.store.heads, Some("/elsewhere/heads".into()));
        assert_eq!(config.store.keep_days, Some(30));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    /// Goal: what is wrong is told with file and key. Method: one fault at a time.
    #[test]
    fn every_fault_names_its_key() {
        let cases = [
            ("", "version"),
            ("version = 2", "version"),
            ("version = 1\nstorage = 1", "storage"),
            ("version = 1\n[store]\nbatch = 1", "batch"),
            ("version = 1\n[store]\nbatch_max = 0", "store.batch_max"),
            ("version = 1\n[store]\ncommit_ms = 60001", "store.commit_ms"),
            ("version = 1\n[store]\nkeep_days = 0", "store.keep_days"),
            ("version = 1\n[store]\ndatabase = \"oracle\"", "store.database"),
            ("version = 1\n[audit]\nheads = \"\"", "audit.heads"),
            ("version = 1\n[store]\npassword_env = \"NONE\"", "NONE"),
        ];
        for (text, named) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("s.toml") && error.contains(named), "{text}: {error}");
        }
        let gone = Config::load(Some(Path::new("/no/such/file")), Path::new("/data"));
        assert!(gone.unwrap_err().to_string().contains("/no/such/file"));
    }
}
