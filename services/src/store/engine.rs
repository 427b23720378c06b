//! The engines of a database: the one in whose directory it is, and those read from streams.

use super::database::{Database, DatabaseError, NO_INT, Value, int, text};
use super::error::StoreError;
use super::writer::Store;

/// An engine, by its number in one database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineId(pub(super) i64);

impl EngineId {
    /// The engine in whose directory the services run.
    pub const LOCAL: Self = Self(0);

    pub(super) fn value(self) -> Value {
        int(self.0)
    }
}

/// How far the stream of an engine is in a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamPlace {
    /// The last message of the stream of which all records are in.
    pub seq: u64,
    /// The session of that message.
    pub epoch: u16,
    /// When that session was opened, ns since the Unix epoch; 0 where that is not known.
    pub born: u64,
    /// Digest of that message, which the next one names.
    pub chain: u64,
}

/// An engine of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Its number.
    pub id: EngineId,
    /// Its name; `local` for the one beside the database.
    pub name: String,
    /// How far its stream is read, if it has one and anything was read.
    pub stream: Option<StreamPlace>,
}

impl Store {
    /// All engines, by number.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn engines(&mut self) -> Result<Vec<Engine>, DatabaseError> {
        let sql = "SELECT id, name, stream_seq, epoch, born_ns, chain FROM engines ORDER BY id";
        let rows = self.database().rows(sql, Vec::new())?;
        let engine = |row: &Vec<Value>| {
            let [id, name, seq, epoch, born, chain] = row.as_slice() else { return None };
            let stream = seq.int().map(|seq| StreamPlace {
                seq: seq.unsigned_abs(),
                epoch: u16::try_from(epoch.int().unwrap_or(0)).unwrap_or(0),
                born: born.int().unwrap_or(0).unsigned_abs(),
                chain: chain.int().unwrap_or(0).cast_unsigned(),
            });
            Some(Engine { id: EngineId(id.int()?), name: name.text()?.to_owned(), stream })
        };
        Ok(rows.iter().filter_map(engine).collect())
    }

    /// The engine of that name, made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`]; [`StoreError::OtherWriter`] where it is gone again at once.
    pub fn engine(&mut self, name: &str) -> Result<Engine, StoreError> {
        let named = |engines: Vec<Engine>| engines.into_iter().find(|engine| engine.name == name);
        if let Some(known) = named(self.engines()?) {
            return Ok(known);
        }
        let sql = "INSERT INTO engines (id, name) SELECT MAX(id) + 1, $1 FROM engines";
        self.database().execute(sql, vec![text(name)])?;
        let made = named(self.engines()?);
        let database = self.database().name().to_owned();
        made.ok_or(StoreError::OtherWriter { database })
    }
}

/// Notes how far a stream is read, in the transaction of the rows.
pub(super) fn keep(
    database: &mut dyn Database,
    engine: EngineId,
    place: &StreamPlace,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE engines SET stream_seq = $1, epoch = $2, born_ns = $3, chain = $4 \
               WHERE id = $5";
    let whole = |value: u64| int(i64::try_from(value).unwrap_or(i64::MAX));
    let born = if place.born == 0 { NO_INT } else { whole(place.born) };
    let chain = int(place.chain.cast_signed());
    let values = vec![whole(place.seq), int(place.epoch), born, chain, engine.value()];
    database.execute(sql, values).map(drop)
}
