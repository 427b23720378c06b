//! All messages of the session, by sequence.

use gateway::session::soupbintcp::SequencedStore;
use std::collections::VecDeque;

/// Bytes of messages after which a chunk is closed.
const CHUNK_BYTES: usize = 1 << 20;

/// Messages numbered from 1, kept in chunks; the oldest chunk goes when there are too many.
#[derive(Debug)]
pub struct MessageStore {
    chunks: VecDeque<Chunk>,
    chunks_max: usize,
    next_seq: u64,
}

#[derive(Debug)]
struct Chunk {
    first_seq: u64,
    bytes: Vec<u8>,
    /// End of each message in `bytes`.
    ends: Vec<u32>,
}

impl MessageStore {
    /// An empty store that keeps about `mib_max` MiB, at least 1.
    #[must_use]
    pub fn new(mib_max: usize) -> Self {
        Self { chunks: VecDeque::new(), chunks_max: mib_max.max(1), next_seq: 1 }
    }

    /// Appends a message and returns its number.
    pub fn push(&mut self, message: &[u8]) -> u64 {
        let is_full =
            self.chunks.back().is_none_or(|chunk| chunk.bytes.len() + message.len() > CHUNK_BYTES);
        if is_full {
            if self.chunks.len() == self.chunks_max {
                self.chunks.pop_front();
            }
            self.chunks.push_back(Chunk {
                first_seq: self.next_seq,
                bytes: Vec::with_capacity(CHUNK_BYTES),
                ends: Vec::with_capacity(CHUNK_BYTES / 24),
            });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.bytes.extend_from_slice(message);
            chunk.ends.push(chunk.bytes.len() as u32);
        }
        self.next_seq += 1;
        self.next_seq - 1
    }

    /// First number still kept.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.chunks.front().map_or(self.next_seq, |chunk| chunk.first_seq)
    }
}

impl SequencedStore for MessageStore {
    fn next_seq(&self) -> u64 {
        self.next_seq
    }

    fn message(&self, seq: u64) -> Option<&[u8]> {
        let at = self.chunks.partition_point(|chunk| chunk.first_seq <= seq).checked_sub(1)?;
        let chunk = self.chunks.get(at)?;
        let index = usize::try_from(seq - chunk.first_seq).ok()?;
        let end = *chunk.ends.get(index)? as usize;
        let start = match index {
            0 => 0,
            _ => *chunk.ends.get(index - 1)? as usize,
        };
        chunk.bytes.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every kept message comes back under its number, and old ones go. Method: 200,000
    /// messages of changing length in a store of 2 MiB, some of them empty.
    #[test]
    fn messages_come_back_under_their_numbers() {
        let mut store = MessageStore::new(2);
        let message = |seq: u64| seq.to_be_bytes().repeat(3)[..(seq % 24) as usize].to_vec();
        for seq in 1..=200_000 {
            assert_eq!(store.push(&message(seq)), seq);
        }
        assert_eq!(store.next_seq(), 200_001);
        let first = store.first_seq();
        assert!(first > 1 && first < 100_000, "{first}");
        for seq in first..=200_000 {
            assert_eq!(store.message(seq), Some(&message(seq)[..]));
        }
        for seq in [0, 1, first - 1, 200_001, u64::MAX] {
            assert_eq!(store.message(seq), None);
        }
    }
}
