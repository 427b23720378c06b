use super::model::{Model, Plain};
use super::*;
use crate::config::limits::{Limit, LimitSet};
use shm::ids::AccountId;
use shm::units::Notional;

/// Narrow limits in every scope, so that each rule refuses now and then.
fn narrow(slots: u32, rate: u32) -> Setup {
    let mut setup = sample::setup(slots);
    let row = |scope, times: u32| {
        let mut row = sample::wide(scope);
        row.order.qty_max = Limit::Max(shares(300));
        row.order.value_max = Limit::Max(Notional(2_900 * Notional::SCALE));
        row.order.collar_ticks = Limit::Max(50);
        row.total.long_max = Limit::Max(shares(900 * times));
        row.total.short_max = Limit::Max(shares(700 * times));
        row.total.open_qty_max = Limit::Max(shares(1_500 * times));
        row.total.open_value_max =
            Limit::Max(Notional(14_000 * Notional::SCALE * i128::from(times)));
        row.total.open_orders_max = Limit::Max(12 * times);
        row
    };
    let mut rows = vec![
        row(Scope::Firm, 3),
        row(Scope::Account(AccountId(0)), 2),
        row(Scope::Strategy(StrategyId(1)), 1),
        row(Scope::Instrument(InstrumentId(1)), 2),
    ];
    rows[1].repeat.same_max = Limit::Max(1);
    rows[1].repeat.per = Nanos(300_000_000);
    setup.limits = LimitSet { version: 4, rows };
    setup.gateways[0].rate = rate;
    setup.gateways[0].reserve = 4;
    setup
}

struct Walk {
    rig: Rig,
    model: Model,
    dice: Dice,
    exec_id: u64,
    refusals: Vec<Reason>,
}

impl Walk {
    fn new(seed: u64, setup: &Setup) -> Self {
        let mut rig = Rig::new(setup);
        let now = rig.now;
        rig.risk.on_market(&sample::top(1, cents(999), cents(1001), 0, now));
        let refusals = Vec::new();
        Self { rig, model: Model::new(setup), dice: Dice::new(seed), exec_id: 0, refusals }
    }

    fn step(&mut self) {
        self.rig.now.0 += self.dice.roll(40_000_000);
        let now = self.rig.now;
        self.rig.risk.on_market(&sample::live(now));
        match self.dice.roll(10) {
            0..4 => self.enter(),
            4..6 => self.replace(),
            6..8 => self.fill(),
            8 => self.cancel(),
            _ => self.answer(),
        }
        self.model.forget_ended();
        self.rig.journal.clear();
    }

    fn terms(&mut self) -> (Price, Qty) {
        (cents(997 + self.dice.roll(5) as i64), shares(100 + 50 * self.dice.roll(5) as u32))
    }

    fn enter(&mut self) {
        let strategy = self.dice.roll(3) as usize;
        let Some(id) = self.rig.pools[strategy].take() else { return };
        let side = if self.dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let (px, qty) = self.terms();
        let mut intent = sample::intent(id, side, px);
        (intent.qty, intent.instrument) = (qty, InstrumentId(self.dice.roll(2) as u32));
        if !self.compare(&intent) {
            assert!(self.rig.pools[strategy].free(id));
        }
    }

    fn pick(&mut self) -> Option<usize> {
        let count = self.model.orders.len() as u64;
        (count > 0).then(|| self.dice.roll(count) as usize)
    }

    fn replace(&mut self) {
        let Some(at) = self.pick() else { return };
        let order = &self.model.orders[at];
        if order.replace.is_some() {
            return;
        }
        let of = Intent { cl_ord_id: order.id, ..order.intent };
        let (px, qty) = self.terms();
        let intent = self.rig.replacing(&of, px, qty);
        self.compare(&intent);
    }

    /// The same decision for the same reason.
    fn compare(&mut self, intent: &Intent) -> bool {
        let expected = self.model.judge(intent, self.rig.now);
        let found = match self.rig.decide(intent) {
            Decision::Deny { record, .. } => Reason::from_u8(record.reason),
            Decision::Approve { .. } | Decision::Cancel { .. } => None,
        };
        assert_eq!(found, expected, "{intent:?}");
        match found {
            None => self.model.approve(intent, self.rig.now),
            Some(reason) => self.refusals.push(reason),
        }
        found.is_none()
    }

