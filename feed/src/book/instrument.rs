//! The book of one instrument: a line with both tops, a window of prices near each, and the rest
//! of the prices in a ladder.
//!
//! A window holds the prices on a tick in `[low, low + 512)`, where a tick rises with goodness:
//! that of a bid is its price divided by the size of a tick, that of an ask the negative of it.
//! All other prices, far or between ticks, are in the ladder. The window moves with the best price:
//! up when a better one would not fit, down when the best has come near its end. It moves whole or,
//! when the ladder's pool could not take what falls out, not at all: then prices above it are in
//! the ladder too.
#![forbid(unsafe_code)]

use super::Top;
use super::ladder::{Full, Ladder, Level, LevelPool};
use super::window::{Cell, WINDOW_TICKS, Window};
use shm::message::Side;
use shm::units::{Price, Qty};

/// Ticks better than the best that a window leaves room for when it moves.
const ROOM_ABOVE: i64 = 128;
/// A window moves down when its best is this near to its end.
const ROOM_BELOW: i64 = 64;
/// From one dollar on a tick is a cent, in ten-thousandths.
const CENT: u32 = 100;
const DOLLAR: u32 = 10_000;

/// One side, beside its window.
#[derive(Clone, Copy, Debug)]
struct SideHead {
    /// The lowest tick of the window.
    low: i32,
    far: Ladder,
    /// The best price of the ladder; of no meaning while that is empty.
    far_px: u32,
    /// Words of the window's bits that are not 0.
    words: u8,
    /// Whether a tick is a cent, else it is a ten-thousandth.
    cents: bool,
}

impl SideHead {
    /// No price in cents is in its window.
    const EMPTY: Self =
        Self { low: i32::MIN, far: Ladder::EMPTY, far_px: 0, words: 0, cents: true };

    /// The tick of a price, `None` between ticks.
    #[inline(always)]
    const fn tick(&self, side: Side, px: u32) -> Option<i64> {
        let tick = if self.cents {
            if !px.is_multiple_of(CENT) {
                return None;
            }
            px / CENT
        } else {
            px
        };
        Some(match side {
            Side::Buy => tick as i64,
            Side::Sell => -(tick as i64),
        })
    }

    /// The tick of a price that the window holds.
    #[inline(always)]
    const fn inside(&self, side: Side, px: u32) -> Option<i64> {
        match self.tick(side, px) {
            Some(tick) if (tick - self.low as i64) as u64 >= WINDOW_TICKS as u64 => None,
            tick => tick,
        }
    }

    /// The price of a tick.
    #[inline]
    const fn px(&self, tick: i64) -> u32 {
        let px = tick.unsigned_abs() as u32;
        if self.cents { px * CENT } else { px }
    }
}

/// Whether one price is better than another.
#[inline]
const fn is_better(side: Side, px: u32, other: u32) -> bool {
    match side {
        Side::Buy => px > other,
        Side::Sell => px < other,
    }
}

/// Ladders sort by rising goodness.
#[inline]
const fn key(side: Side, px: u32) -> i64 {
    match side {
        Side::Buy => px as i64,
        Side::Sell => -(px as i64),
    }
}

/// Where one instrument keeps its levels.
#[derive(Debug)]
pub(super) struct Depth<'a> {
    pub(super) window: &'a mut Window,
    pub(super) pool: &'a mut LevelPool,
}

/// The line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Book {
    /// Best bid and ask in ten-thousandths; of no meaning without shares.
    px: [u32; 2],
    /// Shares there, 0 when there is none.
    shares: [u64; 2],
    heads: [SideHead; 2],
    pub(super) faulted: bool,
}

const _: () = assert!(size_of::<Book>() == 64);

/// Index of a side.
#[inline(always)]
pub(super) const fn index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

impl Book {
    pub(super) const EMPTY: Self =
        Self { px: [0; 2], shares: [0; 2], heads: [SideHead::EMPTY; 2], faulted: false };

    #[inline(always)]
    const fn head(&mut self, side: Side) -> &mut SideHead {
        let [bids, asks] = &mut self.heads;
        match side {
            Side::Buy => bids,
            Side::Sell => asks,
        }
    }

    /// The tops in our units.
    #[inline]
    pub(super) fn top(&self) -> Top {
        let ([bid_px, ask_px], [bid_shares, ask_shares]) = (self.px, self.shares);
        let px = |px: u32, shares: u64| {
            if shares == 0 { Price::NONE } else { Price::from_price4(px) }
        };
        let qty = |shares: u64| Qty(shares as i64 * Qty::SCALE);
        Top {
            bid_px: px(bid_px, bid_shares),
            bid_qty: qty(bid_shares),
            ask_px: px(ask_px, ask_shares),
            ask_qty: qty(ask_shares),
        }
    }

