//! Our orders as the venue numbers them: slot <-> user reference number, and what is still open.
//!
//! Owned by the gateway, and enough to cancel everything without the risk stage. Numbers rise
//! strictly; they are looked up in a ring, so the table's size does not grow with the day. A number
//! whose place in the ring is still held by an open order is skipped: the venue wants rising
//! numbers, not dense ones.

use shm::ids::{ClOrdId, VenueOrdId};

/// Sizes of a table, made before the start.
#[derive(Clone, Copy, Debug)]
pub struct WireTableConfig {
    /// Order slots: ids with a slot at or above it are refused. In `1..=ClOrdId::SLOTS_MAX`.
    pub slots: u32,
    /// Numbers remembered; a power of two, at least four times `slots`. Late reports for older ones
    /// are recognised by their ClOrdID text only.
    pub urns: u32,
}

/// Why an order cannot be given a number.
#[must_use]
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    /// The id's slot is beyond the table.
    SlotOutOfRange,
    /// No such order is open under this slot.
    UnknownOrder,
    /// The slot still holds an open order.
    SlotInUse,
    /// A replace of the order is not answered yet.
    ReplaceInFlight,
    /// No number is left: `u32` is spent, or too many neighbours are held by open orders.
    NumbersSpent,
}

/// Neighbours tried for a free number before giving up for this call.
const SKIPS_MAX: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct UrnRow {
    /// 0: free.
    urn: u32,
    cl_ord_id: ClOrdId,
}

impl UrnRow {
    const FREE: Self = Self { urn: 0, cl_ord_id: ClOrdId::NONE };
}

/// One chain of an order and its replaces.
#[derive(Clone, Copy, Debug)]
struct SlotRow {
    /// The number that rules: last accepted, or the new order's own while a replace follows it
    /// unanswered; else 0.
    live_urn: u32,
    /// The last number sent, while not answered; 0 when there is none.
    sent_urn: u32,
    /// Shares exposed under `live_urn`.
    leaves: u32,
    /// Whether the venue has accepted `live_urn`; not yet when a replace overtook the answer.
    is_accepted: bool,
    /// The id that opened the chain; the chain's ids lie between it and the last one sent.
    first_id: ClOrdId,
    live_id: ClOrdId,
    sent_id: ClOrdId,
    venue_ord_id: VenueOrdId,
}

impl SlotRow {
    const EMPTY: Self = Self {
        live_urn: 0,
        sent_urn: 0,
        leaves: 0,
        is_accepted: false,
        first_id: ClOrdId::NONE,
        live_id: ClOrdId::NONE,
        sent_id: ClOrdId::NONE,
        venue_ord_id: VenueOrdId(0),
    };

    fn is_open(&self) -> bool {
        self.live_urn != 0 || self.sent_urn != 0
    }
}

/// The table of one gateway.
#[derive(Debug)]
pub struct WireTable {
    urns: Box<[UrnRow]>,
    slots: Box<[SlotRow]>,
    /// One bit per slot: an order may be live at the venue.
    open: Box<[u64]>,
    /// Bits set in `open`.
    open_count: u32,
    /// The next number to give; 0 when `u32` is spent.
    next_urn: u32,
}

impl WireTable {
    /// Makes a table. Cold: allocates.
    ///
    /// # Panics
    /// When the sizes are not as [`WireTableConfig`] says.
    #[must_use]
    pub fn new(config: WireTableConfig) -> Self {
        assert!(config.slots > 0 && config.slots <= ClOrdId::SLOTS_MAX, "slots out of range");
        assert!(config.urns.is_power_of_two(), "numbers remembered: a power of two");
        assert!(config.urns / 4 >= config.slots, "numbers remembered: four times the slots");
        Self {
            urns: vec![UrnRow::FREE; config.urns as usize].into_boxed_slice(),
            slots: vec![SlotRow::EMPTY; config.slots as usize].into_boxed_slice(),
            open: vec![0; config.slots.div_ceil(64) as usize].into_boxed_slice(),
            open_count: 0,
            next_urn: 1,
        }
    }

    /// The number that the next order would get if its place is free.
    #[must_use]
    pub const fn next_urn(&self) -> u32 {
        self.next_urn
    }

    /// Never gives a number below `urn` from now on: what the venue says it expects, or a block
    /// reserved and synced by an earlier start (C2).
    pub const fn raise_next_urn(&mut self, urn: u32) {
        if self.next_urn != 0 && urn > self.next_urn {
            self.next_urn = urn;
        }
    }

    /// A new venue session: nothing of the old one is live, and numbers begin again at 1.
    pub fn start_over(&mut self) {
        self.urns.fill(UrnRow::FREE);
        self.slots.fill(SlotRow::EMPTY);
        self.open.fill(0);
        self.open_count = 0;
        self.next_urn = 1;
    }

    /// Orders that may be live at the venue.
    #[must_use]
    pub const fn open_count(&self) -> u32 {
        self.open_count
    }

