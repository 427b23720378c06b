//! Violations to commit on every turn of a hot thread, one per hot-path rule. Only in a build with
//! the feature `planted`, which no product has.

use std::env;
use std::error::Error;

use engine::pipeline::live::Options;

/// Adds the violation that `WIRELANE_PLANT` asks for.
pub(crate) fn into(options: Options) -> Result<Options, Box<dyn Error>> {
    match env::var("WIRELANE_PLANT").as_deref() {
        Err(_) | Ok("") => Ok(options),
        #[cfg(feature = "planted")]
        Ok(name) => Ok(Options { plant: Some(committed::by_name(name)?), ..options }),
        #[cfg(not(feature = "planted"))]
        Ok(name) => Err(format!("{name}: no plants in a build without --features planted").into()),
    }
}

#[cfg(feature = "planted")]
mod committed {
    #![expect(unsafe_code, reason = "madvise takes a pointer")]

    use std::error::Error;
    use std::hint::black_box;
    use std::io::{Write, stderr};
    use std::sync::atomic::{AtomicU8, Ordering};
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
    struct Page([AtomicU8; 4096]);

    static PAGE: Page = Page([const { AtomicU8::new(0) }; 4096]);

    /// Gives a page back and touches it.
    fn fault() {
        let start = (&raw const PAGE).cast_mut().cast();
        // SAFETY: the page is whole and nobody's but this function's; zeros are valid for it.
        unsafe { libc::madvise(start, 4096, libc::MADV_DONTNEED_LOCKED) };
        PAGE.0[0].store(1, Ordering::Relaxed);
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
        let _ = stderr().write(b"");
    }
}
