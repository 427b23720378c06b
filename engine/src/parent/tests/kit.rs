//! A strategy's parents, risk, and a venue that says what a test lets it say.

use crate::clock::Clock;
use crate::link::{self, Input};
use crate::order::SlotPool;
use crate::parent::row::{ParentEvent, Phase};
use crate::parent::{Ask, Parents};
use crate::risk::family::ParentDecision;
use crate::risk::sample::{self, DOLLAR};
use crate::risk::setup::Setup;
use crate::risk::{Applied, Decision, Risk};
use crate::strategy::Terms;
use crate::strategy::desk::{Outlet, Port};
use shm::ids::{Cause, ClOrdId, ExecId, FeedId, GatewayId, InstrumentId, StrategyId, VenueOrdId};
use shm::message::{
    Approved, BookTop, ExecReport, FeedState, FeedStatus, Intent, Kind, Message, OrdType,
    OrderTerms, ParentIntent, ParentPrices, ParentUpdate, RiskReject, Side, Tif, Trade, flags,
};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::parent::ParentState;
use shm::units::{Nanos, Price, Qty};

pub(super) const STOCK: InstrumentId = InstrumentId(0);

/// Cents as a price.
pub(super) fn cents(cents: i64) -> Price {
    Price(cents * DOLLAR / 100)
}

/// Whole shares.
pub(super) fn shares(count: u32) -> Qty {
    Qty::from_shares(count)
}

/// What risk let through to the venue, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) kind: Kind,
    pub(super) side: Side,
    /// In cents; 0 for a market order, whose price is risk's.
    pub(super) px: i64,
    /// In shares.
    pub(super) qty: u32,
    pub(super) tif: Tif,
}

/// A limit order of a day.
pub(super) fn limit(side: Side, px: i64, qty: u32) -> Sent {
    Sent { kind: Kind::ApprovedNew, side, px, qty, tif: Tif::Day }
}

/// A market order.
pub(super) fn market(side: Side, qty: u32) -> Sent {
    Sent { kind: Kind::ApprovedNew, side, px: 0, qty, tif: Tif::Ioc }
}

