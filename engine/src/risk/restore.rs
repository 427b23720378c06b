//! The state of risk from the records of its lane: what was approved, asked, reported. Any prefix
//! gives a consistent state, since a record holds the fact and the state follows from it as it did
//! the first time; the state a record names is compared.

use shm::ids::{AccountId, GatewayId};
use shm::message::{ExecReport, Side, Tail};
use shm::record::RecordKind;
use shm::record::order::{self as record, value_of};
use shm::record::parent::Parent;
use shm::units::Nanos;

use super::{Applied, Risk};
use crate::position::{Holding, Lot};

/// Why a record does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// Its body is too short for its kind.
    Short,
    /// It speaks of a strategy, instrument, account or slot that the setup does not have: the
    /// configuration or the instrument file has changed. Remedy: start with the old ones, or flat.
    NotInSetup,
    /// The state it names is not the one that follows from the records before it: a record is
    /// missing or the program has changed. Remedy: reconcile with the venue before trading.
    Differs,
}

impl core::fmt::Display for RestoreError {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(match self {
            Self::Short => "record body too short",
            Self::NotInSetup => {
                "record of an order or position that this configuration has no place for: a name, \
                 a gateway or a strategy's orders_max has changed; start with the old ones until \
                 its orders have ended"
            }
            Self::Differs => "record names a state that its predecessors do not lead to",
        })
    }
}

impl core::error::Error for RestoreError {}

impl Risk {
    /// Takes the next record of risk's lane; `ts` is the time in its header. Kinds that do not
    /// change orders or positions are passed over. A `PositionEvent` may lack at the end of a
    /// prefix: its effect is that of the `OrderEvent` before it.
    ///
    /// The live state of a session begins from its opening records alone: restore the old lane into
    /// one `Risk`, [`Risk::carry`] it into the journal of the new session, and restore those
    /// records into the `Risk` that trades, so that a replay begins from the same state.
    ///
    /// # Errors
    /// [`RestoreError`]; the state is then that of the records before, or for `Differs` the one
    /// that follows from the facts.
    pub fn restore(
        &mut self,
        kind: RecordKind,
        body: &[u8],
        ts: Nanos,
    ) -> Result<(), RestoreError> {
        self.advance(ts);
        self.restoring = true;
        self.advance(ts);
        let restored = self.restore_record(kind, body, ts);
        self.restoring = false;
        restored
    }

    fn restore_record(
        &mut self,
        kind: RecordKind,
        body: &[u8],
        ts: Nanos,
    ) -> Result<(), RestoreError> {
        match kind {
            RecordKind::Approved => {
                let record = record::Approved::read(body).ok_or(RestoreError::Short)?;
                self.restore_approved(&record, ts)
            }
            RecordKind::Denied => {
                let record = record::Denied::read(body).ok_or(RestoreError::Short)?;
                self.count_refusal(record.reason);
                Ok(())
            }
            RecordKind::CancelAsked => {
                let record = record::CancelAsked::read(body).ok_or(RestoreError::Short)?;
                self.restore_cancel(&record)
            }
            RecordKind::OrderEvent => {
                let record = record::OrderEvent::read(body).ok_or(RestoreError::Short)?;
                self.restore_event(&record)
            }
            RecordKind::PositionEvent => {
                let record = record::PositionEvent::read(body).ok_or(RestoreError::Short)?;
                self.compare_position(&record)
            }
            RecordKind::CarryOrder => {
                let record = record::OrderEvent::read(body).ok_or(RestoreError::Short)?;
                self.take_carried_order(&record)
            }
            RecordKind::CarryPosition => {
                let record = record::PositionEvent::read(body).ok_or(RestoreError::Short)?;
                self.take_carried_position(&record)
            }
            RecordKind::ParentApproved | RecordKind::CarryParent => {
                self.restore_parent(&Parent::read(body).ok_or(RestoreError::Short)?)
            }
            RecordKind::ParentDone => self.restore_parent_end(body),
            RecordKind::Tick => {
                while self.take_overdue(ts).is_some() {}
                Ok(())
            }
            RecordKind::Alarm => {
                self.restore_alarm(&record::Alarm::read(body).ok_or(RestoreError::Short)?)
            }
            RecordKind::ScopePeak => self.restore_peak(body),
            RecordKind::CarryScope => {
                let record = record::ScopeTotals::read(body).ok_or(RestoreError::Short)?;
                self.take_carried_scope(&record)
            }
            RecordKind::CarryRecent => {
                self.take_recent(&record::Recent::read(body).ok_or(RestoreError::Short)?)
            }
            // Bytes, sessions, the order of inputs: nothing of orders or positions.
            _ => Ok(()),
        }
    }

