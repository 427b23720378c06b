//! NASDAQ OUCH 5.0: every message of both directions, for client and venue.
//!
//! ```text
//! client  ── Inbound  (O U X M C D E Q) ─────────────────────►  venue
//! client  ◄─ Outbound (S A U C D E B J P I T M R X G K Q) ────  venue
//!
//! one message = type:1 · fixed fields · [ appendage length:2 · (len:1 tag:1 value)* ]
//! ```
//!
//! Decoding borrows: a [`View`] is a reference to the fixed fields in the given bytes and the
//! checked [`Appendage`] after them. Every function is total over any bytes: a fault is a
//! [`DecodeError`]. Encoding writes into the caller's buffer and returns the length.
//!
//! Source: Nasdaq "O*U*C*H 5.0", revision 1.04 (2024-05-01).
//!
//! ```
//! use gateway::codec::ouch50::{Appendage, CancelOrder, Inbound, encode};
//!
//! let mut out = [0; 64];
//! let fields = CancelOrder { user_ref_num: 7.into(), qty: 0.into() };
//! let len = encode(&fields, Appendage::ABSENT, &mut out).unwrap();
//! assert_eq!(&out[..len], &[b'X', 0, 0, 0, 7, 0, 0, 0, 0]);
//! let message = Inbound::decode(&out[..len]).unwrap();
//! assert!(matches!(message, Inbound::Cancel(view) if *view.fields == fields));
//! ```

mod appendage;
mod code;
mod inbound;
mod message;
mod outbound;
mod px;
mod reason;

pub use appendage::{APPENDAGE_BYTES_MAX, Appendage, AppendageBuf, Options, Tag};
pub use code::{
    BrokenReasonCode, CancelReasonCode, CapacityCode, CrossCode, DisplayCode, EventCode, IsoCode,
    LiquidityCode, OrderStateCode, RestateReasonCode, SideCode, TifCode,
};
pub use inbound::{
    AccountQuery, CancelOrder, DisableOrderEntry, EnableOrderEntry, EnterOrder, Inbound,
    MassCancel, ModifyOrder, ReplaceOrder,
};
pub use message::{DecodeError, EncodeError, Form, Message, View, decode, encode};
pub use outbound::{
    Accepted, AiqCanceled, Broken, CancelPending, CancelReject, Canceled, DisableResponse,
    EnableResponse, Executed, MassCancelResponse, Modified, Outbound, PriorityUpdate,
    QueryResponse, Rejected, Replaced, Restated, SystemEvent,
};
pub use px::WirePx;
pub use reason::{RejectReason, cancel_reason_text};

/// Characters of a ClOrdID on the wire.
pub const CL_ORD_ID_BYTES: usize = 14;

/// Greatest quantity of one order, and of a whole replace chain, in shares.
pub const QTY_MAX: u32 = 999_999;

#[cfg(test)]
mod tests;
