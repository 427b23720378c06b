//! The bytes of a segment, seen through its words, and the memory orderings of the commit.
//!
//! Between a lane's writer and the readers of the same process there is no race: a byte is written
//! before the commit word that covers it is stored with Release, read after that word was loaded
//! with Acquire, and not written again before the archiver has given the segment back with Release.
//! Readers in other processes, which may meet a segment that is being reused, copy through the
//! kernel.
#![cfg_attr(any(not(loom), test), expect(unsafe_code, reason = "bytes of records in place"))]

use crate::atomic::{AtomicU64, Ordering};

/// Stores bytes from a multiple of 8 on, the last word padded with zeros; `false`, with nothing
/// stored, unless they lie inside.
#[inline(always)]
#[must_use]
pub(super) fn store_bytes(words: &[AtomicU64], offset: usize, bytes: &[u8]) -> bool {
    let first = offset / 8;
    let Some(run) = words.get(first..first + bytes.len().div_ceil(8)) else { return false };
    let (whole, tail) = bytes.as_chunks::<8>();
    for (word, value) in run.iter().zip(whole) {
        // ORDERING: Relaxed: published by the Release store of the commit word that follows.
        word.store(u64::from_le_bytes(*value), Ordering::Relaxed);
    }
    if let (Some(word), false) = (run.last(), tail.is_empty()) {
        let mut last = [0_u8; 8];
        for (byte, value) in last.iter_mut().zip(tail) {
            *byte = *value;
        }
        // ORDERING: Relaxed: as above.
        word.store(u64::from_le_bytes(last), Ordering::Relaxed);
    }
    true
}

/// Copies committed bytes from a multiple of 8 on; `false`, with nothing copied, unless they lie
/// inside.
#[must_use]
pub(super) fn load_bytes(words: &[AtomicU64], offset: usize, into: &mut [u8]) -> bool {
    let first = offset / 8;
    let Some(run) = words.get(first..first + into.len().div_ceil(8)) else { return false };
    let (whole, tail) = into.as_chunks_mut::<8>();
    for (word, value) in run.iter().zip(whole) {
        // ORDERING: Relaxed: ordered by the Acquire load of the commit word that came before.
        *value = word.load(Ordering::Relaxed).to_le_bytes();
    }
    if let (Some(word), false) = (run.last(), tail.is_empty()) {
        // ORDERING: Relaxed: as above.
        for (byte, value) in tail.iter_mut().zip(word.load(Ordering::Relaxed).to_le_bytes()) {
            *byte = value;
        }
    }
    true
}

/// Committed bytes in place; `None` unless they lie inside.
///
/// # Safety
/// No byte of the run is written while the slice lives: the lane's only writer is borrowed for as
/// long, and the run is committed.
#[cfg(not(loom))]
#[inline(always)]
#[must_use]
pub(super) unsafe fn bytes(words: &[AtomicU64], offset: usize, len: usize) -> Option<&[u8]> {
    let first = first_byte(words, offset, len)?;
    // SAFETY: the run lies inside `words`, which live as long as the slice; the caller answers for
    // the absence of writes.
    Some(unsafe { core::slice::from_raw_parts(first, len) })
}

/// Uncommitted bytes in place, to be written; `None` unless they lie inside.
///
/// # Safety
/// No one else reads or writes a byte of the run while the slice lives: it lies behind the last
/// committed record of a lane whose only writer is borrowed mutably for as long.
#[cfg(not(loom))]
#[inline(always)]
#[must_use]
#[expect(clippy::mut_from_ref, reason = "atomics are interior-mutable; the caller is alone there")]
pub(super) unsafe fn bytes_mut(
    words: &[AtomicU64],
    offset: usize,
    len: usize,
) -> Option<&mut [u8]> {
    let first = first_byte(words, offset, len)?;
    // SAFETY: the run lies inside `words`, which are interior-mutable and live as long as the
    // slice; the caller answers for being alone.
    Some(unsafe { core::slice::from_raw_parts_mut(first, len) })
}

