//! The packets: parse, build, request.
#![forbid(unsafe_code)]

use core::fmt;
use zerocopy::big_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes before the first block; all of a heartbeat, an end of session or a request.
pub const HEADER_BYTES: usize = 20;
/// Most messages in one packet or one request.
pub const COUNT_MAX: u16 = 0xFFFE;
/// The count that marks the end of a session.
const COUNT_END: u16 = 0xFFFF;
/// Bytes of the length in front of each block.
const LENGTH_BYTES: usize = 2;

/// The name of a session: 10 ASCII bytes, space padded.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Session(pub [u8; 10]);

impl Session {
    /// Pads a text on the right; `None` when it is longer than 10 bytes.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut padded = [b' '; 10];
        padded.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self(padded))
    }

    /// The text without its padding; `"?"` when it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.0.trim_ascii()).unwrap_or("?")
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.as_str())
    }
}

/// The first 20 bytes of every packet.
///
/// # Layout
/// `session 10 @0`, `sequence u64 @10`, `count u16 @18`, big-endian.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Header {
    session: Session,
    sequence: U64,
    count: U16,
}

const _: () = assert!(size_of::<Header>() == HEADER_BYTES && align_of::<Header>() == 1);

/// Why a datagram is not a packet. It is dropped whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[must_use]
pub enum PacketError {
    /// Fewer than 20 bytes.
    Short = 1,
    /// A block reaches past the end of the datagram.
    Truncated = 2,
    /// Bytes after the last block.
    Trailing = 3,
    /// The last sequence number would pass `u64::MAX`.
    Overflow = 4,
    /// A request for no message, or for 65,535.
    Count = 5,
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// No message; the sequence is the next to be sent.
    Heartbeat,
    /// Messages from the sequence on; the count is in `1..=COUNT_MAX`.
    Data(u16),
    /// No message will follow; the sequence is one past the last.
    EndOfSession,
}

/// A packet whose every block is known to lie inside the datagram.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    session: Session,
    seq: u64,
    kind: PacketKind,
    blocks: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks a whole datagram: header, every block, exact end.
    ///
    /// # Errors
    /// [`PacketError`]: the datagram is to be dropped whole and counted.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let (header, blocks) = Header::ref_from_prefix(bytes).map_err(|_| PacketError::Short)?;
        let seq = header.sequence.get();
        let kind = match header.count.get() {
            0 => PacketKind::Heartbeat,
            COUNT_END => PacketKind::EndOfSession,
            count => PacketKind::Data(count),
        };
        let packet = Self { session: header.session, seq, kind, blocks };
        seq.checked_add(u64::from(packet.count())).ok_or(PacketError::Overflow)?;
        let mut walk = Blocks { rest: blocks };
        for _ in 0..packet.count() {
            walk.next().ok_or(PacketError::Truncated)?;
        }
        if walk.rest.is_empty() { Ok(packet) } else { Err(PacketError::Trailing) }
    }

    /// What the header of a datagram says, its blocks not looked at: session, and one past the last
    /// message's sequence. `None` of one that is too short or has no messages.
    #[must_use]
    #[inline]
    pub fn peek(bytes: &[u8]) -> Option<(Session, u64)> {
        let (header, _) = Header::ref_from_prefix(bytes).ok()?;
        let count = header.count.get();
        let next = header.sequence.get().checked_add(u64::from(count))?;
        (1..=COUNT_MAX).contains(&count).then_some((header.session, next))
    }

    /// The session it belongs to.
    #[must_use]
    pub const fn session(&self) -> Session {
        self.session
    }

    /// Sequence of the first message, or the next one of a packet without messages.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> PacketKind {
        self.kind
    }

    /// Messages in it, 0 for a heartbeat and the end of session.
    #[must_use]
    pub const fn count(&self) -> u16 {
        match self.kind {
            PacketKind::Data(count) => count,
            PacketKind::Heartbeat | PacketKind::EndOfSession => 0,
        }
    }

    /// One past the last sequence in it.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.seq.saturating_add(self.count() as u64)
    }

    /// The messages in order. An empty one still has a number.
    #[must_use]
    pub const fn messages(&self) -> Blocks<'a> {
        Blocks { rest: self.blocks }
    }

    /// The blocks with their lengths, as on the wire.
    #[must_use]
    pub(super) const fn blocks(&self) -> &'a [u8] {
        self.blocks
    }
}

