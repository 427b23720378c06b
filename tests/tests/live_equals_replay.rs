//! A live run and its replay give the same orders, byte for byte, and end in the same state, on
//! every layout; and the venue agrees on what was traded.
//!
//! Method: the real engine against the loopback exchange on sockets for a few seconds, with faults
//! on the feed, then its journal replayed on one thread and on several.

use clap::Parser;
use engine::config::Sources;
use engine::pipeline::live::{Finished, Options, Running, SecretSource, start};
use exchange::{Args, Exchange, Summary};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wirelane_tests::memory::{Folder, hot_dir};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// One run of both sides. The configuration is the demo's with other addresses.
fn trade(
    dir: &Path,
    seconds: f64,
    exchange_args: &[&str],
    sets: &[&str],
    session: Option<&str>,
) -> (Finished, Summary) {
    trade_over(dir, seconds, exchange_args, sets, session, "")
}

/// The same, with `links` (TOML tables) put to the configuration.
fn trade_over(
    dir: &Path,
    seconds: f64,
    exchange_args: &[&str],
    sets: &[&str],
    session: Option<&str>,
    links: &str,
) -> (Finished, Summary) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let symbols = root.join("config/demo-instruments.csv");
    let symbols = symbols.to_str().unwrap();
    let any = "127.0.0.1:0";
    let mut line =
        vec!["exchange", "--itch-a", any, "--itch-b", any, "--request", any, "--ouch", any];
    line.extend(["--hash", any, "--password", "loopback", "--seed", "7"]);
    let begin = if session.is_some() { "at-once" } else { "on-login" };
    line.extend(["--start", begin, "--start-delay", "0.5"]);
    line.extend(["--symbols", symbols]);
    line.extend(exchange_args);
    let options = Line::parse_from(line).args.options().unwrap();
    let mut venue = Exchange::bind(options).unwrap();
    let at = venue.addresses();

    let mut sources = Sources::read(&root.join("config/demo.toml")).unwrap();
    sources.text.push_str(links);
    if let Some(session) = session {
        let from = sources.text.find("session = {").unwrap();
        let to = from + sources.text[from..].find('}').unwrap() + 1;
        sources.text.replace_range(from..to, session);
    } else {
        sources.sets.push(format!("gateway.ouch.session.soup={}", at.ouch));
    }
    sources.sets.extend([
        format!("engine.dir={}", dir.display()),
        format!("engine.name=t{}", std::process::id()),
        format!("engine.hot_dir={}", hot_dir(dir).display()),
        format!("feed.itch.a={}", at.itch_a),
        format!("feed.itch.b={}", at.itch_b),
        format!("feed.itch.request={}", at.request),
        format!("feed.itch.hash_channel={}", at.hash.unwrap()),
        "journal.segment_mib=4".to_owned(),
    ]);
    sources.sets.extend(sets.iter().map(|set| (*set).to_owned()));
    let (loaded, instruments, bound) =
        sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let venue = scope.spawn(|| venue.run(&stop).unwrap());
        let secrets: SecretSource = |_| Some("loopback".to_owned());
        let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
        let running = start(&loaded, instruments, &bound, options).unwrap();
        std::thread::sleep(Duration::from_secs_f64(seconds));
        wait_for_trade(&running);
        running.stop_flag().stop();
        let finished = running.wait();
        stop.store(true, Ordering::Relaxed);
        (finished, venue.join().unwrap())
    })
}

/// A machine with other work may not have begun in the time given: there must be something to
/// compare. What is still missing after a minute the caller's own assertions tell.
fn wait_for_trade(running: &Running) {
    let region = running.region().unwrap();
    let (intents, fills) =
        (region.counter("risk.intents").unwrap(), region.counter("risk.fills").unwrap());
    let begun = Instant::now();
    while (intents.get() < 300 || fills.get() < 30) && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Replays on every layout and compares with the recording.
fn assert_replays_alike(dir: &Path, finished: &Finished) {
    for layout in ["fused", "split2", "split4"] {
        let replayed = engine::replay::run(dir, None, Some(layout)).unwrap();
        assert_eq!(replayed.layout, layout);
        assert_eq!(replayed.order_stream_hash, replayed.recorded_hash, "{layout}");
        assert_eq!(replayed.state_hash, replayed.recorded_state_hash, "{layout}");
        assert_eq!(replayed.state_hash, finished.state_hash, "{layout}");
    }
}

/// Positions by symbol, summed over strategies, without those that are flat.
fn positions(finished: &Finished) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for row in &finished.positions {
        let shares = row.position.0 / shm::units::Qty::SCALE;
        *sums.entry(row.symbol.clone()).or_insert(0) += shares;
    }
    sums.retain(|_, shares| *shares != 0);
    sums
}

