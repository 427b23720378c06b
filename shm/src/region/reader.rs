//! Reading a region: checked when opened, then listed and read by label.

use super::builder::ENTRY_WORDS;
use super::process::ProcessName;
use super::{
    ENTRIES_MAX, ENTRY_BYTES, HEADER_BYTES, LABEL_BYTES, LAYOUT_HASH, LAYOUT_VERSION, Label, MAGIC,
    RegionError, UNIT_BYTES, at, fnv1a, state,
};
use crate::atomic::Ordering;
use crate::counters::CounterReader;
use crate::histogram::HistogramReader;
use crate::map::{MappedFile, Options, ReadWord, ReadWords};
use crate::seqlock::{CellReader, CellRecord, RawCellReader, cell_words};
use crate::units::Nanos;
use std::path::Path;
use std::sync::Arc;

/// What an entry describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A thread: the owner of the entries that follow.
    Thread,
    /// A counter.
    Counter,
    /// A histogram.
    Histogram,
    /// A run of latest-value cells of one record.
    Cells,
}

impl Kind {
    const fn code(self) -> u64 {
        match self {
            Self::Thread => 1,
            Self::Counter => 2,
            Self::Histogram => 3,
            Self::Cells => 4,
        }
    }

    fn from_code(code: u64) -> Option<Self> {
        [Self::Thread, Self::Counter, Self::Histogram, Self::Cells]
            .into_iter()
            .find(|kind| kind.code() == code)
    }

    /// What an item's offset is a multiple of.
    pub(super) const fn align(self) -> usize {
        match self {
            Self::Counter => 8,
            Self::Cells => 64,
            Self::Thread | Self::Histogram => 128,
        }
    }
}

/// One entry of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it describes.
    pub kind: Kind,
    /// Index of the entry of the thread that writes it; of a thread its own.
    pub thread: usize,
    /// Byte offset of the first item in the file.
    pub offset: usize,
    /// Bytes from one item to the next.
    pub stride: usize,
    /// Items.
    pub count: usize,
    /// Cells: the record's kind.
    pub record_kind: u32,
    /// Cells: the record's size.
    pub record_bytes: usize,
    /// Cells: hash of the record's field list.
    pub record_hash: u64,
    /// Label, or the thread's name.
    pub label: Label<LABEL_BYTES>,
    /// Unit; may be empty.
    pub unit: Label<UNIT_BYTES>,
}

impl Entry {
    pub(super) fn to_words(&self) -> [u64; ENTRY_WORDS] {
        let mut words = [0; ENTRY_WORDS];
        let fixed = [
            self.kind.code() | (self.thread as u64) << 32,
            self.offset as u64,
            self.stride as u64,
            self.count as u64,
            u64::from(self.record_kind) | (self.record_bytes as u64) << 32,
            self.record_hash,
        ];
        let texts = self.label.0.as_chunks::<8>().0.iter().chain(self.unit.0.as_chunks::<8>().0);
        let values = fixed.into_iter().chain(texts.map(|text| u64::from_ne_bytes(*text)));
        for (word, value) in words.iter_mut().zip(values) {
            *word = value;
        }
        words
    }

    /// Reads an entry; `None` unless it is valid by itself and lies inside a file of `len` bytes.
    fn from_words(words: [u64; ENTRY_WORDS], len: usize) -> Option<Self> {
        let [kind, offset, stride, count, record, record_hash, texts @ ..] = words;
        let mut label = [0; LABEL_BYTES];
        let mut unit = [0; UNIT_BYTES];
        let parts = label.as_chunks_mut::<8>().0.iter_mut().chain(unit.as_chunks_mut::<8>().0);
        for (part, text) in parts.zip(texts) {
            *part = text.to_ne_bytes();
        }
        let entry = Self {
            kind: Kind::from_code(kind & u64::from(u32::MAX))?,
            thread: usize::try_from(kind >> 32).ok()?,
            offset: usize::try_from(offset).ok()?,
            stride: usize::try_from(stride).ok()?,
            count: usize::try_from(count).ok()?,
            record_kind: (record & u64::from(u32::MAX)) as u32,
            record_bytes: usize::try_from(record >> 32).ok()?,
            record_hash,
            label: Label::from_bytes(label)?,
            unit: Label::from_bytes(unit)?,
        };
        let end = entry.end()?;
        let aligned = entry.offset.is_multiple_of(entry.kind.align());
        let sized = match entry.kind {
            Kind::Thread => entry.count == 1,
            Kind::Counter => entry.stride == 8 && entry.count == 1,
            Kind::Histogram => entry.stride.is_multiple_of(8) && entry.count == 1,
            Kind::Cells => entry.stride == cell_words(entry.record_bytes) * 8,
        };
        (aligned && sized && end <= len).then_some(entry)
    }

