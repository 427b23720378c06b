//! Order books: by order ([`OrderBooks`], strict) and by level ([`LevelBooks`], absolute
//! quantities), and [`ItchBooks`], which applies ITCH messages to the first and says what changed.
//!
//! All capacity is made at creation: an order table of open addressing at most half full, and one
//! pool of level chunks shared by all books. A full table or pool is a counted fault of one book,
//! never a panic and never an allocation.
//!
//! A book that met a fault (a reference twice, an unknown reference, more executed than was left,
//! ...) is STALE until [`OrderBooks::reset`]: it goes on applying what it can, but nobody may trade
//! on it.

mod applied;
mod hash;
mod itch;
mod ladder;
mod levels;
mod orders;
mod table;
#[cfg(test)]
mod tests;

pub use applied::{Applied, BooksConfig, Print, StaleCause, TradingState};
pub use hash::{HASH_LEVELS, hash_levels};
pub use itch::ItchBooks;
pub use ladder::{Full, Level};
pub use levels::LevelBooks;
pub use orders::{Fault, FaultCounts, OrderBooks};
pub use table::Order;

use ladder::{Ladder, LevelPool};
use shm::message::{Side, flags};
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

/// The two ladders of one instrument and its cached top.
#[derive(Clone, Copy, Debug)]
struct Sides {
    top: Top,
    bids: Ladder,
    asks: Ladder,
}

impl Sides {
    const EMPTY: Self = Self { top: Top::EMPTY, bids: Ladder::EMPTY, asks: Ladder::EMPTY };

    /// Ladders sort by rising goodness: asks by the negative of their price.
    #[inline]
    const fn key(side: Side, px: Price) -> i64 {
        match side {
            Side::Buy => px.0,
            Side::Sell => px.0.wrapping_neg(),
        }
    }

    #[inline]
    const fn ladder(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// One more order of `qty` at `px`. Whether the top changed.
    #[inline]
    fn add(&mut self, pool: &mut LevelPool, side: Side, px: Price, qty: Qty) -> Result<bool, Full> {
        let best = pool.add(self.ladder(side), Self::key(side, px), qty.0)?;
        Ok(best && self.refresh(pool, side))
    }

    /// `qty` less at `px`, and one order less if it is `gone`. Whether the top changed; `None` when
    /// the level does not hold that much.
    #[inline]
    fn reduce(
        &mut self,
        pool: &mut LevelPool,
        side: Side,
        px: Price,
        qty: Qty,
        gone: bool,
    ) -> Option<bool> {
        let best = pool.reduce(self.ladder(side), Self::key(side, px), qty.0, gone)?;
        Some(best && self.refresh(pool, side))
    }

    /// Exactly `qty` at `px`; 0 removes. Whether the top changed.
    fn set(&mut self, pool: &mut LevelPool, side: Side, px: Price, qty: Qty) -> Result<bool, Full> {
        let best = pool.set(self.ladder(side), Self::key(side, px), qty.0)?;
        Ok(best && self.refresh(pool, side))
    }

    /// Reads the best of a side again. Whether it changed.
    #[inline]
    fn refresh(&mut self, pool: &LevelPool, side: Side) -> bool {
        let before = self.top;
        match side {
            Side::Buy => {
                let (key, qty) = pool.best(&self.bids).unwrap_or((Price::NONE.0, 0));
                (self.top.bid_px, self.top.bid_qty) = (Price(key), Qty(qty));
            }
            Side::Sell => {
                // The negative of NONE is NONE itself: the one value that wraps.
                let (key, qty) = pool.best(&self.asks).unwrap_or((Price::NONE.0, 0));
                (self.top.ask_px, self.top.ask_qty) = (Price(key.wrapping_neg()), Qty(qty));
            }
        }
        self.top != before
    }

    /// Levels of a side, best first.
    fn levels<'a>(&self, pool: &'a LevelPool, side: Side) -> impl Iterator<Item = Level> + use<'a> {
        let ladder = match side {
            Side::Buy => self.bids,
            Side::Sell => self.asks,
        };
        pool.levels(&ladder).map(move |(key, qty, orders)| {
            let px = match side {
                Side::Buy => Price(key),
                Side::Sell => Price(key.wrapping_neg()),
            };
            Level { px, qty: Qty(qty), orders }
        })
    }
}
