//! Scenarios of one rule each.

use super::*;
use shm::ids::{Cause, ClOrdId, InstrumentId, StrategyId};
use shm::message::{Approved, OrdType, OrderTerms, Tif, Trade};

mod random;

const AAPL: InstrumentId = InstrumentId(0);

fn paper() -> Paper {
    Paper::new(PaperConfig { instruments: 2, orders_max: 8, slots: 16, epoch: 5 })
}

fn id(slot: u32, uses: u32) -> ClOrdId {
    ClOrdId::new(1, StrategyId(1), slot, uses)
}

fn px(text: &str) -> Price {
    text.parse().unwrap()
}

fn shares(count: u32) -> Qty {
    Qty::from_shares(count)
}

fn limit(slot: u32, side: Side, text: &str, count: u32) -> Approved {
    Approved {
        kind: Kind::ApprovedNew as u8,
        side: side as u8,
        tif: Tif::Day as u8,
        ord_type: OrdType::Limit as u8,
        instrument: AAPL,
        px: px(text),
        qty: shares(count),
        cl_ord_id: id(slot, 0),
        ..Approved::default()
    }
}

fn top(bid: (&str, u32), ask: (&str, u32)) -> BookTop {
    let side = |text: &str| if text.is_empty() { Price::NONE } else { px(text) };
    BookTop {
        kind: Kind::BookTop as u8,
        instrument: AAPL,
        bid_px: side(bid.0),
        bid_qty: shares(bid.1),
        ask_px: side(ask.0),
        ask_qty: shares(ask.1),
        t0: Nanos(9),
        cause: Cause::NONE,
        ..BookTop::default()
    }
}

fn trade(resting: Option<Side>, text: &str, count: u32) -> Trade {
    Trade {
        kind: Kind::Trade as u8,
        side: resting.map_or(0, |side| side as u8),
        instrument: AAPL,
        px: px(text),
        qty: shares(count),
        t0: Nanos(8),
        ..Trade::default()
    }
}

/// A report in short: kind, slot, price (`-` for none), shares.
fn reports(paper: &mut Paper) -> Vec<(Kind, u32, String, u32)> {
    let mut seen = Vec::new();
    while let Some(report) = paper.next_report() {
        seen.push((
            Kind::from_u8(report.kind).unwrap(),
            report.cl_ord_id.slot(),
            report.last_px.to_string(),
            report.last_qty.to_shares().unwrap(),
        ));
    }
    seen
}

fn send(paper: &mut Paper, order: &Approved) -> Vec<(Kind, u32, String, u32)> {
    assert!(paper.on_approved(order, Nanos(7)));
    reports(paper)
}

fn show(paper: &mut Paper, update: &BookTop) -> Vec<(Kind, u32, String, u32)> {
    assert!(paper.on_book_top(update));
    reports(paper)
}

fn print(paper: &mut Paper, trade: &Trade) -> Vec<(Kind, u32, String, u32)> {
    assert!(paper.on_trade(trade));
    reports(paper)
}

fn said(kind: Kind, slot: u32, text: &str, count: u32) -> (Kind, u32, String, u32) {
    (kind, slot, text.into(), count)
}

/// Goal: a marketable order takes what is shown, once per update, at the price shown.
#[test]
fn what_is_shown_is_taken_once_per_update() {
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 500), ("10.02", 300)));
    assert_eq!(
        send(&mut paper, &limit(1, Side::Buy, "10.05", 200)),
        [said(Kind::Accepted, 1, "10.05", 200), said(Kind::Executed, 1, "10.02", 200)]
    );
    assert_eq!(
        send(&mut paper, &limit(2, Side::Buy, "10.02", 200)),
        [said(Kind::Accepted, 2, "10.02", 200), said(Kind::Executed, 2, "10.02", 100)]
    );
    assert_eq!(
        send(&mut paper, &limit(3, Side::Buy, "10.02", 50)),
        [said(Kind::Accepted, 3, "10.02", 50)],
        "nothing is left of this update"
    );
    assert_eq!(
        show(&mut paper, &top(("10.00", 500), ("10.02", 120))),
        [said(Kind::Executed, 2, "10.02", 100), said(Kind::Executed, 3, "10.02", 20)]
    );
    assert_eq!(show(&mut paper, &top(("10.00", 500), ("10.03", 900))), []);
    assert_eq!(
        show(&mut paper, &top(("10.00", 500), ("10.01", 900))),
        [said(Kind::Executed, 3, "10.02", 30)],
        "a resting order fills at its own price"
    );
    assert_eq!(paper.open_count(), 0);
}

