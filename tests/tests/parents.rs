//! Parents of the running engine, against the loopback exchange: every type replays on every
//! layout, orders by hand do, and a bracket and a stop go on after a `kill -9`.

use clap::Parser;
use engine::config::Sources;
use engine::control::{Reply, Request};
use engine::pipeline::live::{Finished, Options, SecretSource, start};
use engine::replay::Standing;
use exchange::{Addresses, Args, Exchange, Summary};
use shm::ids::ClOrdId;
use shm::journal::Journal;
use shm::message::{CommandOp, ParentKind};
use shm::record::RecordKind;
use shm::record::order::Approved;
use shm::record::parent::Parent;
use shm::record::status::{HandOrder, HandOutcome, Operator};
use shm::units::Qty;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wirelane_tests::memory::{Folder, hot_dir};

/// Longest wait for what a healthy engine does at once.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Stops the exchange, also when a test fails.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn venue(more: &[&str]) -> Exchange {
    let symbols = root().join("config/demo-instruments.csv");
    let any = "127.0.0.1:0";
    let mut line =
        vec!["exchange", "--itch-a", any, "--itch-b", any, "--request", any, "--ouch", any];
    line.extend(["--password", "loopback", "--seed", "11", "--start-delay", "0.2"]);
    line.extend(["--symbols", symbols.to_str().unwrap()]);
    line.extend(more);
    Exchange::bind(Line::parse_from(line).args.options().unwrap()).unwrap()
}

/// An engine of one strategy that works orders by hand, and by itself if `every` is above 0.
fn config(dir: &Path, at: &Addresses, every: u32) -> String {
    let hot = hot_dir(dir);
    let hot = hot.display();
    let symbols = root().join("config/demo-instruments.csv");
    format!(
        r#"version = 1
engine = {{ name = "p{}", dir = "{}", hot_dir = "{hot}", arm = true, on_stop = "cancel" }}
start = {{ after_crash = "arm" }}
journal = {{ mode = "async", segment_mib = 8, segments = 4, capture = "raw" }}
market = {{ instruments = "{}", zone = "UTC", date = "auto" }}
topology = {{ layout = "fused", wait = "yield", helpers = "auto" }}
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
name = "hand"
wiring = {{ kind = "exec", account = "main", feeds = ["itch"], gateway = "ouch", instruments = ["*"] }}
params = {{ every = {every}, qty = "50", distance_ticks = 3 }}
[[limits]]
scope = "firm"
order = {{ collar_bps = 5000 }}
{}"#,
        std::process::id(),
        dir.display(),
        symbols.display(),
        at.itch_a,
        at.itch_b,
        at.request,
        at.ouch,
        unlimited(),
    )
}

/// Every limit, and none that would stop anyone; but a market order needs a collar for its price.
fn unlimited() -> &'static str {
    let text = include_str!("crash/engine.toml");
    text.split_at(text.find("[[limits]]").unwrap()).1
}

