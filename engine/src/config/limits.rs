//! Limits as plain data: what the risk stage compares with, in its own units.
//!
//! A limit names the last allowed value. Every row whose scope covers an order applies to it. A row
//! says nothing of a limit that its table leaves out ([`Limit::Missing`]); the loader refuses a
//! configuration in which no row that applies says anything (R05).

mod groups;

pub use groups::{
    BreakerLimits, DayLimits, MoneyLimits, OrderLimits, RateLimits, RepeatLimits, TotalLimits,
    UnresolvedLimits,
};

use shm::ids::{AccountId, InstrumentId, StrategyId};

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
    /// Of the working orders and the position in each instrument.
    pub total: TotalLimits,
    /// Of equal orders.
    pub repeat: RepeatLimits,
    /// Of the money of the scope, over all its instruments.
    pub money: MoneyLimits,
    /// Of the session date.
    pub day: DayLimits,
    /// Of messages and prices over time.
    pub rate: RateLimits,
    /// Of what goes wrong.
    pub breaker: BreakerLimits,
    /// Of orders whose outcome is not known.
    pub unresolved: UnresolvedLimits,
}

impl LimitRow {
    /// A row that says nothing.
    #[must_use]
    pub fn silent(scope: Scope) -> Self {
        Self {
            scope,
            order: OrderLimits::default(),
            total: TotalLimits::default(),
            repeat: RepeatLimits::default(),
            money: MoneyLimits::default(),
            day: DayLimits::default(),
            rate: RateLimits::default(),
            breaker: BreakerLimits::default(),
            unresolved: UnresolvedLimits::default(),
        }
    }

    /// A row that states every limit as unlimited, and a least order value of zero.
    #[must_use]
    pub fn unlimited(scope: Scope) -> Self {
        Self {
            scope,
            order: OrderLimits::UNLIMITED,
            total: TotalLimits::UNLIMITED,
            repeat: RepeatLimits::UNLIMITED,
            money: MoneyLimits::UNLIMITED,
            day: DayLimits::UNLIMITED,
            rate: RateLimits::UNLIMITED,
            breaker: BreakerLimits::UNLIMITED,
            unresolved: UnresolvedLimits::UNLIMITED,
        }
    }

    /// With whatever is tighter in another row.
    #[must_use]
    pub fn tightened(mut self, other: &Self) -> Self {
        self.tighten(other);
        self
    }

    /// Keys of the mandatory limits, in the order of the bits of what R05 measures.
    #[must_use]
    pub fn mandatory() -> Vec<&'static str> {
        Self::silent(Scope::Firm).stated().into_iter().map(|(key, _)| key).collect()
    }

    /// Takes from another row whatever is tighter there.
    pub(super) fn tighten(&mut self, other: &Self) {
        self.order.tighten(&other.order);
        self.total.tighten(&other.total);
        self.repeat.tighten(&other.repeat);
        self.money.tighten(&other.money);
        self.day.tighten(&other.day);
        self.rate.tighten(&other.rate);
        self.breaker.tighten(&other.breaker);
        self.unresolved.tighten(&other.unresolved);
    }

    /// Whether each mandatory limit is stated, by key. The places are the bits of what R05
    /// measures.
    #[must_use]
    pub fn stated(&self) -> Vec<(&'static str, bool)> {
        let mut all = self.order.stated();
        all.extend(self.total.stated());
        all.extend(self.repeat.stated());
        all.extend(self.money.stated());
        all.extend(self.day.stated());
        all.extend(self.rate.stated());
        all.extend(self.breaker.stated());
        all.extend(self.unresolved.stated());
        all
    }
}

/// All limits of one version, swapped in whole.
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
        let mut all = LimitRow::silent(Scope::Firm);
        for row in self.covering(account, strategy, instrument) {
            all.tighten(row);
        }
        all
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
