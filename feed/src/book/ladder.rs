//! One side of a book: levels sorted by goodness, in chunks of a pool shared by all books.
//!
//! A chunk holds up to 32 levels, best last; chunks are linked from good to bad. What happens near
//! the top touches the first chunk alone and shifts a few words. Two neighbours that together would
//! fill half a chunk or less are merged, so that a pool of n chunks always holds 8n levels.
#![forbid(unsafe_code)]

use super::window::SHARES_MAX;
use shm::units::{Price, Qty};

/// Levels in a chunk.
const CHUNK_LEVELS: usize = 32;
/// No chunk.
const NONE: u32 = u32::MAX;

/// One price of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub px: Price,
    /// The sum of its orders, more than 0.
    pub qty: Qty,
    /// How many orders; 0 where the feed does not tell.
    pub orders: u32,
}

/// The level pool has no chunk left, or a level's sum would pass `i64`; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Full;

/// The head of a side: its first chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ladder {
    head: u32,
}

impl Ladder {
    pub(super) const EMPTY: Self = Self { head: NONE };

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.head == NONE
    }
}

/// A walk past a chunk reads its first line alone: count, link and worst key.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Chunk {
    /// In `1..=CHUNK_LEVELS` while linked to a ladder.
    used: u32,
    /// The next chunk: of worse levels, or of the free list.
    worse: u32,
    /// Rising: the best is at `used - 1`.
    keys: [i64; CHUNK_LEVELS],
    qtys: [i64; CHUNK_LEVELS],
    orders: [u32; CHUNK_LEVELS],
}

const _: () = assert!(size_of::<Chunk>() == 704);

impl Chunk {
    const EMPTY: Self = Self {
        keys: [0; CHUNK_LEVELS],
        qtys: [0; CHUNK_LEVELS],
        orders: [0; CHUNK_LEVELS],
        used: 0,
        worse: NONE,
    };

    const fn used(&self) -> usize {
        self.used as usize
    }

    /// Makes room at `at` (at most `used`, which is below the maximum) and puts a level there.
    fn insert(&mut self, at: usize, key: i64, qty: i64, orders: u32) {
        let end = self.used() + 1;
        insert_into(self.keys.get_mut(at..end), key);
        insert_into(self.qtys.get_mut(at..end), qty);
        insert_into(self.orders.get_mut(at..end), orders);
        self.used += 1;
    }

    fn remove(&mut self, at: usize) {
        let end = self.used();
        remove_from(self.keys.get_mut(at..end));
        remove_from(self.qtys.get_mut(at..end));
        remove_from(self.orders.get_mut(at..end));
        self.used -= 1;
    }

    /// Puts `count` levels of `other`, from `from` on, in front of the own ones (which they are
    /// worse than).
    fn prepend(&mut self, other: &Self, count: usize) {
        let end = self.used() + count;
        prepend_into(self.keys.get_mut(..end), other.keys.get(..count));
        prepend_into(self.qtys.get_mut(..end), other.qtys.get(..count));
        prepend_into(self.orders.get_mut(..end), other.orders.get(..count));
        self.used += count as u32;
    }

    /// Drops the `count` worst levels.
    fn drop_worst(&mut self, count: usize) {
        let end = self.used();
        self.keys.copy_within(count.min(end)..end, 0);
        self.qtys.copy_within(count.min(end)..end, 0);
        self.orders.copy_within(count.min(end)..end, 0);
        self.used -= count as u32;
    }
}

fn insert_into<T: Copy>(cells: Option<&mut [T]>, value: T) {
    if let Some([first, rest @ ..]) = cells {
        // The last cell is beyond the used ones: its old value is of no use.
        let mut carried = core::mem::replace(first, value);
        for cell in rest {
            carried = core::mem::replace(cell, carried);
        }
    }
}

fn remove_from<T: Copy>(cells: Option<&mut [T]>) {
    if let Some(cells) = cells
        && !cells.is_empty()
    {
        cells.copy_within(1.., 0);
    }
}

fn prepend_into<T: Copy>(cells: Option<&mut [T]>, front: Option<&[T]>) {
    if let (Some(cells), Some(front)) = (cells, front) {
        let own = cells.len() - front.len();
        cells.copy_within(..own, front.len());
        if let Some(cells) = cells.get_mut(..front.len()) {
            cells.copy_from_slice(front);
        }
    }
}

/// Where a key is, or would be.
#[derive(Clone, Copy)]
struct Place {
    /// The chunk before, `NONE` at the head.
    better: u32,
    chunk: u32,
    at: usize,
    found: bool,
}

/// The chunks of all books.
#[derive(Debug)]
pub(super) struct LevelPool {
    chunks: Box<[Chunk]>,
    free: u32,
    free_count: u32,
}

