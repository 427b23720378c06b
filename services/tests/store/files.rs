//! Copies, restores, and databases of other versions.

use crate::journal::{DAY, Engine, dir};
use crate::place::{each, number, store};
use crate::suite::{agrees, follow};
use services::store::{
    EngineId, MIGRATIONS, Migration, Store, StoreError, Target, Version, backup, migrate, rebuild,
    restore, version, view_names,
};

/// Goal: a copy taken while the database is written is whole, is as of one moment, and goes on from
/// there when it is put back. Method: copies while a follower writes; the last one is restored, the
/// rest of the journal read into it.
#[test]
fn a_copy_under_load_goes_on_from_where_it_stands() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("store.db");
    let target = Target::Sqlite(file.clone());
    let mut engine = Engine::start(temp.path(), 1, 3, DAY);
    drop(store(&target));
    let (journal, reader) = (dir(temp.path()), target.clone());
    let follower = std::thread::spawn(move || follow(&journal, &reader));
    let mut copies = Vec::new();
    for round in 0..6 {
        (0..500).for_each(|_| engine.order());
        engine.archive();
        let copy = temp.path().join(format!("copy-{round}.db"));
        backup(&file, &copy).unwrap();
        copies.push(copy);
    }
    let sums = engine.stop();
    follower.join().unwrap();
    let taken = backup(&file, copies.last().unwrap()).unwrap_err();
    assert!(matches!(taken, StoreError::Exists { .. }), "{taken}");
    for copy in &copies {
        restore(copy, &file).unwrap();
        std::fs::remove_file(temp.path().join("store.db.before-restore")).unwrap();
        let mut store = store(&target);
        rebuild(&mut store, &dir(temp.path()), None).unwrap();
        agrees(&mut store, &[&sums], "restored");
    }
}

/// Goal: nothing but a whole database of ours takes the place of one. Method: a text, a database of
/// someone else, a copy with a page overwritten, a lock that is held.
#[test]
fn what_is_not_a_whole_copy_is_not_restored() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("store.db");
    let mut engine = Engine::start(temp.path(), 1, 3, DAY);
    (0..200).for_each(|_| engine.order());
    let sums = engine.stop();
    let target = Target::Sqlite(file.clone());
    rebuild(&mut store(&target), &dir(temp.path()), None).unwrap();
    let part = |name: &str| temp.path().join(name);
    std::fs::write(part("text"), "not a database, though long enough to be looked at ".repeat(40))
        .unwrap();
    let other = Target::Sqlite(part("other"));
    other.open(true).unwrap().script("CREATE TABLE t (a BIGINT)").unwrap();
    backup(&file, &part("copy")).unwrap();
    let mut bytes = std::fs::read(part("copy")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0xa5);
    std::fs::write(part("damaged"), bytes).unwrap();
    for name in ["text", "other", "damaged", "none"] {
        let error = restore(&part(name), &file).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
        agrees(&mut store(&target), &[&sums], name);
    }
}

/// The first released schema, and one more step than this program knows.
fn later() -> Vec<Migration> {
    let script = "CREATE TABLE later (id BIGINT NOT NULL PRIMARY KEY, words @text)";
    let next = MIGRATIONS.last().unwrap().version + 1;
    [MIGRATIONS, &[Migration { version: next, name: "later", script }]].concat()
}

/// Goal: a database of an earlier version is told so and brought forward with its data; one of a
/// later version is refused in a sentence that names both; a step that fails changes nothing.
/// Method: a schema with one more step, as the next release would have it.
#[test]
fn versions_go_forward_and_never_back() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(temp.path(), 1, 3, DAY);
    (0..50).for_each(|_| engine.order());
    let sums = engine.stop();
    let known = MIGRATIONS.last().unwrap().version;
    each(temp.path(), |name, target| {
        rebuild(&mut store(target), &dir(temp.path()), None).unwrap();
        let mut database = target.open(false).unwrap();
        let database = database.as_mut();
        assert_eq!(version(database, MIGRATIONS).unwrap(), Version::Current(known), "{name}");
        assert_eq!(version(database, &later()).unwrap(), Version::Older(known), "{name}");
        let mut broken = later();
        broken.last_mut().unwrap().script = "CREATE TABLE later (id BIGINT); CREATE NONSENSE";
        assert!(migrate(database, &broken).is_err(), "{name}");
        assert_eq!(version(database, MIGRATIONS).unwrap(), Version::Current(known), "{name}");
        assert!(migrate(database, MIGRATIONS).unwrap().is_empty(), "{name}");
        assert_eq!(migrate(database, &later()).unwrap(), [known + 1], "{name}");
        for view in view_names() {
            assert!(number(database, &format!("SELECT COUNT(*) FROM {view}")) >= 0, "{view}");
        }
        assert_eq!(number(database, "SELECT COUNT(*) FROM orders"), sums.orders, "{name}");
        let error = Store::open(target.open(false).unwrap()).unwrap_err().to_string();
        let (found, ours) = (format!("version {}", known + 1), format!("up to {known}"));
        assert!(error.contains(&found) && error.contains(&ours), "{name}: {error}");
    });
}

