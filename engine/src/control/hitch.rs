//! What keeps orders from leaving although the gates are open, or wants a person: one sentence
//! each, with the rule that refuses and what to do. Told by `arm`, `status` and the engine's own
//! output, in the same words.

#![expect(clippy::disallowed_methods, reason = "cold: a pace is asked for by people")]

use super::Vitals;
use super::pace::{Pace, grouped};
use crate::config::StageId;
use crate::config::model::{Feed, FeedSource, Gateway, Session};
use feed::book::StaleCause;
use shm::counters::CounterReader;
use shm::message::FeedState;
use shm::region::RegionError;
use std::time::Instant;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hitch {
    /// What it is about: one hitch at a time.
    pub subject: String,
    /// Which kind it is: while that stays, it is the same hitch, whatever its numbers.
    pub kind: &'static str,
    /// The sentence.
    pub line: String,
    /// What to say when its subject has none any more.
    pub over: String,
}

/// How a counter of a stage is found.
type Find<'a> = &'a dyn Fn(StageId, &str) -> Result<CounterReader, RegionError>;

/// A feed, seen from outside.
pub(super) struct FeedVitals {
    name: String,
    key: &'static str,
    address: String,
    is_file: bool,
    state: CounterReader,
    unfit: CounterReader,
    missing: CounterReader,
    messages: CounterReader,
    pace: Pace,
    lost: CounterReader,
    book_faults: CounterReader,
}

impl FeedVitals {
    pub(super) fn find(row: &Feed, of: Find<'_>) -> Result<Self, RegionError> {
        let stage = StageId::Feed(row.id);
        let (key, address) = match &row.source {
            FeedSource::Lines { a, .. } => ("a", a.to_string()),
            FeedSource::File { path, .. } => ("file", path.display().to_string()),
            FeedSource::Soup { soup, .. } => ("soup", soup.to_string()),
        };
        Ok(Self {
            name: row.name.clone(),
            key,
            address,
            is_file: key == "file",
            state: of(stage, "state")?,
            unfit: of(stage, "unfit")?,
            missing: of(stage, "missing")?,
            messages: of(stage, "messages")?,
            pace: Pace::default(),
            lost: of(stage, "lost")?,
            book_faults: of(stage, "book_faults")?,
        })
    }

    /// What a feed is, as one word and a sentence.
    fn look(&self) -> (&'static str, String) {
        let state = u8::try_from(self.state.get()).ok().and_then(FeedState::from_u8);
        let lost = self.lost.get();
        match state {
            None => (
                "silent",
                format!("no packet yet (feed.{}.{} = {})", self.name, self.key, self.address),
            ),
            Some(FeedState::Live) => ("live", "live".to_owned()),
            Some(FeedState::Ended) => {
                let end = if self.is_file { "the recording is over" } else { "ended by the venue" };
                ("ended", format!("{end}{}", given_up(lost)))
            }
            Some(FeedState::Stale) => self.stale(lost),
        }
    }

    fn stale(&self, lost: u64) -> (&'static str, String) {
        let unfit = self.unfit.get();
        let has = |cause: StaleCause| unfit & cause as u64 != 0;
        let missing = self.missing.get();
        if has(StaleCause::Gap) && missing > 0 {
            let pace = self.pace.look(Instant::now(), missing, self.messages.get());
            let (word, pace) = pace.map_or(("behind", String::new()), |rate| rate.words(missing));
            let text = format!(
                "catching up, {} messages behind{pace}{}",
                grouped(missing),
                given_up(lost)
            );
            return (word, text);
        }
        self.pace.forget();
        if has(StaleCause::Lost) {
            let what = format!("STALE{}", given_up(lost));
            let text = "no book is right until the venue's next session: restart the engine to ask for \
                        this session from its beginning";
            return ("lost", format!("{what}: {text}"));
        }
        if has(StaleCause::Conflict) || has(StaleCause::Malformed) {
            let what = if has(StaleCause::Conflict) {
                "two copies of one message differed"
            } else {
                "a message did not decode"
            };
            return ("wrong", format!("STALE: {what}: look at the lines, then restart the engine"));
        }
        if has(StaleCause::Gap) {
            let text = "STALE: messages are claimed to exist that nobody gives, and none follow";
            return ("claimed", text.to_owned());
        }
        if has(StaleCause::Silent) {
            return ("quiet", "STALE: silent, or its link is cut".to_owned());
        }
        ("waiting", "STALE: it has not been whole yet".to_owned())
    }

