//! K2: what closes a gate by itself, where the configuration asks for it.

use super::*;
use crate::config::limits::Limit;
use crate::risk::Mode;
use crate::risk::setup::Closes;

const ACCOUNT: Scope = Scope::Account(AccountId(0));

fn rig(closes: Closes, change: impl FnOnce(&mut LimitRow)) -> Rig {
    Rig::new(&Setup { closes, ..only(ACCOUNT, change) })
}

/// Goal: a loss and a fall from the best beyond their limits close the gate where they are to, also
/// of a scope that R32 has left with reductions only; else they leave reductions. Method: 100
/// shares bought at 10.00, marked one cent beyond a loss of 100 dollars.
#[test]
fn k2_a_loss_closes_the_gate_where_it_is_to() {
    type Change = fn(&mut LimitRow);
    let cases: [Change; 3] = [
        |row| row.money.loss_max = Limit::Max(dollars(100)),
        |row| row.money.drawdown_max = Limit::Max(dollars(100)),
        |row| row.money.loss_max = Limit::Max(dollars(100)),
    ];
    for (at, change) in cases.into_iter().enumerate() {
        for loss in [false, true] {
            let mut rig = rig(Closes { loss, unresolved: false }, change);
            let order = rig.buy();
            rig.passes(&order);
            rig.fill(&order, shares(100), 1);
            if at == 2 {
                rig.risk.trip(ACCOUNT, Reason::Gross, Mode::ReduceOnly, 1, 0);
                assert!(rig.risk.take_alarm().is_some_and(|alarm| !alarm.closes_gate));
            }
            rig.book(cents(899).0, cents(901).0);
            assert_eq!(rig.risk.take_alarm(), None, "at the limit");
            rig.book(cents(898).0, cents(900).0);
            let alarm = rig.risk.take_alarm();
            if at == 2 && !loss {
                assert_eq!(alarm, None, "it has fallen as far");
                continue;
            }
            let alarm = alarm.unwrap();
            let mode = if loss { Mode::CancelOnly } else { Mode::ReduceOnly };
            assert_eq!((alarm.reason, alarm.scope), (Reason::Loss, ACCOUNT));
            assert_eq!((alarm.tripped, alarm.closes_gate), (mode, loss));
            assert_eq!(rig.risk.take_alarm(), None, "said once");
        }
    }
}

/// Goal: more unknown orders than R07 allows, or one for too long, close the gate where they are
/// to, once; else nothing falls. Method: two orders on their way when the session goes; limits of
/// one order, and of two for a second.
#[test]
fn k2_unknown_orders_close_the_gate_where_they_are_to() {
    for unresolved in [false, true] {
        for by_age in [false, true] {
            let mut rig = rig(Closes { loss: false, unresolved }, |row| {
                row.unresolved.count_max = Limit::Max(if by_age { 2 } else { 1 });
                row.unresolved.age_max = Limit::Max(Nanos::SECOND);
            });
            for px in [990, 991] {
                let order = rig.order(Side::Buy, cents(px), shares(1));
                rig.passes(&order);
            }
            let now = rig.now;
            assert!(!rig.risk.is_unresolved(now));
            rig.report(sample::session(false));
            if by_age {
                rig.now.0 += Nanos::SECOND.0;
                assert!(!rig.risk.is_unresolved(rig.now), "at the limit");
                rig.now.0 += 1;
            }
            let now = rig.now;
            assert_eq!(rig.risk.is_unresolved(now), unresolved);
            rig.risk.trip_unresolved(now);
            let alarm = rig.risk.take_alarm();
            assert_eq!(alarm.is_some(), unresolved);
            if let Some(alarm) = alarm {
                assert_eq!((alarm.reason, alarm.scope), (Reason::Unresolved, ACCOUNT));
                assert!(alarm.closes_gate && alarm.tripped == Mode::CancelOnly);
                assert!(alarm.measured > alarm.limit);
            }
            assert!(!rig.risk.is_unresolved(now) && rig.risk.take_alarm().is_none(), "once");
        }
    }
}

/// Goal: a crash does not forget the session's best profit: after it the drawdown is measured from
/// no less, and from at most a 64th of the limit more. Method: 100 shares bought at 10.00, marked
/// at ever better prices to 12.00; the records alone, twice over; then marks around 11.00, where
/// the limit of 100 dollars is.
#[test]
fn t01_r36_the_best_of_the_session_outlives_a_crash() {
    let setup = only(ACCOUNT, |row| row.money.drawdown_max = Limit::Max(dollars(100)));
    let mut rig = Rig::new(&setup);
    let order = rig.buy();
    rig.passes(&order);
    rig.fill(&order, shares(100), 1);
    let mut peaks = 0;
    for middle in 1_001..=1_200 {
        rig.book(cents(middle - 1).0, cents(middle + 1).0);
        while let Some(peak) = rig.risk.take_peak() {
            rig.keep(RecordKind::ScopePeak, peak.bytes());
            peaks += 1;
        }
    }
    let real = rig.risk.scope(ACCOUNT).unwrap().peak;
    assert_eq!(real, dollars(200).0);
    assert!((50..=129).contains(&peaks), "{peaks} records for 128 steps");
    let mut crashed = Risk::new(&setup);
    for (kind, body, ts) in &rig.journal {
        crashed.restore(*kind, body, *ts).unwrap();
    }
    let mut next = Risk::new(&setup);
    crashed.carry(false, &mut |kind, body| next.restore(kind, body, rig.now).unwrap());
    let kept = next.scope(ACCOUNT).unwrap().peak;
    let step = dollars(100).0 / 64 + 1;
    assert!((real..=real + step).contains(&kept), "{kept} of {real}");
    next.on_market(&sample::live(rig.now));
    let quote = |risk: &mut Risk, middle: i64| {
        risk.on_market(&sample::top(0, cents(middle - 1), cents(middle + 1), 0, rig.now));
    };
    quote(&mut next, 1_102);
    assert_eq!(next.take_alarm(), None);
    quote(&mut next, 1_099);
    let alarm = next.take_alarm().unwrap();
    assert_eq!((alarm.reason, alarm.scope), (Reason::Loss, ACCOUNT));
}
