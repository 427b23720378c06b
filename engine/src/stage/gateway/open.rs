//! Orders that may live at the venue, where other threads can see them: what the guard cancels when
//! this stage's thread stands still, and what is not confirmed after a kill.
//!
//! One row per slot of an id, one writer: the gateway. A row that changes while it is read is read
//! as it was, as it is, or not at all.

use shm::atomic::{AtomicU64, Ordering};
use shm::ids::{AccountId, ClOrdId, InstrumentId};

/// Account of an order that was carried over: not known here.
const NO_ACCOUNT: u16 = u16::MAX;

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

/// The rows of one gateway.
#[derive(Debug)]
pub struct OpenOrders {
    rows: Box<[Row]>,
}

impl OpenOrders {
    /// For ids of `slots` slots. Cold: allocates.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { rows: (0..slots).map(|_| Row::default()).collect() }
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
        // ORDERING: Relaxed, both; a row that changes meanwhile may give a newer id to older
        // numbers: the cancel of those then finds nothing, and the newer ones are found by the next
        // look.
        let (id, terms) = (row.id.load(Ordering::Relaxed), row.terms.load(Ordering::Relaxed));
        let account = (terms >> 32) as u16;
        (urns != 0).then_some(OpenOrder {
            id: ClOrdId(id),
            urns: [(urns >> 32) as u32, urns as u32],
            account: (account != NO_ACCOUNT).then_some(AccountId(account)),
            instrument: InstrumentId(terms as u32),
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
