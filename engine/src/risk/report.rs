//! Reports of the venue and the gateway, applied to orders, sums, positions and sessions.

use shm::ids::{ClOrdId, GatewayId};
use shm::message::{ExecReport, Kind, Side};
use shm::reason::Reason;
use shm::record::order::{self as record, words_of};
use shm::units::{Notional, Price, Qty};

use super::exposure::Change;
use super::session::bare_event;
use super::{Applied, Risk};
use crate::order::facts::{Fact, FactAt, FactKind};
use crate::order::{Event, Order, Place, Signs};
use crate::planted::{self, Bug};
use crate::position::{Fill, Holding};

/// The change of cost of a fill that was carried over is not known; its undoing is a fill of the
/// other side at the same price.
pub(super) const COST_UNKNOWN: i128 = i128::MIN;

/// What a report means for its order once repeats are removed.
struct Meaning {
    event: Option<Event>,
    signs: Signs,
    /// A fill of the position, or the undoing of one.
    move_: Option<Move>,
}

struct Move {
    fill: Fill,
    exec_id: u64,
    /// Of an undoing: what the fill did to the cost.
    undoes: Option<i128>,
    liquidity: u8,
    /// Where the fill's change of cost is noted.
    fact: FactAt,
}

impl Meaning {
    const fn of(event: Event) -> Self {
        Self { event: Some(event), signs: Signs(0), move_: None }
    }

    const fn sign(signs: Signs) -> Self {
        Self { event: None, signs, move_: None }
    }
}

impl Risk {
    /// Applies a report that came through a gateway. Total: any report, in any state, any number of
    /// times. One record comes back for each report, applied or not.
    pub fn on_report(&mut self, report: &ExecReport, gateway: GatewayId) -> Applied {
        let kind = Kind::from_u8(report.kind);
        if let Some(session) = self.sessions.get_mut(gateway.index())
            && report.venue_seq != 0
        {
            session.venue_seq = report.venue_seq;
        }
        match kind {
            Some(Kind::SessionUp) => return self.on_session(report, gateway, true),
            Some(Kind::SessionDown) => return self.on_session(report, gateway, false),
            Some(_) | None => {}
        }
        let place = self.table.find(report.cl_ord_id);
        let order = place.and_then(|place| self.table.get(place)).copied();
        let (Some(kind), Some(place), Some(order)) = (kind, place, order) else {
            return self.on_external(report, gateway);
        };
        let Some(side) = order.side else { return self.on_external(report, gateway) };
        let meaning = self.meaning(kind, report, &order, side);
        let mut signs = meaning.signs;
        if let Some(event) = meaning.event {
            signs = signs.with(self.table.apply(place, event));
        }
        self.note(place, &order, signs);
        let position = meaning.move_.and_then(|moved| self.move_position(&order, &moved));
        self.settle(place, side);
        self.answer(report, gateway, place, signs, position)
    }

    /// What a report says that is new.
    fn meaning(&mut self, kind: Kind, report: &ExecReport, order: &Order, side: Side) -> Meaning {
        let (id, px, qty) = (report.cl_ord_id, report.last_px, report.last_qty);
        let (venue_ord_id, seq) = (report.venue_ord_id, report.venue_seq);
        match kind {
            Kind::Accepted | Kind::AcceptedDead => {
                let dead = kind == Kind::AcceptedDead;
                Meaning::of(Event::Accepted { id, px, qty, venue_ord_id, seq, dead })
            }
            Kind::Replaced | Kind::ReplacedDead => {
                let dead = kind == Kind::ReplacedDead;
                Meaning::of(Event::Replaced { id, px, exposed: qty, venue_ord_id, seq, dead })
            }
            Kind::Canceled => self.canceled(report, order),
            Kind::Executed => self.executed(report, order, side),
            Kind::Broken => self.broken(report, order, side),
            Kind::Rejected => Meaning::of(Event::Rejected { id }),
            Kind::GateReject => Meaning::of(Event::NeverSent { id }),
            Kind::SendFailed => Meaning::of(Event::SendFailed { id }),
            Kind::CancelRejected => Meaning::of(Event::CancelRejected),
            Kind::CancelPending => Meaning::of(Event::CancelPending),
            Kind::Restated => Meaning::of(Event::Restated { id, px, venue_ord_id, seq }),
            Kind::BookTop
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
            | Kind::Command => Meaning::sign(Signs::PROTOCOL),
        }
    }

