//! T12: a venue that answers late, twice, reordered, never, contradicting; positions that differ;
//! orders that are not ours. Rules E22-E25, C6, C8, C9.
#![forbid(unsafe_code)]

mod t12_kit;

use engine::order::Signs;
use engine::risk::Risk;
use exchange::faults::{Faults, TellFaults};
use shm::ids::{ClOrdId, InstrumentId, StrategyId};
use shm::message::{ExecReport, Kind};
use shm::record::RecordKind;
use shm::record::order::{Base, OrderEvent};
use shm::units::{Price, Qty};
use t12_kit::{Sim, setup};
use wirelane_tests::effort::Effort;

/// Which faults a case makes: each is there in half of the cases, so that every combination occurs.
fn faults_of(seed: u64) -> Faults {
    let some = |bit: u32, often: f64| if seed >> bit & 1 == 1 { often } else { 0.0 };
    Faults {
        reject: some(0, 0.1),
        slow_ack: some(1, 0.2),
        slow_ack_ns: 300_000_000,
        break_trade: some(2, 0.1),
        told: TellFaults {
            twice: some(3, 0.2),
            swap: some(4, 0.2),
            never: some(5, 0.1),
            contradict: some(6, 0.05),
            overfill: some(7, 0.1),
            correct: some(8, 0.1),
            external: some(9, 0.05),
        },
        ..Faults::default()
    }
}

/// What must hold after every step.
fn invariants(risk: &Risk) {
    for instrument in [0, 1] {
        for strategy in [1, 2] {
            let (strategy, instrument) = (StrategyId(strategy), InstrumentId(instrument));
            let [_, _, sums] = risk.sums(strategy, instrument).unwrap();
            let mine = risk.working_orders().filter(|order| {
                order.root.strategy() == strategy && order.instrument == instrument
            });
            let (mut open, mut count) = (0, 0);
            for order in mine {
                assert!(order.reserved_qty >= order.leaves_qty(), "{:?}", order.root);
                open += order.reserved_qty.0;
                count += u32::from(order.is_open());
            }
            assert_eq!(sums.open_buy.0 + sums.open_sell.0, open, "{strategy:?} {instrument:?}");
            assert_eq!(sums.open_orders, count);
            let held = risk.holding(strategy, instrument).unwrap().qty;
            assert_eq!(sums.position, held);
        }
    }
}

/// C9, then C8: an account of positions from before our last event changes nothing, a current one
/// makes ours the venue's.
fn reconcile_positions(sim: &mut Sim, must_agree: bool) {
    let seq = sim.stream_seq();
    for instrument in [0, 1] {
        let word = |seq: u32, shares: i64| ExecReport {
            kind: Kind::VenuePosition as u8,
            venue_seq: seq,
            cl_ord_id: ClOrdId::external(InstrumentId(instrument), 0),
            last_px: Price(10 * Price::SCALE),
            last_qty: Qty(shares * Qty::SCALE),
            ..ExecReport::default()
        };
        let (ours, theirs) = (sim.position(instrument), sim.position_at_venue(instrument));
        assert!(ours == theirs || !must_agree, "{ours} shares, {theirs} at the venue");
        if seq > 1 {
            let stale = sim.report(word(seq - 1, theirs + 500));
            assert_eq!((stale.position, sim.position(instrument)), (None, ours));
        }
        let applied = sim.report(word(seq, theirs));
        assert_eq!(applied.signs.has(Signs::ADJUSTED), ours != theirs);
        assert_eq!(sim.position(instrument), theirs);
    }
}

