//! One mapped file: created whole, checked when opened, seen as words.
#![expect(unsafe_code, reason = "words of a mapping")]

use super::{ReadWord, prefetch_read_at, prefetch_write_at};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use core::fmt;
use core::hint::black_box;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{FallocateFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Bytes of one page, the step of touching a mapping.
pub const PAGE_BYTES: usize = 4096;

/// How a file is mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Touch every page now, so that no hot thread takes the first fault.
    pub prefault: bool,
    /// Ask for locked memory. A refusal is not an error: see [`MappedFile::is_locked`].
    pub lock: bool,
}

impl Options {
    /// Touched and locked: what a hot thread writes.
    pub const HOT: Self = Self { prefault: true, lock: true };
    /// Neither: tools and cold readers.
    pub const COLD: Self = Self { prefault: false, lock: false };
}

/// What was being done to a file when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapStep {
    /// Creating it: it exists, or the folder is missing, not ours or read-only.
    Create,
    /// Allocating its full length: the file system (often `/dev/shm`) is too small.
    Allocate,
    /// Opening it: missing, a symbolic link, or not permitted.
    Open,
    /// Checking what was opened: not a regular file, not ours, writable by others, or empty.
    Check,
    /// Mapping it.
    Map,
    /// Giving it its final name.
    Publish,
    /// Writing it back to the disk.
    Sync,
}

/// A file that could not be mapped: what was being done, to which file, and what the kernel said.
#[derive(Debug)]
pub struct MapError {
    /// What was being done.
    pub step: MapStep,
    /// The file.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

impl fmt::Display for MapError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.step {
            MapStep::Create => "cannot create",
            MapStep::Allocate => "cannot allocate the full length of",
            MapStep::Open => "cannot open",
            MapStep::Check => "refuses to map",
            MapStep::Map => "cannot map",
            MapStep::Publish => "cannot rename into place",
            MapStep::Sync => "cannot write back",
        };
        write!(out, "{action} {}: {}", self.path.display(), self.source)
    }
}

impl core::error::Error for MapError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn failed(step: MapStep, path: &Path, source: impl Into<io::Error>) -> MapError {
    MapError { step, path: path.to_path_buf(), source: source.into() }
}

fn refused(path: &Path, why: &'static str) -> MapError {
    failed(MapStep::Check, path, io::Error::new(io::ErrorKind::InvalidData, why))
}

/// A file mapped shared into this process. Dropping it unmaps (which interrupts every core of the
/// process): cold code only.
#[derive(Debug)]
pub struct MappedFile {
    map: MmapRaw,
    path: PathBuf,
    writable: bool,
    locked: bool,
}

