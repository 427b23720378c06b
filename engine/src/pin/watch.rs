//! Counts the system calls of hot threads: by the kernel's own filter, not by trust.
//!
//! ```text
//! hot thread ─┬─ socket calls, sched_yield ──────────────────────────► kernel      not looked at
//!             └─ any other ─► held ─► watch thread counts it by name ─► let go on
//! ```
//!
//! Each hot thread puts a seccomp filter on itself before its loop. The calls a hot thread is
//! allowed pass inside the kernel; any other is held until the watch thread has counted it, and
//! then goes on as if nothing had been. The thread itself marks the edges of the measured window,
//! in memory; it stands still while a call of its is held, so that a call is before, inside or
//! after the window without a clock being compared.
//!
//! A filter cannot be taken off: it stays until its thread ends. It costs each allowed call about
//! 25 to 40 ns (on a `recv` of 230 ns that finds nothing; Linux 6.18, virtual machine).
//!
//! Source: Linux `seccomp(2)`, `seccomp_unotify(2)` (5.5 or newer).

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: before the hot loop begins, and in the watch thread"
)]

use super::Refusal;
use core::mem::MaybeUninit;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shm::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// Longest time a call of a hot thread waits for a watch thread that does not know it yet.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// States of a place; a listener's number is `LISTENER` more than the descriptor.
mod place {
    pub(super) const FREE: u64 = 0;
    pub(super) const ENTERING: u64 = 1;
    pub(super) const SHUT: u64 = 2;
    pub(super) const LISTENER: u64 = 3;
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// What a hot thread has no business calling: all but `recvfrom`, `recvmsg`, `sendto`,
    /// `sendmsg` and `sched_yield`, which cost nothing more, and `getrusage`, by which the hot loop
    /// reads its faults and switches at the edges of the window.
    Others,
    /// Every call. Slow, a switch to the watch thread and back for each: for a count by name.
    Every,
}

/// How often a thread made one system call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// From the filter's start to the measured window.
    pub before: u64,
    /// In the window.
    pub inside: u64,
    /// After it.
    pub after: u64,
}

/// The counted calls of one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadCalls {
    /// Name of the thread.
    pub thread: String,
    /// By number of the call.
    pub calls: BTreeMap<i32, Calls>,
    /// Edges of the window the thread has passed: 0 before, 1 inside, 2 after.
    pub edges: u64,
}

impl ThreadCalls {
    /// Calls in the measured window.
    #[must_use]
    pub fn inside(&self) -> u64 {
        self.calls.values().map(|calls| calls.inside).sum()
    }

    fn count(&mut self, number: i32, edges: u64) {
        let calls = self.calls.entry(number).or_default();
        match edges {
            0 => calls.before += 1,
            1 => calls.inside += 1,
            _ => calls.after += 1,
        }
    }
}

/// Where a hot thread hands its listener to the watch thread.
#[derive(Debug)]
struct Place {
    state: AtomicU64,
    /// Edges of the window that the thread has passed; its own to write.
    edges: AtomicU64,
    name: OnceLock<Box<str>>,
}

impl Place {
    fn free() -> Self {
        let state = AtomicU64::new(place::FREE);
        Self { state, edges: AtomicU64::new(0), name: OnceLock::new() }
    }
}

/// A watch over the system calls of some threads.
#[derive(Clone, Debug)]
pub struct Watch {
    counted: Counted,
    places: Arc<[Place]>,
}

/// The running watch thread.
#[derive(Debug)]
pub struct Watching {
    places: Arc<[Place]>,
    thread: JoinHandle<Vec<ThreadCalls>>,
}

impl Watch {
    /// Starts a watch over up to `threads` threads.
    ///
    /// # Errors
    /// The watch thread could not be made.
    pub fn start(counted: Counted, threads: usize) -> io::Result<(Self, Watching)> {
        let places: Arc<[Place]> = (0..threads).map(|_| Place::free()).collect();
        let watched = Arc::clone(&places);
        let builder = std::thread::Builder::new().name("wl-watch".to_owned());
        let thread = builder.spawn(move || watch(&watched))?;
        Ok((Self { counted, places: Arc::clone(&places) }, Watching { places, thread }))
    }

