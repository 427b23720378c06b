//! Plain sums of a scope over the model's lists.

use super::super::*;
use super::model::{Is, Model, Outcome};

/// One instrument in a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) position: i128,
    pub(super) buys: i128,
    pub(super) sells: i128,
    pub(super) buy_value: i128,
    pub(super) sell_value: i128,
    pub(super) orders: i128,
}

impl Row {
    /// What would be short with every working sell filled.
    pub(super) fn short(&self) -> i128 {
        (self.sells - self.position).max(0)
    }
}

/// Everything of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) rows: Vec<Row>,
    pub(super) gross: i128,
    pub(super) net: i128,
    pub(super) open_buy: i128,
    pub(super) open_sell: i128,
    pub(super) open_qty: i128,
    pub(super) short_value: i128,
    pub(super) debits: i128,
    pub(super) earned: i128,
    pub(super) entered_value: i128,
    pub(super) entered_qty: i128,
    pub(super) traded_value: i128,
    pub(super) traded_qty: i128,
    pub(super) orders: i128,
    pub(super) trades: i128,
    pub(super) executions: i128,
    pub(super) unknown: i128,
    pub(super) unknown_since: Option<Nanos>,
    /// Instruments held whose mark cannot be used now.
    pub(super) unmarked: i128,
}

impl Sums {
    pub(super) fn profit(&self) -> i128 {
        self.earned + self.net
    }
}

impl Model {
    pub(super) fn sums(&self, scope: Scope) -> Sums {
        let mut sums = Sums { rows: vec![Row::default(); self.quotes.len()], ..Sums::default() };
        self.add_trades(scope, &mut sums);
        self.add_orders(scope, &mut sums);
        for (row, (quote, terms)) in
            sums.rows.iter().zip(self.quotes.iter().zip(&self.setup.instruments))
        {
            let unit = quote.mark.unwrap_or(0) * i128::from(terms.multiplier);
            sums.net += row.position * unit;
            sums.gross += (row.position * unit).abs();
            sums.short_value += row.short() * unit;
            sums.open_buy += row.buy_value;
            sums.open_sell += row.sell_value;
            sums.open_qty += row.buys + row.sells;
            sums.unmarked += i128::from(row.position != 0 && !quote.usable);
        }
        sums
    }

    fn add_trades(&self, scope: Scope, sums: &mut Sums) {
        for &(strategy, instrument, position, earned) in &self.opening {
            if self.covers(scope, strategy, instrument) {
                sums.rows[instrument.index()].position += position;
                sums.earned += earned;
            }
        }
        for trade in &self.trades {
            if !self.covers(scope, trade.strategy, trade.instrument) {
                continue;
            }
            let back = if trade.undoes { -1 } else { 1 };
            let signed = back * i128::from(trade.side.sign()) * trade.qty;
            let multiplier = self.setup.instruments[trade.instrument.index()].multiplier;
            let value = trade.px * trade.qty * i128::from(multiplier);
            sums.rows[trade.instrument.index()].position += signed;
            sums.earned -= back * (i128::from(trade.side.sign()) * value + trade.fee);
            let bought = if trade.side == Side::Buy { value } else { 0 };
            sums.debits += back * (bought + trade.fee);
            sums.trades = (sums.trades + back).max(0);
            if !trade.undoes {
                sums.traded_value += value;
                sums.traded_qty += trade.qty;
            }
        }
        let armed = self.standing[self.at(scope)].armed.0;
        let executed = self.paid.iter().skip(armed);
        sums.executions =
            executed.filter(|paid| self.covers(scope, paid.0, paid.1)).count() as i128;
    }

    fn add_orders(&self, scope: Scope, sums: &mut Sums) {
        for order in self.orders.iter().filter(|order| order.works()) {
            if !self.covers(scope, order.strategy, order.instrument) {
                continue;
            }
            let row = &mut sums.rows[order.instrument.index()];
            let (qty, value) = order.reserved();
            if order.side == Side::Buy {
                (row.buys, row.buy_value) = (row.buys + qty, row.buy_value + value);
            } else {
                (row.sells, row.sell_value) = (row.sells + qty, row.sell_value + value);
            }
            row.orders += 1;
            if order.is() == Is::Unknown {
                sums.unknown += 1;
                sums.unknown_since =
                    sums.unknown_since.into_iter().chain(order.unknown_since).min();
            }
        }
        for entered in &self.entered {
            if self.covers(scope, entered.strategy, entered.instrument) {
                sums.orders += 1;
                sums.entered_qty += entered.more.0;
                sums.entered_value += entered.more.1;
            }
        }
    }

    pub(super) fn at(&self, scope: Scope) -> usize {
        self.scopes.iter().position(|other| *other == scope).unwrap()
    }

    /// Times that are younger than a window.
    fn within(&self, times: impl Iterator<Item = Nanos>, per: Nanos) -> i128 {
        times.filter(|at| self.now.0 - at.0 < per.0).count() as i128
    }

    /// R40: messages of a session in its window.
    pub(super) fn messages(&self, gateway: GatewayId) -> i128 {
        let times = self.sent.iter().filter(|sent| sent.0 == gateway).map(|sent| sent.1);
        self.within(times, self.setup.gateways[gateway.index()].per)
    }

    /// R41: orders of a scope in a window.
    pub(super) fn orders_within(&self, scope: Scope, per: Nanos) -> i128 {
        let mine = self.entered.iter().filter(|entered| {
            !entered.old && self.covers(scope, entered.strategy, entered.instrument)
        });
        self.within(mine.map(|entered| entered.at), per)
    }

    /// R46: refusals without an acceptance after them, refused cancels, lost sessions.
    pub(super) fn outcomes_within(&self, scope: Scope, what: Outcome, per: Nanos) -> i128 {
        let armed = self.standing[self.at(scope)].armed.1.max(self.outcomes_from);
        let mut times = Vec::new();
        for &(outcome, strategy, instrument, at) in self.outcomes.iter().skip(armed) {
            let concerns = match outcome {
                Outcome::Lost(gateway) => self.uses(scope, gateway),
                _ => self.covers(scope, strategy, instrument),
            };
            match (outcome, what) {
                _ if !concerns => {}
                (Outcome::Took, Outcome::Refused) => times.clear(),
                (Outcome::Lost(_), Outcome::Lost(_)) => times.push(at),
                (outcome, what) if outcome == what => times.push(at),
                _ => {}
            }
        }
        self.within(times.into_iter(), per)
    }

    /// Whether a scope sends through a gateway.
    pub(super) fn uses(&self, scope: Scope, gateway: GatewayId) -> bool {
        let mut rows = self.setup.strategies.iter().zip(0_u8..);
        rows.any(|(row, at)| {
            row.gateway == gateway
                && match scope {
                    Scope::Firm => true,
                    Scope::Account(id) => row.account == id,
                    Scope::Strategy(id) => id.0 == at,
                    Scope::Instrument(_) => false,
                }
        })
    }
}
