//! Approvals: new, replace, cancel.

use super::orders::{NEVER, Order};
use super::{Paper, Reports, Top, reaches};
use crate::codec::ouch50::{CancelReasonCode, LiquidityCode, RejectReason};
use shm::ids::ClOrdId;
use shm::message::{Approved, ExecReport, Kind, OrdType, OrderTerms, Side, Tif};
use shm::units::{Nanos, Price, Qty};

/// What an order may do beyond its price and quantity.
#[derive(Clone, Copy, Debug)]
struct Terms {
    side: Side,
    /// `None`: at any price.
    limit: Option<Price>,
    /// What does not execute at once is cancelled.
    is_immediate: bool,
    /// All at once or nothing.
    is_whole: bool,
    /// Must not execute on arrival.
    is_post_only: bool,
    /// When it ends by itself.
    expiry: Nanos,
    /// Not shown.
    is_hidden: bool,
}

impl Terms {
    /// The terms of an approval, or the venue's reason against it.
    fn of(approved: &Approved, rare: &OrderTerms) -> Result<Self, RejectReason> {
        let side = Side::from_u8(approved.side).ok_or(RejectReason::SIDE)?;
        let ord_type = OrdType::from_u8(approved.ord_type).ok_or(RejectReason::OTHER)?;
        let tif = Tif::from_u8(approved.tif).ok_or(RejectReason::OTHER)?;
        if approved.qty <= Qty::ZERO {
            return Err(RejectReason::QTY);
        }
        let limit = match ord_type {
            OrdType::Market => None,
            OrdType::Limit | OrdType::PostOnly if approved.px > Price(0) => Some(approved.px),
            OrdType::Limit | OrdType::PostOnly => return Err(RejectReason::PX),
        };
        let is_immediate = matches!(tif, Tif::Ioc | Tif::Fok) || ord_type == OrdType::Market;
        let is_post_only = ord_type == OrdType::PostOnly;
        let is_timed = tif == Tif::Gtd;
        if is_timed != (rare.expiry != Nanos(0)) || is_post_only && is_immediate {
            return Err(RejectReason::OTHER);
        }
        if rare.display_qty != Qty::ZERO {
            return Err(RejectReason::MAX_FLOOR);
        }
        Ok(Self {
            side,
            limit,
            is_immediate,
            is_whole: tif == Tif::Fok,
            is_post_only,
            expiry: if is_timed { rare.expiry } else { NEVER },
            is_hidden: rare.is_hidden(),
        })
    }

    /// Price and quantity that it meets on arrival.
    fn meets(&self, top: &Top) -> Option<(Price, Qty)> {
        top.opposite(self.side)
            .filter(|(px, _)| self.limit.is_none_or(|limit| reaches(self.side, limit, *px)))
    }
}

impl Paper {
    /// Takes an approval at the time `now`. False, with nothing taken, while reports wait.
    #[must_use]
    pub fn on_approved(&mut self, approved: &Approved, now: Nanos) -> bool {
        self.on_approved_with(approved, &OrderTerms::NONE, now)
    }

    /// [`Paper::on_approved`] of an approval with rare terms.
    #[must_use]
    pub fn on_approved_with(&mut self, approved: &Approved, rare: &OrderTerms, now: Nanos) -> bool {
        if !self.is_drained() {
            return false;
        }
        self.expire(now);
        let refused = match Kind::from_u8(approved.kind) {
            Some(Kind::ApprovedNew) => self.enter(approved, rare, now),
            Some(Kind::ApprovedReplace) => self.replace(approved, rare, now),
            Some(Kind::ApprovedCancel) => {
                self.cancel(approved.cl_ord_id, now);
                Ok(())
            }
            _ => Err(RejectReason::OTHER),
        };
        if let Err(reason) = refused {
            refuse(&mut self.reports, Kind::Rejected, approved.cl_ord_id, reason, now);
        }
        true
    }

    /// Ends the orders whose time has come.
    pub(super) fn expire(&mut self, now: Nanos) {
        if now < self.next_expiry {
            return;
        }
        // Bounded: each turn takes an order out.
        while let Some(row) = self.orders.expired(now) {
            let Some(&order) = self.orders.get(row) else { break };
            self.orders.remove(row);
            self.reports.push(Kind::Canceled, now, canceled(&order, CancelReasonCode::TIMEOUT));
        }
        self.next_expiry = self.orders.next_expiry();
    }

    fn enter(
        &mut self,
        approved: &Approved,
        rare: &OrderTerms,
        now: Nanos,
    ) -> Result<(), RejectReason> {
        let terms = Terms::of(approved, rare)?;
        let id = approved.cl_ord_id;
        if self.tops.get(approved.instrument.index()).is_none() {
            return Err(RejectReason::SYMBOL);
        }
        if !self.orders.has_slot(id) || self.orders.is_open(id) || self.orders.is_full() {
            return Err(RejectReason::OTHER);
        }
        let order = Order {
            side: terms.side,
            instrument: approved.instrument,
            px: approved.px,
            leaves: approved.qty,
            cl_ord_id: id,
            first_id: id,
            venue_ord_id: self.reports.next_venue_ord_id(),
            expiry: terms.expiry,
            is_hidden: terms.is_hidden,
            ..Order::FREE
        };
        self.reports.push(Kind::Accepted, now, terms_report(&order));
        self.arrive(order, terms, now);
        Ok(())
    }

