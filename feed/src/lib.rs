//! Bytes to market events: sources, framing, line arbitration, codecs, order books.
//!
//! ```text
//! source ─► frame ─► arbiter ─► codec ─► book ─► top of book, trades, state
//! ```
#![deny(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::disallowed_macros,
        clippy::disallowed_types,
        clippy::disallowed_methods
    )
)]

pub mod arbiter;
pub mod binaryfile;
pub mod book;
pub mod codec;
pub mod hash_channel;
pub mod instruments;
pub mod lobster;
pub mod moldudp64;
pub mod pcap;
pub mod source;
