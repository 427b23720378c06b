//! Sums of positions and working orders per scope and instrument, and what a candidate order would
//! make of them at worst.
//!
//! A working order is counted whole on its side, as if it were filled and nothing of the other side
//! were. A replace counts the worse of old and new terms. Nothing is given back before the venue
//! confirms.

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::message::Side;
use shm::reason::Unit;
use shm::units::{Notional, Qty};

use super::limits::{PairLimits, SumLimits};

/// Sums of one scope in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Signed position.
    pub position: Qty,
    /// Reserved by buys.
    pub open_buy: Qty,
    /// Reserved by sells.
    pub open_sell: Qty,
    /// Value reserved by both.
    pub open_value: Notional,
    /// Working orders.
    pub open_orders: u32,
}

/// What an order adds to the sums (or, negative, takes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Side of the order.
    pub side: Side,
    /// Reserved quantity.
    pub qty: i64,
    /// Reserved value.
    pub value: i128,
    /// Working orders.
    pub orders: i32,
}

/// Which limit of a scope a change would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// What the sum is of.
    pub unit: Unit,
    /// What the sum would be.
    pub measured: i128,
    /// The last allowed value.
    pub limit: i128,
}

const fn over(unit: Unit, measured: i128, limit: i128) -> Option<Excess> {
    if measured > limit { Some(Excess { unit, measured, limit }) } else { None }
}

impl Sums {
    /// R30: the position with every order of the side filled, as a positive number for a sell.
    #[must_use]
    pub const fn worst(&self, change: &Change) -> i128 {
        let add = change.qty as i128;
        match change.side {
            Side::Buy => self.position.0 as i128 + self.open_buy.0 as i128 + add,
            Side::Sell => self.open_sell.0 as i128 - self.position.0 as i128 + add,
        }
    }

    fn position_excess(&self, change: &Change, limits: &SumLimits) -> Option<Excess> {
        let limit = match change.side {
            Side::Buy => limits.long_max,
            Side::Sell => limits.short_max,
        };
        over(Unit::Qty, self.worst(change), limit)
    }

    fn open_excess(&self, change: &Change, limits: &SumLimits) -> Option<Excess> {
        let qty =
            i128::from(self.open_buy.0) + i128::from(self.open_sell.0) + i128::from(change.qty);
        let value = self.open_value.0.saturating_add(change.value);
        let orders = i128::from(self.open_orders) + i128::from(change.orders);
        over(Unit::Qty, qty, limits.open_qty_max)
            .or_else(|| over(Unit::Money, value, limits.open_value_max))
            .or_else(|| over(Unit::Count, orders, limits.open_orders_max))
    }

    /// The sums after a change; `None` when one would leave its integer.
    #[must_use]
    pub fn after(&self, change: &Change) -> Option<Self> {
        let mut sums = *self;
        let open = match change.side {
            Side::Buy => &mut sums.open_buy,
            Side::Sell => &mut sums.open_sell,
        };
        *open = open.checked_add(Qty(change.qty))?;
        sums.open_value = sums.open_value.checked_add(Notional(change.value))?;
        sums.open_orders = sums.open_orders.checked_add_signed(change.orders)?;
        Some(sums)
    }
}

/// The sums of all scopes.
#[derive(Clone, Debug)]
pub struct Exposure {
    instruments: usize,
    accounts: usize,
    /// Firm, then each account, then each strategy; each with all instruments.
    sums: Box<[Sums]>,
    /// Changes that left an integer and were held at its end; 0 unless reports contradict each
    /// other.
    overflows: u64,
}

/// Rows of the three scopes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows([usize; 3]);

impl Exposure {
    /// Nothing held, nothing open.
    #[must_use]
    pub fn new(accounts: usize, strategies: usize, instruments: usize) -> Self {
        let rows = (1 + accounts + strategies) * instruments;
        Self { instruments, accounts, sums: vec![Sums::default(); rows].into(), overflows: 0 }
    }

    /// The rows of an order; the ids have been checked to exist.
    #[must_use]
    #[inline]
    pub const fn rows(
        &self,
        account: AccountId,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> Rows {
        let at = instrument.index();
        Rows([
            at,
            (1 + account.index()) * self.instruments + at,
            (1 + self.accounts + strategy.index()) * self.instruments + at,
        ])
    }

    fn each(&self, rows: Rows) -> impl Iterator<Item = &Sums> {
        rows.0.into_iter().filter_map(|row| self.sums.get(row))
    }

    /// The sums of firm, account and strategy.
    #[must_use]
    pub fn sums(&self, rows: Rows) -> [Sums; 3] {
        rows.0.map(|row| self.sums.get(row).copied().unwrap_or_default())
    }

    /// R30 over all scopes: the first excess.
    #[inline]
    pub fn position_excess(
        &self,
        rows: Rows,
        change: &Change,
        limits: &PairLimits,
    ) -> Option<Excess> {
        self.each(rows)
            .zip(&limits.sums)
            .find_map(|(sums, limits)| sums.position_excess(change, limits))
    }

    /// R31 over all scopes: the first excess.
    #[inline]
    pub fn open_excess(&self, rows: Rows, change: &Change, limits: &PairLimits) -> Option<Excess> {
        self.each(rows)
            .zip(&limits.sums)
            .find_map(|(sums, limits)| sums.open_excess(change, limits))
    }

    /// Whether every sum stays within its integer.
    #[inline]
    #[must_use]
    pub fn fits(&self, rows: Rows, change: &Change) -> bool {
        self.each(rows).all(|sums| sums.after(change).is_some())
    }

    /// Applies a change to all scopes. One that does not fit is held at the end of the integer and
    /// counted; approved ones were checked by [`Exposure::fits`].
    pub fn apply(&mut self, rows: Rows, change: &Change) {
        for row in rows.0 {
            let Some(sums) = self.sums.get_mut(row) else { continue };
            if let Some(after) = sums.after(change) {
                *sums = after;
                continue;
            }
            self.overflows = self.overflows.saturating_add(1);
            let open = match change.side {
                Side::Buy => &mut sums.open_buy,
                Side::Sell => &mut sums.open_sell,
            };
            *open = Qty(open.0.saturating_add(change.qty));
            sums.open_value = Notional(sums.open_value.0.saturating_add(change.value));
            sums.open_orders = sums.open_orders.saturating_add_signed(change.orders);
        }
    }

    /// Moves the position of all scopes by a signed quantity.
    pub fn fill(&mut self, rows: Rows, signed: i64) {
        for row in rows.0 {
            let Some(sums) = self.sums.get_mut(row) else { continue };
            if sums.position.0.checked_add(signed).is_none() {
                self.overflows = self.overflows.saturating_add(1);
            }
            sums.position = Qty(sums.position.0.saturating_add(signed));
        }
    }

    /// Changes that left an integer.
    #[must_use]
    pub const fn overflows(&self) -> u64 {
        self.overflows
    }

    /// All sums, for digests.
    pub fn iter(&self) -> impl Iterator<Item = &Sums> {
        self.sums.iter()
    }
}
