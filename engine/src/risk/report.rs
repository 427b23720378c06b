//! Reports of the venue and the gateway, applied to orders, sums, positions and sessions.

use shm::ids::{AccountId, ClOrdId, ExecId, GatewayId, InstrumentId, StrategyId};
use shm::message::{CancelRefusal, ExecReport, Kind, Side};
use shm::reason::Reason;
use shm::record::order::{self as record, words_of};
use shm::units::{Price, Qty};

use super::exposure::Change as SumsChange;
use super::fills::Change;
use super::session::bare_event;
use super::{Applied, Risk};
use crate::order::facts::{Fact, FactKind};
use crate::order::{Event, Order, Phase, Place, Signs};
use crate::position::Holding;

impl Risk {
    /// Applies a report that came through a gateway. Total: any report, in any state, any number of
    /// times. One record comes back for each report, applied or not.
    pub fn on_report(&mut self, report: &ExecReport, gateway: GatewayId) -> Applied {
        let kind = Kind::from_u8(report.kind);
        self.advance_session(kind, report, gateway);
        match kind {
            Some(Kind::SessionUp) => return self.on_session(report, gateway, true),
            Some(Kind::SessionDown) => return self.on_session(report, gateway, false),
            Some(Kind::VenuePosition) => return self.on_venue_position(report, gateway),
            Some(_) | None => {}
        }
        let place = self.table.find(report.cl_ord_id);
        let order = place.and_then(|place| self.table.get(place)).copied();
        let (Some(kind), Some(place), Some(order)) = (kind, place, order) else {
            return self.on_external(report, gateway);
        };
        let Some(side) = order.side else { return self.on_external(report, gateway) };
        let change = match kind {
            Kind::Executed => self.hear_fill(report, place, &order, side, Self::say_executed),
            Kind::Corrected => self.hear_fill(report, place, &order, side, Self::say_corrected),
            Kind::Broken => self.hear_fill(report, place, &order, side, Self::say_broken),
            Kind::Status => {
                self.table.update(place, |order| order.facts |= Order::TOLD);
                let told = Order { facts: order.facts | Order::TOLD, ..order };
                self.hear_fill(report, place, &told, side, Self::say_status)
            }
            Kind::Canceled => {
                let signs = self.hear_cancel(report, place, &order);
                self.infer_again(place, side, signs)
            }
            kind => match event_of_kind(kind, report) {
                Some(event) => {
                    let signs = self.table.apply(place, event);
                    self.infer_again(place, side, signs)
                }
                None => Change::sign(Signs::PROTOCOL),
            },
        };
        self.note(place, &order, change.signs);
        if !change.signs.has(Signs::REPEAT) {
            self.count_outcome(kind, &order);
        }
        self.settle(place, side);
        self.renew_of(&order);
        self.answer(report, gateway, place, &change)
    }

    /// Where the session's stream stands. What a query answered is dated by it, and is not of it.
    fn advance_session(&mut self, kind: Option<Kind>, report: &ExecReport, gateway: GatewayId) {
        let is_answer = matches!(kind, Some(Kind::Status | Kind::VenuePosition | Kind::Absent));
        if let Some(session) = self.sessions.get_mut(gateway.index())
            && report.venue_seq != 0
            && !is_answer
        {
            session.venue_seq = report.venue_seq;
        }
    }

    fn hear_cancel(&mut self, report: &ExecReport, place: Place, order: &Order) -> Signs {
        let number = u64::from(report.venue_seq);
        let (root, kind) = (order.root, FactKind::Cancel);
        if self.table.facts.find(root, kind, number).is_some() {
            return Signs::REPEAT;
        }
        let (id, qty) = (report.cl_ord_id, report.last_qty.max(Qty::ZERO));
        let mut latest = order.fact_latest;
        self.table.facts.insert(Fact { root, number, qty, kind, ..Fact::default() }, &mut latest);
        self.table.update(place, |order| order.fact_latest = latest);
        self.table.apply(place, Event::Canceled { id, qty, seq: report.venue_seq })
    }

    /// Notes what deserves attention: a contradiction holds the instrument, exposure that nobody
    /// asked for lets it only be reduced.
    fn note(&mut self, place: Place, order: &Order, signs: Signs) {
        self.table.update(place, |order| order.signs = order.signs.with(signs));
        self.heed(order.instrument, signs);
    }

