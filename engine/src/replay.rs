//! Replay: a recorded journal through the same stages, following the recorded order of their
//! inputs, on any layout; and what the recording itself says, to compare with.
//!
//! The stream hash of a session is SHA-256 over the application messages given to its link, in
//! order, without framing; the hash of a run is SHA-256 over, per gateway in order of name, the
//! name, a zero byte, and that digest.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: nothing of a replay is on a hot thread"
)]

mod run;
mod standing;

pub use run::run;
pub use standing::{Fills, LimitsOf, Standing, Told, ToldParent};

use crate::config::limits::LimitSet;
use crate::config::machine::Machine;
use crate::config::model::Capture;
use crate::config::topology::{Plan, plan};
use crate::config::{Bound, Loaded, Report, Sources};
use crate::pipeline::limit_set::{LimitSetDamaged, LimitsInForce};
use crate::pipeline::opening::{Kept, Opening, OpeningError, SentMessage, read_lane};
use crate::stage::Recorded;
use feed::instruments::Instruments;
use sha2::{Digest, Sha256};
use shm::journal::{FileError, Journal};
use shm::message::{Command, Kind};
use shm::record::market::{CaptureGap, RxVenue, Sent, Tx, TxVoid, VenueSession};
use shm::record::status::{Operator, SessionOpen, StrategyDown, Text};
use shm::record::{RecordKind, Stage, StageId};
use shm::units::Nanos;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// Why a replay cannot be made, or went astray.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal's folder could not be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A lane is damaged, or durable records of it are missing.
    #[error(transparent)]
    Lane(#[from] OpeningError),
    /// No session, or not the one asked for.
    #[error("no complete session in this journal; `wirelane journal verify` says what there is")]
    NoSession,
    /// The recorded configuration does not load: it is of another version.
    #[error("the recorded configuration does not load: {0}")]
    Config(Report),
    /// A recorded limit set is not whole.
    #[error(transparent)]
    Limits(#[from] LimitSetDamaged),
    /// The recorded instrument file does not load.
    #[error("the recorded instrument file does not load: {0}")]
    Instruments(String),
    /// Received bytes were not to be kept.
    #[error(
        "nothing received is in this journal, so there is nothing to replay: its configuration \
         has journal.capture = \"none\""
    )]
    NotCaptured,
    /// The lane had no room for what a feed received.
    #[error(
        "feed {feed}: from sequence number {seq} on the journal had no room for what was received, \
         because the disk was behind: what strategies saw is not whole in it, and a replay cannot \
         come out as the run did"
    )]
    Gap {
        /// Name of the feed.
        feed: String,
        /// First sequence number that is not in the journal.
        seq: u64,
    },
    /// The pipeline cannot be put together.
    #[error(transparent)]
    Assemble(#[from] crate::pipeline::assemble::AssembleError),
    /// The region cannot be made.
    #[error(transparent)]
    Region(#[from] shm::region::RegionError),
    /// The opening does not fit.
    #[error("the recorded opening does not fit: {0}")]
    Opening(#[from] crate::risk::RestoreError),
    /// The recording stops making sense: an input that a record names never came.
    #[error("the replay stands still: {0}")]
    Stuck(String),
    /// A thread could not be made.
    #[error("a thread could not be made: {0}")]
    Thread(std::io::Error),
}

/// The messages of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStream {
    /// `order_stream_hash`, lower-case hexadecimal.
    pub hash: String,
    /// Per gateway: its name, its own hash, its messages.
    pub sessions: Vec<(String, String, u64)>,
    /// Messages in all.
    pub messages: u64,
}

/// What a replay gave.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Epoch of the recording.
    pub epoch: u16,
    /// Layout it ran on.
    pub layout: String,
    /// `order_stream_hash` of the replay, lower-case hexadecimal.
    pub order_stream_hash: String,
    /// That of the recording.
    pub recorded_hash: String,
    /// Messages of the replay.
    pub messages: u64,
    /// Digest of orders, positions and reservations at the end of the replay.
    pub state_hash: u64,
    /// The same, rebuilt from the recording's risk lane.
    pub recorded_state_hash: u64,
}

/// Digests per session, combined by name.
#[derive(Clone, Debug)]
pub(crate) struct StreamDigest {
    sessions: Vec<(String, Sha256, u64)>,
}

