//! An engine's directory, from outside: journal, shared region, gates, control socket.

use crate::failure::{Failure, Outcome};
use shm::gates::Gates;
use shm::journal::Journal;
use shm::region::RegionReader;
use std::path::{Path, PathBuf};

/// `--dir`, as every command that looks at an engine takes it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DirArg {
    /// The engine's directory (`engine.dir`)
    #[arg(long, env = "WIRELANE_DIR", default_value = "wirelane-demo")]
    pub(crate) dir: PathBuf,
}

impl DirArg {
    /// The directory, if it is there.
    pub(crate) fn place(&self) -> Outcome<Place> {
        Place::open(&self.dir)
    }
}

/// A directory that is there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    dir: PathBuf,
}

impl Place {
    /// Takes a directory.
    pub(crate) fn open(dir: &Path) -> Outcome<Self> {
        if dir.is_dir() {
            return Ok(Self { dir: dir.to_path_buf() });
        }
        Err(Failure::not_there(format!("{}: there is no such directory", dir.display()))
            .remedy("name an engine's directory with --dir, or run `wirelane demo` first"))
    }

    /// Its path.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its journal.
    pub(crate) fn journal(&self) -> Outcome<Journal> {
        Journal::open(&self.dir).map_err(Failure::not_done)
    }

    /// The epoch that was asked for, or the newest.
    pub(crate) fn epoch(&self, journal: &Journal, asked: Option<u16>) -> Outcome<u16> {
        let epochs = journal.epochs().map_err(Failure::not_done)?;
        let here = self.dir.display();
        match asked {
            Some(epoch) if epochs.contains(&epoch) => Ok(epoch),
            Some(epoch) => {
                let known: Vec<String> = epochs.iter().map(u16::to_string).collect();
                Err(Failure::not_there(format!("{here}: there is no epoch {epoch}"))
                    .remedy(format!("there are: {}", known.join(", "))))
            }
            None => epochs.last().copied().ok_or_else(|| {
                Failure::not_there(format!("{here}: there is no journal in this directory"))
            }),
        }
    }

    /// What the engine shows of itself, or the last one showed.
    pub(crate) fn region(&self) -> Outcome<RegionReader> {
        let here = self.dir.display();
        let hot = self.journal()?.hot_dir().ok_or_else(|| {
            Failure::not_there(format!("{here}: no engine has run here since the machine started"))
        })?;
        RegionReader::open(&hot.join("region")).map_err(|error| {
            Failure::not_there(format!("{here}: the shared region cannot be read: {error}"))
        })
    }

    /// The kill gates.
    pub(crate) fn gates(&self) -> Outcome<Gates> {
        Gates::open(&self.dir.join("gates")).map_err(|error| {
            Failure::not_there(format!(
                "{}: the gates cannot be opened: {error}",
                self.dir.display()
            ))
        })
    }

    /// Where the engine listens for commands.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.join("control.sock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    /// Goal: what is not there is said to be so. Method: no directory, an empty one, a wrong epoch.
    #[test]
    fn what_is_not_there_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let gone = Place::open(&temp.path().join("gone")).unwrap_err();
        assert_eq!(gone.exit(), Exit::NotThere);
        let place = Place::open(temp.path()).unwrap();
        let journal = place.journal().unwrap();
        assert_eq!(place.epoch(&journal, None).unwrap_err().exit(), Exit::NotThere);
        assert_eq!(place.region().unwrap_err().exit(), Exit::NotThere);
        assert_eq!(place.gates().unwrap_err().exit(), Exit::NotThere);
        std::fs::create_dir_all(temp.path().join("journal/epoch-00007")).unwrap();
        assert_eq!(place.epoch(&journal, None).unwrap(), 7);
        assert!(place.epoch(&journal, Some(8)).unwrap_err().to_string().contains("no epoch 8"));
    }
}
