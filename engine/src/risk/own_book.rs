//! Own working orders by group of accounts and instrument (R45): the best price of each side at
//! once, the orders behind it by a list.
//!
//! A replace on its way counts at the more dangerous of its two prices. Bound: when the best of a
//! side ends or moves away, its list is walked once, over the group's orders in that instrument and
//! side.

use shm::ids::InstrumentId;
use shm::map::prefetch_write;
use shm::message::Side;
use shm::units::Price;

const NIL: u32 = u32::MAX;

/// An order in a list.
#[derive(Clone, Copy, Debug)]
struct Node {
    previous: u32,
    next: u32,
    /// Index of its list, [`NIL`] for an order that does not work.
    list: u32,
    px: Price,
}

/// The orders of one group, instrument and side.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    count: u32,
    best: Price,
}

/// The orders.
#[derive(Clone, Debug)]
pub struct OwnBook {
    nodes: Box<[Node]>,
    /// By group, instrument, side.
    lists: Box<[List]>,
    instruments: usize,
}

impl OwnBook {
    /// Room for the orders of `slots` slots.
    #[must_use]
    pub fn new(slots: usize, groups: usize, instruments: usize) -> Self {
        let node = Node { previous: NIL, next: NIL, list: NIL, px: Price::NONE };
        let list = List { first: NIL, count: 0, best: Price::NONE };
        Self {
            nodes: vec![node; slots].into(),
            lists: vec![list; groups * instruments * 2].into(),
            instruments,
        }
    }

    #[inline]
    const fn list(&self, group: u16, instrument: InstrumentId, side: Side) -> u32 {
        let at = group as usize * self.instruments + instrument.index();
        (at * 2 + matches!(side, Side::Sell) as usize) as u32
    }

    /// Asks for the line that [`OwnBook::meets`] will read.
    #[inline(always)]
    pub(super) fn fetch(&self, group: u16, instrument: InstrumentId, side: Side) {
        if let Some(list) = self.lists.get(self.list(group, instrument, side) as usize) {
            prefetch_write(list);
        }
    }

    /// Price of the own order that an order of `side` at `px` would meet first, if any.
    #[must_use]
    #[inline]
    pub fn meets(
        &self,
        group: u16,
        instrument: InstrumentId,
        side: Side,
        px: Price,
    ) -> Option<Price> {
        let list = self.lists.get(self.list(group, instrument, side.opposite()) as usize)?;
        (list.count > 0 && crosses(side, px, list.best)).then_some(list.best)
    }

    /// Slots of the own orders that an order of `side` at `px` would meet.
    pub fn met(
        &self,
        group: u16,
        instrument: InstrumentId,
        side: Side,
        px: Price,
    ) -> impl Iterator<Item = u32> {
        let list = self.lists.get(self.list(group, instrument, side.opposite()) as usize);
        let mut at = list.map_or(NIL, |list| list.first);
        core::iter::from_fn(move || {
            let slot = at;
            let node = self.nodes.get(slot as usize)?;
            at = node.next;
            Some((slot, node.px))
        })
        .filter(move |(_, resting)| crosses(side, px, *resting))
        .map(|(slot, _)| slot)
    }

    /// Makes the book agree with an order: the price it works at, `None` when it has ended.
    #[inline]
    pub fn set(
        &mut self,
        slot: u32,
        group: u16,
        instrument: InstrumentId,
        side: Side,
        px: Option<Price>,
    ) {
        let list = self.list(group, instrument, side);
        let Some(&node) = self.nodes.get(slot as usize) else { return };
        match px {
            Some(px) if node.list == list && node.px == px => {}
            Some(px) => {
                self.remove(slot);
                self.insert(slot, list, side, px);
            }
            None => self.remove(slot),
        }
    }

    fn insert(&mut self, slot: u32, at: u32, side: Side, px: Price) {
        let Some(list) = self.lists.get_mut(at as usize) else { return };
        let next = list.first;
        list.first = slot;
        list.best = if list.count == 0 { px } else { better(side, list.best, px) };
        list.count += 1;
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            *node = Node { previous: NIL, next, list: at, px };
        }
        if let Some(node) = self.nodes.get_mut(next as usize) {
            node.previous = slot;
        }
    }

    fn remove(&mut self, slot: u32) {
        let Some(node) = self.nodes.get_mut(slot as usize) else { return };
        let Node { previous, next, list: at, px } = *node;
        if at == NIL {
            return;
        }
        node.list = NIL;
        if let Some(node) = self.nodes.get_mut(next as usize) {
            node.previous = previous;
        }
        let Some(list) = self.lists.get_mut(at as usize) else { return };
        match self.nodes.get_mut(previous as usize) {
            Some(node) => node.next = next,
            None => list.first = next,
        }
        list.count -= 1;
        if list.best != px || list.count == 0 {
            return;
        }
        let side = if at % 2 == 0 { Side::Buy } else { Side::Sell };
        let (mut best, mut at) = (Price::NONE, list.first);
        while let Some(node) = self.nodes.get(at as usize) {
            best = if best.is_none() { node.px } else { better(side, best, node.px) };
            if best == px {
                break;
            }
            at = node.next;
        }
        list.best = best;
    }
}

/// The price that the other side meets first.
const fn better(side: Side, a: Price, b: Price) -> Price {
    let a_first = match side {
        Side::Buy => a.0 >= b.0,
        Side::Sell => a.0 <= b.0,
    };
    if a_first { a } else { b }
}

/// Whether an order would meet a resting one of the other side.
#[inline]
const fn crosses(side: Side, px: Price, resting: Price) -> bool {
    match side {
        Side::Buy => px.0 >= resting.0,
        Side::Sell => px.0 <= resting.0,
    }
}

/// The more dangerous of the prices of a working order: its own and that of its replace.
#[must_use]
#[inline]
pub fn dangerous_px(side: Side, px: Price, replace: Option<Price>) -> Price {
    replace.map_or(px, |new| better(side, px, new))
}
