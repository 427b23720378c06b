//! Whether a chain is whole, and which of its records is the first that is not.

use super::head_file::{self, Heads};
use super::journal;
use super::link::{Head, Place, hex};
use crate::follow::FollowError;
use crate::store::{DatabaseError, Store};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Why a chain could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The journal, which would say what the chain should hold.
    #[error(transparent)]
    Journal(#[from] FollowError),
    /// The file of published heads.
    #[error("{path}: {source}")]
    Heads {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A row of the chain as a database holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub number: u64,
    /// The record that it stands for.
    pub place: Place,
    /// Hash of what it says; `None` where it is not of the form of a record.
    pub content: Option<[u8; 32]>,
    /// The link, as it stands there.
    pub hash: Option<[u8; 32]>,
}

/// What the journal says that the chain must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// By epoch: the first record of the control lane that is still there.
    pub firsts: BTreeMap<u16, u64>,
    /// The chain's records in their order, and the hash of what each says.
    pub entries: Vec<(Place, [u8; 32])>,
}

impl Truth {
    /// Whether the journal would have the record.
    fn covers(&self, place: Place) -> bool {
        self.firsts.get(&place.epoch).is_some_and(|first| place.seq >= *first)
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It says something else than what was chained.
    Changed,
    /// It should stand here and is nowhere.
    Missing,
    /// Others stand before it, or it before others, whose order was the other way.
    OutOfPlace,
    /// It stands here and was never written by an engine.
    Inserted,
    /// The chain ends before it.
    Cut,
    /// All hashes fit each other, and not the head that was published.
    Rechained,
    /// A row of another table that shows this record does not say what the record says.
    Shown(&'static str),
}

/// The first bad record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Its number in the chain.
    pub number: u64,
    /// Where that is not known better: the number of the last one that it may be.
    pub last: u64,
    /// The record's place in the journal, where it is known.
    pub place: Option<Place>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Bad {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, last, place, fault } = *self;
        if last > number {
            write!(out, "one of the records {number} to {last} of the chain")?;
        } else {
            write!(out, "record {number} of the chain")?;
        }
        if let Some(Place { epoch, seq }) = place {
            write!(out, " (epoch {epoch}, control lane {seq})")?;
        }
        match fault {
            Fault::Changed => out.write_str(
                " is not what was chained: it was changed or put in, or one before it was taken out",
            ),
            Fault::Missing => out.write_str(" is missing"),
            Fault::OutOfPlace => out.write_str(" is not in its place: records were swapped"),
            Fault::Inserted => {
                out.write_str(" was put in: the journal has no such record at its place")
            }
            Fault::Cut => {
                write!(out, " is missing: the chain ends before record {last}, and there was one")
            }
            Fault::Rechained => out.write_str(
                " was changed, removed or put in, and all hashes behind it were made anew: they \
                 are not those that were published",
            ),
            Fault::Shown(table) => {
                write!(out, " is as it was chained, and table {table} shows something else")
            }
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Rows of the chain.
    pub records: u64,
    /// Rows that the journal has as well.
    pub in_journal: u64,
    /// Where the chain ends.
    pub head: Head,
    /// Heads that were published for a record that is there.
    pub published: u64,
    /// Lines among the published heads that are none.
    pub torn: u64,
    /// The first bad record, if there is one.
    pub bad: Option<Bad>,
}

/// A chain while it is walked.
struct Walk<'a> {
    truth: &'a Truth,
    published: &'a BTreeMap<u64, HashSet<[u8; 32]>>,
    /// Records that the table has anywhere.
    places: HashSet<Place>,
    head: Head,
    /// The last place that was passed.
    last: Option<Place>,
    /// How far the truth is.
    at: usize,
    in_journal: u64,
    /// The last number that a published head agreed to.
    agreed: u64,
    /// The last number that a published head or the journal agreed to.
    sure: u64,
    heads: u64,
}

impl Walk<'_> {
    /// Takes the next row; what is wrong, if something is.
    fn step(&mut self, row: &Kept) -> Option<Bad> {
        let number = self.head.number + 1;
        let due = self.truth.entries.get(self.at).copied();
        let bad = |place, fault| Some(Bad { number, last: number, place, fault });
        if row.number != number {
            return bad(due.map(|(place, _)| place), Fault::Missing);
        }
        // One that is of no form at all has no place either.
        let Some(content) = row.content else {
            return bad(due.map(|(place, _)| place), Fault::Changed);
        };
        let here = Some(row.place);
        match due {
            Some((place, known)) if place == row.place => {
                if content != known {
                    return bad(here, Fault::Changed);
                }
                self.at += 1;
                self.in_journal += 1;
            }
            Some((place, _)) if place < row.place => {
                let is_elsewhere = self.places.contains(&place);
                let fault = if is_elsewhere { Fault::OutOfPlace } else { Fault::Missing };
                return bad(Some(place), fault);
            }
            Some(_) | None if self.truth.covers(row.place) => {
                let entries = &self.truth.entries;
                let is_ours = entries.binary_search_by_key(&row.place, |entry| entry.0).is_ok();
                return bad(here, if is_ours { Fault::OutOfPlace } else { Fault::Inserted });
            }
            Some(_) | None => {}
        }
        let is_in_journal = due.is_some_and(|(place, _)| place == row.place);
        let next = self.head.next(row.place, &content);
        if row.hash != Some(next.hash) {
            return bad(here, Fault::Changed);
        }
        if self.last.is_some_and(|last| row.place <= last) {
            // This one, or the one before it, whose place is higher.
            let fault = Fault::OutOfPlace;
            return Some(Bad { number: number - 1, last: number, place: None, fault });
        }
        self.last = here;
        if let Some(hashes) = self.published.get(&number) {
            if hashes.len() > 1 || !hashes.contains(&next.hash) {
                let first = self.agreed + 1;
                let place = (first == number).then_some(row.place);
                return Some(Bad { number: first, last: number, place, fault: Fault::Rechained });
            }
            (self.agreed, self.heads) = (number, self.heads + 1);
        }
        if is_in_journal || self.agreed == number {
            self.sure = number;
        }
        self.head = next;
        None
    }
}

