//! One order and the total function event x order (RISK_AND_RECOVERY section 4).
//!
//! An order here is the whole chain of its replaces: `cum_qty` belongs to the chain, not to an id
//! (E17). Sums and flags are facts; [`Order::base`] computes the state from them. Repeated fills,
//! cancels and busts are removed before this module (see [`super::facts`]); every other event may
//! repeat.
//!
//! | event | effect on the facts | rule |
//! |---|---|---|
//! | `Accepted`, `Replaced` | acknowledged; terms of the id, price of the later report | E4, E15 |
//! | `Fill`, `Bust` | `cum`, or moved from `cum` to `busted` (what is undone does not work again) | E6-E9, E17 |
//! | `Canceled` | `canceled` of the id in force; of an older id: a repeat, nothing | E12, E18 |
//! | `Rejected`, `NeverSent` | of the pending replace: old terms rule; of the order: rejected | E5, E16 |
//! | `SendFailed`, `SessionLost` | not acknowledged yet: unknown, all stays reserved | E24 |
//! | `AskCancel`, `AskReplace` | pending bits, pending terms | E11, E14 |
//! | `CancelRejected`, `CancelPending` | cancel bit | E13 |
//! | `Restated` | price of the id | E21 |
//!
//! E19, E20, E22 and E25 are not among what OUCH reports; their states are in [`Base`] and stay
//! unreached until a venue has them.

use shm::ids::{AccountId, ClOrdId, GatewayId, InstrumentId, VenueOrdId};
use shm::message::{Side, pending};
use shm::record::order::Base;
use shm::units::{Notional, Price, Qty};

use super::event::{Event, Signs};
use crate::planted::{self, Bug};

/// Price and quantity that an id stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The id, [`ClOrdId::NONE`] for no terms.
    pub id: ClOrdId,
    /// Limit price.
    pub px: Price,
    /// Quantity of the whole chain.
    pub qty: Qty,
    /// Cancelled under this id.
    pub canceled_qty: Qty,
    /// Sequence of the report that last set the price: a later one wins whenever it comes.
    pub px_seq: u32,
}

impl Terms {
    /// Takes a price that the venue reports, unless a later report has set one.
    fn set_px(&mut self, px: Price, seq: u32) {
        if px.is_some() && seq >= self.px_seq {
            (self.px, self.px_seq) = (px, seq);
        }
    }
}

/// One order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// First id of the chain; [`ClOrdId::NONE`] for an unused row.
    pub root: ClOrdId,
    /// Highest id of the chain that was ever approved.
    pub last: ClOrdId,
    /// Terms in force.
    pub terms: Terms,
    /// Terms of a replace on its way; stays, unseen, when the order ends first.
    pub replace: Terms,
    /// The venue's number, 0 before it is known.
    pub venue_ord_id: VenueOrdId,
    /// Sequence of the report that last set it.
    pub venue_ord_id_seq: u32,
    /// Sum of the fills that stand.
    pub cum_qty: Qty,
    /// Sum of the fills that were undone.
    pub busted_qty: Qty,
    /// What it holds of open quantity in the exposure sums.
    pub reserved_qty: Qty,
    /// What it holds of open value in the exposure sums.
    pub reserved_value: Notional,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Whose money.
    pub account: AccountId,
    /// Which session.
    pub gateway: GatewayId,
    /// Buy or sell.
    pub side: Option<Side>,
    /// [`shm::message::Tif`].
    pub tif: u8,
    /// [`shm::message::OrdType`].
    pub ord_type: u8,
    /// The parent it is a child of, [`ClOrdId::NONE`] for none.
    pub parent: ClOrdId,
    /// What the parent's sums hold of it: used, and of that filled.
    pub used_qty: Qty,
    /// See `used_qty`.
    pub used_cum_qty: Qty,
    /// Which leg of the parent it works for.
    pub leg: u8,
    /// Of [`facts`](Self::ACKED).
    pub facts: u8,
    /// Of [`Signs`], all that were ever seen of it.
    pub signs: Signs,
}

impl Order {
    /// Fact: the venue has had it.
    pub const ACKED: u8 = 1;
    /// Fact: accepted or replaced, and at once dead.
    pub const DEAD: u8 = 1 << 1;
    /// Fact: the venue refused it.
    pub const REJECTED: u8 = 1 << 2;
    /// Fact: the gateway did not send it.
    pub const NEVER_SENT: u8 = 1 << 3;
    /// Fact: a send or a session failed before it was acknowledged.
    pub const UNSURE: u8 = 1 << 4;
    /// A cancel is on its way.
    pub const CANCEL_ASKED: u8 = 1 << 5;
    /// Counted among the working orders of the exposure sums.
    pub const COUNTED: u8 = 1 << 6;

