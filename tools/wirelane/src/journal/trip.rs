//! Order trips: the stamps of an order from the arrival of its cause to the return of its send, and
//! whether their parts sum to the whole.

use crate::failure::{Failure, Outcome};
use shm::ids::{Cause, ClOrdId};
use shm::journal::Journal;
use shm::record::RecordKind;
use shm::record::market::{Sent, Tx};
use shm::record::order::Approved;
use shm::units::Nanos;
use std::collections::HashMap;

/// The parts of a trip, in order: each ends at the stamp of the same place.
pub(crate) const PARTS: [&str; 8] = [
    "arrival_to_publish",
    "hop_feed_strategy",
    "strategy",
    "hop_strategy_risk",
    "risk",
    "journal_and_hop_risk_gateway",
    "encode",
    "send",
];

/// Granularity of the clock that a part's sum may be off by, in ns.
const PART_ERROR_NS: u64 = 1_000;

/// A trip that ended in a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trip {
    /// The order.
    pub(crate) cl_ord_id: ClOrdId,
    /// Arrival of the bytes that caused it.
    pub(crate) t0: Nanos,
    /// Their feed and sequence.
    pub(crate) cause: Cause,
    /// Ends of the parts, ns after `t0`.
    pub(crate) stamps: [u32; PARTS.len()],
}

impl Trip {
    /// Length of each part, ns; 0 where a stamp lies before the one ahead of it.
    pub(crate) fn parts(&self) -> [u32; PARTS.len()] {
        let mut before = 0;
        self.stamps.map(|stamp| stamp.saturating_sub(std::mem::replace(&mut before, stamp)))
    }

    /// The whole: arrival to the return of the send, ns.
    pub(crate) fn whole(&self) -> u32 {
        let [.., sent] = self.stamps;
        sent
    }

    /// Whether the stamps never go back, none is beyond its range, and the parts sum to the whole.
    pub(crate) fn sums(&self) -> bool {
        let sum: u64 = self.parts().iter().map(|&part| u64::from(part)).sum();
        let error = sum.abs_diff(u64::from(self.whole()));
        self.stamps.is_sorted()
            && self.whole() != u32::MAX
            && error <= PART_ERROR_NS * PARTS.len() as u64
    }
}

/// What was found in a journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trips {
    /// Whole trips of new orders and replaces that were sent, in the order of the sends' lanes.
    pub(crate) trips: Vec<Trip>,
    /// Sends of an order whose approval or message is not in the journal: a broken promise.
    pub(crate) orphans: u64,
}

impl Trips {
    /// Reads the trips of an epoch.
    pub(crate) fn read(journal: &Journal, epoch: u16) -> Outcome<Self> {
        let mut found = Gathered::default();
        for lane in journal.lanes(epoch).map_err(Failure::not_done)? {
            let mut reader = journal.reader(epoch, lane).map_err(Failure::not_done)?;
            while let Some(record) = reader.next().map_err(Failure::unsound)? {
                found.take(lane, record.seq.low(), record.header.kind, record.body);
            }
        }
        Ok(found.join())
    }

    /// Trips whose parts do not sum, and sends without a trip.
    pub(crate) fn not_summing(&self) -> u64 {
        self.trips.iter().filter(|trip| !trip.sums()).count() as u64 + self.orphans
    }
}

/// Records on their way to becoming trips.
#[derive(Default)]
struct Gathered {
    approved: HashMap<ClOrdId, Approved>,
    messages: HashMap<(u16, u32), Tx>,
    sent: Vec<(u16, Sent)>,
}

impl Gathered {
    fn take(&mut self, lane: u16, seq: u32, kind: u16, body: &[u8]) {
        match RecordKind::from_u16(kind) {
            Some(RecordKind::Approved) => {
                if let Some(order) = Approved::read(body) {
                    self.approved.insert(order.cl_ord_id, order);
                }
            }
            Some(RecordKind::Tx) => {
                if let Some(tx) = Tx::read(body) {
                    self.messages.insert((lane, seq), tx);
                }
            }
            Some(RecordKind::Sent) => self.sent.extend(Sent::read(body).map(|sent| (lane, sent))),
            _ => {}
        }
    }

