//! A generated day of ITCH, and the plain books that say what is right.
//!
//! ```text
//!  seed ─► Day ─► BinaryFILE bytes ─► books under test ─┐
//!                        └──────────► PlainBooks ───────┴─► one hash of books, one of top changes
//! ```
//!
//! [`Day`] makes the same bytes for the same configuration on every machine: its distributions are
//! built from integers and square roots alone. [`PlainBooks`] is a map of orders and two trees a
//! symbol: slow, and obviously right.
//!
//! ```
//! use wirelane_day::{Config, Day, PlainBooks, messages};
//!
//! let mut bytes = Vec::new();
//! let mut day = Day::new(Config { messages: 5_000, symbols: 20, seed: 1 });
//! while day.next(&mut bytes) {}
//! let mut books = PlainBooks::default();
//! messages(&bytes).for_each(|message| {
//!     books.apply(message);
//! });
//! assert_eq!(books.live_orders(), day.live_orders());
//! ```
#![forbid(unsafe_code)]

mod day;
mod distribution;
mod framing;
mod market;
mod plain;
#[cfg(test)]
mod tests;

pub use day::{Config, Day};
pub use distribution::Random;
pub use framing::{Messages, messages};
pub use plain::{PlainBooks, PlainTop, TopHash};
