use super::facts::{Fact, FactKind, Facts};
use super::*;
use shm::ids::{ClOrdId, StrategyId};
use shm::message::{CancelRefusal, OrderUpdate};
use shm::record::order::Base;
use shm::units::{Price, Qty};
use std::collections::VecDeque;

fn pool(count: u32) -> SlotPool {
    SlotPool::new(StrategyId(3), 9, 100, count)
}

fn ended(id: ClOrdId) -> OrderUpdate {
    OrderUpdate { base: Base::Canceled as u8, cl_ord_id: id, ..OrderUpdate::default() }
}

/// Goal: no id comes twice, each is of the range, a slot rests behind all that are free. Method:
/// random takes, replaces and ends against a queue of slots.
#[test]
fn a_pool_hands_out_each_id_once_and_lets_slots_rest() {
    let mut pool = pool(5);
    let mut free: VecDeque<u32> = (100..105).collect();
    let mut held: Vec<ClOrdId> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let roll = (state >> 33) as usize;
        match roll % 3 {
            0 => {
                let id = pool.take();
                assert_eq!(id.map(ClOrdId::slot), free.pop_front());
                if let Some(id) = id {
                    assert_eq!((id.epoch(), id.strategy()), (9, StrategyId(3)));
                    assert!(seen.insert(id), "{id:?} came twice");
                    held.push(id);
                }
            }
            1 if !held.is_empty() => {
                let at = roll / 3 % held.len();
                let next = pool.replace(held[at]).unwrap();
                assert_eq!(next.slot(), held[at].slot());
                assert!(seen.insert(next), "{next:?} came twice");
                assert_eq!(pool.newest(held[at]), Some(next));
            }
            2 if !held.is_empty() => {
                let id = held.swap_remove(roll / 3 % held.len());
                assert!(pool.on_update(&ended(id)));
                assert!(!pool.on_update(&ended(id)), "an end counts once");
                assert_eq!(pool.replace(id), None);
                free.push_back(id.slot());
            }
            _ => {}
        }
        assert_eq!(pool.free_count(), free.len());
    }
}

/// Goal: updates that do not end an order, of another chain in the slot, or of another strategy
/// free nothing.
#[test]
fn a_pool_frees_only_the_order_that_ended() {
    let mut pool = pool(1);
    let first = pool.take().unwrap();
    assert_eq!(pool.take(), None);
    let working = OrderUpdate { base: Base::New as u8, ..ended(first) };
    assert!(!pool.on_update(&working));
    let other = ClOrdId::new(9, StrategyId(4), 100, 0);
    assert!(!pool.on_update(&ended(other)));
    assert!(pool.on_update(&ended(first)));
    let second = pool.take().unwrap();
    assert!(second > first);
    assert!(!pool.on_update(&ended(first)), "of the chain before");
    assert_eq!(pool.replace(first), None);
    assert!(pool.on_update(&ended(second)));
}

/// Goal: a slot whose uses are spent is retired, not wrapped. Method: all uses of one slot.
#[test]
fn a_spent_slot_is_retired() {
    let mut pool = pool(1);
    let mut last = ClOrdId::NONE;
    while let Some(id) = pool.take() {
        assert!(id > last);
        last = id;
        pool.free(id);
    }
    assert_eq!((last.uses(), pool.retired_count()), (ClOrdId::USES_MAX - 1, 1));
    assert_eq!(pool.free_count(), 0);
}

/// Goal: an order of an earlier start keeps its slot, its replaces keep its epoch, and the slot
/// begins anew once it has ended.
#[test]
fn a_held_slot_goes_on_under_its_old_epoch() {
    let mut pool = pool(3);
    let root = ClOrdId::new(8, StrategyId(3), 101, 40);
    let last = ClOrdId::new(8, StrategyId(3), 101, 42);
    assert!(pool.hold(root, last));
    assert!(!pool.hold(root, last), "held already");
    assert!(!pool.hold(ClOrdId::new(8, StrategyId(3), 103, 0), last), "of another range");
    assert_eq!(pool.replace(root), last.successor());
    let taken: Vec<u32> = core::iter::from_fn(|| pool.take()).map(ClOrdId::slot).collect();
    assert_eq!(taken, [100, 102]);
    assert!(pool.on_update(&ended(last)));
    assert_eq!(pool.take(), Some(ClOrdId::new(9, StrategyId(3), 101, 0)));
}

/// Goal: the ring finds exactly the latest facts by name. Method: names drawn at random, few enough
/// that they come again; after each step every name is looked up, against a queue of the latest.
#[test]
fn facts_equal_a_queue_of_the_latest() {
    for capacity in [1_usize, 2, 3, 7, 32] {
        let mut facts = Facts::new(capacity);
        let mut marks = [0_u32; 8];
        let mut latest: VecDeque<(u64, u64, FactKind, Qty)> = VecDeque::new();
        let mut state = capacity as u64;
        for step in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let roll = (state >> 33) * 7;
            let kind = if roll.is_multiple_of(4) { FactKind::Cancel } else { FactKind::Fill };
            let (root, number) = (1 + roll % 5, roll / 5 % (capacity as u64 * 2));
            let is_new = facts.find(ClOrdId(root), kind, number).is_none();
            let known = latest.iter().any(|name| (name.0, name.1, name.2) == (root, number, kind));
            assert_eq!(is_new, !known, "capacity {capacity} step {step}");
            if is_new {
                let (root, qty) = (ClOrdId(root), Qty(step));
                let mark = &mut marks[root.0 as usize];
                facts.insert(Fact { root, number, qty, kind, ..Fact::default() }, mark);
                latest.push_back((root.0, number, kind, qty));
                if latest.len() > capacity {
                    let (root, number, kind, _) = latest.pop_front().unwrap();
                    assert_eq!(facts.find(ClOrdId(root), kind, number), None, "step {step}");
                }
            }
            for &(root, number, kind, qty) in &latest {
                let found = facts.find(ClOrdId(root), kind, number);
                let found = found.and_then(|at| facts.get(at)).map(|fact| fact.qty);
                assert_eq!(found, Some(qty), "capacity {capacity} step {step}");
            }
        }
        let held: Vec<Qty> = facts.iter().map(|fact| fact.qty).collect();
        assert_eq!(held, latest.iter().map(|name| name.3).collect::<Vec<_>>());
    }
}

