//! What each kind of record says, as rows.

use super::batch::{Batch, Row};
use super::database::{NO_INT, NO_TEXT, Value, int, text};
use super::money::millionths;
use super::opening;
use super::table::Slot;
use crate::follow::Taken;
use shm::ids::{ClOrdId, InstrumentId};
use shm::message::{CommandOp, Kind, OrdType, ParentKind, Side, Tif};
use shm::reason::{Reason, Unit};
use shm::record::order::{
    Alarm, Approved, Base, CancelAsked, Denied, OrderEvent, PositionEvent, ScopeKind, value_of,
};
use shm::record::parent::Parent;
use shm::record::status::{DownCause, Operator, StrategyDown};
use shm::record::{RecordKind, Stage};
use shm::units::{Nanos, Price};

/// Puts what a record says into the batch; `None` if the record is shorter than its kind. Kinds
/// that tell nothing a database keeps are passed over.
pub(super) fn put(batch: &mut Batch, taken: &Taken<'_>) -> Option<()> {
    let body = taken.body;
    match taken.kind? {
        RecordKind::Approved => approved(batch, taken, &Approved::read(body)?),
        RecordKind::Denied => denied(batch, taken, &Denied::read(body)?),
        RecordKind::CancelAsked => cancel_asked(batch, taken, &CancelAsked::read(body)?),
        RecordKind::OrderEvent => order_event(batch, taken, &OrderEvent::read(body)?),
        RecordKind::PositionEvent => {
            let event = PositionEvent::read(body)?;
            execution(batch, taken, &event);
            position(batch, taken, &event);
        }
        RecordKind::CarryOrder => carried_order(batch, taken, &OrderEvent::read(body)?),
        RecordKind::CarryPosition => {
            let event = PositionEvent::read(body)?;
            // One with an execution is a lot of the position before it.
            if event.exec_id.0 == 0 {
                position(batch, taken, &event);
            }
        }
        RecordKind::ParentApproved | RecordKind::CarryParent => {
            parent(batch, taken, &Parent::read(body)?, false);
        }
        RecordKind::ParentDone => parent(batch, taken, &Parent::read(body)?, true),
        RecordKind::Alarm => alarm(batch, taken, &Alarm::read(body)?),
        RecordKind::StrategyDown => {
            let (down, rest) = StrategyDown::split(body)?;
            strategy_down(batch, taken, &down, opening::text_of(rest, down.len)?);
        }
        RecordKind::Operator => {
            let (given, rest) = Operator::split(body)?;
            command(batch, taken, &given, opening::text_of(rest, given.len)?);
        }
        RecordKind::SessionOpen => opening::session_open(batch, taken)?,
        RecordKind::Instruments => opening::instruments(batch, taken)?,
        RecordKind::Topology => opening::topology(batch, taken)?,
        RecordKind::LimitSet => opening::limit_set(batch, taken)?,
        RecordKind::OpenComplete => opening::mark(batch, taken, opening::COMPLETE),
        RecordKind::SessionClose => opening::mark(batch, taken, opening::CLOSED),
        _ => {}
    }
    Some(())
}

/// Nanoseconds, within what a column holds (the year 2262).
pub(super) fn ns(at: Nanos) -> Value {
    int(i64::try_from(at.0).unwrap_or(i64::MAX))
}

/// The place of a record, and its time.
fn place(taken: &Taken<'_>) -> Row {
    let seq = i64::try_from(taken.seq.0).unwrap_or(i64::MAX);
    vec![int(taken.epoch), int(taken.lane), int(seq), ns(taken.ts)]
}

fn px(px: Price) -> Value {
    if px.is_none() { NO_INT } else { int(px.0) }
}

fn id(id: ClOrdId) -> Value {
    match id.as_external() {
        Some((instrument, side)) => text(format!("external:{}:{side}", instrument.0)),
        None if id == ClOrdId::NONE => NO_TEXT,
        None => text(id.to_string()),
    }
}

fn instrument(id: InstrumentId) -> Value {
    if id == InstrumentId::NONE { NO_INT } else { int(id.0) }
}

/// The name of a code, or its number.
fn name(known: Option<&'static str>, raw: impl std::fmt::Display) -> Value {
    known.map_or_else(|| text(format!("#{raw}")), text)
}

fn side(raw: u8) -> Value {
    name(Side::from_u8(raw).map(Side::name), raw)
}

fn tif(raw: u8) -> Value {
    name(Tif::from_u8(raw).map(Tif::name), raw)
}

fn ord_type(raw: u8) -> Value {
    name(OrdType::from_u8(raw).map(OrdType::name), raw)
}

fn reason(raw: u8) -> Value {
    name(Reason::from_u8(raw).map(Reason::name), raw)
}

