use super::*;
use std::thread;
use zerocopy::KnownLayout;

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Top {
    bid: i64,
    ask: i64,
    rest: [u64; 6],
}

impl CellRecord for Top {
    const KIND: u32 = 1;
    const LAYOUT: &'static str = "bid:i64,ask:i64,rest:[u64;6]";
}

fn top(value: i64) -> Top {
    Top { bid: value, ask: value.wrapping_neg(), rest: [value.cast_unsigned(); 6] }
}

/// Goal: a cell gives back what was written last, and nothing before that.
#[test]
fn a_cell_gives_the_last_record_or_none() {
    let words = Words::heap(cell_words(size_of::<Top>()));
    let writer = CellWriter::<Top>::new(&words).unwrap();
    let reader = writer.reader();
    assert_eq!((reader.read(), reader.writes()), (None, 0));
    for value in [3, -4, 5] {
        writer.write(&top(value));
        assert_eq!(reader.read(), Some(top(value)));
    }
    assert_eq!(reader.writes(), 3);
    let mut raw = [[0; 8]; 2];
    assert!(RawCellReader::new(words.reader()).read_into(&mut raw));
    assert_eq!(raw.map(i64::from_ne_bytes), [5, -5]);
}

/// Goal: a reader gives up on a writer that died in the middle, and the next writer mends the cell.
/// Method: an odd version by hand.
#[test]
fn a_dead_writer_costs_a_bounded_number_of_tries() {
    let words = Words::heap(cell_words(size_of::<Top>()));
    let writer = CellWriter::<Top>::new(&words).unwrap();
    writer.write(&top(1));
    words.first().unwrap().store(3, Ordering::Relaxed);
    assert_eq!(writer.reader().read(), None);
    let next = CellWriter::<Top>::new(&words).unwrap();
    next.write(&top(2));
    assert_eq!((next.reader().read(), next.reader().writes()), (Some(top(2)), 3));
}

/// Goal: sizes are whole lines, and a cell that is too small is refused.
#[test]
fn cells_are_whole_lines_and_checked() {
    for (bytes, words) in [(8, 8), (56, 8), (57, 16), (64, 16), (120, 16), (128, 24)] {
        assert_eq!(cell_words(bytes), words);
    }
    assert!(CellWriter::<Top>::new(&Words::heap(8)).is_none());
    assert!(CellReader::<Top>::new(&Words::heap(8).reader()).is_none());
}

/// Goal: no torn record on real threads. Method: one writer at full speed, two readers; each record
/// is eight times the same number, and numbers never fall.
#[test]
fn real_threads_never_see_a_torn_record() {
    let writes: i64 = if cfg!(miri) { 200 } else { 200_000 };
    let words = Words::heap(cell_words(size_of::<Top>()));
    let writer = CellWriter::<Top>::new(&words).unwrap();
    writer.write(&top(0));
    let seen: u64 = thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let reader = writer.reader();
                scope.spawn(move || {
                    let (mut last, mut reads) = (0, 0u64);
                    while last < writes {
                        if let Some(record) = reader.read() {
                            assert_eq!(record, top(record.bid), "torn");
                            assert!(record.bid >= last, "went back");
                            last = record.bid;
                            reads += 1;
                        } else {
                            thread::yield_now();
                        }
                    }
                    reads
                })
            })
            .collect();
        scope.spawn(move || (1..=writes).for_each(|value| writer.write(&top(value))));
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    });
    assert!(seen >= 2);
}
