//! Rare terms that came before an approval, kept until it is carried out.

use shm::ids::ClOrdId;
use shm::message::{Approved, OrderTerms, terms_flags};

/// By slot of an order id, the terms of its latest two ids: an order and a replace of it may both
/// be on their way.
#[derive(Debug)]
pub struct TermsTable {
    slots: Box<[[OrderTerms; 2]]>,
}

impl TermsTable {
    /// For ids of `slots` slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots: vec![[OrderTerms::NONE; 2]; slots].into_boxed_slice() }
    }

    fn place(&mut self, id: ClOrdId) -> Option<&mut OrderTerms> {
        self.slots.get_mut(id.slot() as usize)?.get_mut((id.uses() & 1) as usize)
    }

    /// Keeps terms.
    pub fn put(&mut self, terms: &OrderTerms) {
        if let Some(place) = self.place(terms.cl_ord_id) {
            *place = *terms;
        }
    }

    /// The terms of an approval.
    #[inline]
    pub fn of(&mut self, approved: &Approved) -> OrderTerms {
        if approved.flags & terms_flags::GIVEN == 0 {
            return OrderTerms::NONE;
        }
        let id = approved.cl_ord_id;
        self.place(id).filter(|terms| terms.cl_ord_id == id).map_or(OrderTerms::NONE, |kept| *kept)
    }
}
