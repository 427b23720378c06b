//! What a start does first: bring to the disk what a dead process left in memory.
#![forbid(unsafe_code)]

use super::folder::{self, FileError, FileStep, failed};
use super::header::{LaneSeq, NUMBER_NONE, RECORD_ALIGN, SegmentHeader};
use super::marks::{Mark, Marks, MarksError};
use super::segment::{Damage, Extent, FIRST, Found, Origin, parse_head, seal, seal_head, walk};
use core::fmt;
use rustix::fs::OFlags;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Why what is left in memory could not be archived. `hot_dir` is as it was.
#[derive(Debug)]
pub enum RecoverError {
    /// A file could not be read or written.
    File(FileError),
    /// The marks of the epoch are not known.
    Marks(MarksError),
    /// A hot segment is not one of this layout, or does not fit its lane.
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Byte offset of what is wrong.
        offset: u64,
        /// What is wrong.
        damage: Damage,
    },
    /// Between the disk and the oldest segment in memory one is missing.
    Gap(PathBuf),
}

impl fmt::Display for RecoverError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(out),
            Self::Marks(error) => error.fmt(out),
            Self::Damaged { path, offset, damage } => write!(
                out,
                "hot segment {} is not usable at byte {offset}: {damage}; move it away to start \
                 with what is on the disk",
                path.display()
            ),
            Self::Gap(path) => write!(
                out,
                "{} is neither on the disk nor in memory: restore it, or move the hot lane away to \
                 start with what is on the disk",
                path.display()
            ),
        }
    }
}

impl core::error::Error for RecoverError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Marks(error) => Some(error),
            Self::Damaged { .. } | Self::Gap(_) => None,
        }
    }
}

impl From<FileError> for RecoverError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// What was brought to the disk of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The engine start that wrote it.
    pub epoch: u16,
    /// The lane.
    pub lane: u16,
    /// Durable before.
    pub before: LaneSeq,
    /// Durable now: the last record of the lane.
    pub last: LaneSeq,
    /// Segments written.
    pub segments: u32,
    /// Where the lane was cut although something stood behind: path, byte offset and why.
    pub cut: Option<(PathBuf, u64, Damage)>,
}

/// A hot segment that holds something.
struct Hot {
    path: PathBuf,
    head: SegmentHeader,
    bytes: Vec<u8>,
}

/// Archives all committed records that `hot_dir` holds and `dir` lacks, of whatever epoch, syncs,
/// and moves the marks to the ends. A lane is cut at its first commit word that is 0 or does not
/// continue the chain. Does nothing the second time.
///
/// No process may be writing in `hot_dir`: the caller holds its single-instance lock.
///
/// # Errors
/// [`RecoverError`]; `hot_dir` is as it was, and the call can be repeated.
pub fn recover_hot(hot_dir: &Path, dir: &Path) -> Result<Vec<Recovered>, RecoverError> {
    let mut found: BTreeMap<(u16, u16), Vec<Hot>> = BTreeMap::new();
    for lane in folder::small_numbers(hot_dir, "lane-")? {
        for slot in folder::numbers(&folder::hot_lane(hot_dir, lane), "seg-", "")? {
            if let Some(hot) = read_hot(hot_dir, lane, slot)? {
                found.entry((hot.head.epoch, lane)).or_default().push(hot);
            }
        }
    }
    let mut recovered = Vec::new();
    let mut marks: BTreeMap<u16, (Marks, bool)> = BTreeMap::new();
    for ((epoch, lane), mut segments) in found {
        segments.sort_by_key(|hot| hot.head.number);
        if let std::collections::btree_map::Entry::Vacant(entry) = marks.entry(epoch) {
            entry.insert((Marks::read(dir, epoch).map_err(RecoverError::Marks)?, false));
        }
        let Some((marks, moved)) = marks.get_mut(&epoch) else { continue };
        let start = Mark::new(lane, LaneSeq::NONE, 0, 0);
        let before = marks.get(lane).copied().unwrap_or(start);
        let (report, end) = archive_lane(dir, segments, before)?;
        // A lane without a record, made by a process that died at once, leaves nothing: no folder
        // either.
        let is_ahead = |end: &Mark| end.seq > LaneSeq::NONE && end.place() > before.place();
        if let Some(end) = end.filter(is_ahead) {
            marks.set(end);
            *moved = true;
        }
        recovered.push(report);
    }
    for (epoch, (mut marks, moved)) in marks {
        if moved {
            marks.replace(dir, epoch)?;
        }
    }
    Ok(recovered)
}

