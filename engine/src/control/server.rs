//! The control socket: connections, credentials, lines. No command is known here.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "cold: the control thread"
)]

use super::protocol::Reply;
use mio::net::{UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest line of a request.
const LINE_MAX: usize = 256 * 1_024;
/// Most connections at a time.
const CONNECTIONS_MAX: usize = 32;
/// Longest wait for something to happen.
const WAIT: Duration = Duration::from_millis(5);
const LISTENER: Token = Token(usize::MAX);

/// Who is at the other end, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// User id.
    pub uid: u32,
    /// Process id.
    pub pid: u32,
}

impl Caller {
    /// The engine itself.
    #[must_use]
    pub fn own() -> Self {
        Self { uid: rustix::process::getuid().as_raw(), pid: std::process::id() }
    }
}

struct Connection {
    /// Its own among all that ever were.
    token: usize,
    stream: UnixStream,
    caller: Caller,
    line: Vec<u8>,
    /// When it last said anything.
    heard: Instant,
}

/// The listening socket and its connections.
pub struct Server {
    poll: Poll,
    events: Events,
    listener: UnixListener,
    connections: Vec<Option<Connection>>,
    /// Connections so far.
    accepted: usize,
}

/// A line that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The connection it came on.
    pub token: usize,
    /// Who sent it.
    pub caller: Caller,
    /// What.
    pub line: String,
}

impl Server {
    /// Listens at `path`, for the owner alone. A socket left by a dead engine is replaced: the
    /// caller holds the directory's lock.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let connections = (0..CONNECTIONS_MAX).map(|_| None).collect();
        Ok(Self { poll, events: Events::with_capacity(64), listener, connections, accepted: 0 })
    }

    /// Waits a little, and gives the lines that have come.
    pub fn poll(&mut self) -> Vec<Heard> {
        let mut lines = Vec::new();
        if self.poll.poll(&mut self.events, Some(WAIT)).is_err() {
            return lines;
        }
        let tokens: Vec<Token> = self.events.iter().map(mio::event::Event::token).collect();
        for token in tokens {
            if token == LISTENER {
                self.accept();
            } else {
                self.read(token.0, &mut lines);
            }
        }
        lines
    }

    /// Who is at the other end of a connection.
    #[must_use]
    pub fn caller(&self, token: usize) -> Option<Caller> {
        self.connection(token).map(|connection| connection.caller)
    }

    /// Whether nobody is at the other end any more. A caller that only writes no more is there.
    #[must_use]
    pub fn is_gone(&self, token: usize) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let Some(connection) = self.connection(token) else { return true };
        let mut ends = [PollFd::new(&connection.stream, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let asked = poll(&mut ends, Some(&now));
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        asked.is_err() || ends.iter().any(|end| end.revents().intersects(gone))
    }

    fn connection(&self, token: usize) -> Option<&Connection> {
        self.connections.iter().flatten().find(|connection| connection.token == token)
    }

    fn connection_mut(&mut self, token: usize) -> Option<&mut Connection> {
        self.connections.iter_mut().flatten().find(|connection| connection.token == token)
    }

    /// Answers. A caller that does not read is cut.
    pub fn reply(&mut self, token: usize, reply: &Reply) {
        let Some(connection) = self.connection_mut(token) else { return };
        let Ok(mut line) = serde_json::to_vec(reply) else { return };
        line.push(b'\n');
        if connection.stream.write_all(&line).is_err() {
            self.drop_connection(token);
        }
    }

    fn drop_connection(&mut self, token: usize) {
        let is_it = |place: &&mut Option<Connection>| {
            place.as_ref().is_some_and(|connection| connection.token == token)
        };
        if let Some(place) = self.connections.iter_mut().find(is_it) {
            *place = None;
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let Some(caller) = allowed(&stream) else { continue };
            let at = self.free_place();
            self.accepted += 1;
            let (token, heard) = (self.accepted, Instant::now());
            let mut connection = Connection { token, stream, caller, line: Vec::new(), heard };
            let registered = self.poll.registry().register(
                &mut connection.stream,
                Token(token),
                Interest::READABLE,
            );
            if let (Ok(()), Some(place)) = (registered, self.connections.get_mut(at)) {
                *place = Some(connection);
            }
        }
    }

    /// A free place; where there is none, that of whoever has been silent longest: idle connections
    /// must not keep a kill out.
    fn free_place(&mut self) -> usize {
        if let Some(free) = self.connections.iter().position(Option::is_none) {
            return free;
        }
        let heard = |place: &Option<Connection>| place.as_ref().map(|open| open.heard);
        let each = self.connections.iter().enumerate();
        let oldest = each.min_by_key(|(_, place)| heard(place)).map_or(0, |(at, _)| at);
        if let Some(place) = self.connections.get_mut(oldest) {
            *place = None;
        }
        oldest
    }

    fn read(&mut self, token: usize, lines: &mut Vec<Heard>) {
        let Some(connection) = self.connection_mut(token) else { return };
        connection.heard = Instant::now();
        let mut bytes = [0; 1_024];
        let open = loop {
            match connection.stream.read(&mut bytes) {
                Ok(0) => break false,
                Ok(count) => {
                    connection.line.extend_from_slice(bytes.get(..count).unwrap_or_default())
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break false,
            }
            if connection.line.len() > LINE_MAX {
                break false;
            }
        };
        while let Some(end) = connection.line.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = connection.line.drain(..=end).collect();
            let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            lines.push(Heard { token, caller: connection.caller, line });
        }
        if !open {
            // What came before the end is still answered, if the other side still reads.
            if lines.iter().all(|heard| heard.token != token) {
                self.drop_connection(token);
            }
        }
    }
}

/// The caller's credentials, if they may speak: the engine's own user, or root.
fn allowed(stream: &UnixStream) -> Option<Caller> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    let uid = peer.uid.as_raw();
    let own = rustix::process::getuid().as_raw();
    let pid = u32::try_from(peer.pid.as_raw_nonzero().get()).unwrap_or(0);
    (uid == own || uid == 0).then_some(Caller { uid, pid })
}
