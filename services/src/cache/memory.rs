//! The level in memory: whole entries, the least recently used go first.

use super::counts::Counts;
use super::entry::Entry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use std::sync::Arc;

/// What an entry takes besides its key, its generations and its value.
const OVERHEAD: usize = 160;

pub(super) struct Memory {
    entries: Cache<Arc<str>, Arc<Entry>>,
    pub(super) bytes_max: u64,
    pub(super) counts: Counts,
}

impl Memory {
    pub(super) fn new(bytes_max: u64) -> Self {
        // The default policy may refuse what was just filled, and the next asker would fill again.
        let entries = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|key: &Arc<str>, entry: &Arc<Entry>| weight(key, entry))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { entries, bytes_max, counts: Counts::default() }
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(super) fn put(&self, key: &str, entry: Arc<Entry>) {
        self.entries.insert(Arc::from(key), entry);
        self.counts.kept.one();
    }

    pub(super) fn remove(&self, key: &str) {
        self.entries.invalidate(key);
    }

    /// Entries and bytes that it holds.
    pub(super) fn size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.entry_count(), self.entries.weighted_size())
    }
}

fn weight(key: &str, entry: &Entry) -> u32 {
    let bytes = OVERHEAD + key.len() + entry.value.len() + entry.stamp.slots.len() * 16;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
