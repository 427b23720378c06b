//! Messages of a BinaryFILE as a source: one message at a time, numbered by the reader from 1.
//!
//! A file has no time of its own beyond what its messages carry, and no loss: whoever reads it
//! decides the pace, and stops reading while it has no room.
#![forbid(unsafe_code)]

use super::{Received, Source};
use crate::binaryfile::{End, MessageReader};
use std::io::{self, Read};
use std::path::Path;

/// Gives the messages of a file, of any compression.
pub struct FileSource {
    reader: MessageReader<Box<dyn Read + Send>>,
}

impl FileSource {
    /// Opens the file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: MessageReader::open(path)? })
    }

    /// How the file ended; `None` while messages may follow. [`End::Truncated`] is to be reported.
    #[must_use]
    pub const fn end(&self) -> Option<End> {
        self.reader.end()
    }
}

impl Source for FileSource {
    fn try_recv(&mut self, into: &mut [u8]) -> io::Result<Option<Received>> {
        let Some((_, message)) = self.reader.next()? else { return Ok(None) };
        let bytes = message.len().min(into.len());
        for (to, from) in into.iter_mut().zip(message) {
            *to = *from;
        }
        Ok(Some(Received { bytes, stamp: None, cut: bytes < message.len() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binaryfile::{Compression, write_file};

    /// Goal: a compressed file gives its messages, then its end.
    #[test]
    fn a_file_gives_its_messages_and_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.gz");
        write_file(&path, Compression::Gzip, [&b"one"[..], b"two"]).unwrap();
        let mut source = FileSource::open(&path).unwrap();
        let mut into = [0; 64];
        for wanted in [b"one", b"two"] {
            let received = source.try_recv(&mut into).unwrap().unwrap();
            assert_eq!(&into[..received.bytes], wanted);
            assert_eq!(source.end(), None);
        }
        assert!(source.try_recv(&mut into).unwrap().is_none());
        assert_eq!(source.end(), Some(End::Session));
    }
}
