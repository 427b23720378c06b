//! An engine in this process, an exchange, and the wire between them.

use crate::feed::Relay;
use crate::hold::threads;
use crate::machine;
use crate::wire::Wire;
use clap::Parser;
use engine::config::Sources;
use engine::control::{Reply, Request, ScopeName};
use engine::pipeline::live::{Options, Running, SecretSource, start};
use exchange::{Args, Exchange};
use shm::counters::CounterReader;
use shm::gates::Gates;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for what a healthy engine does at once.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// What a rig is made for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// The feed comes through a relay that can be cut.
    pub(crate) relay: bool,
    /// The operator has to be heard so often.
    pub(crate) heartbeat_ms: Option<u64>,
}

/// All of it, running; stopped when dropped.
pub(crate) struct Rig {
    pub(crate) wire: Wire,
    pub(crate) gates: Gates,
    pub(crate) relay: Option<Relay>,
    pub(crate) layout: &'static str,
    sent: CounterReader,
    working: CounterReader,
    failed: CounterReader,
    running: Option<Running>,
    stop: Arc<AtomicBool>,
    venue: Option<JoinHandle<()>>,
    /// Number of the gateway's thread, and its cores.
    thread: (u32, Vec<usize>),
    // Last: they outlive what uses them.
    dir: PathBuf,
    _folders: [tempfile::TempDir; 2],
}

pub(crate) fn wait(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

impl Rig {
    /// Starts everything; trading is armed.
    pub(crate) fn start(layout: &'static str, wanted: Wanted) -> Self {
        machine::use_all_cores();
        // The archive in memory, too: a kill is timed here, and a disk that is behind for seconds
        // (a shared one, written by others) holds back every order and every confirmation.
        let folder = wirelane_tests::memory::folder();
        // Live segments outlive a process; these go with the test.
        let hot = wirelane_tests::memory::folder();
        let any = || "127.0.0.1:0".to_owned();
        let relay = wanted.relay.then(Relay::new);
        let lines = relay.as_ref().map_or([any(), any()], |relay| relay.heads().map(text));
        let [line_a, line_b] = &lines;
        let mut line = vec!["exchange", "--itch-a", line_a, "--itch-b", line_b];
        line.extend(["--request", "127.0.0.1:0", "--ouch", "127.0.0.1:0"]);
        line.extend(["--user", "CRASH1:loopback", "--seed", "7", "--rate", "5000"]);
        let venue = Exchange::bind(Line::parse_from(line).args.options().unwrap()).unwrap();
        let at = venue.addresses();
        let wire = Wire::to(at.ouch);
        std::fs::write(folder.path().join("instruments.csv"), instruments()).unwrap();
        let [a, b] = relay.as_ref().map_or([at.itch_a, at.itch_b], Relay::tails);
        let dir = folder.path().join("engine");
        let config = include_str!("../crash/engine.toml")
            .replace("{dir}", &dir.display().to_string())
            .replace("{hot_dir}", &hot.path().display().to_string())
            .replace("{a}", &text(a))
            .replace("{b}", &text(b))
            .replace("{request}", &text(at.request))
            .replace("{ouch}", &text(wire.address()))
            .replace("{user}", "CRASH1")
            // An arming waits for the disk: let that be soon, for more trips.
            .replace("mode = \"async\"", "mode = \"group\"")
            .replace("wait = \"yield\"", "wait = \"spin_hint\"");
        let kill = wanted.heartbeat_ms.map(|most| format!("\n[kill]\nheartbeat_max_ms = {most}\n"));
        let path = folder.path().join("engine.toml");
        std::fs::write(&path, config + &kill.unwrap_or_default()).unwrap();
        let (stop, venue) = run(venue);
        let running = engine(&path, layout);
        if machine::is_long_form() {
            machine::make_room(&running.plan().helpers);
        }
        let region = running.region().unwrap();
        let counter = |name: &str| region.counter(name).unwrap();
        Self {
            gates: Gates::open(&dir.join("gates")).unwrap(),
            relay,
            layout,
            sent: counter("gateway:ouch.sent_new"),
            working: counter("risk.working"),
            failed: counter("archive.failed"),
            thread: gateway_thread(&running),
            wire,
            running: Some(running),
            stop,
            venue: Some(venue),
            dir,
            _folders: [folder, hot],
        }
    }

    /// The engine's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// New orders that the gateway has sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Orders that risk counts as not ended.
    pub(crate) fn working(&self) -> u64 {
        self.working.get()
    }

    /// Waits until no order works; or until the guard has acted, where the machine has kept the
    /// gateway's thread from its core for so long that it was taken for hung.
    /// With the control thread held nobody can be asked: then for a second at most.
    pub(crate) fn wait_for_the_end_of_all(&self, can_ask: bool) {
        let (begun, mut looked) = (Instant::now(), Instant::now());
        while self.working() > 0 {
            std::thread::sleep(Duration::from_micros(200));
            if !can_ask && begun.elapsed() > Duration::from_secs(1) {
                return;
            }
            if can_ask && looked.elapsed() > Duration::from_millis(100) {
                let status = self.status();
                if status.contains("GUARD") {
                    return;
                }
                looked = Instant::now();
                let left = self.working();
                assert!(begun.elapsed() < PATIENCE, "{left} orders are left: {status}");
            }
        }
    }

    /// Waits until so many more orders were sent, or something else is so.
    pub(crate) fn wait_for_trade(&self, orders: u64, is_over: impl Fn() -> bool) {
        let (until, before) = (Instant::now() + PATIENCE, self.sent());
        while self.sent() < before + orders && !is_over() {
            assert!(Instant::now() < until, "the engine does not trade: {}", self.status());
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Whether the archive has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get() != 0
    }

    /// How long the gateway's thread has waited for a core, ns.
    pub(crate) fn waited(&self) -> u64 {
        machine::waited(self.thread.0)
    }

    /// Cores that the gateway's thread may use.
    pub(crate) fn cores(&self) -> &[usize] {
        &self.thread.1
    }

    /// What a signal does.
    pub(crate) fn flag(&self) -> engine::control::StopFlag {
        self.running.as_ref().unwrap().stop_flag()
    }

    /// Asks without waiting for the answer.
    pub(crate) fn tell(&self, request: &Request) -> UnixStream {
        let mut stream = UnixStream::connect(self.dir.join("control.sock")).unwrap();
        stream.write_all(&engine::control::line(&self.dir, request, PATIENCE)).unwrap();
        stream
    }

    /// Asks.
    pub(crate) fn ask(&self, request: &Request) -> Reply {
        let mut answer = String::new();
        let stream = self.tell(request);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        BufReader::new(stream).read_line(&mut answer).expect("the control thread does not answer");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }

    /// Asks how things are.
    pub(crate) fn status(&self) -> String {
        self.ask(&Request::Status).text
    }

    /// Arms, as soon as it is let. When that was last asked for: wall time, ns.
    pub(crate) fn arm(&self) -> u64 {
        let mut at = 0;
        let mut said = String::new();
        wait("the engine cannot be armed", || {
            at = machine::wall();
            let scope = ScopeName::default();
            let reply = self.ask(&Request::Arm { scope, reason: "the next trip".to_owned() });
            said.clone_from(&reply.text);
            // A disk that is behind confirms late; the gate is open.
            reply.is_in_force()
        });
        at
    }
}

impl Rig {
    /// Stops the engine, and replays its journal on every layout.
    pub(crate) fn assert_replays_alike(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.stop_flag().stop();
        let finished = running.wait();
        self.stop.store(true, Ordering::Relaxed);
        for layout in ["fused", "split2", "split4"] {
            let replayed = match engine::replay::run(&self.dir, None, Some(layout)) {
                // What a disk that was behind left no room for is not there to be replayed, and
                // the journal says so itself.
                Err(gap @ engine::replay::ReplayError::Gap { .. }) => return println!("{gap}"),
                replayed => replayed.unwrap(),
            };
            assert_eq!(replayed.order_stream_hash, replayed.recorded_hash, "{layout}");
            assert_eq!(replayed.state_hash, replayed.recorded_state_hash, "{layout}");
            assert_eq!(replayed.state_hash, finished.state_hash, "{layout}");
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop_flag().stop();
            drop(running.wait());
        }
        self.stop.store(true, Ordering::Relaxed);
        if let Some(venue) = self.venue.take() {
            let _ = venue.join();
        }
    }
}

/// Runs the exchange until the flag is up.
fn run(mut venue: Exchange) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let stop = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&stop);
    let run = move || drop(venue.run(&own).unwrap());
    (stop, std::thread::Builder::new().name("venue".to_owned()).spawn(run).unwrap())
}

