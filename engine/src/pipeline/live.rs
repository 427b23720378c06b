//! A live engine: from a checked configuration to pinned threads, and back down in order.
//!
//! ```text
//! lock ─► save what a dead engine left ─► epoch, synced ─► rebuild ─► lanes ─► opening records
//!      ─► sockets ─► threads ─► (log on, replay the venue's stream, cancel what was carried) ─►
//!      trade
//! ```

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: before the start and after the stop"
)]

use super::archive::ArchiveThread;
use super::assemble::{AssembleError, Assembly, LiveEnds, Pipeline, Sheet, World};
use super::home::{Home, HomeError};
use super::hot::{AllocationCount, HotThread, Phase};
use super::net::{DialTarget, HashChannel, Lines, dialing, run_dialer};
use super::opening::{LastSession, Opening, OpeningError};
use super::record::{OpeningRecords, write_opening};
use crate::clock::{Clock, wall_now};
use crate::config::machine::Machine;
use crate::config::model::{FeedSource, Session};
use crate::config::topology::{Plan, plan};
use crate::config::{Bound, CalendarError, Config, Loaded, Report, StageId, session_date};
use crate::control::{Control, Server, StopFlag};
use crate::pin;
use crate::stage::{Stage, feed as feed_stage, gateway as gateway_stage};
use crate::telemetry::{ArchiveKeys, ThreadKeys};
use feed::instruments::Instruments;
use gateway::session::soupbintcp::Credentials;
use shm::gates::{Scope, Shape};
use shm::journal::{ArchiveError, Archiver, CreateError, Lane, LaneSpec, LaneTail};
use shm::map::Options as MapOptions;
use shm::region::{LAYOUT_HASH, Region, RegionBuilder, RegionError, RegionReader};
use shm::units::{Nanos, Notional, Price, Qty};
use std::io;
use std::path::Path;
use std::thread::JoinHandle;

/// Seconds from the Unix epoch to 2026-01-01 00:00 UTC.
const START_OF_2026: u64 = 1_767_225_600;

/// What the program adds to a configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Counts the allocations of a thread, where the program's allocator can.
    pub allocations: Option<AllocationCount>,
    /// Arm at once, whatever `engine.arm` says: for a demonstration that says so.
    pub arm: bool,
}

/// Why the engine did not start. Nothing is half-started: what was opened is closed again.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The machine cannot host the configuration.
    #[error("{0}")]
    Plan(Report),
    /// The directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The last session cannot be rebuilt.
    #[error("{0}; keep the directory and look with `wirelane journal verify`")]
    Opening(#[from] OpeningError),
    /// The session has no date.
    #[error("market.zone or market.date: {0}")]
    Calendar(#[from] CalendarError),
    /// A lane cannot be made.
    #[error(transparent)]
    Lane(#[from] CreateError),
    /// The archive cannot be made.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The shared region cannot be made.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The pipeline cannot be put together.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// An address is in use, or not of this machine.
    #[error("{key} = {address}: {source}; free the address or write another")]
    Socket {
        /// The key that names it.
        key: String,
        /// The address.
        address: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A secret is missing.
    #[error(
        "gateway.{gateway}.session.password_env: the environment has no {variable} of 1 to 10 characters"
    )]
    Password {
        /// Which gateway.
        gateway: String,
        /// The variable.
        variable: String,
    },
    /// A part of the configuration that this engine cannot run.
    #[error("{key}: {why}")]
    NotHere {
        /// The key.
        key: String,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// A thread could not be made.
    #[error("a thread could not be made: {0}; raise `ulimit -u`")]
    Thread(io::Error),
    /// The opening records do not fit a lane.
    #[error(
        "journal.segment_mib: the session's opening does not fit the lanes; write a larger number"
    )]
    OpeningTooLong,
}

/// One row of the positions at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionRow {
    /// Name of the strategy.
    pub strategy: String,
    /// Symbol of the instrument.
    pub symbol: String,
    /// Signed position.
    pub position: Qty,
    /// Realised profit of the session.
    pub realised: Notional,
    /// Profit of the open position at its mark; zero without one.
    pub unrealised: Notional,
    /// Fees less rebates of the session.
    pub fees: Notional,
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
    /// What went wrong at the end, if anything.
    pub archive: Result<(), ArchiveError>,
    /// The region, kept for whoever still reads it.
    pub region: Region,
}

