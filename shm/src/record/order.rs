//! Decisions, order facts and positions, all written by the risk stage in one lane: the business
//! record of the engine. Any prefix of it is consistent, and state is rebuilt from it alone.

use super::record;
use crate::ids::{Cause, ClOrdId, ExecId, InstrumentId, VenueOrdId};
use crate::reason::byte_enum;
use crate::units::{Nanos, Price, Qty};

byte_enum! {
    /// Base state of an order (RISK_AND_RECOVERY section 4).
    Base {
        /// Refused by risk.
        Denied = 1, "DENIED";
        /// Passed risk, in the journal, not yet on the wire.
        Approved = 2, "APPROVED";
        /// Given to the socket.
        PendingNew = 3, "PENDING_NEW";
        /// Live at the venue.
        New = 4, "NEW";
        /// Live, some of it filled.
        PartiallyFilled = 5, "PARTIALLY_FILLED";
        /// All of it filled.
        Filled = 6, "FILLED";
        /// Suspended by the venue.
        Suspended = 7, "SUSPENDED";
        /// Stopped (guaranteed) by the venue.
        Stopped = 8, "STOPPED";
        /// Done for the day.
        DoneForDay = 9, "DONE_FOR_DAY";
        /// Cancelled.
        Canceled = 10, "CANCELED";
        /// Expired.
        Expired = 11, "EXPIRED";
        /// Refused by the venue, or never sent.
        Rejected = 12, "REJECTED";
        /// Filled and then undone.
        Voided = 13, "VOIDED";
        /// Outcome not known: it keeps its reservation.
        Unknown = 14, "UNKNOWN";
    }
}

impl Base {
    /// Whether the state is an end: nothing of the order works any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Denied
            | Self::Filled
            | Self::Canceled
            | Self::Expired
            | Self::Rejected
            | Self::Voided => true,
            Self::Approved
            | Self::PendingNew
            | Self::New
            | Self::PartiallyFilled
            | Self::Suspended
            | Self::Stopped
            | Self::DoneForDay
            | Self::Unknown => false,
        }
    }
}

record! {
    /// A new order or a replace that passed every check; written before it is pushed to the
    /// gateway.
    ///
    /// # Layout
    /// 96 bytes.
    Approved: 96 {
        /// Limit price.
        px: Price,
        /// Quantity; of a replace the total for the whole chain.
        qty: Qty,
        /// The order.
        cl_ord_id: ClOrdId,
        /// The order it replaces, [`ClOrdId::NONE`] for a new one.
        orig_cl_ord_id: ClOrdId,
        /// Arrival of the event that caused it.
        t0: Nanos,
        /// That event.
        cause: Cause,
        /// Stamps, ns after `t0`: the feed published.
        d_publish: u32,
        /// The strategy began.
        d_begin: u32,
        /// The strategy emitted.
        d_intent: u32,
        /// Risk began.
        d_risk: u32,
        /// Risk had decided.
        d_decided: u32,
        /// Version of the limit set.
        limit_version: u32,
        /// Which instrument.
        instrument: InstrumentId,
        /// Account.
        account: u16,
        /// Index of the gateway.
        gateway: u8,
        /// [`crate::message::Side`].
        side: u8,
        /// [`crate::message::Tif`].
        tif: u8,
        /// [`crate::message::OrdType`].
        ord_type: u8,
        /// [`crate::message::Kind`] of the intent (10 new, 11 replace).
        action: u8,
        /// Which leg of the parent it works for.
        leg: u8,
        /// Zero.
        _reserved: [u8; 4],
        /// The parent it is a child of, [`ClOrdId::NONE`] for none.
        parent: ClOrdId,
    }
}

record! {
    /// Rare terms of the [`Approved`] that follows; only where there are any.
    ///
    /// # Layout
    /// 32 bytes.
    OrderTerms: 32 {
        /// The order.
        cl_ord_id: ClOrdId,
        /// When it ends by itself, engine ns; 0 for never.
        expiry: Nanos,
        /// Quantity shown at a time; 0 for all of it.
        display_qty: Qty,
        /// [`crate::message::terms_flags`].
        flags: u8,
        /// Zero.
        _reserved: [u8; 7],
    }
}

