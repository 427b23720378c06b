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
//!
//! [cache]
//! memory_mb = 64             # of answers in memory
//! disk_mb = 256              # of answers in cache.redb in the engine's directory; 0: none
//! keep_s = 600               # how long past its time an answer may stand in for a database
//!                            # that does not answer
//!
//! [cache.times_s]            # how long answers are fresh
//! instrument = 3600
//! order = 1
//! order_ended = 60
//! day = 5
//! day_past = 3600
//!
//! [cache.redis]              # none unless it is named; with the feature `redis`
//! url = "redis://127.0.0.1:6379/0"
//! prefix = "desk1"           # what its keys begin with: one per engine
//! password_env = "NAME"      # the variable that holds the password
//! timeout_ms = 100           # longest wait for an answer
//! sync_ms = 500              # time between two comparisons of what was dropped
//! stale_max_ms = 5000        # what was not compared for longer is read again
//!
//! [bus]                      # with the feature `nats`; without this table there is none
//! url = "nats://host:4222"   # or tls://host:4222; no password in it
//! engine = "ny-1"            # who publishes; a desk that only reads has none
//! stream = "wirelane"        # streams are wirelane-NAME, subjects wirelane.NAME.orders
//! families = ["session", "orders"]  # also "wire" and "inputs"; a store needs the first two
//! user = "me"                # with password_env; or token_env; or nkey_env, for a seed
//! password_env = "NATS_PASSWORD"
//! ca_file = "ca.pem"         # from the engine's directory; in place of the system's certificates
//! cert_file = "me.pem"       # our certificate, with key_file
//! key_file = "me.key"
//! keep_days = 0              # of a new stream: days that it keeps, 0 for ever
//! keep_mib = 0               # of a new stream: mebibytes that it may have, 0 without end
//! replicas = 1               # of a new stream: copies in a cluster, 1 to 5
//! ```

mod bus;

