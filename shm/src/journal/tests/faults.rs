use super::super::disk::Disk;
use super::super::{folder, segment};
use super::*;
use std::collections::BTreeSet;

/// Copies a folder of plain files.
fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A small journal on the disk, cleanly closed: one lane, a few segments.
fn closed_journal(place: &Place, records: u64) {
    let (mut writers, mut archiver) = place.start(1, 1, 4);
    for at in 0..records {
        while append(&mut writers[0]).is_err() {
            archiver.turn(Nanos(at), Nanos(0)).unwrap();
        }
    }
    archiver.close(Nanos(0)).unwrap();
    std::fs::remove_dir_all(&place.hot).unwrap();
}

/// Reads a lane to its end or its first error; every record must be the one that was written.
fn good_prefix(place: &Place, epoch: u16, lane: u16) -> (u64, Option<ReadError>) {
    let mut reader = match place.journal().reader(epoch, lane) {
        Ok(reader) => reader,
        Err(error) => return (0, Some(error)),
    };
    loop {
        match reader.next() {
            Ok(Some(record)) => check(lane, &record),
            Ok(None) => return (reader.position().seq.0, None),
            Err(error) => return (reader.position().seq.0, Some(error)),
        }
    }
}

/// Goal (T6, C1): whenever the process dies, what was committed is there after the next start, and
/// nothing else. Method: seeded runs; the memory is copied as it stands between two appends, or
/// with a record half written; recovered, verified, read; the second recovery does nothing.
#[test]
fn what_was_committed_survives_the_process() {
    for seed in 1..=40 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let place = Place::new();
        let (mut writers, mut archiver) = place.start(7, 2, 3);
        for turn in 0..random.below(400) {
            match random.below(20) {
                0..16 => drop(append(&mut writers[(turn % 2) as usize])),
                16..18 => drop(archiver.step(Nanos(turn)).unwrap()),
                _ => archiver.sync(Nanos(turn)).unwrap(),
            }
        }
        if let Ok(mut claim) = writers[0].claim(8, 100) {
            claim.payload_mut().fill(0xFF);
        }
        let dead = Place::new();
        copy_folder(&place.hot, &dead.hot);
        copy_folder(&place.dir, &dead.dir);
        let recovered = recover_hot(&dead.hot, &dead.dir).unwrap();
        assert_eq!(recovered.len(), 2);
        for (writer, recovered) in writers.iter().zip(&recovered) {
            assert_eq!((recovered.last, recovered.before), (writer.last_seq(), writer.durable()));
            assert_eq!(recovered.cut, None);
        }
        let report = verify(&dead.dir).unwrap();
        assert!(report.is_sound() && report.faults().next().is_none(), "{report:?}");
        for lane in &report.lanes {
            let last = writers[usize::from(lane.lane)].last_seq();
            assert_eq!((lane.last, lane.durable, lane.records), (last, last, last.0));
        }
        let again = recover_hot(&dead.hot, &dead.dir).unwrap();
        assert!(again.iter().all(|lane| lane.segments == 0), "{again:?}");
        // The next start takes the same memory into use: the old epoch is read from the disk.
        let (mut next, _archiver) = dead.start(8, 2, 3);
        append(&mut next[1]).unwrap();
        for lane in 0..2 {
            let last = writers[usize::from(lane)].last_seq().0;
            assert!(matches!(good_prefix(&dead, 7, lane), (seq, None) if seq == last));
        }
        assert!(matches!(good_prefix(&dead, 8, 1), (1, None)));
        assert_eq!(recover_hot(&dead.hot, &dead.dir).unwrap().last().unwrap().last, LaneSeq(1));
    }
}

/// Goal: a process that died between making its lanes and their archive keeps nobody from starting.
/// Method: lanes without a record, no archiver; recovered twice, then a session that lives.
#[test]
fn lanes_without_a_record_leave_nothing() {
    let place = Place::new();
    for lane in 0..2 {
        drop(Lane::create(&place.hot, spec(4, lane, 1024, 3)).unwrap());
    }
    for _ in 0..2 {
        recover_hot(&place.hot, &place.dir).unwrap();
        assert_eq!(place.journal().epochs().unwrap(), []);
    }
    let (mut writers, archiver) = place.start(5, 2, 3);
    append(&mut writers[1]).unwrap();
    drop((writers, archiver));
    recover_hot(&place.hot, &place.dir).unwrap();
    assert_eq!(drain(&mut place.journal().reader(5, 1).unwrap()), LaneSeq(1));
}

