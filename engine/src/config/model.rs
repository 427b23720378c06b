//! The configuration as types: what the loader hands out once every fault is out of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use shm::ids::{AccountId, FeedId, GatewayId, StrategyId, Symbol};
use shm::units::{Nanos, Price};

use super::calendar::Date;
use super::limits::LimitRow;
use super::params::Params;
use super::stages::StageId;
use crate::position::CostBasis;
use crate::wait::Wait;

/// A whole, valid configuration. Ids index the lists: `accounts[AccountId]`, `feeds[FeedId]`,
/// `gateways[GatewayId]`, `strategies[StrategyId - 1]`, since strategy 0 is the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field has the name of its section and the doc of its type")]
pub struct Config {
    pub engine: Engine,
    /// `[kill]`.
    pub kill: Kill,
    /// `[start]`.
    pub start: Start,
    /// `[venue]`.
    pub venue: Venue,
    pub journal: Journal,
    pub market: Market,
    pub position: Position,
    /// `[risk]`.
    pub risk: RiskActs,
    pub topology: Topology,
    pub threads: Vec<Thread>,
    pub links: Vec<Link>,
    pub accounts: Vec<Account>,
    pub feeds: Vec<Feed>,
    pub gateways: Vec<Gateway>,
    pub strategies: Vec<Strategy>,
    pub limits: Vec<LimitTable>,
}

/// `[engine]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// 1 to 32 of `a-z0-9-_`.
    pub name: String,
    /// Where archive, marks, gates and control socket lie; relative to the working directory.
    pub dir: PathBuf,
    /// Where live segments lie; `None` for `auto`, which [`super::topology::Plan`] resolves.
    pub hot_dir: Option<PathBuf>,
    /// Trade without being armed by hand.
    pub arm: bool,
    /// What becomes of working orders on a stop.
    pub on_stop: OnStop,
}

/// `[kill]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// Longest silence of the operator; `None` for `unlimited`.
    pub heartbeat_max: Option<Nanos>,
    /// Longest time that a strategy may hold its thread in one call; `None` for `unlimited`.
    pub overrun_max: Option<Nanos>,
    /// What a loss or drawdown beyond its limit does (R36).
    pub on_loss: OnLoss,
    /// What unknown orders beyond their limits do (R07).
    pub on_unresolved: OnUnresolved,
}

/// What a loss beyond its limit does to its scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLoss {
    /// Only reductions are left.
    #[default]
    Reduce,
    /// Its gate is closed.
    Close,
}

/// What unknown orders beyond their limits do to their scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnresolved {
    /// New orders are refused until there are fewer.
    #[default]
    Refuse,
    /// Its gate is closed.
    Close,
}

/// `[start]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// What a start after a session that did not end in order does.
    pub after_crash: AfterCrash,
}

/// What a start after a session that did not end in order does (C3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterCrash {
    /// It cancels and lets nothing new through until a person has armed it.
    #[default]
    ByHand,
    /// It trades on as before.
    Arm,
}

/// `[venue]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Longest wait for the first answer to an order (E24).
    pub answer_max: Nanos,
}

/// What becomes of working orders when the engine is asked to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStop {
    /// They are canceled, and the engine waits for the venue to confirm.
    #[default]
    Cancel,
    /// They stay at the venue.
    Leave,
}

/// `[journal]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What a power cut may take.
    pub mode: JournalMode,
    /// Longest time between two syncs in mode `group`.
    pub group: Nanos,
    /// Bytes of a segment; a power of two, from 1 MiB to 1 GiB.
    pub segment_bytes: u64,
    /// Live segments of a lane, in `3..=64`.
    pub segments: u32,
    /// Whether received bytes are kept; without them there is no replay.
    pub capture: Capture,
}

/// When a record is on disk (C1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalMode {
    /// D0: some time after it was written.
    #[default]
    Async,
    /// D1: in groups.
    Group,
    /// D2: before the order's bytes leave.
    Sync,
}

