//! Making a region: what it will hold is listed, laid out, created, and handed out for writing.

use super::process::ProcessName;
use super::reader::{Entry, Kind, RegionReader, WriterState};
use super::{
    ENTRIES_MAX, ENTRY_BYTES, HEADER_BYTES, LAYOUT_HASH, LAYOUT_VERSION, Label, MAGIC, RegionError,
    at, fnv1a, state,
};
use crate::atomic::{AtomicU64, Ordering};
use crate::counters::Counter;
use crate::histogram::{self, Buckets, Histogram};
use crate::map::{MappedFile, Options, PAGE_BYTES, Words};
use crate::seqlock::{CellRecord, CellWriter, cell_words};
use crate::units::Nanos;
use core::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

/// Bytes on which a thread's data and each histogram start: two lines, which are fetched together.
const THREAD_ALIGN: usize = 128;

/// Words of a directory entry.
pub(super) const ENTRY_WORDS: usize = ENTRY_BYTES / 8;

/// Right to take one counter out of the region made by the same builder.
#[derive(Debug)]
pub struct CounterKey {
    builder: u64,
    index: usize,
}

/// Right to take one histogram out of the region made by the same builder.
#[derive(Debug)]
pub struct HistogramKey {
    builder: u64,
    index: usize,
    layout: Option<Buckets>,
}

/// Right to take one run of cells out of the region made by the same builder.
#[derive(Debug)]
pub struct CellKey<T> {
    builder: u64,
    index: usize,
    _record: PhantomData<fn(T)>,
}

/// Lists what a region will hold. Faults are kept and told by `create`, so that a list of a hundred
/// lines needs one check.
#[derive(Debug)]
pub struct RegionBuilder {
    /// Tells keys of several builders apart.
    id: u64,
    epoch: u16,
    start: Nanos,
    entries: Vec<Entry>,
    /// The entry of the thread that is being listed.
    thread: Option<usize>,
    /// Entries that are histograms, and their buckets.
    histograms: Vec<(usize, Buckets)>,
    /// The first fault.
    fault: Option<RegionError>,
}

impl RegionBuilder {
    /// An empty list, for the engine's run `epoch` that started at `start` (since the Unix epoch).
    #[must_use]
    pub fn new(epoch: u16, start: Nanos) -> Self {
        static BUILDERS: AtomicU64 = AtomicU64::new(0);
        // ORDERING: Relaxed: only the value matters.
        let id = BUILDERS.fetch_add(1, Ordering::Relaxed);
        Self {
            id,
            epoch,
            start,
            entries: Vec::new(),
            thread: None,
            histograms: Vec::new(),
            fault: None,
        }
    }

    /// Starts the list of another thread: what follows is written by it, on lines that no other
    /// thread writes.
    pub fn thread(&mut self, name: &str) -> &mut Self {
        self.thread = Some(self.entries.len());
        self.add(Kind::Thread, name, "", 1, 0);
        self
    }

    /// Adds a counter. Labels are unique in their thread and kind; `unit` may be empty.
    pub fn counter(&mut self, label: &str, unit: &str) -> CounterKey {
        CounterKey { builder: self.id, index: self.add(Kind::Counter, label, unit, 1, 8) }
    }

    /// Adds a histogram of values up to `highest` (2 to 2^62) with `figures` (1 to 5) significant
    /// figures.
    pub fn histogram(
        &mut self,
        label: &str,
        unit: &str,
        highest: u64,
        figures: u32,
    ) -> HistogramKey {
        let layout = Buckets::new(highest, figures);
        let bytes = layout.map_or(0, |layout| layout.words() * 8).next_multiple_of(THREAD_ALIGN);
        let index = self.add(Kind::Histogram, label, unit, 1, bytes);
        match layout {
            Some(layout) => self.histograms.push((index, layout)),
            None => self.fail(RegionError::OutOfRange(label.into())),
        }
        HistogramKey { builder: self.id, index, layout }
    }

    /// Adds one cell.
    pub fn cell<T: CellRecord>(&mut self, label: &str) -> CellKey<T> {
        self.cells(label, 1)
    }

    /// Adds `count` cells under one label (one per instrument, say); at least 1.
    pub fn cells<T: CellRecord>(&mut self, label: &str, count: usize) -> CellKey<T> {
        let bytes = cell_words(size_of::<T>()) * 8;
        let index = self.add(Kind::Cells, label, "", count, bytes);
        if count == 0 || count > u32::MAX as usize {
            self.fail(RegionError::OutOfRange(label.into()));
        }
        if let Some(entry) = self.entries.get_mut(index) {
            entry.record_kind = T::KIND;
            entry.record_bytes = size_of::<T>();
            entry.record_hash = fnv1a(T::LAYOUT.as_bytes());
        }
        CellKey { builder: self.id, index, _record: PhantomData }
    }

