//! Stages and their names: `feed:itch`, `strategy:mm`, `risk`, `gateway:ouch`; a kind alone names
//! all of it.

use shm::ids::{FeedId, GatewayId, StrategyId};

use super::model::Config;

/// A stage. Ordered by flow, then by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageId {
    /// Decodes one feed.
    Feed(FeedId),
    /// Runs one strategy.
    Strategy(StrategyId),
    /// The one risk stage.
    Risk,
    /// Speaks to one venue.
    Gateway(GatewayId),
}

impl StageId {
    /// Place in the flow: feed 0, strategy 1, risk 2, gateway 3. Stages of one thread may not fall.
    #[must_use]
    pub const fn flow(self) -> u8 {
        match self {
            Self::Feed(_) => 0,
            Self::Strategy(_) => 1,
            Self::Risk => 2,
            Self::Gateway(_) => 3,
        }
    }
}

/// What is there to be named, in id order; strategies from id 1.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) accounts: Vec<String>,
    pub(super) feeds: Vec<String>,
    pub(super) gateways: Vec<String>,
    pub(super) strategies: Vec<String>,
}

/// The index of a name.
pub(super) fn index_of(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|known| known == name)
}

impl Known {
    /// All stages, in flow order.
    pub(super) fn stages(&self) -> Vec<StageId> {
        ["feed", "strategy", "risk", "gateway"].iter().flat_map(|kind| self.kind(kind)).collect()
    }

    fn kind(&self, kind: &str) -> Vec<StageId> {
        match kind {
            "feed" => {
                (0..=u8::MAX).take(self.feeds.len()).map(|id| StageId::Feed(FeedId(id))).collect()
            }
            "strategy" => (1..=u8::MAX)
                .take(self.strategies.len())
                .map(|id| StageId::Strategy(StrategyId(id)))
                .collect(),
            "risk" => vec![StageId::Risk],
            "gateway" => (0..=u8::MAX)
                .take(self.gateways.len())
                .map(|id| StageId::Gateway(GatewayId(id)))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The stages that a text names; the names there are to choose from if it names nothing.
    pub(super) fn resolve(&self, text: &str) -> Result<Vec<StageId>, Vec<String>> {
        let Some((kind, name)) = text.split_once(':') else { return Ok(self.kind(text)) };
        let names = match kind {
            "feed" => &self.feeds,
            "strategy" => &self.strategies,
            _ => &self.gateways,
        };
        index_of(names, name)
            .and_then(|index| self.kind(kind).get(index).copied())
            .map(|stage| vec![stage])
            .ok_or_else(|| names.iter().map(|name| format!("{kind}:{name}")).collect())
    }

    /// The name of a stage.
    pub(super) fn name(&self, stage: StageId) -> String {
        let (kind, name) = match stage {
            StageId::Feed(id) => ("feed", self.feeds.get(id.index())),
            StageId::Strategy(id) => {
                ("strategy", id.index().checked_sub(1).and_then(|index| self.strategies.get(index)))
            }
            StageId::Risk => return "risk".to_owned(),
            StageId::Gateway(id) => ("gateway", self.gateways.get(id.index())),
        };
        format!("{kind}:{}", name.map_or("?", String::as_str))
    }
}

impl Config {
    pub(super) fn known(&self) -> Known {
        Known {
            accounts: self.accounts.iter().map(|account| account.name.clone()).collect(),
            feeds: self.feeds.iter().map(|feed| feed.name.clone()).collect(),
            gateways: self.gateways.iter().map(|gateway| gateway.name.clone()).collect(),
            strategies: self.strategies.iter().map(|strategy| strategy.name.clone()).collect(),
        }
    }

    /// All stages, in flow order.
    #[must_use]
    pub fn stages(&self) -> Vec<StageId> {
        self.known().stages()
    }

    /// The name of a stage, as `strategy:mm`.
    #[must_use]
    pub fn stage_name(&self, stage: StageId) -> String {
        self.known().name(stage)
    }
}
