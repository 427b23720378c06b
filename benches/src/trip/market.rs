//! The market of a trip: instruments whose best bids come and go, a datagram each.

use feed::codec::itch50::{
    AddOrder, Body, Head, MESSAGE_BYTES_MAX, OrderDelete, Price4, StockDirectory, TradingAction,
    encode,
};
use feed::moldudp64::{HEADER_BYTES, PacketBuilder, Session, encode_heartbeat};
use zerocopy::{FromZeros as _, Immutable, IntoBytes};

use super::ends::{DATAGRAM_BYTES, Datagram};
use super::shape::Shape;
use crate::flow::Random;

/// One instrument.
#[derive(Clone, Copy, Default)]
struct Book {
    /// The order whose coming and going moves the top; 0 when it is not there.
    mover: u64,
    /// One far from the top that comes and goes; 0 when it is not there.
    deep: u64,
}

/// Makes the datagrams, in order.
pub(crate) struct Market {
    next_seq: u64,
    books: Vec<Book>,
    /// Books among which the next move is drawn; those behind move when they are asked to.
    drawn: usize,
    random: Random,
}

impl Market {
    /// Of one instrument.
    pub(crate) fn new() -> Self {
        Self::of(1, 1)
    }

    /// Of so many instruments, the first `drawn` of which move at random.
    pub(crate) fn of(symbols: usize, drawn: usize) -> Self {
        let books = vec![Book::default(); symbols];
        Self { next_seq: 1, books, drawn, random: Random(0x5eed_0007) }
    }

    /// What gives each book two sides.
    pub(crate) fn opening(&mut self) -> Vec<Datagram> {
        let mut all = Vec::with_capacity(4 * self.books.len());
        for at in 0..self.books.len() {
            let (locate, stock) = (at as u16 + 1, Shape::symbol(at as u32));
            let mut directory = StockDirectory::new_zeroed();
            directory.head = Head::of::<StockDirectory>(locate, 0, 1);
            directory.stock = stock;
            let mut trading = TradingAction::new_zeroed();
            trading.head = Head::of::<TradingAction>(locate, 0, 2);
            (trading.stock, trading.state) = (stock, b'T');
            all.push(self.message(&directory));
            all.push(self.message(&trading));
            all.push(self.add(at, b'B', 10_000));
            all.push(self.add(at, b'S', 10_100));
        }
        all
    }

    fn draw(&mut self) -> usize {
        if self.drawn > 1 { self.random.below(self.drawn) } else { 0 }
    }

    /// The next move of a best bid: a better order comes, or goes again.
    pub(crate) fn next_move(&mut self) -> Datagram {
        let at = self.draw();
        self.next_move_of(at)
    }

    /// The same of a certain book.
    pub(crate) fn next_move_of(&mut self, at: usize) -> Datagram {
        if self.books[at].mover == 0 {
            self.books[at].mover = self.next_seq;
            return self.add(at, b'B', 10_001);
        }
        let order_ref = std::mem::take(&mut self.books[at].mover);
        self.delete(at, order_ref)
    }

    /// A message that moves no top: an order comes far from it, or goes again.
    pub(crate) fn next_deep(&mut self) -> Datagram {
        let at = self.draw();
        if self.books[at].deep == 0 {
            self.books[at].deep = self.next_seq;
            return self.add(at, b'B', 9_000);
        }
        let order_ref = std::mem::take(&mut self.books[at].deep);
        self.delete(at, order_ref)
    }

    /// An order that comes to stay, far from the top.
    pub(crate) fn next_resting(&mut self) -> Datagram {
        let at = self.draw();
        let px_cents = 9_900 - self.random.below(2_000) as u32;
        self.add(at, b'B', px_cents)
    }

    /// That nothing happens.
    pub(crate) fn heartbeat(&self) -> Datagram {
        let mut datagram = [0; DATAGRAM_BYTES];
        let length = HEADER_BYTES;
        encode_heartbeat(&mut datagram, session(), self.next_seq).expect("room for a header");
        (length, datagram)
    }

    fn delete(&mut self, at: usize, order_ref: u64) -> Datagram {
        let head = Head::of::<OrderDelete>(at as u16 + 1, 0, self.next_seq);
        self.message(&OrderDelete { head, order_ref: order_ref.into() })
    }

    /// An order of the market, numbered like its message.
    fn add(&mut self, at: usize, side: u8, px_cents: u32) -> Datagram {
        self.message(&AddOrder {
            head: Head::of::<AddOrder>(at as u16 + 1, 0, self.next_seq),
            order_ref: self.next_seq.into(),
            side,
            shares: 100.into(),
            stock: Shape::symbol(at as u32),
            px: Price4::new(px_cents * 100),
        })
    }

    fn message<M: Body + IntoBytes + Immutable>(&mut self, message: &M) -> Datagram {
        let mut body = [0; MESSAGE_BYTES_MAX];
        let length = encode(message, &mut body).expect("room for the longest message");
        let mut datagram = [0; DATAGRAM_BYTES];
        let mut packet =
            PacketBuilder::new(&mut datagram, session(), self.next_seq).expect("room for a header");
        assert!(packet.try_push(&body[..length]), "room for one message");
        let length = packet.finish();
        self.next_seq += 1;
        (length, datagram)
    }
}

fn session() -> Session {
    Session::new("TRIP000001").expect("ten characters")
}
