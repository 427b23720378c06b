use super::*;
use crate::risk::setup::Memory;
use shm::message::{CancelRefusal, pending};
use shm::record::order::Base;

/// A rig with an order of 100 shares, and, if asked, a replace to 150 on its way.
pub(super) fn rig(replace: bool) -> (Rig, Intent, Intent) {
    let mut setup = sample::setup(2);
    setup.memory = Memory { closed: 2, past: 4, facts: 64, repeats: 4 };
    setup.gateways[0].rate = 4;
    setup.gateways[0].reserve = 1;
    let mut rig = Rig::new(&setup);
    let order = rig.buy();
    rig.passes(&order);
    let next = rig.replacing(&order, cents(1001), shares(150));
    if replace {
        rig.passes(&next);
    }
    (rig, order, next)
}

/// Reports that may come of it, by name; the sequence is the venue's.
pub(super) fn reports(order: &Intent, next: &Intent) -> Vec<(&'static str, ExecReport)> {
    let (id, new) = (order.cl_ord_id, next.cl_ord_id);
    // The venue numbers an order anew with each report that names its number.
    let at = |seq: u32, report: ExecReport| ExecReport {
        venue_seq: seq,
        venue_ord_id: VenueOrdId(u64::from(seq) * 10),
        ..report
    };
    let none = Price::NONE;
    vec![
        ("accepted", at(1, said(Kind::Accepted, id, MIDDLE, shares(100), 0))),
        ("fill 40", at(2, said(Kind::Executed, id, MIDDLE, shares(40), 1))),
        ("fill 60", at(3, said(Kind::Executed, id, cents(999), shares(60), 2))),
        ("fill 50 new", at(4, said(Kind::Executed, new, cents(1001), shares(50), 3))),
        ("bust 40", at(5, said(Kind::Broken, id, none, Qty::ZERO, 1))),
        ("cancel 60", at(6, said(Kind::Canceled, id, none, shares(60), 0))),
        ("cancel 110 new", at(7, said(Kind::Canceled, new, none, shares(110), 0))),
        ("replaced", at(8, said(Kind::Replaced, new, cents(1001), shares(110), 0))),
        ("rejected", at(9, said(Kind::Rejected, id, none, Qty::ZERO, 0))),
        ("rejected new", at(10, said(Kind::Rejected, new, none, Qty::ZERO, 0))),
        ("never sent", at(11, said(Kind::GateReject, id, none, Qty::ZERO, 0))),
        ("send failed", at(12, said(Kind::SendFailed, id, none, Qty::ZERO, 0))),
        ("restated", at(13, said(Kind::Restated, id, cents(998), Qty::ZERO, 0))),
        ("restated 120", at(14, said(Kind::Restated, id, none, shares(120), 0))),
        ("fill 41 again", at(15, said(Kind::Executed, id, MIDDLE, shares(41), 1))),
        ("correct 1 to 35", corrected(16, id, 1, 11, 35)),
        ("correct 11 to 30", corrected(17, id, 11, 12, 30)),
        ("correct 1 in place to 25", corrected(18, id, 1, 0, 25)),
        ("bust 11", at(19, said(Kind::Broken, id, none, Qty::ZERO, 11))),
        ("bust 60, it works again", at(20, said(Kind::Broken, id, none, shares(60), 2))),
        ("told 40", at(21, said(Kind::Status, id, cents(999), shares(40), 0))),
        ("told 100", at(3, said(Kind::Status, id, none, shares(100), 0))),
        ("canceled all", at(22, said(Kind::CanceledAll, id, none, Qty::ZERO, 0))),
        ("expired", at(23, said(Kind::Expired, id, none, Qty::ZERO, 0))),
        ("done for day", at(9, said(Kind::DoneForDay, id, none, Qty::ZERO, 0))),
        ("suspended", at(24, said(Kind::Suspended, id, none, Qty::ZERO, 0))),
        ("stopped", at(25, said(Kind::Stopped, id, none, Qty::ZERO, 0))),
        ("resumed", at(26, said(Kind::Resumed, id, none, Qty::ZERO, 0))),
        ("absent", at(0, said(Kind::Absent, id, none, Qty::ZERO, 0))),
        ("unknown order", refused(27, id, CancelRefusal::UnknownOrder)),
        ("too late", refused(28, id, CancelRefusal::TooLate)),
        ("restated at last", at(29, said(Kind::Restated, id, cents(997), Qty::ZERO, 0))),
    ]
}

