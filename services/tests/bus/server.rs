//! Two engines, a real server, one desk: random kills of all of them.

use crate::journal::{DAY, Engine, Random, Sums, dir};
use crate::messages::{local, positions, same};
use crate::place::{number, store};
use services::bus::{BusSettings, Desk, Families, Login, Name, Publisher, Server};
use services::store::{EngineId, Password, Settings, Target};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Tells a process what it is: `publish|base|url|engine` or `desk|file|url|`.
const VICTIM: &str = "WIRELANE_BUS_VICTIM";

/// The longest wait for what must come; nothing is asserted of how long it takes.
const PATIENCE: Duration = Duration::from_secs(120);

fn settings(url: &str, engine: Option<&str>) -> BusSettings {
    BusSettings {
        server: Server {
            url: url.to_owned(),
            login: Login::Nobody,
            ca_file: None,
            certificate: None,
        },
        stream: Name::parse("test").unwrap(),
        engine: engine.and_then(Name::parse),
        families: Families::STORE,
        keep: Duration::ZERO,
        keep_bytes: 0,
        replicas: 1,
    }
}

/// Not a test by itself: what the tests below start and kill.
#[test]
fn victim() {
    let Ok(text) = std::env::var(VICTIM) else { return };
    let words: Vec<&str> = text.split('|').collect();
    let [role, path, url, engine] = words.as_slice() else { panic!("{text}") };
    let parent = std::os::unix::process::parent_id();
    let is_over = || std::os::unix::process::parent_id() != parent;
    if *role == "publish" {
        let name = Name::parse(engine).unwrap();
        let bus = settings(url, Some(engine));
        let _publisher = Publisher::start(&dir(Path::new(path)), bus, name).unwrap();
        while !is_over() {
            std::thread::sleep(Duration::from_millis(50));
        }
        return;
    }
    let target = Target::Sqlite(PathBuf::from(path));
    let commit = Duration::from_millis(5);
    let into = Settings::plain(target, 5_000, commit);
    let mut desk = Desk::start(settings(url, None), into).unwrap();
    while !is_over() {
        if !desk.turn().unwrap() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn start(role: &str, path: &Path, url: &str, engine: &str) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "server::victim"]);
    command.env(VICTIM, format!("{role}|{}|{url}|{engine}", path.display()));
    Process(command.stdout(Stdio::null()).spawn().unwrap())
}

/// A process that is killed when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of our own, on a port that was free.
struct Nats {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    more: Vec<&'static str>,
    process: Option<Process>,
}

impl Nats {
    /// Starts one, or tells that there is none.
    fn start(folder: &Path) -> Option<Self> {
        Self::start_with(folder, Vec::new())
    }

    /// Starts one with more arguments.
    fn start_with(folder: &Path, more: Vec<&'static str>) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let others = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/bin")];
        let mut folders = std::env::split_paths(&path).chain(others);
        let Some(found) = folders.find(|folder| folder.join("nats-server").is_file()) else {
            println!("NOT RUN: the bus on a real server (needs nats-server)");
            return None;
        };
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let (program, folder) = (found.join("nats-server"), folder.to_path_buf());
        let mut nats = Self { program, folder, port, more, process: None };
        nats.up();
        Some(nats)
    }

