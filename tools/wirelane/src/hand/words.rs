//! Refusals and states of orders by hand, as sentences.

use crate::journal::codes;
use crate::place::Place;
use crate::session::Session;
use engine::config::limits::Scope;
use engine::replay::LimitsOf;
use engine::risk::sense::Fault;
use serde_json::Value;
use shm::message::{CommandOp, Kind, ParentKind};
use shm::reason::{Reason, Unit};
use shm::record::order::{Base, Denied, OrderEvent, value_of};
use shm::record::parent::Parent;
use shm::record::status::HandOrder;

/// Names of the session, and where its limits are.
pub(super) struct Words<'a> {
    place: &'a Place,
    session: &'a Session,
}

impl<'a> Words<'a> {
    /// Of a session.
    pub(super) const fn new(place: &'a Place, session: &'a Session) -> Self {
        Self { place, session }
    }

    /// What an operator calls the order of a command, and the command.
    #[expect(clippy::unused_self, reason = "all words are found here")]
    pub(super) fn name(&self, hand: &HandOrder) -> String {
        let order = match hand.number {
            0 => format!("order {}", hand.cl_ord_id),
            number => format!("order {number} ({})", hand.cl_ord_id),
        };
        match CommandOp::from_u8(hand.op) {
            Some(CommandOp::OrderReplace) => format!("replace of {order}"),
            Some(CommandOp::OrderCancel) => format!("cancel of {order}"),
            _ => order,
        }
    }

    /// Why risk refused: the rule's code, what it measured, the limit, and whose it is.
    pub(super) fn refusal(&self, denied: &Denied) -> String {
        let Some(reason) = Reason::from_u8(denied.reason) else {
            return format!("risk refused it with code {}", denied.reason);
        };
        let mut text = format!("risk refused it: {}: {}", code(reason), what(reason));
        if let Some(fault) = senseless(denied) {
            return format!("risk refused it: {}: {}", code(reason), fault.text());
        }
        let has_numbers = Unit::from_u8(denied.unit).is_some_and(|unit| unit != Unit::None);
        if has_numbers {
            let measured = shown(codes::measure(denied.measured, denied.unit));
            let limit = shown(codes::measure(denied.limit, denied.unit));
            let unit = match Unit::from_u8(denied.unit) {
                Some(Unit::Nanos) => " ns",
                Some(Unit::Bps) => " hundredths of a percent",
                _ => "",
            };
            text += &format!(": {measured}{unit}, the limit is {limit}{unit}");
        }
        let whose = self.whose(denied);
        if !whose.is_empty() {
            text += &format!(" ({})", whose.join("; "));
        }
        text
    }

    /// The limits that refused: `order.qty_max of firm`. Nothing where the journal does not tell.
    fn whose(&self, denied: &Denied) -> Vec<String> {
        let Ok(limits) = LimitsOf::read(self.place.dir()) else { return Vec::new() };
        let each = limits.by(denied).into_iter();
        each.map(|(key, scope)| format!("{key} of {}", self.scope(scope))).collect()
    }

    fn scope(&self, scope: Scope) -> String {
        match scope {
            Scope::Firm => "the firm".to_owned(),
            Scope::Account(id) => format!("account:{}", self.session.account(id.0)),
            Scope::Strategy(id) => format!("strategy:{}", self.session.strategy(id)),
            Scope::Instrument(id) => format!("instrument:{}", self.session.symbol(id)),
        }
    }

    /// Why gateway or venue refused.
    #[expect(clippy::unused_self, reason = "all words are found here")]
    pub(super) fn rejected(&self, event: &OrderEvent) -> String {
        let reason = shown(codes::order_reason(event.event, event.reason));
        match Kind::from_u8(event.event) {
            Some(Kind::GateReject) => format!("the gateway did not send it: {reason}"),
            Some(Kind::CancelRejected) => format!("the venue will not cancel it: {reason}"),
            _ => format!("the venue refused it: {reason}"),
        }
    }

    /// How an order stands after a report.
    #[expect(clippy::unused_self, reason = "all words are found here")]
    pub(super) fn state(&self, event: &OrderEvent) -> String {
        let base = Base::from_u8(event.base).map_or("?", Base::name);
        let mut text = format!("{base}, {} of {} filled", event.cum_qty, event.qty);
        if event.leaves_qty.0 > 0 {
            text += &format!(", {} works", event.leaves_qty);
            if event.px.is_some() {
                text += &format!(" at {}", event.px);
            }
        }
        if event.event == Kind::Canceled as u8 && event.reason != 0 {
            let reason = shown(codes::order_reason(event.event, event.reason));
            text += &format!(" ({reason})");
        }
        text
    }

