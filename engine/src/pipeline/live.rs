//! A live engine: from a checked configuration to pinned threads, and back down in order.
//!
//! ```text
//! configuration, machine, secrets ─► lock ─► sockets ─► save what a dead engine left ─► rebuild
//!      ─► lanes ─► opening records ─► threads, held back ─► epoch, synced ─► threads let go
//!      ─► log on, replay the venue's stream, cancel what was carried ─► trade
//! ```
//!
//! Whatever fails before the threads are let go takes everything back (`undo`).

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: before the start and after the stop"
)]

mod lanes;
mod notes;

use super::archive::{ArchiveThread, Trouble};
use super::assemble::{AssembleError, Assembly, Pipeline, Sheet, World};
use super::doors::{Doors, Outside};
use super::guard::{Guard, Overruns, Post, Speaker, Words, posts};
use super::home::{Home, Lock};
use super::hot::{AllocationCount, HotThread, Phase};
use super::limit_set::limits_at_start;
use super::names;
use super::net::run_dialer;
use super::opening::{Kept, LastSession, Opening};
pub use super::positions::{PositionRow, position_rows};
use super::sources::FeedNotice;
pub use super::start_error::StartError;
use super::ticket::Gate;
use crate::clock::{Clock, wall_now};
pub use crate::config::SecretSource;
use crate::config::machine::Machine;
use crate::config::model::{JournalMode, OnStop};
use crate::config::topology::Plan;
use crate::config::{Bound, Config, Loaded, StageId, ready, secret_of_environment, session_date};
use crate::control::{
    Control, Hitch, Outlook, RiskDesk, SelfTest, Server, Setup, StopFlag, Vitals,
};
use crate::link::Output;
use crate::pin::{self, watch::Watch};
use crate::stage::Stage;
use crate::stage::risk::exchange;
use crate::telemetry::{ArchiveKeys, ThreadKeys, ThreadMeters};
use feed::instruments::Instruments;
use lanes::{archive_order, open_lanes};
use shm::gates::GateOpener;
use shm::ids::ClOrdId;
use shm::journal::{ArchiveError, Archiver, LaneTail, LaneWriter};
use shm::map::Options as MapOptions;
use shm::region::{Region, RegionBuilder, RegionError, RegionReader};
use shm::units::Nanos;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Seconds from the Unix epoch to 2026-01-01 00:00 UTC.
const START_OF_2026: u64 = 1_767_225_600;
/// Longest time between two syncs in mode `async`: what a power cut may take.
const ASYNC_GROUP: Nanos = Nanos(100_000_000);

/// What the program adds to a configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Counts the allocations of a thread, where the program's allocator can.
    pub allocations: Option<AllocationCount>,
    /// Counts the system calls of hot threads.
    pub watch: Option<&'static Watch>,
    /// A violation that every hot thread commits on every turn.
    #[cfg(feature = "planted")]
    pub plant: Option<fn()>,
    /// Where passwords are looked up; the environment if `None`.
    pub secrets: Option<SecretSource>,
    /// Arm at once, whatever `engine.arm` says: for a demonstration that says so.
    pub arm: bool,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Every position touched.
    pub positions: Vec<PositionRow>,
    /// Digest of orders, positions and reservations.
    pub state_hash: u64,
    /// Orders that still work.
    pub working: u32,
    /// Their ids, the latest of each chain.
    pub open: Vec<ClOrdId>,
    /// They were to be cancelled at the stop.
    pub were_to_go: bool,
    /// How many of them the venue has confirmed to the guard as gone: the next start hears it.
    pub to_guard: usize,
    /// What went wrong at the end, if anything.
    pub archive: Result<(), ArchiveError>,
    /// The region, kept for whoever still reads it.
    pub region: Region,
}

/// A running engine.
pub struct Running {
    site: Site,
    instruments: Instruments,
    region: Region,
    threads: Threads,
    notices: Vec<FeedNotice>,
    vitals: Arc<Vitals>,
    said: Words,
}

