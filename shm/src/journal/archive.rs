//! The archiver: copies lanes to the disk, adds checksums, syncs, moves the marks.
//!
//! A helper thread calls [`Archiver::turn`] (or `step` and `sync`) in a loop; nothing hot waits for
//! it but a gateway in `sync` mode, by the mark. It starts no thread and reads no clock.
#![forbid(unsafe_code)]

use super::disk::Disk;
use super::folder::{self, FileError};
use super::header::{HEADER_BYTES, LaneSeq, SegmentHeader, stride};
use super::marks::{Mark, MarksFile};
use super::segment::{FIRST, seal, seal_head};
use super::tail::{Item, LaneTail, TailFault, Walk};
use crate::units::Nanos;
use core::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Bytes written at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// The marks file itself is synced this often; between, it may lag behind the disk, never lead.
const MARKS_SYNC: Nanos = Nanos(100_000_000);

/// Why the archiver stopped, for good: durable marks no longer move, hot segments are no longer
/// given back. The engine goes CANCEL_ONLY; a new start archives what `hot_dir` holds (C11).
#[derive(Debug)]
pub enum ArchiveError {
    /// A write or sync failed. It is final for that segment: no second try counts as success.
    File(FileError),
    /// A lane's memory is damaged.
    Memory(TailFault),
    /// An earlier call failed; its error was returned then.
    Failed,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => write!(out, "the journal is no longer written to disk: {error}"),
            Self::Memory(fault) => write!(out, "the journal is no longer written to disk: {fault}"),
            Self::Failed => out.write_str("the journal is no longer written to disk; see above"),
        }
    }
}

impl core::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Memory(fault) => Some(fault),
            Self::Failed => None,
        }
    }
}

impl From<FileError> for ArchiveError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<TailFault> for ArchiveError {
    fn from(fault: TailFault) -> Self {
        Self::Memory(fault)
    }
}

/// What a step did, and what a power cut would take now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes copied to files by this call.
    pub bytes: u64,
    /// Bytes copied and not yet synced, all lanes.
    pub lag_bytes: u64,
    /// Age of the oldest record not yet synced, ns; 0 when there is none.
    pub lag_ns: u64,
}

/// A segment file being written.
#[derive(Debug)]
struct Target {
    file: File,
    path: PathBuf,
    /// Bytes written.
    at: u64,
    /// Written since its last sync.
    dirty: bool,
}

/// One lane and how far it has been copied.
#[derive(Debug)]
struct LaneState {
    tail: LaneTail,
    /// Committed up to here when last looked at.
    end: Walk,
    /// Written to files up to here.
    copied: Walk,
    /// The file of segment `copied.number`, once it has a record.
    open: Option<Target>,
    /// Files of passed segments, not synced yet.
    passed: Vec<Target>,
    /// Files were created since the folder was synced.
    new_names: bool,
    unsynced_bytes: u64,
    /// Time of the oldest record not synced.
    unsynced_since: Option<Nanos>,
}

/// Copies the lanes of one engine start to the disk.
#[derive(Debug)]
pub struct Archiver {
    dir: PathBuf,
    epoch: u16,
    /// In reading order: a lane that records effects before the lane that records their causes.
    lanes: Vec<LaneState>,
    marks: MarksFile,
    buffer: Vec<u8>,
    disk: Disk,
    failed: bool,
    synced_at: Nanos,
    marks_synced_at: Nanos,
}

impl Archiver {
    /// Opens `dir/journal/epoch-<e>` for these lanes, which are all of `epoch`.
    ///
    /// The ends of the lanes are read in the order given and copied in the reverse order: with the
    /// gateways' lanes before risk's, an archived Tx always has its Approved.
    ///
    /// # Errors
    /// [`ArchiveError::File`]: a folder or the marks cannot be made; the epoch exists already.
    pub fn create(dir: &Path, epoch: u16, lanes: Vec<LaneTail>) -> Result<Self, ArchiveError> {
        Self::create_on(dir, epoch, lanes, Disk::default())
    }

