//! The levels together: memory and disk, and a shared level that is a model of Redis.

mod alone;
mod model;

use super::*;
use shm::units::Nanos;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Why a source gives nothing.
#[derive(Debug, thiserror::Error)]
#[error("the source is away")]
struct Away;

/// A clock that tests set.
#[derive(Clone)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_000_000_000_000)))
    }

    fn now(&self) -> u64 {
        // ORDERING: Relaxed: a lone number.
        self.0.load(Relaxed)
    }

    fn pass(&self, time: Duration) {
        // ORDERING: Relaxed: a lone number.
        self.0.fetch_add(time.as_nanos() as u64, Relaxed);
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Arc::new(move || Nanos(time.now()))
    }
}

fn settings(disk: Option<&Path>) -> Settings {
    let disk = disk.map(|path| DiskSettings { path: path.to_path_buf(), bytes_max: 1 << 20 });
    let (stale_max, keep) = (Duration::from_secs(5), Duration::from_secs(60));
    Settings { memory_bytes_max: 1 << 20, disk, redis: None, stale_max, keep }
}

fn fill(value: &[u8]) -> Result<Fill, Away> {
    Ok(Fill { value: value.to_vec(), fresh: Duration::from_secs(100) })
}

fn ask<'a>(key: &'a str, tags: &'a [&'a str]) -> Ask<'a> {
    Ask { key, version: 1, tags }
}
