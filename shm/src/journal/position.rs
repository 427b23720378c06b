//! Where a reader stands, and how it remembers that.
#![forbid(unsafe_code)]

use super::folder::{self, FileError, FileStep, failed};
use super::header::{LAYOUT_VERSION, LaneSeq};
use super::segment::FIRST;
use core::fmt;
use rustix::fs::OFlags;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const MAGIC: [u8; 8] = *b"WLCURSOR";

/// A place between two records of a lane: everything before it has been read.
///
/// # Layout
/// 32 bytes: `epoch` 0, `lane` 2, `_reserved` 4, `segment` 8, `offset` 16, `seq` 24.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct Position {
    /// The engine start.
    pub epoch: u16,
    /// The lane.
    pub lane: u16,
    /// 0.
    pub _reserved: u32,
    /// Segment number.
    pub segment: u64,
    /// Byte offset of the next record in the segment.
    pub offset: u64,
    /// The last record before; [`LaneSeq::NONE`] at the start of a lane.
    pub seq: LaneSeq,
}

const _: () = assert!(size_of::<Position>() == 32);

impl Position {
    /// The start of a lane.
    #[must_use]
    pub const fn start(epoch: u16, lane: u16) -> Self {
        Self { epoch, lane, _reserved: 0, segment: 0, offset: FIRST as u64, seq: LaneSeq::NONE }
    }
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Head {
    magic: [u8; 8],
    layout: u32,
    /// CRC32C of the positions.
    crc: u32,
}

/// Why a cursor file could not be used.
#[derive(Debug)]
pub enum CursorError {
    /// It could not be read or written.
    File(FileError),
    /// It is not a cursor file of this layout, or is damaged.
    Damaged(PathBuf),
}

impl fmt::Display for CursorError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(out),
            Self::Damaged(path) => write!(
                out,
                "{} is not a cursor of this layout or is damaged: remove it to read the journal \
                 from its start again",
                path.display()
            ),
        }
    }
}

impl core::error::Error for CursorError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Damaged(_) => None,
        }
    }
}

/// A reader's places, kept in a file over restarts and power cuts: after a save either the old or
/// the new places are there, never a mixture.
#[derive(Clone, Debug)]
pub struct DurableCursor {
    path: PathBuf,
    positions: Vec<Position>,
}

impl DurableCursor {
    /// Reads the file; no places when there is none yet.
    ///
    /// # Errors
    /// [`CursorError`].
    pub fn load(path: &Path) -> Result<Self, CursorError> {
        let path = path.to_path_buf();
        if !folder::exists(&path) {
            return Ok(Self { path, positions: Vec::new() });
        }
        let mut bytes = Vec::new();
        folder::open(&path, OFlags::RDONLY)
            .and_then(|mut file| {
                file.read_to_end(&mut bytes).map_err(failed(FileStep::Read, &path, 0))
            })
            .map_err(CursorError::File)?;
        match Self::parse(&bytes) {
            Some(positions) => Ok(Self { path, positions }),
            None => Err(CursorError::Damaged(path)),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Vec<Position>> {
        let (head, rest) = Head::read_from_prefix(bytes).ok()?;
        let sound = head.magic == MAGIC
            && head.layout == LAYOUT_VERSION
            && head.crc == crc32c::crc32c(rest)
            && rest.len().is_multiple_of(size_of::<Position>());
        if !sound {
            return None;
        }
        rest.chunks(size_of::<Position>())
            .map(|bytes| Position::read_from_bytes(bytes).ok())
            .collect()
    }

    /// The place in a lane of an epoch, if there is one.
    #[must_use]
    pub fn get(&self, epoch: u16, lane: u16) -> Option<Position> {
        self.positions.iter().find(|at| (at.epoch, at.lane) == (epoch, lane)).copied()
    }

    /// All places.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Sets the place in a lane; kept by the next [`DurableCursor::save`].
    pub fn set(&mut self, position: Position) {
        let same = |at: &&mut Position| (at.epoch, at.lane) == (position.epoch, position.lane);
        match self.positions.iter_mut().find(same) {
            Some(known) => *known = position,
            None => self.positions.push(position),
        }
    }

    /// Forgets all places in epochs before `epoch`.
    pub fn forget_before(&mut self, epoch: u16) {
        self.positions.retain(|at| at.epoch >= epoch);
    }

    /// Writes the file: beside, synced, renamed, folder synced.
    ///
    /// # Errors
    /// [`CursorError::File`]; the old file stands.
    pub fn save(&self) -> Result<(), CursorError> {
        let positions = self.positions.as_slice().as_bytes();
        let head = Head { magic: MAGIC, layout: LAYOUT_VERSION, crc: crc32c::crc32c(positions) };
        folder::replace(&self.path, &[head.as_bytes(), positions].concat())
            .map_err(CursorError::File)
    }
}
