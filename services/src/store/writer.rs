//! The store: a database of our schema, written in batches together with the place in the journal
//! that they reach to.

use super::batch::{Batch, Row};
use super::database::{Database, DatabaseError, Insert, NO_TEXT, Value, int, text};
use super::engine::EngineId;
use super::error::StoreError;
use super::prune::PRUNED;
use super::schema::{self, MIGRATIONS, Version};
use super::table::{TABLES, Table};
use crate::audit::{bytes_of, hex};
use sha2::{Digest as _, Sha256};
use shm::journal::{LaneSeq, Position};
use shm::record::order::OrderEvent;

/// A database of our schema.
pub struct Store {
    database: Box<dyn Database>,
    /// Counts commits: another writer would have changed it.
    generation: i64,
    /// By table.
    inserts: Vec<Insert>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Store({}, generation {})", self.database.name(), self.generation)
    }
}

/// Rows and content of one table; two databases that hold the same have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Sum of the digests of its rows.
    pub content: u128,
}

impl Store {
    /// Takes a database; an empty one gets the schema.
    ///
    /// # Errors
    /// [`StoreError::Newer`] and [`StoreError::Older`] where it is of another version.
    pub fn open(mut database: Box<dyn Database>) -> Result<Self, StoreError> {
        let known = MIGRATIONS.last().map_or(0, |last| last.version);
        match schema::version(database.as_mut(), MIGRATIONS)? {
            Version::Current(_) => {}
            Version::Empty => {
                schema::migrate(database.as_mut(), MIGRATIONS)?;
            }
            Version::Older(found) => {
                let database = database.name().to_owned();
                return Err(StoreError::Older { database, found, known });
            }
            Version::Newer(found) => return Err(schema::newer(database.as_ref(), found, known)),
        }
        let generation =
            database.number("SELECT generation FROM reader_state WHERE id = 1", Vec::new())?;
        let dialect = database.dialect();
        let inserts = TABLES.iter().map(|table| table.inserts(dialect)).collect();
        Ok(Self { database, generation: generation.unwrap_or(0), inserts })
    }

    /// The database, to be asked.
    pub fn database(&mut self) -> &mut dyn Database {
        self.database.as_mut()
    }

