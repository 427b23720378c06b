use super::*;
use crate::config::limits::Limit;
use crate::risk::Mode;
use shm::message::flags;

/// One unit below, at and above a limit that leaves room for exactly what is asked: refused,
/// passed, passed.
const EDGES: [(i128, bool); 3] = [(-1, false), (0, true), (1, true)];

fn denied(reason: Reason, measured: i128, limit: i128) -> Denied {
    Denied { reason, measured, limit }
}

/// Holds 100 shares of instrument 0, bought at the middle.
fn hold(rig: &mut Rig, side: Side, count: u32) {
    let order = rig.order(side, MIDDLE, shares(count));
    rig.passes(&order);
    rig.fill(&order, shares(count), u64::from(order.cl_ord_id.slot()) + 1_000);
}

/// Goal: positions at their marks, working orders and the new one together at most the limit, in
/// each scope. Method: 1000 dollars held, 1000 working, 1000 new; the limit one unit below, at and
/// above 3000.
#[test]
fn t01_r32_gross_exposure_is_at_most_the_limit_in_every_scope() {
    for scope in SCOPES {
        for (more, passes) in EDGES {
            let limit = dollars(3_000).0 + more;
            let mut rig = Rig::only(scope, |row| row.money.gross_max = Limit::Max(Notional(limit)));
            hold(&mut rig, Side::Buy, 100);
            let working = rig.order(Side::Sell, MIDDLE, shares(100));
            rig.passes(&working);
            let intent = rig.buy();
            let expected = denied(Reason::Gross, dollars(3_000).0, limit);
            assert_eq!(
                rig.judge(&intent),
                if passes { Ok(()) } else { Err(expected) },
                "{scope:?}"
            );
        }
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.money.gross_max = Limit::Max(dollars(0)));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Gross), "zero means zero");
}

/// Goal: the limit of a scope binds that scope alone. Method: a limit on another account, strategy
/// and instrument.
#[test]
fn t01_r32_a_limit_binds_its_own_scope_alone() {
    for scope in [
        Scope::Account(AccountId(1)),
        Scope::Strategy(StrategyId(2)),
        Scope::Instrument(InstrumentId(1)),
    ] {
        let mut rig = Rig::only(scope, |row| row.money.gross_max = Limit::Max(dollars(0)));
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), None, "{scope:?}");
    }
}

/// Goal: what only reduces in every scope comes back under the limit; what turns the position does
/// not. Method: a mark that doubles the exposure of 100 held shares, sells of 100 and 101.
#[test]
fn t01_r32_what_only_reduces_may_pass() {
    let mut rig = Rig::only(Scope::Firm, |row| row.money.gross_max = Limit::Max(dollars(1_500)));
    hold(&mut rig, Side::Buy, 100);
    rig.book(20 * DOLLAR - DOLLAR / 100, 20 * DOLLAR + DOLLAR / 100);
    rig.risk.rearm(Scope::Firm);
    let turn = rig.order(Side::Sell, Price(20 * DOLLAR), shares(101));
    let expected = denied(Reason::Gross, dollars(4_020).0, dollars(1_500).0);
    assert_eq!(rig.judge(&turn), Err(expected));
    let reduce = rig.order(Side::Sell, Price(20 * DOLLAR), shares(100));
    assert_eq!(rig.reason(&reduce), None);
}

