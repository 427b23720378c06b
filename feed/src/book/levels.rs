//! Books built from levels: each message gives the whole quantity at a price.
#![forbid(unsafe_code)]

use super::Top;
use super::ladder::{Full, Ladder, Level, LevelPool};
use shm::ids::InstrumentId;
use shm::message::Side;
use shm::units::{Price, Qty};

/// The by-level books of all instruments of one feed.
#[derive(Debug)]
pub struct LevelBooks {
    books: Box<[Sides]>,
    pool: LevelPool,
}

impl LevelBooks {
    /// Books for `instruments` instruments and `levels_max` levels in all. All memory is made here.
    #[must_use]
    pub fn new(instruments: usize, levels_max: usize) -> Self {
        Self {
            books: vec![Sides::EMPTY; instruments].into(),
            pool: LevelPool::new(levels_max, instruments * 2),
        }
    }

    /// Exactly `qty` at `px`; 0 removes, and to remove what is not there is normal. Whether the top
    /// changed; false for an instrument beyond the table.
    ///
    /// # Errors
    /// [`Full`]: the level is missing from now on, so the book is STALE until cleared and rebuilt.
    pub fn set(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        px: Price,
        qty: Qty,
    ) -> Result<bool, Full> {
        match self.books.get_mut(instrument.index()) {
            Some(book) => book.set(&mut self.pool, side, px, qty),
            None => Ok(false),
        }
    }

    /// Empties one book, as before a snapshot.
    pub fn clear(&mut self, instrument: InstrumentId) {
        let Some(book) = self.books.get_mut(instrument.index()) else { return };
        for side in [Side::Buy, Side::Sell] {
            while let Some((key, _)) = self.pool.best(book.ladder(side)) {
                // Setting a level that is there to 0 takes no chunk: it cannot fail.
                let _ = self.pool.set(book.ladder(side), key, 0);
            }
        }
        book.top = Top::EMPTY;
    }

    /// Best bid and ask; empty for an instrument beyond the table.
    #[must_use]
    pub fn top(&self, instrument: InstrumentId) -> Top {
        self.books.get(instrument.index()).map_or(Top::EMPTY, |book| book.top)
    }

    /// Levels of one side, best first; `orders` is 0.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> {
        let sides = self.books.get(instrument.index()).copied().unwrap_or(Sides::EMPTY);
        sides.levels(&self.pool, side)
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