/// The tables of the first version that tell of the journal, and those that say how far it is read.
const FIRST: [&str; 18] = [
    "reader_cursor",
    "journal_gaps",
    "config_versions",
    "accounts",
    "gateways",
    "strategies",
    "instruments",
    "sessions",
    "limit_sets",
    "commands",
    "order_terms",
    "order_states",
    "executions",
    "position_states",
    "refusals",
    "parents",
    "alarms",
    "strategy_downs",
];

/// Goal: a database of the first version, which knew one engine, is brought forward with all of its
/// rows, and goes on from where it stood. Method: the rows of half a journal without their engine,
/// in tables of the first version; migrated, and the rest of the journal read.
#[test]
fn a_database_of_one_engine_becomes_one_of_several() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(temp.path(), 1, 3, DAY);
    (0..150).for_each(|_| engine.order());
    engine.archive();
    let mut targets = Vec::new();
    each(temp.path(), |name, target| {
        let mut store = store(target);
        rebuild(&mut store, &dir(temp.path()), None).unwrap();
        let before = store.fingerprints(EngineId::LOCAL, 0).unwrap();
        let mut database = target.open(false).unwrap();
        let database = database.as_mut();
        let rows = FIRST
            .map(|table| database.rows(&format!("SELECT * FROM {table}"), Vec::new()).unwrap());
        for view in view_names().iter().rev() {
            database.script(&format!("DROP VIEW {view}")).unwrap();
        }
        let more = ["reader_state", "engines", "schema_versions", "audit_chain", "retention"];
        for table in FIRST.iter().chain(&more) {
            database.script(&format!("DROP TABLE {table}")).unwrap();
        }
        assert_eq!(version(database, MIGRATIONS).unwrap(), Version::Empty, "{name}");
        // Not by a migration, which would make the views of today.
        database.script(&database.dialect().expand(MIGRATIONS[0].script)).unwrap();
        database.script("INSERT INTO schema_versions VALUES (1, 'journal', '0.1.0', 0)").unwrap();
        for (table, rows) in FIRST.iter().zip(rows) {
            for row in rows {
                let places: Vec<String> = (1..row.len()).map(|at| format!("${at}")).collect();
                let sql = format!("INSERT INTO {table} VALUES ({})", places.join(", "));
                database.execute(&sql, row[1..].to_vec()).unwrap();
            }
        }
        let error = Store::open(target.open(false).unwrap()).unwrap_err().to_string();
        assert!(error.contains("store migrate"), "{name}: {error}");
        let steps: Vec<i64> = MIGRATIONS[1..].iter().map(|step| step.version).collect();
        assert_eq!(migrate(database, MIGRATIONS).unwrap(), steps, "{name}");
        let mut store = crate::place::store(target);
        store.chain_up(&dir(temp.path())).unwrap();
        assert_eq!(store.fingerprints(EngineId::LOCAL, 0).unwrap(), before, "{name}");
        assert!(before.iter().any(|print| print.rows > 100), "{name}");
        targets.push((name.to_owned(), target.clone()));
    });
    (0..50).for_each(|_| engine.order());
    let sums = engine.stop();
    for (name, target) in targets {
        let mut store = store(&target);
        assert!(rebuild(&mut store, &dir(temp.path()), None).unwrap() > 0, "{name}");
        agrees(&mut store, &[&sums], &name);
    }
}

/// Goal: nobody but its owner reads the database. Method: the mode of every file of it.
#[test]
fn the_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let target = Target::Sqlite(temp.path().join("store.db"));
    let mut open = store(&target);
    let mut batch = open.batch().unwrap();
    open.write(&mut batch, &[]).unwrap();
    for entry in std::fs::read_dir(temp.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}
