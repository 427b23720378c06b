//! Unknown orders beyond R07's limits as a breaker (K2): the scope's gate is closed. Time alone may
//! do so, which is why the stage asks.

use shm::reason::Reason;
use shm::units::Nanos;

use super::limits::COUNT_UNBOUNDED;
use super::{Mode, Risk};

/// A scope beyond a limit: its place, what was measured, the last allowed value.
type Beyond = (u32, i128, i128);

impl Risk {
    /// Whether a scope has more unknown orders than it may, or one for too long, and has not fallen
    /// for it yet. Looks at the unknown orders alone.
    #[must_use]
    pub fn is_unresolved(&self, now: Nanos) -> bool {
        self.first_unresolved(now).is_some()
    }

    /// Lets every such scope fall to CANCEL_ONLY, with an alarm that closes its gate.
    pub fn trip_unresolved(&mut self, now: Nanos) {
        // Each turn lets one scope fall, which is then none of them.
        for _ in 0..self.scopes.map.len() {
            let Some((place, measured, limit)) = self.first_unresolved(now) else { return };
            let scope = self.scopes.map.scope(place);
            self.trip(scope, Reason::Unresolved, Mode::CancelOnly, measured, limit);
        }
    }

    fn first_unresolved(&self, now: Nanos) -> Option<Beyond> {
        if !self.closes.unresolved || self.restoring || self.table.unknown_count() == 0 {
            return None;
        }
        self.table.unknown().find_map(|order| {
            let rows = self.rows(order.root.strategy(), order.instrument)?;
            rows.places.0.into_iter().find_map(|place| self.beyond(place, now))
        })
    }

    fn beyond(&self, place: u32, now: Nanos) -> Option<Beyond> {
        let (limits, scope) = (self.limits.scope(place)?, self.scopes.get(place)?);
        if scope.unknown == 0 || scope.tripped >= Mode::CancelOnly {
            return None;
        }
        let max = limits.unknown_max;
        if max != COUNT_UNBOUNDED && scope.unknown > max {
            return Some((place, scope.unknown.into(), max.into()));
        }
        let age = now.saturating_since(scope.unknown_since);
        let is_old = age > limits.unknown_age_max;
        is_old.then(|| (place, age.0.into(), limits.unknown_age_max.0.into()))
    }
}
