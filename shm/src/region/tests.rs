use super::*;
use crate::map::{MapStep, Options};
use crate::seqlock::CellRecord;
use crate::units::Nanos;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zerocopy::{FromBytes, Immutable, IntoBytes};

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Position {
    qty: i64,
    cost: [u64; 2],
}

impl CellRecord for Position {
    const KIND: u32 = 77;
    const LAYOUT: &'static str = "qty:i64,cost:[u64;2]";
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Renamed([u64; 3]);

impl CellRecord for Renamed {
    const KIND: u32 = 77;
    const LAYOUT: &'static str = "other:[u64;3]";
}

struct Keys {
    gaps: CounterKey,
    orders: CounterKey,
    decode: HistogramKey,
    positions: CellKey<Position>,
}

fn listed() -> (RegionBuilder, Keys) {
    let mut builder = RegionBuilder::new(7, Nanos(1_700_000_000_000_000_000));
    let gaps = builder.thread("md").counter("feed.gaps", "packets");
    let decode = builder.histogram("feed.decode", "ns", 1_000_000, 2);
    let orders = builder.thread("trade").counter("orders", "");
    let positions = builder.cells::<Position>("position", 3);
    (builder, Keys { gaps, orders, decode, positions })
}

fn write_some(region: &Region, keys: Keys) {
    region.counter(keys.gaps).unwrap().add(3);
    region.counter(keys.orders).unwrap().set(4);
    region.histogram(keys.decode).unwrap().record(250);
    let cells = region.cells(keys.positions).unwrap();
    cells[2].write(&Position { qty: -5, cost: [1, 2] });
}

fn check_some(reader: &RegionReader) {
    assert_eq!((reader.epoch(), reader.start()), (7, Nanos(1_700_000_000_000_000_000)));
    let counters: Vec<_> = reader
        .counters()
        .map(|(entry, counter)| {
            let label = entry.label.as_str().to_owned();
            (
                reader.thread_of(entry).to_owned(),
                label,
                entry.unit.as_str().to_owned(),
                counter.get(),
            )
        })
        .collect();
    let own = |texts: [&str; 3]| texts.map(str::to_owned);
    let [[md, gaps, packets], [trade, orders, none]] =
        [own(["md", "feed.gaps", "packets"]), own(["trade", "orders", ""])];
    assert_eq!(counters, [(md, gaps, packets, 3), (trade, orders, none, 4)]);
    let (entry, histogram) = reader.histograms().next().unwrap();
    assert_eq!((entry.label.as_str(), entry.unit.as_str()), ("feed.decode", "ns"));
    assert_eq!(histogram.snapshot().max(), Some(250));
    let cells = reader.cells::<Position>("position").unwrap();
    let read: Vec<_> = cells.iter().map(|cell| cell.read()).collect();
    assert_eq!(read, [None, None, Some(Position { qty: -5, cost: [1, 2] })]);
    let run = reader.cell_runs().next().unwrap();
    let mut raw = [[0; 8]; 3];
    assert!(reader.raw_cell(run, 2).unwrap().read_into(&mut raw));
    assert_eq!(raw.map(i64::from_ne_bytes), [-5, 1, 2]);
    assert!(reader.raw_cell(run, 3).is_none());
    assert_eq!(reader.counter("feed.gaps").unwrap().get(), 3);
    assert_eq!(reader.histogram("feed.decode").unwrap().count(), 1);
    assert!(matches!(reader.counter("feed.decode"), Err(RegionError::NoSuchLabel(_))));
    assert!(matches!(reader.cells::<Renamed>("position"), Err(RegionError::OtherRecord(_))));
}

/// Goal: what the engine writes, a tool that knows only labels reads. Method: memory, then a file.
#[test]
fn a_region_is_read_by_label() {
    let (builder, keys) = listed();
    let region = builder.create_in_memory().unwrap();
    assert!(!region.is_locked());
    write_some(&region, keys);
    let reader = region.reader().unwrap();
    check_some(&reader);
    assert_eq!(reader.writer_state(), WriterState::Alive);
    region.close();
    assert_eq!(reader.writer_state(), WriterState::Closed, "kept to be read, and closed");
    drop(region);
    assert_eq!(reader.writer_state(), WriterState::Closed);
}

/// Goal: the same through a file, which a second engine may not take while the first lives, and
/// which the next start replaces.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn a_region_in_a_file_belongs_to_one_living_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("region");
    let (builder, keys) = listed();
    let region = builder.create(&path, Options::HOT).unwrap();
    write_some(&region, keys);
    let reader = RegionReader::open(&path).unwrap();
    check_some(&reader);
    assert_eq!(reader.writer(), ProcessName::own());
    assert_eq!(reader.writer_state(), WriterState::Alive);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let second = listed().0.create(&path, Options::COLD).unwrap_err();
    assert!(matches!(second, RegionError::InUse { pid } if pid == std::process::id()), "{second}");
    drop(region);
    assert_eq!(reader.writer_state(), WriterState::Closed);
    let next = listed().0.create(&path, Options::COLD).unwrap();
    assert_eq!(RegionReader::open(&path).unwrap().counter("feed.gaps").unwrap().get(), 0);
    check_some(&reader);
    drop(next);
}

