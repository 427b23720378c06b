//! The gateway stage: approvals in, bytes out; bytes in, reports out. One venue session.
//!
//! Primary port: approvals. `RxVenue` for bytes and for links opened and closed; `Tx` before a
//! send,
//! `Sent` after it, `TxVoid` in its place. An order that is not on the wire yet is overtaken by
//! cancels, and annihilated by its own.
//!
//! | module | what |
//! |---|---|
//! | `send` | from approval to socket: R47, the gates, the lane, one send |
//! | `wire` | what the venue says; logon, numbers, messages to be sent again |
//! | `expiry` | the end of a venue session |
//! | `kill` | what a closed gate covers is cancelled, out of the stage's own table |
//! | `open` | orders that may live, for those who watch from outside |
//! | `leave` | the end of ours: logout, and what the venue still says |
//! | `replay` | the stage driven by its records |

mod batch;
mod expiry;
mod kill;
mod leave;
mod open;
mod queue;
mod replay;
mod send;
#[cfg(test)]
mod tests;
mod wire;

use super::terms::TermsTable;
use super::{Recorded, Turn};
use crate::link::{Input, Output};
use crate::risk::approval::ApprovalSlots;
use crate::telemetry::GatewayMeters;
use batch::Batch;
use expiry::Expiry;
use gateway::link::{Link, MemoryLink, RecvResult, SendResult, TcpLink};
use gateway::ouch::Ouch;
use gateway::session::soupbintcp::Client;
use kill::Kill;
pub use kill::is_covered;
use leave::Leaving;
pub use open::{OpenOrder, OpenOrders};
use queue::Queue;
use shm::atomic::{AtomicU64, Ordering};
use shm::gates::Gates;
use shm::ids::GatewayId;
use shm::journal::DurableMark;
use shm::message::{ExecReport, Kind};
use shm::record::market::RxVenue;
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::collections::VecDeque;
use std::sync::Arc;
pub use wire::{Queries, Unanswered, UnansweredTable, tag_of};

/// Kinds of records that drive a replayed stage.
pub const REPLAYED: [RecordKind; 6] = [
    RecordKind::RxVenue,
    RecordKind::Tx,
    RecordKind::Sent,
    RecordKind::TxVoid,
    RecordKind::Tick,
    RecordKind::CancelAsked,
];
/// Bytes of one read: at most 316 reports.
const READ_BYTES: usize = 4_096;
/// Free slots of the ring to risk below which the socket is not read: TCP keeps the rest.
const REPORT_ROOM: usize = 320;
/// Time that may pass without a look at what the venue says, where a look is a call of the system
/// and the last one found nothing. Time and not turns: on a thread that yields, a turn can be long.
const UNREAD_MAX: Nanos = Nanos(1_500);
/// Messages sent or voided in one poll, about.
const SEND_BATCH: usize = 32;

/// Where bytes go. One kind of socket, and what simulations and tests use.
pub enum AnyLink {
    /// A TCP connection.
    Tcp(TcpLink),
    /// Both ends in this process.
    Memory(MemoryLink),
    /// Anything else.
    Other(Box<dyn Link + Send>),
}

impl AnyLink {
    pub(in crate::stage) fn link(&mut self) -> &mut dyn Link {
        match self {
            Self::Tcp(link) => link,
            Self::Memory(link) => link,
            Self::Other(link) => link.as_mut(),
        }
    }
}

/// How a gateway gets a link: it asks, a cold thread dials and hands the descriptor over.
pub struct Dial {
    /// Raised by the gateway when it wants a link; taken down by the dialer.
    pub wanted: Arc<AtomicU64>,
    /// Links as they come.
    pub links: rtrb::Consumer<AnyLink>,
    /// Not 0: the guard has taken the session over, and no link is wanted until trading is armed.
    pub fence: Arc<AtomicU64>,
}

/// Where a replay puts the packets of each send.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// Limits of sending.
#[derive(Clone, Copy, Debug)]
pub struct SendRules {
    /// Oldest order that is sent, from its decision.
    pub order_age_max: Nanos,
    /// New orders and replaces that may share one send: what can leave after a gate has closed.
    pub batch_max: u32,
}

