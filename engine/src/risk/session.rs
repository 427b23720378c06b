//! Reports that are of no order: the state of a session, and orders that are not ours.

use shm::ids::{GatewayId, InstrumentId};
use shm::message::ExecReport;
use shm::record::order as record;
use shm::units::Price;

use super::{Applied, Risk};
use crate::order::{Event, Place, Signs};

/// `reason` of a `SessionUp` of another venue session than before.
const NEW_SESSION: u16 = 1;

impl Risk {
    /// E23. The report says neither instrument nor side, so that no position can follow from it;
    /// the venue's own account of positions has to.
    pub(super) fn on_external(&mut self, report: &ExecReport, gateway: GatewayId) -> Applied {
        self.counters.external += 1;
        Applied {
            event: bare_event(report, gateway),
            position: None,
            update: None,
            signs: Signs::default(),
            external: true,
            session: None,
        }
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
                // Its stream is counted from 1; the orders of the old one have been ended one by
                // one.
                session.venue_seq = 0;
            }
        }
        if !up {
            let mut after = None;
            // Orders change, none ends: the walk meets each once.
            while let Some(slot) = self.table.working_after(after) {
                if self.table.row(slot).is_some_and(|order| order.gateway == gateway) {
                    self.table.apply(Place::Slot(slot), Event::SessionLost);
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
