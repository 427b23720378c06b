//! A start that fails leaves nothing behind: the folders before are the folders after, and the next
//! start is as the first would have been.

use engine::config::{Bound, Loaded, SecretSource, Sources};
use engine::pipeline::home::Lock;
use engine::pipeline::live::{Options, Running, StartError, start};
use feed::instruments::Instruments;
use shm::gates::{Gates, Scope, Trigger};
use shm::ids::InstrumentId;
use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What lies under a folder: each path with its kind, and what it holds.
type Tree = BTreeMap<PathBuf, (char, Vec<u8>)>;

fn look(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_symlink() {
            let to = fs::read_link(&path).unwrap();
            tree.insert(path, ('l', to.into_os_string().into_encoded_bytes()));
        } else if kind.is_dir() {
            tree.insert(path.clone(), ('d', Vec::new()));
            look(&path, tree);
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap();
            tree.insert(path, ('f', bytes));
        } else {
            tree.insert(path, ('s', Vec::new()));
        }
    }
}

/// Two folders, on disk and in memory, and a configuration of the demonstration's in them.
struct Site {
    disk: TempDir,
    memory: TempDir,
    sets: Vec<String>,
}

/// Free ports for everything that listens.
fn ports() -> Vec<String> {
    let keys = ["a", "b", "hash_channel"].map(|key| (key, UdpSocket::bind("127.0.0.1:0").unwrap()));
    let set = |(key, socket): &(&str, UdpSocket)| {
        format!("feed.itch.{key}={}", socket.local_addr().unwrap())
    };
    keys.iter().map(set).collect()
}

impl Site {
    fn new() -> Self {
        let memory = wirelane_tests::memory::folder();
        let disk = tempfile::tempdir().unwrap();
        let sets = vec![
            format!("engine.dir={}", disk.path().join("deep/engine").display()),
            format!("engine.hot_dir={}", memory.path().join("deep/hot").display()),
            "gateway.ouch.session.soup=127.0.0.1:9".to_owned(),
            "journal.segment_mib=1".to_owned(),
        ];
        Self { disk, memory, sets: [sets, ports()].concat() }
    }

    fn dir(&self) -> PathBuf {
        self.disk.path().join("deep/engine")
    }

    fn hot(&self) -> PathBuf {
        self.memory.path().join("deep/hot")
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        look(self.disk.path(), &mut tree);
        look(self.memory.path(), &mut tree);
        tree
    }

    fn load(&self, more: &[&str]) -> (Loaded, Instruments, Bound) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Sources::read(&root.join("config/demo.toml")).unwrap();
        sources.sets.extend(self.sets.iter().cloned());
        sources.sets.extend(more.iter().map(|set| (*set).to_owned()));
        sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"))
    }

    fn try_start(&self, more: &[&str], secrets: SecretSource) -> Result<Running, StartError> {
        let (loaded, instruments, bound) = self.load(more);
        let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
        start(&loaded, instruments, &bound, options)
    }

    fn start(&self) -> Running {
        self.try_start(&[], |_| Some("loopback".to_owned()))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// A start that must fail with these words, and leave everything as it was.
    fn fails(&self, more: &[&str], words: &[&str]) {
        self.fails_with(more, |_| Some("loopback".to_owned()), words);
    }

    fn fails_with(&self, more: &[&str], secrets: SecretSource, words: &[&str]) {
        let before = self.tree();
        let error = self.try_start(more, secrets).err().expect("it started").to_string();
        for word in words {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
        let after = self.tree();
        let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after), "after: {error}");
        assert!(before == after, "a file holds something else after: {error}");
    }
}

