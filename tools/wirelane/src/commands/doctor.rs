//! `wirelane doctor`: what this machine gives an engine, and what it lacks.

use crate::commands::engine::SourceArgs;
use crate::demo::settings::{CONFIG, CONFIG_NAME};
use crate::failure::{Failure, Outcome};
use crate::stdout::Out;
use engine::config::Sources;
use engine::config::machine::Machine;
use engine::config::topology::plan;
use std::path::PathBuf;

/// For which configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration to plan for; without it, the demonstration's
    #[arg(long)]
    config: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
}

impl Args {
    /// Reads the machine; starts nothing.
    pub(crate) fn run(&self) -> Outcome {
        let machine = Machine::probe();
        let mut out = Out::stdout();
        for (name, value) in facts(&machine) {
            out.line(&format!("{name:<24}{value}"))?;
        }
        let mut sources = match &self.config {
            Some(file) => Sources::read(file).map_err(Failure::configuration)?,
            None => Sources::text(CONFIG_NAME, CONFIG),
        };
        self.source.apply(&mut sources);
        let loaded = sources.load().map_err(Failure::configuration)?;
        let plan = plan(&loaded, &machine).map_err(Failure::configuration)?;
        out.line("")?;
        out.line(&format!("layout                  {}", plan.placement.name()))?;
        for thread in &plan.threads {
            let core =
                thread.core.map_or("no core of its own".to_owned(), |core| format!("core {core}"));
            let stages: Vec<String> =
                thread.stages.iter().map(|stage| loaded.config.stage_name(*stage)).collect();
            let priority = if thread.realtime { "real-time" } else { "ordinary" };
            out.line(&format!(
                "  thread {}: {core}, {priority} priority, {}: {}",
                thread.name,
                thread.wait.name(),
                stages.join(", ")
            ))?;
        }
        out.line(&format!("helpers                 cores {}", list(&plan.helpers)))?;
        out.line(&format!(
            "live segments           in {}, {} MiB each",
            plan.hot_dir.display(),
            plan.segment_bytes >> 20
        ))?;
        out.line("")?;
        if plan.notes.is_empty() {
            out.line("the machine gives everything that is asked for")?;
        } else {
            out.line("what the machine does not give:")?;
        }
        for note in &plan.notes {
            out.line(&format!("  {note}"))?;
        }
        out.flush()
    }
}

fn facts(machine: &Machine) -> [(&'static str, String); 8] {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let allowed =
        |is: bool| if is { "may be asked for" } else { "may not be asked for" }.to_owned();
    let on = |is: bool| if is { "on" } else { "off" }.to_owned();
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    [
        ("cores", list(&machine.cores)),
        (
            "isolated cores",
            if machine.isolated.is_empty() { "none".to_owned() } else { list(&machine.isolated) },
        ),
        (
            "processor quota",
            machine.quota_milli.map_or("none".to_owned(), |milli| {
                format!("{}.{:03} cores", milli / 1_000, milli % 1_000)
            }),
        ),
        ("memory to lock", machine.memlock.map_or("without bound".to_owned(), mib)),
        ("real-time priority", allowed(machine.realtime)),
        ("real-time throttling", on(machine.rt_throttled)),
        ("invariant TSC", yes(machine.invariant_tsc)),
        (
            "memory file system",
            machine.shm_free.map_or("none".to_owned(), |free| {
                format!("{}, {} free", machine.shm_dir.display(), mib(free))
            }),
        ),
    ]
}

fn list(cores: &[usize]) -> String {
    let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
    cores.join(", ")
}
