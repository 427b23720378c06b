//! Every decoder of bytes from outside as a function that may neither panic nor contradict itself,
//! and bytes to start mutating from. Fuzz targets and the mutation test share it.

mod files;
mod own;

use feed::book::{BooksConfig, ItchBooks};
use feed::codec::itch50;
use feed::moldudp64::{Packet, PacketBuilder, PacketKind, Request, Session};
use gateway::codec::ouch50::{Inbound, Outbound};
use gateway::session::soupbintcp::{ReadBuffer, kind, packet};
use shm::ids::{InstrumentId, Symbol};

/// A decoder under attack.
#[derive(Clone, Copy)]
pub struct Decoder {
    /// Its name.
    pub name: &'static str,
    /// Decodes any bytes and asserts what must hold of the result.
    pub run: fn(&[u8]),
    /// Well-formed bytes.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Turns of the fastest decoder that cost about as much as one of this.
    pub cost: u64,
}

impl Decoder {
    const fn new(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Self {
        Self { name, run, seeds, cost: 1 }
    }

    const fn costing(self, cost: u64) -> Self {
        Self { cost, ..self }
    }
}

/// All of them.
pub const DECODERS: [Decoder; 11] = [
    Decoder::new("itch50", itch, itch_seeds),
    Decoder::new("itch_books", itch_books, itch_stream_seeds),
    Decoder::new("moldudp64", moldudp64, moldudp64_seeds),
    Decoder::new("ouch50_inbound", ouch_inbound, ouch_inbound_seeds),
    Decoder::new("ouch50_outbound", ouch_outbound, ouch_outbound_seeds),
    Decoder::new("soupbintcp", soupbintcp, soupbintcp_seeds),
    Decoder::new("binaryfile", files::binaryfile, files::binaryfile_seeds).costing(20),
    Decoder::new("pcap", files::pcap, files::pcap_seeds),
    Decoder::new("lobster", files::lobster, files::lobster_seeds).costing(10),
    Decoder::new("config", own::config, own::config_seeds).costing(100),
    Decoder::new("journal", own::journal, own::journal_seeds).costing(50),
];

/// A decoder by name.
pub fn find(name: &str) -> Option<Decoder> {
    DECODERS.into_iter().find(|decoder| decoder.name == name)
}

/// What decodes encodes to the same bytes, and both ways of decoding agree.
fn itch(bytes: &[u8]) {
    struct Nothing;
    impl itch50::Listener for Nothing {}
    let fit = itch50::decode(bytes, &mut Nothing);
    match itch50::Message::decode(bytes) {
        Ok(Some(message)) => {
            let mut out = [0; itch50::MESSAGE_BYTES_MAX];
            let length = message.encode(&mut out).expect("room for the longest message");
            assert_eq!(&out[..length], &bytes[..length]);
            assert_eq!(Some(length), itch50::length_of(bytes[0]));
            let exact = length == bytes.len();
            assert_eq!(fit, Ok(if exact { itch50::Fit::Exact } else { itch50::Fit::Longer }));
        }
        Ok(None) => assert_eq!(fit, Ok(itch50::Fit::Unknown)),
        Err(error) => assert_eq!(fit, Err(error)),
    }
}

fn itch_seeds() -> Vec<Vec<u8>> {
    (0..=u8::MAX).filter_map(itch_message).collect()
}

/// A message of a kind, its fields counting up.
fn itch_message(kind: u8) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = (0..itch50::length_of(kind)?).map(|at| at as u8).collect();
    bytes[0] = kind;
    // Locate 1: the one the stream below binds.
    bytes[1..3].copy_from_slice(&[0, 1]);
    Some(bytes)
}

