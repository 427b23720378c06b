//! The gateway driven by its records: what was read is read again, what was sent goes to the sink.

use super::GatewayStage;
use crate::stage::{Progress, Recorded, Turn};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::market::{RxVenue, Sent, TxVoid};
use shm::record::order::CancelAsked;
use shm::units::Nanos;
use std::collections::VecDeque;

impl GatewayStage {
    /// Records still to be followed.
    #[must_use]
    pub const fn replay_records(&self) -> &VecDeque<Recorded> {
        &self.replay
    }

    /// Follows the recording as far as its inputs have come.
    pub fn replay_step(&mut self, turn: &mut Turn<'_>) -> Progress {
        let Some(record) = self.replay.front() else { return Progress::Done };
        let (kind, at, ts) = (record.kind, record.at, record.ts);
        self.take_approved(at, turn);
        if self.at() < at {
            return Progress::Waiting;
        }
        let Some(record) = self.replay.pop_front() else { return Progress::Done };
        match kind {
            RecordKind::RxVenue => self.replay_received(&record, turn),
            RecordKind::Tx => {
                let item = self.queue.pop(self.ready);
                if let Some(held) = item.and_then(|item| self.encode(item, ts, turn)) {
                    self.batch.push(held);
                }
            }
            RecordKind::Sent => self.replay_sent(&record, ts, turn),
            RecordKind::TxVoid => {
                if let Some(void) = TxVoid::read(&record.body) {
                    self.replay_void(&void, ts, turn);
                }
            }
            RecordKind::Tick => self.on_silence(ts),
            RecordKind::CancelAsked => {
                if let Some(asked) = CancelAsked::read(&record.body) {
                    self.queue.push_cancel(asked.cl_ord_id, ts);
                }
            }
            _ => {}
        }
        Progress::Moved
    }

    fn replay_received(&mut self, record: &Recorded, turn: &mut Turn<'_>) {
        let Some((rx, rest)) = RxVenue::split(&record.body) else { return };
        match rx.event {
            RxVenue::OPENED => {
                self.on_opened(record.ts);
                // The logon went out in the same turn, unrecorded. Nothing else is asked of the
                // session's clock: what time did to it stands in the recording.
                let mut out = [0; 64];
                let _ = self.session.poll(record.ts, &mut out);
            }
            RxVenue::CLOSED => self.on_closed(record.ts, turn),
            _ => {
                let mut bytes = rest.get(..rx.len as usize).unwrap_or_default();
                while !bytes.is_empty() {
                    let fed = self.session.on_bytes(bytes, record.ts);
                    bytes = bytes.get(fed..).unwrap_or_default();
                    self.take_events(record.ts, turn);
                    if fed == 0 {
                        break;
                    }
                }
            }
        }
    }

    fn replay_sent(&mut self, record: &Recorded, ts: Nanos, turn: &mut Turn<'_>) {
        let Some(sent) = Sent::read(&record.body) else { return };
        let Self { batch, sink, .. } = self;
        let bytes =
            batch.get(0).filter(|_| sent.result >= 0).and_then(|held| held.bytes(turn.lane));
        if let (Some(sink), Some(bytes)) = (sink, bytes) {
            sink(bytes);
        }
        let Some(given) = self.batch.pop() else { return };
        self.after_sent(&given, sent.result, ts, turn);
    }

    fn replay_void(&mut self, void: &TxVoid, ts: Nanos, turn: &mut Turn<'_>) {
        let reason = Reason::from_u8(void.reason).unwrap_or(Reason::None);
        if void.tx_seq != 0 {
            let at = self.batch.position_of(void);
            if let Some(held) = at.and_then(|at| self.batch.remove(at)) {
                self.void_held(&held, reason, ts, turn);
            }
            return;
        }
        let Some(item) = self.queue.pop(self.ready) else { return };
        match reason {
            // What the venue's rules refuse is refused again, with whatever it did to the numbers.
            Reason::None
            | Reason::Killed
            | Reason::TooOld
            | Reason::Journal
            | Reason::Duplicate => {
                self.void(&item, 0, reason, ts, turn);
            }
            _ => {
                let held = self.encode(item, ts, turn);
                debug_assert!(
                    held.is_none(),
                    "refused in the recording ({reason:?}), encoded here"
                );
            }
        }
    }
}
