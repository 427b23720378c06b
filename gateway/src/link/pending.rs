//! The rest of a message that was not taken at once.

use super::SendResult;
use std::io::ErrorKind;

/// What a raw write did.
pub(super) enum Wrote {
    /// So many bytes, perhaps none.
    Bytes(usize),
    /// The transport is gone.
    Closed(ErrorKind),
}

/// Bytes owed to the transport before anything else.
#[derive(Debug)]
pub(super) struct Pending {
    bytes: Box<[u8]>,
    /// First byte owed. In `0..=end`.
    start: usize,
    /// End of the bytes owed. In `start..=bytes.len()`.
    end: usize,
}

impl Pending {
    /// Cold: allocates.
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Sends what is owed, once.
    pub(super) fn flush(&mut self, write: impl FnOnce(&[u8]) -> Wrote) -> SendResult {
        if self.is_empty() {
            return SendResult::All;
        }
        match write(self.bytes.get(self.start..self.end).unwrap_or(&[])) {
            Wrote::Closed(error) => SendResult::Closed(error),
            Wrote::Bytes(0) => SendResult::WouldBlock,
            Wrote::Bytes(count) => {
                self.start = self.start.saturating_add(count).min(self.end);
                if self.is_empty() {
                    self.clear();
                    SendResult::All
                } else {
                    SendResult::Partial(count)
                }
            }
        }
    }

    /// Sends `bytes` when nothing is owed, and keeps what was not taken.
    pub(super) fn send(&mut self, bytes: &[u8], write: impl FnOnce(&[u8]) -> Wrote) -> SendResult {
        if !self.is_empty() {
            return SendResult::WouldBlock;
        }
        if bytes.len() > self.bytes.len() {
            return SendResult::TooLong;
        }
        if bytes.is_empty() {
            return SendResult::All;
        }
        match write(bytes) {
            Wrote::Closed(error) => SendResult::Closed(error),
            Wrote::Bytes(0) => SendResult::WouldBlock,
            Wrote::Bytes(count) => {
                let rest = bytes.get(count..).unwrap_or(&[]);
                if rest.is_empty() {
                    return SendResult::All;
                }
                if let Some(kept) = self.bytes.get_mut(..rest.len()) {
                    kept.copy_from_slice(rest);
                    self.end = rest.len();
                }
                SendResult::Partial(count)
            }
        }
    }
}