/// A running engine.
pub struct Running {
    home: Home,
    plan: Plan,
    config: Config,
    instruments: Instruments,
    region: Region,
    phase: Phase,
    stop: StopFlag,
    notes: Vec<String>,
    hot: Vec<JoinHandle<HotThread>>,
    archive: JoinHandle<Result<(), ArchiveError>>,
    control: JoinHandle<shm::journal::LaneWriter>,
    dialer: JoinHandle<()>,
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
    let config = loaded.config.clone();
    let plan = plan(loaded, &Machine::probe()).map_err(StartError::Plan)?;
    let clock = Clock::start();
    let date = session_date(&config.market.zone, config.market.date, wall_now())?;
    let days = days_of(date.midnight);
    let hours = (wall_now().0 / Nanos::SECOND.0).saturating_sub(START_OF_2026) / 3_600;
    let home = Home::open(&config.engine.dir, &plan.hot_dir, hours)?;
    let mut notes: Vec<String> = plan.notes.iter().map(ToString::to_string).collect();
    if plan.lock_memory
        && let Err(refusal) = pin::lock_memory()
    {
        notes.push(refusal.text().to_owned());
    }

    let fresh = Assembly {
        config: &config,
        instruments: &instruments,
        bound,
        plan: &plan,
        epoch: home.epoch,
        opening: &Opening::default(),
    };
    let setup = fresh.risk_setup();
    let opening = match LastSession::read(&home.dir)? {
        Some(last) => Opening::after(&last, &setup, days)?,
        None => Opening::default(),
    };
    let assembly = Assembly { opening: &opening, ..fresh };

    let (mut lanes, tails) = make_lanes(&home, &plan, &config)?;
    let records = OpeningRecords {
        loaded,
        instruments: &instruments,
        plan: &plan,
        opening: &opening,
        clock: &clock,
        epoch: home.epoch,
        days,
    };
    write_opening(&mut lanes, &records).map_err(|_| StartError::OpeningTooLong)?;

    let planned = plan_region(&config, &plan, instruments.len(), &home, &clock);
    let region = planned.builder.create(&home.region_path(), MapOptions::HOT)?;
    let archive_meters = planned.archive.take(&region).ok_or(AssembleError::Meters)?;
    let failed = region.reader()?.counter("archive.failed")?;
    let working = region.reader()?.counter("risk.working")?;

    let gates_path = home.dir.join("gates");
    let first_start = !gates_path.exists();
    let (gates, mut opener) = home.gates(shape_of(&config, &instruments))?;
    let (ends, targets) = live_ends(&config, gates, failed)?;
    let Pipeline { threads, commands } =
        assembly.build(&clock, &region, planned.sheet, World::Live(ends))?;
    let server = Server::bind(&home.socket_path()).map_err(|source| StartError::Socket {
        key: "engine.dir".to_owned(),
        address: home.socket_path().display().to_string(),
        source,
    })?;
    // What a kill closed stays closed over restarts; only what was never armed is armed here.
    if first_start
        && (options.arm || config.engine.arm)
        && let Some(judged) = opener.judge(Scope::Global)
    {
        let opened = opener.try_open(&judged);
        debug_assert!(opened.is_ok(), "nobody else has the gates yet");
    }
    if opener.gates().is_closed(Scope::Global) {
        notes.push("trading is off: the global gate is closed; `wirelane arm` opens it".to_owned());
    }

    let archiver = Archiver::create(&home.dir, home.epoch, archive_order(tails, &plan))?;
    let phase = Phase::new();
    let stop = StopFlag::default();
    let group = match config.journal.mode {
        crate::config::model::JournalMode::Async => Nanos(100_000_000),
        crate::config::model::JournalMode::Group | crate::config::model::JournalMode::Sync => {
            config.journal.group
        }
    };
    let archive = ArchiveThread {
        archiver,
        group,
        clock: clock.clone(),
        meters: archive_meters,
        phase: phase.clone(),
    };
    let archive = spawn("wl-archive", &plan, move || archive.run())?;
    let mut lanes = lanes.into_iter();
    let lane0 = lanes.next().ok_or(StartError::OpeningTooLong)?;
    let control = Control {
        config: config.clone(),
        instruments: instruments.clone(),
        lane: lane0,
        gates: opener,
        commands,
        server,
        clock: clock.clone(),
        phase: phase.clone(),
        working,
        stop: stop.clone(),
    };
    let control = spawn("wl-control", &plan, move || control.run())?;
    let dial_phase = phase.clone();
    let dialer = spawn("wl-dialer", &plan, move || run_dialer(targets, &dial_phase))?;
    let mut hot = Vec::new();
    for (((row, stages), lane), meters) in
        plan.threads.iter().zip(threads).zip(lanes).zip(planned.threads)
    {
        let thread = HotThread {
            name: row.name.clone().into(),
            core: row.core,
            wait: row.wait,
            stages,
            lane,
            clock: clock.clone(),
            meters: meters.take(&region).ok_or(AssembleError::Meters)?,
            phase: phase.clone(),
            allocations: options.allocations,
        };
        let name = format!("hot-{}", row.name);
        let handle = std::thread::Builder::new().name(name).spawn(move || {
            // A core that is refused was planned for and noted; the loop runs on whatever it got.
            let _ = thread.place();
            thread.run()
        });
        hot.push(handle.map_err(StartError::Thread)?);
    }
    Ok(Running {
        home,
        plan,
        config,
        instruments,
        region,
        phase,
        stop,
        notes,
        hot,
        archive,
        control,
        dialer,
    })
}

