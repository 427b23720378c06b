//! One process: memory and disk.

use super::*;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;

fn open(disk: Option<&Path>, time: &Time) -> Cache {
    Cache::open(&settings(disk), time.clock()).unwrap()
}

fn got(cache: &Cache, key: &str, tags: &[&str], source: &[u8]) -> (Vec<u8>, Origin) {
    let found = cache.get_or_fill(ask(key, tags), || fill(source)).unwrap();
    assert!(!found.is_stale);
    (found.value.to_vec(), found.origin)
}

/// Goal: however many ask at once, one fills, and all have what it filled. Method: 1,000 threads
/// behind one barrier, a source that takes its time; rounds with a fresh key each.
#[test]
fn a_thousand_askers_are_one_fill() {
    let (time, fills) = (Time::new(), AtomicUsize::new(0));
    let cache = open(None, &time);
    for round in 0..3 {
        let (key, start) = (format!("k{round}"), Barrier::new(1_000));
        std::thread::scope(|scope| {
            for _ in 0..1_000 {
                let small = std::thread::Builder::new().stack_size(128 << 10);
                let asker = || {
                    start.wait();
                    let found = cache.get_or_fill(ask(&key, &[]), || {
                        // ORDERING: Relaxed: a lone count.
                        fills.fetch_add(1, Relaxed);
                        std::thread::sleep(Duration::from_millis(20));
                        fill(b"value")
                    });
                    assert_eq!(&*found.unwrap().value, b"value");
                };
                small.spawn_scoped(scope, asker).unwrap();
            }
        });
        // ORDERING: Relaxed: the threads have ended.
        assert_eq!(fills.load(Relaxed), round + 1);
    }
    assert_eq!(cache.stats().fills, 3);
    assert!(cache.stats().joined > 0, "{cache:?}");
}

/// Goal: who found nothing good, and comes to fill when another has just filled, does not fill
/// again. Method: a clock that, read once to judge an entry whose time has passed, lets another
/// fill come in between.
#[test]
fn who_comes_after_a_fill_does_not_fill_again() {
    static CACHE: std::sync::OnceLock<Cache> = std::sync::OnceLock::new();
    static BETWEEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let time = Time::new();
    let own = time.clone();
    let clock: Clock = Arc::new(move || {
        // ORDERING: Relaxed: one thread.
        if BETWEEN.swap(false, Relaxed) {
            assert_eq!(got(CACHE.get().unwrap(), "k", &[], b"2").1, Origin::Source);
        }
        Nanos(own.now())
    });
    let cache = CACHE.get_or_init(|| Cache::open(&settings(None), clock).unwrap());
    got(cache, "k", &[], b"1");
    time.pass(Duration::from_secs(100));
    // ORDERING: Relaxed: one thread.
    BETWEEN.store(true, Relaxed);
    assert_eq!(got(cache, "k", &[], b"3"), (b"2".to_vec(), Origin::Memory));
    assert_eq!(cache.stats().fills, 2);
}

/// Goal: who fills and is unwound holds nobody back: one who waited fills.
#[test]
fn a_lost_fill_is_filled_by_another() {
    let (time, under_way) = (Time::new(), Barrier::new(2));
    let cache = open(None, &time);
    std::thread::scope(|scope| {
        let lost = scope.spawn(|| {
            let _ = cache.get_or_fill(ask("k", &[]), || -> Result<Fill, Away> {
                under_way.wait();
                std::thread::sleep(Duration::from_millis(30));
                std::panic::resume_unwind(Box::new("lost"));
            });
        });
        under_way.wait();
        assert_eq!(got(&cache, "k", &[], b"1").0, b"1");
        assert!(lost.join().is_err());
    });
}

/// Goal: an answer ends with its time; where the source is away an older one stands in, marked, as
/// long as it may and unless it was dropped, and else the source's words come through.
#[test]
fn an_answer_ends_with_its_time_and_may_stand_in() {
    let time = Time::new();
    let cache = open(None, &time);
    assert_eq!(got(&cache, "k", &["t"], b"1"), (b"1".to_vec(), Origin::Source));
    time.pass(Duration::from_nanos(99_999_999_999));
    assert_eq!(got(&cache, "k", &["t"], b"2"), (b"1".to_vec(), Origin::Memory));
    time.pass(Duration::from_nanos(1));
    let away = || cache.get_or_fill(ask("k", &["t"]), || Err::<Fill, _>(Away));
    let found = away().unwrap();
    assert_eq!((&*found.value, found.is_stale), (&b"1"[..], true));
    time.pass(Duration::from_secs(60));
    let error = away().unwrap_err().to_string();
    assert_eq!(error, "k: the source is away");
    assert_eq!(got(&cache, "k", &["t"], b"3").0, b"3");
    time.pass(Duration::from_secs(101));
    let _ = cache.drop_tag("t");
    assert!(away().is_err(), "what was dropped never stands in");
    let stats = cache.stats();
    assert_eq!((stats.stood_in, stats.fill_errors, stats.fills), (1, 3, 5));
}

