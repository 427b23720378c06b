//! Where the journal's files lie, and how they are opened.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_macros, reason = "cold: names of files")]

use core::fmt;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Name of the link in `dir` that leads to `hot_dir`.
const HOT_LINK: &str = "hot";

/// What was being done to a file of the journal when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStep {
    /// Creating it.
    Create,
    /// Allocating its full length.
    Allocate,
    /// Opening it.
    Open,
    /// Reading it.
    Read,
    /// Writing it.
    Write,
    /// Waiting for the disk.
    Sync,
    /// Giving it its final name or length.
    Rename,
    /// Listing a folder.
    List,
}

/// A file of the journal that could not be used: what was being done, where, and what the kernel
/// said.
#[derive(Debug)]
pub struct FileError {
    /// What was being done.
    pub step: FileStep,
    /// The file or folder.
    pub path: PathBuf,
    /// Byte offset, 0 where the whole file is meant.
    pub offset: u64,
    /// The cause.
    pub source: io::Error,
}

impl fmt::Display for FileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (action, remedy) = match self.step {
            FileStep::Create => ("cannot create", "check that the folder exists and is ours"),
            FileStep::Allocate => ("cannot allocate", "free space on that file system"),
            FileStep::Open => ("cannot open", "check its owner and that it is a plain file"),
            FileStep::Read => ("cannot read", "check the disk"),
            FileStep::Write => ("cannot write", "check space and health of the disk"),
            FileStep::Sync => ("cannot sync", "what is durable is unknown: check the disk"),
            FileStep::Rename => ("cannot rename or cut", "check permissions of the folder"),
            FileStep::List => ("cannot list", "check the path and its permissions"),
        };
        let (path, offset) = (self.path.display(), self.offset);
        write!(out, "{action} {path} at byte {offset}: {} ({remedy})", self.source)
    }
}

impl core::error::Error for FileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Turns a system error into one that names the file.
pub(super) fn failed(
    step: FileStep,
    path: &Path,
    offset: u64,
) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError { step, path: path.to_path_buf(), offset, source }
}

/// `dir/journal`.
pub(super) fn journal(dir: &Path) -> PathBuf {
    dir.join("journal")
}

/// `dir/journal/epoch-00007`.
pub(super) fn epoch(dir: &Path, epoch: u16) -> PathBuf {
    journal(dir).join(format!("epoch-{epoch:05}"))
}

/// `dir/journal/epoch-00007/lane-2`.
pub(super) fn lane(dir: &Path, epoch_number: u16, lane: u16) -> PathBuf {
    epoch(dir, epoch_number).join(format!("lane-{lane}"))
}

/// `dir/journal/epoch-00007/lane-2/00000003.seg`.
pub(super) fn segment(dir: &Path, epoch: u16, lane_number: u16, number: u64) -> PathBuf {
    lane(dir, epoch, lane_number).join(format!("{number:08}.seg"))
}

/// `dir/journal/epoch-00007/marks`.
pub(super) fn marks(dir: &Path, epoch_number: u16) -> PathBuf {
    epoch(dir, epoch_number).join("marks")
}

/// `hot_dir/lane-2`.
pub(super) fn hot_lane(hot_dir: &Path, lane: u16) -> PathBuf {
    hot_dir.join(format!("lane-{lane}"))
}

/// `hot_dir/lane-2/seg-1`.
pub(super) fn hot_segment(hot_dir: &Path, lane: u16, slot: u64) -> PathBuf {
    hot_lane(hot_dir, lane).join(format!("seg-{slot}"))
}

/// `dir/hot`, a link to `hot_dir`.
pub(super) fn hot(dir: &Path) -> PathBuf {
    dir.join(HOT_LINK)
}

/// Makes `dir/hot` lead to `hot_dir`, so that readers of `dir` see the tail that is still in
/// memory. Called by the engine before it creates its lanes. `hot_dir` should be absolute.
///
/// # Errors
/// [`FileError`] when the link cannot be made or put in place.
pub fn link_hot(dir: &Path, hot_dir: &Path) -> Result<(), FileError> {
    let beside = dir.join("hot.new");
    remove_if_there(&beside)?;
    std::os::unix::fs::symlink(hot_dir, &beside).map_err(failed(FileStep::Create, &beside, 0))?;
    let link = hot(dir);
    std::fs::rename(&beside, &link).map_err(failed(FileStep::Rename, &link, 0))?;
    sync_folder(dir)
}

