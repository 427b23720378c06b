//! The records that open a session: a journal explains itself.

#![expect(clippy::disallowed_types, clippy::disallowed_macros, reason = "cold: before the start")]

use super::assemble::stage_byte;
use super::limit_set::LimitsInForce;
use super::opening::{Opening, SentMessage};
use crate::clock::Clock;
use crate::config::topology::Plan;
use crate::config::{Loaded, StageId};
use feed::instruments::Instruments;
use shm::ids::GatewayId;
use shm::journal::{LaneFull, LaneWriter};
use shm::record::status::{Anchor, SessionOpen, Text};
use shm::record::{RecordKind, StageId as RecordStage};
use shm::region::LAYOUT_HASH;
use shm::units::Nanos;

/// What is written.
pub(super) struct OpeningRecords<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) instruments: &'a Instruments,
    pub(super) plan: &'a Plan,
    pub(super) opening: &'a Opening,
    pub(super) limits: &'a LimitsInForce,
    pub(super) clock: &'a Clock,
    pub(super) epoch: u16,
    pub(super) days: u32,
}

/// Writes the opening into all lanes; `lanes[0]` is the control thread's, the others are those of
/// the plan's threads. `OpenComplete` comes last: without it a session never began.
///
/// # Errors
/// [`LaneFull`]: the segments are too few or too small.
pub(super) fn write_opening(
    lanes: &mut [LaneWriter],
    with: &OpeningRecords<'_>,
) -> Result<(), LaneFull> {
    let now = with.clock.now();
    for (at, lane) in lanes.iter_mut().enumerate() {
        if let Some(row) = at.checked_sub(1).and_then(|thread| with.plan.threads.get(thread)) {
            for stage in &row.stages {
                write_carried(lane, *stage, with.opening, now)?;
            }
        }
    }
    let count = lanes.len().saturating_sub(1);
    let Some(lane) = lanes.first_mut() else { return Ok(()) };
    let config = with.loaded.to_toml();
    let open = SessionOpen {
        wall: now,
        layout: LAYOUT_HASH,
        date: with.days,
        pid: std::process::id(),
        len: config.len() as u32,
        epoch: with.epoch,
        lanes: count as u8,
        ..SessionOpen::default()
    };
    write(lane, RecordKind::SessionOpen, open.bytes(), config.as_bytes(), now)?;
    text(lane, RecordKind::Instruments, &instruments_csv(with.instruments), now)?;
    text(lane, RecordKind::Topology, &topology(with), now)?;
    write(lane, RecordKind::LimitSet, &with.limits.body(), &[], now)?;
    let point = with.clock.anchor();
    let anchor = Anchor {
        engine: point.engine,
        wall: point.wall,
        tsc: point.tsc,
        uncertainty: point.uncertainty,
    };
    write(lane, RecordKind::Anchor, anchor.bytes(), &[], now)?;
    text(lane, RecordKind::OpenComplete, "", now)
}

fn write(
    lane: &mut LaneWriter,
    kind: RecordKind,
    body: &[u8],
    more: &[u8],
    now: Nanos,
) -> Result<(), LaneFull> {
    let body = [body, more].concat();
    lane.append(kind as u16, RecordStage::CONTROL.0, 0, now, &body).map(|_| ())
}

fn text(lane: &mut LaneWriter, kind: RecordKind, text: &str, now: Nanos) -> Result<(), LaneFull> {
    let head = Text { len: text.len() as u32, ..Text::default() };
    write(lane, kind, head.bytes(), text.as_bytes(), now)
}

/// The instrument file as it was read, in id order: reading it gives the same table.
fn instruments_csv(instruments: &Instruments) -> String {
    let mut text = feed::instruments::COLUMNS.join(",");
    text.push('\n');
    for row in instruments.iter() {
        let bands = row.ticks.iter().filter(|band| band.tick.0 > 0);
        let ticks: Vec<String> = bands.map(|band| format!("{}:{}", band.from, band.tick)).collect();
        let close =
            if row.prior_close.is_none() { String::new() } else { row.prior_close.to_string() };
        text.push_str(&format!(
            "{},{},{},{},{},{},{},{},{},{},{}\n",
            row.venue,
            row.symbol,
            row.currency,
            row.multiplier,
            row.lot,
            row.qty_min,
            row.qty_max,
            row.px_min,
            row.px_max,
            close,
            ticks.join("|")
        ));
    }
    text
}

/// One line a thread: name, core, wait, stages.
fn topology(with: &OpeningRecords<'_>) -> String {
    let mut text = String::from(with.plan.placement.name());
    text.push('\n');
    for row in &with.plan.threads {
        text.push_str(&row.name);
        text.push_str(if row.core.is_some() { " pinned " } else { " free " });
        text.push_str(row.wait.name());
        for stage in &row.stages {
            text.push(' ');
            text.push_str(&with.loaded.config.stage_name(*stage));
        }
        text.push('\n');
    }
    text
}

/// What a stage begins with, as its own first records.
fn write_carried(
    lane: &mut LaneWriter,
    stage: StageId,
    opening: &Opening,
    now: Nanos,
) -> Result<(), LaneFull> {
    let byte = stage_byte(stage).0;
    match stage {
        StageId::Feed(_) => {}
        StageId::Strategy(id) => {
            for down in opening.down.iter().filter(|down| down.strategy == id.0) {
                lane.append(RecordKind::CarryStrategy as u16, byte, 0, now, down.bytes())?;
            }
        }
        StageId::Risk => {
            for kept in &opening.risk {
                lane.append(kept.kind as u16, byte, 0, now, &kept.body)?;
            }
        }
        StageId::Gateway(id) => {
            let of_gateway = |gateway: u8| GatewayId(gateway) == id;
            for SentMessage { tx, bytes } in
                opening.messages.iter().filter(|sent| of_gateway(sent.tx.gateway))
            {
                let body = [tx.bytes(), bytes].concat();
                lane.append(RecordKind::CarryTx as u16, byte, 0, now, &body)?;
            }
            for session in opening.sessions.iter().filter(|known| of_gateway(known.gateway)) {
                lane.append(RecordKind::VenueSession as u16, byte, 0, now, session.bytes())?;
            }
        }
    }
    Ok(())
}