/// Reads one hot segment; `None` when it is not in use.
fn read_hot(hot_dir: &Path, lane: u16, slot: u64) -> Result<Option<Hot>, RecoverError> {
    let path = folder::hot_segment(hot_dir, lane, slot);
    let mut bytes = Vec::new();
    folder::open(&path, OFlags::RDONLY)?.read_to_end(&mut bytes).map_err(failed(
        FileStep::Read,
        &path,
        0,
    ))?;
    let blank = bytes.get(..FIRST).is_none_or(|head| head.iter().all(|&byte| byte == 0));
    let unused = SegmentHeader::read_from_prefix(&bytes)
        .is_ok_and(|(head, _)| head.magic == super::SEGMENT_MAGIC && head.number == NUMBER_NONE);
    if blank || unused {
        return Ok(None);
    }
    let damaged =
        |damage, path: &Path| RecoverError::Damaged { path: path.to_path_buf(), offset: 0, damage };
    let head = parse_head(&bytes, Origin::Hot).map_err(|damage| damaged(damage, &path))?;
    let fits = head.lane == lane
        && head.bytes == bytes.len() as u64
        && head.number % u64::from(head.segments) == slot;
    if fits { Ok(Some(Hot { path, head, bytes })) } else { Err(damaged(Damage::Misplaced, &path)) }
}

/// Archives the segments of one lane, in the order of their numbers; the report, and where the lane
/// ends.
fn archive_lane(
    dir: &Path,
    segments: Vec<Hot>,
    mark: Mark,
) -> Result<(Recovered, Option<Mark>), RecoverError> {
    let (lane, before) = (mark.lane, mark.seq);
    let epoch = segments.first().map_or(0, |hot| hot.head.epoch);
    let mut report = Recovered { epoch, lane, before, last: before, segments: 0, cut: None };
    let mut end: Option<Mark> = None;
    let mut next_number = None;
    for mut hot in segments {
        let number = hot.head.number;
        check_gap(dir, epoch, lane, next_number.unwrap_or(number.saturating_sub(1)), number)?;
        next_number = Some(number + 1);
        let last = LaneSeq(hot.head.first_seq.saturating_sub(1));
        let extent = walk(&hot.bytes, FIRST, last, Origin::Hot);
        if let Some(end) = end.filter(|end| end.number < number) {
            // The lane ended in the segment before, whose successor had just been made ready.
            if extent.records > 0 || end.seq != last {
                return Err(RecoverError::Damaged {
                    path: hot.path,
                    offset: FIRST as u64,
                    damage: Damage::Misplaced,
                });
            }
            continue;
        }
        if let Found::Bad(damage) = extent.end {
            report.cut = Some((hot.path.clone(), (FIRST + extent.bytes) as u64, damage));
        }
        let rolled = extent.end == Found::Roll;
        let after = if rolled { (number + 1, FIRST) } else { (number, FIRST + extent.bytes) };
        let here = Mark::new(lane, extent.seq, after.0, after.1);
        let there = folder::exists(&folder::segment(dir, epoch, lane, number));
        let new = here.place() > mark.place() || !there;
        if new && (rolled || extent.records > 0) {
            write_segment(dir, &mut hot, &extent)?;
            report.segments += 1;
        }
        report.last = report.last.max(extent.seq);
        end = Some(here);
    }
    Ok((report, end))
}

/// Whether the segments `from..to`, which memory does not hold, are on the disk.
fn check_gap(dir: &Path, epoch: u16, lane: u16, from: u64, to: u64) -> Result<(), RecoverError> {
    for number in from..to {
        let path = folder::segment(dir, epoch, lane, number);
        if !folder::exists(&path) {
            return Err(RecoverError::Gap(path));
        }
    }
    Ok(())
}

/// Writes one segment as it is archived, whole: beside, synced, renamed.
fn write_segment(dir: &Path, hot: &mut Hot, extent: &Extent) -> Result<(), FileError> {
    let roll = if extent.end == Found::Roll { RECORD_ALIGN } else { 0 };
    let head = seal_head(&hot.head);
    hot.bytes.truncate(FIRST + extent.bytes + roll);
    if let Some((first, records)) = hot.bytes.split_at_mut_checked(FIRST) {
        first.copy_from_slice(head.as_bytes());
        seal(records);
    }
    folder::create_folder(&folder::lane(dir, head.epoch, head.lane))?;
    for folder in [folder::epoch(dir, head.epoch), folder::journal(dir), dir.to_path_buf()] {
        folder::sync_folder(&folder)?;
    }
    folder::replace(&folder::segment(dir, head.epoch, head.lane, head.number), &hot.bytes)
}
