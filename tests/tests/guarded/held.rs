//! One thread of another process, held still while the others go on.

use std::ptr::null_mut;

/// A held thread. It stays so until its process is killed; then [`Held::reap`] must take note.
#[derive(Debug)]
pub(crate) struct Held(libc::pid_t);

impl Held {
    /// Holds the thread of this name of a child process.
    pub(crate) fn thread(pid: u32, name: &str) -> Self {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let mut named = tasks.map(|task| task.unwrap()).filter(|task| {
            let comm = std::fs::read_to_string(task.path().join("comm"));
            comm.is_ok_and(|comm| comm.trim_end() == name)
        });
        let task = named.next().unwrap_or_else(|| panic!("no thread {name}"));
        let tid: libc::pid_t = task.file_name().to_str().unwrap().parse().unwrap();
        // SAFETY: plain numbers; the kernel refuses what is not a child's thread.
        let seized =
            unsafe { libc::ptrace(libc::PTRACE_SEIZE, tid, null_mut::<u8>(), null_mut::<u8>()) };
        assert_eq!(seized, 0, "{}", std::io::Error::last_os_error());
        // SAFETY: as above; the thread is traced by this one.
        let told = unsafe {
            libc::ptrace(libc::PTRACE_INTERRUPT, tid, null_mut::<u8>(), null_mut::<u8>())
        };
        assert_eq!(told, 0, "{}", std::io::Error::last_os_error());
        let held = Self(tid);
        held.reap();
        held
    }

    /// Waits for the thread to stop, or to end.
    pub(crate) fn reap(&self) {
        let mut status = 0;
        // SAFETY: the status lives through the call.
        let seen = unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL) };
        assert_eq!(seen, self.0, "{}", std::io::Error::last_os_error());
    }
}
