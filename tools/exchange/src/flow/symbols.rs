//! The symbols an exchange lists.

use super::SymbolsError;
use crate::error::Error;
use feed::instruments::Instruments;
use shm::ids::Symbol;
use std::path::Path;

/// One listed symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolSpec {
    /// Its name at the venue.
    pub symbol: Symbol,
    /// Prior close as price4; the generated flow starts there.
    pub prior_close_px: u32,
    /// Tick as price4, 1 or more.
    pub tick_px: u32,
}

/// Symbols of a run with none named: the largest activity comes first.
const BUILT_IN: [(&str, u32); 8] = [
    ("AAPL", 1_850_000),
    ("MSFT", 4_100_000),
    ("NVDA", 1_220_000),
    ("AMZN", 1_780_000),
    ("TSLA", 2_100_000),
    ("GOOGL", 1_650_000),
    ("META", 5_000_000),
    ("INTC", 310_000),
];

/// A tick of one cent.
pub const TICK_CENT: u32 = 100;

impl SymbolSpec {
    /// A symbol with a tick of one cent.
    ///
    /// # Errors
    /// [`SymbolsError::Name`] if `name` is empty, longer than 8 bytes or not printable ASCII;
    /// [`SymbolsError::Close`] for a close of under one tick or over 200,000.
    pub fn new(name: &str, prior_close_px: u32) -> Result<Self, SymbolsError> {
        let symbol = Symbol::new(name).ok_or_else(|| SymbolsError::Name(name.to_owned()))?;
        if !(TICK_CENT..=2_000_000_000).contains(&prior_close_px) {
            return Err(SymbolsError::Close(name.to_owned()));
        }
        Ok(Self { symbol, prior_close_px, tick_px: TICK_CENT })
    }
}

/// The symbols listed when none are named.
#[must_use]
pub fn built_in() -> Vec<SymbolSpec> {
    BUILT_IN.iter().filter_map(|&(name, close)| SymbolSpec::new(name, close).ok()).collect()
}

/// Parses `AAPL=185.00,MSFT=410.00`: names with prior closes, in the order of their activity. A
/// name of the built-in list may stand without a close.
///
/// # Errors
/// [`SymbolsError`] names the entry that is wrong.
pub fn parse_list(text: &str) -> Result<Vec<SymbolSpec>, SymbolsError> {
    let known = built_in();
    text.split(',')
        .map(|entry| match entry.trim().split_once('=') {
            Some((name, close)) => SymbolSpec::new(name, parse_px(name, close)?),
            None => known
                .iter()
                .find(|spec| spec.symbol.as_str() == entry.trim())
                .copied()
                .ok_or_else(|| SymbolsError::Close(entry.trim().to_owned())),
        })
        .collect()
}

/// Symbols of an instrument file that have a prior close, in its order; a symbol of several venues
/// once.
///
/// # Errors
/// [`Error::Option`] with all faults of the file, or for a close or tick finer than a
/// ten-thousandth.
pub fn load_symbols(path: &Path) -> Result<Vec<SymbolSpec>, Error> {
    let instruments = Instruments::load(path).map_err(|faults| {
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Error::option("symbols", texts.join("; "))
    })?;
    let mut specs: Vec<SymbolSpec> = Vec::new();
    for instrument in instruments.iter().filter(|instrument| instrument.prior_close.is_some()) {
        if specs.iter().any(|spec| spec.symbol == instrument.symbol) {
            continue;
        }
        let tick = instrument.tick_at(instrument.prior_close);
        let (Some(close_px), Some(tick_px)) =
            (instrument.prior_close.to_price4(), tick.and_then(|tick| tick.to_price4()))
        else {
            let what = format!("{}: close or tick is finer than 0.0001", instrument.symbol);
            return Err(Error::option("symbols", what));
        };
        let spec = SymbolSpec::new(instrument.symbol.as_str(), close_px)
            .map_err(|error| Error::option("symbols", error))?;
        specs.push(SymbolSpec { tick_px: tick_px.max(1), ..spec });
    }
    if specs.is_empty() {
        return Err(Error::option("symbols", "the file has no instrument with a prior close"));
    }
    Ok(specs)
}

fn parse_px(name: &str, text: &str) -> Result<u32, SymbolsError> {
    shm::units::decimal::parse_scaled(text.trim(), 4)
        .ok()
        .and_then(|value| u32::try_from(value).ok())
        .ok_or_else(|| SymbolsError::Close(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a list names symbols and closes exactly, and refuses what it cannot mean. Method: one
    /// good list, and one fault each.
    #[test]
    fn list_names_symbols_and_closes() {
        let specs = parse_list("ABC=12.3456, AAPL").unwrap();
        assert_eq!(specs[0].symbol.0, *b"ABC     ");
        assert_eq!(specs[0].prior_close_px, 123_456);
        assert_eq!(specs[1], built_in()[0]);
        for bad in ["", "UNKNOWN", "TOOLONGNAME=1", "A=x", "A=0", "A=1.23456", "A=-1"] {
            assert!(parse_list(bad).is_err(), "{bad}");
        }
    }
}
