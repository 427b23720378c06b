//! The end of a venue session: what worked in it is gone, and no report of the venue will say so.
//! Risk is told order by order, as far as its ring has room, before anything of the new session is
//! taken.
//!
//! Where the venue had accepted an order the report is a cancel of what was left; where it had not
//! answered, a reject.

use super::{GatewayStage, REPORT_ROOM, Turn};
use gateway::wire_table::WireTable;
use shm::message::{ExecReport, Kind};
use shm::units::{Nanos, Qty};

/// Orders being told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expiry {
    /// The next slot to look at.
    slot: u32,
    /// When the logon was read: a replay tells them all at once, and must date them alike.
    t0: Nanos,
}

impl GatewayStage {
    /// The venue session has changed, by a logon read at `t0`.
    pub(super) fn begin_expiry(&mut self, t0: Nanos) {
        self.expiry = Some(Expiry { slot: 0, t0 });
    }

    /// Tells risk of as many orders as it has room for. True once all are told: then the table is
    /// that of the new session.
    pub(super) fn expire(&mut self, turn: &Turn<'_>) -> bool {
        let Some(Expiry { mut slot, t0 }) = self.expiry else { return true };
        while let Some(open) = self.ouch.table().next_open(slot) {
            // What was read after the logon waits, and will need the room that a read needs.
            if !self.reports.has_room(REPORT_ROOM + 1) {
                self.expiry = Some(Expiry { slot: open, t0 });
                return false;
            }
            if let Some(report) = end_of(self.ouch.table(), open, t0) {
                self.report(report, t0, turn);
            }
            slot = open.saturating_add(1);
        }
        self.ouch.table_mut().start_over();
        self.show_all();
        self.expiry = None;
        true
    }

    /// A live turn while there are orders to tell: nothing else is taken or sent.
    pub(super) fn expire_on(&mut self, turn: &mut Turn<'_>) -> usize {
        if let Some(Expiry { t0, .. }) = self.expiry {
            self.take_events(t0, turn);
            if self.expiry.is_none() {
                self.check_ended(t0, turn);
            }
        }
        1
    }
}

/// The report that ends the chain of a slot.
fn end_of(table: &WireTable, slot: u32, t0: Nanos) -> Option<ExecReport> {
    let [live, sent] = table.cancel_urns(slot);
    let accepted = live != 0 && table.is_accepted(live);
    let urn = if live != 0 { live } else { sent };
    let cl_ord_id = table.id_of(urn)?;
    let (venue_ord_id, leaves) = table.terms_of(urn)?;
    let (kind, last_qty) = if accepted {
        (Kind::Canceled, Qty::from_shares(leaves))
    } else {
        (Kind::Rejected, Qty::ZERO)
    };
    let report = ExecReport {
        kind: kind as u8,
        cl_ord_id,
        venue_ord_id,
        last_qty,
        t0,
        ..ExecReport::default()
    };
    Some(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::wire_table::WireTableConfig;
    use shm::ids::{ClOrdId, StrategyId, VenueOrdId};

    // Goal: each way an order can stand has its end. Method: a table with one of each; the number
    // of each report, its kind and quantity.
    #[test]
    fn every_open_order_has_an_end() {
        let mut table = WireTable::new(WireTableConfig { slots: 8, urns: 64 });
        let id = |slot, uses| ClOrdId::new(1, StrategyId(1), slot, uses);
        let [accepted, unanswered, replacing, overtaken] = [0, 1, 2, 3].map(|slot| {
            let urn = table.assign_new(id(slot, 0)).unwrap();
            (slot, urn)
        });
        for (_, urn) in [accepted, replacing] {
            table.on_live(urn, VenueOrdId(u64::from(urn) + 100), 30);
        }
        for (slot, _) in [replacing, overtaken] {
            table.assign_replace(id(slot, 1)).unwrap();
        }
        let end = |(slot, _)| end_of(&table, slot, Nanos(5)).unwrap();
        let shares = Qty::from_shares;
        for (order, kind, qty) in [
            (accepted, Kind::Canceled, shares(30)),
            (unanswered, Kind::Rejected, Qty::ZERO),
            (replacing, Kind::Canceled, shares(30)),
            (overtaken, Kind::Rejected, Qty::ZERO),
        ] {
            let report = end(order);
            assert_eq!((report.kind, report.last_qty), (kind as u8, qty), "slot {}", order.0);
            assert_eq!((report.cl_ord_id, report.t0), (id(order.0, 0), Nanos(5)));
            assert_eq!(report.venue_seq, 0, "no message of the venue said so");
        }
        assert_eq!(end_of(&table, 4, Nanos(5)), None);
    }
}