/// Every event, with quantities around an order of 100.
fn events(id: ClOrdId) -> Vec<Event> {
    let next = id.successor().unwrap();
    let venue_ord_id = shm::ids::VenueOrdId(5);
    let mut events = vec![
        Event::SessionLost,
        Event::TimedOut,
        Event::AskCancel,
        Event::ReplacePending { seq: 6 },
    ];
    for seq in [2, 9] {
        events.push(Event::CancelPending { seq });
        for &why in CancelRefusal::ALL {
            events.push(Event::CancelRejected { why, seq });
        }
        for phase in [Phase::Working, Phase::Suspended, Phase::Stopped, Phase::DoneForDay] {
            events.push(Event::Phase { phase, seq });
        }
    }
    for expired in [false, true] {
        events.push(Event::Ended { expired, seq: 7 });
    }
    for id in [id, next] {
        events.extend([
            Event::Rejected { id },
            Event::NeverSent { id },
            Event::SendFailed { id },
            Event::Absent { id },
            Event::Restated { id, px: Price(3), qty: Qty(30), venue_ord_id, seq: 3 },
            Event::AskReplace { id: next, px: Price(2), qty: Qty(150) },
        ]);
        for dead in [false, true] {
            let (px, seq) = (Price(1), 1);
            events.push(Event::Accepted { id, px, qty: Qty(100), venue_ord_id, seq, dead });
            events.push(Event::Replaced { id, px, exposed: Qty(50), venue_ord_id, seq, dead });
        }
        for qty in [Qty(0), Qty(40), Qty(100), Qty(i64::MAX)] {
            events.push(Event::Canceled { id, qty, seq: 8 });
        }
    }
    for (cum, undone) in [(0, 0), (40, 0), (100, 0), (i64::MAX, 0), (0, 40), (-40, 40), (-40, 0)] {
        events.push(Event::Filled { id, cum, undone, seq: 4 });
    }
    events
}

/// Goal: every event in every state is defined: no panic, and what always holds does. Method: all
/// sequences of three events, impossible ones and the ends of the integer among them.
#[test]
fn t03_the_transition_function_is_total() {
    let id = ClOrdId::new(9, StrategyId(3), 100, 0);
    let order = Order {
        root: id,
        last: id,
        terms: state::Terms { id, px: Price(1), qty: Qty(100), ..state::Terms::default() },
        side: Some(shm::message::Side::Buy),
        ..Order::default()
    };
    let events = events(id);
    let mut bases = std::collections::BTreeSet::new();
    let mut steps = 0;
    let mut walk = |first: &Event, second: &Event, third: &Event| {
        let mut order = order;
        for event in [first, second, third] {
            order.apply(*event);
            let base = order.base();
            bases.insert(base as u8);
            steps += 1;
            let leaves = order.leaves_qty();
            assert!(leaves.0 >= 0);
            assert!(!base.is_terminal() || (leaves == Qty::ZERO && order.pending() == 0));
            assert!(order.owns(order.terms.id) && order.root == id);
            if let Some((qty, value)) = order.reservation(1) {
                assert!(qty >= leaves && value.0 >= 0);
                assert!(!base.is_terminal() || qty == Qty::ZERO);
            }
        }
    };
    for first in &events {
        for second in &events {
            for third in &events {
                walk(first, second, third);
            }
        }
    }
    println!("{steps} steps over {} events, {} states", events.len(), bases.len());
    // All but Denied, which has no row, and PendingNew, which is Approved here.
    assert_eq!(bases.len(), Base::ALL.len() - 2);
}

/// Goal: the list of working orders is the set of rows that work, in the order they began. Method:
/// random opens and ends over eight slots against a list.
#[test]
fn the_working_list_is_the_rows_that_work() {
    let mut table = OrderTable::new(8, 4, 4, 4);
    let mut list: Vec<ClOrdId> = Vec::new();
    let mut uses = [0_u32; 8];
    let mut state = 7_u64;
    for _ in 0..10_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let slot = (state >> 33) as u32 % 8;
        let held = list.iter().position(|id| id.slot() == slot);
        match held {
            None => {
                let id = ClOrdId::new(1, StrategyId(0), slot, uses[slot as usize]);
                uses[slot as usize] += 1;
                let terms = state::Terms { id, qty: Qty(10), ..state::Terms::default() };
                assert!(table.open(Order { root: id, last: id, terms, ..Order::default() }));
                assert!(!table.open(Order { root: id, last: id, terms, ..Order::default() }));
                list.push(id);
            }
            Some(at) => {
                let id = list.remove(at);
                let place = table.find(id).unwrap();
                table.apply(place, Event::Rejected { id });
            }
        }
        let found: Vec<ClOrdId> = table.working().map(|order| order.root).collect();
        assert_eq!(found, list);
        assert_eq!(table.working_count() as usize, list.len());
    }
}
