//! Lanes over files on tmpfs: what a hot thread writes and what outlives the process.
#![forbid(unsafe_code)]

use super::folder::{self, FileError};
use super::lane::LaneWriter;
use super::shared::LaneSpec;
use super::tail::LaneTail;
use crate::map::{MapError, MappedFile, Options, Words};
use core::fmt;
use std::path::Path;
use std::sync::Arc;

/// Why a lane could not be made.
#[derive(Debug)]
pub enum CreateError {
    /// The sizes are out of range: see [`LaneSpec`].
    Spec(LaneSpec),
    /// Its folder could not be made or read.
    Folder(FileError),
    /// A segment could not be mapped. On [`crate::map::MapStep::Allocate`] take smaller segments,
    /// or another `hot_dir`.
    Map(MapError),
}

impl fmt::Display for CreateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec(spec) => write!(
                out,
                "journal lane {}: {} segments of {} bytes are out of range (2 to {} segments, {} \
                 bytes to 1 GiB in steps of 64)",
                spec.lane,
                spec.segments,
                spec.segment_bytes,
                LaneSpec::SEGMENTS_MAX,
                LaneSpec::SEGMENT_BYTES_MIN
            ),
            Self::Folder(error) => error.fmt(out),
            Self::Map(error) => error.fmt(out),
        }
    }
}

impl core::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Spec(_) => None,
            Self::Folder(error) => Some(error),
            Self::Map(error) => Some(error),
        }
    }
}

/// A lane, before its ends go to their threads.
#[derive(Debug)]
pub struct Lane {
    /// For the thread that owns the lane.
    pub writer: LaneWriter,
    /// For the archiver.
    pub tail: LaneTail,
    /// Whether every segment is locked in memory; if not, it is only touched.
    pub locked: bool,
}

impl Lane {
    /// Makes a lane in `hot_dir/lane-<l>`: allocates, maps, touches and locks its segments. Files
    /// of an earlier start are overwritten: archive them first with `recover_hot`. Before the hot
    /// threads start; the caller holds the single-instance lock of `hot_dir`.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn create(hot_dir: &Path, spec: LaneSpec) -> Result<Self, CreateError> {
        if !spec.is_valid() {
            return Err(CreateError::Spec(spec));
        }
        let folder = folder::hot_lane(hot_dir, spec.lane);
        folder::own_folder(&folder).map_err(CreateError::Folder)?;
        for slot in folder::numbers(&folder, "seg-", "").map_err(CreateError::Folder)? {
            if slot >= u64::from(spec.segments) {
                let path = folder::hot_segment(hot_dir, spec.lane, slot);
                folder::remove_if_there(&path).map_err(CreateError::Folder)?;
            }
        }
        let mut locked = true;
        let mut segments = Vec::new();
        for slot in 0..spec.segments {
            let path = folder::hot_segment(hot_dir, spec.lane, u64::from(slot));
            let file = Arc::new(take_or_make(&path, spec.segment_bytes)?);
            locked &= file.is_locked();
            segments.extend(Words::mapped(&file, 0, spec.segment_bytes / 8));
        }
        if segments.len() != spec.segments as usize {
            return Err(CreateError::Spec(spec));
        }
        let (writer, tail) = LaneWriter::over(segments.into_boxed_slice(), spec);
        Ok(Self { writer, tail, locked })
    }
}

/// Maps the file of an earlier start if it has the right length, else a new one.
fn take_or_make(path: &Path, bytes: usize) -> Result<MappedFile, CreateError> {
    if folder::exists(path) {
        match MappedFile::open_read_write(path, Options::HOT) {
            Ok(file) if file.len() == bytes => return Ok(file),
            Ok(_) | Err(_) => folder::remove_if_there(path).map_err(CreateError::Folder)?,
        }
    }
    MappedFile::create(path, bytes, Options::HOT).map_err(CreateError::Map)
}
