//! What the cache asks of a level that processes share.

use super::level::Level;
use std::time::Duration;

/// A level that processes share.
pub(super) trait Shared: Send + Sync {
    /// The bytes under a key; `None` also where it does not answer.
    fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps bytes under a key for a while. Nobody waits for it.
    fn put(&self, key: &str, bytes: Vec<u8>, keep: Duration);

    /// Raises the generations of slots, removes what is under a key, and tells everybody; whether
    /// it has it.
    fn deliver(&self, slots: &[u16], key: Option<&str>) -> bool;

    /// Its counts and its breaker.
    fn level(&self) -> &Level;
}
