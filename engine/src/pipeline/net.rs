//! Sockets of a live run: datagrams of feeds, the side channel, and the dialer that connects
//! gateways and feeds of a TCP session.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "cold: the dialer is a helper thread, sleeps, and shares with the guard"
)]

use super::hot::{Phase, PhaseOf};
use crate::stage::book_check::Channel;
use crate::stage::feed::{Arrival, Received, Source};
use crate::stage::gateway::{AnyLink, Dial};
use feed::moldudp64::Request;
use feed::source::{Source as _, UdpConfig, UdpSource};
use gateway::link::{DialConfig, ShutdownHandle, dial};
use gateway::session::soupbintcp::Credentials;
use shm::atomic::{AtomicU64, Ordering};
use shm::ids::GatewayId;
use shm::units::Nanos;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two looks of the dialer.
const LOOK: Duration = Duration::from_millis(1);
/// Least time between two connections to one venue.
const PAUSE: Duration = Duration::from_millis(200);
/// Time after a refused connection.
const REFUSED: Duration = Duration::from_millis(50);

/// MoldUDP64 on one or two lines, and a socket for re-requests and their answers.
pub struct Lines {
    lines: Vec<UdpSource>,
    recovery: Option<(UdpSource, SocketAddrV4)>,
}

impl Lines {
    /// Opens the sockets.
    ///
    /// # Errors
    /// The address, and what the kernel said of it: it is in use, or not of this machine.
    pub fn open(
        a: SocketAddr,
        b: Option<SocketAddr>,
        request: Option<SocketAddr>,
    ) -> Result<Self, (SocketAddr, io::Error)> {
        let v4 = |address: SocketAddr| v4(address).map_err(|error| (address, error));
        let open = |address: SocketAddr| {
            UdpSource::open(&UdpConfig { listen: v4(address)?, ..UdpConfig::default() })
                .map_err(|error| (address, error))
        };
        let lines = std::iter::once(a).chain(b).map(open).collect::<Result<Vec<_>, _>>()?;
        let recovery = match request {
            Some(server) => {
                let any = SocketAddrV4::new(*v4(a)?.ip(), 0);
                let any = if any.ip().is_multicast() {
                    SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0)
                } else {
                    any
                };
                Some((open(any.into())?, v4(server)?))
            }
            None => None,
        };
        Ok(Self { lines, recovery })
    }
}

fn v4(address: SocketAddr) -> io::Result<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "an IPv4 address is wanted"))
        }
    }
}

impl Source for Lines {
    fn recv(&mut self, line: usize, _now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        let source = match self.lines.get_mut(line) {
            Some(source) => source,
            None => &mut self.recovery.as_mut()?.0,
        };
        // A socket's error (a refused request, say) is one poll without a datagram.
        let received = source.try_recv(buffer).ok().flatten()?;
        // A datagram that was cut is handed on short: it fails the packet's own check and is
        // counted.
        let arrival = received.stamp.map_or(Arrival::Read, Arrival::Wall);
        Some(Received::Packet { len: received.bytes, arrival })
    }

    fn lines(&self) -> usize {
        // Line 2 is the recovery channel, whatever the number of lines.
        if self.recovery.is_some() { 3 } else { self.lines.len() }
    }

    fn request(&mut self, request: &Request, _attempt: u32) {
        let Some((socket, server)) = &self.recovery else { return };
        let mut out = [0; 20];
        if let Some(bytes) = request.encode(&mut out).and_then(|len| out.get(..len)) {
            // One that does not go out is asked again: the receiver counts tries and time.
            let _ = socket.try_send(bytes, *server);
        }
    }
}

/// The side channel of book hashes.
pub struct HashChannel {
    socket: UdpSource,
}

impl HashChannel {
    /// Opens the socket.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let config = UdpConfig { listen: v4(address)?, stamps: false, ..UdpConfig::default() };
        Ok(Self { socket: UdpSource::open(&config)? })
    }
}

