//! Rare terms of an order: they fill a slot of their own, in the same ring, just before the intent
//! or the approval that they belong to.

use super::{Body, Kind, Message, Tail};
use crate::ids::{ClOrdId, InstrumentId};
use crate::units::{Nanos, Qty};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Flags of [`OrderTerms`].
pub mod terms_flags {
    /// The order is not shown.
    pub const HIDDEN: u8 = 1;
    /// The order may only reduce a position (R39); the gateway need not know.
    pub const REDUCE_ONLY: u8 = 1 << 1;
    /// Of an approval: its terms came just before it.
    pub const GIVEN: u16 = 1;
}

body! {
    /// What an order may have beside price, quantity, time in force and type.
    OrderTerms [IntentTerms | ApprovedTerms] {
        /// [`Kind::IntentTerms`] or [`Kind::ApprovedTerms`].
        kind: u8,
        /// [`terms_flags`].
        flags: u8,
        /// Which leg of the parent the order works for, 0 without one.
        leg: u8,
        /// Zero.
        _reserved: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// The order.
        cl_ord_id: ClOrdId,
        /// The parent it is a child of, [`ClOrdId::NONE`] for none (R47).
        parent: ClOrdId,
        /// When it ends by itself (time in force GTD), engine ns; 0 for never.
        expiry: Nanos,
        /// Quantity shown at a time (reserve order); 0 for all of it.
        display_qty: Qty,
        /// Zero.
        _reserved_words: [u64; 2],
    }
}

impl OrderTerms {
    /// No rare terms at all.
    pub const NONE: Self = Self {
        kind: 0,
        flags: 0,
        leg: 0,
        _reserved: 0,
        instrument: InstrumentId::NONE,
        cl_ord_id: ClOrdId::NONE,
        parent: ClOrdId::NONE,
        expiry: Nanos(0),
        display_qty: Qty::ZERO,
        _reserved_words: [0; 2],
        tail: Tail(0),
    };

    /// Whether there is anything that the gateway has to know.
    #[must_use]
    pub const fn concerns_venue(&self) -> bool {
        self.is_hidden() || self.expiry.0 != 0 || self.display_qty.0 != 0
    }

    /// Whether the order may only reduce a position (R39).
    #[must_use]
    pub const fn is_reduce_only(&self) -> bool {
        self.flags & terms_flags::REDUCE_ONLY != 0
    }

    /// Whether the order is not shown.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        self.flags & terms_flags::HIDDEN != 0
    }
}
