//! Which stage speaks to which, and over what when they stand on different threads.

use super::model::{Config, FeedSource, Full, Ring, Session};
use super::stages::StageId;

/// Slots of a link of market data, unless configured.
pub const MARKET_SLOTS: u32 = 8192;
/// Slots of every other link between stages, unless configured.
pub const ORDER_SLOTS: u32 = 1024;
/// Slots of the ring from the control thread to each hot thread.
pub const CONTROL_SLOTS: u32 = 256;
/// The group of strategies that are built in, unless configured.
pub const GROUP: &str = "built-in";

/// What a link carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Books, trades and feed states to a strategy.
    FeedToStrategy,
    /// The same to risk, which keeps references and marks.
    FeedToRisk,
    /// The same to a paper gateway, which fills against them.
    FeedToGateway,
    /// Intents.
    StrategyToRisk,
    /// Approved orders and cancels.
    RiskToGateway,
    /// Execution reports.
    GatewayToRisk,
    /// Order updates.
    RiskToStrategy,
}

impl Edge {
    /// What a full link of this kind may do; the first is the default. `source` is that of the feed
    /// it comes from, if it does.
    #[must_use]
    pub const fn fulls(self, source: Option<&FeedSource>) -> &'static [Full] {
        match self {
            Self::FeedToStrategy | Self::FeedToRisk | Self::FeedToGateway => match source {
                Some(source) => source.fulls(),
                None => &[Full::Conflate],
            },
            Self::StrategyToRisk | Self::RiskToGateway => &[Full::Busy],
            Self::GatewayToRisk => &[Full::Hold],
            Self::RiskToStrategy => &[Full::Conflate],
        }
    }
}

/// A link, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPlan {
    /// The stage that writes.
    pub from: StageId,
    /// The stage that reads.
    pub to: StageId,
    /// What it carries.
    pub edge: Edge,
    /// Whether it joins two threads; on one thread the other fields do not matter, save `slots`.
    pub hop: bool,
    /// Which ring.
    pub ring: Ring,
    /// Messages it holds; a power of two.
    pub slots: u32,
    /// What happens when it is full.
    pub full: Full,
    /// Readers of one feed with the same group share one disruptor; empty for other rings.
    pub group: String,
}

/// Every pair of stages between which messages go, in flow order, reports after orders.
pub(super) fn pairs(config: &Config) -> Vec<(StageId, StageId, Edge)> {
    let mut pairs = Vec::new();
    for feed in &config.feeds {
        let from = StageId::Feed(feed.id);
        for strategy in config.strategies.iter().filter(|known| known.feeds.contains(&feed.id)) {
            pairs.push((from, StageId::Strategy(strategy.id), Edge::FeedToStrategy));
        }
        pairs.push((from, StageId::Risk, Edge::FeedToRisk));
        for gateway in &config.gateways {
            if (Session::Paper { feed: feed.id }) == gateway.session {
                pairs.push((from, StageId::Gateway(gateway.id), Edge::FeedToGateway));
            }
        }
    }
    for strategy in &config.strategies {
        pairs.push((StageId::Strategy(strategy.id), StageId::Risk, Edge::StrategyToRisk));
    }
    for gateway in &config.gateways {
        pairs.push((StageId::Risk, StageId::Gateway(gateway.id), Edge::RiskToGateway));
    }
    for gateway in &config.gateways {
        pairs.push((StageId::Gateway(gateway.id), StageId::Risk, Edge::GatewayToRisk));
    }
    for strategy in &config.strategies {
        pairs.push((StageId::Risk, StageId::Strategy(strategy.id), Edge::RiskToStrategy));
    }
    pairs
}

/// All links, with what the configuration says of them; later `[[link]]` tables win. `thread_of`
/// says on which thread a stage stands.
pub(super) fn resolve(
    config: &Config,
    thread_of: impl Fn(StageId) -> Option<usize>,
) -> Vec<LinkPlan> {
    pairs(config)
        .into_iter()
        .map(|(from, to, edge)| one(config, &thread_of, from, to, edge))
        .collect()
}

fn one(
    config: &Config,
    thread_of: &impl Fn(StageId) -> Option<usize>,
    from: StageId,
    to: StageId,
    edge: Edge,
) -> LinkPlan {
    let source = match from {
        StageId::Feed(id) => config.feeds.get(id.index()).map(|feed| &feed.source),
        StageId::Strategy(_) | StageId::Risk | StageId::Gateway(_) => None,
    };
    let market = matches!(edge, Edge::FeedToStrategy | Edge::FeedToRisk | Edge::FeedToGateway);
    let mut plan = LinkPlan {
        from,
        to,
        edge,
        hop: thread_of(from) != thread_of(to),
        ring: if edge == Edge::FeedToStrategy { Ring::Disruptor } else { Ring::Slot },
        slots: if market { MARKET_SLOTS } else { ORDER_SLOTS },
        full: edge.fulls(source).first().copied().unwrap_or_default(),
        group: GROUP.to_owned(),
    };
    for link in &config.links {
        if link.from.contains(&from) && link.to.contains(&to) {
            plan.ring = link.ring.unwrap_or(plan.ring);
            plan.slots = link.slots.unwrap_or(plan.slots);
            plan.full = link.full.unwrap_or(plan.full);
            if let Some(group) = &link.group {
                plan.group.clone_from(group);
            }
        }
    }
    if plan.ring != Ring::Disruptor {
        plan.group.clear();
    }
    plan
}
