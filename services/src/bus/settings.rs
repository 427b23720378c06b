//! Where the bus is, who we are there, and what goes over it.

use super::family::Families;
use crate::store::Password;
use std::path::PathBuf;
use std::time::Duration;

/// A name that may stand in a subject: 1 to 64 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Takes it; `None` if it has other letters, or too many.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(fits);
        is_name.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// How a client shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It does not.
    Nobody,
    /// By a name and a password.
    User(String, Password),
    /// By a token.
    Token(Password),
    /// By the seed of an NKEY.
    Nkey(Password),
}

/// A NATS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `nats://host:port`, or `tls://host:port`, without a password.
    pub url: String,
    /// Who we are.
    pub login: Login,
    /// Certificates that vouch for the server, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// The bus of one engine or of a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusSettings {
    /// Where it is.
    pub server: Server,
    /// First part of the names of streams and subjects.
    pub stream: Name,
    /// Who publishes.
    pub engine: Option<Name>,
    /// What is published.
    pub families: Families,
    /// How long a stream keeps a message; zero: for ever. Used when a stream is made.
    pub keep: Duration,
    /// How large a stream may become; 0: without end. Used when a stream is made.
    pub keep_bytes: u64,
    /// Copies in a cluster. Used when a stream is made.
    pub replicas: u8,
}

impl BusSettings {
    /// The stream of an engine.
    #[must_use]
    pub fn stream_of(&self, engine: &Name) -> String {
        format!("{}-{engine}", self.stream)
    }

    /// What stands before the family in the subjects of an engine.
    #[must_use]
    pub fn subject_of(&self, engine: &Name) -> String {
        format!("{}.{engine}", self.stream)
    }
}
