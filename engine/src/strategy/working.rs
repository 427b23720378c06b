//! A strategy's own view of one order slot it works: nothing, on its way, live, or being cancelled.

use shm::ids::ClOrdId;
use shm::message::{OrderUpdate, Side};
use shm::record::order::Base;
use shm::units::{Price, Qty};

/// One order that a strategy keeps at a place of its own (its bid in an instrument, say).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Working {
    /// The newest id of the chain; [`ClOrdId::NONE`] when there is no order.
    pub(super) id: ClOrdId,
    /// Price last asked for.
    pub(super) px: Price,
    /// Whole quantity last asked for.
    pub(super) qty: Qty,
    /// Filled so far.
    pub(super) cum_qty: Qty,
    /// The venue has confirmed it.
    pub(super) live: bool,
    /// A replace or cancel is on its way: ask nothing more.
    pub(super) busy: bool,
}

impl Working {
    /// Whether there is no order at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.id.0 == 0
    }

    /// Whether the order may be replaced or cancelled now.
    pub(super) const fn is_ready(&self) -> bool {
        self.id.0 != 0 && self.live && !self.busy
    }

    /// Whether an id belongs to this order's chain.
    pub(super) const fn is_of(&self, id: ClOrdId) -> bool {
        self.id.0 != 0 && self.id.epoch() == id.epoch() && self.id.slot() == id.slot()
    }

    /// Takes an update of this order; the signed quantity newly filled.
    pub(super) fn apply(&mut self, update: &OrderUpdate, side: Side) -> Qty {
        let filled = update.cum_qty.0.saturating_sub(self.cum_qty.0).max(0);
        self.cum_qty = Qty(self.cum_qty.0.max(update.cum_qty.0));
        let signed = Qty(filled.saturating_mul(side.sign()));
        match Base::from_u8(update.base) {
            Some(base) if base.is_terminal() => *self = Self::default(),
            Some(Base::New | Base::PartiallyFilled) => {
                self.live = true;
                self.busy = update.flags
                    & (shm::message::pending::CANCEL | shm::message::pending::REPLACE)
                    != 0;
                if !self.busy {
                    self.id = update.cl_ord_id;
                }
            }
            Some(_) | None => {}
        }
        signed
    }
}
