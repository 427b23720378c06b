//! One run: start, warm up, measure, stop, tell.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use engine::config::Sources;
use engine::pin::watch::{Counted, Watch, call_name};
use engine::pipeline::hot::PhaseOf;
use engine::pipeline::live::{self, Options, Running};
use shm::region::{RegionError, RegionReader};

use crate::{allocation, plant};

/// From the start of the threads to the window.
const WARM: Duration = Duration::from_secs(2);
/// Longest wait for a thread to see where the window begins or ends.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between the end of a thread's window and its counts.
const PUBLISH: Duration = Duration::from_millis(200);
/// Hot threads of the widest layout, and room.
const THREADS: usize = 16;

/// What the command line asks for.
pub(crate) struct Asked<'a> {
    pub(crate) dir: &'a str,
    pub(crate) layout: &'a str,
    pub(crate) seconds: f64,
    /// Count every call, not only those a hot thread has no business making.
    pub(crate) every: bool,
    pub(crate) sets: &'a [String],
}

pub(crate) fn run(asked: &Asked) -> Result<(), Box<dyn Error>> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/demo.toml");
    let mut sources = Sources::read(&config).map_err(|report| report.to_string())?;
    sources.layout = Some(asked.layout.to_owned());
    sources.sets.push(format!("engine.dir={}", asked.dir));
    sources.sets.extend_from_slice(asked.sets);
    let (loaded, instruments, bound) =
        sources.load_and_bind().map_err(|report| report.to_string())?;
    let counted = if asked.every { Counted::Every } else { Counted::Others };
    let (watch, watching) = Watch::start(counted, THREADS)?;
    let watch: &'static Watch = Box::leak(Box::new(watch));
    let options = plant::into(Options {
        allocations: Some(allocation::count),
        watch: Some(watch),
        arm: true,
        ..Options::default()
    })?;
    let began = Instant::now();
    let running = live::start(&loaded, instruments, &bound, options)?;
    let start = began.elapsed();
    sleep(WARM);
    let region = running.region()?;
    let up = counter(&region, "gateway:ouch.session_up")?;
    let before = marks(&running, &region)?;
    running.phase().set(PhaseOf::Window);
    wait_for_edge(&running, watch, 1)?;
    sleep(Duration::from_secs_f64(asked.seconds));
    running.phase().set(PhaseOf::After);
    let after = marks(&running, &region)?;
    wait_for_edge(&running, watch, 2)?;
    sleep(PUBLISH);

    let mut out = stdout().lock();
    writeln!(
        out,
        "engine start_ms={} session_up={up} orders={} fills={} messages={}",
        start.as_millis(),
        counter(&region, "gateway:ouch.sent_new")?,
        counter(&region, "gateway:ouch.fills")?,
        counter(&region, "feed:itch.messages")?,
    )?;
    for note in running.notes() {
        writeln!(out, "note {note}")?;
    }
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        let meter = |what: &str| counter(&region, &format!("thread:{name}.{what}"));
        let [polls, busy, yields] = [0, 1, 2].map(|at| after[at] - before[at]);
        writeln!(
            out,
            "thread name={name} window={} polls={polls} busy={busy} yields={yields} \
             allocations={} page_faults={} voluntary={} involuntary={} gap_max={}",
            meter("window")?,
            meter("allocations")?,
            meter("page_faults")?,
            meter("voluntary_switches")?,
            meter("involuntary_switches")?,
            region.histogram(&format!("thread:{name}.gap"))?.snapshot().max().unwrap_or(0),
        )?;
    }
    running.stop_flag().stop();
    running.wait().archive?;
    for thread in watching.finish() {
        writeln!(out, "watched name={} edges={}", thread.thread, thread.edges)?;
        for (number, calls) in &thread.calls {
            let (name, call) = (&thread.thread, call_name(*number));
            let [before, inside, after] = [calls.before, calls.inside, calls.after];
            writeln!(
                out,
                "call name={name} call={call} before={before} inside={inside} after={after}"
            )?;
        }
    }
    writeln!(out, "done")?;
    Ok(())
}

fn counter(region: &RegionReader, label: &str) -> Result<u64, RegionError> {
    Ok(region.counter(label)?.get())
}

/// By hot thread: turns, turns with work, times the core was given away.
fn marks(running: &Running, region: &RegionReader) -> Result<Vec<(String, [u64; 3])>, RegionError> {
    let mut marks = Vec::new();
    for row in &running.plan().threads {
        let meter = |what: &str| counter(region, &format!("thread:{}.{what}", row.name));
        let three = [meter("polls")?, meter("busy_polls")?, meter("yields")?];
        marks.push((row.name.to_string(), three));
    }
    Ok(marks)
}

/// Waits until every hot thread has begun (1) or ended (2) its window.
fn wait_for_edge(running: &Running, watch: &Watch, edge: u64) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    for row in &running.plan().threads {
        while watch.edges(&row.name) < edge {
            if began.elapsed() > PATIENCE {
                return Err(format!("thread {} has not passed edge {edge}", row.name).into());
            }
            sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}
