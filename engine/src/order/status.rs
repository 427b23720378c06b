//! The state of an order in the words of FIX: of all that is true at once the highest is shown.
//!
//! Source: FIX 4.4 and 5.0 SP2, volume 4 and Appendix D, precedence of OrdStatus values.

use super::event::Phase;
use super::state::Order;
use shm::record::order::Base;

/// OrdStatus (tag 39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OrdStatus {
    /// 0.
    New = b'0',
    /// 1.
    PartiallyFilled = b'1',
    /// 2.
    Filled = b'2',
    /// 3.
    DoneForDay = b'3',
    /// 4.
    Canceled = b'4',
    /// 6.
    PendingCancel = b'6',
    /// 7.
    Stopped = b'7',
    /// 8.
    Rejected = b'8',
    /// 9.
    Suspended = b'9',
    /// A.
    PendingNew = b'A',
    /// C.
    Expired = b'C',
    /// E.
    PendingReplace = b'E',
}

/// What is shown of an order. A request of ours counts as pending once the venue has said so;
/// until then [`Order::pending`] tells of it. An order whose outcome is not known shows what was
/// last known, and `PendingNew` where nothing was; one that was filled and then undone, and does
/// not work again, shows as canceled.
#[must_use]
pub const fn ord_status(order: &Order) -> OrdStatus {
    let ended = order.is(Order::DEAD | Order::EXPIRED);
    if order.is(Order::CANCEL_PENDING) && !ended {
        return OrdStatus::PendingCancel;
    }
    if order.is(Order::REPLACE_PENDING) && order.replace.id.0 != 0 && !ended {
        return OrdStatus::PendingReplace;
    }
    let phase = order.phase_in_force();
    if matches!(phase, Phase::DoneForDay) {
        return OrdStatus::DoneForDay;
    }
    match order.base() {
        Base::Filled => OrdStatus::Filled,
        Base::Canceled | Base::Voided => OrdStatus::Canceled,
        Base::Expired => OrdStatus::Expired,
        Base::Denied | Base::Rejected => OrdStatus::Rejected,
        Base::Stopped => OrdStatus::Stopped,
        Base::Suspended => OrdStatus::Suspended,
        Base::DoneForDay => OrdStatus::DoneForDay,
        Base::PartiallyFilled => OrdStatus::PartiallyFilled,
        Base::New => OrdStatus::New,
        Base::Approved | Base::PendingNew => OrdStatus::PendingNew,
        Base::Unknown if order.cum_qty.0 > 0 => OrdStatus::PartiallyFilled,
        Base::Unknown if order.is(Order::ACKED) => OrdStatus::New,
        Base::Unknown => OrdStatus::PendingNew,
    }
}
