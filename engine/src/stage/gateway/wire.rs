//! What the venue says, and what has not been answered yet.

use super::GatewayStage;
use super::queue::Item;
use crate::stage::Turn;
use gateway::link::SendResult;
use gateway::ouch::VenueEvent;
use gateway::session::soupbintcp::{ClientEvent, EndReason, REJECT_SESSION, Start};
use shm::ids::{ClOrdId, ExecId, VenueOrdId};
use shm::message::{Approved, ExecReport, Kind};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::market::VenueSession;
use shm::record::status::Tick;
use shm::units::Nanos;

/// Most bytes of a new order or replace, framing included.
const KEPT_BYTES: usize = 96;

/// A message that may have to be sent again, under its own number.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered {
    /// The approval it came of.
    pub approved: Approved,
    /// The venue's number; 0 for none.
    pub urn: u32,
    len: u8,
    bytes: [u8; KEPT_BYTES],
}

impl Default for Unanswered {
    fn default() -> Self {
        Self { approved: Approved::default(), urn: 0, len: 0, bytes: [0; KEPT_BYTES] }
    }
}

/// Per slot the latest new order and the latest replace as they were sent, and the id of the cancel
/// that followed.
#[derive(Debug)]
pub struct UnansweredTable {
    slots: Box<[[Unanswered; 2]]>,
    cancels: Box<[ClOrdId]>,
    /// Whether that was on the connection that there is.
    cancel_sent: Box<[bool]>,
    /// Scratch for putting numbers in order; made once.
    order: Vec<(u32, ClOrdId)>,
}

impl UnansweredTable {
    /// For `slots` slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let cancels = vec![ClOrdId::NONE; slots].into_boxed_slice();
        let cancel_sent = vec![false; slots].into_boxed_slice();
        let slots = vec![[Unanswered::default(); 2]; slots].into_boxed_slice();
        let order = Vec::with_capacity(slots.len() * 2);
        Self { slots, cancels, cancel_sent, order }
    }

    /// Keeps the id of a cancel as it is about to be sent.
    pub fn keep_cancel(&mut self, id: ClOrdId) {
        let slot = id.slot() as usize;
        if let (Some(kept), Some(sent)) =
            (self.cancels.get_mut(slot), self.cancel_sent.get_mut(slot))
        {
            (*kept, *sent) = (id, false);
        }
    }

    /// The cancel that was kept is on its way.
    pub(super) fn on_cancel_sent(&mut self, id: ClOrdId) {
        if let Some(sent) = self.cancel_sent.get_mut(id.slot() as usize) {
            *sent = true;
        }
    }

    /// Whether this cancel was sent on the connection that there is, and not refused since.
    pub(super) fn is_cancel_sent(&self, id: ClOrdId) -> bool {
        self.cancel_of(id.slot()) == Some(id) && self.is_sent(id.slot())
    }

    fn is_sent(&self, slot: u32) -> bool {
        self.cancel_sent.get(slot as usize).is_some_and(|sent| *sent)
    }

    /// The venue has refused a cancel: it may be asked for again.
    pub(super) fn drop_cancel(&mut self, id: ClOrdId) {
        if let Some(kept) = self.cancels.get_mut(id.slot() as usize) {
            *kept = ClOrdId::NONE;
        }
    }

    /// The connection is gone, and what was sent on it may be lost.
    pub(super) fn forget_cancels_sent(&mut self) {
        self.cancel_sent.fill(false);
    }

    /// The cancel that was sent for the order of a slot, if any.
    pub(super) fn cancel_of(&self, slot: u32) -> Option<ClOrdId> {
        self.cancels.get(slot as usize).copied().filter(|id| *id != ClOrdId::NONE)
    }

    /// For how many slots.
    pub(super) const fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Keeps a message as it is about to be sent: the first `len` of `bytes`, which may go on.
    #[inline]
    pub fn keep(&mut self, approved: &Approved, urn: u32, bytes: &[u8], len: usize) {
        let Some(pair) = self.slots.get_mut(approved.cl_ord_id.slot() as usize) else { return };
        let [new, replace] = pair;
        let kept = if approved.kind == Kind::ApprovedReplace as u8 {
            replace
        } else {
            replace.urn = 0;
            if let Some(cancel) = self.cancels.get_mut(approved.cl_ord_id.slot() as usize) {
                *cancel = ClOrdId::NONE;
            }
            new
        };
        // A longer message than any of ours cannot be sent again: it is not kept.
        if len > KEPT_BYTES {
            return;
        }
        match bytes.first_chunk() {
            // One copy of a known size, whatever lies behind the message.
            Some(bytes) => kept.bytes = *bytes,
            None => {
                let (Some(place), Some(bytes)) = (kept.bytes.get_mut(..len), bytes.get(..len))
                else {
                    return;
                };
                place.copy_from_slice(bytes);
            }
        }
        kept.len = len as u8;
        (kept.approved, kept.urn) = (*approved, urn);
    }

    /// Copies the message of an order and number into `out`; its length and number.
    ///
    /// # Errors
    /// [`Reason::UnknownOrder`] when it is no longer kept.
    pub fn write(&self, id: ClOrdId, urn: u32, out: &mut [u8]) -> Result<(usize, u32), Reason> {
        let pair = self.slots.get(id.slot() as usize).ok_or(Reason::UnknownOrder)?;
        let kept = pair.iter().find(|kept| kept.urn == urn).ok_or(Reason::UnknownOrder)?;
        let len = usize::from(kept.len);
        let (Some(bytes), Some(place)) = (kept.bytes.get(..len), out.get_mut(..len)) else {
            return Err(Reason::UnknownOrder);
        };
        place.copy_from_slice(bytes);
        Ok((len, urn))
    }

    fn get(&self, id: ClOrdId, urn: u32) -> Option<&Unanswered> {
        self.slots.get(id.slot() as usize)?.iter().find(|kept| kept.urn == urn)
    }
}

