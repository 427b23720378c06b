//! What a venue received, as the journal tells it: to be compared with what the venue says.
//!
//! An order stream's own hash leaves out what belongs to a logon. A venue hashes all it hears:
//! after each logon the gateway asks for the next number with an Account Query, one byte `Q`
//! (Source: OUCH 5.0, inbound messages), and then come the messages of the orders.

use crate::failure::{Failure, Outcome};
use sha2::{Digest, Sha256};
use shm::journal::Journal;
use shm::record::market::{Sent, Tx, VenueSession};
use shm::record::{RecordKind, Stage, StageId};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The Account Query.
const QUERY: &[u8] = b"Q";
/// Bytes of a packet's length, which counts what follows it: packet type, then message (Source:
/// SoupBinTCP 3.00, packet structure).
const LENGTH_BYTES: usize = 2;

/// By gateway: the digest, and the messages that may yet be sent.
#[derive(Default)]
struct Line {
    digest: Sha256,
    /// By the number of their record.
    pending: BTreeMap<u32, Vec<u8>>,
}

/// SHA-256 of what each gateway's venue received in an epoch, in hexadecimal, by the gateway's
/// index.
pub(crate) fn received(journal: &Journal, epoch: u16) -> Outcome<Vec<String>> {
    let mut lines: BTreeMap<u8, Line> = BTreeMap::new();
    for lane in journal.lanes(epoch).map_err(Failure::not_done)? {
        let mut reader = journal.reader(epoch, lane).map_err(Failure::not_done)?;
        while let Some(record) = reader.next().map_err(Failure::unsound)? {
            let stage = StageId(record.header.stage);
            if stage.kind() == Some(Stage::Gateway)
                && let Some(kind) = RecordKind::from_u16(record.header.kind)
            {
                let line = lines.entry(stage.index()).or_default();
                line.take(kind, record.seq.low(), record.body);
            }
        }
    }
    Ok(lines.into_values().map(Line::finish).collect())
}

impl Line {
    fn take(&mut self, kind: RecordKind, seq: u32, body: &[u8]) {
        match kind {
            RecordKind::VenueSession if VenueSession::read(body).is_some() => {
                self.digest.update(QUERY);
            }
            // After a silence the gateway asks again.
            RecordKind::Tick => self.digest.update(QUERY),
            RecordKind::Tx => {
                self.pending.extend(Tx::split(body).and_then(|(tx, bytes)| {
                    Some((seq, messages(bytes.get(..usize::from(tx.len))?)))
                }));
            }
            RecordKind::Sent => {
                let Some(sent) = Sent::read(body) else { return };
                if let Some(message) = self.pending.remove(&sent.tx_seq)
                    && sent.result >= 0
                {
                    self.digest.update(message);
                }
            }
            _ => {}
        }
    }

    fn finish(self) -> String {
        let mut text = String::new();
        for byte in self.digest.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// The messages of packets, without their framing. A record holds more than one where a cancel
/// names an order and the replace of it that is on its way.
fn messages(mut packets: &[u8]) -> Vec<u8> {
    let mut messages = Vec::with_capacity(packets.len());
    while let Some((length, rest)) = packets.split_first_chunk::<LENGTH_BYTES>() {
        let (packet, after) =
            rest.split_at(rest.len().min(usize::from(u16::from_be_bytes(*length))));
        messages.extend_from_slice(packet.get(1..).unwrap_or_default());
        packets = after;
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a venue's stream is its query after each logon, and each message whose send went out,
    /// once. Method: a logon, a message sent, one not sent, one refused by the socket, another
    /// logon, a cancel of two messages.
    #[test]
    fn only_what_was_sent_is_in_the_stream() {
        let mut line = Line::default();
        let tx = |bytes: &[u8]| {
            let tx = Tx { len: bytes.len() as u16, ..Tx::default() };
            [tx.bytes(), bytes].concat()
        };
        let sent = |tx_seq, result| Sent { tx_seq, result, ..Sent::default() };
        line.take(RecordKind::VenueSession, 1, VenueSession::default().bytes());
        line.take(RecordKind::Tx, 2, &tx(b"\x00\x03UOa"));
        line.take(RecordKind::Sent, 3, sent(2, 5).bytes());
        line.take(RecordKind::Tx, 4, &tx(b"\x00\x03UOb"));
        line.take(RecordKind::TxVoid, 5, &[0; 32]);
        line.take(RecordKind::Tx, 6, &tx(b"\x00\x03UOc"));
        line.take(RecordKind::Sent, 7, sent(6, -11).bytes());
        line.take(RecordKind::VenueSession, 8, VenueSession::default().bytes());
        line.take(RecordKind::Tx, 9, &tx(b"\x00\x03UXd\x00\x03UXe"));
        line.take(RecordKind::Sent, 10, sent(9, 10).bytes());
        let digest = Sha256::new().chain_update(b"QOaQXdXe");
        let wanted = Line { digest, pending: BTreeMap::new() };
        assert_eq!(line.finish(), wanted.finish());
    }
}
