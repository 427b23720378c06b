//! `wirelane replay`: a recorded session through the stages again.

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::stdout;
use engine::replay::{Replayed, run};
use serde::Serialize;
use std::path::PathBuf;

/// Which session, and on what layout.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The engine's directory
    dir: PathBuf,
    /// The engine start; without it, the last complete one
    #[arg(long)]
    epoch: Option<u16>,
    /// Another layout than the recording's: fused, split2, split4
    #[arg(long, value_parser = ["fused", "split2", "split4"])]
    layout: Option<String>,
    /// Write the outcome as JSON
    #[arg(long)]
    report: Option<PathBuf>,
}

/// The outcome as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    epoch: u16,
    layout: &'a str,
    order_stream_hash: &'a str,
    recorded_order_stream_hash: &'a str,
    messages: u64,
    state_hash: String,
    recorded_state_hash: String,
    same: bool,
}

impl Args {
    /// Replays, and says whether the orders came out the same.
    pub(crate) fn run(&self) -> Outcome {
        let place = Place::open(&self.dir)?;
        let done =
            run(place.dir(), self.epoch, self.layout.as_deref()).map_err(Failure::unsound)?;
        let same = is_same(&done);
        let report = Report {
            epoch: done.epoch,
            layout: &done.layout,
            order_stream_hash: &done.order_stream_hash,
            recorded_order_stream_hash: &done.recorded_hash,
            messages: done.messages,
            state_hash: format!("{:016x}", done.state_hash),
            recorded_state_hash: format!("{:016x}", done.recorded_state_hash),
            same,
        };
        if let Some(path) = &self.report {
            let json = serde_json::to_string_pretty(&report).map_err(Failure::not_done)?;
            std::fs::write(path, json + "\n")
                .map_err(|error| Failure::not_done(format!("{}: {error}", path.display())))?;
        }
        let verdict = if same { "the recording's" } else { "NOT the recording's" };
        stdout::print(&format!(
            "epoch {} on {}: {} order messages\norder_stream_hash {}  {verdict}\nstate_hash        {}\n",
            done.epoch, done.layout, done.messages, done.order_stream_hash, report.state_hash
        ))?;
        if same {
            return Ok(());
        }
        Err(Failure::unsound(format!(
            "the replay differs from the recording: order stream {} and state {:016x} were recorded",
            done.recorded_hash, done.recorded_state_hash
        )))
    }
}

fn is_same(done: &Replayed) -> bool {
    done.order_stream_hash == done.recorded_hash && done.state_hash == done.recorded_state_hash
}
