//! One order: what a client or the flow asks for, and what rests in a book.

pub use shm::message::Side;

/// What a side means for prices and on the tape.
pub trait SideRule {
    /// The ITCH letter: `B` or `S`.
    fn letter(self) -> u8;
    /// Whether an order of this side limited at `limit_px` may trade with one resting at `px`.
    fn reaches(self, limit_px: u32, px: u32) -> bool;
    /// Whether a resting order of this side at `px` is hit before one at `other`.
    fn beats(self, px: u32, other: u32) -> bool;
}

impl SideRule for Side {
    fn letter(self) -> u8 {
        match self {
            Self::Buy => b'B',
            Self::Sell => b'S',
        }
    }

    fn reaches(self, limit_px: u32, px: u32) -> bool {
        match self {
            Self::Buy => px <= limit_px,
            Self::Sell => px >= limit_px,
        }
    }

    fn beats(self, px: u32, other: u32) -> bool {
        match self {
            Self::Buy => px > other,
            Self::Sell => px < other,
        }
    }
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tif {
    /// Until cancelled, executed or the end of the session.
    Day,
    /// What cannot trade at once is cancelled.
    Ioc,
}

/// Who owns an order. `Owner::FLOW` is the background flow; clients count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner(pub u32);

impl Owner {
    /// The background flow, generated or recorded: nobody hears its reports.
    pub const FLOW: Self = Self(0);

    /// Whether somebody is told what happens to the order.
    #[must_use]
    pub const fn is_client(self) -> bool {
        self.0 != 0
    }
}

/// What an order keeps from others. Source: OUCH 5.0, Enter Order Message (Display) and its options
/// MaxFloor and MinQty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Special {
    /// Not on the tape; behind all shown orders of its price.
    pub hidden: bool,
    /// Shares shown at a time, the rest in reserve; 0 shows all.
    pub floor_qty: u32,
    /// It trades at least so many shares at once, or not at all; 0 for any.
    pub min_qty: u32,
}

/// An order as it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Who is told of it.
    pub owner: Owner,
    /// The owner's own number of the order (OUCH UserRefNum); comes back in every report.
    pub tag: u32,
    /// The symbol's ITCH locate, `1..=symbols`.
    pub locate: u16,
    /// Buy or sell.
    pub side: Side,
    /// Shares, 1 or more.
    pub qty: u32,
    /// Limit price4, 1 or more; `None` takes any price and never rests.
    pub limit_px: Option<u32>,
    /// Day or immediate.
    pub tif: Tif,
    /// Cancelled whole instead of taking liquidity.
    pub post_only: bool,
    /// Shown with this market participant id (ITCH `F` in place of `A`).
    pub mpid: Option<[u8; 4]>,
    /// What it keeps from others.
    pub special: Special,
}

/// An order that rests in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The venue's number, unique in the session; the same in ITCH and OUCH.
    pub order_ref: u64,
    /// Who is told of it.
    pub owner: Owner,
    /// The owner's number of it.
    pub tag: u32,
    /// The symbol's ITCH locate.
    pub locate: u16,
    /// The side it rests on.
    pub side: Side,
    /// Display price4.
    pub px: u32,
    /// Shares still open, 1 or more; of a reserve order those that are shown.
    pub leaves_qty: u32,
    /// Shares in reserve.
    pub reserve_qty: u32,
    /// What it keeps from others.
    pub special: Special,
    /// Attribution, if shown with one.
    pub mpid: Option<[u8; 4]>,
    /// Older neighbour at the price (index into the slab), or [`Order::END`].
    pub(super) older: u32,
    /// Younger neighbour at the price, or [`Order::END`].
    pub(super) younger: u32,
}

impl Order {
    /// No neighbour.
    pub(super) const END: u32 = u32::MAX;
}