/// Goal: a drop reaches a fill that is under way, and who asks after the drop does not get what was
/// read before it.
#[test]
fn a_drop_reaches_a_fill_under_way() {
    let (time, under_way, dropped) = (Time::new(), Barrier::new(2), Barrier::new(2));
    let cache = open(None, &time);
    std::thread::scope(|scope| {
        let early = scope.spawn(|| {
            let found = cache.get_or_fill(ask("k", &["t"]), || {
                under_way.wait();
                dropped.wait();
                std::thread::sleep(Duration::from_millis(30));
                fill(b"old")
            });
            found.unwrap().value.to_vec()
        });
        under_way.wait();
        let _ = cache.drop_tag("t");
        dropped.wait();
        assert_eq!(got(&cache, "k", &["t"], b"new").0, b"new");
        assert_eq!(early.join().unwrap(), b"old", "asked before the drop");
    });
    assert_eq!(got(&cache, "k", &["t"], b"3"), (b"new".to_vec(), Origin::Memory));
}

/// Goal: the next process has what the last one kept, by key and by tag without what that dropped,
/// and not what is of another version; also where it was killed.
#[test]
fn the_disk_outlives_the_process_and_so_do_drops() {
    let (temp, time) = (tempfile::tempdir().unwrap(), Time::new());
    let path = temp.path().join("c.redb");
    let cache = open(Some(&path), &time);
    for key in ["a", "b", "c", "d"] {
        let tag = if key == "b" { "u" } else { "t" };
        assert_eq!(got(&cache, key, &[tag], b"1").1, Origin::Source);
    }
    cache.flush();
    let _ = cache.drop_key("a");
    let dropped = cache.drop_tag("u");
    assert!(dropped.is_everywhere && dropped.is_kept);
    drop(cache);
    let cache = open(Some(&path), &time);
    assert_eq!(got(&cache, "a", &["t"], b"2"), (b"2".to_vec(), Origin::Source));
    assert_eq!(got(&cache, "b", &["u"], b"2"), (b"2".to_vec(), Origin::Source));
    assert_eq!(got(&cache, "c", &["t"], b"2"), (b"1".to_vec(), Origin::Disk));
    assert_eq!(got(&cache, "c", &["t"], b"2"), (b"1".to_vec(), Origin::Memory));
    let newer = Ask { version: 2, ..ask("d", &["t"]) };
    let found = cache.get_or_fill(newer, || fill(b"2")).unwrap();
    assert_eq!(found.origin, Origin::Source);
    let disk = cache.stats().levels.last().cloned().unwrap();
    assert_eq!((disk.hits, disk.stale, disk.damaged), (1, 2, 1), "{disk}");
    time.pass(Duration::from_secs(101));
    assert_eq!(got(&cache, "c", &["t"], b"9").1, Origin::Source, "its time has passed");
}

/// Goal: bytes that are no entry are a miss and counted, whatever the file says of them.
#[test]
fn damaged_bytes_are_a_miss() {
    let (temp, time) = (tempfile::tempdir().unwrap(), Time::new());
    let cache = open(Some(&temp.path().join("c.redb")), &time);
    let disk = cache.disk.as_ref().unwrap();
    disk.put("k", b"not an entry".to_vec(), Nanos(u64::MAX));
    disk.flush();
    assert_eq!(got(&cache, "k", &[], b"1"), (b"1".to_vec(), Origin::Source));
    let stats = cache.stats().levels.last().cloned().unwrap();
    assert_eq!((stats.damaged, stats.misses, stats.hits), (1, 1, 0), "{stats}");
}

/// Goal: memory holds no more than its bound, and a key no more than its own.
#[test]
fn memory_and_keys_are_bounded() {
    let time = Time::new();
    let cache = open(None, &time);
    let value = vec![1; 10_000];
    for at in 0..1_000 {
        got(&cache, &format!("k{at}"), &[], &value);
    }
    let memory = cache.stats().levels[0].clone();
    assert!(memory.bytes.unwrap() <= 1 << 20, "{memory}");
    assert_eq!(got(&cache, "k999", &[], b"x").1, Origin::Memory);
    let key = "k".repeat(Ask::KEY_BYTES_MAX);
    assert_eq!(got(&cache, &key, &[], b"x").1, Origin::Source);
    let error = cache.get_or_fill(ask(&format!("{key}k"), &[]), || fill(b"x")).unwrap_err();
    assert!(error.to_string().contains("257 bytes"), "{error}");
}

/// Goal: a clock that is set back neither keeps what it should not nor stops anything.
#[test]
fn a_clock_set_back_costs_fills_alone() {
    let time = Time::new();
    let cache = open(None, &time);
    got(&cache, "k", &[], b"1");
    // ORDERING: Relaxed: a lone number.
    time.0.store(1_000_000_000, Relaxed);
    assert_eq!(got(&cache, "k", &[], b"2"), (b"2".to_vec(), Origin::Source));
    assert_eq!(got(&cache, "k", &[], b"3"), (b"2".to_vec(), Origin::Memory));
}
