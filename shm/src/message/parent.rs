//! Parent orders: what a strategy asks for that works through child orders of its own. Two slots,
//! [`ParentPrices`] then [`ParentIntent`]; risk answers with [`ParentUpdate`].

use super::{Body, Kind, Message, Tail};
use crate::ids::{ClOrdId, InstrumentId};
use crate::reason::byte_enum;
use crate::units::{Nanos, Price, Qty};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

byte_enum! {
    /// Type of a parent.
    ParentKind {
        /// A market order once a price is touched.
        Stop = 1, "STOP";
        /// A limit order once a price is touched.
        StopLimit = 2, "STOP_LIMIT";
        /// A stop whose price follows the market, one way only.
        Trailing = 3, "TRAILING";
        /// Two orders of which one is wanted.
        Oco = 4, "OCO";
        /// An entry, and two exits of which one is wanted, for what the entry has filled.
        Bracket = 5, "BRACKET";
        /// A limit order that shows a part of itself.
        Iceberg = 6, "ICEBERG";
        /// A quantity in slices over a time.
        Twap = 7, "TWAP";
    }
}

byte_enum! {
    /// What risk says of a parent.
    ParentStatus {
        /// It may have children.
        Approved = 1, "APPROVED";
        /// It may have no more.
        Ended = 2, "ENDED";
    }
}

/// Flags of a parent.
pub mod parent_flags {
    /// Triggers look at the last trade; without it at the quote they would meet.
    pub const LAST_TRADE: u8 = 1;
    /// The offset of a trailing stop is in 1e-4 of the price; without it in ticks.
    pub const OFFSET_BPS: u8 = 1 << 1;
    /// The legs of an OCO share one quantity: the second works once the first is confirmed
    /// cancelled.
    pub const SHARED: u8 = 1 << 2;
    /// The venue itself keeps the part that is not shown.
    pub const VENUE_RESERVE: u8 = 1 << 3;
    /// Of a record: risk ended it, with all orders of its scope.
    pub const SWEPT: u8 = 1 << 7;
}

body! {
    /// Prices of the parent that follows.
    ParentPrices [IntentParentPrices] {
        /// [`Kind::IntentParentPrices`].
        kind: u8,
        /// [`super::Side`] of the second leg of an OCO, else 0.
        side_other: u8,
        /// [`parent_flags`].
        flags: u8,
        /// Zero.
        _reserved: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// Limit price by leg; [`Price::NONE`] at any price, or no such leg.
        px: [Price; 3],
        /// Prices at which legs wake up; [`Price::NONE`] for those that need none.
        stop_px: [Price; 2],
        /// Quantity shown of an iceberg, most of one slice of a TWAP; 0 for no bound.
        clip_qty: Qty,
    }
}

body! {
    /// A parent.
    ParentIntent [IntentParent] {
        /// [`Kind::IntentParent`].
        kind: u8,
        /// [`ParentKind`].
        parent: u8,
        /// [`super::Side`] of the first leg.
        side: u8,
        /// Zero.
        _reserved: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// Its id, of the strategy's range.
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
        /// Arrival of the bytes that caused it.
        t0: Nanos,
    }
}

body! {
    /// What risk says of a parent, to the strategy that asked for it.
    ParentUpdate [ParentUpdate] {
        /// [`Kind::ParentUpdate`].
        kind: u8,
        /// [`ParentStatus`].
        status: u8,
        /// [`crate::reason::Reason`] of an end.
        reason: u8,
        /// Zero.
        _reserved: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// The parent.
        cl_ord_id: ClOrdId,
        /// Filled by its children, by leg.
        filled: [Qty; 3],
        /// When risk had decided.
        t0: Nanos,
        /// Zero.
        _reserved_words: u64,
    }
}
