//! The side of an order.
#![forbid(unsafe_code)]

/// The side of an order: a buy rests among the bids, a sell among the asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Buy.
    Buy = 1,
    /// Sell.
    Sell = 2,
}