impl Running {
    /// Epoch of this start.
    #[must_use]
    pub const fn epoch(&self) -> u16 {
        self.home.epoch
    }

    /// Placement and links.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The engine's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.home.dir
    }

    /// Where live segments and the region lie.
    #[must_use]
    pub fn hot_dir(&self) -> &Path {
        &self.home.hot_dir
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
        self.stop.clone()
    }

    /// The phase of the run, to open and close the measured window.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// What the machine could not give.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Waits until the engine has stopped: after [`StopFlag::stop`], or a stop over the socket.
    #[must_use]
    pub fn wait(self) -> Finished {
        let lane0 = self.control.join();
        let mut threads = Vec::new();
        for handle in self.hot {
            match handle.join() {
                Ok(thread) => threads.push(thread),
                // A panic outside a strategy must not leave half a pipeline running.
                Err(_) => std::process::abort(),
            }
        }
        let _ = self.dialer.join();
        let archive = self.archive.join().unwrap_or(Ok(()));
        drop(lane0);
        let mut finished = Finished {
            positions: Vec::new(),
            state_hash: 0,
            working: 0,
            archive,
            region: self.region,
        };
        let stages = threads.iter().flat_map(|thread| &thread.stages);
        for stage in stages {
            if let Stage::Risk(stage) = stage {
                let risk = stage.risk();
                finished.state_hash = risk.state_hash();
                finished.working = risk.working_count();
                finished.positions = position_rows(risk, &self.config, &self.instruments);
            }
        }
        let _ = std::fs::remove_file(self.home.socket_path());
        finished
    }
}

/// Every position that risk has touched, by name.
#[must_use]
pub fn position_rows(
    risk: &crate::risk::Risk,
    config: &Config,
    instruments: &Instruments,
) -> Vec<PositionRow> {
    let mut rows = Vec::new();
    for (strategy, instrument, holding) in risk.holdings() {
        let name = strategy.index().checked_sub(1).and_then(|at| config.strategies.get(at));
        let row = instruments.get(instrument);
        let multiplier = row.map_or(1, |row| row.multiplier);
        let value =
            risk.mark(instrument).and_then(|mark: Price| mark.notional(holding.qty, multiplier));
        let unrealised = value.map_or(0, |value| value.0 - holding.cost);
        rows.push(PositionRow {
            strategy: name.map_or_else(|| "operator".to_owned(), |row| row.name.clone()),
            symbol: row.map_or_else(|| instrument.0.to_string(), |row| row.symbol.to_string()),
            position: holding.qty,
            realised: Notional(holding.realised),
            unrealised: Notional(unrealised),
            fees: Notional(holding.fees),
        });
    }
    rows
}

/// Days from the Unix epoch to a date, from its midnight in any zone.
fn days_of(midnight: Nanos) -> u32 {
    // Midnight in a zone is within 14 hours of midnight UTC of the same date.
    ((midnight.0 / Nanos::SECOND.0 + 14 * 3_600) / 86_400) as u32
}

fn make_lanes(
    home: &Home,
    plan: &Plan,
    config: &Config,
) -> Result<(Vec<shm::journal::LaneWriter>, Vec<LaneTail>), StartError> {
    let mut writers = Vec::new();
    let mut tails = Vec::new();
    for lane in 0..=plan.threads.len() {
        let spec = LaneSpec {
            lane: lane as u16,
            epoch: home.epoch,
            segment_bytes: plan.segment_bytes as usize,
            segments: config.journal.segments,
            layout_hash: LAYOUT_HASH,
        };
        let made = Lane::create(&home.hot_dir, spec)?;
        writers.push(made.writer);
        tails.push(made.tail);
    }
    Ok((writers, tails))
}