    pub(super) fn create_on(
        dir: &Path,
        epoch: u16,
        tails: Vec<LaneTail>,
        disk: Disk,
    ) -> Result<Self, ArchiveError> {
        let mut lanes = Vec::new();
        let mut marks = Vec::new();
        for tail in tails {
            let lane = tail.spec().lane;
            folder::own_folder(&folder::lane(dir, epoch, lane))?;
            marks.push(Mark::new(lane, LaneSeq::NONE, 0, FIRST));
            lanes.push(LaneState {
                tail,
                end: Walk::START,
                copied: Walk::START,
                open: None,
                passed: Vec::new(),
                new_names: false,
                unsynced_bytes: 0,
                unsynced_since: None,
            });
        }
        folder::create_folder(&folder::epoch(dir, epoch))?;
        let marks = MarksFile::create(dir, epoch, marks, &disk)?;
        for folder in [folder::epoch(dir, epoch), folder::journal(dir), dir.to_path_buf()] {
            disk.sync_folder(&folder)?;
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            epoch,
            lanes,
            marks,
            buffer: Vec::with_capacity(CHUNK_BYTES),
            disk,
            failed: false,
            synced_at: Nanos(0),
            marks_synced_at: Nanos(0),
        })
    }

    /// Copies what has been committed, and syncs when the last sync is `group` old.
    ///
    /// # Errors
    /// [`ArchiveError`], final.
    pub fn turn(&mut self, now: Nanos, group: Nanos) -> Result<Progress, ArchiveError> {
        let progress = self.step(now)?;
        if progress.lag_bytes > 0 && now.saturating_since(self.synced_at) >= group {
            self.sync(now)?;
        }
        Ok(progress)
    }

    /// Copies newly committed records of all lanes to their files.
    ///
    /// # Errors
    /// [`ArchiveError`], final.
    pub fn step(&mut self, now: Nanos) -> Result<Progress, ArchiveError> {
        let bytes = self.guarded(Self::copy_all)?;
        let since = self.lanes.iter().filter_map(|lane| lane.unsynced_since).min();
        Ok(Progress {
            bytes,
            lag_bytes: self.lanes.iter().map(|lane| lane.unsynced_bytes).sum(),
            lag_ns: since.map_or(0, |since| now.saturating_since(since).0),
        })
    }

    /// Waits until everything copied is on the disk; then moves the marks and gives passed segments
    /// back to the writers.
    ///
    /// # Errors
    /// [`ArchiveError`], final.
    pub fn sync(&mut self, now: Nanos) -> Result<(), ArchiveError> {
        self.guarded(|archiver| archiver.sync_all(now))
    }

    /// The last durable record of a lane; `None` when the lane is not ours.
    #[must_use]
    pub fn durable(&self, lane: u16) -> Option<LaneSeq> {
        let state = self.lanes.iter().find(|state| state.tail.spec().lane == lane)?;
        Some(state.tail.durable())
    }

    /// How many more segments of every lane the disk has room for. Below 2 the engine goes
    /// CANCEL_ONLY, before the disk is full (C12). Once a second is often enough.
    ///
    /// # Errors
    /// [`ArchiveError::File`] when the file system cannot be asked.
    pub fn disk_segments(&self) -> Result<u64, ArchiveError> {
        let each = self.lanes.iter().map(|lane| lane.tail.spec().segment_bytes as u64).sum::<u64>();
        Ok(folder::free_bytes(&self.dir)? / each.max(1))
    }

    /// The first lane that is short of records, and of how many: they found no room. What is there
    /// is copied all the same.
    #[must_use]
    pub fn lost(&self) -> Option<(u16, u64)> {
        let each = self.lanes.iter().map(|state| (state.tail.spec().lane, state.tail.lost()));
        each.into_iter().find(|(_, lost)| *lost > 0)
    }

    /// Whether a call has failed: the state is final.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// The end of a clean stop, after the writers have stopped: copies and syncs the rest, cuts the
    /// files to what they hold.
    ///
    /// # Errors
    /// [`ArchiveError`]; `hot_dir` still holds what is missing.
    pub fn close(mut self, now: Nanos) -> Result<(), ArchiveError> {
        self.step(now)?;
        self.sync(now)?;
        self.guarded(|archiver| {
            for target in archiver.lanes.iter().filter_map(|lane| lane.open.as_ref()) {
                archiver.disk.cut(&target.file, &target.path, target.at)?;
            }
            archiver.marks.sync(&archiver.disk)?;
            Ok(())
        })
    }

    fn guarded<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        if self.failed {
            return Err(ArchiveError::Failed);
        }
        let outcome = act(self);
        self.failed = outcome.is_err();
        outcome
    }

    fn copy_all(&mut self) -> Result<u64, ArchiveError> {
        for lane in &mut self.lanes {
            while lane.tail.next(&mut lane.end)?.is_some() {}
            #[cfg(test)]
            self.disk.pause.borrow_mut().call();
        }
        let Self { dir, epoch, lanes, buffer, disk, .. } = self;
        let mut bytes = 0;
        for lane in lanes.iter_mut().rev() {
            bytes += lane.copy(dir, *epoch, buffer, disk)?;
        }
        Ok(bytes)
    }

    fn sync_all(&mut self, now: Nanos) -> Result<(), ArchiveError> {
        self.synced_at = now;
        if self.lanes.iter().all(|lane| lane.unsynced_bytes == 0) {
            return self.sync_marks(now);
        }
        for lane in self.lanes.iter_mut().rev() {
            lane.sync(&self.dir, self.epoch, &self.disk)?;
        }
        for lane in self.lanes.iter().rev() {
            lane.tail.set_durable(lane.copied.seq);
            lane.tail.free(lane.copied.number);
            let (lane, at) = (lane.tail.spec().lane, lane.copied);
            self.marks.set(Mark::new(lane, at.seq, at.number, at.offset));
        }
        self.marks.write(&self.disk)?;
        self.sync_marks(now)
    }

    fn sync_marks(&mut self, now: Nanos) -> Result<(), ArchiveError> {
        if now.saturating_since(self.marks_synced_at) >= MARKS_SYNC {
            self.marks.sync(&self.disk)?;
            self.marks_synced_at = now;
        }
        Ok(())
    }
}

