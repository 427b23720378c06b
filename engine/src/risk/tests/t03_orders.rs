use super::t03_states::{reports, rig};
use super::*;
use crate::order::Order;
use crate::order::facts::FactKind;
use crate::order::state::Terms;
use crate::risk::exposure::Sums;
use shm::record::order::Base;
use std::collections::{BTreeSet, HashMap};

/// Of a fact: kind, number and neighbors, content and what is applied, sequences, marks.
type Said = (u8, [u64; 3], [i64; 4], [u32; 3], u8);

/// Everything of one order, its facts, its position and its sums, but for flags: what was asked and
/// not answered, and the signs. Flags have no effect on the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whole {
    base: Base,
    facts: u16,
    terms: [Terms; 2],
    venue_ord_id: VenueOrdId,
    seqs: [u32; 5],
    /// Filled, undone, working, reserved, held.
    qtys: [Qty; 5],
    /// Reserved value, cash, fees.
    money: [i128; 3],
    sums: [Sums; 3],
    said: Vec<Said>,
}

fn whole(risk: &Risk, order: &Intent) -> Whole {
    let kept = risk.order(order.cl_ord_id).unwrap();
    let holding = risk.holding(StrategyId(1), InstrumentId(0)).unwrap();
    let flags = Order::CANCEL_ASKED
        | Order::CANCEL_PENDING
        | Order::REPLACE_PENDING
        | Order::COUNTED
        | Order::DATED;
    let said = risk.table.facts.iter().map(|fact| {
        let applied = [fact.px.0, fact.qty.0, fact.applied_px.0, fact.applied_qty.0];
        let seqs = match fact.kind {
            FactKind::Fill => [fact.seq, fact.broken_seq, fact.next_seq],
            FactKind::Cancel | FactKind::Told => [fact.seq, 0, 0],
        };
        let names = [fact.number, fact.previous, fact.next];
        (fact.kind as u8, names, applied, seqs, fact.marks)
    });
    let mut said: Vec<_> = said.collect();
    said.sort_unstable();
    let (phase, since) = (kept.phase as u32, kept.phase_seq);
    Whole {
        base: kept.base(),
        facts: kept.facts & !flags,
        terms: [kept.terms, kept.replace],
        venue_ord_id: kept.venue_ord_id,
        seqs: [phase, since, kept.restated_seq, kept.gone_seq, kept.seen_seq],
        qtys: [kept.cum_qty, kept.busted_qty, kept.leaves_qty(), kept.reserved_qty, holding.qty],
        money: [kept.reserved_value.0, holding.realised - holding.cost, holding.fees],
        sums: risk.sums(StrategyId(1), InstrumentId(0)).unwrap(),
        said,
    }
}

fn invariants(risk: &Risk, order: &Intent, names: &dyn Fn() -> String) {
    let kept = risk.order(order.cl_ord_id).unwrap();
    let base = kept.base();
    let ended = base.is_terminal();
    let open = kept.is_open();
    let [firm, account, strategy] = risk.sums(StrategyId(1), InstrumentId(0)).unwrap();
    assert_eq!((firm, account), (strategy, strategy));
    assert_eq!((firm.open_buy, firm.open_value), (kept.reserved_qty, kept.reserved_value));
    assert_eq!(firm.open_orders, u32::from(open), "{}", names());
    assert_eq!(risk.working_orders().count(), usize::from(!ended));
    assert_eq!(risk.unknown_orders().count(), usize::from(base == Base::Unknown));
    assert_eq!(firm.position, kept.cum_qty, "position = sum of fills that stand: {}", names());
    let live = risk.table.facts.iter().filter(|fact| fact.is(crate::order::facts::Fact::LIVE));
    let live: i64 = live.map(|fact| fact.applied_qty.0).sum();
    assert_eq!(kept.cum_qty.0, live, "cum = sum of live fills: {}", names());
    if open {
        let unfilled = kept.terms.qty.0 - kept.cum_qty.0;
        let leaves = unfilled - kept.busted_qty.0 - kept.terms.canceled_qty.0;
        // What was undone and filled again has come back.
        let leaves = if leaves < 0 { unfilled } else { leaves };
        assert_eq!(kept.leaves_qty().0, leaves);
        assert!(kept.reserved_qty >= kept.leaves_qty());
    } else {
        assert_eq!((kept.leaves_qty(), kept.reserved_qty), (Qty::ZERO, Qty::ZERO));
    }
    if ended {
        assert_eq!(kept.pending(), 0);
    }
}

/// A venue cannot both take and refuse one replace; without a replace it can do neither.
fn is_possible(set: u64, answers: [u64; 2], replace: bool) -> bool {
    let [taken, refused] = answers.map(|answers| set & answers != 0);
    !(taken && refused) && (replace || !(taken || refused))
}

/// All sets of `size` reports, as bits.
fn sets_of(count: usize, size: u32, visit: &mut dyn FnMut(u64)) {
    let mut set = (1_u64 << size) - 1;
    while set < 1 << count {
        visit(set);
        // The next number with as many bits.
        let lowest = set & set.wrapping_neg();
        let ripple = set + lowest;
        set = ripple | ((set ^ ripple) / lowest) >> 2;
    }
}

