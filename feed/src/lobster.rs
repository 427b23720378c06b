//! LOBSTER message files as a source: rows of one stock's events become ITCH 5.0 messages that a
//! strict book accepts.
//!
//! A LOBSTER file begins in the middle of a day: orders alive before its first row are known only
//! as levels, from the order book row that goes with the first event (or, where somebody deduced
//! them, as orders). So
//!
//! * each seed level becomes one synthetic order, added before the first row;
//! * an event that names an order never added acts on the synthetic order of its level;
//! * what exceeds that order, or finds none, cannot be known: it is clipped or dropped, and
//!   counted.
//!
//! | row type | becomes |
//! |---|---|
//! | 1 new order | `A` |
//! | 2 partial cancel | `X` (`D` if nothing is left) |
//! | 3 delete | `D`, or `X` on a synthetic order with more left |
//! | 4 visible execution | `E` |
//! | 5 hidden execution | `P` |
//! | 6 cross | `Q` |
//! | 7 halt | `H`: price -1 halted, 0 quotation only, 1 trading |
//!
//! Source: LOBSTER data description (message and order book files), lobsterdata.com.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_types, reason = "cold: a file is converted before it is played")]

use crate::codec::itch50::{
    AddOrder, Body, CrossTrade, Head, MESSAGE_BYTES_MAX, OrderCancel, OrderDelete, OrderExecuted,
    Price4, StockDirectory, SystemEvent, Trade, TradingAction, encode,
};
use core::fmt;
use shm::ids::Symbol;
use shm::message::Side;
use std::collections::HashMap;
use zerocopy::{Immutable, IntoBytes};

/// References of synthetic orders begin here, far above any that LOBSTER gives.
pub const SYNTHETIC_REF: u64 = 1 << 62;

/// A price that stands for "no such level" in an order book row, and the bound of real ones.
const PRICE_ABSENT: i64 = 9_999_999_999;

/// A row or file that cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The row, from 1.
    pub row: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl fmt::Display for RowError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "row {}: {}", self.row, self.what)
    }
}

impl core::error::Error for RowError {}

/// One event of a message file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Nanoseconds since midnight.
    pub ts: u64,
    /// 1 to 7.
    pub kind: u8,
    /// The venue's order id.
    pub order_id: u64,
    /// Shares.
    pub shares: u32,
    /// In ten-thousandths; -1, 0 or 1 in a halt.
    pub px: i64,
    /// Side of the resting order.
    pub side: Side,
}

/// One level or order that was there before the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedOrder {
    /// Its id where it is known; `None` for the sum of a level.
    pub order_id: Option<u64>,
    /// Side.
    pub side: Side,
    /// In ten-thousandths.
    pub px: u32,
    /// Shares.
    pub shares: u32,
}

/// What could not be carried over as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Events that acted on a seed level's synthetic order.
    pub mapped: u64,
    /// Events clipped to what the order or seed level still held, and the shares cut off.
    pub clipped: u64,
    /// Shares that were cut off.
    pub clipped_shares: u64,
    /// Events dropped because nothing is known at their price.
    pub dropped: u64,
    /// New orders dropped because their id is alive.
    pub id_alive: u64,
    /// Deletes whose size is not what was left of the order.
    pub size_differs: u64,
}

/// Reads one row of a message file.
///
/// # Errors
/// [`RowError`] (with row 0): the text is no such row.
pub fn parse_row(text: &str) -> Result<Row, RowError> {
    let bad = |what| RowError { row: 0, what };
    let mut fields = text.trim().split(',');
    let mut next = |what| fields.next().ok_or(bad(what));
    let time = next("no time")?;
    let kind = next("no type")?.parse().map_err(|_| bad("type is no number"))?;
    let order_id = next("no order id")?.parse().map_err(|_| bad("order id is no number"))?;
    let shares = next("no size")?.parse().map_err(|_| bad("size is no number"))?;
    let px = next("no price")?.parse().map_err(|_| bad("price is no number"))?;
    let side = match next("no direction")? {
        "1" => Side::Buy,
        "-1" => Side::Sell,
        _ => return Err(bad("direction is neither 1 nor -1")),
    };
    if !(1..=7).contains(&kind) {
        return Err(bad("type is not 1 to 7"));
    }
    let ts = parse_time(time).ok_or(bad("time is not seconds after midnight"))?;
    Ok(Row { ts, kind, order_id, shares, px, side })
}

