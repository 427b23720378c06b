//! Parent orders: what risk took them for and what their children have of it, and what their
//! strategy stage has latched. Enough to go on with them after a restart.

use super::record;
use crate::ids::{ClOrdId, InstrumentId};
use crate::units::{Nanos, Price, Qty};

record! {
    /// A parent as risk holds it, when it was taken, when it ended, or carried over.
    ///
    /// # Layout
    /// 160 bytes.
    Parent: 160 {
        /// The parent.
        cl_ord_id: ClOrdId,
        /// Quantity of a leg.
        qty: Qty,
        /// When a TWAP begins, engine ns.
        start: Nanos,
        /// When a TWAP is done, engine ns.
        end: Nanos,
        /// Slices of a TWAP.
        slices: u32,
        /// Offset of a trailing stop, in ticks or 1e-4.
        offset: u32,
        /// Arrival of the event that caused it.
        t0: Nanos,
        /// Limit price by leg; [`Price::NONE`] at any price, or no such leg.
        px: [Price; 3],
        /// Prices at which legs wake up; [`Price::NONE`] for those that need none.
        stop_px: [Price; 2],
        /// Quantity shown of an iceberg, most of one slice of a TWAP; 0 for no bound.
        clip_qty: Qty,
        /// By leg: what its children have filled, may still fill, or filled and had undone (R47).
        /// Carried over: without the children that work, whose own records add theirs.
        used: [Qty; 3],
        /// By leg: what its children have filled. Carried over: as `used`.
        filled: [Qty; 3],
        /// Which instrument.
        instrument: InstrumentId,
        /// Account.
        account: u16,
        /// Index of the gateway.
        gateway: u8,
        /// [`crate::message::ParentKind`].
        parent: u8,
        /// [`crate::message::Side`] of the first leg.
        side: u8,
        /// [`crate::message::Side`] of the second leg of an OCO, else 0.
        side_other: u8,
        /// [`crate::message::parent_flags`].
        flags: u8,
        /// [`crate::reason::Reason`] of an end.
        reason: u8,
        /// Version of the limit set.
        limit_version: u32,
    }
}

record! {
    /// What a parent has latched: written before the child that follows from it.
    ///
    /// # Layout
    /// 32 bytes.
    ParentState: 32 {
        /// The parent.
        cl_ord_id: ClOrdId,
        /// Best price that a trailing stop has seen, [`Price::NONE`] before the first.
        anchor: Price,
        /// Slices of a TWAP that have begun.
        step: u32,
        /// Latches of the strategy stage.
        latches: u8,
        /// Zero.
        _reserved: [u8; 3],
        /// Zero.
        _reserved_word: u64,
    }
}
