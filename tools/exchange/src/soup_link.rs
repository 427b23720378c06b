//! One accepted SoupBinTCP connection: socket, protocol state, bytes not yet written.

use crate::random::Random;
use gateway::session::soupbintcp::{SequencedStore, Server, ServerConfig};
use shm::units::Nanos;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// Room for what one turn writes.
const OUT_BYTES: usize = 64 * 1024;
/// Messages of the stream written per turn.
const MESSAGES_MAX: usize = 1_024;
/// Reads per turn.
const READS_MAX: usize = 8;

/// A connection.
#[derive(Debug)]
pub(crate) struct SoupLink {
    stream: TcpStream,
    /// The protocol's state; the owner takes events from it.
    pub(crate) server: Server,
    out: Vec<u8>,
    /// Bytes of `out` in use, and how many of them are written.
    filled: usize,
    written: usize,
    is_closing: bool,
    /// How often a write is cut short.
    chop: f64,
    random: Random,
}

/// Bytes of a write that is cut short, at most.
const CHOPPED_MAX: u64 = 7;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// It does.
    Open,
    /// It is over: drop it.
    Closed,
}

impl SoupLink {
    /// Takes over an accepted connection.
    ///
    /// # Errors
    /// When the socket cannot be made non-blocking or told not to delay: drop it.
    pub(crate) fn new(
        stream: TcpStream,
        config: ServerConfig,
        now_ns: u64,
    ) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut server = Server::new(config);
        server.on_connect(Nanos(now_ns));
        Ok(Self {
            stream,
            server,
            out: vec![0; OUT_BYTES],
            filled: 0,
            written: 0,
            is_closing: false,
            chop: 0.0,
            random: Random::new(0, 0),
        })
    }

    /// Cuts writes short with this probability, anywhere within a message.
    pub(crate) fn chop(&mut self, chop: f64, random: Random) {
        (self.chop, self.random) = (chop, random);
    }

    /// The socket, to wait on.
    #[must_use]
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether bytes wait for the socket to take them.
    #[must_use]
    pub(crate) fn is_blocked(&self) -> bool {
        self.written < self.filled
    }

    /// Reads what has come; the owner then takes the events.
    pub(crate) fn read(&mut self, now_ns: u64) -> LinkState {
        for _ in 0..READS_MAX {
            let space = self.server.read_space();
            if space.is_empty() {
                return LinkState::Open;
            }
            let room = space.len();
            match self.stream.read(space) {
                Ok(0) => return LinkState::Closed,
                Ok(bytes) => {
                    self.server.on_read(bytes, Nanos(now_ns));
                    if bytes < room {
                        return LinkState::Open;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return LinkState::Open,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return LinkState::Closed,
            }
        }
        LinkState::Open
    }

    /// Writes what is owed: login answers, the stream from where the client stands, heartbeats.
    pub(crate) fn write(&mut self, store: &impl SequencedStore, now_ns: u64) -> LinkState {
        loop {
            while self.written < self.filled {
                let is_cut = self.random.chance(self.chop);
                let bytes_max = if is_cut { self.random.between(1, CHOPPED_MAX) } else { u64::MAX };
                let end = self.filled.min(self.written.saturating_add(bytes_max as usize));
                match self.stream.write(&self.out[self.written..end]) {
                    Ok(0) => return LinkState::Closed,
                    Ok(bytes) => {
                        self.written += bytes;
                        if is_cut {
                            return LinkState::Open;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return LinkState::Open,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return LinkState::Closed,
                }
            }
            if self.is_closing {
                return LinkState::Closed;
            }
            let poll = self.server.poll(Nanos(now_ns), store, MESSAGES_MAX, &mut self.out);
            self.filled = poll.bytes;
            self.written = 0;
            self.is_closing = poll.close;
            if poll.bytes == 0 {
                return if poll.close { LinkState::Closed } else { LinkState::Open };
            }
        }
    }
}
