//! T13: kills at full rate, under conditions of K5, against a real exchange on sockets. How many
//! new orders leave after the store, from the exchange's own log; how long everything takes, from
//! the engine's stamps of its sends, shown and not asserted.

mod hold;

use clap::Parser;
use engine::config::Sources;
use engine::control::{Reply, Request, ScopeName};
use engine::pipeline::live::{Options, Running, SecretSource, start};
use exchange::order_log::OrderLogEntry;
use exchange::{Args, Exchange};
use hold::Hold;
use shm::gates::{Gates, Scope, Trigger};
use shm::ids::ClOrdId;
use shm::journal::Journal;
use shm::message::Kind;
use shm::record::market::{Sent, Tx};
use shm::record::{RecordKind, Stage, StageId};
use shm::units::Nanos;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wirelane_tests::effort::Effort;

/// One engine at a time: threads are held by their names.
static ALONE: Mutex<()> = Mutex::new(());
/// Longest wait for what a healthy engine does at once.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// One kill: from before the store to after it, and to the arming behind it.
#[derive(Clone, Copy)]
struct Trip {
    stored: Nanos,
    end: Nanos,
}

fn ask(dir: &Path, request: &Request) -> Reply {
    let mut stream = UnixStream::connect(dir.join("control.sock")).unwrap();
    let line = serde_json::to_string(request).unwrap() + "\n";
    stream.write_all(line.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn wait(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Trades, kills, waits for the end of every order, arms again.
fn trip(running: &Running, gates: &Gates, held: &[&str]) -> Trip {
    let region = running.region().unwrap();
    let (sent, working) =
        (region.counter("gateway:ouch.sent_new").unwrap(), region.counter("risk.working").unwrap());
    let before = sent.get();
    wait("the engine does not trade", || sent.get() >= before + 20);
    let hold = (!held.is_empty()).then(|| Hold::threads(held));
    gates.close(Scope::Global, Trigger::Operator);
    let stored = running.clock().now();
    if hold.is_some() {
        // Longer than the guard's patience and its logon.
        std::thread::sleep(Duration::from_millis(120));
    }
    drop(hold);
    let mut end = stored;
    wait("the engine cannot be armed", || {
        // A fenced gateway comes back before it can say what became of its orders.
        let may_arm =
            working.get() == 0 || ask(running.dir(), &Request::Status).text.contains("GUARD");
        // What leaves after the arming is no matter of this kill.
        end = running.clock().now();
        let (scope, reason) = (ScopeName::default(), "test".to_owned());
        may_arm && ask(running.dir(), &Request::Arm { scope, reason }).ok
    });
    Trip { stored, end }
}

/// What the gateway's lane says of sends: id, whether a cancel, when.
fn sends(dir: &Path) -> Vec<(ClOrdId, bool, Nanos)> {
    let journal = Journal::open(dir).unwrap();
    let epoch = journal.epochs().unwrap().into_iter().max().unwrap();
    let (mut kinds, mut rows) = (HashMap::new(), Vec::new());
    for lane in journal.lanes(epoch).unwrap() {
        let mut reader = journal.reader(epoch, lane).unwrap();
        while let Some(record) = reader.next().unwrap() {
            if StageId(record.header.stage).kind() != Some(Stage::Gateway) {
                continue;
            }
            match RecordKind::from_u16(record.header.kind) {
                Some(RecordKind::Tx) => {
                    let (tx, _) = Tx::split(record.body).unwrap();
                    kinds.insert(record.seq.low(), tx.action == Kind::ApprovedCancel as u8);
                }
                Some(RecordKind::Sent) => {
                    let sent = Sent::read(record.body).unwrap();
                    if sent.result >= 0 {
                        let is_cancel = kinds[&sent.tx_seq];
                        rows.push((sent.cl_ord_id, is_cancel, Nanos(record.header.ts)));
                    }
                }
                _ => {}
            }
        }
    }
    rows
}

/// Every trip of one condition; the worst count of new orders after a store.
fn campaign(name: &str, layout: &str, held: &[&str], turns: [u64; 3]) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("engine");
    let log = folder.path().join("orders.jsonl");
    let any = "127.0.0.1:0";
    let log_text = log.to_str().unwrap();
    let mut line =
        vec!["exchange", "--itch-a", any, "--itch-b", any, "--request", any, "--ouch", any];
    line.extend(["--user", "CRASH1:loopback", "--seed", "7", "--rate", "5000"]);
    line.extend(["--order-log", log_text]);
    let mut venue = Exchange::bind(Line::parse_from(line).args.options().unwrap()).unwrap();
    let at = venue.addresses();
    let head =
        "venue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,prior_close,ticks";
    let mut csv = format!("{head}\n");
    for row in exchange::flow::built_in() {
        let symbol = row.symbol;
        csv.push_str(&format!(
            "NASDAQ,{symbol},USD,1,1,1,1000000,0.0001,199999.99,100.00,0:0.0001|1:0.01\n"
        ));
    }
    std::fs::write(folder.path().join("instruments.csv"), csv).unwrap();
    let text = include_str!("../crash/engine.toml")
        .replace("{dir}", &dir.display().to_string())
        .replace("{hot_dir}", &folder.path().join("hot").display().to_string())
        .replace("{a}", &at.itch_a.to_string())
        .replace("{b}", &at.itch_b.to_string())
        .replace("{request}", &at.request.to_string())
        .replace("{ouch}", &at.ouch.to_string())
        .replace("{user}", "CRASH1");
    let config = folder.path().join("engine.toml");
    std::fs::write(&config, text).unwrap();
    let mut sources = Sources::read(&config).unwrap_or_else(|report| panic!("{report}"));
    sources.layout = Some(layout.to_owned());
    let (loaded, instruments, bound) =
        sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"));
    let stop = AtomicBool::new(false);
    let mut effort = Effort::new(&format!("t13 {layout}: {name}"), turns, 4);
    let trips = std::thread::scope(|scope| {
        let venue = scope.spawn(|| venue.run(&stop).unwrap());
        let secrets: SecretSource = |_| Some("loopback".to_owned());
        let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
        let running = start(&loaded, instruments, &bound, options).unwrap();
        let gates = Gates::open(&dir.join("gates")).unwrap();
        let mut trips = Vec::new();
        while effort.again() {
            trips.push(trip(&running, &gates, held));
        }
        running.stop_flag().stop();
        let _ = running.wait();
        stop.store(true, Ordering::Relaxed);
        venue.join().unwrap();
        trips
    });
    judge(name, layout, &trips, &sends(&dir), &log);
}

fn judge(name: &str, layout: &str, trips: &[Trip], sends: &[(ClOrdId, bool, Nanos)], log: &Path) {
    let log = std::fs::read_to_string(log).unwrap();
    let judged: HashMap<ClOrdId, OrderLogEntry> = log
        .lines()
        .map(|line| serde_json::from_str::<OrderLogEntry>(line).unwrap())
        .filter_map(|entry| Some((ClOrdId::from_text(entry.cl_ord_id.as_bytes())?, entry)))
        .collect();
    let mut worst = 0;
    let (mut last_order, mut first_cancel, mut cancels) = (Vec::new(), Vec::new(), Vec::new());
    for trip in trips {
        let after: Vec<_> =
            sends.iter().filter(|(_, _, at)| *at > trip.stored && *at < trip.end).collect();
        let orders: Vec<u64> = after
            .iter()
            .filter(|(id, is_cancel, _)| !is_cancel && judged.contains_key(id))
            .map(|(_, _, at)| at.0 - trip.stored.0)
            .collect();
        worst = worst.max(orders.len());
        last_order.extend(orders.last());
        let times: Vec<u64> = after
            .iter()
            .filter(|(_, is_cancel, _)| *is_cancel)
            .map(|(_, _, at)| at.0 - trip.stored.0)
            .collect();
        first_cancel.extend(times.first());
        cancels.extend(times.last());
    }
    println!(
        "{layout}: {name}: {} trips, worst {worst} orders after the store; last order {}, first \
         cancel {}, last cancel {}",
        trips.len(),
        share(&mut last_order),
        share(&mut first_cancel),
        share(&mut cancels)
    );
    assert!(!judged.is_empty(), "nothing was traded: nothing was tested");
    assert!(worst <= 1, "{layout}, {name}: {worst} new orders left after a store");
}

fn share(times: &mut [u64]) -> String {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).or(times.last());
    match (at(50), at(99), times.last()) {
        (Some(p50), Some(p99), Some(max)) => {
            format!("p50 {} p99 {} max {} us", p50 / 1_000, p99 / 1_000, max / 1_000)
        }
        _ => "none".to_owned(),
    }
}

// Goal: K3, K4. Method: kills with nothing else wrong.
#[test]
fn t13_kills_at_full_rate_fused() {
    campaign("nothing else wrong", "fused", &[], [20, 1_000, 10_000]);
}

// Goal: K5: the gateway's thread stands still, as where a strategy spins on it: the guard acts.
#[test]
fn t13_kills_with_the_gateways_thread_standing_still() {
    campaign("gateway's thread held", "fused", &["hot-"], [5, 1_000, 10_000]);
}

// Goal: K5: archive and control thread stand still.
#[test]
fn t13_kills_with_the_slow_path_stopped() {
    campaign("slow path held", "fused", &["wl-archive", "wl-control"], [5, 1_000, 10_000]);
}
