//! UDP, unicast or multicast: one non-blocking `recvmsg` a datagram, with the kernel's receive
//! stamp.

use super::{Received, Source};
use shm::units::Nanos;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, RawFd};

/// How a socket is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// Where to listen. A multicast group is joined, and the socket hears only that group; port 0
    /// takes any.
    pub listen: SocketAddrV4,
    /// The address of the interface to join on; unspecified = the kernel's choice.
    pub interface: Ipv4Addr,
    /// Receive buffer asked for, in bytes; the kernel may give less (see
    /// [`UdpSource::receive_buffer`]).
    pub receive_buffer: usize,
    /// Ask for the kernel's receive stamp of each datagram (`SO_TIMESTAMPNS`).
    pub stamps: bool,
    /// Microseconds to busy-poll the device in a receive call (`SO_BUSY_POLL`); 0 = not.
    pub busy_poll_us: u32,
}

impl Default for UdpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
            interface: Ipv4Addr::UNSPECIFIED,
            receive_buffer: 8 << 20,
            stamps: true,
            busy_poll_us: 0,
        }
    }
}

/// A bound, non-blocking socket.
#[derive(Debug)]
pub struct UdpSource {
    socket: Socket,
    stamps: bool,
    receive_buffer: usize,
    busy_poll: bool,
}

impl UdpSource {
    /// Opens, binds and joins.
    ///
    /// # Errors
    /// Those of the socket calls: address in use, no such interface, no permission. What a machine
    /// may lack (buffer size, busy poll) is no error: ask the getters what was given.
    pub fn open(config: &UdpConfig) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        let group = *config.listen.ip();
        if group.is_multicast() {
            // Several engines on one machine may hear the same group.
            socket.set_reuse_address(true)?;
        }
        // More than net.core.rmem_max needs a privilege; less is told by the getter.
        let _ = socket.set_recv_buffer_size(config.receive_buffer);
        let busy_poll = config.busy_poll_us > 0
            && set_option(&socket, libc::SO_BUSY_POLL, config.busy_poll_us as libc::c_int).is_ok();
        socket.bind(&SocketAddr::V4(config.listen).into())?;
        if group.is_multicast() {
            socket.join_multicast_v4(&group, &config.interface)?;
        }
        let stamps = config.stamps && set_option(&socket, libc::SO_TIMESTAMPNS, 1).is_ok();
        socket.set_nonblocking(true)?;
        let receive_buffer = socket.recv_buffer_size()?;
        Ok(Self { socket, stamps, receive_buffer, busy_poll })
    }

    /// Sends a datagram without waiting, as requests for missed messages are; false when there is
    /// no room now.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn try_send(&self, bytes: &[u8], to: SocketAddrV4) -> io::Result<bool> {
        match self.socket.send_to(bytes, &SocketAddr::V4(to).into()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Where it is bound: the port that was given for port 0.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddrV4> {
        let address = self.socket.local_addr()?.as_socket_ipv4();
        address.ok_or_else(|| ErrorKind::AddrNotAvailable.into())
    }

    /// Bytes of receive buffer that the kernel gave (it counts its own overhead in).
    #[must_use]
    pub const fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// Whether datagrams carry the kernel's stamp.
    #[must_use]
    pub const fn stamps(&self) -> bool {
        self.stamps
    }

    /// Whether the kernel took the wish to busy-poll.
    #[must_use]
    pub const fn busy_poll(&self) -> bool {
        self.busy_poll
    }
}

impl AsRawFd for UdpSource {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Sets an integer option at the socket level.
#[expect(unsafe_code, reason = "these options have no safe wrapper")]
fn set_option(socket: &Socket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as `socket` is borrowed; the pointer and length
    // are those of a live integer.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Room for control messages, aligned as their header is.
#[repr(C, align(8))]
struct Control([u8; 64]);

impl Source for UdpSource {
    #[expect(
        unsafe_code,
        reason = "recvmsg with control messages has no allocation-free safe wrapper"
    )]
    fn try_recv(&mut self, into: &mut [u8]) -> io::Result<Option<Received>> {
        let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
        let mut control = Control([0; 64]);
        // SAFETY: all zero bytes are a valid `msghdr`: null pointers and zero lengths.
        let mut header: libc::msghdr = unsafe { core::mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        if self.stamps {
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = size_of::<Control>();
        }
        // SAFETY: the descriptor is open while `self` lives; `header` points to one part over the
        // caller's bytes and to the control room, all of which outlive the call and are borrowed by
        // nobody else.
        let result = unsafe { libc::recvmsg(self.socket.as_raw_fd(), &raw mut header, 0) };
        let Ok(bytes) = usize::try_from(result) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(None),
                _ => Err(error),
            };
        };
        let stamp = if self.stamps { stamp_of(&header) } else { None };
        let cut = header.msg_flags & libc::MSG_TRUNC != 0;
        Ok(Some(Received { bytes, stamp, cut }))
    }
}