/// A correction of an execution, with an id of its own or (0) in place.
fn corrected(seq: u32, id: ClOrdId, of: u64, own: u64, count: u32) -> ExecReport {
    ExecReport {
        venue_seq: seq,
        venue_ord_id: VenueOrdId(own),
        ..said(Kind::Corrected, id, cents(1000), shares(count), of)
    }
}

/// A cancel refused.
fn refused(seq: u32, id: ClOrdId, why: CancelRefusal) -> ExecReport {
    ExecReport {
        venue_seq: seq,
        liquidity: why as u8,
        ..said(Kind::CancelRejected, id, Price::NONE, Qty::ZERO, 0)
    }
}

const PARTLY: Base = Base::PartiallyFilled;

/// One script: reports of an order of 100, and where it ends.
struct Script(&'static str, &'static [&'static str], Base, u32, u32);

const SCRIPTS: &[Script] = &[
    Script("E2", &[], Base::Approved, 0, 100),
    Script("E4", &["accepted"], Base::New, 0, 100),
    Script("E4 after a fill", &["fill 40", "accepted"], Base::PartiallyFilled, 40, 60),
    Script("E4 after all fills", &["fill 40", "fill 60", "accepted"], Base::Filled, 100, 0),
    Script("E5", &["rejected"], Base::Rejected, 0, 0),
    Script("E5 with a fill", &["fill 40", "rejected"], Base::Unknown, 40, 60),
    Script("E5 with all", &["fill 40", "rejected", "fill 60"], Base::Filled, 100, 0),
    Script("E6", &["accepted", "fill 40"], Base::PartiallyFilled, 40, 60),
    Script("E6 late", &["fill 40", "cancel 60", "fill 60"], Base::Filled, 100, 0),
    Script("E7", &["fill 40", "fill 40"], Base::PartiallyFilled, 40, 60),
    Script("E9 partly filled", &["fill 40", "bust 40"], Base::New, 0, 60),
    Script("E9 filled", &["fill 40", "fill 60", "bust 40"], Base::Voided, 60, 0),
    Script("E9 canceled", &["fill 40", "cancel 60", "bust 40"], Base::Canceled, 0, 0),
    Script("E9 first", &["bust 40", "fill 40"], Base::New, 0, 60),
    Script("E12", &["accepted", "fill 40", "cancel 60"], Base::Canceled, 40, 0),
    Script("E12 of some", &["accepted", "cancel 60"], Base::New, 0, 40),
    Script("E9 with leaves", &["fill 40", "fill 60", "bust 60, it works again"], PARTLY, 40, 60),
    Script("E10", &["fill 40", "correct 1 to 35"], PARTLY, 35, 65),
    Script("E10 of E10", &["fill 40", "correct 1 to 35", "correct 11 to 30"], PARTLY, 30, 70),
    Script("E10 first", &["correct 1 to 35", "fill 40"], PARTLY, 35, 65),
    Script("E10 held", &["accepted", "correct 1 to 35"], Base::New, 0, 100),
    Script("E10 in place", &["fill 40", "correct 1 in place to 25"], PARTLY, 25, 75),
    Script("E9 of E10", &["fill 40", "correct 1 to 35", "bust 11"], Base::New, 0, 65),
    Script("E12 whole", &["fill 40", "canceled all"], Base::Canceled, 40, 0),
    Script("E13 unknown", &["accepted", "unknown order"], Base::Unknown, 0, 100),
    Script("E13 late", &["accepted", "too late"], Base::New, 0, 100),
    Script("E13 found", &["unknown order", "restated at last"], Base::Approved, 0, 100),
    Script("E19 expired", &["fill 40", "expired"], Base::Expired, 40, 0),
    Script("E19 done", &["fill 40", "done for day"], Base::DoneForDay, 40, 0),
    Script("E19 next day", &["fill 40", "done for day", "restated"], PARTLY, 40, 60),
    Script("E20", &["accepted", "suspended"], Base::Suspended, 0, 100),
    Script("E20 stopped", &["accepted", "stopped", "fill 40"], Base::Stopped, 40, 60),
    Script("E20 resumed", &["accepted", "resumed", "suspended"], Base::New, 0, 100),
    Script("E21", &["fill 40", "restated 120"], PARTLY, 40, 80),
    Script("E22", &["accepted", "told 40"], PARTLY, 40, 60),
    Script("E22 then E6", &["told 40", "fill 40"], PARTLY, 40, 60),
    Script("E22 stale", &["fill 40", "fill 60", "told 40"], Base::Filled, 100, 0),
    Script("E22 all", &["told 100", "fill 40"], Base::Filled, 100, 0),
    Script("E25 absent", &["send failed", "absent"], Base::Rejected, 0, 0),
    Script("E25 found", &["send failed", "told 40"], PARTLY, 40, 60),
    Script("E24", &["send failed"], Base::Unknown, 0, 100),
    Script("E24 then E4", &["send failed", "accepted"], Base::New, 0, 100),
    Script("never sent", &["never sent"], Base::Rejected, 0, 0),
];

/// Goal: each rule of the table ends where it says. Method: one script a rule: reports, base,
/// filled, working.
#[test]
fn t03_scripts_of_the_table() {
    for &Script(rule, names, base, cum, leaves) in SCRIPTS {
        let (mut rig, order, next) = rig(false);
        let reports = reports(&order, &next);
        for name in names {
            let (_, report) = reports.iter().find(|(other, _)| other == name).unwrap();
            rig.report_as_is(*report);
        }
        let kept = rig.risk.order(order.cl_ord_id).unwrap();
        let found = (kept.base(), kept.cum_qty, kept.leaves_qty());
        assert_eq!(found, (base, shares(cum), shares(leaves)), "{rule}");
    }
}

/// Goal: E8 lets the instrument only be reduced, E7 with other content holds it; the position takes
/// all of a fill. Method: each once.
#[test]
fn t03_contradictions_are_told_and_hold_the_instrument() {
    use crate::order::Signs;
    let (mut rig, order, _) = rig(false);
    assert_eq!(rig.fill(&order, shares(100), 1).signs, Signs::default());
    let over = rig.fill(&order, shares(20), 2);
    assert!(over.signs.has(Signs::OVERFILL) && over.signs.has(Signs::LATE));
    assert_eq!((rig.position(), over.event.base), (shares(120), Base::Filled as u8));
    let flags = shm::record::order::OrderEvent::EXPOSES | shm::record::order::OrderEvent::OVERFILL;
    assert_eq!(over.event.flags & flags, flags);
    assert!(rig.risk.is_reduce_only(InstrumentId(0)) && !rig.risk.is_held(InstrumentId(0)));
    assert!(!rig.risk.is_reduce_only(InstrumentId(1)));
    let next = rig.buy();
    assert_eq!(rig.reason(&next), Some(Reason::Mode));
    let back = rig.order(Side::Sell, MIDDLE, shares(120));
    assert_eq!(rig.reason(&back), None, "a reduction passes");

    let (mut rig, order, _) = self::rig(false);
    rig.fill(&order, shares(40), 1);
    let repeat = rig.fill(&order, shares(40), 1);
    assert_eq!((repeat.signs, repeat.position, repeat.update), (Signs::REPEAT, None, None));
    assert!(!rig.risk.is_held(InstrumentId(0)));
    let other = rig.fill(&order, shares(41), 1);
    assert!(other.signs.has(Signs::CONFLICT) && rig.risk.is_held(InstrumentId(0)));
    assert_eq!(rig.position(), shares(40), "the first content stands");
}

/// Goal: E11, E13, E14, E16, E18: pending bits follow asks and answers, and what is asked stays
/// reserved.
#[test]
fn t03_pending_bits_follow_asks_and_answers() {
    let (mut rig, order, next) = rig(true);
    let bits = |rig: &Rig| rig.risk.order(order.cl_ord_id).unwrap().pending();
    let open = |rig: &Rig| rig.risk.sums(StrategyId(1), InstrumentId(0)).unwrap()[0].open_buy;
    assert_eq!((bits(&rig), open(&rig)), (pending::REPLACE, shares(150)));
    let cancel = rig.cancelling(&order);
    assert!(matches!(rig.decide(&cancel), Decision::Cancel { .. }));
    assert_eq!((bits(&rig), open(&rig)), (pending::REPLACE | pending::CANCEL, shares(150)));
    rig.report(said(Kind::CancelRejected, next.cl_ord_id, Price::NONE, Qty::ZERO, 0));
    assert_eq!(bits(&rig), pending::REPLACE);
    rig.report(said(Kind::Rejected, next.cl_ord_id, Price::NONE, Qty::ZERO, 0));
    assert_eq!((bits(&rig), open(&rig)), (0, shares(100)));
    rig.report(said(Kind::CancelPending, order.cl_ord_id, Price::NONE, Qty::ZERO, 0));
    assert_eq!((bits(&rig), open(&rig)), (pending::CANCEL, shares(100)));
    rig.report(said(Kind::Canceled, order.cl_ord_id, Price::NONE, shares(100), 0));
    assert_eq!((bits(&rig), open(&rig)), (0, Qty::ZERO));
}

/// Goal: E15 with a new quantity at or below what is filled ends Filled; above it, the rest works.
#[test]
fn t03_a_replace_at_or_below_the_filled_quantity_ends_the_order() {
    for (qty, base, leaves) in
        [(39, Base::Filled, 0), (40, Base::Filled, 0), (41, Base::PartiallyFilled, 1)]
    {
        let (mut rig, order, _) = rig(false);
        rig.fill(&order, shares(40), 1);
        let next = Intent {
            kind: Kind::IntentReplace as u8,
            cl_ord_id: order.cl_ord_id.successor().unwrap(),
            qty: shares(qty),
            ..order
        };
        rig.passes(&next);
        let left = said(Kind::Replaced, next.cl_ord_id, MIDDLE, shares(leaves), 0);
        let applied = rig.report(left);
        assert_eq!((applied.event.base, applied.event.leaves_qty), (base as u8, shares(leaves)));
    }
}

/// Goal: a late fill and a bust find an order whose slot is used again, as long as the ring of
/// closed orders holds it. Method: two slots, a ring of two: fill the one before last, then the one
/// before that.
#[test]
fn t03_late_fills_find_closed_orders() {
    let (mut rig, first, _) = rig(false);
    rig.report(said(Kind::Canceled, first.cl_ord_id, Price::NONE, shares(100), 0));
    let mut ended = vec![first];
    for _ in 0..4 {
        rig.now.0 += Nanos::SECOND.0;
        let now = rig.now;
        rig.risk.on_market(&sample::live(now));
        let next = rig.buy();
        rig.passes(&next);
        rig.report(said(Kind::Canceled, next.cl_ord_id, Price::NONE, shares(100), 0));
        ended.push(next);
    }
    // Two lie in their slots, two in the ring; of the first only instrument and side are left.
    for (at, order) in ended.iter().enumerate() {
        let applied = rig.fill(order, shares(10), 50 + at as u64);
        assert_eq!(applied.external, at == 0, "{at}");
        if at > 0 {
            assert_eq!(applied.event.flags, shm::record::order::OrderEvent::LATE);
            assert_eq!(applied.event.base, Base::Canceled as u8);
        }
    }
    assert_eq!(rig.position(), shares(50));
    rig.report(said(Kind::Broken, ended[1].cl_ord_id, Price::NONE, Qty::ZERO, 51));
    assert_eq!(rig.position(), shares(40));
}

/// Goal: E24: a lost session makes what was on its way unknown and keeps it reserved; what was
/// acknowledged stays as it was.
#[test]
fn t03_a_lost_session_makes_unacknowledged_orders_unknown() {
    let (mut rig, first, _) = rig(false);
    let second = rig.buy();
    rig.passes(&second);
    rig.accept(&second);
    rig.report(sample::session(false));
    let base = |rig: &Rig, intent: &Intent| rig.risk.order(intent.cl_ord_id).unwrap().base();
    assert_eq!((base(&rig, &first), base(&rig, &second)), (Base::Unknown, Base::New));
    assert_eq!(rig.risk.sums(StrategyId(1), InstrumentId(0)).unwrap()[0].open_buy, shares(200));
    rig.report(sample::session(true));
    let replace = rig.replacing(&first, MIDDLE, shares(50));
    assert_eq!(rig.reason(&replace), Some(Reason::UnknownOrder));
    rig.accept(&first);
    assert_eq!(base(&rig, &first), Base::New);
}
