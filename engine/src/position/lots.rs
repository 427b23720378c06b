//! First in, first out: the lots that open positions are made of, oldest first, in memory made
//! once.
//!
//! A holding's first lot has a place of its own, so that a position always has somewhere to lie;
//! further ones share a pool. Where the pool is spent a new lot joins the youngest of its holding,
//! at their common cost: [`Lots::merged`] counts it, since from then on the figures are no longer
//! exactly first in, first out.

use shm::units::Price;

const NIL: u32 = u32::MAX;

/// A part of a position, bought or sold at one price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lot {
    /// Its price; [`Price::NONE`] where it is of several.
    pub px: Price,
    /// How much is left of it, without sign.
    pub qty: u64,
    /// What that cost, with the position's sign.
    pub cost: i128,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    lot: Lot,
    next: u32,
}

/// Of one holding: its oldest and its youngest lot, and whether its own place is taken.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u32,
    last: u32,
    owned: bool,
}

impl Ends {
    const NONE: Self = Self { first: NIL, last: NIL, owned: false };
}

/// The lots of all holdings.
#[derive(Clone, Debug)]
pub struct Lots {
    /// One place for each holding, then the pool.
    places: Box<[Place]>,
    holdings: u32,
    ends: Box<[Ends]>,
    /// First free place of the pool.
    free: u32,
    merged: u64,
}

impl Lots {
    /// For so many holdings, with room for `pool` lots beyond the first of each.
    #[must_use]
    pub fn new(holdings: usize, pool: usize) -> Self {
        assert!(holdings + pool < NIL as usize, "more lots than an index can name");
        let places = (0..holdings + pool).map(|at| Place {
            lot: Lot::default(),
            next: if at + 1 < holdings + pool { at as u32 + 1 } else { NIL },
        });
        let free = if pool == 0 { NIL } else { holdings as u32 };
        Self {
            places: places.collect(),
            holdings: holdings as u32,
            ends: vec![Ends::NONE; holdings].into(),
            free,
            merged: 0,
        }
    }

    /// Lots that had to join another.
    #[must_use]
    pub const fn merged(&self) -> u64 {
        self.merged
    }

    /// The lots of a holding, oldest first.
    pub fn of(&self, holding: usize) -> impl Iterator<Item = &Lot> {
        let mut at = self.ends.get(holding).map_or(NIL, |ends| ends.first);
        core::iter::from_fn(move || {
            let place = self.places.get(at as usize)?;
            at = place.next;
            Some(&place.lot)
        })
    }

    /// Adds the youngest lot. One at the price of the youngest before it joins that.
    pub fn push(&mut self, holding: usize, lot: Lot) {
        let Some(&Ends { last, .. }) = self.ends.get(holding) else { return };
        if let Some(youngest) = self.places.get_mut(last as usize)
            && youngest.lot.px == lot.px
        {
            youngest.lot.qty = youngest.lot.qty.saturating_add(lot.qty);
            youngest.lot.cost = youngest.lot.cost.saturating_add(lot.cost);
            return;
        }
        let Some(at) = self.take_place(holding) else {
            if let Some(youngest) = self.places.get_mut(last as usize) {
                youngest.lot.px = Price::NONE;
                youngest.lot.qty = youngest.lot.qty.saturating_add(lot.qty);
                youngest.lot.cost = youngest.lot.cost.saturating_add(lot.cost);
            }
            self.merged += 1;
            return;
        };
        if let Some(place) = self.places.get_mut(at as usize) {
            *place = Place { lot, next: NIL };
        }
        if let Some(youngest) = self.places.get_mut(last as usize) {
            youngest.next = at;
        }
        if let Some(ends) = self.ends.get_mut(holding) {
            if ends.first == NIL {
                ends.first = at;
            }
            ends.last = at;
        }
    }

    /// A place for one more lot of a holding: its own if that is not taken, else one of the pool.
    fn take_place(&mut self, holding: usize) -> Option<u32> {
        let ends = self.ends.get_mut(holding)?;
        if !ends.owned {
            ends.owned = true;
            return Some(holding as u32);
        }
        let free = self.free;
        self.free = self.places.get(free as usize)?.next;
        Some(free)
    }

    /// Takes `qty` from the oldest lots; what they cost.
    pub fn release(&mut self, holding: usize, qty: u64) -> i128 {
        let (mut left, mut cost) = (qty, 0_i128);
        while left > 0 {
            let Some(&Ends { first, last, .. }) = self.ends.get(holding) else { break };
            let Some(place) = self.places.get_mut(first as usize) else { break };
            if place.lot.qty > left {
                let part = super::holding::share(place.lot.cost, left, place.lot.qty);
                place.lot.cost = place.lot.cost.saturating_sub(part);
                place.lot.qty -= left;
                return cost.saturating_add(part);
            }
            left -= place.lot.qty;
            cost = cost.saturating_add(place.lot.cost);
            let next = place.next;
            let is_own = first < self.holdings;
            if !is_own {
                place.next = self.free;
                self.free = first;
            }
            if let Some(ends) = self.ends.get_mut(holding) {
                ends.owned &= !is_own;
                (ends.first, ends.last) = if first == last { (NIL, NIL) } else { (next, last) };
            }
        }
        cost
    }

    /// Forgets the lots of a holding.
    pub fn clear(&mut self, holding: usize) {
        self.release(holding, u64::MAX);
    }
}
