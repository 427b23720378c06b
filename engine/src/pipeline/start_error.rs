//! Why an engine did not start, in sentences that name the key, path or address and the remedy.

use super::assemble::AssembleError;
use super::home::HomeError;
use super::limit_set::LimitsInForce;
use super::opening::OpeningError;
use crate::config::{CalendarError, Report};
use shm::journal::{ArchiveError, CreateError};
use shm::region::RegionError;
use std::io;
use std::path::PathBuf;

/// Why the engine did not start. Nothing is half-started: what was opened is closed again.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The machine, or the environment, lacks what the configuration asks for.
    #[error("{0}")]
    Plan(Report),
    /// Addresses that are in use, or not of this machine; recorded files that are not there, or
    /// none.
    #[error("{0}")]
    Sockets(Report),
    /// The directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The last session was of other names.
    #[error(transparent)]
    Names(OpeningError),
    /// The last session cannot be rebuilt.
    #[error("{0}; keep the directory and look with `wirelane journal verify`")]
    Opening(#[from] OpeningError),
    /// The limit set that was loaded last does not fit the configuration.
    #[error(
        "the limit set in force since the last session ({set}) does not fit this configuration: \
         {report}; write its tables into [[limits]] of the configuration, which then count"
    )]
    Limits {
        /// The set.
        set: Box<LimitsInForce>,
        /// What does not fit.
        report: Report,
    },
    /// The session has no date.
    #[error("market.zone or market.date: {0}")]
    Calendar(#[from] CalendarError),
    /// A lane cannot be made.
    #[error(transparent)]
    Lane(#[from] CreateError),
    /// The archive cannot be made.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The shared region cannot be made.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The pipeline cannot be put together.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The control socket cannot be made.
    #[error("engine.dir: {path}: {source}; name a directory with a shorter path, or free the name")]
    Control {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A thread could not be made.
    #[error("a thread could not be made: {0}; raise `ulimit -u`")]
    Thread(io::Error),
    /// The opening records do not fit a lane.
    #[error(
        "journal.segment_mib: the session's opening does not fit the lanes; write a larger number"
    )]
    OpeningTooLong,
}
