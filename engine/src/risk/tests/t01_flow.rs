use super::*;
use crate::config::limits::Limit;
use crate::config::model::SelfTrade;
use crate::risk::moves::Moves;
use crate::risk::own_book::OwnBook;
use crate::risk::{MET_MAX, Mode};

const SECOND: u64 = Nanos::SECOND.0;

fn later(rig: &mut Rig, by: u64) {
    rig.now.0 += by;
    let now = rig.now;
    rig.risk.on_market(&sample::live(now));
}

/// Goal: a price is at most n ticks worse than the best fill of its side within the window, in each
/// scope; a fill exactly as old as the window has left it. Method: a fill at 10.00, prices of both
/// sides around 5 ticks from it, then the clock to the window's edge.
#[test]
fn t01_r26_prices_paid_of_late_stay_near() {
    for scope in SCOPES {
        for (side, px, passes) in [
            (Side::Buy, 1_004, true),
            (Side::Buy, 1_005, true),
            (Side::Buy, 1_006, false),
            (Side::Buy, 900, true),
            (Side::Sell, 995, true),
            (Side::Sell, 994, false),
            (Side::Sell, 1_100, true),
        ] {
            let mut rig = Rig::only(scope, |row| {
                row.rate.move_ticks_max = Limit::Max(5);
                row.rate.move_per = Nanos(SECOND);
            });
            for (at, side) in [Side::Buy, Side::Sell].into_iter().enumerate() {
                let order = rig.order(side, MIDDLE, shares(1));
                rig.passes(&order);
                rig.fill(&order, shares(1), at as u64 + 1);
            }
            let intent = rig.order(side, cents(px), shares(1));
            assert_eq!(rig.reason(&intent).is_none(), passes, "{scope:?} {side} {px}");
            if !passes {
                later(&mut rig, SECOND - 1);
                assert_eq!(rig.reason(&intent), Some(Reason::CollarWindow));
                later(&mut rig, 1);
                assert_eq!(rig.reason(&intent), None, "it has left");
            }
        }
    }
}

/// Goal: the short queue of fills is never looser than the list of all fills. Method: random fills
/// and questions against a list; equal while few prices are in the window, else at least as strict.
#[test]
fn t01_r26_the_queue_is_never_looser_than_a_list() {
    for seed in 0..50_u64 {
        let mut dice = Dice::new(seed);
        let spread = 2 + dice.roll(40);
        let per = Nanos(1 + dice.roll(50));
        let mut moves = Moves::new(1, 1);
        let mut list: Vec<(i64, Nanos)> = Vec::new();
        let mut now = Nanos(0);
        for step in 0..400 {
            now.0 += dice.roll(8);
            let px = dice.roll(spread) as i64;
            let (account, instrument) = (AccountId(0), InstrumentId(0));
            let inside = list.iter().filter(|(_, at)| now.0 - at.0 < per.0);
            let best = inside.map(|(px, _)| *px).min();
            let found = moves.paid(account, instrument, Side::Buy, Price(px), per, now);
            let expected = best.map(|best| i128::from(px - best));
            if spread <= 8 {
                assert_eq!(found, expected, "seed {seed} step {step}");
            }
            assert!(found >= expected, "seed {seed} step {step}: {found:?} {expected:?}");
            if dice.roll(2) == 0 {
                moves.push(account, instrument, Side::Buy, Price(px), now);
                list.push((px, now));
            }
        }
    }
}

