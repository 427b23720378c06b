//! Messages: what crosses a ring. Each is 64 bytes, one cache line.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | kind |
//! | 1..4 | three bytes of the kind's own |
//! | 4..8 | instrument (venue sequence in an [`ExecReport`]) |
//! | 8..56 | body, fields of 8 bytes unless said |
//! | 56..64 | [`Tail`]: ring sequence and the low 32 bits of the engine's ns at publish |

mod code;

pub use code::{CancelRefusal, FeedState, OrdType, Side, Tif};

use crate::ids::{Cause, ClOrdId, ExecId, InstrumentId, VenueOrdId};
use crate::reason::byte_enum;
use crate::units::{Nanos, Price, Qty};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

byte_enum! {
    /// What a message is.
    Kind {
        /// [`BookTop`].
        BookTop = 1, "BookTop";
        /// [`Trade`].
        Trade = 2, "Trade";
        /// [`FeedStatus`].
        FeedStatus = 3, "FeedStatus";
        /// [`Intent`] to enter an order.
        IntentNew = 10, "IntentNew";
        /// [`Intent`] to replace an order: `cl_ord_id` is the new id, the old one is the use before
        /// it.
        IntentReplace = 11, "IntentReplace";
        /// [`Intent`] to cancel an order.
        IntentCancel = 12, "IntentCancel";
        /// [`OrderTerms`] of the intent that follows.
        IntentTerms = 13, "IntentTerms";
        /// [`ParentPrices`] of the parent intent that follows.
        IntentParentPrices = 14, "IntentParentPrices";
        /// [`ParentIntent`]: a parent order.
        IntentParent = 15, "IntentParent";
        /// [`Intent`] to end a parent, named by `cl_ord_id`: no child may follow.
        IntentParentEnd = 16, "IntentParentEnd";
        /// [`Approved`] new order.
        ApprovedNew = 20, "ApprovedNew";
        /// [`Approved`] replace.
        ApprovedReplace = 21, "ApprovedReplace";
        /// [`Approved`] cancel.
        ApprovedCancel = 22, "ApprovedCancel";
        /// [`OrderTerms`] of the approval that follows.
        ApprovedTerms = 23, "ApprovedTerms";
        /// [`ExecReport`]: the order lives at the venue; `last_px`, `last_qty` are the accepted
        /// terms.
        Accepted = 32, "Accepted";
        /// [`ExecReport`]: accepted and at once dead (OUCH order state `D`).
        AcceptedDead = 33, "AcceptedDead";
        /// [`ExecReport`]: replaced; `last_px` the new price, `last_qty` the quantity left exposed.
        Replaced = 34, "Replaced";
        /// [`ExecReport`]: replaced and at once dead.
        ReplacedDead = 35, "ReplacedDead";
        /// [`ExecReport`]: `last_qty` were cancelled (incremental).
        Canceled = 36, "Canceled";
        /// [`ExecReport`]: `last_qty` at `last_px` were executed (incremental).
        Executed = 37, "Executed";
        /// [`ExecReport`]: the venue refused the new order or the replace; its code is in `reason`.
        Rejected = 38, "Rejected";
        /// [`ExecReport`]: the execution `exec_id` is undone; `last_qty` is what works after it if
        /// the venue says so, else 0: then nothing comes back.
        Broken = 39, "Broken";
        /// [`ExecReport`]: a cancel was refused, the order stays; a [`CancelRefusal`] is in
        /// `liquidity`.
        CancelRejected = 40, "CancelRejected";
        /// [`ExecReport`]: a cancel was taken, it will act later.
        CancelPending = 41, "CancelPending";
        /// [`ExecReport`]: price, quantity, display or reference changed by the venue; `last_qty`
        /// is the new quantity of the whole chain, 0 if it is as it was.
        Restated = 42, "Restated";
        /// [`ExecReport`]: `exec_id` is corrected to `last_qty` at `last_px`; the correction's own
        /// execution id is in `venue_ord_id`, 0 if the venue keeps the old one.
        Corrected = 43, "Corrected";
        /// [`ExecReport`]: cancelled, whatever was left of it.
        CanceledAll = 44, "CanceledAll";
        /// [`ExecReport`] made by the gateway: never sent; `reason` is a [`crate::reason::Reason`].
        GateReject = 45, "GateReject";
        /// [`ExecReport`] made by the gateway: the send failed after the first byte; outcome
        /// unknown.
        SendFailed = 46, "SendFailed";
        /// [`ExecReport`] made by the gateway: logged on and the stream is whole; orders may be
        /// sent.
        SessionUp = 47, "SessionUp";
        /// [`ExecReport`] made by the gateway: the session is gone.
        SessionDown = 48, "SessionDown";
        /// [`ExecReport`]: nothing of the order works any more, its time is over.
        Expired = 49, "Expired";
        /// [`OrderUpdate`].
        OrderUpdate = 50, "OrderUpdate";
        /// [`RiskReject`].
        RiskReject = 51, "RiskReject";
        /// [`ParentUpdate`].
        ParentUpdate = 52, "ParentUpdate";
        /// [`ExecReport`]: nothing of the order works any more today.
        DoneForDay = 53, "DoneForDay";
        /// [`ExecReport`]: the venue holds the order back.
        Suspended = 54, "Suspended";
        /// [`ExecReport`]: the venue guarantees a price; no execution yet.
        Stopped = 55, "Stopped";
        /// [`ExecReport`]: a suspended or stopped order works as before.
        Resumed = 56, "Resumed";
        /// [`ExecReport`]: a replace was taken, its answer comes later.
        ReplacePending = 57, "ReplacePending";
        /// [`ExecReport`]: answer to a query, as of `venue_seq`: `last_qty` is filled in all, at
        /// `last_px` on average.
        Status = 58, "Status";
        /// [`ExecReport`]: it is proven that the venue never had the order (C6).
        Absent = 59, "Absent";
        /// [`Command`].
        Command = 60, "Command";
        /// [`ExecReport`]: the venue's own account of a position, as of `venue_seq`: `cl_ord_id` is
        /// a [`ClOrdId::external`], `last_qty` the signed quantity, `last_px` its average price.
        VenuePosition = 61, "VenuePosition";
    }
}

