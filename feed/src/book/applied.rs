//! What a book is made with, and what one message does to it.
#![forbid(unsafe_code)]

use super::orders::Fault;
use shm::ids::{ExecId, InstrumentId};
use shm::message::Side;
use shm::units::{Nanos, Price, Qty};

/// Capacities of [`super::ItchBooks`], made at creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BooksConfig {
    /// Most live orders of all instruments together, 2^24 - 1 at most; 32 bytes each.
    pub orders_max: usize,
    /// Most levels of all instruments together, beside those within a few hundred ticks of the best
    /// prices, which have room of their own (8.4 KB an instrument); about 90 bytes each.
    pub levels_max: usize,
    /// The venue's own letter in `h`: `Q` Nasdaq, `B` BX, `X` PSX.
    pub market: u8,
}

impl Default for BooksConfig {
    fn default() -> Self {
        Self { orders_max: 1 << 20, levels_max: 1 << 17, market: b'Q' }
    }
}

/// Why no book of the feed may be traded on, whatever its own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StaleCause {
    /// No session was heard yet. A source without sessions clears it itself.
    Waiting = 1,
    /// A gap is open.
    Gap = 1 << 1,
    /// The feed is silent.
    Silent = 1 << 2,
    /// Messages were lost for good: only a reset and a rebuild help.
    Lost = 1 << 3,
    /// Two copies of one message differed: only a reset and a rebuild help.
    Conflict = 1 << 4,
    /// A message did not decode: only a reset and a rebuild help.
    Malformed = 1 << 5,
}

/// Whether an instrument trades (rule 8: halted until the venue says otherwise).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradingState {
    /// Halted at all venues.
    Halted,
    /// Paused at all venues.
    Paused,
    /// Quotes are taken, nothing trades.
    QuotationOnly,
    /// Trading.
    Trading,
}

/// A print: something traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Price of the print.
    pub px: Price,
    /// Quantity, more than 0.
    pub qty: Qty,
    /// The venue's match number.
    pub match_no: ExecId,
    /// Side of the resting order; `None` for a hidden order or an auction.
    pub side: Option<Side>,
}

/// What one message did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Applied {
    /// Whose; [`InstrumentId::NONE`] when it is about no instrument of ours.
    pub instrument: InstrumentId,
    /// The venue's time, ns since its midnight.
    pub venue_ts: Nanos,
    /// Best bid or ask changed, in price or quantity.
    pub top: bool,
    /// Some level changed (always so when `top` is).
    pub depth: bool,
    /// The flags changed by a halt, a resume or a fault.
    pub state: bool,
    /// Something traded.
    pub print: Option<Print>,
    /// A trade that is undone: amend statistics by its number.
    pub broken: Option<ExecId>,
    /// A system event: `O` `S` `Q` `M` `E` `C`.
    pub system: Option<u8>,
    /// It could not be; counted.
    pub fault: Option<Fault>,
}

impl Applied {
    pub(super) const NOTHING: Self = Self {
        instrument: InstrumentId::NONE,
        venue_ts: Nanos(0),
        top: false,
        depth: false,
        state: false,
        print: None,
        broken: None,
        system: None,
        fault: None,
    };
}
