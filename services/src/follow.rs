//! Reading every lane of every session in `dir`, from where the last run stopped.

use shm::journal::{
    CursorError, DurableCursor, FileError, Journal, LaneReader, LaneSeq, ReadError,
};
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::path::Path;

/// Why a follower cannot go on. It may be asked again: it stays where it was.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// A folder of the journal could not be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A lane could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The cursor could not be read or written.
    #[error(transparent)]
    Cursor(#[from] CursorError),
}

/// A record handed out.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// The engine start.
    pub epoch: u16,
    /// The lane.
    pub lane: u16,
    /// Its number in the lane.
    pub seq: LaneSeq,
    /// What it is; `None` for a kind that this build does not know.
    pub kind: Option<RecordKind>,
    /// The stage it speaks for.
    pub stage: StageId,
    /// Engine time.
    pub ts: Nanos,
    /// Body and payload.
    pub body: &'a [u8],
}

/// What one turn came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Records handed out.
    pub records: usize,
    /// More are waiting: the turn ended at its limit.
    pub behind: bool,
    /// The session was closed in order and a turn found nothing more: no more will come until the
    /// engine starts again.
    pub closed: bool,
}

/// One lane of the session that is followed.
#[derive(Debug)]
struct Lane {
    lane: u16,
    reader: LaneReader,
}

/// A reader of the whole journal.
#[derive(Debug)]
pub struct Follower {
    journal: Journal,
    cursor: DurableCursor,
    epoch: Option<u16>,
    lanes: Vec<Lane>,
    closed: bool,
    last: Nanos,
}

impl Follower {
    /// Goes on where the cursor file says; without one, from the oldest record there is. The engine
    /// need not run, nor ever have run.
    ///
    /// # Errors
    /// [`FollowError`].
    pub fn open(dir: &Path, cursor: &Path) -> Result<Self, FollowError> {
        let journal = Journal::open(dir)?;
        let cursor = DurableCursor::load(cursor)?;
        let epoch = cursor.positions().iter().map(|at| at.epoch).max();
        let known = journal.epochs()?;
        // A session that is gone (retention) is not waited for.
        let epoch = epoch.filter(|epoch| known.contains(epoch));
        Ok(Self { journal, cursor, epoch, lanes: Vec::new(), closed: false, last: Nanos(0) })
    }

    /// Hands out up to `records_max` records (at least one a lane), lane by lane.
    ///
    /// # Errors
    /// [`FollowError`]; what was handed out before it is behind the cursor.
    pub fn turn(
        &mut self,
        records_max: usize,
        take: &mut dyn FnMut(&Taken<'_>),
    ) -> Result<Turn, FollowError> {
        // Looked for before the lanes are read: when a later session exists, all of this one is on
        // disk.
        let later = self.later()?;
        self.open_lanes()?;
        let Some(epoch) = self.epoch else { return Ok(Turn::default()) };
        let share = (records_max / self.lanes.len().max(1)).max(1);
        let mut turn = Turn::default();
        for Lane { lane, reader } in &mut self.lanes {
            let mut count = 0;
            while count < share {
                let Some(record) = reader.next()? else { break };
                let kind = RecordKind::from_u16(record.header.kind);
                let taken = Taken {
                    epoch,
                    lane: *lane,
                    seq: record.seq,
                    kind,
                    stage: StageId(record.header.stage),
                    ts: Nanos(record.header.ts),
                    body: record.body,
                };
                self.closed |= kind == Some(RecordKind::SessionClose);
                self.last = self.last.max(taken.ts);
                take(&taken);
                count += 1;
            }
            turn.records += count;
            turn.behind |= count == share;
        }
        if let (0, Some(later)) = (turn.records, later) {
            self.enter(later);
            turn.behind = true;
        }
        turn.closed = self.closed && !turn.behind && turn.records == 0;
        Ok(turn)
    }

    /// Writes the cursor: everything handed out so far has been dealt with.
    ///
    /// # Errors
    /// [`FollowError::Cursor`]; the old cursor stands.
    pub fn save(&mut self) -> Result<(), FollowError> {
        for lane in &self.lanes {
            self.cursor.set(lane.reader.position());
        }
        if let Some(epoch) = self.epoch {
            self.cursor.forget_before(epoch);
        }
        Ok(self.cursor.save()?)
    }

    /// The session that is followed.
    #[must_use]
    pub fn epoch(&self) -> Option<u16> {
        self.epoch
    }

    /// Time from the newest record handed out to `now`. It bounds the lag of a follower that is
    /// behind; one that is not has seen everything, however long ago that was.
    #[must_use]
    pub fn since_last(&self, now: Nanos) -> Nanos {
        Nanos(now.0.saturating_sub(self.last.0))
    }

    /// The session after this one, if there is one.
    fn later(&self) -> Result<Option<u16>, FollowError> {
        let epochs = self.journal.epochs()?;
        Ok(epochs.into_iter().find(|epoch| self.epoch.is_some_and(|own| *epoch > own)))
    }

    fn enter(&mut self, epoch: u16) {
        (self.epoch, self.closed) = (Some(epoch), false);
        self.lanes.clear();
    }

    /// Opens lanes that are there and not open: an engine that starts makes them one by one.
    fn open_lanes(&mut self) -> Result<(), FollowError> {
        if self.epoch.is_none() {
            self.epoch = self.journal.epochs()?.first().copied();
        }
        let Some(epoch) = self.epoch else { return Ok(()) };
        for lane in self.journal.lanes(epoch)? {
            if self.lanes.iter().all(|known| known.lane != lane) {
                let reader = match self.cursor.get(epoch, lane) {
                    Some(position) => self.journal.reader_at(position),
                    None => self.journal.reader(epoch, lane)?,
                };
                self.lanes.push(Lane { lane, reader });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
