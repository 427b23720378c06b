//! The orders behind a generated day: who is live, at which price, in which turn.

use std::collections::{BTreeMap, VecDeque};

use shm::message::Side;

/// Names one order for as long as it lives: a slot and how often it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderKey {
    slot: u32,
    turn: u32,
}

/// A live order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) order_ref: u64,
    /// Index of its symbol.
    pub(crate) symbol: u32,
    pub(crate) side: Side,
    pub(crate) px: u32,
    pub(crate) shares: u32,
    turn: u32,
    /// Its place in the list of all live orders.
    at: u32,
}

/// One symbol.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    /// What a tick is, in ten-thousandths.
    pub(crate) tick: u32,
    /// How many ticks apart its orders are.
    pub(crate) sparse: u32,
    /// The highest price that is bid; offers stand above.
    pub(crate) fair: u32,
    /// Where the price tends to.
    pub(crate) home: u32,
    /// The side that is being eaten up, until it is one tick worse.
    pub(crate) sweep: Option<Side>,
    recent: VecDeque<OrderKey>,
    /// Orders in turn by price, bids then asks; ended ones are dropped when met.
    queues: [BTreeMap<u32, VecDeque<OrderKey>>; 2],
}

/// Orders a stock remembers as recent.
const RECENT: usize = 64;

impl Stock {
    pub(crate) fn new(tick: u32, sparse: u32, fair: u32) -> Self {
        Self {
            tick,
            sparse,
            fair,
            home: fair,
            sweep: None,
            recent: VecDeque::with_capacity(RECENT),
            queues: Default::default(),
        }
    }
}

/// All stocks and orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Market {
    pub(crate) stocks: Vec<Stock>,
    slots: Vec<Live>,
    free: Vec<u32>,
    live: Vec<u32>,
    pub(crate) live_max: usize,
}

const fn index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

impl Market {
    pub(crate) fn new(stocks: Vec<Stock>) -> Self {
        Self { stocks, ..Self::default() }
    }

    pub(crate) const fn live(&self) -> usize {
        self.live.len()
    }

    /// The order, if it lives.
    pub(crate) fn get(&self, key: OrderKey) -> Option<&Live> {
        self.slots.get(key.slot as usize).filter(|live| live.turn == key.turn)
    }

    /// The `at`-th of all live orders, in no order.
    pub(crate) fn any(&self, at: usize) -> OrderKey {
        let slot = self.live[at];
        OrderKey { slot, turn: self.slots[slot as usize].turn }
    }

    /// The live order of a stock with about `back` younger ones, among the recent.
    pub(crate) fn recent(&self, symbol: u32, back: usize) -> Option<OrderKey> {
        let recent = &self.stocks[symbol as usize].recent;
        let mut living = recent.iter().rev().filter(|key| self.get(**key).is_some());
        living.nth(back).copied()
    }

    /// The order that is first in turn at the best price of a side.
    pub(crate) fn best(&mut self, symbol: u32, side: Side) -> Option<OrderKey> {
        let slots = &self.slots;
        let queues = &mut self.stocks[symbol as usize].queues[index(side)];
        loop {
            let mut level = match side {
                Side::Buy => queues.last_entry()?,
                Side::Sell => queues.first_entry()?,
            };
            while let Some(key) = level.get().front().copied() {
                if slots[key.slot as usize].turn == key.turn {
                    return Some(key);
                }
                level.get_mut().pop_front();
            }
            level.remove();
        }
    }

    pub(crate) fn add(&mut self, order_ref: u64, symbol: u32, side: Side, px: u32, shares: u32) {
        let at = self.live.len() as u32;
        let mut live = Live { order_ref, symbol, side, px, shares, turn: 1, at };
        let slot = match self.free.pop() {
            Some(slot) => {
                live.turn = self.slots[slot as usize].turn + 1;
                self.slots[slot as usize] = live;
                slot
            }
            None => {
                self.slots.push(live);
                self.slots.len() as u32 - 1
            }
        };
        self.live.push(slot);
        self.live_max = self.live_max.max(self.live.len());
        let key = OrderKey { slot, turn: live.turn };
        let stock = &mut self.stocks[symbol as usize];
        if stock.recent.len() == RECENT {
            stock.recent.pop_front();
        }
        stock.recent.push_back(key);
        stock.queues[index(side)].entry(px).or_default().push_back(key);
    }

    /// `shares` less of an order; it ends with none left.
    pub(crate) fn reduce(&mut self, key: OrderKey, shares: u32) {
        let live = &mut self.slots[key.slot as usize];
        live.shares -= shares;
        if live.shares > 0 {
            return;
        }
        // A turn that no key names: the order is over.
        live.turn += 1;
        let at = live.at as usize;
        self.live.swap_remove(at);
        if let Some(moved) = self.live.get(at) {
            self.slots[*moved as usize].at = at as u32;
        }
        self.free.push(key.slot);
    }
}
