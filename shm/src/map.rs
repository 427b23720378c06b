//! Files mapped into memory, and the safe views of them.
//!
//! ```text
//!   file (0600, ours, allocated) ──► MappedFile ──► Words      another process may read
//!                                               └──► ReadWords  another process writes
//! ```
//!
//! Safe code sees a mapping only as atomic words: another process may write the same bytes at any
//! time, so no plain reference into it may exist. A writable mapping hands out `&AtomicU64`; a
//! read-only one hands out [`ReadWord`], which cannot be stored to (a store would kill the
//! process).
//!
//! Mapping and unmapping interrupt every core of the process: create mappings before the hot
//! threads start and keep them until they have stopped. Nothing here is called on a hot thread but
//! the accessors, [`cpu_relax`], [`prefetch_read`] and [`prefetch_write`].
//!
//! The whole length is allocated when a file is created, so that a `/dev/shm` that is too small is
//! an error with a name and not a SIGBUS later. What is left is a file cut short by someone else
//! while it is mapped: the files are owner-only and nothing of ours ever shortens one.
//!
//! Under `cfg(loom)` only [`Words`] and [`ReadWords`] over the heap exist.
#![expect(unsafe_code, reason = "prefetch intrinsics")]

#[cfg(not(loom))]
mod file;
mod words;

#[cfg(not(loom))]
pub use file::{MapError, MapStep, MappedFile, Options, PAGE_BYTES};
pub use words::{ReadWord, ReadWords, Word, Words};

pub use crate::atomic::spin_hint as cpu_relax;

/// Asks for the cache line of `target` for reading; never faults, never waits.
#[inline(always)]
pub fn prefetch_read<T>(target: &T) {
    prefetch_read_at(core::ptr::from_ref(target).cast());
}

/// Asks for the cache line of `target` for writing; never faults, never waits.
#[inline(always)]
pub fn prefetch_write<T>(target: &T) {
    prefetch_write_at(core::ptr::from_ref(target).cast());
}

/// Asks for the cache line at an address for reading. The address need not be valid: a prefetch of
/// an unmapped address does nothing.
#[inline(always)]
pub fn prefetch_read_at(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: PREFETCHT0 is a hint that accesses no memory architecturally; any address is
        // allowed, and SSE is part of the x86-64 baseline.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

/// Asks for the cache line at an address for writing (PREFETCHW). The address need not be valid.
#[inline(always)]
pub fn prefetch_write_at(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: PREFETCHW is a hint that accesses no memory architecturally; any address is
        // allowed, and processors without it execute it as a no-op.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

#[cfg(all(test, not(loom)))]
mod tests;