/// What a gateway stage is made of.
pub struct Setup {
    /// Which stage it is.
    pub id: StageId,
    /// Which gateway.
    pub gateway: GatewayId,
    /// Approvals from risk.
    pub approved: Input,
    /// Reports to risk.
    pub reports: Output,
    /// The venue session.
    pub session: Client,
    /// The venue's messages and numbers.
    pub ouch: Ouch,
    /// Messages not yet answered, to be sent again under their own numbers.
    pub unanswered: UnansweredTable,
    /// Questions of earlier logons whose answers may still come.
    pub queries: Queries,
    /// How it gets a link; `None` in a replay.
    pub dial: Option<Dial>,
    /// The kill gates; `None` in a replay.
    pub gates: Option<Gates>,
    /// Where orders that may live are shown.
    pub open: Arc<OpenOrders>,
    /// Mode `sync`: how far risk's lane is durable, which an order waits for.
    pub durable: Option<DurableMark>,
    /// Limits of sending.
    pub rules: SendRules,
    /// Meters.
    pub meters: GatewayMeters,
    /// Records to follow; empty for a live run.
    pub replay: VecDeque<Recorded>,
    /// Where a replay puts the messages it would send.
    pub sink: Option<Sink>,
}

/// The stage.
pub struct GatewayStage {
    id: StageId,
    gateway: GatewayId,
    approved: Input,
    reports: Output,
    session: Client,
    ouch: Ouch,
    unanswered: UnansweredTable,
    terms: TermsTable,
    queries: Queries,
    approvals: ApprovalSlots,
    queue: Queue,
    batch: Batch,
    link: Option<AnyLink>,
    dial: Option<Dial>,
    /// The venue's stream is whole and it has told its next number.
    ready: bool,
    /// The logon named another session than before.
    new_session: bool,
    /// The venue does not know the session that was asked for: the next logon is to another.
    session_refused: bool,
    /// Orders of the session before, being told to risk as ended.
    expiry: Option<Expiry>,
    /// The venue's stream does not go on where it had been heard to.
    broken: bool,
    /// The engine stops: how far the session's end has come.
    leaving: Leaving,
    gates: Option<Gates>,
    kill: Kill,
    /// When the socket was looked at last.
    looked: Nanos,
    /// Whether that look found something: there may be more.
    found: bool,
    open: Arc<OpenOrders>,
    durable: Option<DurableMark>,
    rules: SendRules,
    meters: GatewayMeters,
    replay: VecDeque<Recorded>,
    sink: Option<Sink>,
}

