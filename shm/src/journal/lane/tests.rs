use super::super::{ClaimMismatch, RECORD_VERSION, TailFault};
use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

fn spec(segment_bytes: usize, segments: u32) -> LaneSpec {
    LaneSpec { lane: 3, epoch: 9, segment_bytes, segments, layout_hash: 0xABCD }
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Act {
    Append { kind: u16, body: Vec<u8> },
    Claim { fixed: Vec<u8>, payload: Vec<u8>, spare: usize, drop: bool },
    Take(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let bytes = |max| proptest::collection::vec(any::<u8>(), 0..max);
    prop_oneof![
        (0..100_u16, bytes(200)).prop_map(|(kind, body)| Act::Append { kind, body }),
        (bytes(20), bytes(150), 0..100_usize, any::<bool>())
            .prop_map(|(fixed, payload, spare, drop)| Act::Claim { fixed, payload, spare, drop }),
        (0..6_usize).prop_map(Act::Take),
    ]
}

/// Goal: a lane is a queue of records, whatever its sizes: what was accepted comes out once, in
/// order, whole, and an append fails only when the segments are taken. Method: random histories
/// against a `VecDeque`, small segments so that rolls and reuse are frequent.
#[test]
#[cfg_attr(miri, ignore = "generating the histories takes minutes; the other tests use all paths")]
fn a_lane_is_a_queue_of_records() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let acts = proptest::collection::vec(act(), 1..300);
    let sizes = (4_usize..24, 2_u32..5);
    runner
        .run(&(acts, sizes), |(acts, (lines, segments))| {
            let spec = spec(lines * RECORD_ALIGN, segments);
            let (mut writer, mut tail) = LaneWriter::in_memory(spec);
            let mut model = VecDeque::new();
            let mut body = Vec::new();
            let mut next = LaneSeq(1);
            for (at, act) in acts.into_iter().enumerate() {
                let (at, ts) = (at as u64, Nanos(at as u64 + 7));
                let before = writer.room();
                let (result, record, reserved) = match act {
                    Act::Append { kind, body } => {
                        let len = body.len();
                        (writer.append(kind, 4, at, ts, &body), Some((kind, body)), len)
                    }
                    Act::Claim { fixed, payload, spare, drop } => {
                        let reserved = fixed.len() + payload.len() + spare;
                        match writer.claim(fixed.len(), payload.len() + spare) {
                            Err(full) => (Err(full), None, reserved),
                            Ok(_) if drop => continue,
                            Ok(mut claim) => {
                                claim.payload_mut()[..payload.len()].copy_from_slice(&payload);
                                let place = claim.commit(8, 4, at, ts, &fixed, payload.len());
                                let place = place.unwrap();
                                let whole = [fixed, payload].concat();
                                prop_assert_eq!(writer.body(place), Some(&whole[..]));
                                (Ok(place.seq), Some((8, whole)), reserved)
                            }
                        }
                    }
                    Act::Take(count) => {
                        for _ in 0..count {
                            let Some(header) = tail.take(&mut body).unwrap() else {
                                prop_assert!(model.is_empty());
                                break;
                            };
                            let expected = model.pop_front().unwrap();
                            let got = (header.seq, header.kind, header.at, header.ts, body.clone());
                            prop_assert_eq!(got, expected);
                            prop_assert_eq!((header.stage, header.version), (4, RECORD_VERSION));
                        }
                        continue;
                    }
                };
                let stride = stride(HEADER_BYTES + reserved);
                match (result, record) {
                    (Ok(seq), Some((kind, bytes))) => {
                        prop_assert_eq!(seq, next);
                        prop_assert!(stride <= before);
                        prop_assert_eq!(writer.last_seq(), seq);
                        model.push_back((seq.low(), kind, at, ts.0, bytes));
                        next = next.next();
                    }
                    (Err(LaneFull::TooLong), _) => prop_assert!(stride > spec.segment_bytes - 128),
                    (Err(LaneFull::Full), _) => prop_assert_eq!(writer.free_segments(), 0),
                    (Ok(_), None) => unreachable!(),
                }
            }
            while let Some(header) = tail.take(&mut body).unwrap() {
                prop_assert_eq!(
                    Some((header.seq, body.clone())),
                    model.pop_front().map(|r| (r.0, r.4))
                );
            }
            prop_assert!(model.is_empty());
            Ok(())
        })
        .unwrap();
}

/// Goal: a record that was claimed and dropped, or committed with other sizes, leaves nothing.
#[test]
fn a_claim_that_is_not_committed_leaves_nothing() {
    let (mut writer, mut tail) = LaneWriter::in_memory(spec(1024, 2));
    let mut body = Vec::new();
    writer.claim(8, 100).unwrap().payload_mut().fill(0xEE);
    assert_eq!(tail.take(&mut body), Ok(None));
    let claim = writer.claim(8, 100).unwrap();
    assert_eq!(claim.commit(1, 0, 0, Nanos(0), &[0; 7], 0), Err(ClaimMismatch));
    let claim = writer.claim(8, 100).unwrap();
    assert_eq!(claim.commit(1, 0, 0, Nanos(0), &[0; 8], 101), Err(ClaimMismatch));
    assert_eq!((tail.take(&mut body), writer.last_seq()), (Ok(None), LaneSeq::NONE));
    assert_eq!(writer.append(1, 0, 0, Nanos(0), b"abc"), Ok(LaneSeq(1)));
    assert_eq!(tail.take(&mut body).unwrap().unwrap().seq, 1);
    assert_eq!(body, b"abc");
}

/// Goal: free segments are counted as the engine's thresholds need them, and a full lane refuses
/// without harm. Method: fill a lane of 4 segments, give back one at a time.
#[test]
fn a_full_lane_refuses_and_recovers() {
    let (mut writer, mut tail) = LaneWriter::in_memory(spec(256, 4));
    let mut seen = Vec::new();
    let mut appended = 0;
    while writer.append(1, 0, 0, Nanos(5), &[1; 32]).is_ok() {
        appended += 1;
        if seen.last() != Some(&writer.free_segments()) {
            seen.push(writer.free_segments());
        }
    }
    assert_eq!((appended, &seen[..]), (8, &[3, 2, 1, 0][..]));
    assert_eq!((writer.room(), writer.last_seq()), (0, LaneSeq(8)));
    let mut body = Vec::new();
    for seq in 1..=3 {
        assert_eq!(tail.take(&mut body).unwrap().unwrap().seq, seq);
        assert_eq!(writer.durable(), LaneSeq(u64::from(seq)));
    }
    assert!(writer.durable_mark().covers(LaneSeq(3)) && !writer.durable_mark().covers(LaneSeq(4)));
    assert_eq!((writer.free_segments(), writer.room()), (1, 128));
    assert_eq!(writer.append(1, 0, 0, Nanos(5), &[1; 129]), Err(LaneFull::TooLong));
    assert_eq!(writer.append(1, 0, 0, Nanos(5), &[1; 96]), Ok(LaneSeq(9)));
}

/// Goal: the bytes of a record stay readable until its segment is reused, and no longer.
#[test]
fn a_place_ends_with_its_segment() {
    let (mut writer, mut tail) = LaneWriter::in_memory(spec(256, 2));
    let first = writer.append_placed(1, 0, 0, Nanos(0), b"first").unwrap();
    let mut body = Vec::new();
    for _ in 0..3 {
        assert_eq!(writer.body(first), Some(&b"first"[..]));
        writer.append(1, 0, 0, Nanos(0), &[2; 32]).unwrap();
        while tail.take(&mut body).unwrap().is_some() {}
    }
    writer.append(1, 0, 0, Nanos(0), &[2; 32]).unwrap();
    assert_eq!(writer.body(first), None);
}

/// Goal: a stray write into a lane is an error with its place, not a record. Method: overwrite the
/// commit word behind the last record.
#[test]
fn a_stray_write_is_a_fault() {
    for word in [31, 32, 1 << 20, 64 | 1 << 32, 256] {
        let (mut writer, mut tail) = LaneWriter::in_memory(spec(256, 2));
        writer.append(1, 0, 0, Nanos(0), &[]).unwrap();
        writer.segments[0][128 / 8].store(word, Ordering::Relaxed);
        let mut body = Vec::new();
        assert!(tail.take(&mut body).unwrap().is_some());
        let fault = tail.take(&mut body).unwrap_err();
        assert_eq!(fault, TailFault { lane: 3, number: 0, offset: 128 });
    }
}

/// Goal: writer and reader on two threads lose and invent nothing. Method: records that say what
/// they hold, a reader that keeps up or does not.
#[test]
fn two_threads_agree_on_every_record() {
    let records = if cfg!(miri) { 60 } else { 100_000_u64 };
    let (mut writer, mut tail) = LaneWriter::in_memory(spec(1024, 3));
    let reader = std::thread::spawn(move || {
        let mut body = Vec::new();
        let mut seen = 0;
        while seen < records {
            let Some(header) = tail.take(&mut body).unwrap() else {
                std::thread::yield_now();
                continue;
            };
            seen += 1;
            assert_eq!((u64::from(header.seq), header.at), (seen, seen * 3));
            assert_eq!(body, vec![seen as u8; (seen % 97) as usize]);
        }
    });
    for seq in 1..=records {
        let body = vec![seq as u8; (seq % 97) as usize];
        while seq % 2 == 0 && writer.append(5, 1, seq * 3, Nanos(seq), &body).is_err() {
            assert!(!reader.is_finished());
            std::thread::yield_now();
        }
        while seq % 2 == 1 && {
            match writer.claim(0, 97) {
                Err(_) => true,
                Ok(mut claim) => {
                    claim.payload_mut()[..body.len()].copy_from_slice(&body);
                    claim.commit(5, 1, seq * 3, Nanos(seq), &[], body.len()).unwrap();
                    false
                }
            }
        } {
            assert!(!reader.is_finished());
            std::thread::yield_now();
        }
    }
    reader.join().unwrap();
}
