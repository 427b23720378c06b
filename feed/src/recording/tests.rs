use super::*;
use crate::binaryfile::{Compression, write_file};
use crate::codec::itch50::{Head, SystemEvent, encode};
use crate::moldudp64::PacketBuilder;
use std::fs;

fn event(ts: u64) -> Vec<u8> {
    let mut out = [0; 64];
    let message = SystemEvent { head: Head::of::<SystemEvent>(0, 0, ts), event: b'O' };
    let length = encode(&message, &mut out).unwrap();
    out[..length].to_vec()
}

fn read_all(recording: &mut Recording) -> (Vec<(u64, u64)>, Option<String>) {
    let mut places = Vec::new();
    let mut message = Vec::new();
    loop {
        match recording.read(&mut message) {
            Ok(true) => places.push((recording.place().seq, recording.place().at.0)),
            Ok(false) => return (places, None),
            Err(error) => return (places, Some(error.what)),
        }
    }
}

/// A capture of MoldUDP64 packets: second of capture, session, messages and first number.
fn capture(packets: &[(u32, &str, u64, usize)]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend([0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0]);
    file.extend([0; 8]);
    file.extend(65_535_u32.to_le_bytes());
    // Raw IP.
    file.extend(101_u32.to_le_bytes());
    for &(second, session, seq, count) in packets {
        let mut mold = [0; 1_400];
        let session = Session::new(session).unwrap();
        let mut builder = PacketBuilder::new(&mut mold, session, seq).unwrap();
        for at in 0..count as u64 {
            assert!(builder.try_push(&event(seq + at)));
        }
        let length = builder.finish();
        let mut ip = vec![0x45, 0];
        ip.extend((length as u16 + 28).to_be_bytes());
        ip.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 239, 0, 0, 1]);
        ip.extend([0x10, 0, 0x20, 0]);
        ip.extend((length as u16 + 8).to_be_bytes());
        ip.extend([0, 0]);
        ip.extend(&mold[..length]);
        file.extend(second.to_le_bytes());
        file.extend([0; 4]);
        file.extend((ip.len() as u32).to_le_bytes());
        file.extend((ip.len() as u32).to_le_bytes());
        file.extend(ip);
    }
    file
}

/// Goal: a BinaryFILE of any compression gives its messages with numbers from 1 and times that
/// never fall.
#[test]
fn binary_files_are_numbered_from_one() {
    let folder = tempfile::tempdir().unwrap();
    let messages = [event(5), event(9), event(7)];
    for compression in [Compression::Plain, Compression::Gzip, Compression::Zstd] {
        let path = folder.path().join("day");
        write_file(&path, compression, messages.iter().map(Vec::as_slice)).unwrap();
        let mut recording = Recording::open(&path).unwrap();
        assert_eq!(recording.place().session, FILE_SESSION);
        assert_eq!(read_all(&mut recording), (vec![(1, 5), (2, 9), (3, 9)], None));
    }
}

/// Goal: a capture gives each message once, in order, under its own number: a late packet and the
/// other line's copy fill in, and what is missing stays missing.
#[test]
fn a_capture_keeps_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.pcap");
    let packets = [
        (1, "DAY1", 10, 2),
        (1, "DAY1", 13, 1), // ahead of a gap
        (1, "DAY1", 10, 3), // the other line fills it
        (2, "DAY1", 20, 1), // 14 to 19 never come
        (2, "OTHER", 1, 1), // somebody else's
        (3, "DAY1", 21, 1),
        (9, "DAY2", 1, 1), // the next session, after silence
    ];
    fs::write(&path, capture(&packets)).unwrap();
    let mut recording = Recording::open(&path).unwrap();
    let (places, error) = read_all(&mut recording);
    let numbers: Vec<u64> = places.iter().map(|place| place.0).collect();
    assert_eq!((numbers, error), (vec![10, 11, 12, 13, 20, 21, 1], None));
    assert_eq!(recording.place().session, Session::new("DAY2").unwrap());
    assert!(places.is_sorted_by_key(|place| place.1), "time never falls");
}

/// Goal: what is no recording is refused at the opening, in a sentence with the remedy, and names
/// the file; a damaged end is told after the good messages.
#[test]
fn wrong_files_are_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let whole = {
        let path = folder.path().join("good.gz");
        write_file(&path, Compression::Gzip, [event(1).as_slice()]).unwrap();
        fs::read(&path).unwrap()
    };
    let mut plain = vec![0, 12];
    plain.extend(event(3));
    let cases: [(&str, Vec<u8>, &str); 10] = [
        ("empty", Vec::new(), "it is empty"),
        ("mark", vec![0, 0], "it holds no message"),
        ("text", b"{\"this\": \"is json, and long enough\"}".repeat(1_000), "none of ITCH 5.0"),
        ("zeros", vec![0, 1, 0, 0, 1, 0], "none of ITCH 5.0"),
        ("short", plain[..7].to_vec(), "it ends inside a message"),
        ("gz", whole[..12].to_vec(), "compressed data ends"),
        ("new.pcap", vec![0x0A, 0x0D, 0x0D, 0x0A, 0, 0], "pcapng"),
        ("none.pcap", capture(&[]), "no MoldUDP64 packet"),
        ("1.csv", b"34200.1,1,2,3,4,1\n".to_vec(), "begins with its symbol"),
        ("AAPL_x.csv", b"34200.1,1,2,3,4,1\n34200.2,1,2,x,4,1\n".to_vec(), "row 2: size"),
    ];
    for (name, bytes, sentence) in cases {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = Recording::open(&path).unwrap_err().to_string();
        assert!(error.contains(sentence) && error.contains(name), "{name}: {error}");
    }
    assert!(Recording::open(folder.path()).unwrap_err().what.contains("folder"));
    assert!(Recording::open(&folder.path().join("none")).is_err());

    let path = folder.path().join("cut");
    fs::write(&path, [&plain[..], &plain[..5]].concat()).unwrap();
    let (places, error) = read_all(&mut Recording::open(&path).unwrap());
    assert_eq!(places.len(), 1);
    assert!(error.unwrap().contains("5 bytes are left over"));
}

