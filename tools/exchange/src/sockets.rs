//! Making the sockets of an exchange.

use crate::error::Error;
use crate::itch_out::HashTarget;
use crate::options::Options;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Kernel buffer asked for on sending sockets, bytes; the kernel gives what its limit allows.
const SEND_BUFFER_BYTES: usize = 4 << 20;
/// Receive buffer of the re-request socket: thousands of requests.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// Where an exchange is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Line A is sent there.
    pub itch_a: SocketAddr,
    /// Line B is sent there.
    pub itch_b: SocketAddr,
    /// Re-requests are answered there.
    pub request: SocketAddr,
    /// Order entry listens there.
    pub ouch: SocketAddr,
    /// ITCH over SoupBinTCP is served there.
    pub itch_soup: Option<SocketAddr>,
    /// Book hashes are sent there.
    pub hash: Option<SocketAddr>,
}

/// All sockets of an exchange, open.
pub(crate) struct Sockets {
    /// Lines A and B, and where they send to.
    pub(crate) lines: [(UdpSocket, SocketAddr); 2],
    /// The re-request server's.
    pub(crate) request: UdpSocket,
    /// Order entry's.
    pub(crate) ouch: TcpListener,
    /// The listener of ITCH over SoupBinTCP.
    pub(crate) itch_soup: Option<TcpListener>,
    /// For book hashes.
    pub(crate) hash: Option<HashTarget>,
    /// Where all of them are.
    pub(crate) addresses: Addresses,
}

impl Sockets {
    /// Opens all sockets.
    ///
    /// # Errors
    /// [`Error::Bind`] for the first that cannot be had; those before it are closed again.
    pub(crate) fn open(options: &Options) -> Result<Self, Error> {
        let (a, itch_a) = sender("line A", options.itch_a, options.interface)?;
        let (b, itch_b) = sender("line B", options.itch_b, options.interface)?;
        let request = receiver("re-request server", options.request)?;
        let ouch = listener("order entry", options.ouch)?;
        let itch_soup =
            options.itch_soup.map(|at| listener("ITCH over SoupBinTCP", at)).transpose()?;
        let hash = options
            .hash
            .map(|to| sender("book hashes", to, options.interface))
            .transpose()?
            .map(|(socket, to)| HashTarget { socket, to });
        let addresses = Addresses {
            itch_a,
            itch_b,
            request: request.local_addr().unwrap_or(options.request),
            ouch: ouch.local_addr().unwrap_or(options.ouch),
            itch_soup: itch_soup.as_ref().and_then(|listener| listener.local_addr().ok()),
            hash: hash.as_ref().map(|target| target.to),
        };
        let lines = [(a, itch_a), (b, itch_b)];
        Ok(Self { lines, request, ouch, itch_soup, hash, addresses })
    }
}

/// A non-blocking socket to send datagrams from, and where to: `to` itself, or for port 0 a port
/// that was free a moment ago.
///
/// # Errors
/// [`Error::Bind`] with the system's reason.
fn sender(
    what: &'static str,
    to: SocketAddr,
    interface: Ipv4Addr,
) -> Result<(UdpSocket, SocketAddr), Error> {
    let bind_error = |source| Error::Bind { what, address: to, source };
    let to = if to.port() == 0 { free_port(to).map_err(bind_error)? } else { to };
    let make = || -> std::io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        if to.ip().is_multicast() && to.is_ipv4() {
            socket.set_multicast_if_v4(&interface)?;
            socket.set_multicast_loop_v4(true)?;
            socket.set_multicast_ttl_v4(1)?;
        }
        Ok(socket.into())
    };
    Ok((make().map_err(bind_error)?, to))
}

fn free_port(to: SocketAddr) -> std::io::Result<SocketAddr> {
    UdpSocket::bind(to)?.local_addr()
}

/// A non-blocking socket that receives datagrams at `address`.
///
/// # Errors
/// [`Error::Bind`], e.g. when the port is in use.
fn receiver(what: &'static str, address: SocketAddr) -> Result<UdpSocket, Error> {
    let make = || -> std::io::Result<UdpSocket> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        // Many requests wait here while a reader catches up; a smaller buffer only loses some.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        Ok(socket)
    };
    make().map_err(|source| Error::Bind { what, address, source })
}

/// A non-blocking listener at `address`.
///
/// # Errors
/// [`Error::Bind`], e.g. when the port is in use.
fn listener(what: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let make = || -> std::io::Result<TcpListener> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    make().map_err(|source| Error::Bind { what, address, source })
}
