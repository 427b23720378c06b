//! An exchange in a thread, a client of order entry, and a reader of the lines.

use clap::Parser;
use exchange::{Addresses, Args, Exchange, Summary};
use feed::hash_channel::BookHashes;
use feed::moldudp64::{Packet, PacketKind, Request, Session};
use gateway::codec::ouch50::{
    Appendage, CapacityCode, CrossCode, DisplayCode, EnterOrder, IsoCode, Message, Outbound,
    ReplaceOrder, SideCode, TifCode, WirePx, encode,
};
use gateway::session::soupbintcp::{
    Client, ClientConfig, ClientEvent, Credentials, SessionName, Start, kind, packet,
};
use shm::units::Nanos;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Parser)]
#[command(args_override_self = true)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// An exchange on free ports, running in a thread.
pub(crate) struct Running {
    pub(crate) addresses: Addresses,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Summary, exchange::Error>>,
}

impl Running {
    /// Starts an exchange with `text` as its arguments, and a reader of its lines.
    pub(crate) fn start(text: &str) -> (Self, Tape) {
        let free = "--itch-a 127.0.0.1:0 --itch-b 127.0.0.1:0 --request 127.0.0.1:0 \
                    --ouch 127.0.0.1:0 --hash 127.0.0.1:0";
        let words = std::iter::once("exchange").chain(free.split(' ')).chain(text.split(' '));
        let args = Cli::parse_from(words.filter(|word| !word.is_empty())).args;
        let mut exchange = Exchange::bind(args.options().unwrap()).unwrap();
        let addresses = exchange.addresses();
        let tape = Tape::listen(&addresses);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || exchange.run(&stopped));
        (Self { addresses, stop, thread }, tape)
    }

    /// Ends the session and says what was done.
    pub(crate) fn stop(self) -> Summary {
        self.stop.store(true, Ordering::Relaxed);
        self.finish()
    }

    /// Waits for the end of the session and says what was done.
    pub(crate) fn finish(self) -> Summary {
        self.thread.join().unwrap().unwrap()
    }
}

/// A client of order entry that blocks.
pub(crate) struct Trader {
    stream: TcpStream,
    client: Client,
    origin: Instant,
    pub(crate) session: SessionName,
}

impl Trader {
    /// Logs in and asks for the stream from `seq` on.
    pub(crate) fn login(address: SocketAddr, user: &str, seq: u64) -> Self {
        Self::try_login(address, user, "loopback", seq).expect("the login is accepted")
    }

    /// Logs in; `None` if refused.
    pub(crate) fn try_login(
        address: SocketAddr,
        user: &str,
        password: &str,
        seq: u64,
    ) -> Option<Self> {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let credentials = Credentials::new(user, password).unwrap();
        let start = Start { session: SessionName::CURRENT, seq };
        let mut client = Client::new(ClientConfig::new(credentials, start));
        client.on_connect(Nanos(0));
        let session = SessionName::CURRENT;
        let mut trader = Self { stream, client, origin: Instant::now(), session };
        let mut out = [0; 128];
        let length = trader.client.poll(Nanos(0), &mut out);
        trader.stream.write_all(&out[..length]).unwrap();
        loop {
            let is_empty = match trader.client.next_event() {
                Some(ClientEvent::Login { session, .. }) => {
                    trader.session = session;
                    return Some(trader);
                }
                Some(ClientEvent::Ended(_)) => return None,
                Some(_) => false,
                None => true,
            };
            if is_empty && !trader.fill() {
                return None;
            }
        }
    }

    fn fill(&mut self) -> bool {
        let now = Nanos(self.origin.elapsed().as_nanos() as u64);
        let bytes = self.stream.read(self.client.read_space()).unwrap_or(0);
        self.client.on_read(bytes, now);
        bytes > 0
    }

    /// Sends a message.
    pub(crate) fn send<M: Message>(&mut self, message: &M, appendage: Appendage<'_>) {
        let mut bytes = [0; 256];
        let length = encode(message, appendage, &mut bytes).unwrap();
        self.send_bytes(&bytes[..length]);
    }

    /// Sends bytes as one message.
    pub(crate) fn send_bytes(&mut self, message: &[u8]) {
        let mut out = [0; 512];
        let length = packet(kind::UNSEQUENCED, message, &mut out).unwrap();
        self.stream.write_all(&out[..length]).unwrap();
    }

    /// The next message of the stream, with its number; `None` when the session or connection ends.
    pub(crate) fn try_receive(&mut self) -> Option<(u64, Vec<u8>)> {
        loop {
            let is_empty = match self.client.next_event() {
                Some(ClientEvent::Message { seq, payload }) => {
                    return Some((seq, payload.to_vec()));
                }
                Some(ClientEvent::Ended(_)) => return None,
                Some(_) => false,
                None => true,
            };
            if is_empty && !self.fill() {
                return None;
            }
        }
    }

    /// The next message of the stream.
    pub(crate) fn receive(&mut self) -> Vec<u8> {
        self.try_receive().expect("another message").1
    }

