//! `wirelane demo`: what `cargo run --release` does.

use crate::commands::engine::{self, SourceArgs};
use crate::demo::gather::Run;
use crate::demo::input::Symbols;
use crate::demo::report::{self, Report};
use crate::demo::settings::{self, PASSWORD_VARIABLE};
use crate::demo::venue::{Play, Venue};
use crate::demo::{folder, text};
use crate::failure::{Failure, Outcome};
use crate::meters::Meters;
use crate::place::Place;
use crate::program;
use crate::signals;
use crate::stage_latency::StageLatency;
use crate::stdout;
use ::engine::pin::watch::{Counted, Watch, Watching};
use ::engine::pipeline::hot::PhaseOf;
use ::engine::pipeline::live::{Options, Running};
use exchange::options::Speed;
use shm::region::RegionReader;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Messages a second of the generated flow at speed 1.
const RATE: u64 = 70_000;
/// Longest warm-up.
const WARM_UP: Duration = Duration::from_secs(2);
/// A recording that plays shorter than this is measured whole, without a warm-up.
const SHORT: Duration = Duration::from_millis(2_500);
/// Longest wait for the first market data.
const FIRST_DATA: Duration = Duration::from_secs(10);
/// A recording is over when no message came for this long.
const SILENCE: Duration = Duration::from_secs(2);
/// Hot threads that can be watched: more than any ready-made layout has.
const HOT_THREADS_MAX: usize = 32;
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// How to run it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// A recording for the exchange to play: BinaryFILE, pcap or LOBSTER messages
    #[arg(long)]
    input: Option<PathBuf>,
    /// Pace: a multiple of the recorded (or generated) one, or max
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// Seconds of trading, warm-up included
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=3_600))]
    seconds: u64,
    #[command(flatten)]
    source: SourceArgs,
    /// Seed of the exchange's flow
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the journal in this new directory; without it, wirelane-demo, replaced by each run
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Write the report as JSON
    #[arg(long)]
    report: Option<PathBuf>,
    /// Print the JSON schema of the report, and run nothing
    #[arg(long)]
    report_schema: bool,
}

/// The watch over the hot threads' system calls.
struct Watched {
    by_threads: &'static Watch,
    thread: Watching,
}

impl Watched {
    fn start() -> Outcome<Self> {
        let (watch, thread) = Watch::start(Counted::Others, HOT_THREADS_MAX)
            .map_err(|error| Failure::not_done(format!("a thread for the watch: {error}")))?;
        // One of a run, which is one of a process: kept until its end.
        Ok(Self { by_threads: Box::leak(Box::new(watch)), thread })
    }
}

/// What was measured while the engine ran.
struct Measured {
    trading: Duration,
    window: Duration,
    latency: StageLatency,
}

impl Args {
    /// Runs it, and says what it came to.
    pub(crate) fn run(&self) -> Outcome {
        if self.report_schema {
            let schema =
                serde_json::to_string_pretty(&report::schema()).map_err(Failure::not_done)?;
            return stdout::print(&(schema + "\n"));
        }
        if let Some(path) = &self.report {
            // Found out now, not after the run.
            std::fs::write(path, "")
                .map_err(|error| Failure::not_done(format!("{}: {error}", path.display())))?;
        }
        let symbols = self.input.as_deref().map(Symbols::read).transpose()?;
        let folder = folder::prepare(self.dir.as_deref(), symbols.as_ref())?;
        let flow = self.flow()?;
        let password = settings::secret(PASSWORD_VARIABLE).unwrap_or_default();
        let venue = Venue::start(&Play { flow, folder: &folder, password: &password })?;
        let mut sources = settings::sources(&folder, &venue.ports, symbols.as_ref());
        self.source.apply(&mut sources);
        folder::clear_hot(&sources)?;
        let watch = Watched::start()?;
        let options = Options {
            arm: true,
            secrets: Some(settings::secret),
            watch: Some(watch.by_threads),
            ..Options::default()
        };
        let running = engine::start(&sources, options)?;
        let plays = symbols.and_then(|symbols| symbols.plays(self.speed));
        let report = self.trade(running, venue, watch, plays)?;
        self.show(&report)
    }

    /// Arguments of the exchange's flow.
    fn flow(&self) -> Outcome<Vec<String>> {
        let mut flow = vec!["--seed".to_owned(), self.seed.to_string()];
        match (&self.input, self.speed) {
            (Some(input), speed) => {
                let input = std::fs::canonicalize(input)
                    .map_err(|error| Failure::not_there(format!("{}: {error}", input.display())))?;
                flow.extend(["--input".to_owned(), input.display().to_string()]);
                flow.extend(["--speed".to_owned(), speed_text(speed)]);
            }
            (None, Speed::Max) => flow.extend(["--rate".to_owned(), "0".to_owned()]),
            (None, Speed::Times(times)) => {
                let rate = ((RATE as f64 * times) as u64).max(1);
                flow.extend(["--rate".to_owned(), rate.to_string()]);
            }
        }
        Ok(flow)
    }