    fn canceled(&mut self, report: &ExecReport, order: &Order) -> Meaning {
        let number = u64::from(report.venue_seq);
        if self.table.facts.find(order.root, FactKind::Cancel, number).is_some() {
            return Meaning::sign(Signs::REPEAT);
        }
        let (id, qty) = (report.cl_ord_id, report.last_qty.max(Qty::ZERO));
        let kind = FactKind::Cancel;
        self.table.facts.insert(Fact { root: order.root, number, qty, kind, ..Fact::default() });
        Meaning::of(Event::Canceled { id, qty })
    }

    fn executed(&mut self, report: &ExecReport, order: &Order, side: Side) -> Meaning {
        let (px, qty) = (report.last_px, report.last_qty);
        if qty.0 <= 0 || px.is_none() {
            return Meaning::sign(Signs::PROTOCOL);
        }
        let number = exec_number(report);
        if let Some(at) = self.table.facts.find(order.root, FactKind::Fill, number) {
            let Some(fact) = self.table.facts.get_mut(at) else {
                return Meaning::sign(Signs::REPEAT);
            };
            if fact.kind == FactKind::BustFirst {
                let liquidity = report.liquidity;
                *fact = Fact { px, qty, liquidity, kind: FactKind::Busted, ..*fact };
                return Meaning::of(Event::Fill { qty, busted: true });
            }
            let is_same = fact.px == px && fact.qty == qty;
            return Meaning::sign(if is_same { Signs::REPEAT } else { Signs::CONFLICT });
        }
        if planted::is(Bug::LateFillDropped) && order.base().is_terminal() {
            return Meaning::sign(Signs::REPEAT);
        }
        let liquidity = report.liquidity;
        let (root, kind) = (order.root, FactKind::Fill);
        let fact =
            self.table.facts.insert(Fact { root, number, px, qty, cost: 0, kind, liquidity });
        let fill = Fill { side, px, qty, multiplier: self.multiplier(order) };
        let exec_id = report.exec_id.0;
        Meaning {
            event: Some(Event::Fill { qty, busted: false }),
            signs: Signs::default(),
            move_: Some(Move { fill, exec_id, undoes: None, liquidity, fact }),
        }
    }

    fn broken(&mut self, report: &ExecReport, order: &Order, side: Side) -> Meaning {
        let number = exec_number(report);
        let (root, kind) = (order.root, FactKind::BustFirst);
        let Some(at) = self.table.facts.find(root, FactKind::Fill, number) else {
            self.table.facts.insert(Fact { root, number, kind, ..Fact::default() });
            return Meaning::sign(Signs::UNKNOWN_EXEC);
        };
        let multiplier = self.multiplier(order);
        let Some(fact) = self.table.facts.get_mut(at).filter(|fact| fact.kind == FactKind::Fill)
        else {
            return Meaning::sign(Signs::REPEAT);
        };
        fact.kind = FactKind::Busted;
        let fill = Fill { side, px: fact.px, qty: fact.qty, multiplier };
        let exec_id = report.exec_id.0;
        let (undoes, liquidity) = (Some(fact.cost), fact.liquidity);
        Meaning {
            event: Some(Event::Bust { qty: fact.qty }),
            signs: Signs::default(),
            move_: Some(Move { fill, exec_id, undoes, liquidity, fact: at }),
        }
    }

    fn multiplier(&self, order: &Order) -> i64 {
        self.forms.get(order.instrument.index()).map_or(1, |form| form.multiplier)
    }

    /// Notes what deserves attention; a contradiction holds the instrument.
    fn note(&mut self, place: Place, order: &Order, signs: Signs) {
        self.table.update(place, |order| order.signs = order.signs.with(signs));
        if signs.has(Signs::REPEAT) {
            self.counters.repeats += 1;
        }
        let contradicts = [Signs::PROTOCOL, Signs::CONFLICT, Signs::OVERFILL];
        if contradicts.into_iter().any(|sign| signs.has(sign)) {
            self.counters.contradictions += 1;
            if let Some(held) = self.held.get_mut(order.instrument.index()) {
                *held = true;
            }
        }
    }