    /// As [`Risk::note`], where there is no order.
    pub(super) fn heed(&mut self, instrument: InstrumentId, signs: Signs) {
        if signs.has(Signs::REPEAT) {
            self.counters.repeats += 1;
        }
        if signs.any(Signs::CONTRADICTIONS) {
            self.counters.contradictions += 1;
            if let Some(held) = self.held.get_mut(instrument.index()) {
                *held = true;
            }
        }
        if signs.any(Signs::EXPOSURES) {
            self.counters.exposures += 1;
            if let Some(reduce) = self.reduce_only.get_mut(instrument.index()) {
                *reduce = true;
            }
        }
    }

    /// Makes the sums agree with what the order reserves now.
    pub(super) fn settle(&mut self, place: Place, side: Side) {
        let Some(order) = self.table.get(place).copied() else { return };
        let works = order.is_open();
        // An overflow keeps what is reserved.
        let reserved = order
            .reservation(self.multiplier(order.instrument))
            .unwrap_or((order.reserved_qty, order.reserved_value));
        let change = SumsChange {
            side,
            qty: reserved.0.0.saturating_sub(order.reserved_qty.0),
            value: reserved.1.0.saturating_sub(order.reserved_value.0),
            orders: i32::from(works) - i32::from(order.is_counted()),
        };
        let Some(rows) = self.rows(order.root.strategy(), order.instrument) else { return };
        self.apply_open(&rows, &change);
        self.table.update(place, |order| {
            (order.reserved_qty, order.reserved_value) = reserved;
            order.set_counted(works);
        });
        self.settle_child(place);
        self.date_unknown(place);
        if let Place::Slot(slot) = place {
            self.list_own(slot);
            self.count_unknown(slot);
        }
    }

    /// Notes since when the outcome of an order is not known (R07).
    pub(super) fn date_unknown(&mut self, place: Place) {
        let now = self.now;
        self.table.update(place, |order| {
            let was = order.is(Order::DATED);
            order.facts &= !Order::DATED;
            if order.is_unknown() {
                order.facts |= Order::DATED;
                order.since = if was { order.since } else { now };
            }
        });
    }

    fn answer(
        &self,
        report: &ExecReport,
        gateway: GatewayId,
        place: Place,
        change: &Change,
    ) -> Applied {
        let Change { signs, position, .. } = *change;
        let order = self.table.get(place).copied().unwrap_or_default();
        let reason = reason_of(report);
        let mut update = Self::update_of(&order, reason, report.t0);
        if report.kind == Kind::Executed as u8 && position.is_some() {
            (update.last_px, update.last_qty) = (report.last_px, report.last_qty);
        }
        let is_new = !signs.has(Signs::REPEAT);
        Applied {
            event: self.event_of(report, gateway, &order, signs),
            position,
            update: is_new.then_some(update),
            signs,
            external: false,
            session: None,
        }
    }

    fn event_of(
        &self,
        report: &ExecReport,
        gateway: GatewayId,
        order: &Order,
        signs: Signs,
    ) -> record::OrderEvent {
        let holding = self.ledger.get(order.root.strategy(), order.instrument);
        record::OrderEvent {
            cum_qty: order.cum_qty,
            leaves_qty: order.leaves_qty(),
            px: order.terms.px,
            qty: order.ord_qty(),
            position: holding.map_or(Qty::ZERO, |holding| holding.qty),
            instrument: order.instrument,
            base: order.base() as u8,
            flags: order.pending() | flags_of(signs),
            side: order.side.map_or(0, |side| side as u8),
            ..bare_event(report, gateway)
        }
    }
}

/// Whether it is the gateway's own word that it has no such order to cancel.
const fn is_not_held(report: &ExecReport) -> bool {
    report.venue_seq == 0 && report.reason == Reason::UnknownOrder as u16
}

/// Why the strategy hears of it.
const fn reason_of(report: &ExecReport) -> Reason {
    match Kind::from_u8(report.kind) {
        // The gateway's own word: the cancel was not sent.
        Some(Kind::CancelRejected) if report.venue_seq == 0 => {
            match Reason::from_u8(report.reason as u8) {
                Some(reason) => reason,
                None => Reason::None,
            }
        }
        Some(Kind::Rejected | Kind::CancelRejected) => Reason::Venue,
        Some(Kind::SendFailed) => Reason::SendFailed,
        Some(Kind::GateReject) => match Reason::from_u8(report.reason as u8) {
            Some(reason) => reason,
            None => Reason::Killed,
        },
        Some(_) | None => Reason::None,
    }
}

