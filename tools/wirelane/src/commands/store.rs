//! `wirelane store check | backup | restore | migrate | rebuild`.

use super::{cache, services};
use crate::failure::{Exit, Failure, Outcome};
use crate::number::grouped;
use crate::place::{DirArg, Place};
use crate::stdout::Out;
use ::services::store::{
    self, MIGRATIONS, Store, StoreError, Target, Version, backup, behind, compare, migrate,
    rebuild, restore,
};
use std::path::{Path, PathBuf};

/// What to do with the database.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Is the database whole, and what the journal says? Ends with 1 when it is not
    Check(StoreArgs),
    /// Copy a SQLite database as of one moment, while services go on
    Backup(FileArgs),
    /// Put a copy in the place of a SQLite database; services must not run
    Restore(FileArgs),
    /// Bring the database to this program's schema; a SQLite file is copied first
    Migrate(StoreArgs),
    /// Write an empty database from the journal alone
    Rebuild(StoreArgs),
    /// Remove orders, fills, refusals, parents and alarms that ended long ago; services may run
    Prune(PruneArgs),
}

/// What is old.
#[derive(Debug, clap::Args)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Sessions of so many days before today and later stay whole
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    older_than: u32,
}

/// Which database.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    #[command(flatten)]
    dir: DirArg,
    /// Configuration of the services; without it, `services.toml` in the engine's directory
    #[arg(long)]
    config: Option<PathBuf>,
    /// The database, in place of the configured one: sqlite:FILE or postgres://...
    #[arg(long)]
    database: Option<String>,
}

/// Which database and which file.
#[derive(Debug, clap::Args)]
pub(crate) struct FileArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The copy
    file: PathBuf,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self) -> Outcome {
        match self {
            Self::Check(args) => check(args),
            Self::Backup(args) => {
                let target = args.store.target()?;
                backup(file_of(&target, "use pg_dump")?, &args.file).map_err(failure)?;
                say(&format!("{} holds a copy of {target}", args.file.display()))
            }
            Self::Restore(args) => {
                let target = args.store.target()?;
                restore(&args.file, file_of(&target, "use pg_restore")?).map_err(failure)?;
                say(&format!("{target} is now {}", args.file.display()))?;
                args.store.forget()
            }
            Self::Migrate(args) => bring_forward(&args.target()?, args.place()?.dir()),
            Self::Prune(args) => {
                let mut store = args.store.open_store()?;
                let day = store::today().saturating_sub(args.older_than);
                let target = args.store.target()?;
                for engine in store.engines().map_err(Failure::not_done)? {
                    let pruned = store.prune(engine.id, day).map_err(failure)?;
                    say(&format!(
                        "{target}: engine {}: {} rows removed; everything from session {} on is \
                         there",
                        engine.name,
                        grouped(pruned.rows),
                        pruned.first_epoch
                    ))?;
                }
                args.store.forget()
            }
            Self::Rebuild(args) => {
                let (target, dir) = (args.target()?, args.dir.place()?);
                let mut store = open(&target, true)?;
                let positions = store.positions().map_err(Failure::not_done)?;
                if !positions.is_empty() {
                    return Err(Failure::not_done(format!("{target} is not empty"))
                        .remedy("name a new database with --database sqlite:FILE"));
                }
                let records = rebuild(&mut store, dir.dir(), None).map_err(failure)?;
                say(&format!("{target}: rebuilt from {records} records"))
            }
        }
    }
}

impl StoreArgs {
    /// Ends what the cache keeps of the database.
    fn forget(&self) -> Outcome {
        let place = self.dir.place()?;
        let config = services::config(self.config.as_deref(), place.dir())?;
        say(&format!("what was kept of it: {}", cache::forget(&config, &place)?))
    }

    /// The engine's directory.
    pub(crate) fn place(&self) -> Outcome<Place> {
        self.dir.place()
    }

    /// The configuration that was named.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The database, which must be there.
    pub(crate) fn open_store(&self) -> Outcome<Store> {
        open(&self.target()?, false)
    }

    /// The database.
    pub(crate) fn target(&self) -> Outcome<Target> {
        let place = self.dir.place()?;
        match &self.database {
            Some(name) => Target::parse(name, None, place.dir()).map_err(Failure::configuration),
            None => Ok(services::config(self.config.as_deref(), place.dir())?.store.target),
        }
    }
}

