//! Positions by name, as a report shows them.

#![expect(clippy::disallowed_types, reason = "cold: after the stop")]

use crate::config::Config;
use feed::instruments::Instruments;
use shm::units::{Notional, Price, Qty};

/// One row of the positions at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionRow {
    /// Name of the strategy.
    pub strategy: String,
    /// Symbol of the instrument.
    pub symbol: String,
    /// Signed position.
    pub position: Qty,
    /// Realised profit of the session.
    pub realised: Notional,
    /// Profit of the open position at its mark; zero without one.
    pub unrealised: Notional,
    /// Fees less rebates of the session.
    pub fees: Notional,
}

/// Every position that risk has touched, by name.
#[must_use]
pub fn position_rows(
    risk: &crate::risk::Risk,
    config: &Config,
    instruments: &Instruments,
) -> Vec<PositionRow> {
    let mut rows = Vec::new();
    for (strategy, instrument, holding) in risk.holdings() {
        let name = strategy.index().checked_sub(1).and_then(|at| config.strategies.get(at));
        let row = instruments.get(instrument);
        let multiplier = row.map_or(1, |row| row.multiplier);
        let value =
            risk.mark(instrument).and_then(|mark: Price| mark.notional(holding.qty, multiplier));
        let unrealised = value.map_or(0, |value| value.0 - holding.cost);
        rows.push(PositionRow {
            strategy: name.map_or_else(|| "operator".to_owned(), |row| row.name.clone()),
            symbol: row.map_or_else(|| instrument.0.to_string(), |row| row.symbol.to_string()),
            position: holding.qty,
            realised: Notional(holding.realised),
            unrealised: Notional(unrealised),
            fees: Notional(holding.fees),
        });
    }
    rows
}
