use super::*;
use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::message::Side;
use shm::units::{Notional, Price, Qty};

const DOLLAR: i64 = Price::SCALE;

fn fill(side: Side, dollars: i64, qty: u32) -> Fill {
    Fill { side, px: Price(dollars * DOLLAR), qty: Qty::from_shares(qty), multiplier: 1 }
}

/// Dollars as money.
const fn money(dollars: i128) -> i128 {
    dollars * Notional::SCALE
}

/// Goal: the figures of a textbook day: add, reduce, close, flip. Method: by hand.
#[test]
fn a_position_releases_its_share_of_the_cost() {
    let mut holding = Holding::default();
    for (step, (fill, qty, cost, realised)) in [
        (fill(Side::Buy, 10, 100), 100, 1_000, 0),
        (fill(Side::Buy, 20, 100), 200, 3_000, 0),
        (fill(Side::Sell, 18, 50), 150, 2_250, 150),
        (fill(Side::Sell, 10, 200), -50, -500, -600),
        (fill(Side::Sell, 12, 50), -100, -1_100, -600),
        (fill(Side::Buy, 8, 100), 0, 0, -300),
    ]
    .into_iter()
    .enumerate()
    {
        holding.apply(&fill, Notional::ZERO);
        assert_eq!(holding.qty.0, qty * Qty::SCALE, "step {step}");
        assert_eq!((holding.cost, holding.realised), (money(cost), money(realised)), "step {step}");
    }
}

/// Goal: what a reduction releases is `cost * q / pos` rounded toward zero, to the last unit.
/// Method: a cost that does not divide, long and short, every part.
#[test]
fn a_share_of_the_cost_is_rounded_toward_zero() {
    for (side, sign) in [(Side::Buy, 1), (Side::Sell, -1)] {
        for part in 1..7 {
            let mut holding = Holding::default();
            let open = Fill { side, px: Price(1), qty: Qty(4), multiplier: 1 };
            holding.apply(&open, Notional::ZERO);
            holding.apply(&Fill { px: Price(2), qty: Qty(3), ..open }, Notional::ZERO);
            let close = Fill { side: side.opposite(), qty: Qty(part), ..open };
            let change = holding.apply(&close, Notional::ZERO);
            assert_eq!(change, -sign * i128::from(10 * part / 7), "{side} {part}");
        }
    }
}

/// Goal: a position that an undone fill leaves flat keeps no cost; its profit is that of the fills
/// that stand. Method: buy at 10 and at 20, sell at 15, undo the second.
#[test]
fn a_flat_position_keeps_no_cost() {
    let mut holding = Holding::default();
    holding.apply(&fill(Side::Buy, 10, 100), Notional::ZERO);
    let second = fill(Side::Buy, 20, 100);
    let change = holding.apply(&second, Notional::ZERO);
    holding.apply(&fill(Side::Sell, 15, 100), Notional::ZERO);
    holding.undo(&second, Notional::ZERO, change);
    assert_eq!((holding.qty, holding.cost, holding.realised), (Qty::ZERO, 0, money(500)));
}

/// Goal: realised + unrealised = cash + position x mark to the last unit, whatever the path; fees
/// sum apart. Method: random fills with quantities that do not divide, against plain sums over the
/// list.
#[test]
fn profit_equals_cash_and_marked_position_to_the_last_unit() {
    proptest::proptest!(|(fills in proptest::collection::vec(
        (
            proptest::bool::ANY,
            1_i64..1_000_000_000_000,
            1_i64..100_000_000_000,
            proptest::num::u8::ANY,
        ),
        1..60,
    ), mark in 1_i64..1_000_000_000_000, multiplier in 1_i64..100)| {
        let rates = FeeRates { fee: Price(3_000_001), rebate: Price(1_999_999) };
        let mut holding = Holding::default();
        let (mut cash, mut qty, mut fees) = (0_i128, 0_i128, 0_i128);
        for (buys, px, count, liquidity) in fills {
            let side = if buys { Side::Buy } else { Side::Sell };
            let fill = Fill { side, px: Price(px), qty: Qty(count), multiplier };
            let fee = rates.cost(fill.qty, liquidity);
            holding.apply(&fill, fee);
            let signed = i128::from(count) * if buys { 1 } else { -1 };
            cash -= i128::from(px) * signed * i128::from(multiplier);
            qty += signed;
            fees += fee.0;
            proptest::prop_assert_eq!(holding.realised, cash + holding.cost);
            proptest::prop_assert_eq!(i128::from(holding.qty.0), qty);
            proptest::prop_assert_eq!(holding.fees, fees);
            // A flat position has no cost; an open one has one of its own sign.
            proptest::prop_assert!(holding.cost.signum() == qty.signum() || holding.cost == 0);
            let profit = holding.realised + holding.unrealised(Price(mark), multiplier).unwrap().0;
            let value = qty * i128::from(mark) * i128::from(multiplier);
            proptest::prop_assert_eq!(profit, cash + value);
        }
        proptest::prop_assert_eq!(holding.overflows, 0);
    });
}

