//! Files of our own that may come back damaged: a configuration, a segment of the journal.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use engine::config::Sources;
use shm::journal::{Archiver, Journal, Lane, LaneSpec, Report, verify};
use shm::units::Nanos;
use tempfile::TempDir;

/// A configuration of each kind of table, short enough to be changed everywhere.
const CONFIG: &str = r#"version = 1
engine = { name = "a", dir = "b", hot_dir = "auto", arm = true, on_stop = "cancel" }
journal = { mode = "async", group_us = 1000, segment_mib = 1, segments = 4, capture = "raw" }
market = { instruments = "i.csv", zone = "UTC", date = "2026-01-05" }
topology = { layout = "auto", wait = "spin", helpers = [0] }
account = [{ name = "m", currency = "USD", fee_per_share = "0.003", rebate_per_share = "0" }]
feed = [{ name = "i", codec = "itch50", a = "127.0.0.1:1", retries = 5 }]
[[gateway]]
name = "o"
session = { codec = "paper" }
send = { rate = 20, reserve = 2, per_ms = 10, order_age_max_us = 5, send_batch_max = 1 }
[[strategy]]
name = "p"
wiring = { kind = "probe", account = "m", feeds = ["i"], gateway = "o", instruments = ["*"], orders_max = 64 }
params = { every = 200, qty = "10", offset_ticks = 20, bad_every = 10 }
[[limits]]
scope = "firm"
order = { qty_max = "1000", value_max = "unlimited", value_min = "0", collar_bps = 500, collar_ticks = 200, reference_age_max_ms = 2000, adv_bps = 10, visible_bps = 1, clock_drift_max_us = 50 }
"#;

/// What loads is written as text that loads to the same; every fault has words.
pub(super) fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Sources::text("x.toml", &text).load() {
        Ok(loaded) => {
            let again = Sources::text("x.toml", &loaded.to_toml()).load();
            let again = again.unwrap_or_else(|report| panic!("{report}"));
            assert_eq!(again.config, loaded.config);
        }
        Err(report) => {
            assert!(!report.faults.is_empty(), "refused without a fault");
            assert!(report.faults.iter().all(|fault| !fault.wrong.is_empty()), "{report}");
        }
    }
}

pub(super) fn config_seeds() -> Vec<Vec<u8>> {
    // The rest of what must be stated, so that one seed loads.
    let rest = r#"total = { long_max = "1", short_max = "1", open_qty_max = "1", open_value_max = "1", open_orders_max = 1, locate_max = "1" }
repeat = { same_max = "unlimited" }
money = { gross_max = "1", net_max = "1", funds_max = "1", loss_max = "1", drawdown_max = "1" }
day = { entered_value_max = "1", entered_qty_max = "1", traded_value_max = "1", traded_qty_max = "1", orders_per_trade_max = 1, orders_floor = 1, executions_max = 1 }
rate = { orders_max = 1, per_ms = 1, move_ticks_max = 2, move_per_ms = 1 }
breaker = { rejects_max = 5, cancel_rejects_max = 2, disconnects_max = 5, per_ms = 1 }
unresolved = { count_max = 6, age_max_ms = 5 }
"#;
    vec![[CONFIG, rest].concat().into_bytes(), CONFIG.as_bytes().to_vec()]
}

/// A journal of one lane, whose first segment is replaced.
struct Place {
    _temp: TempDir,
    dir: PathBuf,
    segment: PathBuf,
}

impl Place {
    fn new() -> Self {
        let temp = crate::memory::folder();
        let dir = temp.path().join("dir");
        let hot = temp.path().join("hot");
        fs::create_dir_all(&dir).expect("room for a journal");
        let spec = LaneSpec { lane: 0, epoch: 1, segment_bytes: 2048, segments: 2, layout_hash: 7 };
        let Lane { mut writer, tail, .. } = Lane::create(&hot, spec).expect("room for a lane");
        let archiver = Archiver::create(&dir, 1, vec![tail]).expect("room for an archive");
        for at in 0..RECORDS {
            let body = [at as u8; 40];
            writer
                .append(at as u16, 3, at, Nanos(at * 10), &body[..(at * 7) as usize])
                .expect("room in the lane");
        }
        archiver.close(Nanos(0)).expect("room on the disk");
        fs::remove_dir_all(&hot).expect("the lane is there");
        let lane = dir.join("journal/epoch-00001/lane-0");
        let first = |folder: &Path| fs::read_dir(folder).ok()?.next()?.ok().map(|file| file.path());
        let segment = first(&lane).expect("one segment");
        Self { _temp: temp, dir, segment }
    }
}

/// Records of the segment, all of them durable.
const RECORDS: u64 = 6;

thread_local! {
    static PLACE: OnceCell<Place> = const { OnceCell::new() };
}

/// A segment without a fault is read to its end, a sound one as far as it was durable; records come
/// in order.
pub(super) fn journal(bytes: &[u8]) {
    PLACE.with(|place| {
        let place = place.get_or_init(Place::new);
        fs::write(&place.segment, bytes).expect("room for a segment");
        let report = verify(&place.dir).ok();
        let is_sound = report.as_ref().is_some_and(Report::is_sound);
        let has_fault = report.is_none_or(|report| report.faults().next().is_some());
        let mut seq = 0;
        let whole = read(&place.dir, &mut seq, bytes.len());
        if is_sound {
            assert!(seq >= RECORDS, "it is sound, and {seq} records can be read: {whole:?}");
        }
        assert!(whole.is_ok() || has_fault || !is_sound, "no fault, and it ends with {whole:?}");
    });
}

/// Reads a journal to its end or its first error, counting records.
fn read(dir: &Path, seq: &mut u64, bytes_max: usize) -> Result<(), String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let journal = Journal::open(dir).map_err(|error| told(&error))?;
    let mut reader = journal.reader(1, 0).map_err(|error| told(&error))?;
    while let Some(record) = reader.next().map_err(|error| told(&error))? {
        *seq += 1;
        assert_eq!(record.seq.0, *seq);
        assert!(record.body.len() <= bytes_max);
    }
    Ok(())
}

pub(super) fn journal_seeds() -> Vec<Vec<u8>> {
    let place = Place::new();
    let whole = fs::read(&place.segment).expect("one segment");
    vec![whole]
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: mutation starts from what is good. Method: seeds through what they are seeds of.
    #[test]
    fn seeds_are_well_formed() {
        let [whole, lacking] = config_seeds().try_into().unwrap();
        let load = |bytes: Vec<u8>| Sources::text("x", &String::from_utf8(bytes).unwrap()).load();
        assert!(load(whole).is_ok() && load(lacking).is_err());
        let place = Place::new();
        let mut seq = 0;
        assert_eq!(read(&place.dir, &mut seq, 4096), Ok(()));
        assert_eq!(seq, RECORDS);
        assert!(verify(&place.dir).unwrap().is_sound());
    }
}
