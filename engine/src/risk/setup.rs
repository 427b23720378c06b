//! What the risk stage is told before start. Cold.

use shm::ids::{AccountId, FeedId, GatewayId};
use shm::units::{Nanos, Price, Qty};

use super::capability::{Capability, Hours};
use crate::config::limits::LimitSet;
use crate::config::model::SelfTrade;
use crate::position::{CostBasis, FeeRates};

/// Terms of an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// `(from, tick)`: the tick at prices of at least `from`, rising; at least one.
    pub bands: Vec<(Price, Price)>,
    /// Quantities are whole multiples of it; more than 0.
    pub lot: Qty,
    /// Least quantity of an order.
    pub qty_min: Qty,
    /// Greatest quantity of an order.
    pub qty_max: Qty,
    /// Least price. A price of 0 or less is refused unless this is below 0.
    pub px_min: Price,
    /// Greatest price.
    pub px_max: Price,
    /// Value of a price of 1 and a quantity of 1; at least 1.
    pub multiplier: i64,
    /// Close of the day before, [`Price::NONE`] if there is none.
    pub prior_close: Price,
    /// The feed whose state and age count for its reference (R24).
    pub feed: FeedId,
}

impl Instrument {
    /// The terms of the instrument file, with the feed that the instrument's books come from.
    #[must_use]
    pub fn of(row: &feed::instruments::Instrument, feed: FeedId) -> Self {
        let used = row.ticks.iter().filter(|band| band.tick.0 > 0);
        Self {
            bands: used.map(|band| (band.from, band.tick)).collect(),
            lot: row.lot,
            qty_min: row.qty_min,
            qty_max: row.qty_max,
            px_min: row.px_min,
            px_max: row.px_max,
            multiplier: row.multiplier,
            prior_close: row.prior_close,
            feed,
        }
    }
}

/// Terms of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What fills cost.
    pub rates: FeeRates,
    /// Accounts of one group may not trade with each other (R45).
    pub group: u16,
    /// What becomes of own orders that would.
    pub self_trade: SelfTrade,
}

/// Terms of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Messages in any window of `per`; at least 1 (R40).
    pub rate: u32,
    /// Of them kept for cancels; less than `rate`.
    pub reserve: u32,
    /// The window.
    pub per: Nanos,
    /// What its venue takes (R12).
    pub capability: Capability,
}

/// See [`Setup::answer_max`]: what the risk specification says (C9).
pub const ANSWER_MAX: Nanos = Nanos(5 * Nanos::SECOND.0);

/// Terms of a strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strategy {
    /// The account its orders are for.
    pub account: AccountId,
    /// The session they go through.
    pub gateway: GatewayId,
    /// First slot of its range of ids.
    pub slot_first: u32,
    /// Slots of the range.
    pub slot_count: u32,
    /// Per instrument whether it may trade it (R06).
    pub instruments: Vec<bool>,
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Ended orders that late fills and busts still find.
    pub closed: usize,
    /// Ended orders after those of which instrument and side are still known, so that a fill that
    /// comes even later is booked; 32 bytes each.
    pub past: usize,
    /// Executions and cancels, over all orders, that are recognized when they repeat.
    pub facts: usize,
    /// Orders that R43 looks back on. Where a window holds more, R43 refuses.
    pub repeats: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self { closed: 4096, past: 1 << 18, facts: 16_384, repeats: 16_384 }
    }
}

/// Local breakers beyond R44 and R46, which always are (K2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closes {
    /// A loss or drawdown beyond its limit (R36) closes; else it only leaves reductions.
    pub loss: bool,
    /// Unknown orders beyond their limits (R07) close; else new orders are refused.
    pub unresolved: bool,
}

/// Everything. Lists are indexed by id; `strategies[0]` is the operator. Ranges of slots may not
/// overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Setup {
    /// Of new order ids; not 0.
    pub epoch: u16,
    pub instruments: Vec<Instrument>,
    pub accounts: Vec<Account>,
    pub gateways: Vec<Gateway>,
    pub strategies: Vec<Strategy>,
    /// Number of feeds.
    pub feeds: usize,
    pub limits: LimitSet,
    /// When orders may be entered.
    pub hours: Hours,
    pub memory: Memory,
    /// How long an order may wait for the venue's first answer before its outcome counts as unknown
    /// (E24).
    pub answer_max: Nanos,
    /// What closes the kill gate of its scope by itself (K2).
    pub closes: Closes,
    /// Which part of its cost a position gives back when it is reduced.
    pub cost: CostBasis,
}
