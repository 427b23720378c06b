//! Which stage runs on which thread, on which core, and what the machine could not give.
//!
//! A plan is made from the configuration and the facts of the machine alone. What the machine lacks
//! and the engine can do without is a [`Degrade`] with a code, shown in every report; what it
//! cannot do without is a fault.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::fault::{Fault, FaultKind, Report};
use super::links::{self, LinkPlan};
use super::load::Loaded;
use super::machine::Machine;
use super::model::{Config, Layout};
use super::stages::StageId;
use crate::wait::Wait;

/// Memory that is locked besides the journal: rings, books, tables, code.
const LOCKED_BESIDES: u64 = 64 << 20;
/// The smallest segment that a small `/dev/shm` leads to.
const SEGMENT_BYTES_MIN: u64 = 1 << 20;

/// Where everything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The placement that was used.
    pub placement: Placement,
    /// Hot threads, in flow order of their first stage.
    pub threads: Vec<ThreadPlan>,
    /// Cores of all other threads; never empty.
    pub helpers: Vec<usize>,
    /// All links between stages.
    pub links: Vec<LinkPlan>,
    /// Where live segments lie; to be made if it is not there.
    pub hot_dir: PathBuf,
    /// Bytes of a segment.
    pub segment_bytes: u64,
    /// Whether memory is to be locked; else it is only touched.
    pub lock_memory: bool,
    /// Whether the time stamp counter can be the clock; else CLOCK_MONOTONIC.
    pub tsc: bool,
    /// What the machine could not give.
    pub notes: Vec<Degrade>,
}

/// Which placement a plan has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// All stages on one thread.
    Fused,
    /// Feeds | strategies, risk, gateways.
    Split2,
    /// A thread per kind.
    Split4,
    /// As the `thread` tables say.
    Threads,
}

impl Placement {
    /// The word of the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::Split2 => "split2",
            Self::Split4 => "split4",
            Self::Threads => "threads",
        }
    }
}

/// One hot thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadPlan {
    /// Its name.
    pub name: String,
    /// The core it is pinned to.
    pub core: Option<usize>,
    /// What it does when idle.
    pub wait: Wait,
    /// Whether it is to run with real-time priority (SCHED_FIFO).
    pub realtime: bool,
    /// Its stages, in flow order; at least one.
    pub stages: Vec<StageId>,
}

/// Something the engine does without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degrade {
    /// For programs.
    pub code: DegradeCode,
    /// One sentence for people, with the remedy.
    pub text: String,
}

/// What the engine does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DegradeCode {
    /// One core for everything: hot threads yield.
    OneCore,
    /// The processor quota is below hot threads + 1: hot threads yield.
    CpuQuota,
    /// Fewer cores than hot threads + 1: hot threads yield.
    FewCores,
    /// A hot thread is not pinned.
    NotPinned,
    /// A hot thread's core is not isolated.
    NotIsolated,
    /// No real-time priority.
    NoRealtime,
    /// Memory is touched, not locked.
    NoMemlock,
    /// Smaller segments than configured, since `/dev/shm` is small.
    SmallSegments,
    /// Live segments on disk, since `/dev/shm` is too small or absent.
    HotDirOnDisk,
    /// The time stamp counter is not steady: CLOCK_MONOTONIC.
    NoInvariantTsc,
}

impl DegradeCode {
    /// The code as reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneCore => "ONE_CORE",
            Self::CpuQuota => "CPU_QUOTA",
            Self::FewCores => "FEW_CORES",
            Self::NotPinned => "NOT_PINNED",
            Self::NotIsolated => "NOT_ISOLATED",
            Self::NoRealtime => "NO_REALTIME",
            Self::NoMemlock => "NO_MEMLOCK",
            Self::SmallSegments => "SMALL_SEGMENTS",
            Self::HotDirOnDisk => "HOT_DIR_ON_DISK",
            Self::NoInvariantTsc => "NO_INVARIANT_TSC",
        }
    }
}

impl std::fmt::Display for Degrade {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.code.name(), self.text)
    }
}

