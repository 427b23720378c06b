//! Rows that wait to be written together, each key once.

use super::chain::ChainEnd;
use super::database::Value;
use super::engine::{EngineId, StreamPlace};
use super::table::{Again, Slot, TABLES};
use crate::audit::{Entry, LANE};
use crate::follow::{Gap, Taken};
use crate::reads::Touched;
use shm::journal::LaneSeq;
use shm::record::StageId;
use shm::record::order::OrderEvent;
use std::collections::hash_map;
use std::collections::{BTreeSet, HashMap};

/// One row, in the order of its table's columns.
pub(crate) type Row = Vec<Value>;

/// The rows of one table.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    /// Where the row of a key is.
    keys: HashMap<Vec<Value>, usize>,
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub struct Batch {
    /// Whose rows they are.
    pub(crate) engine: EngineId,
    /// How far the stream of that engine is read with these rows, if it is read from one.
    pub(crate) stream: Option<StreamPlace>,
    tables: [Rows; TABLES.len()],
    /// By (epoch, lane): the last order event, of which an execution behind it tells more.
    pub(crate) context: HashMap<(u16, u16), OrderEvent>,
    /// Where the audit chain ends, with what is in here.
    pub(super) end: ChainEnd,
    /// What was removed before it was read.
    pub(crate) gaps: Vec<Gap>,
    /// Records that it holds.
    pub(crate) records: u64,
    /// Records that are shorter than their kind, and rows that lack their key.
    pub(crate) short: u64,
    /// Orders whose fills were undone or corrected.
    pub(crate) undone: BTreeSet<String>,
}

impl Batch {
    /// Puts a row in; the columns must be those of the table.
    pub(crate) fn put(&mut self, slot: Slot, row: Row) {
        let table = &TABLES[slot as usize];
        debug_assert_eq!(row.len(), table.columns.len(), "{}", table.name);
        let rows = &mut self.tables[slot as usize];
        let key = row.get(..table.key).unwrap_or_default().to_vec();
        if key.iter().any(Value::is_null) {
            // No database would take it, and every record behind it would wait for ever.
            self.short += 1;
            return;
        }
        match rows.keys.entry(key) {
            hash_map::Entry::Vacant(free) => {
                free.insert(rows.rows.len());
                rows.rows.push(row);
            }
            hash_map::Entry::Occupied(known) => {
                let Some(old) = rows.rows.get_mut(*known.get()) else { return };
                match table.again {
                    Again::Keep => {}
                    Again::Replace => *old = row,
                    Again::Merge => {
                        for (old, new) in old.iter_mut().zip(row) {
                            if !new.is_null() {
                                *old = new;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Takes a record.
    pub fn take(&mut self, taken: &Taken<'_>) {
        self.records += 1;
        if super::record::put(self, taken).is_none() {
            self.short += 1;
        }
        if let Some(entry) = Entry::of(taken) {
            self.chain(&entry);
        }
    }

    /// Chains a record.
    pub(super) fn chain(&mut self, entry: &Entry<'_>) {
        let row = self.end.take(entry);
        self.put(Slot::AuditChain, row);
    }

    /// Makes the rows that show a record of the chain.
    pub(super) fn show(&mut self, entry: &Entry<'_>) {
        let taken = Taken {
            epoch: entry.place.epoch,
            lane: LANE,
            seq: LaneSeq(entry.place.seq),
            kind: Some(entry.kind),
            stage: StageId::CONTROL,
            ts: entry.ts,
            body: entry.body,
        };
        // One that is shorter than its kind is shown nowhere.
        let _ = super::record::put(self, &taken);
    }

    /// Where the audit chain ends.
    #[must_use]
    pub fn end(&self) -> ChainEnd {
        self.end
    }

    /// Notes what was removed before it was read.
    pub fn note(&mut self, gaps: Vec<Gap>) {
        self.gaps.extend(gaps);
    }

    /// Records that it holds.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether a write of it would change anything: rows, gaps, or the place in a stream.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.row_count() > 0 || self.stream.is_some() || !self.gaps.is_empty()
    }

    /// Rows that it will write.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.tables.iter().map(|rows| rows.rows.len()).sum()
    }

    /// What its writing makes untrue of what was read before.
    #[must_use]
    pub fn touched(&self) -> Touched {
        let is_in =
            |slot: Slot| self.tables.get(slot as usize).is_some_and(|table| !table.rows.is_empty());
        let (instruments, sessions) = (is_in(Slot::Instruments), is_in(Slot::Sessions));
        let orders = self.undone.clone();
        Touched { instruments, sessions, orders, pruned: false }
    }

    /// The rows of each table.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, &[Row])> {
        self.tables.iter().enumerate().map(|(slot, rows)| (slot, rows.rows.as_slice()))
    }

    /// The rows of one table.
    pub(super) fn rows_of(&self, slot: Slot) -> &[Row] {
        &self.tables[slot as usize].rows
    }

    /// Empties it; what the next records need of the last ones stays.
    pub(crate) fn clear(&mut self) {
        for rows in &mut self.tables {
            rows.rows.clear();
            rows.keys.clear();
        }
        self.gaps.clear();
        self.undone.clear();
        self.stream = None;
        (self.records, self.short) = (0, 0);
    }
}
