//! What differs between the sources of feeds: how their sequence is kept, and what there is to say
//! of them while they run.

#![expect(clippy::disallowed_types, clippy::disallowed_macros, reason = "cold: words for people")]

use super::hot::Phase;
use super::player::Player;
use crate::config::model::{FeedSource, Speed};
use crate::stage::feed::{DATAGRAM_BYTES_MAX, FileSource, SoupNotice, file_packets};
use feed::moldudp64::ReceiverConfig;
use feed::recording::Recording;
use gateway::session::soupbintcp::SILENCE_MAX;
use shm::units::Nanos;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

/// How the sequence of a source is kept: the same in a replay.
pub(super) fn receiver_config(source: Option<&FeedSource>) -> ReceiverConfig {
    let alone = ReceiverConfig {
        lines: 1,
        tries: 0,
        arbitration: Nanos(0),
        reorder_packets: 1,
        reorder_packet_bytes: DATAGRAM_BYTES_MAX,
        ..ReceiverConfig::default()
    };
    match source {
        Some(FeedSource::Lines { b, request, retries, requests_in_flight, .. }) => ReceiverConfig {
            lines: 1 + usize::from(b.is_some()),
            tries: if request.is_some() { *retries } else { 0 },
            requests_in_flight: *requests_in_flight,
            ..ReceiverConfig::default()
        },
        // A recording begins where it begins, and is never silent: it is the past.
        Some(FeedSource::File { .. }) | None => {
            ReceiverConfig { first_seq: None, silence: Nanos(u64::MAX), ..alone }
        }
        Some(FeedSource::Soup { .. }) => {
            ReceiverConfig { silence: SILENCE_MAX, catches_up: true, ..alone }
        }
    }
}

/// Both sides of a recorded file, and where it says what people must hear.
pub(super) fn play(
    key: String,
    recording: Recording,
    speed: Speed,
    phase: &Phase,
) -> (Player, FileSource, FeedNotice) {
    let (packets, source) = file_packets(speed != Speed::Max);
    let fault = Arc::new(OnceLock::new());
    let notice = FeedNotice::File { key, fault: Arc::clone(&fault) };
    (Player::new(recording, speed, packets, phase.clone(), fault), source, notice)
}

/// Where a feed says what people must hear.
#[derive(Clone, Debug)]
pub(super) enum FeedNotice {
    File {
        key: String,
        fault: Arc<OnceLock<String>>,
    },
    Soup {
        key: String,
        address: SocketAddr,
        user: String,
        password_env: String,
        notice: SoupNotice,
    },
}

impl FeedNotice {
    /// One sentence, if there is anything to say.
    pub(super) fn sentence(&self) -> Option<String> {
        match self {
            Self::File { key, fault } => Some(format!("{key} = {}", fault.get()?)),
            Self::Soup { key, address, user, password_env, notice } => {
                let letter = notice.refused();
                (letter != 0).then(|| {
                    format!(
                        "{key} = {address}: the server refused the login of {user} ({}) and is not \
                         asked again; check the user and the variable {password_env}, then restart",
                        letter.escape_ascii()
                    )
                })
            }
        }
    }
}
