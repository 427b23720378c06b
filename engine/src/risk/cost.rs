//! What each rule costs: the same orders with and without each rule, on a thousand instruments in
//! random order with a number in every limit of all four scopes. Cold; what it measures is the hot
//! code itself.

#![expect(clippy::disallowed_methods, reason = "cold: it measures, nothing decides by its time")]

use core::cell::Cell;
use std::time::Instant;

use shm::ids::{AccountId, ClOrdId, GatewayId, InstrumentId, StrategyId};
use shm::message::{ExecReport, Intent, Kind, OrderTerms, Side};
use shm::reason::Reason;
use shm::units::{Nanos, Notional, Price, Qty};

use super::pass::Asked;
use super::room;
use super::sample::{self, DOLLAR};
use super::setup::{Memory, Setup};
use super::{Context, Decision, RULES, Risk};
use crate::config::limits::{Limit, LimitRow, LimitSet, Scope};
use crate::config::model::SelfTrade;

/// Instruments of the measurement.
pub const INSTRUMENTS: usize = 1_000;
/// Orders of one round, each in a slot of its own.
pub const ORDERS: usize = 1_000;
/// Between two orders: 40,000 a second.
const STEP: Nanos = Nanos(25_000);

/// The cost of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleCost {
    /// Number of the rule: 23 is R23.
    pub id: u8,
    /// Its code.
    pub reason: Reason,
    /// How often an order is asked for it: once, or once in each scope.
    pub asked: u32,
    /// Rules that one comparison asks together, this one counted: 1 for one that has its own.
    pub together: u32,
    /// Median over rounds of what an order takes less without it, picoseconds; 0 where the noise is
    /// greater. Of rules asked together each has an equal part of what all of them take.
    pub ps_p50: u64,
}

/// The rules that are asked together with one, itself among them, as bits of their numbers.
fn together(rule: Reason) -> u64 {
    let bit = |rule: Reason| 1 << (rule as u64 & 63);
    if room::RULES.contains(&rule) {
        return room::RULES.into_iter().fold(0, |bits, rule| bits | bit(rule));
    }
    bit(rule)
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// By rule, in the order of the checks.
    pub rules: Vec<RuleCost>,
    /// The way through the rules with none asked: finding rows and sums, picoseconds.
    pub bare_ps: u64,
    /// All rules of an order, picoseconds.
    pub checks_ps: u64,
    /// A whole decision: rules, reservation, table, books, record and message, picoseconds.
    pub decision_ps: u64,
}

/// Asks the rules of a mask, by the bit of their number.
#[derive(Debug)]
struct Only(u64);

impl Asked for Only {
    #[inline(always)]
    fn asks(&self, rule: Reason) -> bool {
        self.0 >> (rule as u64 & 63) & 1 == 1
    }
}

/// Asks all, and counts.
#[derive(Debug)]
struct Counted([Cell<u32>; 64]);

impl Counted {
    const fn new() -> Self {
        Self([const { Cell::new(0) }; 64])
    }

    fn of(&self, rule: Reason) -> u32 {
        self.0.get(rule as usize).map_or(0, Cell::get)
    }
}

