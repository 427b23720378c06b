//! What is counted goes on being counted: through a switch of limits, an answer that never comes,
//! and a correction.

use super::*;
use crate::config::limits::{Limit, LimitSet};
use crate::risk::Mode;
use crate::risk::limits::LimitTable;
use crate::risk::scope::ScopeMap;

/// Swaps in a set with one row, changed.
fn switch(rig: &mut Rig, setup: &Setup, scope: Scope, change: impl FnOnce(&mut LimitRow)) {
    let mut row = LimitRow::unlimited(scope);
    change(&mut row);
    let rows = vec![LimitRow::unlimited(Scope::Firm), row];
    let accounts: Vec<AccountId> = setup.strategies.iter().map(|row| row.account).collect();
    let map = ScopeMap::new(setup.accounts.len(), accounts.len(), setup.instruments.len());
    let table = LimitTable::compile(&LimitSet { version: 2, rows }, &accounts, map);
    assert!(rig.risk.switch_limits(table).is_ok(), "for the same scopes");
}

/// Goal: an order that the venue does not answer in time counts as unknown at once. Method: one
/// order without an answer, one ns before and after its time; none may be unknown.
#[test]
fn t01_r07_an_order_without_an_answer_counts_when_its_time_is_over() {
    let mut rig = Rig::only(Scope::Firm, |row| row.unresolved.count_max = Limit::Max(0));
    let order = rig.buy();
    rig.passes(&order);
    for (after, reason) in [(0, None), (1, Some(Reason::Unresolved))] {
        rig.now = Nanos(rig.now.0 + after + if after == 0 { 5 * Nanos::SECOND.0 } else { 0 });
        let now = rig.now;
        rig.risk.on_market(&sample::live(now));
        while rig.risk.take_overdue(now).is_some() {}
        let other = rig.order(Side::Buy, cents(999), shares(1));
        assert_eq!(rig.reason(&other), reason, "{after} ns later");
    }
}

/// Goal: a drawdown is measured from the session's best, whatever limits were in force then.
/// Method: a best of 10 dollars while nothing limits, then a limit of 9 and of 10, at zero profit.
#[test]
fn t01_r36_a_drawdown_switched_in_later_knows_the_best() {
    for (limit, reason) in [(9, Some(Reason::Loss)), (10, None)] {
        for scope in SCOPES {
            let setup = only(scope, |_| {});
            let mut rig = Rig::new(&setup);
            let order = rig.buy();
            rig.passes(&order);
            rig.fill(&order, shares(100), 1);
            rig.book(cents(1_009).0, cents(1_011).0);
            rig.book(cents(999).0, cents(1_001).0);
            switch(&mut rig, &setup, scope, |row| {
                row.money.drawdown_max = Limit::Max(dollars(limit));
            });
            let other = rig.order(Side::Buy, MIDDLE, shares(1));
            assert_eq!(rig.reason(&other), reason, "{scope:?} {limit}");
        }
    }
}

/// Goal: a correction is judged by what it leaves, not by what it undoes on its way: the session's
/// best takes no note of a position that never was. Method: 100 bought and 60 sold at 9, the mark
/// at 7: without the purchase that would be 120 dollars of profit. It is corrected by a cent.
#[test]
fn t01_r36_a_correction_is_judged_by_what_it_leaves() {
    let limit = Limit::Max(dollars(150));
    let mut rig = Rig::only(Scope::Firm, |row| row.money.drawdown_max = limit);
    rig.book(cents(899).0, cents(901).0);
    let buy = rig.order(Side::Buy, cents(900), shares(100));
    rig.passes(&buy);
    rig.fill(&buy, shares(100), 1);
    let sell = rig.order(Side::Sell, cents(900), shares(60));
    rig.passes(&sell);
    rig.fill(&sell, shares(60), 2);
    rig.book(cents(699).0, cents(701).0);
    let corrected = said(Kind::Corrected, buy.cl_ord_id, cents(901), shares(100), 1);
    rig.report(ExecReport { venue_ord_id: VenueOrdId(0), ..corrected });
    let state = rig.risk.scope(Scope::Firm).unwrap();
    assert_eq!((rig.position(), state.peak), (shares(40), 0));
    assert_eq!(state.profit(), -dollars(81).0);
    assert_eq!(rig.risk.mode_of(Scope::Firm), Mode::Active);
}

/// Goal: a switch forgets no order of a window, though the set between was tighter. Method: 10 of
/// 12 orders; a limit of 2, then 12 again: two more pass, the third does not.
#[test]
fn t01_r41_a_switch_and_back_forgets_no_order() {
    let rate = |most: u32| {
        move |row: &mut LimitRow| {
            row.rate.orders_max = Limit::Max(most);
            row.rate.per = Nanos::SECOND;
        }
    };
    for scope in SCOPES {
        let setup = only(scope, rate(12));
        let mut rig = Rig::new(&setup);
        for _ in 0..10 {
            let order = rig.order(Side::Buy, MIDDLE, shares(1));
            rig.passes(&order);
        }
        switch(&mut rig, &setup, scope, rate(2));
        let order = rig.order(Side::Buy, MIDDLE, shares(1));
        assert_eq!(rig.reason(&order), Some(Reason::RateStrategy), "{scope:?}");
        switch(&mut rig, &setup, scope, rate(12));
        for reason in [None, None, Some(Reason::RateStrategy)] {
            let order = rig.order(Side::Buy, MIDDLE, shares(1));
            assert_eq!(rig.reason(&order), reason, "{scope:?}");
        }
    }
}
