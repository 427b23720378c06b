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

/// `1 order`, `2 orders`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Nanoseconds with the unit that leaves three figures or four: `950 ns`, `12.3 us`, `4.5 ms`.
pub(crate) fn span(ns: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", ns / unit, ns % unit * 10 / unit);
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..1_000_000 => format!("{} us", tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{} ms", tenths(1_000_000)),
        _ => format!("{} s", tenths(1_000_000_000)),
    }
}

/// Nanoseconds as seconds, cut to a tenth.
pub(crate) fn seconds(ns: u64) -> String {
    format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10)
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

/// A date as days since the Unix epoch in the form of ISO 8601.
///
/// Days are counted from 1 March of year 0, in eras of 400 years, so that a leap day ends a year.
pub(crate) fn date(days: u32) -> String {
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = u64::from(days) + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let of_years = of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096;
    let year = of_years / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
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
        assert_eq!((seconds(3_000_000_000), seconds(99_999_999)), ("3.0 s".into(), "0.0 s".into()));
        assert_eq!(money(12_345_678_900_000_000_000), "123.45");
        assert_eq!(money(-1), "-0.01");
        assert_eq!(time_of_day(Nanos(3_723_000_000_042)), "01:02:03.000000042");
        let dates = [0, 58, 59, 11_016, 11_017, 20_544, 47_540].map(date);
        let wanted = [
            "1970-01-01",
            "1970-02-28",
            "1970-03-01",
            "2000-02-29",
            "2000-03-01",
            "2026-04-01",
            "2100-02-28",
        ];
        assert_eq!(dates, wanted);
    }
}
