//! Before arming, every rule is shown an order that breaks it and nothing else, through the real
//! decision: the same [`Risk`](super::Risk), with the real limits of each scope. A rule that lets
//! its order pass, or refuses it with another rule's code, is a fault, and the engine does not arm.
//! Cold.
//!
//! Nothing of the live state is touched: each order is judged by a `Risk` of its own, of one
//! strategy and one instrument, made from the live setup. A limit is asked in three ways:
//!
//! | order | limits | must be |
//! |---|---|---|
//! | one step beyond the limit | that one alone | refused with the rule's own code |
//! | at the limit | that one alone | approved, so that it was this limit that refused |
//! | one step beyond the limit | all that cover the order | refused |
//!
//! | module | what |
//! |---|---|
//! | `limits` | the limits: how each is reached and passed |
//! | `structure` | the rules that no number turns off |
//! | `trial` | one order before one `Risk` |

mod limits;
mod structure;
#[cfg(test)]
mod tests;
mod trial;

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::reason::Reason;

use super::RULES;
use super::setup::Setup;
use crate::config::limits::{LimitRow, LimitSet, Scope};
use limits::{Case, KEYS, Key};
use trial::{Trial, small};

/// The numbers of a limit row that a rule compares with, each with its key.
pub(crate) fn keys_of(row: &LimitRow, rule: Reason) -> impl Iterator<Item = (&'static str, i128)> {
    let keys = KEYS.iter().filter(move |key| key.rule == rule);
    keys.filter_map(|key| (key.of)(row).map(|number| (key.name, number)))
}

/// What went wrong with an order that a rule was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It was approved.
    Passed,
    /// Another rule refused it.
    OtherCode(Reason),
    /// At the limit, it was refused.
    RefusedAtLimit(Reason),
    /// With all limits in force, it was approved.
    PassedAll,
}

/// A rule that does not do what it is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code that was to come; [`Reason::None`] for the order that breaks no rule.
    pub rule: Reason,
    /// Whose limit, or for which strategy.
    pub scope: Scope,
    /// Key of the limit, or what the order was.
    pub what: &'static str,
    /// What came instead.
    pub wrong: Wrong,
}

/// What a self-test found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rules that refused every order they were shown, by number.
    pub rules: Vec<u8>,
    /// Orders that were refused as they must be.
    pub orders: u32,
    /// Rules without a number in any scope: nothing to refuse by.
    pub off: Vec<u8>,
    /// Rules that did not.
    pub faults: Vec<Fault>,
}

impl Report {
    /// Whether the engine may be armed.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    fn note(&mut self, rule: Reason, scope: Scope, what: &'static str, found: Result<(), Wrong>) {
        match found {
            Ok(()) => {
                self.orders += 1;
                if !self.rules.contains(&(rule as u8)) {
                    self.rules.push(rule as u8);
                }
            }
            Err(wrong) => self.faults.push(Fault { rule, scope, what, wrong }),
        }
    }
}

/// Shows every rule of a setup its orders.
#[must_use]
pub fn run(setup: &Setup) -> Report {
    let mut report = Report::default();
    for strategy in 0..setup.strategies.len() {
        if let Some(site) = Site::of(setup, strategy, None) {
            structure::show(&site, &mut report);
        }
    }
    let mut scopes: Vec<Scope> = setup.limits.rows.iter().map(|row| row.scope).collect();
    scopes.sort_unstable();
    scopes.dedup();
    for scope in scopes {
        if let Some(site) = Site::of_scope(setup, scope) {
            show_limits(&site, scope, &mut report);
        }
    }
    report.rules.retain(|id| report.faults.iter().all(|fault| fault.rule as u8 != *id));
    report.rules.sort_unstable();
    let ids = RULES.iter().map(|rule| rule.id);
    let is_silent =
        |id: &u8| !report.rules.contains(id) && report.faults.iter().all(|f| f.rule as u8 != *id);
    report.off = ids.filter(is_silent).collect();
    report
}

/// One strategy in one instrument, with what the setup says of them.
struct Site<'a> {
    setup: &'a Setup,
    strategy: StrategyId,
    account: AccountId,
    instrument: InstrumentId,
}