/// What of the signs stands in the record.
pub(super) const fn flags_of(signs: Signs) -> u8 {
    let mut flags = 0;
    if signs.has(Signs::LATE) {
        flags |= record::OrderEvent::LATE;
    }
    if signs.has(Signs::OVERFILL) {
        flags |= record::OrderEvent::OVERFILL;
    }
    if signs.has(Signs::INFERRED) {
        flags |= record::OrderEvent::INFERRED;
    }
    if signs.any(Signs::CONTRADICTIONS) {
        flags |= record::OrderEvent::CONTRADICTS;
    }
    if signs.any(Signs::EXPOSURES) {
        flags |= record::OrderEvent::EXPOSES;
    }
    flags
}

/// What a report means for its order, where it needs no facts to say so; `None` for what is no
/// report.
fn event_of_kind(kind: Kind, report: &ExecReport) -> Option<Event> {
    let (id, px, qty) = (report.cl_ord_id, report.last_px, report.last_qty);
    let (venue_ord_id, seq) = (report.venue_ord_id, report.venue_seq);
    let phase = |phase| Event::Phase { phase, seq };
    Some(match kind {
        Kind::Accepted | Kind::AcceptedDead => {
            let dead = kind == Kind::AcceptedDead;
            Event::Accepted { id, px, qty, venue_ord_id, seq, dead }
        }
        Kind::Replaced | Kind::ReplacedDead => {
            let dead = kind == Kind::ReplacedDead;
            Event::Replaced { id, px, exposed: qty, venue_ord_id, seq, dead }
        }
        Kind::Rejected => Event::Rejected { id },
        Kind::GateReject => Event::NeverSent { id },
        Kind::SendFailed => Event::SendFailed { id },
        Kind::Absent => Event::Absent { id },
        Kind::CanceledAll => Event::Ended { expired: false, seq },
        Kind::Expired => Event::Ended { expired: true, seq },
        Kind::CancelRejected if is_not_held(report) => Event::NotHeld,
        Kind::CancelRejected => {
            let why = CancelRefusal::from_u8(report.liquidity).unwrap_or(CancelRefusal::Other);
            Event::CancelRejected { why, seq }
        }
        Kind::CancelPending => Event::CancelPending { seq },
        Kind::ReplacePending => Event::ReplacePending { seq },
        Kind::Restated => Event::Restated { id, px, qty, venue_ord_id, seq },
        Kind::DoneForDay => phase(Phase::DoneForDay),
        Kind::Suspended => phase(Phase::Suspended),
        Kind::Stopped => phase(Phase::Stopped),
        Kind::Resumed => phase(Phase::Working),
        Kind::Canceled
        | Kind::Executed
        | Kind::Corrected
        | Kind::Broken
        | Kind::Status
        | Kind::VenuePosition
        | Kind::BookTop
        | Kind::Trade
        | Kind::FeedStatus
        | Kind::IntentNew
        | Kind::IntentReplace
        | Kind::IntentCancel
        | Kind::ApprovedNew
        | Kind::ApprovedReplace
        | Kind::ApprovedCancel
        | Kind::SessionUp
        | Kind::SessionDown
        | Kind::IntentTerms
        | Kind::IntentParentPrices
        | Kind::IntentParent
        | Kind::IntentParentEnd
        | Kind::ApprovedTerms
        | Kind::OrderUpdate
        | Kind::RiskReject
        | Kind::ParentUpdate
        | Kind::Command => return None,
    })
}

/// A holding as a record, of no order.
impl Risk {
    /// Tells of each position as the report of it would: for who looks from outside before there
    /// is one.
    pub fn show_holdings(&self, told: &mut dyn FnMut(&record::PositionEvent)) {
        for (strategy, instrument, holding) in self.ledger.iter() {
            let account = self.ledger.account(strategy).unwrap_or_default();
            told(&position_event(holding, strategy, account, instrument));
        }
    }
}

pub(super) fn position_event(
    holding: &Holding,
    strategy: StrategyId,
    account: AccountId,
    instrument: InstrumentId,
) -> record::PositionEvent {
    record::PositionEvent {
        cost: words_of(holding.cost),
        realised: words_of(holding.realised),
        fees: words_of(holding.fees),
        position: holding.qty,
        last_px: Price::NONE,
        last_qty: Qty::ZERO,
        cl_ord_id: ClOrdId::NONE,
        exec_id: ExecId(0),
        instrument,
        account: account.0,
        strategy: strategy.0,
        _reserved: 0,
    }
}