/// A stream of messages, each after its length in one byte, applied to books of small capacity.
fn itch_books(bytes: &[u8]) {
    let config = BooksConfig { orders_max: 8, levels_max: 8, market: b'Q' };
    let symbol = Symbol(*b"AAPL    ");
    let mut books = ItchBooks::new(config, 1, [(symbol, InstrumentId(0))]);
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_first() {
        let (message, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        let applied = books.apply(message);
        assert!(applied.depth || !applied.top, "the top changed and no level did");
        rest = tail;
    }
}

fn itch_stream_seeds() -> Vec<Vec<u8>> {
    let mut stream = Vec::new();
    for kind in *b"RHAFECXDUPQB" {
        let mut message = itch_message(kind).expect("a kind of the table");
        if kind == b'R' {
            message[11..19].copy_from_slice(b"AAPL    ");
        }
        stream.push(message.len() as u8);
        stream.extend(message);
    }
    vec![stream]
}

/// A packet that parses holds as many messages as it says, and building it again gives its bytes.
fn moldudp64(bytes: &[u8]) {
    if let Ok(packet) = Packet::parse(bytes) {
        assert_eq!(packet.messages().count(), usize::from(packet.count()));
        if let PacketKind::Data(_) = packet.kind() {
            let mut out = vec![0; bytes.len()];
            let mut builder = PacketBuilder::new(&mut out, packet.session(), packet.seq()).unwrap();
            for message in packet.messages() {
                assert!(builder.try_push(message));
            }
            let length = builder.finish();
            assert_eq!(&out[..length], bytes);
        }
    }
    if let Ok(request) = Request::parse(bytes) {
        let mut out = [0; 20];
        assert_eq!(request.encode(&mut out), Some(bytes.len()));
        assert_eq!(out, bytes);
    }
}

fn moldudp64_seeds() -> Vec<Vec<u8>> {
    let session = Session::new("S000000001").expect("ten characters");
    let mut out = [0; 1024];
    let mut builder = PacketBuilder::new(&mut out, session, 1).expect("room for a header");
    for message in itch_seeds().iter().take(8) {
        assert!(builder.try_push(message));
    }
    let length = builder.finish();
    let mut request = [0; 20];
    Request { session, first: 7, count: 3 }.encode(&mut request).expect("room for a request");
    vec![out[..length].to_vec(), out[..20].to_vec(), request.to_vec()]
}

/// What decodes encodes to the same bytes.
fn ouch_inbound(bytes: &[u8]) {
    if let Ok(message) = Inbound::decode(bytes) {
        let mut out = vec![0; bytes.len() + 8];
        let length = message.encode(&mut out).expect("room for what was decoded");
        assert_eq!(&out[..length], bytes);
    }
}

/// What decodes encodes to the same bytes.
fn ouch_outbound(bytes: &[u8]) {
    if let Ok(message) = Outbound::decode(bytes) {
        let mut out = vec![0; bytes.len() + 8];
        let length = message.encode(&mut out).expect("room for what was decoded");
        assert_eq!(&out[..length], bytes);
    }
}

fn ouch_inbound_seeds() -> Vec<Vec<u8>> {
    ouch_seeds(Inbound::KINDS, |bytes| Inbound::decode(bytes).is_ok())
}

fn ouch_outbound_seeds() -> Vec<Vec<u8>> {
    ouch_seeds(Outbound::KINDS, |bytes| Outbound::decode(bytes).is_ok())
}

/// For each kind, zeros of every length that decodes, and the same with an option after them.
fn ouch_seeds(kinds: &[u8], decodes: fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for kind in kinds {
        for length in 1..200 {
            let mut bytes = vec![0; length];
            bytes[0] = *kind;
            if decodes(&bytes) {
                // Tag 3 (minimum quantity) takes four bytes.
                let option = [5, 3, 0, 0, 0, 100];
                let with_option = [&bytes[..], &[0, 6], &option].concat();
                seeds.extend([bytes, with_option]);
            }
        }
    }
    seeds
}

/// Every packet taken from the buffer came in, in order, whatever the sizes of the reads.
fn soupbintcp(bytes: &[u8]) {
    let mut buffer = ReadBuffer::new(256);
    let mut given = 0;
    let mut taken = 0;
    loop {
        given += buffer.push(&bytes[given..bytes.len().min(given + 100)]);
        match buffer.next_packet() {
            Ok(Some(packet)) => {
                let end = taken + 3 + packet.payload.len();
                assert_eq!(bytes[taken + 2], packet.kind);
                assert_eq!(&bytes[taken + 3..end], packet.payload);
                taken = end;
            }
            Ok(None) if given < bytes.len() => assert!(given - taken < 256, "a full buffer waits"),
            Ok(None) | Err(_) => return,
        }
    }
}

fn soupbintcp_seeds() -> Vec<Vec<u8>> {
    let mut stream = Vec::new();
    for (kind, length) in [(kind::LOGIN_ACCEPTED, 30), (kind::SEQUENCED, 64), (kind::SEQUENCED, 0)]
    {
        let mut out = [0; 128];
        let length = packet(kind, &vec![b' '; length], &mut out).expect("room for the packet");
        stream.extend_from_slice(&out[..length]);
    }
    vec![stream]
}
