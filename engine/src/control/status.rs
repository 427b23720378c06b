//! How an engine is, in words: read from its counters, which the hot threads write.

use super::Control;
use super::hitch::{FeedVitals, GatewayVitals, Hitch};
use crate::config::{Config, StageId};
use crate::pipeline::archive::Trouble;
use crate::risk::Mode;
use shm::counters::CounterReader;
use shm::ids::GatewayId;
use shm::record::status::DownCause;
use shm::region::{RegionError, RegionReader};
use std::sync::Arc;

/// A session whose link the guard has shut, whatever its gateway shows.
const SHUT: &str = "down: the guard has shut its link; it logs on again after `wirelane arm`";

/// The counters that a status is made of.
pub struct Vitals {
    working: CounterReader,
    mode: CounterReader,
    over_limits: CounterReader,
    contradictions: CounterReader,
    pub(super) feeds: Vec<FeedVitals>,
    strategies: Vec<StrategyVitals>,
    pub(super) gateways: Vec<GatewayVitals>,
    archive_lag: CounterReader,
    archive_failed: CounterReader,
    trouble: Trouble,
}

struct StrategyVitals {
    name: String,
    enabled: CounterReader,
    down: CounterReader,
}

impl Vitals {
    /// Finds the counters of a configuration's stages; and where the archive thread is to name its
    /// first error.
    ///
    /// # Errors
    /// [`RegionError`]: the region was made for other stages.
    pub fn find(
        config: &Config,
        region: &RegionReader,
    ) -> Result<(Arc<Self>, Trouble), RegionError> {
        let trouble = Trouble::default();
        let of = |stage: StageId, counter: &str| {
            region.counter(&format!("{}.{counter}", config.stage_name(stage)))
        };
        let feeds = config.feeds.iter().map(|row| FeedVitals::find(row, &of));
        let strategies = config.strategies.iter().map(|row| {
            let stage = StageId::Strategy(row.id);
            Ok(StrategyVitals {
                name: row.name.clone(),
                enabled: of(stage, "enabled")?,
                down: of(stage, "down")?,
            })
        });
        let gateways = config.gateways.iter().map(|row| GatewayVitals::find(row, &of));
        let vitals = Self {
            working: of(StageId::Risk, "working")?,
            mode: of(StageId::Risk, "mode")?,
            over_limits: of(StageId::Risk, "limits_over")?,
            contradictions: of(StageId::Risk, "contradictions")?,
            feeds: feeds.collect::<Result<_, RegionError>>()?,
            strategies: strategies.collect::<Result<_, RegionError>>()?,
            gateways: gateways.collect::<Result<_, RegionError>>()?,
            archive_lag: region.counter("archive.lag")?,
            archive_failed: region.counter("archive.failed")?,
            trouble: Trouble::clone(&trouble),
        };
        Ok((Arc::new(vitals), trouble))
    }

    /// Orders that are not ended, by risk's count.
    #[must_use]
    pub fn working(&self) -> u64 {
        self.working.get()
    }

    /// Working orders that the last limit set to be loaded would not have let in.
    #[must_use]
    pub fn over_limits(&self) -> u64 {
        self.over_limits.get()
    }

    /// Whether a gateway's session is up: its stream whole, its orders reconciled.
    #[must_use]
    pub fn is_up(&self, gateway: GatewayId) -> bool {
        self.gateways.get(gateway.index()).is_some_and(GatewayVitals::is_up)
    }

    /// Logons of a gateway that its venue has taken.
    pub(super) fn sessions(&self, gateway: GatewayId) -> u64 {
        self.gateways.get(gateway.index()).map_or(0, GatewayVitals::sessions)
    }

    /// The journal's first error, if it has failed.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    /// Whether a strategy may act.
    #[must_use]
    pub fn is_enabled(&self, name: &str) -> bool {
        self.strategies.iter().any(|row| row.name == name && row.enabled.get() != 0)
    }

    /// Why a strategy was stopped for good in this session, if it was.
    #[must_use]
    pub fn why_down(&self, name: &str) -> Option<DownCause> {
        self.strategies.iter().find(|row| row.name == name)?.why_down()
    }

