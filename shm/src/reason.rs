//! Reason codes of refusals inside the engine, and their texts. The code of a rule is its number in
//! the risk specification, so that `R23` and `COLLAR` are one thing.

/// Declares a `u8` enum with conversions from the raw byte and a stable name.
macro_rules! byte_enum {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$item_doc:meta])* $item:ident = $raw:literal, $text:literal;)+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$item_doc])* $item = $raw,)+
        }

        impl $name {
            /// Every value, in declared order.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// The value of a raw byte; `None` for a byte that is none of them.
            #[must_use]
            #[inline]
            pub const fn from_u8(raw: u8) -> Option<Self> {
                match raw {
                    $($raw => Some(Self::$item),)+
                    _ => None,
                }
            }

            /// The stable name shown in reports, logs and exports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text,)+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                out.pad(self.name())
            }
        }
    };
}
pub(crate) use byte_enum;

byte_enum! {
    /// Why the engine itself refused an order. Values below 60 are the rule's number (R01..R47).
    Reason {
        /// Not refused.
        None = 0, "NONE";
        /// R01: a kill gate is closed.
        Killed = 1, "KILLED";
        /// R02: the trading mode does not allow it.
        Mode = 2, "MODE";
        /// R03: the venue session is down, incomplete or not reconciled.
        Session = 3, "SESSION";
        /// R04: the journal is full, failed or too far behind.
        Journal = 4, "JOURNAL";
        /// R05: no limit set, or a mandatory limit is missing.
        NoLimit = 5, "NO_LIMIT";
        /// R06: the strategy may not trade this account, venue or instrument.
        NotPermitted = 6, "NOT_PERMITTED";
        /// R07: too many orders of unknown outcome, or one for too long.
        Unresolved = 7, "UNRESOLVED";
        /// R08: the clock went back or drifts.
        Clock = 8, "CLOCK";
        /// R10: instrument unknown, halted, or its phase forbids the order.
        Instrument = 10, "INSTRUMENT";
        /// R11: restricted list, short-sale ban, no locate.
        Restricted = 11, "RESTRICTED";
        /// R12: type, time in force or flag that the venue does not have.
        Unsupported = 12, "UNSUPPORTED";
        /// R13: price off tick, not positive, or out of the venue's range.
        BadPrice = 13, "BAD_PRICE";
        /// R14: quantity off lot or out of the venue's range.
        BadQty = 14, "BAD_QTY";
        /// R15: expiry in the past.
        Expired = 15, "EXPIRED";
        /// R16: client order id used before, or not of the strategy's range.
        DupId = 16, "DUP_ID";
        /// R20: order quantity.
        OrderQty = 20, "ORDER_QTY";
        /// R21: order value.
        OrderValue = 21, "ORDER_VALUE";
        /// R22: least order value.
        OrderValueMin = 22, "ORDER_VALUE_MIN";
        /// R23: price collar.
        Collar = 23, "COLLAR";
        /// R24: no usable reference price.
        NoReference = 24, "NO_REFERENCE";
        /// R25: share of volume.
        VolumeShare = 25, "VOLUME_SHARE";
        /// R26: collar over time.
        CollarWindow = 26, "COLLAR_WINDOW";
        /// R30: position.
        Position = 30, "POSITION";
        /// R31: open quantity, value or number of orders.
        OpenOrders = 31, "OPEN_ORDERS";
        /// R32: gross exposure.
        Gross = 32, "GROSS";
        /// R33: net exposure.
        Net = 33, "NET";
        /// R34: buying power.
        Funds = 34, "FUNDS";
        /// R35: traded or entered value of the day.
        Daily = 35, "DAILY";
        /// R36: loss or drawdown.
        Loss = 36, "LOSS";
        /// R39: not reducing while only reductions are allowed.
        ReduceOnly = 39, "REDUCE_ONLY";
        /// R40: message rate of the venue session.
        Rate = 40, "RATE";
        /// R41: order rate of the strategy.
        RateStrategy = 41, "RATE_STRATEGY";
        /// R42: order-to-trade ratio.
        OrderToTrade = 42, "OTR";
        /// R43: duplicate order.
        Duplicate = 43, "DUPLICATE";
        /// R44: repeated execution.
        Repeated = 44, "REPEATED";
        /// R45: self-trade.
        SelfTrade = 45, "SELF_TRADE";
        /// R46: breaker.
        Breaker = 46, "BREAKER";
        /// R47: the gateway holds no unspent approval of this order.
        Unapproved = 47, "UNAPPROVED";
        /// A sum left its integer's range.
        Overflow = 60, "OVERFLOW";
        /// A ring on the way is full.
        Busy = 61, "BUSY";
        /// The order waited longer than `order_age_max` before its send.
        TooOld = 62, "TOO_OLD";
        /// Replace or cancel of an order that is unknown, ended, or already being replaced.
        UnknownOrder = 63, "UNKNOWN_ORDER";
        /// No free slot in the order table.
        TableFull = 64, "TABLE_FULL";
        /// The venue refused it; its own code is beside this one.
        Venue = 70, "VENUE";
        /// The socket failed during the send.
        SendFailed = 71, "SEND_FAILED";
    }
}

byte_enum! {
    /// What the measured value and the limit of a refusal count.
    Unit {
        /// Nothing: the rule does not measure.
        None = 0, "NONE";
        /// Whole things: orders, messages.
        Count = 1, "COUNT";
        /// A price at 1e-9.
        Price = 2, "PRICE";
        /// A quantity at 1e-8.
        Qty = 3, "QTY";
        /// Money at 1e-17.
        Money = 4, "MONEY";
        /// Nanoseconds.
        Nanos = 5, "NANOS";
        /// A trading mode by its number.
        Mode = 6, "MODE";
        /// A set of limits, one bit each.
        Limits = 7, "LIMITS";
        /// Hundredths of a percent.
        Bps = 8, "BPS";
    }
}

impl Reason {
    /// What the rule measures; a rule that measures several things says which in its refusal.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::BadPrice | Self::Collar | Self::CollarWindow | Self::SelfTrade => Unit::Price,
            Self::BadQty
            | Self::OrderQty
            | Self::Position
            | Self::ReduceOnly
            | Self::Restricted => Unit::Qty,
            Self::OrderValue
            | Self::OrderValueMin
            | Self::Gross
            | Self::Net
            | Self::Funds
            | Self::Daily
            | Self::Loss => Unit::Money,
            Self::Clock | Self::NoReference | Self::Expired => Unit::Nanos,
            Self::Mode => Unit::Mode,
            Self::NoLimit => Unit::Limits,
            Self::VolumeShare => Unit::Bps,
            Self::Unresolved
            | Self::OpenOrders
            | Self::Rate
            | Self::RateStrategy
            | Self::OrderToTrade
            | Self::Duplicate
            | Self::Repeated
            | Self::Breaker => Unit::Count,
            Self::None
            | Self::Killed
            | Self::Session
            | Self::Journal
            | Self::NotPermitted
            | Self::Instrument
            | Self::Unsupported
            | Self::DupId
            | Self::Unapproved
            | Self::Overflow
            | Self::Busy
            | Self::TooOld
            | Self::UnknownOrder
            | Self::TableFull
            | Self::Venue
            | Self::SendFailed => Unit::None,
        }
    }
}
