//! How large the world of a trip is: what grows while everything else stays.

use std::fmt::Write as _;
use std::num::ParseIntError;

use shm::ids::Symbol;
use shm::record::StageId;

use super::stages::{CONFIG, INSTRUMENTS};

/// Most strategies: a stage's name has room for as many beside the operator.
const STRATEGIES_MAX: u32 = StageId::INDEX_MAX as u32;
/// Instruments beside which strategies grow: each has one of its own at least.
const SHARED: u32 = 32;
/// Instruments beside which live orders grow.
const BOOKS: u32 = 100;
/// Instruments beside which scopes with limits grow.
const SCOPED: u32 = 1_000;

/// Sizes of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Instruments, each of which moves as often as the others. In `1..=10_000`.
    pub symbols: u32,
    /// Strategies, each of which trades instruments of its own. In `1..=symbols`.
    pub strategies: u32,
    /// Orders of others that live in the books. In `0..=1_000_000`.
    pub book_orders: u32,
    /// Instruments with limits of their own, beside those of the account. In `0..=symbols`.
    pub scopes: u32,
    /// The last strategy and instrument are there to be refused: the limits of the instrument take
    /// no order of that strategy.
    pub refused: bool,
}

impl Shape {
    /// One of each.
    pub const ONE: Self =
        Self { symbols: 1, strategies: 1, book_orders: 0, scopes: 0, refused: false };
    /// One of each, and beside them what is refused.
    pub const REFUSED: Self = Self { symbols: 2, strategies: 2, refused: true, ..Self::ONE };

    /// What is written `symbols=1000`, `strategies=8`, `live=100000` or `scopes=100`: one thing
    /// that many times, the others as they are beside it.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, count) = text.split_once('=').ok_or(format!("`{text}` is not NAME=COUNT"))?;
        let count = count.parse().map_err(|error: ParseIntError| format!("`{text}`: {error}"))?;
        let (shape, most) = match name {
            "symbols" => (Self { symbols: count, ..Self::ONE }, 10_000),
            "strategies" => {
                (Self { symbols: SHARED, strategies: count, ..Self::ONE }, STRATEGIES_MAX)
            }
            "live" => (Self { symbols: BOOKS, book_orders: count, ..Self::ONE }, 1_000_000),
            "scopes" => (Self { symbols: SCOPED, scopes: count, ..Self::ONE }, SCOPED),
            _ => return Err(format!("`{name}`: symbols, strategies, live or scopes")),
        };
        if (1..=most).contains(&count) { Ok(shape) } else { Err(format!("{name}: 1 to {most}")) }
    }

    /// The name of an instrument.
    #[must_use]
    pub fn symbol(at: u32) -> Symbol {
        if at == 0 {
            return Symbol(*b"AAPL    ");
        }
        let mut name = [b' '; 8];
        for (to, from) in name.iter_mut().zip(format!("S{at:06}").bytes()) {
            *to = from;
        }
        Symbol(name)
    }

    /// The instrument file.
    #[must_use]
    pub fn instruments(&self) -> String {
        let mut text = INSTRUMENTS.to_owned();
        let row = INSTRUMENTS.lines().last().unwrap_or_default();
        for at in 1..self.symbols {
            let _ = writeln!(text, "{}", row.replace("AAPL", &format!("S{at:06}")));
        }
        text
    }

    /// The configuration.
    ///
    /// # Panics
    /// When the text it is made from is not of its form.
    #[must_use]
    pub fn config(&self) -> String {
        let (head, rest) = CONFIG.split_once("[[strategy]]").expect("it has a strategy");
        let (strategy, limits) = rest.split_once("[[limits]]").expect("limits come behind it");
        let mut text = head.to_owned();
        for at in 0..self.strategies {
            let number = if at == 0 { String::new() } else { at.to_string() };
            let name = format!("name = \"probe{number}\"");
            let one = strategy.replace("name = \"probe\"", &name);
            let _ = write!(text, "[[strategy]]{}", one.replace("\"*\"", &self.traded(at)));
        }
        let _ = write!(text, "[[limits]]{limits}");
        for at in 0..self.scopes {
            let own = limits.replace("account:main", &format!("instrument:{}", name_of(at)));
            let _ = write!(text, "\n[[limits]]{own}");
        }
        if self.refused {
            let last = name_of(self.symbols - 1);
            let none = "total = { long_max = \"1\", short_max = \"1\" }";
            let _ = write!(text, "\n[[limits]]\nscope = \"instrument:{last}\"\n{none}\n");
        }
        text
    }

    /// What a strategy trades: every so many-th instrument, or all.
    fn traded(&self, at: u32) -> String {
        if self.strategies == 1 {
            return "\"*\"".to_owned();
        }
        let own = (at..self.symbols).step_by(self.strategies as usize);
        own.map(|at| format!("\"{}\"", name_of(at))).collect::<Vec<_>>().join(", ")
    }
}

fn name_of(at: u32) -> String {
    String::from_utf8_lossy(Shape::symbol(at).0.trim_ascii()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the world of one of each is the one that is always measured, whatever else grows.
    // Method: its texts; what is out of range is refused.
    #[test]
    fn one_of_each_is_the_usual_trip() {
        assert_eq!(Shape::ONE.config(), CONFIG);
        assert_eq!(Shape::ONE.instruments(), INSTRUMENTS);
        let parsed = |text| Shape::parse(text).map(|shape| (shape.symbols, shape.strategies));
        assert_eq!(parsed("symbols=10000"), Ok((10_000, 1)));
        assert_eq!(parsed("strategies=31"), Ok((SHARED, 31)));
        for text in ["symbols=10001", "symbols=0", "strategies=32", "x=1", "symbols", "live=x"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
