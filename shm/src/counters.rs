//! Counters: one word each, one writing thread each, read by anyone at any time.
//!
//! Every loss, refusal, full ring and gap counts somewhere. Labels and units stand in the region's
//! directory, written once before start; the values of one thread lie together, on lines that no
//! other thread writes.
//!
//! # Layout
//! A counter is 8 bytes, native endian u64, at a multiple of 8. It rises by wrapping addition
//! unless its label says that it is a gauge.

use crate::atomic::Ordering;
use crate::map::{ReadWords, Word};
use core::cell::Cell as NotSync;
use core::marker::PhantomData;

/// The writing end of a counter. Send, not Sync, not Clone: there is one writer.
#[derive(Debug)]
pub struct Counter {
    value: Word,
    _one_writer: PhantomData<NotSync<()>>,
}

impl Counter {
    /// Takes the word of a counter. The caller hands a word to one writer only.
    #[must_use]
    pub fn new(value: Word) -> Self {
        Self { value, _one_writer: PhantomData }
    }

    /// Adds `count`, wrapping at 2^64. A plain load and store: there is no other writer.
    #[inline(always)]
    pub fn add(&self, count: u64) {
        // ORDERING: Relaxed, both: one writer, and no other data hangs on a counter.
        let value = self.value.load(Ordering::Relaxed);
        // ORDERING: Relaxed: as above.
        self.value.store(value.wrapping_add(count), Ordering::Relaxed);
    }

    /// Sets the value: a gauge.
    #[inline(always)]
    pub fn set(&self, value: u64) {
        // ORDERING: Relaxed: one writer, and no other data hangs on a counter.
        self.value.store(value, Ordering::Relaxed);
    }

    /// The value as this thread left it.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> u64 {
        // ORDERING: Relaxed: this thread wrote it.
        self.value.load(Ordering::Relaxed)
    }
}

/// A reading end of a counter.
#[derive(Clone, Debug)]
pub struct CounterReader {
    /// One word.
    value: ReadWords,
}

impl CounterReader {
    /// Takes the word of a counter; `None` when `words` is empty.
    #[must_use]
    pub fn new(words: &ReadWords) -> Option<Self> {
        Some(Self { value: words.slice(0, 1)? })
    }

    /// The value some moments ago at most.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        // ORDERING: Relaxed: no other data hangs on a counter.
        self.value.first().map_or(0, |value| value.load(Ordering::Relaxed))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::map::Words;
    use std::thread;

    /// Goal: a counter adds, wraps and sets, and a reader sees it.
    #[test]
    fn a_counter_adds_wraps_and_sets() {
        let words = Words::heap(1);
        let counter = Counter::new(words.word(0).unwrap());
        let reader = CounterReader::new(&words.reader()).unwrap();
        counter.add(5);
        counter.add(2);
        assert_eq!((counter.get(), reader.get()), (7, 7));
        counter.set(u64::MAX);
        counter.add(2);
        assert_eq!(reader.get(), 1);
        assert!(CounterReader::new(&Words::heap(0).reader()).is_none());
    }

    /// Goal: no count is lost between threads that own neighbouring counters, and a reader never
    /// sees one fall. Method: two writers on one line, one reader.
    #[test]
    fn neighbours_do_not_disturb_each_other() {
        let turns: u64 = if cfg!(miri) { 100 } else { 100_000 };
        let words = Words::heap(2);
        thread::scope(|scope| {
            for index in 0..2 {
                let counter = Counter::new(words.word(index).unwrap());
                scope.spawn(move || (0..turns).for_each(|_| counter.add(1)));
            }
            let reader = CounterReader::new(&words.reader()).unwrap();
            scope.spawn(move || {
                let mut last = 0;
                while last < turns {
                    let value = reader.get();
                    assert!(value >= last);
                    last = value;
                    thread::yield_now();
                }
            });
        });
        for index in 0..2 {
            assert_eq!(words.get(index).unwrap().load(Ordering::Relaxed), turns);
        }
    }
}
