//! One term beside its border at a time.

use super::*;
use crate::parent::{Ask, OcoLeg, Offset};
use shm::ids::{ClOrdId, InstrumentId};

const STOCK: InstrumentId = InstrumentId(0);
const NONE: Price = Price::NONE;

fn cents(cents: i64) -> Price {
    Price(cents * Price::SCALE / 100)
}

fn shares(count: u32) -> Qty {
    Qty::from_shares(count)
}

const NOW: Nanos = Nanos(1_000_000_000);

/// The market at 10.00.
fn against() -> Against {
    Against { lot: shares(1), tick: cents(1), px: Some(cents(1_000)), now: NOW }
}

fn said(ask: Ask) -> Option<Fault> {
    check(&ask.under(ClOrdId::NONE, NOW), &against()).err()
}

/// A leg: side, limit and stop in cents, 0 for none.
fn leg(side: Side, px: i64, stop: i64) -> OcoLeg {
    let or_none = |px: i64| if px == 0 { NONE } else { cents(px) };
    OcoLeg { side, px: or_none(px), stop_px: or_none(stop) }
}

const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;

/// Goal: exits are on their own sides of entry and of each other, for both sides and an entry at
/// the market. Method: at each border, and one cent beside it.
#[test]
fn a_bracket_has_its_exits_around_its_entry() {
    let bracket = |side, entry: i64, profit, stop| {
        let entry = if entry == 0 { NONE } else { cents(entry) };
        said(Ask::bracket(STOCK, side, shares(10), entry, cents(profit), cents(stop)))
    };
    for (side, sign) in [(BUY, 1), (SELL, -1)] {
        for entry in [1_000, 0] {
            assert_eq!(bracket(side, entry, 1_000 + sign, 1_000 - sign), None, "{side} {entry}");
            let wrong = bracket(side, entry, 1_000, 1_000 - sign);
            assert_eq!(wrong, Some(Fault::ProfitSide), "{side} {entry}");
            let wrong = bracket(side, entry, 1_000 + sign, 1_000);
            assert_eq!(wrong, Some(Fault::StopSide), "{side} {entry}");
            let crossed = bracket(side, entry, 1_000 - 5 * sign, 1_000 + 5 * sign);
            assert_eq!(crossed, Some(Fault::ExitsCross), "{side} {entry}");
        }
        let whole = Ask::bracket(
            STOCK,
            side,
            shares(10),
            NONE,
            cents(1_000 + 9 * sign),
            cents(1_000 - 9 * sign),
        );
        assert_eq!(said(whole.stop_limit_at(cents(1_000 - 9 * sign))), None);
        let wrong = said(whole.stop_limit_at(cents(1_000 - 8 * sign)));
        assert_eq!(wrong, Some(Fault::ExitLimit), "{side}");
    }
}

/// Goal: the limit of a stop can be met by the market that has triggered it.
#[test]
fn a_stop_limit_follows_its_stop() {
    let both =
        |side, stop, px| said(Ask::stop_limit(STOCK, side, shares(1), cents(stop), cents(px)));
    assert_eq!((both(BUY, 1_010, 1_010), both(BUY, 1_010, 1_011)), (None, None));
    assert_eq!(both(BUY, 1_010, 1_009), Some(Fault::StopLimit));
    assert_eq!((both(SELL, 990, 990), both(SELL, 990, 989)), (None, None));
    assert_eq!(both(SELL, 990, 991), Some(Fault::StopLimit));
    assert_eq!(said(Ask::stop(STOCK, BUY, shares(1), NONE)), Some(Fault::Missing));
}

