//! After the fact: what risk does when a limit is passed by something other than an order. It
//! falls to a tighter mode for the scope and raises an alarm; the stage journals the alarm, and
//! closes the scope's kill gate where the alarm says so.
//!
//! | what | mode | gate |
//! |---|---|---|
//! | a mark or a fill moved a scope through R32 or R36 | REDUCE_ONLY | open |
//! | the same through R36, if a loss is to close | CANCEL_ONLY | closed |
//! | more unknown orders than R07 allows, or one for too long, if that is to close | CANCEL_ONLY | closed |
//! | the last execution that R44 allows | CANCEL_ONLY | closed |
//! | one refusal, refused cancel or lost session more than R46 allows | CANCEL_ONLY | closed |
//! | working orders are over a limit set just taken ([`Risk::find_over`]) | as it was | open |
//!
//! Only a person takes such a mode back: [`Risk::rearm`].

use shm::ids::{GatewayId, InstrumentId};
use shm::message::Kind;
use shm::reason::{Reason, Unit};
use shm::record::order::{ScopePeak, words_of};

use super::limits::{Breaker, UNBOUNDED};
use super::scope::Places;
use super::totals::scope_words;
use super::{Mode, Risk};
use crate::config::limits::Scope;
use crate::order::Order;

/// Alarms that wait for the stage; one more is counted and lost.
pub const ALARMS_MAX: usize = 64;

/// Something that a person must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The rule.
    pub reason: Reason,
    /// Where.
    pub scope: Scope,
    /// The mode that a person has set for the scope.
    pub set: Mode,
    /// The mode that risk itself has fallen to, after it.
    pub tripped: Mode,
    /// Unit of what was measured.
    pub unit: Unit,
    /// What was measured.
    pub measured: i128,
    /// The last allowed value.
    pub limit: i128,
    /// The scope's kill gate is to be closed.
    pub closes_gate: bool,
}

/// Alarms on their way to the stage: a ring.
#[derive(Clone, Debug)]
pub(super) struct Alarms {
    ring: Box<[Option<Alarm>]>,
    first: usize,
    count: usize,
    /// For want of room.
    pub(super) lost: u64,
}

impl Alarms {
    pub(super) fn new() -> Self {
        Self { ring: vec![None; ALARMS_MAX].into(), first: 0, count: 0, lost: 0 }
    }

    pub(super) fn push(&mut self, alarm: Alarm) {
        let at = (self.first + self.count) % ALARMS_MAX;
        match self.ring.get_mut(at).filter(|_| self.count < ALARMS_MAX) {
            Some(place) => {
                *place = Some(alarm);
                self.count += 1;
            }
            None => self.lost += 1,
        }
    }

    fn pop(&mut self) -> Option<Alarm> {
        self.count = self.count.checked_sub(1)?;
        let alarm = self.ring.get_mut(self.first).and_then(Option::take);
        self.first = (self.first + 1) % ALARMS_MAX;
        alarm
    }
}

/// A peak is journalled each time it has risen by the limit's n-th part, as so much higher: what a
/// crash leaves of it is never too low, and at most that much too high.
const PEAK_STEPS: i128 = 64;

impl Risk {
    /// The next peak that is to be journalled (R36).
    #[inline]
    pub fn take_peak(&mut self) -> Option<ScopePeak> {
        if !self.peaks_rose {
            return None;
        }
        let place = self.scopes.iter().find(|(_, state)| state.is_peak_new).map(|(place, _)| place);
        self.peaks_rose = place.is_some();
        let (scope, id) = scope_words(self.scopes.map.scope(place?));
        let state = self.scopes.get_mut(place?)?;
        state.is_peak_new = false;
        let peak = words_of(state.noted);
        Some(ScopePeak { peak, id, scope: scope as u8, ..ScopePeak::default() })
    }

    /// The next alarm that the stage has not taken yet.
    #[inline]
    pub fn take_alarm(&mut self) -> Option<Alarm> {
        self.alarms.pop()
    }