/// Goal: a mark that moves a scope through R32 or R36 makes it REDUCE_ONLY at once, with an alarm;
/// a person takes it back. Method: a mark at the limit, one tick beyond, re-arming.
#[test]
fn t01_r32_r36_a_mark_through_the_limit_leaves_reductions_only() {
    type Change = fn(&mut LimitRow);
    let cases: [(Change, i64, Reason); 3] = [
        (|row| row.money.gross_max = Limit::Max(dollars(1_100)), 1_101, Reason::Gross),
        (|row| row.money.loss_max = Limit::Max(dollars(100)), 899, Reason::Loss),
        (|row| row.money.drawdown_max = Limit::Max(dollars(100)), 899, Reason::Loss),
    ];
    for (change, beyond, reason) in cases {
        let mut rig = Rig::only(Scope::Account(AccountId(0)), change);
        hold(&mut rig, Side::Buy, 100);
        let at_limit = if beyond > 1_000 { beyond - 1 } else { beyond + 1 };
        let quote = |rig: &mut Rig, middle| rig.book(cents(middle - 1).0, cents(middle + 1).0);
        quote(&mut rig, at_limit);
        assert_eq!(rig.risk.take_alarm(), None);
        quote(&mut rig, beyond);
        let alarm = rig.risk.take_alarm().unwrap();
        assert_eq!((alarm.reason, alarm.tripped), (reason, Mode::ReduceOnly));
        assert_eq!(alarm.scope, Scope::Account(AccountId(0)));
        assert!(!alarm.closes_gate && alarm.measured > alarm.limit);
        quote(&mut rig, beyond);
        assert_eq!(rig.risk.take_alarm(), None, "said once");
        let px = cents(beyond);
        let more = rig.order(Side::Buy, px, shares(1));
        assert_eq!(rig.reason(&more), Some(Reason::Mode));
        let less = rig.order(Side::Sell, px, shares(100));
        assert_eq!(rig.reason(&less), None);
        rig.risk.rearm(Scope::Account(AccountId(0)));
        let more = rig.order(Side::Buy, px, shares(1));
        assert_eq!(rig.reason(&more), Some(reason), "the rule itself refuses");
    }
}

/// Goal: a stale mark of anything that a limited scope holds fails R24; a scope without a limit on
/// money is not asked. Method: 100 shares of instrument 1, whose book goes stale, crossed, good.
#[test]
fn t01_r32_a_stale_mark_of_what_is_held_refuses() {
    for (limit, refuses) in [(Limit::Max(dollars(1_000_000)), true), (Limit::Unlimited, false)] {
        let mut rig = Rig::only(Scope::Firm, |row| row.money.gross_max = limit);
        let now = rig.now;
        let quote = |rig: &mut Rig, flags| {
            rig.risk.on_market(&sample::top(1, cents(999), cents(1_001), flags, now));
        };
        quote(&mut rig, 0);
        let mut other = rig.buy();
        other.instrument = InstrumentId(1);
        rig.passes(&other);
        rig.fill(&other, shares(100), 1);
        for flag in [flags::STALE, flags::CROSSED] {
            quote(&mut rig, flag);
            let intent = rig.buy();
            assert_eq!(rig.reason(&intent), refuses.then_some(Reason::NoReference));
            quote(&mut rig, 0);
            let intent = rig.buy();
            assert_eq!(rig.reason(&intent), None);
        }
    }
}

/// Goal: the signed worst case of the order's side at most the limit. Method: 1000 dollars long,
/// 1000 of buys working; a buy of 1000 against 3000, a sell against what it leaves.
#[test]
fn t01_r33_net_exposure_is_at_most_the_limit_on_each_side() {
    for scope in SCOPES {
        for (more, passes) in EDGES {
            let limit = dollars(3_000).0 + more;
            let mut rig = Rig::only(scope, |row| row.money.net_max = Limit::Max(Notional(limit)));
            hold(&mut rig, Side::Buy, 100);
            let working = rig.buy();
            rig.passes(&working);
            let intent = rig.buy();
            let expected = denied(Reason::Net, dollars(3_000).0, limit);
            assert_eq!(
                rig.judge(&intent),
                if passes { Ok(()) } else { Err(expected) },
                "{scope:?}"
            );
            let sell = rig.order(Side::Sell, MIDDLE, shares(400));
            assert_eq!(rig.reason(&sell).is_none(), more >= 0, "-1000 + 4000");
        }
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.money.net_max = Limit::Max(dollars(0)));
    let intent = rig.buy();
    assert_eq!(rig.reason(&intent), Some(Reason::Net));
}

