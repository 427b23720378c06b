//! Codes of records as names. A code that says nothing is `null`; one that this build does not know
//! is `#` and its number.

use engine::config::limits::LimitRow;
use engine::order::Order;
use engine::risk::Mode;
use engine::risk::limits::UNBOUNDED;
use gateway::codec::ouch50::{
    BrokenReasonCode, CancelReasonCode, LiquidityCode, RejectReason, RestateReasonCode,
    cancel_reason_text,
};
use serde_json::Value;
use shm::message::{Kind, OrdType, ParentKind, Side, Tif};
use shm::reason::{Reason, Unit};
use shm::record::market::RxVenue;
use shm::record::order::{Base, value_of};
use shm::record::status::{HandOutcome, Operator, Port, SharedWord};
use shm::units::{Notional, Qty};

pub(super) fn text(name: &str) -> Value {
    Value::from(name)
}

/// A name, `null` for a code of 0, or the number of a code that is not known.
fn code(name: Option<&str>, raw: impl Into<u64>) -> Value {
    match (name, raw.into()) {
        (Some(name), _) => text(name),
        (None, 0) => Value::Null,
        (None, raw) => Value::from(format!("#{raw}")),
    }
}

pub(super) fn side(raw: u8) -> Value {
    code(Side::from_u8(raw).map(Side::name), raw)
}

pub(super) fn tif(raw: u8) -> Value {
    code(Tif::from_u8(raw).map(Tif::name), raw)
}

pub(super) fn ord_type(raw: u8) -> Value {
    code(OrdType::from_u8(raw).map(OrdType::name), raw)
}

pub(super) fn parent(raw: u8) -> Value {
    code(ParentKind::from_u8(raw).map(ParentKind::name), raw)
}

pub(super) fn kind(raw: u8) -> Value {
    code(Kind::from_u8(raw).map(Kind::name), raw)
}

pub(super) fn base(raw: u8) -> Value {
    code(Base::from_u8(raw).map(Base::name), raw)
}

pub(super) fn port(raw: u8) -> Value {
    code(Port::from_u8(raw).map(Port::name), raw)
}

pub(super) fn hand(raw: u8) -> Value {
    code(HandOutcome::from_u8(raw).map(HandOutcome::name), raw)
}

pub(super) fn word(raw: u8) -> Value {
    code(SharedWord::from_u8(raw).map(SharedWord::name), raw)
}

pub(super) fn reason(raw: u8) -> Value {
    let known = Reason::from_u8(raw).filter(|reason| *reason != Reason::None);
    code(known.map(Reason::name), raw)
}

pub(super) fn line(raw: u8) -> Value {
    code(["A", "B", "recovery"].get(usize::from(raw)).copied(), raw)
}

pub(super) fn link_event(raw: u8) -> Value {
    let known = match raw {
        RxVenue::BYTES_READ => Some("bytes"),
        RxVenue::OPENED => Some("opened"),
        RxVenue::CLOSED => Some("closed"),
        _ => None,
    };
    code(known, raw)
}

/// Which window of risk.
pub(super) fn recent(raw: u8) -> Value {
    code(shm::record::order::RecentKind::from_u8(raw).map(|kind| kind.name()), raw)
}

/// What time made act: the one timer that every stage has.
pub(super) fn timer(raw: u8) -> Value {
    code((raw == 0).then_some("timer"), raw)
}

/// Why an operator's command was not carried out.
pub(super) fn refused(raw: u8) -> Value {
    code((raw == 1).then_some("BUSY"), raw)
}

pub(super) fn operation(raw: u8) -> Value {
    use shm::message::CommandOp;
    let known = match raw {
        Operator::KILL => Some("KILL"),
        Operator::ARM => Some("ARM"),
        Operator::SELF_TEST => Some("SELF_TEST"),
        Operator::KILLED => Some("KILLED"),
        Operator::GUARD => Some("GUARD"),
        _ => CommandOp::from_u8(raw).map(CommandOp::name),
    };
    code(known, raw)
}

const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Active => "ACTIVE",
        Mode::ReduceOnly => "REDUCE_ONLY",
        Mode::CancelOnly => "CANCEL_ONLY",
        Mode::Halted => "HALTED",
    }
}

pub(super) fn mode(value: i64) -> Value {
    code(Mode::from_value(value).map(mode_name), value.unsigned_abs())
}

/// The venue's reason beside an event of an order; the engine's own where the gateway made it.
pub(crate) fn order_reason(event: u8, raw: u16) -> Value {
    let byte = u8::try_from(raw).unwrap_or(0);
    let known = match Kind::from_u8(event) {
        Some(Kind::GateReject | Kind::SendFailed) => {
            Reason::from_u8(byte).filter(|reason| *reason != Reason::None).map(Reason::name)
        }
        Some(Kind::Rejected | Kind::CancelRejected) => RejectReason(raw.into()).text(),
        Some(Kind::Canceled) => cancel_reason_text(CancelReasonCode(byte)),
        Some(Kind::Broken) => match BrokenReasonCode(byte) {
            BrokenReasonCode::ERRONEOUS => Some("erroneous"),
            BrokenReasonCode::CONSENT => Some("by consent"),
            BrokenReasonCode::SUPERVISORY => Some("supervisory"),
            BrokenReasonCode::EXTERNAL => Some("external"),
            _ => None,
        },
        Some(Kind::Restated) => match RestateReasonCode(byte) {
            RestateReasonCode::REFRESH => Some("display refreshed"),
            RestateReasonCode::DISPLAYED_PX => Some("displayed price changed"),
            _ => None,
        },
        Some(Kind::SessionUp) => (raw == 1).then_some("new session"),
        _ => None,
    };
    code(known, raw)
}

