use super::*;

/// Goal: whatever the pace of writer, archiver and readers, a reader sees every record once, in
/// order, from memory or from the disk. Method: seeded random interleavings on one thread; one
/// reader that polls often, one that sleeps through whole laps.
#[test]
fn readers_see_every_record_at_any_pace() {
    for seed in 1..=20 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let place = Place::new();
        let (mut writers, mut archiver) = place.start(7, 2, 3);
        let mut fast = place.journal().reader(7, 1).unwrap();
        let mut slow = place.journal().reader(7, 1).unwrap();
        let mut refused = 0;
        for turn in 0..3000 {
            match random.below(100) {
                0..70 => refused += u64::from(append(&mut writers[1]).is_err()),
                70..80 => refused += u64::from(append(&mut writers[0]).is_err()),
                80..88 => drop(archiver.step(Nanos(turn)).unwrap()),
                88..92 => archiver.sync(Nanos(turn)).unwrap(),
                92..99 => {
                    let last = drain(&mut fast);
                    assert_eq!(last, writers[1].last_seq());
                }
                _ => {
                    for _ in 0..random.below(200) {
                        let Some(record) = slow.next().unwrap() else { break };
                        check(1, &record);
                    }
                }
            }
        }
        assert!(refused > 0 && writers[1].last_seq().0 > 300, "{refused} {writers:?}");
        assert_eq!(drain(&mut slow), writers[1].last_seq());
        let ends = [writers[0].last_seq(), writers[1].last_seq()];
        drop(writers);
        archiver.close(Nanos(9999)).unwrap();
        std::fs::remove_dir_all(&place.hot).unwrap();
        for lane in 0..2 {
            let mut reader = place.journal().reader(7, lane).unwrap();
            assert_eq!(drain(&mut reader), ends[usize::from(lane)]);
            assert_eq!(place.journal().marks(7).unwrap().durable(lane), ends[usize::from(lane)]);
        }
    }
}

/// Goal: the same on real threads: a writer at full speed, an archiver, a reader that is often
/// overtaken. Method: 3 threads, small segments, every record checked.
#[test]
fn a_tailing_reader_keeps_up_with_a_live_writer() {
    const RECORDS: u64 = 8_000;
    let place = Place::new();
    let (mut writers, mut archiver) = place.start(1, 1, 2);
    let mut writer = writers.remove(0);
    let mut reader = place.journal().reader(1, 0).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while writer.last_seq().0 < RECORDS {
                if append(&mut writer).is_err() {
                    std::thread::yield_now();
                }
            }
        });
        scope.spawn(move || {
            let mut now = Nanos(0);
            while archiver.durable(0).unwrap().0 < RECORDS {
                now.0 += 1;
                archiver.turn(now, Nanos(0)).unwrap();
            }
        });
        while drain(&mut reader).0 < RECORDS {
            std::thread::yield_now();
        }
    });
}

/// Goal: the durable mark covers what is synced and nothing else, the lag says what is not, and
/// segments come back only with a sync. Method: step without sync, look, sync, look.
#[test]
fn marks_and_segments_move_with_the_sync() {
    let place = Place::new();
    let (mut writers, mut archiver) = place.start(2, 1, 3);
    let mark = writers[0].durable_mark();
    while append(&mut writers[0]).is_ok() {}
    let last = writers[0].last_seq();
    let progress = archiver.step(Nanos(500)).unwrap();
    assert_eq!((progress.bytes, progress.lag_ns), (progress.lag_bytes, 490));
    assert!(progress.lag_bytes > 2048);
    assert_eq!((mark.get(), writers[0].free_segments()), (LaneSeq::NONE, 0));
    assert_eq!(place.journal().marks(2).unwrap().durable(0), LaneSeq::NONE);
    archiver.sync(Nanos(600)).unwrap();
    assert_eq!((mark.get(), writers[0].free_segments()), (last, 2));
    assert_eq!(place.journal().marks(2).unwrap().durable(0), last);
    assert_eq!(archiver.step(Nanos(700)).unwrap(), Progress::default());
}

/// Goal: an archived Tx has its Approved: the lane read first is never ahead of the lane read
/// last. Method: whenever the archiver has read the end of a lane, the cause is written to lane 0
/// and then the effect to lane 1; marks compared after each turn.
#[test]
fn effects_are_never_archived_before_their_causes() {
    let place = Place::new();
    let mut lanes = Vec::new();
    let mut tails = Vec::new();
    for lane in 0..2 {
        let lane = Lane::create(&place.hot, spec(3, lane, 1024, 8)).unwrap();
        lanes.push(lane.writer);
        tails.insert(0, lane.tail);
    }
    let disk = super::super::disk::Disk::default();
    disk.pause.borrow_mut().0 = Some(Box::new(move || {
        for lane in &mut lanes {
            lane.append(1, 0, 0, Nanos(1), &[0; 8]).unwrap();
        }
    }));
    let mut archiver = Archiver::create_on(&place.dir, 3, tails, disk).unwrap();
    for turn in 1..50 {
        archiver.turn(Nanos(turn), Nanos(0)).unwrap();
        let marks = place.journal().marks(3).unwrap();
        assert!(marks.durable(1) <= marks.durable(0), "{marks:?}");
        assert_eq!(marks.durable(0), LaneSeq(turn * 2 - 1));
    }
}

