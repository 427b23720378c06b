//! What a run did, as one JSON object.

use crate::exchange::Exchange;
use crate::itch_out::{LineCounts, RequestCounts};
use crate::ouch_in::{Account, AccountCounts, Position};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run did. Printed as one line of JSON when it ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the session.
    pub session: String,
    /// Seed of flow and faults.
    pub seed: u64,
    /// Seconds from the flow's start to the end of the run.
    pub seconds: f64,
    /// ITCH messages published: the last sequence.
    pub messages: u64,
    /// ITCH messages by type letter.
    pub messages_by_type: BTreeMap<char, u64>,
    /// SHA-256 over all ITCH messages in order.
    pub itch_sha256: String,
    /// MoldUDP64 data packets, each sent on both lines.
    pub packets: u64,
    /// Lines A and B.
    pub lines: [LineCounts; 2],
    /// The re-request server.
    pub requests: RequestCounts,
    /// Datagrams of book hashes.
    pub hashes: u64,
    /// Recorded messages that had to be cut, since a client's order took part of theirs.
    pub recorded_clipped: u64,
    /// The most that the flow was ever behind its schedule, in microseconds.
    pub behind_us_max: u64,
    /// New orders judged, all users.
    pub orders: u64,
    /// New orders accepted.
    pub acks: u64,
    /// Executions reported.
    pub fills: u64,
    /// Cancels reported.
    pub cancels: u64,
    /// Replaces done.
    pub replaces: u64,
    /// Rejects reported.
    pub rejects: u64,
    /// Each user.
    pub users: Vec<UserSummary>,
}

/// What a user did and holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserSummary {
    /// Its name.
    pub user: String,
    /// What it did and was told.
    pub counts: AccountCounts,
    /// Messages of its stream.
    pub stream_messages: u64,
    /// Highest UserRefNum used.
    pub last_user_ref_num: u32,
    /// Orders live at the end.
    pub open_orders: u64,
    /// Shares and money by symbol.
    pub positions: BTreeMap<String, Position>,
    /// SHA-256 over the OUCH messages received, in order, without framing.
    pub order_stream_sha256: String,
}

impl Exchange {
    /// What the run did so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        use gateway::session::soupbintcp::SequencedStore;
        let user = |account: &Account| UserSummary {
            user: account.name(),
            counts: account.counts,
            stream_messages: account.stream.next_seq() - 1,
            last_user_ref_num: account.last_user_ref_num,
            open_orders: account.orders.len() as u64,
            positions: account
                .positions
                .iter()
                .map(|(&locate, &position)| {
                    (self.listing.symbol(locate).as_str().to_owned(), position)
                })
                .collect(),
            order_stream_sha256: account.received_sha256(),
        };
        let users: Vec<UserSummary> = self.desk.accounts().iter().map(user).collect();
        let sum =
            |field: fn(&AccountCounts) -> u64| users.iter().map(|user| field(&user.counts)).sum();
        Summary {
            session: self.options.session.as_str().to_owned(),
            seed: self.options.seed,
            seconds: self.elapsed_ns() as f64 / 1e9,
            messages: self.tape.publisher.messages(),
            messages_by_type: self.tape.by_type(),
            itch_sha256: self.tape.stream_sha256(),
            packets: self.tape.publisher.packets(),
            lines: [0, 1].map(|at: usize| self.tape.publisher.lines()[at].counts()),
            requests: self.requests.counts(),
            hashes: self.tape.hashes_sent(),
            recorded_clipped: self.flow.clipped(),
            behind_us_max: self.behind_ns_max / 1_000,
            orders: sum(|counts| counts.orders),
            acks: sum(|counts| counts.acks),
            fills: sum(|counts| counts.fills),
            cancels: sum(|counts| counts.cancels),
            replaces: sum(|counts| counts.replaces),
            rejects: sum(|counts| counts.rejects),
            users,
        }
    }
}
