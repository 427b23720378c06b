//! Limits compiled for the checks. Built cold, swapped in whole.
//!
//! | part | per | lines |
//! |---|---|---|
//! | [`PairLimits`] | strategy and instrument: the tightest of each limit of one order | 2 |
//! | [`ScopeLimits`] | scope: what is compared with the scope's own sums | 5 |
//! | [`ScopeWindows`] | scope: the times that rates and breakers count | its own |
//!
//! A scope is the firm, an account, a strategy or an instrument; its row is found by
//! [`ScopeMap`]. What no row of the set states for a scope binds nothing there; that some scope
//! states it is R05's to see.

mod windows;

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::message::Side;
use shm::units::{Nanos, Notional, Price, Qty};

use super::reference::Reference;
use super::scope::ScopeMap;
use crate::config::limits::{Limit, LimitRow, LimitSet, Scope};

pub use windows::{Breaker, ScopeWindows};

/// No bound: every measured value is at most this.
pub const UNBOUNDED: i128 = i128::MAX;
/// No bound of a quantity. A sum beyond it fails with OVERFLOW.
pub const QTY_UNBOUNDED: i64 = i64::MAX;
/// No bound of a count.
pub const COUNT_UNBOUNDED: u32 = u32::MAX;

/// Limits on the sums of one scope in one instrument, each the last allowed value.
///
/// # Layout
/// One cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct SumLimits {
    /// R31.
    pub open_value_max: i128,
    /// R30, long.
    pub long_max: i64,
    /// R30, short.
    pub short_max: i64,
    /// R11, short.
    pub locate_max: i64,
    /// R31.
    pub open_qty_max: i64,
    /// R31.
    pub open_orders_max: u32,
    /// R26, in ticks.
    pub move_ticks_max: u32,
}

const _: () = assert!(size_of::<SumLimits>() == 64);

/// R43 of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SameLimit {
    /// Equal orders in the window, the one judged counted.
    pub max: u32,
    /// The window.
    pub per: Nanos,
}

/// Limits of one scope, each the last allowed value.
///
/// # Layout
/// Five cache lines, in the order written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct ScopeLimits {
    /// Of sums per instrument.
    pub sums: SumLimits,
    /// R32.
    pub gross_max: i128,
    /// R33.
    pub net_max: i128,
    /// R34.
    pub funds_max: i128,
    /// R36.
    pub loss_max: i128,
    /// R36.
    pub drawdown_max: i128,
    /// R35.
    pub entered_value_max: i128,
    /// R35.
    pub entered_qty_max: i128,
    /// R35.
    pub traded_value_max: i128,
    /// R35.
    pub traded_qty_max: i128,
    /// R07.
    pub unknown_age_max: Nanos,
    /// Window of R26.
    pub move_per: Nanos,
    /// R07.
    pub unknown_max: u32,
    /// R42.
    pub orders_per_trade_max: u32,
    /// R42.
    pub orders_floor: u32,
    /// R44: executions that are too many by one.
    pub executions_max: u32,
    /// R43.
    pub same: Option<SameLimit>,
    /// Whether any limit of the scope's money is a number (R32, R33, R34, R36).
    pub has_money: bool,
    /// Whether any limit is a number at all: if not, the scope is passed over.
    pub binds: bool,
}

const _: () = assert!(size_of::<ScopeLimits>() == 320);

