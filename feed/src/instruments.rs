//! The instrument table: symbol to id, ticks and lots; loaded before start, then immutable.
//!
//! One CSV file, first line the header, one line an instrument; blank lines and lines that begin
//! with `#` are skipped. Columns, in any order, named in the header:
//!
//! | column | what |
//! |---|---|
//! | `venue`, `symbol`, `currency` | 1 to 8 printable ASCII characters each |
//! | `multiplier` | whole number, at least 1: units of the underlying in one contract |
//! | `lot`, `qty_min`, `qty_max` | decimals above 0; the limits are whole lots |
//! | `px_min`, `px_max` | decimals: the venue's range, both allowed |
//! | `prior_close` | decimal within the range, or empty |
//! | `ticks` | 1 to 4 bands `from:tick` joined by a bar, rising, e.g. `0:0.0001\|1:0.01` |
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_types, clippy::disallowed_macros, reason = "cold: before start")]

use core::fmt;
use core::str::FromStr;
use shm::ids::{InstrumentId, Symbol};
use shm::units::{Price, Qty};
use std::path::Path;

/// Most tick bands of one instrument.
pub const TICK_BANDS_MAX: usize = 4;

/// The header's columns, in the order they are written.
pub const COLUMNS: [&str; 11] = [
    "venue",
    "symbol",
    "currency",
    "multiplier",
    "lot",
    "qty_min",
    "qty_max",
    "px_min",
    "px_max",
    "prior_close",
    "ticks",
];

/// From `from` on, prices are multiples of `tick`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickBand {
    /// First price of the band.
    pub from: Price,
    /// Step, more than 0 in a used band, 0 in an unused one.
    pub tick: Price,
}

/// One instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Dense, in (venue, symbol) order.
    pub id: InstrumentId,
    /// The venue's name in the configuration.
    pub venue: Symbol,
    /// The venue's name for it.
    pub symbol: Symbol,
    /// What it is paid in.
    pub currency: Symbol,
    /// Units of the underlying in one contract, at least 1.
    pub multiplier: i64,
    /// Quantities are multiples of it; more than 0.
    pub lot: Qty,
    /// Smallest order, in `lot..=qty_max`.
    pub qty_min: Qty,
    /// Largest order the venue takes.
    pub qty_max: Qty,
    /// Lowest price the venue takes.
    pub px_min: Price,
    /// Highest price the venue takes.
    pub px_max: Price,
    /// Close of the session before; [`Price::NONE`] when not known.
    pub prior_close: Price,
    /// Bands by rising `from`; unused ones have tick 0.
    pub ticks: [TickBand; TICK_BANDS_MAX],
}

impl Instrument {
    /// The tick at a price: that of the last band that begins at or below it, `None` below the
    /// first.
    #[must_use]
    pub fn tick_at(&self, px: Price) -> Option<Price> {
        let mut used = self.ticks.iter().filter(|band| band.tick.0 > 0 && band.from <= px);
        used.next_back().map(|band| band.tick)
    }
}

/// What is wrong with one place of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentFault {
    /// The file's name as it was given.
    pub file: String,
    /// Line, from 1; 0 when it is about the whole file.
    pub line: usize,
    /// The column's name; empty when it is about the whole line.
    pub column: &'static str,
    /// What is wrong and how to mend it.
    pub what: String,
}

impl fmt::Display for InstrumentFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file)?;
        if self.line > 0 {
            write!(out, ":{}", self.line)?;
        }
        if !self.column.is_empty() {
            write!(out, ": column `{}`", self.column)?;
        }
        write!(out, ": {}", self.what)
    }
}

impl core::error::Error for InstrumentFault {}

/// All instruments, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instruments(Box<[Instrument]>);

