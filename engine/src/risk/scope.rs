//! Scopes: the firm, each account, each strategy, each instrument; where their rows lie, and the
//! running state of each. No check walks over instruments: what a check compares is kept here.

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::message::Side;
use shm::units::Nanos;

use super::Mode;
use super::exposure::Change;
use super::limits::LimitTable;
use super::room::Room;
use crate::config::limits::Scope;

/// Scopes of an order: firm, account, strategy, instrument.
pub const SCOPES: usize = 4;

/// The places of an order's scopes, in the order firm, account, strategy, instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places(pub [u32; SCOPES]);

/// Where the rows of scopes lie: the firm, accounts, strategies, instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeMap {
    accounts: u32,
    strategies: u32,
    instruments: u32,
}

impl ScopeMap {
    /// For so many of each.
    #[must_use]
    pub const fn new(accounts: usize, strategies: usize, instruments: usize) -> Self {
        Self {
            accounts: accounts as u32,
            strategies: strategies as u32,
            instruments: instruments as u32,
        }
    }

    /// How many instruments.
    #[must_use]
    pub const fn instruments(&self) -> usize {
        self.instruments as usize
    }

    /// Scopes that hold several instruments: all but the instruments.
    #[must_use]
    pub const fn wide(&self) -> usize {
        (1 + self.accounts + self.strategies) as usize
    }

    /// All scopes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.wide() + self.instruments as usize
    }

    /// Never: the firm is always there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The places of an order's scopes; the ids have been checked to exist.
    #[must_use]
    #[inline]
    pub const fn of(
        &self,
        account: AccountId,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> Places {
        Places([
            0,
            1 + account.0 as u32,
            1 + self.accounts + strategy.0 as u32,
            (1 + self.accounts + self.strategies).saturating_add(instrument.0),
        ])
    }

    /// The place of a scope; `None` for one that does not exist.
    #[must_use]
    pub fn place(&self, scope: Scope) -> Option<u32> {
        match scope {
            Scope::Firm => Some(0),
            Scope::Account(id) => (u32::from(id.0) < self.accounts).then(|| 1 + u32::from(id.0)),
            Scope::Strategy(id) => {
                (u32::from(id.0) < self.strategies).then(|| 1 + self.accounts + u32::from(id.0))
            }
            Scope::Instrument(id) => {
                (id.0 < self.instruments).then(|| 1 + self.accounts + self.strategies + id.0)
            }
        }
    }

    /// The scope of a place.
    #[must_use]
    pub fn scope(&self, place: u32) -> Scope {
        let Some(at) = place.checked_sub(1) else { return Scope::Firm };
        let Some(at) = at.checked_sub(self.accounts) else {
            return Scope::Account(AccountId(at as u16));
        };
        let Some(at) = at.checked_sub(self.strategies) else {
            return Scope::Strategy(StrategyId(at as u8));
        };
        Scope::Instrument(InstrumentId(at))
    }

    /// Every scope, by place.
    pub fn all(&self) -> impl Iterator<Item = Scope> + use<> {
        let map = *self;
        (0..map.len() as u32).map(move |place| map.scope(place))
    }
}

/// The running state of one scope. Money is `i128` at 1e-17 of the currency.
///
/// # Layout
/// What an order changes lies in the first two cache lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct ScopeState {
    /// Value reserved by working buys.
    pub open_buy: i128,
    /// Value reserved by working sells.
    pub open_sell: i128,
    /// Quantity reserved by both.
    pub open_qty: i128,
    /// Sum over instruments of what would be short with every working sell filled, at its mark.
    pub short_value: i128,
    /// R35.
    pub entered_value: i128,
    /// R35.
    pub entered_qty: i128,
    /// Orders and replaces of the day (R42).
    pub orders: u64,
    /// Fills of the day that stand (R42).
    pub trades: u64,
    /// Sum over instruments of the position's value at its mark, each positive (R32).
    pub gross: i128,
    /// The same, signed (R33).
    pub net: i128,
    /// Paid for purchases and fees since the session's beginning (R34).
    pub debits: i128,
    /// Realised profit less fees less the cost of what is held: with `net` it is the profit (R36).
    pub earned: i128,
    /// The session's best profit, at least 0.
    pub peak: i128,
    /// What the journal has of it: not less, as long as the peak has not passed it.
    pub noted: i128,
    /// R35.
    pub traded_value: i128,
    /// R35.
    pub traded_qty: i128,
    /// When the oldest unknown order became one (R07); the greatest time if there is none.
    pub unknown_since: Nanos,
    /// Fills since arming (R44).
    pub executions: u32,
    /// Unknown orders (R07).
    pub unknown: u32,
    /// Positions whose mark cannot be used now.
    pub unmarked: u32,
    /// `noted` is to be journalled.
    pub is_peak_new: bool,
    /// Feeds, by bit, that positions get their marks from.
    pub feeds: u32,
    /// Mode that an operator has set (R02).
    pub set: Mode,
    /// Mode that risk itself has fallen to: cleared by re-arming.
    pub tripped: Mode,
}

