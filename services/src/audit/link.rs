//! One record of the chain, and what it hashes to.

use crate::follow::Taken;
use sha2::{Digest as _, Sha256};
use shm::message::CommandOp;
use shm::record::RecordKind;
use shm::record::status::Operator;
use shm::units::Nanos;
use std::fmt::Write as _;

/// The control lane: what a person has asked for is in it, and what a session began with.
pub const LANE: u16 = 0;

/// Says what is hashed, so that no other use of the same bytes gives the same hash.
const CONTENT: &[u8] = b"wirelane audit record 1";
const CHAIN: &[u8] = b"wirelane audit chain 1";

/// Where a record of the control lane stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The engine start.
    pub epoch: u16,
    /// Its number in the lane, from 1.
    pub seq: u64,
}

/// A record that the chain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub kind: RecordKind,
    /// Engine time.
    pub ts: Nanos,
    /// Body and payload, as the journal has them.
    pub body: &'a [u8],
}

impl<'a> Entry<'a> {
    /// A record as one of the chain; `None` if the chain does not hold such records.
    ///
    /// The clock's drift is a command to risk as well; the engine gives it by itself every 10 s.
    #[must_use]
    pub fn of(taken: &Taken<'a>) -> Option<Self> {
        let kind = taken.kind.filter(|_| taken.lane == LANE)?;
        let is_held = match kind {
            RecordKind::SessionOpen
            | RecordKind::Instruments
            | RecordKind::Topology
            | RecordKind::LimitSet
            | RecordKind::OpenComplete
            | RecordKind::SessionClose => true,
            RecordKind::Operator => Operator::read(taken.body)
                .is_none_or(|given| given.op != CommandOp::ClockDrift as u8),
            _ => false,
        };
        let place = Place { epoch: taken.epoch, seq: taken.seq.0 };
        is_held.then_some(Self { place, kind, ts: taken.ts, body: taken.body })
    }

    /// Hash of what it says, wherever it stands.
    #[must_use]
    pub fn content(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(CONTENT);
        hash.update([self.kind as u8]);
        hash.update(self.ts.0.to_le_bytes());
        hash.update((self.body.len() as u64).to_le_bytes());
        hash.update(self.body);
        hash.finalize().into()
    }
}

/// The last link of a chain: number 0 is that of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How many records are chained.
    pub number: u64,
    /// Hash over all of them.
    pub hash: [u8; 32],
}

impl Head {
    /// The chain with one more record.
    #[must_use]
    pub fn next(&self, place: Place, content: &[u8; 32]) -> Self {
        let number = self.number + 1;
        let mut hash = Sha256::new();
        hash.update(CHAIN);
        hash.update(self.hash);
        hash.update(number.to_le_bytes());
        hash.update(place.epoch.to_le_bytes());
        hash.update(place.seq.to_le_bytes());
        hash.update(content);
        Self { number, hash: hash.finalize().into() }
    }
}

/// Hexadecimal, as hashes and bodies stand in a database.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing into a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The bytes of a hexadecimal text; `None` for any other.
pub(crate) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// A hash from its text.
pub(crate) fn hash_of(text: &str) -> Option<[u8; 32]> {
    bytes_of(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: nothing that a link stands for can change without its hash. Method: each part of a
    /// record and of its place is changed by one.
    #[test]
    fn every_part_is_in_the_hash() {
        let place = Place { epoch: 1, seq: 2 };
        let body: &[u8] = &[1, 2, 3];
        let entry = Entry { place, kind: RecordKind::Operator, ts: Nanos(5), body };
        let head = Head { number: 7, hash: [9; 32] };
        let link = |head: &Head, entry: &Entry<'_>| head.next(entry.place, &entry.content());
        let plain = link(&head, &entry);
        for other in [
            Entry { place: Place { epoch: 2, ..place }, ..entry },
            Entry { place: Place { seq: 3, ..place }, ..entry },
            Entry { kind: RecordKind::LimitSet, ..entry },
            Entry { ts: Nanos(6), ..entry },
            Entry { body: &[1, 2, 4], ..entry },
            Entry { body: &[1, 2], ..entry },
        ] {
            assert_ne!(link(&head, &other), plain, "{other:?}");
        }
        for other in [Head { number: 8, ..head }, Head { hash: [8; 32], ..head }] {
            assert_ne!(link(&other, &entry).hash, plain.hash, "{other:?}");
        }
    }

    /// Goal: bytes come back from their text, and a text of anything else is none.
    #[test]
    fn hexadecimal_goes_both_ways() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes_of(&hex(&bytes)).unwrap(), bytes);
        for text in ["0", "0g", "AB", "+1", "é"] {
            assert_eq!(bytes_of(text), None, "{text}");
        }
        assert_eq!(hash_of("00"), None);
    }
}