/// Flags of market messages (`flags` of [`BookTop`], [`Trade`], [`FeedStatus`]).
pub mod flags {
    /// The book is not a reference (gap, fault, resync).
    pub const STALE: u8 = 1;
    /// Best bid above best ask.
    pub const CROSSED: u8 = 1 << 1;
    /// Best bid equals best ask.
    pub const LOCKED: u8 = 1 << 2;
    /// The instrument is halted, paused or quotation-only.
    pub const HALT: u8 = 1 << 3;
    /// The latest of several states, because a ring was full.
    pub const CONFLATED: u8 = 1 << 4;
    /// The last message of its datagram.
    pub const LAST: u8 = 1 << 5;
}

/// Flags of [`OrderUpdate`].
pub mod pending {
    /// A cancel is on its way.
    pub const CANCEL: u8 = 1;
    /// A replace is on its way.
    pub const REPLACE: u8 = 1 << 1;
    /// The latest of several states, because the ring was full.
    pub const CONFLATED: u8 = 1 << 2;
}

/// A message of one shape.
pub trait Body: Copy + Sized {
    /// Whether a message whose kind is this byte has this shape.
    fn is(kind: u8) -> bool;
    /// Reads the message as this shape; the caller has checked the kind.
    fn of(message: &Message) -> &Self;
}

macro_rules! body {
    (
        $(#[$doc:meta])*
        $name:ident [$($kind:ident)|+] {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq,
            FromBytes, IntoBytes, Immutable, KnownLayout,
        )]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)+
            /// Ring sequence and time of publishing, written by the link.
            pub tail: Tail,
        }

        const _: () = assert!(size_of::<$name>() == 64 && align_of::<$name>() == 8);

        impl Body for $name {
            #[inline(always)]
            fn is(kind: u8) -> bool {
                $(kind == Kind::$kind as u8)||+
            }
            #[inline(always)]
            fn of(message: &Message) -> &Self {
                zerocopy::transmute_ref!(&message.words)
            }
        }

        impl From<$name> for Message {
            fn from(body: $name) -> Self {
                Self { words: zerocopy::transmute!(body) }
            }
        }
    };
}

body! {
    /// Best bid and ask of one book after a change. An absent side has [`Price::NONE`] and quantity
    /// 0.
    BookTop [BookTop] {
        /// [`Kind::BookTop`].
        kind: u8,
        /// [`flags`].
        flags: u8,
        /// Zero.
        _reserved: [u8; 2],
        /// Whose book.
        instrument: InstrumentId,
        /// Best bid.
        bid_px: Price,
        /// Quantity at the best bid, at least 0.
        bid_qty: Qty,
        /// Best ask.
        ask_px: Price,
        /// Quantity at the best ask, at least 0.
        ask_qty: Qty,
        /// When the bytes that caused it arrived.
        t0: Nanos,
        /// Feed and sequence of the message that caused it.
        cause: Cause,
    }
}

body! {
    /// A print.
    Trade [Trade] {
        /// [`Kind::Trade`].
        kind: u8,
        /// [`flags`].
        flags: u8,
        /// [`Side`] of the resting order where known, else 0.
        side: u8,
        /// Zero.
        _reserved: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// Price of the print.
        px: Price,
        /// Quantity, more than 0.
        qty: Qty,
        /// The venue's match number.
        match_no: ExecId,
        /// The venue's own time, ns since midnight in its zone.
        venue_ts: Nanos,
        /// When the bytes arrived.
        t0: Nanos,
        /// Feed and sequence.
        cause: Cause,
    }
}

