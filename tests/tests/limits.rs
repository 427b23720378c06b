//! Limits, modes and self-trades of the running engine, against the loopback exchange: what a
//! person changes acts, stays over restarts, and is made again by a replay on every layout.

use clap::Parser;
use engine::config::Sources;
use engine::control::{Reply, Request, ScopeName};
use engine::pipeline::live::{Finished, Options, Running, SecretSource, start};
use engine::replay::Standing;
use exchange::{Addresses, Args, Exchange};
use shm::ids::Cause;
use shm::journal::Journal;
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order::{Approved, CancelAsked, Denied};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
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

fn venue() -> Exchange {
    let symbols = root().join("config/demo-instruments.csv");
    let any = "127.0.0.1:0";
    let mut line =
        vec!["exchange", "--itch-a", any, "--itch-b", any, "--request", any, "--ouch", any];
    line.extend(["--password", "loopback", "--seed", "12", "--start-delay", "0.2"]);
    line.extend(["--rate", "1000", "--start", "at-once", "--linger", "60"]);
    line.extend(["--symbols", symbols.to_str().unwrap()]);
    Exchange::bind(Line::parse_from(line).args.options().unwrap()).unwrap()
}

/// An engine of one strategy that works orders by hand; `limits` are its tables.
fn config(dir: &Path, at: &Addresses, limits: &str) -> String {
    let symbols = root().join("config/demo-instruments.csv");
    format!(
        r#"version = 1
engine = {{ name = "l{}", dir = "{}", hot_dir = "{}", arm = true, on_stop = "cancel" }}
journal = {{ mode = "async", segment_mib = 8, segments = 4, capture = "raw" }}
market = {{ instruments = "{}", zone = "UTC", date = "auto" }}
risk = {{ on_over = "cancel" }}
topology = {{ layout = "fused", wait = "yield", helpers = "auto" }}
[[account]]
name = "main"
currency = "USD"
self_trade = "cancel_resting"
[[feed]]
name = "itch"
codec = "itch50"
a = "{}"
b = "{}"
request = "{}"
retries = 20
[[gateway]]
name = "ouch"
session = {{ codec = "ouch50", soup = "{}", user = "DEMO01", password_env = "PASSWORD" }}
send = {{ rate = 100000, reserve = 1000, per_ms = 1000, order_age_max_us = 1000000 }}
[[strategy]]
name = "hand"
[strategy.wiring]
kind = "exec"
account = "main"
feeds = ["itch"]
gateway = "ouch"
instruments = ["*"]
[strategy.params]
every = 0
qty = "50"
distance_ticks = 3
{limits}"#,
        std::process::id(),
        dir.display(),
        hot_dir(dir).display(),
        symbols.display(),
        at.itch_a,
        at.itch_b,
        at.request,
        at.ouch,
    )
}

