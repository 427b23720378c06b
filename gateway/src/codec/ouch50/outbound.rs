//! Venue to client.

use super::code::{
    BrokenReasonCode, CancelReasonCode, CapacityCode, CrossCode, DisplayCode, EventCode, IsoCode,
    LiquidityCode, OrderStateCode, RestateReasonCode, SideCode, TifCode,
};
use super::message::{direction, messages};
use super::{CL_ORD_ID_BYTES, RejectReason, WirePx};
use zerocopy::byteorder::big_endian::{U32, U64};

messages! {
    /// System Event. Source: OUCH 5.0, outbound messages.
    SystemEvent = b'S', Bare, 10 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Start or end of day.
        event: EventCode,
    }

    /// Order Accepted. The echoed values rule: price may be better, time in force shorter than
    /// asked. Source: OUCH 5.0, outbound messages.
    Accepted = b'A', Required, 64 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// Side.
        side: SideCode,
        /// Shares accepted.
        qty: U32,
        /// Symbol.
        symbol: [u8; 8],
        /// Accepted price.
        px: WirePx,
        /// Accepted time in force.
        tif: TifCode,
        /// Accepted display.
        display: DisplayCode,
        /// The venue's number, the same as on ITCH.
        order_ref: U64,
        /// Capacity.
        capacity: CapacityCode,
        /// Intermarket sweep.
        iso: IsoCode,
        /// Cross.
        cross_type: CrossCode,
        /// Live, or accepted and cancelled at once (nothing follows).
        state: OrderStateCode,
        /// Echo of the client's text.
        cl_ord_id: [u8; CL_ORD_ID_BYTES],
    }

    /// Order Replaced. Source: OUCH 5.0, outbound messages.
    Replaced = b'U', Required, 68 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// The replaced number.
        orig_user_ref_num: U32,
        /// The new number.
        user_ref_num: U32,
        /// Side.
        side: SideCode,
        /// Shares left exposed.
        qty: U32,
        /// Symbol.
        symbol: [u8; 8],
        /// Accepted price.
        px: WirePx,
        /// Accepted time in force.
        tif: TifCode,
        /// Accepted display.
        display: DisplayCode,
        /// The venue's number of the new order.
        order_ref: U64,
        /// Capacity.
        capacity: CapacityCode,
        /// Intermarket sweep.
        iso: IsoCode,
        /// Cross.
        cross_type: CrossCode,
        /// Live or dead.
        state: OrderStateCode,
        /// Echo of the client's text.
        cl_ord_id: [u8; CL_ORD_ID_BYTES],
    }

    /// Order Canceled, in whole or in part. Source: OUCH 5.0, outbound messages.
    Canceled = b'C', Optional, 18 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// Shares taken off by this message.
        qty: U32,
        /// Why.
        reason: CancelReasonCode,
    }

    /// Canceled by the anti-internalization rule. Source: OUCH 5.0, outbound messages.
    AiqCanceled = b'D', Optional, 32 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// Shares taken off by this message.
        qty: U32,
        /// `Q`.
        reason: CancelReasonCode,
        /// Shares that would have traded.
        qty_prevented: U32,
        /// Price they would have traded at.
        px: WirePx,
        /// Liquidity they would have had.
        liquidity: LiquidityCode,
        /// The strategy that was applied.
        aiq_strategy: u8,
    }

    /// Order Executed. Source: OUCH 5.0, outbound messages.
    Executed = b'E', Required, 36 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// Shares of this execution.
        qty: U32,
        /// Price of this execution.
        px: WirePx,
        /// Added, removed, cross.
        liquidity: LiquidityCode,
        /// Number of the match, the same as on ITCH.
        match_number: U64,
    }

    /// Broken Trade. Source: OUCH 5.0, outbound messages.
    Broken = b'B', Optional, 36 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// The broken match.
        match_number: U64,
        /// Why.
        reason: BrokenReasonCode,
        /// Echo of the client's text.
        cl_ord_id: [u8; CL_ORD_ID_BYTES],
    }

    /// Rejected; the user reference number is spent. Source: OUCH 5.0, outbound messages.
    Rejected = b'J', Optional, 29 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the refused request.
        user_ref_num: U32,
        /// Why.
        reason: RejectReason,
        /// Echo of the client's text.
        cl_ord_id: [u8; CL_ORD_ID_BYTES],
    }

    /// Cancel Pending: a cross order that will be cancelled after the cross. Source: OUCH 5.0,
    /// outbound messages.
    CancelPending = b'P', Optional, 13 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
    }

    /// Cancel Reject: a partial cancel refused, nothing scheduled. Source: OUCH 5.0, outbound
    /// messages.
    CancelReject = b'I', Optional, 13 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
    }

    /// Order Priority Update. Source: OUCH 5.0, outbound messages.
    PriorityUpdate = b'T', Optional, 30 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// New price.
        px: WirePx,
        /// New display.
        display: DisplayCode,
        /// The venue's new number.
        order_ref: U64,
    }

    /// Order Modified. Source: OUCH 5.0, outbound messages.
    Modified = b'M', Optional, 18 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// New side.
        side: SideCode,
        /// Shares outstanding.
        qty: U32,
    }

    /// Order Restated; what changed is in the options. Source: OUCH 5.0, outbound messages.
    Restated = b'R', Required, 16 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the order.
        user_ref_num: U32,
        /// Refresh of the displayed part, or a new displayed price.
        reason: RestateReasonCode,
    }

    /// Mass Cancel Response. Source: OUCH 5.0, outbound messages.
    MassCancelResponse = b'X', Required, 27 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the request.
        user_ref_num: U32,
        /// Firm.
        firm: [u8; 4],
        /// Symbol, or spaces for all.
        symbol: [u8; 8],
    }

    /// Disable Order Entry Response. Source: OUCH 5.0, outbound messages.
    DisableResponse = b'G', Required, 19 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the request.
        user_ref_num: U32,
        /// Firm.
        firm: [u8; 4],
    }

    /// Enable Order Entry Response. Source: OUCH 5.0, outbound messages.
    EnableResponse = b'K', Required, 19 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// Number of the request.
        user_ref_num: U32,
        /// Firm.
        firm: [u8; 4],
    }

    /// Account Query Response. Source: OUCH 5.0, outbound messages.
    QueryResponse = b'Q', Optional, 13 {
        /// Nanoseconds since midnight, Eastern time.
        timestamp: U64,
        /// The number the venue expects next.
        next_user_ref_num: U32,
    }
}

direction! {
    /// One message from venue to client.
    Outbound {
        /// `S`
        SystemEvent(SystemEvent),
        /// `A`
        Accepted(Accepted),
        /// `U`
        Replaced(Replaced),
        /// `C`
        Canceled(Canceled),
        /// `D`
        AiqCanceled(AiqCanceled),
        /// `E`
        Executed(Executed),
        /// `B`
        Broken(Broken),
        /// `J`
        Rejected(Rejected),
        /// `P`
        CancelPending(CancelPending),
        /// `I`
        CancelReject(CancelReject),
        /// `T`
        PriorityUpdate(PriorityUpdate),
        /// `M`
        Modified(Modified),
        /// `R`
        Restated(Restated),
        /// `X`
        MassCancelResponse(MassCancelResponse),
        /// `G`
        DisableResponse(DisableResponse),
        /// `K`
        EnableResponse(EnableResponse),
        /// `Q`
        QueryResponse(QueryResponse),
    }
}
