//! Updates and refusals to one strategy: lossless while it keeps up, the latest state per order
//! when it does not.

use super::super::market_link::{MarketLink, Sent};
use crate::risk::Risk;
use crate::risk::family::update_of;
use shm::ids::ClOrdId;
use shm::message::{Kind, Message, ParentStatus, RiskReject, pending};
use shm::reason::Reason;
use shm::record::status::Link;
use shm::units::Nanos;

/// The link to one strategy, keyed by the slots of its range.
pub struct UpdateLink {
    link: MarketLink,
    slot_first: u32,
    /// By slot of the range: the id that was last spoken of.
    ids: Box<[ClOrdId]>,
}

impl UpdateLink {
    /// Over a link made with as many keys as the strategy has slots.
    #[must_use]
    pub fn new(link: MarketLink, slot_first: u32, slot_count: u32) -> Self {
        let ids = vec![ClOrdId::NONE; slot_count as usize].into_boxed_slice();
        Self { link, slot_first, ids }
    }

    /// Whether orders wait for room.
    #[must_use]
    pub const fn is_holding(&self) -> bool {
        self.link.is_holding()
    }

    /// Sends an update, or marks its order: then `Some`, with the record of having become full if
    /// this is when it did.
    pub fn send(&mut self, id: ClOrdId, message: Message, now: Nanos) -> Option<Option<Link>> {
        let key = id.slot().wrapping_sub(self.slot_first) as usize;
        if let Some(known) = self.ids.get_mut(key) {
            *known = id;
        }
        match self.link.send(key, message, now) {
            Sent::Passed => None,
            Sent::Held => Some(self.link.take_full()),
        }
    }

    /// Sends the latest state of up to `most` marked orders; the record of it, if any went out.
    pub fn flush(&mut self, most: usize, risk: &Risk, now: Nanos) -> Option<Link> {
        let Self { link, ids, .. } = self;
        let flushed = link.flush(most, now, |key| {
            let id = ids.get(key).copied().unwrap_or_default();
            match (risk.order(id), risk.parent(id)) {
                (Some(order), _) => {
                    let mut update = Risk::update_of(order, Reason::None, now);
                    update.flags |= pending::CONFLATED;
                    update.into()
                }
                (None, Some(parent)) => update_of(parent, ParentStatus::Approved).into(),
                // It was refused, or a parent that has ended: the reason is in the journal, the
                // slot is free.
                (None, None) => RiskReject {
                    kind: Kind::RiskReject as u8,
                    intent: Kind::IntentNew as u8,
                    reason: Reason::Busy as u8,
                    cl_ord_id: id,
                    t0: now,
                    ..RiskReject::default()
                }
                .into(),
            }
        });
        (flushed > 0).then(|| link.flushed_record(flushed))
    }
}
