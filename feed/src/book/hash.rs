//! One number for the visible book, so that two builders of it can compare.
#![forbid(unsafe_code)]

use shm::units::{Price, Qty};

/// Levels of each side that the hash covers.
pub const HASH_LEVELS: usize = 10;

/// FNV-1a (64 bits) over the ten best levels: for level 0 to 9, bid price, bid quantity, ask price,
/// ask quantity, each an `i64` in our units ([`Price`] 1e-9, [`Qty`] 1e-8), little endian, 32 bytes
/// a level, 320 in all. An absent level is [`Price::NONE`] (`i64::MIN`) and 0. Offset basis
/// 0xCBF29CE484222325, prime 0x100000001B3.
///
/// The venue's side of a comparison computes the same over its own book: this function is its
/// definition.
#[must_use]
pub fn hash_levels(
    bids: impl Iterator<Item = (Price, Qty)>,
    asks: impl Iterator<Item = (Price, Qty)>,
) -> u64 {
    const ABSENT: (Price, Qty) = (Price::NONE, Qty::ZERO);
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut take = |value: i64| {
        for byte in value.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    };
    let (mut bids, mut asks) = (bids.fuse(), asks.fuse());
    for _ in 0..HASH_LEVELS {
        let (bid_px, bid_qty) = bids.next().unwrap_or(ABSENT);
        let (ask_px, ask_qty) = asks.next().unwrap_or(ABSENT);
        take(bid_px.0);
        take(bid_qty.0);
        take(ask_px.0);
        take(ask_qty.0);
    }
    hash
}
