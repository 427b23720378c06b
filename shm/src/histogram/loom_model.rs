//! A writer counts two values while a reader takes the count and then the counts:
//! `RUSTFLAGS="--cfg loom" cargo test -p shm --lib loom`.
//!
//! The writer is the model's first thread: it loads what it stores, and loom, which remembers only
//! the last access of a word, would miss races with loads of the reader that came before.

use super::{Buckets, Histogram, head, record};
use crate::atomic::Ordering;
use crate::map::Words;
use loom::thread;

fn model<const WEAK: bool>() {
    loom::model(|| {
        let layout = Buckets::new(2, 1).unwrap();
        let words = Words::heap(layout.words());
        let histogram = Histogram::new(&words, layout).unwrap();
        let reader = words.reader();
        let reading = thread::spawn(move || {
            // The words of `Snapshot::take` that this writer touches, in its order.
            let head = head(&reader).unwrap();
            let counted = head.count.load(Ordering::Acquire);
            let load = |index: usize| head.buckets[index].load(Ordering::Relaxed);
            assert!(load(1) + load(2) >= counted, "a counted value is missing");
            assert!(counted == 0 || head.max.load(Ordering::Relaxed) >= counted, "no maximum");
        });
        record::<WEAK>(&words, histogram.layout(), 1);
        record::<WEAK>(&words, histogram.layout(), 2);
        reading.join().unwrap();
        assert_eq!(histogram.reader().snapshot().count(), 2);
    });
}

/// Goal: all that the count counts is in the buckets. Method: all interleavings.
#[test]
fn whatever_is_counted_is_in_a_bucket() {
    model::<false>();
}

/// Goal: the model can fail. Method: relax the store of the count.
#[test]
#[should_panic(expected = "a counted value is missing")]
fn with_a_relaxed_count_a_value_is_missing() {
    model::<true>();
}
