//! What a run is told: the command line, and the checked options it becomes.

use crate::error::Error;
use crate::faults::Faults;
use crate::flow::{SymbolSpec, built_in, load_symbols, parse_list};
use crate::matching::SelfMatch;
use feed::moldudp64::Session;
use gateway::session::soupbintcp::{Credentials, SessionName};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An exchange on loopback: ITCH out, OUCH in, a real matching engine between.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where line A goes (port 0: a free one is picked and printed)
    #[arg(long, default_value = "127.0.0.1:26400")]
    pub itch_a: SocketAddr,
    /// Where line B goes
    #[arg(long, default_value = "127.0.0.1:26401")]
    pub itch_b: SocketAddr,
    /// Where the re-request server listens
    #[arg(long, default_value = "127.0.0.1:26402")]
    pub request: SocketAddr,
    /// Where order entry listens
    #[arg(long, default_value = "127.0.0.1:26410")]
    pub ouch: SocketAddr,
    /// Where the same ITCH stream is served over SoupBinTCP; not served without it
    #[arg(long)]
    pub itch_soup: Option<SocketAddr>,
    /// Where hashes of the books go after every 1,000 messages; not sent without it
    #[arg(long)]
    pub hash: Option<SocketAddr>,
    /// Interface of multicast lines
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST)]
    pub interface: Ipv4Addr,
    /// A user of order entry, NAME or NAME:PASSWORD; give it again for more
    #[arg(long, default_value = "DEMO01")]
    pub user: Vec<String>,
    /// Password of users given without one
    #[arg(
        long,
        env = "WIRELANE_OUCH_PASSWORD",
        default_value = "loopback",
        hide_env_values = true
    )]
    pub password: String,
    /// Name of the session, up to 10 characters; without it, from the clock
    #[arg(long)]
    pub session: Option<String>,
    /// Seconds of flow; 0 = until the recording or the process ends
    #[arg(long, default_value_t = 0.0)]
    pub seconds: f64,
    /// Messages after which the flow ends; 0 = no such end
    #[arg(long, default_value_t = 0)]
    pub messages: u64,
    /// Seconds in which orders are still served after the flow
    #[arg(long, default_value_t = 2.0)]
    pub linger: f64,
    /// Seed of flow and faults
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Messages per second of the generated flow; 0 = as fast as possible
    #[arg(long, default_value_t = 70_000)]
    pub rate: u64,
    /// A recording to replay: BinaryFILE, pcap or LOBSTER messages
    #[arg(long)]
    pub input: Option<PathBuf>,
    /// Pace of the replay: a multiple of the recorded one, or max
    #[arg(long, default_value = "1")]
    pub speed: Speed,
    /// Symbols of the generated flow: an instrument file, or AAPL=185.00,MSFT=410.00
    #[arg(long)]
    pub symbols: Option<String>,
    /// When the flow starts
    #[arg(long, value_enum, default_value_t = Start::AtOnce)]
    pub start: Start,
    /// Seconds between the start and the first message
    #[arg(long, default_value_t = 0.0)]
    pub start_delay: f64,
    /// Faults: KEY=PROBABILITY, by comma. Lines: drop duplicate reorder delay (delay_us), each for
    /// both or with a. or b. before it. Orders: disconnect reject slow_ack (slow_ack_us) chop
    /// (partial writes). Told wrongly: twice swap never contradict. Traded beyond: break correct
    /// overfill external
    #[arg(long, default_value = "")]
    pub faults: String,
    /// Orders of one user that meet: they trade, or the incoming one is cancelled
    #[arg(long, value_enum, default_value_t = SelfMatchArg::Allow)]
    pub self_match: SelfMatchArg,
    /// Cancel a user's orders when its connection ends
    #[arg(long)]
    pub cancel_on_disconnect: bool,
    /// File for one JSON line per order judged
    #[arg(long)]
    pub order_log: Option<PathBuf>,
    /// Microseconds of messages gathered into packets
    #[arg(long, default_value_t = 100)]
    pub flush_us: u64,
    /// MiB of messages kept for re-requests
    #[arg(long, default_value_t = 1_024)]
    pub store_mib: usize,
    /// End when standard input does
    #[arg(long)]
    pub stdin_eof: bool,
}

/// When the flow starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Start {
    /// As soon as the exchange listens.
    AtOnce,
    /// With the first login to order entry.
    OnLogin,
}

/// As [`SelfMatch`], on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SelfMatchArg {
    /// They trade.
    Allow,
    /// The incoming order's rest is cancelled.
    Prevent,
}

/// Pace of a replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This many times the recorded pace, more than 0.
    Times(f64),
    /// As fast as possible.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "max" => Ok(Self::Max),
            _ => match text.parse::<f64>() {
                Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
                _ => Err("give a number above 0, or max".to_owned()),
            },
        }
    }
}

/// Where the background orders come from.
#[derive(Clone, Debug)]
pub enum FlowOptions {
    /// A generator.
    Generated {
        /// Symbols, the most active first.
        symbols: Vec<SymbolSpec>,
        /// Messages per second; 0 = as fast as possible.
        rate: u64,
    },
    /// A recording.
    Recorded {
        /// The file.
        input: PathBuf,
        /// Its pace.
        speed: Speed,
    },
}

