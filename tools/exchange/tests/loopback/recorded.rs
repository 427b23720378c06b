//! Recorded flow: the tape is the recording, and clients trade in it.

use crate::kit::{Running, Trader, order};
use crate::tape::{BUILT_IN, rebuild};
use feed::binaryfile::{Compression, write_file};
use gateway::codec::ouch50::{Appendage, EnterOrder, SideCode, TifCode};
use std::path::{Path, PathBuf};

/// A recording of a generated day of `messages` messages.
fn record(folder: &Path, messages: u64) -> (PathBuf, String) {
    let (running, tape) =
        Running::start(&format!("--messages {messages} --rate 100000 --linger 0 --seed 4"));
    let heard = tape.hear();
    let summary = running.finish();
    let path = folder.join("day.itch");
    write_file(&path, Compression::Gzip, heard.all().map(|(_, message)| message)).unwrap();
    (path, summary.itch_sha256)
}

/// Goal: without clients a replay is the recording, byte for byte, and a bad file is refused with a
/// sentence. Method: a generated day, replayed at full speed and at twice its pace.
#[test]
fn replay_without_clients_is_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sha256) = record(folder.path(), 30_000);
    for speed in ["max", "2"] {
        let text = format!("--input {} --speed {speed} --linger 0", path.display());
        let (running, _tape) = Running::start(&text);
        let summary = running.finish();
        assert_eq!(summary.itch_sha256, sha256, "speed {speed}");
        assert_eq!(summary.recorded_clipped, 0);
    }
}

/// Goal: clients trade in a recorded book, and the tape stays one that a strict book accepts.
/// Method: a client sweeps and quotes through a replay; strict book, every hash.
#[test]
fn clients_trade_in_a_recorded_book() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sha256) = record(folder.path(), 100_000);
    let text = format!("--input {} --speed 0.5 --start on-login --linger 0.2", path.display());
    let (running, tape) = Running::start(&text);
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", 0);
    let trading = std::thread::spawn(move || {
        for number in 1..=1_500_u32 {
            let symbol = BUILT_IN[number as usize % 8];
            let (side, px) = if number % 2 == 0 {
                (SideCode::BUY, 9_000_000)
            } else {
                (SideCode::SELL, 100_000)
            };
            let tif = if number % 4 < 2 { TifCode::DAY } else { TifCode::IOC };
            let qty = 100 + number % 7 * 150;
            let order = EnterOrder { tif, ..order(number, side, qty, symbol, px) };
            trader.send(&order, Appendage::EMPTY);
            std::thread::sleep(std::time::Duration::from_micros(400));
        }
        trader
    });
    let heard = tape.hear();
    drop(trading.join().unwrap());
    let summary = running.finish();
    assert!(rebuild(&heard, &BUILT_IN) > 100);
    println!("{} fills, {} clipped", summary.fills, summary.recorded_clipped);
    assert!(summary.fills > 200 && summary.recorded_clipped > 0);
    assert_ne!(summary.itch_sha256, sha256);
}

/// Goal: the recorded files of the data folder play: a LOBSTER file and a captured packet. Method:
/// play at full speed; strict book accepts LOBSTER's.
#[test]
fn recorded_files_play() {
    let data = std::env::var_os("WIRELANE_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let lobster = data.join("lobster/AAPL_2012-06-21_first672_message_50.csv");
    let pcap = data.join("pcap/Nasdaq.Equities.TotalView.Itch.v5.0/Multiple.Packets.pcap");
    if !lobster.exists() || !pcap.exists() {
        println!("NOT RUN: {} or {} is not there", lobster.display(), pcap.display());
        return;
    }
    let (running, tape) =
        Running::start(&format!("--input {} --speed max --linger 0", lobster.display()));
    let heard = tape.hear();
    let summary = running.finish();
    rebuild(&heard, &["AAPL"]);
    assert!(summary.messages > 672, "{} messages", summary.messages);
    assert_eq!(summary.recorded_clipped, 0);
    let (running, _tape) =
        Running::start(&format!("--input {} --speed max --linger 0", pcap.display()));
    let summary = running.finish();
    assert!(summary.messages >= 38, "{} messages", summary.messages);
}

/// Goal: a file that is no recording is refused before anything starts.
#[test]
fn bad_recordings_are_refused() {
    use exchange::{Error, flow::Recording};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.itch");
    std::fs::write(&path, [0, 12, b'S', 0]).unwrap();
    assert!(matches!(Recording::open(&path), Err(Error::Input { .. })));
    assert!(matches!(Recording::open(&folder.path().join("none")), Err(Error::Input { .. })));
}
