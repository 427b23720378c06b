//! T29 on the running engine: a strategy that has run away is stopped alone, at most the stated
//! count of its orders reaches the wire (by the exchange's log), and the other trades on.

use crate::site::{BAD, GOOD, Site};
use engine::config::Sources;
use engine::control::{Request, ScopeName};
use engine::pipeline::live::{Options, Running, SecretSource, start};
use shm::ids::StrategyId;
use shm::record::RecordKind;
use shm::record::status::{DownCause, StrategyDown};

/// Both strategies beside risk and gateway.
const FUSED: &str = "topology = { layout = \"fused\", wait = \"yield\", helpers = \"auto\" }";
/// The one that runs away on a thread of its own.
const APART: &str = "topology = { wait = \"yield\", helpers = \"auto\" }\n\
    kill = { overrun_max_ms = 40 }\n\
    [[thread]]\nname = \"main\"\n\
    stages = [\"feed\", \"strategy:good\", \"risk\", \"gateway\"]\n\
    [[thread]]\nname = \"bad\"\nstages = [\"strategy:bad\"]";

fn engine(site: &Site, bad: &str, topology: &str) -> Running {
    let sources = Sources::text("guarded.toml", &site.config(bad, topology));
    let (loaded, instruments, bound) =
        sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"));
    let secrets: SecretSource = |_| Some("loopback".to_owned());
    let options = Options { secrets: Some(secrets), ..Options::default() };
    start(&loaded, instruments, &bound, options).unwrap()
}

/// Waits until the good strategy has so many more orders on the wire.
#[track_caller]
fn good_trades_on(site: &Site) {
    let before = site.on_the_wire(GOOD).len();
    site.wait("orders of the other strategy", |site| site.on_the_wire(GOOD).len() >= before + 30);
}

/// Whether an order of a strategy works.
fn works(site: &Site, strategy: u8) -> bool {
    let standing = engine::replay::Standing::read(&site.dir()).unwrap();
    standing.orders().any(|order| order.root.strategy() == StrategyId(strategy))
}

/// Stops, and replays on every layout: the same orders, the same state. The orders of the bad one.
fn end(site: Site, running: Running) -> usize {
    running.stop_flag().stop();
    let finished = running.wait();
    assert_eq!(finished.working, 0);
    for layout in ["fused", "split2", "split4"] {
        let replayed = engine::replay::run(&site.dir(), None, Some(layout)).unwrap();
        assert_eq!(replayed.order_stream_hash, replayed.recorded_hash, "{layout}");
        assert_eq!(replayed.state_hash, finished.state_hash, "{layout}");
    }
    let bad = site.on_the_wire(BAD).len();
    let (summary, _) = site.close();
    assert!(summary.orders as usize >= bad + 30);
    bad
}

/// The one record of a strategy that was stopped, with its words.
#[track_caller]
fn stopped(site: &Site) -> (StrategyDown, String) {
    let records = site.records(RecordKind::StrategyDown);
    assert_eq!(records.len(), 1);
    let (down, words) = StrategyDown::split(&records[0]).unwrap();
    let words = words.get(..down.len as usize).unwrap();
    (down, String::from_utf8(words.to_vec()).unwrap())
}

/// Goal: a panic stops its strategy alone, for good: one order was on the wire and is cancelled,
/// its gate is latched, the journal has the words; the other trades on; a replay stops it after the
/// same call. Method: a drill that panics at its 200th book.
#[test]
fn t29_a_strategy_that_panics_is_stopped_alone() {
    let site = Site::open();
    let running = engine(&site, "act = \"panic\", after = 200, qty = \"5\"", FUSED);
    site.wait("the panic", |site| site.status().contains("bad stopped: it panicked"));
    site.wait("its order's end", |site| !works(site, BAD));
    good_trades_on(&site);
    let status = site.status();
    assert!(status.starts_with("closed: strategy:bad;"), "{status}");
    assert!(status.contains("good enabled"), "{status}");
    let enable = site.ask(&Request::Enable { strategy: "bad".to_owned() });
    assert!(!enable.ok && enable.text.contains("until the engine is started again"), "{enable:?}");
    let (down, words) = stopped(&site);
    assert_eq!((down.strategy, down.cause), (BAD, DownCause::Panic as u8));
    assert_eq!(words, "a drill, at change 201 of the top of the book");
    assert_eq!(end(site, running), 1);
}

/// Goal: a strategy that holds its own thread for too long is stopped while it still does: its gate
/// is closed and its order cancelled from elsewhere; when it returns it is called no more. Others
/// trade on all the while. Method: a drill that spins for some hundred ms on a thread of its own;
/// at most 40 are allowed.
#[test]
fn t29_a_strategy_that_spins_is_stopped_alone() {
    let site = Site::open();
    let bad = "act = \"spin\", after = 200, qty = \"5\", spin_millions = 400";
    let running = engine(&site, bad, APART);
    site.wait("the overrun", |site| site.status().starts_with("closed: strategy:bad;"));
    site.wait("its order's end", |site| !works(site, BAD));
    good_trades_on(&site);
    site.wait("its return", |site| {
        site.status().contains("bad stopped: it held its thread for too long")
    });
    good_trades_on(&site);
    let (down, _) = stopped(&site);
    assert_eq!((down.strategy, down.cause), (BAD, DownCause::Overrun as u8));
    assert_eq!(end(site, running), 1);
}

/// Goal: where what it holds is the thread of everything, everything is closed and cancelled from
/// outside (K5), and once it has returned and a person has armed, the other trades again without
/// it. Method: the same on one thread.
#[test]
fn t29_a_strategy_that_spins_on_everyones_thread_closes_everything() {
    let site = Site::open();
    let bad = "act = \"spin\", after = 200, qty = \"5\", spin_millions = 400";
    let running = engine(&site, bad, &format!("{FUSED}\nkill = {{ overrun_max_ms = 40 }}"));
    site.wait("the overrun", |site| site.status().contains("closed: global"));
    site.wait("the guard", |site| site.status().contains("GUARD: gateway"));
    site.wait("its return", |site| {
        site.status().contains("bad stopped: it held its thread for too long")
    });
    let arm = Request::Arm { scope: ScopeName::default(), reason: "it is stopped".to_owned() };
    site.wait("the arming", |site| site.ask(&arm).is_in_force());
    good_trades_on(&site);
    assert!(!works(&site, BAD));
    assert_eq!(end(site, running), 1);
}

/// Goal: endless orders, orders of a huge quantity and alternating sides reach the wire with at
/// most the stated count, and the other trades on. Method: limits of the bad strategy alone: 10
/// orders an hour, 1000 shares each; drills that ask for some at each book.
#[test]
fn t29_a_strategy_without_end_reaches_the_wire_with_the_stated_count() {
    // The order of the beginning counts; a huge one never passes.
    for (act, most) in [("flood", 10), ("huge", 1), ("sides", 10)] {
        let site = Site::open();
        let bad = format!("act = \"{act}\", after = 50, qty = \"5\"");
        let running = engine(&site, &bad, FUSED);
        site.wait("refusals", |site| {
            let denied = site.records(RecordKind::Denied);
            denied.len() > 100
        });
        good_trades_on(&site);
        let wire = end(site, running);
        assert!((1..=most).contains(&wire), "{act}: {wire} of at most {most}");
        assert!(act != "flood" || wire == most, "{act}: {wire}");
    }
}
