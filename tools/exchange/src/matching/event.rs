//! What an operation of the market brings about: tape events and reports to owners.

use super::order::{Owner, Side};

/// One message of the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketEvent {
    /// ITCH locate of the symbol.
    pub locate: u16,
    /// ITCH tracking number: 0, or the recorded one.
    pub tracking: u16,
    /// What happened.
    pub kind: EventKind,
}

/// What happened on the tape; one ITCH 5.0 message type each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `A`, or `F` with an attribution: an order rests.
    Add {
        /// Number of the order.
        order_ref: u64,
        /// Its side.
        side: Side,
        /// Shares that rest.
        qty: u32,
        /// Display price4.
        px: u32,
        /// Attribution of an `F`.
        mpid: Option<[u8; 4]>,
    },
    /// `E`: a resting order traded at its display price.
    Executed {
        /// Number of the resting order.
        order_ref: u64,
        /// Shares traded.
        qty: u32,
        /// Number of the match.
        match_no: u64,
    },
    /// `C`: a resting order traded at another price.
    ExecutedAt {
        /// Number of the resting order.
        order_ref: u64,
        /// Shares traded.
        qty: u32,
        /// Number of the match.
        match_no: u64,
        /// Whether the print counts as volume.
        printable: bool,
        /// Price4 of the trade.
        px: u32,
    },
    /// `X`: part of an order was cancelled.
    Reduced {
        /// Number of the order.
        order_ref: u64,
        /// Shares taken away.
        qty: u32,
    },
    /// `D`: what was left of an order is gone.
    Deleted {
        /// Number of the order.
        order_ref: u64,
    },
    /// `U`: an order was replaced and lost its place.
    Replaced {
        /// Number of the old order.
        old_ref: u64,
        /// Number of the new one.
        order_ref: u64,
        /// Shares of the new one.
        qty: u32,
        /// Display price4 of the new one.
        px: u32,
    },
    /// `B`: a trade is undone; no effect on the book.
    Broken {
        /// Number of the match.
        match_no: u64,
    },
    /// `P`: a trade against an order that was not displayed; no effect on the book.
    HiddenTrade {
        /// Shares traded.
        qty: u32,
        /// Price4 of the trade.
        px: u32,
        /// Number of the match.
        match_no: u64,
    },
}

/// Why an order, or a part of it, was cancelled. Source: OUCH 5.0, appendix of cancel reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// `U`: asked for by the user.
    User,
    /// `I`: immediate or cancel, and nothing more to trade with.
    Immediate,
    /// `G`: post-only and it would have taken displayed liquidity.
    PostOnly,
    /// `Z`: by the system (cancel on disconnect, a replace with bad terms).
    System,
    /// `E`: the market closed.
    Closed,
    /// `T`: its time is over.
    Timeout,
}

impl CancelReason {
    /// The OUCH letter.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::User => b'U',
            Self::Immediate => b'I',
            Self::PostOnly => b'G',
            Self::System => b'Z',
            Self::Closed => b'E',
            Self::Timeout => b'T',
        }
    }
}

/// Which side of a trade an order was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liquidity {
    /// It rested: `A`.
    Added,
    /// It rested and was not shown: `J`.
    AddedHidden,
    /// It came in and took: `R`.
    Removed,
}

/// What the owner of an order is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose order.
    pub owner: Owner,
    /// The owner's number of the order.
    pub tag: u32,
    /// What happened.
    pub kind: ReportKind,
}

/// What happened to a client's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// The order is in the market (it may be executed or cancelled by the reports that follow).
    Accepted {
        /// The venue's number of it.
        order_ref: u64,
    },
    /// The order took the place of another.
    Replaced {
        /// The owner's number of the order that is gone.
        old_tag: u32,
        /// The venue's number of the new one.
        order_ref: u64,
    },
    /// A reserve order shows shares anew, last in time at its price.
    Refreshed {
        /// The venue's number of what is shown now.
        order_ref: u64,
        /// Shares shown.
        qty: u32,
    },
    /// A trade.
    Executed {
        /// Shares of this trade.
        qty: u32,
        /// Price4 of this trade.
        px: u32,
        /// Rested or took.
        liquidity: Liquidity,
        /// Number of the match, the same on the tape.
        match_no: u64,
    },
    /// Shares left the order without a trade.
    Canceled {
        /// Shares of this cancel.
        qty: u32,
        /// Why.
        reason: CancelReason,
    },
    /// The rest of an incoming order was cancelled since it would have met an order of its owner.
    SelfMatch {
        /// Shares cancelled.
        qty: u32,
        /// Shares that would have traded.
        prevented_qty: u32,
        /// Price4 at which they would have.
        px: u32,
    },
}

/// What operations brought about, in order. The caller drains it after each operation.
#[derive(Debug, Default)]
pub struct Output {
    /// The tape.
    pub events: Vec<MarketEvent>,
    /// Reports to clients.
    pub reports: Vec<Report>,
    /// Tracking number put on events: 0 unless a recording says otherwise.
    pub tracking: u16,
}

impl Output {
    /// Appends a tape event.
    pub fn event(&mut self, locate: u16, kind: EventKind) {
        self.events.push(MarketEvent { locate, tracking: self.tracking, kind });
    }

    /// Appends a report if somebody is there to hear it.
    pub fn report(&mut self, owner: Owner, tag: u32, kind: ReportKind) {
        if owner.is_client() {
            self.reports.push(Report { owner, tag, kind });
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.events.clear();
        self.reports.clear();
    }
}