fn ask(dir: &Path, request: &Request) -> Reply {
    let stream = UnixStream::connect(dir.join("control.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(&engine::control::line(dir, request, PATIENCE)).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

fn order(kind: &str, symbol: &str, side: &str, qty: &str, terms: &[&str]) -> Request {
    Request::OrderNew {
        strategy: String::new(),
        instrument: symbol.to_owned(),
        kind: kind.to_owned(),
        side: side.to_owned(),
        qty: qty.to_owned(),
        terms: terms.iter().map(|term| (*term).to_owned()).collect(),
    }
}

fn cancel(order: &str) -> Request {
    Request::OrderCancel { strategy: String::new(), order: order.to_owned() }
}

/// Records of one kind of the last session.
fn records<T>(dir: &Path, kind: RecordKind, read: impl Fn(&[u8]) -> Option<T>) -> Vec<T> {
    let journal = Journal::open(dir).unwrap();
    let epoch = *journal.epochs().unwrap().iter().max().unwrap();
    let mut found = Vec::new();
    for lane in journal.lanes(epoch).unwrap() {
        let mut reader = journal.reader(epoch, lane).unwrap();
        while let Some(record) = reader.next().unwrap() {
            if record.header.kind == kind as u16 {
                found.extend(read(record.body));
            }
        }
    }
    found
}

/// Orders by hand while the engine runs: placed, one replaced, one cancelled.
fn order_by_hand(dir: &Path) {
    for request in [
        order("stop", "AAPL", "sell", "10", &["stop=1.00"]),
        order("limit", "AAPL", "buy", "10", &["px=100.00"]),
        order("market", "MSFT", "buy", "5", &[]),
        order("bracket", "NVDA", "buy", "20", &["profit=150", "stop=80"]),
    ] {
        let reply = ask(dir, &request);
        assert!(reply.ok, "{}", reply.text);
    }
    std::thread::sleep(Duration::from_millis(500));
    let replace = Request::OrderReplace {
        strategy: String::new(),
        order: "2".to_owned(),
        terms: vec!["px=101.00".to_owned()],
    };
    for request in [replace, cancel("1")] {
        let reply = ask(dir, &request);
        assert!(reply.ok, "{}", reply.text);
    }
}

/// One run of both sides.
fn trade(dir: &Path) -> (Finished, Summary) {
    let mut exchange = venue(&["--rate", "8000", "--start", "on-login"]);
    let text = config(dir, &exchange.addresses(), 40);
    let mut sources = Sources::text("parents.toml", &text);
    sources.sets.push("topology.layout=split2".to_owned());
    let (loaded, instruments, bound) =
        sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let venue = scope.spawn(|| exchange.run(&stop).unwrap());
        let guard = StopAtEnd(&stop);
        let secrets: SecretSource = |_| Some("loopback".to_owned());
        let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
        let running = start(&loaded, instruments, &bound, options).unwrap();
        std::thread::sleep(Duration::from_secs(2));
        order_by_hand(dir);
        std::thread::sleep(Duration::from_secs(2));
        running.stop_flag().stop();
        let finished = running.wait();
        drop(guard);
        (finished, venue.join().unwrap())
    })
}

/// Goal: parents of every type, and orders by hand, are made again by a replay on any layout, child
/// for child, byte for byte; children stay within their parents by the journal alone; the venue's
/// positions are ours. Method: the real engine for some seconds in a moving market, orders by hand
/// meanwhile, then the journal read and replayed.
#[test]
fn parents_and_orders_by_hand_replay_on_every_layout() {
    let temp = Folder::new();
    let dir = temp.path().join("engine");
    let (finished, summary) = trade(&dir);
    let parents = records(&dir, RecordKind::ParentApproved, Parent::read);
    let kinds: BTreeSet<u8> = parents.iter().map(|parent| parent.parent).collect();
    assert_eq!(kinds.len(), ParentKind::ALL.len(), "types seen: {kinds:?}");
    let done = records(&dir, RecordKind::ParentDone, Parent::read);
    println!("{} parents, {} done, {} orders", parents.len(), done.len(), summary.orders);
    assert_eq!(parents.len(), done.len(), "a stop in order ends every parent");
    assert_children_within(&dir, &done);
    let by_hand = records(&dir, RecordKind::Operator, Operator::read);
    let placed = by_hand.iter().filter(|given| given.op == CommandOp::OrderPlace as u8);
    assert_eq!(placed.count(), 4);
    assert_hands_told(&dir);
    assert_eq!(finished.working, 0);
    assert_eq!(positions(&finished.positions), positions_at(&summary));
    for layout in ["fused", "split2", "split4"] {
        let replayed = engine::replay::run(&dir, None, Some(layout)).unwrap();
        assert_eq!(replayed.order_stream_hash, replayed.recorded_hash, "{layout}");
        assert_eq!(replayed.state_hash, finished.state_hash, "{layout}");
    }
}

/// Each command by hand has one record of what became of it, which names what it made.
fn assert_hands_told(dir: &Path) {
    let told = records(dir, RecordKind::HandOrder, HandOrder::read);
    let place = CommandOp::OrderPlace as u8;
    let by_op: Vec<(u8, i64)> = told.iter().map(|hand| (hand.op, hand.number)).collect();
    let (replace, cancel) = (CommandOp::OrderReplace as u8, CommandOp::OrderCancel as u8);
    let first = (1..=4).map(|number| (place, number));
    assert_eq!(by_op, first.chain([(replace, 2), (cancel, 1)]).collect::<Vec<_>>());
    assert!(told.iter().all(|hand| hand.outcome == HandOutcome::Asked as u8), "{told:?}");
    let approved = records(dir, RecordKind::Approved, Approved::read);
    let limit = approved.iter().find(|order| order.cl_ord_id == told[1].cl_ord_id).unwrap();
    assert_eq!((limit.t0, limit.qty), (told[1].t0, Qty::from_shares(10)));
    assert!(approved.iter().any(|order| order.cl_ord_id == told[4].cl_ord_id));
    let standing = Standing::read(dir).unwrap();
    assert_eq!(standing.number(told[0].cl_ord_id), Some(1));
}

/// Every parent that ended had children, by their own records, and none used more than its bound.
fn assert_children_within(dir: &Path, done: &[Parent]) {
    let approved = records(dir, RecordKind::Approved, Approved::read);
    let families: BTreeSet<ClOrdId> =
        approved.iter().map(|order| order.parent).filter(|id| *id != ClOrdId::NONE).collect();
    assert!(families.len() >= ParentKind::ALL.len(), "children of {} parents", families.len());
    for parent in done {
        let [first, second, third] = parent.used.map(|qty| qty.0);
        let most = parent.qty.0;
        let holds = match ParentKind::from_u8(parent.parent).unwrap() {
            ParentKind::Oco => first <= most && second <= most,
            ParentKind::Bracket => first <= most && second + third <= parent.filled[0].0,
            _ => first <= most,
        };
        assert!(holds, "{parent:?}");
    }
}

/// Positions by symbol, without those that are flat.
fn positions(rows: &[engine::pipeline::live::PositionRow]) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(row.symbol.clone()).or_insert(0) += row.position.0 / Qty::SCALE;
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

/// An engine as a process of its own. Dropped, it is killed.
struct Victim(Child);

impl Victim {
    fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_victim"))
            .args([config.to_str().unwrap(), "fused"])
            .env("CRASH_PASSWORD", "loopback")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("READY"), "{line:?}");
        Self(child)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be gone already: that is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What stands, once it is as wanted.
#[track_caller]
fn wait_for(dir: &Path, what: &str, wanted: impl Fn(&Standing) -> bool) -> Standing {
    let until = Instant::now() + PATIENCE;
    loop {
        let standing = Standing::read(dir).unwrap();
        if wanted(&standing) {
            return standing;
        }
        let seen: Vec<Parent> = standing.parents().copied().collect();
        assert!(Instant::now() < until, "never: {what}; {seen:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is(parent: &Parent, kind: ParentKind) -> bool {
    parent.parent == kind as u8
}

/// What the entry of the bracket buys: little enough for any book.
const BOUGHT: Qty = Qty(3 * Qty::SCALE);

/// Whether the exit of the bracket works at the venue, for exactly what the entry has filled, and
/// the stop waits.
fn has_exit(standing: &Standing) -> bool {
    let mut brackets = standing.parents().filter(|parent| is(parent, ParentKind::Bracket));
    let bracket = brackets.find(|parent| parent.used == [BOUGHT, BOUGHT, Qty::ZERO]);
    let works = bracket.is_some_and(|parent| {
        standing.orders().any(|order| {
            order.parent == parent.cl_ord_id
                && order.leaves_qty() == BOUGHT
                && order.venue_ord_id.0 != 0
                && order.pending() == 0
        })
    });
    works && standing.parents().any(|parent| is(parent, ParentKind::Stop))
}

/// Asks for the bracket until its entry has filled: what is asked before the books are there is
/// refused. Then for the stop.
fn begin(dir: &Path) {
    let until = Instant::now() + PATIENCE;
    let bracket = order("bracket", "AAPL", "buy", "3", &["profit=250", "stop=100"]);
    loop {
        assert!(ask(dir, &bracket).ok);
        std::thread::sleep(Duration::from_millis(300));
        let standing = Standing::read(dir).unwrap();
        if standing.parents().any(|parent| parent.filled[0] == BOUGHT) {
            break;
        }
        let seen: Vec<Parent> = standing.parents().copied().collect();
        assert!(Instant::now() < until, "no entry was filled: {seen:?}");
    }
    assert!(ask(dir, &order("stop", "AAPL", "sell", "7", &["stop=0.50"])).ok);
    wait_for(dir, "the exit of the bracket", has_exit);
}

/// Cancels every parent by its id, as a person would after a restart.
fn end_all(dir: &Path) {
    let standing = Standing::read(dir).unwrap();
    for parent in standing.parents() {
        let reply = ask(dir, &cancel(&parent.cl_ord_id.to_string()));
        assert!(reply.ok, "{}", reply.text);
    }
    wait_for(dir, "the end of all parents", |standing| {
        standing.parents().count() == 0 && standing.orders().count() == 0
    });
}

/// Goal: a bracket in the middle and a stop that waits survive `kill -9`: the position that the
/// entry has made keeps its exit, sent anew for exactly what is filled, and nothing is bought
/// twice. Method: three kills; after each the exit at the venue and the sums of the parent are
/// those of before.
#[test]
fn a_bracket_and_a_stop_go_on_after_kill_9() {
    let temp = Folder::new();
    let dir = temp.path().join("engine");
    let mut exchange = venue(&["--rate", "3000", "--start", "at-once"]);
    let path = temp.path().join("engine.toml");
    let text = config(&dir, &exchange.addresses(), 0);
    std::fs::write(&path, text).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let venue = scope.spawn(|| exchange.run(&stop).unwrap());
        let guard = StopAtEnd(&stop);
        let mut victim = Victim::start(&path);
        begin(&dir);
        let mut exits = BTreeSet::new();
        for _ in 0..3 {
            victim.kill();
            victim = Victim::start(&path);
            // A child of the new start: the one of the old one is cancelled first.
            let epoch = *Journal::open(&dir).unwrap().epochs().unwrap().iter().max().unwrap();
            let standing = wait_for(&dir, "the exit, sent anew", |standing| {
                has_exit(standing) && standing.orders().all(|order| order.root.epoch() == epoch)
            });
            exits.extend(standing.orders().map(|order| order.root));
        }
        assert_eq!(exits.len(), 3, "one exit a start: {exits:?}");
        end_all(&dir);
        victim.kill();
        drop(guard);
        let summary = venue.join().unwrap();
        assert_eq!(positions_at(&summary).get("AAPL"), Some(&3), "bought once");
    });
    let replayed = engine::replay::run(&dir, None, Some("split4")).unwrap();
    assert_eq!(replayed.order_stream_hash, replayed.recorded_hash);
    assert_eq!(replayed.state_hash, replayed.recorded_state_hash);
}
