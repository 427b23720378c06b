//! `wirelane config check | schema | init`.

use crate::commands::engine::SourceArgs;
use crate::failure::{Failure, Outcome};
use crate::number::counted;
use crate::program;
use crate::stdout::{self, Out};
use engine::config::machine::Machine;
use engine::config::model::{Config, FeedSource};
use engine::config::{SecretSource, Sources, advice, missing_secrets, secret_of_environment};
use feed::recording::Recording;
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
    /// Write a configuration with every key, to begin with, and the instrument file it names
    Init {
        /// The file to make, and beside it instruments.csv; without it, the configuration on
        /// standard output
        file: Option<PathBuf>,
    },
}

/// Which configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The file
    file: PathBuf,
    /// As a start here and now would: a password that the environment lacks is a fault, not a note
    #[arg(long)]
    strict: bool,
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

/// The instrument file that the written configuration names, and its two symbols. Ticks: rule 612
/// of Regulation NMS, a hundredth of a cent below 1 dollar.
const INSTRUMENTS_NAME: &str = "instruments.csv";
const INSTRUMENTS: &str = "\
# An instrument a line; ticks are from:tick pairs. Bring prior_close up to date: it is the last resort
# of the price collar.
venue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,prior_close,ticks
NASDAQ,AAPL,USD,1,1,1,1000000,0.0001,199999.99,185.00,0:0.0001|1:0.01
NASDAQ,MSFT,USD,1,1,1,1000000,0.0001,199999.99,410.00,0:0.0001|1:0.01
";

/// Makes both files; one that is there is left alone. The configuration comes last, so that one
/// that was made is whole.
fn init(path: &Path) -> Outcome {
    if path.exists() {
        return Err(Failure::not_done(format!("{}: it is there already", path.display()))
            .remedy("a file that is there is left alone; name another"));
    }
    let instruments = path.with_file_name(INSTRUMENTS_NAME);
    let kept = instruments.exists();
    if !kept {
        make(&instruments, INSTRUMENTS)?;
    }
    make(path, engine::config::init())?;
    let (program, file) = (program::name(), program::quoted(path.display()));
    stdout::print(&format!(
        "{}: written\n{}: {}\nnext: {program} config check {file} --origins\n",
        path.display(),
        instruments.display(),
        if kept { "was there, left as it is" } else { "written, two instruments to begin with" }
    ))
}

fn make(path: &Path, text: &str) -> Outcome {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::not_done(format!("{}: {error}", path.display())))
}

impl CheckArgs {
    fn run(&self) -> Outcome {
        let mut sources = Sources::read(&self.file).map_err(Failure::configuration)?;
        self.source.apply(&mut sources);
        // Who checks a file seldom holds its secrets; who starts it must.
        let secrets: SecretSource =
            if self.strict { secret_of_environment } else { |_| Some(String::from("-")) };
        let (loaded, instruments, bound, plan) =
            sources.load_for(&Machine::probe(), secrets).map_err(Failure::configuration)?;
        open_recordings(&loaded.config)?;
        let mut out = Out::stdout();
        if self.origins {
            for setting in loaded.origins() {
                out.line(&setting.to_string())?;
            }
        }
        out.line(&format!(
            "{}: sound: {}, {}, layout {}",
            self.file.display(),
            counted(instruments.len(), "instrument", "instruments"),
            counted(loaded.config.strategies.len(), "strategy", "strategies"),
            plan.placement.name()
        ))?;
        for note in &plan.notes {
            out.line(&format!("  {note}"))?;
        }
        for against in advice(&loaded.config, &bound, &instruments) {
            out.line(&format!("  warning: {against}"))?;
        }
        for fault in missing_secrets(&loaded, secret_of_environment) {
            out.line(&format!("  the engine will refuse to start here: {fault}"))?;
        }
        out.flush()
    }
}

/// Opens every recording that a feed is to play, as the engine will.
fn open_recordings(config: &Config) -> Outcome {
    for feed in &config.feeds {
        if let FeedSource::File { path, .. } = &feed.source {
            Recording::open(path).map_err(|error| {
                Failure::configuration(format!("feed.{}.file.path: {error}", feed.name))
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    /// Goal: what `init` writes is whole: it checks as it is, and nothing that is there is touched.
    /// Method: a new folder; again; another name beside an instrument file of one's own.
    #[test]
    fn what_init_writes_is_sound() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("my.toml");
        init(&file).unwrap();
        let mut sources = Sources::read(&file).unwrap();
        sources.environment.clear();
        let (_, instruments, _) = sources.load_and_bind().unwrap();
        assert_eq!(instruments.len(), 2);
        assert!(init(&file).unwrap_err().to_string().contains("is there already"));
        let own = temp.path().join(INSTRUMENTS_NAME);
        std::fs::write(&own, "mine").unwrap();
        init(&temp.path().join("other.toml")).unwrap();
        assert_eq!(std::fs::read_to_string(own).unwrap(), "mine");
    }

    /// Goal: a recording that a feed is to play is opened by the check, as the engine will. Method:
    /// one that is not there, one that is empty.
    #[test]
    fn recordings_are_opened() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("day.itch");
        let mut config = Sources::text("init.toml", engine::config::init()).load().unwrap().config;
        open_recordings(&config).unwrap();
        let speed = engine::config::model::Speed::Max;
        config.feeds[0].source = FeedSource::File { path: file.clone(), speed };
        let error = open_recordings(&config).unwrap_err();
        assert_eq!(error.exit(), Exit::Configuration);
        assert!(error.to_string().contains("day.itch"), "{error}");
        std::fs::write(&file, "").unwrap();
        let error = open_recordings(&config).unwrap_err().to_string();
        assert!(error.contains("it is empty"), "{error}");
    }
}
