//! The market of a trip: one instrument whose best bid comes and goes, a datagram each.

use feed::codec::itch50::{
    AddOrder, Body, Head, MESSAGE_BYTES_MAX, OrderDelete, Price4, StockDirectory, TradingAction,
    encode,
};
use feed::moldudp64::{PacketBuilder, Session};
use shm::ids::Symbol;
use zerocopy::{FromZeros as _, Immutable, IntoBytes};

use super::ends::{DATAGRAM_BYTES, Datagram};

const SYMBOL: Symbol = Symbol(*b"AAPL    ");

/// Makes the datagrams, in order.
pub(crate) struct Market {
    next_seq: u64,
    /// The order whose coming and going moves the top; 0 when it is not there.
    mover: u64,
    /// One far from the top that comes and goes; 0 when it is not there.
    deep: u64,
}

impl Market {
    pub(crate) const fn new() -> Self {
        Self { next_seq: 1, mover: 0, deep: 0 }
    }

    /// What gives the book two sides.
    pub(crate) fn opening(&mut self) -> [Datagram; 4] {
        let mut directory = StockDirectory::new_zeroed();
        directory.head = Head::of::<StockDirectory>(1, 0, 1);
        directory.stock = SYMBOL;
        let mut trading = TradingAction::new_zeroed();
        trading.head = Head::of::<TradingAction>(1, 0, 2);
        (trading.stock, trading.state) = (SYMBOL, b'T');
        [
            self.message(&directory),
            self.message(&trading),
            self.add(b'B', 10_000),
            self.add(b'S', 10_100),
        ]
    }

    /// The next move of the best bid: a better order comes, or goes again.
    pub(crate) fn next_move(&mut self) -> Datagram {
        if self.mover == 0 {
            self.mover = self.next_seq;
            return self.add(b'B', 10_001);
        }
        let order_ref = std::mem::take(&mut self.mover);
        self.delete(order_ref)
    }

    /// A message that moves no top: an order comes far from it, or goes again.
    pub(crate) fn next_deep(&mut self) -> Datagram {
        if self.deep == 0 {
            self.deep = self.next_seq;
            return self.add(b'B', 9_000);
        }
        let order_ref = std::mem::take(&mut self.deep);
        self.delete(order_ref)
    }

    fn delete(&mut self, order_ref: u64) -> Datagram {
        let head = Head::of::<OrderDelete>(1, 0, self.next_seq);
        self.message(&OrderDelete { head, order_ref: order_ref.into() })
    }

    /// An order of the market, numbered like its message.
    fn add(&mut self, side: u8, px_cents: u32) -> Datagram {
        self.message(&AddOrder {
            head: Head::of::<AddOrder>(1, 0, self.next_seq),
            order_ref: self.next_seq.into(),
            side,
            shares: 100.into(),
            stock: SYMBOL,
            px: Price4::new(px_cents * 100),
        })
    }

    fn message<M: Body + IntoBytes + Immutable>(&mut self, message: &M) -> Datagram {
        let mut body = [0; MESSAGE_BYTES_MAX];
        let length = encode(message, &mut body).expect("room for the longest message");
        let mut datagram = [0; DATAGRAM_BYTES];
        let session = Session::new("TRIP000001").expect("ten characters");
        let mut packet =
            PacketBuilder::new(&mut datagram, session, self.next_seq).expect("room for a header");
        assert!(packet.try_push(&body[..length]), "room for one message");
        let length = packet.finish();
        self.next_seq += 1;
        (length, datagram)
    }
}
