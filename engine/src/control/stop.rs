//! The end of a run: strategies stop, working orders are cancelled, venue sessions are ended.

use super::{Caller, Control, command};
use crate::config::StageId;
use crate::config::model::OnStop;
use crate::pipeline::down::FOR_A_STOP;
use crate::pipeline::hot::PhaseOf;
use shm::gates::{Gates, Scope, Trigger};
use shm::ids::StrategyId;
use shm::message::CommandOp;
use shm::units::Nanos;

/// Longest wait for working orders to be cancelled at a stop.
const STOP_MAX: Nanos = Nanos(2_000_000_000);
/// Longest wait for venues to end their sessions after our logout.
const LEAVE_MAX: Nanos = Nanos(5_000_000_000);

/// A flag that asks the engine to stop, or to kill.
#[derive(Clone, Debug, Default)]
pub struct StopFlag {
    word: std::sync::Arc<shm::atomic::AtomicU64>,
    gates: std::sync::Arc<std::sync::OnceLock<Gates>>,
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Nobody asked.
    No,
    /// Working orders are being cancelled.
    Cancelling {
        /// When it was asked for.
        since: Nanos,
    },
    /// Venue sessions are being ended.
    Leaving {
        /// When that began.
        since: Nanos,
    },
    /// The threads may go.
    Done,
}

const STOP: u64 = 1;
const KILL: u64 = 2;

impl StopFlag {
    /// Asks the engine to stop in order.
    pub fn stop(&self) {
        // ORDERING: Relaxed; a lone word.
        self.word.fetch_or(STOP, shm::atomic::Ordering::Relaxed);
    }

    /// Gives the flag the gates that it closes.
    pub(crate) fn attach(&self, gates: &Gates) {
        self.gates.get_or_init(|| gates.clone());
    }

    /// Kills everything, as a signal does: closes the gate itself, then has it journalled.
    pub fn kill(&self) {
        if let Some(gates) = self.gates.get() {
            gates.close(Scope::Global, Trigger::Signal);
        }
        // ORDERING: Relaxed; a lone word.
        self.word.fetch_or(KILL, shm::atomic::Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        // ORDERING: Relaxed; a lone word.
        self.word.load(shm::atomic::Ordering::Relaxed) & STOP != 0
    }

    pub(super) fn take_kill(&self) -> bool {
        // ORDERING: Relaxed; a lone word.
        self.word.fetch_and(!KILL, shm::atomic::Ordering::Relaxed) & KILL != 0
    }
}

impl Control {
    /// One step of a stop: working orders are cancelled, then the venue sessions are ended.
    pub(super) fn stop_on(&mut self, stop: Stop, now: Nanos) -> Stop {
        match stop {
            Stop::No if self.stop.is_stopping() => {
                self.begin_stop();
                Stop::Cancelling { since: now }
            }
            Stop::Cancelling { since } => {
                let leave = self.config.engine.on_stop == OnStop::Leave;
                let is_late = now.saturating_since(since) > STOP_MAX;
                if !leave && self.vitals.working() > 0 && !is_late {
                    return stop;
                }
                self.phase.set(PhaseOf::Leave);
                Stop::Leaving { since: now }
            }
            Stop::Leaving { since } => {
                let is_late = now.saturating_since(since) > LEAVE_MAX;
                if is_late || !self.vitals.has_links() { Stop::Done } else { stop }
            }
            Stop::No | Stop::Done => stop,
        }
    }

    /// Strategies stop, and their orders are cancelled unless they are to stay.
    fn begin_stop(&mut self) {
        let ids: Vec<StrategyId> = self.config.strategies.iter().map(|row| row.id).collect();
        for id in ids {
            let command = command(CommandOp::StrategyDisable, id, 0, FOR_A_STOP);
            self.give(StageId::Strategy(id), command, "stop", Caller::own());
        }
        if self.config.engine.on_stop == OnStop::Cancel {
            // A gateway that the guard stood in for logs on again, behind its closed gates: the
            // order table hears what became of its orders before the run ends.
            self.lower_fences();
            let command = command(CommandOp::CancelAll, StrategyId::OPERATOR, 0, 0);
            self.give(StageId::Risk, command, "stop", Caller::own());
        }
    }
}
