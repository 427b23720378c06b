//! The paper stage: the embedded venue that fills against the live book, in the place of a gateway.
//!
//! Primary port: market data of its feed. One `Tx` without bytes per approval that reaches the
//! venue, one `TxVoid` per approval that a gate stops; nothing else comes in, and nothing goes out
//! of the process.

use super::gateway::{OpenOrder, OpenOrders};
use super::terms::TermsTable;
use super::{Progress, Recorded, Turn};
use crate::link::{Input, Output};
use crate::telemetry::GatewayMeters;
use gateway::paper::Paper;
use shm::gates::Gates;
use shm::ids::{AccountId, GatewayId};
use shm::message::{Approved, BookTop, ExecReport, Kind, Message, OrderTerms, Trade};
use shm::reason::Reason;
use shm::record::market::{RxVenue, Tx, TxVoid};
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::collections::VecDeque;
use std::sync::Arc;

/// Market messages taken in one poll.
const MARKET_BATCH: usize = 64;
/// Approvals taken in one poll.
const APPROVED_BATCH: usize = 32;

/// What a paper stage is made of.
pub struct Setup {
    /// Which stage it is.
    pub id: StageId,
    /// Which gateway.
    pub gateway: GatewayId,
    /// Market data of its feed.
    pub market: Input,
    /// Approvals from risk.
    pub approved: Input,
    /// Reports to risk.
    pub reports: Output,
    /// The venue.
    pub paper: Paper,
    /// Slots of order ids.
    pub slots: usize,
    /// The kill gates; `None` in a replay.
    pub gates: Option<Gates>,
    /// Where cancels behind closed gates are shown.
    pub open: Arc<OpenOrders>,
    /// Meters.
    pub meters: GatewayMeters,
    /// Records to follow; empty for a live run.
    pub replay: VecDeque<Recorded>,
}

/// The stage.
pub struct PaperStage {
    id: StageId,
    gateway: GatewayId,
    market: Input,
    approved: Input,
    reports: Output,
    paper: Paper,
    terms: TermsTable,
    gates: Option<Gates>,
    shown: Arc<OpenOrders>,
    meters: GatewayMeters,
    /// The session was told to be up.
    open: bool,
    replay: VecDeque<Recorded>,
}

