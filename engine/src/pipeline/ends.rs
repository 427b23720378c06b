//! Makes every link of a plan and keeps its ends until their stages take them.

use crate::config::links::{CONTROL_SLOTS, Edge, LinkPlan};
use crate::config::model::{Full, Ring};
use crate::config::{Config, StageId};
use crate::link::{self, Input, Output};

/// The two ends of a link, each taken once.
#[derive(Default)]
struct Pair {
    output: Option<Output>,
    input: Option<Input>,
}

/// All links.
pub(super) struct Ends {
    /// Feed outputs in the stage's own order, with the stages behind each.
    market: Vec<MarketOut>,
    /// Every other link, and the reading ends of the market links.
    pairs: Vec<(StageId, StageId, Pair)>,
    /// Control thread to strategies and risk.
    commands: Vec<(StageId, Pair)>,
}

struct MarketOut {
    from: StageId,
    output: Option<Output>,
    /// A reader that must miss nothing makes the link lossless for all who share it.
    full: Full,
}

impl Ends {
    /// Makes the links: rings for a live run, unbounded queues for a replay.
    pub(super) fn make(config: &Config, links: &[LinkPlan], replay: bool) -> Self {
        let mut ends = Self { market: Vec::new(), pairs: Vec::new(), commands: Vec::new() };
        for feed in &config.feeds {
            ends.make_market(StageId::Feed(feed.id), links, replay);
        }
        for link in links.iter().filter(|link| !is_market(link.edge)) {
            let (output, input) = one(link, replay);
            let pair = Pair { output: Some(output), input: Some(input) };
            ends.pairs.push((link.from, link.to, pair));
        }
        for stage in config.stages() {
            if matches!(stage, StageId::Strategy(_) | StageId::Risk) {
                let (output, input) =
                    if replay { queue() } else { link::ring(CONTROL_SLOTS as usize) };
                ends.commands.push((stage, Pair { output: Some(output), input: Some(input) }));
            }
        }
        ends
    }

    /// One output per broadcast group, then one per ring, in the plan's order: the same for every
    /// layout of a configuration, since the index of an output stands in records.
    fn make_market(&mut self, from: StageId, links: &[LinkPlan], replay: bool) {
        let mine = || links.iter().filter(move |link| link.from == from && is_market(link.edge));
        let mut groups: Vec<&str> = Vec::new();
        for link in mine().filter(|link| link.ring == Ring::Disruptor) {
            if !groups.contains(&link.group.as_str()) {
                groups.push(&link.group);
            }
        }
        for group in groups {
            let readers: Vec<&LinkPlan> =
                mine().filter(|link| link.ring == Ring::Disruptor && link.group == group).collect();
            let slots = readers.iter().map(|link| link.slots).max().unwrap_or_default() as usize;
            let (output, inputs) = if replay {
                link::replay(readers.len())
            } else {
                link::broadcast(slots, readers.len())
            };
            let holds = readers.iter().any(|link| link.full == Full::Hold);
            let full = if holds { Full::Hold } else { Full::Conflate };
            self.market.push(MarketOut { from, output: Some(output), full });
            for (reader, input) in readers.into_iter().zip(inputs) {
                self.pairs.push((from, reader.to, Pair { output: None, input: Some(input) }));
            }
        }
        for link in mine().filter(|link| link.ring != Ring::Disruptor) {
            let (output, input) = one(link, replay);
            self.market.push(MarketOut { from, output: Some(output), full: link.full });
            self.pairs.push((from, link.to, Pair { output: None, input: Some(input) }));
        }
    }

    /// The outputs of a feed with what each does when it is full, in the stage's own order.
    pub(super) fn market_outputs(&mut self, from: StageId) -> Vec<(Output, Full)> {
        let mine = self.market.iter_mut().filter(|market| market.from == from);
        mine.filter_map(|market| Some((market.output.take()?, market.full))).collect()
    }

    /// The reading end between two stages; one that is never fed if there is no such link.
    pub(super) fn input(&mut self, from: StageId, to: StageId) -> Input {
        let pair = self.pairs.iter_mut().find(|(a, b, _)| (*a, *b) == (from, to));
        pair.and_then(|(_, _, pair)| pair.input.take()).unwrap_or_else(Input::closed)
    }

    /// The writing end between two stages.
    pub(super) fn output(&mut self, from: StageId, to: StageId) -> Option<Output> {
        let pair = self.pairs.iter_mut().find(|(a, b, _)| (*a, *b) == (from, to));
        pair.and_then(|(_, _, pair)| pair.output.take())
    }

    /// Where a stage hears commands.
    pub(super) fn command_input(&mut self, stage: StageId) -> Input {
        let pair = self.commands.iter_mut().find(|(known, _)| *known == stage);
        pair.and_then(|(_, pair)| pair.input.take()).unwrap_or_else(Input::closed)
    }

    /// Where commands are given, by stage.
    pub(super) fn command_outputs(&mut self) -> Vec<(StageId, Output)> {
        let each = self.commands.iter_mut();
        each.filter_map(|(stage, pair)| Some((*stage, pair.output.take()?))).collect()
    }
}

const fn is_market(edge: Edge) -> bool {
    match edge {
        Edge::FeedToStrategy | Edge::FeedToRisk | Edge::FeedToGateway => true,
        Edge::StrategyToRisk | Edge::RiskToGateway | Edge::GatewayToRisk | Edge::RiskToStrategy => {
            false
        }
    }
}

fn one(link: &LinkPlan, replay: bool) -> (Output, Input) {
    let slots = link.slots as usize;
    match link.ring {
        _ if replay => queue(),
        Ring::Rtrb => link::rtrb(slots),
        // A disruptor is for market links alone, which the configuration has checked.
        Ring::Slot | Ring::Disruptor => link::ring(slots),
    }
}

fn queue() -> (Output, Input) {
    let (output, mut inputs) = link::replay(1);
    (output, inputs.pop().unwrap_or_else(Input::closed))
}
