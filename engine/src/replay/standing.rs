//! What stands in a session, running or over: orders that work and parents that are open, from the
//! records of its risk stage alone.

use super::{Recording, ReplayError, StageId};
use crate::order::Order;
use crate::pipeline::assemble::Assembly;
use crate::pipeline::opening::Opening;
use crate::risk::Risk;
use shm::ids::{InstrumentId, StrategyId};
use shm::record::parent::Parent;
use std::path::Path;

/// What stands.
pub struct Standing {
    recording: Recording,
    risk: Risk,
}

impl Standing {
    /// Reads the last complete session of a directory.
    ///
    /// # Errors
    /// [`ReplayError`] when the journal cannot be read, or a record does not fit those before it.
    pub fn read(dir: &Path) -> Result<Self, ReplayError> {
        let recording = Recording::read_of(dir, None, None, Some(StageId::RISK))?;
        let assembly = Assembly {
            config: &recording.loaded.config,
            instruments: &recording.instruments,
            bound: &recording.bound,
            plan: &recording.plan,
            epoch: recording.epoch,
            days: recording.days,
            opening: &Opening::default(),
        };
        let setup = assembly.risk_setup();
        let mut risk = Risk::new(&setup);
        recording.opening(&setup)?.restore_into(&mut risk)?;
        for record in recording.records.get(&StageId::RISK.0).into_iter().flatten() {
            risk.restore(record.kind, &record.body, record.ts)?;
        }
        Ok(Self { recording, risk })
    }

    /// Orders that work, in the order they began to.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.risk.working_orders()
    }

    /// Parents that are open.
    pub fn parents(&self) -> impl Iterator<Item = &Parent> {
        self.risk.open_parents()
    }

    /// Name of a strategy.
    #[must_use]
    pub fn strategy(&self, id: StrategyId) -> &str {
        let row = id.index().checked_sub(1);
        let row = row.and_then(|at| self.recording.loaded.config.strategies.get(at));
        row.map_or("?", |row| &row.name)
    }

    /// Symbol of an instrument.
    #[must_use]
    pub fn symbol(&self, id: InstrumentId) -> &str {
        self.recording.instruments.get(id).map_or("?", |row| row.symbol.as_str())
    }
}
