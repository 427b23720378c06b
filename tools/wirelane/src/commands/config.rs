//! `wirelane config check | schema | init`.

use crate::commands::engine::SourceArgs;
use crate::failure::{Failure, Outcome};
use crate::stdout::{self, Out};
use engine::config::Sources;
use engine::config::machine::Machine;
use engine::config::topology::plan;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check a configuration: every fault in one report
    Check(CheckArgs),
    /// Print the JSON schema of a configuration
    Schema,
    /// Write a configuration with every key, to begin with
    Init {
        /// The file to make; without it, standard output
        file: Option<PathBuf>,
    },
}

/// Which configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The file
    file: PathBuf,
    /// Print every value with the layer it came from
    #[arg(long)]
    origins: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self) -> Outcome {
        match self {
            Self::Check(args) => args.run(),
            Self::Schema => {
                let schema = serde_json::to_string_pretty(&engine::config::schema())
                    .map_err(Failure::not_done)?;
                stdout::print(&(schema + "\n"))
            }
            Self::Init { file: None } => stdout::print(engine::config::init()),
            Self::Init { file: Some(path) } => init(path),
        }
    }
}

fn init(path: &Path) -> Outcome {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.and_then(|mut file| file.write_all(engine::config::init().as_bytes())).map_err(|error| {
        Failure::not_done(format!("{}: {error}", path.display()))
            .remedy("a file that is there is left alone; name another")
    })
}

impl CheckArgs {
    fn run(&self) -> Outcome {
        let mut sources = Sources::read(&self.file).map_err(Failure::configuration)?;
        self.source.apply(&mut sources);
        let (loaded, instruments, _) = sources.load_and_bind().map_err(Failure::configuration)?;
        let plan = plan(&loaded, &Machine::probe()).map_err(Failure::configuration)?;
        let mut out = Out::stdout();
        if self.origins {
            for setting in loaded.origins() {
                out.line(&setting.to_string())?;
            }
        }
        out.line(&format!(
            "{}: sound: {} instruments, {} strategies, layout {}",
            self.file.display(),
            instruments.len(),
            loaded.config.strategies.len(),
            plan.placement.name()
        ))?;
        for note in &plan.notes {
            out.line(&format!("  {note}"))?;
        }
        out.flush()
    }
}