/// Goal: a trailing stop stays less than its price behind. Method: 1,000 ticks at a price of 1,000
/// ticks, one less; 100 %, one hundredth of a percent less.
#[test]
fn a_trailing_stop_stays_on_the_scale() {
    let trail = |offset| said(Ask::trailing(STOCK, SELL, shares(1), offset));
    assert_eq!(trail(Offset::Ticks(999)), None);
    assert_eq!(trail(Offset::Ticks(1_000)), Some(Fault::TrailTooFar));
    assert_eq!(trail(Offset::Ticks(u32::MAX)), Some(Fault::TrailTooFar));
    assert_eq!(trail(Offset::Bps(9_999)), None);
    assert_eq!(trail(Offset::Bps(10_000)), Some(Fault::TrailTooFar));
    assert_eq!(trail(Offset::Ticks(0)), Some(Fault::Missing));
    let parent = Ask::trailing(STOCK, SELL, shares(1), Offset::Ticks(5_000));
    let unknown = Against { px: None, ..against() };
    assert_eq!(check(&parent.under(ClOrdId::NONE, NOW), &unknown), Ok(()));
}

/// Goal: an OCO is two orders that do not meet, and whose limit and stop are on their own sides.
#[test]
fn an_oco_is_two_orders() {
    let oco = |first, second| said(Ask::oco(STOCK, shares(10), first, second));
    let sell = leg(SELL, 1_010, 0);
    assert_eq!(oco(sell, leg(SELL, 0, 990)), None);
    assert_eq!(oco(leg(SELL, 0, 990), sell), None);
    assert_eq!(oco(sell, sell), Some(Fault::OcoSame));
    assert_eq!(oco(sell, leg(SELL, 0, 1_010)), Some(Fault::OcoWrongWay));
    assert_eq!(oco(leg(SELL, 0, 1_010), sell), Some(Fault::OcoWrongWay));
    assert_eq!(oco(leg(BUY, 990, 0), leg(BUY, 0, 1_010)), None);
    assert_eq!(oco(leg(BUY, 1_010, 0), leg(BUY, 0, 1_010)), Some(Fault::OcoWrongWay));
    assert_eq!(oco(leg(BUY, 990, 0), sell), None);
    assert_eq!(oco(leg(BUY, 1_010, 0), sell), Some(Fault::OcoMeets));
    assert_eq!(oco(sell, leg(BUY, 1_010, 0)), Some(Fault::OcoMeets));
    assert_eq!(oco(sell, leg(SELL, 991, 990)), Some(Fault::StopLimit));
    assert_eq!(oco(leg(SELL, 0, 0), sell), Some(Fault::Missing));
}

/// Goal: there is quantity and time for every slice, and more to show than is shown for none.
/// Method: each at its border and one beyond.
#[test]
fn slices_and_clips_have_something_to_do() {
    let twap = |qty, ms: u64, slices| {
        let span = (NOW, Nanos(NOW.0 + ms * 1_000_000));
        said(Ask::twap(STOCK, BUY, shares(qty), NONE, span, slices))
    };
    assert_eq!(twap(10, 1_000, 10), None);
    assert_eq!(twap(9, 1_000, 10), Some(Fault::SlicesOfNothing));
    assert_eq!(twap(10, 999, 10), Some(Fault::SlicesTooFast));
    assert_eq!(twap(100_000, 60_000, 100_000), Some(Fault::SlicesTooFast));
    assert_eq!(twap(10, 1_000, 0), Some(Fault::Missing));
    let past = Ask::twap(STOCK, BUY, shares(10), NONE, (Nanos(0), NOW), 1);
    assert_eq!(said(past), Some(Fault::SlicesTooLate));
    let iceberg = |clip| said(Ask::iceberg(STOCK, BUY, shares(10), cents(990), shares(clip)));
    assert_eq!((iceberg(10), iceberg(11)), (None, Some(Fault::ShowsMore)));
    assert_eq!(iceberg(0), Some(Fault::Missing));
}

/// Goal: every fault has a number of its own, found again from a record.
#[test]
fn faults_are_found_by_their_numbers() {
    for fault in Fault::ALL {
        assert_eq!(Fault::from_number(*fault as i128), Some(*fault));
        assert!(fault.text().len() > 20);
    }
    assert_eq!((Fault::from_number(0), Fault::from_number(15)), (None, None));
}
