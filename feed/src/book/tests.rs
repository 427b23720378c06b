//! Books against an obvious model, every fault, every rule of the venue, and full tables.

use super::*;
use crate::codec::itch50::{self as itch, Head, Price4, encode};
use crate::moldudp64::{Event, Session};
use proptest::prelude::*;
use shm::ids::{ExecId, InstrumentId, Symbol};
use shm::message::{Side, flags};
use shm::units::{Price, Qty};
use std::collections::BTreeMap;

mod model;

use model::{Model, Seeded, Walk, change, same_levels};

const ONE: InstrumentId = InstrumentId(1);

/// Goal: the book is the model's after every change, wherever prices go, and gives back every chunk
/// and order at the end. Method: seeded adds, partial and whole executions, cancels and replaces
/// over three instruments, on prices that walk and leap; once with a pool that is too small for a
/// window's worth of levels, so that windows cannot move when they would.
#[test]
fn order_books_equal_the_model() {
    for seed in 1..=12_u64 {
        println!("seed {seed}");
        let mut random = Seeded(seed * 0x9E37_79B9);
        let mut books = OrderBooks::new(3, 1_000, if seed % 3 == 0 { 1_050 } else { 9_000 });
        let (mut model, mut next_ref) = (Model::default(), 0);
        let mut walk = Walk { middle: 200_000, cents: true };
        let empty_chunks = books.free_chunks();
        for step in 0..2_500 {
            if model.0.len() < 900 {
                let mut price = |random: &mut Seeded, side| walk.price(random, side);
                change(&mut random, &mut books, &mut model, &mut next_ref, &mut price);
            } else {
                for order_ref in model.0.keys().copied().collect::<Vec<_>>().iter().step_by(2) {
                    let order = model.0.remove(order_ref).unwrap();
                    let _ = books.remove(order.instrument, *order_ref).unwrap();
                }
            }
            assert_eq!(books.live_orders(), model.0.len());
            if step % 50 == 0 {
                (0..3).for_each(|index| same_levels(&books, &model, InstrumentId(index)));
            }
        }
        assert!(model.0.iter().all(|(at, order)| books.order(*at) == Some(*order)));
        for (order_ref, order) in &model.0 {
            let _ = books.remove(order.instrument, *order_ref).unwrap();
        }
        assert_eq!((books.live_orders(), books.free_chunks()), (0, empty_chunks));
        assert_eq!(books.faults().total(), 0);
    }
}

/// Goal: each fault is refused, counted by its name, marks its book and no other, and changes
/// nothing.
#[test]
fn every_fault_is_named_and_marks_its_book() {
    use Fault::*;
    type Act = fn(&mut OrderBooks) -> Option<Fault>;
    let (px, shares) = (100, 10);
    let cases: [(Fault, Act); 10] = [
        (DuplicateRef, |books| books.add(ONE, 7, Side::Buy, 9, 1).err()),
        (UnknownRef, |books| books.remove(ONE, 8).err()),
        (UnknownRef, |books| books.remove(ONE, u64::MAX).err()),
        (UnknownRef, |books| books.replace(ONE, 8, 9, 1, 1).err()),
        (TooMuch, |books| books.reduce(ONE, 7, 11).err()),
        (OtherInstrument, |books| books.reduce(ONE, 5, 1).err()),
        (NoQty, |books| books.add(ONE, 9, Side::Sell, 9, 0).err()),
        (NoQty, |books| books.reduce(ONE, 7, 0).err()),
        (NoInstrument, |books| books.add(InstrumentId(3), 9, Side::Buy, 9, 1).err()),
        (RefSpread, |books| {
            // Seven upper parts beside that of small references, an order of each, then one more.
            for upper in 1..8_u64 {
                books.add(ONE, upper << 40 | 7, Side::Buy, 9, 1).unwrap();
            }
            assert_eq!(books.remove(ONE, 3 << 40 | 7).unwrap().0.px, Price::from_price4(9));
            let fault = books.add(ONE, 8 << 40 | 7, Side::Buy, 9, 1).err();
            for upper in [1, 2, 4, 5, 6, 7] {
                let _ = books.remove(ONE, upper << 40 | 7).unwrap();
            }
            fault
        }),
    ];
    for (fault, act) in cases {
        let mut books = OrderBooks::new(3, 9, 100);
        books.add(ONE, 7, Side::Buy, px, shares).unwrap();
        books.add(InstrumentId(2), 5, Side::Sell, px, shares).unwrap();
        let (top, hash) = (books.top(ONE), books.hash(ONE));
        assert_eq!(act(&mut books), Some(fault));
        assert!(books.faults().of(fault) >= 1);
        assert_eq!(books.is_faulted(ONE), fault != NoInstrument);
        assert_eq!(books.is_faulted(InstrumentId(2)), fault == OtherInstrument);
        assert!(!books.is_faulted(InstrumentId(0)));
        assert_eq!((books.top(ONE), books.hash(ONE), books.live_orders()), (top, hash, 2));
        books.reset();
        assert!(!books.is_faulted(ONE));
        assert_eq!((books.top(ONE), books.live_orders()), (Top::EMPTY, 0));
    }
}

