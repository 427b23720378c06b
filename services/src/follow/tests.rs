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
    let mut idle = 0;
    loop {
        let turn = follower.turn(8, &mut |taken| tally.count(taken)).unwrap();
        // The first turn that finds nothing does not look whether something should be there.
        idle = if !turn.behind && turn.records == 0 { idle + 1 } else { 0 };
        if idle == 2 {
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
    let mut saved = Vec::new();
    let mut tally = Tally::default();
    let open = |from: &[Position]| Follower::open(&dir, from).unwrap();
    let mut follower = open(&saved);
    assert_eq!(drain(&mut follower, &mut tally), Turn::default());
    for epoch in 1..=3_u16 {
        let mut engine = Engine::start(temp.path(), epoch);
        for round in 0..20_u64 {
            engine.put(0, RecordKind::Anchor, round);
            engine.put(1, RecordKind::Denied, round);
            if round % 7 == 3 {
                drain(&mut follower, &mut tally);
                saved = follower.positions();
                follower = open(&saved);
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
    drain(&mut open(&saved), &mut again);
    assert!(again.records > 0 && again.records < tally.records, "{again}");
    let mut none = Tally::default();
    drain(&mut open(&follower.positions()), &mut none);
    assert_eq!(none.records, 0, "everything was dealt with");
}

/// Goal: what retention took is told, once, and the rest is read; a session that is gone is passed
/// over, a journal that is older than what was read is refused. Method: a reader stops in the first
/// segments, which are removed with others behind them; then whole sessions are.
#[test]
fn what_was_removed_is_told_and_the_rest_is_read() {
    let temp = tempfile::tempdir().unwrap();
    let dir: PathBuf = temp.path().join("dir");
    let mut engine = Engine::start(temp.path(), 5);
    let mut follower = Follower::open(&dir, &[]).unwrap();
    engine.put(1, RecordKind::Denied, 1);
    let mut tally = Tally::default();
    drain(&mut follower, &mut tally);
    for round in 0..40 {
        engine.put(1, RecordKind::Denied, round);
    }
    let lane = dir.join("journal/epoch-00005/lane-1");
    let mut segments: Vec<_> =
        std::fs::read_dir(&lane).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    for segment in segments.iter().take(3) {
        std::fs::remove_file(segment).unwrap();
    }
    drain(&mut follower, &mut tally);
    let gaps = follower.take_gaps();
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert_eq!((gap.epoch, gap.lane, gap.after), (5, 1, LaneSeq(1)));
    let lost = gap.first.0 - gap.after.0 - 1;
    assert!(lost > 0, "{gap:?}");
    assert_eq!(tally.of(RecordKind::Denied) + lost, 41);
    assert!(follower.take_gaps().is_empty());
    engine.stop();
    drain(&mut follower, &mut tally);
    let read = follower.positions();
    Engine::start(temp.path(), 9).stop();
    std::fs::remove_dir_all(dir.join("journal/epoch-00005")).unwrap();
    let mut later = Follower::open(&dir, &read).unwrap();
    drain(&mut later, &mut tally);
    assert_eq!(later.epoch(), Some(9));
    let ahead = [Position::start(12, 0)];
    let error = Follower::open(&dir, &ahead).unwrap_err().to_string();
    assert!(error.contains("epoch 9") && error.contains("epoch 12"), "{error}");
}

/// Goal: damage is an error that names file and place, never a signal, and the reader goes on once
/// it is mended. Method: an archived segment is cut short, given another layout version, restored.
#[test]
fn a_cut_or_foreign_segment_is_an_error_and_not_an_end() {
    let temp = tempfile::tempdir().unwrap();
    let dir: PathBuf = temp.path().join("dir");
    let mut engine = Engine::start(temp.path(), 1);
    for round in 0..40 {
        engine.put(1, RecordKind::Denied, round);
    }
    engine.stop();
    std::fs::remove_dir_all(temp.path().join("hot-files")).unwrap();
    let file = dir.join("journal/epoch-00001/lane-1/00000001.seg");
    let whole = std::fs::read(&file).unwrap();
    let mut foreign = whole.clone();
    foreign[8] ^= 0x7f;
    let cases = [
        (&whole[..200], "was durable"),
        (&whole[..100], "00000001.seg"),
        (&foreign, "header is damaged"),
    ];
    for (damaged, told) in cases {
        std::fs::write(&file, damaged).unwrap();
        let mut follower = Follower::open(&dir, &[]).unwrap();
        let mut tally = Tally::default();
        let failed =
            (0..9).find_map(|_| follower.turn(1_000, &mut |taken| tally.count(taken)).err());
        let text = failed.expect("the damage is seen").to_string();
        assert!(text.contains(told), "{told}: {text}");
        std::fs::write(&file, &whole).unwrap();
        drain(&mut follower, &mut tally);
        assert_eq!(tally.of(RecordKind::Denied), 40, "{told}: {tally}");
    }
}
