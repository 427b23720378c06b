//! Reading every lane of every session in `dir`, from where the last run stopped.

use shm::journal::{FileError, Journal, LaneReader, LaneSeq, MarksError, Position, ReadError};
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::path::{Path, PathBuf};

/// Why a follower cannot go on. It may be asked again: it stays where it was.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// A folder of the journal could not be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A lane could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// How far lanes are durable is not known.
    #[error(transparent)]
    Marks(#[from] MarksError),
    /// A lane ends before a record that was durable.
    #[error(
        "{dir}: epoch {epoch}, lane {lane} ends at record {last}, and {durable} was durable: a \
         segment is missing or cut; restore it"
    )]
    Missing {
        /// Where the journal is.
        dir: PathBuf,
        /// Which session.
        epoch: u16,
        /// Which lane.
        lane: u16,
        /// Its last record that is there.
        last: u64,
        /// Its last record that was synced.
        durable: u64,
    },
    /// The reader is ahead of the journal.
    #[error(
        "{dir}: the newest session here is epoch {newest}, and epoch {read} has been read already: \
         this is the journal of another engine; name its own directory, or a new database"
    )]
    Ahead {
        /// Where the journal is.
        dir: PathBuf,
        /// The newest session there.
        newest: u16,
        /// The session that the reader stands in.
        read: u16,
    },
}

/// Records that were removed before they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The engine start.
    pub epoch: u16,
    /// The lane.
    pub lane: u16,
    /// The last record that was read.
    pub after: LaneSeq,
    /// The first one that is there.
    pub first: LaneSeq,
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
    /// More are waiting: the turn ended at its limit, or a later session is there.
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

impl Lane {
    /// Hands out up to `share` records; how many there were.
    fn read(
        &mut self,
        journal: &Journal,
        (epoch, share): (u16, usize),
        gaps: &mut Vec<Gap>,
        take: &mut dyn FnMut(&Taken<'_>),
    ) -> Result<usize, FollowError> {
        let Self { lane, reader } = self;
        let mut count = 0;
        while count < share {
            let record = match reader.next() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error @ ReadError::Removed(_)) => {
                    // Retention was faster: what is left is read, and what is not is told.
                    let after = reader.position().seq;
                    let first = journal.first(epoch, *lane)?;
                    if first.seq <= after {
                        return Err(error.into());
                    }
                    gaps.push(Gap { epoch, lane: *lane, after, first: first.seq.next() });
                    *reader = journal.reader_at(first);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            take(&Taken {
                epoch,
                lane: *lane,
                seq: record.seq,
                kind: RecordKind::from_u16(record.header.kind),
                stage: StageId(record.header.stage),
                ts: Nanos(record.header.ts),
                body: record.body,
            });
            count += 1;
        }
        Ok(count)
    }
}

/// A reader of the whole journal.
///
/// It copies through the kernel and maps nothing, so that a file that is cut, removed or replaced
/// under it is an error with a name, after which it may be asked again. It keeps no place by
/// itself: who reads saves [`Follower::positions`] along with what it made of the records.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    journal: Journal,
    from: Vec<Position>,
    epoch: Option<u16>,
    lanes: Vec<Lane>,
    gaps: Vec<Gap>,
    closed: bool,
    /// The last turn found nothing: the next one asks whether there should have been something.
    is_idle: bool,
    last: Nanos,
}

impl Follower {
    /// Goes on from these places; without any, from the oldest record there is. The engine need not
    /// run, nor ever have run.
    ///
    /// # Errors
    /// [`FollowError`].
    pub fn open(dir: &Path, from: &[Position]) -> Result<Self, FollowError> {
        let journal = Journal::open(dir)?;
        let read = from.iter().map(|at| at.epoch).max();
        let known = journal.epochs()?;
        // A session that is gone (retention) is not waited for: the next one is read.
        let epoch = read.and_then(|read| known.iter().copied().find(|epoch| *epoch >= read));
        if let (Some(read), None, Some(&newest)) = (read, epoch, known.last()) {
            return Err(FollowError::Ahead { dir: dir.to_path_buf(), newest, read });
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            journal,
            from: from.to_vec(),
            epoch,
            lanes: Vec::new(),
            gaps: Vec::new(),
            closed: false,
            is_idle: false,
            last: Nanos(0),
        })
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
        // Likewise: a lane that is at its end now holds what was durable before.
        let marks = if self.is_idle { Some(self.journal.marks(epoch)?) } else { None };
        let share = (records_max / self.lanes.len().max(1)).max(1);
        let mut turn = Turn::default();
        for lane in &mut self.lanes {
            let count = lane.read(&self.journal, (epoch, share), &mut self.gaps, &mut |taken| {
                self.closed |= taken.kind == Some(RecordKind::SessionClose);
                self.last = self.last.max(taken.ts);
                take(taken);
            })?;
            turn.records += count;
            turn.behind |= count == share;
        }
        self.is_idle = turn.records == 0;
        let Some(marks) = marks.filter(|_| self.is_idle) else { return Ok(turn) };
        for Lane { lane, reader } in &self.lanes {
            let (last, durable) = (reader.position().seq, marks.durable(*lane));
            if last < durable {
                let (dir, lane) = (self.dir.clone(), *lane);
                let (last, durable) = (last.0, durable.0);
                return Err(FollowError::Missing { dir, epoch, lane, last, durable });
            }
        }
        match later {
            Some(later) => {
                self.enter(later);
                turn.behind = true;
            }
            None => turn.closed = self.closed && !turn.behind,
        }
        Ok(turn)
    }

    /// Where it stands: everything handed out is before these places.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        if self.lanes.is_empty() {
            return self.from.clone();
        }
        self.lanes.iter().map(|lane| lane.reader.position()).collect()
    }

    /// What was removed before it was read, since the last call.
    pub fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }

    /// Where the journal is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Tells it that the end of the session that it stands in was read before.
    pub fn know_closed(&mut self) {
        self.closed = true;
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
        self.from = self.positions();
        (self.epoch, self.closed, self.is_idle) = (Some(epoch), false, false);
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
                let known = self.from.iter().find(|at| (at.epoch, at.lane) == (epoch, lane));
                let reader = match known {
                    Some(position) => self.journal.reader_at(*position),
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