impl LaneState {
    /// Writes the records from `copied` to `end`; how many bytes.
    fn copy(
        &mut self,
        dir: &Path,
        epoch: u16,
        buffer: &mut Vec<u8>,
        disk: &Disk,
    ) -> Result<u64, ArchiveError> {
        let before = self.unsynced_bytes;
        while self.copied != self.end {
            let mut target = match self.open.take() {
                Some(target) => target,
                None => self.create(dir, epoch, disk)?,
            };
            buffer.clear();
            if target.at == 0 {
                buffer.extend_from_slice(&self.sealed_head()?);
            }
            let mut rolled = false;
            while self.copied != self.end && !rolled && buffer.len() < CHUNK_BYTES {
                let item = self.tail.next(&mut self.copied)?;
                let item = item.ok_or_else(|| self.tail.damage(&self.copied))?;
                self.load(&item, buffer)?;
                rolled = item.is_roll();
                self.unsynced_since.get_or_insert(Nanos(item.header.ts));
            }
            disk.write(&target.file, &target.path, buffer, target.at)?;
            target.at += buffer.len() as u64;
            target.dirty = true;
            self.unsynced_bytes += buffer.len() as u64;
            if rolled {
                self.passed.push(target);
            } else {
                self.open = Some(target);
            }
        }
        Ok(self.unsynced_bytes - before)
    }

    /// Creates the file of segment `copied.number`.
    fn create(&mut self, dir: &Path, epoch: u16, disk: &Disk) -> Result<Target, ArchiveError> {
        let number = self.copied.number;
        let path = folder::segment(dir, epoch, self.tail.spec().lane, number);
        let file = disk.create(&path, self.tail.spec().segment_bytes as u64)?;
        self.new_names = true;
        Ok(Target { file, path, at: 0, dirty: true })
    }

    fn sealed_head(&self) -> Result<[u8; FIRST], ArchiveError> {
        let words = self.tail.segment_head(self.copied.number);
        let words = words.ok_or_else(|| self.tail.damage(&self.copied))?;
        let head: SegmentHeader = zerocopy::transmute!(words);
        Ok(zerocopy::transmute!(seal_head(&head)))
    }

    /// Appends one record to the buffer as it is archived.
    fn load(&self, item: &Item, buffer: &mut Vec<u8>) -> Result<(), ArchiveError> {
        let start = buffer.len();
        let len = item.header.len as usize;
        buffer.resize(start + stride(len), 0);
        let record = buffer.get_mut(start..).unwrap_or_default();
        let (used, _) = record.split_at_mut_checked(len).unwrap_or_default();
        if len < HEADER_BYTES || !self.tail.load(item.number, item.offset, used) {
            return Err(self.tail.fault(item).into());
        }
        seal(record);
        Ok(())
    }

    fn sync(&mut self, dir: &Path, epoch: u16, disk: &Disk) -> Result<(), ArchiveError> {
        for target in self.passed.iter_mut().chain(&mut self.open) {
            if target.dirty {
                disk.sync(&target.file, &target.path)?;
                target.dirty = false;
            }
        }
        if self.new_names {
            disk.sync_folder(&folder::lane(dir, epoch, self.tail.spec().lane))?;
            self.new_names = false;
        }
        self.passed.clear();
        self.unsynced_bytes = 0;
        self.unsynced_since = None;
        Ok(())
    }
}
