//! The reference price of an instrument (R24): the middle of a fresh book, else the last trade,
//! else the prior close.
//!
//! Age is that of the feed, not of the last change: while packets arrive and the sequence is whole,
//! a quiet book is a true one. A book that is stale or crossed is no reference, and neither is a
//! trade beside it.

use shm::ids::{FeedId, InstrumentId};
use shm::message::{BookTop, FeedState, FeedStatus, Kind, Message, Trade, flags};
use shm::units::{Nanos, Price};

use super::setup::Instrument;
use crate::planted::{self, Bug};

/// A reference price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Twice the price, so that the middle of a book is exact. More than 0.
    pub twice: i128,
}

impl Reference {
    /// A price as a reference.
    #[must_use]
    pub const fn of(px: Price) -> Self {
        Self { twice: px.0 as i128 * 2 }
    }

    /// Rounded down to a price.
    #[must_use]
    pub const fn floor(self) -> Price {
        Price((self.twice >> 1) as i64)
    }
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReference {
    /// The feed is not live.
    Feed,
    /// The book is stale or crossed.
    Book,
    /// Nothing came of the feed for this long.
    Age(Nanos),
    /// No book, no trade, no close.
    Absent,
}

#[derive(Clone, Copy, Debug)]
struct View {
    bid: Price,
    ask: Price,
    last: Price,
    prior_close: Price,
    feed: FeedId,
    flags: u8,
}

#[derive(Clone, Copy, Debug)]
struct Feed {
    live: bool,
    at: Nanos,
}

/// The market as risk sees it.
#[derive(Clone, Debug)]
pub struct References {
    views: Box<[View]>,
    feeds: Box<[Feed]>,
}

impl References {
    /// Before the first message: prior closes, no feed live.
    #[must_use]
    pub fn new(instruments: &[Instrument], feeds: usize) -> Self {
        let views = instruments.iter().map(|instrument| View {
            bid: Price::NONE,
            ask: Price::NONE,
            last: Price::NONE,
            prior_close: instrument.prior_close,
            feed: instrument.feed,
            flags: 0,
        });
        Self {
            views: views.collect(),
            feeds: vec![Feed { live: false, at: Nanos(0) }; feeds].into(),
        }
    }

    /// Takes a market message; anything else is ignored.
    pub fn on_market(&mut self, message: &Message) {
        match message.kind() {
            Some(Kind::BookTop) => {
                if let Some(top) = message.view::<BookTop>() {
                    self.on_top(top);
                }
            }
            Some(Kind::Trade) => {
                if let Some(trade) = message.view::<Trade>() {
                    self.on_trade(trade);
                }
            }
            Some(Kind::FeedStatus) => {
                if let Some(status) = message.view::<FeedStatus>() {
                    self.on_status(status);
                }
            }
            Some(_) | None => {}
        }
    }

    fn on_top(&mut self, top: &BookTop) {
        self.hear(top.cause.feed(), top.t0);
        if let Some(view) = self.views.get_mut(top.instrument.index()) {
            (view.bid, view.ask, view.flags) = (top.bid_px, top.ask_px, top.flags);
        }
    }

    fn on_trade(&mut self, trade: &Trade) {
        self.hear(trade.cause.feed(), trade.t0);
        if let Some(view) = self.views.get_mut(trade.instrument.index())
            && trade.flags & flags::STALE == 0
        {
            view.last = trade.px;
            // Only a book says that a halt is over.
            view.flags |= trade.flags & flags::HALT;
        }
    }

    fn on_status(&mut self, status: &FeedStatus) {
        if let Some(feed) = self.feeds.get_mut(usize::from(status.feed)) {
            feed.live = status.state == FeedState::Live as u8;
            feed.at = feed.at.max(status.packet_at);
        }
    }

    fn hear(&mut self, feed: FeedId, at: Nanos) {
        if let Some(feed) = self.feeds.get_mut(feed.index()) {
            feed.at = feed.at.max(at);
        }
    }

    /// Whether the instrument is halted, paused or quotation-only (R10).
    #[must_use]
    pub fn is_halted(&self, instrument: InstrumentId) -> bool {
        self.views.get(instrument.index()).is_none_or(|view| view.flags & flags::HALT != 0)
    }

    /// The reference price at `now`, of a feed heard at most `age_max` ago.
    ///
    /// # Errors
    /// [`NoReference`] says which condition failed.
    #[inline]
    pub fn get(
        &self,
        instrument: InstrumentId,
        now: Nanos,
        age_max: Nanos,
    ) -> Result<Reference, NoReference> {
        let view = self.views.get(instrument.index()).ok_or(NoReference::Absent)?;
        let feed = self.feeds.get(view.feed.index()).ok_or(NoReference::Feed)?;
        if planted::is(Bug::StaleFeedIgnored) {
            return self.price(view);
        }
        if !feed.live {
            return Err(NoReference::Feed);
        }
        if view.flags & (flags::STALE | flags::CROSSED) != 0 {
            return Err(NoReference::Book);
        }
        let age = now.saturating_since(feed.at);
        if age > age_max {
            return Err(NoReference::Age(age));
        }
        self.price(view)
    }

    fn price(&self, view: &View) -> Result<Reference, NoReference> {
        let reference = if view.bid.is_some() && view.ask.is_some() {
            if view.bid > view.ask {
                return Err(NoReference::Book);
            }
            Reference { twice: i128::from(view.bid.0) + i128::from(view.ask.0) }
        } else if view.last.is_some() {
            Reference::of(view.last)
        } else if view.prior_close.is_some() {
            Reference::of(view.prior_close)
        } else {
            return Err(NoReference::Absent);
        };
        if reference.twice > 0 { Ok(reference) } else { Err(NoReference::Absent) }
    }

    /// What to value a position at, whatever its age: middle, last trade, prior close.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        let view = self.views.get(instrument.index())?;
        self.price(view).ok().map(Reference::floor)
    }
}
