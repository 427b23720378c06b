//! Lanes read side by side, the oldest record first.

use super::row::Row;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use shm::journal::{Journal, LaneReader};
use shm::record::RecordKind;

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// These lanes; all when empty.
    pub(crate) lanes: Vec<u16>,
    /// These kinds; all when empty.
    pub(crate) kinds: Vec<RecordKind>,
    /// Captured bytes too.
    pub(crate) raw: bool,
}

struct Lane {
    lane: u16,
    reader: LaneReader,
    next: Option<Row>,
}

/// The records of one epoch, merged by time; records of one time in the order of their lanes.
pub(crate) struct Merged {
    epoch: u16,
    session: Session,
    wanted: Wanted,
    lanes: Vec<Lane>,
}

impl Merged {
    /// Opens the lanes of an epoch.
    pub(crate) fn open(journal: &Journal, epoch: u16, wanted: Wanted) -> Outcome<Self> {
        let session = Session::read(journal, epoch)?;
        let known = journal.lanes(epoch).map_err(Failure::not_done)?;
        if let Some(lane) = wanted.lanes.iter().find(|lane| !known.contains(lane)) {
            let there: Vec<String> = known.iter().map(u16::to_string).collect();
            return Err(Failure::not_there(format!("epoch {epoch} has no lane {lane}"))
                .remedy(format!("there are: {}", there.join(", "))));
        }
        let asked = |lane: &u16| wanted.lanes.is_empty() || wanted.lanes.contains(lane);
        let mut lanes = Vec::new();
        for lane in known.into_iter().filter(asked) {
            let reader = journal.reader(epoch, lane).map_err(Failure::not_done)?;
            lanes.push(Lane { lane, reader, next: None });
        }
        Ok(Self { epoch, session, wanted, lanes })
    }

    /// The next record in time; `None` when no lane has one now.
    pub(crate) fn next(&mut self) -> Outcome<Option<Row>> {
        for lane in &mut self.lanes {
            if lane.next.is_none() {
                lane.next =
                    fill(self.epoch, lane.lane, &mut lane.reader, &self.session, &self.wanted)?;
            }
        }
        let ready = self.lanes.iter_mut().filter(|lane| lane.next.is_some());
        let first = ready.min_by_key(|lane| lane.next.as_ref().map(|row| row.ts));
        Ok(first.and_then(|lane| lane.next.take()))
    }
}

/// The next wanted record of a lane. A torn tail is its end: `verify` says more.
fn fill(
    epoch: u16,
    lane: u16,
    reader: &mut LaneReader,
    session: &Session,
    wanted: &Wanted,
) -> Outcome<Option<Row>> {
    loop {
        let record = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(None),
            Err(error) => {
                return Err(Failure::unsound(error)
                    .remedy("`wirelane journal verify` tells how much is sound"));
            }
        };
        let kind = RecordKind::from_u16(record.header.kind);
        let asked =
            wanted.kinds.is_empty() || kind.is_some_and(|kind| wanted.kinds.contains(&kind));
        if asked {
            let place = (epoch, lane, record.seq.0);
            return Ok(Some(Row::new(place, &record.header, record.body, session, wanted.raw)));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
