//! Limits compiled for the checks: per strategy and instrument the tightest of each limit of one
//! order, and for each sum the row of its scope. Built cold, swapped in whole.
//!
//! Totals (R30, R31) are per instrument within a scope. The sums of scope `firm` and of scope
//! `instrument` are the same sums, so their rows are merged.

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::units::Nanos;

use crate::config::limits::{Limit, LimitRow, LimitSet, Scope, TotalLimits};

/// No bound: every measured value is at most this.
pub const UNBOUNDED: i128 = i128::MAX;

/// Limits on the sums of one scope in one instrument, each the last allowed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumLimits {
    /// R30, long.
    pub long_max: i128,
    /// R30, short.
    pub short_max: i128,
    /// R31.
    pub open_qty_max: i128,
    /// R31.
    pub open_value_max: i128,
    /// R31.
    pub open_orders_max: i128,
}

/// R43 of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SameLimit {
    /// Equal orders in the window, the one judged counted.
    pub max: u32,
    /// The window.
    pub per: Nanos,
}

/// Everything that bounds an order of one strategy in one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairLimits {
    /// Mandatory limits that no scope states: one bit each, 0 is complete (R05).
    pub missing: u16,
    /// R20.
    pub qty_max: i128,
    /// R21.
    pub value_max: i128,
    /// R22.
    pub value_min: i128,
    /// R23, in bps; `UNBOUNDED` for none.
    pub collar_bps: i128,
    /// R23, in ticks; `UNBOUNDED` for none.
    pub collar_ticks: i128,
    /// R24.
    pub reference_age_max: Nanos,
    /// Sums of the firm and the instrument, of the account, of the strategy.
    pub sums: [SumLimits; 3],
    /// R43 by firm, account, strategy, instrument.
    pub same: [Option<SameLimit>; 4],
}

/// The compiled set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitTable {
    version: u32,
    pairs: Box<[PairLimits]>,
    instruments: usize,
}

fn bound<T: Into<i128> + Copy + Ord>(limit: Limit<T>) -> i128 {
    limit.number().map_or(UNBOUNDED, Into::into)
}

impl SumLimits {
    const OPEN: Self = Self {
        long_max: UNBOUNDED,
        short_max: UNBOUNDED,
        open_qty_max: UNBOUNDED,
        open_value_max: UNBOUNDED,
        open_orders_max: UNBOUNDED,
    };

    fn tighten(&mut self, row: &TotalLimits) {
        self.long_max = self.long_max.min(row.long_max.number().map_or(UNBOUNDED, |q| q.0.into()));
        self.short_max =
            self.short_max.min(row.short_max.number().map_or(UNBOUNDED, |q| q.0.into()));
        self.open_qty_max =
            self.open_qty_max.min(row.open_qty_max.number().map_or(UNBOUNDED, |q| q.0.into()));
        self.open_value_max =
            self.open_value_max.min(row.open_value_max.number().map_or(UNBOUNDED, |v| v.0));
        self.open_orders_max = self.open_orders_max.min(bound(row.open_orders_max));
    }
}

impl PairLimits {
    /// Keys of the mandatory limits, in the order of the bits of `missing`.
    pub const MANDATORY: [&'static str; 12] = [
        "order.qty_max",
        "order.value_max",
        "order.value_min",
        "order.collar_bps",
        "order.collar_ticks",
        "order.reference_age_max_ms",
        "total.long_max",
        "total.short_max",
        "total.open_qty_max",
        "total.open_value_max",
        "total.open_orders_max",
        "repeat.same_max",
    ];

    /// Nothing stated: refuses with NO_LIMIT.
    pub const MISSING: Self = Self {
        missing: u16::MAX,
        qty_max: 0,
        value_max: 0,
        value_min: UNBOUNDED,
        collar_bps: 0,
        collar_ticks: 0,
        reference_age_max: Nanos(0),
        sums: [SumLimits::OPEN; 3],
        same: [None; 4],
    };

    fn compile(tightest: &LimitRow, rows: &mut dyn Iterator<Item = &LimitRow>) -> Self {
        let LimitRow { order, total, repeat, .. } = tightest;
        let stated: [bool; Self::MANDATORY.len()] = [
            order.qty_max.is_stated(),
            order.value_max.is_stated(),
            order.value_min.is_stated(),
            order.collar_bps.is_stated(),
            order.collar_ticks.is_stated(),
            order.reference_age_max.is_stated(),
            total.long_max.is_stated(),
            total.short_max.is_stated(),
            total.open_qty_max.is_stated(),
            total.open_value_max.is_stated(),
            total.open_orders_max.is_stated(),
            repeat.same_max.is_stated(),
        ];
        let missing = stated
            .iter()
            .enumerate()
            .fold(0_u16, |bits, (at, stated)| bits | u16::from(!stated) << at);
        let mut pair = Self {
            missing,
            qty_max: order.qty_max.number().map_or(UNBOUNDED, |qty| qty.0.into()),
            value_max: order.value_max.number().map_or(UNBOUNDED, |value| value.0),
            value_min: order.value_min.number().map_or(i128::MIN, |value| value.0),
            collar_bps: bound(order.collar_bps),
            collar_ticks: bound(order.collar_ticks),
            reference_age_max: order.reference_age_max.number().unwrap_or(Nanos(u64::MAX)),
            sums: [SumLimits::OPEN; 3],
            same: [None; 4],
        };
        let [market, account, strategy] = &mut pair.sums;
        let [same_firm, same_account, same_strategy, same_instrument] = &mut pair.same;
        for row in rows {
            let (sums, same) = match row.scope {
                Scope::Firm => (&mut *market, &mut *same_firm),
                Scope::Instrument(_) => (&mut *market, &mut *same_instrument),
                Scope::Account(_) => (&mut *account, &mut *same_account),
                Scope::Strategy(_) => (&mut *strategy, &mut *same_strategy),
            };
            sums.tighten(&row.total);
            if let Limit::Max(max) = row.repeat.same_max {
                *same = Some(SameLimit { max, per: row.repeat.per });
            }
        }
        pair
    }
}

impl LimitTable {
    /// Compiles a set for the accounts of the strategies, by id, and a number of instruments.
    #[must_use]
    pub fn compile(set: &LimitSet, accounts: &[AccountId], instruments: usize) -> Self {
        let mut pairs = Vec::with_capacity(accounts.len() * instruments);
        for (strategy, &account) in accounts.iter().enumerate() {
            let strategy = StrategyId(strategy as u8);
            for instrument in 0..instruments {
                let instrument = InstrumentId(instrument as u32);
                pairs.push(PairLimits::compile(
                    &set.tightest(account, strategy, instrument),
                    &mut set.covering(account, strategy, instrument),
                ));
            }
        }
        Self { version: set.version, pairs: pairs.into(), instruments }
    }

    /// Version of the set; 0 is none (R05).
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The limits of a strategy in an instrument; `None` for ids that the set was not compiled for.
    #[must_use]
    #[inline]
    pub fn pair(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<&PairLimits> {
        if instrument.index() >= self.instruments {
            return None;
        }
        self.pairs.get(strategy.index() * self.instruments + instrument.index())
    }

    /// Whether it was compiled for as many strategies and instruments as another.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.instruments == other.instruments && self.pairs.len() == other.pairs.len()
    }

    /// The longest window of R43.
    #[must_use]
    pub fn repeat_window_max(&self) -> Nanos {
        let windows = self.pairs.iter().flat_map(|pair| pair.same).flatten().map(|same| same.per);
        windows.max().unwrap_or(Nanos(0))
    }
}