body! {
    /// State of a feed: on change, and once per 100 ms of packets so that a quiet book is not taken
    /// for an old one (R24).
    FeedStatus [FeedStatus] {
        /// [`Kind::FeedStatus`].
        kind: u8,
        /// [`flags`].
        flags: u8,
        /// [`FeedState`].
        state: u8,
        /// Index of the feed.
        feed: u8,
        /// [`InstrumentId::NONE`]: the whole feed.
        instrument: InstrumentId,
        /// When the last packet of the feed arrived.
        packet_at: Nanos,
        /// Next sequence expected.
        feed_seq: u64,
        /// When the bytes (or the silence) that caused it were seen.
        t0: Nanos,
        /// Feed and sequence.
        cause: Cause,
        /// Zero.
        _reserved: [u64; 2],
    }
}

body! {
    /// What a strategy wants: a new order, a replace or a cancel.
    Intent [IntentNew | IntentReplace | IntentCancel | IntentParentEnd] {
        /// [`Kind::IntentNew`], [`Kind::IntentReplace`], [`Kind::IntentCancel`] or
        /// [`Kind::IntentParentEnd`].
        kind: u8,
        /// [`Side`].
        side: u8,
        /// [`Tif`].
        tif: u8,
        /// [`OrdType`].
        ord_type: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// Limit price.
        px: Price,
        /// Quantity; of a replace the total for the whole chain.
        qty: Qty,
        /// New id (of a replace: the successor of the old one; of a cancel: the order's last id).
        cl_ord_id: ClOrdId,
        /// Arrival of the bytes that caused it; the origin of the trip's stamps.
        t0: Nanos,
        /// The market event that caused it.
        cause: Cause,
        /// When the feed published that event, ns after `t0`.
        d_publish: u32,
        /// When the strategy began with it, ns after `t0`.
        d_begin: u32,
    }
}

body! {
    /// An order, replace or cancel that passed risk and is in the journal.
    Approved [ApprovedNew | ApprovedReplace | ApprovedCancel] {
        /// [`Kind::ApprovedNew`], [`Kind::ApprovedReplace`] or [`Kind::ApprovedCancel`].
        kind: u8,
        /// [`Side`].
        side: u8,
        /// [`Tif`].
        tif: u8,
        /// [`OrdType`].
        ord_type: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// Limit price.
        px: Price,
        /// Quantity; of a replace the total for the whole chain.
        qty: Qty,
        /// As in the intent.
        cl_ord_id: ClOrdId,
        /// Origin of the trip's stamps.
        t0: Nanos,
        /// Where its record lies in the lane of the risk stage.
        lane_seq: u64,
        /// When risk had decided, ns after `t0`.
        d_decided: u32,
        /// Account.
        account: u16,
        /// [`terms_flags::GIVEN`] when an [`OrderTerms`] came before it, else 0.
        flags: u16,
    }
}

body! {
    /// Anything the venue says of an order, or the gateway says of a send.
    ExecReport [
        Accepted | AcceptedDead | Replaced | ReplacedDead | Canceled | Executed | Rejected | Broken
        | CancelRejected | CancelPending | Restated | GateReject | SendFailed | SessionUp
        | SessionDown | Corrected | CanceledAll | Expired | DoneForDay | Suspended | Stopped
        | Resumed | ReplacePending | Status | Absent | VenuePosition
    ] {
        /// Which of the report kinds.
        kind: u8,
        /// The venue's liquidity code (ASCII), 0 where there is none; a [`CancelRefusal`] in a
        /// `CancelRejected`.
        liquidity: u8,
        /// The venue's reason code; a [`crate::reason::Reason`] in a `GateReject`.
        reason: u16,
        /// Sequence of the report in the venue's stream, low 32 bits; 0 for the gateway's own.
        venue_seq: u32,
        /// Our order. Of one that is not ours (E23) a [`ClOrdId::external`], or [`ClOrdId::NONE`]
        /// where the venue tells neither instrument nor side.
        cl_ord_id: ClOrdId,
        /// The venue's number; for an external order whatever identifies it.
        venue_ord_id: VenueOrdId,
        /// The execution.
        exec_id: ExecId,
        /// Price (see the kind).
        last_px: Price,
        /// Quantity (see the kind).
        last_qty: Qty,
        /// When the bytes arrived.
        t0: Nanos,
    }
}

