//! The sockets of a live run, opened before anything is made, every refused one in one report.

#![expect(clippy::disallowed_types, clippy::disallowed_macros, reason = "cold: before the start")]

use super::assemble::LiveEnds;
use super::net::{DialTarget, HashChannel, Lines, dialing};
use super::start_error::StartError;
use crate::config::model::{Feed, FeedSource, Session};
use crate::config::{Fault, FaultKind, Loaded, Report, SecretSource};
use crate::stage::book_check::Channel;
use crate::stage::{feed as feed_stage, gateway as gateway_stage};
use gateway::session::soupbintcp::Credentials;
use shm::counters::CounterReader;
use shm::gates::Gates;
use shm::journal::DurableMark;
use std::io;
use std::net::SocketAddr;

/// Both sides of every socket, by feed or gateway.
pub(super) struct Doors {
    sources: Vec<Option<Box<dyn feed_stage::Source>>>,
    channels: Vec<Option<Box<dyn Channel>>>,
    dials: Vec<Option<gateway_stage::Dial>>,
    credentials: Vec<Option<Credentials>>,
    /// What the dialer connects.
    targets: Vec<DialTarget>,
}

impl Doors {
    /// Opens every listening socket, and takes the passwords that [`crate::config::ready`] saw.
    ///
    /// # Errors
    /// [`StartError::Sockets`] with a line for each that the kernel refuses; none stays open.
    pub(super) fn open(loaded: &Loaded, secret: SecretSource) -> Result<Self, StartError> {
        let mut doors = Self {
            sources: Vec::new(),
            channels: Vec::new(),
            dials: Vec::new(),
            credentials: Vec::new(),
            targets: Vec::new(),
        };
        let mut faults = Vec::new();
        for feed in &loaded.config.feeds {
            doors.feed(loaded, feed, &mut faults)?;
        }
        for row in &loaded.config.gateways {
            let Session::Ouch50 { soup, user, password_env } = &row.session else {
                doors.credentials.push(None);
                doors.dials.push(None);
                continue;
            };
            let password = secret(password_env).unwrap_or_default();
            doors.credentials.push(Credentials::new(user, &password));
            let (target, dial) = dialing(*soup);
            doors.targets.push(target);
            doors.dials.push(Some(dial));
        }
        if faults.is_empty() { Ok(doors) } else { Err(StartError::Sockets(Report { faults })) }
    }

    /// With what else the stages are given; and the targets of the dialer.
    pub(super) fn into_ends(
        self,
        gates: Gates,
        durable: Option<DurableMark>,
        archive_failed: CounterReader,
    ) -> (LiveEnds, Vec<DialTarget>) {
        let Self { sources, channels, dials, credentials, targets } = self;
        let ends =
            LiveEnds { sources, channels, dials, credentials, gates, durable, archive_failed };
        (ends, targets)
    }

    fn feed(
        &mut self,
        loaded: &Loaded,
        feed: &Feed,
        faults: &mut Vec<Fault>,
    ) -> Result<(), StartError> {
        let key = |last: &str| format!("feed.{}.{last}", feed.name);
        let FeedSource::Lines { a, b, request, .. } = &feed.source else {
            return Err(StartError::NotHere {
                key: key("file"),
                why: "a recorded file is played through the exchange: `wirelane exchange --input FILE`",
            });
        };
        match Lines::open(*a, *b, *request) {
            Ok(lines) => self.sources.push(Some(Box::new(lines))),
            Err((address, error)) => {
                let last = if *b == Some(address) { "b" } else { "a" };
                faults.push(refused(loaded, key(last), address, &error));
            }
        }
        let channel = match feed.hash_channel.map(|address| (address, HashChannel::open(address))) {
            Some((_, Ok(channel))) => Some(Box::new(channel) as Box<dyn Channel>),
            Some((address, Err(error))) => {
                faults.push(refused(loaded, key("hash_channel"), address, &error));
                None
            }
            None => None,
        };
        self.channels.push(channel);
        Ok(())
    }
}

fn refused(loaded: &Loaded, key: String, address: SocketAddr, error: &io::Error) -> Fault {
    Fault {
        kind: FaultKind::Machine,
        origin: loaded.origin_of(&key),
        key,
        wrong: format!("{address}: {error}"),
        allowed: String::new(),
        remedy: "free the address, or write another of this machine".to_owned(),
    }
}