fn file_of<'a>(target: &'a Target, remedy: &str) -> Outcome<&'a Path> {
    let file = target.file().ok_or_else(|| {
        Failure::not_done(format!("{target}: only a SQLite file is copied here")).remedy(remedy)
    })?;
    Ok(file)
}

fn say(line: &str) -> Outcome {
    let mut out = Out::stdout();
    out.line(line)?;
    out.flush()
}

fn failure(error: StoreError) -> Failure {
    match &error {
        StoreError::Damaged { .. } => Failure::unsound(error),
        _ => Failure::not_done(error),
    }
}

/// Opens it; one that is not there is made where `create`.
pub(crate) fn open(target: &Target, create: bool) -> Outcome<Store> {
    there(target, create)?;
    let database = target.open(create).map_err(Failure::not_done)?;
    Store::open(database).map_err(failure)
}

/// Fails if a file is meant that is not there.
fn there(target: &Target, create: bool) -> Outcome {
    match target.file() {
        Some(file) if !create && !file.exists() => {
            Err(Failure::not_there(format!("{}: there is no such database", file.display()))
                .remedy("run `wirelane services` first, or name another with --database"))
        }
        _ => Ok(()),
    }
}

fn check(args: &StoreArgs) -> Outcome {
    let (target, place) = (args.target()?, args.dir.place()?);
    there(&target, false)?;
    if let Some(file) = target.file() {
        store::whole(file).map_err(failure)?;
    }
    let mut held = open(&target, false)?;
    // Beside the database, where there is room for another of its size.
    let fresh = place.dir().join(format!("store-check-{}.db", std::process::id()));
    let made = Target::Sqlite(fresh.clone());
    let compared = open(&made, true)
        .and_then(|mut fresh| compare(&mut held, &mut fresh, place.dir()).map_err(failure));
    for end in ["", "-wal", "-shm"] {
        let mut name = fresh.clone().into_os_string();
        name.push(end);
        // What was not made need not be removed.
        let _ = std::fs::remove_file(name);
    }
    match compared? {
        None => say(&format!(
            "{target}: whole; not compared: the journal does not reach back as far as it does"
        )),
        Some(found) if found.is_empty() => {
            let from = held.positions().map_err(Failure::not_done)?;
            match behind(place.dir(), &from).map_err(failure)? {
                0 => say(&format!("{target}: whole, and what the journal says")),
                records => say(&format!(
                    "{target}: whole, and what the journal says as far as it goes; {records} \
                     records of the journal are not in it yet: `wirelane services` writes them"
                )),
            }
        }
        Some(found) => {
            let tables: Vec<String> = found
                .iter()
                .map(|table| {
                    let (rows, made) = (table.rows, table.from_journal);
                    format!("{} ({rows} rows, {made} from the journal)", table.table)
                })
                .collect();
            Err(Failure::new(Exit::Unsound, format!("{target} differs: {}", tables.join(", ")))
                .remedy("write a new one: wirelane store rebuild --database sqlite:FILE"))
        }
    }
}

fn bring_forward(target: &Target, dir: &Path) -> Outcome {
    there(target, false)?;
    let mut database = target.open(false).map_err(Failure::not_done)?;
    let found = store::version(database.as_mut(), MIGRATIONS).map_err(Failure::not_done)?;
    if let (Version::Older(version), Some(file)) = (found, target.file()) {
        let mut copy = file.as_os_str().to_os_string();
        copy.push(format!(".version-{version}"));
        backup(file, Path::new(&copy)).map_err(failure)?;
        say(&format!("{} holds a copy", Path::new(&copy).display()))?;
    }
    let done = migrate(database.as_mut(), MIGRATIONS).map_err(failure)?;
    drop(database);
    match done.last() {
        Some(version) => {
            say(&format!("{target}: now schema version {version}"))?;
            let chained = open(target, false)?.chain_up(dir).map_err(failure)?;
            say(&format!("{target}: {chained} records of the journal are in the audit chain"))
        }
        None => say(&format!("{target}: is of this program's schema version")),
    }
}