    /// Gives a new order its number.
    ///
    /// # Errors
    /// [`WireFault`]: the order is not sent.
    pub fn assign_new(&mut self, id: ClOrdId) -> Result<u32, WireFault> {
        if self.row(id).ok_or(WireFault::SlotOutOfRange)?.is_open() {
            return Err(WireFault::SlotInUse);
        }
        let urn = self.take_urn().ok_or(WireFault::NumbersSpent)?;
        self.restore_new(urn, id)?;
        Ok(urn)
    }

    /// Gives a replace its number; returns the number it replaces and its own.
    ///
    /// # Errors
    /// [`WireFault`]: the replace is not sent.
    pub fn assign_replace(&mut self, id: ClOrdId) -> Result<(u32, u32), WireFault> {
        let row = self.row(id).ok_or(WireFault::SlotOutOfRange)?;
        let orig = if row.live_urn != 0 { row.live_urn } else { row.sent_urn };
        if orig == 0 {
            return Err(WireFault::UnknownOrder);
        }
        if row.live_urn != 0 && row.sent_urn != 0 {
            return Err(WireFault::ReplaceInFlight);
        }
        let urn = self.take_urn().ok_or(WireFault::NumbersSpent)?;
        self.restore_replace(urn, id)?;
        Ok((orig, urn))
    }

    /// Gives a number to a request that is no order (mass cancel).
    ///
    /// # Errors
    /// [`WireFault::NumbersSpent`].
    pub fn assign_request(&mut self) -> Result<u32, WireFault> {
        self.take_urn().ok_or(WireFault::NumbersSpent)
    }

    /// Enters a new order that was given `urn` before: rebuild from the journal, in its order.
    ///
    /// # Errors
    /// [`WireFault::SlotOutOfRange`]: the table is smaller than the one that sent it.
    pub fn restore_new(&mut self, urn: u32, id: ClOrdId) -> Result<(), WireFault> {
        let row = self.row_mut(id).ok_or(WireFault::SlotOutOfRange)?;
        *row = SlotRow { sent_urn: urn, first_id: id, sent_id: id, ..SlotRow::EMPTY };
        self.remember(urn, id);
        self.set_open(id.slot(), true);
        Ok(())
    }

    /// Enters a replace that was given `urn` before: rebuild from the journal, in its order.
    ///
    /// # Errors
    /// [`WireFault::SlotOutOfRange`]: the table is smaller than the one that sent it.
    pub fn restore_replace(&mut self, urn: u32, id: ClOrdId) -> Result<(), WireFault> {
        let row = self.row_mut(id).ok_or(WireFault::SlotOutOfRange)?;
        if row.live_urn == 0 {
            // The order itself is not answered yet: its number stays the one to cancel, with this
            // one.
            row.live_urn = row.sent_urn;
            row.live_id = row.sent_id;
            row.is_accepted = false;
        }
        row.sent_urn = urn;
        row.sent_id = id;
        self.remember(urn, id);
        self.set_open(id.slot(), true);
        Ok(())
    }

    /// The number was given but its message was never sent.
    pub fn void(&mut self, urn: u32) {
        self.on_rejected(urn);
    }

    /// Our id of a number; `None` when it is not ours or long past.
    #[must_use]
    pub fn id_of(&self, urn: u32) -> Option<ClOrdId> {
        let row = self.urns.get(self.place(urn))?;
        (urn != 0 && row.urn == urn).then_some(row.cl_ord_id)
    }

    /// The number of an open order's id; `None` when the id is not the one last accepted or last
    /// sent.
    #[must_use]
    pub fn urn_of(&self, id: ClOrdId) -> Option<u32> {
        let row = self.row(id)?;
        if row.live_urn != 0 && row.live_id == id {
            Some(row.live_urn)
        } else if row.sent_urn != 0 && row.sent_id == id {
            Some(row.sent_urn)
        } else {
            None
        }
    }

    /// The numbers to name so that nothing of the slot's chain stays live: the last accepted and
    /// the one not yet answered. 0 for none.
    #[must_use]
    pub fn cancel_urns(&self, slot: u32) -> [u32; 2] {
        self.slots.get(slot as usize).map_or([0; 2], |row| [row.live_urn, row.sent_urn])
    }

    /// As [`WireTable::cancel_urns`], for the order of an id: none when the slot's chain is another
    /// order's. The id may be later than any that was sent: that of a replace that was taken back
    /// before its send, whose order is to be cancelled all the same.
    #[must_use]
    pub fn cancel_urns_of(&self, id: ClOrdId) -> [u32; 2] {
        const USES_BITS: u32 = 20;
        match self.row(id) {
            Some(row) if id >= row.first_id && id.0 >> USES_BITS == row.first_id.0 >> USES_BITS => {
                [row.live_urn, row.sent_urn]
            }
            _ => [0; 2],
        }
    }

    /// The venue's number and the shares exposed of the chain that `urn` belongs to now.
    #[must_use]
    pub fn terms_of(&self, urn: u32) -> Option<(VenueOrdId, u32)> {
        self.current(urn).map(|row| (row.venue_ord_id, row.leaves))
    }

    /// Whether the venue has accepted this number and no other since.
    #[must_use]
    pub fn is_accepted(&self, urn: u32) -> bool {
        self.current(urn).is_some_and(|row| row.live_urn == urn && row.is_accepted)
    }

