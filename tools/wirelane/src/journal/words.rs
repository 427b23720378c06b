//! The fields of every kind of record, by name and with names for codes.

use crate::session::{Session, text_of};
use serde_json::Value;
use shm::ids::{Cause, ClOrdId, InstrumentId, StrategyId};
use shm::message::{CommandOp, Kind, OrdType, Side, Tif, pending};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::market::{CaptureGap, RxFeed, RxVenue, Sent, Tx, TxVoid, VenueSession};
use shm::record::order::{
    Approved, Base, CancelAsked, Denied, OrderEvent, PositionEvent, value_of,
};
use shm::record::status::{
    Anchor, Busy, Link, Operator, Port, Saw, SessionOpen, SharedWord, Text, Tick, Took,
};
use shm::units::{Notional, Price, Qty};
use std::fmt::Write as _;

/// Names and values in the order of the record. Prices, quantities and money are decimal texts,
/// order ids their venue form, times and spans whole nanoseconds.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// The fields of a record; `None` when the body is shorter than its kind.
pub(crate) fn fields(
    kind: RecordKind,
    body: &[u8],
    session: &Session,
    raw: bool,
) -> Option<Fields> {
    let names = Names { session, raw };
    Some(match kind {
        RecordKind::RxFeed => RxFeed::split(body).map(|(r, rest)| names.rx_feed(&r, rest))?,
        RecordKind::RxVenue => RxVenue::split(body).map(|(r, rest)| names.rx_venue(&r, rest))?,
        RecordKind::Tx | RecordKind::CarryTx => {
            Tx::split(body).map(|(tx, rest)| names.tx(&tx, rest))?
        }
        RecordKind::Sent => sent(&Sent::read(body)?),
        RecordKind::TxVoid => tx_void(&TxVoid::read(body)?),
        RecordKind::CaptureGap => {
            let gap = CaptureGap::read(body)?;
            vec![("feed", gap.feed.into()), ("feed_seq", gap.feed_seq.into())]
        }
        RecordKind::Approved => names.approved(&Approved::read(body)?),
        RecordKind::Denied => names.denied(&Denied::read(body)?),
        RecordKind::CancelAsked => cancel_asked(&CancelAsked::read(body)?),
        RecordKind::OrderEvent | RecordKind::CarryOrder => {
            names.order_event(&OrderEvent::read(body)?)
        }
        RecordKind::PositionEvent | RecordKind::CarryPosition => {
            names.position(&PositionEvent::read(body)?)
        }
        RecordKind::VenueSession => venue_session(&VenueSession::read(body)?),
        RecordKind::Took => {
            let took = Took::read(body)?;
            let port =
                Port::from_u8(took.port).map_or_else(|| number(took.port), |p| text(p.name()));
            vec![("port", port), ("index", took.index.into()), ("count", took.count.into())]
        }
        RecordKind::Saw => {
            let saw = Saw::read(body)?;
            let word = SharedWord::from_u8(saw.word);
            let word = word.map_or_else(|| number(saw.word), |word| text(word.name()));
            vec![("word", word), ("value", saw.value.into())]
        }
        RecordKind::Tick => {
            let tick = Tick::read(body)?;
            vec![("what", tick.what.into()), ("index", tick.index.into())]
        }
        RecordKind::Busy => {
            let busy = Busy::read(body)?;
            let strategy = session.strategy(StrategyId(busy.strategy));
            vec![("strategy", strategy.into()), ("ordinal", busy.ordinal.into())]
        }
        RecordKind::LinkFull | RecordKind::LinkRoom => {
            let link = Link::read(body)?;
            vec![
                ("link", link.link.into()),
                ("flushed", link.flushed.into()),
                ("ordinal", link.ordinal.into()),
            ]
        }
        RecordKind::SessionOpen => SessionOpen::split(body).map(|(r, rest)| open(&r, rest))?,
        RecordKind::Instruments | RecordKind::Topology => {
            let (head, rest) = Text::split(body)?;
            vec![("text", text_of(rest, head.len).unwrap_or("?").into())]
        }
        RecordKind::Anchor => anchor(&Anchor::read(body)?),
        RecordKind::Operator => Operator::split(body).map(|(r, rest)| names.operator(&r, rest))?,
        RecordKind::OpenComplete | RecordKind::SessionClose => Vec::new(),
    })
}

