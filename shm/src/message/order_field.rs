//! Orders by hand: an order has more terms than a command has room for, so that it is given term by
//! term and then placed.

use crate::reason::byte_enum;

byte_enum! {
    /// A term of an order given by hand: `param` of `CommandOp::OrderTerm`; its value in the units
    /// of messages.
    OrderField {
        /// [`super::ParentKind`], 0 for an order without one.
        Parent = 1, "parent";
        /// [`super::Side`].
        Side = 2, "side";
        /// [`super::Side`] of the second leg of an OCO.
        SideOther = 3, "side_other";
        /// Quantity.
        Qty = 4, "qty";
        /// Limit price, or that of the first leg.
        Px = 5, "px";
        /// Limit price of the second leg; the profit of a bracket.
        Px1 = 6, "px_1";
        /// Limit price of the third leg: of the stop of a bracket.
        Px2 = 7, "px_2";
        /// Price that wakes the first leg; the stop of a bracket.
        StopPx = 8, "stop_px";
        /// Price that wakes the second leg of an OCO.
        StopPx1 = 9, "stop_px_1";
        /// Quantity shown; most of one slice.
        ClipQty = 10, "clip_qty";
        /// Offset of a trailing stop.
        Offset = 11, "offset";
        /// [`super::parent_flags`].
        Flags = 12, "flags";
        /// Time from now to the begin of a TWAP, ns.
        StartIn = 13, "start_in";
        /// Time from now to the end of a TWAP, ns.
        EndIn = 14, "end_in";
        /// Slices of a TWAP.
        Slices = 15, "slices";
        /// [`super::Tif`].
        Tif = 16, "tif";
        /// [`super::OrdType`].
        OrdType = 17, "ord_type";
        /// Time from now to the expiry of an order, ns; 0 for none.
        ExpiryIn = 18, "expiry_in";
        /// 1: not shown.
        Hidden = 19, "hidden";
        /// Which order a cancel or replace is for, by its id; without it by its number.
        Id = 20, "id";
    }
}

impl OrderField {
    /// How many there are.
    pub const COUNT: usize = 20;
}

const _: () = assert!(OrderField::ALL.len() == OrderField::COUNT);
