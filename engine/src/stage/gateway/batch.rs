//! Messages that are in the lane and of which no byte is out: what one send takes.

use super::queue::Item;
use shm::ids::ClOrdId;
use shm::journal::{LaneWriter, Place};
use shm::message::Kind;
use shm::record::market::{Tx, TxVoid};
use shm::units::Nanos;
use std::collections::VecDeque;

/// Most messages of one send.
pub(super) const MESSAGES_MAX: usize = 64;
/// Most bytes of one encoded approval, framing included.
pub(super) const TX_BYTES_MAX: usize = 128;

/// A committed `Tx` that is still to be given to the socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) item: Item,
    pub(super) place: Place,
    pub(super) urn: u32,
    pub(super) len: usize,
    pub(super) encoded: Nanos,
}

/// What is known of a message once it was given to the socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) id: ClOrdId,
    pub(super) t0: Nanos,
    pub(super) kind: u8,
    pub(super) is_again: bool,
    pub(super) is_mass_cancel: bool,
    pub(super) tx_seq: u32,
    pub(super) len: usize,
    pub(super) encoded: Nanos,
}

impl Held {
    /// What is left of it once its bytes are out.
    #[inline]
    pub(super) const fn given(&self) -> Given {
        Given {
            id: self.item.approved.cl_ord_id,
            t0: self.item.approved.t0,
            kind: self.item.approved.kind,
            is_again: self.item.again.is_some(),
            is_mass_cancel: self.item.is_mass_cancel(),
            tx_seq: self.place.seq.low(),
            len: self.len,
            encoded: self.encoded,
        }
    }

    /// Its bytes, in the lane; `None` once their segment has been used again.
    pub(super) fn bytes<'a>(&self, lane: &'a LaneWriter) -> Option<&'a [u8]> {
        lane.body(self.place)?.get(Tx::BYTES..Tx::BYTES + self.len)
    }
}

/// At most [`MESSAGES_MAX`] of them, in the order of their numbers.
pub(super) struct Batch {
    held: VecDeque<Held>,
    /// Where the bytes of several are put together.
    bytes: Box<[u8]>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            held: VecDeque::with_capacity(MESSAGES_MAX),
            bytes: vec![0; MESSAGES_MAX * TX_BYTES_MAX].into_boxed_slice(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= MESSAGES_MAX
    }

    pub(super) fn get(&self, at: usize) -> Option<&Held> {
        self.held.get(at)
    }

    pub(super) fn push(&mut self, held: Held) {
        debug_assert!(!self.is_full(), "room was looked at before the message was encoded");
        self.held.push_back(held);
    }

    /// Takes the first, of which only this much is still of use.
    pub(super) fn pop(&mut self) -> Option<Given> {
        self.held.pop_front().map(|held| held.given())
    }

    pub(super) fn remove(&mut self, at: usize) -> Option<Held> {
        self.held.remove(at)
    }

    pub(super) fn clear(&mut self) {
        self.held.clear();
    }

    /// Whether a message of the same chain is among them: its outcome decides what may follow.
    pub(super) fn has_chain_of(&self, item: &Item) -> bool {
        let slot = item.approved.cl_ord_id.slot();
        self.held.iter().any(|held| held.item.approved.cl_ord_id.slot() == slot)
    }

    /// New orders and replaces among them.
    pub(super) fn orders(&self) -> u32 {
        self.held.iter().filter(|held| !held.item.is_cancel()).count() as u32
    }

    /// The one that a recording voided.
    pub(super) fn position_of(&self, void: &TxVoid) -> Option<usize> {
        let same = |held: &Held| {
            let approved = &held.item.approved;
            (approved.cl_ord_id, approved.kind) == (void.cl_ord_id, void.action)
        };
        debug_assert_ne!(void.action, Kind::ApprovedCancel as u8, "cancels are never voided late");
        self.held.iter().position(same)
    }

    /// The bytes of all of them: in the lane for one alone, else put together. `None` when the lane
    /// no longer holds them.
    pub(super) fn gather<'a>(&'a mut self, lane: &'a LaneWriter) -> Option<&'a [u8]> {
        if let (1, Some(held)) = (self.held.len(), self.held.front()) {
            return held.bytes(lane);
        }
        let mut end = 0;
        for held in &self.held {
            let start = end;
            end += held.len;
            self.bytes.get_mut(start..end)?.copy_from_slice(held.bytes(lane)?);
        }
        self.bytes.get(..end)
    }
}
