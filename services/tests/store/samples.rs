//! Journals and databases as earlier programs wrote them, kept in `tests/samples`: this program
//! reads them, and refuses what a later one wrote.
//!
//! `WIRELANE_WRITE_SAMPLES=1 cargo test -p services --test store samples` writes those of this
//! version that are not there yet. A sample that is there never changes.

use crate::journal::{DAY, Engine, dir};
use crate::place::{each, store};
use services::audit::verify;
use services::store::{
    MIGRATIONS, Store, StoreError, Target, Value, Version, compare, migrate, rebuild, version,
};
use services::{Follower, Tally};
use shm::journal::{LAYOUT_VERSION, RECORD_ALIGN, RECORD_VERSION, SegmentHeader};
use shm::record::status::Operator;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use zerocopy::{FromBytes as _, IntoBytes as _};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/samples")
}

/// The folder of a journal of these versions of segments and records.
fn journal_of(layout: u32, record: u8) -> PathBuf {
    samples().join(format!("journal-{layout}-{record}"))
}

/// Two sessions of some orders and commands: the same bytes at every call.
fn write_journal(base: &Path) {
    for epoch in 1..=2 {
        let mut engine = Engine::start(base, epoch, u64::from(epoch), DAY);
        (0..12).for_each(|_| engine.order());
        engine.command(Operator::KILL, "firm by operator: a sample");
        engine.stop();
    }
}

/// Every file below a folder, by its path from there.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![root.to_path_buf()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() {
                continue;
            } else if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(&file);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(from.join(&file), target).unwrap();
    }
}

/// What a journal holds, in words.
fn tally(journal: &Path) -> String {
    let mut follower = Follower::open(journal, &[]).unwrap();
    let (mut tally, mut idle) = (Tally::default(), 0);
    while idle < 2 {
        let turn = follower.turn(1_000, &mut |taken| tally.count(taken)).unwrap();
        idle = if turn.records == 0 && !turn.behind { idle + 1 } else { 0 };
    }
    format!("{tally}\n")
}

fn is_writing() -> bool {
    std::env::var_os("WIRELANE_WRITE_SAMPLES").is_some()
}

/// Goal: journals of every version that was written are read: each record, its kind, and rows and
/// chain made of them. Method: the kept samples; that of today's version is what is written today,
/// byte by byte.
#[test]
fn samples_of_journals_are_read() {
    let temp = tempfile::tempdir().unwrap();
    write_journal(temp.path());
    let today = journal_of(LAYOUT_VERSION, RECORD_VERSION);
    let made = dir(temp.path());
    if is_writing() && !today.exists() {
        for file in files(&made) {
            let path = today.join(&file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::copy(made.join(&file), path).unwrap();
        }
        std::fs::write(today.join("tally"), tally(&made)).unwrap();
    }
    let mut read = 0;
    for entry in std::fs::read_dir(samples()).unwrap() {
        let kept = entry.unwrap().path();
        let name = kept.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("journal-") {
            continue;
        }
        let told = std::fs::read_to_string(kept.join("tally")).unwrap();
        assert_eq!(tally(&kept), told, "{name}");
        assert!(shm::journal::verify(&kept).unwrap().is_sound(), "{name}");
        let mut fresh = store(&Target::Sqlite(temp.path().join(format!("{name}.db"))));
        rebuild(&mut fresh, &kept, None).unwrap();
        let verdict = verify(&mut fresh, &kept, None).unwrap();
        assert_eq!((verdict.bad, verdict.in_journal), (None, 14), "{name}: {verdict}");
        read += 1;
    }
    assert!(read > 0 && today.is_dir(), "no sample of today's version: see the top of this file");
    for file in files(&made).iter().filter(|file| file.extension().is_some()) {
        let kept = std::fs::read(today.join(file)).unwrap();
        let now = std::fs::read(made.join(file)).unwrap();
        let here = file.display();
        assert!(now == kept, "{here}: records changed; raise RECORD_VERSION, keep both");
    }
}

/// Goal: a journal of a later program is refused in a sentence with both versions. Method: today's
/// sample with the version of a segment, or of a record, one higher and sound checksums.
#[test]
fn journals_of_a_later_version_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    copy(&journal_of(LAYOUT_VERSION, RECORD_VERSION), temp.path());
    let path = temp.path().join("journal/epoch-00001/lane-0/00000000.seg");
    let bytes = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let mut follower = Follower::open(temp.path(), &[]).unwrap();
        follower.turn(1_000, &mut |_| {}).unwrap_err().to_string()
    };
    let mut later = bytes.clone();
    let (mut head, _) = SegmentHeader::read_from_prefix(&bytes).unwrap();
    head.layout = LAYOUT_VERSION + 1;
    head.crc = head.computed_crc();
    later[..RECORD_ALIGN].copy_from_slice(head.as_bytes());
    let told = refused(&later);
    assert!(told.contains("layout version 2, this program reads 1"), "{told}");
    let mut later = bytes.clone();
    let len = u32::from_le_bytes(later[64..68].try_into().unwrap()) as usize;
    // The version stands behind kind (2 bytes) and stage in the header of a record.
    assert_eq!(later[64 + 11], RECORD_VERSION);
    later[64 + 11] += 1;
    let crc = shm::journal::record_crc(&later[64..64 + len]);
    later[64 + 4..64 + 8].copy_from_slice(&crc.to_le_bytes());
    let told = refused(&later);
    assert!(told.contains("record version 2, this program reads 1"), "{told}");
}

