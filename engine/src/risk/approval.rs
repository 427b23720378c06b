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

/// What a slot of ids has on its way: at most one new order, and one replace behind it.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Highest id ever granted.
    highest: ClOrdId,
    /// Approvals not spent: of the new order, of the replace.
    approved: [Option<ApprovedTerms>; 2],
}

/// Which of a slot's approvals a kind of message has; `None` for what is no order.
const fn place(kind: u8) -> Option<usize> {
    if kind == Kind::ApprovedNew as u8 {
        Some(0)
    } else if kind == Kind::ApprovedReplace as u8 {
        Some(1)
    } else {
        None
    }
}

/// The approvals that were granted and not spent, by slot of an id.
#[derive(Clone, Debug)]
pub struct ApprovalSlots {
    slots: Box<[Slot]>,
}

impl ApprovalSlots {
    /// Room for the ids of `slots` slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let empty = Slot { highest: ClOrdId::NONE, approved: [None; 2] };
        Self { slots: vec![empty; slots].into() }
    }

    fn unspent(&mut self, id: ClOrdId, kind: u8) -> Option<&mut Option<ApprovedTerms>> {
        self.slots.get_mut(id.slot() as usize)?.approved.get_mut(place(kind)?)
    }

    /// Takes an approval. Ids rise within a slot: one that does not was granted before.
    ///
    /// # Errors
    /// UNAPPROVED for a cancel, an id of another table, or one that comes again; drop it.
    #[inline]
    pub fn grant(&mut self, message: &Approved) -> Result<(), Reason> {
        let slot = self.slots.get_mut(message.cl_ord_id.slot() as usize);
        let slot =
            slot.filter(|slot| message.cl_ord_id > slot.highest).ok_or(Reason::Unapproved)?;
        let at = place(message.kind).ok_or(Reason::Unapproved)?;
        let unspent = slot.approved.get_mut(at).ok_or(Reason::Unapproved)?;
        *unspent = Some(ApprovedTerms::of(message));
        slot.highest = message.cl_ord_id;
        Ok(())
    }

    /// Spends the approval of what is about to be sent.
    ///
    /// # Errors
    /// UNAPPROVED when there is none, it is spent, or its terms are others; do not send.
    #[inline]
    pub fn spend(&mut self, terms: &ApprovedTerms) -> Result<(), Reason> {
        let unspent = self.unspent(terms.cl_ord_id, terms.kind).ok_or(Reason::Unapproved)?;
        unspent.take_if(|approved| approved == terms).map(drop).ok_or(Reason::Unapproved)
    }

    /// Takes the approval of `id` back, if it is not spent: what it was for will not be sent.
    pub fn revoke(&mut self, id: ClOrdId, kind: u8) {
        if let Some(unspent) = self.unspent(id, kind) {
            unspent.take_if(|approved| approved.cl_ord_id == id);
        }
    }
}
