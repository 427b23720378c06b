//! The risk stage driven by its records: each names the input it came of, and what the world
//! outside the rules had decided.

use super::{RiskStage, World};
use crate::link::Input;
use crate::stage::{Progress, Recorded, Turn};
use shm::ids::Cause;
use shm::message::parent_flags;
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order as record;
use shm::record::parent::Parent;
use shm::record::status::{Link, Port, Took};
use shm::units::Nanos;
use std::collections::VecDeque;

/// Whether a cancel is the stage's own, no strategy's.
fn is_own(cause: Cause) -> bool {
    matches!(cause, Cause::SWEEP | Cause::SELF_TRADE | Cause::OVER_LIMIT)
}

impl RiskStage {
    /// Records still to be followed.
    #[must_use]
    pub const fn replay_records(&self) -> &VecDeque<Recorded> {
        &self.replay
    }

    /// Follows the recording as far as its inputs have come.
    pub fn replay_step(&mut self, turn: &mut Turn<'_>) -> Progress {
        let Some(record) = self.replay.front() else { return Progress::Done };
        let (kind, at, ts) = (record.kind, record.at, record.ts);
        let behind = at.saturating_sub(self.at());
        if behind > 0 {
            let taken = self.take_market(behind as usize, turn);
            return if taken > 0 { Progress::Moved } else { Progress::Waiting };
        }
        let followed = match kind {
            RecordKind::OrderEvent => self.replay_report(ts, turn),
            RecordKind::Approved
            | RecordKind::Denied
            | RecordKind::CancelAsked
            | RecordKind::ParentApproved
            | RecordKind::ParentDone => self.replay_intent(kind, ts, turn),
            RecordKind::Took => self.replay_took(ts, turn),
            RecordKind::LinkRoom => self.replay_room(ts),
            RecordKind::Tick => {
                self.tell_overdue(ts, turn);
                true
            }
            _ => true,
        };
        if !followed {
            return Progress::Waiting;
        }
        self.replay.pop_front();
        Progress::Moved
    }

    fn replay_report(&mut self, ts: Nanos, turn: &mut Turn<'_>) -> bool {
        let Some(event) = self.replay.front().and_then(|next| record::OrderEvent::read(&next.body))
        else {
            return true;
        };
        let gateway = usize::from(event.gateway);
        let Some(message) = self.ports.reports.get_mut(gateway).and_then(Input::pop) else {
            return false;
        };
        self.apply(&message, gateway, ts, turn);
        true
    }

    fn replay_intent(&mut self, kind: RecordKind, ts: Nanos, turn: &mut Turn<'_>) -> bool {
        let Some(body) = self.replay.front().map(|next| next.body.as_slice()) else { return true };
        let mut world = World { gates_open: true, journal_ok: true, room: true };
        let id = match kind {
            RecordKind::Approved => record::Approved::read(body).map(|read| read.cl_ord_id),
            RecordKind::Denied => record::Denied::read(body).map(|read| {
                let reason = Reason::from_u8(read.reason);
                world.gates_open = reason != Some(Reason::Killed);
                world.journal_ok = reason != Some(Reason::Journal);
                world.room = reason != Some(Reason::Busy);
                read.cl_ord_id
            }),
            RecordKind::ParentApproved => Parent::read(body).map(|read| read.cl_ord_id),
            RecordKind::ParentDone => match Parent::read(body) {
                Some(read) if read.flags & parent_flags::SWEPT != 0 => {
                    self.sweep_parent(read.cl_ord_id, ts, turn);
                    return true;
                }
                read => read.map(|read| read.cl_ord_id),
            },
            _ => match record::CancelAsked::read(body) {
                Some(read) if is_own(read.cause) => {
                    let gateway = self.wiring.get(read.cl_ord_id.strategy().index());
                    if let Some(gateway) = gateway.map(|wiring| wiring.gateway) {
                        self.sweep_one(read.cl_ord_id, gateway, read.cause, ts, turn);
                    }
                    return true;
                }
                read => read.map(|read| read.cl_ord_id),
            },
        };
        let Some(strategy) = id.map(|id| id.strategy().index()) else { return true };
        let Some(wiring) = self.wiring.get(strategy).copied() else { return true };
        // What belongs to the intent comes before it, and is kept should that not be there yet.
        while let Some(message) = self.ports.intents.get_mut(strategy).and_then(Input::pop) {
            if self.whole(strategy, &message).is_some() {
                self.judge(&message, wiring, world, ts, turn);
                return true;
            }
        }
        false
    }

    /// Takes one message of the batch that the record names; true once all were taken.
    fn replay_took(&mut self, ts: Nanos, turn: &mut Turn<'_>) -> bool {
        let Some(record) = self.replay.front_mut() else { return true };
        let Some(mut took) = Took::read(&record.body) else { return true };
        while took.count > 0 {
            let message = match Port::from_u8(took.port) {
                Some(Port::Commands) => self.ports.commands.pop(),
                Some(Port::Feed) => {
                    self.ports.feeds.get_mut(usize::from(took.index)).and_then(Input::pop)
                }
                Some(Port::Updates | Port::Intents | Port::Reports) | None => return true,
            };
            let Some(message) = message else { break };
            took.count -= 1;
            if took.port == Port::Feed as u8 {
                self.risk.on_market(&message);
            } else {
                self.on_command(&message);
                // Its effect is in the records of the cancels that follow.
                self.sweeps.clear();
                self.over.clear();
            }
            self.act_on_alarms(ts, turn);
        }
        if let Some(record) = self.replay.front_mut() {
            record.body.clear();
            record.body.extend_from_slice(took.bytes());
        }
        took.count == 0
    }

    fn replay_room(&mut self, ts: Nanos) -> bool {
        let Some(room) = self.replay.front().and_then(|next| Link::read(&next.body)) else {
            return true;
        };
        let Self { risk, ports, .. } = self;
        if let Some(link) = ports.updates.get_mut(usize::from(room.link)) {
            let _ = link.flush(room.flushed as usize, risk, ts);
        }
        true
    }
}
