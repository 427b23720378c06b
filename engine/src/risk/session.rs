//! Reports that are of no order of ours: the state of a session, orders that are not ours, the
//! venue's account of positions; and orders that wait for an answer.

use shm::ids::{ClOrdId, GatewayId, InstrumentId, StrategyId};
use shm::message::{ExecReport, Kind, OrderUpdate, Side};
use shm::reason::Reason;
use shm::record::order as record;
use shm::units::{Nanos, Price, Qty};

use super::fills::{Change, Owner};
use super::report::flags_of;
use super::{Applied, Risk};
use crate::order::past::PastOrder;
use crate::order::{Event, Place, Signs};

/// `reason` of a `SessionUp` of another venue session than before.
const NEW_SESSION: u16 = 1;

impl Risk {
    /// E23. Where instrument and side of the order are known, its fills move the position of its
    /// strategy, or of whoever the strays of the gateway are booked to (C8: exposure until it is
    /// disproved); else the venue's own account of positions has to.
    pub(super) fn on_external(&mut self, report: &ExecReport, gateway: GatewayId) -> Applied {
        self.counters.external += 1;
        let mut change = Change::sign(Signs::EXTERNAL);
        let mut event = bare_event(report, gateway);
        if let Some(mut owner) = self.owner_of_stray(report.cl_ord_id, gateway) {
            let Owner { instrument, side, .. } = owner;
            let found = match Kind::from_u8(report.kind) {
                Some(Kind::Executed) => self.say_executed(&mut owner, report),
                Some(Kind::Corrected) => self.say_corrected(&mut owner, report),
                Some(Kind::Broken) => self.say_broken(&mut owner, report),
                Some(_) | None => Change::default(),
            };
            let signs = found.signs.with(Signs::EXTERNAL);
            change = Change { signs, ..found };
            (event.instrument, event.side) = (instrument, side as u8);
            let holding = self.ledger.get(owner.strategy, instrument);
            event.position = holding.map_or(Qty::ZERO, |holding| holding.qty);
            self.heed(instrument, change.signs);
        }
        event.flags = flags_of(change.signs);
        Applied {
            event,
            position: change.position,
            update: None,
            signs: change.signs,
            external: true,
            session: None,
        }
    }

    /// Whom a report of no known order belongs to: a strategy of ours whose order is long past, or
    /// whoever has the strays of the gateway, where the report says instrument and side.
    fn owner_of_stray(&self, id: ClOrdId, gateway: GatewayId) -> Option<Owner> {
        if let Some((instrument, side)) = id.as_external() {
            return self.stray(id, gateway, instrument, Side::from_u8(side)?);
        }
        let PastOrder { root, instrument, side } = self.table.past(id)?;
        let strategy = root.strategy();
        let account = self.permits.get(strategy.index())?.account;
        let cl_ord_id = id;
        Some(Owner { root, strategy, account, instrument, side, latest: 0, cl_ord_id })
    }

    /// Who has what no order explains: the operator, or, where it trades elsewhere, the first
    /// strategy of the gateway.
    fn stray(
        &self,
        root: ClOrdId,
        gateway: GatewayId,
        instrument: InstrumentId,
        side: Side,
    ) -> Option<Owner> {
        self.forms.get(instrument.index())?;
        let at = self.permits.iter().position(|permit| permit.gateway == gateway)?;
        let account = self.permits.get(at)?.account;
        let strategy = StrategyId(at as u8);
        let cl_ord_id = root;
        Some(Owner { root, strategy, account, instrument, side, latest: 0, cl_ord_id })
    }

    /// C8. The venue's word of a position is the truth; a difference is written as an adjustment.
    /// One that was asked for before our last event cannot know it, and is ignored (C9).
    pub(super) fn on_venue_position(&mut self, report: &ExecReport, gateway: GatewayId) -> Applied {
        let mut event = bare_event(report, gateway);
        let seq = self.sessions.get(gateway.index()).map_or(0, |session| session.venue_seq);
        let instrument = report.cl_ord_id.as_external().map(|(instrument, _)| instrument);
        let ours = instrument.and_then(|instrument| self.position_at(gateway, instrument));
        let mut change = Change::default();
        if let (Some(instrument), Some((ours, px))) = (instrument, ours) {
            event.instrument = instrument;
            let missing = report.last_qty.0.saturating_sub(ours.0);
            let side = if missing > 0 { Side::Buy } else { Side::Sell };
            let owner = self.stray(report.cl_ord_id, gateway, instrument, side);
            if let (Some(owner), true) = (owner, missing != 0 && report.venue_seq >= seq) {
                let px = if report.last_px.is_some() { report.last_px } else { px };
                change = self.adjust(&owner, px, Qty(missing.saturating_abs()));
                self.counters.adjustments += 1;
                self.heed(instrument, change.signs);
            }
            let after = self.position_at(gateway, instrument);
            event.position = after.map_or(Qty::ZERO, |(qty, _)| qty);
        }
        event.flags = flags_of(change.signs);
        Applied {
            event,
            position: change.position,
            update: None,
            signs: change.signs,
            external: false,
            session: None,
        }
    }

