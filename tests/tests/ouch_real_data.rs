//! Every captured OUCH 5.0 packet of the data folder decodes and encodes to the same bytes.

use gateway::codec::ouch50::{Inbound, Outbound};
use gateway::session::soupbintcp::{FRAME_HEADER_BYTES, ReadBuffer, frame, kind};
use std::path::{Path, PathBuf};

/// The data folder, or `None` when it is absent.
fn data() -> Option<PathBuf> {
    let path = std::env::var_os("WIRELANE_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    path.is_dir().then_some(path)
}

/// The frames of a classic capture file, either byte order, micro- or nanoseconds.
fn frames(file: &[u8]) -> Vec<&[u8]> {
    let number = |at: usize, is_little: bool| {
        let bytes: [u8; 4] = file[at..at + 4].try_into().expect("four bytes");
        if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    };
    let is_little = match file[..4] {
        [0xD4, 0xC3, 0xB2, 0xA1] | [0x4D, 0x3C, 0xB2, 0xA1] => true,
        [0xA1, 0xB2, 0xC3, 0xD4] | [0xA1, 0xB2, 0x3C, 0x4D] => false,
        _ => panic!("no capture file"),
    };
    assert_eq!(number(20, is_little), 1, "Ethernet");
    let mut frames = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let len = number(at + 8, is_little) as usize;
        assert_eq!(len, number(at + 12, is_little) as usize, "captured whole");
        frames.push(&file[at + 16..at + 16 + len]);
        at += 16 + len;
    }
    frames
}

/// The TCP payload of an Ethernet (with or without a VLAN tag), IPv4, TCP frame, without the
/// trailer behind the IP packet.
fn tcp_payload(frame: &[u8]) -> &[u8] {
    let tag = if frame[12..14] == [0x81, 0] { 4 } else { 0 };
    assert_eq!(frame[12 + tag..14 + tag], [8, 0], "IPv4");
    let ip = &frame[14 + tag..];
    let header = usize::from(ip[0] & 15) * 4;
    assert_eq!((ip[0] >> 4, ip[9]), (4, 6), "TCP");
    let tcp = &ip[header..usize::from(u16::from_be_bytes([ip[2], ip[3]]))];
    &tcp[usize::from(tcp[12] >> 4) * 4..]
}

/// Reads a Soup stream and writes it again; returns the written bytes and how many OUCH messages
/// and other packets it held.
fn write_again(stream: &[u8]) -> (Vec<u8>, usize, usize) {
    let mut buffer = ReadBuffer::new(ReadBuffer::BYTES_DEFAULT);
    assert_eq!(buffer.push(stream), stream.len());
    let (mut again, mut messages, mut others) = (Vec::new(), 0, 0);
    while let Some(packet) = buffer.next_packet().expect("a valid stream") {
        let mut out = [0; 512];
        let room = &mut out[FRAME_HEADER_BYTES..];
        let payload_bytes = match packet.kind {
            kind::UNSEQUENCED => {
                let message = Inbound::decode(packet.payload).expect("a client message");
                assert!(message_codes_are_known(&message), "{message:?}");
                messages += 1;
                message.encode(room).expect("room")
            }
            kind::SEQUENCED => {
                messages += 1;
                let message = Outbound::decode(packet.payload).expect("a venue message");
                message.encode(room).expect("room")
            }
            kind::SERVER_HEARTBEAT | kind::CLIENT_HEARTBEAT => {
                assert!(packet.payload.is_empty());
                others += 1;
                0
            }
            other => panic!("unexpected packet {other}"),
        };
        let len = frame(packet.kind, payload_bytes, &mut out).expect("fits");
        again.extend_from_slice(&out[..len]);
    }
    assert!(buffer.is_empty(), "the capture ends with a whole packet");
    (again, messages, others)
}

/// Whether an order's codes are ones the sheet names: a shifted field would not be.
fn message_codes_are_known(message: &Inbound<'_>) -> bool {
    match message {
        Inbound::Enter(view) => {
            let fields = view.fields;
            fields.side.is_known()
                && fields.tif.is_known()
                && fields.display.is_known()
                && fields.capacity.is_known()
                && fields.iso.is_known()
                && fields.cross_type.is_known()
        }
        _ => true,
    }
}

/// Goal: real bytes survive decode and encode, framing included. Method: every OUCH 5.0 capture.
#[test]
fn captured_ouch_packets_encode_to_themselves() {
    let Some(data) = data() else {
        println!("NOT RUN: no data folder (WIRELANE_DATA)");
        return;
    };
    let (mut files, mut messages, mut others) = (0, 0, 0);
    for folder in std::fs::read_dir(data.join("pcap")).expect("the captures") {
        let folder = folder.expect("an entry").path();
        if !folder.to_string_lossy().contains("Ouch.v5.0") {
            continue;
        }
        for file in std::fs::read_dir(&folder).expect("a folder of captures") {
            let path = file.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a capture");
            for frame in frames(&bytes) {
                let stream = tcp_payload(frame);
                let (again, some_messages, some_others) = write_again(stream);
                assert_eq!(again, stream, "{}", path.display());
                messages += some_messages;
                others += some_others;
            }
            files += 1;
        }
    }
    println!("{files} captures, {messages} messages, {others} heartbeats");
    assert!(files >= 3 && messages >= 2 && others >= 1, "{files} {messages} {others}");
}
