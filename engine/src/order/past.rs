//! Orders that the ring of closed ones has dropped: of each only whose, which instrument and which
//! side, so that a fill that comes even later is booked where it belongs (C8: it is exposure until
//! it is disproved).
//!
//! Bound: an order is found here until `room` others have followed it.

use shm::ids::{ClOrdId, InstrumentId};
use shm::message::Side;

/// What is left of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastOrder {
    /// The id that opened its chain.
    pub root: ClOrdId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// First and last id of the chain; 0 for a free row.
    root: ClOrdId,
    last: ClOrdId,
    instrument: InstrumentId,
    side: u8,
    /// Number + 1 of the one before it in the same slot, 0 for none; 32 bits, as they wrap.
    before: u32,
}

/// The latest of them.
#[derive(Clone, Debug)]
pub(super) struct Past {
    rows: Box<[Row]>,
    /// Rows ever taken; the next goes to `taken % rows`.
    taken: u32,
    /// Number + 1 of the latest of each slot.
    latest: Box<[u32]>,
}

impl Past {
    pub(super) fn new(slots: usize, room: usize) -> Self {
        Self { rows: vec![Row::default(); room].into(), taken: 0, latest: vec![0; slots].into() }
    }

    pub(super) fn take(&mut self, root: ClOrdId, last: ClOrdId, of: InstrumentId, side: Side) {
        let Some(latest) = self.latest.get_mut(root.slot() as usize) else { return };
        let Some(at) = (self.taken as usize).checked_rem(self.rows.len()) else { return };
        let Some(row) = self.rows.get_mut(at) else { return };
        *row = Row { root, last, instrument: of, side: side as u8, before: *latest };
        // A session that drops 2^32 orders begins to forget at once what it had: numbers stay true.
        let Some(next) = self.taken.checked_add(1) else {
            self.latest.fill(0);
            self.taken = 0;
            return;
        };
        self.taken = next;
        *latest = next;
    }

    /// The order that an id belongs to.
    pub(super) fn find(&self, id: ClOrdId) -> Option<PastOrder> {
        let mut number = *self.latest.get(id.slot() as usize)?;
        for _ in 0..self.rows.len() {
            let at = number.checked_sub(1)?;
            let is_gone = (self.taken - at) as usize > self.rows.len();
            let row = self.rows.get((at as usize).checked_rem(self.rows.len())?)?;
            if is_gone {
                return None;
            }
            if row.root <= id && id <= row.last {
                let side = Side::from_u8(row.side)?;
                return Some(PastOrder { root: row.root, instrument: row.instrument, side });
            }
            number = row.before;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::ids::StrategyId;

    fn id(slot: u32, uses: u32) -> ClOrdId {
        ClOrdId::new(7, StrategyId(1), slot, uses)
    }

    /// Goal: the last `room` orders are found by any id of their chains, with instrument and side,
    /// whichever slots they had, and none beyond. Method: 40 orders over three slots and a room of
    /// eight.
    #[test]
    fn the_last_of_them_are_found_by_any_id_of_their_chains() {
        let mut past = Past::new(3, 8);
        let chain = |at: u32| (id(at % 3, at * 10), id(at % 3, at * 10 + 4));
        for at in 0..40_u32 {
            let (root, last) = chain(at);
            let side = if at.is_multiple_of(2) { Side::Buy } else { Side::Sell };
            past.take(root, last, InstrumentId(at), side);
            for other in 0..=at {
                let (first, last) = chain(other);
                let found = [first, id(other % 3, other * 10 + 2), last].map(|id| past.find(id));
                let is_kept = other + 8 > at;
                for found in found {
                    assert_eq!(found.map(|row| row.instrument.0), is_kept.then_some(other));
                    assert!(found.is_none_or(|row| row.root == first));
                }
                assert_eq!(past.find(id(other % 3, other * 10 + 5)), None, "no id of any");
            }
        }
        assert_eq!(Past::new(0, 0).find(id(0, 1)), None);
        assert_eq!(past.find(id(5, 1)), None, "a slot beyond the table");
    }
}