/// The same, of a type and a time.
fn order(ts: u64) -> Vec<u8> {
    use crate::codec::itch50::OrderDelete;
    let mut out = [0; 64];
    let message = OrderDelete { head: Head::of::<OrderDelete>(1, 0, ts), order_ref: ts.into() };
    let length = encode(&message, &mut out).unwrap();
    out[..length].to_vec()
}

/// Goal: a BinaryFILE that is damaged in the middle gives the messages before and then an error
/// with the byte, what is wrong and what to do; never an end as if whole. Method: each kind of
/// damage behind 100 good messages; every bit of a small file, where any change is seen or gives
/// the same number of messages.
#[test]
fn a_file_that_is_damaged_in_the_middle_is_not_read_as_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day");
    let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    let second = 1_000_000_000;
    let good: Vec<u8> = (0..100).flat_map(|at| framed(&order(5 * second + at))).collect();
    let unknown = framed(&[b'~'; 12]);
    let long = framed(&[order(6 * second), vec![0]].concat());
    let cases: [(Vec<u8>, usize, Option<&str>); 6] = [
        (framed(&order(6 * second)), 101, None),
        (framed(&order(4 * second + 100)), 101, None),
        (unknown.repeat(8), 108, None),
        (long, 100, Some("a message of type D has 20 bytes and not 19")),
        (framed(&order(3 * second)), 100, Some("times of its messages fall by 2000 ms")),
        (unknown.repeat(9), 108, Some("9 messages in a row are of no known type")),
    ];
    for (then, count, wrong) in cases {
        fs::write(&path, [&good[..], &then[..]].concat()).unwrap();
        let (places, error) = read_all(&mut Recording::open(&path).unwrap());
        assert_eq!((places.len(), error.is_some()), (count, wrong.is_some()), "{error:?}");
        let Some(wrong) = wrong else { continue };
        let error = error.unwrap();
        let byte = good.len() + (count - 100) * unknown.len();
        let at = format!("damaged in message {} at byte {byte}", count + 1);
        assert!(
            error.contains(wrong) && error.contains(&at) && error.contains("head -c"),
            "{error}"
        );
    }
    let small = &good[..8 * framed(&order(0)).len()];
    for bit in 0..small.len() * 8 {
        let mut bytes = small.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        let Ok(mut recording) = Recording::open(&path) else { continue };
        let (places, error) = read_all(&mut recording);
        assert!(error.is_some() || places.len() == 8, "bit {bit}: {} messages", places.len());
    }
}

/// Goal: the same of captures and of LOBSTER rows. Method: a length and a time that no packet has,
/// a message of a wrong length in a packet, a row before the one in front of it.
#[test]
fn damaged_captures_and_rows_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.pcap");
    let whole = capture(&[(1, "DAY1", 1, 2), (1, "DAY1", 3, 1)]);
    let second = capture(&[(1, "DAY1", 1, 2)]).len();
    for (at, byte) in [(8, 0xFF), (7, 0xFF)] {
        let mut bytes = whole.clone();
        bytes[second + at] = byte;
        bytes[second + 10] = byte;
        fs::write(&path, &bytes).unwrap();
        let (places, error) = read_all(&mut Recording::open(&path).unwrap());
        let error = error.unwrap_or_else(|| panic!("byte {at} of the record: {places:?}"));
        let place = format!("record at byte {second}");
        assert!(
            places.len() == 2 && error.contains(&place) && error.contains("head -c"),
            "{error}"
        );
    }
    let mut bytes = whole.clone();
    let last = bytes.len() - 12;
    assert_eq!(bytes[last], b'S');
    bytes[last] = b'D';
    fs::write(&path, &bytes).unwrap();
    let (places, error) = read_all(&mut Recording::open(&path).unwrap());
    let error = error.unwrap();
    assert_eq!(places.len(), 2);
    assert!(error.contains("message 3 of session DAY1") && error.contains("12 bytes and not 19"));

    let path = folder.path().join("AAPL_message_1.csv");
    fs::write(&path, "34200.2,1,2,10,1000000,1\n34200.1,1,3,10,1000000,1\n").unwrap();
    let error = Recording::open(&path).unwrap_err().to_string();
    assert!(error.contains("row 2: its time is before"), "{error}");
}
