//! The wire between a gateway and its venue, seen from outside the engine.
//!
//! Bytes are passed on both ways. What the client sends is kept message by message, with the stamp
//! that the kernel gave its packet when it was put on the wire (`SO_TIMESTAMPNS`): how soon this
//! thread comes to read it plays no part. A read may take several packets and tells the stamp of
//! the last.
//!
//! Which send calls came before a store is known exactly, whatever the engine says of itself: the
//! kernel counts the bytes that were given to the gateway's socket, and those that have come to its
//! peer. What was given before and came after was held back by the kernel (congestion window,
//! pacing): counted apart.

use gateway::codec::ouch50::Inbound;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Offsets in the kernel's `tcp_info`: `tcpi_bytes_received` (8), `tcpi_notsent_bytes` (4),
/// `tcpi_bytes_sent` (8) and `tcpi_bytes_retrans` (8).
const BYTES_RECEIVED: usize = 128;
const BYTES_NOT_SENT: usize = 144;
const BYTES_SENT: usize = 200;
const BYTES_AGAIN: usize = 208;
/// Bytes of `tcp_info` that are asked for.
const INFO_BYTES: usize = BYTES_AGAIN + 8;

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A new order or a replace: what K4 counts.
    Order,
    /// A cancel of one order.
    Cancel,
    /// A mass cancel.
    MassCancel,
    /// Anything else.
    Other,
}

/// One message of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Which connection, from 1.
    pub(crate) link: u32,
    /// Bytes of the connection up to its end.
    pub(crate) end: u64,
    /// What it asks for.
    pub(crate) ask: Ask,
    /// When its last byte was on the wire, at the latest: wall time, ns.
    pub(crate) stamp: u64,
}

/// How far a connection was at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) link: u32,
    /// Bytes given to the gateway's socket by its send calls.
    pub(crate) given: u64,
    /// Bytes of them on the wire.
    pub(crate) came: u64,
}

/// The two ends of the latest connection.
struct Ends {
    link: u32,
    /// The client's, in this process.
    client: RawFd,
    /// Its peer.
    peer: Arc<TcpStream>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    current: Mutex<Option<Ends>>,
    stop: AtomicBool,
}

/// The wire.
pub(crate) struct Wire {
    shared: Arc<Shared>,
    address: SocketAddr,
    accept: Option<JoinHandle<()>>,
}

impl Wire {
    /// Listens, and passes on to the venue.
    pub(crate) fn to(venue: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let accept = std::thread::spawn(move || {
            for (link, stream) in (1..).zip(listener.incoming()) {
                if own.stop.load(Ordering::Acquire) {
                    return;
                }
                pass(&own, link, stream.unwrap(), venue);
            }
        });
        Self { shared, address, accept: Some(accept) }
    }

    /// Where the gateway dials.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How far the latest connection is.
    pub(crate) fn position(&self) -> Position {
        let current = self.shared.current.lock().unwrap();
        let Some(Ends { link, client, peer }) = &*current else { return Position::default() };
        let came = info(peer.as_raw_fd()).map_or(0, |info| info.long(BYTES_RECEIVED));
        // A link that its client has closed is given nothing any more.
        let is_there = address_of(*client).is_some_and(|own| peer.peer_addr().ok() == Some(own));
        let given = is_there.then(|| info(*client)).flatten().map_or(came, |info| info.given());
        Position { link: *link, given, came }
    }

    /// Takes what was seen so far, in the order of the stamps.
    pub(crate) fn take(&self) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut *self.shared.seen.lock().unwrap());
        seen.sort_by_key(|row| (row.stamp, row.link, row.end));
        seen
    }
}

/// What the kernel says of a connection.
struct Info([u8; INFO_BYTES]);

fn info(fd: RawFd) -> Option<Info> {
    let mut info = [0_u8; INFO_BYTES];
    let mut len = INFO_BYTES as libc::socklen_t;
    let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
    // SAFETY: the kernel writes at most `len` bytes into `info`; both live through the call.
    let result =
        unsafe { libc::getsockopt(fd, level, name, info.as_mut_ptr().cast(), &raw mut len) };
    assert!(result != 0 || len as usize >= INFO_BYTES, "the kernel's TCP_INFO is too old");
    (result == 0).then_some(Info(info))
}

fn address_of(fd: RawFd) -> Option<SocketAddr> {
    // SAFETY: the descriptor is only asked for its address, and its absence is an error.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
    SocketAddr::try_from(rustix::net::getsockname(borrowed).ok()?).ok()
}

impl Info {
    fn long(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.0[at..at + 8].try_into().unwrap())
    }

    fn given(&self) -> u64 {
        let waiting = &self.0[BYTES_NOT_SENT..BYTES_NOT_SENT + 4];
        let waiting = u64::from(u32::from_ne_bytes(waiting.try_into().unwrap()));
        self.long(BYTES_SENT) - self.long(BYTES_AGAIN) + waiting
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        // Wakes the listener, which then ends.
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(accept)) = (woken, self.accept.take()) {
            let _ = accept.join();
        }
    }
}

