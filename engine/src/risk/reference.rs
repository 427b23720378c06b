//! The reference price of an instrument (R24): the middle of a fresh book, else the last trade,
//! else the prior close.
//!
//! Age is that of the feed, not of the last change: while packets arrive and the sequence is whole,
//! a quiet book is a true one. A book that is stale or crossed is no reference, and neither is a
//! trade beside it.

use shm::ids::{FeedId, InstrumentId};
use shm::message::{BookTop, FeedState, FeedStatus, Kind, Message, Side, Trade, flags};
use shm::units::{Nanos, Price, Qty};

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

/// What the market shows of an instrument.
///
/// # Layout
/// One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct View {
    bid: Price,
    ask: Price,
    bid_qty: Qty,
    ask_qty: Qty,
    last: Price,
    prior_close: Price,
    /// Where it comes from.
    pub(super) feed: FeedId,
    flags: u8,
}

impl View {
    /// Neither stale nor crossed (F1, F5).
    #[inline]
    pub(super) const fn is_whole(&self) -> bool {
        self.flags & (flags::STALE | flags::CROSSED) == 0
    }

    /// Halted, paused or quotation-only.
    #[inline]
    pub(super) const fn is_halted(&self) -> bool {
        self.flags & flags::HALT != 0
    }

    /// Twice the price that [`References::price`] finds; `None` also where it is beyond the
    /// integer.
    #[inline]
    pub(super) fn twice(&self) -> Option<i64> {
        let twice = if self.bid.is_some() && self.ask.is_some() {
            self.bid.0.checked_add(self.ask.0).filter(|_| self.bid <= self.ask)?
        } else if self.last.is_some() {
            self.last.0.checked_mul(2)?
        } else {
            self.prior_close.is_some().then(|| self.prior_close.0.checked_mul(2)).flatten()?
        };
        (twice > 0).then_some(twice)
    }

    /// Quantity shown at the best price that an order of `side` would meet; 0 where nothing is.
    #[inline]
    pub(super) const fn shown(&self, side: Side) -> Qty {
        match side {
            Side::Buy if self.ask.is_some() => self.ask_qty,
            Side::Sell if self.bid.is_some() => self.bid_qty,
            Side::Buy | Side::Sell => Qty::ZERO,
        }
    }
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
            bid_qty: Qty::ZERO,
            ask_qty: Qty::ZERO,
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

    /// Takes a market message; anything else is ignored. The instrument whose reference may have
    /// changed.
    #[inline]
    pub fn on_market(&mut self, message: &Message) -> Option<InstrumentId> {
        match message.kind() {
            Some(Kind::BookTop) => {
                let top = message.view::<BookTop>()?;
                self.on_top(top);
                Some(top.instrument)
            }
            Some(Kind::Trade) => {
                let trade = message.view::<Trade>()?;
                self.on_trade(trade);
                Some(trade.instrument)
            }
            Some(Kind::FeedStatus) => {
                self.on_status(message.view::<FeedStatus>()?);
                None
            }
            Some(_) | None => None,
        }
    }

    fn on_top(&mut self, top: &BookTop) {
        self.hear(top.cause.feed(), top.t0);
        if let Some(view) = self.views.get_mut(top.instrument.index()) {
            (view.bid, view.ask, view.flags) = (top.bid_px, top.ask_px, top.flags);
            (view.bid_qty, view.ask_qty) = (top.bid_qty, top.ask_qty);
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
        self.views.get(instrument.index()).is_none_or(View::is_halted)
    }

    /// What the market shows of an instrument.
    #[inline]
    pub(super) fn view(&self, instrument: InstrumentId) -> Option<&View> {
        self.views.get(instrument.index())
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
        if planted::is(Bug::StaleFeedIgnored) {
            return self.price(view);
        }
        match self.feed(view.feed, now, age_max) {
            Err(NoReference::Feed) => Err(NoReference::Feed),
            _ if !view.is_whole() => Err(NoReference::Book),
            Err(why) => Err(why),
            Ok(()) => self.price(view),
        }
    }

    /// [`References::mark`], and whether it is a price now that is a reference but for its feed's
    /// age.
    #[inline]
    pub(super) fn valued(&self, instrument: InstrumentId) -> (Option<Price>, bool) {
        let Some(view) = self.views.get(instrument.index()) else { return (None, false) };
        let px = match view.twice() {
            Some(twice) => Some(Price(twice >> 1)),
            None => self.price(view).ok().map(Reference::floor),
        };
        (px, px.is_some() && view.is_whole())
    }

    /// Whether a feed is live and was heard at most `age_max` ago.
    ///
    /// # Errors
    /// [`NoReference::Feed`], [`NoReference::Age`].
    #[inline]
    pub fn feed(&self, feed: FeedId, now: Nanos, age_max: Nanos) -> Result<(), NoReference> {
        let feed = self.feeds.get(feed.index()).filter(|feed| feed.live);
        let age = now.saturating_since(feed.ok_or(NoReference::Feed)?.at);
        if age > age_max { Err(NoReference::Age(age)) } else { Ok(()) }
    }

    /// Quantity shown at the best price that an order of `side` would meet; 0 where nothing is.
    #[must_use]
    #[inline]
    pub fn shown(&self, instrument: InstrumentId, side: Side) -> Qty {
        self.views.get(instrument.index()).map_or(Qty::ZERO, |view| view.shown(side))
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
