//! The matching engine: price-time priority over books in venue units.
//!
//! Sans-I/O. One [`Market`] holds every symbol's book; each operation pushes what the tape shows
//! ([`MarketEvent`], one ITCH message each) and what the owner of an order hears ([`Report`]) into
//! an [`Output`], in the order in which they happened.
//!
//! Units: prices are `price4` (`u32`, 1e-4 of the currency), quantities whole shares (`u32`).

mod book;
mod event;
mod market;
mod order;
mod recorded;
#[cfg(test)]
mod tests;

pub use book::{Book, LevelView};
pub use event::{CancelReason, EventKind, Liquidity, MarketEvent, Output, Report, ReportKind};
pub use market::{Market, SelfMatch};
pub use order::{NewOrder, Order, Owner, Side, SideRule, Special, Tif};
