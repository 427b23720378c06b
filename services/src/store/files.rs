//! Copies of a SQLite store: taken while it is written, checked, and put back.

use super::database::Database as _;
use super::error::StoreError;
use super::schema::{self, MIGRATIONS, Version};
use super::sqlite::Sqlite;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A lock outlives its holder for a moment where a process was being started meanwhile: the child
/// has the file open until it becomes another program.
const PATIENCE: Duration = Duration::from_millis(500);

/// A lock on a database file, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    /// [`StoreError::Locked`]; [`StoreError::File`].
    pub(crate) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = beside(database, "lock");
        let failed = |source| StoreError::File { path: path.clone(), source };
        let mut open = OpenOptions::new();
        let file = open.write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err(StoreError::Locked { path });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PATIENCE / 50),
            }
        }
    }
}

/// `path` with `.what` behind it.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

/// Copies the database as of one moment to `to`, which must not be there. Services may go on.
///
/// # Errors
/// [`StoreError`]; what was written of the copy is removed.
pub fn backup(database: &Path, to: &Path) -> Result<(), StoreError> {
    absent(to, "name another file, or move it away")?;
    let part = beside(to, "part");
    let remove = |path: &Path| match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::File { path: path.to_path_buf(), source })
        }
        Ok(()) | Err(_) => Ok(()),
    };
    remove(&part)?;
    let copied = Sqlite::open(database, false)
        .and_then(|mut open| open.copy_to(&part))
        .map_err(StoreError::from)
        .and_then(|()| sound(&part).map(drop))
        .and_then(|()| settle(&part, to));
    if copied.is_err() {
        // The first error is the one to tell.
        let _ = remove(&part);
    }
    copied
}

/// Puts a copy in the place of the database. The copy is checked first; what was there is kept
/// beside, as `DATABASE.before-restore`. Services go on from where the copy stands.
///
/// # Errors
/// [`StoreError`]: services run, the copy is damaged or of a later version. The database stands.
pub fn restore(from: &Path, database: &Path) -> Result<(), StoreError> {
    let _lock = Lock::take(database)?;
    sound(from)?;
    let kept = beside(database, "before-restore");
    if database.exists() {
        absent(&kept, "it is what an earlier restore replaced: move it away")?;
        backup(database, &kept)?;
    }
    let part = beside(database, "part");
    let failed = |path: &Path, source| StoreError::File { path: path.to_path_buf(), source };
    std::fs::copy(from, &part).map_err(|source| failed(from, source))?;
    // The log of the old file must not be taken for the new one's.
    for what in ["-wal", "-shm"] {
        let mut name = database.as_os_str().to_os_string();
        name.push(what);
        let path = PathBuf::from(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(&path, source));
            }
            Ok(()) | Err(_) => {}
        }
    }
    settle(&part, database)
}

/// Whether a file is a whole database of a version that this program reads.
///
/// # Errors
/// [`StoreError::Damaged`]; [`StoreError::Newer`].
pub fn whole(path: &Path) -> Result<(), StoreError> {
    sound(path).map(drop)
}

fn sound(path: &Path) -> Result<Version, StoreError> {
    let mut open = Sqlite::open(path, false)?;
    let rows = open.rows("PRAGMA integrity_check", Vec::new())?;
    let found: Vec<&str> = rows.iter().flatten().filter_map(|value| value.text()).collect();
    if found != ["ok"] {
        let found = found.join("; ");
        return Err(StoreError::Damaged { database: path.display().to_string(), found });
    }
    match schema::version(&mut open, MIGRATIONS)? {
        Version::Newer(found) => {
            let known = MIGRATIONS.last().map_or(0, |last| last.version);
            Err(schema::newer(&open, found, known))
        }
        Version::Empty => {
            let found = "it holds no schema of ours".to_owned();
            Err(StoreError::Damaged { database: path.display().to_string(), found })
        }
        version => Ok(version),
    }
}

fn absent(path: &Path, remedy: &'static str) -> Result<(), StoreError> {
    if path.exists() {
        return Err(StoreError::Exists { path: path.to_path_buf(), remedy });
    }
    Ok(())
}

/// Syncs a file, gives it its name, and syncs the folder.
fn settle(part: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| StoreError::File { path, source }
    };
    File::open(part).and_then(|file| file.sync_all()).map_err(failed(part))?;
    std::fs::rename(part, to).map_err(failed(to))?;
    let folder = to.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}
