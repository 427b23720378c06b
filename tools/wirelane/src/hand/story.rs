//! What became of one command by hand, out of the records that follow it.

use super::words::Words;
use engine::control::Given;
use engine::replay::Fills;
use shm::ids::ClOrdId;
use shm::journal::RecordHeader;
use shm::message::{CommandOp, Kind, ParentKind, Tif, parent_flags};
use shm::reason::Reason;
use shm::record::order::{Approved, Base, Denied, OrderEvent};
use shm::record::parent::Parent;
use shm::record::status::{HandOrder, HandOutcome};
use shm::record::{RecordKind, StageId};
use shm::units::Price;

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not told yet: what it waits for.
    Open(&'static str),
    /// Done, and how the order stands.
    Done(String),
    /// In force, but what it asked for first was refused.
    Half(String),
    /// Refused by risk, gateway or venue.
    Refused(String),
    /// The strategy asked nobody.
    NotAsked(HandOrder),
}

/// What a command waits for that no strategy has taken up.
const STRATEGY: &str =
    "the strategy, whose thread has not taken it up: `wirelane top` shows whether that thread runs";

/// The records that concern a command, as they come.
pub(super) struct Story {
    given: Given,
    hand: Option<HandOrder>,
    approved: Vec<Approved>,
    denied: Vec<Denied>,
    events: Vec<OrderEvent>,
    /// With the time when risk took it.
    taken: Vec<(Parent, u64)>,
    done: Vec<Parent>,
}

