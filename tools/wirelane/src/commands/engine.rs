//! `wirelane engine`: one engine, until it is told to stop.

use crate::allocation;
use crate::failure::{Exit, Failure, Outcome};
use crate::hitches::Tale;
use crate::number::{counted, money};
use crate::program;
use crate::signals;
use crate::stdout::{self, Out};
use engine::config::machine::Machine;
use engine::config::{Sources, secret_of_environment};
use engine::pipeline::live::{self, Finished, Options, Running, StartError};
use shm::ids::ClOrdId;
use shm::printable::printable_again;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Orders named one by one at the end.
const NAMED_MAX: usize = 20;
/// Time between two looks at a running engine.
const LOOK: Duration = Duration::from_millis(100);

/// Overrides of a configuration, as every command that loads one takes them.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SourceArgs {
    /// Override a key, e.g. gateway.ouch.send.rate=500; give it again for more
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Replace the thread tables by a ready-made layout
    #[arg(long, value_parser = ["auto", "fused", "split2", "split4"])]
    pub(crate) layout: Option<String>,
}

impl SourceArgs {
    /// Lays them over a file's text.
    pub(crate) fn apply(&self, sources: &mut Sources) {
        sources.sets.extend(self.set.iter().cloned());
        sources.layout.clone_from(&self.layout);
    }
}

/// What to run.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// The configuration
    #[arg(long)]
    pub(crate) config: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

impl Args {
    /// Runs the engine until a signal, `wirelane stop`, or its own end.
    pub(crate) fn run(&self) -> Outcome {
        self.start()?.finish()
    }

    /// Starts it, says so, and what to do next.
    pub(crate) fn start(&self) -> Outcome<Started> {
        let mut sources = Sources::read(&self.config).map_err(Failure::configuration)?;
        self.source.apply(&mut sources);
        let running = start(&sources, Options::default())?;
        signals::drive(running.stop_flag())?;
        let mut out = Out::stdout();
        out.line(&format!(
            "READY epoch={} dir={} layout={}",
            running.epoch(),
            running.dir().display(),
            running.plan().placement.name()
        ))?;
        for note in running.notes() {
            out.line(&format!("  {}", printable_again(note)))?;
        }
        out.text(&next(running.dir()))?;
        out.flush()?;
        Ok(Started { running })
    }
}

/// Commands that work as they stand.
fn next(dir: &Path) -> String {
    let (program, dir) = (program::name(), program::quoted(dir.display()));
    let rows = [
        ("status", "gates and working orders"),
        ("top", "threads, books, positions, orders, latency"),
        ("arm --reason WHY", "lets trading go on where it is off"),
        ("kill", "stops trading and cancels every order"),
        ("stop", "ends the engine in order"),
    ];
    let line = |&(verb, what): &(&str, &str)| {
        let command = format!("{program} {verb} --dir {dir}");
        format!("  {command:<width$}    {what}\n", width = program.len() + dir.len() + 25)
    };
    rows.iter().map(line).collect()
}

/// A running engine whose venues may not be there yet.
pub(crate) struct Started {
    running: Running,
}

impl Started {
    /// The engine's directory.
    pub(crate) fn dir(&self) -> &Path {
        self.running.dir()
    }

    /// Waits for the engine's end, says meanwhile what keeps orders from leaving and what goes
    /// wrong with feeds, and at last what it holds.
    pub(crate) fn finish(self) -> Outcome {
        tell_hitches(&self.running);
        tell(self.running.wait())
    }
}

/// Starts an engine from a configuration's layers; its allocations are counted.
pub(crate) fn start(sources: &Sources, options: Options) -> Outcome<Running> {
    let secrets = options.secrets.unwrap_or(secret_of_environment);
    let machine = Machine::probe();
    let (loaded, instruments, bound, _) =
        sources.load_for(&machine, secrets).map_err(Failure::configuration)?;
    let options = Options { allocations: Some(allocation::count), ..options };
    live::start(&loaded, instruments, &bound, options).map_err(failure)
}

/// Says what is not as it should be, what became of kills and what the guard did, each thing once,
/// until the engine stops.
fn tell_hitches(running: &Running) {
    let (mut told, mut tale, mut heard) = (Vec::new(), Tale::default(), 0);
    let stop = running.stop_flag();
    while !running.is_stopping() {
        // A stop ends sessions itself.
        let hitches = if stop.is_stopping() { Vec::new() } else { tale.look(running.hitches()) };
        let faults = running.feed_faults().into_iter().filter(|fault| !told.contains(fault));
        let faults: Vec<String> = faults.collect();
        let news = running.news(&mut heard);
        for line in news.iter().chain(&hitches).chain(&faults) {
            // Nobody reads it any more: then there is nobody to tell.
            let _ = stdout::print(&format!("{}\n", printable_again(line)));
        }
        told.extend(faults);
        std::thread::sleep(LOOK);
    }
}

fn tell(finished: Finished) -> Outcome {
    let mut out = Out::stdout();
    out.text(&positions(&finished))?;
    out.line(&stopped(&finished.open, finished.to_guard))?;
    out.flush()?;
    finished.archive.map_err(Failure::not_done)?;
    if finished.were_to_go && !finished.open.is_empty() {
        return Err(Failure::new(
            Exit::NotConfirmed,
            "engine.on_stop is \"cancel\", and these orders were not confirmed as cancelled in time: \
             they may be open at the venue",
        )
        .remedy("ask the venue; the next start hears what became of them, and cancels the rest"));
    }
    Ok(())
}

/// What still works at the end, by its ids.
fn stopped(open: &[ClOrdId], to_guard: usize) -> String {
    let mut text = format!("stopped: {} working", counted(open.len(), "order", "orders"));
    for (at, id) in open.iter().take(NAMED_MAX).enumerate() {
        text.push_str(if at == 0 { ": " } else { " " });
        text.push_str(&id.to_string());
    }
    if let Some(more) = open.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    if to_guard > 0 {
        text.push_str(&format!(
            "; the venue has confirmed {to_guard} of them to the guard as cancelled, and the next \
             start hears it"
        ));
    }
    text
}

/// A line a position.
pub(crate) fn positions(finished: &Finished) -> String {
    let mut text = format!(
        "{:<12}{:<10}{:>10}{:>16}{:>16}{:>12}\n",
        "strategy", "symbol", "position", "realised", "unrealised", "fees"
    );
    for row in &finished.positions {
        text.push_str(&format!(
            "{:<12}{:<10}{:>10}{:>16}{:>16}{:>12}\n",
            row.strategy,
            row.symbol,
            row.position.to_string(),
            money(row.realised.0),
            money(row.unrealised.0),
            money(row.fees.0)
        ));
    }
    text
}

fn failure(error: StartError) -> Failure {
    match error {
        StartError::Plan(_)
        | StartError::Limits { .. }
        | StartError::Calendar(_)
        | StartError::Names(_)
        | StartError::OpeningTooLong => Failure::configuration(error),
        StartError::Opening(_) => Failure::unsound(error),
        StartError::Home(_)
        | StartError::Lane(_)
        | StartError::Archive(_)
        | StartError::Region(_)
        | StartError::Assemble(_)
        | StartError::Sockets(_)
        | StartError::Control { .. }
        | StartError::Thread(_) => Failure::not_done(error),
    }
}