/// Everything that a start may meet, on a site as it stands: first what it can know before it makes
/// anything, then obstacles in its way, each later than the one before.
fn meet_everything(site: &Site) {
    let sets: BTreeMap<&str, &str> =
        site.sets.iter().filter_map(|set| set.split_once('=')).collect();
    // One report names what is missing of machine and environment.
    site.fails_with(
        &["topology.helpers=1023"],
        |_| None,
        &["core 1023 is not there", "WIRELANE_OUCH_PASSWORD", "2 faults"],
    );
    {
        let _a = UdpSocket::bind(sets["feed.itch.a"]).unwrap();
        let _c = UdpSocket::bind(sets["feed.itch.hash_channel"]).unwrap();
        site.fails(&[], &["2 faults", "feed.itch.a: ", "feed.itch.hash_channel: ", "in use"]);
    }
    site.fails(&["feed.itch.b=192.0.2.1:4000"], &["feed.itch.b: 192.0.2.1:4000"]);
    let file = site.disk.path().join("file");
    fs::write(&file, "mine").unwrap();
    let under = |key: &str| format!("{key}={}", file.join("x").display());
    site.fails(&[&under("engine.dir")], &["file/x", "Not a directory", "`engine.dir`"]);
    site.fails(&[&under("engine.hot_dir")], &["file/x", "Not a directory"]);
    fs::remove_file(&file).unwrap();
    let was_there = site.dir().exists();
    // An obstacle at each name that a start makes, from the first to the last.
    for (folder, name, words) in [
        (site.dir(), "lock", "lock"),
        (site.hot(), "lane-0", "deep/hot"),
        (site.hot(), "lane-1", "lane-1"),
        (site.dir(), "journal", "journal"),
        (site.hot(), "region", "region"),
        (site.dir(), "gates", "gates"),
        (site.dir(), "control.sock", "control.sock"),
        (site.dir(), "epoch", "epoch"),
    ] {
        let path = folder.join(name);
        let aside = site.disk.path().join("aside");
        let stood = path.symlink_metadata().is_ok();
        if stood {
            fs::rename(&path, &aside).or_else(|_| fs::copy(&path, &aside).map(drop)).unwrap();
            let _ = fs::remove_file(&path);
        }
        fs::create_dir_all(&folder).unwrap();
        if ["lane-0", "lane-1", "journal"].contains(&name) {
            fs::write(&path, "mine").unwrap();
        } else {
            fs::create_dir(&path).unwrap();
            fs::write(path.join("mine"), "mine").unwrap();
        }
        site.fails(&[], &[words]);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        if stood {
            fs::rename(&aside, &path).or_else(|_| fs::copy(&aside, &path).map(drop)).unwrap();
            let _ = fs::remove_file(&aside);
        }
    }
    if !was_there {
        fs::remove_dir_all(site.disk.path().join("deep")).unwrap();
        fs::remove_dir_all(site.memory.path().join("deep")).unwrap();
    }
}

// Goal: nothing half-started: a failed start leaves no lock, no epoch, no folder, no region, no
// segment, no socket. Method: every failure on an empty place and on one that an engine has used,
// the trees before and after compared, and starts in between that count the epochs.
#[test]
fn a_failed_start_leaves_nothing_behind() {
    let site = Site::new();
    meet_everything(&site);
    assert!(site.tree().is_empty(), "{:?}", site.tree().keys());
    let running = site.start();
    let first = running.epoch();
    // A second engine, in the same directory and in another with the same hot files.
    let elsewhere = format!("engine.dir={}", site.disk.path().join("other").display());
    for (set, words) in
        [("engine.name=other", "deep/engine: another"), (&elsewhere, "deep/hot: another")]
    {
        let mut sets = ports();
        sets.push(set.to_owned());
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let error = site.try_start(&sets, |_| Some("x".to_owned()));
        let error = error.err().expect("a second engine started").to_string();
        assert!(error.contains(words), "{error}");
        assert!(!site.disk.path().join("other").exists());
    }
    running.stop_flag().stop();
    assert!(running.wait().archive.is_ok());
    meet_everything(&site);
    let running = site.start();
    assert_eq!(running.epoch(), first + 1, "an epoch was used up by a start that failed");
    running.stop_flag().stop();
    assert!(running.wait().archive.is_ok());
}

// Goal: the check itself sees what is left. Method: the same comparison around a start that
// succeeds.
#[test]
fn what_a_start_makes_is_seen() {
    let site = Site::new();
    let before = site.tree();
    let running = site.start();
    let during = site.tree();
    for name in ["lock", "epoch", "gates", "control.sock", "journal", "hot"] {
        assert!(during.contains_key(&site.dir().join(name)), "{name}");
    }
    for name in ["region", "lane-0", "lane-1"] {
        assert!(during.contains_key(&site.hot().join(name)), "{name}");
    }
    assert!(before.is_empty());
    running.stop_flag().stop();
    assert!(running.wait().archive.is_ok());
}

