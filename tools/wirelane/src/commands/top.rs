//! `wirelane top`.

use crate::failure::Outcome;
use crate::place::DirArg;
use crate::top;

/// What to watch.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    dir: DirArg,
    /// Print one screen as text, and end
    #[arg(long)]
    once: bool,
}

impl Args {
    /// Maps shared memory, and watches.
    pub(crate) fn run(&self) -> Outcome {
        let place = self.dir.place()?;
        if self.once { top::print(&place) } else { top::watch(&place) }
    }
}
