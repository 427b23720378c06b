//! Several processes on a model of Redis that stops, goes on, loses messages, and comes back empty
//! or with what it was an hour ago.

use super::super::generations::{Bounds, Generations};
use super::super::level::Level;
use super::super::shared::Shared;
use super::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

const SYNC: u64 = 500_000_000;
const STALE_MAX: u64 = 5_000_000_000;
const GRACE: u64 = 1_200_000_000;

/// What a server holds: generations and entries.
type Data = (BTreeMap<u16, u64>, HashMap<String, Vec<u8>>);

#[derive(Default)]
struct Server {
    is_up: bool,
    /// Its start and its data: another table.
    run: u64,
    data: Data,
    saved: Data,
    loses_messages: bool,
    peers: Vec<Arc<Generations>>,
}

/// One process's way to it.
struct Peer {
    server: Arc<Mutex<Server>>,
    level: Level,
}

impl Shared for Peer {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let server = held(&self.server);
        server.is_up.then(|| server.data.1.get(key).cloned())?
    }

    fn put(&self, key: &str, bytes: Vec<u8>, _: Duration) {
        let mut server = held(&self.server);
        if server.is_up {
            server.data.1.insert(key.to_owned(), bytes);
        }
    }

    fn deliver(&self, slots: &[u16], key: Option<&str>) -> bool {
        let mut server = held(&self.server);
        if !server.is_up {
            return false;
        }
        for slot in slots {
            *server.data.0.entry(*slot).or_default() += 1;
        }
        key.map(|key| server.data.1.remove(key));
        if !server.loses_messages {
            server.peers.iter().for_each(|peer| peer.heard(slots));
        }
        true
    }

    fn level(&self) -> &Level {
        &self.level
    }
}

/// One process.
struct Process {
    cache: Cache,
    server: Arc<Mutex<Server>>,
    compares: u64,
}

