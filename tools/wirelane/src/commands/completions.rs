//! `wirelane completions`.

use crate::cli::Cli;
use crate::failure::Outcome;
use crate::stdout;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// What to write.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    /// Writes the shell's script to standard output.
    pub(crate) fn run(&self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "wirelane", &mut script);
        stdout::print(&String::from_utf8_lossy(&script))
    }
}