/// The kernel's stamp among the control messages of a received datagram.
#[expect(unsafe_code, reason = "control messages are read through libc's cursor")]
fn stamp_of(header: &libc::msghdr) -> Option<Nanos> {
    // SAFETY: `recvmsg` filled the header; its control room is live and its length was set by the
    // kernel.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: not null, so it points to a whole control header inside the control room, which
        // is aligned.
        let control = unsafe { message.read() };
        if control.cmsg_level == libc::SOL_SOCKET && control.cmsg_type == libc::SO_TIMESTAMPNS {
            // SAFETY: the cursor's data lies inside the control room.
            let data = unsafe { libc::CMSG_DATA(message) }.cast::<libc::timespec>();
            // SAFETY: the kernel wrote a `timespec` as the data of this type; read without assuming
            // alignment.
            let time = unsafe { data.read_unaligned() };
            let seconds = u64::try_from(time.tv_sec).ok()?;
            let rest = u64::try_from(time.tv_nsec).ok()?;
            return seconds.checked_mul(Nanos::SECOND.0)?.checked_add(rest).map(Nanos);
        }
        // SAFETY: `message` is a control header of `header`, as the cursor demands.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant, SystemTime};

    fn receive(source: &mut UdpSource, into: &mut [u8]) -> Received {
        let started = Instant::now();
        loop {
            if let Some(received) = source.try_recv(into).unwrap() {
                return received;
            }
            assert!(started.elapsed() < Duration::from_secs(5), "nothing arrived");
        }
    }

    /// Goal: datagrams arrive whole with the kernel's wall-clock stamp; an empty socket does not
    /// wait; a datagram longer than the room is told.
    #[test]
    fn datagrams_arrive_with_the_kernel_s_stamp() {
        let mut source = UdpSource::open(&UdpConfig::default()).unwrap();
        let sender = UdpSource::open(&UdpConfig { stamps: false, ..UdpConfig::default() }).unwrap();
        let to = source.local_addr().unwrap();
        let mut into = [0; 16];
        assert!(source.try_recv(&mut into).unwrap().is_none());
        let wall = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            since.as_nanos() as u64
        };
        let before = wall();
        assert!(sender.try_send(b"hello", to).unwrap());
        let received = receive(&mut source, &mut into);
        assert_eq!((&into[..received.bytes], received.cut), (&b"hello"[..], false));
        assert!(source.stamps() && !sender.stamps());
        let stamp = received.stamp.unwrap().0;
        // The kernel's clock and ours may differ by one tick of the coarse clock.
        assert!(stamp + 10_000_000 >= before && stamp <= wall() + 10_000_000);
        assert!(sender.try_send(&[7; 40], to).unwrap());
        let received = receive(&mut source, &mut into);
        assert_eq!((received.bytes, received.cut), (16, true));
        assert!(sender.try_send(b"", to).unwrap());
        assert_eq!(receive(&mut source, &mut into).bytes, 0, "an empty datagram is a datagram");
        assert!(source.receive_buffer() > 0);
    }

    /// Goal: an unstamped socket gives no stamp; two sockets may hear one group, a taken port is
    /// refused.
    #[test]
    fn groups_are_shared_and_ports_are_not() {
        let mut plain =
            UdpSource::open(&UdpConfig { stamps: false, ..UdpConfig::default() }).unwrap();
        let taken = UdpConfig { listen: plain.local_addr().unwrap(), ..UdpConfig::default() };
        assert_eq!(UdpSource::open(&taken).unwrap_err().kind(), ErrorKind::AddrInUse);
        let sender = UdpSource::open(&UdpConfig::default()).unwrap();
        assert!(sender.try_send(b"x", taken.listen).unwrap());
        assert_eq!(receive(&mut plain, &mut [0; 4]).stamp, None);
        let group = UdpConfig {
            listen: SocketAddrV4::new(Ipv4Addr::new(239, 255, 7, 7), taken.listen.port()),
            interface: Ipv4Addr::LOCALHOST,
            ..UdpConfig::default()
        };
        match UdpSource::open(&group) {
            Ok(_first) => assert!(UdpSource::open(&group).is_ok()),
            Err(error) => println!("NOT RUN: this machine has no multicast ({error})"),
        }
    }
}
