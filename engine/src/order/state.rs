//! One order and the total function event x order (RISK_AND_RECOVERY section 4).
//!
//! An order here is the whole chain of its replaces: `cum_qty` belongs to the chain, not to an id
//! (E17). Sums and flags are facts; [`Order::base`] computes the state from them. Executions, their
//! corrections and undoings, and cancels are counted once before this module (see
//! [`super::facts`]); every other event may repeat. Where two reports name different values of one
//! thing, that of the later sequence rules, whenever it comes.
//!
//! | event | effect on the facts | rule |
//! |---|---|---|
//! | `Accepted`, `Replaced` | acknowledged; terms of the id, those of the later report | E4, E15 |
//! | `Filled` | `cum`, `busted` (undone, and does not work again); under a replace's id: that is in force | E6-E10, E17, E22 |
//! | `Canceled` | `canceled` of the id in force; of an older id: a repeat, nothing | E12, E18 |
//! | `Ended` | dead or expired, whatever was left | E12, E19 |
//! | `Rejected`, `NeverSent` | of the pending replace: old terms rule; of the order: rejected | E5, E16 |
//! | `Absent` | never at the venue | E25 |
//! | `SendFailed`, `SessionLost`, `TimedOut` | not acknowledged yet: unknown, all stays reserved | E24 |
//! | `AskCancel`, `AskReplace` | pending bits, pending terms | E11, E14 |
//! | `CancelRejected`, `CancelPending`, `ReplacePending` | pending bits; gone if the venue does not know it | E13 |
//! | `Phase` | suspended, stopped, done for the day, or none of these | E19, E20 |
//! | `Restated` | price and quantity of the id; a later one ends done-for-day | E21 |
//!
//! `PendingNew` (E3) is not told apart from `Approved` here: both reserve alike, and the gateway's
//! lane has the `Sent`.

use shm::ids::{AccountId, ClOrdId, GatewayId, InstrumentId, VenueOrdId};
use shm::message::{CancelRefusal, Side, pending};
use shm::record::order::Base;
use shm::units::{Nanos, Notional, Price, Qty};

use super::event::{Event, Phase, Signs};
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
    /// The same of the quantity.
    pub qty_seq: u32,
}

impl Terms {
    /// Takes a price that the venue reports, unless a later report has set one.
    fn set_px(&mut self, px: Price, seq: u32) {
        if px.is_some() && seq >= self.px_seq {
            (self.px, self.px_seq) = (px, seq);
        }
    }

