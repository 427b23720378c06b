//! Codes in messages: one byte each, with a stable name.

use crate::reason::byte_enum;

byte_enum! {
    /// Why a cancel was refused, as far as the state of the order depends on it (E13).
    CancelRefusal {
        /// The order is as it was.
        Other = 0, "OTHER";
        /// It is filled, or ending: the report of that is on its way.
        TooLate = 1, "TOO_LATE";
        /// The venue does not know the order.
        UnknownOrder = 2, "UNKNOWN_ORDER";
        /// An earlier request is still being worked on.
        AlreadyPending = 3, "ALREADY_PENDING";
    }
}

byte_enum! {
    /// Side of an order.
    Side {
        /// Buys.
        Buy = 1, "Buy";
        /// Sells.
        Sell = 2, "Sell";
    }
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `+1` for a buy, `-1` for a sell.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

byte_enum! {
    /// Time in force.
    Tif {
        /// Until the end of the day.
        Day = 1, "DAY";
        /// What does not execute at once is cancelled.
        Ioc = 2, "IOC";
        /// All at once or nothing.
        Fok = 3, "FOK";
        /// Until a time.
        Gtd = 4, "GTD";
    }
}

byte_enum! {
    /// Order type.
    OrdType {
        /// With a worst price.
        Limit = 1, "LIMIT";
        /// At any price within the collar.
        Market = 2, "MARKET";
        /// A limit that must not execute on arrival.
        PostOnly = 3, "POST_ONLY";
    }
}

byte_enum! {
    /// State of a feed.
    FeedState {
        /// Sequence whole, books usable.
        Live = 1, "LIVE";
        /// A gap, silence or fault: books are not a reference until recovery.
        Stale = 2, "STALE";
        /// The venue ended the session.
        Ended = 3, "ENDED";
    }
}