record! {
    /// An intent that was refused: which rule, what it measured, what the limit was.
    ///
    /// # Layout
    /// 96 bytes.
    Denied: 96 {
        /// Measured value in `unit` (low and high word of an `i128`).
        measured: [u64; 2],
        /// The last allowed value in `unit` (low and high word of an `i128`).
        limit: [u64; 2],
        /// Limit price asked.
        px: Price,
        /// Quantity asked.
        qty: Qty,
        /// The refused id.
        cl_ord_id: ClOrdId,
        /// Arrival of the event that caused it.
        t0: Nanos,
        /// That event.
        cause: Cause,
        /// When risk had decided, ns after `t0`.
        d_decided: u32,
        /// Version of the limit set.
        limit_version: u32,
        /// Which instrument.
        instrument: InstrumentId,
        /// Account.
        account: u16,
        /// Index of the gateway.
        gateway: u8,
        /// [`crate::message::Side`].
        side: u8,
        /// [`crate::message::Tif`].
        tif: u8,
        /// [`crate::message::OrdType`].
        ord_type: u8,
        /// [`crate::message::Kind`] of the intent.
        action: u8,
        /// [`crate::reason::Reason`].
        reason: u8,
        /// [`crate::reason::Unit`] of `measured` and `limit`.
        unit: u8,
        /// Zero.
        _reserved: [u8; 3],
    }
}

record! {
    /// A scope's mode has changed, or something about it deserves attention: a limit passed after
    /// the fact, a breaker, a person's word. Risk has acted already; a reader need not.
    ///
    /// # Layout
    /// 64 bytes.
    Alarm: 64 {
        /// Measured value in the rule's unit (low and high word of an `i128`).
        measured: [u64; 2],
        /// The limit in the rule's unit (low and high word of an `i128`).
        limit: [u64; 2],
        /// Which account, strategy or instrument; 0 for the firm.
        id: u32,
        /// [`ScopeKind`].
        scope: u8,
        /// [`crate::reason::Reason`]: the rule; MODE where a person set a mode, NONE where a person
        /// re-armed the scope.
        reason: u8,
        /// [`crate::reason::Unit`] of the two numbers.
        unit: u8,
        /// Mode of the scope after it that a person has set (1 ACTIVE to 4 HALTED).
        set: u8,
        /// Mode of the scope after it that risk itself has fallen to.
        tripped: u8,
        /// 1 if the scope's kill gate was to be closed.
        closes_gate: u8,
        /// Zero.
        _reserved: [u8; 22],
    }
}

byte_enum! {
    /// What a scope of limits is.
    ScopeKind {
        /// Everything.
        Firm = 0, "firm";
        /// One account.
        Account = 1, "account";
        /// One strategy.
        Strategy = 2, "strategy";
        /// One instrument.
        Instrument = 3, "instrument";
    }
}

record! {
    /// The session's best profit of a scope has come so far, or will have come no further when this
    /// is the last: marks, which make it, stand in no record of risk (R36).
    ScopePeak: 32 {
        /// Not less than the best; low word first.
        peak: [u64; 2],
        /// Which of its kind.
        id: u32,
        /// [`ScopeKind`].
        scope: u8,
        /// Zero.
        _reserved: [u8; 11],
    }
}

record! {
    /// What a scope has counted, carried over from the session before.
    ///
    /// # Layout
    /// 128 bytes; money and quantities as two words of an `i128`.
    ScopeTotals: 128 {
        /// Paid for purchases and fees.
        debits: [u64; 2],
        /// The session date's best profit.
        peak: [u64; 2],
        /// Value of the orders entered.
        entered_value: [u64; 2],
        /// Quantity of the orders entered.
        entered_qty: [u64; 2],
        /// Value of the fills.
        traded_value: [u64; 2],
        /// Quantity of the fills.
        traded_qty: [u64; 2],
        /// Orders and replaces.
        orders: u64,
        /// Fills that stand.
        trades: u64,
        /// Fills since arming.
        executions: u32,
        /// Which account, strategy or instrument; 0 for the firm.
        id: u32,
        /// [`ScopeKind`].
        scope: u8,
        /// Mode that a person has set.
        set: u8,
        /// Mode that risk itself has fallen to.
        tripped: u8,
        /// Zero.
        _reserved: [u8; 5],
    }
}

byte_enum! {
    /// Which window of risk holds it.
    RecentKind {
        /// R40: messages of a session. `id` is the gateway.
        Session = 1, "session";
        /// R41: orders of a scope.
        Orders = 2, "orders";
        /// R46: refusals in a scope.
        Rejects = 3, "rejects";
        /// R46: refused cancels in a scope.
        CancelRejects = 4, "cancel-rejects";
        /// R46: sessions lost in a scope.
        Disconnects = 5, "disconnects";
        /// R26: a fill of an account. `id` is the instrument.
        Fill = 6, "fill";
        /// R43: an approval of an account. `id` is the instrument.
        Approval = 7, "approval";
    }
}

