//! The plain books: a map of orders, two trees of prices a symbol. Slow, and obviously right.

use std::collections::{BTreeMap, HashMap};

use feed::book::hash_levels;
use feed::codec::itch50::Message;
use shm::message::Side;
use shm::units::{Price, Qty};

/// Best bid and ask in ten-thousandths and shares; 0 shares where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlainTop {
    /// Price and shares of the best bid.
    pub bid: (u32, u64),
    /// Price and shares of the best ask.
    pub ask: (u32, u64),
}

#[derive(Clone, Copy, Debug)]
struct Resting {
    locate: u16,
    side: Side,
    px: u32,
    shares: u32,
}

#[derive(Debug, Default)]
struct Sides {
    bids: BTreeMap<u32, u64>,
    asks: BTreeMap<u32, u64>,
    top: PlainTop,
}

impl Sides {
    fn levels(&mut self, side: Side) -> &mut BTreeMap<u32, u64> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn top_now(&self) -> PlainTop {
        let pair = |level: Option<(&u32, &u64)>| level.map_or((0, 0), |(px, sum)| (*px, *sum));
        PlainTop { bid: pair(self.bids.last_key_value()), ask: pair(self.asks.first_key_value()) }
    }
}

/// Books of a sound day: what cannot be is not looked for.
#[derive(Debug, Default)]
pub struct PlainBooks {
    orders: HashMap<u64, Resting>,
    /// By locate.
    books: Vec<Sides>,
}

impl PlainBooks {
    /// Applies a message. The new top and its locate, if it changed one.
    ///
    /// # Panics
    /// On a message that is no sound one, such as an unknown order.
    pub fn apply(&mut self, message: &[u8]) -> Option<(u16, PlainTop)> {
        let message = Message::decode(message).expect("a whole message")?;
        let locate = message.head().stock_locate.get();
        match message {
            Message::AddOrder(m) => {
                self.add(m.order_ref.get(), locate, m.side()?, m.px.get(), m.shares.get());
            }
            Message::AddOrderMpid(m) => {
                self.add(m.order_ref.get(), locate, m.side()?, m.px.get(), m.shares.get());
            }
            Message::OrderExecuted(m) => {
                self.reduce(m.order_ref.get(), Some(m.shares.get()));
            }
            Message::OrderExecutedPrice(m) => {
                self.reduce(m.order_ref.get(), Some(m.shares.get()));
            }
            Message::OrderCancel(m) => {
                self.reduce(m.order_ref.get(), Some(m.shares.get()));
            }
            Message::OrderDelete(m) => {
                self.reduce(m.order_ref.get(), None);
            }
            Message::OrderReplace(m) => {
                let old = self.reduce(m.order_ref.get(), None);
                let new_ref = m.new_order_ref.get();
                self.add(new_ref, locate, old.side, m.px.get(), m.shares.get());
            }
            _ => return None,
        }
        let book = &mut self.books[usize::from(locate)];
        let top = book.top_now();
        let before = std::mem::replace(&mut book.top, top);
        (before != top).then_some((locate, top))
    }

    fn add(&mut self, order_ref: u64, locate: u16, side: Side, px: u32, shares: u32) {
        if self.books.len() <= usize::from(locate) {
            self.books.resize_with(usize::from(locate) + 1, Sides::default);
        }
        self.orders.insert(order_ref, Resting { locate, side, px, shares });
        let levels = self.books[usize::from(locate)].levels(side);
        *levels.entry(px).or_default() += u64::from(shares);
    }

    fn reduce(&mut self, order_ref: u64, shares: Option<u32>) -> Resting {
        let order = self.orders.get_mut(&order_ref).expect("a live order");
        let resting = *order;
        let shares = shares.unwrap_or(order.shares);
        order.shares -= shares;
        if order.shares == 0 {
            self.orders.remove(&order_ref);
        }
        let levels = self.books[usize::from(resting.locate)].levels(resting.side);
        let sum = levels.get_mut(&resting.px).expect("the level of a live order");
        *sum -= u64::from(shares);
        if *sum == 0 {
            levels.remove(&resting.px);
        }
        resting
    }

    /// Orders in all books.
    #[must_use]
    pub fn live_orders(&self) -> usize {
        self.orders.len()
    }

    /// Best bid and ask of a locate.
    #[must_use]
    pub fn top(&self, locate: u16) -> PlainTop {
        self.books.get(usize::from(locate)).map_or_else(PlainTop::default, |book| book.top)
    }

    /// All levels of a side, best first: ten-thousandths and shares.
    #[must_use]
    pub fn levels(&self, locate: u16, side: Side) -> Vec<(u32, u64)> {
        let Some(book) = self.books.get(usize::from(locate)) else { return Vec::new() };
        match side {
            Side::Buy => book.bids.iter().rev().map(|(px, sum)| (*px, *sum)).collect(),
            Side::Sell => book.asks.iter().map(|(px, sum)| (*px, *sum)).collect(),
        }
    }

    /// [`hash_levels`] of one book.
    #[must_use]
    pub fn hash(&self, locate: u16) -> u64 {
        let pair = |(px, sum): (u32, u64)| (Price::from_price4(px), Qty(sum as i64 * Qty::SCALE));
        hash_levels(
            self.levels(locate, Side::Buy).into_iter().map(pair),
            self.levels(locate, Side::Sell).into_iter().map(pair),
        )
    }
}

/// One number for a stream of top changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopHash {
    /// Changes taken.
    pub changes: u64,
    /// Of all changes in their order.
    pub hash: u64,
}

impl TopHash {
    /// Takes one change: instrument, then price and shares of bid and ask (0, 0 where there is
    /// none).
    #[inline]
    pub const fn take(&mut self, instrument: u32, bid: (u32, u64), ask: (u32, u64)) {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        self.changes += 1;
        let prices = (bid.0 as u64) << 32 | ask.0 as u64;
        let mut hash = (self.hash ^ instrument as u64).wrapping_mul(ODD) ^ prices;
        hash = hash.rotate_left(29).wrapping_mul(ODD) ^ bid.1;
        self.hash = hash.rotate_left(29).wrapping_mul(ODD) ^ ask.1.rotate_left(32);
    }
}
