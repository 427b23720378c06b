//! Order books: by order ([`OrderBooks`], strict) and by level ([`LevelBooks`], absolute
//! quantities), and [`ItchBooks`], which applies ITCH messages to the first and says what changed.
//!
//! All capacity is made at creation: an order table of open addressing at most half full, for each
//! instrument two windows of cells, one a tick, near its best prices, and one pool of level chunks,
//! shared by all books, for prices beyond. A full table or pool is a counted fault of one book,
//! never a panic and never an allocation.
//!
//! A caller that knows the messages to come says so ([`ItchBooks::look_far`], `look_near`, or
//! [`ItchBooks::apply_all`], which does both): what they touch is then fetched meanwhile.
//!
//! A book that met a fault (a reference twice, an unknown reference, more executed than was left,
//! ...) is STALE until [`OrderBooks::reset`]: it goes on applying what it can, but nobody may trade
//! on it.

mod ahead;
mod applied;
mod hash;
mod instrument;
mod itch;
mod ladder;
mod levels;
mod orders;
mod table;
#[cfg(test)]
mod tests;
mod window;

pub use ahead::{FAR, NEAR};
pub use applied::{Applied, BooksConfig, Print, StaleCause, TradingState};
pub use hash::{HASH_LEVELS, hash_levels};
pub use itch::ItchBooks;
pub use ladder::{Full, Level};
pub use levels::LevelBooks;
pub use orders::{Fault, FaultCounts, OrderBooks};
pub use table::Order;

use shm::message::flags;
use shm::units::{Price, Qty};

/// Best bid and ask. An absent side has [`Price::NONE`] and quantity 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// Best bid.
    pub bid_px: Price,
    /// Quantity at the best bid, at least 0.
    pub bid_qty: Qty,
    /// Best ask.
    pub ask_px: Price,
    /// Quantity at the best ask, at least 0.
    pub ask_qty: Qty,
}

impl Top {
    /// Neither bid nor ask.
    pub const EMPTY: Self =
        Self { bid_px: Price::NONE, bid_qty: Qty::ZERO, ask_px: Price::NONE, ask_qty: Qty::ZERO };

    /// [`flags::CROSSED`], [`flags::LOCKED`] or 0 (F5).
    #[must_use]
    pub const fn flags(&self) -> u8 {
        if self.bid_px.is_none() || self.ask_px.is_none() || self.bid_px.0 < self.ask_px.0 {
            0
        } else if self.bid_px.0 == self.ask_px.0 {
            flags::LOCKED
        } else {
            flags::CROSSED
        }
    }
}
