//! Orders that may live at the venue, where other threads can see them: what the guard cancels when
//! this stage's thread stands still, and what is not confirmed after a kill.
//!
//! One row per slot of an id, one writer: the gateway. A row that changes while it is read is read
//! as it was, as it is, or not at all. Beside them a ring of the orders that were cancelled behind
//! a closed gate, so that a kill can say afterwards how many there were.

use shm::atomic::{AtomicU64, Ordering};
use shm::ids::{AccountId, ClOrdId, InstrumentId};

/// Account of an order that was carried over: not known here.
const NO_ACCOUNT: u16 = u16::MAX;
/// Cancels kept for each slot: an order is cancelled once a closing and connection.
const CANCELS_A_SLOT: usize = 4;
/// Least cancels kept.
const CANCELS_MIN: usize = 4_096;

/// An order that may live at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// The id last sent.
    pub id: ClOrdId,
    /// The venue's numbers that a cancel names: last accepted, and not yet answered; 0 for none.
    pub urns: [u32; 2],
    /// Its account; `None` when it was carried over.
    pub account: Option<AccountId>,
    /// Its instrument; [`InstrumentId::NONE`] when it was carried over.
    pub instrument: InstrumentId,
}

#[derive(Debug, Default)]
struct Row {
    urns: AtomicU64,
    id: AtomicU64,
    /// Account in the high half, instrument in the low.
    terms: AtomicU64,
}

impl Row {
    fn put(&self, order: &OpenOrder) {
        let account = order.account.unwrap_or(AccountId(NO_ACCOUNT));
        let terms = u64::from(account.0) << 32 | u64::from(order.instrument.0);
        let [live, sent] = order.urns;
        // ORDERING: Relaxed, all; published by the count, stored after with Release.
        self.terms.store(terms, Ordering::Relaxed);
        self.id.store(order.id.0, Ordering::Relaxed);
        self.urns.store(u64::from(live) << 32 | u64::from(sent), Ordering::Relaxed);
    }

    fn get(&self, urns: u64) -> OpenOrder {
        // ORDERING: Relaxed, both; the caller has loaded what publishes them with Acquire. A row
        // that changes meanwhile may give a newer id to older numbers: the cancel of those then
        // finds nothing, and the newer ones are found by the next look.
        let (id, terms) = (self.id.load(Ordering::Relaxed), self.terms.load(Ordering::Relaxed));
        let account = (terms >> 32) as u16;
        OpenOrder {
            id: ClOrdId(id),
            urns: [(urns >> 32) as u32, urns as u32],
            account: (account != NO_ACCOUNT).then_some(AccountId(account)),
            instrument: InstrumentId(terms as u32),
        }
    }
}

/// The rows of one gateway.
#[derive(Debug)]
pub struct OpenOrders {
    rows: Box<[Row]>,
    /// Orders whose cancel was sent behind a closed gate: a ring, of a power of two.
    cancels: Box<[Row]>,
    /// How many ever were.
    cancelled: AtomicU64,
}

