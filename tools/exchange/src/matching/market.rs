//! All books, and the operations on them.

use super::book::Book;
use super::event::{CancelReason, EventKind, Liquidity, Output, ReportKind};
use super::order::{NewOrder, Order, Owner, Side, SideRule, Tif};
use std::collections::HashMap;

/// What happens when an order would trade with another of the same owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfMatch {
    /// It trades.
    #[default]
    Allow,
    /// The incoming order's rest is cancelled; the resting order stays.
    CancelIncoming,
}

/// The books of all symbols. Locates count from 1 and index the books.
#[derive(Debug)]
pub struct Market {
    pub(super) books: Vec<Book>,
    /// Orders that are not shown.
    dark: Vec<Book>,
    pub(super) slab: Vec<Order>,
    free: Vec<u32>,
    pub(super) by_ref: HashMap<u64, u32>,
    next_ref: u64,
    next_match_no: u64,
    self_match: SelfMatch,
}

/// Terms of an incoming order while it trades.
struct Aggressor {
    owner: Owner,
    tag: u32,
    locate: u16,
    side: Side,
    limit_px: u32,
}

impl Aggressor {
    fn of(order: &NewOrder) -> Self {
        let limit_px = order.limit_px.unwrap_or(match order.side {
            Side::Buy => u32::MAX,
            Side::Sell => 0,
        });
        let NewOrder { owner, tag, locate, side, .. } = *order;
        Self { owner, tag, locate, side, limit_px }
    }
}

impl Order {
    /// Whether it trades with an incoming order that has `qty` shares left.
    fn takes_part(&self, qty: u32) -> bool {
        self.special.min_qty.min(self.leaves_qty) <= qty
    }
}

impl Market {
    /// A market of `symbols` books with locates `1..=symbols`. The first order gets `first_ref`.
    #[must_use]
    pub fn new(symbols: u16, first_ref: u64, self_match: SelfMatch) -> Self {
        Self {
            books: (0..=symbols).map(|_| Book::default()).collect(),
            dark: (0..=symbols).map(|_| Book::default()).collect(),
            slab: Vec::new(),
            free: Vec::new(),
            by_ref: HashMap::new(),
            next_ref: first_ref,
            next_match_no: 1,
            self_match,
        }
    }

    /// The book of `locate`, if it is listed.
    #[must_use]
    pub fn book(&self, locate: u16) -> Option<&Book> {
        self.books.get(usize::from(locate)).filter(|_| locate != 0)
    }

    /// Largest listed locate.
    #[must_use]
    pub fn locate_max(&self) -> u16 {
        (self.books.len() - 1) as u16
    }

    /// Makes room for `locate`: recordings name symbols as they go.
    pub fn list(&mut self, locate: u16) {
        while self.books.len() <= usize::from(locate) {
            self.books.push(Book::default());
            self.dark.push(Book::default());
        }
    }

    /// The resting order numbered `order_ref`.
    #[must_use]
    pub fn order(&self, order_ref: u64) -> Option<&Order> {
        self.by_ref.get(&order_ref).map(|&index| &self.slab[index as usize])
    }

    /// First order in time at the best price of `side`.
    #[must_use]
    pub fn front(&self, locate: u16, side: Side) -> Option<&Order> {
        let book = self.book(locate)?;
        let level = book.level(side, book.best_px(side)?)?;
        Some(&self.slab[level.oldest as usize])
    }

