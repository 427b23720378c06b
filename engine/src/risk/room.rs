//! What a scope still lets pass: limits less sums, least of all its rules, so that an order is one
//! comparison for each kind of number and not one for each rule.
//!
//! A room is derived from [`ScopeState`], [`ScopeLimits`] and [`ScopeWindows`], and never more than
//! they leave: every change of them by anything but an order that passes at once makes it empty
//! ([`super::scope::Scopes::get_mut`]), and an order that finds too little in it is compared with
//! what the sums leave exactly. It is no state: what is journalled, carried and compared is the
//! sums.
//!
//! Money is counted in units of 2^40 of 1e-17 of the currency, about a thousandth of a cent: rooms
//! rounded down, orders up.

use core::fmt;

use shm::message::Side;
use shm::reason::Reason;
use shm::units::Nanos;

use super::Mode;
use super::exposure::{Change, Short};
use super::limits::{COUNT_UNBOUNDED, ScopeLimits, ScopeWindows};
use super::scope::ScopeState;

/// Bits of money that a room leaves out.
const FINE: u32 = 40;
/// Sums and limits beyond it leave no room: within it rooms are within 2^60 units, and nothing that
/// is added or taken leaves its integer.
const FAR: i128 = 1 << 98;
/// No time.
const NEVER: Nanos = Nanos(u64::MAX);

/// The rules whose numbers are in a room.
pub(super) const RULES: [Reason; 12] = [
    Reason::Mode,
    Reason::Unresolved,
    Reason::NoReference,
    Reason::Gross,
    Reason::Net,
    Reason::Funds,
    Reason::Daily,
    Reason::Loss,
    Reason::RateStrategy,
    Reason::OrderToTrade,
    Reason::Repeated,
    Reason::Breaker,
];

/// What an order takes of the room of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) side: Side,
    /// Units of money.
    pub(super) value: i64,
    /// Of R34, likewise.
    pub(super) funds: i64,
    pub(super) qty: i64,
}

impl Need {
    /// Of a change worth `value` units; one that gets smaller takes nothing.
    #[inline(always)]
    pub(super) const fn of(change: &Change, value: i64, short: &Short) -> Self {
        let qty = if change.qty > 0 { change.qty } else { 0 };
        Self { side: change.side, value, funds: short.funds, qty }
    }
}

/// The room of one scope.
///
/// # Layout
/// One cache line.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Room {
    /// Value of one more buy: the least that R32, R33 and R35 leave.
    buy: i64,
    /// The same of a sell.
    sell: i64,
    /// R34.
    funds: i64,
    /// R35.
    qty: i64,
    /// Until when the oldest unknown order is not too old (R07).
    until: Nanos,
    /// From when on R41 and R46 let one more order pass.
    open_at: Nanos,
    /// R42; 0 where the room is not known, and where R02, R07, R24, R36 or R44 lets nothing pass.
    orders: u32,
    /// Feeds, by bit, whose marks a limit on money needs (R24).
    pub(super) feeds: u32,
}

const _: () = assert!(size_of::<Room>() == 64);

/// What it holds follows from the sums; whether it is known does not matter.
impl fmt::Debug for Room {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Room")
    }
}

/// Money in whole units, rounded up, at least 0; `None` where it is far too much.
#[inline(always)]
pub(super) const fn units(money: i128) -> Option<i64> {
    if money <= 0 {
        return Some(0);
    }
    if money > FAR {
        return None;
    }
    Some(((money + ((1 << FINE) - 1)) >> FINE) as i64)
}

/// What a limit leaves, in whole units.
const fn left(limit: i128, sum: i128) -> i64 {
    if limit < -FAR {
        return -1;
    }
    let limit = if limit > FAR { FAR } else { limit };
    // No sum is of more than three.
    ((limit - sum) >> FINE) as i64
}

impl Room {
    /// Nothing passes.
    pub(super) const NONE: Self = Self {
        buy: 0,
        sell: 0,
        funds: 0,
        qty: 0,
        until: NEVER,
        open_at: NEVER,
        orders: 0,
        feeds: 0,
    };

