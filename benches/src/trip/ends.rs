//! Both ends of a trip in memory: datagrams that lie ready, and a link whose bytes go into a flat
//! buffer, stamped as they come. Neither costs more than the copy.

use engine::clock::Clock;
use engine::stage::feed::{Arrival, Received, Source};
use feed::moldudp64::Request;
use gateway::link::{Link, RecvResult, SendResult};
use shm::units::Nanos;

/// Longest datagram handed in.
pub(crate) const DATAGRAM_BYTES: usize = 128;
/// Longest piece that one send may take: a logon, an order.
const PIECE_BYTES: usize = 112;
/// Pieces that may wait for the venue.
pub(crate) const PIECES: usize = 64;
/// Bytes that may wait for the engine.
pub(crate) const ANSWER_BYTES: usize = 1 << 14;

/// One datagram on its way to the feed stage.
pub(crate) type Datagram = (usize, [u8; DATAGRAM_BYTES]);

/// The feed's only line.
pub(crate) struct Line(pub(crate) rtrb::Consumer<Datagram>);

impl Source for Line {
    fn recv(&mut self, line: usize, _now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        if line != 0 {
            return None;
        }
        let chunk = self.0.read_chunk(1).ok()?;
        let (len, bytes) = chunk.as_slices().0.first()?;
        let len = *len;
        buffer.get_mut(..len)?.copy_from_slice(bytes.get(..len)?);
        chunk.commit_all();
        Some(Received::Packet { len, arrival: Arrival::Read })
    }

    fn lines(&self) -> usize {
        1
    }

    fn request(&mut self, _request: &Request, _attempt: u32) {}
}

/// What one send took.
#[derive(Clone, Copy)]
struct Piece {
    /// When it was taken.
    at: Nanos,
    len: usize,
    bytes: [u8; PIECE_BYTES],
}

/// The engine's end of the connection.
pub(crate) struct Wire {
    pieces: rtrb::Producer<Piece>,
    answers: rtrb::Consumer<u8>,
    clock: Clock,
}

impl Link for Wire {
    fn recv_into(&mut self, buffer: &mut [u8]) -> RecvResult {
        let mut len = 0;
        while let (Some(place), Ok(byte)) = (buffer.get_mut(len), self.answers.pop()) {
            *place = byte;
            len += 1;
        }
        if len == 0 { RecvResult::WouldBlock } else { RecvResult::Bytes(len) }
    }

    fn send(&mut self, bytes: &[u8]) -> SendResult {
        let Ok(mut chunk) = self.pieces.write_chunk(1) else { return SendResult::WouldBlock };
        let Some(piece) = chunk.as_mut_slices().0.first_mut() else {
            return SendResult::WouldBlock;
        };
        let Some(place) = piece.bytes.get_mut(..bytes.len()) else { return SendResult::TooLong };
        place.copy_from_slice(bytes);
        piece.len = bytes.len();
        piece.at = self.clock.now();
        chunk.commit_all();
        SendResult::All
    }

    fn flush(&mut self) -> SendResult {
        SendResult::All
    }

    fn has_pending(&self) -> bool {
        false
    }

    fn finish(&mut self) {}

    fn shutdown(&mut self) {}
}

impl Default for Piece {
    fn default() -> Self {
        Self { at: Nanos(0), len: 0, bytes: [0; PIECE_BYTES] }
    }
}

/// The venue's end of it.
pub(crate) struct FarWire {
    pieces: rtrb::Consumer<Piece>,
    answers: rtrb::Producer<u8>,
}

impl FarWire {
    /// When the piece that waits was taken off the engine's hands; `None` when there is none.
    pub(crate) fn waiting_since(&self) -> Option<Nanos> {
        self.pieces.peek().ok().map(|piece| piece.at)
    }
}

impl super::venue::Wire for FarWire {
    fn recv(&mut self, into: &mut Vec<u8>) {
        while let Ok(piece) = self.pieces.pop() {
            into.extend_from_slice(&piece.bytes[..piece.len]);
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        let fits = bytes.iter().all(|byte| self.answers.push(*byte).is_ok());
        assert!(fits, "the engine does not read");
    }
}

/// Both ends of one connection, for so many pieces of one way and bytes of the other that wait to
/// be taken; what is sent is stamped by `clock`.
pub(crate) fn wire(clock: Clock, pieces: usize, answer_bytes: usize) -> (Wire, FarWire) {
    let (to_venue, from_engine) = rtrb::RingBuffer::new(pieces);
    let (to_engine, from_venue) = rtrb::RingBuffer::new(answer_bytes);
    (
        Wire { pieces: to_venue, answers: from_venue, clock },
        FarWire { pieces: from_engine, answers: to_engine },
    )
}