/// Goal: what must execute at once does, and the rest of it is cancelled.
#[test]
fn immediate_orders_leave_nothing_behind() {
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 500), ("10.02", 100)));
    let ioc = Approved { tif: Tif::Ioc as u8, ..limit(1, Side::Sell, "10.00", 700) };
    assert_eq!(
        send(&mut paper, &ioc),
        [
            said(Kind::Accepted, 1, "10.00", 700),
            said(Kind::Executed, 1, "10.00", 500),
            said(Kind::Canceled, 1, "-", 200)
        ]
    );
    let market = Approved { ord_type: OrdType::Market as u8, ..limit(2, Side::Buy, "9.00", 30) };
    assert_eq!(send(&mut paper, &market)[1], said(Kind::Executed, 2, "10.02", 30));
    let fok = Approved { tif: Tif::Fok as u8, ..limit(3, Side::Buy, "10.02", 71) };
    assert_eq!(
        send(&mut paper, &fok),
        [said(Kind::Accepted, 3, "10.02", 71), said(Kind::Canceled, 3, "-", 71)]
    );
    let fok = Approved { qty: shares(70), cl_ord_id: id(3, 1), ..fok };
    assert_eq!(send(&mut paper, &fok)[1], said(Kind::Executed, 3, "10.02", 70));
    let post = OrdType::PostOnly as u8;
    show(&mut paper, &top(("10.00", 500), ("10.02", 100)));
    let meets = Approved { ord_type: post, ..limit(4, Side::Buy, "10.02", 10) };
    assert_eq!(
        send(&mut paper, &meets),
        [said(Kind::Accepted, 4, "10.02", 10), said(Kind::Canceled, 4, "-", 10)]
    );
    let rests = Approved { ord_type: post, ..limit(5, Side::Buy, "10.01", 10) };
    assert_eq!(send(&mut paper, &rests), [said(Kind::Accepted, 5, "10.01", 10)]);
    assert_eq!(paper.open_count(), 1);
}

/// Goal: a print at our price fills us only after what stood before us; through our price, at once.
#[test]
fn prints_fill_after_the_queue_or_through_the_price() {
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 300), ("10.02", 100)));
    send(&mut paper, &limit(1, Side::Buy, "10.00", 100));
    send(&mut paper, &limit(2, Side::Buy, "10.00", 100));
    send(&mut paper, &limit(3, Side::Buy, "9.99", 100));
    let bids = Some(Side::Buy);
    assert_eq!(print(&mut paper, &trade(bids, "10.00", 200)), []);
    assert_eq!(print(&mut paper, &trade(Some(Side::Sell), "10.00", 900)), []);
    assert_eq!(
        print(&mut paper, &trade(bids, "10.00", 150)),
        [said(Kind::Executed, 1, "10.00", 50)],
        "100 were still before us"
    );
    assert_eq!(
        print(&mut paper, &trade(bids, "9.99", 130)),
        [said(Kind::Executed, 1, "10.00", 50), said(Kind::Executed, 2, "10.00", 80)]
    );
    assert_eq!(
        print(&mut paper, &trade(bids, "9.99", 500)),
        [said(Kind::Executed, 2, "10.00", 20)],
        "the queue at 9.99 is not known"
    );
    assert_eq!(show(&mut paper, &top(("9.99", 40), ("10.02", 100))), []);
    assert_eq!(
        print(&mut paper, &trade(None, "9.99", 60)),
        [said(Kind::Executed, 3, "9.99", 20)],
        "40 were shown when the price became the best"
    );
}

/// Goal: the queue ahead shrinks to what is shown, and is none for a price of our own.
#[test]
fn queues_shrink_to_what_is_shown() {
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 300), ("10.05", 100)));
    send(&mut paper, &limit(1, Side::Buy, "10.00", 100));
    send(&mut paper, &limit(2, Side::Buy, "10.01", 10));
    assert_eq!(
        print(&mut paper, &trade(None, "10.01", 4)),
        [said(Kind::Executed, 2, "10.01", 4)],
        "alone at its price"
    );
    show(&mut paper, &top(("10.00", 20), ("10.05", 100)));
    show(&mut paper, &top(("10.00", 900), ("10.05", 100)));
    assert_eq!(
        print(&mut paper, &trade(None, "10.00", 30)),
        [said(Kind::Executed, 2, "10.01", 6), said(Kind::Executed, 1, "10.00", 4)],
        "20 were left before us"
    );
    show(&mut paper, &top(("", 0), ("10.05", 100)));
    assert_eq!(print(&mut paper, &trade(None, "10.00", 1)), [said(Kind::Executed, 1, "10.00", 1)]);
}

