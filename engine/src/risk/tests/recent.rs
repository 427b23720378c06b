//! What windows hold, over a restart (R26, R40, R41, R43, R46).

use super::*;
use crate::config::limits::Limit;

const SECOND: u64 = Nanos::SECOND.0;

impl Rig {
    /// The engine starts again, its clock at `now`: what the journal says, carried, and the market
    /// and the session as they were.
    fn restart(&mut self, setup: &Setup, now: Nanos) {
        let mut last = Risk::new(setup);
        for (kind, body, ts) in &self.journal {
            last.restore(*kind, body, *ts).unwrap();
        }
        let mut next = Risk::new(setup);
        last.carry(false, &mut |kind, body| next.restore(kind, body, Nanos(0)).unwrap());
        last.carry_recent(now, &mut |kind, body| next.restore(kind, body, Nanos(0)).unwrap());
        (self.risk, self.now) = (next, now);
        self.risk.on_market(&sample::live(now));
        self.book(MIDDLE.0 - DOLLAR / 100, MIDDLE.0 + DOLLAR / 100);
        self.report(sample::session(true));
    }

    /// Orders until one is refused; that one.
    fn fill_up(&mut self, reason: Reason) -> Intent {
        for _ in 0..8 {
            let order = self.buy();
            match self.reason(&order) {
                None => {}
                Some(found) => {
                    assert_eq!(found, reason);
                    return order;
                }
            }
        }
        panic!("nothing is refused as {reason}");
    }
}

fn rates(scope: Scope) -> Setup {
    only(scope, |row| {
        row.rate.orders_max = Limit::Max(3);
        row.rate.per = Nanos(SECOND);
    })
}

fn repeats(scope: Scope) -> Setup {
    only(scope, |row| {
        row.repeat.same_max = Limit::Max(2);
        row.repeat.per = Nanos(SECOND);
    })
}

fn session(_: Scope) -> Setup {
    let mut setup = only(Scope::Firm, |_| ());
    (setup.gateways[0].rate, setup.gateways[0].reserve) = (10, 6);
    setup
}

/// Goal: what a rate or the number of equal orders refuses, it refuses after a restart as well,
/// also after two, and no longer than it would have: the last message's window. Method: R40, R41
/// and R43 in each scope; the edge of the window; a start after it.
#[test]
fn t01_r40_r41_r43_a_restart_lets_nothing_pass_again() {
    type Make = fn(Scope) -> Setup;
    let cases: [(Make, Reason); 3] =
        [(session, Reason::Rate), (rates, Reason::RateStrategy), (repeats, Reason::Duplicate)];
    for (make, reason) in cases {
        for scope in SCOPES {
            let setup = make(scope);
            let mut rig = Rig::new(&setup);
            let order = rig.fill_up(reason);
            let began = rig.now;
            for later in [1, 2, SECOND - 1] {
                rig.restart(&setup, Nanos(began.0 + later));
                assert_eq!(rig.reason(&order), Some(reason), "{scope:?} {later}");
            }
            rig.restart(&setup, Nanos(began.0 + SECOND));
            assert_eq!(rig.reason(&order), None, "{scope:?}: the window is over");
        }
    }
}

/// Goal: R26 knows the fills of the session before. Method: a purchase at 10.00, then one 6 ticks
/// worse where 5 may be, at the edges of the window.
#[test]
fn t01_r26_a_restart_knows_what_was_paid() {
    for scope in SCOPES {
        let setup = only(scope, |row| {
            row.rate.move_ticks_max = Limit::Max(5);
            row.rate.move_per = Nanos(SECOND);
        });
        let mut rig = Rig::new(&setup);
        let first = rig.buy();
        rig.passes(&first);
        rig.fill(&first, shares(100), 1);
        let began = rig.now;
        let order = rig.order(Side::Buy, cents(1_006), shares(1));
        rig.restart(&setup, Nanos(began.0 + SECOND - 1));
        assert_eq!(rig.reason(&order), Some(Reason::CollarWindow), "{scope:?}");
        rig.restart(&setup, Nanos(began.0 + SECOND));
        assert_eq!(rig.reason(&order), None, "{scope:?}");
    }
}

/// Goal: R46 counts on over a restart. Method: as many refusals by the venue as may be, a restart,
/// one more.
#[test]
fn t01_r46_a_restart_counts_on() {
    for scope in SCOPES {
        let setup = only(scope, |row| {
            row.breaker.rejects_max = Limit::Max(3);
            row.breaker.per = Nanos(SECOND);
        });
        for (later, trips) in [(SECOND - 1, true), (SECOND, false)] {
            let mut rig = Rig::new(&setup);
            let orders: Vec<Intent> = (0..4).map(|_| rig.buy()).collect();
            orders.iter().for_each(|order| rig.passes(order));
            let refused =
                |order: &Intent| said(Kind::Rejected, order.cl_ord_id, MIDDLE, order.qty, 0);
            for order in &orders[..3] {
                rig.report(refused(order));
            }
            assert!(rig.risk.take_alarm().is_none(), "at the limit");
            let began = rig.now;
            rig.restart(&setup, Nanos(began.0 + later));
            rig.report(refused(&orders[3]));
            assert_eq!(rig.risk.take_alarm().is_some(), trips, "{scope:?} {later}");
        }
    }
}

/// Goal: a wall clock that was set back between two sessions holds nothing for longer than its
/// window. Method: a start an hour before the last order.
#[test]
fn t01_r41_a_clock_set_back_holds_no_longer_than_the_window() {
    let setup = rates(Scope::Firm);
    let mut rig = Rig::new(&setup);
    rig.now = Nanos(7_200 * SECOND);
    rig.risk.on_market(&sample::live(rig.now));
    rig.book(MIDDLE.0 - DOLLAR / 100, MIDDLE.0 + DOLLAR / 100);
    let order = rig.fill_up(Reason::RateStrategy);
    rig.restart(&setup, Nanos(3_600 * SECOND));
    assert_eq!(rig.reason(&order), Some(Reason::RateStrategy));
    rig.now = Nanos(3_601 * SECOND);
    rig.risk.on_market(&sample::live(rig.now));
    rig.book(MIDDLE.0 - DOLLAR / 100, MIDDLE.0 + DOLLAR / 100);
    assert_eq!(rig.reason(&order), None);
}