/// Goal: a full order table or level pool, or a level of more shares than a quantity can say, is a
/// fault, not a panic, and what was there stays right.
#[test]
fn full_tables_are_faults() {
    let mut books = OrderBooks::new(1, 4, 100);
    let zero = InstrumentId(0);
    for order_ref in 0..4 {
        books.add(zero, order_ref, Side::Buy, order_ref as u32 + 1, 1).unwrap();
    }
    let full = books.add(zero, 9, Side::Buy, 9, 1);
    assert_eq!(full, Err(Fault::OrdersFull));
    assert_eq!(books.top(zero).bid_px, Price::from_price4(4));

    // In the window, then in the ladder, far below it.
    for px in [50_000, 1] {
        let mut books = OrderBooks::new(1, 40, 100);
        books.add(zero, 99, Side::Buy, 50_000, 1).unwrap();
        let held = (0..30).take_while(|at| books.add(zero, *at, Side::Buy, px, u32::MAX).is_ok());
        let held = held.count() as i64;
        assert_eq!(held, 21, "21 x 4,294,967,295 fit into 92,233,720,368 shares");
        assert_eq!(books.faults().of(Fault::LevelsFull), 1);
        let levels: Vec<Level> = books.levels(zero, Side::Buy).collect();
        let shares = levels.iter().map(|level| level.qty.0 / Qty::SCALE).sum::<i64>();
        assert_eq!((books.live_orders(), shares), (22, 1 + held * i64::from(u32::MAX)));
    }

    let mut books = OrderBooks::new(1, 10_000, 8);
    let mut held = 0;
    let refused = loop {
        // Every other price first, then the ones between: chunks split in the middle.
        let px = if held < 100 { held * 2 } else { held * 2 - 199 };
        match books.add(zero, held as u64, Side::Sell, px + 1, 1) {
            Ok(_) => held += 1,
            Err(fault) => break fault,
        }
    };
    assert_eq!(refused, Fault::LevelsFull);
    assert!(held >= 8);
    assert_eq!(books.live_orders(), held as usize);
    assert_eq!(books.levels(zero, Side::Sell).count(), held as usize);
    for order_ref in 0..held {
        let _ = books.remove(zero, order_ref as u64).unwrap();
    }
    assert_eq!(books.top(zero), Top::EMPTY);
}

