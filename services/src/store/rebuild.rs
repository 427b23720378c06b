//! The database from the journal alone, and whether one that is there holds the same.

use super::engine::EngineId;
use super::error::StoreError;
use super::writer::{Fingerprint, Store};
use crate::audit::Place;
use crate::follow::Follower;
use shm::journal::Position;
use std::path::Path;

/// Records of one transaction.
const BATCH: usize = 50_000;

/// More than so many records are not counted.
const BEHIND_MAX: u64 = 1_000_000_000;

/// A table that differs from what the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Rows that the journal makes.
    pub from_journal: u64,
}

/// Writes the journal in `dir` into an empty store, up to the places in `to` or, without any, to
/// its end; how many records that was.
///
/// # Errors
/// [`StoreError`].
pub fn rebuild(store: &mut Store, dir: &Path, to: Option<&[Position]>) -> Result<u64, StoreError> {
    let mut follower = Follower::open(dir, &store.positions()?)?;
    let mut batch = store.batch()?;
    let last = to.map(|to| to.iter().map(|at| at.epoch).max().unwrap_or(0));
    let (mut records, mut idle) = (0, 0);
    loop {
        let turn = follower.turn(BATCH, &mut |taken| {
            let wanted = to.is_none_or(|to| {
                let mine = to.iter().find(|at| (at.epoch, at.lane) == (taken.epoch, taken.lane));
                match mine {
                    Some(at) => taken.seq <= at.seq,
                    None => last.is_some_and(|last| taken.epoch < last),
                }
            });
            if wanted {
                batch.take(taken);
                records += 1;
            }
        })?;
        batch.note(follower.take_gaps());
        store.write(&mut batch, &follower.positions())?;
        let at = follower.positions();
        let is_there = |to: &Position| {
            at.iter().any(|at| {
                at.epoch > to.epoch
                    || (at.epoch, at.lane) == (to.epoch, to.lane) && at.seq >= to.seq
            })
        };
        // The second look finds out whether something should have been there; a live journal may
        // never be at its end.
        idle = if turn.records == 0 && !turn.behind { idle + 1 } else { 0 };
        if to.is_some_and(|to| to.iter().all(is_there)) || idle == 2 {
            return Ok(records);
        }
    }
}

/// The last record of a lane before these places.
pub(super) fn last_of(positions: &[Position], lane: u16) -> Place {
    let epoch = positions.iter().map(|at| at.epoch).max().unwrap_or(0);
    let at = positions.iter().find(|at| (at.epoch, at.lane) == (epoch, lane));
    Place { epoch, seq: at.map_or(0, |at| at.seq.0) }
}

/// How many records the journal in `dir` holds behind the places in `from`, as of now.
///
/// # Errors
/// [`StoreError::Follow`].
pub fn behind(dir: &Path, from: &[Position]) -> Result<u64, StoreError> {
    let mut follower = Follower::open(dir, from)?;
    let (mut records, mut idle) = (0, 0);
    // A journal that is written faster than it is read here would never end.
    while idle < 2 && records < BEHIND_MAX {
        let turn = follower.turn(BATCH, &mut |_| records += 1)?;
        idle = if turn.records == 0 && !turn.behind { idle + 1 } else { 0 };
    }
    Ok(records)
}

/// What of `store` is not as the journal in `dir` says, up to the place that it stands at and of
/// what was not removed from it: `fresh` is an empty store to rebuild into. Nothing is compared,
/// and `None` comes back, where the journal does not reach back as far as the database.
///
/// # Errors
/// [`StoreError`].
pub fn compare(
    store: &mut Store,
    fresh: &mut Store,
    dir: &Path,
) -> Result<Option<Vec<Difference>>, StoreError> {
    let to = store.positions()?;
    let kept = store.first_whole_epoch(EngineId::LOCAL)?;
    let held = store.fingerprints(EngineId::LOCAL, kept)?;
    rebuild(fresh, dir, Some(&to))?;
    let first = "SELECT MIN(epoch) FROM sessions WHERE engine = 0";
    let ours = store.database().number(first, Vec::new())?;
    let theirs = fresh.database().number(first, Vec::new())?;
    if ours.is_some() && theirs.is_none_or(|theirs| ours.is_some_and(|ours| theirs > ours)) {
        return Ok(None);
    }
    let made = fresh.fingerprints(EngineId::LOCAL, kept)?;
    let differs = held.iter().zip(made).filter(|(held, made)| *held != made);
    let difference = |(held, made): (&Fingerprint, Fingerprint)| Difference {
        table: held.table,
        rows: held.rows,
        from_journal: made.rows,
    };
    Ok(Some(differs.map(difference).collect()))
}
