//! Transport: where bytes go out and come in, never waiting. The only socket calls of this crate.

mod memory;
mod pending;
mod tcp;

pub use memory::{MemoryLink, pair};
pub use tcp::{DialConfig, ShutdownHandle, TcpLink, dial};

use std::io::ErrorKind;

/// What a send did. A message is never interleaved with another: what did not go out at once is
/// kept and goes out before anything else (E3).
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// Every byte was given to the transport.
    All,
    /// The first `n` bytes (at least 1) were given to the transport, the link keeps the rest:
    /// [`Link::flush`] or the next send writes it first.
    Partial(usize),
    /// No byte of this call was taken: try again later, or drop the message.
    WouldBlock,
    /// Longer than the link can keep; no byte was taken.
    TooLong,
    /// The transport is gone; no byte of this call was taken. A message kept from an earlier
    /// `Partial` is cut off: its outcome is unknown.
    Closed(ErrorKind),
}

/// What a receive did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvResult {
    /// The first `n` bytes of the buffer, at least 1, were filled.
    Bytes(usize),
    /// Nothing to read now.
    WouldBlock,
    /// The peer has finished sending.
    End,
    /// The transport is gone.
    Closed(ErrorKind),
}

/// A byte stream in both directions that never waits.
pub trait Link {
    /// Reads what is there.
    fn recv_into(&mut self, buffer: &mut [u8]) -> RecvResult;

    /// Writes what is kept, then `bytes`, one message or several whole ones.
    fn send(&mut self, bytes: &[u8]) -> SendResult;

    /// Writes what is kept; `All` when nothing is left.
    fn flush(&mut self) -> SendResult;

    /// Whether a message is partly written.
    fn has_pending(&self) -> bool;

    /// Says that nothing more will be sent, once nothing is kept; what the peer still says can be
    /// read, up to its own end.
    fn finish(&mut self);

    /// Closes both directions; what is kept is lost.
    fn shutdown(&mut self);
}

#[cfg(test)]
mod tests;