/// Every limit, with `qty_max` of one order.
fn limits(qty_max: &str) -> String {
    let text = include_str!("crash/engine.toml");
    let tables = text.split_at(text.find("[[limits]]").unwrap()).1;
    tables.replacen("qty_max = \"unlimited\"", &format!("qty_max = \"{qty_max}\""), 1)
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

/// A request that is carried out, once it can be: as long as the session is not up, some cannot.
#[track_caller]
fn done(dir: &Path, request: &Request) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let reply = ask(dir, request);
        if reply.ok {
            return reply.text;
        }
        assert!(Instant::now() < until, "{}", reply.text);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn load(text: &str) -> Request {
    let (file, reason) = ("new.toml".to_owned(), "a test".to_owned());
    Request::LimitsLoad { file, text: text.to_owned(), reason }
}

fn mode(mode: &str) -> Request {
    let scope = ScopeName("strategy:hand".to_owned());
    Request::Mode { scope, mode: mode.to_owned(), reason: "a test".to_owned() }
}

fn limit(side: &str, qty: &str, px: &str) -> Request {
    Request::OrderNew {
        strategy: String::new(),
        instrument: "AAPL".to_owned(),
        kind: "limit".to_owned(),
        side: side.to_owned(),
        qty: qty.to_owned(),
        terms: vec![format!("px={px}")],
    }
}

/// Every record of the last session, lane by lane.
fn each_record(dir: &Path, mut each: impl FnMut(RecordKind, &[u8])) {
    let journal = Journal::open(dir).unwrap();
    let epoch = *journal.epochs().unwrap().iter().max().unwrap();
    for lane in journal.lanes(epoch).unwrap() {
        let mut reader = journal.reader(epoch, lane).unwrap();
        while let Some(record) = reader.next().unwrap() {
            if let Some(kind) = RecordKind::from_u16(record.header.kind) {
                each(kind, record.body);
            }
        }
    }
}

/// Causes of the cancels of the last session.
fn cancel_causes(dir: &Path) -> Vec<Cause> {
    let mut causes = Vec::new();
    each_record(dir, |kind, body| {
        let asked = CancelAsked::read(body).filter(|_| kind == RecordKind::CancelAsked);
        causes.extend(asked.map(|asked| asked.cause));
    });
    causes
}

/// What became of every order that risk has decided on, in its order: why it was refused, and by
/// which version of the limits.
fn decisions(dir: &Path) -> Vec<(Option<Reason>, u32)> {
    let mut found = Vec::new();
    each_record(dir, |kind, body| match kind {
        RecordKind::Approved => {
            found.extend(Approved::read(body).map(|row| (None, row.limit_version)));
        }
        RecordKind::Denied => {
            found.extend(
                Denied::read(body).map(|row| (Reason::from_u8(row.reason), row.limit_version)),
            );
        }
        _ => {}
    });
    found
}

/// An order by hand, and what risk made of it; given again as long as the feed, after a late start,
/// is no reference yet.
#[track_caller]
fn order(dir: &Path, request: &Request) -> (Option<Reason>, u32) {
    let until = Instant::now() + PATIENCE;
    loop {
        let before = decisions(dir).len();
        done(dir, request);
        wait_until(|| decisions(dir).len() > before, "a decision");
        let last = *decisions(dir).last().unwrap();
        if last.0 != Some(Reason::NoReference) || Instant::now() > until {
            return last;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs an engine in this process as long as `act` takes.
fn run(dir: &Path, at: &Addresses, tables: &str, act: impl FnOnce(&Running)) -> Finished {
    let text = config(dir, at, tables);
    let (loaded, instruments, bound) = Sources::text("limits.toml", &text)
        .load_and_bind()
        .unwrap_or_else(|report| panic!("{report}"));
    let secrets: SecretSource = |_| Some("loopback".to_owned());
    let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
    let running = start(&loaded, instruments, &bound, options).unwrap();
    // Re-arming asks for a session that is up, and changes nothing here.
    let (scope, reason) = (ScopeName::default(), "a test".to_owned());
    done(dir, &Request::Arm { scope, reason });
    act(&running);
    running.stop_flag().stop();
    let finished = running.wait();
    for layout in ["fused", "split2", "split4"] {
        let replayed = engine::replay::run(dir, None, Some(layout)).unwrap();
        assert_eq!(replayed.order_stream_hash, replayed.recorded_hash, "{layout}");
        assert_eq!(replayed.state_hash, replayed.recorded_state_hash, "{layout}");
        assert_eq!(replayed.state_hash, finished.state_hash, "{layout}");
    }
    finished
}

fn with_venue(act: impl FnOnce(&Path, &Addresses)) {
    let temp = Folder::new();
    let mut exchange = venue();
    let at = exchange.addresses();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _guard = StopAtEnd(&stop);
        scope.spawn(|| exchange.run(&stop).unwrap());
        act(&temp.path().join("engine"), &at);
    });
}

/// Goal: a limit set swapped while running acts on the next order and cancels what it would not
/// let in; one with a fault changes nothing; it stays over a restart, until the configuration's own
/// limits change; every session replays alike on every layout. Method: orders at and over 50 and
/// 10, three starts.
#[test]
fn t01_r05_limits_are_swapped_whole_stay_over_restarts_and_replay() {
    with_venue(|dir, at| {
        run(dir, at, &limits("unlimited"), |running| {
            let notes = running.notes().join("\n");
            assert!(notes.contains("trading is on: the configuration or the command"), "{notes}");
            swap_twice(dir);
        });
        run(dir, at, &limits("unlimited"), |running| {
            let notes = running.notes().join("\n");
            assert!(notes.contains("version 3, loaded"), "{notes}");
            assert!(notes.contains("trading is on: the last session (epoch"), "{notes}");
            assert!(done(dir, &Request::LimitsShow).contains("qty_max = \"10\""));
            assert_eq!(order(dir, &limit("buy", "11", "1.00")), (Some(Reason::OrderQty), 3));
            assert_eq!(order(dir, &limit("buy", "10", "1.00")), (None, 3));
        });
        run(dir, at, &limits("20"), |_| {
            let text = done(dir, &Request::Status);
            assert!(text.contains("limits: version 4, of the configuration"), "{text}");
            assert_eq!(order(dir, &limit("buy", "11", "1.00")), (None, 4));
            assert_eq!(order(dir, &limit("buy", "21", "1.00")), (Some(Reason::OrderQty), 4));
        });
    });
}

/// Two sets, faults between them, an order that the second does not let stand.
fn swap_twice(dir: &Path) {
    assert_eq!(order(dir, &limit("buy", "51", "1.00")), (None, 1));
    let text = done(dir, &load(&limits("50")));
    assert!(text.contains("version 2, loaded") && text.contains("1 working order is"), "{text}");
    let of_risk = |body: &[u8]| Approved::read(body).map(|row| row.cl_ord_id.to_string());
    let mut ids = Vec::new();
    each_record(dir, |kind, body| {
        ids.extend(of_risk(body).filter(|_| kind == RecordKind::Approved));
    });
    assert!(text.ends_with(&format!("are being cancelled: {}", ids[0])), "{ids:?}: {text}");
    assert_eq!(order(dir, &limit("buy", "51", "1.00")), (Some(Reason::OrderQty), 2));
    assert_eq!(order(dir, &limit("buy", "50", "1.00")), (None, 2));
    wait_until(|| cancel_causes(dir).contains(&Cause::OVER_LIMIT), "its cancel");
    for (text, part) in [
        (limits("fifty"), "new.toml:3"),
        (limits("50").replacen("value_max = \"unlimited\", ", "", 1), "limits.order.value_max"),
        ("[engine]\narm = true\n".to_owned(), "new.toml:1"),
        ("[[limits]\n".to_owned(), "not TOML"),
        (limits("50").replacen("account:main", "account:none", 1), "there is no account"),
    ] {
        let reply = ask(dir, &load(&text));
        assert!(!reply.ok && reply.text.contains(part), "{part}: {}", reply.text);
        assert!(reply.text.contains("version 2 stays in force"), "{}", reply.text);
    }
    let reason = String::new();
    let bare = Request::LimitsLoad { file: "new.toml".to_owned(), text: limits("1"), reason };
    assert!(ask(dir, &bare).text.contains("needs a reason"));
    assert_eq!(order(dir, &limit("buy", "50", "1.01")), (None, 2));
    let text = done(dir, &load(&limits("10")));
    assert!(text.contains("version 3, loaded"), "{text}");
    assert_eq!(order(dir, &limit("buy", "11", "1.00")), (Some(Reason::OrderQty), 3));
    let text = done(dir, &Request::Status);
    assert!(text.contains("limits: version 3, loaded") && text.contains(": a test"), "{text}");
    assert!(done(dir, &Request::LimitsShow).contains("qty_max = \"10\""));
}

#[track_caller]
fn wait_until(holds: impl Fn() -> bool, what: &str) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Goal: a mode set by a person acts on the next order, is told by the status, stays over a
/// restart, and is taken back by a person alone. Method: cancel-only before a restart, active after
/// it.
#[test]
fn t01_r02_a_mode_set_by_hand_stays_over_a_restart() {
    with_venue(|dir, at| {
        let tables = limits("unlimited");
        run(dir, at, &tables, |_| {
            assert_eq!(order(dir, &limit("buy", "1", "1.00")), (None, 1));
            assert_eq!(done(dir, &mode("cancel-only")), "strategy:hand is cancel only");
            assert_eq!(order(dir, &limit("buy", "1", "1.00")), (Some(Reason::Mode), 1));
            let wrong = ask(dir, &mode("quiet"));
            assert!(!wrong.ok && wrong.text.contains("reduce-only"), "{}", wrong.text);
        });
        run(dir, at, &tables, |_| {
            let text = done(dir, &Request::Status);
            assert!(
                text.contains("mode of strategy:hand: cancel only (set by a person)"),
                "{text}"
            );
            assert_eq!(order(dir, &limit("buy", "1", "1.00")), (Some(Reason::Mode), 1));
            assert_eq!(done(dir, &mode("active")), "strategy:hand is active");
            assert_eq!(order(dir, &limit("buy", "1", "1.00")), (None, 1));
            assert!(!done(dir, &Request::Status).contains("mode of strategy:hand"));
        });
    });
}

/// Goal: over a venue, an own resting order is cancelled for the order that would have met it; that
/// one passes once the venue has confirmed. Method: a sell far above the market, buys at its price.
#[test]
fn t01_r45_own_resting_orders_give_way_at_a_venue() {
    with_venue(|dir, at| {
        run(dir, at, &limits("unlimited"), |_| {
            assert_eq!(order(dir, &limit("sell", "5", "1000.00")), (None, 1));
            let refused = Some(Reason::SelfTrade);
            assert_eq!(order(dir, &limit("buy", "1", "1000.00")), (refused, 1));
            assert!(cancel_causes(dir).contains(&Cause::SELF_TRADE));
            wait_until(|| Standing::read(dir).unwrap().orders().count() == 0, "its end");
            assert_eq!(order(dir, &limit("buy", "1", "1000.00")), (None, 1));
        });
    });
}
