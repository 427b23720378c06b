//! Orders that keep something from others.

use super::*;
use crate::matching::Special;

const PX: u32 = 10_000;

fn market() -> (Market, Output) {
    (Market::new(1, 1, SelfMatch::Allow), Output::default())
}

fn keeping(order: NewOrder, special: Special) -> NewOrder {
    NewOrder { special, ..order }
}

fn hidden() -> Special {
    Special { hidden: true, ..Special::default() }
}

/// Shares traded by resting order, in the order of the trades, with what the owner is told.
fn added(out: &Output) -> Vec<(u32, u32, Liquidity)> {
    let reports = out.reports.iter().filter_map(|report| match report.kind {
        ReportKind::Executed { qty, liquidity, .. } if liquidity != Liquidity::Removed => {
            Some((report.tag, qty, liquidity))
        }
        _ => None,
    });
    reports.collect()
}

/// Goal: a hidden order is not on the tape, stands behind what is shown at its price and before
/// what is worse; its trades are prints without a number. Method: hidden bids at 1.00 and 1.01,
/// shown ones at 1.00, all taken by one sale; a hidden one cancelled.
#[test]
fn hidden_orders_stand_behind_shown_ones_and_are_not_on_the_tape() {
    let (mut market, mut out) = market();
    let bid = |tag, px| client(tag, Side::Buy, 100, px);
    market.enter(&keeping(bid(1, PX), hidden()), &mut out);
    market.enter(&keeping(bid(2, PX + 100), hidden()), &mut out);
    assert!(out.events.is_empty(), "{:?}", out.events);
    market.enter(&bid(3, PX), &mut out);
    let gone = market.enter(&keeping(bid(4, PX), hidden()), &mut out);
    assert_eq!(market.book(LOCATE).unwrap().order_count(), 1);
    out.clear();
    assert_eq!(market.cancel(gone, CancelReason::User, &mut out), 100);
    assert!(out.events.is_empty());
    market.enter(&recorded(Side::Sell, 250, PX), &mut out);
    let (shown, unseen) = (Liquidity::Added, Liquidity::AddedHidden);
    assert_eq!(added(&out), [(2, 100, unseen), (3, 100, shown), (1, 50, unseen)]);
    let prints = out.events.iter();
    let prints = prints.filter(|event| matches!(event.kind, EventKind::HiddenTrade { .. }));
    assert_eq!(prints.count(), 2);
    assert_eq!(market.orders_of(Owner(1)).len(), 1);
}

/// Goal: a reserve order shows its floor, and once that is gone the next, under a new number and
/// last in time; a partial cancel takes the reserve first. Method: 250 shares with a floor of 100
/// before another bid; sales of 100, 100 and 100.
#[test]
fn a_reserve_is_shown_piece_by_piece_last_in_time() {
    let (mut market, mut out) = market();
    let floor = Special { floor_qty: 100, ..Special::default() };
    let first = market.enter(&keeping(client(1, Side::Buy, 250, PX), floor), &mut out);
    market.enter(&client(2, Side::Buy, 100, PX), &mut out);
    let levels: Vec<LevelView> = market.book(LOCATE).unwrap().levels(Side::Buy).collect();
    assert_eq!(levels, [LevelView { px: PX, qty: 200, orders: 2 }]);
    out.clear();
    market.enter(&recorded(Side::Sell, 100, PX), &mut out);
    let refreshed = out.reports.iter().find_map(|report| match report.kind {
        ReportKind::Refreshed { order_ref, qty } => Some((report.tag, order_ref, qty)),
        _ => None,
    });
    let Some((1, second, 100)) = refreshed else { panic!("{refreshed:?}") };
    assert!(second > first && market.order(first).is_none());
    let (side, qty, px, mpid) = (Side::Buy, 100, PX, None);
    let add = EventKind::Add { order_ref: second, side, qty, px, mpid };
    assert!(out.events.iter().any(|event| event.kind == add), "{:?}", out.events);
    market.enter(&recorded(Side::Sell, 100, PX), &mut out);
    assert_eq!(added(&out)[1], (2, 100, Liquidity::Added), "the other has its turn");
    out.clear();
    assert_eq!(market.reduce(second, 60, CancelReason::User, &mut out), 60);
    let order = *market.order(second).unwrap();
    assert_eq!((order.leaves_qty, order.reserve_qty), (90, 0));
    market.enter(&recorded(Side::Sell, 100, PX), &mut out);
    assert_eq!(added(&out), [(1, 90, Liquidity::Added)]);
    assert!(market.orders_of(Owner(1)).is_empty());
}

/// Goal: an order with a least quantity trades that much at once or not at all, coming and
/// resting; what is in reserve counts. Method: 100 shown and 100 in reserve against least
/// quantities of 200 and 201; a hidden bid for at least 100 passed over by 99.
#[test]
fn a_least_quantity_is_filled_at_once_or_not_at_all() {
    for (least, sold) in [(200, 200), (201, 0)] {
        let (mut market, mut out) = market();
        let floor = Special { floor_qty: 100, ..Special::default() };
        market.enter(&keeping(client(1, Side::Buy, 200, PX), floor), &mut out);
        out.clear();
        let special = Special { min_qty: least, ..Special::default() };
        let sale = NewOrder { tif: Tif::Ioc, special, ..client(2, Side::Sell, 300, PX) };
        market.enter(&sale, &mut out);
        let traded: u32 = added(&out).iter().map(|trade| trade.1).sum();
        assert_eq!(traded, sold, "{least}");
        let kind = ReportKind::Canceled { qty: 300 - sold, reason: CancelReason::Immediate };
        assert!(out.reports.contains(&Report { owner: Owner(1), tag: 2, kind }));
    }
    let (mut market, mut out) = market();
    let special = Special { min_qty: 100, ..hidden() };
    market.enter(&keeping(client(1, Side::Buy, 150, PX), special), &mut out);
    for (offered, left) in [(99, 150), (100, 50), (49, 50), (50, 0)] {
        let sale = NewOrder { tif: Tif::Ioc, ..recorded(Side::Sell, offered, PX) };
        market.enter(&sale, &mut out);
        let rest = market.order(1).map_or(0, |order| order.leaves_qty);
        assert_eq!(rest, left, "{offered} offered");
    }
}