    fn restore_parent_end(&mut self, body: &[u8]) -> Result<(), RestoreError> {
        let record = Parent::read(body).ok_or(RestoreError::Short)?;
        let ended = self.end_parent(record.cl_ord_id, 0, 0);
        ended.map(|_| ()).ok_or(RestoreError::Differs)
    }

    fn restore_parent(&mut self, record: &Parent) -> Result<(), RestoreError> {
        let row = self.table.row(record.cl_ord_id.slot());
        let is_known = self.permits.get(record.cl_ord_id.strategy().index()).is_some()
            && self.forms.get(record.instrument.index()).is_some();
        row.filter(|_| is_known).ok_or(RestoreError::NotInSetup)?;
        if self.take_parent(*record) { Ok(()) } else { Err(RestoreError::Differs) }
    }

    fn restore_cancel(&mut self, record: &record::CancelAsked) -> Result<(), RestoreError> {
        let place = self.table.find(record.cl_ord_id).ok_or(RestoreError::Differs)?;
        let order = self.table.get(place).ok_or(RestoreError::Differs)?;
        self.ask_cancel(place, order.gateway.index(), self.now);
        Ok(())
    }

    fn restore_approved(
        &mut self,
        record: &record::Approved,
        ts: Nanos,
    ) -> Result<(), RestoreError> {
        let id = record.cl_ord_id;
        let permit = self.permits.get(id.strategy().index()).ok_or(RestoreError::NotInSetup)?;
        let is_known = permit.account == AccountId(record.account)
            && permit.gateway == GatewayId(record.gateway)
            && Side::from_u8(record.side).is_some()
            && self.forms.get(record.instrument.index()).is_some()
            && self.table.row(id.slot()).is_some();
        if !is_known {
            return Err(RestoreError::NotInSetup);
        }
        if !self.enter_again(record, ts) {
            return Err(RestoreError::Differs);
        }
        let is_replace = record.orig_cl_ord_id.0 != 0;
        let counter = if is_replace {
            &mut self.counters.approved_replace
        } else {
            &mut self.counters.approved_new
        };
        *counter += 1;
        Ok(())
    }

    fn restore_event(&mut self, event: &record::OrderEvent) -> Result<(), RestoreError> {
        let report = ExecReport {
            kind: event.event,
            liquidity: event.liquidity,
            reason: event.reason,
            venue_seq: event.venue_seq,
            cl_ord_id: event.cl_ord_id,
            venue_ord_id: event.venue_ord_id,
            exec_id: event.exec_id,
            last_px: event.last_px,
            last_qty: event.last_qty,
            t0: Nanos(0),
            tail: Tail::default(),
        };
        let Applied { event: again, .. } = self.on_report(&report, GatewayId(event.gateway));
        if again == *event { Ok(()) } else { Err(RestoreError::Differs) }
    }

    fn compare_position(&self, event: &record::PositionEvent) -> Result<(), RestoreError> {
        let strategy = shm::ids::StrategyId(event.strategy);
        let holding = self.ledger.get(strategy, event.instrument);
        let holding = holding.ok_or(RestoreError::NotInSetup)?;
        let is_same = holding.qty == event.position
            && holding.cost == value_of(event.cost)
            && holding.realised == value_of(event.realised)
            && holding.fees == value_of(event.fees);
        if is_same { Ok(()) } else { Err(RestoreError::Differs) }
    }

    fn take_carried_position(&mut self, event: &record::PositionEvent) -> Result<(), RestoreError> {
        let strategy = shm::ids::StrategyId(event.strategy);
        let instrument = event.instrument;
        let is_known = self.forms.get(instrument.index()).is_some();
        let rows = self.rows(strategy, instrument).filter(|_| is_known);
        let rows = rows.ok_or(RestoreError::NotInSetup)?;
        if event.exec_id.0 != 0 {
            let (px, cost) = (event.last_px, value_of(event.cost));
            let lot = Lot { px, qty: event.last_qty.0.unsigned_abs(), cost };
            self.ledger.carry_lot(strategy, instrument, lot, event.exec_id.0 == 1);
            return Ok(());
        }
        let carried = Holding {
            qty: event.position,
            cost: value_of(event.cost),
            realised: value_of(event.realised),
            fees: value_of(event.fees),
            overflows: 0,
        };
        let before = self.ledger.carry(strategy, instrument, carried);
        self.apply_carried(&rows, &before.ok_or(RestoreError::Differs)?, &carried);
        Ok(())
    }
}
