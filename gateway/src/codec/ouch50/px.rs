//! Prices on the wire: 8 bytes, 4 implied decimals.

use core::fmt;
use shm::units::Price;
use zerocopy::byteorder::big_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A price in ten-thousandths, big-endian.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(transparent)]
pub struct WirePx(pub U64);

impl WirePx {
    /// Greatest limit price: 199,999.9900.
    pub const MAX: Self = Self(U64::new(0x7735_939C));
    /// A market order in a cross. 200,000.0000 is taken for one as well.
    pub const MARKET: Self = Self(U64::new(0x7FFF_FFFF));
    const PRICE_UNITS: i64 = Price::SCALE / 10_000;

    /// A limit price; `None` when negative, finer than a ten-thousandth, or above [`WirePx::MAX`].
    #[must_use]
    pub const fn from_price(px: Price) -> Option<Self> {
        match px.to_price4() {
            Some(raw) if raw <= 0x7735_939C => Some(Self(U64::new(raw as u64))),
            _ => None,
        }
    }

    /// The price, exact; `None` when it does not fit `Price` (no venue price does that).
    #[must_use]
    pub fn to_price(self) -> Option<Price> {
        i64::try_from(self.0.get()).ok()?.checked_mul(Self::PRICE_UNITS).map(Price)
    }
}

impl fmt::Debug for WirePx {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:04}", self.0.get() / 10_000, self.0.get() % 10_000)
    }
}
