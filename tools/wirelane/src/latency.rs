//! `wirelane latency` behind its arguments: one table, a table each second, percentile text, a log.

use crate::failure::{Failure, Outcome};
use crate::hdr::{self, IntervalLog};
use crate::liveness::Liveness;
use crate::place::Place;
use crate::stage_latency::StageLatency;
use crate::stdout::Out;
use shm::region::RegionReader;
use shm::units::Nanos;
use std::fs::File;
use std::io::{BufWriter, IsTerminal as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Time between two tables, and length of a log's interval.
const INTERVAL: Duration = Duration::from_secs(1);
/// Moves the cursor home and clears the screen. Source: ECMA-48, CUP and ED.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Writes the percentile text of each stage, or of one.
pub(crate) fn percentiles(region: &RegionReader, stage: Option<&str>) -> Outcome {
    let stages = StageLatency::read(region);
    let mut out = Out::stdout();
    let wanted: Vec<&str> = match stage {
        None => stages.names(),
        Some(name) if stages.0.contains_key(name) => vec![name],
        Some(name) => {
            return Err(Failure::not_there(format!("no stage is named {name}"))
                .remedy(format!("there are: {}", stages.names().join(", "))));
        }
    };
    for name in &wanted {
        let Some(snapshot) = stages.0.get(*name) else { continue };
        let histogram = hdr::rebuild(snapshot).map_err(Failure::not_done)?;
        if wanted.len() > 1 {
            out.line(&format!("#[Stage   = {name}, values in ns]"))?;
        }
        out.text(&hdr::percentile_text(&histogram))?;
    }
    out.flush()
}

/// What is written how often.
pub(crate) struct Watch<'a> {
    /// Show a table each interval, else once at the end.
    pub(crate) tables: bool,
    /// Write a log of the intervals here.
    pub(crate) log: Option<&'a Path>,
    /// Raised by a signal.
    pub(crate) stop: &'a AtomicBool,
}

impl Watch<'_> {
    /// Looks at the region each second until its engine is gone or a signal came. The last interval
    /// ends with the engine, however late it is looked at.
    pub(crate) fn run(&self, region: &RegionReader, place: &Place) -> Outcome {
        let mut log = self.log.map(|path| open_log(path, region)).transpose()?;
        let mut out = Out::stdout();
        let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
        // The first interval of a log is everything before the first look.
        let (mut before, mut from) = (StageLatency::default(), region.start());
        loop {
            // In this order: what an engine that is gone has counted is all there.
            let life = Liveness::of(region, place);
            let now = StageLatency::read(region);
            let at = life.until(hdr::wall()).max(from);
            let interval = now.since(&before);
            if let Some(log) = &mut log {
                log.write(&interval, from, at).map_err(Failure::not_done)?;
            }
            if self.tables {
                let length = Duration::from_nanos(at.0.saturating_sub(from.0));
                out.line(&format!("{clear}last {:.1} s", length.as_secs_f64()))?;
                out.text(&interval.table())?;
                out.line("\nsince the start")?;
                out.text(&now.table())?;
                out.flush()?;
            }
            (before, from) = (now, at);
            // ORDERING: Relaxed: a lone flag.
            let told = self.stop.load(Ordering::Relaxed);
            if life.is_over() {
                let words = life.words(region.start(), at);
                if let Some(log) = &mut log {
                    log.remark(&format!("engine {words}")).map_err(Failure::not_done)?;
                }
                out.line(&format!("epoch {}, engine {words}", region.epoch()))?;
            }
            if told || life.is_over() || out.is_closed() {
                return out.flush();
            }
            std::thread::sleep(INTERVAL);
        }
    }
}

fn open_log(path: &Path, region: &RegionReader) -> Outcome<IntervalLog<BufWriter<File>>> {
    let failed = |error| Failure::not_done(format!("{}: {error}", path.display()));
    let file = File::create(path).map_err(failed)?;
    IntervalLog::begin(BufWriter::new(file), Nanos(region.start().0)).map_err(failed)
}
