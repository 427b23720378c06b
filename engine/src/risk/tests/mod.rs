//! Tests of risk, by the ids of the risk specification: `t01` limits, `t02` random against a slow
//! model, `t03` order states, and the journal's way back.

mod carry;
mod k2_breakers;
mod pass;
mod positions;
mod r47_parents;
mod recent;
mod t01_edges;
mod t01_flow;
mod t01_form;
mod t01_gates;
mod t01_money;
mod t01_price;
mod t01_standing;
mod t01_sums;
mod t01_switch;
mod t01_windows;
mod t02;
mod t03_orders;
mod t03_states;
mod t03_strays;
mod t04;
mod t29_runaway;
mod units;

use super::sample::{self, DOLLAR, open};
use super::setup::Setup;
use super::{Applied, Context, Decision, Risk};
use crate::config::limits::{LimitRow, Scope};
use crate::order::SlotPool;
use crate::position::FeeRates;
use shm::ids::{AccountId, ClOrdId, ExecId, GatewayId, InstrumentId, StrategyId, VenueOrdId};
use shm::message::{ExecReport, Intent, Kind, Side};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order::value_of;
use shm::units::{Nanos, Notional, Price, Qty};

/// The middle of the book that every rig begins with: 10 dollars.
const MIDDLE: Price = Price(10 * DOLLAR);

/// Cents as a price.
fn cents(cents: i64) -> Price {
    Price(cents * DOLLAR / 100)
}

/// Whole shares.
fn shares(count: u32) -> Qty {
    Qty::from_shares(count)
}

/// Money of whole dollars.
const fn dollars(count: i64) -> Notional {
    Notional(count as i128 * Notional::SCALE)
}

/// The sample without fees and with no limit but one row's, changed, beside an unlimited one for
/// the firm.
fn only(scope: Scope, change: impl FnOnce(&mut LimitRow)) -> Setup {
    let mut setup = sample::setup(16);
    setup.accounts.iter_mut().for_each(|account| account.rates = FeeRates::default());
    let mut row = LimitRow::unlimited(scope);
    change(&mut row);
    setup.limits.rows = vec![LimitRow::unlimited(Scope::Firm), row];
    setup
}

/// One scope of each kind that an order of strategy 1 in instrument 0 belongs to.
const SCOPES: [Scope; 4] = [
    Scope::Firm,
    Scope::Account(AccountId(0)),
    Scope::Strategy(StrategyId(1)),
    Scope::Instrument(InstrumentId(0)),
];

/// Risk, the pools of its strategies, a clock and the journal of what it decided.
struct Rig {
    risk: Risk,
    pools: Vec<SlotPool>,
    now: Nanos,
    seq: u32,
    journal: Vec<(RecordKind, Vec<u8>, Nanos)>,
}

/// What a refusal said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Denied {
    reason: Reason,
    measured: i128,
    limit: i128,
}

impl Rig {
    fn new(setup: &Setup) -> Self {
        let pools = setup.strategies.iter().enumerate().map(|(at, row)| {
            SlotPool::new(StrategyId(at as u8), setup.epoch, row.slot_first, row.slot_count)
        });
        let mut rig = Self {
            risk: Risk::new(setup),
            pools: pools.collect(),
            now: Nanos(10 * Nanos::SECOND.0),
            seq: 0,
            journal: Vec::new(),
        };
        rig.risk.on_market(&sample::live(rig.now));
        rig.book(MIDDLE.0 - DOLLAR / 100, MIDDLE.0 + DOLLAR / 100);
        rig.report(sample::session(true));
        rig
    }

    /// The sample with one row of limits, changed.
    fn with(change: impl FnOnce(&mut LimitRow)) -> Self {
        let mut setup = sample::setup(16);
        let mut row = sample::wide(Scope::Firm);
        change(&mut row);
        setup.limits.rows = vec![row];
        Self::new(&setup)
    }

    /// The sample with no limit but one row's, changed, beside an unlimited one for the firm.
    fn only(scope: Scope, change: impl FnOnce(&mut LimitRow)) -> Self {
        Self::new(&only(scope, change))
    }

    fn sample() -> Self {
        Self::with(|_| {})
    }

    fn book(&mut self, bid: i64, ask: i64) {
        self.risk.on_market(&sample::top(0, Price(bid), Price(ask), 0, self.now));
    }

    fn context(&self) -> Context {
        open(self.now)
    }

    /// A new id of strategy 1.
    fn id(&mut self) -> ClOrdId {
        self.pools[1].take().unwrap()
    }

    /// An order of strategy 1 that passes everything.
    fn order(&mut self, side: Side, px: Price, qty: Qty) -> Intent {
        let mut intent = sample::intent(self.id(), side, px);
        intent.qty = qty;
        intent
    }

    fn buy(&mut self) -> Intent {
        self.order(Side::Buy, MIDDLE, shares(100))
    }

