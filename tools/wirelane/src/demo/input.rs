//! What a recording trades: its busiest symbols, as instruments of the demonstration; and how long
//! it lasts.

use crate::failure::{Failure, Outcome};
use exchange::flow::Recording;
use exchange::options::Speed;
use feed::instruments::COLUMNS;
use shm::ids::Symbol;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Symbols that are taken.
const SYMBOLS_MAX: usize = 8;
/// Messages that are looked at.
const LOOKED_MAX: usize = 2_000_000;
/// Bytes of an ITCH add, and where its symbol stands. Source: TotalView-ITCH 5.0, section 1.3.1.
const ADD_BYTES: usize = 36;
const ADD_SYMBOL: std::ops::Range<usize> = 24..32;
/// Messages that are played in a second at most, roughly.
const MESSAGES_PER_SECOND: f64 = 200_000.0;

/// The busiest symbols of a recording, the busiest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbols {
    symbols: Vec<Symbol>,
    length: Option<Length>,
}

/// A recording that was looked at to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Length {
    messages: usize,
    lasts: Duration,
}

impl Symbols {
    /// Reads them: those with most adds among the first messages.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let mut recording = Recording::open(path).map_err(Failure::not_there)?;
        let mut adds: HashMap<Symbol, u64> = HashMap::new();
        let mut message = Vec::new();
        let mut times: Option<(u64, u64)> = None;
        let mut length = None;
        for messages in 0..LOOKED_MAX {
            if !recording.read(&mut message).map_err(Failure::not_there)? {
                let (first, last) = times.unwrap_or_default();
                let lasts = Duration::from_nanos(last - first);
                length = Some(Length { messages, lasts });
                break;
            }
            let at = time_of(&message);
            let (first, last) = times.unwrap_or((at, at));
            times = Some((first, last.max(at)));
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
        Ok(Self { symbols: symbols.into_iter().map(|(symbol, _)| symbol).collect(), length })
    }

    /// How long the recording plays at a speed, and how many messages; `None` for a long one.
    pub(crate) fn plays(&self, speed: Speed) -> Option<(Duration, usize)> {
        let Length { messages, lasts } = self.length?;
        let fastest = Duration::from_secs_f64(messages as f64 / MESSAGES_PER_SECOND);
        let paced = match speed {
            Speed::Max => Duration::ZERO,
            Speed::Times(times) => Duration::try_from_secs_f64(lasts.as_secs_f64() / times).ok()?,
        };
        Some((paced.max(fastest), messages))
    }

    #[cfg(test)]
    pub(crate) fn of_names<const N: usize>(names: [&str; N]) -> Self {
        let symbols = names.iter().filter_map(|name| Symbol::new(name)).collect();
        Self { symbols, length: None }
    }

    /// Their instrument file: wide ranges, ticks of the rule, no prior close.
    pub(crate) fn instruments(&self) -> String {
        let mut text = COLUMNS.join(",");
        text.push('\n');
        for symbol in &self.symbols {
            text.push_str(&format!(
                "NASDAQ,{symbol},USD,1,1,1,1000000,0.0001,199999.99,,0:0.0001|1:0.01\n"
            ));
        }
        text
    }

    /// What the market maker trades: all but the last two, or all.
    pub(crate) fn for_maker(&self) -> String {
        let all = &self.symbols;
        list(if all.len() < 3 { all } else { all.split_at(all.len() - 2).0 })
    }

    /// What the taker trades: the last two, or all.
    pub(crate) fn for_taker(&self) -> String {
        list(self.symbols.split_at(self.symbols.len().saturating_sub(2)).1)
    }
}

/// Time of day, nanoseconds; every message has it at offset 5.
fn time_of(message: &[u8]) -> u64 {
    let bytes = message.get(5..11).unwrap_or_default();
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
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
        assert_eq!(symbols.symbols, Symbols::of_names(["AAPL"]).symbols);
        let (lasts, messages) = symbols.plays(Speed::Times(0.5)).unwrap();
        assert_eq!((lasts.as_nanos(), messages), (2 * (25_551_909 - 4_241_176), 8));
        assert!(symbols.plays(Speed::Max).unwrap().0 < Duration::from_millis(1));
        assert_eq!(
            (symbols.for_maker(), symbols.for_taker()),
            (r#"["AAPL"]"#.into(), r#"["AAPL"]"#.into())
        );
        for (name, bytes, sentence) in [
            ("none", None, "No such file"),
            ("empty", Some(&b""[..]), "it is empty"),
            ("words", Some(&b"hello there"[..]), "it is no recording; name a BinaryFILE"),
        ] {
            let path = temp.path().join(name);
            if let Some(bytes) = bytes {
                std::fs::write(&path, bytes).unwrap();
            }
            let refused = Symbols::read(&path).unwrap_err().to_string();
            assert!(refused.contains(name) && refused.contains(sentence), "{refused}");
        }
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
