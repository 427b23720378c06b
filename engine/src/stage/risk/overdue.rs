//! What time alone does to orders: one that the venue does not answer becomes unknown (E24), and
//! unknown ones may close a gate (K2).

use super::{ID, RiskStage};
use crate::stage::Turn;
use shm::record::RecordKind;
use shm::record::status::Tick;
use shm::units::Nanos;

impl RiskStage {
    /// E24: time alone makes orders unknown that the venue has not answered.
    pub(super) fn take_overdue(&mut self, turn: &mut Turn<'_>) -> usize {
        if !self.risk.is_overdue(turn.now) && !self.risk.is_unresolved(turn.now) {
            return 0;
        }
        if !turn.try_write(RecordKind::Tick, ID, self.at(), turn.now, Tick::default().bytes()) {
            return 0;
        }
        self.tell_overdue(turn.now, turn)
    }

    /// Tells the strategies of every order that is unknown as of `now`.
    pub(super) fn tell_overdue(&mut self, now: Nanos, turn: &mut Turn<'_>) -> usize {
        let mut count = 0;
        while let Some(update) = self.risk.take_overdue(now) {
            let id = update.cl_ord_id;
            self.push_update(id.strategy(), id, update.into(), now, turn);
            count += 1;
        }
        self.risk.trip_unresolved(now);
        self.act_on_alarms(now, turn);
        count
    }
}
