//! T13: kills at full rate, under each condition of K5 and from each trigger of K2, against a real
//! exchange on sockets, in every layout.
//!
//! How many new orders leave after the store, and how long everything takes, is seen on the wire
//! (`wire`), by the kernel's stamps. The count is asserted; the times are printed in a table, held
//! against K4 there, and never asserted. A trip in which the machine took a core away is listed
//! apart.
//!
//! `WIRELANE_TRIPS=1000 cargo test --release -p wirelane-tests --test t13_kill -- --nocapture`
//! runs 1,000 trips of each; `docs/kill.md` says what the columns are, and how to run single rows.

mod feed;
mod hold;
mod judge;
mod machine;
mod rearm;
mod rig;
mod rows;
mod slow_path;
mod wire;

use engine::control::{Request, ScopeName};
use hold::{Hold, Manner};
use judge::{Campaign, Trip};
use machine::{Control, FullDisk, wall};
use rig::{Rig, Wanted, wait};
use rows::Share;
use shm::gates::{Scope, Trigger};
use slow_path::SlowPath;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use wire::{Position, Seen};

/// One engine at a time: threads are held by their names.
static ALONE: Mutex<()> = Mutex::new(());
/// Longest silence of the operator, where that is what kills.
const HEARTBEAT_MS: u64 = 50;
/// Orders sent before a kill: the engine is trading.
const ORDERS_BEFORE: u64 = 20;

/// Who stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// A process that maps the gates and needs nothing else: this one.
    Outside,
    /// The control thread, told by `wirelane kill`.
    Command,
    /// SIGUSR1.
    Signal,
    /// The control thread, which has not heard the operator.
    Heartbeat,
}

/// What is wrong when the store comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// These threads are held.
    Held(&'static [&'static str], Manner),
    /// Both lines of the feed are cut.
    FeedDead,
    /// A process that follows the journal beside the engine is stopped.
    SlowPathStopped,
}

/// One condition.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    wrong: Wrong,
    store: Store,
}

impl Case {
    const fn of(name: &'static str, wrong: Wrong) -> Self {
        Self { name, wrong, store: Store::Outside }
    }

    const fn held(name: &'static str, threads: &'static [&'static str], manner: Manner) -> Self {
        Self::of(name, Wrong::Held(threads, manner))
    }

    const fn by(name: &'static str, store: Store) -> Self {
        Self { name, wrong: Wrong::Nothing, store }
    }

    fn holds_control(&self) -> bool {
        matches!(self.wrong, Wrong::Held(threads, _) if threads.contains(&"wl-control"))
    }

    fn holds(&self, layout: &str, stage: &str) -> bool {
        let Wrong::Held(threads, _) = self.wrong else { return false };
        let thread = match layout {
            "fused" => "hot-hot".to_owned(),
            "split2" if stage != "feed" => "hot-trade".to_owned(),
            "split2" => "hot-md".to_owned(),
            _ => format!("hot-{stage}"),
        };
        threads.contains(&thread.as_str())
    }
}

const NOTHING: Case = Case::of("nothing else wrong", Wrong::Nothing);
const FEED_DEAD: Case = Case::of("feed dead", Wrong::FeedDead);
const SERVICES: Case = Case::of("services stopped", Wrong::SlowPathStopped);
const SLOW_PATH: Case =
    Case::held("archive and control held", &["wl-archive", "wl-control"], Manner::Sleeps);
const TRIGGERS: [Case; 3] = [
    Case::by("command", Store::Command),
    Case::by("SIGUSR1", Store::Signal),
    Case::by("missed heartbeat", Store::Heartbeat),
];

/// What the store was seen to be: before it, after it.
type Stored = [(u64, Position); 2];

/// Closes the global gate, or sees it closed.
fn store(rig: &Rig, by: Store, armed: Instant) -> Stored {
    let look = || {
        let position = rig.wire.position();
        (wall(), position)
    };
    let mut before = look();
    let mut reply = None;
    match by {
        Store::Outside => {
            rig.gates.close(Scope::Global, Trigger::Operator);
            let now = wall();
            return [before, (now, rig.wire.position())];
        }
        Store::Command => {
            let (scope, reason) = (ScopeName::default(), "test".to_owned());
            reply = Some(rig.tell(&Request::Kill { scope, reason }));
        }
        Store::Signal => {
            let own = rustix::process::getpid();
            // Heard by a thread of `hear_signals`.
            rustix::process::kill_process(own, rustix::process::Signal::USR1).unwrap();
        }
        Store::Heartbeat => {
            let due = Duration::from_millis(HEARTBEAT_MS - 2);
            std::thread::sleep(due.saturating_sub(armed.elapsed()));
        }
    }
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let now = look();
        if rig.gates.summary().global_closed() {
            let seen = look();
            if let Some(mut reply) = reply {
                // The answer comes once nothing is open; the next trip waits for that by itself.
                reply.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
                let _ = reply.read(&mut [0; 1]);
            }
            return [before, seen];
        }
        before = now;
        assert!(Instant::now() < until, "no store came");
    }
}

