//! Kills: whatever a services process dies of, each record is in the database once.

use crate::journal::{DAY, Engine, Random, dir};
use crate::place::{each, store};
use crate::suite::{agrees, follow};
use services::audit::verify;
use services::store::Target;
use shm::record::status::Operator;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Tells a process that it is the one to be killed: the base folder and the database.
const VICTIM: &str = "WIRELANE_STORE_VICTIM";

/// Kills and orders of one run.
fn scale() -> (u64, u64) {
    match std::env::var("WIRELANE_KILLS").ok().and_then(|text| text.parse().ok()) {
        Some(kills) => (kills, 200_000),
        None => (30, 8_000),
    }
}

/// Not a test by itself: what [`kills_lose_nothing_and_repeat_nothing`] starts and kills.
#[test]
fn victim() {
    let Ok(text) = std::env::var(VICTIM) else { return };
    let (base, target) = text.split_once('|').unwrap();
    let target = Target::parse(target, None, Path::new("")).unwrap();
    follow(&dir(Path::new(base)), &target);
}

fn start(base: &Path, target: &Target) -> Child {
    let name = match target {
        Target::Sqlite(path) => format!("sqlite:{}", path.display()),
        Target::Postgres { url, .. } => url.clone(),
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "exactly_once::victim"])
        .env(VICTIM, format!("{}|{name}", base.display()))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Goal: a process that is killed at any point, many times over, while events pass, leaves each
/// order, execution and refusal in the database once, sums that are the journal's, and one whole
/// audit chain. Method: kill -9 after random times while another thread writes; afterwards one that
/// is left alone reads the rest.
#[test]
fn kills_lose_nothing_and_repeat_nothing() {
    let (kills, orders) = scale();
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let temp = tempfile::tempdir().unwrap();
    each(temp.path(), |name, target| {
        let base = temp.path().join(name);
        let mut engine = Engine::start(&base, 1, seed, DAY);
        let writer = std::thread::spawn(move || {
            for order in 0..orders {
                engine.order();
                if order % 64 == 0 {
                    engine.command(Operator::KILL, "firm by operator");
                    engine.archive();
                    // Not faster than the kills, so that they fall among the events.
                    std::thread::sleep(Duration::from_millis(15 * kills * 64 / orders));
                }
            }
            engine.stop()
        });
        let mut random = Random(seed);
        let begin = Instant::now();
        for _ in 0..kills {
            let mut child = start(&base, target);
            std::thread::sleep(Duration::from_millis(random.below(60)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let while_written = !writer.is_finished();
        let sums = writer.join().unwrap();
        follow(&dir(&base), target);
        println!("{name}: {kills} kills in {:?}, while written: {while_written}", begin.elapsed());
        let mut store = store(target);
        agrees(&mut store, &[&sums], &format!("{name}, seed {seed}"));
        let verdict = verify(&mut store, &dir(&base), None).unwrap();
        let expected = (None, 6 + orders.div_ceil(64));
        assert_eq!((verdict.bad, verdict.records), expected, "{name}, seed {seed}: {verdict}");
    });
}

/// Processor time of this process so far, in milliseconds: what it does not count is a server's.
fn worked() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = text.rsplit_once(')').unwrap().1;
    // Fields 14 and 15 of proc(5), in hundredths of a second.
    fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap() * 10).sum()
}

/// Goal: the store keeps up with far more than an engine writes. Method: rate from a journal that
/// is there, printed, also by processor time, which a busy machine does not change; no assertion on
/// time.
#[test]
fn rate_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(temp.path(), 1, 1, DAY);
    let orders = if cfg!(debug_assertions) && !cfg!(feature = "postgres") { 5_000 } else { 50_000 };
    (0..orders).for_each(|_| engine.order());
    let sums = engine.stop();
    each(temp.path(), |name, target| {
        let (begin, before) = (Instant::now(), worked());
        follow(&dir(temp.path()), target);
        let (took, worked) = (begin.elapsed(), worked() - before);
        let rate = |millis: u128| u128::from(sums.records) * 1_000 / millis.max(1);
        println!(
            "rate: {name}: {} records, {} of them orders, executions or refusals, in {took:?}: {} \
             records/s; {} a second of processor time",
            sums.records,
            sums.orders + sums.executions + sums.refusals,
            rate(took.as_millis()),
            rate(worked.into())
        );
        agrees(&mut store(target), &[&sums], name);
    });
}