impl Instruments {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault of the file at once, each with line, column and remedy.
    pub fn load(path: &Path) -> Result<Self, Vec<InstrumentFault>> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let what = format!("cannot be read ({error}); name an existing CSV file");
            vec![InstrumentFault { file: file.clone(), line: 0, column: "", what }]
        })?;
        Self::parse(&file, &text)
    }

    /// Reads the text of a file called `file`.
    ///
    /// # Errors
    /// As [`Instruments::load`].
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<InstrumentFault>> {
        let mut reader = Reader { file, faults: Vec::new() };
        let mut rows = Vec::new();
        let mut lines = text
            .lines()
            .zip(1..)
            .filter(|(line, _)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
        let order = lines.next().and_then(|(header, line)| reader.header(header, line));
        if let Some(order) = order {
            for (text, line) in lines {
                if let Some(row) = reader.row(&order, text, line) {
                    rows.push((row, line));
                }
            }
        } else if reader.faults.is_empty() {
            reader.fault(0, "", format!("is empty; begin with the header {}", COLUMNS.join(",")));
        }
        rows.sort_by_key(|(row, _)| (row.venue, row.symbol));
        for (before, after) in rows.iter().zip(rows.iter().skip(1)) {
            if (before.0.venue, before.0.symbol) == (after.0.venue, after.0.symbol) {
                let what = format!(
                    "{} {} is there already on line {}; remove one",
                    after.0.venue, after.0.symbol, before.1
                );
                reader.fault(after.1, "symbol", what);
            }
        }
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        let with_id = (0_u32..).zip(rows);
        Ok(Self(with_id.map(|(id, (row, _))| Instrument { id: InstrumentId(id), ..row }).collect()))
    }

    /// One instrument.
    #[must_use]
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.0.get(id.index())
    }

    /// By its names.
    #[must_use]
    pub fn find(&self, venue: Symbol, symbol: Symbol) -> Option<&Instrument> {
        let at = self.0.binary_search_by_key(&(venue, symbol), |row| (row.venue, row.symbol));
        at.ok().and_then(|at| self.0.get(at))
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.0.iter()
    }

    /// Symbols and ids of one venue: what its books are made from.
    pub fn of_venue(&self, venue: Symbol) -> impl Iterator<Item = (Symbol, InstrumentId)> {
        self.0.iter().filter(move |row| row.venue == venue).map(|row| (row.symbol, row.id))
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Collects faults while reading.
struct Reader<'a> {
    file: &'a str,
    faults: Vec<InstrumentFault>,
}

/// For each of [`COLUMNS`], its place in a line.
type Order = [usize; COLUMNS.len()];

