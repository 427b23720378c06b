//! What the machine has, as far as the topology asks: read once before start, and plain data, so
//! that a test can make up any machine.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// Facts of the machine, the container and the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Cores a thread of ours can be pinned to, ascending; at least one. Isolated cores are among
    /// them where the cpuset has them, though no thread starts there.
    pub cores: Vec<usize>,
    /// Those of them on which the scheduler puts nothing by itself.
    pub isolated: Vec<usize>,
    /// Thousandths of a core that the container may use; `None` without bound.
    pub quota_milli: Option<u64>,
    /// Bytes of memory that may be locked; `None` without bound.
    pub memlock: Option<u64>,
    /// Whether real-time priority may be asked for.
    pub realtime: bool,
    /// Whether the kernel takes the core from a real-time thread that never sleeps.
    pub rt_throttled: bool,
    /// Whether the time stamp counter runs at one rate, always.
    pub invariant_tsc: bool,
    /// The file system in memory.
    pub shm_dir: PathBuf,
    /// Free bytes in it; `None` if there is none.
    pub shm_free: Option<u64>,
}

impl Machine {
    /// Reads the facts. What cannot be read counts as absent.
    #[must_use]
    pub fn probe() -> Self {
        let status = read("/proc/self/status");
        let isolated = cpu_list(&read("/sys/devices/system/cpu/isolated"));
        let allowed = cpu_list(line_of(&status, "Cpus_allowed_list:"));
        let capabilities = u64::from_str_radix(line_of(&status, "CapEff:"), 16).unwrap_or(0);
        let cgroup = read("/proc/self/cgroup");
        let cpuset = cpuset(&cgroup);
        let mut cores = if allowed.is_empty() { vec![0] } else { allowed };
        cores.extend(isolated.iter().filter(|core| cpuset.contains(core)));
        cores.sort_unstable();
        cores.dedup();
        let isolated = isolated.into_iter().filter(|core| cores.contains(core)).collect();
        let shm_dir = PathBuf::from("/dev/shm");
        let shm_free = rustix::fs::statvfs(&shm_dir)
            .ok()
            .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
        let locks_all = capabilities & 1 << CAP_IPC_LOCK != 0;
        let memlock = if locks_all { None } else { getrlimit(Resource::Memlock).current };
        let nice = capabilities & 1 << CAP_SYS_NICE != 0;
        Self {
            cores,
            isolated,
            quota_milli: quota(&cgroup),
            memlock,
            realtime: nice || getrlimit(Resource::Rtprio).current.is_none_or(|limit| limit > 0),
            rt_throttled: read("/proc/sys/kernel/sched_rt_runtime_us").trim() != "-1",
            invariant_tsc: has_invariant_tsc(&read("/proc/cpuinfo")),
            shm_dir,
            shm_free,
        }
    }
}

/// Source: capabilities(7), numbers of linux/capability.h.
const CAP_IPC_LOCK: u32 = 14;
/// The same.
const CAP_SYS_NICE: u32 = 23;

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The rest of the line that starts so.
fn line_of<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or("").trim()
}

/// Parses `0-3,8`. Source: cpuset(7), list format.
fn cpu_list(text: &str) -> Vec<usize> {
    let mut cores = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.trim().parse::<usize>(), last.trim().parse::<usize>())
        {
            cores.extend(first..=last.min(first.saturating_add(4095)));
        }
    }
    cores
}

/// Whether the kernel says of the first processor that its counter never changes rate or stops.
fn has_invariant_tsc(cpuinfo: &str) -> bool {
    let flags = line_of(cpuinfo, "flags").trim_start_matches([':', '\t', ' ']);
    let has = |name: &str| flags.split_whitespace().any(|flag| flag == name);
    has("constant_tsc") && has("nonstop_tsc")
}

/// The folders of our control group and of those above it, for one controller, innermost first.
/// `cgroup` is `/proc/self/cgroup`. Source: cgroups(7).
fn group_folders(cgroup: &str, controller: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let root = if number == "0" && names.is_empty() {
            PathBuf::from("/sys/fs/cgroup")
        } else if names.split(',').any(|name| name == controller) {
            Path::new("/sys/fs/cgroup").join(controller)
        } else {
            continue;
        };
        let mut path = Path::new(path.trim_start_matches('/'));
        loop {
            folders.push(root.join(path));
            match path.parent() {
                Some(parent) => path = parent,
                None => break,
            }
        }
    }
    folders
}

/// The tightest processor quota over our control groups, in thousandths of a core.
fn quota(cgroup: &str) -> Option<u64> {
    group_folders(cgroup, "cpu")
        .iter()
        .filter_map(|folder| {
            quota_of(&read(folder.join("cpu.max"))).or_else(|| {
                let quota = read(folder.join("cpu.cfs_quota_us"));
                let period = read(folder.join("cpu.cfs_period_us"));
                quota_of(&format!("{} {}", quota.trim(), period.trim()))
            })
        })
        .min()
}

/// Parses `quota period`; `max`, -1 and nothing are no bound. Source: kernel documentation,
/// cgroup-v2.rst, cpu.max; cgroup-v1 and CFS bandwidth control.
fn quota_of(text: &str) -> Option<u64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    quota.saturating_mul(1000).checked_div(period)
}

/// The cores of our cpuset, or of the machine where there is none.
fn cpuset(cgroup: &str) -> Vec<usize> {
    group_folders(cgroup, "cpuset")
        .iter()
        .flat_map(|folder| [folder.join("cpuset.cpus.effective"), folder.join("cpuset.cpus")])
        .map(|path| cpu_list(&read(path)))
        .find(|cores| !cores.is_empty())
        .unwrap_or_else(|| cpu_list(&read("/sys/devices/system/cpu/online")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the kernel's texts mean what its documents say. Method: texts of each form.
    #[test]
    fn texts_of_the_kernel_are_understood() {
        assert_eq!(cpu_list("0-2,5,7-8\n"), [0, 1, 2, 5, 7, 8]);
        assert_eq!(cpu_list("\n"), [0_usize; 0]);
        assert_eq!(quota_of("max 100000\n"), None);
        assert_eq!(quota_of("-1 100000"), None);
        assert_eq!(quota_of("150000 100000\n"), Some(1500));
        assert_eq!(quota_of("1 0"), None);
        assert_eq!(quota_of(" "), None);
        assert!(has_invariant_tsc("model\t: 1\nflags\t\t: fpu constant_tsc nonstop_tsc rdtscp\n"));
        assert!(!has_invariant_tsc("flags\t\t: fpu constant_tsc rdtscp\n"));
        let folders = group_folders("0::/a/b\n", "cpu");
        let names: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        assert_eq!(names, ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup/"]);
        let folders = group_folders("3:cpu,cpuacct:/x\n2:memory:/y\n", "cpu");
        assert_eq!(folders.len(), 2);
        assert!(folders.first().unwrap().ends_with("cpu/x"));
    }

    /// Goal: the machine the test runs on is read sensibly: what the process may use is in it.
    #[test]
    fn this_machine_can_be_read() {
        let machine = Machine::probe();
        let set = rustix::thread::sched_getaffinity(None).unwrap();
        assert!(
            (0..1024).filter(|&core| set.is_set(core)).all(|core| machine.cores.contains(&core))
        );
        assert!(machine.isolated.iter().all(|core| machine.cores.contains(core)));
        assert!(machine.cores.is_sorted());
    }
}
