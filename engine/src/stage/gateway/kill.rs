//! What a gateway does when a gate closes: it cancels every order that the closing covers, out of
//! its own table, whatever risk, strategies, control thread and disk do (K3, K5).
//!
//! A look at the gates is one load a turn. A cancel that is asked for here stands in the lane as
//! `CancelAsked` of this stage and goes the way of any other. Where the closing covers all of the
//! gateway, a mass cancel goes first, as a cancel of no order, and the single ones follow: what the
//! venue does with the one does not hang on the other. When the lane has no room the cancels
//! go out unwritten, and single: a kill does not wait for a disk, and a cancel can be proved by its
//! answer, but a mass cancel takes a number that a replay has to find.

use super::batch::{MESSAGES_MAX, TX_BYTES_MAX};
use super::open::OpenOrder;
use super::{GatewayStage, Turn};
use gateway::link::SendResult;
use shm::gates::{Gates, Scope, Summary};
use shm::ids::{AccountId, Cause, ClOrdId, GatewayId, InstrumentId};
use shm::message::Approved;
use shm::record::RecordKind;
use shm::record::order::CancelAsked;
use shm::units::Nanos;

/// Orders that one turn of a sweep asks to cancel.
const SWEEP_BATCH: usize = 32;

/// A cancel of no order: of all of them.
pub(super) const MASS_CANCEL: ClOrdId = ClOrdId::NONE;

/// How far the cancelling of what closed gates cover has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kill {
    /// The gates as they were last seen.
    seen: Option<Summary>,
    /// The session was up when they were.
    was_up: bool,
    /// A mass cancel is to go before the next cancel.
    mass: bool,
    /// The next slot to look at.
    slot: Option<u32>,
    /// The same, of the cancels that are sent unwritten.
    bare: Option<u32>,
}

/// Whether a closed gate covers an order of a gateway. What is not known of an order covers it.
#[must_use]
pub fn is_covered(gates: &Gates, order: &OpenOrder, gateway: GatewayId) -> bool {
    let Some(account) = order.account.filter(|_| order.instrument != InstrumentId::NONE) else {
        return gates.summary().some_closed();
    };
    !gates.is_open(order.id.strategy(), account, order.instrument, gateway)
}

/// Whether closed gates cover every order of a gateway.
fn is_whole(gates: &Gates, gateway: GatewayId) -> bool {
    [Scope::Global, Scope::Venue(gateway), Scope::Session(gateway)]
        .into_iter()
        .any(|scope| gates.is_closed(scope))
}

impl GatewayStage {
    /// Looks at the gates; when one was closed, or the session came up behind closed ones, the
    /// orders they cover are cancelled.
    pub(super) fn watch_gates(&mut self) {
        let Some(gates) = &self.gates else { return };
        let now = gates.summary();
        let is_known = self.kill.seen == Some(now) && (self.kill.was_up || !self.ready);
        self.kill.was_up = self.ready;
        if !is_known {
            self.kill.seen = Some(now);
            let begin = now.some_closed().then_some(0);
            self.kill.slot = begin;
            self.kill.mass = is_whole(gates, self.gateway);
            self.kill.bare = begin;
        }
    }

    /// Asks for the cancels of a sweep, some a turn.
    pub(super) fn sweep(&mut self, turn: &mut Turn<'_>) -> usize {
        // What is held for the socket is judged first: what is not sent needs no cancel.
        let can_sweep = self.ready && self.batch.is_empty();
        let Some(mut slot) = self.kill.slot.filter(|_| can_sweep) else { return 0 };
        let mut asked = 0;
        while asked < SWEEP_BATCH && self.queue.has_room() {
            let Some(open) = self.ouch.table().next_open(slot) else {
                self.kill.slot = None;
                return asked;
            };
            slot = open.saturating_add(1);
            if let Some(id) = self.to_cancel(open) {
                if self.kill.mass && self.ask_to_cancel(MASS_CANCEL, turn) {
                    self.kill.mass = false;
                }
                if !self.ask_to_cancel(id, turn) {
                    break;
                }
                asked += 1;
            }
        }
        self.kill.slot = Some(slot);
        asked
    }

