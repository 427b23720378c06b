//! The rules by id, in the order of their checks.

use shm::reason::Reason;

/// A rule of section 2 of the risk specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Number of the rule: 23 is R23.
    pub id: u8,
    /// What it refuses with.
    pub reason: Reason,
    /// Whether it is checked; the others have their place in the order and wait for their inputs.
    pub is_checked: bool,
}

const fn rule(reason: Reason, is_checked: bool) -> Rule {
    Rule { id: reason as u8, reason, is_checked }
}

/// Every rule, in checking order. R47 is checked by the gateway (see [`super::approval`]).
pub const RULES: [Rule; 39] = [
    rule(Reason::Killed, true),
    rule(Reason::Mode, true),
    rule(Reason::Session, true),
    rule(Reason::Journal, true),
    rule(Reason::NoLimit, true),
    rule(Reason::NotPermitted, true),
    rule(Reason::Unresolved, false),
    rule(Reason::Clock, false),
    rule(Reason::Instrument, true),
    rule(Reason::Restricted, false),
    rule(Reason::Unsupported, false),
    rule(Reason::BadPrice, true),
    rule(Reason::BadQty, true),
    rule(Reason::Expired, false),
    rule(Reason::DupId, true),
    rule(Reason::OrderQty, true),
    rule(Reason::OrderValue, true),
    rule(Reason::OrderValueMin, true),
    rule(Reason::Collar, true),
    rule(Reason::NoReference, true),
    rule(Reason::VolumeShare, false),
    rule(Reason::CollarWindow, false),
    rule(Reason::Position, true),
    rule(Reason::OpenOrders, true),
    rule(Reason::Gross, false),
    rule(Reason::Net, false),
    rule(Reason::Funds, false),
    rule(Reason::Daily, false),
    rule(Reason::Loss, false),
    rule(Reason::ReduceOnly, false),
    rule(Reason::Rate, true),
    rule(Reason::RateStrategy, false),
    rule(Reason::OrderToTrade, false),
    rule(Reason::Duplicate, true),
    rule(Reason::Repeated, false),
    rule(Reason::SelfTrade, false),
    rule(Reason::Breaker, false),
    rule(Reason::Unapproved, true),
    rule(Reason::Overflow, true),
];
