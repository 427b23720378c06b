//! How many kills, and when.

use std::time::{Duration, Instant};
use wirelane_tests::random::Random;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    /// Kills in all.
    pub(crate) kills: u64,
    /// Kills on one directory and one exchange.
    pub(crate) campaign: u64,
    /// When a long form has had its time.
    until: Option<Instant>,
}

impl Amount {
    /// 30; 500 with `WIRELANE_DEEP`, 10,000 in a soak; any number by `WIRELANE_KILLS`.
    pub(crate) fn from_environment() -> Self {
        let word = |name| std::env::var(name).unwrap_or_default();
        let kills = match word("WIRELANE_DEEP").as_str() {
            "" | "0" => 30,
            "soak" => 10_000,
            _ => 500,
        };
        let seconds = word("WIRELANE_DEEP_SECONDS").parse().ok().filter(|_| kills > 30);
        Self {
            kills: word("WIRELANE_KILLS").parse().unwrap_or(kills),
            campaign: 10,
            until: seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        }
    }

    /// Whether the time is up.
    pub(crate) fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// When a run is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long after the process was made.
    StartUp(Duration),
    /// So long after its threads run: logging on, replaying, cancelling.
    Recovery(Duration),
    /// So long after its first orders.
    Trading(Duration),
}

impl Moment {
    /// Draws one. The first run of a directory is let trade: there is nothing to lose before.
    pub(crate) fn draw(random: &mut Random, is_first: bool) -> Self {
        let micros = |random: &mut Random, end| Duration::from_micros(random.below(end) as u64);
        match random.below(24) {
            0..3 if !is_first => Self::StartUp(micros(random, 250_000)),
            3..6 if !is_first => Self::Recovery(micros(random, 5_000)),
            _ => Self::Trading(micros(random, 300_000)),
        }
    }

    /// Its name in the figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StartUp(_) => "start-up",
            Self::Recovery(_) => "recovery",
            Self::Trading(_) => "trading",
        }
    }
}

/// The layouts that runs of one directory take turns at, by chance.
pub(crate) fn draw_layout(random: &mut Random) -> &'static str {
    ["fused", "fused", "split2", "split4"][random.below(4)]
}
