//! Runs a recording through the stages, on one thread or several.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "cold: nothing of a replay is on a hot thread"
)]

use super::{Recording, ReplayError, Replayed, StreamDigest};
use crate::clock::Clock;
use crate::pipeline::assemble::{Assembly, Pipeline, ReplayEnds, Sheet, World, stage_byte};
use crate::pipeline::opening::Opening;
use crate::risk::Risk;
use crate::stage::gateway::Sink;
use crate::stage::risk::Compiler;
use crate::stage::{Progress, Stage, Turn};
use shm::atomic::{AtomicU64, Ordering};
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::record::{RecordKind, Stage as StageKind, StageId};
use shm::region::RegionBuilder;
use shm::units::Nanos;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No stage moved for this long: the recording does not fit.
const STUCK: Duration = Duration::from_secs(10);

/// Replays a session: the last complete one, or the one of `epoch`; on the layout of the recording,
/// or another.
///
/// # Errors
/// [`ReplayError`].
pub fn run(dir: &Path, epoch: Option<u16>, layout: Option<&str>) -> Result<Replayed, ReplayError> {
    let mut recording = Recording::read(dir, epoch, layout)?;
    recording.is_whole()?;
    let recorded = recording.stream();
    let setup = assembly_of(&recording, &Opening::default()).risk_setup();
    let opening = recording.opening(&setup)?;
    let recorded_state_hash = recorded_state(&recording, &opening, Risk::new(&setup))?;

    let digest = Arc::new(Mutex::new(StreamDigest::new(recording.session_names())));
    let records = std::mem::take(&mut recording.records);
    let assembly = assembly_of(&recording, &opening);
    let compiler = Compiler::of(&setup);
    let ends = ReplayEnds {
        records,
        sinks: sinks(&digest, recording.loaded.config.gateways.len()),
        limits: recording.limits.iter().map(|set| compiler.compile(set)).collect(),
    };
    let clock = Clock::given(Nanos(0));
    let mut builder = RegionBuilder::new(recording.epoch, Nanos(0));
    let mut sheet = Sheet::new(&recording.loaded.config);
    for row in &recording.plan.threads {
        builder.thread(&row.name);
        for stage in &row.stages {
            sheet.list(*stage, &recording.loaded.config, recording.instruments.len(), &mut builder);
        }
    }
    let region = builder.create_in_memory()?;
    let mut pipeline = assembly.build(&clock, &region, sheet, World::Replay(ends))?;
    give_commands(&mut pipeline, &recording);
    let stages = run_threads(pipeline.threads)?;

    let state_hash = stages.iter().find_map(|stage| match stage {
        Stage::Risk(stage) => Some(stage.risk().state_hash()),
        Stage::Feed(_) | Stage::Strategy(_) | Stage::Gateway(_) | Stage::Paper(_) => None,
    });
    drop(stages);
    let digest = Arc::try_unwrap(digest)
        .map_err(|_| ReplayError::Stuck("a sink is still held".to_owned()))?;
    let stream = digest.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
    Ok(Replayed {
        epoch: recording.epoch,
        layout: recording.plan.placement.name().to_owned(),
        order_stream_hash: stream.hash,
        recorded_hash: recorded.hash,
        messages: stream.messages,
        state_hash: state_hash.unwrap_or(0),
        recorded_state_hash,
    })
}

fn assembly_of<'a>(recording: &'a Recording, opening: &'a Opening) -> Assembly<'a> {
    Assembly {
        config: &recording.loaded.config,
        instruments: &recording.instruments,
        bound: &recording.bound,
        plan: &recording.plan,
        epoch: recording.epoch,
        days: recording.days,
        opening,
    }
}

/// The state that the recording's own risk records lead to.
fn recorded_state(
    recording: &Recording,
    opening: &Opening,
    mut risk: Risk,
) -> Result<u64, ReplayError> {
    opening.restore_into(&mut risk)?;
    let records = recording.records.get(&StageId::RISK.0);
    for record in records.into_iter().flatten() {
        risk.restore(record.kind, &record.body, record.ts)?;
    }
    Ok(risk.state_hash())
}

