//! What a read answers. Decimals are texts, exact to their last digit; times are nanoseconds since
//! the Unix epoch, by the engine's clock.

use crate::cache::Origin;
use crate::store::Value;
use serde::{Deserialize, Serialize};

/// An answer, and how it came.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// From which level, or the database.
    pub origin: Origin,
    /// It is past its time, and stands in for a database that does not answer.
    pub is_stale: bool,
}

/// An instrument of the newest session, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Its number in the session.
    pub id: i64,
    /// Where it trades.
    pub venue: String,
    /// The venue's name of it.
    pub symbol: String,
    /// In which its prices are.
    pub currency: String,
    /// Money of one unit at a price of one.
    pub multiplier: String,
    /// Least step of a quantity.
    pub lot: String,
    /// Least quantity.
    pub qty_min: String,
    /// Largest quantity.
    pub qty_max: String,
    /// Least price.
    pub px_min: String,
    /// Largest price.
    pub px_max: String,
    /// Close of the day before.
    pub prior_close: String,
    /// Its table of ticks.
    pub ticks: String,
}

/// An order, as the view `orders` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Ours.
    pub cl_ord_id: String,
    /// Of its session.
    pub day: Option<String>,
    /// When it was approved.
    pub ts_ns: Option<i64>,
    /// Its session.
    pub epoch: Option<i64>,
    /// Who gave it.
    pub strategy: Option<String>,
    /// For whom.
    pub account: Option<String>,
    /// The venue's name of the instrument.
    pub symbol: Option<String>,
    /// By which it left.
    pub gateway: Option<String>,
    /// `BUY` or `SELL`.
    pub side: Option<String>,
    /// How long it stands.
    pub tif: Option<String>,
    /// Its type.
    pub ord_type: Option<String>,
    /// Its limit.
    pub px: Option<String>,
    /// Its quantity.
    pub qty: Option<String>,
    /// Filled.
    pub cum_qty: Option<String>,
    /// Working.
    pub leaves_qty: Option<String>,
    /// Its state.
    pub state: Option<String>,
    /// The venue's.
    pub venue_ord_id: Option<String>,
    /// The one that it replaced.
    pub orig_cl_ord_id: Option<String>,
    /// The one that it is a part of.
    pub parent_cl_ord_id: Option<String>,
    /// When the venue took it.
    pub accepted_ns: Option<i64>,
    /// When its cancel was asked for.
    pub cancel_asked_ns: Option<i64>,
    /// When it last changed.
    pub updated_ns: Option<i64>,
}

/// A day in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// `2026-11-20`.
    pub day: String,
    /// Sessions of it.
    pub sessions: i64,
    /// Of these, not ended in order.
    pub open_sessions: i64,
    /// Orders and replaces that were approved.
    pub orders: i64,
    /// Executions, their undoings and corrections.
    pub executions: i64,
    /// Refusals by reason.
    pub refusals: Vec<(String, i64)>,
    /// By strategy, account and instrument.
    pub profit: Vec<DayProfit>,
}

/// What a strategy made in an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayProfit {
    /// The strategy.
    pub strategy: Option<String>,
    /// Its account.
    pub account: Option<String>,
    /// The instrument.
    pub symbol: Option<String>,
    /// In which the amounts are.
    pub currency: Option<String>,
    /// Held at the end.
    pub position: Option<String>,
    /// Realised, before fees.
    pub realised: Option<String>,
    /// Fees.
    pub fees: Option<String>,
    /// Realised less fees.
    pub net: Option<String>,
}

/// A row, column by column.
pub(super) struct Columns(pub(super) std::vec::IntoIter<Value>);

impl Columns {
    pub(super) fn int(&mut self) -> Option<i64> {
        self.0.next().as_ref().and_then(Value::int)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.0.next().as_ref().and_then(Value::text).map(str::to_owned)
    }

    pub(super) fn words(&mut self) -> String {
        self.text().unwrap_or_default()
    }
}

impl Instrument {
    pub(super) const SQL: &'static str = "SELECT id, venue, symbol, currency, multiplier, lot, \
        qty_min, qty_max, px_min, px_max, prior_close, ticks FROM instruments \
        WHERE engine = 0 AND instruments_sha256 = (SELECT instruments_sha256 FROM sessions \
            WHERE engine = 0 AND instruments_sha256 IS NOT NULL ORDER BY epoch DESC LIMIT 1) \
        AND symbol = $1 ORDER BY id";

    pub(super) fn read(row: Vec<Value>) -> Self {
        let mut row = Columns(row.into_iter());
        Self {
            id: row.int().unwrap_or(-1),
            venue: row.words(),
            symbol: row.words(),
            currency: row.words(),
            multiplier: row.words(),
            lot: row.words(),
            qty_min: row.words(),
            qty_max: row.words(),
            px_min: row.words(),
            px_max: row.words(),
            prior_close: row.words(),
            ticks: row.words(),
        }
    }
}

impl Order {
    pub(super) const SQL: &'static str = "SELECT cl_ord_id, day, ts_ns, epoch, strategy, account, \
        symbol, gateway, side, tif, ord_type, CAST(px AS TEXT), CAST(qty AS TEXT), \
        CAST(cum_qty AS TEXT), CAST(leaves_qty AS TEXT), state, venue_ord_id, orig_cl_ord_id, \
        parent_cl_ord_id, accepted_ns, cancel_asked_ns, updated_ns FROM orders \
        WHERE engine_id = 0 AND cl_ord_id = $1";

    pub(super) fn read(row: Vec<Value>) -> Self {
        let mut row = Columns(row.into_iter());
        Self {
            cl_ord_id: row.words(),
            day: row.text(),
            ts_ns: row.int(),
            epoch: row.int(),
            strategy: row.text(),
            account: row.text(),
            symbol: row.text(),
            gateway: row.text(),
            side: row.text(),
            tif: row.text(),
            ord_type: row.text(),
            px: row.text(),
            qty: row.text(),
            cum_qty: row.text(),
            leaves_qty: row.text(),
            state: row.text(),
            venue_ord_id: row.text(),
            orig_cl_ord_id: row.text(),
            parent_cl_ord_id: row.text(),
            accepted_ns: row.int(),
            cancel_asked_ns: row.int(),
            updated_ns: row.int(),
        }
    }

    /// Whether nothing more is to come of it, but for a fill that is undone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let ends = ["FILLED", "CANCELED", "EXPIRED", "REJECTED", "VOIDED", "REPLACED", "LAPSED"];
        self.state.as_deref().is_some_and(|state| ends.contains(&state))
    }
}

impl DayProfit {
    pub(super) const SQL: &'static str = "SELECT strategy, account, symbol, currency, \
        CAST(position AS TEXT), CAST(realised AS TEXT), CAST(fees AS TEXT), CAST(net AS TEXT) \
        FROM pnl_by_day WHERE engine_id = 0 AND day = $1 ORDER BY strategy, account, symbol";

    pub(super) fn read(row: Vec<Value>) -> Self {
        let mut row = Columns(row.into_iter());
        Self {
            strategy: row.text(),
            account: row.text(),
            symbol: row.text(),
            currency: row.text(),
            position: row.text(),
            realised: row.text(),
            fees: row.text(),
            net: row.text(),
        }
    }
}
