//! The bus: journals to NATS JetStream, and from there into one store of several engines.
//!
//! ```text
//!   engine A: Follower ─► Cutter: messages ─► stream wirelane-a ─┐
//!   engine B: Follower ─► Cutter: messages ─► stream wirelane-b ─┴► Inbox ─► Batch ─► Store
//! ```
//!
//! What holds:
//! - A stream has one writer: each message says behind which one it belongs, and the server refuses
//!   any other. What a publisher has published it reads from the stream's last message, so that a
//!   stop, a kill, or a server that lost its end, repeats nothing and leaves nothing out.
//! - Each message has an id of engine, session, lane and records, by which the server knows one
//!   that it was sent twice within [`DUPLICATE_WINDOW`]. What comes twice after that the reader
//!   knows by the record numbers that it keeps with the rows, in their transaction.
//! - Each message names the digest of the one before it. A reader for whom that is another one,
//!   since the server has lost its end and was told it anew, begins again at the stream's first
//!   message; records that are gone from there it notes as a gap.
//! - The bus reads the journal like any other service, on a thread of its own: with the server gone
//!   it waits, and neither the engine nor the store beside it notices.

mod cutter;
mod error;
mod family;
mod inbox;
mod message;
mod settings;
mod source;

#[cfg(feature = "nats")]
mod desk;
#[cfg(feature = "nats")]
mod link;
#[cfg(feature = "nats")]
mod publisher;
#[cfg(feature = "nats")]
mod reading;

pub use cutter::{Cutter, Outgoing};
#[cfg(feature = "nats")]
pub use desk::{Desk, DeskProgress};
pub use error::BusError;
pub use family::{Families, Family};
pub use inbox::{Inbox, InboxError};
pub use message::{Head, LaneAt, Malformed, VERSION, chain_of};
#[cfg(feature = "nats")]
pub use publisher::{Progress, Publisher};
pub use settings::{BusSettings, Login, Name, Server};
pub use source::Source;

/// How long a server knows the ids of messages.
pub const DUPLICATE_WINDOW: std::time::Duration = std::time::Duration::from_secs(120);
