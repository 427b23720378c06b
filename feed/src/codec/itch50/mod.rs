//! NASDAQ TotalView-ITCH 5.0: every message type, both directions.
//!
//! A message is decoded in one step: its first byte names a fixed layout, the layout is laid over
//! the bytes without a copy, and a method of the [`Listener`] is called (static dispatch). There is
//! no intermediate event, no allocation and no panic on any bytes (F10).
//!
//! * An unknown type is skipped by the transport's length and counted by kind.
//! * A message longer than the table is decoded by its known prefix and counted.
//! * A message shorter than the table is malformed: it is dropped whole and counted.
//!
//! Encoding is laying the same struct into the caller's bytes: [`encode`].
//!
//! Source: NASDAQ TotalView-ITCH 5.0 specification, sections 4.1 to 4.9.
//!
//! ```
//! use feed::codec::itch50::{AddOrder, Decoder, Head, Listener, Price4, encode};
//! use shm::ids::Symbol;
//!
//! struct Shares(u32);
//! impl Listener for Shares {
//!     fn on_add(&mut self, message: &AddOrder) {
//!         self.0 += message.shares.get();
//!     }
//! }
//!
//! let add = AddOrder {
//!     head: Head::of::<AddOrder>(1, 0, 34_200_000_000_000),
//!     order_ref: 7.into(),
//!     side: b'B',
//!     shares: 100.into(),
//!     stock: Symbol(*b"AAPL    "),
//!     px: Price4::new(1_875_000),
//! };
//! let mut bytes = [0; 64];
//! let length = encode(&add, &mut bytes).unwrap();
//! let (mut decoder, mut shares) = (Decoder::new(), Shares(0));
//! decoder.decode(&bytes[..length], &mut shares).unwrap();
//! assert_eq!(shares.0, 100);
//! ```
#![forbid(unsafe_code)]

mod field;
mod message;
#[cfg(test)]
mod tests;

pub use field::{Price4, Price8, TIMESTAMP_MAX, U48};
pub use message::{
    AddOrder, AddOrderMpid, Body, BrokenTrade, CrossTrade, DirectListing, Fit, Head, IpoQuoting,
    Listener, LuldCollar, Message, MwcbLevel, MwcbStatus, Noii, OperationalHalt, OrderCancel,
    OrderDelete, OrderExecuted, OrderExecutedPrice, OrderReplace, ParticipantPosition, RegSho,
    RetailInterest, StockDirectory, SystemEvent, Trade, TradingAction, decode, length_of,
};

use zerocopy::{Immutable, IntoBytes};

/// Bytes of the longest message of the table (`I`).
pub const MESSAGE_BYTES_MAX: usize = 50;

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[must_use]
pub enum DecodeError {
    /// No byte at all: not even a type.
    Empty = 1,
    /// Fewer bytes than the type's length in the table.
    Short = 2,
}

/// What a decoder has seen: one count for each type byte, and the two kinds of odd length.
#[derive(Clone, Debug)]
pub struct Counts {
    by_kind: [u64; 256],
    /// Messages longer than the table, decoded by their known prefix.
    pub longer: u64,
    /// Messages dropped because they were empty or shorter than the table.
    pub malformed: u64,
    /// Messages of a type that is not in the table, skipped.
    pub unknown: u64,
}

impl Counts {
    /// Messages of one type byte, known or unknown, malformed ones left out.
    #[must_use]
    pub fn of(&self, kind: u8) -> u64 {
        self.by_kind.get(usize::from(kind)).copied().unwrap_or(0)
    }

    /// All messages but malformed ones.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_kind.iter().sum()
    }
}

/// Decodes and counts. Keeps no other state: messages of ITCH stand alone.
#[derive(Clone, Debug)]
pub struct Decoder {
    counts: Counts,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder with all counts zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: Counts { by_kind: [0; 256], longer: 0, malformed: 0, unknown: 0 } }
    }

    /// Decodes one message and calls the listener's method for it.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no message; nothing was called. The caller's sequence is
    /// broken at this message: books that depend on it are STALE.
    #[inline]
    pub fn decode<L: Listener>(
        &mut self,
        bytes: &[u8],
        listener: &mut L,
    ) -> Result<Fit, DecodeError> {
        let fit = decode(bytes, listener);
        match fit {
            Ok(fit) => {
                if let Some(count) =
                    bytes.first().and_then(|&kind| self.counts.by_kind.get_mut(usize::from(kind)))
                {
                    *count += 1;
                }
                match fit {
                    Fit::Exact => {}
                    Fit::Longer => self.counts.longer += 1,
                    Fit::Unknown => self.counts.unknown += 1,
                }
            }
            Err(_) => self.counts.malformed += 1,
        }
        fit
    }

    /// What was seen so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// Lays a message into the front of `out` and says how many bytes it took; `None` when `out` is too
/// short (nothing is written).
#[inline]
pub fn encode<M: Body + IntoBytes + Immutable>(message: &M, out: &mut [u8]) -> Option<usize> {
    let bytes = message.as_bytes();
    out.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(bytes.len())
}
