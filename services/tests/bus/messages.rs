//! Journals to messages to rows, without a server: a stream is a list.

use crate::journal::{DAY, Engine, Random, Sums, dir};
use crate::place::{each, number, store};
use services::bus::{BusError, Families, Head, Inbox, InboxError, Source};
use services::store::{EngineId, Store, Target, rebuild};
use std::path::Path;

/// Publishes what is in the journal below `base` behind what is in the stream.
fn publish(base: &Path, stream: &mut Vec<Vec<u8>>, bytes_max: usize, turn_max: usize) {
    let last = stream.last().map(Vec::as_slice);
    let mut source = Source::open(&dir(base), Families::STORE, bytes_max, last).unwrap();
    let mut idle = 0;
    while idle < 2 {
        let (turn, messages) = source.turn(turn_max).unwrap();
        stream.extend(messages.into_iter().map(|message| message.payload));
        idle = if turn.records == 0 && !turn.behind { idle + 1 } else { 0 };
    }
}

/// Reads a stream into a store from message `from` on, or from where the store stands.
fn read(
    store: &mut Store,
    name: &str,
    stream: &[Vec<u8>],
    from: Option<u64>,
) -> Result<u64, InboxError> {
    let engine = store.engine(name).unwrap();
    let next = engine.stream.map_or(0, |place| place.seq) + 1;
    let next = from.unwrap_or(if next > stream.len() as u64 { 1 } else { next });
    let positions = store.positions_of(engine.id).unwrap();
    let mut inbox = Inbox::new(engine.stream, &positions);
    if next == 1 {
        inbox.begin_again();
    }
    let mut batch = store.batch_of(engine.id).unwrap();
    let mut fresh = 0;
    for (seq, bytes) in (1..).zip(stream).skip(next as usize - 1) {
        fresh += inbox.take(seq, bytes, &mut batch)?;
    }
    store.write(&mut batch, &inbox.positions()).unwrap();
    Ok(fresh)
}

/// A store of the journal below `base`, made without a bus.
pub(crate) fn local(base: &Path) -> Store {
    let mut made = store(&Target::Sqlite(base.join("local.db")));
    rebuild(&mut made, &dir(base), None).unwrap();
    made
}

/// Fails unless a store's rows of an engine are those of the journal below `base`.
pub(crate) fn same(desk: &mut Store, name: &str, base: &Path, what: &str) {
    let id = desk.engine(name).unwrap().id;
    let (held, made) = (desk.fingerprints(id, 0), local(base).fingerprints(EngineId::LOCAL, 0));
    assert_eq!(held.unwrap(), made.unwrap(), "{what}: {name}");
}

/// Goal: whatever stops, is told twice or loses its end, a store at the end of the bus holds each
/// record of an engine once, and the same rows as one beside the engine. Method: two engines with
/// several sessions; publishers and readers that begin anew at random, streams that lose their end,
/// messages too small for a configuration's text.
#[test]
fn journals_go_over_the_bus_once_and_exactly() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let temp = tempfile::tempdir().unwrap();
    each(temp.path(), |kind, target| {
        let mut random = Random(seed);
        let mut desk = store(target);
        let mut sums = Vec::new();
        for name in ["a", "b"] {
            let base = temp.path().join(format!("{kind}-{name}"));
            let (mut stream, mut last) = (Vec::new(), None::<Sums>);
            for epoch in 1..=3 {
                let mut engine = Engine::start(&base, epoch, random.below(1_000), DAY);
                if let Some(last) = &last {
                    engine.carry(last);
                }
                for _ in 0..12 {
                    (0..random.below(40)).for_each(|_| engine.order());
                    engine.archive();
                    let lost = random.below(4) as usize;
                    stream.truncate(stream.len().saturating_sub(lost));
                    let bytes_max = 100 + random.below(4_000) as usize;
                    publish(&base, &mut stream, bytes_max, 1 + random.below(500) as usize);
                    let from = (random.below(4) == 0).then_some(1);
                    match read(&mut desk, name, &stream, from) {
                        Ok(_) => {}
                        // The end was lost, and told anew in other messages.
                        Err(InboxError::Rewritten) => {
                            read(&mut desk, name, &stream, Some(1)).unwrap();
                        }
                        Err(error) => panic!("seed {seed}: {error}"),
                    }
                }
                last = Some(engine.stop());
            }
            publish(&base, &mut stream, 1_000, 100);
            read(&mut desk, name, &stream, None)
                .or_else(|_| read(&mut desk, name, &stream, Some(1)))
                .unwrap();
            assert_eq!(read(&mut desk, name, &stream, Some(1)), Ok(0), "seed {seed}");
            same(&mut desk, name, &base, &format!("seed {seed}, {kind}"));
            sums.extend(last);
        }
        positions(&mut desk, &sums, &format!("seed {seed}, {kind}"));
        assert_eq!(number(desk.database(), "SELECT COUNT(*) FROM journal_gaps"), 0, "{seed}");
    });
}

