use super::*;
use crate::risk::exposure::Sums;
use crate::risk::setup::Memory;
use shm::message::pending;
use shm::record::order::Base;

/// A rig with an order of 100 shares, and, if asked, a replace to 150 on its way.
fn rig(replace: bool) -> (Rig, Intent, Intent) {
    let mut setup = sample::setup(2);
    setup.memory = Memory { closed: 2, facts: 16, repeats: 4 };
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
fn reports(order: &Intent, next: &Intent) -> Vec<(&'static str, ExecReport)> {
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
    ]
}

/// What must not depend on order or repetition: all but flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    base: Base,
    terms: (ClOrdId, Price, Qty),
    venue_ord_id: VenueOrdId,
    /// Filled, undone, working, reserved, held.
    qtys: [Qty; 5],
    /// Reserved value, cash, fees.
    money: [i128; 3],
    sums: [Sums; 3],
}

fn end(risk: &Risk, order: &Intent) -> End {
    let kept = risk.order(order.cl_ord_id).unwrap();
    let holding = risk.holding(StrategyId(1), InstrumentId(0)).unwrap();
    End {
        base: kept.base(),
        terms: (kept.terms.id, kept.terms.px, kept.terms.qty),
        venue_ord_id: kept.venue_ord_id,
        qtys: [kept.cum_qty, kept.busted_qty, kept.leaves_qty(), kept.reserved_qty, holding.qty],
        money: [kept.reserved_value.0, holding.realised - holding.cost, holding.fees],
        sums: risk.sums(StrategyId(1), InstrumentId(0)).unwrap(),
    }
}

fn invariants(risk: &Risk, order: &Intent) {
    let kept = risk.order(order.cl_ord_id).unwrap();
    let ended = kept.base().is_terminal();
    let [firm, account, strategy] = risk.sums(StrategyId(1), InstrumentId(0)).unwrap();
    assert_eq!((firm, account), (strategy, strategy));
    assert_eq!((firm.open_buy, firm.open_value), (kept.reserved_qty, kept.reserved_value));
    assert_eq!(firm.open_orders, u32::from(!ended));
    assert_eq!(risk.working_orders().count(), usize::from(!ended));
    assert_eq!(firm.position, kept.cum_qty, "position = sum of fills that stand");
    if ended {
        assert_eq!((kept.leaves_qty(), kept.reserved_qty), (Qty::ZERO, Qty::ZERO));
        assert_eq!(kept.pending(), 0);
    } else {
        let leaves =
            kept.terms.qty.0 - kept.cum_qty.0 - kept.busted_qty.0 - kept.terms.canceled_qty.0;
        assert_eq!(kept.leaves_qty().0, leaves);
        assert!(kept.reserved_qty >= kept.leaves_qty());
    }
}

fn permute(rest: &mut Vec<usize>, done: &mut Vec<usize>, visit: &mut dyn FnMut(&[usize])) {
    if rest.is_empty() {
        visit(done);
        return;
    }
    for at in 0..rest.len() {
        let chosen = rest.remove(at);
        done.push(chosen);
        permute(rest, done, visit);
        done.pop();
        rest.insert(at, chosen);
    }
}

/// Runs every set of up to `size` reports in every order, once, each twice, and all of it twice.
fn every_order_ends_alike(replace: bool, size: u32) -> (usize, Vec<Base>) {
    let (start, order, next) = rig(replace);
    let reports = reports(&order, &next);
    let at = |name| reports.iter().position(|(other, _)| *other == name).unwrap();
    let (replaced, refused) = (1 << at("replaced"), 1 << at("rejected new"));
    let (mut runs, mut bases) = (0, Vec::new());
    for set in 1_u32..1 << reports.len() {
        // A venue cannot both take and refuse one replace; without a replace it can do neither.
        let answers = set & (replaced | refused);
        if set.count_ones() > size || answers == replaced | refused || (!replace && answers != 0) {
            continue;
        }
        let mut members: Vec<usize> = (0..reports.len()).filter(|at| set >> at & 1 == 1).collect();
        let mut expected: Option<End> = None;
        permute(&mut members, &mut Vec::new(), &mut |sequence| {
            let twice: Vec<usize> = sequence.iter().flat_map(|at| [*at, *at]).collect();
            let again: Vec<usize> = sequence.iter().chain(sequence).copied().collect();
            for sequence in [sequence, &twice, &again] {
                let mut risk = start.risk.clone();
                for at in sequence {
                    risk.on_report(&reports[*at].1, GatewayId(0));
                    invariants(&risk, &order);
                }
                let found = end(&risk, &order);
                if found != *expected.get_or_insert(found) {
                    let names: Vec<&str> = sequence.iter().map(|at| reports[*at].0).collect();
                    panic!("{names:?} ends {found:?}, others {expected:?}");
                }
                runs += 1;
            }
        });
        bases.extend(expected.map(|end| end.base));
    }
    bases.sort_unstable();
    bases.dedup();
    (runs, bases)
}