    /// Whether the exposure sums count it as working.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.is(Self::COUNTED)
    }

    /// Notes whether the exposure sums count it as working.
    pub const fn set_counted(&mut self, counted: bool) {
        self.facts = self.facts & !Self::COUNTED | if counted { Self::COUNTED } else { 0 };
    }

    /// Whether the row holds an order.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.root.0 != 0
    }

    /// Whether the row holds an order that has not ended.
    #[must_use]
    pub const fn is_working(&self) -> bool {
        self.is_some() && !self.base().is_terminal()
    }

    const fn is(&self, fact: u8) -> bool {
        self.facts & fact != 0
    }

    /// Whether the id is of this chain.
    #[must_use]
    pub const fn owns(&self, id: ClOrdId) -> bool {
        self.root.0 != 0 && self.root.0 <= id.0 && id.0 <= self.last.0
    }

    /// `qty` less what is filled, undone and, under the id in force, cancelled. May be negative.
    const fn rest(&self) -> i128 {
        self.terms.qty.0 as i128
            - self.cum_qty.0 as i128
            - self.busted_qty.0 as i128
            - self.terms.canceled_qty.0 as i128
    }

    /// The state that follows from the facts.
    #[must_use]
    pub const fn base(&self) -> Base {
        if self.cum_qty.0 >= self.terms.qty.0 {
            return Base::Filled;
        }
        if self.is(Self::DEAD) {
            return Base::Canceled;
        }
        if self.rest() <= 0 {
            return if self.terms.canceled_qty.0 > 0 { Base::Canceled } else { Base::Voided };
        }
        if self.is(Self::REJECTED) {
            // E5: refused, and yet filled or accepted.
            return if self.is(Self::ACKED) { Base::Unknown } else { Base::Rejected };
        }
        if self.cum_qty.0 > 0 {
            Base::PartiallyFilled
        } else if self.is(Self::ACKED) {
            Base::New
        } else if self.is(Self::NEVER_SENT) {
            Base::Rejected
        } else if self.is(Self::UNSURE) {
            Base::Unknown
        } else {
            Base::Approved
        }
    }

    /// What still works: 0 once it has ended, never negative.
    #[must_use]
    pub const fn leaves_qty(&self) -> Qty {
        let rest = self.rest();
        if self.base().is_terminal() || rest <= 0 { Qty::ZERO } else { Qty(rest as i64) }
    }

    /// Whether a replace is on its way.
    #[must_use]
    pub const fn is_replacing(&self) -> bool {
        self.replace.id.0 != 0 && !self.base().is_terminal()
    }

    /// [`pending`] bits; none once it has ended.
    #[must_use]
    pub const fn pending(&self) -> u8 {
        if self.base().is_terminal() {
            return 0;
        }
        let cancel = if self.is(Self::CANCEL_ASKED) { pending::CANCEL } else { 0 };
        let replace = if self.replace.id.0 == 0 { 0 } else { pending::REPLACE };
        cancel | replace
    }

    /// The id that a cancel names: of the replace on its way, else the one in force (E18).
    #[must_use]
    pub const fn newest(&self) -> ClOrdId {
        if self.is_replacing() { self.replace.id } else { self.terms.id }
    }

    /// Open quantity and value by the worse of old and new terms; `None` on overflow. `multiplier`
    /// is the instrument's.
    #[must_use]
    pub fn reservation(&self, multiplier: i64) -> Option<(Qty, Notional)> {
        let early =
            planted::is(Bug::ReservationReleasedEarly) && self.pending() & pending::CANCEL != 0;
        if self.base().is_terminal() || early {
            return Some((Qty::ZERO, Notional::ZERO));
        }
        let leaves = self.leaves_qty();
        let value = value(self.terms.px, leaves, multiplier)?;
        if self.replace.id.0 == 0 {
            return Some((leaves, value));
        }
        let new = self.leaves_under(self.replace.qty)?;
        let new_value = self::value(self.replace.px, new, multiplier)?;
        Some((leaves.max(new), value.max(new_value)))
    }

    /// What is filled, or was and does not work again: no cancel gives it back.
    #[must_use]
    pub const fn settled_qty(&self) -> i64 {
        self.cum_qty.0.saturating_add(self.busted_qty.0)
    }

    /// What it uses of its parent (R47), and what of that is filled.
    #[must_use]
    pub const fn used_now(&self) -> (Qty, Qty) {
        (Qty(self.settled_qty().saturating_add(self.reserved_qty.0)), self.cum_qty)
    }

    /// What would work were the chain's quantity `qty`; `None` on overflow.
    #[must_use]
    pub const fn leaves_under(&self, qty: Qty) -> Option<Qty> {
        match qty.checked_sub(self.cum_qty) {
            Some(leaves) if leaves.0 > 0 => Some(leaves),
            Some(_) => Some(Qty::ZERO),
            None => None,
        }
    }

    /// Applies an event. Total: every event in every state, any number of times.
    pub fn apply(&mut self, event: Event) -> Signs {
        let ended = self.base().is_terminal();
        let mut signs = Signs::default();
        match event {
            Event::Accepted { id, px, qty, venue_ord_id, seq, dead } => {
                if self.is(Self::REJECTED) || self.is(Self::NEVER_SENT) {
                    signs = Signs::PROTOCOL;
                }
                self.acknowledge(dead);
                self.number(venue_ord_id, seq);
                if id == self.terms.id {
                    self.terms.set_px(px, seq);
                    if qty.0 > 0 && id == self.root {
                        self.terms.qty = qty;
                    }
                }
            }
            Event::Replaced { id, px, exposed, venue_ord_id, seq, dead } => {
                signs = self.replaced(id, px, exposed, seq);
                self.number(venue_ord_id, seq);
                if id == self.terms.id {
                    self.acknowledge(dead);
                }
            }
            Event::Fill { qty, busted } => {
                self.facts |= Self::ACKED;
                if busted {
                    self.busted_qty = Qty(self.busted_qty.0.saturating_add(qty.0));
                } else {
                    self.cum_qty = Qty(self.cum_qty.0.saturating_add(qty.0));
                }
                if ended {
                    signs = signs.with(Signs::LATE);
                }
                if self.cum_qty > self.terms.qty {
                    signs = signs.with(Signs::OVERFILL);
                }
                if self.is(Self::REJECTED) {
                    signs = signs.with(Signs::PROTOCOL);
                }
            }
            Event::Bust { qty } => {
                self.cum_qty = Qty(self.cum_qty.0.saturating_sub(qty.0));
                self.busted_qty = Qty(self.busted_qty.0.saturating_add(qty.0));
            }
            Event::Canceled { id, qty } => {
                self.facts |= Self::ACKED;
                let terms = if id == self.replace.id { &mut self.replace } else { &mut self.terms };
                if id == terms.id {
                    terms.canceled_qty = Qty(terms.canceled_qty.0.saturating_add(qty.0));
                }
            }
            Event::Rejected { id } => {
                if id == self.replace.id {
                    self.replace = Terms::default();
                } else if id == self.terms.id || id == self.root {
                    self.facts |= Self::REJECTED;
                    if self.is(Self::ACKED) {
                        signs = Signs::PROTOCOL;
                    }
                }
            }
            Event::NeverSent { id } => {
                if id == self.replace.id {
                    self.replace = Terms::default();
                } else if id == self.terms.id {
                    self.facts |= Self::NEVER_SENT;
                }
            }
            Event::SendFailed { id } => {
                if id == self.terms.id {
                    self.facts |= Self::UNSURE;
                }
            }
            Event::SessionLost => {
                if !self.is(Self::ACKED) {
                    self.facts |= Self::UNSURE;
                }
            }
            Event::AskCancel => self.facts |= Self::CANCEL_ASKED,
            Event::AskReplace { id, px, qty } => {
                self.last = self.last.max(id);
                self.replace = Terms { id, px, qty, ..Terms::default() };
            }
            Event::CancelRejected => self.facts &= !Self::CANCEL_ASKED,
            Event::CancelPending => self.facts |= Self::CANCEL_ASKED,
            Event::Restated { id, px, venue_ord_id, seq } => {
                self.number(venue_ord_id, seq);
                if id == self.terms.id {
                    self.terms.set_px(px, seq);
                } else if id == self.replace.id {
                    self.replace.set_px(px, seq);
                }
            }
        }
        self.signs = self.signs.with(signs);
        signs
    }

    const fn acknowledge(&mut self, dead: bool) {
        self.facts |= Self::ACKED | if dead { Self::DEAD } else { 0 };
    }

    /// The venue's number, unless a later report has told another.
    const fn number(&mut self, venue_ord_id: VenueOrdId, seq: u32) {
        if venue_ord_id.0 != 0 && seq >= self.venue_ord_id_seq {
            (self.venue_ord_id, self.venue_ord_id_seq) = (venue_ord_id, seq);
        }
    }

    /// E15. The quantity in force is the one asked for, whatever came before or after.
    fn replaced(&mut self, id: ClOrdId, px: Price, exposed: Qty, seq: u32) -> Signs {
        if id == self.replace.id {
            self.terms = core::mem::take(&mut self.replace);
            self.terms.set_px(px, seq);
            return Signs::default();
        }
        if id > self.terms.id {
            // Confirmed after all, though it was taken for refused.
            let qty = Qty(exposed.0.saturating_add(self.cum_qty.0));
            self.terms = Terms { id, px, qty, canceled_qty: Qty::ZERO, px_seq: seq };
            self.last = self.last.max(id);
            return Signs::PROTOCOL;
        }
        Signs::default()
    }
}

/// Value of an order at a price that may be negative: the absolute one.
fn value(px: Price, qty: Qty, multiplier: i64) -> Option<Notional> {
    px.notional(qty, multiplier).map(|value| Notional(value.0.saturating_abs()))
}