impl MappedFile {
    /// Creates a file of `len` zeroed bytes, mode 0600, allocated in full, and maps it read-write.
    ///
    /// # Errors
    /// [`MapError`]: the file exists already, the length is 0 or does not fit the file system, or
    /// the kernel refuses. Nothing is left behind on an error.
    pub fn create(path: &Path, len: usize, options: Options) -> Result<Self, MapError> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)
            .map(File::from)
            .map_err(|errno| failed(MapStep::Create, path, errno))?;
        let made = allocate(&file, len)
            .map_err(|error| failed(MapStep::Allocate, path, error))
            .and_then(|()| Self::map(&file, path, len, true, options));
        if made.is_err() {
            // The first error is the one to report; a file that cannot be removed either is found
            // again by the next create.
            drop(std::fs::remove_file(path));
        }
        made
    }

    /// Creates a file beside `path`, lets `fill` write it, and renames it over whatever `path` was:
    /// no reader ever opens it half made. A process that has the old file mapped keeps the old one.
    ///
    /// # Errors
    /// As [`MappedFile::create`], and when the rename fails.
    pub fn replace(
        path: &Path,
        len: usize,
        options: Options,
        fill: impl FnOnce(&Self),
    ) -> Result<Self, MapError> {
        let mut beside = path.as_os_str().to_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(MapStep::Create, &beside, error));
            }
            Ok(()) | Err(_) => {}
        }
        let mut mapped = Self::create(&beside, len, options)?;
        fill(&mapped);
        std::fs::rename(&beside, path).map_err(|error| failed(MapStep::Publish, path, error))?;
        mapped.path = path.to_path_buf();
        Ok(mapped)
    }

    /// Maps an existing file read-only, in its present length.
    ///
    /// # Errors
    /// [`MapError`]: missing, a symbolic link, not a regular file, not owned by this user, writable
    /// by others, empty, or refused by the kernel.
    pub fn open_read_only(path: &Path, options: Options) -> Result<Self, MapError> {
        Self::open(path, false, options)
    }

    /// Maps an existing file read-write, in its present length.
    ///
    /// # Errors
    /// As [`MappedFile::open_read_only`].
    pub fn open_read_write(path: &Path, options: Options) -> Result<Self, MapError> {
        Self::open(path, true, options)
    }

    fn open(path: &Path, writable: bool, options: Options) -> Result<Self, MapError> {
        let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
        // NONBLOCK: a fifo planted under the name must not hang the open.
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::open(path, flags, Mode::empty())
            .map(File::from)
            .map_err(|errno| failed(MapStep::Open, path, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| failed(MapStep::Check, path, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(refused(path, "not a regular file"));
        }
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refused(path, "owned by another user"));
        }
        if Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
            return Err(refused(path, "writable by others than its owner"));
        }
        match usize::try_from(stat.st_size) {
            Ok(0) | Err(_) => Err(refused(path, "empty")),
            Ok(len) => Self::map(&file, path, len, writable, options),
        }
    }

    fn map(
        file: &File,
        path: &Path,
        len: usize,
        writable: bool,
        options: Options,
    ) -> Result<Self, MapError> {
        let mut map_options = MmapOptions::new();
        map_options.len(len);
        let map =
            if writable { map_options.map_raw(file) } else { map_options.map_raw_read_only(file) };
        let map = map.map_err(|error| failed(MapStep::Map, path, error))?;
        let locked = options.lock && map.lock().is_ok();
        let mapped = Self { map, path: path.to_path_buf(), writable, locked };
        if options.prefault {
            mapped.touch();
        }
        Ok(mapped)
    }

    /// Touches every page: a store-fault for a writable mapping, a load-fault for a read-only one.
    fn touch(&self) {
        // Both are hidden from the compiler: a known `| 0` of which nobody wants the result becomes
        // a locked instruction on the stack, and touches nothing.
        for offset in (0..self.len()).step_by(PAGE_BYTES) {
            match self.word(offset) {
                // ORDERING: Relaxed: changes no value and publishes nothing; only the fault counts.
                Some(word) => drop(black_box(word.fetch_or(black_box(0), Ordering::Relaxed))),
                // ORDERING: Relaxed: as above.
                None => drop(black_box(self.load(offset, Ordering::Relaxed))),
            }
        }
    }

    /// Bytes mapped, the file's length when it was mapped. At least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty file is never mapped")]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// The file's name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether locked memory was asked for and granted.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Whether this process may store through the mapping.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// The word at byte `offset`; `None` unless the mapping is writable, `offset` is a multiple of
    /// 8 and the word lies inside.
    #[inline]
    #[must_use]
    pub fn word(&self, offset: usize) -> Option<&AtomicU64> {
        self.words(offset, 1)?.first()
    }

    /// `count` words from byte `offset`; `None` unless the mapping is writable, `offset` is a
    /// multiple of 8 and the run lies inside.
    #[inline]
    #[must_use]
    pub fn words(&self, offset: usize, count: usize) -> Option<&[AtomicU64]> {
        if !self.writable {
            return None;
        }
        let first = self.run::<AtomicU64>(offset, count)?;
        // SAFETY: `run` checked that the aligned run lies in the mapping, which lives as long as
        // `self`; every access to the bytes, here and in other processes, is atomic.
        Some(unsafe { core::slice::from_raw_parts(first, count) })
    }

    /// The 32-bit word at byte `offset`; `None` unless the mapping is writable, `offset` is a
    /// multiple of 4 and the word lies inside.
    ///
    /// Do not mix with 64-bit accesses of the same bytes: mixed-size atomics race.
    #[inline]
    #[must_use]
    pub fn word32(&self, offset: usize) -> Option<&AtomicU32> {
        if !self.writable {
            return None;
        }
        let word = self.run::<AtomicU32>(offset, 1)?;
        // SAFETY: `run` checked that the aligned word lies in the mapping, which lives as long as
        // `self`; every access to the bytes, here and in other processes, is atomic.
        Some(unsafe { &*word })
    }

    /// `count` words from byte `offset` for reading, in a mapping of either kind; `None` unless
    /// `offset` is a multiple of 8 and the run lies inside.
    #[inline]
    #[must_use]
    pub fn read_words(&self, offset: usize, count: usize) -> Option<&[ReadWord]> {
        let first = self.run::<ReadWord>(offset, count)?;
        // SAFETY: `run` checked that the aligned run lies in the mapping, which lives as long as
        // `self`; a `ReadWord` is only ever loaded, which a read-only mapping allows.
        Some(unsafe { core::slice::from_raw_parts(first, count) })
    }

    /// Loads the word at byte `offset` of a mapping of either kind; `None` as for
    /// [`MappedFile::read_words`].
    #[inline]
    #[must_use]
    pub fn load(&self, offset: usize, order: Ordering) -> Option<u64> {
        self.read_words(offset, 1)?.first().map(|word| word.load(order))
    }

    /// Copies `into.len()` bytes from byte `offset`, word by word with Relaxed loads; `false`, with
    /// nothing copied, unless `offset` is a multiple of 8 and the run lies inside. The bytes may be
    /// torn between words when someone writes them at the same time: the caller has a protocol that
    /// tells (a commit word, a sequence) and a fence that orders it.
    #[must_use]
    pub fn copy_out(&self, offset: usize, into: &mut [u8]) -> bool {
        if into.len().checked_add(offset).is_none_or(|end| end > self.len()) {
            return false;
        }
        let (whole, tail) = into.as_chunks_mut::<8>();
        let Some(words) = self.read_words(offset, whole.len()) else { return false };
        for (word, bytes) in words.iter().zip(whole.iter_mut()) {
            // ORDERING: Relaxed: the caller's protocol orders the copy, as documented.
            *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        if tail.is_empty() {
            return true;
        }
        // ORDERING: Relaxed: as above.
        let last = self.load(offset + words.len() * 8, Ordering::Relaxed);
        let Some(last) = last else { return false };
        for (byte, value) in tail.iter_mut().zip(last.to_ne_bytes()) {
            *byte = value;
        }
        true
    }

    /// The start of the mapping, aligned to a page, valid for [`MappedFile::len`] bytes while
    /// `self` lives; not to be stored through unless [`MappedFile::is_writable`].
    ///
    /// Whoever dereferences it answers for: bounds; every access that another thread or process may
    /// meet is atomic, or lies in bytes that no one else touches until a release store publishes
    /// them (the uncommitted tail of a journal lane); a read-only mapping is only loaded from.
    #[inline(always)]
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// Asks for the cache line at byte `offset` for reading; nothing happens past the end.
    #[inline(always)]
    pub fn prefetch_read(&self, offset: usize) {
        prefetch_read_at(self.map.as_ptr().wrapping_add(offset));
    }

    /// Asks for the cache line at byte `offset` for writing; nothing happens past the end.
    #[inline(always)]
    pub fn prefetch_write(&self, offset: usize) {
        prefetch_write_at(self.map.as_ptr().wrapping_add(offset));
    }

    /// Writes dirty pages back and waits for the disk. Cold code only.
    ///
    /// # Errors
    /// [`MapError`] with what the disk said; what is durable is then unknown.
    pub fn sync(&self) -> Result<(), MapError> {
        self.map.flush().map_err(|error| failed(MapStep::Sync, &self.path, error))
    }

    /// The address of `count` values of `T` from byte `offset`, when aligned and inside.
    #[inline(always)]
    fn run<T>(&self, offset: usize, count: usize) -> Option<*const T> {
        let bytes = count.checked_mul(size_of::<T>())?;
        let end = offset.checked_add(bytes)?;
        if end > self.map.len() || !offset.is_multiple_of(align_of::<T>()) {
            return None;
        }
        // In the mapping or one past its end, checked above; the mapping itself is page aligned.
        Some(self.map.as_ptr().wrapping_add(offset).cast())
    }
}

/// Allocates `len` bytes, so that no later store finds the file system full.
fn allocate(file: &File, len: usize) -> io::Result<()> {
    let len = u64::try_from(len).map_err(|_| Errno::FBIG)?;
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len) {
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP) => return write_zeros(file, len),
            done => return Ok(done?),
        }
    }
}

/// For file systems without fallocate: every byte is written.
fn write_zeros(mut file: &File, len: u64) -> io::Result<()> {
    static CHUNK: [u8; 16 * PAGE_BYTES] = [0; 16 * PAGE_BYTES];
    let mut left = len;
    while left > 0 {
        let part = usize::try_from(left).map_or(CHUNK.len(), |left| left.min(CHUNK.len()));
        file.write_all(CHUNK.get(..part).unwrap_or(&CHUNK))?;
        left = left.saturating_sub(part as u64);
    }
    Ok(())
}