    /// How far the journal of the engine beside it is in it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn positions(&mut self) -> Result<Vec<Position>, DatabaseError> {
        self.positions_of(EngineId::LOCAL)
    }

    /// How far the journal of an engine is in it. What was read from a stream has no places in
    /// files, only record numbers.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn positions_of(&mut self, engine: EngineId) -> Result<Vec<Position>, DatabaseError> {
        let sql = "SELECT epoch, lane, segment, byte_offset, seq FROM reader_cursor \
                   WHERE engine = $1";
        let rows = self.database.rows(sql, vec![engine.value()])?;
        let at = |row: &Row, column: usize| row.get(column).and_then(Value::int).unwrap_or(0);
        let position = |row: &Row| Position {
            segment: at(row, 2).unsigned_abs(),
            offset: at(row, 3).unsigned_abs(),
            seq: LaneSeq(at(row, 4).unsigned_abs()),
            ..Position::start(at(row, 0) as u16, at(row, 1) as u16)
        };
        Ok(rows.iter().map(position).collect())
    }

    /// A batch of the engine beside it that goes on where the last one ended.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn batch(&mut self) -> Result<Batch, DatabaseError> {
        self.batch_of(EngineId::LOCAL)
    }

    /// A batch of an engine that goes on where its last one ended.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn batch_of(&mut self, engine: EngineId) -> Result<Batch, DatabaseError> {
        let sql = "SELECT epoch, lane, context FROM reader_cursor WHERE engine = $1";
        let mut batch = Batch::default();
        batch.engine = engine;
        batch.end = self.chain_end_of(engine)?;
        for row in self.database.rows(sql, vec![engine.value()])? {
            let [epoch, lane, context] = row.as_slice() else { continue };
            let bytes = context.text().and_then(bytes_of);
            let event = bytes.and_then(|bytes| OrderEvent::read(&bytes));
            if let (Some(epoch), Some(lane), Some(event)) = (epoch.int(), lane.int(), event) {
                batch.context.insert((epoch as u16, lane as u16), event);
            }
        }
        Ok(batch)
    }

    /// Writes a batch and the places that it reaches to, both or neither, and empties it.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was written, or, where the connection broke in the commit, nobody
    /// knows. Open the database again and go on from where it stands.
    pub fn write(&mut self, batch: &mut Batch, to: &[Position]) -> Result<(), StoreError> {
        let begin = match self.database.dialect() {
            super::Dialect::Sqlite => "BEGIN IMMEDIATE",
            super::Dialect::Postgres => "BEGIN",
        };
        self.database.script(begin)?;
        match self.write_all(batch, to) {
            Ok(()) => self.database.script("COMMIT")?,
            Err(error) => {
                // The first error is the one to tell.
                let _ = self.database.script("ROLLBACK");
                return Err(error);
            }
        }
        self.generation += 1;
        batch.clear();
        Ok(())
    }

    fn write_all(&mut self, batch: &Batch, to: &[Position]) -> Result<(), StoreError> {
        let next = "UPDATE reader_state SET generation = generation + 1 \
                    WHERE id = 1 AND generation = $1";
        if self.database.execute(next, vec![int(self.generation)])? != 1 {
            let database = self.database.name().to_owned();
            return Err(StoreError::OtherWriter { database });
        }
        for (slot, rows) in batch.rows() {
            if let Some(insert) = self.inserts.get(slot).filter(|_| !rows.is_empty()) {
                let owned = |row: &Row| -> Row {
                    let mut values = Vec::with_capacity(row.len() + 1);
                    values.push(batch.engine.value());
                    values.extend_from_slice(row);
                    values
                };
                let rows: Vec<Row> = rows.iter().map(owned).collect();
                self.database.insert(insert, &rows)?;
            }
        }
        for gap in &batch.gaps {
            let place: [i64; 4] =
                [gap.epoch.into(), gap.lane.into(), whole(gap.after), whole(gap.first)];
            let row = [&[batch.engine.0], place.as_slice()].concat();
            let sql = "INSERT INTO journal_gaps (engine, epoch, lane, after_seq, first_seq) \
                       VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (engine, epoch, lane, after_seq) DO NOTHING";
            self.database.execute(sql, row.into_iter().map(int).collect())?;
        }
        if let Some(place) = &batch.stream {
            super::engine::keep(self.database.as_mut(), batch.engine, place)?;
        }
        self.write_positions(batch, to)
    }

    fn write_positions(&mut self, batch: &Batch, to: &[Position]) -> Result<(), StoreError> {
        let sql = "INSERT INTO reader_cursor \
                   (engine, epoch, lane, segment, byte_offset, seq, context) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) \
                   ON CONFLICT (engine, epoch, lane) DO UPDATE SET segment = excluded.segment, byte_offset = excluded.byte_offset, \
                   seq = excluded.seq, context = excluded.context";
        let size = |value: u64| int(i64::try_from(value).unwrap_or(i64::MAX));
        for at in to {
            let context = batch.context.get(&(at.epoch, at.lane));
            let values = vec![
                batch.engine.value(),
                int(at.epoch),
                int(at.lane),
                size(at.segment),
                size(at.offset),
                size(at.seq.0),
                context.map_or(NO_TEXT, |event| text(hex(event.bytes()))),
            ];
            self.database.execute(sql, values)?;
        }
        let Some(oldest) = to.iter().map(|at| at.epoch).min() else { return Ok(()) };
        let sql = "DELETE FROM reader_cursor WHERE engine = $1 AND epoch < $2";
        self.database.execute(sql, vec![batch.engine.value(), int(oldest)])?;
        Ok(())
    }

    /// Rows and content of every table that tells of an engine's journal; of tables that rows are
    /// removed from, those from session `first` on.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn fingerprints(
        &mut self,
        engine: EngineId,
        first: i64,
    ) -> Result<Vec<Fingerprint>, DatabaseError> {
        let pruned = PRUNED.map(|slot| TABLES[slot as usize].name);
        let from = |table: &Table| if pruned.contains(&table.name) { first } else { 0 };
        TABLES.iter().map(|table| self.fingerprint(table, engine, from(table))).collect()
    }

    fn fingerprint(
        &mut self,
        table: &Table,
        engine: EngineId,
        first: i64,
    ) -> Result<Fingerprint, DatabaseError> {
        let (columns, name) = (table.columns.join(", "), table.name);
        let mut sql = format!("SELECT {columns} FROM {name} WHERE engine = $1");
        if first > 0 {
            sql.push_str(&format!(" AND epoch >= {first}"));
        }
        let mut print = Fingerprint { table: name, rows: 0, content: 0 };
        self.database.each(&sql, vec![engine.value()], &mut |row| {
            print.rows += 1;
            print.content = print.content.wrapping_add(digest(&row));
        })?;
        Ok(print)
    }
}

fn whole(seq: LaneSeq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A row as a number. What is NULL has no type in every database.
fn digest(row: &Row) -> u128 {
    let mut hash = Sha256::new();
    for value in row {
        match value {
            value if value.is_null() => hash.update([0]),
            Value::Int(value) => {
                hash.update([1]);
                hash.update(value.unwrap_or(0).to_le_bytes());
            }
            Value::Text(value) => {
                let value = value.as_deref().unwrap_or_default();
                hash.update([2]);
                hash.update((value.len() as u64).to_le_bytes());
                hash.update(value.as_bytes());
            }
        }
    }
    let mut first = [0; 16];
    first.iter_mut().zip(hash.finalize()).for_each(|(to, byte)| *to = byte);
    u128::from_le_bytes(first)
}