impl LevelPool {
    /// Room for at least `levels` levels spread over `ladders` ladders in any way.
    ///
    /// # Panics
    /// When that takes 2^32 chunks or more: construction only.
    pub(super) fn new(levels: usize, ladders: usize) -> Self {
        let count = levels.div_ceil(CHUNK_LEVELS / 4) + ladders + 1;
        assert!(count < NONE as usize, "too many levels");
        let mut pool = Self { chunks: vec![Chunk::EMPTY; count].into(), free: NONE, free_count: 0 };
        pool.clear();
        pool
    }

    /// Gives every chunk back. All ladders must be set to empty too. Writes to every chunk, so that
    /// each page is there before the first message.
    pub(super) fn clear(&mut self) {
        let last = self.chunks.len() as u32 - 1;
        for (index, chunk) in (0_u32..).zip(self.chunks.iter_mut()) {
            *chunk = core::hint::black_box(Chunk::EMPTY);
            chunk.worse = if index == last { NONE } else { index + 1 };
        }
        self.free = 0;
        self.free_count = last + 1;
    }

    /// Bytes of the pool.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.chunks)
    }

    /// Chunks not in use.
    pub(super) const fn free_chunks(&self) -> u32 {
        self.free_count
    }

    #[inline]
    fn chunk(&self, index: u32) -> Option<&Chunk> {
        self.chunks.get(index as usize)
    }

    #[inline]
    fn chunk_mut(&mut self, index: u32) -> Option<&mut Chunk> {
        self.chunks.get_mut(index as usize)
    }

    fn take(&mut self) -> Option<u32> {
        let index = self.free;
        let chunk = self.chunk_mut(index)?;
        let next = core::mem::replace(&mut chunk.worse, NONE);
        chunk.used = 0;
        self.free = next;
        self.free_count -= 1;
        Some(index)
    }

    fn give(&mut self, index: u32) {
        let free = self.free;
        if let Some(chunk) = self.chunk_mut(index) {
            chunk.used = 0;
            chunk.worse = free;
            self.free = index;
            self.free_count += 1;
        }
    }

    /// `None` for an empty ladder.
    #[inline]
    fn find(&self, ladder: &Ladder, key: i64) -> Option<Place> {
        let mut better = NONE;
        let mut index = ladder.head;
        loop {
            let chunk = self.chunk(index)?;
            let keys = chunk.keys.get(..chunk.used())?;
            if chunk.worse != NONE && keys.first().is_some_and(|worst| key < *worst) {
                better = index;
                index = chunk.worse;
                continue;
            }
            let above = keys.iter().rev().take_while(|other| **other > key).count();
            let at = keys.len() - above;
            let found = at.checked_sub(1).and_then(|below| keys.get(below)) == Some(&key);
            let at = if found { at - 1 } else { at };
            return Some(Place { better, chunk: index, at, found });
        }
    }

    /// Whether the place is the best of its ladder.
    #[inline]
    fn is_best(&self, place: Place) -> bool {
        place.better == NONE
            && self.chunk(place.chunk).is_some_and(|chunk| place.at + 1 == chunk.used())
    }

    /// One more order at `key`, in shares. The level's sum then, at most [`SHARES_MAX`].
    pub(super) fn add(&mut self, ladder: &mut Ladder, key: i64, shares: i64) -> Result<i64, Full> {
        let place = self.find(ladder, key);
        if let Some(place) = place
            && place.found
            && let Some((sum, orders)) = self.level_mut(place)
        {
            let more = sum.checked_add(shares).filter(|sum| *sum as u64 <= SHARES_MAX);
            *sum = more.ok_or(Full)?;
            *orders = orders.saturating_add(1);
            return Ok(*sum);
        }
        self.insert(ladder, place, key, shares, 1).map(|_| shares)
    }

    /// A level that is not there yet.
    pub(super) fn put(
        &mut self,
        ladder: &mut Ladder,
        key: i64,
        qty: i64,
        orders: u32,
    ) -> Result<(), Full> {
        let place = self.find(ladder, key);
        self.insert(ladder, place, key, qty, orders).map(|_| ())
    }

    /// The best level whose key is below `key`.
    pub(super) fn next_below(&self, ladder: &Ladder, key: i64) -> Option<(i64, i64, u32)> {
        self.levels(ladder).find(|level| level.0 < key)
    }

    /// Takes a level out, if it is there.
    pub(super) fn take_level(&mut self, ladder: &mut Ladder, key: i64) {
        if let Some(place) = self.find(ladder, key).filter(|place| place.found) {
            self.remove(ladder, place);
        }
    }

    /// How many levels a ladder has.
    pub(super) fn count(&self, ladder: &Ladder) -> u32 {
        self.levels(ladder).count() as u32
    }

    /// Less at `key`. What the level holds then; `None` when it is not there or holds less.
    pub(super) fn reduce(
        &mut self,
        ladder: &mut Ladder,
        key: i64,
        qty: i64,
        gone: bool,
    ) -> Option<i64> {
        let place = self.find(ladder, key).filter(|place| place.found)?;
        let (sum, orders) = self.level_mut(place)?;
        let left = sum.checked_sub(qty).filter(|left| *left >= 0)?;
        *sum = left;
        *orders = orders.saturating_sub(u32::from(gone));
        if left == 0 {
            self.remove(ladder, place);
        }
        Some(left)
    }

    /// Exactly `qty` at `key`, 0 removes. Whether the level is or was the best.
    pub(super) fn set(&mut self, ladder: &mut Ladder, key: i64, qty: i64) -> Result<bool, Full> {
        let place = self.find(ladder, key);
        if let Some(place) = place
            && place.found
        {
            let best = self.is_best(place);
            if qty <= 0 {
                self.remove(ladder, place);
            } else if let Some((sum, _)) = self.level_mut(place) {
                *sum = qty;
            }
            return Ok(best);
        }
        if qty <= 0 {
            return Ok(false);
        }
        self.insert(ladder, place, key, qty, 0)
    }

    /// Key and quantity of the best level.
    #[inline]
    pub(super) fn best(&self, ladder: &Ladder) -> Option<(i64, i64)> {
        let chunk = self.chunk(ladder.head)?;
        let at = chunk.used().checked_sub(1)?;
        Some((*chunk.keys.get(at)?, *chunk.qtys.get(at)?))
    }

    /// Key, quantity and orders, best first.
    pub(super) fn levels(
        &self,
        ladder: &Ladder,
    ) -> impl Iterator<Item = (i64, i64, u32)> + use<'_> {
        let mut next = ladder.head;
        core::iter::from_fn(move || {
            let chunk = self.chunk(next)?;
            next = chunk.worse;
            Some(chunk)
        })
        .flat_map(|chunk| {
            let cells = chunk.keys.iter().zip(&chunk.qtys).zip(&chunk.orders);
            cells.take(chunk.used()).rev().map(|((key, qty), orders)| (*key, *qty, *orders))
        })
    }

    #[inline]
    fn level_mut(&mut self, place: Place) -> Option<(&mut i64, &mut u32)> {
        let chunk = self.chunk_mut(place.chunk)?;
        Some((chunk.qtys.get_mut(place.at)?, chunk.orders.get_mut(place.at)?))
    }

    /// Puts a new level at its place. Whether it is the best.
    fn insert(
        &mut self,
        ladder: &mut Ladder,
        place: Option<Place>,
        key: i64,
        qty: i64,
        orders: u32,
    ) -> Result<bool, Full> {
        let mut place = match place {
            Some(place) => place,
            None => {
                let chunk = self.take().ok_or(Full)?;
                ladder.head = chunk;
                Place { better: NONE, chunk, at: 0, found: false }
            }
        };
        if self.chunk(place.chunk).is_some_and(|chunk| chunk.used() == CHUNK_LEVELS) {
            let worse = self.split(place.chunk).ok_or(Full)?;
            if let Some(at) = place.at.checked_sub(CHUNK_LEVELS / 2) {
                place.at = at;
            } else {
                place.better = place.chunk;
                place.chunk = worse;
            }
        }
        if let Some(chunk) = self.chunk_mut(place.chunk) {
            chunk.insert(place.at, key, qty, orders);
        }
        Ok(self.is_best(place))
    }

    /// Moves the worse half of a full chunk to a new one behind it.
    fn split(&mut self, index: u32) -> Option<u32> {
        let new = self.take()?;
        let [chunk, behind] = self.chunks.get_disjoint_mut([index as usize, new as usize]).ok()?;
        behind.prepend(chunk, CHUNK_LEVELS / 2);
        chunk.drop_worst(CHUNK_LEVELS / 2);
        behind.worse = core::mem::replace(&mut chunk.worse, new);
        Some(new)
    }

    fn remove(&mut self, ladder: &mut Ladder, place: Place) {
        let Some(chunk) = self.chunk_mut(place.chunk) else { return };
        chunk.remove(place.at);
        let (used, worse) = (chunk.used(), chunk.worse);
        if used == 0 {
            match self.chunk_mut(place.better) {
                Some(better) => better.worse = worse,
                None => ladder.head = worse,
            }
            self.give(place.chunk);
        } else if used <= CHUNK_LEVELS / 2 {
            self.merge(place.chunk, worse);
            self.merge(place.better, place.chunk);
        }
    }

    /// Joins `behind` into the chunk before it if both fit into half a chunk.
    fn merge(&mut self, index: u32, behind: u32) {
        let Ok([chunk, worse]) = self.chunks.get_disjoint_mut([index as usize, behind as usize])
        else {
            return;
        };
        if chunk.worse == behind && chunk.used() + worse.used() <= CHUNK_LEVELS / 2 {
            chunk.prepend(worse, worse.used());
            chunk.worse = worse.worse;
            self.give(behind);
        }
    }
}
