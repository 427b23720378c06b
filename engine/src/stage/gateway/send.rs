//! From approval to socket: what is taken, proved, encoded into the lane, and given to the link.
//!
//! One send takes at most `send_batch_max` new orders and replaces; cancels go with them freely.
//! The gates are read for each message while the send is filled and again before it goes out, so
//! that what leaves after a gate has closed is at most one send.

use super::batch::{Given, Held, MESSAGES_MAX, TX_BYTES_MAX};
use super::queue::Item;
use super::{GatewayStage, Turn};
use crate::planted::{self, Bug};
use crate::risk::approval::{ApprovalSlots, ApprovedTerms};
use gateway::link::SendResult;
use shm::ids::AccountId;
use shm::journal::LaneSeq;
use shm::message::{Approved, ExecReport, Kind, OrderTerms};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::market::{Sent, Tx, TxVoid};
use shm::units::{Nanos, Price};

/// Free slots of the ring to risk that sending needs: a report for each message taken back.
const REPORT_ROOM: usize = MESSAGES_MAX + 2;

impl GatewayStage {
    /// Takes approvals until `until` were taken in all, or none wait, or the queue is full.
    pub(super) fn take_approved(&mut self, until: u64, turn: &mut Turn<'_>) -> usize {
        let mut work = 0;
        while self.approved.taken() < until && self.queue.has_room() {
            let Some(message) = self.approved.pop() else { break };
            work += 1;
            if let Some(terms) = message.view::<OrderTerms>() {
                self.terms.put(terms);
            }
            if let Some(approved) = message.view::<Approved>() {
                let published = turn.published(message.tail(), approved.t0);
                let d_published = published.after(approved.t0);
                // Risk times its way into the lane now and then: else it publishes as it decides.
                if let Some(journal @ 1..) = d_published.checked_sub(approved.d_decided) {
                    self.meters.journal.record(journal.into());
                }
                let item = Item { approved: *approved, published, annulled: false, again: None };
                if !item.is_cancel() {
                    // What cannot be granted cannot be spent, and is refused there.
                    let _ = self.approvals.grant(approved);
                }
                self.queue.push(item);
            }
        }
        work
    }

    /// Sends, or voids, the next messages: one send at most. How many; 0 when there is none, or
    /// they must wait.
    pub(super) fn send_next(&mut self, turn: &mut Turn<'_>) -> usize {
        if !self.reports.has_room(REPORT_ROOM) {
            return 0;
        }
        if !self.batch.is_empty() {
            return self.offer(turn);
        }
        let free = self.link.as_mut().is_some_and(|link| !link.link().has_pending());
        let taken = self.fill(self.ready && free, turn);
        if self.batch.is_empty() {
            return taken;
        }
        taken + self.offer(turn)
    }

    /// Encodes into the batch what one send may take. How many messages were taken.
    fn fill(&mut self, can_send: bool, turn: &mut Turn<'_>) -> usize {
        let mut taken = 0;
        while !self.batch.is_full() && taken < MESSAGES_MAX && !self.queue.is_empty() {
            let Some(item) = self.queue.peek(self.ready) else { break };
            let is_order = !item.is_cancel();
            if self.batch.has_chain_of(item)
                || (is_order && self.batch.orders() >= self.rules.batch_max)
            {
                break;
            }
            let now = turn.took(item.published);
            if let Some(reason) = self.why_not(item, now) {
                let Some(item) = self.queue.pop(self.ready) else { break };
                self.void(&item, 0, reason, now, turn);
                taken += 1;
                continue;
            }
            if !can_send || !self.is_durable(item) {
                break;
            }
            let Some(item) = self.queue.pop(true) else { break };
            if let Some(held) = self.encode(item, now, turn) {
                self.batch.push(held);
            }
            taken += 1;
        }
        taken
    }

