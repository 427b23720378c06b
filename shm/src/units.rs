//! Prices, quantities, money and time as integers, and the only arithmetic legal between them.
//!
//! One scale for every venue: a codec converts once, at the edge. Overflow is `None`, never a wrap.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A price in units of 1e-9 of the quote currency. Range of `i64`; negative prices are
/// representable (some futures trade there) and refused by risk unless the instrument allows them.
///
/// # Layout
/// 8 bytes, native endian.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct Price(pub i64);

/// A quantity in units of 1e-8 of one share, contract or coin.
///
/// # Layout
/// 8 bytes, native endian.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct Qty(pub i64);

/// Money in units of 1e-17 of a currency: exactly price x quantity, before any rounding.
///
/// # Layout
/// 16 bytes, native endian.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct Notional(pub i128);

/// Nanoseconds: either a point on the engine's clock (since the Unix epoch, never stepping) or a
/// span; the field's name says which.
///
/// # Layout
/// 8 bytes, native endian.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct Nanos(pub u64);

/// Raw ticks of the time stamp counter, meaningful only on the machine and boot they were read on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tsc(pub u64);

impl Price {
    /// Units per 1 of the quote currency.
    pub const SCALE: i64 = 1_000_000_000;
    /// Absent: no bid, no ask, no last trade. Never a valid price.
    pub const NONE: Self = Self(i64::MIN);

    /// From a venue price with 4 implied decimals (ITCH and OUCH `price4`). Exact for every `u32`.
    #[must_use]
    pub const fn from_price4(raw: u32) -> Self {
        Self(raw as i64 * 100_000)
    }

    /// To a venue price with 4 implied decimals; `None` when negative, out of `u32`, or finer than
    /// a ten-thousandth.
    #[must_use]
    pub const fn to_price4(self) -> Option<u32> {
        if self.0 < 0 || self.0 % 100_000 != 0 {
            return None;
        }
        let raw = self.0 / 100_000;
        if raw > u32::MAX as i64 { None } else { Some(raw as u32) }
    }

    /// Whether this is [`Price::NONE`].
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == i64::MIN
    }

    /// Whether a price is present.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 != i64::MIN
    }

    /// `self + other`, `None` on overflow.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// `self - other`, `None` on overflow.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// `self * count`, for a tick size times a number of ticks; `None` on overflow.
    #[must_use]
    pub const fn checked_mul(self, count: i64) -> Option<Self> {
        match self.0.checked_mul(count) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Price x quantity x multiplier, exact in 1e-17; `None` on overflow of `i128`.
    #[must_use]
    pub const fn notional(self, qty: Qty, multiplier: i64) -> Option<Notional> {
        match (self.0 as i128).checked_mul(qty.0 as i128) {
            Some(value) => match value.checked_mul(multiplier as i128) {
                Some(value) => Some(Notional(value)),
                None => None,
            },
            None => None,
        }
    }

    /// Whether the price is a whole number of ticks. False for a tick of zero or less.
    #[must_use]
    pub const fn is_on_tick(self, tick: Self) -> bool {
        tick.0 > 0 && self.0.rem_euclid(tick.0) == 0
    }

    /// The largest multiple of `tick` at or below the price; `None` for a tick of zero or less or
    /// overflow.
    #[must_use]
    pub const fn floor_to_tick(self, tick: Self) -> Option<Self> {
        if tick.0 <= 0 {
            return None;
        }
        match self.0.checked_sub(self.0.rem_euclid(tick.0)) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The smallest multiple of `tick` at or above the price; `None` for a tick of zero or less or
    /// overflow.
    #[must_use]
    pub const fn ceil_to_tick(self, tick: Self) -> Option<Self> {
        match self.floor_to_tick(tick) {
            Some(floor) if floor.0 == self.0 => Some(floor),
            Some(floor) => floor.checked_add(tick),
            None => None,
        }
    }
}

impl Qty {
    /// Units per 1 share, contract or coin.
    pub const SCALE: i64 = 100_000_000;
    /// None at all.
    pub const ZERO: Self = Self(0);

    /// From a whole number of shares. Exact for every `u32`.
    #[must_use]
    pub const fn from_shares(shares: u32) -> Self {
        Self(shares as i64 * Self::SCALE)
    }

    /// To a whole number of shares; `None` when negative, fractional or out of `u32`.
    #[must_use]
    pub const fn to_shares(self) -> Option<u32> {
        if self.0 < 0 || self.0 % Self::SCALE != 0 {
            return None;
        }
        let shares = self.0 / Self::SCALE;
        if shares > u32::MAX as i64 { None } else { Some(shares as u32) }
    }

    /// `self + other`, `None` on overflow.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// `self - other`, `None` on overflow.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Whether the quantity is a whole number of lots. False for a lot of zero or less.
    #[must_use]
    pub const fn is_on_lot(self, lot: Self) -> bool {
        lot.0 > 0 && self.0 % lot.0 == 0
    }
}

impl Notional {
    /// Units per 1 of the currency.
    pub const SCALE: i128 = 100_000_000_000_000_000;
    /// No money.
    pub const ZERO: Self = Self(0);

    /// `self + other`, `None` on overflow.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// `self - other`, `None` on overflow.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }
}

impl Nanos {
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);
    /// One millisecond.
    pub const MILLI: Self = Self(1_000_000);

    /// The span from `earlier` to `self`, zero when `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// A stamp as whole nanoseconds after `origin`, saturating at both ends of `u32` (4.29 s).
    #[must_use]
    pub const fn after(self, origin: Self) -> u32 {
        let span = self.0.saturating_sub(origin.0);
        if span > u32::MAX as u64 { u32::MAX } else { span as u32 }
    }
}

