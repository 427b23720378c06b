//! All orders: a fixed slab, one row per slot of an id, found without hashing. An ended order stays
//! in its row until the slot is used again, then moves to a fixed ring of closed orders, so that a
//! late fill or a bust still finds it.
//!
//! Bound: a closed order is findable until `closed` others have followed it into the ring. What is
//! left of it then, whose and of what, lasts for `past` more.

use shm::ids::ClOrdId;
use shm::map::prefetch_write;
use shm::record::order::Base;

use super::event::{Event, Signs};
use super::facts::Facts;
use super::list::SlotList;
use super::past::{Past, PastOrder};
use super::state::Order;

/// Where an order lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the row of its slot.
    Slot(u32),
    /// In the ring of closed orders, by its number there.
    Closed(u64),
}

/// A closed order and the number of the one that was closed before it in the same slot.
#[derive(Clone, Copy, Debug, Default)]
struct Closed {
    order: Order,
    /// Number + 1, 0 for none.
    before: u64,
}

/// The place behind another in a ring.
#[inline]
const fn after(at: usize, places: usize) -> usize {
    if at + 1 < places { at + 1 } else { 0 }
}

/// All orders.
#[derive(Clone, Debug)]
pub struct OrderTable {
    slots: Box<[Order]>,
    /// Orders that have not ended, in the order they began to work.
    working: SlotList,
    /// Orders that wait for the venue's first answer, in the order they were approved.
    in_flight: SlotList,
    /// Orders whose outcome is not known, in the order they became so.
    unknown: SlotList,
    closed: Box<[Closed]>,
    /// What the ring has dropped.
    past: Past,
    /// Orders ever closed.
    closed_count: u64,
    /// Where the next goes: `closed_count % closed.len()`.
    closed_next: usize,
    /// Number + 1 of the latest closed order of each slot.
    closed_latest: Box<[u64]>,
    /// Closed orders that work after all: the venue took back an end, or the gateway's word.
    reopened: u32,
    /// Of them those that the ring has dropped; they keep their reservation.
    dropped_working: u64,
    /// What has been counted.
    pub facts: Facts,
}

impl OrderTable {
    /// Room for `slots` orders at one time, `closed` ended ones, `past` that are only known by
    /// instrument and side, and `facts` executions.
    #[must_use]
    pub fn new(slots: usize, closed: usize, past: usize, facts: usize) -> Self {
        assert!(slots <= ClOrdId::SLOTS_MAX as usize, "more slots than an id can name");
        assert!(closed > 0, "no room for closed orders");
        Self {
            slots: vec![Order::default(); slots].into(),
            working: SlotList::new(slots),
            in_flight: SlotList::new(slots),
            unknown: SlotList::new(slots),
            closed: vec![Closed::default(); closed].into(),
            past: Past::new(slots, past),
            closed_count: 0,
            closed_next: 0,
            closed_latest: vec![0; slots].into(),
            reopened: 0,
            dropped_working: 0,
            facts: Facts::new(facts),
        }
    }

    /// The row of a slot, used or not; `None` beyond the table.
    #[must_use]
    #[inline]
    pub fn row(&self, slot: u32) -> Option<&Order> {
        self.slots.get(slot as usize)
    }

    /// Whether the order of a slot works: what [`Order::is_working`] says of its row, without the
    /// row.
    #[must_use]
    #[inline]
    pub fn works(&self, slot: u32) -> bool {
        let works = self.working.has(slot);
        debug_assert_eq!(Some(works), self.row(slot).map(Order::is_working));
        works
    }

    /// The order that an id belongs to: in its row, or closed.
    #[must_use]
    pub fn find(&self, id: ClOrdId) -> Option<Place> {
        let slot = id.slot();
        if self.row(slot)?.owns(id) {
            return Some(Place::Slot(slot));
        }
        let mut number = *self.closed_latest.get(slot as usize)?;
        for _ in 0..self.closed.len() {
            let at = number.checked_sub(1)?;
            let closed = self.closed_row(at)?;
            if closed.order.owns(id) {
                return Some(Place::Closed(at));
            }
            number = closed.before;
        }
        None
    }