/// Goal: the n-th order of a scope's window passes, the next is refused, cancels are free. Method:
/// n = 3 a second in each scope, orders and a replace; the edges of the window; zero.
#[test]
fn t01_r41_orders_of_a_scope_keep_its_rate() {
    for scope in SCOPES {
        let mut rig = Rig::only(scope, |row| {
            row.rate.orders_max = Limit::Max(3);
            row.rate.per = Nanos(SECOND);
        });
        let first = rig.buy();
        rig.passes(&first);
        later(&mut rig, 1);
        let replace = rig.replacing(&first, cents(999), shares(100));
        rig.passes(&replace);
        let cancel = rig.cancelling(&replace);
        assert!(rig.judge(&cancel).is_ok(), "a cancel does not count");
        let third = rig.buy();
        rig.passes(&third);
        let intent = rig.buy();
        let expected = Denied { reason: Reason::RateStrategy, measured: 4, limit: 3 };
        assert_eq!(rig.judge(&intent), Err(expected), "{scope:?}");
        later(&mut rig, SECOND - 2);
        assert_eq!(rig.reason(&intent), Some(Reason::RateStrategy));
        later(&mut rig, 1);
        assert_eq!(rig.reason(&intent), None, "the first has left");
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.rate.orders_max = Limit::Max(0));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::RateStrategy), "zero means zero");
}

/// Goal: after the floor, orders at most ratio times trades, of which at least one is counted.
/// Method: floor 2, ratio 3: orders up to the third, the fourth, and again after two fills.
#[test]
fn t01_r42_orders_are_at_most_the_ratio_times_trades() {
    for scope in SCOPES {
        let mut rig = Rig::only(scope, |row| {
            row.day.orders_per_trade_max = Limit::Max(3);
            row.day.orders_floor = 2;
        });
        let orders = [rig.buy(), rig.buy(), rig.buy()];
        for order in &orders {
            rig.passes(order);
        }
        let intent = rig.buy();
        let expected = Denied { reason: Reason::OrderToTrade, measured: 4, limit: 3 };
        assert_eq!(rig.judge(&intent), Err(expected), "{scope:?}");
        rig.fill(&orders[0], shares(1), 1);
        assert_eq!(rig.reason(&intent), Some(Reason::OrderToTrade), "one trade counts as one");
        rig.fill(&orders[0], shares(1), 2);
        assert_eq!(rig.reason(&intent), None);
    }
    let floor = |floor| {
        Rig::only(Scope::Firm, |row| {
            row.day.orders_per_trade_max = Limit::Max(0);
            row.day.orders_floor = floor;
        })
    };
    let (mut none, mut one) = (floor(0), floor(1));
    let intent = none.buy();
    assert_eq!(none.reason(&intent), Some(Reason::OrderToTrade), "zero means zero");
    let intent = one.buy();
    assert_eq!(one.reason(&intent), None, "the floor is free");
}

/// Goal: executions before the N-th change nothing, the N-th disables the scope until a person
/// re-arms it: CANCEL_ONLY, an alarm, a closed gate, and R44 after the mode alone was lifted.
/// Method: N = 3 in each scope.
#[test]
fn t01_r44_the_nth_execution_disables_until_a_person_rearms() {
    for scope in SCOPES {
        let mut rig = Rig::only(scope, |row| row.day.executions_max = Limit::Max(3));
        let order = rig.buy();
        rig.passes(&order);
        rig.fill(&order, shares(1), 1);
        rig.fill(&order, shares(1), 2);
        rig.fill(&order, shares(1), 2);
        assert_eq!(rig.risk.take_alarm(), None, "a repeat is not one more");
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), None);
        rig.fill(&order, shares(1), 3);
        let alarm = rig.risk.take_alarm().unwrap();
        assert_eq!((alarm.reason, alarm.scope), (Reason::Repeated, scope));
        assert_eq!((alarm.measured, alarm.limit, alarm.tripped), (3, 2, Mode::CancelOnly));
        assert!(alarm.closes_gate);
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), Some(Reason::Mode));
        rig.risk.rearm(scope);
        assert_eq!(rig.risk.take_alarm().unwrap().tripped, Mode::Active);
        assert_eq!(rig.reason(&intent), None);
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.day.executions_max = Limit::Max(0));
    let intent = rig.buy();
    let expected = Denied { reason: Reason::Repeated, measured: 0, limit: -1 };
    assert_eq!(rig.judge(&intent), Err(expected), "zero means zero");
}