/// Two threads of a connection; they end with it.
fn pass(shared: &Arc<Shared>, link: u32, client: TcpStream, venue: SocketAddr) {
    let Ok(upstream) = TcpStream::connect(venue) else { return };
    for stream in [&client, &upstream] {
        stream.set_nodelay(true).unwrap();
    }
    stamp_packets(&client);
    let client = Arc::new(client);
    let peer = Arc::clone(&client);
    *shared.current.lock().unwrap() = own_end(&client).map(|client| Ends { link, client, peer });
    let (shared, from, to) = (Arc::clone(shared), Arc::clone(&client), upstream.try_clone());
    let to = to.unwrap();
    std::thread::Builder::new()
        .name("wire-up".to_owned())
        .spawn(move || Up { shared, link, from, to }.run())
        .unwrap();
    std::thread::Builder::new()
        .name("wire-down".to_owned())
        .spawn(move || {
            let mut bytes = [0; 65_536];
            while let Ok(count @ 1..) = (&upstream).read(&mut bytes) {
                if (&*client).write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            let _ = client.shutdown(Shutdown::Both);
        })
        .unwrap();
}

/// The client's end of a connection, found among this process's descriptors by its address.
fn own_end(stream: &TcpStream) -> Option<RawFd> {
    let wanted = stream.peer_addr().ok()?;
    let all = std::fs::read_dir("/proc/self/fd").ok()?;
    let all = all.filter_map(|row| row.ok()?.file_name().to_str()?.parse::<RawFd>().ok());
    all.filter(|fd| *fd != stream.as_raw_fd()).find(|fd| address_of(*fd) == Some(wanted))
}

/// From the client to the venue.
struct Up {
    shared: Arc<Shared>,
    link: u32,
    from: Arc<TcpStream>,
    to: TcpStream,
}

impl Up {
    fn run(mut self) {
        let mut bytes = [0; 65_536];
        let (mut rest, mut end) = (Vec::new(), 0);
        while let Some((count, stamp)) = receive(&self.from, &mut bytes) {
            rest.extend_from_slice(&bytes[..count]);
            let mut seen = self.shared.seen.lock().unwrap();
            while let Some((len, ask)) = first(&rest) {
                rest.drain(..len);
                end += len as u64;
                seen.push(Seen { link: self.link, end, ask, stamp });
            }
            drop(seen);
            acknowledge_at_once(&self.from);
            if self.to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = self.to.shutdown(Shutdown::Write);
    }
}

/// The first whole packet: its length, and what it asks for.
fn first(bytes: &[u8]) -> Option<(usize, Ask)> {
    let len = usize::from(u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?)) + 2;
    let packet = bytes.get(..len)?;
    let ask = match packet.get(2) {
        Some(b'U') => match Inbound::decode(&packet[3..]).unwrap() {
            Inbound::Enter(_) | Inbound::Replace(_) => Ask::Order,
            Inbound::Cancel(_) => Ask::Cancel,
            Inbound::MassCancel(_) => Ask::MassCancel,
            _ => Ask::Other,
        },
        _ => Ask::Other,
    };
    Some((len, ask))
}

/// Asks the kernel to stamp what comes.
fn stamp_packets(stream: &TcpStream) {
    turn_on(stream, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS);
    acknowledge_at_once(stream);
}

/// A kernel that waits with its acknowledgement fills the client's congestion window, and the
/// client's kernel then holds back what was sent.
fn acknowledge_at_once(stream: &TcpStream) {
    turn_on(stream, libc::IPPROTO_TCP, libc::TCP_QUICKACK);
}

fn turn_on(stream: &TcpStream, level: libc::c_int, name: libc::c_int) {
    let (on, len) = (1_i32, size_of::<i32>() as libc::socklen_t);
    let fd = stream.as_raw_fd();
    // SAFETY: the value lives through the call and is as long as is said.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const on).cast(), len) };
    assert_eq!(result, 0, "the kernel refuses the option {name}");
}

/// Bytes and the stamp of the last of them; `None` at the end.
fn receive(stream: &TcpStream, bytes: &mut [u8]) -> Option<(usize, u64)> {
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // Words, so that control messages are aligned.
    let mut control = [0_u64; 16];
    // SAFETY: all zeroes are a valid value of the header.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control);
    // SAFETY: the header's pointers are to what lives through the call, as long as is said.
    let count = unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut header, 0) };
    let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
    // Length, level and type (16 bytes), then seconds and nanoseconds.
    let [len, kind, seconds, nanos, ..] = control;
    let is_stamp = header.msg_controllen >= 32 && len == 32;
    let wanted = (libc::SCM_TIMESTAMPNS as u64) << 32 | libc::SOL_SOCKET as u64;
    assert!(is_stamp && kind == wanted, "a packet without a stamp");
    Some((count, seconds * 1_000_000_000 + nanos))
}
