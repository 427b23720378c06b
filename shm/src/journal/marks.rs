//! The marks: how far each lane of an epoch is known to be on the disk, in one file.
//!
//! ```text
//!   0           4096 (or more)        two slots, written in turn: a torn write spoils one of them
//!   | slot 0    | slot 1    |         slot = head 32 | mark 32 | mark 32 | ...
//! ```
#![forbid(unsafe_code)]

use super::disk::Disk;
use super::folder::{self, FileError, FileStep, failed};
use super::header::{LAYOUT_VERSION, LaneSeq};
use core::fmt;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const MAGIC: [u8; 8] = *b"WLMARKS\0";
/// Slots grow in steps of this many bytes.
const SLOT_STEP: usize = 4096;

/// How far one lane is durable.
///
/// # Layout
/// 32 bytes: `lane` 0, `seq` 8, `number` 16, `offset` 24.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Mark {
    /// The lane.
    pub lane: u16,
    /// 0.
    pub _reserved: [u8; 6],
    /// Its last durable record.
    pub seq: LaneSeq,
    /// The segment that the next record goes into.
    pub number: u64,
    /// Offset of the next record in that segment.
    pub offset: u64,
}

const _: () = assert!(size_of::<Mark>() == 32);

impl Mark {
    /// The mark at a place of a lane.
    pub(super) const fn new(lane: u16, seq: LaneSeq, number: u64, offset: usize) -> Self {
        Self { lane, _reserved: [0; 6], seq, number, offset: offset as u64 }
    }

    /// The place: segment and offset in it.
    pub(super) const fn place(&self) -> (u64, u64) {
        (self.number, self.offset)
    }
}

/// # Layout
/// 32 bytes: `magic` 0, `layout` 8, `crc` 12 (CRC32C of head and marks, this field 0),
/// `generation` 16, `epoch` 24, `lanes` 26.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Head {
    magic: [u8; 8],
    layout: u32,
    crc: u32,
    generation: u64,
    epoch: u16,
    lanes: u16,
    _reserved: u32,
}

const HEAD_BYTES: usize = size_of::<Head>();
const _: () = assert!(HEAD_BYTES == 32);

/// The marks of one epoch, as read from its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Rises with each write.
    generation: u64,
    marks: Vec<Mark>,
}

/// Why the marks of an epoch are not known.
#[derive(Debug)]
pub enum MarksError {
    /// The file could not be read.
    File(FileError),
    /// The file is there, but neither slot is whole.
    Damaged(PathBuf),
}

impl fmt::Display for MarksError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(out),
            Self::Damaged(path) => write!(
                out,
                "{}: neither copy of the durable marks is whole; what was durable is unknown \
                 (restore the file, or start with the override that accepts the journal as it is)",
                path.display()
            ),
        }
    }
}

impl core::error::Error for MarksError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Damaged(_) => None,
        }
    }
}

impl Marks {
    /// Reads the marks of an epoch of `dir`; empty when nothing was ever synced.
    ///
    /// # Errors
    /// [`MarksError`]: unreadable, or damaged beyond its second copy.
    pub fn read(dir: &Path, epoch: u16) -> Result<Self, MarksError> {
        let path = folder::marks(dir, epoch);
        if !folder::exists(&path) {
            return Ok(Self::default());
        }
        let mut bytes = Vec::new();
        folder::open(&path, OFlags::RDONLY)
            .and_then(|mut file| {
                file.read_to_end(&mut bytes).map_err(failed(FileStep::Read, &path, 0))
            })
            .map_err(MarksError::File)?;
        if bytes.iter().all(|&byte| byte == 0) {
            // Created, and never written: it is synced before the first record is.
            return Ok(Self::default());
        }
        let (first, second) = bytes.split_at(bytes.len() / 2);
        [first, second]
            .into_iter()
            .filter_map(|slot| Self::parse(slot, epoch))
            .max_by_key(|marks| marks.generation)
            .ok_or(MarksError::Damaged(path))
    }

    /// The last durable record of a lane; [`LaneSeq::NONE`] when there is none.
    #[must_use]
    pub fn durable(&self, lane: u16) -> LaneSeq {
        self.get(lane).map_or(LaneSeq::NONE, |mark| mark.seq)
    }

