//! The bus beside a store, and the store of a desk, which is behind one.

use super::{LOOK, stop_signal};
use crate::failure::{Failure, Outcome};
use crate::number::grouped;
use crate::stdout::Out;
use ::services::bus::{BusSettings, Desk, DeskProgress, Progress, Publisher};
use ::services::config::Config;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest wait at the end for what was not acknowledged yet.
const PATIENCE: Duration = Duration::from_secs(5);

/// A publisher, where one is configured.
#[derive(Debug)]
pub(super) struct Bus(Option<Publisher>);

impl Bus {
    /// Starts it.
    pub(super) fn start(dir: &Path, bus: Option<BusSettings>) -> Outcome<Self> {
        let Some(bus) = bus else { return Ok(Self(None)) };
        let Some(engine) = bus.engine.clone() else {
            return Err(Failure::configuration("bus.engine: the bus needs a name of this engine")
                .remedy("write engine = \"NAME\" under [bus], another one for each engine"));
        };
        let publisher = Publisher::start(dir, bus, engine).map_err(Failure::not_done)?;
        Ok(Self(Some(publisher)))
    }

    /// How far it is, in a line.
    pub(super) fn line(&self) -> Option<String> {
        self.0.as_ref().map(|publisher| line(&publisher.progress()))
    }

    /// Ends it, once everything is published or after some seconds: how far it came.
    pub(super) fn stop(self) -> Option<String> {
        self.0.map(|publisher| line(&publisher.stop(PATIENCE)))
    }
}

fn line(progress: &Progress) -> String {
    let Progress { records, messages, failures, waits, epoch, is_level } = progress;
    let epoch = epoch.map_or("-".to_owned(), |epoch| epoch.to_string());
    let (records, messages) = (grouped(*records), grouped(*messages));
    let level = if *is_level { "all of the journal" } else { "more to come" };
    let mut line = format!("bus: epoch {epoch}: {records} records in {messages} messages, {level}");
    with_failures(&mut line, *failures, waits.as_ref());
    line
}

fn with_failures(line: &mut String, failures: u64, waits: Option<&String>) {
    if failures > 0 {
        line.push_str(&format!(", {} tries failed", grouped(failures)));
    }
    if let Some(why) = waits {
        line.push_str(&format!("; it waits: {why}"));
    }
}

/// Fills the store of a desk until told to stop.
pub(super) fn desk(config: Config, every: Duration, stdin_eof: bool) -> Outcome {
    let Some(bus) = config.bus else {
        return Err(Failure::configuration("a desk reads from a bus").remedy("give --from URL"));
    };
    let stop = stop_signal(stdin_eof)?;
    let mut desk = Desk::start(bus, config.store).map_err(Failure::not_done)?;
    let mut out = Out::stdout();
    let mut told = Instant::now();
    loop {
        let found = desk.turn().map_err(Failure::not_done)?;
        // ORDERING: Relaxed: a lone flag.
        let over = stop.load(Ordering::Relaxed);
        if over {
            desk.flush().map_err(Failure::not_done)?;
        }
        if over || !every.is_zero() && told.elapsed() >= every {
            out.line(&desk_line(desk.progress()))?;
            out.flush()?;
            told = Instant::now();
        }
        if over {
            return Ok(());
        }
        if !found {
            std::thread::sleep(LOOK);
        }
    }
}

fn desk_line(progress: &DeskProgress) -> String {
    let level = progress.engines.values().filter(|(is_level, _)| *is_level).count();
    let mut line = format!(
        "desk: {} records into {} rows; {} of {} engines read to their end",
        grouped(progress.records),
        grouped(progress.rows),
        level,
        progress.engines.len()
    );
    for (engine, (_, gone)) in progress.engines.iter().filter(|(_, (_, gone))| *gone > 0) {
        line.push_str(&format!("; {} messages of {engine} were gone", grouped(*gone)));
    }
    with_failures(&mut line, progress.failures, progress.waits.as_ref());
    line
}