    /// Offset of the byte after the last item; `None` past the range of an offset.
    fn end(&self) -> Option<usize> {
        self.stride.checked_mul(self.count)?.checked_add(self.offset)
    }

    /// Whether all items lie inside another entry's.
    fn is_inside(&self, other: &Self) -> bool {
        self.offset >= other.offset && self.end() <= other.end()
    }
}

/// Whether what is read still changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterState {
    /// The writer lives and has the region open.
    Alive,
    /// The writer closed the region in good order.
    Closed,
    /// The writer died without closing it: stale.
    Dead,
}

/// A region opened for reading.
#[derive(Debug)]
pub struct RegionReader {
    words: ReadWords,
    entries: Vec<Entry>,
    writer: ProcessName,
    epoch: u64,
    start: Nanos,
}

impl RegionReader {
    /// Maps a region's file read-only and checks it.
    ///
    /// # Errors
    /// [`RegionError`]: the file cannot be mapped or is not ours; it is no region, or one of
    /// another version, layout or length, or unfinished, or its directory is damaged.
    pub fn open(path: &Path) -> Result<Self, RegionError> {
        let file = Arc::new(MappedFile::open_read_only(path, Options::COLD)?);
        let whole = ReadWords::mapped(&file, 0, file.len() / 8).ok_or(RegionError::NotARegion)?;
        let reader = Self::over(whole)?;
        let (stated, actual) = (reader.words.len() as u64 * 8, file.len() as u64);
        if stated == actual { Ok(reader) } else { Err(RegionError::OtherLength { stated, actual }) }
    }

    /// Checks a region in memory.
    ///
    /// # Errors
    /// As [`RegionReader::open`], for what is in the words.
    pub fn over(words: ReadWords) -> Result<Self, RegionError> {
        let word = |index: usize| words.get(index).ok_or(RegionError::NotARegion);
        // ORDERING: Acquire: header and directory are read after it. Pairs with the Release store
        // that ends `RegionBuilder::fill`.
        let opened = word(at::STATE)?.load(Ordering::Acquire);
        // ORDERING: Relaxed: ordered by the load above; none of it changes later.
        let load = |index: usize| word(index).map(|word: &ReadWord| word.load(Ordering::Relaxed));
        if load(at::MAGIC)? != MAGIC || words.len() * 8 < HEADER_BYTES {
            return Err(RegionError::NotARegion);
        }
        match load(at::VERSION)? {
            LAYOUT_VERSION => {}
            found => return Err(RegionError::OtherVersion { found }),
        }
        match load(at::HASH)? {
            LAYOUT_HASH => {}
            found => return Err(RegionError::OtherLayout { found }),
        }
        if opened != state::OPEN && opened != state::CLOSED {
            return Err(RegionError::Unfinished);
        }
        let (stated, actual) = (load(at::BYTES)?, words.len() as u64 * 8);
        if stated != actual {
            return Err(RegionError::OtherLength { stated, actual });
        }
        let entries = read_directory(&words, load(at::DIRECTORY)?, load(at::ENTRIES)?)?;
        let writer = ProcessName {
            pid: u32::try_from(load(at::PID)?).unwrap_or(u32::MAX),
            start_ticks: load(at::PID_START)?,
            boot: load(at::BOOT)?,
        };
        let (epoch, start) = (load(at::EPOCH)?, Nanos(load(at::START_NS)?));
        Ok(Self { entries, writer, epoch, start, words })
    }

    /// The process that writes, or wrote.
    #[must_use]
    pub fn writer(&self) -> ProcessName {
        self.writer
    }

    /// Whether the writer lives. Asks the operating system: not for every frame of a screen.
    #[must_use]
    pub fn writer_state(&self) -> WriterState {
        // ORDERING: Acquire: what the writer wrote before it closed is seen after. Pairs with the
        // Release store in `Region::drop`.
        let closed = self.words.get(at::STATE).map(|word| word.load(Ordering::Acquire));
        if closed == Some(state::CLOSED) {
            WriterState::Closed
        } else if self.writer.is_alive() {
            WriterState::Alive
        } else {
            WriterState::Dead
        }
    }

    /// The engine's run.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When the engine started, since the Unix epoch.
    #[must_use]
    pub fn start(&self) -> Nanos {
        self.start
    }

    /// The directory, in the order in which it was listed.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The name of the thread that writes an entry.
    #[must_use]
    pub fn thread_of(&self, entry: &Entry) -> &str {
        self.entries.get(entry.thread).map_or("", |thread| thread.label.as_str())
    }

    /// All counters.
    pub fn counters(&self) -> impl Iterator<Item = (&Entry, CounterReader)> {
        self.all(Kind::Counter).filter_map(|entry| Some((entry, self.counter_at(entry)?)))
    }