use crate::bus::BusSettings;
use crate::cache::{self, DiskSettings, RedisSettings};
use crate::reads::Times;
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
    #[error("{path}: {key}: the environment has no variable {name}")]
    Environment {
        /// Which file.
        path: PathBuf,
        /// The key that names it.
        key: &'static str,
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
    #[serde(default)]
    cache: CacheText,
    bus: Option<bus::BusText>,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CacheText {
    memory_mb: u64,
    disk_mb: u64,
    keep_s: u64,
    times_s: TimesText,
    redis: Option<RedisText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TimesText {
    instrument: u64,
    order: u64,
    order_ended: u64,
    day: u64,
    day_past: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RedisText {
    url: String,
    prefix: String,
    password_env: Option<String>,
    #[serde(default = "RedisText::timeout_ms")]
    timeout_ms: u64,
    #[serde(default = "RedisText::sync_ms")]
    sync_ms: u64,
    #[serde(default = "RedisText::stale_max_ms")]
    stale_max_ms: u64,
}

impl RedisText {
    fn timeout_ms() -> u64 {
        100
    }

    fn sync_ms() -> u64 {
        500
    }

    fn stale_max_ms() -> u64 {
        5_000
    }
}

impl Default for CacheText {
    fn default() -> Self {
        let times_s = TimesText::default();
        Self { memory_mb: 64, disk_mb: 256, keep_s: 600, times_s, redis: None }
    }
}

impl Default for TimesText {
    fn default() -> Self {
        Self { instrument: 3_600, order: 1, order_ended: 60, day: 5, day_past: 3_600 }
    }
}

/// What the services do.
#[derive(Clone, Debug)]
pub struct Config {
    /// The store.
    pub store: Settings,
    /// The cache in front of it.
    pub cache: cache::Settings,
    /// How long what is read of it is fresh.
    pub times: Times,
    /// The bus, if there is one.
    pub bus: Option<BusSettings>,
}

/// What a value is read with: which file it is from, and what the environment has.
struct Reading<'a> {
    path: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Reading<'_> {
    fn wrong(&self, key: &'static str, value: impl ToString, remedy: &'static str) -> ConfigError {
        ConfigError::Value { path: self.path.to_path_buf(), key, value: value.to_string(), remedy }
    }

    /// A number that is in its range.
    fn ranged(
        &self,
        key: &'static str,
        value: u64,
        (least, most, remedy): (u64, u64, &'static str),
    ) -> Result<u64, ConfigError> {
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(self.wrong(key, value, remedy))
        }
    }

    fn password(
        &self,
        key: &'static str,
        variable: Option<String>,
    ) -> Result<Option<Password>, ConfigError> {
        let Some(name) = variable else { return Ok(None) };
        match (self.environment)(&name) {
            Some(value) => Ok(Some(Password::new(value))),
            None => Err(ConfigError::Environment { path: self.path.to_path_buf(), key, name }),
        }
    }

    fn store(&self, text: StoreText, dir: &Path) -> Result<Settings, ConfigError> {
        let StoreText { database, password_env, batch_max, commit_ms, keep_days } = text;
        let rows = (1, 1_000_000, "write 1 to 1000000");
        let batch_max = self.ranged("store.batch_max", batch_max, rows)?;
        let commit_ms = self.ranged("store.commit_ms", commit_ms, MINUTE_MS)?;
        if let Some(days) = keep_days.filter(|days| !(1..=36_500).contains(days)) {
            return Err(self.wrong("store.keep_days", days, "write 1 to 36500"));
        }
        let password = self.password("store.password_env", password_env)?;
        let target = Target::parse(&database, password, dir)
            .map_err(|source| ConfigError::Database { path: self.path.to_path_buf(), source })?;
        let commit = Duration::from_millis(commit_ms);
        let batch_max = usize::try_from(batch_max).unwrap_or(usize::MAX);
        Ok(Settings { target, batch_max, commit, heads: None, keep_days })
    }

    fn cache(&self, text: CacheText, dir: &Path) -> Result<(cache::Settings, Times), ConfigError> {
        let CacheText { memory_mb, disk_mb, keep_s, times_s, redis } = text;
        let memory_mb =
            self.ranged("cache.memory_mb", memory_mb, (1, 65_536, "write 1 to 65536"))?;
        let disk = (0, 1_048_576, "write 1 to 1048576, or 0 for none");
        let disk_mb = self.ranged("cache.disk_mb", disk_mb, disk)?;
        let keep_s = self.ranged("cache.keep_s", keep_s, YEAR_S)?;
        let path = dir.join("cache.redb");
        let disk = (disk_mb > 0).then_some(DiskSettings { path, bytes_max: disk_mb << 20 });
        let (redis, stale_max) = match redis {
            Some(redis) => {
                let (redis, stale_max) = self.redis(redis)?;
                (Some(redis), stale_max)
            }
            None => (None, Duration::from_millis(RedisText::stale_max_ms())),
        };
        let memory_bytes_max = memory_mb << 20;
        let keep = Duration::from_secs(keep_s);
        let settings = cache::Settings { memory_bytes_max, disk, redis, stale_max, keep };
        Ok((settings, self.times(&times_s)?))
    }

    fn times(&self, text: &TimesText) -> Result<Times, ConfigError> {
        let time = |key, value| Ok(Duration::from_secs(self.ranged(key, value, YEAR_S)?));
        Ok(Times {
            instrument: time("cache.times_s.instrument", text.instrument)?,
            order: time("cache.times_s.order", text.order)?,
            order_ended: time("cache.times_s.order_ended", text.order_ended)?,
            day: time("cache.times_s.day", text.day)?,
            day_past: time("cache.times_s.day_past", text.day_past)?,
        })
    }

    fn redis(&self, text: RedisText) -> Result<(RedisSettings, Duration), ConfigError> {
        let RedisText { url, prefix, password_env, timeout_ms, sync_ms, stale_max_ms } = text;
        let authority =
            url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
        if authority.is_some_and(|at| at.rsplit_once('@').is_some_and(|(who, _)| who.contains(':')))
        {
            let remedy = "take the password out and name its variable: cache.redis.password_env";
            return Err(self.wrong("cache.redis.url", "***", remedy));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=64).contains(&prefix.len()) || !prefix.bytes().all(is_plain) {
            let remedy = "write 1 to 64 letters, digits, - _ or . that no other engine has";
            return Err(self.wrong("cache.redis.prefix", prefix, remedy));
        }
        let timeout_ms = self.ranged("cache.redis.timeout_ms", timeout_ms, MINUTE_MS)?;
        let sync_ms = self.ranged("cache.redis.sync_ms", sync_ms, MINUTE_MS)?;
        if stale_max_ms < 4 * (timeout_ms + sync_ms) || stale_max_ms > 3_600_000 {
            let remedy = "write at least four times timeout_ms + sync_ms, and at most 3600000";
            return Err(self.wrong("cache.redis.stale_max_ms", stale_max_ms, remedy));
        }
        let password = self.password("cache.redis.password_env", password_env)?;
        let (timeout, sync) = (Duration::from_millis(timeout_ms), Duration::from_millis(sync_ms));
        let settings = RedisSettings { url, password, prefix, timeout, sync };
        Ok((settings, Duration::from_millis(stale_max_ms)))
    }
}

const MINUTE_MS: (u64, u64, &str) = (1, 60_000, "write 1 to 60000");
const YEAR_S: (u64, u64, &str) = (0, 31_536_000, "write 0 to 31536000");

impl Config {
    /// Reads `path`; without one, `services.toml` in `dir`; if there is none, what stands above.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: Option<&Path>, dir: &Path) -> Result<Self, ConfigError> {
        Self::load_from(path, dir, None)
    }

    /// Like [`Config::load`], with the URL of the bus in place of `bus.url`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load_from(
        path: Option<&Path>,
        dir: &Path,
        url: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let own = dir.join("services.toml");
        let file = path.unwrap_or(&own);
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                format!("version = {VERSION}")
            }
            Err(source) => return Err(ConfigError::File { path: file.to_path_buf(), source }),
        };
        Self::parse(&text, file, dir, url, &|name| std::env::var(name).ok())
    }

    /// Reads a text; `path` names it in errors, `dir` is the engine's directory, `url` is that of
    /// the bus where it is not the text's.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(
        text: &str,
        path: &Path,
        dir: &Path,
        url: Option<&str>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let text: Text = toml::from_str(text).map_err(|source| ConfigError::Text {
            path: path.to_path_buf(),
            source: Box::new(source),
        })?;
        let reading = Reading { path, environment };
        if text.version != VERSION {
            return Err(reading.wrong("version", text.version, "this program reads version 1"));
        }
        if text.audit.heads.as_os_str().is_empty() {
            return Err(reading.wrong("audit.heads", "\"\"", "write the path of a file"));
        }
        let heads = Some(dir.join(text.audit.heads));
        let store = Settings { heads, ..reading.store(text.store, dir)? };
        let (cache, times) = reading.cache(text.cache, dir)?;
        let bus = match (text.bus, url) {
            (None, None) => None,
            (bus, url) => {
                let bus = bus.unwrap_or_default();
                Some(bus.settings(&bus::Place { path, dir, url, environment })?)
            }
        };
        Ok(Self { store, cache, times, bus })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let environment = |name: &str| (name == "PW").then(|| "hunter2".to_owned());
        Config::parse(text, Path::new("s.toml"), Path::new("/data"), None, &environment)
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
        let config = parse(
            "version = 1\n[cache]\nmemory_mb = 2\ndisk_mb = 0\nkeep_s = 3\n[cache.times_s]\n\
             instrument = 4\norder = 5\norder_ended = 6\nday = 7\nday_past = 8\n[cache.redis]\n\
             url = \"redis://u@h:1/2\"\nprefix = \"p\"\npassword_env = \"PW\"\n\
             timeout_ms = 9\nsync_ms = 10\nstale_max_ms = 76",
        )
        .unwrap();
        let (cache, times) = (config.cache.clone(), config.times);
        assert_eq!((cache.memory_bytes_max, cache.keep.as_secs()), (2 << 20, 3));
        assert!(cache.disk.is_none());
        let of = [times.instrument, times.order, times.order_ended, times.day, times.day_past];
        assert_eq!(of.map(|time| time.as_secs()), [4, 5, 6, 7, 8]);
        let redis = cache.redis.unwrap();
        assert_eq!((&*redis.url, &*redis.prefix), ("redis://u@h:1/2", "p"));
        assert!(redis.password.is_some());
        let of = [redis.timeout, redis.sync, cache.stale_max];
        assert_eq!(of.map(|time| time.as_millis()), [9, 10, 76]);
        assert!(!format!("{config:?}").contains("hunter2"));
        let disk = parse("version = 1").unwrap().cache.disk.unwrap();
        assert_eq!(disk.path, Path::new("/data/cache.redb"));
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
            ("version = 1\n[store]\npassword_env = \"NONE\"", "store.password_env"),
            ("version = 1\n[cache]\nmemory = 1", "memory"),
            ("version = 1\n[cache]\nmemory_mb = 0", "cache.memory_mb"),
            ("version = 1\n[cache]\ndisk_mb = 1048577", "cache.disk_mb"),
            ("version = 1\n[cache]\nkeep_s = 31536001", "cache.keep_s"),
            ("version = 1\n[cache.times_s]\norders = 1", "orders"),
            ("version = 1\n[cache.times_s]\nday = 31536001", "cache.times_s.day"),
            ("version = 1\n[cache.redis]\nurl = \"redis://h\"", "prefix"),
        ];
        let redis = [
            ("url = \"redis://u:hunter2@h\"\nprefix = \"p\"", "cache.redis.url"),
            ("url = \"redis://h\"\nprefix = \"a b\"", "cache.redis.prefix"),
            ("url = \"redis://h\"\nprefix = \"p\"\nsync_ms = 0", "cache.redis.sync_ms"),
            ("url = \"redis://h\"\nprefix = \"p\"\ntimeout_ms = 0", "cache.redis.timeout_ms"),
            ("url = \"redis://h\"\nprefix = \"p\"\nstale_max_ms = 2399", "stale_max_ms"),
            ("url = \"redis://h\"\nprefix = \"p\"\npassword_env = \"NO\"", "redis.password_env"),
        ];
        for (text, named) in redis {
            let error = parse(&format!("version = 1\n[cache.redis]\n{text}")).unwrap_err();
            let error = error.to_string();
            assert!(error.contains("s.toml") && error.contains(named), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for (text, named) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("s.toml") && error.contains(named), "{text}: {error}");
        }
        let gone = Config::load(Some(Path::new("/no/such/file")), Path::new("/data"));
        assert!(gone.unwrap_err().to_string().contains("/no/such/file"));
    }
}