/// Seconds after midnight with up to 9 decimals, in nanoseconds.
fn parse_time(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut ns = seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?;
    let mut unit = 100_000_000;
    for digit in fraction.bytes() {
        ns += u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?) * unit;
        unit /= 10;
    }
    (ns < 1 << 48).then_some(ns)
}

/// Reads the levels of an order book row: ask price, ask size, bid price, bid size, and so on.
/// Absent levels are left out.
///
/// # Errors
/// [`RowError`] (with row 0): the text is no such row.
pub fn parse_levels(text: &str) -> Result<Vec<SeedOrder>, RowError> {
    let bad = |what| RowError { row: 0, what };
    let numbers: Result<Vec<i64>, _> = text.trim().split(',').map(str::parse).collect();
    let numbers = numbers.map_err(|_| bad("a field is no number"))?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad("a price without a size"));
    }
    let mut levels = Vec::new();
    for ([px, shares], side) in pairs.iter().zip([Side::Sell, Side::Buy].into_iter().cycle()) {
        if px.abs() == PRICE_ABSENT || *shares == 0 {
            continue;
        }
        let px = u32::try_from(*px).map_err(|_| bad("a price is out of range"))?;
        let shares = u32::try_from(*shares).map_err(|_| bad("a size is out of range"))?;
        levels.push(SeedOrder { order_id: None, side, px, shares });
    }
    Ok(levels)
}

/// Reads a file of single orders alive at the start: `time,1,order id,size,price,direction` each.
///
/// # Errors
/// [`RowError`]: a row is not such a row.
pub fn parse_orders(text: &str) -> Result<Vec<SeedOrder>, RowError> {
    let mut orders = Vec::new();
    for (line, row) in text.lines().zip(1..) {
        // The time is a date of no meaning here: only what follows is read.
        let after_time = line.split_once(',').map_or("", |(_, rest)| rest);
        let at_zero = ["0,", after_time].concat();
        let order = parse_row(&at_zero).map_err(|error| RowError { row, ..error })?;
        let px =
            u32::try_from(order.px).map_err(|_| RowError { row, what: "price out of range" })?;
        let (order_id, shares) = (Some(order.order_id), order.shares);
        orders.push(SeedOrder { order_id, side: order.side, px, shares });
    }
    Ok(orders)
}

/// Takes the first event back out of the levels that were written down after it, so that it can be
/// played.
pub fn undo(levels: &mut Vec<SeedOrder>, row: &Row) {
    let Ok(px) = u32::try_from(row.px) else { return };
    let at = levels.iter().position(|level| level.side == row.side && level.px == px);
    match (row.kind, at) {
        (1, Some(at)) => {
            if let Some(level) = levels.get_mut(at) {
                level.shares = level.shares.saturating_sub(row.shares);
            }
            levels.retain(|level| level.shares > 0);
        }
        (2..=4, Some(at)) => {
            if let Some(level) = levels.get_mut(at) {
                level.shares = level.shares.saturating_add(row.shares);
            }
        }
        (2..=4, None) => {
            levels.push(SeedOrder { order_id: None, side: row.side, px, shares: row.shares });
        }
        _ => {}
    }
}

/// What is left of a live order.
#[derive(Clone, Copy)]
struct Live {
    order_ref: u64,
    shares: u32,
}

/// Turns events into ITCH messages.
pub struct Converter<F> {
    stock: Symbol,
    stock_locate: u16,
    emit: F,
    /// By LOBSTER order id.
    orders: HashMap<u64, Live>,
    /// By side and price: the seed's synthetic orders.
    seed: HashMap<(bool, u32), Live>,
    synthetic: u64,
    matches: u64,
    unknown: Unknown,
}

impl<F: FnMut(&[u8])> Converter<F> {
    /// Messages are given to `emit` one at a time.
    pub fn new(stock: Symbol, stock_locate: u16, emit: F) -> Self {
        Self {
            stock,
            stock_locate,
            emit,
            orders: HashMap::new(),
            seed: HashMap::new(),
            synthetic: SYNTHETIC_REF,
            matches: 0,
            unknown: Unknown::default(),
        }
    }

