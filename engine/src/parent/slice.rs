//! The orders of one slice of a TWAP. A slice has one; one that risk refuses is tried again a few
//! times, of half the quantity where it was refused for its size, and then what is due goes out in
//! parts of that size; what a slice did not get, later ones catch up.

use shm::reason::Reason;
use shm::units::Qty;

/// Tries of one slice after a refusal.
const TRIES_MAX: u8 = 3;
/// Orders of one slice beyond the first, where a bound on each cuts what is due into parts.
const PARTS_MAX: u8 = 32;

/// Where a TWAP stands within its slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Tries of this slice after a refusal.
    tries: u8,
    /// Parts of this slice beyond the first.
    parts: u8,
    /// Which slice.
    step: u32,
    /// Most of one order since one was refused for its size, 0 for no bound.
    most: i64,
    /// Quantity of the last order.
    asked: i64,
    /// Why risk refused the last order, if it did.
    refused: Option<Reason>,
}

impl Slice {
    /// Most of one order now.
    #[must_use]
    pub const fn bound(&self) -> i64 {
        if self.most > 0 { self.most } else { i64::MAX }
    }

    /// Why the last order was refused by risk, if it was.
    #[must_use]
    pub const fn refused(&self) -> Option<Reason> {
        self.refused
    }

    /// An order was asked for in a slice.
    pub const fn ask(&mut self, step: u32, qty: i64) {
        if self.step != step {
            (self.step, self.tries, self.parts) = (step, 0, 0);
            // What was too much may pass by now.
            self.most = self.most.saturating_mul(2);
        }
        self.asked = qty;
        self.refused = None;
    }

    /// Risk has refused it. Whether the slice may have another.
    pub fn refuse(&mut self, reason: Reason, lot: Qty) -> bool {
        self.refused = Some(reason);
        if is_of_size(reason) {
            let lot = lot.0.max(1);
            self.most = (self.asked / 2 / lot * lot).max(lot);
        }
        let may = self.tries < TRIES_MAX;
        self.tries += u8::from(may);
        may
    }

    /// It was filled whole. Whether the slice may have another, since a bound cut it short.
    pub fn fill(&mut self) -> bool {
        let may = self.most > 0 && self.parts < PARTS_MAX;
        self.parts += u8::from(may);
        may
    }
}

/// Whether a smaller order may pass where this one was refused.
const fn is_of_size(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::OrderQty
            | Reason::OrderValue
            | Reason::VolumeShare
            | Reason::Position
            | Reason::OpenOrders
            | Reason::Gross
            | Reason::Net
            | Reason::Funds
            | Reason::Daily
            | Reason::Loss
            | Reason::ReduceOnly
    )
}