/// What a fill did to the venue's book.
pub(super) fn liquidity(raw: u8) -> Value {
    let known = match LiquidityCode(raw) {
        LiquidityCode::ADDED => Some("added"),
        LiquidityCode::REMOVED => Some("removed"),
        LiquidityCode::ADDED_HIDDEN => Some("added, hidden"),
        LiquidityCode::ADDED_MID => Some("added at the midpoint"),
        LiquidityCode::REMOVED_MID => Some("removed at the midpoint"),
        LiquidityCode::OPENING => Some("opening cross"),
        LiquidityCode::OPENING_IMBALANCE => Some("opening cross, imbalance"),
        LiquidityCode::CLOSING => Some("closing cross"),
        LiquidityCode::CLOSING_IMBALANCE => Some("closing cross, imbalance"),
        LiquidityCode::HALT => Some("halt cross"),
        LiquidityCode::HALT_OTHER => Some("halt cross, other"),
        LiquidityCode::AFTER_HOURS => Some("after-hours cross"),
        LiquidityCode::PASSIVE_MID => Some("passive at the midpoint"),
        LiquidityCode::EXTENDED_LIFE => Some("midpoint extended life"),
        LiquidityCode::ADDED_RESERVE => Some("added, reserve"),
        LiquidityCode::SUPPLEMENTAL => Some("supplemental"),
        LiquidityCode::SET_NBBO => Some("added, set the national best"),
        LiquidityCode::SET_QBBO => Some("added, set the venue's best"),
        _ => None,
    };
    code(known, raw)
}

/// Names of set bits; bits without a name follow as a number. `null` when none is set.
pub(super) fn bits(raw: u64, names: &[(u64, &str)]) -> Value {
    let set = names.iter().filter(|(bit, _)| raw & bit != 0).map(|(_, name)| (*name).to_owned());
    let unnamed = raw & !names.iter().fold(0, |all, (bit, _)| all | bit);
    let rest = (unnamed != 0).then(|| format!("#{unnamed}"));
    let all: Vec<String> = set.chain(rest).collect();
    if all.is_empty() { Value::Null } else { all.join("|").into() }
}

/// What is known of an order, as carried over.
pub(super) fn facts(raw: u16) -> Value {
    let names = [
        (u64::from(Order::ACKED), "ACKED"),
        (u64::from(Order::DEAD), "DEAD"),
        (u64::from(Order::REJECTED), "REJECTED"),
        (u64::from(Order::NEVER_SENT), "NEVER_SENT"),
        (u64::from(Order::UNSURE), "UNSURE"),
        (u64::from(Order::CANCEL_ASKED), "CANCEL_ASKED"),
        (u64::from(Order::COUNTED), "COUNTED"),
        (u64::from(Order::EXPIRED), "EXPIRED"),
        (u64::from(Order::ABSENT), "ABSENT"),
        (u64::from(Order::TOLD), "TOLD"),
        (u64::from(Order::CANCEL_PENDING), "CANCEL_PENDING"),
        (u64::from(Order::REPLACE_PENDING), "REPLACE_PENDING"),
        (u64::from(Order::DATED), "DATED"),
    ];
    bits(raw.into(), &names)
}

/// A unit by name; `null` where nothing was measured.
pub(super) fn unit(raw: u8) -> Value {
    let known = Unit::from_u8(raw).filter(|unit| *unit != Unit::None);
    code(known.map(Unit::name), raw)
}

/// A measured value or a limit: prices, quantities and money as decimals, so that nothing is
/// rounded; numbers as far as a JSON number holds them.
pub(crate) fn measure(words: [u64; 2], unit: u8) -> Value {
    /// 1e-17, the unit of money, from 1e-9, that of prices.
    const MONEY_OF_PRICE: i128 = 100_000_000;
    let value = value_of(words);
    let whole = || i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from);
    match Unit::from_u8(unit) {
        Some(Unit::None) if value == 0 => Value::Null,
        Some(_) if value == UNBOUNDED => text("unlimited"),
        Some(Unit::Price) => value
            .checked_mul(MONEY_OF_PRICE)
            .map_or_else(whole, |value| Notional(value).to_string().into()),
        Some(Unit::Qty) => {
            i64::try_from(value).map_or_else(|_| whole(), |qty| Qty(qty).to_string().into())
        }
        Some(Unit::Money) => Notional(value).to_string().into(),
        Some(Unit::Mode) => i64::try_from(value).map_or_else(|_| whole(), mode),
        Some(Unit::Limits) => {
            let keys = LimitRow::mandatory().into_iter().enumerate();
            let names: Vec<(u64, &str)> = keys.map(|(at, key)| (1 << at, key)).collect();
            bits(u64::try_from(value).unwrap_or(u64::MAX), &names)
        }
        Some(Unit::None | Unit::Count | Unit::Nanos | Unit::Bps) | None => whole(),
    }
}

pub(super) fn money(words: [u64; 2]) -> Value {
    Notional(value_of(words)).to_string().into()
}
