//! One leg of a parent: at most one child at a time, and what all its children have filled.

use shm::ids::ClOrdId;
use shm::message::{OrderUpdate, RiskReject, Tif, pending};
use shm::reason::Reason;
use shm::record::order::Base;
use shm::units::{Nanos, Price, Qty};

/// Time between the rest of an immediate order and the next one for it.
pub(super) const PAUSE_EXPECTED: Nanos = Nanos(10_000_000);
/// Time between a refusal and the next try.
pub(super) const PAUSE_REFUSED: Nanos = Nanos(100_000_000);
/// How often the pause of a leg that can wait is doubled: 6.4 s at most.
const DOUBLINGS_MAX: u8 = 6;

/// Where the child of a leg stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// There is none.
    #[default]
    Empty,
    /// Asked for, not confirmed.
    Asked,
    /// At the venue, nothing on its way.
    Live,
    /// A replace or cancel is on its way, or its outcome is not known.
    Busy,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Filled.
    Filled,
    /// Cancelled as we asked, or the rest of an immediate order.
    Expected,
    /// Refused by risk or venue, or cancelled without our asking.
    Refused(Reason),
}

/// One leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// The newest id of the child, [`ClOrdId::NONE`] when there is none.
    pub child: ClOrdId,
    /// The id that the venue last confirmed.
    confirmed: ClOrdId,
    /// Where it stands.
    pub stage: Stage,
    /// Price last asked for.
    pub px: Price,
    /// Price before the replace on its way.
    px_before: Price,
    /// Quantity of the chain last asked for.
    pub qty: Qty,
    /// What works of it, as last heard.
    leaves: Qty,
    /// Filled of the child.
    cum: Qty,
    /// Filled by the children before this one.
    before: Qty,
    /// Undone: it does not work again, so it is as good as filled for what is left to do.
    undone: Qty,
    /// It was sent as immediate.
    is_immediate: bool,
    /// We asked to cancel it.
    cancel_asked: bool,
    /// It is of an earlier start: risk is cancelling it, whatever happens to it first.
    is_carried: bool,
    /// No new child before this time.
    pub rest_until: Nanos,
    /// Refusals since the venue last took something of this leg.
    refusals: u8,
}

impl Leg {
    /// Filled and standing.
    #[must_use]
    pub const fn filled(&self) -> i64 {
        self.before.0.saturating_add(self.cum.0)
    }

    /// Filled, counting what was undone: this much less is left to do.
    #[must_use]
    pub const fn spent(&self) -> i64 {
        self.filled().saturating_add(self.undone.0)
    }

