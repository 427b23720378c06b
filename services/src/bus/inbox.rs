//! Messages to rows: each record once, whatever comes twice.

use super::family::Family;
use super::message::{Head, Malformed, chain_of};
use crate::follow::Gap;
use crate::store::{Batch, StreamPlace};
use shm::journal::{LaneSeq, Position};
use std::collections::BTreeMap;

/// Why a message cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It does not follow the message that was read before it: the stream has lost its end and was
    /// told it anew. Read it again from its first message.
    #[error("it follows another message than the one that was read before it")]
    Rewritten,
    /// The journal is not the one that was read before.
    #[error(
        "epoch {epoch} is not the session that was read before: another engine publishes under this \
         name, or its directory was made anew; give it another name in bus.engine"
    )]
    OtherJournal {
        /// The session.
        epoch: u16,
    },
}

/// A record that comes in pieces.
#[derive(Debug)]
struct Pieces {
    /// Session and lane.
    of: (u16, u16),
    next: u16,
    bytes: Vec<u8>,
}

/// What is known of one engine's journal, as far as messages told.
#[derive(Debug)]
pub struct Inbox {
    place: StreamPlace,
    /// By lane of the session: its last record that is in.
    after: BTreeMap<u16, LaneSeq>,
    pieces: Option<Pieces>,
    /// Number and digest of the last message that was read.
    last: Option<(u64, u64)>,
}

impl Inbox {
    /// Goes on from what a store holds of the engine: see [`crate::store::Store::engine`] and
    /// [`crate::store::Store::positions_of`].
    #[must_use]
    pub fn new(place: Option<StreamPlace>, positions: &[Position]) -> Self {
        let last = place.map(|place| (place.seq, place.chain));
        let place = place.unwrap_or_default();
        let own = positions.iter().filter(|at| at.epoch == place.epoch);
        let after = own.map(|at| (at.lane, at.seq)).collect();
        Self { place, after, pieces: None, last }
    }

    /// Makes ready for any message: what is missing before it is gone.
    pub fn begin_again(&mut self) {
        (self.pieces, self.last) = (None, None);
    }

    /// Takes message `seq` of the stream into the batch; how many records were new. It comes behind
    /// the last one that was taken, or those between are gone.
    ///
    /// # Errors
    /// [`InboxError`]; nothing of it was taken.
    pub fn take(&mut self, seq: u64, bytes: &[u8], batch: &mut Batch) -> Result<u64, InboxError> {
        let chain = chain_of(bytes);
        let (head, bytes) = Head::decode(bytes)?;
        if self.last.is_some_and(|(last, chain)| seq == last + 1 && chain != head.chain) {
            return Err(InboxError::Rewritten);
        }
        let enters = head.epoch > self.place.epoch;
        let is_older = head.epoch < self.place.epoch;
        let is_other = self.place.born != 0 && head.born != 0 && head.born != self.place.born;
        if !enters && !is_older && is_other {
            return Err(InboxError::OtherJournal { epoch: head.epoch });
        }
        let known = if enters { None } else { self.after.get(&head.lane).copied() };
        let after = known.unwrap_or(LaneSeq::NONE);
        // What is of an older session is told again; a place has no records.
        let has_records = !is_older && head.family != Family::Place;
        let whole = if has_records { self.whole(&head, bytes) } else { Some(Vec::new()) };
        let records = match &whole {
            Some(whole) if has_records => head.records(whole)?,
            _ => Vec::new(),
        };
        self.last = Some((seq, chain));
        if whole.is_none() {
            return Ok(0);
        }
        if let Some(first) = records.first().filter(|_| head.prev > after) {
            let (epoch, lane, first) = (head.epoch, head.lane, first.seq);
            batch.note(vec![Gap { epoch, lane, after, first }]);
        }
        batch.note(head.gaps.clone());
        self.enter(&head);
        let mut fresh = 0;
        for record in records.iter().filter(|record| record.seq > after) {
            batch.take(record);
            self.after.insert(head.lane, record.seq);
            fresh += 1;
        }
        (self.place.seq, self.place.chain) = (seq, chain);
        batch.stream = Some(self.place);
        Ok(fresh)
    }

    fn enter(&mut self, head: &Head) {
        if head.epoch > self.place.epoch {
            self.place = StreamPlace { epoch: head.epoch, born: 0, ..self.place };
            self.after.clear();
        }
        if head.epoch == self.place.epoch && self.place.born == 0 {
            self.place.born = head.born;
        }
    }

    /// The bytes of the records, once all pieces are there; those of a record whose first ones are
    /// gone are passed over.
    fn whole(&mut self, head: &Head, bytes: &[u8]) -> Option<Vec<u8>> {
        let (piece, pieces) = head.piece;
        let of = (head.epoch, head.lane);
        let mut known = match self.pieces.take() {
            _ if piece == 1 => Pieces { of, next: 1, bytes: Vec::new() },
            Some(known) if (known.of, known.next) == (of, piece) => known,
            _ => return None,
        };
        known.bytes.extend_from_slice(bytes);
        known.next += 1;
        if piece == pieces {
            return Some(known.bytes);
        }
        self.pieces = Some(known);
        None
    }

    /// The place to keep with the batch's rows, lane by lane.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        let at = |(&lane, &seq)| Position { seq, ..Position::start(self.place.epoch, lane) };
        self.after.iter().map(at).collect()
    }

    /// How far it is.
    #[must_use]
    pub fn place(&self) -> StreamPlace {
        self.place
    }
}
