//! Reading a lane from anywhere: archived segments first, then the ones still in memory.
//!
//! A reader is an ordinary process that may be slow, stopped or killed: it takes no lock, holds
//! back no writer, and copies through the kernel (`pread`), so that a file cut short or removed
//! under it is an error and never a signal.
#![forbid(unsafe_code)]

use super::catalog::ReadError;
use super::folder::{self, FileError, FileStep, failed};
use super::header::{HEADER_BYTES, LaneSeq, RecordHeader, SegmentHeader, stride};
use super::marks::Marks;
use super::position::Position;
use super::segment::{Damage, Expected, FIRST, Found, Origin, check_head, parse_head, walk};
use super::shared::LaneSpec;
use crate::atomic::{Ordering, fence};
use rustix::fs::OFlags;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use zerocopy::FromBytes as _;

/// Bytes read at a time; a longer record is read whole.
const BLOCK_BYTES: usize = 64 << 10;
/// How often one call may find that a segment changed hands under it before it gives up for now.
const TRIES_MAX: u32 = 8;

/// A record as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'reader> {
    /// Its whole sequence number.
    pub seq: LaneSeq,
    /// Its head.
    pub header: RecordHeader,
    /// Body and payload.
    pub body: &'reader [u8],
}

/// A segment file a reader has open.
#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    number: u64,
}

/// What one look at a source gave.
enum Look {
    /// The block holds records, or a roll marker was passed: go on.
    Some,
    /// Nothing more is committed there.
    End,
    /// The segment is not there (any more).
    Elsewhere,
}

/// Reads the records of one lane of one epoch, in order, without a gap, live or at rest.
#[derive(Debug)]
pub struct LaneReader {
    dir: PathBuf,
    /// The place of the next record.
    at: Position,
    /// Whole records not handed out yet, from `start` on.
    block: Vec<u8>,
    start: usize,
    hot: Option<Open>,
    archive: Option<Open>,
    /// Called between the two copies of a hot segment.
    #[cfg(test)]
    pub(super) pause: Pause,
}

/// A point at which a test lets the writer go on.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Pause(pub(super) Option<Box<dyn FnMut() + Send>>);

#[cfg(test)]
impl core::fmt::Debug for Pause {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("Pause")
    }
}

#[cfg(test)]
impl Pause {
    pub(super) fn call(&mut self) {
        if let Some(act) = &mut self.0 {
            act();
        }
    }
}

impl LaneReader {
    pub(super) fn new(dir: PathBuf, at: Position) -> Self {
        Self {
            dir,
            at,
            block: Vec::new(),
            start: 0,
            hot: None,
            archive: None,
            #[cfg(test)]
            pause: Pause::default(),
        }
    }

