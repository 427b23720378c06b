//! What can happen to one order, and what of it deserves attention.

use shm::ids::{ClOrdId, VenueOrdId};
use shm::message::CancelRefusal;
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
    /// Fills came, were corrected or undone: what changed in all.
    Filled {
        /// Under which id: that of a replace says that the replace is in force.
        id: ClOrdId,
        /// Change of the quantity that stands.
        cum: i64,
        /// Change of the quantity that was undone and does not work again.
        undone: i64,
        /// Sequence of the report; 0 for one that a status implies.
        seq: u32,
    },
    /// A cancel not seen before.
    Canceled {
        /// Under which id.
        id: ClOrdId,
        /// How much less works.
        qty: Qty,
        /// Sequence of the report.
        seq: u32,
    },
    /// Nothing of the order works any more, whatever was left of it.
    Ended {
        /// By its time in force, not by a cancel.
        expired: bool,
        /// Sequence of the report.
        seq: u32,
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
    /// It is proven that the venue never had the id (C6).
    Absent {
        /// Which.
        id: ClOrdId,
    },
    /// The session is gone.
    SessionLost,
    /// No answer came in time.
    TimedOut,
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
    CancelRejected {
        /// Why.
        why: CancelRefusal,
        /// Sequence of the report.
        seq: u32,
    },
    /// The gateway sent no cancel: to it the order has ended.
    NotHeld,
    /// The venue will cancel later.
    CancelPending {
        /// Sequence of the report.
        seq: u32,
    },
    /// The venue has the replace, and will answer later.
    ReplacePending {
        /// Sequence of the report.
        seq: u32,
    },
    /// The venue holds the order back, guarantees it, has done with it for the day, or goes on with
    /// it.
    Phase {
        /// Which of these.
        phase: Phase,
        /// Sequence of the report.
        seq: u32,
    },
    /// The venue changed price or quantity.
    Restated {
        /// Of which id.
        id: ClOrdId,
        /// New price, or none.
        px: Price,
        /// New quantity of the whole chain, or 0.
        qty: Qty,
        /// The venue's number, or 0.
        venue_ord_id: VenueOrdId,
        /// Sequence of the report.
        seq: u32,
    },
}

/// What the venue does with an order that it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// It works.
    #[default]
    Working = 0,
    /// It is held back (E20).
    Suspended = 1,
    /// It is guaranteed (E20).
    Stopped = 2,
    /// Nothing more today (E19).
    DoneForDay = 3,
}

impl Phase {
    /// The phase of a number, [`Phase::Working`] for any other.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        match bits {
            1 => Self::Suspended,
            2 => Self::Stopped,
            3 => Self::DoneForDay,
            _ => Self::Working,
        }
    }
}

/// What of an event deserves attention. They depend on the order in which reports came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs(pub u16);

impl Signs {
    /// A fill, or an acceptance, after the order's end.
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
    /// A fill at a price worse than the order's limit.
    pub const WORSE: Self = Self(1 << 6);
    /// A status implies a fill that has not come (E22).
    pub const INFERRED: Self = Self(1 << 7);
    /// A report of an order that is not ours, or not known any more (E23).
    pub const EXTERNAL: Self = Self(1 << 8);
    /// The venue's position is another than ours (C8).
    pub const ADJUSTED: Self = Self(1 << 9);

    /// Those that contradict others: the instrument is held until somebody has looked.
    pub const CONTRADICTIONS: Self = Self::PROTOCOL.with(Self::CONFLICT);
    /// Those that tell of exposure nobody asked for: only reductions from now on (E6, E8, E23, C8).
    pub const EXPOSURES: Self =
        Self::OVERFILL.with(Self::WORSE).with(Self::EXTERNAL).with(Self::ADJUSTED);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of `other` is in it.
    #[must_use]
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
