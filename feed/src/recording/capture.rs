//! Messages of captured MoldUDP64 packets, each once and in order, by the receiver's own rules:
//! the capture's time takes the place of the clock.

use crate::moldudp64::{Delivery, Event, Packet, RECOVERY_LINE, Receiver, ReceiverConfig, Sink};
use crate::moldudp64::{PacketKind, Session};
use crate::pcap::PcapReader;
use shm::units::Nanos;
use std::collections::VecDeque;
use std::io::Read;

/// Captured packets kept ahead of a gap, which the other line may still fill.
const AHEAD_PACKETS: u16 = 4_096;
/// Longest wait for that, in captured time.
const WAIT: Nanos = Nanos(100_000_000);

/// A message with its place.
pub(super) struct Message {
    pub(super) session: Session,
    pub(super) seq: u64,
    pub(super) at: Nanos,
    pub(super) message: Vec<u8>,
}

/// Reads a capture.
pub(super) struct Capture<R> {
    reader: PcapReader<R>,
    receiver: Receiver,
    taken: Taken,
    /// Time of the last packet.
    now: Nanos,
    ended: bool,
}

/// What the receiver delivered and was not read yet.
struct Taken {
    session: Session,
    ready: VecDeque<Message>,
}

impl Sink for Taken {
    fn on_message(&mut self, delivery: Delivery, message: &[u8]) {
        let Delivery { seq, t0: at, .. } = delivery;
        self.ready.push_back(Message { session: self.session, seq, at, message: message.to_vec() });
    }

    fn on_event(&mut self, event: Event) {
        if let Event::SessionStarted(session) = event {
            self.session = session;
        }
    }
}

impl<R: Read> Capture<R> {
    pub(super) fn new(reader: PcapReader<R>) -> Self {
        let config = ReceiverConfig {
            first_seq: None,
            lines: 1,
            reorder_packets: AHEAD_PACKETS,
            reorder_packet_bytes: 2_048,
            arbitration: WAIT,
            tries: 0,
            ..ReceiverConfig::default()
        };
        Self {
            reader,
            receiver: Receiver::new(config),
            taken: Taken { session: super::FILE_SESSION, ready: VecDeque::new() },
            now: Nanos(0),
            ended: false,
        }
    }

    /// The next message; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Message>, String> {
        loop {
            if let Some(message) = self.taken.ready.pop_front() {
                return Ok(Some(message));
            }
            if self.ended {
                return Ok(None);
            }
            self.read_packet()?;
        }
    }

    fn read_packet(&mut self) -> Result<(), String> {
        let Self { reader, receiver, taken, now, ended } = self;
        let next = match reader.next() {
            Ok(next) => next,
            Err(error) => {
                let offset = reader.offset();
                return Err(format!(
                    "{error}, in the record at byte {offset} of the unpacked file; the packets \
                     before are good: keep them (head -c {offset} of the unpacked file) or get the \
                     file again"
                ));
            }
        };
        let Some(captured) = next else {
            *ended = true;
            // What is still missing will not come: what was kept behind it does.
            while receiver.kept() > 0 {
                *now = Nanos(now.0.saturating_add(2 * WAIT.0));
                let _ = receiver.poll(*now, taken);
            }
            return Ok(());
        };
        *now = captured.at.max(*now);
        let _ = receiver.poll(*now, taken);
        // Of a capture with other traffic only what carries messages may choose the session.
        let carries = Packet::parse(captured.payload)
            .is_ok_and(|packet| matches!(packet.kind(), PacketKind::Data(1..)));
        if carries || receiver.session().is_some() {
            let _ = receiver.on_packet(RECOVERY_LINE, captured.payload, *now, *now, taken);
        }
        Ok(())
    }
}