    /// All histograms.
    pub fn histograms(&self) -> impl Iterator<Item = (&Entry, HistogramReader)> {
        self.all(Kind::Histogram).filter_map(|entry| Some((entry, self.histogram_at(entry)?)))
    }

    /// All runs of cells, for tools that do not know the records: see [`RegionReader::raw_cell`].
    pub fn cell_runs(&self) -> impl Iterator<Item = &Entry> {
        self.all(Kind::Cells)
    }

    /// The first counter with a label.
    ///
    /// # Errors
    /// [`RegionError::NoSuchLabel`].
    pub fn counter(&self, label: &str) -> Result<CounterReader, RegionError> {
        let found = self.find(Kind::Counter, label).and_then(|entry| self.counter_at(entry));
        found.ok_or_else(|| RegionError::NoSuchLabel(label.into()))
    }

    /// The first histogram with a label.
    ///
    /// # Errors
    /// [`RegionError::NoSuchLabel`].
    pub fn histogram(&self, label: &str) -> Result<HistogramReader, RegionError> {
        let found = self.find(Kind::Histogram, label).and_then(|entry| self.histogram_at(entry));
        found.ok_or_else(|| RegionError::NoSuchLabel(label.into()))
    }

    /// The cells of the first run with a label, in order.
    ///
    /// # Errors
    /// [`RegionError::NoSuchLabel`]; [`RegionError::OtherRecord`] when the cells do not hold `T`.
    pub fn cells<T: CellRecord>(&self, label: &str) -> Result<Vec<CellReader<T>>, RegionError> {
        let found = self.find(Kind::Cells, label);
        let entry = found.ok_or_else(|| RegionError::NoSuchLabel(label.into()))?;
        let ours = (T::KIND, size_of::<T>(), fnv1a(T::LAYOUT.as_bytes()));
        let cells = if (entry.record_kind, entry.record_bytes, entry.record_hash) == ours {
            let cell = |index| CellReader::new(&self.item(entry, index)?);
            (0..entry.count).map(cell).collect()
        } else {
            None
        };
        cells.ok_or_else(|| RegionError::OtherRecord(label.into()))
    }

    /// One cell of a run as bytes; `None` past the last.
    #[must_use]
    pub fn raw_cell(&self, run: &Entry, index: usize) -> Option<RawCellReader> {
        let cell = run.kind == Kind::Cells && index < run.count;
        Some(RawCellReader::new(if cell { self.item(run, index)? } else { return None }))
    }

    fn all(&self, kind: Kind) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }

    fn find(&self, kind: Kind, label: &str) -> Option<&Entry> {
        self.all(kind).find(|entry| entry.label.as_str() == label)
    }

    fn counter_at(&self, entry: &Entry) -> Option<CounterReader> {
        CounterReader::new(&self.item(entry, 0)?)
    }

    fn histogram_at(&self, entry: &Entry) -> Option<HistogramReader> {
        HistogramReader::new(&self.item(entry, 0)?)
    }

    fn item(&self, entry: &Entry, index: usize) -> Option<ReadWords> {
        let offset = entry.stride.checked_mul(index)?.checked_add(entry.offset)?;
        self.words.slice(offset / 8, entry.stride / 8)
    }
}

/// Reads and checks the directory.
fn read_directory(words: &ReadWords, offset: u64, entries: u64) -> Result<Vec<Entry>, RegionError> {
    let count = usize::try_from(entries).ok().filter(|&count| count <= ENTRIES_MAX);
    let (Some(count), true) = (count, offset == HEADER_BYTES as u64) else {
        return Err(RegionError::BadEntry { index: 0 });
    };
    let directory = words.slice(HEADER_BYTES / 8, count * ENTRY_WORDS);
    let directory = directory.ok_or(RegionError::BadEntry { index: count })?;
    let data = HEADER_BYTES + count * ENTRY_BYTES;
    let mut read: Vec<Entry> = Vec::with_capacity(count);
    for (index, chunk) in directory.as_chunks::<ENTRY_WORDS>().0.iter().enumerate() {
        // ORDERING: Relaxed: ordered by the Acquire load of the state; never changed later.
        let values =
            core::array::from_fn(|at| chunk.get(at).map_or(0, |word| word.load(Ordering::Relaxed)));
        let entry = Entry::from_words(values, words.len() * 8);
        let entry = entry.ok_or(RegionError::BadEntry { index })?;
        let owned = match entry.kind {
            Kind::Thread => entry.thread == index && entry.offset >= data,
            Kind::Counter | Kind::Histogram | Kind::Cells => read
                .get(entry.thread)
                .is_some_and(|owner| owner.kind == Kind::Thread && entry.is_inside(owner)),
        };
        if !owned {
            return Err(RegionError::BadEntry { index });
        }
        read.push(entry);
    }
    Ok(read)
}
