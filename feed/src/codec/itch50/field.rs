//! Field types of the wire: 48-bit times, implied decimals.
#![forbid(unsafe_code)]

use shm::units::Price;
use zerocopy::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The largest timestamp the wire can hold, in nanoseconds since midnight.
pub const TIMESTAMP_MAX: u64 = (1 << 48) - 1;

/// An unsigned 48-bit integer, big-endian: nanoseconds since midnight, US Eastern.
///
/// # Layout
/// 6 bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(transparent)]
pub struct U48([u8; 6]);

impl U48 {
    /// The low 48 bits of `value`.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// The value, in `0..=TIMESTAMP_MAX`.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

/// A price with 4 implied decimals.
///
/// # Layout
/// 4 bytes, big-endian. The venue's largest is 200 000.0000; every `u32` is decoded.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(transparent)]
pub struct Price4(U32);

impl Price4 {
    /// From ten-thousandths.
    #[must_use]
    pub const fn new(raw: u32) -> Self {
        Self(U32::new(raw))
    }

    /// From a [`Price`]; `None` when it is negative, absent, too large or finer than a
    /// ten-thousandth.
    #[must_use]
    pub const fn from_price(px: Price) -> Option<Self> {
        match px.to_price4() {
            Some(raw) => Some(Self::new(raw)),
            None => None,
        }
    }

    /// In ten-thousandths.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// In our units; exact for every value.
    #[must_use]
    #[inline]
    pub const fn price(self) -> Price {
        Price::from_price4(self.0.get())
    }
}

/// A price with 8 implied decimals (only in `V`).
///
/// # Layout
/// 8 bytes, big-endian.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(transparent)]
pub struct Price8(U64);

impl Price8 {
    /// From hundred-millionths.
    #[must_use]
    pub const fn new(raw: u64) -> Self {
        Self(U64::new(raw))
    }

    /// In hundred-millionths.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// In our units; `None` when the value does not fit.
    #[must_use]
    pub fn price(self) -> Option<Price> {
        i64::try_from(self.0.get()).ok()?.checked_mul(10).map(Price)
    }
}
