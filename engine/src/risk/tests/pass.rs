//! All rules at once against rule by rule: the same decisions, the same state.

use super::*;
use crate::config::limits::{Limit, LimitSet};
use crate::config::model::SelfTrade;
use crate::risk::cost::finite;
use crate::risk::setup::Memory;
use shm::message::{OrdType, OrderTerms, Tif, flags};

/// Now and then a number that binds, or none; else one that is far away.
fn some<T>(dice: &mut Dice, most: u64, of: impl FnOnce(u64) -> T) -> Limit<T> {
    match dice.roll(24) {
        0 => Limit::Max(of(1 + dice.roll(most))),
        1 => Limit::Unlimited,
        _ => Limit::Max(of(most * 40)),
    }
}

/// Limits that refuse now and then, in every scope, drawn anew for each seed.
fn narrow(dice: &mut Dice) -> Setup {
    let mut setup = sample::setup(16);
    let rows = SCOPES.into_iter().chain([Scope::Strategy(StrategyId(2))]).map(|scope| {
        let mut row = finite(scope);
        let money = |value: u64| Notional(i128::from(value) * Notional::SCALE);
        let qty = |count: u64| Qty::from_shares(count as u32);
        row.order.qty_max = some(dice, 900, qty);
        row.order.value_max = some(dice, 9_000, money);
        row.order.value_min = Limit::Max(money(dice.roll(20)));
        row.order.collar_bps = some(dice, 300, |bps| bps as u32);
        row.order.collar_ticks = some(dice, 40, |ticks| ticks as u32);
        row.order.visible_bps = some(dice, 40_000, |bps| bps as u32);
        row.order.adv_bps = some(dice, 10, |bps| bps as u32);
        row.order.adv = Limit::Max(qty(1_000_000));
        row.order.reference_age_max = Limit::Max(Nanos(500_000_000));
        row.total.long_max = some(dice, 3_000, qty);
        row.total.short_max = some(dice, 3_000, qty);
        row.total.locate_max = some(dice, 3_000, qty);
        row.total.open_qty_max = some(dice, 3_000, qty);
        row.total.open_value_max = some(dice, 30_000, money);
        row.total.open_orders_max = some(dice, 12, |count| count as u32);
        row.money.gross_max = some(dice, 60_000, money);
        row.money.net_max = some(dice, 40_000, money);
        row.money.funds_max = some(dice, 200_000, money);
        row.money.loss_max = some(dice, 5_000, money);
        row.money.drawdown_max = some(dice, 5_000, money);
        row.day.entered_value_max = some(dice, 900_000, money);
        row.day.entered_qty_max = some(dice, 90_000, qty);
        row.day.traded_value_max = some(dice, 500_000, money);
        row.day.traded_qty_max = some(dice, 50_000, qty);
        row.day.orders_per_trade_max = some(dice, 20, |ratio| ratio as u32);
        row.day.orders_floor = 10 + dice.roll(50) as u32;
        row.day.executions_max = some(dice, 90, |count| 20 + count as u32);
        row.rate.orders_max = some(dice, 40, |count| count as u32);
        row.rate.move_ticks_max = some(dice, 9, |ticks| ticks as u32);
        row.breaker.rejects_max = some(dice, 3, |count| count as u32);
        row.unresolved.count_max = some(dice, 2, |count| count as u32);
        row.unresolved.age_max = some(dice, 900_000_000, Nanos);
        row.repeat.same_max = some(dice, 6, |count| count as u32);
        row
    });
    setup.limits = LimitSet { version: 3, rows: rows.collect() };
    setup.memory = Memory { closed: 8, past: 16, facts: 64, repeats: 128 };
    setup.gateways[0].rate = 60;
    setup.gateways[0].reserve = 5;
    setup.accounts[0].self_trade =
        [SelfTrade::Allow, SelfTrade::Reject, SelfTrade::CancelResting][dice.roll(3) as usize];
    setup
}

