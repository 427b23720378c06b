//! The self-test is sound where every rule is in its place, and says which is not.

use super::super::{cost, sample};
use super::*;
use crate::config::limits::Limit;
use crate::config::model::SelfTrade;
use shm::units::{Nanos, Notional, Qty};

/// A number in every limit of every kind of scope, each near enough to be passed.
fn finite() -> Setup {
    let mut setup = sample::setup(8);
    setup.accounts.iter_mut().for_each(|row| row.self_trade = SelfTrade::Reject);
    let scopes = [
        Scope::Firm,
        Scope::Account(AccountId(0)),
        Scope::Strategy(StrategyId(1)),
        Scope::Strategy(StrategyId(2)),
        Scope::Instrument(InstrumentId(1)),
    ];
    setup.limits.rows = scopes.map(cost::finite).to_vec();
    for row in &mut setup.limits.rows {
        row.total.long_max = Limit::Max(Qty::from_shares(5_000));
        row.total.short_max = Limit::Max(Qty::from_shares(4_000));
        row.total.open_qty_max = Limit::Max(Qty::from_shares(3_000));
        row.order.value_min = Limit::Max(Notional(Notional::SCALE));
        row.order.passive_bps = Limit::Max(700);
        row.order.passive_ticks = Limit::Max(300);
        row.repeat.same_max = Limit::Max(5);
        row.rate.orders_max = Limit::Max(50);
    }
    setup
}

/// Goal: with every rule in its place, each refuses its order with its own code, in every scope,
/// whatever the number. Method: a number in every limit; then zero; then the greatest.
#[test]
fn self_test_finds_every_rule_in_its_place() {
    let report = run(&finite());
    assert!(report.is_sound(), "{:#?}", report.faults);
    let all: Vec<u8> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(report.rules, all);
    assert_eq!(report.off, [] as [u8; 0]);
    // 5 scopes with each key, the rules without a number for 3 strategies.
    assert!(report.orders as usize > 4 * KEYS.len() + 3 * 20, "{}", report.orders);
    let mut setup = finite();
    for row in &mut setup.limits.rows {
        row.total.long_max = Limit::Max(Qty::ZERO);
        row.total.open_orders_max = Limit::Max(0);
        row.order.qty_max = Limit::Max(Qty::ZERO);
        row.money.gross_max = Limit::Max(Notional::ZERO);
        row.repeat.same_max = Limit::Max(0);
        row.rate.orders_max = Limit::Max(0);
        row.day.executions_max = Limit::Max(0);
        row.day.orders_per_trade_max = Limit::Max(0);
        row.order.collar_ticks = Limit::Max(0);
        row.order.reference_age_max = Limit::Max(Nanos(0));
        row.order.restricted = true;
    }
    let report = run(&setup);
    assert!(report.is_sound(), "{:#?}", report.faults);
    assert_eq!(report.rules, all);
}

/// Goal: a rule without a number is told as off, not as one that refuses. Method: everything
/// unlimited but one.
#[test]
fn self_test_tells_what_is_off() {
    let mut setup = sample::setup(8);
    let mut row = LimitRow::unlimited(Scope::Firm);
    row.order.qty_max = Limit::Max(Qty::from_shares(10));
    setup.limits.rows = vec![row];
    let report = run(&setup);
    assert!(report.is_sound(), "{:#?}", report.faults);
    assert!(report.rules.contains(&20) && !report.off.contains(&20));
    for off in [7, 11, 21, 22, 23, 25, 26, 30, 31, 32, 33, 34, 35, 36, 41, 42, 43, 44, 45, 46] {
        assert!(report.off.contains(&off) && !report.rules.contains(&off), "R{off}");
    }
}
