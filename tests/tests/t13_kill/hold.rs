//! Holds a thread of this process still, wherever it is: a signal whose handler does not return.

use std::sync::atomic::{AtomicBool, Ordering};

static HELD: AtomicBool = AtomicBool::new(false);

extern "C" fn spin(_: libc::c_int) {
    while HELD.load(Ordering::Acquire) {
        std::hint::spin_loop();
    }
}

/// Holds every thread of these names until it is dropped.
pub(crate) struct Hold;

impl Hold {
    /// Holds the threads whose names begin with one of `names`.
    pub(crate) fn threads(names: &[&str]) -> Self {
        HELD.store(true, Ordering::Release);
        // SAFETY: all zeroes are a valid value of the action.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = spin as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: the handler touches one atomic word, which is safe in a signal; the action lives
        // through the call.
        unsafe { libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()) };
        for task in std::fs::read_dir("/proc/self/task").unwrap() {
            let task = task.unwrap();
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if names.iter().any(|wanted| name.starts_with(wanted)) {
                let tid: libc::c_long = task.file_name().to_str().unwrap().parse().unwrap();
                let own = std::process::id();
                // SAFETY: plain numbers; a thread that has ended meanwhile is an error.
                let told = unsafe { libc::syscall(libc::SYS_tgkill, own, tid, libc::SIGUSR2) };
                assert_eq!(told, 0, "the thread {name} cannot be held");
            }
        }
        Self
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.store(false, Ordering::Release);
    }
}
