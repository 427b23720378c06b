//! Money as two integers that a database holds and adds up exactly.

use super::database::{NO_INT, Value, int};

/// Units of 1e-17 in a millionth.
const PER_MILLIONTH: i128 = 100_000_000_000;

/// Whole millionths, rounded down, and what is left of it in 1e-17; nothing where that is beyond 64
/// bits (9.2e12 of a currency).
pub(crate) fn millionths(amount: i128) -> (Value, Value) {
    let whole = i64::try_from(amount.div_euclid(PER_MILLIONTH));
    let rest = i64::try_from(amount.rem_euclid(PER_MILLIONTH));
    match (whole, rest) {
        (Ok(whole), Ok(rest)) => (int(whole), int(rest)),
        _ => (NO_INT, NO_INT),
    }
}

/// The amount that two columns hold.
#[must_use]
pub fn amount(millionths: i64, rest: i64) -> i128 {
    i128::from(millionths) * PER_MILLIONTH + i128::from(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: an amount comes back to the last digit, of either sign, or is not there at all.
    #[test]
    fn amounts_come_back_exactly() {
        for value in [0, 1, -1, PER_MILLIONTH - 1, -PER_MILLIONTH, 123_456_789_012_345_678_901] {
            let (whole, rest) = millionths(value);
            assert_eq!(amount(whole.int().unwrap(), rest.int().unwrap()), value);
        }
        assert_eq!(millionths(i128::MAX), (NO_INT, NO_INT));
    }
}
