//! Order entry: OUCH 5.0 over SoupBinTCP, for several users.
//!
//! ```text
//! connection ─► SoupBinTCP server ─► Desk: user's numbers, checks ─► Market ─► reports
//!      ▲                                                                         │
//!      └────── the user's stored stream, from where the client stands ◄──────────┘
//! ```
//!
//! A user's stream and orders live as long as the exchange: a client that comes back logs in with
//! the number it wants next and hears everything from there.

mod account;
mod checks;
mod desk;
mod mischief;
mod order;
mod reply;
mod server;
#[cfg(test)]
mod tests;

pub use account::{Account, AccountCounts, Position};
pub use desk::{Desk, DeskOptions, Venue};
pub use order::ClientOrder;
pub use server::{OuchServer, OuchTurn, Settle};