    /// What could not be carried over so far.
    #[must_use]
    pub const fn unknown(&self) -> &Unknown {
        &self.unknown
    }

    /// Opens the day at `ts`: start of messages, the stock, trading, and one order for each seed
    /// level or order. Two seed levels at one price and side are one.
    pub fn start(&mut self, ts: u64, seed: &[SeedOrder]) {
        self.system(ts, b'O');
        let directory = StockDirectory::common_stock(self.head::<StockDirectory>(ts), self.stock);
        self.send(&directory);
        self.trading(ts, b'T');
        for order in seed {
            let key = (order.side == Side::Buy, order.px);
            let known = order.order_id.is_some_and(|id| self.orders.contains_key(&id));
            if order.shares == 0
                || known
                || (order.order_id.is_none() && self.seed.contains_key(&key))
            {
                self.unknown.id_alive += 1;
                continue;
            }
            let order_ref = order.order_id.unwrap_or(self.synthetic);
            let live = Live { order_ref, shares: order.shares };
            match order.order_id {
                Some(id) => self.orders.insert(id, live),
                None => {
                    self.synthetic += 1;
                    self.seed.insert(key, live)
                }
            };
            self.add(ts, order_ref, order.side, order.shares, order.px);
        }
        self.system(ts, b'Q');
    }

    /// Closes the day.
    pub fn finish(&mut self, ts: u64) {
        self.system(ts, b'M');
        self.system(ts, b'C');
    }

    /// Plays one event; 0 or 1 messages are emitted.
    ///
    /// # Errors
    /// [`RowError`] (with row 0): a price that no ITCH message can hold.
    pub fn row(&mut self, row: &Row) -> Result<(), RowError> {
        let out_of_range = RowError { row: 0, what: "price out of range" };
        if row.kind == 7 {
            let state = match row.px {
                -1 => b'H',
                0 => b'Q',
                _ => b'T',
            };
            self.trading(row.ts, state);
            return Ok(());
        }
        let px = u32::try_from(row.px).map_err(|_| out_of_range)?;
        match row.kind {
            1 => self.new_order(row, px),
            5 => {
                self.matches += 1;
                let trade = Trade {
                    head: self.head::<Trade>(row.ts),
                    order_ref: 0.into(),
                    side: b'B',
                    shares: row.shares.into(),
                    stock: self.stock,
                    px: Price4::new(px),
                    match_number: self.matches.into(),
                };
                self.send(&trade);
            }
            6 => {
                self.matches += 1;
                let cross = CrossTrade {
                    head: self.head::<CrossTrade>(row.ts),
                    shares: u64::from(row.shares).into(),
                    stock: self.stock,
                    px: Price4::new(px),
                    match_number: self.matches.into(),
                    cross_type: b'I',
                };
                self.send(&cross);
            }
            _ => self.less(row, px),
        }
        Ok(())
    }

    fn new_order(&mut self, row: &Row, px: u32) {
        if row.shares == 0 || self.orders.contains_key(&row.order_id) {
            self.unknown.id_alive += 1;
            return;
        }
        let live = Live { order_ref: row.order_id, shares: row.shares };
        self.orders.insert(row.order_id, live);
        self.add(row.ts, row.order_id, row.side, row.shares, px);
    }

    /// A cancel, delete or execution: of the order, else of its seed level.
    fn less(&mut self, row: &Row, px: u32) {
        let known = self.orders.contains_key(&row.order_id);
        let key = (row.side == Side::Buy, px);
        let live = if known { self.orders.get_mut(&row.order_id) } else { self.seed.get_mut(&key) };
        let Some(live) = live.filter(|live| live.shares > 0 && row.shares > 0) else {
            self.unknown.dropped += 1;
            return;
        };
        let order_ref = live.order_ref;
        let shares = row.shares.min(live.shares);
        live.shares -= shares;
        let left = live.shares;
        self.unknown.mapped += u64::from(!known);
        self.unknown.clipped += u64::from(shares < row.shares);
        self.unknown.clipped_shares += u64::from(row.shares - shares);
        let differs = known && row.kind == 3 && (left > 0 || shares < row.shares);
        self.unknown.size_differs += u64::from(differs);
        // A known order that is deleted is gone, whatever its size was said to be.
        let gone = left == 0 || (known && row.kind == 3);
        if gone && known {
            self.orders.remove(&row.order_id);
        }
        if row.kind == 4 {
            self.matches += 1;
            let executed = OrderExecuted {
                head: self.head::<OrderExecuted>(row.ts),
                order_ref: order_ref.into(),
                shares: shares.into(),
                match_number: self.matches.into(),
            };
            self.send(&executed);
        } else if gone {
            let delete =
                OrderDelete { head: self.head::<OrderDelete>(row.ts), order_ref: order_ref.into() };
            self.send(&delete);
        } else {
            let cancel = OrderCancel {
                head: self.head::<OrderCancel>(row.ts),
                order_ref: order_ref.into(),
                shares: shares.into(),
            };
            self.send(&cancel);
        }
    }

