//! The fields of every kind of record, by name and with names for codes.

mod family;
mod order_event;

use super::codes::{self, text};
use crate::number::date;
use crate::session::{Session, text_of};
use serde_json::Value;
use shm::ids::{Cause, ClOrdId, InstrumentId, StrategyId};
use shm::message::{CommandOp, OrderField};
use shm::reason::Unit;
use shm::record::RecordKind;
use shm::record::market::{CaptureGap, RxFeed, RxVenue, Sent, Tx, TxVoid, VenueSession};
use shm::record::order::{
    Alarm, Approved, CancelAsked, Denied, OrderEvent, OrderTerms, PositionEvent, Recent,
    RecentKind, ScopeKind, ScopePeak, ScopeTotals,
};
use shm::record::parent::Parent;
use shm::record::status::{
    Anchor, Busy, DownCause, HandOrder, LimitSet, LimitSource, Link, Operator, Port, Saw,
    SessionOpen, StrategyDown, Text, Tick, Took,
};
use shm::units::{Price, Qty};
use std::fmt::Write as _;

/// Names and values in the order of the record. Prices, quantities and money are decimal texts,
/// order ids their venue form, times and spans whole nanoseconds, codes their names. What a record
/// does not say is `null`.
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
        RecordKind::Sent => names.sent(&Sent::read(body)?),
        RecordKind::TxVoid => names.tx_void(&TxVoid::read(body)?),
        RecordKind::CaptureGap => names.capture_gap(&CaptureGap::read(body)?),
        RecordKind::Approved => names.approved(&Approved::read(body)?),
        RecordKind::Denied => names.denied(&Denied::read(body)?),
        RecordKind::CancelAsked => names.cancel_asked(&CancelAsked::read(body)?),
        RecordKind::OrderEvent => names.order_event(&OrderEvent::read(body)?),
        RecordKind::CarryOrder => names.carried(&OrderEvent::read(body)?),
        RecordKind::PositionEvent | RecordKind::CarryPosition => {
            names.position(&PositionEvent::read(body)?)
        }
        RecordKind::Alarm => names.alarm(&Alarm::read(body)?),
        RecordKind::ScopePeak => names.scope_peak(&ScopePeak::read(body)?),
        RecordKind::CarryRecent => names.recent(&Recent::read(body)?),
        RecordKind::CarryScope => names.scope_totals(&ScopeTotals::read(body)?),
        RecordKind::VenueSession => names.venue_session(&VenueSession::read(body)?),
        RecordKind::OrderTerms => family::order_terms(&OrderTerms::read(body)?),
        RecordKind::ParentState | RecordKind::CarryParentState => family::parent_state(body)?,
        RecordKind::ParentApproved | RecordKind::ParentDone | RecordKind::CarryParent => {
            names.parent(&Parent::read(body)?)
        }
        RecordKind::Took => names.took(&Took::read(body)?),
        RecordKind::Saw => {
            let saw = Saw::read(body)?;
            vec![("word", codes::word(saw.word)), ("value", saw.value.into())]
        }
        RecordKind::Tick => {
            let tick = Tick::read(body)?;
            vec![("what", codes::timer(tick.what)), ("index", tick.index.into())]
        }
        RecordKind::HandOrder => hand_order(&HandOrder::read(body)?),
        RecordKind::Busy => names.busy(&Busy::read(body)?),
        RecordKind::LinkFull | RecordKind::LinkRoom => link(&Link::read(body)?),
        RecordKind::SessionOpen => SessionOpen::split(body).map(|(r, rest)| open(&r, rest))?,
        RecordKind::Instruments | RecordKind::Topology => {
            let (head, rest) = Text::split(body)?;
            vec![("text", text_of(rest, head.len).unwrap_or("?").into())]
        }
        RecordKind::Anchor => anchor(&Anchor::read(body)?),
        RecordKind::Operator => Operator::split(body).map(|(r, rest)| names.operator(&r, rest))?,
        RecordKind::LimitSet => LimitSet::split(body).map(|(r, rest)| limit_set(&r, rest))?,
        RecordKind::StrategyDown | RecordKind::CarryStrategy => names.strategy_down(body)?,
        RecordKind::OpenComplete | RecordKind::SessionClose => Vec::new(),
    })
}

