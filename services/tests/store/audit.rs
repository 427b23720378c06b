//! The audit chain of a store: what a person did to it is found, and named.

use crate::journal::{DAY, Engine, dir};
use crate::place::{each, number, store};
use services::audit::{Bad, Entry, Fault, Head, Heads, Kept, Place, Truth, hex, judge, verify};
use services::store::{Settings, Store, StoreService, Target, Value, rebuild};
use shm::record::RecordKind;
use shm::record::status::Operator;
use shm::units::Nanos;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Two sessions with commands among orders.
fn sessions(base: &Path) {
    for epoch in 1..=2 {
        let mut engine = Engine::start(base, epoch, u64::from(epoch), DAY);
        for round in 0..3 {
            (0..20).for_each(|_| engine.order());
            engine.command(Operator::KILL, &format!("firm by operator: round {round}"));
            engine.command(Operator::ARM, "firm: it's over");
        }
        engine.stop();
    }
}

/// Records of the chain of [`sessions`]: 5 of an opening, 6 commands, the end.
const RECORDS: u64 = 2 * 12;

fn bad(store: &mut Store, journal: &Path, heads: Option<&Path>) -> Option<Bad> {
    verify(store, journal, heads).unwrap().bad
}

/// What is done to the order of records: statements, and what is found with the journal and
/// without it.
fn moved(at: u64) -> Vec<(&'static str, String, [Fault; 2])> {
    let row = format!("WHERE number = {at}");
    // A copy, at a place where no other record stands.
    let insert = format!(
        "UPDATE audit_chain SET number = -number WHERE number >= {at}; UPDATE audit_chain SET \
         number = -number + 1 WHERE number < 0; INSERT INTO audit_chain SELECT 0, {at}, 0, 1, ts_ns, \
         kind, body, hash FROM kept {row}"
    );
    let mut moved = vec![("insert", insert, [Fault::Changed; 2])];
    // Without the journal nobody misses a last record: see the published heads below.
    if at < RECORDS {
        let drop = format!("DELETE FROM audit_chain {row}");
        moved.push(("drop", drop, [Fault::Missing; 2]));
        let close = format!(
            "DELETE FROM audit_chain {row}; UPDATE audit_chain SET number = -number WHERE number \
             > {at}; UPDATE audit_chain SET number = -number - 1 WHERE number < 0"
        );
        moved.push(("drop and close up", close, [Fault::Missing, Fault::Changed]));
        let swap = format!(
            "UPDATE audit_chain SET number = -1 {row}; UPDATE audit_chain SET number = {at} WHERE \
             number = {at} + 1; UPDATE audit_chain SET number = {at} + 1 WHERE number = -1"
        );
        moved.push(("swap", swap, [Fault::OutOfPlace, Fault::Changed]));
    }
    moved
}

/// Goal: T25: the first record of the chain that was changed, dropped, swapped, put in or cut off
/// is named, by the journal and without it. Method: each record of a chain in a database is dealt
/// with so, in the ways of somebody who writes rows and does not make hashes anew.
#[test]
fn t25_every_tampered_record_is_named() {
    let temp = tempfile::tempdir().unwrap();
    sessions(temp.path());
    let (journal, nowhere) = (dir(temp.path()), temp.path().join("nowhere"));
    std::fs::create_dir(&nowhere).unwrap();
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &journal, None).unwrap();
        let verdict = verify(&mut store, &journal, None).unwrap();
        assert_eq!((verdict.bad, verdict.records), (None, RECORDS), "{name}: {verdict}");
        assert_eq!(verdict.in_journal, RECORDS, "{name}: {verdict}");
        assert_eq!(verify(&mut store, &nowhere, None).unwrap().in_journal, 0, "{name}");
        let save = "CREATE TABLE kept AS SELECT * FROM audit_chain";
        store.database().script(save).unwrap();
        let mut tampered = |sql: &str, first: u64, faults: [Fault; 2], what: &str| {
            store.database().script(sql).unwrap();
            for (place, fault) in [&journal, &nowhere].into_iter().zip(faults) {
                let found = bad(&mut store, place, None);
                let found = found.map(|bad| (bad.number, bad.last, bad.fault));
                assert_eq!(found, Some((first, first, fault)), "{name}: {what} at {first}");
            }
            let restore = "DELETE FROM audit_chain; INSERT INTO audit_chain SELECT * FROM kept";
            store.database().script(restore).unwrap();
        };
        for at in 1..=RECORDS {
            let row = format!("WHERE number = {at}");
            for change in [
                "ts_ns = ts_ns + 1",
                "kind = CASE WHEN kind = 'Topology' THEN 'Instruments' ELSE 'Topology' END",
                "kind = 'Nothing'",
                "body = '00' || body",
                "body = 'x'",
                "hash = '00'",
                "hash = replace(replace(hash, '0', '2'), '1', '0')",
            ] {
                let sql = format!("UPDATE audit_chain SET {change} {row}");
                tampered(&sql, at, [Fault::Changed; 2], change);
            }
            for (what, sql, faults) in moved(at) {
                tampered(&sql, at, faults, what);
            }
        }
    });
}

