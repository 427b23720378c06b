//! The gateway stage: approvals in, bytes out; bytes in, reports out. One venue session.
//!
//! Primary port: approvals. `RxVenue` for bytes and for links opened and closed; `Tx` before a
//! send,
//! `Sent` after it, `TxVoid` in its place. An order that is not on the wire yet is overtaken by
//! cancels, and annihilated by its own.

mod expiry;
mod queue;
mod replay;
mod wire;

use super::terms::TermsTable;
use super::{Recorded, Turn};
use crate::link::{Input, Output};
use crate::planted::{self, Bug};
use crate::telemetry::GatewayMeters;
use expiry::Expiry;
use gateway::link::{Link, MemoryLink, RecvResult, SendResult, TcpLink};
use gateway::ouch::Ouch;
use gateway::session::soupbintcp::Client;
use queue::{Item, Queue};
use shm::atomic::{AtomicU64, Ordering};
use shm::gates::Gates;
use shm::ids::{AccountId, GatewayId};
use shm::journal::{DurableMark, LaneSeq, Place};
use shm::message::{Approved, ExecReport, Kind, OrderTerms};
use shm::reason::Reason;
use shm::record::market::{RxVenue, Sent, Tx, TxVoid};
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::collections::VecDeque;
use std::sync::Arc;
pub use wire::{Unanswered, UnansweredTable, tag_of};

/// Bytes of one read: at most 316 reports.
const READ_BYTES: usize = 4_096;
/// Free slots of the ring to risk below which the socket is not read: TCP keeps the rest.
const REPORT_ROOM: usize = 320;
/// Most bytes of one encoded approval, framing included.
const TX_BYTES_MAX: usize = 128;
/// Sends of one poll.
const SEND_BATCH: usize = 32;

/// Where bytes go. One kind of socket, and memory for simulations.
#[derive(Debug)]
pub enum AnyLink {
    /// A TCP connection.
    Tcp(TcpLink),
    /// Both ends in this process.
    Memory(MemoryLink),
}

impl AnyLink {
    fn link(&mut self) -> &mut dyn Link {
        match self {
            Self::Tcp(link) => link,
            Self::Memory(link) => link,
        }
    }
}

/// How a gateway gets a link: it asks, a cold thread dials and hands the descriptor over.
pub struct Dial {
    /// Raised by the gateway when it wants a link; taken down by the dialer.
    pub wanted: Arc<AtomicU64>,
    /// Links as they come.
    pub links: rtrb::Consumer<AnyLink>,
}

/// Where a replay puts the packets of each send.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// Limits of sending.
#[derive(Clone, Copy, Debug)]
pub struct SendRules {
    /// Oldest order that is sent, from its decision.
    pub order_age_max: Nanos,
    /// New orders of one poll that share the gate's reading; 1 reads it for each.
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
    /// How it gets a link; `None` in a replay.
    pub dial: Option<Dial>,
    /// The kill gates; `None` in a replay.
    pub gates: Option<Gates>,
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
    queue: Queue,
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
    /// A message that is in the lane and of which no byte is out.
    held: Option<Held>,
    gates: Option<Gates>,
    durable: Option<DurableMark>,
    rules: SendRules,
    meters: GatewayMeters,
    replay: VecDeque<Recorded>,
    sink: Option<Sink>,
}

