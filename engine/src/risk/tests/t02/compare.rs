//! What engine and model are compared by after each step.

use super::super::*;
use super::model::{Model, Outcome};
use super::sums::{Row, Sums};
use super::walk::{Met, Step, Walk};
use crate::risk::Mode;

/// The engine's running state of a scope, in the model's words.
fn seen(risk: &Risk, scope: Scope) -> Option<(Sums, Mode, i128)> {
    let state = risk.scope(scope)?;
    let sums = Sums {
        rows: Vec::new(),
        gross: state.gross,
        net: state.net,
        open_buy: state.open_buy,
        open_sell: state.open_sell,
        open_qty: state.open_qty,
        short_value: state.short_value,
        debits: state.debits,
        earned: state.earned,
        entered_value: state.entered_value,
        entered_qty: state.entered_qty,
        traded_value: state.traded_value,
        traded_qty: state.traded_qty,
        orders: state.orders.into(),
        trades: state.trades.into(),
        executions: state.executions.into(),
        unknown: state.unknown.into(),
        unknown_since: (state.unknown > 0).then_some(state.unknown_since),
        unmarked: state.unmarked.into(),
    };
    Some((sums, risk.mode_of(scope), state.peak))
}

impl Walk {
    /// Every sum of every scope.
    pub(super) fn compare(&self) -> Step {
        let (risk, model) = (&self.rig.risk, &self.model);
        for (scope, standing) in model.scopes.iter().zip(&model.standing) {
            let sums = model.sums(*scope);
            let rows = Sums { rows: Vec::new(), ..sums.clone() };
            let mode = standing.set.max(standing.tripped);
            let expected = (rows, mode, standing.peak);
            let found = seen(risk, *scope).ok_or("no such scope")?;
            if found != expected {
                return Err(format!("{scope:?}: {}", differing(&found, &expected)));
            }
            rows_agree(risk, model, *scope, &sums.rows)?;
            windows_agree(risk, model, *scope)?;
        }
        for gateway in [GatewayId(0), GatewayId(1)] {
            let most = i128::from(model.setup.gateways[gateway.index()].rate);
            let found = i128::from(risk.windows[gateway.index()].used(model.now));
            let expected = model.messages(gateway).min(most);
            if found != expected {
                return Err(format!("{gateway:?}: {found} messages, {expected} in the model"));
            }
        }
        let works = model.orders.iter().filter(|order| order.works()).count();
        let working = risk.working_count() as usize;
        if works != working {
            return Err(format!("{working} orders work, {works} in the model"));
        }
        families_agree(risk, model)
    }
}

/// The parts of two texts that are not alike.
fn differing(found: &impl core::fmt::Debug, expected: &impl core::fmt::Debug) -> String {
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    let parts = found.split(", ").zip(expected.split(", "));
    let parts = parts.filter(|(found, expected)| found != expected);
    parts.map(|(found, expected)| format!("engine {found}, model {expected}; ")).collect()
}

/// Position and reservations of each instrument in a scope.
fn rows_agree(risk: &Risk, model: &Model, scope: Scope, rows: &[Row]) -> Step {
    for (at, row) in (0..).zip(rows) {
        let instrument = InstrumentId(at);
        let found = |strategy, which: usize| {
            let sums = risk.sums(strategy, instrument)?;
            sums.get(which).copied()
        };
        let sums = match scope {
            Scope::Firm => found(StrategyId(0), 0),
            Scope::Account(account) => {
                let accounts = model.setup.strategies.iter();
                let first = accounts.zip(0..).find(|(row, _)| row.account == account);
                first.and_then(|(_, strategy)| found(StrategyId(strategy), 1))
            }
            Scope::Strategy(strategy) => found(strategy, 2),
            Scope::Instrument(_) => continue,
        };
        let sums = sums.ok_or("no such sums")?;
        let found = (
            i128::from(sums.position.0),
            i128::from(sums.open_buy.0),
            i128::from(sums.open_sell.0),
            sums.open_value.0,
            i128::from(sums.open_orders),
        );
        let value = row.buy_value + row.sell_value;
        let expected = (row.position, row.buys, row.sells, value, row.orders);
        if found != expected {
            return Err(format!("{scope:?} {instrument:?}: engine {found:?}, model {expected:?}"));
        }
    }
    Ok(())
}

