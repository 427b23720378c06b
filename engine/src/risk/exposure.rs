//! Sums of positions and working orders per scope and instrument, and what a candidate order would
//! make of them at worst.
//!
//! A working order is counted whole on its side, as if it were filled and nothing of the other side
//! were. A replace counts the worse of old and new terms. Nothing is given back before the venue
//! confirms.

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::message::Side;
use shm::reason::{Reason, Unit};
use shm::units::{Notional, Price, Qty};

use super::checks::Refusal;
use super::limits::{COUNT_UNBOUNDED, LimitTable, QTY_UNBOUNDED, SumLimits};
use super::money::short_at;
use super::room::units;
use super::scope::{Places, SCOPES, ScopeMap};

/// Sums of one scope in one instrument.
///
/// # Layout
/// One cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Sums {
    /// Value reserved by both.
    pub open_value: Notional,
    /// Signed position.
    pub position: Qty,
    /// Reserved by buys.
    pub open_buy: Qty,
    /// Reserved by sells.
    pub open_sell: Qty,
    /// Working orders.
    pub open_orders: u32,
}

const _: () = assert!(size_of::<Sums>() == 64);

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

impl Excess {
    /// As a refusal by a rule.
    #[must_use]
    pub const fn refusal(self, reason: Reason) -> Refusal {
        let Self { unit, measured, limit } = self;
        Refusal { reason, unit, measured, limit }
    }
}

#[inline]
const fn over(unit: Unit, measured: i128, limit: i128) -> Option<Excess> {
    if measured > limit { Some(Excess { unit, measured, limit }) } else { None }
}

/// A quantity against its limit.
#[inline]
const fn over_qty(measured: i128, limit: i64) -> Option<Excess> {
    if limit == QTY_UNBOUNDED { None } else { over(Unit::Qty, measured, limit as i128) }
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
        over_qty(self.worst(change), limit)
    }

    /// R11: a sale with every working sell filled would be short of more than is located. What a
    /// long position covers is no short sale.
    #[inline]
    pub(super) fn locate_excess(&self, change: &Change, limits: &SumLimits) -> Option<Excess> {
        match change.side {
            Side::Buy => None,
            Side::Sell => over_qty(self.worst(change).max(0), limits.locate_max),
        }
    }

    fn open_excess(&self, change: &Change, limits: &SumLimits) -> Option<Excess> {
        let qty =
            i128::from(self.open_buy.0) + i128::from(self.open_sell.0) + i128::from(change.qty);
        let value = self.open_value.0.saturating_add(change.value);
        let orders = i128::from(self.open_orders) + i128::from(change.orders);
        let count_excess = match limits.open_orders_max {
            COUNT_UNBOUNDED => None,
            max => over(Unit::Count, orders, i128::from(max)),
        };
        over_qty(qty, limits.open_qty_max)
            .or_else(|| over(Unit::Money, value, limits.open_value_max))
            .or(count_excess)
    }

    /// The sums after a change; `None` when one would leave its integer.
    #[must_use]
    #[inline]
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

/// One row of sums with an order in it: what its scopes compare with their limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grown {
    /// R31.
    open_value: i128,
    /// R11 and R30.
    worst: i64,
    /// R31.
    open_qty: i64,
    /// R31.
    open_orders: u32,
    pub(super) short: Short,
}

/// R34 in one row of sums: by how much more would be short, of a sell, with every working sell
/// filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    pub(super) more: i128,
    /// What the order takes of the funds of the row's scopes, in units of a room.
    pub(super) funds: i64,
}

/// What an order that passes at once takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// Its value in units of a room.
    pub(super) value: i64,
    pub(super) firm: Short,
    pub(super) account: Short,
    pub(super) strategy: Short,
}

/// What an order adds to every row alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added<'a> {
    change: &'a Change,
    /// The mark.
    px: Price,
    multiplier: i64,
    /// Its value in units of a room.
    pub(super) value: i64,
    /// Of a sell: its whole quantity short at the mark, and the same in units.
    whole: Short,
}

impl<'a> Added<'a> {
    /// At the mark `px`; `None` where it is beyond all rooms.
    #[inline(always)]
    pub(super) const fn new(change: &'a Change, px: Price, multiplier: i64) -> Option<Self> {
        let whole = match change.side {
            Side::Buy => 0,
            Side::Sell => short_at(change.qty, px, multiplier),
        };
        match (units(change.value), units(whole)) {
            (Some(value), Some(of)) => {
                let whole = Short { more: whole, funds: of };
                Some(Self { change, px, multiplier, value, whole })
            }
            _ => None,
        }
    }

