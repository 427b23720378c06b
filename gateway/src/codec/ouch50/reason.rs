//! Reasons of rejects and cancels, with their texts.

use super::code::CancelReasonCode;
use core::fmt;
use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Why a request was rejected. The wire may carry any number; the known ones have names and texts.
/// Source: OUCH 5.0, reject reasons.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(transparent)]
pub struct RejectReason(pub U16);

macro_rules! reasons {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        impl RejectReason {
            $(#[doc = $text] pub const $name: Self = Self(U16::new($value));)*

            /// Every reason the document names.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The reason in words; `None` for a number the document does not name.
            #[must_use]
            pub const fn text(self) -> Option<&'static str> {
                match self.0.get() {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    QUOTE_UNAVAILABLE = 0x01, "quote unavailable";
    DESTINATION_CLOSED = 0x02, "destination closed";
    DISPLAY = 0x03, "invalid display";
    MAX_FLOOR = 0x04, "invalid max floor";
    PEG_TYPE = 0x05, "invalid peg type";
    FAT_FINGER = 0x06, "fat finger";
    HALTED = 0x07, "halted";
    ISO_NOT_ALLOWED = 0x08, "intermarket sweep not allowed";
    SIDE = 0x09, "invalid side";
    PROCESSING_ERROR = 0x0A, "processing error";
    CANCEL_PENDING = 0x0B, "cancel pending";
    FIRM_NOT_AUTHORIZED = 0x0C, "firm not authorized";
    MIN_QTY = 0x0D, "invalid minimum quantity";
    NO_CLOSING_PX = 0x0E, "no closing reference price";
    OTHER = 0x0F, "other";
    CANCEL_NOT_ALLOWED = 0x10, "cancel not allowed";
    PEGGING_NOT_ALLOWED = 0x11, "pegging not allowed";
    CROSSED_MARKET = 0x12, "crossed market";
    QTY = 0x13, "invalid quantity";
    CROSS_ORDER = 0x14, "invalid cross order";
    REPLACE_NOT_ALLOWED = 0x15, "replace not allowed";
    ROUTING_NOT_ALLOWED = 0x16, "routing not allowed";
    SYMBOL = 0x17, "invalid symbol";
    TEST = 0x18, "test";
    LATE_LOC_TOO_AGGRESSIVE = 0x19, "late limit-on-close too aggressive";
    RETAIL_NOT_ALLOWED = 0x1A, "retail order not allowed";
    MIDPOINT_POST_ONLY_PX = 0x1B, "invalid midpoint post-only price";
    DESTINATION = 0x1C, "invalid destination";
    PX = 0x1D, "invalid price";
    SHARES_OVER_THRESHOLD = 0x1E, "shares exceed threshold";
    NOTIONAL_OVER_MAX = 0x1F, "notional exceeds maximum";
    RISK_AGGREGATE_EXPOSURE = 0x20, "risk: aggregate exposure";
    RISK_MARKET_IMPACT = 0x21, "risk: market impact";
    RISK_RESTRICTED_STOCK = 0x22, "risk: restricted stock";
    RISK_SHORT_RESTRICTED = 0x23, "risk: short sell restricted";
    RISK_ISO = 0x24, "risk: intermarket sweep";
    RISK_ADV = 0x25, "risk: average daily volume";
    RISK_FAT_FINGER = 0x26, "risk: fat finger";
    RISK_LOCATE_REQUIRED = 0x27, "risk: locate required";
    RISK_SYMBOL_RATE = 0x28, "risk: symbol message rate";
    RISK_PORT_RATE = 0x29, "risk: port message rate";
    RISK_DUPLICATE_RATE = 0x2A, "risk: duplicate message rate";
    RISK_SHORT_SELL = 0x2B, "risk: short sell";
    RISK_MARKET_ORDER = 0x2C, "risk: market order";
    RISK_PRE_MARKET = 0x2D, "risk: pre-market";
    RISK_POST_MARKET = 0x2E, "risk: post-market";
    RISK_SHORT_EXEMPT = 0x2F, "risk: short exempt";
    RISK_ORDER_NOTIONAL = 0x30, "risk: single order notional";
    RISK_QTY_MAX = 0x31, "risk: maximum quantity";
    REG_SHO_UNKNOWN = 0x32, "Reg SHO state not available";
    IPO_MARKET_BUY = 0x33, "IPO market buy";
}

impl fmt::Debug for RejectReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#06x} {}", self.0.get(), self.text().unwrap_or("unknown"))
    }
}

/// A cancel reason in words; `None` for a byte the document does not name.
#[must_use]
pub const fn cancel_reason_text(reason: CancelReasonCode) -> Option<&'static str> {
    Some(match reason {
        CancelReasonCode::USER => "user request",
        CancelReasonCode::IOC => "rest of an immediate order",
        CancelReasonCode::TIMEOUT => "time in force over",
        CancelReasonCode::SUPERVISORY => "supervisory",
        CancelReasonCode::REGULATORY => "regulatory",
        CancelReasonCode::SELF_MATCH => "self match",
        CancelReasonCode::SYSTEM => "system",
        CancelReasonCode::COLLARS => "market collars",
        CancelReasonCode::HALTED => "halted",
        CancelReasonCode::OPEN_PROTECTION => "open protection",
        CancelReasonCode::CLOSED => "closed",
        CancelReasonCode::POST_ONLY_SLIDE => "post only, would slide",
        CancelReasonCode::POST_ONLY_MEETS => "post only, would meet a shown order",
        CancelReasonCode::DIRECT_LISTING => "direct listing excess",
        CancelReasonCode::CROSS => "cross cancelled",
        _ => return None,
    })
}
