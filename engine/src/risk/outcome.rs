//! What goes into a decision besides the state of risk, and what comes out.

use shm::message::{self, OrderUpdate};
use shm::reason::Reason;
use shm::record::order as record;
use shm::units::Nanos;

use crate::order::Signs;

/// Trading mode of the engine (R02).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mode {
    /// Orders pass if the other rules let them.
    Active = 1,
    /// Only what reduces a position (R39).
    ReduceOnly = 2,
    /// Only cancels.
    CancelOnly = 3,
    /// Only cancels; nothing is armed.
    #[default]
    Halted = 4,
}

impl Mode {
    /// As a person reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ReduceOnly => "reduce only",
            Self::CancelOnly => "cancel only",
            Self::Halted => "halted",
        }
    }

    /// The mode of a command's value.
    #[must_use]
    pub const fn from_value(value: i64) -> Option<Self> {
        match value {
            1 => Some(Self::Active),
            2 => Some(Self::ReduceOnly),
            3 => Some(Self::CancelOnly),
            4 => Some(Self::Halted),
            _ => None,
        }
    }
}

/// What a decision depends on besides the state of risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The engine's clock.
    pub now: Nanos,
    /// Every kill gate that concerns the intent is open (R01).
    pub gates_open: bool,
    /// R02.
    pub mode: Mode,
    /// The journal is writable and not too far behind (R04).
    pub journal_ok: bool,
}

/// What became of an intent: the record to append, then the message to push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new order or a replace passed and is reserved. `message.lane_seq` is 0: the stage sets it
    /// to where the record lies.
    Approve {
        /// For the journal.
        record: record::Approved,
        /// For the gateway.
        message: message::Approved,
    },
    /// A cancel is passed on. `message.lane_seq` as above.
    Cancel {
        /// For the journal.
        record: record::CancelAsked,
        /// For the gateway.
        message: message::Approved,
    },
    /// Refused.
    Deny {
        /// For the journal.
        record: record::Denied,
        /// For the strategy.
        message: message::RiskReject,
    },
}

/// What a report changed: records to append, in this order, then the message to push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// For the journal, always.
    pub event: record::OrderEvent,
    /// For the journal, when a position changed.
    pub position: Option<record::PositionEvent>,
    /// For the order's strategy, when something changed; its strategy is in `cl_ord_id`.
    pub update: Option<OrderUpdate>,
    /// What deserves attention.
    pub signs: Signs,
    /// The order is not known: external (E23).
    pub external: bool,
    /// The session came up or went down.
    pub session: Option<bool>,
}

/// Decisions by outcome.
#[derive(Clone, Debug)]
pub struct Counters {
    pub(super) refused: [u64; 256],
    /// New orders approved.
    pub approved_new: u64,
    /// Replaces approved.
    pub approved_replace: u64,
    /// Cancels passed on.
    pub cancels: u64,
    /// Reports of orders that are not known (E23).
    pub external: u64,
    /// Reports that had been counted before.
    pub repeats: u64,
    /// Reports that contradict others, or the order: each holds its instrument.
    pub contradictions: u64,
    /// Reports of exposure that nobody asked for: each lets its instrument only be reduced.
    pub exposures: u64,
    /// Positions that were another at the venue (C8).
    pub adjustments: u64,
    /// Orders that the venue did not answer in time (E24).
    pub overdue: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            refused: [0; 256],
            approved_new: 0,
            approved_replace: 0,
            cancels: 0,
            external: 0,
            repeats: 0,
            contradictions: 0,
            exposures: 0,
            adjustments: 0,
            overdue: 0,
        }
    }
}

impl Counters {
    /// How often a rule refused.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused.get(reason as usize).copied().unwrap_or(0)
    }
}
