//! A day of ITCH in small: adds, executions, cancels, deletes and replaces on eight symbols, the
//! same bytes on every machine. It is made here and not by the exchange, so that a change of its
//! generator moves no baseline.

use feed::codec::itch50::{
    AddOrder, Head, MESSAGE_BYTES_MAX, OrderCancel, OrderDelete, OrderExecuted, OrderReplace,
    Price4, StockDirectory, encode,
};
use shm::ids::{InstrumentId, Symbol};
use zerocopy::{FromZeros, Immutable, IntoBytes};

/// The symbols; locates are 1, 2, .. in this order.
pub const SYMBOLS: [Symbol; 8] = [
    Symbol(*b"AAPL    "),
    Symbol(*b"AMZN    "),
    Symbol(*b"GOOG    "),
    Symbol(*b"INTC    "),
    Symbol(*b"META    "),
    Symbol(*b"MSFT    "),
    Symbol(*b"NVDA    "),
    Symbol(*b"TSLA    "),
];

/// Orders alive are kept near this many.
const LIVE: usize = 4_000;

/// Symbols with dense ids.
pub fn instruments() -> impl Iterator<Item = (Symbol, InstrumentId)> {
    SYMBOLS.into_iter().zip((0..).map(InstrumentId))
}

/// Messages end to end, and where each ends.
pub struct Flow {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Messages that set the stage: directory and first orders.
    opening: usize,
}

#[derive(Clone, Copy)]
struct Live {
    order_ref: u64,
    locate: u16,
    side: u8,
    shares: u32,
    ticks: i64,
}

impl Flow {
    /// An opening, then `events` messages.
    pub fn new(events: usize) -> Self {
        let mut flow = Self { bytes: Vec::new(), ends: Vec::new(), opening: 0 };
        let mut random = Random(0x5eed_0002);
        let mut live = Vec::new();
        let mut next_ref = 1;
        for (index, symbol) in SYMBOLS.into_iter().enumerate() {
            let mut directory = StockDirectory::new_zeroed();
            directory.head = Head::of::<StockDirectory>(index as u16 + 1, 0, 1);
            directory.stock = symbol;
            flow.push(&directory);
        }
        while live.len() < LIVE {
            flow.add(&mut random, &mut live, &mut next_ref);
        }
        flow.opening = flow.ends.len();
        while flow.ends.len() < flow.opening + events {
            flow.step(&mut random, &mut live, &mut next_ref);
        }
        flow
    }

    /// The messages that set the stage.
    pub fn opening(&self) -> impl Iterator<Item = &[u8]> {
        self.all().take(self.opening)
    }

    /// The messages to measure.
    pub fn events(&self) -> impl Iterator<Item = &[u8]> {
        self.all().skip(self.opening)
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    fn push<M: feed::codec::itch50::Body + IntoBytes + Immutable>(&mut self, message: &M) {
        let mut out = [0; MESSAGE_BYTES_MAX];
        let length = encode(message, &mut out).expect("room for the longest message");
        self.bytes.extend_from_slice(&out[..length]);
        self.ends.push(self.bytes.len());
    }

    fn add(&mut self, random: &mut Random, live: &mut Vec<Live>, next_ref: &mut u64) {
        let locate = random.below(SYMBOLS.len()) as u16 + 1;
        let buy = random.below(2) == 0;
        // Most orders stand near the touch; the book is never crossed.
        let away = (random.below(24).min(random.below(24)) + 1) as i64;
        let order = Live {
            order_ref: *next_ref,
            locate,
            side: if buy { b'B' } else { b'S' },
            shares: 100 * (random.below(10) as u32 + 1),
            ticks: 10_000 * i64::from(locate) + if buy { -away } else { away },
        };
        *next_ref += 1;
        self.push(&AddOrder {
            head: self.head::<AddOrder>(locate),
            order_ref: order.order_ref.into(),
            side: order.side,
            shares: order.shares.into(),
            stock: SYMBOLS[usize::from(locate) - 1],
            px: Price4::new(100 * order.ticks as u32),
        });
        live.push(order);
    }

    fn head<M: feed::codec::itch50::Body>(&self, locate: u16) -> Head {
        Head::of::<M>(locate, 0, 34_200_000_000_000 + 1_000 * self.ends.len() as u64)
    }

    /// One message: about 45 in 100 add, 40 delete, 5 replace, 5 execute, 5 cancel in part.
    fn step(&mut self, random: &mut Random, live: &mut Vec<Live>, next_ref: &mut u64) {
        let kind = random.below(100);
        if kind < 45 || live.len() < LIVE / 2 {
            return self.add(random, live, next_ref);
        }
        let at = random.below(live.len());
        let order = live[at];
        let (order_ref, locate) = (order.order_ref.into(), order.locate);
        if kind < 85 || live.len() > 2 * LIVE {
            live.swap_remove(at);
            self.push(&OrderDelete { head: self.head::<OrderDelete>(locate), order_ref });
        } else if kind < 90 {
            live[at].order_ref = *next_ref;
            live[at].shares = 500;
            self.push(&OrderReplace {
                head: self.head::<OrderReplace>(locate),
                order_ref,
                new_order_ref: (*next_ref).into(),
                shares: 500.into(),
                px: Price4::new(100 * order.ticks as u32),
            });
            *next_ref += 1;
        } else if kind < 95 || order.shares == 100 {
            live.swap_remove(at);
            self.push(&OrderExecuted {
                head: self.head::<OrderExecuted>(locate),
                order_ref,
                shares: order.shares.into(),
                match_number: (self.ends.len() as u64).into(),
            });
        } else {
            live[at].shares -= 100;
            self.push(&OrderCancel {
                head: self.head::<OrderCancel>(locate),
                order_ref,
                shares: 100.into(),
            });
        }
    }
}

/// Xorshift. Source: Marsaglia, "Xorshift RNGs", 2003.
pub struct Random(pub u64);

impl Random {
    /// A number in `0..end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
