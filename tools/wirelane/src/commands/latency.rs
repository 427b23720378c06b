//! `wirelane latency`.

use crate::failure::Outcome;
use crate::hdr::wall;
use crate::latency::{Watch, percentiles};
use crate::liveness::Liveness;
use crate::meters::Meters;
use crate::place::DirArg;
use crate::risk_costs;
use crate::signals;
use crate::stage_latency::{StageLatency, legend, refused_stamps};
use crate::stdout;
use std::path::PathBuf;

/// What to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    dir: DirArg,
    /// Show a table each second, until the engine stops
    #[arg(long, conflicts_with = "hgrm")]
    watch: bool,
    /// Say below the table what each row spans
    #[arg(long, conflicts_with_all = ["watch", "hgrm", "log"])]
    explain: bool,
    /// Print percentile distributions in HdrHistogram's text form
    #[arg(long)]
    hgrm: bool,
    /// The one stage to print with --hgrm
    #[arg(long, requires = "hgrm")]
    stage: Option<String>,
    /// Write an interval log in HdrHistogram's format, an interval each second, until the engine
    /// ends or Ctrl-C
    #[arg(long, conflicts_with = "hgrm")]
    log: Option<PathBuf>,
    /// Measure what each rule of risk costs, here and now, without an engine
    #[arg(long, conflicts_with_all = ["watch", "explain", "hgrm", "log"])]
    risk: bool,
    /// With --risk: a configuration, to show which rules its limits put to work
    #[arg(long, requires = "risk")]
    config: Option<PathBuf>,
}

impl Args {
    /// Reads shared memory, and nothing else; with `--risk` it measures instead.
    pub(crate) fn run(&self) -> Outcome {
        if self.risk {
            return stdout::print(&risk_costs::table(self.config.as_deref())?);
        }
        let place = self.dir.place()?;
        let region = place.region()?;
        if self.hgrm {
            return percentiles(&region, self.stage.as_deref());
        }
        if self.watch || self.log.is_some() {
            let stop = signals::stop()?;
            return Watch { tables: self.watch, log: self.log.as_deref(), stop: &stop }
                .run(&region, &place);
        }
        let state = Liveness::of(&region, &place).words(region.start(), wall());
        let mut text = format!("epoch {}, engine {state}\n", region.epoch());
        text.push_str(&StageLatency::read(&region).table());
        text.push_str(&refused_stamps(Meters::read(&region).total("stamps_refused")));
        if self.explain {
            text.push_str(&legend());
        } else {
            text.push_str("\nwhat a row spans: `wirelane latency --explain`\n");
        }
        stdout::print(&text)
    }
}
