//! Where bytes come from.
//!
//! A [`Source`] gives one datagram at a time into the caller's bytes, never waits, and allocates
//! nothing. It knows nothing of what the bytes mean. It owns the only system calls of this crate,
//! but for those of a cold thread that reads a [`crate::recording`].

mod memory;
mod udp;

pub use memory::MemorySource;
pub use udp::{UdpConfig, UdpSource};

use shm::units::Nanos;
use std::io;

/// What a source gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes written to the front of the caller's bytes.
    pub bytes: usize,
    /// When the kernel received them, on its wall clock since the Unix epoch, where the source has
    /// that.
    pub stamp: Option<Nanos>,
    /// Whether the datagram was longer than the caller's bytes: its end is lost, it must be
    /// dropped.
    pub cut: bool,
}

/// Gives bytes without waiting.
pub trait Source {
    /// The next datagram; `None` when there is none now.
    ///
    /// # Errors
    /// Those of the socket. `Interrupted` and the like never come out; what does is to be
    /// counted, and for a socket the next call may succeed (a refused request makes one error, for
    /// instance).
    fn try_recv(&mut self, into: &mut [u8]) -> io::Result<Option<Received>>;
}