/// From every set of up to `size` reports less one, that one leads to the same state whichever it
/// is, and a second time changes nothing. Returns the transitions made and the bases met.
fn ends_alike(replace: bool, of: Option<&[&str]>, size: u32) -> (u64, BTreeSet<u8>) {
    let (start, order, next) = rig(replace);
    let mut reports = reports(&order, &next);
    reports.retain(|row| of.is_none_or(|names| names.contains(&row.0)));
    let named =
        |name: &str| reports.iter().position(|row| row.0 == name).map_or(0, |at| 1_u64 << at);
    let taken = named("replaced") | named("fill 50 new") | named("cancel 110 new");
    let answers = [taken, named("rejected new")];
    let members = |set: u64| (0..reports.len()).filter(move |at| set >> at & 1 == 1);
    let names = |set: u64| members(set).map(|at| reports[at].0).collect::<Vec<_>>().join(", ");
    let state_of = |set: u64| {
        let mut risk = start.risk.clone();
        for at in members(set) {
            risk.on_report(&reports[at].1, GatewayId(0));
        }
        risk
    };
    let (mut runs, mut bases) = (0_u64, BTreeSet::new());
    for size in 1..=size {
        sets_of(reports.len(), size, &mut |set| {
            if !is_possible(set, answers, replace) {
                return;
            }
            let expected = whole(&state_of(set), &order);
            bases.insert(expected.base as u8);
            for at in members(set) {
                let (name, report) = &reports[at];
                let before = set & !(1 << at);
                let mut risk = state_of(before);
                for _ in 0..2 {
                    risk.on_report(report, GatewayId(0));
                    invariants(&risk, &order, &|| format!("{} then {name}", names(before)));
                    let found = whole(&risk, &order);
                    assert_eq!(found, expected, "{} then {name}", names(before));
                }
                runs += 1;
            }
        });
    }
    (runs, bases)
}

/// What fills, their undoing and an end are made of.
const CORE: [&str; 16] = [
    "accepted",
    "fill 40",
    "fill 60",
    "fill 41 again",
    "bust 40",
    "bust 60, it works again",
    "correct 1 to 35",
    "correct 11 to 30",
    "correct 1 in place to 25",
    "bust 11",
    "told 40",
    "told 100",
    "cancel 60",
    "canceled all",
    "rejected",
    "replaced",
];

/// Goal: the end state depends neither on the order of reports nor on repeats, and the invariants
/// hold after each. Method: induction over the sets of reports: from the state of a set without one
/// of its members, that member leads to the same whole state whichever it is, and a second time
/// changes nothing. A whole state holds all that later reports can meet, so every order with any
/// repeats is covered. Sets of up to 4 of all 32 reports and of up to 6 of 16 (deep: up to 6 of
/// all).
#[test]
fn t03_every_order_of_reports_ends_alike() {
    let deep = std::env::var_os("WIRELANE_DEEP").is_some();
    for replace in [false, true] {
        let (runs, bases) = ends_alike(replace, None, if deep { 6 } else { 4 });
        let (core, _) = ends_alike(replace, Some(&CORE), 6);
        println!("replace {replace}: {runs} transitions, {core} of the core");
        // All but Denied, which has no row, and PendingNew.
        assert_eq!(bases.len(), Base::ALL.len() - 2, "{bases:?}");
    }
}

/// Goal: what the induction says, seen whole: every sequence of reports is run from the start.
/// Method: every set of 4 of the reports that fills are made of, every order, each report once,
/// each twice in a row, and the whole sequence twice.
#[test]
fn t03_whole_sequences_in_any_order_end_alike() {
    let (start, order, next) = rig(false);
    let reports = reports(&order, &next);
    let wanted = [
        "accepted",
        "fill 40",
        "fill 60",
        "bust 40",
        "correct 1 to 35",
        "correct 11 to 30",
        "bust 11",
        "told 40",
        "told 100",
        "cancel 60",
    ];
    let members: Vec<usize> =
        wanted.iter().map(|name| reports.iter().position(|row| row.0 == *name).unwrap()).collect();
    let mut expected: HashMap<u64, Whole> = HashMap::new();
    let mut runs = 0;
    let base = members.len();
    for code in 0..base.pow(4) {
        let sequence =
            [code % base, code / base % base, code / base.pow(2) % base, code / base.pow(3)];
        let set = sequence.iter().fold(0_u64, |set, at| set | 1 << at);
        if set.count_ones() != 4 {
            continue;
        }
        let sequence = sequence.map(|at| members[at]);
        let twice: Vec<usize> = sequence.iter().flat_map(|at| [*at, *at]).collect();
        let again: Vec<usize> = sequence.iter().chain(&sequence).copied().collect();
        for sequence in [&sequence[..], &twice, &again] {
            let mut risk = start.risk.clone();
            for at in sequence {
                risk.on_report(&reports[*at].1, GatewayId(0));
            }
            let found = whole(&risk, &order);
            let first = expected.entry(set).or_insert_with(|| found.clone());
            let names = || sequence.iter().map(|at| reports[*at].0).collect::<Vec<_>>();
            assert_eq!(found, *first, "{:?}", names());
            runs += 1;
        }
    }
    println!("{runs} runs, {} sets", expected.len());
    assert!(runs > 10_000);
}
