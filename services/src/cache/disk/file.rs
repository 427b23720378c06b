//! The file: its tables, and the transactions on it.

use redb::backends::FileBackend;
use redb::{Database, Durability, ReadableDatabase as _, ReadableTable, TableDefinition};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// By key: until when it is kept, and its bytes.
const ENTRIES: TableDefinition<'static, &str, (u64, &[u8])> = TableDefinition::new("entries");
/// By when they end, so that those that end first go first: bytes of key and entry.
const ORDER: TableDefinition<'static, (u64, &str), u64> = TableDefinition::new("order");
/// By slot: what was dropped here.
const DROPS: TableDefinition<'static, u16, u64> = TableDefinition::new("drops");
/// `bytes` of all keys and entries; `table`, which their generations are of.
const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");

/// Memory for its pages, in bytes.
const PAGES_BYTES: usize = 8 << 20;

/// An entry that is to be kept.
pub(super) struct Put {
    pub(super) key: String,
    pub(super) bytes: Vec<u8>,
    pub(super) keep_until: u64,
}

/// What the file holds when it is opened.
pub(super) struct Kept {
    pub(super) bytes: u64,
    pub(super) table: u64,
    pub(super) drops: BTreeMap<u16, u64>,
}

/// Opens the file, for its owner alone, and checks every page.
pub(super) fn open(path: &Path) -> Result<Database, redb::Error> {
    let mut open = std::fs::OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = open.open(path)?;
    let mut builder = Database::builder();
    builder.set_cache_size(PAGES_BYTES).set_check_integrity_on_open(true);
    Ok(builder.create_with_backend(FileBackend::new(file)?)?)
}

/// Removes it, if it is there.
pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether the file is not what was written, so that only a new one helps.
pub(super) fn is_damage(error: &redb::Error) -> bool {
    match error {
        redb::Error::Io(error) => {
            matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
        }
        redb::Error::DatabaseAlreadyOpen | redb::Error::PreviousIo => false,
        _ => true,
    }
}

/// Makes what is not there yet. `own`: the table of this process and what was dropped in it, which
/// the file takes; without, the file's own table stands, or `fresh` is its first.
pub(super) fn set_up(
    database: &Database,
    own: Option<(u64, Vec<(u16, u64)>)>,
    fresh: u64,
) -> Result<Kept, redb::Error> {
    let work = database.begin_write()?;
    let kept = {
        work.open_table(ENTRIES)?;
        work.open_table(ORDER)?;
        let (mut drops, mut meta) = (work.open_table(DROPS)?, work.open_table(META)?);
        let known = meta.get("table")?.map(|table| table.value());
        let bytes = meta.get("bytes")?.map_or(0, |bytes| bytes.value());
        let table = own.as_ref().map_or(known.unwrap_or(fresh), |(table, _)| *table);
        meta.insert("table", table)?;
        for (at, value) in own.iter().flat_map(|(_, own)| own) {
            drops.insert(at, value)?;
        }
        let drops = drops.iter()?.map(|row| row.map(|(at, value)| (at.value(), value.value())));
        Kept { bytes, table, drops: drops.collect::<Result<_, _>>()? }
    };
    work.commit()?;
    Ok(kept)
}

/// The bytes under a key.
pub(super) fn get(database: &Database, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let look = database.begin_read()?;
    let entries = look.open_table(ENTRIES)?;
    Ok(entries.get(key)?.map(|entry| entry.value().1.to_vec()))
}

/// Keeps drops; they are on the disk when this returns.
pub(super) fn remember(database: &Database, own: &[(u16, u64)]) -> Result<(), redb::Error> {
    let work = database.begin_write()?;
    {
        let mut drops = work.open_table(DROPS)?;
        for (at, value) in own {
            drops.insert(at, value)?;
        }
    }
    Ok(work.commit()?)
}

/// Keeps entries, forgets drops, and removes what has ended and what is beyond the bound: bytes and
/// the time now. The bytes that it holds then.
pub(super) fn write(
    database: &Database,
    puts: &[Put],
    done: &[u16],
    (bytes_max, now): (u64, u64),
    durable: bool,
) -> Result<u64, redb::Error> {
    let mut work = database.begin_write()?;
    work.set_durability(if durable { Durability::Immediate } else { Durability::None })?;
    let bytes = {
        let (mut entries, mut order) = (work.open_table(ENTRIES)?, work.open_table(ORDER)?);
        let (mut drops, mut meta) = (work.open_table(DROPS)?, work.open_table(META)?);
        let mut bytes = meta.get("bytes")?.map_or(0, |bytes| bytes.value());
        for put in puts {
            let key = put.key.as_str();
            let old = entries.insert(key, (put.keep_until, put.bytes.as_slice()))?;
            let old = old.map(|old| (old.value().0, size(key, old.value().1)));
            if let Some((keep_until, size)) = old {
                order.remove((keep_until, key))?;
                bytes = bytes.saturating_sub(size);
            }
            let size = size(key, &put.bytes);
            order.insert((put.keep_until, key), size)?;
            bytes = bytes.saturating_add(size);
        }
        for at in done {
            drops.remove(at)?;
        }
        while let Some((keep_until, key, size)) = first(&order)? {
            if bytes <= bytes_max && keep_until >= now {
                break;
            }
            entries.remove(key.as_str())?;
            order.remove((keep_until, key.as_str()))?;
            bytes = bytes.saturating_sub(size);
        }
        meta.insert("bytes", bytes)?;
        bytes
    };
    work.commit()?;
    Ok(bytes)
}

/// What ends first: when, its key, its bytes.
fn first(
    order: &impl ReadableTable<(u64, &'static str), u64>,
) -> Result<Option<(u64, String, u64)>, redb::Error> {
    Ok(order.first()?.map(|(place, size)| {
        let (keep_until, key) = place.value();
        (keep_until, key.to_owned(), size.value())
    }))
}

fn size(key: &str, bytes: &[u8]) -> u64 {
    (key.len() + bytes.len()) as u64
}
