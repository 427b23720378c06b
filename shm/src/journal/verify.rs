//! Checking the journal on the disk: length, checksum and sequence of every record (C4).
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_macros, reason = "cold: names of files")]

use super::folder::{self, FileError, FileStep, failed};
use super::header::{HEADER_BYTES, LaneSeq, RECORD_ALIGN, RecordHeader, record_crc};
use super::marks::{Mark, Marks, MarksError};
use super::segment::{Damage, Expected, FIRST, Found, Origin, check_head, parse_head, walk};
use core::fmt;
use rustix::fs::OFlags;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zerocopy::FromBytes as _;

/// What a bad record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It was durable: corruption. Nothing starts over it.
    Corrupt,
    /// It was not: the tail that a power cut tore. Cut it.
    Torn,
}

/// The first bad record of a lane; nothing behind it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it means.
    pub kind: FaultKind,
    /// The engine start.
    pub epoch: u16,
    /// The lane.
    pub lane: u16,
    /// Segment number.
    pub number: u64,
    /// The segment file.
    pub path: PathBuf,
    /// Byte offset of the record in it.
    pub offset: u64,
    /// The record that should stand there.
    pub seq: LaneSeq,
    /// What is wrong.
    pub damage: Damage,
    /// Bytes behind the cut, in this and later segments, up to the last that is not 0.
    pub cut_bytes: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, offset, seq) = (self.path.display(), self.offset, self.seq.0);
        match self.kind {
            FaultKind::Corrupt => write!(
                out,
                "{path} is corrupt at byte {offset}, record {seq}: {}; it was durable: restore \
                 the segment from a copy, or set the folder aside and start with another engine.dir",
                self.damage
            ),
            FaultKind::Torn => write!(
                out,
                "{path} ends torn at byte {offset}, record {seq}: {}; {} bytes behind it are cut",
                self.damage, self.cut_bytes
            ),
        }
    }
}

/// What one lane of one epoch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneReport {
    /// The engine start.
    pub epoch: u16,
    /// The lane.
    pub lane: u16,
    /// Segments read.
    pub segments: u64,
    /// Good records.
    pub records: u64,
    /// Bytes of good records, headers and padding counted.
    pub bytes: u64,
    /// The last good record.
    pub last: LaneSeq,
    /// The durable mark.
    pub durable: LaneSeq,
    /// The first bad record, if there is one.
    pub fault: Option<Fault>,
}

/// What `verify` found.
#[derive(Debug, Default)]
pub struct Report {
    /// By epoch and lane.
    pub lanes: Vec<LaneReport>,
    /// Epochs whose marks are not known: nothing of them can be told apart. As bad as corruption.
    pub marks: Vec<MarksError>,
}

impl Report {
    /// Whether all records that were durable are there and good. A torn tail is not damage.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.marks.is_empty() && self.faults().all(|fault| fault.kind == FaultKind::Torn)
    }

    /// The first bad record of each lane that has one.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.lanes.iter().filter_map(|lane| lane.fault.as_ref())
    }
}

/// Checks every record of every lane of every epoch in `dir`. Changes nothing.
///
/// # Errors
/// [`FileError`] when something cannot be read at all; damage is in the report.
pub fn verify(dir: &Path) -> Result<Report, FileError> {
    let mut report = Report::default();
    for epoch in folder::small_numbers(&folder::journal(dir), "epoch-")? {
        let marks = Marks::read(dir, epoch).unwrap_or_else(|error| {
            report.marks.push(error);
            Marks::default()
        });
        let mut lanes = folder::small_numbers(&folder::epoch(dir, epoch), "lane-")?;
        lanes.extend(marks.all().iter().map(|mark| mark.lane));
        lanes.sort_unstable();
        lanes.dedup();
        for lane in lanes {
            report.lanes.push(verify_lane(dir, epoch, lane, marks.durable(lane))?);
        }
    }
    Ok(report)
}