/// Rows as a chain of their own: hashes made anew by somebody who knows how.
fn chained(entries: &[(Place, [u8; 32])]) -> Vec<Kept> {
    let mut head = Head::default();
    let row = |&(place, content): &(Place, [u8; 32])| {
        head = head.next(place, &content);
        Kept { number: head.number, place, content: Some(content), hash: Some(head.hash) }
    };
    entries.iter().map(row).collect()
}

/// A chain of `count` records of one session, each at a place of its own with one between.
fn entries(count: u64) -> Vec<(Place, [u8; 32])> {
    let made = |seq: u64| {
        let place = Place { epoch: 3, seq: seq * 2 };
        let body = seq.to_le_bytes();
        let entry = Entry { place, kind: RecordKind::Operator, ts: Nanos(seq), body: &body };
        (place, entry.content())
    };
    (1..=count).map(made).collect()
}

/// Goal: T25 against somebody who makes all hashes behind his change anew: the journal names the
/// record; without it the published heads bound where it is. Method: each record of a chain
/// changed, dropped, swapped, put in, cut off, the chain made anew; heads of every fourth record.
#[test]
fn t25_a_chain_made_anew_is_found_by_journal_and_heads() {
    const COUNT: u64 = 17;
    let plain = entries(COUNT);
    let truth = Truth { firsts: BTreeMap::from([(3, 1)]), entries: plain.clone() };
    let rows = chained(&plain);
    let mut heads = Heads::default();
    for row in rows.iter().filter(|row| row.number % 4 == 1) {
        heads.heads.push(Head { number: row.number, hash: row.hash.unwrap() });
    }
    for (truth, heads) in
        [(&truth, &heads), (&Truth::default(), &heads), (&truth, &Heads::default())]
    {
        let verdict = judge(&rows, truth, heads);
        assert_eq!((verdict.bad, verdict.head.number), (None, COUNT), "{verdict}");
    }
    let other = entries(COUNT + 1)[COUNT as usize].1;
    for at in 0..COUNT as usize {
        let number = at as u64 + 1;
        let (mut changed, mut dropped, mut swapped) = (plain.clone(), plain.clone(), plain.clone());
        changed[at].1 = other;
        dropped.remove(at);
        let mut inserted = plain.clone();
        let between = Place { epoch: 3, seq: plain[at].0.seq - 1 };
        inserted.insert(at, (between, other));
        let mut cases = vec![
            ("changed", changed, Fault::Changed),
            ("inserted", inserted, Fault::Inserted),
            ("cut", plain[..at].to_vec(), Fault::Cut),
        ];
        if number < COUNT {
            swapped.swap(at, at + 1);
            cases.push(("dropped", dropped, Fault::Missing));
            cases.push(("swapped", swapped, Fault::OutOfPlace));
        }
        for (what, made, fault) in cases {
            let rows = chained(&made);
            let found = judge(&rows, &truth, &Heads::default()).bad.unwrap();
            assert_eq!((found.number, found.last, found.fault), (number, number, fault), "{what}");
            // The journal is gone: only what was published is left.
            let found = judge(&rows, &Truth::default(), &heads).bad.unwrap();
            let is_within = (found.number..=found.last).contains(&number);
            assert!(is_within, "{what} at {number}: {found}");
            let width = found.last - found.number;
            assert!(width < 4, "{what} at {number}: {found}");
        }
    }
}

/// Goal: what other tables show of a command, a limit set or a configuration is what the chain
/// holds. Method: each such row changed or removed; the chain itself stays as it is.
#[test]
fn t25_what_is_shown_is_what_was_chained() {
    let temp = tempfile::tempdir().unwrap();
    sessions(temp.path());
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &dir(temp.path()), None).unwrap();
        for (table, number, change) in [
            ("commands", 8, "UPDATE commands SET uid = 0 WHERE epoch = 1 AND seq = 8"),
            ("commands", 6, "DELETE FROM commands WHERE epoch = 1 AND seq = 6"),
            ("limit_sets", 4, "UPDATE limit_sets SET reason = 'other'"),
            ("config_versions", 1, "UPDATE config_versions SET body = ''"),
        ] {
            store.database().script(change).unwrap();
            let found = bad(&mut store, &dir(temp.path()), None).unwrap();
            let expected = (number, Fault::Shown(table));
            assert_eq!((found.number, found.fault), expected, "{name}: {change}");
        }
    });
}

