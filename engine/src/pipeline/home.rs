//! The engine's directory: its lock, the place of its hot files, the epoch, the gates. Until a
//! start has come to its end, everything made here is taken back when it fails.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "cold: before the start and after the stop"
)]

use super::undo::Undo;
use rustix::fs::{FlockOperation, flock};
use shm::gates::{GateOpener, Gates, GatesError, Scope, Shape, Trigger};
use shm::journal::{
    EpochError, FileError, RecoverError, coming_epoch, keep_epoch, link_hot, recover_hot,
};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tries at a lock file that others remove at the same time.
const LOCK_TRIES: usize = 16;
/// Looks at a lock that another holds: an engine that was just killed lets go of it within these.
const LOCK_LOOKS: usize = 100;
/// Time between two looks.
const LOCK_LOOK: Duration = Duration::from_millis(10);

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
    #[error("{path}: {source}")]
    Gates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: GatesError,
    },
}

/// A directory that no other engine can use as long as this is held.
#[derive(Debug)]
pub struct Lock {
    dir: PathBuf,
    // Taken back while the lock is held: fields are dropped in this order.
    undo: Undo,
    file: File,
}

impl Lock {
    /// Makes and locks the directory.
    ///
    /// # Errors
    /// [`HomeError`]; nothing is left of the try.
    pub fn take(dir: &Path) -> Result<Self, HomeError> {
        let path = dir.join("lock");
        let mut undo = Undo::default();
        for _ in 0..LOCK_TRIES {
            make(dir, &mut undo)?;
            let is_new = !path.exists();
            let file = open(&path)?;
            match lock_soon(&file) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(HomeError::InUse(dir.to_path_buf()));
                }
                Err(error) => return Err(HomeError::Io { path, source: error.into() }),
            }
            // A start that failed removes the file it made, maybe just before it was locked here.
            if is_at(&file, &path) {
                if is_new {
                    undo.made(path);
                }
                return Ok(Self { dir: dir.to_path_buf(), undo, file });
            }
        }
        Err(HomeError::InUse(dir.to_path_buf()))
    }
}

/// An engine's directory, locked.
#[derive(Debug)]
pub struct Home {
    /// Where archive, marks, gates and control socket lie.
    pub dir: PathBuf,
    /// Where live segments and the region lie.
    pub hot_dir: PathBuf,
    /// Epoch of this start; on the disk since [`Home::settle`].
    pub epoch: u16,
    undo: Undo,
    /// Held as long as the engine runs, and so is the hot directory.
    _locks: [File; 2],
}

impl Home {
    /// Makes the hot directory, saves what a dead engine left in memory, finds the next epoch.
    ///
    /// # Errors
    /// [`HomeError`]; nothing is left of the try but what was saved.
    pub fn open(lock: Lock, hot_dir: &Path, hours_since_2026: u64) -> Result<Self, HomeError> {
        let Lock { dir, mut undo, file } = lock;
        make(hot_dir, &mut undo)?;
        // Two directories may name one place for their hot files.
        let hot_lock = lock_folder(hot_dir)?;
        let linked = std::fs::read_link(dir.join("hot")).ok();
        let is_new = linked.is_none() && !dir.join("epoch").exists();
        if is_new && hot_dir.join("lane-0").exists() {
            return Err(HomeError::Orphan(hot_dir.to_path_buf()));
        }
        // The place of a last run that had another one: nothing leads to it afterwards. In use by
        // another directory's engine, it holds nothing of ours any more.
        if let Some(last) = linked.as_deref().filter(|last| *last != hot_dir && last.is_dir())
            && let Ok(_held) = lock_folder(last)
        {
            recover_hot(last, &dir)?;
        }
        recover_hot(hot_dir, &dir)?;
        undo.link(dir.join("hot"), linked);
        link_hot(&dir, hot_dir)?;
        let epoch = coming_epoch(&dir, hot_dir, hours_since_2026)?;
        undo.watch(&dir, hot_dir, epoch);
        Ok(Self { dir, hot_dir: hot_dir.to_path_buf(), epoch, undo, _locks: [file, hot_lock] })
    }

    /// The end of a start: the epoch is used up, and what was made stays.
    ///
    /// # Errors
    /// [`HomeError::Epoch`]; nothing may be sent, and everything is taken back.
    pub fn settle(&mut self) -> Result<(), HomeError> {
        keep_epoch(&self.dir, self.epoch)?;
        self.undo.forget();
        Ok(())
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

    /// The kill gates, as the last run left them. What a kill closed stays closed over restarts,
    /// also where names have joined the lists that the last session had in the shape `before`; only
    /// gates that are new are armed here, if `arm` says so.
    ///
    /// # Errors
    /// [`HomeError::Gates`].
    pub fn gates(
        &mut self,
        (shape, before): (Shape, Option<Shape>),
        arm: bool,
    ) -> Result<(Gates, GateOpener), HomeError> {
        let path = self.dir.join("gates");
        let grown = before.filter(|before| *before != shape);
        let grown = grown
            .and_then(|before| Gates::open(&path).ok().filter(|gates| *gates.shape() == before));
        let is_open = grown.as_ref().is_some_and(|gates| !gates.is_closed(Scope::Global));
        let is_new = !path.exists() || is_open;
        let opened = Gates::create_or_open(&path, shape, shm::map::Options::HOT);
        let (gates, mut opener) = opened.map_err(|source| HomeError::Gates { path, source })?;
        for scope in grown.iter().flat_map(Gates::closed) {
            let by = grown.iter().flat_map(|old| old.closed_by(scope)).next();
            gates.close(scope, by.unwrap_or(Trigger::Operator));
        }
        if is_new && arm {
            if let Some(judged) = opener.judge(Scope::Global) {
                let opened = opener.try_open(&judged);
                debug_assert!(opened.is_ok(), "nobody else has the gates yet");
            }
            // Somebody who kills while this start fails must not be forgotten.
            self.undo.unless_closed(gates.clone());
        }
        Ok((gates, opener))
    }
}

/// Makes a folder and those above it.
fn make(path: &Path, undo: &mut Undo) -> Result<(), HomeError> {
    undo.folder(path).map_err(|source| HomeError::Io { path: path.to_path_buf(), source })
}

fn open(path: &Path) -> Result<File, HomeError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    file.map_err(|source| HomeError::Io { path: path.to_path_buf(), source })
}

/// Locks a folder itself, with no file in it.
fn lock_folder(path: &Path) -> Result<File, HomeError> {
    let io = |source| HomeError::Io { path: path.to_path_buf(), source };
    let folder = File::open(path).map_err(io)?;
    match lock_soon(&folder) {
        Ok(()) => Ok(folder),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(HomeError::InUse(path.to_path_buf())),
        Err(error) => Err(io(error.into())),
    }
}

/// Locks a file, or a folder. The lock of a process that was killed lasts until its memory is given
/// back, so one that is held is looked at again for a second.
fn lock_soon(file: &File) -> Result<(), rustix::io::Errno> {
    for _ in 1..LOCK_LOOKS {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOCK_LOOK),
            answer => return answer,
        }
    }
    flock(file, FlockOperation::NonBlockingLockExclusive)
}

/// Whether a name still leads to an open file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}