/// Effects before causes: gateways' lanes, then the others, lane 0 last.
fn archive_order(tails: Vec<LaneTail>, plan: &Plan) -> Vec<LaneTail> {
    let has_gateway = |tail: &LaneTail| {
        let thread =
            usize::from(tail.spec().lane).checked_sub(1).and_then(|at| plan.threads.get(at));
        thread
            .is_some_and(|row| row.stages.iter().any(|stage| matches!(stage, StageId::Gateway(_))))
    };
    let (mut first, mut rest): (Vec<_>, Vec<_>) = tails.into_iter().partition(has_gateway);
    rest.sort_by_key(|tail| core::cmp::Reverse(tail.spec().lane));
    first.extend(rest);
    first
}

struct PlannedRegion {
    builder: RegionBuilder,
    sheet: Sheet,
    threads: Vec<ThreadKeys>,
    archive: ArchiveKeys,
}

fn plan_region(
    config: &Config,
    plan: &Plan,
    instruments: usize,
    home: &Home,
    clock: &Clock,
) -> PlannedRegion {
    let mut builder = RegionBuilder::new(home.epoch, clock.now());
    let mut sheet = Sheet::new(config);
    let mut threads = Vec::new();
    for row in &plan.threads {
        builder.thread(&row.name);
        threads.push(ThreadKeys::list(&mut builder, &format!("thread:{}", row.name)));
        for stage in &row.stages {
            sheet.list(*stage, config, instruments, &mut builder);
        }
    }
    builder.thread("archive");
    let archive = ArchiveKeys::list(&mut builder, "archive");
    PlannedRegion { builder, sheet, threads, archive }
}

fn shape_of(config: &Config, instruments: &Instruments) -> Shape {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let accounts = config.accounts.iter().map(|row| row.name.clone());
    let gateways = config.gateways.iter().map(|row| row.name.clone());
    let strategies = config.strategies.iter().map(|row| row.name.clone());
    let symbols = instruments.iter().map(|row| format!("{}/{}", row.venue, row.symbol));
    for name in accounts.chain(gateways).chain(strategies).chain(symbols) {
        for byte in name.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Shape {
        gateways: config.gateways.len(),
        accounts: config.accounts.len(),
        strategies: config.strategies.len() + 1,
        instruments: instruments.len(),
        names_hash: hash,
    }
}

/// Opens every socket and names every venue.
fn live_ends(
    config: &Config,
    gates: shm::gates::Gates,
    archive_failed: shm::counters::CounterReader,
) -> Result<(LiveEnds, Vec<DialTarget>), StartError> {
    let mut sources: Vec<Option<Box<dyn feed_stage::Source>>> = Vec::new();
    let mut channels: Vec<Option<Box<dyn crate::stage::book_check::Channel>>> = Vec::new();
    for row in &config.feeds {
        let FeedSource::Lines { a, b, request, .. } = &row.source else {
            return Err(StartError::NotHere {
                key: format!("feed.{}.file", row.name),
                why: "a recorded file is played through the exchange: `wirelane exchange --input FILE`",
            });
        };
        let lines = Lines::open(*a, *b, *request).map_err(|source| StartError::Socket {
            key: format!("feed.{}.a", row.name),
            address: a.to_string(),
            source,
        })?;
        sources.push(Some(Box::new(lines)));
        channels.push(match row.hash_channel {
            Some(address) => {
                Some(Box::new(HashChannel::open(address).map_err(|source| StartError::Socket {
                    key: format!("feed.{}.hash_channel", row.name),
                    address: address.to_string(),
                    source,
                })?))
            }
            None => None,
        });
    }
    let mut dials: Vec<Option<gateway_stage::Dial>> = Vec::new();
    let mut targets = Vec::new();
    let mut credentials = Vec::new();
    for row in &config.gateways {
        let Session::Ouch50 { soup, user, password_env } = &row.session else {
            return Err(StartError::NotHere {
                key: format!("gateway.{}.session.codec", row.name),
                why: "paper trading is not wired into the live engine yet; use the loopback exchange",
            });
        };
        let password = std::env::var(password_env).unwrap_or_default();
        let known = Credentials::new(user, &password).filter(|_| !password.is_empty());
        credentials.push(Some(known.ok_or_else(|| StartError::Password {
            gateway: row.name.clone(),
            variable: password_env.clone(),
        })?));
        let (target, dial) = dialing(*soup);
        targets.push(target);
        dials.push(Some(dial));
    }
    Ok((LiveEnds { sources, channels, dials, credentials, gates, archive_failed }, targets))
}

/// A helper thread: on the cores that no hot thread has.
fn spawn<T: Send + 'static>(
    name: &str,
    plan: &Plan,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    let cores = plan.helpers.clone();
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder
        .spawn(move || {
            // Helpers work wherever they are; off the hot cores is better, and planned where there
            // are any.
            let _ = pin::to_cores(&cores);
            body()
        })
        .map_err(StartError::Thread)
}
