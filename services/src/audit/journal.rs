//! The chain's records as the journal still has them.

use super::link::{Entry, LANE, Place};
use crate::follow::{FollowError, Taken};
use shm::journal::{Journal, ReadError};
use shm::record::{RecordKind, StageId};
use shm::units::Nanos;
use std::collections::BTreeMap;
use std::path::Path;

/// Hands out the chain's records of the journal in `dir` in their order, up to and with `to`; by
/// epoch the first record of the control lane that is there. What was removed is passed over.
pub(crate) fn each(
    dir: &Path,
    to: Place,
    take: &mut dyn FnMut(&Entry<'_>),
) -> Result<BTreeMap<u16, u64>, FollowError> {
    let journal = Journal::open(dir)?;
    let mut firsts = BTreeMap::new();
    for epoch in journal.epochs()?.into_iter().filter(|epoch| *epoch <= to.epoch) {
        if !journal.lanes(epoch)?.contains(&LANE) {
            continue;
        }
        let first = journal.first(epoch, LANE)?;
        firsts.insert(epoch, first.seq.next().0);
        let mut reader = journal.reader_at(first);
        loop {
            let record = match reader.next() {
                Ok(Some(record)) => record,
                // A torn tail was never confirmed to anybody.
                Ok(None) | Err(ReadError::Torn { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            if (Place { epoch, seq: record.seq.0 }) > to {
                break;
            }
            let taken = Taken {
                epoch,
                lane: LANE,
                seq: record.seq,
                kind: RecordKind::from_u16(record.header.kind),
                stage: StageId(record.header.stage),
                ts: Nanos(record.header.ts),
                body: record.body,
            };
            if let Some(entry) = Entry::of(&taken) {
                take(&entry);
            }
        }
    }
    Ok(firsts)
}
