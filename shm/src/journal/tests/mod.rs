//! The journal as a whole: lanes on files, archiver, readers, recovery.

mod faults;
mod live;

use super::*;
use crate::units::Nanos;
use std::path::{Path, PathBuf};

/// A journal in a temporary folder: `hot` on tmpfs where there is one, `dir` beside it.
struct Place {
    _temp: tempfile::TempDir,
    hot: PathBuf,
    dir: PathBuf,
}

impl Place {
    fn new() -> Self {
        let base = Path::new("/dev/shm");
        let base = if base.is_dir() { base.to_path_buf() } else { std::env::temp_dir() };
        let temp = tempfile::tempdir_in(base).unwrap();
        let (hot, dir) = (temp.path().join("hot"), temp.path().join("dir"));
        std::fs::create_dir_all(&hot).unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        link_hot(&dir, &hot).unwrap();
        Self { _temp: temp, hot, dir }
    }

    /// Lanes of 1 KiB segments and their archiver, which reads lane 1 first.
    fn start(&self, epoch: u16, lanes: u16, segments: u32) -> (Vec<LaneWriter>, Archiver) {
        let (mut writers, mut tails) = (Vec::new(), Vec::new());
        for lane in 0..lanes {
            let lane = Lane::create(&self.hot, spec(epoch, lane, 1024, segments)).unwrap();
            writers.push(lane.writer);
            tails.insert(0, lane.tail);
        }
        (writers, Archiver::create(&self.dir, epoch, tails).unwrap())
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.dir).unwrap()
    }
}

fn spec(epoch: u16, lane: u16, segment_bytes: usize, segments: u32) -> LaneSpec {
    LaneSpec { lane, epoch, segment_bytes, segments, layout_hash: 0x1234 }
}

/// The body that record `seq` of a lane has in these tests.
fn body(lane: u16, seq: u64) -> Vec<u8> {
    let len = (seq * 37 + u64::from(lane) * 11) % 190;
    (0..len).map(|at| (at * 7 + seq * 3 + u64::from(lane)) as u8).collect()
}

/// Appends the next record of a lane.
fn append(writer: &mut LaneWriter) -> Result<LaneSeq, LaneFull> {
    let seq = writer.last_seq().next().0;
    let bytes = body(writer.spec().lane, seq);
    writer.append((seq % 50) as u16, 3, seq * 2, Nanos(seq * 10), &bytes)
}

/// Checks that a record is the one these tests wrote.
fn check(lane: u16, record: &Record<'_>) {
    let seq = record.seq.0;
    assert_eq!(record.header.seq, record.seq.low());
    assert_eq!(u64::from(record.header.kind), seq % 50);
    assert_eq!((record.header.at, record.header.ts), (seq * 2, seq * 10));
    assert_eq!(record.body, body(lane, seq));
}

/// Reads to the end of what is there; the last record.
fn drain(reader: &mut LaneReader) -> LaneSeq {
    let lane = reader.position().lane;
    while let Some(record) = reader.next().unwrap() {
        check(lane, &record);
    }
    reader.position().seq
}

/// A small generator, seeded and printed by the tests.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