/// What a person reads.
fn view(store: &mut Store) -> Vec<Vec<Value>> {
    let sql = "SELECT number, day, kind, op, words, uid FROM audit ORDER BY number";
    store.database().rows(sql, Vec::new()).unwrap()
}

/// Goal: the chain is the same whatever became of the process that writes it, its head is published
/// where the configuration says, and where the journal is gone the heads alone tell of a chain that
/// was cut. Method: a service that is ended and started again between records; a database of the
/// schema before the chain, brought forward; a cut.
#[test]
fn heads_are_published_and_chains_are_the_same() {
    let temp = tempfile::tempdir().unwrap();
    sessions(temp.path());
    let (journal, heads) = (dir(temp.path()), temp.path().join("heads"));
    let mut ends = Vec::new();
    each(temp.path(), |name, target| {
        let serve = |turns: usize| {
            let commit = Duration::from_millis(1);
            let settings = Settings {
                heads: Some(heads.clone()),
                ..Settings::plain(target.clone(), 7, commit)
            };
            let mut service = StoreService::start(&journal, settings).unwrap();
            for _ in 0..turns {
                service.turn().unwrap();
            }
            service.flush().unwrap();
            assert_eq!(service.progress().audit, None, "{name}");
        };
        (0..40).for_each(|_| serve(9));
        serve(400);
        let mut store = store(target);
        let verdict = verify(&mut store, &journal, Some(&heads)).unwrap();
        assert_eq!((verdict.bad, verdict.records), (None, RECORDS), "{name}: {verdict}");
        assert!(verdict.published > 3, "{name}: {verdict}");
        ends.push(verdict.head);
        let rows = view(&mut store);
        let shown = |row: usize, column: usize| rows[row][column].text().unwrap_or("-").to_owned();
        assert_eq!((shown(0, 1), shown(0, 2)), ("2026-11-20".into(), "SessionOpen".into()));
        assert_eq!((shown(5, 3), shown(6, 4)), ("KILL".into(), "firm: it's over".into()));
        // As before the chain was there.
        store.database().script("DELETE FROM audit_chain").unwrap();
        assert_eq!(store.chain_up(&journal).unwrap(), RECORDS, "{name}");
        assert_eq!(store.chain_end().unwrap().head, ends[0], "{name}");
        assert_eq!(store.chain_up(&journal).unwrap(), 0, "{name}: again");
        store.database().script("DELETE FROM audit_chain WHERE epoch = 2").unwrap();
        let nowhere = temp.path().join("hot-files");
        assert_eq!(bad(&mut store, &nowhere, None), None, "{name}");
        let found = bad(&mut store, &nowhere, Some(&heads)).unwrap();
        assert_eq!((found.last, found.fault), (13, Fault::Cut), "{name}: {found}");
        std::fs::remove_file(&heads).unwrap();
    });
    assert!(ends.iter().all(|end| *end == ends[0]), "one journal, one chain: {ends:?}");
}

/// Goal: a head that cannot be published is told and keeps no row from the database; one that was
/// published of another chain is told at the start. Method: a folder that is not there, then a head
/// that nobody has.
#[test]
fn heads_that_are_not_published_are_told() {
    let temp = tempfile::tempdir().unwrap();
    sessions(temp.path());
    let target = Target::Sqlite(temp.path().join("store.db"));
    let serve = |heads: &Path| {
        let plain = Settings::plain(target.clone(), 5_000, Duration::from_millis(1));
        let settings = Settings { heads: Some(heads.to_path_buf()), ..plain };
        let mut service = StoreService::start(&dir(temp.path()), settings).unwrap();
        while !service.turn().unwrap().closed {}
        service.flush().unwrap();
        service.progress().audit.clone().unwrap_or_default()
    };
    let told = serve(&temp.path().join("none/heads"));
    assert!(told.contains("none/heads") && told.contains("not published"), "{told}");
    assert_eq!(number(store(&target).database(), "SELECT COUNT(*) FROM audit_chain"), 24);
    let heads = temp.path().join("heads");
    assert_eq!(serve(&heads), "");
    let head = store(&target).chain_end().unwrap().head;
    let text = std::fs::read_to_string(&heads).unwrap();
    assert!(text.starts_with(&format!("{} {} 2 ", head.number, hex(&head.hash))), "{text}");
    std::fs::write(&heads, format!("{} {} 2 1 1\n", head.number, "0".repeat(64))).unwrap();
    let told = serve(&heads);
    assert!(told.contains("wirelane audit verify"), "{told}");
}