impl Channel for HashChannel {
    fn recv(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let received = self.socket.try_recv(buffer).ok().flatten()?;
        (!received.cut).then_some(received.bytes)
    }
}

/// What the guard needs of a gateway's link.
#[derive(Debug, Default)]
pub struct Watched {
    /// Not 0: the guard has the session.
    pub fence: Arc<AtomicU64>,
    /// The link that was handed over last.
    link: Mutex<Option<ShutdownHandle>>,
    /// Logons of the gateway by the time the guard shut its link, and one; 0 if it never did.
    shut_at: AtomicU64,
}

impl Watched {
    /// Shuts the link down, so that a late write of its owner fails; the venue had taken so many
    /// logons of its.
    pub fn shut(&self, sessions: u64) {
        // ORDERING: Relaxed; a lone word, compared with a counter.
        self.shut_at.store(sessions.saturating_add(1), Ordering::Relaxed);
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = link.as_ref() {
            // A link that is gone is what was wanted.
            let _ = link.shutdown();
        }
    }

    /// Whether the link was shut, with no logon after it: the venue has taken so many.
    #[must_use]
    pub fn is_shut(&self, sessions: u64) -> bool {
        // ORDERING: Relaxed; as in `shut`.
        self.shut_at.load(Ordering::Relaxed) == sessions.saturating_add(1)
    }
}

/// The dialer's side of one gateway or feed.
pub struct DialTarget {
    /// Which gateway asks, and who logs on; `None` for a feed.
    pub user: Option<(GatewayId, Credentials)>,
    /// Where the venue listens.
    pub address: SocketAddr,
    /// What the guard needs.
    pub watched: Arc<Watched>,
    wanted: Arc<AtomicU64>,
    links: rtrb::Producer<AnyLink>,
    /// When the last link was handed over.
    dialed: Option<Instant>,
}

/// Both sides of a dialing.
#[must_use]
pub fn dialing(address: SocketAddr) -> (DialTarget, Dial) {
    let wanted = Arc::new(AtomicU64::new(0));
    let (producer, consumer) = rtrb::RingBuffer::new(1);
    let watched = Arc::new(Watched::default());
    (
        DialTarget {
            user: None,
            address,
            watched: Arc::clone(&watched),
            wanted: Arc::clone(&wanted),
            links: producer,
            dialed: None,
        },
        Dial { wanted, links: consumer, fence: Arc::clone(&watched.fence) },
    )
}

/// Connects whoever asks, until told to stop.
pub fn run_dialer(mut targets: Vec<DialTarget>, phase: &Phase) {
    while !phase.is(PhaseOf::Stop) {
        for target in &mut targets {
            // ORDERING: Relaxed; a lone flag, see `GatewayStage::take_link`.
            if target.wanted.load(Ordering::Relaxed) == 0 || target.links.is_full() {
                continue;
            }
            // A venue that takes the connection and refuses the logon is not asked without a pause.
            if target.dialed.is_some_and(|dialed| dialed.elapsed() < PAUSE) {
                continue;
            }
            target.dialed = Some(Instant::now());
            let config =
                DialConfig { timeout: Duration::from_secs(1), ..DialConfig::new(target.address) };
            match dial(&config) {
                Ok(link) => {
                    let mut watched =
                        target.watched.link.lock().unwrap_or_else(PoisonError::into_inner);
                    // Without a descriptor the guard can log in anew, and the venue drops this one.
                    *watched = link.shutdown_handle().ok();
                    drop(watched);
                    // ORDERING: Relaxed; as above. It is taken down before the link can be seen
                    // gone.
                    target.wanted.store(0, Ordering::Relaxed);
                    let pushed = target.links.push(AnyLink::Tcp(link));
                    debug_assert!(pushed.is_ok(), "the ring has one place and was not full");
                }
                Err(_) => std::thread::sleep(REFUSED),
            }
        }
        std::thread::sleep(LOOK);
    }
}
