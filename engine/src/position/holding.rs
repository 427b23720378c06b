//! The position of one strategy in one instrument.
//!
//! It keeps the total cost of what is open, not an average: a reduction by `q` of `pos` releases
//! `cost * q / pos` and leaves the rest, so that `realised = cash + cost` holds to the last unit
//! and realised + unrealised is `cash + pos x mark` whatever the path.

use shm::message::Side;
use shm::units::{Notional, Price, Qty};

/// A fill as a position sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Bought or sold.
    pub side: Side,
    /// At this price.
    pub px: Price,
    /// How much, 0 or more.
    pub qty: Qty,
    /// Of the instrument.
    pub multiplier: i64,
}

impl Fill {
    /// Quantity, positive for a buy.
    #[must_use]
    pub const fn signed_qty(&self) -> i64 {
        self.qty.0.saturating_mul(self.side.sign())
    }

    /// The fill that takes this one back: of the other side, at the same price.
    #[must_use]
    pub const fn opposite(&self) -> Self {
        Self { side: self.side.opposite(), ..*self }
    }

    /// Price x signed quantity x multiplier: what the position cost, were it only this fill.
    pub(super) const fn signed_value(&self) -> Option<i128> {
        match self.px.notional(Qty(self.signed_qty()), self.multiplier) {
            Some(value) => Some(value.0),
            None => None,
        }
    }
}

/// Position and money. The money's identity: `realised = cash + cost`, where cash is minus the sum
/// of price x signed quantity of all fills. Fees are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Signed position.
    pub qty: Qty,
    /// Total cost of the open position: positive for a long one, 0 when flat.
    pub cost: i128,
    /// Realised profit of the session, before fees.
    pub realised: i128,
    /// Fees less rebates of the session.
    pub fees: i128,
    /// Fills whose arithmetic left the integers: the figures are not to be trusted. Always 0 with
    /// prices and quantities that a venue can name.
    pub overflows: u32,
}

impl Holding {
    /// Whether nothing was ever held here.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }

    /// Takes a fill and its fee; returns what it did to the cost, for [`Holding::undo`]. A
    /// reduction releases its share of the cost.
    pub fn apply(&mut self, fill: &Fill, fee: Notional) -> i128 {
        let (cost, old) = (self.cost, self.qty.0.unsigned_abs());
        self.apply_releasing(fill, fee, |qty| share(cost, qty, old))
    }

    /// The same, where a reduction by a quantity releases what `release` says.
    pub fn apply_releasing(
        &mut self,
        fill: &Fill,
        fee: Notional,
        release: impl FnOnce(u64) -> i128,
    ) -> i128 {
        let before = *self;
        match self.try_apply(fill, fee, release) {
            Some(cost) => cost,
            None => {
                *self = before;
                self.qty = Qty(self.qty.0.saturating_add(fill.signed_qty()));
                self.overflows = self.overflows.saturating_add(1);
                0
            }
        }
    }

    fn try_apply(
        &mut self,
        fill: &Fill,
        fee: Notional,
        release: impl FnOnce(u64) -> i128,
    ) -> Option<i128> {
        let signed = fill.signed_qty();
        let value = fill.signed_value()?;
        let old = self.qty.0;
        let new = old.checked_add(signed)?;
        let cost = if old == 0 || (old > 0) == (signed > 0) {
            self.cost.checked_add(value)?
        } else if new == 0 || (new > 0) == (old > 0) {
            self.cost.checked_sub(release(signed.unsigned_abs()))?
        } else {
            // Through zero: the old cost goes whole, the rest opens at the price of the fill.
            fill.px.notional(Qty(new), fill.multiplier)?.0
        };
        let change = cost.checked_sub(self.cost)?;
        self.realised = self.realised.checked_add(change.checked_sub(value)?)?;
        self.fees = self.fees.checked_add(fee.0)?;
        (self.qty, self.cost) = (Qty(new), cost);
        Some(change)
    }

    /// Takes a fill back (E9): its quantity, its cash, its fee, and the change of cost that
    /// [`Holding::apply`] returned. Right after the fill this restores the holding to the last
    /// unit; later it keeps the identity, and a flat position keeps no cost.
    pub fn undo(&mut self, fill: &Fill, fee: Notional, change: i128) {
        let before = *self;
        if self.try_undo(fill, fee, change).is_none() {
            *self = before;
            self.qty = Qty(self.qty.0.saturating_sub(fill.signed_qty()));
            self.overflows = self.overflows.saturating_add(1);
        }
    }

    fn try_undo(&mut self, fill: &Fill, fee: Notional, change: i128) -> Option<()> {
        let value = fill.signed_value()?;
        self.qty = Qty(self.qty.0.checked_sub(fill.signed_qty())?);
        self.cost = self.cost.checked_sub(change)?;
        self.realised = self.realised.checked_sub(change.checked_sub(value)?)?;
        self.fees = self.fees.checked_sub(fee.0)?;
        if self.qty.0 == 0 {
            self.realised = self.realised.checked_sub(self.cost)?;
            self.cost = 0;
        }
        Some(())
    }

    /// Profit not yet realised, were the position closed at `mark`; `None` on overflow.
    #[must_use]
    pub fn unrealised(&self, mark: Price, multiplier: i64) -> Option<Notional> {
        let value = mark.notional(self.qty, multiplier)?;
        value.checked_sub(Notional(self.cost))
    }
}

/// `cost * part / whole` toward zero, `part <= whole`, without leaving `i128`.
pub(super) fn share(cost: i128, part: u64, whole: u64) -> i128 {
    let (part, whole) = (i128::from(part), i128::from(whole.max(1)));
    (cost / whole) * part + (cost % whole) * part / whole
}
