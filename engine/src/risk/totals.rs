//! What scopes have counted, over a restart; alarms as records.

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order::{self as record, ScopeKind, ScopePeak, ScopeTotals, value_of, words_of};

use super::restore::RestoreError;
use super::watch::Alarm;
use super::{Mode, Risk};
use crate::config::limits::Scope;

/// A scope as a record names it.
#[must_use]
pub const fn scope_words(scope: Scope) -> (ScopeKind, u32) {
    match scope {
        Scope::Firm => (ScopeKind::Firm, 0),
        Scope::Account(id) => (ScopeKind::Account, id.0 as u32),
        Scope::Strategy(id) => (ScopeKind::Strategy, id.0 as u32),
        Scope::Instrument(id) => (ScopeKind::Instrument, id.0),
    }
}

/// The scope that a record names; `None` for a byte that is no kind.
#[must_use]
pub fn scope_of(kind: u8, id: u32) -> Option<Scope> {
    Some(match ScopeKind::from_u8(kind)? {
        ScopeKind::Firm => Scope::Firm,
        ScopeKind::Account => Scope::Account(AccountId(u16::try_from(id).ok()?)),
        ScopeKind::Strategy => Scope::Strategy(StrategyId(u8::try_from(id).ok()?)),
        ScopeKind::Instrument => Scope::Instrument(InstrumentId(id)),
    })
}

impl Alarm {
    /// As a record.
    #[must_use]
    pub fn record(&self) -> record::Alarm {
        let (scope, id) = scope_words(self.scope);
        record::Alarm {
            measured: words_of(self.measured),
            limit: words_of(self.limit),
            id,
            scope: scope as u8,
            reason: self.reason as u8,
            unit: self.unit as u8,
            set: self.set as u8,
            tripped: self.tripped as u8,
            closes_gate: u8::from(self.closes_gate),
            _reserved: [0; 22],
        }
    }
}

impl Risk {
    /// Writes what scopes have counted. With `new_day` the day's counts begin at zero; modes and
    /// executions since arming stay.
    pub(super) fn carry_scopes(&self, new_day: bool, emit: &mut dyn FnMut(RecordKind, &[u8])) {
        for (place, state) in self.scopes.iter() {
            let (scope, id) = scope_words(self.scopes.map.scope(place));
            let kept = ScopeTotals {
                executions: state.executions,
                id,
                scope: scope as u8,
                set: state.set as u8,
                tripped: state.tripped as u8,
                ..ScopeTotals::default()
            };
            let of_day = ScopeTotals {
                debits: words_of(state.debits),
                peak: words_of(state.peak),
                entered_value: words_of(state.entered_value),
                entered_qty: words_of(state.entered_qty),
                traded_value: words_of(state.traded_value),
                traded_qty: words_of(state.traded_qty),
                orders: state.orders,
                trades: state.trades,
                ..kept
            };
            let totals = if new_day { kept } else { of_day };
            let (set, tripped) = (Mode::Active as u8, Mode::Active as u8);
            let nothing =
                ScopeTotals { id, scope: scope as u8, set, tripped, ..ScopeTotals::default() };
            if totals != nothing {
                emit(RecordKind::CarryScope, totals.bytes());
            }
        }
    }

    pub(super) fn take_carried_scope(&mut self, totals: &ScopeTotals) -> Result<(), RestoreError> {
        let scope = scope_of(totals.scope, totals.id).ok_or(RestoreError::NotInSetup)?;
        let place = self.scopes.map.place(scope).ok_or(RestoreError::NotInSetup)?;
        let state = self.scopes.get_mut(place).ok_or(RestoreError::NotInSetup)?;
        state.debits = value_of(totals.debits);
        state.peak = value_of(totals.peak);
        state.entered_value = value_of(totals.entered_value);
        state.entered_qty = value_of(totals.entered_qty);
        state.traded_value = value_of(totals.traded_value);
        state.traded_qty = value_of(totals.traded_qty);
        (state.orders, state.trades) = (totals.orders, totals.trades);
        state.executions = totals.executions;
        state.set = Mode::from_value(totals.set.into()).unwrap_or(Mode::Halted);
        state.tripped = Mode::from_value(totals.tripped.into()).unwrap_or(Mode::Halted);
        Ok(())
    }

    /// Takes what the journal has of a scope's best profit (R36).
    pub(super) fn restore_peak(&mut self, body: &[u8]) -> Result<(), RestoreError> {
        let peak = ScopePeak::read(body).ok_or(RestoreError::Short)?;
        let scope = scope_of(peak.scope, peak.id).ok_or(RestoreError::NotInSetup)?;
        let place = self.scopes.map.place(scope).ok_or(RestoreError::NotInSetup)?;
        let state = self.scopes.get_mut(place).ok_or(RestoreError::NotInSetup)?;
        let noted = value_of(peak.peak);
        (state.peak, state.noted) = (state.peak.max(noted), noted);
        Ok(())
    }

    /// Takes an alarm of the journal: the mode it left.
    pub(super) fn restore_alarm(&mut self, alarm: &record::Alarm) -> Result<(), RestoreError> {
        let scope = scope_of(alarm.scope, alarm.id).ok_or(RestoreError::NotInSetup)?;
        let place = self.scopes.map.place(scope).ok_or(RestoreError::NotInSetup)?;
        if alarm.reason == Reason::None as u8 {
            self.rearm(scope);
        }
        let state = self.scopes.get_mut(place).ok_or(RestoreError::NotInSetup)?;
        state.set = Mode::from_value(alarm.set.into()).unwrap_or(Mode::Halted);
        state.tripped = Mode::from_value(alarm.tripped.into()).unwrap_or(Mode::Halted);
        // What restoring itself has said was said the first time.
        while self.take_alarm().is_some() {}
        Ok(())
    }
}