    fn join(self) -> Trips {
        let mut trips = Trips::default();
        for (lane, sent) in self.sent.iter().filter(|(_, sent)| sent.result > 0) {
            let Some(tx) = self.messages.get(&(*lane, sent.tx_seq)) else {
                trips.orphans += 1;
                continue;
            };
            if tx.action == shm::message::Kind::ApprovedCancel as u8 {
                continue;
            }
            let Some(order) = self.approved.get(&tx.cl_ord_id) else {
                trips.orphans += 1;
                continue;
            };
            // A message sent again after a reconnect is no trip of its own: its clock began anew.
            if tx.t0 == order.t0 && sent.t0 == order.t0 {
                trips.trips.push(trip(order, tx, sent));
            }
        }
        trips
    }
}

fn trip(order: &Approved, tx: &Tx, sent: &Sent) -> Trip {
    Trip {
        cl_ord_id: order.cl_ord_id,
        t0: order.t0,
        cause: order.cause,
        stamps: [
            order.d_publish,
            order.d_begin,
            order.d_intent,
            order.d_risk,
            order.d_decided,
            tx.d_gateway,
            tx.d_encoded,
            sent.d_sent,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::merge::tests::Written;
    use shm::ids::StrategyId;
    use shm::message::Kind;

    fn order(slot: u32) -> Approved {
        Approved {
            cl_ord_id: ClOrdId::new(7, StrategyId(1), slot, 0),
            t0: Nanos(1_000),
            d_publish: 10,
            d_begin: 20,
            d_intent: 30,
            d_risk: 40,
            d_decided: 50,
            ..Approved::default()
        }
    }

    /// Goal: trips are joined from three records, parts sum to the whole, and each way of not
    /// summing is counted. Method: one good trip; one whose stamps go back; one send without its
    /// approval; a cancel, which is no trip; a send that failed.
    #[test]
    fn trips_that_do_not_sum_are_counted() {
        let temp = tempfile::tempdir().unwrap();
        let mut written = Written::new(temp.path(), 7, 2);
        let mut send =
            |order: &Approved, action: Kind, approved: bool, d_sent: u32, result: i32| {
                let id = order.cl_ord_id;
                if approved {
                    written.put(1, RecordKind::Approved, 1, order.bytes());
                }
                let tx = Tx {
                    cl_ord_id: id,
                    t0: order.t0,
                    d_gateway: 60,
                    d_encoded: 70,
                    action: action as u8,
                    ..Tx::default()
                };
                written.put(1, RecordKind::Tx, 1, tx.bytes());
                let tx_seq = written.lanes[1].last_seq().low();
                let sent =
                    Sent { cl_ord_id: id, t0: order.t0, tx_seq, result, d_sent, ..Sent::default() };
                written.put(1, RecordKind::Sent, 1, sent.bytes());
            };
        send(&order(1), Kind::ApprovedNew, true, 80, 47);
        send(&Approved { d_risk: 25, ..order(2) }, Kind::ApprovedReplace, true, 80, 47);
        send(&order(3), Kind::ApprovedNew, false, 80, 47);
        send(&order(4), Kind::ApprovedCancel, false, 80, 47);
        send(&order(5), Kind::ApprovedNew, true, 80, -11);
        let journal = Journal::open(&written.dir).unwrap();
        let trips = Trips::read(&journal, 7).unwrap();
        assert_eq!((trips.trips.len(), trips.orphans, trips.not_summing()), (2, 1, 2));
        let good = trips.trips[0];
        assert_eq!(good.parts(), [10; PARTS.len()]);
        assert_eq!((good.whole(), good.sums()), (80, true));
        assert!(!trips.trips[1].sums(), "30 then 25");
        assert!(!Trip { stamps: [u32::MAX; 8], ..good }.sums(), "beyond the range of a stamp");
    }
}
