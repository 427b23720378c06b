//! One-byte codes. The wire may carry any byte: a code keeps it, the known ones have names.

use core::fmt;
use shm::message::Side;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

macro_rules! codes {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$code_doc:meta])* $code:ident = $byte:literal,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
        )]
        #[repr(transparent)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$code_doc])* pub const $code: Self = Self($byte);)*

            /// Every byte the document names.
            pub const KNOWN: &'static [Self] = &[$(Self::$code),*];

            /// Whether the document names this byte.
            #[must_use]
            pub fn is_known(self) -> bool {
                Self::KNOWN.contains(&self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0.escape_ascii())
            }
        }
    )*};
}

codes! {
    /// Side of an order.
    SideCode {
        /// Buy.
        BUY = b'B',
        /// Sell what is held.
        SELL = b'S',
        /// Sell short.
        SHORT = b'T',
        /// Sell short, exempt.
        SHORT_EXEMPT = b'E',
    }
    /// Time in force.
    TifCode {
        /// Until the close of the market.
        DAY = b'0',
        /// Immediate or cancel.
        IOC = b'3',
        /// Through the extended hours.
        GTX = b'5',
        /// Until the option ExpireTime.
        GTT = b'6',
        /// After hours; not on a replace.
        AFTER_HOURS = b'E',
    }
    /// How an order shows in the book.
    DisplayCode {
        /// Shown without a name.
        VISIBLE = b'Y',
        /// Not shown.
        HIDDEN = b'N',
        /// Shown with the participant's name.
        ATTRIBUTABLE = b'A',
        /// Conformant; only from the venue.
        CONFORMANT = b'Z',
    }
    /// On whose account.
    CapacityCode {
        /// Agency.
        AGENCY = b'A',
        /// Principal.
        PRINCIPAL = b'P',
        /// Riskless principal.
        RISKLESS = b'R',
        /// Other.
        OTHER = b'O',
    }
    /// Intermarket sweep.
    IsoCode {
        /// Eligible.
        YES = b'Y',
        /// Not eligible.
        NO = b'N',
    }
    /// Continuous market or a cross.
    CrossCode {
        /// Continuous market.
        CONTINUOUS = b'N',
        /// Opening cross.
        OPENING = b'O',
        /// Closing cross.
        CLOSING = b'C',
        /// Halt or IPO cross.
        HALT = b'H',
        /// Supplemental.
        SUPPLEMENTAL = b'S',
        /// Retail (BX).
        RETAIL = b'R',
        /// Extended life.
        EXTENDED_LIFE = b'E',
        /// After-hours close.
        AFTER_HOURS_CLOSE = b'A',
    }
    /// System events.
    EventCode {
        /// Start of day.
        START_OF_DAY = b'S',
        /// End of day.
        END_OF_DAY = b'E',
    }
    /// State of an accepted or replaced order.
    OrderStateCode {
        /// In the book.
        LIVE = b'L',
        /// Accepted and cancelled at once; nothing follows.
        DEAD = b'D',
    }
    /// Why an order, or part of it, was cancelled.
    CancelReasonCode {
        /// Asked for.
        USER = b'U',
        /// The rest of an immediate order.
        IOC = b'I',
        /// Time in force over.
        TIMEOUT = b'T',
        /// Supervisory.
        SUPERVISORY = b'S',
        /// Regulatory.
        REGULATORY = b'D',
        /// Self match.
        SELF_MATCH = b'Q',
        /// System.
        SYSTEM = b'Z',
        /// Market collars.
        COLLARS = b'K',
        /// Halted.
        HALTED = b'H',
        /// Open protection.
        OPEN_PROTECTION = b'X',
        /// Closed.
        CLOSED = b'E',
        /// Post only: would have slid.
        POST_ONLY_SLIDE = b'F',
        /// Post only: would have met a shown order.
        POST_ONLY_MEETS = b'G',
        /// Direct listing excess.
        DIRECT_LISTING = b'e',
        /// Cross cancelled (older lists).
        CROSS = b'C',
    }
    /// Why a trade was broken.
    BrokenReasonCode {
        /// Erroneous.
        ERRONEOUS = b'E',
        /// By consent.
        CONSENT = b'C',
        /// Supervisory.
        SUPERVISORY = b'S',
        /// External.
        EXTERNAL = b'X',
    }
    /// Why an order was restated.
    RestateReasonCode {
        /// The displayed part of a reserve order was refreshed.
        REFRESH = b'R',
        /// The displayed price changed.
        DISPLAYED_PX = b'P',
    }
    /// What an execution did to the book's liquidity. Unknown bytes count as "other".
    LiquidityCode {
        /// Added.
        ADDED = b'A',
        /// Removed.
        REMOVED = b'R',
        /// Added, hidden.
        ADDED_HIDDEN = b'J',
        /// Added at the midpoint.
        ADDED_MID = b'k',
        /// Removed at the midpoint.
        REMOVED_MID = b'm',
        /// Opening cross.
        OPENING = b'O',
        /// Opening cross, imbalance.
        OPENING_IMBALANCE = b'M',
        /// Closing cross.
        CLOSING = b'C',
        /// Closing cross, imbalance.
        CLOSING_IMBALANCE = b'L',
        /// Halt cross.
        HALT = b'H',
        /// Halt cross, other.
        HALT_OTHER = b'K',
        /// After-hours cross.
        AFTER_HOURS = b'i',
        /// Passive at the midpoint.
        PASSIVE_MID = b'N',
        /// Midpoint extended life.
        EXTENDED_LIFE = b'n',
        /// Added, reserve.
        ADDED_RESERVE = b'u',
        /// Supplemental.
        SUPPLEMENTAL = b'0',
        /// Set the national best.
        SET_NBBO = b'7',
        /// Set the venue's best.
        SET_QBBO = b'8',
    }
}

impl SideCode {
    /// The side of the book; `None` for a byte the document does not name.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::BUY => Some(Side::Buy),
            Self::SELL | Self::SHORT | Self::SHORT_EXEMPT => Some(Side::Sell),
            _ => None,
        }
    }
}
