//! What is asked of the store again and again, through the cache: instruments, orders, days.
//!
//! ```text
//!   API, `wirelane cache get` ─► Reads ─► cache ─► the database (one connection, which only reads)
//!                   services ─► forget: what a commit made untrue
//! ```
//!
//! What holds:
//! - How long an answer is kept follows from what it is: an order that works for `order`, one that
//!   has ended for `order_ended`, a day that is over for `day_past`.
//! - What the store writes of sessions, instruments and fills that were undone ends what was kept
//!   of them; a database that was put back ends everything (the tag `store`).
//! - A key names its database, so that another one in its place is asked anew.

mod answer;
mod desk;
mod error;
mod questions;
mod source;

pub use answer::{Answer, Day, DayProfit, Instrument, Order};
pub use desk::{Asked, Desk, Told, ask, socket};
pub use error::ReadError;
pub use questions::{KINDS, Reads, TAGS, Times};

/// What the store's writing made untrue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Instruments were written.
    pub instruments: bool,
    /// A session began, was complete, or ended.
    pub sessions: bool,
    /// Orders whose fills were undone or corrected, by `cl_ord_id`.
    pub orders: std::collections::BTreeSet<String>,
    /// Rows of old sessions were removed.
    pub pruned: bool,
}

impl Touched {
    /// Adds what `other` touched.
    pub fn add(&mut self, other: Self) {
        self.instruments |= other.instruments;
        self.sessions |= other.sessions;
        self.pruned |= other.pruned;
        self.orders.extend(other.orders);
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