    /// Puts the calling thread under watch until it ends.
    ///
    /// # Errors
    /// [`Refusal::Watch`]: no place is free, the watch has ended, or the kernel has no filter to
    /// give. The thread goes on unwatched.
    pub fn enter(&self, name: &str) -> Result<(), Refusal> {
        // ORDERING: AcqRel and Acquire; the place is this thread's once it is entered, and whoever
        // shut it is seen to have.
        let free = |place: &&Place| {
            let (free, entering) = (place::FREE, place::ENTERING);
            let taken =
                place.state.compare_exchange(free, entering, Ordering::AcqRel, Ordering::Acquire);
            taken.is_ok()
        };
        let place = self.places.iter().find(free).ok_or(Refusal::Watch)?;
        let _ = place.name.set(name.into());
        let listener = rustix::thread::set_no_new_privs(true)
            .map_err(io::Error::from)
            .and_then(|()| listen(self.counted));
        let state = match &listener {
            Ok(listener) => place::LISTENER + u64::from(listener.unsigned_abs()),
            Err(_) => place::SHUT,
        };
        // ORDERING: Release; pairs with the Acquire in `watch`: the name is there before the
        // number.
        place.state.store(state, Ordering::Release);
        listener.map(|_| ()).map_err(|_| Refusal::Watch)
    }

    /// Marks an edge of the measured window of the calling thread, which entered as `name`.
    pub fn edge(&self, name: &str) {
        if let Some(place) = self.place_of(name) {
            // ORDERING: Release; pairs with the Acquire in `serve`. The calls before it are counted
            // before it: each holds this thread until it is.
            place.edges.fetch_add(1, Ordering::Release);
        }
    }

    /// Edges of the window that the thread which entered as `name` has passed.
    #[must_use]
    pub fn edges(&self, name: &str) -> u64 {
        // ORDERING: Acquire; pairs with the Release in `edge`.
        self.place_of(name).map_or(0, |place| place.edges.load(Ordering::Acquire))
    }

    fn place_of(&self, name: &str) -> Option<&Place> {
        self.places.iter().find(|place| place.name.get().is_some_and(|known| **known == *name))
    }
}

impl Watching {
    /// Waits until every watched thread has ended, and says what each called. No thread can enter
    /// any more.
    #[must_use]
    pub fn finish(self) -> Vec<ThreadCalls> {
        for place in self.places.iter() {
            let (free, shut) = (place::FREE, place::SHUT);
            // ORDERING: AcqRel and Acquire; pairs with the exchange in `enter`: one of the two wins
            // the place. One that is taken stays as it is.
            let _ = place.state.compare_exchange(free, shut, Ordering::AcqRel, Ordering::Acquire);
        }
        self.thread.join().unwrap_or_default()
    }
}

/// A thread under watch.
struct Listener<'a> {
    fd: OwnedFd,
    place: &'a Place,
    seen: ThreadCalls,
}

impl<'a> Listener<'a> {
    /// Takes over the descriptor that a hot thread has left in its place.
    #[expect(unsafe_code, reason = "a descriptor crosses a thread as its number")]
    fn adopt(fd: RawFd, place: &'a Place) -> Self {
        // SAFETY: the number is that of a listener which `enter` made and gave up; a place is
        // looked at until it has one, so each is adopted once.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let thread = place.name.get().map(ToString::to_string).unwrap_or_default();
        Self { fd, place, seen: ThreadCalls { thread, ..ThreadCalls::default() } }
    }

    /// Counts a held call, if there is one, and lets it go on.
    fn serve(&mut self) {
        let Some(held) = take_held(&self.fd) else { return };
        // ORDERING: Acquire; pairs with the Release in `edge`. The thread stands still until its
        // call goes on, so this is where it is.
        let edges = self.place.edges.load(Ordering::Acquire);
        self.seen.count(held.data.nr, edges);
        let_go_on(&self.fd, held.id);
    }

    /// What was seen, once the thread has ended.
    fn into_seen(mut self) -> ThreadCalls {
        // ORDERING: Acquire; as in `serve`.
        self.seen.edges = self.place.edges.load(Ordering::Acquire);
        self.seen
    }
}