fn unit(raw: u8) -> Value {
    name(Unit::from_u8(raw).map(Unit::name), raw)
}

fn kind(raw: u8) -> Value {
    name(Kind::from_u8(raw).map(Kind::name), raw)
}

fn base(raw: u8) -> Value {
    name(Base::from_u8(raw).map(Base::name), raw)
}

fn approved(batch: &mut Batch, taken: &Taken<'_>, order: &Approved) {
    let mut row = vec![id(order.cl_ord_id)];
    row.extend(place(taken));
    row.extend([
        int(0),
        int(order.cl_ord_id.strategy().0),
        int(order.account),
        int(order.instrument.0),
        int(order.gateway),
        side(order.side),
        tif(order.tif),
        ord_type(order.ord_type),
        px(order.px),
        int(order.qty.0),
        id(order.orig_cl_ord_id),
        id(order.parent),
        if order.parent == ClOrdId::NONE { NO_INT } else { int(order.leg) },
        ns(order.t0),
        int(order.limit_version),
    ]);
    batch.put(Slot::OrderTerms, row);
}

/// A row of `order_states` that knows nothing yet.
fn state(taken: &Taken<'_>, id: Value) -> Row {
    let mut row = vec![id, int(taken.epoch), ns(taken.ts), NO_INT];
    row.extend([NO_TEXT, NO_TEXT, NO_TEXT, NO_INT, NO_INT, NO_INT, NO_INT, NO_TEXT]);
    row.extend([NO_INT, NO_INT, NO_INT, NO_INT]);
    row
}

fn order_event(batch: &mut Batch, taken: &Taken<'_>, event: &OrderEvent) {
    batch.context.insert((taken.epoch, taken.lane), *event);
    let said = Kind::from_u8(event.event);
    let of_session = matches!(said, Some(Kind::SessionUp | Kind::SessionDown));
    if event.cl_ord_id == ClOrdId::NONE || of_session {
        return;
    }
    let accepts = matches!(
        said,
        Some(Kind::Accepted | Kind::AcceptedDead | Kind::Replaced | Kind::ReplacedDead)
    );
    if matches!(said, Some(Kind::Broken | Kind::Corrected)) {
        batch.undone.extend(id(event.cl_ord_id).text().map(str::to_owned));
    }
    batch.put(Slot::OrderStates, state_of(taken, event, accepts));
}

fn state_of(taken: &Taken<'_>, event: &OrderEvent, accepts: bool) -> Row {
    let venue = event.venue_ord_id.0;
    vec![
        id(event.cl_ord_id),
        int(taken.epoch),
        ns(taken.ts),
        instrument(event.instrument),
        side(event.side),
        base(event.base),
        kind(event.event),
        int(event.cum_qty.0),
        int(event.leaves_qty.0),
        px(event.px),
        int(event.qty.0),
        if venue == 0 { NO_TEXT } else { text(venue.to_string()) },
        int(event.reason),
        int(event.flags),
        if accepts { ns(taken.ts) } else { NO_INT },
        NO_INT,
    ]
}

/// An order that works over a start. Its terms are known from before, unless the journal does not
/// reach back so far.
fn carried_order(batch: &mut Batch, taken: &Taken<'_>, event: &OrderEvent) {
    if Kind::from_u8(event.event) != Some(Kind::Accepted) {
        return;
    }
    let mut row = vec![id(event.cl_ord_id)];
    row.extend(place(taken));
    row.extend([
        int(1),
        int(event.cl_ord_id.strategy().0),
        NO_INT,
        int(event.instrument.0),
        int(event.gateway),
        side(event.side),
        tif(event.liquidity & 15),
        ord_type(event.liquidity >> 4),
        px(event.px),
        int(event.qty.0),
        NO_TEXT,
        NO_TEXT,
        NO_INT,
        NO_INT,
        NO_INT,
    ]);
    batch.put(Slot::OrderTerms, row);
    // Reason and flags mean other things here.
    let plain = OrderEvent { reason: 0, flags: event.flags & 3, ..*event };
    batch.put(Slot::OrderStates, state_of(taken, &plain, false));
}

fn cancel_asked(batch: &mut Batch, taken: &Taken<'_>, asked: &CancelAsked) {
    if asked.cl_ord_id == ClOrdId::NONE {
        // A gateway's sweep asks for all orders of a closed scope at once; each has its reports.
        return;
    }
    let mut row = state(taken, id(asked.cl_ord_id));
    if let Some(last) = row.last_mut() {
        *last = ns(taken.ts);
    }
    batch.put(Slot::OrderStates, row);
}