/// Goal: purchases and fees tie up funds, sales of what is held do not and give nothing back, short
/// sales tie up their value. Method: limit 3000; bought 1000, working 1000, then each kind.
#[test]
fn t01_r34_required_funds_are_at_most_the_free_ones() {
    for scope in SCOPES {
        for (more, passes) in EDGES {
            let limit = dollars(3_000).0 + more;
            let mut rig = Rig::only(scope, |row| row.money.funds_max = Limit::Max(Notional(limit)));
            hold(&mut rig, Side::Buy, 100);
            let working = rig.buy();
            rig.passes(&working);
            let sell = rig.order(Side::Sell, MIDDLE, shares(100));
            assert_eq!(rig.reason(&sell), None, "what is held is delivered");
            let intent = rig.buy();
            let expected = denied(Reason::Funds, dollars(3_000).0, limit);
            assert_eq!(
                rig.judge(&intent),
                if passes { Ok(()) } else { Err(expected) },
                "{scope:?}"
            );
            let short = rig.order(Side::Sell, MIDDLE, shares(200));
            assert_eq!(
                rig.reason(&short),
                Some(Reason::Funds),
                "{scope:?}: 2000 more than is free"
            );
        }
    }
    let mut rig = Rig::only(Scope::Firm, |row| row.money.funds_max = Limit::Max(dollars(1_000)));
    hold(&mut rig, Side::Buy, 100);
    hold(&mut rig, Side::Sell, 100);
    let again = rig.order(Side::Buy, MIDDLE, shares(1));
    assert_eq!(rig.reason(&again), Some(Reason::Funds), "the credit is not settled");
}

/// Goal: fees are paid from the same funds. Method: a fee of one cent a share, the limit at price
/// plus fee and one unit below.
#[test]
fn t01_r34_fees_tie_up_funds() {
    for (more, passes) in [(-1, false), (0, true)] {
        let limit = dollars(1_011).0 + more;
        let mut setup = only(Scope::Firm, |row| row.money.funds_max = Limit::Max(Notional(limit)));
        let fees = FeeRates { fee: cents(1), rebate: cents(1) };
        setup.accounts.iter_mut().for_each(|account| account.rates = fees);
        let mut rig = Rig::new(&setup);
        let order = rig.buy();
        rig.passes(&order);
        let taken = said(Kind::Executed, order.cl_ord_id, MIDDLE, shares(100), 1);
        rig.report(ExecReport { liquidity: b'R', ..taken });
        let paid = rig.risk.scope(Scope::Firm).unwrap().debits;
        assert_eq!(paid, dollars(1_001).0, "the fee is in it");
        let one = rig.order(Side::Buy, MIDDLE, shares(1));
        assert_eq!(rig.reason(&one).is_none(), passes);
    }
}

/// Goal: each of the four counts of the day at most its limit, the new order counted, and traded
/// ones with every working order filled. Method: 100 shares filled, 100 working, 100 new.
#[test]
fn t01_r35_the_day_is_bounded_by_value_and_quantity() {
    type Change = fn(&mut LimitRow, i128);
    let changes: [(Change, i128); 4] = [
        (|row, max| row.day.entered_value_max = Limit::Max(Notional(max)), dollars(3_000).0),
        (|row, max| row.day.entered_qty_max = Limit::Max(Qty(max as i64)), 300 * 100_000_000),
        (|row, max| row.day.traded_value_max = Limit::Max(Notional(max)), dollars(3_000).0),
        (|row, max| row.day.traded_qty_max = Limit::Max(Qty(max as i64)), 300 * 100_000_000),
    ];
    for (change, total) in changes {
        for scope in SCOPES {
            for (more, passes) in EDGES {
                let limit = total + more;
                let mut rig = Rig::only(scope, |row| change(row, limit));
                hold(&mut rig, Side::Buy, 100);
                let working = rig.order(Side::Sell, MIDDLE, shares(100));
                rig.passes(&working);
                let intent = rig.buy();
                let expected = denied(Reason::Daily, total, limit);
                let found = rig.judge(&intent);
                assert_eq!(found, if passes { Ok(()) } else { Err(expected) }, "{scope:?}");
            }
        }
        let mut rig = Rig::only(Scope::Firm, |row| change(row, 0));
        let intent = rig.buy();
        assert_eq!(rig.reason(&intent), Some(Reason::Daily), "zero means zero");
    }
}

