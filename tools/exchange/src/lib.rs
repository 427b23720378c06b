//! An exchange on loopback: a real matching engine behind ITCH 5.0 and OUCH 5.0.
//!
//! ```text
//! flow (generated, recorded) ─┐
//!                             ├─► matching ─► itch_out ─► MoldUDP64 A, B; re-requests; SoupBinTCP
//! ouch_in (clients, OUCH) ────┘       │           └─────► hashes of the books
//!        ▲                            │
//!        └────────── reports ─────────┘
//! ```
//!
//! Cold code: one thread, one loop, and it may allocate. The order of everything is the order in
//! which the loop met it. Without clients a seed (or a recording) names the tape byte for byte.

#![deny(unsafe_code)]

pub mod error;
pub mod exchange;
pub mod faults;
pub mod flow;
pub mod itch_out;
pub mod listing;
pub mod matching;
pub mod options;
pub mod order_log;
pub mod ouch_in;
pub mod random;
mod run;
mod signal;
pub mod sockets;
mod soup_link;
pub mod summary;

pub use error::Error;
pub use exchange::Exchange;
pub use options::{Args, Options};
pub use run::{ready_line, run};
pub use sockets::Addresses;
pub use summary::Summary;