    /// What is left of an order that the ring of closed ones has dropped.
    #[must_use]
    pub fn past(&self, id: ClOrdId) -> Option<PastOrder> {
        self.past.find(id)
    }

    fn closed_row(&self, number: u64) -> Option<&Closed> {
        let room = self.closed.len() as u64;
        if number >= self.closed_count || self.closed_count - number > room {
            return None;
        }
        self.closed.get((number % room) as usize)
    }

    /// The order at a place; `None` when it has been dropped since.
    #[must_use]
    pub fn get(&self, place: Place) -> Option<&Order> {
        match place {
            Place::Slot(slot) => self.row(slot).filter(|order| order.is_some()),
            Place::Closed(number) => self.closed_row(number).map(|closed| &closed.order),
        }
    }

    /// Puts a new order into its row, closing the one before it. The caller has checked that the
    /// row exists and that what it holds has ended; otherwise nothing happens and `false` comes
    /// back.
    #[inline]
    pub fn open(&mut self, order: Order) -> bool {
        let slot = order.root.slot();
        let Some(row) = self.slots.get(slot as usize) else { return false };
        if self.works(slot) {
            return false;
        }
        if row.is_some() {
            self.close_row(slot);
        }
        // Of the value and not of the row: what its maker knows of it is known here.
        let (is_some, base) = (order.is_some(), order.base());
        if let Some(row) = self.slots.get_mut(slot as usize) {
            *row = order;
        }
        self.link(slot, is_some, base);
        true
    }

    /// Puts what a row holds, which has ended, among the closed orders; the row stays as it is.
    #[inline]
    fn close_row(&mut self, slot: u32) {
        let at = slot as usize;
        let (Some(order), Some(latest)) = (self.slots.get(at), self.closed_latest.get_mut(at))
        else {
            return;
        };
        let Some(row) = self.closed.get_mut(self.closed_next) else { return };
        if self.reopened > 0 && row.order.is_working() {
            self.dropped_working += 1;
            self.reopened -= 1;
        }
        if let (true, Some(side)) = (row.order.is_some(), row.order.side) {
            let Order { root, last, instrument, .. } = row.order;
            self.past.take(root, last, instrument, side);
        }
        row.order = *order;
        row.before = *latest;
        self.closed_count += 1;
        self.closed_next = after(self.closed_next, self.closed.len());
        *latest = self.closed_count;
        self.fetch_closed();
    }

    /// Asks for the row that the next order to be closed goes to.
    #[inline(always)]
    fn fetch_closed(&self) {
        if let Some(Closed { order, before }) = self.closed.get(self.closed_next) {
            prefetch_write(&order.root);
            prefetch_write(&order.replace.id);
            prefetch_write(&order.busted_qty);
            prefetch_write(&order.instrument);
            prefetch_write(&order.since);
            prefetch_write(before);
        }
    }

    fn close(&mut self, slot: u32, order: Order) {
        let Some(latest) = self.closed_latest.get_mut(slot as usize) else { return };
        let Some(row) = self.closed.get_mut(self.closed_next) else { return };
        if row.order.is_working() {
            self.dropped_working += 1;
            self.reopened = self.reopened.saturating_sub(1);
        }
        self.reopened += u32::from(order.is_working());
        if let (true, Some(side)) = (row.order.is_some(), row.order.side) {
            let Order { root, last, instrument, .. } = row.order;
            self.past.take(root, last, instrument, side);
        }
        *row = Closed { order, before: *latest };
        self.closed_count += 1;
        self.closed_next = after(self.closed_next, self.closed.len());
        *latest = self.closed_count;
    }

