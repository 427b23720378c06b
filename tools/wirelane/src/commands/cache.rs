//! `wirelane cache stats | get | drop`.

use super::services;
use crate::failure::{Failure, Outcome};
use crate::hdr::wall;
use crate::place::{DirArg, Place};
use crate::stdout::Out;
use ::services::cache::Cache;
use ::services::config::Config;
use ::services::reads::{Asked, KINDS, Reads, TAGS, Told, ask};
use std::path::PathBuf;
use std::sync::Arc;

/// What to do with what is kept of the database's answers.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Levels, with what they gave, missed and failed, and whether they answer
    Stats(CacheArgs),
    /// An instrument, an order or the numbers of a day, from what is kept or from the database
    Get(GetArgs),
    /// End what is kept, on all levels and in all processes
    Drop(DropArgs),
}

/// Of which engine.
#[derive(Debug, clap::Args)]
pub(crate) struct CacheArgs {
    #[command(flatten)]
    dir: DirArg,
    /// Configuration of the services; without it, `services.toml` in the engine's directory
    #[arg(long)]
    config: Option<PathBuf>,
}

/// A question.
#[derive(Debug, clap::Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    cache: CacheArgs,
    /// What
    #[arg(value_parser = KINDS)]
    kind: String,
    /// Which: a symbol, a `cl_ord_id`, a day as 2026-11-20
    name: String,
}

/// What is to end.
#[derive(Debug, clap::Args)]
pub(crate) struct DropArgs {
    #[command(flatten)]
    cache: CacheArgs,
    /// What
    #[arg(value_parser = KINDS, requires = "name", required_unless_present = "tag")]
    kind: Option<String>,
    /// Which: a symbol, a `cl_ord_id`, a day as 2026-11-20
    name: Option<String>,
    /// Everything that carries this, in place of one answer
    #[arg(long, value_parser = TAGS, conflicts_with = "kind")]
    tag: Option<String>,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self) -> Outcome {
        match self {
            Self::Stats(args) => args.tell(&Asked::Stats),
            Self::Get(GetArgs { cache, kind, name }) => {
                cache.tell(&Asked::Get { kind: kind.clone(), name: name.clone() })
            }
            Self::Drop(DropArgs { cache, kind, name, tag }) => match (kind, name, tag) {
                (_, _, Some(tag)) => cache.tell(&Asked::DropTag { tag: tag.clone() }),
                (Some(kind), Some(name), None) => {
                    cache.tell(&Asked::Drop { kind: kind.clone(), name: name.clone() })
                }
                _ => Err(Failure::not_done("name a kind and which, or a tag")),
            },
        }
    }
}

impl CacheArgs {
    /// Asks the services, or where none run, what they left.
    fn tell(&self, asked: &Asked) -> Outcome {
        let place = self.dir.place()?;
        let failed = |error| Failure::not_done(format!("the services do not answer: {error}"));
        let (told, who) = match ask(place.dir(), asked).map_err(failed)? {
            Some(told) => (told, "the services"),
            None => {
                let config = services::config(self.config.as_deref(), place.dir())?;
                (reads(&config)?.told(asked), "this command; no services run here")
            }
        };
        let mut out = Out::stdout();
        match told {
            Told::Stats { stats } => out.line(&format!("{stats}\nanswered by {who}"))?,
            Told::Found { value, from, is_stale } => {
                let is_absent = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
                if is_absent {
                    return Err(Failure::not_there("the database has no such row"));
                }
                out.line(&serde_json::to_string_pretty(&value).map_err(Failure::not_done)?)?;
                let stale =
                    if is_stale { ", past its time: the database does not answer" } else { "" };
                out.line(&format!("from {from}{stale}; answered by {who}"))?;
            }
            Told::Dropped { is_everywhere, is_kept } => {
                out.line(dropped(is_everywhere, is_kept))?;
            }
            Told::Failed { why } => return Err(Failure::not_done(why)),
        }
        out.flush()
    }
}

fn dropped(is_everywhere: bool, is_kept: bool) -> &'static str {
    match (is_everywhere, is_kept) {
        (true, true) => "dropped",
        (true, false) => {
            "dropped in the process that answered; the disk did not take it, and what is on it may \
             be read again by the next one"
        }
        (false, true) => "dropped here; Redis does not answer, and is told when it does",
        (false, false) => {
            "dropped in the process that answered alone: neither Redis nor the disk took it; ask \
             again when `wirelane cache stats` shows one of them closed"
        }
    }
}

/// The reads of a configuration.
pub(crate) fn reads(config: &Config) -> Outcome<Reads> {
    let cache = Cache::open(&config.cache, Arc::new(wall)).map_err(Failure::configuration)?;
    Ok(Reads::new(cache, config.store.target.clone(), config.times))
}

/// Ends all that is kept of a database that was put back.
pub(crate) fn forget(config: &Config, place: &Place) -> Outcome<&'static str> {
    let asked = Asked::DropTag { tag: "store".to_owned() };
    let told = match ask(place.dir(), &asked).map_err(Failure::not_done)? {
        Some(told) => told,
        None => reads(config)?.told(&asked),
    };
    match told {
        Told::Dropped { is_everywhere, is_kept } => Ok(dropped(is_everywhere, is_kept)),
        Told::Failed { why } => Err(Failure::not_done(why)),
        Told::Stats { .. } | Told::Found { .. } => Err(Failure::not_done("another answer")),
    }
}
