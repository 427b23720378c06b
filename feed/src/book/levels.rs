//! Books built from levels: each message gives the whole quantity at a price.
#![forbid(unsafe_code)]

use super::ladder::{Full, Level, LevelPool};
use super::{Sides, Top};
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
