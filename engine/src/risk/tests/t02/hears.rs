//! How the model's lists grow, and what it does after the fact: bests, modes and alarms.

use super::super::*;
use super::model::{Entered, Is, Kept, Model, Next, Outcome, Trade};
use super::rules::Passed;
use crate::risk::Mode;
use shm::message::OrderTerms;

impl Model {
    /// An order or a replace has passed.
    pub(super) fn enter(&mut self, intent: &Intent, terms: &OrderTerms, passed: &Passed) {
        let (strategy, instrument) = (intent.cl_ord_id.strategy(), intent.instrument);
        let (side, id) = (Side::from_u8(intent.side).unwrap(), intent.cl_ord_id);
        let (px, qty, at) = (passed.px, i128::from(intent.qty.0), self.now);
        let more = passed.more;
        self.entered.push(Entered { strategy, instrument, side, px, qty, more, at, old: false });
        self.sent.push((self.setup.strategies[strategy.index()].gateway, at));
        if side == Side::Sell {
            self.quotes[instrument.index()].touched = true;
        }
        if intent.kind == Kind::IntentReplace as u8 {
            let slot = id.slot();
            let order = self.orders.iter_mut().rev().find(|order| order.root.slot() == slot);
            order.unwrap().replace = Some(Next { id, px, qty });
            return;
        }
        self.orders.push(Kept {
            root: id,
            id,
            strategy,
            instrument,
            side,
            ord_type: intent.ord_type,
            multiplier: self.multiplier(instrument),
            px,
            qty,
            canceled: 0,
            replace: None,
            execs: Vec::new(),
            acked: false,
            unsure: false,
            refused: false,
            expired: false,
            gone: false,
            canceling: false,
            parent: terms.parent,
            leg: terms.leg,
            since: at,
            unknown_since: None,
        });
    }

    /// A cancel has been passed on.
    pub(super) fn ask_cancel(&mut self, at: usize) {
        let order = &mut self.orders[at];
        order.canceling = true;
        let gateway = self.setup.strategies[order.strategy.index()].gateway;
        self.sent.push((gateway, self.now));
    }

    /// A fill, or the undoing of one.
    pub(super) fn trade(&mut self, trade: Trade) {
        self.trades.push(trade);
        let Trade { strategy, instrument, side, px, .. } = trade;
        self.quotes[instrument.index()].touched = true;
        if trade.undoes {
            return;
        }
        self.paid.push((strategy, instrument, side, px, self.now));
        for at in 0..self.scopes.len() {
            let scope = self.scopes[at];
            if !self.covers(scope, strategy, instrument) {
                continue;
            }
            let executions = self.sums(scope).executions;
            let row = self.limits.rows.iter().find(|row| row.scope == scope);
            let max = row.and_then(|row| row.day.executions_max.number());
            if let Some(max) = max.map(i128::from).filter(|max| executions >= *max) {
                self.trip(at, Reason::Repeated, Mode::CancelOnly, executions, max - 1);
            }
        }
    }

    /// The fee of a fill.
    pub(super) fn fee(&self, strategy: StrategyId, qty: i128, liquidity: u8) -> i128 {
        let rates = self.setup.accounts[self.account(strategy).index()].rates;
        rates.cost(Qty(qty as i64), liquidity).0
    }

    /// R32, R36 after fills: in the scopes of the order.
    pub(super) fn watch_trade(&mut self, strategy: StrategyId, instrument: InstrumentId) {
        for at in 0..self.scopes.len() {
            if self.covers(self.scopes[at], strategy, instrument) {
                self.watch(at);
            }
        }
    }

    /// R32, R36 after a mark has moved: in the scopes that hold the instrument.
    pub(super) fn watch_mark(&mut self, instrument: InstrumentId) {
        for at in 0..self.scopes.len() {
            let scope = self.scopes[at];
            let holds = self.sums(scope).rows[instrument.index()].position != 0;
            let is_its_own = scope == Scope::Instrument(instrument);
            if is_its_own || (holds && !matches!(scope, Scope::Instrument(_))) {
                self.watch(at);
            }
        }
    }

    fn watch(&mut self, at: usize) {
        let scope = self.scopes[at];
        let sums = self.sums(scope);
        let profit = sums.profit();
        self.standing[at].peak = self.standing[at].peak.max(profit);
        let fall = self.standing[at].peak - profit;
        let Some(row) = self.limits.rows.iter().find(|row| row.scope == scope) else { return };
        let money = row.money;
        for (reason, measured, limit) in [
            (Reason::Gross, sums.gross, money.gross_max),
            (Reason::Loss, -profit, money.loss_max),
            (Reason::Loss, fall, money.drawdown_max),
        ] {
            if let Some(limit) = limit.number().filter(|limit| measured > limit.0) {
                self.trip(at, reason, Mode::ReduceOnly, measured, limit.0);
            }
        }
    }