/// Goal: sells mirror buys.
#[test]
fn sells_mirror_buys() {
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 100), ("10.02", 50)));
    send(&mut paper, &limit(1, Side::Sell, "10.02", 100));
    send(&mut paper, &limit(2, Side::Sell, "10.01", 100));
    send(&mut paper, &limit(3, Side::Sell, "10.03", 100));
    assert_eq!(
        print(&mut paper, &trade(Some(Side::Sell), "10.02", 200)),
        [said(Kind::Executed, 2, "10.01", 100), said(Kind::Executed, 1, "10.02", 50)]
    );
    assert_eq!(
        show(&mut paper, &top(("10.03", 80), ("10.04", 50))),
        [said(Kind::Executed, 1, "10.02", 50), said(Kind::Executed, 3, "10.03", 30)]
    );
}

/// Goal: a book that is no reference fills nothing.
#[test]
fn a_book_that_is_no_reference_fills_nothing() {
    for flag in [flags::STALE, flags::HALT, flags::CROSSED] {
        let mut paper = paper();
        let update = BookTop { flags: flag, ..top(("10.00", 500), ("10.02", 300)) };
        show(&mut paper, &update);
        send(&mut paper, &limit(1, Side::Buy, "10.02", 100));
        assert_eq!(show(&mut paper, &update), []);
        assert_eq!(paper.open_count(), 1);
        let stale = Trade { flags: flags::STALE, ..trade(None, "10.00", 100) };
        assert_eq!(print(&mut paper, &stale), []);
        let update = BookTop { flags: flags::LOCKED, ..update };
        assert_eq!(show(&mut paper, &update), [said(Kind::Executed, 1, "10.02", 100)]);
    }
}

/// Goal: a replace keeps what was executed, loses its place, and may execute; a cancel ends the
/// order.
#[test]
fn replaces_and_cancels_follow_the_chain() {
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 10), ("10.02", 30)));
    send(&mut paper, &limit(1, Side::Buy, "10.02", 100));
    let replace = |uses, text, count| Approved {
        kind: Kind::ApprovedReplace as u8,
        cl_ord_id: id(1, uses),
        ..limit(1, Side::Buy, text, count)
    };
    assert_eq!(send(&mut paper, &replace(1, "10.00", 90)), [said(Kind::Replaced, 1, "10.00", 60)]);
    assert_eq!(
        print(&mut paper, &trade(None, "10.00", 15)),
        [said(Kind::Executed, 1, "10.00", 5)],
        "behind the 10 shown"
    );
    show(&mut paper, &top(("10.00", 10), ("10.02", 20)));
    assert_eq!(
        send(&mut paper, &replace(2, "10.02", 95)),
        [said(Kind::Replaced, 1, "10.02", 60), said(Kind::Executed, 1, "10.02", 20)]
    );
    let cancel = |slot, uses| Approved {
        kind: Kind::ApprovedCancel as u8,
        cl_ord_id: id(slot, uses),
        ..limit(slot, Side::Buy, "10.00", 1)
    };
    assert_eq!(
        send(&mut paper, &cancel(2, 0)),
        [said(Kind::CancelRejected, 2, "-", 0)],
        "no such order"
    );
    assert_eq!(send(&mut paper, &cancel(1, 2)), [said(Kind::Canceled, 1, "-", 40)]);
    assert_eq!(send(&mut paper, &cancel(1, 2)), [said(Kind::CancelRejected, 1, "-", 0)]);
    assert_eq!(send(&mut paper, &replace(3, "10.02", 95)), [said(Kind::Rejected, 1, "-", 0)]);

    show(&mut paper, &top(("10.00", 10), ("10.02", 20)));
    send(&mut paper, &Approved { cl_ord_id: id(1, 4), ..limit(1, Side::Buy, "10.02", 100) });
    assert_eq!(
        send(&mut paper, &replace(5, "10.02", 20)),
        [said(Kind::Replaced, 1, "10.02", 0)],
        "all of the new quantity was executed before"
    );
    assert_eq!(paper.open_count(), 0);
}

