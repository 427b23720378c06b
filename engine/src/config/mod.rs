//! The engine's configuration: typed, checked once before start, with every fault in one report.
//!
//! ```text
//! file ─► tree with origins ◄─ environment ◄─ command line      node, layers
//!              │
//!     list of keys (keys) ─► reader ─► types (model)            scalar, reader, build
//!              │                          │
//!     JSON schema, key list      faults between keys            schema, check
//!                                         │
//!          instruments ─► bind      topology ◄─ machine         limits and ids; threads and links
//! ```
//!
//! Layers: default < file < environment (`WIRELANE__GATEWAY__OUCH__SEND__RATE`) < command line
//! (`--set gateway.ouch.send.rate=500`). The origin of each value is kept. An unknown key is a
//! fault, and so is a limit that nobody states: `unlimited` must be written. Numbers that are
//! money, prices or quantities are decimals in quotes, read exactly; there is no floating point.
//! Secrets never stand in a file: `password_env` names the variable that holds one.
//!
//! [`key_list`] gives every key with the part of the engine that reads it. Nothing here runs on a
//! hot thread; [`limits::LimitSet`] and [`params::Params`] are the parts that hot stages are
//! handed.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: before start, it may allocate and write words"
)]
#![forbid(unsafe_code)]

pub mod calendar;
pub mod limits;
pub mod links;
pub mod machine;
pub mod model;
pub mod params;
pub mod topology;

mod advice;
mod bind;
mod build;
mod check;
mod context;
mod fault;
mod forms;
mod init;
#[rustfmt::skip] // one key, one row: wrapped calls would hide the table
mod keys;
mod layers;
mod limit_file;
mod load;
mod node;
mod reader;
mod ready;
mod scalar;
mod schema;
mod spec;
mod stages;
mod text_file;

pub use advice::advice;
pub use bind::{Bound, SlotRange, read_instruments};
pub use calendar::{CalendarError, SessionDate, session_date};
pub use check::OPERATOR_ORDERS_MAX;
pub use fault::{Fault, FaultKind, Origin, Report};
pub use init::{KeyDoc, init, key_list};
pub use keys::{
    ACCOUNTS_MAX, FEEDS_MAX, GATEWAYS_MAX, LIMIT_ROWS_MAX, LINKS_MAX, STRATEGIES_MAX, THREADS_MAX,
    VERSION,
};
pub use layers::ENVIRONMENT_PREFIX;
pub use load::{Loaded, Setting, Sources};
pub use model::Config;
pub use ready::{SecretSource, missing_secrets, ready, secret_of_environment};
pub use schema::schema;
pub use stages::StageId;
pub use text_file::{Unreadable, read_text};

#[cfg(test)]
mod tests;
