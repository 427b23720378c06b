//! Borders that whole ticks and lots step over: each limit to its last unit.

use super::*;
use crate::config::limits::Limit;
use shm::message::{OrderTerms, Tif, terms_flags};

/// Goal: a band in bps ends where it says, and not at the next tick. Method: a price at which a
/// tick is one bps; bands of 4, 5 and 6, orders 5 ticks away on both sides.
#[test]
fn t01_r23_a_band_in_bps_ends_to_the_tick() {
    for (bps, passes) in [(4, false), (5, true), (6, true)] {
        for (side, px) in [(Side::Buy, 10_005), (Side::Sell, 9_995)] {
            let mut rig = Rig::only(Scope::Firm, |row| row.order.collar_bps = Limit::Max(bps));
            rig.book(cents(9_999).0, cents(10_001).0);
            let intent = rig.order(side, cents(px), shares(1));
            let refused = (!passes).then_some(Reason::Collar);
            assert_eq!(rig.reason(&intent), refused, "{side} {bps}");
        }
    }
}

/// Goal: an instrument that is held after a contradiction takes no order until it is released;
/// others do, and cancels pass. Method: an execution told twice with other content.
#[test]
fn t01_r10_a_held_instrument_takes_no_order_until_released() {
    let mut rig = Rig::sample();
    let order = rig.buy();
    rig.passes(&order);
    rig.fill(&order, shares(10), 1);
    rig.fill(&order, shares(20), 1);
    assert!(rig.risk.is_held(InstrumentId(0)));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Instrument));
    let now = rig.now;
    rig.risk.on_market(&sample::top(1, cents(999), cents(1_001), 0, now));
    let elsewhere = Intent { instrument: InstrumentId(1), ..rig.buy() };
    assert_eq!(rig.reason(&elsewhere), None);
    let cancel = rig.cancelling(&order);
    assert!(rig.judge(&cancel).is_ok());
    rig.risk.release(InstrumentId(0));
    assert_eq!(rig.reason(&intent), None);
}

/// Goal: rare terms that contradict each other, or what the order says, are no order of any venue.
/// Method: each pair, beside the same terms where they go together.
#[test]
fn t01_r12_rare_terms_that_contradict_are_refused() {
    let part = OrderTerms { display_qty: shares(10), ..OrderTerms::NONE };
    let hidden = OrderTerms { flags: terms_flags::HIDDEN, ..OrderTerms::NONE };
    let timed = OrderTerms { expiry: Nanos(u64::MAX), ..OrderTerms::NONE };
    let (day, gtd) = (Tif::Day as u8, Tif::Gtd as u8);
    for (terms, tif, passes) in [
        (part, day, true),
        (hidden, day, true),
        (OrderTerms { flags: terms_flags::HIDDEN, ..part }, day, false),
        (OrderTerms { display_qty: Qty(-1), ..part }, day, false),
        (timed, gtd, true),
        (timed, day, false),
    ] {
        let mut rig = Rig::sample();
        let intent = Intent { tif, ..rig.buy() };
        let context = rig.context();
        let reason = match rig.risk.decide_with(&intent, &terms, &context) {
            Decision::Deny { record, .. } => Reason::from_u8(record.reason),
            Decision::Approve { .. } | Decision::Cancel { .. } => None,
        };
        let refused = (!passes).then_some(Reason::Unsupported);
        assert_eq!(reason, refused, "{terms:?}");
    }
}

/// Units of an instrument that is traded in fractions.
fn fractions(change: impl FnOnce(&mut LimitRow)) -> Rig {
    let mut setup = only(Scope::Firm, change);
    (setup.instruments[0].lot, setup.instruments[0].qty_min) = (Qty(1), Qty(1));
    Rig::new(&setup)
}

/// Goal: a share of the volume is compared to the last unit. Method: 1 bps of a volume one unit
/// short of, at and beyond what 2 units need.
#[test]
fn t01_r25_a_share_ends_at_its_last_unit() {
    for (volume, passes) in [(19_999, false), (20_000, true), (20_001, true)] {
        let mut rig = fractions(|row| {
            row.order.adv = Limit::Max(Qty(volume));
            row.order.adv_bps = Limit::Max(1);
        });
        let intent = rig.order(Side::Buy, MIDDLE, Qty(2));
        let refused = (!passes).then_some(Reason::VolumeShare);
        assert_eq!(rig.reason(&intent), refused, "{volume}");
    }
}

/// Goal: a reduction ends at the last unit that other own orders leave of the position. Method:
/// 100 shares held, one unit of them for sale already; all but two, one and none of the rest.
#[test]
fn t01_r39_a_reduction_ends_at_the_last_unit() {
    for (less, passes) in [(2, true), (1, true), (0, false)] {
        let mut rig = fractions(|_| {});
        let buy = rig.buy();
        rig.passes(&buy);
        rig.fill(&buy, shares(100), 1);
        let other = rig.order(Side::Sell, MIDDLE, Qty(1));
        rig.passes(&other);
        let intent = rig.order(Side::Sell, MIDDLE, Qty(shares(100).0 - less));
        let terms = OrderTerms { flags: terms_flags::REDUCE_ONLY, ..OrderTerms::NONE };
        let context = rig.context();
        let passed = match rig.risk.decide_with(&intent, &terms, &context) {
            Decision::Deny { record, .. } => {
                assert_eq!(record.reason, Reason::ReduceOnly as u8);
                false
            }
            Decision::Approve { .. } | Decision::Cancel { .. } => true,
        };
        assert_eq!(passed, passes, "all but {less}");
    }
}