/// Goal (C4): hot memory that is not what a writer leaves is cut or refused, by name. Method: break
/// a segment header; put a record out of sequence behind the end.
#[test]
fn damaged_memory_is_named() {
    let place = Place::new();
    let (mut writers, _archiver) = place.start(7, 1, 2);
    append(&mut writers[0]).unwrap();
    let path = folder::hot_segment(&place.hot, 0, 0);
    let good = std::fs::read(&path).unwrap();
    let at = segment::FIRST + 64 * (32 + body(0, 1).len()).div_ceil(64);
    let mut bytes = good.clone();
    bytes[at..at + 4].copy_from_slice(&40_u32.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let recovered = recover_hot(&place.hot, &place.dir).unwrap().remove(0);
    let expected = (path.clone(), at as u64, Damage::Version(0));
    assert_eq!((recovered.last, recovered.cut), (LaneSeq(1), Some(expected)));
    for (byte, damage) in [(0, Damage::Header), (8, Damage::Layout(0)), (16, Damage::Misplaced)] {
        let mut bytes = good.clone();
        bytes[byte] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        match recover_hot(&place.hot, &place.dir) {
            Err(RecoverError::Damaged { path: named, offset: 0, damage: found }) => {
                assert_eq!((named, found), (path.clone(), damage));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Goal (T7, C4): a cut anywhere is corruption below the mark and a torn tail above it, never a
/// wrong record, never a panic. Method: cut the last 4 KiB of a lane at every byte, with the marks
/// as they were and without marks.
#[test]
fn a_cut_at_any_byte_is_told_apart() {
    let place = Place::new();
    closed_journal(&place, 34);
    let lane = folder::lane(&place.dir, 1, 0);
    let numbers = folder::numbers(&lane, "", ".seg").unwrap();
    let whole = verify(&place.dir).unwrap().lanes.remove(0);
    assert_eq!((whole.last, whole.durable, &whole.fault), (LaneSeq(34), LaneSeq(34), &None));
    let marks = std::fs::read(folder::marks(&place.dir, 1)).unwrap();
    let (mut cuts, mut lengths) = (0, BTreeSet::new());
    for &number in numbers.iter().rev() {
        let path = folder::segment(&place.dir, 1, 0, number);
        let bytes = std::fs::read(&path).unwrap();
        let used = (bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1).next_multiple_of(64);
        for len in (0..used).rev() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            for durable in [true, false] {
                if durable {
                    std::fs::write(folder::marks(&place.dir, 1), &marks).unwrap();
                } else {
                    std::fs::remove_file(folder::marks(&place.dir, 1)).unwrap();
                }
                let report = verify(&place.dir).unwrap();
                assert_eq!(report.is_sound(), !durable, "{number} cut at {len}: {report:?}");
                let (seq, error) = good_prefix(&place, 1, 0);
                assert!(seq < 34, "{number} cut at {len}");
                assert!(!matches!(error, Some(ReadError::Torn { .. })) || !durable);
                assert!(!matches!(error, Some(ReadError::Corrupt { .. })) || durable);
                lengths.insert(seq);
                if !durable && len % 61 == 0 {
                    repaired_is_sound(&place, seq);
                }
            }
            cuts += 1;
        }
        std::fs::write(&path, &bytes).unwrap();
        std::fs::write(folder::marks(&place.dir, 1), &marks).unwrap();
    }
    assert!(cuts >= 4096 && lengths.len() > 25, "{cuts} cuts, {lengths:?}");
}

/// Cutting a torn lane leaves a sound one with the same records.
fn repaired_is_sound(place: &Place, seq: u64) {
    let copy = Place::new();
    copy_folder(&place.dir, &copy.dir);
    let report = verify(&copy.dir).unwrap();
    for fault in report.faults() {
        cut(&copy.dir, fault).unwrap();
    }
    let report = verify(&copy.dir).unwrap();
    assert!(report.faults().next().is_none(), "{report:?}");
    assert_eq!(report.lanes[0].last.0, seq);
    assert!(matches!(good_prefix(&copy, 1, 0), (last, None) if last == seq));
}

/// Goal (T7, C4): no flipped bit goes unnoticed or makes a record of its own. Method: flip each bit
/// of each file of a small journal, one at a time.
#[test]
fn every_flipped_bit_is_found() {
    let place = Place::new();
    closed_journal(&place, 8);
    let lane = folder::lane(&place.dir, 1, 0);
    for number in folder::numbers(&lane, "", ".seg").unwrap() {
        let path = folder::segment(&place.dir, 1, 0, number);
        let mut bytes = std::fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            let report = verify(&place.dir).unwrap();
            let fault = report.lanes[0].fault.as_ref().unwrap();
            assert_eq!((fault.kind, &fault.path), (FaultKind::Corrupt, &path), "bit {bit}");
            assert!(fault.offset <= bit as u64 / 8, "bit {bit}: {fault}");
            let (seq, _) = good_prefix(&place, 1, 0);
            assert!(seq <= 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    let path = folder::marks(&place.dir, 1);
    let mut bytes = std::fs::read(&path).unwrap();
    for bit in 0..128 * 8 {
        for slot in [0, bytes.len() / 2] {
            bytes[slot + bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            let report = verify(&place.dir).unwrap();
            assert!(report.is_sound() && report.lanes[0].last == LaneSeq(8), "bit {bit}");
            bytes[slot + bit / 8] ^= 1 << (bit % 8);
        }
    }
    bytes[20] ^= 1;
    let half = bytes.len() / 2;
    bytes[half + 20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(!verify(&place.dir).unwrap().is_sound());
}

/// Goal (T5, C4): a whole record in the wrong place, with its right checksum, is not taken, nor is
/// a whole segment. Method: equal-sized records; copy one over another; swap two segment files.
#[test]
fn misplaced_writes_are_found() {
    let place = Place::new();
    let (mut writers, mut archiver) = place.start(1, 1, 2);
    for seq in 1..=30_u64 {
        if writers[0].append(1, 0, seq, Nanos(seq), &[7; 32]).is_err() {
            archiver.turn(Nanos(seq), Nanos(0)).unwrap();
            writers[0].append(1, 0, seq, Nanos(seq), &[7; 32]).unwrap();
        }
    }
    let hot = folder::hot_segment(&place.hot, 0, 0);
    let mut bytes = std::fs::read(&hot).unwrap();
    let stale: Vec<u8> = bytes[64..128].to_vec();
    bytes[192..256].copy_from_slice(&stale);
    let broken = Place::new();
    copy_folder(&place.dir, &broken.dir);
    copy_folder(&place.hot, &broken.hot);
    std::fs::write(folder::hot_segment(&broken.hot, 0, 0), &bytes).unwrap();
    let recovered = recover_hot(&broken.hot, &broken.dir);
    let error = matches!(recovered, Err(RecoverError::Damaged { .. }));
    let cut =
        recovered.is_ok_and(|lanes| matches!(lanes[0].cut, Some((_, 192, Damage::Sequence(_)))));
    assert!(error || cut);
    archiver.close(Nanos(99)).unwrap();
    std::fs::remove_dir_all(&place.hot).unwrap();
    let (first, second) =
        (folder::segment(&place.dir, 1, 0, 0), folder::segment(&place.dir, 1, 0, 1));
    let bytes = std::fs::read(&first).unwrap();
    for (from, to) in [(1, 2), (2, 1), (9, 3), (1, 14)] {
        let mut misplaced = bytes.clone();
        misplaced.copy_within(from * 64..from * 64 + 64, to * 64);
        std::fs::write(&first, &misplaced).unwrap();
        let fault = verify(&place.dir).unwrap().lanes[0].fault.clone().unwrap();
        assert_eq!((fault.offset, fault.damage), (to as u64 * 64, Damage::Sequence(from as u32)));
        let error = place.journal().reader(1, 0).and_then(|mut reader| {
            while let Some(record) = reader.next()? {
                assert_eq!(record.header.at, record.seq.0);
            }
            Ok(())
        });
        assert!(matches!(error, Err(ReadError::Corrupt { .. })), "{error:?}");
    }
    std::fs::copy(&second, &first).unwrap();
    let fault = verify(&place.dir).unwrap().lanes[0].fault.clone().unwrap();
    assert_eq!((fault.number, fault.offset, fault.damage), (0, 0, Damage::Misplaced));
}

/// Goal (T8, C4): whole records behind a torn one are found for the venue's query, not replayed.
/// Method: a lane without marks loses one page in the middle.
#[test]
fn strays_behind_a_lost_page_are_found() {
    let place = Place::new();
    closed_journal(&place, 30);
    std::fs::remove_file(folder::marks(&place.dir, 1)).unwrap();
    let path = folder::segment(&place.dir, 1, 0, 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[320..512].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let report = verify(&place.dir).unwrap();
    let fault = report.lanes[0].fault.clone().unwrap();
    assert_eq!((fault.kind, fault.number), (FaultKind::Torn, 1));
    let strays = strays(&place.dir, &fault).unwrap();
    let last = strays.last().unwrap();
    assert_eq!((last.header.seq, &last.body), (30, &body(0, 30)));
    for stray in &strays {
        assert_eq!(stray.body, body(0, u64::from(stray.header.seq)));
        assert!(u64::from(stray.header.seq) >= fault.seq.0);
    }
    assert!(strays.len() > 5 && fault.cut_bytes > 1000, "{strays:?}");
    cut(&place.dir, &fault).unwrap();
    assert_eq!(verify(&place.dir).unwrap().lanes[0].last.next(), fault.seq);
}

/// Goal (T10, C11): a failed write or sync is final, is reported once with its cause, never moves a
/// mark, and loses nothing that memory holds. Method: fail the n-th operation, n = 0, 1, ... until
/// none fails; then recover.
#[test]
fn a_failed_write_or_sync_is_final_and_loses_nothing() {
    let mut failures = 0;
    for n in 0.. {
        let place = Place::new();
        let lane = Lane::create(&place.hot, spec(1, 0, 1024, 3)).unwrap();
        let mut writer = lane.writer;
        let disk = Disk::default();
        disk.fail_in.set(Some(n));
        let mut failed = false;
        let mut durable_at_failure = LaneSeq::NONE;
        let created = Archiver::create_on(&place.dir, 1, vec![lane.tail], disk);
        if let Ok(mut archiver) = created {
            for turn in 0..60 {
                let refused = append(&mut writer).is_err();
                let before = writer.durable();
                match archiver.turn(Nanos(turn * 60_000_000), Nanos(0)) {
                    Ok(_) => assert!(!failed),
                    Err(ArchiveError::File(_)) => {
                        assert!(!failed && archiver.has_failed());
                        (failed, durable_at_failure) = (true, writer.durable());
                    }
                    Err(error) => {
                        assert!(failed && matches!(error, ArchiveError::Failed));
                        assert_eq!(writer.durable(), before);
                    }
                }
                assert!(!refused || failed, "refused without cause");
            }
        } else {
            failed = true;
            while append(&mut writer).is_ok() {}
        }
        let marks = place.journal().marks(1);
        let durable = marks.map_or(LaneSeq::NONE, |marks| marks.durable(0));
        assert!(durable <= writer.durable() || !failed);
        recover_hot(&place.hot, &place.dir).unwrap();
        let report = verify(&place.dir).unwrap();
        assert!(report.is_sound() && report.lanes[0].last == writer.last_seq(), "{n}: {report:?}");
        assert!(durable_at_failure <= writer.last_seq());
        failures += u64::from(failed);
        if !failed {
            break;
        }
    }
    assert!(failures > 60, "{failures}");
}

/// Goal (C12): files cut short or removed under a reader are errors or the end, never a signal.
/// Method: a reader in the middle of a lane; cut and remove what it reads.
#[test]
fn readers_survive_truncation_and_removal() {
    let place = Place::new();
    let (mut writers, mut archiver) = place.start(1, 1, 2);
    let mut reader = place.journal().reader(1, 0).unwrap();
    for _ in 0..30 {
        while append(&mut writers[0]).is_ok() {}
        archiver.turn(Nanos(1), Nanos(0)).unwrap();
    }
    for _ in 0..5 {
        assert!(reader.next().unwrap().is_some());
    }
    for slot in 0..2 {
        let path = folder::hot_segment(&place.hot, 0, slot);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, [0; 100]).unwrap();
    }
    let middle = folder::segment(&place.dir, 1, 0, 10);
    std::fs::OpenOptions::new().write(true).open(&middle).unwrap().set_len(200).unwrap();
    let error = loop {
        match reader.next() {
            Ok(Some(record)) => check(0, &record),
            Ok(None) => panic!("a cut file in the middle passed for the end"),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, ReadError::Corrupt { path, .. } if *path == middle), "{error}");
    std::fs::remove_file(&middle).unwrap();
    assert!(matches!(reader.next(), Err(ReadError::Removed(path)) if path == middle));
    let first = folder::segment(&place.dir, 1, 0, 0);
    std::fs::remove_file(first).unwrap();
    let oldest = place.journal().first(1, 0).unwrap();
    assert_eq!(oldest.segment, 1);
    let mut reader = place.journal().reader_at(oldest);
    let record = reader.next().unwrap().unwrap();
    assert_eq!(record.seq, oldest.seq.next());
    check(0, &record);
}

/// Goal (T8, C4): a power cut that takes any subset of the unsynced pages leaves everything
/// durable, and a prefix of the rest. Method: seeded; archive without a sync, zero random pages
/// behind the mark, verify, read, cut, read again.
#[test]
fn lost_pages_take_only_what_was_not_durable() {
    let (mut torn, mut shorter) = (0, 0);
    for seed in 1..=60 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let place = Place::new();
        let spec = spec(1, 0, 32 << 10, 4);
        let Lane { mut writer, tail, .. } = Lane::create(&place.hot, spec).unwrap();
        let mut archiver = Archiver::create(&place.dir, 1, vec![tail]).unwrap();
        for _ in 0..random.below(300) {
            append(&mut writer).unwrap();
        }
        archiver.turn(Nanos(1), Nanos(0)).unwrap();
        for _ in 0..random.below(300) {
            append(&mut writer).unwrap();
        }
        archiver.step(Nanos(2)).unwrap();
        let mark = *place.journal().marks(1).unwrap().get(0).unwrap();
        std::fs::remove_dir_all(&place.hot).unwrap();
        let lane = folder::lane(&place.dir, 1, 0);
        for number in folder::numbers(&lane, "", ".seg").unwrap() {
            let path = folder::segment(&place.dir, 1, 0, number);
            let mut bytes = std::fs::read(&path).unwrap();
            for (page, content) in bytes.chunks_mut(4096).enumerate() {
                // A page that the mark runs through was synced up to the mark.
                let start = (number, page as u64 * 4096);
                if random.below(2) == 0 && start >= (mark.number, mark.offset) {
                    content.fill(0);
                }
            }
            std::fs::write(&path, &bytes).unwrap();
        }
        let report = verify(&place.dir).unwrap();
        assert!(report.is_sound(), "{report:?}");
        let (seq, _) = good_prefix(&place, 1, 0);
        assert!(seq >= mark.seq.0 && seq == report.lanes[0].last.0, "{seq} {report:?}");
        torn += report.faults().count();
        shorter += usize::from(seq < writer.last_seq().0);
        for fault in report.faults() {
            cut(&place.dir, fault).unwrap();
        }
        assert!(verify(&place.dir).unwrap().faults().next().is_none());
        assert!(matches!(good_prefix(&place, 1, 0), (last, None) if last == seq));
    }
    assert!(torn > 10 && shorter > 10, "{torn} torn, {shorter} shorter");
}

/// Goal: a reader built for another layout can tell, from the disk and from memory.
#[test]
fn the_layout_hash_is_found_hot_and_archived() {
    let place = Place::new();
    let (mut writers, mut archiver) = place.start(1, 1, 2);
    assert_eq!(place.journal().layout_hash(1, 0).unwrap(), Some(0x1234));
    assert_eq!(place.journal().layout_hash(2, 0).unwrap(), None);
    append(&mut writers[0]).unwrap();
    archiver.turn(Nanos(1), Nanos(0)).unwrap();
    assert!(archiver.disk_segments().unwrap() > 2);
    std::fs::remove_dir_all(&place.hot).unwrap();
    assert_eq!(place.journal().layout_hash(1, 0).unwrap(), Some(0x1234));
}
