//! Positions and money: per strategy and instrument, exact in integers, with sums per account and
//! for the firm. Written by the risk stage alone, from the fills of its order table.
#![forbid(unsafe_code)]

pub mod fees;
pub mod holding;
pub mod ledger;
pub mod lots;

#[cfg(test)]
mod tests;

pub use fees::{FeeRates, Liquidity};
pub use holding::{Fill, Holding};
pub use ledger::{COST_UNKNOWN, CostBasis, Ledger, Total};
pub use lots::{Lot, Lots};