    /// Where `before` would be short without the order and `after` with it.
    #[inline(always)]
    const fn short(&self, before: i64, after: i64) -> Option<Short> {
        if before <= 0 && after <= 0 {
            return Some(Short { more: 0, funds: 0 });
        }
        if 0 <= before && before <= after && self.multiplier == 1 {
            return Some(self.whole);
        }
        let short = short_at(after, self.px, self.multiplier);
        let more = short.checked_sub(short_at(before, self.px, self.multiplier));
        match more {
            Some(more) => match units(more) {
                Some(funds) => Some(Short { more, funds }),
                None => None,
            },
            None => None,
        }
    }
}

impl Grown {
    /// `None` where a sum leaves its integer.
    #[inline(always)]
    pub(super) fn of(sums: &Sums, added: &Added<'_>) -> Option<Self> {
        let (position, change) = (sums.position.0, added.change);
        let open_value = sums.open_value.0.checked_add(change.value)?;
        let open_orders = sums.open_orders.checked_add_signed(change.orders)?;
        let (open_qty, worst, short) = match change.side {
            Side::Buy => {
                let side = sums.open_buy.0.checked_add(change.qty)?;
                let open_qty = side.checked_add(sums.open_sell.0)?;
                let short = Short { more: 0, funds: added.value };
                (open_qty, position.checked_add(side)?, short)
            }
            Side::Sell => {
                let side = sums.open_sell.0.checked_add(change.qty)?;
                let open_qty = side.checked_add(sums.open_buy.0)?;
                let (before, worst) =
                    (sums.open_sell.0.checked_sub(position)?, side.checked_sub(position)?);
                (open_qty, worst, added.short(before, worst)?)
            }
        };
        Some(Self { open_value, worst, open_qty, open_orders, short })
    }

    /// R11 of a sell that is new.
    #[inline(always)]
    pub(super) const fn keeps_locate(&self, limits: &SumLimits) -> bool {
        self.worst <= limits.locate_max
    }

    /// R30.
    #[inline(always)]
    pub(super) const fn keeps_position(&self, side: Side, limits: &SumLimits) -> bool {
        self.worst
            <= match side {
                Side::Buy => limits.long_max,
                Side::Sell => limits.short_max,
            }
    }

    /// R31.
    #[inline(always)]
    pub(super) const fn keeps_open(&self, limits: &SumLimits) -> bool {
        self.open_qty <= limits.open_qty_max
            && self.open_value <= limits.open_value_max
            && self.open_orders <= limits.open_orders_max
    }
}

/// The sums of all scopes, instrument by instrument, each with the firm, the accounts and the
/// strategies. Those of scope `instrument` are the firm's.
#[derive(Clone, Debug)]
pub struct Exposure {
    map: ScopeMap,
    sums: Box<[Sums]>,
    /// Changes that left an integer and were held at its end; 0 unless reports contradict each
    /// other.
    overflows: u64,
}

/// Where the sums of an order's scopes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Of the firm, the account, the strategy.
    pub sums: [usize; 3],
    /// Its scopes.
    pub places: Places,
    /// Its instrument.
    pub instrument: InstrumentId,
}

impl Exposure {
    /// Nothing held, nothing open.
    #[must_use]
    pub fn new(map: ScopeMap) -> Self {
        let sums = vec![Sums::default(); map.wide() * map.instruments()].into();
        Self { map, sums, overflows: 0 }
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
        let places = self.map.of(account, strategy, instrument);
        let first = instrument.index() * self.map.wide();
        let [_, account, strategy, _] = places.0;
        Rows {
            sums: [first, first + account as usize, first + strategy as usize],
            places,
            instrument,
        }
    }

    /// The sums of one instrument with the places of their scopes.
    pub(super) fn of_instrument(
        &self,
        instrument: InstrumentId,
    ) -> impl Iterator<Item = (u32, &Sums)> {
        let first = instrument.index() * self.map.wide();
        (0..).zip(self.sums.iter().skip(first).take(self.map.wide()))
    }

    /// One row of sums.
    #[inline]
    pub(super) fn row(&self, row: usize) -> Option<&Sums> {
        self.sums.get(row)
    }

