//! What the machine does to a thread: how long it kept it waiting for a core, and how it treats one
//! that only spins.

use crate::hold::threads;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall time, ns: the clock of the kernel's stamps.
pub(crate) fn wall() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// How long a thread of this process has been ready to run with no core to run on, ns.
pub(crate) fn waited(tid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/task/{tid}/schedstat"));
    let text = text.unwrap_or_default();
    text.split(' ').nth(1).and_then(|word| word.trim().parse().ok()).unwrap_or(0)
}

/// A thread that only reads the clock, on the cores where the gateway's thread ran: the gaps
/// between two readings are the machine's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Control {
    /// The longest gap, ns.
    pub(crate) gap_max: u64,
    /// Gaps of more than 20 us, and the time looked at, ns.
    pub(crate) gaps: u64,
    pub(crate) looked: u64,
}

impl Control {
    /// Spins for so long on the cores that a thread of this process is bound to.
    pub(crate) fn spin(cores: &[usize], length: Duration) -> Self {
        let cores = cores.to_vec();
        let spin = move || {
            bind(&cores);
            let begin = Instant::now();
            let (mut control, mut last) = (Self::default(), begin);
            while last - begin < length {
                let now = Instant::now();
                let gap = u64::try_from((now - last).as_nanos()).unwrap();
                control.gap_max = control.gap_max.max(gap);
                control.gaps += u64::from(gap > GAP_MIN);
                last = now;
            }
            control.looked = u64::try_from((last - begin).as_nanos()).unwrap();
            control
        };
        std::thread::spawn(spin).join().unwrap()
    }
}

/// Whether the figures are wanted, and not the count alone.
pub(crate) fn is_long_form() -> bool {
    ["WIRELANE_TRIPS", "WIRELANE_DEEP"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0"))
}

/// A wait of more than this is a gap of the machine.
pub(crate) const GAP_MIN: u64 = 20_000;

fn bind(cores: &[usize]) {
    if !cores.is_empty() {
        sched_setaffinity(None, &set(cores)).unwrap();
    }
}

fn set(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    set
}

/// Leaves the cores of hot threads to them: everything else of this process goes to the others, as
/// an exchange on another machine would.
pub(crate) fn make_room(helpers: &[usize]) {
    for (tid, name) in threads() {
        if !name.starts_with("hot-") {
            let tid = Pid::from_raw(tid.cast_signed());
            // A thread that has ended meanwhile.
            let _ = sched_setaffinity(tid, &set(helpers));
        }
    }
}

/// This thread may use every core again, as an engine that is started from it looks for.
pub(crate) fn use_all_cores() {
    static ALL: OnceLock<CpuSet> = OnceLock::new();
    let all = ALL.get_or_init(|| sched_getaffinity(None).unwrap());
    sched_setaffinity(None, all).unwrap();
}

/// This process may not write files: the kernel refuses each write with `EFBIG`.
pub(crate) struct FullDisk(rustix::process::Rlimit);

impl FullDisk {
    pub(crate) fn begin() -> Self {
        crate::hold::survive_refused_writes();
        let before = rustix::process::getrlimit(rustix::process::Resource::Fsize);
        set_limit(rustix::process::Rlimit { current: Some(0), ..before });
        Self(before)
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        set_limit(self.0);
    }
}

fn set_limit(limit: rustix::process::Rlimit) {
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
}

/// The machine in a line.
pub(crate) fn line() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut text = format!("{cores} cores, {}", model.unwrap_or("unknown"));
    let _ = write!(text, ", Linux {}", read("/proc/sys/kernel/osrelease").trim());
    let _ = write!(text, ", load {}", read("/proc/loadavg").trim());
    text
}