// Goal: a lock is exclusive while it is held, and gone with its file after a start that failed.
#[test]
fn a_lock_is_held_by_one() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("engine");
    let held = Lock::take(&dir).unwrap();
    let error = Lock::take(&dir).err().unwrap().to_string();
    assert!(error.contains("another engine runs in this directory"), "{error}");
    assert!(dir.join("lock").exists(), "the try must not take the holder's file away");
    drop(held);
    assert!(!dir.exists(), "the lock's folder was made for it");
    drop(Lock::take(&dir).unwrap());
}

/// Goal: an engine whose rules all refuse the order that breaks them arms itself where it is to,
/// and says how many there were; where one does not, its gate stays closed (which `cargo xtask
/// gates` plants). Method: the demonstration's configuration, armed at once; the words beside READY
/// and the gates in the directory.
#[test]
fn an_engine_arms_itself_only_where_every_rule_refuses() {
    let site = Site::new();
    let running = site.start();
    let of_rules = |note: &&String| note.starts_with("risk self-test");
    let said = running.notes().iter().find(of_rules).cloned().unwrap_or_default();
    let gates = Gates::open(&site.dir().join("gates")).unwrap();
    assert!(!gates.is_closed(Scope::Global), "the gate stayed closed: {said}");
    assert!(said.contains("risk self-test: ") && said.contains(" rules refused their "), "{said}");
    running.stop_flag().stop();
    let finished = running.wait();
    assert!(finished.archive.is_ok());
}

/// The demonstration's configuration with a strategy for orders by hand before or behind its own.
fn with_hand(site: &Site, is_behind: bool) -> Result<Running, StartError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let text = fs::read_to_string(root.join("demo.toml")).unwrap();
    let hand = "[[strategy]]\nname = \"hand\"\nwiring = { kind = \"exec\", account = \"main\", feeds = \
                [\"itch\"], gateway = \"ouch\", instruments = [\"*\"] }\nparams = { every = 0, qty = \
                \"50\", distance_ticks = 5 }\n";
    let first = text.find("[[strategy]]").unwrap();
    let text = match is_behind {
        true => text + hand,
        false => [&text[..first], hand, &text[first..]].concat(),
    };
    let mut sources = Sources::text("demo.toml", &text);
    sources.sets.extend(site.sets.iter().cloned());
    let file = root.join("demo-instruments.csv");
    sources.sets.push(format!("market.instruments={}", file.display()));
    let (loaded, instruments, bound) =
        sources.load_and_bind().unwrap_or_else(|report| panic!("{report}"));
    let secrets: SecretSource = |_| Some("loopback".to_owned());
    let options = Options { arm: true, secrets: Some(secrets), ..Options::default() };
    start(&loaded, instruments, &bound, options)
}

/// Goal: a strategy that joins a directory's configuration behind the others starts, and what a
/// kill closed stays closed; one that would move the others' places is refused with the remedy and
/// what another directory loses. Method: an instrument's gate closed, a stop, both starts.
#[test]
fn a_strategy_joins_behind_and_what_was_closed_stays_closed() {
    let site = Site::new();
    let running = site.start();
    let gates = Gates::open(&site.dir().join("gates")).unwrap();
    let killed = Scope::Instrument(InstrumentId(1));
    gates.close(killed, Trigger::Operator);
    running.stop_flag().stop();
    assert!(running.wait().archive.is_ok());
    let refused = with_hand(&site, false).err().expect("it started").to_string();
    for words in ["strategies: number 1 was mm", "and is hand", "new ones behind", "without the"] {
        assert!(refused.contains(words), "{words:?} is not in: {refused}");
    }
    let running = with_hand(&site, true).unwrap_or_else(|error| panic!("{error}"));
    let gates = Gates::open(&site.dir().join("gates")).unwrap();
    let closed: Vec<Scope> = gates.closed().collect();
    assert_eq!(closed, [killed], "armed as before, and killed as before");
    running.stop_flag().stop();
    assert!(running.wait().archive.is_ok());
}