    /// For a status.
    pub(super) fn words(&self) -> String {
        let (_, text) = self.look();
        format!("feed {}: {text}", self.name)
    }

    fn hitch(&self) -> Option<Hitch> {
        let (word, text) = self.look();
        (word != "live").then(|| Hitch {
            subject: format!("feed {}", self.name),
            kind: word,
            line: format!(
                "feed {}: {text}; no new order passes on its instruments (NO_REFERENCE, R24)",
                self.name
            ),
            over: format!("feed {} is live", self.name),
        })
    }

    /// Books of single instruments that are wrong.
    pub(super) fn faults(&self) -> Option<String> {
        let faults = self.book_faults.get();
        (faults > 0).then(|| {
            format!(
                "ALARM: feed {}: {faults} messages did not fit their books; those are STALE until the \
                 venue's next session or a restart (NO_REFERENCE, R24)",
                self.name
            )
        })
    }
}

fn given_up(lost: u64) -> String {
    if lost == 0 { String::new() } else { format!(", {lost} messages given up") }
}

/// A venue session, seen from outside.
pub(super) struct GatewayVitals {
    pub(super) name: String,
    /// Where the venue is; `None` for the embedded one.
    address: Option<String>,
    link: CounterReader,
    up: CounterReader,
    sessions: CounterReader,
    broken: CounterReader,
    pub(super) unapproved: CounterReader,
}

impl GatewayVitals {
    pub(super) fn find(row: &Gateway, of: Find<'_>) -> Result<Self, RegionError> {
        let stage = StageId::Gateway(row.id);
        let address = match &row.session {
            Session::Ouch50 { soup, .. } => Some(soup.to_string()),
            Session::Paper { .. } => None,
        };
        Ok(Self {
            name: row.name.clone(),
            address,
            link: of(stage, "link_open")?,
            up: of(stage, "session_up")?,
            sessions: of(stage, "sessions")?,
            broken: of(stage, "session_broken")?,
            unapproved: of(stage, "unapproved")?,
        })
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.get() != 0
    }

    /// Logons that the venue has taken.
    pub(super) fn sessions(&self) -> u64 {
        self.sessions.get()
    }

    pub(super) fn has_link(&self) -> bool {
        self.link.get() != 0
    }

    /// For a status.
    pub(super) fn words(&self) -> &'static str {
        if self.broken.get() != 0 {
            "NOT RECONCILED: the venue's stream does not go on where it had been heard to, so \
             nothing is sent; let the venue restore its session, or start with another engine.dir"
        } else if self.is_up() {
            "up"
        } else if self.has_link() {
            "connected, not reconciled yet"
        } else {
            "down: no connection"
        }
    }

    fn hitch(&self) -> Option<Hitch> {
        let address = self.address.as_ref()?;
        if self.broken.get() != 0 {
            return Some(Hitch {
                subject: format!("session {}", self.name),
                kind: "broken",
                line: format!(
                    "session {}: {}; no order leaves (SESSION, R03)",
                    self.name,
                    self.words()
                ),
                over: format!("session {} is up", self.name),
            });
        }
        let (word, what) = if self.sessions.get() == 0 {
            ("absent", "has not logged on to")
        } else {
            ("gone", "has lost its session with")
        };
        (!self.is_up()).then(|| Hitch {
            subject: format!("session {}", self.name),
            kind: word,
            line: format!(
                "no venue session: gateway {} {what} {address}: is the venue there, are user and \
                 password right? It is tried again; no order leaves before (SESSION, R03)",
                self.name
            ),
            over: format!("session {} is up", self.name),
        })
    }
}

impl Vitals {
    /// What keeps orders from leaving now, whatever the gates say.
    #[must_use]
    pub fn hitches(&self) -> Vec<Hitch> {
        let mut found: Vec<Hitch> = self.gateways.iter().filter_map(GatewayVitals::hitch).collect();
        found.extend(self.feeds.iter().filter_map(FeedVitals::hitch));
        found.extend(self.journal_failed().map(|text| Hitch {
            subject: "journal".to_owned(),
            kind: "failed",
            line: format!("journal {text} (JOURNAL, R04)"),
            over: "journal: sound".to_owned(),
        }));
        found
    }
}
