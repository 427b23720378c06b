//! Reading a recorded tape message by message: BinaryFILE, pcap of MoldUDP64, LOBSTER; plain, gzip, zstd.

use crate::error::Error;
use feed::binaryfile::{End, MessageReader, open};
use feed::moldudp64::{Packet, Session};
use feed::pcap::PcapReader;
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
        let bytes = Cursor::new(first).chain(source);
        let kind = if is_pcap {
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