    /// A fill of all or some of what works under the terms in force.
    fn fill(&mut self) {
        let Some(at) = self.pick() else { return };
        let order = &self.model.orders[at];
        let leaves = (order.qty - order.cum) / i128::from(Qty::SCALE);
        let qty = shares(1 + self.dice.roll(leaves as u64) as u32);
        let order = &self.model.orders[at];
        let id = order.id;
        self.exec_id += 1;
        let px = Price(order.px as i64);
        self.rig.report(said(Kind::Executed, id, px, qty, self.exec_id));
        self.model.fill(at, qty);
    }

    fn cancel(&mut self) {
        let Some(at) = self.pick() else { return };
        let order = &self.model.orders[at];
        let cancel = self.rig.cancelling(&Intent { cl_ord_id: order.id, ..order.intent });
        assert!(matches!(self.rig.decide(&cancel), Decision::Cancel { .. }));
        self.model.send(self.rig.now);
        let order = &mut self.model.orders[at];
        let left = Qty((order.qty - order.cum) as i64);
        order.works = false;
        let id = order.id;
        self.rig.report(said(Kind::Canceled, id, Price::NONE, left, 0));
    }

    /// The venue answers a replace, or accepts.
    fn answer(&mut self) {
        let Some(at) = self.pick() else { return };
        let accepted = self.dice.roll(3) > 0;
        let order = &mut self.model.orders[at];
        let Some((id, px, qty)) = order.replace.take() else {
            let (id, px, qty) = (order.id, Price(order.px as i64), Qty(order.qty as i64));
            self.rig.report(said(Kind::Accepted, id, px, qty, 0));
            return;
        };
        if !accepted {
            self.rig.report(said(Kind::Rejected, id, Price::NONE, Qty::ZERO, 0));
            return;
        }
        (order.id, order.px, order.qty) = (id, px, qty);
        order.works = order.cum < order.qty;
        let left = Qty((qty - order.cum).max(0) as i64);
        self.rig.report(said(Kind::Replaced, id, Price(px as i64), left, 0));
    }

    /// Reservations and positions equal the plain sums, and no fill order could pass a limit.
    fn check(&self, setup: &Setup) {
        for instrument in [InstrumentId(0), InstrumentId(1)] {
            for strategy in [0, 1, 2].map(StrategyId) {
                let sums = self.rig.risk.sums(strategy, instrument).unwrap();
                let account = Scope::Account(setup.strategies[strategy.index()].account);
                let scopes = [Scope::Firm, account, Scope::Strategy(strategy)];
                for (sums, scope) in sums.iter().zip(scopes) {
                    let plain: Plain = (
                        sums.position.0.into(),
                        sums.open_buy.0.into(),
                        sums.open_sell.0.into(),
                        sums.open_value.0,
                        sums.open_orders.into(),
                    );
                    assert_eq!(plain, self.model.sums(scope, instrument), "{scope:?}");
                    for row in setup.limits.rows.iter().filter(|row| row.scope == scope) {
                        let long = row.total.long_max.number().unwrap();
                        let short = row.total.short_max.number().unwrap();
                        assert!(plain.0 + plain.1 <= long.0.into(), "{scope:?} long");
                        assert!(plain.2 - plain.0 <= short.0.into(), "{scope:?} short");
                    }
                }
            }
        }
    }
}

/// Goal: the same decisions and reservations as plain sums over a list of orders, and no exposure
/// over a limit in any fill order. Method: 1e5 random new orders, replaces, fills, cancels and
/// answers.
#[test]
fn t02_decisions_and_reservations_equal_plain_sums() {
    let mut refusals = Vec::new();
    let mut fills = 0;
    for seed in 0..10 {
        println!("seed {seed}");
        let setup = narrow(24, if seed % 2 == 0 { 16 } else { 60 });
        let mut walk = Walk::new(seed, &setup);
        for _ in 0..10_000 {
            walk.step();
            walk.check(&setup);
        }
        fills += walk.exec_id;
        refusals.append(&mut walk.refusals);
    }
    // The walk has met every rule it is about.
    for reason in
        [Reason::OrderValue, Reason::Position, Reason::OpenOrders, Reason::Rate, Reason::Duplicate]
    {
        let met = refusals.iter().filter(|other| **other == reason).count();
        println!("{reason}: {met}");
        assert!(met > 0, "{reason} never refused");
    }
    assert!(fills > 5_000, "{fills}");
}