/// Goal: the pool holds the levels it was made for, however they are spread, after any history.
/// Method: each round fills it up, at random prices or in a region of its own, then thins it out to
/// leave chunks nearly empty.
#[test]
fn the_level_pool_holds_what_it_was_made_for() {
    let levels_max = 1_000;
    for own_regions in [false, true] {
        let mut random = Seeded(42);
        let mut books = LevelBooks::new(1, levels_max);
        let mut model: BTreeMap<i64, i64> = BTreeMap::new();
        for round in 0..40 {
            let mut rising = round * 10_000;
            while model.len() < levels_max {
                rising += 1;
                let px = if own_regions { rising } else { 1 + random.below(100_000) as i64 };
                let qty = 1 + random.below(9) as i64;
                books.set(InstrumentId(0), Side::Buy, Price(px), Qty(qty)).unwrap();
                model.insert(px, qty);
            }
            let keep = 2 + random.below(30) as usize;
            for (at, px) in model.keys().copied().enumerate().collect::<Vec<_>>() {
                if at % keep != 0 {
                    books.set(InstrumentId(0), Side::Buy, Price(px), Qty(0)).unwrap();
                    model.remove(&px);
                }
            }
            let held: Vec<_> =
                books.levels(InstrumentId(0), Side::Buy).map(|at| (at.px.0, at.qty.0)).collect();
            assert_eq!(held, model.iter().rev().map(|(px, qty)| (*px, *qty)).collect::<Vec<_>>());
        }
    }
}

proptest! {
    /// Goal: absolute quantities give the model's ladder and say truly whether the top changed.
    #[test]
    fn level_books_equal_the_model(
        changes in proptest::collection::vec((any::<bool>(), 1..90_i64, 0..4_i64), 1..400),
    ) {
        let zero = InstrumentId(0);
        let mut books = LevelBooks::new(1, 200);
        let mut model: [BTreeMap<i64, i64>; 2] = Default::default();
        for (buy, px, qty) in changes {
            let side = if buy { Side::Buy } else { Side::Sell };
            let before = books.top(zero);
            let changed = books.set(zero, side, Price(px), Qty(qty)).unwrap();
            let levels = &mut model[usize::from(buy)];
            if qty == 0 {
                levels.remove(&px);
            } else {
                levels.insert(px, qty);
            }
            prop_assert_eq!(changed, before != books.top(zero));
        }
        let bids: Vec<_> = books.levels(zero, Side::Buy).map(|at| (at.px.0, at.qty.0)).collect();
        let asks: Vec<_> = books.levels(zero, Side::Sell).map(|at| (at.px.0, at.qty.0)).collect();
        let [model_asks, model_bids] = model;
        prop_assert_eq!(bids, model_bids.into_iter().rev().collect::<Vec<_>>());
        prop_assert_eq!(asks, model_asks.into_iter().collect::<Vec<_>>());
        books.clear(zero);
        prop_assert_eq!(books.top(zero), Top::EMPTY);
        prop_assert_eq!(books.levels(zero, Side::Buy).count(), 0);
    }

    /// Goal: no message bytes panic the books, whatever the order of messages.
    #[test]
    fn no_messages_panic_the_books(
        messages in proptest::collection::vec(
            (0..8_usize, proptest::collection::vec(0..4_u8, 40..50)),
            0..60,
        ),
    ) {
        let mut books = bound_books();
        for (kind, mut bytes) in messages {
            bytes[0] = b"AFECXDUR"[kind];
            let _ = books.apply(&bytes);
        }
        let _ = books.hash(InstrumentId(0));
    }
}

/// Goal: the hash is the documented one. Method: FNV-1a over the documented bytes, made here by
/// hand.
#[test]
fn the_hash_is_fnv_over_the_documented_bytes() {
    let mut bytes = Vec::new();
    for level in 0..10_i64 {
        let [px, qty] = [Price::from_price4(1).0, Qty::from_shares(1).0];
        let bid = if level < 2 { [(100 - level) * px, 5 * qty] } else { [i64::MIN, 0] };
        let ask = if level < 1 { [101 * px, 7 * qty] } else { [i64::MIN, 0] };
        bid.iter().chain(&ask).for_each(|value| bytes.extend(value.to_le_bytes()));
    }
    let fnv = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3)
    });
    let mut books = OrderBooks::new(1, 10, 10);
    for (order_ref, px) in [(1, 100), (2, 99)] {
        books.add(InstrumentId(0), order_ref, Side::Buy, px, 5).unwrap();
    }
    books.add(InstrumentId(0), 3, Side::Sell, 101, 7).unwrap();
    assert_eq!(books.hash(InstrumentId(0)), fnv);
}