    /// Orders at one price, first in time first.
    pub fn queue(&self, locate: u16, side: Side, px: u32) -> impl Iterator<Item = &Order> + '_ {
        let first = self
            .book(locate)
            .and_then(|book| book.level(side, px))
            .map_or(Order::END, |level| level.oldest);
        let at = |index: u32| (index != Order::END).then(|| &self.slab[index as usize]);
        std::iter::successors(at(first), move |order| at(order.younger))
    }

    /// A match number that no trade had yet.
    pub fn take_match_no(&mut self) -> u64 {
        let match_no = self.next_match_no;
        self.next_match_no += 1;
        match_no
    }

    /// Lifts the next match number above one that a recording used.
    pub fn raise_match_no(&mut self, seen: u64) {
        self.next_match_no = self.next_match_no.max(seen.saturating_add(1));
    }

    /// Enters `order`: it trades with what it reaches, best price and oldest first, each at the
    /// resting price; the rest of a day order with a limit rests. Returns the venue's number.
    ///
    /// The caller has checked the terms: a listed locate, `qty >= 1`, a limit of 1 or more.
    pub fn enter(&mut self, order: &NewOrder, out: &mut Output) -> u64 {
        let order_ref = self.next_ref;
        self.next_ref += 1;
        out.report(order.owner, order.tag, ReportKind::Accepted { order_ref });
        self.place(order, order_ref, order.qty, out);
        order_ref
    }

    /// Replaces the resting order `old_ref` by one of `qty` shares at `limit_px`, which loses its
    /// place in time and keeps side, symbol, owner and attribution. Returns the new number, `None`
    /// if the old order is not resting (nothing happens then).
    pub fn replace(&mut self, old_ref: u64, order: &NewOrder, out: &mut Output) -> Option<u64> {
        let &index = self.by_ref.get(&old_ref)?;
        let old = self.slab[index as usize];
        let order_ref = self.next_ref;
        self.next_ref += 1;
        let order = &NewOrder {
            owner: old.owner,
            locate: old.locate,
            side: old.side,
            mpid: old.mpid,
            ..*order
        };
        out.report(old.owner, order.tag, ReportKind::Replaced { old_tag: old.tag, order_ref });
        self.unlink(index);
        match order.limit_px {
            Some(px)
                if order.tif == Tif::Day
                    && !old.special.hidden
                    && !order.special.hidden
                    && !self.would_trade(order) =>
            {
                let qty = self.rest(order, order_ref, px, order.qty);
                out.event(order.locate, EventKind::Replaced { old_ref, order_ref, qty, px });
            }
            _ => {
                if !old.special.hidden {
                    out.event(order.locate, EventKind::Deleted { order_ref: old_ref });
                }
                self.place(order, order_ref, order.qty, out);
            }
        }
        Some(order_ref)
    }

    /// Takes `qty` shares off a resting order, which keeps its place; all of them or more take it
    /// out. Its owner hears of it. Returns the shares taken, 0 if it does not rest.
    pub fn reduce(
        &mut self,
        order_ref: u64,
        qty: u32,
        reason: CancelReason,
        out: &mut Output,
    ) -> u32 {
        let Some(&Order { owner, tag, .. }) = self.order(order_ref) else { return 0 };
        let qty = self.shrink(order_ref, qty, out);
        if qty > 0 {
            out.report(owner, tag, ReportKind::Canceled { qty, reason });
        }
        qty
    }

    /// As [`Market::reduce`], seen on the tape alone.
    pub fn shrink(&mut self, order_ref: u64, qty: u32, out: &mut Output) -> u32 {
        let Some(&index) = self.by_ref.get(&order_ref) else { return 0 };
        let order = self.slab[index as usize];
        // What is in reserve goes first: nobody sees it go.
        let unseen = qty.min(order.reserve_qty);
        self.slab[index as usize].reserve_qty -= unseen;
        let qty = (qty - unseen).min(order.leaves_qty);
        if qty == 0 {
            return unseen;
        }
        let kind = if qty == order.leaves_qty {
            EventKind::Deleted { order_ref }
        } else {
            EventKind::Reduced { order_ref, qty }
        };
        if !order.special.hidden {
            out.event(order.locate, kind);
        }
        self.take(index, qty);
        unseen + qty
    }

    /// Takes a resting order out. Returns the shares it had, 0 if it does not rest.
    pub fn cancel(&mut self, order_ref: u64, reason: CancelReason, out: &mut Output) -> u32 {
        self.reduce(order_ref, u32::MAX, reason, out)
    }

    /// Whether `order` would trade at once.
    #[must_use]
    pub fn would_trade(&self, order: &NewOrder) -> bool {
        let qty = order.special.min_qty.max(1);
        self.reachable(&Aggressor::of(order), order.qty, qty) >= qty
    }

    /// Shares, up to `enough`, that an incoming order of `qty` shares would trade.
    fn reachable(&self, aggressor: &Aggressor, qty: u32, enough: u32) -> u32 {
        let side = aggressor.side.opposite();
        let mut found = 0_u32;
        for books in [&self.books, &self.dark] {
            let Some(book) = books.get(usize::from(aggressor.locate)) else { continue };
            let reached = book
                .levels(side)
                .take_while(|at| aggressor.side.reaches(aggressor.limit_px, at.px));
            for view in reached {
                let level = book.level(side, view.px).filter(|_| found < enough);
                let Some(level) = level else { break };
                let mut index = level.oldest;
                while index != Order::END && found < enough {
                    let order = &self.slab[index as usize];
                    if order.takes_part(qty) {
                        found = found.saturating_add(order.leaves_qty + order.reserve_qty);
                    }
                    index = order.younger;
                }
            }
        }
        found.min(qty)
    }

    /// The first resting order, in price, shown before hidden, then time, that an incoming order
    /// with `qty` shares left trades with, and its price.
    fn next_match(&self, aggressor: &Aggressor, qty: u32) -> Option<(u32, u32)> {
        let side = aggressor.side.opposite();
        let at = usize::from(aggressor.locate);
        let shown = self.books[at].best_px(side).map(|px| {
            (self.books[at].level(side, px).expect("the best price has a level").oldest, px)
        });
        let shown = shown.filter(|(_, px)| aggressor.side.reaches(aggressor.limit_px, *px));
        if self.dark[at].order_count() == 0 {
            return shown;
        }
        let dark = self.dark[at].levels(side).find_map(|view| {
            let first = self.dark[at].level(side, view.px)?.oldest;
            let next = |index: &u32| Some(self.slab.get(*index as usize)?.younger);
            let queue = std::iter::successors(Some(first), next);
            let mut queue = queue.take_while(|index| *index != Order::END);
            let index = queue.find(|index| self.slab[*index as usize].takes_part(qty))?;
            Some((index, view.px))
        });
        let dark = dark.filter(|(_, px)| aggressor.side.reaches(aggressor.limit_px, *px));
        match (shown, dark) {
            (Some(shown), Some(dark)) if side.beats(dark.1, shown.1) => Some(dark),
            (Some(shown), _) => Some(shown),
            (None, dark) => dark,
        }
    }

    /// Numbers of all orders of `owner` that rest, in the order in which they came.
    #[must_use]
    pub fn orders_of(&self, owner: Owner) -> Vec<u64> {
        let mut refs: Vec<u64> = self
            .by_ref
            .values()
            .map(|&index| &self.slab[index as usize])
            .filter(|order| order.owner == owner)
            .map(|order| order.order_ref)
            .collect();
        refs.sort_unstable();
        refs
    }

    /// Trades and rests an accepted order.
    fn place(&mut self, order: &NewOrder, order_ref: u64, qty: u32, out: &mut Output) {
        let canceled = |qty, reason| ReportKind::Canceled { qty, reason };
        if order.post_only && self.would_trade(order) {
            out.report(order.owner, order.tag, canceled(qty, CancelReason::PostOnly));
            return;
        }
        let aggressor = Aggressor::of(order);
        let least = order.special.min_qty.min(qty);
        let is_enough = least == 0 || self.reachable(&aggressor, qty, least) >= least;
        let leaves_qty = if is_enough { self.trade(&aggressor, qty, out) } else { qty };
        if leaves_qty == 0 {
            return;
        }
        match order.limit_px {
            Some(px) if order.tif == Tif::Day => {
                let shown_qty = self.rest(order, order_ref, px, leaves_qty);
                if !order.special.hidden {
                    out.event(order.locate, add_event(order, order_ref, px, shown_qty));
                }
            }
            _ => out.report(order.owner, order.tag, canceled(leaves_qty, CancelReason::Immediate)),
        }
    }

    /// Matches until nothing is reached or nothing is left. Returns what is left; 0 also when
    /// self-match prevention cancelled the rest.
    fn trade(&mut self, aggressor: &Aggressor, qty: u32, out: &mut Output) -> u32 {
        let mut leaves_qty = qty;
        while leaves_qty > 0 {
            let Some((index, px)) = self.next_match(aggressor, leaves_qty) else { break };
            let resting = self.slab[index as usize];
            let trade_qty = leaves_qty.min(resting.leaves_qty);
            if self.self_match == SelfMatch::CancelIncoming
                && resting.owner.is_client()
                && resting.owner == aggressor.owner
            {
                let kind = ReportKind::SelfMatch { qty: leaves_qty, prevented_qty: trade_qty, px };
                out.report(aggressor.owner, aggressor.tag, kind);
                return 0;
            }
            let match_no = self.take_match_no();
            let order_ref = resting.order_ref;
            let (kind, added) = if resting.special.hidden {
                let kind = EventKind::HiddenTrade { qty: trade_qty, px, match_no };
                (kind, Liquidity::AddedHidden)
            } else {
                (EventKind::Executed { order_ref, qty: trade_qty, match_no }, Liquidity::Added)
            };
            out.event(aggressor.locate, kind);
            let executed =
                |liquidity| ReportKind::Executed { qty: trade_qty, px, liquidity, match_no };
            out.report(resting.owner, resting.tag, executed(added));
            out.report(aggressor.owner, aggressor.tag, executed(Liquidity::Removed));
            self.fill(index, trade_qty, out);
            leaves_qty -= trade_qty;
        }
        leaves_qty
    }

    /// Puts an order into its book. Returns the shares that are shown.
    pub(super) fn rest(&mut self, order: &NewOrder, order_ref: u64, px: u32, open_qty: u32) -> u32 {
        let floor = order.special.floor_qty;
        let leaves_qty = if floor == 0 { open_qty } else { open_qty.min(floor) };
        let entry = Order {
            order_ref,
            owner: order.owner,
            tag: order.tag,
            locate: order.locate,
            side: order.side,
            px,
            leaves_qty,
            reserve_qty: open_qty - leaves_qty,
            special: order.special,
            mpid: order.mpid,
            older: Order::END,
            younger: Order::END,
        };
        self.insert(entry);
        leaves_qty
    }

    fn insert(&mut self, entry: Order) {
        let index = match self.free.pop() {
            Some(index) => {
                self.slab[index as usize] = entry;
                index
            }
            None => {
                self.slab.push(entry);
                (self.slab.len() - 1) as u32
            }
        };
        self.by_ref.insert(entry.order_ref, index);
        let books = if entry.special.hidden { &mut self.dark } else { &mut self.books };
        books[usize::from(entry.locate)].push(&mut self.slab, index);
    }

    /// Takes traded shares off the order at `index`; a reserve order whose shown part is gone shows
    /// the next, under a new number and last in time.
    pub(super) fn fill(&mut self, index: u32, qty: u32, out: &mut Output) {
        let order = self.slab[index as usize];
        self.take(index, qty);
        if qty < order.leaves_qty || order.reserve_qty == 0 {
            return;
        }
        let order_ref = self.next_ref;
        self.next_ref += 1;
        let leaves_qty = order.special.floor_qty.min(order.reserve_qty);
        let reserve_qty = order.reserve_qty - leaves_qty;
        self.insert(Order { order_ref, leaves_qty, reserve_qty, ..order });
        let Order { side, px, mpid, owner, tag, locate, .. } = order;
        out.event(locate, EventKind::Add { order_ref, side, qty: leaves_qty, px, mpid });
        out.report(owner, tag, ReportKind::Refreshed { order_ref, qty: leaves_qty });
    }

    /// Takes `qty` shares, all or fewer, off the order at `index`.
    pub(super) fn take(&mut self, index: u32, qty: u32) {
        let order = self.slab[index as usize];
        if qty >= order.leaves_qty {
            self.unlink(index);
        } else {
            let books = if order.special.hidden { &mut self.dark } else { &mut self.books };
            books[usize::from(order.locate)].reduce(&mut self.slab, index, qty);
        }
    }

    pub(super) fn unlink(&mut self, index: u32) {
        let order = self.slab[index as usize];
        let books = if order.special.hidden { &mut self.dark } else { &mut self.books };
        books[usize::from(order.locate)].remove(&mut self.slab, index);
        self.by_ref.remove(&order.order_ref);
        self.free.push(index);
    }
}

pub(super) fn add_event(order: &NewOrder, order_ref: u64, px: u32, qty: u32) -> EventKind {
    EventKind::Add { order_ref, side: order.side, qty, px, mpid: order.mpid }
}