/// Questions for the next number whose answers have not come. The venue's stream is whole once the
/// last one has: a resumed stream may hold answers to earlier logons, and messages behind them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Queries {
    asked: u8,
    answered: u8,
    /// Time of the last question, or of the last message of the venue after it.
    heard: Nanos,
    /// The number of the next message as it was known before the logon.
    expected: u64,
}

impl Queries {
    /// So many were asked by earlier processes, and their answers may still come.
    #[must_use]
    pub const fn carried(asked: u8) -> Self {
        Self { asked, answered: 0, heard: Nanos(0), expected: 0 }
    }

    fn ask(&mut self, now: Nanos) {
        self.asked = self.asked.wrapping_add(1);
        self.heard = now;
    }

    /// Takes an answer; whether it is the last.
    const fn answer(&mut self) -> bool {
        self.answered = self.answered.wrapping_add(1);
        self.answered == self.asked
    }

    /// Nothing is on its way, whatever was asked.
    const fn forget(&mut self) {
        self.asked = 0;
        self.answered = 0;
    }
}

/// [`Tick`]: the venue was silent, with its answer to our question owed.
const ASKED_AGAIN: u8 = 1;
/// A stream silent for so long holds no answer: the question, or the count of them, was lost.
const ANSWER_MAX: Nanos = Nanos::SECOND;

impl GatewayStage {
    /// The link is there: the logon goes out with the next turn.
    pub(super) fn on_opened(&mut self, now: Nanos) {
        self.queries.expected = self.session.position().seq;
        self.session.on_connect(now);
    }

    /// Asks again for the next number when the answer does not come.
    pub(super) fn ask_again(&mut self, turn: &mut Turn<'_>) {
        let is_waiting = !self.ready && !self.broken && self.session.is_live();
        if !is_waiting || turn.now.saturating_since(self.queries.heard) <= ANSWER_MAX {
            return;
        }
        let tick = Tick { what: ASKED_AGAIN, index: self.gateway.0, ..Tick::default() };
        if turn.try_write(RecordKind::Tick, self.id, self.at(), turn.now, tick.bytes()) {
            self.on_silence(turn.now);
            self.send_query(turn.now);
        }
    }

    /// What was asked so far will not be answered any more; one question is.
    pub(super) fn on_silence(&mut self, now: Nanos) {
        self.queries.forget();
        self.queries.ask(now);
    }

    fn send_query(&mut self, now: Nanos) {
        let mut out = [0; 16];
        let Some(len) = self.ouch.encode_query(&mut out) else { return };
        if let (Some(link), Some(bytes)) = (&mut self.link, out.get(..len)) {
            match link.link().send(bytes) {
                SendResult::All | SendResult::Partial(_) => self.session.on_sent(now),
                // It is asked again, or the next turn finds the link closed.
                SendResult::WouldBlock | SendResult::TooLong | SendResult::Closed(_) => {}
            }
        }
    }

    /// Handles every event that the bytes fed so far have completed.
    pub(super) fn take_events(&mut self, now: Nanos, turn: &mut Turn<'_>) {
        loop {
            if !self.expire(turn) {
                return;
            }
            let Self { session, ouch, .. } = self;
            let (event, seq) = match session.next_event() {
                None => return,
                Some(ClientEvent::Message { seq, payload }) => {
                    self.queries.heard = now;
                    let Ok(event) = ouch.on_message(payload, seq, now) else {
                        self.meters.malformed.add(1);
                        continue;
                    };
                    (event, seq)
                }
                Some(ClientEvent::Login { session: name, next_seq, is_new_session, .. }) => {
                    self.on_login(name.0, next_seq, is_new_session, now, turn);
                    continue;
                }
                Some(ClientEvent::Ended(EndReason::Rejected(REJECT_SESSION))) => {
                    // A new day: the session we knew is over, whatever is served now comes after
                    // it.
                    session.set_position(Start::FIRST);
                    self.session_refused = true;
                    continue;
                }
                Some(ClientEvent::Debug(_) | ClientEvent::Heartbeat | ClientEvent::Ended(_)) => {
                    continue;
                }
            };
            match event {
                VenueEvent::Report(report) => {
                    self.count(&report);
                    self.after_report(&report);
                    self.report(report, now, turn);
                }
                VenueEvent::NextUrn(next) if self.queries.answer() => {
                    self.on_next_number(next, seq, now, turn);
                }
                VenueEvent::NextUrn(_) => {}
                VenueEvent::System(_)
                | VenueEvent::MassCancelTaken { .. }
                | VenueEvent::EntrySwitched { .. } => {}
            }
        }
    }