    /// Whether any gateway has a connection.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.gateways.iter().any(GatewayVitals::has_link)
    }

    /// One line for each thing that trades, and one for each alarm; of a gateway whose link the
    /// guard has shut that it is so.
    #[must_use]
    pub fn lines(&self, is_shut: impl Fn(GatewayId) -> bool) -> Vec<String> {
        let mode = Mode::from_value(i64::try_from(self.mode.get()).unwrap_or(0));
        let mut lines = vec![format!("mode: {}", mode.map_or("unknown", Mode::name))];
        for (at, row) in self.gateways.iter().enumerate() {
            let words = if is_shut(GatewayId(at as u8)) { SHUT } else { row.words() };
            lines.push(format!("session {}: {words}", row.name));
        }
        lines.extend(self.feeds.iter().map(FeedVitals::words));
        let each = self.strategies.iter().map(|row| match row.why_down() {
            Some(why) => format!("{} stopped: it {}", row.name, why.name()),
            None if row.enabled.get() == 0 => format!("{} disabled", row.name),
            None => format!("{} enabled", row.name),
        });
        lines.push(format!("strategies: {}", each.collect::<Vec<_>>().join(", ")));
        lines.push(format!("journal: {}", self.journal()));
        lines.extend(self.alarms());
        lines
    }

    fn journal(&self) -> String {
        self.journal_failed().unwrap_or_else(|| {
            let lag = self.archive_lag.get();
            format!("sound, {}.{} ms behind", lag / 1_000_000, lag / 100_000 % 10)
        })
    }

    /// What became of a journal that has failed.
    pub(super) fn journal_failed(&self) -> Option<String> {
        let failed = self.trouble();
        (self.archive_failed.get() != 0 || failed.is_some()).then(|| {
            format!(
                "FAILED: {}: no order is approved any more; stop, mend the disk, start again",
                failed.unwrap_or("the disk cannot be written")
            )
        })
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
        lines.extend(self.feeds.iter().filter_map(FeedVitals::faults));
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

impl StrategyVitals {
    fn why_down(&self) -> Option<DownCause> {
        u8::try_from(self.down.get()).ok().and_then(DownCause::from_u8)
    }
}

impl Control {
    /// How the engine is, a line for each thing.
    pub(super) fn status(&self) -> String {
        let closed: Vec<String> =
            self.gates.gates().closed().map(|scope| self.name_of(scope)).collect();
        let hitches = self.vitals.hitches();
        let modes = self.restrictions();
        let gates = if closed.is_empty() {
            let refused = (!hitches.is_empty()).then(|| "orders are refused".to_owned());
            let buts: Vec<String> = refused.into_iter().chain(modes).collect();
            let but = if buts.is_empty() { "" } else { ", but " };
            format!("armed{but}{}", buts.join(", "))
        } else {
            let modes = modes.into_iter().map(|mode| format!("; {mode}"));
            format!("closed: {}{}", closed.join(", "), modes.collect::<String>())
        };
        let mut lines = vec![format!("{gates}; {} working", orders(self.vitals.working()))];
        // What is said of a feed there is not said again.
        let said: Vec<String> = hitches.iter().map(|hitch| format!("{}:", hitch.subject)).collect();
        let is_said = |line: &String| {
            let can_be = line.starts_with("feed ") || line.starts_with("journal: ");
            can_be && said.iter().any(|subject| line.starts_with(subject))
        };
        lines.extend(hitches.into_iter().map(|hitch| format!("REFUSED: {}", self.why(hitch))));
        let each = self.vitals.lines(|gateway| self.is_shut(gateway));
        lines.extend(each.into_iter().filter(|line| !is_said(line)));
        lines.extend(self.risk_lines());
        lines.push(self.self_test_line());
        lines.extend(self.kill_lines(self.clock.now()));
        lines.join("\n")
    }
}

impl Control {
    /// A hitch in words: of a link that the guard has shut, that it has.
    fn why(&self, hitch: Hitch) -> String {
        let mut rows = self.config.gateways.iter();
        let shut = rows
            .find(|row| self.is_shut(row.id) && hitch.subject == format!("session {}", row.name));
        match shut {
            Some(row) => format!(
                "no venue session: the guard has shut the link of gateway {}; `wirelane arm` lets it \
                 log on again (SESSION, R03)",
                row.name
            ),
            None => hitch.line,
        }
    }
}

/// So many orders, in words.
pub(super) fn orders(count: u64) -> String {
    format!("{count} order{}", if count == 1 { "" } else { "s" })
}
