//! The only import of atomics, fences and `UnsafeCell`: the real ones, or loom's under `cfg(loom)`.

#[cfg(not(loom))]
pub use core::sync::atomic::{
    AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence,
};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// A hint that the thread is spinning (`pause` on x86-64; a scheduling point under loom).
#[inline(always)]
pub fn spin_hint() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}