    /// A fill or an undoing, in the position and the sums of all scopes.
    fn move_position(&mut self, order: &Order, moved: &Move) -> Option<record::PositionEvent> {
        let strategy = order.root.strategy();
        let rates = self.rates.get(order.account.index()).copied().unwrap_or_default();
        let rows = self.rows(strategy, order.instrument)?;
        let holding = self.ledger.get_mut(strategy, order.instrument)?;
        let Move { fill, .. } = moved;
        let fee = rates.cost(fill.qty, moved.liquidity);
        let signed = match moved.undoes {
            None => {
                let cost = holding.apply(fill, fee);
                if let Some(fact) = self.table.facts.get_mut(moved.fact) {
                    fact.cost = cost;
                }
                fill.signed_qty()
            }
            Some(COST_UNKNOWN) => {
                let back = Fill { side: fill.side.opposite(), ..*fill };
                holding.apply(&back, Notional(-fee.0));
                -fill.signed_qty()
            }
            Some(cost) => {
                holding.undo(fill, fee, cost);
                -fill.signed_qty()
            }
        };
        let event = position_event(holding, order, fill.px, signed, moved.exec_id);
        self.exposure.fill(rows, signed);
        Some(event)
    }

    /// Makes the sums agree with what the order reserves now.
    pub(super) fn settle(&mut self, place: Place, side: Side) {
        let Some(order) = self.table.get(place).copied() else { return };
        let works = !order.base().is_terminal();
        // An overflow keeps what is reserved.
        let reserved = order
            .reservation(self.multiplier(&order))
            .unwrap_or((order.reserved_qty, order.reserved_value));
        let change = Change {
            side,
            qty: reserved.0.0.saturating_sub(order.reserved_qty.0),
            value: reserved.1.0.saturating_sub(order.reserved_value.0),
            orders: i32::from(works) - i32::from(order.is_counted()),
        };
        let Some(rows) = self.rows(order.root.strategy(), order.instrument) else { return };
        self.exposure.apply(rows, &change);
        self.table.update(place, |order| {
            (order.reserved_qty, order.reserved_value) = reserved;
            order.set_counted(works);
        });
        self.settle_child(place);
    }

    fn answer(
        &self,
        report: &ExecReport,
        gateway: GatewayId,
        place: Place,
        signs: Signs,
        position: Option<record::PositionEvent>,
    ) -> Applied {
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
        let flag = |sign, flag| if signs.has(sign) { flag } else { 0 };
        let holding = self.ledger.get(order.root.strategy(), order.instrument);
        record::OrderEvent {
            cum_qty: order.cum_qty,
            leaves_qty: order.leaves_qty(),
            px: order.terms.px,
            qty: order.terms.qty,
            position: holding.map_or(Qty::ZERO, |holding| holding.qty),
            instrument: order.instrument,
            base: order.base() as u8,
            flags: order.pending()
                | flag(Signs::LATE, record::OrderEvent::LATE)
                | flag(Signs::OVERFILL, record::OrderEvent::OVERFILL),
            side: order.side.map_or(0, |side| side as u8),
            ..bare_event(report, gateway)
        }
    }
}

/// Why the strategy hears of it.
const fn reason_of(report: &ExecReport) -> Reason {
    match Kind::from_u8(report.kind) {
        Some(Kind::Rejected | Kind::CancelRejected) => Reason::Venue,
        Some(Kind::SendFailed) => Reason::SendFailed,
        Some(Kind::GateReject) => match Reason::from_u8(report.reason as u8) {
            Some(reason) => reason,
            None => Reason::Killed,
        },
        Some(_) | None => Reason::None,
    }
}

/// What names an execution: its id, or, where the venue gives none, its report.
const fn exec_number(report: &ExecReport) -> u64 {
    if report.exec_id.0 == 0 { 1 << 63 | report.venue_seq as u64 } else { report.exec_id.0 }
}

/// A holding as a record.
pub(super) fn position_event(
    holding: &Holding,
    order: &Order,
    last_px: Price,
    signed: i64,
    exec_id: u64,
) -> record::PositionEvent {
    record::PositionEvent {
        cost: words_of(holding.cost),
        realised: words_of(holding.realised),
        fees: words_of(holding.fees),
        position: holding.qty,
        last_px,
        last_qty: Qty(signed),
        cl_ord_id: if order.is_some() { order.terms.id } else { ClOrdId::NONE },
        exec_id: shm::ids::ExecId(exec_id),
        instrument: order.instrument,
        account: order.account.0,
        strategy: order.root.strategy().0,
        _reserved: 0,
    }
}