fn trading_with_itself(mode: SelfTrade, groups: [u16; 2]) -> Rig {
    let mut setup = only(Scope::Firm, |_| {});
    for (account, group) in setup.accounts.iter_mut().zip(groups) {
        (account.group, account.self_trade) = (group, mode);
    }
    Rig::new(&setup)
}

/// Goal: an order that would meet an own resting one of the group is refused; one tick away, in
/// another instrument, of another group, or after its end it passes. Method: each, both sides.
#[test]
fn t01_r45_an_order_never_meets_an_own_resting_one() {
    for (side, meets, misses) in [(Side::Buy, 1_005, 1_004), (Side::Sell, 1_005, 1_006)] {
        let mut rig = trading_with_itself(SelfTrade::Reject, [0, 1]);
        let resting = rig.order(side.opposite(), cents(1_005), shares(100));
        rig.passes(&resting);
        let intent = rig.order(side, cents(meets), shares(1));
        let px = i128::from(cents(1_005).0);
        let expected = Denied { reason: Reason::SelfTrade, measured: px, limit: px };
        assert_eq!(rig.judge(&intent), Err(expected), "{side}");
        let away = rig.order(side, cents(misses), shares(1));
        assert_eq!(rig.reason(&away), None);
        let mut elsewhere = rig.order(side, cents(meets), shares(1));
        elsewhere.instrument = InstrumentId(1);
        let now = rig.now;
        rig.risk.on_market(&sample::top(1, cents(999), cents(1_001), 0, now));
        assert_eq!(rig.reason(&elsewhere), None);
        let mut stranger = rig.order(side, cents(meets), shares(1));
        stranger.cl_ord_id = rig.pools[2].take().unwrap();
        assert_eq!(rig.reason(&stranger), None, "of another group");
        rig.fill(&resting, shares(100), 1);
        assert_eq!(rig.reason(&intent), None, "nothing rests any more");
    }
    let mut rig = trading_with_itself(SelfTrade::Reject, [0, 0]);
    let resting = rig.order(Side::Sell, cents(1_005), shares(100));
    rig.passes(&resting);
    let mut other = rig.order(Side::Buy, cents(1_005), shares(1));
    other.cl_ord_id = rig.pools[2].take().unwrap();
    assert_eq!(rig.reason(&other), Some(Reason::SelfTrade), "of the same group");
}

/// Goal: while a replace is on its way both prices count; a refused one gives its price back, one
/// confirmed the old. Method: a sell from 10.05 to 10.02 and to 10.08.
#[test]
fn t01_r45_a_replace_counts_at_its_more_dangerous_price() {
    for (new, confirmed, meets) in
        [(1_002, true, 1_002), (1_002, false, 1_005), (1_008, true, 1_008), (1_008, false, 1_005)]
    {
        let mut rig = trading_with_itself(SelfTrade::Reject, [0, 0]);
        let resting = rig.order(Side::Sell, cents(1_005), shares(100));
        rig.passes(&resting);
        rig.accept(&resting);
        let replace = rig.replacing(&resting, cents(new), shares(100));
        rig.passes(&replace);
        let worse = new.min(1_005);
        let intent = rig.order(Side::Buy, cents(worse), shares(1));
        assert_eq!(rig.reason(&intent), Some(Reason::SelfTrade), "{new}");
        let kind = if confirmed { Kind::Replaced } else { Kind::Rejected };
        rig.report(said(kind, replace.cl_ord_id, cents(new), shares(100), 0));
        let away = rig.order(Side::Buy, cents(meets - 1), shares(1));
        assert_eq!(rig.reason(&away), None, "{new} {confirmed}");
        let intent = rig.order(Side::Buy, cents(meets), shares(1));
        assert_eq!(rig.reason(&intent), Some(Reason::SelfTrade), "{new} {confirmed}");
    }
}