struct Walk {
    rig: Rig,
    dice: Dice,
    live: Vec<Intent>,
    exec_id: u64,
    /// Decisions: all, passed at once, passed, replaces that passed at once.
    counts: [u32; 4],
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut rig = Rig::new(&narrow(&mut dice));
        rig.risk.set_drift(Nanos(0));
        let top = sample::top(1, cents(999), cents(1_001), 0, rig.now);
        rig.risk.on_market(&top);
        Self { rig, dice, live: Vec::new(), exec_id: 0, counts: [0; 4] }
    }

    fn step(&mut self) {
        self.rig.now.0 += self.dice.roll(60_000_000);
        match self.dice.roll(20) {
            0..9 => self.enter(),
            9..12 => self.replace(),
            12 => self.cancel(),
            13..18 => self.answer(),
            18 => self.move_market(),
            _ => self.look_after(),
        }
        self.rig.journal.clear();
    }

    fn terms(&mut self) -> (Price, Qty) {
        (cents(995 + self.dice.roll(11) as i64), shares(1 + 10 * self.dice.roll(30) as u32))
    }

    fn enter(&mut self) {
        let strategy = 1 + self.dice.roll(2) as usize;
        let Some(id) = self.rig.pools[strategy].take() else { return };
        let side = if self.dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let (px, qty) = self.terms();
        let mut intent = sample::intent(id, side, px);
        (intent.qty, intent.instrument) = (qty, InstrumentId(self.dice.roll(2) as u32));
        match self.dice.roll(40) {
            0 => intent.ord_type = OrdType::Market as u8,
            1 => intent.tif = Tif::Ioc as u8,
            2 => intent.px.0 += 1,
            3 => intent.ord_type = OrdType::PostOnly as u8,
            _ => {}
        }
        if self.decide(&intent) {
            self.live.push(intent);
        } else {
            assert!(self.rig.pools[strategy].free(id));
        }
    }

    fn pick(&mut self) -> Option<Intent> {
        let count = self.live.len() as u64;
        (count > 0).then(|| self.live[self.dice.roll(count) as usize])
    }

    fn replace(&mut self) {
        let Some(of) = self.pick() else { return };
        let (px, qty) = self.terms();
        let strategy = of.cl_ord_id.strategy().index();
        let Some(id) = self.rig.pools[strategy].replace(of.cl_ord_id) else { return };
        let intent = Intent { kind: Kind::IntentReplace as u8, px, qty, cl_ord_id: id, ..of };
        if self.decide(&intent) {
            self.rig.report(said(Kind::Replaced, id, px, qty, 0));
            self.live.retain(|live| live.cl_ord_id.slot() != id.slot());
            self.live.push(Intent { kind: Kind::IntentNew as u8, ..intent });
        }
    }

    fn cancel(&mut self) {
        let Some(of) = self.pick() else { return };
        let intent = self.rig.cancelling(&of);
        self.decide(&intent);
    }

    fn answer(&mut self) {
        let Some(of) = self.pick() else { return };
        let (id, px) = (of.cl_ord_id, of.px);
        let kind = match self.dice.roll(9) {
            0..3 => Kind::Accepted,
            3..6 => Kind::Executed,
            6 => Kind::Rejected,
            _ => Kind::Canceled,
        };
        self.exec_id += 1;
        let exec_id = if kind == Kind::Executed { self.exec_id } else { 0 };
        self.rig.report(said(kind, id, px, of.qty, exec_id));
        if kind != Kind::Accepted {
            self.live.retain(|live| live.cl_ord_id.slot() != id.slot());
        }
    }

    fn move_market(&mut self) {
        let now = self.rig.now;
        self.rig.risk.on_market(&sample::live(now));
        let middle = 996 + self.dice.roll(9) as i64;
        let flags = match self.dice.roll(12) {
            0 => flags::STALE,
            1 => flags::CROSSED,
            2 => flags::HALT,
            _ => 0,
        };
        let (instrument, width) = (self.dice.roll(2) as u32, self.dice.roll(3) as i64);
        let (bid, ask) = (cents(middle - width), cents(middle + width));
        self.rig.risk.on_market(&sample::top(instrument, bid, ask, flags, now));
    }

    /// A person re-arms, or sets a mode for a while.
    fn look_after(&mut self) {
        self.rig.risk.rearm(Scope::Firm);
        let mode = if self.dice.roll(5) == 0 {
            super::super::Mode::ReduceOnly
        } else {
            super::super::Mode::Active
        };
        self.rig.risk.set_mode(Scope::Account(AccountId(0)), mode);
        while self.rig.risk.take_alarm().is_some() {}
        for instrument in 0..2 {
            self.rig.risk.release(InstrumentId(instrument));
        }
        self.rig.risk.on_market(&sample::live(self.rig.now));
    }

    /// Decides both ways on like states: the same decision, and the same state after it.
    fn decide(&mut self, intent: &Intent) -> bool {
        let context = self.rig.context();
        let is_replace = intent.kind == Kind::IntentReplace as u8;
        let mut by_rule = self.rig.risk.clone();
        by_rule.now = by_rule.now.max(context.now);
        let terms = OrderTerms::NONE;
        let at_once = by_rule.pass(intent, &terms, is_replace, &context, &()).is_some();
        let expected = if intent.kind == Kind::IntentCancel as u8 {
            by_rule.decide(intent, &context)
        } else {
            by_rule.judge(intent, &terms, is_replace, &context)
        };
        let found = self.rig.decide(intent);
        assert_eq!(found, expected, "{intent:?}");
        assert_eq!(format!("{:?}", self.rig.risk), format!("{by_rule:?}"), "{intent:?}");
        let passes = matches!(found, Decision::Approve { .. });
        let counts = [true, at_once, passes, at_once && is_replace];
        self.counts.iter_mut().zip(counts).for_each(|(sum, one)| *sum += u32::from(one));
        passes
    }
}

/// Goal: all rules at once let pass nothing that a rule refuses, and what they let pass changes the
/// state as if it had been judged rule by rule; and they are not merely strict: nearly all that
/// passes, passes at once. Method: random limits in every scope, orders, replaces, reports, markets
/// and modes; each decision is made both ways on copies of one state, and the states are compared
/// whole.
#[test]
fn t02_all_rules_at_once_decide_as_one_by_one() {
    let mut counts = [0_u32; 4];
    for seed in 1..=40 {
        println!("seed {seed}");
        let mut walk = Walk::new(seed);
        for _ in 0..120 {
            walk.step();
        }
        counts.iter_mut().zip(walk.counts).for_each(|(sum, one)| *sum += one);
    }
    let [all, at_once, passed, replaced] = counts;
    println!("{all} decisions, {passed} passed, {at_once} of them at once, {replaced} replaces");
    assert!(all - passed > 200, "rules refuse: {counts:?}");
    assert!(at_once > 300 && replaced > 10, "orders pass at once: {counts:?}");
    assert!(at_once * 10 >= passed * 9, "what passes, passes at once: {counts:?}");
}
