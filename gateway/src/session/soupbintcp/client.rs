//! The client's end.

use super::buffer::ReadBuffer;
use super::frame::{Packet, packet};
use super::login::{Credentials, LoginAccepted, LoginRequest, SessionName, Start};
use super::{EndReason, HEARTBEAT, LOGIN_MAX, SILENCE_MAX, SoupError, kind};
use shm::units::Nanos;

/// What a client is made from.
#[derive(Clone, Copy, Debug)]
pub struct ClientConfig {
    /// Who logs in.
    pub credentials: Credentials,
    /// Where the stream is to start on the first login.
    pub start: Start,
    /// Silence of ours after which a heartbeat is sent.
    pub heartbeat: Nanos,
    /// Silence of the server's beyond which it is dead.
    pub silence_max: Nanos,
    /// Time after the connection in which the login must be answered.
    pub login_max: Nanos,
    /// Capacity of the read buffer, bytes.
    pub buffer_bytes: usize,
}

impl ClientConfig {
    /// The protocol's own times and a buffer for any packet.
    #[must_use]
    pub const fn new(credentials: Credentials, start: Start) -> Self {
        Self {
            credentials,
            start,
            heartbeat: HEARTBEAT,
            silence_max: SILENCE_MAX,
            login_max: LOGIN_MAX,
            buffer_bytes: ReadBuffer::BYTES_DEFAULT,
        }
    }
}

/// Where the client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// No transport yet.
    Idle,
    /// Connected; the login is written by the next [`Client::poll`].
    Connecting {
        /// When the transport was ready.
        since: Nanos,
    },
    /// The login is written.
    LoginSent {
        /// When the transport was ready.
        since: Nanos,
    },
    /// Logged in.
    Live,
    /// Over, until the next [`Client::on_connect`].
    Ended(EndReason),
}

/// What one packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent<'a> {
    /// Logged in.
    Login {
        /// The server's session.
        session: SessionName,
        /// Number of the next sequenced packet.
        next_seq: u64,
        /// Another session than the one asked for or last known: a new day, rebuild the state.
        is_new_session: bool,
        /// The stream does not start at the number asked for.
        is_gap: bool,
    },
    /// One message of the numbered stream.
    Message {
        /// Its number, from 1.
        seq: u64,
        /// The message.
        payload: &'a [u8],
    },
    /// Text for people.
    Debug(&'a [u8]),
    /// The server is alive.
    Heartbeat,
    /// The session is over: refused, ended, or the protocol was broken. Close the transport.
    Ended(EndReason),
}

/// A SoupBinTCP client without I/O.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    state: ClientState,
    buffer: ReadBuffer,
    /// Session and next number: what the next login asks for.
    start: Start,
    /// The logout is written: nothing more is.
    is_leaving: bool,
    last_sent: Nanos,
    last_heard: Nanos,
}

impl Client {
    /// Makes a client. Cold: allocates its read buffer.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            state: ClientState::Idle,
            buffer: ReadBuffer::new(config.buffer_bytes),
            start: config.start,
            is_leaving: false,
            last_sent: Nanos(0),
            last_heard: Nanos(0),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> ClientState {
        self.state
    }

