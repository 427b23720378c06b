//! Every interleaving of a writer and a reader of a tiny lane, and the proof that the model
//! notices: each ordering of the protocol, weakened, must be caught. Run with `RUSTFLAGS="--cfg
//! loom"`.

use super::memory::weak::{Weak, plant};
use super::{LaneSeq, LaneSpec, LaneWriter};
use crate::units::Nanos;
use std::panic::{AssertUnwindSafe, catch_unwind};

const SPEC: LaneSpec =
    LaneSpec { lane: 1, epoch: 1, segment_bytes: 256, segments: 2, layout_hash: 7 };

/// A writer appends `records` (each may be refused), a reader takes what it sees; what the reader
/// took must be a prefix of what was accepted, whole.
fn lane(records: u64, takes: u64) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let (mut writer, mut tail) = LaneWriter::in_memory(SPEC);
        let reader = loom::thread::spawn(move || {
            let mut body = Vec::new();
            let mut seen = 0;
            for _ in 0..takes {
                if let Some(header) = tail.take(&mut body).unwrap() {
                    seen += 1;
                    assert_eq!(
                        (u64::from(header.seq), header.at, header.ts),
                        (seen, seen * 3, seen)
                    );
                    assert_eq!(body, [seen as u8; 8]);
                } else {
                    loom::thread::yield_now();
                }
            }
        });
        let mut accepted = 0;
        for _ in 0..records {
            let next: u64 = accepted + 1;
            match writer.append(2, 0, next * 3, Nanos(next), &[next as u8; 8]) {
                Ok(seq) => {
                    accepted += 1;
                    assert_eq!(seq, LaneSeq(accepted));
                }
                Err(_) => loom::thread::yield_now(),
            }
        }
        reader.join().unwrap();
    });
}

/// Goal: a committed record is whole to whoever sees it. Method: loom, all interleavings.
#[test]
fn loom_a_committed_record_is_whole() {
    plant(Weak::Nothing);
    lane(2, 2);
}

/// Goal: a segment is not overwritten while it is read. Method: loom; 2 segments of 2 records, so
/// that the fifth record needs the first segment again.
#[test]
fn loom_a_segment_in_use_is_not_reused() {
    plant(Weak::Nothing);
    lane(5, 3);
}

/// Goal: the models above can fail. Method: weaken one ordering at a time; each must be caught.
#[test]
fn loom_each_weakened_ordering_is_caught() {
    for (weak, records, takes) in
        [(Weak::Commit, 2, 2), (Weak::Committed, 2, 2), (Weak::Free, 5, 3)]
    {
        plant(weak);
        let outcome = catch_unwind(AssertUnwindSafe(|| lane(records, takes)));
        plant(Weak::Nothing);
        assert!(outcome.is_err(), "the model did not notice a weakened ordering");
    }
}
