//! The audit chain: every command, kill and arming, limit set, configuration, opening and end of a
//! session, as the control lane has them, each hashed over the one before it.
//!
//! ```text
//!   control lane ─► Entry ─► Head: SHA-256 over the last head and the record's bytes
//!                     │        ├─► audit_chain, in the transaction that moves the cursor
//!                     │        └─► a file of heads, elsewhere: what the chain was
//!   verify: table ────┴── journal ── published heads ─► the first bad record
//! ```
//!
//! What holds:
//! - A link is a function of the control lane's records before it, so that every database of one
//!   journal has the same chain.
//! - A record that was changed, removed, swapped, put in or cut off is found from the table alone
//!   unless all hashes behind it were made anew; then the journal finds it, or a published head.

mod head_file;
mod journal;
mod link;
mod verify;
mod words;

pub use head_file::{Heads, publish, read};
pub(crate) use journal::each;
pub use link::{Entry, Head, LANE, Place, hex};
pub(crate) use link::{bytes_of, hash_of};
pub use verify::{AuditError, Bad, Fault, Kept, Truth, Verdict, judge, verify};
pub use words::Teller;
