//! Fees and rebates of a fill, by the venue's liquidity code.

use shm::units::{Notional, Price, Qty};

/// Which way a fill counts for fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liquidity {
    /// It rested: a rebate.
    Added,
    /// It took, or the code is not known to rest: a fee.
    Removed,
}

impl Liquidity {
    /// The class of an OUCH liquidity code. What is not known to have rested pays, so that the cost
    /// is never shown too low.
    ///
    /// Source: OUCH 5.0, appendix of liquidity flags: `A` added, `J` hidden added, `k` midpoint
    /// added,
    /// `u` reserve added, `N` passive midpoint, `7` and `8` added and set the NBBO or QBBO.
    #[must_use]
    pub const fn of(code: u8) -> Self {
        match code {
            b'A' | b'J' | b'k' | b'u' | b'N' | b'7' | b'8' => Self::Added,
            _ => Self::Removed,
        }
    }
}

/// Rates of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeRates {
    /// Paid per share, 0 or more, of a fill that took liquidity.
    pub fee: Price,
    /// Received per share, 0 or more, for a fill that gave liquidity.
    pub rebate: Price,
}

impl FeeRates {
    /// What a fill costs: positive a fee, negative a rebate. Exact: 1e-9 a share times 1e-8 shares
    /// is 1e-17.
    #[must_use]
    pub const fn cost(self, qty: Qty, liquidity: u8) -> Notional {
        let rate = match Liquidity::of(liquidity) {
            Liquidity::Added => -(self.rebate.0 as i128),
            Liquidity::Removed => self.fee.0 as i128,
        };
        // At most 2^63 * 2^63.
        Notional(rate * qty.0 as i128)
    }
}
