//! The market as far as triggers look at it: the last usable top of each instrument. A book that is
//! stale, crossed or halted, and one of a feed that is not live, triggers nothing.

use shm::ids::{FeedId, InstrumentId};
use shm::message::{BookTop, FeedState, FeedStatus, Side, Trade, flags};
use shm::units::Price;

/// What is known of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Best bid, [`Price::NONE`] if there is none.
    pub bid: Price,
    /// Best ask, [`Price::NONE`] if there is none.
    pub ask: Price,
    /// Neither stale, crossed nor halted.
    pub is_usable: bool,
    /// The feed it came of.
    feed: FeedId,
}

impl Quote {
    const UNKNOWN: Self =
        Self { bid: Price::NONE, ask: Price::NONE, is_usable: false, feed: FeedId(0) };
}

/// What has just happened, as a trigger sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// The quote now.
    pub quote: Quote,
    /// The print that has just come, if it is one to look at.
    pub trade: Option<Price>,
}

impl Market {
    /// The price a trigger of a side looks at: the print that has just come, or the quote that an
    /// order of that side would meet. `None` when there is nothing to look at.
    #[must_use]
    pub fn reference(&self, side: Side, on_last_trade: bool) -> Option<Price> {
        if on_last_trade {
            return self.trade;
        }
        let px = match side {
            Side::Buy => self.quote.ask,
            Side::Sell => self.quote.bid,
        };
        (self.quote.is_usable && px.is_some()).then_some(px)
    }
}

/// The quotes of all instruments.
#[derive(Debug)]
pub struct Quotes {
    rows: Box<[Quote]>,
}

impl Quotes {
    /// Nothing known of `instruments` instruments.
    #[must_use]
    pub fn new(instruments: usize) -> Self {
        Self { rows: vec![Quote::UNKNOWN; instruments].into_boxed_slice() }
    }

    /// Takes a top.
    pub fn on_top(&mut self, top: &BookTop) {
        let Some(row) = self.rows.get_mut(top.instrument.index()) else { return };
        let bad = flags::STALE | flags::CROSSED | flags::HALT;
        *row = Quote {
            bid: top.bid_px,
            ask: top.ask_px,
            is_usable: top.flags & bad == 0,
            feed: top.cause.feed(),
        };
    }

    /// The price of a print, if it is one to look at.
    #[must_use]
    pub const fn on_trade(trade: &Trade) -> Option<Price> {
        let is_usable = trade.flags & (flags::STALE | flags::HALT) == 0 && trade.px.is_some();
        if is_usable { Some(trade.px) } else { None }
    }

    /// Takes the state of a feed: one that is not live makes its books unusable until each has a
    /// new top.
    pub fn on_status(&mut self, status: &FeedStatus) {
        if status.state == FeedState::Live as u8 {
            return;
        }
        for row in self.rows.iter_mut().filter(|row| row.feed.0 == status.feed) {
            row.is_usable = false;
        }
    }

    /// Forgets everything: nobody looked for a while.
    pub fn forget(&mut self) {
        for row in &mut self.rows {
            row.is_usable = false;
        }
    }

    /// The market of an instrument, with a print that has just come.
    #[must_use]
    pub fn market(&self, instrument: InstrumentId, trade: Option<Price>) -> Market {
        let quote = self.rows.get(instrument.index()).copied().unwrap_or(Quote::UNKNOWN);
        Market { quote, trade }
    }
}

/// Whether the market has come to a stop of a side: up to that of a buy, down to that of a sell.
#[must_use]
pub fn touches(side: Side, stop_px: Price, px: Price) -> bool {
    match side {
        Side::Buy => px >= stop_px,
        Side::Sell => px <= stop_px,
    }
}
