//! Joins a configuration with the instrument file: symbols become ids, limits become rows.

use std::path::Path;
use std::rc::Rc;

use feed::instruments::{Instrument, Instruments};
use shm::ids::{AccountId, InstrumentId, StrategyId};

use super::check::{OPERATOR_ORDERS_MAX, trades};
use super::fault::{Fault, FaultKind, Known, Origin, Report, did_you_mean};
use super::limits::{LimitRow, LimitSet, Scope};
use super::load::Loaded;
use super::model::{Config, Instruments as Allowed, ScopeName, Strategy};
use super::text_file::read_text;

/// Longest instrument file, bytes.
const INSTRUMENTS_MAX: usize = 64 * 1024 * 1024;

/// A configuration whose symbols are ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The limits, version 1.
    pub limits: LimitSet,
    /// What each strategy may trade, sorted, in the order of [`Config::strategies`].
    pub instruments: Vec<Vec<InstrumentId>>,
    /// The slots of the order table that each strategy owns; the operator's first, then in the
    /// order of [`Config::strategies`]. They follow one another from 0.
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
    /// The report of every symbol that is not there, of every instrument in another currency than
    /// the account that would trade it, and of every venue without an instrument.
    pub fn bind(&self, instruments: &Instruments) -> Result<Bound, Report> {
        let mut faults = Vec::new();
        let bound = self.bind_beside(instruments, &Known::default(), &mut faults);
        if faults.is_empty() { Ok(bound) } else { Err(Report { faults }.sorted()) }
    }

    /// Binds a configuration that may have faults already; what follows from them is not told.
    pub(super) fn bind_beside(
        &self,
        instruments: &Instruments,
        known: &Known,
        faults: &mut Vec<Fault>,
    ) -> Bound {
        self.venues(instruments, known, faults);
        let mut traded = Vec::new();
        for strategy in &self.config.strategies {
            let mut found = Vec::new();
            traded.push(self.traded(strategy, instruments, &mut found));
            if !self.is_doubtful(strategy, known) {
                faults.append(&mut found);
            }
        }
        let limits = self.limits(instruments, faults);
        Bound { limits, instruments: traded, slots: self.config.slot_ranges() }
    }

    /// Whether what a strategy may trade follows from a fault.
    fn is_doubtful(&self, strategy: &Strategy, known: &Known) -> bool {
        let config = &self.config;
        let gateway = config.gateways.get(strategy.gateway.index());
        let account = config.accounts.get(strategy.account.index());
        let (Some(gateway), Some(account)) = (gateway, account) else { return true };
        let gateway = |key: &str| known.touch(&format!("gateway.{}.{key}", gateway.name));
        let wiring = |key: &str| known.touch(&format!("strategy.{}.wiring.{key}", strategy.name));
        ["venue", "session.codec", "session.feed"].into_iter().any(gateway)
            || ["account", "gateway", "instruments"].into_iter().any(wiring)
            || known.touch(&format!("account.{}.currency", account.name))
    }

    fn venues(&self, instruments: &Instruments, known: &Known, faults: &mut Vec<Fault>) {
        let feeds = self.config.feeds.iter();
        let feeds = feeds.map(|feed| (feed.venue, format!("feed.{}.venue", feed.name)));
        let gateways = self.config.gateways.iter();
        let gateways = gateways.map(|gateway| {
            let key = format!("gateway.{}.venue", gateway.name);
            (gateway.venue, key)
        });
        for (venue, key) in feeds.chain(gateways) {
            if known.touch(&key) {
                continue;
            }
            if !instruments.iter().any(|instrument| instrument.venue == venue) {
                let mut venues: Vec<&str> =
                    instruments.iter().map(|instrument| instrument.venue.as_str()).collect();
                venues.dedup();
                let remedy = did_you_mean(venue.as_str(), venues);
                let file = self.config.market.instruments.display();
                self.fault(&key, format!("{file} has no venue \"{venue}\""), remedy, faults);
            }
        }
    }

    /// What a strategy may trade: its symbols at its gateway's venue.
    fn traded(
        &self,
        strategy: &Strategy,
        instruments: &Instruments,
        faults: &mut Vec<Fault>,
    ) -> Vec<InstrumentId> {
        let key = format!("strategy.{}.wiring.instruments", strategy.name);
        let gateway = self.config.gateways.get(strategy.gateway.index());
        let here: Vec<&Instrument> = instruments
            .iter()
            .filter(|instrument| gateway.is_some_and(|known| known.venue == instrument.venue))
            .collect();
        if let Allowed::Symbols(symbols) = &strategy.instruments {
            for symbol in symbols {
                self.find(&here, symbol, &key, faults);
            }
        }
        let account = self.config.accounts.get(strategy.account.index());
        let currency = account.map_or("", |account| account.currency.as_str());
        let (ids, foreign): (Vec<&Instrument>, Vec<&Instrument>) = here
            .iter()
            .filter(|instrument| trades(&strategy.instruments, instrument.symbol.as_str()))
            .partition(|instrument| instrument.currency.as_str() == currency);
        if !foreign.is_empty() {
            let names: Vec<&str> =
                foreign.iter().map(|instrument| instrument.symbol.as_str()).collect();
            let wrong = format!(
                "not quoted in {currency}, the currency of its account: {}",
                names.join(", ")
            );
            let remedy = "name another account, or take those instruments out";
            self.fault(&key, wrong, remedy.to_owned(), faults);
        }
        ids.into_iter().map(|instrument| instrument.id).collect()
    }

    fn limits(&self, instruments: &Instruments, faults: &mut Vec<Fault>) -> LimitSet {
        let all: Vec<&Instrument> = instruments.iter().collect();
        let mut rows = Vec::new();
        for table in &self.config.limits {
            let scopes: Vec<Scope> = match &table.scope {
                ScopeName::Firm => vec![Scope::Firm],
                ScopeName::Account(id) => vec![Scope::Account(*id)],
                ScopeName::Strategy(id) => vec![Scope::Strategy(*id)],
                ScopeName::Instrument(symbol) => {
                    let key = format!("limits.{}.scope", self.config.scope_name(&table.scope));
                    self.find(&all, symbol, &key, faults);
                    let named = all.iter().filter(|known| known.symbol.as_str() == symbol);
                    named.map(|instrument| Scope::Instrument(instrument.id)).collect()
                }
            };
            rows.extend(scopes.into_iter().map(|scope| LimitRow { scope, ..table.row }));
        }
        rows.sort_by_key(|row| row.scope);
        LimitSet { version: 1, rows }
    }

    fn find(&self, known: &[&Instrument], symbol: &str, key: &str, faults: &mut Vec<Fault>) {
        if known.iter().any(|instrument| instrument.symbol.as_str() == symbol) {
            return;
        }
        let remedy = did_you_mean(symbol, known.iter().map(|known| known.symbol.as_str()));
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

/// Reads the instrument file that a configuration names.
///
/// # Errors
/// The report of every fault of that file.
pub fn read_instruments(path: &Path) -> Result<Instruments, Report> {
    let name = path.display().to_string();
    let text = read_text(path, INSTRUMENTS_MAX).map_err(|error| Report {
        faults: vec![Fault {
            kind: FaultKind::Instruments,
            origin: Origin::File { file: Rc::from(name.as_str()), line: 0, column: 0 },
            key: String::new(),
            wrong: error.to_string(),
            allowed: String::new(),
            remedy: "name an existing CSV file".to_owned(),
        }],
    })?;
    Instruments::parse(&name, &text).map_err(|found| {
        let faults = found.into_iter().map(|fault| Fault {
            kind: FaultKind::Instruments,
            origin: Origin::File {
                file: Rc::from(fault.file.as_str()),
                line: fault.line,
                column: 0,
            },
            key: fault.column.to_owned(),
            wrong: fault.what,
            allowed: String::new(),
            remedy: String::new(),
        });
        Report { faults: faults.collect() }.sorted()
    })
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