/// The watch thread: until every place is shut, or its thread has ended.
fn watch(places: &[Place]) -> Vec<ThreadCalls> {
    let mut open: Vec<Listener<'_>> = Vec::new();
    let mut seen: Vec<ThreadCalls> = Vec::new();
    let mut known = vec![false; places.len()];
    loop {
        for (place, known) in places.iter().zip(&mut known).filter(|(_, known)| !**known) {
            // ORDERING: Acquire; pairs with the Release in `enter`.
            let state = place.state.load(Ordering::Acquire);
            *known = state >= place::SHUT;
            if let Some(fd) = state.checked_sub(place::LISTENER) {
                open.push(Listener::adopt(fd as RawFd, place));
            }
        }
        if open.is_empty() && known.iter().all(|known| *known) {
            return seen;
        }
        let input = |listener| PollFd::from_borrowed_fd(listener, PollFlags::IN);
        let mut polled: Vec<PollFd<'_>> =
            open.iter().map(|listener| input(listener.fd.as_fd())).collect();
        // An interrupted poll is a poll with nothing ready.
        let _ = poll(&mut polled, Some(&LOOK));
        let flags: Vec<PollFlags> = polled.iter().map(PollFd::revents).collect();
        for (mut listener, flags) in std::mem::take(&mut open).into_iter().zip(flags) {
            if flags.contains(PollFlags::IN) {
                listener.serve();
            }
            if flags.contains(PollFlags::HUP) {
                seen.push(listener.into_seen());
            } else {
                open.push(listener);
            }
        }
    }
}

/// The filter of a thread, in the kernel's filter language: load the number of the call, compare it
/// with those allowed, else ask.
fn program(counted: Counted) -> Vec<libc::sock_filter> {
    let step = |code: u32, jt: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf: 0, k };
    let allowed: &[i64] = match counted {
        Counted::Others => &[
            libc::SYS_recvfrom,
            libc::SYS_recvmsg,
            libc::SYS_sendto,
            libc::SYS_sendmsg,
            libc::SYS_sched_yield,
            libc::SYS_getrusage,
        ],
        Counted::Every => &[],
    };
    let ret = libc::BPF_RET | libc::BPF_K;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let mut program = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for (at, number) in allowed.iter().enumerate() {
        program.push(step(equal, (allowed.len() - at) as u8, *number as u32));
    }
    program.push(step(ret, 0, libc::SECCOMP_RET_USER_NOTIF));
    program.push(step(ret, 0, libc::SECCOMP_RET_ALLOW));
    program
}

/// Puts the filter on the calling thread. The listener is the watch thread's to close.
#[expect(unsafe_code, reason = "seccomp is a system call that no library wraps")]
fn listen(counted: Counted) -> io::Result<RawFd> {
    let mut steps = program(counted);
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // With SPEC_ALLOW the filter changes nothing else of the thread.
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: `program` points to `len` filter steps, which outlive the call; the kernel copies
    // them.
    let listener = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    // From here on a call that is not allowed waits for the watch thread: dropping `steps` frees a
    // few bytes, which asks nothing of the kernel.
    if listener < 0 { Err(io::Error::last_os_error()) } else { Ok(listener as RawFd) }
}

/// Takes a held call; `None` if its thread is gone.
#[expect(unsafe_code, reason = "the ioctls of a listener are wrapped by no library")]
fn take_held(listener: &OwnedFd) -> Option<libc::seccomp_notif> {
    let fd = listener.as_raw_fd();
    let mut held = MaybeUninit::<libc::seccomp_notif>::zeroed();
    // SAFETY: the pointer is to a whole, zeroed, writable `seccomp_notif`, as the kernel asks.
    let taken = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_RECV, held.as_mut_ptr()) };
    if taken != 0 {
        return None;
    }
    // SAFETY: all fields are integers, zeroed above and then filled in by the kernel.
    Some(unsafe { held.assume_init() })
}

/// Lets a held call go on.
#[expect(unsafe_code, reason = "the ioctls of a listener are wrapped by no library")]
fn let_go_on(listener: &OwnedFd, id: u64) {
    let fd = listener.as_raw_fd();
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    let mut answer = libc::seccomp_notif_resp { id, val: 0, error: 0, flags };
    // SAFETY: the pointer is to a whole `seccomp_notif_resp`. A failure means the thread is gone.
    let _ = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
}

/// Declares names for the calls that a program of ours makes at all.
macro_rules! names {
    ($($name:ident = $number:ident,)*) => {
        /// The name of a system call, or its number.
        #[must_use]
        pub fn call_name(number: i32) -> String {
            $(if i64::from(number) == libc::$number { return stringify!($name).to_owned(); })*
            format!("#{number}")
        }
    };
}

