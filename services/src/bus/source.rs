//! An engine's journal as messages, from where the last one ends.

use super::cutter::{Cutter, Outgoing};
use super::error::BusError;
use super::family::Families;
use super::message::{Head, chain_of};
use crate::follow::{Follower, Turn};
use shm::journal::{Journal, Position, ReadError};
use shm::record::RecordKind;
use shm::record::status::SessionOpen;
use std::path::Path;

/// A journal that is read and cut into messages.
#[derive(Debug)]
pub struct Source {
    journal: Journal,
    follower: Follower,
    cutter: Cutter,
}

impl Source {
    /// Opens the journal in `dir` behind `last`, the last message that was published; without one,
    /// at its oldest record. See [`Cutter::new`] for `bytes_max`.
    ///
    /// # Errors
    /// [`BusError::Follow`]; [`BusError::OtherJournal`] where `last` is of another journal;
    /// [`BusError::Last`] where it cannot be read.
    pub fn open(
        dir: &Path,
        families: Families,
        bytes_max: usize,
        last: Option<&[u8]>,
    ) -> Result<Self, BusError> {
        let last = last.map(|bytes| Ok((Head::decode(bytes)?.0, chain_of(bytes)))).transpose();
        let last = last.map_err(BusError::Last)?;
        let last = last.as_ref().map(|(head, chain)| (head, *chain));
        let places = |(last, _): (&Head, u64)| last.lanes.iter().map(|lane| lane.at).collect();
        let from: Vec<Position> = last.map(places).unwrap_or_default();
        let follower = Follower::open(dir, &from)?;
        let journal = Journal::open(dir).map_err(crate::FollowError::from)?;
        let cutter = Cutter::new(families, bytes_max, last);
        if let Some((last, _)) = last {
            let here = born(&journal, last.epoch)?;
            if here.is_some_and(|here| last.born > 0 && here != last.born) {
                return Err(BusError::OtherJournal { epoch: last.epoch });
            }
        }
        Ok(Self { journal, follower, cutter })
    }

    /// Reads up to `records_max` records: what is to be published of them.
    ///
    /// # Errors
    /// [`BusError::Follow`]: open it again behind the last message that was published.
    pub fn turn(&mut self, records_max: usize) -> Result<(Turn, Vec<Outgoing>), BusError> {
        let Self { journal, follower, cutter } = self;
        cutter.begin(follower.positions());
        let (mut failed, mut is_asked) = (None, false);
        let turn = follower.turn(records_max, &mut |taken| {
            cutter.enter(taken.epoch);
            // Once a turn: where the first record was removed there is nothing to be found.
            if let ((epoch, None), false) = (cutter.session(), is_asked) {
                is_asked = true;
                match born(journal, epoch) {
                    Ok(born) => cutter.set_born(epoch, born.unwrap_or(0)),
                    Err(error) => failed = Some(error),
                }
            }
            cutter.take(taken);
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        Ok((turn, cutter.end(follower.take_gaps(), follower.positions())))
    }

    /// The session that is read.
    #[must_use]
    pub fn epoch(&self) -> Option<u16> {
        self.follower.epoch()
    }
}

/// When a session was opened, by the wall clock of its engine; `None` where its first record is not
/// there, or not yet.
fn born(journal: &Journal, epoch: u16) -> Result<Option<u64>, BusError> {
    let failed = |error: ReadError| BusError::Follow(error.into());
    let mut reader = match journal.reader(epoch, 0) {
        Ok(reader) => reader,
        Err(ReadError::NoLane { .. } | ReadError::Removed(_)) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let first = match reader.next() {
        Ok(first) => first,
        Err(ReadError::Removed(_)) => None,
        Err(error) => return Err(failed(error)),
    };
    let opened = first
        .filter(|first| RecordKind::from_u16(first.header.kind) == Some(RecordKind::SessionOpen));
    Ok(opened.and_then(|first| SessionOpen::read(first.body)).map(|open| open.wall.0))
}