/// Plans the threads of a configuration on a machine.
///
/// # Errors
/// The report of every core that the configuration names and the machine does not have.
pub fn plan(loaded: &Loaded, machine: &Machine) -> Result<Plan, Report> {
    let config = &loaded.config;
    let faults = missing_cores(loaded, machine);
    if !faults.is_empty() {
        return Err(Report { faults }.sorted());
    }
    let (placement, mut threads) = place(config);
    let mut notes = Vec::new();
    if must_yield(&threads, placement, machine, &mut notes) {
        threads.iter_mut().for_each(|thread| thread.wait = Wait::Yield);
    } else if placement != Placement::Threads {
        pin(&mut threads, config, machine);
    }
    judge_cores(&mut threads, machine, &mut notes);
    let lanes = u64::try_from(threads.len()).unwrap_or(u64::MAX).saturating_add(1);
    let (hot_dir, segment_bytes) = journal(config, machine, lanes, &mut notes);
    let journal_bytes =
        lanes.saturating_mul(u64::from(config.journal.segments)).saturating_mul(segment_bytes);
    let locked = journal_bytes.saturating_add(LOCKED_BESIDES);
    let lock_memory = machine.memlock.is_none_or(|limit| limit >= locked);
    if !lock_memory {
        let mib = locked >> 20;
        let text = format!(
            "memory is touched, not locked: raise `ulimit -l` to {mib} MiB or grant CAP_IPC_LOCK"
        );
        notes.push(Degrade { code: DegradeCode::NoMemlock, text });
    }
    if !machine.invariant_tsc {
        let text = "the time stamp counter is not steady here: the clock is CLOCK_MONOTONIC";
        notes.push(Degrade { code: DegradeCode::NoInvariantTsc, text: text.to_owned() });
    }
    let thread_of = |stage| threads.iter().position(|thread| thread.stages.contains(&stage));
    Ok(Plan {
        placement,
        helpers: helpers(&threads, config, machine),
        links: links::resolve(config, thread_of),
        threads,
        hot_dir,
        segment_bytes,
        lock_memory,
        tsc: machine.invariant_tsc,
        notes,
    })
}

/// Cores that are named but not there.
pub(super) fn missing_cores(loaded: &Loaded, machine: &Machine) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut need = |core: usize, key: String| {
        if !machine.cores.contains(&core) {
            faults.push(Fault {
                kind: FaultKind::Machine,
                origin: loaded.origin_of(&key),
                key,
                wrong: format!("core {core} is not there, or this process may not use it"),
                allowed: format!("of this machine {}", list(&machine.cores)),
                remedy: "name another core, or leave it out".to_owned(),
            });
        }
    };
    for thread in &loaded.config.threads {
        if let Some(core) = thread.core {
            need(core, format!("thread.{}.core", thread.name));
        }
    }
    for core in loaded.config.topology.helpers.iter().flatten() {
        need(*core, "topology.helpers".to_owned());
    }
    faults
}

fn list(cores: &[usize]) -> String {
    let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
    cores.join(", ")
}

/// The threads and their stages, without cores where the configuration names none.
fn place(config: &Config) -> (Placement, Vec<ThreadPlan>) {
    if !config.threads.is_empty() {
        let threads = config.threads.iter().map(|thread| ThreadPlan {
            name: thread.name.clone(),
            core: thread.core,
            wait: thread.wait.unwrap_or(config.topology.wait),
            realtime: false,
            stages: thread.stages.clone(),
        });
        let mut threads: Vec<ThreadPlan> = threads.collect();
        threads.sort_by_key(|thread| thread.stages.first().copied());
        return (Placement::Threads, threads);
    }
    let (placement, parts): (_, &[(&str, std::ops::RangeInclusive<u8>)]) =
        match config.topology.layout {
            Layout::Auto | Layout::Fused => (Placement::Fused, &[("hot", 0..=3)]),
            Layout::Split2 => (Placement::Split2, &[("md", 0..=0), ("trade", 1..=3)]),
            Layout::Split4 => (
                Placement::Split4,
                &[("feed", 0..=0), ("strategy", 1..=1), ("risk", 2..=2), ("gateway", 3..=3)],
            ),
        };
    let stages = config.stages();
    let threads = parts.iter().map(|(name, flow)| ThreadPlan {
        name: (*name).to_owned(),
        core: None,
        wait: config.topology.wait,
        realtime: false,
        stages: stages.iter().copied().filter(|stage| flow.contains(&stage.flow())).collect(),
    });
    (placement, threads.filter(|thread| !thread.stages.is_empty()).collect())
}

/// Whether hot threads would take the cores from everything else.
fn must_yield(
    threads: &[ThreadPlan],
    placement: Placement,
    machine: &Machine,
    notes: &mut Vec<Degrade>,
) -> bool {
    let wanted = threads.len() + 1;
    let cores = machine.cores.len();
    let before = notes.len();
    if cores < wanted {
        let (code, text) = if cores == 1 {
            (DegradeCode::OneCore, "hot threads yield: there is one core for everything".to_owned())
        } else {
            let text = format!(
                "{} on {cores} cores: hot threads yield, and latency is not that of the layout; it \
                 needs {wanted} cores",
                placement.name()
            );
            (DegradeCode::FewCores, text)
        };
        notes.push(Degrade { code, text });
    }
    let wanted_milli = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_mul(1000);
    if let Some(quota) = machine.quota_milli.filter(|quota| *quota < wanted_milli) {
        let text = format!(
            "hot threads yield: the container may use {}.{:03} cores, {wanted} are needed",
            quota / 1000,
            quota % 1000
        );
        notes.push(Degrade { code: DegradeCode::CpuQuota, text });
    }
    notes.len() > before
}