fn bound_books() -> ItchBooks {
    let symbols = [("AAPL", 0), ("MSFT", 1)]
        .map(|(symbol, index)| (Symbol::new(symbol).unwrap(), InstrumentId(index)));
    let config = BooksConfig { orders_max: 100, levels_max: 100, market: b'Q' };
    let mut books = ItchBooks::new(config, 2, symbols);
    let _ = books.apply(&directory(3, b"AAPL    "));
    let _ = books.apply(&directory(4, b"MSFT    "));
    books
}

fn bytes_of<M: itch::Body + zerocopy::IntoBytes + zerocopy::Immutable>(message: &M) -> Vec<u8> {
    let mut out = vec![0; itch::MESSAGE_BYTES_MAX];
    let length = encode(message, &mut out).unwrap();
    out.truncate(length);
    out
}

fn directory(locate: u16, stock: &[u8; 8]) -> Vec<u8> {
    let mut bytes = vec![b' '; 39];
    bytes[0] = b'R';
    bytes[1..3].copy_from_slice(&locate.to_be_bytes());
    bytes[11..19].copy_from_slice(stock);
    bytes
}

fn add(locate: u16, order_ref: u64, side: u8, shares: u32, px: u32) -> Vec<u8> {
    bytes_of(&itch::AddOrder {
        head: Head::of::<itch::AddOrder>(locate, 0, 5),
        order_ref: order_ref.into(),
        side,
        shares: shares.into(),
        stock: Symbol(*b"AAPL    "),
        px: Price4::new(px),
    })
}

fn executed(order_ref: u64, shares: u32, match_number: u64) -> Vec<u8> {
    bytes_of(&itch::OrderExecuted {
        head: Head::of::<itch::OrderExecuted>(3, 0, 6),
        order_ref: order_ref.into(),
        shares: shares.into(),
        match_number: match_number.into(),
    })
}

fn trading(state: u8) -> Vec<u8> {
    bytes_of(&itch::TradingAction {
        head: Head::of::<itch::TradingAction>(3, 0, 4),
        stock: Symbol(*b"AAPL    "),
        state,
        reserved: b' ',
        reason: *b"    ",
    })
}

/// Goal: rules 1 to 4: an order is added, executed at its own and at another price, cancelled,
/// replaced with its side kept, deleted; prints and tops follow.
#[test]
fn orders_live_by_the_rules_of_the_venue() {
    let aapl = InstrumentId(0);
    let mut books = bound_books();
    let applied = books.apply(&add(3, 1, b'B', 100, 50_000));
    assert_eq!((applied.instrument, applied.top, applied.depth), (aapl, true, true));
    assert!(!books.apply(&add(3, 2, b'B', 10, 49_000)).top);
    assert!(books.apply(&add(3, 3, b'S', 30, 51_000)).top);
    let applied = books.apply(&executed(1, 40, 77));
    let print = applied.print.unwrap();
    assert_eq!((print.px, print.qty), (Price::from_price4(50_000), Qty::from_shares(40)));
    assert_eq!((print.match_no, print.side, applied.top), (ExecId(77), Some(Side::Buy), true));
    for (printable, wanted) in [(b'Y', Some(Price::from_price4(49_999))), (b'N', None)] {
        let applied = books.apply(&bytes_of(&itch::OrderExecutedPrice {
            head: Head::of::<itch::OrderExecutedPrice>(3, 0, 7),
            order_ref: 1.into(),
            shares: 5.into(),
            match_number: 78.into(),
            printable,
            px: Price4::new(49_999),
        }));
        assert_eq!(applied.print.map(|print| print.px), wanted);
    }
    assert_eq!(books.top(aapl).bid_qty, Qty::from_shares(50));
    let cancel = |order_ref: u64, shares: u32| {
        bytes_of(&itch::OrderCancel {
            head: Head::of::<itch::OrderCancel>(3, 0, 8),
            order_ref: order_ref.into(),
            shares: shares.into(),
        })
    };
    assert!(books.apply(&cancel(1, 20)).top);
    assert_eq!(books.top(aapl).bid_qty, Qty::from_shares(30));
    let applied = books.apply(&bytes_of(&itch::OrderReplace {
        head: Head::of::<itch::OrderReplace>(3, 0, 9),
        order_ref: 1.into(),
        new_order_ref: 9.into(),
        shares: 8.into(),
        px: Price4::new(50_500),
    }));
    assert!(applied.top && applied.fault.is_none());
    let top = books.top(aapl);
    assert_eq!((top.bid_px, top.bid_qty), (Price::from_price4(50_500), Qty::from_shares(8)));
    let delete = bytes_of(&itch::OrderDelete {
        head: Head::of::<itch::OrderDelete>(3, 0, 10),
        order_ref: 9.into(),
    });
    assert!(books.apply(&delete).top);
    assert_eq!(books.top(aapl).bid_px, Price::from_price4(49_000));
    assert_eq!(books.apply(&delete).fault, Some(Fault::UnknownRef));
    assert_eq!(books.flags(aapl) & flags::STALE, flags::STALE);
    assert_eq!(books.books().live_orders(), 2);
}