    /// The first slot at or after `from` that may hold a live order.
    #[must_use]
    pub fn next_open(&self, from: u32) -> Option<u32> {
        let first = from / 64;
        let words = self.open.iter().zip(0_u32..).skip(first as usize);
        for (word, at) in words {
            let below = if at == first { (1_u64 << (from % 64)) - 1 } else { 0 };
            let rest = word & !below;
            if rest != 0 {
                return Some(at * 64 + rest.trailing_zeros());
            }
        }
        None
    }

    /// The venue accepted, or replaced into, `urn`, with so many shares exposed.
    pub fn on_live(&mut self, urn: u32, venue_ord_id: VenueOrdId, leaves: u32) {
        let Some(row) = self.current_mut(urn) else { return };
        if row.sent_urn == urn {
            row.live_id = row.sent_id;
            row.sent_urn = 0;
        }
        row.live_urn = urn;
        row.is_accepted = true;
        row.leaves = leaves;
        row.venue_ord_id = venue_ord_id;
        if leaves == 0 {
            self.on_dead(urn);
        }
    }

    /// Shares of `urn` were executed or cancelled.
    pub fn on_reduced(&mut self, urn: u32, shares: u32) {
        let Some(row) = self.current_mut(urn) else { return };
        if row.live_urn != urn {
            return;
        }
        row.leaves = row.leaves.saturating_sub(shares);
        if row.leaves == 0 {
            self.on_dead(urn);
        }
    }

    /// The shares exposed under `urn` are now so many.
    pub fn on_leaves(&mut self, urn: u32, leaves: u32) {
        if let Some(row) = self.current_mut(urn)
            && row.live_urn == urn
        {
            row.leaves = leaves;
        }
    }

    /// The venue's number of `urn` is now another.
    pub fn on_renumbered(&mut self, urn: u32, venue_ord_id: VenueOrdId) {
        if let Some(row) = self.current_mut(urn)
            && row.live_urn == urn
        {
            row.venue_ord_id = venue_ord_id;
        }
    }

    /// Nothing of `urn` is live any more. A replace of it that is not answered can find no order.
    pub fn on_dead(&mut self, urn: u32) {
        let Some(id) = self.id_of(urn) else { return };
        let Some(row) = self.current_mut(urn) else { return };
        *row = SlotRow::EMPTY;
        self.set_open(id.slot(), false);
    }

    /// The venue refused `urn`: a new order never lived, a replaced one lives on.
    pub fn on_rejected(&mut self, urn: u32) {
        let Some(id) = self.id_of(urn) else { return };
        let Some(row) = self.current_mut(urn) else { return };
        if row.sent_urn == urn {
            row.sent_urn = 0;
            row.sent_id = ClOrdId::NONE;
        } else if row.live_urn == urn && !row.is_accepted {
            // A new order that never lived: the replace behind it finds nothing, and has no answer.
            *row = SlotRow::EMPTY;
        }
        let is_open = row.is_open();
        self.set_open(id.slot(), is_open);
    }

    fn place(&self, urn: u32) -> usize {
        urn as usize & (self.urns.len() - 1)
    }

    fn row(&self, id: ClOrdId) -> Option<&SlotRow> {
        self.slots.get(id.slot() as usize)
    }

    fn row_mut(&mut self, id: ClOrdId) -> Option<&mut SlotRow> {
        self.slots.get_mut(id.slot() as usize)
    }

    /// The row of `urn`, if its chain is the one the slot holds now.
    fn current(&self, urn: u32) -> Option<&SlotRow> {
        let row = self.row(self.id_of(urn)?)?;
        (row.live_urn == urn || row.sent_urn == urn).then_some(row)
    }

    fn current_mut(&mut self, urn: u32) -> Option<&mut SlotRow> {
        let id = self.id_of(urn)?;
        let row = self.row_mut(id)?;
        (row.live_urn == urn || row.sent_urn == urn).then_some(row)
    }

    fn remember(&mut self, urn: u32, id: ClOrdId) {
        let place = self.place(urn);
        if let Some(row) = self.urns.get_mut(place) {
            *row = UrnRow { urn, cl_ord_id: id };
        }
        if self.next_urn != 0 && urn >= self.next_urn {
            self.next_urn = urn.wrapping_add(1);
        }
    }

    /// The next number whose place is not held by an open order.
    fn take_urn(&mut self) -> Option<u32> {
        for _ in 0..SKIPS_MAX {
            let urn = self.next_urn;
            if urn == 0 {
                return None;
            }
            self.next_urn = urn.wrapping_add(1);
            let held = self.urns.get(self.place(urn))?.urn;
            if held == 0 || self.current(held).is_none() {
                return Some(urn);
            }
        }
        None
    }

    fn set_open(&mut self, slot: u32, is_open: bool) {
        let Some(word) = self.open.get_mut(slot as usize / 64) else { return };
        let bit = 1_u64 << (slot % 64);
        let was_open = *word & bit != 0;
        if is_open && !was_open {
            *word |= bit;
            self.open_count += 1;
        } else if !is_open && was_open {
            *word &= !bit;
            self.open_count -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