/// The threads of a run; each ends with nothing if it was never let go.
struct Threads {
    hot: Vec<JoinHandle<Option<HotThread>>>,
    archive: JoinHandle<Option<Result<(), ArchiveError>>>,
    control: JoinHandle<Option<LaneWriter>>,
    dialer: JoinHandle<Option<()>>,
    players: Vec<JoinHandle<Option<()>>>,
    guard: JoinHandle<Option<()>>,
}

/// Starts the engine.
///
/// # Errors
/// [`StartError`]; nothing runs then.
pub fn start(
    loaded: &Loaded,
    instruments: Instruments,
    bound: &Bound,
    options: Options,
) -> Result<Running, StartError> {
    let (mut site, doors) = Site::prepare(loaded, options)?;
    let last = LastSession::read(&site.home.dir)?;
    let (limits, bound) = limits_at_start(loaded, last.as_ref(), bound, &instruments)?;
    let fresh = Assembly {
        config: &loaded.config,
        instruments: &instruments,
        bound: &bound,
        plan: &site.plan,
        epoch: site.home.epoch,
        days: site.days,
        opening: &Opening::default(),
    };
    let opening = opening_after(last.as_ref(), &fresh, site.clock.now())?;
    let assembly = Assembly { opening: &opening, ..fresh };
    let (mut lanes, tails) = open_lanes(&site, loaded, &instruments, (&opening, &limits))?;
    let planned = plan_region(&site, instruments.len());
    let region = planned.builder.create(&site.home.region_path(), MapOptions::HOT)?;
    let reader = region.reader()?;
    let arm = site.options.arm || site.config.engine.arm;
    let shapes = names::shapes(last.as_ref(), &site.config, &instruments);
    let (gates, opener) = site.home.gates(shapes, arm)?;
    site.stop.attach(&gates);
    let failed = reader.counter("archive.failed")?;
    let (sets, door) = exchange();
    let (ends, mut outside) =
        doors.into_ends(gates.clone(), site.durable_mark(&lanes), failed, door);
    let Pipeline { threads, commands, open, board, held } =
        assembly.build(&site.clock, &region, planned.sheet, World::Live(ends))?;
    let setup = assembly.risk_setup();
    let desk = RiskDesk::new(loaded, limits, &setup, (sets, board), site.risk_lane(&lanes));
    let desk = desk.after(last.as_ref().and_then(|last| last.limits.untaken()));
    site.notes.extend(desk.notes());
    let before = (last.map(|last| last.epoch), &opening);
    let self_test = site.test_risk(setup, &opener, &instruments, before);
    let lane = lanes.remove(0);
    let (vitals, trouble) = Vitals::find(&site.config, &reader)?;
    let notices = core::mem::take(&mut outside.notices);
    let posts = posts(&site.config, &site.plan, &reader, &outside.targets, &open, &held)?;
    let overruns = Overruns::over(&site.config, &site.plan, &reader, held)?;
    let words = Words::default();
    let outlook = Outlook::new(open, &posts, &words);
    let said = words.clone();
    let seen = (Arc::clone(&vitals), outlook, desk, self_test);
    let parts = Parts {
        guard: site.guard(posts, gates, words, overruns),
        archive: archive_thread(&site, tails, planned.archive, &region, trouble)?,
        control: control_thread(&site, &instruments, lane, opener, commands, seen)?,
        hot: hot_parts(threads, lanes, planned.threads, &region)?,
        outside,
    };
    let threads = let_go(&mut site, parts)?;
    Ok(Running { site, instruments, region, threads, notices, vitals, said })
}

/// What is left of the last session, whose names have to mean what they did.
fn opening_after(
    last: Option<&LastSession>,
    fresh: &Assembly<'_>,
    now: Nanos,
) -> Result<Opening, StartError> {
    let Some(last) = last else { return Ok(Opening::default()) };
    let check = |carried: &[Kept]| {
        names::check(last, carried, fresh.config, fresh.instruments).map_err(StartError::Names)
    };
    check(&[])?;
    let begin = (fresh.days, now);
    let opening = Opening::after(last, fresh.config, &fresh.risk_setup(), begin)?;
    check(&opening.risk)?;
    Ok(opening)
}

/// What stands before anything is made in it.
struct Site {
    config: Config,
    plan: Plan,
    clock: Clock,
    home: Home,
    /// Session date, days since the Unix epoch.
    days: u32,
    notes: Vec<String>,
    phase: Phase,
    stop: StopFlag,
    options: Options,
}