/// Goal: the region of a process that died is told as stale and may be replaced. Method: the header
/// names a start time that no living process has.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn a_region_of_a_dead_process_is_stale_and_replaceable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("region");
    let region = listed().0.create(&path, Options::COLD).unwrap();
    patch(&path, 56, &1u64.to_ne_bytes());
    let reader = RegionReader::open(&path).unwrap();
    assert_eq!(reader.writer_state(), WriterState::Dead);
    assert_eq!(reader.writer().pid, std::process::id());
    listed().0.create(&path, Options::COLD).unwrap();
    drop(region);
}

/// Goal: threads share no line, and data lies where the layout says. Method: all offsets of a
/// region with three threads, pinned.
#[test]
fn threads_share_no_line() {
    let mut builder = RegionBuilder::new(1, Nanos(0));
    for name in ["a", "b", "c"] {
        builder.thread(name);
        builder.counter("one", "");
        builder.cell::<Position>("cell");
        builder.histogram("h", "ns", 2, 1);
        builder.counter("two", "");
    }
    let region = builder.create_in_memory().unwrap();
    let reader = region.reader().unwrap();
    let offsets: Vec<_> = reader.entries().iter().map(|entry| entry.offset).collect();
    // Directory: 15 entries of 128 after the header of 128, so data from 2048. A thread: counters
    // 16 bytes, histogram at 128 (48 words = 384 bytes), cell 64: 576, rounded to 640.
    let first = [2048, 2048, 2048 + 512, 2048 + 128, 2048 + 8];
    let expected: Vec<_> =
        (0..3).flat_map(|thread| first.map(|offset| offset + thread * 640)).collect();
    assert_eq!(offsets, expected);
    assert!(reader.entries().iter().all(|entry| entry.kind != Kind::Thread || entry.stride == 640));
}

/// Goal: every fault of a list is told, the first one first, and nothing is made.
#[test]
#[cfg_attr(miri, ignore = "looks for a file")]
fn faulty_lists_are_refused() {
    fn fault(list: impl Fn(&mut RegionBuilder)) -> RegionError {
        let make = || {
            let mut builder = RegionBuilder::new(1, Nanos(0));
            list(&mut builder);
            builder
        };
        let dir = tempfile::tempdir().unwrap();
        let error = make().create(&dir.path().join("region"), Options::COLD).unwrap_err();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(make().create_in_memory().unwrap_err().to_string(), error.to_string());
        error
    }
    let none = fault(|builder| _ = builder.counter("a", ""));
    assert!(matches!(none, RegionError::NoThread(label) if label == "a"));
    for label in ["", "tab\t", "ünicode", &"x".repeat(49)] {
        let bad = fault(|builder| _ = builder.thread("t").counter(label, ""));
        assert!(matches!(bad, RegionError::BadLabel(_)), "{label}");
    }
    let unit = fault(|builder| _ = builder.thread("t").counter("a", "12345678901234567"));
    assert!(matches!(unit, RegionError::BadLabel(_)));
    let twice = fault(|builder| {
        builder.thread("t").counter("a", "");
        builder.counter("a", "");
    });
    assert!(matches!(twice, RegionError::DuplicateLabel(_)));
    let threads = fault(|builder| _ = builder.thread("t").thread("u").thread("t"));
    assert!(matches!(threads, RegionError::DuplicateLabel(_)));
    let figures = fault(|builder| _ = builder.thread("t").histogram("h", "", 100, 6));
    assert!(matches!(figures, RegionError::OutOfRange(_)));
    let cells = fault(|builder| _ = builder.thread("t").cells::<Position>("c", 0));
    assert!(matches!(cells, RegionError::OutOfRange(_)));
}

