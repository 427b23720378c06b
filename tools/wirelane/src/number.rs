//! Numbers as a person reads them.

use shm::units::{Nanos, Notional};

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Nanoseconds with the unit that leaves three or four figures: `950 ns`, `12.3 us`, `4.56 ms`.
pub(crate) fn span(ns: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", ns / unit, ns % unit * 10 / unit);
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} us", tenths(1_000)),
        10_000_000..10_000_000_000 => format!("{} ms", tenths(1_000_000)),
        _ => format!("{} s", tenths(1_000_000_000)),
    }
}

/// Money to the hundredth, rounded down, with its sign.
pub(crate) fn money(value: i128) -> String {
    const HUNDREDTH: i128 = 1_000_000_000_000_000;
    Notional(value.div_euclid(HUNDREDTH) * HUNDREDTH).to_string()
}

/// Time of day, UTC, to the nanosecond, of a time since the Unix epoch.
pub(crate) fn time_of_day(at: Nanos) -> String {
    let (seconds, ns) = (at.0 / 1_000_000_000 % 86_400, at.0 % 1_000_000_000);
    format!("{:02}:{:02}:{:02}.{ns:09}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: numbers are cut, grouped and named as said. Method: values at each edge.
    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            (grouped(7), grouped(1_234), grouped(999)),
            ("7".into(), "1,234".into(), "999".into())
        );
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(span(9_999), "9999 ns");
        assert_eq!(span(12_345), "12.3 us");
        assert_eq!(span(45_678_901), "45.6 ms");
        assert_eq!(span(12_345_678_901), "12.3 s");
        assert_eq!(money(12_345_678_900_000_000_000), "123.45");
        assert_eq!(money(-1), "-0.01");
        assert_eq!(time_of_day(Nanos(3_723_000_000_042)), "01:02:03.000000042");
    }
}
