//! The server's end of one connection.

use super::buffer::ReadBuffer;
use super::client::empty;
use super::frame::{PAYLOAD_BYTES_MAX, Packet, packet};
use super::login::{LoginAccepted, LoginRequest, SessionName};
use super::{EndReason, HEARTBEAT, LOGIN_MAX, REJECT_SESSION, SILENCE_MAX, SoupError, kind};
use shm::units::Nanos;

/// The numbered stream of one session, kept by the server's owner. Numbers start at 1.
pub trait SequencedStore {
    /// Number that the next message of the stream will have.
    fn next_seq(&self) -> u64;
    /// A message of the stream; `None` when it has no such number or no longer keeps it.
    fn message(&self, seq: u64) -> Option<&[u8]>;
}

/// What a server connection is made from.
#[derive(Clone, Copy, Debug)]
pub struct ServerConfig {
    /// Name of the session served.
    pub session: SessionName,
    /// Silence of ours after which a heartbeat is sent.
    pub heartbeat: Nanos,
    /// Silence of the client's beyond which it is dead.
    pub silence_max: Nanos,
    /// Time after the connection in which the login must come.
    pub login_max: Nanos,
    /// Capacity of the read buffer, bytes.
    pub buffer_bytes: usize,
}

impl ServerConfig {
    /// The protocol's own times and a buffer for any packet.
    #[must_use]
    pub const fn new(session: SessionName) -> Self {
        Self {
            session,
            heartbeat: HEARTBEAT,
            silence_max: SILENCE_MAX,
            login_max: LOGIN_MAX,
            buffer_bytes: ReadBuffer::BYTES_DEFAULT,
        }
    }
}

/// Where a server connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// No transport yet.
    Idle,
    /// Connected, no login yet.
    AwaitLogin {
        /// When the transport was ready.
        since: Nanos,
    },
    /// A login was handed out; [`Server::accept`] or [`Server::reject`] answers it.
    Judging {
        /// When the transport was ready.
        since: Nanos,
    },
    /// Logged in.
    Live,
    /// Over, once what is owed is written (see [`ServerPoll::close`]).
    Ended(EndReason),
}

/// What one packet says.
#[derive(Clone, Copy, Debug)]
pub enum ServerEvent<'a> {
    /// Answer with [`Server::accept`] or [`Server::reject`] before the next event.
    Login(LoginRequest),
    /// One message of the client's.
    Message(&'a [u8]),
    /// Text for people.
    Debug(&'a [u8]),
    /// The client is alive.
    Heartbeat,
    /// The connection is over: logout, or the protocol was broken.
    Ended(EndReason),
}

/// What [`Server::poll`] did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPoll {
    /// Bytes written, whole packets.
    pub bytes: usize,
    /// Close the transport after sending them.
    pub close: bool,
}

/// A SoupBinTCP server connection without I/O and without history of its own.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    state: ServerState,
    buffer: ReadBuffer,
    /// The answer to the login, written before anything else.
    owed: Owed,
    /// The stream is to end once this client has had all of it.
    is_ending: bool,
    /// Number of the next sequenced packet of this connection.
    next_seq: u64,
    last_sent: Nanos,
    last_heard: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    Nothing,
    Accept,
    Reject(u8),
}

impl Server {
    /// Makes a connection's state. Cold: allocates its read buffer.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            state: ServerState::Idle,
            buffer: ReadBuffer::new(config.buffer_bytes),
            owed: Owed::Nothing,
            is_ending: false,
            next_seq: 1,
            last_sent: Nanos(0),
            last_heard: Nanos(0),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> ServerState {
        self.state
    }