/// A position changed: the execution, its undoing or its correction that the report before it told.
fn execution(batch: &mut Batch, taken: &Taken<'_>, event: &PositionEvent) {
    let report = batch.context.get(&(taken.epoch, taken.lane)).copied();
    let said = report.map_or(NO_TEXT, |report| kind(report.event));
    let liquidity = report.map_or(0, |report| report.liquidity);
    let mut row = place(taken);
    row.extend([
        id(event.cl_ord_id),
        text(event.exec_id.0.to_string()),
        if said.is_null() { text("?") } else { said },
        int(event.strategy),
        int(event.account),
        int(event.instrument.0),
        int(event.last_qty.0),
        px(event.last_px),
        int(event.position.0),
        match char::from(liquidity) {
            shown if shown.is_ascii_graphic() => text(shown),
            _ => NO_TEXT,
        },
        report.map_or(NO_INT, |report| int(report.venue_seq)),
    ]);
    batch.put(Slot::Executions, row);
}

fn position(batch: &mut Batch, taken: &Taken<'_>, event: &PositionEvent) {
    let mut row = vec![
        int(taken.epoch),
        int(event.strategy),
        int(event.instrument.0),
        int(event.account),
        ns(taken.ts),
        int(event.position.0),
    ];
    for words in [event.cost, event.realised, event.fees] {
        let (whole, rest) = millionths(value_of(words));
        row.extend([whole, rest]);
    }
    batch.put(Slot::PositionStates, row);
}

fn denied(batch: &mut Batch, taken: &Taken<'_>, order: &Denied) {
    let mut row = place(taken);
    row.extend([
        text(order.cl_ord_id.to_string()),
        reason(order.reason),
        text(value_of(order.measured).to_string()),
        text(value_of(order.limit).to_string()),
        unit(order.unit),
        int(order.cl_ord_id.strategy().0),
        int(order.account),
        int(order.instrument.0),
        int(order.gateway),
        side(order.side),
        tif(order.tif),
        ord_type(order.ord_type),
        px(order.px),
        int(order.qty.0),
        int(order.limit_version),
    ]);
    batch.put(Slot::Refusals, row);
}

fn parent(batch: &mut Batch, taken: &Taken<'_>, parent: &Parent, is_done: bool) {
    let filled = parent.filled.iter().fold(0_i64, |sum, qty| sum.saturating_add(qty.0));
    let carried = taken.kind == Some(RecordKind::CarryParent);
    batch.put(
        Slot::Parents,
        vec![
            id(parent.cl_ord_id),
            int(taken.epoch),
            name(ParentKind::from_u8(parent.parent).map(ParentKind::name), parent.parent),
            int(parent.cl_ord_id.strategy().0),
            int(parent.account),
            int(parent.instrument.0),
            int(parent.gateway),
            side(parent.side),
            int(parent.qty.0),
            if is_done || carried { NO_INT } else { ns(taken.ts) },
            if is_done { ns(taken.ts) } else { NO_INT },
            if is_done { reason(parent.reason) } else { NO_TEXT },
            // What a carried one holds leaves its working children out.
            if carried { NO_INT } else { int(filled) },
        ],
    );
}

fn alarm(batch: &mut Batch, taken: &Taken<'_>, alarm: &Alarm) {
    let mut row = place(taken);
    row.extend([
        name(ScopeKind::from_u8(alarm.scope).map(ScopeKind::name), alarm.scope),
        int(alarm.id),
        reason(alarm.reason),
        text(value_of(alarm.measured).to_string()),
        text(value_of(alarm.limit).to_string()),
        unit(alarm.unit),
        int(alarm.set),
        int(alarm.tripped),
        int(alarm.closes_gate),
    ]);
    batch.put(Slot::Alarms, row);
}

fn strategy_down(batch: &mut Batch, taken: &Taken<'_>, down: &StrategyDown, words: String) {
    let mut row = place(taken);
    let cause = DownCause::from_u8(down.cause).map(DownCause::name);
    row.extend([int(down.strategy), name(cause, down.cause), text(words)]);
    batch.put(Slot::StrategyDowns, row);
}

/// A command as given: the control thread's record of it, and not those of the stages that it went
/// to.
fn command(batch: &mut Batch, taken: &Taken<'_>, given: &Operator, words: String) {
    if taken.stage.kind() != Some(Stage::Control) {
        return;
    }
    let op = match given.op {
        Operator::KILL => Some("KILL"),
        Operator::ARM => Some("ARM"),
        Operator::SELF_TEST => Some("SELF_TEST"),
        raw => CommandOp::from_u8(raw).map(CommandOp::name),
    };
    let mut row = place(taken);
    row.extend([
        name(op, given.op),
        int(given.refused),
        int(given.strategy),
        instrument(InstrumentId(given.instrument)),
        int(given.value),
        int(given.uid),
        int(given.pid),
        text(words),
    ]);
    batch.put(Slot::Commands, row);
}