/// Goal: the end state depends neither on the order of reports nor on repeats, and the invariants
/// hold after each. Method: every set of up to 5 of 13 reports (6 in the deep run), every
/// order, each report once, each twice in a row, and the whole sequence twice.
#[test]
fn t03_every_order_of_reports_ends_alike() {
    let size = if std::env::var_os("WIRELANE_DEEP").is_some() { 6 } else { 5 };
    for replace in [false, true] {
        let (runs, bases) = every_order_ends_alike(replace, size);
        println!("replace {replace}: {runs} runs, {bases:?}");
        assert!(runs > 10_000);
        for base in [
            Base::New,
            Base::PartiallyFilled,
            Base::Filled,
            Base::Canceled,
            Base::Rejected,
            Base::Voided,
            Base::Unknown,
        ] {
            // 100 shares that become 150 are not filled by 100, and so not voided.
            let reached = bases.contains(&base);
            assert!(reached, "{base} not reached with replace {replace}");
        }
    }
}

/// One script: reports of an order of 100, and where it ends.
struct Script(&'static str, &'static [&'static str], Base, u32, u32);

/// Goal: each rule of the table ends where it says. Method: one script a rule: reports, base,
/// filled, working.
#[test]
fn t03_scripts_of_the_table() {
    let scripts = [
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
        Script("E24", &["send failed"], Base::Unknown, 0, 100),
        Script("E24 then E4", &["send failed", "accepted"], Base::New, 0, 100),
        Script("never sent", &["never sent"], Base::Rejected, 0, 0),
    ];
    for Script(rule, names, base, cum, leaves) in scripts {
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

/// Goal: E8, E6 late and E7 with other content are told and hold the instrument; the position takes
/// all of a fill. Method: each once.
#[test]
fn t03_contradictions_are_told_and_hold_the_instrument() {
    use crate::order::Signs;
    let (mut rig, order, _) = rig(false);
    assert_eq!(rig.fill(&order, shares(100), 1).signs, Signs::default());
    let over = rig.fill(&order, shares(20), 2);
    assert!(over.signs.has(Signs::OVERFILL) && over.signs.has(Signs::LATE));
    assert_eq!((rig.position(), over.event.base), (shares(120), Base::Filled as u8));
    assert!(rig.risk.is_held(InstrumentId(0)));
    assert!(!rig.risk.is_held(InstrumentId(1)));
    let next = rig.buy();
    assert_eq!(rig.reason(&next), Some(Reason::Instrument));

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

/// Goal: E23: a report of an order that is not ours changes nothing, is told and recorded. Method:
/// no id, an id of a slot never used, of a slot beyond the table.
#[test]
fn t03_external_orders_are_recorded_and_told() {
    let (mut rig, order, _) = rig(false);
    let before = rig.risk.state_hash();
    for id in [
        ClOrdId::NONE,
        ClOrdId::new(7, StrategyId(2), 5, 0),
        ClOrdId::new(6, StrategyId(1), order.cl_ord_id.slot(), 0),
        ClOrdId(u64::MAX),
    ] {
        let applied = rig.report(said(Kind::Executed, id, MIDDLE, shares(10), 77));
        assert!(applied.external && applied.position.is_none() && applied.update.is_none());
        assert_eq!((applied.event.cl_ord_id, applied.event.last_qty), (id, shares(10)));
    }
    assert_eq!(rig.risk.state_hash(), before);
    assert_eq!(rig.risk.counters().external, 4);
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
    // Two lie in their slots, two in the ring, the first is forgotten.
    for (at, order) in ended.iter().enumerate() {
        let applied = rig.fill(order, shares(10), 50 + at as u64);
        assert_eq!(applied.external, at == 0, "{at}");
        if at > 0 {
            assert_eq!(applied.event.flags, shm::record::order::OrderEvent::LATE);
            assert_eq!(applied.event.base, Base::Canceled as u8);
        }
    }
    assert_eq!(rig.position(), shares(40));
    rig.report(said(Kind::Broken, ended[1].cl_ord_id, Price::NONE, Qty::ZERO, 51));
    assert_eq!(rig.position(), shares(30));
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
