//! SoupBinTCP 3.00, client and server, for any payload (OUCH, ITCH).
//!
//! ```text
//! bytes read ─► ReadBuffer ─► packet ─► Client / Server ─► one event per call
//!                                           │ poll(now, out)
//! bytes to send ◄── login, heartbeats, ◄────┘        payloads: frame() in place
//!                   replay (server)
//! ```
//!
//! The caller owns the socket. Each turn it reads into [`ReadBuffer::space`] (or copies with
//! `on_bytes`), takes a bounded number of events, and sends what `poll` wrote. One event call takes
//! at most one packet, so the caller's loop bounds the work. Sequenced packets carry no number on
//! the wire: both ends count, from the number in the login answer.
//!
//! After any fault the state is `Ended`: close the transport; `on_connect` starts over, and a
//! client resumes where its count stands.
//!
//! Source: Nasdaq SoupBinTCP 3.00.

mod buffer;
mod client;
mod frame;
mod login;
mod server;

pub use buffer::ReadBuffer;
pub use client::{Client, ClientConfig, ClientEvent, ClientState};
pub use frame::{FRAME_HEADER_BYTES, PACKET_BYTES_MAX, PAYLOAD_BYTES_MAX, Packet, frame, packet};
pub use login::{Credentials, LoginRequest, SessionName, Start};
pub use server::{SequencedStore, Server, ServerConfig, ServerEvent, ServerPoll, ServerState};

use shm::units::Nanos;

/// A side that sent nothing for this long sends a heartbeat.
pub const HEARTBEAT: Nanos = Nanos::SECOND;
/// A peer silent for longer than this is dead.
pub const SILENCE_MAX: Nanos = Nanos(15 * Nanos::SECOND.0);
/// A login not answered (client) or not sent (server) within this is given up.
pub const LOGIN_MAX: Nanos = Nanos(30 * Nanos::SECOND.0);

/// Packet types.
pub mod kind {
    /// Debug text, both ways; ignored.
    pub const DEBUG: u8 = b'+';
    /// Server: login accepted.
    pub const LOGIN_ACCEPTED: u8 = b'A';
    /// Server: login rejected.
    pub const LOGIN_REJECTED: u8 = b'J';
    /// Server: one message of the numbered stream.
    pub const SEQUENCED: u8 = b'S';
    /// Server: alive.
    pub const SERVER_HEARTBEAT: u8 = b'H';
    /// Server: the session is over.
    pub const END_OF_SESSION: u8 = b'Z';
    /// Client: login request.
    pub const LOGIN_REQUEST: u8 = b'L';
    /// Client: one message.
    pub const UNSEQUENCED: u8 = b'U';
    /// Client: alive.
    pub const CLIENT_HEARTBEAT: u8 = b'R';
    /// Client: logout.
    pub const LOGOUT: u8 = b'O';
}

/// A breach of the protocol. The session is over: close the transport.
#[must_use]
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoupError {
    /// A length field of zero: a packet without a type.
    ZeroLength,
    /// A type that this side never receives.
    WrongType,
    /// A type that is not valid at this point (data before the login, a second login).
    WrongState,
    /// A payload whose length or digits are not those of its type.
    BadPayload,
    /// A packet longer than the read buffer was made for.
    TooLong,
}

/// Why a session is over.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The login was refused, with the server's letter (`A` credentials, `S` session).
    Rejected(u8),
    /// The peer logged out or ended the session.
    Peer,
    /// This side logged out or ended the session.
    Local,
    /// No login within the limit.
    LoginTimeout,
    /// Nothing heard within the limit.
    Silence,
    /// The stream's owner does not give the next message, or it is longer than a packet.
    Unsendable,
    /// The peer broke the protocol.
    Protocol(SoupError),
}

/// Login refused: unknown user, wrong password, or not authorized.
pub const REJECT_CREDENTIALS: u8 = b'A';
/// Login refused: the requested session is not available.
pub const REJECT_SESSION: u8 = b'S';

#[cfg(test)]
mod tests;
