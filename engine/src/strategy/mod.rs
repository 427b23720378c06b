//! Strategies: what decides. A strategy is called with one market event or one update of its own
//! orders at a time, and acts through its [`Desk`]; it reads no clock, no socket, no random number
//! and no other thread's memory, so that a replay of its inputs gives its outputs.

pub mod desk;
pub mod drill;
pub mod exec;
pub mod maker;
pub mod probe;
pub mod registry;
pub mod taker;
mod working;

pub use desk::{Busy, Desk, Order, Terms};
pub use registry::{Built, build};

use crate::config::params::Params;
use crate::parent::ParentEvent;
use shm::ids::ClOrdId;
use shm::message::{BookTop, Command, FeedStatus, OrderUpdate, RiskReject, Trade};
use shm::record::status::HandOutcome;

/// What became of an order, replace or cancel by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The order or parent; of a replace the id that was asked for.
    pub id: ClOrdId,
    /// What was made of it.
    pub outcome: HandOutcome,
    /// What makes it no order, 0 if nothing does.
    pub fault: u8,
}

impl Answer {
    /// Nothing was asked.
    #[must_use]
    pub const fn no(outcome: HandOutcome) -> Self {
        Self { id: ClOrdId::NONE, outcome, fault: 0 }
    }

    /// Something was asked under an id.
    #[must_use]
    pub const fn asked(id: ClOrdId) -> Self {
        Self { id, outcome: HandOutcome::Asked, fault: 0 }
    }
}

/// What decides. Called on one thread; never concurrently.
pub trait Strategy: Send {
    /// Takes its parameters anew; those of another kind are not for it.
    fn configure(&mut self, params: &Params);

    /// A best bid or ask changed in one of the strategy's instruments.
    fn on_top(&mut self, top: &BookTop, desk: &mut Desk<'_>);

    /// A print in one of the strategy's instruments.
    fn on_trade(&mut self, _trade: &Trade, _desk: &mut Desk<'_>) {}

    /// A feed changed its state.
    fn on_feed_status(&mut self, _status: &FeedStatus, _desk: &mut Desk<'_>) {}

    /// One of its orders changed its state.
    fn on_update(&mut self, update: &OrderUpdate, desk: &mut Desk<'_>);

    /// One of its parents, or a child of one, changed.
    fn on_parent(&mut self, _event: &ParentEvent, _desk: &mut Desk<'_>) {}

    /// The operator wants something of it by hand; only kind `exec` is given such commands. What
    /// became of it, of a command that asks for something.
    fn on_command(&mut self, _command: &Command, _desk: &mut Desk<'_>) -> Option<Answer> {
        None
    }

    /// Risk refused what it asked.
    fn on_reject(&mut self, reject: &RiskReject, desk: &mut Desk<'_>);
}

#[cfg(test)]
mod tests;
