//! The exchange, in a thread that no kill reaches, and what it saw: its log of orders, and the
//! stream it tells its one user, read while no engine is logged on.

use exchange::flow::built_in;
use exchange::matching::SelfMatch;
use exchange::options::{FlowOptions, Start as FlowStart, any_loopback_port};
use exchange::order_log::OrderLogEntry;
use exchange::{Addresses, Exchange, Options, Summary};
use feed::moldudp64::Session;
use gateway::codec::ouch50::Outbound;
use gateway::session::soupbintcp::{
    Client, ClientConfig, ClientEvent, Credentials, SessionName, Start,
};
use shm::units::Nanos;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The user that trades.
pub(crate) const USER: &str = "CRASH1";
/// Its password.
pub(crate) const PASSWORD: &str = "loopback";
/// Messages of the background flow in a second.
const FLOW_RATE: u64 = 20_000;

/// A venue under test.
#[derive(Debug)]
pub(crate) struct Venue {
    pub(crate) addresses: Addresses,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Summary, exchange::Error>>,
    log: PathBuf,
    /// Bytes of the log that were read.
    read: u64,
    /// Side and symbol by number of the order.
    orders: HashMap<u32, (i64, String)>,
    session: SessionName,
    next_seq: u64,
    /// Messages about orders that no engine has applied yet.
    reports: VecDeque<u64>,
    /// Executions not yet counted: sequence, number of the order, shares.
    executions: VecDeque<(u64, u32, u32)>,
    positions: BTreeMap<String, i64>,
}

impl Venue {
    /// Opens one, with its log in `dir`. The seed names its session.
    pub(crate) fn open(dir: &Path, seed: u64) -> Self {
        let session = format!("{:010}", seed % 10_000_000_000);
        let log = dir.join(format!("exchange-{session}.log"));
        let options = Options {
            itch_a: any_loopback_port(),
            itch_b: any_loopback_port(),
            request: any_loopback_port(),
            ouch: any_loopback_port(),
            itch_soup: None,
            hash: None,
            interface: Ipv4Addr::LOCALHOST,
            users: vec![Credentials::new(USER, PASSWORD).unwrap()],
            session: Session::new(&session).unwrap(),
            soup_session: SessionName::new(&session).unwrap(),
            seconds: None,
            messages: None,
            linger: Duration::ZERO,
            seed,
            flow: FlowOptions::Generated { symbols: built_in(), rate: FLOW_RATE },
            start: FlowStart::AtOnce,
            start_delay: Duration::ZERO,
            // An exchange some milliseconds away: orders are on their way when the process dies.
            faults: "slow_ack=1,slow_ack_us=5000".parse().unwrap(),
            self_match: SelfMatch::Allow,
            cancel_on_disconnect: false,
            order_log: Some(log.clone()),
            flush: Duration::from_micros(100),
            store_mib: 1_024,
            stdin_eof: false,
        };
        let mut exchange = Exchange::bind(options).unwrap();
        let addresses = exchange.addresses();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        Self {
            addresses,
            stop,
            thread: std::thread::spawn(move || exchange.run(&stopped)),
            log,
            read: 0,
            orders: HashMap::new(),
            session: SessionName::CURRENT,
            next_seq: 1,
            reports: VecDeque::new(),
            executions: VecDeque::new(),
            positions: BTreeMap::new(),
        }
    }

    /// Bytes of its log of orders.
    pub(crate) fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).unwrap().len()
    }

    /// What was logged since the last call.
    pub(crate) fn read_log(&mut self) -> Vec<OrderLogEntry> {
        let mut file = std::fs::File::open(&self.log).unwrap();
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        let mut entries = Vec::new();
        loop {
            line.clear();
            let bytes = reader.read_line(&mut line).unwrap();
            if !line.ends_with('\n') {
                return entries;
            }
            self.read += bytes as u64;
            let entry: OrderLogEntry = serde_json::from_str(&line).unwrap();
            let sign = if entry.side == 'B' { 1 } else { -1 };
            self.orders.insert(entry.user_ref_num, (sign, entry.symbol.clone()));
            entries.push(entry);
        }
    }

    /// Logs on as the user and reads its stream up to `seq` at least. No engine may run: it would
    /// be displaced. When it returns, all that a dead engine had sent has been judged.
    pub(crate) fn read_stream(&mut self, seq: u64) {
        let mut stream = TcpStream::connect(self.addresses.ouch).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let credentials = Credentials::new(USER, PASSWORD).unwrap();
        let start = Start { session: self.session, seq: self.next_seq };
        let mut client = Client::new(ClientConfig::new(credentials, start));
        client.on_connect(Nanos(0));
        let mut out = [0; 128];
        let length = client.poll(Nanos(0), &mut out);
        stream.write_all(&out[..length]).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        let mut is_logged_on = false;
        loop {
            while let Some(event) = client.next_event() {
                match event {
                    ClientEvent::Login { session, .. } => {
                        self.session = session;
                        is_logged_on = true;
                    }
                    ClientEvent::Message { seq, payload } => {
                        assert_eq!(seq, self.next_seq, "the venue's stream has a gap");
                        self.next_seq += 1;
                        self.take(seq, &Outbound::decode(payload).unwrap());
                    }
                    ClientEvent::Ended(reason) => panic!("the venue ended it: {reason:?}"),
                    ClientEvent::Debug(_) | ClientEvent::Heartbeat => {}
                }
            }
            let bytes = match stream.read(client.read_space()) {
                Ok(0) => panic!("the venue closed the connection"),
                Ok(bytes) => bytes,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if is_logged_on && self.next_seq > seq {
                        return;
                    }
                    assert!(Instant::now() < until, "the venue does not tell message {seq}");
                    0
                }
                Err(error) => panic!("{error}"),
            };
            client.on_read(bytes, Nanos(0));
        }
    }

    fn take(&mut self, seq: u64, message: &Outbound<'_>) {
        match message {
            Outbound::SystemEvent(_) | Outbound::QueryResponse(_) => return,
            Outbound::Executed(view) => {
                let (urn, qty) = (view.fields.user_ref_num, view.fields.qty);
                self.executions.push_back((seq, urn.get(), qty.get()));
            }
            _ => {}
        }
        self.reports.push_back(seq);
    }

    /// Compares the messages that an engine has applied with those that were told; those that it
    /// passed over, or that are none.
    pub(crate) fn passed_over(&mut self, applied: &[u64]) -> Vec<u64> {
        let mut wrong = Vec::new();
        for &seq in applied {
            while let Some(told) = self.reports.pop_front_if(|told| *told < seq) {
                wrong.push(told);
            }
            if self.reports.pop_front_if(|told| *told == seq).is_none() {
                wrong.push(seq);
            }
        }
        wrong
    }

    /// Shares by symbol as of message `seq` of the stream; without those that are flat. Never lower
    /// than in the call before. The log must have been read since.
    pub(crate) fn positions_at(&mut self, seq: u64) -> BTreeMap<String, i64> {
        while let Some((_, urn, qty)) = self.executions.pop_front_if(|(at, _, _)| *at <= seq) {
            let (sign, symbol) = &self.orders[&urn];
            *self.positions.entry(symbol.clone()).or_insert(0) += sign * i64::from(qty);
        }
        self.positions.retain(|_, shares| *shares != 0);
        self.positions.clone()
    }

    /// Shares by symbol as of the last [`Venue::positions_at`].
    pub(crate) fn held(&self) -> &BTreeMap<String, i64> {
        &self.positions
    }

    /// Ends the session; what the venue says it did.
    pub(crate) fn close(self) -> Summary {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().unwrap()
    }
}
