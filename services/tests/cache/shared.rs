//! Two caches on one server.

use crate::server::Server;
use services::cache::{
    Ask, Cache, Clock, Fill, Found, LevelStats, Origin, RedisSettings, Settings,
};
use services::store::Password;
use shm::units::Nanos;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const STALE_MAX: Duration = Duration::from_secs(2);
/// A test must not wait for ever.
const WAIT: Duration = Duration::from_secs(60);

fn clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Nanos(since.as_nanos() as u64)
    })
}

fn open(server: &Server) -> Cache {
    open_with(server, None)
}

fn open_with(server: &Server, password: Option<&str>) -> Cache {
    let redis = RedisSettings {
        url: format!("redis://127.0.0.1:{}/0", server.port),
        password: password.map(|text| Password::new(text.to_owned())),
        prefix: "test".to_owned(),
        timeout: Duration::from_millis(100),
        sync: Duration::from_millis(50),
    };
    let settings = Settings {
        memory_bytes_max: 1 << 20,
        disk: None,
        redis: Some(redis),
        stale_max: STALE_MAX,
        keep: Duration::from_secs(60),
    };
    Cache::open(&settings, clock()).unwrap()
}

fn redis(cache: &Cache) -> LevelStats {
    cache.stats().levels.into_iter().find(|level| level.name == "redis").unwrap()
}

/// Asks; the source has `version`.
fn got(cache: &Cache, key: &str, tags: &[&str], version: u64) -> (u64, Origin) {
    let fill = || {
        let value = version.to_le_bytes().to_vec();
        Ok::<_, std::io::Error>(Fill { value, fresh: Duration::from_secs(3_600) })
    };
    let found = cache.get_or_fill(Ask { key, version: 1, tags }, fill).unwrap();
    (number(&found), found.origin)
}

fn number(found: &Found) -> u64 {
    u64::from_le_bytes(<[u8; 8]>::try_from(&*found.value).unwrap())
}