/// Checks one lane of one epoch.
fn verify_lane(
    dir: &Path,
    epoch: u16,
    lane: u16,
    durable: LaneSeq,
) -> Result<LaneReport, FileError> {
    let numbers = folder::numbers(&folder::lane(dir, epoch, lane), "", ".seg")?;
    let (segments, records, bytes) = (0, 0, 0);
    let last = LaneSeq::NONE;
    let mut report =
        LaneReport { epoch, lane, segments, records, bytes, last, durable, fault: None };
    let mut expected = numbers.first().copied().unwrap_or(0);
    let mut first_seq = (expected == 0).then_some(LaneSeq(1));
    let newest = numbers.last().copied();
    for &number in &numbers {
        let path = folder::segment(dir, epoch, lane, expected);
        let fault = if number == expected {
            let content = read(&path)?;
            let here = Expected { epoch, lane, number, first_seq };
            check_segment(&mut report, &content, &here, newest == Some(number))
        } else {
            Some((0, Damage::Missing))
        };
        if let Some((offset, damage)) = fault {
            let number = expected;
            report.fault = Some(fault_at(dir, &report, number, path, offset, damage)?);
            return Ok(report);
        }
        expected += 1;
        first_seq = Some(report.last.next());
    }
    if report.last < durable {
        let path = folder::segment(dir, epoch, lane, expected);
        report.fault = Some(fault_at(dir, &report, expected, path, 0, Damage::Missing)?);
    }
    Ok(report)
}

/// Checks one segment and counts its records; where it is bad.
fn check_segment(
    report: &mut LaneReport,
    content: &[u8],
    expected: &Expected,
    newest: bool,
) -> Option<(u64, Damage)> {
    if content.iter().all(|&byte| byte == 0) {
        // Allocated for records that never came.
        return (!newest).then_some((0, Damage::Missing));
    }
    let head = parse_head(content, Origin::Archive)
        .and_then(|head| check_head(&head, expected).map(|()| head));
    let head = match head {
        Ok(head) => head,
        Err(damage) => return Some((0, damage)),
    };
    let last = LaneSeq(head.first_seq.saturating_sub(1));
    let extent = walk(content, FIRST, last, Origin::Archive);
    report.segments += 1;
    report.records += extent.records;
    report.bytes += extent.bytes as u64;
    report.last = extent.seq;
    let end = FIRST + extent.bytes;
    let mut behind = content.get(end..).unwrap_or_default();
    if extent.end == Found::Roll {
        behind = behind.get(RECORD_ALIGN..).unwrap_or_default();
    }
    let damage = match extent.end {
        Found::Bad(damage) => Some(damage),
        Found::End if !newest => Some(Damage::Missing),
        Found::Record(_) | Found::Roll | Found::End => {
            behind.iter().any(|&byte| byte != 0).then_some(Damage::Missing)
        }
    };
    damage.map(|damage| (end as u64, damage))
}

/// Describes the first bad record of a lane.
fn fault_at(
    dir: &Path,
    report: &LaneReport,
    number: u64,
    path: PathBuf,
    offset: u64,
    damage: Damage,
) -> Result<Fault, FileError> {
    let (epoch, lane, seq) = (report.epoch, report.lane, report.last.next());
    let kind = if report.durable >= seq { FaultKind::Corrupt } else { FaultKind::Torn };
    let mut cut_bytes = 0;
    for later in folder::numbers(&folder::lane(dir, epoch, lane), "", ".seg")? {
        if later >= number {
            let content = read(&folder::segment(dir, epoch, lane, later))?;
            let used = content.iter().rposition(|&byte| byte != 0).map_or(0, |at| at as u64 + 1);
            cut_bytes += used.saturating_sub(if later == number { offset } else { 0 });
        }
    }
    Ok(Fault { kind, epoch, lane, number, path, offset, seq, damage, cut_bytes })
}