/// SIGUSR1 kills the engine that runs, heard by a thread of its own as the program does.
fn hear_signals(rig: &Rig) {
    static FLAG: Mutex<Option<engine::control::StopFlag>> = Mutex::new(None);
    static ONCE: std::sync::Once = std::sync::Once::new();
    *FLAG.lock().unwrap() = Some(rig.flag());
    ONCE.call_once(|| {
        let mut signals = signal_hook::iterator::Signals::new([libc::SIGUSR1]).unwrap();
        let hear = move || {
            for _ in signals.forever() {
                FLAG.lock().unwrap().iter().for_each(engine::control::StopFlag::kill);
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(hear).unwrap();
    });
}

/// Trades, kills, waits for the end of every order, arms again.
fn trip(rig: &Rig, case: &Case, beside: Option<&SlowPath>, turn: u64, armed: &mut Instant) -> Trip {
    loop {
        let is_closed = || rig.gates.summary().global_closed();
        rig.wait_for_trade(ORDERS_BEFORE, is_closed);
        if !is_closed() {
            break;
        }
        // The heartbeat came before the engine traded again.
        rig.wait_for_the_end_of_all(true);
        rig.arm();
        *armed = Instant::now();
    }
    let hold = match case.wrong {
        Wrong::Held(threads, manner) => Some(Hold::threads(threads, manner)),
        Wrong::Nothing | Wrong::FeedDead | Wrong::SlowPathStopped => None,
    };
    beside.inspect(|beside| beside.stand_still(true));
    rig.relay.iter().for_each(|relay| relay.cut(true));
    // Anywhere between two orders, and with the condition as old as may be.
    let pause = Instant::now() + Duration::from_micros(turn * 137 % 1_000);
    while Instant::now() < pause {
        std::hint::spin_loop();
    }
    let waited = rig.waited();
    let [before, after] = store(rig, case.store, *armed);
    if case.holds(rig.layout, "gateway") {
        // The guard's patience, its logon, its cancels; or nothing, with no order open.
        let until = Instant::now() + Duration::from_millis(500);
        while !rig.status().contains("GUARD") && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    } else if case.holds(rig.layout, "risk") {
        // Risk counts nothing while it stands still; the gateway shows what is open.
        let (scope, reason) = (ScopeName::default(), "test".to_owned());
        let reply = rig.ask(&Request::Kill { scope, reason });
        assert!(reply.text.contains("no order is open"), "{}", reply.text);
    } else {
        rig.wait_for_the_end_of_all(!case.holds_control());
    }
    let waited = rig.waited() - waited;
    drop(hold);
    beside.inspect(|beside| beside.stand_still(false));
    rig.relay.iter().for_each(|relay| relay.cut(false));
    if !case.holds(rig.layout, "gateway") {
        rig.wait_for_the_end_of_all(true);
    }
    let end = rig.arm();
    *armed = Instant::now();
    Trip { before, after, end, waited }
}

/// So long the control spins before and after a campaign.
fn control_time() -> Duration {
    Duration::from_millis(if machine::is_long_form() { 1_000 } else { 50 })
}

/// Every trip of one condition.
fn campaign(layout: &'static str, case: &Case) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = Wanted {
        relay: case.wrong == Wrong::FeedDead,
        heartbeat_ms: (case.store == Store::Heartbeat).then_some(HEARTBEAT_MS),
    };
    let share = if case.holds(layout, "gateway") { Share::Guard } else { Share::Plain };
    let Some(mut effort) = rows::effort(layout, case.name, share) else { return };
    let mut rig = Rig::start(layout, wanted);
    hear_signals(&rig);
    let beside = (case.wrong == Wrong::SlowPathStopped).then(|| SlowPath::beside(rig.dir()));
    let (mut trips, mut armed) = (Vec::new(), Instant::now());
    while effort.again() {
        trips.push(trip(&rig, case, beside.as_ref(), effort.turn(), &mut armed));
    }
    if let Some(beside) = beside {
        beside.assert_alive();
    }
    if case.name == NOTHING.name && !machine::is_long_form() {
        // Kills and their cancels are in the journal like anything else.
        rig.assert_replays_alike();
    }
    finish(rig, case.name, case.holds(layout, "gateway"), trips, Vec::new());
}

fn finish(rig: Rig, condition: &str, by_guard: bool, trips: Vec<Trip>, mut seen: Vec<Seen>) {
    let (layout, cores) = (rig.layout, rig.cores().to_vec());
    seen.extend(rig.wire.take());
    drop(rig);
    let control = Control::spin(&cores, control_time());
    let condition = condition.to_owned();
    Campaign { layout, condition, by_guard, trips, control }.judge(&seen);
}

// Goal: K3, K4, K5 with all stages on one thread. Method: trips under each condition; whoever
// holds a stage there holds the gateway's thread, and the guard acts.
#[test]
fn t13_kills_at_full_rate_fused() {
    for case in [
        NOTHING,
        Case::held("strategy spins (all stages)", &["hot-hot"], Manner::Spins),
        Case::held("any stage's thread stopped", &["hot-hot"], Manner::Sleeps),
        FEED_DEAD,
        SLOW_PATH,
        SERVICES,
    ] {
        campaign("fused", &case);
    }
}

// Goal: as above, with the feed apart.
#[test]
fn t13_kills_at_full_rate_split2() {
    for case in [
        NOTHING,
        Case::held("strategy spins (its thread)", &["hot-trade"], Manner::Spins),
        Case::held("feed held", &["hot-md"], Manner::Sleeps),
        FEED_DEAD,
        SLOW_PATH,
        SERVICES,
    ] {
        campaign("split2", &case);
    }
}

// Goal: as above, with a thread for each kind of stage.
#[test]
fn t13_kills_at_full_rate_split4() {
    for case in [
        NOTHING,
        Case::held("strategy spins", &["hot-strategy"], Manner::Spins),
        Case::held("risk held", &["hot-risk"], Manner::Sleeps),
        Case::held("feed held", &["hot-feed"], Manner::Sleeps),
        Case::held("gateway held", &["hot-gateway"], Manner::Sleeps),
        FEED_DEAD,
        SLOW_PATH,
        SERVICES,
    ] {
        campaign("split4", &case);
    }
}

// Goal: K5: what the venue has confirmed to the guard is not listed as NOT CONFIRMED, though the
// gateway, whose thread stands still, goes on showing it. Method: the status, once an answer is
// overdue.
#[test]
fn t13_what_the_guard_had_confirmed_is_not_listed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rig = Rig::start("fused", Wanted::default());
    rig.wait_for_trade(200, || false);
    let hold = Hold::threads(&["hot-hot"], Manner::Sleeps);
    rig.gates.close(Scope::Global, Trigger::Operator);
    wait("the guard does not act", || rig.status().contains("GUARD"));
    std::thread::sleep(Duration::from_millis(1_200));
    let status = rig.status();
    drop(hold);
    // "... LEFT of ALL orders cancelled by another logon and confirmed; NOT CONFIRMED: ..."
    let words = status.lines().find(|line| line.contains("GUARD")).unwrap();
    let number = |at: &str| words.split(at).next().unwrap().split(' ').next_back().unwrap();
    let all: u64 = number(" orders cancelled").parse().unwrap();
    let gone: u64 = number(" of ").parse().unwrap();
    assert!(gone > 0, "{status}");
    let listed = status.lines().find(|line| line.starts_with("NOT CONFIRMED"));
    let listed =
        listed.map_or(0, |line| line.split(' ').find_map(|word| word.parse::<u64>().ok()).unwrap());
    assert_eq!(listed, all - gone, "{status}");
    rig.arm();
}

