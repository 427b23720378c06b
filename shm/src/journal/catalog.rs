//! What a journal holds, as its folders tell it.
#![forbid(unsafe_code)]

use super::cursor::{LaneReader, open_if_there, read_at};
use super::folder::{self, FileError};
use super::header::LaneSeq;
use super::marks::{Marks, MarksError};
use super::position::Position;
use super::segment::{Damage, FIRST, Origin, parse_head};
use core::fmt;
use rustix::fs::OFlags;
use std::path::{Path, PathBuf};

/// Why a lane cannot be read on.
#[derive(Debug)]
pub enum ReadError {
    /// A file could not be read.
    File(FileError),
    /// The durable marks, which tell damage from a torn tail, are not known.
    Marks(MarksError),
    /// A record at or below the durable mark is bad: the journal is corrupt. Set the file aside.
    Corrupt {
        /// The segment file.
        path: PathBuf,
        /// Byte offset of the record.
        offset: u64,
        /// The record.
        seq: LaneSeq,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A record above the durable mark is bad: the tail a power cut tore. The lane ends before it;
    /// a start cuts it off.
    Torn {
        /// The segment file.
        path: PathBuf,
        /// Byte offset of the record.
        offset: u64,
        /// The record.
        seq: LaneSeq,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The segment was removed (retention): start again from [`Journal::first`].
    Removed(PathBuf),
    /// There is no such lane in this epoch.
    NoLane {
        /// The epoch.
        epoch: u16,
        /// The lane.
        lane: u16,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(out),
            Self::Marks(error) => error.fmt(out),
            Self::Corrupt { path, offset, seq, damage } => write!(
                out,
                "{} is corrupt at byte {offset}, record {}: {damage}; it was durable: set the file \
                 aside and restore it",
                path.display(),
                seq.0
            ),
            Self::Torn { path, offset, seq, damage } => write!(
                out,
                "{} ends torn at byte {offset}, record {}: {damage}; it was not yet durable: the \
                 next engine start cuts it off",
                path.display(),
                seq.0
            ),
            Self::Removed(path) => write!(
                out,
                "{} has been removed: read on from the oldest segment there is",
                path.display()
            ),
            Self::NoLane { epoch, lane } => {
                write!(out, "the journal has no lane {lane} in epoch {epoch}")
            }
        }
    }
}

impl core::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Marks(error) => Some(error),
            _ => None,
        }
    }
}

impl From<FileError> for ReadError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// The journal of one `dir`, read-only.
#[derive(Clone, Debug)]
pub struct Journal {
    dir: PathBuf,
}

impl Journal {
    /// Opens the journal in `dir` (the engine's `dir`). Nothing need be there yet.
    ///
    /// # Errors
    /// [`FileError`] when the folder cannot be listed.
    pub fn open(dir: &Path) -> Result<Self, FileError> {
        let journal = Self { dir: dir.to_path_buf() };
        journal.epochs()?;
        Ok(journal)
    }

    /// The engine starts that left records on the disk, rising.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn epochs(&self) -> Result<Vec<u16>, FileError> {
        folder::small_numbers(&folder::journal(&self.dir), "epoch-")
    }

    /// The lanes of an epoch, rising.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn lanes(&self, epoch: u16) -> Result<Vec<u16>, FileError> {
        folder::small_numbers(&folder::epoch(&self.dir, epoch), "lane-")
    }

    /// Where live segments lie, if `dir/hot` leads anywhere.
    #[must_use]
    pub fn hot_dir(&self) -> Option<PathBuf> {
        std::fs::canonicalize(folder::hot(&self.dir)).ok()
    }

    /// How far the lanes of an epoch are durable.
    ///
    /// # Errors
    /// [`MarksError`].
    pub fn marks(&self, epoch: u16) -> Result<Marks, MarksError> {
        Marks::read(&self.dir, epoch)
    }

    /// The oldest place of a lane that is still there.
    ///
    /// # Errors
    /// [`ReadError`]: unreadable, or its oldest segment is damaged.
    pub fn first(&self, epoch: u16, lane: u16) -> Result<Position, ReadError> {
        let numbers = folder::numbers(&folder::lane(&self.dir, epoch, lane), "", ".seg")?;
        match numbers.first() {
            None | Some(0) => Ok(Position::start(epoch, lane)),
            Some(&segment) => {
                let path = folder::segment(&self.dir, epoch, lane, segment);
                let file = folder::open(&path, OFlags::RDONLY)?;
                let mut bytes = [0; FIRST];
                let got = read_at(&file, &path, 0, &mut bytes)?;
                let head = parse_head(bytes.get(..got).unwrap_or_default(), Origin::Archive);
                let head = head.map_err(|damage| ReadError::Corrupt {
                    path,
                    offset: 0,
                    seq: LaneSeq::NONE,
                    damage,
                })?;
                let seq = LaneSeq(head.first_seq.saturating_sub(1));
                Ok(Position { segment, seq, ..Position::start(epoch, lane) })
            }
        }
    }

    /// A reader of one lane of one epoch, from its oldest record on.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::NoLane`] when the engine never made that lane.
    pub fn reader(&self, epoch: u16, lane: u16) -> Result<LaneReader, ReadError> {
        if !folder::exists(&folder::lane(&self.dir, epoch, lane)) {
            return Err(ReadError::NoLane { epoch, lane });
        }
        Ok(self.reader_at(self.first(epoch, lane)?))
    }

    /// A reader that goes on where another stood.
    #[must_use]
    pub fn reader_at(&self, position: Position) -> LaneReader {
        LaneReader::new(self.dir.clone(), position)
    }

    /// Hash of the record layouts, as the writer of a lane gave it; `None` while nothing is there.
    /// A reader that was built for another layout stops here.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn layout_hash(&self, epoch: u16, lane: u16) -> Result<Option<u64>, ReadError> {
        let numbers = folder::numbers(&folder::lane(&self.dir, epoch, lane), "", ".seg")?;
        let archived =
            numbers.first().map(|&number| folder::segment(&self.dir, epoch, lane, number));
        let hot = folder::hot_segment(&folder::hot(&self.dir), lane, 0);
        for (path, origin) in
            archived.map(|path| (path, Origin::Archive)).into_iter().chain([(hot, Origin::Hot)])
        {
            let Some(file) = open_if_there(&path)? else { continue };
            let mut bytes = [0; FIRST];
            let got = read_at(&file, &path, 0, &mut bytes)?;
            match parse_head(bytes.get(..got).unwrap_or_default(), origin) {
                Ok(head) if head.epoch == epoch => return Ok(Some(head.layout_hash)),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }
}