/// What is kept of received bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Capture {
    /// All of them.
    #[default]
    Raw,
    /// None.
    None,
}

/// `[market]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// The instrument file; relative to the working directory (one that a file of the configuration
    /// names relative to itself has been joined to it).
    pub instruments: PathBuf,
    /// A zone of the IANA data base.
    pub zone: String,
    /// The session date; `None` for the date in the zone at start.
    pub date: Option<Date>,
    /// Hours in which orders may be entered (R10), minutes since midnight in the zone; `None` for
    /// always.
    pub hours: Option<(u32, u32)>,
    /// Hours in which market orders may be entered (R12), within `hours`; `None` for always.
    pub regular: Option<(u32, u32)>,
}

/// `[position]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which part of its cost a position gives back when it is reduced.
    pub cost: CostBasis,
}

/// `[risk]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskActs {
    /// What becomes of working orders that a limit set loaded later would not let in.
    pub on_over: OnOver,
}

/// See [`RiskActs::on_over`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnOver {
    /// An alarm tells of them.
    #[default]
    Alarm,
    /// They are cancelled as well.
    Cancel,
}

/// `[topology]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Used unless `thread` tables are given.
    pub layout: Layout,
    /// What an idle hot thread does.
    pub wait: Wait,
    /// Cores of the threads that are not hot; `None` for `auto`.
    pub helpers: Option<Vec<usize>>,
}

/// A ready-made placement of stages on threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Chosen for the machine: fused.
    #[default]
    Auto,
    /// All stages on one thread.
    Fused,
    /// Feeds | strategies, risk, gateways.
    Split2,
    /// A thread per kind.
    Split4,
}

/// `[[thread]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// The core it is pinned to, if any.
    pub core: Option<usize>,
    /// What it does when idle; `topology.wait` if `None`.
    pub wait: Option<Wait>,
    /// Its stages, in flow order.
    pub stages: Vec<StageId>,
}

/// `[[link]]`: what replaces the defaults of the links from one stage or kind to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Stages that write.
    pub from: Vec<StageId>,
    /// Stages that read.
    pub to: Vec<StageId>,
    /// Which ring.
    pub ring: Option<Ring>,
    /// Messages it holds; a power of two in `64..=2^20`.
    pub slots: Option<u32>,
    /// What happens when it is full.
    pub full: Option<Full>,
    /// Strategies that share one disruptor.
    pub group: Option<String>,
}

/// Which ring joins two threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ring {
    /// Point to point, the sequence in the slot: `shm::slot`.
    #[default]
    Slot,
    /// Point to point, shared indices: the crate `rtrb`.
    Rtrb,
    /// One to many.
    Disruptor,
}

/// What happens when a link is full; each time is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Full {
    /// The latest state per instrument or order is kept and sent once there is room.
    #[default]
    Conflate,
    /// Nothing more is read from outside until there is room: only a file or a stream can wait.
    Hold,
    /// The writer is told BUSY; a cancel is tried again.
    Busy,
}

/// `[[account]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub currency: String,
    /// Currency a share, 0 or more, of a fill that took liquidity.
    pub fee_per_share: Price,
    /// Currency a share, 0 or more, received for a fill that gave liquidity.
    pub rebate_per_share: Price,
    /// Accounts of one group may not trade with each other (R45).
    pub group: String,
    /// What becomes of own orders that would.
    pub self_trade: SelfTrade,
}

/// What becomes of an order that would meet a resting one of its own group (R45).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfTrade {
    /// It is refused.
    #[default]
    Reject,
    /// The resting ones are cancelled; it is refused until the venue has confirmed that.
    CancelResting,
    /// It is refused, and the resting ones are cancelled: in effect the same, since nothing may
    /// meet an own order whose cancel is not confirmed.
    Both,
    /// Nothing: own orders may trade with each other.
    Allow,
}

/// `[[feed]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Feed {
    pub id: FeedId,
    pub name: String,
    pub codec: FeedCodec,
    /// The venue, as the instrument file names it, whose books it carries.
    pub venue: Symbol,
    pub source: FeedSource,
    /// Where the exchange's book hashes arrive.
    pub hash_channel: Option<SocketAddr>,
}

