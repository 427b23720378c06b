//! `wirelane limits` and `wirelane mode`: the limit set in force, and what scopes may do.

use super::control::{ask, not_done, printable_lines, tell};
use crate::failure::{Failure, Outcome};
use crate::place::DirArg;
use crate::stdout;
use engine::config::{Unreadable, read_text};
use engine::control::{LIMITS_TEXT_MAX, Request, ScopeName, Why};
use std::path::PathBuf;

/// How to write a set that loads.
const WHOLE: &str = "a set replaces the one in force whole, so that every limit stands in it: start \
                     from `wirelane limits show > FILE`, change what is to be another, load FILE";

/// What to do.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum LimitsCommand {
    /// Put a limit set in force, whole, in place of the one before
    Load {
        /// TOML with the limit tables of a configuration, all of them
        file: PathBuf,
        /// Why, for the journal
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        dir: DirArg,
    },
    /// Print the limit set in force: version, who loaded it, its tables
    Show {
        #[command(flatten)]
        dir: DirArg,
    },
}

impl LimitsCommand {
    /// Asks.
    pub(crate) fn run(&self) -> Outcome {
        match self {
            Self::Load { file, reason, dir } => {
                let name = file.display().to_string();
                let text = read_text(file, LIMITS_TEXT_MAX).map_err(|error| {
                    let text = format!("{name}: {error}");
                    let failure = match error {
                        Unreadable::NotThere(_) => Failure::not_there(text),
                        Unreadable::Wrong(_) => Failure::configuration(text),
                    };
                    failure.remedy(
                        "name a file of [[limits]] tables; `wirelane limits show` prints one",
                    )
                })?;
                let reason = reason.clone();
                let request = Request::LimitsLoad { file: name, text, reason };
                let reply = ask(&dir.place()?, &request)?;
                match reply.why {
                    _ if reply.ok => stdout::print(&format!("{}\n", printable_lines(&reply.text))),
                    Why::Wrong => Err(not_done(&reply).remedy(WHOLE)),
                    _ => Err(not_done(&reply)),
                }
            }
            Self::Show { dir } => tell(&dir.place()?, &Request::LimitsShow),
        }
    }
}

/// Which scope, which mode, and why.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ModeArgs {
    /// global (or firm), account:NAME, strategy:NAME or instrument:SYMBOL
    scope: String,
    /// What it may do
    mode: ModeName,
    /// Why, for the journal
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    dir: DirArg,
}

/// A trading mode.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ModeName {
    /// Whatever the limits allow; as for arming, sessions must be reconciled
    Active,
    /// Only what reduces a position
    ReduceOnly,
    /// Only cancels
    CancelOnly,
    /// Only cancels, and nobody means to trade
    Halted,
}

impl ModeName {
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ReduceOnly => "reduce-only",
            Self::CancelOnly => "cancel-only",
            Self::Halted => "halted",
        }
    }
}

impl ModeArgs {
    /// Asks.
    pub(crate) fn run(&self) -> Outcome {
        let (scope, mode) = (ScopeName(self.scope.clone()), self.mode.name().to_owned());
        tell(&self.dir.place()?, &Request::Mode { scope, mode, reason: self.reason.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    /// Goal: a mode goes out under the name it is written with.
    #[test]
    fn modes_go_out_as_they_are_written() {
        for mode in ModeName::value_variants() {
            assert_eq!(mode.to_possible_value().unwrap().get_name(), mode.name());
        }
    }

    /// Goal: a file that is not there is named, with what to do, before any engine is asked.
    #[test]
    fn a_limit_file_that_is_not_there_is_named() {
        let dir = DirArg { dir: "nowhere".into() };
        let file = "no-such-limits.toml".into();
        let load = LimitsCommand::Load { file, reason: "test".to_owned(), dir };
        let error = load.run().unwrap_err().to_string();
        assert!(error.contains("no-such-limits.toml: cannot be read"), "{error}");
    }
}