// Goal: the answer to a kill says how many orders it cancelled, and how many of them the venue has
// confirmed. Method: a store from outside, then the question; the single cancels on the wire behind
// it. Of the send call that was under way at the store, 16 messages at most, the wire cannot tell.
#[test]
fn t13_the_answer_to_a_kill_counts_what_it_cancelled() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rig = Rig::start("split2", Wanted::default());
    rig.wait_for_trade(200, || false);
    let [before, after] = store(&rig, Store::Outside, Instant::now());
    let (scope, reason) = (ScopeName::default(), "test".to_owned());
    let text = rig.ask(&Request::Kill { scope, reason }).text;
    rig.wait_for_the_end_of_all(true);
    let number = |behind: &str| {
        let before = text.split(behind).next().unwrap().split(' ').next_back();
        before.unwrap().parse::<usize>().unwrap_or_else(|_| panic!("no number in: {text}"))
    };
    let seen = rig.wire.take();
    let cancels = |(_, from): (u64, Position)| {
        let mine = seen.iter().filter(|row| row.ask == wire::Ask::Cancel);
        mine.filter(|row| (row.link, row.end) > (from.link, from.given)).count()
    };
    let all = number(" order");
    assert!(all > 0 && text.starts_with("killed global: "), "{text}");
    if text.contains("GUARD") {
        // The machine kept the gateway from its core: its cancels are not on this wire.
        return;
    }
    assert!(all <= cancels(before) && cancels(after) <= all + 16, "{text}: {before:?} {after:?}");
    if !text.contains("NOT CONFIRMED") {
        assert_eq!(number(" confirmed"), all, "{text}");
    }
}