/// Goal: where resting orders are to be cancelled first, they are named, the new order is refused
/// until the venue has confirmed the cancel, and passes then. Method: two resting sells, one met;
/// more of them than are named at once.
#[test]
fn t01_r45_resting_orders_are_cancelled_first_where_asked() {
    for mode in [SelfTrade::CancelResting, SelfTrade::Both] {
        let mut rig = trading_with_itself(mode, [0, 0]);
        let near = rig.order(Side::Sell, cents(1_003), shares(100));
        let far = rig.order(Side::Sell, cents(1_008), shares(100));
        rig.passes(&near);
        rig.passes(&far);
        let intent = rig.order(Side::Buy, cents(1_005), shares(1));
        let (ids, count) = rig.risk.to_cancel_first(&intent, intent.px);
        assert_eq!(ids.get(..count), Some([near.cl_ord_id].as_slice()));
        assert_eq!(rig.reason(&intent), Some(Reason::SelfTrade), "not cancelled yet");
        let cancel = rig.cancelling(&near);
        assert!(rig.judge(&cancel).is_ok());
        assert_eq!(rig.risk.to_cancel_first(&intent, intent.px).1, 0);
        assert_eq!(rig.reason(&intent), Some(Reason::SelfTrade), "not confirmed yet");
        rig.report(said(Kind::Canceled, near.cl_ord_id, near.px, shares(100), 0));
        assert_eq!(rig.reason(&intent), None, "{mode:?}");
    }
    let mut rig = trading_with_itself(SelfTrade::CancelResting, [0, 0]);
    for step in 0..=MET_MAX as u32 {
        let resting = rig.order(Side::Sell, cents(1_003), shares(100 + step));
        rig.passes(&resting);
    }
    let intent = rig.order(Side::Buy, cents(1_005), shares(1));
    assert_eq!(rig.risk.to_cancel_first(&intent, intent.px).1, MET_MAX);
    let mut rig = trading_with_itself(SelfTrade::Reject, [0, 0]);
    let resting = rig.order(Side::Sell, cents(1_003), shares(100));
    rig.passes(&resting);
    let intent = rig.order(Side::Buy, cents(1_005), shares(1));
    assert_eq!(rig.risk.to_cancel_first(&intent, intent.px).1, 0);
}

/// Goal: the best price of each list is that of a plain list. Method: random entries, moves and
/// ends against a map.
#[test]
fn t01_r45_the_own_book_equals_a_plain_list() {
    for seed in 0..50_u64 {
        let mut dice = Dice::new(seed);
        let mut book = OwnBook::new(32, 2, 2);
        let mut plain: Vec<Option<(u16, u32, Side, Price)>> = vec![None; 32];
        for step in 0..600 {
            let slot = dice.roll(32) as usize;
            let (group, instrument, side) = match plain[slot] {
                Some((group, instrument, side, _)) => (group, instrument, side),
                None => {
                    let side = if dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
                    (dice.roll(2) as u16, dice.roll(2) as u32, side)
                }
            };
            let px = (dice.roll(3) > 0).then(|| Price(dice.roll(20) as i64));
            book.set(slot as u32, group, InstrumentId(instrument), side, px);
            plain[slot] = px.map(|px| (group, instrument, side, px));
            for group in 0..2 {
                for instrument in 0..2 {
                    for side in [Side::Buy, Side::Sell] {
                        let px = Price(dice.roll(20) as i64);
                        let met = plain.iter().flatten().filter(|row| {
                            (row.0, row.1, row.2) == (group, instrument, side.opposite())
                                && match side {
                                    Side::Buy => px >= row.3,
                                    Side::Sell => px <= row.3,
                                }
                        });
                        let at = InstrumentId(instrument);
                        let found = book.met(group, at, side, px).count();
                        assert_eq!(found, met.clone().count(), "seed {seed} step {step}");
                        let best = met.map(|row| row.3);
                        let best = if side == Side::Buy { best.min() } else { best.max() };
                        assert_eq!(book.meets(group, at, side, px), best, "seed {seed} {step}");
                    }
                }
            }
        }
    }
}