/// Goal: rule 5: hidden matches, crosses and breaks print or unprint and leave the book alone.
#[test]
fn prints_without_orders_leave_the_book_alone() {
    let mut books = bound_books();
    let _ = books.apply(&add(3, 1, b'B', 100, 50_000));
    let hash = books.hash(InstrumentId(0));
    let mut trade = vec![0; 44];
    trade[..3].copy_from_slice(&[b'P', 0, 3]);
    trade[20..24].copy_from_slice(&25_u32.to_be_bytes());
    trade[32..36].copy_from_slice(&50_100_u32.to_be_bytes());
    let print = books.apply(&trade).print.unwrap();
    assert_eq!((print.qty, print.side), (Qty::from_shares(25), None));
    let mut cross = vec![0; 40];
    cross[..3].copy_from_slice(&[b'Q', 0, 3]);
    assert_eq!(books.apply(&cross).print, None, "a cross of no shares");
    cross[15..19].copy_from_slice(&5_379_u32.to_be_bytes());
    assert_eq!(books.apply(&cross).print.unwrap().qty, Qty::from_shares(5_379));
    cross[11..19].fill(0xFF);
    assert_eq!(books.apply(&cross).print, None, "a cross of more shares than there are");
    let mut broken = vec![0; 19];
    broken[..3].copy_from_slice(&[b'B', 0, 3]);
    broken[18] = 9;
    assert_eq!(books.apply(&broken).broken, Some(ExecId(9)));
    assert_eq!(books.hash(InstrumentId(0)), hash);
    assert_eq!(books.faults().total(), 0);
}

/// Goal: rule 8: halted until `T`; pause, quotation-only and a halt of this venue halt, of another
/// do not.
#[test]
fn an_instrument_is_halted_until_the_venue_says_trading() {
    let aapl = InstrumentId(0);
    let mut books = bound_books();
    let halted = |books: &ItchBooks| books.flags(aapl) & flags::HALT != 0;
    assert!(halted(&books));
    for (state, wanted, changed) in
        [(b'T', false, true), (b'T', false, false), (b'P', true, true), (b'Q', true, false)]
    {
        assert_eq!(books.apply(&trading(state)).state, changed);
        assert_eq!(halted(&books), wanted);
    }
    assert_eq!(books.trading_state(aapl), Some(TradingState::QuotationOnly));
    let _ = books.apply(&trading(b'T'));
    let venue = |market: u8, action: u8| {
        bytes_of(&itch::OperationalHalt {
            head: Head::of::<itch::OperationalHalt>(3, 0, 4),
            stock: Symbol(*b"AAPL    "),
            market,
            action,
        })
    };
    assert!(!books.apply(&venue(b'B', b'H')).state);
    assert!(books.apply(&venue(b'Q', b'H')).state);
    assert!(halted(&books));
    assert!(books.apply(&venue(b'Q', b'T')).state);
    assert!(!halted(&books));
    assert_eq!(books.flags(InstrumentId(1)) & flags::HALT, flags::HALT);
    assert_eq!(books.flags(InstrumentId(2)), flags::STALE | flags::HALT, "beyond the table");
}

