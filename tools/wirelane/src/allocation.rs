//! The program's allocator: the system's, counting the allocations of each thread.
#![expect(unsafe_code, reason = "an allocator's functions are unsafe to call")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Allocations of this thread. Made at compile time and without a destructor, so that it can be
    /// read and written inside an allocation.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// How often the calling thread has allocated or grown memory since it began.
pub(crate) fn count() -> u64 {
    COUNT.try_with(Cell::get).unwrap_or(0)
}

fn add() {
    // A thread that is going away is past counting.
    let _ = COUNT.try_with(|count| count.set(count.get().wrapping_add(1)));
}

/// Counts, and leaves the work to the system's allocator.
pub(crate) struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract;
// counting touches a plain thread-local cell and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        add();
        // SAFETY: the caller keeps the contract of `realloc`; the block came from `System`.
        unsafe { System.realloc(block, layout, bytes) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`; the block came from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    /// Goal: what a thread allocates is counted for it and for no other. Method: allocate, grow,
    /// zero and free on this thread; meanwhile another allocates.
    #[test]
    fn a_thread_counts_its_own_allocations() {
        let before = count();
        let mut grown: Vec<u64> = black_box(Vec::with_capacity(1));
        grown.extend(black_box([1, 2, 3, 4, 5, 6, 7, 8]));
        let zeroed = black_box(vec![0_u8; 100]);
        assert!(count() - before >= 3, "one new, one grown, one zeroed");
        drop((grown, zeroed));
        let before = count();
        let there = std::thread::scope(|scope| {
            let other = std::thread::Builder::new()
                .spawn_scoped(scope, || (0..1_000).map(|n| *black_box(Box::new(n))).sum::<u64>());
            let before_join = count();
            let sum = other.map(std::thread::ScopedJoinHandle::join);
            (sum.is_ok(), count() - before_join)
        });
        assert!(there.0);
        assert!(there.1 < 500, "the other thread's thousand are not ours: {}", there.1);
        let before_free = count();
        drop(black_box(Box::new(1)));
        assert_eq!(count() - before_free, 1, "a free is no allocation");
        assert!(before_free >= before);
    }
}