    /// Sets the best of a side. Whether that is a change.
    #[inline(always)]
    fn set_top(&mut self, side: Side, px: u32, shares: u64) -> bool {
        let at = index(side);
        let (Some(old_px), Some(old_shares)) = (self.px.get_mut(at), self.shares.get_mut(at))
        else {
            return false;
        };
        let changed = *old_px != px || *old_shares != shares;
        (*old_px, *old_shares) = (px, shares);
        changed
    }

    #[inline(always)]
    fn best(&self, side: Side) -> (u32, u64) {
        let at = index(side);
        let px = self.px.get(at).copied().unwrap_or_default();
        (px, self.shares.get(at).copied().unwrap_or_default())
    }

    /// Prices and shares of the tops, for a comparison.
    #[inline]
    pub(super) const fn best_of_both(&self) -> ([u32; 2], [u64; 2]) {
        (self.px, self.shares)
    }

    /// The tick of a price that the window holds, for a prefetch.
    #[inline]
    pub(super) fn tick_inside(&self, side: Side, px: u32) -> Option<i64> {
        self.heads.get(index(side))?.inside(side, px)
    }

    /// One more order. Whether the top changed.
    #[inline]
    pub(super) fn add(
        &mut self,
        depth: Depth<'_>,
        side: Side,
        px: u32,
        shares: u32,
    ) -> Result<bool, Full> {
        let head = self.head(side);
        let sum = match head.inside(side, px) {
            Some(tick) => depth.window.add(&mut head.words, tick, shares).ok_or(Full)?.shares(),
            None => self.add_outside(depth, side, px, shares)?,
        };
        let (best_px, best_shares) = self.best(side);
        if best_shares != 0 && is_better(side, best_px, px) {
            return Ok(false);
        }
        Ok(self.set_top(side, px, sum))
    }

    /// The level's shares after an order at a price that the window does not hold yet.
    #[cold]
    fn add_outside(
        &mut self,
        mut depth: Depth<'_>,
        side: Side,
        px: u32,
        shares: u32,
    ) -> Result<u64, Full> {
        let head = self.head(side);
        let above = i64::from(head.low) + WINDOW_TICKS;
        if head.words == 0 && head.far.is_empty() {
            head.begin_at(&mut depth, side, px);
        } else if let Some(tick) = head.tick(side, px).filter(|tick| *tick >= above) {
            head.move_to(&mut depth, side, tick, head.cents);
        }
        if let Some(tick) = head.inside(side, px) {
            return Ok(depth.window.add(&mut head.words, tick, shares).ok_or(Full)?.shares());
        }
        let was_empty = head.far.is_empty();
        let sum = depth.pool.add(&mut head.far, key(side, px), i64::from(shares))?;
        if was_empty || is_better(side, px, head.far_px) {
            head.far_px = px;
        }
        Ok(sum as u64)
    }

    /// Less at a price, and one order less if it is `gone`. Whether the top changed; `None` when
    /// the level does not hold that much.
    #[inline]
    pub(super) fn reduce(
        &mut self,
        depth: Depth<'_>,
        side: Side,
        px: u32,
        shares: u32,
        gone: bool,
    ) -> Option<bool> {
        let best_px = self.best(side).0;
        let head = self.head(side);
        let left = match head.inside(side, px) {
            Some(tick) => {
                let left = depth.window.reduce(&mut head.words, tick, shares, gone)?.shares();
                if left == 0 && px == best_px {
                    return Some(self.next_top(depth, side, tick));
                }
                left
            }
            None => {
                let left = depth.pool.reduce(&mut head.far, key(side, px), shares.into(), gone)?;
                if left == 0 {
                    head.refresh_far(depth.pool);
                    if px == best_px {
                        let top = i64::from(head.low) + WINDOW_TICKS - 1;
                        return Some(self.next_top(depth, side, top));
                    }
                }
                left as u64
            }
        };
        Some(px == best_px && self.set_top(side, px, left))
    }

    /// The best level has gone; all ticks of the window above `tick` are empty. Always a change.
    #[inline]
    fn next_top(&mut self, mut depth: Depth<'_>, side: Side, tick: i64) -> bool {
        let head = self.head(side);
        let mut best = depth.window.best(head.words, tick);
        let is_low = best.is_none_or(|best| best < i64::from(head.low) + ROOM_BELOW);
        if is_low && !head.far.is_empty() {
            best = head.move_down(&mut depth, side, best);
        }
        let near = best.map(|best| (head.px(best), depth.window.get(best).shares()));
        let far_px = (!head.far.is_empty()).then_some(head.far_px);
        let (px, shares) = match (near, far_px) {
            (None, None) => (0, 0),
            (Some(near), far_px) if !far_px.is_some_and(|px| is_better(side, px, near.0)) => near,
            _ => {
                let shares = depth.pool.best(&head.far).map_or(0, |(_, shares)| shares);
                (head.far_px, shares as u64)
            }
        };
        self.set_top(side, px, shares);
        true
    }