    /// Row of sums of each scope of an order: the firm's again for the instrument.
    #[inline]
    pub(super) const fn by_scope(rows: &Rows) -> [(u32, usize); SCOPES] {
        let ([firm, account, strategy], Places([a, b, c, d])) = (rows.sums, rows.places);
        [(a, firm), (b, account), (c, strategy), (d, firm)]
    }

    /// The sums of firm, account and strategy.
    #[must_use]
    pub fn sums(&self, rows: Rows) -> [Sums; 3] {
        rows.sums.map(|row| self.sums.get(row).copied().unwrap_or_default())
    }

    /// The first excess over all scopes, by one of the comparisons of [`Sums`].
    #[inline]
    fn first_excess(
        &self,
        rows: &Rows,
        limits: &LimitTable,
        excess: impl Fn(&Sums, &SumLimits) -> Option<Excess>,
    ) -> Option<Excess> {
        Self::by_scope(rows).into_iter().find_map(|(place, row)| {
            let limits = limits.scope(place).filter(|limits| limits.binds)?;
            excess(self.sums.get(row)?, &limits.sums)
        })
    }

    /// R11 over all scopes: the first excess.
    #[inline]
    pub fn locate_excess(
        &self,
        rows: &Rows,
        change: &Change,
        limits: &LimitTable,
    ) -> Option<Excess> {
        self.first_excess(rows, limits, |sums, limits| sums.locate_excess(change, limits))
    }

    /// R30 over all scopes: the first excess.
    #[inline]
    pub fn position_excess(
        &self,
        rows: &Rows,
        change: &Change,
        limits: &LimitTable,
    ) -> Option<Excess> {
        self.first_excess(rows, limits, |sums, limits| sums.position_excess(change, limits))
    }

    /// R31 over all scopes: the first excess.
    #[inline]
    pub fn open_excess(&self, rows: &Rows, change: &Change, limits: &LimitTable) -> Option<Excess> {
        self.first_excess(rows, limits, |sums, limits| sums.open_excess(change, limits))
    }

    /// Whether every sum stays within its integer.
    #[inline]
    #[must_use]
    pub fn fits(&self, rows: &Rows, change: &Change) -> bool {
        rows.sums.iter().all(|row| self.row(*row).is_some_and(|sums| sums.after(change).is_some()))
    }

    /// Applies a change to one row. One that does not fit is held at the end of the integer and
    /// counted; approved ones were checked by [`Exposure::fits`].
    #[inline]
    pub(super) fn apply(&mut self, row: usize, change: &Change) {
        let Some(sums) = self.sums.get_mut(row) else { return };
        match sums.after(change) {
            Some(after) => *sums = after,
            None => self.apply_held(row, change),
        }
    }

    /// Applies a change that has been found to fit ([`Grown::of`]).
    #[inline(always)]
    pub(super) fn grow(&mut self, row: usize, change: &Change) {
        let Some(sums) = self.sums.get_mut(row) else { return };
        sums.open_value = Notional(sums.open_value.0.wrapping_add(change.value));
        sums.open_orders = sums.open_orders.wrapping_add_signed(change.orders);
        let open = match change.side {
            Side::Buy => &mut sums.open_buy,
            Side::Sell => &mut sums.open_sell,
        };
        *open = Qty(open.0.wrapping_add(change.qty));
    }

    #[cold]
    fn apply_held(&mut self, row: usize, change: &Change) {
        let Some(sums) = self.sums.get_mut(row) else { return };
        self.overflows = self.overflows.saturating_add(1);
        let open = match change.side {
            Side::Buy => &mut sums.open_buy,
            Side::Sell => &mut sums.open_sell,
        };
        *open = Qty(open.0.saturating_add(change.qty));
        sums.open_value = Notional(sums.open_value.0.saturating_add(change.value));
        sums.open_orders = sums.open_orders.saturating_add_signed(change.orders);
    }

    /// Moves the position of one row by a signed quantity.
    pub(super) fn fill(&mut self, row: usize, signed: i64) {
        let Some(sums) = self.sums.get_mut(row) else { return };
        if sums.position.0.checked_add(signed).is_none() {
            self.overflows = self.overflows.saturating_add(1);
        }
        sums.position = Qty(sums.position.0.saturating_add(signed));
    }

    /// The positions of other sums for the same scopes, and nothing open.
    pub(super) fn begin(&mut self, with: &Self) {
        for (sums, with) in self.sums.iter_mut().zip(&with.sums) {
            *sums = Sums { position: with.position, ..Sums::default() };
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