    fn trip(&mut self, at: usize, reason: Reason, mode: Mode, measured: i128, limit: i128) {
        if self.standing[at].tripped < mode {
            self.standing[at].tripped = mode;
            self.alarms.push((self.scopes[at], reason, measured, limit));
        }
    }

    /// R46.
    pub(super) fn outcome(
        &mut self,
        what: Outcome,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) {
        self.outcomes.push((what, strategy, instrument, self.now));
        for at in 0..self.scopes.len() {
            let scope = self.scopes[at];
            let (concerns, max) = match what {
                Outcome::Lost(gateway) => (self.uses(scope, gateway), 2),
                Outcome::CancelRefused => (self.covers(scope, strategy, instrument), 1),
                Outcome::Refused => (self.covers(scope, strategy, instrument), 0),
                Outcome::Took => (false, 0),
            };
            let row = self.limits.rows.iter().find(|row| row.scope == scope);
            let Some(breaker) = row.map(|row| row.breaker).filter(|_| concerns) else { continue };
            let maxima = [breaker.rejects_max, breaker.cancel_rejects_max, breaker.disconnects_max];
            let Some(max) = maxima[max].number().map(i128::from) else { continue };
            let used = self.outcomes_within(scope, what, breaker.per).min(max + 1);
            if used > max {
                self.trip(at, Reason::Breaker, Mode::CancelOnly, used, max);
            }
        }
    }

    /// A person arms a scope again.
    pub(super) fn rearm(&mut self, scope: Scope) {
        let armed = (self.paid.len(), self.outcomes.len());
        for (other, standing) in self.scopes.iter().zip(&mut self.standing) {
            if scope == Scope::Firm || *other == scope {
                (standing.tripped, standing.armed) = (Mode::Active, armed);
            }
        }
    }

    /// E24: what waits for an answer for too long.
    pub(super) fn overdue(&mut self) {
        let (now, most) = (self.now, self.setup.answer_max);
        for order in self.orders.iter_mut().filter(|order| order.is() == Is::InFlight) {
            order.unsure |= now.0 - order.since.0 > most.0;
        }
        self.date_unknown();
    }

    /// Since when outcomes are not known.
    pub(super) fn date_unknown(&mut self) {
        for order in &mut self.orders {
            let is_unknown = order.is() == Is::Unknown;
            let since = order.unknown_since.unwrap_or(self.now);
            order.unknown_since = is_unknown.then_some(since);
        }
    }

    /// Keeps the latest of the orders that have ended: of the others nothing more is heard.
    pub(super) fn forget_ended(&mut self, most: usize) {
        let ended = self.orders.iter().filter(|order| !order.works()).count();
        let mut surplus = ended.saturating_sub(most);
        let families = &mut self.families;
        self.orders.retain(|order| {
            if order.works() || surplus == 0 {
                return true;
            }
            surplus -= 1;
            if let Some(family) = families.iter_mut().find(|family| family.id == order.parent) {
                let spent = &mut family.spent[usize::from(order.leg)];
                *spent = (spent.0 + order.used(0), spent.1 + order.cum());
            }
            false
        });
    }

    /// A restart: what it keeps is what works, what is held, and what the day has counted.
    pub(super) fn restart(&mut self, new_day: bool, costs: &[(StrategyId, InstrumentId, i128)]) {
        self.forget_ended(0);
        for order in &mut self.orders {
            (order.since, order.unknown_since) = (Nanos(0), None);
        }
        self.date_unknown();
        self.forget_market();
        self.sent.clear();
        self.entered.iter_mut().for_each(|entered| entered.old = true);
        (self.paid_from, self.outcomes_from) = (self.paid.len(), self.outcomes.len());
        if new_day {
            self.families.clear();
            let positions: Vec<_> = costs
                .iter()
                .map(|&(strategy, instrument, cost)| {
                    let rows = self.sums(Scope::Strategy(strategy)).rows;
                    (strategy, instrument, rows[instrument.index()].position, -cost)
                })
                .collect();
            self.opening = positions;
            self.trades.clear();
            self.entered.clear();
            self.standing.iter_mut().for_each(|standing| standing.peak = 0);
        }
        self.touch();
    }

    /// What a restart finds held or for sale is watched from its beginning.
    fn touch(&mut self) {
        for at in 0..self.quotes.len() {
            let instrument = InstrumentId(at as u32);
            let held = self.opening.iter().any(|row| row.1 == instrument)
                || self.trades.iter().any(|trade| trade.instrument == instrument);
            let mut orders = self.orders.iter().filter(|order| order.instrument == instrument);
            let sold = orders.any(|order| order.side == Side::Sell);
            self.quotes[at].touched = held || sold;
        }
    }
}
