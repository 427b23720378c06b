//! The strategy's side of order ids: a range of slots, each id handed out once.

use shm::ids::{ClOrdId, StrategyId};
use shm::message::OrderUpdate;
use shm::record::order::Base;

/// Hands out the ids of one strategy. Lives on the strategy's thread; risk checks what it hands out
/// (R16). A slot that came free rests behind all others that are free; a slot whose uses are spent
/// is retired.
#[derive(Clone, Debug)]
pub struct SlotPool {
    strategy: StrategyId,
    epoch: u16,
    first: u32,
    /// Per slot the last id handed out, [`ClOrdId::NONE`] before the first.
    last: Box<[ClOrdId]>,
    /// Per slot the first id of the chain that holds it, [`ClOrdId::NONE`] while free or retired.
    holder: Box<[ClOrdId]>,
    /// Free slots less `first`, a ring.
    free: Box<[u32]>,
    head: usize,
    count: usize,
    retired: u32,
}

impl SlotPool {
    /// A pool of `count` slots from `first`, all free.
    #[must_use]
    pub fn new(strategy: StrategyId, epoch: u16, first: u32, count: u32) -> Self {
        assert!(epoch != 0, "epoch 0 makes ids that are none");
        assert!(
            first.checked_add(count).is_some_and(|end| end <= ClOrdId::SLOTS_MAX),
            "slots beyond what an id can name"
        );
        Self {
            strategy,
            epoch,
            first,
            last: vec![ClOrdId::NONE; count as usize].into(),
            holder: vec![ClOrdId::NONE; count as usize].into(),
            free: (0..count).collect(),
            head: 0,
            count: count as usize,
            retired: 0,
        }
    }

    /// Marks a slot as held by an order carried over from an earlier start; `root` and `last` are
    /// the first and the highest id of its chain. Cold: before the first [`take`](Self::take).
    /// Returns whether the slot is of this pool and was free.
    pub fn hold(&mut self, root: ClOrdId, last: ClOrdId) -> bool {
        let Some(index) = self.index(root) else { return false };
        let Some(at) = (0..self.count).find(|at| self.free_at(*at) == Some(index)) else {
            return false;
        };
        for at in at..self.count.saturating_sub(1) {
            if let Some(next) = self.free_at(at + 1) {
                self.set_free_at(at, next);
            }
        }
        self.count -= 1;
        self.set(index, root, last);
        true
    }

    /// A new id for a new order; `None` when every slot is held or retired.
    #[must_use]
    pub fn take(&mut self) -> Option<ClOrdId> {
        let index = self.free_at(0)?;
        self.head = self.place(1);
        self.count -= 1;
        let last = *self.last.get(index as usize)?;
        let id = if last == ClOrdId::NONE || last.epoch() != self.epoch {
            ClOrdId::new(self.epoch, self.strategy, self.first + index, 0)
        } else {
            last.successor()?
        };
        self.set(index, id, id);
        Some(id)
    }

    /// A new id for a replace of the order whose chain `id` belongs to; `None` when the order is
    /// not held, or the uses of its slot are spent.
    #[must_use]
    pub fn replace(&mut self, id: ClOrdId) -> Option<ClOrdId> {
        let index = self.index(id)?;
        let root = *self.holder.get(index as usize)?;
        let last = *self.last.get(index as usize)?;
        if root == ClOrdId::NONE || id < root || id > last {
            return None;
        }
        let next = last.successor()?;
        self.set(index, root, next);
        Some(next)
    }

    /// The highest id handed out for the order's chain: what a cancel names.
    #[must_use]
    pub fn newest(&self, id: ClOrdId) -> Option<ClOrdId> {
        let index = self.index(id)? as usize;
        let root = *self.holder.get(index)?;
        let last = *self.last.get(index)?;
        (root != ClOrdId::NONE && root <= id && id <= last).then_some(last)
    }

    /// Frees the slot of an order that has ended; anything else, and a second end, changes nothing.
    /// Returns whether a slot came free.
    pub fn on_update(&mut self, update: &OrderUpdate) -> bool {
        Base::from_u8(update.base).is_some_and(Base::is_terminal) && self.free(update.cl_ord_id)
    }

    /// Frees the slot of a new order that was never approved: BUSY, or refused by risk. Not for a
    /// refused replace, whose order lives on.
    pub fn free(&mut self, id: ClOrdId) -> bool {
        let Some(index) = self.index(id) else { return false };
        let (Some(&root), Some(&last)) =
            (self.holder.get(index as usize), self.last.get(index as usize))
        else {
            return false;
        };
        if root == ClOrdId::NONE || id < root || id > last {
            return false;
        }
        if let Some(holder) = self.holder.get_mut(index as usize) {
            *holder = ClOrdId::NONE;
        }
        if last.epoch() == self.epoch && last.successor().is_none() {
            self.retired += 1;
            return false;
        }
        self.set_free_at(self.count, index);
        self.count += 1;
        true
    }

    /// Slots that can be taken now.
    #[must_use]
    pub const fn free_count(&self) -> usize {
        self.count
    }

    /// Slots whose uses are spent.
    #[must_use]
    pub const fn retired_count(&self) -> u32 {
        self.retired
    }

    fn index(&self, id: ClOrdId) -> Option<u32> {
        let index = id.slot().checked_sub(self.first)?;
        (id.strategy() == self.strategy && (index as usize) < self.last.len()).then_some(index)
    }

    fn set(&mut self, index: u32, root: ClOrdId, last: ClOrdId) {
        if let (Some(holder), Some(newest)) =
            (self.holder.get_mut(index as usize), self.last.get_mut(index as usize))
        {
            (*holder, *newest) = (root, last);
        }
    }

    fn free_at(&self, at: usize) -> Option<u32> {
        if at >= self.count {
            return None;
        }
        self.free.get(self.place(at)).copied()
    }

    /// Where the free slot `at` behind the first one stands, `at` up to all slots. No division: it
    /// would be the slowest of an order's instructions here.
    #[inline]
    fn place(&self, at: usize) -> usize {
        let place = self.head + at;
        if place >= self.free.len() { place - self.free.len() } else { place }
    }

    fn set_free_at(&mut self, at: usize, index: u32) {
        let place = self.place(at);
        if let Some(entry) = self.free.get_mut(place) {
            *entry = index;
        }
    }
}
