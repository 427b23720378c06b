//! Joins a configuration with the instrument file: symbols become ids, limits become rows.

use shm::ids::{AccountId, InstrumentId, StrategyId};

use super::check::{OPERATOR_ORDERS_MAX, trades};
use super::fault::{Fault, FaultKind, Report, did_you_mean};
use super::limits::{LimitRow, LimitSet, Scope};
use super::load::Loaded;
use super::model::{Config, Instruments, ScopeName};

/// What the configuration needs to know of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentName<'a> {
    /// Its id.
    pub id: InstrumentId,
    /// Its venue's name for it; several venues may use one.
    pub symbol: &'a str,
    /// What it is quoted in.
    pub currency: &'a str,
}

/// A configuration whose symbols are ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The limits, version 1.
    pub limits: LimitSet,
    /// What each strategy may trade, sorted, in the order of [`Config::strategies`].
    pub instruments: Vec<Vec<InstrumentId>>,
    /// The slots of the order table that each strategy owns; the operator's first, then in the order
    /// of [`Config::strategies`]. They follow one another from 0.
    pub slots: Vec<SlotRange>,
}

/// A strategy's slots of the order table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRange {
    /// Whose.
    pub strategy: StrategyId,
    /// The first.
    pub first: u32,
    /// How many; at least 1.
    pub count: u32,
}

impl Config {
    /// The name of a scope, as `account:main`.
    pub(super) fn scope_name(&self, scope: &ScopeName) -> String {
        let named = |kind: &str, name: Option<&String>| {
            format!("{kind}:{}", name.map_or("?", String::as_str))
        };
        match scope {
            ScopeName::Firm => "firm".to_owned(),
            ScopeName::Account(id) => {
                named("account", self.accounts.get(id.index()).map(|account| &account.name))
            }
            ScopeName::Strategy(id) => {
                let index = id.index().checked_sub(1);
                let strategy = index.and_then(|index| self.strategies.get(index));
                named("strategy", strategy.map(|strategy| &strategy.name))
            }
            ScopeName::Instrument(symbol) => format!("instrument:{symbol}"),
        }
    }

    /// The slots of the order table, from 0, the operator's first.
    #[must_use]
    pub fn slot_ranges(&self) -> Vec<SlotRange> {
        let operator = (StrategyId::OPERATOR, OPERATOR_ORDERS_MAX);
        let others = self.strategies.iter().map(|strategy| (strategy.id, strategy.orders_max));
        let mut first = 0_u32;
        let mut ranges = Vec::with_capacity(self.strategies.len() + 1);
        for (strategy, count) in std::iter::once(operator).chain(others) {
            ranges.push(SlotRange { strategy, first, count });
            first = first.saturating_add(count);
        }
        ranges
    }
}

impl Loaded {
    /// Checks every symbol against the instruments that there are, and compiles the limits.
    ///
    /// # Errors
    /// The report of every symbol that is not there, and of every instrument in another currency than
    /// the account that would trade it.
    pub fn bind(&self, instruments: &[InstrumentName<'_>]) -> Result<Bound, Report> {
        let config = &self.config;
        let mut faults = Vec::new();
        let mut traded = Vec::with_capacity(config.strategies.len());
        for strategy in &config.strategies {
            let key = format!("strategy.{}.wiring.instruments", strategy.name);
            if let Instruments::Symbols(symbols) = &strategy.instruments {
                for symbol in symbols {
                    self.find(instruments, symbol, &key, &mut faults);
                }
            }
            let mut ids: Vec<InstrumentId> = Vec::new();
            let mut foreign = 0_usize;
            let currency = config
                .accounts
                .get(strategy.account.index())
                .map_or("", |account| account.currency.as_str());
            for instrument in instruments {
                if trades(&strategy.instruments, instrument.symbol) {
                    if instrument.currency == currency {
                        ids.push(instrument.id);
                    } else {
                        foreign += 1;
                    }
                }
            }
            if foreign > 0 {
                let wrong = format!(
                    "{foreign} of its instruments are not quoted in {currency}, the currency of its \
                     account"
                );
                let remedy = "name another account, or take those instruments out";
                self.fault(&key, wrong, remedy.to_owned(), &mut faults);
            }
            ids.sort_unstable();
            traded.push(ids);
        }
        let limits = self.limits(instruments, &mut faults);
        if faults.is_empty() {
            Ok(Bound { limits, instruments: traded, slots: config.slot_ranges() })
        } else {
            Err(Report { faults }.sorted())
        }
    }

    fn limits(&self, instruments: &[InstrumentName<'_>], faults: &mut Vec<Fault>) -> LimitSet {
        let mut rows = Vec::new();
        for table in &self.config.limits {
            let scopes: Vec<Scope> = match &table.scope {
                ScopeName::Firm => vec![Scope::Firm],
                ScopeName::Account(id) => vec![Scope::Account(*id)],
                ScopeName::Strategy(id) => vec![Scope::Strategy(*id)],
                ScopeName::Instrument(symbol) => {
                    let key = format!("limits.{}.scope", self.config.scope_name(&table.scope));
                    self.find(instruments, symbol, &key, faults);
                    instruments
                        .iter()
                        .filter(|instrument| instrument.symbol == symbol)
                        .map(|instrument| Scope::Instrument(instrument.id))
                        .collect()
                }
            };
            rows.extend(scopes.into_iter().map(|scope| LimitRow {
                scope,
                order: table.order,
                total: table.total,
                repeat: table.repeat,
            }));
        }
        rows.sort_by_key(|row| row.scope);
        LimitSet { version: 1, rows }
    }

    fn find(
        &self,
        instruments: &[InstrumentName<'_>],
        symbol: &str,
        key: &str,
        faults: &mut Vec<Fault>,
    ) {
        if instruments.iter().any(|instrument| instrument.symbol == symbol) {
            return;
        }
        let remedy = did_you_mean(symbol, instruments.iter().map(|instrument| instrument.symbol));
        let file = self.config.market.instruments.display();
        self.fault(key, format!("{file} has no instrument {symbol:?}"), remedy, faults);
    }

    fn fault(&self, key: &str, wrong: String, remedy: String, faults: &mut Vec<Fault>) {
        faults.push(Fault {
            kind: FaultKind::Cross,
            origin: self.origin_of(key),
            key: key.to_owned(),
            wrong,
            allowed: String::new(),
            remedy,
        });
    }
}

impl Bound {
    /// What a strategy may trade (R06); nothing for the operator, who may trade what any may.
    #[must_use]
    pub fn instruments_of(&self, strategy: StrategyId) -> &[InstrumentId] {
        let index = strategy.index().checked_sub(1);
        index.and_then(|index| self.instruments.get(index)).map_or(&[], Vec::as_slice)
    }

    /// The tightest limits of an order, over every scope that covers it.
    #[must_use]
    pub fn tightest(
        &self,
        account: AccountId,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> LimitRow {
        self.limits.tightest(account, strategy, instrument)
    }
}