/// A committed [`Tx`] that is still to be given to the socket.
#[derive(Clone, Copy, Debug)]
struct Held {
    item: Item,
    place: Place,
    urn: u32,
    len: usize,
    encoded: Nanos,
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
            dial,
            gates,
            durable,
            rules,
            meters,
            replay,
            sink,
        } = setup;
        let terms = TermsTable::new(unanswered.slots());
        Self {
            id,
            gateway,
            approved,
            reports,
            session,
            ouch,
            unanswered,
            terms,
            queue: Queue::new(),
            link: None,
            dial,
            ready: false,
            new_session: false,
            session_refused: false,
            expiry: None,
            held: None,
            gates,
            durable,
            rules,
            meters,
            replay,
            sink,
        }
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
        if !turn.has_room() {
            return 0;
        }
        self.take_link(turn);
        if self.expiry.is_some() {
            return self.expire_on(turn);
        }
        let mut work = self.receive(turn);
        self.keep_session(turn);
        work += self.take_approved(u64::MAX, turn);
        for _ in 0..SEND_BATCH {
            if !self.send_next(turn) {
                break;
            }
            work += 1;
        }
        work
    }

    fn at(&self) -> u64 {
        self.approved.taken()
    }

    /// Takes a link that was dialed, or asks for one.
    fn take_link(&mut self, turn: &mut Turn<'_>) {
        if self.link.is_some() {
            return;
        }
        let Some(dial) = &mut self.dial else { return };
        let Ok(link) = dial.links.pop() else {
            // ORDERING: Relaxed; a lone flag, the link itself comes over its own ring.
            dial.wanted.store(1, Ordering::Relaxed);
            return;
        };
        self.link = Some(link);
        self.write_event(RxVenue::OPENED, turn.now, turn);
        self.session.on_connect(turn.now);
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
        self.session.on_disconnect();
        self.held = None;
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
        self.check_ended(turn.now, turn);
    }

    /// Closes a link whose session has ended: refused, silent, or broken.
    fn check_ended(&mut self, now: Nanos, turn: &mut Turn<'_>) {
        use gateway::session::soupbintcp::ClientState;
        if self.link.is_some() && matches!(self.session.state(), ClientState::Ended(_)) {
            self.close(now, turn);
        }
    }

    /// Takes approvals until `until` were taken in all, or none wait, or the queue is full.
    fn take_approved(&mut self, until: u64, turn: &mut Turn<'_>) -> usize {
        let mut work = 0;
        while self.approved.taken() < until && self.queue.has_room() {
            let Some(message) = self.approved.pop() else { break };
            let published = message.tail().published(turn.clock.now());
            work += 1;
            if let Some(terms) = message.view::<OrderTerms>() {
                self.terms.put(terms);
            }
            if let Some(approved) = message.view::<Approved>() {
                let d_published = published.after(approved.t0);
                self.meters.journal.record(d_published.saturating_sub(approved.d_decided).into());
                let item = Item { approved: *approved, published, annulled: false, again: None };
                self.queue.push(item);
            }
        }
        work
    }

    /// Sends, or voids, the next message. False when there is none, or it must wait.
    fn send_next(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.reports.has_room(2) {
            return false;
        }
        if let Some(held) = self.held {
            return self.offer(held, turn);
        }
        let Some(item) = self.queue.peek(self.ready) else { return false };
        let now = turn.clock.now();
        if let Some(reason) = self.why_not(&item, now) {
            self.queue.pop(self.ready);
            self.void(&item, 0, reason, now, turn);
            return true;
        }
        let free = self.link.as_mut().is_some_and(|link| !link.link().has_pending());
        if !self.ready || !free || !self.is_durable(&item) {
            return false;
        }
        self.queue.pop(true);
        match self.encode(item, now, turn) {
            Some(held) => self.offer(held, turn),
            None => true,
        }
    }

    /// Why an order may not be sent now: a closed gate, its age, or its own cancel.
    fn why_not(&self, item: &Item, now: Nanos) -> Option<Reason> {
        if item.annulled {
            return Some(Reason::None);
        }
        if item.is_cancel() {
            return None;
        }
        if !self.is_open(item) {
            return Some(Reason::Killed);
        }
        let decided = item.approved.t0.0.saturating_add(u64::from(item.approved.d_decided));
        let too_old = now.0.saturating_sub(decided) > self.rules.order_age_max.0;
        // A message sent again has been on the wire before: its age says nothing.
        (too_old && item.again.is_none()).then_some(Reason::TooOld)
    }

    /// Whether an order's record is on the disk, where it has to be (D2). Cancels never wait.
    fn is_durable(&self, item: &Item) -> bool {
        let seq = LaneSeq(item.approved.lane_seq);
        item.is_cancel() || self.durable.as_ref().is_none_or(|mark| mark.covers(seq))
    }

    fn is_open(&self, item: &Item) -> bool {
        let approved = &item.approved;
        self.gates.as_ref().is_none_or(|gates| {
            let strategy = approved.cl_ord_id.strategy();
            gates.is_open(strategy, AccountId(approved.account), approved.instrument, self.gateway)
        })
    }

    /// Encodes into the lane and commits. `None` when the venue's rules allow no such message: then
    /// it is void.
    fn encode(&mut self, item: Item, now: Nanos, turn: &mut Turn<'_>) -> Option<Held> {
        let (t0, at) = (item.approved.t0, self.at());
        let Ok(mut claim) = turn.lane.claim(Tx::BYTES, TX_BYTES_MAX) else {
            self.void(&item, 0, Reason::Journal, now, turn);
            return None;
        };
        let encoded = match item.again {
            Some(urn) => self.unanswered.write(item.approved.cl_ord_id, urn, claim.payload_mut()),
            None => self
                .ouch
                .encode_with(
                    &item.approved,
                    &self.terms.of(&item.approved),
                    now,
                    claim.payload_mut(),
                )
                .map(|encoded| (encoded.bytes, encoded.urn)),
        };
        let (len, urn) = match encoded {
            Ok(encoded) => encoded,
            Err(reason) => {
                self.void(&item, 0, reason, now, turn);
                return None;
            }
        };
        if item.again.is_none() && !item.is_cancel() {
            let bytes = claim.payload_mut().get(..len).unwrap_or_default();
            self.unanswered.keep(&item.approved, urn, bytes);
        }
        // Planted, for the tests that must catch it (C1): on the wire before it is in the lane,
        // which comes late, as where the machine takes the core away in between.
        if planted::is(Bug::SendBeforeJournal)
            && let Some(link) = &mut self.link
        {
            let _ = link.link().send(claim.payload_mut().get(..len).unwrap_or_default());
            let sent = turn.clock.now();
            while turn.clock.now().saturating_since(sent) < Nanos(1_000_000) {}
        }
        let stamp = turn.clock.now();
        let tx = Tx {
            cl_ord_id: item.approved.cl_ord_id,
            t0,
            venue_no: urn,
            d_gateway: now.after(t0),
            d_encoded: stamp.after(t0),
            len: len as u16,
            gateway: self.gateway.0,
            action: item.approved.kind,
        };
        let placed = claim.commit(RecordKind::Tx as u16, self.id.0, at, now, tx.bytes(), len);
        let place = placed.ok()?;
        self.meters.hop_risk_gateway.record(now.saturating_since(item.published).0);
        self.meters.encode.record(stamp.saturating_since(now).0);
        Some(Held { item, place, urn, len, encoded: stamp })
    }

    /// Gives a committed message to the socket, if the gate is still open. True when it is done
    /// with.
    fn offer(&mut self, held: Held, turn: &mut Turn<'_>) -> bool {
        self.held = None;
        let now = turn.clock.now();
        let tx_seq = held.place.seq.low();
        if let Some(reason) = self.why_not(&held.item, now) {
            self.void(&held.item, tx_seq, reason, now, turn);
            self.ouch.table_mut().void(held.urn);
            return true;
        }
        let Some(link) = &mut self.link else { return true };
        let body = turn.lane.body(held.place).unwrap_or_default();
        let bytes = body.get(Tx::BYTES..Tx::BYTES + held.len).unwrap_or_default();
        let result = link.link().send(bytes);
        let sent = turn.clock.now();
        match result {
            SendResult::All | SendResult::Partial(_) => {
                self.session.on_sent(sent);
                self.after_sent(&held, bytes_of(result, held.len), sent, turn);
                true
            }
            SendResult::WouldBlock | SendResult::TooLong => {
                self.meters.would_block.add(1);
                self.held = Some(held);
                false
            }
            SendResult::Closed(_) => {
                self.after_sent(&held, -1, sent, turn);
                self.close(sent, turn);
                true
            }
        }
    }

    fn after_sent(&mut self, held: &Held, result: i32, sent: Nanos, turn: &mut Turn<'_>) {
        let Held { item, place, encoded, .. } = held;
        let record = Sent {
            cl_ord_id: item.approved.cl_ord_id,
            t0: item.approved.t0,
            tx_seq: place.seq.low(),
            result,
            d_sent: sent.after(item.approved.t0),
            gateway: self.gateway.0,
            ..Sent::default()
        };
        turn.write(RecordKind::Sent, self.id, self.at(), sent, record.bytes());
        self.meters.send.record(sent.saturating_since(*encoded).0);
        if item.again.is_some() {
            self.meters.resent.add(1);
            return;
        }
        match Kind::from_u8(item.approved.kind) {
            Some(Kind::ApprovedNew) => self.meters.sent_new.add(1),
            Some(Kind::ApprovedReplace) => self.meters.sent_replace.add(1),
            _ => self.meters.sent_cancel.add(1),
        }
        self.meters.arrival_to_send.record(sent.saturating_since(item.approved.t0).0);
    }

    /// An approval that will not be sent: written, and told to risk, which releases it.
    fn void(&mut self, item: &Item, tx_seq: u32, reason: Reason, now: Nanos, turn: &mut Turn<'_>) {
        let approved = &item.approved;
        let void = TxVoid {
            cl_ord_id: approved.cl_ord_id,
            t0: approved.t0,
            tx_seq,
            reason: reason as u8,
            gateway: self.gateway.0,
            action: approved.kind,
            ..TxVoid::default()
        };
        turn.write(RecordKind::TxVoid, self.id, self.at(), now, void.bytes());
        self.meters.voided.add(1);
        if item.is_cancel() {
            return;
        }
        let report = ExecReport {
            kind: Kind::GateReject as u8,
            reason: reason as u16,
            cl_ord_id: approved.cl_ord_id,
            last_px: approved.px,
            last_qty: approved.qty,
            t0: now,
            ..ExecReport::default()
        };
        self.report(report, now, turn);
    }

    fn report(&mut self, report: ExecReport, now: Nanos, turn: &Turn<'_>) {
        let stamp = turn.clock.now().max(now);
        let pushed = self.reports.try_push(report.into(), stamp);
        debug_assert!(pushed.is_ok(), "room was checked before anything was taken");
        self.meters.reports.add(1);
    }
}

fn bytes_of(result: SendResult, len: usize) -> i32 {
    let count = match result {
        SendResult::Partial(count) => count,
        SendResult::All | SendResult::WouldBlock | SendResult::TooLong | SendResult::Closed(_) => {
            len
        }
    };
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn session_report(kind: Kind, now: Nanos) -> ExecReport {
    ExecReport { kind: kind as u8, t0: now, ..ExecReport::default() }
}