    /// Whether it is logged in and messages may be sent.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.state, ClientState::Live)
    }

    /// Session and number the next login asks for: the last session known and last seen + 1.
    #[must_use]
    pub const fn position(&self) -> Start {
        self.start
    }

    /// Sets what the next login asks for: a recovered position, or a start over.
    pub const fn set_position(&mut self, start: Start) {
        self.start = start;
    }

    /// A new transport is ready: forgets bytes of the old one; the login goes out with the next
    /// poll.
    pub fn on_connect(&mut self, now: Nanos) {
        self.buffer.clear();
        self.is_leaving = false;
        self.state = ClientState::Connecting { since: now };
        self.last_sent = now;
        self.last_heard = now;
    }

    /// The transport is gone.
    pub fn on_disconnect(&mut self) {
        if !matches!(self.state, ClientState::Ended(_)) {
            self.state = ClientState::Ended(EndReason::Peer);
        }
    }

    /// Where to read to; empty only when packets must be taken first.
    pub fn read_space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// Says how many bytes were read to [`Client::read_space`].
    pub fn on_read(&mut self, bytes: usize, now: Nanos) {
        if bytes > 0 {
            self.last_heard = now;
        }
        self.buffer.filled(bytes);
    }

    /// Copies read bytes in; returns how many there was room for.
    #[must_use]
    pub fn on_bytes(&mut self, bytes: &[u8], now: Nanos) -> usize {
        if !bytes.is_empty() {
            self.last_heard = now;
        }
        self.buffer.push(bytes)
    }

    /// Takes at most one packet. `None`: more bytes are needed, or the session is over.
    pub fn next_event(&mut self) -> Option<ClientEvent<'_>> {
        let is_live = match self.state {
            ClientState::Live => true,
            ClientState::LoginSent { .. } => false,
            ClientState::Idle | ClientState::Connecting { .. } | ClientState::Ended(_) => {
                return None;
            }
        };
        let packet = match self.buffer.next_packet() {
            Ok(packet) => packet?,
            Err(error) => {
                self.state = ClientState::Ended(EndReason::Protocol(error));
                return Some(ClientEvent::Ended(EndReason::Protocol(error)));
            }
        };
        let event = match read_packet(packet, is_live, &mut self.start) {
            Ok(event) => event,
            Err(error) => ClientEvent::Ended(EndReason::Protocol(error)),
        };
        match event {
            ClientEvent::Login { .. } => self.state = ClientState::Live,
            ClientEvent::Ended(reason) => self.state = ClientState::Ended(reason),
            ClientEvent::Message { .. } | ClientEvent::Debug(_) | ClientEvent::Heartbeat => {}
        }
        Some(event)
    }

    /// What time asks for: the login, a heartbeat, or the end of a silent session (see
    /// [`Client::state`]). Writes whole packets to `out` and returns their length; give it at least
    /// 64 bytes. What was written counts as sent at `now`.
    #[must_use]
    pub fn poll(&mut self, now: Nanos, out: &mut [u8]) -> usize {
        match self.state {
            ClientState::Idle | ClientState::Ended(_) => return 0,
            ClientState::Connecting { since } => {
                let login =
                    LoginRequest { credentials: self.config.credentials, start: self.start };
                let Some(len) = packet(kind::LOGIN_REQUEST, &login.encode(), out) else { return 0 };
                self.state = ClientState::LoginSent { since };
                self.last_sent = now;
                return len;
            }
            ClientState::LoginSent { since } => {
                if now.saturating_since(since) > self.config.login_max {
                    self.state = ClientState::Ended(EndReason::LoginTimeout);
                }
                // Nothing but the login is valid before its answer.
                return 0;
            }
            ClientState::Live => {
                if now.saturating_since(self.last_heard) > self.config.silence_max {
                    self.state = ClientState::Ended(EndReason::Silence);
                    return 0;
                }
            }
        }
        if self.is_leaving || now.saturating_since(self.last_sent) < self.config.heartbeat {
            return 0;
        }
        let Some(len) = packet(kind::CLIENT_HEARTBEAT, &[], out) else { return 0 };
        self.last_sent = now;
        len
    }

    /// Writes the logout, once; returns the length of the packet, 0 when not live. Nothing more is
    /// to be sent; what the server says until it ends the session is read as before.
    #[must_use]
    pub fn logout(&mut self, out: &mut [u8]) -> usize {
        if !self.is_live() || self.is_leaving {
            return 0;
        }
        self.is_leaving = true;
        packet(kind::LOGOUT, &[], out).unwrap_or(0)
    }

    /// Bytes were given to the transport at `now`: puts the heartbeat off.
    pub const fn on_sent(&mut self, now: Nanos) {
        self.last_sent = now;
    }
}

/// One packet from the server; moves `start` with what it says.
fn read_packet<'a>(
    packet: Packet<'a>,
    is_live: bool,
    start: &mut Start,
) -> Result<ClientEvent<'a>, SoupError> {
    let payload = packet.payload;
    match (packet.kind, is_live) {
        (kind::DEBUG, _) => Ok(ClientEvent::Debug(payload)),
        (kind::SEQUENCED, true) => {
            let seq = start.seq;
            start.seq = seq.saturating_add(1);
            Ok(ClientEvent::Message { seq, payload })
        }
        (kind::SERVER_HEARTBEAT, true) => empty(payload).map(|()| ClientEvent::Heartbeat),
        (kind::END_OF_SESSION, true) => {
            empty(payload).map(|()| ClientEvent::Ended(EndReason::Peer))
        }
        (kind::LOGIN_ACCEPTED, false) => {
            let accepted = LoginAccepted::decode(payload).ok_or(SoupError::BadPayload)?;
            if accepted.next_seq == 0 {
                return Err(SoupError::BadPayload);
            }
            let is_new_session =
                !start.session.is_current() && !start.session.is_same(&accepted.session);
            let is_gap = start.seq != 0 && start.seq != accepted.next_seq;
            *start = Start { session: accepted.session, seq: accepted.next_seq };
            Ok(ClientEvent::Login {
                session: accepted.session,
                next_seq: accepted.next_seq,
                is_new_session,
                is_gap,
            })
        }
        (kind::LOGIN_REJECTED, false) => match payload {
            [reason] => Ok(ClientEvent::Ended(EndReason::Rejected(*reason))),
            _ => Err(SoupError::BadPayload),
        },
        (
            kind::SEQUENCED
            | kind::SERVER_HEARTBEAT
            | kind::END_OF_SESSION
            | kind::LOGIN_ACCEPTED
            | kind::LOGIN_REJECTED,
            _,
        ) => Err(SoupError::WrongState),
        _ => Err(SoupError::WrongType),
    }
}

pub(super) const fn empty(payload: &[u8]) -> Result<(), SoupError> {
    if payload.is_empty() { Ok(()) } else { Err(SoupError::BadPayload) }
}
