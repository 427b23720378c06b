//! Why the bus cannot go on.

use super::inbox::InboxError;
use super::message::Malformed;
use crate::follow::FollowError;

/// What went wrong. None of it ends a process: the bus tries again, and says so.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The journal.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The stream has another journal's records.
    #[error(
        "the stream has epoch {epoch} of another journal: this engine's directory was made anew, or \
         another engine has its name; write another bus.engine, or delete the stream"
    )]
    OtherJournal {
        /// The session.
        epoch: u16,
    },
    /// The last message of the stream cannot be read, so that nothing can follow it.
    #[error("the last message of the stream: {0}")]
    Last(Malformed),
    /// The server did not do as asked, or is not there.
    #[error("{url}: {at}: {why}")]
    Server {
        /// Which server.
        url: String,
        /// What was tried.
        at: String,
        /// What it said.
        why: String,
    },
    /// A message of a stream cannot be used.
    #[error("stream {stream}, message {seq}: {source}")]
    Message {
        /// Which stream.
        stream: String,
        /// Which message.
        seq: u64,
        /// Why.
        source: InboxError,
    },
}