    /// Writes that a cancel was asked for, and queues it. `false`: the lane is full.
    fn ask_to_cancel(&mut self, id: ClOrdId, turn: &mut Turn<'_>) -> bool {
        let now = turn.clock.now();
        let cause = Cause::SWEEP;
        let record = CancelAsked { cl_ord_id: id, t0: now, cause, ..CancelAsked::default() };
        let kind = RecordKind::CancelAsked;
        if !turn.try_write(kind, self.id, self.at(), now, record.bytes()) {
            return false;
        }
        self.queue.push_cancel(id, now);
        true
    }

    /// The order of a slot, if a closed gate covers it and it was not cancelled yet.
    fn to_cancel(&self, slot: u32) -> Option<ClOrdId> {
        let gates = self.gates.as_ref()?;
        let order = self.open.of_slot(slot)?;
        let is_asked = self.unanswered.cancel_of(slot) == Some(order.id);
        (!is_asked && is_covered(gates, &order, self.gateway)).then_some(order.id)
    }

    /// The lane is full: cancels go out unwritten, each once a closing.
    pub(super) fn sweep_unwritten(&mut self, now: Nanos) -> usize {
        let Some(mut slot) = self.kill.bare.filter(|_| self.ready) else { return 0 };
        let Some(link) = &mut self.link else { return 0 };
        if !self.batch.is_empty() || link.link().has_pending() {
            return 0;
        }
        let mut out = [0; MESSAGES_MAX * TX_BYTES_MAX];
        let (mut end, mut count) = (0, 0);
        while count < SWEEP_BATCH {
            let Some(open) = self.ouch.table().next_open(slot) else { break };
            slot = open.saturating_add(1);
            let gates = self.gates.as_ref();
            let order = self.open.of_slot(open);
            let covered =
                gates.zip(order).filter(|(gates, order)| is_covered(gates, order, self.gateway));
            let Some((_, order)) = covered else { continue };
            let room = out.get_mut(end..).unwrap_or_default();
            if let Ok(encoded) = self.ouch.encode_cancel(order.id, room) {
                self.open.keep_cancel(&order);
                end += encoded.bytes;
                count += 1;
            }
        }
        if count == 0 {
            self.kill.bare = None;
            return 0;
        }
        let bytes = out.get(..end).unwrap_or_default();
        match link.link().send(bytes) {
            SendResult::All | SendResult::Partial(_) => {
                self.session.on_sent(now);
                self.kill.bare = Some(slot);
                self.meters.sent_unwritten.add(count as u64);
                count
            }
            SendResult::WouldBlock | SendResult::TooLong => 0,
            // Nobody can be told: the lane is full. The venue finds out, and cancels if it does.
            SendResult::Closed(_) => {
                self.kill.bare = None;
                0
            }
        }
    }

    /// Shows a slot to whoever watches from outside.
    pub(super) fn show(&self, slot: u32) {
        let table = self.ouch.table();
        let urns = table.cancel_urns(slot);
        let [live, sent] = urns;
        let id = table.id_of(if sent == 0 { live } else { sent }).unwrap_or(ClOrdId::NONE);
        self.open.set(slot, id, urns);
    }

    /// As [`GatewayStage::show`], of every slot.
    pub(super) fn show_all(&self) {
        for slot in 0..self.unanswered.slots() as u32 {
            self.show(slot);
        }
    }

    /// Shows that the order of a slot is cancelled, if that is a closed gate's doing.
    pub(super) fn show_cancel(&self, slot: u32) {
        let Some(gates) = self.gates.as_ref().filter(|gates| gates.summary().some_closed()) else {
            return;
        };
        if let Some(order) = self.open.of_slot(slot)
            && is_covered(gates, &order, self.gateway)
        {
            self.open.keep_cancel(&order);
        }
    }

    /// Says whose order a slot is about to hold.
    pub(super) fn show_owner(&self, approved: &Approved) {
        let slot = approved.cl_ord_id.slot();
        self.open.name(slot, AccountId(approved.account), approved.instrument);
    }
}