    /// The next message, as `view` reads it.
    pub(crate) fn expect<T>(&mut self, view: impl Fn(Outbound<'_>) -> Option<T>) -> T {
        let bytes = self.receive();
        let message = Outbound::decode(&bytes).unwrap();
        view(message).unwrap_or_else(|| panic!("not the expected message: {message:?}"))
    }
}

/// A new order of 100 shares or more, day, visible.
pub(crate) fn order(
    user_ref_num: u32,
    side: SideCode,
    qty: u32,
    symbol: &str,
    px: u64,
) -> EnterOrder {
    let mut padded = [b' '; 8];
    padded[..symbol.len()].copy_from_slice(symbol.as_bytes());
    EnterOrder {
        user_ref_num: user_ref_num.into(),
        side,
        qty: qty.into(),
        symbol: padded,
        px: WirePx(px.into()),
        tif: TifCode::DAY,
        display: DisplayCode::VISIBLE,
        capacity: CapacityCode::PRINCIPAL,
        iso: IsoCode::NO,
        cross_type: CrossCode::CONTINUOUS,
        cl_ord_id: *b"order         ",
    }
}

/// A replace, day, visible.
pub(crate) fn replace(old: u32, new: u32, qty: u32, px: u64) -> ReplaceOrder {
    ReplaceOrder {
        orig_user_ref_num: old.into(),
        user_ref_num: new.into(),
        qty: qty.into(),
        px: WirePx(px.into()),
        tif: TifCode::DAY,
        display: DisplayCode::VISIBLE,
        iso: IsoCode::NO,
        cl_ord_id: *b"replacement   ",
    }
}

/// What the lines carried.
pub(crate) struct Tape {
    lines: [UdpSocket; 2],
    hashes: UdpSocket,
    request: SocketAddr,
}

/// All messages of a session.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) messages: BTreeMap<u64, Vec<u8>>,
    /// Hashes by sequence and locate.
    pub(crate) hashes: BTreeMap<(u64, u16), u64>,
    /// One past the last sequence.
    pub(crate) end: u64,
    /// Messages that only a request brought.
    pub(crate) requested: u64,
    /// Messages first heard on line B.
    pub(crate) from_b: u64,
    /// Packets whose first sequence was below one heard before on the same line.
    pub(crate) out_of_order: u64,
}

impl Tape {
    fn listen(addresses: &Addresses) -> Self {
        let bind = |address: SocketAddr| {
            let socket = socket2::Socket::new(
                socket2::Domain::IPV4,
                socket2::Type::DGRAM,
                Some(socket2::Protocol::UDP),
            )
            .unwrap();
            socket.set_recv_buffer_size(64 << 20).unwrap();
            socket.bind(&address.into()).unwrap();
            if let std::net::IpAddr::V4(group) = address.ip()
                && group.is_multicast()
            {
                socket.join_multicast_v4(&group, &std::net::Ipv4Addr::LOCALHOST).unwrap();
            }
            let socket: UdpSocket = socket.into();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        Self {
            lines: [bind(addresses.itch_a), bind(addresses.itch_b)],
            hashes: bind(addresses.hash.unwrap()),
            request: addresses.request,
        }
    }

    /// Waits for the first packet, and leaves it there.
    pub(crate) fn wait_for_first(&self) {
        let started = Instant::now();
        while self.lines[0].peek(&mut [0; 2048]).is_err() {
            assert!(started.elapsed() < PATIENCE, "a packet comes");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Reads until the end of the session, then asks for what is missing.
    pub(crate) fn hear(&self) -> Heard {
        let mut heard = Heard::default();
        let mut session = None;
        let mut highest = [0_u64; 2];
        let started = Instant::now();
        while heard.end == 0 {
            assert!(started.elapsed() < PATIENCE * 4, "the session ends");
            let mut is_idle = true;
            for (at, line) in self.lines.iter().enumerate() {
                let mut bytes = [0; 2048];
                while let Ok(length) = line.recv(&mut bytes) {
                    is_idle = false;
                    let packet = Packet::parse(&bytes[..length]).unwrap();
                    assert!(length <= 1_400);
                    session = Some(packet.session());
                    if packet.kind() == PacketKind::EndOfSession {
                        heard.end = packet.seq();
                    }
                    heard.out_of_order += u64::from(packet.seq() < highest[at]);
                    highest[at] = highest[at].max(packet.seq());
                    let new = heard.take(&packet);
                    heard.from_b += if at == 1 { new } else { 0 };
                }
            }
            let mut bytes = [0; 2048];
            while let Ok(length) = self.hashes.recv(&mut bytes) {
                let hashes = BookHashes::parse(&bytes[..length]).unwrap();
                for entry in hashes.entries {
                    heard.hashes.insert((hashes.seq, entry.locate.get()), entry.hash.get());
                }
            }
            if is_idle {
                std::thread::sleep(Duration::from_micros(200));
            }
            if heard.end == 0 || session.is_none() {
                continue;
            }
            // The server still answers while it tells of the end.
            self.fill_gaps(session.unwrap(), &mut heard);
        }
        heard
    }

    fn fill_gaps(&self, session: Session, heard: &mut Heard) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut first = 1;
        while first < heard.end {
            if heard.messages.contains_key(&first) {
                first += 1;
                continue;
            }
            let mut bytes = [0; 2048];
            let length = Request { session, first, count: 200 }.encode(&mut bytes).unwrap();
            socket.send_to(&bytes[..length], self.request).unwrap();
            let length = socket.recv(&mut bytes).expect("the request is answered");
            let packet = Packet::parse(&bytes[..length]).unwrap();
            assert_eq!(packet.seq(), first);
            heard.requested += heard.take(&packet);
        }
    }
}

impl Heard {
    /// Keeps what is new of a packet, and checks that what is not says the same.
    fn take(&mut self, packet: &Packet<'_>) -> u64 {
        let mut new = 0;
        for (message, seq) in packet.messages().zip(packet.seq()..) {
            match self.messages.get(&seq) {
                Some(known) => assert_eq!(known, message, "both copies are the same"),
                None => {
                    self.messages.insert(seq, message.to_vec());
                    new += 1;
                }
            }
        }
        new
    }

    /// Asserts that every sequence was heard, and gives the messages in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, &[u8])> {
        assert!(self.messages.keys().copied().eq(1..self.end), "every sequence was heard");
        self.messages.iter().map(|(&seq, message)| (seq, &message[..]))
    }
}
