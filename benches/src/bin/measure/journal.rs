//! Appends of a record of 128 bytes to a lane as a start makes it: a file in memory, mapped,
//! touched, locked. Each append is timed from one reading of the clock to the next, so that a
//! reading is in every sample; what readings alone come to is printed beside it.

use std::fs;
use std::path::Path;

use engine::clock::Clock;
use engine::pin;
use shm::journal::{Lane, LaneSpec};
use wirelane_benches::figure::{Figure, Samples};
use wirelane_benches::trip::GAP_NS;

/// Bytes of a segment.
const SEGMENT_BYTES: usize = 4 << 20;
/// Records of one segment, its ends left out.
const SEGMENT_RECORDS: usize = SEGMENT_BYTES / 128 - 1;
/// Segments filled in a round.
const SEGMENTS: usize = 10;
/// Body of a record that with its head is 128 bytes: an approval.
const BODY: [u8; 96] = [7; 96];

/// One round: appends, readings alone, gaps among these.
struct Round {
    appends: Vec<u64>,
    readings: Vec<u64>,
    page_faults: u64,
}

fn round(lane: &mut Lane, clock: &Clock, at: &mut u64) -> Round {
    let mut appends = Vec::with_capacity(SEGMENTS * SEGMENT_RECORDS);
    let mut readings = vec![0; SEGMENT_RECORDS];
    let mut scratch = Vec::with_capacity(256);
    appends.resize(appends.capacity(), 0);
    let mut page_faults = 0;
    for segment in appends.chunks_mut(SEGMENT_RECORDS) {
        let before = pin::usage();
        let mut last = clock.now();
        for took in segment {
            *at += 1;
            let placed = lane.writer.append(1, 2, *at, last, &BODY);
            assert!(placed.is_ok(), "the lane has room");
            let now = clock.now();
            *took = now.saturating_since(last).0;
            last = now;
        }
        page_faults += pin::usage().page_faults - before.page_faults;
        while let Ok(Some(_)) = lane.tail.take(&mut scratch) {}
    }
    let mut last = clock.now();
    for took in &mut readings {
        let now = clock.now();
        *took = now.saturating_since(last).0;
        last = now;
    }
    Round { appends, readings, page_faults }
}

/// What the machine is answerable for, from the gaps between readings alone.
fn machine(round: &Round) -> usize {
    let is_gap = |took: &&u64| **took > GAP_NS;
    let gaps = round.readings.iter().filter(is_gap).count();
    let had: u64 = round.readings.iter().filter(|took| !is_gap(took)).sum();
    let exposed: u64 = round.appends.iter().filter(|took| !is_gap(took)).sum();
    (gaps as f64 / had as f64 * exposed as f64) as usize
}

fn measure(folder: &Path, rounds: usize) -> Vec<Figure> {
    let spec =
        LaneSpec { lane: 1, epoch: 1, segment_bytes: SEGMENT_BYTES, segments: 4, layout_hash: 0 };
    let mut lane = Lane::create(folder, spec).expect("room in memory for four segments");
    let clock = Clock::start();
    let mut p50 = Figure::new("journal_append_p50_ns", "ns");
    let mut p999 = Figure::new("journal_append_p999_ns", "ns");
    let mut all_p999 = Figure::new("journal_append_all_p999_ns", "ns");
    let mut empty = Figure::new("journal_empty_p50_ns", "ns");
    let mut faults = Figure::new("journal_append_page_faults", "faults");
    let mut at = 0;
    round(&mut lane, &clock, &mut at);
    for _ in 0..rounds {
        let round = round(&mut lane, &clock, &mut at);
        let machine = machine(&round);
        faults.values.push(round.page_faults as f64);
        empty.values.push(Samples::new(round.readings).quantile(0.5) as f64);
        let all = Samples::new(round.appends);
        let own = all.without_greatest(machine);
        p50.values.push(own.quantile(0.5) as f64);
        p999.values.push(own.quantile(0.999) as f64);
        all_p999.values.push(all.quantile(0.999) as f64);
    }
    println!("lane locked: {}; {SEGMENTS} segments a round", lane.locked);
    vec![p50, p999, all_p999, empty, faults]
}

pub(crate) fn run(rounds: usize) -> Vec<Figure> {
    let folder = format!("/dev/shm/wirelane-bench-{}", std::process::id());
    let folder = Path::new(&folder);
    let figures = measure(folder, rounds);
    if let Err(error) = fs::remove_dir_all(folder) {
        eprintln!("{} is left: {error}", folder.display());
    }
    figures
}
