//! What a recording trades: its busiest symbols, as instruments of the demonstration.

use crate::failure::{Failure, Outcome};
use exchange::flow::Recording;
use feed::instruments::COLUMNS;
use shm::ids::Symbol;
use std::collections::HashMap;
use std::path::Path;

/// Symbols that are taken.
const SYMBOLS_MAX: usize = 8;
/// Messages that are looked at.
const LOOKED_MAX: usize = 2_000_000;
/// Bytes of an ITCH add, and where its symbol stands. Source: TotalView-ITCH 5.0, section 1.3.1.
const ADD_BYTES: usize = 36;
const ADD_SYMBOL: std::ops::Range<usize> = 24..32;

/// The busiest symbols of a recording, the busiest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbols(Vec<Symbol>);

impl Symbols {
    /// Reads them: those with most adds among the first messages.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let mut recording = Recording::open(path).map_err(Failure::not_there)?;
        let mut adds: HashMap<Symbol, u64> = HashMap::new();
        let mut message = Vec::new();
        for _ in 0..LOOKED_MAX {
            if !recording.read(&mut message).map_err(Failure::not_done)? {
                break;
            }
            if let Some(symbol) = symbol_of(&message) {
                *adds.entry(symbol).or_default() += 1;
            }
        }
        let mut symbols: Vec<(Symbol, u64)> = adds.into_iter().collect();
        symbols.sort_by_key(|&(symbol, count)| (std::cmp::Reverse(count), symbol));
        symbols.truncate(SYMBOLS_MAX);
        if symbols.is_empty() {
            return Err(Failure::not_there(format!("{}: it adds no order", path.display()))
                .remedy("name a recording of ITCH adds: BinaryFILE, pcap or LOBSTER messages"));
        }
        Ok(Self(symbols.into_iter().map(|(symbol, _)| symbol).collect()))
    }

    #[cfg(test)]
    pub(crate) fn of_names<const N: usize>(names: [&str; N]) -> Self {
        Self(names.iter().filter_map(|name| Symbol::new(name)).collect())
    }

    /// Their instrument file: wide ranges, ticks of the rule, no prior close.
    pub(crate) fn instruments(&self) -> String {
        let mut text = COLUMNS.join(",");
        text.push('\n');
        for symbol in &self.0 {
            text.push_str(&format!(
                "NASDAQ,{symbol},USD,1,1,1,1000000,0.0001,199999.99,,0:0.0001|1:0.01\n"
            ));
        }
        text
    }

    /// What the market maker trades: all but the last two, or all.
    pub(crate) fn for_maker(&self) -> String {
        let few = self.0.len() < 3;
        list(if few { &self.0 } else { self.0.split_at(self.0.len() - 2).0 })
    }

    /// What the taker trades: the last two, or all.
    pub(crate) fn for_taker(&self) -> String {
        list(self.0.split_at(self.0.len().saturating_sub(2)).1)
    }
}

fn symbol_of(message: &[u8]) -> Option<Symbol> {
    let is_add = matches!(message.first(), Some(b'A' | b'F')) && message.len() >= ADD_BYTES;
    let bytes = message.get(ADD_SYMBOL).filter(|_| is_add)?;
    Symbol::new(std::str::from_utf8(bytes).ok()?.trim_end())
}

fn list(symbols: &[Symbol]) -> String {
    let quoted: Vec<String> = symbols.iter().map(|symbol| format!("\"{symbol}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the busiest symbols of a recording are found. Method: a LOBSTER file of one symbol,
    /// which the name tells, and a file that is no recording.
    #[test]
    fn the_symbols_of_a_recording_are_found() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("AAPL_2012-06-21_message_5.csv");
        let rows =
            "34200.004241176,1,16113575,18,5853300,1\n34200.025551909,1,16120456,18,5859100,-1\n";
        std::fs::write(&path, rows).unwrap();
        let symbols = Symbols::read(&path).unwrap();
        assert_eq!(symbols, Symbols::of_names(["AAPL"]));
        assert_eq!(
            (symbols.for_maker(), symbols.for_taker()),
            (r#"["AAPL"]"#.into(), r#"["AAPL"]"#.into())
        );
        assert!(Symbols::read(&temp.path().join("none")).is_err());
    }

    /// Goal: every symbol has a strategy, and with enough of them none has two.
    #[test]
    fn symbols_are_dealt_out() {
        let symbols = Symbols::of_names(["A", "B", "C", "D"]);
        assert_eq!(symbols.for_maker(), r#"["A", "B"]"#);
        assert_eq!(symbols.for_taker(), r#"["C", "D"]"#);
        assert_eq!(symbols.instruments().lines().count(), 5);
    }
}
