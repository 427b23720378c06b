//! `wirelane services`: the slow path as a process of its own.

use crate::failure::{Failure, Outcome};
use crate::hdr::wall;
use crate::number::span;
use crate::place::DirArg;
use crate::signals;
use crate::stdout::Out;
use ::services::{Follower, Tally};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time between two looks that found nothing.
const LOOK: Duration = Duration::from_millis(10);
/// Records a look takes before it says how far it is.
const BATCH: usize = 65_536;
/// Time between two saves of the cursor.
const SAVE: Duration = Duration::from_secs(1);

/// Whom to follow.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    dir: DirArg,
    /// File of the durable cursor; without it, `services.cursor` in the engine's directory
    #[arg(long)]
    cursor: Option<PathBuf>,
    /// Seconds between two lines of counters; 0: only one at the end
    #[arg(long, default_value_t = 5)]
    every: u64,
    /// End when the engine has closed its session and all of it was read
    #[arg(long)]
    until_closed: bool,
    /// End when standard input does: whoever started this is gone
    #[arg(long, hide = true)]
    stdin_eof: bool,
}

impl Args {
    /// Follows the journal until told to stop.
    pub(crate) fn run(&self) -> Outcome {
        let place = self.dir.place()?;
        let stop = signals::stop()?;
        if self.stdin_eof {
            stop_with_stdin(Arc::clone(&stop))?;
        }
        let cursor = self.cursor.clone().unwrap_or_else(|| place.dir().join("services.cursor"));
        let mut follower = Follower::open(place.dir(), &cursor).map_err(Failure::not_done)?;
        let (mut tally, mut out) = (Tally::default(), Out::stdout());
        let every = Duration::from_secs(self.every);
        let (mut told, mut saved) = (Instant::now(), Instant::now());
        loop {
            let take = |taken: &::services::Taken<'_>| tally.count(taken);
            let mut take = take;
            let turn = follower.turn(BATCH, &mut take).map_err(Failure::unsound)?;
            // ORDERING: Relaxed: a lone flag.
            let stopped = stop.load(Ordering::Relaxed) && !turn.behind;
            let over = stopped || self.until_closed && turn.closed;
            if over || saved.elapsed() >= SAVE {
                follower.save().map_err(Failure::not_done)?;
                saved = Instant::now();
            }
            if over || !every.is_zero() && told.elapsed() >= every {
                let lag =
                    if turn.behind { span(follower.since_last(wall()).0) } else { "0 ns".into() };
                let epoch = follower.epoch().map_or("-".to_owned(), |epoch| epoch.to_string());
                out.line(&format!("services: epoch={epoch} lag={lag} {tally}"))?;
                out.flush()?;
                told = Instant::now();
            }
            if over {
                return Ok(());
            }
            if turn.records == 0 && !turn.behind {
                std::thread::sleep(LOOK);
            }
        }
    }
}

fn stop_with_stdin(stop: Arc<AtomicBool>) -> Outcome {
    let watch = move || {
        let mut bytes = [0; 64];
        // Anything but more bytes is the end.
        while matches!(std::io::stdin().read(&mut bytes), Ok(count) if count > 0) {}
        // ORDERING: Relaxed: a lone flag.
        stop.store(true, Ordering::Relaxed);
    };
    let made = std::thread::Builder::new().name("stdin".to_owned()).spawn(watch);
    made.map(drop).map_err(|error| Failure::not_done(format!("a thread: {error}")))
}
