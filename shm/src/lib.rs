//! The contract: the vocabulary of the engine and the shared memory it lives in.
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

#[cfg(not(loom))]
pub mod arena;
pub mod atomic;
pub mod counters;
pub mod gates;
pub mod histogram;
pub mod ids;
pub mod journal;
pub mod map;
pub mod message;
pub mod printable;
pub mod reason;
pub mod record;
pub mod region;
pub mod seqlock;
pub mod slot;
pub mod units;