    /// Why an order may not be sent now: a closed gate, its age, or its own cancel.
    fn why_not(&self, item: &Item, now: Nanos) -> Option<Reason> {
        if item.annulled {
            return Some(Reason::None);
        }
        if item.is_cancel() {
            // One cancel a chain and connection, unless the venue has refused it.
            let id = item.approved.cl_ord_id;
            let is_sent = self.ready && self.unanswered.is_cancel_sent(id);
            return is_sent.then_some(Reason::Duplicate);
        }
        if planted::is(Bug::KillWordNotReread) {
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
    pub(super) fn encode(&mut self, item: Item, now: Nanos, turn: &mut Turn<'_>) -> Option<Held> {
        let (t0, at) = (item.approved.t0, self.at());
        let Ok(mut claim) = turn.lane.claim(Tx::BYTES, TX_BYTES_MAX) else {
            self.void(&item, 0, Reason::Journal, now, turn);
            return None;
        };
        let encoded = self.put(&item, now, claim.payload_mut());
        let (len, urn) = match encoded {
            Ok(encoded) => encoded,
            Err(reason) => {
                self.meters.unapproved.add(u64::from(reason == Reason::Unapproved));
                self.void(&item, 0, reason, now, turn);
                return None;
            }
        };
        if item.is_mass_cancel() {
            // Of no order: its answer is each order's own.
        } else if item.is_cancel() {
            self.unanswered.keep_cancel(item.approved.cl_ord_id);
            self.show_cancel(item.approved.cl_ord_id.slot());
        } else if item.again.is_none() {
            self.show_owner(&item.approved);
            self.show(item.approved.cl_ord_id.slot());
            self.unanswered.keep(&item.approved, urn, claim.payload_mut(), len);
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
        turn.took(stamp);
        self.meters.hop_risk_gateway.record(now.saturating_since(item.published).0);
        self.meters.encode.record(stamp.saturating_since(now).0);
        Some(Held { item, place, urn, len, encoded: stamp })
    }

    /// Writes a message: its length, and its number.
    fn put(&mut self, item: &Item, now: Nanos, out: &mut [u8]) -> Result<(usize, u32), Reason> {
        let id = item.approved.cl_ord_id;
        let encoded = match item.again {
            // Its proof is the message that was written and sent under this number before.
            Some(urn) => return self.unanswered.write(id, urn, out),
            None if item.is_mass_cancel() => {
                self.ouch.encode_mass_cancel(self.ouch.firm(), None, out)?
            }
            None => {
                prove(&mut self.approvals, item)?;
                let terms = self.terms.of(&item.approved);
                self.ouch.encode_with(&item.approved, &terms, now, out)?
            }
        };
        Ok((encoded.bytes, encoded.urn))
    }

    /// Gives what is committed to the socket, as far as the gates are still open. How many
    /// messages are done with.
    fn offer(&mut self, turn: &mut Turn<'_>) -> usize {
        let voided = self.look_again(turn);
        let Self { link: Some(link), batch, .. } = self else { return voided };
        if batch.is_empty() {
            return voided;
        }
        let Some(bytes) = batch.gather(turn.lane) else {
            // Held so long that the lane has moved on: it is sent again after the next logon.
            self.close(turn.clock.now(), turn);
            return voided + 1;
        };
        let result = link.link().send(bytes);
        let sent = turn.stamp();
        let given = match result {
            SendResult::All => usize::MAX,
            SendResult::Partial(count) => count,
            SendResult::WouldBlock | SendResult::TooLong => {
                self.meters.would_block.add(1);
                return voided;
            }
            SendResult::Closed(_) => {
                let done = self.settle(None, sent, turn);
                self.close(sent, turn);
                return voided + done;
            }
        };
        self.session.on_sent(sent);
        voided + self.settle(Some(given), sent, turn)
    }

    /// Takes back what may not go out any more.
    fn look_again(&mut self, turn: &mut Turn<'_>) -> usize {
        // What was encoded in this turn is as old as its stamp says; what waited, as the turn.
        let now = turn.last();
        let (mut at, mut voided) = (0, 0);
        while let Some(why) = self.batch.get(at).map(|held| self.why_not(&held.item, now)) {
            let Some(reason) = why else {
                at += 1;
                continue;
            };
            let Some(held) = self.batch.remove(at) else { break };
            self.void_held(&held, reason, now, turn);
            voided += 1;
        }
        voided
    }

    /// Writes what became of each message of a send: `given` bytes of them all were taken, or the
    /// link was closed.
    fn settle(&mut self, given: Option<usize>, sent: Nanos, turn: &mut Turn<'_>) -> usize {
        let (mut before, mut done) = (0, 0);
        while let Some(message) = self.batch.pop() {
            let taken = given.map(|given| given.saturating_sub(before).min(message.len));
            before += message.len;
            let result =
                taken.map_or(Sent::LINK_CLOSED, |bytes| i32::try_from(bytes).unwrap_or(i32::MAX));
            self.after_sent(&message, result, sent, turn);
            done += 1;
        }
        done
    }

    /// Takes back a message that was written and not sent.
    pub(super) fn void_held(
        &mut self,
        held: &Held,
        reason: Reason,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
        self.void(&held.item, held.place.seq.low(), reason, now, turn);
        self.ouch.table_mut().void(held.urn);
        self.show(approved_slot(&held.item));
    }

    pub(super) fn after_sent(
        &mut self,
        given: &Given,
        result: i32,
        sent: Nanos,
        turn: &mut Turn<'_>,
    ) {
        let record = Sent {
            cl_ord_id: given.id,
            t0: given.t0,
            tx_seq: given.tx_seq,
            result,
            d_sent: sent.after(given.t0),
            gateway: self.gateway.0,
            ..Sent::default()
        };
        turn.write(RecordKind::Sent, self.id, self.at(), sent, record.bytes());
        self.meters.send.record(sent.saturating_since(given.encoded).0);
        if given.is_again {
            self.meters.resent.add(1);
            return;
        }
        match Kind::from_u8(given.kind) {
            Some(Kind::ApprovedNew) => self.meters.sent_new.add(1),
            Some(Kind::ApprovedReplace) => self.meters.sent_replace.add(1),
            _ => {
                self.meters.sent_cancel.add(1);
                if !given.is_mass_cancel {
                    self.unanswered.on_cancel_sent(given.id);
                }
            }
        }
        self.meters.arrival_to_send.record(sent.saturating_since(given.t0).0);
    }

    /// An approval that will not be sent: written, and told to risk, which releases it, or takes a
    /// cancel as not asked for. Of what was not approved risk knows nothing, and hears nothing.
    pub(super) fn void(
        &mut self,
        item: &Item,
        tx_seq: u32,
        reason: Reason,
        now: Nanos,
        turn: &mut Turn<'_>,
    ) {
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
        if reason == Reason::Unapproved || reason == Reason::Duplicate || item.is_mass_cancel() {
            // Nothing is reserved for what nobody approved; an order of the same id may well live.
            // And a cancel that is on its way is asked for, as each behind a mass cancel is.
            return;
        }
        let (kind, last_px) = if item.is_cancel() {
            (Kind::CancelRejected, Price::NONE)
        } else {
            (Kind::GateReject, approved.px)
        };
        if let Some(urn) = item.again {
            // The venue has never seen the number, and now will not.
            self.ouch.table_mut().void(urn);
            self.show(approved_slot(item));
        } else {
            self.approvals.revoke(approved.cl_ord_id, approved.kind);
        }
        let report = ExecReport {
            kind: kind as u8,
            reason: reason as u16,
            cl_ord_id: approved.cl_ord_id,
            last_px,
            last_qty: approved.qty,
            t0: now,
            ..ExecReport::default()
        };
        self.report(report, now, turn);
    }

    pub(super) fn report(&mut self, report: ExecReport, now: Nanos, turn: &Turn<'_>) {
        let stamp = turn.clock.now().max(now);
        let pushed = self.reports.try_push(report.into(), stamp);
        debug_assert!(pushed.is_ok(), "room was checked before anything was taken");
        self.meters.reports.add(1);
    }
}

/// R47: spends the approval of what is about to be encoded. A cancel needs none.
fn prove(approvals: &mut ApprovalSlots, item: &Item) -> Result<(), Reason> {
    if item.is_cancel() { Ok(()) } else { approvals.spend(&ApprovedTerms::of(&item.approved)) }
}

const fn approved_slot(item: &Item) -> u32 {
    item.approved.cl_ord_id.slot()
}
