//! The prices of one side near its best: a cell for each of 512 ticks, and a bit for each that is
//! used.
#![forbid(unsafe_code)]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Ticks of a window, a power of two.
pub(super) const WINDOW_TICKS: i64 = 512;
/// The most shares of a level: what a quantity can say.
pub(super) const SHARES_MAX: u64 = (i64::MAX / shm::units::Qty::SCALE) as u64;
/// Orders of a level stand above this many bits of shares.
const SHARES_BITS: u32 = 40;
/// Orders at most in all books: the bits that are left.
pub(super) const ORDERS_MAX: usize = (1 << (64 - SHARES_BITS)) - 1;

// A sum that is refused does not reach the bits of the orders.
const _: () = assert!(SHARES_MAX + (u32::MAX as u64) < 1 << SHARES_BITS);

/// One price: its orders above, the sum of their shares below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell(u64);

impl Cell {
    #[inline]
    pub(super) const fn new(shares: u64, orders: u32) -> Self {
        Self((orders as u64) << SHARES_BITS | shares)
    }

    #[inline]
    pub(super) const fn shares(self) -> u64 {
        self.0 & ((1 << SHARES_BITS) - 1)
    }

    #[inline]
    pub(super) const fn orders(self) -> u32 {
        (self.0 >> SHARES_BITS) as u32
    }
}

/// The cells of one side. Which tick a cell stands for is said by the tick alone: its low 9 bits
/// are its place, so that a window moves without moving a cell.
#[derive(Clone, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
pub(super) struct Window {
    bits: [u64; 8],
    cells: [u64; WINDOW_TICKS as usize],
}

const _: () = assert!(size_of::<Window>() == 4_160);

/// Place of a tick, word of its bit, and the bit.
#[inline]
const fn place(tick: i64) -> (usize, usize, u32) {
    let at = (tick & (WINDOW_TICKS - 1)) as usize;
    (at, at >> 6, at as u32 & 63)
}

impl Window {
    /// The cell of a tick, for its address.
    #[inline]
    pub(super) fn cell_at(&self, tick: i64) -> Option<&u64> {
        self.cells.get(place(tick).0)
    }

    #[inline]
    pub(super) fn get(&self, tick: i64) -> Cell {
        Cell(self.cells.get(place(tick).0).copied().unwrap_or_default())
    }

    /// One more order. The cell as it is then; `None`, and nothing changed, when its shares would
    /// be too many.
    #[inline]
    pub(super) fn add(&mut self, words: &mut u8, tick: i64, shares: u32) -> Option<Cell> {
        let (at, word, bit) = place(tick);
        let cell = self.cells.get_mut(at)?;
        let sum = Cell(cell.wrapping_add(1 << SHARES_BITS | u64::from(shares)));
        if sum.shares() > SHARES_MAX {
            return None;
        }
        if *cell == 0 {
            *self.bits.get_mut(word)? |= 1 << bit;
            *words |= 1 << word;
        }
        *cell = sum.0;
        Some(sum)
    }

    /// Less at a tick, one order less if it is `gone`. The cell as it is then; `None`, and nothing
    /// changed, when it holds less.
    #[inline]
    pub(super) fn reduce(
        &mut self,
        words: &mut u8,
        tick: i64,
        shares: u32,
        gone: bool,
    ) -> Option<Cell> {
        let cell = self.cells.get_mut(place(tick).0)?;
        let before = Cell(*cell);
        if before.shares() < u64::from(shares) || before.orders() < u32::from(gone) {
            return None;
        }
        *cell -= u64::from(gone) << SHARES_BITS | u64::from(shares);
        let after = Cell(*cell);
        if after.shares() == 0 {
            self.put(words, tick, Cell(0));
            return Some(Cell(0));
        }
        Some(after)
    }

    /// Sets a cell.
    #[inline]
    pub(super) fn put(&mut self, words: &mut u8, tick: i64, cell: Cell) {
        let (at, word, bit) = place(tick);
        let (Some(old), Some(bits)) = (self.cells.get_mut(at), self.bits.get_mut(word)) else {
            return;
        };
        *old = cell.0;
        if cell.0 == 0 {
            *bits &= !(1 << bit);
            *words &= !(u8::from(*bits == 0) << word);
        } else {
            *bits |= 1 << bit;
            *words |= 1 << word;
        }
    }

    /// The highest used tick in `(top - 512, top]`. `words` has a bit for each word of bits that is
    /// not 0.
    #[inline]
    pub(super) fn best(&self, words: u8, top: i64) -> Option<i64> {
        let (at, word, bit) = place(top);
        let of = |word: usize| self.bits.get(word & 7).copied().unwrap_or(0);
        let here = of(word) & (u64::MAX >> (63 - bit));
        let (word, bits) = if here != 0 {
            (word, here)
        } else {
            // Bit k: the word k places up, cyclically. The highest is the next one down; bit 0 is
            // the own word again, its upper part the window's lowest ticks.
            let others = words.rotate_right(word as u32) & !1;
            if others != 0 {
                let word = (word + others.ilog2() as usize) & 7;
                (word, of(word))
            } else {
                (word, of(word) & !(u64::MAX >> (63 - bit)))
            }
        };
        let found = (word << 6) + bits.checked_ilog2()? as usize;
        Some(top - (at.wrapping_sub(found) & (WINDOW_TICKS as usize - 1)) as i64)
    }

    /// How many levels it holds.
    pub(super) fn levels(&self) -> u32 {
        self.bits.iter().map(|word| word.count_ones()).sum()
    }
}
