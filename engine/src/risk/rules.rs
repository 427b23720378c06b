//! The rules by id, in the order of their checks.

use shm::reason::Reason;

/// A rule of section 2 of the risk specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Number of the rule: 23 is R23.
    pub id: u8,
    /// What it refuses with.
    pub reason: Reason,
}

const fn rule(reason: Reason) -> Rule {
    Rule { id: reason as u8, reason }
}

/// Every rule, in checking order. R24 is asked before R23 compares with what it finds. R47 is
/// checked by the gateway (see [`super::approval`]).
pub const RULES: [Rule; 38] = [
    rule(Reason::Killed),
    rule(Reason::Mode),
    rule(Reason::Session),
    rule(Reason::Journal),
    rule(Reason::NoLimit),
    rule(Reason::NotPermitted),
    rule(Reason::Unresolved),
    rule(Reason::Clock),
    rule(Reason::Instrument),
    rule(Reason::Restricted),
    rule(Reason::Unsupported),
    rule(Reason::BadPrice),
    rule(Reason::BadQty),
    rule(Reason::Expired),
    rule(Reason::DupId),
    rule(Reason::OrderQty),
    rule(Reason::OrderValue),
    rule(Reason::OrderValueMin),
    rule(Reason::Collar),
    rule(Reason::NoReference),
    rule(Reason::VolumeShare),
    rule(Reason::CollarWindow),
    rule(Reason::Position),
    rule(Reason::OpenOrders),
    rule(Reason::Gross),
    rule(Reason::Net),
    rule(Reason::Funds),
    rule(Reason::Daily),
    rule(Reason::Loss),
    rule(Reason::ReduceOnly),
    rule(Reason::Rate),
    rule(Reason::RateStrategy),
    rule(Reason::OrderToTrade),
    rule(Reason::Duplicate),
    rule(Reason::Repeated),
    rule(Reason::SelfTrade),
    rule(Reason::Breaker),
    rule(Reason::Unapproved),
];
