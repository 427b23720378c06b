//! The book of one symbol: price levels, each a queue of orders in time order.

use super::order::{Order, Side};
use std::collections::BTreeMap;

/// Orders at one price. Invariant: never empty while it is in the map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// First in time.
    pub(super) oldest: u32,
    /// Last in time.
    pub(super) youngest: u32,
    /// Sum of the orders' open shares.
    pub(super) qty: u64,
    /// Number of orders, 1 or more.
    pub(super) orders: u32,
}

/// One price of one side as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Price4.
    pub px: u32,
    /// Shares open at it.
    pub qty: u64,
    /// Orders at it.
    pub orders: u32,
}

/// The book of one symbol.
#[derive(Debug, Default)]
pub struct Book {
    bids: BTreeMap<u32, Level>,
    asks: BTreeMap<u32, Level>,
    /// Orders that rest, both sides.
    pub(super) orders: usize,
    /// How many of them belong to clients.
    pub(super) client_orders: usize,
}

impl Book {
    /// Orders that rest on both sides.
    #[must_use]
    pub fn order_count(&self) -> usize {
        self.orders
    }

    /// The best price of `side`.
    #[must_use]
    pub fn best_px(&self, side: Side) -> Option<u32> {
        match side {
            Side::Buy => self.bids.keys().next_back().copied(),
            Side::Sell => self.asks.keys().next().copied(),
        }
    }

    /// Levels of `side` from the best outward.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        let (bids, asks) = match side {
            Side::Buy => (Some(self.bids.iter().rev()), None),
            Side::Sell => (None, Some(self.asks.iter())),
        };
        bids.into_iter().flatten().chain(asks.into_iter().flatten()).map(|(&px, level)| LevelView {
            px,
            qty: level.qty,
            orders: level.orders,
        })
    }

    /// Whether the best bid is at or above the best ask. A recording may bring this about; matching
    /// alone never does.
    #[must_use]
    pub fn is_locked_or_crossed(&self) -> bool {
        match (self.best_px(Side::Buy), self.best_px(Side::Sell)) {
            (Some(bid), Some(ask)) => bid >= ask,
            _ => false,
        }
    }

    pub(super) fn side_mut(&mut self, side: Side) -> &mut BTreeMap<u32, Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    pub(super) fn level(&self, side: Side, px: u32) -> Option<&Level> {
        match side {
            Side::Buy => self.bids.get(&px),
            Side::Sell => self.asks.get(&px),
        }
    }

    /// Puts `order` (already in the slab at `index`) last in time at its price.
    pub(super) fn push(&mut self, slab: &mut [Order], index: u32) {
        let order = slab[index as usize];
        self.orders += 1;
        self.client_orders += usize::from(order.owner.is_client());
        let level = self.side_mut(order.side).entry(order.px).or_insert(Level {
            oldest: Order::END,
            youngest: Order::END,
            qty: 0,
            orders: 0,
        });
        slab[index as usize].older = level.youngest;
        slab[index as usize].younger = Order::END;
        if level.youngest == Order::END {
            level.oldest = index;
        } else {
            slab[level.youngest as usize].younger = index;
        }
        level.youngest = index;
        level.qty += u64::from(order.leaves_qty);
        level.orders += 1;
    }

    /// Takes the order at `index` out, whatever shares it has left.
    pub(super) fn remove(&mut self, slab: &mut [Order], index: u32) {
        let order = slab[index as usize];
        self.orders -= 1;
        self.client_orders -= usize::from(order.owner.is_client());
        if order.older != Order::END {
            slab[order.older as usize].younger = order.younger;
        }
        if order.younger != Order::END {
            slab[order.younger as usize].older = order.older;
        }
        let levels = self.side_mut(order.side);
        let level = levels.get_mut(&order.px).expect("a resting order has its level");
        if level.oldest == index {
            level.oldest = order.younger;
        }
        if level.youngest == index {
            level.youngest = order.older;
        }
        level.qty -= u64::from(order.leaves_qty);
        level.orders -= 1;
        if level.orders == 0 {
            levels.remove(&order.px);
        }
    }

    /// Takes `qty` shares, fewer than it has, from the order at `index`.
    pub(super) fn reduce(&mut self, slab: &mut [Order], index: u32, qty: u32) {
        let order = &mut slab[index as usize];
        debug_assert!(qty < order.leaves_qty);
        order.leaves_qty -= qty;
        let (side, px) = (order.side, order.px);
        let level = self.side_mut(side).get_mut(&px).expect("a resting order has its level");
        level.qty -= u64::from(qty);
    }
}