impl PaperStage {
    /// Puts the stage together.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup { id, gateway, market, approved, reports, paper, slots, gates, .. } = setup;
        let Setup { open: shown, meters, replay, .. } = setup;
        let terms = TermsTable::new(slots);
        let open = false;
        Self {
            id,
            gateway,
            market,
            approved,
            reports,
            paper,
            terms,
            gates,
            shown,
            meters,
            open,
            replay,
        }
    }

    /// One live turn.
    pub fn poll(&mut self, turn: &mut Turn<'_>) -> usize {
        if !turn.has_room() {
            return 0;
        }
        if !self.open {
            let opened =
                RxVenue { event: RxVenue::OPENED, gateway: self.gateway.0, ..RxVenue::default() };
            turn.write(RecordKind::RxVenue, self.id, 0, turn.now, opened.bytes());
            self.open_session(turn.now, turn);
        }
        let mut work = 0;
        for _ in 0..APPROVED_BATCH {
            if !self.drain(turn) {
                return work;
            }
            let Some(message) = self.approved.pop() else { break };
            self.take_live(&message, turn);
            work += 1;
        }
        for _ in 0..MARKET_BATCH {
            if !self.drain(turn) {
                return work;
            }
            let Some(message) = self.market.pop() else { break };
            self.on_market(&message);
            work += 1;
        }
        self.drain(turn);
        work
    }

    /// Nothing of an earlier start lives here: a new session, as a venue would say.
    fn open_session(&mut self, now: Nanos, turn: &Turn<'_>) {
        self.open = true;
        let up =
            ExecReport { kind: Kind::SessionUp as u8, reason: 1, t0: now, ..ExecReport::default() };
        let pushed = self.reports.try_push(up.into(), turn.clock.now());
        debug_assert!(pushed.is_ok(), "the ring is empty at the start");
        self.meters.sessions.add(1);
        self.meters.session_up.set(1);
    }

    fn take_live(&mut self, message: &Message, turn: &mut Turn<'_>) {
        if let Some(terms) = message.view::<OrderTerms>() {
            self.terms.put(terms);
        }
        let Some(approved) = message.view::<Approved>() else { return };
        let is_cancel = approved.kind == Kind::ApprovedCancel as u8;
        let (id, account) = (approved.cl_ord_id, AccountId(approved.account));
        let is_open = self.gates.as_ref().is_none_or(|gates| {
            gates.is_open(id.strategy(), account, approved.instrument, self.gateway)
        });
        if is_cancel && !is_open {
            let (account, instrument) = (Some(account), approved.instrument);
            self.shown.keep_cancel(&OpenOrder { id, urns: [0, 0], account, instrument });
        }
        let open = is_cancel || is_open;
        let now = turn.clock.now();
        if open {
            let tx = Tx {
                cl_ord_id: approved.cl_ord_id,
                t0: approved.t0,
                d_gateway: now.after(approved.t0),
                d_encoded: now.after(approved.t0),
                gateway: self.gateway.0,
                action: approved.kind,
                ..Tx::default()
            };
            turn.write(RecordKind::Tx, self.id, self.market.taken(), now, tx.bytes());
            self.enter(approved, now);
        } else {
            let void = TxVoid {
                cl_ord_id: approved.cl_ord_id,
                t0: approved.t0,
                reason: Reason::Killed as u8,
                gateway: self.gateway.0,
                action: approved.kind,
                ..TxVoid::default()
            };
            turn.write(RecordKind::TxVoid, self.id, self.market.taken(), now, void.bytes());
            self.void(approved, now, turn);
        }
    }

    fn enter(&mut self, approved: &Approved, now: Nanos) {
        let meter = match Kind::from_u8(approved.kind) {
            Some(Kind::ApprovedNew) => &self.meters.sent_new,
            Some(Kind::ApprovedReplace) => &self.meters.sent_replace,
            _ => &self.meters.sent_cancel,
        };
        meter.add(1);
        let terms = self.terms.of(approved);
        let taken = self.paper.on_approved_with(approved, &terms, now);
        debug_assert!(taken, "every report was taken before");
    }

    fn void(&mut self, approved: &Approved, now: Nanos, turn: &Turn<'_>) {
        self.meters.voided.add(1);
        let report = ExecReport {
            kind: Kind::GateReject as u8,
            reason: Reason::Killed as u16,
            cl_ord_id: approved.cl_ord_id,
            last_px: approved.px,
            last_qty: approved.qty,
            t0: now,
            ..ExecReport::default()
        };
        let pushed = self.reports.try_push(report.into(), turn.clock.now());
        debug_assert!(pushed.is_ok(), "room was made before the approval was taken");
    }

    fn on_market(&mut self, message: &Message) {
        let taken = match message.kind() {
            Some(Kind::BookTop) => message.view::<BookTop>().map(|top| self.paper.on_book_top(top)),
            Some(Kind::Trade) => message.view::<Trade>().map(|trade| self.paper.on_trade(trade)),
            Some(_) | None => None,
        };
        debug_assert!(taken != Some(false), "every report was taken before");
    }

    /// Hands reports on. False while some are left, or the ring could not take one more.
    fn drain(&mut self, turn: &Turn<'_>) -> bool {
        while self.reports.has_room(2) {
            let Some(report) = self.paper.next_report() else { return true };
            self.meters.reports.add(1);
            self.meters.fills.add(u64::from(report.kind == Kind::Executed as u8));
            self.meters.acks.add(u64::from(report.kind == Kind::Accepted as u8));
            let pushed = self.reports.try_push(report.into(), turn.clock.now());
            debug_assert!(pushed.is_ok(), "there was room for two");
        }
        false
    }

    /// Records still to be followed.
    #[must_use]
    pub const fn replay_records(&self) -> &VecDeque<Recorded> {
        &self.replay
    }

    /// Follows the recording as far as its inputs have come.
    pub fn replay_step(&mut self, turn: &mut Turn<'_>) -> Progress {
        let Some(record) = self.replay.front() else {
            // Fills that the last market messages brought are reports of records that risk has.
            let Some(message) = self.market.pop() else { return Progress::Done };
            self.on_market(&message);
            self.drain(turn);
            return Progress::Moved;
        };
        let (kind, at, ts) = (record.kind, record.at, record.ts);
        if self.market.taken() < at {
            let Some(message) = self.market.pop() else { return Progress::Waiting };
            self.on_market(&message);
            self.drain(turn);
            return Progress::Moved;
        }
        if kind == RecordKind::RxVenue {
            self.open_session(ts, turn);
        } else {
            let Some(message) = self.approved.pop() else { return Progress::Waiting };
            if let Some(terms) = message.view::<OrderTerms>() {
                self.terms.put(terms);
                return Progress::Moved;
            }
            if let Some(approved) = message.view::<Approved>() {
                if kind == RecordKind::Tx {
                    self.enter(approved, ts);
                } else {
                    self.void(approved, ts, turn);
                }
            }
            self.drain(turn);
        }
        self.replay.pop_front();
        Progress::Moved
    }
}