impl OpenOrders {
    /// For ids of `slots` slots. Cold: allocates.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let kept = (slots * CANCELS_A_SLOT).max(CANCELS_MIN).next_power_of_two();
        let rows = |count: usize| (0..count).map(|_| Row::default()).collect();
        Self { rows: rows(slots), cancels: rows(kept), cancelled: AtomicU64::new(0) }
    }

    /// Says whose order a slot holds, before its first number is given out.
    pub(crate) fn name(&self, slot: u32, account: AccountId, instrument: InstrumentId) {
        let Some(row) = self.rows.get(slot as usize) else { return };
        let terms = u64::from(account.0) << 32 | u64::from(instrument.0);
        // ORDERING: Relaxed; published by the numbers, stored after with Release.
        row.terms.store(terms, Ordering::Relaxed);
    }

    /// Says under which numbers a slot's order may live: none when both are 0.
    pub(crate) fn set(&self, slot: u32, id: ClOrdId, urns: [u32; 2]) {
        let Some(row) = self.rows.get(slot as usize) else { return };
        let [live, sent] = urns;
        // ORDERING: Relaxed; published by the numbers below.
        row.id.store(id.0, Ordering::Relaxed);
        // ORDERING: Release; pairs with the Acquire in `at`: numbers that are seen have their id.
        row.urns.store(u64::from(live) << 32 | u64::from(sent), Ordering::Release);
    }

    fn at(&self, slot: usize) -> Option<OpenOrder> {
        let row = self.rows.get(slot)?;
        // ORDERING: Acquire; pairs with the Release in `set`.
        let urns = row.urns.load(Ordering::Acquire);
        (urns != 0).then(|| row.get(urns))
    }

    /// Keeps an order whose cancel goes out behind a closed gate.
    pub(crate) fn keep_cancel(&self, order: &OpenOrder) {
        // ORDERING: Relaxed; this thread alone writes it.
        let count = self.cancelled.load(Ordering::Relaxed);
        let at = count as usize & (self.cancels.len() - 1);
        let Some(row) = self.cancels.get(at) else { return };
        row.put(order);
        // ORDERING: Release; pairs with the Acquire in `cancels`: what is counted is written.
        self.cancelled.store(count + 1, Ordering::Release);
    }

    /// Cancels that were sent behind closed gates, ever.
    #[must_use]
    pub fn cancels(&self) -> u64 {
        // ORDERING: Acquire; pairs with the Release in `keep_cancel`.
        self.cancelled.load(Ordering::Acquire)
    }

    /// The orders of the cancels from the `from`-th on, counted from 0: one may come again. Those
    /// that newer ones have overwritten are left out.
    pub fn cancelled_since(&self, from: u64) -> impl Iterator<Item = OpenOrder> {
        let (count, kept) = (self.cancels(), self.cancels.len() as u64);
        let first = from.max(count.saturating_sub(kept));
        (first..count).filter_map(move |at| {
            let row = self.cancels.get((at & (kept - 1)) as usize)?;
            // ORDERING: Relaxed; published by the count. Overwritten meanwhile: see below.
            let order = row.get(row.urns.load(Ordering::Relaxed));
            (self.cancels() - at <= kept).then_some(order)
        })
    }

    /// Every order that may live, by slot.
    pub fn iter(&self) -> impl Iterator<Item = OpenOrder> {
        (0..self.rows.len()).filter_map(|slot| self.at(slot))
    }

    /// The order of a slot.
    #[must_use]
    pub fn of_slot(&self, slot: u32) -> Option<OpenOrder> {
        self.at(slot as usize)
    }

    /// Marks every slot as carried over: whose order it holds is not known here.
    pub(super) fn forget_names(&self) {
        for slot in 0..self.rows.len() as u32 {
            self.name(slot, AccountId(NO_ACCOUNT), InstrumentId::NONE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::ids::StrategyId;

    fn order(slot: u32) -> OpenOrder {
        OpenOrder {
            id: ClOrdId::new(1, StrategyId(2), slot, 0),
            urns: [slot, 0],
            account: slot.is_multiple_of(2).then_some(AccountId(3)),
            instrument: InstrumentId(slot),
        }
    }

    /// Goal: what was cancelled is told from any point on, as it was, the oldest forgotten first.
    /// Method: more cancels than are kept.
    #[test]
    fn the_latest_cancels_are_kept_as_they_were() {
        let open = OpenOrders::new(0);
        let kept = CANCELS_MIN as u32;
        (0..kept + 3).for_each(|slot| open.keep_cancel(&order(slot)));
        assert_eq!(open.cancels(), u64::from(kept + 3));
        let since = |from: u32| open.cancelled_since(from.into()).collect::<Box<[_]>>();
        assert_eq!(since(kept + 1)[..], [order(kept + 1), order(kept + 2)]);
        assert_eq!((since(0).len(), since(0)[0]), (CANCELS_MIN, order(3)));
        assert_eq!(since(kept + 3).len() + since(kept + 9).len(), 0);
        assert_eq!(open.iter().count(), 0, "none of them is open");
    }
}