impl ScopeState {
    const EMPTY: Self = Self {
        gross: 0,
        net: 0,
        open_buy: 0,
        open_sell: 0,
        open_qty: 0,
        short_value: 0,
        debits: 0,
        earned: 0,
        peak: 0,
        noted: 0,
        entered_value: 0,
        entered_qty: 0,
        traded_value: 0,
        traded_qty: 0,
        orders: 0,
        trades: 0,
        unknown_since: Nanos(u64::MAX),
        executions: 0,
        unknown: 0,
        unmarked: 0,
        is_peak_new: false,
        feeds: 0,
        set: Mode::Active,
        tripped: Mode::Active,
    };

    /// Takes an approval: what it reserves, and what it counts for the day (R35, R42). `add` adds
    /// as the sums allow: plainly where they are near.
    #[inline(always)]
    pub(super) fn grow(&mut self, change: &Change, short: i128, add: impl Fn(i128, i128) -> i128) {
        match change.side {
            Side::Buy => self.open_buy = add(self.open_buy, change.value),
            Side::Sell => {
                self.short_value = add(self.short_value, short);
                self.open_sell = add(self.open_sell, change.value);
            }
        }
        self.open_qty = add(self.open_qty, i128::from(change.qty));
        self.entered_value = add(self.entered_value, change.value.max(0));
        self.entered_qty = add(self.entered_qty, i128::from(change.qty.max(0)));
        self.orders = self.orders.saturating_add(1);
    }

    /// The tighter of both modes.
    #[must_use]
    #[inline]
    pub const fn mode(&self) -> Mode {
        if self.set as u8 >= self.tripped as u8 { self.set } else { self.tripped }
    }

    /// Profit of the session, realised and marked, less fees.
    #[must_use]
    #[inline]
    pub const fn profit(&self) -> i128 {
        self.earned.saturating_add(self.net)
    }

    /// What a restart takes over, if there is anything.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        *self == Self::EMPTY
    }
}

/// A scope's state, and the room that it leaves.
#[derive(Clone, Copy, Debug)]
struct Row {
    room: Room,
    state: ScopeState,
}

/// The states of all scopes.
#[derive(Clone, Debug)]
pub struct Scopes {
    /// Where they lie.
    pub map: ScopeMap,
    rows: Box<[Row]>,
}

impl Scopes {
    /// Nothing held, nothing done.
    #[must_use]
    pub fn new(map: ScopeMap) -> Self {
        let row = Row { room: Room::NONE, state: ScopeState::EMPTY };
        Self { map, rows: vec![row; map.len()].into() }
    }

    /// A scope by its place.
    #[must_use]
    #[inline]
    pub fn get(&self, place: u32) -> Option<&ScopeState> {
        self.rows.get(place as usize).map(|row| &row.state)
    }

    /// The same, to change: what room it leaves is no longer known.
    #[inline]
    pub fn get_mut(&mut self, place: u32) -> Option<&mut ScopeState> {
        let row = self.rows.get_mut(place as usize)?;
        row.room.empty();
        Some(&mut row.state)
    }

    /// The room of a scope.
    #[inline(always)]
    pub(super) fn room(&self, place: u32) -> Option<&Room> {
        self.rows.get(place as usize).map(|row| &row.room)
    }

    /// State and room, to change by one order.
    #[inline(always)]
    pub(super) fn both_mut(&mut self, place: u32) -> Option<(&mut ScopeState, &mut Room)> {
        self.rows.get_mut(place as usize).map(|row| (&mut row.state, &mut row.room))
    }

    /// Finds the room of a scope anew, where it is not known.
    pub(super) fn renew(&mut self, place: u32, limits: &LimitTable) {
        let Some(row) = self.rows.get_mut(place as usize).filter(|row| row.room.is_empty()) else {
            return;
        };
        if let (Some(of), Some(windows)) = (limits.scope(place), limits.windows(place)) {
            row.room = Room::of(&row.state, of, windows);
        }
    }

    /// Forgets the room of a scope: its windows have counted.
    #[inline]
    pub(super) fn empty_room(&mut self, place: u32) {
        if let Some(row) = self.rows.get_mut(place as usize) {
            row.room.empty();
        }
    }

    /// Forgets every room: the limits are others.
    pub(super) fn empty_rooms(&mut self) {
        self.rows.iter_mut().for_each(|row| row.room.empty());
    }

    /// All, by place.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &ScopeState)> {
        (0..).zip(self.rows.iter().map(|row| &row.state))
    }

    /// The tightest mode over an order's scopes.
    #[must_use]
    #[inline]
    pub fn mode(&self, places: &Places) -> Mode {
        places.0.into_iter().fold(Mode::Active, |mode, place| {
            self.get(place).map_or(mode, |state| mode.max(state.mode()))
        })
    }
}