/// E22, E25, C6: what each order is asked about is answered with the truth: its fills, that it has
/// ended, or that it never was. Nothing is unknown after it, and what lives there lives here.
fn reconcile_orders(sim: &mut Sim) {
    let open = sim.open_at_venue();
    let seq = sim.stream_seq();
    let said = |kind: Kind, id: ClOrdId| ExecReport {
        kind: kind as u8,
        venue_seq: seq,
        cl_ord_id: id,
        last_px: Price::NONE,
        ..ExecReport::default()
    };
    let found: Vec<ClOrdId> = open.iter().map(|urn| sim.truth[urn].id).collect();
    for id in &found {
        let order = *sim.risk.order(*id).unwrap();
        let numbers = sim.numbers_of(order.root, order.last);
        let qty = Qty::from_shares(numbers.iter().map(|(_, truth)| truth.cum).sum());
        sim.report(ExecReport { last_qty: qty, ..said(Kind::Status, *id) });
    }
    let working: Vec<_> =
        sim.risk.working_orders().map(|order| (order.root, order.last, order.terms.id)).collect();
    for (root, last, id) in working {
        let numbers = sim.numbers_of(root, last);
        if numbers.iter().any(|(urn, _)| open.contains(urn)) {
            continue;
        }
        if numbers.iter().any(|(_, truth)| truth.accepted) {
            let qty = Qty::from_shares(numbers.iter().map(|(_, truth)| truth.cum).sum());
            sim.report(ExecReport { last_qty: qty, ..said(Kind::Status, id) });
            sim.report(said(Kind::CanceledAll, id));
        } else {
            sim.report(said(Kind::Absent, id));
        }
        let base = sim.risk.order(id).map(engine::order::Order::base);
        assert!(base.is_none_or(Base::is_terminal), "{id:?} is {base:?}");
    }
    for id in found {
        let base = sim.risk.order(id).map(engine::order::Order::base);
        // An execution undone without a word of what works after it, and made again under another
        // number, cannot be told from one of what was left.
        let lives = base.is_some_and(|base| !base.is_terminal() || base == Base::Voided);
        assert!(lives, "{id:?} lives there, here {base:?}: {:#?}", story(sim, id));
    }
}

/// What was said of an order's slot.
fn story(sim: &Sim, id: ClOrdId) -> Vec<String> {
    let events = sim.journal.iter().filter(|record| record.0 == RecordKind::OrderEvent);
    let events = events.filter_map(|record| OrderEvent::read(&record.1));
    let mine = events.filter(|event| event.cl_ord_id.slot() == id.slot());
    let lines = mine.map(|event| {
        let (kind, base) = (Kind::from_u8(event.event), Base::from_u8(event.base));
        let shares = [event.last_qty, event.cum_qty, event.leaves_qty, event.qty]
            .map(|qty| qty.0 / Qty::SCALE);
        let (uses, exec) = (event.cl_ord_id.uses(), event.exec_id.0);
        format!("use {uses} {kind:?} {base:?} last, cum, leaves, qty {shares:?} exec {exec}")
    });
    lines.collect()
}

/// The state that the journal leads to.
fn restored(sim: &Sim) -> Risk {
    let mut risk = Risk::new(&setup());
    for (at, (kind, body, ts)) in sim.journal.iter().enumerate() {
        assert_eq!(risk.restore(*kind, body, *ts), Ok(()), "record {at} {kind}");
    }
    risk
}

/// What the cases met.
#[derive(Debug, Default)]
struct Met {
    records: u64,
    external: u64,
    overdue: u64,
    contradictions: u64,
    exposures: u64,
    repeats: u64,
    adjustments: u64,
}

fn case(seed: u64, met: &mut Met) {
    let faults = faults_of(seed);
    let mut sim = Sim::new(seed, faults);
    for _ in 0..80 {
        sim.step();
        invariants(&sim.risk);
    }
    sim.settle();
    // Now and then the venue has something that it has told nobody.
    let hides = seed.is_multiple_of(4);
    if hides {
        sim.trade_in_secret();
    }
    reconcile_positions(&mut sim, !hides);
    reconcile_orders(&mut sim);
    invariants(&sim.risk);
    assert_eq!(restored(&sim).state_hash(), sim.risk.state_hash());
    let counters = sim.risk.counters();
    met.records += sim.journal.len() as u64;
    met.external += counters.external;
    met.overdue += sim.overdue;
    met.contradictions += counters.contradictions;
    met.exposures += counters.exposures;
    met.repeats += counters.repeats;
    met.adjustments += counters.adjustments;
}

/// Goal: whatever the venue tells, sums and positions hold after every report; once everything was
/// told the positions are the venue's, after its word of them always; after its answers nothing is
/// unknown, what lives there lives here, and no order is taken for dead that lives; the journal
/// leads to the same state. Method: the real desk, matching engine, codec, wire table and risk in
/// one thread, 80 random steps a case, each fault in half of the cases.
#[test]
fn t12_a_venue_that_misbehaves_is_never_believed_too_much() {
    let mut effort = Effort::new("T12", [10_000, 100_000, 1_000_000], 1);
    let mut met = Met::default();
    while effort.again() {
        let seed = effort.turn();
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(seed, &mut met)));
        if let Err(panic) = result {
            println!("seed {seed}: {:?}", faults_of(seed));
            std::panic::resume_unwind(panic);
        }
    }
    println!("{met:?}");
    let Met { external, overdue, contradictions, exposures, repeats, adjustments, .. } = met;
    for count in [external, overdue, contradictions, exposures, repeats, adjustments] {
        assert!(count > 100, "{met:?}");
    }
}
