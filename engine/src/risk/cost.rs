//! What each rule costs: the same orders judged up to each rule in turn, on a thousand instruments
//! in random order with a number in every limit. Cold; what it measures is the hot code itself.

#![expect(clippy::disallowed_methods, reason = "cold: it measures, nothing decides by its time")]

use core::cell::Cell;
use std::time::Instant;

use shm::ids::{ClOrdId, FeedId, GatewayId, InstrumentId, StrategyId};
use shm::message::{Intent, OrderTerms, Side};
use shm::reason::Reason;
use shm::units::{Nanos, Notional, Price, Qty};

use super::checks::{Refusal, Verdict};
use super::decide::Step;
use super::sample::{self, DOLLAR};
use super::setup::Setup;
use super::{RULES, Risk};
use crate::config::limits::{Limit, LimitRow, Scope};
use crate::config::model::SelfTrade;

/// Instruments of the measurement.
pub const INSTRUMENTS: usize = 1_000;
/// Orders of one round.
const ORDERS: usize = 1_000;

/// The cost of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleCost {
    /// Number of the rule: 23 is R23.
    pub id: u8,
    /// Its code.
    pub reason: Reason,
    /// Median over rounds of the mean of an order, picoseconds; 0 where the noise is greater.
    pub ps_p50: u64,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// By rule, in the order of the checks.
    pub rules: Vec<RuleCost>,
    /// All checks of an order, picoseconds.
    pub checks_ps: u64,
    /// A whole decision: checks, reservation, table, books, record and message, picoseconds.
    pub decision_ps: u64,
}

/// Stops before one rule, and notes which it has met.
#[derive(Debug)]
pub(super) struct StopAt {
    stop: Reason,
    seen: Cell<u64>,
}

impl Step for StopAt {
    #[inline]
    fn at(&self, rule: Reason) -> Verdict {
        self.seen.set(self.seen.get() | 1 << (rule as u64 & 63));
        if rule == self.stop { Err(Refusal::of(Reason::None)) } else { Ok(()) }
    }
}

/// A row with a number in every limit, none of which binds.
#[must_use]
pub fn finite(scope: Scope) -> LimitRow {
    let money = Limit::Max(Notional(Notional::SCALE * 1_000_000_000_000));
    let qty = Limit::Max(Qty::from_shares(1_000_000_000));
    let count = Limit::Max(1_000_000);
    let (per, time) = (Nanos::SECOND, Limit::Max(Nanos(3_600 * Nanos::SECOND.0)));
    let mut row = sample::wide(scope);
    row.order.drift_max = time;
    row.order.adv_bps = Limit::Max(1_000_000);
    row.order.adv = qty;
    row.order.visible_bps = Limit::Max(1_000_000_000);
    row.order.reference_age_max = time;
    row.total.open_value_max = money;
    row.total.open_orders_max = count;
    row.total.locate_max = qty;
    row.repeat.same_max = Limit::Max(60_000);
    row.money.gross_max = money;
    row.money.net_max = money;
    row.money.funds_max = money;
    row.money.loss_max = money;
    row.money.drawdown_max = money;
    row.day.entered_value_max = money;
    row.day.entered_qty_max = qty;
    row.day.traded_value_max = money;
    row.day.traded_qty_max = qty;
    row.day.orders_per_trade_max = count;
    row.day.executions_max = count;
    row.rate.orders_max = Limit::Max(60_000);
    row.rate.per = per;
    row.rate.move_ticks_max = count;
    row.rate.move_per = per;
    row.breaker.rejects_max = Limit::Max(100);
    row.breaker.cancel_rejects_max = Limit::Max(100);
    row.breaker.disconnects_max = Limit::Max(100);
    row.breaker.per = per;
    row.unresolved.count_max = count;
    row.unresolved.age_max = time;
    row
}

/// The sample with a thousand instruments, a number in every limit of the firm, an account and a
/// strategy, and no own orders that may meet.
#[must_use]
pub fn setup() -> Setup {
    let mut setup = sample::setup(2 * ORDERS as u32);
    setup.instruments = vec![sample::share(Price(10 * DOLLAR)); INSTRUMENTS];
    for strategy in &mut setup.strategies {
        strategy.instruments = vec![true; INSTRUMENTS];
    }
    for account in &mut setup.accounts {
        account.self_trade = SelfTrade::Reject;
    }
    setup.gateways.iter_mut().for_each(|gateway| (gateway.rate, gateway.reserve) = (60_000, 10));
    setup.memory.repeats = 1 << 16;
    setup.limits.rows = vec![
        finite(Scope::Firm),
        finite(Scope::Account(shm::ids::AccountId(0))),
        finite(Scope::Strategy(StrategyId(1))),
    ];
    setup
}

