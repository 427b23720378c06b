//! The OUCH venue: approved orders to packets, venue messages to execution reports.
//!
//! ```text
//! Approved ─► Ouch::encode ─► WireTable (number) ─► template ─► codec ─► framed packet in `out`
//! packet payload ─► Ouch::on_message ─► codec ─► WireTable (id) ─► VenueEvent::Report(ExecReport)
//! ```
//!
//! Encoding writes whole SoupBinTCP packets, ready for the journal and the socket.

mod external;
mod report;
mod request;
mod template;

pub use report::VenueEvent;
pub use request::{Encoded, OuchConfig, write_cancels};

use crate::codec::ouch50::{AppendageBuf, DisplayCode, EnterOrder, ReplaceOrder};
use crate::wire_table::WireTable;
use shm::ids::Symbol;
use template::Template;

/// One OUCH session's orders: templates on the way out, ids on the way back.
#[derive(Debug)]
pub struct Ouch {
    table: WireTable,
    /// Orders of the session that are not ours.
    externals: external::Externals,
    /// Firm that orders name; spaces where the port has but one.
    firm: [u8; 4],
    /// Wire names by instrument id.
    symbols: Box<[Symbol]>,
    /// How orders show that are not hidden.
    display: DisplayCode,
    /// Options of a new order with more than the usual ones.
    of_firm: AppendageBuf,
    /// New orders.
    enter_limit: Template<EnterOrder>,
    /// New orders that must not execute on arrival.
    enter_post_only: Template<EnterOrder>,
    /// Replaces.
    replace_limit: Template<ReplaceOrder>,
    /// Replaces that must not execute on arrival.
    replace_post_only: Template<ReplaceOrder>,
}

impl Ouch {
    /// The numbers: for rebuild, resend and cancelling everything.
    #[must_use]
    pub const fn table(&self) -> &WireTable {
        &self.table
    }

    /// The firm whose orders these are, as a mass cancel names it: spaces where orders name none.
    #[must_use]
    pub const fn firm(&self) -> [u8; 4] {
        self.firm
    }

    /// The numbers, to rebuild them from the journal.
    #[must_use]
    pub const fn table_mut(&mut self) -> &mut WireTable {
        &mut self.table
    }
}

#[cfg(test)]
mod tests;