    /// Whether a client is logged in.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.state, ServerState::Live)
    }

    /// Number of the next sequenced packet that this connection sends.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// A new transport is ready: everything of the old one is forgotten.
    pub fn on_connect(&mut self, now: Nanos) {
        self.buffer.clear();
        self.state = ServerState::AwaitLogin { since: now };
        self.owed = Owed::Nothing;
        self.is_ending = false;
        self.last_sent = now;
        self.last_heard = now;
    }

    /// The transport is gone.
    pub fn on_disconnect(&mut self) {
        if !matches!(self.state, ServerState::Ended(_)) {
            self.state = ServerState::Ended(EndReason::Peer);
        }
        self.owed = Owed::Nothing;
    }

    /// Where to read to; empty only when packets must be taken first.
    pub fn read_space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// Says how many bytes were read to [`Server::read_space`].
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

    /// Takes at most one packet. `None`: more bytes are needed, a login waits for its answer, or
    /// the connection is over.
    pub fn next_event(&mut self) -> Option<ServerEvent<'_>> {
        let is_live = match self.state {
            ServerState::Live => true,
            ServerState::AwaitLogin { .. } => false,
            ServerState::Idle | ServerState::Judging { .. } | ServerState::Ended(_) => return None,
        };
        let packet = match self.buffer.next_packet() {
            Ok(packet) => packet?,
            Err(error) => {
                self.state = ServerState::Ended(EndReason::Protocol(error));
                return Some(ServerEvent::Ended(EndReason::Protocol(error)));
            }
        };
        let event = match read_packet(packet, is_live) {
            Ok(event) => event,
            Err(error) => ServerEvent::Ended(EndReason::Protocol(error)),
        };
        match (event, self.state) {
            (ServerEvent::Login(_), ServerState::AwaitLogin { since }) => {
                self.state = ServerState::Judging { since };
            }
            (ServerEvent::Ended(reason), _) => self.state = ServerState::Ended(reason),
            _ => {}
        }
        Some(event)
    }

    /// Accepts the login just handed out, for a stream whose next number is `store_next_seq`; a
    /// request for another session is refused. A number above the stream's is answered with the
    /// stream's: the client sees the difference. Returns whether the client is in.
    pub fn accept(&mut self, request: &LoginRequest, store_next_seq: u64) -> bool {
        if !matches!(self.state, ServerState::Judging { .. }) {
            return false;
        }
        let session = request.start.session;
        if !session.is_current() && !session.is_same(&self.config.session) {
            self.reject(REJECT_SESSION);
            return false;
        }
        let stream_next = store_next_seq.max(1);
        self.next_seq = match request.start.seq {
            0 => stream_next,
            seq => seq.min(stream_next),
        };
        self.state = ServerState::Live;
        self.owed = Owed::Accept;
        true
    }

    /// Refuses the login just handed out, with the letter of the reason.
    pub fn reject(&mut self, reason: u8) {
        if matches!(self.state, ServerState::Judging { .. }) {
            self.state = ServerState::Ended(EndReason::Rejected(reason));
            self.owed = Owed::Reject(reason);
        }
    }

    /// Ends the session: the packet goes out once the client has had the whole stream.
    pub fn end_session(&mut self) {
        self.is_ending |= self.is_live();
    }

    /// Writes what is owed, then at most `messages_max` messages of the stream from where this
    /// client stands (replay and live are the same), then a heartbeat if nothing was sent for its
    /// time. Whole packets only; what does not fit waits for the next call. Give it at least 64
    /// bytes and room for the longest message. What was written counts as sent at `now`.
    pub fn poll(
        &mut self,
        now: Nanos,
        store: &impl SequencedStore,
        messages_max: usize,
        out: &mut [u8],
    ) -> ServerPoll {
        self.expire(now);
        let mut bytes = self.write_owed(out);
        if self.is_live() && self.owed == Owed::Nothing {
            let room = out.get_mut(bytes..).unwrap_or(&mut []);
            bytes += self.write_messages(store, messages_max, room);
            let room = out.get_mut(bytes..).unwrap_or(&mut []);
            if self.is_ending && self.next_seq >= store.next_seq() {
                if let Some(len) = packet(kind::END_OF_SESSION, &[], room) {
                    bytes += len;
                    self.state = ServerState::Ended(EndReason::Local);
                }
            } else if bytes == 0 && now.saturating_since(self.last_sent) >= self.config.heartbeat {
                bytes = packet(kind::SERVER_HEARTBEAT, &[], room).unwrap_or(0);
            }
        }
        if bytes > 0 {
            self.last_sent = now;
        }
        let is_over = matches!(self.state, ServerState::Ended(_));
        ServerPoll { bytes, close: is_over && self.owed == Owed::Nothing }
    }

    fn expire(&mut self, now: Nanos) {
        match self.state {
            ServerState::AwaitLogin { since } | ServerState::Judging { since }
                if now.saturating_since(since) > self.config.login_max =>
            {
                self.state = ServerState::Ended(EndReason::LoginTimeout);
            }
            ServerState::Live
                if now.saturating_since(self.last_heard) > self.config.silence_max =>
            {
                self.state = ServerState::Ended(EndReason::Silence);
                self.owed = Owed::Nothing;
            }
            _ => {}
        }
    }

    fn write_owed(&mut self, out: &mut [u8]) -> usize {
        let written = match self.owed {
            Owed::Nothing => return 0,
            Owed::Accept => {
                let accepted =
                    LoginAccepted { session: self.config.session, next_seq: self.next_seq };
                packet(kind::LOGIN_ACCEPTED, &accepted.encode(), out)
            }
            Owed::Reject(reason) => packet(kind::LOGIN_REJECTED, &[reason], out),
        };
        let Some(len) = written else { return 0 };
        self.owed = Owed::Nothing;
        len
    }

    fn write_messages(
        &mut self,
        store: &impl SequencedStore,
        messages_max: usize,
        out: &mut [u8],
    ) -> usize {
        let mut bytes = 0;
        for _ in 0..messages_max {
            if self.next_seq >= store.next_seq() {
                break;
            }
            let message = match store.message(self.next_seq) {
                Some(message) if message.len() <= PAYLOAD_BYTES_MAX => message,
                _ => {
                    self.state = ServerState::Ended(EndReason::Unsendable);
                    break;
                }
            };
            let room = out.get_mut(bytes..).unwrap_or(&mut []);
            let Some(len) = packet(kind::SEQUENCED, message, room) else { break };
            bytes += len;
            self.next_seq += 1;
        }
        bytes
    }
}

/// One packet from the client.
fn read_packet(packet: Packet<'_>, is_live: bool) -> Result<ServerEvent<'_>, SoupError> {
    let payload = packet.payload;
    match (packet.kind, is_live) {
        (kind::DEBUG, _) => Ok(ServerEvent::Debug(payload)),
        (kind::UNSEQUENCED, true) => Ok(ServerEvent::Message(payload)),
        (kind::CLIENT_HEARTBEAT, true) => empty(payload).map(|()| ServerEvent::Heartbeat),
        (kind::LOGOUT, true) => empty(payload).map(|()| ServerEvent::Ended(EndReason::Peer)),
        (kind::LOGIN_REQUEST, false) => {
            LoginRequest::decode(payload).map(ServerEvent::Login).ok_or(SoupError::BadPayload)
        }
        (kind::UNSEQUENCED | kind::CLIENT_HEARTBEAT | kind::LOGOUT | kind::LOGIN_REQUEST, _) => {
            Err(SoupError::WrongState)
        }
        _ => Err(SoupError::WrongType),
    }
}