/// Parses or prints a scaled integer as a decimal, the form used at every edge that people read.
/// Cold: never called on a hot thread.
pub mod decimal {
    use super::{Notional, Price, Qty};
    use core::fmt;

    /// Why a text is not a decimal of the wanted scale.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DecimalError {
        /// Empty, or a character other than digits, one sign and one point.
        Syntax,
        /// More decimals than the scale holds.
        TooFine,
        /// Outside the range of the integer.
        Range,
    }

    impl fmt::Display for DecimalError {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str(match self {
                Self::Syntax => "not a decimal number",
                Self::TooFine => "more decimals than the scale holds",
                Self::Range => "out of range",
            })
        }
    }

    impl core::error::Error for DecimalError {}

    /// Parses a decimal text to an integer of `decimals` implied decimals (at most 18).
    ///
    /// # Errors
    /// [`DecimalError`] names the fault; the caller shows it with the key or column it came from.
    pub fn parse_scaled(text: &str, decimals: u32) -> Result<i128, DecimalError> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let mut value: i128 = 0;
        let mut decimals_seen: Option<u32> = None;
        let mut digits_seen = false;
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    digits_seen = true;
                    if let Some(seen) = decimals_seen.as_mut() {
                        if *seen == decimals {
                            if byte == b'0' {
                                continue;
                            }
                            return Err(DecimalError::TooFine);
                        }
                        *seen += 1;
                    }
                    value = value
                        .checked_mul(10)
                        .and_then(|value| value.checked_add(i128::from(byte - b'0')))
                        .ok_or(DecimalError::Range)?;
                }
                b'.' if decimals_seen.is_none() => decimals_seen = Some(0),
                _ => return Err(DecimalError::Syntax),
            }
        }
        if !digits_seen {
            return Err(DecimalError::Syntax);
        }
        for _ in decimals_seen.unwrap_or(0)..decimals {
            value = value.checked_mul(10).ok_or(DecimalError::Range)?;
        }
        Ok(if negative { -value } else { value })
    }

    fn narrow(value: i128) -> Result<i64, DecimalError> {
        i64::try_from(value).map_err(|_| DecimalError::Range)
    }

    impl core::str::FromStr for Price {
        type Err = DecimalError;
        fn from_str(text: &str) -> Result<Self, DecimalError> {
            parse_scaled(text, 9).and_then(narrow).map(Self)
        }
    }

    impl core::str::FromStr for Qty {
        type Err = DecimalError;
        fn from_str(text: &str) -> Result<Self, DecimalError> {
            parse_scaled(text, 8).and_then(narrow).map(Self)
        }
    }

    impl core::str::FromStr for Notional {
        type Err = DecimalError;
        fn from_str(text: &str) -> Result<Self, DecimalError> {
            parse_scaled(text, 17).map(Self)
        }
    }

    /// Writes `value` with `decimals` implied decimals, trailing zeros dropped down to `keep`
    /// decimals.
    fn write_scaled(
        out: &mut fmt::Formatter<'_>,
        value: i128,
        decimals: u32,
        keep: u32,
    ) -> fmt::Result {
        let unit = 10_u128.pow(decimals);
        let magnitude = value.unsigned_abs();
        let sign = if value < 0 { "-" } else { "" };
        let mut fraction = magnitude % unit;
        let mut places = decimals;
        while places > keep && fraction.is_multiple_of(10) {
            fraction /= 10;
            places -= 1;
        }
        write!(out, "{sign}{}", magnitude / unit)?;
        if places > 0 {
            write!(out, ".{fraction:0width$}", width = places as usize)?;
        }
        Ok(())
    }

    impl fmt::Display for Price {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.is_none() {
                return out.write_str("-");
            }
            write_scaled(out, i128::from(self.0), 9, 2)
        }
    }

    impl fmt::Display for Qty {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_scaled(out, i128::from(self.0), 8, 0)
        }
    }

    impl fmt::Display for Notional {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_scaled(out, self.0, 17, 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decimal::{DecimalError, parse_scaled};
    use super::*;

    /// Goal: a decimal survives text and back at every scale. Method: random integers, print,
    /// parse.
    #[test]
    fn printed_decimals_parse_back() {
        proptest::proptest!(|(raw in (i64::MIN + 1)..i64::MAX)| {
            proptest::prop_assert_eq!(Price(raw).to_string().parse(), Ok(Price(raw)));
            proptest::prop_assert_eq!(Qty(raw).to_string().parse(), Ok(Qty(raw)));
            let money = Notional(i128::from(raw) * 1_000_003);
            proptest::prop_assert_eq!(money.to_string().parse(), Ok(money));
        });
    }

    /// Goal: what is not a decimal is refused by name. Method: one text per fault.
    #[test]
    fn bad_decimals_are_refused_by_name() {
        for text in ["", "-", ".", "1.2.3", "1e5", " 1", "0x1"] {
            assert_eq!(parse_scaled(text, 9), Err(DecimalError::Syntax), "{text:?}");
        }
        assert_eq!(parse_scaled("0.0000000001", 9), Err(DecimalError::TooFine));
        assert_eq!(parse_scaled("0.1000000000", 9), Ok(100_000_000));
        assert_eq!("9223372036.854775808".parse::<Price>(), Err(DecimalError::Range));
        assert_eq!("9223372036.854775807".parse::<Price>(), Ok(Price(i64::MAX)));
    }

    /// Goal: venue scales are exact both ways and refuse what they cannot hold.
    #[test]
    fn venue_scales_are_exact_or_refused() {
        assert_eq!(Price::from_price4(873_900).to_string(), "87.39");
        assert_eq!(Price::from_price4(u32::MAX).to_price4(), Some(u32::MAX));
        assert_eq!(Price(1).to_price4(), None);
        assert_eq!(Price(-100_000).to_price4(), None);
        assert_eq!(Price::NONE.to_price4(), None);
        assert_eq!(Qty::from_shares(u32::MAX).to_shares(), Some(u32::MAX));
        assert_eq!(Qty(1).to_shares(), None);
    }

    /// Goal: overflow is a named absence at the very edge and nowhere before it.
    #[test]
    fn overflow_is_none_at_the_edge() {
        assert_eq!(Price(i64::MAX).checked_add(Price(1)), None);
        assert_eq!(Price(i64::MAX - 1).checked_add(Price(1)), Some(Price(i64::MAX)));
        assert_eq!(Price(i64::MIN + 1).floor_to_tick(Price(10)), None);
        assert_eq!(Price(-5).floor_to_tick(Price(10)), Some(Price(-10)));
        assert_eq!(Price(-5).ceil_to_tick(Price(10)), Some(Price(0)));
        assert_eq!(Price(5).ceil_to_tick(Price(0)), None);
        let most = Price(i64::MAX).notional(Qty(i64::MAX), 1);
        assert_eq!(most, Some(Notional(i128::from(i64::MAX) * i128::from(i64::MAX))));
        assert_eq!(Price(i64::MAX).notional(Qty(i64::MAX), 4), None);
        assert_eq!(Nanos(5).after(Nanos(9)), 0);
        assert_eq!(Nanos(u64::MAX).after(Nanos(0)), u32::MAX);
    }
}
