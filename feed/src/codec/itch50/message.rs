//! The table of messages: one entry each makes the wire struct, its length check, its listener
//! method and its arm of the decoder.
#![forbid(unsafe_code)]

use super::DecodeError;
use super::field::{Price4, Price8, U48};
use shm::ids::Symbol;
use shm::message::Side;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The first 11 bytes of every message.
///
/// # Layout
/// `kind u8 @0`, `stock_locate u16 @1`, `tracking_number u16 @3`, `timestamp u48 @5`.
///
/// Source: ITCH 5.0, section 4, fields common to all messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Head {
    /// The type byte.
    pub kind: u8,
    /// The day's index of the stock; 0 = not about one stock.
    pub stock_locate: U16,
    /// Internal to the venue; ignored.
    pub tracking_number: U16,
    /// Nanoseconds since midnight, US Eastern.
    pub timestamp: U48,
}

impl Head {
    /// The head of a message of type `M` at `timestamp` nanoseconds since midnight (low 48 bits).
    #[must_use]
    pub const fn of<M: Body>(stock_locate: u16, tracking_number: u16, timestamp: u64) -> Self {
        Self {
            kind: M::KIND,
            stock_locate: U16::new(stock_locate),
            tracking_number: U16::new(tracking_number),
            timestamp: U48::new(timestamp),
        }
    }
}

impl StockDirectory {
    /// A common stock in round lots of 100, as the entries that are made here say of every symbol.
    #[must_use]
    pub fn common_stock(head: Head, stock: Symbol) -> Self {
        Self {
            head,
            stock,
            market_category: b'Q',
            financial_status: b'N',
            round_lot_size: 100.into(),
            round_lots_only: b'N',
            issue_classification: b'C',
            issue_sub_type: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo_flag: b'N',
            luld_tier: b'1',
            etp_flag: b'N',
            etp_leverage: 0.into(),
            inverse: b'N',
        }
    }
}

/// A message of the table.
pub trait Body {
    /// Its type byte.
    const KIND: u8;
    /// Its length in bytes, the type byte included.
    const BYTES: usize;
}

/// How a message that was not malformed compares with the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fit {
    /// Known, of the table's length.
    Exact,
    /// Known, longer than the table: the known prefix was decoded.
    Longer,
    /// Not in the table: skipped, [`Listener::on_unknown`] called.
    Unknown,
}

macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $kind:literal $bytes:literal $name:ident $on:ident {
            $( $(#[$field_doc:meta])* $field:ident : $type:ty, )+
        }
    )+) => {
        $(
            $(#[$doc])*
            #[derive(
                Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
            )]
            #[repr(C)]
            pub struct $name {
                /// The common first 11 bytes.
                pub head: Head,
                $( $(#[$field_doc])* pub $field: $type, )+
            }

            impl Body for $name {
                const KIND: u8 = $kind;
                const BYTES: usize = $bytes;
            }

            const _: () = assert!(size_of::<$name>() == $bytes && align_of::<$name>() == 1);
            const _: () = assert!($bytes <= super::MESSAGE_BYTES_MAX);
        )+

        /// A decoded message, borrowed from its bytes. For cold callers; hot ones implement
        /// [`Listener`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $( $(#[$doc])* $name(&'a $name), )+
        }

        impl<'a> Message<'a> {
            /// Decodes the known prefix; `Ok(None)` for a type that is not in the table.
            ///
            /// # Errors
            /// [`DecodeError`] when the bytes are no message.
            pub fn decode(bytes: &'a [u8]) -> Result<Option<Self>, DecodeError> {
                match bytes.first() {
                    None => Err(DecodeError::Empty),
                    $( Some(&$kind) => match $name::ref_from_prefix(bytes) {
                        Ok((message, _)) => Ok(Some(Self::$name(message))),
                        Err(_) => Err(DecodeError::Short),
                    }, )+
                    Some(_) => Ok(None),
                }
            }

            /// Lays the message into the front of `out`; `None` when `out` is too short.
            #[must_use]
            pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
                match self {
                    $( Self::$name(message) => super::encode(*message, out), )+
                }
            }

            /// The common first 11 bytes.
            #[must_use]
            pub const fn head(&self) -> &'a Head {
                match self {
                    $( Self::$name(message) => &message.head, )+
                }
            }
        }

        /// What is done with each message; every method does nothing unless overridden.
        pub trait Listener {
            $(
                $(#[$doc])*
                #[inline]
                fn $on(&mut self, message: &$name) {
                    let _ = message;
                }
            )+

            /// A type that is not in the table; `bytes` is the whole message, at least 1 byte.
            #[inline]
            fn on_unknown(&mut self, bytes: &[u8]) {
                let _ = bytes;
            }
        }

        /// The length in bytes of a message of this type, `None` when it is not in the table.
        #[must_use]
        pub const fn length_of(kind: u8) -> Option<usize> {
            match kind {
                $( $kind => Some($bytes), )+
                _ => None,
            }
        }

        /// Decodes one message and calls the listener's method for it. Counts nothing:
        /// [`super::Decoder`] does.
        ///
        /// # Errors
        /// [`DecodeError`] when the bytes are no message; nothing was called.
        #[inline]
        pub fn decode<L: Listener>(bytes: &[u8], listener: &mut L) -> Result<Fit, DecodeError> {
            match bytes.first() {
                None => Err(DecodeError::Empty),
                $( Some(&$kind) => match $name::ref_from_prefix(bytes) {
                    Ok((message, rest)) => {
                        listener.$on(message);
                        Ok(if rest.is_empty() { Fit::Exact } else { Fit::Longer })
                    }
                    Err(_) => Err(DecodeError::Short),
                }, )+
                Some(_) => {
                    listener.on_unknown(bytes);
                    Ok(Fit::Unknown)
                }
            }
        }
    };
}