/// The statements that make a database as it is: tables, then rows. Up to version 2 no row but the
/// reader's state said of which engine it is; that comes first now.
fn dump(store: &mut Store, schema: &[&str], tables: &[&str]) -> String {
    let mut out = schema.join("\n");
    for table in tables {
        let database = store.database();
        for row in database.rows(&format!("SELECT * FROM {table}"), Vec::new()).unwrap() {
            let values: Vec<String> = row
                .iter()
                .skip(usize::from(*table != "reader_state"))
                .map(|value| match value {
                    Value::Int(Some(value)) => value.to_string(),
                    Value::Text(Some(value)) => format!("'{}'", value.replace('\'', "''")),
                    Value::Int(None) | Value::Text(None) => "NULL".to_owned(),
                })
                .collect();
            writeln!(out, "INSERT INTO {table} VALUES ({});", values.join(", ")).unwrap();
        }
    }
    out
}

/// Goal: a database of each earlier schema, with its data, comes forward to today's: it holds what
/// the journal says, and its chain is whole. Method: the kept samples, each a script of statements.
#[test]
fn samples_of_schemas_come_forward() {
    let temp = tempfile::tempdir().unwrap();
    let journal = journal_of(1, 1);
    let known = MIGRATIONS.last().unwrap().version;
    for earlier in 1..known {
        let path = samples().join(format!("store-{earlier}.sql"));
        if is_writing() && earlier < 3 && !path.exists() {
            write_schema(&path, earlier);
        }
        let script = std::fs::read_to_string(path);
        let script = script.unwrap_or_else(|error| panic!("store-{earlier}.sql: {error}"));
        let base = temp.path().join(earlier.to_string());
        std::fs::create_dir(&base).unwrap();
        each(&base, |name, target| {
            let mut database = target.open(true).unwrap();
            let expanded = database.dialect().expand(&script);
            database.script(&expanded).unwrap();
            let found = version(database.as_mut(), MIGRATIONS).unwrap();
            assert_eq!(found, Version::Older(earlier), "{name}");
            let refused = Store::open(target.open(false).unwrap()).unwrap_err();
            assert!(matches!(refused, StoreError::Older { .. }), "{name}: {refused}");
            assert!(refused.to_string().contains("wirelane store migrate"), "{name}: {refused}");
            let gone: Vec<i64> = (earlier + 1..=known).collect();
            assert_eq!(migrate(database.as_mut(), MIGRATIONS).unwrap(), gone, "{name}");
            let mut store = store(target);
            // The first schema had no chain.
            let chained = if earlier == 1 { 14 } else { 0 };
            assert_eq!(store.chain_up(&journal).unwrap(), chained, "{name}");
            assert_eq!(verify(&mut store, &journal, None).unwrap().bad, None, "{name}");
            let fresh = Target::Sqlite(temp.path().join(format!("{name}-{earlier}.db")));
            let mut fresh = crate::place::store(&fresh);
            let differences = compare(&mut store, &mut fresh, &journal).unwrap();
            assert_eq!(differences, Some(vec![]), "{name}, version {earlier}");
        });
    }
}

/// Writes the sample of schema version 1 or 2, whose tables this version still has.
fn write_schema(path: &Path, earlier: i64) {
    let temp = tempfile::tempdir().unwrap();
    let mut store = store(&Target::Sqlite(temp.path().join("store.db")));
    rebuild(&mut store, &journal_of(1, 1), None).unwrap();
    let mut versions = "CREATE TABLE schema_versions (version BIGINT NOT NULL PRIMARY KEY, name \
                        @text NOT NULL, program @text NOT NULL, applied_wall_ns BIGINT NOT NULL);"
        .to_owned();
    let mut scripts = String::new();
    for step in MIGRATIONS.iter().filter(|step| step.version <= earlier) {
        let (version, name) = (step.version, step.name);
        let row = format!("({version}, '{name}', '0.1.0', 0)");
        write!(versions, "\nINSERT INTO schema_versions VALUES {row};").unwrap();
        scripts.push_str(step.script);
    }
    let scripts = scripts.replace("INSERT INTO reader_state (id, generation) VALUES (1, 0);", "");
    let tables: Vec<&str> = scripts
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE TABLE "))
        .filter_map(|rest| rest.split_whitespace().next())
        // Its one row is in the script.
        .filter(|table| *table != "retention")
        .collect();
    std::fs::write(path, dump(&mut store, &[&versions, &scripts], &tables)).unwrap();
}
