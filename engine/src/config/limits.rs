//! Limits as plain data: what the risk stage compares with, in its own units.
//!
//! A limit names the last allowed value. Every row whose scope covers an order applies to it. A row
//! says nothing of a limit that its table leaves out ([`Limit::Missing`]); the loader refuses a
//! configuration in which no row that applies says anything (R05).

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::units::{Nanos, Notional, Qty};

/// One limit of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit<T> {
    /// This scope does not speak of it. If no scope does, the order is refused with NO_LIMIT (R05).
    #[default]
    Missing,
    /// The last allowed value; for a minimum the first.
    Max(T),
    /// Written as `unlimited`.
    Unlimited,
}

impl<T: Copy + Ord> Limit<T> {
    /// Whether a measured value passes this limit as a maximum. A missing limit stops nothing by
    /// itself: whether any scope speaks is asked of all rows together.
    #[must_use]
    #[inline]
    pub fn allows(self, measured: T) -> bool {
        match self {
            Self::Max(limit) => measured <= limit,
            Self::Missing | Self::Unlimited => true,
        }
    }

    /// Whether the scope speaks of it.
    #[must_use]
    #[inline]
    pub const fn is_stated(self) -> bool {
        !matches!(self, Self::Missing)
    }

    /// The tighter of two maxima: any number before `unlimited` before nothing said.
    #[must_use]
    pub fn tightest(self, other: Self) -> Self {
        match (self, other) {
            (Self::Max(a), Self::Max(b)) => Self::Max(a.min(b)),
            (Self::Max(limit), _) | (_, Self::Max(limit)) => Self::Max(limit),
            (Self::Unlimited, _) | (_, Self::Unlimited) => Self::Unlimited,
            (Self::Missing, Self::Missing) => Self::Missing,
        }
    }

    /// The tighter of two minima: the greater number.
    #[must_use]
    pub fn tightest_min(self, other: Self) -> Self {
        match (self, other) {
            (Self::Max(a), Self::Max(b)) => Self::Max(a.max(b)),
            _ => self.tightest(other),
        }
    }

    /// The number, if there is one.
    #[must_use]
    pub const fn number(self) -> Option<T> {
        match self {
            Self::Max(limit) => Some(limit),
            Self::Missing | Self::Unlimited => None,
        }
    }
}

/// Limits of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderLimits {
    /// R20.
    pub qty_max: Limit<Qty>,
    /// R21.
    pub value_max: Limit<Notional>,
    /// R22: a minimum. Never [`Limit::Unlimited`]; zero for none.
    pub value_min: Limit<Notional>,
    /// R23, in 1e-4 of the reference; in `0..=1_000_000`.
    pub collar_bps: Limit<u32>,
    /// R23, in ticks of the instrument at the reference; the tighter of both holds.
    pub collar_ticks: Limit<u32>,
    /// R24, age of the reference.
    pub reference_age_max: Limit<Nanos>,
}

/// Limits of all working orders and positions of the scope, each per instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TotalLimits {
    /// R30: position with every working buy filled.
    pub long_max: Limit<Qty>,
    /// R30: the same of sells, as a positive number.
    pub short_max: Limit<Qty>,
    /// R31: quantity of working orders.
    pub open_qty_max: Limit<Qty>,
    /// R31: value of working orders.
    pub open_value_max: Limit<Notional>,
    /// R31: number of working orders.
    pub open_orders_max: Limit<u32>,
}

/// Limits of equal orders (R43).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepeatLimits {
    /// Equal orders within `per`, the one judged counted.
    pub same_max: Limit<u32>,
    /// The window; an event exactly this old has left it. Zero unless `same_max` is a number.
    pub per: Nanos,
}

/// What a row of limits covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    Firm,
    /// Orders of one account.
    Account(AccountId),
    /// Orders of one strategy.
    Strategy(StrategyId),
    /// Orders in one instrument.
    Instrument(InstrumentId),
}

impl Scope {
    /// Whether an order of this account, strategy and instrument is covered.
    #[must_use]
    #[inline]
    pub fn covers(
        self,
        account: AccountId,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> bool {
        match self {
            Self::Firm => true,
            Self::Account(id) => id == account,
            Self::Strategy(id) => id == strategy,
            Self::Instrument(id) => id == instrument,
        }
    }
}

/// The limits of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRow {
    /// What they cover.
    pub scope: Scope,
    /// Of one order.
    pub order: OrderLimits,
    /// Of all of them.
    pub total: TotalLimits,
    /// Of equal ones.
    pub repeat: RepeatLimits,
}

/// All limits of one version, swapped in whole. The volume, exposure, loss and self-trade limits
/// (R25, R26, R32-R36, R39, R41, R42, R44-R46) come as further groups of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSet {
    /// Counts up from 1; 0 is no set (R05).
    pub version: u32,
    /// One row per scope, sorted by scope, each scope once.
    pub rows: Vec<LimitRow>,
}

