//! What can happen to one order, and what of it deserves attention.

use shm::ids::{ClOrdId, VenueOrdId};
use shm::units::{Price, Qty};

/// What happened to one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The venue has it, at these terms.
    Accepted {
        /// Of this id.
        id: ClOrdId,
        /// Accepted price.
        px: Price,
        /// Accepted quantity.
        qty: Qty,
        /// The venue's number.
        venue_ord_id: VenueOrdId,
        /// Sequence of the report.
        seq: u32,
        /// Accepted and at once dead.
        dead: bool,
    },
    /// The replace is in force.
    Replaced {
        /// The new id.
        id: ClOrdId,
        /// Price in force.
        px: Price,
        /// Quantity left exposed.
        exposed: Qty,
        /// The venue's number.
        venue_ord_id: VenueOrdId,
        /// Sequence of the report.
        seq: u32,
        /// Replaced and at once dead.
        dead: bool,
    },
    /// A fill not seen before.
    Fill {
        /// How much.
        qty: Qty,
        /// Its undoing came first.
        busted: bool,
    },
    /// A fill that stood is undone.
    Bust {
        /// How much.
        qty: Qty,
    },
    /// A cancel not seen before.
    Canceled {
        /// Under which id.
        id: ClOrdId,
        /// How much less works.
        qty: Qty,
    },
    /// The venue refused the id.
    Rejected {
        /// Which.
        id: ClOrdId,
    },
    /// The gateway did not send the id. Never said of a cancel.
    NeverSent {
        /// Which.
        id: ClOrdId,
    },
    /// The send of the id failed half way.
    SendFailed {
        /// Which.
        id: ClOrdId,
    },
    /// The session is gone.
    SessionLost,
    /// We asked to cancel.
    AskCancel,
    /// We asked to replace.
    AskReplace {
        /// The new id.
        id: ClOrdId,
        /// New price.
        px: Price,
        /// New quantity of the whole chain.
        qty: Qty,
    },
    /// The venue will not cancel.
    CancelRejected,
    /// The venue will cancel later.
    CancelPending,
    /// The venue changed the price.
    Restated {
        /// Of which id.
        id: ClOrdId,
        /// New price, or none.
        px: Price,
        /// The venue's number, or 0.
        venue_ord_id: VenueOrdId,
        /// Sequence of the report.
        seq: u32,
    },
}

/// What of an event deserves attention. They depend on the order in which reports came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs(pub u8);

impl Signs {
    /// A fill after the order's end.
    pub const LATE: Self = Self(1);
    /// More was filled than asked (E8).
    pub const OVERFILL: Self = Self(1 << 1);
    /// The reports contradict each other (E4 after an end, E5 with a fill).
    pub const PROTOCOL: Self = Self(1 << 2);
    /// An execution came twice with other content (E7).
    pub const CONFLICT: Self = Self(1 << 3);
    /// An execution was undone that is not known (E9).
    pub const UNKNOWN_EXEC: Self = Self(1 << 4);
    /// A report that was counted before.
    pub const REPEAT: Self = Self(1 << 5);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
