//! The archive thread: copies lanes to the disk, moves the durable mark, ties the clocks together.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: a helper thread sleeps between its turns, and names its first error"
)]

use super::hot::{Phase, PhaseOf};
use crate::clock::Clock;
use crate::telemetry::ArchiveMeters;
use shm::journal::{ArchiveError, Archiver};
use shm::units::Nanos;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The first error of the archive, in words, for whoever tells how the engine is.
pub type Trouble = Arc<OnceLock<String>>;

/// Time between two turns.
const TURN: Duration = Duration::from_micros(500);
/// Time between two anchors.
const ANCHOR_EVERY: Nanos = Nanos(100_000_000);

/// What the archive thread owns.
pub struct ArchiveThread {
    /// The archiver of every lane.
    pub archiver: Archiver,
    /// Longest time between two syncs.
    pub group: Nanos,
    /// The clock it ties to the wall.
    pub clock: Clock,
    /// Its meters.
    pub meters: ArchiveMeters,
    /// Where its first error is named.
    pub trouble: Trouble,
    /// What it is told.
    pub phase: Phase,
}

impl ArchiveThread {
    /// Runs until told to stop, then archives and syncs what is left.
    ///
    /// # Errors
    /// The first [`ArchiveError`]: final for the archiver (C11). `failed` is raised when it
    /// happens, for the risk stage and the status to see, and nothing is retried.
    pub fn run(mut self) -> Result<(), ArchiveError> {
        let mut anchored = Nanos(0);
        let mut first = None;
        while !self.phase.is(PhaseOf::Stop) {
            let now = self.clock.now();
            match self.archiver.turn(now, self.group) {
                Ok(progress) => {
                    self.meters.bytes.add(progress.bytes);
                    self.meters.lag_bytes.set(progress.lag_bytes);
                    self.meters.lag.set(progress.lag_ns);
                }
                Err(error) => {
                    self.trouble.get_or_init(|| error.to_string());
                    self.meters.failed.set(1);
                    first.get_or_insert(error);
                }
            }
            if let Some((lane, lost)) = self.archiver.lost() {
                self.trouble.get_or_init(|| {
                    format!("lane {lane} had no room for {lost} records: it is not all that was")
                });
                self.meters.failed.set(1);
            }
            if now.saturating_since(anchored) >= ANCHOR_EVERY {
                anchored = now;
                let anchor = self.clock.anchor();
                self.meters.drift.set(anchor.wall.0.abs_diff(anchor.engine.0));
            }
            std::thread::sleep(TURN);
        }
        let closed = self.archiver.close(self.clock.now());
        first.map_or(closed, Err)
    }
}