fn link(link: &Link) -> Fields {
    vec![
        ("link", link.link.into()),
        ("flushed", link.flushed.into()),
        ("ordinal", link.ordinal.into()),
    ]
}

fn hand_order(order: &HandOrder) -> Fields {
    let number = (order.number != 0).then_some(order.number);
    vec![
        ("operation", codes::operation(order.op)),
        ("number", number.into()),
        ("cl_ord_id", id(order.cl_ord_id)),
        ("t0", order.t0.0.into()),
        ("outcome", codes::hand(order.outcome)),
        ("fault", (order.fault != 0).then_some(order.fault).into()),
    ]
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
    if id == ClOrdId::NONE {
        Value::Null
    } else if id.as_external().is_some() {
        text("external")
    } else {
        id.to_string().into()
    }
}

fn open(open: &SessionOpen, rest: &[u8]) -> Fields {
    vec![
        ("wall", open.wall.0.into()),
        ("layout", format!("{:016x}", open.layout).into()),
        ("date", date(open.date).into()),
        ("pid", open.pid.into()),
        ("order_epoch", open.epoch.into()),
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

fn limit_set(set: &LimitSet, rest: &[u8]) -> Fields {
    let reason = rest.get(set.len as usize..).and_then(|rest| text_of(rest, set.reason_len));
    let source = LimitSource::from_u8(set.source).map(LimitSource::name);
    vec![
        ("version", set.version.into()),
        ("source", source.map_or(Value::Null, Into::into)),
        ("wall", set.wall.0.into()),
        ("uid", set.uid.into()),
        ("pid", set.pid.into()),
        ("digest", hex(&set.digest)),
        ("reason", reason.unwrap_or("?").into()),
        ("text", text_of(rest, set.len).unwrap_or("?").into()),
    ]
}

/// What needs the session's names, and whether captured bytes are written out.
struct Names<'a> {
    session: &'a Session,
    raw: bool,
}

impl Names<'_> {
    fn symbol(&self, instrument: InstrumentId) -> Value {
        if instrument == InstrumentId::NONE {
            return Value::Null;
        }
        self.session.symbol(instrument).into()
    }

    fn feed(&self, index: u8) -> Value {
        self.session.feed(index).into()
    }

    fn gateway(&self, index: u8) -> Value {
        self.session.gateway(index).into()
    }

    fn account(&self, index: u16) -> Value {
        self.session.account(index).into()
    }

    fn cause(&self, cause: Cause) -> Value {
        match cause {
            Cause::NONE => Value::Null,
            Cause::SWEEP => text("sweep"),
            Cause::SELF_TRADE => text("self-trade"),
            Cause::OVER_LIMIT => text("over limit"),
            _ => format!("{}:{}", self.session.feed(cause.feed().0), cause.feed_seq()).into(),
        }
    }

    fn took(&self, took: &Took) -> Fields {
        let from = match Port::from_u8(took.port) {
            Some(Port::Feed) => self.feed(took.index),
            Some(Port::Reports) => self.gateway(took.index),
            _ => took.index.into(),
        };
        vec![("port", codes::port(took.port)), ("from", from), ("count", took.count.into())]
    }

    fn sent(&self, sent: &Sent) -> Fields {
        let error = (sent.result == Sent::LINK_CLOSED).then_some("the link was closed");
        vec![
            ("cl_ord_id", id(sent.cl_ord_id)),
            ("t0", sent.t0.0.into()),
            ("tx_seq", sent.tx_seq.into()),
            ("bytes", u32::try_from(sent.result).unwrap_or(0).into()),
            ("error", error.into()),
            ("d_sent", sent.d_sent.into()),
            ("gateway", self.gateway(sent.gateway)),
        ]
    }

    fn tx_void(&self, void: &TxVoid) -> Fields {
        vec![
            ("cl_ord_id", id(void.cl_ord_id)),
            ("t0", void.t0.0.into()),
            ("tx_seq", void.tx_seq.into()),
            ("reason", codes::reason(void.reason)),
            ("action", codes::kind(void.action)),
            ("gateway", self.gateway(void.gateway)),
        ]
    }

    fn cancel_asked(&self, asked: &CancelAsked) -> Fields {
        vec![
            ("cl_ord_id", id(asked.cl_ord_id)),
            ("t0", asked.t0.0.into()),
            ("cause", self.cause(asked.cause)),
            ("d_intent", asked.d_intent.into()),
            ("d_decided", asked.d_decided.into()),
        ]
    }

    fn venue_session(&self, session: &VenueSession) -> Fields {
        let name = String::from_utf8_lossy(&session.session);
        vec![
            ("session", name.trim_matches([' ', '\0']).into()),
            ("gateway", self.gateway(session.gateway)),
            ("venue_no", session.venue_no.into()),
            ("venue_seq", session.venue_seq.into()),
            ("t0", session.t0.0.into()),
        ]
    }

    fn captured(&self, mut fields: Fields, bytes: Option<&[u8]>) -> Fields {
        if let Some(bytes) = bytes.filter(|_| self.raw) {
            fields.push(("data", hex(bytes)));
        }
        fields
    }

    fn capture_gap(&self, gap: &CaptureGap) -> Fields {
        vec![("feed", self.feed(gap.feed)), ("feed_seq", gap.feed_seq.into())]
    }

    fn rx_feed(&self, rx: &RxFeed, rest: &[u8]) -> Fields {
        let fields = vec![
            ("feed", self.feed(rx.feed)),
            ("line", codes::line(rx.line)),
            ("t0", rx.t0.0.into()),
            ("feed_seq", rx.feed_seq.into()),
            ("d_read", rx.d_read.into()),
            ("bytes", rx.len.into()),
        ];
        self.captured(fields, usize::try_from(rx.len).ok().and_then(|len| rest.get(..len)))
    }

    fn rx_venue(&self, rx: &RxVenue, rest: &[u8]) -> Fields {
        let fields = vec![
            ("gateway", self.gateway(rx.gateway)),
            ("event", codes::link_event(rx.event)),
            ("t0", rx.t0.0.into()),
            ("venue_seq", rx.venue_seq.into()),
            ("bytes", rx.len.into()),
        ];
        self.captured(fields, usize::try_from(rx.len).ok().and_then(|len| rest.get(..len)))
    }

    fn tx(&self, tx: &Tx, rest: &[u8]) -> Fields {
        let fields = vec![
            ("cl_ord_id", id(tx.cl_ord_id)),
            ("action", codes::kind(tx.action)),
            ("t0", tx.t0.0.into()),
            ("venue_no", tx.venue_no.into()),
            ("d_gateway", tx.d_gateway.into()),
            ("d_encoded", tx.d_encoded.into()),
            ("gateway", self.gateway(tx.gateway)),
            ("bytes", tx.len.into()),
        ];
        self.captured(fields, rest.get(..usize::from(tx.len)))
    }

    fn busy(&self, busy: &Busy) -> Fields {
        let strategy = self.session.strategy(StrategyId(busy.strategy));
        vec![("strategy", strategy.into()), ("ordinal", busy.ordinal.into())]
    }

    fn approved(&self, order: &Approved) -> Fields {
        vec![
            ("cl_ord_id", id(order.cl_ord_id)),
            ("orig_cl_ord_id", id(order.orig_cl_ord_id)),
            ("action", codes::kind(order.action)),
            ("strategy", self.session.strategy(order.cl_ord_id.strategy()).into()),
            ("symbol", self.symbol(order.instrument)),
            ("side", codes::side(order.side)),
            ("qty", qty(order.qty)),
            ("px", px(order.px)),
            ("tif", codes::tif(order.tif)),
            ("ord_type", codes::ord_type(order.ord_type)),
            ("account", self.account(order.account)),
            ("gateway", self.gateway(order.gateway)),
            ("t0", order.t0.0.into()),
            ("cause", self.cause(order.cause)),
            ("d_publish", order.d_publish.into()),
            ("d_begin", order.d_begin.into()),
            ("d_intent", order.d_intent.into()),
            ("d_risk", order.d_risk.into()),
            ("d_decided", order.d_decided.into()),
            ("limit_version", order.limit_version.into()),
            ("parent", id(order.parent)),
            ("leg", if order.parent == ClOrdId::NONE { Value::Null } else { order.leg.into() }),
        ]
    }

    fn denied(&self, order: &Denied) -> Fields {
        vec![
            ("cl_ord_id", id(order.cl_ord_id)),
            ("reason", codes::reason(order.reason)),
            ("measured", codes::measure(order.measured, order.unit)),
            ("limit", codes::measure(order.limit, order.unit)),
            ("unit", codes::unit(order.unit)),
            ("action", codes::kind(order.action)),
            ("strategy", self.session.strategy(order.cl_ord_id.strategy()).into()),
            ("symbol", self.symbol(order.instrument)),
            ("side", codes::side(order.side)),
            ("qty", qty(order.qty)),
            ("px", px(order.px)),
            ("tif", codes::tif(order.tif)),
            ("ord_type", codes::ord_type(order.ord_type)),
            ("account", self.account(order.account)),
            ("gateway", self.gateway(order.gateway)),
            ("t0", order.t0.0.into()),
            ("cause", self.cause(order.cause)),
            ("d_decided", order.d_decided.into()),
            ("limit_version", order.limit_version.into()),
        ]
    }

    fn position(&self, event: &PositionEvent) -> Fields {
        vec![
            ("strategy", self.session.strategy(StrategyId(event.strategy)).into()),
            ("symbol", self.symbol(event.instrument)),
            ("position", qty(event.position)),
            ("cost", codes::money(event.cost)),
            ("realised", codes::money(event.realised)),
            ("fees", codes::money(event.fees)),
            ("last_qty", qty(event.last_qty)),
            ("last_px", px(event.last_px)),
            ("cl_ord_id", id(event.cl_ord_id)),
            ("exec_id", event.exec_id.0.into()),
            ("account", self.account(event.account)),
        ]
    }

    fn scope(&self, kind: u8, scope: u32) -> Value {
        let name = match ScopeKind::from_u8(kind) {
            Some(ScopeKind::Firm) => return "firm".into(),
            Some(ScopeKind::Account) => self.account(u16::try_from(scope).unwrap_or(u16::MAX)),
            Some(ScopeKind::Strategy) => {
                self.session.strategy(StrategyId(u8::try_from(scope).unwrap_or(u8::MAX))).into()
            }
            Some(ScopeKind::Instrument) => self.symbol(InstrumentId(scope)),
            None => return format!("#{kind}:{scope}").into(),
        };
        let kind = ScopeKind::from_u8(kind).map_or("?", ScopeKind::name);
        format!("{kind}:{}", name.as_str().unwrap_or("?")).into()
    }

    fn alarm(&self, alarm: &Alarm) -> Fields {
        vec![
            ("scope", self.scope(alarm.scope, alarm.id)),
            ("reason", codes::reason(alarm.reason)),
            ("set", codes::mode(alarm.set.into())),
            ("tripped", codes::mode(alarm.tripped.into())),
            ("measured", codes::measure(alarm.measured, alarm.unit)),
            ("limit", codes::measure(alarm.limit, alarm.unit)),
            ("unit", codes::unit(alarm.unit)),
            ("closes_gate", (alarm.closes_gate != 0).into()),
        ]
    }

    fn scope_totals(&self, totals: &ScopeTotals) -> Fields {
        let quantity = |words| codes::measure(words, Unit::Qty as u8);
        vec![
            ("scope", self.scope(totals.scope, totals.id)),
            ("set", codes::mode(totals.set.into())),
            ("tripped", codes::mode(totals.tripped.into())),
            ("debits", codes::money(totals.debits)),
            ("peak", codes::money(totals.peak)),
            ("entered_value", codes::money(totals.entered_value)),
            ("entered_qty", quantity(totals.entered_qty)),
            ("traded_value", codes::money(totals.traded_value)),
            ("traded_qty", quantity(totals.traded_qty)),
            ("orders", totals.orders.into()),
            ("trades", totals.trades.into()),
            ("executions", totals.executions.into()),
        ]
    }

    fn recent(&self, recent: &Recent) -> Fields {
        let what = RecentKind::from_u8(recent.what);
        let at = [("what", codes::recent(recent.what)), ("when", recent.at.0.into())];
        let rest = match what {
            Some(RecentKind::Session) => {
                vec![("gateway", self.gateway(recent.id as u8)), ("count", recent.count.into())]
            }
            Some(RecentKind::Fill | RecentKind::Approval) => vec![
                ("account", self.account(recent.account)),
                ("symbol", self.symbol(InstrumentId(recent.id))),
                ("side", codes::side(recent.side)),
                ("px", px(recent.px)),
                ("qty", qty(recent.qty)),
            ],
            _ => {
                vec![("scope", self.scope(recent.scope, recent.id)), ("count", recent.count.into())]
            }
        };
        at.into_iter().chain(rest).collect()
    }

    fn scope_peak(&self, peak: &ScopePeak) -> Fields {
        let at = ScopeTotals { scope: peak.scope, id: peak.id, ..ScopeTotals::default() };
        let scope = self.scope_totals(&at).into_iter().next();
        scope.into_iter().chain([("peak", codes::money(peak.peak))]).collect()
    }

    fn strategy_down(&self, body: &[u8]) -> Option<Fields> {
        let (down, rest) = StrategyDown::split(body)?;
        let cause = DownCause::from_u8(down.cause);
        Some(vec![
            ("strategy", self.session.strategy(StrategyId(down.strategy)).into()),
            ("cause", cause.map_or("?", DownCause::name).into()),
            ("call", down.ordinal.into()),
            ("text", text_of(rest, down.len).unwrap_or("?").into()),
        ])
    }

    fn operator(&self, given: &Operator, rest: &[u8]) -> Fields {
        let words = text_of(rest, given.len).unwrap_or("?");
        let op = CommandOp::from_u8(given.op);
        // The scope of a gate is in the text.
        let symbol = match given.op {
            Operator::KILL..=Operator::GUARD => Value::Null,
            _ => self.symbol(InstrumentId(given.instrument)),
        };
        // A parameter is written there as a person wrote it, beside its bare value.
        let written = words.split_once('=').filter(|_| op == Some(CommandOp::StrategySet));
        let field = OrderField::from_u8(given.param).filter(|_| op == Some(CommandOp::OrderTerm));
        let param = written.map(|(param, _)| param).or(field.map(OrderField::name));
        let value = match op {
            Some(CommandOp::Mode) => codes::mode(given.value & 0xFF),
            Some(
                CommandOp::ClockDrift
                | CommandOp::LimitsSwitch
                | CommandOp::OrderTerm
                | CommandOp::OrderPlace
                | CommandOp::OrderReplace
                | CommandOp::OrderCancel,
            ) => given.value.into(),
            _ => written.map_or(Value::Null, |(_, value)| value.into()),
        };
        vec![
            ("op", codes::operation(given.op)),
            ("strategy", self.session.strategy(StrategyId(given.strategy)).into()),
            ("symbol", symbol),
            ("param", param.map_or(Value::Null, Into::into)),
            ("value", value),
            ("refused", codes::refused(given.refused)),
            ("uid", given.uid.into()),
            ("pid", given.pid.into()),
            ("text", words.into()),
        ]
    }
}

#[cfg(test)]
mod tests;