/// Messages of a packet, in order.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// Over blocks that a [`Packet`] has checked.
    pub(super) const fn new(blocks: &'a [u8]) -> Self {
        Self { rest: blocks }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<LENGTH_BYTES>()?;
        let (message, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.rest = rest;
        Some(message)
    }
}

/// Writes a packet into the caller's bytes.
#[derive(Debug)]
pub struct PacketBuilder<'a> {
    out: &'a mut [u8],
    used_bytes: usize,
    count: u16,
}

impl<'a> PacketBuilder<'a> {
    /// Starts a packet whose first message will have number `seq`; `None` when `out` holds no
    /// header.
    #[must_use]
    pub fn new(out: &'a mut [u8], session: Session, seq: u64) -> Option<Self> {
        let used_bytes = encode_header(out, session, seq, 0)?;
        Some(Self { out, used_bytes, count: 0 })
    }

    /// Adds a message; false when it does not fit: finish, send, and start the next packet.
    #[must_use]
    pub fn try_push(&mut self, message: &[u8]) -> bool {
        let Ok(length) = u16::try_from(message.len()) else { return false };
        if self.count == COUNT_MAX {
            return false;
        }
        let end = self.used_bytes + LENGTH_BYTES + message.len();
        let Some(block) = self.out.get_mut(self.used_bytes..end) else { return false };
        let Some((head, body)) = block.split_first_chunk_mut::<LENGTH_BYTES>() else {
            return false;
        };
        *head = length.to_be_bytes();
        body.copy_from_slice(message);
        self.used_bytes = end;
        self.count += 1;
        true
    }

    /// Messages so far.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Bytes of the packet so far.
    #[must_use]
    pub const fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// Writes the count and returns the bytes of the packet. Without messages it is a heartbeat.
    pub fn finish(self) -> usize {
        if let Some(count) = self.out.get_mut(18..HEADER_BYTES) {
            count.copy_from_slice(&self.count.to_be_bytes());
        }
        self.used_bytes
    }
}

fn encode_header(out: &mut [u8], session: Session, seq: u64, count: u16) -> Option<usize> {
    let header = Header { session, sequence: U64::new(seq), count: U16::new(count) };
    out.get_mut(..HEADER_BYTES)?.copy_from_slice(header.as_bytes());
    Some(HEADER_BYTES)
}

/// Writes a heartbeat: `next` is the next sequence to be sent. `None` when `out` is shorter than 20
/// bytes.
#[must_use]
pub fn encode_heartbeat(out: &mut [u8], session: Session, next: u64) -> Option<usize> {
    encode_header(out, session, next, 0)
}

/// Writes an end of session: `next` is one past the last sequence. `None` when `out` is shorter
/// than 20.
#[must_use]
pub fn encode_end_of_session(out: &mut [u8], session: Session, next: u64) -> Option<usize> {
    encode_header(out, session, next, COUNT_END)
}

/// A wish to hear messages again. The answer is one ordinary packet that starts at `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The session.
    pub session: Session,
    /// First wanted sequence.
    pub first: u64,
    /// Wanted messages, in `1..=COUNT_MAX`.
    pub count: u16,
}

impl Request {
    /// Writes the request; `None` when `out` is shorter than 20 bytes.
    #[must_use]
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        encode_header(out, self.session, self.first, self.count)
    }

    /// Reads a request, as its server does.
    ///
    /// # Errors
    /// [`PacketError`] when the bytes are no request: drop them.
    pub fn parse(bytes: &[u8]) -> Result<Self, PacketError> {
        let header = Header::ref_from_bytes(bytes).map_err(|_| {
            if bytes.len() < HEADER_BYTES { PacketError::Short } else { PacketError::Trailing }
        })?;
        let (first, count) = (header.sequence.get(), header.count.get());
        if count == 0 || count == COUNT_END {
            return Err(PacketError::Count);
        }
        first.checked_add(u64::from(count)).ok_or(PacketError::Overflow)?;
        Ok(Self { session: header.session, first, count })
    }
}