impl Reader<'_> {
    fn fault(&mut self, line: usize, column: &'static str, what: String) {
        self.faults.push(InstrumentFault { file: self.file.to_owned(), line, column, what });
    }

    fn header(&mut self, text: &str, line: usize) -> Option<Order> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let order = COLUMNS.map(|column| names.iter().position(|name| *name == column));
        for (column, at) in COLUMNS.iter().zip(order) {
            if at.is_none() {
                self.fault(line, column, "is missing from the header; add it".to_owned());
            }
        }
        for name in names.iter().filter(|name| !COLUMNS.contains(name)) {
            let what = format!("unknown column `{name}`; the columns are {}", COLUMNS.join(","));
            self.fault(line, "", what);
        }
        if names.len() != COLUMNS.len() && self.faults.is_empty() {
            self.fault(line, "", "a column is named twice; name each once".to_owned());
        }
        self.faults.is_empty().then(|| order.map(Option::unwrap_or_default))
    }

    /// A field as `T`, or a fault and `None`.
    fn field<T: FromStr>(
        &mut self,
        line: usize,
        column: &'static str,
        text: &str,
        wanted: &str,
    ) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            self.fault(line, column, format!("`{text}` is not {wanted}"));
        }
        value
    }

    fn name(&mut self, line: usize, column: &'static str, text: &str) -> Option<Symbol> {
        let name = Symbol::new(text);
        if name.is_none() {
            let what = format!("`{text}` is not 1 to 8 printable ASCII characters");
            self.fault(line, column, what);
        }
        name
    }

    fn row(&mut self, order: &Order, text: &str, line: usize) -> Option<Instrument> {
        let faults = self.faults.len();
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        if fields.len() != COLUMNS.len() {
            let what = format!("has {} fields; it needs {}", fields.len(), COLUMNS.len());
            self.fault(line, "", what);
            return None;
        }
        let [
            venue,
            symbol,
            currency,
            multiplier,
            lot,
            qty_min,
            qty_max,
            px_min,
            px_max,
            close,
            ticks,
        ] = order.map(|at| fields.get(at).copied().unwrap_or_default());
        let qty = "a decimal of at most 8 places, e.g. 100 or 0.5";
        let px = "a decimal of at most 9 places, e.g. 0.01";
        let venue = self.name(line, "venue", venue);
        let symbol = self.name(line, "symbol", symbol);
        let currency = self.name(line, "currency", currency);
        let multiplier = self.field(line, "multiplier", multiplier, "a whole number, e.g. 1");
        let lot = self.field(line, "lot", lot, qty);
        let qty_min = self.field(line, "qty_min", qty_min, qty);
        let qty_max = self.field(line, "qty_max", qty_max, qty);
        let px_min = self.field(line, "px_min", px_min, px);
        let px_max = self.field(line, "px_max", px_max, px);
        let prior_close = if close.is_empty() {
            Some(Price::NONE)
        } else {
            self.field(line, "prior_close", close, "empty or a decimal, e.g. 187.5")
        };
        let ticks = self.ticks(line, ticks);
        if self.faults.len() > faults {
            return None;
        }
        let row = Instrument {
            id: InstrumentId::NONE,
            venue: venue?,
            symbol: symbol?,
            currency: currency?,
            multiplier: multiplier?,
            lot: lot?,
            qty_min: qty_min?,
            qty_max: qty_max?,
            px_min: px_min?,
            px_max: px_max?,
            prior_close: prior_close?,
            ticks: ticks?,
        };
        self.check(line, &row);
        Some(row)
    }

    fn ticks(&mut self, line: usize, text: &str) -> Option<[TickBand; TICK_BANDS_MAX]> {
        let mut bands = [TickBand::default(); TICK_BANDS_MAX];
        let mut places = bands.iter_mut();
        for part in text.split('|') {
            let band = part.split_once(':').and_then(|(from, tick)| {
                Some(TickBand { from: from.trim().parse().ok()?, tick: tick.trim().parse().ok()? })
            });
            let Some(band) = band.filter(|band| band.tick.0 > 0) else {
                let what = format!("`{part}` is not `from:tick` with a tick above 0, e.g. 0:0.01");
                self.fault(line, "ticks", what);
                return None;
            };
            let Some(place) = places.next() else {
                let what = format!("more than {TICK_BANDS_MAX} bands; join some");
                self.fault(line, "ticks", what);
                return None;
            };
            *place = band;
        }
        Some(bands)
    }

    fn check(&mut self, line: usize, row: &Instrument) {
        let mut need = |holds: bool, column, what: &str| {
            if !holds {
                self.fault(line, column, what.to_owned());
            }
        };
        need(row.multiplier >= 1, "multiplier", "must be at least 1");
        need(row.lot.0 > 0, "lot", "must be above 0");
        if row.lot.0 > 0 {
            let whole = |qty: Qty| qty.0 > 0 && qty.is_on_lot(row.lot);
            need(whole(row.qty_min), "qty_min", "must be a whole number of lots above 0");
            need(whole(row.qty_max), "qty_max", "must be a whole number of lots above 0");
        }
        need(row.qty_min <= row.qty_max, "qty_max", "must not be below qty_min");
        need(row.px_min <= row.px_max, "px_max", "must not be below px_min");
        let close_fits = (row.px_min..=row.px_max).contains(&row.prior_close);
        need(
            row.prior_close.is_none() || close_fits,
            "prior_close",
            "must lie between px_min and px_max, or be empty",
        );
        let used = row.ticks.iter().filter(|band| band.tick.0 > 0);
        let rising = used.clone().zip(used.skip(1)).all(|(low, high)| low.from < high.from);
        need(rising, "ticks", "the bands must rise in `from`");
        need(
            row.tick_at(row.px_min).is_some(),
            "ticks",
            "the first band must begin at or below px_min",
        );
    }
}

#[cfg(test)]
mod tests;