    /// Puts an order of an earlier session into its row, or, where another order works there, among
    /// the closed ones. `false` if the table has no such row.
    pub fn adopt(&mut self, order: Order) -> bool {
        if self.open(order) {
            return true;
        }
        let slot = order.root.slot();
        let has_row = self.row(slot).is_some();
        if has_row {
            self.close(slot, order);
        }
        has_row
    }

    /// Applies an event to the order at a place.
    pub fn apply(&mut self, place: Place, event: Event) -> Signs {
        let worked = self.get(place).is_some_and(Order::is_working);
        let signs = self.update(place, |order| order.apply(event)).unwrap_or_default();
        match place {
            Place::Slot(slot) => self.relink(slot),
            Place::Closed(_) => {
                let works = self.get(place).is_some_and(Order::is_working);
                self.reopened = self.reopened.saturating_add(u32::from(works && !worked));
                self.reopened = self.reopened.saturating_sub(u32::from(worked && !works));
            }
        }
        signs
    }

    /// Changes the order at a place in what is not its state: reservation, signs.
    pub fn update<R>(&mut self, place: Place, change: impl FnOnce(&mut Order) -> R) -> Option<R> {
        let order = match place {
            Place::Slot(slot) => self.slots.get_mut(slot as usize)?,
            Place::Closed(number) => {
                self.closed_row(number)?;
                let room = self.closed.len() as u64;
                &mut self.closed.get_mut((number % room) as usize)?.order
            }
        };
        Some(change(order))
    }

    /// Makes the lists agree with the state of a row.
    #[inline]
    fn relink(&mut self, slot: u32) {
        let Some(order) = self.slots.get(slot as usize) else { return };
        self.link(slot, order.is_some(), order.base());
    }

    #[inline]
    fn link(&mut self, slot: u32, is_some: bool, base: Base) {
        self.working.set(slot, is_some && !base.is_terminal());
        self.in_flight.set(slot, is_some && base == Base::Approved);
        self.unknown.set(slot, is_some && base == Base::Unknown);
    }

    /// The order that has waited longest for the venue's first answer.
    #[must_use]
    pub fn oldest_in_flight(&self) -> Option<&Order> {
        self.row(self.in_flight.first()?)
    }

    /// Orders whose outcome is not known, the one that became so first leading (R07).
    pub fn unknown(&self) -> impl Iterator<Item = &Order> {
        self.unknown.iter().filter_map(|slot| self.row(slot))
    }

    /// How many orders are of unknown outcome.
    #[must_use]
    pub const fn unknown_count(&self) -> u32 {
        self.unknown.count()
    }

    /// Working orders, in the order they began to work; then closed ones that work after all.
    pub fn working(&self) -> impl Iterator<Item = &Order> {
        let listed = self.working.iter().filter_map(|slot| self.row(slot));
        let most = if self.reopened == 0 { 0 } else { usize::MAX };
        listed.chain(self.closed_orders().take(most).filter(|order| order.is_working()))
    }

    /// Closed orders, oldest first.
    fn closed_orders(&self) -> impl Iterator<Item = &Order> {
        let first = self.closed_count.saturating_sub(self.closed.len() as u64);
        (first..self.closed_count)
            .filter_map(|number| self.closed_row(number).map(|closed| &closed.order))
    }

    /// The first working slot after `after` in the list, or the first of all: a walk that may
    /// change the orders it meets, as long as the one at `after` still works.
    #[must_use]
    pub fn working_after(&self, after: Option<u32>) -> Option<u32> {
        match after {
            None => self.working.first(),
            Some(slot) => self.working.after(slot),
        }
    }

    /// How many orders work.
    #[must_use]
    pub const fn working_count(&self) -> u32 {
        self.working.count() + self.reopened
    }

    /// Closed orders that worked again, against all order of reports, and were then dropped for
    /// room.
    #[must_use]
    pub const fn dropped_working(&self) -> u64 {
        self.dropped_working
    }

    /// Every order held: rows by slot, then closed ones, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Order> {
        self.slots.iter().filter(|order| order.is_some()).chain(self.closed_orders())
    }
}
