//! Client to venue.

use super::code::{CapacityCode, CrossCode, DisplayCode, IsoCode, SideCode, TifCode};
use super::message::{direction, messages};
use super::{CL_ORD_ID_BYTES, WirePx};
use zerocopy::byteorder::big_endian::U32;

messages! {
    /// Enter Order. Source: OUCH 5.0, inbound messages.
    EnterOrder = b'O', Required, 47 {
        /// Strictly rising per port (and flow channel), from 1; a lower or equal one is a repeat.
        user_ref_num: U32,
        /// Buy, sell, short.
        side: SideCode,
        /// Shares, `1..=QTY_MAX`.
        qty: U32,
        /// Left-justified, space padded.
        symbol: [u8; 8],
        /// Limit price.
        px: WirePx,
        /// Time in force.
        tif: TifCode,
        /// Visible, hidden, attributable.
        display: DisplayCode,
        /// Agency, principal, riskless.
        capacity: CapacityCode,
        /// Intermarket sweep.
        iso: IsoCode,
        /// Continuous or which cross.
        cross_type: CrossCode,
        /// The client's text, space padded; the venue does not judge it.
        cl_ord_id: [u8; CL_ORD_ID_BYTES],
    }

    /// Replace Order. Source: OUCH 5.0, inbound messages.
    ReplaceOrder = b'U', Required, 40 {
        /// The order to replace: the last accepted number of its chain.
        orig_user_ref_num: U32,
        /// The new number.
        user_ref_num: U32,
        /// Shares liable for the whole chain, executions so far included.
        qty: U32,
        /// New limit price.
        px: WirePx,
        /// Time in force.
        tif: TifCode,
        /// Visible, hidden, attributable.
        display: DisplayCode,
        /// Intermarket sweep.
        iso: IsoCode,
        /// The client's text, space padded.
        cl_ord_id: [u8; CL_ORD_ID_BYTES],
    }

    /// Cancel Order. Source: OUCH 5.0, inbound messages.
    CancelOrder = b'X', Optional, 9 {
        /// The order.
        user_ref_num: U32,
        /// New total intended size in shares, executions included; 0 cancels what is left.
        qty: U32,
    }

    /// Modify Order: side between the sell kinds, or a smaller quantity; keeps priority.
    /// Source: OUCH 5.0, inbound messages.
    ModifyOrder = b'M', Optional, 10 {
        /// The order.
        user_ref_num: U32,
        /// New side.
        side: SideCode,
        /// New total shares.
        qty: U32,
    }

    /// Mass Cancel; scope narrowed by options Side, GroupID, UserRefIdx. Source: OUCH 5.0, inbound
    /// messages.
    MassCancel = b'C', Required, 19 {
        /// Number of the request.
        user_ref_num: U32,
        /// Firm whose orders to cancel.
        firm: [u8; 4],
        /// Symbol, or spaces for all.
        symbol: [u8; 8],
    }

    /// Disable Order Entry. Source: OUCH 5.0, inbound messages.
    DisableOrderEntry = b'D', Required, 11 {
        /// Number of the request.
        user_ref_num: U32,
        /// Firm.
        firm: [u8; 4],
    }

    /// Enable Order Entry. Source: OUCH 5.0, inbound messages.
    EnableOrderEntry = b'E', Required, 11 {
        /// Number of the request.
        user_ref_num: U32,
        /// Firm.
        firm: [u8; 4],
    }

    /// Account Query: asks for the next user reference number. Source: OUCH 5.0, inbound messages.
    AccountQuery = b'Q', Optional, 1 {}
}

direction! {
    /// One message from client to venue.
    Inbound {
        /// `O`
        Enter(EnterOrder),
        /// `U`
        Replace(ReplaceOrder),
        /// `X`
        Cancel(CancelOrder),
        /// `M`
        Modify(ModifyOrder),
        /// `C`
        MassCancel(MassCancel),
        /// `D`
        Disable(DisableOrderEntry),
        /// `E`
        Enable(EnableOrderEntry),
        /// `Q`
        Query(AccountQuery),
    }
}