    /// The mark of a lane.
    #[must_use]
    pub fn get(&self, lane: u16) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.lane == lane)
    }

    /// All marks.
    #[must_use]
    pub fn all(&self) -> &[Mark] {
        &self.marks
    }

    /// Sets the mark of a lane.
    pub(super) fn set(&mut self, mark: Mark) {
        match self.marks.iter_mut().find(|known| known.lane == mark.lane) {
            Some(known) => *known = mark,
            None => self.marks.push(mark),
        }
    }

    /// Replaces the whole file: for a recovery, not for a live archiver.
    pub(super) fn replace(&mut self, dir: &Path, epoch: u16) -> Result<(), FileError> {
        self.generation += 1;
        let slot = slot_bytes(self.marks.len());
        let mut bytes = self.image(epoch);
        bytes.resize(slot, 0);
        let copy = bytes.clone();
        bytes.extend(copy);
        folder::replace(&folder::marks(dir, epoch), &bytes)
    }

    fn image(&self, epoch: u16) -> Vec<u8> {
        let lanes = u16::try_from(self.marks.len()).unwrap_or(u16::MAX);
        let generation = self.generation;
        let layout = LAYOUT_VERSION;
        let mut head =
            Head { magic: MAGIC, layout, crc: 0, generation, epoch, lanes, _reserved: 0 };
        head.crc = crc32c::crc32c_append(
            crc32c::crc32c(head.as_bytes()),
            self.marks.as_slice().as_bytes(),
        );
        [head.as_bytes(), self.marks.as_slice().as_bytes()].concat()
    }

    fn parse(slot: &[u8], epoch: u16) -> Option<Self> {
        let (head, rest) = Head::read_from_prefix(slot).ok()?;
        let marks = rest.get(..usize::from(head.lanes) * size_of::<Mark>())?;
        let crc = crc32c::crc32c_append(crc32c::crc32c(Head { crc: 0, ..head }.as_bytes()), marks);
        let known = head.magic == MAGIC && head.layout == LAYOUT_VERSION;
        if !known || head.epoch != epoch || head.crc != crc {
            return None;
        }
        let marks = <[Mark]>::ref_from_bytes(marks).ok().map(<[Mark]>::to_vec).or_else(|| {
            // Not aligned in memory: one by one.
            marks.chunks(size_of::<Mark>()).map(|mark| Mark::read_from_bytes(mark).ok()).collect()
        })?;
        Some(Self { generation: head.generation, marks })
    }
}

fn slot_bytes(lanes: usize) -> usize {
    (HEAD_BYTES + lanes * size_of::<Mark>()).next_multiple_of(SLOT_STEP)
}

/// The marks file of a live archiver.
#[derive(Debug)]
pub(super) struct MarksFile {
    file: File,
    path: PathBuf,
    epoch: u16,
    marks: Marks,
    slot_bytes: usize,
    /// Written since the last sync of the file.
    dirty: bool,
}

impl MarksFile {
    /// Creates the file of a new epoch, all lanes at their start.
    pub(super) fn create(
        dir: &Path,
        epoch: u16,
        marks: Vec<Mark>,
        disk: &Disk,
    ) -> Result<Self, FileError> {
        let path = folder::marks(dir, epoch);
        let slot_bytes = slot_bytes(marks.len());
        let file = disk.create(&path, 2 * slot_bytes as u64)?;
        let marks = Marks { generation: 0, marks };
        let mut created = Self { file, path, epoch, marks, slot_bytes, dirty: false };
        created.write(disk)?;
        created.sync(disk)?;
        Ok(created)
    }

    pub(super) fn set(&mut self, mark: Mark) {
        self.marks.set(mark);
    }

    /// Writes the marks into the older slot.
    pub(super) fn write(&mut self, disk: &Disk) -> Result<(), FileError> {
        self.marks.generation += 1;
        let slot = self.marks.generation % 2 * self.slot_bytes as u64;
        self.dirty = true;
        disk.write(&self.file, &self.path, &self.marks.image(self.epoch), slot)
    }

    /// Waits until the last write is on the disk.
    pub(super) fn sync(&mut self, disk: &Disk) -> Result<(), FileError> {
        if self.dirty {
            disk.sync(&self.file, &self.path)?;
            self.dirty = false;
        }
        Ok(())
    }
}