/// Judges the rows of a chain, in the order of their numbers, by themselves, by what the journal
/// says and by what was published.
#[must_use]
pub fn judge(rows: &[Kept], truth: &Truth, heads: &Heads) -> Verdict {
    let mut published: BTreeMap<u64, HashSet<[u8; 32]>> = BTreeMap::new();
    for head in &heads.heads {
        published.entry(head.number).or_default().insert(head.hash);
    }
    let mut walk = Walk {
        truth,
        published: &published,
        places: rows.iter().map(|row| row.place).collect(),
        head: Head::default(),
        last: None,
        at: 0,
        in_journal: 0,
        agreed: 0,
        sure: 0,
        heads: 0,
    };
    let mut bad = rows.iter().find_map(|row| walk.step(row));
    let number = walk.head.number + 1;
    if bad.is_none() {
        let due = truth.entries.get(walk.at).map(|(place, _)| *place);
        let is_short = due.is_some() || heads.last() >= number;
        // Hashes made anew behind a record that was removed look like a chain that was cut.
        let first = if due.is_some() { number } else { walk.sure + 1 };
        bad =
            is_short.then_some(Bad { number: first, last: number, place: due, fault: Fault::Cut });
    }
    Verdict {
        records: rows.len() as u64,
        in_journal: walk.in_journal,
        head: walk.head,
        published: walk.heads,
        torn: heads.torn,
        bad,
    }
}

/// Verifies the chain of a database by the journal in `dir`, as far as it reaches back, and by the
/// heads that were published in `heads`; then what the database shows of its records elsewhere.
///
/// # Errors
/// [`AuditError`]: database, journal or file cannot be read, or a record of the journal is bad.
pub fn verify(store: &mut Store, dir: &Path, heads: Option<&Path>) -> Result<Verdict, AuditError> {
    let heads = match heads {
        None => Heads::default(),
        Some(path) => head_file::read(path)
            .map_err(|source| AuditError::Heads { path: path.to_path_buf(), source })?,
    };
    let (rows, to) = store.chain()?;
    let mut entries = Vec::new();
    let firsts = journal::each(dir, to, &mut |entry| entries.push((entry.place, entry.content())))?;
    let mut verdict = judge(&rows, &Truth { firsts, entries }, &heads);
    if verdict.bad.is_none() {
        verdict.bad = store.shown_otherwise()?;
    }
    Ok(verdict)
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, in_journal, published, torn, .. } = self;
        let Head { number, hash } = &self.head;
        match &self.bad {
            Some(bad) => write!(out, "{bad}; sound before it: {}", bad.number.saturating_sub(1))?,
            None => write!(
                out,
                "{records} records, sound; {in_journal} of them compared with the journal, \
                 {published} with a published head; head {number} {}",
                hex(hash)
            )?,
        }
        if *torn > 0 {
            write!(out, "; {torn} lines among the published heads are none")?;
        }
        Ok(())
    }
}
