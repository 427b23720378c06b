//! The engine's directory: its lock, the place of its hot files, the epoch, the gates.

#![expect(clippy::disallowed_types, reason = "cold: before the start and after the stop")]

use rustix::fs::{FlockOperation, flock};
use shm::gates::{GateOpener, Gates, GatesError, Shape};
use shm::journal::{EpochError, FileError, RecoverError, link_hot, next_epoch, recover_hot};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why the directory cannot be used. Each names the path and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It cannot be made or opened.
    #[error("{path}: {source}; name a directory that can be written with `engine.dir`")]
    Io {
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Another engine runs in it.
    #[error(
        "{0}: another engine runs in this directory; stop it, or name another with `engine.dir`"
    )]
    InUse(PathBuf),
    /// Memory of an engine whose directory is gone.
    #[error(
        "{0}: holds live segments of an engine whose directory was deleted before they were saved; \
         bring the directory back, or remove this one to give them up"
    )]
    Orphan(PathBuf),
    /// What a dead engine left in memory could not be saved.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// No epoch could be had.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// A folder could not be linked.
    #[error(transparent)]
    File(#[from] FileError),
    /// The gates could not be opened.
    #[error(transparent)]
    Gates(#[from] GatesError),
}

/// An engine's directory, locked.
#[derive(Debug)]
pub struct Home {
    /// Where archive, marks, gates and control socket lie.
    pub dir: PathBuf,
    /// Where live segments and the region lie.
    pub hot_dir: PathBuf,
    /// Epoch of this start, synced to disk.
    pub epoch: u16,
    /// Held as long as the engine runs.
    _lock: File,
}

impl Home {
    /// Makes and locks the directories, saves what a dead engine left in memory, takes the next
    /// epoch.
    ///
    /// # Errors
    /// [`HomeError`]; nothing is half-started: the lock goes with the value.
    pub fn open(dir: &Path, hot_dir: &Path, hours_since_2026: u64) -> Result<Self, HomeError> {
        make(dir)?;
        make(hot_dir)?;
        let lock = lock(&dir.join("lock"))?;
        if !dir.join("epoch").exists() && hot_dir.join("lane-0").exists() {
            return Err(HomeError::Orphan(hot_dir.to_path_buf()));
        }
        link_hot(dir, hot_dir)?;
        recover_hot(hot_dir, dir)?;
        let epoch = next_epoch(dir, hot_dir, hours_since_2026)?;
        Ok(Self { dir: dir.to_path_buf(), hot_dir: hot_dir.to_path_buf(), epoch, _lock: lock })
    }

    /// The shared region.
    #[must_use]
    pub fn region_path(&self) -> PathBuf {
        self.hot_dir.join("region")
    }

    /// Gives the memory of `lanes` lanes back, after an archive that was closed in order: all of it
    /// is on the disk. The region stays for whoever still looks.
    pub fn release_lanes(&self, lanes: usize) {
        for lane in 0..lanes {
            // What cannot be removed is overwritten by the next start.
            let name = String::from("lane-") + &lane.to_string();
            let _ = std::fs::remove_dir_all(self.hot_dir.join(name));
        }
    }

    /// The control socket.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    /// The kill gates, as the last run left them.
    ///
    /// # Errors
    /// [`HomeError::Gates`].
    pub fn gates(&self, shape: Shape) -> Result<(Gates, GateOpener), HomeError> {
        Ok(Gates::create_or_open(&self.dir.join("gates"), shape, shm::map::Options::HOT)?)
    }
}

fn make(path: &Path) -> Result<(), HomeError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| HomeError::Io { path: path.to_path_buf(), source })
}

fn lock(path: &Path) -> Result<File, HomeError> {
    let io = |source| HomeError::Io { path: path.to_path_buf(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = file.map_err(io)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(HomeError::InUse(path.parent().unwrap_or(path).to_path_buf()))
        }
        Err(error) => Err(io(error.into())),
    }
}
