//! How an engine is, in words: read from its counters, which the hot threads write.

use crate::config::{Config, StageId};
use crate::pipeline::archive::Trouble;
use crate::risk::Mode;
use shm::counters::CounterReader;
use shm::ids::GatewayId;
use shm::message::FeedState;
use shm::region::{RegionError, RegionReader};

/// The counters that a status is made of.
pub struct Vitals {
    working: CounterReader,
    mode: CounterReader,
    contradictions: CounterReader,
    feeds: Vec<(String, CounterReader)>,
    strategies: Vec<(String, CounterReader)>,
    gateways: Vec<GatewayVitals>,
    archive_lag: CounterReader,
    archive_failed: CounterReader,
    trouble: Trouble,
}

struct GatewayVitals {
    name: String,
    link: CounterReader,
    up: CounterReader,
    broken: CounterReader,
    unapproved: CounterReader,
}

impl Vitals {
    /// Finds the counters of a configuration's stages; and where the archive thread is to name its
    /// first error.
    ///
    /// # Errors
    /// [`RegionError`]: the region was made for other stages.
    pub fn find(config: &Config, region: &RegionReader) -> Result<(Self, Trouble), RegionError> {
        let trouble = Trouble::default();
        let of = |stage: StageId, counter: &str| {
            region.counter(&format!("{}.{counter}", config.stage_name(stage)))
        };
        let feeds = config
            .feeds
            .iter()
            .map(|row| Ok((row.name.clone(), of(StageId::Feed(row.id), "state")?)));
        let strategies = config
            .strategies
            .iter()
            .map(|row| Ok((row.name.clone(), of(StageId::Strategy(row.id), "enabled")?)));
        let gateways = config.gateways.iter().map(|row| {
            let stage = StageId::Gateway(row.id);
            Ok(GatewayVitals {
                name: row.name.clone(),
                link: of(stage, "link_open")?,
                up: of(stage, "session_up")?,
                broken: of(stage, "session_broken")?,
                unapproved: of(stage, "unapproved")?,
            })
        });
        let vitals = Self {
            working: of(StageId::Risk, "working")?,
            mode: of(StageId::Risk, "mode")?,
            contradictions: of(StageId::Risk, "contradictions")?,
            feeds: feeds.collect::<Result<_, RegionError>>()?,
            strategies: strategies.collect::<Result<_, RegionError>>()?,
            gateways: gateways.collect::<Result<_, RegionError>>()?,
            archive_lag: region.counter("archive.lag")?,
            archive_failed: region.counter("archive.failed")?,
            trouble: Trouble::clone(&trouble),
        };
        Ok((vitals, trouble))
    }

    /// Orders that are not ended, by risk's count.
    #[must_use]
    pub fn working(&self) -> u64 {
        self.working.get()
    }

    /// Whether a gateway's session is up: its stream whole, its orders reconciled.
    #[must_use]
    pub fn is_up(&self, gateway: GatewayId) -> bool {
        self.gateways.get(gateway.index()).is_some_and(|row| row.up.get() != 0)
    }

    /// The journal's first error, if it has failed.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    /// Whether a strategy may act.
    #[must_use]
    pub fn is_enabled(&self, name: &str) -> bool {
        self.strategies.iter().any(|(known, enabled)| known == name && enabled.get() != 0)
    }

    /// Whether any gateway has a connection.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.gateways.iter().any(|row| row.link.get() != 0)
    }

    /// One line for each thing that trades, and one for each alarm.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mode = Mode::from_value(i64::try_from(self.mode.get()).unwrap_or(0));
        let mut lines = vec![format!("mode: {}", mode.map_or("unknown", Mode::name))];
        for row in &self.gateways {
            lines.push(format!("session {}: {}", row.name, row.words()));
        }
        for (name, state) in &self.feeds {
            let state = u8::try_from(state.get()).ok().and_then(FeedState::from_u8);
            let words = match state {
                None => "no packet yet",
                Some(FeedState::Live) => "live",
                Some(FeedState::Stale) => "stale: books are no reference until the gap is filled",
                Some(FeedState::Ended) => "ended by the venue",
            };
            lines.push(format!("feed {name}: {words}"));
        }
        let each = self.strategies.iter().map(|(name, enabled)| {
            format!("{name} {}", if enabled.get() == 0 { "disabled" } else { "enabled" })
        });
        lines.push(format!("strategies: {}", each.collect::<Vec<_>>().join(", ")));
        lines.push(format!("journal: {}", self.journal()));
        lines.extend(self.alarms());
        lines
    }

    fn journal(&self) -> String {
        let failed = self.trouble.get().map(String::as_str);
        if self.archive_failed.get() == 0 && failed.is_none() {
            let lag = self.archive_lag.get();
            return format!("sound, {}.{} ms behind", lag / 1_000_000, lag / 100_000 % 10);
        }
        format!(
            "FAILED: {}: no order is approved any more; stop, mend the disk, start again",
            failed.unwrap_or("the disk cannot be written")
        )
    }

    fn alarms(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for row in self.gateways.iter().filter(|row| row.unapproved.get() > 0) {
            lines.push(format!(
                "ALARM: gateway {} was given {} orders that nobody approved and did not send them: \
                 a fault of the engine",
                row.name,
                row.unapproved.get()
            ));
        }
        if self.contradictions.get() > 0 {
            lines.push(format!(
                "ALARM: {} reports contradicted others and their instruments are held: look, then \
                 `wirelane release VENUE/SYMBOL`",
                self.contradictions.get()
            ));
        }
        lines
    }
}

impl GatewayVitals {
    fn words(&self) -> &'static str {
        if self.broken.get() != 0 {
            "NOT RECONCILED: the venue's stream does not go on where it had been heard to, so \
             nothing is sent; let the venue restore its session, or start with another engine.dir"
        } else if self.up.get() != 0 {
            "up"
        } else if self.link.get() != 0 {
            "connected, not reconciled yet"
        } else {
            "down: no connection"
        }
    }
}
