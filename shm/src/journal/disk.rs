//! The archiver's writes and syncs, in one place so that tests can fail the n-th of them.
#![forbid(unsafe_code)]

use super::folder::{self, FileError, FileStep, failed};
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// The way to the disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Operations left until one fails; none fails when `None`.
    #[cfg(test)]
    pub(super) fail_in: core::cell::Cell<Option<u64>>,
    /// Called after the end of each lane was read.
    #[cfg(test)]
    pub(super) pause: core::cell::RefCell<super::cursor::Pause>,
}

impl Disk {
    #[cfg(test)]
    fn fault(&self) -> io::Result<()> {
        match self.fail_in.get() {
            Some(0) => Err(io::Error::other("planted fault")),
            left => {
                self.fail_in.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests plant faults here")]
    fn fault(&self) -> io::Result<()> {
        Ok(())
    }

    /// Creates a file of `bytes`, allocated in full.
    pub(super) fn create(&self, path: &Path, bytes: u64) -> Result<File, FileError> {
        self.fault().map_err(failed(FileStep::Create, path, 0))?;
        let file = folder::create(path)?;
        self.fault().and_then(|()| allocate(&file, bytes)).map_err(failed(
            FileStep::Allocate,
            path,
            0,
        ))?;
        Ok(file)
    }

    /// Writes all of `bytes` at `offset`.
    pub(super) fn write(
        &self,
        file: &File,
        path: &Path,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), FileError> {
        self.fault().and_then(|()| file.write_all_at(bytes, offset)).map_err(failed(
            FileStep::Write,
            path,
            offset,
        ))
    }

    /// Waits until the data of a file is on the disk.
    pub(super) fn sync(&self, file: &File, path: &Path) -> Result<(), FileError> {
        self.fault().and_then(|()| file.sync_data()).map_err(failed(FileStep::Sync, path, 0))
    }

    /// Waits until the names in a folder are on the disk.
    pub(super) fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        self.fault().map_err(failed(FileStep::Sync, path, 0))?;
        folder::sync_folder(path)
    }

    /// Cuts a file to `bytes` and waits for the disk.
    pub(super) fn cut(&self, file: &File, path: &Path, bytes: u64) -> Result<(), FileError> {
        self.fault().and_then(|()| file.set_len(bytes)).map_err(failed(
            FileStep::Rename,
            path,
            bytes,
        ))?;
        self.fault().and_then(|()| file.sync_all()).map_err(failed(FileStep::Sync, path, 0))
    }
}

/// Allocates the full length, so that a full disk is met here and not in the middle of a segment.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Err(Errno::INTR) => {}
            // No fallocate here: the length alone; a full disk then shows at a write, as an error.
            Err(Errno::OPNOTSUPP) => return file.set_len(bytes),
            done => return Ok(done?),
        }
    }
}