    /// Sum of the positions of a gateway's strategies, and what a unit of it cost.
    fn position_at(&self, gateway: GatewayId, instrument: InstrumentId) -> Option<(Qty, Price)> {
        let (mut qty, mut cost) = (0_i64, 0_i128);
        let permits = self.permits.iter().enumerate();
        for (at, _) in permits.filter(|(_, permit)| permit.gateway == gateway) {
            let holding = self.ledger.get(StrategyId(at as u8), instrument)?;
            qty = qty.saturating_add(holding.qty.0);
            cost = cost.saturating_add(holding.cost);
        }
        let unit = i128::from(qty) * i128::from(self.multiplier(instrument));
        let px = cost.checked_div(unit).and_then(|px| i64::try_from(px).ok()).unwrap_or(0);
        Some((Qty(qty), Price(px)))
    }

    /// Whether an order has waited for the venue's answer for too long (E24).
    #[must_use]
    pub fn is_overdue(&self, now: Nanos) -> bool {
        let oldest = self.table.oldest_in_flight();
        oldest.is_some_and(|order| now.saturating_since(order.since) > self.answer_max)
    }

    /// E24: makes the order that has waited longest unknown, if it has waited for too long; what
    /// its strategy is told. To be called until nothing comes back.
    pub fn take_overdue(&mut self, now: Nanos) -> Option<OrderUpdate> {
        if !self.is_overdue(now) {
            return None;
        }
        self.now = self.now.max(now);
        let order = self.table.oldest_in_flight()?;
        let (slot, t0) = (order.root.slot(), self.now);
        let place = Place::Slot(slot);
        self.table.apply(place, Event::TimedOut);
        self.date_unknown(place);
        self.count_unknown(slot);
        self.counters.overdue += 1;
        Some(Self::update_of(self.table.get(place)?, Reason::None, t0))
    }

    /// R03, and E24 for orders that were on their way.
    pub(super) fn on_session(
        &mut self,
        report: &ExecReport,
        gateway: GatewayId,
        up: bool,
    ) -> Applied {
        if let Some(session) = self.sessions.get_mut(gateway.index()) {
            session.up = up;
            if up && report.reason == NEW_SESSION {
                // Its stream is counted anew; the orders of the old one have been ended one by one.
                session.venue_seq = report.venue_seq;
            }
        }
        if !up {
            self.count_disconnect(gateway);
            let mut after = None;
            // Orders change, none ends: the walk meets each once.
            while let Some(slot) = self.table.working_after(after) {
                if self.table.row(slot).is_some_and(|order| order.gateway == gateway) {
                    self.table.apply(Place::Slot(slot), Event::SessionLost);
                    self.date_unknown(Place::Slot(slot));
                    self.count_unknown(slot);
                }
                after = Some(slot);
            }
        }
        Applied {
            event: bare_event(report, gateway),
            position: None,
            update: None,
            signs: Signs::default(),
            external: false,
            session: Some(up),
        }
    }
}

/// The facts of a report as a record, without an order's state.
pub(super) fn bare_event(report: &ExecReport, gateway: GatewayId) -> record::OrderEvent {
    record::OrderEvent {
        cl_ord_id: report.cl_ord_id,
        venue_ord_id: report.venue_ord_id,
        exec_id: report.exec_id,
        last_px: report.last_px,
        last_qty: report.last_qty,
        px: Price::NONE,
        instrument: InstrumentId::NONE,
        venue_seq: report.venue_seq,
        event: report.kind,
        liquidity: report.liquidity,
        reason: report.reason,
        gateway: gateway.0,
        ..record::OrderEvent::default()
    }
}