    /// A replace of the order whose id is given.
    fn replacing(&mut self, of: &Intent, px: Price, qty: Qty) -> Intent {
        let strategy = of.cl_ord_id.strategy().index();
        let id = self.pools[strategy].replace(of.cl_ord_id).unwrap();
        Intent { kind: Kind::IntentReplace as u8, px, qty, cl_ord_id: id, ..*of }
    }

    fn cancelling(&self, of: &Intent) -> Intent {
        Intent { kind: Kind::IntentCancel as u8, ..*of }
    }

    fn keep(&mut self, kind: RecordKind, body: &[u8]) {
        self.journal.push((kind, body.to_vec(), self.now));
    }

    /// Decides in a context and keeps the record.
    fn decide_in(&mut self, intent: &Intent, context: &Context) -> Decision {
        let decision = self.risk.decide(intent, context);
        match &decision {
            Decision::Approve { record, .. } => self.keep(RecordKind::Approved, record.bytes()),
            Decision::Cancel { record, .. } => self.keep(RecordKind::CancelAsked, record.bytes()),
            Decision::Deny { record, .. } => self.keep(RecordKind::Denied, record.bytes()),
        }
        decision
    }

    fn decide(&mut self, intent: &Intent) -> Decision {
        let context = self.context();
        self.decide_in(intent, &context)
    }

    /// The order passes.
    #[track_caller]
    fn passes(&mut self, intent: &Intent) {
        let decision = self.decide(intent);
        assert!(matches!(decision, Decision::Approve { .. }), "{decision:?}");
    }

    /// Whether it passes, and if not why; a refusal has changed nothing but a counter.
    fn judge_in(&mut self, intent: &Intent, context: &Context) -> Result<(), Denied> {
        let before = self.fingerprint();
        match self.decide_in(intent, context) {
            Decision::Approve { message, record } => {
                assert_eq!((message.px, message.qty), (record.px, intent.qty));
                Ok(())
            }
            Decision::Cancel { .. } => Ok(()),
            Decision::Deny { record, message } => {
                assert_eq!(self.fingerprint(), before, "a refusal changed state");
                assert_eq!(record.reason, message.reason);
                Err(Denied {
                    reason: Reason::from_u8(record.reason).unwrap(),
                    measured: value_of(record.measured),
                    limit: value_of(record.limit),
                })
            }
        }
    }

    fn judge(&mut self, intent: &Intent) -> Result<(), Denied> {
        let context = self.context();
        self.judge_in(intent, &context)
    }

    /// The reason of a refusal; `None` for an order that passes.
    fn reason(&mut self, intent: &Intent) -> Option<Reason> {
        self.judge(intent).err().map(|denied| denied.reason)
    }

    /// Everything a refusal may not touch.
    fn fingerprint(&self) -> (u64, u32, String) {
        let risk = &self.risk;
        let used = risk.windows[0].used(self.now);
        let more = (&risk.repeats, &risk.held, &risk.scopes, &risk.own, &risk.moves);
        let places = 0..risk.scopes.map.len() as u32;
        let windows: Vec<_> = places.map(|place| risk.limits.windows(place)).collect();
        (risk.state_hash(), used, format!("{more:?} {windows:?}"))
    }

    /// Applies a report of gateway 0 with the next sequence and keeps its records.
    fn report(&mut self, mut report: ExecReport) -> Applied {
        if report.kind != Kind::SessionUp as u8 && report.kind != Kind::SessionDown as u8 {
            self.seq += 1;
            report.venue_seq = self.seq;
        }
        self.report_as_is(report)
    }

    fn report_as_is(&mut self, report: ExecReport) -> Applied {
        self.risk.advance(self.now);
        let applied = self.risk.on_report(&report, GatewayId(0));
        self.keep(RecordKind::OrderEvent, applied.event.bytes());
        if let Some(position) = applied.position {
            self.keep(RecordKind::PositionEvent, position.bytes());
        }
        if let Some(update) = applied.update {
            self.pools[update.cl_ord_id.strategy().index()].on_update(&update);
        }
        applied
    }

    fn accept(&mut self, intent: &Intent) {
        self.report(said(Kind::Accepted, intent.cl_ord_id, intent.px, intent.qty, 0));
    }

    fn fill(&mut self, intent: &Intent, qty: Qty, exec_id: u64) -> Applied {
        self.report(said(Kind::Executed, intent.cl_ord_id, intent.px, qty, exec_id))
    }

    fn position(&self) -> Qty {
        self.risk.holding(StrategyId(1), InstrumentId(0)).unwrap().qty
    }
}

/// A report.
fn said(kind: Kind, id: ClOrdId, px: Price, qty: Qty, exec_id: u64) -> ExecReport {
    ExecReport {
        kind: kind as u8,
        liquidity: b'A',
        cl_ord_id: id,
        venue_ord_id: VenueOrdId(u64::from(id.slot()) + 1),
        exec_id: ExecId(exec_id),
        last_px: px,
        last_qty: qty,
        ..ExecReport::default()
    }
}

/// A small generator (xorshift64*), so that a seed means one run everywhere.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// In `0..below`.
    fn roll(&mut self, below: u64) -> u64 {
        self.next() % below
    }
}
