//! What waits to be sent: messages to be sent again first, then cancels, then orders.

use super::kill::MASS_CANCEL;
use shm::ids::ClOrdId;
use shm::message::{Approved, Kind};
use shm::units::Nanos;
use std::collections::VecDeque;

/// Places of each queue. The ring to the gateway has as many again.
const PLACES: usize = 1_024;

/// One approval on its way out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) approved: Approved,
    /// When risk published it.
    pub(super) published: Nanos,
    /// Its own cancel came before it was sent.
    pub(super) annulled: bool,
    /// The number it was sent under before, to be sent again.
    pub(super) again: Option<u32>,
}

impl Item {
    pub(super) const fn is_cancel(&self) -> bool {
        self.approved.kind == Kind::ApprovedCancel as u8
    }

    /// A cancel of every order of the session.
    pub(super) const fn is_mass_cancel(&self) -> bool {
        self.is_cancel() && self.approved.cl_ord_id.0 == MASS_CANCEL.0
    }
}

/// Fixed queues; a full one leaves approvals in the ring.
pub(super) struct Queue {
    again: VecDeque<Item>,
    cancels: VecDeque<Item>,
    orders: VecDeque<Item>,
    /// Annulled items among `orders`.
    annulled: usize,
}

impl Queue {
    /// Room for what a logon brings back besides: per slot two messages to be sent again, and a
    /// cancel.
    pub(super) fn new(slots: usize) -> Self {
        Self {
            again: VecDeque::with_capacity(2 * slots),
            cancels: VecDeque::with_capacity(PLACES + slots),
            orders: VecDeque::with_capacity(PLACES),
            annulled: 0,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.cancels.len() < PLACES && self.orders.len() < PLACES
    }

    /// Takes an approval. A cancel of an order that is still here annuls it instead of waiting.
    pub(super) fn push(&mut self, item: Item) {
        if !item.is_cancel() {
            self.orders.push_back(item);
            return;
        }
        let id = item.approved.cl_ord_id;
        let same = |other: &Item| {
            let other = other.approved.cl_ord_id;
            (other.epoch(), other.slot()) == (id.epoch(), id.slot())
        };
        let mut is_new = false;
        for order in self.orders.iter_mut().filter(|order| same(order)) {
            is_new |= order.approved.kind == Kind::ApprovedNew as u8;
            self.annulled += usize::from(!order.annulled);
            order.annulled = true;
        }
        // A replace that never went out leaves an order to cancel.
        if !is_new {
            self.cancels.push_back(item);
        }
    }

    /// A cancel that was sent into a link that is gone.
    pub(super) fn push_cancel(&mut self, id: ClOrdId, now: Nanos) {
        let kind = Kind::ApprovedCancel as u8;
        let approved = Approved { kind, cl_ord_id: id, t0: now, ..Approved::default() };
        self.push(Item { approved, published: now, annulled: false, again: None });
    }

    /// To be sent again, in the order of their numbers.
    pub(super) fn push_again(&mut self, item: Item) {
        self.again.push_back(item);
    }

    /// What was to be sent again, of a link that is gone.
    pub(super) fn clear_again(&mut self) {
        self.again.clear();
    }

    /// Whether nothing waits at all.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.cancels.is_empty() && self.again.is_empty()
    }

    /// The next item, without taking it. While the session is not ready cancels wait, and orders
    /// are shown so that they can grow too old.
    pub(super) fn peek(&self, ready: bool) -> Option<&Item> {
        if self.annulled > 0 {
            return self.orders.iter().find(|item| item.annulled);
        }
        if ready {
            self.again.front().or(self.cancels.front()).or(self.orders.front())
        } else {
            self.orders.front()
        }
    }

    /// Takes what [`Queue::peek`] shows.
    pub(super) fn pop(&mut self, ready: bool) -> Option<Item> {
        if self.annulled > 0 {
            self.annulled -= 1;
            let at = self.orders.iter().position(|item| item.annulled)?;
            return self.orders.remove(at);
        }
        if ready && let Some(item) = self.again.pop_front().or_else(|| self.cancels.pop_front()) {
            return Some(item);
        }
        self.orders.pop_front()
    }
}
