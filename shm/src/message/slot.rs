//! What a ring carries: 64 bytes of any kind, and their last word.

use super::{Body, Kind};
use crate::units::Nanos;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The last word of a message, stored last: ring sequence, and low 32 bits of engine ns at publish.
///
/// # Layout
/// 8 bytes: `seq:32 | published:32`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Tail(pub u64);

/// A message published less than this after a time is not taken for an old one, ns.
const AHEAD_MAX: u32 = 1 << 30;

impl Tail {
    /// Packs a ring sequence and the time of publishing.
    #[must_use]
    pub const fn new(seq: u32, published: Nanos) -> Self {
        Self((seq as u64) << 32 | (published.0 & 0xFFFF_FFFF))
    }

    /// The ring sequence.
    #[must_use]
    pub const fn seq(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The full time of publishing, given any time at most 3.2 s later or 1 s earlier: the time of
    /// a turn in which the message was published will do.
    #[must_use]
    pub const fn published(self, near: Nanos) -> Nanos {
        let ahead = (self.0 as u32).wrapping_sub(near.0 as u32);
        if ahead < AHEAD_MAX {
            return Nanos(near.0.wrapping_add(ahead as u64));
        }
        Nanos(near.0.wrapping_sub(ahead.wrapping_neg() as u64))
    }
}

/// 64 bytes of any kind: what a ring carries.
///
/// # Layout
/// 64 bytes, aligned to 64.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C, align(64))]
pub struct Message {
    pub(super) words: [u64; 8],
}

impl Message {
    /// What the message is; `None` for a byte that is no kind (a programmer's error).
    #[must_use]
    #[inline]
    pub const fn kind(&self) -> Option<Kind> {
        Kind::from_u8(self.words[0].to_le_bytes()[0])
    }

    /// The last word.
    #[must_use]
    pub const fn tail(&self) -> Tail {
        Tail(self.words[7])
    }

    /// The same message with another last word: what a link does when it publishes.
    #[must_use]
    pub const fn with_tail(mut self, tail: Tail) -> Self {
        self.words[7] = tail.0;
        self
    }

    /// The eight words, for digests and dumps.
    #[must_use]
    pub const fn words(&self) -> &[u64; 8] {
        &self.words
    }
}

impl Message {
    /// The message as one shape, `None` when it is of another kind.
    #[must_use]
    #[inline]
    pub fn view<T: Body>(&self) -> Option<&T> {
        let [kind, ..] = self.words[0].to_le_bytes();
        T::is(kind).then(|| T::of(self))
    }
}