fn text(name: &str) -> Value {
    Value::from(name)
}

fn number(code: u8) -> Value {
    Value::from(format!("#{code}"))
}

fn hex(bytes: &[u8]) -> Value {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    Value::from(digits)
}

fn px(px: Price) -> Value {
    if px.is_none() { Value::Null } else { px.to_string().into() }
}

fn qty(qty: Qty) -> Value {
    qty.to_string().into()
}

fn id(id: ClOrdId) -> Value {
    if id == ClOrdId::NONE { Value::Null } else { id.to_string().into() }
}

fn cause(cause: Cause) -> Value {
    match cause {
        Cause::NONE => Value::Null,
        Cause::SWEEP => text("sweep"),
        _ => format!("{}:{}", cause.feed().0, cause.feed_seq()).into(),
    }
}

fn side(code: u8) -> Value {
    Side::from_u8(code).map_or_else(|| number(code), |side| text(side.name()))
}

fn tif(code: u8) -> Value {
    Tif::from_u8(code).map_or_else(|| number(code), |tif| text(tif.name()))
}

fn ord_type(code: u8) -> Value {
    OrdType::from_u8(code).map_or_else(|| number(code), |of| text(of.name()))
}

fn kind(code: u8) -> Value {
    Kind::from_u8(code).map_or_else(|| number(code), |kind| text(kind.name()))
}

fn reason(code: u8) -> Value {
    Reason::from_u8(code).map_or_else(|| number(code), |reason| text(reason.name()))
}

/// A measured value or limit of a rule, in the rule's own unit: prices, quantities and money scaled
/// as they are stored, so that nothing is rounded.
fn measure(words: [u64; 2]) -> Value {
    value_of(words).to_string().into()
}

fn money(words: [u64; 2]) -> Value {
    Notional(value_of(words)).to_string().into()
}

fn sent(sent: &Sent) -> Fields {
    vec![
        ("cl_ord_id", id(sent.cl_ord_id)),
        ("t0", sent.t0.0.into()),
        ("tx_seq", sent.tx_seq.into()),
        ("result", sent.result.into()),
        ("d_sent", sent.d_sent.into()),
        ("gateway", sent.gateway.into()),
    ]
}

fn tx_void(void: &TxVoid) -> Fields {
    vec![
        ("cl_ord_id", id(void.cl_ord_id)),
        ("t0", void.t0.0.into()),
        ("tx_seq", void.tx_seq.into()),
        ("reason", reason(void.reason)),
        ("action", kind(void.action)),
        ("gateway", void.gateway.into()),
    ]
}

fn cancel_asked(asked: &CancelAsked) -> Fields {
    vec![
        ("cl_ord_id", id(asked.cl_ord_id)),
        ("t0", asked.t0.0.into()),
        ("cause", cause(asked.cause)),
        ("d_intent", asked.d_intent.into()),
        ("d_decided", asked.d_decided.into()),
    ]
}

fn venue_session(session: &VenueSession) -> Fields {
    vec![
        ("session", String::from_utf8_lossy(&session.session).trim().into()),
        ("gateway", session.gateway.into()),
        ("venue_no", session.venue_no.into()),
        ("venue_seq", session.venue_seq.into()),
        ("t0", session.t0.0.into()),
    ]
}

fn open(open: &SessionOpen, rest: &[u8]) -> Fields {
    vec![
        ("wall", open.wall.0.into()),
        ("layout", format!("{:016x}", open.layout).into()),
        ("date", open.date.into()),
        ("pid", open.pid.into()),
        ("epoch", open.epoch.into()),
        ("lanes", open.lanes.into()),
        ("config", text_of(rest, open.len).unwrap_or("?").into()),
    ]
}

