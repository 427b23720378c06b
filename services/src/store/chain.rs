//! The audit chain in a database: rows in and out, and what other tables show of its records.

use super::batch::{Batch, Row};
use super::database::{DatabaseError, Dialect, Value, int, text};
use super::engine::EngineId;
use super::error::StoreError;
use super::rebuild::last_of;
use super::record::ns;
use super::table::{Slot, TABLES};
use super::writer::Store;
use crate::audit::{Bad, Entry, Fault, Head, Kept, LANE, Place, bytes_of, each, hash_of, hex};
use shm::record::RecordKind;
use shm::units::Nanos;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Where a chain ends: what the next record is hashed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainEnd {
    /// The last link.
    pub head: Head,
    /// The record that it stands for.
    pub place: Place,
    /// That record's time.
    pub ts: Nanos,
}

impl ChainEnd {
    /// Goes on to the next record; its row.
    pub(super) fn take(&mut self, entry: &Entry<'_>) -> Row {
        self.head = self.head.next(entry.place, &entry.content());
        (self.place, self.ts) = (entry.place, entry.ts);
        vec![
            Value::Int(i64::try_from(self.head.number).ok()),
            int(entry.place.epoch),
            Value::Int(i64::try_from(entry.place.seq).ok()),
            ns(entry.ts),
            text(entry.kind.name()),
            text(hex(entry.body)),
            text(hex(&self.head.hash)),
        ]
    }
}

/// Tables that show records of the chain in columns: what a person reads.
const SHOWN: [Slot; 3] = [Slot::Commands, Slot::LimitSets, Slot::ConfigVersions];

const ROWS: &str = "SELECT number, epoch, seq, ts_ns, kind, body, hash FROM audit_chain \
                    WHERE engine = $1";

/// A row as a record; the body is read into `body`.
fn entry<'a>(row: &[Value], body: &'a mut Vec<u8>) -> Option<Entry<'a>> {
    let [_, epoch, seq, ts, kind, hexed, _] = row else { return None };
    let kind = kind.text()?;
    let kind = RecordKind::ALL.iter().copied().find(|known| known.name() == kind)?;
    *body = bytes_of(hexed.text()?)?;
    let place = Place { epoch: epoch.int()?.try_into().ok()?, seq: seq.int()?.try_into().ok()? };
    Some(Entry { place, kind, ts: Nanos(ts.int()?.try_into().ok()?), body })
}

impl Store {
    /// Where the chain of the engine beside the database ends.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn chain_end(&mut self) -> Result<ChainEnd, DatabaseError> {
        self.chain_end_of(EngineId::LOCAL)
    }

    /// Where the chain of an engine ends.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn chain_end_of(&mut self, engine: EngineId) -> Result<ChainEnd, DatabaseError> {
        let sql = format!("{ROWS} ORDER BY number DESC LIMIT 1");
        let rows = self.database().rows(&sql, vec![engine.value()])?;
        let Some(row) = rows.first() else { return Ok(ChainEnd::default()) };
        let whole = |column: usize| row.get(column).and_then(Value::int).map(i64::unsigned_abs);
        let number = whole(0).unwrap_or(0);
        let mut body = Vec::new();
        // Of a row that somebody has made unreadable the number stays; `verify` names it.
        let hash = row.last().and_then(Value::text).and_then(hash_of).unwrap_or_default();
        let found = entry(row, &mut body);
        let (place, ts) = found.map(|entry| (entry.place, entry.ts)).unwrap_or_default();
        Ok(ChainEnd { head: Head { number, hash }, place, ts })
    }

    /// Every record of the chain in order, with its number; `None` for a row that is not of the
    /// form of one.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn each_chained(
        &mut self,
        take: &mut dyn FnMut(u64, Option<&Entry<'_>>),
    ) -> Result<(), DatabaseError> {
        let sql = format!("{ROWS} ORDER BY number");
        let mut body = Vec::new();
        self.database().each(&sql, vec![EngineId::LOCAL.value()], &mut |row| {
            let number = row.first().and_then(Value::int).unwrap_or(0);
            take(number.unsigned_abs(), entry(&row, &mut body).as_ref());
        })
    }

    /// The rows of the chain, and the last record of the control lane that the database has read,
    /// both as of one moment.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) fn chain(&mut self) -> Result<(Vec<Kept>, Place), DatabaseError> {
        let begin = match self.database().dialect() {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        self.database().script(begin)?;
        let read = self.chain_in_transaction();
        // Nothing was written.
        self.database().script("ROLLBACK")?;
        read
    }

    fn chain_in_transaction(&mut self) -> Result<(Vec<Kept>, Place), DatabaseError> {
        let mut kept = Vec::new();
        let sql = format!("{ROWS} ORDER BY number");
        let mut body = Vec::new();
        self.database().each(&sql, vec![EngineId::LOCAL.value()], &mut |row| {
            let number = row.first().and_then(Value::int).unwrap_or(0).unsigned_abs();
            let found = entry(&row, &mut body);
            let hash = row.last().and_then(Value::text).and_then(hash_of);
            let place = found.map(|entry| entry.place).unwrap_or_default();
            let content = found.map(|entry| entry.content());
            kept.push(Kept { number, place, content, hash });
        })?;
        let place = self.control_place()?;
        Ok((kept, place))
    }

    /// The last record of the control lane that the database has read.
    fn control_place(&mut self) -> Result<Place, DatabaseError> {
        Ok(last_of(&self.positions()?, LANE))
    }

    /// Makes the chain of what was read before the database had one; how many records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn chain_up(&mut self, dir: &Path) -> Result<u64, StoreError> {
        let to = self.positions()?;
        if to.is_empty() || self.chain_end()?.head.number > 0 {
            return Ok(0);
        }
        let mut batch = self.batch()?;
        each(dir, last_of(&to, LANE), &mut |entry| batch.chain(entry))?;
        let records = batch.end().head.number;
        self.write(&mut batch, &to)?;
        Ok(records)
    }

    /// The first record of the chain that another table shows otherwise, or not at all.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) fn shown_otherwise(&mut self) -> Result<Option<Bad>, DatabaseError> {
        let mut held = HashMap::new();
        for slot in SHOWN {
            let table = &TABLES[slot as usize];
            let columns = table.columns.join(", ");
            let sql = format!("SELECT {columns} FROM {} WHERE engine = 0", table.name);
            self.database().each(&sql, Vec::new(), &mut |row| {
                held.insert((slot, row.get(..table.key).unwrap_or_default().to_vec()), row);
            })?;
        }
        let mut first: Option<Bad> = None;
        let (mut made, mut seen) = (Batch::default(), HashSet::new());
        self.each_chained(&mut |number, entry| {
            let Some(entry) = entry.filter(|_| first.is_none()) else { return };
            made.show(entry);
            for slot in SHOWN {
                let table = &TABLES[slot as usize];
                for row in made.rows_of(slot) {
                    let key = (slot, row.get(..table.key).unwrap_or_default().to_vec());
                    // What several records tell of is as the first of them told it.
                    let is_shown = held.get(&key).is_some_and(|held| same(held, row));
                    if seen.insert(key) && !is_shown {
                        let (place, fault) = (Some(entry.place), Fault::Shown(table.name));
                        first = Some(Bad { number, last: number, place, fault });
                    }
                }
            }
            made.clear();
        })?;
        Ok(first)
    }
}

/// Whether two rows say the same: what is NULL has no type in every database.
fn same(held: &Row, made: &Row) -> bool {
    let pairs = held.iter().zip(made);
    held.len() == made.len()
        && pairs.into_iter().all(|(held, made)| held == made || held.is_null() && made.is_null())
}
