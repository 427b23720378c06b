//! A recorded file as a source: packets that a cold thread has made ready, each given when it is
//! due.
//!
//! The two are joined by a ring of bytes. The hot side copies: no file, no unpacking, no system
//! call, no memory that was not written by the cold side before. What is not read waits in the
//! ring, and behind it in the file.

use super::source::{Arrival, DATAGRAM_BYTES_MAX, Received, Source};
use ::feed::moldudp64::Request;
use shm::units::Nanos;

/// Bytes of the ring: some 20 ms of the fastest play.
const RING_BYTES: usize = 4 << 20;
/// When a packet is due (u64) and how long it is (u16), little-endian, in front of it.
const HEAD_BYTES: usize = 10;
/// Arrival is never told to be longer ago than this: a play that is late is late, not old.
const LATE_MAX: Nanos = Nanos::SECOND;

/// The cold end.
pub struct FilePackets {
    ring: rtrb::Producer<u8>,
}

/// The hot end.
pub struct FileSource {
    ring: rtrb::Consumer<u8>,
    /// Due time and length of the next packet, which is in the ring.
    next: Option<(Nanos, usize)>,
    /// When the play began; due times count from here.
    origin: Option<Nanos>,
    /// Whether there is a pace, so that being due is having arrived.
    paced: bool,
}

/// Both ends.
#[must_use]
pub fn file_packets(paced: bool) -> (FilePackets, FileSource) {
    let (producer, consumer) = rtrb::RingBuffer::new(RING_BYTES);
    (FilePackets { ring: producer }, FileSource { ring: consumer, next: None, origin: None, paced })
}

impl FilePackets {
    /// Puts a packet behind the others, due so long after the start of the play. False when there
    /// is no room now; a packet longer than [`DATAGRAM_BYTES_MAX`] never has any.
    #[must_use]
    pub fn try_push(&mut self, due: Nanos, packet: &[u8]) -> bool {
        let mut whole = [0; HEAD_BYTES + DATAGRAM_BYTES_MAX];
        let len = HEAD_BYTES + packet.len();
        let Some(place) = whole.get_mut(HEAD_BYTES..len) else { return false };
        place.copy_from_slice(packet);
        let head = due.0.to_le_bytes().into_iter().chain((packet.len() as u16).to_le_bytes());
        whole.iter_mut().zip(head).for_each(|(to, from)| *to = from);
        whole.get(..len).is_some_and(|bytes| self.ring.push_entire_slice(bytes).is_ok())
    }
}

impl FileSource {
    fn peek(&mut self) -> Option<(Nanos, usize)> {
        if self.next.is_none() {
            let mut head = [0; HEAD_BYTES];
            self.ring.pop_entire_slice(&mut head).ok()?;
            let [due @ .., low, high] = head;
            let due = Nanos(u64::from_le_bytes(due));
            self.next = Some((due, usize::from(u16::from_le_bytes([low, high]))));
        }
        self.next
    }
}

impl Source for FileSource {
    fn recv(&mut self, _line: usize, now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        let (due, len) = self.peek()?;
        let origin = *self.origin.get_or_insert(now);
        let due = Nanos(origin.0.saturating_add(due.0));
        if due > now {
            return None;
        }
        self.ring.pop_entire_slice(buffer.get_mut(..len)?).ok()?;
        self.next = None;
        let arrival = if self.paced {
            Arrival::Due(due.max(Nanos(now.0.saturating_sub(LATE_MAX.0))))
        } else {
            Arrival::Read
        };
        Some(Received::Packet { len, arrival })
    }

    fn lines(&self) -> usize {
        1
    }

    fn request(&mut self, _request: &Request, _attempt: u32) {
        debug_assert!(false, "a receiver of a file makes no requests: it has no tries");
    }

    fn keeps(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: packets come in order, whole, not before they are due, and a full ring loses none.
    /// Method: more packets than the ring holds, of changing length, read as time passes.
    #[test]
    fn packets_come_when_they_are_due() {
        let (mut packets, mut source) = file_packets(true);
        let packet = |at: u64| vec![at as u8; 1 + (at * 37 % 1_400) as usize];
        let mut pushed = 0;
        while packets.try_push(Nanos(pushed * 10), &packet(pushed)) {
            pushed += 1;
        }
        assert!(pushed > 4_000, "{pushed}");
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        let start = 1_000_000;
        for at in 0..20_000 {
            let due = start + at * 10;
            if at > 0 {
                let early = source.recv(0, Nanos(due - 1), &mut buffer);
                assert_eq!(early, None, "packet {at}");
            }
            let got = source.recv(0, Nanos(due), &mut buffer);
            let arrival = Arrival::Due(Nanos(due));
            assert_eq!(got, Some(Received::Packet { len: packet(at).len(), arrival }));
            assert_eq!(buffer[..packet(at).len()], packet(at)[..]);
            while packets.try_push(Nanos(pushed * 10), &packet(pushed)) {
                pushed += 1;
            }
        }
        assert!(!packets.try_push(Nanos(0), &[0; DATAGRAM_BYTES_MAX + 1]));
    }

    /// Goal: a late play tells arrivals of at most a second ago.
    #[test]
    fn a_late_packet_is_late_not_old() {
        let (mut packets, mut source) = file_packets(true);
        assert!(packets.try_push(Nanos(0), b"one") && packets.try_push(Nanos(1), b"two"));
        let mut buffer = [0; 64];
        assert!(source.recv(0, Nanos(5), &mut buffer).is_some());
        let now = Nanos(10 * Nanos::SECOND.0);
        let arrival = Arrival::Due(Nanos(9 * Nanos::SECOND.0));
        let late = source.recv(0, now, &mut buffer);
        assert_eq!(late, Some(Received::Packet { len: 3, arrival }));
    }
}
