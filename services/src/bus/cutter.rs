//! Records to messages.

use super::family::{Families, Family};
use super::message::{Head, LaneAt, chain_of, put};
use crate::follow::{Gap, Taken};
use shm::journal::{LaneSeq, Position};
use std::collections::BTreeMap;

/// After so many records without a message one goes out that says how far the journal was read: a
/// start need not read them again.
const SILENT_MAX: u64 = 200_000;

/// A message to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What its records are.
    pub family: Family,
    /// Session and records, by which a server knows one that it has; none for a piece that is not
    /// the last of its record, and for one without records.
    pub id: Option<String>,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Records that are whole with it.
    pub records: u64,
}

/// The message that is being filled.
#[derive(Debug)]
struct Open {
    family: Family,
    lane: u16,
    first: LaneSeq,
    last: LaneSeq,
    records: u32,
    bytes: Vec<u8>,
}

/// Makes messages of the records of an engine, in their order: a message has records of one lane
/// and one family.
#[derive(Debug)]
pub struct Cutter {
    families: Families,
    bytes_max: usize,
    epoch: u16,
    born: u64,
    /// Digest of the last message.
    chain: u64,
    /// By lane of the session: the last record that was published.
    after: BTreeMap<u16, LaneSeq>,
    /// Where lanes were before this turn.
    from: Vec<Position>,
    gaps: Vec<Gap>,
    open: Option<Open>,
    out: Vec<Outgoing>,
    silent: u64,
}

impl Cutter {
    /// Goes on behind the last message that was published: its head and its digest
    /// ([`chain_of`]). `bytes_max` bounds the records of a message, not its head; at least 1.
    #[must_use]
    pub fn new(families: Families, bytes_max: usize, last: Option<(&Head, u64)>) -> Self {
        let mut cutter = Self {
            families,
            bytes_max: bytes_max.max(1),
            epoch: 0,
            born: 0,
            chain: 0,
            after: BTreeMap::new(),
            from: Vec::new(),
            gaps: Vec::new(),
            open: None,
            out: Vec::new(),
            silent: 0,
        };
        if let Some((last, chain)) = last {
            (cutter.epoch, cutter.born, cutter.chain) = (last.epoch, last.born, chain);
            cutter.after = last.lanes.iter().map(|lane| (lane.at.lane, lane.after)).collect();
        }
        cutter
    }

    /// The session, and when it was opened, if that is known.
    #[must_use]
    pub fn session(&self) -> (u16, Option<u64>) {
        (self.epoch, Some(self.born).filter(|born| *born > 0))
    }

    /// Tells when a session was opened.
    pub fn set_born(&mut self, epoch: u16, born: u64) {
        if epoch == self.epoch {
            self.born = born;
        }
    }

    /// Begins a turn: `from` is where the lanes stand.
    pub fn begin(&mut self, from: Vec<Position>) {
        self.from = from;
    }

    /// Enters a session, if it is not in it.
    pub fn enter(&mut self, epoch: u16) {
        if epoch != self.epoch {
            (self.epoch, self.born) = (epoch, 0);
            self.after.clear();
        }
    }

    /// Takes a record of the session.
    pub fn take(&mut self, taken: &Taken<'_>) {
        self.silent += 1;
        let Some(kind) = taken.kind else { return };
        let family = Family::of(kind);
        let after = self.after.get(&taken.lane).copied().unwrap_or(LaneSeq::NONE);
        if !self.families.has(family) || taken.seq <= after {
            return;
        }
        let fits = |open: &Open| {
            (open.family, open.lane) == (family, taken.lane)
                && open.bytes.len() + taken.body.len() < self.bytes_max
        };
        if self.open.as_ref().is_some_and(|open| !fits(open)) {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open {
            family,
            lane: taken.lane,
            first: taken.seq,
            last: taken.seq,
            records: 0,
            bytes: Vec::new(),
        });
        put(&mut open.bytes, kind, taken);
        open.last = taken.seq;
        open.records += 1;
    }

    /// Ends the turn, in which `gaps` were found: its messages. `to` is where the lanes stand now.
    pub fn end(&mut self, gaps: Vec<Gap>, to: Vec<Position>) -> Vec<Outgoing> {
        self.close();
        self.gaps.extend(gaps);
        if self.silent >= SILENT_MAX || !self.gaps.is_empty() {
            self.from = to;
            let head = self.head(Family::Place, 0, LaneSeq::NONE, 0);
            self.push(&head, &[], None, 0);
            self.gaps.clear();
        }
        std::mem::take(&mut self.out)
    }

    fn head(&self, family: Family, lane: u16, prev: LaneSeq, records: u32) -> Head {
        let start = |lane| Position::start(self.epoch, lane);
        let known = |lane| {
            let at = self.from.iter().find(|at| (at.epoch, at.lane) == (self.epoch, lane));
            at.copied().unwrap_or(start(lane))
        };
        let read = self.from.iter().filter(|at| at.epoch == self.epoch).map(|at| at.lane);
        let lanes: std::collections::BTreeSet<u16> =
            read.chain(self.after.keys().copied()).chain([lane]).collect();
        let lane_at = |lane: u16| LaneAt {
            at: known(lane),
            after: self.after.get(&lane).copied().unwrap_or(LaneSeq::NONE),
        };
        Head {
            family,
            epoch: self.epoch,
            chain: self.chain,
            born: self.born,
            lane,
            prev,
            piece: (1, 1),
            records,
            lanes: lanes.into_iter().map(lane_at).collect(),
            gaps: self.gaps.clone(),
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let prev = self.after.get(&open.lane).copied().unwrap_or(LaneSeq::NONE);
        let pieces = open.bytes.len().div_ceil(self.bytes_max).max(1);
        let pieces = u16::try_from(pieces).unwrap_or(u16::MAX);
        let size = open.bytes.len().div_ceil(pieces.into()).max(1);
        for (piece, bytes) in (1..).zip(open.bytes.chunks(size)) {
            let is_last = piece == pieces;
            if is_last {
                self.after.insert(open.lane, open.last);
            }
            let head = Head {
                piece: (piece, pieces),
                ..self.head(open.family, open.lane, prev, open.records)
            };
            let id = is_last.then(|| {
                let (epoch, lane) = (self.epoch, open.lane);
                format!("{epoch}/{}/{lane}/{}-{}", self.born, open.first.0, open.last.0)
            });
            self.push(&head, bytes, id, if is_last { open.records.into() } else { 0 });
        }
    }

    fn push(&mut self, head: &Head, bytes: &[u8], id: Option<String>, records: u64) {
        self.silent = 0;
        let payload = head.encode(bytes);
        self.chain = chain_of(&payload);
        self.out.push(Outgoing { family: head.family, id, payload, records });
    }
}
