//! The side channel of book hashes: what the venue says its books are after sequence n.
//!
//! The loopback exchange sends a datagram after every 1,000 sequences of its ITCH stream, with the
//! [`hash_levels`](crate::book::hash_levels) of each book that changed since the datagram before
//! (more than [`ENTRIES_MAX`] books take several datagrams of the same sequence). A reader that has
//! applied exactly that sequence compares its own. A datagram lost is a comparison lost, nothing
//! else.
//!
//! # Layout
//! `session 10 @0`, `sequence u64 @10`, `count u16 @18`, then `count` times `locate u16`, `hash
//! u64`; big-endian, no padding, nothing after the last entry.
#![forbid(unsafe_code)]

use crate::moldudp64::Session;
use zerocopy::big_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Sequences from one datagram to the next.
pub const HASH_EVERY: u64 = 1_000;
/// Most entries of one datagram: 1,400 bytes.
pub const ENTRIES_MAX: usize = 138;
/// Bytes of the longest datagram.
pub const DATAGRAM_BYTES_MAX: usize = HEADER_BYTES + ENTRIES_MAX * ENTRY_BYTES;

const HEADER_BYTES: usize = size_of::<Header>();
const ENTRY_BYTES: usize = size_of::<HashEntry>();

const _: () = assert!(HEADER_BYTES == 20 && ENTRY_BYTES == 10);

/// The first 20 bytes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    session: [u8; 10],
    seq: U64,
    count: U16,
}

/// The hash of one book.
///
/// # Layout
/// `locate u16 @0`, `hash u64 @2`, big-endian.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct HashEntry {
    /// ITCH locate of the symbol.
    pub locate: U16,
    /// [`hash_levels`](crate::book::hash_levels) of its book.
    pub hash: U64,
}

/// A decoded datagram, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct BookHashes<'a> {
    /// The MoldUDP64 session.
    pub session: Session,
    /// The hashes hold after this sequence and before the next.
    pub seq: u64,
    /// One for each book that changed since the sequence before, at most [`ENTRIES_MAX`].
    pub entries: &'a [HashEntry],
}

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[must_use]
pub enum HashError {
    /// Fewer than 20 bytes.
    Short = 1,
    /// The entries are not as many as the count says.
    Count = 2,
}

impl<'a> BookHashes<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`HashError`]: drop the datagram whole and count it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HashError> {
        let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| HashError::Short)?;
        let entries = <[HashEntry]>::ref_from_bytes(rest).map_err(|_| HashError::Count)?;
        if entries.len() != usize::from(header.count.get()) || entries.len() > ENTRIES_MAX {
            return Err(HashError::Count);
        }
        Ok(Self { session: Session(header.session), seq: header.seq.get(), entries })
    }

    /// Writes the datagram and returns its length; `None` when `out` is too short or there are more
    /// than [`ENTRIES_MAX`] entries.
    #[must_use]
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        if self.entries.len() > ENTRIES_MAX {
            return None;
        }
        let count = U16::new(u16::try_from(self.entries.len()).ok()?);
        let header = Header { session: self.session.0, seq: U64::new(self.seq), count };
        let end = HEADER_BYTES + self.entries.len() * ENTRY_BYTES;
        let (head, body) = out.get_mut(..end)?.split_at_mut_checked(HEADER_BYTES)?;
        head.copy_from_slice(header.as_bytes());
        body.copy_from_slice(self.entries.as_bytes());
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: usize) -> Vec<HashEntry> {
        (0..count)
            .map(|at| HashEntry {
                locate: U16::new(at as u16 + 1),
                hash: U64::new(at as u64 * 0x0101_0101_0101_0101),
            })
            .collect()
    }

    /// Goal: a datagram survives the wire, and nothing else is taken for one. Method: every count
    /// of entries, then every truncation and one byte too many of one of them.
    #[test]
    fn datagram_survives_and_cut_ones_are_refused() {
        let session = Session::new("WL00000001").unwrap();
        let mut out = [0; DATAGRAM_BYTES_MAX + 16];
        for count in 0..=ENTRIES_MAX {
            let all = entries(count);
            let sent = BookHashes { session, seq: 7_000, entries: &all };
            let length = sent.encode(&mut out).unwrap();
            assert_eq!(length, 20 + 10 * count);
            let read = BookHashes::parse(&out[..length]).unwrap();
            assert_eq!((read.session, read.seq, read.entries), (session, 7_000, &all[..]));
            assert_eq!(sent.encode(&mut out[..length - 1]), None);
        }
        assert_eq!(
            BookHashes { session, seq: 1, entries: &entries(ENTRIES_MAX + 1) }.encode(&mut out),
            None
        );
        let two = entries(2);
        let length = BookHashes { session, seq: 1, entries: &two }.encode(&mut out).unwrap();
        for cut in (0..length).chain([length + 1, length + 10]) {
            assert!(BookHashes::parse(&out[..cut]).is_err(), "{cut} bytes");
        }
    }
}
