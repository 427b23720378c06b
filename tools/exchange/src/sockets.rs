//! Making the sockets of an exchange.

use crate::error::Error;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Kernel buffer asked for on sending sockets, bytes; the kernel gives what its limit allows.
const SEND_BUFFER_BYTES: usize = 4 << 20;

/// A non-blocking socket to send datagrams from, and where to: `to` itself, or for port 0 a port
/// that was free a moment ago.
///
/// # Errors
/// [`Error::Bind`] with the system's reason.
pub(crate) fn sender(
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
pub(crate) fn receiver(what: &'static str, address: SocketAddr) -> Result<UdpSocket, Error> {
    let make = || -> std::io::Result<UdpSocket> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    make().map_err(|source| Error::Bind { what, address, source })
}

/// A non-blocking listener at `address`.
///
/// # Errors
/// [`Error::Bind`], e.g. when the port is in use.
pub(crate) fn listener(what: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let make = || -> std::io::Result<TcpListener> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    make().map_err(|source| Error::Bind { what, address, source })
}
