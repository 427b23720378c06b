//! One UDP line: a socket, where it sends to, and its faults.

use crate::faults::LineFaults;
use crate::random::Random;
use serde::{Deserialize, Serialize};
use std::net::{SocketAddr, UdpSocket};

/// A packet held back to be overtaken goes out after this at the latest.
const HOLD_MAX_NS: u64 = 5_000_000;

/// What a line did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    /// Packets handed to the socket.
    pub sent: u64,
    /// Packets that the socket refused (buffer full, nobody listens).
    pub refused: u64,
    /// Packets dropped by fault.
    pub dropped: u64,
    /// Packets doubled by fault.
    pub duplicated: u64,
    /// Packets overtaken by fault.
    pub reordered: u64,
    /// Packets delayed by fault.
    pub delayed: u64,
}

/// One line.
#[derive(Debug)]
pub struct Line {
    socket: UdpSocket,
    to: SocketAddr,
    faults: LineFaults,
    random: Random,
    /// Packets not sent yet, each with its time; not sorted, few.
    waiting: Vec<(u64, Vec<u8>)>,
    /// A packet to send after the next one, at the latest at its time.
    overtaken: Option<(u64, Vec<u8>)>,
    counts: LineCounts,
}

impl Line {
    /// A line that sends from `socket` (non-blocking) to `to`.
    #[must_use]
    pub fn new(socket: UdpSocket, to: SocketAddr, faults: LineFaults, random: Random) -> Self {
        Self {
            socket,
            to,
            faults,
            random,
            waiting: Vec::new(),
            overtaken: None,
            counts: LineCounts::default(),
        }
    }

    /// Where it sends to.
    #[must_use]
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> LineCounts {
        self.counts
    }

    /// Sends a packet, or does to it what the faults say.
    pub fn send(&mut self, packet: &[u8], now_ns: u64) {
        if self.faults.is_none() {
            return self.transmit(packet);
        }
        if self.random.chance(self.faults.drop) {
            self.counts.dropped += 1;
            return;
        }
        if self.random.chance(self.faults.delay) {
            self.counts.delayed += 1;
            self.waiting.push((now_ns + self.faults.delay_ns, packet.to_vec()));
            return;
        }
        if self.overtaken.is_none() && self.random.chance(self.faults.reorder) {
            self.counts.reordered += 1;
            self.overtaken = Some((now_ns + HOLD_MAX_NS, packet.to_vec()));
            return;
        }
        self.transmit(packet);
        if self.random.chance(self.faults.duplicate) {
            self.counts.duplicated += 1;
            self.transmit(packet);
        }
        if let Some((_, packet)) = self.overtaken.take() {
            self.transmit(&packet);
        }
    }

    /// Sends what was held back and is due.
    pub fn poll(&mut self, now_ns: u64) {
        while let Some(at) = self.waiting.iter().position(|(due_ns, _)| *due_ns <= now_ns) {
            let (_, packet) = self.waiting.remove(at);
            self.transmit(&packet);
        }
        if let Some((_, packet)) = self.overtaken.take_if(|(due_ns, _)| *due_ns <= now_ns) {
            self.transmit(&packet);
        }
    }

    /// When `poll` next has something to do; `None` while nothing is held back.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        self.waiting.iter().chain(&self.overtaken).map(|(due_ns, _)| *due_ns).min()
    }

    fn transmit(&mut self, packet: &[u8]) {
        match self.socket.send_to(packet, self.to) {
            Ok(_) => self.counts.sent += 1,
            Err(_) => self.counts.refused += 1,
        }
    }
}