impl LimitSet {
    /// The rows that cover an order of this account, strategy and instrument.
    pub fn covering(
        &self,
        account: AccountId,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> impl Iterator<Item = &LimitRow> {
        self.rows.iter().filter(move |row| row.scope.covers(account, strategy, instrument))
    }

    /// The tightest of each limit over the rows that cover an order. Cold: the risk stage keeps one
    /// result per strategy and instrument. Totals are tightest too, for showing; they are to be
    /// compared row by row, each with the sums of its own scope.
    #[must_use]
    pub fn tightest(
        &self,
        account: AccountId,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> LimitRow {
        let mut all = LimitRow {
            scope: Scope::Firm,
            order: OrderLimits::default(),
            total: TotalLimits::default(),
            repeat: RepeatLimits::default(),
        };
        for row in self.covering(account, strategy, instrument) {
            all.tighten(row);
        }
        all
    }
}

impl LimitRow {
    /// Takes from another row whatever is tighter there.
    pub(super) fn tighten(&mut self, other: &Self) {
        self.order.tighten(&other.order);
        self.total.tighten(&other.total);
        self.repeat.tighten(&other.repeat);
    }

    /// Whether each limit is stated, by key.
    pub(super) fn stated(&self) -> Vec<(&'static str, bool)> {
        let mut all = Vec::from(self.order.stated());
        all.extend(self.total.stated());
        all.push(("repeat.same_max", self.repeat.same_max.is_stated()));
        all
    }
}

impl OrderLimits {
    fn tighten(&mut self, other: &Self) {
        self.qty_max = self.qty_max.tightest(other.qty_max);
        self.value_max = self.value_max.tightest(other.value_max);
        self.value_min = self.value_min.tightest_min(other.value_min);
        self.collar_bps = self.collar_bps.tightest(other.collar_bps);
        self.collar_ticks = self.collar_ticks.tightest(other.collar_ticks);
        self.reference_age_max = self.reference_age_max.tightest(other.reference_age_max);
    }

    const fn stated(&self) -> [(&'static str, bool); 6] {
        [
            ("order.qty_max", self.qty_max.is_stated()),
            ("order.value_max", self.value_max.is_stated()),
            ("order.value_min", self.value_min.is_stated()),
            ("order.collar_bps", self.collar_bps.is_stated()),
            ("order.collar_ticks", self.collar_ticks.is_stated()),
            ("order.reference_age_max_ms", self.reference_age_max.is_stated()),
        ]
    }
}

impl TotalLimits {
    fn tighten(&mut self, other: &Self) {
        self.long_max = self.long_max.tightest(other.long_max);
        self.short_max = self.short_max.tightest(other.short_max);
        self.open_qty_max = self.open_qty_max.tightest(other.open_qty_max);
        self.open_value_max = self.open_value_max.tightest(other.open_value_max);
        self.open_orders_max = self.open_orders_max.tightest(other.open_orders_max);
    }

    const fn stated(&self) -> [(&'static str, bool); 5] {
        [
            ("total.long_max", self.long_max.is_stated()),
            ("total.short_max", self.short_max.is_stated()),
            ("total.open_qty_max", self.open_qty_max.is_stated()),
            ("total.open_value_max", self.open_value_max.is_stated()),
            ("total.open_orders_max", self.open_orders_max.is_stated()),
        ]
    }
}

impl RepeatLimits {
    /// Windows of two scopes cannot be merged into one; the one with the smaller count is shown.
    fn tighten(&mut self, other: &Self) {
        let tightest = self.same_max.tightest(other.same_max);
        if tightest != self.same_max {
            *self = *other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a limit names the last allowed value, zero means zero, and merging never loosens.
    /// Method: at one below, at, and one above; every pair of variants.
    #[test]
    fn a_limit_names_the_last_allowed_value() {
        let limit = Limit::Max(10);
        assert_eq!([9, 10, 11].map(|value| limit.allows(value)), [true, true, false]);
        assert!(!Limit::Max(0).allows(1) && Limit::Max(0).allows(0));
        let all = [Limit::Missing, Limit::Max(3), Limit::Max(7), Limit::Unlimited];
        for a in all {
            for b in all {
                for value in 0..10 {
                    let both = a.allows(value) && b.allows(value);
                    assert_eq!(a.tightest(b).allows(value), both, "{a:?} {b:?} {value}");
                    assert_eq!(a.tightest(b).is_stated(), a.is_stated() || b.is_stated());
                }
            }
        }
        assert_eq!(Limit::Max(3).tightest_min(Limit::Max(7)), Limit::Max(7));
    }
}
