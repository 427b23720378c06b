//! The slow model: a list of orders and plain sums over it, the rules written out once more,
//! without any of the structures that make risk fast.

use super::*;
use crate::config::limits::LimitSet;
use crate::risk::setup::Setup;
use shm::ids::AccountId;

/// An order as the model keeps it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) intent: Intent,
    pub(super) px: i128,
    pub(super) qty: i128,
    /// Pending replace: id, price, quantity.
    pub(super) replace: Option<(ClOrdId, i128, i128)>,
    pub(super) id: ClOrdId,
    pub(super) cum: i128,
    pub(super) works: bool,
}

impl Kept {
    fn leaves(&self) -> i128 {
        if self.works { (self.qty - self.cum).max(0) } else { 0 }
    }

    /// Worse of old and new terms.
    fn reserved(&self) -> (i128, i128) {
        let old = self.leaves();
        let new = match self.replace {
            Some((_, _, qty)) if self.works => (qty - self.cum).max(0),
            _ => 0,
        };
        let new_px = self.replace.map_or(0, |(_, px, _)| px);
        (old.max(new), (old * self.px).max(new * new_px))
    }

    fn is_buy(&self) -> bool {
        self.intent.side == Side::Buy as u8
    }
}

/// Lists and nothing else.
pub(super) struct Model {
    limits: LimitSet,
    accounts: Vec<AccountId>,
    pub(super) orders: Vec<Kept>,
    fills: Vec<(StrategyId, InstrumentId, i128)>,
    sent: Vec<Nanos>,
    approved: Vec<(Intent, Nanos)>,
    rate: usize,
}

/// Sums of a scope in an instrument: position, open buys, open sells, open value, orders.
pub(super) type Plain = (i128, i128, i128, i128, i128);

