//! Rivals that keep one book a symbol and know neither executions of one order nor partial
//! cancels: such an order is cancelled and its rest added again. Where an order rests they do not
//! say, so that a hash map beside them does, as with any user of theirs.

use super::books::{is_buy, last_tops, small_ours, small_plain};
use super::{Done, Made, Way, way};
use feed::codec::itch50::Message;
use shm::message::Side;
use std::collections::HashMap;
use wirelane_day::messages;

pub fn ways() -> Vec<Way> {
    vec![
        way("wirelane, looking ahead", small_ours),
        way("plain maps and trees", small_plain),
        way("lobster", lobster),
        way("orderbook-rs", orderbook_rs),
    ]
}

/// A book of one symbol.
trait Book {
    fn new() -> Self;
    fn add(&mut self, order_ref: u64, side: Side, px: u32, shares: u32);
    fn cancel(&mut self, order_ref: u64);
    /// Best bid and ask, 0 where there is none.
    fn top(&self) -> (u32, u32);
}

#[derive(Clone, Copy)]
struct Resting {
    at: usize,
    side: Side,
    px: u32,
    shares: u32,
}

struct Books<B> {
    books: Vec<B>,
    orders: HashMap<u64, Resting>,
}

impl<B: Book> Books<B> {
    fn add(&mut self, order_ref: u64, resting: Resting) {
        self.books[resting.at].add(order_ref, resting.side, resting.px, resting.shares);
        self.orders.insert(order_ref, resting);
    }

    fn take(&mut self, order_ref: u64, shares: u32) -> Resting {
        let resting = self.orders.remove(&order_ref).expect("a live order");
        self.books[resting.at].cancel(order_ref);
        let left = resting.shares - shares.min(resting.shares);
        if left > 0 {
            self.add(order_ref, Resting { shares: left, ..resting });
        }
        resting
    }

    fn apply(&mut self, message: &[u8]) -> Option<usize> {
        let message = Message::decode(message).expect("a whole message")?;
        let at = usize::from(message.head().stock_locate.get()).wrapping_sub(1);
        match message {
            Message::AddOrder(m) => {
                let (px, shares) = (m.px.get(), m.shares.get());
                self.add(m.order_ref.get(), Resting { at, side: m.side()?, px, shares });
            }
            Message::AddOrderMpid(m) => {
                let (px, shares) = (m.px.get(), m.shares.get());
                self.add(m.order_ref.get(), Resting { at, side: m.side()?, px, shares });
            }
            Message::OrderExecuted(m) => drop(self.take(m.order_ref.get(), m.shares.get())),
            Message::OrderExecutedPrice(m) => drop(self.take(m.order_ref.get(), m.shares.get())),
            Message::OrderCancel(m) => drop(self.take(m.order_ref.get(), m.shares.get())),
            Message::OrderDelete(m) => drop(self.take(m.order_ref.get(), u32::MAX)),
            Message::OrderReplace(m) => {
                let old = self.take(m.order_ref.get(), u32::MAX);
                let (px, shares) = (m.px.get(), m.shares.get());
                self.add(m.new_order_ref.get(), Resting { px, shares, ..old });
            }
            _ => return None,
        }
        Some(at)
    }
}

fn run<B: Book>(made: &Made) -> Done {
    let books = (0..made.symbols).map(|_| B::new()).collect();
    let mut books = Books::<B> { books, orders: HashMap::new() };
    let done = Done::timed(made, || {
        let mut seen = 0;
        for message in messages(&made.bytes) {
            if let Some(at) = books.apply(message) {
                seen ^= books.books[at].top().0;
            }
        }
        std::hint::black_box(seen);
        0
    });
    Done { agreed: last_tops(made, |at| books.books[usize::from(at)].top()), ..done }
}

struct Lobster(lobster::OrderBook);

impl Book for Lobster {
    fn new() -> Self {
        Self(lobster::OrderBook::new(256, 16, false))
    }

    fn add(&mut self, order_ref: u64, side: Side, px: u32, shares: u32) {
        let side = if is_buy(side) { lobster::Side::Bid } else { lobster::Side::Ask };
        let (id, qty, price) = (order_ref.into(), shares.into(), px.into());
        self.0.execute(lobster::OrderType::Limit { id, side, qty, price });
    }

    fn cancel(&mut self, order_ref: u64) {
        self.0.execute(lobster::OrderType::Cancel { id: order_ref.into() });
    }

    fn top(&self) -> (u32, u32) {
        let px = |px: Option<u64>| px.unwrap_or(0) as u32;
        (px(self.0.max_bid()), px(self.0.min_ask()))
    }
}

fn lobster(made: &Made) -> Done {
    run::<Lobster>(made)
}

struct OrderbookRs(orderbook_rs::OrderBook<()>);

impl Book for OrderbookRs {
    fn new() -> Self {
        Self(orderbook_rs::OrderBook::new("X"))
    }

    fn add(&mut self, order_ref: u64, side: Side, px: u32, shares: u32) {
        use orderbook_rs::{Id, Side, TimeInForce};
        let side = if is_buy(side) { Side::Buy } else { Side::Sell };
        let id = Id::from_u64(order_ref);
        let (px, shares) = (px.into(), shares.into());
        self.0
            .add_limit_order(id, px, shares, side, TimeInForce::Gtc, None)
            .expect("an order that crosses nothing");
    }

    fn cancel(&mut self, order_ref: u64) {
        let gone = self.0.cancel_order(orderbook_rs::Id::from_u64(order_ref));
        assert!(gone.is_ok_and(|order| order.is_some()), "a live order");
    }

    fn top(&self) -> (u32, u32) {
        let px = |px: Option<u128>| px.unwrap_or(0) as u32;
        (px(self.0.best_bid()), px(self.0.best_ask()))
    }
}

fn orderbook_rs(made: &Made) -> Done {
    run::<OrderbookRs>(made)
}
