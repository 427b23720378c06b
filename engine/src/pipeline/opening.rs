//! What a session begins with: orders and positions of the session before, and where its venues'
//! streams resume. Read from the journal, written into the new one's first records, and taken from
//! there, so that a replay of the new session begins alike.

#![expect(clippy::disallowed_types, reason = "cold: before the start")]

use super::down::Down;
use super::limit_set::LimitSetDamaged;
use super::limit_trail::LimitTrail;
use crate::config::Config;
use crate::config::limits::Scope;
use crate::config::model::AfterCrash;
use crate::parent::{Carried, CarriedChild};
use crate::risk::{Mode, RestoreError, Risk, setup::Setup};
use crate::stage::gateway::{Queries, UnansweredTable, tag_of};
use gateway::ouch::Ouch;
use gateway::session::soupbintcp::{SessionName, Start};
use shm::ids::{ClOrdId, GatewayId, InstrumentId, StrategyId, VenueOrdId};
use shm::journal::{FileError, Journal, MarksError, ReadError, RecordHeader};
use shm::message::{Approved, ExecReport, Kind};
use shm::reason::Reason;
use shm::record::market::{Tx, TxVoid, VenueSession};
use shm::record::order::OrderEvent;
use shm::record::parent::{Parent, ParentState};
use shm::record::status::{DownCause, SessionOpen, StrategyDown, Text};
use shm::record::{RecordKind, Stage, StageId};
use shm::units::{Nanos, Qty};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Why the last session could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// The journal's folder could not be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A lane could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory's last session was of another configuration.
    #[error(
        "{what}: number {at} was {then} in the last session of this directory and is {now}: orders, \
         positions, limits and gates are kept by these numbers. Write the old names back in their \
         order and new ones behind them; or another engine.dir, which begins without the positions, \
         open parents, profit and loss, day counts, loaded limits and closed gates of this one"
    )]
    Other {
        /// Which list differs.
        what: &'static str,
        /// From which of its names on, counted from 1.
        at: usize,
        /// What that was.
        then: String,
        /// What it is now.
        now: String,
    },
    /// The marks could not be read.
    #[error(transparent)]
    Marks(#[from] MarksError),
    /// Records that were durable are gone.
    #[error(
        "epoch {epoch}, lane {lane}: ends at record {last}, and {durable} was durable: a segment is \
         missing or cut; restore it, or set the directory aside"
    )]
    Missing {
        /// Which session.
        epoch: u16,
        /// Which lane.
        lane: u16,
        /// Its last record that is there.
        last: u64,
        /// Its last record that was synced.
        durable: u64,
    },
    /// The limit set that was in force is not whole.
    #[error(transparent)]
    Limits(#[from] LimitSetDamaged),
    /// A record does not fit the state before it.
    #[error("epoch {epoch}: record {record} of the risk lane does not fit: {error}")]
    Restore {
        /// Which session.
        epoch: u16,
        /// Which record of the stage, from 1.
        record: usize,
        /// Why.
        error: RestoreError,
    },
}

/// One record of a stage with what a rebuild needs of its header.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it is.
    pub kind: RecordKind,
    /// Engine time.
    pub ts: Nanos,
    /// Body and payload.
    pub body: Vec<u8>,
}

/// A message that was sent, or was about to be.
#[derive(Clone, Debug)]
pub struct SentMessage {
    /// Its record.
    pub tx: Tx,
    /// The packet.
    pub bytes: Vec<u8>,
}

impl SentMessage {
    /// Whether it is a new order or a replace.
    fn is_order(&self) -> bool {
        self.tx.action != Kind::ApprovedCancel as u8
    }
}

/// The last session whose opening was complete.
#[derive(Clone, Debug, Default)]
pub struct LastSession {
    /// Its epoch.
    pub epoch: u16,
    /// Its date, days since the Unix epoch.
    pub date: u32,
    /// It was closed in order.
    pub clean: bool,
    /// Its configuration, whole.
    pub config: String,
    /// Its instrument file, whole.
    pub instruments: String,
    /// Records of the risk stage.
    pub risk: Vec<Kept>,
    /// Messages of the gateways that were not voided, in order.
    pub messages: Vec<SentMessage>,
    /// By gateway: the session it resumed, or first logged on to; `venue_seq` as carried into it.
    pub sessions: Vec<VenueSession>,
    /// What strategies have latched of their parents, the latest of each.
    pub latched: BTreeMap<ClOrdId, ParentState>,
    /// Sessions of other names that gateways logged on to after those, in their order.
    pub later: Vec<VenueSession>,
    /// Every logon, the one carried over first, in their order.
    pub logons: Vec<VenueSession>,
    /// Its limit sets.
    pub limits: LimitTrail,
    /// What became of strategies.
    pub down: Down,
}