    /// Whether nothing of it is at risk or venue.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.stage, Stage::Empty)
    }

    /// Filled of the child that is out.
    #[must_use]
    pub const fn cum(&self) -> Qty {
        self.cum
    }

    /// What works, or is asked to work.
    #[must_use]
    pub const fn leaves(&self) -> Qty {
        match self.stage {
            Stage::Empty => Qty::ZERO,
            Stage::Asked => self.qty,
            Stage::Live | Stage::Busy => self.leaves,
        }
    }

    /// Whether an id is of the child that is out.
    #[must_use]
    pub const fn owns(&self, id: ClOrdId) -> bool {
        !self.is_empty() && self.child.epoch() == id.epoch() && self.child.slot() == id.slot()
    }

    /// A child was asked for.
    pub fn asked(&mut self, id: ClOrdId, px: Price, qty: Qty, tif: Tif) {
        *self = Self {
            child: id,
            confirmed: id,
            stage: Stage::Asked,
            px,
            px_before: px,
            qty,
            leaves: qty,
            is_immediate: matches!(tif, Tif::Ioc | Tif::Fok),
            before: Qty(self.filled()),
            undone: self.undone,
            refusals: self.refusals,
            ..Self::default()
        };
    }

    /// A child of an earlier start, which is being cancelled.
    pub fn carried(&mut self, child: ClOrdId, confirmed: ClOrdId, cum: Qty, leaves: Qty) {
        (self.child, self.confirmed) = (child, confirmed);
        (self.cum, self.leaves) = (cum, leaves);
        self.stage = Stage::Busy;
        self.is_carried = true;
    }

    /// What children of earlier starts filled, and used up.
    pub const fn restore(&mut self, filled: Qty, used: Qty) {
        self.before = filled;
        self.undone = Qty(used.0.saturating_sub(filled.0));
    }

    /// A replace was asked for.
    pub const fn replacing(&mut self, id: ClOrdId, px: Price, qty: Qty) {
        self.child = id;
        self.px_before = self.px;
        (self.px, self.qty) = (px, qty);
        self.stage = Stage::Busy;
    }

    /// A cancel was asked for.
    pub const fn canceling(&mut self) {
        self.cancel_asked = true;
        self.stage = Stage::Busy;
    }

    /// Whether a cancel was asked for.
    #[must_use]
    pub const fn is_canceling(&self) -> bool {
        self.cancel_asked
    }

    /// Takes an update of the child: how it ended, if it did.
    pub fn on_update(&mut self, update: &OrderUpdate, now: Nanos) -> Option<End> {
        let undone = self.cum.0.saturating_sub(update.cum_qty.0).max(0);
        self.undone = Qty(self.undone.0.saturating_add(undone));
        self.cum = update.cum_qty;
        self.leaves = update.leaves_qty;
        let base = Base::from_u8(update.base)?;
        if base.is_terminal() {
            return Some(self.end(base, update));
        }
        match base {
            Base::New | Base::PartiallyFilled if !self.is_carried => {
                self.confirmed = update.cl_ord_id;
                if update.flags & (pending::CANCEL | pending::REPLACE) != 0 {
                    self.stage = Stage::Busy;
                    return None;
                }
                let is_refused = update.cl_ord_id != self.child;
                if is_refused {
                    // The replace was: the order stands as it was.
                    (self.child, self.px) = (update.cl_ord_id, self.px_before);
                }
                if core::mem::take(&mut self.cancel_asked) || is_refused {
                    // Not at once again.
                    self.rest_until = Nanos(now.0.saturating_add(PAUSE_REFUSED.0));
                } else {
                    self.refusals = 0;
                }
                self.stage = Stage::Live;
            }
            _ => self.stage = Stage::Busy,
        }
        None
    }

    fn end(&mut self, base: Base, update: &OrderUpdate) -> End {
        let was_asked = self.cancel_asked || self.is_carried;
        let is_immediate = self.is_immediate;
        let reason = Reason::from_u8(update.reason).unwrap_or(Reason::None);
        self.clear();
        match base {
            Base::Filled => End::Filled,
            // Never sent because its own cancel overtook it, too.
            _ if was_asked => End::Expected,
            Base::Rejected | Base::Denied => End::Refused(reason),
            _ if is_immediate => End::Expected,
            _ => End::Refused(if reason == Reason::None { Reason::Venue } else { reason }),
        }
    }

    /// Takes a refusal by risk of what was asked for this leg: how the child ended, if it did.
    pub fn on_reject(&mut self, reject: &RiskReject, is_new: bool) -> Option<End> {
        if is_new {
            self.clear();
            return Some(End::Refused(Reason::from_u8(reject.reason).unwrap_or(Reason::Busy)));
        }
        if reject.cl_ord_id == self.child && self.child != self.confirmed {
            // A replace: the order stands as it was.
            (self.child, self.px) = (self.confirmed, self.px_before);
            self.stage = Stage::Live;
        }
        None
    }

    /// Rests after a refusal. A leg that can wait rests the longer the more came in a row: what a
    /// rule refuses now it may refuse for long.
    pub fn rest_refused(&mut self, now: Nanos, can_wait: bool) {
        let doublings = if can_wait { self.refusals.min(DOUBLINGS_MAX) } else { 0 };
        let pause = PAUSE_REFUSED.0 << doublings;
        self.rest_until = Nanos(now.0.saturating_add(pause));
        self.refusals = self.refusals.saturating_add(1);
    }

    fn clear(&mut self) {
        *self = Self {
            before: Qty(self.filled()),
            undone: self.undone,
            rest_until: self.rest_until,
            refusals: self.refusals,
            ..Self::default()
        };
    }
}
