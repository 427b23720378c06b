//! Books: all levels and orders, the top after each message, every change of it into one hash.

use super::{Done, Made, Way, way};
use feed::book::{Applied, BooksConfig, ItchBooks};
use shm::ids::{InstrumentId, Symbol};
use shm::message::Side;
use shm::units::Qty;
use wirelane_day::{Day, PlainBooks, TopHash, messages};

pub fn ways() -> Vec<Way> {
    vec![
        way("wirelane, looking ahead", ahead),
        way("wirelane, message by message", singly),
        way("plain maps and trees", plain),
    ]
}

fn symbols(made: &Made) -> impl Iterator<Item = (Symbol, InstrumentId)> {
    (0..made.symbols).map(|at| (Day::symbol_name(at), InstrumentId(at.into())))
}

fn books(made: &Made) -> ItchBooks {
    let config = BooksConfig {
        orders_max: (made.live_max + made.live_max / 4).next_multiple_of(1_024),
        levels_max: made.live_max / 2 + 100_000,
        market: b'Q',
    };
    ItchBooks::new(config, made.symbols.into(), symbols(made))
}

/// Bytes of our tables for this day.
pub fn bytes_of(made: &Made) -> usize {
    books(made).books().bytes()
}

/// What all books say at the end: tops on the way, and hashes of ten levels a side.
fn agreed(made: &Made, tops: TopHash, live: usize, hash: impl Fn(u16) -> u64) -> u64 {
    let all = (0..made.symbols).fold(tops.hash ^ tops.changes, |sum, at| {
        (sum.rotate_left(5) ^ hash(at)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    all ^ live as u64
}

#[inline]
fn take(tops: &mut TopHash, books: &ItchBooks, applied: &Applied) {
    if applied.top {
        let top = books.top(applied.instrument);
        let side = |px: shm::units::Price, qty: Qty| {
            (px.to_price4().unwrap_or(0), (qty.0 / Qty::SCALE) as u64)
        };
        let (bid, ask) = (side(top.bid_px, top.bid_qty), side(top.ask_px, top.ask_qty));
        tops.take(applied.instrument.0, bid, ask);
    }
}

fn ours(made: &Made, pass: impl FnOnce(&mut ItchBooks, &mut TopHash)) -> Done {
    let mut books = books(made);
    let mut tops = TopHash::default();
    let done = Done::timed(made, || {
        pass(&mut books, &mut tops);
        0
    });
    assert_eq!(books.faults().total(), 0, "a sound day");
    let live = books.books().live_orders();
    let agreed = agreed(made, tops, live, |at| books.hash(InstrumentId(at.into())));
    Done { agreed, ..done }
}

fn ahead(made: &Made) -> Done {
    ours(made, |books, tops| {
        books.apply_all(messages(&made.bytes), |books, _, applied| take(tops, books, applied));
    })
}

fn singly(made: &Made) -> Done {
    ours(made, |books, tops| {
        for message in messages(&made.bytes) {
            let applied = books.apply(message);
            take(tops, books, &applied);
        }
    })
}

fn plain(made: &Made) -> Done {
    let (mut books, mut tops) = (PlainBooks::default(), TopHash::default());
    let done = Done::timed(made, || {
        for message in messages(&made.bytes) {
            if let Some((locate, top)) = books.apply(message) {
                tops.take(u32::from(locate) - 1, top.bid, top.ask);
            }
        }
        0
    });
    let live = books.live_orders();
    Done { agreed: agreed(made, tops, live, |at| books.hash(at + 1)), ..done }
}

/// The tops of every symbol in the end: what a book that cannot tell more is asked for.
pub fn last_tops(made: &Made, top: impl Fn(u16) -> (u32, u32)) -> u64 {
    (0..made.symbols).fold(0, |sum, at| {
        let (bid, ask) = top(at);
        let both = u64::from(bid) << 32 | u64::from(ask);
        (sum.rotate_left(5) ^ both).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

/// Ours and the plain ones, asked for no more than that.
pub fn small_ours(made: &Made) -> Done {
    let mut books = books(made);
    let done = Done::timed(made, || {
        let mut seen = 0;
        books.apply_all(messages(&made.bytes), |books, _, applied| {
            seen ^= books.top(applied.instrument).bid_px.0;
        });
        std::hint::black_box(seen);
        0
    });
    let agreed = last_tops(made, |at| {
        let top = books.top(InstrumentId(at.into()));
        (top.bid_px.to_price4().unwrap_or(0), top.ask_px.to_price4().unwrap_or(0))
    });
    Done { agreed, ..done }
}

pub fn small_plain(made: &Made) -> Done {
    let mut books = PlainBooks::default();
    let done = Done::timed(made, || {
        let mut seen = 0;
        for message in messages(&made.bytes) {
            seen ^= books.apply(message).map_or(0, |(_, top)| top.bid.0);
        }
        std::hint::black_box(seen);
        0
    });
    let agreed = last_tops(made, |at| (books.top(at + 1).bid.0, books.top(at + 1).ask.0));
    Done { agreed, ..done }
}

/// Which side, as rivals call it.
pub const fn is_buy(side: Side) -> bool {
    matches!(side, Side::Buy)
}
