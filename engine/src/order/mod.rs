//! Orders: what is asked, what the venue said of it, and the state that follows from both.
//!
//! | module | what |
//! |---|---|
//! | [`state`] | one order (a chain of replaces) and the total function event x order |
//! | [`event`] | what can happen to it |
//! | [`facts`] | which executions and cancels have been counted, so that a repeat counts once |
//! | [`table`] | all orders, found by the slot of their id; ended ones stay findable for a while |
//! | [`list`] | the table's lists: working, in flight, unknown |
//! | [`status`] | the state in the words of FIX |
//! | [`slots`] | the strategy's side: ids handed out from its range of slots |
//!
//! The risk stage alone writes the table. An order is a set of facts (accepted, filled, cancelled,
//! rejected, undone); its base state is computed from the set, so that neither the order in which
//! reports come nor their repetition changes where it ends.
#![forbid(unsafe_code)]

pub mod event;
pub mod facts;
pub mod list;
pub mod past;
pub mod slots;
pub mod state;
pub mod status;
pub mod table;

#[cfg(test)]
mod tests;

pub use event::{Event, Phase, Signs};
pub use slots::SlotPool;
pub use state::Order;
pub use status::{OrdStatus, ord_status};
pub use table::{OrderTable, Place};