/// A run's checked options.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where line A goes.
    pub itch_a: SocketAddr,
    /// Where line B goes.
    pub itch_b: SocketAddr,
    /// Where the re-request server listens.
    pub request: SocketAddr,
    /// Where order entry listens.
    pub ouch: SocketAddr,
    /// Where ITCH is served over SoupBinTCP.
    pub itch_soup: Option<SocketAddr>,
    /// Where book hashes go.
    pub hash: Option<SocketAddr>,
    /// Interface of multicast lines.
    pub interface: Ipv4Addr,
    /// Users of order entry.
    pub users: Vec<Credentials>,
    /// Name of the MoldUDP64 session.
    pub session: Session,
    /// Name of the SoupBinTCP sessions: the same text.
    pub soup_session: SessionName,
    /// Length of the flow; `None` = until it ends by itself.
    pub seconds: Option<Duration>,
    /// Messages of the tape after which the flow ends.
    pub messages: Option<u64>,
    /// Time in which orders are served after the flow.
    pub linger: Duration,
    /// Seed of flow and faults.
    pub seed: u64,
    /// Where the background orders come from.
    pub flow: FlowOptions,
    /// When the flow starts.
    pub start: Start,
    /// Time from the start to the first message.
    pub start_delay: Duration,
    /// Faults to make.
    pub faults: Faults,
    /// What becomes of orders of one user that meet.
    pub self_match: SelfMatch,
    /// Cancel a user's orders when its connection ends.
    pub cancel_on_disconnect: bool,
    /// File for one JSON line per order judged.
    pub order_log: Option<PathBuf>,
    /// Time over which messages are gathered into packets.
    pub flush: Duration,
    /// MiB of messages kept for re-requests.
    pub store_mib: usize,
    /// End when standard input does.
    pub stdin_eof: bool,
}

impl Args {
    /// Checks the arguments.
    ///
    /// # Errors
    /// [`Error::Option`] names the argument and what it may be.
    pub fn options(&self) -> Result<Options, Error> {
        let flow = match &self.input {
            Some(input) => FlowOptions::Recorded { input: input.clone(), speed: self.speed },
            None => FlowOptions::Generated { symbols: self.symbol_specs()?, rate: self.rate },
        };
        let name = match &self.session {
            Some(name) => name.clone(),
            None => session_from_clock(),
        };
        let refused = || Error::option("session", "1 to 10 printable characters");
        let seconds = duration("seconds", self.seconds)?;
        Ok(Options {
            itch_a: self.itch_a,
            itch_b: self.itch_b,
            request: self.request,
            ouch: self.ouch,
            itch_soup: self.itch_soup,
            hash: self.hash,
            interface: self.interface,
            users: self.users()?,
            session: Session::new(&name).filter(|_| !name.is_empty()).ok_or_else(refused)?,
            soup_session: SessionName::new(&name).ok_or_else(refused)?,
            seconds: (!seconds.is_zero()).then_some(seconds),
            messages: (self.messages > 0).then_some(self.messages),
            linger: duration("linger", self.linger)?,
            seed: self.seed,
            flow,
            start: self.start,
            start_delay: duration("start-delay", self.start_delay)?,
            faults: self
                .faults
                .parse()
                .map_err(|error: crate::faults::FaultsError| Error::option("faults", error))?,
            self_match: match self.self_match {
                SelfMatchArg::Allow => SelfMatch::Allow,
                SelfMatchArg::Prevent => SelfMatch::CancelIncoming,
            },
            cancel_on_disconnect: self.cancel_on_disconnect,
            order_log: self.order_log.clone(),
            flush: Duration::from_micros(self.flush_us.clamp(1, 1_000_000)),
            store_mib: self.store_mib,
            stdin_eof: self.stdin_eof,
        })
    }

    fn symbol_specs(&self) -> Result<Vec<SymbolSpec>, Error> {
        match &self.symbols {
            None => Ok(built_in()),
            Some(text) if text.ends_with(".csv") => load_symbols(text.as_ref()),
            Some(text) => parse_list(text).map_err(|error| Error::option("symbols", error)),
        }
    }

    fn users(&self) -> Result<Vec<Credentials>, Error> {
        let users = self.user.iter().map(|entry| {
            let (name, password) = entry.split_once(':').unwrap_or((entry, &self.password));
            Credentials::new(name, password).filter(|_| !name.is_empty()).ok_or_else(|| {
                Error::option(
                    "user",
                    format!(
                        "{name:?}: a name has 1 to 6 printable characters, a password up to 10"
                    ),
                )
            })
        });
        users.collect()
    }
}

/// Ten digits, another each second: a restarted exchange has another session.
fn session_from_clock() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("{:010}", seconds % 10_000_000_000)
}

fn duration(name: &'static str, seconds: f64) -> Result<Duration, Error> {
    if (0.0..=1e7).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(Error::option(name, "0 to 10000000 seconds"))
    }
}

/// Any port of the loopback interface, for tests.
#[must_use]
pub fn any_loopback_port() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}