    /// The next record; `None` when there is none yet (ask again) or the epoch is over (a later
    /// epoch exists). A lane is without gaps: what a reader missed in memory it reads from the
    /// disk.
    ///
    /// # Errors
    /// [`ReadError`]; the reader stays where it is and may be asked again.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if self.start >= self.block.len() && !self.fill()? {
            return Ok(None);
        }
        let rest = self.block.get(self.start..).unwrap_or_default();
        let Ok((header, _)) = RecordHeader::read_from_prefix(rest) else { return Ok(None) };
        let len = header.len as usize;
        let body = rest.get(HEADER_BYTES..len).unwrap_or_default();
        self.start += stride(len);
        self.at.offset += stride(len) as u64;
        self.at.seq = self.at.seq.next();
        Ok(Some(Record { seq: self.at.seq, header, body }))
    }

    /// The place of the next record: what a service saves once it has dealt with the one before.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// Fills the block from where the reader stands; whether it now holds a record.
    fn fill(&mut self) -> Result<bool, ReadError> {
        self.block.clear();
        self.start = 0;
        for _ in 0..TRIES_MAX {
            let look = match self.look_hot()? {
                Look::Elsewhere => self.look_archive()?,
                look => look,
            };
            match look {
                Look::Some if !self.block.is_empty() => return Ok(true),
                Look::Some => {}
                Look::End | Look::Elsewhere => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Looks into the hot segment that would hold the place.
    fn look_hot(&mut self) -> Result<Look, ReadError> {
        let keep = |open: &Open| open.number == self.at.segment && folder::has_name(&open.file);
        let open = match self.hot.take().filter(keep) {
            Some(open) => open,
            None => match self.open_hot()? {
                Some(open) => open,
                None => return Ok(Look::Elsewhere),
            },
        };
        if self.hot_head(&open)?.is_none() {
            return Ok(Look::Elsewhere);
        }
        // ORDERING: Acquire: the copy comes after the first look at the number; pairs with the
        // Release store of the number in `LaneWriter::head`.
        fence(Ordering::Acquire);
        let mut block = core::mem::take(&mut self.block);
        read_block(&open, self.at.offset, BLOCK_BYTES, &mut block)?;
        let mut extent = walk(&block, 0, self.at.seq, Origin::Hot);
        let want = match extent.end {
            _ if extent.bytes > 0 => extent.bytes,
            Found::Bad(Damage::Short) => first_len(&block),
            Found::Bad(_) => BLOCK_BYTES,
            Found::Record(_) | Found::Roll | Found::End => 0,
        };
        #[cfg(test)]
        self.pause.call();
        if want > 0 {
            // One copy has no order in itself: it may hold a commit word and, behind it, bytes from
            // before the commit. What it found committed is copied again, after.
            // ORDERING: Acquire: the commit words were read; pairs with the Release of `commit`.
            fence(Ordering::Acquire);
            read_block(&open, self.at.offset, want, &mut block)?;
            extent = walk(&block, 0, self.at.seq, Origin::Hot);
        }
        block.truncate(extent.bytes);
        // ORDERING: Acquire: the second look at the number comes after the copy; pairs with the
        // Release fence that follows the erasing of the number in `LaneWriter::head`.
        fence(Ordering::Acquire);
        let Some(_) = self.hot_head(&open)? else {
            block.clear();
            self.block = block;
            return Ok(Look::Elsewhere);
        };
        let path = open.path.clone();
        self.hot = Some(open);
        self.block = block;
        self.settle(extent.end, path)
    }

    /// Looks into the archived segment that holds the place.
    fn look_archive(&mut self) -> Result<Look, ReadError> {
        let keep = |open: &Open| open.number == self.at.segment && folder::has_name(&open.file);
        let open = match self.archive.take().filter(keep) {
            Some(open) => open,
            None => match self.open_archive()? {
                Some(open) => open,
                None => return Ok(Look::Elsewhere),
            },
        };
        let mut block = core::mem::take(&mut self.block);
        read_block(&open, self.at.offset, BLOCK_BYTES, &mut block)?;
        let mut extent = walk(&block, 0, self.at.seq, Origin::Archive);
        if extent.bytes == 0 && extent.end == Found::Bad(Damage::Short) {
            let len = first_len(&block);
            read_block(&open, self.at.offset, len, &mut block)?;
            extent = walk(&block, 0, self.at.seq, Origin::Archive);
        }
        block.truncate(extent.bytes);
        self.block = block;
        let path = open.path.clone();
        self.archive = Some(open);
        self.settle(extent.end, path)
    }

    /// What the end of a run of records means: with records before it, nothing yet.
    fn settle(&mut self, end: Found, path: PathBuf) -> Result<Look, ReadError> {
        if !self.block.is_empty() {
            return Ok(Look::Some);
        }
        match end {
            Found::Record(_) => Ok(Look::Some),
            Found::End => Ok(Look::End),
            Found::Roll => {
                self.at.segment += 1;
                self.at.offset = FIRST as u64;
                Ok(Look::Some)
            }
            Found::Bad(damage) => Err(self.bad(path, damage)),
        }
    }

    fn bad(&self, path: PathBuf, damage: Damage) -> ReadError {
        let (offset, seq) = (self.at.offset, self.at.seq.next());
        match Marks::read(&self.dir, self.at.epoch) {
            Err(error) => ReadError::Marks(error),
            Ok(marks) if marks.durable(self.at.lane) >= seq => {
                ReadError::Corrupt { path, offset, seq, damage }
            }
            Ok(_) => ReadError::Torn { path, offset, seq, damage },
        }
    }

    fn expected(&self) -> Expected {
        let first = self.at.offset == FIRST as u64;
        Expected {
            epoch: self.at.epoch,
            lane: self.at.lane,
            number: self.at.segment,
            first_seq: first.then(|| self.at.seq.next()),
        }
    }

    /// The header of an open hot segment; `None` unless it is the expected one now.
    fn hot_head(&self, open: &Open) -> Result<Option<SegmentHeader>, ReadError> {
        let mut bytes = [0; FIRST];
        let got = read_at(&open.file, &open.path, 0, &mut bytes)?;
        let head = parse_head(bytes.get(..got).unwrap_or_default(), Origin::Hot);
        Ok(head.ok().filter(|head| check_head(head, &self.expected()).is_ok()))
    }

    /// Opens the hot segment that would hold the place, if there is such a file.
    fn open_hot(&self) -> Result<Option<Open>, ReadError> {
        let hot = folder::hot(&self.dir);
        // Any segment's header says how many there are.
        let first = folder::hot_segment(&hot, self.at.lane, 0);
        let Some(file) = open_if_there(&first)? else { return Ok(None) };
        let mut bytes = [0; FIRST];
        let got = read_at(&file, &first, 0, &mut bytes)?;
        let Ok((head, _)) = SegmentHeader::read_from_prefix(bytes.get(..got).unwrap_or_default())
        else {
            return Ok(None);
        };
        if head.segments == 0 || head.segments > LaneSpec::SEGMENTS_MAX {
            return Ok(None);
        }
        let (number, slot) = (self.at.segment, self.at.segment % u64::from(head.segments));
        let path = folder::hot_segment(&hot, self.at.lane, slot);
        Ok(open_if_there(&path)?.map(|file| Open { file, path, number }))
    }

    /// Opens the archived segment and checks its header; `None` when it is not there yet.
    fn open_archive(&self) -> Result<Option<Open>, ReadError> {
        let Position { epoch, lane, segment: number, .. } = self.at;
        let path = folder::segment(&self.dir, epoch, lane, number);
        let Some(file) = open_if_there(&path)? else {
            let left = folder::numbers(&folder::lane(&self.dir, epoch, lane), "", ".seg")?;
            let removed = left.last().is_some_and(|&last| last > number);
            return if removed { Err(ReadError::Removed(path)) } else { Ok(None) };
        };
        let mut bytes = [0; FIRST];
        let got = read_at(&file, &path, 0, &mut bytes)?;
        let bytes = bytes.get(..got).unwrap_or_default();
        if bytes.iter().all(|&byte| byte == 0) {
            // Allocated, and nothing written yet.
            return Ok(None);
        }
        let head = parse_head(bytes, Origin::Archive)
            .and_then(|head| check_head(&head, &self.expected()))
            .map_err(|damage| self.bad(path.clone(), damage));
        head.map(|()| Some(Open { file, path, number }))
    }
}

/// The length a record at the start of a block states, within what a segment can hold.
fn first_len(block: &[u8]) -> usize {
    let len = u32::read_from_prefix(block).map_or(0, |(len, _)| len as usize);
    stride(len).min(LaneSpec::SEGMENT_BYTES_MAX)
}

/// Opens a file for reading; `None` when there is none.
pub(super) fn open_if_there(path: &Path) -> Result<Option<File>, FileError> {
    match folder::open(path, OFlags::RDONLY) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Reads up to `bytes` bytes from `offset` into `block`, fewer at the end of the file. The block
/// never grows beyond what the file holds.
fn read_block(
    open: &Open,
    offset: u64,
    bytes: usize,
    block: &mut Vec<u8>,
) -> Result<(), FileError> {
    let error = |source| failed(FileStep::Read, &open.path, offset)(source);
    let left = open.file.metadata().map_err(error)?.len().saturating_sub(offset);
    block.clear();
    block.resize(usize::try_from(left).map_or(bytes, |left| left.min(bytes)), 0);
    let got = read_at(&open.file, &open.path, offset, block)?;
    block.truncate(got);
    Ok(())
}

/// Reads until `into` is full or the file ends; how many bytes.
pub(super) fn read_at(
    file: &File,
    path: &Path,
    offset: u64,
    into: &mut [u8],
) -> Result<usize, FileError> {
    let mut got = 0;
    while let Some(rest) = into.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + got as u64) {
            Ok(0) => break,
            Ok(bytes) => got += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(FileStep::Read, path, offset)(error)),
        }
    }
    Ok(got)
}