    /// The same of the quantity of the chain; 0 says nothing.
    const fn set_qty(&mut self, qty: Qty, seq: u32) {
        if qty.0 > 0 && seq >= self.qty_seq {
            (self.qty, self.qty_seq) = (qty, seq);
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
    /// What the venue does with it.
    pub phase: Phase,
    /// Of [`facts`](Self::ACKED).
    pub facts: u16,
    /// Of [`Signs`], all that were ever seen of it.
    pub signs: Signs,
    /// Sequence of the report that last set the phase.
    pub phase_seq: u32,
    /// Sequence of the last restatement: one after `DoneForDay` makes it work again.
    pub restated_seq: u32,
    /// Sequence of the last report that the venue does not know the order.
    pub gone_seq: u32,
    /// Sequence of the last report that shows the order there: one after the word that it is
    /// unknown disproves that.
    pub seen_seq: u32,
    /// Its latest fact, for [`super::facts::Facts`].
    pub fact_latest: u32,
    /// When it was approved; of an unknown one, when it became so.
    pub since: Nanos,
}

impl Order {
    /// Fact: the venue has had it.
    pub const ACKED: u16 = 1;
    /// Fact: nothing of it works any more: cancelled whole, or dead as soon as it was accepted.
    pub const DEAD: u16 = 1 << 1;
    /// Fact: the venue refused it.
    pub const REJECTED: u16 = 1 << 2;
    /// Fact: the gateway did not send it.
    pub const NEVER_SENT: u16 = 1 << 3;
    /// Fact: a send or a session failed, or no answer came, before it was acknowledged.
    pub const UNSURE: u16 = 1 << 4;
    /// A cancel is on its way.
    pub const CANCEL_ASKED: u16 = 1 << 5;
    /// Counted among the working orders of the exposure sums.
    pub const COUNTED: u16 = 1 << 6;
    /// Fact: its time is over.
    pub const EXPIRED: u16 = 1 << 7;
    /// Fact: proven never to have reached the venue.
    pub const ABSENT: u16 = 1 << 8;
    /// A status has told of it (E22).
    pub const TOLD: u16 = 1 << 9;
    /// The venue says that it works on a cancel.
    pub const CANCEL_PENDING: u16 = 1 << 10;
    /// The venue says that it works on a replace.
    pub const REPLACE_PENDING: u16 = 1 << 11;
    /// [`since`](Self::since) says since when its outcome is not known.
    pub const DATED: u16 = 1 << 12;
    /// Its gateway holds it as ended (an undone execution may work again without a word of the
    /// venue): no cancel of it can be sent in this session.
    pub const NOT_HELD: u16 = 1 << 13;

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
    #[inline]
    pub const fn is_some(&self) -> bool {
        self.root.0 != 0
    }

    /// Whether the row holds an order that has not ended.
    #[must_use]
    #[inline]
    pub const fn is_working(&self) -> bool {
        self.is_some() && !self.base().is_terminal()
    }

    /// Whether a fact of [`ACKED`](Self::ACKED) and the like holds.
    #[must_use]
    #[inline]
    pub const fn is(&self, fact: u16) -> bool {
        self.facts & fact != 0
    }

    /// Whether the id is of this chain.
    #[must_use]
    pub const fn owns(&self, id: ClOrdId) -> bool {
        self.root.0 != 0 && self.root.0 <= id.0 && id.0 <= self.last.0
    }

    /// `qty` less what is filled, undone and, under the id in force, cancelled. May be negative.
    /// Where more was filled than that leaves, and nothing cancelled, what was undone has come
    /// back: it was filled again.
    const fn rest(&self) -> i128 {
        let unfilled = self.terms.qty.0 as i128 - self.cum_qty.0 as i128;
        let canceled = self.terms.canceled_qty.0 as i128;
        let rest = unfilled - self.busted_qty.0 as i128 - canceled;
        if rest < 0 && canceled == 0 { unfilled } else { rest }
    }

    /// The state that follows from the facts.
    #[must_use]
    #[inline]
    pub const fn base(&self) -> Base {
        if self.cum_qty.0 >= self.terms.qty.0 {
            return Base::Filled;
        }
        if self.is(Self::DEAD) {
            return Base::Canceled;
        }
        if self.is(Self::EXPIRED) {
            return Base::Expired;
        }
        if self.rest() <= 0 {
            return if self.terms.canceled_qty.0 > 0 { Base::Canceled } else { Base::Voided };
        }
        if self.is(Self::REJECTED) {
            // E5: refused, and yet filled or accepted.
            return if self.is(Self::ACKED) { Base::Unknown } else { Base::Rejected };
        }
        if !self.is(Self::ACKED) {
            return if self.is(Self::NEVER_SENT) || self.is(Self::ABSENT) {
                Base::Rejected
            } else if self.is(Self::UNSURE) {
                Base::Unknown
            } else {
                Base::Approved
            };
        }
        self.base_at_venue()
    }

    /// Of an order that the venue has, and that has not ended.
    const fn base_at_venue(&self) -> Base {
        if self.is_gone() {
            return Base::Unknown;
        }
        match self.phase_in_force() {
            Phase::DoneForDay => Base::DoneForDay,
            Phase::Stopped => Base::Stopped,
            Phase::Suspended => Base::Suspended,
            Phase::Working if self.cum_qty.0 > 0 => Base::PartiallyFilled,
            Phase::Working => Base::New,
        }
    }

    /// What the venue does with it: a restatement after `DoneForDay` makes it work again (E19).
    #[must_use]
    #[inline]
    pub const fn phase_in_force(&self) -> Phase {
        match self.phase {
            Phase::DoneForDay if self.restated_seq > self.phase_seq => Phase::Working,
            phase => phase,
        }
    }

    /// Whether the venue says that it does not know the order, and nothing later disproves it.
    #[must_use]
    #[inline]
    pub const fn is_gone(&self) -> bool {
        self.gone_seq > self.seen_seq
    }

    /// Whether some of it may still be filled: it has not ended and is not done for the day.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        let base = self.base();
        self.is_some() && !base.is_terminal() && !matches!(base, Base::DoneForDay)
    }

    /// Whether it waits for the venue's first answer.
    #[must_use]
    pub const fn is_in_flight(&self) -> bool {
        self.is_some() && matches!(self.base(), Base::Approved)
    }

    /// Whether its outcome is not known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.is_some() && matches!(self.base(), Base::Unknown)
    }