/// Goal: undoing the last fill restores the holding to the last unit; undoing any fill keeps the
/// identity, and undoing all of them leaves nothing. Method: random fills, undone in random order.
#[test]
fn undone_fills_leave_no_trace() {
    proptest::proptest!(|(fills in proptest::collection::vec(
        (proptest::bool::ANY, 1_i64..1_000_000_000_000, 1_i64..100_000_000_000),
        1..30,
    ), order in proptest::num::u64::ANY)| {
        let rates = FeeRates { fee: Price(3), rebate: Price(2) };
        let mut holding = Holding::default();
        let mut done = Vec::new();
        for (buys, px, count) in fills {
            let side = if buys { Side::Buy } else { Side::Sell };
            let fill = Fill { side, px: Price(px), qty: Qty(count), multiplier: 3 };
            let fee = rates.cost(fill.qty, b'R');
            let before = holding;
            let change = holding.apply(&fill, fee);
            let mut undone = holding;
            undone.undo(&fill, fee, change);
            proptest::prop_assert_eq!(undone, before);
            done.push((fill, fee, change));
        }
        let mut pick = order;
        let mut cash = holding.realised - holding.cost;
        while !done.is_empty() {
            pick = pick.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (fill, fee, change) = done.remove((pick >> 33) as usize % done.len());
            holding.undo(&fill, fee, change);
            cash += fill.px.notional(Qty(fill.signed_qty()), 3).unwrap().0;
            proptest::prop_assert_eq!(holding.realised - holding.cost, cash);
        }
        proptest::prop_assert_eq!(holding, Holding::default());
    });
}

/// Goal: what leaves the integers is counted, and the quantity held at its end. Method: fills of
/// the largest quantity.
#[test]
fn overflow_is_counted_and_never_wraps() {
    let mut holding = Holding::default();
    let huge = Fill { side: Side::Buy, px: Price(1), qty: Qty(i64::MAX), multiplier: 1 };
    holding.apply(&huge, Notional::ZERO);
    assert_eq!(holding.overflows, 0);
    holding.apply(&huge, Notional::ZERO);
    assert_eq!((holding.overflows, holding.qty), (1, Qty(i64::MAX)));
    let wide = Fill { px: Price(i64::MAX), multiplier: i64::MAX, ..huge };
    let mut holding = Holding::default();
    holding.apply(&wide, Notional::ZERO);
    assert_eq!((holding.overflows, holding.cost), (1, 0));
}

/// Goal: rests are paid for, takes and unknown codes pay. Method: codes of the venue's list.
#[test]
fn fees_follow_the_liquidity_code() {
    let rates = FeeRates { fee: Price(3_000_000), rebate: Price(2_000_000) };
    for code in *b"AJkuN78" {
        assert_eq!(rates.cost(Qty::from_shares(100), code).0, -money(1) / 5, "{code}");
    }
    for code in *b"RmOCH?\0" {
        assert_eq!(rates.cost(Qty::from_shares(100), code).0, money(3) / 10, "{code}");
    }
}

/// Goal: sums of an account and of the firm are the sums of their strategies. Method: three
/// strategies, two accounts, two instruments, one without a mark.
#[test]
fn totals_sum_their_strategies() {
    let accounts = [AccountId(0), AccountId(0), AccountId(1)];
    let mut ledger = Ledger::new(&accounts, 2, CostBasis::Average);
    for (strategy, instrument, bought) in [(0, 0, 100), (1, 0, 200), (2, 0, 400), (1, 1, 10)] {
        let (strategy, instrument) = (StrategyId(strategy), InstrumentId(instrument));
        ledger.apply(strategy, instrument, &fill(Side::Buy, 10, bought), Notional(money(1)));
    }
    assert!(ledger.get(StrategyId(3), InstrumentId(0)).is_none());
    assert!(ledger.get(StrategyId(0), InstrumentId(2)).is_none());
    let mark = |instrument: InstrumentId| (instrument.0 == 0).then_some((Price(11 * DOLLAR), 1));
    let total = |account| {
        let total = ledger.total(account, mark);
        (total.unrealised.0, total.fees.0, total.unmarked)
    };
    assert_eq!(total(Some(AccountId(0))), (money(300), money(3), 1));
    assert_eq!(total(Some(AccountId(1))), (money(400), money(1), 0));
    assert_eq!(total(None), (money(700), money(4), 1));
    assert_eq!(ledger.iter().count(), 4);
}