/// The protocol of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedCodec {
    /// NASDAQ TotalView-ITCH 5.0.
    #[default]
    Itch50,
}

/// Where a feed's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedSource {
    /// MoldUDP64 on one or two lines.
    Lines {
        /// Where packets of line A arrive.
        a: SocketAddr,
        /// Where packets of line B arrive.
        b: Option<SocketAddr>,
        /// The re-request server.
        request: Option<SocketAddr>,
        /// Tries without an answer before a gap is given up, in `0..=100`.
        retries: u32,
        /// Re-requests that may be in flight, in `1..=4096`.
        requests_in_flight: u16,
    },
    /// A recorded file.
    File {
        /// BinaryFILE, pcap of MoldUDP64 or LOBSTER messages; plain, gzip or zstd.
        path: PathBuf,
        /// How fast.
        speed: Speed,
    },
    /// A SoupBinTCP session.
    Soup {
        /// The server.
        soup: SocketAddr,
        /// 1 to 6 letters and digits.
        user: String,
        /// The environment variable that holds the password.
        password_env: String,
    },
}

impl FeedSource {
    /// What a full link of it may do; the first is the default. A file waits; a stream may, for
    /// TCP keeps the rest; a line cannot.
    #[must_use]
    pub const fn fulls(&self) -> &'static [Full] {
        match self {
            Self::Lines { .. } => &[Full::Conflate],
            Self::File { .. } => &[Full::Hold, Full::Conflate],
            Self::Soup { .. } => &[Full::Conflate, Full::Hold],
        }
    }
}

/// How fast a file is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// As fast as it is read.
    Max,
    /// In thousandths of the recorded pace, in `1..=1_000_000_000`.
    Milli(u32),
}

/// `[[gateway]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Gateway {
    pub id: GatewayId,
    pub name: String,
    /// The venue it trades at: it takes orders in that venue's instruments (R06).
    pub venue: Symbol,
    pub session: Session,
    pub send: Send,
}

/// `gateway.session`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// OUCH 5.0 over SoupBinTCP.
    Ouch50 {
        /// The server.
        soup: SocketAddr,
        /// 1 to 6 letters and digits.
        user: String,
        /// The environment variable that holds the password.
        password_env: String,
    },
    /// Fills against the live book of a feed.
    Paper {
        /// That feed.
        feed: FeedId,
    },
}

/// `gateway.send`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Messages in any window of `per`; at least 1.
    pub rate: u32,
    /// Of them kept for cancels; less than `rate`.
    pub reserve: u32,
    /// The window.
    pub per: Nanos,
    /// Oldest order that is sent, from its decision.
    pub order_age_max: Nanos,
    /// New orders that share one send, in `1..=64`.
    pub send_batch_max: u32,
}

/// `[[strategy]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Strategy {
    /// From 1; 0 is the operator.
    pub id: StrategyId,
    pub name: String,
    pub account: AccountId,
    /// At least one; the first is its primary port.
    pub feeds: Vec<FeedId>,
    pub gateway: GatewayId,
    pub instruments: Instruments,
    /// Orders it may have at one time, in `1..=65536`: the size of its range of slots.
    pub orders_max: u32,
    /// What it is and what it is told.
    pub params: Params,
}

/// What a strategy may trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruments {
    /// Every instrument of the file.
    All,
    /// These symbols; at least one, each once.
    Symbols(Vec<String>),
}

/// `[[limits]]`; compiled to a [`super::limits::LimitSet`] once instruments have ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitTable {
    /// What it covers, by name.
    pub scope: ScopeName,
    /// What it says; the scope in it has no meaning yet.
    pub row: LimitRow,
}

/// A scope as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeName {
    /// Everything.
    Firm,
    /// One account.
    Account(AccountId),
    /// One strategy.
    Strategy(StrategyId),
    /// One symbol, of every venue that has it.
    Instrument(String),
}