    /// What a scope leaves.
    pub(super) fn of(state: &ScopeState, limits: &ScopeLimits, windows: &ScopeWindows) -> Self {
        let Some(orders) = orders_left(state, limits) else { return Self::NONE };
        if state.mode() != Mode::Active || !is_near(state) {
            return Self::NONE;
        }
        let until = match state.unknown {
            0 => NEVER,
            count if count > limits.unknown_max => return Self::NONE,
            _ => Nanos(state.unknown_since.0.saturating_add(limits.unknown_age_max.0)),
        };
        let profit = state.earned + state.net;
        let is_lost = -profit > limits.loss_max || state.peak - profit > limits.drawdown_max;
        if limits.has_money && (is_lost || state.unmarked > 0) {
            return Self::NONE;
        }
        let open = state.open_buy + state.open_sell;
        let gross = left(limits.gross_max, open + state.gross);
        let entered = left(limits.entered_value_max, state.entered_value);
        let traded = left(limits.traded_value_max, open + state.traded_value);
        let both = gross.min(entered).min(traded);
        let entered = limits.entered_qty_max.min(FAR) - state.entered_qty;
        let traded = limits.traded_qty_max.min(FAR) - state.traded_qty - state.open_qty;
        let qty = entered.min(traded).clamp(-1, i64::MAX.into());
        Self {
            buy: both.min(left(limits.net_max, state.open_buy + state.net)),
            sell: both.min(left(limits.net_max, state.open_sell - state.net)),
            funds: left(limits.funds_max, state.debits + state.open_buy + state.short_value),
            qty: qty as i64,
            until,
            open_at: windows.open_at(),
            orders,
            feeds: if limits.has_money { state.feeds } else { 0 },
        }
    }

    /// Whether an order plainly keeps the rules of the scope.
    #[inline(always)]
    pub(super) const fn takes(&self, need: &Need, now: Nanos) -> bool {
        let value = match need.side {
            Side::Buy => self.buy,
            Side::Sell => self.sell,
        };
        need.value <= value
            && need.funds <= self.funds
            && need.qty <= self.qty
            && now.0 <= self.until.0
            && now.0 >= self.open_at.0
            && self.orders > 0
    }

    /// Takes an order's need, and from when on the windows that have counted it let one more pass;
    /// false where it has not got it, and is to be found anew.
    #[inline(always)]
    pub(super) const fn spend(&mut self, need: &Need, open_at: Nanos) -> bool {
        // Rooms begin within 2^60 and end when the other side or `funds` has given as much: within
        // 2^61. Needs are not negative and within 2^58, of quantity within 2^63.
        let (buy, sell) = (self.buy.wrapping_sub(need.value), self.sell.wrapping_sub(need.value));
        let (funds, qty) = (self.funds.wrapping_sub(need.funds), self.qty.wrapping_sub(need.qty));
        let value = match need.side {
            Side::Buy => buy,
            Side::Sell => sell,
        };
        if (value | funds | qty) < 0 || self.orders == 0 {
            return false;
        }
        (self.buy, self.sell, self.funds, self.qty) = (buy, sell, funds, qty);
        self.orders -= 1;
        self.open_at = open_at;
        true
    }

    /// Forgets what it has.
    #[inline(always)]
    pub(super) const fn empty(&mut self) {
        self.orders = 0;
    }

    /// Whether it is to be found anew.
    pub(super) const fn is_empty(&self) -> bool {
        self.orders == 0
    }

    /// Whether it is nowhere more than another.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.is_empty()
            || self.buy <= other.buy
                && self.sell <= other.sell
                && self.funds <= other.funds
                && self.qty <= other.qty
                && self.orders <= other.orders
                && (self.until, self.open_at) == (other.until, other.open_at)
                && self.feeds == other.feeds
    }
}

/// R42 and R44: how many more orders; `None` for none.
fn orders_left(state: &ScopeState, limits: &ScopeLimits) -> Option<u32> {
    let max = limits.executions_max;
    if max != COUNT_UNBOUNDED && state.executions >= max {
        return None;
    }
    let ratio = limits.orders_per_trade_max;
    if ratio == COUNT_UNBOUNDED {
        return Some(u32::MAX);
    }
    let most = u64::from(ratio).saturating_mul(state.trades.max(1));
    let left = most.max(limits.orders_floor.into()).checked_sub(state.orders)?;
    Some(u32::try_from(left).unwrap_or(u32::MAX)).filter(|left| *left > 0)
}

/// Whether every sum is so small that no sum of some of them leaves its integer.
fn is_near(state: &ScopeState) -> bool {
    [
        state.gross,
        state.net,
        state.open_buy,
        state.open_sell,
        state.open_qty,
        state.short_value,
        state.debits,
        state.earned,
        state.peak,
        state.entered_value,
        state.entered_qty,
        state.traded_value,
        state.traded_qty,
    ]
    .iter()
    .all(|sum| (-FAR..=FAR).contains(sum))
}