/// Goal: stocks that are not ours are skipped, locates bind by `R`, crossed and locked tops are
/// flagged, venue time that runs back is counted, and a malformed message makes every book STALE.
#[test]
fn strangers_crossings_time_and_malformed_messages_are_noticed() {
    let aapl = InstrumentId(0);
    let mut books = bound_books();
    assert_eq!(books.instrument_of(4), Some(InstrumentId(1)));
    assert_eq!(books.instrument_of(5), None);
    let _ = books.apply(&directory(5, b"OTHER   "));
    let stranger = books.apply(&add(5, 1, b'B', 1, 1));
    assert_eq!((stranger.instrument, stranger.depth), (InstrumentId::NONE, false));
    assert_eq!((books.not_ours(), books.books().live_orders()), (2, 0));
    books.set_stale(StaleCause::Waiting, false);
    let _ = books.apply(&trading(b'T'));
    let _ = books.apply(&add(3, 1, b'B', 1, 50_000));
    let _ = books.apply(&add(3, 2, b'S', 1, 50_000));
    assert_eq!(books.flags(aapl), flags::LOCKED);
    let _ = books.apply(&add(3, 3, b'S', 1, 49_000));
    assert_eq!(books.flags(aapl), flags::CROSSED);
    assert_eq!(books.apply(&add(3, 4, b'?', 1, 1)).fault, Some(Fault::BadSide));
    assert_eq!(books.flags(aapl), flags::CROSSED | flags::STALE);
    let before = books.time_backwards();
    let _ = books.apply(&trading(b'T'));
    assert_eq!(books.time_backwards(), before + 1, "4 after 5");
    assert_eq!(books.flags(InstrumentId(1)) & flags::STALE, 0);
    let applied = books.apply(b"A");
    assert_eq!((applied.fault, applied.state), (Some(Fault::Malformed), true));
    assert_eq!(books.flags(InstrumentId(1)) & flags::STALE, flags::STALE);
}

/// Goal: every event of the sequence that makes a book unfit makes all STALE, and only what heals
/// heals (F1).
#[test]
fn sequence_events_make_the_books_stale_and_whole() {
    let mut books = bound_books();
    let stale = |books: &ItchBooks| books.flags(InstrumentId(0)) & flags::STALE != 0;
    let session = Session(*b"S         ");
    assert!(stale(&books), "nothing heard yet");
    assert!(books.on_event(&Event::SessionStarted(session)));
    assert!(!stale(&books));
    assert!(books.on_event(&Event::GapOpened { first: 1, next: 2 }));
    assert!(books.on_event(&Event::Silent));
    assert!(books.on_event(&Event::GapClosed { next: 2 }));
    assert!(stale(&books), "still silent");
    assert!(books.on_event(&Event::Heard));
    assert!(!stale(&books));
    for event in [Event::Lost { first: 1, next: 2 }, Event::Conflict { seq: 1 }] {
        assert!(books.on_event(&event));
        let _ = books.on_event(&Event::GapClosed { next: 2 });
        assert!(stale(&books));
        assert!(!books.on_event(&Event::LineDead { line: 0 }));
        let _ = books.apply(&directory(3, b"AAPL    "));
        let _ = books.apply(&add(3, 1, b'B', 1, 1));
        assert!(books.on_event(&Event::SessionStarted(session)));
        assert!(!stale(&books));
        assert_eq!(books.top(InstrumentId(0)), Top::EMPTY);
    }
}
