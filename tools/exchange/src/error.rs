//! Why a run could not start or go on.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a run could not start or go on. The text is one sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument is out of range.
    #[error("--{name}: {what}")]
    Option {
        /// The argument.
        name: &'static str,
        /// What is wrong or allowed.
        what: String,
    },
    /// A socket could not be made or bound.
    #[error("{what} {address}: {source}")]
    Bind {
        /// What it is for.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A recording could not be read.
    #[error("recording {path}: {what}")]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The order log could not be written.
    #[error("order log {path}: {source}")]
    OrderLog {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Waiting for sockets failed.
    #[error("waiting for sockets: {0}")]
    Wait(std::io::Error),
    /// Standard output could not be written.
    #[error("standard output: {0}")]
    Output(std::io::Error),
}

impl Error {
    /// An argument's fault.
    pub fn option(name: &'static str, what: impl ToString) -> Self {
        Self::Option { name, what: what.to_string() }
    }
}
