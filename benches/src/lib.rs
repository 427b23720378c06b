//! Benches, one question per file under `benches/`; what they share is here.
//!
//! ```text
//! decode   book   risk   encode     one part of a trip at a time
//! risk_rules                        what every rule adds to a stage that asks nothing
//! journal  ring                     what every part stands on
//! trip                              a datagram in, an order out: all parts on one thread
//! compare                           layouts, rings, waits beside each other: `wirelane bench`
//! ```
//!
//! Times move with the machine's load, so that nothing is gated by them: `cargo xtask bench` prints
//! them with the machine they were taken on. Instruction counts, which a load does not move, are
//! taken by the program `instructions`, and gated.
#![forbid(unsafe_code)]

pub mod compare;
pub mod figure;
pub mod flow;
pub mod risk;
pub mod rounds;
pub mod trip;
