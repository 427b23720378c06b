//! A recorded tape, message by message: BinaryFILE, pcap of MoldUDP64, LOBSTER; plain, gzip, zstd.
//!
//! What a file is, its first bytes say; its first message is read when it is opened, so that a file
//! that is none of these is refused in a sentence before anything runs. Every message comes with
//! its place: session, number, time. BinaryFILE and LOBSTER have neither session nor numbers:
//! theirs are [`FILE_SESSION`] and 1, 2, 3, ... A capture keeps its own, each message once and in
//! order, whichever line it was captured on; a number that is missing in it is missing here.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: a file is read by an ordinary thread"
)]

mod capture;
mod lobster;
mod sound;
#[cfg(test)]
mod tests;

use crate::binaryfile::{End, MessageReader, open};
use crate::codec::itch50::length_of;
use crate::moldudp64::Session;
use crate::pcap::PcapReader;
use capture::Capture;
use core::fmt;
use shm::units::Nanos;
use sound::Sound;
use std::io::{Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The session of a recording that has none of its own.
pub const FILE_SESSION: Session = Session(*b"FILE      ");

/// What to do with a file that is something else.
const NAME_ONE: &str = "name a BinaryFILE, a pcap of MoldUDP64 or a LOBSTER message file (plain, gzip \
                        or zstd)";

/// A file's bytes, with those looked at put back in front.
type Bytes = std::io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Why a recording cannot be read, or not to its end: one sentence that names the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path.display(), self.what)
    }
}

impl core::error::Error for RecordingError {}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its session.
    pub session: Session,
    /// Its number in the session.
    pub seq: u64,
    /// When it was sent (its own time of day) or, in a capture, captured. Never falls.
    pub at: Nanos,
}

/// A recorded tape.
pub struct Recording {
    path: PathBuf,
    kind: Kind,
    place: Place,
    sound: Sound,
    /// Messages read, and where the next begins in the unpacked file (BinaryFILE).
    good: u64,
    offset: u64,
    /// The first message, until it is read.
    first: Option<Vec<u8>>,
}

enum Kind {
    Binary(MessageReader<Bytes>),
    Capture(Box<Capture<Bytes>>),
    Converted(std::vec::IntoIter<Vec<u8>>),
}

impl fmt::Debug for Recording {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Recording({})", self.path.display())
    }
}