/// Risk that has all it needs to pass an order, and the orders, in instruments at random.
fn ready() -> (Risk, Vec<Intent>) {
    let mut risk = Risk::new(&setup());
    risk.set_drift(Nanos(0));
    risk.on_market(&sample::live(NOW));
    let (bid, ask) = (Price(995 * DOLLAR / 100), Price(1_005 * DOLLAR / 100));
    for instrument in 0..INSTRUMENTS {
        risk.on_market(&sample::top(instrument as u32, bid, ask, 0, NOW));
    }
    risk.on_report(&sample::session(true), GatewayId(0));
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    let orders = (0..ORDERS as u32).map(|at| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let id = ClOrdId::new(7, StrategyId(1), 2 * ORDERS as u32 + at, 0);
        let side = if dice & 1 == 0 { Side::Buy } else { Side::Sell };
        let away = DOLLAR / 100 * (dice >> 8 & 15) as i64;
        let px = match side {
            Side::Buy => Price(bid.0 - away),
            Side::Sell => Price(ask.0 + away),
        };
        let mut intent = sample::intent(id, side, px);
        intent.instrument = InstrumentId((dice >> 16) as u32 % INSTRUMENTS as u32);
        intent.qty = Qty::from_shares(1 + (dice >> 40) as u32 % 100);
        intent
    });
    let orders = orders.collect();
    debug_assert!(risk.references.feed(FeedId(0), NOW, Nanos::SECOND).is_ok(), "the feed is live");
    (risk, orders)
}

const NOW: Nanos = Nanos(1_000_000_000);

/// Picoseconds an order of a round.
fn per_order(began: Instant) -> u64 {
    let ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    ns.saturating_mul(1_000) / ORDERS as u64
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Measures on this machine, on the calling thread. `rounds` of a thousand orders for each rule,
/// the rules by turns, so that what disturbs one disturbs all; 200 take about a second.
#[must_use]
pub fn measure(rounds: usize) -> Costs {
    let (risk, orders) = ready();
    let context = sample::open(NOW);
    let stops: Vec<Reason> =
        RULES.iter().map(|rule| rule.reason).chain([Reason::SendFailed]).collect();
    let mut times = vec![Vec::with_capacity(rounds); stops.len()];
    let mut decisions = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        for (stop, times) in stops.iter().zip(&mut times) {
            let step = StopAt { stop: *stop, seen: Cell::new(0) };
            let began = Instant::now();
            for intent in &orders {
                let _ = core::hint::black_box(risk.check(
                    intent,
                    &OrderTerms::NONE,
                    false,
                    &context,
                    &step,
                ));
            }
            times.push(per_order(began));
        }
        let mut fresh = risk.clone();
        let began = Instant::now();
        for intent in &orders {
            core::hint::black_box(fresh.decide(intent, &context));
        }
        decisions.push(per_order(began));
    }
    let until: Vec<u64> = times.into_iter().map(median).collect();
    let pairs = until.iter().zip(until.iter().skip(1));
    let rules = RULES.iter().zip(pairs).map(|(rule, (before, after))| RuleCost {
        id: rule.id,
        reason: rule.reason,
        ps_p50: after.saturating_sub(*before),
    });
    let checks_ps = until.last().copied().unwrap_or(0);
    Costs { rules: rules.collect(), checks_ps, decision_ps: median(decisions) }
}

#[cfg(test)]
mod tests {
    use super::super::Decision;
    use super::*;

    /// Goal: what is measured is every rule on every order, with a number in each of its limits.
    /// Method: the rules an order meets; then all orders pass a whole decision.
    #[test]
    fn every_rule_is_asked_of_every_order() {
        let (mut risk, orders) = ready();
        let context = sample::open(NOW);
        let all = RULES.iter().fold(0_u64, |all, rule| all | 1 << rule.id);
        for intent in &orders {
            let step = StopAt { stop: Reason::SendFailed, seen: Cell::new(0) };
            assert!(risk.check(intent, &OrderTerms::NONE, false, &context, &step).is_ok());
            assert_eq!(step.seen.get(), all, "{:#b}", step.seen.get() ^ all);
        }
        for intent in &orders {
            let decision = risk.decide(intent, &context);
            assert!(matches!(decision, Decision::Approve { .. }), "{decision:?}");
        }
        let stated = finite(Scope::Firm);
        let unlimited = LimitRow::unlimited(Scope::Firm);
        assert_ne!(stated.money, unlimited.money);
    }

    /// Goal: the table has every rule once, in the order of the checks.
    #[test]
    fn the_table_of_costs_has_every_rule() {
        let costs = measure(1);
        let ids: Vec<u8> = costs.rules.iter().map(|cost| cost.id).collect();
        assert_eq!(ids, RULES.map(|rule| rule.id));
        assert!(costs.checks_ps > 0 && costs.decision_ps > 0);
    }
}
