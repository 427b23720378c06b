//! Captured packets: classic pcap files, both byte orders, microseconds and nanoseconds.
//!
//! Gives the payload of each UDP datagram and TCP segment. Ethernet with any number of VLAN tags,
//! Linux cooked capture and raw IP; IPv4 without fragments. Everything else is skipped and counted
//! by kind.
//!
//! Source: libpcap, `pcap-savefile(5)` and the link-layer header types list; RFC 791, 768, 9293.
#![forbid(unsafe_code)]

use shm::units::Nanos;
use std::io::{self, ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Longest captured packet that is believed.
const PACKET_BYTES_MAX: u32 = 262_144;
/// Bytes of the header of a file.
const FILE_HEADER_BYTES: u64 = 24;

/// Why a capture cannot be read on.
#[derive(Debug)]
pub enum PcapError {
    /// The source failed.
    Io(io::Error),
    /// The first bytes are those of no classic pcap file.
    NotPcap,
    /// A link type that is not known here; convert the capture.
    LinkType(u32),
    /// A record states more bytes than any packet has: the file is damaged.
    TooLong(u32),
    /// A record's fraction of a second is a second or more: the file is damaged.
    BadTime,
    /// The file ends inside a record; the packets before are good.
    Truncated,
}

impl core::fmt::Display for PcapError {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Io(error) => write!(out, "the capture cannot be read: {error}"),
            Self::NotPcap => out.write_str("not a classic pcap file (pcapng must be converted)"),
            Self::LinkType(kind) => write!(out, "link type {kind} is not known"),
            Self::TooLong(bytes) => write!(out, "a packet of {bytes} bytes: the file is damaged"),
            Self::BadTime => out.write_str("a packet's time is none: the file is damaged"),
            Self::Truncated => out.write_str("the file ends inside a packet"),
        }
    }
}

impl core::error::Error for PcapError {}

impl From<io::Error> for PcapError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What carried a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// One datagram.
    Udp,
    /// One segment; `seq` is its sequence number.
    Tcp {
        /// Of the first payload byte.
        seq: u32,
    },
}

/// One payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<'a> {
    /// When it was captured, since the Unix epoch.
    pub at: Nanos,
    /// What carried it.
    pub carrier: Carrier,
    /// Where it came from.
    pub source: SocketAddrV4,
    /// Where it went.
    pub destination: SocketAddrV4,
    /// The payload. Shorter than sent when the capture was cut (then it is also in
    /// [`Skipped::cut`]).
    pub payload: &'a [u8],
}

/// Packets that gave no payload, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Not IPv4.
    pub not_ipv4: u64,
    /// IPv4, but neither UDP nor TCP.
    pub other_protocol: u64,
    /// Fragments.
    pub fragments: u64,
    /// Headers that contradict themselves or the packet's length.
    pub malformed: u64,
    /// Payloads cut by the capture's snap length; they are given even so.
    pub cut: u64,
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Ethernet,
    Cooked,
    RawIp,
}

/// Reads a capture packet by packet.
pub struct PcapReader<R> {
    source: R,
    big_endian: bool,
    /// Nanoseconds in one unit of a record's fraction.
    fraction_ns: u64,
    link: Link,
    packet: Vec<u8>,
    skipped: Skipped,
    /// Where the record read last begins, and where it ends.
    begin: u64,
    end: u64,
}

impl<R: Read> PcapReader<R> {
    /// Reads the file's header from bytes that are not compressed.
    ///
    /// # Errors
    /// [`PcapError`]: the file is not a capture that can be read here.
    pub fn new(mut source: R) -> Result<Self, PcapError> {
        let mut header = [0; 24];
        source.read_exact(&mut header).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => PcapError::NotPcap,
            _ => PcapError::Io(error),
        })?;
        let [m0, m1, m2, m3, .., l0, l1, l2, l3] = header;
        let (big_endian, fraction_ns) = match [m0, m1, m2, m3] {
            [0xA1, 0xB2, 0xC3, 0xD4] => (true, 1_000),
            [0xD4, 0xC3, 0xB2, 0xA1] => (false, 1_000),
            [0xA1, 0xB2, 0x3C, 0x4D] => (true, 1),
            [0x4D, 0x3C, 0xB2, 0xA1] => (false, 1),
            _ => return Err(PcapError::NotPcap),
        };
        // The upper bits of the field tell of frame check sequences.
        let link = match word([l0, l1, l2, l3], big_endian) & 0x0FFF_FFFF {
            1 => Link::Ethernet,
            12 | 14 | 101 | 228 => Link::RawIp,
            113 => Link::Cooked,
            other => return Err(PcapError::LinkType(other)),
        };
        let packet = Vec::new();
        let (skipped, begin, end) = (Skipped::default(), FILE_HEADER_BYTES, FILE_HEADER_BYTES);
        Ok(Self { source, big_endian, fraction_ns, link, packet, skipped, begin, end })
    }

    /// The next payload; `None` at the end. Packets without one are skipped and counted.
    ///
    /// # Errors
    /// [`PcapError`]: reading cannot go on.
    #[expect(clippy::should_implement_trait, reason = "lends from its own buffer, may fail")]
    pub fn next(&mut self) -> Result<Option<Captured<'_>>, PcapError> {
        loop {
            let Some(at) = self.read_packet()? else { return Ok(None) };
            let skipped = &mut self.skipped;
            let found = ip_of(&self.packet, self.link, skipped)
                .and_then(|ip| payload_of(ip, skipped))
                .map(|found| (found.carrier, found.source, found.destination, found.range));
            if let Some((carrier, source, destination, (start, end))) = found {
                let payload = self.packet.get(start..end).unwrap_or_default();
                return Ok(Some(Captured { at, carrier, source, destination, payload }));
            }
        }
    }

    /// Byte of the unpacked file where the record that was read last begins; after an error, where
    /// the one begins that cannot be read.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.begin
    }

    /// Packets that gave no payload so far.
    #[must_use]
    pub const fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// Reads one record into the buffer; its time, or `None` at the end of the file.
    fn read_packet(&mut self) -> Result<Option<Nanos>, PcapError> {
        let mut header = [0_u8; 16];
        let mut filled = 0;
        self.begin = self.end;
        while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(PcapError::Truncated),
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(PcapError::Io(error)),
            }
        }
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, ..] = header;
        let seconds = u64::from(word([s0, s1, s2, s3], self.big_endian));
        let fraction = u64::from(word([f0, f1, f2, f3], self.big_endian));
        let bytes = word([c0, c1, c2, c3], self.big_endian);
        if bytes > PACKET_BYTES_MAX {
            return Err(PcapError::TooLong(bytes));
        }
        if fraction >= 1_000_000_000 / self.fraction_ns {
            return Err(PcapError::BadTime);
        }
        self.packet.resize(bytes as usize, 0);
        self.source.read_exact(&mut self.packet).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => PcapError::Truncated,
            _ => PcapError::Io(error),
        })?;
        self.end = self.begin + header.len() as u64 + u64::from(bytes);
        Ok(Some(Nanos(seconds * 1_000_000_000 + fraction * self.fraction_ns)))
    }
}