pub(super) struct Rig {
    pub(super) risk: Risk,
    pub(super) parents: Parents,
    pub(super) slots: SlotPool,
    outlet: Outlet,
    intents: Input,
    terms: Vec<Terms>,
    clock: Clock,
    pub(super) now: Nanos,
    seq: u32,
    exec: u64,
    /// Approvals that the venue has not looked at.
    pub(super) wire: Vec<(Approved, OrderTerms)>,
    /// What strategies heard of parents.
    pub(super) events: Vec<ParentEvent>,
    /// What was latched.
    pub(super) states: Vec<ParentState>,
    /// Refusals by risk.
    pub(super) refused: Vec<Reason>,
    /// Records of risk.
    pub(super) journal: Vec<(RecordKind, Vec<u8>)>,
    /// Whether the lane has room for a latch.
    pub(super) lane_has_room: bool,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::of(&sample::setup(64), true)
    }

    /// With the venue's reserve orders or without.
    pub(super) fn of(setup: &Setup, has_reserve: bool) -> Self {
        let row = &setup.strategies[1];
        let (first, count) = (row.slot_first, row.slot_count);
        let (output, intents) = link::ring(256);
        let none = (Price(0), Price(0));
        let bands =
            [(Price(0), Price(DOLLAR / 10_000)), (Price(DOLLAR), Price(DOLLAR / 100)), none, none];
        let mut rig = Self {
            risk: Risk::new(setup),
            parents: Parents::new(first, count, 2, has_reserve),
            slots: SlotPool::new(StrategyId(1), setup.epoch, first, count),
            outlet: Outlet::live(output),
            intents,
            terms: vec![Terms { bands, lot: shares(1) }; 2],
            clock: Clock::given(Nanos(0)),
            now: Nanos(Nanos::SECOND.0),
            seq: 0,
            exec: u64::from(setup.epoch) << 32,
            wire: Vec::new(),
            events: Vec::new(),
            states: Vec::new(),
            refused: Vec::new(),
            journal: Vec::new(),
            lane_has_room: true,
        };
        rig.risk.on_market(&sample::live(rig.now));
        rig.report(sample::session(true));
        rig
    }

    /// Lets the parents do something, then lets risk answer until nothing is left to answer.
    fn act<R>(
        &mut self,
        act: impl FnOnce(&mut Parents, &mut Port<'_>, &mut dyn FnMut(&ParentState) -> bool) -> R,
    ) -> R {
        let mut port = Port {
            now: self.now,
            cause: Cause::new(FeedId(0), 1),
            t0: self.now,
            d_publish: 0,
            d_begin: 0,
            clock: &self.clock,
            terms: &self.terms,
            slots: &mut self.slots,
            outlet: &mut self.outlet,
        };
        let (states, has_room) = (&mut self.states, self.lane_has_room);
        let mut journal = |state: &ParentState| {
            if has_room {
                states.push(*state);
            }
            has_room
        };
        let result = act(&mut self.parents, &mut port, &mut journal);
        self.outlet.met = 0;
        result
    }

    /// Risk takes what was asked, and the parents hear its answers, until all is quiet.
    fn answer(&mut self) {
        let mut aside = Message::default();
        while let Some(message) = self.intents.pop() {
            let context = sample::open(self.now);
            if let Some(parent) = message.view::<ParentIntent>() {
                let prices = *aside.view::<ParentPrices>().expect("prices come first");
                match self.risk.decide_parent(parent, &prices, &context) {
                    ParentDecision::Approve { record, message } => {
                        self.keep(RecordKind::ParentApproved, record.bytes());
                        self.hear_parent(&message);
                    }
                    ParentDecision::Deny(Decision::Deny { message, .. }) => self.refuse(&message),
                    ParentDecision::Deny(_) => unreachable!("a refusal"),
                }
            } else if let Some(intent) = message.view::<Intent>() {
                let given = aside.view::<OrderTerms>().copied();
                let given = given.filter(|terms| terms.cl_ord_id == intent.cl_ord_id);
                self.judge(intent, &given.unwrap_or(OrderTerms::NONE));
            } else {
                aside = message;
                continue;
            }
            aside = Message::default();
        }
    }

    fn judge(&mut self, intent: &Intent, terms: &OrderTerms) {
        if intent.kind == Kind::IntentParentEnd as u8 {
            let (record, message) =
                self.risk.end_parent(intent.cl_ord_id, intent.tif, 0).expect("an open parent");
            self.keep(RecordKind::ParentDone, record.bytes());
            return self.hear_parent(&message);
        }
        match self.risk.decide_with(intent, terms, &sample::open(self.now)) {
            Decision::Approve { record, message } => {
                self.keep(RecordKind::Approved, record.bytes());
                self.wire.push((message, *terms));
            }
            Decision::Cancel { record, message } => {
                self.keep(RecordKind::CancelAsked, record.bytes());
                self.wire.push((message, OrderTerms::NONE));
            }
            Decision::Deny { message, .. } => self.refuse(&message),
        }
    }

    fn keep(&mut self, kind: RecordKind, body: &[u8]) {
        self.journal.push((kind, body.to_vec()));
    }

    fn hear_parent(&mut self, message: &ParentUpdate) {
        let event = self.act(|parents, port, journal| parents.on_parent(message, port, journal));
        self.events.extend(event);
    }

    fn refuse(&mut self, message: &RiskReject) {
        self.refused.push(Reason::from_u8(message.reason).unwrap());
        let event = self.act(|parents, port, journal| parents.on_reject(message, port, journal));
        self.events.extend(event.flatten());
        if message.intent == Kind::IntentNew as u8 {
            self.slots.free(message.cl_ord_id);
        }
    }

    /// Applies a report and lets everyone hear it.
    pub(super) fn report(&mut self, mut report: ExecReport) -> Applied {
        self.seq += 1;
        report.venue_seq = self.seq;
        let applied = self.risk.on_report(&report, GatewayId(0));
        self.keep(RecordKind::OrderEvent, applied.event.bytes());
        if let Some(update) = applied.update {
            let event =
                self.act(|parents, port, journal| parents.on_update(&update, port, journal));
            self.events.extend(event);
            self.slots.on_update(&update);
        }
        self.answer();
        applied
    }

    /// Asks for a parent; risk answers.
    pub(super) fn ask(&mut self, ask: Ask) -> ClOrdId {
        let id = self.act(|parents, port, _| parents.ask(ask, port)).unwrap();
        self.answer();
        id
    }

    pub(super) fn cancel_parent(&mut self, id: ClOrdId) {
        let now = self.now;
        assert!(self.parents.cancel(id, now));
        self.pass(1);
    }

    fn market(&mut self, message: Message, is_mine: bool) {
        self.risk.on_market(&message);
        self.act(|parents, port, journal| {
            if parents.count() > 0 {
                parents.on_market(&message, is_mine, port, journal);
            }
        });
        self.answer();
    }

    /// A top of the stock, in cents.
    pub(super) fn top(&mut self, bid: i64, ask: i64) {
        self.top_with(bid, ask, 0);
    }

    pub(super) fn top_with(&mut self, bid: i64, ask: i64, flags: u8) {
        self.now = Nanos(self.now.0 + 1_000);
        let top = BookTop {
            kind: Kind::BookTop as u8,
            flags,
            instrument: STOCK,
            bid_px: cents(bid),
            bid_qty: shares(100),
            ask_px: cents(ask),
            ask_qty: shares(100),
            t0: self.now,
            cause: Cause::new(FeedId(0), 1),
            ..BookTop::default()
        };
        self.market(top.into(), true);
    }

    /// A print of the stock, in cents.
    pub(super) fn print(&mut self, px: i64, flags: u8) {
        self.now = Nanos(self.now.0 + 1_000);
        let trade = Trade {
            kind: Kind::Trade as u8,
            flags,
            instrument: STOCK,
            px: cents(px),
            qty: shares(1),
            t0: self.now,
            ..Trade::default()
        };
        self.market(trade.into(), true);
    }

    /// The feed is stale, or live again.
    pub(super) fn feed(&mut self, state: FeedState) {
        let status = FeedStatus {
            kind: Kind::FeedStatus as u8,
            flags: if state == FeedState::Live { 0 } else { flags::STALE },
            state: state as u8,
            instrument: InstrumentId::NONE,
            packet_at: self.now,
            t0: self.now,
            ..FeedStatus::default()
        };
        self.market(status.into(), true);
    }

    /// Milliseconds pass, told by a top of another instrument.
    pub(super) fn pass(&mut self, millis: u64) {
        self.now = Nanos(self.now.0 + millis * Nanos::MILLI.0);
        self.risk.on_market(&sample::live(self.now));
        self.market(sample::top(1, cents(500), cents(501), 0, self.now), false);
    }

    /// What reached the venue since the last look.
    pub(super) fn taken(&mut self) -> Vec<Sent> {
        let short = |(approved, _): (Approved, OrderTerms)| Sent {
            kind: Kind::from_u8(approved.kind).unwrap(),
            side: Side::from_u8(approved.side).unwrap(),
            px: if approved.ord_type == OrdType::Market as u8 {
                0
            } else {
                approved.px.0 / (DOLLAR / 100)
            },
            qty: approved.qty.to_shares().unwrap(),
            tif: Tif::from_u8(approved.tif).unwrap(),
        };
        std::mem::take(&mut self.wire).into_iter().map(short).collect()
    }

    /// The one new order that reached the venue, accepted.
    #[track_caller]
    pub(super) fn accepted(&mut self, expected: Sent) -> ClOrdId {
        let ids: Vec<ClOrdId> = self.wire.iter().map(|(approved, _)| approved.cl_ord_id).collect();
        assert_eq!(self.taken(), [expected]);
        self.accept(ids[0]);
        ids[0]
    }

    /// The ids of what reached the venue, which must be as listed.
    #[track_caller]
    pub(super) fn ids(&mut self, expected: &[Sent]) -> Vec<ClOrdId> {
        let ids = self.wire.iter().map(|(approved, _)| approved.cl_ord_id).collect();
        assert_eq!(self.taken(), expected);
        ids
    }

    pub(super) fn accept(&mut self, id: ClOrdId) {
        let order = self.risk.order(id).copied().unwrap();
        let report = said(Kind::Accepted, id, order.terms.px, order.terms.qty);
        self.report(report);
    }

    pub(super) fn fill(&mut self, id: ClOrdId, qty: u32) {
        self.exec += 1;
        let px = self.risk.order(id).unwrap().terms.px;
        let report =
            ExecReport { exec_id: ExecId(self.exec), ..said(Kind::Executed, id, px, shares(qty)) };
        self.report(report);
    }

    /// All that works of an order is cancelled.
    pub(super) fn canceled(&mut self, id: ClOrdId) {
        let leaves = self.risk.order(id).unwrap().leaves_qty();
        self.report(said(Kind::Canceled, id, Price::NONE, leaves));
    }

    pub(super) fn replaced(&mut self, id: ClOrdId) {
        let order = *self.risk.order(id).unwrap();
        let exposed = Qty(order.replace.qty.0 - order.cum_qty.0);
        self.report(said(Kind::Replaced, id, order.replace.px, exposed));
    }

    pub(super) fn rejected(&mut self, id: ClOrdId) {
        self.report(said(Kind::Rejected, id, Price::NONE, Qty::ZERO));
    }

    /// Why the one parent is over; `None` while it is not.
    pub(super) fn over(&self) -> Option<Reason> {
        let last = self.events.iter().rev().find(|event| event.phase == Phase::Over);
        assert_eq!(last.is_some(), self.parents.count() == 0);
        assert_eq!(self.risk.parents().count(), self.parents.count());
        last.map(|event| event.reason)
    }
}

/// A report.
pub(super) fn said(kind: Kind, id: ClOrdId, px: Price, qty: Qty) -> ExecReport {
    ExecReport {
        kind: kind as u8,
        liquidity: b'A',
        cl_ord_id: id,
        venue_ord_id: VenueOrdId(u64::from(id.slot()) + 1),
        last_px: px,
        last_qty: qty,
        ..ExecReport::default()
    }
}