/// Goal: a key opens nothing in the region of another builder.
#[test]
fn keys_of_another_region_open_nothing() {
    let (_, foreign) = listed();
    let region = listed().0.create_in_memory().unwrap();
    assert!(region.counter(foreign.gaps).is_none());
    assert!(region.histogram(foreign.decode).is_none());
    assert!(region.cells(foreign.positions).is_none());
}

fn patch(path: &Path, offset: usize, bytes: &[u8]) {
    let mut file = std::fs::read(path).unwrap();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, file).unwrap();
}

/// Goal: a file that is no region of ours is refused by name, whatever is wrong with it, and never
/// a crash. Method: each header field spoiled, every truncation of the head, each byte of the
/// directory flipped.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn damaged_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("region");
    drop(listed().0.create(&path, Options::COLD).unwrap());
    let good = std::fs::read(&path).unwrap();
    let open = |file: &[u8]| {
        std::fs::write(&path, file).unwrap();
        RegionReader::open(&path)
    };
    assert!(open(&good).is_ok());
    let spoiled = |offset: usize, value: u64| {
        let mut file = good.clone();
        file[offset..offset + 8].copy_from_slice(&value.to_ne_bytes());
        open(&file).unwrap_err()
    };
    assert!(matches!(spoiled(0, 1), RegionError::NotARegion));
    assert!(matches!(spoiled(8, 2), RegionError::OtherVersion { found: 2 }));
    assert!(matches!(spoiled(16, 9), RegionError::OtherLayout { found: 9 }));
    assert!(matches!(spoiled(24, 0), RegionError::Unfinished));
    assert!(matches!(spoiled(32, 64), RegionError::OtherLength { stated: 64, .. }));
    assert!(matches!(spoiled(80, 136), RegionError::BadEntry { index: 0 }));
    for entries in [u64::MAX, 1 << 16, 1 << 20, 1 << 60] {
        assert!(matches!(spoiled(88, entries), RegionError::BadEntry { .. }));
    }
    for len in 1..good.len().min(1_000) {
        let error = open(&good[..len]).unwrap_err();
        let known = matches!(error, RegionError::NotARegion | RegionError::OtherLength { .. });
        assert!(known, "{len}: {error}");
    }
    assert!(matches!(open(&good[..good.len() - 1]), Err(RegionError::OtherLength { .. })));
    let mut refused = 0;
    for offset in HEADER_BYTES..HEADER_BYTES + 6 * ENTRY_BYTES {
        let mut file = good.clone();
        file[offset] ^= 0xFF;
        match open(&file) {
            Err(RegionError::BadEntry { .. }) => refused += 1,
            Err(error) => unreachable!("{offset}: {error}"),
            // What cannot be known to be wrong (a hash, a thread's size) still reads nothing
            // outside.
            Ok(reader) => {
                reader.counters().for_each(|(_, counter)| assert_eq!(counter.get(), 0));
                reader
                    .histograms()
                    .for_each(|(_, counts)| assert_eq!(counts.snapshot().count(), 0));
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

/// Goal: something that is not a region is never overwritten, and what cannot be made is an error.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn a_file_that_is_not_a_region_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("thesis.txt");
    std::fs::write(&path, "twelve years of work").unwrap();
    let error = listed().0.create(&path, Options::COLD).unwrap_err();
    assert!(matches!(error, RegionError::NotARegion), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"twelve years of work");
    let error = listed().0.create(&dir.path().join("no/folder"), Options::COLD).unwrap_err();
    assert!(matches!(error, RegionError::Map(error) if error.step == MapStep::Create));
}

/// Goal: the hash is FNV-1a, and the layout is the one that was published. Method: the published
/// test vectors; this layout's own hash, which changes only together with the version.
#[test]
fn the_layout_hash_is_pinned() {
    assert_eq!(fnv1a(b""), 0xCBF2_9CE4_8422_2325);
    assert_eq!(fnv1a(b"a"), 0xAF63_DC4C_8601_EC8C);
    assert_eq!(fnv1a(b"foobar"), 0x8594_4171_F739_67E8);
    assert_eq!((LAYOUT_VERSION, LAYOUT_HASH), (1, PINNED));
}

const PINNED: u64 = 0xA0497E5FBBD3C843;
