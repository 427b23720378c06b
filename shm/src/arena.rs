//! Large tables of plain values on huge pages, where the kernel gives them.
//!
//! A table that is hit at random costs a walk of the page table at each access on pages of 4 KiB;
//! on pages of 2 MiB the processor remembers all of them.
#![expect(unsafe_code, reason = "values over mapped bytes")]

use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use memmap2::{Advice, MmapMut, MmapOptions};
use zerocopy::FromBytes;

/// A fixed number of values in anonymous memory of its own, all bytes zero at first.
#[derive(Debug)]
pub struct Arena<T> {
    map: MmapMut,
    /// Values, all inside the mapping.
    len: usize,
    values: PhantomData<T>,
}

impl<T: FromBytes> Arena<T> {
    /// `len` values of zero bytes, every page of them there. The kernel is asked for huge pages;
    /// without them the table is the same, and slower.
    ///
    /// # Panics
    /// Without memory, or for values that are aligned to more than a page: construction only.
    #[must_use]
    #[expect(clippy::panic, reason = "construction")]
    pub fn zeroed(len: usize) -> Self {
        const { assert!(align_of::<T>() <= 4096 && size_of::<T>() > 0) };
        let bytes = len.saturating_mul(size_of::<T>());
        let Ok(mut map) = MmapOptions::new().len(bytes.max(1)).map_anon() else {
            panic!("no memory for a table of {bytes} bytes: lower its capacity")
        };
        if !cfg!(miri) {
            // A hint: a kernel without huge pages says no, and nothing is lost but speed.
            let _ = map.advise(Advice::HugePage);
        }
        // Opaque, so that the write to memory that is zero already is not left out.
        map.fill(core::hint::black_box(0));
        if !cfg!(miri) {
            // Pages that were not huge when they came stay small: to gather them later, the kernel
            // takes them away under whoever uses them. Those that are huge stay so.
            let _ = map.advise(Advice::NoHugePage);
        }
        Self { map, len, values: PhantomData }
    }

    /// Writes zero to every byte.
    pub fn clear(&mut self) {
        self.map.fill(0);
    }
}

impl<T: FromBytes> Deref for Arena<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: the mapping holds `len` values (made so in `zeroed`), starts on a page, which is
        // aligned enough for `T`, lives as long as `self`, and any bytes are a `T`.
        unsafe { core::slice::from_raw_parts(self.map.as_ptr().cast(), self.len) }
    }
}

impl<T: FromBytes> DerefMut for Arena<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `self` is borrowed alone, and nobody else knows the mapping.
        unsafe { core::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: values are zero, keep what is written, are as many as asked for, and are zero again
    /// after a clear. Method: none, one, and more than a huge page of them.
    #[test]
    fn an_arena_holds_what_it_was_made_for() {
        for len in [0, 1, 300_000] {
            let mut arena: Arena<[u64; 2]> = Arena::zeroed(len);
            assert_eq!(arena.len(), len);
            assert!(arena.iter().all(|value| *value == [0; 2]));
            for (value, number) in arena.iter_mut().zip(1..) {
                *value = [number, !number];
            }
            assert_eq!(arena.last().copied(), (len > 0).then_some([len as u64, !(len as u64)]));
            arena.clear();
            assert!(arena.iter().all(|value| *value == [0; 2]));
        }
    }
}