fn sinks(digest: &Arc<Mutex<StreamDigest>>, gateways: usize) -> Vec<Option<Sink>> {
    let each = (0..gateways).map(|gateway| {
        let digest = Arc::clone(digest);
        let sink = move |bytes: &[u8]| {
            digest.lock().unwrap_or_else(PoisonError::into_inner).take(gateway, bytes);
        };
        let sink: Sink = Box::new(sink);
        Some(sink)
    });
    each.collect()
}

/// Commands wait in their links from the start: the stages' `Took` records say when each is taken.
fn give_commands(pipeline: &mut Pipeline, recording: &Recording) {
    for (byte, command) in &recording.commands {
        let output = pipeline.commands.iter_mut().find(|(stage, _)| stage_byte(*stage).0 == *byte);
        if let Some((_, output)) = output {
            let pushed = output.try_push((*command).into(), Nanos(0));
            debug_assert!(pushed.is_ok(), "a replay's links are unbounded");
        }
    }
}

/// A thread of a replay: its stages and a lane that is read away as it is written.
struct Lane {
    stages: Vec<Stage>,
    writer: LaneWriter,
    tail: LaneTail,
}

impl Lane {
    fn new(stages: Vec<Stage>, number: u16) -> Self {
        let spec = LaneSpec {
            lane: number,
            epoch: 1,
            segment_bytes: 1 << 22,
            segments: 4,
            layout_hash: 0,
        };
        let (writer, tail) = LaneWriter::in_memory(spec);
        Self { stages, writer, tail }
    }

    /// One round over the stages. Whether anything moved.
    fn round(&mut self, scratch: &mut Vec<u8>) -> bool {
        let mut moved = false;
        for stage in &mut self.stages {
            // A burst per stage, short enough for the lane.
            for _ in 0..256 {
                let clock = Clock::given(stage.replay_now());
                let now = clock.now();
                let mut turn = Turn::new(now, &mut self.writer, &clock);
                if stage.replay_step(&mut turn) != Progress::Moved {
                    break;
                }
                moved = true;
            }
            while let Ok(Some(_)) = self.tail.take(scratch) {}
        }
        moved
    }

    fn open(&self) -> u64 {
        self.stages.iter().filter(|stage| !stage.is_replayed()).count() as u64
    }

    fn waiting(&self) -> String {
        let open = self.stages.iter().filter(|stage| !stage.is_replayed());
        open.map(Stage::replay_position).collect::<Vec<_>>().join("; ")
    }
}

fn run_threads(threads: Vec<Vec<Stage>>) -> Result<Vec<Stage>, ReplayError> {
    let lanes: Vec<Lane> = threads
        .into_iter()
        .enumerate()
        .map(|(at, stages)| Lane::new(stages, at as u16 + 1))
        .collect();
    let open = Arc::new(AtomicU64::new(lanes.iter().map(Lane::open).sum()));
    let moves = Arc::new(AtomicU64::new(0));
    let rounds: Arc<[AtomicU64]> = lanes.iter().map(|_| AtomicU64::new(0)).collect();
    let mut handles = Vec::new();
    for (at, lane) in lanes.into_iter().enumerate() {
        let (open, moves, rounds) = (Arc::clone(&open), Arc::clone(&moves), Arc::clone(&rounds));
        let body = move || {
            let ended = run_lane(lane, &open, &moves, &rounds, at);
            note_round(&rounds, at, u64::MAX);
            ended
        };
        let handle = std::thread::Builder::new().spawn(body);
        handles.push(handle.map_err(ReplayError::Thread)?);
    }
    let mut stages = Vec::new();
    let mut stuck = Vec::new();
    for handle in handles {
        match handle.join() {
            Ok(Ok(mut lane)) => stages.append(&mut lane.stages),
            Ok(Err(waiting)) => stuck.push(waiting),
            Err(_) => stuck.push("a stage panicked".to_owned()),
        }
    }
    stuck.retain(|text| !text.is_empty());
    if stuck.is_empty() { Ok(stages) } else { Err(ReplayError::Stuck(stuck.join("; "))) }
}