    fn after_report(&mut self, report: &ExecReport) {
        if report.cl_ord_id == ClOrdId::NONE {
            return;
        }
        if report.kind == Kind::CancelRejected as u8 {
            self.unanswered.drop_cancel(report.cl_ord_id);
        }
        self.show(report.cl_ord_id.slot());
    }

    fn count(&self, report: &ExecReport) {
        let meter = match Kind::from_u8(report.kind) {
            Some(Kind::Accepted | Kind::AcceptedDead) => &self.meters.acks,
            Some(Kind::Executed) => &self.meters.fills,
            Some(Kind::Canceled) => &self.meters.canceled,
            Some(Kind::Replaced | Kind::ReplacedDead) => &self.meters.replaced,
            Some(Kind::Rejected) => &self.meters.rejected,
            Some(_) | None => return,
        };
        meter.add(1);
    }

    /// Logged on: the stream will be replayed up to now, and ends with the answer to our question
    /// for the next number, if it is the stream we know.
    fn on_login(
        &mut self,
        session: [u8; 10],
        next_seq: u64,
        is_new_session: bool,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        self.meters.sessions.add(1);
        let is_other = core::mem::take(&mut self.session_refused) || is_new_session;
        if is_other {
            // The stream begins anew, and nothing of ours is in it.
            self.queries.forget();
        }
        self.queries.ask(now);
        let record = VenueSession {
            session,
            gateway: self.gateway.0,
            queries: self.queries.asked,
            venue_no: self.ouch.table().next_urn(),
            venue_seq: next_seq,
            t0: now,
        };
        turn.write(RecordKind::VenueSession, self.id, self.at(), now, record.bytes());
        // A venue that has lost what it had told goes on with other messages under the numbers of
        // those: no report of it can be believed, and nothing is sent to it.
        let expected = self.queries.expected;
        self.broken = !is_other && expected != 0 && next_seq != expected;
        self.meters.session_broken.set(self.broken.into());
        if is_other {
            // Whatever worked in the old session is gone with it.
            self.new_session = true;
            self.begin_expiry(now);
        }
        self.send_query(now);
    }

    /// The stream is whole. What the venue has not seen is sent again, under its own numbers, in
    /// their order; then new orders may go.
    fn on_next_number(&mut self, next: u32, seq: u64, now: Nanos, turn: &mut Turn<'_>) {
        if self.ready || self.broken {
            return;
        }
        self.ready = true;
        self.meters.session_up.set(1);
        self.queue.clear_again();
        let Self { ouch, unanswered, queue, .. } = self;
        let table = ouch.table();
        unanswered.order.clear();
        let mut slot = table.next_open(0);
        while let Some(open) = slot {
            if let Some(id) = unanswered.cancel_of(open) {
                // The order lives: its cancel may have been lost with the link. It follows what is
                // sent again.
                queue.push_cancel(id, now);
            }
            for urn in table.cancel_urns(open) {
                if urn >= next
                    && let Some(id) = table.id_of(urn)
                {
                    unanswered.order.push((urn, id));
                }
            }
            slot = table.next_open(open.saturating_add(1));
        }
        unanswered.order.sort_unstable();
        for (urn, id) in &unanswered.order {
            if let Some(kept) = unanswered.get(*id, *urn) {
                queue.push_again(Item {
                    approved: kept.approved,
                    published: now,
                    annulled: false,
                    again: Some(*urn),
                });
            }
        }
        ouch.table_mut().raise_next_urn(next);
        let report = ExecReport {
            kind: Kind::SessionUp as u8,
            reason: u16::from(core::mem::take(&mut self.new_session)),
            venue_ord_id: tag_of(&self.session.position().session.0),
            exec_id: ExecId(self.queries.asked.into()),
            venue_seq: seq as u32,
            t0: now,
            ..ExecReport::default()
        };
        self.report(report, now, turn);
    }
}

/// What `SessionUp` says of the session's name, in place of a venue's order number: risk's lane
/// then tells which session it has come to.
#[must_use]
pub fn tag_of(session: &[u8; 10]) -> VenueOrdId {
    let [_, _, rest @ ..] = *session;
    VenueOrdId(u64::from_le_bytes(rest))
}