record! {
    /// What a window of a rule held at the end of the session before, as far as it is still in it:
    /// a count as of its latest message, or one fill or approval.
    Recent: 64 {
        /// When; of a count the latest.
        at: Nanos,
        /// Price of a fill or approval.
        px: Price,
        /// Quantity of an approval.
        qty: Qty,
        /// Messages of a count.
        count: u32,
        /// Gateway, instrument, or what the scope is of; 0 for the firm.
        id: u32,
        /// Account of a fill or approval.
        account: u16,
        /// [`RecentKind`].
        what: u8,
        /// [`ScopeKind`] of the count of a scope.
        scope: u8,
        /// [`crate::message::Side`] of a fill or approval.
        side: u8,
        /// Zero.
        _reserved: [u8; 27],
    }
}

/// Splits an `i128` into the two words of a record.
#[must_use]
pub const fn words_of(value: i128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}

/// Joins the two words of a record.
#[must_use]
pub const fn value_of(words: [u64; 2]) -> i128 {
    (words[1] as i128) << 64 | words[0] as i128
}

record! {
    /// A cancel that was passed on (E11).
    CancelAsked: 32 {
        /// The order.
        cl_ord_id: ClOrdId,
        /// Arrival of the event that caused it.
        t0: Nanos,
        /// That event.
        cause: Cause,
        /// When the strategy emitted, ns after `t0`.
        d_intent: u32,
        /// When risk had decided, ns after `t0`.
        d_decided: u32,
    }
}

record! {
    /// One report applied to the order table: the fact, and the state after it.
    ///
    /// # Layout
    /// 96 bytes.
    OrderEvent: 96 {
        /// The order (the id the report spoke of); of an external one a [`ClOrdId::external`] or
        /// [`ClOrdId::NONE`].
        cl_ord_id: ClOrdId,
        /// The venue's number.
        venue_ord_id: VenueOrdId,
        /// The execution, 0 if none.
        exec_id: ExecId,
        /// Price of the report.
        last_px: Price,
        /// Quantity of the report.
        last_qty: Qty,
        /// Filled in all, after it.
        cum_qty: Qty,
        /// Working, after it.
        leaves_qty: Qty,
        /// Limit price in force after it.
        px: Price,
        /// Quantity of the whole chain in force after it.
        qty: Qty,
        /// Position of the strategy in the instrument after it.
        position: Qty,
        /// Which instrument.
        instrument: InstrumentId,
        /// Sequence of the report in the venue's stream, low 32 bits.
        venue_seq: u32,
        /// [`crate::message::Kind`] of the report.
        event: u8,
        /// [`Base`] after it.
        base: u8,
        /// [`crate::message::pending`] bits after it, and `LATE` and the like of [`OrderEvent`].
        flags: u8,
        /// The venue's liquidity code.
        liquidity: u8,
        /// The venue's reason code, or [`crate::reason::Reason`] of a gate reject.
        reason: u16,
        /// Index of the gateway.
        gateway: u8,
        /// [`crate::message::Side`].
        side: u8,
    }
}

impl OrderEvent {
    /// Flag: a fill that came after the order's end.
    pub const LATE: u8 = 1 << 4;
    /// Flag: more was filled than asked.
    pub const OVERFILL: u8 = 1 << 5;
    /// Flag: part of what is filled was told by a status, and has not been reported (E22).
    pub const INFERRED: u8 = 1 << 3;
    /// Flag: it contradicts an earlier report, and its instrument is held (E4, E5, E7).
    pub const CONTRADICTS: u8 = 1 << 6;
    /// Flag: it tells of exposure that nobody asked for, and its instrument may only be reduced
    /// (E8, E23, C8, a fill worse than its limit).
    pub const EXPOSES: u8 = 1 << 7;
}

record! {
    /// Position and money of one strategy in one instrument after a fill, bust or correction.
    /// Strategy and account follow from the configuration and the order id.
    ///
    /// # Layout
    /// 96 bytes; money as two words of an `i128` at 1e-17.
    PositionEvent: 96 {
        /// Total cost of the open position (signed; positive for a long one).
        cost: [u64; 2],
        /// Realised profit of the session.
        realised: [u64; 2],
        /// Fees less rebates of the session.
        fees: [u64; 2],
        /// Signed position after it.
        position: Qty,
        /// Price of the fill.
        last_px: Price,
        /// Signed quantity of the fill.
        last_qty: Qty,
        /// The order.
        cl_ord_id: ClOrdId,
        /// The execution.
        exec_id: ExecId,
        /// Which instrument.
        instrument: InstrumentId,
        /// Account.
        account: u16,
        /// Strategy.
        strategy: u8,
        /// Zero.
        _reserved: u8,
    }
}