impl<'a> Site<'a> {
    /// A strategy in an instrument, or in the first that it may trade.
    fn of(setup: &'a Setup, strategy: usize, instrument: Option<InstrumentId>) -> Option<Self> {
        let row = setup.strategies.get(strategy)?;
        let may = |at: &usize| row.instruments.get(*at).copied().unwrap_or(false);
        let first = match instrument {
            Some(id) => Some(id.index()).filter(may),
            None => (0..setup.instruments.len()).find(may),
        };
        let instrument = InstrumentId(u32::try_from(first?).ok()?);
        let strategy = StrategyId(u8::try_from(strategy).ok()?);
        Some(Self { setup, strategy, account: row.account, instrument })
    }

    /// The first strategy whose orders a scope covers; none for a scope in which nobody trades.
    fn of_scope(setup: &'a Setup, scope: Scope) -> Option<Self> {
        let instrument = match scope {
            Scope::Instrument(id) => Some(id),
            Scope::Firm | Scope::Account(_) | Scope::Strategy(_) => None,
        };
        let sites = (0..setup.strategies.len()).filter_map(|at| Self::of(setup, at, instrument));
        sites.into_iter().find(|site| scope.covers(site.account, site.strategy, site.instrument))
    }

    /// The limits that cover its orders, the instrument being the only one.
    fn limits(&self) -> LimitSet {
        let mut rows: Vec<LimitRow> = self
            .setup
            .limits
            .covering(self.account, self.strategy, self.instrument)
            .copied()
            .collect();
        for row in &mut rows {
            row.scope = only_instrument(row.scope);
        }
        LimitSet { version: self.setup.limits.version, rows }
    }
}

/// A scope where the instrument is the only one.
const fn only_instrument(scope: Scope) -> Scope {
    match scope {
        Scope::Instrument(_) => Scope::Instrument(InstrumentId(0)),
        Scope::Firm | Scope::Account(_) | Scope::Strategy(_) => scope,
    }
}

/// Every limit that the rows of a scope state as a number.
fn show_limits(site: &Site<'_>, scope: Scope, report: &mut Report) {
    let all = site.limits();
    let here = only_instrument(scope);
    let mut own = all.rows.iter().filter(|row| row.scope == here);
    let Some(first) = own.next() else { return };
    let own = own.fold(*first, LimitRow::tightened);
    let tightest = all.tightest(site.account, site.strategy, InstrumentId(0));
    let setup = small(site, all);
    for key in &KEYS {
        if (key.of)(&own).is_none() {
            continue;
        }
        // What one order may have is bounded by the tightest of its scopes.
        let row = if key.is_of_order { &tightest } else { &own };
        if let Some(found) = show_limit(&setup, site.strategy, here, key, row) {
            report.note(key.rule, scope, key.name, found);
        }
    }
}

/// Shows one limit its orders; nothing where no order can pass it.
fn show_limit(
    whole: &Setup,
    strategy: StrategyId,
    scope: Scope,
    key: &Key,
    row: &LimitRow,
) -> Option<Result<(), Wrong>> {
    let limit = (key.of)(row)?;
    let mut alone = whole.clone();
    alone.limits.rows = alone_rows(key, scope, row);
    let judge = |setup: &Setup, step: i128| {
        let mut trial = Trial::new(setup, strategy, scope, key.memory(limit))?;
        (key.reach)(&mut trial, &Case { limit, step, row })?;
        Some(trial.judge())
    };
    let found = match judge(&alone, 1)? {
        Err(code) if code == key.rule => Ok(()),
        Err(code) => Err(Wrong::OtherCode(code)),
        Ok(()) => Err(Wrong::Passed),
    };
    let found = found.and_then(|()| match judge(&alone, 0) {
        Some(Err(code)) => Err(Wrong::RefusedAtLimit(code)),
        Some(Ok(())) | None => Ok(()),
    });
    Some(found.and_then(|()| match judge(whole, 1) {
        Some(Ok(())) => Err(Wrong::PassedAll),
        Some(Err(_)) | None => Ok(()),
    }))
}

/// Everything unlimited but one limit of one scope.
fn alone_rows(key: &Key, scope: Scope, from: &LimitRow) -> Vec<LimitRow> {
    let mut row = LimitRow::unlimited(scope);
    // What belongs to limits and binds nothing by itself.
    row.repeat.per = from.repeat.per;
    (row.rate.per, row.rate.move_per) = (from.rate.per, from.rate.move_per);
    row.breaker.per = from.breaker.per;
    row.day.orders_floor = from.day.orders_floor;
    row.order.adv = from.order.adv;
    (key.copy)(&mut row, from);
    if scope == Scope::Firm { vec![row] } else { vec![LimitRow::unlimited(Scope::Firm), row] }
}