fn breaking(scope: Scope) -> Rig {
    Rig::only(scope, |row| {
        row.breaker.rejects_max = Limit::Max(2);
        row.breaker.cancel_rejects_max = Limit::Max(2);
        row.breaker.disconnects_max = Limit::Max(2);
        row.breaker.per = Nanos(SECOND);
    })
}

fn trips(rig: &mut Rig, scope: Scope) {
    let alarm = rig.risk.take_alarm().unwrap();
    assert_eq!((alarm.reason, alarm.scope), (Reason::Breaker, scope));
    assert_eq!((alarm.measured, alarm.limit), (3, 2));
    assert_eq!(alarm.tripped, Mode::CancelOnly);
    assert!(alarm.closes_gate);
    let intent = rig.order(Side::Buy, cents(998), shares(1));
    assert_eq!(rig.reason(&intent), Some(Reason::Mode));
    rig.risk.rearm(scope);
    rig.risk.take_alarm();
    assert_eq!(rig.reason(&intent), None);
}

/// Goal: k refusals in a row, k refused cancels, k lost sessions in the window change nothing, the
/// next one sets CANCEL_ONLY; an acceptance ends a row; what has left the window does not count.
/// Method: k = 2 in each scope, each kind.
#[test]
fn t01_r46_one_more_than_k_sets_cancel_only() {
    for scope in SCOPES {
        let mut rig = breaking(scope);
        let refuse = |rig: &mut Rig| {
            let order = rig.order(Side::Buy, cents(999), shares(1));
            rig.passes(&order);
            rig.report(said(Kind::Rejected, order.cl_ord_id, Price::NONE, Qty::ZERO, 0));
        };
        refuse(&mut rig);
        refuse(&mut rig);
        let accepted = rig.buy();
        rig.passes(&accepted);
        rig.accept(&accepted);
        refuse(&mut rig);
        refuse(&mut rig);
        later(&mut rig, SECOND);
        refuse(&mut rig);
        refuse(&mut rig);
        assert_eq!(rig.risk.take_alarm(), None, "{scope:?}");
        refuse(&mut rig);
        trips(&mut rig, scope);
        let order = rig.buy();
        rig.passes(&order);
        rig.accept(&order);
        for at in 0..3 {
            assert_eq!(rig.risk.take_alarm(), None, "{at}");
            let cancel = rig.cancelling(&order);
            assert!(rig.judge(&cancel).is_ok());
            rig.report(said(Kind::CancelRejected, order.cl_ord_id, Price::NONE, Qty::ZERO, 0));
        }
        trips(&mut rig, scope);
    }
    for scope in SCOPES.into_iter().take(3) {
        let mut rig = breaking(scope);
        for _ in 0..3 {
            assert_eq!(rig.risk.take_alarm(), None);
            rig.report(sample::session(false));
            rig.report(sample::session(true));
        }
        trips(&mut rig, scope);
    }
}

/// Goal: a breaker that has tripped refuses by itself while its window holds, even where a person
/// has set the mode alone. Method: trip, see that only re-arming helps before the window is over.
#[test]
fn t01_r46_a_tripped_breaker_refuses_by_itself() {
    let mut rig = breaking(Scope::Firm);
    for _ in 0..3 {
        rig.report(sample::session(false));
        rig.report(sample::session(true));
    }
    rig.risk.scopes.get_mut(0).unwrap().tripped = Mode::Active;
    let intent = rig.buy();
    let expected = Denied { reason: Reason::Breaker, measured: 3, limit: 2 };
    assert_eq!(rig.judge(&intent), Err(expected));
    later(&mut rig, SECOND);
    assert_eq!(rig.reason(&intent), None);
}
