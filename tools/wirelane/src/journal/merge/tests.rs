use super::*;
use shm::journal::{Archiver, Lane as HotLane, LaneSpec, LaneWriter, link_hot};
use shm::record::status::{Text, Tick};
use shm::record::{Stage, StageId};
use shm::units::Nanos;
use std::path::{Path, PathBuf};

/// A journal of one epoch with lanes of 4 KiB segments.
pub(crate) struct Written {
    pub(crate) dir: PathBuf,
    pub(crate) lanes: Vec<LaneWriter>,
    archiver: Option<Archiver>,
}

impl Written {
    pub(crate) fn new(base: &Path, epoch: u16, lanes: u16) -> Self {
        let (hot, dir) = (base.join("hot-files"), base.join("dir"));
        std::fs::create_dir_all(&hot).unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        link_hot(&dir, &hot).unwrap();
        let (mut writers, mut tails) = (Vec::new(), Vec::new());
        for lane in 0..lanes {
            let spec = LaneSpec { lane, epoch, segment_bytes: 4096, segments: 4, layout_hash: 1 };
            let lane = HotLane::create(&hot, spec).unwrap();
            writers.push(lane.writer);
            tails.push(lane.tail);
        }
        let archiver = Some(Archiver::create(&dir, epoch, tails).unwrap());
        Self { dir, lanes: writers, archiver }
    }

    pub(crate) fn put(&mut self, lane: usize, kind: RecordKind, ts: u64, body: &[u8]) {
        let stage = if lane == 0 { StageId::CONTROL } else { StageId::new(Stage::Risk, 0) };
        self.lanes[lane].append(kind as u16, stage.0, 0, Nanos(ts), body).unwrap();
    }

    pub(crate) fn close(&mut self) {
        self.archiver.take().unwrap().close(Nanos(1)).unwrap();
    }
}

/// Goal: lanes come out as one story in time, live and archived alike, and filters leave the rest
/// out. Method: two lanes with interleaved times, read before and after they were archived.
#[test]
fn lanes_are_merged_by_time() {
    let temp = tempfile::tempdir().unwrap();
    let mut written = Written::new(temp.path(), 7, 2);
    written.put(0, RecordKind::OpenComplete, 1, Text::default().bytes());
    for ts in [10, 30, 50] {
        written.put(1, RecordKind::Tick, ts, Tick::default().bytes());
    }
    written.put(0, RecordKind::SessionClose, 40, Text::default().bytes());
    let journal = Journal::open(&written.dir).unwrap();
    let read = |wanted: Wanted| {
        let mut merged = Merged::open(&journal, 7, wanted).unwrap();
        let mut times = Vec::new();
        while let Some(row) = merged.next().unwrap() {
            times.push((row.ts.0, row.lane));
        }
        times
    };
    let all = [(1, 0), (10, 1), (30, 1), (40, 0), (50, 1)];
    assert_eq!(read(Wanted::default()), all);
    written.close();
    assert_eq!(read(Wanted::default()), all);
    let ticks = Wanted { kinds: vec![RecordKind::Tick], ..Wanted::default() };
    assert_eq!(read(ticks), [(10, 1), (30, 1), (50, 1)]);
    assert_eq!(read(Wanted { lanes: vec![0], ..Wanted::default() }), [(1, 0), (40, 0)]);
    let none = Merged::open(&journal, 7, Wanted { lanes: vec![9], ..Wanted::default() });
    assert!(none.err().unwrap().to_string().contains("no lane 9"));
}
