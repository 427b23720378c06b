//! Violations to commit on every turn of a hot thread, one per hot-path rule. Only in a build with
//! the feature `planted`, which no product has.

use std::env;
use std::error::Error;

/// What `WIRELANE_PLANT` asks for.
pub(crate) fn asked() -> Result<Option<fn()>, Box<dyn Error>> {
    let Ok(name) = env::var("WIRELANE_PLANT") else { return Ok(None) };
    match name.as_str() {
        "" => Ok(None),
        #[cfg(feature = "planted")]
        name => committed::by_name(name).map(Some),
        #[cfg(not(feature = "planted"))]
        name => Err(format!("{name}: this build has no plants: give it --features planted").into()),
    }
}

#[cfg(feature = "planted")]
mod committed {
    #![expect(unsafe_code, reason = "madvise takes a pointer")]

    use std::cell::RefCell;
    use std::error::Error;
    use std::hint::black_box;
    use std::sync::{Mutex, OnceLock};
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::event::{Timespec, epoll};
    use rustix::fd::OwnedFd;

    pub(super) fn by_name(name: &str) -> Result<fn(), Box<dyn Error>> {
        match name {
            "alloc" => Ok(alloc),
            "fault" => Ok(fault),
            "lock" => {
                thread::Builder::new().spawn(hold_the_lock)?;
                Ok(lock)
            }
            "clock" => Ok(clock),
            "epoll" => {
                let _ = EPOLL.set(epoll::create(epoll::CreateFlags::CLOEXEC)?);
                Ok(wait)
            }
            "sleep" => Ok(sleep),
            "write" => Ok(write),
            _ => Err(format!("{name}: no such plant").into()),
        }
    }

    fn alloc() {
        drop(black_box(Box::new(0_u64)));
    }

    #[repr(align(4096))]
    struct Page([u8; 4096]);

    thread_local! {
        static PAGE: RefCell<Page> = const { RefCell::new(Page([0; 4096])) };
    }

    /// Gives a page back and touches it.
    fn fault() {
        PAGE.with_borrow_mut(|page| {
            let start = (&raw mut page.0).cast();
            // SAFETY: the page is this thread's own and aligned; its new content, zeros, is valid.
            unsafe { libc::madvise(start, 4096, libc::MADV_DONTNEED_LOCKED) };
            page.0[0] = black_box(1);
        });
    }

    static LOCK: Mutex<u64> = Mutex::new(0);

    fn hold_the_lock() {
        loop {
            let held = LOCK.lock();
            thread::sleep(Duration::from_millis(1));
            drop(held);
            thread::yield_now();
        }
    }

    fn lock() {
        if let Ok(mut turns) = LOCK.lock() {
            *turns += 1;
        }
    }

    fn clock() {
        let _ = black_box(Instant::now());
    }

    static EPOLL: OnceLock<OwnedFd> = OnceLock::new();

    fn wait() {
        let Some(fd) = EPOLL.get() else { return };
        let mut ready = [const { std::mem::MaybeUninit::uninit() }; 1];
        let _ = epoll::wait(fd, &mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    }

    fn sleep() {
        thread::sleep(Duration::from_nanos(1));
    }

    /// A write to a file: a call that only sockets are allowed, by its name.
    fn write() {
        let _ = rustix::io::write(rustix::stdio::stderr(), b"");
    }
}
