//! A TCP connection.

use super::pending::{Pending, Wrote};
use super::{Link, RecvResult, SendResult};
use socket2::SockRef;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How to connect.
#[derive(Clone, Copy, Debug)]
pub struct DialConfig {
    /// Where.
    pub address: SocketAddr,
    /// How long the connection may take.
    pub timeout: Duration,
    /// Microseconds that the kernel may poll the device in a read; `None` leaves the system's own.
    /// Raising it may need a privilege.
    pub busy_poll_us: Option<u32>,
    /// Longest send, bytes: what the link can keep of a partial write.
    pub send_bytes_max: usize,
}

impl DialConfig {
    /// Longest send by default.
    pub const SEND_BYTES_DEFAULT: usize = 64 * 1024;

    /// Five seconds, the system's busy poll, the default longest send.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            timeout: Duration::from_secs(5),
            busy_poll_us: None,
            send_bytes_max: Self::SEND_BYTES_DEFAULT,
        }
    }
}

/// Connects and sets the socket up. Cold: waits, up to the timeout.
///
/// # Errors
/// The system's: refused, timed out, no privilege for the busy poll.
pub fn dial(config: &DialConfig) -> io::Result<TcpLink> {
    let stream = TcpStream::connect_timeout(&config.address, config.timeout)?;
    if let Some(microseconds) = config.busy_poll_us {
        SockRef::from(&stream).set_busy_poll(microseconds)?;
    }
    TcpLink::from_stream(stream, config.send_bytes_max)
}

/// A connected, non-blocking TCP socket with small messages sent at once.
#[derive(Debug)]
pub struct TcpLink {
    stream: TcpStream,
    pending: Pending,
}

impl TcpLink {
    /// Takes over a connected socket (dialed by another thread, or accepted). Cold: allocates.
    ///
    /// # Errors
    /// The system's, if the socket's modes cannot be set.
    pub fn from_stream(stream: TcpStream, send_bytes_max: usize) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, pending: Pending::new(send_bytes_max) })
    }

    /// The peer's address.
    ///
    /// # Errors
    /// The system's, for a socket that is gone.
    pub fn peer_address(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// A way for another thread to shut this connection down, so that a late write fails (K5).
    /// Cold: duplicates the descriptor.
    ///
    /// # Errors
    /// The system's: no descriptor left.
    pub fn shutdown_handle(&self) -> io::Result<ShutdownHandle> {
        self.stream.try_clone().map(ShutdownHandle)
    }

    /// The socket, to register it for readiness.
    #[must_use]
    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

/// Shuts a connection down from another thread.
#[derive(Debug)]
pub struct ShutdownHandle(TcpStream);

impl ShutdownHandle {
    /// Closes both directions of the connection.
    ///
    /// # Errors
    /// The system's; a connection already gone is not an error.
    pub fn shutdown(&self) -> io::Result<()> {
        match self.0.shutdown(Shutdown::Both) {
            Err(error) if error.kind() != ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        }
    }
}

fn write_once(mut stream: &TcpStream, bytes: &[u8]) -> Wrote {
    match stream.write(bytes) {
        Ok(count) => Wrote::Bytes(count),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Wrote::Bytes(0),
            kind => Wrote::Closed(kind),
        },
    }
}

impl Link for TcpLink {
    fn recv_into(&mut self, buffer: &mut [u8]) -> RecvResult {
        if buffer.is_empty() {
            return RecvResult::WouldBlock;
        }
        match self.stream.read(buffer) {
            Ok(0) => RecvResult::End,
            Ok(count) => RecvResult::Bytes(count),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => RecvResult::WouldBlock,
                kind => RecvResult::Closed(kind),
            },
        }
    }

    fn send(&mut self, bytes: &[u8]) -> SendResult {
        if self.has_pending() {
            match self.flush() {
                SendResult::All => {}
                SendResult::Closed(error) => return SendResult::Closed(error),
                _ => return SendResult::WouldBlock,
            }
        }
        let stream = &self.stream;
        self.pending.send(bytes, |bytes| write_once(stream, bytes))
    }

    fn flush(&mut self) -> SendResult {
        let stream = &self.stream;
        self.pending.flush(|bytes| write_once(stream, bytes))
    }

    fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn finish(&mut self) {
        // A connection that is already gone is found by the next read.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn shutdown(&mut self) {
        self.pending.clear();
        // A connection that is already gone is what was wanted.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