    fn add(&mut self, kind: Kind, label: &str, unit: &str, count: usize, stride: usize) -> usize {
        let thread = self.thread.unwrap_or_default();
        let same = |entry: &&Entry| {
            let place = kind == Kind::Thread || entry.thread == thread;
            place && entry.kind == kind && entry.label.as_str() == label
        };
        if self.thread.is_none() {
            self.fail(RegionError::NoThread(label.into()));
        }
        if self.entries.iter().any(|entry| same(&entry)) {
            self.fail(RegionError::DuplicateLabel(label.into()));
        }
        if self.entries.len() == ENTRIES_MAX {
            self.fail(RegionError::OutOfRange(label.into()));
        }
        let texts = Label::new(label).filter(|_| !label.is_empty()).zip(Label::new(unit));
        match texts {
            Some((label, unit)) => self.entries.push(Entry {
                kind,
                thread,
                offset: 0,
                stride,
                count,
                record_kind: 0,
                record_bytes: 0,
                record_hash: 0,
                label,
                unit,
            }),
            None => {
                self.fail(RegionError::BadLabel(
                    if label.is_empty() { unit } else { label }.into(),
                ));
            }
        }
        self.entries.len().saturating_sub(1)
    }

    fn fail(&mut self, fault: RegionError) {
        self.fault.get_or_insert(fault);
    }

    /// Gives every item its place: per thread counters, then histograms, then cells. Returns the
    /// length of the file.
    fn lay_out(&mut self) -> usize {
        let mut next = HEADER_BYTES + self.entries.len() * ENTRY_BYTES;
        for first in 0..self.entries.len() {
            if self.entries.get(first).is_none_or(|entry| entry.kind != Kind::Thread) {
                continue;
            }
            next = next.next_multiple_of(THREAD_ALIGN);
            let start = next;
            for kind in [Kind::Counter, Kind::Histogram, Kind::Cells] {
                let align = kind.align();
                let own = self.entries.iter_mut();
                for entry in own.filter(|entry| entry.kind == kind && entry.thread == first) {
                    next = next.next_multiple_of(align);
                    entry.offset = next;
                    next = next.saturating_add(entry.stride.saturating_mul(entry.count));
                }
            }
            next = next.next_multiple_of(THREAD_ALIGN);
            if let Some(thread) = self.entries.get_mut(first) {
                (thread.offset, thread.stride) = (start, next - start);
            }
        }
        next.next_multiple_of(PAGE_BYTES)
    }

    /// Makes the region as a file that replaces the one of the run before.
    ///
    /// # Errors
    /// [`RegionError`]: the first fault of the list; a living process has the region there; what is
    /// there is not a region; the file cannot be made.
    pub fn create(mut self, path: &Path, options: Options) -> Result<Region, RegionError> {
        self.check_old(path)?;
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let len = self.lay_out();
        let mut filled = Ok(());
        let file = MappedFile::replace(path, len, options, |file| {
            filled = file
                .words(0, len / 8)
                .ok_or(RegionError::Unfinished)
                .map(|words| self.fill(words, ProcessName::own()));
        })?;
        filled?;
        let file = Arc::new(file);
        let words = Words::mapped(&file, 0, len / 8).ok_or(RegionError::Unfinished)?;
        Ok(self.finish(words, file.is_locked()))
    }