impl Recording {
    /// Opens a file and reads its first message.
    ///
    /// # Errors
    /// [`RecordingError`]: it cannot be read, is empty, or is none of the formats.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let opened = Self::open_inner(path);
        opened.map_err(|what| RecordingError { path: path.to_owned(), what })
    }

    fn open_inner(path: &Path) -> Result<Self, String> {
        if path.is_dir() {
            return Err("it is a folder; name a file in it".to_owned());
        }
        let mut source =
            open(path).map_err(|error| format!("{error}; name a file that is there"))?;
        let first = first_bytes(&mut source)?;
        let kind = match first[..] {
            [] => return Err("it is empty; name a recording that holds messages".to_owned()),
            [0x0A, 0x0D, 0x0D, 0x0A] => {
                return Err("a pcapng capture: convert it to pcap (editcap -F pcap)".to_owned());
            }
            [0xA1, 0xB2, 0xC3 | 0x3C, 0xD4 | 0x4D] | [0xD4 | 0x4D, 0xC3 | 0x3C, 0xB2, 0xA1] => {
                let reader = PcapReader::new(Cursor::new(first).chain(source));
                let reader = reader.map_err(|error| error.to_string())?;
                Kind::Capture(Box::new(Capture::new(reader)))
            }
            // A BinaryFILE begins with the high byte of a small length, a LOBSTER file with digits.
            [b'0'..=b'9', ..] => {
                let bytes = Cursor::new(first).chain(source);
                Kind::Converted(lobster::convert_file(path, bytes)?.into_iter())
            }
            _ => Kind::Binary(MessageReader::new(Cursor::new(first).chain(source))),
        };
        let place = Place { session: FILE_SESSION, seq: 0, at: Nanos(0) };
        let (path, sound) = (path.to_owned(), Sound::default());
        let mut recording = Self { path, kind, place, sound, good: 0, offset: 0, first: None };
        let mut first = Vec::new();
        let read = recording.next(&mut first).map_err(|what| match recording.kind {
            Kind::Binary(_) => {
                format!(
                    "{what} of its first message: it was cut, or it is no recording; {NAME_ONE}"
                )
            }
            Kind::Capture(_) | Kind::Converted(_) => what,
        });
        if !read? {
            return Err(match recording.kind {
                Kind::Capture(_) => "the capture holds no MoldUDP64 packet with messages",
                Kind::Binary(_) | Kind::Converted(_) => "it holds no message",
            }
            .to_owned());
        }
        check_first(&first)?;
        recording.first = Some(first);
        Ok(recording)
    }

    /// Reads the next message into `message`; false at the end.
    ///
    /// # Errors
    /// [`RecordingError`]: the file is damaged or cut; the messages before are good.
    pub fn read(&mut self, message: &mut Vec<u8>) -> Result<bool, RecordingError> {
        if let Some(first) = self.first.take() {
            *message = first;
            return Ok(true);
        }
        self.next(message).map_err(|what| RecordingError { path: self.path.clone(), what })
    }

    /// Where the last message read stands; before the first, where that will stand.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn next(&mut self, message: &mut Vec<u8>) -> Result<bool, String> {
        match &mut self.kind {
            Kind::Binary(reader) => {
                if !read_binary(reader, message)? {
                    return Ok(false);
                }
            }
            Kind::Converted(messages) => match messages.next() {
                Some(next) => *message = next,
                None => return Ok(false),
            },
            Kind::Capture(capture) => {
                let Some(next) = capture.next()? else { return Ok(false) };
                if next.session != self.place.session {
                    self.sound.begin();
                }
                let time = itch_time(&next.message).0;
                self.sound.judge(&next.message, time).map_err(|what| {
                    format!(
                        "damaged in message {} of session {}: {what}; the {} messages before are \
                         good: cut the capture before it (editcap) or get it again",
                        next.seq,
                        next.session.0.escape_ascii().to_string().trim_end(),
                        self.good
                    )
                })?;
                self.good += 1;
                let at = self.place.at.max(next.at);
                self.place = Place { session: next.session, seq: next.seq, at };
                *message = next.message;
                return Ok(true);
            }
        }
        let (time, offset) = (itch_time(message), self.offset);
        // What is no recording at all is told in a sentence of its own.
        if self.good > 0 || check_first(message).is_ok() {
            self.sound.judge(message, time.0).map_err(|what| {
                format!(
                    "damaged in message {} at byte {offset} of the unpacked file: {what}; the {} \
                     messages before are good: keep them (head -c {offset} of the unpacked file) \
                     or get the file again",
                    self.good + 1,
                    self.good
                )
            })?;
        }
        self.good += 1;
        self.offset += 2 + message.len() as u64;
        let at = self.place.at.max(time);
        self.place = Place { seq: self.place.seq + 1, at, ..self.place };
        Ok(true)
    }
}

/// Up to 4 bytes from the front.
fn first_bytes(source: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut first = Vec::new();
    match source.take(4).read_to_end(&mut first) {
        Ok(_) => Ok(first),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err("its compressed data ends at once; it was cut".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the first message is one: else the whole file is something else.
fn check_first(message: &[u8]) -> Result<(), String> {
    let known = message.first().and_then(|&kind| length_of(kind));
    if known.is_some_and(|length| message.len() >= length) {
        return Ok(());
    }
    Err(format!("it is no recording: its first message is none of ITCH 5.0; {NAME_ONE}"))
}

fn read_binary(reader: &mut MessageReader<Bytes>, message: &mut Vec<u8>) -> Result<bool, String> {
    match reader.next() {
        Ok(Some((_, bytes))) => {
            message.clear();
            message.extend_from_slice(bytes);
            Ok(true)
        }
        Ok(None) => match reader.end() {
            Some(End::Truncated { left_bytes }) => {
                Err(format!("it ends inside a message, {left_bytes} bytes are left over"))
            }
            _ => Ok(false),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// Time of day of a message; 0 for one too short to have it.
/// Source: TotalView-ITCH 5.0, section 4: every message has its time in 6 bytes at offset 5.
fn itch_time(message: &[u8]) -> Nanos {
    let bytes = message.get(5..11).unwrap_or_default();
    Nanos(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}