messages! {
    /// `S` System Event. Source: ITCH 5.0, section 4.1.
    b'S' 12 SystemEvent on_system_event {
        /// `O` start of messages, `S` start of system hours, `Q` start of market hours, `M` end of
        /// market hours, `E` end of system hours, `C` end of messages.
        event: u8,
    }
    /// `R` Stock Directory: binds the day's locate to a symbol. Source: ITCH 5.0, section 4.2.1.
    b'R' 39 StockDirectory on_stock_directory {
        /// The symbol.
        stock: Symbol,
        /// Listing market, `Q` `G` `S` `N` `A` `P` `Z` `V` `M` or space.
        market_category: u8,
        /// `N` normal, others deficient or bankrupt.
        financial_status: u8,
        /// Shares in a round lot.
        round_lot_size: U32,
        /// `Y` when only round lots are accepted.
        round_lots_only: u8,
        /// Security class.
        issue_classification: u8,
        /// Security sub-type.
        issue_sub_type: [u8; 2],
        /// `P` live, `T` test.
        authenticity: u8,
        /// `Y`, `N` or space.
        short_sale_threshold: u8,
        /// `Y`, `N`, `Z` or space.
        ipo_flag: u8,
        /// Limit-up limit-down tier: `1`, `2` or space.
        luld_tier: u8,
        /// Exchange traded product: `Y`, `N` or space.
        etp_flag: u8,
        /// Whole leverage of the product.
        etp_leverage: U32,
        /// `Y` when inverse.
        inverse: u8,
    }
    /// `H` Stock Trading Action. Source: ITCH 5.0, section 4.2.2.
    b'H' 25 TradingAction on_trading_action {
        /// The symbol.
        stock: Symbol,
        /// `H` halted, `P` paused, `Q` quotation only, `T` trading.
        state: u8,
        /// Unused.
        reserved: u8,
        /// Reason code.
        reason: [u8; 4],
    }
    /// `Y` Reg SHO short sale restriction. Source: ITCH 5.0, section 4.2.3.
    b'Y' 20 RegSho on_reg_sho {
        /// The symbol.
        stock: Symbol,
        /// `0` none, `1` in effect after an intraday drop, `2` remains in effect.
        action: u8,
    }
    /// `L` Market Participant Position. Source: ITCH 5.0, section 4.2.4.
    b'L' 26 ParticipantPosition on_participant_position {
        /// Market participant.
        mpid: [u8; 4],
        /// The symbol.
        stock: Symbol,
        /// `Y` when a primary market maker.
        primary_maker: u8,
        /// `N`, `P`, `S`, `R` or `L`.
        maker_mode: u8,
        /// `A`, `E`, `W`, `S` or `D`.
        state: u8,
    }
    /// `V` Market-wide circuit breaker levels. Source: ITCH 5.0, section 4.2.5.1.
    b'V' 35 MwcbLevel on_mwcb_level {
        /// Level 1.
        level_1: Price8,
        /// Level 2.
        level_2: Price8,
        /// Level 3.
        level_3: Price8,
    }
    /// `W` Market-wide circuit breaker status. Source: ITCH 5.0, section 4.2.5.2.
    b'W' 12 MwcbStatus on_mwcb_status {
        /// Breached level: `1`, `2` or `3`.
        level: u8,
    }
    /// `K` IPO quoting period. Source: ITCH 5.0, section 4.2.6.
    b'K' 28 IpoQuoting on_ipo_quoting {
        /// The symbol.
        stock: Symbol,
        /// Release time in seconds since midnight; 0 when cancelled.
        release_seconds: U32,
        /// `A` anticipated, `C` cancelled or postponed.
        qualifier: u8,
        /// IPO price; 0 when cancelled.
        px: Price4,
    }
    /// `J` Limit-up limit-down auction collar. Source: ITCH 5.0, section 4.2.7.
    b'J' 35 LuldCollar on_luld_collar {
        /// The symbol.
        stock: Symbol,
        /// Reference price of the auction.
        reference_px: Price4,
        /// Upper collar.
        upper_px: Price4,
        /// Lower collar.
        lower_px: Price4,
        /// Extensions so far.
        extension_count: U32,
    }
    /// `h` Operational Halt: one venue only. Source: ITCH 5.0, section 4.2.8.
    b'h' 21 OperationalHalt on_operational_halt {
        /// The symbol.
        stock: Symbol,
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        market: u8,
        /// `H` halted, `T` resumed.
        action: u8,
    }
    /// `A` Add Order without attribution. Source: ITCH 5.0, section 4.3.1.
    b'A' 36 AddOrder on_add {
        /// Unique for the day over all stocks.
        order_ref: U64,
        /// `B` or `S`.
        side: u8,
        /// Shares, at least 1 on a sound feed.
        shares: U32,
        /// The symbol.
        stock: Symbol,
        /// Display price.
        px: Price4,
    }
    /// `F` Add Order with attribution. Source: ITCH 5.0, section 4.3.2.
    b'F' 40 AddOrderMpid on_add_mpid {
        /// Unique for the day over all stocks.
        order_ref: U64,
        /// `B` or `S`.
        side: u8,
        /// Shares, at least 1 on a sound feed.
        shares: U32,
        /// The symbol.
        stock: Symbol,
        /// Display price.
        px: Price4,
        /// Market participant.
        attribution: [u8; 4],
    }
    /// `E` Order Executed, at its own display price. Source: ITCH 5.0, section 4.4.1.
    b'E' 31 OrderExecuted on_executed {
        /// The resting order.
        order_ref: U64,
        /// Shares executed now.
        shares: U32,
        /// The day's number of the match.
        match_number: U64,
    }
    /// `C` Order Executed with Price: the print is not at the display price. Source: ITCH 5.0,
    /// section 4.4.2.
    b'C' 36 OrderExecutedPrice on_executed_price {
        /// The resting order.
        order_ref: U64,
        /// Shares executed now.
        shares: U32,
        /// The day's number of the match.
        match_number: U64,
        /// `N` when the print is left out of volume (a `Q` carries the bulk).
        printable: u8,
        /// Price of the print.
        px: Price4,
    }
    /// `X` Order Cancel: part of the shares. Source: ITCH 5.0, section 4.4.3.
    b'X' 23 OrderCancel on_cancel {
        /// The resting order.
        order_ref: U64,
        /// Shares cancelled now.
        shares: U32,
    }
    /// `D` Order Delete: what is left. Source: ITCH 5.0, section 4.4.4.
    b'D' 19 OrderDelete on_delete {
        /// The resting order.
        order_ref: U64,
    }
    /// `U` Order Replace: same side, stock and attribution, new reference. Source: ITCH 5.0,
    /// section 4.4.5.
    b'U' 35 OrderReplace on_replace {
        /// The order that ends.
        order_ref: U64,
        /// The order that takes its place, without its time priority.
        new_order_ref: U64,
        /// New display shares.
        shares: U32,
        /// New display price.
        px: Price4,
    }
    /// `P` Trade against a hidden order: no effect on the book. Source: ITCH 5.0, section 4.5.1.
    b'P' 44 Trade on_trade {
        /// 0 since 2010.
        order_ref: U64,
        /// `B` since 2014.
        side: u8,
        /// Shares.
        shares: U32,
        /// The symbol.
        stock: Symbol,
        /// Price of the match.
        px: Price4,
        /// The day's number of the match.
        match_number: U64,
    }
    /// `Q` Cross Trade: the bulk print of an auction. Source: ITCH 5.0, section 4.5.2.
    b'Q' 40 CrossTrade on_cross {
        /// Shares, may be 0.
        shares: U64,
        /// The symbol.
        stock: Symbol,
        /// Price of the cross.
        px: Price4,
        /// The day's number of the match.
        match_number: U64,
        /// `O` open, `C` close, `H` IPO or halt, `I` intraday, `A` extended close.
        cross_type: u8,
    }
    /// `B` Broken Trade: final, no effect on the book. Source: ITCH 5.0, section 4.5.3.
    b'B' 19 BrokenTrade on_broken {
        /// The match that is undone.
        match_number: U64,
    }
    /// `I` Net Order Imbalance Indicator. Source: ITCH 5.0, section 4.6.
    b'I' 50 Noii on_noii {
        /// Shares paired at the reference price.
        paired_shares: U64,
        /// Shares not paired.
        imbalance_shares: U64,
        /// `B`, `S`, `N` none, `O` not enough orders, `P` paused.
        direction: u8,
        /// The symbol.
        stock: Symbol,
        /// Far clearing price.
        far_px: Price4,
        /// Near clearing price.
        near_px: Price4,
        /// Current reference price.
        reference_px: Price4,
        /// As in [`CrossTrade`].
        cross_type: u8,
        /// `L`, `1` to `9`, `A`, `B`, `C` or space.
        price_variation: u8,
    }
    /// `N` Retail Interest. Source: ITCH 5.0, section 4.7.
    b'N' 20 RetailInterest on_retail_interest {
        /// The symbol.
        stock: Symbol,
        /// `B`, `S`, `A` both or `N` none.
        interest: u8,
    }
    /// `O` Direct Listing with Capital Raise. Source: ITCH 5.0, section 4.8.
    b'O' 48 DirectListing on_direct_listing {
        /// The symbol.
        stock: Symbol,
        /// `Y` when eligible to be released.
        eligible: u8,
        /// Lowest price of the range.
        min_px: Price4,
        /// Highest price of the range.
        max_px: Price4,
        /// Near execution price.
        near_px: Price4,
        /// Near execution time, nanoseconds since midnight.
        near_time: U64,
        /// Lower collar.
        lower_px: Price4,
        /// Upper collar.
        upper_px: Price4,
    }
}

impl AddOrder {
    /// The side; `None` when the byte is neither `B` nor `S`.
    #[must_use]
    #[inline]
    pub const fn side(&self) -> Option<Side> {
        side_of(self.side)
    }
}

impl AddOrderMpid {
    /// The side; `None` when the byte is neither `B` nor `S`.
    #[must_use]
    #[inline]
    pub const fn side(&self) -> Option<Side> {
        side_of(self.side)
    }
}

#[inline]
const fn side_of(byte: u8) -> Option<Side> {
    match byte {
        b'B' => Some(Side::Buy),
        b'S' => Some(Side::Sell),
        _ => None,
    }
}