    /// Makes the region in ordinary memory, for simulations and tests.
    ///
    /// # Errors
    /// [`RegionError`]: the first fault of the list.
    pub fn create_in_memory(mut self) -> Result<Region, RegionError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let words = Words::heap(self.lay_out() / 8);
        self.fill(&words, ProcessName::NONE);
        Ok(self.finish(words, false))
    }

    /// Refuses to replace a region in use, or something that is not a region.
    fn check_old(&self, path: &Path) -> Result<(), RegionError> {
        if std::fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        match RegionReader::open(path) {
            Ok(old) if old.writer_state() == WriterState::Alive => {
                Err(RegionError::InUse { pid: old.writer().pid })
            }
            Err(error @ (RegionError::NotARegion | RegionError::Map(_))) => Err(error),
            // An older or a damaged region: nobody can go on using it.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Writes header and directory, and last the state.
    fn fill(&self, words: &[AtomicU64], own: ProcessName) {
        // ORDERING: Relaxed: published by the Release store of the state.
        let store = |index: usize, value: u64| {
            if let Some(word) = words.get(index) {
                word.store(value, Ordering::Relaxed);
            }
        };
        for (index, value) in [
            (at::MAGIC, MAGIC),
            (at::VERSION, LAYOUT_VERSION),
            (at::HASH, LAYOUT_HASH),
            (at::BYTES, words.len() as u64 * 8),
            (at::EPOCH, self.epoch.into()),
            (at::PID, own.pid.into()),
            (at::PID_START, own.start_ticks),
            (at::BOOT, own.boot),
            (at::START_NS, self.start.0),
            (at::DIRECTORY, HEADER_BYTES as u64),
            (at::ENTRIES, self.entries.len() as u64),
        ] {
            store(index, value);
        }
        for (number, entry) in self.entries.iter().enumerate() {
            let first = HEADER_BYTES / 8 + number * ENTRY_WORDS;
            for (index, value) in entry.to_words().into_iter().enumerate() {
                store(first + index, value);
            }
        }
        for (index, layout) in &self.histograms {
            let offset = self.entries.get(*index).map_or(0, |entry| entry.offset / 8);
            if let Some((_, words)) = words.split_at_checked(offset) {
                histogram::format(words, layout);
            }
        }
        if let Some(word) = words.get(at::STATE) {
            // ORDERING: Release: header and directory are there for whoever sees the region open.
            // Pairs with the Acquire load in `RegionReader::over`.
            word.store(state::OPEN, Ordering::Release);
        }
    }

    fn finish(self, words: Words, locked: bool) -> Region {
        Region { builder: self.id, entries: self.entries, words, locked }
    }
}

/// A region that this process writes. Handles taken out of it keep its memory; keep the region
/// itself as long as the engine runs: dropping it marks the file closed in good order.
#[derive(Debug)]
pub struct Region {
    builder: u64,
    entries: Vec<Entry>,
    words: Words,
    locked: bool,
}

impl Region {
    /// Whether locked memory was asked for and granted.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// The writing end of a counter; `None` for a key of another builder.
    #[must_use]
    pub fn counter(&self, key: CounterKey) -> Option<Counter> {
        let entry = self.entry(key.builder, key.index)?;
        Some(Counter::new(self.words.word(entry.offset / 8)?))
    }

    /// The writing end of a histogram; `None` for a key of another builder.
    #[must_use]
    pub fn histogram(&self, key: HistogramKey) -> Option<Histogram> {
        let entry = self.entry(key.builder, key.index)?;
        let words = self.words.slice(entry.offset / 8, entry.stride / 8)?;
        Histogram::new(&words, key.layout?)
    }

    /// The writing end of the first cell under a key; `None` for a key of another builder.
    #[must_use]
    pub fn cell<T: CellRecord>(&self, key: CellKey<T>) -> Option<CellWriter<T>> {
        self.cells(key)?.into_iter().next()
    }

    /// The writing ends of all cells under a key, in order; `None` for a key of another builder.
    #[must_use]
    pub fn cells<T: CellRecord>(&self, key: CellKey<T>) -> Option<Vec<CellWriter<T>>> {
        let entry = self.entry(key.builder, key.index)?;
        let words = entry.stride / 8;
        let cell = |index| self.words.slice(entry.offset / 8 + index * words, words);
        (0..entry.count).map(|index| CellWriter::new(&cell(index)?)).collect()
    }

    fn entry(&self, builder: u64, index: usize) -> Option<&Entry> {
        if builder == self.builder { self.entries.get(index) } else { None }
    }

    /// Says that nothing changes any more: the writer has stopped in good order. Who keeps the
    /// region to be read calls it at the stop; dropping the region does as well.
    pub fn close(&self) {
        if let Some(word) = self.words.get(at::STATE) {
            // ORDERING: Release: what was written before is there for whoever sees it closed. Pairs
            // with the Acquire load in `RegionReader::writer_state`.
            word.store(state::CLOSED, Ordering::Release);
        }
    }

    /// A reader of the same region, in this process.
    ///
    /// # Errors
    /// [`RegionError`] as for [`RegionReader::open`]; none when nobody else wrote the file.
    pub fn reader(&self) -> Result<RegionReader, RegionError> {
        RegionReader::over(self.words.reader())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.close();
    }
}
