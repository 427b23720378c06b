//! Random setups: several of everything, limits in all four scopes, most of them wide and a few
//! tight, so that each rule comes to speak.

use super::super::*;
use crate::config::limits::{Limit, LimitSet};
use crate::config::model::SelfTrade;
use shm::ids::FeedId;

/// Rules that may be made tight.
const TIGHT: u64 = 22;

pub(super) const INSTRUMENTS: usize = 3;

/// Price in cents around which an instrument trades.
pub(super) const MIDDLES: [i64; INSTRUMENTS] = [1_000, 2_000, 400];

/// Two accounts, the operator and three strategies, two gateways, three instruments of two feeds.
pub(super) fn setup(dice: &mut Dice) -> Setup {
    let mut setup = sample::setup(SLOTS);
    let [first, ..] = setup.instruments.as_slice() else { panic!("no instrument") };
    let mut other = first.clone();
    (other.feed, other.multiplier, other.prior_close) = (FeedId(1), 10, cents(2_000));
    let unknown = setup.instruments[1].clone();
    setup.instruments = vec![first.clone(), other, unknown];
    setup.feeds = 2;
    setup.strategies.push(setup.strategies[2].clone());
    for (at, strategy) in setup.strategies.iter_mut().enumerate() {
        strategy.slot_first = at as u32 * SLOTS;
        strategy.instruments = vec![true; INSTRUMENTS];
    }
    setup.strategies[2].account = AccountId(0);
    setup.strategies[2].gateway = GatewayId(1);
    let modes = [SelfTrade::Reject, SelfTrade::CancelResting, SelfTrade::Both];
    for (group, account) in setup.accounts.iter_mut().enumerate() {
        account.group = if dice.roll(2) == 0 { 0 } else { group as u16 };
        let at = dice.roll(8) as usize;
        account.self_trade = modes.get(at).copied().unwrap_or(SelfTrade::Allow);
    }
    let mut gateway = setup.gateways[0];
    gateway.rate = 12 + 200 * dice.roll(2) as u32;
    gateway.reserve = 4;
    setup.gateways = vec![gateway; 2];
    setup.answer_max = Nanos(400_000_000);
    setup.memory.closed = 2048;
    setup.memory.facts = 4096;
    setup.memory.repeats = 2048;
    setup.limits = limits(dice, 1);
    setup
}

/// Ids that one strategy may have at once.
const SLOTS: u32 = 12;

/// A set of limits.
pub(super) fn limits(dice: &mut Dice, version: u32) -> LimitSet {
    let mut rows: Vec<LimitRow> = [
        Scope::Firm,
        Scope::Account(AccountId(0)),
        Scope::Account(AccountId(1)),
        Scope::Strategy(StrategyId(1)),
        Scope::Strategy(StrategyId(2)),
        Scope::Instrument(InstrumentId(0)),
        Scope::Instrument(InstrumentId(2)),
    ]
    .into_iter()
    .map(|scope| loose(dice, scope))
    .collect();
    for _ in 0..1 + dice.roll(4) {
        let at = dice.roll(rows.len() as u64) as usize;
        let rule = dice.roll(TIGHT);
        tighten(dice, &mut rows[at], rule);
    }
    LimitSet { version, rows }
}

/// Wide in everything. Windows always count, so that a switch finds what they have counted.
fn loose(dice: &mut Dice, scope: Scope) -> LimitRow {
    let mut row = sample::wide(scope);
    row.order.qty_max = Limit::Max(shares(900));
    row.order.collar_ticks = Limit::Max(60);
    row.order.collar_bps = Limit::Max(2_000);
    row.repeat.same_max = Limit::Max(400);
    row.repeat.per = Nanos(300_000_000);
    row.rate.orders_max = Limit::Max(400);
    row.rate.per = Nanos(500_000_000);
    row.rate.move_per = Nanos(800_000_000);
    row.breaker.rejects_max = Limit::Max(400);
    row.breaker.cancel_rejects_max = Limit::Max(400);
    row.breaker.disconnects_max = Limit::Max(400);
    row.breaker.per = Nanos(2_000_000_000);
    if dice.roll(2) == 0 {
        let wide = Limit::Max(dollars(100_000_000));
        row.money.gross_max = wide;
        row.money.net_max = wide;
        row.money.funds_max = wide;
        row.money.loss_max = wide;
        row.money.drawdown_max = wide;
    }
    row
}

/// Makes one rule of a row tight.
fn tighten(dice: &mut Dice, row: &mut LimitRow, rule: u64) {
    let few = |dice: &mut Dice, most: u64| Limit::Max(1 + dice.roll(most) as u32);
    let some = |dice: &mut Dice| Limit::Max(shares(100 + 50 * dice.roll(20) as u32));
    let money = |dice: &mut Dice, least: i64, step: i64| {
        Limit::Max(dollars(least + step * dice.roll(20) as i64))
    };
    let (order, total) = (&mut row.order, &mut row.total);
    match rule {
        0 => order.qty_max = Limit::Max(shares(100 + 50 * dice.roll(4) as u32)),
        1 => order.value_max = money(dice, 1_000, 300),
        2 => order.value_min = money(dice, 100, 100),
        3 => {
            (order.collar_bps, order.collar_ticks) = (few(dice, 60), few(dice, 8));
            order.passive_bps = few(dice, 80);
            order.passive_ticks = few(dice, 8);
        }
        4 => order.reference_age_max = Limit::Max(Nanos(30_000_000 + dice.roll(200_000_000))),
        5 => {
            (order.adv, order.adv_bps) = (Limit::Max(shares(100_000)), few(dice, 30));
            order.visible_bps = Limit::Max(5_000 + dice.roll(20_000) as u32);
        }
        6 => row.rate.move_ticks_max = few(dice, 4),
        7 => (total.long_max, total.short_max) = (some(dice), some(dice)),
        8 => total.locate_max = some(dice),
        9 => total.open_qty_max = some(dice),
        10 => total.open_value_max = money(dice, 2_000, 1_000),
        11 => total.open_orders_max = few(dice, 8),
        12 => row.money.gross_max = money(dice, 3_000, 2_000),
        13 => row.money.net_max = money(dice, 2_000, 1_000),
        14 => row.money.funds_max = money(dice, 5_000, 5_000),
        15 => {
            row.day.entered_value_max = money(dice, 20_000, 20_000);
            row.day.traded_value_max = money(dice, 20_000, 20_000);
            row.day.entered_qty_max = Limit::Max(shares(5_000 + dice.roll(5_000) as u32));
            row.day.traded_qty_max = Limit::Max(shares(5_000 + dice.roll(5_000) as u32));
        }
        16 => {
            row.money.loss_max = money(dice, 5, 5);
            row.money.drawdown_max = money(dice, 5, 10);
        }
        17 => {
            row.rate.orders_max = few(dice, 8);
            row.day.orders_per_trade_max = few(dice, 6);
            row.day.orders_floor = dice.roll(40) as u32;
        }
        18 => row.repeat.same_max = few(dice, 2),
        19 => {
            row.breaker.rejects_max = few(dice, 3);
            row.breaker.cancel_rejects_max = few(dice, 3);
            row.breaker.disconnects_max = few(dice, 2);
        }
        20 => row.day.executions_max = few(dice, 20),
        _ => {
            row.unresolved.count_max = few(dice, 2);
            row.unresolved.age_max = Limit::Max(Nanos(dice.roll(400_000_000)));
        }
    }
}