/// Goal: what the venue does not take is rejected, and leaves nothing.
#[test]
fn what_is_not_taken_is_rejected() {
    let mut paper = paper();
    let good = limit(1, Side::Buy, "10.00", 1);
    for bad in [
        Approved { side: 9, ..good },
        Approved { qty: Qty(0), ..good },
        Approved { px: Price(0), ..good },
        Approved { px: Price::NONE, ..good },
        Approved { tif: Tif::Gtd as u8, ..good },
        Approved { ord_type: 0, ..good },
        Approved { instrument: InstrumentId(2), ..good },
        Approved { cl_ord_id: id(16, 0), ..good },
        Approved { kind: Kind::Accepted as u8, ..good },
    ] {
        assert!(paper.on_approved(&bad, Nanos(7)));
        let report = paper.next_report().unwrap();
        assert_eq!((report.kind, report.cl_ord_id), (Kind::Rejected as u8, bad.cl_ord_id));
        assert!(report.reason > 0 && paper.is_drained());
    }
    for slot in 0..8 {
        assert_eq!(send(&mut paper, &limit(slot, Side::Buy, "10.00", 1)).len(), 1);
    }
    let full = send(&mut paper, &limit(8, Side::Buy, "10.00", 1));
    assert_eq!(full, [said(Kind::Rejected, 8, "-", 0)]);
    assert_eq!(paper.open_count(), 8);
}

/// Goal: an order with an expiry ends with the first input at or after it, of whatever kind; a time
/// without the type, the type without a time and reserve orders are rejected.
#[test]
fn an_order_ends_at_its_expiry() {
    let shares = Qty::from_shares;
    let timed = |at| OrderTerms { expiry: Nanos(at), ..OrderTerms::NONE };
    let gtd = |slot| Approved { tif: Tif::Gtd as u8, ..limit(slot, Side::Buy, "10.00", 10) };
    let mut paper = paper();
    for (slot, at) in [(1, 8), (2, 9), (3, 20), (4, 21)] {
        assert!(paper.on_approved_with(&gtd(slot), &timed(at), Nanos(1)));
        assert_eq!(reports(&mut paper), [said(Kind::Accepted, slot, "10.00", 10)]);
    }
    assert!(paper.on_trade(&trade(None, "10.01", 1)));
    assert_eq!(reports(&mut paper), [said(Kind::Canceled, 1, "-", 10)]);
    show(&mut paper, &top(("10.00", 10), ("10.02", 30)));
    assert_eq!(paper.open_count(), 2, "the second ended with the book");
    assert!(paper.on_approved(&limit(5, Side::Sell, "11.00", 1), Nanos(20)));
    let said_of_both = reports(&mut paper);
    assert_eq!(said_of_both[0], said(Kind::Canceled, 3, "-", 10));
    assert_eq!(said_of_both.len(), 2);
    let reserve = OrderTerms { display_qty: shares(1), ..OrderTerms::NONE };
    let plain = limit(6, Side::Buy, "9.00", 10);
    for (order, terms) in [(gtd(6), OrderTerms::NONE), (plain, timed(99)), (plain, reserve)] {
        assert!(paper.on_approved_with(&order, &terms, Nanos(20)));
        assert_eq!(reports(&mut paper), [said(Kind::Rejected, 6, "-", 0)]);
    }
}

/// Goal: a hidden order never has its turn at its price, and fills when it is traded through.
#[test]
fn a_hidden_order_stands_behind_all_that_is_shown() {
    let hidden = OrderTerms { flags: shm::message::terms_flags::HIDDEN, ..OrderTerms::NONE };
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 10), ("10.02", 30)));
    assert!(paper.on_approved_with(&limit(1, Side::Buy, "10.00", 10), &hidden, Nanos(1)));
    assert_eq!(reports(&mut paper).len(), 1);
    assert!(paper.on_trade(&trade(Some(Side::Buy), "10.00", 500)));
    assert!(paper.is_drained());
    assert!(paper.on_trade(&trade(Some(Side::Buy), "9.99", 4)));
    assert_eq!(reports(&mut paper), [said(Kind::Executed, 1, "10.00", 4)]);
}

/// Goal: no input is taken while reports wait, and numbers differ from start to start.
#[test]
fn reports_wait_and_their_numbers_are_of_this_start() {
    let mut paper = paper();
    show(&mut paper, &top(("10.00", 10), ("10.02", 30)));
    assert!(paper.on_approved(&limit(1, Side::Buy, "10.02", 10), Nanos(7)));
    assert!(!paper.on_approved(&limit(2, Side::Buy, "10.02", 10), Nanos(7)));
    assert!(!paper.on_book_top(&top(("", 0), ("", 0))));
    assert!(!paper.on_trade(&trade(None, "10.00", 1)));
    let accepted = paper.next_report().unwrap();
    let executed = paper.next_report().unwrap();
    assert_eq!((accepted.venue_seq, executed.venue_seq), (1, 2));
    assert_eq!((accepted.t0, executed.liquidity), (Nanos(7), b'R'));
    assert_eq!(
        (executed.exec_id, executed.venue_ord_id),
        (ExecId(5 << 48 | 1), VenueOrdId(5 << 48 | 1))
    );
    assert_eq!(paper.open_count(), 0);
}