/// What the windows of a scope count, as far as they remember: one more than is allowed.
fn windows_agree(risk: &Risk, model: &Model, scope: Scope) -> Step {
    let Some(row) = model.limits.rows.iter().find(|row| row.scope == scope) else { return Ok(()) };
    let place = risk.scopes.map.place(scope).ok_or("no such scope")?;
    let windows = risk.limits.windows(place).ok_or("no windows")?;
    let (breaker, now) = (&row.breaker, model.now);
    let [rejects, cancel_rejects, disconnects] = windows.breakers();
    let lost = Outcome::Lost(GatewayId(0));
    let outcomes = |what| model.outcomes_within(scope, what, breaker.per);
    for (name, window, max, count) in [
        ("R41", windows.orders(), row.rate.orders_max, model.orders_within(scope, row.rate.per)),
        ("refused", rejects, breaker.rejects_max, outcomes(Outcome::Refused)),
        (
            "cancel refused",
            cancel_rejects,
            breaker.cancel_rejects_max,
            outcomes(Outcome::CancelRefused),
        ),
        ("lost", disconnects, breaker.disconnects_max, outcomes(lost)),
    ] {
        let Some(max) = max.number().map(i128::from) else { continue };
        // Once it has tripped, a breaker need not know by how much: arming clears it.
        let tripped = model.standing[model.at(scope)].tripped >= Mode::CancelOnly;
        if tripped && name != "R41" {
            continue;
        }
        let (found, expected) = (i128::from(window.used(now)), count.min(max + 1));
        if found != expected {
            return Err(format!(
                "{scope:?} {name}: {found} in the window, {expected} in the model"
            ));
        }
    }
    Ok(())
}

/// R47: what the legs of open parents use and have filled.
fn families_agree(risk: &Risk, model: &Model) -> Step {
    for family in &model.families {
        let parent = risk.parent(family.id).ok_or("the engine has no such parent")?;
        for leg in 0..3_u8 {
            let at = usize::from(leg);
            let found = (i128::from(parent.used[at].0), i128::from(parent.filled[at].0));
            let expected = model.used(family, leg);
            if found != expected {
                return Err(format!(
                    "leg {leg} of {:?}: engine {found:?}, model {expected:?}",
                    family.id
                ));
            }
        }
    }
    Ok(())
}

/// Rules with state, each of which a run must have met.
const RULES: [Reason; 26] = [
    Reason::Mode,
    Reason::Session,
    Reason::Unresolved,
    Reason::Restricted,
    Reason::OrderQty,
    Reason::OrderValue,
    Reason::OrderValueMin,
    Reason::Collar,
    Reason::NoReference,
    Reason::VolumeShare,
    Reason::CollarWindow,
    Reason::Position,
    Reason::OpenOrders,
    Reason::Gross,
    Reason::Net,
    Reason::Funds,
    Reason::Daily,
    Reason::Loss,
    Reason::ReduceOnly,
    Reason::Rate,
    Reason::RateStrategy,
    Reason::OrderToTrade,
    Reason::Duplicate,
    Reason::Repeated,
    Reason::SelfTrade,
    Reason::Unapproved,
];

/// Events that a run must have met. A tripped breaker shows as a mode (R46).
const EVENTS: [&str; 18] = [
    "approved",
    "cancel refused",
    "corrected",
    "fill",
    "late fill",
    "limits switched",
    "new day",
    "not ours",
    "overdue",
    "overfill",
    "parent",
    "refused by the venue",
    "repeated",
    "replaced",
    "restart",
    "session lost",
    "undone",
    "undone, works again",
];

impl Met {
    /// A run that has not met a rule says nothing of it.
    pub(super) fn all_rules(&self) {
        for reason in RULES {
            let count = self.refusals.get(&reason.to_string()).copied().unwrap_or(0);
            assert!(count >= 5, "{reason} refused {count} times");
        }
        for event in EVENTS {
            let count = self.events.get(event).copied().unwrap_or(0);
            assert!(count >= 5, "{event}: {count} times");
        }
    }
}