/// Gives each thread a core of its own: isolated ones first, then from the highest down, so that
/// core 0, where most interrupts go, is the last.
fn pin(threads: &mut [ThreadPlan], config: &Config, machine: &Machine) {
    let reserved = config.topology.helpers.as_deref().unwrap_or_default();
    let mut cores: Vec<usize> =
        machine.cores.iter().copied().filter(|core| !reserved.contains(core)).collect();
    cores.sort_by_key(|core| (!machine.isolated.contains(core), std::cmp::Reverse(*core)));
    for (thread, core) in threads.iter_mut().zip(cores) {
        thread.core = Some(core);
    }
}

/// Says which threads have less than a core of their own, and gives real-time priority where it
/// does no harm: a thread that never sleeps would starve the rest of a shared core.
fn judge_cores(threads: &mut [ThreadPlan], machine: &Machine, notes: &mut Vec<Degrade>) {
    let mut not_pinned = Vec::new();
    let mut not_isolated = Vec::new();
    for thread in &mut *threads {
        match thread.core {
            None => not_pinned.push(thread.name.clone()),
            Some(core) if !machine.isolated.contains(&core) => {
                not_isolated.push(format!("{} (core {core})", thread.name));
            }
            Some(_) => thread.realtime = machine.realtime && !machine.rt_throttled,
        }
    }
    if !not_pinned.is_empty() {
        let text = format!("not pinned to a core: {}", not_pinned.join(", "));
        notes.push(Degrade { code: DegradeCode::NotPinned, text });
    }
    if !not_isolated.is_empty() {
        let text = format!(
            "not on an isolated core: {}; the scheduler may put others there (isolcpus, cpusets)",
            not_isolated.join(", ")
        );
        notes.push(Degrade { code: DegradeCode::NotIsolated, text });
    }
    if threads.iter().any(|thread| !thread.realtime) {
        let why = if !machine.realtime {
            "it may not be asked for (CAP_SYS_NICE)"
        } else if machine.rt_throttled {
            "real-time throttling is on (kernel.sched_rt_runtime_us = -1 turns it off)"
        } else {
            "only a thread on an isolated core gets it"
        };
        let text = format!("no real-time priority: {why}");
        notes.push(Degrade { code: DegradeCode::NoRealtime, text });
    }
}

/// Cores for everything else: never a hot thread's.
fn helpers(threads: &[ThreadPlan], config: &Config, machine: &Machine) -> Vec<usize> {
    if let Some(helpers) = &config.topology.helpers {
        return helpers.clone();
    }
    let hot: Vec<usize> = threads.iter().filter_map(|thread| thread.core).collect();
    let free = |isolated: bool| -> Vec<usize> {
        let free = machine.cores.iter().copied().filter(|core| !hot.contains(core));
        free.filter(|core| isolated || !machine.isolated.contains(core)).collect()
    };
    [free(false), free(true), machine.cores.clone()]
        .into_iter()
        .find(|cores| !cores.is_empty())
        .unwrap_or_default()
}

/// Where live segments lie, and how large they are.
fn journal(
    config: &Config,
    machine: &Machine,
    lanes: u64,
    notes: &mut Vec<Degrade>,
) -> (PathBuf, u64) {
    let wanted = config.journal.segment_bytes;
    if let Some(hot_dir) = &config.engine.hot_dir {
        return (hot_dir.clone(), wanted);
    }
    let count = lanes.saturating_mul(u64::from(config.journal.segments));
    let free = machine.shm_free.unwrap_or(0);
    let mut bytes = wanted;
    while bytes > SEGMENT_BYTES_MIN && count.saturating_mul(bytes) > free {
        bytes /= 2;
    }
    let shm = machine.shm_dir.display();
    if count.saturating_mul(bytes) > free {
        let text = format!(
            "live segments lie in {} on disk, where each page faults again after each sync: {shm} \
             has {} MiB free, {} are needed",
            config.engine.dir.display(),
            free >> 20,
            count.saturating_mul(SEGMENT_BYTES_MIN) >> 20
        );
        notes.push(Degrade { code: DegradeCode::HotDirOnDisk, text });
        return (config.engine.dir.clone(), wanted);
    }
    if bytes < wanted {
        let text = format!(
            "segments of {} MiB instead of {}: {shm} has {} MiB free, {} are needed",
            bytes >> 20,
            wanted >> 20,
            free >> 20,
            count.saturating_mul(wanted) >> 20
        );
        notes.push(Degrade { code: DegradeCode::SmallSegments, text });
    }
    (hot_dir(machine, &config.engine.name, &config.engine.dir), bytes)
}

/// A folder that only an engine of this name with this `dir` uses, and finds again at its next
/// start.
fn hot_dir(machine: &Machine, name: &str, dir: &Path) -> PathBuf {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let digest = Sha256::digest(absolute.as_os_str().as_encoded_bytes());
    let tag: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    machine.shm_dir.join(format!("wirelane-{name}-{tag}"))
}
