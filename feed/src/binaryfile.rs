//! BinaryFILE: messages on disk, each with a 2-byte length in front; plain, gzip or zstd.
//!
//! A length of 0 ends the session. Messages have no numbers of their own: count them from 1. A file
//! that ends inside a message says so: nothing is dropped in silence.
//!
//! Source: Nasdaq BinaryFILE format, as used for daily ITCH files.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

/// Bytes read ahead in one go.
const READ_BYTES: usize = 1 << 18;
/// Bytes of the length in front of each message.
const LENGTH_BYTES: usize = 2;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Compression {
    /// What the first bytes of a file say.
    #[must_use]
    pub const fn of_magic(bytes: &[u8]) -> Self {
        match bytes {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By the end-of-session mark.
    Session,
    /// After a whole message, without the mark.
    File,
    /// Inside a message or its length: that many bytes are left over. The messages before are good.
    Truncated {
        /// Bytes after the last whole message.
        left_bytes: usize,
    },
}

/// Opens a file and undoes its compression.
///
/// # Errors
/// Those of the file system.
pub fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    decompress(File::open(path)?)
}

/// Undoes the compression that the first bytes tell.
///
/// # Errors
/// Those of the source.
pub fn decompress(source: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut source = BufReader::with_capacity(READ_BYTES, source);
    let compression = Compression::of_magic(io::BufRead::fill_buf(&mut source)?);
    Ok(match compression {
        Compression::Plain => Box::new(source),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(source)?),
    })
}

/// Reads messages one after the other into one buffer.
pub struct MessageReader<R> {
    source: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    messages: u64,
    ended: Option<End>,
}

impl MessageReader<Box<dyn Read + Send>> {
    /// Opens a file of any compression.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(open(path)?))
    }
}

impl<R: Read> MessageReader<R> {
    /// Reads from bytes that are not compressed.
    #[must_use]
    pub fn new(source: R) -> Self {
        let buffer = vec![0; READ_BYTES].into();
        Self { source, buffer, start: 0, end: 0, messages: 0, ended: None }
    }

    /// The next message and its number (from 1); `None` at the end, see [`MessageReader::end`].
    ///
    /// # Errors
    /// Those of the source, but for an end inside compressed data: that is [`End::Truncated`].
    #[expect(clippy::should_implement_trait, reason = "lends from its own buffer, may fail")]
    pub fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        if self.ended.is_some() {
            return Ok(None);
        }
        if !self.fill(LENGTH_BYTES)? {
            return Ok(None);
        }
        let length = self.held().first_chunk::<LENGTH_BYTES>().copied().unwrap_or_default();
        let length = usize::from(u16::from_be_bytes(length));
        if length == 0 {
            self.ended = Some(End::Session);
            return Ok(None);
        }
        if !self.fill(LENGTH_BYTES + length)? {
            return Ok(None);
        }
        let at = self.start + LENGTH_BYTES;
        self.start = at + length;
        self.messages += 1;
        Ok(self.buffer.get(at..at + length).map(|message| (self.messages, message)))
    }

    /// How the file ended; `None` while messages may follow.
    #[must_use]
    pub const fn end(&self) -> Option<End> {
        self.ended
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Makes at least `wanted` bytes held; false, with the end noted, when the source has no more.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        while self.held().len() < wanted {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) => {
                    let left_bytes = self.held().len();
                    self.ended = Some(if left_bytes == 0 {
                        End::File
                    } else {
                        End::Truncated { left_bytes }
                    });
                    return Ok(false);
                }
                Ok(bytes) => self.end += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.ended = Some(End::Truncated { left_bytes: self.held().len() });
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Writes messages with their lengths.
pub struct MessageWriter<W: Write> {
    target: W,
}

impl<W: Write> MessageWriter<W> {
    /// Writes to `target`, which may compress.
    pub const fn new(target: W) -> Self {
        Self { target }
    }

    /// Writes one message.
    ///
    /// # Errors
    /// `InvalidInput` for an empty message (it would end the session) or one of more than 65,535
    /// bytes; those of the target.
    pub fn write(&mut self, message: &[u8]) -> io::Result<()> {
        let length = u16::try_from(message.len()).ok().filter(|length| *length > 0);
        let Some(length) = length else {
            let what = "a message has 1 to 65535 bytes";
            return Err(io::Error::new(ErrorKind::InvalidInput, what));
        };
        self.target.write_all(&length.to_be_bytes())?;
        self.target.write_all(message)
    }

    /// Writes the end-of-session mark and returns the target, flushed.
    ///
    /// # Errors
    /// Those of the target.
    pub fn finish(mut self) -> io::Result<W> {
        self.target.write_all(&[0; LENGTH_BYTES])?;
        self.target.flush()?;
        Ok(self.target)
    }
}

/// Writes all messages to a new file and ends the session; how many were written.
///
/// # Errors
/// As [`MessageWriter::write`].
pub fn write_file<'a>(
    path: &Path,
    compression: Compression,
    messages: impl IntoIterator<Item = &'a [u8]>,
) -> io::Result<u64> {
    let file = BufWriter::new(File::create(path)?);
    match compression {
        Compression::Plain => {
            let (count, mut file) = write_all(file, messages)?;
            file.flush()?;
            Ok(count)
        }
        Compression::Gzip => {
            let level = flate2::Compression::default();
            let (count, encoder) = write_all(flate2::write::GzEncoder::new(file, level), messages)?;
            encoder.finish()?.flush()?;
            Ok(count)
        }
        Compression::Zstd => {
            let (count, encoder) = write_all(zstd::Encoder::new(file, 0)?, messages)?;
            encoder.finish()?.flush()?;
            Ok(count)
        }
    }
}