/// Everything that bounds one order of one strategy in one instrument.
///
/// # Layout
/// Two cache lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct PairLimits {
    /// R21.
    pub value_max: i128,
    /// R22.
    pub value_min: i128,
    /// Mandatory limits that no scope states: one bit each, in the order of
    /// [`LimitRow::stated`]; 0 is complete (R05).
    pub missing: u64,
    /// R20.
    pub qty_max: i64,
    /// R24.
    pub reference_age_max: Nanos,
    /// R23 in bps, or [`COUNT_UNBOUNDED`].
    pub collar_bps: u32,
    /// R23 in ticks, or [`COUNT_UNBOUNDED`].
    pub collar_ticks: u32,
    /// R23 of an order that does not cross the reference.
    pub passive_bps: u32,
    /// R23 of an order that does not cross the reference.
    pub passive_ticks: u32,
    /// R08.
    pub drift_max: Nanos,
    /// R25: what `adv_bps` is a share of; 0 for not known.
    pub adv: i64,
    /// R25, or [`COUNT_UNBOUNDED`].
    pub adv_bps: u32,
    /// R25, or [`COUNT_UNBOUNDED`].
    pub visible_bps: u32,
    /// The longest window of R26 over the scopes.
    pub move_per: Nanos,
    /// The longest window of R43 over the scopes.
    pub same_per: Nanos,
    /// The least ticks of R26 over the scopes, or [`COUNT_UNBOUNDED`].
    pub move_ticks_least: u32,
    /// The least number of R43 over the scopes, or [`COUNT_UNBOUNDED`].
    pub same_least: u32,
    /// R11.
    pub restricted: bool,
}

const _: () = assert!(size_of::<PairLimits>() == 128);

/// The compiled set.
#[derive(Clone, Debug)]
pub struct LimitTable {
    version: u32,
    map: ScopeMap,
    pairs: Box<[PairLimits]>,
    scopes: Box<[ScopeLimits]>,
    /// By instrument: the tighter of the firm's and its own, as both bound the firm's sums in it.
    tight: Box<[SumLimits]>,
    windows: Box<[ScopeWindows]>,
}

impl SumLimits {
    const OPEN: Self = Self {
        open_value_max: UNBOUNDED,
        long_max: QTY_UNBOUNDED,
        short_max: QTY_UNBOUNDED,
        locate_max: QTY_UNBOUNDED,
        open_qty_max: QTY_UNBOUNDED,
        open_orders_max: COUNT_UNBOUNDED,
        move_ticks_max: COUNT_UNBOUNDED,
    };

    fn tighter(&self, other: &Self) -> Self {
        Self {
            open_value_max: self.open_value_max.min(other.open_value_max),
            long_max: self.long_max.min(other.long_max),
            short_max: self.short_max.min(other.short_max),
            locate_max: self.locate_max.min(other.locate_max),
            open_qty_max: self.open_qty_max.min(other.open_qty_max),
            open_orders_max: self.open_orders_max.min(other.open_orders_max),
            move_ticks_max: self.move_ticks_max.min(other.move_ticks_max),
        }
    }
}

impl ScopeLimits {
    /// Binds nothing.
    pub const OPEN: Self = Self {
        sums: SumLimits::OPEN,
        gross_max: UNBOUNDED,
        net_max: UNBOUNDED,
        funds_max: UNBOUNDED,
        loss_max: UNBOUNDED,
        drawdown_max: UNBOUNDED,
        entered_value_max: UNBOUNDED,
        entered_qty_max: UNBOUNDED,
        traded_value_max: UNBOUNDED,
        traded_qty_max: UNBOUNDED,
        unknown_age_max: Nanos(u64::MAX),
        move_per: Nanos(0),
        unknown_max: COUNT_UNBOUNDED,
        orders_per_trade_max: COUNT_UNBOUNDED,
        orders_floor: 0,
        executions_max: COUNT_UNBOUNDED,
        same: None,
        has_money: false,
        binds: false,
    };