impl Asked for Counted {
    fn asks(&self, rule: Reason) -> bool {
        if let Some(count) = self.0.get(rule as usize) {
            count.set(count.get() + 1);
        }
        true
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
    row.repeat.per = Nanos(Nanos::SECOND.0 / 4);
    row.money.gross_max = money;
    row.money.net_max = money;
    row.money.funds_max = money;
    row.money.loss_max = money;
    row.money.drawdown_max = money;
    row.day.entered_value_max = money;
    row.day.entered_qty_max = qty;
    row.day.traded_value_max = money;
    row.day.traded_qty_max = qty;
    row.day.orders_per_trade_max = Limit::Max(u32::MAX - 1);
    row.day.executions_max = count;
    row.rate.orders_max =
        Limit::Max(if matches!(scope, Scope::Instrument(_)) { 500 } else { 60_000 });
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

/// Whether a rule compares with a limit at all.
#[must_use]
pub fn is_limited(rule: Reason) -> bool {
    states(&finite(Scope::Firm), rule)
}

/// Whether a row states a number for a rule.
#[must_use]
pub fn states(row: &LimitRow, rule: Reason) -> bool {
    let LimitRow { order, total, repeat, money, day, rate, breaker, unresolved, .. } = row;
    let any = |numbers: &[bool]| numbers.contains(&true);
    match rule {
        Reason::Unresolved => any(&[has(unresolved.count_max), has(unresolved.age_max)]),
        Reason::Clock => has(order.drift_max),
        Reason::Restricted => order.restricted || has(total.locate_max),
        Reason::OrderQty => has(order.qty_max),
        Reason::OrderValue => has(order.value_max),
        Reason::OrderValueMin => has(order.value_min),
        Reason::Collar => any(&[
            has(order.collar_bps),
            has(order.collar_ticks),
            has(order.passive_bps),
            has(order.passive_ticks),
        ]),
        Reason::NoReference => has(order.reference_age_max),
        Reason::VolumeShare => any(&[has(order.adv_bps), has(order.visible_bps)]),
        Reason::CollarWindow => has(rate.move_ticks_max),
        Reason::Position => any(&[has(total.long_max), has(total.short_max)]),
        Reason::OpenOrders => {
            any(&[has(total.open_qty_max), has(total.open_value_max), has(total.open_orders_max)])
        }
        Reason::Gross => has(money.gross_max),
        Reason::Net => has(money.net_max),
        Reason::Funds => has(money.funds_max),
        Reason::Daily => any(&[
            has(day.entered_value_max),
            has(day.entered_qty_max),
            has(day.traded_value_max),
            has(day.traded_qty_max),
        ]),
        Reason::Loss => any(&[has(money.loss_max), has(money.drawdown_max)]),
        Reason::RateStrategy => has(rate.orders_max),
        Reason::OrderToTrade => has(day.orders_per_trade_max),
        Reason::Duplicate => has(repeat.same_max),
        Reason::Repeated => has(day.executions_max),
        Reason::Breaker => any(&[
            has(breaker.rejects_max),
            has(breaker.cancel_rejects_max),
            has(breaker.disconnects_max),
        ]),
        _ => false,
    }
}

/// Whether a limit is a number.
const fn has<T: Copy>(limit: Limit<T>) -> bool {
    matches!(limit, Limit::Max(_))
}

/// The sample with a thousand instruments, a number in every limit of the firm, an account, a
/// strategy and each instrument, and no own orders that may meet.
#[must_use]
pub fn setup() -> Setup {
    setup_of(ORDERS as u32)
}

/// The same with so many slots a strategy.
fn setup_of(slots: u32) -> Setup {
    let mut setup = sample::setup(slots);
    setup.instruments = vec![sample::share(Price(10 * DOLLAR)); INSTRUMENTS];
    for strategy in &mut setup.strategies {
        strategy.instruments = vec![true; INSTRUMENTS];
    }
    for account in &mut setup.accounts {
        account.self_trade = SelfTrade::Reject;
    }
    setup.gateways.iter_mut().for_each(|gateway| (gateway.rate, gateway.reserve) = (60_000, 10));
    setup.memory = Memory::default();
    let wide = [Scope::Firm, Scope::Account(AccountId(0)), Scope::Strategy(StrategyId(1))];
    let each = (0..INSTRUMENTS as u32).map(|at| Scope::Instrument(InstrumentId(at)));
    let rows = wide.into_iter().chain(each).map(finite).collect();
    setup.limits = LimitSet { version: 1, rows };
    setup
}

/// Risk with a thousand instruments and every rule on, and a round of orders for it, in instruments
/// at random. A round can be decided again and again: in between its orders end.
#[derive(Debug)]
pub struct Round {
    /// What decides.
    pub risk: Risk,
    /// The orders of the round.
    pub orders: Vec<Intent>,
    /// Instruments of the orders.
    among: u32,
    now: Nanos,
    seq: u32,
}

impl Default for Round {
    fn default() -> Self {
        Self::new()
    }
}

impl Round {
    /// A feed that is live, books, a session, and the orders.
    #[must_use]
    pub fn new() -> Self {
        Self::beside(0)
    }

    /// The same beside so many orders that work already, at most a million less a round.
    ///
    /// # Panics
    /// When one of them is refused.
    #[must_use]
    pub fn beside(working: u32) -> Self {
        let slots = ORDERS as u32 + working;
        let mut round = Self::among(&setup_of(slots), INSTRUMENTS as u32, slots);
        let orders = core::mem::take(&mut round.orders);
        let first = slots + ORDERS as u32;
        for at in 0..working {
            let mut intent = orders.get(at as usize % ORDERS).copied().unwrap_or_default();
            intent.cl_ord_id = ClOrdId::new(7, StrategyId(1), first + at, 0);
            intent.instrument = InstrumentId(at % INSTRUMENTS as u32);
            let context = round.next();
            let decision = round.risk.decide(&intent, &context);
            assert!(matches!(decision, Decision::Approve { .. }), "order {at}: {decision:?}");
        }
        round.orders = orders;
        round
    }

    /// The same with every order in one instrument, which may have as many as the firm.
    #[must_use]
    pub fn in_one_instrument() -> Self {
        let mut setup = setup();
        let busy = finite(Scope::Firm).rate;
        let own = Scope::Instrument(InstrumentId(0));
        let rows = setup.limits.rows.iter_mut().filter(|row| row.scope == own);
        rows.for_each(|row| row.rate = busy);
        Self::among(&setup, 1, ORDERS as u32)
    }

    /// Orders in the first of `slots` slots of the first strategy, which has as many.
    fn among(setup: &Setup, among: u32, slots: u32) -> Self {
        let mut risk = Risk::new(setup);
        let now = Nanos::SECOND;
        risk.set_drift(Nanos(0));
        risk.on_market(&sample::live(now));
        let (bid, ask) = (Price(995 * DOLLAR / 100), Price(1_005 * DOLLAR / 100));
        for instrument in 0..INSTRUMENTS {
            risk.on_market(&sample::top(instrument as u32, bid, ask, 0, now));
        }
        risk.on_report(&sample::session(true), GatewayId(0));
        let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
        let orders = (0..ORDERS as u32).map(|at| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let id = ClOrdId::new(7, StrategyId(1), slots + at, 0);
            let side = if dice & 1 == 0 { Side::Buy } else { Side::Sell };
            let away = DOLLAR / 100 * (dice >> 8 & 15) as i64;
            let px = match side {
                Side::Buy => Price(bid.0 - away),
                Side::Sell => Price(ask.0 + away),
            };
            let mut intent = sample::intent(id, side, px);
            intent.instrument = InstrumentId((dice >> 16) as u32 % among);
            intent.qty = Qty::from_shares(1 + (dice >> 40) as u32 % 100);
            intent
        });
        Self { risk, orders: orders.collect(), among, now, seq: 0 }
    }

    /// What the next order is decided in: a little later than the one before.
    pub const fn next(&mut self) -> Context {
        self.now.0 += STEP.0;
        sample::open(self.now)
    }

    /// Decides on every order; how many passed, which is all of them.
    pub fn decide(&mut self) -> u32 {
        let mut approved = 0;
        for at in 0..self.orders.len() {
            let context = self.next();
            let Some(intent) = self.orders.get(at) else { break };
            let decision = self.risk.decide(intent, &context);
            let decision = core::hint::black_box(&decision);
            approved += u32::from(matches!(decision, Decision::Approve { .. }));
        }
        approved
    }

    /// What the venue says of the round's orders: each accepted, then cancelled. Without sequences.
    pub fn ends(&self) -> impl Iterator<Item = ExecReport> {
        let kinds = [Kind::Accepted, Kind::Canceled];
        let of = move |kind| self.orders.iter().map(move |intent| ended(kind, intent));
        kinds.into_iter().flat_map(of)
    }

    /// The next round has the next use of each slot, and each order another quantity and
    /// instrument: what an order met in one round, another meets in the next.
    pub fn renew(&mut self) {
        for intent in &mut self.orders {
            let id = intent.cl_ord_id;
            intent.cl_ord_id = ClOrdId::new(7, id.strategy(), id.slot(), id.uses() + 1);
            let at = intent.instrument.0 + 7 * (intent.qty.0 / Qty::SCALE) as u32;
            intent.instrument = InstrumentId((at + 1) % self.among);
            intent.qty = Qty::from_shares((intent.qty.0 / Qty::SCALE) as u32 % 97 + 1);
        }
    }

    /// Every order of the round is accepted and ends.
    pub fn end(&mut self) {
        let Self { risk, orders, seq, .. } = self;
        for kind in [Kind::Accepted, Kind::Canceled] {
            for intent in orders.iter() {
                *seq += 1;
                let report = ended(kind, intent);
                risk.on_report(&ExecReport { venue_seq: *seq, ..report }, GatewayId(0));
            }
        }
        self.renew();
    }

    /// Asks the rules of a mask of every order, and changes nothing; how many passed.
    fn ask(&self, rules: u64) -> u32 {
        let context = sample::open(Nanos(self.now.0 + STEP.0));
        let asked = Only(rules);
        let terms = OrderTerms::NONE;
        let passed = self.orders.iter().filter(|intent| {
            let passed = self.risk.pass(intent, &terms, false, &context, &asked);
            core::hint::black_box(&passed).is_some()
        });
        passed.count() as u32
    }

    /// How often each rule is asked of an order.
    fn count(&self, intent: &Intent) -> Counted {
        let asked = Counted::new();
        let context = sample::open(Nanos(self.now.0 + STEP.0));
        let _ = self.risk.pass(intent, &OrderTerms::NONE, false, &context, &asked);
        asked
    }
}

/// What the venue says of an order.
fn ended(kind: Kind, intent: &Intent) -> ExecReport {
    ExecReport {
        kind: kind as u8,
        cl_ord_id: intent.cl_ord_id,
        last_px: intent.px,
        last_qty: intent.qty,
        ..ExecReport::default()
    }
}

/// Picoseconds an order of a round.
fn per_order(work: impl FnOnce() -> u32) -> u64 {
    let began = Instant::now();
    let passed = work();
    let ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    ns.saturating_mul(1_000) / u64::from(passed.max(1))
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Measures on this machine, on the calling thread. In each of `rounds`: a thousand orders with all
/// rules, without each, and with none, by turns, so that what disturbs one disturbs all; then they
/// are decided. 200 rounds take some seconds.
#[must_use]
pub fn measure(rounds: usize) -> Costs {
    let mut round = Round::new();
    let mut less = vec![Vec::with_capacity(rounds); RULES.len()];
    let mut all = Vec::with_capacity(rounds);
    let mut bare = Vec::with_capacity(rounds);
    let mut decisions = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        decisions.push(per_order(|| round.decide()));
        round.end();
        for (rule, less) in RULES.iter().zip(&mut less) {
            let whole = per_order(|| round.ask(u64::MAX));
            let of = together(rule.reason);
            let without = per_order(|| round.ask(!of));
            less.push(whole.saturating_sub(without) / u64::from(of.count_ones()));
            all.push(whole);
        }
        bare.push(per_order(|| round.ask(0)));
    }
    let asked = round.orders.first().map_or(Counted::new(), |intent| round.count(intent));
    let rules = RULES.iter().zip(less).map(|(rule, less)| RuleCost {
        id: rule.id,
        reason: rule.reason,
        asked: asked.of(rule.reason),
        together: together(rule.reason).count_ones(),
        ps_p50: median(less),
    });
    Costs {
        rules: rules.collect(),
        bare_ps: median(bare),
        checks_ps: median(all),
        decision_ps: median(decisions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules that are asked in each scope of an order.
    const OF_SCOPES: [Reason; 10] = [
        Reason::Unresolved,
        Reason::Gross,
        Reason::Net,
        Reason::Funds,
        Reason::Daily,
        Reason::Loss,
        Reason::RateStrategy,
        Reason::OrderToTrade,
        Reason::Repeated,
        Reason::Breaker,
    ];
    /// Rules that are asked in each scope, and once besides: the engine's mode, the reference.
    const OF_BOTH: [Reason; 2] = [Reason::Mode, Reason::NoReference];
    /// Rules that are asked of each row of sums: firm's and instrument's limits bind one row.
    const OF_SUMS: [Reason; 2] = [Reason::Position, Reason::OpenOrders];

    /// Goal: what is measured is every rule on every order, with a number in each of its limits.
    /// Method: how often each rule is asked of each order, against a list; every order passes a
    /// whole decision, round after round.
    #[test]
    fn every_rule_is_asked_of_every_order() {
        let mut round = Round::new();
        for turn in 0..3 {
            for intent in &round.orders {
                let asked = round.count(intent);
                for rule in &RULES {
                    let times = match rule.reason {
                        reason if OF_SCOPES.contains(&reason) => 4,
                        reason if OF_BOTH.contains(&reason) => 5,
                        reason if OF_SUMS.contains(&reason) => 3,
                        // And once whether the instrument is restricted at all.
                        Reason::Restricted => 4,
                        _ => 1,
                    };
                    assert_eq!(asked.of(rule.reason), times, "R{}", rule.id);
                }
            }
            assert_eq!(round.decide(), ORDERS as u32, "round {turn}");
            round.end();
            assert_eq!(round.risk.working_count(), 0, "round {turn}");
        }
        let (stated, unlimited) = (finite(Scope::Firm), LimitRow::unlimited(Scope::Firm));
        assert_ne!(stated.money, unlimited.money);
    }

    /// Goal: orders that work beside a round stay, and the round passes beside them. Method: some,
    /// and two rounds.
    #[test]
    fn orders_beside_a_round_stay() {
        let mut round = Round::beside(100);
        for _ in 0..2 {
            assert_eq!(round.decide(), ORDERS as u32);
            round.end();
            assert_eq!(round.risk.working_count(), 100);
        }
    }

    /// Goal: a rule that is left out is not asked. Method: instruments halted, so that nothing
    /// passes but what does not ask R10.
    #[test]
    fn a_rule_left_out_refuses_nothing() {
        let mut round = Round::new();
        for at in 0..INSTRUMENTS as u32 {
            let halt = shm::message::flags::HALT;
            let (bid, ask) = (Price(995 * DOLLAR / 100), Price(1_005 * DOLLAR / 100));
            round.risk.on_market(&sample::top(at, bid, ask, halt, Nanos::SECOND));
        }
        assert_eq!(round.ask(u64::MAX), 0);
        assert_eq!(round.ask(!(1 << Reason::Instrument as u64)), ORDERS as u32);
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
