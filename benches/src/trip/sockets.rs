//! The ends of a trip over sockets of this machine: datagrams by UDP, orders by TCP. The bare loop
//! has the same sockets and uses them by the same calls.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

use engine::pipeline::net::Lines;
use engine::stage::feed::{Received, Source};
use feed::moldudp64::Request;
use gateway::link::TcpLink;
use shm::units::Nanos;

/// Most bytes of one send.
const SEND_BYTES_MAX: usize = 1 << 12;

/// The feed's socket, used by the engine and by the bare loop in turn, on one thread: the lock is
/// always free.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Lines>>);

impl Shared {
    fn with<R>(&self, act: impl FnOnce(&mut Lines) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Source for Shared {
    fn recv(&mut self, line: usize, now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        self.with(|lines| lines.recv(line, now, buffer))
    }

    fn lines(&self) -> usize {
        self.with(|lines| lines.lines())
    }

    fn request(&mut self, request: &Request, attempt: u32) {
        self.with(|lines| lines.request(request, attempt));
    }
}

/// The engine's ends.
pub(super) struct Near {
    pub(super) source: Shared,
    /// The connection twice, for the engine and for the bare loop.
    pub(super) links: [TcpLink; 2],
}

/// The other ends: the market's socket and the venue's.
pub(super) struct Far {
    market: UdpSocket,
    to: SocketAddr,
    stream: TcpStream,
    /// What has come and was not looked at.
    held: Vec<u8>,
}

/// Opens both, on the loopback.
pub(super) fn open() -> std::io::Result<(Near, Far)> {
    let any = "127.0.0.1:0";
    // A port that was free a moment ago.
    let to = UdpSocket::bind(any)?.local_addr()?;
    let lines = Lines::open(to, None, None).map_err(|(_, error)| error)?;
    let listener = TcpListener::bind(any)?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let bare = TcpLink::from_stream(near.try_clone()?, SEND_BYTES_MAX)?;
    let links = [TcpLink::from_stream(near, SEND_BYTES_MAX)?, bare];
    let market = UdpSocket::bind(any)?;
    let near = Near { source: Shared(Arc::new(Mutex::new(lines))), links };
    Ok((near, Far { market, to, stream, held: Vec::with_capacity(1 << 16) }))
}

impl Far {
    /// Sends a datagram.
    pub(super) fn publish(&self, datagram: &[u8]) {
        let sent = self.market.send_to(datagram, self.to);
        assert!(sent.is_ok_and(|sent| sent == datagram.len()), "the loopback takes a datagram");
    }

    /// Looks at the connection once; bytes that have come and were not taken.
    pub(super) fn look(&mut self) -> usize {
        let mut buffer = [0; 512];
        match self.stream.read(&mut buffer) {
            Ok(count) => self.held.extend_from_slice(&buffer[..count]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        self.held.len()
    }

    /// Drops what has come.
    pub(super) fn forget(&mut self) {
        self.held.clear();
    }
}

impl super::venue::Wire for Far {
    fn recv(&mut self, into: &mut Vec<u8>) {
        self.look();
        into.append(&mut self.held);
    }

    fn send(&mut self, bytes: &[u8]) {
        let sent = self.stream.write(bytes);
        assert!(sent.is_ok_and(|sent| sent == bytes.len()), "the engine does not read");
    }
}