impl GatewayStage {
    /// Puts the stage together.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup {
            id,
            gateway,
            approved,
            reports,
            session,
            ouch,
            unanswered,
            queries,
            dial,
            gates,
            open,
            durable,
            rules,
            meters,
            replay,
            sink,
        } = setup;
        let slots = unanswered.slots();
        let terms = TermsTable::new(slots);
        let stage = Self {
            id,
            gateway,
            approved,
            reports,
            session,
            ouch,
            unanswered,
            terms,
            queries,
            approvals: ApprovalSlots::new(slots),
            queue: Queue::new(slots),
            batch: Batch::new(),
            link: None,
            dial,
            ready: false,
            new_session: false,
            session_refused: false,
            expiry: None,
            broken: false,
            leaving: Leaving::No,
            gates,
            kill: Kill::default(),
            looked: Nanos(0),
            found: false,
            open,
            durable,
            rules,
            meters,
            replay,
            sink,
        };
        stage.open.forget_names();
        stage.show_all();
        stage
    }

    /// The venue's numbers, for reports after a run.
    #[must_use]
    pub const fn ouch(&self) -> &Ouch {
        &self.ouch
    }

    /// The venue session, for reports after a run.
    #[must_use]
    pub const fn session(&self) -> &Client {
        &self.session
    }

    /// One live turn.
    pub fn poll(&mut self, turn: &mut Turn<'_>) -> usize {
        self.watch_gates();
        if !turn.has_room() {
            return self.sweep_unwritten(turn.now);
        }
        self.take_link(turn);
        if self.expiry.is_some() {
            return self.expire_on(turn);
        }
        let mut work = self.take_approved(u64::MAX, turn);
        work += self.sweep(turn);
        let mut sent = 0;
        while sent < SEND_BATCH {
            let taken = self.send_next(turn);
            sent += taken;
            // A full socket is offered the same again with the next turn.
            if taken == 0 || !self.batch.is_empty() {
                break;
            }
        }
        if self.looks(sent, turn.now) {
            let read = self.receive(turn);
            (self.looked, self.found) = (turn.now, read > 0);
            work += read;
        }
        self.keep_session(turn);
        self.leave(turn);
        work + sent
    }

    /// Whether to look at the socket in a turn that began at `now` and sent so much. Orders go out
    /// before the look, which costs more than all of their trip.
    fn looks(&self, sent: usize, now: Nanos) -> bool {
        let is_call = matches!(self.link, Some(AnyLink::Tcp(_)));
        let is_due = now.saturating_since(self.looked) >= UNREAD_MAX;
        self.found || is_due || (sent == 0 && !is_call)
    }

    fn at(&self) -> u64 {
        self.approved.taken()
    }

    /// Takes a link that was dialed, or asks for one.
    fn take_link(&mut self, turn: &mut Turn<'_>) {
        if self.link.is_some() || self.leaving != Leaving::No {
            return;
        }
        let Some(dial) = &mut self.dial else { return };
        // ORDERING: Relaxed; a lone flag, raised before the link that is gone was shut.
        if dial.fence.load(Ordering::Relaxed) != 0 {
            return;
        }
        let Ok(link) = dial.links.pop() else {
            // ORDERING: Relaxed; a lone flag, the link itself comes over its own ring.
            dial.wanted.store(1, Ordering::Relaxed);
            return;
        };
        // ORDERING: Relaxed; as above. It may have been raised again between the dialing and the
        // handing over, and would bring a second link that nobody wants.
        dial.wanted.store(0, Ordering::Relaxed);
        self.link = Some(link);
        self.meters.link_open.set(1);
        self.write_event(RxVenue::OPENED, turn.now, turn);
        self.on_opened(turn.now);
    }

    fn write_event(&self, event: u8, now: Nanos, turn: &mut Turn<'_>) {
        let rx = RxVenue {
            t0: now,
            venue_seq: self.session.position().seq,
            gateway: self.gateway.0,
            event,
            ..RxVenue::default()
        };
        turn.write(RecordKind::RxVenue, self.id, self.at(), now, rx.bytes());
    }

    /// Reads the socket into the lane, if risk has room for what may come.
    fn receive(&mut self, turn: &mut Turn<'_>) -> usize {
        if !self.reports.has_room(REPORT_ROOM) {
            return 0;
        }
        let Some(link) = &mut self.link else { return 0 };
        let Ok(mut claim) = turn.lane.claim(RxVenue::BYTES, READ_BYTES) else { return 0 };
        let len = match link.link().recv_into(claim.payload_mut()) {
            RecvResult::Bytes(len) => len,
            RecvResult::WouldBlock => return 0,
            RecvResult::End | RecvResult::Closed(_) => {
                self.close(turn.clock.now(), turn);
                return 1;
            }
        };
        let now = turn.clock.now();
        let rx = RxVenue {
            t0: now,
            venue_seq: self.session.position().seq,
            len: len as u32,
            gateway: self.gateway.0,
            ..RxVenue::default()
        };
        let (kind, at) = (RecordKind::RxVenue as u16, self.approved.taken());
        let Ok(place) = claim.commit(kind, self.id.0, at, now, rx.bytes(), len) else { return 0 };
        self.meters.bytes_in.add(len as u64);
        let mut taken = 0;
        while taken < len {
            let bytes = turn.lane.body(place).and_then(|body| body.get(RxVenue::BYTES + taken..));
            let fed = self.session.on_bytes(bytes.unwrap_or_default(), now);
            taken += fed;
            self.take_events(now, turn);
            if fed == 0 {
                break;
            }
        }
        self.check_ended(now, turn);
        1
    }

    /// The link is gone: the session, and what was half sent, with it.
    fn close(&mut self, now: Nanos, turn: &mut Turn<'_>) {
        self.write_event(RxVenue::CLOSED, now, turn);
        self.on_closed(now, turn);
    }

    fn on_closed(&mut self, now: Nanos, turn: &mut Turn<'_>) {
        if let Some(mut link) = self.link.take() {
            link.link().shutdown();
        }
        self.meters.link_open.set(0);
        self.session.on_disconnect();
        self.unanswered.forget_cancels_sent();
        self.batch.clear();
        if core::mem::take(&mut self.ready) {
            self.meters.session_up.set(0);
            self.report(session_report(Kind::SessionDown, now), now, turn);
        }
    }

    /// Logon, heartbeats, silence. What is sent here is the session's, not an order's.
    fn keep_session(&mut self, turn: &mut Turn<'_>) {
        let Some(link) = &mut self.link else { return };
        if link.link().has_pending() {
            if let SendResult::Closed(_) = link.link().flush() {
                self.close(turn.now, turn);
            }
            return;
        }
        let mut out = [0; 64];
        let len = self.session.poll(turn.now, &mut out);
        if let Some(bytes) = out.get(..len).filter(|bytes| !bytes.is_empty())
            && let SendResult::Closed(_) = link.link().send(bytes)
        {
            self.close(turn.now, turn);
            return;
        }
        self.ask_again(turn);
        self.check_ended(turn.now, turn);
    }

    /// Closes a link whose session has ended: refused, silent, or broken.
    fn check_ended(&mut self, now: Nanos, turn: &mut Turn<'_>) {
        use gateway::session::soupbintcp::ClientState;
        if self.link.is_some() && matches!(self.session.state(), ClientState::Ended(_)) {
            self.close(now, turn);
        }
    }
}

fn session_report(kind: Kind, now: Nanos) -> ExecReport {
    ExecReport { kind: kind as u8, t0: now, ..ExecReport::default() }
}