    /// Lets the two trade, stops the engine first and the exchange after, and gathers the report.
    /// `plays` is the length of a recording, where it is known.
    fn trade(
        &self,
        running: Running,
        mut venue: Venue,
        watch: Watched,
        plays: Option<(Duration, usize)>,
    ) -> Outcome<Report> {
        let warm_up = warm_up(plays);
        if warm_up.is_zero() {
            // Before the data: the exchange waits for the login, and a moment more.
            running.phase().set(PhaseOf::Window);
        }
        let stop = signals::stop()?;
        let place = Place::open(running.dir())?;
        let region = running.region().map_err(Failure::not_done)?;
        let layout = running.plan().placement.name();
        let mut notes = notes_of(&running);
        stdout::print(&format!(
            "engine armed by the demonstration: layout {layout}, {} s of trading; watch it with\n  \
             {} top --dir {}\n",
            self.seconds,
            program::name(),
            program::quoted(place.dir().display())
        ))?;
        notes.extend(plays.filter(|_| warm_up.is_zero()).map(|(lasts, messages)| {
            format!(
                "the recording is short ({messages} messages, {:.3} s at this speed): no warm-up, the \
                 window holds all of it, caches cold; --speed plays it slower",
                lasts.as_secs_f64()
            )
        }));
        let measured = self.measure(&running, &region, &mut venue, &stop, warm_up)?;
        let (epoch, hot_dir) = (running.epoch(), running.hot_dir().to_path_buf());
        running.stop_flag().stop();
        let finished = running.wait();
        if let Err(error) = &finished.archive {
            notes.push(format!("the journal was not archived whole: {error}"));
        } else if hot_dir != place.dir() {
            folder::release_memory(&hot_dir)?;
        }
        let meters = Meters::read(&region);
        let calls = watch.thread.finish();
        let summary = venue.end()?;
        Run {
            place: &place,
            epoch,
            seed: self.seed,
            layout,
            trading: measured.trading,
            window: measured.window,
            meters: &meters,
            calls: &calls,
            latency: &measured.latency,
            positions: &finished.positions,
            summary: &summary,
            notes,
        }
        .report()
    }

    /// Waits for market data, warms up, measures.
    fn measure(
        &self,
        running: &Running,
        region: &RegionReader,
        venue: &mut Venue,
        stop: &AtomicBool,
        warm_up: Duration,
    ) -> Outcome<Measured> {
        let mut before = StageLatency::read(region);
        let mut opened = Instant::now();
        let messages = || Meters::read(region).sum("feed", "messages");
        let asked = Instant::now();
        while messages() == 0 {
            if venue.has_ended() || asked.elapsed() > FIRST_DATA {
                return Err(Failure::not_done("no market data came from the exchange"));
            }
            std::thread::sleep(LOOK);
        }
        let begun = Instant::now();
        let whole = Duration::from_secs(self.seconds);
        let mut last = (messages(), Instant::now());
        // True when it is time; also when the recording is over or a signal came.
        let mut wait_until = |at: Duration| {
            while begun.elapsed() < at {
                let now = messages();
                if now != last.0 {
                    last = (now, Instant::now());
                }
                let silent = self.input.is_some() && last.1.elapsed() > SILENCE;
                // ORDERING: Relaxed: a lone flag.
                if silent || stop.load(Ordering::Relaxed) || venue.has_ended() {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        };
        if !warm_up.is_zero() {
            wait_until(warm_up.min(whole / 5));
            before = StageLatency::read(region);
            running.phase().set(PhaseOf::Window);
            opened = Instant::now();
        }
        wait_until(whole);
        running.phase().set(PhaseOf::After);
        let latency = StageLatency::read(region).since(&before);
        Ok(Measured { trading: begun.elapsed(), window: opened.elapsed(), latency })
    }

    /// Prints the report, writes it if asked to, and fails where a check decides.
    fn show(&self, report: &Report) -> Outcome {
        stdout::print(&format!("{}{}", text::of(report), text::further(report)))?;
        if let Some(path) = &self.report {
            let json = serde_json::to_string_pretty(report).map_err(Failure::not_done)?;
            std::fs::write(path, json + "\n")
                .map_err(|error| Failure::not_done(format!("{}: {error}", path.display())))?;
        }
        let wrong: Vec<&str> = report
            .checks
            .iter()
            .filter(|check| check.condemns())
            .map(|check| check.text.as_str())
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Failure::unsound(format!("the run is not right: {}", wrong.join("; "))))
    }
}

/// What the start said and is still so when the report is read: the run is over, and trading is on
/// no more.
fn notes_of(running: &Running) -> Vec<String> {
    let lasts = |note: &&String| !note.starts_with("trading is on");
    running.notes().iter().filter(lasts).cloned().collect()
}

/// Time of a play, if it is known, that is not measured. Zero: the play is measured whole.
fn warm_up(plays: Option<(Duration, usize)>) -> Duration {
    match plays {
        Some((lasts, _)) if lasts < SHORT => Duration::ZERO,
        Some((lasts, _)) => WARM_UP.min(lasts / 5),
        None => WARM_UP,
    }
}

fn speed_text(speed: Speed) -> String {
    match speed {
        Speed::Max => "max".to_owned(),
        Speed::Times(times) => times.to_string(),
    }
}