impl Model {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            limits: setup.limits.clone(),
            accounts: setup.strategies.iter().map(|row| row.account).collect(),
            orders: Vec::new(),
            fills: Vec::new(),
            sent: Vec::new(),
            approved: Vec::new(),
            rate: (setup.gateways[0].rate - setup.gateways[0].reserve) as usize,
        }
    }

    fn covers(&self, scope: Scope, strategy: StrategyId, instrument: InstrumentId) -> bool {
        scope.covers(self.accounts[strategy.index()], strategy, instrument)
    }

    pub(super) fn sums(&self, scope: Scope, instrument: InstrumentId) -> Plain {
        let mut plain = (0, 0, 0, 0, 0);
        for &(strategy, of, signed) in &self.fills {
            if of == instrument && self.covers(scope, strategy, of) {
                plain.0 += signed;
            }
        }
        for order in self.orders.iter().filter(|order| order.works) {
            let of = order.intent.instrument;
            if of == instrument && self.covers(scope, order.id.strategy(), of) {
                let (qty, value) = order.reserved();
                *(if order.is_buy() { &mut plain.1 } else { &mut plain.2 }) += qty;
                plain.3 += value;
                plain.4 += 1;
            }
        }
        plain
    }

    /// R20, R21, R30, R31, R40, R43 in this order.
    pub(super) fn judge(&self, intent: &Intent, now: Nanos) -> Option<Reason> {
        let (px, qty) = (i128::from(intent.px.0), i128::from(intent.qty.0));
        let strategy = intent.cl_ord_id.strategy();
        let instrument = intent.instrument;
        let rows: Vec<&LimitRow> = self
            .limits
            .rows
            .iter()
            .filter(|row| self.covers(row.scope, strategy, instrument))
            .collect();
        let any = |fails: &dyn Fn(&LimitRow) -> bool| rows.iter().any(|row| fails(row));
        if any(&|row| row.order.qty_max.number().is_some_and(|max| qty > i128::from(max.0))) {
            return Some(Reason::OrderQty);
        }
        if any(&|row| row.order.value_max.number().is_some_and(|max| px * qty > max.0)) {
            return Some(Reason::OrderValue);
        }
        let own = self
            .orders
            .iter()
            .find(|order| order.works && order.id.slot() == intent.cl_ord_id.slot());
        let (old, new, orders) = match own {
            None => ((0, 0), (qty, px * qty), 1),
            Some(order) => {
                let mut next = order.clone();
                next.replace = Some((intent.cl_ord_id, px, qty));
                (order.reserved(), next.reserved(), 0)
            }
        };
        let more = (new.0 - old.0, new.1 - old.1);
        let buys = intent.side == Side::Buy as u8;
        let position = |row: &LimitRow| {
            let (position, buy, sell, _, _) = self.sums(row.scope, instrument);
            let (worst, max) = if buys {
                (position + buy + more.0, row.total.long_max)
            } else {
                (sell - position + more.0, row.total.short_max)
            };
            max.number().is_some_and(|max| worst > i128::from(max.0))
        };
        if any(&position) {
            return Some(Reason::Position);
        }
        let open = |row: &LimitRow| {
            let (_, buy, sell, value, count) = self.sums(row.scope, instrument);
            let total = &row.total;
            total.open_qty_max.number().is_some_and(|max| buy + sell + more.0 > i128::from(max.0))
                || total.open_value_max.number().is_some_and(|max| value + more.1 > max.0)
                || total
                    .open_orders_max
                    .number()
                    .is_some_and(|max| count + orders > i128::from(max))
        };
        if any(&open) {
            return Some(Reason::OpenOrders);
        }
        if self.sent.iter().filter(|at| now.0 - at.0 < Nanos::SECOND.0).count() >= self.rate {
            return Some(Reason::Rate);
        }
        let same = |row: &LimitRow| {
            let equal = self.approved.iter().filter(|(other, at)| {
                now.0 - at.0 < row.repeat.per.0 && self.is_same(other, intent)
            });
            let count = equal.count() as u32 + 1;
            row.repeat.same_max.number().is_some_and(|max| count > max)
        };
        any(&same).then_some(Reason::Duplicate)
    }

    fn is_same(&self, a: &Intent, b: &Intent) -> bool {
        let account = |intent: &Intent| self.accounts[intent.cl_ord_id.strategy().index()];
        account(a) == account(b)
            && (a.instrument, a.side, a.px, a.qty) == (b.instrument, b.side, b.px, b.qty)
    }

    pub(super) fn approve(&mut self, intent: &Intent, now: Nanos) {
        self.send(now);
        self.approved.push((*intent, now));
        self.approved.retain(|(_, at)| now.0 - at.0 < 10 * Nanos::SECOND.0);
        let (px, qty) = (i128::from(intent.px.0), i128::from(intent.qty.0));
        let id = intent.cl_ord_id;
        match self.orders.iter_mut().find(|order| order.works && order.id.slot() == id.slot()) {
            Some(order) => order.replace = Some((id, px, qty)),
            None => self.orders.push(Kept {
                intent: *intent,
                px,
                qty,
                replace: None,
                id,
                cum: 0,
                works: true,
            }),
        }
    }

    pub(super) fn send(&mut self, now: Nanos) {
        self.sent.push(now);
        self.sent.retain(|at| now.0 - at.0 < 10 * Nanos::SECOND.0);
    }

    pub(super) fn fill(&mut self, at: usize, qty: Qty) {
        let order = &mut self.orders[at];
        order.cum += i128::from(qty.0);
        order.works = order.cum < order.qty;
        let signed = if order.is_buy() { i128::from(qty.0) } else { -i128::from(qty.0) };
        let key = (order.id.strategy(), order.intent.instrument);
        match self.fills.iter_mut().find(|(a, b, _)| (*a, *b) == key) {
            Some((_, _, sum)) => *sum += signed,
            None => self.fills.push((key.0, key.1, signed)),
        }
    }

    pub(super) fn forget_ended(&mut self) {
        self.orders.retain(|order| order.works);
    }
}