    fn add(&mut self, ts: u64, order_ref: u64, side: Side, shares: u32, px: u32) {
        let add = AddOrder {
            head: self.head::<AddOrder>(ts),
            order_ref: order_ref.into(),
            side: if side == Side::Buy { b'B' } else { b'S' },
            shares: shares.into(),
            stock: self.stock,
            px: Price4::new(px),
        };
        self.send(&add);
    }

    fn trading(&mut self, ts: u64, state: u8) {
        let action = TradingAction {
            head: self.head::<TradingAction>(ts),
            stock: self.stock,
            state,
            reserved: b' ',
            reason: *b"    ",
        };
        self.send(&action);
    }

    fn system(&mut self, ts: u64, event: u8) {
        self.send(&SystemEvent { head: Head::of::<SystemEvent>(0, 0, ts), event });
    }

    const fn head<M: Body>(&self, ts: u64) -> Head {
        Head::of::<M>(self.stock_locate, 0, ts)
    }

    fn send<M: Body + IntoBytes + Immutable>(&mut self, message: &M) {
        let mut out = [0; MESSAGE_BYTES_MAX];
        let length = encode(message, &mut out);
        if let Some(bytes) = length.and_then(|length| out.get(..length)) {
            (self.emit)(bytes);
        }
    }
}

/// A whole converted file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// The ITCH messages in order.
    pub messages: Vec<Vec<u8>>,
    /// For each row of the file, how many messages there are up to and with it.
    pub ends: Vec<usize>,
    /// What could not be carried over.
    pub unknown: Unknown,
}

/// Rows whose times fall are damage: the format is in the order of time.
///
/// # Errors
/// The first row that is before the one in front of it.
pub(crate) fn in_order(rows: &[Row]) -> Result<(), RowError> {
    let falls = rows.windows(2).position(|pair| matches!(pair, [a, b] if b.ts < a.ts));
    let what = "its time is before that of the row in front of it: the file is damaged there";
    falls.map_or(Ok(()), |at| Err(RowError { row: at + 2, what }))
}

/// Converts a message file whose first row is the event that made `first_levels` (the first row of
/// the order book file) what they are.
///
/// # Errors
/// [`RowError`] names the row that is not one.
pub fn convert(
    rows: &str,
    first_levels: &str,
    stock: Symbol,
    stock_locate: u16,
) -> Result<Converted, RowError> {
    let parsed: Result<Vec<Row>, RowError> = rows
        .lines()
        .zip(1..)
        .map(|(line, row)| parse_row(line).map_err(|error| RowError { row, ..error }))
        .collect();
    let parsed = parsed?;
    in_order(&parsed)?;
    let mut seed = parse_levels(first_levels)?;
    if let Some(first) = parsed.first() {
        undo(&mut seed, first);
    }
    let start = parsed.first().map_or(0, |row| row.ts);
    let end = parsed.last().map_or(0, |row| row.ts);
    let mut messages = Vec::new();
    let mut ends = Vec::with_capacity(parsed.len());
    let sent = core::cell::Cell::new(0);
    let mut converter = Converter::new(stock, stock_locate, |message: &[u8]| {
        messages.push(message.to_vec());
        sent.set(sent.get() + 1);
    });
    converter.start(start, &seed);
    for (row, number) in parsed.iter().zip(1..) {
        converter.row(row).map_err(|error| RowError { row: number, ..error })?;
        ends.push(sent.get());
    }
    converter.finish(end);
    let unknown = *converter.unknown();
    Ok(Converted { messages, ends, unknown })
}

#[cfg(test)]
mod tests;
