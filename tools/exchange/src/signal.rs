//! The wish to stop, as a signal or as the end of standard input.
#![expect(unsafe_code, reason = "a signal handler, which only libc can set")]

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by SIGTERM and SIGINT, and by the end of standard input.
static STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn on_signal(_signal: libc::c_int) {
    // ORDERING: Relaxed; no other data hangs on the wish to stop.
    STOP.store(true, Ordering::Relaxed);
}

/// Lets SIGTERM and SIGINT set the flag instead of ending the process, and returns the flag.
pub(crate) fn stop_on_signals() -> &'static AtomicBool {
    let handler: extern "C" fn(libc::c_int) = on_signal;
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // SAFETY: the handler does one atomic store, which is safe inside a signal handler, and it
        // lives as long as the process.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
    &STOP
}

/// Sets the flag when standard input ends: the parent that held its other end is gone.
///
/// # Errors
/// When the thread cannot be started.
pub(crate) fn stop_on_stdin_eof() -> std::io::Result<()> {
    let watch = || {
        let mut input = std::io::stdin().lock();
        let mut bytes = [0; 256];
        loop {
            match input.read(&mut bytes) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        // ORDERING: Relaxed; no other data hangs on the wish to stop.
        STOP.store(true, Ordering::Relaxed);
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(watch).map(drop)
}