fn write_all<'a, W: Write>(
    target: W,
    messages: impl IntoIterator<Item = &'a [u8]>,
) -> io::Result<(u64, W)> {
    let mut writer = MessageWriter::new(target);
    let mut count = 0;
    for message in messages {
        writer.write(message)?;
        count += 1;
    }
    Ok((count, writer.finish()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(reader: &mut MessageReader<impl Read>) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        while let Some((number, message)) = reader.next().unwrap() {
            assert_eq!(number, messages.len() as u64 + 1);
            messages.push(message.to_vec());
        }
        messages
    }

    /// Goal: the sheet's file gives its four messages and the end of its session.
    #[test]
    fn the_sheet_s_file_is_read() {
        let bytes = b"\x00\x03foo\x00\x03bar\x00\x03baz\x00\x04quux\x00\x00";
        let mut reader = MessageReader::new(&bytes[..]);
        assert_eq!(read_all(&mut reader), [&b"foo"[..], b"bar", b"baz", b"quux"]);
        assert_eq!(reader.end(), Some(End::Session));
    }

    /// Goal: a file cut anywhere gives its whole messages and tells what is left over.
    #[test]
    fn every_cut_is_told() {
        let bytes = b"\x00\x03foo\x00\x02ba";
        for cut in 0..=bytes.len() {
            let mut reader = MessageReader::new(&bytes[..cut]);
            let messages = read_all(&mut reader).len();
            let (whole, left_bytes) = match cut {
                0..5 => (0, cut),
                5..9 => (1, cut - 5),
                _ => (2, 0),
            };
            assert_eq!(messages, whole);
            let end = if left_bytes == 0 { End::File } else { End::Truncated { left_bytes } };
            assert_eq!(reader.end(), Some(end), "cut {cut}");
        }
    }

    /// Goal: what is written in any compression is read back, across buffer ends; a cut compressed
    /// file is truncated, not an error and not complete.
    #[test]
    fn every_compression_reads_back_and_tells_a_cut() {
        let folder = tempfile::tempdir().unwrap();
        let messages: Vec<Vec<u8>> =
            (1..40_000_usize).map(|at| vec![at as u8; 1 + at * 7 % 60]).collect();
        for compression in [Compression::Plain, Compression::Gzip, Compression::Zstd] {
            let path = folder.path().join("messages");
            let count = write_file(&path, compression, messages.iter().map(Vec::as_slice)).unwrap();
            assert_eq!(count, messages.len() as u64);
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(Compression::of_magic(&bytes), compression);
            let mut reader = MessageReader::open(&path).unwrap();
            assert_eq!(read_all(&mut reader), messages);
            assert_eq!(reader.end(), Some(End::Session));
            std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
            let mut reader = MessageReader::open(&path).unwrap();
            let read = read_all(&mut reader);
            assert!(read.len() < messages.len());
            assert_eq!(read, messages[..read.len()]);
            assert!(
                matches!(reader.end(), Some(End::Truncated { .. } | End::File)),
                "{compression:?} {:?}",
                reader.end()
            );
        }
        let mut writer = MessageWriter::new(Vec::new());
        assert!(writer.write(b"").is_err());
        assert!(writer.write(&vec![0; 65_536]).is_err());
    }
}
