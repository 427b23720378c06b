//! An exchange with a log of orders, an engine's folders, its configuration and its control socket.

use clap::Parser;
use engine::control::{Reply, Request};
use exchange::order_log::OrderLogEntry;
use exchange::{Args, Exchange, Summary};
use shm::ids::ClOrdId;
use shm::journal::Journal;
use shm::record::RecordKind;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for what a healthy engine does at once.
const PATIENCE: Duration = Duration::from_secs(60);
/// The strategy that is to be unaffected.
pub(crate) const GOOD: u8 = 1;
/// The one that runs away.
pub(crate) const BAD: u8 = 2;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Both sides of a test. Dropped, the exchange stops.
pub(crate) struct Site {
    disk: TempDir,
    hot: TempDir,
    addresses: exchange::Addresses,
    stop: Arc<AtomicBool>,
    venue: Option<JoinHandle<Summary>>,
}

impl Site {
    pub(crate) fn open() -> Self {
        let disk = tempfile::tempdir().unwrap();
        let hot = wirelane_tests::memory::folder();
        let log = disk.path().join("orders.log");
        let symbols = root().join("config/demo-instruments.csv");
        let any = "127.0.0.1:0";
        let mut line =
            vec!["exchange", "--itch-a", any, "--itch-b", any, "--request", any, "--ouch", any];
        line.extend(["--password", "loopback", "--seed", "29", "--start-delay", "0.2"]);
        line.extend(["--rate", "5000", "--start", "at-once"]);
        line.extend(["--symbols", symbols.to_str().unwrap()]);
        line.extend(["--order-log", log.to_str().unwrap()]);
        let mut venue = Exchange::bind(Line::parse_from(line).args.options().unwrap()).unwrap();
        let addresses = venue.addresses();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let venue = std::thread::spawn(move || venue.run(&told).unwrap());
        Self { disk, hot, addresses, stop, venue: Some(venue) }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.disk.path().join("engine")
    }

    /// A path for a file of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.disk.path().join(name)
    }

    /// An engine of two strategies: one that behaves, one with these parameters. `more` comes
    /// first: other tables.
    pub(crate) fn config(&self, bad: &str, more: &str) -> String {
        let symbols = root().join("config/demo-instruments.csv");
        let (dir, hot, symbols) =
            (self.dir().display().to_string(), self.hot.path().display(), symbols.display());
        let at = &self.addresses;
        let text = include_str!("../crash/engine.toml");
        let unlimited = text.split_at(text.find("[[limits]]").unwrap()).1;
        let wiring = "account = \"main\", feeds = [\"itch\"], gateway = \"ouch\"";
        format!(
            r#"version = 1
engine = {{ name = "g", dir = "{dir}", hot_dir = "{hot}", arm = true, on_stop = "cancel" }}
journal = {{ mode = "async", segment_mib = 8, segments = 4, capture = "raw" }}
market = {{ instruments = "{symbols}", zone = "UTC", date = "auto" }}
{more}
[[account]]
name = "main"
currency = "USD"
[[feed]]
name = "itch"
codec = "itch50"
a = "{}"
b = "{}"
request = "{}"
retries = 20
[[gateway]]
name = "ouch"
session = {{ codec = "ouch50", soup = "{}", user = "DEMO01", password_env = "CRASH_PASSWORD" }}
send = {{ rate = 100000, reserve = 1000, per_ms = 1000, order_age_max_us = 1000000 }}
[[strategy]]
name = "good"
wiring = {{ kind = "probe", {wiring}, instruments = ["AAPL", "MSFT"], orders_max = 4096 }}
params = {{ every = 20, qty = "10", offset_ticks = 1, bad_every = 0 }}
[[strategy]]
name = "bad"
wiring = {{ kind = "drill", {wiring}, instruments = ["NVDA"], orders_max = 4096 }}
params = {{ {bad} }}
{unlimited}
[[limits]]
scope = "strategy:bad"
order = {{ qty_max = "1000" }}
rate = {{ orders_max = 10, per_ms = 3600000 }}
"#,
            at.itch_a, at.itch_b, at.request, at.ouch,
        )
    }

    /// Orders of a strategy that reached the wire.
    pub(crate) fn on_the_wire(&self, strategy: u8) -> Vec<ClOrdId> {
        let text = std::fs::read_to_string(self.path("orders.log")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let entries = whole.lines().map(serde_json::from_str::<OrderLogEntry>);
        let ids = entries.map(|entry| ClOrdId::from_text(entry.unwrap().cl_ord_id.as_bytes()));
        ids.map(Option::unwrap).filter(|id| id.strategy().0 == strategy).collect()
    }

    /// One request, one reply.
    pub(crate) fn ask(&self, request: &Request) -> Reply {
        let stream = UnixStream::connect(self.dir().join("control.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = BufReader::new(stream);
        let line = engine::control::line(&self.dir(), request, PATIENCE);
        stream.get_mut().write_all(&line).unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    pub(crate) fn status(&self) -> String {
        self.ask(&Request::Status).text
    }

    /// Bodies of one kind of record of the last session.
    pub(crate) fn records(&self, kind: RecordKind) -> Vec<Vec<u8>> {
        let journal = Journal::open(&self.dir()).unwrap();
        let epoch = *journal.epochs().unwrap().iter().max().unwrap();
        let mut found = Vec::new();
        for lane in journal.lanes(epoch).unwrap() {
            let mut reader = journal.reader(epoch, lane).unwrap();
            while let Some(record) = reader.next().unwrap() {
                if record.header.kind == kind as u16 {
                    found.push(record.body.to_vec());
                }
            }
        }
        found
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !so(self) {
            assert!(Instant::now() < until, "{what} never came; the status is\n{}", self.status());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The exchange's own account.
    pub(crate) fn close(mut self) -> (Summary, TempDir) {
        self.stop.store(true, Ordering::Relaxed);
        let summary = self.venue.take().unwrap().join().unwrap();
        let kept = std::mem::replace(&mut self.disk, tempfile::tempdir().unwrap());
        (summary, kept)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(venue) = self.venue.take() {
            // A test that failed has said why.
            let _ = venue.join();
        }
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
