//! Why a read has no answer.

use crate::cache::CacheError;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database did not answer, and nothing that was kept may stand in.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// What was kept is not what its version says.
    #[error("{key}: what was kept is not of this program: {source}; drop the tag `store`")]
    Value {
        /// Which.
        key: String,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// There is no such kind.
    #[error("{kind}: there is no such kind: {}", super::KINDS.join(", "))]
    Kind {
        /// What was asked for.
        kind: String,
    },
    /// There is no such tag.
    #[error("{tag}: there is no such tag: {}", super::TAGS.join(", "))]
    Tag {
        /// What was to be dropped.
        tag: String,
    },
}