/// How many rounds a lane has ended; the greatest number once it has ended itself.
fn note_round(rounds: &[AtomicU64], at: usize, count: u64) {
    if let Some(mine) = rounds.get(at) {
        // ORDERING: Relaxed; a count that only decides when to look again.
        mine.store(count, Ordering::Relaxed);
    }
}

fn all_rounds(rounds: &[AtomicU64]) -> Vec<u64> {
    // ORDERING: Relaxed; as in `note_round`.
    rounds.iter().map(|count| count.load(Ordering::Relaxed)).collect()
}

/// Runs until every stage of every thread has followed its records, or none moves any more. A
/// thread in the middle of a round may yet move: a strategy may take its time.
fn run_lane(
    mut lane: Lane,
    open: &AtomicU64,
    moves: &AtomicU64,
    rounds: &[AtomicU64],
    at: usize,
) -> Result<Lane, String> {
    let mut scratch = Vec::new();
    let mut last = (u64::MAX, Instant::now());
    let mut seen_rounds = all_rounds(rounds);
    let mut count = 0;
    loop {
        count += 1;
        note_round(rounds, at, count);
        let before = lane.open();
        let moved = lane.round(&mut scratch);
        let ended = before - lane.open();
        // ORDERING: Relaxed; counts that only decide when to look again.
        open.fetch_sub(ended, Ordering::Relaxed);
        if moved {
            // ORDERING: Relaxed; as above.
            moves.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        // ORDERING: Relaxed; as above.
        if open.load(Ordering::Relaxed) == 0 {
            return Ok(lane);
        }
        // ORDERING: Relaxed; as above.
        let seen = moves.load(Ordering::Relaxed);
        if seen != last.0 {
            last = (seen, Instant::now());
            seen_rounds = all_rounds(rounds);
        } else if last.1.elapsed() > STUCK {
            let now = all_rounds(rounds);
            // One full round is one that began after the last look, and ended.
            let mut others = now.iter().zip(&seen_rounds);
            if others.all(|(now, then)| *now > then.saturating_add(1) || *now == u64::MAX) {
                return Err(lane.waiting());
            }
            (last.1, seen_rounds) = (Instant::now(), now);
        }
        std::thread::yield_now();
    }
}

impl Stage {
    fn replay_step(&mut self, turn: &mut Turn<'_>) -> Progress {
        match self {
            Self::Feed(stage) => stage.replay_step(turn),
            Self::Strategy(stage) => stage.replay_step(turn),
            Self::Risk(stage) => stage.replay_step(turn),
            Self::Gateway(stage) => stage.replay_step(turn),
            Self::Paper(stage) => stage.replay_step(turn),
        }
    }

    fn replay(&self) -> &std::collections::VecDeque<crate::stage::Recorded> {
        match self {
            Self::Feed(stage) => stage.replay_records(),
            Self::Strategy(stage) => stage.replay_records(),
            Self::Risk(stage) => stage.replay_records(),
            Self::Gateway(stage) => stage.replay_records(),
            Self::Paper(stage) => stage.replay_records(),
        }
    }

    /// Whether the stage has followed all its records. What a strategy does after its last is of no
    /// consequence: every intent has a record of risk.
    fn is_replayed(&self) -> bool {
        self.replay().is_empty()
    }

    /// Time of the next record: what clocks say in a replay.
    fn replay_now(&self) -> Nanos {
        self.replay().front().map_or(Nanos(0), |record| record.ts)
    }

    fn replay_position(&self) -> String {
        let kind = match self {
            Self::Feed(_) => StageKind::Feed,
            Self::Strategy(_) => StageKind::Strategy,
            Self::Risk(_) => StageKind::Risk,
            Self::Gateway(_) | Self::Paper(_) => StageKind::Gateway,
        };
        let next = self.replay().front();
        let (record, at) = next.map_or((RecordKind::OpenComplete, 0), |next| (next.kind, next.at));
        format!(
            "{kind} waits for the inputs of {record} at {at}, {} records to go",
            self.replay().len()
        )
    }
}