/// Goal: the day's counts begin anew with the session date, not with a restart; modes stay over
/// both. Method: carry a session into another of the same day, and of the next.
#[test]
fn t01_r35_the_day_outlives_a_restart_and_ends_with_the_date() {
    let setup = only(Scope::Firm, |row| {
        row.day.entered_value_max = Limit::Max(dollars(1_500));
    });
    let mut rig = Rig::new(&setup);
    hold(&mut rig, Side::Buy, 100);
    assert!(rig.risk.set_mode(Scope::Strategy(StrategyId(2)), Mode::CancelOnly));
    for (new_day, reason) in [(false, Some(Reason::Daily)), (true, None)] {
        let mut records = Vec::new();
        rig.risk.carry(new_day, &mut |kind, body| records.push((kind, body.to_vec())));
        let mut next = Rig::new(&setup);
        let mut fresh = Risk::new(&setup);
        for (kind, body) in &records {
            fresh.restore(*kind, body, Nanos(1)).unwrap();
        }
        next.risk = fresh;
        next.risk.on_market(&sample::live(next.now));
        next.book(MIDDLE.0 - DOLLAR / 100, MIDDLE.0 + DOLLAR / 100);
        next.report(sample::session(true));
        let intent = next.buy();
        assert_eq!(next.reason(&intent), reason, "new day: {new_day}");
        assert_eq!(next.risk.mode_of(Scope::Strategy(StrategyId(2))), Mode::CancelOnly);
        let mut other = next.buy();
        other.cl_ord_id = next.pools[2].take().unwrap();
        assert_eq!(next.reason(&other), Some(Reason::Mode));
    }
}

/// Goal: loss and fall from the best at most their limits, with fees, when risk has not fallen to a
/// tighter mode itself. Method: a fall of 50 cents on 100 shares, the limit at, below and above it.
#[test]
fn t01_r36_loss_and_drawdown_are_at_most_their_limits() {
    type Change = fn(&mut LimitRow, i128);
    let changes: [(Change, i64); 2] = [
        (|row, max| row.money.loss_max = Limit::Max(Notional(max)), 1_000),
        (|row, max| row.money.drawdown_max = Limit::Max(Notional(max)), 1_100),
    ];
    for (change, best) in changes {
        for scope in SCOPES {
            for (more, passes) in EDGES {
                let limit = dollars(50).0 + more;
                let mut rig = Rig::only(scope, |row| change(row, limit));
                hold(&mut rig, Side::Buy, 100);
                rig.book(cents(best - 1).0, cents(best + 1).0);
                rig.book(cents(best - 51).0, cents(best - 49).0);
                assert_eq!(rig.risk.take_alarm().is_none(), passes, "{scope:?}");
                rig.risk.rearm(Scope::Firm);
                let intent = rig.order(Side::Buy, cents(best - 50), shares(1));
                let expected = denied(Reason::Loss, dollars(50).0, limit);
                let found = rig.judge(&intent);
                assert_eq!(found, if passes { Ok(()) } else { Err(expected) }, "{scope:?}");
            }
        }
    }
}

/// Goal: sums of money that leave their integer are refused by name. Method: a multiplier with
/// which two orders together pass 2^127, without any limit but a far one on gross exposure.
#[test]
fn t01_r32_money_beyond_the_integer_is_refused() {
    let far = Notional(i128::MAX - 1);
    let mut setup = only(Scope::Firm, |row| row.money.gross_max = Limit::Max(far));
    setup.instruments[0].multiplier = 1 << 60;
    let mut rig = Rig::new(&setup);
    let first = rig.buy();
    rig.passes(&first);
    let second = rig.buy();
    assert_eq!(rig.reason(&second), Some(Reason::Overflow));
}