    fn compile(row: &LimitRow) -> Self {
        let LimitRow { total, money, day, rate, unresolved, repeat, .. } = row;
        let mut limits = Self {
            sums: SumLimits {
                open_value_max: value(total.open_value_max),
                long_max: quantity(total.long_max),
                short_max: quantity(total.short_max),
                locate_max: quantity(total.locate_max),
                open_qty_max: quantity(total.open_qty_max),
                open_orders_max: count(total.open_orders_max),
                move_ticks_max: count(rate.move_ticks_max),
            },
            gross_max: value(money.gross_max),
            net_max: value(money.net_max),
            funds_max: value(money.funds_max),
            loss_max: value(money.loss_max),
            drawdown_max: value(money.drawdown_max),
            entered_value_max: value(day.entered_value_max),
            entered_qty_max: day.entered_qty_max.number().map_or(UNBOUNDED, |qty| qty.0.into()),
            traded_value_max: value(day.traded_value_max),
            traded_qty_max: day.traded_qty_max.number().map_or(UNBOUNDED, |qty| qty.0.into()),
            unknown_age_max: unresolved.age_max.number().unwrap_or(Nanos(u64::MAX)),
            move_per: rate.move_per,
            unknown_max: count(unresolved.count_max),
            orders_per_trade_max: count(day.orders_per_trade_max),
            orders_floor: day.orders_floor,
            executions_max: count(day.executions_max),
            same: repeat.same_max.number().map(|max| SameLimit { max, per: repeat.per }),
            has_money: false,
            binds: false,
        };
        let money = [
            limits.gross_max,
            limits.net_max,
            limits.funds_max,
            limits.loss_max,
            limits.drawdown_max,
        ];
        limits.has_money = money.iter().any(|max| *max != UNBOUNDED);
        limits.binds = limits != Self { move_per: limits.move_per, ..Self::OPEN };
        limits
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
        missing: u64::MAX,
        qty_max: 0,
        value_max: 0,
        value_min: UNBOUNDED,
        collar_bps: 0,
        collar_ticks: 0,
        passive_bps: 0,
        passive_ticks: 0,
        reference_age_max: Nanos(0),
        drift_max: Nanos(0),
        adv: 0,
        adv_bps: 0,
        visible_bps: 0,
        move_per: Nanos(0),
        same_per: Nanos(0),
        move_ticks_least: 0,
        same_least: 0,
        restricted: true,
    };

    fn compile(tightest: &LimitRow) -> Self {
        let order = &tightest.order;
        let stated = tightest.stated();
        let bits = stated.iter().enumerate();
        let missing = bits.fold(0_u64, |bits, (at, (_, stated))| bits | u64::from(!stated) << at);
        let (bps, ticks) = (order.collar_bps, order.collar_ticks);
        let or = |passive: Limit<u32>, all: Limit<u32>| {
            count(if passive.is_stated() { passive } else { all })
        };
        Self {
            value_max: value(order.value_max),
            value_min: order.value_min.number().map_or(i128::MIN, |value| value.0),
            missing,
            qty_max: quantity(order.qty_max),
            reference_age_max: order.reference_age_max.number().unwrap_or(Nanos(u64::MAX)),
            collar_bps: count(bps),
            collar_ticks: count(ticks),
            passive_bps: or(order.passive_bps, bps),
            passive_ticks: or(order.passive_ticks, ticks),
            drift_max: order.drift_max.number().unwrap_or(Nanos(u64::MAX)),
            adv: order.adv.number().map_or(0, |qty| qty.0),
            adv_bps: count(order.adv_bps),
            visible_bps: count(order.visible_bps),
            move_per: Nanos(0),
            same_per: Nanos(0),
            move_ticks_least: COUNT_UNBOUNDED,
            same_least: COUNT_UNBOUNDED,
            restricted: order.restricted,
        }
    }

    /// What R26 and R43 of a scope leave: longest windows, least numbers. Who keeps these keeps
    /// those of every scope.
    fn tighten(&mut self, scope: &ScopeLimits) {
        let ticks = scope.sums.move_ticks_max;
        if ticks != COUNT_UNBOUNDED {
            self.move_ticks_least = self.move_ticks_least.min(ticks);
            self.move_per = self.move_per.max(scope.move_per);
        }
        if let Some(same) = scope.same {
            self.same_least = self.same_least.min(same.max);
            self.same_per = self.same_per.max(same.per);
        }
    }
}

impl PairLimits {
    /// R23: the bands of an order, by whether it crosses the reference. One at the reference
    /// crosses it.
    #[must_use]
    #[inline]
    pub const fn collar(&self, side: Side, px: Price, reference: Reference) -> (u32, u32) {
        let twice = px.0 as i128 * 2;
        let crosses = match side {
            Side::Buy => twice >= reference.twice,
            Side::Sell => twice <= reference.twice,
        };
        if crosses {
            (self.collar_bps, self.collar_ticks)
        } else {
            (self.passive_bps, self.passive_ticks)
        }
    }
}