    /// Quantity of the whole chain; of a replace to less than was filled, what was filled (E15).
    #[must_use]
    pub const fn ord_qty(&self) -> Qty {
        let is_replaced = self.terms.id.0 != self.root.0;
        if is_replaced && self.cum_qty.0 > self.terms.qty.0 {
            return self.cum_qty;
        }
        self.terms.qty
    }

    /// What still works: 0 once it has ended or is done for the day, never negative.
    #[must_use]
    pub const fn leaves_qty(&self) -> Qty {
        let rest = self.rest();
        if !self.is_open() || rest <= 0 { Qty::ZERO } else { Qty(rest as i64) }
    }

    /// Whether a cancel is on its way.
    #[must_use]
    pub const fn is_canceling(&self) -> bool {
        self.is(Self::CANCEL_ASKED)
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
        if !self.is_open() || early {
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
    pub fn used_now(&self) -> (Qty, Qty) {
        let replace = if self.is_replacing() { self.replace.qty.0 } else { 0 };
        (self.used_under(Qty(replace)), self.cum_qty)
    }

    /// What it would use of its parent, were it being replaced by an order of `qty`: the worse of
    /// what works and what would.
    #[must_use]
    pub fn used_under(&self, qty: Qty) -> Qty {
        Qty(self.settled_qty().saturating_add(self.leaves_qty().0).max(qty.0))
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
        let signs = match event {
            Event::Accepted { id, px, qty, venue_ord_id, seq, dead } => {
                let refused = self.is(Self::REJECTED | Self::NEVER_SENT | Self::ABSENT);
                let ended = self.is(Self::DEAD | Self::EXPIRED) && !dead;
                self.acknowledge(dead);
                self.seen(seq);
                self.number(venue_ord_id, seq);
                if id == self.terms.id {
                    self.terms.set_px(px, seq);
                    if id == self.root {
                        self.terms.set_qty(qty, seq);
                    }
                }
                match (refused, ended) {
                    (true, _) => Signs::PROTOCOL,
                    (false, true) => Signs::LATE,
                    (false, false) => Signs::default(),
                }
            }
            Event::Replaced { id, px, exposed, venue_ord_id, seq, dead } => {
                let signs = self.replaced(id, px, exposed, seq);
                self.number(venue_ord_id, seq);
                self.seen(seq);
                if id == self.terms.id {
                    self.acknowledge(dead);
                }
                signs
            }
            Event::Filled { id, cum, undone, seq } => {
                self.take_replace(id);
                self.filled(cum, undone, seq)
            }
            Event::Canceled { id, qty, seq } => {
                self.facts |= Self::ACKED;
                self.seen(seq);
                self.take_replace(id);
                let terms = &mut self.terms;
                if id == terms.id {
                    terms.canceled_qty = Qty(terms.canceled_qty.0.saturating_add(qty.0));
                }
                Signs::default()
            }
            Event::Rejected { id } => self.refused(id, Self::REJECTED),
            Event::NeverSent { id } => self.refused(id, Self::NEVER_SENT),
            Event::Absent { id } => self.refused(id, Self::ABSENT),
            Event::Restated { id, px, qty, venue_ord_id, seq } => {
                self.number(venue_ord_id, seq);
                self.seen(seq);
                self.restated_seq = self.restated_seq.max(seq);
                let terms = if id == self.replace.id { &mut self.replace } else { &mut self.terms };
                if id == terms.id {
                    terms.set_px(px, seq);
                    terms.set_qty(qty, seq);
                }
                Signs::default()
            }
            event => {
                self.mark(event);
                Signs::default()
            }
        };
        self.signs = self.signs.with(signs);
        signs
    }

    /// Events that set flags, and no more.
    fn mark(&mut self, event: Event) {
        match event {
            Event::Ended { expired, seq } => {
                self.facts |= Self::ACKED | if expired { Self::EXPIRED } else { Self::DEAD };
                self.seen(seq);
            }
            Event::SendFailed { id } if id == self.terms.id || id == self.root => {
                self.facts |= Self::UNSURE;
            }
            Event::SessionLost | Event::TimedOut if !self.is(Self::ACKED) => {
                self.facts |= Self::UNSURE;
            }
            Event::AskCancel => self.facts |= Self::CANCEL_ASKED,
            Event::AskReplace { id, px, qty } => {
                self.last = self.last.max(id);
                self.replace = Terms { id, px, qty, ..Terms::default() };
                self.facts &= !Self::REPLACE_PENDING;
            }
            Event::CancelRejected { why, seq } => {
                match why {
                    CancelRefusal::AlreadyPending => return,
                    CancelRefusal::UnknownOrder => self.gone_seq = self.gone_seq.max(seq),
                    CancelRefusal::Other | CancelRefusal::TooLate => {}
                }
                self.facts &= !(Self::CANCEL_ASKED | Self::CANCEL_PENDING);
            }
            Event::NotHeld => {
                self.facts &= !(Self::CANCEL_ASKED | Self::CANCEL_PENDING);
                self.facts |= Self::NOT_HELD;
            }
            Event::CancelPending { seq } => {
                self.facts |= Self::CANCEL_ASKED | Self::CANCEL_PENDING;
                self.seen(seq);
            }
            Event::ReplacePending { seq } => {
                self.facts |= Self::REPLACE_PENDING;
                self.seen(seq);
            }
            Event::Phase { phase, seq } => {
                self.facts |= Self::ACKED;
                if seq >= self.phase_seq {
                    (self.phase, self.phase_seq) = (phase, seq);
                }
                self.seen(seq);
            }
            _ => {}
        }
    }

    /// E6-E10. More than the chain asked for is an overfill, unless the fill is older than the
    /// replace that lowered it.
    fn filled(&mut self, cum: i64, undone: i64, seq: u32) -> Signs {
        let ended = self.base().is_terminal();
        self.facts |= Self::ACKED;
        self.seen(seq);
        self.cum_qty = Qty(self.cum_qty.0.saturating_add(cum));
        self.busted_qty = Qty(self.busted_qty.0.saturating_add(undone));
        let mut signs = Signs::default();
        if cum > 0 {
            if ended {
                signs = signs.with(Signs::LATE);
            }
            let most = self.terms.qty.max(self.replace.qty);
            if self.cum_qty > most && (seq == 0 || seq > self.terms.qty_seq) {
                signs = signs.with(Signs::OVERFILL);
            }
            if self.is(Self::REJECTED | Self::NEVER_SENT | Self::ABSENT) {
                signs = signs.with(Signs::PROTOCOL);
            }
        }
        signs
    }

    /// E5, E16, E25: an id that the venue does not have, by `fact`.
    fn refused(&mut self, id: ClOrdId, fact: u16) -> Signs {
        if id == self.replace.id {
            self.replace = Terms::default();
            self.facts &= !Self::REPLACE_PENDING;
        } else if id == self.terms.id || id == self.root {
            self.facts |= fact;
            if self.is(Self::ACKED) && fact != Self::NEVER_SENT {
                return Signs::PROTOCOL;
            }
        }
        Signs::default()
    }

    /// Notes that a report shows the order there.
    const fn seen(&mut self, seq: u32) {
        if seq > self.seen_seq {
            self.seen_seq = seq;
        }
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

    /// E6, E12: what is filled or cancelled under the id of a replace was replaced before.
    fn take_replace(&mut self, id: ClOrdId) {
        if id.0 != 0 && id == self.replace.id {
            self.terms = core::mem::take(&mut self.replace);
            self.facts &= !Self::REPLACE_PENDING;
        }
    }

    /// E15. The quantity in force is the one asked for, whatever came before or after.
    fn replaced(&mut self, id: ClOrdId, px: Price, exposed: Qty, seq: u32) -> Signs {
        if id == self.replace.id {
            self.take_replace(id);
        }
        if id == self.terms.id && id != self.root {
            self.terms.set_px(px, seq);
            self.terms.qty_seq = self.terms.qty_seq.max(seq);
            return Signs::default();
        }
        if id > self.terms.id {
            // Confirmed after all, though it was taken for refused.
            let qty = Qty(exposed.0.saturating_add(self.cum_qty.0));
            self.terms = Terms { id, px, qty, canceled_qty: Qty::ZERO, px_seq: seq, qty_seq: seq };
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
