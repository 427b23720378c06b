//! The pipeline: configuration, stages, strategies, risk, order tracking, recovery, replay.
#![deny(
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
#![deny(unsafe_code)]

pub mod clock;
pub mod config;
pub mod control;
pub mod link;
pub mod order;
pub mod parent;
pub mod pin;
pub mod pipeline;
pub mod planted;
pub mod position;
pub mod replay;
pub mod risk;
pub mod stage;
pub mod strategy;
pub mod telemetry;
pub mod wait;