impl Story {
    /// Of a command that was just given.
    pub(super) const fn new(given: Given) -> Self {
        Self {
            given,
            hand: None,
            approved: Vec::new(),
            denied: Vec::new(),
            events: Vec::new(),
            taken: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Takes a record of any lane.
    pub(super) fn take(&mut self, header: &RecordHeader, body: &[u8]) {
        if header.ts < self.given.at {
            return;
        }
        let strategy = self.given.strategy;
        let is_its = |id: ClOrdId| id.strategy().index() == usize::from(strategy);
        match RecordKind::from_u16(header.kind) {
            Some(RecordKind::HandOrder) if StageId(header.stage).index() == strategy => {
                let hand = HandOrder::read(body).filter(|hand| hand.t0.0 == self.given.at);
                self.hand = self.hand.or(hand);
            }
            Some(RecordKind::Approved) => {
                self.approved.extend(Approved::read(body).filter(|row| is_its(row.cl_ord_id)));
            }
            Some(RecordKind::Denied) => {
                self.denied.extend(Denied::read(body).filter(|row| is_its(row.cl_ord_id)));
            }
            Some(RecordKind::OrderEvent) => {
                self.events.extend(OrderEvent::read(body).filter(|row| is_its(row.cl_ord_id)));
            }
            Some(RecordKind::ParentApproved) => {
                let taken = Parent::read(body).filter(|row| is_its(row.cl_ord_id));
                self.taken.extend(taken.map(|parent| (parent, header.ts)));
            }
            Some(RecordKind::ParentDone) => {
                self.done.extend(Parent::read(body).filter(|row| is_its(row.cl_ord_id)));
            }
            _ => {}
        }
    }

    /// How it stands after the records so far.
    pub(super) fn verdict(&self, words: &Words<'_>) -> Verdict {
        let Some(hand) = self.hand else { return Verdict::Open(STRATEGY) };
        if hand.outcome != HandOutcome::Asked as u8 {
            return Verdict::NotAsked(hand);
        }
        match CommandOp::from_u8(hand.op) {
            Some(CommandOp::OrderReplace) => self.of_replace(&hand, words),
            Some(CommandOp::OrderCancel) => self.of_cancel(&hand, words),
            _ => self.of_place(&hand, words),
        }
    }

    /// What the fills of an order were at, where all of them came after the command.
    fn average(&self, last: &OrderEvent) -> Option<Price> {
        let mut fills = Fills::default();
        let of_it = self.events.iter().filter(|event| is_of(event.cl_ord_id, last.cl_ord_id));
        of_it.for_each(|event| fills.take(event));
        fills.average(last.cum_qty)
    }

    /// The last report of the order that an id is of.
    fn last(&self, id: ClOrdId) -> Option<&OrderEvent> {
        self.events.iter().rev().find(|event| is_of(event.cl_ord_id, id))
    }

    fn refusal_of(&self, id: ClOrdId) -> Option<&Denied> {
        self.denied.iter().find(|denied| denied.cl_ord_id == id)
    }

    fn of_place(&self, hand: &HandOrder, words: &Words<'_>) -> Verdict {
        let id = hand.cl_ord_id;
        let name = words.name(hand);
        if let Some(denied) = self.refusal_of(id) {
            return Verdict::Refused(format!("{name}: {}", words.refusal(denied)));
        }
        if let Some((parent, at)) = self.taken.iter().find(|(row, _)| row.cl_ord_id == id) {
            return self.of_parent(hand, parent, *at, words);
        }
        let Some(approved) = self.approved.iter().find(|order| order.cl_ord_id == id) else {
            return Verdict::Open("risk's word");
        };
        let Some(event) = self.last(id) else { return Verdict::Open("the venue's answer") };
        let base = Base::from_u8(event.base);
        let is_immediate = matches!(Tif::from_u8(approved.tif), Some(Tif::Ioc | Tif::Fok));
        if base == Some(Base::Rejected) {
            return Verdict::Refused(format!("{name}: {}", words.rejected(event)));
        }
        if is_immediate && !base.is_some_and(Base::is_terminal) {
            return Verdict::Open("the venue's last word on an immediate order");
        }
        Verdict::Done(format!("{name}: {}", words.state(event, self.average(event))))
    }

    /// Of a parent that risk has taken.
    fn of_parent(&self, hand: &HandOrder, taken: &Parent, at: u64, words: &Words<'_>) -> Verdict {
        let id = hand.cl_ord_id;
        let name = words.name(hand);
        // A child that it asks for at once has the time at which risk took it.
        let mut all = self.denied.iter();
        let denied = all.find(|row| row.t0.0 == at && row.action == Kind::IntentNew as u8);
        let refused = denied.map(|row| format!("its order was refused: {}", words.refusal(row)));
        if let Some(done) = self.done.iter().find(|parent| parent.cl_ord_id == id) {
            let told = denied.and_then(|row| Reason::from_u8(row.reason));
            let how = words.parent_end(done, told);
            return match refused {
                Some(refused) => Verdict::Refused(format!("{name}: {refused}; {how}")),
                None if done.reason == 0 => Verdict::Done(format!("{name}: {how}")),
                None => Verdict::Refused(format!("{name}: {how}")),
            };
        }
        let kind = words.parent_kind(taken);
        if !acts_at_once(taken) {
            return Verdict::Done(format!("{name}: {kind} taken; it waits for its time or price"));
        }
        if let Some(refused) = refused {
            return Verdict::Half(format!("{name}: {kind} works on, but {refused}"));
        }
        let children = self.approved.iter().filter(|order| order.parent == id);
        let first = children.filter_map(|child| self.last(child.cl_ord_id)).next();
        match first {
            Some(event) if event.base == Base::Rejected as u8 => Verdict::Open("the parent's word"),
            Some(event) => Verdict::Done(format!(
                "{name}: {kind} works; its first order: {}",
                words.state(event, self.average(event))
            )),
            None => Verdict::Open("the answer to its first order"),
        }
    }

    fn of_replace(&self, hand: &HandOrder, words: &Words<'_>) -> Verdict {
        let id = hand.cl_ord_id;
        let name = words.name(hand);
        if let Some(denied) = self.refusal_of(id) {
            return Verdict::Refused(format!("{name}: {}", words.refusal(denied)));
        }
        if let Some(event) = self.events.iter().find(|event| event.cl_ord_id == id) {
            return match Kind::from_u8(event.event) {
                Some(Kind::Rejected | Kind::GateReject) => Verdict::Refused(format!(
                    "{name}: {}; the order stands as it was",
                    words.rejected(event)
                )),
                Some(Kind::SendFailed) => Verdict::Open("the venue's answer"),
                _ => Verdict::Done(format!("{name}: {}", words.state(event, self.average(event)))),
            };
        }
        match self.last(id).filter(|event| is_over(event)) {
            Some(event) => Verdict::Refused(format!(
                "{name}: the order ended before the replace: {}",
                words.state(event, self.average(event))
            )),
            None => Verdict::Open("the venue's answer"),
        }
    }

    fn of_cancel(&self, hand: &HandOrder, words: &Words<'_>) -> Verdict {
        let id = hand.cl_ord_id;
        let name = words.name(hand);
        if let Some(done) = self.done.iter().find(|parent| parent.cl_ord_id == id) {
            return Verdict::Done(format!("{name}: {}", words.parent_cancelled(done)));
        }
        let mut denied = self.denied.iter();
        let denied = denied.find(|row| {
            row.t0 == hand.t0 && row.action == Kind::IntentCancel as u8 && is_of(row.cl_ord_id, id)
        });
        if let Some(denied) = denied {
            return Verdict::Refused(format!("{name}: {}", words.refusal(denied)));
        }
        let Some(event) = self.last(id) else { return Verdict::Open("the venue's answer") };
        let name = words.name_now(hand, event.cl_ord_id);
        let state = words.state(event, self.average(event));
        match Base::from_u8(event.base) {
            Some(Base::Filled) => {
                Verdict::Refused(format!("{name}: filled before the cancel came: {state}"))
            }
            Some(base) if base.is_terminal() => Verdict::Done(format!("{name}: {state}")),
            _ if event.event == Kind::CancelRejected as u8 => {
                Verdict::Refused(format!("{name}: {}; {state}", words.rejected(event)))
            }
            _ => Verdict::Open("the venue's answer"),
        }
    }
}

/// Whether two ids are of one slot, as an order's are through its replaces.
fn is_of(id: ClOrdId, other: ClOrdId) -> bool {
    id.epoch() == other.epoch() && id.slot() == other.slot()
}

fn is_over(event: &OrderEvent) -> bool {
    Base::from_u8(event.base).is_some_and(Base::is_terminal)
}

/// Whether a parent sends an order as soon as it is taken.
fn acts_at_once(parent: &Parent) -> bool {
    let [stop, stop_1] = parent.stop_px;
    let is_shared = parent.flags & parent_flags::SHARED != 0;
    match ParentKind::from_u8(parent.parent) {
        Some(ParentKind::Bracket | ParentKind::Iceberg) => true,
        Some(ParentKind::Twap) => parent.start <= parent.t0,
        Some(ParentKind::Oco) => stop.is_none() || stop_1.is_none() && !is_shared,
        Some(ParentKind::Stop | ParentKind::StopLimit | ParentKind::Trailing) | None => false,
    }
}

#[cfg(test)]
mod tests;
