//! Files that come from elsewhere: BinaryFILE, captures, LOBSTER rows.

use feed::binaryfile::{Compression, End, MessageReader, MessageWriter, decompress};
use feed::book::{BooksConfig, ItchBooks};
use feed::codec::itch50;
use feed::lobster;
use feed::pcap::PcapReader;
use shm::ids::{InstrumentId, Symbol};
use std::io::{Cursor, Read as _};

/// Most bytes taken out of a compressed file: a small one may hold any number.
const UNPACKED_MAX: u64 = 1 << 16;

/// Whole messages, in order, are what the bytes begin with, and the end is told as it is.
pub(super) fn binaryfile(bytes: &[u8]) {
    let mut unpacked = Vec::new();
    let Ok(source) = decompress(Cursor::new(bytes.to_vec())) else { return };
    // Damage inside compressed data ends it: what came before counts.
    let damaged = source.take(UNPACKED_MAX).read_to_end(&mut unpacked).is_err();
    let mut reader = MessageReader::new(unpacked.as_slice());
    let (mut at, mut count) = (0, 0);
    while let Some((number, message)) = reader.next().expect("memory does not fail") {
        count += 1;
        assert_eq!(number, count);
        let end = at + 2 + message.len();
        assert_eq!(&unpacked[at + 2..end], message);
        at = end;
    }
    match reader.end().expect("it has ended") {
        End::Session => assert_eq!(&unpacked[at..at + 2], &[0, 0]),
        End::File => assert_eq!(at, unpacked.len()),
        End::Truncated { left_bytes } => assert_eq!(at + left_bytes, unpacked.len()),
    }
    assert!(!damaged || Compression::of_magic(bytes) != Compression::Plain);
}

pub(super) fn binaryfile_seeds() -> Vec<Vec<u8>> {
    let mut writer = MessageWriter::new(Vec::new());
    for message in super::itch_seeds().iter().take(4) {
        writer.write(message).expect("memory does not fail");
    }
    let whole = writer.finish().expect("memory does not fail");
    // The same stored, not packed, as gzip: RFC 1952, one block of RFC 1951 without compression.
    let mut gzip = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1];
    gzip.extend((whole.len() as u16).to_le_bytes());
    gzip.extend((!(whole.len() as u16)).to_le_bytes());
    gzip.extend(&whole);
    // The sum is wrong: a damaged end, as of a file that is still being written.
    gzip.extend([0; 8]);
    // A frame of zstd with one raw block: RFC 8878, single segment, content size in one byte.
    let mut zstd = vec![0x28, 0xB5, 0x2F, 0xFD, 0x20];
    zstd.push(u8::try_from(whole.len()).expect("a few messages are short"));
    zstd.extend(&(1 | (whole.len() as u32) << 3).to_le_bytes()[..3]);
    zstd.extend(&whole);
    vec![whole, gzip, zstd]
}

/// Payloads lie in the packet, and reading comes to an end.
pub(super) fn pcap(bytes: &[u8]) {
    let Ok(mut reader) = PcapReader::new(bytes) else { return };
    let (mut packets, mut held) = (0_usize, 0_usize);
    while let Ok(Some(captured)) = reader.next() {
        packets += 1;
        held += captured.payload.len();
        assert!(packets * 16 + held < bytes.len(), "more came out than went in");
    }
}

pub(super) fn pcap_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (magic, link) in [([0xD4, 0xC3, 0xB2, 0xA1], 1_u32), ([0xA1, 0xB2, 0x3C, 0x4D], 101)] {
        let big = magic[0] == 0xA1;
        let number = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut bytes = magic.to_vec();
        bytes.extend([0; 16]);
        bytes.extend(number(link));
        for (protocol, head) in [(17_u8, 8_usize), (6, 20)] {
            let mut transport = vec![0; head];
            transport[..4].copy_from_slice(&[0x10, 0, 0x20, 0]);
            if protocol == 6 {
                transport[12] = 0x50;
            } else {
                transport[4..6].copy_from_slice(&13_u16.to_be_bytes());
            }
            transport.extend(*b"hello");
            let mut packet = if link == 1 { [&[0; 12][..], &[8, 0]].concat() } else { Vec::new() };
            packet.extend([0x45, 0]);
            packet.extend((20 + transport.len() as u16).to_be_bytes());
            packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 239, 1, 2, 3]);
            packet.extend(transport);
            let length = number(packet.len() as u32);
            bytes.extend([number(5), number(9), length, length].concat());
            bytes.extend(packet);
        }
        seeds.push(bytes);
    }
    seeds
}

/// What is converted is ITCH that strict books take without a fault.
pub(super) fn lobster(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (levels, rows) = text.split_once('\n').unwrap_or((&text, ""));
    let stock = Symbol(*b"AAPL    ");
    let Ok(converted) = lobster::convert(rows, levels, stock, 1) else { return };
    let config = BooksConfig { orders_max: 256, levels_max: 256, market: b'Q' };
    let mut books = ItchBooks::new(config, 1, [(stock, InstrumentId(0))]);
    for message in &converted.messages {
        assert!(itch50::Message::decode(message).is_ok_and(|message| message.is_some()));
        let applied = books.apply(message);
        assert_eq!(applied.fault, None, "of {message:02x?}");
    }
    assert_eq!(converted.ends.len(), rows.lines().count());
}

pub(super) fn lobster_seeds() -> Vec<Vec<u8>> {
    let levels = "1010,5,1000,7,9999999999,0,990,3\n";
    let rows = [
        "34200.5,1,11,2,1000,1\n34200.6,2,11,1,1000,1\n34200.7,4,11,1,1000,1\n",
        "34201,3,77,2,1010,-1\n34201,3,78,3,1010,-1\n34202,5,0,9,1005,1\n34203,6,0,10,1005,1\n",
        "34204,7,0,0,-1,-1\n34204,7,0,0,0,-1\n34205,7,0,0,1,-1",
    ];
    let text = |rows: &str| [levels, rows].concat().into_bytes();
    let whole = text(&rows.concat());
    let mut seeds: Vec<Vec<u8>> = rows.iter().map(|rows| text(rows)).collect();
    seeds.push(whole);
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: mutation starts from what is good. Method: seeds through what they are seeds of.
    #[test]
    fn seeds_are_well_formed() {
        for seed in binaryfile_seeds() {
            let mut unpacked = Vec::new();
            // The sum of the one in gzip is wrong on purpose; its messages are not.
            let _ = decompress(Cursor::new(seed)).unwrap().read_to_end(&mut unpacked);
            let mut reader = MessageReader::new(unpacked.as_slice());
            while reader.next().unwrap().is_some() {}
            assert_eq!(reader.end(), Some(End::Session));
        }
        for seed in pcap_seeds() {
            let mut reader = PcapReader::new(seed.as_slice()).unwrap();
            while let Some(captured) = reader.next().unwrap() {
                assert_eq!(captured.payload, b"hello");
            }
            assert_eq!(*reader.skipped(), Default::default());
        }
        for seed in lobster_seeds() {
            let text = String::from_utf8(seed).unwrap();
            let (levels, rows) = text.split_once('\n').unwrap();
            assert!(lobster::convert(rows, levels, Symbol(*b"A       "), 1).is_ok());
        }
    }
}
