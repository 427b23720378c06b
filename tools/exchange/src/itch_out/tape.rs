//! The tape with what hangs on it: publisher, book hashes, counts, hash of the stream.

use super::encode::{Encoded, encode_event};
use super::publisher::Publisher;
use super::tape_book::TapeBook;
use crate::listing::Listing;
use crate::matching::{MarketEvent, Side};
use crate::ouch_in::{Desk, Settle, Venue};
use feed::book::hash_levels;
use feed::hash_channel::{BookHashes, DATAGRAM_BYTES_MAX, ENTRIES_MAX, HASH_EVERY, HashEntry};
use sha2::{Digest, Sha256};
use shm::units::{Price, Qty};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::{SocketAddr, UdpSocket};

/// Where book hashes go.
#[derive(Debug)]
pub struct HashTarget {
    /// Socket to send from, non-blocking.
    pub socket: UdpSocket,
    /// Where to.
    pub to: SocketAddr,
}

/// The tape of a session.
#[derive(Debug)]
pub struct Tape {
    /// Numbers, keeps and sends messages.
    pub publisher: Publisher,
    books: TapeBook,
    /// Books that changed since the last hash.
    changed: BTreeSet<u16>,
    target: Option<HashTarget>,
    hashes_sent: u64,
    by_type: [u64; 256],
    stream: Sha256,
    latest_itch_ns: u64,
}

impl Tape {
    /// A tape that has told nothing.
    #[must_use]
    pub fn new(publisher: Publisher, target: Option<HashTarget>) -> Self {
        Self {
            publisher,
            books: TapeBook::default(),
            changed: BTreeSet::new(),
            target,
            hashes_sent: 0,
            by_type: [0; 256],
            stream: Sha256::new(),
            latest_itch_ns: 0,
        }
    }

    /// Time of day of the latest event.
    #[must_use]
    pub fn latest_itch_ns(&self) -> u64 {
        self.latest_itch_ns
    }

    /// Datagrams of book hashes sent.
    #[must_use]
    pub fn hashes_sent(&self) -> u64 {
        self.hashes_sent
    }

    /// Messages by type letter.
    #[must_use]
    pub fn by_type(&self) -> BTreeMap<char, u64> {
        let counts = self.by_type.iter().zip(0..=u8::MAX).filter(|(count, _)| **count > 0);
        counts.map(|(count, kind)| (char::from(kind), *count)).collect()
    }

    /// SHA-256 over all messages in order, in hexadecimal.
    #[must_use]
    pub fn stream_sha256(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.stream.clone().finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The hash of a book as the tape stands.
    #[must_use]
    pub fn book_hash(&self, locate: u16) -> u64 {
        let level = |(px, qty, _): (u32, u64, u32)| {
            let qty = i64::try_from(qty).unwrap_or(i64::MAX).saturating_mul(Qty::SCALE);
            (Price::from_price4(px), Qty(qty))
        };
        hash_levels(
            self.books.levels(locate, Side::Buy).map(level),
            self.books.levels(locate, Side::Sell).map(level),
        )
    }

    /// Publishes events of the market.
    pub fn publish(
        &mut self,
        events: &[MarketEvent],
        listing: &Listing,
        itch_ns: u64,
        now_ns: u64,
    ) {
        for event in events {
            self.latest_itch_ns = itch_ns;
            self.books.apply(event);
            self.changed.insert(event.locate);
            self.publish_encoded(&encode_event(event, listing, itch_ns), now_ns);
        }
    }

    /// Publishes a message that changes no book.
    pub fn publish_encoded(&mut self, message: &Encoded, now_ns: u64) {
        self.publish_raw(message.as_bytes(), now_ns);
    }

    /// Publishes a message as it stands; it changes no book.
    pub fn publish_raw(&mut self, message: &[u8], now_ns: u64) {
        if let Some(&kind) = message.first() {
            self.by_type[usize::from(kind)] += 1;
        }
        self.stream.update(message);
        let seq = self.publisher.publish(message, now_ns);
        if seq.is_multiple_of(HASH_EVERY) {
            self.send_hashes(seq);
        }
    }

    fn send_hashes(&mut self, seq: u64) {
        let Some(target) = &self.target else { return };
        let entries: Vec<HashEntry> = self
            .changed
            .iter()
            .map(|&locate| HashEntry { locate: locate.into(), hash: self.book_hash(locate).into() })
            .collect();
        self.changed.clear();
        let session = self.publisher.session();
        for entries in entries.chunks(ENTRIES_MAX) {
            let mut datagram = [0; DATAGRAM_BYTES_MAX];
            let hashes = BookHashes { session, seq, entries };
            if let Some(bytes) = hashes.encode(&mut datagram)
                && target.socket.send_to(&datagram[..bytes], target.to).is_ok()
            {
                self.hashes_sent += 1;
            }
        }
    }
}

impl Settle for Tape {
    fn settle(&mut self, desk: &mut Desk, venue: &mut Venue<'_>) {
        self.publish(&venue.out.events, venue.listing, venue.itch_ns, venue.now_ns);
        desk.on_reports(&venue.out.reports, venue.itch_ns, venue.now_ns);
        venue.out.clear();
    }
}
