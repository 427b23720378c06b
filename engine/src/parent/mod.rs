//! Parent orders: stop, stop limit, trailing stop, OCO, bracket, iceberg, TWAP, on top of what a
//! venue has itself. They live on the thread of the strategy that asked for them and see what it
//! sees, so that a replay drives them as it drives the strategy.
//!
//! ```text
//! desk.stop(..) ─► Ask ─► risk: ParentApproved ─► Parents: a row, armed
//! BookTop, Trade, time ─► wants(row): what each leg should have at the venue now
//!                            │ latched? ─► ParentState in the journal, then
//!                            └─► reconcile: enter, replace or cancel the leg's one child ─► risk
//! OrderUpdate, RiskReject of a child ─► leg: filled, free, refused
//! nothing wanted, nothing out ─► IntentParentEnd ─► risk: ParentDone
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`ask`] | what is asked for, in a strategy writer's terms |
//! | [`quote`] | the market as far as triggers look at it |
//! | [`wants`] | per type: what each leg should have at the venue, a function of the row, market, time |
//! | [`leg`] | one leg: its one child, what it has filled |
//! | [`row`] | one parent at work |
//! | [`slice`](mod@slice) | the orders of one slice of a TWAP |
//! | [`book`] | the parents of a strategy: events in, children out |
//!
//! A machine only ever says what it **wants**; how to get there from what is out is one routine for
//! all types, so that partial fills, refused replaces, cancel races and restarts have one answer.
//! That children stay within their parent is not trusted to it: risk bounds them (R47).
#![forbid(unsafe_code)]

pub mod ask;
pub mod book;
pub mod leg;
pub mod quote;
pub mod row;
pub mod slice;
pub mod wants;

pub use ask::{Ask, OcoLeg, Offset};
pub use book::{Carried, CarriedChild, Parents};
pub use row::ParentEvent;

#[cfg(test)]
mod tests;