fn engine(path: &Path, layout: &str) -> Running {
    let mut sources = Sources::read(path).unwrap_or_else(|report| panic!("{report}"));
    sources.layout = Some(layout.to_owned());
    let (loaded, instruments, bound) =
        sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"));
    let secrets: SecretSource = |_| Some("loopback".to_owned());
    let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
    start(&loaded, instruments, &bound, options).unwrap()
}

/// The thread of the gateway stage: its number and the cores it is bound to.
fn gateway_thread(running: &Running) -> (u32, Vec<usize>) {
    let is_gateway =
        |stage: &engine::config::StageId| matches!(stage, engine::config::StageId::Gateway(_));
    let row = running.plan().threads.iter().find(|row| row.stages.iter().any(is_gateway)).unwrap();
    let name = format!("hot-{}", row.name);
    let (tid, _) = threads().into_iter().find(|(_, known)| *known == name).unwrap();
    (tid, row.core.into_iter().collect())
}

fn text(address: std::net::SocketAddr) -> String {
    address.to_string()
}

fn instruments() -> String {
    let head =
        "venue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,prior_close,ticks";
    let mut csv = format!("{head}\n");
    for row in exchange::flow::built_in() {
        let symbol = row.symbol;
        csv.push_str(&format!(
            "NASDAQ,{symbol},USD,1,1,1,1000000,0.0001,199999.99,100.00,0:0.0001|1:0.01\n"
        ));
    }
    csv
}