body! {
    /// State of an order as risk sees it after a report, sent to the order's strategy.
    OrderUpdate [OrderUpdate] {
        /// [`Kind::OrderUpdate`].
        kind: u8,
        /// [`pending`] bits.
        flags: u8,
        /// Base state, as in `record::order::Base`.
        base: u8,
        /// [`crate::reason::Reason`], 0 unless something was refused.
        reason: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// Our order (the last accepted id of its chain).
        cl_ord_id: ClOrdId,
        /// Price of the fill that caused it, [`Price::NONE`] if none.
        last_px: Price,
        /// Signed by nothing: quantity of that fill, 0 if none.
        last_qty: Qty,
        /// Filled in all.
        cum_qty: Qty,
        /// Still working.
        leaves_qty: Qty,
        /// Arrival of the report.
        t0: Nanos,
    }
}

body! {
    /// A refusal by risk, sent to the strategy that asked.
    RiskReject [RiskReject] {
        /// [`Kind::RiskReject`].
        kind: u8,
        /// Zero.
        flags: u8,
        /// The refused intent's kind.
        intent: u8,
        /// [`crate::reason::Reason`].
        reason: u8,
        /// Which instrument.
        instrument: InstrumentId,
        /// The refused id.
        cl_ord_id: ClOrdId,
        /// Measured value, in the unit of the rule, saturated to 64 bits.
        measured: i64,
        /// The limit, in the unit of the rule, saturated to 64 bits.
        limit: i64,
        /// Arrival of the event that caused the intent.
        t0: Nanos,
        /// Zero.
        _reserved: [u64; 2],
    }
}

byte_enum! {
    /// What an operator asks of a hot thread.
    CommandOp {
        /// Let a strategy act.
        StrategyEnable = 1, "STRATEGY_ENABLE";
        /// Stop a strategy; its orders are cancelled.
        StrategyDisable = 2, "STRATEGY_DISABLE";
        /// Set parameter `param` of a strategy to `value`.
        StrategySet = 3, "STRATEGY_SET";
        /// Switch to the limit set that the control thread has filled.
        LimitsSwitch = 4, "LIMITS_SWITCH";
        /// Trading mode of a scope: the low byte of `value` is the mode. Scope of this and of
        /// `Rearm`: `param` is a `record::order::ScopeKind`; an account stands in `value` from bit
        /// 8 on, a strategy in `strategy`, an instrument in `instrument`.
        Mode = 5, "MODE";
        /// Cancel every order of the scope.
        CancelAll = 6, "CANCEL_ALL";
        /// Let an instrument that is held after a contradiction trade again.
        InstrumentRelease = 7, "INSTRUMENT_RELEASE";
        /// Wall clock and engine clock are `value` ns apart (R08).
        ClockDrift = 8, "CLOCK_DRIFT";
        /// A person re-arms the scope: what risk had fallen to is taken back.
        Rearm = 9, "REARM";
        /// One term of an order by hand: `param` is an [`OrderField`], 0 before the first.
        OrderTerm = 20, "ORDER_TERM";
        /// Place the order whose terms were given; `value` is its number.
        OrderPlace = 21, "ORDER_PLACE";
        /// Replace an order by hand: price and quantity were given; `value` is its number.
        OrderReplace = 22, "ORDER_REPLACE";
        /// Cancel an order by hand; `value` is its number.
        OrderCancel = 23, "ORDER_CANCEL";
    }
}

/// Whose orders [`CommandOp::CancelAll`] cancels, in `param`.
pub struct CancelScope;

impl CancelScope {
    /// Those of the command's strategy and instrument, where it names one.
    pub const NAMED: u8 = 0;
    /// Those of the gateway whose index is `value`.
    pub const GATEWAY: u8 = 1;
    /// Those of the account whose index is `value`.
    pub const ACCOUNT: u8 = 2;
}

body! {
    /// An operator's command, checked and journalled by the control thread.
    Command [Command] {
        /// [`Kind::Command`].
        kind: u8,
        /// [`CommandOp`].
        op: u8,
        /// Strategy it is for.
        strategy: u8,
        /// Index of the parameter, in the strategy's declared order.
        param: u8,
        /// Instrument it is for, or [`InstrumentId::NONE`].
        instrument: InstrumentId,
        /// The value, in the parameter's unit.
        value: i64,
        /// Sequence of its record in lane 0.
        lane_seq: u64,
        /// When it was accepted.
        t0: Nanos,
        /// Zero.
        _reserved: [u64; 3],
    }
}

mod order_field;
mod parent;
mod slot;
mod terms;

pub use order_field::OrderField;
pub use parent::{
    ParentIntent, ParentKind, ParentPrices, ParentStatus, ParentUpdate, parent_flags,
};
pub use slot::{Message, Tail};
pub use terms::{OrderTerms, terms_flags};

#[cfg(test)]
mod tests;
