//! `wirelane latency`.

use crate::failure::Outcome;
use crate::latency::{Watch, percentiles};
use crate::place::DirArg;
use crate::signals;
use crate::stage_latency::StageLatency;
use crate::stdout;
use shm::region::WriterState;
use std::path::PathBuf;

/// What to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    dir: DirArg,
    /// Show a table each second, until the engine stops
    #[arg(long, conflicts_with = "hgrm")]
    watch: bool,
    /// Print percentile distributions in HdrHistogram's text form
    #[arg(long)]
    hgrm: bool,
    /// The one stage to print with --hgrm
    #[arg(long, requires = "hgrm")]
    stage: Option<String>,
    /// Write an interval log in HdrHistogram's format, an interval each second
    #[arg(long, conflicts_with = "hgrm")]
    log: Option<PathBuf>,
}

impl Args {
    /// Reads shared memory, and nothing else.
    pub(crate) fn run(&self) -> Outcome {
        let region = self.dir.place()?.region()?;
        if self.hgrm {
            return percentiles(&region, self.stage.as_deref());
        }
        if self.watch || self.log.is_some() {
            let stop = signals::stop()?;
            return Watch { tables: self.watch, log: self.log.as_deref(), stop: &stop }
                .run(&region);
        }
        let state = match region.writer_state() {
            WriterState::Alive => "running",
            WriterState::Closed => "stopped in order",
            WriterState::Dead => "died: these are its last counts",
        };
        let table = StageLatency::read(&region).table();
        stdout::print(&format!("epoch {}, engine {state}\n{table}", region.epoch()))
    }
}
