//! The run's folder: fresh by default, kept when named.

use super::input::Symbols;
use super::settings::{CONFIG, CONFIG_NAME, INSTRUMENTS, INSTRUMENTS_NAME};
use crate::failure::{Failure, Outcome};
use engine::config::Sources;
use engine::config::machine::Machine;
use engine::config::topology::plan;
use rustix::fs::{FlockOperation, flock};
use shm::region::{RegionReader, WriterState};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Where a run without `--dir` keeps its journal.
pub(crate) const DEFAULT: &str = "wirelane-demo";

/// Makes the folder of a run and writes its configuration there. A folder that was named must be
/// new or empty of journals; the default one replaces that of the run before.
pub(crate) fn prepare(named: Option<&Path>, symbols: Option<&Symbols>) -> Outcome<PathBuf> {
    let dir = named.unwrap_or(Path::new(DEFAULT));
    let failed = |error: io::Error| Failure::not_done(format!("{}: {error}", dir.display()));
    if named.is_none() {
        replace(dir)?;
    } else if dir.join("journal").exists() {
        return Err(Failure::not_done(format!("{}: there is a journal here", dir.display()))
            .remedy("a demonstration begins flat: name a new directory with --dir"));
    }
    fs::create_dir_all(dir).map_err(failed)?;
    let dir = fs::canonicalize(dir).map_err(failed)?;
    let instruments = symbols.map_or_else(|| INSTRUMENTS.to_owned(), Symbols::instruments);
    for (name, text) in [(CONFIG_NAME, CONFIG), (INSTRUMENTS_NAME, &instruments)] {
        fs::write(dir.join(name), text).map_err(failed)?;
    }
    Ok(dir)
}

/// Removes what a run before left, and nothing that it did not.
fn replace(dir: &Path) -> Outcome {
    let failed = |error: io::Error| Failure::not_done(format!("{}: {error}", dir.display()));
    if !dir.exists() {
        return Ok(());
    }
    if !dir.join(CONFIG_NAME).is_file() {
        return Err(Failure::not_done(format!(
            "{}: this is not a demonstration's folder",
            dir.display()
        ))
        .remedy("move it away, or name another with --dir"));
    }
    if let Ok(lock) = File::open(dir.join("lock"))
        && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err()
    {
        return Err(Failure::not_done(format!("{}: an engine runs in this folder", dir.display()))
            .remedy("stop it with `wirelane stop`, or name another with --dir"));
    }
    if let Some(hot) = hot_files(dir) {
        fs::remove_dir_all(hot).map_err(failed)?;
    }
    fs::remove_dir_all(dir).map_err(failed)
}

/// Removes live segments of a run whose folder is gone: they belong to a journal that nobody has
/// any more, and the new one begins without.
pub(crate) fn clear_hot(sources: &Sources) -> Outcome {
    let loaded = sources.load().map_err(Failure::configuration)?;
    let plan = plan(&loaded, &Machine::probe()).map_err(Failure::configuration)?;
    remove_left(&plan.hot_dir)
}

/// Gives the memory of a finished run's live segments back: all of them are on the disk. The shared
/// region stays, to be looked at.
pub(crate) fn release_memory(hot: &Path) -> Outcome {
    let failed = |error: io::Error| Failure::not_done(format!("{}: {error}", hot.display()));
    for entry in fs::read_dir(hot).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let lane =
            path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("lane-"));
        if lane && path.is_dir() {
            fs::remove_dir_all(path).map_err(failed)?;
        }
    }
    Ok(())
}

fn remove_left(hot: &Path) -> Outcome {
    let here = hot.display();
    let ours =
        hot.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("wirelane-"));
    if !ours || !hot.is_dir() {
        return Ok(());
    }
    if let Ok(region) = RegionReader::open(&hot.join("region"))
        && region.writer_state() == WriterState::Alive
    {
        return Err(Failure::not_done(format!(
            "{here}: a running engine has its live segments here"
        ))
        .remedy("stop it, or name another directory with --dir"));
    }
    fs::remove_dir_all(hot).map_err(|error| Failure::not_done(format!("{here}: {error}")))
}

/// Where the run before kept its live segments: only a folder that an engine names so.
fn hot_files(dir: &Path) -> Option<PathBuf> {
    let hot = fs::canonicalize(dir.join("hot")).ok()?;
    let ours = hot.file_name()?.to_str()?.starts_with("wirelane-");
    (ours && hot.starts_with("/dev/shm")).then_some(hot)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a named folder is made with its files, and one with a journal is refused.
    #[test]
    fn a_named_folder_begins_flat() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("run");
        let made = prepare(Some(&dir), None).unwrap();
        assert!(made.is_absolute());
        assert_eq!(fs::read_to_string(made.join(INSTRUMENTS_NAME)).unwrap(), INSTRUMENTS);
        fs::create_dir(dir.join("journal")).unwrap();
        assert!(prepare(Some(&dir), None).unwrap_err().to_string().contains("a journal here"));
    }

    /// Goal: only a demonstration's own folder is replaced, and not while an engine has it.
    #[test]
    fn only_a_demonstrations_folder_is_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("run");
        assert!(replace(&dir).is_ok(), "nothing there");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("thesis.txt"), "years of work").unwrap();
        assert!(replace(&dir).is_err());
        assert!(dir.join("thesis.txt").exists());
        fs::write(dir.join(CONFIG_NAME), CONFIG).unwrap();
        let lock = File::create(dir.join("lock")).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        assert!(replace(&dir).unwrap_err().to_string().contains("an engine runs"));
        drop(lock);
        replace(&dir).unwrap();
        assert!(!dir.exists());
    }

    /// Goal: what a run left in memory goes with its folder, but never under a living engine.
    /// Method: a region of this process, open and then closed.
    #[test]
    fn segments_of_a_lost_folder_are_removed() {
        use shm::region::RegionBuilder;
        let temp = tempfile::tempdir().unwrap();
        let hot = temp.path().join("wirelane-demo-0");
        fs::create_dir_all(hot.join("lane-1")).unwrap();
        let mut builder = RegionBuilder::new(1, shm::units::Nanos(1));
        builder.thread("hot");
        let region = builder.create(&hot.join("region"), shm::map::Options::COLD).unwrap();
        assert!(remove_left(&hot).unwrap_err().to_string().contains("a running engine"));
        drop(region);
        release_memory(&hot).unwrap();
        assert!(!hot.join("lane-1").exists() && hot.join("region").exists());
        remove_left(&hot).unwrap();
        assert!(!hot.exists());
        let other = temp.path().join("other");
        fs::create_dir(&other).unwrap();
        remove_left(&other).unwrap();
        assert!(other.exists(), "only what an engine names so");
    }
}
