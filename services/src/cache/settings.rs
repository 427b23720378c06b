//! What a cache is told.

use crate::store::Password;
use std::path::PathBuf;
use std::time::Duration;

/// How the cache is built.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of keys and values in memory, at most.
    pub memory_bytes_max: u64,
    /// The level on the disk, if there is one.
    pub disk: Option<DiskSettings>,
    /// The level that processes share, if there is one.
    pub redis: Option<RedisSettings>,
    /// With Redis: what was not compared with it for so long is filled again.
    pub stale_max: Duration,
    /// How long past its time an entry may stand in for a fill that failed.
    pub keep: Duration,
}

/// The level on the disk.
#[derive(Clone, Debug)]
pub struct DiskSettings {
    /// Its file, of one process at a time.
    pub path: PathBuf,
    /// Bytes of keys and entries in it, at most; the file is a small multiple of it.
    pub bytes_max: u64,
}

/// The level that processes share.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// Where: `redis://user@host:port/database`, or `rediss://` for TLS.
    pub url: String,
    /// The password.
    pub password: Option<Password>,
    /// What all its keys begin with: one per engine.
    pub prefix: String,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Time between two comparisons of the generations.
    pub sync: Duration,
}
