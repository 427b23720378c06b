//! R47 for parents: what the children of a parent have of it, and what they may still have.
//!
//! A child **uses** what it has filled, what it may still fill by the worse of its old and new
//! terms, and what was undone without its working again. Uses are kept per leg and bounded:
//!
//! | parent | bound |
//! |---|---|
//! | stop, stop limit, trailing, iceberg, TWAP | leg 0 at most `qty` |
//! | OCO, shared | both legs together at most `qty` |
//! | OCO | each leg at most `qty`: both may fill before the cancel of the other arrives |
//! | bracket | entry at most `qty`; both exits together at most what the entry has filled |
//!
//! Whatever the strategy's side believes, and in whatever order reports come, a child that would
//! pass its bound is refused (UNAPPROVED).

use shm::ids::{ClOrdId, InstrumentId, StrategyId};
use shm::message::{ParentKind, Side, parent_flags};
use shm::record::parent::Parent;
use shm::units::Qty;

/// Legs of a parent at most.
pub const LEGS_MAX: usize = 3;

/// Open parents of one strategy at most.
pub const PARENTS_MAX: usize = 64;

const NIL: u32 = u32::MAX;

/// The side of a leg; `None` when the parent has no such leg.
#[must_use]
pub fn leg_side(parent: &Parent, leg: u8) -> Option<Side> {
    let first = Side::from_u8(parent.side)?;
    match (ParentKind::from_u8(parent.parent)?, leg) {
        (_, 0) => Some(first),
        (ParentKind::Oco, 1) => Side::from_u8(parent.side_other),
        (ParentKind::Bracket, 1 | 2) => Some(first.opposite()),
        _ => None,
    }
}

/// Legs that share the bound of a leg, and the bound.
fn bound(parent: &Parent, leg: u8) -> (core::ops::Range<usize>, i64) {
    let [entry, ..] = parent.filled;
    match (ParentKind::from_u8(parent.parent), leg) {
        (Some(ParentKind::Bracket), 1 | 2) => (1..3, entry.0.min(parent.qty.0)),
        (Some(ParentKind::Oco), _) if parent.flags & parent_flags::SHARED != 0 => {
            (0..2, parent.qty.0)
        }
        (_, leg) => (usize::from(leg)..usize::from(leg) + 1, parent.qty.0),
    }
}

/// What a leg may still be given, at least 0: its bound less what the legs that share it use.
#[must_use]
pub fn room(parent: &Parent, leg: u8) -> i64 {
    let (legs, most) = bound(parent, leg);
    let used = parent.used.get(legs).unwrap_or_default().iter().map(|used| i128::from(used.0));
    let room = i128::from(most) - used.sum::<i128>();
    i64::try_from(room.max(0)).unwrap_or(i64::MAX)
}

/// The open parents of all strategies, found by the slot of their id.
#[derive(Clone, Debug)]
pub struct Parents {
    rows: Box<[Parent]>,
    free: Box<[u32]>,
    free_count: usize,
    /// By slot of an order id: the row of the open parent that holds it.
    by_slot: Box<[u32]>,
    /// By slot: the latest parent id that was taken.
    newest: Box<[ClOrdId]>,
    /// Parents ever taken.
    taken: u64,
}

impl Parents {
    /// Room for the parents of `strategies` strategies whose ids have `slots` slots.
    #[must_use]
    pub fn new(strategies: usize, slots: usize) -> Self {
        let count = strategies * PARENTS_MAX;
        Self {
            rows: vec![Parent::default(); count].into(),
            free: (0..count as u32).rev().collect(),
            free_count: count,
            by_slot: vec![NIL; slots].into(),
            newest: vec![ClOrdId::NONE; slots].into(),
            taken: 0,
        }
    }

    fn row_of(&self, id: ClOrdId) -> Option<usize> {
        let row = *self.by_slot.get(id.slot() as usize)?;
        self.rows.get(row as usize).filter(|parent| parent.cl_ord_id == id)?;
        Some(row as usize)
    }

    /// An open parent.
    #[must_use]
    pub fn get(&self, id: ClOrdId) -> Option<&Parent> {
        self.rows.get(self.row_of(id)?)
    }

    /// Open parents, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Parent> {
        self.rows.iter().filter(|parent| parent.cl_ord_id != ClOrdId::NONE)
    }

    /// How many are open.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.rows.len() - self.free_count
    }

    /// Whether an id of a slot was, or may have been, a parent's: then it is no order's.
    #[must_use]
    pub fn has_had(&self, id: ClOrdId) -> bool {
        self.taken != 0 && {
            let slot = id.slot() as usize;
            self.by_slot.get(slot).is_some_and(|row| *row != NIL)
                || self.newest.get(slot).is_some_and(|newest| *newest >= id)
        }
    }

    /// Whether a strategy may have one more.
    #[must_use]
    pub fn has_room(&self, strategy: StrategyId) -> bool {
        let mine = self.iter().filter(|parent| parent.cl_ord_id.strategy() == strategy);
        self.free_count > 0 && mine.count() < PARENTS_MAX
    }

    /// Takes a parent. False when its slot is held or there is no row.
    pub fn insert(&mut self, parent: Parent) -> bool {
        let slot = parent.cl_ord_id.slot() as usize;
        let free = self.free_count.checked_sub(1).and_then(|at| self.free.get(at)).copied();
        let (Some(row), Some(by_slot)) = (free, self.by_slot.get_mut(slot)) else { return false };
        let Some(place) = self.rows.get_mut(row as usize).filter(|_| *by_slot == NIL) else {
            return false;
        };
        *place = parent;
        *by_slot = row;
        if let Some(newest) = self.newest.get_mut(slot) {
            *newest = parent.cl_ord_id;
        }
        self.free_count -= 1;
        self.taken += 1;
        true
    }

    /// Takes a parent out: no child is approved any more.
    pub fn remove(&mut self, id: ClOrdId) -> Option<Parent> {
        let row = self.row_of(id)?;
        let place = self.rows.get_mut(row)?;
        let parent = core::mem::take(place);
        if let Some(by_slot) = self.by_slot.get_mut(id.slot() as usize) {
            *by_slot = NIL;
        }
        if let Some(free) = self.free.get_mut(self.free_count) {
            *free = row as u32;
            self.free_count += 1;
        }
        Some(parent)
    }

    /// Moves what a leg uses and has filled. A parent that has ended counts no more.
    pub fn moved(&mut self, id: ClOrdId, leg: u8, used: i64, filled: i64) {
        let Some(row) = self.row_of(id) else { return };
        let Some(parent) = self.rows.get_mut(row) else { return };
        let leg = usize::from(leg);
        if let (Some(in_use), Some(full)) = (parent.used.get_mut(leg), parent.filled.get_mut(leg)) {
            *in_use = Qty(in_use.0.saturating_add(used));
            *full = Qty(full.0.saturating_add(filled));
        }
    }

    /// The first open parent of a scope.
    #[must_use]
    pub fn first_of(
        &self,
        strategy: Option<StrategyId>,
        instrument: Option<InstrumentId>,
    ) -> Option<ClOrdId> {
        let mut open = self.iter().filter(|parent| {
            strategy.is_none_or(|strategy| parent.cl_ord_id.strategy() == strategy)
                && instrument.is_none_or(|instrument| parent.instrument == instrument)
        });
        open.next().map(|parent| parent.cl_ord_id)
    }
}
