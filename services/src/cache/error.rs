//! Why the cache cannot do what was asked.

use std::error::Error;
use std::sync::Arc;

/// What asking came to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CacheError {
    /// The key is longer than [`super::Ask::KEY_BYTES_MAX`].
    #[error("a key of {bytes} bytes: keys have at most {max}")]
    Key {
        /// Its bytes.
        bytes: usize,
        /// The most.
        max: usize,
    },
    /// Its source could not give it, and nothing that is kept may stand in.
    #[error("{key}: {source}")]
    Fill {
        /// What was asked for.
        key: String,
        /// What the source said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Another asker of the same key still waits for the source.
    #[error("{key}: its source has not answered for {seconds} s")]
    Slow {
        /// What was asked for.
        key: String,
        /// How long this one waited.
        seconds: u64,
    },
}

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Redis is named wrongly, or not in this build.
    #[error("cache.redis = {url}: {remedy}")]
    Redis {
        /// The URL, without a password.
        url: String,
        /// What to do.
        remedy: String,
    },
    /// A thread of it could not be started.
    #[error("a thread of the cache: {0}")]
    Thread(#[from] std::io::Error),
}