    /// Alarms that nobody took in time.
    #[must_use]
    pub const fn alarms_lost(&self) -> u64 {
        self.alarms.lost
    }

    /// Sets the mode of a scope, as an operator asks (R02). False for a scope that does not exist.
    pub fn set_mode(&mut self, scope: Scope, mode: Mode) -> bool {
        let state = self.scopes.map.place(scope).and_then(|place| self.scopes.get_mut(place));
        let Some(state) = state else { return false };
        state.set = mode;
        let tripped = state.tripped;
        self.announce_mode(scope, Reason::Mode, mode, tripped);
        true
    }

    /// What a person has done to a scope.
    fn announce_mode(&mut self, scope: Scope, reason: Reason, set: Mode, tripped: Mode) {
        let (unit, measured, limit, closes_gate) = (reason.unit(), 0, 0, false);
        self.alarms.push(Alarm { reason, scope, set, tripped, unit, measured, limit, closes_gate });
    }

    /// The tightest mode of a scope: its own and what risk has fallen to.
    #[must_use]
    pub fn mode_of(&self, scope: Scope) -> Mode {
        let state = self.scopes.map.place(scope).and_then(|place| self.scopes.get(place));
        state.map_or(Mode::Halted, super::scope::ScopeState::mode)
    }

    /// A person re-arms a scope: what risk had fallen to is taken back, executions (R44) and
    /// breakers (R46) count from here. Re-arming the firm re-arms every scope. What an operator has
    /// set stays.
    pub fn rearm(&mut self, scope: Scope) {
        let Some(first) = self.scopes.map.place(scope) else { return };
        let last = if scope == Scope::Firm { self.scopes.map.len() as u32 } else { first + 1 };
        for place in first..last {
            if let Some(state) = self.scopes.get_mut(place) {
                state.tripped = Mode::Active;
                state.executions = 0;
            }
            if let Some(windows) = self.limits.windows_mut(place) {
                windows.clear_breakers();
            }
        }
        let set = self.scopes.get(first).map_or(Mode::Active, |state| state.set);
        self.announce_mode(scope, Reason::None, set, Mode::Active);
    }

    /// Falls to a mode that is at least as tight, and says why. Where the scope has fallen as far
    /// already nothing is said again.
    pub fn trip(&mut self, scope: Scope, reason: Reason, mode: Mode, measured: i128, limit: i128) {
        if let Some(place) = self.scopes.map.place(scope) {
            self.trip_at(place, reason, mode, measured, limit);
        }
    }

    fn trip_at(&mut self, place: u32, reason: Reason, mode: Mode, measured: i128, limit: i128) {
        let scope = self.scopes.map.scope(place);
        let Some(state) = self.scopes.get_mut(place) else { return };
        // What was fallen to then stands in the journal: marks are not there to tell again.
        if state.tripped >= mode || self.restoring {
            return;
        }
        state.tripped = mode;
        let (set, tripped) = (state.set, mode);
        let closes_gate = match reason {
            Reason::Repeated | Reason::Breaker | Reason::Unresolved => true,
            Reason::Loss => self.closes.loss,
            _ => false,
        };
        let unit = reason.unit();
        self.alarms.push(Alarm { reason, scope, set, tripped, unit, measured, limit, closes_gate });
    }

    /// Compares what fills and marks have made of the scopes with R32 and R36.
    pub(super) fn watch(&mut self, places: impl Iterator<Item = u32>) {
        for place in places {
            let Some(state) = self.scopes.get_mut(place) else { continue };
            let (gross, profit) = (state.gross, state.profit());
            // Whatever the limits are now: others may be switched in.
            state.peak = state.peak.max(profit);
            let Some(limits) = self.limits.scope(place).filter(|limits| limits.has_money) else {
                continue;
            };
            let (gross_max, loss_max) = (limits.gross_max, limits.loss_max);
            let drawdown_max = limits.drawdown_max;
            if drawdown_max != UNBOUNDED && state.peak > state.noted {
                state.noted = state.peak.saturating_add(drawdown_max / PEAK_STEPS + 1);
                state.is_peak_new = true;
                self.peaks_rose = true;
            }
            let (loss, fall) = (profit.saturating_neg(), state.peak.saturating_sub(profit));
            if gross > gross_max {
                self.trip_at(place, Reason::Gross, Mode::ReduceOnly, gross, gross_max);
            }
            // A scope that R32 has left with reductions only falls further.
            let mode = if self.closes.loss { Mode::CancelOnly } else { Mode::ReduceOnly };
            if loss > loss_max {
                self.trip_at(place, Reason::Loss, mode, loss, loss_max);
            }
            if fall > drawdown_max {
                self.trip_at(place, Reason::Loss, mode, fall, drawdown_max);
            }
        }
    }