    /// Levels of a side, best first.
    pub(super) fn levels<'a>(
        &self,
        window: &'a Window,
        pool: &'a LevelPool,
        side: Side,
    ) -> impl Iterator<Item = Level> + use<'a> {
        let [bids, asks] = self.heads;
        let head = if side == Side::Buy { bids } else { asks };
        let mut far = pool.levels(&head.far).map(|(key, shares, orders)| {
            (key.unsigned_abs() as u32, Cell::new(shares as u64, orders))
        });
        let mut next_far = far.next();
        let mut top = i64::from(head.low) + WINDOW_TICKS - 1;
        core::iter::from_fn(move || {
            let tick = window.best(head.words, top).filter(|tick| *tick >= i64::from(head.low));
            let near = tick.map(|tick| (head.px(tick), window.get(tick)));
            let (px, cell) = match (near, next_far) {
                (Some(near), Some(far)) if is_better(side, far.0, near.0) => far,
                (Some(near), _) => near,
                (None, far) => far?,
            };
            if near.is_some_and(|near| near.0 == px) {
                top = tick? - 1;
            } else {
                next_far = far.next();
            }
            Some(level(px, cell))
        })
    }

    /// How many levels a side has.
    pub(super) fn level_count(&self, window: &Window, pool: &LevelPool, side: Side) -> u32 {
        let far = self.heads.get(index(side)).map_or(0, |head| pool.count(&head.far));
        window.levels() + far
    }
}

fn level(px: u32, cell: Cell) -> Level {
    let qty = Qty(cell.shares() as i64 * Qty::SCALE);
    Level { px: Price::from_price4(px), qty, orders: cell.orders() }
}

impl SideHead {
    fn refresh_far(&mut self, pool: &LevelPool) {
        self.far_px = pool.best(&self.far).map_or(0, |(key, _)| key.unsigned_abs() as u32);
    }

    /// Places an empty window around the price that is the best.
    fn begin_at(&mut self, depth: &mut Depth<'_>, side: Side, px: u32) {
        let cents = px >= DOLLAR && px.is_multiple_of(CENT);
        if let Some(tick) = (Self { cents, ..*self }).tick(side, px) {
            self.move_to(depth, side, tick, cents);
        }
    }

    /// Moves the window to where `best` will be its best; the size of a tick changes only with an
    /// empty window. What falls out goes to the ladder, what the ladder has for it comes in.
    /// Nothing when the pool might not hold what falls out.
    #[cold]
    fn move_to(&mut self, depth: &mut Depth<'_>, side: Side, best: i64, cents: bool) {
        let Ok(low) = i32::try_from(best - (WINDOW_TICKS - 1 - ROOM_ABOVE)) else { return };
        if depth.window.levels() > depth.pool.free_chunks() {
            return;
        }
        let kept = i64::from(low)..i64::from(low) + WINDOW_TICKS;
        let mut top = i64::from(self.low) + WINDOW_TICKS - 1;
        while let Some(tick) = depth.window.best(self.words, top) {
            if tick < i64::from(self.low) {
                break;
            }
            top = tick - 1;
            if !kept.contains(&tick) {
                let cell = depth.window.get(tick);
                let (key, shares) = (key(side, self.px(tick)), cell.shares() as i64);
                // One chunk a level is free, which is the most that it can take.
                if depth.pool.put(&mut self.far, key, shares, cell.orders()).is_ok() {
                    depth.window.put(&mut self.words, tick, Cell::default());
                }
            }
        }
        (self.low, self.cents) = (low, cents);
        self.pull_in(depth, side);
        self.refresh_far(depth.pool);
    }

    /// Moves every level of the ladder that belongs into the window there.
    fn pull_in(&mut self, depth: &mut Depth<'_>, side: Side) {
        // A key is a tick times its size, of either side.
        let lowest = i64::from(self.low) * i64::from(if self.cents { CENT } else { 1 });
        let mut below = i64::MAX;
        while let Some((key, shares, orders)) = depth.pool.next_below(&self.far, below) {
            if key < lowest {
                return;
            }
            if let Some(tick) = self.inside(side, key.unsigned_abs() as u32) {
                depth.pool.take_level(&mut self.far, key);
                depth.window.put(&mut self.words, tick, Cell::new(shares as u64, orders));
            }
            below = key;
        }
    }

    /// The window's best is near its end, or there is none, and the ladder has levels: moves to
    /// the better of both. The window's best then.
    #[cold]
    fn move_down(&mut self, depth: &mut Depth<'_>, side: Side, best: Option<i64>) -> Option<i64> {
        match best {
            None => self.begin_at(depth, side, self.far_px),
            Some(best) => {
                let far = self.tick(side, self.far_px).unwrap_or(best);
                self.move_to(depth, side, far.max(best), self.cents);
            }
        }
        depth.window.best(self.words, i64::from(self.low) + WINDOW_TICKS - 1)
    }
}