fn anchor(anchor: &Anchor) -> Fields {
    vec![
        ("engine", anchor.engine.0.into()),
        ("wall", anchor.wall.0.into()),
        ("tsc", anchor.tsc.into()),
        ("uncertainty", anchor.uncertainty.into()),
    ]
}

/// What needs the session's names, and whether captured bytes are written out.
struct Names<'a> {
    session: &'a Session,
    raw: bool,
}

impl Names<'_> {
    fn symbol(&self, instrument: InstrumentId) -> Value {
        self.session.symbol(instrument).into()
    }

    fn captured(&self, mut fields: Fields, bytes: Option<&[u8]>) -> Fields {
        if let Some(bytes) = bytes.filter(|_| self.raw) {
            fields.push(("data", hex(bytes)));
        }
        fields
    }

    fn rx_feed(&self, rx: &RxFeed, rest: &[u8]) -> Fields {
        let fields = vec![
            ("feed", rx.feed.into()),
            ("line", rx.line.into()),
            ("t0", rx.t0.0.into()),
            ("feed_seq", rx.feed_seq.into()),
            ("d_read", rx.d_read.into()),
            ("bytes", rx.len.into()),
        ];
        self.captured(fields, usize::try_from(rx.len).ok().and_then(|len| rest.get(..len)))
    }

    fn rx_venue(&self, rx: &RxVenue, rest: &[u8]) -> Fields {
        let event = match rx.event {
            RxVenue::BYTES_READ => text("bytes"),
            RxVenue::OPENED => text("opened"),
            RxVenue::CLOSED => text("closed"),
            other => number(other),
        };
        let fields = vec![
            ("gateway", rx.gateway.into()),
            ("event", event),
            ("t0", rx.t0.0.into()),
            ("venue_seq", rx.venue_seq.into()),
            ("bytes", rx.len.into()),
        ];
        self.captured(fields, usize::try_from(rx.len).ok().and_then(|len| rest.get(..len)))
    }

    fn tx(&self, tx: &Tx, rest: &[u8]) -> Fields {
        let fields = vec![
            ("cl_ord_id", id(tx.cl_ord_id)),
            ("action", kind(tx.action)),
            ("t0", tx.t0.0.into()),
            ("venue_no", tx.venue_no.into()),
            ("d_gateway", tx.d_gateway.into()),
            ("d_encoded", tx.d_encoded.into()),
            ("gateway", tx.gateway.into()),
            ("bytes", tx.len.into()),
        ];
        self.captured(fields, rest.get(..usize::from(tx.len)))
    }

    fn approved(&self, order: &Approved) -> Fields {
        vec![
            ("cl_ord_id", id(order.cl_ord_id)),
            ("orig_cl_ord_id", id(order.orig_cl_ord_id)),
            ("action", kind(order.action)),
            ("strategy", self.session.strategy(order.cl_ord_id.strategy()).into()),
            ("symbol", self.symbol(order.instrument)),
            ("side", side(order.side)),
            ("qty", qty(order.qty)),
            ("px", px(order.px)),
            ("tif", tif(order.tif)),
            ("ord_type", ord_type(order.ord_type)),
            ("account", order.account.into()),
            ("gateway", order.gateway.into()),
            ("t0", order.t0.0.into()),
            ("cause", cause(order.cause)),
            ("d_publish", order.d_publish.into()),
            ("d_begin", order.d_begin.into()),
            ("d_intent", order.d_intent.into()),
            ("d_risk", order.d_risk.into()),
            ("d_decided", order.d_decided.into()),
            ("limit_version", order.limit_version.into()),
        ]
    }

    fn denied(&self, order: &Denied) -> Fields {
        vec![
            ("cl_ord_id", id(order.cl_ord_id)),
            ("reason", reason(order.reason)),
            ("measured", measure(order.measured)),
            ("limit", measure(order.limit)),
            ("action", kind(order.action)),
            ("strategy", self.session.strategy(order.cl_ord_id.strategy()).into()),
            ("symbol", self.symbol(order.instrument)),
            ("side", side(order.side)),
            ("qty", qty(order.qty)),
            ("px", px(order.px)),
            ("tif", tif(order.tif)),
            ("ord_type", ord_type(order.ord_type)),
            ("account", order.account.into()),
            ("gateway", order.gateway.into()),
            ("t0", order.t0.0.into()),
            ("cause", cause(order.cause)),
            ("d_decided", order.d_decided.into()),
            ("limit_version", order.limit_version.into()),
        ]
    }

    fn order_event(&self, event: &OrderEvent) -> Fields {
        let base = Base::from_u8(event.base).map_or_else(|| number(event.base), |b| text(b.name()));
        let names = [
            (pending::CANCEL, "CANCEL_PENDING"),
            (pending::REPLACE, "REPLACE_PENDING"),
            (OrderEvent::LATE, "LATE"),
            (OrderEvent::OVERFILL, "OVERFILL"),
        ];
        let flags = names.iter().filter(|(bit, _)| event.flags & bit != 0).map(|(_, name)| *name);
        let own = event.event == Kind::GateReject as u8 || event.event == Kind::SendFailed as u8;
        let code = u8::try_from(event.reason).ok().filter(|_| own);
        vec![
            ("cl_ord_id", id(event.cl_ord_id)),
            ("event", kind(event.event)),
            ("state", base),
            ("symbol", self.symbol(event.instrument)),
            ("side", side(event.side)),
            ("last_qty", qty(event.last_qty)),
            ("last_px", px(event.last_px)),
            ("cum_qty", qty(event.cum_qty)),
            ("leaves_qty", qty(event.leaves_qty)),
            ("qty", qty(event.qty)),
            ("px", px(event.px)),
            ("position", qty(event.position)),
            ("venue_ord_id", event.venue_ord_id.0.into()),
            ("exec_id", event.exec_id.0.into()),
            ("venue_seq", event.venue_seq.into()),
            ("liquidity", char::from(event.liquidity).escape_default().to_string().into()),
            ("reason", code.map_or_else(|| event.reason.into(), reason)),
            ("flags", flags.collect::<Vec<_>>().join("|").into()),
            ("gateway", event.gateway.into()),
        ]
    }

    fn position(&self, event: &PositionEvent) -> Fields {
        vec![
            ("strategy", self.session.strategy(StrategyId(event.strategy)).into()),
            ("symbol", self.symbol(event.instrument)),
            ("position", qty(event.position)),
            ("cost", money(event.cost)),
            ("realised", money(event.realised)),
            ("fees", money(event.fees)),
            ("last_qty", qty(event.last_qty)),
            ("last_px", px(event.last_px)),
            ("cl_ord_id", id(event.cl_ord_id)),
            ("exec_id", event.exec_id.0.into()),
            ("account", event.account.into()),
        ]
    }

    fn operator(&self, given: &Operator, rest: &[u8]) -> Fields {
        let op = match given.op {
            Operator::KILL => text("KILL"),
            Operator::ARM => text("ARM"),
            op => CommandOp::from_u8(op).map_or_else(|| number(op), |op| text(op.name())),
        };
        // The scope of a gate is in the text.
        let symbol = match given.op {
            Operator::KILL | Operator::ARM => Value::Null,
            _ => self.symbol(InstrumentId(given.instrument)),
        };
        vec![
            ("op", op),
            ("strategy", self.session.strategy(StrategyId(given.strategy)).into()),
            ("symbol", symbol),
            ("param", given.param.into()),
            ("value", given.value.into()),
            ("refused", given.refused.into()),
            ("uid", given.uid.into()),
            ("pid", given.pid.into()),
            ("text", text_of(rest, given.len).unwrap_or("?").into()),
        ]
    }
}

#[cfg(test)]
mod tests;