    /// The same for the scopes that hold an instrument whose mark has moved.
    pub(super) fn watch_instrument(&mut self, instrument: InstrumentId) {
        let wide = self.scopes.map.wide() as u32;
        for place in 0..wide {
            let row = instrument.index() * wide as usize + place as usize;
            if self.exposure.row(row).is_some_and(|sums| sums.position.0 != 0) {
                self.watch(core::iter::once(place));
            }
        }
        let own = wide.saturating_add(instrument.0);
        self.watch(core::iter::once(own));
        (0..wide).chain(core::iter::once(own)).for_each(|place| self.renew(place));
    }

    /// A fill has been counted for these scopes (R44).
    pub(super) fn count_execution(&mut self, places: &Places) {
        for place in places.0 {
            let max = self.limits.scope(place).map_or(u32::MAX, |limits| limits.executions_max);
            let Some(state) = self.scopes.get_mut(place) else { continue };
            state.executions = state.executions.saturating_add(1);
            let executions = state.executions;
            if max != u32::MAX && executions >= max {
                let (measured, limit) = (i128::from(executions), i128::from(max) - 1);
                self.trip_at(place, Reason::Repeated, Mode::CancelOnly, measured, limit);
            }
        }
    }

    /// What a report says of the venue's willingness (R46).
    pub(super) fn count_outcome(&mut self, kind: Kind, order: &Order) {
        let is_counted =
            matches!(kind, Kind::Rejected | Kind::CancelRejected | Kind::Accepted | Kind::Replaced);
        if !is_counted {
            return;
        }
        let Some(rows) = self.rows(order.root.strategy(), order.instrument) else { return };
        let now = self.now;
        for place in rows.places.0 {
            self.scopes.empty_room(place);
            let Some(windows) = self.limits.windows_mut(place) else { continue };
            let breaker = match kind {
                Kind::Rejected => Breaker::Rejects,
                Kind::CancelRejected => Breaker::CancelRejects,
                _ => {
                    windows.clear(Breaker::Rejects);
                    continue;
                }
            };
            if let Some((measured, limit)) = windows.count(breaker, now) {
                let (measured, limit) = (i128::from(measured), i128::from(limit));
                self.trip_at(place, Reason::Breaker, Mode::CancelOnly, measured, limit);
            }
        }
    }

    /// A session is gone (R46): for the firm, and for the accounts and strategies that use it, each
    /// once.
    pub(super) fn count_disconnect(&mut self, gateway: GatewayId) {
        for place in 0..self.scopes.map.wide() as u32 {
            let scope = self.scopes.map.scope(place);
            let uses = self.permits.iter().zip(0_u8..).any(|(permit, strategy)| {
                permit.gateway == gateway
                    && match scope {
                        Scope::Firm => true,
                        Scope::Account(id) => permit.account == id,
                        Scope::Strategy(id) => strategy == id.0,
                        Scope::Instrument(_) => false,
                    }
            });
            let now = self.now;
            self.scopes.empty_room(place);
            let windows = self.limits.windows_mut(place).filter(|_| uses);
            let over = windows.and_then(|windows| windows.count(Breaker::Disconnects, now));
            if let Some((measured, limit)) = over {
                let (measured, limit) = (i128::from(measured), i128::from(limit));
                self.trip_at(place, Reason::Breaker, Mode::CancelOnly, measured, limit);
            }
        }
    }
}
