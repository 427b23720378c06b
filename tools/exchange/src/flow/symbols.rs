//! The symbols an exchange lists.

use super::SymbolsError;

/// One listed symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolSpec {
    /// Name, left-justified, padded with spaces.
    pub symbol: [u8; 8],
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
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.len() > 8 || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(SymbolsError::Name(name.to_owned()));
        }
        if !(TICK_CENT..=2_000_000_000).contains(&prior_close_px) {
            return Err(SymbolsError::Close(name.to_owned()));
        }
        let mut symbol = [b' '; 8];
        symbol[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { symbol, prior_close_px, tick_px: TICK_CENT })
    }

    /// The name without its padding.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.symbol)
    }
}

/// A padded symbol as text.
#[must_use]
pub fn name_of(symbol: &[u8; 8]) -> String {
    String::from_utf8_lossy(symbol).trim_end().to_owned()
}

/// The symbols listed when none are named.
#[must_use]
pub fn built_in() -> Vec<SymbolSpec> {
    BUILT_IN.iter().filter_map(|&(name, close)| SymbolSpec::new(name, close).ok()).collect()
}

/// Parses `AAPL=185.00,MSFT=410.00`: names with prior closes, in the order of their activity. A name
/// of the built-in list may stand without a close.
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
                .find(|spec| spec.name() == entry.trim())
                .copied()
                .ok_or_else(|| SymbolsError::Close(entry.trim().to_owned())),
        })
        .collect()
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

    /// Goal: a list names symbols and closes exactly, and refuses what it cannot mean. Method: one good
    /// list, and one fault each.
    #[test]
    fn list_names_symbols_and_closes() {
        let specs = parse_list("ABC=12.3456, AAPL").unwrap();
        assert_eq!(specs[0].symbol, *b"ABC     ");
        assert_eq!(specs[0].prior_close_px, 123_456);
        assert_eq!(specs[1], built_in()[0]);
        for bad in ["", "UNKNOWN", "TOOLONGNAME=1", "A=x", "A=0", "A=1.23456", "A=-1"] {
            assert!(parse_list(bad).is_err(), "{bad}");
        }
    }
}
