//! Every interleaving and every allowed staleness of one writer and one reader of a cell of two
//! words: `RUSTFLAGS="--cfg loom" cargo test -p shm --lib loom`.
//!
//! The writer never loads what it stores: loom remembers only the last access of a word, so a load
//! of its own would hide the race with the reader's load before it, and cut the search short.

use super::weaken::{NO_READ_FENCE, NO_WRITE_FENCE, RELAXED_CLOSE, RELAXED_OPEN, SOUND};
use super::{read_cell, write_cell};
use crate::map::Words;
use loom::thread;

/// Two writes of two equal words race one reader with two tries: a read is whole, or is none.
fn model<const WRITER: u8, const READER: u8>() {
    loom::model(|| {
        let cell = Words::heap(3);
        let reader = cell.reader();
        let writer = thread::spawn(move || {
            let stable = write_cell::<WRITER>(&cell, 0, &[1u64.to_ne_bytes(); 2]);
            write_cell::<WRITER>(&cell, stable, &[2u64.to_ne_bytes(); 2]);
        });
        let mut record = [[0u8; 8]; 2];
        if read_cell::<READER>(&reader, &mut record, 2) {
            let [first, second] = record.map(u64::from_ne_bytes);
            assert_eq!(first, second, "torn");
            assert!(first == 1 || first == 2, "written by nobody: {first}");
        }
        writer.join().unwrap();
        // After the writer's end the last write is what is read.
        assert!(read_cell::<READER>(&reader, &mut record, 1));
        assert_eq!(record.map(u64::from_ne_bytes), [2, 2]);
    });
}

/// Goal: no reader sees a torn record. Method: all interleavings.
#[test]
fn reader_never_sees_a_torn_record() {
    model::<SOUND, SOUND>();
}

/// Goal: the model can fail. Method: leave out the writer's fence.
#[test]
#[should_panic(expected = "torn")]
fn without_the_writers_fence_a_record_tears() {
    model::<NO_WRITE_FENCE, SOUND>();
}

/// Goal: the model can fail. Method: relax the writer's closing store.
#[test]
#[should_panic(expected = "torn")]
fn with_a_relaxed_close_a_record_tears() {
    model::<RELAXED_CLOSE, SOUND>();
}

/// Goal: the model can fail. Method: relax the reader's opening load.
#[test]
#[should_panic(expected = "torn")]
fn with_a_relaxed_open_a_record_tears() {
    model::<SOUND, RELAXED_OPEN>();
}

/// Goal: the model can fail. Method: leave out the reader's fence.
#[test]
#[should_panic(expected = "torn")]
fn without_the_readers_fence_a_record_tears() {
    model::<SOUND, NO_READ_FENCE>();
}