impl Site {
    fn prepare(loaded: &Loaded, options: Options) -> Result<(Self, Doors), StartError> {
        let config = loaded.config.clone();
        let secret = options.secrets.unwrap_or(secret_of_environment);
        let plan = ready(loaded, &Machine::probe(), secret).map_err(StartError::Plan)?;
        let clock = Clock::start();
        let date = session_date(&config.market.zone, config.market.date, wall_now())?;
        let hours = (wall_now().0 / Nanos::SECOND.0).saturating_sub(START_OF_2026) / 3_600;
        let (phase, stop) = (Phase::new(), StopFlag::default());
        let lock = Lock::take(&config.engine.dir)?;
        let doors = Doors::open(loaded, secret, &phase)?;
        let home = Home::open(lock, &plan.hot_dir, hours)?;
        let mut notes: Vec<String> = plan.notes.iter().map(ToString::to_string).collect();
        if plan.lock_memory
            && let Err(refusal) = pin::lock_memory()
        {
            notes.push(refusal.text().to_owned());
        }
        let days = days_of(date.midnight);
        Ok((Self { config, plan, clock, home, days, notes, phase, stop, options }, doors))
    }

    fn guard(
        &self,
        posts: Vec<Post>,
        gates: shm::gates::Gates,
        words: Words,
        overruns: Overruns,
    ) -> Guard {
        let (clock, phase) = (self.clock.clone(), self.phase.clone());
        Guard { posts, gates, clock, phase, words, overruns }
    }
}

fn control_thread(
    site: &Site,
    instruments: &Instruments,
    lane: LaneWriter,
    gates: GateOpener,
    commands: Vec<(StageId, Output)>,
    (vitals, outlook, desk, self_test): (Arc<Vitals>, Outlook, RiskDesk, SelfTest),
) -> Result<Control, StartError> {
    Ok(Control::new(Setup {
        config: site.config.clone(),
        instruments: instruments.clone(),
        lane,
        gates,
        commands,
        server: bind_server(&site.home)?,
        clock: site.clock.clone(),
        phase: site.phase.clone(),
        vitals,
        outlook,
        desk,
        stop: site.stop.clone(),
        self_test,
    }))
}

fn bind_server(home: &Home) -> Result<Server, StartError> {
    Server::bind(&home.socket_path())
        .map_err(|source| StartError::Control { path: home.socket_path(), source })
}

fn archive_thread(
    site: &Site,
    tails: Vec<LaneTail>,
    keys: ArchiveKeys,
    region: &Region,
    trouble: Trouble,
) -> Result<ArchiveThread, StartError> {
    let group = match site.config.journal.mode {
        JournalMode::Async => ASYNC_GROUP,
        JournalMode::Group | JournalMode::Sync => site.config.journal.group,
    };
    let order = archive_order(tails, &site.plan);
    Ok(ArchiveThread {
        archiver: Archiver::create(&site.home.dir, site.home.epoch, order)?,
        group,
        clock: site.clock.clone(),
        meters: keys.take(region).ok_or(AssembleError::Meters)?,
        trouble,
        phase: site.phase.clone(),
    })
}

/// What the threads of a run are made of.
struct Parts {
    /// By hot thread of the plan.
    hot: Vec<(Vec<Stage>, LaneWriter, ThreadMeters)>,
    archive: ArchiveThread,
    control: Control,
    outside: Outside,
    guard: Guard,
}

fn hot_parts(
    threads: Vec<Vec<Stage>>,
    lanes: Vec<LaneWriter>,
    keys: Vec<ThreadKeys>,
    region: &Region,
) -> Result<Vec<(Vec<Stage>, LaneWriter, ThreadMeters)>, StartError> {
    let rows = threads.into_iter().zip(lanes).zip(keys);
    let taken = rows.map(|((stages, lane), keys)| Some((stages, lane, keys.take(region)?)));
    Ok(taken.collect::<Option<_>>().ok_or(AssembleError::Meters)?)
}

