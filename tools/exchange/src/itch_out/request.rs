//! The re-request server: unicast UDP, any message of the session again.

use super::PACKET_BYTES_MAX;
use super::publisher::Publisher;
use feed::moldudp64::Request;
use serde::{Deserialize, Serialize};
use std::net::UdpSocket;

/// Requests answered per turn.
const REQUESTS_MAX: usize = 64;

/// What the server did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// Requests answered with a packet.
    pub answered: u64,
    /// Requests for another session or for messages not kept.
    pub unknown: u64,
    /// Datagrams that were no request.
    pub malformed: u64,
}

/// The re-request server.
#[derive(Debug)]
pub struct RequestServer {
    socket: UdpSocket,
    counts: RequestCounts,
}

impl RequestServer {
    /// A server on `socket` (non-blocking).
    #[must_use]
    pub fn new(socket: UdpSocket) -> Self {
        Self { socket, counts: RequestCounts::default() }
    }

    /// The socket, to wait on.
    #[must_use]
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> RequestCounts {
        self.counts
    }

    /// Answers the requests that wait, up to a bound. Returns how many datagrams it took.
    pub fn poll(&mut self, publisher: &Publisher) -> usize {
        let mut datagram = [0; 64];
        let mut answer = [0; PACKET_BYTES_MAX];
        for taken in 0..REQUESTS_MAX {
            let Ok((bytes, from)) = self.socket.recv_from(&mut datagram) else { return taken };
            let Ok(request) = Request::parse(&datagram[..bytes]) else {
                self.counts.malformed += 1;
                continue;
            };
            match publisher.answer(&request, &mut answer) {
                Some(bytes) if self.socket.send_to(&answer[..bytes], from).is_ok() => {
                    self.counts.answered += 1;
                }
                _ => self.counts.unknown += 1,
            }
        }
        REQUESTS_MAX
    }
}
