//! What risk is told before the start, from the configuration and the instruments.

use super::assemble::Assembly;
use crate::config::calendar::instant;
use crate::config::model::{OnLoss, OnUnresolved, Session};
use crate::position::FeeRates;
use crate::risk::capability::{Capability, Hours};
use crate::risk::setup as risk_setup;
use shm::ids::FeedId;
use shm::units::Nanos;

impl Assembly<'_> {
    /// Hours of the session date on the engine's clock.
    fn hours(&self) -> Hours {
        let market = &self.config.market;
        let at = |minutes| instant(&market.zone, self.days, minutes).ok();
        let between = |hours: Option<(u32, u32)>| {
            let (from, to) = hours?;
            // A date that has no such hour has no session: nothing is entered.
            Some((at(from).unwrap_or(Nanos(u64::MAX)), at(to).unwrap_or(Nanos(0))))
        };
        Hours { open: between(market.hours), regular: between(market.regular) }
    }

    /// What risk is told before start.
    #[must_use]
    pub fn risk_setup(&self) -> risk_setup::Setup {
        let config = self.config;
        let feed_of = |venue| config.feeds.iter().find(|feed| feed.venue == venue);
        let instruments = self.instruments.iter().map(|row| {
            let feed = feed_of(row.venue).map_or(FeedId(0), |feed| feed.id);
            risk_setup::Instrument::of(row, feed)
        });
        let mut groups: Vec<&str> = config.accounts.iter().map(|row| row.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        let accounts = config.accounts.iter().map(|row| risk_setup::Account {
            rates: FeeRates { fee: row.fee_per_share, rebate: row.rebate_per_share },
            group: groups.iter().position(|name| *name == row.group).unwrap_or(0) as u16,
            self_trade: row.self_trade,
        });
        let gateways = config.gateways.iter().map(|row| risk_setup::Gateway {
            rate: row.send.rate,
            reserve: row.send.reserve,
            per: row.send.per,
            capability: match row.session {
                Session::Ouch50 { .. } => Capability::OUCH50,
                Session::Paper { .. } => Capability::PAPER,
            },
        });
        let strategies = self.bound.slots.iter().map(|range| {
            let strategy =
                range.strategy.index().checked_sub(1).and_then(|at| config.strategies.get(at));
            risk_setup::Strategy {
                account: strategy.map(|row| row.account).unwrap_or_default(),
                gateway: strategy.map(|row| row.gateway).unwrap_or_default(),
                slot_first: range.first,
                slot_count: range.count,
                instruments: self.is_instrument_of(range.strategy).into_vec(),
            }
        });
        risk_setup::Setup {
            epoch: self.epoch,
            instruments: instruments.collect(),
            accounts: accounts.collect(),
            gateways: gateways.collect(),
            strategies: strategies.collect(),
            feeds: config.feeds.len(),
            limits: self.bound.limits.clone(),
            hours: self.hours(),
            memory: risk_setup::Memory::default(),
            answer_max: config.venue.answer_max,
            closes: risk_setup::Closes {
                loss: config.kill.on_loss == OnLoss::Close,
                unresolved: config.kill.on_unresolved == OnUnresolved::Close,
            },
            cost: config.position.cost,
        }
    }
}