/// The address of byte `offset`, when `len` bytes from there lie inside.
#[cfg(not(loom))]
#[inline(always)]
fn first_byte(words: &[AtomicU64], offset: usize, len: usize) -> Option<*mut u8> {
    if offset.checked_add(len)? > size_of_val(words) {
        return None;
    }
    Some(words.as_ptr().cast::<u8>().cast_mut().wrapping_add(offset))
}

/// Asks for the line of byte `offset` for writing; nothing happens past the end.
#[inline(always)]
pub(super) fn prefetch(words: &[AtomicU64], offset: usize) {
    crate::map::prefetch_write_at(words.as_ptr().cast::<u8>().wrapping_add(offset));
}

/// The orderings that the protocol stands on: constants, but for loom's planted weak ones.
pub(super) mod order {
    use crate::atomic::Ordering;

    /// Of the store of a commit word.
    #[inline(always)]
    pub(in super::super) fn commit() -> Ordering {
        #[cfg(all(test, loom))]
        if super::weak::is(super::weak::Weak::Commit) {
            return Ordering::Relaxed;
        }
        // ORDERING: Release: header, body and the zero behind the record come first; pairs with
        // the load of `order::committed`.
        Ordering::Release
    }

    /// Of the load of a commit word.
    #[inline(always)]
    pub(in super::super) fn committed() -> Ordering {
        #[cfg(all(test, loom))]
        if super::weak::is(super::weak::Weak::Committed) {
            return Ordering::Relaxed;
        }
        // ORDERING: Acquire: the record is read after; pairs with the store of `order::commit`.
        Ordering::Acquire
    }

    /// Of the store that gives a segment back to the writer.
    #[inline(always)]
    pub(in super::super) fn free() -> Ordering {
        #[cfg(all(test, loom))]
        if super::weak::is(super::weak::Weak::Free) {
            return Ordering::Relaxed;
        }
        // ORDERING: Release: the copy of the segment comes first; pairs with `order::freed`.
        Ordering::Release
    }

    /// Of the load by which the writer learns that a segment is free.
    #[inline(always)]
    pub(in super::super) fn freed() -> Ordering {
        // ORDERING: Acquire: the segment is overwritten after; pairs with `order::free`.
        Ordering::Acquire
    }
}

/// Which ordering a loom model weakens, to show that the model would notice.
#[cfg(all(test, loom))]
pub(super) mod weak {
    use core::cell::Cell;

    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(in super::super) enum Weak {
        Nothing,
        Commit,
        Committed,
        Free,
    }

    std::thread_local! { static WEAK: Cell<Weak> = const { Cell::new(Weak::Nothing) }; }

    /// Weakens one ordering in the models this test thread runs from now on.
    pub(in super::super) fn plant(weak: Weak) {
        WEAK.set(weak);
    }

    pub(in super::super) fn is(weak: Weak) -> bool {
        WEAK.get() == weak
    }
}

/// Tells loom when a segment is read and when it is taken into use again, so that it finds a
/// segment that is overwritten while it is still read. (A load cannot return what is stored after
/// it, so the words alone do not show it.)
#[cfg(all(test, loom))]
pub(super) struct Uses([loom::cell::UnsafeCell<()>; 2]);

#[cfg(all(test, loom))]
// SAFETY: the cells hold nothing; loom itself reports accesses that are not ordered.
unsafe impl Sync for Uses {}

#[cfg(all(test, loom))]
impl core::fmt::Debug for Uses {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("Uses")
    }
}

#[cfg(all(test, loom))]
impl Default for Uses {
    fn default() -> Self {
        Self([loom::cell::UnsafeCell::new(()), loom::cell::UnsafeCell::new(())])
    }
}

#[cfg(all(test, loom))]
impl Uses {
    pub(super) fn reused(&self, slot: usize) {
        if let Some(cell) = self.0.get(slot) {
            cell.with_mut(|_| ());
        }
    }

    pub(super) fn read(&self, slot: usize) {
        if let Some(cell) = self.0.get(slot) {
            cell.with(|_| ());
        }
    }
}