/// Fails unless the desk's positions are the sums of the engines'.
pub(crate) fn positions(desk: &mut Store, sums: &[Sums], what: &str) {
    for (instrument, symbol) in [(0, "AAPL"), (1, "MSFT")] {
        let of = |sums: &Sums| -> i64 {
            let own = sums.positions.iter().filter(|((_, of), _)| *of == instrument);
            own.map(|(_, (position, _))| position).sum()
        };
        let sql = format!(
            "SELECT position_e8 FROM desk_positions WHERE account = 'main' AND venue = 'NASDAQ' \
             AND symbol = '{symbol}' AND engines = {}",
            sums.len()
        );
        let expected: i64 = sums.iter().map(of).sum();
        assert_eq!(number(desk.database(), &sql), expected, "{what}: {symbol}");
    }
}

/// A stream of one engine, published in small messages.
fn stream(base: &Path, orders: usize) -> Vec<Vec<u8>> {
    let mut engine = Engine::start(base, 1, 5, DAY);
    (0..orders).for_each(|_| engine.order());
    engine.stop();
    let mut stream = Vec::new();
    publish(base, &mut stream, 2_000, 50);
    stream
}

/// Goal: a message that is gone is noted with its records, and one that follows another than the
/// one that was read is refused; read again from the first, nothing is missing. Method: each
/// message left out in turn, by its number, and by another in its place.
#[test]
fn a_message_that_is_missing_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let stream = stream(temp.path(), 60);
    assert!(stream.len() > 10);
    let lane = |bytes: &[u8]| Head::decode(bytes).unwrap().0.lane;
    for gone in 1..stream.len() - 1 {
        let mut desk = store(&Target::Sqlite(temp.path().join(format!("{gone}.db"))));
        read(&mut desk, "a", &stream[..gone], None).unwrap();
        let mut other = stream[..gone].to_vec();
        other.extend_from_slice(&stream[gone + 1..]);
        let refused = read(&mut desk, "a", &other, None);
        assert_eq!(refused, Err(InboxError::Rewritten), "{gone}");
        read(&mut desk, "a", &stream, Some(gone as u64 + 2)).unwrap();
        let is_known = stream[gone + 1..].iter().any(|bytes| lane(bytes) == lane(&stream[gone]));
        let gaps = number(desk.database(), "SELECT COUNT(*) FROM journal_gaps WHERE engine = 1");
        assert_eq!(gaps, i64::from(is_known), "{gone}");
        let mut desk = store(&Target::Sqlite(temp.path().join(format!("again-{gone}.db"))));
        read(&mut desk, "a", &stream[..gone], None).unwrap();
        read(&mut desk, "a", &stream, Some(1)).unwrap();
        same(&mut desk, "a", temp.path(), "read again");
    }
}

/// Goal: no bytes make a reader panic or take a part of a message. Method: each message cut at each
/// length, and with each byte of its head changed.
#[test]
fn damaged_messages_are_refused_whole() {
    let temp = tempfile::tempdir().unwrap();
    let stream = stream(temp.path(), 20);
    let mut desk = store(&Target::Sqlite(temp.path().join("desk.db")));
    let id = desk.engine("a").unwrap().id;
    for bytes in &stream {
        for len in 0..bytes.len() {
            let mut batch = desk.batch_of(id).unwrap();
            let taken = Inbox::new(None, &[]).take(1, &bytes[..len], &mut batch);
            // A piece of a record is only known to be short once the others are there.
            assert!(taken.is_err() || taken == Ok(0), "{len}");
            assert_eq!(batch.records(), 0, "{len}");
        }
        for at in 0..bytes.len().min(200) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            let mut batch = desk.batch_of(id).unwrap();
            // Whatever it says, it is an answer.
            let _ = Inbox::new(None, &[]).take(1, &changed, &mut batch);
        }
    }
}

/// Goal: another journal under a name that is known is refused, by the publisher and by the reader.
/// Method: a second journal with the same epoch, opened at another time.
#[test]
fn another_journal_of_the_same_name_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let (one, other) = (temp.path().join("one"), temp.path().join("other"));
    let first = stream(&one, 20);
    let mut engine = Engine::start(&other, 1, 5, DAY + 1);
    (0..20).for_each(|_| engine.order());
    engine.stop();
    let last = first.last().map(Vec::as_slice);
    let refused = Source::open(&dir(&other), Families::STORE, 2_000, last).unwrap_err();
    assert!(matches!(refused, BusError::OtherJournal { epoch: 1 }), "{refused}");
    let mut second = Vec::new();
    publish(&other, &mut second, 2_000, 50);
    let mut desk = store(&Target::Sqlite(temp.path().join("desk.db")));
    read(&mut desk, "a", &first, None).unwrap();
    let refused = read(&mut desk, "a", &second, Some(1));
    assert_eq!(refused, Err(InboxError::OtherJournal { epoch: 1 }));
    same(&mut desk, "a", &one, "as before");
}
