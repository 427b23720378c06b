//! Packets out of a byte stream that splits and joins them at will.

use super::SoupError;
use super::frame::{PACKET_BYTES_MAX, Packet};

/// A read buffer of fixed capacity. Bytes go in at the end, packets come out at the front; what is
/// left is moved to the front when the end runs short.
#[derive(Debug)]
pub struct ReadBuffer {
    bytes: Box<[u8]>,
    /// First byte not yet taken. In `0..=end`.
    start: usize,
    /// End of the bytes read. In `start..=bytes.len()`.
    end: usize,
}

impl ReadBuffer {
    /// Capacity that holds any packet, with room to read more behind it.
    pub const BYTES_DEFAULT: usize = 2 * PACKET_BYTES_MAX;

    /// Makes a buffer. Cold: allocates.
    ///
    /// # Panics
    /// When `capacity` holds no packet of any kind this protocol has (64 bytes).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity >= 64, "a read buffer holds at least a login");
        Self { bytes: vec![0; capacity].into_boxed_slice(), start: 0, end: 0 }
    }

    /// Forgets everything read: a new connection.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Bytes read and not yet taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether nothing is left to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Where to read to; empty only when the buffer is full of packets not yet taken.
    pub fn space(&mut self) -> &mut [u8] {
        let room = self.bytes.len() - self.end;
        if self.start == self.end {
            self.clear();
        } else if self.start > 0 && (room == 0 || room < self.start && self.len() <= self.start) {
            // Moves no more bytes than were taken since the last move, unless the buffer is full.
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.bytes.get_mut(self.end..).unwrap_or(&mut [])
    }

    /// Says how many bytes were read to [`ReadBuffer::space`]; more than it held count as all of
    /// it.
    pub fn filled(&mut self, bytes: usize) {
        self.end = self.end.saturating_add(bytes).min(self.bytes.len());
    }

    /// Copies bytes in; returns how many there was room for.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let count = space.len().min(bytes.len());
        if let (Some(to), Some(from)) = (space.get_mut(..count), bytes.get(..count)) {
            to.copy_from_slice(from);
        }
        self.filled(count);
        count
    }

    /// Takes the next whole packet; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`SoupError::ZeroLength`], or [`SoupError::TooLong`] for one that the capacity cannot hold:
    /// close the connection.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, SoupError> {
        let Some(unread) = self.bytes.get(self.start..self.end) else { return Ok(None) };
        let Some((len, rest)) = unread.split_first_chunk::<2>() else { return Ok(None) };
        let len = usize::from(u16::from_be_bytes(*len));
        if len == 0 {
            return Err(SoupError::ZeroLength);
        }
        if len + 2 > self.bytes.len() {
            return Err(SoupError::TooLong);
        }
        let Some((&kind, payload)) = rest.get(..len).and_then(<[u8]>::split_first) else {
            return Ok(None);
        };
        self.start += len + 2;
        Ok(Some(Packet { kind, payload }))
    }
}
