//! `wirelane audit verify | list | head`.

use super::services;
use super::store::StoreArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::number::time_of_day;
use crate::stdout::Out;
use ::services::audit::{AuditError, LANE, Teller, hex, verify};
use ::services::store::Store;
use std::path::PathBuf;

/// What to do with the audit chain.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Is the chain what the journal and the published heads say? Ends with 1 when it is not, and
    /// names the first bad record
    Verify(VerifyArgs),
    /// Print the records of the chain, one line each
    List(ListArgs),
    /// Print the last record's number and hash: to be kept where nobody who writes the database can
    /// write
    Head(StoreArgs),
}

/// What to compare the chain with.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The published heads, in place of the configured file
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
}

/// Which records.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The first record's number in the chain
    #[arg(long, default_value_t = 1)]
    from: u64,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self) -> Outcome {
        match self {
            Self::Verify(args) => args.verify(),
            Self::List(args) => args.list(),
            Self::Head(args) => {
                let end = args.open_store()?.chain_end().map_err(Failure::not_done)?;
                let mut out = Out::stdout();
                out.line(&format!("{} {}", end.head.number, hex(&end.head.hash)))?;
                out.flush()
            }
        }
    }
}

impl VerifyArgs {
    fn verify(&self) -> Outcome {
        let mut store = self.store.open_store()?;
        let dir = self.store.place()?;
        let heads = match &self.heads {
            Some(file) if !file.exists() => {
                return Err(Failure::not_there(format!("{}: no such file", file.display()))
                    .remedy("name the file that [audit] heads of services.toml names"));
            }
            Some(file) => Some(file.clone()),
            None => services::config(self.store.config(), dir.dir())?.store.heads,
        };
        let verdict = verify(&mut store, dir.dir(), heads.as_deref()).map_err(|error| {
            // A record of the journal that is bad is what was looked for; else something is away.
            match error {
                AuditError::Journal(error) => Failure::unsound(error)
                    .remedy("the journal itself is not sound: wirelane journal verify"),
                error => Failure::not_done(error),
            }
        })?;
        if verdict.bad.is_some() {
            return Err(Failure::new(Exit::Unsound, format!("audit: {verdict}")).remedy(
                "keep this database as it is; write a new one: wirelane store rebuild --database \
                 sqlite:FILE",
            ));
        }
        let mut out = Out::stdout();
        out.line(&format!("audit: {verdict}"))?;
        if verdict.published == 0 && verdict.records > 0 {
            let file = heads.map_or_else(String::new, |file| format!(" in {}", file.display()));
            out.line(&format!(
                "audit: no published head{file}: who can write the database and the journal could \
                 have made both anew"
            ))?;
        }
        out.flush()
    }
}

impl ListArgs {
    fn list(&self) -> Outcome {
        let mut store: Store = self.store.open_store()?;
        let mut out = Out::stdout();
        let (mut teller, mut printed) = (Teller::default(), Ok(()));
        store
            .each_chained(&mut |number, entry| {
                let line = match entry {
                    Some(entry) => {
                        let (place, at) = (entry.place, time_of_day(entry.ts));
                        let words = teller.tell(entry);
                        format!("{number} {at} {}.{LANE}.{} {words}", place.epoch, place.seq)
                    }
                    None => format!("{number} UNREADABLE: run `wirelane audit verify`"),
                };
                if number >= self.from && printed.is_ok() {
                    printed = out.line(&line);
                }
            })
            .map_err(Failure::not_done)?;
        printed?;
        out.flush()
    }
}