/// Every thread of a run, let go once all are made.
fn let_go(site: &mut Site, parts: Parts) -> Result<Threads, StartError> {
    let mut gate = Gate::default();
    let threads = spawn_all(site, parts, &mut gate)?;
    pin::touch_memory();
    site.home.settle()?;
    gate.open();
    Ok(threads)
}

/// Every thread of a run, held back by `gate`.
fn spawn_all(site: &mut Site, parts: Parts, gate: &mut Gate) -> Result<Threads, StartError> {
    let Parts { hot, archive, control, guard, outside } = parts;
    let Outside { targets, players, .. } = outside;
    let archive = spawn("wl-archive", site, gate, move || archive.run())?;
    let control = spawn("wl-control", site, gate, move || control.run())?;
    let phase = site.phase.clone();
    let dialer = spawn("wl-dialer", site, gate, move || run_dialer(targets, &phase))?;
    let players = players.into_iter();
    let players = players.map(|player| spawn("wl-player", site, gate, move || player.run()));
    let players = players.collect::<Result<_, _>>()?;
    let guard = spawn("wl-guard", site, gate, move || guard.run())?;
    let hot = spawn_hot(site, hot, gate)?;
    Ok(Threads { hot, archive, control, dialer, players, guard })
}

fn spawn_hot(
    site: &mut Site,
    parts: Vec<(Vec<Stage>, LaneWriter, ThreadMeters)>,
    gate: &mut Gate,
) -> Result<Vec<JoinHandle<Option<HotThread>>>, StartError> {
    let mut hot = Vec::new();
    let (placed, placements) = std::sync::mpsc::channel();
    for (row, (stages, lane, meters)) in site.plan.threads.iter().zip(parts) {
        let thread = HotThread {
            name: row.name.clone().into(),
            core: row.core,
            wait: row.wait,
            stages,
            lane,
            clock: site.clock.clone(),
            meters,
            phase: site.phase.clone(),
            allocations: site.options.allocations,
            watch: site.options.watch,
            #[cfg(feature = "planted")]
            plant: site.options.plant,
        };
        let ticket = gate.ticket();
        let builder = std::thread::Builder::new().name(format!("hot-{}", row.name));
        let placed = placed.clone();
        let handle = builder.spawn(move || {
            // A core that is refused is noted; the loop runs where it can. Whoever starts the
            // engine waits for the word of each thread.
            let refusal = thread.place();
            let _ = placed.send(refusal.map(|refusal| {
                format!("thread {} runs where it can: {}", thread.name, refusal.text())
            }));
            drop(placed);
            ticket.wait().then(|| thread.run())
        });
        hot.push(handle.map_err(StartError::Thread)?);
    }
    drop(placed);
    site.notes.extend(placements.into_iter().flatten());
    Ok(hot)
}

impl Running {
    /// Epoch of this start.
    #[must_use]
    pub const fn epoch(&self) -> u16 {
        self.site.home.epoch
    }

