//! `wirelane services`: the slow path as a process of its own, beside an engine or behind a bus.

#[cfg(feature = "nats")]
mod bus;
#[cfg(not(feature = "nats"))]
#[path = "services/no_bus.rs"]
mod bus;

use super::cache;
use crate::failure::{Failure, Outcome};
use crate::hdr::wall;
use crate::number::{grouped, span};
use crate::place::DirArg;
use crate::signals;
use crate::stdout::Out;
use ::services::config::Config;
use ::services::reads::{Desk, Reads};
use ::services::store::StoreService;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time between two looks that found nothing.
const LOOK: Duration = Duration::from_millis(10);

/// Whom to follow.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    dir: DirArg,
    /// Configuration of the services; without it, `services.toml` in the engine's directory, and
    /// without that, a SQLite file `store.db` there
    #[arg(long)]
    config: Option<PathBuf>,
    /// Seconds between two lines on how far it is; 0: only one at the end
    #[arg(long, default_value_t = 60)]
    every: u64,
    /// End when the engine has closed its session and all of it was read
    #[arg(long, conflicts_with = "from")]
    until_closed: bool,
    /// Read the streams of all engines from this NATS server (nats://HOST:PORT) in place of an
    /// engine's journal: the store of a desk, in the directory that --dir names
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// End when standard input does: whoever started this is gone
    #[arg(long, hide = true)]
    stdin_eof: bool,
}

impl Args {
    /// Follows the journal until told to stop.
    pub(crate) fn run(&self) -> Outcome {
        let place = self.dir.place()?;
        let (path, url) = (self.config.as_deref(), self.from.as_deref());
        let config = Config::load_from(path, place.dir(), url).map_err(Failure::configuration)?;
        let every = Duration::from_secs(self.every);
        if self.from.is_some() {
            return bus::desk(config, every, self.stdin_eof);
        }
        let stop = stop_signal(self.stdin_eof)?;
        let bus = bus::Bus::start(place.dir(), config.bus.clone())?;
        let mut store =
            StoreService::start(place.dir(), config.store.clone()).map_err(Failure::not_done)?;
        let reads = Arc::new(cache::reads(&config)?);
        let mut out = Out::stdout();
        let _desk = match Desk::open(place.dir(), Arc::clone(&reads)) {
            Ok(desk) => Some(desk),
            // Nobody can ask; the store is written all the same.
            Err(error) => {
                out.line(&format!("services: `wirelane cache` finds no answer here: {error}"))?;
                None
            }
        };
        let mut told = Instant::now();
        loop {
            let turn = store.turn().map_err(Failure::not_done)?;
            // ORDERING: Relaxed: a lone flag.
            let stopped = stop.load(Ordering::Relaxed) && !turn.behind;
            let over = stopped || self.until_closed && turn.closed;
            if over {
                store.flush().map_err(Failure::not_done)?;
            }
            let touched = store.take_touched();
            if !touched.is_empty() {
                reads.forget(&touched);
            }
            if over || !every.is_zero() && told.elapsed() >= every {
                out.line(&line(&store))?;
                out.line(&kept(&reads))?;
                if let Some(line) = bus.line().filter(|_| !over) {
                    out.line(&line)?;
                }
                if over {
                    out.line(&format!("services: read {}", store.tally()))?;
                }
                out.flush()?;
                told = Instant::now();
            }
            if over {
                if let Some(line) = bus.stop() {
                    out.line(&line)?;
                }
                return out.flush();
            }
            if turn.records == 0 && !turn.behind {
                std::thread::sleep(LOOK);
            }
        }
    }
}

/// The configuration of the services of an engine.
pub(crate) fn config(path: Option<&Path>, dir: &Path) -> Outcome<Config> {
    Config::load(path, dir).map_err(Failure::configuration)
}

/// What says that the process is to end: a signal, and, where asked for, the end of its input.
fn stop_signal(stdin_eof: bool) -> Outcome<Arc<AtomicBool>> {
    let stop = signals::stop()?;
    if stdin_eof {
        stop_with_stdin(Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// How far the store is, in a line.
fn line(store: &StoreService) -> String {
    let progress = store.progress();
    let epoch = progress.epoch.map_or("-".to_owned(), |epoch| epoch.to_string());
    let lag = match store.lag(wall()).map(|lag| lag.0) {
        None => "unknown how far".to_owned(),
        Some(0) => "0 ns".to_owned(),
        Some(lag) => span(lag),
    };
    let mut line = format!(
        "services: epoch {epoch}: {} records into {} rows, {lag} behind",
        grouped(progress.records),
        grouped(progress.rows)
    );
    if progress.failures > 0 {
        line.push_str(&format!(", {} commits failed", grouped(progress.failures)));
    }
    if progress.short > 0 {
        line.push_str(&format!(", {} records too short", grouped(progress.short)));
    }
    if progress.pruned > 0 {
        line.push_str(&format!(", {} old rows removed", grouped(progress.pruned)));
    }
    if let Some(why) = &progress.not_pruned {
        line.push_str(&format!("; old rows stay: {why}"));
    }
    if let Some(why) = &progress.audit {
        line.push_str(&format!("; {why}"));
    }
    if let Some(why) = &progress.waits {
        line.push_str(&format!("; it waits: {why}"));
    }
    line
}

/// What the cache came to, in a line.
fn kept(reads: &Reads) -> String {
    let stats = reads.stats();
    let mut line = "services: cache:".to_owned();
    for level in &stats.levels {
        let hits = grouped(level.hits);
        line.push_str(&format!(" {} {hits} of {}", level.name, grouped(level.hits + level.misses)));
        match level.breaker.as_deref() {
            None | Some("closed") => {}
            Some(state) => line.push_str(&format!(" ({state})")),
        }
        line.push(',');
    }
    line.push_str(&format!(" {} read from the database", grouped(stats.fills)));
    if stats.undelivered > 0 {
        line.push_str(&format!("; Redis is to be told of {} drops", grouped(stats.undelivered)));
    }
    line
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
