//! Operations of a recording: what the tape of another day does to a book that clients share.

use super::event::{EventKind, Liquidity, Output, ReportKind};
use super::market::{Market, add_event};
use super::order::{NewOrder, Order, Side, SideRule};

impl Market {
    /// Enters a recorded order under its recorded number. It meets orders of clients only: what the
    /// recording shows crossed stays so. The rest, if any, rests.
    pub fn enter_recorded(&mut self, order: &NewOrder, order_ref: u64, out: &mut Output) {
        let limit_px = order.limit_px.unwrap_or(0);
        let mut leaves_qty = order.qty;
        while leaves_qty > 0 && self.books[usize::from(order.locate)].client_orders > 0 {
            let Some(index) = self.first_client(order.locate, order.side.opposite(), |px| {
                order.side.reaches(limit_px, px)
            }) else {
                break;
            };
            leaves_qty -= self.fill_resting(index, leaves_qty, out);
        }
        if leaves_qty > 0 && !self.by_ref.contains_key(&order_ref) {
            self.rest(order, order_ref, limit_px, leaves_qty);
            out.event(order.locate, add_event(order, order_ref, limit_px, leaves_qty));
        }
    }

    /// Trades `qty` shares, as an anonymous taker from outside, with orders of clients that stand
    /// before the recorded order `order_ref`: at better prices, or older at the same. Returns the
    /// shares they took.
    pub fn fill_clients_before(&mut self, order_ref: u64, qty: u32, out: &mut Output) -> u32 {
        let Some(&Order { locate, side, px, .. }) = self.order(order_ref) else { return 0 };
        let mut taken = 0;
        while taken < qty && self.books[usize::from(locate)].client_orders > 0 {
            let better = self.first_client(locate, side, |level_px| side.beats(level_px, px));
            let next = better.or_else(|| {
                let level = self.books[usize::from(locate)].level(side, px)?;
                let mut index = level.oldest;
                while index != Order::END && self.slab[index as usize].order_ref != order_ref {
                    if self.slab[index as usize].owner.is_client() {
                        return Some(index);
                    }
                    index = self.slab[index as usize].younger;
                }
                None
            });
            let Some(index) = next else { break };
            taken += self.fill_resting(index, qty - taken, out);
        }
        taken
    }

    /// Takes up to `qty` shares from a resting order by a trade that a recording tells of. The
    /// event is the recorded one, cut to what is left. Returns the shares taken.
    pub fn execute_recorded(
        &mut self,
        order_ref: u64,
        qty: u32,
        match_no: u64,
        at: Option<(u32, bool)>,
        out: &mut Output,
    ) -> u32 {
        let Some(&index) = self.by_ref.get(&order_ref) else { return 0 };
        let order = self.slab[index as usize];
        let qty = qty.min(order.leaves_qty);
        if qty == 0 {
            return 0;
        }
        let kind = match at {
            None => EventKind::Executed { order_ref, qty, match_no },
            Some((px, printable)) => {
                EventKind::ExecutedAt { order_ref, qty, match_no, printable, px }
            }
        };
        out.event(order.locate, kind);
        let executed = ReportKind::Executed {
            qty,
            px: at.map_or(order.px, |(px, _)| px),
            liquidity: Liquidity::Added,
            match_no,
        };
        out.report(order.owner, order.tag, executed);
        self.take(index, qty);
        qty
    }

    /// Replaces a recorded order under its recorded number. `order` names side and terms; `old_ref`
    /// may be gone already (a client took it): then the new order appears as an add.
    pub fn replace_recorded(
        &mut self,
        old_ref: u64,
        order: &NewOrder,
        order_ref: u64,
        out: &mut Output,
    ) {
        let px = order.limit_px.unwrap_or(0);
        let old = self.by_ref.get(&old_ref).copied();
        let meets_client =
            self.first_client(order.locate, order.side.opposite(), |at| order.side.reaches(px, at));
        match old {
            Some(index) if meets_client.is_none() && !self.by_ref.contains_key(&order_ref) => {
                self.unlink(index);
                self.rest(order, order_ref, px, order.qty);
                let kind = EventKind::Replaced { old_ref, order_ref, qty: order.qty, px };
                out.event(order.locate, kind);
            }
            Some(_) => {
                self.remove_recorded(old_ref, out);
                self.enter_recorded(order, order_ref, out);
            }
            None => self.enter_recorded(order, order_ref, out),
        }
    }

    /// Takes a recorded order out by `D` and tells nobody.
    fn remove_recorded(&mut self, order_ref: u64, out: &mut Output) {
        if let Some(&index) = self.by_ref.get(&order_ref) {
            out.event(self.slab[index as usize].locate, EventKind::Deleted { order_ref });
            self.unlink(index);
        }
    }

    /// A trade of up to `qty` shares with the resting order at `index`, the taker unnamed.
    fn fill_resting(&mut self, index: u32, qty: u32, out: &mut Output) -> u32 {
        let order = self.slab[index as usize];
        let qty = qty.min(order.leaves_qty);
        let match_no = self.take_match_no();
        let order_ref = order.order_ref;
        out.event(order.locate, EventKind::Executed { order_ref, qty, match_no });
        let liquidity = Liquidity::Added;
        let executed = ReportKind::Executed { qty, px: order.px, liquidity, match_no };
        out.report(order.owner, order.tag, executed);
        self.fill(index, qty, out);
        qty
    }

    /// The client order of `side` first in price and time, among prices that `wanted` holds for
    /// (a range from the best price outward).
    fn first_client(&self, locate: u16, side: Side, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        let book = &self.books[usize::from(locate)];
        if book.client_orders == 0 {
            return None;
        }
        for view in book.levels(side) {
            if !wanted(view.px) {
                return None;
            }
            let mut index = book.level(side, view.px)?.oldest;
            while index != Order::END {
                if self.slab[index as usize].owner.is_client() {
                    return Some(index);
                }
                index = self.slab[index as usize].younger;
            }
        }
        None
    }
}
