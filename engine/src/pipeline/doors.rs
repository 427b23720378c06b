//! The sockets and recorded files of a live run, opened before anything is made, every refused one
//! in one report.

#![expect(clippy::disallowed_types, clippy::disallowed_macros, reason = "cold: before the start")]

use super::assemble::LiveEnds;
use super::hot::Phase;
use super::net::{DialTarget, HashChannel, Lines, dialing};
use super::player::Player;
use super::sources::{self, FeedNotice};
use super::start_error::StartError;
use crate::config::model::{Feed, FeedSource, Session};
use crate::config::{Fault, FaultKind, Loaded, Report, SecretSource};
use crate::stage::book_check::Channel;
use crate::stage::feed::{SoupNotice, SoupSource, Source};
use crate::stage::gateway as gateway_stage;
use crate::stage::risk::LimitDoor;
use feed::recording::Recording;
use gateway::session::soupbintcp::{Client, ClientConfig, Credentials, Start};
use shm::counters::CounterReader;
use shm::gates::Gates;
use shm::journal::DurableMark;

/// Both sides of every socket, by feed or gateway.
pub(super) struct Doors {
    sources: Vec<Option<Box<dyn Source>>>,
    channels: Vec<Option<Box<dyn Channel>>>,
    dials: Vec<Option<gateway_stage::Dial>>,
    credentials: Vec<Option<Credentials>>,
    outside: Outside,
}

/// What works for the stages from outside.
#[derive(Default)]
pub(super) struct Outside {
    /// What the dialer connects.
    pub(super) targets: Vec<DialTarget>,
    /// Recorded files.
    pub(super) players: Vec<Player>,
    /// What there is to say of feeds.
    pub(super) notices: Vec<FeedNotice>,
}

impl Doors {
    /// Opens every listening socket and every recorded file, and takes the passwords that
    /// [`crate::config::ready`] has seen.
    ///
    /// # Errors
    /// [`StartError::Sockets`] with a line for each that the kernel refuses; none stays open.
    pub(super) fn open(
        loaded: &Loaded,
        secret: SecretSource,
        phase: &Phase,
    ) -> Result<Self, StartError> {
        let mut doors = Self {
            sources: Vec::new(),
            channels: Vec::new(),
            dials: Vec::new(),
            credentials: Vec::new(),
            outside: Outside::default(),
        };
        let mut faults = Vec::new();
        for feed in &loaded.config.feeds {
            match doors.source(loaded, feed, secret, phase) {
                Ok(source) => doors.sources.push(Some(source)),
                Err(fault) => faults.push(*fault),
            }
            match hash_channel(loaded, feed) {
                Ok(channel) => doors.channels.push(channel),
                Err(fault) => faults.push(*fault),
            }
        }
        for row in &loaded.config.gateways {
            let Session::Ouch50 { soup, user, password_env } = &row.session else {
                doors.credentials.push(None);
                doors.dials.push(None);
                continue;
            };
            let password = secret(password_env).unwrap_or_default();
            doors.credentials.push(Credentials::new(user, &password));
            let (mut target, dial) = dialing(*soup);
            target.user = doors.credentials.last().copied().flatten().map(|user| (row.id, user));
            doors.outside.targets.push(target);
            doors.dials.push(Some(dial));
        }
        if faults.is_empty() { Ok(doors) } else { Err(StartError::Sockets(Report { faults })) }
    }

    /// With what else the stages are given; and who works for them.
    pub(super) fn into_ends(
        self,
        gates: Gates,
        durable: Option<DurableMark>,
        archive_failed: CounterReader,
        limits: LimitDoor,
    ) -> (LiveEnds, Outside) {
        let Self { sources, channels, dials, credentials, outside } = self;
        let ends = LiveEnds {
            sources,
            channels,
            dials,
            credentials,
            gates,
            durable,
            archive_failed,
            limits,
        };
        (ends, outside)
    }

    fn source(
        &mut self,
        loaded: &Loaded,
        feed: &Feed,
        secret: SecretSource,
        phase: &Phase,
    ) -> Result<Box<dyn Source>, Box<Fault>> {
        let key = |last: &str| format!("feed.{}.{last}", feed.name);
        match &feed.source {
            FeedSource::Lines { a, b, request, .. } => match Lines::open(*a, *b, *request) {
                Ok(lines) => Ok(Box::new(lines)),
                Err((address, error)) => {
                    let last = if *b == Some(address) { "b" } else { "a" };
                    Err(refused(loaded, key(last), &format!("{address}: {error}"), SOCKET))
                }
            },
            FeedSource::File { path, speed } => {
                let key = key("file.path");
                let recording = Recording::open(path)
                    .map_err(|error| refused(loaded, key.clone(), &error.to_string(), ""))?;
                let (player, source, notice) = sources::play(key, recording, *speed, phase);
                self.outside.players.push(player);
                self.outside.notices.push(notice);
                Ok(Box::new(source))
            }
            FeedSource::Soup { soup, user, password_env } => {
                let password = secret(password_env).unwrap_or_default();
                let Some(credentials) = Credentials::new(user, &password) else {
                    let wrong = format!("{password_env}: no password");
                    return Err(refused(loaded, key("password_env"), &wrong, "set it"));
                };
                let (target, dial) = dialing(*soup);
                let client = Client::new(ClientConfig::new(credentials, Start::FIRST));
                let notice = SoupNotice::default();
                self.outside.targets.push(target);
                self.outside.notices.push(FeedNotice::Soup {
                    key: key("soup"),
                    address: *soup,
                    user: user.clone(),
                    password_env: password_env.clone(),
                    notice: notice.clone(),
                });
                Ok(Box::new(SoupSource::new(client, dial, notice)))
            }
        }
    }
}

fn hash_channel(loaded: &Loaded, feed: &Feed) -> Result<Option<Box<dyn Channel>>, Box<Fault>> {
    let Some(address) = feed.hash_channel else { return Ok(None) };
    match HashChannel::open(address) {
        Ok(channel) => Ok(Some(Box::new(channel))),
        Err(error) => {
            let key = format!("feed.{}.hash_channel", feed.name);
            Err(refused(loaded, key, &format!("{address}: {error}"), SOCKET))
        }
    }
}

/// What to do with an address that is refused.
const SOCKET: &str = "free the address, or write another of this machine";

fn refused(loaded: &Loaded, key: String, wrong: &str, remedy: &str) -> Box<Fault> {
    Box::new(Fault {
        kind: FaultKind::Machine,
        origin: loaded.origin_of(&key),
        key,
        wrong: wrong.to_owned(),
        allowed: String::new(),
        remedy: remedy.to_owned(),
    })
}
