//! The tape: matching events become ITCH 5.0 messages, numbered once, kept for the session, and
//! sent as MoldUDP64 packets on two lines; the same store answers re-requests and SoupBinTCP
//! clients.

mod encode;
mod line;
mod publisher;
mod request;
mod soup;
mod store;
mod tape;
mod tape_book;

pub use encode::{
    Encoded, encode_directory, encode_event, encode_system_event, encode_trading_action,
};
pub use line::{Line, LineCounts};
pub use publisher::Publisher;
pub use request::{RequestCounts, RequestServer};
pub use soup::SoupFeed;
pub use store::MessageStore;
pub use tape::{HashTarget, Tape};
pub use tape_book::TapeBook;

/// Largest UDP payload of a packet, header included.
pub const PACKET_BYTES_MAX: usize = 1_400;
