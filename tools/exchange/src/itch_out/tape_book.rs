//! The book as the tape tells it, message by message.
//!
//! The matching engine's book is ahead of the tape inside an operation of several messages. The
//! hash after sequence n is of the book after exactly n messages, so it is taken here.

use crate::matching::{EventKind, MarketEvent, Side};
use std::collections::{BTreeMap, HashMap};

/// Shares and orders of each price, by side.
type Levels = BTreeMap<u32, (u64, u32)>;

/// By-level books of all symbols, built from tape events alone.
#[derive(Debug, Default)]
pub struct TapeBook {
    books: Vec<[Levels; 2]>,
    orders: HashMap<u64, TapeOrder>,
}

#[derive(Clone, Copy, Debug)]
struct TapeOrder {
    side: Side,
    px: u32,
    leaves_qty: u32,
}

/// Index of a side's levels.
const fn at(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

impl TapeBook {
    /// Applies one event.
    pub fn apply(&mut self, event: &MarketEvent) {
        let locate = usize::from(event.locate);
        if self.books.len() <= locate {
            self.books.resize_with(locate + 1, Default::default);
        }
        match event.kind {
            EventKind::Add { order_ref, side, qty, px, .. } => {
                self.insert(locate, order_ref, TapeOrder { side, px, leaves_qty: qty });
            }
            EventKind::Executed { order_ref, qty, .. }
            | EventKind::ExecutedAt { order_ref, qty, .. }
            | EventKind::Reduced { order_ref, qty } => self.take(locate, order_ref, qty),
            EventKind::Deleted { order_ref } => self.take(locate, order_ref, u32::MAX),
            EventKind::Replaced { old_ref, order_ref, qty, px } => {
                if let Some(&TapeOrder { side, .. }) = self.orders.get(&old_ref) {
                    self.take(locate, old_ref, u32::MAX);
                    self.insert(locate, order_ref, TapeOrder { side, px, leaves_qty: qty });
                }
            }
            EventKind::HiddenTrade { .. } | EventKind::Broken { .. } => {}
        }
    }

    /// Levels of a side from the best outward: price4, shares, orders.
    pub fn levels(&self, locate: u16, side: Side) -> impl Iterator<Item = (u32, u64, u32)> + '_ {
        let levels = self.books.get(usize::from(locate)).map(|book| &book[at(side)]);
        let (bids, asks) = match side {
            Side::Buy => (levels.map(|levels| levels.iter().rev()), None),
            Side::Sell => (None, levels.map(|levels| levels.iter())),
        };
        bids.into_iter()
            .flatten()
            .chain(asks.into_iter().flatten())
            .map(|(&px, &(qty, orders))| (px, qty, orders))
    }

    fn insert(&mut self, locate: usize, order_ref: u64, order: TapeOrder) {
        let level = self.books[locate][at(order.side)].entry(order.px).or_default();
        level.0 += u64::from(order.leaves_qty);
        level.1 += 1;
        self.orders.insert(order_ref, order);
    }

    fn take(&mut self, locate: usize, order_ref: u64, qty: u32) {
        let Some(order) = self.orders.get_mut(&order_ref) else { return };
        let qty = qty.min(order.leaves_qty);
        order.leaves_qty -= qty;
        let TapeOrder { side, px, leaves_qty } = *order;
        let levels = &mut self.books[locate][at(side)];
        let Some(level) = levels.get_mut(&px) else { return };
        level.0 -= u64::from(qty);
        if leaves_qty == 0 {
            level.1 -= 1;
            if level.1 == 0 {
                levels.remove(&px);
            }
            self.orders.remove(&order_ref);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Generator, GeneratorOptions, built_in};
    use crate::matching::{Market, Output, SelfMatch};

    /// Goal: the tape's book is the matching engine's book at the end of every operation. Method:
    /// 60,000 generated messages, all levels of all symbols compared every 100 steps.
    #[test]
    fn tape_book_equals_the_matching_book() {
        let seed = 3;
        println!("seed {seed}");
        let symbols = built_in();
        let mut generator = Generator::new(GeneratorOptions { seed, rate: 0 }, &symbols);
        let mut market = Market::new(symbols.len() as u16, 1, SelfMatch::Allow);
        let (mut out, mut tape) = (Output::default(), TapeBook::default());
        let mut messages = 0;
        for step in 0.. {
            generator.step(&mut market, &mut out);
            out.events.iter().for_each(|event| tape.apply(event));
            messages += out.events.len();
            out.clear();
            if step % 100 == 0 || messages > 60_000 {
                for locate in 1..=symbols.len() as u16 {
                    for side in [Side::Buy, Side::Sell] {
                        let book = market.book(locate).unwrap();
                        let levels =
                            book.levels(side).map(|level| (level.px, level.qty, level.orders));
                        assert!(levels.eq(tape.levels(locate, side)), "step {step}");
                    }
                }
            }
            if messages > 60_000 {
                break;
            }
        }
    }
}