const fn word(bytes: [u8; 4], big_endian: bool) -> u32 {
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

/// A packet from its IP header on, and where that is.
struct Ip<'a> {
    bytes: &'a [u8],
    at: usize,
}

struct Found {
    carrier: Carrier,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    range: (usize, usize),
}

/// Finds the IPv4 header behind the link layer's.
fn ip_of<'a>(packet: &'a [u8], link: Link, skipped: &mut Skipped) -> Option<Ip<'a>> {
    let ether_type = |at: usize| packet.get(at..)?.first_chunk::<2>().copied();
    let at = match link {
        Link::RawIp => Some(0),
        Link::Cooked => (ether_type(14) == Some([0x08, 0x00])).then_some(16),
        Link::Ethernet => {
            let mut at = 12;
            // 802.1Q, 802.1ad and the older double tag.
            while let Some([0x81, 0x00] | [0x88, 0xA8] | [0x91, 0x00]) = ether_type(at) {
                at += 4;
            }
            (ether_type(at) == Some([0x08, 0x00])).then_some(at + 2)
        }
    };
    let found = at.and_then(|at| Some(Ip { bytes: packet.get(at..)?, at }));
    let found = found.filter(|ip| ip.bytes.first().is_some_and(|first| first >> 4 == 4));
    skipped.not_ipv4 += u64::from(found.is_none());
    found
}

/// Finds the UDP or TCP payload.
fn payload_of(ip: Ip<'_>, skipped: &mut Skipped) -> Option<Found> {
    let malformed = |skipped: &mut Skipped| skipped.malformed += 1;
    let Some(header) = ip.bytes.first_chunk::<20>() else {
        malformed(skipped);
        return None;
    };
    let [first, _, l0, l1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        *header;
    let header_bytes = usize::from(first & 0x0F) * 4;
    let total = usize::from(u16::from_be_bytes([l0, l1]));
    // More fragments, or an offset.
    if u16::from_be_bytes([f0, f1]) & 0x3FFF != 0 {
        skipped.fragments += 1;
        return None;
    }
    if protocol != 17 && protocol != 6 {
        skipped.other_protocol += 1;
        return None;
    }
    let held = total.min(ip.bytes.len());
    let Some(body) = ip.bytes.get(header_bytes..held).filter(|_| header_bytes >= 20) else {
        malformed(skipped);
        return None;
    };
    let found = if protocol == 17 { udp(body) } else { tcp(body) };
    let Some((carrier, ports, start, stated)) = found else {
        malformed(skipped);
        return None;
    };
    let end = (start + stated.unwrap_or(total - header_bytes - start)).min(body.len());
    let whole = stated.map_or(total, |stated| header_bytes + start + stated);
    skipped.cut += u64::from(whole > ip.bytes.len());
    let at = ip.at + header_bytes;
    Some(Found {
        carrier,
        source: SocketAddrV4::new(Ipv4Addr::new(s0, s1, s2, s3), ports.0),
        destination: SocketAddrV4::new(Ipv4Addr::new(d0, d1, d2, d3), ports.1),
        range: (at + start, at + end),
    })
}

/// Carrier, ports, start of the payload, and its stated length if there is one.
type Segment = (Carrier, (u16, u16), usize, Option<usize>);

fn udp(body: &[u8]) -> Option<Segment> {
    let [s0, s1, d0, d1, l0, l1, ..] = *body.first_chunk::<8>()?;
    let ports = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    let stated = usize::from(u16::from_be_bytes([l0, l1])).checked_sub(8)?;
    Some((Carrier::Udp, ports, 8, Some(stated)))
}

fn tcp(body: &[u8]) -> Option<Segment> {
    let [s0, s1, d0, d1, q0, q1, q2, q3, _, _, _, _, offset, ..] = *body.first_chunk::<20>()?;
    let ports = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    let start = usize::from(offset >> 4) * 4;
    if start < 20 || start > body.len() {
        return None;
    }
    Some((Carrier::Tcp { seq: u32::from_be_bytes([q0, q1, q2, q3]) }, ports, start, None))
}

#[cfg(test)]
mod tests;
