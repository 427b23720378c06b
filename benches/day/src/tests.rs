//! A day is what its configuration says, and sound.

use feed::book::{Applied, BooksConfig, ItchBooks};
use feed::codec::itch50::Message;
use shm::ids::InstrumentId;
use shm::message::Side;
use shm::units::{Price, Qty};

use crate::{Config, Day, PlainBooks, TopHash, messages};

fn made(config: Config) -> (Vec<u8>, Day) {
    let (mut bytes, mut day) = (Vec::new(), Day::new(config));
    while day.next(&mut bytes) {}
    (bytes, day)
}

/// Goal: the same configuration gives the same bytes, another seed others, and the count is as
/// asked.
#[test]
fn a_day_is_named_by_its_configuration() {
    let config = Config { messages: 20_000, symbols: 50, seed: 3 };
    let (first, _) = made(config);
    assert_eq!(first, made(config).0);
    assert_ne!(first, made(Config { seed: 4, ..config }).0);
    assert_eq!(messages(&first).count(), 20_000);
    assert!(messages(&first).all(|message| Message::decode(message).is_ok_and(|m| m.is_some())));
}

/// Goal: a day is sound: plain books take every message, no book is ever crossed, time and
/// references rise, and the books end with the generator's live orders. Method: 200,000 messages.
#[test]
fn a_day_is_sound() {
    let (bytes, day) = made(Config { messages: 200_000, symbols: 200, seed: 9 });
    let (mut books, mut latest, mut last_ref) = (PlainBooks::default(), 0, 0);
    let mut tops = 0;
    for bytes in messages(&bytes) {
        let message = Message::decode(bytes).unwrap().unwrap();
        assert!(message.head().timestamp.get() >= latest);
        latest = message.head().timestamp.get();
        let new_ref = match message {
            Message::AddOrder(add) => add.order_ref.get(),
            Message::AddOrderMpid(add) => add.order_ref.get(),
            Message::OrderReplace(replace) => replace.new_order_ref.get(),
            _ => u64::MAX,
        };
        assert!(new_ref > last_ref);
        last_ref = if new_ref == u64::MAX { last_ref } else { new_ref };
        if let Some((_, top)) = books.apply(bytes) {
            tops += 1;
            assert!(top.bid.1 == 0 || top.ask.1 == 0 || top.bid.0 < top.ask.0, "crossed");
        }
    }
    assert_eq!(books.live_orders(), day.live_orders());
    assert!(day.live_orders_max() >= day.live_orders());
    assert!(tops > 10_000, "{tops} changes of tops");
    assert!((1..=200).any(|locate| books.levels(locate, Side::Buy).len() > 20));
}

/// Goal: kinds come in the stated shares. Method: those of 300,000 messages, within a tenth.
#[test]
fn kinds_come_in_the_stated_shares() {
    let (bytes, _) = made(Config { messages: 300_000, symbols: 100, seed: 1 });
    let share =
        |kind: u8| messages(&bytes).filter(|message| message[0] == kind).count() as f64 / 300_000.0;
    let stated = [(b'A', 0.455), (b'D', 0.401), (b'U', 0.084), (b'E', 0.024), (b'X', 0.0107)];
    for (kind, stated) in stated {
        let share = share(kind);
        assert!((share / stated - 1.0).abs() < 0.1, "{} {share}", char::from(kind));
    }
}

/// Stocks of every kind of tick are among so many.
const SYMBOLS: u16 = 300;

fn fast_books() -> ItchBooks {
    let symbols = (0..SYMBOLS).map(|at| (Day::symbol_name(at), InstrumentId(at.into())));
    let config = BooksConfig { orders_max: 60_000, levels_max: 60_000, market: b'Q' };
    ItchBooks::new(config, SYMBOLS.into(), symbols)
}

fn take_top(hash: &mut TopHash, books: &ItchBooks, applied: &Applied) {
    if applied.top {
        let top = books.top(applied.instrument);
        let side = |px: Price, qty: Qty| (px.to_price4().unwrap_or(0), (qty.0 / Qty::SCALE) as u64);
        let (bid, ask) = (side(top.bid_px, top.bid_qty), side(top.ask_px, top.ask_qty));
        hash.take(applied.instrument.0, bid, ask);
    }
}

/// Goal: the engine's books are the plain ones: the same changes of tops in the same order, the
/// same levels, orders and hashes at the end, looking ahead or not. Method: a day of 300,000
/// messages.
#[test]
fn the_engines_books_equal_the_plain_ones() {
    for seed in [1, 2] {
        println!("seed {seed}");
        let (bytes, day) = made(Config { messages: 300_000, symbols: SYMBOLS, seed });
        let (mut plain, mut wanted) = (PlainBooks::default(), TopHash::default());
        for message in messages(&bytes) {
            if let Some((locate, top)) = plain.apply(message) {
                wanted.take(u32::from(locate) - 1, top.bid, top.ask);
            }
        }
        let (mut singly, mut single_tops) = (fast_books(), TopHash::default());
        for message in messages(&bytes) {
            let applied = singly.apply(message);
            take_top(&mut single_tops, &singly, &applied);
        }
        let (mut ahead, mut ahead_tops, mut in_order) =
            (fast_books(), TopHash::default(), messages(&bytes));
        ahead.apply_all(messages(&bytes), |books, message, applied| {
            assert_eq!(in_order.next(), Some(message));
            take_top(&mut ahead_tops, books, applied);
        });
        assert_eq!(in_order.next(), None);
        assert_eq!((single_tops, ahead_tops), (wanted, wanted));
        for books in [&singly, &ahead] {
            assert_eq!(books.faults().total(), 0);
            assert_eq!(books.books().live_orders(), day.live_orders());
            for at in 0..SYMBOLS {
                let instrument = InstrumentId(at.into());
                assert_eq!(books.hash(instrument), plain.hash(at + 1));
                for side in [Side::Buy, Side::Sell] {
                    let levels = books.levels(instrument, side).map(|level| {
                        (level.px.to_price4().unwrap(), (level.qty.0 / Qty::SCALE) as u64)
                    });
                    assert_eq!(levels.collect::<Vec<_>>(), plain.levels(at + 1, side));
                }
            }
        }
    }
}
