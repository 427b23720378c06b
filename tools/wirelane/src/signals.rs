//! Signals as flags, and what an engine makes of them.

use crate::failure::{Failure, Outcome};
use engine::control::StopFlag;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that SIGINT and SIGTERM raise; a second one ends the process as if nobody had listened.
pub(crate) fn stop() -> Outcome<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second signal finds the flag up.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
            .map_err(|error| Failure::not_done(format!("signal {signal}: {error}")))?;
    }
    Ok(flag)
}

/// A write beyond the limit of file sizes (`ulimit -f`) is an error that is told, and does not end
/// the process.
pub(crate) fn refuse_long_files() -> Outcome {
    let unheard = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGXFSZ, unheard)
        .map(drop)
        .map_err(|error| Failure::not_done(format!("signal {SIGXFSZ}: {error}")))
}

/// Lets SIGINT and SIGTERM stop an engine in order, and SIGUSR1 kill its trading; SIGUSR2, which
/// would end the process, does nothing. A thread of its
/// own hears them, so that nothing but a flag is touched.
pub(crate) fn drive(flag: StopFlag) -> Outcome {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGUSR1, SIGUSR2])
        .map_err(|error| Failure::not_done(format!("signals: {error}")))?;
    let hear = move || {
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => flag.kill(),
                SIGUSR2 => {}
                _ => flag.stop(),
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(hear)
        .map(drop)
        .map_err(|error| Failure::not_done(format!("a thread for signals: {error}")))
}