fn until(what: &str, is: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < WAIT, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until both know what the server has, and may use it.
fn settle(caches: &[&Cache]) {
    for cache in caches {
        until("a comparison that counts", || cache.stats().compared_ms.is_some());
    }
}

/// Goal: what one filled the other need not, a drop by key and one by tag in either reach the
/// other, a server whose data were removed is another table, and bytes that are no entry are a
/// miss. Method: one at a time.
#[test]
fn two_share_what_they_fill_and_drop() {
    let Some(server) = Server::start("two_share_what_they_fill_and_drop") else { return };
    let (one, two) = (open(&server), open(&server));
    settle(&[&one, &two]);
    assert_eq!(got(&one, "a", &["t"], 1), (1, Origin::Source));
    until("the other has it", || got(&two, "a", &["t"], 1) == (1, Origin::Memory));
    assert!(redis(&two).hits + two.stats().fills == 1);
    let dropped = one.drop_key("a");
    assert!(dropped.is_everywhere && dropped.is_kept);
    assert_eq!(got(&one, "a", &["t"], 2).0, 2, "at once where it was dropped");
    until("the other hears of a key", || got(&two, "a", &["t"], 2).0 == 2);
    assert!(two.drop_tag("t").is_everywhere);
    assert_eq!(got(&two, "a", &["t"], 3).0, 3);
    until("the other hears of a tag", || got(&one, "a", &["t"], 3).0 == 3);
    until("they agree", || got(&one, "a", &["t"], 3).0 == 3 && got(&two, "a", &["t"], 3).0 == 3);
    server.say("FLUSHALL").unwrap();
    until("one empties", || got(&one, "a", &["t"], 4).0 == 4);
    until("the other empties", || got(&two, "a", &["t"], 4).0 == 4);
    settle(&[&one, &two]);
    server.say("SET test:e:b nonsense").unwrap();
    assert_eq!(got(&one, "b", &[], 5).0, 5);
    assert_eq!(redis(&one).damaged, 1);
}

/// Goal: a drop reaches the other though every connection was cut in between.
#[test]
fn a_cut_connection_costs_no_drop() {
    let Some(server) = Server::start("a_cut_connection_costs_no_drop") else { return };
    let (one, two) = (open(&server), open(&server));
    settle(&[&one, &two]);
    for version in 1..=10 {
        let (_, _) = (got(&one, "a", &[], version), got(&two, "a", &[], version));
        server.say("CLIENT KILL TYPE normal").unwrap();
        server.say("CLIENT KILL TYPE pubsub").unwrap();
        let _ = one.drop_key("a");
        until("the other hears", || got(&two, "a", &[], version + 1).0 == version + 1);
        until("it is told", || one.stats().undelivered == 0);
    }
}

/// Goal: a server that asks for a password gives nothing without, and neither it nor a wrong one
/// stands in what is told. Method: none, a wrong one, the right one.
#[test]
fn a_password_opens_and_is_not_shown() {
    let Some(server) = Server::start("a_password_opens_and_is_not_shown") else { return };
    server.say("CONFIG SET requirepass hunter2").unwrap();
    for password in [None, Some("hunter3")] {
        let cache = open_with(&server, password);
        assert_eq!(got(&cache, "a", &[], 1).1, Origin::Source);
        until("it is refused", || redis(&cache).opened > 0);
        let why = redis(&cache).why.unwrap_or_default();
        assert!(!format!("{why} {cache:?}").contains("hunter"), "{why}");
        assert_eq!(cache.stats().compared_ms, None);
    }
    let (one, two) = (open_with(&server, Some("hunter2")), open_with(&server, Some("hunter2")));
    settle(&[&one, &two]);
    assert_eq!(got(&one, "a", &[], 2).1, Origin::Source);
    until("the other has it", || got(&two, "b", &[], 2).0 == 2 && redis(&one).kept > 0);
    assert_eq!(got(&two, "a", &[], 3), (2, Origin::Redis));
}

/// The source, and when each version ended.
#[derive(Default)]
struct Source {
    version: AtomicU64,
    ended: Mutex<Vec<Instant>>,
}

impl Source {
    fn change(&self, cache: &Cache) {
        // Noted before anybody can know: what is measured is no shorter than it was.
        self.ended.lock().unwrap().push(Instant::now());
        // ORDERING: SeqCst: with the note before it.
        self.version.fetch_add(1, Ordering::SeqCst);
        let _ = cache.drop_key("a");
    }

    /// Asks; how far behind the answer was.
    fn ask(&self, cache: &Cache) -> Duration {
        let begin = Instant::now();
        let fill = || {
            // ORDERING: SeqCst: as above.
            let value = self.version.load(Ordering::SeqCst).to_le_bytes().to_vec();
            Ok::<_, std::io::Error>(Fill { value, fresh: Duration::from_secs(3_600) })
        };
        let found = cache.get_or_fill(Ask { key: "a", version: 1, tags: &[] }, fill).unwrap();
        let ended = self.ended.lock().unwrap().get(number(&found) as usize).copied();
        ended.map_or(Duration::ZERO, |ended| begin.saturating_duration_since(ended))
    }
}

/// Ends the askers, also where the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        // ORDERING: Relaxed: a lone flag.
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Source {
    /// Asks again and again; the longest that an answer was behind.
    fn ask_until(&self, is_over: &AtomicBool, cache: &Cache, longest: &Mutex<Duration>) {
        // ORDERING: Relaxed: a lone flag.
        while !is_over.load(Ordering::Relaxed) {
            let behind = self.ask(cache);
            let mut longest = longest.lock().unwrap();
            *longest = behind.max(*longest);
            drop(longest);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Goal: with the server killed and started again, and stopped and let go on, asking goes on, the
/// breaker opens and closes, nothing that was dropped is given out for longer than `stale_max`, and
/// what the server could not be told it is told. Method: one who changes and drops, askers of both
/// caches, while the server goes down in both ways, longer than `stale_max`.
#[test]
fn a_server_that_goes_and_comes_breaks_no_bound() {
    let test = "a_server_that_goes_and_comes_breaks_no_bound";
    let Some(mut server) = Server::start(test) else { return };
    let (one, two) = (open(&server), open(&server));
    settle(&[&one, &two]);
    let (source, is_over) = (Source::default(), AtomicBool::new(false));
    let longest = Mutex::new(Duration::ZERO);
    std::thread::scope(|scope| {
        let _over = Over(&is_over);
        for cache in [&one, &two] {
            let (source, is_over, longest) = (&source, &is_over, &longest);
            scope.spawn(move || source.ask_until(is_over, cache, longest));
        }
        let change_for = |time: Duration| {
            let begin = Instant::now();
            while begin.elapsed() < time {
                source.change(&one);
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        let is = |state: &str| {
            [&one, &two].iter().all(|cache| redis(cache).breaker.as_deref() == Some(state))
        };
        change_for(Duration::from_secs(1));
        for kills in [true, false, true] {
            if kills {
                server.kill()
            } else {
                server.signal("STOP")
            }
            until("the breakers open", || !is("closed") && redis(&two).opened > 0);
            let fills = two.stats().fills;
            change_for(STALE_MAX + Duration::from_millis(500));
            assert!(two.stats().fills > fills, "fills go on");
            assert!(one.stats().undelivered > 0);
            if kills {
                server.restart()
            } else {
                server.signal("CONT")
            }
            until("the breakers close", || is("closed"));
            until("it is told", || one.stats().undelivered == 0);
            change_for(Duration::from_secs(1));
        }
    });
    let longest = *longest.lock().unwrap();
    println!("longest behind: {} ms", longest.as_millis());
    assert!(longest <= STALE_MAX, "{longest:?}");
    assert!(longest > Duration::from_millis(100), "the server's absence showed");
    agree(&one, &two, source.ended.lock().unwrap().len() as u64);
}

/// Both come to have the last version, and share again.
fn agree(one: &Cache, two: &Cache, version: u64) {
    println!("one: {}\ntwo: {}", one.stats(), two.stats());
    let of = |cache: &Cache| got(cache, "a", &[], version).0 == version;
    until("both have the last", || of(one) && of(two));
    until("shared again", || got(one, "z", &[], 1).0 == 1 && redis(one).kept > 0);
}
