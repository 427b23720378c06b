//! Placing a thread: core, name, priority, locked memory. All before the hot loop begins; what the
//! machine refuses is reported as a [`Refusal`], never ignored and never fatal.

pub mod watch;

use std::io;

/// Something the machine did not give, with the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The core is not in the allowed set.
    Core,
    /// Memory could not be locked.
    Lock,
    /// Real-time priority was not granted.
    Priority,
    /// System calls could not be counted.
    Watch,
}

impl Refusal {
    /// One sentence for the report.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Core => {
                "a thread could not be pinned: its core is outside the allowed set (taskset, cgroup)"
            }
            Self::Lock => "memory is not locked: raise `ulimit -l` or grant CAP_IPC_LOCK",
            Self::Priority => "no real-time priority: grant CAP_SYS_NICE on an isolated core",
            Self::Watch => {
                "system calls are not counted: the kernel gives no seccomp listener (5.5 or newer, once per thread)"
            }
        }
    }
}

/// Pins the calling thread to `core` and checks that it took.
///
/// # Errors
/// [`Refusal::Core`] when the kernel refused or the thread runs elsewhere after all.
pub fn to_core(core: usize) -> Result<(), Refusal> {
    // `get_core_ids` hides isolated cores, so the id is made by hand and the result is checked.
    if !core_affinity::set_for_current(core_affinity::CoreId { id: core }) {
        return Err(Refusal::Core);
    }
    match rustix::thread::sched_getaffinity(None) {
        Ok(set) if set.is_set(core) && set.count() == 1 => Ok(()),
        Ok(_) | Err(_) => Err(Refusal::Core),
    }
}

/// Keeps the calling thread on a set of cores; an empty set leaves it where it is.
///
/// # Errors
/// [`Refusal::Core`] when the kernel refused.
pub fn to_cores(cores: &[usize]) -> Result<(), Refusal> {
    if cores.is_empty() {
        return Ok(());
    }
    let mut set = rustix::thread::CpuSet::new();
    for core in cores.iter().filter(|core| **core < rustix::thread::CpuSet::MAX_CPU) {
        set.set(*core);
    }
    rustix::thread::sched_setaffinity(None, &set).map_err(|_| Refusal::Core)
}

/// Cores the calling thread may run on, ascending.
///
/// # Errors
/// What the kernel said.
pub fn allowed_cores() -> io::Result<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None)?;
    Ok((0..rustix::thread::CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
}

/// Locks all memory of the process, now and later.
///
/// # Errors
/// [`Refusal::Lock`] when the limit is too small; nothing is locked then.
pub fn lock_memory() -> Result<(), Refusal> {
    use rustix::mm::{MlockAllFlags, mlockall};
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).map_err(|_| Refusal::Lock)
}

/// Faults in every page that the process has mapped for itself, locked or not: heap, stacks, code.
/// Called once all threads are there. Linux before 5.14 refuses: its pages then fault during the
/// warm-up, or are counted in the window.
pub fn touch_memory() {
    use rustix::mm::Advice;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for line in maps.lines() {
        let mut words = line.split(' ');
        let range = words.next().and_then(|range| range.split_once('-'));
        let advice = match words.next() {
            Some("rw-p") => Advice::LinuxPopulateWrite,
            Some("r--p" | "r-xp") => Advice::LinuxPopulateRead,
            _ => continue,
        };
        let address = |text| usize::from_str_radix(text, 16).ok();
        if let Some((start, end)) = range
            && let (Some(start), Some(end)) = (address(start), address(end))
        {
            populate(start, end.saturating_sub(start), advice);
        }
    }
}

#[expect(unsafe_code, reason = "madvise takes an address")]
fn populate(start: usize, bytes: usize, advice: rustix::mm::Advice) {
    let start = core::ptr::with_exposed_provenance_mut(start);
    // SAFETY: populating faults pages in as a first access would and changes no content; a range
    // that another thread has unmapped meanwhile is an error, which leaves all as it was.
    let _ = unsafe { rustix::mm::madvise(start, bytes, advice) };
}

/// What the kernel has counted for the calling thread so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Page faults, minor and major.
    pub page_faults: u64,
    /// Times it gave the core away by itself (blocking; `sched_yield` counts as involuntary).
    pub voluntary_switches: u64,
    /// Times the core was taken away.
    pub involuntary_switches: u64,
}

/// Reads [`Usage`]: one system call, so only at the edges of a measured window.
#[must_use]
#[expect(unsafe_code, reason = "getrusage of a thread is only in libc")]
pub fn usage() -> Usage {
    let mut raw = core::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a whole, writable `rusage`, as getrusage(2) asks.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_THREAD, raw.as_mut_ptr()) };
    if failed != 0 {
        return Usage::default();
    }
    // SAFETY: all fields are integers, zeroed above and then filled in by the kernel.
    let raw = unsafe { raw.assume_init() };
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    Usage {
        page_faults: count(raw.ru_minflt) + count(raw.ru_majflt),
        voluntary_switches: count(raw.ru_nvcsw),
        involuntary_switches: count(raw.ru_nivcsw),
    }
}

/// How long a thread of this process, by the kernel's number, has run until now; `None` when there
/// is none, or the kernel does not say.
///
/// Exact also on a core without ticks, where the times under `/proc` stand still.
///
/// Source: Linux, include/linux/posix-timers_types.h (`CPUCLOCK_PERTHREAD_MASK`,
/// `CPUCLOCK_SCHED`); pthread_getcpuclockid(3) makes the same number.
#[must_use]
#[expect(unsafe_code, reason = "the clock of another thread is only in libc")]
pub fn run_time(tid: u64) -> Option<shm::units::Nanos> {
    const PER_THREAD: i32 = 4;
    const SCHED: i32 = 2;
    let tid = i32::try_from(tid).ok().filter(|tid| *tid > 0)?;
    let clock = !tid << 3 | PER_THREAD | SCHED;
    let mut raw = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole, writable `timespec`, as clock_gettime(2) asks; a clock
    // that is none is an error.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut raw) };
    let whole = u64::try_from(raw.tv_sec).ok()?.checked_mul(1_000_000_000)?;
    let ns = whole.checked_add(u64::try_from(raw.tv_nsec).ok()?)?;
    (failed == 0).then_some(shm::units::Nanos(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: after a touch no page of the process faults any more. Method: fresh zeroed memory, the
    /// calling thread's own count of faults.
    #[test]
    fn touched_memory_does_not_fault() {
        let mut fresh = vec![0_u8; 4 << 20];
        touch_memory();
        let before = usage().page_faults;
        fresh.iter_mut().step_by(4_096).for_each(|byte| *byte = 1);
        let faults = usage().page_faults - before;
        assert!(faults < 10, "{faults} faults on 1,024 pages");
        assert_eq!(
            core::hint::black_box(&fresh).iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            1_024
        );
    }

    /// Goal: pinning is proved, and a core that cannot be is refused by name.
    #[test]
    fn pinning_is_checked() {
        let cores = allowed_cores().unwrap();
        let first = *cores.first().unwrap();
        std::thread::spawn(move || assert_eq!(to_core(first), Ok(()))).join().unwrap();
        std::thread::spawn(|| assert_eq!(to_core(1_000), Err(Refusal::Core))).join().unwrap();
    }
}