    fn up(&mut self) {
        let mut command = Command::new(&self.program);
        command.args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string()]);
        command.args(&self.more);
        command.arg("-sd").arg(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process(command.spawn().unwrap()));
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "nats-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn down(&mut self) {
        self.process = None;
    }

    /// Kills it and starts it again after some milliseconds.
    fn again(&mut self, after: u64) {
        self.down();
        std::thread::sleep(Duration::from_millis(after));
        self.up();
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

/// Waits until the desk's rows of an engine are those of its journal.
fn wait(file: &Path, name: &str, base: &Path, what: &str) {
    let begin = Instant::now();
    loop {
        let mut desk = store(&Target::Sqlite(file.to_path_buf()));
        let id = desk.engine(name).unwrap().id;
        let held = desk.fingerprints(id, 0).unwrap();
        if held == local(base).fingerprints(EngineId::LOCAL, 0).unwrap() {
            return;
        }
        if begin.elapsed() > PATIENCE {
            same(&mut desk, name, base, what);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Goal: one desk of two engines equals the sum of their journals after kills of whatever is
/// between them. Method: both journals are written, over several sessions, while publishers, desk
/// and server are killed with -9 at random, one a round; then all of them run until the desk has
/// everything.
#[test]
fn a_desk_is_the_sum_of_its_engines_after_any_kills() {
    let rounds: u64 = match std::env::var("WIRELANE_ROUNDS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => 100,
    };
    let seed = u64::from(std::process::id());
    let what = format!("seed {seed}");
    println!("{what}");
    let temp = tempfile::tempdir().unwrap();
    let Some(mut nats) = Nats::start(&temp.path().join("nats")) else { return };
    let url = nats.url();
    let (file, names) = (temp.path().join("desk.db"), ["a", "b"]);
    drop(store(&Target::Sqlite(file.clone())));
    let bases = names.map(|name| temp.path().join(name));
    let mut random = Random(seed);
    let mut epoch = 1;
    let mut engines = [0, 1].map(|at| Some(Engine::start(&bases[at], epoch, at as u64, DAY)));
    let publisher = |at: usize| Some(start("publish", &bases[at], &url, names[at]));
    let mut publishers = [publisher(0), publisher(1)];
    let mut desk = Some(start("desk", &file, &url, ""));
    let mut kills = [0; 4];
    for round in 0..rounds {
        let is_end = round % 25 == 24;
        for (at, engine) in engines.iter_mut().enumerate() {
            let running = engine.as_mut().unwrap();
            (0..random.below(60)).for_each(|_| running.order());
            running.archive();
            if is_end {
                *engine = engine.take().map(|ended| next(ended, &bases[at], epoch + 1));
            }
        }
        epoch += u16::from(is_end);
        std::thread::sleep(Duration::from_millis(random.below(150)));
        let victim = random.below(4) as usize;
        kills[victim] += 1;
        // What is there is dropped, and with it killed, before the next one is started.
        match victim {
            0 | 1 => {
                drop(publishers[victim].take());
                publishers[victim] = publisher(victim);
            }
            2 => {
                drop(desk.take());
                desk = Some(start("desk", &file, &url, ""));
            }
            _ => nats.again(random.below(50)),
        }
    }
    for engine in engines.iter_mut().flatten() {
        (0..50).for_each(|_| engine.order());
    }
    let sums: Vec<Sums> = engines.into_iter().flatten().map(Engine::stop).collect();
    for (name, base) in names.iter().zip(&bases) {
        wait(&file, name, base, &what);
    }
    drop((publishers, desk));
    println!("{rounds} rounds, kills of a, b, desk and server: {kills:?}");
    sums_up(&file, &bases, &sums, &what);
}

/// Ends a session and opens the next one, into which its positions are carried.
fn next(ended: Engine, base: &Path, epoch: u16) -> Engine {
    let sums = ended.stop();
    let mut next = Engine::start(base, epoch, u64::from(epoch), DAY);
    next.carry(&sums);
    next
}

/// Fails unless the desk's views are the sums of the engines' last sessions.
fn sums_up(file: &Path, bases: &[PathBuf], sums: &[Sums], what: &str) {
    let mut desk = store(&Target::Sqlite(file.to_path_buf()));
    positions(&mut desk, sums, what);
    assert_eq!(number(desk.database(), "SELECT COUNT(*) FROM journal_gaps"), 0, "{what}");
    let open = "SELECT CAST(COALESCE(SUM(orders), 0) AS BIGINT) FROM desk_open_orders";
    let of_engines: i64 = bases.iter().map(|base| number(local(base).database(), open)).sum();
    assert_eq!(number(desk.database(), open), of_engines, "{what}");
    assert!(of_engines > 0, "{what}");
}

/// Goal: with no server there a publisher waits and says why, ends at once when it is told to, and
/// publishes everything once there is one. Method: the server comes after a while.
#[test]
fn a_server_that_is_away_is_waited_for() {
    let temp = tempfile::tempdir().unwrap();
    let Some(mut nats) = Nats::start(&temp.path().join("nats")) else { return };
    nats.down();
    let base = temp.path().join("a");
    let mut engine = Engine::start(&base, 1, 1, DAY);
    (0..200).for_each(|_| engine.order());
    engine.stop();
    let bus = settings(&nats.url(), Some("a"));
    let name = bus.engine.clone().unwrap();
    let publisher = Publisher::start(&dir(&base), bus.clone(), name.clone()).unwrap();
    let until = |done: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !done() {
            assert!(begin.elapsed() < PATIENCE, "{:?}", publisher.progress());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    until(&|| publisher.progress().failures > 1);
    let why = publisher.progress().waits.unwrap();
    assert!(why.contains(&nats.url()), "{why}");
    nats.up();
    until(&|| publisher.progress().is_level);
    let done = publisher.stop(PATIENCE);
    assert!(done.records > 500 && done.waits.is_none(), "{done:?}");
    // All of it is there: another finds nothing to be done.
    let again = Publisher::start(&dir(&base), bus.clone(), name.clone()).unwrap().stop(PATIENCE);
    assert_eq!((again.records, again.failures), (0, 0), "{again:?}");
    nats.down();
    let waiting = Publisher::start(&dir(&base), bus, name).unwrap();
    assert_eq!(waiting.stop(PATIENCE).records, 0);
}

/// Goal: who has no right to publish is told so and waits; who has publishes. Method: a server that
/// wants a token; a publisher without, with a wrong one, with the right one.
#[test]
fn a_server_that_wants_a_token_is_shown_it() {
    let temp = tempfile::tempdir().unwrap();
    let more = vec!["--auth", "sesame"];
    let Some(nats) = Nats::start_with(&temp.path().join("nats"), more) else { return };
    let base = temp.path().join("a");
    let mut engine = Engine::start(&base, 1, 1, DAY);
    (0..20).for_each(|_| engine.order());
    engine.stop();
    let publish = |login: Login| {
        let mut bus = settings(&nats.url(), Some("a"));
        bus.server.login = login;
        let name = bus.engine.clone().unwrap();
        Publisher::start(&dir(&base), bus, name).unwrap()
    };
    for login in [Login::Nobody, Login::Token(Password::new("sesam".into()))] {
        let refused = publish(login);
        let begin = Instant::now();
        while refused.progress().failures == 0 {
            assert!(begin.elapsed() < PATIENCE, "{:?}", refused.progress());
            std::thread::sleep(Duration::from_millis(10));
        }
        let why = refused.stop(PATIENCE).waits.unwrap();
        assert!(why.to_lowercase().contains("authorization"), "{why}");
        assert!(!why.contains("sesam"), "{why}");
    }
    let done = publish(Login::Token(Password::new("sesame".into()))).stop(PATIENCE);
    assert!(done.records > 50 && done.failures == 0, "{done:?}");
}