/// Goal: the figures of a textbook day at first in, first out: add, reduce within and over a lot,
/// close, flip, and a fill taken back. Method: by hand.
#[test]
fn a_reduction_releases_the_oldest_lots() {
    let mut ledger = Ledger::new(&[AccountId(0)], 1, CostBasis::Fifo);
    let (strategy, instrument) = (StrategyId(0), InstrumentId(0));
    for (step, (fill, qty, cost, realised, lots)) in [
        (fill(Side::Buy, 10, 100), 100, 1_000, 0, 1),
        (fill(Side::Buy, 20, 100), 200, 3_000, 0, 2),
        (fill(Side::Buy, 20, 50), 250, 4_000, 0, 2),
        (fill(Side::Sell, 18, 50), 200, 3_500, 400, 2),
        (fill(Side::Sell, 10, 100), 100, 2_000, -100, 1),
        (fill(Side::Sell, 30, 150), -50, -1_500, 900, 1),
        (fill(Side::Sell, 31, 50), -100, -3_050, 900, 2),
        (fill(Side::Buy, 8, 100), 0, 0, 3_150, 0),
    ]
    .into_iter()
    .enumerate()
    {
        ledger.apply(strategy, instrument, &fill, Notional::ZERO);
        let holding = ledger.get(strategy, instrument).unwrap();
        assert_eq!(holding.qty.0, qty * Qty::SCALE, "step {step}");
        assert_eq!((holding.cost, holding.realised), (money(cost), money(realised)), "step {step}");
        assert_eq!(ledger.lots(strategy, instrument).count(), lots, "step {step}");
    }
    let bought = fill(Side::Buy, 10, 100);
    let change = ledger.apply(strategy, instrument, &bought, Notional(money(1)));
    ledger.undo(strategy, instrument, &bought, Notional(money(1)), change);
    let holding = ledger.get(strategy, instrument).unwrap();
    assert_eq!((holding.qty, holding.cost, holding.fees), (Qty::ZERO, 0, 0));
    assert_eq!(holding.realised, money(3_150));
}

/// Goal: first in, first out equals a queue of lots to the last unit; the lots are what the
/// position is; where their room is spent they join, and profit stays cash and marked position.
/// Method: random fills of two strategies, against queues, with room and without.
#[test]
fn first_in_first_out_equals_a_queue_of_lots() {
    for (seed, pool) in [(1_u64, 4_096_usize), (2, 4_096), (3, 2), (4, 0)] {
        let mut lots = Lots::new(2, pool);
        let mut queues: [std::collections::VecDeque<(i64, u64)>; 2] = Default::default();
        let mut state = seed;
        for step in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let roll = state >> 33;
            let holding = (roll % 2) as usize;
            let queue = &mut queues[holding];
            let held: u64 = queue.iter().map(|lot| lot.1).sum();
            if roll / 2 % 3 != 0 || held == 0 {
                let (px, qty) = (1 + (roll / 7 % 5) as i64, 1 + roll / 11 % 50);
                let cost = i128::from(px) * i128::from(qty);
                lots.push(holding, Lot { px: Price(px), qty, cost });
                match queue.back_mut().filter(|lot| lot.0 == px) {
                    Some(lot) => lot.1 += qty,
                    None => queue.push_back((px, qty)),
                }
            } else {
                let mut left = 1 + roll / 13 % held;
                let released = lots.release(holding, left);
                let mut cost = 0;
                while left > 0 {
                    let lot = queue.front_mut().unwrap();
                    let part = left.min(lot.1);
                    cost += i128::from(lot.0) * i128::from(part);
                    left -= part;
                    lot.1 -= part;
                    if lot.1 == 0 {
                        queue.pop_front();
                    }
                }
                assert!(pool < 4_096 || released == cost, "seed {seed} step {step}");
            }
            let found: u64 = lots.of(holding).map(|lot| lot.qty).sum();
            let expected: u64 = queue.iter().map(|lot| lot.1).sum();
            assert_eq!(found, expected, "seed {seed} step {step}");
            if pool == 4_096 {
                let found: Vec<_> = lots.of(holding).map(|lot| (lot.px.0, lot.qty)).collect();
                assert_eq!(found, queue.iter().copied().collect::<Vec<_>>(), "step {step}");
            }
        }
        assert_eq!(lots.merged() > 0, pool < 4_096, "seed {seed}");
    }
}