    /// Placement and links.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.site.plan
    }

    /// The engine's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.site.home.dir
    }

    /// Engine time.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.site.clock
    }

    /// Where live segments and the region lie.
    #[must_use]
    pub fn hot_dir(&self) -> &Path {
        &self.site.home.hot_dir
    }

    /// What tools read.
    ///
    /// # Errors
    /// [`RegionError`] when the region cannot be read back: somebody else wrote it.
    pub fn region(&self) -> Result<RegionReader, RegionError> {
        self.region.reader()
    }

    /// Asks the engine to stop, or to kill.
    #[must_use]
    pub fn stop_flag(&self) -> StopFlag {
        self.site.stop.clone()
    }

    /// The phase of the run, to open and close the measured window.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.site.phase
    }

    /// What the machine could not give.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.site.notes
    }

    /// What went wrong with feeds since the start, a sentence each: a file that is damaged, a login
    /// that was refused.
    #[must_use]
    pub fn feed_faults(&self) -> Vec<String> {
        self.notices.iter().filter_map(FeedNotice::sentence).collect()
    }

    /// What keeps orders from leaving now, whatever the gates say.
    #[must_use]
    pub fn hitches(&self) -> Vec<Hitch> {
        self.vitals.hitches()
    }

    /// What became of kills, and what the guard did, since a reader last asked; `heard` is its
    /// place, 0 at first.
    #[must_use]
    pub fn news(&self, heard: &mut usize) -> Vec<String> {
        let news = self.said.news(heard).into_iter();
        news.map(|(speaker, text)| match speaker {
            Speaker::Guard => format!("GUARD: {text}"),
            Speaker::Kill => text,
        })
        .collect()
    }

    /// Whether the engine is past its last command, and [`Running::wait`] waits no longer for one.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.threads.control.is_finished()
    }

    /// Waits until the engine has stopped: after [`StopFlag::stop`], or a stop over the socket.
    #[must_use]
    pub fn wait(self) -> Finished {
        let lane0 = self.threads.control.join();
        let mut threads = Vec::new();
        for handle in self.threads.hot {
            match handle.join() {
                Ok(Some(thread)) => threads.push(thread),
                // A panic outside a strategy must not leave half a pipeline running.
                Ok(None) | Err(_) => std::process::abort(),
            }
        }
        let _ = self.threads.dialer.join();
        for player in self.threads.players {
            let _ = player.join();
        }
        let _ = self.threads.guard.join();
        // Without its word nobody knows what is on the disk: what is in memory must stay.
        let Ok(Some(archive)) = self.threads.archive.join() else { std::process::abort() };
        drop(lane0);
        // The region is kept for reports; who watches it sees now that nothing moves any more.
        self.region.close();
        if archive.is_ok() {
            self.site.home.release_lanes(self.site.plan.threads.len() + 1);
        }
        let mut finished = Finished {
            positions: Vec::new(),
            state_hash: 0,
            working: 0,
            open: Vec::new(),
            were_to_go: self.site.config.engine.on_stop == OnStop::Cancel,
            to_guard: 0,
            archive,
            region: self.region,
        };
        let stages = threads.iter().flat_map(|thread| &thread.stages);
        for stage in stages {
            if let Stage::Risk(stage) = stage {
                let risk = stage.risk();
                finished.state_hash = risk.state_hash();
                finished.working = risk.working_count();
                finished.open = risk.working_orders().map(|order| order.last).collect();
                let is_gone = |id: &&ClOrdId| self.said.has_gone(**id);
                finished.to_guard = finished.open.iter().filter(is_gone).count();
                finished.positions = position_rows(risk, &self.site.config, &self.instruments);
            }
        }
        let _ = std::fs::remove_file(self.site.home.socket_path());
        finished
    }
}

/// Days from the Unix epoch to a date, from its midnight in any zone.
fn days_of(midnight: Nanos) -> u32 {
    // Midnight in a zone is within 14 hours of midnight UTC of the same date.
    ((midnight.0 / Nanos::SECOND.0 + 14 * 3_600) / 86_400) as u32
}

struct PlannedRegion {
    builder: RegionBuilder,
    sheet: Sheet,
    threads: Vec<ThreadKeys>,
    archive: ArchiveKeys,
}

fn plan_region(site: &Site, instruments: usize) -> PlannedRegion {
    let mut builder = RegionBuilder::new(site.home.epoch, site.clock.now());
    let mut sheet = Sheet::new(&site.config);
    let mut threads = Vec::new();
    for row in &site.plan.threads {
        builder.thread(&row.name);
        threads.push(ThreadKeys::list(&mut builder, &format!("thread:{}", row.name)));
        for stage in &row.stages {
            sheet.list(*stage, &site.config, instruments, &mut builder);
        }
    }
    builder.thread("archive");
    let archive = ArchiveKeys::list(&mut builder, "archive");
    PlannedRegion { builder, sheet, threads, archive }
}

/// A helper thread: on the cores that no hot thread has.
fn spawn<T: Send + 'static>(
    name: &str,
    site: &Site,
    gate: &mut Gate,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<Option<T>>, StartError> {
    let cores = site.plan.helpers.clone();
    let ticket = gate.ticket();
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder
        .spawn(move || {
            // Helpers work wherever they are; off the hot cores is better, and planned where there
            // are any.
            let _ = pin::to_cores(&cores);
            ticket.wait().then(body)
        })
        .map_err(StartError::Thread)
}
