//! Refusals and states of orders by hand, as sentences.

use crate::journal::codes;
use crate::place::Place;
use crate::session::Session;
use engine::config::limits::Scope;
use engine::replay::LimitsOf;
use engine::risk::sense::Fault;
use serde_json::Value;
use shm::ids::ClOrdId;
use shm::message::{CommandOp, Kind, ParentKind, parent_flags};
use shm::reason::{Reason, Unit};
use shm::record::order::{Base, Denied, OrderEvent, value_of};
use shm::record::parent::Parent;
use shm::record::status::HandOrder;
use shm::units::Price;

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
    pub(super) fn name(&self, hand: &HandOrder) -> String {
        self.name_now(hand, hand.cl_ord_id)
    }

    /// The same with the id that the order has by now: each replace gives it another.
    #[expect(clippy::unused_self, reason = "all words are found here")]
    pub(super) fn name_now(&self, hand: &HandOrder, id: ClOrdId) -> String {
        let order = match hand.number {
            0 => format!("order {id}"),
            number => format!("order {number} ({id})"),
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
        text += &numbers(denied);
        let whose = self.whose(denied);
        if !whose.is_empty() {
            text += &format!(" ({})", whose.join("; "));
        }
        if let Some(next) = next(reason) {
            text += &format!("; {next}");
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
        let reason = match codes::order_reason(event.event, event.reason) {
            // The gateway gives no reason of its own where the cancel overtook what it had to send.
            Value::Null if event.event == Kind::GateReject as u8 => {
                "the order's cancel came before it".to_owned()
            }
            reason => shown(reason),
        };
        match Kind::from_u8(event.event) {
            Some(Kind::GateReject) => format!("the gateway did not send it: {reason}"),
            Some(Kind::CancelRejected) => format!("the venue will not cancel it: {reason}"),
            _ => format!("the venue refused it: {reason}"),
        }
    }

    /// How an order stands after a report; `average` is what its fills were at, where all of them
    /// are known.
    #[expect(clippy::unused_self, reason = "all words are found here")]
    pub(super) fn state(&self, event: &OrderEvent, average: Option<Price>) -> String {
        let base = Base::from_u8(event.base).map_or("?", Base::name);
        let mut text = format!("{base}, {} of {} filled", event.cum_qty, event.qty);
        if let Some(px) = average {
            text += &format!(" at {px} on average");
        }
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

    /// How a parent ended that a person has cancelled.
    pub(super) fn parent_cancelled(&self, parent: &Parent) -> String {
        let by_hand = matches!(Reason::from_u8(parent.reason), None | Some(Reason::None));
        if !by_hand || parent.filled.iter().any(|filled| filled.0 != 0 && *filled >= parent.qty) {
            return self.parent_end(parent, None);
        }
        format!("{} cancelled, filled {}", self.parent_kind(parent), filled_of(parent))
    }

    /// How a parent ended; why it did not, where `told` of it was said before.
    pub(super) fn parent_end(&self, parent: &Parent, told: Option<Reason>) -> String {
        let kind = self.parent_kind(parent);
        let filled = filled_of(parent);
        let why = match Reason::from_u8(parent.reason) {
            None | Some(Reason::None) => String::new(),
            _ if parent.flags & parent_flags::SWEPT != 0 => {
                ": taken back with all orders of its scope".to_owned()
            }
            reason if reason == told => String::new(),
            Some(Reason::Expired) if parent.parent == ParentKind::Twap as u8 => {
                format!(": {TWAP_OVER}")
            }
            Some(reason) => format!(": {}: {}", code(reason), what(reason)),
        };
        format!("{kind} is over, filled {filled}{why}")
    }
}

/// What each leg of a parent has filled.
fn filled_of(parent: &Parent) -> String {
    let legs = parent.filled.iter().filter(|qty| qty.0 != 0);
    let legs: Vec<String> = legs.map(ToString::to_string).collect();
    if legs.is_empty() { "0".to_owned() } else { legs.join("/") }
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

/// Why a TWAP is over that has filled less than it was to.
pub(super) const TWAP_OVER: &str =
    "its last slice is done, which begins one slice before the end; the rest was not filled";

/// What a refusal measured, and its limit: `: 2.01, the limit is 1.00`; nothing where the rule has
/// no numbers.
pub(super) fn numbers(denied: &Denied) -> String {
    if Unit::from_u8(denied.unit).is_none_or(|unit| unit == Unit::None) {
        return String::new();
    }
    let measured = shown(codes::measure(denied.measured, denied.unit));
    let limit = shown(codes::measure(denied.limit, denied.unit));
    match (Reason::from_u8(denied.reason), Unit::from_u8(denied.unit)) {
        (Some(Reason::BadPrice), _) => format!(
            ": {measured} against {limit}, which is the instrument's tick, least or greatest price"
        ),
        (Some(Reason::BadQty), _) => format!(
            ": {measured} against {limit}, which is the instrument's lot, least or greatest quantity"
        ),
        (Some(Reason::SelfTrade), _) => {
            format!(": at {measured}, and an own order rests at {limit}")
        }
        (_, Some(Unit::Nanos)) => format!(": {measured} ns, the limit is {limit} ns"),
        (_, Some(Unit::Bps)) => {
            let unit = "hundredths of a percent";
            format!(": {measured} {unit}, the limit is {limit} {unit}")
        }
        _ => format!(": {measured}, the limit is {limit}"),
    }
}

/// Where to look, or what to do, where the rule's own words do not say it.
const fn next(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Killed => Some(
            "`wirelane status` names the gate, `wirelane arm --scope SCOPE --reason WHY` opens it",
        ),
        Reason::NoReference => Some(
            "the feed is not live or still catching up, the book is stale or crossed, or nothing was \
             quoted, traded or closed yet: `wirelane status` and `wirelane top` show which",
        ),
        Reason::SelfTrade => Some("`wirelane order list` shows what rests"),
        Reason::BadPrice | Reason::BadQty => Some("the instrument file has them"),
        _ => None,
    }
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
