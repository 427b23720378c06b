//! R47: what leaves is what was approved. The gateway keeps one of these, filled from the approved
//! messages it pops and spent just before their bytes are built.

use shm::ids::{ClOrdId, InstrumentId};
use shm::message::{Approved, Kind};
use shm::reason::Reason;
use shm::units::{Price, Qty};

/// The terms that were approved under an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ApprovedTerms {
    pub cl_ord_id: ClOrdId,
    pub instrument: InstrumentId,
    pub px: Price,
    pub qty: Qty,
    /// [`shm::message::Side`].
    pub side: u8,
    /// [`shm::message::Kind`]: new or replace.
    pub kind: u8,
}

impl ApprovedTerms {
    /// The terms of a message.
    #[must_use]
    pub const fn of(message: &Approved) -> Self {
        Self {
            cl_ord_id: message.cl_ord_id,
            instrument: message.instrument,
            px: message.px,
            qty: message.qty,
            side: message.side,
            kind: message.kind,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    approved: Option<ApprovedTerms>,
    /// Highest id ever granted.
    highest: ClOrdId,
}

/// One approval per slot of an id: a slot has at most one new order or replace on its way.
#[derive(Clone, Debug)]
pub struct ApprovalSlots {
    slots: Box<[Slot]>,
}

impl ApprovalSlots {
    /// Room for the ids of `slots` slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let empty = Slot { approved: None, highest: ClOrdId::NONE };
        Self { slots: vec![empty; slots].into() }
    }

    /// Takes an approval. Ids rise within a slot: one that does not was granted before.
    ///
    /// # Errors
    /// UNAPPROVED for a cancel, an id of another table, or one that comes again; drop it.
    pub fn grant(&mut self, message: &Approved) -> Result<(), Reason> {
        let is_order =
            message.kind == Kind::ApprovedNew as u8 || message.kind == Kind::ApprovedReplace as u8;
        let slot = self.slots.get_mut(message.cl_ord_id.slot() as usize);
        let slot = slot.filter(|slot| is_order && message.cl_ord_id > slot.highest);
        let slot = slot.ok_or(Reason::Unapproved)?;
        slot.highest = message.cl_ord_id;
        slot.approved = Some(ApprovedTerms::of(message));
        Ok(())
    }

    /// Spends the approval of what is about to be sent.
    ///
    /// # Errors
    /// UNAPPROVED when there is none, it is spent, or its terms are others; do not send.
    pub fn spend(&mut self, terms: &ApprovedTerms) -> Result<(), Reason> {
        let slot = self.slots.get_mut(terms.cl_ord_id.slot() as usize).ok_or(Reason::Unapproved)?;
        match slot.approved.take() {
            Some(approved) if approved == *terms => Ok(()),
            Some(other) => {
                slot.approved = Some(other);
                Err(Reason::Unapproved)
            }
            None => Err(Reason::Unapproved),
        }
    }
}
