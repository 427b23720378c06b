//! Get or fill: what is asked for often is kept near, on three levels, and not for longer than it
//! is true.
//!
//! ```text
//!   ask ─► memory (moka) ─► Redis (feature `redis`) ─► disk (redb) ─► fill: one flight per key
//!                 ▲                ▲  ▼                                      │
//!                 └────────────────┴──┴──── kept on every level ◄────────────┘
//!   drop(key | tag) ─► a generation rises ─► entries of before match it no more, on any level
//! ```
//!
//! What holds:
//! - An entry carries the generations of its key and tags as they were **before** it was filled. It
//!   is given out while they are still those; to drop is to raise a generation, so that a fill that
//!   was under way when something was dropped is dropped with it.
//! - Generations lie in [`SLOTS`] slots that keys and tags are hashed to: a table of fixed size,
//!   where a collision costs a fill and never gives out what was dropped.
//! - With Redis the generations are Redis's. Each process hears of a drop by a message, and reads
//!   the whole table besides every `sync`. What a process could not compare for `stale_max` it
//!   fills again. So no process gives out as fresh what was dropped on Redis more than `stale_max`
//!   ago, whatever messages were lost and whatever became of Redis. A Redis that was started anew
//!   is another table: nothing of before counts.
//! - A drop that cannot reach Redis holds in this process at once, is kept on the disk and sent
//!   until Redis has it; [`Dropped`] says so.
//! - A level that fails is passed over for a while (its breaker), and asking goes on without it.
//! - What is damaged or of another version is a miss, and counted.
//! - Where a fill fails, an entry that is past its time but was not dropped may stand in, marked as
//!   stale, for as long as `keep`.
//! - Memory, disk, flights, queues and keys have a bound each. One flight is per process: two
//!   processes may fill the same key at once.

mod breaker;
mod counts;
mod disk;
mod entry;
mod error;
mod flight;
#[cfg_attr(
    not(any(test, feature = "redis")),
    expect(dead_code, reason = "comparing is for a level that processes share")
)]
mod generations;
mod get;
mod level;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod settings;
mod shared;
mod stats;
#[cfg(test)]
mod tests;

pub use breaker::{Breaker, BreakerState};
pub use error::{CacheError, OpenError};
pub use generations::SLOTS;
pub use get::{Ask, Cache, Dropped, Fill, Found, Origin};
pub use level::Clock;
pub use settings::{DiskSettings, RedisSettings, Settings};
pub use stats::{LevelStats, Stats};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock. A thread that panicked while it held it left whole values: each is set at once.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
