//! The number of an engine start: on the disk before the first send, so that no id ever comes back.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_macros, reason = "cold: before start")]

use super::folder::{self, FileError, FileStep, failed};
use super::header::{SEGMENT_MAGIC, SegmentHeader};
use core::fmt;
use rustix::fs::OFlags;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zerocopy::FromBytes as _;

/// Why there is no next epoch.
#[derive(Debug)]
pub enum EpochError {
    /// A file could not be read or written.
    File(FileError),
    /// The epoch file holds no number.
    Damaged(PathBuf),
    /// 65,535 has been used.
    Exhausted(PathBuf),
}

impl fmt::Display for EpochError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(out),
            Self::Damaged(path) => write!(
                out,
                "{} holds no epoch: write into it a number above every epoch ever used here",
                path.display()
            ),
            Self::Exhausted(path) => write!(
                out,
                "{}: all 65,535 epochs are used; start with a new directory and a new client id \
                 prefix at the venue",
                path.display()
            ),
        }
    }
}

impl core::error::Error for EpochError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Damaged(_) | Self::Exhausted(_) => None,
        }
    }
}

impl From<FileError> for EpochError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// The number of the coming start: 1 + the highest in `dir/epoch`, in the journal of `dir` and in
/// `hot_dir`, and never below `hours_since_2026` (hours since 2026-01-01 00:00 UTC, saturating), so
/// that even a lost directory does not bring an id back. Nothing is written: a start that comes to
/// nothing uses no number up. The caller holds the single-instance lock, and calls [`keep_epoch`]
/// before anything is sent.
///
/// # Errors
/// [`EpochError`]; nothing may be sent.
pub fn coming_epoch(dir: &Path, hot_dir: &Path, hours_since_2026: u64) -> Result<u16, EpochError> {
    let path = dir.join("epoch");
    let highest = [written(&path)?, in_journal(dir)?, in_memory(hot_dir)?].into_iter().max();
    let Some(next) = highest.unwrap_or(0).checked_add(1) else {
        return Err(EpochError::Exhausted(path));
    };
    Ok(next.max(u16::try_from(hours_since_2026).unwrap_or(u16::MAX)))
}

/// Uses a number up: it is written and synced, with its folder, before the call returns (C2).
///
/// # Errors
/// [`EpochError`]; nothing may be sent.
pub fn keep_epoch(dir: &Path, epoch: u16) -> Result<(), EpochError> {
    folder::create_folder(dir)?;
    Ok(folder::replace(&dir.join("epoch"), format!("{epoch}\n").as_bytes())?)
}

/// The number in the epoch file; 0 when there is none.
fn written(path: &Path) -> Result<u16, EpochError> {
    if !folder::exists(path) {
        return Ok(0);
    }
    let mut text = Vec::new();
    folder::open(path, OFlags::RDONLY)?.take(64).read_to_end(&mut text).map_err(failed(
        FileStep::Read,
        path,
        0,
    ))?;
    let number = core::str::from_utf8(&text).ok().and_then(|text| {
        let digits = text.strip_suffix('\n')?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    });
    number.ok_or_else(|| EpochError::Damaged(path.to_path_buf()))
}

/// The highest epoch that left a folder in the journal.
fn in_journal(dir: &Path) -> Result<u16, EpochError> {
    let epochs = folder::small_numbers(&folder::journal(dir), "epoch-")?;
    Ok(epochs.last().copied().unwrap_or(0))
}

/// The highest epoch in the segments of `hot_dir`.
fn in_memory(hot_dir: &Path) -> Result<u16, EpochError> {
    let mut highest = 0;
    for lane in folder::small_numbers(hot_dir, "lane-")? {
        for slot in folder::numbers(&folder::hot_lane(hot_dir, lane), "seg-", "")? {
            let path = folder::hot_segment(hot_dir, lane, slot);
            let mut bytes = Vec::new();
            folder::open(&path, OFlags::RDONLY)?
                .take(size_of::<SegmentHeader>() as u64)
                .read_to_end(&mut bytes)
                .map_err(failed(FileStep::Read, &path, 0))?;
            match SegmentHeader::read_from_bytes(&bytes) {
                Ok(head) if head.magic == SEGMENT_MAGIC => highest = highest.max(head.epoch),
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(highest)
}

#[cfg(test)]
mod tests {
    use super::super::{Lane, LaneSpec};
    use super::*;

    fn next_epoch(dir: &Path, hot: &Path, hours: u64) -> Result<u16, EpochError> {
        let epoch = coming_epoch(dir, hot, hours)?;
        assert_eq!(coming_epoch(dir, hot, hours).unwrap(), epoch, "to ask uses nothing up");
        keep_epoch(dir, epoch)?;
        Ok(epoch)
    }

    /// Goal: an epoch never comes back, whatever one of its three sources has lost. Method: remove
    /// them one by one.
    #[test]
    fn an_epoch_never_comes_back() {
        let temp = tempfile::tempdir().unwrap();
        let (dir, hot) = (temp.path().join("dir"), temp.path().join("hot"));
        let next = |hours| next_epoch(&dir, &hot, hours).unwrap();
        assert_eq!((next(0), next(0), next(0)), (1, 2, 3));
        assert_eq!((next(100), next(100), next(7)), (100, 101, 102));
        std::fs::remove_file(dir.join("epoch")).unwrap();
        std::fs::create_dir_all(dir.join("journal/epoch-00200")).unwrap();
        assert_eq!(next(0), 201);
        std::fs::remove_dir_all(&dir).unwrap();
        let spec =
            LaneSpec { lane: 5, epoch: 300, segment_bytes: 256, segments: 2, layout_hash: 0 };
        drop(Lane::create(&hot, spec).unwrap());
        assert_eq!((next(0), next(0)), (301, 302));
        std::fs::remove_dir_all(&hot).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!((next(5000), next(5000)), (5000, 5001));
    }

    /// Goal: no number is better than a wrong one.
    #[test]
    fn a_damaged_or_spent_epoch_file_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path();
        for text in ["", "\n", "12", "x\n", "+3\n", "70000\n", "12\n13\n"] {
            std::fs::write(dir.join("epoch"), text).unwrap();
            let error = next_epoch(dir, dir, 0).unwrap_err();
            assert!(matches!(error, EpochError::Damaged(_)), "{text:?}");
        }
        std::fs::write(dir.join("epoch"), "65534\n").unwrap();
        assert_eq!(next_epoch(dir, dir, u64::MAX).unwrap(), 65535);
        assert!(matches!(next_epoch(dir, dir, 0), Err(EpochError::Exhausted(_))));
    }
}