    /// What a parent is.
    #[expect(clippy::unused_self, reason = "all words are found here")]
    pub(super) fn parent_kind(&self, parent: &Parent) -> &'static str {
        ParentKind::from_u8(parent.parent).map_or("parent", ParentKind::name)
    }

    /// How a parent ended.
    pub(super) fn parent_end(&self, parent: &Parent) -> String {
        let kind = self.parent_kind(parent);
        let filled: Vec<String> =
            parent.filled.iter().filter(|qty| qty.0 != 0).map(ToString::to_string).collect();
        let filled = if filled.is_empty() { "0".to_owned() } else { filled.join("/") };
        let why = match Reason::from_u8(parent.reason) {
            None | Some(Reason::None) => String::new(),
            Some(reason) => format!(": {}: {}", code(reason), what(reason)),
        };
        format!("{kind} is over, filled {filled}{why}")
    }
}

/// Why gateway or venue ended it, where a report says so.
pub(super) fn event_reason(event: &OrderEvent) -> Option<String> {
    match codes::order_reason(event.event, event.reason) {
        Value::Null => None,
        reason => Some(shown(reason)),
    }
}

/// What makes a parent no order, where that is why risk refused it.
pub(super) fn senseless(denied: &Denied) -> Option<Fault> {
    let is_parent = denied.action == Kind::IntentParent as u8;
    let is_senseless = is_parent && denied.reason == Reason::Unsupported as u8;
    Fault::from_number(value_of(denied.measured)).filter(|_| is_senseless)
}

/// A reason as code and rule: `ORDER_QTY (R20)`.
pub(super) fn code(reason: Reason) -> String {
    match reason as u8 {
        id @ 1..=47 => format!("{} (R{id:02})", reason.name()),
        _ => reason.name().to_owned(),
    }
}

/// A value of the journal without quotes.
fn shown(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => "no reason given".to_owned(),
        other => other.to_string(),
    }
}

/// What a reason says.
pub(super) const fn what(reason: Reason) -> &'static str {
    match reason {
        Reason::None => "nothing wrong",
        Reason::Killed => "a kill gate is closed",
        Reason::Mode => "the trading mode does not allow it",
        Reason::Session => "the venue session is not up",
        Reason::Journal => "the journal cannot be written",
        Reason::NoLimit => "no limit set, or a mandatory limit is missing",
        Reason::NotPermitted => "the strategy may not trade this instrument",
        Reason::Unresolved => "too many orders of unknown outcome, or one for too long",
        Reason::Clock => "the clock went back, or drifts",
        Reason::Instrument => "the instrument is halted, held, or its session is closed",
        Reason::Restricted => "restricted, or a sale beyond what is located",
        Reason::Unsupported => "a type, time in force or term that it cannot have",
        Reason::BadPrice => "price off tick or out of range",
        Reason::BadQty => "quantity off lot or out of range",
        Reason::Expired => "it expires in the past, or its time was over",
        Reason::DupId => "its id was used before",
        Reason::OrderQty => "quantity of one order",
        Reason::OrderValue => "value of one order",
        Reason::OrderValueMin => "value of one order is too small",
        Reason::Collar => "price too far from the reference",
        Reason::NoReference => "no usable reference price",
        Reason::VolumeShare => "share of the volume",
        Reason::CollarWindow => "price too far from what was paid of late",
        Reason::Position => "position with every working order filled",
        Reason::OpenOrders => "working quantity, value or number",
        Reason::Gross => "gross exposure",
        Reason::Net => "net exposure",
        Reason::Funds => "funds that it would tie up",
        Reason::Daily => "entered or traded of the day",
        Reason::Loss => "loss or drawdown",
        Reason::ReduceOnly => "only reductions are allowed",
        Reason::Rate => "message rate of the venue session",
        Reason::RateStrategy => "rate of orders",
        Reason::OrderToTrade => "orders per trade",
        Reason::Duplicate => "equal orders in the window",
        Reason::Repeated => "executions since arming",
        Reason::SelfTrade => "it would meet an own resting order",
        Reason::Breaker => "a breaker has tripped",
        Reason::Unapproved => "beyond what its parent may have",
        Reason::Overflow => "a sum leaves its range",
        Reason::Busy => "a ring on the way is full; ask again",
        Reason::TooOld => "it waited too long before its send",
        Reason::UnknownOrder => "the order is unknown, has ended, or is already being replaced",
        Reason::TableFull => "the order table is full",
        Reason::Venue => "the venue refused it or took it away",
        Reason::SendFailed => "the socket failed during the send",
    }
}
