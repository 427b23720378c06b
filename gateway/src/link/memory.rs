//! A connection in memory, for tests and simulation: two fixed rings of bytes. Either end may live
//! on its own thread. A full ring makes partial writes, as a full socket does.

use super::pending::{Pending, Wrote};
use super::{Link, RecvResult, SendResult};
use shm::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::io::ErrorKind;
use std::sync::Arc;

/// One direction: one writing end, one reading end.
#[derive(Debug)]
struct Pipe {
    bytes: Box<[AtomicU8]>,
    /// Bytes written since the start; moved by the writing end only.
    written: AtomicUsize,
    /// Bytes read since the start; moved by the reading end only. At most `written`.
    read: AtomicUsize,
    /// Not 0: no more bytes will come, none are taken.
    closed: AtomicU8,
}

impl Pipe {
    fn new(capacity: usize) -> Self {
        Self {
            bytes: (0..capacity).map(|_| AtomicU8::new(0)).collect(),
            written: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            closed: AtomicU8::new(0),
        }
    }

    fn is_closed(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release store in `close`, so that what was written
        // before the close is read before the end is reported.
        self.closed.load(Ordering::Acquire) != 0
    }

    fn close(&self) {
        // ORDERING: Release; pairs with the Acquire load in `is_closed`.
        self.closed.store(1, Ordering::Release);
    }

    /// The cells from a position on, wrapping; empty for a ring of no bytes.
    fn cells(&self, position: usize) -> impl Iterator<Item = &AtomicU8> {
        let start = position.checked_rem(self.bytes.len()).unwrap_or(0);
        self.bytes.iter().cycle().skip(start)
    }

    fn write(&self, bytes: &[u8]) -> usize {
        // ORDERING: Relaxed; only this end moves `written`.
        let written = self.written.load(Ordering::Relaxed);
        // ORDERING: Acquire; pairs with the Release store in `read`: the cells it gave back are
        // free.
        let used = written.wrapping_sub(self.read.load(Ordering::Acquire));
        let count = bytes.len().min(self.bytes.len().saturating_sub(used));
        for (cell, byte) in self.cells(written).zip(bytes.iter().take(count)) {
            // ORDERING: Relaxed; published by the store of `written` below.
            cell.store(*byte, Ordering::Relaxed);
        }
        // ORDERING: Release; pairs with the Acquire load in `read`.
        self.written.store(written.wrapping_add(count), Ordering::Release);
        count
    }

    fn read(&self, buffer: &mut [u8]) -> usize {
        // ORDERING: Relaxed; only this end moves `read`.
        let read = self.read.load(Ordering::Relaxed);
        // ORDERING: Acquire; pairs with the Release store in `write`: the bytes are there.
        let there = self.written.load(Ordering::Acquire).wrapping_sub(read);
        let count = buffer.len().min(there);
        for (byte, cell) in buffer.iter_mut().take(count).zip(self.cells(read)) {
            // ORDERING: Relaxed; ordered by the load of `written` above.
            *byte = cell.load(Ordering::Relaxed);
        }
        // ORDERING: Release; pairs with the Acquire load in `write`.
        self.read.store(read.wrapping_add(count), Ordering::Release);
        count
    }
}

/// One end of a connection in memory.
#[derive(Debug)]
pub struct MemoryLink {
    outgoing: Arc<Pipe>,
    incoming: Arc<Pipe>,
    pending: Pending,
}

/// Two connected ends with `capacity` bytes in flight each way; a send may be as long as `capacity`
/// or `send_bytes_max`, whichever is more. Cold: allocates.
#[must_use]
pub fn pair(capacity: usize, send_bytes_max: usize) -> (MemoryLink, MemoryLink) {
    let (there, back) = (Arc::new(Pipe::new(capacity)), Arc::new(Pipe::new(capacity)));
    let pending = || Pending::new(capacity.max(send_bytes_max));
    (
        MemoryLink {
            outgoing: Arc::clone(&there),
            incoming: Arc::clone(&back),
            pending: pending(),
        },
        MemoryLink { outgoing: back, incoming: there, pending: pending() },
    )
}

fn write_once(pipe: &Pipe, bytes: &[u8]) -> Wrote {
    if pipe.is_closed() {
        return Wrote::Closed(ErrorKind::BrokenPipe);
    }
    Wrote::Bytes(pipe.write(bytes))
}

impl Link for MemoryLink {
    fn recv_into(&mut self, buffer: &mut [u8]) -> RecvResult {
        if buffer.is_empty() {
            return RecvResult::WouldBlock;
        }
        let is_closed = self.incoming.is_closed();
        match self.incoming.read(buffer) {
            0 if is_closed => RecvResult::End,
            0 => RecvResult::WouldBlock,
            count => RecvResult::Bytes(count),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> SendResult {
        if self.has_pending() {
            match self.flush() {
                SendResult::All => {}
                SendResult::Closed(error) => return SendResult::Closed(error),
                _ => return SendResult::WouldBlock,
            }
        }
        let pipe = &self.outgoing;
        self.pending.send(bytes, |bytes| write_once(pipe, bytes))
    }

    fn flush(&mut self) -> SendResult {
        let pipe = &self.outgoing;
        self.pending.flush(|bytes| write_once(pipe, bytes))
    }

    fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn finish(&mut self) {
        self.outgoing.close();
    }

    fn shutdown(&mut self) {
        self.pending.clear();
        self.outgoing.close();
        self.incoming.close();
    }
}
