//! Keys of all meters, listed while the shared region is planned.

#![expect(clippy::disallowed_macros, reason = "cold: before the start")]

use crate::config::{Config, StageId};
use crate::telemetry::{FeedKeys, GatewayKeys, RefusalKeys, RiskKeys, StrategyKeys};
use shm::message::BookTop;
use shm::record::order::PositionEvent;
use shm::region::{CellKey, RegionBuilder};

/// Keys of everything a pipeline counts, listed while the region is planned.
pub struct Sheet {
    pub(super) feeds: Vec<Option<(FeedKeys, CellKey<BookTop>)>>,
    pub(super) strategies: Vec<Option<StrategyKeys>>,
    pub(super) risk: Option<(RiskKeys, RefusalKeys, CellKey<PositionEvent>)>,
    pub(super) gateways: Vec<Option<GatewayKeys>>,
}

impl Sheet {
    /// For as many stages as the configuration has.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let empty = |count: usize| (0..count).map(|_| None);
        Self {
            feeds: empty(config.feeds.len()).collect(),
            strategies: (0..=config.strategies.len()).map(|_| None).collect(),
            risk: None,
            gateways: (0..config.gateways.len()).map(|_| None).collect(),
        }
    }

    /// Lists the meters of one stage under the current thread of the region.
    pub fn list(
        &mut self,
        stage: StageId,
        config: &Config,
        instruments: usize,
        builder: &mut RegionBuilder,
    ) {
        let name = config.stage_name(stage);
        match stage {
            StageId::Feed(id) => {
                let keys = FeedKeys::list(builder, &name);
                let cells = builder.cells::<BookTop>(&format!("{name}.top"), instruments.max(1));
                if let Some(place) = self.feeds.get_mut(id.index()) {
                    *place = Some((keys, cells));
                }
            }
            StageId::Strategy(id) => {
                if let Some(place) = self.strategies.get_mut(id.index()) {
                    *place = Some(StrategyKeys::list(builder, &name));
                }
            }
            StageId::Risk => {
                let rows = (config.strategies.len() + 1) * instruments.max(1);
                let keys = RiskKeys::list(builder, &name);
                let refusals = RefusalKeys::list(builder);
                self.risk =
                    Some((keys, refusals, builder.cells::<PositionEvent>("risk.position", rows)));
            }
            StageId::Gateway(id) => {
                if let Some(place) = self.gateways.get_mut(id.index()) {
                    *place = Some(GatewayKeys::list(builder, &name));
                }
            }
        }
    }
}