fn value(limit: Limit<Notional>) -> i128 {
    limit.number().map_or(UNBOUNDED, |value| value.0)
}

fn quantity(limit: Limit<Qty>) -> i64 {
    limit.number().map_or(QTY_UNBOUNDED, |qty| qty.0)
}

fn count(limit: Limit<u32>) -> u32 {
    limit.number().unwrap_or(COUNT_UNBOUNDED)
}

impl LimitTable {
    /// Compiles a set. `accounts` holds the account of each strategy, by id.
    #[must_use]
    pub fn compile(set: &LimitSet, accounts: &[AccountId], map: ScopeMap) -> Self {
        let row_of = |scope: Scope| {
            let mut rows = set.rows.iter().filter(|row| row.scope == scope);
            let first = *rows.next()?;
            Some(rows.fold(first, LimitRow::tightened))
        };
        let rows: Vec<Option<LimitRow>> = map.all().map(row_of).collect();
        let compiled = |row: &Option<LimitRow>| row.as_ref().map(ScopeLimits::compile);
        let scopes = rows.iter().map(|row| compiled(row).unwrap_or(ScopeLimits::OPEN));
        let scopes: Box<[ScopeLimits]> = scopes.collect();
        let windows = rows.iter().map(|row| ScopeWindows::compile(row.as_ref()));
        let mut pairs = Vec::with_capacity(accounts.len() * map.instruments());
        for (strategy, &account) in accounts.iter().enumerate() {
            let strategy = StrategyId(strategy as u8);
            for instrument in 0..map.instruments() {
                let instrument = InstrumentId(instrument as u32);
                let mut pair = PairLimits::compile(&set.tightest(account, strategy, instrument));
                let places = map.of(account, strategy, instrument).0;
                let own = places.iter().filter_map(|place| scopes.get(*place as usize));
                own.for_each(|scope| pair.tighten(scope));
                pairs.push(pair);
            }
        }
        let windows = windows.collect();
        let firm = scopes.first().map_or(SumLimits::OPEN, |firm| firm.sums);
        let tight = scopes.iter().skip(map.wide()).map(|own| own.sums.tighter(&firm)).collect();
        Self { version: set.version, map, pairs: pairs.into(), scopes, tight, windows }
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
        if instrument.index() >= self.map.instruments() {
            return None;
        }
        self.pairs.get(strategy.index() * self.map.instruments() + instrument.index())
    }

    /// The limits of a scope, by its place.
    #[must_use]
    #[inline]
    pub fn scope(&self, place: u32) -> Option<&ScopeLimits> {
        self.scopes.get(place as usize)
    }

    /// What bounds the firm's sums in an instrument.
    #[inline]
    pub(super) fn tight(&self, instrument: InstrumentId) -> Option<&SumLimits> {
        self.tight.get(instrument.index())
    }

    /// The windows of a scope, by its place.
    #[must_use]
    #[inline]
    pub fn windows(&self, place: u32) -> Option<&ScopeWindows> {
        self.windows.get(place as usize)
    }

    /// The same, to count in.
    #[inline]
    pub(super) fn windows_mut(&mut self, place: u32) -> Option<&mut ScopeWindows> {
        self.windows.get_mut(place as usize)
    }

    /// Takes over what another table's windows have counted.
    pub(super) fn inherit(&mut self, old: &mut Self) {
        for (new, old) in self.windows.iter_mut().zip(&mut old.windows) {
            new.inherit(old);
        }
    }

    /// Whether it was compiled for the same scopes as another.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.map == other.map && self.pairs.len() == other.pairs.len()
    }

    /// The longest window of R26.
    #[must_use]
    pub fn move_window_max(&self) -> Nanos {
        self.scopes.iter().map(|scope| scope.move_per).max().unwrap_or(Nanos(0))
    }

    /// The longest window of R43.
    #[must_use]
    pub fn repeat_window_max(&self) -> Nanos {
        let windows = self.scopes.iter().filter_map(|scope| scope.same).map(|same| same.per);
        windows.max().unwrap_or(Nanos(0))
    }
}
