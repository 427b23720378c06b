use super::*;
use crate::config::limits::Limit;
use crate::risk::duplicate::{Likeness, Repeats};
use crate::risk::rate::RateWindow;
use shm::ids::AccountId;

fn rig(rate: u32, reserve: u32) -> Rig {
    let mut setup = sample::setup(64);
    setup.gateways[0].rate = rate;
    setup.gateways[0].reserve = reserve;
    setup.limits.rows[0].repeat.same_max = Limit::Unlimited;
    Rig::new(&setup)
}

/// Goal: the n-th message of a window passes, the next is refused, one exactly as old as the window
/// has left it. Method: 10 messages a second, 3 kept for cancels; then the clock to each edge.
#[test]
fn t01_r40_orders_use_the_rate_less_the_reserve() {
    let mut rig = rig(10, 3);
    let began = rig.now;
    for at in 0..7 {
        rig.now = Nanos(began.0 + at);
        let intent = rig.buy();
        rig.passes(&intent);
    }
    let intent = rig.buy();
    let expected = Denied { reason: Reason::Rate, measured: 8, limit: 7 };
    assert_eq!(rig.judge(&intent), Err(expected));
    rig.now = Nanos(began.0 + Nanos::SECOND.0 - 1);
    assert_eq!(rig.reason(&intent), Some(Reason::Rate));
    rig.now = Nanos(began.0 + Nanos::SECOND.0);
    assert_eq!(rig.reason(&intent), None, "the first has left");
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Rate), "the second has not");
}

/// Goal: cancels use the reserve, are never refused, and count. Method: more cancels than the whole
/// rate, then an order.
#[test]
fn t01_r40_cancels_are_never_refused_and_count() {
    let mut rig = rig(10, 3);
    let first = rig.buy();
    rig.passes(&first);
    let cancel = rig.cancelling(&first);
    for _ in 0..30 {
        assert!(matches!(rig.decide(&cancel), Decision::Cancel { .. }));
    }
    let second = rig.buy();
    let expected = Denied { reason: Reason::Rate, measured: 11, limit: 7 };
    assert_eq!(rig.judge(&second), Err(expected));
}

/// Goal: a clock that steps back fires, stretches or empties no window. Method: the clock an hour
/// back between two orders, which R08 refuses; then at its old place again.
#[test]
fn t01_r40_a_clock_that_steps_back_opens_no_window() {
    let mut rig = rig(2, 0);
    for _ in 0..2 {
        let intent = rig.buy();
        rig.passes(&intent);
    }
    let early = Context { now: Nanos(1), ..rig.context() };
    let intent = rig.buy();
    assert_eq!(rig.judge_in(&intent, &early).unwrap_err().reason, Reason::Clock);
    assert_eq!(rig.reason(&intent), Some(Reason::Rate));
}

/// Goal: the ring agrees with a plain list. Method: random steps of time against a list of times.
#[test]
fn t01_r40_window_equals_a_list_of_times() {
    for seed in 0..50_u64 {
        let mut dice = Dice::new(seed);
        let rate = 1 + dice.roll(20) as u32;
        let reserve = dice.roll(u64::from(rate)) as u32;
        let per = Nanos(1 + dice.roll(100));
        let mut window = RateWindow::new(rate, reserve, per);
        let mut times: Vec<Nanos> = Vec::new();
        let mut now = Nanos(0);
        for step in 0..500 {
            now.0 += dice.roll(per.0 / 4 + 2);
            let inside = times.iter().filter(|time| now.0 - time.0 < per.0).count();
            let at = format!("seed {seed} step {step}");
            assert_eq!(window.has_room(now), inside < (rate - reserve) as usize, "{at}");
            assert_eq!(window.used(now) as usize, inside.min(rate as usize), "{at}");
            if dice.roll(3) > 0 {
                window.push(now);
                times.push(now);
            }
        }
    }
}