impl StreamDigest {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self { sessions: names.into_iter().map(|name| (name, Sha256::new(), 0)).collect() }
    }

    /// Takes the framed packets of one send.
    pub(crate) fn take(&mut self, session: usize, mut packets: &[u8]) {
        let Some((_, digest, count)) = self.sessions.get_mut(session) else { return };
        while let Some(([high, low], rest)) = packets.split_first_chunk::<2>() {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((packet, next)) = rest.split_at_checked(len) else { return };
            digest.update(packet.get(1..).unwrap_or_default());
            *count += 1;
            packets = next;
        }
    }

    pub(crate) fn finish(self) -> OrderStream {
        let mut sessions: Vec<(String, Vec<u8>, u64)> = self
            .sessions
            .into_iter()
            .map(|(name, digest, count)| (name, digest.finalize().to_vec(), count))
            .collect();
        sessions.sort();
        let mut whole = Sha256::new();
        for (name, digest, _) in &sessions {
            whole.update(name.as_bytes());
            whole.update([0]);
            whole.update(digest);
        }
        let messages = sessions.iter().map(|(_, _, count)| count).sum();
        let sessions =
            sessions.into_iter().map(|(name, digest, count)| (name, hex(&digest), count)).collect();
        OrderStream { hash: hex(&whole.finalize()), sessions, messages }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which records of hot stages are kept.
type Wanted<'a> = &'a dyn Fn(StageId, RecordKind) -> bool;

/// A session as its journal holds it.
pub(crate) struct Recording {
    pub(crate) epoch: u16,
    /// Session date, days since the Unix epoch.
    pub(crate) days: u32,
    pub(crate) loaded: Loaded,
    pub(crate) instruments: Instruments,
    pub(crate) bound: Bound,
    pub(crate) plan: Plan,
    pub(crate) opening_risk: Vec<Kept>,
    pub(crate) opening_messages: Vec<SentMessage>,
    pub(crate) opening_sessions: Vec<VenueSession>,
    pub(crate) opening_down: Vec<StrategyDown>,
    /// By the byte of the stage that wrote them, in lane order.
    pub(crate) records: BTreeMap<u8, VecDeque<Recorded>>,
    /// Commands by the byte of the stage they were given to, in order.
    pub(crate) commands: Vec<(u8, Command)>,
    /// Limit sets that were loaded, in the order of their commands.
    pub(crate) limits: Vec<LimitSet>,
}

impl Recording {
    /// Reads a session: the last complete one, or the one of `epoch`.
    pub(crate) fn read(
        dir: &Path,
        epoch: Option<u16>,
        layout: Option<&str>,
    ) -> Result<Self, ReplayError> {
        Self::read_of(dir, epoch, layout, &|_, _| true)
    }

    /// As [`Recording::read`], with the records alone that are wanted by stage and kind.
    fn read_of(
        dir: &Path,
        epoch: Option<u16>,
        layout: Option<&str>,
        wanted: Wanted<'_>,
    ) -> Result<Self, ReplayError> {
        let journal = Journal::open(dir)?;
        let mut epochs = journal.epochs()?;
        epochs.sort_unstable();
        epochs.retain(|known| epoch.is_none_or(|wanted| wanted == *known));
        while let Some(epoch) = epochs.pop() {
            if let Some(recording) = Self::read_epoch(&journal, epoch, layout, wanted)? {
                return Ok(recording);
            }
        }
        Err(ReplayError::NoSession)
    }

    fn read_epoch(
        journal: &Journal,
        epoch: u16,
        layout: Option<&str>,
        wanted: Wanted<'_>,
    ) -> Result<Option<Self>, ReplayError> {
        let mut texts = Texts::default();
        let mut raw = Raw::default();
        for lane in journal.lanes(epoch)? {
            read_lane(journal, epoch, lane, |header, body| {
                let Some(kind) = RecordKind::from_u16(header.kind) else { return };
                if header.stage == StageId::CONTROL.0 {
                    texts.take(kind, Nanos(header.ts), body);
                    return;
                }
                if !wanted(StageId(header.stage), kind) {
                    return;
                }
                let (at, ts) = (header.at, Nanos(header.ts));
                raw.take(StageId(header.stage), Recorded { kind, at, ts, body: body.to_vec() });
            })?;
        }
        if !texts.complete {
            return Ok(None);
        }
        let mut sources = Sources::text("journal", &texts.config);
        sources.layout = layout.map(str::to_owned);
        let loaded = sources.load().map_err(ReplayError::Config)?;
        let instruments = Instruments::parse("journal", &texts.instruments).map_err(|faults| {
            ReplayError::Instruments(faults.iter().map(ToString::to_string).collect())
        })?;
        let mut bound = loaded.bind(&instruments).map_err(ReplayError::Config)?;
        if let Some(first) = texts.limits_first {
            let put = first?.put_into(&bound, &texts.config, &instruments);
            bound = put.map_err(ReplayError::Config)?;
        }
        let mut limits = Vec::new();
        for set in texts.limits {
            let set = set?.bind(&texts.config, "limit set", &instruments);
            limits.push(set.map_err(ReplayError::Config)?);
        }
        let plan = plan(&loaded, &anywhere()).map_err(ReplayError::Config)?;
        Ok(Some(Self {
            epoch,
            days: texts.date,
            loaded,
            instruments,
            bound,
            plan,
            opening_risk: raw.risk,
            opening_messages: raw.messages,
            opening_sessions: raw.sessions,
            opening_down: raw.down,
            records: raw.records,
            commands: texts.commands,
            limits,
        }))
    }

    /// The stream that was sent: each message once, in the order of its send.
    pub(crate) fn stream(&self) -> OrderStream {
        let mut digest = StreamDigest::new(self.session_names());
        for (byte, records) in &self.records {
            let stage = StageId(*byte);
            if stage.kind() != Some(Stage::Gateway) {
                continue;
            }
            let mut pending: VecDeque<(Tx, &[u8])> = VecDeque::new();
            for record in records {
                match record.kind {
                    RecordKind::Tx => pending.extend(Tx::split(&record.body)),
                    RecordKind::Sent => {
                        let sent = Sent::read(&record.body).is_some_and(|sent| sent.result >= 0);
                        if let Some((tx, bytes)) = pending.pop_front().filter(|_| sent) {
                            let bytes = bytes.get(..usize::from(tx.len)).unwrap_or_default();
                            digest.take(usize::from(stage.index()), bytes);
                        }
                    }
                    RecordKind::TxVoid => {
                        let void = TxVoid::read(&record.body).filter(|void| void.tx_seq != 0);
                        let same = |void: TxVoid| {
                            let of = move |(tx, _): &(Tx, &[u8])| {
                                (tx.cl_ord_id, tx.action) == (void.cl_ord_id, void.action)
                            };
                            pending.iter().position(of)
                        };
                        if let Some(at) = void.and_then(same) {
                            pending.remove(at);
                        }
                    }
                    // What was written and not sent when the link went is no longer held.
                    RecordKind::RxVenue if is_closing(record) => pending.clear(),
                    _ => {}
                }
            }
        }
        digest.finish()
    }

    /// Whether all that came in is there.
    ///
    /// # Errors
    /// [`ReplayError::NotCaptured`], [`ReplayError::Gap`].
    pub(crate) fn is_whole(&self) -> Result<(), ReplayError> {
        let config = &self.loaded.config;
        if config.journal.capture == Capture::None && !config.feeds.is_empty() {
            return Err(ReplayError::NotCaptured);
        }
        let gap = self.records.values().flatten().find_map(|record| {
            let is_gap = record.kind == RecordKind::CaptureGap;
            CaptureGap::read(&record.body).filter(|_| is_gap)
        });
        gap.map_or(Ok(()), |gap| {
            let feed = config.feeds.get(usize::from(gap.feed));
            let feed = feed.map_or_else(|| gap.feed.to_string(), |feed| feed.name.clone());
            Err(ReplayError::Gap { feed, seq: gap.feed_seq })
        })
    }

    pub(crate) fn session_names(&self) -> Vec<String> {
        self.loaded.config.gateways.iter().map(|row| row.name.clone()).collect()
    }
}

fn is_closing(record: &Recorded) -> bool {
    RxVenue::read(&record.body).is_some_and(|rx| rx.event == RxVenue::CLOSED)
}

/// What lane 0 says.
#[derive(Default)]
struct Texts {
    config: String,
    date: u32,
    instruments: String,
    complete: bool,
    commands: Vec<(u8, Command)>,
    /// The set that the session begins with; journals of old have none.
    limits_first: Option<Result<LimitsInForce, LimitSetDamaged>>,
    limits: Vec<Result<LimitsInForce, LimitSetDamaged>>,
}

impl Texts {
    fn take(&mut self, kind: RecordKind, ts: Nanos, body: &[u8]) {
        let text = |rest: &[u8], len: u32| {
            String::from_utf8_lossy(rest.get(..len as usize).unwrap_or_default()).into_owned()
        };
        match kind {
            RecordKind::SessionOpen => {
                if let Some((open, rest)) = SessionOpen::split(body) {
                    self.config = text(rest, open.len);
                    self.date = open.date;
                }
            }
            RecordKind::Instruments => {
                if let Some((head, rest)) = Text::split(body) {
                    self.instruments = text(rest, head.len);
                }
            }
            RecordKind::OpenComplete => self.complete = true,
            RecordKind::LimitSet if self.complete => self.limits.push(LimitsInForce::read(body)),
            RecordKind::LimitSet => self.limits_first = Some(LimitsInForce::read(body)),
            RecordKind::Operator => {
                let given = Operator::read(body).filter(|given| given.refused == 0);
                if let Some(given) = given.filter(|given| given.stage != StageId::CONTROL.0) {
                    let command = Command {
                        kind: Kind::Command as u8,
                        op: given.op,
                        strategy: given.strategy,
                        param: given.param,
                        instrument: shm::ids::InstrumentId(given.instrument),
                        value: given.value,
                        t0: ts,
                        ..Command::default()
                    };
                    self.commands.push((given.stage, command));
                }
            }
            _ => {}
        }
    }
}

/// What the hot lanes say.
#[derive(Default)]
struct Raw {
    risk: Vec<Kept>,
    messages: Vec<SentMessage>,
    sessions: Vec<VenueSession>,
    down: Vec<StrategyDown>,
    records: BTreeMap<u8, VecDeque<Recorded>>,
}

impl Raw {
    fn take(&mut self, stage: StageId, record: Recorded) {
        match record.kind {
            RecordKind::CarryOrder
            | RecordKind::CarryPosition
            | RecordKind::CarryScope
            | RecordKind::CarryRecent
            | RecordKind::CarryParent
            | RecordKind::CarryParentState => {
                self.risk.push(Kept { kind: record.kind, ts: record.ts, body: record.body });
                return;
            }
            RecordKind::CarryStrategy => {
                self.down.extend(StrategyDown::read(&record.body));
                return;
            }
            RecordKind::CarryTx => {
                if let Some((tx, bytes)) = Tx::split(&record.body) {
                    let bytes = bytes.get(..usize::from(tx.len)).unwrap_or_default().to_vec();
                    self.messages.push(SentMessage { tx, bytes });
                }
                return;
            }
            RecordKind::VenueSession => {
                // Carried over only if it stands before the gateway's first input.
                if !self.records.contains_key(&stage.0) {
                    self.sessions.extend(VenueSession::read(&record.body));
                }
                return;
            }
            _ => {}
        }
        self.records.entry(stage.0).or_default().push_back(record);
    }
}

/// A machine that can host any layout: a replay pins nothing.
fn anywhere() -> Machine {
    Machine { cores: (0..1024).collect(), ..Machine::probe() }
}

/// The order stream of a recorded session, as its journal holds it.
///
/// # Errors
/// [`ReplayError`] when the journal cannot be read.
pub fn recorded(dir: &Path, epoch: Option<u16>) -> Result<OrderStream, ReplayError> {
    Ok(Recording::read(dir, epoch, None)?.stream())
}

impl Recording {
    /// The opening that the session began with.
    pub(crate) fn opening(
        &self,
        setup: &crate::risk::setup::Setup,
    ) -> Result<Opening, ReplayError> {
        Ok(Opening::recorded(
            self.opening_risk.clone(),
            self.opening_messages.clone(),
            self.opening_sessions.clone(),
            self.opening_down.clone(),
            setup,
        )?)
    }
}
