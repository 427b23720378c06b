//! Compares the feed's books with what the exchange says its own are (the side channel of hashes).
//!
//! Observation only: nothing here changes what the stage does, so nothing is journalled.

use crate::telemetry::FeedMeters;
use feed::book::ItchBooks;
use feed::hash_channel::{BookHashes, DATAGRAM_BYTES_MAX, HASH_EVERY};
use feed::moldudp64::Session;
use shm::ids::InstrumentId;

/// Sequences whose hashes are kept for comparing: the exchange's word may come this much later.
const KEPT: usize = 64;
/// Polls between two looks at the channel: its datagrams are rare, and a look is a system call.
const LOOK_EVERY: u32 = 64;

/// Where the exchange's hashes arrive.
pub trait Channel: Send {
    /// Reads one datagram into `buffer`; its length.
    fn recv(&mut self, buffer: &mut [u8]) -> Option<usize>;
}

/// Own hashes of recent sequences, and the channel they are compared against.
pub struct BookCheck {
    channel: Box<dyn Channel>,
    session: Option<Session>,
    /// Ring of sequences, 0 for none, and per sequence one hash per instrument.
    seqs: [u64; KEPT],
    hashes: Box<[u64]>,
    instruments: usize,
    next: usize,
    polls: u32,
    /// A word that came before its sequence was applied.
    early: Box<[u8; DATAGRAM_BYTES_MAX]>,
    early_len: usize,
}

impl BookCheck {
    /// For `instruments` books.
    #[must_use]
    pub fn new(channel: Box<dyn Channel>, instruments: usize) -> Self {
        Self {
            channel,
            session: None,
            seqs: [0; KEPT],
            hashes: vec![0; KEPT * instruments].into_boxed_slice(),
            instruments,
            next: 0,
            polls: 0,
            early: Box::new([0; DATAGRAM_BYTES_MAX]),
            early_len: 0,
        }
    }

    /// The feed began a session.
    pub fn on_session(&mut self, session: Session) {
        self.session = Some(session);
        self.seqs = [0; KEPT];
        self.early_len = 0;
    }

    /// Sequence `seq` has been applied: keeps the hashes the exchange will speak of.
    #[inline]
    pub fn on_applied(&mut self, seq: u64, books: &ItchBooks) {
        if !seq.is_multiple_of(HASH_EVERY) {
            return;
        }
        let at = self.next;
        self.next = (at + 1) % KEPT;
        if let Some(kept) = self.seqs.get_mut(at) {
            *kept = seq;
        }
        let row = self.hashes.chunks_exact_mut(self.instruments.max(1)).nth(at);
        for (instrument, hash) in row.into_iter().flatten().enumerate() {
            *hash = books.hash(InstrumentId(instrument as u32));
        }
    }

    /// Looks at the channel now and then, and compares.
    pub fn poll(&mut self, books: &ItchBooks, meters: &FeedMeters) {
        self.polls = self.polls.wrapping_add(1);
        if !self.polls.is_multiple_of(LOOK_EVERY) {
            return;
        }
        if self.early_len > 0 {
            let len = core::mem::take(&mut self.early_len);
            if !self.compare(len, books, meters) {
                self.early_len = len;
                return;
            }
        }
        while let Some(len) = self.channel.recv(&mut self.early[..]) {
            if !self.compare(len, books, meters) {
                self.early_len = len;
                return;
            }
        }
    }

    /// Compares the datagram in `early`. False when its sequence is still to come.
    fn compare(&self, len: usize, books: &ItchBooks, meters: &FeedMeters) -> bool {
        let Some(Ok(told)) = self.early.get(..len).map(BookHashes::parse) else { return true };
        if Some(told.session) != self.session {
            return true;
        }
        let Some(at) = self.seqs.iter().position(|&seq| seq == told.seq) else {
            // Older than the ring: too late to compare. Newer: wait.
            return self.seqs.iter().any(|&seq| seq > told.seq);
        };
        let Some(row) = self.hashes.chunks_exact(self.instruments.max(1)).nth(at) else {
            return true;
        };
        for entry in told.entries {
            let Some(instrument) = books.instrument_of(entry.locate.get()) else { continue };
            let Some(hash) = row.get(instrument.index()) else { continue };
            meters.hash_checks.add(1);
            meters.book_mismatches.add(u64::from(*hash != entry.hash.get()));
        }
        true
    }
}
