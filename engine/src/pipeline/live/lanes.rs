//! The lanes of a run: made, put in the order they are archived in, and how far risk's is durable.

use super::super::limit_set::LimitsInForce;
use super::super::opening::Opening;
use super::super::record::{OpeningRecords, write_opening};
use super::super::start_error::StartError;
use super::Site;
use crate::config::model::JournalMode;
use crate::config::topology::Plan;
use crate::config::{Loaded, StageId};
use feed::instruments::Instruments;
use shm::journal::{DurableMark, Lane, LaneSpec, LaneTail, LaneWriter};
use shm::region::LAYOUT_HASH;

impl Site {
    /// Mode `sync`: how far the lane of the risk stage is durable.
    pub(super) fn durable_mark(&self, lanes: &[LaneWriter]) -> Option<DurableMark> {
        self.risk_lane(lanes).filter(|_| self.config.journal.mode == JournalMode::Sync)
    }

    /// How far the lane of the risk stage is durable.
    pub(super) fn risk_lane(&self, lanes: &[LaneWriter]) -> Option<DurableMark> {
        let thread = self.plan.threads.iter().position(|row| row.stages.contains(&StageId::Risk));
        thread.and_then(|at| lanes.get(at + 1)).map(LaneWriter::durable_mark)
    }
}

/// Makes the lanes and writes the session's opening into them.
pub(super) fn open_lanes(
    site: &Site,
    loaded: &Loaded,
    instruments: &Instruments,
    (opening, limits): (&Opening, &LimitsInForce),
) -> Result<(Vec<LaneWriter>, Vec<LaneTail>), StartError> {
    let (mut lanes, tails) = make_lanes(site)?;
    let records = OpeningRecords {
        loaded,
        instruments,
        plan: &site.plan,
        opening,
        limits,
        clock: &site.clock,
        epoch: site.home.epoch,
        days: site.days,
    };
    write_opening(&mut lanes, &records).map_err(|_| StartError::OpeningTooLong)?;
    Ok((lanes, tails))
}

fn make_lanes(site: &Site) -> Result<(Vec<LaneWriter>, Vec<LaneTail>), StartError> {
    let mut writers = Vec::new();
    let mut tails = Vec::new();
    for lane in 0..=site.plan.threads.len() {
        let spec = LaneSpec {
            lane: lane as u16,
            epoch: site.home.epoch,
            segment_bytes: site.plan.segment_bytes as usize,
            segments: site.config.journal.segments,
            layout_hash: LAYOUT_HASH,
        };
        let made = Lane::create(&site.home.hot_dir, spec)?;
        writers.push(made.writer);
        tails.push(made.tail);
    }
    Ok((writers, tails))
}

/// Effects before causes: gateways' lanes, then the others, lane 0 last.
pub(super) fn archive_order(tails: Vec<LaneTail>, plan: &Plan) -> Vec<LaneTail> {
    let has_gateway = |tail: &LaneTail| {
        let thread =
            usize::from(tail.spec().lane).checked_sub(1).and_then(|at| plan.threads.get(at));
        thread
            .is_some_and(|row| row.stages.iter().any(|stage| matches!(stage, StageId::Gateway(_))))
    };
    let (mut first, mut rest): (Vec<_>, Vec<_>) = tails.into_iter().partition(has_gateway);
    rest.sort_by_key(|tail| core::cmp::Reverse(tail.spec().lane));
    first.extend(rest);
    first
}