names! {
    recvfrom = SYS_recvfrom, recvmsg = SYS_recvmsg, recvmmsg = SYS_recvmmsg,
    sendto = SYS_sendto, sendmsg = SYS_sendmsg, sendmmsg = SYS_sendmmsg,
    sched_yield = SYS_sched_yield, getrusage = SYS_getrusage,
    read = SYS_read, write = SYS_write, readv = SYS_readv, writev = SYS_writev,
    pread64 = SYS_pread64, pwrite64 = SYS_pwrite64, openat = SYS_openat, close = SYS_close,
    fsync = SYS_fsync, fdatasync = SYS_fdatasync, ioctl = SYS_ioctl, fcntl = SYS_fcntl,
    mmap = SYS_mmap, munmap = SYS_munmap, mremap = SYS_mremap, mprotect = SYS_mprotect,
    madvise = SYS_madvise, brk = SYS_brk, mlock = SYS_mlock, munlock = SYS_munlock,
    futex = SYS_futex, nanosleep = SYS_nanosleep, clock_nanosleep = SYS_clock_nanosleep,
    clock_gettime = SYS_clock_gettime, gettimeofday = SYS_gettimeofday,
    epoll_wait = SYS_epoll_wait, epoll_pwait = SYS_epoll_pwait, epoll_ctl = SYS_epoll_ctl,
    poll = SYS_poll, ppoll = SYS_ppoll, socket = SYS_socket, connect = SYS_connect,
    shutdown = SYS_shutdown, getsockopt = SYS_getsockopt, setsockopt = SYS_setsockopt,
    sigaltstack = SYS_sigaltstack, rt_sigprocmask = SYS_rt_sigprocmask, tgkill = SYS_tgkill,
    gettid = SYS_gettid, getpid = SYS_getpid, sched_getaffinity = SYS_sched_getaffinity,
    sched_setaffinity = SYS_sched_setaffinity, getrandom = SYS_getrandom, exit = SYS_exit,
    exit_group = SYS_exit_group, rseq = SYS_rseq, prctl = SYS_prctl,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(counted: Counted, body: impl FnOnce(&Watch) + Send + 'static) -> ThreadCalls {
        let (watch, watching) = Watch::start(counted, 2).unwrap();
        let thread = std::thread::spawn(move || {
            watch.enter("test").unwrap();
            body(&watch);
        });
        thread.join().unwrap();
        let mut seen = watching.finish();
        assert_eq!(seen.len(), 1, "one thread entered, one place stayed free");
        seen.remove(0)
    }

    fn calls(seen: &ThreadCalls, number: i64) -> Calls {
        seen.calls.get(&(number as i32)).copied().unwrap_or_default()
    }

    /// Goal: what a hot thread may call is not counted, anything else is, by name and by window.
    /// Method: a thread that yields and asks for its priority before, in and after a window.
    #[test]
    fn only_what_is_not_allowed_is_counted() {
        let seen = watched(Counted::Others, |watch| {
            for times in [1, 2, 3] {
                (0..1_000).for_each(|_| rustix::thread::sched_yield());
                let ask = || rustix::process::getpriority_process(None).unwrap();
                (0..times).for_each(|_| assert!(ask() < 20));
                let _ = crate::pin::usage();
                watch.edge("test");
            }
        });
        assert_eq!((seen.thread.as_str(), seen.edges), ("test", 3));
        assert_eq!(calls(&seen, libc::SYS_sched_yield), Calls::default());
        let asked = calls(&seen, libc::SYS_getpriority);
        assert_eq!((asked.before, asked.inside, asked.after), (1, 2, 3));
        assert_eq!(seen.inside(), 2);
    }

    /// Goal: with everything counted, the number of calls is the number made.
    #[test]
    fn every_call_is_counted_when_asked() {
        let seen = watched(Counted::Every, |watch| {
            watch.edge("test");
            (0..100).for_each(|_| rustix::thread::sched_yield());
        });
        assert_eq!(calls(&seen, libc::SYS_sched_yield).inside, 100);
        assert_eq!(call_name(libc::SYS_sched_yield as i32), "sched_yield");
    }

    /// Goal: a watch that has ended leaves no thread held for ever.
    #[test]
    fn nobody_enters_a_watch_that_has_ended() {
        let (watch, watching) = Watch::start(Counted::Others, 1).unwrap();
        assert!(watching.finish().is_empty());
        assert_eq!(watch.enter("late"), Err(Refusal::Watch));
    }
}
