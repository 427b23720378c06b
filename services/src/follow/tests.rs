use super::*;
use crate::tally::Tally;
use shm::journal::{Archiver, Lane as HotLane, LaneSpec, LaneWriter, link_hot};
use shm::reason::Reason;
use shm::record::Stage;
use shm::record::order::Denied;
use shm::record::status::Text;
use std::path::PathBuf;

struct Engine {
    lanes: Vec<LaneWriter>,
    archiver: Archiver,
}

impl Engine {
    /// Two lanes of 1 KiB segments.
    fn start(base: &Path, epoch: u16) -> Self {
        let (hot, dir) = (base.join("hot-files"), base.join("dir"));
        std::fs::create_dir_all(&hot).unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        link_hot(&dir, &hot).unwrap();
        let (mut lanes, mut tails) = (Vec::new(), Vec::new());
        for lane in 0..2 {
            let spec = LaneSpec { lane, epoch, segment_bytes: 1024, segments: 3, layout_hash: 1 };
            let made = HotLane::create(&hot, spec).unwrap();
            lanes.push(made.writer);
            tails.push(made.tail);
        }
        Self { lanes, archiver: Archiver::create(&dir, epoch, tails).unwrap() }
    }

    fn put(&mut self, lane: usize, kind: RecordKind, ts: u64) {
        let denied = Denied { reason: Reason::Collar as u8, ..Denied::default() };
        let body = match kind {
            RecordKind::Denied => denied.bytes().to_vec(),
            _ => Text::default().bytes().to_vec(),
        };
        let stage = StageId::new(Stage::Risk, 0).0;
        self.lanes[lane].append(kind as u16, stage, 0, Nanos(ts), &body).unwrap();
        self.archiver.turn(Nanos(ts), Nanos(0)).unwrap();
    }

    fn stop(mut self) {
        self.put(0, RecordKind::SessionClose, 99);
        self.archiver.close(Nanos(99)).unwrap();
    }
}

fn drain(follower: &mut Follower, tally: &mut Tally) -> Turn {
    loop {
        let turn = follower.turn(8, &mut |taken| tally.count(taken)).unwrap();
        if !turn.behind && turn.records == 0 {
            return turn;
        }
    }
}

/// Goal: every record of every session is handed out once, over restarts of reader and engine, also
/// when segments were reused meanwhile. Method: three sessions of many small segments; the reader
/// is dropped and opened again after each save; one record is read and not saved, and comes again.
#[test]
fn each_record_comes_once_over_restarts() {
    let temp = tempfile::tempdir().unwrap();
    let dir: PathBuf = temp.path().join("dir");
    std::fs::create_dir_all(&dir).unwrap();
    let cursor = temp.path().join("reader.cursor");
    let mut tally = Tally::default();
    let open = || Follower::open(&dir, &cursor).unwrap();
    let mut follower = open();
    assert_eq!(drain(&mut follower, &mut tally), Turn::default());
    for epoch in 1..=3_u16 {
        let mut engine = Engine::start(temp.path(), epoch);
        for round in 0..20_u64 {
            engine.put(0, RecordKind::Anchor, round);
            engine.put(1, RecordKind::Denied, round);
            if round % 7 == 3 {
                drain(&mut follower, &mut tally);
                follower.save().unwrap();
                follower = open();
            }
        }
        engine.stop();
    }
    let turn = drain(&mut follower, &mut tally);
    assert!(turn.closed, "the last session was closed in order");
    assert_eq!((follower.epoch(), follower.since_last(Nanos(150))), (Some(3), Nanos(51)));
    assert_eq!((tally.of(RecordKind::Anchor), tally.of(RecordKind::Denied)), (60, 60));
    assert_eq!((tally.refused(Reason::Collar), tally.of(RecordKind::SessionClose)), (60, 3));
    assert_eq!((tally.records, tally.unknown), (123, 0));
    // Not saved since the last restart: those come again, and no others.
    let mut again = Tally::default();
    drain(&mut open(), &mut again);
    assert!(again.records > 0 && again.records < tally.records, "{again}");
    follower.save().unwrap();
    let mut none = Tally::default();
    drain(&mut open(), &mut none);
    assert_eq!(none.records, 0, "everything was dealt with");
}