/// Reads a lane whole, from its first record, and makes sure that nothing durable is missing.
///
/// # Errors
/// [`OpeningError::Read`], [`OpeningError::Missing`].
pub fn read_lane(
    journal: &Journal,
    epoch: u16,
    lane: u16,
    mut each: impl FnMut(&RecordHeader, &[u8]),
) -> Result<(), OpeningError> {
    let durable = journal.marks(epoch)?.durable(lane).0;
    let mut reader = journal.reader(epoch, lane)?;
    let mut last = 0;
    while let Some(record) = reader.next()? {
        last = record.seq.0;
        each(&record.header, record.body);
    }
    if last < durable {
        return Err(OpeningError::Missing { epoch, lane, last, durable });
    }
    Ok(())
}

impl LastSession {
    /// Reads the last session of a directory; `None` when there was none whose opening was
    /// complete.
    ///
    /// # Errors
    /// [`OpeningError`]: the journal is damaged. Nothing may start on it.
    pub fn read(dir: &Path) -> Result<Option<Self>, OpeningError> {
        let journal = Journal::open(dir)?;
        let mut epochs = journal.epochs()?;
        epochs.sort_unstable();
        while let Some(epoch) = epochs.pop() {
            if let Some(session) = Self::read_epoch(&journal, epoch)? {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    fn read_epoch(journal: &Journal, epoch: u16) -> Result<Option<Self>, OpeningError> {
        let mut session = Self { epoch, ..Self::default() };
        let mut open = false;
        for lane in journal.lanes(epoch)? {
            read_lane(journal, epoch, lane, |header, body| {
                let Some(kind) = RecordKind::from_u16(header.kind) else { return };
                open |= kind == RecordKind::OpenComplete;
                session.take(kind, StageId(header.stage), Nanos(header.ts), body);
            })?;
        }
        Ok(open.then_some(session))
    }

    fn take(&mut self, kind: RecordKind, stage: StageId, ts: Nanos, body: &[u8]) {
        self.limits.take(kind, stage, body);
        match kind {
            RecordKind::SessionOpen => {
                if let Some((open, rest)) = SessionOpen::split(body) {
                    self.date = open.date;
                    let text = rest.get(..open.len as usize).unwrap_or_default();
                    self.config = String::from_utf8_lossy(text).into_owned();
                }
            }
            RecordKind::Instruments => {
                if let Some((head, rest)) = Text::split(body) {
                    let text = rest.get(..head.len as usize).unwrap_or_default();
                    self.instruments = String::from_utf8_lossy(text).into_owned();
                }
            }
            RecordKind::SessionClose => self.clean = true,
            RecordKind::StrategyDown | RecordKind::CarryStrategy => self.down.take(kind, body),
            RecordKind::Tx | RecordKind::CarryTx => {
                if let Some((tx, bytes)) = Tx::split(body) {
                    let bytes = bytes.get(..usize::from(tx.len)).unwrap_or_default().to_vec();
                    self.messages.push(SentMessage { tx, bytes });
                }
            }
            RecordKind::TxVoid => {
                let void = TxVoid::read(body).filter(|void| void.tx_seq != 0);
                if let Some(void) = void {
                    let same = |sent: &SentMessage| {
                        sent.tx.cl_ord_id == void.cl_ord_id && sent.tx.action == void.action
                    };
                    if let Some(at) = self.messages.iter().rposition(same) {
                        self.messages.remove(at);
                    }
                }
            }
            RecordKind::VenueSession => {
                if let Some(read) = VenueSession::read(body) {
                    self.take_session(read);
                }
            }
            RecordKind::OpenComplete | RecordKind::LimitSet => {}
            RecordKind::Operator => self.down.take(kind, body),
            RecordKind::ParentState => {
                if let Some(state) = ParentState::read(body) {
                    self.latched.insert(state.cl_ord_id, state);
                }
            }
            RecordKind::CarryParentState => {
                // Of the opening: whatever was latched since is in another lane, read before or
                // after this one.
                if let Some(state) = ParentState::read(body) {
                    self.latched.entry(state.cl_ord_id).or_insert(state);
                }
            }
            _ if stage.kind() == Some(Stage::Risk) => {
                self.risk.push(Kept { kind, ts, body: body.to_vec() });
            }
            _ => {}
        }
    }

    /// The first of a gateway is the one carried over: its sequence is where risk had come to.
    fn take_session(&mut self, read: VenueSession) {
        self.logons.push(read);
        match self.sessions.iter().find(|known| known.gateway == read.gateway) {
            Some(known) if known.session == read.session => {}
            Some(_) => self.later.push(VenueSession { venue_seq: 1, ..read }),
            None => self.sessions.push(read),
        }
    }

    /// The session that risk has come to: by its last `SessionUp`, the first one without. A logon
    /// alone is not enough: the orders of the session before may not have been ended yet.
    fn session_of(&self, first: &VenueSession) -> VenueSession {
        let up = self.last_up(first.gateway);
        let tag = up.map(|up| up.venue_ord_id);
        let of_gateway = self.later.iter().rev().filter(|known| known.gateway == first.gateway);
        let mut later = of_gateway.filter(|known| Some(tag_of(&known.session)) == tag);
        let is_first = tag == Some(tag_of(&first.session));
        let known = if is_first { *first } else { *later.next().unwrap_or(first) };
        // Questions asked since the one that the last `SessionUp` answered.
        let is_known = |logon: &&VenueSession| {
            (logon.gateway, logon.session) == (known.gateway, known.session)
        };
        let asked = self.logons.iter().rev().find(is_known).map_or(0, |logon| logon.queries);
        let answered = up.filter(|up| up.venue_ord_id == tag_of(&known.session));
        let answered = answered.map_or(0, |up| up.exec_id.0 as u8);
        VenueSession { queries: asked.wrapping_sub(answered), ..known }
    }

    /// The last `SessionUp` of a gateway that risk has applied.
    fn last_up(&self, gateway: u8) -> Option<OrderEvent> {
        self.risk.iter().rev().find_map(|kept| {
            let event = (kept.kind == RecordKind::OrderEvent)
                .then(|| OrderEvent::read(&kept.body))
                .flatten()?;
            let is_up = event.event == Kind::SessionUp as u8 && event.gateway == gateway;
            is_up.then_some(event)
        })
    }
}

/// A working order as a gateway needs it.
#[derive(Clone, Copy, Debug)]
struct WorkingOrder {
    root: ClOrdId,
    last: ClOrdId,
    id: ClOrdId,
    replace: ClOrdId,
    venue_ord_id: VenueOrdId,
    leaves: Qty,
    gateway: GatewayId,
    instrument: InstrumentId,
}

/// The state that a session begins with.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// `CarryOrder` and `CarryPosition`, in the order written.
    pub risk: Vec<Kept>,
    /// Messages of working orders: `CarryTx`.
    pub messages: Vec<SentMessage>,
    /// By gateway that has one: where its stream resumes.
    pub sessions: Vec<VenueSession>,
    /// Strategies that do not act until a person enables them.
    pub down: Vec<StrategyDown>,
    /// The last session, when it did not end in order and a person is to arm this one (C3).
    pub crashed: Option<u16>,
    working: Vec<WorkingOrder>,
    /// Parents that are open.
    parents: Vec<Carried>,
}

impl Opening {
    /// Rebuilds the last session and makes an opening of what is left of it. Orders that were
    /// approved and for which no message was ever written were never sent: they are released here.
    /// `date` is the new session's, `now` its start by the engine's clock.
    ///
    /// # Errors
    /// [`OpeningError::Restore`]: a record contradicts those before it.
    pub fn after(
        last: &LastSession,
        config: &Config,
        setup: &Setup,
        (date, now): (u32, Nanos),
    ) -> Result<Self, OpeningError> {
        let mut risk = Risk::new(setup);
        for (at, kept) in last.risk.iter().enumerate() {
            risk.restore(kept.kind, &kept.body, kept.ts).map_err(|error| {
                OpeningError::Restore { epoch: last.epoch, record: at + 1, error }
            })?;
        }
        for report in never_sent(&risk, &last.messages) {
            risk.on_report(&report.0, report.1);
        }
        let mut opening = Self { down: last.down.all(), ..Self::default() };
        if !last.clean && config.start.after_crash == AfterCrash::ByHand {
            opening.crashed = Some(last.epoch);
            // Carried like whatever risk has fallen to: a person takes it back by arming.
            risk.trip(Scope::Firm, Reason::Mode, Mode::CancelOnly, 0, 0);
        }
        let keep = |kind, body: &[u8]| Kept { kind, ts: Nanos(0), body: body.to_vec() };
        risk.carry(date != last.date, &mut |kind, body| {
            opening.risk.push(keep(kind, body));
            let parent = (kind == RecordKind::CarryParent).then(|| Parent::read(body)).flatten();
            let state = parent.and_then(|parent| last.latched.get(&parent.cl_ord_id));
            if let Some(state) = state {
                opening.risk.push(keep(RecordKind::CarryParentState, state.bytes()));
            }
        });
        risk.carry_recent(now, &mut |kind, body| opening.risk.push(keep(kind, body)));
        opening.sessions = last
            .sessions
            .iter()
            .map(|first| {
                let known = last.session_of(first);
                let seen = risk.venue_seq(GatewayId(known.gateway)).unwrap_or(0);
                let venue_seq = if seen == 0 { known.venue_seq } else { u64::from(seen) + 1 };
                VenueSession { venue_seq, ..known }
            })
            .collect();
        opening.find_working(&risk);
        let ids = |order: &WorkingOrder| [order.id, order.replace];
        let wanted: BTreeSet<ClOrdId> = opening.working.iter().flat_map(ids).collect();
        let orders = last.messages.iter().filter(|sent| sent.is_order());
        let mut kept: Vec<SentMessage> = Vec::new();
        for sent in orders.filter(|sent| wanted.contains(&sent.tx.cl_ord_id)) {
            // Sent again after a reconnect: the same bytes under the same number.
            kept.retain(|known| known.tx.cl_ord_id != sent.tx.cl_ord_id);
            kept.push(sent.clone());
        }
        opening.messages = kept;
        Ok(opening)
    }

    /// The opening that a recorded session began with.
    ///
    /// # Errors
    /// [`RestoreError`] when it does not fit the setup.
    pub fn recorded(
        risk: Vec<Kept>,
        messages: Vec<SentMessage>,
        sessions: Vec<VenueSession>,
        down: Vec<StrategyDown>,
        setup: &Setup,
    ) -> Result<Self, RestoreError> {
        let mut opening = Self { risk, messages, sessions, down, ..Self::default() };
        let mut state = Risk::new(setup);
        opening.restore_into(&mut state)?;
        opening.find_working(&state);
        Ok(opening)
    }

    fn find_working(&mut self, risk: &Risk) {
        let each = risk.working_orders().map(|order| WorkingOrder {
            root: order.root,
            last: order.last,
            id: order.terms.id,
            replace: order.replace.id,
            venue_ord_id: order.venue_ord_id,
            leaves: order.leaves_qty(),
            gateway: order.gateway,
            instrument: order.instrument,
        });
        self.working = each.collect();
        let states = self.risk.iter().filter(|kept| kept.kind == RecordKind::CarryParentState);
        let states: Vec<ParentState> =
            states.filter_map(|kept| ParentState::read(&kept.body)).collect();
        // As carried, without what working children use: those bring it back themselves.
        let carried = self.risk.iter().filter(|kept| kept.kind == RecordKind::CarryParent);
        let parents = carried.filter_map(|kept| Parent::read(&kept.body)).map(|parent| {
            let children = risk.working_orders().filter(|order| order.parent == parent.cl_ord_id);
            let children = children.map(|order| CarriedChild {
                leg: order.leg,
                last: order.last,
                id: order.terms.id,
                cum_qty: order.cum_qty,
                leaves_qty: order.leaves_qty(),
            });
            let state = states.iter().find(|state| state.cl_ord_id == parent.cl_ord_id);
            Carried { parent, state: state.copied(), children: children.collect() }
        });
        self.parents = parents.collect();
    }

    /// Why a strategy does not act from the start, if it does not.
    #[must_use]
    pub fn why_down(&self, strategy: StrategyId) -> Option<DownCause> {
        let down = self.down.iter().find(|down| down.strategy == strategy.0)?;
        Some(DownCause::from_u8(down.cause).unwrap_or(DownCause::Operator))
    }

    /// Open parents of a strategy.
    pub fn parents_of(&self, strategy: StrategyId) -> impl Iterator<Item = &Carried> {
        let of = move |carried: &&Carried| carried.parent.cl_ord_id.strategy() == strategy;
        self.parents.iter().filter(of)
    }

    /// Takes the state into the `Risk` that will trade.
    ///
    /// # Errors
    /// [`RestoreError`] when it does not fit the setup.
    pub fn restore_into(&self, risk: &mut Risk) -> Result<(), RestoreError> {
        self.risk.iter().try_for_each(|kept| risk.restore(kept.kind, &kept.body, kept.ts))
    }

    /// First and highest id of each working order of a strategy.
    pub fn working_of(&self, strategy: StrategyId) -> impl Iterator<Item = (ClOrdId, ClOrdId)> {
        let mine = self.working.iter().filter(move |order| order.root.strategy() == strategy);
        mine.map(|order| (order.root, order.last))
    }

    /// The newest id of each working order: no strategy knows them, so they are cancelled once
    /// their session is up.
    pub fn working(&self) -> impl Iterator<Item = ClOrdId> {
        self.working.iter().map(|order| order.last)
    }

    /// Where a gateway's stream resumes.
    #[must_use]
    pub fn start_of(&self, gateway: GatewayId) -> Start {
        let known = self.sessions.iter().find(|known| known.gateway == gateway.0);
        known.map_or(Start::FIRST, |known| Start {
            session: SessionName(known.session),
            seq: known.venue_seq,
        })
    }

    /// Questions asked of a gateway's venue whose answers may still come.
    #[must_use]
    pub fn queries_of(&self, gateway: GatewayId) -> Queries {
        let known = self.sessions.iter().find(|known| known.gateway == gateway.0);
        Queries::carried(known.map_or(0, |known| known.queries))
    }

    /// Puts the working orders' numbers and messages into a gateway's tables.
    pub fn restore_wire(
        &self,
        gateway: GatewayId,
        ouch: &mut Ouch,
        unanswered: &mut UnansweredTable,
    ) {
        for order in self.working.iter().filter(|order| order.gateway == gateway) {
            let message_of = |id: ClOrdId| {
                self.messages.iter().find(|sent| id != ClOrdId::NONE && sent.tx.cl_ord_id == id)
            };
            let Some(first) = message_of(order.id) else { continue };
            let urn = first.tx.venue_no;
            let restored = ouch.table_mut().restore_new(urn, order.id);
            debug_assert!(restored.is_ok(), "the tables have room for every slot");
            if order.venue_ord_id.0 != 0 {
                ouch.table_mut().on_live(
                    urn,
                    order.venue_ord_id,
                    order.leaves.to_shares().unwrap_or(0),
                );
            } else {
                unanswered.keep(&approved_of(first, order), urn, &first.bytes, first.bytes.len());
            }
            if let Some(second) = message_of(order.replace) {
                let urn = second.tx.venue_no;
                let restored = ouch.table_mut().restore_replace(urn, order.replace);
                debug_assert!(restored.is_ok(), "the tables have room for every slot");
                unanswered.keep(
                    &approved_of(second, order),
                    urn,
                    &second.bytes,
                    second.bytes.len(),
                );
            }
        }
        let session = self.sessions.iter().find(|known| known.gateway == gateway.0);
        if let Some(known) = session {
            ouch.table_mut().raise_next_urn(known.venue_no);
        }
    }
}

/// The approval behind a message, as far as sending it again needs it.
fn approved_of(sent: &SentMessage, order: &WorkingOrder) -> Approved {
    Approved {
        kind: sent.tx.action,
        instrument: order.instrument,
        cl_ord_id: sent.tx.cl_ord_id,
        t0: sent.tx.t0,
        ..Approved::default()
    }
}

/// Reports for orders and replaces that were approved and never written for the wire: the journal
/// is ahead of the wire, so no venue can know them.
fn never_sent(risk: &Risk, messages: &[SentMessage]) -> Vec<(ExecReport, GatewayId)> {
    // A cancel names an id as well, of a replace that may have been taken back before it was
    // written.
    let orders = messages.iter().filter(|sent| sent.is_order());
    let sent: BTreeSet<ClOrdId> = orders.map(|sent| sent.tx.cl_ord_id).collect();
    let mut reports = Vec::new();
    for order in risk.working_orders() {
        // The replace first: what is left must be the order as it was.
        for id in [order.replace.id, order.terms.id] {
            if id != ClOrdId::NONE && !sent.contains(&id) {
                let report = ExecReport {
                    kind: Kind::GateReject as u8,
                    reason: Reason::Session as u16,
                    cl_ord_id: id,
                    last_px: order.terms.px,
                    last_qty: order.terms.qty,
                    ..ExecReport::default()
                };
                reports.push((report, order.gateway));
            }
        }
    }
    reports
}
