//! One order by hand: the terms in force, and the replaces that were asked for and not answered.
//!
//! Each ask is answered on its own: by a refusal of risk that names it, by an update that has it in
//! force, or by an update that shows no replace under way any more. A refused one leaves no trace:
//! nothing later is built on its terms (E16).

use super::super::desk::Order;
use shm::ids::ClOrdId;
use shm::message::{OrderTerms, OrderUpdate, pending};
use shm::units::{Price, Qty};

/// Replaces of one order that may be unanswered at one time.
pub(super) const ASKED_MAX: usize = 4;

/// Price and quantity under an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Terms {
    /// [`ClOrdId::NONE`] for none.
    id: ClOrdId,
    /// [`Price::NONE`] where they are not known.
    px: Price,
    qty: Qty,
    /// Not answered.
    is_open: bool,
}

/// Why no replace can be asked for now; nothing was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending;

/// An order and its replaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    root: ClOrdId,
    /// As it was first asked for; price and quantity are of [`Chain::in_force`].
    order: Order,
    /// Its rare terms.
    rare: OrderTerms,
    in_force: Terms,
    /// Ascending ids as they were asked for; an answered one keeps its place until another needs
    /// it, should it come into force after all.
    asked: [Terms; ASKED_MAX],
    /// The last update had a replace under way.
    was_pending: bool,
}

impl Chain {
    /// An order that was asked for.
    pub(super) fn new(id: ClOrdId, order: Order, rare: OrderTerms) -> Self {
        let in_force = Terms { id, px: order.px, qty: order.qty, is_open: false };
        let asked = [Terms::default(); ASKED_MAX];
        Self { root: id, order, rare, in_force, asked, was_pending: false }
    }

    /// The id in force: what a cancel and a replace name. Risk knows it as long as the order works,
    /// whatever becomes of the replaces behind it.
    pub(super) const fn id(&self) -> ClOrdId {
        self.in_force.id
    }

    /// The order as it is in force, with its rare terms.
    pub(super) const fn order(&self) -> (Order, OrderTerms) {
        (Order { px: self.in_force.px, qty: self.in_force.qty, ..self.order }, self.rare)
    }

    /// Whether an id is of it.
    pub(super) fn owns(&self, id: ClOrdId) -> bool {
        let newest = self.asked.iter().map(|asked| asked.id).max();
        let newest = newest.unwrap_or_default().max(self.in_force.id);
        is_same(self.root, id) && self.root <= id && id <= newest
    }

    /// Replaces that are not answered.
    pub(super) fn unanswered(&self) -> usize {
        self.asked.iter().filter(|asked| asked.is_open).count()
    }

    /// The order that a replace by the given terms asks for. What is not given is what is in force;
    /// while another replace is unanswered nobody knows what that will be, so both have to be
    /// given.
    ///
    /// # Errors
    /// [`Pending`]: ask with price and quantity, or again once the other is answered.
    pub(super) fn replaced_by(
        &self,
        px: Option<Price>,
        qty: Option<Qty>,
    ) -> Result<(Order, OrderTerms), Pending> {
        let open = self.unanswered();
        let is_whole = px.is_some() && qty.is_some();
        let is_known = px.is_some() || self.in_force.px.is_some();
        if open >= ASKED_MAX || open > 0 && !is_whole || !is_known {
            return Err(Pending);
        }
        let (order, rare) = self.order();
        let (px, qty) = (px.unwrap_or(order.px), qty.unwrap_or(order.qty));
        Ok((Order { px, qty, ..order }, rare))
    }

    /// A replace was asked for.
    pub(super) fn ask(&mut self, id: ClOrdId, order: &Order) {
        // One that is answered gives its place, the oldest first.
        if let Some(place) = self.asked.iter_mut().min_by_key(|asked| (asked.is_open, asked.id)) {
            *place = Terms { id, px: order.px, qty: order.qty, is_open: true };
        }
    }

    /// Risk has refused a replace.
    pub(super) fn on_reject(&mut self, id: ClOrdId) {
        for asked in self.asked.iter_mut().filter(|asked| asked.id == id) {
            *asked = Terms::default();
        }
    }

    /// Takes an update of the order, which has not ended.
    pub(super) fn on_update(&mut self, update: &OrderUpdate) {
        let id = update.cl_ord_id;
        let is_pending = update.flags & pending::REPLACE != 0;
        let takes = id > self.in_force.id;
        if takes {
            let known = self.asked.iter().find(|asked| asked.id == id).copied();
            let unknown = Terms { id, px: Price::NONE, ..self.in_force };
            self.in_force = Terms { is_open: false, ..known.unwrap_or(unknown) };
            for asked in self.asked.iter_mut().filter(|asked| asked.id <= id) {
                *asked = Terms::default();
            }
        } else if !is_pending {
            let is_all = update.flags & pending::CONFLATED != 0;
            let most = if is_all { ASKED_MAX } else { usize::from(self.is_answer(update)) };
            self.answer(most);
        }
        self.was_pending = is_pending;
        // What works now, whatever it was asked for as: a part may be cancelled or undone.
        if update.leaves_qty > Qty::ZERO {
            self.in_force.qty = Qty(update.cum_qty.0.saturating_add(update.leaves_qty.0));
        }
    }

    /// Whether an update without a replace under way ends one: one was, or something was refused.
    const fn is_answer(&self, update: &OrderUpdate) -> bool {
        self.was_pending || update.reason != 0
    }

    /// The first so many unanswered asks are answered: risk decides in order, and lets one out at a
    /// time.
    fn answer(&mut self, most: usize) {
        for _ in 0..most {
            let open = self.asked.iter_mut().filter(|asked| asked.is_open);
            let Some(first) = open.min_by_key(|asked| asked.id) else { return };
            first.is_open = false;
        }
    }
}

/// Whether two ids are of one slot of one start.
pub(super) const fn is_same(a: ClOrdId, b: ClOrdId) -> bool {
    a.epoch() == b.epoch() && a.slot() == b.slot()
}
