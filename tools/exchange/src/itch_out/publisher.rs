//! Numbers messages, keeps them, and sends them as packets on all lines.

use super::PACKET_BYTES_MAX;
use super::line::Line;
use super::store::MessageStore;
use feed::moldudp64::{
    HEADER_BYTES, PacketBuilder, Request, Session, encode_end_of_session, encode_heartbeat,
};
use gateway::session::soupbintcp::SequencedStore;

/// Silence after which a heartbeat is sent.
const HEARTBEAT_NS: u64 = 1_000_000_000;
/// Distance of the end-of-session packets.
const END_GAP_NS: u64 = 50_000_000;
/// Bytes in front of each message of a packet.
const LENGTH_BYTES: usize = 2;

/// The sending end of a session.
#[derive(Debug)]
pub struct Publisher {
    session: Session,
    store: MessageStore,
    lines: [Line; 2],
    /// First message not yet sent.
    unsent_seq: u64,
    /// Bytes that the unsent messages take in a packet.
    unsent_bytes: usize,
    last_sent_ns: u64,
    is_ended: bool,
    packets: u64,
}

impl Publisher {
    /// A session that starts at sequence 1.
    #[must_use]
    pub fn new(session: Session, store: MessageStore, lines: [Line; 2]) -> Self {
        Self {
            session,
            unsent_seq: store.next_seq(),
            store,
            lines,
            unsent_bytes: 0,
            last_sent_ns: 0,
            is_ended: false,
            packets: 0,
        }
    }

    /// The messages of the session.
    #[must_use]
    pub fn store(&self) -> &MessageStore {
        &self.store
    }

    /// The session's name.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Line; 2] {
        &self.lines
    }

    /// Packets made, each sent on both lines.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Messages published.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.store.next_seq() - 1
    }

    /// Publishes a message and returns its number. It is sent when its packet is full or by
    /// `flush`.
    pub fn publish(&mut self, message: &[u8], now_ns: u64) -> u64 {
        let bytes = LENGTH_BYTES + message.len();
        if HEADER_BYTES + self.unsent_bytes + bytes > PACKET_BYTES_MAX {
            self.flush(now_ns);
        }
        self.unsent_bytes += bytes;
        self.store.push(message)
    }

    /// Sends what faults held back, and heartbeats.
    pub fn poll(&mut self, now_ns: u64) {
        for line in &mut self.lines {
            line.poll(now_ns);
        }
        let silence_ns = if self.is_ended { END_GAP_NS } else { HEARTBEAT_NS };
        if now_ns.saturating_sub(self.last_sent_ns) >= silence_ns {
            self.flush(now_ns);
            let mut packet = [0; HEADER_BYTES];
            let next = self.store.next_seq();
            let encoded = if self.is_ended {
                encode_end_of_session(&mut packet, self.session, next)
            } else {
                encode_heartbeat(&mut packet, self.session, next)
            };
            if encoded.is_some() {
                self.send(&packet, now_ns);
            }
        }
    }

    /// When `poll` next has something to do.
    #[must_use]
    pub fn due_ns(&self) -> u64 {
        let silence_ns = if self.is_ended { END_GAP_NS } else { HEARTBEAT_NS };
        let held = self.lines.iter().filter_map(Line::due_ns).min().unwrap_or(u64::MAX);
        held.min(self.last_sent_ns + silence_ns)
    }

    /// Sends all unsent messages, in as many packets as it takes.
    pub fn flush(&mut self, now_ns: u64) {
        while self.unsent_seq < self.store.next_seq() {
            let mut packet = [0; PACKET_BYTES_MAX];
            let Some((bytes, count)) = self.build(self.unsent_seq, u16::MAX, &mut packet) else {
                break;
            };
            self.unsent_seq += u64::from(count);
            self.packets += 1;
            self.send(&packet[..bytes], now_ns);
        }
        self.unsent_bytes = 0;
    }

    /// Ends the session: from now on end-of-session packets take the place of heartbeats.
    pub fn end(&mut self, now_ns: u64) {
        self.flush(now_ns);
        self.is_ended = true;
        self.last_sent_ns = now_ns.saturating_sub(END_GAP_NS);
    }

    /// The answer to a request: bytes written to `out`; `None` for another session or a range that
    /// does not begin among the kept messages: silence.
    #[must_use]
    pub fn answer(&self, request: &Request, out: &mut [u8; PACKET_BYTES_MAX]) -> Option<usize> {
        let is_ours = request.session == self.session;
        let (bytes, _) = is_ours.then(|| self.build(request.first, request.count, out))??;
        Some(bytes)
    }

    /// Builds one packet of messages from `first` on: its bytes and its messages, at least one.
    fn build(
        &self,
        first: u64,
        count_max: u16,
        out: &mut [u8; PACKET_BYTES_MAX],
    ) -> Option<(usize, u16)> {
        let mut builder = PacketBuilder::new(out, self.session, first)?;
        while builder.count() < count_max {
            let Some(message) = self.store.message(first + u64::from(builder.count())) else {
                break;
            };
            if !builder.try_push(message) {
                break;
            }
        }
        let count = builder.count();
        (count > 0).then(|| (builder.finish(), count))
    }

    fn send(&mut self, packet: &[u8], now_ns: u64) {
        for line in &mut self.lines {
            line.send(packet, now_ns);
        }
        self.last_sent_ns = now_ns;
    }
}
