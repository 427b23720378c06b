//! Every real ITCH file and every real ITCH capture of the data folder decodes and encodes back to
//! the same bytes, message by message and packet by packet.

use feed::binaryfile::{End, MessageReader, MessageWriter};
use feed::codec::itch50::{Decoder, Fit, Listener, MESSAGE_BYTES_MAX, Message};
use feed::moldudp64::{Packet, PacketBuilder, PacketKind, Session};
use feed::pcap::{Carrier, PcapReader, Skipped};
use std::path::{Path, PathBuf};

/// The folder of recorded data, if this machine has it.
fn data(part: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").into();
    let folder = std::env::var_os("WIRELANE_DATA").unwrap_or(default);
    let folder = PathBuf::from(folder).join(part);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("NOT RUN: no recorded data at {} (set WIRELANE_DATA)", folder.display());
    None
}

/// Files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Hears everything, wants nothing.
struct Nobody;
impl Listener for Nobody {}

/// Decodes a message both ways and encodes it back.
fn round_trip(message: &[u8], decoder: &mut Decoder) {
    assert_eq!(decoder.decode(message, &mut Nobody), Ok(Fit::Exact), "{message:02x?}");
    let decoded = Message::decode(message).unwrap().unwrap();
    let mut out = [0xAA; MESSAGE_BYTES_MAX];
    let length = decoded.encode(&mut out).unwrap();
    assert_eq!(&out[..length], message, "{decoded:?}");
}

/// Goal: the head of a real day decodes and encodes back, whole file included. Method: known counts
/// by type, then the file written anew must be the file.
#[test]
fn every_real_itch_file_survives_a_round_trip() {
    let Some(folder) = data("itch") else { return };
    let mut seen = 0;
    for path in files(&folder) {
        let bytes = std::fs::read(&path).unwrap();
        let mut reader = MessageReader::open(&path).unwrap();
        let mut decoder = Decoder::new();
        let mut writer = MessageWriter::new(Vec::new());
        while let Some((_, message)) = reader.next().unwrap() {
            round_trip(message, &mut decoder);
            writer.write(message).unwrap();
        }
        let counts = decoder.counts();
        println!(
            "{}: {} messages, end {:?}",
            path.file_name().unwrap().display(),
            counts.total(),
            reader.end()
        );
        assert!(matches!(reader.end(), Some(End::File | End::Session)), "truncated");
        let mut written = writer.finish().unwrap();
        if reader.end() == Some(End::File) {
            written.truncate(written.len() - 2);
        }
        assert!(bytes == written || bytes.starts_with(&[0x1F, 0x8B]), "not the same file");
        assert_eq!((counts.malformed, counts.longer, counts.unknown), (0, 0, 0));
        if path.ends_with("nasdaq_head_dayA.itch") {
            let known = [b'R', b'H', b'Y', b'S'].map(|kind| counts.of(kind));
            assert_eq!((known, counts.total()), ([993, 3, 3, 1], 1_000));
        }
        seen += 1;
    }
    assert!(seen > 0, "no file in {}", folder.display());
}

/// Goal: every packet of every ITCH capture parses, its messages survive a round trip, and the
/// packet built anew from them is the packet.
#[test]
fn every_real_itch_capture_survives_a_round_trip() {
    let Some(folder) = data("pcap") else { return };
    let mut decoder = Decoder::new();
    let (mut captures, mut packets) = (0, 0);
    for path in files(&folder) {
        let name = path.display().to_string();
        if !name.contains(".Itch.") {
            continue;
        }
        captures += 1;
        let mut reader = PcapReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let mut in_file = 0;
        while let Some(captured) = reader.next().unwrap() {
            assert_eq!(captured.carrier, Carrier::Udp);
            let packet = Packet::parse(captured.payload).unwrap();
            assert!(!name.contains("Itch.v5.0/") || packet.session() == Session(*b"000010059B"));
            let mut out = vec![0; captured.payload.len()];
            let mut builder = PacketBuilder::new(&mut out, packet.session(), packet.seq()).unwrap();
            for message in packet.messages() {
                round_trip(message, &mut decoder);
                assert!(builder.try_push(message));
            }
            assert!(matches!(packet.kind(), PacketKind::Data(count) if count == builder.count()));
            assert_eq!(builder.finish(), captured.payload.len());
            assert_eq!(out, captured.payload, "{name}");
            in_file += 1;
        }
        assert_eq!(reader.skipped(), &Skipped::default(), "{name}");
        assert!(in_file > 0, "{name} gave no packet");
        packets += in_file;
    }
    let counts = decoder.counts();
    println!("{captures} captures, {packets} packets, {} messages", counts.total());
    for kind in (0..=u8::MAX).filter(|kind| counts.of(*kind) > 0) {
        println!("  {} {}", char::from(kind), counts.of(kind));
    }
    assert!(captures > 0, "no capture in {}", folder.display());
    // The 35 captures of the folder's description have all of these.
    for kind in b"AFECXDUPQHJILYSN".iter().filter(|_| captures >= 35) {
        assert!(counts.of(*kind) > 0, "no {} among the captures", char::from(*kind));
    }
}

/// Goal: the 38-message packet that the protocol sheet describes is among the captures and reads as
/// it says.
#[test]
fn the_packet_of_38_messages_reads_as_described() {
    let Some(folder) = data("pcap") else { return };
    let path = folder.join("Nasdaq.Equities.TotalView.Itch.v5.0/Multiple.Packets.pcap");
    let mut reader = PcapReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut described = 0;
    while let Some(captured) = reader.next().unwrap() {
        let packet = Packet::parse(captured.payload).unwrap();
        if packet.seq() == 19_009_117 {
            let kinds: Vec<u8> = packet.messages().map(|message| message[0]).collect();
            let of = |kind| kinds.iter().filter(|other| **other == kind).count();
            assert_eq!((packet.count(), of(b'A'), of(b'F')), (38, 36, 2));
            described += 1;
        }
    }
    assert_eq!(described, 1);
}