/// Goal: the k-th equal order in a window passes, the next is refused; another price, quantity,
/// side, instrument or account is another order. Method: k = 5, then each term changed.
#[test]
fn t01_r43_the_kth_equal_order_is_the_last() {
    let mut rig = Rig::sample();
    let began = rig.now;
    for at in 0..5 {
        rig.now = Nanos(began.0 + at);
        let intent = rig.buy();
        rig.passes(&intent);
    }
    let intent = rig.buy();
    let expected = Denied { reason: Reason::Duplicate, measured: 6, limit: 5 };
    assert_eq!(rig.judge(&intent), Err(expected));
    let now = rig.now;
    rig.risk.on_market(&sample::top(1, cents(999), cents(1001), 0, now));
    let changes: [fn(&mut Intent); 4] = [
        |intent| intent.px = cents(999),
        |intent| intent.qty = shares(101),
        |intent| intent.side = Side::Sell as u8,
        |intent| intent.instrument = InstrumentId(1),
    ];
    for change in changes {
        let mut other = rig.buy();
        change(&mut other);
        assert_eq!(rig.reason(&other), None);
    }
    let mut other = rig.buy();
    other.cl_ord_id = rig.pools[2].take().unwrap();
    assert_eq!(rig.reason(&other), None, "of another account");
    let mut same = rig.buy();
    same.cl_ord_id = rig.pools[0].take().unwrap();
    assert_eq!(rig.reason(&same), Some(Reason::Duplicate), "of the same account");
    rig.now = Nanos(began.0 + Nanos::SECOND.0 - 1);
    assert_eq!(rig.reason(&intent), Some(Reason::Duplicate));
    rig.now = Nanos(began.0 + Nanos::SECOND.0);
    assert_eq!(rig.reason(&intent), None, "the first has left");
}

/// Goal: zero means zero, and a replace counts as an order. Method: limits 0 and 1.
#[test]
fn t01_r43_zero_means_zero_and_replaces_count() {
    let mut rig = Rig::with(|row| row.repeat.same_max = Limit::Max(0));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Duplicate));
    let mut rig = Rig::with(|row| row.repeat.same_max = Limit::Max(1));
    let first = rig.order(Side::Buy, cents(999), shares(100));
    rig.passes(&first);
    let replace = rig.replacing(&first, MIDDLE, shares(100));
    rig.passes(&replace);
    let second = rig.buy();
    assert_eq!(rig.reason(&second), Some(Reason::Duplicate));
}

/// Goal: where the ring is too short for the window it refuses rather than forgets; else it equals
/// a list. Method: random pushes of few kinds, rings of few places.
#[test]
fn t01_r43_ring_equals_a_list_and_fails_closed() {
    for seed in 0..50_u64 {
        let mut dice = Dice::new(seed);
        let room = 1 + dice.roll(40) as usize;
        let per = Nanos(1 + dice.roll(60));
        let mut repeats = Repeats::new(room);
        let mut list: Vec<(Likeness, Nanos)> = Vec::new();
        let mut now = Nanos(0);
        for step in 0..600 {
            now.0 += dice.roll(4);
            let likeness = Likeness {
                account: AccountId(0),
                instrument: InstrumentId(dice.roll(2) as u32),
                side: if dice.roll(2) == 0 { Side::Buy } else { Side::Sell },
                px: Price(dice.roll(2) as i64),
                qty: Qty(1),
            };
            let enough = dice.roll(10) as u32;
            let inside = |(_, at): &&(Likeness, Nanos)| now.0 - at.0 < per.0;
            let equal = list.iter().filter(inside).filter(|(other, _)| *other == likeness).count();
            let oldest = list.len().checked_sub(room).filter(|dropped| *dropped > 0);
            let dropped = oldest.and_then(|at| list.get(at)).is_some_and(|oldest| inside(&oldest));
            let expected = if dropped { enough } else { (equal as u32).min(enough) };
            let found = repeats.count(&likeness, per, now, enough);
            assert_eq!(found, expected, "seed {seed} step {step}");
            repeats.push(likeness, now);
            list.push((likeness, now));
        }
    }
}

/// Goal: the run that the instruction gate counts is what it says: every order passes.
#[test]
fn the_sample_run_passes_every_check() {
    assert_eq!(sample::DecideRun::new(5_000).run(), 5_000);
}