/// Goal: a reader whose segment is reused in the middle of its copy takes the records from the
/// disk. Method: between the two copies of a hot segment the writer goes on by whole laps, or by so
/// little that only the segment's number is gone.
#[test]
fn a_reader_overtaken_in_a_copy_reads_the_disk() {
    for lap in 1..40 {
        let place = Place::new();
        let (mut writers, mut archiver) = place.start(6, 1, 2);
        let mut writer = writers.remove(0);
        for _ in 0..3 {
            append(&mut writer).unwrap();
        }
        let mut reader = place.journal().reader(6, 0).unwrap();
        let mut left = Some(lap);
        reader.pause.0 = Some(Box::new(move || {
            for turn in 0..left.take().unwrap_or(0) {
                if append(&mut writer).is_err() {
                    archiver.turn(Nanos(turn), Nanos(0)).unwrap();
                    append(&mut writer).unwrap();
                }
            }
        }));
        let mut seen = 0;
        while let Some(record) = reader.next().unwrap() {
            check(0, &record);
            seen += 1;
        }
        assert_eq!(seen, lap + 3);
    }
}

/// Goal: a record longer than a reader's block is read whole, from memory and from the disk.
#[test]
fn long_records_are_read_whole() {
    let place = Place::new();
    let spec = spec(4, 0, 1 << 20, 2);
    let Lane { mut writer, tail, .. } = Lane::create(&place.hot, spec).unwrap();
    let mut archiver = Archiver::create(&place.dir, 4, vec![tail]).unwrap();
    let mut claim = writer.claim(16, 300_000).unwrap();
    claim.payload_mut().fill(0xA5);
    claim.commit(9, 1, 2, Nanos(3), &[0x5A; 16], 300_000).unwrap();
    archiver.step(Nanos(9)).unwrap();
    for hot in [true, false] {
        if !hot {
            std::fs::remove_dir_all(&place.hot).unwrap();
        }
        let mut reader = place.journal().reader(4, 0).unwrap();
        let record = reader.next().unwrap().unwrap();
        let (fixed, payload) = record.body.split_at(16);
        assert!(fixed.iter().all(|&byte| byte == 0x5A) && payload.len() == 300_000);
        assert!(payload.iter().all(|&byte| byte == 0xA5), "hot {hot}");
        assert_eq!(reader.next().unwrap(), None);
    }
}

/// Goal: a place saved by a service is where it goes on, after a restart and over a lap. Method:
/// save, load, read on; a damaged file is refused.
#[test]
fn a_saved_place_is_where_reading_goes_on() {
    let place = Place::new();
    let (mut writers, mut archiver) = place.start(5, 1, 2);
    let path = place.dir.join("store.cursor");
    let mut seen = 0;
    for _ in 0..200 {
        while append(&mut writers[0]).is_ok() {}
        archiver.turn(Nanos(1), Nanos(0)).unwrap();
        let mut cursor = DurableCursor::load(&path).unwrap();
        let at = cursor.get(5, 0).unwrap_or(Position::start(5, 0));
        let mut reader = place.journal().reader_at(at);
        for _ in 0..9 {
            let Some(record) = reader.next().unwrap() else { break };
            seen += 1;
            assert_eq!(record.seq.0, seen);
            check(0, &record);
        }
        cursor.set(reader.position());
        cursor.save().unwrap();
    }
    assert!(seen > 1000);
    let mut bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(DurableCursor::load(&path), Err(CursorError::Damaged(_))), "byte {at}");
        bytes[at] ^= 1;
    }
}

/// Goal: a lane whose writer found no room for what it had done is named, with the number of
/// records, and what is there is copied all the same. Method: the second of two lanes.
#[test]
fn a_lane_that_is_short_of_records_is_named() {
    let place = Place::new();
    let (mut writers, mut archiver) = place.start(1, 2, 2);
    assert_eq!(archiver.lost(), None);
    while append(&mut writers[1]).is_ok() {}
    writers[1].lose();
    writers[1].lose();
    let progress = archiver.step(Nanos(1)).unwrap();
    assert!(progress.bytes > 0);
    assert_eq!(archiver.lost(), Some((1, 2)));
}