/// A whole record behind a cut. It is not replayed; the order ids in it go to the venue's query
/// (C5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The segment file.
    pub path: PathBuf,
    /// Byte offset of the record.
    pub offset: u64,
    /// Its head.
    pub header: RecordHeader,
    /// Body and payload.
    pub body: Vec<u8>,
}

/// The whole records behind a fault, found by their checksums. Before [`cut`].
///
/// # Errors
/// [`FileError`].
pub fn strays(dir: &Path, fault: &Fault) -> Result<Vec<Stray>, FileError> {
    let mut found = Vec::new();
    let folder = folder::lane(dir, fault.epoch, fault.lane);
    for number in folder::numbers(&folder, "", ".seg")? {
        if number < fault.number {
            continue;
        }
        let path = folder::segment(dir, fault.epoch, fault.lane, number);
        let content = read(&path)?;
        let start =
            if number == fault.number { fault.offset.max(FIRST as u64) } else { FIRST as u64 };
        let mut offset = usize::try_from(start).unwrap_or(usize::MAX);
        while let Some(rest) = content.get(offset..).filter(|rest| rest.len() >= HEADER_BYTES) {
            if let Some((header, record)) = whole_record(rest) {
                let body = record.get(HEADER_BYTES..).unwrap_or_default().to_vec();
                found.push(Stray { path: path.clone(), offset: offset as u64, header, body });
            }
            offset += RECORD_ALIGN;
        }
    }
    Ok(found)
}

/// The record at the start of `bytes`, if its checksum says that there is one.
fn whole_record(bytes: &[u8]) -> Option<(RecordHeader, &[u8])> {
    let (header, _) = RecordHeader::read_from_prefix(bytes).ok()?;
    let record = bytes.get(..header.len as usize)?;
    let sound = record.len() >= HEADER_BYTES
        && header.kind != super::KIND_ROLL
        && record_crc(record) == header.crc;
    sound.then_some((header, record))
}

/// Cuts a lane before its first bad record. What stood behind is set aside as `<number>.cut` files
/// beside the segments. For a torn tail; for corruption only where a person decides, since the
/// mark is then moved back.
///
/// # Errors
/// [`FileError`]; verify again before another try.
pub fn cut(dir: &Path, fault: &Fault) -> Result<(), FileError> {
    let Fault { epoch, lane, number, .. } = *fault;
    let folder = folder::lane(dir, epoch, lane);
    for later in folder::numbers(&folder, "", ".seg")?.into_iter().rev() {
        let path = folder::segment(dir, epoch, lane, later);
        let aside = folder.join(format!("{later:08}.cut"));
        if later > number || later == number && fault.offset < FIRST as u64 {
            std::fs::rename(&path, &aside).map_err(failed(FileStep::Rename, &path, 0))?;
        } else if later == number {
            let content = read(&path)?;
            let at = usize::try_from(fault.offset).unwrap_or(usize::MAX);
            folder::replace(&aside, content.get(at..).unwrap_or_default())?;
            let file = folder::open(&path, OFlags::RDWR)?;
            file.set_len(fault.offset).map_err(failed(FileStep::Rename, &path, fault.offset))?;
            file.sync_all().map_err(failed(FileStep::Sync, &path, 0))?;
        }
    }
    folder::sync_folder(&folder)?;
    let mut marks = Marks::read(dir, epoch).unwrap_or_default();
    if marks.durable(lane) >= fault.seq {
        let seq = LaneSeq(fault.seq.0.saturating_sub(1));
        let offset = usize::try_from(fault.offset).unwrap_or(FIRST).max(FIRST);
        marks.set(Mark::new(lane, seq, number, offset));
        marks.replace(dir, epoch)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut content = Vec::new();
    folder::open(path, OFlags::RDONLY)?.read_to_end(&mut content).map_err(failed(
        FileStep::Read,
        path,
        0,
    ))?;
    Ok(content)
}
