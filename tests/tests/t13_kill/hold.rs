//! Holds threads of this process still, wherever they are: a signal whose handler does not return.

use std::sync::atomic::{AtomicU8, Ordering};

/// How a thread is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Manner {
    /// It spins, as a strategy that never returns.
    Spins = 1,
    /// It sleeps, as a thread that nobody schedules.
    Sleeps = 2,
}

const FREE: u8 = 0;

static HELD: AtomicU8 = AtomicU8::new(FREE);

extern "C" fn stay(_: libc::c_int) {
    loop {
        match HELD.load(Ordering::Acquire) {
            FREE => return,
            manner if manner == Manner::Spins as u8 => std::hint::spin_loop(),
            _ => {
                let pause = libc::timespec { tv_sec: 0, tv_nsec: 100_000 };
                // SAFETY: the pause lives through the call, which is safe in a signal.
                unsafe { libc::nanosleep(&raw const pause, std::ptr::null_mut()) };
            }
        }
    }
}

/// A write beyond the limit of file sizes is refused, and does not end this process.
pub(crate) fn survive_refused_writes() {
    // SAFETY: the signal is ignored; nothing is called.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Every thread of this process: its number and name.
pub(crate) fn threads() -> Vec<(u32, String)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let row = |task: std::io::Result<std::fs::DirEntry>| {
        let task = task.ok()?;
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        Some((task.file_name().to_str()?.parse().ok()?, name.trim_end().to_owned()))
    };
    tasks.filter_map(row).collect()
}

/// Holds threads until it is dropped.
pub(crate) struct Hold;

impl Hold {
    /// Holds the threads of these names.
    pub(crate) fn threads(names: &[&str], manner: Manner) -> Self {
        HELD.store(manner as u8, Ordering::Release);
        // SAFETY: all zeroes are a valid value of the action.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = stay as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: the handler loads one word and sleeps, both safe in a signal; the action lives
        // through the call.
        unsafe { libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()) };
        let known = threads();
        for wanted in names {
            let found = known.iter().find(|(_, name)| name == wanted);
            let (tid, _) = found.unwrap_or_else(|| panic!("no thread {wanted} in {known:?}"));
            let own = std::process::id();
            // SAFETY: plain numbers; a thread that has ended meanwhile is an error.
            let told = unsafe { libc::syscall(libc::SYS_tgkill, own, *tid, libc::SIGUSR2) };
            assert_eq!(told, 0, "the thread {wanted} cannot be held");
        }
        Self
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.store(FREE, Ordering::Release);
    }
}
