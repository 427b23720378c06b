//! Bytes that are there already: tests, simulation.
#![forbid(unsafe_code)]

use super::{Received, Source};
use shm::units::Nanos;
use std::collections::VecDeque;
use std::io;

/// A row of datagrams, each with the time it arrives at.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    datagrams: VecDeque<(Option<Nanos>, Vec<u8>)>,
}

impl MemorySource {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { datagrams: VecDeque::new() }
    }

    /// Appends a datagram.
    pub fn push(&mut self, stamp: Option<Nanos>, bytes: &[u8]) {
        self.datagrams.push_back((stamp, bytes.to_vec()));
    }

    /// Datagrams left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }
}

impl Source for MemorySource {
    fn try_recv(&mut self, into: &mut [u8]) -> io::Result<Option<Received>> {
        let Some((stamp, datagram)) = self.datagrams.pop_front() else { return Ok(None) };
        let bytes = datagram.len().min(into.len());
        for (to, from) in into.iter_mut().zip(&datagram) {
            *to = *from;
        }
        Ok(Some(Received { bytes, stamp, cut: bytes < datagram.len() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: datagrams come in order, once, with their stamps; one that does not fit says so.
    #[test]
    fn datagrams_come_in_order_and_tell_a_cut() {
        let mut source = MemorySource::new();
        source.push(Some(Nanos(5)), b"one");
        source.push(None, b"three");
        let mut into = [0; 4];
        let first = source.try_recv(&mut into).unwrap().unwrap();
        assert_eq!(first, Received { bytes: 3, stamp: Some(Nanos(5)), cut: false });
        assert_eq!(&into[..3], b"one");
        let second = source.try_recv(&mut into).unwrap().unwrap();
        assert_eq!(second, Received { bytes: 4, stamp: None, cut: true });
        assert!(source.try_recv(&mut into).unwrap().is_none() && source.is_empty());
    }
}