    fn replace(
        &mut self,
        approved: &Approved,
        rare: &OrderTerms,
        now: Nanos,
    ) -> Result<(), RejectReason> {
        let terms = Terms::of(approved, rare)?;
        let row = self.orders.find(approved.cl_ord_id).ok_or(RejectReason::REPLACE_NOT_ALLOWED)?;
        let Some(&old) = self.orders.get(row) else { return Err(RejectReason::OTHER) };
        if old.side != terms.side || old.instrument != approved.instrument {
            return Err(RejectReason::SIDE);
        }
        // The quantity is the whole chain's: what was executed is part of it.
        let leaves = approved.qty.checked_sub(old.cum).unwrap_or(Qty::ZERO).max(Qty::ZERO);
        self.orders.remove(row);
        let order = Order {
            px: approved.px,
            leaves,
            ahead: None,
            cl_ord_id: approved.cl_ord_id,
            venue_ord_id: self.reports.next_venue_ord_id(),
            expiry: terms.expiry,
            is_hidden: terms.is_hidden,
            ..old
        };
        self.reports.push(Kind::Replaced, now, terms_report(&order));
        if leaves > Qty::ZERO {
            self.arrive(order, terms, now);
        }
        Ok(())
    }

    fn cancel(&mut self, id: ClOrdId, now: Nanos) {
        let found = self.orders.find(id).and_then(|row| self.orders.get(row).map(|o| (row, *o)));
        let Some((row, order)) = found else {
            let reason = RejectReason::CANCEL_NOT_ALLOWED;
            refuse(&mut self.reports, Kind::CancelRejected, id, reason, now);
            return;
        };
        self.orders.remove(row);
        self.reports.push(Kind::Canceled, now, canceled(&order, CancelReasonCode::USER));
    }

    /// Executes what an order meets, then lets the rest rest or ends it.
    fn arrive(&mut self, mut order: Order, terms: Terms, now: Nanos) {
        let Some(top) = self.tops.get_mut(order.instrument.index()) else { return };
        if let Some((px, left)) = terms.meets(top) {
            if terms.is_post_only {
                let report = canceled(&order, CancelReasonCode::POST_ONLY_MEETS);
                self.reports.push(Kind::Canceled, now, report);
                return;
            }
            if !terms.is_whole || left >= order.leaves {
                let qty = left.min(order.leaves);
                top.take(order.side, qty);
                execute(&mut self.reports, &mut order, px, qty, LiquidityCode::REMOVED, now);
            }
        }
        if order.leaves <= Qty::ZERO {
            return;
        }
        if terms.is_immediate {
            self.reports.push(Kind::Canceled, now, canceled(&order, CancelReasonCode::IOC));
            return;
        }
        order.ahead = if order.is_hidden { None } else { queue_on_arrival(top, &order) };
        self.next_expiry = self.next_expiry.min(order.expiry);
        let was_kept = self.orders.insert(order);
        debug_assert!(was_kept, "a row was free");
    }
}

/// The queue ahead of an order that begins to rest.
fn queue_on_arrival(top: &Top, order: &Order) -> Option<Qty> {
    let (best, shown) = top.own(order.side);
    if !top.is_usable {
        None
    } else if best.is_none() || !reaches(order.side, best, order.px) {
        Some(Qty::ZERO)
    } else if best == order.px {
        Some(shown)
    } else {
        None
    }
}

/// Executes a part of an order: quantities and report.
pub(super) fn execute(
    reports: &mut Reports,
    order: &mut Order,
    px: Price,
    qty: Qty,
    liquidity: LiquidityCode,
    t0: Nanos,
) {
    order.leaves = order.leaves.checked_sub(qty).unwrap_or(Qty::ZERO);
    order.cum = order.cum.checked_add(qty).unwrap_or(order.cum);
    let report = ExecReport {
        liquidity: liquidity.0,
        cl_ord_id: order.cl_ord_id,
        venue_ord_id: order.venue_ord_id,
        exec_id: reports.next_exec_id(),
        last_px: px,
        last_qty: qty,
        ..ExecReport::default()
    };
    reports.push(Kind::Executed, t0, report);
}

/// The terms in force.
fn terms_report(order: &Order) -> ExecReport {
    ExecReport {
        cl_ord_id: order.cl_ord_id,
        venue_ord_id: order.venue_ord_id,
        last_px: order.px,
        last_qty: order.leaves,
        ..ExecReport::default()
    }
}

/// All that is left of an order is cancelled.
fn canceled(order: &Order, reason: CancelReasonCode) -> ExecReport {
    ExecReport { reason: reason.0.into(), last_px: Price::NONE, ..terms_report(order) }
}

fn refuse(reports: &mut Reports, kind: Kind, id: ClOrdId, reason: RejectReason, now: Nanos) {
    let report = ExecReport {
        reason: reason.0.get(),
        cl_ord_id: id,
        last_px: Price::NONE,
        ..ExecReport::default()
    };
    reports.push(kind, now, report);
}