// Goal: K2: each trigger stores. Method: the store is seen by a thread that looks at the gates all
// the time.
#[test]
fn t13_kills_by_each_trigger() {
    for layout in ["fused", "split2", "split4"] {
        for case in TRIGGERS {
            campaign(layout, &case);
        }
    }
}

// Goal: K5 with the journal's disk full. Method: the kernel refuses the archive's writes (a limit
// of file size 0 for this process: EFBIG); a new engine for each trip, since a failed journal stays
// failed. The store comes between the first refused write and 1.5 ms after the limit.
#[test]
fn t13_kills_with_the_journals_disk_full() {
    for layout in ["fused", "split2", "split4"] {
        disk_full(layout);
    }
}

fn disk_full(layout: &'static str) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = "journal's disk full";
    let (mut trips, mut seen) = (Vec::new(), Vec::new());
    let Some(mut effort) = rows::effort(layout, name, Share::Engine) else { return };
    let mut last = None;
    while effort.again() {
        drop(last.take());
        let rig = Rig::start(layout, Wanted::default());
        rig.wait_for_trade(ORDERS_BEFORE, || false);
        let full = FullDisk::begin();
        std::thread::sleep(Duration::from_micros(effort.turn() * 137 % 1_500));
        let waited = rig.waited();
        let [before, after] = store(&rig, Store::Outside, Instant::now());
        rig.wait_for_the_end_of_all(true);
        let waited = rig.waited() - waited;
        wait("the archive wrote to a full disk", || rig.has_failed());
        let end = wall();
        let status = rig.status();
        assert!(status.contains("FAILED") && status.contains("File too large"), "{status}");
        drop(full);
        // Connections of each engine have numbers of their own.
        let shift = effort.turn() as u32 * 1_000;
        let [before, after] = [before, after]
            .map(|(at, position)| (at, Position { link: position.link + shift, ..position }));
        trips.push(Trip { before, after, end, waited });
        seen.extend(rig.wire.take().into_iter().map(|row| Seen { link: row.link + shift, ..row }));
        last = Some(rig);
    }
    if let Some(rig) = last {
        finish(rig, name, false, trips, seen);
    }
    println!("{}", machine::line());
}
