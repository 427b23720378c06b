//! The self-test of risk before arming, in words: at the start, and again at every arming, with the
//! limits then in force.

use super::{Caller, Control};
use crate::config::Config;
use crate::config::limits::{LimitSet, Scope};
use crate::risk::self_test::{Fault, Report, Wrong, run};
use crate::risk::setup::Setup;
use feed::instruments::Instruments;
use shm::ids::StrategyId;
use shm::reason::Reason;
use shm::record::status::Operator;

/// Faults named one by one; the rest are counted.
const NAMED_MAX: usize = 5;

/// What every rule is shown its order with, and what the last showing found.
pub struct SelfTest {
    setup: Setup,
    report: Report,
}

impl SelfTest {
    /// Shows every rule of a setup its order.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let report = run(&setup);
        Self { setup, report }
    }

    /// Other limits are in force: the next showing is of them.
    pub fn set_limits(&mut self, limits: LimitSet) {
        self.setup.limits = limits;
    }

    /// Shows every rule its order again.
    pub fn again(&mut self) -> &Report {
        self.report = run(&self.setup);
        &self.report
    }

    /// Whether the engine may be armed.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.report.is_sound()
    }

    /// What was found, one line.
    #[must_use]
    pub fn words(&self, config: &Config, instruments: &Instruments) -> String {
        let Report { rules, orders, off, faults } = &self.report;
        if faults.is_empty() {
            let off: Vec<String> = off.iter().map(|id| format!("R{id:02}")).collect();
            let off = if off.is_empty() {
                "none off".to_owned()
            } else {
                format!("{} off (unlimited): {}", off.len(), off.join(" "))
            };
            return format!(
                "risk self-test: {} rules refused their {orders} orders, {off}",
                rules.len()
            );
        }
        let named: Vec<String> = faults
            .iter()
            .take(NAMED_MAX)
            .map(|fault| fault_words(fault, &scope_name(fault.scope, config, instruments)))
            .collect();
        let more = faults.len().saturating_sub(NAMED_MAX);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        format!("risk self-test FAILED, nothing is armed: {}{more}", named.join("; "))
    }
}

fn fault_words(fault: &Fault, scope: &str) -> String {
    let Fault { rule, what, wrong, .. } = fault;
    let (came, whose) = match wrong {
        Wrong::Passed => ("was approved".to_owned(), "an order beyond"),
        Wrong::OtherCode(code) => (format!("was refused with {}", code.name()), "an order beyond"),
        Wrong::RefusedAtLimit(code) => {
            (format!("was refused with {}", code.name()), "an order at the limit")
        }
        Wrong::PassedAll => ("was approved with all limits in force".to_owned(), "an order beyond"),
    };
    if *rule == Reason::None {
        return format!("{scope}: {what} {came}");
    }
    let expected = if matches!(wrong, Wrong::RefusedAtLimit(_)) {
        "must be approved".to_owned()
    } else {
        format!("must be refused with {}", rule.name())
    };
    let is_key = what.contains('.');
    let order =
        if is_key { format!("{whose} ({what} of {scope})") } else { format!("{what} ({scope})") };
    format!("R{:02}: {order} {expected} and {came}", *rule as u8)
}

/// A scope of limits as a person writes it.
fn scope_name(scope: Scope, config: &Config, instruments: &Instruments) -> String {
    match scope {
        Scope::Firm => "firm".to_owned(),
        Scope::Account(id) => {
            let row = config.accounts.get(id.index());
            format!("account:{}", row.map_or("?", |row| row.name.as_str()))
        }
        Scope::Strategy(StrategyId::OPERATOR) => "operator".to_owned(),
        Scope::Strategy(id) => {
            let row = id.index().checked_sub(1).and_then(|at| config.strategies.get(at));
            format!("strategy:{}", row.map_or("?", |row| row.name.as_str()))
        }
        Scope::Instrument(id) => {
            let row = instruments.get(id);
            format!("instrument:{}", row.map_or("?", |row| row.symbol.as_str()))
        }
    }
}

impl Control {
    /// The last self-test, one line.
    pub(super) fn self_test_line(&self) -> String {
        self.self_test.words(&self.config, &self.instruments)
    }

    /// Journals what the last self-test found.
    pub(super) fn write_self_test(&mut self, caller: Caller) {
        let text = self.self_test_line();
        let is_sound = i64::from(self.self_test.is_sound());
        self.journal(Operator::SELF_TEST, StrategyId::OPERATOR, 0, is_sound, &text, caller);
    }

    /// Shows every rule its order again, before an arming.
    ///
    /// # Errors
    /// What went wrong, one line; nothing may be armed.
    pub(super) fn test_again(&mut self, caller: Caller) -> Result<(), String> {
        self.self_test.again();
        self.write_self_test(caller);
        if self.self_test.is_sound() { Ok(()) } else { Err(self.self_test_line()) }
    }
}