fn positions_at(summary: &Summary) -> BTreeMap<String, i64> {
    let each = summary.users.iter().flat_map(|user| &user.positions);
    each.map(|(symbol, position)| (symbol.clone(), position.qty))
        .filter(|(_, shares)| *shares != 0)
        .collect()
}

/// Goal: over a faulty feed, the journal holds everything that decided: any layout makes the same
/// orders again, and the venue's positions are ours.
#[test]
fn a_replay_makes_the_orders_of_the_run_on_every_layout() {
    let dir = Folder::new();
    let faults = "drop=0.02,duplicate=0.02,reorder=0.02,reject=0.01";
    let args = ["--rate", "8000", "--faults", faults];
    let (finished, summary) = trade(dir.path(), 4.0, &args, &["topology.layout=split2"], None);
    let recorded = engine::replay::recorded(dir.path(), None).unwrap();
    println!("{} messages sent, {} orders at the venue", recorded.messages, summary.orders);
    assert!(recorded.messages > 50, "only {} messages", recorded.messages);
    assert_eq!(finished.working, 0, "stopping cancels what works");
    let region = finished.region.reader().unwrap();
    let count = |what: &str| region.counter(&format!("feed:itch.{what}")).unwrap().get();
    let (gaps, requests, lost) = (count("gaps"), count("requests"), count("lost"));
    assert!(requests > 0 && lost == 0, "{gaps} gaps, {requests} requests, {lost} lost");
    assert_eq!(positions(&finished), positions_at(&summary));
    assert_replays_alike(dir.path(), &finished);
}

/// Goal: which ring joins two stages decides nothing. Method: every edge on each kind of ring,
/// market data through the smallest ring there is, so that it fills and conflates.
#[test]
fn any_ring_on_any_edge_replays_alike() {
    let edges = [
        ("feed", "strategy"),
        ("feed", "risk"),
        ("strategy", "risk"),
        ("risk", "gateway"),
        ("gateway", "risk"),
        ("risk", "strategy"),
    ];
    for ring in ["slot", "rtrb"] {
        let mut links = String::new();
        for (from, to) in edges {
            let slots = if from == "feed" { 64 } else { 1024 };
            writeln!(links, "\n[[link]]\nfrom = \"{from}\"\nto = \"{to}\"").unwrap();
            writeln!(links, "ring = \"{ring}\"\nslots = {slots}").unwrap();
        }
        let dir = Folder::new();
        let sets = ["topology.layout=split2"];
        let args = ["--rate", "8000"];
        let (finished, summary) = trade_over(dir.path(), 2.0, &args, &sets, None, &links);
        let recorded = engine::replay::recorded(dir.path(), None).unwrap();
        println!("{ring}: {} messages, {} orders", recorded.messages, summary.orders);
        assert!(recorded.messages > 50, "{ring}: only {} messages", recorded.messages);
        assert_eq!(positions(&finished), positions_at(&summary), "{ring}");
        assert_replays_alike(dir.path(), &finished);
    }
}

/// Goal: T12 over sockets: whatever the venue tells, twice, late, out of order, never or against
/// itself, and whatever it trades beyond what was asked, positions end as it has them, and the
/// journal replays. Method: every fault at once.
#[test]
fn t12_positions_are_the_venues_over_sockets_with_every_fault() {
    let dir = Folder::new();
    let faults = "drop=0.01,duplicate=0.01,reorder=0.01,reject=0.02,slow_ack=0.05,slow_ack_us=3000,\
                  disconnect=0.002,chop=0.3,break=0.05,correct=0.05,overfill=0.05,external=0.01,\
                  twice=0.05,swap=0.05,never=0.01,contradict=0.002";
    let args = ["--rate", "8000", "--faults", faults, "--linger", "4"];
    let (finished, summary) = trade(dir.path(), 5.0, &args, &[], None);
    println!("{} orders, {} fills, {} undone", summary.orders, summary.fills, {
        summary.users.iter().map(|user| user.counts.broken).sum::<u64>()
    });
    assert!(summary.fills > 20, "only {} fills", summary.fills);
    assert_eq!(positions(&finished), positions_at(&summary));
    assert_replays_alike(dir.path(), &finished);
}

/// Goal: paper trading replays to the same state. Method: the same, with the embedded venue.
#[test]
fn paper_trading_replays_to_the_same_state() {
    let dir = Folder::new();
    let session = Some("session = { codec = \"paper\" }");
    let (finished, summary) = trade(dir.path(), 3.0, &["--rate", "8000"], &[], session);
    assert_eq!(summary.orders, 0, "nothing left the process");
    assert!(finished.positions.iter().any(|row| row.fees.0 != 0), "paper orders filled");
    assert_replays_alike(dir.path(), &finished);
}
