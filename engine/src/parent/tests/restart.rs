//! Parents over a restart: what was latched and filled stays, children are cancelled and sent anew.

use super::kit::{Rig, STOCK, cents, limit, market, shares};
use crate::parent::{Ask, Carried, CarriedChild};
use crate::risk::Risk;
use crate::risk::sample;
use shm::ids::ClOrdId;
use shm::message::Side;
use shm::record::RecordKind;
use shm::record::parent::{Parent, ParentState};
use shm::units::Nanos;
use std::collections::BTreeMap;

/// The next start: state from the records of the last one, nothing else. `latched` as its lane
/// holds it.
fn restarted(old: &Rig, latched: &[ParentState]) -> (Rig, Vec<ClOrdId>) {
    let mut setup = sample::setup(64);
    let mut rebuilt = Risk::new(&setup);
    for (kind, body) in &old.journal {
        rebuilt.restore(*kind, body, Nanos(0)).unwrap();
    }
    let mut carried = Vec::new();
    rebuilt.carry(false, &mut |kind, body| carried.push((kind, body.to_vec())));
    setup.epoch += 1;
    let mut rig = Rig::of(&setup, true);
    let latest: BTreeMap<ClOrdId, ParentState> =
        latched.iter().map(|state| (state.cl_ord_id, *state)).collect();
    for (kind, body) in &carried {
        rig.risk.restore(*kind, body, Nanos(0)).unwrap();
    }
    let children: Vec<CarriedChild> = rig
        .risk
        .working_orders()
        .map(|order| CarriedChild {
            leg: order.leg,
            last: order.last,
            id: order.terms.id,
            cum_qty: order.cum_qty,
            leaves_qty: order.leaves_qty(),
        })
        .collect();
    for child in &children {
        assert!(rig.slots.hold(child.last, child.last));
    }
    let parents = carried.iter().filter(|(kind, _)| *kind == RecordKind::CarryParent);
    for parent in parents.map(|(_, body)| Parent::read(body).unwrap()) {
        assert!(rig.slots.hold(parent.cl_ord_id, parent.cl_ord_id));
        let state = latest.get(&parent.cl_ord_id).copied();
        let children = children.clone();
        assert!(rig.parents.restore(&Carried { parent, state, children }));
    }
    (rig, children.iter().map(|child| child.id).collect())
}

/// Goal: a stop that waits goes on waiting, and triggers after the restart, also where the market
/// passed its price while nobody looked.
#[test]
fn a_waiting_stop_survives() {
    let mut old = Rig::new();
    old.top(1_000, 1_001);
    old.ask(Ask::stop(STOCK, Side::Sell, shares(100), cents(995)));
    old.top(996, 997);
    let (mut rig, _) = restarted(&old, &old.states);
    rig.pass(1);
    assert_eq!(rig.taken(), [], "no book has been seen");
    rig.top(980, 981);
    let id = rig.accepted(market(Side::Sell, 100));
    rig.fill(id, 100);
    assert!(rig.over().is_some());
}

/// Goal: a stop that had triggered goes on selling what is left, wherever the market is now, and
/// the order that was out is cancelled first. Method: with its latch in the journal, and without,
/// when only the child tells of it.
#[test]
fn a_triggered_stop_goes_on_for_what_is_left() {
    for with_latch in [true, false] {
        let mut old = Rig::new();
        old.top(1_000, 1_001);
        old.ask(Ask::stop_limit(STOCK, Side::Sell, shares(100), cents(995), cents(994)));
        old.top(995, 996);
        let child = old.accepted(limit(Side::Sell, 994, 100));
        old.fill(child, 40);
        let latched = if with_latch { old.states.clone() } else { Vec::new() };
        let (mut rig, children) = restarted(&old, &latched);
        assert_eq!(children, [child]);
        rig.top(1_020, 1_021);
        assert_eq!(rig.taken(), [], "the old order is still there");
        rig.fill(child, 10);
        rig.canceled(child);
        rig.pass(10);
        let next = rig.accepted(limit(Side::Sell, 994, 50));
        rig.fill(next, 50);
        assert!(rig.over().is_some());
        assert!(rig.refused.is_empty());
    }
}

/// Goal: a trailing stop keeps the best price it has seen.
#[test]
fn a_trailing_stop_keeps_its_anchor() {
    let mut old = Rig::new();
    old.top(1_000, 1_001);
    let offset = crate::parent::Offset::Ticks(10);
    old.ask(Ask::trailing(STOCK, Side::Sell, shares(100), offset));
    old.top(1_020, 1_021);
    let (mut rig, _) = restarted(&old, &old.states);
    rig.top(1_011, 1_012);
    assert_eq!(rig.taken(), []);
    rig.top(1_010, 1_011);
    rig.accepted(market(Side::Sell, 100));
}

/// Goal: a bracket in the middle of everything goes on: exits for what the entry has filled less
/// what they have, entry for the rest. Method: partial fills of both when the restart comes.
#[test]
fn a_bracket_goes_on_where_it_was() {
    let mut old = Rig::new();
    old.top(1_000, 1_001);
    old.ask(Ask::bracket(STOCK, Side::Buy, shares(100), cents(1_000), cents(1_010), cents(990)));
    let entry = old.accepted(limit(Side::Buy, 1_000, 100));
    old.fill(entry, 60);
    let exit = old.accepted(limit(Side::Sell, 1_010, 60));
    let (mut rig, children) = restarted(&old, &old.states);
    assert_eq!(children.len(), 2);
    rig.top(1_000, 1_001);
    assert_eq!(rig.taken(), []);
    rig.canceled(exit);
    rig.canceled(entry);
    rig.pass(10);
    let ids = rig.ids(&[limit(Side::Buy, 1_000, 40), limit(Side::Sell, 1_010, 60)]);
    ids.iter().for_each(|id| rig.accept(*id));
    rig.top(989, 990);
    assert_eq!(rig.taken().len(), 2, "both are taken back");
    rig.canceled(ids[1]);
    rig.canceled(ids[0]);
    let stop = rig.accepted(market(Side::Sell, 60));
    rig.fill(stop, 60);
    assert!(rig.over().is_some());
}

/// Goal: slices missed while the engine was down are caught up, and what was filled is not sent
/// again.
#[test]
fn a_twap_catches_up() {
    let mut old = Rig::new();
    old.top(1_000, 1_001);
    let span = (old.now, Nanos(old.now.0 + 4 * Nanos::SECOND.0));
    old.ask(Ask::twap(STOCK, Side::Buy, shares(100), cents(1_001), span, 4));
    let sent = old.wire[0].0.cl_ord_id;
    old.accept(sent);
    old.fill(sent, 25);
    let (mut rig, _) = restarted(&old, &old.states);
    rig.pass(2_500);
    rig.top(1_000, 1_001);
    let taken = rig.taken();
    assert_eq!((taken.len(), taken[0].qty), (1, 50), "{taken:?}");
}
