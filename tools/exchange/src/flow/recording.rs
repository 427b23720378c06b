//! Reading a recorded tape message by message: BinaryFILE, pcap of MoldUDP64, LOBSTER; plain, gzip,
//! zstd.

use crate::error::Error;
use feed::binaryfile::{End, MessageReader, open};
use feed::lobster::{Converter, RowError, convert, parse_row};
use feed::moldudp64::{Packet, Session};
use feed::pcap::PcapReader;
use shm::ids::Symbol;
use std::collections::VecDeque;
use std::fmt;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

/// A file's bytes, with those looked at put back in front.
type Bytes = std::io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// A recorded tape.
pub struct Recording {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Binary(MessageReader<Bytes>),
    Pcap(PcapReader<Bytes>, MoldMessages),
    Converted(std::vec::IntoIter<Vec<u8>>),
}

/// Messages of captured packets, each once, in the order of capture.
#[derive(Default)]
struct MoldMessages {
    session: Option<Session>,
    next_seq: u64,
    ready: VecDeque<Vec<u8>>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Recording({})", self.path.display())
    }
}

impl Recording {
    /// Opens a file; its first bytes say what it is.
    ///
    /// # Errors
    /// [`Error::Input`] when it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refused = |what: String| Error::Input { path: path.to_owned(), what };
        let mut source = open(path).map_err(|error| refused(error.to_string()))?;
        let mut first = vec![0; 4];
        let mut filled = 0;
        while filled < first.len() {
            match source.read(&mut first[filled..]) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) => return Err(refused(error.to_string())),
            }
        }
        first.truncate(filled);
        let is_pcap = matches!(
            first[..],
            [0xA1, 0xB2, 0xC3 | 0x3C, 0xD4 | 0x4D] | [0xD4 | 0x4D, 0xC3 | 0x3C, 0xB2, 0xA1]
        );
        // A BinaryFILE begins with the high byte of a small length, a LOBSTER file with digits.
        let is_text = first.first().is_some_and(u8::is_ascii_digit);
        let bytes = Cursor::new(first).chain(source);
        let kind = if is_text {
            Kind::Converted(convert_lobster(path, bytes).map_err(refused)?.into_iter())
        } else if is_pcap {
            let reader = PcapReader::new(bytes).map_err(|error| refused(error.to_string()))?;
            Kind::Pcap(reader, MoldMessages::default())
        } else {
            Kind::Binary(MessageReader::new(bytes))
        };
        Ok(Self { path: path.to_owned(), kind })
    }

    /// Reads the next message into `message`; false at the end.
    ///
    /// # Errors
    /// [`Error::Input`]: the file is damaged or cut; the messages before are good.
    pub fn read(&mut self, message: &mut Vec<u8>) -> Result<bool, Error> {
        let result = match &mut self.kind {
            Kind::Binary(reader) => read_binary(reader, message),
            Kind::Pcap(reader, mold) => mold.read(reader, message),
            Kind::Converted(messages) => {
                let next = messages.next();
                let has_next = next.is_some();
                message.clear();
                message.extend(next.unwrap_or_default());
                Ok(has_next)
            }
        };
        result.map_err(|what| Error::Input { path: self.path.clone(), what })
    }
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

/// Converts a LOBSTER message file. Its name begins with the symbol; the order book file of the
/// same name beside it, if there is one, gives the levels before the first event.
fn convert_lobster(path: &Path, mut bytes: Bytes) -> Result<Vec<Vec<u8>>, String> {
    let mut rows = String::new();
    bytes.read_to_string(&mut rows).map_err(|error| error.to_string())?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let symbol = Symbol::new(name.split('_').next().unwrap_or_default())
        .ok_or("the name of a LOBSTER file begins with its symbol and an underscore")?;
    let first_levels = match order_book_beside(path, name) {
        None => None,
        Some(book) => {
            Some(first_line(&book).map_err(|error| format!("{}: {error}", book.display()))?)
        }
    };
    match first_levels {
        Some(levels) => convert(&rows, &levels, symbol, 1).map(|converted| converted.messages),
        None => convert_unseeded(&rows, symbol),
    }
    .map_err(|error| error.to_string())
}

/// The order book file that goes with a message file.
fn order_book_beside(path: &Path, name: &str) -> Option<PathBuf> {
    let (stem, _) = name.split_once("_message_")?;
    let prefix = format!("{stem}_orderbook_");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let is_book = |candidate: &PathBuf| {
        let name = candidate.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(&prefix))
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_book).min()
}

fn first_line(path: &Path) -> std::io::Result<String> {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(open(path)?), &mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Converts without a seed: events of orders that were there before are left out.
fn convert_unseeded(rows: &str, symbol: Symbol) -> Result<Vec<Vec<u8>>, RowError> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut converter = Converter::new(symbol, 1, |message: &[u8]| messages.push(message.to_vec()));
    let mut last_ns = None;
    for (line, number) in rows.lines().zip(1..) {
        let row = parse_row(line).map_err(|error| RowError { row: number, ..error })?;
        if last_ns.is_none() {
            converter.start(row.ts, &[]);
        }
        last_ns = Some(row.ts);
        converter.row(&row).map_err(|error| RowError { row: number, ..error })?;
    }
    converter.finish(last_ns.unwrap_or(0));
    Ok(messages)
}

impl MoldMessages {
    fn read(
        &mut self,
        reader: &mut PcapReader<Bytes>,
        message: &mut Vec<u8>,
    ) -> Result<bool, String> {
        while self.ready.is_empty() {
            let Some(captured) = reader.next().map_err(|error| error.to_string())? else {
                return Ok(false);
            };
            if let Ok(packet) = Packet::parse(captured.payload) {
                self.take(&packet);
            }
        }
        if let Some(next) = self.ready.pop_front() {
            *message = next;
        }
        Ok(true)
    }

    /// Takes the messages of a packet that were not seen: the other line carries them again.
    fn take(&mut self, packet: &Packet<'_>) {
        if self.session != Some(packet.session()) {
            self.session = Some(packet.session());
            self.next_seq = 0;
        }
        for (message, seq) in packet.messages().zip(packet.seq()..) {
            if seq >= self.next_seq {
                self.next_seq = seq + 1;
                self.ready.push_back(message.to_vec());
            }
        }
    }
}
