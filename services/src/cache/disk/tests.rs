//! The file alone: what it keeps, what it gives back, and what becomes of it when it is damaged.

use super::*;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

fn at(now: &Arc<AtomicU64>) -> Clock {
    let now = Arc::clone(now);
    // ORDERING: Relaxed: a lone number.
    Arc::new(move || Nanos(now.load(Relaxed)))
}

fn clock() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(1_000))
}

fn open(path: &Path, bytes_max: u64) -> Disk {
    let settings = DiskSettings { path: path.to_path_buf(), bytes_max };
    Disk::open(&settings, at(&clock())).unwrap()
}

fn put(disk: &Disk, key: &str, bytes: &[u8]) {
    disk.put(key, bytes.to_vec(), Nanos(u64::MAX));
}

/// Waits for the keeper; a test must not wait for ever.
fn until(what: &str, is: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Goal: what was flushed is there for the next process, with the drops; the file is its owner's
/// alone, and one process's at a time: another goes on without, and has it when the first is gone.
#[test]
fn the_next_process_finds_what_was_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("c.redb");
    let one = open(&path, 1 << 20);
    let table = one.table().unwrap();
    put(&one, "a", b"1");
    put(&one, "a", b"2");
    assert!(one.remember(&[(7, 70), (8, 80)]));
    one.flush();
    assert_eq!(one.get("a").unwrap(), b"2");
    assert_eq!(one.bytes(), 2);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = open(&path, 1 << 20);
    assert_eq!((other.get("a"), other.table()), (None, None));
    assert!(!other.remember(&[(9, 90)]), "what another has open is not removed");
    let (_, _, why) = other.level().state();
    assert!(why.unwrap().contains("c.redb"));
    drop(one);
    until("the other opens it", || other.get("a").is_some());
    assert_eq!(other.table(), Some(table));
    let drops: Vec<_> = held(&other.inner.drops).clone().into_iter().collect();
    assert_eq!(drops, [(7, 70), (8, 80)]);
}

/// Goal: it holds no more than its bound, what ends first goes first, what has ended goes, and the
/// file does not grow with what passes through it. Method: 40 times the bound is written.
#[test]
fn it_stays_within_its_bound() {
    const BOUND: u64 = 256 << 10;
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("c.redb");
    let now = clock();
    let settings = DiskSettings { path: path.clone(), bytes_max: BOUND };
    let disk = Disk::open(&settings, at(&now)).unwrap();
    let value = vec![7; 1 << 10];
    for round in 0..40_u64 {
        for of in 0..BOUND >> 10 {
            let key = format!("{round}/{of}");
            disk.put(&key, value.clone(), Nanos(1_000_000 + round * 1_000 + of));
        }
        disk.flush();
        assert!(disk.bytes() <= BOUND, "round {round}: {} bytes", disk.bytes());
    }
    assert!(
        disk.get("39/255").is_some() && disk.get("39/0").is_none() && disk.get("0/0").is_none()
    );
    let size = std::fs::metadata(&path).unwrap().len();
    println!("{size} bytes of file for {BOUND} bytes of entries");
    assert!(size < 16 * BOUND, "{size}");
    // ORDERING: Relaxed: a lone number.
    now.store(2_000_000, Relaxed);
    put(&disk, "last", b"1");
    disk.flush();
    assert_eq!(disk.bytes(), 5, "what has ended is gone");
    put(&disk, "large", &vec![0; ENTRY_BYTES_MAX + 1]);
    assert_eq!(disk.level().counts.lost.get(), 1);
}

/// Goal: of a file with changed bytes nothing but what was written is ever given out, and the level
/// works again. Method: one bit changed at each of 100 places, the file cut short, emptied,
/// and replaced by noise; each time it is opened and read whole, then written anew.
#[test]
fn a_damaged_file_gives_nothing_wrong() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("c.redb");
    let keys: Vec<String> = (0..200).map(|at| format!("key/{at}")).collect();
    let value = |key: &str| key.repeat(9).into_bytes();
    let disk = open(&path, 1 << 20);
    keys.iter().for_each(|key| put(&disk, key, &value(key)));
    disk.flush();
    assert!(keys.iter().all(|key| disk.get(key).is_some()));
    drop(disk);
    let whole = std::fs::read(&path).unwrap();
    let used: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
    let mut random = 12_345_u64;
    let mut next = |below: usize| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for _ in 0..100 {
        let mut changed = whole.clone();
        let at = used[next(used.len())];
        changed[at] ^= 1 << next(8);
        forms.push(changed);
    }
    forms.extend([Vec::new(), whole[..whole.len() / 2].to_vec(), whole[..100].to_vec()]);
    forms.push((0..whole.len()).map(|_| next(256) as u8).collect());
    let (mut replaced, mut whole_yet) = (0, 0);
    for (form, bytes) in forms.iter().enumerate() {
        std::fs::write(&path, bytes).unwrap();
        let disk = open(&path, 1 << 20);
        until("it is open", || disk.inner.is_open());
        let found = keys.iter().filter(|key| disk.get(key).is_some_and(|got| got == value(key)));
        let right = found.count();
        let wrong = keys.iter().filter(|key| disk.get(key).is_some_and(|got| got != value(key)));
        assert_eq!(wrong.count(), 0, "form {form}");
        if right == keys.len() {
            whole_yet += 1
        } else {
            replaced += 1
        }
        until("it keeps again", || {
            put(&disk, "new", b"1");
            disk.flush();
            disk.get("new").is_some()
        });
    }
    println!("{replaced} replaced, {whole_yet} whole");
    // What is cut or noise is replaced for certain; of the changed bits those that are looked at.
    assert!(replaced > 8, "{replaced}");
}

/// Goal: what was dropped stays dropped where the file cannot take the drop: then there is no file.
/// Method: the level is closed as after a failed write, and something is dropped.
#[test]
fn a_file_that_cannot_take_a_drop_is_removed() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("c.redb");
    let disk = open(&path, 1 << 20);
    let generations = Arc::new(Generations::new(disk.table().unwrap(), None));
    disk.attach(&generations);
    put(&disk, "a", b"1");
    disk.flush();
    disk.inner.fail(&redb::Error::PreviousIo);
    let own = generations.drop_own(&[3]);
    assert!(disk.remember(&own));
    until("it is open again", || disk.inner.is_open());
    assert_eq!(disk.get("a"), None);
    let table = generations.stamp(&[]).table;
    drop(disk);
    let disk = open(&path, 1 << 20);
    assert_eq!(disk.table(), Some(table));
    assert_eq!(held(&disk.inner.drops).get(&3), Some(&own[0].1), "and the new one has the drop");
}