/// Removes a file, if there is one.
pub(super) fn remove_if_there(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed(FileStep::Create, path, 0)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Creates a folder and those above it, readable by the owner alone.
pub(super) fn create_folder(path: &Path) -> Result<(), FileError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(
        FileStep::Create,
        path,
        0,
    ))
}

/// Creates a folder that only its owner may write, or checks that it is one.
pub(super) fn own_folder(path: &Path) -> Result<(), FileError> {
    create_folder(path)?;
    let stat = rustix::fs::lstat(path).map_err(|e| failed(FileStep::Open, path, 0)(e.into()))?;
    let folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let ours = stat.st_uid == rustix::process::geteuid().as_raw();
    if folder && ours && !Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
        return Ok(());
    }
    let why = "not a folder that only we may write";
    Err(failed(FileStep::Open, path, 0)(io::Error::new(io::ErrorKind::PermissionDenied, why)))
}

/// Waits until the names in a folder are on the disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed(FileStep::Sync, path, 0))
}

/// Opens an existing plain file that is ours, following no link at its name.
pub(super) fn open(path: &Path, access: OFlags) -> Result<File, FileError> {
    // NONBLOCK: a fifo planted under the name must not hang the open.
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let error = |source| failed(FileStep::Open, path, 0)(source);
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| error(errno.into()))?;
    let stat = rustix::fs::fstat(&file).map_err(|errno| error(errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(error(io::Error::new(io::ErrorKind::InvalidData, "not a regular file")));
    }
    Ok(file)
}

/// Creates a plain file, mode 0600; it must not exist.
pub(super) fn create(path: &Path) -> Result<File, FileError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)
        .map(File::from)
        .map_err(|errno| failed(FileStep::Create, path, 0)(errno.into()))
}

/// Whether an open file still has a name: one that was removed is no longer the lane's.
pub(super) fn has_name(file: &File) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| stat.st_nlink > 0)
}

/// Bytes free for us on the file system of a folder.
pub(super) fn free_bytes(path: &Path) -> Result<u64, FileError> {
    let stat =
        rustix::fs::statvfs(path).map_err(|errno| failed(FileStep::Open, path, 0)(errno.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether anything has this name.
pub(super) fn exists(path: &Path) -> bool {
    rustix::fs::statat(rustix::fs::CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// The numbers in the names `prefix<number>suffix` of a folder, rising; none when there is no such
/// folder. Other names are passed over.
pub(super) fn numbers(folder: &Path, prefix: &str, suffix: &str) -> Result<Vec<u64>, FileError> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(failed(FileStep::List, folder, 0))?,
    };
    for entry in entries {
        let name = entry.map_err(failed(FileStep::List, folder, 0))?.file_name();
        let number = name.to_str().and_then(|name| {
            let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<u64>().ok()).flatten()
        });
        found.extend(number);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// As [`numbers`], for those that fit 16 bits.
pub(super) fn small_numbers(folder: &Path, prefix: &str) -> Result<Vec<u16>, FileError> {
    let found = numbers(folder, prefix, "")?;
    Ok(found.into_iter().filter_map(|number| u16::try_from(number).ok()).collect())
}

/// Replaces a small file whole: beside, synced, renamed, folder synced.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    use std::io::Write as _;
    let mut beside = path.as_os_str().to_os_string();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    remove_if_there(&beside)?;
    let mut file = create(&beside)?;
    file.write_all(bytes).map_err(failed(FileStep::Write, &beside, 0))?;
    file.sync_all().map_err(failed(FileStep::Sync, &beside, 0))?;
    std::fs::rename(&beside, path).map_err(failed(FileStep::Rename, path, 0))?;
    match path.parent() {
        Some(folder) if folder != Path::new("") => sync_folder(folder),
        _ => sync_folder(Path::new(".")),
    }
}
