//! What a feed stage is given: packets, wherever they come from.
//!
//! Every source speaks MoldUDP64 to the stage, a file and a TCP session too: what was received is
//! one kind of record, and a replay of the journal needs neither file nor session.

use ::feed::moldudp64::Request;
use shm::units::Nanos;

/// Longest packet that is read. Feeds keep to an Ethernet frame; longer ones are malformed.
pub const DATAGRAM_BYTES_MAX: usize = 2_048;
/// Longest message that a source puts into a packet of its own: ten times the longest of ITCH 5.0.
/// A longer one stands there as an empty message, which is malformed and counted.
pub const MESSAGE_BYTES_MAX: usize = 500;
/// Bytes of a packet of one's own: as many as an Ethernet frame carries.
pub const PACKET_BYTES: usize = 1_472;

/// When a packet arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// When it is read: the source knows no better.
    Read,
    /// The kernel's receive stamp, wall clock.
    Wall(Nanos),
    /// When it was due, engine clock.
    Due(Nanos),
}

/// What a source gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A packet.
    Packet {
        /// Its bytes, at the front of the buffer.
        len: usize,
        /// When it arrived.
        arrival: Arrival,
    },
    /// The stream was cut: what follows may be old.
    Cut,
    /// The stream gave all it had: what follows is new.
    Whole,
}

/// Where a feed's packets come from.
pub trait Source: Send {
    /// Reads the next packet of `line` (0 A, 1 B, 2 answers to requests) into `buffer`, without
    /// waiting; `None` when there is none now.
    fn recv(&mut self, line: usize, now: Nanos, buffer: &mut [u8]) -> Option<Received>;

    /// How many lines there are.
    fn lines(&self) -> usize;

    /// Asks the venue for lost messages, server `attempt` modulo the number of servers.
    fn request(&mut self, request: &Request, attempt: u32);

    /// Whether what is not read stays, for as long as it takes: a file. Nothing of it is read while
    /// the journal is short of room, and so nothing of it is missing there.
    fn keeps(&self) -> bool {
        false
    }
}
