//! The end of a live journal, from a moment on.

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use shm::journal::{Journal, LaneReader, Position, RecordHeader};

/// Readers of all lanes of the newest epoch.
pub(crate) struct Tail {
    journal: Journal,
    epoch: u16,
    readers: Vec<LaneReader>,
}

impl Tail {
    /// From where the journal was durable a moment ago: before whatever is asked for next.
    pub(crate) fn now(place: &Place) -> Outcome<Self> {
        let journal = place.journal()?;
        let epoch = place.epoch(&journal, None)?;
        let marks = journal.marks(epoch).map_err(Failure::not_done)?;
        let lanes = journal.lanes(epoch).map_err(Failure::not_done)?;
        let at = |lane: u16| match marks.get(lane) {
            Some(mark) => Position {
                segment: mark.number,
                offset: mark.offset,
                seq: mark.seq,
                ..Position::start(epoch, lane)
            },
            None => Position::start(epoch, lane),
        };
        let readers = lanes.into_iter().map(|lane| journal.reader_at(at(lane))).collect();
        Ok(Self { journal, epoch, readers })
    }

    /// The journal.
    pub(crate) const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Its newest epoch.
    pub(crate) const fn epoch(&self) -> u16 {
        self.epoch
    }

    /// Hands out what has been written since the last call, lane by lane.
    pub(crate) fn read(&mut self, mut take: impl FnMut(&RecordHeader, &[u8])) -> Outcome {
        for reader in &mut self.readers {
            while let Some(record) = reader.next().map_err(Failure::unsound)? {
                take(&record.header, record.body);
            }
        }
        Ok(())
    }
}