impl Process {
    fn start(server: &Arc<Mutex<Server>>, time: &Time, disk: Option<&Path>) -> Self {
        let open = |generations: &Arc<Generations>, clock: &Clock| {
            held(server).peers.push(Arc::clone(generations));
            let (server, level) = (Arc::clone(server), Level::new(Arc::clone(clock)));
            Ok(Box::new(Peer { server, level }) as Box<dyn Shared>)
        };
        let shared = Some((&open as &get::OpenShared<'_>, Duration::from_nanos(GRACE)));
        let cache = Cache::with(&settings(disk), time.clock(), shared).unwrap();
        Self { cache, server: Arc::clone(server), compares: time.now() }
    }

    /// What the level's thread does.
    fn compare(&self, time: &Time) {
        let own = &self.cache.generations;
        let waiting = own.undelivered();
        let slots: Vec<u16> = waiting.iter().map(|(at, _)| *at).collect();
        if !held(&self.server).is_up {
            return;
        }
        if !slots.is_empty() && self.cache.shared.as_ref().unwrap().deliver(&slots, None) {
            own.delivered(&waiting);
        }
        let begun = own.begin(Nanos(time.now()));
        let server = held(&self.server);
        let found: Vec<(u16, u64)> = server.data.0.iter().map(|(&at, &of)| (at, of)).collect();
        let run = server.run;
        drop(server);
        own.learn(&begun, run, &found);
    }

    fn got(&self, key: &str, tags: &[&str], version: u64) -> (u64, Origin) {
        let source = || fill(&version.to_le_bytes());
        let found = self.cache.get_or_fill(ask(key, tags), source).unwrap();
        let value = <[u8; 8]>::try_from(&*found.value).unwrap();
        (u64::from_le_bytes(value), found.origin)
    }
}

fn server() -> Arc<Mutex<Server>> {
    Arc::new(Mutex::new(Server { is_up: true, run: 1, ..Server::default() }))
}

/// Lets time pass; each process compares when it is due.
fn pass(processes: &mut [Process], time: &Time, nanos: u64) {
    for _ in 0..nanos / 10_000_000 {
        time.pass(Duration::from_millis(10));
        for process in &mut *processes {
            if time.now() >= process.compares {
                process.compares = time.now() + SYNC;
                process.compare(time);
            }
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(0x5851_f42d_4c95_7f2d);
        (self.0 >> 33) % bound
    }
}

/// A change of the source: which version ended, when, and by whom it was dropped.
struct Ended {
    at: u64,
    by: usize,
}

/// What becomes of the server.
fn happen(server: &mut Server, what: u64, random: &mut Random) {
    match what {
        0 => server.is_up = false,
        1 | 2 => server.is_up = true,
        3 => server.saved = server.data.clone(),
        4 if random.below(4) == 0 => {
            server.run += 1;
            let is_empty = random.below(2) == 0;
            server.data = if is_empty { Data::default() } else { server.saved.clone() };
            server.is_up = true;
        }
        5 => server.loses_messages = !server.loses_messages,
        _ => {}
    }
}

const KEYS: [&str; 3] = ["a", "b", "c"];

fn trial(seed: u64) -> [u64; 4] {
    let (mut random, time, server) = (Random(seed), Time::new(), server());
    let mut processes: Vec<Process> =
        (0..3).map(|_| Process::start(&server, &time, None)).collect();
    for (at, process) in (0..).zip(&mut processes) {
        process.compares += at * 170_000_000;
    }
    pass(&mut processes, &time, 3_000_000_000);
    let mut ended: HashMap<&str, Vec<Ended>> = HashMap::new();
    let mut counts = [0; 4];
    for _ in 0..400 {
        let (key, by) = (KEYS[random.below(3) as usize], random.below(3) as usize);
        match random.below(20) {
            of @ 0..6 => happen(&mut held(&server), of, &mut random),
            6..10 => {
                // The source first, then the drop.
                let by_tag = random.below(3) == 0;
                for name in KEYS.iter().filter(|name| by_tag || **name == key) {
                    ended.entry(name).or_default().push(Ended { at: time.now(), by });
                }
                let cache = &processes[by].cache;
                let _ = if by_tag { cache.drop_tag("t") } else { cache.drop_key(key) };
            }
            10..14 => pass(&mut processes, &time, random.below(900) * 1_000_000),
            14 if random.below(3) == 0 => {
                pass(&mut processes, &time, random.below(9_000) * 1_000_000);
            }
            _ => {
                let history = ended.entry(key).or_default();
                let (version, origin) = processes[by].got(key, &["t"], history.len() as u64);
                counts[match origin {
                    Origin::Memory => 0,
                    Origin::Redis => 1,
                    _ => 2,
                }] += 1;
                if let Some(end) = history.get(version as usize) {
                    counts[3] += 1;
                    let age = time.now() - end.at;
                    let text = format!("seed {seed}: version {version} {age} ns after its end");
                    assert!(age <= STALE_MAX, "{text}");
                    let own = history.iter().skip(version as usize).any(|end| end.by == by);
                    assert!(!own, "{text}, in a process that dropped it itself");
                }
            }
        }
    }
    counts
}

/// Goal: no process gives out as fresh what was dropped anywhere more than `stale_max` ago, and
/// none what it dropped itself, whatever the server does: stops, loses messages, comes back empty
/// or with older data. Method: random operations of three processes, compared with the source.
#[test]
fn nothing_dropped_is_given_out_for_longer_than_the_bound() {
    let mut counts = [0; 4];
    for seed in 1..=300 {
        let of = trial(seed);
        counts.iter_mut().zip(of).for_each(|(sum, of)| *sum += of);
    }
    let [memory, redis, source, behind] = counts;
    println!(
        "{memory} from memory, {redis} from the server, {source} from the source; {behind} behind"
    );
    assert!(memory > 1_000 && redis > 1_000 && source > 1_000 && behind > 10, "the trials try");
}

/// Goal: with a server that answers, what one process filled the others need not, and a drop by
/// key or tag reaches all at once. Method: directed, with and without messages.
#[test]
fn processes_share_fills_and_drops() {
    let (time, server) = (Time::new(), server());
    let mut processes: Vec<Process> =
        (0..2).map(|_| Process::start(&server, &time, None)).collect();
    pass(&mut processes, &time, 2_000_000_000);
    let tags = &["t"][..];
    assert_eq!(processes[0].got("a", tags, 1), (1, Origin::Source));
    assert_eq!(processes[1].got("a", tags, 2), (1, Origin::Redis));
    assert_eq!(processes[1].got("a", tags, 2), (1, Origin::Memory));
    let dropped = processes[0].cache.drop_key("a");
    assert!(dropped.is_everywhere && dropped.is_kept);
    assert_eq!(processes[1].got("a", tags, 2), (2, Origin::Source), "by a message, at once");
    pass(&mut processes, &time, SYNC * 2);
    assert_eq!(processes[0].got("a", tags, 3).0, 3, "filled before the generation was known");
    held(&server).loses_messages = true;
    pass(&mut processes, &time, SYNC * 2);
    assert_eq!(processes[1].got("a", tags, 4), (3, Origin::Redis));
    let _ = processes[0].cache.drop_tag("t");
    assert_eq!(processes[1].got("a", tags, 4).0, 3, "the message was lost");
    pass(&mut processes, &time, SYNC * 2);
    assert_eq!(processes[1].got("a", tags, 4), (4, Origin::Source), "by comparison");
    let stats = processes[1].cache.stats();
    assert_eq!((stats.undelivered, stats.stale_max_ms), (0, Some(5_000)), "{stats}");
}

/// Goal: with the server away memory and fills go on, a fill is good for `stale_max`, and a drop
/// waits, over a restart of its process, too, until the server has it.
#[test]
fn what_the_server_could_not_be_told_it_is_told_later() {
    let temp = tempfile::tempdir().unwrap();
    let (time, server) = (Time::new(), server());
    let (one, two) = (temp.path().join("1.redb"), temp.path().join("2.redb"));
    let start = |path: &Path| vec![Process::start(&server, &time, Some(path))];
    let (mut first, mut second) = (start(&one), start(&two));
    pass(&mut first, &time, 2_000_000_000);
    pass(&mut second, &time, 2_000_000_000);
    assert_eq!(first[0].got("a", &[], 1).1, Origin::Source);
    assert_eq!(second[0].got("a", &[], 2), (1, Origin::Redis));
    held(&server).is_up = false;
    assert_eq!(first[0].got("a", &[], 2), (1, Origin::Memory));
    assert_eq!(first[0].got("b", &[], 2), (2, Origin::Source), "fills go on");
    let dropped = first[0].cache.drop_key("a");
    assert_eq!((dropped.is_everywhere, dropped.is_kept), (false, true));
    assert_eq!(first[0].got("a", &[], 3), (3, Origin::Source), "here it holds at once");
    assert_eq!(first[0].cache.stats().undelivered, 1);
    pass(&mut second, &time, STALE_MAX);
    assert_eq!(second[0].got("a", &[], 3).0, 3, "too long without a comparison");
    // The one who dropped is started anew, and still owes it.
    drop(first);
    let mut first = start(&one);
    assert_eq!(first[0].cache.stats().undelivered, 1);
    held(&server).is_up = true;
    let before = held(&server).data.0.clone();
    pass(&mut first, &time, SYNC * 2);
    assert_eq!(first[0].cache.stats().undelivered, 0);
    assert_ne!(held(&server).data.0, before, "the server was told");
    first[0].cache.flush();
    drop(first);
    let first = start(&one);
    assert_eq!(first[0].cache.stats().undelivered, 0, "and the disk knows it");
}

/// Goal: after too long without the server a comparison alone makes nothing good again: who dropped
/// something meanwhile may tell the server a moment later. Method: that, directed.
#[test]
fn the_first_comparison_after_long_does_not_count() {
    let (time, server) = (Time::new(), server());
    let mut processes: Vec<Process> =
        (0..2).map(|_| Process::start(&server, &time, None)).collect();
    pass(&mut processes, &time, 2_000_000_000);
    assert_eq!(processes[0].got("a", &[], 1), (1, Origin::Source));
    assert_eq!(processes[1].got("a", &[], 2), (1, Origin::Redis));
    held(&server).is_up = false;
    assert!(!processes[0].cache.drop_key("a").is_everywhere);
    pass(&mut processes, &time, STALE_MAX + SYNC);
    held(&server).is_up = true;
    processes[1].compare(&time);
    assert_eq!(processes[1].got("a", &[], 2).0, 2);
}

/// Goal: a comparison that was asked for before a drop does not undo it.
#[test]
fn an_older_comparison_undoes_nothing() {
    let bounds = Bounds { stale_max: Nanos(STALE_MAX), grace: Nanos(GRACE) };
    let own = Generations::new(5, Some(bounds));
    own.learn(&own.begin(Nanos(10)), 5, &[(7, 1)]);
    let stamp = own.stamp(&[7]);
    assert!(own.holds(&stamp));
    let begun = own.begin(Nanos(20));
    let sent = own.drop_own(&[7]);
    own.delivered(&sent);
    own.learn(&begun, 5, &[(7, 1)]);
    assert!(!own.holds(&stamp));
    own.learn(&own.begin(Nanos(30)), 5, &[(7, 2)]);
    assert!(!own.holds(&stamp));
    assert_eq!(own.stamp(&[7]).slots, [(7, 2)]);
    let stamp = own.stamp(&[7]);
    own.delivered(&own.drop_own(&[7]));
    let begun = own.begin(Nanos(40));
    own.delivered(&own.drop_own(&[7]));
    own.learn(&begun, 5, &[(7, 2)]);
    assert!(!own.holds(&stamp), "the second drop is not in what was asked for before it");
    let sent = own.drop_own(&[7]);
    own.heard(&[7]);
    own.delivered(&sent);
    assert!(own.undelivered().is_empty(), "one's own message is no drop of one's own");
}
